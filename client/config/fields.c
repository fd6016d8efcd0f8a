/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config/fields.h"

#include <stdarg.h>
#include <stdio.h>

enum { WORD_MAX = 32, SHOWN_MAX = 40 };

enum err(fields_wrong)(const struct fields *f, const struct toml_value *at, const char *fmt, ...)
{
	char text[NOTE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return refuse(f->n, ERR_INVALID, "%s:%u:%u: %s", f->file, at->line, at->column, text);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edits from a to b: insert, delete, replace. */
static unsigned distance(struct slice a, const char *b)
{
	unsigned row[WORD_MAX + 1], n = (unsigned)strlen(b);

	if (a.size > WORD_MAX || n > WORD_MAX)
		return WORD_MAX;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.size; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned replaced = diagonal + (a.data[i - 1] != (uint8_t)b[j - 1]);

			diagonal = row[j];
			row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[n];
}

static const char *nearest(struct slice key, const struct field *list, size_t count)
{
	unsigned best = 3, d;
	const char *near = NULL;

	for (size_t i = 0; i < count; i++) {
		d = distance(key, list[i].key);
		if (d < best) {
			best = d;
			near = list[i].key;
		}
	}
	return near;
}

static enum err unknown_key(const struct fields *f, const struct toml_pair *pair, const char *where,
			    const struct field *list, size_t count)
{
	const struct toml_value at = {.line = pair->line, .column = pair->column};
	const char *near = nearest(pair->key, list, count), *in = where[0] != 0 ? " in " : "";

	if (near != NULL)
		return fields_wrong(f, &at, "unknown key %.*s%s%s; did you mean %s?", SHOWN_MAX, (const char *)pair->key.data, in,
				    where, near);
	return fields_wrong(f, &at, "unknown key %.*s%s%s; %s", SHOWN_MAX, (const char *)pair->key.data, in, where, f->all);
}

static size_t place_of(struct slice key, const struct field *list, size_t count)
{
	size_t i = 0;

	while (i < count && !slice_is(key, list[i].key))
		i++;
	return i;
}

enum err fields_read(const struct fields *f, const struct toml_value *table, const char *where, const struct field *list,
		     size_t count, const struct toml_value **out, const struct toml_pair **unknown)
{
	for (size_t i = 0; i < count; i++)
		out[i] = NULL;
	if (unknown != NULL)
		*unknown = NULL;
	for (size_t i = 0; i < table->u.table.count; i++) {
		const struct toml_pair *pair = &table->u.table.pairs[i];
		size_t k = place_of(pair->key, list, count);

		if (k == count && unknown == NULL)
			return unknown_key(f, pair, where, list, count);
		if (k == count) {
			*unknown = *unknown != NULL ? *unknown : pair;
			continue;
		}
		if (pair->value->type != list[k].type)
			return fields_wrong(f, pair->value, "%s must be %s, not %s; as in %s", list[k].key,
					    toml_type_text(list[k].type), toml_type_text(pair->value->type), list[k].example);
		out[k] = pair->value;
	}
	return OK;
}

enum err fields_items(const struct fields *f, const struct toml_value *array, const struct field *field, enum toml_type type)
{
	for (size_t i = 0; i < array->u.array.count; i++) {
		const struct toml_value *v = array->u.array.items[i];

		if (v->type != type)
			return fields_wrong(f, v, "%s holds %s here, but each item must be %s; as in %s", field->key,
					    toml_type_text(v->type), toml_type_text(type), field->example);
	}
	return OK;
}
