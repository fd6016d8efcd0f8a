/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML to rules. Each table of the file has a table here: key, type, taker. What is not in it is an error; what must be
 * there is asked for at the end, when it is known which TEEs the policy names.
 */
#include "client/attest/policy_rules.h"
#include "client/config/toml.h"
#include "client/config/units.h"
#include "lib/base/hex.h"
#include "sys/file.h"
#include "sys/soft_root.h"
#include "sys/state_dir.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	LIST_MAX = 4096,
	PATH_SIZE = 4096,
	PEM_SIZE_MAX = 64 * 1024,
	MINIMUM_RULES = (int)SNP_TCB_PARTS + (int)SNP_SOFT
};

const struct snp_pin_info snp_pins[SNP_PIN_COUNT] = {
        [SNP_PIN_HOST_DATA] = {"host_data", 32},    [SNP_PIN_ID_KEY] = {"id_keys", 48},
        [SNP_PIN_AUTHOR_KEY] = {"author_keys", 48}, [SNP_PIN_FAMILY_ID] = {"family_ids", 16},
        [SNP_PIN_IMAGE_ID] = {"image_ids", 16},
};

struct reading {
	const char *name;
	struct note *n;
	struct policy *p;
	struct policy_shipped shipped;
	bool minimum[SNP_PRODUCT_COUNT][SNP_TCB_PARTS]; /* which components were named */
	bool soft_root;
};

struct rule {
	const char *key;
	enum toml_type type;
	unsigned arg;
	enum err (*take)(struct reading *r, const struct rule *rule, const struct toml_value *v);
};

bool digest_list_has(const struct digest_list *l, struct slice one)
{
	for (size_t i = 0; i < l->count; i++)
		if (slice_equal(slice_of(l->bytes + i * l->size, l->size), one))
			return true;
	return false;
}

PRINTF_LIKE(3, 4) static enum err wrong(struct reading *r, const struct toml_value *v, const char *fmt, ...)
{
	char text[NOTE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return refuse(r->n, ERR_INVALID, "%s:%u:%u: %s", r->name, v->line, v->column, text);
}

/* ---- lists ---- */

static enum err list_room(struct digest_list *l, size_t size, size_t more)
{
	uint8_t *grown;

	if (more > LIST_MAX || l->count + more > LIST_MAX)
		return ERR_LIMIT;
	grown = realloc(l->bytes, (l->count + more) * size + 1);
	if (grown == NULL)
		return ERR_NOMEM;
	l->bytes = grown;
	l->size = size;
	return OK;
}

static enum err list_add(struct digest_list *l, size_t size, const uint8_t *one)
{
	TRY(list_room(l, size, 1));
	memcpy(l->bytes + l->count++ * size, one, size);
	return OK;
}

static enum err add_hex(struct reading *r, struct digest_list *l, size_t size, const struct toml_value *v)
{
	uint8_t bytes[64];
	enum err err;

	if (v->type != TOML_STRING || hex_decode(v->u.string, bytes, size) != OK)
		return wrong(r, v, "this must be a string of %zu hex digits", 2 * size);
	err = list_add(l, size, bytes);
	return err == OK ? OK : wrong(r, v, "%s: at most %d values", err_text(err), LIST_MAX);
}

static enum err add_shipped(struct reading *r, const struct toml_value *v)
{
	if (r->shipped.count == 0)
		return wrong(r, v,
		             "\"shipped\" means the images installed with this broch, but none are installed; name a "
		             "digest");
	for (size_t i = 0; i < r->shipped.count; i++)
		TRY(list_add(&r->p->measurements, 48, r->shipped.digests[i]));
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
			TRY(add_hex(r, &r->p->measurements, 48, one));
	}
	return OK;
}

/* Turin's chip ids have 8 bytes, which the report pads with zeros. */
static enum err take_platform_ids(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	uint8_t short_id[64];

	(void)rule;
	if (v->u.array.count == 0)
		return wrong(r, v,
		             "an empty list accepts no platform; leave platform_ids out to accept any under the root");
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];

		memset(short_id, 0, sizeof short_id);
		if (one->type == TOML_STRING && hex_decode(one->u.string, short_id, 8) == OK)
			TRY(list_add(&r->p->platform_ids, 64, short_id));
		else
			TRY(add_hex(r, &r->p->platform_ids, 64, one));
	}
	return OK;
}

