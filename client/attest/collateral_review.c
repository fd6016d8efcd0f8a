/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/collateral_review.h"

#include "client/attest/amd.h"
#include "client/attest/enarx.h"
#include "client/attest/sev.h"
#include "lib/attest/hcl.h"

#include <stdarg.h>
#include <stdlib.h>

/* ---- lines ---- */

static struct review_line *line(struct review *r, enum review_state s)
{
	struct review_line *l;

	r->states[s]++;
	if (r->count == REVIEW_LINES_MAX)
		return &r->line[REVIEW_LINES_MAX - 1];
	l = &r->line[r->count++];
	*l = (struct review_line){.state = s, .from = INT64_MIN, .to = INT64_MIN};
	return l;
}

PRINTF_LIKE(3, 4) static void missing(struct review *r, const char *cure, const char *fmt, ...)
{
	char what[REVIEW_TEXT_MAX];
	struct review_line *l;
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	for (size_t i = 0; i < r->count; i++)
		if (r->line[i].state == REVIEW_MISSING && strcmp(r->line[i].what, what) == 0)
			return;
	l = line(r, REVIEW_MISSING);
	snprintf(l->what, sizeof l->what, "%s", what);
	snprintf(l->cure, sizeof l->cure, "%s", cure);
}

/* ---- the time of a piece ---- */

static int64_t seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MIN;
}

static bool cert_time(const struct collateral_piece *p, int64_t *from, int64_t *to)
{
	struct cert c;

	if (cert_read(p->bytes, &c, NULL) != OK)
		return false;
	*from = seconds(X509_get0_notBefore(c.x));
	*to = seconds(X509_get0_notAfter(c.x));
	cert_free(&c);
	return true;
}

static bool crl_time(const struct collateral_piece *p, int64_t *from, int64_t *to)
{
	struct crl c;

	if (crl_read(p->bytes, &c, NULL) != OK)
		return false;
	*from = seconds(X509_CRL_get0_lastUpdate(c.x));
	*to = seconds(X509_CRL_get0_nextUpdate(c.x));
	crl_free(&c);
	return true;
}

static bool statement_time(const struct collateral_piece *p, int64_t *from, int64_t *to, char *about, size_t size)
{
	bool good = false;

	if (p->kind == COLLATERAL_TCB_INFO) {
		struct tcb_info *t = malloc(sizeof *t);

		good = t != NULL && tcb_info_parse(p->bytes, t, NULL) == OK;
		if (good) {
			*from = t->s.issued;
			*to = t->s.next;
			snprintf(about, size, "%s, FMSPC %02x%02x%02x%02x%02x%02x", t->s.id, t->fmspc[0], t->fmspc[1],
			         t->fmspc[2], t->fmspc[3], t->fmspc[4], t->fmspc[5]);
			tcb_info_free(t);
		}
		free(t);
	} else {
		struct qe_identity *q = malloc(sizeof *q);

		good = q != NULL && qe_identity_parse(p->bytes, q, NULL) == OK;
		if (good) {
			*from = q->s.issued;
			*to = q->s.next;
			snprintf(about, size, "%s", q->s.id);
			qe_identity_free(q);
		}
		free(q);
	}
	return good;
}

static enum review_state state_of(int64_t from, int64_t to, int64_t at, uint64_t soon_s)
{
	if (from != INT64_MIN && at < from)
		return REVIEW_EARLY;
	if (to == INT64_MIN)
		return REVIEW_GOOD;
	if (at > to)
		return REVIEW_EXPIRED;
	return (uint64_t)(to - at) < soon_s ? REVIEW_SOON : REVIEW_GOOD;
}

static const char *cure_of(enum review_state s)
{
	return s == REVIEW_SOON || s == REVIEW_EXPIRED ? "fetch a newer one: broch collateral fetch"
	       : s == REVIEW_EARLY                     ? "is the time given the right one?"
	                                               : "";
}

static void piece(struct review *r, const struct collateral_piece *p, int64_t at, uint64_t soon_s)
{
	char about[CERT_CN_MAX + 32] = "";
	int64_t from = INT64_MIN, to = INT64_MIN;
	bool read = true;
	struct review_line *l;

	snprintf(about, sizeof about, "%s", p->name);
	if (p->kind == COLLATERAL_CERT)
		read = cert_time(p, &from, &to);
	else if (p->kind == COLLATERAL_CRL)
		read = crl_time(p, &from, &to);
	else if (p->kind == COLLATERAL_TCB_INFO || p->kind == COLLATERAL_QE_IDENTITY)
		read = statement_time(p, &from, &to, about, sizeof about);
	else if (p->kind == COLLATERAL_UNKNOWN)
		read = false;
	l = line(r, read ? state_of(from, to, at, soon_s) : REVIEW_UNKNOWN);
	snprintf(l->what, sizeof l->what, "%s%s%s%s", collateral_kind_text(p->kind),
	         p->kind == COLLATERAL_CRL ? " of" : "", about[0] != 0 ? " " : "", about);
	snprintf(l->origin, sizeof l->origin, "%s", p->origin);
	snprintf(l->cure, sizeof l->cure, "%s",
	         !read && p->kind != COLLATERAL_UNKNOWN ? "it cannot be read: fetch it again" : cure_of(l->state));
	l->from = from;
	l->to = to;
}

