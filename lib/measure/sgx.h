/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MRENCLAVE (Intel SDM vol. 3D, ECREATE, EADD, EEXTEND): SHA-256 over a record for each step of building an enclave. The
 * order of the steps counts; Linux measures each page right after adding it, and so does this.
 */
#ifndef BROCH_MEASURE_SGX_H
#define BROCH_MEASURE_SGX_H

#include "lib/base/err.h"
#include "lib/base/sha256.h"

enum { SGX_PAGE_SIZE = 4096, SGX_MRENCLAVE_SIZE = 32 };

/* SECINFO.FLAGS. */
enum {
	SGX_R = 1 << 0,
	SGX_W = 1 << 1,
	SGX_X = 1 << 2,
	SGX_TCS = 1 << 8,
	SGX_REG = 2 << 8,
};

struct sgx_measure { /* private */
	br_sha256_context hash;
	uint64_t size;
	bool fast;
};

/* size: of the enclave in bytes, a power of two and at least a page; ssa_frame_size in pages, not 0. Else ERR_RANGE. */
MUST_USE enum err sgx_measure_begin(struct sgx_measure *m, uint64_t size, uint32_t ssa_frame_size);
/* content: SGX_PAGE_SIZE bytes, or NULL for a page whose content is not measured. ERR_RANGE: not a page of the enclave. */
MUST_USE enum err sgx_measure_page(struct sgx_measure *m, uint64_t offset, uint64_t flags, const uint8_t *content);
void sgx_measure_end(const struct sgx_measure *m, uint8_t mrenclave[static SGX_MRENCLAVE_SIZE]);

/* An SGX stream (.sgxs): the records themselves, one behind the other, with contents that are not measured marked
 * "UNMEASRD". ERR_FORMAT with the offset in the note, ERR_TRUNCATED. */
MUST_USE enum err sgx_measure_stream(struct slice sgxs, uint8_t mrenclave[static SGX_MRENCLAVE_SIZE], struct note *n);

#endif
