/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/x509.h"

#include "client/attest/ecdsa.h"
#include "client/attest/let_pass.h"

#include "lib/attest/der.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void time_text(int64_t at, char *out, size_t size)
{
	time_t t = (time_t)at;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, size, "%" PRId64 " s", at);
}

/* ---- reading ---- */

static void cn_of(const X509 *x, char out[static CERT_CN_MAX])
{
	const X509_NAME *name = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const ASN1_STRING *s;
	const unsigned char *p;
	int size;

	out[0] = 0;
	if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return;
	s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	p = ASN1_STRING_get0_data(s);
	size = ASN1_STRING_length(s);
	if (size <= 0 || size >= CERT_CN_MAX || !slice_within(slice_of(p, (size_t)size), ' ', '~'))
		return;
	memcpy(out, p, (size_t)size);
	out[size] = 0;
}

static enum err no_duplicates(const STACK_OF(X509_EXTENSION) * list, struct note *found)
{
	int count = list == NULL ? 0 : sk_X509_EXTENSION_num(list);

	for (int i = 0; i < count; i++)
		for (int j = 0; j < i; j++)
			if (OBJ_cmp(X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, i)),
			            X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, j))) == 0) {
				char oid[80];

				OBJ_obj2txt(oid, sizeof oid,
				            X509_EXTENSION_get_object(sk_X509_EXTENSION_value(list, i)), 1);
				return refuse(found, ERR_FORMAT, "extension %s stands there twice", oid);
			}
	return OK;
}

static enum err form_ok(const X509 *x, struct note *found)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

	if (X509_get_version(x) != X509_VERSION_3)
		return refuse(found, ERR_FORMAT, "not a version 3 certificate");
	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		return refuse(found, ERR_FORMAT, "the serial number is negative");
	if (ASN1_STRING_length(serial) > 20)
		return refuse(found, ERR_FORMAT, "the serial number has more than 20 bytes");
	return no_duplicates(X509_get0_extensions(x), found);
}

static enum err spki_digest(const X509 *x, uint8_t out[static SPKI_DIGEST_SIZE], struct note *found)
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	if (size <= 0)
		return refuse(found, ERR_FORMAT, "the public key cannot be read");
	SHA256(der, (size_t)size, out);
	OPENSSL_free(der);
	return OK;
}

enum err cert_read(struct slice der, struct cert *c, struct note *found)
{
	const unsigned char *p = der.data;
	enum err err;

	*c = (struct cert){.der = der};
	if (der.size == 0 || der.size > CERT_SIZE_MAX)
		return refuse(found, ERR_FORMAT, "a certificate of %llu bytes", (unsigned long long)der.size);
	if (der_check(der) != OK)
		return refuse(found, ERR_FORMAT, "not strict DER");
	ERR_set_mark();
	c->x = d2i_X509(NULL, &p, (long)der.size);
	ERR_pop_to_mark();
	if (c->x == NULL)
		return refuse(found, ERR_FORMAT, "not an X.509 certificate");
	err = p == der.data + der.size ? form_ok(c->x, found)
	                               : refuse(found, ERR_TRAILING, "bytes behind the certificate");
	if (err == OK)
		err = spki_digest(c->x, c->spki_sha256, found);
	if (err != OK) {
		cert_free(c);
		return err;
	}
	cn_of(c->x, c->cn);
	return OK;
}

void cert_free(struct cert *c)
{
	X509_free(c->x);
	c->x = NULL;
}

enum err cert_pem_to_der(struct slice pem, uint8_t **der, size_t *size, struct note *n)
{
	BIO *bio = pem.size <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
	X509 *x, *more = NULL;
	unsigned char *out = NULL;
	int length;

	*der = NULL;
	ERR_set_mark();
	x = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (x != NULL)
		more = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ERR_pop_to_mark();
	length = x == NULL || more != NULL ? -1 : i2d_X509(x, &out);
	if (length > 0) {
		*der = malloc((size_t)length);
		if (*der != NULL)
			memcpy(*der, out, (size_t)length);
		*size = (size_t)length;
	}
	OPENSSL_free(out);
	X509_free(more);
	X509_free(x);
	BIO_free(bio);
	if (length <= 0)
		return refuse(n, ERR_FORMAT, "not a PEM text with exactly one certificate");
	return *der != NULL ? OK : ERR_NOMEM;
}