/* ---- what is missing ---- */

static bool has(const struct collateral *c, enum collateral_kind kind, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->piece[i].kind == kind && (name == NULL || strcmp(c->piece[i].name, name) == 0))
			return true;
	return false;
}

static const struct envelope_item *chosen(const struct collateral_choice *choice, const char *name)
{
	for (size_t i = 0; i < choice->count; i++)
		if (slice_is(choice->items[i].name, name))
			return &choice->items[i];
	return NULL;
}

static const char fetch_it[] = "broch collateral fetch --evidence FILE gets it";

static void missing_for_snp(struct review *r, const struct collateral *c, struct slice report, int64_t at)
{
	struct collateral_choice choice;

	if (collateral_for_snp(c, report, at, &choice) != OK)
		return;
	if (chosen(&choice, "ark") == NULL)
		missing(r, fetch_it, "AMD's root certificate (ARK)");
	if (chosen(&choice, "ask") == NULL && chosen(&choice, "asvk") == NULL)
		missing(r, fetch_it, "the certificate between root and key (ASK or ASVK)");
	if (chosen(&choice, "vcek") == NULL && chosen(&choice, "vlek") == NULL)
		missing(r, fetch_it, "the certificate of the key that signed (VCEK or VLEK)");
	if (chosen(&choice, "crl") == NULL)
		missing(r, fetch_it, "AMD's revocation list for this product");
	collateral_choice_free(&choice);
}

static void missing_for_quote(struct review *r, const struct collateral *c, struct slice quote, int64_t at)
{
	static const struct {
		const char *item, *text;
	} wanted[] = {{"root_ca_crl", "the revocation list of Intel's root"},
	              {"pck_crl", "the revocation list of the CA that issued the PCK certificate"},
	              {"tcb_info", "Intel's TCB info"},
	              {"tcb_info_issuer_chain", "the certificate of Intel SGX TCB Signing"},
	              {"qe_identity", "Intel's identity of the quoting enclave"}};
	struct collateral_choice choice;

	if (collateral_for_quote(c, quote, at, &choice) != OK)
		return;
	for (size_t i = 0; i < ARRAY_COUNT(wanted); i++)
		if (chosen(&choice, wanted[i].item) == NULL)
			missing(r, fetch_it, "%s", wanted[i].text);
	collateral_choice_free(&choice);
}

static void missing_for_vtpm(struct review *r, const struct collateral *c, struct slice bytes, int64_t at)
{
	struct hcl_report hcl;
	const struct collateral_piece *td = collateral_first(c, COLLATERAL_TD_QUOTE);

	if (!has(c, COLLATERAL_TPM_QUOTE, NULL))
		missing(r, "ask the VM for it", "the vTPM's quote");
	if (!has(c, COLLATERAL_TPM_SIGNATURE, NULL))
		missing(r, "ask the VM for it; the file's name must end in .sig", "the signature of the vTPM's quote");
	if (!has(c, COLLATERAL_PCRS, NULL))
		missing(r, "ask the VM for them", "the values of the vTPM's PCRs");
	if (hcl_report_parse(bytes, &hcl, NULL) != OK)
		return;
	if (hcl.type == HCL_SNP)
		missing_for_snp(r, c, hcl.hardware, at);
	else if (td == NULL)
		missing(r, "ask the VM for it", "the TD quote");
	else
		missing_for_quote(r, c, td->bytes, at);
}

static void missing_for_sev(struct review *r, const struct collateral *c)
{
	for (unsigned i = 0; i < SEV_LINK_COUNT; i++)
		if (!has(c, COLLATERAL_SEV, sev_link_names[i]))
			missing(r, "the platform exports it; ARK and ASK are AMD's", "the %s of the SEV platform",
			        sev_link_names[i]);
}

