/* SPDX-License-Identifier: Apache-2.0 */
/* Is this ID block signed by this id key, and that one by this author key? */
#ifndef BROCH_CLIENT_SNP_ID_H
#define BROCH_CLIENT_SNP_ID_H

#include "client/attest/verify.h"

struct snp_id_input {
	struct slice block, auth;
	bool author; /* must an author have signed the id key? */
};

/* The digests under which reports name the keys; zero for an author that is not there. */
struct snp_id_digests {
	uint8_t id_key[48], author_key[48];
};

/* Fills v whole, like verify_evidence, and *d when the inputs can be read. v->measurement is the signed launch digest. */
void snp_id_verify(const struct snp_id_input *in, struct snp_id_digests *d, struct verdict *v);

/* SHA-384 of a public key in the form of 56860 (1028 bytes). ERR_TRUNCATED, ERR_TRAILING, ERR_INVALID (not a P-384 key). */
MUST_USE enum err snp_id_key_digest(struct slice key, uint8_t digest[static 48]);

#endif
