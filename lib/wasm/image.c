/* SPDX-License-Identifier: Apache-2.0 */
/* What memories begin with, as far as the module alone says it. */
#include "lib/wasm/module.h"

#include <string.h>

/*
 * An imported table could get functions of an instance whose next segment then does not fit: they would see a memory
 * that has its data too early. And data is not data before its place is known.
 */
bool wasm_memory_image(const struct wasm_module *m, uint64_t *size)
{
	*size = 0;
	if (m->memory_count == m->imported_memories || m->imported_tables > 0)
		return false;
	for (uint32_t i = 0; i < m->data_count; i++) {
		const struct data_segment *d = &m->data[i];
		uint64_t end;

		if (d->mode != SEGMENT_ACTIVE)
			continue;
		end = (uint32_t)d->offset.value + (uint64_t)d->bytes.size;
		if (d->offset.kind != INIT_VALUE || end > (uint64_t)m->memory.min * WASM_PAGE_SIZE)
			return false;
		if (end > *size)
			*size = end;
	}
	return true;
}

void wasm_memory_image_write(const struct wasm_module *m, uint8_t *to)
{
	for (uint32_t i = 0; i < m->data_count; i++) {
		const struct data_segment *d = &m->data[i];

		if (d->mode == SEGMENT_ACTIVE && d->bytes.size > 0)
			memcpy(to + (uint32_t)d->offset.value, d->bytes.data, d->bytes.size);
	}
}
