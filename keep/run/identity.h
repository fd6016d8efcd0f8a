/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signing key of a Keep (ECDSA P-256). Its own is made in the Keep on first use, never leaves it, dies with it; the one of
 * its certificate may be the tenant's, who then knows its pin before the Keep is there.
 */
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
/* Takes this key: 32 bytes, big-endian. ERR_INVALID: it is none. */
MUST_USE enum err identity_given(struct identity *id, struct slice secret);

#endif
