/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges the peer's chain for BearSSL's engine, as one of its X.509 engines: the chain by br_x509_minimal (or, with
 * pins alone, only decoded), then what that leaves open: pinned key and extended key usage of the peer's own
 * certificate.
 */
#ifndef BROCH_TLS_TLS12_PEER_H
#define BROCH_TLS_TLS12_PEER_H

#include "lib/tls/leaf.h"
#include "lib/tls/tls.h"

/* Beside BearSSL's own codes, which end at 62. */
enum { PEER_NOT_PINNED = 63, PEER_TOO_LARGE = 64, PEER_ERRORS_END = 65 };

struct tls12_peer { /* private */
	const br_x509_class *vtable;
	struct tls_trust trust;
	enum leaf_use use;
	br_x509_minimal_context chain;
	br_x509_decoder_context alone;
	unsigned certs; /* begun so far */
	bool judged;    /* and found good */
	uint8_t pin[TLS_PIN_SIZE];
	size_t leaf_size; /* may exceed the room */
	uint8_t leaf[TLS_LEAF_MAX];
};

/* use: what the peer must be. ERR_INVALID: nobody to believe, or a clock beyond all calendars. */
MUST_USE enum err tls12_peer_init(struct tls12_peer *p, const struct tls_trust *trust, enum leaf_use use);

#endif
