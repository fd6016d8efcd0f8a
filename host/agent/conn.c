/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/conn.h"
#include "host/agent/agent.h"
#include "host/agent/api.h"
#include "host/agent/tls.h"
#include "sys/clock.h"
#include "sys/openssl.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEAD_MS = 10000, /* from the first byte of a request to the last of its head; also from accept to the first
	                    request */
	BODY_MS = 10000,
	IDLE_MS = 60000,  /* between requests */
	FLUSH_MS = 20000, /* to read an answer */
	DRAIN_MS = 1000,
	DRAIN_MAX = 1 << 20,
	INPUT_MAX = HTTP_HEAD_MAX + HTTP_BODY_MAX,
	OUTPUT_MAX = 128 * 1024, /* waiting for a client that does not read */
};

static void arm(struct conn *c, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	evtimer_del(c->timer);
	if (ms > 0)
		evtimer_add(c->timer, &tv);
}

static size_t output_size(const struct conn *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

/* ---- answers ---- */

/* The answer is written: what now? */
static void answered(struct conn *c)
{
	if (c->close || c->agent->closing) {
		c->state = CONN_FLUSH;
		arm(c, FLUSH_MS);
		return;
	}
	c->state = CONN_HEAD;
	c->begun = false;
	arm(c, IDLE_MS);
}

static void head(struct conn *c, unsigned status, const char *type)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (status < STATUS_MAX)
		c->agent->metrics.requests[status]++;
	LOG(&c->agent->options.log, LOG_AT_DEBUG, "answer", log_s("client", c->who.name), log_n("status", status),
	    log_s("keep", c->route.keep));
	evbuffer_add_printf(out, "HTTP/1.1 %u %s\r\nServer: brochd\r\nCache-Control: no-store\r\nContent-Type: %s\r\n",
	                    status, http_phrase(status), type);
	if (c->close || c->agent->closing)
		evbuffer_add_printf(out, "Connection: close\r\n");
}

static void body(struct conn *c, struct slice text)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	evbuffer_add_printf(out, "Content-Length: %zu\r\n\r\n", text.size);
	evbuffer_add(out, text.data, text.size);
	answered(c);
}

void conn_text(struct conn *c, unsigned status, const char *type, struct slice text)
{
	head(c, status, type);
	body(c, text);
}

static char *json_line(json_t *o)
{
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	size_t len = text == NULL ? 0 : strlen(text);
	char *line = text == NULL ? NULL : realloc(text, len + 2);

	if (line == NULL)
		free(text);
	else
		memcpy(line + len, "\n", 2);
	json_decref(o);
	return line;
}

void conn_json(struct conn *c, unsigned status, json_t *o)
{
	char *line = json_line(o);

	if (line == NULL) {
		c->close = true;
		status = 503;
	}
	conn_text(c, status, "application/json",
	          slice_text(line == NULL ? "{\"error\":\"out of memory\",\"hint\":\"\"}\n" : line));
	free(line);
}

void conn_fault(struct conn *c, const struct fault *f)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	char *line = json_line(json_pack("{s:s, s:s}", "error", f->error, "hint", f->hint));

	head(c, f->status, "application/json");
	if (f->status == 401)
		evbuffer_add_printf(out, "WWW-Authenticate: Bearer realm=\"brochd\"\r\n");
	if (f->status == 405 && f->allow != NULL)
		evbuffer_add_printf(out, "Allow: %s\r\n", f->allow);
	if (f->status == 426)
		evbuffer_add_printf(out, "Upgrade: broch-session\r\n");
	if (f->status == 429)
		evbuffer_add_printf(out, "Retry-After: 5\r\n");
	body(c, slice_text(line == NULL ? "" : line));
	free(line);
}

void conn_pend(struct conn *c)
{
	c->state = CONN_PENDING;
	arm(c, 0); /* a Keep starts or ends within bounds of its own */
}

void conn_stream_begin(struct conn *c, const char *type)
{
	head(c, 200, type);
	evbuffer_add_printf(bufferevent_get_output(c->bev), "Transfer-Encoding: chunked\r\n\r\n");
	c->state = CONN_STREAM;
	arm(c, 0);
}

void conn_stream_part(struct conn *c, const char *text)
{
	if (c->state != CONN_STREAM)
		return;
	if (output_size(c) > OUTPUT_MAX) {
		/* without the last chunk the client knows that something is missing */
		keep_unfollow(&c->follower);
		c->close = true;
		answered(c);
		return;
	}
	evbuffer_add_printf(bufferevent_get_output(c->bev), "%zx\r\n%s\r\n", strlen(text), text);
}

void conn_stream_end(struct conn *c)
{
	if (c->state != CONN_STREAM)
		return;
	evbuffer_add_printf(bufferevent_get_output(c->bev), "0\r\n\r\n");
	answered(c);
	bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS); /* the next request may be here already */
}

/* ---- the session ---- */

