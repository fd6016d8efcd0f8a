/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ends of TLS in one Keep, each on a channel; the host moves the bytes between them, honestly or not. What it does
 * wrong is drawn from a seed.
 */
#include "keep/run/secure.h"

#include "keep/call/call.h"
#include "lib/attest/envelope.h"
#include "lib/tls/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOW = 1800000000, HEAP = 8 << 20, PIPE = 1 << 16, SERVER = 1, CLIENT = 2, VARIANTS = 400, WORDS = 600 };

static uint8_t *shared;
static struct pipe {
	uint8_t bytes[PIPE];
	size_t size;
} pipes[3]; /* by the channel that sends */
static bool mute, closed[3];
static unsigned evidence_asked;
static bool hostile;
static uint64_t state;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* ---- the host ---- */

static uint32_t serve_send(struct keepcall_page *p)
{
	struct pipe *to = &pipes[p->arg[0]];
	size_t size = p->arg[1] < PIPE - to->size ? (size_t)p->arg[1] : PIPE - to->size;

	if (hostile && draw(4) == 0)
		size = size < 1 ? size : 1 + draw(size);
	if (size == 0 || (hostile && draw(5) == 0))
		return KEEPCALL_AGAIN;
	if (hostile && draw(300) == 0)
		return KEEPCALL_CLOSED;
	memcpy(to->bytes + to->size, shared + KEEPCALL_OUT_OFFSET, size);
	if (hostile && draw(40) == 0)
		to->bytes[to->size + draw(size)] ^= (uint8_t)(1 << draw(8));
	if (!hostile || draw(60) != 0) /* else it is lost */
		to->size += size;
	p->ret[0] = size;
	return KEEPCALL_OK;
}

static uint32_t serve_receive(struct keepcall_page *p)
{
	struct pipe *from = &pipes[3 - p->arg[0]];
	size_t size = from->size < p->arg[1] ? from->size : (size_t)p->arg[1];

	if (hostile && size > 0 && draw(3) == 0)
		size = 1 + draw(size);
	if (hostile && draw(300) == 0)
		return KEEPCALL_CLOSED;
	if (size == 0)
		return closed[3 - p->arg[0]] ? KEEPCALL_CLOSED : KEEPCALL_AGAIN;
	memcpy(shared + KEEPCALL_IN_OFFSET, from->bytes, size);
	if (!hostile || draw(80) != 0) { /* else it comes again */
		memmove(from->bytes, from->bytes + size, from->size - size);
		from->size -= size;
	}
	p->ret[0] = size;
	return KEEPCALL_OK;
}

static uint32_t serve_evidence(struct keepcall_page *p)
{
	const struct envelope e = {.tee = slice_text("none"), .evidence = slice_text("nothing")};
	size_t size;

	evidence_asked++;
	if (mute)
		return KEEPCALL_UNSUPPORTED;
	assert_int_equal(envelope_encode(&e, shared + KEEPCALL_IN_OFFSET, KEEPCALL_EVIDENCE_MAX, &size), OK);
	p->ret[0] = size;
	return KEEPCALL_OK;
}

void door_ring(void)
{
	struct keepcall_page *p = (struct keepcall_page *)(void *)shared;

	p->ret[0] = p->ret[1] = 0;
	switch (p->op) {
	case KEEPCALL_SEND: p->status = serve_send(p); break;
	case KEEPCALL_RECEIVE: p->status = serve_receive(p); break;
	case KEEPCALL_EVIDENCE: p->status = serve_evidence(p); break;
	case KEEPCALL_CLOSE:
		closed[p->arg[0]] = true;
		p->status = KEEPCALL_OK;
		break;
	default: p->status = KEEPCALL_UNSUPPORTED; break;
	}
	p->answered = p->sequence;
}

void call_broken(const char *what)
{
	fail_msg("%s", what);
	abort();
}

/* ---- the Keep ---- */

static struct memory memory;
static struct meter meter;
static struct identity identity;
static struct secure_pool pool;
static uint8_t pins[1][TLS_PIN_SIZE];
static struct secure *server, *client;
static struct note note;

