/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/policy_read.h"

#include "client/config/units.h"
#include "lib/base/hex.h"
#include "sys/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIST_MAX = 4096, PEM_SIZE_MAX = 64 * 1024 };

enum err policy_wrong(struct reading *r, const struct toml_value *v, const char *fmt, ...)
{
	char text[NOTE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return refuse(r->n, ERR_INVALID, "%s:%u:%u: %s", r->name, v->line, v->column, text);
}

enum err policy_missing(struct reading *r, const char *what, const char *cure)
{
	return refuse(r->n, ERR_INVALID, "%s: %s is missing; %s", r->name, what, cure);
}

/* ---- lists ---- */

bool digest_list_has(const struct digest_list *l, struct slice one)
{
	for (size_t i = 0; i < l->count; i++)
		if (slice_equal(slice_of(l->bytes + i * l->size, l->size), one))
			return true;
	return false;
}

static enum err list_room(struct digest_list *l, size_t size)
{
	uint8_t *grown;

	if (l->count >= LIST_MAX)
		return ERR_LIMIT;
	grown = realloc(l->bytes, (l->count + 1) * size);
	if (grown == NULL)
		return ERR_NOMEM;
	l->bytes = grown;
	l->size = size;
	return OK;
}

enum err policy_add(struct digest_list *l, size_t size, const uint8_t *one)
{
	TRY(list_room(l, size));
	memcpy(l->bytes + l->count++ * size, one, size);
	return OK;
}

enum err policy_add_hex(struct reading *r, struct digest_list *l, size_t size, const struct toml_value *v)
{
	uint8_t bytes[64];
	enum err err;

	CHECK(size <= sizeof bytes);
	if (v->type != TOML_STRING || hex_decode(v->u.string, bytes, size) != OK)
		return policy_wrong(r, v, "this must be a string of %zu hex digits", 2 * size);
	err = policy_add(l, size, bytes);
	return err == OK ? OK : policy_wrong(r, v, "%s: at most %d values", err_text(err), LIST_MAX);
}

enum err policy_hex_list(struct reading *r, struct digest_list *l, size_t size, const struct toml_value *v,
                         const char *key)
{
	if (v->u.array.count == 0)
		return policy_wrong(
		        r, v, "an empty list accepts nothing; leave %s out if you do not want to look at it", key);
	for (size_t i = 0; i < v->u.array.count; i++)
		TRY(policy_add_hex(r, l, size, v->u.array.items[i]));
	return OK;
}

/* ---- numbers ---- */

enum err policy_duration(struct reading *r, const struct toml_value *v, uint64_t *ns)
{
	if (units_duration(v->u.string, ns) == OK && *ns > 0)
		return OK;
	return policy_wrong(r, v, "a duration is a number and ms, s, m, h or d, as in \"10m\"");
}

enum err policy_seconds(struct reading *r, const struct toml_value *v, const char *key, uint64_t *s)
{
	uint64_t ns;

	TRY(policy_duration(r, v, &ns));
	if (ns < 1000000000)
		return policy_wrong(r, v, "%s needs at least one second", key);
	*s = ns / 1000000000;
	return OK;
}

enum err policy_number(struct reading *r, const struct toml_value *v, const char *key, uint32_t max, uint32_t *out)
{
	if (v->u.integer < 0 || v->u.integer > (int64_t)max)
		return policy_wrong(r, v, "%s must be from 0 to %u", key, (unsigned)max);
	*out = (uint32_t)v->u.integer;
	return OK;
}

/* ---- roots ---- */

enum err policy_root_digest(struct reading *r, const struct toml_value *v, uint8_t out[static 32])
{
	if (hex_decode(v->u.string, out, 32) != OK)
		return policy_wrong(r, v, "root_sha256 must have 64 hex digits");
	return OK;
}

enum err policy_path(struct reading *r, const struct toml_value *v, char out[static POLICY_PATH_SIZE])
{
	const char *text = (const char *)v->u.string.data, *slash = strrchr(r->name, '/');
	int used;

	if (strlen(text) != v->u.string.size || v->u.string.size == 0)
		return policy_wrong(r, v, "this must be a path");
	if (text[0] == '/' || slash == NULL)
		used = snprintf(out, POLICY_PATH_SIZE, "%s", text);
	else
		used = snprintf(out, POLICY_PATH_SIZE, "%.*s/%s", (int)(slash - r->name), r->name, text);
	return used > 0 && used < POLICY_PATH_SIZE ? OK : policy_wrong(r, v, "the path is too long");
}

static enum err certificate_digest(const char *path, bool whole, uint8_t out[static 32], struct note *why)
{
	struct slice pem = {0};
	uint8_t *der = NULL;
	size_t size = 0;
	struct cert c;
	enum err err = file_read(path, PEM_SIZE_MAX, &pem, why);

	if (err == OK)
		err = cert_pem_to_der(pem, &der, &size, why);
	if (err == OK)
		err = cert_read(slice_of(der, size), &c, why);
	if (err == OK) {
		memcpy(out, c.spki_sha256, SPKI_DIGEST_SIZE);
		cert_free(&c);
	}
	if (err == OK && whole)
		SHA256(der, size, out);
	free(der);
	free((void *)(uintptr_t)pem.data);
	return err;
}

enum err policy_root_at(struct reading *r, const struct toml_value *v, const char *path, bool whole,
                        uint8_t out[static 32])
{
	struct note why = {""};
	enum err err = certificate_digest(path, whole, out, &why);

	return err == OK ? OK
	                 : policy_wrong(r, v, "the root %.80s: %.100s", path,
	                                why.text[0] != 0 ? why.text : err_text(err));
}

enum err policy_root(struct reading *r, const struct toml_value *v, bool whole, uint8_t out[static 32])
{
	char path[POLICY_PATH_SIZE];

	TRY(policy_path(r, v, path));
	return policy_root_at(r, v, path, whole, out);
}

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
		return policy_wrong(r, &at, "unknown key %.40s%s%s; did you mean %s?", (const char *)pair->key.data,
		                    where[0] != 0 ? " in " : "", where, best);
	return policy_wrong(r, &at, "unknown key %.40s%s%s; `broch policy init --tee TEE` prints all there are",
	                    (const char *)pair->key.data, where[0] != 0 ? " in " : "", where);
}

static const struct rule *rule_of(struct slice key, const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(key, rules[i].key))
			return &rules[i];
	return NULL;
}

enum err policy_table(struct reading *r, const struct toml_value *table, const struct rule *rules, size_t count,
                      const char *where)
{
	for (size_t i = 0; i < table->u.table.count; i++) {
		const struct toml_pair *pair = &table->u.table.pairs[i];
		const struct rule *rule = rule_of(pair->key, rules, count);

		if (rule == NULL)
			return unknown_key(r, pair, rules, count, where);
		if (pair->value->type != rule->type)
			return policy_wrong(r, pair->value, "%s must be %s, not %s", rule->key,
			                    toml_type_text(rule->type), toml_type_text(pair->value->type));
		TRY(rule->take(r, rule, pair->value));
	}
	return OK;
}
