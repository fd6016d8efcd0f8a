/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate or a list may not be, one thing each: parameters of RSASSA-PSS, encodings, numbers, dates,
 * issuers. */
#include "client/attest/x509.h"

#include "test/attest/recipe.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROOM = 4096, SERIAL_MAX = 20 };

static const struct recipe_sign by_ec = {KEY_FOREIGN, true, "SHA384", NULL, 0};
static const struct recipe_sign by_rsa = {KEY_ROOT, false, "SHA384", "SHA384", 48};

static struct recipe_cert good(void)
{
	return (struct recipe_cert){.key = KEY_FOREIGN,
	                            .serial = 7,
	                            .cn = "leaf",
	                            .issuer_cn = "root",
	                            .from = "20250101000000Z",
	                            .to = "20260101000000Z",
	                            .sign = by_ec};
}

/* ---- RSASSA-PSS (RFC 4055 section 3.1) ---- */

static ASN1_STRING *parameters(int hash, int mask, long salt, long trailer)
{
	RSA_PSS_PARAMS *p = RSA_PSS_PARAMS_new();
	X509_ALGOR *inner = X509_ALGOR_new();
	ASN1_STRING *out = NULL, *text = NULL;

	if (hash != 0)
		X509_ALGOR_set_md(p->hashAlgorithm = X509_ALGOR_new(), EVP_get_digestbynid(hash));
	if (mask != 0) {
		X509_ALGOR_set_md(inner, EVP_get_digestbynid(mask));
		assert_non_null(ASN1_item_pack(inner, ASN1_ITEM_rptr(X509_ALGOR), &text));
		p->maskGenAlgorithm = X509_ALGOR_new();
		assert_int_equal(X509_ALGOR_set0(p->maskGenAlgorithm, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, text), 1);
	}
	if (salt >= 0)
		ASN1_INTEGER_set(p->saltLength = ASN1_INTEGER_new(), salt);
	if (trailer >= 0)
		ASN1_INTEGER_set(p->trailerField = ASN1_INTEGER_new(), trailer);
	assert_non_null(ASN1_item_pack(p, ASN1_ITEM_rptr(RSA_PSS_PARAMS), &out));
	X509_ALGOR_free(inner);
	RSA_PSS_PARAMS_free(p);
	return out;
}

/* The two places in a certificate where its algorithm stands; only for reading, but this is the test's own. */
static X509_ALGOR *place(const struct cert *c, bool inside)
{
	const X509_ALGOR *outer = NULL;

	X509_get0_signature(NULL, &outer, c->x);
	return (X509_ALGOR *)(uintptr_t)(inside ? X509_get0_tbs_sigalg(c->x) : outer);
}

static void rsa_pss_has_these_parameters_alone(void **state)
{
	static const struct {
		int hash, mask;
		long salt, trailer;
		bool fine;
	} rows[] = {
	        {NID_sha384, NID_sha384, 48, -1, true},  {NID_sha384, NID_sha384, 48, 1, true},
	        {NID_sha384, NID_sha384, 48, 2, false},  {NID_sha384, NID_sha384, 47, -1, false},
	        {NID_sha384, NID_sha384, 0, -1, false},  {NID_sha384, NID_sha384, -1, -1, false},
	        {NID_sha256, NID_sha384, 48, -1, false}, {NID_sha384, NID_sha256, 48, -1, false},
	        {NID_sha512, NID_sha512, 48, -1, false}, {0, NID_sha384, 48, -1, false},
	        {NID_sha384, 0, 48, -1, false},          {0, 0, -1, -1, false},
	};
	struct recipe_cert made = good();
	struct cert c;
	size_t size;
	uint8_t *der;

	(void)state;
	made.sign = by_rsa;
	der = recipe_cert(&made, NULL, &size);
	assert_int_equal(cert_read(slice_of(der, size), &c, NULL), OK);
	assert_int_equal(cert_algorithm_pss384(&c, NULL), OK);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		for (int inside = 0; inside < 2; inside++)
			assert_int_equal(
			        X509_ALGOR_set0(place(&c, inside != 0), OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE,
			                        parameters(rows[i].hash, rows[i].mask, rows[i].salt, rows[i].trailer)),
			        1);
		if ((cert_algorithm_pss384(&c, NULL) == OK) != rows[i].fine)
			fail_msg("row %zu", i);
	}
	/* None at all, NULL, and what is no RSA_PSS_PARAMS. */
	for (int kind = 0; kind < 3; kind++) {
		for (int inside = 0; inside < 2; inside++) {
			ASN1_STRING *junk = kind == 2 ? ASN1_STRING_new() : NULL;

			if (junk != NULL)
				assert_int_equal(ASN1_STRING_set(junk, "\x30\x03\x02\x01\x30", 5), 1);
			assert_int_equal(X509_ALGOR_set0(place(&c, inside != 0), OBJ_nid2obj(NID_rsassaPss),
			                                 kind == 0   ? V_ASN1_UNDEF
			                                 : kind == 1 ? V_ASN1_NULL
			                                             : V_ASN1_SEQUENCE,
			                                 junk),
			                 1);
		}
		assert_int_equal(cert_algorithm_pss384(&c, NULL), ERR_CRYPTO);
	}
	cert_free(&c);
	free(der);
}

