/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as JSON Web Keys (RFC 7517, RFC 7518 section 6.2): how keys of Arm CCA platforms are handed out. */
#ifndef BROCH_CLIENT_JWK_H
#define BROCH_CLIENT_JWK_H

#include "client/attest/ecdsa.h"
#include "lib/base/err.h"

enum { JWK_SIZE_MAX = 4096 };

/*
 * A key of type EC on P-256, P-384 or P-521; members we do not know are passed over. NULL: anything else, and n says
 * what. A private key is refused: it has no business with whoever verifies. The caller frees it.
 */
EVP_PKEY *jwk_ec_key(struct slice json, struct note *n);

#endif
