/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/corim.h"

#include "client/attest/ecdsa.h"
#include "lib/attest/cbor_any.h"
#include "lib/attest/cose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t bytes[64] = {0xaa, 0xbb};

static struct corim_value value(const char *name, size_t size)
{
	return (struct corim_value){.name = name, .digest = slice_of(bytes, size)};
}

static struct slice write_one(const struct corim_value *values, size_t count, uint8_t out[static CORIM_SIZE_MAX])
{
	const struct corim_reference r = {"AMD", "SEV-SNP", values, count};
	struct writer w = wr_of(out, CORIM_SIZE_MAX);

	assert_int_equal(corim_write(&r, 1, NULL, &w), OK);
	return wr_slice(&w);
}

static struct cbor_any next(struct reader *r, enum cbor_any_kind kind, uint64_t v)
{
	struct cbor_any a;

	assert_int_equal(cbor_any_of(r, kind, &a), OK);
	assert_int_equal(a.value, v);
	return a;
}

static void text(struct reader *r, const char *want)
{
	struct cbor_any a;

	assert_int_equal(cbor_any_of(r, ANY_TEXT, &a), OK);
	assert_true(slice_is(a.string, want));
}

static void skip_id(struct reader *r)
{
	struct cbor_any a;

	assert_int_equal(cbor_any_of(r, ANY_TEXT, &a), OK);
}

/* Down to the first triple. */
static struct reader triple_of(struct slice manifest)
{
	struct reader r = rd_of(manifest);
	struct cbor_any comid;

	next(&r, ANY_TAG, 501);
	next(&r, ANY_MAP, 2);
	next(&r, ANY_UINT, 0);
	skip_id(&r);
	next(&r, ANY_UINT, 1);
	next(&r, ANY_ARRAY, 1);
	next(&r, ANY_TAG, 506);
	assert_int_equal(cbor_any_of(&r, ANY_BYTES, &comid), OK);
	assert_int_equal(rd_end(&r), OK);
	r = rd_of(comid.string);
	next(&r, ANY_MAP, 2);
	next(&r, ANY_UINT, 1);
	next(&r, ANY_MAP, 1);
	next(&r, ANY_UINT, 0);
	skip_id(&r);
	next(&r, ANY_UINT, 4);
	next(&r, ANY_MAP, 1);
	next(&r, ANY_UINT, 0);
	next(&r, ANY_ARRAY, 1);
	next(&r, ANY_ARRAY, 2);
	return r;
}

static void environment(struct reader *r)
{
	next(r, ANY_MAP, 1);
	next(r, ANY_UINT, 0);
	next(r, ANY_MAP, 2);
	next(r, ANY_UINT, 1);
	text(r, "AMD");
	next(r, ANY_UINT, 2);
	text(r, "SEV-SNP");
}

static void digest(struct reader *r, uint64_t algorithm, size_t size)
{
	struct cbor_any a;

	next(r, ANY_ARRAY, 1);
	next(r, ANY_ARRAY, 2);
	next(r, ANY_UINT, algorithm);
	a = next(r, ANY_BYTES, size);
	assert_memory_equal(a.string.data, bytes, size);
}

static void measurement(struct reader *r, const char *name, uint64_t values)
{
	next(r, ANY_MAP, 2);
	next(r, ANY_UINT, 0);
	text(r, name);
	next(r, ANY_UINT, 1);
	next(r, ANY_MAP, 1);
	next(r, ANY_UINT, values);
}

static void digests_are_reference_values(void **state)
{
	const struct corim_value values[] = {value("a", 32), value("b", 48), value("c", 64)};
	static const uint64_t algorithms[] = {1, 7, 8};
	uint8_t out[CORIM_SIZE_MAX];
	struct reader r = triple_of(write_one(values, 3, out));

	(void)state;
	environment(&r);
	next(&r, ANY_ARRAY, 3);
	for (size_t i = 0; i < 3; i++) {
		measurement(&r, values[i].name, 2);
		digest(&r, algorithms[i], values[i].digest.size);
	}
	assert_int_equal(rd_end(&r), OK);
}

static void registers_of_a_set_stand_together(void **state)
{
	struct corim_value values[] = {value("mrtd", 48), value("rtmr", 48), value("rtmr", 48), value("other", 48)};
	uint8_t out[CORIM_SIZE_MAX];
	struct reader r;

	(void)state;
	values[1].is_register = values[2].is_register = values[3].is_register = true;
	values[2].index = 3;
	values[3].index = 4;
	r = triple_of(write_one(values, 4, out));
	environment(&r);
	next(&r, ANY_ARRAY, 3);
	measurement(&r, "mrtd", 2);
	digest(&r, 7, 48);
	measurement(&r, "rtmr", 14);
	next(&r, ANY_MAP, 2);
	next(&r, ANY_UINT, 0);
	digest(&r, 7, 48);
	next(&r, ANY_UINT, 3);
	digest(&r, 7, 48);
	measurement(&r, "other", 14);
	next(&r, ANY_MAP, 1);
	next(&r, ANY_UINT, 4);
	digest(&r, 7, 48);
	assert_int_equal(rd_end(&r), OK);
}

static void equal_values_give_equal_bytes_and_others_another_id(void **state)
{
	struct corim_value values[] = {value("a", 32)};
	uint8_t one[CORIM_SIZE_MAX], two[CORIM_SIZE_MAX];
	struct slice a = write_one(values, 1, one);

	(void)state;
	assert_true(slice_equal(a, write_one(values, 1, two)));
	values[0].digest.data++;
	write_one(values, 1, two);
	assert_memory_not_equal(one + 7, two + 7, 45); /* tag, map, key, and head and text of the id */
}

