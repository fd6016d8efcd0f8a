/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GET over http or https, by libcurl, which is loaded only for this: every other verb starts three times as fast
 * without it. Proxies come from the environment. No redirects. Not for threads.
 */
#ifndef BROCH_CLI_WEB_H
#define BROCH_CLI_WEB_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { WEB_ANSWER_MAX = 1 << 20, WEB_HEADER_MAX = 64 * 1024 };

struct web_answer {
	uint8_t *body;
	size_t size;
	char *header;       /* value of the header wanted, as sent; NULL: there was none */
	const char *wanted; /* private */
};

/* header: its name, also found with "SGX-" in front; NULL: none wanted. Only status 200 with a body is OK. ERR_LIMIT,
 * ERR_IO, ERR_UNSUPPORTED (no libcurl here). The caller frees the answer in any case. */
MUST_USE enum err web_get(const char *url, const char *header, struct web_answer *out, struct note *n);
void web_answer_free(struct web_answer *a); /* takes a zeroed one */
/* %XX to bytes; malloc'ed, NULL: out of memory or a bad escape. */
char *web_unescape(const char *text, size_t *size);

#endif
