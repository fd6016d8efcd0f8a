/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/snp_id_sign.h"

#include "client/attest/ecdsa.h"
#include "lib/attest/snp_report.h"

enum { NUMBER_SIZE = 72, P384_SIZE = 48 };

struct signature {
	uint8_t r[NUMBER_SIZE], s[NUMBER_SIZE];
};

static bool coordinate(EVP_PKEY *key, const char *name, uint8_t le[static NUMBER_SIZE])
{
	BIGNUM *v = NULL;
	bool good;

	ERR_set_mark();
	good = EVP_PKEY_get_bn_param(key, name, &v) == 1 && BN_bn2lebinpad(v, le, NUMBER_SIZE) == NUMBER_SIZE;
	ERR_pop_to_mark();
	BN_free(v);
	return good;
}

enum err snp_id_key_bytes(EVP_PKEY *key, uint8_t out[static SNP_ID_KEY_SIZE])
{
	uint8_t x[NUMBER_SIZE], y[NUMBER_SIZE];
	enum ecdsa_curve curve;

	if (!ecdsa_curve_of(key, &curve) || curve != ECDSA_P384 || !coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, x) ||
	    !coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, y))
		return ERR_INVALID;
	return snp_id_key_write(slice_of(x, sizeof x), slice_of(y, sizeof y), out);
}

static void little_endian(const uint8_t *be, uint8_t le[static NUMBER_SIZE])
{
	memset(le, 0, NUMBER_SIZE);
	for (size_t i = 0; i < P384_SIZE; i++)
		le[i] = be[P384_SIZE - 1 - i];
}

static enum err sign(EVP_PKEY *key, struct slice data, struct signature *bytes, struct snp_id_signature *out)
{
	uint8_t pair[ECDSA_PAIR_MAX];
	size_t size = 0;

	if (!ecdsa_sign(key, ECDSA_SHA384, data, pair, &size))
		return ERR_CRYPTO;
	little_endian(pair, bytes->r);
	little_endian(pair + P384_SIZE, bytes->s);
	out->r = slice_of(bytes->r, NUMBER_SIZE);
	out->s = slice_of(bytes->s, NUMBER_SIZE);
	return OK;
}

static enum err check(const struct snp_id_block *fields, EVP_PKEY *id, EVP_PKEY *author,
                      uint8_t keys[static 2][SNP_ID_KEY_SIZE], struct note *n)
{
	if ((fields->policy & SNP_POLICY_ONE) == 0 || (fields->policy & ~SNP_POLICY_KNOWN) != 0)
		return refuse(n, ERR_INVALID,
		              "policy %llxh: bit 17 must be one and bits above 25 zero, or the firmware refuses it",
		              (unsigned long long)fields->policy);
	if (snp_id_key_bytes(id, keys[0]) != OK)
		return refuse(n, ERR_INVALID, "the id key is not on P-384; `broch key new --type snp` makes one");
	if (author != NULL && snp_id_key_bytes(author, keys[1]) != OK)
		return refuse(n, ERR_INVALID, "the author key is not on P-384; `broch key new --type snp` makes one");
	return OK;
}

enum err snp_id_sign(const struct snp_id_block *fields, EVP_PKEY *id, EVP_PKEY *author,
                     uint8_t block[static SNP_ID_BLOCK_SIZE], uint8_t auth[static SNP_ID_AUTH_SIZE], struct note *n)
{
	struct snp_id_auth a = {.id_algorithm = SNP_ID_ALGO_ECDSA_P384_SHA384,
	                        .author_algorithm = author != NULL ? SNP_ID_ALGO_ECDSA_P384_SHA384 : 0};
	struct snp_id_block b = *fields;
	uint8_t keys[2][SNP_ID_KEY_SIZE];
	struct signature numbers[2];

	b.version = SNP_ID_BLOCK_VERSION;
	TRY(check(fields, id, author, keys, n));
	TRY(snp_id_block_write(&b, block));
	a.id_key.raw = slice_of(keys[0], SNP_ID_KEY_SIZE);
	a.author_key.raw = slice_of(keys[1], SNP_ID_KEY_SIZE);
	if (sign(id, slice_of(block, SNP_ID_BLOCK_SIZE), &numbers[0], &a.block_signature) != OK ||
	    (author != NULL && sign(author, a.id_key.raw, &numbers[1], &a.key_signature) != OK))
		return refuse(n, ERR_CRYPTO, "signing failed: is the private key there?");
	return snp_id_auth_write(&a, auth);
}
