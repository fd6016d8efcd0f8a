/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system in memory behind vfs.h: writable, bounded in bytes, sparse files, hard and symbolic links. A file may
 * instead point at delivered bytes; then its content is read-only, while its name belongs to the tree like any other.
 * Times are port_wall_ns(); reading does not change the access time.
 */
#ifndef BROCH_KEEP_WASI_MEMFS_H
#define BROCH_KEEP_WASI_MEMFS_H

#include "keep/wasi/pool.h"
#include "keep/wasi/vfs.h"

struct memfs_node;
struct memfs { /* fields are private; never moves */
	struct vfs vfs;
	struct pool pool;
	struct memfs_node *root;
	uint64_t next_ino;
};

/*
 * An empty tree whose bytes come from the arena, which nobody else uses while the tree lives. ERR_NOMEM.
 * first: memory of POOL_BLOCK bytes, so aligned, to begin with: it holds the empty tree; or NULL.
 */
MUST_USE enum err memfs_init(struct memfs *fs, struct arena *a, void *first, uint64_t limit_bytes);
/* Held for the caller. */
struct vfs_node *memfs_root(struct memfs *fs);
/* What is in the tree now no longer counts: limit_bytes more may be used. */
void memfs_allow(struct memfs *fs, uint64_t limit_bytes);
uint64_t memfs_used(const struct memfs *fs);

/* A read-only file whose content is `bytes`, which must outlive the tree. As vfs_ops.create otherwise. */
MUST_USE enum wasi_errno memfs_deliver(struct vfs_node *dir, struct slice name, struct slice bytes);

#endif
