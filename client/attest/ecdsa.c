/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/ecdsa.h"

#include "client/attest/let_pass.h"

#include "lib/base/err.h"

#ifdef BROCH_FUZZ_ANY_SIGNATURE
const char let_pass_mark[] = "BROCH_FUZZ_ANY_SIGNATURE";
#endif

static const struct curve {
	const char *name;
	int nid;
	size_t size;
} curves[ECDSA_CURVE_COUNT] = {
        [ECDSA_P256] = {"P-256", NID_X9_62_prime256v1, 32},
        [ECDSA_P384] = {"P-384", NID_secp384r1, 48},
        [ECDSA_P521] = {"P-521", NID_secp521r1, 66},
};

static const char *const hashes[ECDSA_HASH_COUNT] = {
        [ECDSA_SHA256] = "SHA256",
        [ECDSA_SHA384] = "SHA384",
        [ECDSA_SHA512] = "SHA512",
};

size_t ecdsa_size(enum ecdsa_curve curve)
{
	return curves[curve].size;
}

const char *ecdsa_curve_name(enum ecdsa_curve curve)
{
	return curves[curve].name;
}

const char *ecdsa_hash_name(enum ecdsa_hash hash)
{
	return hashes[hash];
}

/* ---- keys ---- */

/* OpenSSL would take more: 06 and 07 (both forms at once), and 00 for the point at infinity. */
static bool form_ok(enum ecdsa_curve curve, struct slice point)
{
	size_t size = curves[curve].size;

	if (point.size == 1 + 2 * size)
		return point.data[0] == 4;
	return point.size == 1 + size && (point.data[0] == 2 || point.data[0] == 3);
}

/* From the encoding of a point, so that OpenSSL itself refuses one that is off the curve. */
EVP_PKEY *ecdsa_key(enum ecdsa_curve curve, struct slice point)
{
	uint8_t bytes[ECDSA_POINT_MAX];
	char name[8];
	OSSL_PARAM params[3];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;

	if (!form_ok(curve, point))
		return NULL;
	memcpy(bytes, point.data, point.size);
	memcpy(name, curves[curve].name, sizeof "P-256");
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes, point.size);
	params[2] = OSSL_PARAM_construct_end();
	ERR_set_mark();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	ERR_pop_to_mark();
	EVP_PKEY_CTX_free(ctx);
	return key;
}

EVP_PKEY *ecdsa_key_le(enum ecdsa_curve curve, struct slice x, struct slice y)
{
	uint8_t point[ECDSA_POINT_MAX] = {4};
	size_t size = curves[curve].size;

	if (!ecdsa_big_endian(x, point + 1, size) || !ecdsa_big_endian(y, point + 1 + size, size))
		return NULL;
	return ecdsa_key(curve, slice_of(point, 1 + 2 * size));
}

/* ---- numbers ---- */

bool ecdsa_big_endian(struct slice le, uint8_t *out, size_t size)
{
	if (le.size < size)
		return false;
	for (size_t i = size; i < le.size; i++)
		if (le.data[i] != 0)
			return false;
	for (size_t i = 0; i < size; i++)
		out[i] = le.data[size - 1 - i];
	return true;
}

bool ecdsa_pair_le(enum ecdsa_curve curve, struct slice r, struct slice s, uint8_t out[static ECDSA_PAIR_MAX])
{
	size_t size = curves[curve].size;

	return ecdsa_big_endian(r, out, size) && ecdsa_big_endian(s, out + size, size);
}

/* How many points there are (SP 800-186 section 3.2.1), big-endian and as wide as a coordinate. */
static const uint8_t orders[ECDSA_CURVE_COUNT][ECDSA_PAIR_MAX / 2] = {
        [ECDSA_P256] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                        0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51},
        [ECDSA_P384] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
                        0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73},
        [ECDSA_P521] = {0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                        0xff, 0xff, 0xff, 0xff, 0xff, 0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b,
                        0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c,
                        0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09},
};

static bool number_in_range(enum ecdsa_curve curve, struct slice be)
{
	bool zero = true;

	for (size_t i = 0; i < be.size && zero; i++)
		zero = be.data[i] == 0;
	return !zero && memcmp(be.data, orders[curve], be.size) < 0;
}

bool ecdsa_in_range(enum ecdsa_curve curve, struct slice pair)
{
	const size_t size = curves[curve].size;

	return pair.size == 2 * size && number_in_range(curve, slice_of(pair.data, size)) &&
	       number_in_range(curve, slice_of(pair.data + size, size));
}

/* ---- signatures ---- */

bool ecdsa_curve_of(EVP_PKEY *key, enum ecdsa_curve *out)
{
	char name[64];

	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
	    EVP_PKEY_get_group_name(key, name, sizeof name, NULL) != 1)
		return false;
	for (unsigned i = 0; i < ECDSA_CURVE_COUNT; i++)
		if (OBJ_txt2nid(name) == curves[i].nid) {
			*out = (enum ecdsa_curve)i;
			return true;
		}
	return false;
}

/* To the DER that EVP wants; *der is OPENSSL_malloc'ed. */
static int pair_der(struct slice pair, unsigned char **der)
{
	const int size = (int)(pair.size / 2);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(pair.data, size, NULL), *s = BN_bin2bn(pair.data + size, size, NULL);
	int der_size = -1;

	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* the signature's now */
		der_size = i2d_ECDSA_SIG(sig, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return der_size;
}

bool ecdsa_verify(EVP_PKEY *key, enum ecdsa_hash hash, struct slice data, struct slice pair)
{
	enum ecdsa_curve curve = ECDSA_P256;
	EVP_MD_CTX *ctx;
	unsigned char *der = NULL;
	int size, good = 0;

	if (!ecdsa_curve_of(key, &curve) || !ecdsa_in_range(curve, pair))
		return false;
	if (let_pass())
		return true;
	ERR_set_mark();
	ctx = EVP_MD_CTX_new();
	size = pair_der(pair, &der);
	if (ctx != NULL && size > 0 && EVP_DigestVerifyInit_ex(ctx, NULL, hashes[hash], NULL, NULL, key, NULL) == 1)
		good = EVP_DigestVerify(ctx, der, (size_t)size, data.data, data.size);
	ERR_pop_to_mark();
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	return good == 1;
}

static bool pair_of(const unsigned char *der, size_t der_size, int size, uint8_t pair[static ECDSA_PAIR_MAX])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)der_size);
	bool good = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), pair, size) == size &&
	            BN_bn2binpad(ECDSA_SIG_get0_s(sig), pair + size, size) == size;

	ECDSA_SIG_free(sig);
	return good;
}

bool ecdsa_sign(EVP_PKEY *key, enum ecdsa_hash hash, struct slice data, uint8_t pair[static ECDSA_PAIR_MAX],
                size_t *size)
{
	enum { DER_MAX = ECDSA_PAIR_MAX + 16 };
	unsigned char der[DER_MAX];
	enum ecdsa_curve curve = ECDSA_P256;
	size_t der_size = sizeof der;
	EVP_MD_CTX *ctx;
	bool good;

	if (!ecdsa_curve_of(key, &curve))
		return false;
	ERR_set_mark();
	ctx = EVP_MD_CTX_new();
	good = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, hashes[hash], NULL, NULL, key, NULL) == 1 &&
	       EVP_DigestSign(ctx, der, &der_size, data.data, data.size) == 1;
	ERR_pop_to_mark();
	EVP_MD_CTX_free(ctx);
	*size = 2 * ecdsa_size(curve);
	return good && pair_of(der, der_size, (int)ecdsa_size(curve), pair);
}
