/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge of Azure's confidential VMs: a quote of the vTPM, signed by a key that the paravisor's report names, which
 * the hardware's report is over. A TD report is no evidence by itself: a TD quote with the same data has to come along.
 */
#ifndef BROCH_CLIENT_VTPM_H
#define BROCH_CLIENT_VTPM_H

#include "client/attest/dcap_rules.h"
#include "client/attest/verify.h"

enum { VTPM_PCRS = 24 };

struct vtpm_input {
	struct slice hcl, message, signature; /* RSASSA-PKCS1-v1_5 with SHA-256 */
	const uint8_t (*pcrs)[32];            /* what the SHA-256 bank must hold, VTPM_PCRS of them; NULL: any values */
	const struct digest_list *pcr_lists;  /* what these values must be, VTPM_PCRS lists, empty: any; NULL. Needs pcrs */
	const struct slice *nonce;            /* NULL: any */
	struct slice td_quote;
	const struct envelope_item *collateral; /* of the SNP report or the TD quote */
	size_t collateral_count;
	const struct policy *policy;
	int64_t at;
};

/* As verify_evidence: the vTPM's own checks (vtpm.*), then those of the hardware's evidence. */
void vtpm_verify(const struct vtpm_input *in, struct verdict *v);

#endif
