/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as TD firmware and as an event log. The first byte chooses. */
#include "lib/measure/tdx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void firmware(struct slice in)
{
	uint8_t digest[TDX_DIGEST_SIZE];
	struct note n = {""};
	struct tdvf t;
	uint64_t total = 0;

	if (tdvf_parse(in, &t, &n) != OK) {
		CHECK(n.text[0] != 0);
		return;
	}
	for (size_t i = 0; i < t.count; i++)
		total += (t.sections[i].attributes & TDVF_AUG) != 0 ? 0 : t.sections[i].size;
	if (total <= 1 << 16) /* pages by the thousand take time, and teach nothing */
		CHECK(tdx_measure_mrtd(in, in.size % 2 != 0, digest, &n) == OK);
}

static void event_log(struct slice in)
{
	uint8_t rtmr[TDX_RTMR_COUNT][TDX_DIGEST_SIZE];
	struct note n = {""};
	size_t events;

	CHECK(tdx_replay_ccel(in, rtmr, &events, &n) == OK || n.text[0] != 0);
	CHECK(events <= in.size / 66);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(struct slice) = {firmware, event_log};

	if (size > 0)
		parts[data[0] % ARRAY_COUNT(parts)](slice_of(data + 1, size - 1));
	return 0;
}
