/* SPDX-License-Identifier: Apache-2.0 */
/* Two streams on pipes of every width, down to one byte at a time. */
#include "lib/tls/stream.h"

#include "lib/tls/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PIPE_MAX = 1 << 17, BULK = 300000 };

struct pipe { /* one direction */
	uint8_t bytes[PIPE_MAX];
	size_t size, room; /* room: how much fits, and moves at once */
	bool ended, broken;
};

struct end {
	struct tls_stream s;
	struct pipe *in, *out;
};

static const struct tls_version *const v = &tls_1_2;
static struct pipe up, down;
static struct end client, server;
static struct tls_outbox outbox;
static unsigned sends;
static uint8_t certificate[1024], pins[1][TLS_PIN_SIZE], secret[32] = {1}, point[65];
static br_ec_private_key key = {BR_EC_secp256r1, secret, sizeof secret};
static br_x509_certificate chain = {certificate, 0};

static enum err pipe_send(void *ctx, struct slice bytes, size_t *sent)
{
	struct pipe *p = ((struct end *)ctx)->out;
	const size_t room = p->room - p->size, n = bytes.size < room ? bytes.size : room;

	if (p->broken)
		return ERR_IO;
	if (n == 0)
		return ERR_AGAIN;
	memcpy(p->bytes + p->size, bytes.data, n);
	p->size += n;
	sends++;
	*sent = n;
	return OK;
}

static enum err pipe_receive(void *ctx, void *buffer, size_t capacity, size_t *got)
{
	struct pipe *p = ((struct end *)ctx)->in;
	const size_t n = p->size < capacity ? p->size : capacity;

	if (p->broken)
		return ERR_IO;
	if (n == 0)
		return p->ended ? ERR_CLOSED : ERR_AGAIN;
	memcpy(buffer, p->bytes, n);
	memmove(p->bytes, p->bytes + n, p->size - n);
	p->size -= n;
	*got = n;
	return OK;
}

static void start(size_t room, bool right_pin)
{
	struct tls_trust trust = {.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins, .pin_count = 1};
	struct tls_client_settings c = {.name = "x", .trust = trust, .entropy = {1}};
	struct tls_server_settings s = {.identity = {&chain, 1, &key}, .entropy = {2}};

	pins[0][0] ^= right_pin ? 0 : 1;
	up = down = (struct pipe){.room = room};
	client.out = server.in = &up;
	client.in = server.out = &down;
	assert_int_equal(v->client(client.s.tls, &c), OK);
	assert_int_equal(v->server(server.s.tls, &s), OK);
	tls_stream_begin(&client.s, v, client.s.tls, (struct tls_wire){pipe_send, pipe_receive, &client});
	tls_stream_begin(&server.s, v, server.s.tls, (struct tls_wire){pipe_send, pipe_receive, &server});
}

static void restore_pin(void)
{
	br_sha256_context sha;
	uint8_t spki[CERTIFICATE_SPKI_SIZE];

	certificate_spki(point, spki);
	br_sha256_init(&sha);
	br_sha256_update(&sha, spki, sizeof spki);
	br_sha256_out(&sha, pins[0]);
}

static int setup(void **state)
{
	struct certificate_settings s = {
	        .key = &key, .public = point, .subject = "x", .from_s = 1700000000, .until_s = 1800000000};

	(void)state;
	client.s.tls = aligned_alloc(TLS_ALIGN, (v->size + TLS_ALIGN - 1) / TLS_ALIGN * TLS_ALIGN);
	server.s.tls = aligned_alloc(TLS_ALIGN, (v->size + TLS_ALIGN - 1) / TLS_ALIGN * TLS_ALIGN);
	if (client.s.tls == NULL || server.s.tls == NULL ||
	    br_ec_compute_pub(br_ec_get_default(), NULL, point, &key) != sizeof point ||
	    certificate_make(&s, certificate, sizeof certificate, &chain.data_len) != OK)
		return -1;
	restore_pin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(client.s.tls);
	free(server.s.tls);
	return 0;
}

/* What an end that has nothing to do wants, its wire must be able to become. */
static void wants_are_honest(const struct end *e)
{
	const struct tls_stream_wants w = tls_stream_wants(&e->s);

	if (w.writable)
		assert_int_equal(e->out->size, e->out->room);
	if (w.readable)
		assert_int_equal(e->in->size, 0);
}

static void both_flush(void)
{
	for (int i = 0; i < 100000; i++) {
		const enum err a = tls_stream_flush(&client.s), b = tls_stream_flush(&server.s);

		if ((a != ERR_AGAIN && b != ERR_AGAIN) || (up.size == 0 && down.size == 0 && i > 1000))
			return;
	}
	fail();
}

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 31 >> 3);
}

