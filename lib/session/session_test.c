/* SPDX-License-Identifier: Apache-2.0 */
/* The machine is included, not linked: forging a record that the sending end would refuse needs its cipher. */
#include "lib/session/session.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint8_t seed = 1;

static enum err some_random(void *out, size_t size)
{
	memset(out, seed++, size);
	return OK;
}

static enum err no_random(void *out, size_t size)
{
	(void)out, (void)size;
	return ERR_NO_RANDOM;
}

struct pair {
	struct session c, k; /* client, Keep */
};

static struct session *end_of(struct pair *p, enum session_role role)
{
	return role == SESSION_CLIENT ? &p->c : &p->k;
}

static struct session *other_end(struct pair *p, enum session_role role)
{
	return role == SESSION_CLIENT ? &p->k : &p->c;
}

static enum err take(struct session *s, struct slice wire, enum session_type *type, struct slice *body)
{
	size_t used;

	TRY(session_push(s, wire, &used));
	assert_int_equal(used, wire.size);
	return session_pop(s, type, body);
}

static void shake(struct pair *p)
{
	uint8_t wire[128];
	enum session_type type;
	struct slice body;
	size_t size;

	assert_int_equal(session_init(&p->c, SESSION_CLIENT, some_random), OK);
	assert_int_equal(session_init(&p->k, SESSION_KEEP, some_random), OK);
	assert_int_equal(session_handshake_out(&p->k, wire, sizeof wire, &size), OK);
	assert_int_equal(size, 0);
	assert_int_equal(session_handshake_out(&p->c, wire, sizeof wire, &size), OK);
	assert_int_equal(size, 2 + NOISE_FIRST_SIZE);
	assert_int_equal(take(&p->k, slice_of(wire, size), &type, &body), ERR_AGAIN);
	assert_int_equal(session_handshake_out(&p->k, wire, sizeof wire, &size), OK);
	assert_int_equal(size, 2 + NOISE_SECOND_SIZE);
	assert_true(session_established(&p->k) && !session_established(&p->c));
	assert_int_equal(take(&p->c, slice_of(wire, size), &type, &body), ERR_AGAIN);
	assert_true(session_established(&p->c));
	assert_memory_equal(session_hash(&p->c), session_hash(&p->k), SESSION_HASH_SIZE);
}

/* A well-formed body where the session itself looks into it. */
static struct slice body_of(enum session_type type)
{
	static uint8_t verdict[64];
	struct msg_verdict ok = {.ok = true};
	size_t size;

	if (type != SESSION_VERDICT)
		return slice_of(NULL, 0);
	assert_int_equal(msg_verdict_encode(&ok, verdict, sizeof verdict, &size), OK);
	return slice_of(verdict, size);
}

static void pass(struct pair *p, enum session_type type)
{
	enum session_role from = types[type].sender;
	struct slice body = body_of(type), got;
	uint8_t wire[256];
	enum session_type t;
	size_t size;

	assert_int_equal(session_seal(end_of(p, from), type, body, slice_of(NULL, 0), wire, sizeof wire, &size), OK);
	assert_int_equal(take(other_end(p, from), slice_of(wire, size), &t, &got), OK);
	assert_int_equal(t, type);
	assert_true(slice_equal(got, body));
}

/* The ways through the protocol; each prefix of each is a state to test. 0 ends. */
static const uint8_t ways[][12] = {
	{SESSION_CHALLENGE, SESSION_EVIDENCE, SESSION_VERDICT, SESSION_MANIFEST, SESSION_CHUNK, SESSION_START,
	 SESSION_READY, SESSION_EXIT},
	{SESSION_CHALLENGE, SESSION_EVIDENCE, SESSION_VERDICT, SESSION_MANIFEST, SESSION_START, SESSION_ERROR},
	{SESSION_CHALLENGE, SESSION_EVIDENCE, SESSION_VERDICT, SESSION_RESUME, SESSION_READY, SESSION_DETACH},
	{SESSION_CHALLENGE, SESSION_ERROR},
};

/* The protocol once more, in words a reader can compare with session.h: after `last`, who may send what. */
static const struct {
	uint8_t last;
	const char *may; /* type numbers */
} expected[] = {
	{0, "\1"},
	{SESSION_CHALLENGE, "\2\22"},
	{SESSION_EVIDENCE, "\3"},
	{SESSION_VERDICT, "\4\7\22"},
	{SESSION_MANIFEST, "\4\5\6\22"},
	{SESSION_CHUNK, "\5\6\22"},
	{SESSION_START, "\10\12\20\22"},
	{SESSION_RESUME, "\10\22"},
	{SESSION_READY, "\11\12\13\14\15\16\17\20\21\22\23"},
	{SESSION_EXIT, ""},
	{SESSION_ERROR, ""},
	{SESSION_DETACH, ""},
};

