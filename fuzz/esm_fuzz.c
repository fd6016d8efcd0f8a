/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an ESM blob and as the digests sealed in one: all that is read lies inside, and has the size promised.
 */
#include "lib/attest/esm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice s, const uint8_t *data, size_t size)
{
	CHECK(s.size > 0 && s.data >= data && s.data + s.size <= data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct esm e;
	struct esm_digests d;
	struct esm_files f;

	if (esm_parse(slice_of(data, size), &e) == OK) {
		CHECK(e.lockbox_count >= 1 && e.lockbox_count <= ESM_LOCKBOX_MAX && e.mac.size == ESM_MAC_SIZE);
		inside(e.ciphertext, data, size);
		inside(e.iv, data, size);
		for (size_t i = 0; i < e.lockbox_count; i++) {
			inside(e.lockboxes[i].symkey, data, size);
			CHECK(e.lockboxes[i].fingerprint.size == ESM_FINGERPRINT_SIZE);
		}
	}
	if (esm_files_parse(slice_of(data, size), &f) == OK)
		CHECK(f.count <= ESM_FILES_MAX);
	if (esm_digests_parse(slice_of(data, size), &d) == OK) {
		inside(d.kernel, data, size);
		CHECK(d.kernel.size == ESM_DIGEST_SIZE && d.bootargs.size == ESM_DIGEST_SIZE);
	}
	return 0;
}
