/* SPDX-License-Identifier: Apache-2.0 */
/* stdin, stdout and stderr: their other end is the tenant. And null, which has none. */
#include "keep/wasi/call.h"

enum wasi_filetype stream_type(const struct wasi *w, const struct fd *fd)
{
	if (fd->kind == FD_LISTENER || fd->kind == FD_SOCKET)
		return WASI_TYPE_SOCKET_STREAM;
	if (fd->kind == FD_NULL)
		return WASI_TYPE_UNKNOWN; /* no terminal: C libraries may gather what vanishes */
	return fd->kind == FD_STDIN && !w->stdin_terminal ? WASI_TYPE_UNKNOWN : WASI_TYPE_CHARACTER;
}

bool stream_readable(const struct wasi *w)
{
	return w->no_stdin || port_readable();
}

enum wasi_errno stream_read(struct call *c, const struct fd *fd, uint32_t count, uint32_t *done)
{
	size_t got = 0;
	uint32_t i = 0;
	enum err err;

	*done = 0;
	if (fd->kind == FD_NULL)
		return WASI_OK;
	while (i < count && c->w->iovecs[i].size == 0)
		i++;
	if (i == count || c->w->no_stdin)
		return WASI_OK;
	if ((fd->flags & FDFLAG_NONBLOCK) != 0 && !port_readable())
		return WASI_EAGAIN;
	err = port_read(c->w->iovecs[i].data, c->w->iovecs[i].size, &got);
	if (err != OK)
		return stop_with(c, err);
	CHECK(got <= c->w->iovecs[i].size);
	*done = (uint32_t)got;
	return WASI_OK;
}

/* Small vectors are sent as one message: C libraries write a line as several. */
static enum err write_gathered(struct wasi *w, enum port_stream s, uint32_t count)
{
	size_t used = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct iovec *v = &w->iovecs[i];

		if (v->size > sizeof w->gather - used) {
			TRY(used == 0 ? OK : port_write(s, w->gather, used));
			used = 0;
		}
		if (v->size > sizeof w->gather) {
			TRY(port_write(s, v->data, v->size));
		} else if (v->size > 0) {
			memcpy(w->gather + used, v->data, v->size);
			used += v->size;
		}
	}
	return used == 0 ? OK : port_write(s, w->gather, used);
}

enum wasi_errno stream_write(struct call *c, const struct fd *fd, uint32_t count, uint32_t *done)
{
	enum port_stream s = fd->kind == FD_STDERR ? PORT_STDERR : PORT_STDOUT;
	enum err err = fd->kind == FD_NULL ? OK : write_gathered(c->w, s, count);

	if (err != OK)
		return stop_with(c, err);
	*done = 0;
	for (uint32_t i = 0; i < count; i++)
		*done += c->w->iovecs[i].size;
	return WASI_OK;
}
