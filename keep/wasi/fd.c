/* SPDX-License-Identifier: Apache-2.0 */
/* The fd_* functions: what is done to an open descriptor. */
#include "keep/wasi/call.h"

static enum wasi_errno get(struct call *c, uint64_t rights, struct fd **out)
{
	return fds_get(&c->w->fds, arg32(c, 0), rights, out);
}

/* The same for what only files can: ESPIPE for a stream, whatever its rights. */
static enum wasi_errno get_file(struct call *c, uint64_t rights, struct fd **out)
{
	struct fd *fd;

	ETRY(get(c, 0, &fd));
	if (fd->kind != FD_NODE)
		return WASI_ESPIPE;
	ETRY(get(c, rights, out));
	return fd->node->type == WASI_TYPE_DIRECTORY ? WASI_EISDIR : WASI_OK;
}

/* ---- reading and writing ---- */

static enum wasi_errno read_file(struct call *c, struct fd *fd, uint64_t at, uint32_t count, uint32_t *done)
{
	*done = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct iovec *v = &c->w->iovecs[i];
		size_t n = 0;

		if (v->size == 0)
			continue;
		ETRY(vfs_ops(fd->node)->read(fd->node, at + *done, v->data, v->size, &n));
		*done += (uint32_t)n;
		if (n < v->size)
			break;
	}
	return WASI_OK;
}

static enum wasi_errno write_file(struct call *c, struct fd *fd, uint64_t at, uint32_t count, uint32_t *done)
{
	*done = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct iovec *v = &c->w->iovecs[i];
		enum wasi_errno err;
		size_t n = 0;

		if (v->size == 0)
			continue;
		err = vfs_ops(fd->node)->write(fd->node, at + *done, v->data, v->size, &n);
		*done += (uint32_t)n;
		if (err != WASI_OK && *done == 0)
			return err;
		if (err != WASI_OK || n < v->size)
			break;
	}
	return WASI_OK;
}

enum wasi_errno do_fd_read(struct call *c)
{
	uint32_t done = 0;
	uint64_t total;
	struct fd *fd;

	ETRY(get(c, RIGHT_FD_READ, &fd));
	ETRY(guest_iovecs(c, arg32(c, 1), arg32(c, 2), &total));
	ETRY(guest_put32(c, arg32(c, 3), 0));
	if (fd->kind == FD_NODE) {
		ETRY(read_file(c, fd, fd->offset, arg32(c, 2), &done));
		fd->offset += done;
	} else if (fd->kind == FD_SOCKET || fd->kind == FD_LISTENER) {
		ETRY(socket_read(c, fd, arg32(c, 2), &done));
	} else {
		ETRY(stream_read(c, fd, arg32(c, 2), &done));
	}
	return guest_put32(c, arg32(c, 3), done);
}

enum wasi_errno do_fd_write(struct call *c)
{
	uint32_t done = 0;
	uint64_t total;
	struct fd *fd;

	ETRY(get(c, RIGHT_FD_WRITE, &fd));
	ETRY(guest_iovecs(c, arg32(c, 1), arg32(c, 2), &total));
	ETRY(guest_put32(c, arg32(c, 3), 0));
	if (fd->kind == FD_NODE) {
		uint64_t at = (fd->flags & FDFLAG_APPEND) != 0 ? vfs_stat(fd->node).size : fd->offset;

		ETRY(write_file(c, fd, at, arg32(c, 2), &done));
		fd->offset = at + done;
	} else if (fd->kind == FD_SOCKET) {
		ETRY(socket_write(c, fd, arg32(c, 2), &done));
	} else {
		ETRY(stream_write(c, fd, arg32(c, 2), &done));
	}
	return guest_put32(c, arg32(c, 3), done);
}

enum wasi_errno do_fd_pread(struct call *c)
{
	uint32_t done = 0;
	uint64_t total;
	struct fd *fd;

