/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/arena.h"

#include <string.h>

struct arena arena_of(void *memory, size_t size)
{
	return (struct arena){.base = memory, .committed = size, .max = size, .dirty = size};
}

/* The next size bytes, of whatever content below a->dirty; *start: their offset. */
static bool take(struct arena *a, size_t size, size_t align, size_t *start)
{
	uintptr_t base = (uintptr_t)a->base;
	size_t end;

	/* Aligns the address, not the offset: base itself may be odd. */
	*start = (size_t)(((base + a->used + align - 1) & ~(uintptr_t)(align - 1)) - base);
	if (*start < a->used || add_overflows(*start, size, &end) || end > a->max)
		return false;
	if (end > a->committed) {
		if (a->commit == NULL || a->commit(a, end) != OK)
			return false;
		CHECK(a->committed >= end);
	}
	a->used = end;
	return true;
}

/* After take: what is handed out may be written. */
static void soil(struct arena *a)
{
	if (a->dirty < a->used)
		a->dirty = a->used;
}

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
	size_t start;

	if (!take(a, size, align, &start))
		return NULL;
	if (start < a->dirty)
		memset(a->base + start, 0, (a->used < a->dirty ? a->used : a->dirty) - start);
	soil(a);
	return a->base + start;
}

void *arena_scratch(struct arena *a, size_t count, size_t size, size_t align)
{
	size_t total, start;

	if (mul_overflows(count, size, &total) || !take(a, total, align, &start))
		return NULL;
	soil(a);
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
