/* SPDX-License-Identifier: Apache-2.0 */
/* [nitro] and [vtpm]: TEEs whose measurements are numbered registers. */
#include "client/attest/policy_read.h"

#include <stdio.h>

enum { NAME_SIZE = 8 };

static void pcr_rules(struct rule *rules, char names[][NAME_SIZE], unsigned count,
                      enum err (*take)(struct reading *, const struct rule *, const struct toml_value *))
{
	for (unsigned i = 0; i < count; i++) {
		snprintf(names[i], NAME_SIZE, "pcr%u", i % 100);
		rules[i] = (struct rule){names[i], TOML_ARRAY, i, take};
	}
}

static bool any_pinned(const struct digest_list *pcrs, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (pcrs[i].count > 0)
			return true;
	return false;
}

/* ---- nitro ---- */

static enum err take_nitro_pcr(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_hex_list(r, &r->p->nitro.pcrs[rule->arg], 48, v, rule->key);
}

static enum err take_nitro_debug(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	r->p->nitro.debug = v->u.boolean;
	return OK;
}

static enum err take_nitro_root(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct nitro_rules *d = &r->p->nitro;

	if (d->root_set)
		return policy_wrong(r, v, "root and root_sha256 are two ways to say one thing: keep one");
	d->root_set = true;
	return rule->arg == 0 ? policy_root(r, v, true, d->root) : policy_root_digest(r, v, d->root);
}

static enum err take_nitro_crl(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	r->p->nitro.crl_required = slice_is(v->u.string, "required");
	if (!r->p->nitro.crl_required && !slice_is(v->u.string, "if-given"))
		return policy_wrong(r, v, "crl knows \"required\" and \"if-given\"");
	return OK;
}

static enum err take_nitro_age(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_seconds(r, v, rule->key, rule->arg == 0 ? &r->p->nitro.crl_max_age_s : &r->p->nitro.max_age_s);
}

enum err policy_take_nitro(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct rule rules[POLICY_RULES_MAX];
	char names[NITRO_RULE_PCRS][NAME_SIZE];
	size_t count = NITRO_RULE_PCRS;

	static_assert(NITRO_RULE_PCRS + 6 <= POLICY_RULES_MAX, "room for every rule");
	pcr_rules(rules, names, NITRO_RULE_PCRS, take_nitro_pcr);
	rules[count++] = (struct rule){"debug", TOML_BOOL, 0, take_nitro_debug};
	rules[count++] = (struct rule){"root", TOML_STRING, 0, take_nitro_root};
	rules[count++] = (struct rule){"root_sha256", TOML_STRING, 1, take_nitro_root};
	rules[count++] = (struct rule){"crl", TOML_STRING, 0, take_nitro_crl};
	rules[count++] = (struct rule){"crl_max_age", TOML_STRING, 0, take_nitro_age};
	rules[count++] = (struct rule){"max_age", TOML_STRING, 1, take_nitro_age};
	return policy_table(r, v, rules, count, rule->key);
}

/* PCR0 is the image, PCR8 the certificate that signed it; the others alone do not say which program runs. */
enum err policy_nitro_complete(struct reading *r)
{
	const struct nitro_rules *d = &r->p->nitro;

	if (d->pcrs[0].count == 0 && d->pcrs[8].count == 0)
		return policy_missing(r, "[nitro] pcr0", "name the images you accept, or who signed them (pcr8)");
	return OK;
}

/* ---- vtpm ---- */

static enum err take_vtpm_pcr(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_hex_list(r, &r->p->vtpm.pcrs[rule->arg], 32, v, rule->key);
}

static enum err take_vtpm_any(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	r->p->vtpm.any_pcrs = v->u.boolean;
	return OK;
}

enum err policy_take_vtpm(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct rule rules[POLICY_RULES_MAX];
	char names[VTPM_RULE_PCRS][NAME_SIZE];
	size_t count = VTPM_RULE_PCRS;

	static_assert(VTPM_RULE_PCRS + 1 <= POLICY_RULES_MAX, "room for every rule");
	pcr_rules(rules, names, VTPM_RULE_PCRS, take_vtpm_pcr);
	rules[count++] = (struct rule){"any_pcrs", TOML_BOOL, 0, take_vtpm_any};
	return policy_table(r, v, rules, count, rule->key);
}

enum err policy_vtpm_complete(struct reading *r)
{
	const struct vtpm_rules *d = &r->p->vtpm;
	const bool pinned = any_pinned(d->pcrs, VTPM_RULE_PCRS);

	if (!r->p->snp.accepted && !r->p->tdx.accepted)
		return policy_missing(r, "the hardware below the vTPM",
		                      "add \"snp\" or \"tdx\" to tee, with its table");
	if (!pinned && !d->any_pcrs)
		return policy_missing(r, "[vtpm] pcr0 (or another)",
		                      "name the values you accept, or say any_pcrs = true if the system may be any");
	if (pinned && d->any_pcrs)
		return refuse(r->n, ERR_INVALID, "%s: [vtpm] any_pcrs = true, but values are listed; keep one",
		              r->name);
	return OK;
}
