/* SPDX-License-Identifier: Apache-2.0 */
/* Making the ESM blob that pef.h opens: what may be started, sealed for the machines that may start it. */
#ifndef BROCH_CLIENT_PEF_MAKE_H
#define BROCH_CLIENT_PEF_MAKE_H

#include "lib/attest/esm.h"
#include "sys/openssl.h"

enum { PEF_BLOB_MAX = 65536 };

struct pef_plan {
	EVP_PKEY *const *recipients; /* public RSA keys, 2048 to 8192 bits; the first is the owner's own */
	size_t count;                /* 1 to ESM_LOCKBOX_MAX */
	struct slice rtas, kernel, initrd, bootargs; /* the kernel as objcopy -O binary makes it; bootargs: the text */
};

/* The master key and the IV are fresh and die here. ERR_INVALID: a key of another kind, no recipient or too many;
 * ERR_CRYPTO, ERR_SPACE. */
MUST_USE enum err pef_esm_make(const struct pef_plan *p, struct writer *out, struct note *n);

/* The name under which a recipient stands in a blob: SHA-256 of its public key as PEM text. */
MUST_USE bool pef_fingerprint(EVP_PKEY *key, uint8_t out[static ESM_FINGERPRINT_SIZE]);

#endif