static struct secure_settings settings(void)
{
	static const uint8_t manifest[32] = {1};
	struct secure_settings s = {.manifest = manifest};
	uint8_t spki[CERTIFICATE_SPKI_SIZE];
	struct slice public;
	br_sha256_context sha;

	assert_int_equal(identity_public(&identity, &public), OK);
	certificate_spki(public.data, spki);
	br_sha256_init(&sha);
	br_sha256_update(&sha, spki, sizeof spki);
	br_sha256_out(&sha, pins[0]);
	s.servers = s.clients = (struct tls_trust){.pins = (const uint8_t(*)[TLS_PIN_SIZE])pins, .pin_count = 1};
	return s;
}

static void restart(const struct secure_settings *s)
{
	memory.heap.used = 0;
	memory.used = 0;
	memory.limit = HEAP;
	pipes[SERVER].size = pipes[CLIENT].size = 0;
	closed[SERVER] = closed[CLIENT] = mute = hostile = false;
	evidence_asked = 0;
	memset(&note, 0, sizeof note);
	meter = (struct meter){0};
	secure_begin(&pool, s, &identity, &memory, &meter);
}

static void open_both(void)
{
	assert_int_equal(secure_server(&pool, SERVER, NOW, &server, &note), OK);
	assert_int_equal(secure_client(&pool, CLIENT, &(struct secure_peer){.name = "keep"}, NOW, &client, &note), OK);
}

static void shake(void)
{
	for (int i = 0; i < 10; i++)
		assert_true(secure_flush(client) <= ERR_AGAIN && secure_flush(server) <= ERR_AGAIN);
	assert_int_equal(secure_flush(client), OK);
	assert_int_equal(secure_flush(server), OK);
}

/* ---- tests ---- */

static void a_certificate_is_made_again_in_time(void **ctx)
{
	enum { DAY = 86400, LAST = KEEP_CERTIFICATE_LIFE_S - 30 * DAY };
	const struct secure_settings s = settings();
	const unsigned char *first;

	(void)ctx;
	restart(&s);
	assert_int_equal(secure_server(&pool, SERVER, NOW, &server, &note), OK);
	first = pool.certificate.der.data;
	secure_close(&pool, server);
	assert_int_equal(secure_server(&pool, SERVER, NOW + LAST - 1, &server, &note), OK);
	assert_int_equal(evidence_asked, 1);
	secure_close(&pool, server);
	mute = true; /* no evidence: the old one is still good */
	assert_int_equal(secure_server(&pool, SERVER, NOW + LAST, &server, &note), OK);
	assert_true(evidence_asked == 2 && pool.certificate.der.data == first && note.text[0] == 0);
	secure_close(&pool, server);
	assert_int_equal(secure_server(&pool, SERVER, NOW + KEEP_CERTIFICATE_LIFE_S, &server, &note), ERR_IO);
	assert_non_null(strstr(note.text, "no evidence"));
	mute = false;
	closed[SERVER] = false;
	assert_int_equal(secure_server(&pool, SERVER, NOW + KEEP_CERTIFICATE_LIFE_S, &server, &note), OK);
	assert_true(evidence_asked == 4 && pool.certificate.der.data != first);
	memset(&note, 0, sizeof note);
	assert_int_equal(secure_client(&pool, CLIENT, &(struct secure_peer){.name = "keep"}, NOW + KEEP_CERTIFICATE_LIFE_S, &client,
	                               &note), OK);
	shake(); /* the key is the one that was pinned */
}

static void both_ends_know_each_other(void **ctx)
{
	struct secure_settings s = settings();
	uint8_t got[16];
	size_t n;

	(void)ctx;
	restart(&s);
	open_both();
	assert_int_equal(evidence_asked, 1); /* one certificate for all */
	assert_int_equal(secure_wants(server), KEEPCALL_READABLE);
	shake();
	assert_memory_equal(secure_facts(server).pin, pins[0], TLS_PIN_SIZE);
	assert_int_equal(secure_write(client, slice_text("hello"), &n), OK);
	assert_false(secure_readable(server)); /* nobody said so */
	secure_news(server, KEEPCALL_READABLE);
	assert_true(secure_readable(server));
	assert_int_equal(secure_read(server, got, sizeof got, &n), OK);
	assert_true(slice_is(slice_of(got, n), "hello"));
	assert_int_equal(secure_read(server, got, sizeof got, &n), ERR_AGAIN);
	secure_end(client);
	assert_int_equal(secure_read(server, got, sizeof got, &n), ERR_CLOSED);
	assert_int_equal(secure_channel(client), CLIENT);
	secure_close(&pool, client);
	secure_close(&pool, server);
	assert_true(closed[CLIENT] && closed[SERVER]);
}

