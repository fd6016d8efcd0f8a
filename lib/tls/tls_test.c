/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends in memory; the certificates are OpenSSL's, so that the verifier reads what it did not write. */
#define ERR_STATE OPENSSL_ERR_STATE /* its name for a type, ours for an error */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "lib/tls/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { NOW = 1700000000, DAY = 86400 };

static struct tls client, server;

struct authority {
	EVP_PKEY *key;
	X509 *cert;
	uint8_t name[128], point[65];
	br_x509_trust_anchor root;
};

static struct authority ours, other;
static EVP_PKEY *leaf_key;
static uint8_t leaf_secret[32], leaf_der[1024];
static br_ec_private_key leaf_private = {BR_EC_secp256r1, leaf_secret, sizeof leaf_secret};
static br_x509_certificate leaf = {leaf_der, 0};

static X509 *certificate(const char *cn, const char *san, bool ca, EVP_PKEY *key, const struct authority *by)
{
	X509 *c = X509_new();
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	ASN1_TIME_set(X509_getm_notBefore(c), NOW - DAY);
	ASN1_TIME_set(X509_getm_notAfter(c), NOW + DAY);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(c, by == NULL ? X509_get_subject_name(c) : X509_get_subject_name(by->cert));
	X509_set_pubkey(c, key);
	X509V3_set_ctx(&ctx, c, c, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, ca ? NID_basic_constraints : NID_subject_alt_name,
	                        ca ? "critical,CA:TRUE" : san);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(c, e, -1), 1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(c, by == NULL ? key : by->key, EVP_sha256()) > 0);
	return c;
}

static void authority_make(struct authority *a)
{
	uint8_t *p = a->name;
	size_t size;

	a->key = EVP_EC_gen("P-256");
	a->cert = certificate("Test root", NULL, true, a->key, NULL);
	a->root.dn.len = (size_t)i2d_X509_NAME(X509_get_subject_name(a->cert), &p);
	a->root.dn.data = a->name;
	a->root.flags = BR_X509_TA_CA;
	a->root.pkey.key_type = BR_KEYTYPE_EC;
	assert_int_equal(
	        EVP_PKEY_get_octet_string_param(a->key, OSSL_PKEY_PARAM_PUB_KEY, a->point, sizeof a->point, &size), 1);
	a->root.pkey.key.ec = (br_ec_public_key){BR_EC_secp256r1, a->point, size};
}

