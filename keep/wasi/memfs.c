/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting: a node lives while links + holders > 0. A directory does not hold its parent: the parent has an entry, so it
 * cannot be removed first, and a removed directory is its own parent.
 */
#include "keep/wasi/memfs.h"

#include "keep/wasi/memfs_node.h"
#include "keep/wasi/port.h"

enum { FIRST_COOKIE = 3, LINKS_MAX = 1 << 30 }; /* cookies 1 and 2 are "." and ".." */

static struct memfs_node *node_of(const struct vfs_node *n)
{
	return (struct memfs_node *)(uintptr_t)n; /* head is the node's first member */
}

/* ---- nodes ---- */

static struct memfs_node *node_new(struct memfs *fs, enum wasi_filetype type)
{
	struct memfs_node *n = pool_new(&fs->pool, sizeof *n);

	if (n == NULL)
		return NULL;
	n->head = (struct vfs_node){&fs->vfs, fs->next_ino++, type};
	n->atim = n->mtim = n->ctim = port_wall_ns();
	if (type == WASI_TYPE_DIRECTORY) {
		n->dir.parent = n;
		n->dir.next_cookie = FIRST_COOKIE;
	}
	return n;
}

static void target_free(struct memfs_node *n)
{
	if (n->target != NULL && n->size > POOL_LARGE)
		pool_give(&fs_of(n)->pool, n->target);
	else
		pool_free(&fs_of(n)->pool, n->target);
}

static void node_free(struct memfs_node *n)
{
	if (n->head.type == WASI_TYPE_FILE && !n->read_only)
		file_resize(n, 0);
	if (n->head.type == WASI_TYPE_SYMLINK)
		target_free(n);
	pool_free(&fs_of(n)->pool, n);
}

/* Frees the node if nobody wants it. */
static void node_drop(struct memfs_node *n)
{
	if (n->links == 0 && n->holders == 0)
		node_free(n);
}

static void op_hold(struct vfs_node *v)
{
	node_of(v)->holders++;
}

static void op_release(struct vfs_node *v)
{
	struct memfs_node *n = node_of(v);

	CHECK(n->holders > 0);
	n->holders--;
	node_drop(n);
}

static void op_stat(const struct vfs_node *v, struct vfs_stat *out)
{
	const struct memfs_node *n = node_of(v);

	*out = (struct vfs_stat){.ino = v->ino,
				 .size = n->size,
				 .atim = n->atim,
				 .mtim = n->mtim,
				 .ctim = n->ctim,
				 .links = n->links,
				 .type = v->type,
				 .read_only = n->read_only};
}

static enum wasi_errno op_set_times(struct vfs_node *v, uint64_t atim, uint64_t mtim)
{
	struct memfs_node *n = node_of(v);

	n->atim = atim;
	n->mtim = mtim;
	n->ctim = port_wall_ns();
	return WASI_OK;
}

static enum wasi_errno op_sync(struct vfs_node *v)
{
	(void)v; /* memory is all there is */
	return WASI_OK;
}

static void changed(struct memfs_node *n)
{
	n->mtim = n->ctim = port_wall_ns();
}

/* ---- content ---- */

static enum wasi_errno op_read(struct vfs_node *v, uint64_t at, void *out, size_t size, size_t *done)
{
	*done = memfs_file_read(node_of(v), at, out, size);
	return WASI_OK;
}

/* Is [at, at + size) a range of a file that may be changed? */
static enum wasi_errno may_change(const struct memfs_node *n, uint64_t at, uint64_t size)
{
	if (n->read_only)
		return WASI_EACCES;
	return at > FILE_SIZE_MAX || size > FILE_SIZE_MAX - at ? WASI_EFBIG : WASI_OK;
}

static enum wasi_errno op_write(struct vfs_node *v, uint64_t at, const void *data, size_t size, size_t *done)
{
	struct memfs_node *n = node_of(v);

	*done = 0;
	ETRY(may_change(n, at, size));
	*done = file_write(n, at, data, size);
	if (*done == 0 && size > 0)
		return WASI_ENOSPC;
	changed(n);
	return WASI_OK;
}

static enum wasi_errno op_resize(struct vfs_node *v, uint64_t size)
{
	struct memfs_node *n = node_of(v);

	ETRY(may_change(n, 0, size));
	file_resize(n, size);
	changed(n);
	return WASI_OK;
}

static enum wasi_errno op_allocate(struct vfs_node *v, uint64_t at, uint64_t size)
{
	struct memfs_node *n = node_of(v);

