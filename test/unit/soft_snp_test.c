/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in and the verifier, end to end: what the one makes, the other accepts for the right reasons only. */
#include "client/attest/policy_rules.h"
#include "client/attest/verify.h"
#include "host/tee/tee.h"
#include "lib/measure/measure.h"
#include "sys/file.h"
#include "sys/soft_root.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { AT = 1764547200 /* 2025-12-01 */ };

static char state_dir[] = "/tmp/broch-soft-test.XXXXXX";
static uint8_t page[PLAN_PAGE_SIZE] = "a Keep, more or less";
static struct plan_range range = {.type = PLAN_NORMAL, .perm = PLAN_R, .count = 1, .bytes = page};
static const struct plan plan = {.params = {BOOT_VM, BOOT_TEE_SOFT, 1}, .ranges = &range, .range_count = 1};
static uint8_t bound[64] = "the handshake";
static uint8_t envelope[ENVELOPE_SIZE_MAX];
static size_t envelope_size;
static uint8_t measured[1][48];
static uint8_t *root_der;
static size_t root_size;

static struct policy_shipped shipped(void)
{
	return (struct policy_shipped){(const uint8_t(*)[48])measured, 1};
}

static struct policy *local(void)
{
	struct policy *p = NULL;

	assert_int_equal(policy_local(slice_of(root_der, root_size), shipped(), &p), OK);
	return p;
}

static struct policy *from_toml(const char *text)
{
	struct policy *p = NULL;
	struct note n = {""};

	if (policy_parse(slice_text(text), "p.toml", shipped(), &p, &n) != OK)
		fail_msg("%s", n.text);
	return p;
}

static struct verdict judge(struct policy *p, struct slice report_data)
{
	struct verify_input in = {slice_of(envelope, envelope_size), report_data, p, AT};
	struct verdict v;

	verify_evidence(&in, &v);
	policy_free(p);
	return v;
}

static void make_root(void)
{
	struct note n = {""};
	struct tee *t = NULL;

	if (tee_soft_snp.open(state_dir, &t, &n) != OK)
		fail_msg("%s", n.text);
	tee_soft_snp.close(t);
}

static int open_all(void **state)
{
	struct tee *t = NULL;
	struct note n = {""};
	struct slice pem;
	char path[256];

	(void)state;
	if (mkdtemp(state_dir) == NULL)
		return -1;
	make_root();
	if (tee_soft_snp.open(state_dir, &t, &n) != OK || tee_soft_snp.launched(t, &plan, &n) != OK ||
	    tee_soft_snp.evidence(t, bound, envelope, sizeof envelope, &envelope_size, &n) != OK)
		return -1;
	tee_soft_snp.close(t);
	if (soft_root_path(state_dir, path, sizeof path) != OK || file_read(path, 65536, &pem, &n) != OK ||
	    cert_pem_to_der(pem, &root_der, &root_size, &n) != OK)
		return -1;
	free((void *)pem.data);
	return measure_snp(&plan, measured[0]) == OK ? 0 : -1;
}

static int close_all(void **state)
{
	char command[300];

	(void)state;
	free(root_der);
	snprintf(command, sizeof command, "rm -rf '%s'", state_dir);
	return system(command);
}

static void its_evidence_is_accepted_and_called_soft(void **state)
{
	struct verdict v = judge(local(), slice_of(bound, sizeof bound));

	(void)state;
	if (!v.ok)
		fail_msg("%s: %s", verdict_reason(&v)->id, verdict_reason(&v)->found);
	assert_true(v.soft);
	assert_string_equal(v.tee, "soft-snp");
	assert_memory_equal(v.measurement, measured[0], 48);
	assert_int_equal(v.measurement_size, 48);
}

static void assert_refused(const struct verdict *v, const char *id)
{
	assert_false(v->ok);
	assert_non_null(verdict_reason(v));
	assert_string_equal(verdict_reason(v)->id, id);
}

static void a_policy_for_real_platforms_refuses_it(void **state)
{
	struct verdict v = judge(from_toml("tee = [\"snp\"]\nmeasurements = [\"shipped\"]\n[snp]\nproducts = [\"Milan\"]\n"
					   "[snp.minimum_tcb]\nboot_loader = 0\ntee = 0\nsnp = 0\nmicrocode = 0\n"),
				 slice_of(bound, sizeof bound));

	(void)state;
	assert_refused(&v, "evidence.tee");
	assert_true(v.soft);
}

/* Renaming the evidence does not help: the chain is not AMD's. */
static void it_cannot_pass_for_a_real_platform(void **state)
{
	static const char text[] = "tee = [\"snp\", \"soft\"]\nmeasurements = [\"shipped\"]\n[snp]\nproducts = [\"Milan\"]\n"
				   "crl = \"if-given\"\nsmt = true\n[snp.minimum_tcb]\nboot_loader = 0\ntee = 0\nsnp = 0\n"
				   "microcode = 0\n[soft]\nroot_sha256 = "
				   "\"0000000000000000000000000000000000000000000000000000000000000000\"\n";
	struct envelope e;
	uint8_t copy[ENVELOPE_SIZE_MAX];
	size_t size;
	struct verify_input in = {.report_data = slice_of(bound, sizeof bound), .policy = from_toml(text), .at = AT};
	struct verdict v;

	(void)state;
	assert_int_equal(envelope_decode(slice_of(envelope, envelope_size), &e, NULL), OK);
	e.tee = slice_text("snp");
	assert_int_equal(envelope_encode(&e, copy, sizeof copy, &size), OK);
	in.envelope = slice_of(copy, size);
	verify_evidence(&in, &v);
	policy_free((struct policy *)in.policy);
	assert_refused(&v, "snp.root.pinned");
	assert_false(v.soft);
}

