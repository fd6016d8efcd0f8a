/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/attest/sev_session.h"

#include "lib/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct sev_transport keys = {{1, 2, 3}, {4, 5, 6}};
static const uint8_t measure[32] = {7}, iv[SEV_KEY_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Published in an open implementation of the owner's side: all inputs zero. */
static void the_session_of_zeros(void **state)
{
	static const uint8_t zero[16];
	struct sev_transport none = {{0}, {0}}, back;
	uint8_t out[SEV_SESSION_SIZE], want[32];
	struct note n = {""};

	(void)state;
	sev_session_seal(slice_of(zero, 16), zero, zero, &none, 0, out);
	assert_int_equal(hex_decode(slice_text("2137bc7f9bb8bd7c3e55a576a15d3454b3856b8ba27afadf46dcfee9f02c02c4"), want, 32), OK);
	assert_memory_equal(out + 16, want, 32);
	assert_int_equal(hex_decode(slice_text("3176c0752738bd9d5e86689534020f528c088f16238826b000b327dee6aeed7d"), want, 32), OK);
	assert_memory_equal(out + 64, want, 32);
	assert_int_equal(sev_session_open(slice_of(out, sizeof out), slice_of(zero, 16), 0, &back, &n), OK);
}

static void no_bit_of_a_session_may_change(void **state)
{
	static const uint8_t z[48] = {8}, nonce[16] = {9};
	struct sev_transport back;
	uint8_t out[SEV_SESSION_SIZE];
	struct note n = {""};

	(void)state;
	sev_session_seal(slice_of(z, 48), nonce, iv, &keys, 3, out);
	for (size_t bit = 0; bit < 8 * sizeof out; bit++) {
		enum err err;

		out[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err = sev_session_open(slice_of(out, sizeof out), slice_of(z, 48), 3, &back, &n);
		/* The IV is under no MAC: another one gives other keys, and the policy's MAC notices those of the TIK. */
		if (bit / 8 >= 48 && bit / 8 < 64)
			assert_true(err == OK ? memcmp(&back, &keys, sizeof keys) != 0 : err == ERR_REFUSED);
		else
			assert_int_equal(err, bit / 8 < 96 ? ERR_AUTH : ERR_REFUSED);
		out[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(sev_session_open(slice_of(out, 127), slice_of(z, 48), 3, &back, &n), ERR_TRUNCATED);
	assert_int_equal(sev_session_open(slice_of(out, sizeof out), slice_of(z, 48), 3, &back, &n), OK);
	assert_memory_equal(&back, &keys, sizeof keys);
}

/* The counter of AES-CTR runs over all 128 bits: with this IV it wraps between the first and the second block. */
static void a_secret_goes_there_and_back(void **state)
{
	uint8_t table[512], plain[512], header[SEV_SECRET_HEADER_SIZE];
	struct sev_secret s[2] = {{{0}, slice_text("passphrase of the disk")}, {{1}, slice_text("")}};
	size_t used, cut;

	(void)state;
	memcpy(s[0].guid, sev_guid_disk_key, SEV_GUID_SIZE);
	assert_int_equal(sev_secret_table(s, 2, table, sizeof table, &used), OK);
	assert_int_equal(used % 16, 0);
	memcpy(plain, table, used);
	for (cut = 0; cut < used; cut++)
		assert_int_equal(sev_secret_table(s, 2, table, cut, &used), ERR_SPACE);
	assert_int_equal(sev_secret_table(s, 2, table, sizeof table, &used), OK);
	sev_secret_seal(&keys, measure, iv, table, used, header);
	assert_memory_not_equal(table, plain, used);
	for (size_t bit = 0; bit < 8 * sizeof header; bit++) {
		header[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(sev_secret_open(&keys, measure, slice_of(header, sizeof header), table, used), ERR_AUTH);
		header[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	table[used - 1] ^= 1;
	assert_int_equal(sev_secret_open(&keys, measure, slice_of(header, sizeof header), table, used), ERR_AUTH);
	table[used - 1] ^= 1;
	assert_int_equal(sev_secret_open(&keys, measure, slice_of(header, 51), table, used), ERR_TRUNCATED);
	assert_int_equal(sev_secret_open(&keys, measure, slice_of(header, sizeof header), table, used), OK);
	assert_memory_equal(table, plain, used);
}

static void large_secrets_are_refused(void **state)
{
	static uint8_t table[SEV_SECRET_MAX + 64], value[SEV_SECRET_MAX];
	struct sev_secret s[2] = {{{0}, slice_of(value, SEV_SECRET_MAX - 40)}, {{0}, slice_of(value, 1)}};
	size_t used;

	(void)state;
	assert_int_equal(sev_secret_table(s, 1, table, sizeof table, &used), OK);
	assert_int_equal(used, SEV_SECRET_MAX);
	assert_int_equal(sev_secret_table(s, 2, table, sizeof table, &used), ERR_SPACE);
	s[0].value.size = SIZE_MAX;
	assert_int_equal(sev_secret_table(s, 1, table, sizeof table, &used), ERR_SPACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_session_of_zeros),
		cmocka_unit_test(no_bit_of_a_session_may_change),
		cmocka_unit_test(a_secret_goes_there_and_back),
		cmocka_unit_test(large_secrets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
