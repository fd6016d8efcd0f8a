/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/port.h"

#include "keep/call/cpu.h"
#include "keep/run/serve.h"
#include "keep/run/socket.h"
#include "keep/wasi/port.h"

#define MILLISECOND UINT64_C(1000000)
/* Looking for messages costs an exit, so a computing program does it rarely; output waits a moment for company. */
#define SERVE_EVERY (20 * MILLISECOND)
#define FLUSH_EVERY (1 * MILLISECOND)

static struct keep *keep;

void port_bind(struct keep *k)
{
	keep = k;
}

struct keep *port_keep(void)
{
	return keep;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static enum err poll(void *ctx)
{
	struct keep *k = ctx;
	uint64_t now = clock_monotonic(&k->clock), idle = now - k->last_serve;

	if (idle >= SERVE_EVERY || (idle >= FLUSH_EVERY && serve_wanted(k)))
		serve(k, 0);
	else if (now - k->last_flush >= FLUSH_EVERY)
		keep_flush(k);
	return keep_must_stop(k);
}

struct wasm_poll port_poll(struct keep *k)
{
	return (struct wasm_poll){poll, k};
}

/* How many of these bytes are on their way now; 0: there is no room, or nobody. */
static size_t put_some(struct keep *k, enum session_type stream, const uint8_t *data, size_t size)
{
	if (k->detached) {
		size = size < RING_PIECE_MAX ? size : RING_PIECE_MAX;
		ring_put(&k->ring, (uint8_t)stream, slice_of(data, size));
		return size;
	}
	if (k->owner == NULL || !link_room(k->owner))
		return 0;
	size = size < SESSION_BODY_MAX ? size : SESSION_BODY_MAX;
	if (link_put(k->owner, stream, slice_of(data, size), slice_of(NULL, 0)) == OK)
		return size;
	k->owner->gone = true; /* serve() draws the consequence */
	return 0;
}

enum err port_write(enum port_stream s, const void *data, size_t size)
{
	enum session_type stream = s == PORT_STDERR ? SESSION_STDERR : SESSION_STDOUT;
	const uint8_t *at = data;
	size_t put;

	while (size > 0) {
		TRY(keep_must_stop(keep));
		put = put_some(keep, stream, at, size);
		keep->blocked = put == 0;
		if (put == 0)
			serve(keep, keep->wall_until);
		at += put;
		size -= put;
	}
	if (clock_monotonic(&keep->clock) - keep->last_flush >= FLUSH_EVERY)
		keep_flush(keep);
	return OK;
}

static size_t buffered(const struct input *in)
{
	return in->size - in->at;
}

bool port_readable(void)
{
	return buffered(&keep->input) > 0 || keep->input.over;
}

/* Asks for more once half of the buffer is free; everything asked for has its place. */
static void pull(struct keep *k)
{
	struct input *in = &k->input;
	size_t room = STDIN_BUFFER - buffered(in) - in->credit, size;
	struct msg_stdin_pull m = {room};
	uint8_t body[16];

	k->blocked = !in->over && room >= STDIN_BUFFER / 2 && k->owner != NULL && !link_room(k->owner);
	if (in->over || room < STDIN_BUFFER / 2 || k->owner == NULL || k->blocked)
		return;
	if (msg_stdin_pull_encode(&m, body, sizeof body, &size) != OK ||
	    link_put(k->owner, SESSION_STDIN_PULL, slice_of(body, size), slice_of(NULL, 0)) != OK) {
		k->owner->gone = true;
		return;
	}
	in->credit += room;
}

enum err port_read(void *buffer, size_t capacity, size_t *got)
{
	struct input *in = &keep->input;

	TRY(keep_must_stop(keep));
	while (!port_readable()) {
		pull(keep);
		serve(keep, keep->wall_until);
		TRY(keep_must_stop(keep));
	}
	*got = buffered(in) < capacity ? buffered(in) : capacity;
	if (*got > 0)
		memcpy(buffer, in->bytes + in->at, *got);
	in->at += *got;
	return OK;
}

enum err port_wait(bool want_stdin, uint64_t until_monotonic_ns)
{
	bool look = sockets_wanted(keep);
	enum err err = keep_must_stop(keep);

	keep->blocked = false;
	while (err == OK && (look || (!(want_stdin && port_readable()) && !sockets_ready(keep) &&
	                              clock_monotonic(&keep->clock) < until_monotonic_ns))) {
		look = false;
		if (want_stdin)
			pull(keep);
		serve(keep, (want_stdin && port_readable()) || sockets_ready(keep) ? 0 : least(until_monotonic_ns, keep->wall_until));
		err = keep_must_stop(keep);
	}
	sockets_forget_wanted(keep);
	return err;
}

uint64_t port_monotonic_ns(void)
{
	return clock_monotonic(&keep->clock);
}

uint64_t port_wall_ns(void)
{
	return clock_wall(&keep->clock);
}

uint64_t port_cpu_ns(void)
{
	uint64_t ran = clock_monotonic(&keep->clock) - keep->started;

	return ran > keep->waited ? ran - keep->waited : 0;
}

enum err port_random(void *out, size_t size)
{
	return cpu_random(out, size);
}
