/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures in the forms of the SEV API (AMD 55766 appendices B and C), on OpenSSL. All numbers little-endian. */
#ifndef BROCH_CLIENT_SEV_KEY_H
#define BROCH_CLIENT_SEV_KEY_H

#include "client/attest/x509.h"
#include "lib/attest/sev_cert.h"

/* NULL: not a point on this curve, or numbers too large for it. The caller frees it. */
EVP_PKEY *sev_ec_key(uint32_t curve, struct slice x, struct slice y);
/* NULL: no usable key (even or tiny exponent, modulus shorter than it says). */
EVP_PKEY *sev_rsa_key(struct slice exponent, struct slice modulus);
/* Either, as the certificate has it; NULL also when it has no key of a known form. */
EVP_PKEY *sev_cert_key(const struct sev_cert *c);
/* ECDSA, or RSASSA-PSS with the hash's size as salt; the algorithm must be one for this key. Only R and S, or the number
 * as long as the modulus, are looked at. */
bool sev_verify(EVP_PKEY *key, uint32_t algorithm, struct slice data, struct slice signature);
/* SHA-256 of the SubjectPublicKeyInfo, as x509.h has it. */
MUST_USE bool sev_spki(EVP_PKEY *key, uint8_t out[static SPKI_DIGEST_SIZE]);
const char *sev_curve_name(uint32_t curve); /* OpenSSL's; NULL: none */

#endif
