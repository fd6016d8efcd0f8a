/* SPDX-License-Identifier: Apache-2.0 */
/* One function a kind: the set of collateral with what the evidence itself brings, the choice of what fits, the judge.
 */
#include "client/attest/evidence.h"

#include "client/attest/cca.h"
#include "client/attest/enarx.h"
#include "client/attest/evidence_sev.h"
#include "client/attest/nitro.h"
#include "client/attest/policy_rules.h"
#include "client/attest/ratls.h"
#include "client/attest/vtpm.h"
#include "lib/attest/dice.h"
#include "lib/attest/hcl.h"
#include "sys/openssl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct judging {
	const struct evidence_input *in;
	struct collateral *set; /* the caller's and the evidence's own */
	struct verdict *v;
	struct note note;
};

static void broken(struct verdict *v, const char *id, const char *expected, const char *found, const char *cure)
{
	struct check k = {.id = id, .link = "policy", .result = CHECK_FAIL, .spec = ""};

	snprintf(k.expected, sizeof k.expected, "%s", expected);
	snprintf(k.found, sizeof k.found, "%s", found);
	snprintf(k.cure, sizeof k.cure, "%s", cure);
	verdict_add(v, &k);
	v->ok = false;
}

static struct verify_input input_of(const struct judging *j)
{
	return (struct verify_input){.report_data = j->in->report_data, .policy = j->in->policy, .at = j->in->at};
}

static void use(struct envelope *e, const struct collateral_choice *choice)
{
	e->collateral_count = choice->count;
	memcpy(e->collateral, choice->items, sizeof e->collateral);
}

/* ---- envelopes ---- */

/* With nothing beside it an envelope is judged as it is: also a piece too many in it is then looked at. */
static enum err choose_beside(struct judging *j, const struct envelope *e, struct collateral_choice *choice)
{
	const bool dcap = slice_is(e->tee, "sgx") || slice_is(e->tee, "tdx");

	if (j->in->collateral == NULL)
		return OK;
	TRY(collateral_add_items(j->set, e->collateral, e->collateral_count, &j->note));
	return (dcap ? collateral_for_quote : collateral_for_snp)(j->set, e->evidence, j->in->at, choice);
}

static enum err judge_opened(struct judging *j, struct envelope *e)
{
	struct verify_input in = input_of(j);
	struct collateral_choice choice = {.count = 0};

	TRY(choose_beside(j, e, &choice));
	if (j->in->collateral != NULL)
		use(e, &choice);
	verify_opened(&in, e, j->v);
	collateral_choice_free(&choice);
	return OK;
}

static enum err judge_envelope(struct judging *j)
{
	const struct evidence *e = j->in->evidence;
	struct envelope open;

	TRY(envelope_decode(e->kind == EVIDENCE_WORKLOAD ? e->file.envelope : e->bytes, &open, &j->note));
	return judge_opened(j, &open);
}

/* Somebody may have said which workloads are right. */
static enum err judge_workload(struct judging *j)
{
	const struct workload_question q = {"manifest.named", j->in->policy, j->in->manifests, j->in->manifest_count,
	                                    false};
	const struct slice manifest = j->in->evidence->file.manifest;
	uint8_t digest[32];

	TRY(judge_envelope(j));
	SHA256(manifest.data, manifest.size, digest);
	workload_judge(&q, slice_of(digest, sizeof digest), j->v);
	return OK;
}

/* ---- bare reports and quotes ---- */

static enum err judge_snp(struct judging *j)
{
	const struct evidence *e = j->in->evidence;
	const struct slice table = slice_of(e->report.data + e->report.size, e->bytes.size - e->report.size);
	struct envelope open = {.tee = slice_text("snp"), .evidence = e->report};
	struct verify_input in = input_of(j);
	struct collateral_choice choice;

	if (table.size > 0)
		TRY(collateral_add(j->set, table, "certificate table", &j->note));
	TRY(collateral_for_snp(j->set, e->report, in.at, &choice));
	use(&open, &choice);
	verify_opened(&in, &open, j->v);
	collateral_choice_free(&choice);
	return OK;
}

static bool is_td(struct slice quote)
{
	struct quote q;

	/* One that cannot be read is judged as what its header says. */
	if (quote_parse(quote, &q, NULL) == OK)
		return q.body != QUOTE_BODY_SGX;
	return quote.size > 4 && quote.data[4] == QUOTE_TEE_TDX;
}

static enum err judge_quote(struct judging *j)
{
	const struct slice quote = j->in->evidence->bytes;
	struct envelope open = {.tee = slice_text(is_td(quote) ? "tdx" : "sgx"), .evidence = quote};
	struct verify_input in = input_of(j);
	struct collateral_choice choice;

