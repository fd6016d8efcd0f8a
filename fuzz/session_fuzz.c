/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two honest ends and a wire the fuzzer owns. The input is a list of actions: an end sends a message, bytes of its wire
 * pass on, are dropped or changed, or bytes of the fuzzer go in. An end that has taken anything but what the other sent
 * must be dead before it hands out a byte.
 */
#include "lib/session/messages.h"

#include "lib/base/rw.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WIRE = 1 << 16, SENT_MAX = 64 };

struct side {
	struct session *s;
	uint8_t wire[WIRE]; /* what it has sent */
	size_t at, end;
	uint8_t sent[SENT_MAX]; /* a digest of each message it sent: type and size */
	unsigned sent_count, heard;
};

static enum err fixed_random(void *out, size_t size)
{
	static uint8_t next;

	memset(out, ++next | 1, size);
	return OK;
}

static struct slice body_for(enum session_type type, uint8_t v)
{
	static uint8_t body[256];
	struct msg_verdict verdict = {.ok = v % 8 != 0};
	size_t size = v;

	if (type == SESSION_VERDICT)
		CHECK(msg_verdict_encode(&verdict, body, sizeof body, &size) == OK);
	else
		memset(body, v, size);
	return slice_of(body, size);
}

static void say(struct side *x, uint8_t type, uint8_t v)
{
	struct slice body = body_for(type, v);
	bool shaking = !session_established(x->s);
	size_t size = 0;
	enum err err;

	if (shaking)
		err = session_handshake_out(x->s, x->wire + x->end, WIRE - x->end, &size);
	else
		err = session_seal(x->s, type, body, slice_of(NULL, 0), x->wire + x->end, WIRE - x->end, &size);
	if (err == OK && !shaking && x->sent_count < SENT_MAX)
		x->sent[x->sent_count++] = (uint8_t)(type + body.size);
	CHECK(err == OK || session_reason(x->s)[0] != 0);
	x->end += size;
}

/* Bytes reach an end; whatever it accepts, the other must have sent, in this order. */
static void hear(struct side *x, struct side *from, struct slice in)
{
	enum session_type type;
	struct slice body;
	size_t used;

	while (in.size > 0) {
		if (session_push(x->s, in, &used) != OK)
			return;
		in = slice_of(in.data + used, in.size - used);
		switch (session_pop(x->s, &type, &body)) {
		case OK:
			CHECK(x->heard < from->sent_count);
			CHECK(from->sent[x->heard++] == (uint8_t)(type + body.size));
			break;
		case ERR_AGAIN: break;
		default: CHECK(session_reason(x->s)[0] != 0); return;
		}
	}
}

static void pass(struct side *from, struct side *to, size_t size, uint8_t change)
{
	size_t left = from->end - from->at;
	static uint8_t copy[WIRE];

	size = size < left ? size : left;
	memcpy(copy, from->wire + from->at, size);
	if (size > 0)
		copy[size - 1] ^= change;
	from->at += size;
	hear(to, from, slice_of(copy, size));
}

static void act(struct reader *r, struct side *a, struct side *b)
{
	uint8_t how = 0, x = 0, y = 0;
	struct slice own;

	(void)rd_u8(r, &how);
	(void)rd_u8(r, &x);
	(void)rd_u8(r, &y);
	switch (how >> 1 & 7) {
	case 0:
	case 1:
	case 2: say(a, x % SESSION_TYPE_LIMIT, y); break;
	case 3: pass(a, b, WIRE, 0); break;
	case 4: pass(a, b, x, 0); break;
	case 5: pass(a, b, x, y); break;
	case 6: a->at += x < a->end - a->at ? x : a->end - a->at; break;
	default:
		if (rd_bytes(r, x, &own) == OK)
			hear(b, a, own);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct side sides[2];
	struct reader r = rd_of(slice_of(data, size));
	unsigned which;

	for (which = 0; which < 2; which++) {
		struct session *s = sides[which].s != NULL ? sides[which].s : malloc(session_size());

		sides[which].s = s;
		sides[which].at = sides[which].end = 0;
		sides[which].sent_count = sides[which].heard = 0;
		CHECK(session_init(s, which == 0 ? SESSION_CLIENT : SESSION_KEEP, fixed_random) == OK);
	}
	for (unsigned steps = 0; rd_left(&r) > 0 && steps < SENT_MAX; steps++) {
		which = *r.at & 1;
		act(&r, &sides[which], &sides[1 - which]);
	}
	(void)session_end(sides[0].s);
	session_wipe(sides[1].s);
	return 0;
}