static enum err take_pin(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	if (v->u.array.count == 0)
		return wrong(r, v, "an empty list accepts nothing; leave %s out if you do not want to look at it",
		             rule->key);
	for (size_t i = 0; i < v->u.array.count; i++)
		TRY(add_hex(r, &r->p->snp.pins[rule->arg], snp_pins[rule->arg].size, v->u.array.items[i]));
	return OK;
}

/* ---- words ---- */

static enum err take_tee(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct toml_value *one = v->u.array.items[i];

		if (one->type == TOML_STRING && slice_is(one->u.string, "snp"))
			r->p->snp.accepted = true;
		else if (one->type == TOML_STRING && slice_is(one->u.string, "soft"))
			r->p->soft.accepted = true;
		else
			return wrong(r, one, "tee knows \"snp\" and \"soft\"");
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
			return wrong(r, one,
			             "products knows \"Milan\", \"Genoa\" (also Bergamo and Siena) and \"Turin\"");
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
			return wrong(r, one, "keys knows \"vcek\" (the chip's) and \"vlek\" (the cloud provider's)");
	}
	return OK;
}

static enum err take_crl(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	r->p->snp.crl_required = slice_is(v->u.string, "required");
	if (!r->p->snp.crl_required && !slice_is(v->u.string, "if-given"))
		return wrong(r, v, "crl knows \"required\" and \"if-given\"");
	return OK;
}

/* ---- numbers ---- */

static enum err take_vmpl(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	if (v->u.integer < 0 || v->u.integer > 3)
		return wrong(r, v, "a VMPL is 0, 1, 2 or 3");
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

static enum err duration(struct reading *r, const struct toml_value *v, uint64_t *ns)
{
	if (units_duration(v->u.string, ns) == OK && *ns > 0)
		return OK;
	return wrong(r, v, "a duration is a number and ms, s, m, h or d, as in \"10m\"");
}

static enum err take_crl_age(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	uint64_t ns;

	(void)rule;
	TRY(duration(r, v, &ns));
	if (ns < 1000000000)
		return wrong(r, v, "crl_max_age needs at least one second");
	r->p->snp.crl_max_age_s = ns / 1000000000;
	return OK;
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
		return wrong(r, v, "a size is a number and KiB, MiB or GiB, as in \"256MiB\"");
	return OK;
}

static enum err take_duration(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return duration(r, v, limit(r, rule->arg));
}

static enum err take_count(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	if (v->u.integer < 1 || v->u.integer > 1000000)
		return wrong(r, v, "%s must be from 1 to 1000000", rule->key);
	*limit(r, rule->arg) = (uint64_t)v->u.integer;
	return OK;
}

/* ---- the soft root ---- */

static enum err take_root_digest(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	(void)rule;
	if (r->soft_root)
		return wrong(r, v, "root and root_sha256 are two ways to say one thing: keep one");
	if (hex_decode(v->u.string, r->p->soft_root.spki_sha256, SPKI_DIGEST_SIZE) != OK)
		return wrong(r, v, "root_sha256 must have %d hex digits", 2 * SPKI_DIGEST_SIZE);
	r->soft_root = true;
	return OK;
}

/* A relative path counts from the policy file's folder. */
static enum err root_path(struct reading *r, const struct toml_value *v, char *out)
{
	const char *text = (const char *)v->u.string.data, *slash = strrchr(r->name, '/');
	char state[PATH_SIZE];
	int used;

	if (strlen(text) != v->u.string.size || v->u.string.size == 0)
		return wrong(r, v, "root must be a path or \"local\"");
	if (slice_is(v->u.string, "local")) {
		TRY(state_dir_default(state, sizeof state, r->n));
		return soft_root_path(state, out, PATH_SIZE);
	}
	if (text[0] == '/' || slash == NULL)
		used = snprintf(out, PATH_SIZE, "%s", text);
	else
		used = snprintf(out, PATH_SIZE, "%.*s/%s", (int)(slash - r->name), r->name, text);
	return used > 0 && used < PATH_SIZE ? OK : wrong(r, v, "the path is too long");
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
	char path[PATH_SIZE];
	struct slice pem = {0};
	uint8_t *der = NULL;
	size_t size = 0;
	struct note why = {""};
	enum err err;

	(void)rule;
	if (r->soft_root)
		return wrong(r, v, "root and root_sha256 are two ways to say one thing: keep one");
	TRY(root_path(r, v, path));
	err = file_read(path, PEM_SIZE_MAX, &pem, &why);
	if (err == OK)
		err = cert_pem_to_der(pem, &der, &size, &why);
	if (err == OK)
		err = soft_root_of(r->p, slice_of(der, size), &why);
	free(der);
	free((void *)pem.data);
	r->soft_root = true;
	return err == OK
	               ? OK
	               : wrong(r, v, "the soft root %.80s: %.100s", path, why.text[0] != 0 ? why.text : err_text(err));
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
		return wrong(r, v, "%s must be from 0 to 255", rule->key);
	for (unsigned i = 0; i < SNP_SOFT; i++)
		if (product == SNP_SOFT || product == i)
			set_minimum(r, i, part, (uint8_t)v->u.integer, product == SNP_SOFT);
	return OK;
}

static enum err take_table(struct reading *r, const struct toml_value *table, const struct rule *rules, size_t count,
                           const char *where);

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
	return take_table(r, v, rules, ARRAY_COUNT(rules), rule->key);
}

