/* SPDX-License-Identifier: Apache-2.0 */
/* [sgx] and [tdx]: what a policy says about Intel's TEEs. Both are read by one table; each row says where it may stand.
 */
#include "client/attest/policy_read.h"

#include "lib/base/hex.h"

#include <stdio.h>

/* ---- statuses and advisories ---- */

static enum err take_statuses(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];
		unsigned k = 0;

		while (k < TCB_STATUS_COUNT &&
		       !(one->type == TOML_STRING && slice_is(one->u.string, tcb_status_names[k])))
			k++;
		if (k == TCB_STATUS_COUNT)
			return policy_wrong(
			        r, one,
			        "tcb_statuses knows Intel's words, as \"UpToDate\", \"SWHardeningNeeded\", "
			        "\"ConfigurationNeeded\", \"ConfigurationAndSWHardeningNeeded\", \"OutOfDate\"");
		if (k == TCB_REVOKED)
			return policy_wrong(r, one, "a revoked platform is never accepted; take \"Revoked\" out");
		r->dcap->statuses |= 1u << k;
	}
	return OK;
}

static bool advisory_form(struct slice s)
{
	if (s.size < 9 || s.size >= DCAP_ADVISORY_MAX || memcmp(s.data, "INTEL-SA-", 9) != 0)
		return false;
	for (size_t i = 9; i < s.size; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return true;
}

static enum err take_advisories(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];
		uint8_t padded[DCAP_ADVISORY_MAX] = {0};

		if (one->type == TOML_STRING && slice_is(one->u.string, "any")) {
			r->dcap->any_advisory = true;
			continue;
		}
		if (one->type != TOML_STRING || !advisory_form(one->u.string))
			return policy_wrong(r, one, "an advisory is called as in \"INTEL-SA-00615\", or \"any\"");
		memcpy(padded, one->u.string.data, one->u.string.size);
		if (policy_add(&r->dcap->advisories, DCAP_ADVISORY_MAX, padded) != OK)
			return policy_wrong(r, one, "too many advisories; say \"any\" if you do not look at them");
	}
	return OK;
}

/* ---- numbers, bits, flags ---- */

static enum err take_age(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_seconds(r, v, rule->key, rule->arg == 0 ? &r->dcap->max_age_s : &r->dcap->root_crl_max_age_s);
}

enum { NUMBER_EVALUATION, NUMBER_PRODUCT, NUMBER_SVN, NUMBER_CONFIG_SVN };

static enum err take_number(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct dcap_rules *d = r->dcap;
	uint32_t *const all[] = {[NUMBER_EVALUATION] = &d->evaluation_min,
	                         [NUMBER_PRODUCT] = &d->prod_id,
	                         [NUMBER_SVN] = &d->svn_min,
	                         [NUMBER_CONFIG_SVN] = &d->config_svn_min};

	TRY(policy_number(r, v, rule->key, 65535, all[rule->arg]));
	d->prod_id_set = d->prod_id_set || rule->arg == NUMBER_PRODUCT;
	d->svn_set = d->svn_set || rule->arg == NUMBER_SVN;
	return OK;
}

enum { BITS_ATTRIBUTES, BITS_XFAM };

static enum err take_bits(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	uint8_t be[8];
	uint64_t bits = 0;

	if (hex_decode(v->u.string, be, sizeof be) != OK)
		return policy_wrong(r, v, "%s must have 16 hex digits, the highest bit first", rule->key);
	for (unsigned i = 0; i < sizeof be; i++)
		bits = bits << 8 | be[i];
	if (rule->arg == BITS_ATTRIBUTES)
		r->dcap->td_attributes = bits;
	else
		r->dcap->xfam = bits;
	r->dcap->xfam_limited = r->dcap->xfam_limited || rule->arg == BITS_XFAM;
	return OK;
}

enum { FLAG_DEBUG, FLAG_MIGRATION, FLAG_SERVICE_TD };

static enum err take_flag(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	bool *const all[] = {[FLAG_DEBUG] = &r->dcap->debug,
	                     [FLAG_MIGRATION] = &r->dcap->migration,
	                     [FLAG_SERVICE_TD] = &r->dcap->service_td};

	*all[rule->arg] = v->u.boolean;
	return OK;
}

static enum err take_free(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];

		if (one->type != TOML_INTEGER || one->u.integer < 0 || one->u.integer > 3)
			return policy_wrong(r, one, "rtmrs_free lists numbers of RTMRs, from 0 to 3");
		r->rtmr_free[one->u.integer] = true;
	}
	return OK;
}

static enum err take_pin(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_hex_list(r, &r->dcap->pins[rule->arg], dcap_pins[rule->arg].size, v, rule->key);
}

static enum err take_root(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	if (r->dcap->root_count == 1 && r->dcap->roots == (const uint8_t(*)[SPKI_DIGEST_SIZE])r->dcap_root)
		return policy_wrong(r, v, "root and root_sha256 are two ways to say one thing: keep one");
	TRY(rule->arg == 0 ? policy_root(r, v, false, r->dcap_root[0]) : policy_root_digest(r, v, r->dcap_root[0]));
	r->dcap->roots = (const uint8_t(*)[SPKI_DIGEST_SIZE])r->dcap_root;
	r->dcap->root_count = 1;
	return OK;
}

/* ---- the table ---- */