	TRY(collateral_for_quote(j->set, quote, in.at, &choice));
	use(&open, &choice);
	verify_opened(&in, &open, j->v);
	collateral_choice_free(&choice);
	return OK;
}

/* ---- nitro ---- */

/* The judge fills a verdict whole; whether the policy names the TEE is put in front. */
static void named_first(struct verdict *v, const char *tee, bool named)
{
	struct verdict *judged = malloc(sizeof *judged);

	if (judged == NULL) {
		broken(v, "evidence.memory", "memory for the verdict", "none", "");
		return;
	}
	*judged = *v;
	verdict_begin(v, tee, tee, named);
	v->soft = judged->soft;
	if (!judged->ok)
		v->ok = false;
	memcpy(v->measurement, judged->measurement, sizeof v->measurement);
	v->measurement_size = judged->measurement_size;
	for (size_t i = 0; i < judged->check_count; i++)
		verdict_add(v, &judged->checks[i]);
	free(judged);
}

static size_t all_of(const struct collateral *c, enum collateral_kind kind, struct slice out[static COLLATERAL_PIECES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		if (c->piece[i].kind == kind)
			out[n++] = c->piece[i].bytes;
	return n;
}

static enum err judge_nitro(struct judging *j)
{
	const struct nitro_rules *r = &j->in->policy->nitro;
	struct slice crls[COLLATERAL_PIECES_MAX];
	const struct nitro_input in = {.doc = j->in->evidence->bytes,
	                               .root = r->root_set ? r->root : NULL,
	                               .at = j->in->at,
	                               .allow_debug = r->debug,
	                               .pcr_lists = r->pcrs,
	                               .nonce = j->in->nonce,
	                               .crls = crls,
	                               .crl_count = all_of(j->set, COLLATERAL_CRL, crls),
	                               .crl_required = r->crl_required,
	                               .crl_max_age_s = r->crl_max_age_s,
	                               .max_age_s = r->max_age_s};

	static_assert(NITRO_RULE_PCRS == (int)NITRO_PCR_COUNT, "one list a register");
	nitro_verify(&in, j->v);
	named_first(j->v, "nitro", r->accepted);
	return OK;
}

/* ---- evidence in a certificate or a request ---- */

struct slice evidence_quote_in(const struct cert *c)
{
	static const uint8_t dice_oid[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x09};
	static const uint8_t bare_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x06};
	struct dice_evidence dice;
	struct slice value;

	if (cert_extension(c, slice_of(dice_oid, sizeof dice_oid), &value))
		return dice_evidence_read(value, &dice, NULL) == OK ? dice.quote : slice_of(NULL, 0);
	return cert_extension(c, slice_of(bare_oid, sizeof bare_oid), &value) ? value : slice_of(NULL, 0);
}

static enum err judge_ratls(struct judging *j)
{
	struct ratls_input in = {.cert = j->in->evidence->bytes,
	                         .nonce = j->in->nonce,
	                         .manifests = j->in->manifests,
	                         .manifest_count = j->in->manifest_count,
	                         .policy = j->in->policy,
	                         .at = j->in->at};
	struct collateral_choice choice = {.count = 0};
	struct envelope e; /* a Keep's */
	struct cert c = {0};
	enum err err = OK;

	if (cert_read(in.cert, &c, NULL) == OK)
		err = envelope_decode(evidence_quote_in(&c), &e, NULL) == OK ?
		              choose_beside(j, &e, &choice) :
		              collateral_for_quote(j->set, evidence_quote_in(&c), in.at, &choice);
	if (err == OK) {
		in.collateral = choice.items;
		in.collateral_count = choice.count;
		ratls_verify(&in, j->v);
	}
	collateral_choice_free(&choice);
	cert_free(&c);
	return err;
}

enum err evidence_csr_pieces(struct collateral *set, const struct enarx_csr *csr, struct note *n)
{
	if (csr->vcek.size > 0)
		TRY(collateral_add(set, csr->vcek, "the request's", n));
	if (csr->tcb_info.size > 0)
		TRY(collateral_add(set, csr->tcb_info, "the request's", n));
	for (size_t i = 0; i < csr->signer_count; i++)
		TRY(collateral_add(set, csr->signers[i], "the request's", n));
	for (size_t i = 0; i < csr->crl_count; i++)
		TRY(collateral_add(set, csr->crls[i], "the request's", n));
	return OK;
}

