/* SPDX-License-Identifier: Apache-2.0 */
/* The body of POST /v1/keeps. Strict: unknown or repeated keys, wrong types and values out of range are refused. */
#ifndef BROCH_HOST_AGENT_REQUEST_H
#define BROCH_HOST_AGENT_REQUEST_H

#include "host/agent/route.h"

enum { LINGER_MAX = 7 * 24 * 3600 };

struct create_request {
	char name[KEEP_NAME_MAX + 1]; /* "": none */
	char backend[16];             /* "": the host's choice */
	char tee[16];                 /* "": soft-snp */
	uint64_t memory_max;          /* 0: the host's default */
	uint32_t linger_s;
};

/* An empty body is an empty object. Only the form is checked: what this host offers and allows is the caller's. */
MUST_USE enum err request_parse(struct slice body, struct create_request *out, struct fault *f);

/* The nearest of `words` to a mistyped one, or NULL when none is near. */
const char *near_word(const char *wrong, const char *const *words, size_t count);

#endif
