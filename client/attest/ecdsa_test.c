/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, points and signatures in every form that evidence brings, and one step beside each. */
#include "client/attest/ecdsa.h"

#include "lib/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char message[] = "one message";
static EVP_PKEY *keys[ECDSA_CURVE_COUNT];

static struct slice data(void)
{
	return slice_of(message, sizeof message);
}

/* Signs, and returns the size of the pair. */
static size_t sign(enum ecdsa_curve curve, enum ecdsa_hash hash, uint8_t pair[static ECDSA_PAIR_MAX])
{
	const int size = (int)ecdsa_size(curve);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[160];
	const unsigned char *p = der;
	size_t der_size = sizeof der;
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, ecdsa_hash_name(hash), NULL, NULL, keys[curve], NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &der_size, (const uint8_t *)message, sizeof message), 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)der_size);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), pair, size), size);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), pair + size, size), size);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	return 2 * (size_t)size;
}

static size_t order(enum ecdsa_curve curve, uint8_t *out)
{
	static const int nids[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
	EC_GROUP *g = EC_GROUP_new_by_curve_name(nids[curve]);
	int size = BN_bn2binpad(EC_GROUP_get0_order(g), out, (int)ecdsa_size(curve));

	EC_GROUP_free(g);
	assert_int_equal(size, (int)ecdsa_size(curve));
	return (size_t)size;
}

static size_t point_of(enum ecdsa_curve curve, const char *form, uint8_t out[static ECDSA_POINT_MAX])
{
	size_t size = 0;

	assert_int_equal(EVP_PKEY_set_utf8_string_param(keys[curve], OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form),
	                 1);
	assert_int_equal(
	        EVP_PKEY_get_octet_string_param(keys[curve], OSSL_PKEY_PARAM_PUB_KEY, out, ECDSA_POINT_MAX, &size), 1);
	return size;
}

static void reversed(const uint8_t *from, uint8_t *to, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = from[size - 1 - i];
}

/* ---- signatures ---- */

static void every_curve_with_every_hash(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++)
		for (unsigned h = 0; h < ECDSA_HASH_COUNT; h++) {
			uint8_t pair[ECDSA_PAIR_MAX];
			size_t size = sign((enum ecdsa_curve)c, (enum ecdsa_hash)h, pair);

			assert_true(ecdsa_verify(keys[c], (enum ecdsa_hash)h, data(), slice_of(pair, size)));
			for (unsigned k = 0; k < ECDSA_CURVE_COUNT; k++)
				if (k != c)
					assert_false(ecdsa_verify(keys[k], (enum ecdsa_hash)h, data(),
					                          slice_of(pair, size)));
			assert_false(ecdsa_verify(keys[c], (enum ecdsa_hash)((h + 1) % ECDSA_HASH_COUNT), data(),
			                          slice_of(pair, size)));
		}
}

static void every_byte_of_a_signature_counts(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++) {
		uint8_t pair[ECDSA_PAIR_MAX];
		size_t size = sign((enum ecdsa_curve)c, ECDSA_SHA384, pair);

		for (size_t i = 0; i < size; i++) {
			pair[i] ^= 1;
			assert_false(ecdsa_verify(keys[c], ECDSA_SHA384, data(), slice_of(pair, size)));
			pair[i] ^= 1;
		}
		assert_true(ecdsa_verify(keys[c], ECDSA_SHA384, data(), slice_of(pair, size)));
		assert_false(ecdsa_verify(keys[c], ECDSA_SHA384, data(), slice_of(pair, size - 1)));
		assert_false(ecdsa_verify(keys[c], ECDSA_SHA384, data(), slice_of(pair, size - 2)));
		assert_false(ecdsa_verify(keys[c], ECDSA_SHA384, data(), slice_of(pair, 0)));
		assert_false(ecdsa_verify(NULL, ECDSA_SHA384, data(), slice_of(pair, size)));
	}
}

/* Zero, the order itself and everything above are no signatures, on either side of the pair. */
static void numbers_have_a_range(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++)
		for (unsigned side = 0; side < 2; side++) {
			uint8_t good[ECDSA_PAIR_MAX], pair[ECDSA_PAIR_MAX];
			size_t size = sign((enum ecdsa_curve)c, ECDSA_SHA256, good), half = size / 2;
			struct slice p = slice_of(pair, size);
			uint8_t *number = pair + side * half;

			memcpy(pair, good, size);
			assert_true(ecdsa_in_range((enum ecdsa_curve)c, p));
			memset(number, 0, half);
			assert_false(ecdsa_in_range((enum ecdsa_curve)c, p));
			assert_false(ecdsa_verify(keys[c], ECDSA_SHA256, data(), p));
			number[half - 1] = 1;
			assert_true(ecdsa_in_range((enum ecdsa_curve)c, p));
			assert_int_equal(order((enum ecdsa_curve)c, number), half);
			assert_false(ecdsa_in_range((enum ecdsa_curve)c, p));
			assert_false(ecdsa_verify(keys[c], ECDSA_SHA256, data(), p));
			number[half - 1]--;
			assert_true(ecdsa_in_range((enum ecdsa_curve)c, p));
			memset(number, 0xff, half);
			assert_false(ecdsa_in_range((enum ecdsa_curve)c, p));
			assert_false(ecdsa_in_range((enum ecdsa_curve)c, slice_of(good, size - 1)));
		}
}

