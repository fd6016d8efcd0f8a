/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IBM PEF: the owner's look into an ESM blob before a machine gets it. PEF has no report of a running guest: the
 * ultravisor of a machine that is named in the blob starts what the digests in it say, and nothing else.
 */
#ifndef BROCH_CLIENT_PEF_H
#define BROCH_CLIENT_PEF_H

#include "client/attest/policy_rules.h"
#include "client/attest/verify.h"
#include "lib/attest/esm.h"
#include "sys/openssl.h"

enum { PEF_DIGESTS_MAX = 4096 };

struct pef_input {
	struct slice blob;
	EVP_PKEY *key; /* of one recipient, private */
	bool compare;  /* with these three: the kernel as objcopy -O binary makes it, and the text of the arguments */
	struct slice kernel, initrd, bootargs;
	const struct pef_rules *rules; /* what the digests must be; NULL: any */
};

/* Fills v whole. digests takes what the blob lets start, zeroed when it cannot be opened; it points into room. */
void pef_esm_verify(const struct pef_input *in, uint8_t room[static PEF_DIGESTS_MAX], struct esm_digests *digests,
                    struct verdict *v);

#endif
