/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/socket.h"

#include "keep/run/port.h"
#include "keep/run/serve.h"
#include "keep/wasi/port.h"

#include <assert.h>

static_assert((int)PORT_SOCKET_READABLE == (int)KEEPCALL_READABLE &&
                      (int)PORT_SOCKET_WRITABLE == (int)KEEPCALL_WRITABLE,
              "the same bits");

#define CONNECT_PATIENCE (UINT64_C(30) * 1000000000)

static struct socket *find(uint32_t number)
{
	struct socket *s = &port_keep()->sockets.socket[number];

	CHECK(number < SOCKETS_MAX && s->state != SOCKET_FREE);
	return s;
}

/* ---- the table ---- */

static bool full(const struct sockets *s)
{
	return s->count >= (s->limit == 0 || s->limit > SOCKETS_MAX ? SOCKETS_MAX : s->limit);
}

static uint32_t add(struct sockets *s, uint32_t channel, enum socket_state state)
{
	uint32_t number = 0;

	while (s->socket[number].state != SOCKET_FREE)
		number++;
	s->socket[number] = (struct socket){.channel = channel, .state = (uint8_t)state};
	s->count++;
	if (number >= s->top)
		s->top = number + 1;
	return number;
}

void port_socket_close(uint32_t number)
{
	struct sockets *all = &port_keep()->sockets;
	struct socket *s = find(number);

	call_close(s->channel);
	*s = (struct socket){.state = SOCKET_FREE};
	all->count--;
	while (all->top > 0 && all->socket[all->top - 1].state == SOCKET_FREE)
		all->top--;
}

/* ---- waiting ---- */

size_t sockets_collect(struct sockets *s, struct keepcall_poll *entries, uint32_t *which)
{
	size_t n = 0;

	for (uint32_t i = 0; i < s->top; i++)
		if (s->socket[i].state != SOCKET_FREE && s->socket[i].wanted != 0) {
			which[n] = i;
			entries[n++] = (struct keepcall_poll){s->socket[i].channel, s->socket[i].wanted, 0};
		}
	return n;
}

void sockets_took(struct sockets *s, const struct keepcall_poll *entries, const uint32_t *which, size_t count)
{
	for (size_t i = 0; i < count; i++)
		s->socket[which[i]].ready = entries[i].ready;
}

void port_socket_want(uint32_t number, unsigned events)
{
	find(number)->wanted |= (uint16_t)events;
}

/* Whoever reads learns of a peer that is gone. */
unsigned port_socket_ready(uint32_t number)
{
	const struct socket *s = find(number);
	unsigned gone = (s->ready & KEEPCALL_HANGUP) != 0 || s->over ? PORT_SOCKET_READABLE | PORT_SOCKET_WRITABLE : 0;

	return (s->ready | gone) & (PORT_SOCKET_READABLE | PORT_SOCKET_WRITABLE);
}

bool sockets_wanted(const struct keep *k)
{
	for (uint32_t i = 0; i < k->sockets.top; i++)
		if (k->sockets.socket[i].wanted != 0)
			return true;
	return false;
}

bool sockets_ready(const struct keep *k)
{
	for (uint32_t i = 0; i < k->sockets.top; i++)
		if (k->sockets.socket[i].wanted != 0 && (k->sockets.socket[i].wanted & port_socket_ready(i)) != 0)
			return true;
	return false;
}

void sockets_forget_wanted(struct keep *k)
{
	for (uint32_t i = 0; i < k->sockets.top; i++)
		k->sockets.socket[i].wanted = 0;
}

/* ---- what a program does ---- */

static enum err not_now(struct socket *s, unsigned event, enum err err)
{
	if (err == ERR_AGAIN)
		s->ready &= (uint16_t)~event;
	return err;
}

enum err port_socket_accept(uint32_t listener, uint32_t *number)
{
	struct sockets *all = &port_keep()->sockets;
	struct socket *s = find(listener);
	uint32_t channel;

