/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/request.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>

enum { LINGER_DEFAULT = 600, WORD_MAX = 32 };

static const char *const backends[] = {"kvm", "process"};
static const char *const tees[] = {"soft-snp"};

/* Levenshtein distance with one row; words over WORD_MAX are never near. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]),
			       least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = change < least ? change : least;
		}
	}
	return row[lb];
}

const char *near_word(const char *wrong, const char *const *words, size_t count)
{
	const char *best = NULL;
	size_t least = 4;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(wrong, words[i]);

		if (d < least && d < strlen(words[i])) {
			least = d;
			best = words[i];
		}
	}
	return best;
}

static enum err take_choice(const char *key, json_t *v, const char *const *words, size_t count, char *out, size_t size,
                            struct fault *f)
{
	char hint[FAULT_MAX] = "use one of:";
	size_t len = strlen(hint);

	for (size_t i = 0; i < count; i++) {
		if (json_is_string(v) && slice_is(slice_of(json_string_value(v), json_string_length(v)), words[i])) {
			snprintf(out, size, "%s", words[i]);
			return OK;
		}
		len += (size_t)snprintf(hint + len, sizeof hint - len, " %s", words[i]);
	}
	return fault_set(f, 400, hint, "%s: not a value this version knows", key);
}

static enum err take_name(json_t *v, struct create_request *out, struct fault *f)
{
	static const char hint[] = "1 to 63 of a-z 0-9 . _ -, starting with a letter or digit, and not 12 hex digits";
	struct slice s = slice_of(json_string_value(v), json_string_length(v));

	/* 12 hex digits would look like the id of another Keep */
	if (!json_is_string(v) || !name_valid(s) || id_valid(s))
		return fault_set(f, 400, hint, "name: not a valid name");
	memcpy(out->name, s.data, s.size);
	return OK;
}

static enum err take_backend(json_t *v, struct create_request *out, struct fault *f)
{
	return take_choice("backend", v, backends, ARRAY_COUNT(backends), out->backend, sizeof out->backend, f);
}

static enum err take_tee(json_t *v, struct create_request *out, struct fault *f)
{
	return take_choice("tee", v, tees, ARRAY_COUNT(tees), out->tee, sizeof out->tee, f);
}

static enum err take_memory(json_t *v, struct create_request *out, struct fault *f)
{
	if (!json_is_integer(v) || json_integer_value(v) < 1 << 20)
		return fault_set(f, 400, "a number of bytes, at least 1048576", "memory_max: not a size");
	out->memory_max = (uint64_t)json_integer_value(v);
	return OK;
}

static enum err take_linger(json_t *v, struct create_request *out, struct fault *f)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > LINGER_MAX)
		return fault_set(f, 400, "a number of seconds from 0 to 604800", "linger_s: not a time");
	out->linger_s = (uint32_t)json_integer_value(v);
	return OK;
}

static const char *const keys[] = {"name", "backend", "tee", "memory_max", "linger_s"};
static enum err (*const takers[])(json_t *v, struct create_request *out, struct fault *f) = {
        take_name, take_backend, take_tee, take_memory, take_linger,
};
static_assert(ARRAY_COUNT(keys) == ARRAY_COUNT(takers), "one function for each key");

static enum err take_key(const char *key, json_t *v, struct create_request *out, struct fault *f)
{
	const char *near = near_word(key, keys, ARRAY_COUNT(keys));
	char hint[FAULT_MAX];

	for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return takers[i](v, out, f);
	if (near != NULL)
		snprintf(hint, sizeof hint, "did you mean %s?", near);
	else
		snprintf(hint, sizeof hint, "the keys are name, backend, tee, memory_max, linger_s");
	return fault_set(f, 400, hint, "unknown key: %s", key);
}

enum err request_parse(struct slice body, struct create_request *out, struct fault *f)
{
	json_error_t why;
	json_t *root, *v;
	const char *key;
	enum err err = OK;

	*out = (struct create_request){.linger_s = LINGER_DEFAULT};
	if (body.size == 0)
		return OK;
	root = json_loadb((const char *)body.data, body.size, JSON_REJECT_DUPLICATES, &why);
	if (root == NULL)
		return fault_set(f, 400, "send one JSON object", "the body is not JSON: line %d, column %d: %s",
		                 why.line, why.column, why.text);
	if (!json_is_object(root))
		err = fault_set(f, 400, "send one JSON object", "the body is not a JSON object");
	json_object_foreach(root, key, v)
	{
		if (err == OK)
			err = take_key(key, v, out, f);
	}
	json_decref(root);
	return err;
}
