/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/enarx.h"

#include "client/attest/dcap.h"
#include "client/attest/let_pass.h"
#include "client/attest/p256.h"
#include "client/attest/snp.h"
#include "client/attest/x509.h"
#include "sys/openssl.h"
#include "lib/attest/der.h"
#include "lib/attest/quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 1.3.6.1.4.1.58270.1, then 2 or 3 */
static const uint8_t arc[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xc7, 0x1e, 0x01};
static const uint8_t extension_request[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e};
enum { ARC_SGX = 2, ARC_SNP = 3 };

/* ---- reading ---- */

static enum err crl_list(struct reader r, struct enarx_csr *out)
{
	struct reader outer, list, pair;
	struct slice whole, text;

	TRY(der_enter(&r, DER_SEQUENCE, &outer));
	TRY(rd_end(&r));
	TRY(der_enter(&outer, DER_SEQUENCE, &list));
	TRY(rd_end(&outer));
	while (rd_left(&list) > 0) {
		if (out->crl_count == ENARX_CRLS_MAX)
			return ERR_LIMIT;
		TRY(der_enter(&list, DER_SEQUENCE, &pair));
		TRY(der_element(&pair, DER_UTF8, &whole, &text));
		TRY(der_element(&pair, DER_SEQUENCE, &out->crls[out->crl_count], &text));
		TRY(rd_end(&pair));
		out->crl_count++;
	}
	return OK;
}

static enum err snp_evidence(struct slice value, struct enarx_csr *out)
{
	struct reader r = rd_of(value), evidence, vouchers;
	struct slice whole, content;

	TRY(der_enter(&r, DER_SEQUENCE, &evidence));
	TRY(rd_end(&r));
	TRY(der_enter(&evidence, DER_SEQUENCE, &vouchers));
	TRY(der_element(&evidence, DER_OCTETS, &whole, &out->report));
	TRY(rd_end(&evidence));
	TRY(der_element(&vouchers, DER_SEQUENCE, &out->vcek, &content));
	return crl_list(vouchers, out);
}

static enum err signers(struct reader list, struct enarx_csr *out)
{
	struct slice content;

	while (rd_left(&list) > 0) {
		if (out->signer_count == ENARX_SIGNERS_MAX)
			return ERR_LIMIT;
		TRY(der_element(&list, DER_SEQUENCE, &out->signers[out->signer_count++], &content));
	}
	return OK;
}

static enum err sgx_evidence(struct slice value, struct enarx_csr *out)
{
	struct reader r = rd_of(value), evidence, tcb, list;
	struct slice whole, lists, content;

	TRY(der_enter(&r, DER_SEQUENCE, &evidence));
	TRY(rd_end(&r));
	TRY(der_element(&evidence, DER_OCTETS, &whole, &out->quote));
	TRY(der_element(&evidence, DER_SEQUENCE, &lists, &content));
	TRY(der_enter(&evidence, DER_SEQUENCE, &tcb));
	TRY(rd_end(&evidence));
	TRY(der_enter(&tcb, DER_SEQUENCE, &list));
	TRY(der_element(&tcb, DER_OCTETS, &whole, &out->tcb_info));
	TRY(rd_end(&tcb));
	TRY(signers(list, out));
	return crl_list(rd_of(lists), out);
}

static enum err extension(struct reader r, struct enarx_csr *out, unsigned *kinds, unsigned *last)
{
	struct reader ahead;
	struct slice whole, oid, content;

	TRY(der_element(&r, DER_OID, &whole, &oid));
	ahead = r;
	if (der_element(&ahead, DER_BOOLEAN, &whole, &content) == OK)
		r = ahead;
	TRY(der_element(&r, DER_OCTETS, &whole, &content));
	TRY(rd_end(&r));
	if (oid.size != sizeof arc + 1 || memcmp(oid.data, arc, sizeof arc) != 0)
		return OK;
	++*kinds;
	*last = oid.data[sizeof arc];
	out->sgx = *last == ARC_SGX;
	if (*kinds != 1 || (*last != ARC_SNP && *last != ARC_SGX))
		return OK;
	return out->sgx ? sgx_evidence(content, out) : snp_evidence(content, out);
}

static enum err extensions(struct reader r, struct enarx_csr *out, unsigned *kinds, unsigned *last)
{
	struct reader list, one;

	TRY(der_enter(&r, DER_SEQUENCE, &list));
	TRY(rd_end(&r));
	while (rd_left(&list) > 0) {
		TRY(der_enter(&list, DER_SEQUENCE, &one));
		TRY(extension(one, out, kinds, last));
	}
	return OK;
}