static void missing_for_envelope(struct review *r, struct collateral *c, struct slice bytes, int64_t at)
{
	struct envelope e;

	if (envelope_decode(bytes, &e, NULL) != OK ||
	    collateral_add_items(c, e.collateral, e.collateral_count, NULL) != OK)
		return;
	if (slice_is(e.tee, "sgx") || slice_is(e.tee, "tdx"))
		missing_for_quote(r, c, e.evidence, at);
	else
		missing_for_snp(r, c, e.evidence, at);
}

/* A Keep's certificate carries an envelope, others a quote. */
static void missing_for_ratls(struct review *r, struct collateral *c, struct slice der, int64_t at)
{
	struct slice carried;
	struct envelope e;
	struct cert cert;

	if (cert_read(der, &cert, NULL) != OK)
		return;
	carried = evidence_quote_in(&cert);
	if (envelope_decode(carried, &e, NULL) == OK)
		missing_for_envelope(r, c, carried, at);
	else
		missing_for_quote(r, c, carried, at);
	cert_free(&cert);
}

static void missing_for(struct review *r, struct collateral *c, const struct evidence *e, int64_t at)
{
	struct enarx_csr csr;

	switch (e->kind) {
	case EVIDENCE_ENVELOPE: missing_for_envelope(r, c, e->bytes, at); break;
	case EVIDENCE_WORKLOAD: missing_for_envelope(r, c, e->file.envelope, at); break;
	case EVIDENCE_SNP:
		if (e->bytes.size > e->report.size &&
		    collateral_add(c, slice_of(e->bytes.data + e->report.size, e->bytes.size - e->report.size),
		                   "certificate table", NULL) != OK)
			return;
		missing_for_snp(r, c, e->report, at);
		break;
	case EVIDENCE_QUOTE: missing_for_quote(r, c, e->bytes, at); break;
	case EVIDENCE_RATLS: missing_for_ratls(r, c, e->bytes, at); break;
	case EVIDENCE_ENARX_CSR:
		if (enarx_csr_read(e->bytes, &csr, NULL) != OK || evidence_csr_pieces(c, &csr, NULL) != OK)
			break;
		if (csr.sgx)
			missing_for_quote(r, c, csr.quote, at);
		else
			missing_for_snp(r, c, csr.report, at);
		break;
	case EVIDENCE_VTPM: missing_for_vtpm(r, c, e->bytes, at); break;
	case EVIDENCE_SEV_REPORT: missing_for_sev(r, c); break;
	case EVIDENCE_SEV_PLATFORM:
	case EVIDENCE_SEV_LAUNCH:
	case EVIDENCE_PEF:
	case EVIDENCE_NITRO: /* brings everything itself */
	case EVIDENCE_CCA:   /* the policy has the keys */
	case EVIDENCE_KIND_COUNT: break;
	}
}

/* ---- without evidence: what the pieces need ---- */

static void amd_needs(struct review *r, const struct collateral *c, const char *name)
{
	for (unsigned i = 0; i < SNP_SOFT; i++) {
		const struct snp_product_info *p = &snp_products[i];
		const bool ca = strcmp(name, p->ask_cn) == 0 || strcmp(name, p->asvk_cn) == 0;

		if (!ca && strcmp(name, p->root_cn) != 0)
			continue;
		if (ca && !has(c, COLLATERAL_CERT, p->root_cn))
			missing(r, fetch_it, "%s, which issued %s", p->root_cn, name);
		if (!has(c, COLLATERAL_CRL, p->root_cn))
			missing(r, fetch_it, "revocation list of %s", p->root_cn);
	}
}

static void intel_needs(struct review *r, const struct collateral *c)
{
	if (!has(c, COLLATERAL_CERT, "Intel SGX TCB Signing"))
		missing(r, fetch_it, "certificate Intel SGX TCB Signing, which signs Intel's statements");
	if (!has(c, COLLATERAL_CRL, "Intel SGX Root CA"))
		missing(r, fetch_it, "revocation list of Intel SGX Root CA");
	if (!has(c, COLLATERAL_CRL, "Intel SGX PCK Platform CA") &&
	    !has(c, COLLATERAL_CRL, "Intel SGX PCK Processor CA"))
		missing(r, fetch_it, "revocation list of Intel SGX PCK Platform CA or Processor CA");
	if (!has(c, COLLATERAL_TCB_INFO, NULL))
		missing(r, fetch_it, "TCB info");
	if (!has(c, COLLATERAL_QE_IDENTITY, NULL))
		missing(r, fetch_it, "QE identity");
}

