/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a paravisor's report and as a quote of a TPM: what is read lies inside, and a refusal says why. */
#include "lib/attest/hcl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice s, const uint8_t *data, size_t size)
{
	CHECK(s.size == 0 || (s.data >= data && s.data + s.size <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice in = slice_of(data, size);
	struct note n = {""}, m = {""};
	struct hcl_report r;
	struct tpm_quote q;

	if (hcl_report_parse(in, &r, &n) == OK) {
		CHECK(r.keys.size > 0 && r.keys.size <= HCL_KEYS_MAX && r.report_data.size == 64);
		inside(r.keys, data, size);
		inside(r.report_data, data, size);
		inside(r.mrtd, data, size);
	} else {
		CHECK(n.text[0] != 0);
	}
	if (tpm_quote_parse(in, &q, &m) == OK) {
		CHECK(q.selected < 1u << 24);
		inside(q.extra, data, size);
		inside(q.digest, data, size);
	} else {
		CHECK(m.text[0] != 0);
	}
	return 0;
}
