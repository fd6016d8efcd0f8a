/* SPDX-License-Identifier: Apache-2.0 */
/* Confidential VMs of Azure: hardware evidence wrapped by a vTPM. */
#include "test/attest/kinds.h"

#include "client/attest/dcap.h"
#include "client/attest/vtpm.h"
#include "client/attest/x509.h"
#include "lib/attest/hcl.h"
#include "lib/attest/pck_ext.h"
#include "lib/attest/snp_report.h"
#include "lib/base/hex.h"

#include <stdio.h>
#include <stdlib.h>

/* A list of hex texts. */
static bool pcrs_load(struct vector *c, uint8_t pcrs[VTPM_PCRS][32])
{
	struct slice text = case_file(c, "pcrs");
	json_t *list = text.size > 0 ? json_loadb((const char *)text.data, text.size, 0, NULL) : NULL;

	/* What is damaged on purpose is other values. */
	memset(pcrs, 0, VTPM_PCRS * sizeof *pcrs);
	for (size_t i = 0; i < VTPM_PCRS; i++) {
		const char *hex = json_string_value(json_array_get(list, i));

		if (hex == NULL || hex_decode(slice_text(hex), pcrs[i], sizeof pcrs[i]) != OK)
			memset(pcrs[i], 0, sizeof pcrs[i]);
	}
	json_decref(list);
	return text.size > 0;
}

/* [bank, [PCR, ...]]; the TPM was asked for one bank. */
static json_t *selection(const struct tpm_quote *q)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < VTPM_PCRS; i++)
		if ((q->selected >> i & 1) != 0)
			json_array_append_new(list, json_integer((json_int_t)i));
	return json_pack("[[i, o]]", q->bank, list);
}

static json_t *vtpm_facts(const struct vtpm_input *in, const struct hcl_report *hcl, struct slice root, struct slice key)
{
	struct envelope e = {.tee = slice_text("tdx"), .evidence = in->td_quote};
	json_t *o = hcl->type == HCL_SNP ? snp_facts(hcl->hardware, root, key) : dcap_facts_json(&e);
	struct tpm_quote q;

	if (hcl->type == HCL_TDX)
		fact_hex(o, "mr_td", hcl->mrtd);
	if (tpm_quote_parse(in->message, &q, NULL) == OK) {
		fact_hex(o, "nonce", q.extra);
		fact_hex(o, "pcr_digest", q.digest);
		json_object_set_new(o, "selection", selection(&q));
	}
	return o;
}

static enum outcome hcl_case(struct vector *c)
{
	static uint8_t pcrs[VTPM_PCRS][32];
	json_t *opt = json_object_get(c->json, "opt");
	struct policy p = {0};
	struct snp_root_pin pin = {0};
	uint8_t nonce_bytes[128];
	struct slice nonce = slice_of(nonce_bytes, case_hex(case_text(opt, "nonce"), nonce_bytes, sizeof nonce_bytes));
	struct slice root = case_file(c, "root"), key = case_file(c, "ek"), unused;
	struct envelope e = {.collateral = {{slice_text("ark"), root},
	                                    {slice_text("ask"), case_issuer(c, key)},
	                                    {slice_text("vcek"), key},
	                                    {slice_text("crl"), case_file(c, "crl")}}};
	struct vtpm_input in = {.hcl = case_file(c, "hcl"),
	                        .message = case_file(c, "tpm_msg"),
	                        .signature = case_file(c, "tpm_sig"),
	                        .pcrs = pcrs_load(c, pcrs) ? (const uint8_t(*)[32])pcrs : NULL,
	                        .nonce = json_object_get(opt, "nonce") != NULL ? &nonce : NULL,
	                        .td_quote = case_file(c, "quote"),
	                        .collateral = e.collateral,
	                        .policy = &p,
	                        .at = case_at(c)};
	struct hcl_report hcl;
	struct verdict v;
	enum outcome o;

	if (root.size > 0)
		e.collateral_count = e.collateral[3].value.size > 0 ? 4 : 3;
	else
		dcap_collateral_of(c, json_object_get(opt, "tdx"), &e);
	in.collateral_count = e.collateral_count;
	snp_demands(&p, json_object_get(opt, "snp"));
	dcap_demands(c, &p.tdx, json_object_get(opt, "tdx"), &unused);
	snp_pin_root(root, &pin);
	p.snp.roots = &pin;
	p.snp.root_count = 1;
	vtpm_verify(&in, &v);
	snp_demands_free(&p);
	o = case_compare(c, &v);
	if (o != PASSED || !v.ok || hcl_report_parse(in.hcl, &hcl, NULL) != OK)
		return o;
	return case_facts(c, vtpm_facts(&in, &hcl, root, key));
}

/* ---- tables ---- */

static const struct kind kinds[] = {
        {"hcl", hcl_case},
        {NULL, NULL},
};

static const struct reason reasons[] = {
        {"hcl-magic", "vtpm.hcl.read"},
        {"hcl-report-type", "vtpm.hcl.read"},
        {"hcl-hash-type", "vtpm.hcl.read"},
        {"hcl-overrun", "vtpm.hcl.read"},
        {"hcl-report-data", "vtpm.hcl.report_data"},
        {"hcl-akpub", "vtpm.ak.read"},
        {"tpm-signature", "vtpm.tpm.signature"},
        {"tpm-magic", "vtpm.tpm.read"},
        {"tpm-type", "vtpm.tpm.read"},
        {"tpm-trailing", "vtpm.tpm.read"},
        {"tpm-pcr-bank", "vtpm.tpm.bank"},
        {"tpm-pcr-digest", "vtpm.tpm.pcrs"},
        {"tpm-nonce", "vtpm.tpm.nonce"},
        {"td-quote-report-data", "vtpm.td.report_data"},
        {"td-quote-mrtd", "vtpm.td.mrtd"},
        {NULL, NULL},
};

const struct kind_set vtpm_set = {kinds, reasons};
