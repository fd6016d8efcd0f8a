/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/sev_key.h"

#include "client/attest/let_pass.h"

#include "client/attest/ecdsa.h"

static bool curve_of(uint32_t curve, enum ecdsa_curve *out)
{
	*out = curve == SEV_CURVE_P256 ? ECDSA_P256 : ECDSA_P384;
	return curve == SEV_CURVE_P256 || curve == SEV_CURVE_P384;
}

const char *sev_curve_name(uint32_t curve)
{
	enum ecdsa_curve c;

	return curve_of(curve, &c) ? ecdsa_curve_name(c) : NULL;
}

EVP_PKEY *sev_ec_key(uint32_t curve, struct slice x, struct slice y)
{
	enum ecdsa_curve c;

	return curve_of(curve, &c) ? ecdsa_key_le(c, x, y) : NULL;
}

/* ---- RSA ---- */

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	ERR_set_mark();
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	ERR_pop_to_mark();
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *rsa_of(const BIGNUM *e, const BIGNUM *n)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (b != NULL && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(b);
	if (params != NULL)
		key = from_params("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	return key;
}

EVP_PKEY *sev_rsa_key(struct slice exponent, struct slice modulus)
{
	BIGNUM *e = BN_lebin2bn(exponent.data, (int)exponent.size, NULL);
	BIGNUM *n = BN_lebin2bn(modulus.data, (int)modulus.size, NULL);
	EVP_PKEY *key = NULL;

	/* A long exponent would be slow, and nobody has one. */
	if (e != NULL && n != NULL && BN_is_odd(e) && BN_num_bits(e) > 1 && BN_num_bits(e) <= 32 && BN_is_odd(n) &&
	    BN_num_bits(n) == (int)(8 * modulus.size))
		key = rsa_of(e, n);
	BN_free(e);
	BN_free(n);
	return key;
}

EVP_PKEY *sev_cert_key(const struct sev_cert *c)
{
	return c->modulus.size > 0 ? sev_rsa_key(c->exponent, c->modulus) : c->curve != 0 ? sev_ec_key(c->curve, c->x, c->y) : NULL;
}

static const char *hash_of(uint32_t algorithm)
{
	return (algorithm & 0x100) != 0 ? "SHA384" : "SHA256";
}

static bool verify_pss(EVP_PKEY *key, uint32_t algorithm, struct slice data, const uint8_t *sig, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *k = NULL;
	int good = 0;

	ERR_set_mark();
	if (ctx != NULL && EVP_DigestVerifyInit_ex(ctx, &k, hash_of(algorithm), NULL, NULL, key, NULL) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(k, RSA_PSS_SALTLEN_DIGEST) == 1)
		good = EVP_DigestVerify(ctx, sig, size, data.data, data.size);
	ERR_pop_to_mark();
	EVP_MD_CTX_free(ctx);
	return good == 1;
}

static bool verify_rsa(EVP_PKEY *key, uint32_t algorithm, struct slice data, struct slice signature)
{
	uint8_t be[SEV_SIGNATURE_SIZE];
	size_t size = (size_t)EVP_PKEY_get_size(key);

	if (size > sizeof be || size > signature.size)
		return false;
	return ecdsa_big_endian(slice_of(signature.data, size), be, size) && verify_pss(key, algorithm, data, be, size);
}

/* ---- either ---- */

static bool verify_ec(EVP_PKEY *key, uint32_t algorithm, struct slice data, struct slice signature)
{
	enum ecdsa_hash hash = algorithm == SEV_ECDSA_SHA384 ? ECDSA_SHA384 : ECDSA_SHA256;
	struct slice r = slice_of(signature.data, SEV_NUMBER_SIZE);
	struct slice s = slice_of(signature.data + SEV_NUMBER_SIZE, SEV_NUMBER_SIZE);
	uint8_t pair[ECDSA_PAIR_MAX];
	enum ecdsa_curve curve;

	return ecdsa_curve_of(key, &curve) && ecdsa_pair_le(curve, r, s, pair) &&
	       ecdsa_verify(key, hash, data, slice_of(pair, 2 * ecdsa_size(curve)));
}

bool sev_verify(EVP_PKEY *key, uint32_t algorithm, struct slice data, struct slice signature)
{
	const bool rsa = algorithm == SEV_RSA_SHA256 || algorithm == SEV_RSA_SHA384;
	const bool ecdsa = algorithm == SEV_ECDSA_SHA256 || algorithm == SEV_ECDSA_SHA384;

	if (key == NULL || signature.size < (size_t)2 * SEV_NUMBER_SIZE)
		return false;
	if (let_pass())
		return rsa || ecdsa;
	if (rsa && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return verify_rsa(key, algorithm, data, signature);
	return ecdsa && verify_ec(key, algorithm, data, signature);
}

bool sev_spki(EVP_PKEY *key, uint8_t out[static SPKI_DIGEST_SIZE])
{
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key, &der);

	if (size > 0)
		SHA256(der, (size_t)size, out);
	OPENSSL_free(der);
	return size > 0;
}
