/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates are made here with a quote that is none, so that a right one fails in the judge of quotes and nowhere
 * before. (Real ones are among the vectors.) Each mutation must fail for its own reason first.
 */
#include "client/attest/ratls.h"

#include "client/attest/policy_rules.h"
#include "lib/base/rw.h"
#include "sys/openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { AT = 1800000000, DAY = 86400, VALUE_MAX = 512 };

struct recipe { /* what is done differently; zeroed: nothing */
	bool other_key, other_issuer, bare, both, absent, twice, nonce, no_hash, trailing_value, trailing_claims;
	unsigned tag, algorithm, shorten;
	long from; /* days from AT until it is valid */
};

static EVP_PKEY *key, *another;

static void head(struct writer *w, unsigned major, unsigned value)
{
	if (value < 24)
		assert_int_equal(wr_u8(w, (uint8_t)(major << 5 | value)), OK);
	else if (value < 256)
		assert_true(wr_u8(w, (uint8_t)(major << 5 | 24)) == OK && wr_u8(w, (uint8_t)value) == OK);
	else
		assert_true(wr_u8(w, (uint8_t)(major << 5 | 25)) == OK && wr_u8(w, (uint8_t)(value >> 8)) == OK &&
		            wr_u8(w, (uint8_t)value) == OK);
}

static void text(struct writer *w, const char *s)
{
	head(w, 3, (unsigned)strlen(s));
	assert_int_equal(wr_bytes(w, slice_text(s)), OK);
}

static void bytes(struct writer *w, struct slice s)
{
	head(w, 2, (unsigned)s.size);
	assert_int_equal(wr_bytes(w, s), OK);
}

static struct slice make_hash(const struct recipe *r, uint8_t room[static 64 + 8])
{
	struct writer w = wr_of(room, 72);
	uint8_t digest[64];
	unsigned char *spki = NULL;
	int size = i2d_PUBKEY(r->other_key ? another : key, &spki);
	unsigned digest_size;

	assert_true(EVP_Digest(spki, (size_t)size, digest, &digest_size,
	                       r->algorithm == 7 ? EVP_sha384() : EVP_sha256(), NULL));
	OPENSSL_free(spki);
	head(&w, 4, 2);
	head(&w, 0, r->algorithm != 0 ? r->algorithm : 1);
	bytes(&w, slice_of(digest, digest_size - r->shorten));
	return wr_slice(&w);
}

static struct slice make_claims(const struct recipe *r, uint8_t room[static VALUE_MAX])
{
	struct writer w = wr_of(room, VALUE_MAX);
	uint8_t hash[72];
	struct slice h = make_hash(r, hash);

	head(&w, 5, 1u + !r->no_hash + r->twice + r->nonce);
	text(&w, "something else");
	head(&w, 0, 300);
	for (int i = 0; i < !r->no_hash + r->twice; i++) {
		text(&w, "pubkey-hash");
		bytes(&w, h);
	}
	if (r->nonce) {
		text(&w, "nonce");
		bytes(&w, slice_text("fresh"));
	}
	if (r->trailing_claims)
		head(&w, 0, 0);
	return wr_slice(&w);
}

static struct slice make_value(const struct recipe *r, uint8_t room[static 2 * VALUE_MAX])
{
	struct writer w = wr_of(room, (size_t)2 * VALUE_MAX);
	uint8_t claims[VALUE_MAX];

	head(&w, 6, r->tag != 0 ? r->tag : 60000);
	head(&w, 4, 2);
	bytes(&w, slice_text("no quote"));
	bytes(&w, make_claims(r, claims));
	if (r->trailing_value)
		head(&w, 0, 0);
	return wr_slice(&w);
}

static void add_extension(X509 *x, const char *oid, struct slice value)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	assert_true(ASN1_OCTET_STRING_set(s, value.data, (int)value.size));
	e = X509_EXTENSION_create_by_OBJ(NULL, o, 0, s);
	assert_true(X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(o);
}

static uint8_t *make(const struct recipe *r, size_t *size)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new(), *issuer;
	uint8_t value[2 * VALUE_MAX], *der = NULL;
	int length;

	assert_true(X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 7) && X509_set_pubkey(x, key));
	assert_true(ASN1_TIME_set(X509_getm_notBefore(x), AT + r->from * DAY) != NULL &&
	            ASN1_TIME_set(X509_getm_notAfter(x), AT + (r->from + 2) * DAY) != NULL);
	assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"enclave", -1, -1, 0));
	issuer = X509_NAME_dup(name);
	if (r->other_issuer)
		assert_true(X509_NAME_add_entry_by_txt(issuer, "O", MBSTRING_ASC, (const uint8_t *)"x", -1, -1, 0));
	assert_true(X509_set_subject_name(x, name) && X509_set_issuer_name(x, issuer));
	if (!r->bare && !r->absent)
		add_extension(x, "2.23.133.5.4.9", make_value(r, value));
	if (r->bare || r->both)
		add_extension(x, "1.2.840.113741.1337.6", slice_text(r->both ? "another quote" : "no quote"));
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	length = i2d_X509(x, &der);
	assert_true(length > 0);
	*size = (size_t)length;
	X509_NAME_free(issuer);
	X509_NAME_free(name);
	X509_free(x);
	return der;
}

