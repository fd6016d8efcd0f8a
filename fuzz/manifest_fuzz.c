/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest that is taken is encoded to the very same bytes: there is one encoding for each. */
#include "lib/session/manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[1 << 20];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = arena_of(memory, sizeof memory);
	struct manifest m;
	struct note n = {{0}};
	uint8_t *out;
	size_t used;
	enum err err = manifest_decode(&a, slice_of(data, size), &m, &n);

	CHECK((err == OK) == (n.text[0] == 0));
	if (err != OK)
		return 0;
	out = malloc(size);
	CHECK(out != NULL && manifest_encode(&m, out, size, &used, &n) == OK);
	CHECK(used == size && memcmp(out, data, size) == 0);
	free(out);
	return 0;
}
