/* SPDX-License-Identifier: Apache-2.0 */
/* What came out of a case, as JSON, and the comparison with what the case expects of it. */
#include "test/attest/kinds.h"

#include "lib/base/hex.h"

#include <stdio.h>
#include <stdlib.h>

void fact_hex(json_t *facts, const char *key, struct slice value)
{
	char *text = malloc(2 * value.size + 1);

	if (text == NULL)
		exit(2);
	hex_encode(value, text);
	json_object_set_new(facts, key, json_string(text));
	free(text);
}

void fact_number(json_t *facts, const char *key, uint64_t value)
{
	json_object_set_new(facts, key, json_integer((json_int_t)value));
}

void fact_text(json_t *facts, const char *key, struct slice value)
{
	json_object_set_new(facts, key, json_stringn((const char *)value.data, value.size));
}

bool hex_is(struct slice s, const char *want)
{
	uint8_t bytes[4096];

	return s.size <= sizeof bytes && strlen(want) == 2 * s.size && hex_decode(slice_text(want), bytes, s.size) == OK &&
	       memcmp(bytes, s.data, s.size) == 0;
}

/* "a.b" is member b of member a. */
static json_t *member(json_t *facts, const char *path)
{
	char name[64];
	size_t size;

	for (; facts != NULL && *path != 0; path += size + (path[size] == '.')) {
		size = strcspn(path, ".");
		if (size >= sizeof name)
			return NULL;
		memcpy(name, path, size);
		name[size] = 0;
		facts = json_object_get(facts, name);
	}
	return facts;
}

static enum outcome compare(struct vector *c, json_t *facts)
{
	json_t *want;
	const char *key;

	json_object_foreach(json_object_get(json_object_get(c->json, "expect"), "fields"), key, want)
	{
		json_t *is = member(facts, key);
		char *text;

		if (is != NULL && json_equal(is, want) == 1)
			continue;
		text = is != NULL ? json_dumps(is, JSON_ENCODE_ANY) : NULL;
		snprintf(c->why, sizeof c->why, "field %s %s%.200s", key, is != NULL ? "is " : "does not come out",
		         text != NULL ? text : "");
		free(text);
		return FAILED;
	}
	return PASSED;
}

enum outcome case_facts(struct vector *c, json_t *facts)
{
	enum outcome o = compare(c, facts);

	json_decref(facts);
	return o;
}

enum outcome case_hex_fact(struct vector *c, const char *key, struct slice value)
{
	json_t *facts = json_object();

	fact_hex(facts, key, value);
	return case_facts(c, facts);
}
