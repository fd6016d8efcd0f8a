/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request is refused: what the client is told. Zero-initialised, caller-owned; the first fault wins. */
#ifndef BROCH_HOST_AGENT_FAULT_H
#define BROCH_HOST_AGENT_FAULT_H

#include "lib/base/err.h"

enum { FAULT_MAX = 400 };

struct fault {
	unsigned status;       /* HTTP status; 0: none */
	char error[FAULT_MAX]; /* what is wrong and where */
	char hint[FAULT_MAX];  /* what to do */
	const char *allow;     /* with 405: the methods that would do */
};

/* Returns ERR_INVALID always, so that a refusal is one line. fmt makes `error` (printf); hint may be NULL. The texts
 * may quote what the client sent: bytes that are not printable ASCII come out as '?'. */
PRINTF_LIKE(4, 5) enum err fault_set(struct fault *f, unsigned status, const char *hint, const char *fmt, ...);
/* Replaces what is not printable ASCII by '?'. */
void text_clean(char *text);

#endif