	ETRY(may_change(n, at, size));
	if (!file_allocate(n, at, size))
		return WASI_ENOSPC;
	changed(n);
	return WASI_OK;
}

/* ---- names ---- */

static enum wasi_errno op_lookup(struct vfs_node *dir, struct slice name, struct vfs_node **out)
{
	struct entry *e = dir_find(node_of(dir), name);

	if (e == NULL)
		return WASI_ENOENT;
	*out = vfs_hold(&e->node->head);
	return WASI_OK;
}

static struct vfs_node *op_parent(struct vfs_node *dir)
{
	return vfs_hold(&node_of(dir)->dir.parent->head);
}

static bool op_list(struct vfs_node *v, uint64_t cookie, struct vfs_entry *out)
{
	struct memfs_node *dir = node_of(v);
	struct entry *e;

	if (cookie < FIRST_COOKIE - 1) {
		const struct memfs_node *n = cookie == 0 ? dir : dir->dir.parent;

		*out = (struct vfs_entry){cookie + 1, n->head.ino, WASI_TYPE_DIRECTORY,
					  slice_text(cookie == 0 ? "." : "..")};
		return true;
	}
	if ((e = dir_after(dir, cookie)) == NULL)
		return false;
	*out = (struct vfs_entry){e->cookie, e->node->head.ino, e->node->head.type, slice_of(e->name, e->size)};
	return true;
}

/* May dir get this new name? A removed directory stays empty for ever. */
static enum wasi_errno may_add(struct memfs_node *dir, struct slice name)
{
	if (dir->links == 0)
		return WASI_ENOENT;
	return dir_find(dir, name) != NULL ? WASI_EEXIST : WASI_OK;
}

/* Gives a node its name; takes the node, which has no holder yet, back to the pool when there is no space. */
static enum wasi_errno name_new(struct memfs_node *dir, struct slice name, struct memfs_node *n)
{
	if (dir_add(dir, name, n) == NULL) {
		node_drop(n);
		return WASI_ENOSPC;
	}
	n->links++;
	if (n->head.type == WASI_TYPE_DIRECTORY)
		n->dir.parent = dir;
	changed(dir);
	return WASI_OK;
}

static enum wasi_errno op_create(struct vfs_node *v, struct slice name, enum wasi_filetype type, struct vfs_node **out)
{
	struct memfs_node *dir = node_of(v), *n;

	ETRY(may_add(dir, name));
	if ((n = node_new(fs_of(dir), type)) == NULL)
		return WASI_ENOSPC;
	ETRY(name_new(dir, name, n));
	*out = vfs_hold(&n->head);
	return WASI_OK;
}

enum wasi_errno memfs_deliver(struct vfs_node *v, struct slice name, struct slice bytes)
{
	struct memfs_node *dir = node_of(v), *n;

	ETRY(may_add(dir, name));
	if ((n = node_new(fs_of(dir), WASI_TYPE_FILE)) == NULL)
		return WASI_ENOSPC;
	n->read_only = true;
	n->file.given = bytes.data;
	n->size = bytes.size;
	return name_new(dir, name, n);
}

static enum wasi_errno op_symlink(struct vfs_node *v, struct slice name, struct slice target)
{
	struct memfs_node *dir = node_of(v), *n;
	struct pool *pool = &fs_of(dir)->pool;

	ETRY(may_add(dir, name));
	if (target.size > POOL_BLOCK)
		return WASI_ENAMETOOLONG;
	if ((n = node_new(fs_of(dir), WASI_TYPE_SYMLINK)) == NULL)
		return WASI_ENOSPC;
	n->size = target.size;
	n->target = target.size > POOL_LARGE ? pool_take(pool) : pool_new(pool, target.size);
	if (n->target == NULL) {
		node_drop(n);
		return WASI_ENOSPC;
	}
	memcpy(n->target, target.data, target.size);
	return name_new(dir, name, n);
}

static struct slice op_readlink(const struct vfs_node *v)
{
	const struct memfs_node *n = node_of(v);

	return slice_of(n->target, (size_t)n->size);
}

static enum wasi_errno op_link(struct vfs_node *v, struct vfs_node *to, struct slice name)
{
	struct memfs_node *n = node_of(v), *dir = node_of(to);

	if (v->type == WASI_TYPE_DIRECTORY)
		return WASI_EPERM;
	ETRY(may_add(dir, name));
	if (n->links == 0)
		return WASI_ENOENT;
	if (n->links >= LINKS_MAX)
		return WASI_EMLINK;
	ETRY(name_new(dir, name, n));
	n->ctim = port_wall_ns();
	return WASI_OK;
}