static enum err judge_csr(struct judging *j)
{
	struct enarx_input in = {.csr = j->in->evidence->bytes, .policy = j->in->policy, .at = j->in->at};
	struct collateral_choice choice = {.count = 0};
	struct enarx_csr csr;

	if (enarx_csr_read(in.csr, &csr, NULL) == OK) {
		TRY(evidence_csr_pieces(j->set, &csr, &j->note));
		TRY(csr.sgx ? collateral_for_quote(j->set, csr.quote, in.at, &choice)
		            : collateral_for_snp(j->set, csr.report, in.at, &choice));
	}
	in.items = choice.items;
	in.item_count = choice.count;
	enarx_csr_verify(&in, j->v);
	collateral_choice_free(&choice);
	return OK;
}

/* ---- vTPM ---- */

static struct slice bytes_of(const struct collateral *c, enum collateral_kind kind)
{
	const struct collateral_piece *p = collateral_first(c, kind);

	return p != NULL ? p->bytes : slice_of(NULL, 0);
}

static struct slice raw_signature(struct slice s)
{
	/* TPMT_SIGNATURE: RSASSA, SHA-256, size; some tools store the number alone. */
	static const uint8_t head[] = {0x00, 0x14, 0x00, 0x0b};

	if (s.size > 6 && memcmp(s.data, head, sizeof head) == 0 && ((size_t)s.data[4] << 8 | s.data[5]) == s.size - 6)
		return slice_of(s.data + 6, s.size - 6);
	return s;
}

static enum err judge_vtpm(struct judging *j)
{
	uint8_t pcrs[VTPM_PCRS][32];
	const struct vtpm_rules *r = &j->in->policy->vtpm;
	struct vtpm_input in = {.hcl = j->in->evidence->bytes,
	                        .message = bytes_of(j->set, COLLATERAL_TPM_QUOTE),
	                        .signature = raw_signature(bytes_of(j->set, COLLATERAL_TPM_SIGNATURE)),
	                        .pcrs = collateral_pcrs(j->set, pcrs) ? (const uint8_t(*)[32])pcrs : NULL,
	                        .pcr_lists = r->any_pcrs ? NULL : r->pcrs,
	                        .nonce = j->in->nonce,
	                        .td_quote = bytes_of(j->set, COLLATERAL_TD_QUOTE),
	                        .policy = j->in->policy,
	                        .at = j->in->at};
	struct collateral_choice choice = {.count = 0};
	struct hcl_report hcl;

	static_assert((int)VTPM_RULE_PCRS == (int)VTPM_PCRS, "one list a register");
	if (hcl_report_parse(in.hcl, &hcl, NULL) == OK)
		TRY(hcl.type == HCL_SNP ? collateral_for_snp(j->set, hcl.hardware, in.at, &choice)
		                        : collateral_for_quote(j->set, in.td_quote, in.at, &choice));
	in.collateral = choice.items;
	in.collateral_count = choice.count;
	vtpm_verify(&in, j->v);
	named_first(j->v, "vtpm", r->accepted);
	collateral_choice_free(&choice);
	return OK;
}

/* ---- Arm CCA ---- */

/* Of the values that the policy names, the one in the token, so that the judge finds it good; else the first, so that
 * he finds it bad. Empty: none is named. In the lists of hashes a value stands behind its size. */
static struct slice named_value(const struct digest_list *l, struct slice found, bool hashes)
{
	struct slice first = {NULL, 0};

	for (size_t i = 0; i < l->count; i++) {
		const uint8_t *one = l->bytes + i * l->size;
		const struct slice value = hashes ? slice_of(one + 1, one[0]) : slice_of(one, l->size);

		if (slice_equal(value, found))
			return value;
		first = i == 0 ? value : first;
	}
	return first;
}

static void cca_demands(const struct cca_rules *r, const struct cca_token *t, struct cca_input *in)
{
	in->initial = named_value(&r->initial, t->realm.initial, true);
	for (unsigned i = 0; i < CCA_EXTENSIBLE_COUNT; i++)
		in->extensible[i] = named_value(&r->rems[i], t->realm.extensible[i], true);
	in->personalization = named_value(&r->personalizations, t->realm.personalization, false);
	in->implementation = named_value(&r->implementations, t->platform.implementation, false);
	in->instance = named_value(&r->instances, t->platform.instance, false);
}

/* Every component must be one that the policy names; NULL with any_software. The caller frees it. */
static struct cca_component *cca_references(const struct cca_rules *r)
{
	struct cca_component *c = calloc(r->software.count, sizeof *c);

	for (size_t i = 0; c != NULL && i < r->software.count; i++) {
		const uint8_t *one = r->software.bytes + i * r->software.size;

		c[i].measurement = slice_of(one + 1, one[0]);
	}
	return c;
}

