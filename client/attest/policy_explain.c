/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/policy_explain.h"

#include "client/attest/policy_rules.h"

#include <inttypes.h>
#include <stdarg.h>

enum { LINE_SIZE = 200, LINES_MAX = 160 };

struct line {
	bool warning;
	char text[LINE_SIZE];
};

struct lines {
	struct line line[LINES_MAX];
	size_t count;
};

PRINTF_LIKE(3, 4) static void say(struct lines *l, bool warning, const char *fmt, ...)
{
	va_list args;

	if (l->count == LINES_MAX)
		return;
	l->line[l->count].warning = warning;
	va_start(args, fmt);
	vsnprintf(l->line[l->count++].text, LINE_SIZE, fmt, args);
	va_end(args);
}

static void tolerance(struct lines *l, bool tolerated, const char *what)
{
	if (tolerated)
		say(l, true, "%s", what);
}

static void minimum(struct lines *l, const struct snp_rules *r, unsigned product)
{
	const struct snp_tcb *t = &r->minimum[product];
	const struct snp_tcb none = {{0}};
	bool any = snp_tcb_le(t, &none);

	say(l, any, "%s: TCB at least boot loader %u, TEE %u, SNP %u, microcode %u%s", snp_products[product].name,
	    t->part[SNP_TCB_BOOT_LOADER], t->part[SNP_TCB_TEE], t->part[SNP_TCB_SNP], t->part[SNP_TCB_MICROCODE],
	    any ? ": any firmware, also one with known holes" : "");
}

static void snp_lines(struct lines *l, const struct snp_rules *r)
{
	say(l, false, "AMD SEV-SNP, reports from VMPL %u, signed by a %s", r->vmpl,
	    r->vcek && r->vlek ? "VCEK or VLEK"
	    : r->vlek          ? "VLEK"
	                       : "VCEK");
	for (unsigned i = 0; i < SNP_SOFT; i++)
		if ((r->products >> i & 1) != 0)
			minimum(l, r, i);
	tolerance(l, r->debug, "guests that the host may debug: it can read and change all their memory");
	tolerance(l, r->migration, "guests that a migration agent may take away");
	tolerance(l, r->masked_chip_id, "machines that hide which one they are");
	tolerance(l, r->vlek, "a VLEK proves a cloud provider, not a machine");
	tolerance(l, r->smt, "guests that share cores with sibling threads");
	tolerance(l, r->roots != snp_amd_roots, "chains under a root of your own instead of AMD's");
	tolerance(l, !r->crl_required, "chains without a revocation list");
	for (unsigned i = 0; i < SNP_PIN_COUNT; i++)
		if (r->pins[i].count > 0)
			say(l, false, "%s: one of %zu", snp_pins[i].key, r->pins[i].count);
}

/* ---- Intel ---- */

static void pin_lines(struct lines *l, const struct dcap_rules *r)
{
	for (unsigned i = 0; i < DCAP_PIN_COUNT; i++)
		if (r->pins[i].count > 0)
			say(l, false, "%s: one of %zu", dcap_pins[i].key, r->pins[i].count);
}

static void status_line(struct lines *l, const struct dcap_rules *r, const char *tee)
{
	char text[LINE_SIZE - 40] = "";

	for (unsigned i = 0; i < TCB_STATUS_COUNT; i++)
		if ((r->statuses >> i & 1) != 0)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] != 0 ? ", " : "",
			         tcb_status_names[i]);
	say(l, false, "%s platforms that Intel calls %s", tee, text);
	tolerance(l, (r->statuses & (1u << TCB_OUT_OF_DATE | 1u << TCB_OUT_OF_DATE_CONFIGURATION)) != 0,
	          "platforms with firmware that is out of date: it has known holes");
	tolerance(l, (r->statuses & (1u << TCB_CONFIGURATION | 1u << TCB_CONFIGURATION_AND_SW_HARDENING)) != 0,
	          "platforms that may be configured unsafely (as with hyperthreading)");
}

static void dcap_lines(struct lines *l, const struct dcap_rules *r, const uint8_t (*own)[SPKI_DIGEST_SIZE],
                       const char *tee)
{
	status_line(l, r, tee);
	say(l, false,
	    "%s: the PCK revocation list and Intel's statements at most %" PRIu64 " days and %" PRIu64 " hours old",
	    tee, r->max_age_s / 86400, r->max_age_s % 86400 / 3600);
	if (r->evaluation_min > 0)
		say(l, false, "%s: statements of TCB evaluation %u or later", tee, (unsigned)r->evaluation_min);
	pin_lines(l, r);
	if (r->any_advisory)
		say(l, true, "%s platforms with any of Intel's advisories open", tee);
	else
		say(l, false, "%s: %zu advisories may be open", tee, r->advisories.count);
	if (r->debug)
		say(l, true, "%s debug mode: the host can read and change all memory", tee);
	if (r->roots == own)
		say(l, true, "%s under a root of your own instead of Intel's", tee);
	if (r->pins[DCAP_PIN_PPID].count + r->pins[DCAP_PIN_INSTANCE].count == 0)
		say(l, true, "any %s machine under the root, wherever it stands (ppids is not set)", tee);
}

