/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA on the curves of FIPS 186-5 that evidence uses: keys from encoded points, signatures as two numbers of fixed
 * width. Every form of evidence brings its numbers in its own way; this is the one place where they become OpenSSL's.
 *
 * A pair is R then S, both big-endian and as wide as the curve's coordinates (RFC 9053 section 2.1). Makers that store
 * numbers little-endian with room to spare (AMD) turn them with ecdsa_pair_le.
 */
#ifndef BROCH_CLIENT_ECDSA_H
#define BROCH_CLIENT_ECDSA_H

#include "lib/base/slice.h"
#include "sys/openssl.h"

enum ecdsa_curve { ECDSA_P256, ECDSA_P384, ECDSA_P521, ECDSA_CURVE_COUNT };
enum ecdsa_hash { ECDSA_SHA256, ECDSA_SHA384, ECDSA_SHA512, ECDSA_HASH_COUNT };
enum { ECDSA_SIZE_MAX = 66, ECDSA_POINT_MAX = 1 + 2 * ECDSA_SIZE_MAX, ECDSA_PAIR_MAX = 2 * ECDSA_SIZE_MAX };

size_t ecdsa_size(enum ecdsa_curve curve);            /* of a coordinate, R or S */
const char *ecdsa_curve_name(enum ecdsa_curve curve); /* "P-256", OpenSSL's name as well */
const char *ecdsa_hash_name(enum ecdsa_hash hash);    /* "SHA256", OpenSSL's name */

/*
 * The key at a point in the encoding of SEC 1 section 2.3.3: 04 x y, or 02 or 03 and x. NULL: another encoding, another
 * size, or no point of this curve. The caller frees it.
 */
EVP_PKEY *ecdsa_key(enum ecdsa_curve curve, struct slice point);
/* The same from little-endian coordinates of any width; what lies above the curve's width must be zero. */
EVP_PKEY *ecdsa_key_le(enum ecdsa_curve curve, struct slice x, struct slice y);

/* On which curve is the key? false: on none of these, no key for ECDSA, or NULL. */
MUST_USE bool ecdsa_curve_of(EVP_PKEY *key, enum ecdsa_curve *out);

/* A little-endian number to a big-endian one of this size; false when it does not fit, or is narrower. */
MUST_USE bool ecdsa_big_endian(struct slice le, uint8_t *out, size_t size);
/* R and S, little-endian and of any width, to a pair of 2 * ecdsa_size(curve) bytes; false when one does not fit. */
MUST_USE bool ecdsa_pair_le(enum ecdsa_curve curve, struct slice r, struct slice s, uint8_t out[static ECDSA_PAIR_MAX]);

/* Are both numbers of the pair from 1 to the order of the curve less 1? */
MUST_USE bool ecdsa_in_range(enum ecdsa_curve curve, struct slice pair);
/* Is the pair this key's signature over the hash of data? false also when the pair is not as wide as the key, out of
 * range, or the key is not on one of the three curves; key may be NULL. */
MUST_USE bool ecdsa_verify(EVP_PKEY *key, enum ecdsa_hash hash, struct slice data, struct slice pair);

/* The key's signature over the hash of data, as a pair. false: the key is not on one of the three curves, or has no
 * private part. */
MUST_USE bool ecdsa_sign(EVP_PKEY *key, enum ecdsa_hash hash, struct slice data, uint8_t pair[static ECDSA_PAIR_MAX],
                         size_t *size);

#endif
