/* SPDX-License-Identifier: Apache-2.0 */
/* RA-TLS certificates. */
#include "test/attest/kinds.h"

#include "client/attest/dcap.h"
#include "client/attest/ratls.h"

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

	for (size_t i = 0; i < ARRAY_COUNT(rules); i++)
		dcap_demands(c, rules[i], opt, &unused);
	if (json_object_get(opt, "nonce") != NULL)
		in.nonce = &nonce;
	ratls_verify(&in, &v);
	return case_compare(c, &v);
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
