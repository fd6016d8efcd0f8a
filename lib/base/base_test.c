/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/arena.h"
#include "lib/base/ct.h"
#include "lib/base/hex.h"
#include "lib/base/rw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void reader_stops_at_its_end(void **state)
{
	static const uint8_t in[] = {1, 2, 3, 4, 5};
	struct reader r = rd_of(slice_of(in, sizeof in)), sub;
	uint64_t v64;
	uint32_t v32;
	uint8_t v8;

	(void)state;
	assert_int_equal(rd_u64le(&r, &v64), ERR_TRUNCATED);
	assert_int_equal(rd_left(&r), 5);
	assert_int_equal(rd_u32be(&r, &v32), OK);
	assert_int_equal(v32, 0x01020304);
	assert_int_equal(rd_end(&r), ERR_TRAILING);
	assert_int_equal(rd_sub(&r, 2, &sub), ERR_TRUNCATED);
	assert_int_equal(rd_sub(&r, 1, &sub), OK);
	assert_int_equal(rd_offset(&sub), 4);
	assert_int_equal(rd_u8(&sub, &v8), OK);
	assert_int_equal(v8, 5);
	assert_int_equal(rd_end(&r), OK);
	assert_int_equal(rd_end(&sub), OK);
}

static void reader_wants_zeros(void **state)
{
	static const uint8_t in[] = {0, 0, 1};
	struct reader r = rd_of(slice_of(in, sizeof in));

	(void)state;
	assert_int_equal(rd_zero(&r, 3), ERR_FORMAT);
	assert_int_equal(rd_offset(&r), 0);
	assert_int_equal(rd_zero(&r, 2), OK);
}

static void empty_reader_takes_null(void **state)
{
	struct reader r = rd_of(slice_of(NULL, 0));
	uint8_t v;

	(void)state;
	assert_int_equal(rd_u8(&r, &v), ERR_TRUNCATED);
	assert_int_equal(rd_end(&r), OK);
}

static void writer_never_overruns(void **state)
{
	uint8_t out[8] = {0};
	struct writer w = wr_of(out, 6);

	(void)state;
	assert_int_equal(wr_u32le(&w, 0x04030201), OK);
	assert_int_equal(wr_u32be(&w, 1), ERR_SPACE);
	assert_int_equal(wr_u16be(&w, 0x0506), OK);
	assert_int_equal(wr_u8(&w, 7), ERR_SPACE);
	assert_memory_equal(out, "\1\2\3\4\5\6\0\0", 8);
}

static void arena_scratch_leaves_what_was_there(void **state)
{
	static uint8_t memory[64];
	struct arena a = {.base = memory, .committed = sizeof memory, .max = sizeof memory};
	size_t mark;
	uint8_t *p;

	(void)state;
	mark = a.used;
	p = arena_many_scratch(&a, 16, uint8_t);
	assert_non_null(p);
	memset(p, 0xaa, 16);
	arena_release(&a, mark);
	p = arena_many_scratch(&a, 8, uint8_t);
	assert_int_equal(p[7], 0xaa);
	/* What follows is clean all the same. */
	p = arena_many(&a, 16, uint8_t);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(p[i], 0);
	assert_null(arena_many_scratch(&a, 41, uint8_t));
	assert_null(arena_scratch(&a, SIZE_MAX, 2, 1));
}

static void arena_zeroes_aligns_and_ends(void **state)
{
	static uint8_t memory[64];
	struct arena a;
	uint8_t *p, *q;

	(void)state;
	memset(memory, 0xff, sizeof memory);
	a = arena_of(memory, sizeof memory);
	p = arena_alloc(&a, 3, 1);
	q = arena_alloc(&a, 8, 8);
	assert_true(p != NULL && q != NULL && (uintptr_t)q % 8 == 0);
	assert_int_equal(p[2], 0);
	assert_null(arena_alloc(&a, 64, 1));
	assert_null(arena_array(&a, SIZE_MAX / 2, 4, 1));
	arena_release(&a, 0);
	assert_non_null(arena_alloc(&a, 64, 1));
}

static void note_keeps_the_first_message(void **state)
{
	struct note n = {0};

	(void)state;
	assert_int_equal(refuse(&n, ERR_RANGE, "%s: %u of %d, 0x%llx%%", "here", 7U, -3, 0xabcdefULL), ERR_RANGE);
	note_set(&n, "later");
	assert_string_equal(n.text, "here: 7 of -3, 0xabcdef%");
}

static void note_truncates(void **state)
{
	struct note n = {0};
	char big[NOTE_MAX * 2];

	(void)state;
	memset(big, 'x', sizeof big);
	big[sizeof big - 1] = 0;
	note_set(&n, "%s", big);
	assert_int_equal(strlen(n.text), NOTE_MAX - 1);
}

static void hex_is_exact(void **state)
{
	uint8_t b[2];
	char t[5];

	(void)state;
	assert_int_equal(hex_decode(slice_text("aB0f"), b, 2), OK);
	hex_encode(slice_of(b, 2), t);
	assert_string_equal(t, "ab0f");
	assert_int_equal(hex_decode(slice_text("aB0"), b, 2), ERR_FORMAT);
	assert_int_equal(hex_decode(slice_text("aB0g"), b, 2), ERR_FORMAT);
	assert_int_equal(hex_decode(slice_text("aB0f00"), b, 2), ERR_FORMAT);
}

static void secrets_compare_and_vanish(void **state)
{
	uint8_t a[4] = {1, 2, 3, 4}, b[4] = {1, 2, 3, 5};

	(void)state;
	assert_false(ct_equal(a, b, 4));
	assert_true(ct_equal(a, b, 3));
	wipe(a, sizeof a);
	assert_memory_equal(a, "\0\0\0\0", 4);
}

static void slices_lie_within_their_bounds(void **state)
{
	(void)state;
	assert_true(slice_within(slice_text(" ~a"), ' ', '~'));
	assert_true(slice_within(slice_text(""), ' ', '~'));
	assert_false(slice_within(slice_text("a\x1f"), ' ', '~'));
	assert_false(slice_within(slice_text("\x7f"), ' ', '~'));
	assert_false(slice_within(slice_text("a\xc3\xa9"), ' ', '~'));
	assert_false(slice_within(slice_text("a b"), '!', '~'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_stops_at_its_end), cmocka_unit_test(reader_wants_zeros),
		cmocka_unit_test(empty_reader_takes_null), cmocka_unit_test(writer_never_overruns),
		cmocka_unit_test(arena_scratch_leaves_what_was_there),
		cmocka_unit_test(arena_zeroes_aligns_and_ends), cmocka_unit_test(note_keeps_the_first_message),
		cmocka_unit_test(note_truncates), cmocka_unit_test(hex_is_exact),
		cmocka_unit_test(slices_lie_within_their_bounds),
		cmocka_unit_test(secrets_compare_and_vanish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
