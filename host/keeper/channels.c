/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keeper/channels.h"

#include "sys/file.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void channels_init(struct channels *c)
{
	memset(c, 0, sizeof *c);
	c->channel[KEEPCALL_SESSIONS] = (struct channel){.kind = CHANNEL_LISTENER, .fd = -1};
}

void channels_close_all(struct channels *c)
{
	for (size_t i = 0; i < KEEPCALL_CHANNEL_MAX; i++)
		if (c->channel[i].kind == CHANNEL_STREAM)
			fd_close(&c->channel[i].fd);
	for (size_t i = 0; i < c->pending_count; i++)
		fd_close(&c->pending[i]);
	channels_init(c);
}

enum err channels_offer(struct channels *c, int fd)
{
	int type = 0;
	socklen_t size = sizeof type;
	enum err err = OK;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
		err = ERR_INVALID;
	else if (c->pending_count == CHANNELS_PENDING_MAX)
		err = ERR_LIMIT;
	if (err != OK) {
		fd_close(&fd);
		return err;
	}
	c->pending[c->pending_count++] = fd;
	c->arrivals++;
	return OK;
}

struct channel *channels_find(struct channels *c, uint64_t number)
{
	if (number >= KEEPCALL_CHANNEL_MAX || c->channel[number].kind == CHANNEL_FREE)
		return NULL;
	return &c->channel[number];
}

static enum err find_kind(struct channels *c, uint64_t number, enum channel_kind kind, struct channel **out)
{
	*out = channels_find(c, number);
	return *out != NULL && (*out)->kind == kind ? OK : ERR_INVALID;
}

static uint32_t find_free(const struct channels *c)
{
	uint32_t number = 0;

	while (number < KEEPCALL_CHANNEL_MAX && c->channel[number].kind != CHANNEL_FREE)
		number++;
	return number;
}

enum err channels_accept(struct channels *c, uint64_t listener, uint32_t *number)
{
	struct channel *from;

	TRY(find_kind(c, listener, CHANNEL_LISTENER, &from));
	if (c->pending_count == 0)
		return ERR_AGAIN;
	*number = find_free(c);
	if (*number == KEEPCALL_CHANNEL_MAX)
		return ERR_NOMEM;
	c->channel[*number] = (struct channel){.kind = CHANNEL_STREAM, .fd = c->pending[0]};
	c->pending_count--;
	memmove(&c->pending[0], &c->pending[1], c->pending_count * sizeof c->pending[0]);
	return OK;
}

/* What a transfer that moved nothing means. */
static enum err stopped(struct channel *ch, int code)
{
	if (code == EAGAIN || code == EINTR)
		return ERR_AGAIN;
	ch->ended = true;
	return code == EPIPE || code == ECONNRESET || code == ENOTCONN || code == ETIMEDOUT ? ERR_CLOSED : ERR_IO;
}

enum err channels_send(struct channels *c, uint64_t number, const void *data, size_t size, size_t *moved)
{
	struct channel *ch;
	ssize_t put;

	TRY(find_kind(c, number, CHANNEL_STREAM, &ch));
	put = send(ch->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (put < 0)
		return stopped(ch, errno);
	*moved = (size_t)put;
	return OK;
}

enum err channels_receive(struct channels *c, uint64_t number, void *data, size_t size, size_t *moved)
{
	struct channel *ch;
	ssize_t got;

	TRY(find_kind(c, number, CHANNEL_STREAM, &ch));
	got = recv(ch->fd, data, size, MSG_DONTWAIT);
	if (got <= 0)
		return stopped(ch, got == 0 ? EPIPE : errno);
	*moved = (size_t)got;
	return OK;
}

enum err channels_close(struct channels *c, uint64_t number)
{
	struct channel *ch;

	TRY(find_kind(c, number, CHANNEL_STREAM, &ch));
	fd_close(&ch->fd);
	*ch = (struct channel){0};
	return OK;
}
