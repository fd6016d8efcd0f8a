/* SPDX-License-Identifier: Apache-2.0 */
/* Where clients come in: Unix sockets, TCP, or a socket inherited from the parent, which may be one connection. */
#ifndef BROCH_HOST_AGENT_LISTENER_H
#define BROCH_HOST_AGENT_LISTENER_H

#include "host/agent/options.h"

#include <sys/types.h>

struct agent;
struct evconnlistener;

struct listener {
	struct agent *agent;
	struct evconnlistener *ev;
	bool tcp;
	bool connected; /* not a listener: it is the one client */
	const char *path; /* of the socket file we made, NULL: none */
	dev_t device;
	ino_t inode; /* so that we never remove the file of another */
};

struct listeners {
	struct listener at[LISTEN_MAX];
	size_t count;
	bool paused;
};

/* Opens one address and accepts. A TCP address without TLS, or without token and client CA, is refused with the cure.
 */
MUST_USE enum err listener_open(struct agent *a, const char *address, struct note *n);
/* Is it an address we could open, as far as one can tell without opening it? */
MUST_USE enum err listener_check(const struct agent *a, const char *address, struct note *n);
/* A connection was freed: there may be room again. */
void listeners_resume(struct agent *a);
/* Accepts no more, and removes the socket files. */
void listeners_close(struct agent *a);

#endif