static void what_no_manifest_can_say_is_refused(void **state)
{
	struct corim_value v = value("a", 32);
	struct corim_reference r = {"AMD", "SEV", &v, 1};
	uint8_t out[CORIM_SIZE_MAX];
	char longer[CORIM_TEXT_MAX + 2];
	struct writer w = wr_of(out, sizeof out);

	(void)state;
	assert_int_equal(corim_write(&r, 0, NULL, &w), ERR_INVALID);
	r.count = 0;
	assert_int_equal(corim_write(&r, 1, NULL, &w), ERR_INVALID);
	r.count = 1;
	v.digest.size = 33;
	assert_int_equal(corim_write(&r, 1, NULL, &w), ERR_INVALID);
	v = value("\xff", 32);
	assert_int_equal(corim_write(&r, 1, NULL, &w), ERR_INVALID);
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	v = value("a", 32);
	r.model = longer;
	assert_int_equal(corim_write(&r, 1, NULL, &w), ERR_INVALID);
	r.model = "SEV";
	w = wr_of(out, 20);
	assert_int_equal(corim_write(&r, 1, NULL, &w), ERR_SPACE);
}

static void signed_with(const char *curve, enum cose_alg alg, enum ecdsa_hash hash)
{
	struct corim_value v = value("a", 48);
	uint8_t plain[CORIM_SIZE_MAX], out[CORIM_SIGNED_MAX], data[CORIM_SIGNED_MAX];
	struct slice manifest = write_one(&v, 1, plain);
	struct writer w = wr_of(out, sizeof out), s = wr_of(data, sizeof data);
	EVP_PKEY *key = EVP_EC_gen(curve);
	struct cose_sign1 m;
	struct reader r;
	struct note n = {""};

	assert_int_equal(corim_sign(key, "me", manifest, &w, &n), OK);
	r = rd_of(wr_slice(&w));
	assert_int_equal(cose_sign1_read(&r, &m), OK);
	assert_int_equal(rd_end(&r), OK);
	assert_true(m.tagged && m.alg == alg && slice_equal(m.payload, manifest));
	assert_int_equal(cose_signed_bytes(&m, &s), OK);
	assert_true(ecdsa_verify(key, hash, wr_slice(&s), m.signature));
	data[wr_used(&s) - 1] ^= 1;
	assert_false(ecdsa_verify(key, hash, wr_slice(&s), m.signature));
	EVP_PKEY_free(key);
}

static void the_algorithm_follows_from_the_key(void **state)
{
	(void)state;
	signed_with("P-256", COSE_ES256, ECDSA_SHA256);
	signed_with("P-384", COSE_ES384, ECDSA_SHA384);
	signed_with("P-521", COSE_ES512, ECDSA_SHA512);
}

static void other_keys_sign_nothing(void **state)
{
	uint8_t out[CORIM_SIGNED_MAX];
	struct writer w = wr_of(out, sizeof out);
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	struct note n = {""};

	(void)state;
	assert_int_equal(corim_sign(key, "me", slice_of(bytes, 4), &w, &n), ERR_INVALID);
	assert_true(n.text[0] != 0 && wr_used(&w) == 0);
	EVP_PKEY_free(key);
}

static void values_may_have_an_end(void **state)
{
	static uint8_t zero[32];
	const struct corim_value one = {.name = "m", .digest = slice_of(zero, 32)};
	const struct corim_reference r = {"V", "M", &one, 1};
	const struct corim_validity both = {true, 1750000000, 1760000000}, end = {false, 0, 1760000000},
	                            wrong = {true, 2, 1};
	uint8_t room[CORIM_SIZE_MAX];
	struct writer w = wr_of(room, sizeof room);
	struct reader in;
	struct cbor_any a;

	(void)state;
	assert_int_equal(corim_write(&r, 1, &wrong, &w), ERR_INVALID);
	for (int i = 0; i < 2; i++) {
		w = wr_of(room, sizeof room);
		assert_int_equal(corim_write(&r, 1, i == 0 ? &both : &end, &w), OK);
		in = rd_of(wr_slice(&w));
		next(&in, ANY_TAG, 501);
		next(&in, ANY_MAP, 3);
		next(&in, ANY_UINT, 0);
		skip_id(&in);
		next(&in, ANY_UINT, 1);
		next(&in, ANY_ARRAY, 1);
		next(&in, ANY_TAG, 506);
		assert_int_equal(cbor_any_of(&in, ANY_BYTES, &a), OK);
		next(&in, ANY_UINT, 4);
		next(&in, ANY_MAP, i == 0 ? 2 : 1);
		for (int k = i; k < 2; k++) {
			next(&in, ANY_UINT, (uint64_t)k);
			next(&in, ANY_TAG, 1);
			next(&in, ANY_UINT, k == 0 ? 1750000000 : 1760000000);
		}
		assert_int_equal(rd_end(&in), OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(values_may_have_an_end),
	        cmocka_unit_test(digests_are_reference_values),
	        cmocka_unit_test(registers_of_a_set_stand_together),
	        cmocka_unit_test(equal_values_give_equal_bytes_and_others_another_id),
	        cmocka_unit_test(what_no_manifest_can_say_is_refused),
	        cmocka_unit_test(the_algorithm_follows_from_the_key),
	        cmocka_unit_test(other_keys_sign_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