static int setup(void **state)
{
	uint8_t *p = leaf_der;
	BIGNUM *d = NULL;
	X509 *c;

	(void)state;
	authority_make(&ours);
	authority_make(&other);
	leaf_key = EVP_EC_gen("P-256");
	assert_int_equal(EVP_PKEY_get_bn_param(leaf_key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
	BN_bn2binpad(d, leaf_secret, sizeof leaf_secret);
	BN_free(d);
	c = certificate("leaf", "DNS:keep.example", false, leaf_key, &ours);
	leaf.data_len = (size_t)i2d_X509(c, &p);
	X509_free(c);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	X509_free(ours.cert);
	X509_free(other.cert);
	EVP_PKEY_free(ours.key);
	EVP_PKEY_free(other.key);
	EVP_PKEY_free(leaf_key);
	return 0;
}

static void start(const char *name, const struct authority *root, uint64_t now, const char *offer)
{
	static const char *mine[1], *theirs[] = {"http/1.1"};
	struct tls_client_settings c = {.name = name,
	                                .roots = &root->root,
	                                .root_count = 1,
	                                .now_s = now,
	                                .protocols = mine,
	                                .protocol_count = 1,
	                                .entropy = {1}};
	struct tls_server_settings s = {.chain = &leaf,
	                                .chain_count = 1,
	                                .key = &leaf_private,
	                                .protocols = theirs,
	                                .protocol_count = 1,
	                                .entropy = {2}};

	mine[0] = offer;
	assert_int_equal(tls_client(&client, &c), OK);
	assert_int_equal(tls_server(&server, &s), OK);
}

/* Moves bytes one way, a few at a time; flip is the byte to damage, counted from here, or -1. */
static size_t move(struct tls *from, struct tls *to, int flip)
{
	uint8_t part[100];
	size_t given, taken, total = 0, at;

	while (tls_records_out(from, part, sizeof part, &given) <= ERR_STOPPED && given > 0) {
		if (flip >= 0 && (size_t)flip >= total && (size_t)flip < total + given)
			part[(size_t)flip - total] ^= 1;
		for (at = 0; at < given; at += taken)
			if (tls_records_in(to, slice_of(part + at, given - at), &taken) != OK || taken == 0)
				return total + at + taken;
		total += given;
	}
	return total;
}

static void pump(void)
{
	while (move(&client, &server, -1) + move(&server, &client, -1) > 0)
		;
}

static void plaintext_travels_and_the_end_is_seen(void **state)
{
	uint8_t got[16];
	size_t n;

	(void)state;
	start("keep.example", &ours, NOW, "http/1.1");
	pump();
	assert_int_equal(tls_status(&client), OK);
	assert_string_equal(tls_protocol(&client), "http/1.1");
	assert_int_equal(tls_write(&client, slice_text("hello"), &n), OK);
	assert_int_equal(n, 5);
	pump();
	assert_int_equal(tls_read(&server, got, sizeof got, &n), OK);
	assert_true(slice_is(slice_of(got, n), "hello"));
	tls_close(&client);
	pump();
	assert_int_equal(tls_status(&client), ERR_CLOSED);
	assert_int_equal(tls_status(&server), ERR_CLOSED);
}

static void a_false_certificate_is_refused(void **state)
{
	const struct {
		const char *name;
		const struct authority *root;
		uint64_t now;
	} rows[] = {{"other.example", &ours, NOW},
	            {"keep.example", &other, NOW},
	            {"keep.example", &ours, NOW + 2 * DAY},
	            {"keep.example", &ours, NOW - 2 * DAY}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		size_t n;

		start(rows[i].name, rows[i].root, rows[i].now, "http/1.1");
		pump();
		assert_int_equal(tls_status(&client), ERR_AUTH);
		assert_int_equal(tls_write(&client, slice_text("secret"), &n), ERR_AUTH);
		assert_int_equal(n, 0);
	}
}

static void no_common_protocol_ends_it(void **state)
{
	(void)state;
	start("keep.example", &ours, NOW, "h2");
	pump();
	assert_int_equal(tls_status(&server), ERR_CRYPTO);
}

static void a_damaged_record_ends_it(void **state)
{
	uint8_t got[16];
	size_t n;

	(void)state;
	for (int at = 5; at < 5 + 8 + 5 + 16; at++) { /* RFC 5288: header, nonce, text, tag */
		start("keep.example", &ours, NOW, "http/1.1");
		pump();
		assert_int_equal(tls_write(&client, slice_text("hello"), &n), OK);
		move(&client, &server, at);
		assert_int_equal(tls_read(&server, got, sizeof got, &n), ERR_CRYPTO);
		assert_int_equal(n, 0);
	}
}

/* The certificate is good, but whoever shows it has not its key: the signature over the key exchange is false. */
static void a_certificate_without_its_key_is_refused(void **state)
{
	(void)state;
	leaf_secret[31] ^= 1;
	start("keep.example", &ours, NOW, "http/1.1");
	pump();
	leaf_secret[31] ^= 1;
	assert_int_equal(tls_status(&client), ERR_CRYPTO);
}

/* A wire that is cut before close_notify never looks like an end. */
static void a_cut_is_not_an_end(void **state)
{
	uint8_t out[256];
	size_t given, taken;

	(void)state;
	start("keep.example", &ours, NOW, "http/1.1");
	pump();
	tls_close(&client);
	assert_int_equal(tls_records_out(&client, out, sizeof out, &given), OK);
	assert_true(given > 1);
	for (size_t at = 0; at < given; at += taken) {
		assert_int_equal(tls_status(&server), OK);
		assert_int_equal(tls_records_in(&server, slice_of(out + at, 1), &taken),
		                 at + 1 < given ? OK : tls_status(&server));
		assert_int_equal(taken, 1);
	}
	pump();
	assert_int_equal(tls_status(&server), ERR_CLOSED);
}

static void settings_without_a_check_are_refused(void **state)
{
	struct tls_client_settings c = {.name = "", .roots = &ours.root, .root_count = 1, .now_s = NOW};

	(void)state;
	assert_int_equal(tls_client(&client, &c), ERR_INVALID);
	c.name = "keep.example";
	c.root_count = 0;
	assert_int_equal(tls_client(&client, &c), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(plaintext_travels_and_the_end_is_seen),
	        cmocka_unit_test(a_false_certificate_is_refused),
	        cmocka_unit_test(no_common_protocol_ends_it),
	        cmocka_unit_test(a_damaged_record_ends_it),
	        cmocka_unit_test(a_certificate_without_its_key_is_refused),
	        cmocka_unit_test(a_cut_is_not_an_end),
	        cmocka_unit_test(settings_without_a_check_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
