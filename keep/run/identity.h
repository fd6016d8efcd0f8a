/* SPDX-License-Identifier: Apache-2.0 */
/* The Keep's own signing key (ECDSA P-256): made in the Keep on first use, never leaves it, dies with it. */
#ifndef BROCH_KEEP_IDENTITY_H
#define BROCH_KEEP_IDENTITY_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct identity { /* zero-initialised */
	bool made;
	uint8_t secret[32];
	uint8_t public[65]; /* SEC1, uncompressed */
};

/* Makes the key if there is none. */
MUST_USE enum err identity_public(struct identity *id, struct slice *out);

#endif
