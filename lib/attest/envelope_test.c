/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct envelope sample(void)
{
	struct envelope e = {.tee = slice_text("soft-snp"), .evidence = slice_text("a report"), .collateral_count = 3};

	e.collateral[0] = (struct envelope_item){slice_text("ark"), slice_text("root")};
	e.collateral[1] = (struct envelope_item){slice_text("ask"), slice_text("")};
	e.collateral[2] = (struct envelope_item){slice_text("vcek"), slice_text("leaf")};
	return e;
}

static void envelope_comes_back(void **state)
{
	struct envelope e = sample(), back;
	uint8_t out[256];
	size_t size;

	(void)state;
	assert_int_equal(envelope_encode(&e, out, sizeof out, &size), OK);
	assert_int_equal(envelope_decode(slice_of(out, size), &back, NULL), OK);
	assert_true(slice_is(back.tee, "soft-snp") && slice_is(back.evidence, "a report"));
	assert_int_equal(back.collateral_count, 3);
	assert_true(slice_is(back.collateral[2].name, "vcek") && slice_is(back.collateral[2].value, "leaf"));
}

static void unsorted_collateral_is_refused(void **state)
{
	struct envelope e = sample();
	uint8_t out[256];
	size_t size;

	(void)state;
	e.collateral[0].name = slice_text("zzz");
	assert_int_equal(envelope_encode(&e, out, sizeof out, &size), ERR_FORMAT);
}

static void every_length_but_the_right_one_is_refused(void **state)
{
	struct envelope e = sample(), back;
	uint8_t out[257] = {0};
	struct note n;
	size_t size;

	(void)state;
	assert_int_equal(envelope_encode(&e, out, sizeof out - 1, &size), OK);
	for (size_t i = 0; i < size; i++)
		assert_int_not_equal(envelope_decode(slice_of(out, i), &back, NULL), OK);
	n.text[0] = 0;
	assert_int_equal(envelope_decode(slice_of(out, size + 1), &back, &n), ERR_TRAILING);
	assert_int_not_equal(n.text[0], 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(envelope_encode(&e, out, i, &size), ERR_SPACE);
}

static void workload_file_comes_back(void **state)
{
	struct workload_file f = {slice_text("e"), slice_text("h"), slice_text("m"), slice_text("k"), slice_text("")};
	struct workload_file back;
	uint8_t out[64];
	size_t size;

	(void)state;
	assert_int_equal(workload_file_encode(&f, out, sizeof out, &size), OK);
	assert_int_equal(workload_file_decode(slice_of(out, size), &back, NULL), OK);
	assert_true(slice_is(back.manifest, "m") && slice_is(back.nonce, ""));
	for (size_t i = 0; i < size; i++)
		assert_int_not_equal(workload_file_decode(slice_of(out, i), &back, NULL), OK);
	out[2] = 2;
	assert_int_equal(workload_file_decode(slice_of(out, size), &back, NULL), ERR_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(envelope_comes_back),
		cmocka_unit_test(unsorted_collateral_is_refused),
		cmocka_unit_test(every_length_but_the_right_one_is_refused),
		cmocka_unit_test(workload_file_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
