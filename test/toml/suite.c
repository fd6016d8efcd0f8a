/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite FOLDER: the public toml-test suite against client/config/toml.h. FOLDER has files-toml-1.0.0, which lists the
 * cases, and beside it valid/NAME.toml with the same in valid/NAME.json (each value as {"type", "value"}), and
 * invalid/NAME.toml, which must be refused with line and column.
 */
#include "client/config/toml.h"
#include "sys/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATH_SIZE = 1024, TEXT_SIZE = 128 };

static const char *folder;
static unsigned passed, failed, skipped;

static bool same(const struct toml_value *v, const json_t *j);

static bool text_of(const json_t *j, struct slice *out)
{
	const json_t *value = json_object_get(j, "value");

	if (!json_is_string(value))
		return false;
	*out = slice_of(json_string_value(value), json_string_length(value));
	return true;
}

static bool same_real(double have, struct slice want)
{
	char text[TEXT_SIZE];

	if (want.size >= sizeof text)
		return false;
	memcpy(text, want.data, want.size);
	text[want.size] = 0;
	if (strstr(text, "nan") != NULL)
		return isnan(have);
	return have == strtod(text, NULL);
}

/* Digits of a fraction behind which the suite may have left zeros away, or not. */
static size_t print_fraction(char *out, size_t size, uint32_t nanosecond)
{
	char digits[16];
	size_t n = 9;

	if (nanosecond == 0)
		return 0;
	snprintf(digits, sizeof digits, "%09u", nanosecond);
	while (n > 3 && digits[n - 1] == '0' && digits[n - 2] == '0' && digits[n - 3] == '0')
		n -= 3; /* as others print it: in groups of three */
	return (size_t)snprintf(out, size, ".%.*s", (int)n, digits);
}

static void print_time(const struct toml_time *t, char out[static TEXT_SIZE])
{
	size_t at = 0;

	if (t->has_date)
		at += (size_t)snprintf(out, TEXT_SIZE, "%04d-%02d-%02d", t->year, t->month, t->day);
	if (t->has_date && t->has_time)
		out[at++] = 'T';
	if (t->has_time) {
		at += (size_t)snprintf(out + at, TEXT_SIZE - at, "%02d:%02d:%02d", t->hour, t->minute, t->second);
		at += print_fraction(out + at, TEXT_SIZE - at, t->nanosecond);
	}
	if (t->has_offset && t->offset_minutes == 0)
		at += (size_t)snprintf(out + at, TEXT_SIZE - at, "Z");
	else if (t->has_offset)
		at += (size_t)snprintf(out + at, TEXT_SIZE - at, "%c%02d:%02d", t->offset_minutes < 0 ? '-' : '+',
		                       abs(t->offset_minutes) / 60, abs(t->offset_minutes) % 60);
	out[at] = 0;
}

static const char *time_type(const struct toml_time *t)
{
	if (t->has_offset)
		return "datetime";
	if (t->has_date && t->has_time)
		return "datetime-local";
	return t->has_date ? "date-local" : "time-local";
}

/* Trailing zeros of a fraction mean nothing. */
static bool same_time(const struct toml_time *t, struct slice want)
{
	char have[TEXT_SIZE], other[TEXT_SIZE], *dot, *end;

	if (want.size >= sizeof other)
		return false;
	memcpy(other, want.data, want.size);
	other[want.size] = 0;
	print_time(t, have);
	for (int i = 0; i < 2; i++) {
		dot = strchr(i == 0 ? have : other, '.');
		if (dot == NULL)
			continue;
		end = dot + 1 + strspn(dot + 1, "0123456789");
		while (end[-1] == '0') {
			memmove(end - 1, end, strlen(end) + 1);
			end--;
		}
		if (end[-1] == '.')
			memmove(end - 1, end, strlen(end) + 1);
	}
	return strcmp(have, other) == 0;
}

