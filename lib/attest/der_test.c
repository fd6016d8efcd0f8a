/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/der.h"
#include "lib/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct slice bytes(const char *hex)
{
	static uint8_t out[256];

	assert_int_equal(hex_decode(slice_text(hex), out, strlen(hex) / 2), OK);
	return slice_of(out, strlen(hex) / 2);
}

static void strict_forms_only(void **state)
{
	static const struct {
		const char *hex;
		bool good;
	} rows[] = {
		{"0500", true},           {"3000", true},         {"30030101ff", true},       {"3003010101", false},
		{"30020100", false},      {"020100", true},       {"0200", false},            {"02020080", true},
		{"0202007f", false},      {"0202ff80", false},    {"0202ff7f", true},         {"3080020100", false},
		{"30800201000000", false}, {"048101aa", false},   {"04820001aa", false},      {"0485000000000100", false},
		{"3003020100", true},     {"30040201", false},    {"3005020100", false},      {"300302010000", false},
		{"1f810500", false},      {"a003020101", true},   {"a0020101", false},        {"", false},
		{"30", false},            {"0404deadbeef", true}, {"310430020500", true},     {"04ff", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		if ((der_check(bytes(rows[i].hex)) == OK) != rows[i].good)
			fail_msg("%s", rows[i].hex);
}

static void long_lengths_are_minimal(void **state)
{
	static uint8_t b[70000];
	const struct {
		uint8_t head[5];
		size_t head_size, size;
		bool good;
	} rows[] = {{{4, 0x7f}, 2, 127, true},         {{4, 0x81, 0x80}, 3, 128, true},       {{4, 0x81, 0x7f}, 3, 127, false},
		    {{4, 0x82, 0x01, 0x00}, 4, 256, true}, {{4, 0x82, 0x00, 0xff}, 4, 255, false}, {{4, 0x83, 0x01, 0x00, 0x00}, 5, 65536, true},
		    {{4, 0x83, 0x00, 0xff, 0xff}, 5, 65535, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		memcpy(b, rows[i].head, rows[i].head_size);
		assert_int_equal(der_check(slice_of(b, rows[i].head_size + rows[i].size)) == OK, rows[i].good);
	}
}

static void depth_has_an_end(void **state)
{
	uint8_t b[2 * (DER_DEPTH_MAX + 2)];

	(void)state;
	for (size_t depth = 1; depth <= DER_DEPTH_MAX + 1; depth++) {
		for (size_t i = 0; i < depth; i++) {
			b[2 * i] = 0x30;
			b[2 * i + 1] = (uint8_t)(2 * (depth - i - 1));
		}
		assert_int_equal(der_check(slice_of(b, 2 * depth)), depth < DER_DEPTH_MAX ? OK : ERR_LIMIT);
	}
}

static void numbers_have_a_range(void **state)
{
	static const struct {
		const char *hex;
		enum err err;
		uint32_t want;
	} rows[] = {{"020100", OK, 0},         {"02017f", OK, 127},       {"020200ff", OK, 255},     {"02020100", ERR_RANGE, 0},
		    {"0201ff", ERR_RANGE, 0},  {"020180", ERR_RANGE, 0},  {"02020001", ERR_FORMAT, 0}, {"040100", ERR_FORMAT, 0},
		    {"02010000", ERR_TRAILING, 0}, {"0200", ERR_FORMAT, 0}, {"020a00ffffffffffffffffff", ERR_RANGE, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint32_t v = 0;

		assert_int_equal(der_uint(bytes(rows[i].hex), 255, &v), rows[i].err);
		assert_int_equal(v, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_forms_only),
		cmocka_unit_test(long_lengths_are_minimal),
		cmocka_unit_test(depth_has_an_end),
		cmocka_unit_test(numbers_have_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