static void both_places_name_one_algorithm(void **state)
{
	struct recipe_cert made = good();
	struct cert c;
	size_t size;
	uint8_t *der;

	(void)state;
	made.sign = by_rsa;
	der = recipe_cert(&made, NULL, &size);
	for (int inside = 0; inside < 2; inside++) {
		assert_int_equal(cert_read(slice_of(der, size), &c, NULL), OK);
		X509_ALGOR_set0(place(&c, inside != 0), OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE,
		                parameters(NID_sha384, NID_sha384, 48, 1)); /* says the same, in other words */
		assert_int_equal(cert_algorithm_pss384(&c, NULL), ERR_CRYPTO);
		cert_free(&c);
	}
	free(der);
}

/* ---- encodings ---- */

static enum err read_with(void (*spoil)(uint8_t *der, size_t *size))
{
	struct recipe_cert made = good();
	struct cert c;
	size_t size;
	uint8_t *der;
	enum err err;

	made.spoil = spoil;
	der = recipe_cert(&made, NULL, &size);
	err = cert_read(slice_of(der, size), &c, NULL);
	if (err == OK)
		cert_free(&c);
	free(der);
	return err;
}

static void trailing(uint8_t *der, size_t *size)
{
	der[(*size)++] = 0;
}

static void cut(uint8_t *der, size_t *size)
{
	(void)der;
	--*size;
}

/* The outer length in three bytes instead of two. */
static void long_length(uint8_t *der, size_t *size)
{
	memmove(der + 5, der + 4, *size - 4);
	der[4] = der[3];
	der[3] = der[2];
	der[2] = 0;
	der[1] = 0x83;
	++*size;
}

static void indefinite_length(uint8_t *der, size_t *size)
{
	memmove(der + 2, der + 4, *size - 4);
	der[1] = 0x80;
	*size -= 2;
	memset(der + *size, 0, 2);
	*size += 2;
}

static void der_is_strict(void **state)
{
	static void (*const spoils[])(uint8_t * der, size_t * size) = {trailing, cut, long_length, indefinite_length};

	(void)state;
	assert_int_equal(read_with(NULL), OK);
	for (size_t i = 0; i < ARRAY_COUNT(spoils); i++)
		if (read_with(spoils[i]) == OK)
			fail_msg("spoil %zu", i);
}

static void extensions_stand_once(void **state)
{
	static const char *const oids[] = {"2.5.29.15", "2.5.29.19", "1.3.6.1.4.1.3704.1.4", "1.2.3.4"};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(oids); i++) {
		struct recipe_cert made = good();
		struct cert c;
		size_t size;
		uint8_t *der;

		made.twice_oid = oids[i];
		der = recipe_cert(&made, NULL, &size);
		assert_int_equal(cert_read(slice_of(der, size), &c, NULL), ERR_FORMAT);
		free(der);
	}
}

/* ---- numbers ---- */

/* A certificate with this serial number, by its bytes. */
static enum err read_serial(const uint8_t *bytes, size_t count)
{
	struct recipe_cert made = good();
	X509 *x;
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	unsigned char *out = NULL;
	const unsigned char *p;
	struct cert c;
	size_t size;
	uint8_t *der = recipe_cert(&made, NULL, &size);
	enum err err;
	int n;

	p = der;
	x = d2i_X509(NULL, &p, (long)size);
	assert_int_equal(ASN1_STRING_set(serial, bytes, (int)count), 1);
	assert_int_equal(X509_set_serialNumber(x, serial), 1);
	assert_true(X509_sign(x, recipe_keys[KEY_FOREIGN], EVP_sha384()) > 0);
	n = i2d_X509(x, &out);
	err = cert_read(slice_of(out, (size_t)n), &c, NULL);
	if (err == OK)
		cert_free(&c);
	OPENSSL_free(out);
	ASN1_INTEGER_free(serial);
	X509_free(x);
	free(der);
	return err;
}

static void first_byte_negative(uint8_t *der, size_t *size)
{
	for (size_t i = 0; i + 2 < *size && i < 40; i++)
		if (der[i] == 2 && der[i + 1] == 1 && der[i + 2] == 7) {
			der[i + 2] = 0x87;
			return;
		}
}

