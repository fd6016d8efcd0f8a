/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence inside something else: Enarx certificate requests. */
#include "test/attest/kinds.h"

#include "client/attest/dcap.h"
#include "client/attest/enarx.h"
#include "lib/attest/quote.h"

/* ---- Enarx certificate requests ---- */

/* What the request says of its evidence is told from above, what the evidence says from below. */
static json_t *enarx_facts(const struct enarx_csr *csr, struct slice root)
{
	struct envelope e = {.evidence = csr->quote, .collateral = {{slice_text("tcb_info"), csr->tcb_info}}, .collateral_count = 1};
	json_t *o, *quote, *body;
	const char *key;
	json_t *value;

	if (!csr->sgx) {
		o = snp_facts(csr->report, root, csr->vcek);
		fact_text(o, "kind", slice_text("snp"));
		return o;
	}
	quote = dcap_facts_json(&e);
	body = json_object_get(quote, "body");
	o = json_object();
	fact_text(o, "kind", slice_text("sgx"));
	json_object_foreach(body, key, value) json_object_set(o, key, value);
	json_object_set(o, "fmspc", json_object_get(quote, "fmspc"));
	json_object_set(o, "advisories", json_object_get(quote, "advisories"));
	json_object_set(o, "tcb_status", json_object_get(quote, "platform_status"));
	json_decref(quote);
	return o;
}

static void enarx_sgx_demands(struct dcap_rules *r, json_t *opt)
{
	r->accepted = r->any_advisory = r->any_measurement = r->no_qe_identity = true;
	r->debug = case_option(opt, "allow_debug", false);
	r->statuses = UINT32_MAX & ~(1u << TCB_REVOKED);
	r->roots = intel_roots;
	r->root_count = INTEL_ROOT_COUNT;
}

static enum outcome enarx_case(struct vector *c)
{
	struct policy p = {0};
	struct snp_root_pin pin = {0};
	struct enarx_input in = {.csr = case_file(c, "csr"),
	                         .ark = case_file(c, "root"),
	                         .policy = &p,
	                         .at = case_at(c)};
	struct enarx_csr csr;
	struct verdict v;
	enum outcome o;

	if (enarx_csr_read(in.csr, &csr, NULL) != OK)
		csr = (struct enarx_csr){.sgx = false};
	in.ask = case_issuer(c, csr.vcek);
	snp_demands(&p, json_object_get(json_object_get(c->json, "opt"), "snp"));
	snp_pin_root(in.ark, &pin);
	enarx_sgx_demands(&p.sgx, json_object_get(json_object_get(c->json, "opt"), "sgx"));
	p.snp.roots = &pin;
	p.snp.root_count = 1;
	enarx_csr_verify(&in, &v);
	snp_demands_free(&p);
	o = case_compare(c, &v);
	if (o != PASSED || !v.ok)
		return o;
	return case_facts(c, enarx_facts(&csr, in.ark));
}

/* ---- tables ---- */

static const struct kind kinds[] = {
	{"enarx_csr", enarx_case},
	{NULL, NULL},
};

static const struct reason reasons[] = {
	{"csr-signature", "enarx.csr.signature"},
	{"csr-trailing", "enarx.csr.read"},
	{"csr-evidence-count", "enarx.csr.read"},
	{"csr-evidence-kind", "enarx.csr.read"},
	{"key-binding", "snp.report_data"},
	{NULL, NULL},
};

const struct kind_set misc_set = {kinds, reasons};
