/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COSE_Sign1 with ECDSA (RFC 9052 section 4.2, RFC 9053 section 2.1): taken apart, and the bytes that were signed; and
 * COSE_Key of an elliptic curve (RFC 9052 section 7, RFC 9053 section 7.1.1).
 */
#ifndef BROCH_ATTEST_COSE_H
#define BROCH_ATTEST_COSE_H

#include "lib/base/rw.h"

enum { COSE_SIGNATURE_MAX = 132, COSE_OVERHEAD_MAX = 64 /* of the signed bytes over the parts of the message */ };

enum cose_alg { COSE_ES256, COSE_ES384, COSE_ES512, COSE_ALG_COUNT }; /* ECDSA with this SHA-2 */
enum cose_curve { COSE_P256, COSE_P384, COSE_P521, COSE_CURVE_COUNT };

struct cose_sign1 {
	struct slice protected_header, payload;
	struct slice signature; /* r and s, big-endian, of 32, 48 or 66 bytes each: as wide as the key's curve */
	enum cose_alg alg;
	bool tagged; /* with tag 18 */
};

/*
 * With tag 18 or without. The protected header says the algorithm once; other parameters there are passed over unless
 * it says that some must be understood (crit). The unprotected header is believed by nobody. ERR_UNSUPPORTED: another
 * algorithm, or crit; ERR_RANGE: a signature of another size.
 */
MUST_USE enum err cose_sign1_read(struct reader *r, struct cose_sign1 *out);
/* Sig_structure (RFC 9052 section 4.4) without external data. ERR_SPACE. */
MUST_USE enum err cose_signed_bytes(const struct cose_sign1 *m, struct writer *w);

struct cose_key {
	enum cose_curve curve;
	struct slice x, y; /* big-endian, as wide as the curve; y is empty when only its sign is given */
	bool y_odd;        /* its sign, when y is empty */
	bool alg_set;      /* the key is for this algorithm only */
	enum cose_alg alg;
};

size_t cose_curve_size(enum cose_curve curve); /* of a coordinate */
/*
 * The whole input is one key of type EC2. A label twice, a coordinate of another width than its curve, a key that may
 * not verify (key_ops) and private keys are refused; labels we do not know are passed over. Whether the point is on the
 * curve is the verifier's business.
 */
MUST_USE enum err cose_key_read(struct slice in, struct cose_key *out);

#endif
