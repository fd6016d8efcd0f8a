/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pieces of a set fit a piece of evidence. This is a proposal and no judgement: of several candidates the one is
 * taken that the judge could accept, and when none could, one that makes the judge say what is wrong.
 */
#include "client/attest/collateral.h"

#include "client/attest/amd.h"
#include "client/attest/ecdsa.h"
#include "client/attest/p256.h"
#include "lib/attest/pck_ext.h"
#include "lib/base/hex.h"

#include <stdlib.h>

static void add(struct collateral_choice *o, const char *name, struct slice value)
{
	if (value.size > 0 && o->count < ENVELOPE_COLLATERAL_MAX)
		o->items[o->count++] = (struct envelope_item){slice_text(name), value};
}

void collateral_choice_free(struct collateral_choice *choice)
{
	for (size_t i = 0; i < ARRAY_COUNT(choice->owned); i++)
		free(choice->owned[i]);
	memset(choice, 0, sizeof *choice);
}

/* ---- lists ---- */

/* When a list was made, or INT64_MIN when that cannot be read. */
static int64_t crl_made(const struct crl *c)
{
	struct tm tm;
	const ASN1_TIME *t = X509_CRL_get0_lastUpdate(c->x);

	return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MIN;
}

/* Is one made at `made` to be taken rather than the best until now? Not later than `at`, then the newest. */
static bool better(int64_t made, int64_t best, int64_t at)
{
	if ((made <= at) != (best <= at))
		return made <= at;
	return made <= at ? made > best : made < best;
}

static struct slice crl_by(const struct collateral *c, const struct cert *issuer, int64_t at)
{
	const struct collateral_piece *best = NULL;
	int64_t best_made = 0;

	for (size_t i = 0; issuer != NULL && i < c->count; i++) {
		const struct collateral_piece *p = &c->piece[i];
		struct crl crl;
		int64_t made;

		if (p->kind != COLLATERAL_CRL || crl_read(p->bytes, &crl, NULL) != OK)
			continue;
		made = crl_made(&crl);
		if (crl_issuer_is(&crl, issuer, NULL) == OK && (best == NULL || better(made, best_made, at))) {
			best = p;
			best_made = made;
		}
		crl_free(&crl);
	}
	return best != NULL ? best->bytes : slice_of(NULL, 0);
}

/* A list of the same issuer's that cannot be read strictly: so that the judge can say so. */
static struct slice crl_called(const struct collateral *c, const char *issuer)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->piece[i].kind == COLLATERAL_CRL && strcmp(c->piece[i].name, issuer) == 0)
			return c->piece[i].bytes;
	return slice_of(NULL, 0);
}

/* ---- AMD ---- */

enum amd_role { AMD_ROOT, AMD_CA, AMD_KEY };

static bool amd_called(const char *cn, enum amd_role role, bool vlek)
{
	for (unsigned i = 0; i < SNP_PRODUCT_COUNT; i++) {
		const struct snp_product_info *p = &snp_products[i];
		const char *const names[] = {[AMD_ROOT] = p->root_cn,
		                             [AMD_CA] = vlek ? p->asvk_cn : p->ask_cn,
		                             [AMD_KEY] = vlek ? p->vlek_cn : p->vcek_cn};

		if (names[role] != NULL && strcmp(names[role], cn) == 0)
			return true;
	}
	return false;
}

/* The only piece that may be meant needs no arithmetic to be chosen: the judge does it. */
static const struct collateral_piece *only(const struct collateral *c, enum amd_role role, bool vlek)
{
	const struct collateral_piece *found = NULL;

	for (size_t i = 0; i < c->count; i++) {
		if (c->piece[i].kind != COLLATERAL_CERT || !amd_called(c->piece[i].name, role, vlek))
			continue;
		if (found != NULL)
			return NULL;
		found = &c->piece[i];
	}
	return found;
}

