/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/pipe.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
	IN_SIZE = 2 * SESSION_RECORD_MAX,
	OUT_SIZE = 4 * SESSION_RECORD_MAX, /* a few records, so that sealing and writing overlap with the host's reading */
	OVERHEAD = 2 + 1 + 16,             /* size, type, tag */
};

struct pipe {
	struct wire *wire;
	struct session *session;
	int timeout_ms;
	size_t in_at, in_size;
	size_t out_at, out_size;
	bool ended;   /* the wire has nothing more to read */
	bool partial; /* a record has begun and is not complete */
	uint8_t in[IN_SIZE], out[OUT_SIZE];
};

static enum err random_bytes(void *out, size_t size)
{
	uint8_t *at = out;

	while (size > 0) {
		ssize_t got = getrandom(at, size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ERR_NO_RANDOM;
		at += got;
		size -= (size_t)got;
	}
	return OK;
}

void pipe_close(struct pipe *p)
{
	if (p == NULL)
		return;
	if (p->session != NULL)
		session_wipe(p->session);
	free(p->session);
	wire_close(p->wire);
	free(p);
}

const uint8_t *pipe_hash(const struct pipe *p)
{
	return session_hash(p->session);
}

int pipe_fd(const struct pipe *p)
{
	return wire_fd(p->wire);
}

static enum err read_wire(struct pipe *p)
{
	size_t got = 0;
	enum err err;

	memmove(p->in, p->in + p->in_at, p->in_size - p->in_at);
	p->in_size -= p->in_at;
	p->in_at = 0;
	err = wire_read(p->wire, p->in + p->in_size, sizeof p->in - p->in_size, &got);
	p->in_size += err == OK ? got : 0;
	p->ended = err != OK && err != ERR_AGAIN;
	return err;
}

bool pipe_unread(struct pipe *p)
{
	if (p->in_at == p->in_size && !p->ended)
		(void)read_wire(p);
	return p->in_size > p->in_at;
}

bool pipe_queued(const struct pipe *p)
{
	return p->out_size > p->out_at;
}

short pipe_events(const struct pipe *p)
{
	return wire_events(p->wire, !p->ended, pipe_queued(p));
}

size_t pipe_room(const struct pipe *p)
{
	size_t room = OUT_SIZE - (p->out_size - p->out_at);

	if (room <= OVERHEAD)
		return 0;
	return room - OVERHEAD < SESSION_BODY_MAX ? room - OVERHEAD : SESSION_BODY_MAX;
}

/* The words for an end of the session, once. */
static enum err ended(struct pipe *p, enum err err, struct note *n)
{
	const char *reason = session_reason(p->session);

	if (err == ERR_CLOSED)
		note_set(n, "the connection to the Keep was closed");
	else if (err == ERR_TRUNCATED)
		note_set(n, "the connection to the Keep was cut inside a record");
	else if (err == ERR_TIMEOUT)
		note_set(n, "the Keep does not answer");
	else if (err == ERR_IO)
		note_set(n, "the connection to the Keep failed");
	else if (err != ERR_STOPPED)
		note_set(n, "the channel to the Keep was disturbed: %s", reason[0] != 0 ? reason : err_text(err));
	return err;
}

enum err pipe_pump(struct pipe *p, struct note *n)
{
	while (pipe_queued(p)) {
		size_t put = 0;
		enum err err = wire_write(p->wire, slice_of(p->out + p->out_at, p->out_size - p->out_at), &put);

		if (err == ERR_AGAIN)
			return OK;
		if (err != OK)
			return ended(p, err, n);
		p->out_at += put;
	}
	p->out_at = p->out_size = 0;
	return OK;
}

static enum err wait_wire(struct pipe *p, bool reading, int64_t deadline, struct note *n)
{
	enum err err = wire_wait(p->wire, reading, pipe_queued(p), deadline);

	return err == OK ? OK : ended(p, err, n);
}

enum err pipe_flush(struct pipe *p, struct note *n)
{
	int64_t deadline = clock_ms() + p->timeout_ms;

	for (;;) {
		TRY(pipe_pump(p, n));
		if (!pipe_queued(p))
			return OK;
		TRY(wait_wire(p, false, deadline, n));
	}
}

static enum err make_room(struct pipe *p, size_t size, struct note *n)
{
	int64_t deadline = clock_ms() + p->timeout_ms;

