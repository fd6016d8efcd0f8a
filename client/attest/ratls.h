/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RA-TLS certificates: self-signed, with SGX or TDX evidence that is bound to the certificate's key. Two forms: tagged
 * evidence (lib/attest/dice.h), and the older one of Gramine and others, extension 1.2.840.113741.1337.6 with the bare
 * quote, whose report data is SHA-256 of the DER SubjectPublicKeyInfo and 32 zero bytes.
 *
 * A Keep of Broch has the first form, with an evidence envelope of any TEE in the place of the quote, and says what it
 * runs: the digest of its manifest. Which manifest is right must be said, or nothing is accepted.
 */
#ifndef BROCH_CLIENT_RATLS_H
#define BROCH_CLIENT_RATLS_H

#include "client/attest/verify.h"

struct ratls_input {
	struct slice cert;                      /* DER */
	const struct envelope_item *collateral; /* as for the quote alone (client/attest/dcap.h) */
	size_t collateral_count;                /* a Keep's envelope brings its own; given some, that is not looked at */
	const struct slice *nonce;      /* what the claim must be; NULL: any or none */
	const uint8_t (*manifests)[32]; /* SHA-256 each: what a Keep may run. None: no Keep is accepted */
	size_t manifest_count;
	const struct policy *policy;
	int64_t at;
};

/* Is this the digest of a manifest that was named, here or in the policy? Adds the check; silent when nothing was named
 * and nothing is demanded. */
struct workload_question {
	const char *id;
	const struct policy *policy;
	const uint8_t (*manifests)[32];
	size_t manifest_count;
	bool demanded;
};
void workload_judge(const struct workload_question *q, struct slice digest, struct verdict *v);

/* As verify_evidence: the certificate's own checks (ratls.*), then those of its quote. */
void ratls_verify(const struct ratls_input *in, struct verdict *v);

#endif
