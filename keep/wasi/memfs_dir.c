/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory's entries are linked twice. By name in a 4-way trie over the bits of a hash, two bits a level from the top,
 * where every node of the trie is an entry: an entry may sit anywhere on the path of its hash, so a new one becomes a
 * leaf, and a removed one is replaced by any leaf below it. By cookie in a list; cookies only grow, so a listing goes on
 * correctly whatever was added or removed since.
 */
#include "keep/wasi/memfs_node.h"

static uint64_t hash_name(struct slice name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a, then mixed because the top bits are used first */

	for (size_t i = 0; i < name.size; i++)
		h = (h ^ name.data[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* The place in the trie where the name is, or where it would go. */
static struct entry **place_of(struct memfs_node *dir, struct slice name, uint64_t hash)
{
	struct entry **at = &dir->dir.trie;

	for (uint64_t h = hash; *at != NULL; h <<= 2) {
		struct entry *e = *at;

		if (e->hash == hash && slice_equal(slice_of(e->name, e->size), name))
			break;
		at = &e->child[h >> 62];
	}
	return at;
}

struct entry *dir_find(const struct memfs_node *dir, struct slice name)
{
	/* place_of only looks; it needs the writable type for those who then change the place. */
	return *place_of((struct memfs_node *)(uintptr_t)dir, name, hash_name(name));
}

struct entry *dir_add(struct memfs_node *dir, struct slice name, struct memfs_node *node)
{
	struct entry *e = pool_new(&fs_of(dir)->pool, sizeof *e + name.size);
	struct dir *d = &dir->dir;

	if (e == NULL)
		return NULL;
	e->node = node;
	e->hash = hash_name(name);
	e->size = (uint8_t)name.size;
	memcpy(e->name, name.data, name.size);
	*place_of(dir, name, e->hash) = e;

	e->cookie = d->next_cookie++;
	e->prev = d->last;
	if (d->last == NULL)
		d->first = e;
	else
		d->last->next = e;
	d->last = e;
	return e;
}

static struct entry **child_of(struct entry *e)
{
	for (unsigned i = 0; i < 4; i++)
		if (e->child[i] != NULL)
			return &e->child[i];
	return NULL;
}

static void trie_remove(struct memfs_node *dir, struct entry *e)
{
	struct entry **at = place_of(dir, slice_of(e->name, e->size), e->hash);
	struct entry **leaf = at;
	struct entry *heir;

	CHECK(*at == e);
	for (struct entry **below; (below = child_of(*leaf)) != NULL;)
		leaf = below;
	heir = *leaf;
	*leaf = NULL;
	if (heir == e)
		return;
	memcpy(heir->child, e->child, sizeof heir->child);
	*at = heir;
}

void dir_remove(struct memfs_node *dir, struct entry *e)
{
	struct dir *d = &dir->dir;

	trie_remove(dir, e);
	if (e->prev == NULL)
		d->first = e->next;
	else
		e->prev->next = e->next;
	if (e->next == NULL)
		d->last = e->prev;
	else
		e->next->prev = e->prev;
	if (d->hint == e)
		d->hint = e->prev;
	pool_free(&fs_of(dir)->pool, e);
}

struct entry *dir_after(struct memfs_node *dir, uint64_t cookie)
{
	struct entry *e = dir->dir.hint != NULL ? dir->dir.hint : dir->dir.first;

	while (e != NULL && e->cookie <= cookie)
		e = e->next;
	while (e != NULL && e->prev != NULL && e->prev->cookie > cookie)
		e = e->prev;
	if (e != NULL)
		dir->dir.hint = e;
	return e;
}