static void on_keep_end(struct keep_waiter *w, struct keep *k)
{
	struct conn *c = (struct conn *)(void *)((uint8_t *)w - offsetof(struct conn, waiter));

	(void)k;
	c->close = true;
	answered(c); /* nothing more is written; it closes */
	bufferevent_trigger(c->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
}

void conn_upgrade(struct conn *c, struct keep *k)
{
	c->agent->metrics.requests[101]++;
	/* Not a byte more is read: what the client sends now belongs to the keeper. */
	bufferevent_disable(c->bev, EV_READ);
	c->state = CONN_UPGRADE;
	c->waiter.start = false;
	c->waiter.done = on_keep_end;
	keep_wait(k, &c->waiter);
	evbuffer_add_printf(
	        bufferevent_get_output(c->bev),
	        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: broch-session\r\n\r\n");
	arm(c, FLUSH_MS);
}

/* The 101 is out. A plain connection goes to the keeper whole; TLS, or bytes that came early, need a relay between. */
static void hand_over(struct conn *c)
{
	struct keep *k = c->waiter.keep;
	enum err err;

	keep_unwait(&c->waiter);
	if (!c->tls && evbuffer_get_length(bufferevent_get_input(c->bev)) == 0) {
		err = keep_attach(k, bufferevent_getfd(c->bev));
	} else {
		err = relay_start(&c->agent->relays, c->agent->base, c->bev, k);
		if (err == OK)
			c->bev = NULL; /* the relay's now */
	}
	if (err != OK)
		keep_unreserve(k);
	conn_free(c);
}

/* ---- requests ---- */

static struct fault authenticate(struct conn *c, const struct http_request *r)
{
	struct agent *a = c->agent;
	uint64_t now = clock_steady_ns() / 1000000;
	struct fault f = {0};

	c->who = c->client;
	if (c->who.known)
		return f;
	c->close = true;
	if (c->peer != NULL && peer_blocked(c->peer, now)) {
		fault_set(&f, 429, "wait a minute", "too many requests without a valid credential from this address");
		return f;
	}
	if (a->tokens != NULL && c->peer != NULL && r->authorization.data != NULL &&
	    tokens_check(a->tokens, r->authorization, &c->who)) {
		c->close = r->close;
		return f;
	}
	a->metrics.auth_failures++;
	if (c->peer != NULL)
		peer_failed(c->peer, now);
	LOG(&a->options.log, LOG_AT_WARN, "request without a valid credential",
	    log_s("why", r->authorization.data == NULL ? "none was sent" : "not one of ours"));
	fault_set(&f, 401, "send Authorization: Bearer TOKEN, or show a client certificate", "no valid credential");
	return f;
}

static void refuse_request(struct conn *c, const struct fault *f)
{
	c->close = true; /* what follows in the stream is not worth guessing */
	conn_fault(c, f);
}

/* Parses a whole head at the start of the input. */
static void take_request(struct conn *c, struct slice in)
{
	struct fault f = {0};
	struct http_request r;

	c->route = (struct route){.call = CALL_COUNT};
	c->who = c->client;
	if (http_parse(in, &r, &f) != OK) {
		refuse_request(c, &f);
		return;
	}
	c->close = r.close;
	f = authenticate(c, &r);
	if (f.status != 0) {
		refuse_request(c, &f);
		return;
	}
	if (route_find(r.method, r.target, &c->route, &f) != OK) {
		if (r.body_size > 0)
			c->close = true;
		conn_fault(c, &f);
		return;
	}
	c->body_size = r.body_size;
	c->state = CONN_BODY;
	arm(c, BODY_MS);
	if (c->body_size == 0) { /* now, while the slices of r are there */
		c->upgrade = r.upgrade;
		api_call(c, slice_of(NULL, 0));
		c->upgrade = slice_of(NULL, 0);
	}
}

static void out_of_memory(struct conn *c)
{
	struct fault f = {0};

	fault_set(&f, 503, "try again later", "out of memory");
	refuse_request(c, &f);
}

/* Takes a whole head out of the input first: an answer may end in a hand-over, which must see only what came after it. */
static void take_whole(struct conn *c, size_t size)
{
	struct evbuffer *request = evbuffer_new();
	uint8_t *bytes = NULL;

	if (request != NULL && evbuffer_remove_buffer(bufferevent_get_input(c->bev), request, size) == (int)size)
		bytes = evbuffer_pullup(request, -1);
	if (bytes != NULL)
		take_request(c, slice_of(bytes, size));
	else
		out_of_memory(c);
	if (request != NULL)
		evbuffer_free(request);
}

/* Each returns whether there may be more to do. */
static bool take_head(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t have = evbuffer_get_length(in), look = have < HTTP_HEAD_MAX ? have : HTTP_HEAD_MAX, size;
	uint8_t *bytes = have == 0 ? NULL : evbuffer_pullup(in, (ev_ssize_t)look);
	struct fault f = {0};

	if (bytes == NULL)
		return false;
	size = http_head_size(slice_of(bytes, look));
	if (size > 0) {
		take_whole(c, size);
		return true;
	}
	if (have >= HTTP_HEAD_MAX) {
		fault_set(&f, 431, "send fewer and shorter headers", "the head of the request is larger than %d bytes",
		          HTTP_HEAD_MAX);
		refuse_request(c, &f);
		return false;
	}
	if (!c->begun)
		arm(c, HEAD_MS);
	c->begun = true;
	return false;
}

static bool take_body(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t size = c->body_size;
	uint8_t *bytes;

	if (evbuffer_get_length(in) < size)
		return false;
	bytes = evbuffer_pullup(in, (ev_ssize_t)size);
	if (bytes == NULL) {
		out_of_memory(c);
		return false;
	}
	api_call(c, slice_of(bytes, size));
	evbuffer_drain(in, size);
	return true;
}

static void advance(struct conn *c)
{
	bool more = true;

	/* a client that sends requests but reads no answers waits */
	while (more && output_size(c) <= OUTPUT_MAX && (c->state == CONN_HEAD || c->state == CONN_BODY))
		more = c->state == CONN_HEAD ? take_head(c) : take_body(c);
}

/* ---- events ---- */

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct conn *c = ctx;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (c->state == CONN_DRAIN) {
		c->drained += evbuffer_get_length(in);
		evbuffer_drain(in, evbuffer_get_length(in));
		if (c->drained > DRAIN_MAX)
			conn_free(c);
		return;
	}
	advance(c);
	/* TLS has no high-water mark, see conn_new: who sends this much without reading answers is cut off */
	if (c->tls && evbuffer_get_length(in) > INPUT_MAX)
		conn_free(c);
}

static void say_goodbye(struct conn *c)
{
	if (c->tls)
		SSL_shutdown(bufferevent_openssl_get_ssl(c->bev));
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	c->state = CONN_DRAIN;
	arm(c, DRAIN_MS);
	bufferevent_enable(c->bev, EV_READ);
}

static void on_write(struct bufferevent *bev, void *ctx)
{
	struct conn *c = ctx;

	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (c->state == CONN_UPGRADE)
		hand_over(c);
	else if (c->state == CONN_FLUSH)
		say_goodbye(c);
	else
		advance(c);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct conn *c = ctx;

	if ((what & BEV_EVENT_CONNECTED) != 0) {
		tls_client(bufferevent_openssl_get_ssl(bev), &c->client);
		return;
	}
	/* a client that has closed its sending side may still wait for the answer */
	if ((what & BEV_EVENT_EOF) != 0 && c->state == CONN_FLUSH && output_size(c) > 0)
		return;
	conn_free(c);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;
	struct fault f = {0};

	(void)fd;
	(void)what;
	if ((c->state == CONN_HEAD && c->begun) || c->state == CONN_BODY) {
		fault_set(&f, 408, "send the whole request at once", "the request did not come whole in time");
		refuse_request(c, &f);
		return;
	}
	conn_free(c);
}

/* ---- birth and death ---- */

static struct bufferevent *wrap(struct agent *a, int fd, bool tls)
{
	struct bufferevent *bev;
	SSL *ssl;

	if (!tls)
		return bufferevent_socket_new(a->base, fd, BEV_OPT_CLOSE_ON_FREE);
	ssl = SSL_new(a->tls);
	if (ssl == NULL)
		return NULL;
	bev = bufferevent_openssl_socket_new(a->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL)
		SSL_free(ssl);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

void conn_new(struct agent *a, int fd, bool tls, struct peer *peer, const struct client *client)
{
	struct conn *c = calloc(1, sizeof *c);

	if (c == NULL || (c->timer = evtimer_new(a->base, on_timer, c)) == NULL ||
	    (c->bev = wrap(a, fd, tls)) == NULL) {
		close(fd);
		if (peer != NULL)
			peer_leave(peer);
		if (c != NULL && c->timer != NULL)
			event_free(c->timer);
		free(c);
		return;
	}
	c->agent = a;
	c->tls = tls;
	c->peer = peer;
	c->client = *client;
	TAILQ_INSERT_TAIL(&a->conns.list, c, link);
	a->conns.count++;
	a->metrics.connections_total++;
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	/* Under TLS a suspended read could leave decrypted bytes inside OpenSSL, which no event would ever announce. */
	if (!tls)
		bufferevent_setwatermark(c->bev, EV_READ, 0, INPUT_MAX);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	arm(c, HEAD_MS);
}

void conn_free(struct conn *c)
{
	struct agent *a = c->agent;

	api_cancel(c);
	TAILQ_REMOVE(&a->conns.list, c, link);
	a->conns.count--;
	if (c->peer != NULL)
		peer_leave(c->peer);
	event_free(c->timer);
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	free(c);
	listeners_resume(a);
}