static const struct {
	struct rule rule;
	unsigned in;
} all_rules[] = {
        {{"tcb_statuses", TOML_ARRAY, 0, take_statuses}, DCAP_IN_SGX | DCAP_IN_TDX},
        {{"advisories", TOML_ARRAY, 0, take_advisories}, DCAP_IN_SGX | DCAP_IN_TDX},
        {{"collateral_max_age", TOML_STRING, 0, take_age}, DCAP_IN_SGX | DCAP_IN_TDX},
        {{"root_crl_max_age", TOML_STRING, 1, take_age}, DCAP_IN_SGX | DCAP_IN_TDX},
        {{"minimum_evaluation", TOML_INTEGER, NUMBER_EVALUATION, take_number}, DCAP_IN_SGX | DCAP_IN_TDX},
        {{"debug", TOML_BOOL, FLAG_DEBUG, take_flag}, DCAP_IN_SGX | DCAP_IN_TDX},
        {{"root", TOML_STRING, 0, take_root}, DCAP_IN_SGX | DCAP_IN_TDX},
        {{"root_sha256", TOML_STRING, 1, take_root}, DCAP_IN_SGX | DCAP_IN_TDX},
        {{"product_id", TOML_INTEGER, NUMBER_PRODUCT, take_number}, DCAP_IN_SGX},
        {{"minimum_isv_svn", TOML_INTEGER, NUMBER_SVN, take_number}, DCAP_IN_SGX},
        {{"minimum_config_svn", TOML_INTEGER, NUMBER_CONFIG_SVN, take_number}, DCAP_IN_SGX},
        {{"rtmrs_free", TOML_ARRAY, 0, take_free}, DCAP_IN_TDX},
        {{"migration", TOML_BOOL, FLAG_MIGRATION, take_flag}, DCAP_IN_TDX},
        {{"service_td", TOML_BOOL, FLAG_SERVICE_TD, take_flag}, DCAP_IN_TDX},
        {{"attributes_set", TOML_STRING, BITS_ATTRIBUTES, take_bits}, DCAP_IN_TDX},
        {{"xfam", TOML_STRING, BITS_XFAM, take_bits}, DCAP_IN_TDX},
};

static enum err take_dcap(struct reading *r, const struct rule *rule, const struct toml_value *v, unsigned in)
{
	struct rule rules[POLICY_RULES_MAX];
	size_t count = 0;

	static_assert(ARRAY_COUNT(all_rules) + DCAP_PIN_COUNT <= POLICY_RULES_MAX, "room for every rule");
	for (size_t i = 0; i < ARRAY_COUNT(all_rules); i++)
		if ((all_rules[i].in & in) != 0)
			rules[count++] = all_rules[i].rule;
	for (unsigned i = 0; i < DCAP_PIN_COUNT; i++)
		if ((dcap_pins[i].in & in) != 0)
			rules[count++] = (struct rule){dcap_pins[i].key, TOML_ARRAY, i, take_pin};
	return policy_table(r, v, rules, count, rule->key);
}

enum err policy_take_sgx(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	r->dcap = &r->p->sgx;
	r->dcap_root = r->p->sgx_root;
	return take_dcap(r, rule, v, DCAP_IN_SGX);
}

enum err policy_take_tdx(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	r->dcap = &r->p->tdx;
	r->dcap_root = r->p->tdx_root;
	return take_dcap(r, rule, v, DCAP_IN_TDX);
}

/* ---- what must be there ---- */

static enum err both_complete(struct reading *r, const struct dcap_rules *d, const char *table)
{
	char what[40];

	snprintf(what, sizeof what, "[%s] tcb_statuses", table);
	if (d->statuses == 0)
		return policy_missing(r, what, "name what is good enough for you, as in tcb_statuses = [\"UpToDate\"]");
	snprintf(what, sizeof what, "[%s] collateral_max_age", table);
	if (d->max_age_s == 0)
		return policy_missing(r, what,
		                      "say how old Intel's lists and statements may be, as in "
		                      "collateral_max_age = \"30d\"");
	return OK;
}

enum err policy_sgx_complete(struct reading *r)
{
	const struct dcap_rules *d = &r->p->sgx;

	if (d->pins[DCAP_PIN_MRENCLAVE].count == 0) {
		if (d->pins[DCAP_PIN_MRSIGNER].count == 0)
			return policy_missing(
			        r, "[sgx] mrenclaves",
			        "name the enclaves you accept, or who signed them (mrsigners, with product_id "
			        "and minimum_isv_svn)");
		if (!d->prod_id_set)
			return policy_missing(r, "[sgx] product_id",
			                      "a signer may sign many products; say which one you mean");
		if (!d->svn_set)
			return policy_missing(
			        r, "[sgx] minimum_isv_svn",
			        "a signer's old versions have holes; say 0 if every version is good enough");
	}
	return both_complete(r, d, "sgx");
}

enum err policy_tdx_complete(struct reading *r)
{
	const struct dcap_rules *d = &r->p->tdx;
	char what[40];

	if (d->pins[DCAP_PIN_MRTD].count == 0)
		return policy_missing(r, "[tdx] mrtds", "name the initial images (firmware) you accept");
	for (unsigned i = 0; i < 4; i++) {
		bool pinned = d->pins[DCAP_PIN_RTMR0 + i].count > 0;

		snprintf(what, sizeof what, "[tdx] rtmr%u", i);
		if (!pinned && !r->rtmr_free[i])
			return policy_missing(
			        r, what,
			        "name the values you accept, or add its number to rtmrs_free if it may have "
			        "any value");
		if (pinned && r->rtmr_free[i])
			return refuse(r->n, ERR_INVALID, "%s: %s is listed, and rtmrs_free says it is free; keep one",
			              r->name, what);
	}
	return both_complete(r, d, "tdx");
}
