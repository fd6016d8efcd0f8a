/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll_oneoff: each round looks at all subscriptions and writes an event for those that are ready; when there is none, it
 * waits for standard input, sockets or the earliest deadline and looks again. Only these can keep a program waiting: files
 * and output are always ready. What sockets have is known from waiting, so there is a look at them before the first round.
 */
#include "keep/wasi/call.h"

struct subscription {
	uint64_t userdata;
	uint8_t type;
	uint32_t fd;
	uint32_t clock;
	uint64_t timeout;
	bool absolute;
};

struct round {
	uint64_t start;    /* monotonic: relative deadlines count from here */
	uint64_t now;      /* monotonic */
	uint64_t deadline; /* the earliest seen; UINT64_MAX: none */
	bool want_stdin;
	bool want_sockets;
	bool looked; /* what sockets say is of now */
};

struct event {
	enum wasi_errno err;
	uint64_t bytes;
};

static void load_subscription(const struct call *c, const uint8_t *p, struct subscription *s)
{
	const uint8_t *clock = p + (c->unstable ? 24 : 16); /* unstable puts an identifier first */

	*s = (struct subscription){.userdata = load64(p), .type = p[8]};
	if (s->type == EVENT_CLOCK) {
		s->clock = load32(clock);
		s->timeout = load64(clock + 8);
		s->absolute = (clock[24] & SUBCLOCK_ABSOLUTE) != 0;
	} else {
		s->fd = load32(p + 16);
	}
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return add_overflows(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t deadline_of(const struct round *r, const struct subscription *s)
{
	uint64_t wall;

	if (!s->absolute)
		return add_capped(r->start, s->timeout);
	if (s->clock == CLOCK_MONO)
		return s->timeout;
	wall = port_wall_ns();
	return s->timeout <= wall ? r->now : add_capped(r->now, s->timeout - wall);
}

static bool clock_ready(struct round *r, const struct subscription *s, struct event *e)
{
	uint64_t deadline;

	if (s->clock != CLOCK_WALL && s->clock != CLOCK_MONO) {
		e->err = s->clock > CLOCK_THREAD_CPU ? WASI_EINVAL : WASI_ENOTSUP;
		return true;
	}
	deadline = deadline_of(r, s);
	if (deadline < r->deadline)
		r->deadline = deadline;
	return deadline <= r->now;
}

static bool fd_ready(struct call *c, struct round *r, const struct subscription *s, struct event *e)
{
	uint64_t need = s->type == EVENT_FD_READ ? RIGHT_FD_READ : RIGHT_FD_WRITE;
	struct fd *fd;

	e->err = fds_get(&c->w->fds, s->fd, need | RIGHT_POLL_FD_READWRITE, &fd);
	if (e->err != WASI_OK)
		return true;
	if (fd->kind == FD_STDIN) {
		r->want_stdin = true;
		e->bytes = 1;
		return stream_readable(c->w);
	}
	if (fd->kind == FD_LISTENER || fd->kind == FD_SOCKET) {
		unsigned event = s->type == EVENT_FD_READ ? PORT_SOCKET_READABLE : PORT_SOCKET_WRITABLE;

		r->want_sockets = true;
		port_socket_want(fd->socket, event);
		e->bytes = 1;
		return r->looked && port_socket_ready(fd->socket, event);
	}
	if (fd->kind == FD_NODE && s->type == EVENT_FD_READ) {
		uint64_t size = vfs_stat(fd->node).size;

		e->bytes = size > fd->offset ? size - fd->offset : 0;
	}
	return true;
}

static bool is_ready(struct call *c, struct round *r, const struct subscription *s, struct event *e)
{
	*e = (struct event){.err = WASI_OK};
	switch (s->type) {
	case EVENT_CLOCK: return clock_ready(r, s, e);
	case EVENT_FD_READ:
	case EVENT_FD_WRITE: return fd_ready(c, r, s, e);
	default: e->err = WASI_EINVAL; return true;
	}
}

static void store_event(uint8_t *p, const struct subscription *s, const struct event *e)
{
	memset(p, 0, EVENT_SIZE);
	store64(p, s->userdata);
	store16(p + 8, (uint16_t)e->err);
	p[10] = s->type;
	store64(p + 16, e->bytes);
}

/* The events of this round; their number. Writing an event may change subscriptions not yet read, if the program put
 * them in one place; each is checked as it is read, so that is the program's own trouble. */
static uint32_t look(struct call *c, struct round *r, const uint8_t *in, uint8_t *out, uint32_t count)
{
	uint32_t stride = c->unstable ? SUBSCRIPTION_UNSTABLE_SIZE : SUBSCRIPTION_SIZE;
	uint32_t events = 0;

	r->now = port_monotonic_ns();
	for (uint32_t i = 0; i < count; i++) {
		struct subscription s;
		struct event e;

		load_subscription(c, in + (size_t)i * stride, &s);
		if (is_ready(c, r, &s, &e))
			store_event(out + (size_t)events++ * EVENT_SIZE, &s, &e);
	}
	return events;
}

/* in, out, count, result */
enum wasi_errno do_poll_oneoff(struct call *c)
{
	uint32_t count = arg32(c, 2), events;
	struct round r = {.start = port_monotonic_ns()};
	uint8_t *in, *out;

	if (count == 0 || count > SUBSCRIPTIONS_MAX)
		return WASI_EINVAL;
	ETRY(guest_range(c, arg32(c, 0), count * (c->unstable ? SUBSCRIPTION_UNSTABLE_SIZE : SUBSCRIPTION_SIZE), &in));
	ETRY(guest_range(c, arg32(c, 1), count * EVENT_SIZE, &out));
	ETRY(guest_put32(c, arg32(c, 3), 0));
	for (;;) {
		enum err err;

		r.deadline = UINT64_MAX;
		r.want_stdin = r.want_sockets = false;
		events = look(c, &r, in, out, count);
		if (events > 0 && (r.looked || !r.want_sockets))
			return guest_put32(c, arg32(c, 3), events);
		err = port_wait(r.want_stdin, events > 0 ? 0 : r.deadline);
		r.looked = true;
		if (err != OK)
			return stop_with(c, err);
	}
}
