/* SPDX-License-Identifier: Apache-2.0 */
#include "host/vmm/spans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void counts_what_is_missing(void **state)
{
	struct spans s = {0};

	(void)state;
	assert_int_equal(spans_missing(&s, 10, 20), 10);
	assert_int_equal(spans_add(&s, 10, 20), OK);
	assert_int_equal(spans_missing(&s, 10, 20), 0);
	assert_int_equal(spans_missing(&s, 0, 30), 20);
	assert_int_equal(spans_missing(&s, 19, 21), 1);
	assert_int_equal(spans_missing(&s, 20, 20), 0);
}

static void neighbours_melt(void **state)
{
	struct spans s = {0};

	(void)state;
	assert_int_equal(spans_add(&s, 10, 20), OK);
	assert_int_equal(spans_add(&s, 30, 40), OK);
	assert_int_equal(s.count, 2);
	assert_int_equal(spans_add(&s, 20, 30), OK);
	assert_int_equal(s.count, 1);
	assert_int_equal(spans_add(&s, 0, 100), OK);
	assert_int_equal(s.count, 1);
	assert_int_equal(spans_missing(&s, 0, 101), 1);
}

static void full_is_an_error_that_changes_nothing(void **state)
{
	struct spans s = {0};

	(void)state;
	for (uint64_t i = 0; i < SPANS_MAX; i++)
		assert_int_equal(spans_add(&s, 10 * i, 10 * i + 5), OK);
	assert_int_equal(spans_add(&s, 7, 8), ERR_LIMIT);
	assert_int_equal(spans_missing(&s, 7, 8), 1);
	assert_int_equal(spans_add(&s, 5, 10), OK); /* joins two: there is room again */
	assert_int_equal(s.count, SPANS_MAX - 1);
	assert_int_equal(spans_add(&s, 17, 18), OK);
}

/* Against the simplest thing that can be right: one flag per address. */
static void agrees_with_a_bitmap(void **state)
{
	enum { SIZE = 400 };
	struct spans s = {0};
	bool bitmap[SIZE] = {0};
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		uint64_t begin, end, missing = 0;

		if (round % 60 == 0) {
			s = (struct spans){0};
			memset(bitmap, 0, sizeof bitmap);
		}
		seed = seed * 1664525 + 1013904223;
		begin = (seed >> 8) % SIZE;
		end = begin + (seed >> 20) % 17;
		if (end > SIZE)
			end = SIZE;
		for (uint64_t i = begin; i < end; i++)
			missing += !bitmap[i];
		assert_int_equal(spans_missing(&s, begin, end), missing);
		assert_int_equal(spans_add(&s, begin, end), OK);
		for (uint64_t i = begin; i < end; i++)
			bitmap[i] = true;
		for (size_t i = 1; i < s.count; i++)
			assert_true(s.span[i - 1].end < s.span[i].begin);
	}
}

static void whole_spans_can_be_taken_out(void **state)
{
	struct spans s = {0};

	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(spans_add(&s, 10 * i, 10 * i + 5), OK);
	assert_int_equal(spans_remove(&s, 10, 14), ERR_RANGE);
	assert_int_equal(spans_remove(&s, 11, 15), ERR_RANGE);
	assert_int_equal(spans_remove(&s, 0, 25), ERR_RANGE);
	assert_int_equal(spans_remove(&s, 10, 15), OK);
	assert_int_equal(spans_remove(&s, 10, 15), ERR_RANGE);
	assert_int_equal(s.count, 2);
	assert_int_equal(spans_missing(&s, 0, 25), 15);
	assert_int_equal(spans_remove(&s, 0, 5), OK);
	assert_int_equal(spans_remove(&s, 20, 25), OK);
	assert_int_equal(s.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_is_missing),
		cmocka_unit_test(neighbours_melt),
		cmocka_unit_test(full_is_an_error_that_changes_nothing),
		cmocka_unit_test(agrees_with_a_bitmap),
		cmocka_unit_test(whole_spans_can_be_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
