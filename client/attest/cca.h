/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arm CCA: is the token signed by the platform that the relying party knows, does the platform vouch for the key that
 * signed the realm's claims, was the platform secured, and is it the realm wanted? There is no root above a platform:
 * its key (CPAK) is handed out by whoever endorses it, and a list of revoked ones is the endorser's business too.
 */
#ifndef BROCH_CLIENT_CCA_H
#define BROCH_CLIENT_CCA_H

#include "client/attest/verify.h"
#include "lib/attest/cca_token.h"

struct cca_input {
	struct slice token;
	struct slice cpak;    /* the platform's key, a JWK (client/attest/jwk.h) */
	bool allow_unsecured; /* a platform that is being made, debugged or scrapped: no secret is safe there */
	/* Demanded; NULL: any. What is shorter than CCA_CHALLENGE_SIZE is padded with zeros by whoever asks the realm, so
	 * nothing shorter is ever in a token. */
	const struct slice *challenge;
	/* What else must stand in the token, byte for byte; empty: any. */
	struct slice initial, extensible[CCA_EXTENSIBLE_COUNT], personalization;
	struct slice implementation, instance;
	/* Software that may run on the platform: each component of the token must be one of these. An empty field of a
	 * reference is any. NULL: any. */
	const struct cca_component *references;
	size_t reference_count;
};

/* Fills v whole; v->measurement is the realm's initial measurement. */
void cca_verify(const struct cca_input *in, struct verdict *v);

#endif
