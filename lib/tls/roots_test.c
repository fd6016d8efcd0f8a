/* SPDX-License-Identifier: Apache-2.0 */
/* Authorities that OpenSSL made, right and wrong. That chains lead to them is tested with whole connections. */
#define ERR_STATE OPENSSL_ERR_STATE /* its name for a type, ours for an error */
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "lib/tls/roots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ARENA = 1 << 20, TEXT = 16384 };

static EVP_PKEY *ec, *rsa, *ed;
static uint8_t *memory;
static char text[TEXT];

static void add(EVP_PKEY *key, const char *constraints)
{
	X509 *c = X509_new();
	BIO *b = BIO_new(BIO_s_mem());
	char *pem;
	long size;

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	ASN1_TIME_set(X509_getm_notBefore(c), 1700000000);
	ASN1_TIME_set(X509_getm_notAfter(c), 1800000000);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const uint8_t *)"root", -1, -1, 0);
	X509_set_pubkey(c, key);
	if (constraints != NULL) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, constraints);

		assert_true(X509_add_ext(c, e, -1));
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(c, key, key == ed ? NULL : EVP_sha256()) > 0);
	assert_true(PEM_write_bio_X509(b, c));
	size = BIO_get_mem_data(b, &pem);
	assert_true(size > 0 && strlen(text) + (size_t)size < sizeof text);
	strncat(text, pem, (size_t)size);
	BIO_free(b);
	X509_free(c);
}

static enum err read_text(struct tls_trust *t, struct note *n)
{
	struct arena a = arena_of(memory, ARENA);

	memset(n, 0, sizeof *n);
	memset(t, 0, sizeof *t);
	return roots_read(&a, slice_text(text), t, n);
}

static void all_of_a_file_are_read(void **state)
{
	struct tls_trust t;
	struct note n;

	(void)state;
	strcpy(text, "our roots:\n");
	add(ec, "critical,CA:TRUE");
	strcat(text, "and\n");
	add(rsa, "CA:TRUE,pathlen:3");
	text[strlen(text) - 1] = 0; /* no end of line */
	assert_int_equal(read_text(&t, &n), OK);
	assert_int_equal(t.root_count, 2);
	assert_int_equal(t.roots[0].pkey.key_type, BR_KEYTYPE_EC);
	assert_int_equal(t.roots[0].pkey.key.ec.curve, BR_EC_secp256r1);
	assert_int_equal(t.roots[1].pkey.key_type, BR_KEYTYPE_RSA);
	assert_int_equal(t.roots[1].pkey.key.rsa.nlen, 256);
	assert_int_equal(t.roots[0].flags, BR_X509_TA_CA);
	assert_int_equal(t.roots[0].dn.data[0], 0x30);
}

static void refused(enum err err, const char *words)
{
	struct tls_trust t;
	struct note n;

	assert_int_equal(read_text(&t, &n), err);
	if (strstr(n.text, words) == NULL)
		fail_msg("'%s' does not say '%s'", n.text, words);
}

static void what_is_no_authority_is_refused(void **state)
{
	(void)state;
	text[0] = 0;
	add(ec, NULL);
	refused(ERR_INVALID, "certificate 1 is no authority's");
	text[0] = 0;
	add(ec, "CA:TRUE");
	add(ec, "CA:FALSE");
	refused(ERR_INVALID, "certificate 2 is no authority's");
	text[0] = 0;
	add(ed, "CA:TRUE");
	refused(ERR_UNSUPPORTED, "neither RSA nor ECDSA");
	strcpy(text, "nothing at all");
	refused(ERR_INVALID, "no certificate");
	text[0] = 0;
	refused(ERR_INVALID, "no certificate");
	strcpy(text, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	refused(ERR_INVALID, "object 1 is no certificate");
	strcpy(text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	refused(ERR_FORMAT, "certificate 1 is malformed");
	strcpy(text, "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
	refused(ERR_FORMAT, "damaged");
}

static void a_part_is_refused(void **state)
{
	struct tls_trust t;
	struct note n;
	size_t size;

	(void)state;
	text[0] = 0;
	add(ec, "CA:TRUE");
	size = (size_t)(strstr(text, "-----END") - text);
	for (size_t cut = size; cut > 11; cut--) { /* to "-----BEGIN C" */
		text[cut] = 0;
		assert_int_not_equal(read_text(&t, &n), OK);
		assert_int_not_equal(n.text[0], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(all_of_a_file_are_read),
	        cmocka_unit_test(what_is_no_authority_is_refused),
	        cmocka_unit_test(a_part_is_refused),
	};
	int failed;

	memory = malloc(ARENA);
	ec = EVP_EC_gen("P-256");
	rsa = EVP_RSA_gen(2048);
	ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (memory == NULL || ec == NULL || rsa == NULL || ed == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ed);
	free(memory);
	return failed;
}
