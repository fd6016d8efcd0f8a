/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row, one question. The evidence is first taken apart (load), which judges nothing; then every row of the table is
 * asked in the order of the chain. A row whose input could not be read is skipped and says so; the row that asks
 * whether that input can be read has then failed, so a skipped row never turns a refusal into an acceptance.
 */
#include "client/attest/snp_case.h"

static const char *const need_text[] = {"root certificate", "intermediate certificate",  "revocation list",
                                        "platform key",     "platform key's extensions", "report",
                                        "product"};

/* ---- taking the evidence apart ---- */

static struct slice item(const struct envelope *e, const char *name)
{
	for (size_t i = 0; i < e->collateral_count; i++)
		if (slice_is(e->collateral[i].name, name))
			return e->collateral[i].value;
	return slice_of(NULL, 0);
}

static void load_cert(struct snp_case *c, struct slice der, struct cert *out, struct note *n, enum need bit)
{
	if (der.size == 0)
		note_set(n, "not in the collateral");
	else if (cert_read(der, out, n) == OK) {
		note_set(n, "%s", out->cn);
		c->have |= (unsigned)bit;
	}
}

static bool is_crl(struct slice name)
{
	return name.size >= 3 && memcmp(name.data, "crl", 3) == 0;
}

static bool by_root(const struct snp_case *c, struct slice der)
{
	struct crl one;
	bool yes;

	if ((c->have & NEED_ROOT) == 0 || crl_read(der, &one, NULL) != OK)
		return false;
	yes = crl_issuer_is(&one, &c->root, NULL) == OK;
	crl_free(&one);
	return yes;
}

/* The host may offer the lists of several products ("crl", "crl-2" and so on): the root's own one counts. When none is
 * the root's, the first is judged, and fails. */
static struct slice choose_crl(const struct snp_case *c, const struct envelope *e)
{
	struct slice first = {NULL, 0};

	for (size_t i = 0; i < e->collateral_count; i++) {
		if (!is_crl(e->collateral[i].name))
			continue;
		if (by_root(c, e->collateral[i].value))
			return e->collateral[i].value;
		if (first.size == 0)
			first = e->collateral[i].value;
	}
	return first;
}

/* Can it be read, and is not the root's? */
static bool foreign_crl(const struct snp_case *c)
{
	struct crl one;
	bool yes;

	if ((c->have & NEED_ROOT) == 0 || crl_read(c->crl_der, &one, NULL) != OK)
		return false;
	yes = crl_issuer_is(&one, &c->root, NULL) != OK;
	crl_free(&one);
	return yes;
}

/* A list of another issuer says nothing about this chain (RFC 5280 section 6.3.3). Where the policy asks for no list it is
 * as good as none, for whoever gave it could have given none. */
static void load_crl(struct snp_case *c, const struct envelope *e)
{
	c->crl_der = choose_crl(c, e);
	if (c->crl_der.size > 0 && !c->rules->crl_required && foreign_crl(c)) {
		note_set(&c->crl_note, "only lists of other issuers given");
		c->crl_der = slice_of(NULL, 0);
	} else if (c->crl_der.size == 0) {
		note_set(&c->crl_note, "none given");
	} else if (crl_read(c->crl_der, &c->crl, &c->crl_note) == OK) {
		note_set(&c->crl_note, "read");
		c->have |= NEED_CRL;
	}
}

static void load_product(struct snp_case *c)
{
	if ((c->have & NEED_ROOT) == 0)
		return;
	c->product = snp_product_by_root_cn(c->root.cn);
	if (c->product == NULL)
		return;
	c->product_index = (enum snp_product)(c->product - snp_products);
	c->have |= NEED_PRODUCT;
}

