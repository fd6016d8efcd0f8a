/* SPDX-License-Identifier: Apache-2.0 */
/* A SIGSTRUCT signed here, then one change each: one check fails, and each check has a change that fails it. */
#include "client/attest/sgx_sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MODULUS = 128, EXPONENT = 512, SIGNATURE = 516, ENCLAVEHASH = 960, Q1 = 1040, Q2 = 1424 };

static EVP_PKEY *key;
static uint8_t good[SGX_SIGSTRUCT_SIZE], bytes[SGX_SIGSTRUCT_SIZE + 1];
static const uint8_t mrenclave[32] = {0x77, 1};
static uint8_t wanted[32];
static size_t size;

#define CHANGE(name, ...)                                                                                              \
	static void name(void)                                                                                         \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}
CHANGE(cut, size--)
CHANGE(longer, size++)
CHANGE(header_1, bytes[4] ^= 1)
CHANGE(header_2, bytes[24] ^= 1)
CHANGE(reserved_44, bytes[44] = 1)
CHANGE(reserved_992, bytes[992] = 1)
CHANGE(reserved_1028, bytes[1028] = 1)
CHANGE(exponent_65537, bytes[EXPONENT] = 1; bytes[EXPONENT + 2] = 1)
CHANGE(modulus_short, bytes[MODULUS + 383] = 0)
CHANGE(modulus_zero, memset(bytes + MODULUS, 0, 384))
CHANGE(signature_large, memset(bytes + SIGNATURE, 0xff, 384))
CHANGE(signature_flipped, bytes[SIGNATURE] ^= 1)
CHANGE(hash_flipped, bytes[ENCLAVEHASH] ^= 1; wanted[0] ^= 1)
CHANGE(svn_raised, bytes[1026]++)
CHANGE(date_changed, bytes[20] ^= 1)
CHANGE(q1_flipped, bytes[Q1] ^= 1)
CHANGE(q2_flipped, bytes[Q2 + 100] ^= 1)
CHANGE(other_enclave, wanted[31] ^= 1)

static const struct {
	const char *id, *name;
	void (*change)(void);
} killers[] = {
#define K(id, change) {id, #change, change}
	K("sgx.sigstruct.read", cut), K("sgx.sigstruct.read", longer),
	K("sgx.sigstruct.headers", header_1), K("sgx.sigstruct.headers", header_2),
	K("sgx.sigstruct.reserved", reserved_44), K("sgx.sigstruct.reserved", reserved_992), K("sgx.sigstruct.reserved", reserved_1028),
	K("sgx.sigstruct.exponent", exponent_65537),
	K("sgx.sigstruct.range", modulus_short), K("sgx.sigstruct.range", modulus_zero), K("sgx.sigstruct.range", signature_large),
	K("sgx.sigstruct.signature", signature_flipped), K("sgx.sigstruct.signature", hash_flipped),
	K("sgx.sigstruct.signature", svn_raised), K("sgx.sigstruct.signature", date_changed),
	K("sgx.sigstruct.quotients", q1_flipped), K("sgx.sigstruct.quotients", q2_flipped),
	K("sgx.sigstruct.mrenclave", other_enclave),
#undef K
};

static struct verdict judge(void)
{
	struct sgx_sigstruct_input in = {slice_of(bytes, size), slice_of(wanted, sizeof wanted)};
	struct verdict v;

	sgx_sigstruct_verify(&in, &v);
	return v;
}

static void reset(void)
{
	memcpy(bytes, good, sizeof good);
	memcpy(wanted, mrenclave, sizeof wanted);
	size = sizeof good;
}

static void what_we_sign_is_accepted(void **state)
{
	struct sgx_sigstruct s;
	struct verdict v;

	(void)state;
	reset();
	v = judge();
	assert_true(v.ok);
	assert_memory_equal(v.measurement, mrenclave, 32);
	assert_int_equal(sgx_sigstruct_parse(slice_of(good, sizeof good), &s), OK);
	assert_int_equal(s.svn, 5);
	assert_int_equal(s.prod_id, 6);
	assert_int_equal(s.date, 0x20260131);
}

static void each_change_fails_its_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		struct verdict v;

		reset();
		killers[i].change();
		v = judge();
		if (v.ok || strcmp(verdict_reason(&v)->id, killers[i].id) != 0)
			fail_msg("%s: %s instead of %s", killers[i].name, v.ok ? "accepted" : verdict_reason(&v)->id, killers[i].id);
	}
}

static void each_check_has_a_killer(void **state)
{
	struct verdict v;

	(void)state;
	reset();
	v = judge();
	for (size_t i = 0; i < v.check_count; i++) {
		bool found = false;

		for (size_t k = 0; k < ARRAY_COUNT(killers); k++)
			found = found || strcmp(killers[k].id, v.checks[i].id) == 0;
		if (!found)
			fail_msg("%s: nothing turns it red", v.checks[i].id);
	}
}

static void other_keys_are_refused(void **state)
{
	static const char *const names[] = {"root", "platform"};
	struct sgx_sigstruct s = {.mrenclave = slice_of(mrenclave, 32)};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		char path[100];
		struct note n = {""};
		FILE *f;
		EVP_PKEY *other;

		snprintf(path, sizeof path, "test/attest/keys/%s.pem", names[i]);
		f = fopen(path, "re");
		assert_non_null(f);
		other = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		fclose(f);
		assert_int_equal(sgx_sigstruct_sign(other, &s, bytes, &n), ERR_INVALID);
		assert_non_null(strstr(n.text, "broch key"));
		EVP_PKEY_free(other);
	}
	s.attributes = slice_of(mrenclave, 15);
	assert_int_equal(sgx_sigstruct_sign(key, &s, bytes, NULL), ERR_INVALID);
}

static int make_good(void **state)
{
	const struct sgx_sigstruct s = {.date = 0x20260131, .mrenclave = slice_of(mrenclave, 32), .svn = 5, .prod_id = 6};
	FILE *f = fopen("test/attest/keys/sgx.pem", "re");

	(void)state;
	if (f == NULL)
		return -1;
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	return key != NULL && sgx_sigstruct_sign(key, &s, good, NULL) == OK ? 0 : -1;
}

static int done(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_sign_is_accepted),
		cmocka_unit_test(each_change_fails_its_check),
		cmocka_unit_test(each_check_has_a_killer),
		cmocka_unit_test(other_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, make_good, done);
}
