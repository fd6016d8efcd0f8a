/* SPDX-License-Identifier: Apache-2.0 */
/* ID blocks signed here, then one change each: one check fails, and each check has a change that fails it. */
#include "client/attest/snp_id.h"

#include "lib/attest/snp_id.h"
#include "sys/openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { BLOCK_SIGNATURE = 0x40, ID_KEY = 0x240, KEY_SIGNATURE = 0x680, AUTHOR_KEY = 0x880 };

static EVP_PKEY *id, *author;
static uint8_t block[SNP_ID_BLOCK_SIZE], auth[SNP_ID_AUTH_SIZE];

static void put_key(EVP_PKEY *key, uint8_t *out)
{
	BIGNUM *x = NULL, *y = NULL;

	memset(out, 0, SNP_ID_KEY_SIZE);
	out[0] = SNP_ID_CURVE_P384;
	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y), 1);
	assert_int_equal(BN_bn2lebinpad(x, out + 4, 72), 72);
	assert_int_equal(BN_bn2lebinpad(y, out + 76, 72), 72);
	BN_free(x);
	BN_free(y);
}

static void put_signature(EVP_PKEY *key, const uint8_t *data, size_t size, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[160];
	const unsigned char *p = der;
	size_t der_size = sizeof der;
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &der_size, data, size), 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)der_size);
	memset(out, 0, SNP_ID_SIGNATURE_SIZE);
	assert_int_equal(BN_bn2lebinpad(ECDSA_SIG_get0_r(sig), out, 72), 72);
	assert_int_equal(BN_bn2lebinpad(ECDSA_SIG_get0_s(sig), out + 72, 72), 72);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

static void sign_block(void)
{
	put_signature(id, block, sizeof block, auth + BLOCK_SIGNATURE);
}

static void sign_key(void)
{
	put_signature(author, auth + ID_KEY, SNP_ID_KEY_SIZE, auth + KEY_SIGNATURE);
}

static void good(void)
{
	memset(block, 0, sizeof block);
	memset(block, 0x11, 48);
	block[80] = SNP_ID_BLOCK_VERSION;
	block[84] = 9;
	block[90] = 0x03;
	memset(auth, 0, sizeof auth);
	auth[0] = auth[4] = SNP_ID_ALGO_ECDSA_P384_SHA384;
	put_key(id, auth + ID_KEY);
	put_key(author, auth + AUTHOR_KEY);
	sign_block();
	sign_key();
}

#define CHANGE(name, ...)                                                                                              \
	static void name(void)                                                                                         \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}
CHANGE(version_2, block[80] = 2; sign_block())
CHANGE(no_bit_17, block[90] = 1; sign_block())
CHANGE(high_bit, block[91] = 4; sign_block())
CHANGE(reserved_8, auth[8] = 1)
CHANGE(reserved_end, auth[4095] = 1)
CHANGE(reserved_middle, auth[0x644] = 1)
CHANGE(algorithm_0, auth[0] = 0)
CHANGE(author_algorithm_2, auth[4] = 2)
CHANGE(author_absent, auth[4] = 0)
CHANGE(key_padding, auth[ID_KEY + 1000] = 1; sign_key())
CHANGE(author_key_padding, auth[AUTHOR_KEY + 200] = 1)
CHANGE(policy_flipped, block[90] ^= 8)
CHANGE(block_signature_flipped, auth[BLOCK_SIGNATURE + 5] ^= 1)
CHANGE(block_signature_padding, auth[BLOCK_SIGNATURE + 60] = 1)
CHANGE(block_signature_tail, auth[BLOCK_SIGNATURE + 500] = 1)
CHANGE(block_signature_zero, memset(auth + BLOCK_SIGNATURE, 0, 144))
CHANGE(key_signature_flipped, auth[KEY_SIGNATURE + 80] ^= 1)
CHANGE(key_signed_by_itself, put_signature(id, auth + ID_KEY, SNP_ID_KEY_SIZE, auth + KEY_SIGNATURE))

static const struct {
	const char *id, *name;
	void (*change)(void);
} killers[] = {
#define K(id, change) {id, #change, change}
	K("snp.id.version", version_2),
	K("snp.id.policy_form", no_bit_17),
	K("snp.id.policy_form", high_bit),
	K("snp.id.reserved", reserved_8),
	K("snp.id.reserved", reserved_middle),
	K("snp.id.reserved", reserved_end),
	K("snp.id.key_algorithm", algorithm_0),
	K("snp.id.author_algorithm", author_algorithm_2),
	K("snp.id.author_algorithm", author_absent),
	K("snp.id.key", key_padding),
	K("snp.id.author_key", author_key_padding),
	K("snp.id.block_signature", policy_flipped),
	K("snp.id.block_signature", block_signature_flipped),
	K("snp.id.block_signature", block_signature_padding),
	K("snp.id.block_signature", block_signature_tail),
	K("snp.id.block_signature", block_signature_zero),
	K("snp.id.key_signature", key_signature_flipped),
	K("snp.id.key_signature", key_signed_by_itself),
#undef K
};

