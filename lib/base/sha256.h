/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of much data: BearSSL's context, driven by the CPU's SHA instructions where it has them (five times as fast).
 * br_sha256_init before, br_sha256_out after; updates of both kinds may be mixed.
 */
#ifndef BROCH_BASE_SHA256_H
#define BROCH_BASE_SHA256_H

#include "lib/base/slice.h"

#include <bearssl.h>

/* Has this CPU the instructions? Asking is an exit in a VM: ask once, and only when there is much to do. */
bool sha256_is_fast(void);
/* fast: what sha256_is_fast said, or false. */
void sha256_update(br_sha256_context *c, bool fast, struct slice data);

#endif
