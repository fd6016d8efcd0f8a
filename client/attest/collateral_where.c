/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/collateral_where.h"

#include "client/attest/amd.h"
#include "client/attest/enarx.h"
#include "client/attest/p256.h"
#include "lib/attest/hcl.h"
#include "lib/attest/pck_ext.h"
#include "lib/base/hex.h"

#include <stdarg.h>
#include <stdio.h>

static const char amd_base[] = "https://kdsintf.amd.com", intel_base[] = "https://api.trustedservices.intel.com",
                  intel_root_base[] = "https://certificates.trustedservices.intel.com";

struct asking {
	const struct where_wish *wish;
	struct where_list *out;
	struct note *n;
};

PRINTF_LIKE(5, 6)
static enum err add(struct asking *a, const char *base, const char *file, const char *header, const char *fmt, ...)
{
	struct where *w;
	va_list args;
	int used, path;

	if (a->out->count == WHERE_MAX)
		return ERR_LIMIT;
	w = &a->out->at[a->out->count];
	used = snprintf(w->url, sizeof w->url, "%s", a->wish->base != NULL ? a->wish->base : base);
	if (used < 0 || (size_t)used >= sizeof w->url)
		return refuse(a->n, ERR_LIMIT, "the base address is too long");
	va_start(args, fmt);
	path = vsnprintf(w->url + used, sizeof w->url - (size_t)used, fmt, args);
	va_end(args);
	if (path < 0 || (size_t)path >= sizeof w->url - (size_t)used)
		return refuse(a->n, ERR_LIMIT, "the base address is too long");
	snprintf(w->file, sizeof w->file, "%s", file);
	w->chain_header = header;
	a->out->count++;
	return OK;
}

/* ---- AMD ---- */

static const struct snp_product_info *product_of(const struct asking *a, const struct snp_report *r)
{
	for (unsigned i = 0; i < SNP_SOFT; i++) {
		if (a->wish->product != NULL && strcmp(a->wish->product, snp_products[i].name) == 0)
			return &snp_products[i];
		if (a->wish->product == NULL && snp_product_has_cpu(&snp_products[i], r->cpu_family, r->cpu_model))
			return &snp_products[i];
	}
	return NULL;
}

static enum err vcek(struct asking *a, const struct snp_report *r, const struct snp_product_info *p)
{
	const struct snp_tcb t = snp_tcb_of(r->reported_tcb, p->form);
	char hwid[2 * SNP_CHIP_ID_SIZE + 1], fmc[16] = "";

	if (slice_is_zero(r->chip_id))
		return refuse(a->n, ERR_FORMAT,
		              "the report hides which chip it is from (MASK_CHIP_ID): only the host can give its "
		              "certificate");
	hex_encode(slice_of(r->chip_id.data, p->hwid_size), hwid);
	if (p->form == SNP_TCB_TURIN)
		snprintf(fmc, sizeof fmc, "fmcSPL=%u&", t.part[SNP_TCB_FMC]);
	return add(a, amd_base, "vcek.der", NULL, "/vcek/v1/%s/%s?%sblSPL=%u&teeSPL=%u&snpSPL=%u&ucodeSPL=%u", p->name,
	           hwid, fmc, t.part[SNP_TCB_BOOT_LOADER], t.part[SNP_TCB_TEE], t.part[SNP_TCB_SNP],
	           t.part[SNP_TCB_MICROCODE]);
}

static enum err where_snp(struct asking *a, struct slice report)
{
	const struct snp_product_info *p;
	struct snp_report r;
	const char *key;

	TRY(snp_report_parse(report, &r, a->n));
	p = product_of(a, &r);
	if (p == NULL)
		return refuse(a->n, ERR_FORMAT,
		              "the report does not say from which product it is: give --product Milan, Genoa or Turin");
	key = r.signing_key == SNP_KEY_VLEK ? "vlek" : "vcek";
	/* A VLEK is given to its cloud provider alone. */
	if (r.signing_key != SNP_KEY_VLEK)
		TRY(vcek(a, &r, p));
	TRY(add(a, amd_base, "cert_chain.pem", NULL, "/%s/v1/%s/cert_chain", key, p->name));
	return add(a, amd_base, "crl.der", NULL, "/%s/v1/%s/crl", key, p->name);
}

/* ---- Intel ---- */

static enum err intel(struct asking *a, const struct cert_list *chain, bool tdx)
{
	const char *tee = tdx ? "tdx" : "sgx", *ca = NULL;
	char fmspc[2 * PCK_FMSPC_SIZE + 1];
	struct slice value;
	struct pck_ext ext;

