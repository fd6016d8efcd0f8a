/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row, one question, as in snp.c: the evidence is first taken apart (load), which judges nothing; then every row
 * about this TEE is asked in the order of the chain. A row whose input could not be read is skipped and says so; the
 * row that asks whether that input can be read has then failed, so a skipped row never turns a refusal into an
 * acceptance.
 */
#include "client/attest/dcap_case.h"

#include <stdlib.h>

const uint8_t intel_roots[INTEL_ROOT_COUNT][SPKI_DIGEST_SIZE] = {
        {0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1,
         0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35, 0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e},
};

const struct dcap_pin_info dcap_pins[DCAP_PIN_COUNT] = {
        [DCAP_PIN_MRENCLAVE] = {"mrenclaves", 32, DCAP_IN_SGX},
        [DCAP_PIN_MRSIGNER] = {"mrsigners", 32, DCAP_IN_SGX},
        [DCAP_PIN_EXT_PROD_ID] = {"ext_prod_ids", 16, DCAP_IN_SGX},
        [DCAP_PIN_FAMILY_ID] = {"family_ids", 16, DCAP_IN_SGX},
        [DCAP_PIN_CONFIG_ID] = {"config_ids", 64, DCAP_IN_SGX},
        [DCAP_PIN_MRTD] = {"mrtds", 48, DCAP_IN_TDX},
        [DCAP_PIN_RTMR0] = {"rtmr0", 48, DCAP_IN_TDX},
        [DCAP_PIN_RTMR1] = {"rtmr1", 48, DCAP_IN_TDX},
        [DCAP_PIN_RTMR2] = {"rtmr2", 48, DCAP_IN_TDX},
        [DCAP_PIN_RTMR3] = {"rtmr3", 48, DCAP_IN_TDX},
        [DCAP_PIN_MRSEAM] = {"mrseams", 48, DCAP_IN_TDX},
        [DCAP_PIN_MRCONFIGID] = {"mrconfigids", 48, DCAP_IN_TDX},
        [DCAP_PIN_MROWNER] = {"mrowners", 48, DCAP_IN_TDX},
        [DCAP_PIN_MROWNERCONFIG] = {"mrownerconfigs", 48, DCAP_IN_TDX},
        [DCAP_PIN_MRSERVICETD] = {"mrservicetds", 48, DCAP_IN_TDX},
        [DCAP_PIN_FMSPC] = {"fmspcs", PCK_FMSPC_SIZE, DCAP_IN_BOTH},
        [DCAP_PIN_PPID] = {"ppids", PCK_PPID_SIZE, DCAP_IN_BOTH},
        [DCAP_PIN_INSTANCE] = {"platform_instances", PCK_INSTANCE_SIZE, DCAP_IN_BOTH},
};

static const char *const need_text[DCAP_NEED_COUNT] = {
        "quote",
        "root certificate",
        "PCK CA certificate",
        "PCK certificate",
        "PCK certificate's SGX extension",
        "root's revocation list",
        "PCK revocation list",
        "TCB info's signer",
        "TCB info",
        "platform's TCB level",
        "TDX module's identity",
        "TCB status",
        "QE identity's signer",
        "QE identity",
        "QE's TCB level",
};

/* ---- taking the evidence apart ---- */

struct slice dcap_item(const struct envelope *e, const char *name)
{
	for (size_t i = 0; i < e->collateral_count; i++)
		if (slice_is(e->collateral[i].name, name))
			return e->collateral[i].value;
	return slice_of(NULL, 0);
}

static bool anything_given(const struct envelope *e)
{
	static const char *const names[] = {"root_ca_crl",           "pck_crl",
	                                    "pck_crl_issuer_chain",  "tcb_info",
	                                    "tcb_info_issuer_chain", "tcb_info_signature",
	                                    "qe_identity",           "qe_identity_issuer_chain",
	                                    "qe_identity_signature"};

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (dcap_item(e, names[i]).size > 0)
			return true;
	return false;
}

static void set_cert(struct dcap_case *c, enum dcap_cert which, const struct cert *cert, enum dcap_need bit)
{
	c->cert[which] = cert;
	if (cert != NULL)
		c->have |= (unsigned)bit;
}

