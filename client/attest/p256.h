/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA on P-256 with SHA-256, in the form Intel's structures have it: points and signatures are two big-endian numbers
 * of 32 bytes; and lists of PEM certificates, which is how Intel's chains travel.
 */
#ifndef BROCH_CLIENT_P256_H
#define BROCH_CLIENT_P256_H

#include "client/attest/x509.h"

enum { P256_PAIR_SIZE = 64, CERT_LIST_MAX = 4 };

/* The certificate's key, which must be an uncompressed point on the named curve. */
MUST_USE enum err cert_key_p256(const struct cert *c, struct note *found);
/* ECDSA with the certificate's key over SHA-256 of data. */
MUST_USE enum err cert_ecdsa256(const struct cert *c, struct slice data, struct slice signature, struct note *found);
/* The same with a bare point; false also when the point is not on the curve. */
MUST_USE bool p256_verify(struct slice point, struct slice data, struct slice signature);

struct cert_list {
	struct cert cert[CERT_LIST_MAX];
	uint8_t *der[CERT_LIST_MAX]; /* owned: what the certificates point into */
	size_t count;
};
/* One to CERT_LIST_MAX certificates, each as cert_read wants it; whitespace and zero bytes may stand between and
 * behind. On failure there is nothing to free. */
MUST_USE enum err cert_list_read(struct slice pem, struct cert_list *l, struct note *found);
/* The other certificate in the list that has the name of this one's issuer, or NULL; of may be NULL. */
const struct cert *cert_list_issuer(const struct cert_list *l, const struct cert *of);
void cert_list_free(struct cert_list *l); /* takes a zeroed struct */

#endif
