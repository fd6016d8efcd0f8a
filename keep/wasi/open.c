/* SPDX-License-Identifier: Apache-2.0 */
/* path_open: everything is checked first, then at most one file is made or emptied, then nothing can fail. */
#include "keep/wasi/call.h"

struct request {
	bool follow;
	uint32_t oflags, fdflags;
	uint64_t rights, inheriting;
	struct fd *dir;
};

static bool has(const struct request *r, uint32_t oflag)
{
	return (r->oflags & oflag) != 0;
}

/* dirfd, lookupflags, path, path_len, oflags, rights, inheriting, fdflags, result */
static enum wasi_errno decode(struct call *c, struct request *r)
{
	uint64_t need = RIGHT_PATH_OPEN;

	*r = (struct request){.follow = (arg32(c, 1) & LOOKUP_FOLLOW) != 0,
			      .oflags = arg32(c, 4),
			      .rights = arg64(c, 5) & RIGHTS_ALL, /* some toolchains ask for every bit */
			      .inheriting = arg64(c, 6) & RIGHTS_ALL,
			      .fdflags = arg32(c, 7)};
	if ((r->oflags & ~(uint32_t)OFLAGS_ALL) != 0 || (r->fdflags & ~(uint32_t)FDFLAGS_ALL) != 0 ||
	    (has(r, OFLAG_CREAT) && has(r, OFLAG_DIRECTORY)))
		return WASI_EINVAL;
	need |= has(r, OFLAG_CREAT) ? RIGHT_PATH_CREATE_FILE : 0;
	need |= has(r, OFLAG_TRUNC) ? RIGHT_PATH_FILESTAT_SET_SIZE : 0;
	ETRY(fds_get(&c->w->fds, arg32(c, 0), 0, &r->dir));
	if (r->dir->kind != FD_NODE || r->dir->node->type != WASI_TYPE_DIRECTORY)
		return WASI_ENOTDIR;
	ETRY(fds_get(&c->w->fds, arg32(c, 0), need, &r->dir));
	if (((r->rights | r->inheriting) & ~r->dir->inheriting) != 0)
		return WASI_ENOTCAPABLE;
	return fds_full(&c->w->fds) ? WASI_EMFILE : WASI_OK;
}

static enum wasi_errno check_existing(const struct request *r, const struct place *p)
{
	bool is_dir = p->node->type == WASI_TYPE_DIRECTORY;
	bool changes = (r->rights & RIGHT_FD_WRITE) != 0 || has(r, OFLAG_TRUNC);

	if (has(r, OFLAG_CREAT) && has(r, OFLAG_EXCL))
		return WASI_EEXIST;
	if (p->node->type == WASI_TYPE_SYMLINK)
		return WASI_ELOOP;
	if ((p->must_be_dir || has(r, OFLAG_DIRECTORY)) && !is_dir)
		return WASI_ENOTDIR;
	if (is_dir)
		return changes || has(r, OFLAG_CREAT) ? WASI_EISDIR : WASI_OK;
	return changes && vfs_stat(p->node).read_only ? WASI_EACCES : WASI_OK;
}

/* The node to open, held. */
static enum wasi_errno open_place(const struct request *r, struct place *p, struct vfs_node **out)
{
	if (p->node == NULL && !has(r, OFLAG_CREAT))
		return WASI_ENOENT;
	if (p->node == NULL && p->must_be_dir)
		return WASI_EISDIR;
	if (p->node == NULL)
		return vfs_ops(p->dir)->create(p->dir, place_name(p), WASI_TYPE_FILE, out);
	ETRY(check_existing(r, p));
	if (has(r, OFLAG_TRUNC))
		ETRY(vfs_ops(p->node)->resize(p->node, 0));
	*out = vfs_hold(p->node);
	return WASI_OK;
}

static uint64_t rights_for(const struct vfs_node *n)
{
	if (n->type == WASI_TYPE_DIRECTORY)
		return RIGHTS_DIR;
	return vfs_stat(n).read_only ? RIGHTS_FILE & ~RIGHTS_FILE_CHANGE : RIGHTS_FILE;
}

enum wasi_errno do_path_open(struct call *c)
{
	struct vfs_node *node = NULL;
	struct request r;
	struct place p;
	enum wasi_errno err;
	uint32_t number;
	uint8_t *path, *result;

	ETRY(decode(c, &r));
	if (r.dir->net)
		return net_open(c);
	ETRY(guest_range(c, arg32(c, 2), arg32(c, 3), &path));
	ETRY(guest_range(c, arg32(c, 8), 4, &result));
	ETRY(path_walk(r.dir->node, slice_of(path, arg32(c, 3)), r.follow && !(has(&r, OFLAG_CREAT) && has(&r, OFLAG_EXCL)),
		       &p));
	err = open_place(&r, &p, &node);
	place_end(&p);
	ETRY(err);

	ETRY(fds_add(&c->w->fds,
		     &(struct fd){.kind = FD_NODE,
				  .flags = (uint16_t)r.fdflags,
				  .node = node,
				  .rights = r.rights & rights_for(node),
				  .inheriting = node->type == WASI_TYPE_DIRECTORY ? r.inheriting : 0},
		     &number));
	store32(result, number);
	return WASI_OK;
}