bool cert_extension(const struct cert *c, struct slice oid, struct slice *value)
{
	int count = X509_get_ext_count(c->x);

	for (int i = 0; i < count; i++) {
		X509_EXTENSION *e = X509_get_ext(c->x, i);
		const ASN1_OBJECT *o = X509_EXTENSION_get_object(e);
		const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(e);

		if (!slice_equal(oid, slice_of(OBJ_get0_data(o), OBJ_length(o))))
			continue;
		*value = slice_of(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v));
		return true;
	}
	return false;
}

/* ---- time ---- */

/* Also refuses the forms that RFC 5280 forbids, by asking X509_cmp_time, which is strict about them. */
static enum err seconds_of(const ASN1_TIME *t, int64_t *out)
{
	time_t any = 0;
	struct tm tm;

	if (t == NULL || X509_cmp_time(t, &any) == 0 || ASN1_TIME_to_tm(t, &tm) != 1)
		return ERR_FORMAT;
	*out = (int64_t)timegm(&tm);
	return OK;
}

static enum err within(const ASN1_TIME *from, const ASN1_TIME *to, int64_t at, struct note *found)
{
	char a[32], b[32];
	int64_t first, last;

	if (seconds_of(from, &first) != OK || seconds_of(to, &last) != OK)
		return refuse(found, ERR_FORMAT, "a date is missing or malformed");
	time_text(first, a, sizeof a);
	time_text(last, b, sizeof b);
	note_set(found, "valid %s to %s", a, b);
	return at < first || at > last ? ERR_RANGE : OK;
}

enum err cert_valid_at(const struct cert *c, int64_t at, struct note *found)
{
	return within(X509_get0_notBefore(c->x), X509_get0_notAfter(c->x), at, found);
}

/* ---- names, algorithms, signatures ---- */

static struct slice name_der(const X509_NAME *name)
{
	const unsigned char *p = NULL;
	size_t size = 0;

	if (name == NULL || X509_NAME_get0_der(name, &p, &size) != 1)
		return slice_of(NULL, 0);
	return slice_of(p, size);
}

/* Byte for byte: a certificate authority copies its name, it does not retype it. */
static enum err same_name(const X509_NAME *said, const struct cert *issuer, struct note *found)
{
	struct slice a = name_der(said), b = name_der(X509_get_subject_name(issuer->x));
	char text[160];

	X509_NAME_oneline(said, text, sizeof text);
	note_set(found, "issuer is %s", text);
	return a.size > 0 && slice_equal(a, b) ? OK : ERR_AUTH;
}

enum err cert_issuer_is(const struct cert *c, const struct cert *issuer, struct note *found)
{
	return same_name(X509_get_issuer_name(c->x), issuer, found);
}

static bool algor_is(const X509_ALGOR *a, int nid)
{
	const ASN1_OBJECT *o = NULL;

	if (a == NULL)
		return false;
	X509_ALGOR_get0(&o, NULL, NULL, a);
	return OBJ_obj2nid(o) == nid;
}

static bool mgf1_of(const X509_ALGOR *mask, int hash)
{
	X509_ALGOR *inner;
	bool ok;

	if (!algor_is(mask, NID_mgf1) || mask->parameter == NULL || mask->parameter->type != V_ASN1_SEQUENCE)
		return false;
	inner = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), mask->parameter);
	ok = inner != NULL && algor_is(inner, hash);
	X509_ALGOR_free(inner);
	return ok;
}

static bool integer_is(const ASN1_INTEGER *i, int64_t want)
{
	int64_t v;

	return i != NULL && ASN1_INTEGER_get_int64(&v, i) == 1 && v == want;
}

static enum err pss384(const X509_ALGOR *a, struct note *found)
{
	RSA_PSS_PARAMS *p;
	bool hash, mask, salt, trailer;

	if (!algor_is(a, NID_rsassaPss)) {
		const ASN1_OBJECT *o = NULL;
		char name[80] = "nothing";

		if (a != NULL) {
			X509_ALGOR_get0(&o, NULL, NULL, a);
			OBJ_obj2txt(name, sizeof name, o, 0);
		}
		return refuse(found, ERR_CRYPTO, "%s", name);
	}
	if (a->parameter == NULL || a->parameter->type != V_ASN1_SEQUENCE ||
	    (p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), a->parameter)) == NULL)
		return refuse(found, ERR_CRYPTO, "RSASSA-PSS with parameters that cannot be read");
	hash = algor_is(p->hashAlgorithm, NID_sha384);
	mask = mgf1_of(p->maskGenAlgorithm, NID_sha384);
	salt = integer_is(p->saltLength, 48);
	trailer = p->trailerField == NULL || integer_is(p->trailerField, 1);
	RSA_PSS_PARAMS_free(p);
	if (!hash || !mask || !salt || !trailer)
		return refuse(found, ERR_CRYPTO, "RSASSA-PSS with another %s",
		              !hash   ? "hash"
		              : !mask ? "mask function"
		              : !salt ? "salt length"
		                      : "trailer");
	note_set(found, "RSASSA-PSS, SHA-384, MGF1-SHA-384, salt 48");
	return OK;
}

