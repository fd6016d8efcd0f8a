/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/policy_draft.h"

#include "client/attest/amd.h"
#include "client/attest/enarx.h"
#include "client/attest/p256.h"
#include "client/attest/sev.h"
#include "client/attest/sev_key.h"
#include "lib/attest/cca_token.h"
#include "lib/attest/dice.h"
#include "lib/attest/hcl.h"
#include "lib/attest/nitro_doc.h"
#include "lib/attest/pck_ext.h"
#include "lib/base/hex.h"

#include <stdlib.h>

/* ---- lines ---- */

struct draft {
	FILE *f;
	const char *tee; /* what the `tee` line names */
	const struct collateral *c;
	struct note *n;
};

static void list(const struct draft *d, bool comment, const char *key, struct slice value, const char *why)
{
	char hex[2 * 64 + 1];

	if (value.size > 64)
		return;
	hex_encode(value, hex);
	fprintf(d->f, "%s%s = [\"%s\"]%s%s\n", comment ? "# " : "", key, hex, why[0] != 0 ? " # " : "", why);
}

static void flag(const struct draft *d, const char *key, bool set, const char *why)
{
	fprintf(d->f, "%s = %s%s%s\n", key, set ? "true " : "false", set ? " # ! " : "", set ? why : "");
}

static void head(const struct draft *d)
{
	fprintf(d->f,
	        "# A draft from what one piece of evidence says of itself; nobody has judged it yet. Read it, compare "
	        "the\n"
	        "# measurements with your own build, and see what it lets through: broch policy check FILE\n"
	        "tee = [%s]\n",
	        d->tee);
}

/* ---- AMD ---- */

static const struct snp_product_info *product_of(const struct snp_report *r)
{
	for (unsigned i = 0; i < SNP_SOFT; i++)
		if (snp_product_has_cpu(&snp_products[i], r->cpu_family, r->cpu_model))
			return &snp_products[i];
	return NULL;
}

static void snp_minimum(const struct draft *d, const struct snp_report *r, const struct snp_product_info *p)
{
	struct snp_tcb t = snp_tcb_of(r->reported_tcb, p != NULL ? p->form : SNP_TCB_MILAN);

	fprintf(d->f,
	        "\n# What the platform reported: the same or newer.\n[snp.minimum_tcb]\nboot_loader = %u\ntee = "
	        "%u\nsnp = %u\n"
	        "microcode = %u\n",
	        t.part[SNP_TCB_BOOT_LOADER], t.part[SNP_TCB_TEE], t.part[SNP_TCB_SNP], t.part[SNP_TCB_MICROCODE]);
	if (p != NULL && p->form == SNP_TCB_TURIN)
		fprintf(d->f, "fmc = %u\n", t.part[SNP_TCB_FMC]);
}

static void snp_table(const struct draft *d, const struct snp_report *r)
{
	const struct snp_product_info *p = product_of(r);
	const struct {
		const char *key;
		struct slice value;
	} pins[] = {{"host_data", r->host_data},
	            {"id_keys", r->id_key_digest},
	            {"author_keys", r->author_key_digest},
	            {"family_ids", r->family_id},
	            {"image_ids", r->image_id}};

	fprintf(d->f, "\n[snp]\n");
	if (p != NULL)
		fprintf(d->f, "products = [\"%s\"]\n", p->name);
	else
		fprintf(d->f, "products = [\"Milan\", \"Genoa\"] # the report does not say; keep the one you mean\n");
	fprintf(d->f, "keys = [\"%s\"]\nvmpl = %u\n", r->signing_key == SNP_KEY_VLEK ? "vlek" : "vcek",
	        (unsigned)(r->vmpl & 3));
	flag(d, "debug", (r->policy & SNP_POLICY_DEBUG) != 0, "the host may read the guest's memory");
	flag(d, "migration", (r->policy & SNP_POLICY_MIGRATE) != 0, "a migration agent may take the guest away");
	flag(d, "smt", (r->policy & SNP_POLICY_SMT) != 0, "sibling threads may share a core with the guest");
	flag(d, "masked_chip_id", slice_is_zero(r->chip_id), "the machine hides which one it is");
	fprintf(d->f, "crl = \"required\"\n");
	for (size_t i = 0; i < ARRAY_COUNT(pins); i++)
		if (!slice_is_zero(pins[i].value))
			list(d, strcmp(pins[i].key, "host_data") == 0, pins[i].key, pins[i].value, "");
	snp_minimum(d, r, p);
}

static enum err snp(const struct draft *d, struct slice report)
{
	struct snp_report r;