static struct verdict judge(bool with_author, struct snp_id_digests *d)
{
	struct snp_id_input in = {slice_of(block, sizeof block), slice_of(auth, sizeof auth), with_author};
	struct verdict v;

	snp_id_verify(&in, d, &v);
	return v;
}

static void a_good_block_is_accepted(void **state)
{
	struct snp_id_digests d;
	struct verdict v;
	uint8_t want[48];

	(void)state;
	good();
	v = judge(true, &d);
	assert_true(v.ok);
	assert_memory_equal(v.measurement, block, 48);
	SHA384(auth + AUTHOR_KEY, SNP_ID_KEY_SIZE, want);
	assert_memory_equal(d.author_key, want, 48);
	assert_int_equal(snp_id_key_digest(slice_of(auth + ID_KEY, SNP_ID_KEY_SIZE), want), OK);
	assert_memory_equal(d.id_key, want, 48);
}

static void no_author_is_fine_when_none_is_asked_for(void **state)
{
	static const uint8_t none[48];
	struct snp_id_digests d;

	(void)state;
	good();
	auth[4] = 0;
	memset(auth + KEY_SIGNATURE, 0, SNP_ID_SIGNATURE_SIZE);
	memset(auth + AUTHOR_KEY, 0, SNP_ID_KEY_SIZE);
	assert_true(judge(false, &d).ok);
	assert_memory_equal(d.author_key, none, 48);
	assert_false(judge(true, &d).ok);
	/* One that is there must be good, asked for or not. */
	good();
	key_signature_flipped();
	assert_false(judge(false, &d).ok);
}

static void each_change_fails_its_check_alone(void **state)
{
	struct snp_id_digests d;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		struct verdict v;

		good();
		killers[i].change();
		v = judge(true, &d);
		if (v.ok)
			fail_msg("%s is accepted", killers[i].name);
		for (size_t k = 0; k < v.check_count; k++)
			if ((v.checks[k].result == CHECK_FAIL) != (strcmp(v.checks[k].id, killers[i].id) == 0))
				fail_msg("%s: %s: %s", killers[i].name, v.checks[k].id, v.checks[k].found);
	}
	good();
	struct verdict v = judge(true, &d);
	for (size_t k = 1; k < v.check_count; k++) { /* the first is the next test's */
		bool killed = false;

		for (size_t i = 0; i < ARRAY_COUNT(killers); i++)
			killed = killed || strcmp(v.checks[k].id, killers[i].id) == 0;
		assert_true(killed);
	}
}

static void points_off_the_curve_are_refused(void **state)
{
	struct snp_id_digests d;
	struct verdict v;
	uint8_t digest[48];

	(void)state;
	good();
	auth[ID_KEY + 4] ^= 1;
	v = judge(true, &d);
	assert_false(v.ok);
	assert_string_equal(verdict_reason(&v)->id, "snp.id.key");
	assert_int_equal(snp_id_key_digest(slice_of(auth + ID_KEY, SNP_ID_KEY_SIZE), digest), ERR_INVALID);
	memset(auth + ID_KEY + 4, 0, 144);
	assert_int_equal(snp_id_key_digest(slice_of(auth + ID_KEY, SNP_ID_KEY_SIZE), digest), ERR_INVALID);
	good();
	auth[ID_KEY] = 1;
	assert_int_equal(snp_id_key_digest(slice_of(auth + ID_KEY, SNP_ID_KEY_SIZE), digest), ERR_INVALID);
}

static void other_sizes_are_refused(void **state)
{
	struct snp_id_digests d;
	struct verdict v;
	uint8_t longer[SNP_ID_AUTH_SIZE + 1] = {0}, digest[48];

	(void)state;
	good();
	for (int i = 0; i < 4; i++) {
		struct snp_id_input in = {slice_of(block, sizeof block - (i == 0)),
					  i == 2 ? slice_of(longer, sizeof longer) : slice_of(auth, sizeof auth - (i == 1)), true};

		snp_id_verify(&in, &d, &v);
		assert_int_equal(v.ok, i == 3);
		if (i < 3)
			assert_string_equal(verdict_reason(&v)->id, "snp.id.read");
	}
	assert_int_equal(snp_id_key_digest(slice_of(auth + ID_KEY, SNP_ID_KEY_SIZE - 1), digest), ERR_TRUNCATED);
	assert_int_equal(snp_id_key_digest(slice_of(auth + ID_KEY, SNP_ID_KEY_SIZE + 1), digest), ERR_TRAILING);
}

static int keys_in(void **state)
{
	(void)state;
	id = EVP_EC_gen("P-384");
	author = EVP_EC_gen("P-384");
	return id != NULL && author != NULL ? 0 : -1;
}

static int keys_out(void **state)
{
	(void)state;
	EVP_PKEY_free(id);
	EVP_PKEY_free(author);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_block_is_accepted),
		cmocka_unit_test(no_author_is_fine_when_none_is_asked_for),
		cmocka_unit_test(each_change_fails_its_check_alone),
		cmocka_unit_test(points_off_the_curve_are_refused),
		cmocka_unit_test(other_sizes_are_refused),
	};

	return cmocka_run_group_tests(tests, keys_in, keys_out);
}
