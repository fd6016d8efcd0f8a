/* SPDX-License-Identifier: Apache-2.0 */
/* Making what snp_id.h judges: an ID block signed by an id key, and that key by an author's (AMD 56860 section 8.18).
 */
#ifndef BROCH_CLIENT_SNP_ID_SIGN_H
#define BROCH_CLIENT_SNP_ID_SIGN_H

#include "lib/attest/snp_id.h"
#include "sys/openssl.h"

/*
 * fields->version is not looked at. author: NULL for none. Both keys are private, on P-384, else ERR_INVALID, as is a
 * policy that the firmware refuses (bit 17 not one, bits that are not known).
 */
MUST_USE enum err snp_id_sign(const struct snp_id_block *fields, EVP_PKEY *id, EVP_PKEY *author,
                              uint8_t block[static SNP_ID_BLOCK_SIZE], uint8_t auth[static SNP_ID_AUTH_SIZE],
                              struct note *n);

/* The public key as the page has it; its SHA-384 is what reports say. ERR_INVALID: no key on P-384. */
MUST_USE enum err snp_id_key_bytes(EVP_PKEY *key, uint8_t out[static SNP_ID_KEY_SIZE]);

#endif
