/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/sev_key.h"

static const struct curve {
	const char *name;
	size_t size;
} curves[] = {
	[SEV_CURVE_P256] = {"P-256", 32},
	[SEV_CURVE_P384] = {"P-384", 48},
};

static const struct curve *curve_of(uint32_t curve)
{
	return curve < ARRAY_COUNT(curves) && curves[curve].name != NULL ? &curves[curve] : NULL;
}

const char *sev_curve_name(uint32_t curve)
{
	const struct curve *c = curve_of(curve);

	return c != NULL ? c->name : NULL;
}

/* Little-endian with room to spare to big-endian of this size; false when it does not fit. */
static bool big_endian(struct slice le, uint8_t *out, size_t size)
{
	for (size_t i = size; i < le.size; i++)
		if (le.data[i] != 0)
			return false;
	for (size_t i = 0; i < size; i++)
		out[i] = le.data[size - 1 - i];
	return le.size >= size;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	ERR_set_mark();
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	ERR_pop_to_mark();
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* From the encoding of a point, so that OpenSSL itself refuses one that is off the curve. */
EVP_PKEY *sev_ec_key(uint32_t curve, struct slice x, struct slice y)
{
	const struct curve *c = curve_of(curve);
	uint8_t point[1 + 2 * 48] = {4};
	char name[8];

	if (c == NULL || !big_endian(x, point + 1, c->size) || !big_endian(y, point + 1 + c->size, c->size))
		return NULL;
	memcpy(name, c->name, sizeof "P-384");
	return from_params("EC", (OSSL_PARAM[]){
					 OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
					 OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * c->size),
					 OSSL_PARAM_construct_end(),
				 });
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

static const char *hash_of(uint32_t algorithm)
{
	return (algorithm & 0x100) != 0 ? "SHA384" : "SHA256";
}

static bool digest_verify(EVP_PKEY *key, uint32_t algorithm, bool pss, struct slice data, const uint8_t *sig, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *k = NULL;
	int good = 0;

	ERR_set_mark();
	if (ctx != NULL && EVP_DigestVerifyInit_ex(ctx, &k, hash_of(algorithm), NULL, NULL, key, NULL) == 1 &&
	    (!pss || (EVP_PKEY_CTX_set_rsa_padding(k, RSA_PKCS1_PSS_PADDING) == 1 &&
		      EVP_PKEY_CTX_set_rsa_pss_saltlen(k, RSA_PSS_SALTLEN_DIGEST) == 1)))
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
	return big_endian(slice_of(signature.data, size), be, size) && digest_verify(key, algorithm, true, data, be, size);
}

static bool verify_ec(EVP_PKEY *key, uint32_t algorithm, struct slice data, struct slice signature)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_lebin2bn(signature.data, SEV_NUMBER_SIZE, NULL);
	BIGNUM *s = BN_lebin2bn(signature.data + SEV_NUMBER_SIZE, SEV_NUMBER_SIZE, NULL);
	unsigned char *der = NULL;
	int size = 0;
	bool good;

	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* the signature's now */
		size = i2d_ECDSA_SIG(sig, &der);
	}
	good = size > 0 && digest_verify(key, algorithm, false, data, der, (size_t)size);
	OPENSSL_free(der);
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return good;
}

bool sev_verify(EVP_PKEY *key, uint32_t algorithm, struct slice data, struct slice signature)
{
	const bool rsa = algorithm == SEV_RSA_SHA256 || algorithm == SEV_RSA_SHA384;
	const bool ecdsa = algorithm == SEV_ECDSA_SHA256 || algorithm == SEV_ECDSA_SHA384;

	if (key == NULL || signature.size < (size_t)2 * SEV_NUMBER_SIZE)
		return false;
	if (rsa && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return verify_rsa(key, algorithm, data, signature);
	return ecdsa && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && verify_ec(key, algorithm, data, signature);
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