static bool may_send(uint8_t last, unsigned type)
{
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
		if (expected[i].last == last)
			return type != 0 && strchr(expected[i].may, (int)type) != NULL;
	fail();
	return false;
}

static void whole_conversations_pass(void **state)
{
	static struct pair p;

	(void)state;
	for (size_t w = 0; w < ARRAY_COUNT(ways); w++) {
		shake(&p);
		for (const uint8_t *t = ways[w]; *t != 0; t++)
			pass(&p, *t);
		assert_int_equal(session_end(&p.c), OK);
		assert_int_equal(session_end(&p.k), OK);
		assert_string_equal(session_reason(&p.c), "");
	}
}

/* Seals any type at all, as a broken or hostile peer that knows the keys would. */
static size_t forge(struct session *from, unsigned type, struct slice body, uint8_t *wire)
{
	size_t plain = 1 + body.size;

	wire[2] = (uint8_t)type;
	if (body.size > 0)
		memcpy(wire + 3, body.data, body.size);
	assert_int_equal(noise_seal(&from->send, slice_of(NULL, 0), wire + 2, plain, wire + 2 + plain), OK);
	wire[0] = (uint8_t)((plain + NOISE_TAG_SIZE) >> 8);
	wire[1] = (uint8_t)(plain + NOISE_TAG_SIZE);
	return 2 + plain + NOISE_TAG_SIZE;
}

static bool all_zero(const void *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const uint8_t *)p)[i] != 0)
			return false;
	return true;
}

static void assert_dead(struct session *s)
{
	uint8_t wire[64];
	enum session_type type;
	struct slice body;
	size_t size;

	assert_string_not_equal(session_reason(s), "");
	assert_false(session_established(s));
	assert_int_not_equal(session_push(s, slice_of("x", 1), &size), OK);
	assert_int_not_equal(session_pop(s, &type, &body), OK);
	assert_int_not_equal(session_seal(s, SESSION_CHALLENGE, slice_of(NULL, 0), slice_of(NULL, 0), wire, sizeof wire,
					  &size), OK);
	assert_int_not_equal(session_handshake_out(s, wire, sizeof wire, &size), OK);
	assert_int_not_equal(session_end(s), OK);
	assert_true(all_zero(&s->send, sizeof s->send) && all_zero(&s->receive, sizeof s->receive));
	assert_true(all_zero(s->record, sizeof s->record) && all_zero(s->noise.secret, sizeof s->noise.secret));
	assert_true(all_zero(s->noise.chain, sizeof s->noise.chain));
}

/* One forged message from one end to the other in the state p is in. */
static void try_message(const struct pair *p, uint8_t last, enum session_role from, unsigned type)
{
	static struct pair q;
	bool legal = may_send(last, type) && types[type].sender == from;
	struct slice body = body_of(type), got;
	uint8_t wire[256];
	enum session_type t;
	size_t size;
	enum err err;

	q = *p;
	size = forge(end_of(&q, from), type, body, wire);
	err = take(other_end(&q, from), slice_of(wire, size), &t, &got);
	if (legal) {
		assert_int_equal(err, OK);
	} else if (err == OK) { /* only what was under way when the state changed */
		assert_true(last == SESSION_EXIT || last == SESSION_ERROR || last == SESSION_DETACH);
		assert_int_equal(types[type].sender, from);
		assert_int_equal(session_end(other_end(&q, from)), OK);
	} else {
		assert_int_equal(err, ERR_STATE);
		assert_dead(other_end(&q, from));
	}
	/* The honest sender does not even make it. */
	q = *p;
	err = session_seal(end_of(&q, from), type, body, slice_of(NULL, 0), wire, sizeof wire, &size);
	assert_int_equal(err, legal ? OK : ERR_STATE);
	if (!legal)
		assert_dead(end_of(&q, from));
}

static void every_message_in_every_state_is_judged(void **state)
{
	static struct pair p;
	uint8_t last;

	(void)state;
	for (size_t w = 0; w < ARRAY_COUNT(ways); w++) {
		shake(&p);
		last = 0;
		for (const uint8_t *t = ways[w];; t++) {
			for (unsigned type = 0; type < SESSION_TYPE_LIMIT + 1; type++) {
				try_message(&p, last, SESSION_CLIENT, type);
				try_message(&p, last, SESSION_KEEP, type);
			}
			if (*t == 0)
				break;
			pass(&p, *t);
			last = *t;
		}
	}
}

