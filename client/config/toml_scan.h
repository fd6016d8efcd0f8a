/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the TOML parser: the cursor over the text, and what makes single values of it. */
#ifndef BROCH_CLIENT_TOML_SCAN_H
#define BROCH_CLIENT_TOML_SCAN_H

#include "client/config/toml.h"

struct scan {
	const char *name;
	struct slice text;
	size_t at;
	unsigned line;
	size_t line_start;
	struct note *note;
	void *(*alloc)(struct scan *s, size_t size); /* zeroed memory of the document, or NULL */
};

/* The byte at the cursor or `ahead` of it, or -1 at the end. */
int scan_peek(const struct scan *s, size_t ahead);
/* Passes `count` bytes that are not line ends. */
void scan_pass(struct scan *s, size_t count);
bool scan_take(struct scan *s, const char *text);
void scan_blanks(struct scan *s);                /* spaces and tabs */
bool scan_newline(struct scan *s);               /* LF or CRLF */
unsigned scan_column(const struct scan *s);
/* A message at the cursor. */
PRINTF_LIKE(2, 3) enum err scan_fail(struct scan *s, const char *fmt, ...);
/* A message at another place. */
PRINTF_LIKE(4, 5) enum err scan_fail_at(struct scan *s, unsigned line, unsigned column, const char *fmt, ...);

bool utf8_ok(struct slice s, size_t *bad);

/* The cursor is at the opening quote. `multi`: three quotes are allowed. */
MUST_USE enum err scan_string(struct scan *s, bool multi, struct slice *out);
/* Number, date, time, boolean: the cursor is at its first byte. */
MUST_USE enum err scan_plain(struct scan *s, struct toml_value *v);

#endif
