/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge of Intel's evidence: DCAP quotes of SGX enclaves and of TDX domains. Evidence is the quote; collateral is,
 * by name, what Intel's Provisioning Certification Service gives out (PCS API version 4), offered by anybody, believed
 * by nobody:
 *
 * - root_ca_crl, pck_crl: DER;
 * - pck_crl_issuer_chain, tcb_info_issuer_chain, qe_identity_issuer_chain: PEM;
 * - tcb_info, qe_identity: the signed JSON object alone, byte for byte, with its signature (128 hex digits) in
 *   tcb_info_signature, qe_identity_signature; or, without these, the whole answer {"tcbInfo": ..., "signature": ...};
 * - pck_chain: PEM; only when the quote does not bring its own.
 */
#ifndef BROCH_CLIENT_DCAP_H
#define BROCH_CLIENT_DCAP_H

#include "client/attest/dcap_status.h"
#include "client/attest/policy_rules.h"
#include "client/attest/verify.h"

/* Adds one check for each row of the tables in dcap_*_checks.c that is about this TEE, and the measurement (MRENCLAVE
 * or MRTD). Returns whether every row was judged: false means that something needed could not be read, which is a
 * failed check as well. tdx: judge as a TDX quote, else as an SGX quote. */
MUST_USE bool dcap_verify(const struct verify_input *in, const struct envelope *e, const struct dcap_rules *rules,
                          bool tdx, struct verdict *v);

/* What the evidence says, judged by nobody: for reports and tests. */
struct dcap_facts {
	bool platform_set, qe_set, module_set, status_set;
	enum tcb_status platform, qe, module, status; /* alone, alone, alone, all together */
	char tcb_date[24];
	uint8_t fmspc[PCK_FMSPC_SIZE];
	char advisories[DCAP_ADVISORIES_MAX][DCAP_ADVISORY_MAX]; /* of platform and module, sorted, each once */
	size_t advisory_count;
};
void dcap_facts_of(const struct envelope *e, struct dcap_facts *out);

#endif
