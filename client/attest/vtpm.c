/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/vtpm.h"

#include "client/attest/base64url.h"
#include "client/attest/dcap.h"
#include "client/attest/let_pass.h"
#include "client/attest/say.h"
#include "client/attest/sev_key.h"
#include "client/attest/snp.h"
#include "lib/attest/hcl.h"
#include "lib/attest/quote.h"
#include "sys/openssl.h"

#include <jansson.h>

enum { NUMBER_MAX = 512 };

struct vtpm_case {
	const struct vtpm_input *in;
	struct verdict *v;
	struct hcl_report hcl;
	struct tpm_quote tpm;
	EVP_PKEY *key;
	uint8_t report_data[64];
};

static bool add(struct vtpm_case *k, const char *id, bool good, const char *expected, const char *found)
{
	struct check c = {.id = id, .link = "handshake", .result = pass_if(good), .spec = "TPM 2.0 Library, Part 2"};

	say(c.expected, "%s", expected);
	say(c.found, "%s", found);
	verdict_add(k->v, &c);
	return good;
}

/* ---- the key of the vTPM ---- */

/* The base64url of a big-endian number, into a little-endian one; empty: none of at most NUMBER_MAX bytes. */
static struct slice number(const char *text, uint8_t out[static NUMBER_MAX])
{
	size_t size;

	if (base64url_decode(text, out, NUMBER_MAX, &size) != OK)
		return slice_of(NULL, 0);
	for (size_t i = 0; i < size / 2; i++) {
		uint8_t b = out[i];

		out[i] = out[size - 1 - i];
		out[size - 1 - i] = b;
	}
	return slice_of(out, size);
}

static EVP_PKEY *key_of(json_t *jwk)
{
	const char *type = json_string_value(json_object_get(jwk, "kty"));
	const char *n = json_string_value(json_object_get(jwk, "n")), *e = json_string_value(json_object_get(jwk, "e"));
	uint8_t modulus[NUMBER_MAX], exponent[NUMBER_MAX];
	struct slice m, x;

	if (type == NULL || strcmp(type, "RSA") != 0 || n == NULL || e == NULL)
		return NULL;
	m = number(n, modulus);
	x = number(e, exponent);
	return m.size >= 256 && x.size > 0 ? sev_rsa_key(x, m) : NULL;
}

/* Exactly one key is called so. */
static EVP_PKEY *attestation_key(struct slice keys)
{
	json_t *root = json_loadb((const char *)keys.data, keys.size, JSON_REJECT_DUPLICATES, NULL), *one;
	EVP_PKEY *key = NULL;
	size_t i, count = 0;

	json_array_foreach(json_object_get(root, "keys"), i, one)
	{
		const char *id = json_string_value(json_object_get(one, "kid"));

		if (id != NULL && strcmp(id, "HCLAkPub") == 0 && count++ == 0)
			key = key_of(one);
	}
	if (count != 1) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	json_decref(root);
	return key;
}

/* ---- the checks ---- */

static bool over_the_keys(struct vtpm_case *k)
{
	const EVP_MD *md = k->hcl.hash_bits == 256   ? EVP_sha256()
	                   : k->hcl.hash_bits == 384 ? EVP_sha384()
	                                             : EVP_sha512();

	return EVP_Digest(k->hcl.keys.data, k->hcl.keys.size, k->report_data, NULL, md, NULL) == 1 &&
	       slice_equal(k->hcl.report_data, slice_of(k->report_data, sizeof k->report_data));
}

static bool signed_quote(const struct vtpm_case *k)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const struct slice m = k->in->message, s = k->in->signature;
	bool good;

	if (let_pass()) {
		EVP_MD_CTX_free(ctx);
		return s.size > 0;
	}
	ERR_set_mark();
	good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->key) == 1 &&
	       EVP_DigestVerify(ctx, s.data, s.size, m.data, m.size) == 1;
	ERR_pop_to_mark();
	EVP_MD_CTX_free(ctx);
	return good;
}

static bool pcrs_are(const struct vtpm_case *k)
{
	uint8_t values[VTPM_PCRS * 32], digest[32];
	size_t size = 0;

	for (unsigned i = 0; i < VTPM_PCRS; i++)
		if ((k->tpm.selected >> i & 1) != 0) {
			memcpy(values + size, k->in->pcrs[i], 32);
			size += 32;
		}
	SHA256(values, size, digest);
	return slice_equal(k->tpm.digest, slice_of(digest, sizeof digest));
}

