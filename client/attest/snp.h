/* SPDX-License-Identifier: Apache-2.0 */
/* The judge of SEV-SNP evidence, real and soft. */
#ifndef BROCH_CLIENT_SNP_H
#define BROCH_CLIENT_SNP_H

#include "client/attest/policy_rules.h"
#include "client/attest/verify.h"

/* Adds one check for each row of the table in snp.c to v, and the measurement. Returns whether every row was judged:
 * false means that something needed could not be read, which is a failed check as well. */
MUST_USE bool snp_verify(const struct verify_input *in, const struct envelope *e, const struct snp_rules *rules,
			 struct verdict *v);
/* The rows about root, intermediate and revocation list only: is this chain good at this time? */
MUST_USE bool snp_verify_issuers(const struct verify_input *in, const struct envelope *e, const struct snp_rules *rules,
				 struct verdict *v);

#endif
