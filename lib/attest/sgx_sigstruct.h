/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGSTRUCT, what the author of an enclave signs (Intel SDM vol. 3D, section "Enclave Signature Structure"). Bytes to
 * fields and back; the arithmetic of the signature is the verifier's and the signer's business.
 */
#ifndef BROCH_ATTEST_SGX_SIGSTRUCT_H
#define BROCH_ATTEST_SGX_SIGSTRUCT_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
	SGX_SIGSTRUCT_SIZE = 1808,
	SGX_RSA_SIZE = 384,
	SGX_EXPONENT = 3,
	SGX_SIGNED_SIZE = 256, /* bytes that the signature covers: 128 from the start, 128 from MISCSELECT on */
};

struct sgx_sigstruct {
	uint32_t vendor, date;  /* date: decimal digits as hexadecimal ones, 20260131h */
	uint32_t swdefined;
	uint32_t exponent;
	struct slice modulus, signature, q1, q2; /* little-endian numbers of SGX_RSA_SIZE bytes */
	uint32_t miscselect, miscmask;
	struct slice family_id, attributes, attribute_mask, mrenclave, ext_prod_id; /* 16 bytes; mrenclave 32 */
	uint16_t prod_id, svn;
	bool headers;  /* do both headers read as they must? */
	bool reserved; /* are all reserved bytes zero? */
	uint8_t signed_part[SGX_SIGNED_SIZE];
};

/* Slices point into the input. ERR_TRUNCATED, ERR_TRAILING. */
MUST_USE enum err sgx_sigstruct_parse(struct slice in, struct sgx_sigstruct *out);

/* What the signature covers, from the fields (headers are written as they must be). ERR_INVALID: a slice's size. */
MUST_USE enum err sgx_sigstruct_signed_part(const struct sgx_sigstruct *s, uint8_t out[static SGX_SIGNED_SIZE]);
/* All of it; the four numbers and the exponent are there. */
MUST_USE enum err sgx_sigstruct_write(const struct sgx_sigstruct *s, uint8_t out[static SGX_SIGSTRUCT_SIZE]);

#endif
