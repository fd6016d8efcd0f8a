/* SPDX-License-Identifier: Apache-2.0 */
/* COSE_Sign1 with ES384 (RFC 9052 section 4.2, RFC 9053 section 2.1): taken apart, and the bytes that were signed. */
#ifndef BROCH_ATTEST_COSE_H
#define BROCH_ATTEST_COSE_H

#include "lib/base/rw.h"

enum { COSE_SIGNATURE_SIZE = 96, COSE_OVERHEAD_MAX = 64 /* of the signed bytes over the parts of the message */ };

struct cose_sign1 {
	struct slice protected_header, payload;
	struct slice signature; /* r and s, big-endian, 48 bytes each */
};

/*
 * With tag 18 or without. The protected header says ES384 and nothing more: what we do not know might be critical. The
 * unprotected header is believed by nobody. ERR_UNSUPPORTED: another algorithm; ERR_RANGE: a signature of another size.
 */
MUST_USE enum err cose_sign1_read(struct reader *r, struct cose_sign1 *out);
/* Sig_structure (RFC 9052 section 4.4) without external data. ERR_SPACE. */
MUST_USE enum err cose_signed_bytes(const struct cose_sign1 *m, struct writer *w);

#endif
