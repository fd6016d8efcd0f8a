/* SPDX-License-Identifier: Apache-2.0 */
/* What BearSSL does not tell about the peer's own certificate (RFC 5280): its key as it was signed, and its uses. */
#ifndef BROCH_TLS_LEAF_H
#define BROCH_TLS_LEAF_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum leaf_use { LEAF_SERVER, LEAF_CLIENT };

struct leaf {                 /* slices point into the input */
	struct slice spki;    /* DER SubjectPublicKeyInfo, whole */
	struct slice subject; /* DER Name, whole */
	bool signs;           /* key usage allows digital signatures, or is not there */
	bool uses[2];         /* extended key usage allows it, or is not there; by enum leaf_use */
	bool ca;              /* basic constraints say so */
};

/* ERR_FORMAT, ERR_TRAILING. Signature, dates and names are not looked at. */
MUST_USE enum err leaf_read(struct slice der, struct leaf *out);

#endif
