/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate of OpenSSL's, whole, cut short at each byte, and with extensions that say something twice. */
#define ERR_STATE OPENSSL_ERR_STATE /* its name for a type, ours for an error */
#include <openssl/ec.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "lib/tls/leaf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static EVP_PKEY *key;

struct said {
	int nid;
	const char *value;
};

/* The caller frees the bytes with OPENSSL_free. */
static struct slice make(const struct said *said, size_t count)
{
	X509 *c = X509_new();
	uint8_t *der = NULL;
	int size;

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	ASN1_TIME_set(X509_getm_notBefore(c), 1700000000);
	ASN1_TIME_set(X509_getm_notAfter(c), 1700000001);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const uint8_t *)"x", -1, -1, 0);
	X509_set_pubkey(c, key);
	for (size_t i = 0; i < count; i++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, said[i].nid, said[i].value);

		assert_non_null(e);
		assert_true(X509_add_ext(c, e, -1));
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(c, key, EVP_sha256()) > 0);
	size = i2d_X509(c, &der);
	assert_true(size > 0);
	X509_free(c);
	return slice_of(der, (size_t)size);
}

static enum err read_one(const struct said *said, size_t count, struct leaf *l)
{
	struct slice der = make(said, count);
	enum err err = leaf_read(der, l);

	OPENSSL_free((void *)(uintptr_t)der.data);
	return err;
}

static void silence_allows_all_but_being_an_authority(void **state)
{
	struct leaf l;

	(void)state;
	assert_int_equal(read_one(NULL, 0, &l), OK);
	assert_true(l.signs && l.uses[LEAF_SERVER] && l.uses[LEAF_CLIENT] && !l.ca);
}

static void what_is_said_is_read(void **state)
{
	const struct said server[] = {{NID_ext_key_usage, "critical,serverAuth"}, {NID_key_usage, "keyEncipherment"}};
	const struct said both[] = {{NID_ext_key_usage, "codeSigning,clientAuth,serverAuth"},
	                            {NID_key_usage, "critical,digitalSignature,keyCertSign"},
	                            {NID_basic_constraints, "critical,CA:TRUE"}};
	const struct said neither[] = {{NID_ext_key_usage, "codeSigning"}, {NID_basic_constraints, "CA:FALSE"}};
	struct leaf l;

	(void)state;
	assert_int_equal(read_one(server, 2, &l), OK);
	assert_true(!l.signs && l.uses[LEAF_SERVER] && !l.uses[LEAF_CLIENT]);
	assert_int_equal(read_one(both, 3, &l), OK);
	assert_true(l.signs && l.uses[LEAF_SERVER] && l.uses[LEAF_CLIENT] && l.ca);
	assert_int_equal(read_one(neither, 2, &l), OK);
	assert_true(l.signs && !l.uses[LEAF_SERVER] && !l.uses[LEAF_CLIENT] && !l.ca);
}

static void the_key_is_the_one_that_was_signed(void **state)
{
	struct slice der = make(NULL, 0);
	uint8_t *spki = NULL;
	int size = i2d_PUBKEY(key, &spki);
	struct leaf l;

	(void)state;
	assert_int_equal(leaf_read(der, &l), OK);
	assert_true(slice_equal(l.spki, slice_of(spki, (size_t)size)));
	OPENSSL_free(spki);
	OPENSSL_free((void *)(uintptr_t)der.data);
}

static void twice_is_once_too_often(void **state)
{
	const struct said twice[] = {{NID_ext_key_usage, "serverAuth"}, {NID_ext_key_usage, "clientAuth"}};
	struct leaf l;

	(void)state;
	assert_int_equal(read_one(twice, 2, &l), ERR_FORMAT);
}

static void a_part_is_no_certificate(void **state)
{
	const struct said all[] = {{NID_ext_key_usage, "serverAuth"}, {NID_key_usage, "digitalSignature"}};
	struct slice der = make(all, 2);
	uint8_t *copy = malloc(der.size + 1);
	struct leaf l;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, der.data, der.size);
	copy[der.size] = 0;
	for (size_t n = 0; n < der.size; n++)
		assert_int_not_equal(leaf_read(slice_of(copy, n), &l), OK);
	assert_int_equal(leaf_read(slice_of(copy, der.size + 1), &l), ERR_TRAILING);
	assert_int_equal(leaf_read(slice_of(copy, der.size), &l), OK);
	free(copy);
	OPENSSL_free((void *)(uintptr_t)der.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(silence_allows_all_but_being_an_authority),
	        cmocka_unit_test(what_is_said_is_read),
	        cmocka_unit_test(the_key_is_the_one_that_was_signed),
	        cmocka_unit_test(twice_is_once_too_often),
	        cmocka_unit_test(a_part_is_no_certificate),
	};
	int failed;

	key = EVP_EC_gen("P-256");
	failed = key == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return failed;
}