/* An idle one is not looked into again and again, and nothing that comes is overlooked for it. */
static void poll_learns_from_news(void **ctx)
{
	struct secure_settings s = settings();
	uint8_t got[16];
	size_t n;

	(void)ctx;
	restart(&s);
	open_both();
	shake();
	secure_news(server, 0);
	assert_true(!secure_readable(server) && !secure_readable(server));
	assert_int_equal(secure_write(client, slice_text("hello"), &n), OK);
	secure_news(server, 0);
	assert_false(secure_readable(server));
	assert_true(secure_writable(server));
	assert_false(secure_readable(server));
	secure_news(server, KEEPCALL_READABLE);
	assert_true(secure_readable(server) && secure_readable(server));
	assert_int_equal(secure_read(server, got, 2, &n), OK);
	secure_news(server, 0);
	assert_true(secure_readable(server)); /* the rest is here already */
	assert_int_equal(secure_read(server, got, sizeof got, &n), OK);
	assert_int_equal(n, 3);
	assert_int_equal(secure_read(server, got, sizeof got, &n), ERR_AGAIN);
	assert_false(secure_readable(server));
	secure_end(client);
	secure_news(server, KEEPCALL_READABLE);
	assert_true(secure_readable(server)); /* the end */
	assert_int_equal(secure_read(server, got, sizeof got, &n), ERR_CLOSED);
	assert_true(secure_readable(server));
}

/* The host saw none of what was said. */
static void the_host_sees_no_plaintext(void **ctx)
{
	struct secure_settings s = settings();
	const char *words = "something that nobody else shall read";
	size_t n;

	(void)ctx;
	restart(&s);
	open_both();
	shake();
	assert_int_equal(secure_write(client, slice_text(words), &n), OK);
	assert_true(pipes[CLIENT].size > strlen(words));
	for (size_t i = 0; i + 8 <= pipes[CLIENT].size; i++)
		assert_memory_not_equal(pipes[CLIENT].bytes + i, words, 8);
}

/* Memory for long writes is shared: one that was drained, or closed, serves the next. */
static void outboxes_are_few(void **ctx)
{
	static uint8_t plain[5 * TLS_RECORD_PLAIN];
	const size_t some = 3 * (size_t)TLS_RECORD_PLAIN;
	struct secure_settings s = settings();
	uint64_t used;
	size_t n;

	(void)ctx;
	restart(&s);
	open_both();
	shake();
	used = memory.used;
	assert_int_equal(secure_write(client, slice_of(plain, TLS_RECORD_PLAIN), &n), OK);
	assert_int_equal(memory.used, used); /* a record needs none */
	pipes[CLIENT].size = 0;
	assert_int_equal(secure_write(client, slice_of(plain, sizeof plain), &n), OK); /* more than the pipe takes */
	assert_true(n > some && pool.outboxes == NULL && pool.outbox_count == 1);
	assert_int_equal(memory.used, used + sizeof(struct tls_outbox));
	pipes[CLIENT].size = 0;
	secure_news(client, KEEPCALL_WRITABLE);
	assert_int_equal(secure_flush(client), OK);
	assert_non_null(pool.outboxes);
	pipes[CLIENT].size = 0;
	assert_int_equal(secure_write(client, slice_of(plain, sizeof plain), &n), OK);
	assert_null(pool.outboxes);
	secure_close(&pool, client);
	assert_true(pool.outboxes != NULL && pool.outbox_count == 1);
	memory.limit = memory.used; /* none left: it goes without */
	pool.outboxes = NULL;
	assert_int_equal(secure_write(server, slice_of(plain, sizeof plain), &n), OK);
	assert_int_equal(n, TLS_RECORD_PLAIN);
}

