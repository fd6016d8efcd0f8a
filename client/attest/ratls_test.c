/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates made here around a quote under a test root, in each form, and around the envelope of a Keep: accepted as
 * they are, refused for each thing changed and for that alone. (Real ones are among the vectors.)
 */
#include "client/attest/ratls.h"

#include "client/attest/policy_rules.h"
#include "lib/base/rw.h"
#include "test/attest/dcap_recipe.h"
#include "test/attest/killers.h"

enum { DAY = 86400, CLAIMS_MAX = 512, VALUE_MAX = 16384 };

static uint8_t manifest_of_ours[32] = {0x3a};

struct wish { /* what is done differently; zeroed: nothing */
	bool other_key, other_issuer, bare, both, absent, twice, nonce, no_hash, trailing_value, trailing_claims, cut,
	        unnamed, keep, no_manifest, other_manifest, beside; /* beside: a Keep's collateral is given, not stapled */
	unsigned tag, algorithm, shorten;
	long from;         /* days from DCAP_AT until it is valid */
	const char *asked; /* the nonce that is asked for; NULL: none */
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

static struct slice make_hash(const struct wish *r, uint8_t room[static 64 + 8])
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

static struct slice make_claims(const struct wish *r, uint8_t room[static CLAIMS_MAX])
{
	struct writer w = wr_of(room, CLAIMS_MAX);
	uint8_t hash[72];
	struct slice h = make_hash(r, hash);
	const bool manifest = r->keep && !r->no_manifest;

	head(&w, 5, 1u + !r->no_hash + r->twice + r->nonce + manifest);
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
	if (manifest) {
		text(&w, "broch-manifest");
		bytes(&w, slice_of(manifest_of_ours, sizeof manifest_of_ours));
	}
	if (r->trailing_claims)
		head(&w, 0, 0);
	return wr_slice(&w);
}

/* What the report data must be: over the claims, or over the key. */
static void report_data(const struct wish *r, struct slice claims, uint8_t out[static 64])
{
	unsigned char *spki = NULL;
	int size = i2d_PUBKEY(r->bare && r->other_key ? another : key, &spki);

	memset(out, 0, 64);
	if (r->bare)
		SHA256(spki, (size_t)size, out);
	else
		SHA256(claims.data, claims.size, out);
	OPENSSL_free(spki);
}

static struct slice make_value(const struct wish *r, struct slice evidence, struct slice claims,
                               uint8_t room[static VALUE_MAX])
{
	struct writer w = wr_of(room, VALUE_MAX);

	head(&w, 6, r->tag != 0 ? r->tag : 60000);
	head(&w, 4, 2);
	bytes(&w, evidence);
	bytes(&w, claims);
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

static uint8_t *make(const struct wish *r, struct slice evidence, struct slice claims, size_t *size)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new(), *issuer;
	static uint8_t value[VALUE_MAX];
	uint8_t *der = NULL;
	int length;

	assert_true(X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 7) && X509_set_pubkey(x, key));
	assert_true(ASN1_TIME_set(X509_getm_notBefore(x), DCAP_AT - DAY + r->from * DAY) != NULL &&
	            ASN1_TIME_set(X509_getm_notAfter(x), DCAP_AT - DAY + (r->from + 2) * DAY) != NULL);
	assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"enclave", -1, -1, 0));
	issuer = X509_NAME_dup(name);
	if (r->other_issuer)
		assert_true(X509_NAME_add_entry_by_txt(issuer, "O", MBSTRING_ASC, (const uint8_t *)"x", -1, -1, 0));
	assert_true(X509_set_subject_name(x, name) && X509_set_issuer_name(x, issuer));
	if (!r->bare && !r->absent)
		add_extension(x, "2.23.133.5.4.9", make_value(r, evidence, claims, value));
	if (r->bare || r->both)
		add_extension(x, "1.2.840.113741.1337.6", r->both ? slice_text("another quote") : evidence);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	length = i2d_X509(x, &der);
	assert_true(length > 0);
	*size = (size_t)length;
	X509_NAME_free(issuer);
	X509_NAME_free(name);
	X509_free(x);
	return der;
}

/* In the order of deterministic CBOR: short ones first. */
static int by_name(const void *a, const void *b)
{
	const struct slice x = ((const struct envelope_item *)a)->name, y = ((const struct envelope_item *)b)->name;

	return x.size != y.size ? (x.size < y.size ? -1 : 1) : memcmp(x.data, y.data, x.size);
}