static void refusal_ends_it(void **state)
{
	struct msg_verdict no = {.ok = false, .reason = slice_text("unknown measurement")}, got;
	static struct pair p;
	uint8_t body[64], wire[256];
	size_t body_size, size;
	enum session_type t;
	struct slice b;

	(void)state;
	shake(&p);
	pass(&p, SESSION_CHALLENGE);
	pass(&p, SESSION_EVIDENCE);
	assert_int_equal(msg_verdict_encode(&no, body, sizeof body, &body_size), OK);
	assert_int_equal(session_seal(&p.c, SESSION_VERDICT, slice_of(body, body_size), slice_of(NULL, 0), wire, sizeof wire,
				      &size), OK);
	assert_int_equal(take(&p.k, slice_of(wire, size), &t, &b), OK);
	assert_int_equal(msg_verdict_decode(b, &got), OK);
	assert_false(got.ok);
	assert_true(slice_is(got.reason, "unknown measurement"));
	assert_int_equal(session_seal(&p.c, SESSION_MANIFEST, slice_of("x", 1), slice_of(NULL, 0), wire, sizeof wire,
				      &size), ERR_STATE);
	assert_int_equal(session_end(&p.k), OK);
	/* And a client that has lost its mind is not heard. */
	shake(&p);
	pass(&p, SESSION_CHALLENGE);
	pass(&p, SESSION_EVIDENCE);
	size = forge(&p.c, SESSION_VERDICT, slice_of(body, body_size), wire);
	assert_int_equal(take(&p.k, slice_of(wire, size), &t, &b), OK);
	size = forge(&p.c, SESSION_MANIFEST, slice_of(NULL, 0), wire);
	assert_int_equal(take(&p.k, slice_of(wire, size), &t, &b), ERR_STATE);
	assert_dead(&p.k);
}

static void malformed_verdict_kills(void **state)
{
	static const char *const bad[] = {"", "\xa1", "\xa2\1\xf5\2\x61", "\xa2\1\1\2\x60", "\xa2\1\xf5\2\x60z"};
	static struct pair p, q;
	uint8_t wire[256];
	enum session_type t;
	struct slice b;
	size_t size;

	(void)state;
	shake(&p);
	pass(&p, SESSION_CHALLENGE);
	pass(&p, SESSION_EVIDENCE);
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		q = p;
		size = forge(&q.c, SESSION_VERDICT, slice_text(bad[i]), wire);
		assert_int_not_equal(take(&q.k, slice_of(wire, size), &t, &b), OK);
		assert_dead(&q.k);
	}
}

static void limits_of_a_record(void **state)
{
	static uint8_t big[SESSION_BODY_MAX + 1], wire[SESSION_RECORD_MAX + 1];
	static struct pair p, q;
	enum session_type t;
	struct slice b;
	size_t size;

	(void)state;
	shake(&p);
	pass(&p, SESSION_CHALLENGE);
	pass(&p, SESSION_EVIDENCE);
	pass(&p, SESSION_VERDICT);
	memset(big, 0x5a, sizeof big);
	assert_int_equal(session_seal(&p.c, SESSION_MANIFEST, slice_of(big, 5), slice_of(big, SESSION_BODY_MAX - 5), wire,
				      SESSION_RECORD_MAX, &size), OK);
	assert_int_equal(size, SESSION_RECORD_MAX);
	assert_int_equal(take(&p.k, slice_of(wire, size), &t, &b), OK);
	assert_int_equal(b.size, SESSION_BODY_MAX);
	assert_memory_equal(b.data, big, b.size);
	q = p;
	assert_int_equal(session_seal(&q.c, SESSION_CHUNK, slice_of(big, sizeof big), slice_of(NULL, 0), wire, sizeof wire,
				      &size), ERR_LIMIT);
	assert_dead(&q.c);
	q = p;
	assert_int_equal(session_seal(&q.c, SESSION_CHUNK, slice_of(big, 10), slice_of(NULL, 0), wire, 2 + 1 + 10 + 15,
				      &size), ERR_SPACE);
	q = p;
	size = forge(&q.c, SESSION_STOP, slice_of(big, 1), wire); /* has no body; and no place here either */
	assert_int_equal(take(&q.k, slice_of(wire, size), &t, &b), ERR_STATE);
}

