/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/link.h"

#include "keep/call/cpu.h"

enum err link_alloc(struct link *l, struct arena *a)
{
	*l = (struct link){.session = arena_alloc(a, session_size(), 16),
			   .in = arena_alloc(a, LINK_BUFFER, 16),
			   .out = arena_alloc(a, LINK_BUFFER, 16)};
	return l->session != NULL && l->in != NULL && l->out != NULL ? OK : ERR_NOMEM;
}

enum err link_open(struct link *l, uint32_t channel)
{
	l->open = true;
	l->closing = l->gone = false;
	l->channel = channel;
	l->in_at = l->in_size = l->out_at = l->out_size = 0;
	return session_init(l->session, SESSION_KEEP, cpu_random);
}

/* Both buffers hold ciphertext only, so the session is all there is to wipe. */
void link_close(struct link *l)
{
	session_wipe(l->session);
	call_close(l->channel);
	l->open = false;
}

bool link_room(struct link *l)
{
	if (l->out_at > 0) {
		memmove(l->out, l->out + l->out_at, l->out_size - l->out_at);
		l->out_size -= l->out_at;
		l->out_at = 0;
	}
	return LINK_BUFFER - l->out_size >= SESSION_RECORD_MAX;
}

enum err link_put(struct link *l, enum session_type type, struct slice a, struct slice b)
{
	size_t size;

	TRY(session_seal(l->session, type, a, b, l->out + l->out_size, LINK_BUFFER - l->out_size, &size));
	l->out_size += size;
	return OK;
}

bool link_pending(const struct link *l)
{
	return l->out_at < l->out_size;
}

enum err link_flush(struct link *l)
{
	size_t sent;

	while (link_pending(l)) {
		TRY(call_send(l->channel, slice_of(l->out + l->out_at, l->out_size - l->out_at), &sent));
		l->out_at += sent;
	}
	l->out_at = l->out_size = 0;
	return OK;
}

enum err link_fill(struct link *l)
{
	size_t got;

	if (l->in_at < l->in_size)
		return OK;
	l->in_at = l->in_size = 0;
	TRY(call_receive(l->channel, l->in, LINK_BUFFER, &got));
	l->in_size = got;
	return OK;
}

static enum err answer_handshake(struct link *l)
{
	size_t size;

	TRY(session_handshake_out(l->session, l->out + l->out_size, LINK_BUFFER - l->out_size, &size));
	l->out_size += size;
	return OK;
}

enum err link_next(struct link *l, enum session_type *type, struct slice *body)
{
	size_t used;
	enum err err;

	while (l->in_at < l->in_size) {
		if (!link_room(l))
			return ERR_AGAIN;
		TRY(session_push(l->session, slice_of(l->in + l->in_at, l->in_size - l->in_at), &used));
		l->in_at += used;
		err = session_pop(l->session, type, body);
		if (err != ERR_AGAIN)
			return err;
		if (!session_established(l->session))
			TRY(answer_handshake(l));
	}
	return ERR_AGAIN;
}
