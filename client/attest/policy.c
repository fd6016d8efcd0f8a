/* SPDX-License-Identifier: Apache-2.0 */
/* The top of a policy, [snp], [soft] and [limits]; the other tables stand in policy_dcap.c and policy_others.c. */
#include "client/attest/policy_read.h"
#include "client/config/units.h"
#include "lib/base/hex.h"
#include "sys/soft_root.h"
#include "sys/state_dir.h"

#include <stdio.h>
#include <stdlib.h>

enum { MINIMUM_RULES = (int)SNP_TCB_PARTS + (int)SNP_SOFT };

const struct snp_pin_info snp_pins[SNP_PIN_COUNT] = {
        [SNP_PIN_HOST_DATA] = {"host_data", 32},    [SNP_PIN_ID_KEY] = {"id_keys", 48},
        [SNP_PIN_AUTHOR_KEY] = {"author_keys", 48}, [SNP_PIN_FAMILY_ID] = {"family_ids", 16},
        [SNP_PIN_IMAGE_ID] = {"image_ids", 16},
};

/* ---- lists ---- */

static enum err add_shipped(struct reading *r, const struct toml_value *v)
{
	if (r->shipped.count == 0)
		return policy_wrong(
		        r, v,
		        "\"shipped\" means the images installed with this broch, but none are installed; name a "
		        "digest");
	for (size_t i = 0; i < r->shipped.count; i++)
		TRY(policy_add(&r->p->measurements, 48, r->shipped.digests[i]));
	return OK;
}

static enum err take_measurements(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];

		if (one->type == TOML_STRING && slice_is(one->u.string, "shipped"))
			TRY(add_shipped(r, one));
		else
			TRY(policy_add_hex(r, &r->p->measurements, 48, one));
	}
	return OK;
}

/* Turin's chip ids have 8 bytes, which the report pads with zeros. */
static enum err take_platform_ids(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	uint8_t short_id[64];

	(void)rule;
	if (v->u.array.count == 0)
		return policy_wrong(
		        r, v, "an empty list accepts no platform; leave platform_ids out to accept any under the root");
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];

		memset(short_id, 0, sizeof short_id);
		if (one->type == TOML_STRING && hex_decode(one->u.string, short_id, 8) == OK)
			TRY(policy_add(&r->p->platform_ids, 64, short_id));
		else
			TRY(policy_add_hex(r, &r->p->platform_ids, 64, one));
	}
	return OK;
}

static enum err take_workloads(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_hex_list(r, &r->p->workloads, 32, v, rule->key);
}

static enum err take_pin(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_hex_list(r, &r->p->snp.pins[rule->arg], snp_pins[rule->arg].size, v, rule->key);
}

/* ---- words ---- */

static bool *accepted(struct policy *p, unsigned i, const char **name)
{
	const struct {
		const char *name;
		bool *accepted;
	} all[] = {{"snp", &p->snp.accepted},     {"sgx", &p->sgx.accepted},   {"tdx", &p->tdx.accepted},
	           {"nitro", &p->nitro.accepted}, {"vtpm", &p->vtpm.accepted}, {"cca", &p->cca.accepted},
	           {"pef", &p->pef.accepted},     {"soft", &p->soft.accepted}, {"sev", &p->sev.accepted},
	           {"sev-es", &p->sev.es_accepted}};

	if (i >= ARRAY_COUNT(all))
		return NULL;
	*name = all[i].name;
	return all[i].accepted;
}

static enum err take_tee(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	const char *name;

	(void)rule;
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];
		bool *flag = NULL;
		unsigned k = 0;

		while ((flag = accepted(r->p, k++, &name)) != NULL)
			if (one->type == TOML_STRING && slice_is(one->u.string, name))
				break;
		if (flag == NULL)
			return policy_wrong(
			        r, one,
			        "tee knows \"snp\", \"sgx\", \"tdx\", \"nitro\", \"vtpm\", \"cca\", \"sev\", \"sev-es\", "
			        "\"pef\" and \"soft\"");
		*flag = true;
	}
	return OK;
}

static enum err take_products(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];
		unsigned k = 0;

		while (k < SNP_SOFT && !(one->type == TOML_STRING && slice_is(one->u.string, snp_products[k].name)))
			k++;
		if (k == SNP_SOFT)
			return policy_wrong(
			        r, one, "products knows \"Milan\", \"Genoa\" (also Bergamo and Siena) and \"Turin\"");
		r->p->snp.products |= 1u << k;
	}
	return OK;
}

