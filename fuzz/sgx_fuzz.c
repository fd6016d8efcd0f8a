/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a SIGSTRUCT, which must come out as it went in, and as an SGX stream. The first byte chooses. */
#include "lib/attest/sgx_sigstruct.h"
#include "lib/measure/sgx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sigstruct(struct slice in)
{
	struct sgx_sigstruct s, again;
	uint8_t out[SGX_SIGSTRUCT_SIZE], part[SGX_SIGNED_SIZE];

	if (sgx_sigstruct_parse(in, &s) != OK)
		return;
	CHECK(sgx_sigstruct_write(&s, out) == OK && sgx_sigstruct_signed_part(&s, part) == OK);
	CHECK(sgx_sigstruct_parse(slice_of(out, sizeof out), &again) == OK && again.headers && again.reserved);
	CHECK(memcmp(again.signed_part, part, sizeof part) == 0);
	CHECK(slice_equal(again.mrenclave, s.mrenclave) && again.svn == s.svn && again.date == s.date);
}

static void stream(struct slice in)
{
	uint8_t digest[SGX_MRENCLAVE_SIZE];
	struct note n = {""};

	CHECK(sgx_measure_stream(in, digest, &n) == OK || n.text[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(struct slice) = {sigstruct, stream};

	if (size > 0)
		parts[data[0] % ARRAY_COUNT(parts)](slice_of(data + 1, size - 1));
	return 0;
}