	TRY(snp_report_parse(report, &r, d->n));
	head(d);
	list(d, false, "measurements", r.measurement, "the launch digest");
	if (!slice_is_zero(r.chip_id))
		list(d, true, "platform_ids", r.chip_id, "only this machine");
	snp_table(d, &r);
	return OK;
}

static enum err soft(const struct draft *d, struct slice report)
{
	struct snp_report r;

	TRY(snp_report_parse(report, &r, d->n));
	head(d);
	list(d, false, "measurements", r.measurement, "the launch digest");
	fprintf(d->f, "\n[soft] # a software stand-in: it proves nothing about the host\nroot = \"local\"\n");
	return OK;
}

/* ---- Intel ---- */

static void platform(const struct draft *d, const struct quote *q)
{
	struct cert_list l = {.count = 0};
	struct slice value;
	struct pck_ext ext;

	fprintf(d->f,
	        "tcb_statuses = [\"UpToDate\"] # broch verify says what the status is: add it if it is good enough\n"
	        "# advisories = [\"INTEL-SA-00615\"]\n"
	        "collateral_max_age = \"30d\"\n");
	if (q->cert_type != QUOTE_CERT_PCK_CHAIN || cert_list_read(q->cert_data, &l, NULL) != OK)
		return;
	if (cert_extension(&l.cert[0], pck_ext_oid, &value) && pck_ext_parse(value, &ext, NULL) == OK) {
		list(d, true, "fmspcs", ext.fmspc, "only this kind of platform");
		list(d, true, "ppids", ext.ppid, "only this machine");
	}
	cert_list_free(&l);
}

static void sgx_table(const struct draft *d, const struct quote *q)
{
	const struct sgx_report *s = &q->sgx;

	fprintf(d->f, "\n[sgx]\n");
	list(d, false, "mrenclaves", s->mrenclave, "exactly this enclave; or who signed it:");
	list(d, true, "mrsigners", s->mrsigner, "");
	fprintf(d->f, "# product_id = %u\n# minimum_isv_svn = %u\n", s->prod_id, s->svn);
	if (!slice_is_zero(s->config_id))
		list(d, false, "config_ids", s->config_id, "");
	flag(d, "debug", (s->attributes.data[0] & SGX_ATTR_DEBUG) != 0, "the host can read and change all memory");
}

static void tdx_table(const struct draft *d, const struct quote *q)
{
	static const char *const rtmr[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
	const struct td_report *t = &q->td;
	const struct {
		const char *key;
		struct slice value;
	} pins[] = {{"mrconfigids", t->mrconfigid}, {"mrowners", t->mrowner}, {"mrownerconfigs", t->mrownerconfig}};

	fprintf(d->f, "\n[tdx]\n");
	list(d, false, "mrtds", t->mrtd, "the firmware");
	for (unsigned i = 0; i < 4; i++)
		list(d, false, rtmr[i], t->rtmr[i], slice_is_zero(t->rtmr[i]) ? "nothing was measured into it" : "");
	fprintf(d->f, "# rtmrs_free = [3] # instead of a line above: any value\n");
	for (size_t i = 0; i < ARRAY_COUNT(pins); i++)
		if (!slice_is_zero(pins[i].value))
			list(d, false, pins[i].key, pins[i].value, "");
	flag(d, "debug", (t->attributes & TD_ATTR_UNTRUSTED) != 0, "the host can read and change all memory");
	flag(d, "migration", (t->attributes & TD_ATTR_MIGRATABLE) != 0, "a migration TD may take it away");
	flag(d, "service_td", !slice_is_zero(t->mrservicetd), "a service TD may act on it");
}

static enum err quote_tables(const struct draft *d, struct slice bytes, bool with_head)
{
	struct draft inner = *d;
	struct quote q;

	TRY(quote_parse(bytes, &q, d->n));
	inner.tee = q.body == QUOTE_BODY_SGX ? "\"sgx\"" : "\"tdx\"";
	if (with_head)
		head(&inner);
	if (q.body == QUOTE_BODY_SGX)
		sgx_table(d, &q);
	else
		tdx_table(d, &q);
	platform(d, &q);
	return OK;
}

/* ---- the others ---- */

static enum err nitro(const struct draft *d, struct slice bytes)
{
	static const struct {
		unsigned pcr;
		const char *what;
	} known[] = {{1, "kernel and boot"},
	             {2, "application"},
	             {3, "IAM role"},
	             {4, "id of the instance"},
	             {8, "who signed the image"}};
	struct nitro_doc doc;
	char key[8];

	TRY(nitro_doc_parse(bytes, &doc, d->n));
	head(d);
	fprintf(d->f, "\n[nitro]\n");
	list(d, false, "pcr0", doc.pcrs[0], "the image");
	for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
		if (doc.pcrs[known[i].pcr].size == 0 || slice_is_zero(doc.pcrs[known[i].pcr]))
			continue;
		snprintf(key, sizeof key, "pcr%u", known[i].pcr % 100);
		list(d, known[i].pcr > 2, key, doc.pcrs[known[i].pcr], known[i].what);
	}
	flag(d, "debug", slice_is_zero(doc.pcrs[0]), "the console is read from outside, and nothing is measured");
	return OK;
}

