/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCB info and QE identity: are they Intel's word, about this platform, for this time? Then what they say of the
 * platform, of its TDX module and of its quoting enclave, and the status that comes out of all three.
 */
#include "client/attest/dcap_case.h"

/* ---- both statements ---- */

static const struct dcap_statement *statement(const struct dcap_case *c, unsigned which)
{
	return which == SIGNED_TCB ? &c->tcb.s : &c->qe.s;
}

/* Over the bytes as they came, before anything in them is believed. */
static enum check_result signature(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct cert *by = c->cert[arg == SIGNED_TCB ? CERT_TCB_SIGNER : CERT_QE_SIGNER];
	struct note found = {""};

	if (cert_key_p256(by, NULL) != OK)
		return skip(k, "the signer has a key of another kind");
	say(k->expected, "signed by %s", by->cn);
	say(k->cure, "give the signed JSON exactly as Intel's service sent it");
	if (!c->signature_ok[arg]) {
		say(k->found, "no signature of 128 hex digits");
		return CHECK_FAIL;
	}
	return from(cert_ecdsa256(by, c->text[arg], slice_of(c->signature[arg], P256_PAIR_SIZE), &found), &found, k);
}

static enum check_result readable(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const unsigned bit = arg == SIGNED_TCB ? NEED_TCB : NEED_QE;

	say(k->expected, arg == SIGNED_TCB ? "a TCB info of version 2 or 3" : "a QE identity of version 2");
	say(k->cure, "fetch it from Intel's service: /%s/certification/v4/%s", c->tdx ? "tdx" : "sgx",
	    arg == SIGNED_TCB ? "tcb?fmspc=..." : "qe/identity");
	if ((c->have & bit) == 0)
		return done_without(c, arg) ? skip(k, "none given") : from(ERR_FORMAT, &c->text_note[arg], k);
	say(k->found, "%s, version %u, evaluation data number %u", statement(c, arg)->id,
	    (unsigned)statement(c, arg)->version, (unsigned)statement(c, arg)->evaluation);
	return CHECK_PASS;
}

static enum check_result id(const struct dcap_case *c, unsigned arg, struct check *k)
{
	static const char *const ids[DCAP_SIGNED_COUNT][2] = {{"SGX", "TDX"}, {"QE", "TD_QE"}};

	say(k->expected, "about %s", ids[arg][c->tdx]);
	say(k->found, "about %s", statement(c, arg)->id);
	say(k->cure, "SGX and TDX have statements of their own: fetch the other one");
	return pass_if(strcmp(statement(c, arg)->id, ids[arg][c->tdx]) == 0);
}

static enum check_result in_time(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct dcap_statement *s = statement(c, arg);
	const uint64_t max = c->rules->max_age_s;
	char at[32], from_text[32], to[32];

	time_text(c->in->at, at, sizeof at);
	time_text(s->issued, from_text, sizeof from_text);
	time_text(s->next, to, sizeof to);
	if (max == 0)
		say(k->expected, "valid at %s", at);
	else
		say(k->expected, "valid at %s and at most %llu s old", at, (unsigned long long)max);
	say(k->found, "valid %s to %s", from_text, to);
	say(k->cure, "fetch the newest from Intel's service, if the time given is the right one");
	if (c->in->at < s->issued || c->in->at > s->next)
		return CHECK_FAIL;
	return pass_if(max == 0 || (uint64_t)(c->in->at - s->issued) <= max);
}

/* Old statements stay valid for weeks, and do not know what was found since. */
static enum check_result evaluation(const struct dcap_case *c, unsigned arg, struct check *k)
{
	say(k->expected, "evaluation data number %u or more", (unsigned)c->rules->evaluation_min);
	say(k->found, "%u", (unsigned)statement(c, arg)->evaluation);
	say(k->cure, "fetch the newest from Intel's service (update=early)");
	return pass_if(statement(c, arg)->evaluation >= c->rules->evaluation_min);
}

/* ---- the platform ---- */

static enum check_result fmspc(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say_hex(k->expected, c->ext.fmspc);
	say_hex(k->found, slice_of(c->tcb.fmspc, sizeof c->tcb.fmspc));
	say(k->cure, "fetch the TCB info of this FMSPC");
	return pass_if(slice_equal(c->ext.fmspc, slice_of(c->tcb.fmspc, sizeof c->tcb.fmspc)));
}

static enum check_result pceid(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say_hex(k->expected, c->ext.pceid);
	say_hex(k->found, slice_of(c->tcb.pceid, sizeof c->tcb.pceid));
	return pass_if(slice_equal(c->ext.pceid, slice_of(c->tcb.pceid, sizeof c->tcb.pceid)));
}

static enum check_result level(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "a TCB level that the platform reaches");
	say(k->cure, "the platform is older than anything Intel still speaks of: update it");
	if (c->level == NULL) {
		say(k->found, "none of %u", (unsigned)c->tcb.level_count);
		return CHECK_FAIL;
	}
	say(k->found, "%s, level of %s", tcb_status_names[c->level->status], c->level->date);
	return CHECK_PASS;
}

