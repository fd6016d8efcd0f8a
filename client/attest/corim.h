/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference values as a Concise Reference Integrity Manifest (draft-ietf-rats-corim): what a verifier of any make shall
 * find in evidence. One manifest (tag 501) with one module tag (tag 506) whose reference triples hold the digests; a
 * signed one is a COSE_Sign1 (tag 18) around it. No profile is claimed: the environment is told by vendor and model.
 */
#ifndef BROCH_CLIENT_CORIM_H
#define BROCH_CLIENT_CORIM_H

#include "lib/base/rw.h"
#include "sys/openssl.h"

enum { CORIM_SIZE_MAX = 16384, CORIM_SIGNED_MAX = CORIM_SIZE_MAX + 1024, CORIM_TEXT_MAX = 256 };

/* One value: a digest by name, or register `index` of the set of that name. 32 bytes are SHA-256, 48 SHA-384, 64
 * SHA-512. */
struct corim_value {
	const char *name;
	bool is_register; /* those of one set stand together, index ascending */
	uint64_t index;
	struct slice digest;
};

struct corim_reference {
	const char *vendor, *model; /* of the TEE: "AMD", "SEV-SNP" */
	const struct corim_value *values;
	size_t count;
};

/* From when and until when the values may be used, in seconds since 1970. */
struct corim_validity {
	bool has_from;
	int64_t from, to;
};

/*
 * The manifest's id is made from its content, so that equal values give equal bytes. validity: NULL for ever.
 * ERR_INVALID: a digest of another size, no value, a text that is too long, or an end before the beginning; ERR_SPACE.
 */
MUST_USE enum err corim_write(const struct corim_reference *refs, size_t count, const struct corim_validity *validity,
                              struct writer *w);

/* Signs what corim_write wrote. The algorithm follows from the key's curve: ES256, ES384 or ES512. signer: its name in
 * the signed header. ERR_INVALID: no such key, or a text too long; ERR_CRYPTO; ERR_SPACE. */
MUST_USE enum err corim_sign(EVP_PKEY *key, const char *signer, struct slice manifest, struct writer *w,
                             struct note *n);

#endif
