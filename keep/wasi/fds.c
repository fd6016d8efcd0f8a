/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/wasi/fds.h"

#include "keep/wasi/port.h"

enum err fds_init(struct fds *t, struct arena *a, uint32_t count)
{
	*t = (struct fds){.table = arena_many(a, count, struct fd), .count = count};
	return t->table == NULL ? ERR_NOMEM : OK;
}

bool fds_full(struct fds *t)
{
	while (t->first_closed < t->count && t->table[t->first_closed].kind != FD_CLOSED)
		t->first_closed++;
	return t->first_closed == t->count;
}

enum wasi_errno fds_add(struct fds *t, const struct fd *fd, uint32_t *number)
{
	if (fds_full(t))
		return WASI_EMFILE;
	*number = t->first_closed++;
	t->table[*number] = *fd;
	return WASI_OK;
}

enum wasi_errno fds_get(struct fds *t, uint32_t number, uint64_t rights, struct fd **out)
{
	struct fd *fd;

	if (number >= t->count || t->table[number].kind == FD_CLOSED)
		return WASI_EBADF;
	fd = &t->table[number];
	if ((rights & ~fd->rights & (RIGHT_FD_READ | RIGHT_FD_WRITE)) != 0)
		return WASI_EBADF; /* what POSIX programs know for a wrong open mode */
	if ((rights & ~fd->rights) != 0)
		return WASI_ENOTCAPABLE;
	*out = fd;
	return WASI_OK;
}

static void let_go(struct fd *fd)
{
	vfs_release(fd->node);
	if (fd->kind == FD_LISTENER || fd->kind == FD_SOCKET)
		port_socket_close(fd->socket);
}

enum wasi_errno fds_close(struct fds *t, uint32_t number)
{
	struct fd *fd;

	ETRY(fds_get(t, number, 0, &fd));
	let_go(fd);
	*fd = (struct fd){.kind = FD_CLOSED};
	if (number < t->first_closed)
		t->first_closed = number;
	return WASI_OK;
}

enum wasi_errno fds_renumber(struct fds *t, uint32_t from, uint32_t to)
{
	struct fd *source, *target;

	ETRY(fds_get(t, from, 0, &source));
	ETRY(fds_get(t, to, 0, &target));
	if (source == target)
		return WASI_OK;
	let_go(target);
	*target = *source;
	*source = (struct fd){.kind = FD_CLOSED};
	if (from < t->first_closed)
		t->first_closed = from;
	return WASI_OK;
}