static enum err take_keys(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	r->p->snp.vcek = r->p->snp.vlek = false;
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];

		if (one->type == TOML_STRING && slice_is(one->u.string, "vcek"))
			r->p->snp.vcek = true;
		else if (one->type == TOML_STRING && slice_is(one->u.string, "vlek"))
			r->p->snp.vlek = true;
		else
			return policy_wrong(r, one,
			                    "keys knows \"vcek\" (the chip's) and \"vlek\" (the cloud provider's)");
	}
	return OK;
}

static enum err take_crl(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	r->p->snp.crl_required = slice_is(v->u.string, "required");
	if (!r->p->snp.crl_required && !slice_is(v->u.string, "if-given"))
		return policy_wrong(r, v, "crl knows \"required\" and \"if-given\"");
	return OK;
}

/* ---- numbers ---- */

static enum err take_vmpl(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	if (v->u.integer < 0 || v->u.integer > 3)
		return policy_wrong(r, v, "a VMPL is 0, 1, 2 or 3");
	r->p->snp.vmpl = (uint32_t)v->u.integer;
	return OK;
}

enum { FLAG_DEBUG, FLAG_MIGRATION, FLAG_SMT, FLAG_MASKED };

static enum err take_flag(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	bool *const flags[] = {[FLAG_DEBUG] = &r->p->snp.debug,
	                       [FLAG_MIGRATION] = &r->p->snp.migration,
	                       [FLAG_SMT] = &r->p->snp.smt,
	                       [FLAG_MASKED] = &r->p->snp.masked_chip_id};

	*flags[rule->arg] = v->u.boolean;
	return OK;
}

static enum err take_crl_age(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_seconds(r, v, rule->key, &r->p->snp.crl_max_age_s);
}

enum { LIMIT_MEMORY, LIMIT_WALL, LIMIT_CPU, LIMIT_FILES, LIMIT_FILE_BYTES };

static uint64_t *limit(struct reading *r, unsigned which)
{
	struct policy_limits *l = &r->p->limits;
	uint64_t *const all[] = {[LIMIT_MEMORY] = &l->memory_bytes,
	                         [LIMIT_WALL] = &l->wall_ns,
	                         [LIMIT_CPU] = &l->cpu_ns,
	                         [LIMIT_FILES] = &l->open_files,
	                         [LIMIT_FILE_BYTES] = &l->file_bytes};

	return all[which];
}

static enum err take_size(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	uint64_t *out = limit(r, rule->arg);

	if (units_size(v->u.string, out) != OK || *out == 0)
		return policy_wrong(r, v, "a size is a number and KiB, MiB or GiB, as in \"256MiB\"");
	return OK;
}

static enum err take_duration(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_duration(r, v, limit(r, rule->arg));
}

static enum err take_count(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	if (v->u.integer < 1 || v->u.integer > 1000000)
		return policy_wrong(r, v, "%s must be from 1 to 1000000", rule->key);
	*limit(r, rule->arg) = (uint64_t)v->u.integer;
	return OK;
}

/* ---- roots ---- */

#define TWO_ROOTS "root and root_sha256 are two ways to say one thing: keep one"

static enum err take_root_digest(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	if (r->soft_root)
		return policy_wrong(r, v, TWO_ROOTS);
	r->soft_root = true;
	return policy_root_digest(r, v, r->p->soft_root.spki_sha256);
}

static enum err soft_root_of(struct policy *p, struct slice der, struct note *n)
{
	struct cert c;

	TRY(cert_read(der, &c, n));
	memcpy(p->soft_root.spki_sha256, c.spki_sha256, SPKI_DIGEST_SIZE);
	cert_free(&c);
	return OK;
}

static enum err take_root(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	char state[POLICY_PATH_SIZE], path[POLICY_PATH_SIZE];

	(void)rule;
	if (r->soft_root)
		return policy_wrong(r, v, TWO_ROOTS);
	r->soft_root = true;
	if (!slice_is(v->u.string, "local"))
		return policy_root(r, v, false, r->p->soft_root.spki_sha256);
	TRY(state_dir_default(state, sizeof state, r->n));
	TRY(soft_root_path(state, path, sizeof path));
	return policy_root_at(r, v, path, false, r->p->soft_root.spki_sha256);
}

