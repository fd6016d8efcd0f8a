/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay that does every one of its tricks to every record of a whole session. What must hold each time: what arrives is
 * a beginning of what was sent, never a byte more; the end that was lied to dies with a reason; and the other end, whose
 * wire is cut then, does not take that for the end of the conversation.
 */
#include "lib/session/messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { C = SESSION_CLIENT, K = SESSION_KEEP, FIRST_SIZE = 2 + 32, SECOND_SIZE = 2 + 32 + 16 };

/* Who says what; 0 is a handshake message. Each end speaks only if it has heard all that was said before. */
static const struct step {
	uint8_t from, type;
	uint16_t size;
} script[] = {
	{C, 0, 0}, {K, 0, 0}, {C, SESSION_CHALLENGE, 38}, {K, SESSION_EVIDENCE, 3000}, {C, SESSION_VERDICT, 0},
	{C, SESSION_MANIFEST, 200}, {C, SESSION_MANIFEST, 100}, {C, SESSION_CHUNK, 65518}, {C, SESSION_CHUNK, 65518},
	{C, SESSION_CHUNK, 700}, {C, SESSION_START, 10}, {K, SESSION_READY, 40}, {K, SESSION_STDOUT, 5},
	{K, SESSION_STDIN_PULL, 6}, {C, SESSION_STDIN, 5000}, {C, SESSION_STDIN, 0}, {K, SESSION_STDOUT, 1},
	{K, SESSION_STDERR, 1}, {K, SESSION_STDOUT, 0}, {C, SESSION_ASK_EVIDENCE, 20}, {K, SESSION_WORKLOAD_EVIDENCE, 4000},
	{K, SESSION_STDOUT, 9000}, {K, SESSION_EXIT, 12},
};

enum trick { HONEST, FLIP, DROP, REPEAT, REORDER, TRUNCATE, EXTEND, SWAP, REFLECT, REPLAY_OLD, TRICK_COUNT };

struct record {
	uint8_t bytes[SESSION_RECORD_MAX];
	size_t size;
};

struct run {
	struct session *ends[2]; /* by role */
	size_t heard[2];         /* how many steps of the other's each end has got */
	size_t got[2];   /* bytes */
	bool dead[2];
	enum trick trick;
	size_t victim;  /* step */
	size_t bit;     /* for FLIP; cut or extra bytes for TRUNCATE and EXTEND */
	bool holding;   /* REORDER */
	struct record held;
};

static struct record taped[ARRAY_COUNT(script)]; /* of another session, for SWAP */

static uint64_t state;

static enum err some_random(void *out, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		((uint8_t *)out)[i] = (uint8_t)(state >> 56);
	}
	return OK;
}

/* What step s says; different for each, so that one cannot pass for another. */
static struct slice content(size_t s)
{
	static uint8_t body[SESSION_BODY_MAX];
	struct msg_verdict ok = {.ok = true};
	size_t size;

	if (script[s].type == SESSION_VERDICT) {
		assert_int_equal(msg_verdict_encode(&ok, body, sizeof body, &size), OK);
		return slice_of(body, size);
	}
	for (size_t i = 0; i < script[s].size; i++)
		body[i] = (uint8_t)(i + 31 * s);
	return slice_of(body, script[s].size);
}

static enum err say(struct run *r, size_t s, struct record *out)
{
	struct session *from = r->ends[script[s].from];

	if (script[s].type == 0)
		return session_handshake_out(from, out->bytes, sizeof out->bytes, &out->size);
	return session_seal(from, script[s].type, content(s), slice_of(NULL, 0), out->bytes, sizeof out->bytes, &out->size);
}

/* The next step that this end has to hear. */
static size_t next_for(const struct run *r, unsigned role)
{
	size_t left = r->heard[role];

	for (size_t s = 0; s < ARRAY_COUNT(script); s++)
		if (script[s].from != role && left-- == 0)
			return s;
	return ARRAY_COUNT(script);
}

/* A message was accepted: it must be the very next one, to the byte. */
static void heard(struct run *r, unsigned role, enum session_type type, struct slice body)
{
	size_t s = next_for(r, role);

	assert_true(s < ARRAY_COUNT(script));
	assert_int_equal(type, script[s].type);
	assert_true(slice_equal(body, content(s)));
	r->heard[role]++;
}

static void deliver(struct run *r, unsigned role, const uint8_t *bytes, size_t size)
{
	struct session *to = r->ends[role];
	bool was_established;
	enum session_type type;
	struct slice body;
	size_t used;
	enum err err = OK;

	while (size > 0 && !r->dead[role]) {
		err = session_push(to, slice_of(bytes, size), &used);
		bytes += used;
		size -= used;
		was_established = session_established(to);
		if (err == OK)
			err = session_pop(to, &type, &body);
		if (err == OK)
			heard(r, role, type, body);
		if (err != OK && err != ERR_AGAIN)
			r->dead[role] = true;
		r->got[role] += used;
		if (!was_established && r->heard[role] == 0 && r->got[role] >= (role == K ? FIRST_SIZE : SECOND_SIZE))
			r->heard[role] = 1; /* a whole handshake message, which pop keeps to itself */
	}
}

