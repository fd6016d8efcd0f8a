/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attestation document of AWS Nitro Enclaves: a COSE_Sign1 whose payload is a CBOR map (AWS Nitro Enclaves user
 * guide, "Verifying the root of trust", and the attestation process description of the NSM API). Nothing is judged here
 * but form.
 */
#ifndef BROCH_ATTEST_NITRO_DOC_H
#define BROCH_ATTEST_NITRO_DOC_H

#include "lib/attest/cose.h"

enum {
	NITRO_SIGNATURE_SIZE = 96 /* ES384 on P-384 */,
	NITRO_DOC_SIZE_MAX = 16 * 1024,
	NITRO_PCR_COUNT = 32,
	NITRO_CA_MAX = 8
};

struct nitro_doc {
	struct cose_sign1 cose;
	struct slice module_id;                    /* text, at least one byte */
	uint64_t timestamp_ms;                     /* since 1970, not zero */
	struct slice pcrs[NITRO_PCR_COUNT];        /* 32, 48 or 64 bytes; empty: not in the document */
	struct slice certificate;                  /* DER */
	struct slice cabundle[NITRO_CA_MAX];       /* the root first */
	size_t ca_count;                           /* at least one */
	struct slice public_key, user_data, nonce; /* empty when left out or null */
};

/*
 * The document alone, or the answer of the NSM that holds it, {"Attestation": {"document": bytes}}. All slices point
 * into the input. Maps and arrays may be of no stated length, as AWS writes the payload's. A key twice, a field too
 * many bytes long, bytes behind: refused, and n says where. Unknown fields are passed over: they are signed, and say
 * nothing about the known ones.
 */
MUST_USE enum err nitro_doc_parse(struct slice in, struct nitro_doc *out, struct note *n);

#endif
