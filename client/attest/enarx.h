/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enarx certificate requests, as its Steward takes them: a PKCS#10 request whose extension 1.3.6.1.4.1.58270.1.3 carries
 * an SNP report with its VCEK and revocation lists, or .2 an SGX quote with revocation lists and TCB information, bound to
 * the request's key by report data. It brings no QE identity: only a policy that does without one accepts SGX evidence.
 */
#ifndef BROCH_CLIENT_ENARX_H
#define BROCH_CLIENT_ENARX_H

#include "client/attest/verify.h"

enum { ENARX_CRLS_MAX = 8, ENARX_SIGNERS_MAX = 4, ENARX_CSR_SIZE_MAX = 64 * 1024 };

struct enarx_csr { /* slices point into the request */
	struct slice spki;
	bool sgx;
	struct slice vcek, report;                /* SNP */
	struct slice quote, tcb_info;             /* SGX; the statement as Intel's service answers */
	struct slice signers[ENARX_SIGNERS_MAX]; /* of the statement, DER, the signer first */
	size_t signer_count;
	struct slice crls[ENARX_CRLS_MAX];
	size_t crl_count;
};

/* ERR_UNSUPPORTED: evidence of another kind; ERR_FORMAT: no request, or not exactly one piece of evidence. */
MUST_USE enum err enarx_csr_read(struct slice der, struct enarx_csr *out, struct note *n);

struct enarx_input {
	struct slice csr;
	struct slice ark, ask; /* SNP: the request does not bring them */
	const struct policy *policy;
	int64_t at;
	/* All that shall be judged with the evidence, also what the request brings (client/attest/collateral.h chooses);
	 * NULL: only what the request brings, and the two above. */
	const struct envelope_item *items;
	size_t item_count;
};

/* As verify_evidence; the request's own signature is judged too. */
void enarx_csr_verify(const struct enarx_input *in, struct verdict *v);

#endif