static enum err csr(const struct draft *d, struct slice bytes)
{
	struct enarx_csr r;

	TRY(enarx_csr_read(bytes, &r, d->n));
	return r.sgx ? quote_tables(d, r.quote, true) : snp(d, r.report);
}

static void vtpm_table(const struct draft *d)
{
	static const unsigned worth[] = {0, 2, 4, 7, 9, 11};
	uint8_t pcrs[24][32];
	char key[8];

	fprintf(d->f, "\n[vtpm]\n");
	if (d->c == NULL || !collateral_pcrs(d->c, pcrs)) {
		fprintf(d->f, "pcr4 = [\"<64 hex digits>\"] # the boot loader; give --collateral to have the values "
		              "filled in\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_COUNT(worth); i++) {
		snprintf(key, sizeof key, "pcr%u", worth[i] % 100);
		list(d, slice_is_zero(slice_of(pcrs[worth[i]], 32)), key, slice_of(pcrs[worth[i]], 32), "");
	}
}

static enum err cca(const struct draft *d, struct slice bytes)
{
	static const char *const rem[] = {"rem0", "rem1", "rem2", "rem3"};
	struct cca_token *t = calloc(1, sizeof *t);
	enum err err = t == NULL ? ERR_NOMEM : cca_token_parse(bytes, t, d->n);
	char hex[2 * 64 + 1];

	if (err != OK) {
		free(t);
		return err;
	}
	head(d);
	fprintf(d->f, "\n[cca]\nplatform_keys = [\"<file of a JWK>\"] # from whoever endorses the platform\n");
	list(d, false, "initial_measurements", t->realm.initial, "the realm's initial image");
	for (unsigned i = 0; i < CCA_EXTENSIBLE_COUNT; i++)
		list(d, false, rem[i], t->realm.extensible[i],
		     slice_is_zero(t->realm.extensible[i]) ? "nothing was measured into it" : "");
	fprintf(d->f, "software = [ # the firmware of the platform\n");
	for (size_t i = 0; i < t->platform.component_count; i++) {
		hex_encode(t->platform.components[i].measurement, hex);
		fprintf(d->f, "    \"%s\",\n", hex);
	}
	fprintf(d->f, "]\n");
	list(d, true, "implementation_ids", t->platform.implementation, "only this kind of platform");
	list(d, true, "instance_ids", t->platform.instance, "only this machine");
	flag(d, "unsecured", t->platform.lifecycle < 0x3000 || t->platform.lifecycle > 0x30ff,
	     "no secret is safe there");
	free(t);
	return OK;
}

static enum err vtpm(struct draft *d, struct slice bytes)
{
	const struct collateral_piece *td = d->c != NULL ? collateral_first(d->c, COLLATERAL_TD_QUOTE) : NULL;
	struct hcl_report hcl;
	struct snp_report r;

	TRY(hcl_report_parse(bytes, &hcl, d->n));
	if (hcl.type != HCL_SNP) {
		if (td == NULL)
			return refuse(d->n, ERR_NOT_FOUND,
			              "the TD quote that goes with it is needed: give --collateral");
		d->tee = "\"vtpm\", \"tdx\"";
		head(d);
		vtpm_table(d);
		return quote_tables(d, td->bytes, false);
	}
	TRY(snp_report_parse(hcl.hardware, &r, d->n));
	d->tee = "\"vtpm\", \"snp\"";
	head(d);
	list(d, false, "measurements", r.measurement, "the paravisor");
	vtpm_table(d);
	snp_table(d, &r);
	return OK;
}

/* ---- SEV, PEF ---- */

static void sev_flags(const struct draft *d, uint32_t policy)
{
	flag(d, "debug", (policy & SEV_POLICY_NODBG) == 0, "the host can read all memory");
	flag(d, "key_sharing", (policy & SEV_POLICY_NOKS) == 0, "other guests may have its key");
	flag(d, "migration", (policy & SEV_POLICY_NOSEND) == 0, "it may be sent to another platform");
}

/* Of a certificate: what the rules pin is its key. */
static void sev_key_line(const struct draft *d, const char *key, struct slice cert, const char *why)
{
	uint8_t digest[SPKI_DIGEST_SIZE];
	struct sev_cert c;
	EVP_PKEY *k = sev_cert_parse(cert, &c) == OK ? sev_cert_key(&c) : NULL;

	if (k != NULL && sev_spki(k, digest))
		list(d, true, key, slice_of(digest, sizeof digest), why);
	EVP_PKEY_free(k);
}

static enum err sev_platform(const struct draft *d, struct slice bytes)
{
	struct slice certs[SEV_LINK_COUNT];
	struct sev_cert pek;

	if (!sev_chain_split(bytes, certs) || sev_cert_parse(certs[SEV_LINK_PEK], &pek) != OK)
		return refuse(d->n, ERR_FORMAT, "no certificates of an SEV platform");
	head(d);
	fprintf(d->f, "\n[sev]\ndigests = [\"<64 hex digits>\"] # `broch measure` prints them\n"
	              "minimum_firmware = \"%u.%u.0\"\n",
	        pek.api_major, pek.api_minor);
	sev_flags(d, UINT32_MAX);
	sev_key_line(d, "ceks", certs[SEV_LINK_CEK], "only this machine");
	sev_key_line(d, "ocas", certs[SEV_LINK_OCA], "only this owner's");
	return OK;
}

static enum err sev_report(struct draft *d, struct slice bytes)
{
	struct sev_report r;

	if (sev_report_parse(bytes, &r) != OK)
		return refuse(d->n, ERR_FORMAT, "no report of an SEV platform");
	d->tee = (r.policy & SEV_POLICY_ES) != 0 ? "\"sev-es\"" : "\"sev\"";
	head(d);
	fprintf(d->f, "\n[sev]\n");
	list(d, false, "digests", r.digest, "what was launched");
	fprintf(d->f, "minimum_firmware = \"0.0.0\" # the report does not say it\n");
	sev_flags(d, r.policy);
	return OK;
}

static enum err envelope(struct draft *d, struct slice bytes)
{
	struct envelope e;

	TRY(envelope_decode(bytes, &e, d->n));
	if (slice_is(e.tee, "soft-snp")) {
		d->tee = "\"soft\"";
		return soft(d, e.evidence);
	}
	if (slice_is(e.tee, "snp"))
		return snp(d, e.evidence);
	if (slice_is(e.tee, "sgx") || slice_is(e.tee, "tdx"))
		return quote_tables(d, e.evidence, true);
	return refuse(d->n, ERR_UNSUPPORTED, "no policy can be made for this TEE");
}

/* A Keep's certificate carries an envelope, others a quote. */
static enum err carried(struct draft *d, struct slice evidence)
{
	struct envelope e;

	if (evidence.size == 0)
		return refuse(d->n, ERR_FORMAT, "the certificate carries no evidence");
	if (envelope_decode(evidence, &e, NULL) == OK)
		return envelope(d, evidence);
	return quote_tables(d, evidence, true);
}

static enum err ratls(struct draft *d, struct slice bytes)
{
	struct cert c;
	enum err err;

	TRY(cert_read(bytes, &c, d->n));
	err = carried(d, evidence_quote_in(&c));
	cert_free(&c);
	return err;
}

enum err policy_draft(FILE *f, const struct evidence *e, const struct collateral *c, struct note *n)
{
	struct draft d = {f, "\"snp\"", c, n};

	switch (e->kind) {
	case EVIDENCE_ENVELOPE: return envelope(&d, e->bytes);
	case EVIDENCE_WORKLOAD: return envelope(&d, e->file.envelope);
	case EVIDENCE_SNP: return snp(&d, e->report);
	case EVIDENCE_QUOTE: return quote_tables(&d, e->bytes, true);
	case EVIDENCE_NITRO: d.tee = "\"nitro\""; return nitro(&d, e->bytes);
	case EVIDENCE_RATLS: return ratls(&d, e->bytes);
	case EVIDENCE_ENARX_CSR: return csr(&d, e->bytes);
	case EVIDENCE_VTPM: return vtpm(&d, e->bytes);
	case EVIDENCE_CCA: d.tee = "\"cca\""; return cca(&d, e->bytes);
	case EVIDENCE_SEV_PLATFORM: d.tee = "\"sev-es\""; return sev_platform(&d, e->bytes);
	case EVIDENCE_SEV_REPORT: return sev_report(&d, e->bytes);
	case EVIDENCE_SEV_LAUNCH:
		return refuse(n, ERR_UNSUPPORTED,
		              "a launch measurement does not say what was launched: begin with broch policy init --tee sev");
	case EVIDENCE_PEF:
		return refuse(n, ERR_UNSUPPORTED,
		              "an ESM blob is sealed: begin with broch policy init --tee pef, and broch pef check prints "
		              "the digests");
	case EVIDENCE_KIND_COUNT: break;
	}
	return ERR_UNSUPPORTED;
}
