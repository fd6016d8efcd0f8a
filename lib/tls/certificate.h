/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate that a P-256 key signs for itself (RFC 5280), for TLS servers and clients, with evidence in it: whoever
 * judges the evidence (TCG DICE Attestation Architecture, extension 2.23.133.5.4.9; lib/attest/dice.h) knows whose key
 * it is. An issuing service can sign the same key later: then its chain takes this one's place.
 */
#ifndef BROCH_TLS_CERTIFICATE_H
#define BROCH_TLS_CERTIFICATE_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

#include <bearssl.h>

enum { CERTIFICATE_NAMES_MAX = 16, CERTIFICATE_SPKI_SIZE = 91, CERTIFICATE_SERIAL_SIZE = 16 };

struct certificate_settings {
	const br_ec_private_key *key; /* P-256 */
	const uint8_t *public;        /* its point, 65 bytes, SEC 1 uncompressed */
	const char *subject;          /* common name, 1 to 64 bytes of ASCII */
	const char *const *names;     /* DNS names it stands for */
	size_t name_count;
	uint8_t serial[CERTIFICATE_SERIAL_SIZE]; /* random */
	uint64_t from_s, until_s;                /* seconds since 1970, before the year 10000 */
	struct slice evidence;                   /* the extension's value; size 0: no extension */
};

/* What evidence binds: the DER SubjectPublicKeyInfo. */
void certificate_spki(const uint8_t public[static 65], uint8_t out[static CERTIFICATE_SPKI_SIZE]);

/* DER at the start of out. ERR_SPACE; ERR_INVALID: names or times that no certificate can say; ERR_CRYPTO: the key. */
MUST_USE enum err certificate_make(const struct certificate_settings *s, uint8_t *out, size_t capacity, size_t *size);

#endif