static enum err attributes(struct reader r, struct enarx_csr *out, unsigned *kinds, unsigned *last)
{
	struct reader one, values;
	struct slice whole, oid;

	while (rd_left(&r) > 0) {
		TRY(der_enter(&r, DER_SEQUENCE, &one));
		TRY(der_element(&one, DER_OID, &whole, &oid));
		TRY(der_enter(&one, DER_SET, &values));
		TRY(rd_end(&one));
		if (slice_equal(oid, slice_of(extension_request, sizeof extension_request)))
			TRY(extensions(values, out, kinds, last));
	}
	return OK;
}

static enum err request(struct slice der, struct enarx_csr *out, unsigned *kinds, unsigned *last)
{
	struct reader r = rd_of(der), csr, info, attrs;
	struct slice whole, content;

	TRY(der_enter(&r, DER_SEQUENCE, &csr));
	TRY(rd_end(&r));
	TRY(der_enter(&csr, DER_SEQUENCE, &info));
	TRY(der_element(&info, DER_INTEGER, &whole, &content));
	TRY(der_element(&info, DER_SEQUENCE, &whole, &content)); /* subject: nobody here believes it */
	TRY(der_element(&info, DER_SEQUENCE, &out->spki, &content));
	TRY(der_enter(&info, DER_CONTEXT_0, &attrs));
	TRY(rd_end(&info));
	return attributes(attrs, out, kinds, last);
}

enum err enarx_csr_read(struct slice der, struct enarx_csr *out, struct note *n)
{
	unsigned kinds = 0, last = 0;

	*out = (struct enarx_csr){.crl_count = 0};
	if (der.size > ENARX_CSR_SIZE_MAX)
		return refuse(n, ERR_LIMIT, "a certificate request of %llu bytes", (unsigned long long)der.size);
	if (der_check(der) != OK || request(der, out, &kinds, &last) != OK)
		return refuse(n, ERR_FORMAT, "not a certificate request with Enarx evidence in strict DER");
	if (kinds != 1)
		return refuse(n, ERR_FORMAT, "%u pieces of evidence instead of one", kinds);
	if (last != ARC_SNP && last != ARC_SGX)
		return refuse(n, ERR_UNSUPPORTED, "unknown kind of evidence");
	return OK;
}

/* ---- judging ---- */

static void add(struct verdict *v, const char *id, bool good, const char *expected, const char *found)
{
	struct check k = {
	        .id = id, .link = "handshake", .result = good ? CHECK_PASS : CHECK_FAIL, .spec = "RFC 2986 chapter 4"};

	snprintf(k.expected, sizeof k.expected, "%s", expected);
	snprintf(k.found, sizeof k.found, "%s", found);
	verdict_add(v, &k);
}

static bool signed_by_its_key(struct slice der)
{
	const unsigned char *p = der.data;
	X509_REQ *req;
	EVP_PKEY *key;
	int nid;
	bool good;

	ERR_set_mark();
	req = d2i_X509_REQ(NULL, &p, (long)der.size);
	key = req == NULL ? NULL : X509_REQ_get0_pubkey(req);
	nid = req == NULL ? NID_undef : X509_REQ_get_signature_nid(req);
	good = key != NULL && p == der.data + der.size &&
	       (nid == NID_ecdsa_with_SHA256 || nid == NID_ecdsa_with_SHA384 || nid == NID_ecdsa_with_SHA512) &&
	       (let_pass() || X509_REQ_verify(req, key) == 1);
	ERR_pop_to_mark();
	X509_REQ_free(req);
	return good;
}

static void chosen(const struct enarx_input *in, struct envelope *e)
{
	if (in->items == NULL)
		return;
	CHECK(in->item_count <= ENVELOPE_COLLATERAL_MAX);
	e->collateral_count = in->item_count;
	if (in->item_count > 0)
		memcpy(e->collateral, in->items, in->item_count * sizeof *in->items);
}

static void judge_snp(const struct enarx_input *in, const struct enarx_csr *csr, struct verdict *v)
{
	uint8_t report_data[64] = {0}; /* the digest has 48 bytes, the rest must be zero */
	struct verify_input evidence = {
	        .report_data = slice_of(report_data, sizeof report_data), .policy = in->policy, .at = in->at};
	static const char *const crl_names[ENARX_CRLS_MAX] = {"crl",   "crl-2", "crl-3", "crl-4",
							      "crl-5", "crl-6", "crl-7", "crl-8"};
	struct envelope e = {
		.tee = slice_text("snp"),
		.evidence = csr->report,
		.collateral = {{slice_text("ark"), in->ark}, {slice_text("ask"), in->ask}, {slice_text("vcek"), csr->vcek}},
		.collateral_count = 3,
	};

	for (size_t i = 0; i < csr->crl_count; i++)
		e.collateral[e.collateral_count++] = (struct envelope_item){slice_text(crl_names[i]), csr->crls[i]};
	chosen(in, &e);
	SHA384(csr->spki.data, csr->spki.size, report_data);
	if (!snp_verify(&evidence, &e, &in->policy->snp, v))
		v->ok = false;
}