static bool key_signed(const struct collateral_piece *p, const struct snp_report *r, struct slice report)
{
	uint8_t pair[ECDSA_PAIR_MAX];
	struct cert cert;
	bool good;

	if (cert_read(p->bytes, &cert, NULL) != OK)
		return false;
	good = ecdsa_pair_le(ECDSA_P384, r->r, r->s, pair) &&
	       ecdsa_verify(X509_get0_pubkey(cert.x), ECDSA_SHA384, slice_of(report.data, SNP_REPORT_SIGNED),
	                    slice_of(pair, 2 * ecdsa_size(ECDSA_P384)));
	cert_free(&cert);
	return good;
}

static const struct collateral_piece *amd_key(const struct collateral *c, const struct snp_report *r,
                                              struct slice report)
{
	const bool vlek = r->signing_key == SNP_KEY_VLEK;
	const struct collateral_piece *first = only(c, AMD_KEY, vlek);

	for (size_t i = 0; first == NULL && i < c->count; i++)
		if (c->piece[i].kind == COLLATERAL_CERT && amd_called(c->piece[i].name, AMD_KEY, vlek) &&
		    key_signed(&c->piece[i], r, report))
			return &c->piece[i];
	for (size_t i = 0; first == NULL && i < c->count; i++)
		if (c->piece[i].kind == COLLATERAL_CERT && amd_called(c->piece[i].name, AMD_KEY, vlek))
			first = &c->piece[i];
	return first;
}

/* How well does the piece fit as the issuer: by name, and by signature? */
static unsigned issuer_fit(const struct collateral_piece *p, const struct cert *child)
{
	unsigned fit = 1;
	struct cert one;

	if (child->x == NULL || cert_read(p->bytes, &one, NULL) != OK)
		return fit;
	fit += cert_issuer_is(child, &one, NULL) == OK;
	fit += fit == 2 && cert_signed_by(child, &one, NULL) == OK;
	cert_free(&one);
	return fit;
}

static const struct collateral_piece *amd_issuer(const struct collateral *c, const struct collateral_piece *of,
                                                 enum amd_role role, bool vlek)
{
	const struct collateral_piece *best = only(c, role, vlek);
	unsigned best_fit = 0;
	struct cert child;

	if (best != NULL)
		return best;
	if (of == NULL || cert_read(of->bytes, &child, NULL) != OK)
		child = (struct cert){0};
	for (size_t i = 0; i < c->count && best_fit < 3; i++) {
		const struct collateral_piece *p = &c->piece[i];
		unsigned fit;

		if (p->kind != COLLATERAL_CERT || !amd_called(p->name, role, vlek))
			continue;
		fit = issuer_fit(p, &child);
		if (fit > best_fit) {
			best_fit = fit;
			best = p;
		}
	}
	cert_free(&child);
	return best;
}

enum err collateral_for_snp(const struct collateral *c, struct slice report, int64_t at, struct collateral_choice *out)
{
	const struct collateral_piece *key, *ca, *root;
	struct snp_report r;
	struct cert cert = {0};
	struct slice crl;
	bool vlek;

	memset(out, 0, sizeof *out);
	if (snp_report_parse(report, &r, NULL) != OK)
		return OK;
	vlek = r.signing_key == SNP_KEY_VLEK;
	key = amd_key(c, &r, report);
	ca = amd_issuer(c, key, AMD_CA, vlek);
	root = amd_issuer(c, ca, AMD_ROOT, false);
	if (root != NULL && cert_read(root->bytes, &cert, NULL) != OK)
		cert = (struct cert){0};
	crl = crl_by(c, cert.x != NULL ? &cert : NULL, at);
	if (crl.size == 0 && root != NULL)
		crl = crl_called(c, root->name);
	cert_free(&cert);
	add(out, "ark", root != NULL ? root->bytes : slice_of(NULL, 0));
	add(out, vlek ? "asvk" : "ask", ca != NULL ? ca->bytes : slice_of(NULL, 0));
	add(out, vlek ? "vlek" : "vcek", key != NULL ? key->bytes : slice_of(NULL, 0));
	add(out, "crl", crl);
	return OK;
}

/* ---- Intel ---- */

struct intel {
	const struct collateral *c;
	struct quote quote;
	struct cert_list chain;
	const struct cert *pck, *ca, *root; /* into the chain; NULL: not there */
	struct slice fmspc;
	int64_t at;
	bool tdx;
};

