/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/cbor/cbor.h"

#include "lib/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static enum err skip_hex(const char *hex)
{
	uint8_t b[256];
	size_t size = strlen(hex) / 2;
	struct reader r;

	assert_int_equal(hex_decode(slice_text(hex), b, size), OK);
	r = rd_of(slice_of(b, size));
	TRY(cbor_skip(&r));
	return rd_end(&r);
}

/* RFC 8949 appendix A, the rows within our profile. */
static void takes_the_standards_examples(void **state)
{
	static const char *const good[] = {
		"00", "01", "0a", "17", "1818", "1819", "1864", "1903e8", "1a000f4240", "1b000000e8d4a51000",
		"1bffffffffffffffff", "3bffffffffffffffff", "20", "29", "3863", "3903e7", "f4", "f5", "f6", "40",
		"4401020304", "60", "6161", "6449455446", "62225c", "62c3bc", "63e6b0b4", "64f0908591", "80", "83010203",
		"8301820203820405", "98190102030405060708090a0b0c0d0e0f101112131415161718181819", "a0", "a201020304",
		"a26161016162820203", "826161a161626163", "a56161614161626142616361436164614461656145",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(good); i++)
		assert_int_equal(skip_hex(good[i]), OK);
}

static void refuses_what_is_not_deterministic(void **state)
{
	static const char *const bad[] = {
		"1800", "1817", "190017", "1900ff", "1a0000ffff", "1b00000000ffffffff", /* longer heads than needed */
		"5800", "7800", "9800", "b800", "5901", "590001aa",
		"5f42010243030405ff", "7f657374726561646d696e67ff", "9fff", "bf61610161629fffff", "ff", /* indefinite */
		"1c", "1d", "1e", "3c", "5c", "7c", "9c", "bc", "9e", /* reserved */
		"a203040102", "a201020103", "a2616201616102", "a262616101616201", "a26161010a01", /* unsorted, repeated */
		"61ff", "62c080", "63eda080", "64f4908080", "62c328", "63e28228", "61c3", "64f8808080" /* not UTF-8 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		assert_in_set(skip_hex(bad[i]), ((const unsigned long[]){ERR_FORMAT, ERR_TRUNCATED}), 2);
}

static void refuses_what_is_outside_the_profile(void **state)
{
	static const char *const bad[] = {"c11a514b67b0", "d818456449455446", "f7", "f0", "f8ff", "f818", "f93c00",
					  "fa47c35000", "fb3ff199999999999a", "e0", "a18001"};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		assert_int_equal(skip_hex(bad[i]), ERR_UNSUPPORTED);
}

static void refuses_every_truncation(void **state)
{
	uint8_t b[64];
	const char *hex = "a401820203024401020304036449455446041b000000e8d4a51000";
	size_t size = strlen(hex) / 2;

	(void)state;
	assert_int_equal(hex_decode(slice_text(hex), b, size), OK);
	for (size_t cut = 0; cut < size; cut++) {
		struct reader r = rd_of(slice_of(b, cut));

		assert_int_equal(cbor_skip(&r), ERR_TRUNCATED);
		assert_int_equal(rd_offset(&r), 0);
	}
}

static void counts_never_exceed_the_input(void **state)
{
	(void)state;
	assert_int_equal(skip_hex("9affffffff"), ERR_TRUNCATED);
	assert_int_equal(skip_hex("bbffffffffffffffff"), ERR_TRUNCATED);
	assert_int_equal(skip_hex("5bffffffffffffffff"), ERR_TRUNCATED);
	assert_int_equal(skip_hex("820102"), OK);
	assert_int_equal(skip_hex("8201"), ERR_TRUNCATED);
}

static void depth_is_bounded(void **state)
{
	char deep[2 * CBOR_DEPTH_MAX + 5] = "";

	(void)state;
	for (int i = 0; i < CBOR_DEPTH_MAX; i++)
		strcat(deep, "81");
	strcat(deep, "00");
	assert_int_equal(skip_hex(deep), OK);
	memmove(deep + 2, deep, strlen(deep) + 1);
	assert_int_equal(skip_hex(deep), ERR_LIMIT);
}

static void types_are_not_mixed_up(void **state)
{
	static const uint8_t in[] = {0x41, 0x00};
	struct reader r = rd_of(slice_of(in, sizeof in));
	struct cbor_map m;
	struct slice s;
	uint64_t v;
	size_t n;
	bool b;

	(void)state;
	assert_int_equal(cbor_uint(&r, &v), ERR_INVALID);
	assert_int_equal(cbor_text(&r, &s), ERR_INVALID);
	assert_int_equal(cbor_bool(&r, &b), ERR_INVALID);
	assert_int_equal(cbor_array(&r, &n), ERR_INVALID);
	assert_int_equal(cbor_map(&r, &m), ERR_INVALID);
	assert_int_equal(rd_offset(&r), 0);
	assert_int_equal(cbor_bytes(&r, &s), OK);
	assert_int_equal(s.size, 1);
}

static void reads_back_what_it_wrote(void **state)
{
	static const uint64_t edges[] = {0, 23, 24, 255, 256, 65535, 65536, 0xffffffff, 0x100000000, UINT64_MAX};
	uint8_t out[256];
	struct writer w = wr_of(out, sizeof out);
	struct reader r;
	struct cbor_map m;
	uint64_t key, v;
	bool b;

	(void)state;
	assert_int_equal(cbor_put_map(&w, ARRAY_COUNT(edges)), OK);
	for (size_t i = 0; i < ARRAY_COUNT(edges); i++) {
		assert_int_equal(cbor_put_uint(&w, edges[i]), OK);
		assert_int_equal(i % 2 == 0 ? cbor_put_uint(&w, edges[i]) : cbor_put_bool(&w, true), OK);
	}
	r = rd_of(wr_slice(&w));
	assert_int_equal(cbor_map(&r, &m), OK);
	for (size_t i = 0; m.left > 0; i++) {
		assert_int_equal(cbor_key_uint(&r, &m, &key), OK);
		assert_int_equal(key, edges[i]);
		if (i % 2 != 0) {
			assert_int_equal(cbor_bool(&r, &b), OK);
			continue;
		}
		assert_int_equal(cbor_uint(&r, &v), OK);
		assert_int_equal(v, edges[i]);
	}
	assert_int_equal(rd_end(&r), OK);
}

static void writer_stops_at_its_end(void **state)
{
	uint8_t out[8];
	struct writer w;

	(void)state;
	for (size_t room = 0; room < 5; room++) {
		w = wr_of(out, room);
		assert_int_equal(cbor_put_bytes(&w, slice_of("abcd", 4)), ERR_SPACE);
		assert_int_equal(wr_used(&w), 0);
		assert_int_equal(cbor_put_uint(&w, 1 << 20), ERR_SPACE);
	}
	w = wr_of(out, 5);
	assert_int_equal(cbor_put_bytes(&w, slice_of("abcd", 4)), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_standards_examples),
		cmocka_unit_test(refuses_what_is_not_deterministic),
		cmocka_unit_test(refuses_what_is_outside_the_profile),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(counts_never_exceed_the_input),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(types_are_not_mixed_up),
		cmocka_unit_test(reads_back_what_it_wrote),
		cmocka_unit_test(writer_stops_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