static void other_keys_sign_nothing(void **state)
{
	EVP_PKEY *others[] = {EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), EVP_EC_gen("secp256k1"), EVP_RSA_gen(2048)};
	uint8_t pair[ECDSA_PAIR_MAX];
	enum ecdsa_curve curve;

	(void)state;
	memset(pair, 1, sizeof pair);
	for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
		assert_non_null(others[i]);
		assert_false(ecdsa_curve_of(others[i], &curve));
		assert_false(ecdsa_verify(others[i], ECDSA_SHA256, data(), slice_of(pair, 64)));
		EVP_PKEY_free(others[i]);
	}
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++) {
		assert_true(ecdsa_curve_of(keys[c], &curve));
		assert_int_equal(curve, c);
	}
}

/* ---- keys ---- */

static void points_make_keys(void **state)
{
	static const char *const forms[] = {"uncompressed", "compressed"};

	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++)
		for (size_t f = 0; f < ARRAY_COUNT(forms); f++) {
			uint8_t point[ECDSA_POINT_MAX];
			size_t size = point_of((enum ecdsa_curve)c, forms[f], point);
			EVP_PKEY *key = ecdsa_key((enum ecdsa_curve)c, slice_of(point, size));

			assert_non_null(key);
			assert_int_equal(EVP_PKEY_eq(key, keys[c]), 1);
			EVP_PKEY_free(key);
			assert_null(ecdsa_key((enum ecdsa_curve)((c + 1) % ECDSA_CURVE_COUNT), slice_of(point, size)));
			assert_null(ecdsa_key((enum ecdsa_curve)c, slice_of(point, size - 1)));
		}
}

static void other_points_make_none(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++) {
		uint8_t point[ECDSA_POINT_MAX];
		size_t size = point_of((enum ecdsa_curve)c, "hybrid", point);

		assert_null(ecdsa_key((enum ecdsa_curve)c, slice_of(point, size)));
		point[0] = 4;
		point[size - 1] ^= 1;
		assert_null(ecdsa_key((enum ecdsa_curve)c, slice_of(point, size)));
		memset(point + 1, 0, size - 1);
		assert_null(ecdsa_key((enum ecdsa_curve)c, slice_of(point, size)));
		memset(point + 1, 0xff, size - 1);
		assert_null(ecdsa_key((enum ecdsa_curve)c, slice_of(point, size)));
		point[0] = 0;
		assert_null(ecdsa_key((enum ecdsa_curve)c, slice_of(point, 1)));
		assert_null(ecdsa_key((enum ecdsa_curve)c, slice_of(point, 0)));
	}
}

/* As AMD stores them: little-endian, 72 bytes, zeros above. */
static void little_endian_numbers(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++) {
		const enum ecdsa_curve curve = (enum ecdsa_curve)c;
		uint8_t point[ECDSA_POINT_MAX], x[72] = {0}, y[72] = {0}, pair[ECDSA_PAIR_MAX], back[ECDSA_PAIR_MAX];
		size_t size = ecdsa_size(curve);
		EVP_PKEY *key;

		assert_int_equal(point_of(curve, "uncompressed", point), 1 + 2 * size);
		reversed(point + 1, x, size);
		reversed(point + 1 + size, y, size);
		key = ecdsa_key_le(curve, slice_of(x, 72), slice_of(y, 72));
		assert_int_equal(EVP_PKEY_eq(key, keys[c]), 1);
		EVP_PKEY_free(key);
		y[71] = 1;
		assert_null(ecdsa_key_le(curve, slice_of(x, 72), slice_of(y, 72)));
		assert_null(ecdsa_key_le(curve, slice_of(x, size), slice_of(y, size - 1)));

		assert_int_equal(sign(curve, ECDSA_SHA512, pair), 2 * size);
		memset(x, 0, sizeof x);
		memset(y, 0, sizeof y);
		reversed(pair, x, size);
		reversed(pair + size, y, size);
		assert_true(ecdsa_pair_le(curve, slice_of(x, 72), slice_of(y, size), back));
		assert_memory_equal(pair, back, 2 * size);
		x[size] = 1;
		assert_false(ecdsa_pair_le(curve, slice_of(x, 72), slice_of(y, 72), back));
	}
}

static int setup(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++)
		keys[c] = EVP_EC_gen(ecdsa_curve_name((enum ecdsa_curve)c));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned c = 0; c < ECDSA_CURVE_COUNT; c++)
		EVP_PKEY_free(keys[c]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_curve_with_every_hash),
	        cmocka_unit_test(every_byte_of_a_signature_counts),
	        cmocka_unit_test(numbers_have_a_range),
	        cmocka_unit_test(other_keys_sign_nothing),
	        cmocka_unit_test(points_make_keys),
	        cmocka_unit_test(other_points_make_none),
	        cmocka_unit_test(little_endian_numbers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
