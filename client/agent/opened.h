/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest that comes from a file or a record, to be looked at. */
#ifndef BROCH_AGENT_OPENED_H
#define BROCH_AGENT_OPENED_H

#include "lib/session/manifest.h"

struct opened { /* zero-initialised */
	struct manifest m;
	void *memory; /* private */
};
/* The bytes must outlive it. ERR_NOMEM, or what manifest_decode says. */
MUST_USE enum err opened_read(struct slice cbor, struct opened *out, struct note *n);
void opened_free(struct opened *o);

#endif