	ETRY(get_file(c, RIGHT_FD_READ | RIGHT_FD_SEEK, &fd));
	ETRY(guest_iovecs(c, arg32(c, 1), arg32(c, 2), &total));
	ETRY(guest_put32(c, arg32(c, 4), 0));
	if (arg64(c, 3) > INT64_MAX)
		return WASI_EINVAL;
	ETRY(read_file(c, fd, arg64(c, 3), arg32(c, 2), &done));
	return guest_put32(c, arg32(c, 4), done);
}

enum wasi_errno do_fd_pwrite(struct call *c)
{
	uint32_t done = 0;
	uint64_t total;
	struct fd *fd;

	ETRY(get_file(c, RIGHT_FD_WRITE | RIGHT_FD_SEEK, &fd));
	ETRY(guest_iovecs(c, arg32(c, 1), arg32(c, 2), &total));
	ETRY(guest_put32(c, arg32(c, 4), 0));
	if (arg64(c, 3) > INT64_MAX)
		return WASI_EINVAL;
	ETRY(write_file(c, fd, arg64(c, 3), arg32(c, 2), &done));
	return guest_put32(c, arg32(c, 4), done);
}

/* ---- offsets ---- */

/* wasi_unstable counted cur, end, set. */
static uint32_t whence_of(const struct call *c, uint32_t whence)
{
	static const uint32_t unstable[] = {WHENCE_CUR, WHENCE_END, WHENCE_SET};

	return c->unstable && whence < ARRAY_COUNT(unstable) ? unstable[whence] : whence;
}

static enum wasi_errno seek_base(const struct fd *fd, uint32_t whence, uint64_t *base)
{
	switch (whence) {
	case WHENCE_SET: *base = 0; return WASI_OK;
	case WHENCE_CUR: *base = fd->offset; return WASI_OK;
	case WHENCE_END: *base = vfs_stat(fd->node).size; return WASI_OK;
	default: return WASI_EINVAL;
	}
}

enum wasi_errno do_fd_seek(struct call *c)
{
	int64_t delta = (int64_t)arg64(c, 1), target;
	uint32_t whence = whence_of(c, arg32(c, 2));
	bool moves = delta != 0 || whence != WHENCE_CUR;
	struct fd *fd;
	uint64_t base;

	ETRY(get_file(c, moves ? RIGHT_FD_SEEK : RIGHT_FD_TELL, &fd));
	ETRY(seek_base(fd, whence, &base));
	if (add_overflows((int64_t)base, delta, &target))
		return WASI_EOVERFLOW;
	if (target < 0)
		return WASI_EINVAL;
	ETRY(guest_put64(c, arg32(c, 3), (uint64_t)target));
	fd->offset = (uint64_t)target;
	return WASI_OK;
}

enum wasi_errno do_fd_tell(struct call *c)
{
	struct fd *fd;

	ETRY(get_file(c, RIGHT_FD_TELL, &fd));
	return guest_put64(c, arg32(c, 1), fd->offset);
}

/* ---- descriptors ---- */

enum wasi_errno do_fd_close(struct call *c)
{
	return fds_close(&c->w->fds, arg32(c, 0));
}

enum wasi_errno do_fd_renumber(struct call *c)
{
	return fds_renumber(&c->w->fds, arg32(c, 0), arg32(c, 1));
}

enum wasi_errno do_fd_fdstat_get(struct call *c)
{
	struct fd *fd;
	uint8_t *p;

	ETRY(get(c, 0, &fd));
	ETRY(guest_range(c, arg32(c, 1), FDSTAT_SIZE, &p));
	memset(p, 0, FDSTAT_SIZE);
	p[0] = (uint8_t)(fd->kind == FD_NODE ? fd->node->type : stream_type(c->w, fd));
	store16(p + 2, fd->flags);
	store64(p + 8, fd->rights);
	store64(p + 16, fd->inheriting);
	return WASI_OK;
}

enum wasi_errno do_fd_fdstat_set_flags(struct call *c)
{
	struct fd *fd;

	ETRY(get(c, RIGHT_FD_FDSTAT_SET_FLAGS, &fd));
	if ((arg32(c, 1) & ~(uint32_t)FDFLAGS_ALL) != 0)
		return WASI_EINVAL;
	fd->flags = (uint16_t)arg32(c, 1);
	return WASI_OK;
}

