/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an Enarx certificate request: what is read lies inside it, and a refusal says why. */
#include "client/attest/enarx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice s, const uint8_t *data, size_t size)
{
	CHECK(s.size == 0 || (s.data >= data && s.data + s.size <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct enarx_csr csr;
	struct note n = {""};

	if (enarx_csr_read(slice_of(data, size), &csr, &n) != OK) {
		CHECK(n.text[0] != 0);
		return 0;
	}
	CHECK(csr.crl_count <= ENARX_CRLS_MAX && csr.signer_count <= ENARX_SIGNERS_MAX);
	CHECK(csr.sgx ? csr.report.size == 0 : csr.quote.size == 0);
	inside(csr.spki, data, size);
	inside(csr.vcek, data, size);
	inside(csr.report, data, size);
	inside(csr.quote, data, size);
	inside(csr.tcb_info, data, size);
	for (size_t i = 0; i < csr.crl_count; i++)
		inside(csr.crls[i], data, size);
	for (size_t i = 0; i < csr.signer_count; i++)
		inside(csr.signers[i], data, size);
	return 0;
}