static void bulk_through(size_t room, size_t piece, struct tls_outbox *box)
{
	static uint8_t part[PIPE_MAX];
	size_t written = 0, heard = 0;

	start(room, true);
	if (box != NULL)
		tls_stream_lend(&client.s, box);
	while (heard < BULK) {
		size_t n = BULK - written < piece ? BULK - written : piece, taken = 0, got = 0;
		bool moved = false;

		for (size_t i = 0; i < n; i++)
			part[i] = pattern(written + i);
		if (n > 0 && tls_stream_write(&client.s, slice_of(part, n), &taken) == OK)
			moved = taken > 0;
		written += taken;
		if (written == BULK && taken > 0)
			tls_stream_end(&client.s);
		if (written == BULK)
			assert_true(tls_stream_flush(&client.s) <= ERR_CLOSED);
		wants_are_honest(&client);
		if (tls_stream_read(&server.s, part, sizeof part, &got) == OK)
			moved = moved || got > 0;
		else
			wants_are_honest(&server);
		for (size_t i = 0; i < got; i++)
			assert_int_equal(part[i], pattern(heard + i));
		heard += got;
		assert_true(moved || up.size > 0 || down.size > 0 || heard < BULK);
	}
	for (int i = 0; i < 1000; i++) {
		size_t got;

		assert_true(tls_stream_flush(&client.s) <= ERR_CLOSED);
		if (tls_stream_read(&server.s, part, sizeof part, &got) == ERR_CLOSED)
			return;
	}
	fail_msg("room %zu: the end was not seen", room);
}

static void what_is_written_arrives(void **state)
{
	static const size_t rooms[] = {1, 7, 1000, 16384, PIPE_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rooms); i++) {
		bulk_through(rooms[i], 5000, NULL);
		bulk_through(rooms[i], PIPE_MAX, NULL);
		bulk_through(rooms[i], 5000, &outbox);
		bulk_through(rooms[i], PIPE_MAX, &outbox);
		assert_ptr_equal(tls_stream_return(&client.s), &outbox);
	}
}

static void records_of_a_long_write_leave_together(void **state)
{
	static uint8_t plain[4 * TLS_RECORD_PLAIN], got[sizeof plain];
	size_t n, heard = 0;

	(void)state;
	start(PIPE_MAX, true);
	both_flush();
	tls_stream_lend(&client.s, &outbox);
	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = pattern(i);
	sends = 0;
	assert_int_equal(tls_stream_write(&client.s, slice_of(plain, sizeof plain), &n), OK);
	assert_true(n == sizeof plain && sends == 1);
	assert_int_equal(tls_stream_write(&client.s, slice_of(plain, 5), &n), OK);
	assert_true(n == 5 && sends == 2); /* small ones wait for nothing */
	while (tls_stream_read(&server.s, got + heard, sizeof got - heard, &n) == OK && n > 0)
		heard += n;
	assert_int_equal(heard, sizeof plain);
	assert_memory_equal(got, plain, sizeof plain);
}

/* What the wire does not take stays, in order and bounded; nobody else gets the memory before it is gone. */
static void a_stalled_wire_keeps_its_outbox(void **state)
{
	static uint8_t plain[8 * TLS_RECORD_PLAIN];
	const size_t record = TLS_RECORD_PLAIN;
	size_t n, all = 0;

	(void)state;
	start(PIPE_MAX, true);
	both_flush();
	up.room = up.size + 10;
	tls_stream_lend(&client.s, &outbox);
	while (tls_stream_write(&client.s, slice_of(plain, sizeof plain), &n) == OK)
		all += n;
	assert_true(all >= 4 * record && all <= 6 * record);
	assert_false(tls_stream_writable(&client.s));
	assert_true(tls_stream_wants(&client.s).writable);
	assert_int_equal(tls_stream_flush(&client.s), ERR_AGAIN);
	assert_null(tls_stream_return(&client.s));
	up.room = PIPE_MAX;
	assert_int_equal(tls_stream_flush(&client.s), OK);
	assert_ptr_equal(tls_stream_return(&client.s), &outbox);
	assert_null(tls_stream_return(&client.s));
	for (uint8_t got[1000]; all > 0; all -= n)
		assert_int_equal(tls_stream_read(&server.s, got, sizeof got, &n), OK);
	start(PIPE_MAX, true); /* a wire that breaks gives it back as well */
	both_flush();
	up.room = up.size + 10;
	tls_stream_lend(&client.s, &outbox);
	assert_int_equal(tls_stream_write(&client.s, slice_of(plain, sizeof plain), &n), OK);
	up.broken = true;
	assert_true(tls_stream_flush(&client.s) != ERR_AGAIN);
	assert_ptr_equal(tls_stream_return(&client.s), &outbox);
}

