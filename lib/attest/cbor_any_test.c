/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/cbor_any.h"
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

/* Examples of RFC 8949 appendices A and F, and what stands around them. */
static void one_item_is_skipped(void **state)
{
	static const struct {
		const char *hex;
		bool good;
	} rows[] = {
	        {"00", true},         {"1bffffffffffffffff", true},
	        {"80", true},         {"a0", true},
	        {"9fff", true},       {"bfff", true},
	        {"9f0102ff", true},   {"bf6161019f02ff03ff", true},
	        {"829f01ff02", true}, {"9f8202bf0102ffff", true},
	        {"c19fff", true},     {"bf01a002bfffff", true},
	        {"9f", false},        {"9f01", false},
	        {"bf01ff", false},    {"bf", false},
	        {"bf0102", false},    {"ff", false},
	        {"81ff", false},      {"a1ff00", false},
	        {"a101ff", false},    {"c1ff", false},
	        {"5f4100ff", false},  {"7f6161ff", false},
	        {"1f", false},        {"3f", false},
	        {"df00", false},      {"1c", false},
	        {"8201", false},      {"a101", false},
	        {"f818", false},      {"f820", true},
	        {"", false},          {"9fff9f", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct reader r = rd_of(bytes(rows[i].hex));

		if ((cbor_any_skip(&r) == OK && rd_end(&r) == OK) != rows[i].good)
			fail_msg("%s", rows[i].hex);
	}
}

static void depth_has_an_end(void **state)
{
	static const uint8_t heads[] = {0x81, 0x9f};

	(void)state;
	for (size_t i = 0; i < sizeof heads; i++)
		for (size_t depth = ANY_DEPTH_MAX - 1; depth <= ANY_DEPTH_MAX; depth++) {
			uint8_t b[2 * ANY_DEPTH_MAX + 1];
			struct reader r = rd_of(slice_of(b, sizeof b));

			memset(b, 0xff, sizeof b);
			memset(b, heads[i], depth);
			b[depth] = 0;
			assert_int_equal(cbor_any_skip(&r), depth < ANY_DEPTH_MAX ? OK : ERR_LIMIT);
		}
}

/* Both forms give the same items, and the reader ends behind them. */
static void containers_are_walked(void **state)
{
	static const char *const forms[] = {"830102030a", "9f010203ff0a", "a30102030405060a", "bf010203040506ff0a"};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
		struct reader r = rd_of(bytes(forms[i]));
		struct cbor_any list, item;
		uint64_t count = 0;

		assert_int_equal(cbor_any(&r, &list), OK);
		assert_int_equal(list.open, i % 2 == 1);
		for (; cbor_any_more(&r, &list); count++)
			for (size_t k = 0; k < (list.kind == ANY_MAP ? 2 : 1); k++)
				assert_int_equal(cbor_any_of(&r, ANY_UINT, &item), OK);
		assert_int_equal(count, 3);
		assert_int_equal(cbor_any_of(&r, ANY_UINT, &item), OK);
		assert_int_equal(item.value, 10);
	}
}

/* No item is left and no break has come: whoever goes on finds nothing. */
static void an_open_end_is_not_an_end(void **state)
{
	struct reader r = rd_of(bytes("9f01"));
	struct cbor_any list, item;

	(void)state;
	assert_int_equal(cbor_any(&r, &list), OK);
	assert_true(cbor_any_more(&r, &list));
	assert_int_equal(cbor_any(&r, &item), OK);
	assert_true(cbor_any_more(&r, &list));
	assert_int_equal(cbor_any(&r, &item), ERR_TRUNCATED);
}

static void counts_are_held_to(void **state)
{
	static const struct {
		const char *hex;
		enum err enter, leave;
	} rows[] = {{"820102", OK, OK},           {"9f0102ff", OK, OK},
	            {"8101", ERR_FORMAT, OK},     {"9f010203ff", OK, ERR_FORMAT},
	            {"a2010203", ERR_FORMAT, OK}, {"9f0102", OK, ERR_FORMAT}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct reader r = rd_of(bytes(rows[i].hex));
		struct cbor_any list, item;

		assert_int_equal(cbor_any_enter(&r, ANY_ARRAY, 2, &list), rows[i].enter);
		if (rows[i].enter != OK)
			continue;
		for (int k = 0; k < 2; k++)
			assert_int_equal(cbor_any(&r, &item), OK);
		assert_int_equal(cbor_any_leave(&r, &list), rows[i].leave);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(one_item_is_skipped),   cmocka_unit_test(depth_has_an_end),
	        cmocka_unit_test(containers_are_walked), cmocka_unit_test(an_open_end_is_not_an_end),
	        cmocka_unit_test(counts_are_held_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
