/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file's bytes are blocks found through a tree of blocks of 512 pointers; a tree of height h covers 512^h blocks. A
 * NULL anywhere is a hole that reads as zero. Bytes past the end of the file in its last block are always zero, so that
 * growing needs no work.
 */
#include "keep/wasi/memfs_node.h"

enum { FANOUT_BITS = 9, FANOUT = 1 << FANOUT_BITS, BLOCK_BITS = 12, HEIGHT_MAX = 4 };
_Static_assert(FANOUT * sizeof(void *) == POOL_BLOCK && 1 << BLOCK_BITS == POOL_BLOCK, "an index is a block");
_Static_assert(BLOCK_BITS + HEIGHT_MAX * FANOUT_BITS == 48, "FILE_SIZE_MAX");

static bool covers(uint32_t height, uint64_t block)
{
	return block >> (height * FANOUT_BITS) == 0;
}

static unsigned slot_in(uint32_t level, uint64_t block)
{
	return (unsigned)(block >> ((level - 1) * FANOUT_BITS)) & (FANOUT - 1);
}

static const uint8_t *block_at(const struct content *c, uint64_t block)
{
	void *p = c->root;

	if (!covers(c->height, block))
		return NULL;
	for (uint32_t level = c->height; p != NULL && level > 0; level--)
		p = ((void **)p)[slot_in(level, block)];
	return p;
}

static bool raise_to(struct pool *pool, struct content *c, uint64_t block)
{
	while (!covers(c->height, block)) {
		if (c->root != NULL) {
			void **index = pool_take(pool);

			if (index == NULL)
				return false;
			index[0] = c->root;
			c->root = index;
		}
		c->height++;
	}
	return true;
}

/* The block, made if it was a hole; NULL: out of space. Index blocks made on the way stay; a resize frees them. */
static uint8_t *block_make(struct pool *pool, struct content *c, uint64_t block)
{
	void **at = &c->root;

	if (!raise_to(pool, c, block))
		return NULL;
	for (uint32_t level = c->height;; level--) {
		if (*at == NULL && (*at = pool_take(pool)) == NULL)
			return NULL;
		if (level == 0)
			return *at;
		at = &((void **)*at)[slot_in(level, block)];
	}
}

/* Frees all blocks from number `first` on below p; true if p itself is now empty and was freed. Depth is HEIGHT_MAX. */
static bool prune(struct pool *pool, void *p, uint32_t level, uint64_t first)
{
	uint64_t span = level == 0 ? 0 : UINT64_C(1) << ((level - 1) * FANOUT_BITS);
	bool empty = first == 0;

	for (unsigned i = 0; level > 0 && i < FANOUT; i++) {
		void **slot = &((void **)p)[i];
		uint64_t begin = i * span;

		if (*slot == NULL)
			continue;
		if (begin + span > first && prune(pool, *slot, level - 1, first > begin ? first - begin : 0))
			*slot = NULL;
		else
			empty = false;
	}
	if (empty)
		pool_give(pool, p);
	return empty;
}

static size_t in_block(uint64_t at, size_t size)
{
	size_t room = POOL_BLOCK - (size_t)(at % POOL_BLOCK);

	return size < room ? size : room;
}

size_t memfs_file_read(const struct memfs_node *f, uint64_t at, void *out, size_t size)
{
	uint8_t *to = out;
	size_t n;

	if (at >= f->size)
		return 0;
	if (size > f->size - at)
		size = (size_t)(f->size - at);
	if (f->read_only) {
		if (size > 0)
			memcpy(to, f->file.given + at, size);
		return size;
	}
	for (size_t done = 0; done < size; done += n) {
		const uint8_t *block = block_at(&f->file, (at + done) / POOL_BLOCK);

		n = in_block(at + done, size - done);
		if (block == NULL)
			memset(to + done, 0, n);
		else
			memcpy(to + done, block + (at + done) % POOL_BLOCK, n);
	}
	return size;
}

size_t file_write(struct memfs_node *f, uint64_t at, const void *data, size_t size)
{
	const uint8_t *from = data;
	size_t done = 0, n;

	for (; done < size; done += n) {
		uint8_t *block = block_make(&fs_of(f)->pool, &f->file, (at + done) / POOL_BLOCK);

		if (block == NULL)
			break;
		n = in_block(at + done, size - done);
		memcpy(block + (at + done) % POOL_BLOCK, from + done, n);
	}
	if (done > 0 && at + done > f->size)
		f->size = at + done;
	return done;
}

void file_resize(struct memfs_node *f, uint64_t size)
{
	struct content *c = &f->file;
	uint64_t first_free = (size + POOL_BLOCK - 1) / POOL_BLOCK;
	uint8_t *last;

	if (c->root != NULL && prune(&fs_of(f)->pool, c->root, c->height, first_free))
		*c = (struct content){0};
	last = size % POOL_BLOCK == 0 ? NULL : (uint8_t *)(uintptr_t)block_at(c, size / POOL_BLOCK);
	if (last != NULL)
		memset(last + size % POOL_BLOCK, 0, POOL_BLOCK - (size_t)(size % POOL_BLOCK));
	f->size = size;
}

bool file_allocate(struct memfs_node *f, uint64_t at, uint64_t size)
{
	for (uint64_t b = at / POOL_BLOCK; b * POOL_BLOCK < at + size; b++)
		if (block_make(&fs_of(f)->pool, &f->file, b) == NULL)
			return false;
	if (at + size > f->size)
		f->size = at + size;
	return true;
}
