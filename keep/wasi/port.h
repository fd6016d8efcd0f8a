/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What WASI needs from below. In the Keep, keep/run implements it on the session and the CPU; hosted tests implement it
 * on POSIX (test/wasi). The linker chooses.
 */
#ifndef BROCH_KEEP_WASI_PORT_H
#define BROCH_KEEP_WASI_PORT_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum port_stream { PORT_STDIN = 0, PORT_STDOUT = 1, PORT_STDERR = 2 };

/* Blocks until all is on its way (or kept in the ring of a detached workload). ERR_STOPPED and limits unwind the program. */
MUST_USE enum err port_write(enum port_stream s, const void *data, size_t size);
/* Blocks until at least one byte or end of file (*got == 0). */
MUST_USE enum err port_read(void *buffer, size_t capacity, size_t *got);
/* Is a port_read sure not to block? */
bool port_readable(void);
/*
 * Blocks until port_readable() (if want_stdin), until a socket has what was wanted of it, or until the monotonic time is
 * reached. UINT64_MAX: no time limit. With sockets it looks at least once. Afterwards nothing is wanted of any.
 */
MUST_USE enum err port_wait(bool want_stdin, uint64_t until_monotonic_ns);
/*
 * Sockets: small numbers, from what was declared, opened or accepted. None but _open waits: ERR_AGAIN. What is waited for is
 * said with _want, and port_wait then waits for that as well; after it, _ready says what is there.
 */
enum { PORT_SOCKET_READABLE = 1, PORT_SOCKET_WRITABLE = 2 };
/*
 * A socket at run time, as the manifest's rules allow. Waits until it is there: connected, with TLS after the handshake,
 * or listening. OK: *how says what came of it, and only with PORT_OPENED there is a socket. Else the program has to stop.
 */
enum port_opened {
	PORT_OPENED,
	PORT_DENIED,      /* no rule allows it, or the host's policy does not */
	PORT_REFUSED,     /* nobody listens there */
	PORT_UNREACHABLE, /* no way there, or no such name */
	PORT_IN_USE,
	PORT_TIMED_OUT,
	PORT_FULL,        /* more sockets than there may be, or no memory for one */
	PORT_UNTRUSTED,   /* TLS: the peer is not who it should be, or nobody said who that is */
	PORT_UNSPOKEN,    /* TLS: it failed otherwise */
	PORT_FAILED,      /* the host cannot, and does not say why */
	PORT_OPENED_KINDS
};
struct port_address {
	bool listens, tls;
	struct slice host; /* as lib/session/network.h has it; empty where it listens: all addresses */
	uint32_t port;
};
MUST_USE enum err port_socket_open(const struct port_address *a, uint32_t *socket, enum port_opened *how);
MUST_USE enum err port_socket_accept(uint32_t listener, uint32_t *socket); /* ERR_LIMIT: too many; ERR_CLOSED */
MUST_USE enum err port_socket_read(uint32_t socket, void *buffer, size_t capacity, size_t *got); /* *got 0: the end; ERR_LIMIT: stop */
MUST_USE enum err port_socket_write(uint32_t socket, const void *data, size_t size, size_t *put); /* ERR_CLOSED, ERR_LIMIT: stop */
MUST_USE enum err port_socket_shut(uint32_t socket, bool reading, bool writing);
void port_socket_close(uint32_t socket);
void port_socket_want(uint32_t socket, unsigned events);
bool port_socket_ready(uint32_t socket, unsigned events); /* any of them */

/* Never moves back. From the CPU, not from the host. */
uint64_t port_monotonic_ns(void);
/* The tenant's clock plus monotonic time since. */
uint64_t port_wall_ns(void);
uint64_t port_cpu_ns(void);
MUST_USE enum err port_random(void *out, size_t size);

#endif