/* One key stands for the root of every product named: its own name says which product it is. */
static enum err take_snp_root(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	uint8_t *out = r->p->snp_root[0].spki_sha256;

	if (r->snp_root)
		return policy_wrong(r, v, TWO_ROOTS);
	r->snp_root = true;
	TRY(rule->arg == 0 ? policy_root(r, v, false, out) : policy_root_digest(r, v, out));
	for (unsigned i = 0; i < SNP_SOFT; i++) {
		r->p->snp_root[i].product = (enum snp_product)i;
		memmove(r->p->snp_root[i].spki_sha256, out, SPKI_DIGEST_SIZE);
	}
	r->p->snp.roots = r->p->snp_root;
	r->p->snp.root_count = SNP_SOFT;
	return OK;
}

/* ---- minimum TCB ---- */

static const char *const part_keys[SNP_TCB_PARTS] = {[SNP_TCB_BOOT_LOADER] = "boot_loader",
                                                     [SNP_TCB_TEE] = "tee",
                                                     [SNP_TCB_SNP] = "snp",
                                                     [SNP_TCB_MICROCODE] = "microcode",
                                                     [SNP_TCB_FMC] = "fmc"};

static void set_minimum(struct reading *r, unsigned product, unsigned part, uint8_t value, bool weak)
{
	if (weak && r->minimum[product][part])
		return;
	r->p->snp.minimum[product].part[part] = value;
	r->minimum[product][part] = true;
}

static enum err take_part(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	unsigned product = rule->arg / SNP_TCB_PARTS, part = rule->arg % SNP_TCB_PARTS;

	if (v->u.integer < 0 || v->u.integer > 255)
		return policy_wrong(r, v, "%s must be from 0 to 255", rule->key);
	for (unsigned i = 0; i < SNP_SOFT; i++)
		if (product == SNP_SOFT || product == i)
			set_minimum(r, i, part, (uint8_t)v->u.integer, product == SNP_SOFT);
	return OK;
}

/* arg: the product, or SNP_SOFT for all of them. */
static void part_rules(struct rule rules[static SNP_TCB_PARTS], unsigned product)
{
	for (unsigned i = 0; i < SNP_TCB_PARTS; i++)
		rules[i] = (struct rule){part_keys[i], TOML_INTEGER, product * SNP_TCB_PARTS + i, take_part};
}

static enum err take_product_minimum(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct rule rules[SNP_TCB_PARTS];

	part_rules(rules, rule->arg);
	return policy_table(r, v, rules, ARRAY_COUNT(rules), rule->key);
}

static enum err take_minimum(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct rule rules[MINIMUM_RULES];

	part_rules(rules, SNP_SOFT);
	for (unsigned i = 0; i < SNP_SOFT; i++)
		rules[SNP_TCB_PARTS + i] = (struct rule){snp_products[i].name, TOML_TABLE, i, take_product_minimum};
	return policy_table(r, v, rules, ARRAY_COUNT(rules), rule->key);
}

/* ---- the tables ---- */

static const struct rule soft_rules[] = {
        {"root", TOML_STRING, 0, take_root},
        {"root_sha256", TOML_STRING, 0, take_root_digest},
};

static const struct rule snp_rules[] = {
        {"products", TOML_ARRAY, 0, take_products},
        {"keys", TOML_ARRAY, 0, take_keys},
        {"vmpl", TOML_INTEGER, 0, take_vmpl},
        {"debug", TOML_BOOL, FLAG_DEBUG, take_flag},
        {"migration", TOML_BOOL, FLAG_MIGRATION, take_flag},
        {"smt", TOML_BOOL, FLAG_SMT, take_flag},
        {"masked_chip_id", TOML_BOOL, FLAG_MASKED, take_flag},
        {"crl", TOML_STRING, 0, take_crl},
        {"crl_max_age", TOML_STRING, 0, take_crl_age},
        {"host_data", TOML_ARRAY, SNP_PIN_HOST_DATA, take_pin},
        {"id_keys", TOML_ARRAY, SNP_PIN_ID_KEY, take_pin},
        {"author_keys", TOML_ARRAY, SNP_PIN_AUTHOR_KEY, take_pin},
        {"family_ids", TOML_ARRAY, SNP_PIN_FAMILY_ID, take_pin},
        {"image_ids", TOML_ARRAY, SNP_PIN_IMAGE_ID, take_pin},
        {"minimum_tcb", TOML_TABLE, 0, take_minimum},
        {"root", TOML_STRING, 0, take_snp_root},
        {"root_sha256", TOML_STRING, 1, take_snp_root},
};