static void sgx_lines(struct lines *l, const struct policy *p)
{
	const struct dcap_rules *r = &p->sgx;

	dcap_lines(l, r, (const uint8_t(*)[SPKI_DIGEST_SIZE])p->sgx_root, "SGX");
	if (r->prod_id_set)
		say(l, false, "SGX product %u, version (ISVSVN) %u or later", (unsigned)r->prod_id,
		    (unsigned)r->svn_min);
	if (r->pins[DCAP_PIN_MRENCLAVE].count == 0)
		say(l, r->svn_min == 0, "any enclave by these signers with this product number%s",
		    r->svn_min == 0 ? ", in any version, also ones with known holes" : "");
}

static void tdx_lines(struct lines *l, const struct policy *p)
{
	const struct dcap_rules *r = &p->tdx;

	dcap_lines(l, r, (const uint8_t(*)[SPKI_DIGEST_SIZE])p->tdx_root, "TDX");
	for (unsigned i = 0; i < 4; i++)
		if (r->pins[DCAP_PIN_RTMR0 + i].count == 0)
			say(l, true, "any value of RTMR%u: what is measured there (%s) may be anything", i,
			    i == 0   ? "firmware configuration"
			    : i == 1 ? "kernel or boot loader"
			    : i == 2 ? "kernel command line, initrd, system"
			             : "what the system measures while it runs");
	tolerance(l, r->migration, "TDs that a migration TD may take away");
	tolerance(l, r->service_td, "TDs that a service TD may act on");
	if (r->td_attributes != 0)
		say(l, false, "TD attributes with %016" PRIx64, r->td_attributes);
	if (r->xfam_limited)
		say(l, false, "XFAM within %016" PRIx64, r->xfam);
}

/* ---- registers ---- */

static void pcr_lines(struct lines *l, const struct digest_list *pcrs, unsigned count, const char *tee)
{
	for (unsigned i = 0; i < count; i++)
		if (pcrs[i].count > 0)
			say(l, false, "%s: PCR%u one of %zu", tee, i, pcrs[i].count);
}

static void nitro_lines(struct lines *l, const struct nitro_rules *r)
{
	say(l, false, "AWS Nitro Enclaves under %s", r->root_set ? "a root of your own" : "AWS's root G1");
	pcr_lines(l, r->pcrs, NITRO_RULE_PCRS, "Nitro");
	if (r->max_age_s > 0)
		say(l, false, "Nitro documents at most %" PRIu64 " s old", r->max_age_s);
	say(l, false, "Nitro: revocation lists %s", r->crl_required ? "of every authority" : "where they are given");
	tolerance(l, r->pcrs[0].count == 0, "any Nitro image that is signed by the certificate of PCR8");
	tolerance(l, r->debug, "Nitro enclaves in debug mode: their console is read from outside");
	tolerance(l, r->root_set, "Nitro documents that AWS did not sign");
}

static void vtpm_lines(struct lines *l, const struct vtpm_rules *r)
{
	say(l, false, "a vTPM whose key the hardware below vouches for");
	pcr_lines(l, r->pcrs, VTPM_RULE_PCRS, "vTPM");
	tolerance(l, r->any_pcrs, "any operating system behind the vTPM (any_pcrs)");
}

static void limit_lines(struct lines *l, const struct policy_limits *m)
{
	if (m->memory_bytes != 0)
		say(l, false, "memory up to %" PRIu64 " bytes", m->memory_bytes);
	if (m->wall_ns != 0)
		say(l, false, "%" PRIu64 " ms of time", m->wall_ns / 1000000);
	if (m->cpu_ns != 0)
		say(l, false, "%" PRIu64 " ms of processor time", m->cpu_ns / 1000000);
	if (m->open_files != 0)
		say(l, false, "%" PRIu64 " open files", m->open_files);
	if (m->file_bytes != 0)
		say(l, false, "%" PRIu64 " bytes of files", m->file_bytes);
}