/* Which of the keys is the platform's? The last one tried stands when none is. */
static enum err judge_cca(struct judging *j)
{
	const struct cca_rules *r = &j->in->policy->cca;
	struct cca_input in = {
	        .token = j->in->evidence->bytes, .allow_unsecured = r->unsecured, .challenge = j->in->nonce};
	struct cca_component *references = r->any_software ? NULL : cca_references(r);
	struct cca_token *t = calloc(1, sizeof *t);
	size_t i = 0;

	static_assert(CCA_RULE_REMS == (int)CCA_EXTENSIBLE_COUNT, "one list a register");
	if (t == NULL || (references == NULL && !r->any_software && r->software.count > 0)) {
		free(references);
		free(t);
		return ERR_NOMEM;
	}
	if (cca_token_parse(in.token, t, NULL) == OK)
		cca_demands(r, t, &in);
	in.references = references;
	in.reference_count = r->software.count;
	do {
		in.cpak = i < r->key_count ? r->keys[i] : slice_of("", 0);
		cca_verify(&in, j->v);
	} while (!j->v->ok && ++i < r->key_count);
	named_first(j->v, "cca", r->accepted);
	free(references);
	free(t);
	return OK;
}

/* ---- SEV, SEV-ES, PEF ---- */

static enum err judge_sev_platform(struct judging *j)
{
	const struct sev_rules *r = &j->in->policy->sev;

	evidence_sev_platform(j->in, j->v);
	named_first(j->v, r->accepted ? "sev" : "sev-es", r->accepted || r->es_accepted);
	return OK;
}

/* Which of the two it is, the guest's policy says. */
static void sev_named_first(struct judging *j)
{
	const struct sev_rules *r = &j->in->policy->sev;
	const bool es = strcmp(j->v->tee, "sev-es") == 0;

	named_first(j->v, es ? "sev-es" : "sev", es ? r->es_accepted : r->accepted);
}

static enum err judge_sev_report(struct judging *j)
{
	evidence_sev_report(j->in, j->set, j->v);
	sev_named_first(j);
	return OK;
}

static enum err judge_sev_launch(struct judging *j)
{
	evidence_sev_launch(j->in, j->v);
	sev_named_first(j);
	return OK;
}

static enum err judge_pef(struct judging *j)
{
	evidence_pef(j->in, j->v);
	named_first(j->v, "pef", j->in->policy->pef.accepted);
	return OK;
}

/* ---- whatever it is ---- */

void evidence_verify(const struct evidence_input *in, struct verdict *v)
{
	static enum err (*const judges[EVIDENCE_KIND_COUNT])(struct judging * j) = {
	        [EVIDENCE_ENVELOPE] = judge_envelope, [EVIDENCE_WORKLOAD] = judge_workload,
	        [EVIDENCE_SNP] = judge_snp,           [EVIDENCE_QUOTE] = judge_quote,
	        [EVIDENCE_NITRO] = judge_nitro,       [EVIDENCE_RATLS] = judge_ratls,
	        [EVIDENCE_ENARX_CSR] = judge_csr,     [EVIDENCE_VTPM] = judge_vtpm,
	        [EVIDENCE_CCA] = judge_cca,           [EVIDENCE_PEF] = judge_pef,
	        [EVIDENCE_SEV_PLATFORM] = judge_sev_platform,
	        [EVIDENCE_SEV_REPORT] = judge_sev_report,
	        [EVIDENCE_SEV_LAUNCH] = judge_sev_launch,
	};
	struct judging j = {.in = in, .v = v, .set = collateral_new()};
	const enum evidence_kind kind = in->evidence->kind;
	enum err err = j.set == NULL ? ERR_NOMEM : OK;

	verdict_clear(v);
	if (err == OK && in->collateral != NULL)
		err = collateral_borrow(j.set, in->collateral);
	if (err == OK)
		err = judges[kind](&j);
	if (err != OK)
		broken(v, "evidence.collateral", "evidence and collateral that can be read",
		       j.note.text[0] != 0 ? j.note.text : err_text(err),
		       "give only the collateral that belongs to it");
	if (in->report_data.size > 0 && kind != EVIDENCE_WORKLOAD && !evidence_takes_report_data(kind))
		broken(v, "evidence.binding", "no report data: this kind says itself what it is bound to", "some", "");
	if (in->nonce != NULL && !evidence_takes_nonce(kind))
		broken(v, "evidence.nonce", "no nonce: this kind has none", "one", "");
	collateral_free(j.set);
}