static enum err take_minimum(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	struct rule rules[MINIMUM_RULES];

	part_rules(rules, SNP_SOFT);
	for (unsigned i = 0; i < SNP_SOFT; i++)
		rules[SNP_TCB_PARTS + i] = (struct rule){snp_products[i].name, TOML_TABLE, i, take_product_minimum};
	return take_table(r, v, rules, ARRAY_COUNT(rules), rule->key);
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
};

static const struct rule limit_rules[] = {
        {"memory", TOML_STRING, LIMIT_MEMORY, take_size},         {"wall", TOML_STRING, LIMIT_WALL, take_duration},
        {"cpu", TOML_STRING, LIMIT_CPU, take_duration},           {"files", TOML_INTEGER, LIMIT_FILES, take_count},
        {"file_bytes", TOML_STRING, LIMIT_FILE_BYTES, take_size},
};

static enum err take_soft(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return take_table(r, v, soft_rules, ARRAY_COUNT(soft_rules), rule->key);
}

static enum err take_snp(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return take_table(r, v, snp_rules, ARRAY_COUNT(snp_rules), rule->key);
}

static enum err take_limits(struct reading *r, const struct rule *rule, const struct toml_value *v)
{
	return take_table(r, v, limit_rules, ARRAY_COUNT(limit_rules), rule->key);
}

static const struct rule top_rules[] = {
        {"tee", TOML_ARRAY, 0, take_tee},
        {"measurements", TOML_ARRAY, 0, take_measurements},
        {"platform_ids", TOML_ARRAY, 0, take_platform_ids},
        {"snp", TOML_TABLE, 0, take_snp},
        {"soft", TOML_TABLE, 0, take_soft},
        {"limits", TOML_TABLE, 0, take_limits},
};

/* ---- walking a table ---- */

/* Edits from a to b (insert, delete, replace), given up past the first row's size. */
static unsigned distance(struct slice a, const char *b)
{
	unsigned row[40], n = (unsigned)strlen(b);

	if (a.size >= 40 || n >= 40)
		return 40;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.size; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned best = diagonal + (a.data[i - 1] != (uint8_t)b[j - 1]);

			diagonal = row[j];
			best = best < row[j] + 1 ? best : row[j] + 1;
			row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
		}
	}
	return row[n];
}