static void serials_are_positive_and_short(void **state)
{
	uint8_t bytes[SERIAL_MAX + 1];

	(void)state;
	memset(bytes, 0x11, sizeof bytes);
	assert_int_equal(read_serial(bytes, SERIAL_MAX), OK);
	assert_int_equal(read_serial(bytes, SERIAL_MAX + 1), ERR_FORMAT);
	assert_int_equal(read_with(first_byte_negative), ERR_FORMAT);
}

/* ---- ECDSA inside certificates: Ecdsa-Sig-Value is DER, and R and S have a range ---- */

/* The certificate with another signature in its BIT STRING. */
static enum err signed_as(const uint8_t *signature, size_t count)
{
	struct recipe_cert made = good();
	size_t size;
	uint8_t *der = recipe_cert(&made, NULL, &size);
	const unsigned char *p = der;
	X509 *x = d2i_X509(NULL, &p, (long)size);
	const ASN1_BIT_STRING *bits = NULL;
	unsigned char *out = NULL;
	struct cert c = {0}, issuer = {0};
	enum err err;
	int n;

	X509_get0_signature(&bits, NULL, x);
	if (signature != NULL)
		assert_int_equal(ASN1_STRING_set((ASN1_STRING *)(uintptr_t)bits, signature, (int)count), 1);
	n = i2d_X509(x, &out);
	err = cert_read(slice_of(out, (size_t)n), &c, NULL);
	issuer = c; /* it has the key that signed */
	if (err == OK)
		err = cert_signed_by(&c, &issuer, NULL);
	cert_free(&c);
	OPENSSL_free(out);
	X509_free(x);
	free(der);
	return err;
}

/* SEQUENCE { r, s } of two encoded INTEGERs. */
static size_t pair_of(uint8_t *out, const uint8_t *r, size_t r_size, const uint8_t *s, size_t s_size)
{
	out[0] = 0x30;
	out[1] = (uint8_t)(r_size + s_size);
	memcpy(out + 2, r, r_size);
	memcpy(out + 2 + r_size, s, s_size);
	return 2 + r_size + s_size;
}

static void ecdsa_values_are_strict_and_in_range(void **state)
{
	static const uint8_t zero[] = {2, 1, 0}, one[] = {2, 1, 1}, minus[] = {2, 1, 0xff}, padded[] = {2, 2, 0, 1};
	uint8_t order[2 + 49] = {2, 49, 0}, out[ROOM];
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_secp384r1);
	const struct {
		const uint8_t *r, *s;
		size_t r_size, s_size;
	} rows[] = {{zero, one, 3, 3},   {one, zero, 3, 3},   {zero, zero, 3, 3},  {minus, one, 3, 3},
	            {padded, one, 4, 3}, {one, padded, 3, 4}, {order, one, 51, 3}, {one, order, 3, 51}};

	(void)state;
	BN_bn2binpad(EC_GROUP_get0_order(g), order + 3, 48);
	EC_GROUP_free(g);
	assert_int_equal(signed_as(NULL, 0), OK);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		if (signed_as(out, pair_of(out, rows[i].r, rows[i].r_size, rows[i].s, rows[i].s_size)) == OK)
			fail_msg("row %zu", i);
}

/* A good signature in another encoding is none. */
static void ecdsa_encodings_are_the_shortest(void **state)
{
	struct recipe_cert made = good();
	size_t size;
	uint8_t *der = recipe_cert(&made, NULL, &size), out[ROOM];
	const unsigned char *p = der;
	X509 *x = d2i_X509(NULL, &p, (long)size);
	const ASN1_BIT_STRING *bits = NULL;
	size_t count;

	(void)state;
	X509_get0_signature(&bits, NULL, x);
	count = (size_t)ASN1_STRING_length(bits);
	memcpy(out, ASN1_STRING_get0_data(bits), count);
	out[count] = 0; /* behind it */
	assert_int_equal(signed_as(out, count + 1), ERR_CRYPTO);
	memmove(out + 3, out + 2, count - 2); /* 30 81 len */
	out[2] = out[1];
	out[1] = 0x81;
	assert_int_equal(signed_as(out, count + 1), ERR_CRYPTO);
	X509_free(x);
	free(der);
}

/* ---- dates ---- */

static void dates_have_two_ends(void **state)
{
	enum { FROM = 1735689600, TO = 1767225600 };
	struct recipe_cert made = good();
	struct cert c;
	size_t size;
	uint8_t *der = recipe_cert(&made, NULL, &size);

	(void)state;
	assert_int_equal(cert_read(slice_of(der, size), &c, NULL), OK);
	assert_int_not_equal(cert_valid_at(&c, FROM - 1, NULL), OK);
	assert_int_equal(cert_valid_at(&c, FROM, NULL), OK);
	assert_int_equal(cert_valid_at(&c, TO, NULL), OK);
	assert_int_not_equal(cert_valid_at(&c, TO + 1, NULL), OK);
	cert_free(&c);
	free(der);
}

