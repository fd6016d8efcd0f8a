/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of certificates with revocation lists: AMD's issuers by their own judge, all others link by link. */
#include "test/attest/kinds.h"

#include "client/attest/amd.h"

#include <stdio.h>

enum { CHAIN_MAX = 8, LISTS_MAX = 8 };

struct chain {
	struct cert certs[CHAIN_MAX]; /* from the leaf to the root */
	size_t count;
	struct crl lists[LISTS_MAX];
	size_t list_count;
	int64_t at;
	struct verdict *v;
};

static bool check(struct chain *k, const char *id, enum err err, const struct note *found)
{
	struct check c = {.id = id, .link = "root", .result = err == OK ? CHECK_PASS : CHECK_FAIL, .spec = ""};

	snprintf(c.found, sizeof c.found, "%.*s", CHECK_TEXT_MAX - 1, found->text);
	verdict_add(k->v, &c);
	return err == OK;
}

/* ---- reading ---- */

static void take(struct chain *k, struct slice der)
{
	struct note n = {""};

	if (k->count < CHAIN_MAX && check(k, "chain.read", cert_read(der, &k->certs[k->count], &n), &n))
		k->count++;
}

static void chain_load(struct vector *c, struct chain *k)
{
	const struct slice root = case_file(c, "root");
	struct note n = {""};
	struct slice s, last = slice_of(NULL, 0);

	for (size_t i = 0; (s = case_file_at(c, "chain", i)).size > 0; i++) {
		take(k, s);
		last = s;
	}
	if (last.size == 0 || !slice_equal(last, root))
		take(k, root);
	for (size_t i = 0; k->list_count < LISTS_MAX && (s = case_file_at(c, "crl", i)).size > 0; i++)
		if (check(k, "chain.crl.read", crl_read(s, &k->lists[k->list_count], &n), &n))
			k->list_count++;
}

static void chain_free(struct chain *k)
{
	for (size_t i = 0; i < k->count; i++)
		cert_free(&k->certs[i]);
	for (size_t i = 0; i < k->list_count; i++)
		crl_free(&k->lists[i]);
}

/* ---- judging ---- */

static enum err list_signed(const struct crl *l, const struct cert *by, struct note *n)
{
	return crl_signed_by_pss384(l, by, n) == OK || crl_signed_by_ecdsa256(l, by, n) == OK ? OK : crl_signed_by_ecdsa384(l, by, n);
}

static void link_judge(struct chain *k, size_t at)
{
	const struct cert *c = &k->certs[at], *up = &k->certs[at + 1];
	struct note n = {""};
	enum err err = cert_issuer_is(c, up, &n);

	check(k, "chain.signature", err == OK ? cert_signed_by(c, up, &n) : err, &n);
	check(k, "chain.use", cert_is_ca(up, (long)at, &n), &n);
	for (size_t i = 0; i < k->list_count; i++) {
		const struct crl *l = &k->lists[i];

		if (crl_issuer_is(l, up, &n) != OK)
			continue;
		check(k, "chain.crl.signature", list_signed(l, up, &n), &n);
		check(k, "chain.crl.time", crl_valid_at(l, k->at, 0, &n), &n);
		check(k, "chain.revocation", crl_spares(l, c, &n), &n);
	}
}

static void chain_judge(struct chain *k)
{
	const struct cert *root = &k->certs[k->count - 1];
	struct note n = {""};
	enum err err = cert_issuer_is(root, root, &n);

	check(k, "chain.root", err == OK ? cert_signed_by(root, root, &n) : err, &n);
	for (size_t i = 0; i < k->count; i++)
		check(k, "chain.time", cert_valid_at(&k->certs[i], k->at, &n), &n);
	for (size_t i = 0; i + 1 < k->count; i++)
		link_judge(k, i);
}

/* One certificate below a root of AMD's is what the judge of SNP evidence calls an issuer. */
static bool is_amd_issuer(struct vector *c)
{
	struct cert root;
	bool amd;

	if (case_file_at(c, "chain", 1).size > 0 || cert_read(case_file(c, "root"), &root, NULL) != OK)
		return false;
	amd = snp_product_by_root_cn(root.cn) != NULL;
	cert_free(&root);
	return amd;
}

/* "C=US,CN=ARK-Milan": in the order of the certificate. */
static void subject_of(const struct cert *c, char *out, size_t size)
{
	const X509_NAME *name = X509_get_subject_name(c->x);
	size_t used = 0;

	out[0] = 0;
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		const char *label = OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(e)));
		const ASN1_STRING *s = X509_NAME_ENTRY_get_data(e);

		used += (size_t)snprintf(out + used, size - used, "%s%s=%.*s", i > 0 ? "," : "", label, ASN1_STRING_length(s),
		                         (const char *)ASN1_STRING_get0_data(s));
		if (used >= size)
			return;
	}
}

static json_t *facts_of(struct slice leaf)
{
	json_t *o = json_object();
	char text[512];
	struct cert c;

	if (cert_read(leaf, &c, NULL) == OK) {
		subject_of(&c, text, sizeof text);
		fact_text(o, "subject", slice_text(text));
		cert_free(&c);
	}
	return o;
}

static enum outcome x509_case(struct vector *c)
{
	struct verdict v = {.ok = true};
	struct chain k = {.at = case_at(c), .v = &v};
	enum outcome o;

	if (is_amd_issuer(c)) {
		o = snp_issuer_case(c);
	} else {
		chain_load(c, &k);
		if (k.count > 0)
			chain_judge(&k);
		chain_free(&k);
		o = case_compare(c, &v);
	}
	return o == PASSED ? case_facts(c, facts_of(case_file(c, "chain"))) : o;
}

/* ---- tables ---- */

static const struct kind kinds[] = {
        {"x509_chain", x509_case},
        {NULL, NULL},
};

static const struct reason reasons[] = {
        {"root-not-self-signed", "chain.root"},
        {"cert-not-yet-valid", "chain.time"},
        {"cert-expired", "chain.time"},
        {"chain-signature", "chain.signature"},
        {"issuer-not-ca", "chain.use"},
        {"issuer-key-usage", "chain.use"},
        {"path-length", "chain.use"},
        {"crl-signature", "chain.crl.signature chain.crl.read"},
        {"crl-not-yet-valid", "chain.crl.time"},
        {"crl-expired", "chain.crl.time"},
        {"cert-revoked", "chain.revocation"},
        {"cert-duplicate-extension", "chain.read"},
        {NULL, NULL},
};

const struct kind_set x509_set = {kinds, reasons};
