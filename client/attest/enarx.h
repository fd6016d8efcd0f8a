/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enarx certificate requests, as its Steward takes them: a PKCS#10 request whose extension 1.3.6.1.4.1.58270.1.3 carries
 * an SNP report with its VCEK and revocation lists, bound to the request's key by report data. (.2, SGX: not yet.)
 */
#ifndef BROCH_CLIENT_ENARX_H
#define BROCH_CLIENT_ENARX_H

#include "client/attest/verify.h"

enum { ENARX_CRLS_MAX = 8, ENARX_CSR_SIZE_MAX = 64 * 1024 };

struct enarx_csr { /* slices point into the request */
	struct slice spki, vcek, report;
	struct slice crls[ENARX_CRLS_MAX];
	size_t crl_count;
};

/* ERR_UNSUPPORTED: evidence of another kind than SNP; ERR_FORMAT: no request, or not exactly one piece of evidence. */
MUST_USE enum err enarx_csr_read(struct slice der, struct enarx_csr *out, struct note *n);

struct enarx_input {
	struct slice csr;
	struct slice ark, ask; /* the request does not bring them */
	const struct policy *policy;
	int64_t at;
};

/* As verify_evidence; the request's own signature is judged too. */
void enarx_csr_verify(const struct enarx_input *in, struct verdict *v);

#endif