/* ---- revocation lists ---- */

static void lists_are_of_their_issuer_and_time(void **state)
{
	enum { FROM = 1748736000 /* 2025-06-01 */, TO = 1780272000 /* 2026-06-01 */ };
	struct recipe_cert made = good();
	struct recipe_crl list = {.present = true,
	                          .issuer_cn = "root",
	                          .from = "20250601000000Z",
	                          .to = "20260601000000Z",
	                          .revoked = {9, 7},
	                          .sign = by_ec};
	struct cert c;
	struct crl l;
	size_t size, list_size;
	uint8_t *der, *crl = recipe_crl(&list, &list_size);

	(void)state;
	made.cn = "root";
	der = recipe_cert(&made, NULL, &size);
	assert_int_equal(cert_read(slice_of(der, size), &c, NULL), OK);
	assert_int_equal(crl_read(slice_of(crl, list_size), &l, NULL), OK);
	assert_int_equal(crl_issuer_is(&l, &c, NULL), OK);
	assert_int_not_equal(crl_spares(&l, &c, NULL), OK); /* serial 7 */
	assert_int_not_equal(crl_valid_at(&l, FROM - 1, 0, NULL), OK);
	assert_int_equal(crl_valid_at(&l, FROM, 0, NULL), OK);
	assert_int_equal(crl_valid_at(&l, FROM + 86400, 86400, NULL), OK);
	assert_int_not_equal(crl_valid_at(&l, FROM + 86401, 86400, NULL), OK);
	assert_int_equal(crl_valid_at(&l, TO, 0, NULL), OK);
	assert_int_not_equal(crl_valid_at(&l, TO + 1, 0, NULL), OK);
	crl_free(&l);
	free(crl);
	list.issuer_cn = "another";
	list.to = NULL;
	crl = recipe_crl(&list, &list_size);
	assert_int_equal(crl_read(slice_of(crl, list_size), &l, NULL), OK);
	assert_int_not_equal(crl_issuer_is(&l, &c, NULL), OK);
	assert_int_not_equal(crl_valid_at(&l, FROM, 0, NULL), OK); /* without an end */
	crl_free(&l);
	free(crl);
	cert_free(&c);
	free(der);
}

/* The algorithm stands twice: among what is signed, and beside the signature, where anybody can write. */
static void a_list_names_one_algorithm(void **state)
{
	static const uint8_t ecdsa_with_sha2[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03};
	struct recipe_crl list = {.present = true,
	                          .issuer_cn = "root",
	                          .from = "20250601000000Z",
	                          .to = "20260601000000Z",
	                          .sign = by_ec};
	size_t size, found = 0;
	uint8_t *der = recipe_crl(&list, &size);
	struct crl l;

	(void)state;
	assert_int_equal(crl_read(slice_of(der, size), &l, NULL), OK);
	crl_free(&l);
	for (size_t i = 0; i + sizeof ecdsa_with_sha2 < size; i++) {
		if (memcmp(der + i, ecdsa_with_sha2, sizeof ecdsa_with_sha2) != 0)
			continue;
		found++;
		der[i + sizeof ecdsa_with_sha2] ^= 1;
		assert_int_equal(crl_read(slice_of(der, size), &l, NULL), ERR_FORMAT);
		der[i + sizeof ecdsa_with_sha2] ^= 1;
	}
	assert_int_equal(found, 2);
	free(der);
}

static int keys_in(void **state)
{
	(void)state;
	if (!recipe_load_keys())
		return -1;
	recipe_keys[KEY_FOREIGN] = EVP_EC_gen("P-384");
	return recipe_keys[KEY_FOREIGN] != NULL ? 0 : -1;
}

static int keys_out(void **state)
{
	(void)state;
	recipe_free_keys();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rsa_pss_has_these_parameters_alone),
	        cmocka_unit_test(both_places_name_one_algorithm),
	        cmocka_unit_test(der_is_strict),
	        cmocka_unit_test(extensions_stand_once),
	        cmocka_unit_test(serials_are_positive_and_short),
	        cmocka_unit_test(ecdsa_values_are_strict_and_in_range),
	        cmocka_unit_test(ecdsa_encodings_are_the_shortest),
	        cmocka_unit_test(dates_have_two_ends),
	        cmocka_unit_test(lists_are_of_their_issuer_and_time),
		cmocka_unit_test(a_list_names_one_algorithm),
	};

	return cmocka_run_group_tests(tests, keys_in, keys_out);
}
