/* SPDX-License-Identifier: Apache-2.0 */
/* What we write, OpenSSL reads. */
#define ERR_STATE OPENSSL_ERR_STATE /* its name for a type, ours for an error */
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "lib/tls/certificate.h"

#include "lib/attest/der.h"
#include "lib/attest/dice.h"
#include "lib/tls/leaf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { ROOM = 4096, EVIDENCE_OID_SIZE = 6 };

static uint8_t secret[32] = {1, 2, 3}, point[65];
static br_ec_private_key key = {BR_EC_secp256r1, secret, sizeof secret};

static struct certificate_settings settings(void)
{
	static const char *const names[] = {"keep.example", "*.keep.example"};

	return (struct certificate_settings){.key = &key,
	                                     .public = point,
	                                     .subject = "Broch Keep",
	                                     .names = names,
	                                     .name_count = 2,
	                                     .serial = {0xff, 0x80},
	                                     .from_s = 1700000000,
	                                     .until_s = 1800000000};
}

static X509 *make(const struct certificate_settings *s)
{
	uint8_t der[ROOM];
	const uint8_t *at = der;
	size_t size;
	X509 *x;

	assert_int_equal(certificate_make(s, der, sizeof der, &size), OK);
	assert_int_equal(der_check(slice_of(der, size)), OK);
	x = d2i_X509(NULL, &at, (long)size);
	assert_non_null(x);
	assert_ptr_equal(at, der + size);
	return x;
}

static void it_says_what_it_was_told(void **state)
{
	struct certificate_settings s = settings();
	X509 *x = make(&s);
	EXTENDED_KEY_USAGE *eku;
	char cn[65];

	(void)state;
	assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
	assert_int_equal(X509_get_version(x), 2);
	assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_SERVER | XKU_SSL_CLIENT);
	assert_int_equal(X509_check_ca(x), 0);
	assert_int_equal(X509_check_host(x, "keep.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x, "a.keep.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x, "b.example", 0, 0, NULL), 0);
	assert_int_equal(X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)), 0);
	assert_int_equal(X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn, sizeof cn), 10);
	assert_string_equal(cn, "Broch Keep");
	assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(x)), CERTIFICATE_SERIAL_SIZE);
	assert_int_equal(ASN1_STRING_get0_data(X509_get0_serialNumber(x))[0], 0x7f);
	eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	assert_int_equal(sk_ASN1_OBJECT_num(eku), 2);
	EXTENDED_KEY_USAGE_free(eku);
	X509_free(x);
}

static void dates_are_those_of_the_calendar(void **state)
{
	static const int64_t times[] = {0,          951782399,  951782400,  951868800,   1709164800,  2524607999,
	                                2524608000, 4107542399, 4107542400, 13574563199, 253402300799};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
		struct certificate_settings s = settings();
		time_t at = (time_t)times[i];
		X509 *x;

		s.from_s = s.until_s = (uint64_t)times[i];
		x = make(&s);
		assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(x), at), 0);
		assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(x), at), 0);
		X509_free(x);
	}
	for (int64_t at = 86399; at < 253402300800; at += 86400 * INT64_C(1301)) {
		struct certificate_settings s = settings();
		X509 *x;

		s.until_s = INT64_C(253402300799);
		s.from_s = (uint64_t)at;
		x = make(&s);
		assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(x), (time_t)at), 0);
		X509_free(x);
	}
}

