/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest that is taken can be encoded, and is the same manifest after that. */
#include "lib/session/manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[1 << 20], again_memory[1 << 20];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = arena_of(memory, sizeof memory), b = arena_of(again_memory, sizeof again_memory);
	struct manifest m, again;
	struct note n = {{0}};
	uint8_t *out, *out2;
	size_t used, used2, room = size + 256;
	enum err err = manifest_decode(&a, slice_of(data, size), &m, &n);

	CHECK((err == OK) == (n.text[0] == 0));
	if (err != OK)
		return 0;
	out = malloc(room);
	out2 = malloc(room);
	CHECK(manifest_encode(&m, out, room, &used, &n) == OK);
	CHECK(manifest_decode(&b, slice_of(out, used), &again, &n) == OK);
	CHECK(manifest_encode(&again, out2, room, &used2, &n) == OK);
	CHECK(used == used2 && memcmp(out, out2, used) == 0);
	free(out);
	free(out2);
	return 0;
}