static void impossible_sizes_kill_at_once(void **state)
{
	static struct pair p, q;
	uint8_t wire[128];
	size_t size, used;

	(void)state;
	shake(&p);
	for (unsigned n = 0; n <= NOISE_TAG_SIZE; n++) {
		q = p;
		wire[0] = 0, wire[1] = (uint8_t)n;
		assert_int_equal(session_push(&q.k, slice_of(wire, 2), &used), ERR_FORMAT);
		assert_dead(&q.k);
	}
	/* Handshake records have one size each, and the Keep takes none before it answered. */
	for (unsigned n = 0; n < 100; n++) {
		assert_int_equal(session_init(&p.k, SESSION_KEEP, some_random), OK);
		wire[0] = 0, wire[1] = (uint8_t)n;
		assert_int_equal(session_push(&p.k, slice_of(wire, 2), &used), n == NOISE_FIRST_SIZE ? OK : ERR_FORMAT);
		assert_int_equal(session_init(&p.c, SESSION_CLIENT, some_random), OK);
		q.c = p.c;
		assert_int_equal(session_push(&q.c, slice_of(wire, 2), &used), ERR_FORMAT);
		assert_int_equal(session_handshake_out(&p.c, wire, sizeof wire, &size), OK);
		wire[0] = 0, wire[1] = (uint8_t)n;
		assert_int_equal(session_push(&p.c, slice_of(wire, 2), &used),
				 n == NOISE_SECOND_SIZE ? OK : ERR_FORMAT);
	}
}

/* The wire may cut the bytes anywhere. */
static void bytes_may_come_one_by_one(void **state)
{
	static struct pair p;
	uint8_t wire[256];
	enum session_type t;
	struct slice b;
	size_t size, used;

	(void)state;
	shake(&p);
	assert_int_equal(session_seal(&p.c, SESSION_CHALLENGE, slice_text("nonce"), slice_text(" twice"), wire, sizeof wire,
				      &size), OK);
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(session_pop(&p.k, &t, &b), ERR_AGAIN);
		assert_int_equal(session_push(&p.k, slice_of(wire + i, 1), &used), OK);
		assert_int_equal(used, 1);
	}
	assert_int_equal(session_push(&p.k, slice_of(wire, 1), &used), OK);
	assert_int_equal(used, 0); /* one record at a time */
	assert_int_equal(session_pop(&p.k, &t, &b), OK);
	assert_true(slice_is(b, "nonce twice"));
	assert_int_equal(session_pop(&p.k, &t, &b), ERR_AGAIN);
}

static void a_cut_wire_is_noticed(void **state)
{
	static struct pair p, q;

	(void)state;
	assert_int_equal(session_init(&p.c, SESSION_CLIENT, some_random), OK);
	assert_int_equal(session_end(&p.c), ERR_CLOSED);
	assert_string_equal(session_reason(&p.c), "the connection ended during the handshake");
	shake(&p);
	for (const uint8_t *t = ways[0]; *t != SESSION_EXIT; t++) {
		q = p;
		assert_int_equal(session_end(&q.c), ERR_CLOSED);
		assert_dead(&q.c);
		assert_int_equal(session_end(&q.k), ERR_CLOSED);
		pass(&p, *t);
	}
}

static void no_random_no_session(void **state)
{
	static struct session s;

	(void)state;
	assert_int_equal(session_init(&s, SESSION_KEEP, no_random), ERR_NO_RANDOM);
	assert_dead(&s);
	session_wipe(&s);
	assert_int_equal(session_end(&s), ERR_CLOSED);
}

static void report_data_depends_on_every_part(void **state)
{
	uint8_t hash[SESSION_HASH_SIZE] = {1}, nonce[SESSION_NONCE_SIZE] = {2}, manifest[32] = {3};
	uint8_t a[64], b[64];

	(void)state;
	session_report_data(hash, nonce, a);
	nonce[31] ^= 1;
	session_report_data(hash, nonce, b);
	assert_memory_not_equal(a, b, 64);
	hash[63] ^= 1;
	session_report_data(hash, nonce, a);
	assert_memory_not_equal(a, b, 64);
	session_workload_report_data(hash, manifest, slice_text("key"), slice_text(""), a);
	session_workload_report_data(hash, manifest, slice_text("ke"), slice_text("y"), b);
	assert_memory_not_equal(a, b, 64);
	manifest[0] ^= 1;
	session_workload_report_data(hash, manifest, slice_text("ke"), slice_text("y"), a);
	assert_memory_not_equal(a, b, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_conversations_pass),
		cmocka_unit_test(every_message_in_every_state_is_judged),
		cmocka_unit_test(refusal_ends_it),
		cmocka_unit_test(malformed_verdict_kills),
		cmocka_unit_test(limits_of_a_record),
		cmocka_unit_test(impossible_sizes_kill_at_once),
		cmocka_unit_test(bytes_may_come_one_by_one),
		cmocka_unit_test(a_cut_wire_is_noticed),
		cmocka_unit_test(no_random_no_session),
		cmocka_unit_test(report_data_depends_on_every_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
