/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor table: what a program's small numbers stand for, and what it may do with each. */
#ifndef BROCH_KEEP_WASI_FDS_H
#define BROCH_KEEP_WASI_FDS_H

#include "keep/wasi/vfs.h"
#include "lib/base/arena.h"

/* Streams and sockets as in enum wasi_stream. */
enum fd_kind { FD_CLOSED = 0, FD_NULL, FD_STDIN, FD_STDOUT, FD_STDERR, FD_LISTENER, FD_SOCKET, FD_NODE };

struct fd {
	enum fd_kind kind;
	uint16_t flags;            /* enum wasi_fdflags */
	struct vfs_node *node;     /* FD_NODE: held */
	uint32_t socket;           /* FD_LISTENER, FD_SOCKET: for port.h, closed with it */
	uint64_t offset;           /* of a file */
	uint64_t rights, inheriting;
	bool net;                  /* FD_NODE: the directory whose paths are sockets (net.c) */
	struct slice preopen;      /* the guest's name, when it was open from the start */
};

struct fds { /* fields are private */
	struct fd *table;
	uint32_t count, first_closed; /* no closed one is below first_closed */
};

MUST_USE enum err fds_init(struct fds *t, struct arena *a, uint32_t count);
/* The lowest free number, with all of *fd copied; takes over the hold of its node. EMFILE: nothing taken. */
MUST_USE enum wasi_errno fds_add(struct fds *t, const struct fd *fd, uint32_t *number);
bool fds_full(struct fds *t);
/* EBADF unless it is open; EBADF or ENOTCAPABLE unless it has all of `rights`. */
MUST_USE enum wasi_errno fds_get(struct fds *t, uint32_t number, uint64_t rights, struct fd **out);
MUST_USE enum wasi_errno fds_close(struct fds *t, uint32_t number);
/* `to`, which must be open, is closed and becomes what `from` was. */
MUST_USE enum wasi_errno fds_renumber(struct fds *t, uint32_t from, uint32_t to);

#endif