/* ---- the TDX module ---- */

static enum check_result module_known(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const unsigned major = c->quote.body == QUOTE_BODY_SGX ? 0 : c->quote.td.tee_tcb_svn.data[1];

	(void)arg;
	say(k->expected, "an identity for the TDX module");
	say(k->found, "%s for major version %u", c->module != NULL ? "one" : "none", major);
	say(k->cure, "newer collateral may know this module");
	return pass_if(c->module != NULL);
}

static enum check_result module_signer(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct slice want = slice_of(c->module->mrsigner, sizeof c->module->mrsigner);

	(void)arg;
	say_hex(k->expected, want);
	say_hex(k->found, c->quote.td.mrsignerseam);
	return pass_if(slice_equal(want, c->quote.td.mrsignerseam));
}

static enum check_result module_attributes(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const struct tdx_module *m = c->module;

	(void)arg;
	say_hex(k->expected, slice_of(m->attributes, sizeof m->attributes));
	say_hex(k->found, c->quote.td.seam_attributes);
	return pass_if(masked(c->quote.td.seam_attributes.data, m->attributes_mask, m->attributes, 8));
}

static enum check_result module_level(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const uint8_t *svn = c->quote.td.tee_tcb_svn.data;

	(void)arg;
	if (svn[1] == 0)
		return skip(k, "a module of version 0 is judged with the platform's level");
	say(k->expected, "a level that the module reaches");
	if (c->module_level == NULL) {
		say(k->found, "none for SVN %u", svn[0]);
		return CHECK_FAIL;
	}
	say(k->found, "%s, SVN %u", tcb_status_names[c->module_level->status], svn[0]);
	return CHECK_PASS;
}

/* ---- the quoting enclave ---- */

static enum check_result qe_misc(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "MISCSELECT %08x under %08x", (unsigned)c->qe.miscselect, (unsigned)c->qe.miscselect_mask);
	say(k->found, "%08x", (unsigned)c->quote.qe.miscselect);
	return pass_if((c->quote.qe.miscselect & c->qe.miscselect_mask) == c->qe.miscselect);
}

static enum check_result qe_attributes(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say_hex(k->expected, slice_of(c->qe.attributes, sizeof c->qe.attributes));
	say_hex(k->found, c->quote.qe.attributes);
	say(k->cure, "this is not the quoting enclave that Intel signed for production");
	return pass_if(masked(c->quote.qe.attributes.data, c->qe.attributes_mask, c->qe.attributes, 16));
}

static enum check_result qe_signer(const struct dcap_case *c, unsigned arg, struct check *k)
{
	struct slice want = slice_of(c->qe.mrsigner, sizeof c->qe.mrsigner);

	(void)arg;
	say_hex(k->expected, want);
	say_hex(k->found, c->quote.qe.mrsigner);
	say(k->cure, "this is not Intel's quoting enclave");
	return pass_if(slice_equal(want, c->quote.qe.mrsigner));
}

static enum check_result qe_product(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "ISVPRODID %u", (unsigned)c->qe.prod_id);
	say(k->found, "%u", c->quote.qe.prod_id);
	return pass_if(c->quote.qe.prod_id == c->qe.prod_id);
}

static enum check_result qe_level(const struct dcap_case *c, unsigned arg, struct check *k)
{
	(void)arg;
	say(k->expected, "a level that the quoting enclave reaches");
	if (c->qe_level == NULL) {
		say(k->found, "none for ISVSVN %u", c->quote.qe.svn);
		return CHECK_FAIL;
	}
	say(k->found, "%s, ISVSVN %u", tcb_status_names[c->qe_level->status], c->quote.qe.svn);
	return CHECK_PASS;
}

/* ---- what comes out ---- */

static enum check_result status(const struct dcap_case *c, unsigned arg, struct check *k)
{
	size_t at = 0;

	(void)arg;
	for (unsigned i = 0; i < TCB_STATUS_COUNT; i++)
		if ((c->rules->statuses >> i & 1) != 0 && at < CHECK_TEXT_MAX)
			at += (size_t)snprintf(k->expected + at, CHECK_TEXT_MAX - at, "%s%s", at == 0 ? "" : " or ",
			                       tcb_status_names[i]);
	say(k->found, "%s", tcb_status_names[c->status]);
	say(k->cure, c->status == TCB_REVOKED ? "nothing this platform says can be trusted"
	             : c->status >= TCB_RELAUNCH
	                     ? "launch the TD again: the platform has a newer TDX module by now"
	                     : "update or configure the platform, or add the status to the policy's tcb_statuses");
	k->tolerated = c->status != TCB_UP_TO_DATE && (c->rules->statuses >> c->status & 1) != 0;
	return pass_if((c->rules->statuses >> c->status & 1) != 0);
}