/* The certificates of one name, as PEM text, newest first is not needed: the judge takes the first. */
static enum err pem_of(struct slice der, void **owned, struct slice *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL, *text = NULL;
	long size = 0;

	if (bio != NULL && PEM_write_bio(bio, "CERTIFICATE", "", der.data, (long)der.size) > 0)
		size = BIO_get_mem_data(bio, &data);
	text = size > 0 ? malloc((size_t)size) : NULL;
	if (text != NULL)
		memcpy(text, data, (size_t)size);
	BIO_free(bio);
	*owned = text;
	*out = slice_of(text, text != NULL ? (size_t)size : 0);
	return text != NULL ? OK : ERR_NOMEM;
}

static const struct collateral_piece *cert_called(const struct collateral *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->piece[i].kind == COLLATERAL_CERT && strcmp(c->piece[i].name, name) == 0)
			return &c->piece[i];
	return NULL;
}

static bool statement_fits(const struct intel *k, const struct collateral_piece *p, int64_t *made)
{
	struct tcb_info *t;
	struct qe_identity *q;
	bool fits = false;

	if (p->kind == COLLATERAL_TCB_INFO) {
		t = malloc(sizeof *t);
		if (t != NULL && tcb_info_parse(p->bytes, t, NULL) == OK) {
			fits = slice_equal(slice_of(t->fmspc, sizeof t->fmspc), k->fmspc) &&
			       (strcmp(t->s.id, "TDX") == 0) == k->tdx;
			*made = t->s.issued;
			tcb_info_free(t);
		}
		free(t);
		return fits;
	}
	q = malloc(sizeof *q);
	if (q != NULL && qe_identity_parse(p->bytes, q, NULL) == OK) {
		fits = strcmp(q->s.id, k->tdx ? "TD_QE" : "QE") == 0;
		*made = q->s.issued;
		qe_identity_free(q);
	}
	free(q);
	return fits;
}

static const struct collateral_piece *statement(const struct intel *k, enum collateral_kind kind)
{
	const struct collateral_piece *best = NULL, *first = collateral_first(k->c, kind);
	int64_t best_made = 0;

	for (size_t i = 0; i < k->c->count; i++) {
		const struct collateral_piece *p = &k->c->piece[i];
		int64_t made = 0;

		if (p->kind != kind || !statement_fits(k, p, &made))
			continue;
		if (best == NULL || better(made, best_made, k->at)) {
			best = p;
			best_made = made;
		}
	}
	return best != NULL ? best : first;
}

/* Of the certificates of this name the one whose key signed the data, else the first; NULL: none. */
static const struct collateral_piece *signer_called(const struct collateral *c, const char *name, struct slice data,
                                                    struct slice signature)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct collateral_piece *p = &c->piece[i];
		struct cert cert;
		bool good;

		if (p->kind != COLLATERAL_CERT || strcmp(p->name, name) != 0 || cert_read(p->bytes, &cert, NULL) != OK)
			continue;
		good = cert_ecdsa256(&cert, data, signature, NULL) == OK;
		cert_free(&cert);
		if (good)
			return p;
	}
	return cert_called(c, name);
}

static const struct collateral_piece *statement_signer(const struct collateral *c, const struct collateral_piece *s)
{
	static const char name[] = "Intel SGX TCB Signing";
	uint8_t signature[P256_PAIR_SIZE];

	if (hex_decode(s->signature, signature, sizeof signature) != OK)
		return cert_called(c, name);
	return signer_called(c, name, s->bytes, slice_of(signature, sizeof signature));
}

static enum err add_statement(const struct intel *k, enum collateral_kind kind, const char *const names[3],
                              struct collateral_choice *out, void **owned)
{
	const struct collateral_piece *s = statement(k, kind);
	const struct collateral_piece *signer;
	struct slice pem;

	if (s == NULL)
		return OK;
	add(out, names[0], s->bytes);
	add(out, names[1], s->signature);
	signer = statement_signer(k->c, s);
	if (signer == NULL)
		return OK;
	TRY(pem_of(signer->bytes, owned, &pem));
	add(out, names[2], pem);
	return OK;
}

