/* SPDX-License-Identifier: Apache-2.0 */
/* How memfs keeps its nodes: shared by memfs.c (names and nodes), memfs_dir.c (entries) and memfs_file.c (content). */
#ifndef BROCH_KEEP_WASI_MEMFS_NODE_H
#define BROCH_KEEP_WASI_MEMFS_NODE_H

#include "keep/wasi/memfs.h"
#include "keep/wasi/wasi.h"

struct entry;

struct dir {
	struct memfs_node *parent; /* itself for the root and after removal */
	struct entry *trie;        /* by name */
	struct entry *first, *last; /* by cookie */
	struct entry *hint;        /* where the last listing stopped, so that listing all is linear */
	uint64_t next_cookie;
};

struct content { /* of a file */
	void *root;           /* NULL: all holes. Else a block, or `height` levels of blocks of pointers above blocks */
	uint32_t height;
	const uint8_t *given; /* delivered bytes instead */
};

struct memfs_node {
	struct vfs_node head;
	uint32_t links;   /* names in the tree; a directory has one */
	uint32_t holders;
	uint64_t size, atim, mtim, ctim;
	bool read_only;
	union {
		struct dir dir;
		struct content file;
		uint8_t *target; /* a symbolic link's, `size` bytes */
	};
};
_Static_assert(sizeof(struct memfs_node) <= POOL_SMALL, "a node is a small object");

struct entry {
	struct entry *child[4];
	struct entry *next, *prev;
	struct memfs_node *node;
	uint64_t cookie;
	uint64_t hash;
	uint8_t size;
	uint8_t name[];
};
_Static_assert(sizeof(struct entry) + WASI_NAME_MAX <= POOL_LARGE, "an entry is an object");

static inline struct memfs *fs_of(const struct memfs_node *n)
{
	return (struct memfs *)(void *)n->head.fs; /* vfs is memfs' first member */
}

/* ---- memfs_dir.c ---- */

struct entry *dir_find(const struct memfs_node *dir, struct slice name);
/* The name must be new. NULL: out of space. Does not touch the node's counts. */
MUST_USE struct entry *dir_add(struct memfs_node *dir, struct slice name, struct memfs_node *node);
void dir_remove(struct memfs_node *dir, struct entry *e);
/* The first entry whose cookie is greater. */
struct entry *dir_after(struct memfs_node *dir, uint64_t cookie);

/* ---- memfs_file.c ---- */

size_t memfs_file_read(const struct memfs_node *f, uint64_t at, void *out, size_t size);
/* How much was written before space ran out; the file's size is adjusted. at + size does not overflow. */
size_t file_write(struct memfs_node *f, uint64_t at, const void *data, size_t size);
void file_resize(struct memfs_node *f, uint64_t size);
MUST_USE bool file_allocate(struct memfs_node *f, uint64_t at, uint64_t size);
#define FILE_SIZE_MAX (UINT64_C(1) << 48)

#endif