	CHECK(size <= OUT_SIZE);
	while (OUT_SIZE - (p->out_size - p->out_at) < size) {
		TRY(pipe_pump(p, n));
		if (OUT_SIZE - (p->out_size - p->out_at) >= size)
			break;
		TRY(wait_wire(p, false, deadline, n));
	}
	if (OUT_SIZE - p->out_size < size) {
		memmove(p->out, p->out + p->out_at, p->out_size - p->out_at);
		p->out_size -= p->out_at;
		p->out_at = 0;
	}
	return OK;
}

enum err pipe_send(struct pipe *p, enum session_type type, struct slice a, struct slice b, struct note *n)
{
	size_t size;
	enum err err;

	TRY(make_room(p, OVERHEAD + a.size + b.size, n));
	err = session_seal(p->session, type, a, b, p->out + p->out_size, OUT_SIZE - p->out_size, &size);
	if (err != OK)
		return ended(p, err, n);
	p->out_size += size;
	return OK;
}

/* What the handshake wants to say goes into the same buffer. */
static enum err queue_handshake(struct pipe *p, struct note *n)
{
	size_t size;

	TRY(make_room(p, SESSION_RECORD_MAX, n));
	TRY(session_handshake_out(p->session, p->out + p->out_size, OUT_SIZE - p->out_size, &size));
	p->out_size += size;
	return OK;
}

/* Hands buffered bytes to the session until a message is complete: ERR_AGAIN when more bytes are needed. */
static enum err take_message(struct pipe *p, enum session_type *type, struct slice *body)
{
	for (;;) {
		size_t used = 0;
		enum err err = session_pop(p->session, type, body);

		if (err != ERR_AGAIN || p->in_at == p->in_size)
			return err;
		TRY(session_push(p->session, slice_of(p->in + p->in_at, p->in_size - p->in_at), &used));
		CHECK(used > 0); /* it takes something or is dead */
		p->in_at += used;
		err = session_pop(p->session, type, body);
		p->partial = err == ERR_AGAIN;
		if (err != ERR_AGAIN)
			return err;
	}
}

enum err pipe_next(struct pipe *p, enum session_type *type, struct slice *body, struct note *n)
{
	for (;;) {
		enum err err = take_message(p, type, body);

		if (err == OK)
			return OK;
		if (err != ERR_AGAIN)
			return ended(p, err, n);
		err = p->ended ? ERR_CLOSED : read_wire(p);
		if (err == ERR_AGAIN)
			return err;
		if (err == ERR_CLOSED && p->partial)
			err = ERR_TRUNCATED;
		if (err != OK)
			return ended(p, err, n);
	}
}

enum err pipe_receive(struct pipe *p, enum session_type *type, struct slice *body, struct note *n)
{
	int64_t deadline = clock_ms() + p->timeout_ms;

	for (;;) {
		enum err err = pipe_pump(p, NULL), read;

		/* A Keep that refuses says why and closes: read its words even when it no longer reads ours. */
		read = pipe_next(p, type, body, err == OK ? n : NULL);
		if (read != ERR_AGAIN)
			return read;
		if (err != OK)
			return ended(p, err, n);
		TRY(wait_wire(p, true, deadline, n));
	}
}

static enum err shake_hands(struct pipe *p, struct note *n)
{
	enum session_type type;
	struct slice body;
	int64_t deadline = clock_ms() + p->timeout_ms;

	TRY(queue_handshake(p, n));
	while (!session_established(p->session)) {
		enum err err;

		TRY(pipe_pump(p, n));
		err = pipe_next(p, &type, &body, n);
		if (err == OK)
			return refuse(n, ERR_HOST, "the Keep speaks before the handshake is done");
		if (err != ERR_AGAIN)
			return err;
		if (!session_established(p->session))
			TRY(wait_wire(p, true, deadline, n));
	}
	p->partial = false; /* the handshake's own records are taken inside pop */
	return OK;
}

enum err pipe_open(struct place *place, const char *id, struct pipe **out, struct note *n)
{
	struct pipe *p = calloc(1, sizeof *p);
	enum err err = ERR_NOMEM;

	static_assert((size_t)IN_SIZE >= (size_t)PLACE_EARLY_MAX, "what comes behind the head fits");
	if (p == NULL || (p->session = calloc(1, session_size())) == NULL)
		goto out;
	p->timeout_ms = place_timeout(place);
	err = session_init(p->session, SESSION_CLIENT, random_bytes);
	if (err == OK)
		err = place_session(place, id, &p->wire, p->in, &p->in_size, n);
	if (err == OK) {
		err = shake_hands(p, n);
		/* Whoever is in there has not proved to be a Keep, or somebody in between does not let it. */
		if (err != OK && err != ERR_STOPPED && err != ERR_NOMEM)
			err = ERR_REFUSED;
	}
	if (err == OK) {
		*out = p;
		p = NULL;
	}
out:
	pipe_close(p);
	return err;
}
