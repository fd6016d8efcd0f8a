/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in's certificates: like AMD's in every field but the names, which say what they are. */
#ifndef BROCH_HOST_SOFT_PKI_H
#define BROCH_HOST_SOFT_PKI_H

#include "lib/base/err.h"
#include "sys/openssl.h"

enum { SOFT_CHIP_ID_SIZE = 64 };

/* The one TCB version of the stand-in, in the form of Milan; the platform key's extensions say the same. */
extern const uint8_t soft_tcb[8];

struct soft_pki { /* all owned */
	X509 *ark, *ask, *vcek;
	EVP_PKEY *vcek_key;
};

/* Makes new keys and a random chip id. Two RSA-4096 keys: seconds. The keys of root and issuer are thrown away, so this
 * root never vouches for anything else. */
MUST_USE enum err soft_pki_make(struct soft_pki *p, struct note *n);
void soft_pki_free(struct soft_pki *p);

#endif
