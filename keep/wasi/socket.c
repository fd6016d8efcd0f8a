/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: what was declared is open when the program starts; accept makes more. Streams of bytes, nothing else. */
#include "keep/wasi/call.h"

enum { RECV_WAITALL = 2, SHUT_READ = 1, SHUT_WRITE = 2 };

static enum wasi_errno errno_of(enum err err)
{
	switch (err) {
	case OK: return WASI_OK;
	case ERR_AGAIN: return WASI_EAGAIN;
	case ERR_CLOSED: return WASI_EPIPE;
	case ERR_LIMIT:
	case ERR_NOMEM: return WASI_EMFILE;
	default: return WASI_EIO;
	}
}

/* Until the socket has something for us, or the program has to stop. */
static enum wasi_errno wait_for(struct call *c, const struct fd *fd, unsigned event)
{
	enum err err;

	if ((fd->flags & FDFLAG_NONBLOCK) != 0)
		return WASI_EAGAIN;
	port_socket_want(fd->socket, event);
	err = port_wait(false, UINT64_MAX);
	return err == OK ? WASI_OK : stop_with(c, err);
}

/* As much as one call gives, into one vector: less than was asked for is what readers of a stream expect. */
enum wasi_errno socket_read(struct call *c, const struct fd *fd, uint32_t count, uint32_t *done)
{
	uint32_t i = 0;
	size_t got = 0;
	enum err err;

	*done = 0;
	if (fd->kind == FD_LISTENER)
		return WASI_ENOTCONN;
	while (i < count && c->w->iovecs[i].size == 0)
		i++;
	if (i == count)
		return WASI_OK;
	while ((err = port_socket_read(fd->socket, c->w->iovecs[i].data, c->w->iovecs[i].size, &got)) == ERR_AGAIN)
		ETRY(wait_for(c, fd, PORT_SOCKET_READABLE));
	CHECK(got <= c->w->iovecs[i].size);
	*done = (uint32_t)got;
	return err == ERR_LIMIT ? stop_with(c, err) : errno_of(err);
}

/* All of it; a descriptor that does not wait: what there is room for. */
static enum wasi_errno write_one(struct call *c, const struct fd *fd, const uint8_t *data, size_t size, uint32_t *done)
{
	while (size > 0) {
		size_t put = 0;
		enum err err = port_socket_write(fd->socket, data, size, &put);

		if (err == ERR_AGAIN) {
			ETRY(wait_for(c, fd, PORT_SOCKET_WRITABLE));
			continue;
		}
		if (err == ERR_LIMIT)
			return stop_with(c, err);
		if (err != OK)
			return errno_of(err);
		CHECK(put <= size);
		*done += (uint32_t)put;
		data += put;
		size -= put;
	}
	return WASI_OK;
}

/* Small vectors leave together: C libraries write a line as several. */
enum wasi_errno socket_write(struct call *c, const struct fd *fd, uint32_t count, uint32_t *done)
{
	enum wasi_errno err = WASI_OK;
	struct wasi *w = c->w;

	*done = 0;
	for (uint32_t i = 0; i < count && err == WASI_OK;) {
		uint32_t used = 0;

		for (; i < count && w->iovecs[i].size <= sizeof w->gather - used; i++) {
			if (w->iovecs[i].size > 0)
				memcpy(w->gather + used, w->iovecs[i].data, w->iovecs[i].size);
			used += w->iovecs[i].size;
		}
		err = write_one(c, fd, w->gather, used, done);
		if (err == WASI_OK && i < count && w->iovecs[i].size > sizeof w->gather) {
			err = write_one(c, fd, w->iovecs[i].data, w->iovecs[i].size, done);
			i++;
		}
	}
	return *done > 0 && c->stop == OK ? WASI_OK : err; /* what went is not taken back */
}

static enum wasi_errno get(struct call *c, enum fd_kind kind, uint64_t rights, struct fd **out)
{
	struct fd *fd;

	ETRY(fds_get(&c->w->fds, arg32(c, 0), 0, &fd));
	if (fd->kind != FD_LISTENER && fd->kind != FD_SOCKET)
		return WASI_ENOTSOCK;
	if (fd->kind != kind)
		return kind == FD_LISTENER ? WASI_EINVAL : WASI_ENOTCONN;
	return fds_get(&c->w->fds, arg32(c, 0), rights, out);
}

/* fd, flags of the new one, result */
enum wasi_errno do_sock_accept(struct call *c)
{
	struct fd *listener, fd = {.kind = FD_SOCKET};
	uint32_t number;
	enum err err;

	ETRY(get(c, FD_LISTENER, RIGHT_SOCK_ACCEPT, &listener));
	if ((arg32(c, 1) & ~(uint32_t)FDFLAG_NONBLOCK) != 0)
		return WASI_EINVAL;
	ETRY(guest_put32(c, arg32(c, 2), 0));
	if (fds_full(&c->w->fds))
		return WASI_EMFILE;
	while ((err = port_socket_accept(listener->socket, &fd.socket)) == ERR_AGAIN)
		ETRY(wait_for(c, listener, PORT_SOCKET_READABLE));
	if (err != OK)
		return errno_of(err);
	fd.flags = (uint16_t)arg32(c, 1);
	fd.rights = listener->inheriting;
	CHECK(fds_add(&c->w->fds, &fd, &number) == WASI_OK);
	return guest_put32(c, arg32(c, 2), number);
}

/* fd, vectors, count, flags, size, flags of the result */
enum wasi_errno do_sock_recv(struct call *c)
{
	uint32_t done = 0;
	uint64_t total;
	struct fd *fd;
	uint8_t *flags;

	ETRY(get(c, FD_SOCKET, RIGHT_FD_READ, &fd));
	if ((arg32(c, 3) & ~(uint32_t)RECV_WAITALL) != 0)
		return WASI_ENOTSUP; /* nothing is looked at without being taken */
	ETRY(guest_iovecs(c, arg32(c, 1), arg32(c, 2), &total));
	ETRY(guest_put32(c, arg32(c, 4), 0));
	ETRY(guest_range(c, arg32(c, 5), 2, &flags));
	ETRY(socket_read(c, fd, arg32(c, 2), &done));
	store16(flags, 0);
	return guest_put32(c, arg32(c, 4), done);
}

/* fd, vectors, count, flags, size */
enum wasi_errno do_sock_send(struct call *c)
{
	uint32_t done = 0;
	uint64_t total;
	struct fd *fd;

	ETRY(get(c, FD_SOCKET, RIGHT_FD_WRITE, &fd));
	if (arg32(c, 3) != 0)
		return WASI_EINVAL;
	ETRY(guest_iovecs(c, arg32(c, 1), arg32(c, 2), &total));
	ETRY(guest_put32(c, arg32(c, 4), 0));
	ETRY(socket_write(c, fd, arg32(c, 2), &done));
	return guest_put32(c, arg32(c, 4), done);
}

/* fd, how */
enum wasi_errno do_sock_shutdown(struct call *c)
{
	uint32_t how = arg32(c, 1);
	struct fd *fd;

	ETRY(get(c, FD_SOCKET, RIGHT_SOCK_SHUTDOWN, &fd));
	if (how == 0 || (how & ~(uint32_t)(SHUT_READ | SHUT_WRITE)) != 0)
		return WASI_EINVAL;
	return errno_of(port_socket_shut(fd->socket, (how & SHUT_READ) != 0, (how & SHUT_WRITE) != 0));
}