static void cca_lines(struct lines *l, const struct cca_rules *r)
{
	say(l, false, "Arm CCA tokens of platforms with one of %zu keys", r->key_count);
	say(l, false, "initial_measurements: one of %zu", r->initial.count);
	for (unsigned i = 0; i < CCA_RULE_REMS; i++)
		if (r->rems[i].count > 0)
			say(l, false, "rem%u: one of %zu", i, r->rems[i].count);
		else
			say(l, true, "any value of REM%u: what the realm measured there may be anything", i);
	if (r->software.count > 0)
		say(l, false, "software of the platform: each one of %zu", r->software.count);
	tolerance(l, r->any_software, "CCA platforms with any firmware, also one with known holes (any_software)");
	tolerance(l, r->unsecured, "CCA platforms that are not secured: no secret is safe there");
	if (r->instances.count == 0)
		say(l, true, "any CCA platform with one of the keys (instance_ids is not set)");
}

static void sev_lines(struct lines *l, const struct sev_rules *r)
{
	say(l, false, "%s guests with one of %zu launch digests",
	    r->accepted && r->es_accepted ? "SEV and SEV-ES"
	    : r->accepted                 ? "SEV"
	                                  : "SEV-ES",
	    r->digests.count);
	say(l, false, "SEV firmware %u.%u.%u or newer", r->minimum[0], r->minimum[1], r->minimum[2]);
	if (r->ceks.count > 0)
		say(l, false, "%zu SEV platforms, by their CEK", r->ceks.count);
	else
		say(l, true, "any SEV machine under the root, wherever it stands (ceks is not set)");
	if (r->ocas.count > 0)
		say(l, false, "SEV platforms owned by one of %zu OCA keys", r->ocas.count);
	else
		say(l, true, "SEV platforms that anybody owns (ocas is not set)");
	tolerance(l, r->accepted, "SEV guests, whose registers the host can read and change");
	tolerance(l, true, "SEV: the host can move and replay encrypted memory; there is no integrity");
	tolerance(l, r->debug, "SEV guests that the host may debug: it can read all memory");
	tolerance(l, r->key_sharing, "SEV guests that share their key with others");
	tolerance(l, r->migration, "SEV guests that may be sent to another platform");
	tolerance(l, r->root_set, "SEV platforms under a root of your own instead of AMD's");
}

static void pef_lines(struct lines *l, const struct pef_rules *r)
{
	static const char *const what[PEF_RULE_COUNT] = {"kernels", "initrds", "argument lines", "RTAS images"};

	for (unsigned i = 0; i < PEF_RULE_COUNT; i++)
		say(l, false, "PEF blobs for one of %zu %s", r->lists[i].count, what[i]);
	say(l, true, "PEF has no report of a running guest: a blob says what a machine may start, not what runs");
}

static void explain(const struct policy *p, struct lines *l)
{
	if (p->measurements.count > 0)
		say(l, false, "%zu launch digest%s", p->measurements.count, p->measurements.count == 1 ? "" : "s");
	if (p->workloads.count > 0)
		say(l, false, "%zu workload%s, by the digest of the manifest", p->workloads.count,
		    p->workloads.count == 1 ? "" : "s");
	if (p->platform_ids.count > 0)
		say(l, false, "%zu platform%s, by id", p->platform_ids.count, p->platform_ids.count == 1 ? "" : "s");
	else if (p->snp.accepted)
		say(l, true, "any machine under AMD's root, wherever it stands (platform_ids is not set)");
	if (p->snp.accepted)
		snp_lines(l, &p->snp);
	if (p->sgx.accepted)
		sgx_lines(l, p);
	if (p->tdx.accepted)
		tdx_lines(l, p);
	if (p->nitro.accepted)
		nitro_lines(l, &p->nitro);
	if (p->vtpm.accepted)
		vtpm_lines(l, &p->vtpm);
	if (p->cca.accepted)
		cca_lines(l, &p->cca);
	if (p->sev.accepted || p->sev.es_accepted)
		sev_lines(l, &p->sev);
	if (p->pef.accepted)
		pef_lines(l, &p->pef);
	tolerance(l, p->soft.accepted, "a software stand-in (soft-snp), which proves nothing about the host");
	limit_lines(l, &p->limits);
}

void policy_explain(FILE *f, const struct policy *p)
{
	struct lines l = {.count = 0};

	explain(p, &l);
	fputs("accepts\n", f);
	for (size_t i = 0; i < l.count; i++)
		if (!l.line[i].warning)
			fprintf(f, "    %s\n", l.line[i].text);
	for (size_t i = 0; i < l.count; i++)
		if (l.line[i].warning)
			fprintf(f, "  ! %s\n", l.line[i].text);
}

json_t *policy_explain_json(const struct policy *p)
{
	struct lines l = {.count = 0};
	json_t *accepts = json_array(), *warnings = json_array();

	explain(p, &l);
	for (size_t i = 0; i < l.count; i++)
		json_array_append_new(l.line[i].warning ? warnings : accepts, json_string(l.line[i].text));
	return json_pack("{s:s, s:o, s:o}", "schema", "broch.policy/1", "accepts", accepts, "warnings", warnings);
}
