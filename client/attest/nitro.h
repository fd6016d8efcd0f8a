/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Nitro Enclaves: is the document signed under AWS's root, by a certificate that was valid, for the enclave wanted?
 * AWS publishes revocation lists for its intermediate certificates but they do not travel with documents, and it tells
 * relying parties to do without: the leaf lives three hours, the certificates above it days. Lists that are given are
 * asked. A document has no other freshness than the nonce the relying party chose, and the time that the hypervisor
 * stamps into it.
 */
#ifndef BROCH_CLIENT_NITRO_H
#define BROCH_CLIENT_NITRO_H

#include "client/attest/dcap_rules.h"
#include "client/attest/verify.h"
#include "lib/attest/nitro_doc.h"

enum { NITRO_ROOT_SIZE = 32 };
/* SHA-256 of the DER of the AWS Nitro Enclaves root G1. */
extern const uint8_t nitro_root_g1[NITRO_ROOT_SIZE];

struct nitro_input {
	struct slice doc;
	const uint8_t *root; /* the one root that is trusted, SHA-256 of its DER; NULL: AWS's */
	int64_t at;          /* seconds since 1970 */
	bool allow_debug;    /* an enclave in debug mode has a PCR0 of zeros, and its console is read from outside */
	struct slice pcrs[NITRO_PCR_COUNT];                 /* demanded values; empty: any */
	const struct digest_list *pcr_lists;                /* as many lists of values, one of which it must be; NULL */
	const struct slice *public_key, *user_data, *nonce; /* demanded; NULL: any */
	const struct slice *crls; /* of anybody; those of the chain's authorities count */
	size_t crl_count;
	bool crl_required;        /* one of each authority */
	uint64_t crl_max_age_s, max_age_s; /* of a list; of the document, by its time stamp. 0: not asked for */
};

/* Fills v whole; v->measurement is PCR0. */
void nitro_verify(const struct nitro_input *in, struct verdict *v);

#endif