/* Rights can only be given up. */
enum wasi_errno do_fd_fdstat_set_rights(struct call *c)
{
	struct fd *fd;

	ETRY(get(c, 0, &fd));
	if ((arg64(c, 1) & ~fd->rights) != 0 || (arg64(c, 2) & ~fd->inheriting) != 0)
		return WASI_ENOTCAPABLE;
	fd->rights = arg64(c, 1);
	fd->inheriting = arg64(c, 2);
	return WASI_OK;
}

static enum wasi_errno get_preopen(struct call *c, struct fd **out)
{
	ETRY(get(c, 0, out));
	return (*out)->preopen.data == NULL ? WASI_EBADF : WASI_OK;
}

/*
 * C libraries ask number after number from 3 on until one answers EBADF, and pass over what is there but no directory. So
 * a declared descriptor with a preopened directory behind it says that it is something else.
 */
static bool before_preopens(const struct call *c, const struct fd *fd)
{
	return fd->kind != FD_NODE && arg32(c, 0) > 2 && arg32(c, 0) < c->w->preopens_end;
}

enum wasi_errno do_fd_prestat_get(struct call *c)
{
	struct fd *fd;
	uint8_t *p;
	bool other;

	ETRY(get(c, 0, &fd));
	other = before_preopens(c, fd);
	if (!other)
		ETRY(get_preopen(c, &fd));
	ETRY(guest_range(c, arg32(c, 1), PRESTAT_SIZE, &p));
	memset(p, 0, PRESTAT_SIZE);
	p[0] = other ? PREOPEN_OTHER : PREOPEN_DIR;
	store32(p + 4, (uint32_t)fd->preopen.size);
	return WASI_OK;
}

enum wasi_errno do_fd_prestat_dir_name(struct call *c)
{
	struct fd *fd;
	uint8_t *p;

	ETRY(get_preopen(c, &fd));
	if (arg32(c, 2) < fd->preopen.size)
		return WASI_ENAMETOOLONG;
	ETRY(guest_range(c, arg32(c, 1), (uint32_t)fd->preopen.size, &p));
	if (p != NULL)
		memcpy(p, fd->preopen.data, fd->preopen.size);
	return WASI_OK;
}

/* ---- what a descriptor stands for ---- */

enum wasi_errno put_filestat(struct call *c, uint32_t at, uint64_t dev, const struct vfs_stat *st)
{
	uint32_t size = c->unstable ? FILESTAT_UNSTABLE_SIZE : FILESTAT_SIZE;
	uint8_t *p;

	ETRY(guest_range(c, at, size, &p));
	memset(p, 0, size);
	store64(p, dev);
	store64(p + 8, st->ino);
	p[16] = (uint8_t)st->type;
	if (c->unstable)
		store32(p + 20, (uint32_t)st->links);
	else
		store64(p + 24, st->links);
	p += size - 32;
	store64(p, st->size);
	store64(p + 8, st->atim);
	store64(p + 16, st->mtim);
	store64(p + 24, st->ctim);
	return WASI_OK;
}

enum wasi_errno do_fd_filestat_get(struct call *c)
{
	struct vfs_stat st;
	struct fd *fd;

	ETRY(get(c, RIGHT_FD_FILESTAT_GET, &fd));
	if (fd->kind == FD_NODE)
		st = vfs_stat(fd->node);
	else
		st = (struct vfs_stat){.type = stream_type(c->w, fd), .links = 1, .ino = fd->kind};
	return put_filestat(c, arg32(c, 1), fd->kind == FD_NODE ? fd->node->fs->dev : 0, &st);
}

enum wasi_errno do_fd_filestat_set_size(struct call *c)
{
	struct fd *fd;

	ETRY(get_file(c, RIGHT_FD_FILESTAT_SET_SIZE, &fd));
	if (arg64(c, 1) > INT64_MAX)
		return WASI_EINVAL;
	return vfs_ops(fd->node)->resize(fd->node, arg64(c, 1));
}