/* A value that was not quoted is nobody's word. */
static void pinned(struct vtpm_case *k)
{
	bool asked = false;
	char found[40] = "those", expected[40] = "PCRs that the policy names";

	for (unsigned i = 0; i < VTPM_PCRS; i++) {
		const struct digest_list *l = &k->in->pcr_lists[i];

		if (l->count == 0)
			continue;
		asked = true;
		if ((k->tpm.selected >> i & 1) != 0 && k->in->pcrs != NULL &&
		    digest_list_has(l, slice_of(k->in->pcrs[i], 32)))
			continue;
		snprintf(found, sizeof found, "PCR%u %s", i,
		         (k->tpm.selected >> i & 1) == 0 ? "is not in the quote"
		         : k->in->pcrs == NULL           ? "was not given"
		                                         : "has another value");
		add(k, "vtpm.tpm.pinned", false, expected, found);
		return;
	}
	if (asked)
		add(k, "vtpm.tpm.pinned", true, expected, found);
}

static bool judge_vtpm(struct vtpm_case *k)
{
	struct note read = {""}, quote = {""};
	bool good = hcl_report_parse(k->in->hcl, &k->hcl, &read) == OK, made;

	if (!add(k, "vtpm.hcl.read", good, "a report of the paravisor", good ? "read" : read.text))
		return false;
	good = over_the_keys(k);
	add(k, "vtpm.hcl.report_data", good, "the digest of the vTPM's keys", good ? "that" : "another digest");
	k->key = attestation_key(k->hcl.keys);
	made = add(k, "vtpm.ak.read", k->key != NULL, "one RSA key HCLAkPub of at least 2048 bits",
	           k->key != NULL ? "there" : "not there");
	good = tpm_quote_parse(k->in->message, &k->tpm, &quote) == OK;
	if (!add(k, "vtpm.tpm.read", good, "a quote of a TPM", good ? "read" : quote.text) || !made)
		return false;
	good = signed_quote(k);
	add(k, "vtpm.tpm.signature", good, "signed by HCLAkPub", good ? "a good signature" : "no good signature");
	if (k->in->pcrs != NULL &&
	    add(k, "vtpm.tpm.bank", k->tpm.bank == TPM_SHA256 && k->tpm.selected != 0, "PCRs of the SHA-256 bank alone",
	        k->tpm.bank == TPM_SHA256 ? "that bank" : "others")) {
		good = pcrs_are(k);
		add(k, "vtpm.tpm.pcrs", good, "the digest of the PCRs asked for", good ? "that" : "another");
	}
	if (k->in->pcr_lists != NULL)
		pinned(k);
	if (k->in->nonce != NULL) {
		good = slice_equal(k->tpm.extra, *k->in->nonce);
		add(k, "vtpm.tpm.nonce", good, "the nonce asked for", good ? "that" : "another");
	}
	return true;
}

/* ---- the hardware below ---- */

static struct envelope envelope_of(const struct vtpm_case *k, const char *tee, struct slice evidence)
{
	struct envelope e = {slice_text(tee), evidence, .collateral_count = k->in->collateral_count};

	CHECK(e.collateral_count <= ENVELOPE_COLLATERAL_MAX);
	if (e.collateral_count > 0)
		memcpy(e.collateral, k->in->collateral, e.collateral_count * sizeof *e.collateral);
	return e;
}

static bool judge_tdx(struct vtpm_case *k, const struct verify_input *in)
{
	const struct envelope e = envelope_of(k, "tdx", k->in->td_quote);
	struct quote q;
	bool td = quote_parse(k->in->td_quote, &q, NULL) == OK && q.body != QUOTE_BODY_SGX;

	add(k, "vtpm.td.report_data", td && slice_equal(q.td.report_data, k->hcl.report_data),
	    "a TD quote with the data of the TD report", td ? "a TD quote" : "none");
	add(k, "vtpm.td.mrtd", td && slice_equal(q.td.mrtd, k->hcl.mrtd), "a TD quote with the MRTD of the TD report",
	    td ? "a TD quote" : "none");
	return dcap_verify(in, &e, &k->in->policy->tdx, true, k->v);
}

static bool judge_hardware(struct vtpm_case *k)
{
	const struct policy *p = k->in->policy;
	const bool snp = k->hcl.type == HCL_SNP;
	const struct verify_input in = {.report_data = slice_of(k->report_data, 64), .policy = p, .at = k->in->at};
	const struct envelope e = envelope_of(k, "snp", k->hcl.hardware);

	snprintf(k->v->tee, sizeof k->v->tee, "%s", snp ? "snp" : "tdx");
	add(k, "vtpm.tee", snp ? p->snp.accepted : p->tdx.accepted, "a TEE that the policy names", k->v->tee);
	return snp ? snp_verify(&in, &e, &p->snp, k->v) : judge_tdx(k, &in);
}

void vtpm_verify(const struct vtpm_input *in, struct verdict *v)
{
	struct vtpm_case k = {.in = in, .v = v};

	verdict_clear(v);
	v->ok = true;
	if (!judge_vtpm(&k) || !judge_hardware(&k))
		v->ok = false;
	EVP_PKEY_free(k.key);
}