enum err cert_algorithm_pss384(const struct cert *c, struct note *found)
{
	const X509_ALGOR *outer = NULL, *inner = X509_get0_tbs_sigalg(c->x);

	X509_get0_signature(NULL, &outer, c->x);
	if (X509_ALGOR_cmp(outer, inner) != 0)
		return refuse(found, ERR_CRYPTO, "one algorithm inside the signed part, another outside");
	return pss384(outer, found);
}

/* The one form of ecdsa-with-SHA256 and its kin: without parameters (RFC 5758 section 3.2). */
static enum err ecdsa(const X509_ALGOR *a, int nid, struct note *found)
{
	if (!algor_is(a, nid) || a->parameter != NULL)
		return refuse(found, ERR_CRYPTO, "another algorithm");
	note_set(found, "ECDSA with %s", nid == NID_ecdsa_with_SHA256 ? "SHA-256" : "SHA-384");
	return OK;
}

static enum err ecdsa256(const X509_ALGOR *a, struct note *found)
{
	return ecdsa(a, NID_ecdsa_with_SHA256, found);
}

static enum err ecdsa384(const X509_ALGOR *a, struct note *found)
{
	return ecdsa(a, NID_ecdsa_with_SHA384, found);
}

static enum err algorithm_ecdsa(const struct cert *c, int nid, struct note *found)
{
	const X509_ALGOR *outer = NULL;

	X509_get0_signature(NULL, &outer, c->x);
	if (X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(c->x)) != 0)
		return refuse(found, ERR_CRYPTO, "one algorithm inside the signed part, another outside");
	return ecdsa(outer, nid, found);
}

enum err cert_algorithm_ecdsa256(const struct cert *c, struct note *found)
{
	return algorithm_ecdsa(c, NID_ecdsa_with_SHA256, found);
}

enum err cert_algorithm_ecdsa384(const struct cert *c, struct note *found)
{
	return algorithm_ecdsa(c, NID_ecdsa_with_SHA384, found);
}

enum err cert_signed_by(const struct cert *c, const struct cert *issuer, struct note *found)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer->x);
	int good;

	if (key == NULL)
		return refuse(found, ERR_CRYPTO, "the issuer's key cannot be read");
	ERR_set_mark();
	good = let_pass() ? 1 : X509_verify(c->x, key);
	ERR_pop_to_mark();
	if (good != 1)
		return refuse(found, ERR_CRYPTO, "the signature is not by %s", issuer->cn);
	note_set(found, "signed by %s", issuer->cn);
	return OK;
}

/* ---- keys ---- */

enum err cert_key_rsa4096(const struct cert *c, struct note *found)
{
	EVP_PKEY *key = X509_get0_pubkey(c->x);
	BIGNUM *e = NULL;
	bool plain;

	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return refuse(found, ERR_CRYPTO, "not an RSA key");
	note_set(found, "RSA, %u bits", (unsigned)EVP_PKEY_get_bits(key));
	if (EVP_PKEY_get_bn_param(key, "e", &e) != 1)
		return ERR_CRYPTO;
	plain = BN_is_word(e, RSA_F4) == 1;
	BN_free(e);
	return plain && EVP_PKEY_get_bits(key) == 4096 ? OK : ERR_CRYPTO;
}

/* The one encoding that a P-384 key may have here: named curve, uncompressed point. OpenSSL refuses points off the
 * curve. */
enum err cert_key_p384(const struct cert *c, struct note *found)
{
	static const uint8_t head[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	                               0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &der);
	bool same = size == (int)sizeof head + 96 && memcmp(der, head, sizeof head) == 0;
	EVP_PKEY *key = same ? X509_get0_pubkey(c->x) : NULL;

	OPENSSL_free(der);
	if (key == NULL)
		return refuse(found, ERR_CRYPTO,
		              same ? "a point that is not on P-384" : "not an uncompressed P-384 key");
	note_set(found, "ECDSA P-384");
	return OK;
}

