/* SPDX-License-Identifier: Apache-2.0 */
/* RA-TLS certificates. */
#include "test/attest/kinds.h"

#include "client/attest/dcap.h"
#include "client/attest/ratls.h"
#include "client/attest/x509.h"
#include "lib/attest/cbor_any.h"
#include "lib/attest/dice.h"

static json_t *claim_names(struct slice claims)
{
	struct reader r = rd_of(claims);
	json_t *o = json_array();
	struct cbor_any map, name;
	size_t at;

	if (cbor_any_of(&r, ANY_MAP, &map) != OK)
		return o;
	while (cbor_any_more(&r, &map) && cbor_any_of(&r, ANY_TEXT, &name) == OK && cbor_any_skip(&r) == OK) {
		json_t *one = json_stringn((const char *)name.string.data, name.string.size);

		for (at = 0; at < json_array_size(o) && strcmp(json_string_value(json_array_get(o, at)), json_string_value(one)) < 0; at++)
			;
		json_array_insert_new(o, at, one);
	}
	return o;
}

static json_t *ratls_facts(struct slice der)
{
	/* 2.23.133.5.4.9 */
	static const uint8_t tagged[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x09};
	json_t *o = json_object(), *quote, *value;
	struct envelope e = {.tee = slice_text("sgx")};
	struct dice_evidence d;
	struct slice ext;
	const char *key;
	struct cert c;

	if (cert_read(der, &c, NULL) != OK)
		return o;
	if (cert_extension(&c, slice_of(tagged, sizeof tagged), &ext) && dice_evidence_read(ext, &d, NULL) == OK) {
		e.evidence = d.quote;
		quote = dcap_facts_json(&e);
		json_object_set_new(o, "claims", claim_names(d.claims));
		json_object_set(o, "fmspc", json_object_get(quote, "fmspc"));
		json_object_foreach(json_object_get(quote, "body"), key, value) json_object_set(o, key, value);
		json_decref(quote);
	}
	cert_free(&c);
	return o;
}

static enum outcome ratls_case(struct vector *c)
{
	json_t *opt = json_object_get(c->json, "opt");
	struct policy p = {0};
	struct dcap_rules *rules[] = {&p.sgx, &p.tdx};
	uint8_t nonce_bytes[256];
	struct slice nonce = slice_of(nonce_bytes, case_hex(case_text(opt, "nonce"), nonce_bytes, sizeof nonce_bytes));
	struct ratls_input in = {.cert = case_file(c, "cert"), .policy = &p, .at = case_at(c)};
	struct slice unused;
	struct verdict v;
	enum outcome o;

	for (size_t i = 0; i < ARRAY_COUNT(rules); i++)
		dcap_demands(c, rules[i], opt, &unused);
	if (json_object_get(opt, "nonce") != NULL)
		in.nonce = &nonce;
	ratls_verify(&in, &v);
	o = case_compare(c, &v);
	return o != PASSED || !v.ok ? o : case_facts(c, ratls_facts(in.cert));
}

/* ---- tables ---- */

static const struct kind kinds[] = {
        {"ratls", ratls_case},
        {NULL, NULL},
};

static const struct reason reasons[] = {
        {"self-signature", "ratls.cert.read ratls.cert.signature"},
        {"cert-time", "ratls.cert.time"},
        {"evidence-missing", "ratls.evidence.read"},
        {"evidence-trailing", "ratls.evidence.read"},
        {"evidence-tag", "ratls.evidence.read"},
        {"claims", "ratls.evidence.read"},
        {"pubkey-hash-algorithm", "ratls.evidence.read"},
        {"pubkey-hash", "ratls.evidence.key ratls.evidence.read"},
        {"nonce", "ratls.evidence.nonce"},
        {"report-data", "dcap.report_data"},
        {NULL, NULL},
};

const struct kind_set ratls_set = {kinds, reasons};