static void play_trick(struct run *r, size_t s, struct record *rec)
{
	unsigned to = 1U - script[s].from;

	switch (r->trick) {
	case DROP: return;
	case FLIP: rec->bytes[r->bit / 8] ^= (uint8_t)(1 << r->bit % 8); break;
	case REPEAT: deliver(r, to, rec->bytes, rec->size); break;
	case REORDER:
		r->held = *rec;
		r->holding = true;
		return;
	case TRUNCATE: deliver(r, to, rec->bytes, rec->size - r->bit); return;
	case EXTEND:
		memset(rec->bytes + rec->size, 0x55, r->bit);
		rec->size += r->bit;
		break;
	case SWAP: *rec = taped[s]; break;
	case REFLECT: deliver(r, script[s].from, rec->bytes, rec->size); return;
	case REPLAY_OLD: *rec = taped[0]; break;
	default: break;
	}
	deliver(r, to, rec->bytes, rec->size);
}

static void relay(struct run *r, size_t s, struct record *rec)
{
	unsigned to = 1U - script[s].from;

	if (s == r->victim && r->trick != HONEST) {
		play_trick(r, s, rec);
		return;
	}
	deliver(r, to, rec->bytes, rec->size);
	if (r->holding && script[s].from == script[r->victim].from) {
		deliver(r, to, r->held.bytes, r->held.size);
		r->holding = false;
	}
}

/* Has this end heard all that it waits for before it speaks in step s? */
static bool up_to_date(const struct run *r, size_t s)
{
	return next_for(r, script[s].from) > s;
}

static void converse(struct run *r, uint64_t seed, struct record *tape)
{
	static struct record rec;

	state = seed;
	for (unsigned role = 0; role < 2; role++) {
		r->ends[role] = malloc(session_size());
		assert_non_null(r->ends[role]);
		assert_int_equal(session_init(r->ends[role], role, some_random), OK);
	}
	for (size_t s = 0; s < ARRAY_COUNT(script); s++) {
		if (!up_to_date(r, s) || r->dead[script[s].from])
			break; /* it waits, or is gone: nothing more will be said */
		assert_int_equal(say(r, s, &rec), OK);
		assert_int_not_equal(rec.size, 0);
		if (tape != NULL)
			tape[s] = rec;
		relay(r, s, &rec);
	}
}

static void hang_up(struct run *r)
{
	for (unsigned role = 0; role < 2; role++)
		free(r->ends[role]);
}

static void an_honest_relay_is_not_noticed(void **unused)
{
	struct run r = {.trick = HONEST};

	(void)unused;
	converse(&r, 7, taped);
	assert_int_equal(next_for(&r, C), ARRAY_COUNT(script));
	assert_int_equal(next_for(&r, K), ARRAY_COUNT(script));
	assert_int_equal(session_end(r.ends[C]), OK);
	assert_int_equal(session_end(r.ends[K]), OK);
	hang_up(&r);
}

static void assert_caught(struct run *r)
{
	unsigned to = r->trick == REFLECT ? script[r->victim].from : 1U - script[r->victim].from;

	/* The wire is cut when the relay is done. */
	if (session_end(r->ends[to]) == OK)
		fail_msg("trick %u on record %u with %u was not noticed", r->trick, (unsigned)r->victim, (unsigned)r->bit);
	assert_string_not_equal(session_reason(r->ends[to]), "");
}

static void attack(enum trick trick, size_t victim, size_t bit)
{
	static struct run r;

	r = (struct run){.trick = trick, .victim = victim, .bit = bit};
	converse(&r, 99, NULL);
	assert_caught(&r);
	hang_up(&r);
}

static void every_record(enum trick trick, size_t bit)
{
	for (size_t s = 0; s < ARRAY_COUNT(script); s++)
		attack(trick, s, bit);
}

static void flipped_bits_are_caught(void **unused)
{
	(void)unused;
	for (size_t s = 0; s < ARRAY_COUNT(script); s++) {
		size_t bits = 8 * taped[s].size, step = bits / 24 + 1;

		for (size_t bit = 0; bit < bits; bit += bit < 24 || bit + 40 > bits ? 1 : step)
			attack(FLIP, s, bit);
	}
}

static void dropped_records_are_caught(void **unused)
{
	(void)unused;
	every_record(DROP, 0);
}

static void repeated_records_are_caught(void **unused)
{
	(void)unused;
	every_record(REPEAT, 0);
}

static void reordered_records_are_caught(void **unused)
{
	(void)unused;
	every_record(REORDER, 0);
}

static void cut_records_are_caught(void **unused)
{
	(void)unused;
	for (size_t s = 0; s < ARRAY_COUNT(script); s++)
		for (size_t cut = 1; cut <= taped[s].size; cut = cut < 40 ? cut + 1 : cut * 2)
			attack(TRUNCATE, s, cut);
}

/* Bytes put in between; behind the last record they are the start of one that never ends. */
static void inserted_bytes_are_caught(void **unused)
{
	(void)unused;
	for (size_t s = 0; s < ARRAY_COUNT(script); s++)
		if (taped[s].size + 70 <= SESSION_RECORD_MAX)
			for (size_t more = 1; more < 70; more += 17)
				attack(EXTEND, s, more);
}

static void records_of_another_session_are_caught(void **unused)
{
	(void)unused;
	every_record(SWAP, 0);
	for (size_t s = 1; s < ARRAY_COUNT(script); s++)
		attack(REPLAY_OLD, s, 0);
}

static void reflected_records_are_caught(void **unused)
{
	(void)unused;
	every_record(REFLECT, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_honest_relay_is_not_noticed), /* also tapes the other session */
		cmocka_unit_test(flipped_bits_are_caught),
		cmocka_unit_test(dropped_records_are_caught),
		cmocka_unit_test(repeated_records_are_caught),
		cmocka_unit_test(reordered_records_are_caught),
		cmocka_unit_test(cut_records_are_caught),
		cmocka_unit_test(inserted_bytes_are_caught),
		cmocka_unit_test(records_of_another_session_are_caught),
		cmocka_unit_test(reflected_records_are_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