/* PEM text of the statement's signers, which is what the judge of quotes reads. The caller frees it. */
static char *signers_pem(const struct enarx_csr *csr, size_t *size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *data = NULL;
	long length = 0;
	bool good = bio != NULL;

	for (size_t i = 0; good && i < csr->signer_count; i++)
		good = PEM_write_bio(bio, "CERTIFICATE", "", csr->signers[i].data, (long)csr->signers[i].size) > 0;
	if (good)
		length = BIO_get_mem_data(bio, &data);
	text = length > 0 ? malloc((size_t)length) : NULL;
	if (text != NULL)
		memcpy(text, data, (size_t)length);
	*size = text != NULL ? (size_t)length : 0;
	BIO_free(bio);
	return text;
}

/* What a list is to this quote; NULL: a request may bring those of other CAs, too. Only a proposal: the judge asks. */
static const char *crl_name(struct slice der, const struct cert *ca, const struct cert *root)
{
	const char *name = NULL;
	struct crl crl;

	if (crl_read(der, &crl, NULL) != OK)
		return NULL;
	if (ca != NULL && crl_issuer_is(&crl, ca, NULL) == OK)
		name = "pck_crl";
	else if (root != NULL && crl_issuer_is(&crl, root, NULL) == OK)
		name = "root_ca_crl";
	crl_free(&crl);
	return name;
}

/* The lists come in any order and without the chain of their issuers, which has to be the quote's. */
static void add_crls(const struct enarx_csr *csr, struct envelope *e)
{
	struct cert_list chain = {.count = 0};
	const struct cert *ca, *root;
	struct quote q;

	if (quote_parse(csr->quote, &q, NULL) != OK || cert_list_read(q.cert_data, &chain, NULL) != OK)
		return;
	ca = cert_list_issuer(&chain, &chain.cert[0]);
	root = cert_list_issuer(&chain, ca);
	e->collateral[e->collateral_count++] = (struct envelope_item){slice_text("pck_crl_issuer_chain"), q.cert_data};
	for (size_t i = 0; i < csr->crl_count; i++) {
		const char *name = crl_name(csr->crls[i], ca, root);

		if (name != NULL)
			e->collateral[e->collateral_count++] = (struct envelope_item){slice_text(name), csr->crls[i]};
	}
	cert_list_free(&chain);
}

static void judge_sgx(const struct enarx_input *in, const struct enarx_csr *csr, struct verdict *v)
{
	uint8_t report_data[64] = {0};
	struct verify_input evidence = {
	        .report_data = slice_of(report_data, sizeof report_data), .policy = in->policy, .at = in->at};
	size_t size;
	char *pem = signers_pem(csr, &size);
	struct envelope e = {
	        .tee = slice_text("sgx"),
	        .evidence = csr->quote,
	        .collateral = {{slice_text("tcb_info"), csr->tcb_info}, {slice_text("tcb_info_issuer_chain"), slice_of(pem, size)}},
	        .collateral_count = 2,
	};

	add_crls(csr, &e);
	chosen(in, &e);
	SHA256(csr->spki.data, csr->spki.size, report_data);
	if (!dcap_verify(&evidence, &e, &in->policy->sgx, false, v))
		v->ok = false;
	free(pem);
}

void enarx_csr_verify(const struct enarx_input *in, struct verdict *v)
{
	struct enarx_csr csr;
	struct note n = {""};
	enum err err = enarx_csr_read(in->csr, &csr, &n);
	const bool named = csr.sgx ? in->policy->sgx.accepted : in->policy->snp.accepted;
	bool good;

	verdict_clear(v);
	snprintf(v->tee, sizeof v->tee, csr.sgx ? "sgx" : "snp");
	v->ok = err == OK && named;
	add(v, "enarx.csr.read", err == OK, "a certificate request with evidence", err == OK ? "there" : n.text);
	add(v, "enarx.csr.tee", named, "a TEE that the policy names", v->tee);
	if (err != OK)
		return;
	good = signed_by_its_key(in->csr);
	add(v, "enarx.csr.signature", good, "signed by its own key with ECDSA",
	    good ? "a good signature" : "no good signature");
	(csr.sgx ? judge_sgx : judge_snp)(in, &csr, v);
}