static enum err unknown_key(struct reading *r, const struct toml_pair *pair, const struct rule *rules, size_t count,
                            const char *where)
{
	const struct toml_value at = {.line = pair->line, .column = pair->column};
	const char *best = NULL;
	unsigned least = 3;

	for (size_t i = 0; i < count; i++) {
		unsigned d = distance(pair->key, rules[i].key);

		if (d < least) {
			least = d;
			best = rules[i].key;
		}
	}
	if (best != NULL)
		return wrong(r, &at, "unknown key %.40s%s%s; did you mean %s?", (const char *)pair->key.data,
		             where[0] != 0 ? " in " : "", where, best);
	return wrong(r, &at, "unknown key %.40s%s%s; `broch policy init` prints all there are",
	             (const char *)pair->key.data, where[0] != 0 ? " in " : "", where);
}

static const struct rule *rule_of(struct slice key, const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(key, rules[i].key))
			return &rules[i];
	return NULL;
}

static enum err take_table(struct reading *r, const struct toml_value *table, const struct rule *rules, size_t count,
                           const char *where)
{
	for (size_t i = 0; i < table->u.table.count; i++) {
		const struct toml_pair *pair = &table->u.table.pairs[i];
		const struct rule *rule = rule_of(pair->key, rules, count);

		if (rule == NULL)
			return unknown_key(r, pair, rules, count, where);
		if (pair->value->type != rule->type)
			return wrong(r, pair->value, "%s must be %s, not %s", rule->key, toml_type_text(rule->type),
			             toml_type_text(pair->value->type));
		TRY(rule->take(r, rule, pair->value));
	}
	return OK;
}

/* ---- what must be there ---- */

static enum err missing(struct reading *r, const char *what, const char *cure)
{
	return refuse(r->n, ERR_INVALID, "%s: %s is missing; %s", r->name, what, cure);
}

static enum err snp_complete(struct reading *r)
{
	char what[80];

	if (r->p->snp.products == 0)
		return missing(r, "[snp] products",
		               "name the processors you accept, as in products = [\"Milan\", \"Genoa\"]");
	if (!r->p->snp.vcek && !r->p->snp.vlek)
		return missing(r, "[snp] keys", "name at least one kind of key");
	for (unsigned i = 0; i < SNP_SOFT; i++)
		for (unsigned k = 0; k < SNP_TCB_PARTS; k++) {
			if ((r->p->snp.products >> i & 1) == 0 || r->minimum[i][k])
				continue;
			if (k == SNP_TCB_FMC && snp_products[i].form != SNP_TCB_TURIN)
				continue;
			snprintf(what, sizeof what, "[snp.minimum_tcb] %s (for %s)", part_keys[k],
			         snp_products[i].name);
			return missing(r, what, "say 0 if every version is good enough for you");
		}
	return OK;
}

static enum err complete(struct reading *r, const struct toml_value *root)
{
	if (!r->p->snp.accepted && !r->p->soft.accepted)
		return missing(r, "tee", "name the TEEs you accept, as in tee = [\"snp\"]");
	if (r->p->measurements.count == 0)
		return missing(r, "measurements",
		               "name the launch digests you accept (`broch measure` prints them) or \"shipped\"");
	if (r->p->snp.accepted)
		TRY(snp_complete(r));
	else if (toml_get(root, "snp") != NULL)
		return wrong(r, toml_get(root, "snp"), "[snp] is set but tee does not name \"snp\"");
	if (r->p->soft.accepted && !r->soft_root)
		return missing(r, "[soft] root or root_sha256", "say which test root, as in root = \"local\"");
	if (!r->p->soft.accepted && toml_get(root, "soft") != NULL)
		return wrong(r, toml_get(root, "soft"), "[soft] is set but tee does not name \"soft\"");
	return OK;
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
		err = take_table(&r, toml_root(t), top_rules, ARRAY_COUNT(top_rules), "");
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
		err = list_add(&p->measurements, 48, shipped.digests[i]);
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
	free(p->measurements.bytes);
	free(p->platform_ids.bytes);
	for (unsigned i = 0; i < SNP_PIN_COUNT; i++)
		free(p->snp.pins[i].bytes);
	free(p);
}

struct policy_limits policy_limits(const struct policy *p)
{
	return p->limits;
}
