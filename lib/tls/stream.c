/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls/stream.h"

void tls_stream_begin(struct tls_stream *s, const struct tls_version *version, struct tls *tls, struct tls_wire wire)
{
	s->version = version;
	s->tls = tls;
	s->wire = wire;
	s->in_over = s->out_over = false;
	s->at = s->size = 0;
	s->out = NULL;
}

void tls_stream_lend(struct tls_stream *s, struct tls_outbox *o)
{
	o->at = o->size = 0;
	s->out = o;
}

static bool boxed(const struct tls_stream *s)
{
	return s->out != NULL && s->out->at < s->out->size;
}

struct tls_outbox *tls_stream_abandon(struct tls_stream *s)
{
	struct tls_outbox *o = s->out;

	s->out = NULL;
	return o;
}

struct tls_outbox *tls_stream_return(struct tls_stream *s)
{
	return boxed(s) && !s->out_over ? NULL : tls_stream_abandon(s);
}

static struct slice unsent(const struct tls_stream *s)
{
	return boxed(s) ? slice_of(s->out->bytes + s->out->at, s->out->size - s->out->at) : s->version->pending(s->tls);
}

static void was_sent(struct tls_stream *s, size_t size)
{
	if (boxed(s))
		s->out->at += size;
	else
		s->version->sent(s->tls, size);
}

/* A wire that takes no more bytes of ours may still bring some. */
static void push(struct tls_stream *s, bool *moved)
{
	while (!s->out_over) {
		struct slice from = unsent(s);
		size_t sent = 0;
		enum err err;

		if (from.size == 0)
			return;
		err = s->wire.send(s->wire.ctx, from, &sent);
		if (err == ERR_AGAIN)
			return;
		s->out_over = err != OK;
		if (err == OK)
			was_sent(s, sent);
		*moved = true;
	}
}

static void fetch(struct tls_stream *s)
{
	enum err err;

	if (s->at < s->size || s->in_over)
		return;
	s->at = s->size = 0;
	err = s->wire.receive(s->wire.ctx, s->in, sizeof s->in, &s->size);
	if (err != OK)
		s->size = 0;
	s->in_over = err != OK && err != ERR_AGAIN;
}

static void pull(struct tls_stream *s, bool *moved)
{
	fetch(s);
	while (s->at < s->size) {
		size_t taken = 0;

		if (s->version->records_in(s->tls, slice_of(s->in + s->at, s->size - s->at), &taken) != OK)
			s->at = s->size; /* it is over: nobody reads them */
		if (taken == 0)
			return;
		s->at += s->at < s->size ? taken : 0;
		*moved = true;
	}
	if (s->in_over && s->at == s->size && s->version->status(s->tls) == OK && !s->version->readable(s->tls))
		(void)s->version->wire_ended(s->tls);
}

/* Until nothing moves. While there is plaintext to be read no more is fetched: a peer fills its own buffers only. */
static void pump(struct tls_stream *s)
{
	bool moved;

	do {
		moved = false;
		push(s, &moved);
		if (!s->version->readable(s->tls))
			pull(s, &moved);
	} while (moved);
}

static enum err again_or_end(const struct tls_stream *s)
{
	enum err err = s->version->status(s->tls);

	return err == OK ? ERR_AGAIN : err;
}

enum err tls_stream_read(struct tls_stream *s, void *out, size_t capacity, size_t *got)
{
	*got = 0;
	if (capacity == 0)
		return OK;
	pump(s);
	if (s->version->read(s->tls, out, capacity, got) != OK || *got == 0)
		return again_or_end(s);
	pump(s);
	return OK;
}

/* The record that is in the connection, and as many behind it as there is room for. */
static void gather(struct tls_stream *s, struct slice plain, size_t *taken)
{
	struct tls_outbox *o = s->out;
	size_t given, more;

	o->at = o->size = 0;
	do {
		if (s->version->records_out(s->tls, o->bytes + o->size, sizeof o->bytes - o->size, &given) != OK)
			return;
		o->size += given;
		if (s->version->write(s->tls, slice_of(plain.data + *taken, plain.size - *taken), &more) != OK)
			return;
		*taken += more;
	} while (more > 0);
}

enum err tls_stream_write(struct tls_stream *s, struct slice plain, size_t *taken)
{
	*taken = 0;
	if (plain.size == 0)
		return OK;
	pump(s);
	if (s->out_over)
		return s->version->status(s->tls) == OK ? ERR_CLOSED : s->version->status(s->tls);
	if (s->version->write(s->tls, plain, taken) != OK || *taken == 0)
		return again_or_end(s);
	if (s->out != NULL && !boxed(s) && *taken < plain.size)
		gather(s, plain, taken);
	pump(s);
	return OK;
}

enum err tls_stream_flush(struct tls_stream *s)
{
	pump(s);
	if (unsent(s).size > 0 && !s->out_over)
		return ERR_AGAIN;
	if (s->version->status(s->tls) == OK && !s->version->facts(s->tls).established)
		return ERR_AGAIN;
	return s->version->status(s->tls);
}

void tls_stream_end(struct tls_stream *s)
{
	bool moved = false;

	s->version->close(s->tls);
	push(s, &moved);
}

bool tls_stream_readable(struct tls_stream *s)
{
	pump(s);
	return s->version->readable(s->tls) || s->version->status(s->tls) != OK;
}

bool tls_stream_writable(struct tls_stream *s)
{
	pump(s);
	return s->version->writable(s->tls) || s->out_over || s->version->status(s->tls) != OK;
}

struct tls_stream_wants tls_stream_wants(const struct tls_stream *s)
{
	return (struct tls_stream_wants){.readable = !s->in_over && !s->version->readable(s->tls),
	                                 .writable = !s->out_over && unsent(s).size > 0};
}