static const struct rule limit_rules[] = {
        {"memory", TOML_STRING, LIMIT_MEMORY, take_size},         {"wall", TOML_STRING, LIMIT_WALL, take_duration},
        {"cpu", TOML_STRING, LIMIT_CPU, take_duration},           {"files", TOML_INTEGER, LIMIT_FILES, take_count},
        {"file_bytes", TOML_STRING, LIMIT_FILE_BYTES, take_size},
};

static enum err take_soft(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_table(r, v, soft_rules, ARRAY_COUNT(soft_rules), rule->key);
}

static enum err take_snp(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_table(r, v, snp_rules, ARRAY_COUNT(snp_rules), rule->key);
}

static enum err take_limits(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return policy_table(r, v, limit_rules, ARRAY_COUNT(limit_rules), rule->key);
}

static const struct rule top_rules[] = {
        {"tee", TOML_ARRAY, 0, take_tee},
        {"measurements", TOML_ARRAY, 0, take_measurements},
        {"platform_ids", TOML_ARRAY, 0, take_platform_ids},
        {"workloads", TOML_ARRAY, 0, take_workloads},
        {"snp", TOML_TABLE, 0, take_snp},
        {"sgx", TOML_TABLE, 0, policy_take_sgx},
        {"tdx", TOML_TABLE, 0, policy_take_tdx},
        {"nitro", TOML_TABLE, 0, policy_take_nitro},
        {"vtpm", TOML_TABLE, 0, policy_take_vtpm},
        {"cca", TOML_TABLE, 0, policy_take_cca},
        {"sev", TOML_TABLE, 0, policy_take_sev},
        {"pef", TOML_TABLE, 0, policy_take_pef},
        {"soft", TOML_TABLE, 0, take_soft},
        {"limits", TOML_TABLE, 0, take_limits},
};

/* ---- what must be there ---- */

static enum err snp_complete(struct reading *r)
{
	char what[80];

	if (r->p->snp.products == 0)
		return policy_missing(r, "[snp] products",
		                      "name the processors you accept, as in products = [\"Milan\", \"Genoa\"]");
	if (!r->p->snp.vcek && !r->p->snp.vlek)
		return policy_missing(r, "[snp] keys", "name at least one kind of key");
	for (unsigned i = 0; i < SNP_SOFT; i++)
		for (unsigned k = 0; k < SNP_TCB_PARTS; k++) {
			if ((r->p->snp.products >> i & 1) == 0 || r->minimum[i][k])
				continue;
			if (k == SNP_TCB_FMC && snp_products[i].form != SNP_TCB_TURIN)
				continue;
			snprintf(what, sizeof what, "[snp.minimum_tcb] %s (for %s)", part_keys[k],
			         snp_products[i].name);
			return policy_missing(r, what, "say 0 if every version is good enough for you");
		}
	return OK;
}

static enum err soft_complete(struct reading *r)
{
	if (!r->soft_root)
		return policy_missing(r, "[soft] root or root_sha256", "say which test root, as in root = \"local\"");
	return OK;
}

/* Launch digests and chip ids are of the two TEEs whose evidence is an SNP report. */
static enum err top_complete(struct reading *r, const struct toml_value *root)
{
	static const char *const keys[] = {"measurements", "platform_ids"};
	const bool report = r->p->snp.accepted || r->p->soft.accepted;
	const char *name;
	bool *any = NULL;
	unsigned i = 0;

	while ((any = accepted(r->p, i++, &name)) != NULL && !*any)
		;
	if (any == NULL)
		return policy_missing(r, "tee", "name the TEEs you accept, as in tee = [\"snp\"]");
	if (report && r->p->measurements.count == 0)
		return policy_missing(
		        r, "measurements",
		        "name the launch digests you accept (`broch measure` prints them) or \"shipped\"");
	for (size_t k = 0; k < ARRAY_COUNT(keys); k++)
		if (!report && toml_get(root, keys[k]) != NULL)
			return policy_wrong(r, toml_get(root, keys[k]),
			                    "%s is about \"snp\" and \"soft\", which tee does not name", keys[k]);
	return OK;
}