	if (!cert_extension(&chain->cert[0], pck_ext_oid, &value) || pck_ext_parse(value, &ext, a->n) != OK)
		return refuse(a->n, ERR_FORMAT, "the PCK certificate does not say which platform it is of");
	for (size_t i = 0; i < chain->count; i++) {
		if (strcmp(chain->cert[i].cn, "Intel SGX PCK Platform CA") == 0)
			ca = "platform";
		if (strcmp(chain->cert[i].cn, "Intel SGX PCK Processor CA") == 0)
			ca = "processor";
	}
	if (ca == NULL)
		return refuse(a->n, ERR_FORMAT, "the quote's chain has neither Platform CA nor Processor CA");
	hex_encode(ext.fmspc, fmspc);
	TRY(add(a, intel_base, "tcb_info.json", "TCB-Info-Issuer-Chain", "/%s/certification/v4/tcb?fmspc=%s", tee,
	        fmspc));
	TRY(add(a, intel_base, "qe_identity.json", "SGX-Enclave-Identity-Issuer-Chain",
	        "/%s/certification/v4/qe/identity", tee));
	TRY(add(a, intel_base, "pck_crl.der", "SGX-PCK-CRL-Issuer-Chain",
	        "/sgx/certification/v4/pckcrl?ca=%s&encoding=der", ca));
	return add(a, intel_root_base, "root_ca_crl.der", NULL, "/IntelSGXRootCA.der");
}

static enum err where_quote(struct asking *a, struct slice bytes)
{
	struct cert_list chain = {.count = 0};
	struct quote q;
	enum err err;

	TRY(quote_parse(bytes, &q, a->n));
	if (q.cert_type != QUOTE_CERT_PCK_CHAIN)
		return refuse(a->n, ERR_FORMAT,
		              "the quote does not bring its PCK certificate: only the platform's owner can ask for it");
	TRY(cert_list_read(q.cert_data, &chain, a->n));
	err = intel(a, &chain, q.body != QUOTE_BODY_SGX);
	cert_list_free(&chain);
	return err;
}

/* ---- whatever it is ---- */

static enum err where_envelope(struct asking *a, struct slice bytes)
{
	struct envelope e;

	TRY(envelope_decode(bytes, &e, a->n));
	if (slice_is(e.tee, "snp"))
		return where_snp(a, e.evidence);
	if (slice_is(e.tee, "sgx") || slice_is(e.tee, "tdx"))
		return where_quote(a, e.evidence);
	return refuse(a->n, ERR_UNSUPPORTED, "no vendor gives out anything for this TEE");
}

static enum err where_ratls(struct asking *a, struct slice bytes)
{
	struct slice carried;
	struct envelope e; /* a Keep's */
	struct cert c;
	enum err err;

	TRY(cert_read(bytes, &c, a->n));
	carried = evidence_quote_in(&c);
	err = envelope_decode(carried, &e, NULL) == OK ? where_envelope(a, carried) : where_quote(a, carried);
	cert_free(&c);
	return err;
}

static enum err where_csr(struct asking *a, struct slice bytes)
{
	struct enarx_csr csr;

	TRY(enarx_csr_read(bytes, &csr, a->n));
	return csr.sgx ? where_quote(a, csr.quote) : where_snp(a, csr.report);
}

static enum err where_vtpm(struct asking *a, struct slice bytes, const struct collateral *c)
{
	const struct collateral_piece *td = c != NULL ? collateral_first(c, COLLATERAL_TD_QUOTE) : NULL;
	struct hcl_report hcl;

	TRY(hcl_report_parse(bytes, &hcl, a->n));
	if (hcl.type == HCL_SNP)
		return where_snp(a, hcl.hardware);
	if (td == NULL)
		return refuse(a->n, ERR_FORMAT, "the TD quote says what is needed: put it into the folder first");
	return where_quote(a, td->bytes);
}

enum err collateral_where(const struct evidence *e, const struct collateral *c, const struct where_wish *wish,
                          struct where_list *out, struct note *n)
{
	struct asking a = {wish, out, n};

	out->count = 0;
	switch (e->kind) {
	case EVIDENCE_ENVELOPE: return where_envelope(&a, e->bytes);
	case EVIDENCE_WORKLOAD: return where_envelope(&a, e->file.envelope);
	case EVIDENCE_SNP: return where_snp(&a, e->report);
	case EVIDENCE_QUOTE: return where_quote(&a, e->bytes);
	case EVIDENCE_RATLS: return where_ratls(&a, e->bytes);
	case EVIDENCE_ENARX_CSR: return where_csr(&a, e->bytes);
	case EVIDENCE_VTPM: return where_vtpm(&a, e->bytes, c);
	case EVIDENCE_NITRO: return refuse(n, ERR_UNSUPPORTED, "a Nitro document brings everything itself");
	case EVIDENCE_CCA:
		return refuse(n, ERR_UNSUPPORTED, "the key of a CCA platform comes from whoever endorses it, into the policy");
	case EVIDENCE_SEV_PLATFORM:
	case EVIDENCE_SEV_REPORT:
	case EVIDENCE_SEV_LAUNCH:
		return refuse(n, ERR_UNSUPPORTED, "an SEV platform exports its certificates itself, with AMD's");
	case EVIDENCE_PEF: return refuse(n, ERR_UNSUPPORTED, "an ESM blob needs nothing but a recipient's key");
	case EVIDENCE_KIND_COUNT: break;
	}
	return ERR_UNSUPPORTED;
}
