/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence in a certificate, as RA-TLS has it: the extension 2.23.133.5.4.9 (TCG DICE Attestation Architecture, tagged
 * evidence) holds CBOR tag 60000 with [quote, claims] (Interoperable RA-TLS, Confidential Computing Consortium). The
 * claims are a CBOR map; the report data of the quote is their SHA-256, and they name the certificate's key by its
 * hash. A Keep of Broch puts an evidence envelope (lib/attest/envelope.h) in the place of the quote, and claims also
 * what it runs: "broch-manifest" is the SHA-256 of its manifest.
 */
#ifndef BROCH_ATTEST_DICE_H
#define BROCH_ATTEST_DICE_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

/* IANA registry "Named Information Hash Algorithm". */
enum dice_hash { DICE_SHA256 = 1, DICE_SHA384 = 7, DICE_SHA512 = 8 };

struct dice_evidence { /* slices point into the input */
	struct slice quote;
	struct slice claims; /* the encoded map: what the report data is a digest of */
	enum dice_hash hash; /* of the key's DER SubjectPublicKeyInfo */
	struct slice key_hash;
	struct slice nonce;    /* "nonce"; data NULL: there is none */
	struct slice manifest; /* "broch-manifest"; data NULL: there is none, else 32 bytes */
};

/* The value of the extension. ERR_FORMAT, ERR_UNSUPPORTED (another tag or hash), ERR_TRAILING. */
MUST_USE enum err dice_evidence_read(struct slice value, struct dice_evidence *out, struct note *n);

/* The claims of a Keep: SHA-256 of its key's SubjectPublicKeyInfo, and of its manifest. Their SHA-256 is what the
 * report data begins with; zeros follow. */
enum { DICE_CLAIMS_MAX = 128 };
MUST_USE enum err dice_claims_write(const uint8_t key_hash[static 32], const uint8_t manifest[static 32],
                                    uint8_t out[static DICE_CLAIMS_MAX], size_t *size);
/* The extension's value. ERR_SPACE. */
MUST_USE enum err dice_evidence_write(struct slice evidence, struct slice claims, uint8_t *out, size_t capacity,
                                      size_t *size);

#endif
