/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/meter.h"

#include "keep/call/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static uint8_t *shared;
static uint32_t status;
static uint64_t calls;

void door_ring(void)
{
	struct keepcall_page *p = (struct keepcall_page *)(void *)shared;

	calls++;
	p->status = status;
	p->answered = p->sequence;
	p->ret[0] = p->arg[1]; /* all of it */
}

void call_broken(const char *what)
{
	fail_msg("%s", what);
	abort();
}

static int setup(void **state)
{
	struct boot_info boot = {
	        .magic = BOOT_MAGIC, .version = BOOT_VERSION, .size = sizeof boot, .shared_size = KEEPCALL_SHARED_SIZE};

	(void)state;
	shared = calloc(1, KEEPCALL_SHARED_SIZE);
	assert_non_null(shared);
	boot.shared_va = (uintptr_t)shared;
	call_init(&boot);
	status = KEEPCALL_OK;
	calls = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(shared);
	return 0;
}

static void both_ways_count_up_to_the_limit(void **state)
{
	struct meter m = {.limit = 10};
	uint8_t buffer[8] = {0};
	size_t n;

	(void)state;
	assert_int_equal(meter_send(&m, 1, slice_of(buffer, 6), &n), OK);
	assert_int_equal(n, 6);
	assert_int_equal(meter_receive(&m, 1, buffer, 8, &n), OK);
	assert_int_equal(n, 4); /* no more was asked for */
	assert_int_equal(m.used, 10);
	assert_false(m.refused);
	assert_int_equal(meter_send(&m, 1, slice_of(buffer, 0), &n), OK); /* nothing is not more */
	calls = 0;
	assert_int_equal(meter_receive(&m, 1, buffer, 1, &n), ERR_LIMIT);
	assert_int_equal(meter_send(&m, 2, slice_of(buffer, 1), &n), ERR_LIMIT);
	assert_true(m.refused && n == 0 && calls == 0);
}

static void what_does_not_move_does_not_count(void **state)
{
	struct meter m = {.limit = 10};
	uint8_t buffer[8] = {0};
	size_t n;

	(void)state;
	status = KEEPCALL_AGAIN;
	assert_int_equal(meter_send(&m, 1, slice_of(buffer, 8), &n), ERR_AGAIN);
	assert_int_equal(meter_receive(&m, 1, buffer, 8, &n), ERR_AGAIN);
	status = KEEPCALL_CLOSED;
	assert_int_equal(meter_receive(&m, 1, buffer, 8, &n), ERR_CLOSED);
	assert_int_equal(m.used, 0);
}

static void without_a_limit_it_only_counts(void **state)
{
	struct meter m = {0};
	uint8_t buffer[8] = {0};
	size_t n;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(meter_send(&m, 1, slice_of(buffer, 8), &n), OK);
	assert_int_equal(m.used, 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(both_ways_count_up_to_the_limit, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_does_not_move_does_not_count, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_a_limit_it_only_counts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