static bool tolerated(const struct dcap_rules *r, const char *advisory)
{
	uint8_t padded[DCAP_ADVISORY_MAX] = {0};

	snprintf((char *)padded, sizeof padded, "%s", advisory);
	return digest_list_has(&r->advisories, slice_of(padded, sizeof padded));
}

/* The first one that is not tolerated; NULL: none. */
static const char *intolerable(const struct dcap_rules *r, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!tolerated(r, text))
			return text;
	}
	return NULL;
}

static enum check_result advisories(const struct dcap_case *c, unsigned arg, struct check *k)
{
	const json_t *lists[] = {c->level->advisories, c->module_level != NULL ? c->module_level->advisories : NULL,
	                         c->qe_level != NULL ? c->qe_level->advisories : NULL};
	size_t count = 0;

	(void)arg;
	for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
		const char *bad = c->rules->any_advisory ? NULL : intolerable(c->rules, lists[i]);

		count += json_array_size(lists[i]);
		if (bad == NULL)
			continue;
		say(k->expected, "no advisory that the policy does not name");
		say(k->found, "%s", bad);
		say(k->cure, "update the platform, or read the advisory and add it to the policy's advisories");
		return CHECK_FAIL;
	}
	say(k->expected, c->rules->any_advisory ? "any advisories" : "no advisory that the policy does not name");
	say(k->found, "%u", (unsigned)count);
	return CHECK_PASS;
}

/* ---- the table ---- */

#define BOTH DCAP_IN_BOTH
#define COLL "collateral"
#define PLAT "platform key"

static const struct dcap_row rows[] = {
        {"dcap.tcb_info.signature", COLL, INTEL_PCS, NEED_TCB_SIGNER, BOTH, SIGNED_TCB, signature},
        {"dcap.tcb_info.read", COLL, INTEL_PCS, 0, BOTH, SIGNED_TCB, readable},
        {"dcap.tcb_info.id", COLL, INTEL_PCS, NEED_TCB, BOTH, SIGNED_TCB, id},
        {"dcap.tcb_info.time", COLL, INTEL_PCS, NEED_TCB, BOTH, SIGNED_TCB, in_time},
        {"dcap.tcb_info.evaluation", COLL, INTEL_PCS, NEED_TCB, BOTH, SIGNED_TCB, evaluation},
        {"dcap.tcb_info.fmspc", COLL, INTEL_PCS, NEED_TCB | NEED_EXT, BOTH, 0, fmspc},
        {"dcap.tcb_info.pceid", COLL, INTEL_PCS, NEED_TCB | NEED_EXT, BOTH, 0, pceid},
        {"dcap.qe_identity.signature", COLL, INTEL_PCS, NEED_QE_SIGNER, BOTH, SIGNED_QE, signature},
        {"dcap.qe_identity.read", COLL, INTEL_PCS, 0, BOTH, SIGNED_QE, readable},
        {"dcap.qe_identity.id", COLL, INTEL_PCS, NEED_QE, BOTH, SIGNED_QE, id},
        {"dcap.qe_identity.time", COLL, INTEL_PCS, NEED_QE, BOTH, SIGNED_QE, in_time},
        {"dcap.qe_identity.evaluation", COLL, INTEL_PCS, NEED_QE, BOTH, SIGNED_QE, evaluation},
        {"dcap.qe.miscselect", PLAT, INTEL_PCS, NEED_QE | NEED_QUOTE, BOTH, 0, qe_misc},
        {"dcap.qe.attributes", PLAT, INTEL_PCS, NEED_QE | NEED_QUOTE, BOTH, 0, qe_attributes},
        {"dcap.qe.mrsigner", PLAT, INTEL_PCS, NEED_QE | NEED_QUOTE, BOTH, 0, qe_signer},
        {"dcap.qe.product", PLAT, INTEL_PCS, NEED_QE | NEED_QUOTE, BOTH, 0, qe_product},
        {"dcap.qe.level", PLAT, INTEL_PCS, NEED_QE | NEED_QUOTE, BOTH, 0, qe_level},
        {"dcap.tcb.level", PLAT, INTEL_PCS, NEED_TCB | NEED_EXT | NEED_QUOTE, BOTH, 0, level},
        {"dcap.module.known", PLAT, INTEL_PCS, NEED_TCB | NEED_QUOTE, DCAP_IN_TDX, 0, module_known},
        {"dcap.module.mrsigner", PLAT, INTEL_PCS, NEED_MODULE, DCAP_IN_TDX, 0, module_signer},
        {"dcap.module.attributes", PLAT, INTEL_PCS, NEED_MODULE, DCAP_IN_TDX, 0, module_attributes},
        {"dcap.module.level", PLAT, INTEL_PCS, NEED_MODULE, DCAP_IN_TDX, 0, module_level},
        {"dcap.tcb.status", PLAT, INTEL_PCS, NEED_STATUS, BOTH, 0, status},
        {"dcap.tcb.advisories", PLAT, INTEL_PCS, NEED_LEVEL, BOTH, 0, advisories},
};

const struct dcap_rows dcap_collateral_checks = {rows, ARRAY_COUNT(rows)};
