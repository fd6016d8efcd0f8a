/* SPDX-License-Identifier: Apache-2.0 */
/* [cca]: which platforms, which realms. The tokens' hashes have the size that the platform chose. */
#include "client/attest/policy_read.h"

#include "client/attest/cca.h"
#include "client/attest/jwk.h"
#include "lib/base/hex.h"
#include "sys/file.h"

#include <stdio.h>
#include <stdlib.h>

void cca_hash_form(struct slice hash, uint8_t out[static CCA_HASH_SIZE])
{
	memset(out, 0, CCA_HASH_SIZE);
	if (hash.size == 0 || hash.size > CCA_HASH_SIZE - 1)
		return;
	out[0] = (uint8_t)hash.size;
	memcpy(out + 1, hash.data, hash.size);
}

static enum err hash_list(struct reading *r, struct digest_list *l, const struct toml_value *v, const char *key)
{
	if (v->u.array.count == 0)
		return policy_wrong(
		        r, v, "an empty list accepts nothing; leave %s out if you do not want to look at it", key);
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];
		const size_t size = one->type == TOML_STRING ? one->u.string.size / 2 : 0;
		uint8_t bytes[64], form[CCA_HASH_SIZE];

		if ((size != 32 && size != 48 && size != 64) || hex_decode(one->u.string, bytes, size) != OK)
			return policy_wrong(r, one, "a hash has 64, 96 or 128 hex digits");
		cca_hash_form(slice_of(bytes, size), form);
		if (policy_add(l, CCA_HASH_SIZE, form) != OK)
			return policy_wrong(r, one, "too many values");
	}
	return OK;
}

/* ---- keys of platforms ---- */

static enum err take_key(struct reading *r, const struct toml_value *v)
{
	struct cca_rules *d = &r->p->cca;
	char path[POLICY_PATH_SIZE];
	struct note why = {""};
	struct slice text = {0};
	EVP_PKEY *key;

	if (v->type != TOML_STRING || d->key_count == CCA_RULE_KEYS)
		return policy_wrong(r, v, "platform_keys lists at most %d paths of JWK files", CCA_RULE_KEYS);
	TRY(policy_path(r, v, path));
	if (file_read(path, JWK_SIZE_MAX, &text, &why) != OK)
		return policy_wrong(r, v, "the platform's key: %.180s", why.text);
	key = jwk_ec_key(text, &why);
	if (key == NULL) {
		free((void *)(uintptr_t)text.data);
		return policy_wrong(r, v, "the platform's key %.80s: %.100s", path, why.text);
	}
	EVP_PKEY_free(key);
	d->keys[d->key_count++] = text;
	return OK;
}

static enum err take_keys(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	for (size_t i = 0; i < v->u.array.count; i++)
		TRY(take_key(r, v->u.array.items[i]));
	return OK;
}

/* ---- values ---- */

static enum err take_initial(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return hash_list(r, &r->p->cca.initial, v, rule->key);
}

static enum err take_rem(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return hash_list(r, &r->p->cca.rems[rule->arg], v, rule->key);
}

static enum err take_software(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return hash_list(r, &r->p->cca.software, v, rule->key);
}

static enum err take_free(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];

		if (one->type != TOML_INTEGER || one->u.integer < 0 || one->u.integer >= CCA_RULE_REMS)
			return policy_wrong(r, one, "rems_free lists numbers of REMs, from 0 to 3");
		r->rem_free[one->u.integer] = true;
	}
	return OK;
}

enum { PIN_PERSONALIZATION, PIN_IMPLEMENTATION, PIN_INSTANCE };

static enum err take_pin(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct cca_rules *d = &r->p->cca;
	struct digest_list *const lists[] = {[PIN_PERSONALIZATION] = &d->personalizations,
	                                     [PIN_IMPLEMENTATION] = &d->implementations,
	                                     [PIN_INSTANCE] = &d->instances};
	static const size_t sizes[] = {[PIN_PERSONALIZATION] = CCA_PERSONALIZATION_SIZE,
	                               [PIN_IMPLEMENTATION] = CCA_IMPLEMENTATION_SIZE,
	                               [PIN_INSTANCE] = CCA_INSTANCE_SIZE};

	return policy_hex_list(r, lists[rule->arg], sizes[rule->arg], v, rule->key);
}

enum { FLAG_UNSECURED, FLAG_ANY_SOFTWARE };

static enum err take_flag(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	bool *const flags[] = {[FLAG_UNSECURED] = &r->p->cca.unsecured, [FLAG_ANY_SOFTWARE] = &r->p->cca.any_software};

	*flags[rule->arg] = v->u.boolean;
	return OK;
}

static const struct rule rules[] = {
        {"platform_keys", TOML_ARRAY, 0, take_keys},
        {"initial_measurements", TOML_ARRAY, 0, take_initial},
        {"rem0", TOML_ARRAY, 0, take_rem},
        {"rem1", TOML_ARRAY, 1, take_rem},
        {"rem2", TOML_ARRAY, 2, take_rem},
        {"rem3", TOML_ARRAY, 3, take_rem},
        {"rems_free", TOML_ARRAY, 0, take_free},
        {"software", TOML_ARRAY, 0, take_software},
        {"any_software", TOML_BOOL, FLAG_ANY_SOFTWARE, take_flag},
        {"unsecured", TOML_BOOL, FLAG_UNSECURED, take_flag},
        {"personalizations", TOML_ARRAY, PIN_PERSONALIZATION, take_pin},
        {"implementation_ids", TOML_ARRAY, PIN_IMPLEMENTATION, take_pin},
        {"instance_ids", TOML_ARRAY, PIN_INSTANCE, take_pin},
};

enum err policy_take_cca(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_table(r, v, rules, ARRAY_COUNT(rules), rule->key);
}

enum err policy_cca_complete(struct reading *r)
{
	const struct cca_rules *d = &r->p->cca;
	char what[24];

	if (d->key_count == 0)
		return policy_missing(r, "[cca] platform_keys",
		                      "name the files of the keys of platforms you trust (JWK)");
	if (d->initial.count == 0)
		return policy_missing(r, "[cca] initial_measurements", "name the initial images of realms you accept");
	for (unsigned i = 0; i < CCA_RULE_REMS; i++) {
		snprintf(what, sizeof what, "[cca] rem%u", i);
		if (d->rems[i].count == 0 && !r->rem_free[i])
			return policy_missing(
			        r, what,
			        "name the values you accept, or add its number to rems_free if it may have any value");
		if (d->rems[i].count > 0 && r->rem_free[i])
			return refuse(r->n, ERR_INVALID, "%s: %s is listed, and rems_free says it is free; keep one",
			              r->name, what);
	}
	if (d->software.count == 0 && !d->any_software)
		return policy_missing(r, "[cca] software",
		                      "name the firmware that may run on the platform, or say any_software = true");
	if (d->software.count > 0 && d->any_software)
		return refuse(r->n, ERR_INVALID, "%s: [cca] any_software = true, but software is listed; keep one",
		              r->name);
	return OK;
}

void policy_cca_free(struct cca_rules *d)
{
	struct digest_list *const lists[] = {&d->initial, &d->software, &d->personalizations, &d->implementations,
	                                     &d->instances};

	for (size_t i = 0; i < d->key_count; i++)
		free((void *)(uintptr_t)d->keys[i].data);
	for (size_t i = 0; i < ARRAY_COUNT(lists); i++)
		free(lists[i]->bytes);
	for (size_t i = 0; i < CCA_RULE_REMS; i++)
		free(d->rems[i].bytes);
}