static void another_root_refuses_it(void **state)
{
	struct policy *p = local();
	struct verdict v;

	(void)state;
	p->soft_root.spki_sha256[5] ^= 1;
	v = judge(p, slice_of(bound, sizeof bound));
	assert_refused(&v, "snp.root.pinned");
}

static void another_handshake_refuses_it(void **state)
{
	uint8_t other[64] = "another handshake";
	struct verdict v = judge(local(), slice_of(other, sizeof other));

	(void)state;
	assert_refused(&v, "snp.report_data");
}

static void another_image_refuses_it(void **state)
{
	struct policy *p = local();
	struct verdict v;

	(void)state;
	p->measurements.bytes[47] ^= 0x80;
	v = judge(p, slice_of(bound, sizeof bound));
	assert_refused(&v, "snp.measurement");
}

static void no_byte_of_it_may_change(void **state)
{
	struct policy *p = local();
	struct verify_input in = {slice_of(envelope, envelope_size), slice_of(bound, sizeof bound), p, AT};
	struct verdict v;
	size_t accepted = 0;

	(void)state;
	/* Every 7th byte, another bit each time: the whole envelope would take minutes under the sanitizers. */
	for (size_t i = 0; i < envelope_size; i += 7) {
		envelope[i] ^= (uint8_t)(1u << i % 8);
		verify_evidence(&in, &v);
		accepted += v.ok;
		envelope[i] ^= (uint8_t)(1u << i % 8);
	}
	assert_int_equal(accepted, 0);
	verify_evidence(&in, &v);
	assert_true(v.ok);
	policy_free(p);
}

static void nothing_is_reported_before_the_launch(void **state)
{
	struct tee *t = NULL;
	struct note n = {""};
	size_t size;

	(void)state;
	assert_int_equal(tee_soft_snp.open(state_dir, &t, &n), OK);
	assert_int_equal(tee_soft_snp.evidence(t, bound, envelope, sizeof envelope, &size, &n), ERR_STATE);
	assert_int_equal(tee_soft_snp.launched(t, &plan, &n), OK);
	assert_int_equal(tee_soft_snp.launched(t, &plan, &n), ERR_STATE);
	tee_soft_snp.close(t);
}

static void a_damaged_root_says_what_to_do(void **state)
{
	char path[300], kept[300];
	struct note n = {""};
	struct tee *t = NULL;

	(void)state;
	snprintf(path, sizeof path, "%s/soft-snp/ask.pem", state_dir);
	snprintf(kept, sizeof kept, "%s/kept", state_dir);
	assert_int_equal(rename(path, kept), 0);
	assert_int_equal(tee_soft_snp.open(state_dir, &t, &n), ERR_INVALID);
	assert_non_null(strstr(n.text, "remove it"));
	assert_int_equal(rename(kept, path), 0);
}

static void others_must_not_write_there(void **state)
{
	struct note n = {""};
	struct tee *t = NULL;

	(void)state;
	assert_int_equal(chmod(state_dir, 0770), 0);
	assert_int_equal(tee_soft_snp.open(state_dir, &t, &n), ERR_PERMISSION);
	assert_int_equal(chmod(state_dir, 0700), 0);
}

/* Two processes at once, over the leftovers of one that was killed: one root, no leftovers. */
static void two_processes_agree_on_one_root(void **state)
{
	char old[300], moved[300], leftover[320], file[340];
	pid_t pid[2];
	int status;

	(void)state;
	snprintf(old, sizeof old, "%s/soft-snp", state_dir);
	snprintf(moved, sizeof moved, "%s/moved", state_dir);
	snprintf(leftover, sizeof leftover, "%s/soft-snp.new", state_dir);
	snprintf(file, sizeof file, "%s/ark.pem", leftover);
	assert_int_equal(rename(old, moved), 0);
	assert_int_equal(mkdir(leftover, 0700), 0);
	assert_int_equal(file_replace(file, slice_text("half a certif"), 0600, NULL), OK);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			struct tee *t = NULL;

			_exit(tee_soft_snp.open(state_dir, &t, NULL) == OK ? 0 : 1);
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(access(leftover, F_OK), -1);
	make_root();
	assert_int_equal(access(moved, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_evidence_is_accepted_and_called_soft),
		cmocka_unit_test(a_policy_for_real_platforms_refuses_it),
		cmocka_unit_test(it_cannot_pass_for_a_real_platform),
		cmocka_unit_test(another_root_refuses_it),
		cmocka_unit_test(another_handshake_refuses_it),
		cmocka_unit_test(another_image_refuses_it),
		cmocka_unit_test(no_byte_of_it_may_change),
		cmocka_unit_test(nothing_is_reported_before_the_launch),
		cmocka_unit_test(a_damaged_root_says_what_to_do),
		cmocka_unit_test(others_must_not_write_there),
		cmocka_unit_test(two_processes_agree_on_one_root),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
