/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client connection: reads requests one after the other within limits of size and time, finds out who asks, calls
 * the API, writes answers. A connection is freed by its own events only, never inside a call of this header, so an API
 * function may go on using it.
 */
#ifndef BROCH_HOST_AGENT_CONN_H
#define BROCH_HOST_AGENT_CONN_H

#include "host/agent/keep.h"

#include <jansson.h>

struct agent;
struct bufferevent;

enum conn_state {
	CONN_HEAD,    /* waits for a request */
	CONN_BODY,    /* for the rest of it */
	CONN_PENDING, /* the API waits for a Keep */
	CONN_STREAM,  /* an answer without end is being written */
	CONN_UPGRADE, /* 101 is on its way; then the connection goes to the keeper */
	CONN_FLUSH,   /* the last answer is on its way */
	CONN_DRAIN,   /* it was sent; wait until the client closes, lest a reset destroys it */
};

struct conn {
	TAILQ_ENTRY(conn) link;
	struct agent *agent;
	struct bufferevent *bev;
	bool tls, begun, close;
	enum conn_state state;
	struct event *timer;
	struct peer *peer;    /* NULL on Unix sockets */
	struct client client; /* by user id or certificate; a token speaks for one request only */
	struct client who;    /* of this request */
	struct route route;   /* of this request */
	struct slice upgrade; /* of this request; only while the API is called */
	size_t body_size;
	uint64_t drained;
	struct keep_waiter waiter;
	struct keep_follower follower;
};

struct conns {
	TAILQ_HEAD(conn_list, conn) list;
	size_t count;
};

/* Takes fd, which is closed on failure. peer and client as known from accept. */
void conn_new(struct agent *a, int fd, bool tls, struct peer *peer, const struct client *client);
void conn_free(struct conn *c);

/* Each of these answers the current request; body is taken. */
void conn_json(struct conn *c, unsigned status, json_t *body);
void conn_text(struct conn *c, unsigned status, const char *type, struct slice text);
void conn_fault(struct conn *c, const struct fault *f);
/* The answer comes later. */
void conn_pend(struct conn *c);
/* An answer in parts. A client that does not read is cut off when too much waits for it. */
void conn_stream_begin(struct conn *c, const char *type);
void conn_stream_part(struct conn *c, const char *text);
void conn_stream_end(struct conn *c);
/* 101; then the connection goes to the Keep, which is reserved for it. */
void conn_upgrade(struct conn *c, struct keep *k);

#endif