	CHECK(s->state == SOCKET_LISTENS);
	if (full(all))
		return ERR_LIMIT;
	TRY(not_now(s, KEEPCALL_READABLE, call_accept(s->channel, &channel)));
	*number = add(all, channel, SOCKET_STREAM);
	return OK;
}

enum err port_socket_read(uint32_t number, void *buffer, size_t capacity, size_t *got)
{
	struct socket *s = find(number);
	enum err err;

	*got = 0;
	if (s->over || capacity == 0)
		return OK;
	err = call_receive(s->channel, buffer, capacity, got);
	if (err == ERR_CLOSED) {
		s->over = true;
		return OK;
	}
	return not_now(s, KEEPCALL_READABLE, err);
}

enum err port_socket_write(uint32_t number, const void *data, size_t size, size_t *put)
{
	struct socket *s = find(number);

	*put = 0;
	if (size == 0)
		return OK;
	return not_now(s, KEEPCALL_WRITABLE, call_send(s->channel, slice_of(data, size), put));
}

enum err port_socket_shut(uint32_t number, bool reading, bool writing)
{
	struct socket *s = find(number);

	if (reading)
		s->over = true;
	return writing ? call_shut(s->channel) : OK;
}

/* ---- those that are declared ---- */

static void put(char *out, size_t *at, const void *text, size_t size)
{
	size_t room = KEEPCALL_NAME_MAX - *at;

	if (size > room)
		size = room;
	if (size > 0)
		memcpy(out + *at, text, size);
	*at += size;
}

/* "host:port", "[v6]:port"; KEEPCALL_NAME_MAX: it is too long. */
static size_t name_of(const struct manifest_descriptor *d, char out[static KEEPCALL_NAME_MAX + 1])
{
	struct note port = {{0}};
	bool colons = false;
	size_t at = 0;

	for (size_t i = 0; i < d->host.size; i++)
		colons = colons || d->host.data[i] == ':';
	note_set(&port, ":%u", (unsigned)d->port);
	put(out, &at, "[", colons);
	put(out, &at, d->host.data, d->host.size);
	put(out, &at, "]", colons);
	put(out, &at, port.text, strlen(port.text));
	out[at] = 0;
	return at;
}

/* A listening socket is writable from when it is there; a connection, from when the peer has answered. */
static enum err await(struct keep *k, uint32_t number, const char *what, struct note *n)
{
	uint64_t until = clock_add(clock_monotonic(&k->clock), CONNECT_PATIENCE);
	struct socket *s = find(number);

	while (s->ready == 0) {
		port_socket_want(number, PORT_SOCKET_WRITABLE);
		TRY(port_wait(false, until));
		if (s->ready == 0 && clock_monotonic(&k->clock) >= until)
			return refuse(n, ERR_IO, "%s: no answer in 30 s", what);
	}
	if ((s->ready & KEEPCALL_HANGUP) != 0)
		return refuse(n, ERR_IO,
		              "%s: the host cannot, or its policy does not allow it, or nobody answers there", what);
	return OK;
}

enum err socket_open(struct keep *k, const struct manifest_descriptor *d, uint32_t *out, struct note *n)
{
	bool listens = d->kind == DESCRIPTOR_LISTEN;
	char name[KEEPCALL_NAME_MAX + 1];
	size_t size = name_of(d, name);
	struct note what = {{0}};
	uint32_t channel;
	enum err err;

	note_set(&what, "%s %s", listens ? "listening on" : "connecting to", name);
	if (full(&k->sockets))
		return refuse(n, ERR_LIMIT, "%s: more sockets than the manifest allows (limits.sockets)", what.text);
	if (size == KEEPCALL_NAME_MAX)
		return refuse(n, ERR_LIMIT, "%s: the host name is too long", what.text);
	err = call_open(listens ? KEEPCALL_LISTEN : KEEPCALL_CONNECT, slice_of(name, size), &channel);
	if (err != OK)
		return refuse(n, err == ERR_NOMEM ? ERR_LIMIT : ERR_IO, "%s: the host gives no socket", what.text);
	*out = add(&k->sockets, channel, listens ? SOCKET_LISTENS : SOCKET_STREAM);
	return await(k, *out, what.text, n);
}