static void fails(const struct recipe *r, const struct slice *nonce, const char *id)
{
	struct policy p = {0};
	struct verdict v;
	size_t size;
	uint8_t *der = make(r, &size);
	struct ratls_input in = {.cert = slice_of(der, size), .nonce = nonce, .policy = &p, .at = AT + DAY};

	p.sgx.accepted = p.sgx.no_collateral = true;
	ratls_verify(&in, &v);
	OPENSSL_free(der);
	assert_false(v.ok);
	assert_non_null(verdict_reason(&v));
	assert_string_equal(verdict_reason(&v)->id, id);
}

/* ---- tests ---- */

static void a_right_one_gets_to_the_quote(void **state)
{
	const struct slice fresh = slice_text("fresh");

	(void)state;
	fails(&(struct recipe){0}, NULL, "dcap.quote.read");
	fails(&(struct recipe){.algorithm = 7}, NULL, "dcap.quote.read");
	fails(&(struct recipe){.nonce = true}, &fresh, "dcap.quote.read");
	fails(&(struct recipe){.bare = true}, NULL, "dcap.quote.read");
}

static void each_check_can_fail(void **state)
{
	static const struct {
		struct recipe r;
		const char *id;
	} cases[] = {
	        {{.other_issuer = true}, "ratls.cert.signature"},
	        {{.from = 5}, "ratls.cert.time"},
	        {{.from = -5}, "ratls.cert.time"},
	        {{.absent = true}, "ratls.evidence.read"},
	        {{.tag = 60001}, "ratls.evidence.read"},
	        {{.trailing_value = true}, "ratls.evidence.read"},
	        {{.trailing_claims = true}, "ratls.evidence.read"},
	        {{.no_hash = true}, "ratls.evidence.read"},
	        {{.twice = true}, "ratls.evidence.read"},
	        {{.algorithm = 2}, "ratls.evidence.read"},
	        {{.shorten = 1}, "ratls.evidence.read"},
	        {{.both = true}, "ratls.evidence.read"},
	        {{.other_key = true}, "ratls.evidence.key"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		fails(&cases[i].r, NULL, cases[i].id);
}

static void the_nonce_must_be_the_one(void **state)
{
	const struct slice stale = slice_text("stale"), empty = slice_of("", 0);

	(void)state;
	fails(&(struct recipe){.nonce = true}, &stale, "ratls.evidence.nonce");
	fails(&(struct recipe){.nonce = true}, &empty, "ratls.evidence.nonce");
	fails(&(struct recipe){0}, &stale, "ratls.evidence.nonce");
	fails(&(struct recipe){.bare = true}, &stale, "ratls.evidence.nonce");
}

static void what_is_no_certificate_is_refused(void **state)
{
	struct policy p = {0};
	struct verdict v;
	size_t size;
	uint8_t *der = make(&(struct recipe){0}, &size);
	struct ratls_input in = {.policy = &p, .at = AT + DAY};

	(void)state;
	for (size_t n = 0; n < size; n++) { /* every beginning of it, and with a bit of the signature turned */
		in.cert = slice_of(der, n);
		ratls_verify(&in, &v);
		assert_string_equal(verdict_reason(&v)->id, "ratls.cert.read");
	}
	der[size - 1] ^= 1;
	in.cert = slice_of(der, size);
	ratls_verify(&in, &v);
	assert_false(v.ok);
	assert_string_equal(verdict_reason(&v)->id, "ratls.cert.signature");
	OPENSSL_free(der);
}

static void a_tee_must_be_named(void **state)
{
	struct policy p = {0};
	struct verdict v;
	size_t size;
	uint8_t *der = make(&(struct recipe){0}, &size);
	struct ratls_input in = {.cert = slice_of(der, size), .policy = &p, .at = AT + DAY};

	(void)state;
	ratls_verify(&in, &v);
	assert_string_equal(verdict_reason(&v)->id, "ratls.tee");
	OPENSSL_free(der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_right_one_gets_to_the_quote), cmocka_unit_test(each_check_can_fail),
	        cmocka_unit_test(the_nonce_must_be_the_one),     cmocka_unit_test(what_is_no_certificate_is_refused),
	        cmocka_unit_test(a_tee_must_be_named),
	};
	int failed;

	key = EVP_EC_gen("P-256");
	another = EVP_EC_gen("P-256");
	if (key == NULL || another == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	EVP_PKEY_free(another);
	return failed;
}