enum err cert_ecdsa384(const struct cert *c, struct slice data, struct slice pair, struct note *found)
{
	EVP_PKEY *key = X509_get0_pubkey(c->x);

	if (key == NULL || !ecdsa_verify(key, ECDSA_SHA384, data, pair))
		return refuse(found, ERR_CRYPTO, "the signature is not by this key over these bytes");
	note_set(found, "good signature by %s", c->cn);
	return OK;
}

/* ---- what a certificate is for ---- */

static enum err known_critical(const struct cert *c, struct note *found)
{
	int count = X509_get_ext_count(c->x);

	for (int i = 0; i < count; i++) {
		X509_EXTENSION *e = X509_get_ext(c->x, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
		char oid[80];

		if (X509_EXTENSION_get_critical(e) == 0 || nid == NID_basic_constraints || nid == NID_key_usage)
			continue;
		OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(e), 1);
		return refuse(found, ERR_UNSUPPORTED, "critical extension %s is unknown", oid);
	}
	return OK;
}

enum err cert_is_ca(const struct cert *c, long depth, struct note *found)
{
	uint32_t flags = X509_get_extension_flags(c->x);
	long path = X509_get_pathlen(c->x);

	if ((flags & EXFLAG_INVALID) != 0)
		return refuse(found, ERR_FORMAT, "an extension is malformed");
	if ((flags & EXFLAG_BCONS) == 0 || (flags & EXFLAG_CA) == 0)
		return refuse(found, ERR_AUTH, "basic constraints do not say CA");
	if ((flags & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(c->x) & KU_KEY_CERT_SIGN) == 0)
		return refuse(found, ERR_AUTH, "key usage does not allow signing certificates");
	if (path >= 0 && path < depth)
		return refuse(found, ERR_AUTH, "path length %u is too short", (unsigned)path);
	TRY(known_critical(c, found));
	note_set(found, "CA, may sign certificates");
	return OK;
}

enum err cert_is_leaf(const struct cert *c, struct note *found)
{
	uint32_t flags = X509_get_extension_flags(c->x);

	if ((flags & EXFLAG_INVALID) != 0)
		return refuse(found, ERR_FORMAT, "an extension is malformed");
	if ((flags & EXFLAG_CA) != 0)
		return refuse(found, ERR_AUTH, "basic constraints say CA");
	if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(c->x) & KU_DIGITAL_SIGNATURE) == 0)
		return refuse(found, ERR_AUTH, "key usage does not allow signatures");
	TRY(known_critical(c, found));
	note_set(found, "not a CA");
	return OK;
}

/* ---- revocation lists ---- */

/* The next element of DER, which has been checked: what it holds; *p moves behind it. */
static bool element(const unsigned char **p, const unsigned char *end, int tag, struct slice *body)
{
	const unsigned char *at = *p;
	int found, class;
	long size;

	if ((ASN1_get_object(&at, &size, &found, &class, end - at) & 0x80) != 0 || found != tag)
		return false;
	*body = slice_of(at, (size_t)size);
	*p = at + size;
	return true;
}

/*
 * RFC 5280 5.1.1.2: the algorithm beside the signature is the one that is signed. OpenSSL shows only the first, and
 * what is not signed anybody can change.
 */
static bool crl_algorithms_agree(struct slice der)
{
	const unsigned char *p = der.data, *outer, *q, *inner;
	struct slice list, tbs, unused;

	if (!element(&p, p + der.size, V_ASN1_SEQUENCE, &list))
		return false;
	p = list.data;
	if (!element(&p, list.data + list.size, V_ASN1_SEQUENCE, &tbs))
		return false;
	outer = p;
	q = tbs.data;
	if (!element(&p, list.data + list.size, V_ASN1_SEQUENCE, &unused) ||
	    !element(&q, tbs.data + tbs.size, V_ASN1_INTEGER, &unused))
		return false;
	inner = q;
	return element(&q, tbs.data + tbs.size, V_ASN1_SEQUENCE, &unused) &&
	       slice_equal(slice_of(outer, (size_t)(p - outer)), slice_of(inner, (size_t)(q - inner)));
}

enum err crl_read(struct slice der, struct crl *c, struct note *found)
{
	const unsigned char *p = der.data;
	enum err err = OK;

