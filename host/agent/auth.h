/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks? On TCP a client is known by its bearer token or its certificate, on a Unix socket by its user id. The name
 * found here counts against the quotas and owns the Keeps it makes; it never contains the token itself.
 */
#ifndef BROCH_HOST_AGENT_AUTH_H
#define BROCH_HOST_AGENT_AUTH_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { CLIENT_NAME_MAX = 160, TOKENS_MAX = 1024, TOKEN_NAME_MAX = 63, TOKEN_MIN = 16, TOKEN_MAX = 512 };

struct client {
	char name[CLIENT_NAME_MAX]; /* "uid:1000", "token:ci", "cert:CN=ci,O=Example" */
	bool known;                 /* without it there is nothing for them */
	bool operator;              /* sees and stops the Keeps of all clients */
};

struct tokens; /* only digests are kept in memory */

/*
 * A token file has one `NAME TOKEN` a line; empty lines and lines starting with # do not count. A line with the token
 * alone is named after the first 8 hex digits of its SHA-256. The file must not be readable by others. Refused: tokens
 * shorter than TOKEN_MIN, repeated names or tokens, no token at all. The notes name the line, never its content.
 */
MUST_USE enum err tokens_load(const char *path, struct tokens **out, struct note *n);
/* The same from memory; for tests and fuzzing. */
MUST_USE enum err tokens_parse(struct slice text, struct tokens **out, struct note *n);
void tokens_free(struct tokens *t); /* takes NULL */

/*
 * `value` is an Authorization header. Fills *c when its token is in t. Time depends on the size of the value and the
 * count of tokens only.
 */
MUST_USE bool tokens_check(const struct tokens *t, struct slice value, struct client *c);

#endif