static void evidence_is_carried(void **state)
{
	static uint8_t envelope[1500], value[2000];
	static const uint8_t oid[EVIDENCE_OID_SIZE] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x09};
	const uint8_t key_hash[32] = {1}, manifest[32] = {2};
	uint8_t claims[DICE_CLAIMS_MAX];
	struct certificate_settings s = settings();
	size_t claims_size, size;
	struct dice_evidence e;
	struct note n = {""};
	X509 *x;
	int at;

	(void)state;
	assert_int_equal(dice_claims_write(key_hash, manifest, claims, &claims_size), OK);
	assert_int_equal(dice_evidence_write(slice_of(envelope, sizeof envelope), slice_of(claims, claims_size), value,
	                                     sizeof value, &size),
	                 OK);
	s.evidence = slice_of(value, size);
	x = make(&s);
	for (at = 0; at < X509_get_ext_count(x); at++) {
		const ASN1_OBJECT *o = X509_EXTENSION_get_object(X509_get_ext(x, at));
		const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(X509_get_ext(x, at));

		if (!slice_equal(slice_of(OBJ_get0_data(o), OBJ_length(o)), slice_of(oid, sizeof oid)))
			continue;
		assert_int_equal(
		        dice_evidence_read(slice_of(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v)), &e, &n),
		        OK);
		assert_true(slice_equal(e.quote, slice_of(envelope, sizeof envelope)));
		assert_true(slice_equal(e.claims, slice_of(claims, claims_size)));
		assert_true(e.hash == DICE_SHA256 && slice_equal(e.key_hash, slice_of(key_hash, 32)));
		assert_true(slice_equal(e.manifest, slice_of(manifest, 32)));
		break;
	}
	assert_true(at < X509_get_ext_count(x));
	X509_free(x);
}

static void it_fits_or_says_so(void **state)
{
	struct certificate_settings s = settings();
	uint8_t *out = malloc(ROOM);
	size_t size = 0, least;

	(void)state;
	assert_non_null(out);
	assert_int_equal(certificate_make(&s, out, ROOM, &least), OK);
	for (size_t room = 0; room < least; room++) {
		uint8_t *small = malloc(room + 1); /* the sanitizer watches its end */

		assert_non_null(small);
		assert_int_equal(certificate_make(&s, small, room, &size), ERR_SPACE);
		free(small);
	}
	assert_int_equal(certificate_make(&s, out, least, &size), OK);
	assert_int_equal(size, least);
	free(out);
}

static void what_no_certificate_can_say_is_refused(void **state)
{
	struct certificate_settings s;
	static const char *const bad[] = {"", "a b", "\x01", "\xc3\xa4"};
	uint8_t out[ROOM];
	size_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		s = settings();
		s.names = &bad[i];
		s.name_count = 1;
		assert_int_equal(certificate_make(&s, out, sizeof out, &size), ERR_INVALID);
	}
	s = settings();
	s.subject = "";
	assert_int_equal(certificate_make(&s, out, sizeof out, &size), ERR_INVALID);
	s = settings();
	s.until_s = s.from_s - 1;
	assert_int_equal(certificate_make(&s, out, sizeof out, &size), ERR_INVALID);
	s.until_s = UINT64_C(253402300800);
	assert_int_equal(certificate_make(&s, out, sizeof out, &size), ERR_INVALID);
}

static void the_key_info_is_openssls(void **state)
{
	uint8_t spki[CERTIFICATE_SPKI_SIZE], *theirs = NULL, der[ROOM];
	struct certificate_settings s = settings();
	X509 *x = make(&s);
	struct leaf leaf;
	size_t size;

	(void)state;
	certificate_spki(point, spki);
	assert_int_equal(i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &theirs), sizeof spki);
	assert_memory_equal(spki, theirs, sizeof spki);
	OPENSSL_free(theirs);
	X509_free(x);
	assert_int_equal(certificate_make(&s, der, sizeof der, &size), OK);
	assert_int_equal(leaf_read(slice_of(der, size), &leaf), OK);
	assert_true(slice_equal(leaf.spki, slice_of(spki, sizeof spki)));
	assert_true(leaf.signs && leaf.uses[LEAF_SERVER] && leaf.uses[LEAF_CLIENT] && !leaf.ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_says_what_it_was_told), cmocka_unit_test(dates_are_those_of_the_calendar),
	        cmocka_unit_test(evidence_is_carried),      cmocka_unit_test(it_fits_or_says_so),
	        cmocka_unit_test(the_key_info_is_openssls), cmocka_unit_test(what_no_certificate_can_say_is_refused),
	};

	if (br_ec_compute_pub(br_ec_get_default(), NULL, point, &key) != sizeof point)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
