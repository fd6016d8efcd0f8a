/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/arena.h"

#include <string.h>

struct arena arena_of(void *memory, size_t size)
{
	return (struct arena){.base = memory, .committed = size, .max = size, .dirty = size};
}

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
	uintptr_t base = (uintptr_t)a->base;
	size_t start, end;

	/* Aligns the address, not the offset: base itself may be odd. */
	start = (size_t)(((base + a->used + align - 1) & ~(uintptr_t)(align - 1)) - base);
	if (start < a->used || add_overflows(start, size, &end) || end > a->max)
		return NULL;
	if (end > a->committed) {
		if (a->commit == NULL || a->commit(a, end) != OK)
			return NULL;
		CHECK(a->committed >= end);
	}
	if (start < a->dirty)
		memset(a->base + start, 0, (end < a->dirty ? end : a->dirty) - start);
	a->used = end;
	if (a->dirty < end)
		a->dirty = end;
	return a->base + start;
}

void *arena_array(struct arena *a, size_t count, size_t size, size_t align)
{
	size_t total;

	if (mul_overflows(count, size, &total))
		return NULL;
	return arena_alloc(a, total, align);
}

void arena_release(struct arena *a, size_t mark)
{
	CHECK(mark <= a->used);
	a->used = mark;
}
