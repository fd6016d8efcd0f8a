/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/relay.h"
#include "sys/file.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { CLIENT, KEEPER };

struct side {
	struct relay *relay;
	struct bufferevent *bev;
	bool ended; /* it sends no more */
	bool shut;  /* we have told the other side so */
};

struct relay {
	TAILQ_ENTRY(relay) link;
	struct relays *all;
	struct side side[2];
};

static void relay_free(struct relay *r)
{
	TAILQ_REMOVE(&r->all->list, r, link);
	for (size_t i = 0; i < 2; i++)
		if (r->side[i].bev != NULL)
			bufferevent_free(r->side[i].bev);
	free(r);
}

static struct side *other(struct side *s)
{
	return &s->relay->side[s == &s->relay->side[CLIENT] ? KEEPER : CLIENT];
}

static size_t waiting(const struct side *s)
{
	return evbuffer_get_length(bufferevent_get_output(s->bev));
}

/* Everything s sent has gone out, and no more comes: the end travels on. True when the relay is gone. */
static bool pass_end(struct side *s)
{
	struct side *to = other(s);

	if (!s->ended || s->shut || waiting(to) > 0)
		return false;
	s->shut = true;
	/* When the keeper has ended there is nobody left to answer. TLS has no half-closed state we could rely on. */
	if (s == &s->relay->side[KEEPER] || to->ended) {
		relay_free(s->relay);
		return true;
	}
	shutdown(bufferevent_getfd(to->bev), SHUT_WR);
	return false;
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct side *s = ctx, *to = other(s);

	if (evbuffer_add_buffer(bufferevent_get_output(to->bev), bufferevent_get_input(bev)) != 0) {
		relay_free(s->relay);
		return;
	}
	if (waiting(to) >= RELAY_BUFFER)
		bufferevent_disable(bev, EV_READ);
}

static void on_write(struct bufferevent *bev, void *ctx)
{
	struct side *s = ctx, *from = other(s);

	(void)bev;
	if (pass_end(from))
		return;
	if (!from->ended)
		bufferevent_enable(from->bev, EV_READ);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct side *s = ctx;

	(void)bev;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
		return;
	if ((what & BEV_EVENT_ERROR) != 0 && s == &s->relay->side[CLIENT]) {
		relay_free(s->relay);
		return;
	}
	s->ended = true;
	pass_end(s);
}

static void watch(struct side *s)
{
	bufferevent_setcb(s->bev, on_read, on_write, on_event, s);
	bufferevent_setwatermark(s->bev, EV_READ, 0, 0); /* on_read empties it each time; see also conn_new */
	bufferevent_setwatermark(s->bev, EV_WRITE, RELAY_BUFFER / 4, 0);
	bufferevent_set_max_single_read(s->bev, RELAY_BUFFER / 2);
	bufferevent_set_max_single_write(s->bev, RELAY_BUFFER / 2);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
}

enum err relay_start(struct relays *all, struct event_base *base, struct bufferevent *bev, struct keep *k)
{
	struct relay *r = calloc(1, sizeof *r);
	int pair[2] = {-1, -1};
	struct bufferevent *keeper = NULL;
	enum err err = ERR_NOMEM;

	if (r == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		goto out;
	keeper = bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
	if (keeper == NULL)
		goto out;
	pair[0] = -1; /* keeper's */
	err = keep_attach(k, pair[1]);
	if (err != OK)
		goto out;
	r->all = all;
	r->side[CLIENT] = (struct side){.relay = r, .bev = bev};
	r->side[KEEPER] = (struct side){.relay = r, .bev = keeper};
	TAILQ_INSERT_TAIL(&all->list, r, link);
	evbuffer_add_buffer(bufferevent_get_output(keeper), bufferevent_get_input(bev));
	watch(&r->side[CLIENT]);
	watch(&r->side[KEEPER]);
	r = NULL;
	keeper = NULL;
out:
	if (keeper != NULL)
		bufferevent_free(keeper);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	free(r);
	return err;
}

void relays_free(struct relays *all)
{
	struct relay *r, *next;

	for (r = TAILQ_FIRST(&all->list); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		relay_free(r);
	}
}
