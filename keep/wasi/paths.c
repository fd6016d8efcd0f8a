/* SPDX-License-Identifier: Apache-2.0 */
/* The path_* functions but path_open: what is done to names. */
#include "keep/wasi/call.h"

/* Where (directory descriptor, path) of the program leads, if the descriptor has the right. Ends with place_end. */
static enum wasi_errno find(struct call *c, uint32_t fd_number, uint64_t right, uint32_t at, uint32_t size, bool follow,
			    struct place *out)
{
	struct fd *fd;
	uint8_t *path;

	ETRY(fds_get(&c->w->fds, fd_number, 0, &fd));
	if (fd->kind != FD_NODE || fd->node->type != WASI_TYPE_DIRECTORY)
		return WASI_ENOTDIR;
	ETRY(fds_get(&c->w->fds, fd_number, right, &fd));
	ETRY(guest_range(c, at, size, &path));
	return path_walk(fd->node, slice_of(path, size), follow, out);
}

static enum wasi_errno done(struct place *p, enum wasi_errno err)
{
	place_end(p);
	return err;
}

/* May a new name that is not a directory's be made here? */
static enum wasi_errno may_name(const struct place *p)
{
	if (p->node != NULL)
		return WASI_EEXIST;
	return p->must_be_dir ? WASI_ENOENT : WASI_OK;
}

enum wasi_errno do_path_create_directory(struct call *c)
{
	struct vfs_node *made = NULL;
	enum wasi_errno err;
	struct place p;

	ETRY(find(c, arg32(c, 0), RIGHT_PATH_CREATE_DIRECTORY, arg32(c, 1), arg32(c, 2), false, &p));
	err = p.node != NULL ? WASI_EEXIST
			     : vfs_ops(p.dir)->create(p.dir, place_name(&p), WASI_TYPE_DIRECTORY, &made);
	vfs_release(made);
	return done(&p, err);
}

/* The node a path names: for those calls that want nothing else. */
static enum wasi_errno find_node(struct call *c, uint64_t right, bool follow, unsigned path_arg, struct vfs_node **out)
{
	struct place p;

	ETRY(find(c, arg32(c, 0), right, arg32(c, path_arg), arg32(c, path_arg + 1), follow, &p));
	if (p.node == NULL)
		return done(&p, WASI_ENOENT);
	if (p.must_be_dir && p.node->type != WASI_TYPE_DIRECTORY)
		return done(&p, WASI_ENOTDIR);
	*out = vfs_hold(p.node);
	return done(&p, WASI_OK);
}

static bool follows(struct call *c)
{
	return (arg32(c, 1) & LOOKUP_FOLLOW) != 0;
}

enum wasi_errno do_path_filestat_get(struct call *c)
{
	struct vfs_node *n;
	struct vfs_stat st;
	uint64_t dev;

	ETRY(find_node(c, RIGHT_PATH_FILESTAT_GET, follows(c), 2, &n));
	st = vfs_stat(n);
	dev = n->fs->dev;
	vfs_release(n);
	return put_filestat(c, arg32(c, 4), dev, &st);
}

enum wasi_errno do_path_filestat_set_times(struct call *c)
{
	struct vfs_node *n;
	enum wasi_errno err;

	ETRY(find_node(c, RIGHT_PATH_FILESTAT_SET_TIMES, follows(c), 2, &n));
	err = apply_times(n, arg64(c, 4), arg64(c, 5), arg32(c, 6));
	vfs_release(n);
	return err;
}

enum wasi_errno do_path_readlink(struct call *c)
{
	uint32_t room = arg32(c, 4);
	enum wasi_errno err = WASI_EINVAL;
	struct vfs_node *n;
	struct slice target = {0};
	uint8_t *out;

	ETRY(guest_range(c, arg32(c, 3), room, &out));
	ETRY(find_node(c, RIGHT_PATH_READLINK, false, 1, &n));
	if (n->type == WASI_TYPE_SYMLINK) {
		target = vfs_ops(n)->readlink(n);
		if (target.size > room)
			target.size = room;
		if (target.size > 0)
			memcpy(out, target.data, target.size);
		err = guest_put32(c, arg32(c, 5), (uint32_t)target.size);
	}
	vfs_release(n);
	return err;
}

