/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/options.h"
#include "host/agent/record.h"
#include "host/agent/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static void request_defaults_and_values(void **state)
{
	struct create_request r;
	struct fault f = {0};

	(void)state;
	assert_int_equal(request_parse(slice_of(NULL, 0), &r, &f), OK);
	assert_int_equal(r.linger_s, 600);
	assert_int_equal(request_parse(slice_text("{}"), &r, &f), OK);
	assert_string_equal(r.backend, "");
	assert_int_equal(
	        request_parse(
	                slice_text(
	                        "{\"memory_max\":1048576,\"linger_s\":0,\"name\":\"deadbeef\",\"tee\":\"soft-snp\"}"),
	                &r, &f),
	        OK);
	assert_int_equal(r.memory_max, 1 << 20);
	assert_int_equal(r.linger_s, 0);
	assert_string_equal(r.name, "deadbeef");
}

static void request_refusals_help(void **state)
{
	struct create_request r;
	struct fault f = {0};

	(void)state;
	assert_int_equal(request_parse(slice_text("{\"memry_max\":1}"), &r, &f), ERR_INVALID);
	assert_string_equal(f.hint, "did you mean memory_max?");
	f = (struct fault){0};
	assert_int_equal(request_parse(slice_text("{\"memory_max\":1048575}"), &r, &f), ERR_INVALID);
	assert_int_equal(f.status, 400);
	f = (struct fault){0};
	assert_int_equal(request_parse(slice_text("{\"name\":null}"), &r, &f), ERR_INVALID);
	f = (struct fault){0};
	/* one wrong key among right ones: nothing of it may be used */
	assert_int_equal(request_parse(slice_text("{\"backend\":\"kvm\",\"x\":1,\"linger_s\":1}"), &r, &f),
	                 ERR_INVALID);
}

static void sizes(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_int_equal(size_parse("0", &n), OK);
	assert_int_equal(size_parse("3G", &n), OK);
	assert_int_equal(n, UINT64_C(3) << 30);
	assert_int_equal(size_parse("16777215T", &n), OK);
	assert_int_equal(size_parse("16777216T", &n), ERR_RANGE);
	assert_int_equal(size_parse("18446744073709551616", &n), ERR_RANGE);
	assert_int_equal(size_parse("", &n), ERR_FORMAT);
	assert_int_equal(size_parse("-1", &n), ERR_FORMAT);
	assert_int_equal(size_parse("1k", &n), ERR_FORMAT);
	assert_int_equal(size_parse("1MB", &n), ERR_FORMAT);
}

static void records_survive_the_disk(void **state)
{
	struct keep k = {.id = "0123456789ab",
	                 .name = "web",
	                 .client = "cert:CN=\"a\\b\"",
	                 .backend = "kvm",
	                 .tee = "soft-snp",
	                 .state = KEEP_FAILED,
	                 .end = "died: of \"quotes\"",
	                 .memory_max = UINT64_C(4) << 30,
	                 .linger_s = 600,
	                 .created_ms = 1790000000123,
	                 .ended_ms = 1790000001000,
	                 .pid = 4242,
	                 .pid_start = 987654321};
	char dir[] = "/tmp/broch-record.XXXXXX", path[64], text[4096];
	struct note n = {0};
	bool same_boot = false;
	struct keep back;
	size_t size;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(record_write(dir, &k, &n), OK);
	snprintf(path, sizeof path, "%s/0123456789ab.json", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	size = fread(text, 1, sizeof text, f);
	fclose(f);
	assert_int_equal(record_parse(slice_of(text, size), &back, &same_boot, &n), OK);
	assert_true(same_boot);
	assert_string_equal(back.client, k.client);
	assert_string_equal(back.end, k.end);
	assert_int_equal(back.state, KEEP_FAILED);
	assert_int_equal(back.created_ms, k.created_ms);
	assert_int_equal(back.pid_start, k.pid_start);
	for (size_t cut = 0; cut < size; cut++)
		assert_int_not_equal(record_parse(slice_of(text, cut), &back, &same_boot, &n), OK);
	record_remove(dir, k.id);
	assert_int_equal(rmdir(dir), 0);
}

static void records_go_nowhere(void **state)
{
	struct keep k = {.id = "0123456789ab", .backend = "kvm", .tee = "soft-snp"};
	struct note n = {0};

	(void)state;
	assert_int_not_equal(record_write("/nonexistent", &k, &n), OK);
	assert_true(n.text[0] != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(request_defaults_and_values),
	        cmocka_unit_test(request_refusals_help),
	        cmocka_unit_test(sizes),
	        cmocka_unit_test(records_survive_the_disk),
	        cmocka_unit_test(records_go_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