static void poll_knows(void **state)
{
	size_t n;
	uint8_t got[8];

	(void)state;
	start(PIPE_MAX, true);
	assert_false(tls_stream_writable(&client.s));
	assert_false(tls_stream_readable(&server.s));
	both_flush();
	assert_true(tls_stream_writable(&client.s) && tls_stream_writable(&server.s));
	assert_false(tls_stream_readable(&client.s));
	assert_int_equal(tls_stream_read(&client.s, got, sizeof got, &n), ERR_AGAIN);
	assert_int_equal(tls_stream_write(&server.s, slice_text("hello"), &n), OK);
	assert_true(tls_stream_readable(&client.s));
	assert_int_equal(tls_stream_read(&client.s, got, 2, &n), OK);
	assert_true(n == 2 && tls_stream_readable(&client.s) && !tls_stream_wants(&client.s).readable);
	assert_int_equal(tls_stream_read(&client.s, got, sizeof got, &n), OK);
	assert_int_equal(n, 3);
	assert_true(!tls_stream_readable(&client.s) && tls_stream_wants(&client.s).readable);
	up.room = up.size; /* full: what is written waits */
	assert_int_equal(tls_stream_write(&client.s, slice_text("x"), &n), OK);
	assert_int_equal(tls_stream_flush(&client.s), ERR_AGAIN);
	assert_true(tls_stream_wants(&client.s).writable && !tls_stream_writable(&client.s));
	up.room = PIPE_MAX;
	assert_int_equal(tls_stream_flush(&client.s), OK);
	assert_true(!tls_stream_wants(&client.s).writable && tls_stream_writable(&client.s));
}

static void a_cut_wire_is_no_end(void **state)
{
	uint8_t got[8];
	size_t n;

	(void)state;
	start(PIPE_MAX, true);
	both_flush();
	assert_int_equal(tls_stream_write(&client.s, slice_text("last"), &n), OK);
	up.ended = true;
	assert_int_equal(tls_stream_read(&server.s, got, sizeof got, &n), OK); /* what came before still counts */
	assert_int_equal(n, 4);
	assert_int_equal(tls_stream_read(&server.s, got, sizeof got, &n), ERR_TRUNCATED);
	assert_int_equal(tls_stream_write(&server.s, slice_text("x"), &n), ERR_TRUNCATED);
	assert_true(tls_stream_readable(&server.s));
	start(PIPE_MAX, true);
	both_flush();
	down.broken = true;
	assert_int_equal(tls_stream_read(&client.s, got, sizeof got, &n), ERR_TRUNCATED);
	start(PIPE_MAX, true);
	up.ended = true; /* before a handshake */
	assert_int_equal(tls_stream_read(&server.s, got, sizeof got, &n), ERR_TRUNCATED);
}

static void who_refuses_says_why_on_the_wire(void **state)
{
	uint8_t got[8];
	size_t n;

	(void)state;
	start(3, false);
	both_flush();
	assert_int_equal(tls_stream_read(&client.s, got, sizeof got, &n), ERR_AUTH);
	assert_int_equal(tls_stream_write(&client.s, slice_text("secret"), &n), ERR_AUTH);
	assert_int_equal(tls_stream_read(&server.s, got, sizeof got, &n), ERR_CRYPTO);
	assert_int_equal(v->facts(server.s.tls).peers_alert, 46);
	restore_pin();
}

/* Who only writes must not be held up by what it never reads, nor keep more of it than a record or two. */
static void a_peer_that_pours_is_not_fetched_for_ever(void **state)
{
	uint8_t part[4096] = {0};
	size_t n, poured = 0;

	(void)state;
	start(PIPE_MAX, true);
	both_flush();
	for (int i = 0; i < 100; i++) {
		if (tls_stream_write(&server.s, slice_of(part, sizeof part), &n) == OK)
			poured += n;
		assert_true(tls_stream_readable(&client.s));
		assert_int_equal(tls_stream_write(&client.s, slice_text("x"), &n), OK);
		up.size = 0;
	}
	assert_true(poured < 3 * (size_t)PIPE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_written_arrives),
	        cmocka_unit_test(records_of_a_long_write_leave_together),
	        cmocka_unit_test(a_stalled_wire_keeps_its_outbox),
	        cmocka_unit_test(poll_knows),
	        cmocka_unit_test(a_cut_wire_is_no_end),
	        cmocka_unit_test(who_refuses_says_why_on_the_wire),
	        cmocka_unit_test(a_peer_that_pours_is_not_fetched_for_ever),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