/* Two words of `tee` share a table. */
static enum err sev_complete(struct reading *r, const struct toml_value *root)
{
	if (r->p->sev.accepted || r->p->sev.es_accepted)
		return policy_sev_complete(r);
	if (toml_get(root, "sev") != NULL)
		return policy_wrong(r, toml_get(root, "sev"), "[sev] is set but tee names neither \"sev\" nor \"sev-es\"");
	return OK;
}

/* The tables in the order of accepted(). */
static enum err complete(struct reading *r, const struct toml_value *root)
{
	static const struct {
		const char *table;
		enum err (*complete)(struct reading *r);
	} tables[] = {{"snp", snp_complete},          {"sgx", policy_sgx_complete},
	              {"tdx", policy_tdx_complete},   {"nitro", policy_nitro_complete},
	              {"vtpm", policy_vtpm_complete}, {"cca", policy_cca_complete},
	              {"pef", policy_pef_complete},   {"soft", soft_complete}};

	TRY(top_complete(r, root));
	for (unsigned i = 0; i < ARRAY_COUNT(tables); i++) {
		const char *name;

		if (*accepted(r->p, i, &name)) {
			TRY(tables[i].complete(r));
			continue;
		}
		if (toml_get(root, tables[i].table) != NULL)
			return policy_wrong(r, toml_get(root, tables[i].table),
			                    "[%s] is set but tee does not name \"%s\"", tables[i].table, name);
	}
	return sev_complete(r, root);
}

/* ---- making and freeing ---- */

static struct policy *policy_new(void)
{
	struct policy *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->snp.roots = snp_amd_roots;
	p->snp.root_count = SNP_AMD_ROOT_COUNT;
	p->snp.vcek = true;
	p->snp.crl_required = true;
	p->sgx.roots = p->tdx.roots = intel_roots;
	p->sgx.root_count = p->tdx.root_count = INTEL_ROOT_COUNT;
	p->soft_root.product = SNP_SOFT;
	p->soft.roots = &p->soft_root;
	p->soft.root_count = 1;
	p->soft.products = 1u << SNP_SOFT;
	p->soft.vcek = true;
	p->soft.smt = true; /* the stand-in knows of no processor that could be without */
	return p;
}

enum err policy_parse(struct slice toml, const char *name, struct policy_shipped shipped, struct policy **out,
                      struct note *n)
{
	struct reading r = {.name = name, .n = n, .shipped = shipped, .p = policy_new()};
	struct toml *t = NULL;
	enum err err = r.p == NULL ? ERR_NOMEM : toml_parse(toml, name, &t, n);

	if (err == OK)
		err = policy_table(&r, toml_root(t), top_rules, ARRAY_COUNT(top_rules), "");
	if (err == OK)
		err = complete(&r, toml_root(t));
	toml_free(t);
	if (err != OK) {
		policy_free(r.p);
		return err;
	}
	*out = r.p;
	return OK;
}

enum err policy_local(struct slice soft_root_der, struct policy_shipped shipped, struct policy **out)
{
	struct policy *p = policy_new();
	enum err err = p == NULL ? ERR_NOMEM : soft_root_of(p, soft_root_der, NULL);

	for (size_t i = 0; err == OK && i < shipped.count; i++)
		err = policy_add(&p->measurements, 48, shipped.digests[i]);
	if (err != OK) {
		policy_free(p);
		return err;
	}
	p->soft.accepted = true;
	*out = p;
	return OK;
}

void policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	free(p->workloads.bytes);
	free(p->measurements.bytes);
	free(p->platform_ids.bytes);
	for (unsigned i = 0; i < SNP_PIN_COUNT; i++)
		free(p->snp.pins[i].bytes);
	for (unsigned i = 0; i < DCAP_PIN_COUNT; i++) {
		free(p->sgx.pins[i].bytes);
		free(p->tdx.pins[i].bytes);
	}
	free(p->sgx.advisories.bytes);
	free(p->tdx.advisories.bytes);
	for (unsigned i = 0; i < NITRO_RULE_PCRS; i++)
		free(p->nitro.pcrs[i].bytes);
	for (unsigned i = 0; i < VTPM_RULE_PCRS; i++)
		free(p->vtpm.pcrs[i].bytes);
	policy_cca_free(&p->cca);
	policy_sev_free(p);
	free(p);
}

struct policy_limits policy_limits(const struct policy *p)
{
	return p->limits;
}