/* The PCK certificate comes first; the other two in any order, because libraries differ. */
static void load_chain(struct dcap_case *c)
{
	struct slice pem =
	        c->quote.cert_type == QUOTE_CERT_PCK_CHAIN ? c->quote.cert_data : dcap_item(c->e, "pck_chain");

	if ((c->have & NEED_QUOTE) == 0 || pem.size == 0) {
		note_set(&c->chain_note, "certification data of type %u and no chain beside it", c->quote.cert_type);
		return;
	}
	if (cert_list_read(pem, &c->chain, &c->chain_note) != OK)
		return;
	note_set(&c->chain_note, "%u certificates", (unsigned)c->chain.count);
	set_cert(c, CERT_PCK, &c->chain.cert[0], NEED_PCK);
	set_cert(c, CERT_CA, cert_list_issuer(&c->chain, c->cert[CERT_PCK]), NEED_CA);
	set_cert(c, CERT_ROOT, cert_list_issuer(&c->chain, c->cert[CERT_CA]), NEED_ROOT);
}

static void load_ext(struct dcap_case *c)
{
	struct slice value;

	if ((c->have & NEED_PCK) == 0)
		return;
	if (!cert_extension(c->cert[CERT_PCK], pck_ext_oid, &value))
		note_set(&c->ext_note, "there is none");
	else if (pck_ext_parse(value, &c->ext, &c->ext_note) == OK)
		c->have |= NEED_EXT;
}

static void load_crl(struct dcap_case *c, enum dcap_crl which, const char *name, enum dcap_need bit)
{
	struct slice der = dcap_item(c->e, name);

	/* Some tools store a list as text, with its ending zero. */
	if (der.size > 4 && der.data[1] == 0x82 && der.size - 1 == 4u + ((size_t)der.data[2] << 8 | der.data[3]) &&
	    der.data[der.size - 1] == 0)
		der.size--;
	if (der.size == 0)
		note_set(&c->crl_note[which], "not given");
	else if (crl_read(der, &c->crl[which], &c->crl_note[which]) == OK) {
		note_set(&c->crl_note[which], "read");
		c->have |= (unsigned)bit;
	}
}

static void load_list(const struct dcap_case *c, const char *name, struct cert_list *l, struct note *n)
{
	struct slice pem = dcap_item(c->e, name);

	if (pem.size == 0)
		note_set(n, "not given");
	else if (cert_list_read(pem, l, n) == OK)
		note_set(n, "%u certificates", (unsigned)l->count);
}

static const struct {
	const char *text, *signature, *chain, *member;
	enum dcap_cert signer;
	enum dcap_need signer_bit, bit;
} statements[DCAP_SIGNED_COUNT] = {
        [SIGNED_TCB] = {"tcb_info", "tcb_info_signature", "tcb_info_issuer_chain", "tcbInfo", CERT_TCB_SIGNER,
                        NEED_TCB_SIGNER, NEED_TCB},
        [SIGNED_QE] = {"qe_identity", "qe_identity_signature", "qe_identity_issuer_chain", "enclaveIdentity",
                       CERT_QE_SIGNER, NEED_QE_SIGNER, NEED_QE},
};

static void load_statement(struct dcap_case *c, enum dcap_signed which)
{
	struct slice text = dcap_item(c->e, statements[which].text),
	             signature = dcap_item(c->e, statements[which].signature);
	struct note *n = &c->text_note[which];
	enum err err;

	load_list(c, statements[which].chain, &c->signers[which], &c->signer_note[which]);
	set_cert(c, statements[which].signer, c->signers[which].count > 0 ? &c->signers[which].cert[0] : NULL,
	         statements[which].signer_bit);
	if (signature.size == 0 && dcap_unwrap(text, statements[which].member, &text, &signature) != OK)
		signature = slice_of(NULL, 0);
	c->text[which] = text;
	c->signature_ok[which] = hex_decode(signature, c->signature[which], P256_PAIR_SIZE) == OK;
	if (text.size == 0) {
		note_set(n, "not given");
		return;
	}
	err = which == SIGNED_TCB ? tcb_info_parse(text, &c->tcb, n) : qe_identity_parse(text, &c->qe, n);
	if (err == OK)
		c->have |= (unsigned)statements[which].bit;
}

/* ---- what follows from it ---- */

