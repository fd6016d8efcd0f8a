/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of workloads: a Keep asks its keeper, the keeper asks us, we open them and hand them over. Names are resolved
 * here, without blocking; what a Keep may reach is the host's policy, which judges each address. Of a name's addresses the
 * first that answers is taken: they are tried in order, each but the last for SOCKETS_PATIENCE_S, so that the Keep, which
 * waits for 30 s, has the last one in time.
 */
#ifndef BROCH_HOST_AGENT_SOCKETS_H
#define BROCH_HOST_AGENT_SOCKETS_H

#include "abi/keepcall.h"
#include "host/keeper/control.h"
#include "lib/base/err.h"

enum { SOCKETS_TRIES = 6, SOCKETS_PATIENCE_S = 4 };

/* NONE: no socket. LOOPBACK: this machine only; who would listen on all addresses listens on those. */
enum sockets_policy { SOCKETS_LOOPBACK, SOCKETS_NONE, SOCKETS_ANY };
/* "none", "loopback", "any" */
MUST_USE enum err sockets_policy_of(const char *text, enum sockets_policy *out);

struct event_base;
struct evdns_base;
struct sockets; /* of one Keep: those that are being opened */

struct sockets_fault {
	enum keepcall_why why; /* for the program */
	const char *words;     /* for the host's people; NULL: there is a socket */
};
/* Called once for each request, perhaps at once: with the socket, which stays the caller's, or -1 and why not. */
typedef void sockets_done(void *ctx, const struct control *request, int fd, struct sockets_fault fault);

/* NULL without memory. */
struct sockets *sockets_new(struct event_base *base, struct evdns_base **dns, enum sockets_policy policy,
                            sockets_done *done, void *ctx);
/* Nothing is called any more. */
void sockets_free(struct sockets *s);
/* request: CONTROL_OPEN, copied. */
void sockets_open(struct sockets *s, const struct control *request);

#endif