static struct verdict judge(const struct wish *r)
{
	static uint8_t claims_room[CLAIMS_MAX], envelope[ENVELOPE_SIZE_MAX];
	static struct dcap_recipe quote;
	const struct slice claims = make_claims(r, claims_room);
	uint8_t manifests[1][32] = {{0}};
	const struct slice nonce = slice_text(r->asked != NULL ? r->asked : "");
	struct ratls_input in = {.nonce = r->asked != NULL ? &nonce : NULL, .at = DCAP_AT};
	struct policy p = {0};
	struct dcap_baked *b;
	struct verdict v;
	size_t size;
	uint8_t *der;

	dcap_good(&quote, false);
	report_data(r, claims, quote.body + AT_SGX_DATA);
	b = dcap_bake(&quote);
	p.sgx = quote.rules;
	p.sgx.accepted = !r->unnamed;
	memcpy(manifests[0], manifest_of_ours, 32);
	manifests[0][31] ^= r->other_manifest;
	if (r->keep && r->beside) {
		in.collateral = b->e.collateral;
		in.collateral_count = b->e.collateral_count;
		recipe_must(envelope_encode(&(struct envelope){.tee = b->e.tee, .evidence = b->e.evidence}, envelope,
		                            sizeof envelope, &size) == OK);
		der = make(r, slice_of(envelope, size), claims, &size);
	} else if (r->keep) {
		qsort(b->e.collateral, b->e.collateral_count, sizeof *b->e.collateral, by_name);
		recipe_must(envelope_encode(&b->e, envelope, sizeof envelope, &size) == OK);
		der = make(r, slice_of(envelope, size), claims, &size);
	} else {
		der = make(r, b->e.evidence, claims, &size);
		in.collateral = b->e.collateral;
		in.collateral_count = b->e.collateral_count;
	}
	in.cert = slice_of(der, size - r->cut);
	in.manifests = (const uint8_t(*)[32])manifests;
	in.manifest_count = 1;
	in.policy = &p;
	ratls_verify(&in, &v);
	OPENSSL_free(der);
	dcap_baked_free(b);
	return v;
}

/* ---- tests ---- */

static void each_form_is_accepted(void **state)
{
	static const struct wish good[] = {
	        {0}, {.algorithm = 7}, {.nonce = true, .asked = "fresh"}, {.nonce = true}, {.bare = true}, {.keep = true},
	        {.keep = true, .beside = true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
		struct verdict v = judge(&good[i]);

		if (!v.ok)
			fail_msg("case %zu: %s: %s", i, verdict_reason(&v)->id, verdict_reason(&v)->found);
	}
}

static const struct killer {
	struct wish r;
	const char *id;
} killers[] = {
        {{.cut = true}, "ratls.cert.read"},
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
        {{.bare = true, .other_key = true}, "dcap.report_data"},
        {{.nonce = true, .asked = "stale"}, "ratls.evidence.nonce"},
        {{.nonce = true, .asked = ""}, "ratls.evidence.nonce"},
        {{.asked = "fresh"}, "ratls.evidence.nonce"},
        {{.bare = true, .asked = "fresh"}, "ratls.evidence.nonce"},
        {{.unnamed = true}, "ratls.tee"},
        {{.keep = true, .unnamed = true}, "evidence.tee"},
        {{.keep = true, .other_manifest = true}, "ratls.manifest"},
        {{.keep = true, .no_manifest = true}, "ratls.manifest"},
};

static const char *id_of(size_t i)
{
	return i < ARRAY_COUNT(killers) ? killers[i].id : NULL;
}

static void each_change_fails_its_check_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		struct verdict v = judge(&killers[i].r);
		char name[24];

		snprintf(name, sizeof name, "case %zu", i);
		killed_only(&v, killers[i].id, NULL, name);
	}
}

static void no_check_is_without_a_killer(void **state)
{
	const struct verdict quote = judge(&(struct wish){.nonce = true, .asked = "fresh"});
	const struct verdict keep = judge(&(struct wish){.keep = true});

	(void)state;
	all_have_killers(&quote, "ratls.", id_of);
	all_have_killers(&keep, "ratls.", id_of);
}

static void what_is_no_certificate_is_refused(void **state)
{
	struct policy p = {0};
	struct verdict v;
	size_t size;
	uint8_t *der = make(&(struct wish){0}, slice_text("no quote"), slice_text("no claims"), &size);
	struct ratls_input in = {.policy = &p, .at = DCAP_AT};

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_form_is_accepted),
	        cmocka_unit_test(each_change_fails_its_check_alone),
	        cmocka_unit_test(no_check_is_without_a_killer),
	        cmocka_unit_test(what_is_no_certificate_is_refused),
	};
	int failed;

	key = EVP_EC_gen("P-256");
	another = EVP_EC_gen("P-256");
	if (key == NULL || another == NULL)
		return 1;
	dcap_keys();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	recipe_free_keys();
	EVP_PKEY_free(key);
	EVP_PKEY_free(another);
	return failed;
}