/* target, target_len, dirfd, path, path_len */
enum wasi_errno do_path_symlink(struct call *c)
{
	enum wasi_errno err;
	uint8_t *bytes;
	struct slice target;
	struct place p;

	if (arg32(c, 1) == 0)
		return WASI_ENOENT;
	if (arg32(c, 1) >= WASI_PATH_MAX)
		return WASI_ENAMETOOLONG;
	ETRY(guest_range(c, arg32(c, 0), arg32(c, 1), &bytes));
	target = slice_of(bytes, arg32(c, 1));
	ETRY(path_check(target));
	if (bytes[0] == '/')
		return WASI_EPERM; /* could never be followed */
	ETRY(find(c, arg32(c, 2), RIGHT_PATH_SYMLINK, arg32(c, 3), arg32(c, 4), false, &p));
	err = may_name(&p);
	return done(&p, err != WASI_OK ? err : vfs_ops(p.dir)->symlink(p.dir, place_name(&p), target));
}

static enum wasi_errno link_place(const struct place *from, const struct place *to)
{
	if (from->node == NULL)
		return WASI_ENOENT;
	if (from->must_be_dir && from->node->type != WASI_TYPE_DIRECTORY)
		return WASI_ENOTDIR;
	ETRY(may_name(to));
	if (from->node->fs != to->dir->fs)
		return WASI_EXDEV;
	return vfs_ops(to->dir)->link(from->node, to->dir, place_name(to));
}

/* old_fd, old_flags, old_path, old_path_len, new_fd, new_path, new_path_len */
enum wasi_errno do_path_link(struct call *c)
{
	struct place from, to;
	enum wasi_errno err;

	ETRY(find(c, arg32(c, 0), RIGHT_PATH_LINK_SOURCE, arg32(c, 2), arg32(c, 3), follows(c), &from));
	err = find(c, arg32(c, 4), RIGHT_PATH_LINK_TARGET, arg32(c, 5), arg32(c, 6), false, &to);
	if (err == WASI_OK)
		err = done(&to, link_place(&from, &to));
	return done(&from, err);
}

static enum wasi_errno rename_place(const struct place *from, const struct place *to)
{
	if (from->dir == NULL || to->dir == NULL)
		return WASI_EBUSY; /* ".", ".." or the start itself */
	if (from->node == NULL)
		return WASI_ENOENT;
	if ((from->must_be_dir || to->must_be_dir) && from->node->type != WASI_TYPE_DIRECTORY)
		return WASI_ENOTDIR;
	if (from->dir->fs != to->dir->fs)
		return WASI_EXDEV;
	return vfs_ops(from->dir)->rename(from->dir, place_name(from), to->dir, place_name(to));
}

/* old_fd, old_path, old_path_len, new_fd, new_path, new_path_len */
enum wasi_errno do_path_rename(struct call *c)
{
	struct place from, to;
	enum wasi_errno err;

	ETRY(find(c, arg32(c, 0), RIGHT_PATH_RENAME_SOURCE, arg32(c, 1), arg32(c, 2), false, &from));
	err = find(c, arg32(c, 3), RIGHT_PATH_RENAME_TARGET, arg32(c, 4), arg32(c, 5), false, &to);
	if (err == WASI_OK)
		err = done(&to, rename_place(&from, &to));
	return done(&from, err);
}

enum wasi_errno do_path_remove_directory(struct call *c)
{
	struct place p;

	ETRY(find(c, arg32(c, 0), RIGHT_PATH_REMOVE_DIRECTORY, arg32(c, 1), arg32(c, 2), false, &p));
	if (p.dir == NULL)
		return done(&p, WASI_EINVAL);
	return done(&p, vfs_ops(p.dir)->rmdir(p.dir, place_name(&p)));
}

enum wasi_errno do_path_unlink_file(struct call *c)
{
	struct place p;

	ETRY(find(c, arg32(c, 0), RIGHT_PATH_UNLINK_FILE, arg32(c, 1), arg32(c, 2), false, &p));
	if (p.dir == NULL)
		return done(&p, WASI_EISDIR);
	if (p.node != NULL && p.must_be_dir && p.node->type != WASI_TYPE_DIRECTORY)
		return done(&p, WASI_ENOTDIR);
	return done(&p, vfs_ops(p.dir)->unlink(p.dir, place_name(&p)));
}