static void closed_ones_are_used_again(void **ctx)
{
	struct secure_settings s = settings();
	uint64_t used;

	(void)ctx;
	restart(&s);
	open_both();
	used = memory.used;
	assert_true(used > 0);
	for (int i = 0; i < 50; i++) {
		secure_close(&pool, client);
		secure_close(&pool, server);
		pipes[SERVER].size = pipes[CLIENT].size = 0;
		closed[SERVER] = closed[CLIENT] = false; /* other channels, as far as the host is concerned */
		open_both();
		shake();
	}
	assert_int_equal(memory.used, used);
	assert_int_equal(evidence_asked, 1);
}

static void what_cannot_begin_says_why(void **ctx)
{
	struct secure_settings s = settings();
	char name[TLS_NAME_MAX + 2];

	(void)ctx;
	restart(&s);
	memory.limit = 1000;
	assert_int_equal(secure_server(&pool, SERVER, NOW, &server, &note), ERR_LIMIT);
	assert_non_null(strstr(note.text, "memory limit"));
	restart(&s);
	mute = true;
	assert_int_equal(secure_server(&pool, SERVER, NOW, &server, &note), ERR_IO);
	assert_non_null(strstr(note.text, "evidence"));
	restart(&s);
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = 0;
	assert_int_equal(secure_client(&pool, CLIENT, &(struct secure_peer){.name = name}, NOW, &client, &note), ERR_INVALID);
	assert_int_equal(secure_client(&pool, CLIENT, &(struct secure_peer){.name = ""}, NOW, &client, &note), ERR_INVALID);
	s.servers = (struct tls_trust){0};
	restart(&s);
	assert_int_equal(secure_client(&pool, CLIENT, &(struct secure_peer){.name = "keep"}, NOW, &client, &note), ERR_INVALID);
	assert_non_null(strstr(note.text, "whom to believe"));
}

static void a_server_without_rules_takes_anybody(void **ctx)
{
	struct secure_settings s = settings();

	(void)ctx;
	s.clients = (struct tls_trust){0};
	restart(&s);
	open_both();
	shake();
	assert_null(secure_facts(server).pin);
}

static uint8_t word(unsigned who, size_t at)
{
	return (uint8_t)(at * 13 + who);
}

/* Reads a piece, which must be what the other wrote at this place. */
static size_t hear(struct secure *s, unsigned from, size_t heard)
{
	uint8_t got[100];
	size_t n;

	if (secure_read(s, got, sizeof got, &n) != OK)
		return heard;
	for (size_t i = 0; i < n; i++)
		if (got[i] != word(from, heard + i))
			fail_msg("seed %llu: a false byte", (unsigned long long)state);
	return heard + n;
}

static size_t say(struct secure *s, unsigned who, size_t said)
{
	uint8_t bytes[50];
	size_t n = 0;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = word(who, said + i);
	if (said < WORDS && secure_write(s, slice_of(bytes, sizeof bytes), &n) != OK)
		n = 0;
	return said + n;
}

/* Closed, stalled, repeated, corrupted, lost: nothing false is ever read, and nothing hangs. */
static void no_host_puts_words_into_their_mouths(void **ctx)
{
	struct secure_settings s = settings();
	unsigned whole = 0, broken = 0;

	(void)ctx;
	for (uint64_t seed = 1; seed <= VARIANTS; seed++) {
		size_t said[3] = {0}, heard[3] = {0};

		restart(&s);
		state = seed * UINT64_C(0x9e3779b97f4a7c15);
		open_both();
		hostile = true;
		for (int i = 0; i < 200; i++) {
			said[CLIENT] = say(client, CLIENT, said[CLIENT]);
			said[SERVER] = say(server, SERVER, said[SERVER]);
			heard[SERVER] = hear(server, CLIENT, heard[SERVER]);
			heard[CLIENT] = hear(client, SERVER, heard[CLIENT]);
		}
		assert_true(heard[SERVER] <= said[CLIENT] && heard[CLIENT] <= said[SERVER]);
		whole += heard[SERVER] >= WORDS && heard[CLIENT] >= WORDS;
		broken += secure_facts(client).why != NULL || secure_facts(server).why != NULL;
		hostile = false;
		secure_close(&pool, client);
		secure_close(&pool, server);
	}
	assert_true(whole > 0 && broken > 0); /* both kinds were tried */
}

