/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a firmware image: its tables, and the digests of a launch. */
#include "lib/measure/launch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct launch_kernel k = {{1}, {2}, {3}};
	struct launch l = {.vmm = (enum launch_vmm)(size % 3), .firmware = slice_of(data, size), .vcpus = 1,
			   .kernel = size & 4096 ? &k : NULL, .features = 1};
	uint8_t digest[SNP_CHAIN_DIGEST_SIZE];
	struct note n = {""};
	struct ovmf t;

	if (ovmf_parse(l.firmware, &t, &n) != OK) {
		CHECK(n.text[0] != 0);
		return 0;
	}
	for (size_t i = 0; i < t.section_count; i++)
		if (t.sections[i].size > 1 << 16) /* zero pages by the thousand take time, and teach nothing */
			return 0;
	n.text[0] = 0;
	CHECK(launch_measure_snp(&l, digest, &n) == OK || n.text[0] != 0);
	n.text[0] = 0;
	CHECK(launch_measure_sev(&l, true, digest, &n) == OK || n.text[0] != 0);
	return 0;
}
