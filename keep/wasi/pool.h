/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for a file system: 4 KiB blocks out of an arena, counted against a limit, and small objects of two sizes cut
 * from such blocks. What is given back is used again: by blocks of either kind as soon as a block is empty.
 */
#ifndef BROCH_KEEP_WASI_POOL_H
#define BROCH_KEEP_WASI_POOL_H

#include "lib/base/arena.h"

enum { POOL_BLOCK = 4096, POOL_SMALL = 128, POOL_LARGE = 352, POOL_CLASSES = 2 };

struct pool_slab;
struct pool_free;
struct pool { /* fields are private */
	struct arena *arena;
	uint64_t limit, used; /* blocks */
	struct pool_free *free;
	struct pool_slab *partial[POOL_CLASSES]; /* slabs with a free object */
};

void pool_init(struct pool *p, struct arena *a, uint64_t limit_bytes);
/* A block from elsewhere, POOL_BLOCK aligned, to be used before the arena is asked; counted like any other. */
void pool_lend(struct pool *p, void *block);
/* From now on limit_bytes more than what is in use may be used. */
void pool_allow(struct pool *p, uint64_t limit_bytes);
uint64_t pool_used(const struct pool *p); /* bytes, in whole blocks */

/* Zeroed, 4 KiB aligned; NULL at the limit or when the arena is full. */
MUST_USE void *pool_take(struct pool *p);
void pool_give(struct pool *p, void *block);
/* size <= POOL_LARGE. Zeroed, 8-byte aligned. */
MUST_USE void *pool_new(struct pool *p, size_t size);
void pool_free(struct pool *p, void *object); /* takes NULL; only what pool_new made */

#endif