static void load(struct snp_case *c, const struct envelope *e)
{
	struct slice vcek = item(e, "vcek"), vlek = item(e, "vlek");

	c->evidence = e->evidence;
	if (snp_report_parse(c->evidence, &c->report, &c->report_note) == OK)
		c->have |= NEED_REPORT;
	/* Both may be there; the report says which one signed. */
	c->key_is_vlek = vlek.size > 0 &&
	                 (vcek.size == 0 || ((c->have & NEED_REPORT) != 0 && c->report.signing_key == SNP_KEY_VLEK));
	c->key_der = c->key_is_vlek ? vlek : vcek;
	c->ca_der = item(e, "ask");
	if (c->key_is_vlek && item(e, "asvk").size > 0)
		c->ca_der = item(e, "asvk");
	c->root_der = item(e, "ark");
	load_cert(c, c->root_der, &c->root, &c->root_note, NEED_ROOT);
	load_cert(c, c->ca_der, &c->ca, &c->ca_note, NEED_CA);
	load_cert(c, c->key_der, &c->key, &c->key_note, NEED_KEY);
	load_crl(c, e);
	load_product(c);
	if ((c->have & NEED_KEY) != 0 && amd_ext_read(&c->key, &c->ext, &c->ext_note) == OK)
		c->have |= NEED_EXT;
}

static void unload(struct snp_case *c)
{
	cert_free(&c->root);
	cert_free(&c->ca);
	cert_free(&c->key);
	crl_free(&c->crl);
}

/* ---- judging ---- */

/* A missing revocation list is no gap when nobody asked for one: snp.crl.read has then said so. */
static bool gap_matters(const struct snp_case *c, unsigned missing)
{
	return missing != NEED_CRL || c->crl_der.size != 0 || c->rules->crl_required;
}

static bool judge_row(const struct snp_case *c, const struct snp_row *row)
{
	struct check k = {.id = row->id, .link = row->link, .spec = row->spec};
	unsigned missing = row->needs & ~c->have;
	bool judged = true;

	if (missing == 0) {
		k.result = row->judge(c, &k);
	} else {
		k.result = CHECK_SKIP;
		for (unsigned i = 0; i < ARRAY_COUNT(need_text); i++)
			if ((missing >> i & 1) != 0 && k.found[0] == 0)
				say(k.found, "not judged: the %s %s", need_text[i],
				    gap_matters(c, missing) ? "cannot be read" : "is not there");
		judged = !gap_matters(c, missing);
	}
	if (k.result != CHECK_FAIL)
		k.cure[0] = 0;
	verdict_add(c->v, &k);
	return judged;
}

/* Every row of these tables. */
static bool judge(const struct verify_input *in, const struct envelope *e, const struct snp_rules *rules,
                  const struct snp_rows *const *tables, size_t table_count, struct verdict *v)
{
	struct snp_case c = {.in = in, .rules = rules, .v = v};
	bool judged = true;

	load(&c, e);
	if ((c.have & NEED_REPORT) != 0) {
		memcpy(v->measurement, c.report.measurement.data, SNP_MEASUREMENT_SIZE);
		v->measurement_size = SNP_MEASUREMENT_SIZE;
	}
	for (size_t t = 0; t < table_count; t++)
		for (size_t i = 0; i < tables[t]->count; i++)
			if (!judge_row(&c, &tables[t]->row[i]))
				judged = false;
	/* verdict_add keeps failures even when there is no room, but a check that is not shown is no check. */
	CHECK(v->check_count < VERDICT_CHECKS_MAX);
	unload(&c);
	return judged;
}

bool snp_verify(const struct verify_input *in, const struct envelope *e, const struct snp_rules *rules,
                struct verdict *v)
{
	static const struct snp_rows *const tables[] = {&snp_issuer_checks, &snp_key_checks, &snp_report_checks};

	return judge(in, e, rules, tables, ARRAY_COUNT(tables), v);
}

bool snp_verify_issuers(const struct verify_input *in, const struct envelope *e, const struct snp_rules *rules,
                        struct verdict *v)
{
	static const struct snp_rows *const tables[] = {&snp_issuer_checks};

	return judge(in, e, rules, tables, ARRAY_COUNT(tables), v);
}
