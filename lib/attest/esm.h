/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ESM blob of IBM's Protected Execution Facility (documentation of the svm-tools; Linux, "Protected Execution
 * Facility"): who may open it, and, sealed, what may be started. Form only; client/attest/pef.h opens and judges.
 */
#ifndef BROCH_ATTEST_ESM_H
#define BROCH_ATTEST_ESM_H

#include "lib/base/rw.h"

enum { ESM_LOCKBOX_MAX = 32, ESM_FINGERPRINT_SIZE = 32, ESM_IV_MAX = 16, ESM_MAC_SIZE = 16, ESM_DIGEST_SIZE = 64 };

struct esm_lockbox { /* the master key for one recipient */
	struct slice symkey, algorithm;
	struct slice fingerprint; /* SHA-256 of the recipient's public key as PEM text */
};

struct esm {
	struct slice compatible;
	struct esm_lockbox lockboxes[ESM_LOCKBOX_MAX];
	size_t lockbox_count;
	struct slice algorithm, iv, mac, ciphertext; /* of the digests: AES-256-GCM with the master key */
	struct slice files;                          /* a tree of attachments; empty: none */
};
/* Slices point into the input. A property twice is ERR_EXISTS, one that is missing ERR_NOT_FOUND. */
MUST_USE enum err esm_parse(struct slice in, struct esm *out);

struct esm_digests { /* SHA-512 each */
	struct slice algorithm, rtas, kernel, initrd, bootargs;
	struct slice size; /* of the kernel, as it stands there */
	uint32_t kernel_size;
};
/* The digests as they are when opened. */
MUST_USE enum err esm_digests_parse(struct slice in, struct esm_digests *out);

enum { ESM_FILES_MAX = 32, ESM_FILE_NAME_MAX = 64 };
struct esm_files {
	char names[ESM_FILES_MAX][ESM_FILE_NAME_MAX];
	size_t count;
};
/* The names of the attachments in a blob's tree of them; what is in them stays sealed. ERR_LIMIT: too many or too long.
 */
MUST_USE enum err esm_files_parse(struct slice in, struct esm_files *out);

#endif
