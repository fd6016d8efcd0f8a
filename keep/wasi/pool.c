/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block is in one of three states: on the free list, handed out by pool_take, or a slab. A slab begins with its header
 * and holds objects of one class; it is found from an object by rounding the address down, because blocks are aligned to
 * their size. A slab with a free object is on its class's list; an empty one goes back at once.
 */
#include "keep/wasi/pool.h"

#include <string.h>

struct pool_free {
	struct pool_free *next;
};

struct pool_slab {
	struct pool_slab *next, *prev;
	struct pool_free *free;
	uint32_t class, used;
};

static const uint32_t class_size[POOL_CLASSES] = {POOL_SMALL, POOL_LARGE};
_Static_assert(sizeof(struct pool_slab) % 8 == 0 && POOL_SMALL % 8 == 0 && POOL_LARGE % 8 == 0, "objects are aligned");

void pool_init(struct pool *p, struct arena *a, uint64_t limit_bytes)
{
	*p = (struct pool){.arena = a, .limit = limit_bytes / POOL_BLOCK};
}

void pool_allow(struct pool *p, uint64_t limit_bytes)
{
	p->limit = p->used + limit_bytes / POOL_BLOCK;
}

uint64_t pool_used(const struct pool *p)
{
	return p->used * POOL_BLOCK;
}

void *pool_take(struct pool *p)
{
	void *block = p->free;

	if (p->used >= p->limit)
		return NULL;
	if (block == NULL) {
		block = arena_alloc(p->arena, POOL_BLOCK, POOL_BLOCK); /* comes zeroed */
	} else {
		p->free = p->free->next;
		memset(block, 0, POOL_BLOCK);
	}
	if (block != NULL)
		p->used++;
	return block;
}

void pool_lend(struct pool *p, void *block)
{
	struct pool_free *f = block;

	f->next = p->free;
	p->free = f;
}

void pool_give(struct pool *p, void *block)
{
	CHECK(p->used > 0);
	p->used--;
	pool_lend(p, block);
}

static void list_add(struct pool *p, struct pool_slab *s)
{
	s->prev = NULL;
	s->next = p->partial[s->class];
	if (s->next != NULL)
		s->next->prev = s;
	p->partial[s->class] = s;
}

static void list_remove(struct pool *p, struct pool_slab *s)
{
	if (s->prev == NULL)
		p->partial[s->class] = s->next;
	else
		s->prev->next = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
}

static struct pool_slab *slab_new(struct pool *p, uint32_t class)
{
	struct pool_slab *s = pool_take(p);
	uint8_t *base = (uint8_t *)s;
	size_t size = class_size[class];

	if (s == NULL)
		return NULL;
	s->class = class;
	for (size_t at = sizeof *s; at + size <= POOL_BLOCK; at += size) {
		struct pool_free *f = (struct pool_free *)(void *)(base + at);

		f->next = s->free;
		s->free = f;
	}
	list_add(p, s);
	return s;
}

void *pool_new(struct pool *p, size_t size)
{
	uint32_t class = size <= POOL_SMALL ? 0 : 1;
	struct pool_slab *s = p->partial[class];
	struct pool_free *object;

	CHECK(size <= class_size[class]);
	if (s == NULL && (s = slab_new(p, class)) == NULL)
		return NULL;
	object = s->free;
	s->free = object->next;
	s->used++;
	if (s->free == NULL)
		list_remove(p, s);
	memset(object, 0, class_size[class]);
	return object;
}

void pool_free(struct pool *p, void *object)
{
	struct pool_slab *s = (struct pool_slab *)((uintptr_t)object & ~(uintptr_t)(POOL_BLOCK - 1));
	struct pool_free *f = object;

	if (object == NULL)
		return;
	CHECK(s->used > 0);
	if (s->free == NULL)
		list_add(p, s);
	f->next = s->free;
	s->free = f;
	s->used--;
	if (s->used == 0) {
		list_remove(p, s);
		pool_give(p, s);
	}
}