static void find_module(struct dcap_case *c)
{
	const uint8_t *svn = c->quote.td.tee_tcb_svn.data;

	c->module = tdx_module_of(&c->tcb, svn[1]);
	if (c->module == NULL)
		return;
	c->have |= NEED_MODULE;
	if (svn[1] > 0)
		c->module_level = isv_level_of(&c->module->levels, svn[0]);
}

static void find_levels(struct dcap_case *c)
{
	bool td = c->quote.body != QUOTE_BODY_SGX;

	if ((c->have & NEED_QE) != 0)
		c->qe_level = isv_level_of(&c->qe.levels, c->quote.qe.svn);
	if (c->qe_level != NULL)
		c->have |= NEED_QE_LEVEL;
	if ((c->have & NEED_TCB) == 0)
		return;
	if (td)
		find_module(c);
	if ((c->have & NEED_EXT) != 0)
		c->level = tcb_level_of(&c->tcb, &c->ext, td ? c->quote.td.tee_tcb_svn.data : NULL);
	if (c->level != NULL)
		c->have |= NEED_LEVEL;
}

static enum tcb_status with_module(const struct dcap_case *c)
{
	enum tcb_status merged = tcb_merge(c->level->status, c->module_level->status);
	struct relaunch r = {
	        .merged = merged, .module = c->module_level->status, .svn2 = c->quote.td.tee_tcb_svn2.data};
	const struct tcb_level *sgx = tcb_level_of(&c->tcb, &c->ext, NULL);

	if (c->quote.body != QUOTE_BODY_TD15 || sgx == NULL || c->qe_level == NULL)
		return merged;
	r.sgx = sgx->status;
	r.qe = c->qe_level->status;
	return tcb_relaunch(&c->tcb, &r);
}

/* Platform, then module, then quoting enclave. */
static void find_status(struct dcap_case *c)
{
	bool td = c->quote.body != QUOTE_BODY_SGX,
	     no_qe = c->rules->no_qe_identity && dcap_item(c->e, "qe_identity").size == 0;

	if (c->level == NULL || (c->qe_level == NULL && !no_qe))
		return;
	if (td && (c->module == NULL || (c->quote.td.tee_tcb_svn.data[1] > 0 && c->module_level == NULL)))
		return;
	c->status = c->module_level != NULL ? with_module(c) : c->level->status;
	if (c->qe_level != NULL)
		c->status = tcb_merge(c->status, c->qe_level->status);
	c->have |= NEED_STATUS;
}

static void load(struct dcap_case *c)
{
	c->collateral = anything_given(c->e);
	if (quote_parse(c->e->evidence, &c->quote, &c->quote_note) == OK)
		c->have |= NEED_QUOTE;
	load_chain(c);
	load_ext(c);
	load_crl(c, CRL_ROOT, "root_ca_crl", NEED_ROOT_CRL);
	load_crl(c, CRL_PCK, "pck_crl", NEED_PCK_CRL);
	load_list(c, "pck_crl_issuer_chain", &c->crl_issuers, &c->crl_issuers_note);
	load_statement(c, SIGNED_TCB);
	load_statement(c, SIGNED_QE);
	if ((c->have & NEED_QUOTE) == 0)
		return;
	find_levels(c);
	find_status(c);
}

static void unload(struct dcap_case *c)
{
	cert_list_free(&c->chain);
	cert_list_free(&c->crl_issuers);
	for (unsigned i = 0; i < DCAP_SIGNED_COUNT; i++)
		cert_list_free(&c->signers[i]);
	for (unsigned i = 0; i < DCAP_CRL_COUNT; i++)
		crl_free(&c->crl[i]);
	tcb_info_free(&c->tcb);
	qe_identity_free(&c->qe);
}

/* ---- judging ---- */

/* Missing collateral is no gap when the relying party said that it does without. */
static bool gap_matters(const struct dcap_case *c, unsigned missing)
{
	if (c->rules->no_collateral && !c->collateral)
		return missing < NEED_COLLATERAL || (missing & (NEED_COLLATERAL - 1)) != 0;
	if (c->rules->no_qe_identity && dcap_item(c->e, "qe_identity").size == 0)
		return missing < NEED_QE_PART || (missing & (NEED_QE_PART - 1)) != 0;
	return true;
}

