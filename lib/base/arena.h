/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things that die together live in one arena and are freed by resetting it. The caller provides one contiguous address
 * range; memory behind it may appear on demand: when `commit` is set, it is asked to make [base, base + size) usable
 * before bytes past `committed` are handed out. Results are zeroed. Nothing is ever moved.
 */
#ifndef BROCH_BASE_ARENA_H
#define BROCH_BASE_ARENA_H

#include "lib/base/err.h"

struct arena {
	uint8_t *base;
	size_t used;      /* bytes handed out */
	size_t committed; /* bytes that may be touched */
	size_t max;       /* bytes of address space, the limit of this arena */
	size_t dirty;     /* private: high-water mark; fresh memory past it is already zero */
	/* Makes base[0, size) usable, zero-filled past the old `committed`. NULL: committed == max from the start. */
	enum err (*commit)(struct arena *a, size_t size);
	void *ctx; /* commit's own */
};

/* Over plain memory of any content. */
struct arena arena_of(void *memory, size_t size);
/* align is a power of two. NULL when the arena is full or commit refused. count * size is checked for overflow. */
MUST_USE void *arena_alloc(struct arena *a, size_t size, size_t align);
MUST_USE void *arena_array(struct arena *a, size_t count, size_t size, size_t align);
/*
 * The same, but what was used before is not cleared: for scratch that is written before it is read. Large arrays of
 * which little is used then touch no more memory than that.
 */
MUST_USE void *arena_scratch(struct arena *a, size_t count, size_t size, size_t align);
#define arena_many_scratch(a, count, type) ((type *)arena_scratch(a, count, sizeof(type), _Alignof(type)))
#define arena_new(a, type) ((type *)arena_alloc(a, sizeof(type), _Alignof(type)))
#define arena_many(a, count, type) ((type *)arena_array(a, count, sizeof(type), _Alignof(type)))
/* Frees everything allocated after mark = a->used was noted. */
void arena_release(struct arena *a, size_t mark);

#endif
