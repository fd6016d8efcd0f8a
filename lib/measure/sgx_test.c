/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/measure/sgx.h"

#include "lib/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint8_t page[SGX_PAGE_SIZE];

static void is(const uint8_t digest[static 32], const char *want)
{
	char hex[65];

	hex_encode(slice_of(digest, 32), hex);
	assert_string_equal(hex, want);
}

/* The value of the public vector: SHA-256 of the one record. */
static void an_enclave_without_pages(void **state)
{
	struct sgx_measure m;
	uint8_t digest[32];

	(void)state;
	assert_int_equal(sgx_measure_begin(&m, 4096, 1), OK);
	sgx_measure_end(&m, digest);
	is(digest, "3cc716a42c8d707da48a173278d39d80855ee5f77b881eeba5810349e50127c2");
}

static void everything_counts(void **state)
{
	static const struct {
		uint64_t size, offset, flags;
		uint32_t ssa;
		bool content;
	} ways[] = {{0x2000, 0, SGX_REG | SGX_R, 1, true},      {0x4000, 0, SGX_REG | SGX_R, 1, true},
	            {0x2000, 0x1000, SGX_REG | SGX_R, 1, true}, {0x2000, 0, SGX_REG | SGX_R | SGX_W, 1, true},
	            {0x2000, 0, SGX_REG | SGX_R, 2, true},      {0x2000, 0, SGX_REG | SGX_R, 1, false}};
	uint8_t digests[ARRAY_COUNT(ways)][32];

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
		struct sgx_measure m;

		assert_int_equal(sgx_measure_begin(&m, ways[i].size, ways[i].ssa), OK);
		assert_int_equal(sgx_measure_page(&m, ways[i].offset, ways[i].flags, ways[i].content ? page : NULL), OK);
		sgx_measure_end(&m, digests[i]);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(digests[i], digests[k], 32);
	}
}

static void what_no_cpu_takes_is_refused(void **state)
{
	struct sgx_measure m;

	(void)state;
	assert_int_equal(sgx_measure_begin(&m, 0, 1), ERR_RANGE);
	assert_int_equal(sgx_measure_begin(&m, 0x3000, 1), ERR_RANGE);
	assert_int_equal(sgx_measure_begin(&m, 2048, 1), ERR_RANGE);
	assert_int_equal(sgx_measure_begin(&m, 0x2000, 0), ERR_RANGE);
	assert_int_equal(sgx_measure_begin(&m, 0x2000, 1), OK);
	assert_int_equal(sgx_measure_page(&m, 0x800, SGX_REG, page), ERR_RANGE);
	assert_int_equal(sgx_measure_page(&m, 0x2000, SGX_REG, page), ERR_RANGE);
	assert_int_equal(sgx_measure_page(&m, UINT64_MAX - 4095, SGX_REG, page), ERR_RANGE);
	assert_int_equal(sgx_measure_page(&m, 0x1000, SGX_REG, page), OK);
}

static uint8_t stream[64 + 64 + 320 + 320];

static void make_stream(void)
{
	memset(stream, 0, sizeof stream);
	memcpy(stream, "ECREATE", 8);
	stream[8] = 1;
	stream[13] = 0x20; /* size 0x2000 */
	memcpy(stream + 64, "EADD\0\0\0", 8);
	stream[64 + 17] = 2; /* SGX_REG */
	memcpy(stream + 128, "EEXTEND", 8);
	memcpy(stream + 448, "UNMEASRD", 8);
	stream[448 + 9] = 1; /* the second chunk */
}

static void a_stream_is_its_records(void **state)
{
	struct note n = {""};
	uint8_t one[32], two[32];

	(void)state;
	make_stream();
	assert_int_equal(sgx_measure_stream(slice_of(stream, sizeof stream), one, &n), OK);
	stream[sizeof stream - 1] ^= 1; /* not measured */
	assert_int_equal(sgx_measure_stream(slice_of(stream, sizeof stream), two, &n), OK);
	assert_memory_equal(one, two, 32);
	stream[440] ^= 1; /* measured */
	assert_int_equal(sgx_measure_stream(slice_of(stream, sizeof stream), two, &n), OK);
	assert_memory_not_equal(one, two, 32);
	assert_int_equal(sgx_measure_stream(slice_of(stream, 64), two, &n), OK);
	is(two, "9e197c8837c6d65632dbdd59cd7df4f1a25b68d8e4e5eb6ca3b20b05311fecb8");
}

static void a_damaged_stream_is_refused(void **state)
{
	struct note n;
	uint8_t out[32];

	(void)state;
	make_stream();
	for (size_t cut = 0; cut < sizeof stream; cut++) {
		bool whole = cut == 64 || cut == 128 || cut == 448;

		n.text[0] = 0;
		assert_int_equal(sgx_measure_stream(slice_of(stream, cut), out, &n) == OK, whole);
		assert_true(whole || n.text[0] != 0);
	}
	memcpy(stream + 64, "ECREATE", 8);
	assert_int_equal(sgx_measure_stream(slice_of(stream, sizeof stream), out, &n), ERR_FORMAT);
	make_stream();
	assert_int_equal(sgx_measure_stream(slice_of(stream + 64, 64), out, &n), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_enclave_without_pages),
		cmocka_unit_test(everything_counts),
		cmocka_unit_test(what_no_cpu_takes_is_refused),
		cmocka_unit_test(a_stream_is_its_records),
		cmocka_unit_test(a_damaged_stream_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