/* ---- from what was delivered ---- */

static const char pem[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

static enum err read_settings(const struct manifest_tls *t, struct secure_settings *out)
{
	static uint8_t *blobs[2];
	struct manifest_file file = {.path = slice_text("etc/roots.pem"), .blob.size = sizeof pem - 1};
	struct delivery d = {.manifest = {.files = &file, .file_count = 1, .tls = *t}, .blobs = blobs, .blob_count = 2};

	blobs[1] = (uint8_t *)(uintptr_t)pem;
	memory.heap.used = 0;
	memset(&note, 0, sizeof note);
	return secure_settings_read(&d, &memory.heap, out, &note);
}

static void the_manifest_is_understood(void **ctx)
{
	struct slice names[] = {slice_text("a.example"), slice_text("b.example")}, alpn[] = {slice_text("h2")};
	struct slice pin = slice_of("aaaabbbbccccddddeeeeffffgggghhhh", 32);
	struct manifest_tls t = {.names = names,
	                         .name_count = 2,
	                         .alpn = alpn,
	                         .alpn_count = 1,
	                         .clients = {.pins = &pin, .pin_count = 1}};
	struct secure_settings s;

	(void)ctx;
	assert_int_equal(read_settings(&t, &s), OK);
	assert_int_equal(s.name_count, 2);
	assert_string_equal(s.names[1], "b.example");
	assert_int_equal(s.protocols.count, 1);
	assert_string_equal(s.protocols.names[0], "h2");
	assert_true(s.servers.pin_count == 0 && s.servers.root_count == 0 && s.clients.pin_count == 1);
	assert_memory_equal(s.clients.pins[0], pin.data, 32);
	assert_int_equal(read_settings(&(struct manifest_tls){0}, &s), OK);
	assert_true(s.name_count == 0 && s.protocols.count == 0 && s.clients.pin_count == 0);
	t.servers.roots = slice_text("etc/roots.pem");
	assert_int_equal(read_settings(&t, &s), ERR_FORMAT);
	assert_non_null(strstr(note.text, "the roots in etc/roots.pem: certificate 1 is malformed"));
}

static int setup(void **ctx)
{
	struct boot_info boot = {.magic = BOOT_MAGIC,
	                         .version = BOOT_VERSION,
	                         .size = sizeof boot,
	                         .shared_size = KEEPCALL_SHARED_SIZE,
	                         .code_va = BOOT_CODE_VA,
	                         .code_max = BOOT_CODE_MAX};

	(void)ctx;
	shared = aligned_alloc(4096, KEEPCALL_SHARED_SIZE);
	memory.heap = arena_of(malloc(HEAP), HEAP);
	if (shared == NULL || memory.heap.base == NULL)
		return -1;
	memset(shared, 0, KEEPCALL_SHARED_SIZE);
	boot.shared_va = (uintptr_t)shared;
	call_init(&boot);
	return 0;
}

static int teardown(void **ctx)
{
	(void)ctx;
	free(memory.heap.base);
	free(shared);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(both_ends_know_each_other),
	        cmocka_unit_test(a_certificate_is_made_again_in_time),
	        cmocka_unit_test(the_host_sees_no_plaintext),
	        cmocka_unit_test(poll_learns_from_news),
	        cmocka_unit_test(outboxes_are_few),
	        cmocka_unit_test(closed_ones_are_used_again),
	        cmocka_unit_test(what_cannot_begin_says_why),
	        cmocka_unit_test(a_server_without_rules_takes_anybody),
	        cmocka_unit_test(no_host_puts_words_into_their_mouths),
	        cmocka_unit_test(the_manifest_is_understood),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