static bool both(uint32_t flags, uint32_t a, uint32_t b)
{
	return (flags & a) != 0 && (flags & b) != 0;
}

enum wasi_errno apply_times(struct vfs_node *n, uint64_t atim, uint64_t mtim, uint32_t flags)
{
	struct vfs_stat st = vfs_stat(n);

	if ((flags & ~(uint32_t)FST_ALL) != 0 || both(flags, FST_ATIM, FST_ATIM_NOW) || both(flags, FST_MTIM, FST_MTIM_NOW))
		return WASI_EINVAL;
	if ((flags & FST_ATIM) != 0)
		st.atim = atim;
	if ((flags & FST_MTIM) != 0)
		st.mtim = mtim;
	if ((flags & FST_ATIM_NOW) != 0)
		st.atim = port_wall_ns();
	if ((flags & FST_MTIM_NOW) != 0)
		st.mtim = port_wall_ns();
	return vfs_ops(n)->set_times(n, st.atim, st.mtim);
}

enum wasi_errno do_fd_filestat_set_times(struct call *c)
{
	struct fd *fd;

	ETRY(get(c, RIGHT_FD_FILESTAT_SET_TIMES, &fd)); /* a stream never has it */
	return apply_times(fd->node, arg64(c, 1), arg64(c, 2), arg32(c, 3));
}

enum wasi_errno do_fd_advise(struct call *c)
{
	struct fd *fd;

	ETRY(get_file(c, RIGHT_FD_ADVISE, &fd));
	return arg32(c, 3) > ADVICE_MAX || arg64(c, 1) > INT64_MAX || arg64(c, 2) > INT64_MAX ? WASI_EINVAL : WASI_OK;
}

enum wasi_errno do_fd_allocate(struct call *c)
{
	struct fd *fd;

	ETRY(get_file(c, RIGHT_FD_ALLOCATE, &fd));
	if (arg64(c, 2) == 0)
		return WASI_EINVAL;
	return vfs_ops(fd->node)->allocate(fd->node, arg64(c, 1), arg64(c, 2));
}

static enum wasi_errno sync_fd(struct call *c, uint64_t right)
{
	struct fd *fd;

	ETRY(get(c, right, &fd));
	return fd->kind == FD_NODE ? vfs_ops(fd->node)->sync(fd->node) : WASI_OK;
}

enum wasi_errno do_fd_sync(struct call *c)
{
	return sync_fd(c, RIGHT_FD_SYNC);
}

enum wasi_errno do_fd_datasync(struct call *c)
{
	return sync_fd(c, RIGHT_FD_DATASYNC);
}

/* ---- listing a directory ---- */

/* One entry, or as much of it as fits; the program asks again from its cookie when the end is missing. */
static uint32_t put_entry(const struct vfs_entry *e, uint8_t *out, uint32_t room)
{
	uint8_t head[DIRENT_SIZE] = {0};
	uint32_t n = room < sizeof head ? room : (uint32_t)sizeof head;
	uint32_t rest = room - n < e->name.size ? room - n : (uint32_t)e->name.size;

	store64(head, e->next);
	store64(head + 8, e->ino);
	store32(head + 16, (uint32_t)e->name.size);
	head[20] = (uint8_t)e->type;
	memcpy(out, head, n);
	memcpy(out + n, e->name.data, rest);
	return n + rest;
}

enum wasi_errno do_fd_readdir(struct call *c)
{
	uint32_t room = arg32(c, 2), used = 0;
	struct vfs_entry e = {.next = arg64(c, 3)};
	struct fd *fd;
	uint8_t *out;

	ETRY(get(c, RIGHT_FD_READDIR, &fd));
	if (fd->kind != FD_NODE || fd->node->type != WASI_TYPE_DIRECTORY)
		return WASI_ENOTDIR;
	ETRY(guest_range(c, arg32(c, 1), room, &out));
	ETRY(guest_put32(c, arg32(c, 4), 0));
	while (used < room && vfs_ops(fd->node)->list(fd->node, e.next, &e))
		used += put_entry(&e, out + used, room - used);
	return guest_put32(c, arg32(c, 4), used);
}
