/* SPDX-License-Identifier: Apache-2.0 */
/* keep/wasi/port.h for a process of the developer's: the three streams, the clocks and the randomness it has itself. */
#include "keep/wasi/port.h"

#include <errno.h>
#include <poll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum err port_write(enum port_stream s, const void *data, size_t size)
{
	const char *from = data;

	while (size > 0) {
		ssize_t n = write((int)s, from, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		from += n;
		size -= (size_t)n;
	}
	return OK;
}

enum err port_read(void *buffer, size_t capacity, size_t *got)
{
	ssize_t n;

	while ((n = read(STDIN_FILENO, buffer, capacity)) < 0 && errno == EINTR) {
	}
	if (n < 0)
		return ERR_IO;
	*got = (size_t)n;
	return OK;
}

bool port_readable(void)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	CHECK(clock_gettime(id, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum err port_wait(bool want_stdin, uint64_t until_monotonic_ns)
{
	struct pollfd p = {.fd = want_stdin ? STDIN_FILENO : -1, .events = POLLIN};
	uint64_t now = port_monotonic_ns(), left = until_monotonic_ns > now ? until_monotonic_ns - now : 0;
	struct timespec t = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};

	if (ppoll(&p, 1, until_monotonic_ns == UINT64_MAX ? NULL : &t, NULL) < 0 && errno != EINTR)
		return ERR_IO;
	return OK;
}

uint64_t port_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t port_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t port_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

enum err port_random(void *out, size_t size)
{
	uint8_t *to = out;

	while (size > 0) {
		ssize_t n = getrandom(to, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_NO_RANDOM;
		to += n;
		size -= (size_t)n;
	}
	return OK;
}

/* ---- sockets: this process has none for its program ---- */

enum err port_socket_open(const struct port_address *a, uint32_t *socket, enum port_opened *how)
{
	(void)a, (void)socket;
	*how = PORT_DENIED;
	return OK;
}

enum err port_socket_accept(uint32_t listener, uint32_t *socket)
{
	(void)listener, (void)socket;
	return ERR_CLOSED;
}

enum err port_socket_read(uint32_t socket, void *buffer, size_t capacity, size_t *got)
{
	(void)socket, (void)buffer, (void)capacity, (void)got;
	return ERR_CLOSED;
}

enum err port_socket_write(uint32_t socket, const void *data, size_t size, size_t *put)
{
	(void)socket, (void)data, (void)size, (void)put;
	return ERR_CLOSED;
}

enum err port_socket_shut(uint32_t socket, bool reading, bool writing)
{
	(void)socket, (void)reading, (void)writing;
	return ERR_CLOSED;
}

void port_socket_close(uint32_t socket)
{
	(void)socket;
}

void port_socket_want(uint32_t socket, unsigned events)
{
	(void)socket, (void)events;
}

bool port_socket_ready(uint32_t socket, unsigned events)
{
	(void)socket, (void)events;
	return false;
}
