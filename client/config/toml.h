/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0: text to a tree. The whole of the language, nothing beside it. Every value knows its line and column, so
 * that whoever reads the tree can say where something is wrong.
 *
 * The tree belongs to the document and dies with it. It is read-only. Nothing here is a secret.
 */
#ifndef BROCH_CLIENT_TOML_H
#define BROCH_CLIENT_TOML_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { TOML_SIZE_MAX = 1 << 20, TOML_NODES_MAX = 20000, TOML_DEPTH_MAX = 64 };

enum toml_type { TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOL, TOML_TIME, TOML_ARRAY, TOML_TABLE };
const char *toml_type_text(enum toml_type t); /* "a string" and so on */

struct toml_time { /* a date, a time, or both, with or without offset */
	bool has_date, has_time, has_offset;
	int year, month, day, hour, minute, second, offset_minutes;
	uint32_t nanosecond;
};

struct toml_pair;
struct toml_value {
	enum toml_type type;
	unsigned line, column; /* from 1; columns count bytes */
	union {
		struct slice string; /* UTF-8, also followed by a zero byte that is not counted; may hold zero bytes itself */
		int64_t integer;
		double real;
		bool boolean;
		struct toml_time time;
		struct {
			struct toml_value **items;
			size_t count;
		} array;
		struct {
			struct toml_pair *pairs; /* in the order of the text */
			size_t count;
		} table;
	} u;
};
struct toml_pair {
	struct slice key; /* as a string above */
	unsigned line, column;
	struct toml_value *value;
};

struct toml;
/* `name` is the file's, for messages: "NAME:LINE:COLUMN: what is wrong; what to do". ERR_FORMAT, ERR_LIMIT, ERR_NOMEM. */
MUST_USE enum err toml_parse(struct slice text, const char *name, struct toml **out, struct note *n);
void toml_free(struct toml *t);

const struct toml_value *toml_root(const struct toml *t);                                /* a table */
const struct toml_value *toml_get(const struct toml_value *table, const char *key);      /* NULL: no such key, or no table */

#endif
