/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an SNP report: what is read is written back to the same bytes, unless reserved bytes said something. */
#include "lib/attest/snp_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[SNP_REPORT_SIZE];
	struct snp_report r;
	struct note n = {""};

	if (snp_report_parse(slice_of(data, size), &r, &n) != OK) {
		CHECK(size != SNP_REPORT_SIZE || r.version < SNP_VERSION_MIN || r.version > SNP_VERSION_MAX);
		CHECK(n.text[0] != 0);
		return 0;
	}
	CHECK(size == SNP_REPORT_SIZE);
	CHECK(snp_report_write(&r, out) == OK);
	/* At 48h the reserved bits share a field with others, and are written back as they were. */
	CHECK(r.reserved_at != 0 || memcmp(out, data, size) == 0);
	CHECK(r.reserved_at == 0 || r.reserved_at == 0x48 || memcmp(out, data, size) != 0);
	for (enum snp_tcb_form f = SNP_TCB_MILAN; f <= SNP_TCB_TURIN; f++) {
		struct snp_tcb t = snp_tcb_of(r.reported_tcb, f);

		CHECK(snp_tcb_le(&t, &t));
	}
	return 0;
}
