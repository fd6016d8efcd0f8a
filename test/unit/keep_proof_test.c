/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check-code in a whole Keep: compiled code is proven before its first run. A compiler with a bug is played by the
 * host, which here (in no TEE) can write to the code before it is sealed.
 */
#include "test/hostile/fakehost.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* (memory (export "memory") 1) (func (export "_start") (local i32) loop: count to 200,000), which is long enough to be
 * compiled on the way. */
static const uint8_t counts[] = {
	0, 'a', 's', 'm', 1, 0, 0, 0,
	1, 4, 1, 0x60, 0, 0,
	3, 2, 1, 0,
	5, 3, 1, 0, 1,
	7, 19, 2, 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0, 6, '_', 's', 't', 'a', 'r', 't', 0, 0,
	10, 23, 1, 21, 1, 1, 0x7f, 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41, 0xc0, 0x9a, 0x0c, 0x49, 0x0d, 0, 0x0b, 0x0b,
};

enum { HLT = 0xf4, RUN = 16 };

static struct client client;
static unsigned seals;
static size_t place;

static void count_seals(uint8_t *code, size_t size)
{
	(void)code;
	(void)size;
	seals++;
}

static void break_code(uint8_t *code, size_t size)
{
	seals++;
	assert_true(place + RUN <= size);
	memset(code + place, HLT, RUN);
}

static void run(void (*touch)(uint8_t *code, size_t size), enum workload_end how, const char *words)
{
	const struct fake_package p = {.module = {counts, sizeof counts}, .flags = MANIFEST_CHECK_CODE};
	const struct fake_options o = {.touch_code = touch};
	enum session_type type;
	struct slice body;
	struct msg_exit m;

	seals = 0;
	fake_start(&o);
	assert_int_equal(client_run(&client, &p), OK);
	assert_int_equal(client_next(&client, &type, &body), OK);
	assert_int_equal(type, SESSION_EXIT);
	assert_int_equal(msg_exit_decode(body, &m), OK);
	if (m.end != how)
		fail_msg("ended %u: %.*s", (unsigned)m.end, (int)m.message.size, (const char *)m.message.data);
	assert_true(seals > 0); /* else nothing was compiled, and nothing proven */
	if (memmem(m.message.data, m.message.size, words, strlen(words)) == NULL)
		fail_msg("%.*s", (int)m.message.size, (const char *)m.message.data);
	client_free(&client);
}

static void proven_code_runs(void **state)
{
	(void)state;
	run(count_seals, WORKLOAD_EXITED, "");
}

static void unproven_code_ends_the_workload(void **state)
{
	static const size_t places[] = {0, 8, 24, 40};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
		place = places[i];
		run(break_code, WORKLOAD_REFUSED, "the machine code made of the module is not proven safe, so it did not run");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proven_code_runs),
		cmocka_unit_test(unproven_code_ends_the_workload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
