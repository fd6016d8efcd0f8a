/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict as an EAT attestation result (draft-ietf-rats-ear): the trustworthiness vector of draft-ietf-rats-ar4si,
 * one number a claim. 0: no claim is made; 2 to 31 affirming; 32 to 95 warning; 96 to 127 contraindicated. Unsigned:
 * whoever passes it on signs it.
 */
#ifndef BROCH_CLIENT_EAR_H
#define BROCH_CLIENT_EAR_H

#include "client/attest/verify.h"

#include <jansson.h>

enum ear_claim {
	EAR_INSTANCE,
	EAR_CONFIGURATION,
	EAR_EXECUTABLES,
	EAR_FILES,
	EAR_HARDWARE,
	EAR_RUNTIME,
	EAR_STORAGE,
	EAR_SOURCES,
	EAR_CLAIM_COUNT
};
extern const char *const ear_claim_names[EAR_CLAIM_COUNT];

/* A check that failed decides its claim, then one that was tolerated; a claim no check spoke for stays 0. */
void ear_vector(const struct verdict *v, int8_t out[static EAR_CLAIM_COUNT]);
/* "affirming": accepted; "warning": accepted, and something was tolerated or the evidence is
 * bound to nothing that was asked for; "contraindicated": refused. */
const char *ear_status(const struct verdict *v);
/* What the number means, in a few words. */
const char *ear_value_text(enum ear_claim claim, int8_t value);

/* Adds eat_profile, iat (the time of judgement, not of the clock), ear.verifier-id and submods to an object.
 * nonce: what the evidence answered, NULL: nothing. ERR_NOMEM. */
MUST_USE enum err ear_add(json_t *o, const struct verdict *v, int64_t at, const struct slice *nonce);

#endif
