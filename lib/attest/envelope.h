/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How evidence travels and is saved: deterministic CBOR map
 *   1 version (1)   2 tee (text: "snp", "soft-snp", "none")   3 evidence (bytes: for snp the 1184-byte report)
 *   4 collateral {text: bytes}: "vcek" | "vlek", "ask", "ark" (DER), "crl", "crl-2"... (DER) offered by the host, believed by nobody
 * A workload evidence file (what `broch inspect --evidence` saves and `broch verify` reads) is a second map
 *   1 version (1)   2 envelope (bytes, the above)   3 handshake hash   4 manifest (bytes)   5 signing key   6 nonce
 * In JSON and in policies the tee is called by the same text. A soft TEE always carries "soft" in its name.
 */
#ifndef BROCH_ATTEST_ENVELOPE_H
#define BROCH_ATTEST_ENVELOPE_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { ENVELOPE_SIZE_MAX = 48 * 1024, ENVELOPE_COLLATERAL_MAX = 16 };

struct envelope_item {
	struct slice name, value;
};

struct envelope {
	struct slice tee, evidence;
	struct envelope_item collateral[ENVELOPE_COLLATERAL_MAX];
	size_t collateral_count;
};

/* Slices point into the input. */
MUST_USE enum err envelope_decode(struct slice in, struct envelope *out, struct note *n);
MUST_USE enum err envelope_encode(const struct envelope *e, void *out, size_t capacity, size_t *size);

struct workload_file {
	struct slice envelope, hash, manifest, signing_key, nonce;
};
MUST_USE enum err workload_file_decode(struct slice in, struct workload_file *out, struct note *n);
MUST_USE enum err workload_file_encode(const struct workload_file *f, void *out, size_t capacity, size_t *size);

#endif
