/* SPDX-License-Identifier: Apache-2.0 */
/* port.h for tests of one translation unit: a clock that ticks, countable randomness, streams and sockets in memory. */
#ifndef BROCH_TEST_WASI_FAKE_PORT_H
#define BROCH_TEST_WASI_FAKE_PORT_H

#include "keep/wasi/port.h"

#include <string.h>

enum { FAKE_SOCKETS = 8 };

struct fake_socket {
	const char *in;    /* what can be read now */
	const char *later; /* what can be read after the next wait for it */
	bool eof;          /* what follows `in`; else nothing comes */
	size_t room;       /* bytes that can be written before a wait for it, which makes 4 more */
	char out[64];
	size_t out_size;
	unsigned callers;  /* of a listener: who waits for accept; they become the sockets from 4 on */
	unsigned wanted;
	bool gone, shut, closed;
};

static struct {
	struct fake_socket sockets[FAKE_SOCKETS];
	uint32_t accepted;
	struct port_address asked; /* of port_socket_open, which gives the sockets from 4 on, too */
	char asked_host[256];
	enum port_opened how;
	uint64_t now;            /* ns; one more with every look */
	uint8_t written[3][8192];
	size_t written_size[3];
	const char *input;       /* what is left of stdin */
	bool blocked;            /* port_readable says no until the clock is past unblock_at */
	uint64_t unblock_at;
	unsigned waits;
	enum err fail;           /* port_write, port_read and port_wait answer this */
} fake;

enum err port_write(enum port_stream s, const void *data, size_t size)
{
	size_t room = sizeof fake.written[s] - fake.written_size[s];

	if (size > room)
		size = room;
	memcpy(fake.written[s] + fake.written_size[s], data, size);
	fake.written_size[s] += size;
	return fake.fail;
}

enum err port_read(void *buffer, size_t capacity, size_t *got)
{
	size_t n = fake.input == NULL ? 0 : strlen(fake.input);

	*got = n < capacity ? n : capacity;
	if (*got > 0)
		memcpy(buffer, fake.input, *got);
	fake.input = fake.input == NULL ? NULL : fake.input + *got;
	return fake.fail;
}

bool port_readable(void)
{
	return !fake.blocked || fake.now >= fake.unblock_at;
}

bool port_socket_ready(uint32_t socket, unsigned events)
{
	const struct fake_socket *s = &fake.sockets[socket];
	bool readable = s->callers > 0 || s->eof || (s->in != NULL && *s->in != 0);

	return (events & ((readable ? PORT_SOCKET_READABLE : 0u) | (s->room > 0 ? PORT_SOCKET_WRITABLE : 0u))) != 0;
}

void port_socket_want(uint32_t socket, unsigned events)
{
	fake.sockets[socket].wanted |= events;
}

/* Is what was wanted of one there, now at the latest? */
static bool fake_sockets_wait(void)
{
	bool any = false;

	for (uint32_t i = 0; i < FAKE_SOCKETS; i++) {
		struct fake_socket *s = &fake.sockets[i];

		if ((s->wanted & PORT_SOCKET_READABLE) != 0 && s->later != NULL) {
			s->in = s->later;
			s->later = NULL;
		}
		if ((s->wanted & PORT_SOCKET_WRITABLE) != 0 && s->room == 0)
			s->room = 4;
		any = any || port_socket_ready(i, s->wanted);
		s->wanted = 0;
	}
	return any;
}

enum err port_socket_open(const struct port_address *a, uint32_t *socket, enum port_opened *how)
{
	fake.asked = *a;
	memcpy(fake.asked_host, a->host.data, a->host.size);
	fake.asked_host[a->host.size] = 0;
	*how = fake.how;
	if (fake.fail == OK && fake.how == PORT_OPENED)
		*socket = 4 + fake.accepted++;
	return fake.fail;
}

enum err port_socket_accept(uint32_t listener, uint32_t *socket)
{
	if (fake.sockets[listener].callers == 0)
		return ERR_AGAIN;
	fake.sockets[listener].callers--;
	*socket = 4 + fake.accepted++;
	return OK;
}

enum err port_socket_read(uint32_t socket, void *buffer, size_t capacity, size_t *got)
{
	struct fake_socket *s = &fake.sockets[socket];
	size_t n = s->in == NULL ? 0 : strlen(s->in);

	*got = n < capacity ? n : capacity;
	if (n == 0)
		return s->eof ? OK : ERR_AGAIN;
	memcpy(buffer, s->in, *got);
	s->in += *got;
	return OK;
}

enum err port_socket_write(uint32_t socket, const void *data, size_t size, size_t *put)
{
	struct fake_socket *s = &fake.sockets[socket];

	*put = size < s->room ? size : s->room;
	if (s->gone)
		return ERR_CLOSED;
	if (*put == 0)
		return ERR_AGAIN;
	memcpy(s->out + s->out_size, data, *put);
	s->out_size += *put;
	s->room -= *put;
	return OK;
}

enum err port_socket_shut(uint32_t socket, bool reading, bool writing)
{
	fake.sockets[socket].eof |= reading;
	fake.sockets[socket].shut |= writing;
	return OK;
}

void port_socket_close(uint32_t socket)
{
	fake.sockets[socket].closed = true;
}

enum err port_wait(bool want_stdin, uint64_t until)
{
	fake.waits++;
	if (fake_sockets_wait())
		return fake.fail;
	if (want_stdin && fake.unblock_at < until)
		until = fake.unblock_at;
	if (until == UINT64_MAX)
		return ERR_STOPPED; /* it would be for ever */
	if (until > fake.now)
		fake.now = until;
	return fake.fail;
}

uint64_t port_monotonic_ns(void)
{
	return ++fake.now;
}

uint64_t port_wall_ns(void)
{
	return UINT64_C(1700000000000000000) + ++fake.now;
}

uint64_t port_cpu_ns(void)
{
	return ++fake.now;
}

enum err port_random(void *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)out)[i] = (uint8_t)(0x5a + i);
	return fake.fail;
}

#endif
