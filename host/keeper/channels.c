/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keeper/channels.h"

#include "host/keeper/control.h"
#include "sys/file.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

void channels_init(struct channels *c, int watcher)
{
	memset(c, 0, sizeof *c);
	c->watcher = watcher;
	c->channel[KEEPCALL_SESSIONS] = (struct channel){.kind = CHANNEL_LISTENER, .fd = -1};
}

/* The watcher would know a socket for as long as somebody else has it. */
static void let_go(const struct channels *c, struct channel *ch)
{
	if (ch->watched != 0)
		(void)epoll_ctl(c->watcher, EPOLL_CTL_DEL, ch->fd, NULL);
	fd_close(&ch->fd);
}

void channels_close_all(struct channels *c)
{
	for (size_t i = 0; i < KEEPCALL_CHANNEL_MAX; i++)
		if (c->channel[i].kind != CHANNEL_FREE)
			let_go(c, &c->channel[i]);
	for (size_t i = 0; i < c->pending_count; i++)
		fd_close(&c->pending[i]);
	channels_init(c, c->watcher);
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

/* Something to move bytes on. ERR_AGAIN: not yet. */
static enum err find_stream(struct channels *c, uint64_t number, struct channel **out)
{
	*out = channels_find(c, number);
	if (*out == NULL || (*out)->kind == CHANNEL_LISTENER)
		return ERR_INVALID;
	if ((*out)->kind == CHANNEL_OPENING)
		return ERR_AGAIN;
	return (*out)->fd < 0 ? ERR_CLOSED : OK;
}

static uint32_t find_free(const struct channels *c)
{
	uint32_t number = 0;

	while (number < KEEPCALL_CHANNEL_MAX && c->channel[number].kind != CHANNEL_FREE)
		number++;
	return number;
}

static enum err accept_from(struct channel *listener, struct channel *to)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) /* whoever went before we came is nobody */
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? ERR_AGAIN : ERR_NOMEM;
	*to = (struct channel){.kind = CHANNEL_STREAM, .fd = fd};
	return OK;
}

enum err channels_accept(struct channels *c, uint64_t listener, uint32_t *number)
{
	struct channel *from = channels_find(c, listener);

	if (from != NULL && from->kind == CHANNEL_OPENING)
		return ERR_AGAIN;
	if (from != NULL && from->kind == CHANNEL_STREAM && from->fd < 0)
		return ERR_CLOSED;
	TRY(find_kind(c, listener, CHANNEL_LISTENER, &from));
	if (listener == KEEPCALL_SESSIONS && c->pending_count == 0)
		return ERR_AGAIN;
	*number = find_free(c);
	if (*number == KEEPCALL_CHANNEL_MAX)
		return ERR_NOMEM;
	if (listener != KEEPCALL_SESSIONS)
		return accept_from(from, &c->channel[*number]);
	c->channel[*number] = (struct channel){.kind = CHANNEL_STREAM, .fd = c->pending[0], .session = true};
	c->pending_count--;
	memmove(&c->pending[0], &c->pending[1], c->pending_count * sizeof c->pending[0]);
	return OK;
}

/* For the Keep's program, which knows error numbers. */
static enum keepcall_why why_of(int code)
{
	switch (code) {
	case ECONNREFUSED: return KEEPCALL_WHY_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH: return KEEPCALL_WHY_UNREACHABLE;
	case ETIMEDOUT: return KEEPCALL_WHY_TIMED_OUT;
	default: return KEEPCALL_WHY_UNKNOWN;
	}
}

/* What a transfer that moved nothing means. */
static enum err stopped(struct channel *ch, int code)
{
	if (code == EAGAIN || code == EINTR)
		return ERR_AGAIN;
	if (!ch->ended)
		ch->why = why_of(code);
	ch->ended = true;
	switch (code) {
	case EPIPE:
	case ECONNRESET:
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOTCONN:
	case ETIMEDOUT: return ERR_CLOSED;
	default: return ERR_IO;
	}
}

enum err channels_send(struct channels *c, uint64_t number, const void *data, size_t size, size_t *moved)
{
	struct channel *ch;
	ssize_t put;

	TRY(find_stream(c, number, &ch));
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

	TRY(find_stream(c, number, &ch));
	got = recv(ch->fd, data, size, MSG_DONTWAIT);
	if (got <= 0)
		return stopped(ch, got == 0 ? EPIPE : errno);
	*moved = (size_t)got;
	return OK;
}

enum err channels_close(struct channels *c, uint64_t number)
{
	struct channel *ch;

	if (number == KEEPCALL_SESSIONS || (ch = channels_find(c, number)) == NULL)
		return ERR_INVALID;
	let_go(c, ch);
	*ch = (struct channel){0};
	return OK;
}

enum err channels_shut(struct channels *c, uint64_t number)
{
	struct channel *ch;

	TRY(find_stream(c, number, &ch));
	return shutdown(ch->fd, SHUT_WR) == 0 || errno == ENOTCONN ? OK : ERR_IO;
}

enum err channels_open(struct channels *c, uint32_t *number, uint64_t *opening)
{
	*number = find_free(c);
	if (*number == KEEPCALL_CHANNEL_MAX)
		return ERR_NOMEM;
	*opening = ++c->openings;
	c->channel[*number] = (struct channel){.kind = CHANNEL_OPENING, .fd = -1, .opening = *opening};
	return OK;
}

static bool is_listener(int fd)
{
	int listens = 0;
	socklen_t size = sizeof listens;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

bool channels_opened(struct channels *c, const struct control *answer, int fd)
{
	struct channel *ch = channels_find(c, answer->a);

	if (ch == NULL || ch->kind != CHANNEL_OPENING || ch->opening != answer->b) {
		fd_close(&fd);
		return false;
	}
	ch->kind = fd >= 0 && is_listener(fd) ? CHANNEL_LISTENER : CHANNEL_STREAM;
	ch->fd = fd;
	ch->ended = fd < 0;
	ch->why = answer->code;
	return true;
}