static void needs(struct review *r, const struct collateral *c)
{
	bool key = false, ca = false, intel = false;

	for (size_t i = 0; i < c->count; i++) {
		const struct collateral_piece *p = &c->piece[i];

		if (p->kind == COLLATERAL_CERT)
			amd_needs(r, c, p->name);
		key = key || (p->kind == COLLATERAL_CERT &&
		              (strcmp(p->name, "SEV-VCEK") == 0 || strcmp(p->name, "SEV-VLEK") == 0));
		ca = ca || (p->kind == COLLATERAL_CERT && strncmp(p->name, "SEV-", 4) == 0 &&
		            strcmp(p->name, "SEV-VCEK") != 0 && strcmp(p->name, "SEV-VLEK") != 0);
		intel = intel || p->kind == COLLATERAL_TCB_INFO || p->kind == COLLATERAL_QE_IDENTITY ||
		        strncmp(p->name, "Intel SGX ", 10) == 0;
	}
	if (key && !ca)
		missing(r, fetch_it, "the certificate that issued the platform key (ASK or ASVK)");
	if (intel)
		intel_needs(r, c);
}

void collateral_review(const struct collateral *c, const struct evidence *evidence, int64_t at, uint64_t soon_s,
                       struct review *out)
{
	struct collateral *all = collateral_new();
	enum err err = all != NULL ? OK : ERR_NOMEM;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < c->count; i++)
		piece(out, &c->piece[i], at, soon_s);
	if (err == OK)
		err = collateral_borrow(all, c);
	if (err != OK)
		missing(out, "free some", "memory");
	else if (evidence != NULL)
		missing_for(out, all, evidence, at);
	else
		needs(out, c);
	collateral_free(all);
}

bool review_good(const struct review *r)
{
	return r->states[REVIEW_MISSING] + r->states[REVIEW_EXPIRED] + r->states[REVIEW_EARLY] == 0;
}

/* ---- showing ---- */

static const struct {
	const char *word, *mark, *tint;
} states[REVIEW_STATE_COUNT] = {
        [REVIEW_GOOD] = {"good", "\u2713", "\033[32m"},
        [REVIEW_SOON] = {"expires soon", "!", "\033[33m"},
        [REVIEW_EARLY] = {"not yet valid", "\u2717", "\033[31m"},
        [REVIEW_EXPIRED] = {"expired", "\u2717", "\033[31m"},
        [REVIEW_MISSING] = {"missing", "\u2717", "\033[31m"},
        [REVIEW_UNKNOWN] = {"not understood", "-", "\033[33m"},
};

static void period(const struct review_line *l, char *out, size_t size)
{
	char from[32] = "?", to[32] = "?";

	out[0] = 0;
	if (l->from == INT64_MIN && l->to == INT64_MIN)
		return;
	if (l->from != INT64_MIN)
		time_text(l->from, from, sizeof from);
	if (l->to != INT64_MIN)
		time_text(l->to, to, sizeof to);
	snprintf(out, size, "%s to %s", from, to);
}

void review_print(FILE *f, const struct review *r, bool colour)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct review_line *l = &r->line[i];
		char when[80];

		period(l, when, sizeof when);
		fprintf(f, "%s%s%s %s", colour ? states[l->state].tint : "", states[l->state].mark,
		        colour ? "\033[0m" : "", l->what);
		if (l->state != REVIEW_GOOD)
			fprintf(f, ": %s", states[l->state].word);
		if (when[0] != 0)
			fprintf(f, ", %s", when);
		fprintf(f, l->origin[0] != 0 ? " (%s)\n" : "\n", l->origin);
		if (l->cure[0] != 0)
			fprintf(f, "  %s\n", l->cure);
	}
	fprintf(f, "%u good, %u expire soon, %u expired, %u not yet valid, %u missing, %u not understood\n",
	        r->states[REVIEW_GOOD], r->states[REVIEW_SOON], r->states[REVIEW_EXPIRED], r->states[REVIEW_EARLY],
	        r->states[REVIEW_MISSING], r->states[REVIEW_UNKNOWN]);
}

json_t *review_json(const struct review *r)
{
	json_t *pieces = json_array();

	for (size_t i = 0; i < r->count; i++) {
		const struct review_line *l = &r->line[i];
		json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "state", states[l->state].word, "what", l->what, "file",
		                      l->origin, "cure", l->cure);

		if (o != NULL && l->from != INT64_MIN)
			json_object_set_new(o, "from", json_integer(l->from));
		if (o != NULL && l->to != INT64_MIN)
			json_object_set_new(o, "to", json_integer(l->to));
		if (json_array_append_new(pieces, o) != 0) {
			json_decref(pieces);
			return NULL;
		}
	}
	return json_pack("{s:s, s:b, s:o}", "schema", "broch.collateral/1", "good", (int)review_good(r), "pieces",
	                 pieces);
}