/* The node has lost its name. */
static void unnamed(struct memfs_node *n)
{
	n->links--;
	n->ctim = port_wall_ns();
	if (n->head.type == WASI_TYPE_DIRECTORY)
		n->dir.parent = n;
	node_drop(n);
}

static void name_remove(struct memfs_node *dir, struct entry *e)
{
	struct memfs_node *n = e->node;

	dir_remove(dir, e);
	changed(dir);
	unnamed(n);
}

static enum wasi_errno op_unlink(struct vfs_node *v, struct slice name)
{
	struct entry *e = dir_find(node_of(v), name);

	if (e == NULL)
		return WASI_ENOENT;
	if (e->node->head.type == WASI_TYPE_DIRECTORY)
		return WASI_EISDIR;
	name_remove(node_of(v), e);
	return WASI_OK;
}

static enum wasi_errno op_rmdir(struct vfs_node *v, struct slice name)
{
	struct entry *e = dir_find(node_of(v), name);

	if (e == NULL)
		return WASI_ENOENT;
	if (e->node->head.type != WASI_TYPE_DIRECTORY)
		return WASI_ENOTDIR;
	if (e->node->dir.first != NULL)
		return WASI_ENOTEMPTY;
	name_remove(node_of(v), e);
	return WASI_OK;
}

/* ---- rename ---- */

static bool is_inside(const struct memfs_node *dir, const struct memfs_node *above)
{
	for (; dir != above; dir = dir->dir.parent)
		if (dir == dir->dir.parent)
			return false;
	return true;
}

static enum wasi_errno may_replace(const struct memfs_node *n, const struct memfs_node *old)
{
	bool dir = n->head.type == WASI_TYPE_DIRECTORY, old_dir = old->head.type == WASI_TYPE_DIRECTORY;

	if (dir != old_dir)
		return dir ? WASI_ENOTDIR : WASI_EISDIR;
	return dir && old->dir.first != NULL ? WASI_ENOTEMPTY : WASI_OK;
}

static enum wasi_errno op_rename(struct vfs_node *from_v, struct slice name, struct vfs_node *to_v, struct slice new_name)
{
	struct memfs_node *from = node_of(from_v), *to = node_of(to_v), *n;
	struct entry *e = dir_find(from, name), *f = dir_find(to, new_name);

	if (e == NULL || to->links == 0)
		return WASI_ENOENT;
	n = e->node;
	if (f != NULL && f->node == n)
		return WASI_OK;
	if (n->head.type == WASI_TYPE_DIRECTORY && is_inside(to, n))
		return WASI_EINVAL;
	if (f != NULL) {
		struct memfs_node *old = f->node;

		ETRY(may_replace(n, old));
		f->node = n;
		unnamed(old);
	} else if (dir_add(to, new_name, n) == NULL) {
		return WASI_ENOSPC;
	}
	dir_remove(from, e);
	if (n->head.type == WASI_TYPE_DIRECTORY)
		n->dir.parent = to;
	n->ctim = port_wall_ns();
	changed(from);
	changed(to);
	return WASI_OK;
}

/* ---- the tree ---- */

static const struct vfs_ops ops = {
	.hold = op_hold,
	.release = op_release,
	.stat = op_stat,
	.set_times = op_set_times,
	.sync = op_sync,
	.read = op_read,
	.write = op_write,
	.resize = op_resize,
	.allocate = op_allocate,
	.lookup = op_lookup,
	.parent = op_parent,
	.list = op_list,
	.create = op_create,
	.symlink = op_symlink,
	.readlink = op_readlink,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
};

enum err memfs_init(struct memfs *fs, struct arena *a, void *first, uint64_t limit_bytes)
{
	*fs = (struct memfs){.vfs = {&ops, 1}, .next_ino = 2};
	pool_init(&fs->pool, a, limit_bytes);
	if (first != NULL)
		pool_lend(&fs->pool, first);
	fs->root = node_new(fs, WASI_TYPE_DIRECTORY);
	if (fs->root == NULL)
		return ERR_NOMEM;
	fs->root->links = 1;
	return OK;
}

struct vfs_node *memfs_root(struct memfs *fs)
{
	return vfs_hold(&fs->root->head);
}

void memfs_allow(struct memfs *fs, uint64_t limit_bytes)
{
	pool_allow(&fs->pool, limit_bytes);
}

uint64_t memfs_used(const struct memfs *fs)
{
	return pool_used(&fs->pool);
}
