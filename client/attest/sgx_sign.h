/* SPDX-License-Identifier: Apache-2.0 */
/* SIGSTRUCT (Intel SDM vol. 3D): would EINIT take it, and making one. */
#ifndef BROCH_CLIENT_SGX_SIGN_H
#define BROCH_CLIENT_SGX_SIGN_H

#include "client/attest/verify.h"
#include "lib/attest/sgx_sigstruct.h"
#include "sys/openssl.h"

struct sgx_sigstruct_input {
	struct slice sigstruct;
	struct slice mrenclave; /* what the enclave measures to, 32 bytes; empty: not asked */
};
/* Fills v whole, like verify_evidence; v->measurement is the signed MRENCLAVE. */
void sgx_sigstruct_verify(const struct sgx_sigstruct_input *in, struct verdict *v);
/* SHA-256 of the modulus as it is stored. */
void sgx_mrsigner(struct slice modulus, uint8_t out[static 32]);

/* key: RSA-3072 with exponent 3, else ERR_INVALID. The fields' numbers of the signature are not looked at. */
MUST_USE enum err sgx_sigstruct_sign(EVP_PKEY *key, const struct sgx_sigstruct *fields,
				     uint8_t out[static SGX_SIGSTRUCT_SIZE], struct note *n);

#endif
