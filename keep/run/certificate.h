/* SPDX-License-Identifier: Apache-2.0 */
/* The Keep's certificate: its own key, signed by itself, with evidence for that key and for what the Keep runs. */
#ifndef BROCH_KEEP_CERTIFICATE_H
#define BROCH_KEEP_CERTIFICATE_H

#include "keep/run/identity.h"
#include "lib/base/arena.h"

#include <bearssl.h>

enum { KEEP_CERTIFICATE_MAX = 16384 }; /* what verifiers read */

struct keep_certificate {
	br_x509_certificate der; /* in the arena */
	br_ec_private_key key;   /* points into the identity */
};

enum { KEEP_CERTIFICATE_LIFE_S = 366 * 86400 };

struct keep_certificate_wish {
	const uint8_t *manifest;  /* SHA-256, 32 bytes */
	uint64_t now_s;           /* valid from an hour before, for clocks that differ, to a year after */
	const char *const *names; /* DNS names it shall stand for; it says no address */
	size_t name_count;
};

/* Asks the host for evidence. The note says what failed. id must outlive *out. */
MUST_USE enum err keep_certificate_make(struct identity *id, struct arena *a, const struct keep_certificate_wish *wish,
                                        struct keep_certificate *out, struct note *n);

#endif