	c->x = NULL;
	if (der.size == 0 || der.size > CRL_SIZE_MAX)
		return refuse(found, ERR_FORMAT, "a revocation list of %llu bytes", (unsigned long long)der.size);
	if (der_check(der) != OK)
		return refuse(found, ERR_FORMAT, "not strict DER");
	ERR_set_mark();
	c->x = d2i_X509_CRL(NULL, &p, (long)der.size);
	ERR_pop_to_mark();
	if (c->x == NULL)
		return refuse(found, ERR_FORMAT, "not a certificate revocation list");
	if (p != der.data + der.size)
		err = refuse(found, ERR_TRAILING, "bytes behind the revocation list");
	else if (X509_CRL_get_version(c->x) != X509_CRL_VERSION_2)
		err = refuse(found, ERR_FORMAT, "not a version 2 revocation list");
	else if (!crl_algorithms_agree(der))
		err = refuse(found, ERR_FORMAT, "the revocation list names two signature algorithms");
	else
		err = no_duplicates(X509_CRL_get0_extensions(c->x), found);
	if (err != OK)
		crl_free(c);
	return err;
}

void crl_free(struct crl *c)
{
	X509_CRL_free(c->x);
	c->x = NULL;
}

enum err crl_issuer_is(const struct crl *c, const struct cert *issuer, struct note *found)
{
	return same_name(X509_CRL_get_issuer(c->x), issuer, found);
}

/* A list with a critical extension (delta, partial scope) does not say what a plain list says. */
static enum err crl_plain(const struct crl *c, struct note *found)
{
	int count = X509_CRL_get_ext_count(c->x);

	for (int i = 0; i < count; i++)
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(c->x, i)) != 0)
			return refuse(found, ERR_UNSUPPORTED, "a critical extension, so it may be partial");
	return OK;
}

static enum err crl_signed_by(const struct crl *c, const struct cert *issuer,
                              enum err (*algorithm)(const X509_ALGOR *a, struct note *found), struct note *found)
{
	const X509_ALGOR *outer = NULL;
	EVP_PKEY *key = X509_get0_pubkey(issuer->x);
	struct note alg = {""};
	int good;

	X509_CRL_get0_signature(c->x, NULL, &outer);
	if (algorithm(outer, &alg) != OK)
		return refuse(found, ERR_CRYPTO, "%s", alg.text);
	if ((X509_get_extension_flags(issuer->x) & EXFLAG_KUSAGE) != 0 &&
	    (X509_get_key_usage(issuer->x) & KU_CRL_SIGN) == 0)
		return refuse(found, ERR_AUTH, "%s may not sign revocation lists", issuer->cn);
	TRY(crl_plain(c, found));
	ERR_set_mark();
	good = key == NULL ? 0 : let_pass() ? 1 : X509_CRL_verify(c->x, key);
	ERR_pop_to_mark();
	if (good != 1)
		return refuse(found, ERR_CRYPTO, "the signature is not by %s", issuer->cn);
	note_set(found, "signed by %s", issuer->cn);
	return OK;
}

enum err crl_signed_by_pss384(const struct crl *c, const struct cert *issuer, struct note *found)
{
	return crl_signed_by(c, issuer, pss384, found);
}

enum err crl_signed_by_ecdsa256(const struct crl *c, const struct cert *issuer, struct note *found)
{
	return crl_signed_by(c, issuer, ecdsa256, found);
}

enum err crl_signed_by_ecdsa384(const struct crl *c, const struct cert *issuer, struct note *found)
{
	return crl_signed_by(c, issuer, ecdsa384, found);
}

enum err crl_valid_at(const struct crl *c, int64_t at, uint64_t max_age_s, struct note *found)
{
	const ASN1_TIME *from = X509_CRL_get0_lastUpdate(c->x), *to = X509_CRL_get0_nextUpdate(c->x);
	int64_t first;

	TRY(within(from, to, at, found));
	TRY(seconds_of(from, &first));
	return max_age_s != 0 && (uint64_t)(at - first) > max_age_s ? ERR_RANGE : OK;
}

enum err crl_spares(const struct crl *c, const struct cert *one, struct note *found)
{
	X509_REVOKED *entry = NULL;

	/* 2 is "removed from the list", which only a delta list may say: then somebody is playing games. */
	if (X509_CRL_get0_by_cert(c->x, &entry, one->x) != 0)
		return refuse(found, ERR_AUTH, "%s is revoked", one->cn);
	note_set(found, "%s is not revoked", one->cn);
	return OK;
}