/* The chain that came with the list, if any; else the quote's own CA has to be its issuer. */
static enum err add_crls(const struct intel *k, struct collateral_choice *out)
{
	const struct collateral_piece *ca = k->ca != NULL ? cert_called(k->c, k->ca->cn) : NULL;
	struct slice own = k->quote.cert_data, pem;
	struct slice pck = crl_by(k->c, k->ca, k->at);

	if (pck.size == 0 && k->ca != NULL)
		pck = crl_called(k->c, k->ca->cn);
	add(out, "root_ca_crl", crl_by(k->c, k->root, k->at));
	add(out, "pck_crl", pck);
	if (pck.size == 0)
		return OK;
	if (ca == NULL) {
		add(out, "pck_crl_issuer_chain", k->quote.cert_type == QUOTE_CERT_PCK_CHAIN ? own : slice_of(NULL, 0));
		return OK;
	}
	TRY(pem_of(ca->bytes, &out->owned[0], &pem));
	add(out, "pck_crl_issuer_chain", pem);
	return OK;
}

/* For quotes that do not bring their chain. A platform has a PCK certificate, with a key of its own, for each of its TCBs. */
static struct slice pck_chain(const struct intel *k, void **owned)
{
	static const char *const cas[] = {"Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA", "Intel SGX Root CA"};
	const struct collateral_piece *links[1 + ARRAY_COUNT(cas)] = {
	        signer_called(k->c, "Intel SGX PCK Certificate", k->quote.qe_report, k->quote.qe_signature)};
	char *text = NULL;
	size_t size = 0;

	for (size_t i = 0; i < ARRAY_COUNT(cas); i++)
		links[1 + i] = cert_called(k->c, cas[i]);
	for (size_t i = 0; i < ARRAY_COUNT(links); i++) {
		void *one = NULL;
		struct slice pem;
		char *grown;

		if (links[i] == NULL || pem_of(links[i]->bytes, &one, &pem) != OK)
			continue;
		grown = realloc(text, size + pem.size);
		if (grown != NULL) {
			memcpy(grown + size, pem.data, pem.size);
			text = grown;
			size += pem.size;
		}
		free(one);
	}
	*owned = text;
	return slice_of(text, size);
}

static void read_chain(struct intel *k, struct slice pem)
{
	struct slice value;
	struct pck_ext ext;

	if (pem.size == 0 || cert_list_read(pem, &k->chain, NULL) != OK)
		return;
	k->pck = &k->chain.cert[0];
	k->ca = cert_list_issuer(&k->chain, k->pck);
	k->root = cert_list_issuer(&k->chain, k->ca);
	if (cert_extension(k->pck, pck_ext_oid, &value) && pck_ext_parse(value, &ext, NULL) == OK)
		k->fmspc = ext.fmspc;
}

enum err collateral_for_quote(const struct collateral *c, struct slice quote, int64_t at, struct collateral_choice *out)
{
	static const char *const tcb[] = {"tcb_info", "tcb_info_signature", "tcb_info_issuer_chain"},
	                         *const qe[] = {"qe_identity", "qe_identity_signature", "qe_identity_issuer_chain"};
	struct intel k = {.c = c, .at = at};
	struct slice pem;
	enum err err;

	memset(out, 0, sizeof *out);
	if (quote_parse(quote, &k.quote, NULL) != OK)
		return OK;
	k.tdx = k.quote.body != QUOTE_BODY_SGX;
	pem = k.quote.cert_data;
	if (k.quote.cert_type != QUOTE_CERT_PCK_CHAIN) {
		pem = pck_chain(&k, &out->owned[3]);
		add(out, "pck_chain", pem);
	}
	read_chain(&k, pem);
	err = add_crls(&k, out);
	if (err == OK)
		err = add_statement(&k, COLLATERAL_TCB_INFO, tcb, out, &out->owned[1]);
	if (err == OK)
		err = add_statement(&k, COLLATERAL_QE_IDENTITY, qe, out, &out->owned[2]);
	cert_list_free(&k.chain);
	if (err != OK)
		collateral_choice_free(out);
	return err;
}