static bool judge_row(const struct dcap_case *c, const struct dcap_row *row)
{
	struct check k = {.id = row->id, .link = row->link, .spec = row->spec};
	unsigned missing = row->needs & ~c->have;
	bool judged = true;

	if (missing == 0) {
		k.result = row->judge(c, row->arg, &k);
	} else {
		judged = !gap_matters(c, missing);
		k.result = CHECK_SKIP;
		for (unsigned i = 0; i < DCAP_NEED_COUNT; i++)
			if ((missing >> i & 1) != 0 && k.found[0] == 0)
				say(k.found, "not judged: the %s %s", need_text[i],
				    judged ? "is not there" : "cannot be known");
	}
	if (k.result != CHECK_FAIL)
		k.cure[0] = 0;
	verdict_add(c->v, &k);
	return judged;
}

static void measurement(const struct dcap_case *c)
{
	struct slice m = c->quote.body == QUOTE_BODY_SGX ? c->quote.sgx.mrenclave : c->quote.td.mrtd;

	if ((c->have & NEED_QUOTE) == 0)
		return;
	memcpy(c->v->measurement, m.data, m.size);
	c->v->measurement_size = m.size;
}

/* The case is too big for a stack. */
static struct dcap_case *case_new(const struct envelope *e, const struct dcap_rules *rules, bool tdx)
{
	struct dcap_case *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->e = e;
	c->rules = rules;
	c->tdx = tdx;
	load(c);
	return c;
}

static void case_free(struct dcap_case *c)
{
	unload(c);
	free(c);
}

bool dcap_verify(const struct verify_input *in, const struct envelope *e, const struct dcap_rules *rules, bool tdx,
                 struct verdict *v)
{
	static const struct dcap_rows *const tables[] = {&dcap_chain_checks, &dcap_collateral_checks,
	                                                 &dcap_quote_checks, &dcap_body_checks};
	struct dcap_case *c = case_new(e, rules, tdx);
	bool judged = true;

	if (c == NULL)
		return false;
	c->in = in;
	c->v = v;
	measurement(c);
	for (size_t t = 0; t < ARRAY_COUNT(tables); t++)
		for (size_t i = 0; i < tables[t]->count; i++)
			if ((tables[t]->row[i].in & (tdx ? DCAP_IN_TDX : DCAP_IN_SGX)) != 0 &&
			    !judge_row(c, &tables[t]->row[i]))
				judged = false;
	/* verdict_add keeps failures even when there is no room, but a check that is not shown is no check. */
	CHECK(v->check_count < VERDICT_CHECKS_MAX);
	case_free(c);
	return judged;
}

/* ---- facts ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void add_advisories(const json_t *list, struct dcap_facts *f)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		size_t k = 0;

		while (k < f->advisory_count && strcmp(f->advisories[k], text) != 0)
			k++;
		if (k == f->advisory_count && k < DCAP_ADVISORIES_MAX)
			snprintf(f->advisories[f->advisory_count++], DCAP_ADVISORY_MAX, "%s", text);
	}
}

static void facts(const struct dcap_case *c, struct dcap_facts *f)
{
	if ((c->have & NEED_EXT) != 0)
		memcpy(f->fmspc, c->ext.fmspc.data, sizeof f->fmspc);
	f->platform_set = c->level != NULL;
	f->qe_set = c->qe_level != NULL;
	f->module_set = c->module_level != NULL;
	f->status_set = (c->have & NEED_STATUS) != 0;
	f->status = c->status;
	if (c->level != NULL) {
		f->platform = c->level->status;
		memcpy(f->tcb_date, c->level->date, sizeof f->tcb_date);
		add_advisories(c->level->advisories, f);
	}
	if (c->qe_level != NULL)
		f->qe = c->qe_level->status;
	if (c->module_level != NULL) {
		f->module = c->module_level->status;
		add_advisories(c->module_level->advisories, f);
	}
	qsort(f->advisories, f->advisory_count, sizeof f->advisories[0], by_text);
}

void dcap_facts_of(const struct envelope *e, struct dcap_facts *out)
{
	static const struct dcap_rules none;
	struct dcap_case *c = case_new(e, &none, false);

	memset(out, 0, sizeof *out);
	if (c == NULL)
		return;
	facts(c, out);
	case_free(c);
}
