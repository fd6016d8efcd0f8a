/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and revocation lists, read strictly and judged one question at a time. OpenSSL does the arithmetic; what
 * it is lenient about (BER, duplicate extensions, PSS parameters taken from the certificate, its own clock) is asked here.
 *
 * Every judge returns OK or an error and tells in *found what it saw, whether it liked it or not. Nothing here looks at
 * a clock, a trust store or the network.
 */
#ifndef BROCH_CLIENT_X509_H
#define BROCH_CLIENT_X509_H

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "sys/openssl.h"

enum { CERT_SIZE_MAX = 16384, CERT_CN_MAX = 64, CRL_SIZE_MAX = 64 * 1024, SPKI_DIGEST_SIZE = 32 };

struct cert {
	X509 *x; /* owned */
	struct slice der;
	uint8_t spki_sha256[SPKI_DIGEST_SIZE];
	char cn[CERT_CN_MAX]; /* "" when there is not exactly one, or it is too long or not printable */
};

/* Exactly one strict-DER version 3 certificate without duplicate extensions, with a serial that is not negative and has
 * at most 20 bytes. c->der points into the input. On failure there is nothing to free. */
MUST_USE enum err cert_read(struct slice der, struct cert *c, struct note *found);
void cert_free(struct cert *c); /* takes a zeroed struct */
/* The same from PEM text that holds exactly one certificate; *der is malloc'ed. */
MUST_USE enum err cert_pem_to_der(struct slice pem, uint8_t **der, size_t *size, struct note *n);

MUST_USE enum err cert_valid_at(const struct cert *c, int64_t at, struct note *found);
MUST_USE enum err cert_issuer_is(const struct cert *c, const struct cert *issuer, struct note *found);
/* RSASSA-PSS with SHA-384, MGF1-SHA-384 and a salt of 48 bytes, said twice and the same inside and outside. */
MUST_USE enum err cert_algorithm_pss384(const struct cert *c, struct note *found);
/* ecdsa-with-SHA256 or -SHA384, without parameters, said twice and the same inside and outside. */
MUST_USE enum err cert_algorithm_ecdsa256(const struct cert *c, struct note *found);
MUST_USE enum err cert_algorithm_ecdsa384(const struct cert *c, struct note *found);
MUST_USE enum err cert_signed_by(const struct cert *c, const struct cert *issuer, struct note *found);
MUST_USE enum err cert_key_rsa4096(const struct cert *c, struct note *found);
MUST_USE enum err cert_key_p384(const struct cert *c, struct note *found);
/* May it issue certificates? depth: how many CA certificates stand below it. No unknown critical extension. */
MUST_USE enum err cert_is_ca(const struct cert *c, long depth, struct note *found);
MUST_USE enum err cert_is_leaf(const struct cert *c, struct note *found);
/* ECDSA with the certificate's key, which is on P-384, over SHA-384 of data; the pair is as ecdsa.h has it. */
MUST_USE enum err cert_ecdsa384(const struct cert *c, struct slice data, struct slice pair, struct note *found);

/* The value of an extension by the DER content bytes of its OID; false when there is none. */
bool cert_extension(const struct cert *c, struct slice oid, struct slice *value);

struct crl {
	X509_CRL *x; /* owned */
};
MUST_USE enum err crl_read(struct slice der, struct crl *c, struct note *found);
void crl_free(struct crl *c);
MUST_USE enum err crl_issuer_is(const struct crl *c, const struct cert *issuer, struct note *found);
MUST_USE enum err crl_signed_by_pss384(const struct crl *c, const struct cert *issuer, struct note *found);
MUST_USE enum err crl_signed_by_ecdsa384(const struct crl *c, const struct cert *issuer, struct note *found);
MUST_USE enum err crl_signed_by_ecdsa256(const struct crl *c, const struct cert *issuer, struct note *found);
/* max_age_s: how old thisUpdate may be; 0: only nextUpdate counts, which must be there. */
MUST_USE enum err crl_valid_at(const struct crl *c, int64_t at, uint64_t max_age_s, struct note *found);
MUST_USE enum err crl_spares(const struct crl *c, const struct cert *one, struct note *found);

/* "2026-11-24T03:00:00Z"; out holds at least 32 chars. */
void time_text(int64_t at, char *out, size_t size);

#endif
