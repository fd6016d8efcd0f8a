/* SPDX-License-Identifier: Apache-2.0 */
/* [sev], for SEV and SEV-ES guests, and [pef]: TEEs that attest before a guest runs. */
#include "client/attest/policy_read.h"

#include "lib/base/hex.h"
#include "sys/openssl.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- sev ---- */

enum { LIST_DIGESTS, LIST_CEKS, LIST_OCAS };

static enum err take_list(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct sev_rules *d = &r->p->sev;
	struct digest_list *const lists[] = {
	        [LIST_DIGESTS] = &d->digests, [LIST_CEKS] = &d->ceks, [LIST_OCAS] = &d->ocas};

	return policy_hex_list(r, lists[rule->arg], 32, v, rule->key);
}

/* "MAJOR.MINOR.BUILD". */
static enum err take_minimum(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	const char *text = (const char *)v->u.string.data;
	struct sev_rules *d = &r->p->sev;
	unsigned part[3] = {0};
	int used = 0;

	(void)rule;
	if (strlen(text) != v->u.string.size ||
	    sscanf(text, "%3u.%3u.%3u%n", &part[0], &part[1], &part[2], &used) != 3 || text[used] != 0 ||
	    part[0] > 255 || part[1] > 255 || part[2] > 255)
		return policy_wrong(r, v, "minimum_firmware is API major and minor and build, as in \"0.24.15\"");
	for (unsigned i = 0; i < 3; i++)
		d->minimum[i] = (uint8_t)part[i];
	d->minimum_set = true;
	return OK;
}

enum { FLAG_DEBUG, FLAG_KEY_SHARING, FLAG_MIGRATION };

static enum err take_flag(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct sev_rules *d = &r->p->sev;
	bool *const flags[] = {
	        [FLAG_DEBUG] = &d->debug, [FLAG_KEY_SHARING] = &d->key_sharing, [FLAG_MIGRATION] = &d->migration};

	*flags[rule->arg] = v->u.boolean;
	return OK;
}

static enum err take_root(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct sev_rules *d = &r->p->sev;

	if (d->root_set)
		return policy_wrong(r, v, "root and root_sha256 are two ways to say one thing: keep one");
	d->root_set = true;
	return rule->arg == 0 ? policy_root(r, v, false, d->root) : policy_root_digest(r, v, d->root);
}

static const struct rule sev_rules[] = {
        {"digests", TOML_ARRAY, LIST_DIGESTS, take_list},    {"ceks", TOML_ARRAY, LIST_CEKS, take_list},
        {"ocas", TOML_ARRAY, LIST_OCAS, take_list},          {"minimum_firmware", TOML_STRING, 0, take_minimum},
        {"debug", TOML_BOOL, FLAG_DEBUG, take_flag},         {"key_sharing", TOML_BOOL, FLAG_KEY_SHARING, take_flag},
        {"migration", TOML_BOOL, FLAG_MIGRATION, take_flag}, {"root", TOML_STRING, 0, take_root},
        {"root_sha256", TOML_STRING, 1, take_root},
};

enum err policy_take_sev(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_table(r, v, sev_rules, ARRAY_COUNT(sev_rules), rule->key);
}

enum err policy_sev_complete(struct reading *r)
{
	if (r->p->sev.digests.count == 0)
		return policy_missing(r, "[sev] digests",
		                      "name the launch digests you accept (`broch measure --tee sev` prints them)");
	if (!r->p->sev.minimum_set)
		return policy_missing(r, "[sev] minimum_firmware",
		                      "say \"0.0.0\" if every version is good enough for you");
	return OK;
}

/* ---- pef ---- */

static const char *const pef_keys[PEF_RULE_COUNT] = {
        [PEF_RULE_KERNEL] = "kernels",
        [PEF_RULE_INITRD] = "initrds",
        [PEF_RULE_BOOTARGS] = "bootargs",
        [PEF_RULE_RTAS] = "rtas",
};

static enum err take_digests(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_hex_list(r, &r->p->pef.lists[rule->arg], 64, v, rule->key);
}

/* The text itself: it is short, and nobody reads a digest of it. */
static enum err take_bootargs(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];
		uint8_t digest[64];

		if (one->type != TOML_STRING)
			return policy_wrong(r, one, "bootargs lists texts: the arguments of the kernel, to the letter");
		SHA512(one->u.string.data, one->u.string.size, digest);
		if (policy_add(&r->p->pef.lists[rule->arg], sizeof digest, digest) != OK)
			return policy_wrong(r, one, "too many values");
	}
	return OK;
}

enum err policy_take_pef(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct rule rules[PEF_RULE_COUNT];

	for (unsigned i = 0; i < PEF_RULE_COUNT; i++)
		rules[i] = (struct rule){pef_keys[i], TOML_ARRAY, i,
		                         i == PEF_RULE_BOOTARGS ? take_bootargs : take_digests};
	return policy_table(r, v, rules, ARRAY_COUNT(rules), rule->key);
}

enum err policy_pef_complete(struct reading *r)
{
	char what[24];

	for (unsigned i = 0; i < PEF_RULE_COUNT; i++) {
		snprintf(what, sizeof what, "[pef] %s", pef_keys[i]);
		if (r->p->pef.lists[i].count == 0)
			return policy_missing(r, what,
			                      "name what a blob may let start; `broch pef check` prints the digests");
	}
	return OK;
}

void policy_sev_free(struct policy *p)
{
	free(p->sev.digests.bytes);
	free(p->sev.ceks.bytes);
	free(p->sev.ocas.bytes);
	for (unsigned i = 0; i < PEF_RULE_COUNT; i++)
		free(p->pef.lists[i].bytes);
}