static bool same_leaf(const struct toml_value *v, const json_t *j)
{
	const char *type = json_string_value(json_object_get(j, "type"));
	char text[TEXT_SIZE];
	struct slice want;

	if (type == NULL || !text_of(j, &want))
		return false;
	switch (v->type) {
	case TOML_STRING: return strcmp(type, "string") == 0 && slice_equal(v->u.string, want);
	case TOML_INTEGER:
		snprintf(text, sizeof text, "%lld", (long long)v->u.integer);
		return strcmp(type, "integer") == 0 && slice_is(want, text);
	case TOML_FLOAT: return strcmp(type, "float") == 0 && same_real(v->u.real, want);
	case TOML_BOOL: return strcmp(type, "bool") == 0 && slice_is(want, v->u.boolean ? "true" : "false");
	case TOML_TIME: return strcmp(type, time_type(&v->u.time)) == 0 && same_time(&v->u.time, want);
	default: return false;
	}
}

static bool same_table(const struct toml_value *v, const json_t *j)
{
	if (!json_is_object(j) || json_object_size(j) != v->u.table.count)
		return false;
	for (size_t i = 0; i < v->u.table.count; i++) {
		const struct toml_pair *p = &v->u.table.pairs[i];
		const json_t *other = json_object_getn(j, (const char *)p->key.data, p->key.size);

		if (other == NULL || !same(p->value, other))
			return false;
	}
	return true;
}

static bool same(const struct toml_value *v, const json_t *j)
{
	if (v->type == TOML_TABLE)
		return same_table(v, j);
	if (v->type != TOML_ARRAY)
		return same_leaf(v, j);
	if (!json_is_array(j) || json_array_size(j) != v->u.array.count)
		return false;
	for (size_t i = 0; i < v->u.array.count; i++)
		if (!same(v->u.array.items[i], json_array_get(j, i)))
			return false;
	return true;
}

static struct slice read_file(const char *name)
{
	char path[PATH_SIZE];
	struct note n = {""};
	struct slice bytes = {0};

	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (file_read(path, TOML_SIZE_MAX, &bytes, &n) != OK) {
		fprintf(stderr, "%s\n", n.text);
		exit(2);
	}
	return bytes;
}

static void judge(const char *name, bool good, const char *words)
{
	if (good)
		passed++;
	else
		failed++;
	if (!good)
		printf("FAILED %s: %s\n", name, words);
}

static void valid(const char *name, const struct toml *t, const struct note *n)
{
	char path[PATH_SIZE];
	struct slice text;
	json_t *j;

	if (t == NULL) {
		judge(name, false, n->text);
		return;
	}
	snprintf(path, sizeof path, "%.*s.json", (int)(strlen(name) - strlen(".toml")), name);
	text = read_file(path);
	j = json_loadb((const char *)text.data, text.size, JSON_ALLOW_NUL, NULL);
	if (j == NULL) { /* the reader of JSON knows no key with a zero byte in it */
		printf("SKIPPED %s: its JSON cannot be read\n", name);
		skipped++;
	} else {
		judge(name, same(toml_root(t), j), "another value than the suite's");
	}
	json_decref(j);
	free((void *)(uintptr_t)text.data);
}

/* "NAME:LINE:COLUMN: words" */
static void invalid(const char *name, const struct toml *t, const struct note *n)
{
	unsigned line = 0, column = 0;

	judge(name, t == NULL && sscanf(n->text, "x.toml:%u:%u: ", &line, &column) == 2 && line > 0 && column > 0,
	      t != NULL ? "taken" : n->text);
}

static void one(const char *name)
{
	struct slice text = read_file(name);
	struct note n = {""};
	struct toml *t = NULL;

	if (toml_parse(text, "x.toml", &t, &n) != OK)
		t = NULL;
	if (strncmp(name, "valid/", 6) == 0)
		valid(name, t, &n);
	else
		invalid(name, t, &n);
	toml_free(t);
	free((void *)(uintptr_t)text.data);
}

int main(int argc, char **argv)
{
	char path[PATH_SIZE], line[PATH_SIZE];
	FILE *list;

	if (argc != 2)
		return 2;
	folder = argv[1];
	snprintf(path, sizeof path, "%s/files-toml-1.0.0", folder);
	list = fopen(path, "r");
	if (list == NULL) {
		perror(path);
		return 2;
	}
	while (fgets(line, sizeof line, list) != NULL) {
		size_t size = strcspn(line, "\r\n");

		line[size] = 0;
		if (size > 5 && strcmp(line + size - 5, ".toml") == 0)
			one(line);
	}
	fclose(list);
	printf("toml: %u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed == 0 && passed > 0 ? 0 : 1;
}
