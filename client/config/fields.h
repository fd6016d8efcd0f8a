/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TOML table against what may be in it: each key has a type, an example for whoever got it wrong, and a place in the
 * result. What is not in the list is refused with the nearest name. Messages are "FILE:LINE:COLUMN: what; cure".
 */
#ifndef BROCH_CLIENT_FIELDS_H
#define BROCH_CLIENT_FIELDS_H

#include "client/config/toml.h"

struct field {
	const char *key;
	enum toml_type type;
	const char *example; /* as it is written in a file: size = "64MiB" */
};

struct fields {
	const char *file;
	struct note *n;
	const char *all; /* where all keys are explained, for messages */
};

/*
 * out[i] becomes the value of list[i] or NULL. `where` names the table in messages, "" for the top. With `unknown` the
 * first key that is not in the list is told there instead of being an error (NULL: there is none), so that a lenient
 * reader can say what it passes over. ERR_INVALID.
 */
MUST_USE enum err fields_read(const struct fields *f, const struct toml_value *table, const char *where,
			      const struct field *list, size_t count, const struct toml_value **out,
			      const struct toml_pair **unknown);
/* The same for an array of tables or of strings: are all its items of this type? */
MUST_USE enum err fields_items(const struct fields *f, const struct toml_value *array, const struct field *field,
			       enum toml_type type);
/* A message at a value. */
PRINTF_LIKE(3, 4) enum err fields_wrong(const struct fields *f, const struct toml_value *at, const char *fmt, ...);
#ifdef __clang_analyzer__ /* as for refuse() */
#define fields_wrong(f, at, ...) ((void)(fields_wrong)(f, at, __VA_ARGS__), ERR_INVALID)
#endif

#endif
