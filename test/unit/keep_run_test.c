/* SPDX-License-Identifier: Apache-2.0 */
/* A Keep against its clients, message by message. The program is a C function here, so that it can do anything at any time. */
#include "test/hostile/fakehost.c"

#include "keep/run/port.h"
#include "keep/run/serve.h"
#include "keep/run/workload.h"
#include "keep/wasi/port.h"
#include "lib/base/ct.h"
#include "lib/session/manifest.h"

#include <bearssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static enum err (*program)(struct keep *k, struct msg_exit *end);
static unsigned runs;

/* In place of keep/run/workload.c, which starts the engine. */
void workload_run(struct keep *k, struct msg_exit *end)
{
	enum err err;

	runs++;
	port_bind(k);
	*end = (struct msg_exit){.end = WORKLOAD_EXITED};
	err = program(k, end);
	if (err != OK) {
		end->end = err == ERR_LIMIT ? WORKLOAD_LIMIT : WORKLOAD_STOPPED;
		end->message = slice_text(k->stop_note.text);
	}
}

static const struct fake_package plain = {.module = {(const uint8_t *)"\0asm\1\0\0\0", 8}};
static struct client client, second;

static void begin(enum err (*p)(struct keep *, struct msg_exit *))
{
	program = p;
	runs = 0;
	fake_start(NULL);
}

static void expect_text(struct client *c, enum session_type want, const char *text)
{
	enum session_type type;
	struct slice body;

	assert_int_equal(client_next(c, &type, &body), OK);
	assert_int_equal(type, want);
	if (text != NULL)
		assert_true(slice_is(body, text));
}

static struct msg_exit expect_exit(struct client *c, enum workload_end how)
{
	static uint8_t words[600];
	enum session_type type;
	struct slice body;
	struct msg_exit m;

	assert_int_equal(client_next(c, &type, &body), OK);
	assert_int_equal(type, SESSION_EXIT);
	assert_int_equal(msg_exit_decode(body, &m), OK);
	assert_int_equal(m.end, how);
	memcpy(words, m.message.data, m.message.size);
	m.message.data = words;
	assert_int_equal(session_end(c->s), OK);
	return m;
}

static void expect_error(struct client *c, const char *part)
{
	enum session_type type;
	struct slice body;
	struct msg_error m;

	assert_int_equal(client_next(c, &type, &body), OK);
	assert_int_equal(type, SESSION_ERROR);
	assert_int_equal(msg_error_decode(body, &m), OK);
	assert_non_null(memmem(m.message.data, m.message.size, part, strlen(part)));
}

/* The client goes; the Keep has nothing left to do. */
static void expect_done(struct client *c)
{
	client_free(c);
	fake_turn();
	for (int i = 0; i < 10 && fake_end() == FAKE_RUNS; i++)
		fake_pass_time();
	assert_int_equal(fake_end(), FAKE_EXITED);
	assert_int_equal(fake_exit_code(), KEEPCALL_EXIT_DONE);
}

/* ---- programs ---- */

static enum err say_hello(struct keep *k, struct msg_exit *end)
{
	(void)k;
	TRY(port_write(PORT_STDOUT, "hello ", 6));
	TRY(port_write(PORT_STDERR, "world", 5));
	end->code = 7;
	return OK;
}

static enum err echo(struct keep *k, struct msg_exit *end)
{
	static uint8_t b[5000];
	size_t got;

	(void)k, (void)end;
	do {
		TRY(port_read(b, sizeof b, &got));
		TRY(port_write(PORT_STDOUT, b, got));
	} while (got > 0);
	return OK;
}

static enum err compute(struct keep *k, struct msg_exit *end)
{
	struct wasm_poll p = port_poll(k);

	(void)end;
	for (;;)
		TRY(p.poll(p.ctx));
}

static enum err pour(struct keep *k, struct msg_exit *end)
{
	static uint8_t b[100000];

	(void)k, (void)end;
	for (int i = 0; i < 50; i++) {
		memset(b, 'a' + i % 26, sizeof b);
		TRY(port_write(PORT_STDOUT, b, sizeof b));
	}
	return OK;
}

static enum err sleep_long(struct keep *k, struct msg_exit *end)
{
	(void)k, (void)end;
	TRY(port_write(PORT_STDOUT, "good night", 10));
	return port_wait(false, port_monotonic_ns() + UINT64_C(3600000000000));
}

/* Works a little, says something, and so on; ends by itself. */
static enum err talk(struct keep *k, struct msg_exit *end)
{
	struct wasm_poll p = port_poll(k);

	for (int i = 0; i < 10; i++) {
		char line[] = "line 0\n";

		line[5] = (char)('0' + i);
		TRY(port_write(PORT_STDOUT, line, 7));
		TRY(port_wait(false, port_monotonic_ns() + 1000000000));
		TRY(p.poll(p.ctx));
	}
	end->code = 3;
	return OK;
}

/* Fails twice, then is content. What it had in memory is gone each time, and is zero. */
static enum err fail_twice(struct keep *k, struct msg_exit *end)
{
	struct wasm_memory_ops memory = memory_linear_ops(&k->memory);
	uint8_t *base, *own;

	TRY(memory.create(memory.ctx, 2, 10, &base));
	own = arena_alloc(&k->memory.heap, 100, 1);
	if (own == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < 2 * WASM_PAGE_SIZE; i++)
		if (base[i] != 0 || own[i % 100] != 0)
			return ERR_LIMIT;
	memset(base, 7, 2 * WASM_PAGE_SIZE);
	end->code = runs < 3;
	return OK;
}

static enum err go_wrong(struct keep *k, struct msg_exit *end)
{
	(void)k;
	end->end = runs % 2 == 0 ? WORKLOAD_TRAPPED : WORKLOAD_EXITED;
	end->message = slice_text("");
	end->code = runs % 2;
	return OK;
}

static enum err succeed(struct keep *k, struct msg_exit *end)
{
	(void)k, (void)end;
	return OK;
}

/* Its memory grows, and is given back for the next life. */
static enum err grow_and_fail(struct keep *k, struct msg_exit *end)
{
	struct wasm_memory_ops memory = memory_linear_ops(&k->memory);
	uint8_t *base;

	TRY(memory.create(memory.ctx, 1, 10, &base));
	TRY(memory.grow(memory.ctx, base, 1, 2));
	end->code = 1;
	return OK;
}

/* ---- tests ---- */

static void a_delivery_runs_and_its_end_is_told(void **state)
{
	(void)state;
	begin(say_hello);
	fake_watch(slice_text("hello "));
	assert_int_equal(client_run(&client, &plain), OK);
	expect_text(&client, SESSION_STDOUT, "hello ");
	expect_text(&client, SESSION_STDERR, "world");
	assert_int_equal(expect_exit(&client, WORKLOAD_EXITED).code, 7);
	expect_done(&client);
	assert_int_equal(runs, 1);
	assert_false(fake_leaked());
}

/* ---- restarts ---- */

static struct fake_package restarting(enum restart_when when, uint64_t times, uint64_t pause_ns, uint64_t pause_max_ns)
{
	struct fake_package p = plain;

	p.restart = (struct fake_restart){when, times, pause_ns, pause_max_ns};
	return p;
}

static void expect_restart(const char *what, uint64_t pause)
{
	expect_text(&client, SESSION_STDERR, what);
	assert_int_equal(fake_waits_for() / 1000000, pause / 1000000);
	assert_true(fake_pass_time());
}

static void a_failed_program_is_restarted(void **state)
{
	const struct fake_package p = restarting(RESTART_ON_FAILURE, 5, 100000000, 150000000);

	(void)state;
	begin(fail_twice);
	assert_int_equal(client_run(&client, &p), OK);
	expect_restart("[broch: the program exited with status 1; restart 1 of 5 in 100 ms]\n", 99999999);
	expect_restart("[broch: the program exited with status 1; restart 2 of 5 in 150 ms]\n", 149999999);
	assert_int_equal(expect_exit(&client, WORKLOAD_EXITED).code, 0);
	assert_int_equal(runs, 3);
	assert_int_equal(fake_restarts(), 2);
	expect_done(&client);
}

static void restarts_are_counted(void **state)
{
	const struct fake_package p = restarting(RESTART_ALWAYS, 2, 0, 0);

	(void)state;
	begin(go_wrong);
	assert_int_equal(client_run(&client, &p), OK);
	expect_text(&client, SESSION_STDERR, "[broch: the program exited with status 1; restart 1 of 2 in 0 ms]\n");
	expect_text(&client, SESSION_STDERR, "[broch: the program trapped: ; restart 2 of 2 in 0 ms]\n");
	assert_int_equal(expect_exit(&client, WORKLOAD_EXITED).code, 1);
	assert_int_equal(runs, 3);
	expect_done(&client);
}

static void success_is_restarted_by_always_only(void **state)
{
	const struct fake_package always = restarting(RESTART_ALWAYS, 1, 0, 0), failing = restarting(RESTART_ON_FAILURE, 1, 0, 0);

	(void)state;
	begin(succeed);
	assert_int_equal(client_run(&client, &always), OK);
	expect_text(&client, SESSION_STDERR, "[broch: the program exited with status 0; restart 1 of 1 in 0 ms]\n");
	expect_exit(&client, WORKLOAD_EXITED);
	assert_int_equal(runs, 2);
	expect_done(&client);
	begin(succeed);
	assert_int_equal(client_run(&client, &failing), OK);
	expect_exit(&client, WORKLOAD_EXITED);
	assert_int_equal(runs, 1);
	expect_done(&client);
}

static void who_is_stopped_is_not_restarted(void **state)
{
	const struct fake_package p = restarting(RESTART_ALWAYS, 5, UINT64_C(3600000000000), UINT64_C(3600000000000));

	(void)state;
	begin(compute);
	assert_int_equal(client_run(&client, &p), OK);
	assert_int_equal(client_send(&client, SESSION_STOP, slice_of(NULL, 0)), OK);
	expect_exit(&client, WORKLOAD_STOPPED);
	assert_int_equal(runs, 1);
	expect_done(&client);

	/* in a pause, too */
	begin(succeed);
	assert_int_equal(client_run(&client, &p), OK);
	expect_text(&client, SESSION_STDERR, "[broch: the program exited with status 0; restart 1 of 5 in 3600000 ms]\n");
	assert_int_equal(client_send(&client, SESSION_STOP, slice_of(NULL, 0)), OK);
	assert_true(slice_is(expect_exit(&client, WORKLOAD_STOPPED).message, "stopped by its owner"));
	assert_int_equal(runs, 1);
	expect_done(&client);
}

/* What former lives left behind counts: in the end there is no memory for another. */
static void limits_hold_for_all_lives(void **state)
{
	struct fake_package p = restarting(RESTART_ALWAYS, 100, 0, 0);

	(void)state;
	begin(grow_and_fail);
	p.memory_bytes = 3 * WASM_PAGE_SIZE;
	assert_int_equal(client_run(&client, &p), OK);
	for (int i = 0; i < 100; i++)
		expect_text(&client, SESSION_STDERR, NULL);
	assert_int_equal(expect_exit(&client, WORKLOAD_EXITED).code, 1);
	assert_int_equal(runs, 101);
	expect_done(&client);

	p = restarting(RESTART_ALWAYS, 100, 1000000000, 1000000000);
	p.wall_ns = UINT64_C(500000000);
	begin(succeed);
	assert_int_equal(client_run(&client, &p), OK);
	expect_text(&client, SESSION_STDERR, "[broch: the program exited with status 0; restart 1 of 100 in 1000 ms]\n");
	assert_true(fake_pass_time());
	expect_exit(&client, WORKLOAD_LIMIT);
	expect_done(&client);
}

static void input_is_pulled_and_echoed(void **state)
{
	struct fake_package p = plain;
	static uint8_t in[40000], out[40000];
	enum session_type type;
	struct slice body;
	size_t got = 0, sent = 0;

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 7 + i / 256);
	begin(echo);
	p.flags = MANIFEST_STDIN;
	assert_int_equal(client_run(&client, &p), OK);
	expect_text(&client, SESSION_STDIN_PULL, NULL);
	for (int i = 0; sent < sizeof in; i++) {
		size_t n = (size_t)(i % 2 == 0 ? 1 : 9999);

		n = n < sizeof in - sent ? n : sizeof in - sent;
		assert_int_equal(client_send(&client, SESSION_STDIN, slice_of(in + sent, n)), OK);
		sent += n;
	}
	while (got < sizeof in) {
		assert_int_equal(client_next(&client, &type, &body), OK);
		if (type == SESSION_STDIN_PULL)
			continue;
		assert_int_equal(type, SESSION_STDOUT);
		assert_true(body.size <= sizeof out - got);
		memcpy(out + got, body.data, body.size);
		got += body.size;
	}
	assert_memory_equal(in, out, sizeof in);
	assert_int_equal(client_send(&client, SESSION_STDIN, slice_of(NULL, 0)), OK);
	do
		assert_int_equal(client_next(&client, &type, &body), OK);
	while (type == SESSION_STDIN_PULL);
	assert_int_equal(type, SESSION_EXIT);
	expect_done(&client);
}

/* Both directions full at once: neither end may wait for the other for ever. */
static void much_input_through_narrow_pipes(void **state)
{
	const struct fake_options o = {.pipe_size = 70000};
	struct fake_package p = plain;
	static uint8_t in[50000];
	enum session_type type;
	struct msg_stdin_pull pull;
	struct slice body;
	uint64_t credit = 0, sent = 0, got = 0;
	const uint64_t all = 8 << 20;
	enum err err;

	(void)state;
	program = echo;
	fake_start(&o);
	p.flags = MANIFEST_STDIN;
	assert_int_equal(client_run(&client, &p), OK);
	while (got < all) {
		err = client_next(&client, &type, &body);
		if (err == OK && type == SESSION_STDIN_PULL) {
			assert_int_equal(msg_stdin_pull_decode(body, &pull), OK);
			credit += pull.size;
		} else if (err == OK) {
			assert_int_equal(type, SESSION_STDOUT);
			got += body.size;
		}
		assert_true(err == OK || err == ERR_AGAIN);
		assert_true(err == OK || (sent < all && credit > 0)); /* somebody has to move */
		for (int i = 0; i < 8 && credit > 0 && sent < all; i++) {
			size_t n = credit < sizeof in ? (size_t)credit : sizeof in;

			n = all - sent < n ? (size_t)(all - sent) : n;
			if (fake_room(client.channel) < n + 100)
				break; /* it reads on meanwhile, as a client must */
			assert_int_equal(client_send(&client, SESSION_STDIN, slice_of(in, n)), OK);
			credit -= n;
			sent += n;
		}
	}
	assert_int_equal(got, all);
	client_free(&client);
}

static void without_the_flag_input_is_at_its_end(void **state)
{
	(void)state;
	begin(echo);
	assert_int_equal(client_run(&client, &plain), OK);
	expect_exit(&client, WORKLOAD_EXITED);
	expect_done(&client);
}

static void unasked_input_ends_the_workload(void **state)
{
	(void)state;
	begin(compute);
	assert_int_equal(client_run(&client, &(struct fake_package){.module = plain.module, .flags = MANIFEST_STDIN}), OK);
	assert_int_equal(client_send(&client, SESSION_STDIN, slice_text("surprise")), OK);
	expect_error(&client, "more input than");
	expect_done(&client);
}

static void a_computing_program_is_stopped(void **state)
{
	struct msg_exit m;

	(void)state;
	begin(compute);
	assert_int_equal(client_run(&client, &plain), OK);
	assert_int_equal(client_send(&client, SESSION_STOP, slice_of(NULL, 0)), OK);
	m = expect_exit(&client, WORKLOAD_STOPPED);
	assert_true(slice_is(m.message, "stopped by its owner"));
	expect_done(&client);
}

static void a_sleeping_program_is_stopped(void **state)
{
	(void)state;
	begin(sleep_long);
	assert_int_equal(client_run(&client, &plain), OK);
	expect_text(&client, SESSION_STDOUT, "good night");
	assert_int_equal(client_send(&client, SESSION_STOP, slice_of(NULL, 0)), OK);
	expect_exit(&client, WORKLOAD_STOPPED);
	expect_done(&client);
}

static void time_limits_hold(void **state)
{
	struct fake_package p = plain;
	struct msg_exit m;

	(void)state;
	begin(compute);
	p.cpu_ns = 50000000;
	assert_int_equal(client_run(&client, &p), OK);
	m = expect_exit(&client, WORKLOAD_LIMIT);
	assert_non_null(memmem(m.message.data, m.message.size, "limits.cpu", 10));
	expect_done(&client);

	begin(sleep_long);
	p.wall_ns = 1000000000;
	assert_int_equal(client_run(&client, &p), OK);
	expect_text(&client, SESSION_STDOUT, "good night");
	assert_true(fake_pass_time());
	m = expect_exit(&client, WORKLOAD_LIMIT);
	assert_non_null(memmem(m.message.data, m.message.size, "limits.wall", 11));
	expect_done(&client);
}

static void pour_through(size_t pipe_size)
{
	const struct fake_options o = {.pipe_size = pipe_size};
	enum session_type type = SESSION_STDOUT;
	struct slice body;
	size_t got = 0;

	program = pour;
	fake_start(&o);
	assert_int_equal(client_run(&client, &plain), OK);
	while (type != SESSION_EXIT) {
		enum err err = client_next(&client, &type, &body);

		assert_int_equal(err, OK); /* it is never our turn to do anything */
		for (size_t i = 0; i < body.size && type == SESSION_STDOUT; i++, got++)
			assert_int_equal(body.data[i], 'a' + got / 100000 % 26);
	}
	assert_int_equal(got, 5000000);
	expect_done(&client);
}

static void output_flows_through_any_pipe(void **state)
{
	static const size_t sizes[] = {0, 3000, 65536, 262144, 300000};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++)
		pour_through(sizes[i]);
}

static void a_lost_owner_ends_the_workload(void **state)
{
	(void)state;
	begin(compute);
	assert_int_equal(client_run(&client, &plain), OK);
	expect_done(&client);
	begin(sleep_long);
	assert_int_equal(client_run(&client, &plain), OK);
	expect_done(&client);
}

static void refused_evidence_leaves_the_keep_ready(void **state)
{
	struct msg_verdict no = {.ok = false};
	struct msg_challenge challenge = {{9}};
	uint8_t body[64];
	size_t size;

	(void)state;
	begin(say_hello);
	for (int i = 0; i < 3; i++) {
		client_connect(&client);
		assert_int_equal(client_shake(&client), OK);
		assert_int_equal(msg_challenge_encode(&challenge, body, sizeof body, &size), OK);
		assert_int_equal(client_send(&client, SESSION_CHALLENGE, slice_of(body, size)), OK);
		expect_text(&client, SESSION_EVIDENCE, NULL);
		assert_int_equal(msg_verdict_encode(&no, body, sizeof body, &size), OK);
		assert_int_equal(client_send(&client, SESSION_VERDICT, slice_of(body, size)), OK);
		fake_turn();
		client_free(&client);
		fake_turn();
		assert_int_equal(fake_end(), FAKE_RUNS);
	}
	assert_int_equal(client_run(&client, &plain), OK);
	expect_text(&client, SESSION_STDOUT, "hello ");
	expect_text(&client, SESSION_STDERR, "world");
	expect_exit(&client, WORKLOAD_EXITED);
	expect_done(&client);
	assert_int_equal(runs, 1);
}

static void no_evidence_is_said(void **state)
{
	const struct fake_options o = {.no_evidence = true};

	(void)state;
	program = say_hello;
	fake_start(&o);
	client_connect(&client);
	assert_int_equal(client_shake(&client), OK);
	assert_int_equal(client_attest(&client), ERR_REFUSED);
	client_free(&client);
}

static struct manifest_blob blob_for(struct slice hashed, uint64_t size)
{
	struct manifest_blob blob = {.size = size};
	br_sha256_context sha;

	br_sha256_init(&sha);
	br_sha256_update(&sha, hashed.data, hashed.size);
	br_sha256_out(&sha, blob.sha256);
	return blob;
}

static struct slice encoded(const struct manifest *m)
{
	static uint8_t bytes[512];
	size_t n;

	assert_int_equal(manifest_encode(m, bytes, sizeof bytes, &n, NULL), OK);
	return slice_of(bytes, n);
}

static struct slice manifest_for(struct slice module, uint64_t size)
{
	const struct manifest m = {.module = blob_for(module, size)};

	return encoded(&m);
}

static void attested(void)
{
	client_connect(&client);
	assert_int_equal(client_shake(&client), OK);
	assert_int_equal(client_attest(&client), OK);
}

static void turned_away(const char *why)
{
	expect_error(&client, why);
	client_free(&client);
	fake_turn();
	assert_int_equal(fake_end(), FAKE_RUNS);
	assert_int_equal(runs, 0);
}

static void wrong_deliveries_are_refused_in_words(void **state)
{
	static uint8_t wrong[] = "0123456789";
	const struct slice module = slice_of(wrong, 10);
	struct slice m = manifest_for(module, 10);

	(void)state;
	begin(say_hello);
	attested();
	assert_int_equal(client_deliver(&client, slice_text("no manifest"), &module, 1), OK);
	turned_away("manifest, start, offset 0");
	attested();
	wrong[9] ^= 1;
	assert_int_equal(client_deliver(&client, m, &module, 1), OK);
	turned_away("blob 0 is not what the manifest says");
	wrong[9] ^= 1;
	attested();
	assert_int_equal(client_deliver(&client, m, &(struct slice){wrong, 11}, 1), OK);
	turned_away("longer than the manifest says");
	attested();
	assert_int_equal(client_deliver(&client, m, &(struct slice){wrong, 9}, 1), OK);
	assert_int_equal(client_start(&client), ERR_REFUSED);
	client_free(&client);
	attested();
	assert_int_equal(client_deliver(&client, m, (struct slice[]){module, module}, 2), OK);
	turned_away("a chunk of blob 1 where blob 1 is due");
	attested();
	assert_int_equal(client_deliver(&client, m, &module, 0), OK);
	assert_int_equal(client_start(&client), ERR_REFUSED);
	client_free(&client);
	/* And the Keep is as good as new. */
	assert_int_equal(client_run(&client, &plain), OK);
	expect_text(&client, SESSION_STDOUT, "hello ");
	client_free(&client);
}

static void each_module_is_what_the_manifest_says(void **state)
{
	static uint8_t text[] = "program!library!file";
	const struct slice all[] = {{text, 8}, {text + 8, 8}, {text + 16, 4}};
	struct manifest_library library = {slice_text("lib"), blob_for(all[1], 8)};
	struct manifest_file file = {slice_text("a"), blob_for(all[2], 4), 0444};
	struct manifest m = {.module = blob_for(all[0], 8), .libraries = &library, .library_count = 1, .files = &file, .file_count = 1};

	(void)state;
	begin(say_hello);
	for (size_t i = 0; i < 3; i++) {
		static const char *const why[] = {"blob 0 is not", "blob 1 is not", "blob 2 is not"};
		uint8_t changed[8];
		struct slice sent[3];

		memcpy(sent, all, sizeof sent);
		memcpy(changed, all[i].data, all[i].size);
		changed[0] ^= 1;
		sent[i].data = changed;
		attested();
		assert_int_equal(client_deliver(&client, encoded(&m), sent, 3), OK);
		turned_away(why[i]);
	}
	/* Another order is another workload. */
	attested();
	assert_int_equal(client_deliver(&client, encoded(&m), (struct slice[]){all[0], all[2], all[1]}, 3), OK);
	turned_away("blob 1");
	/* All of them count. */
	m.limits.memory_bytes = 19;
	attested();
	assert_int_equal(client_deliver(&client, encoded(&m), all, 3), OK);
	turned_away("modules and files take 20 bytes, the memory limit is 19");
	m.limits.memory_bytes = 20;
	attested();
	assert_int_equal(client_deliver(&client, encoded(&m), all, 3), OK);
	assert_int_equal(client_start(&client), OK);
	expect_text(&client, SESSION_STDOUT, "hello ");
	client_free(&client);
}

/* What a manifest may say but no Keep can do yet is refused by name, before anything of it runs. */
static void what_does_not_fit_is_refused_early(void **state)
{
	const struct fake_package p = {.module = plain.module, .memory_bytes = 7};
	static const struct slice module = {(const uint8_t *)"\0asm\1\0\0\0", 8};
	const struct fake_options o = {.grow_max = 24 << 20};

	(void)state;
	begin(say_hello);
	assert_int_equal(client_run(&client, &p), ERR_REFUSED);
	client_free(&client);
	fake_start(&o);
	attested();
	assert_int_equal(client_deliver(&client, manifest_for(module, 200 << 20), &module, 1), OK);
	turned_away("the host gives no memory for blob 0");
}

static void a_cut_delivery_leaves_the_keep_ready(void **state)
{
	(void)state;
	begin(say_hello);
	attested();
	assert_int_equal(client_deliver(&client, slice_text("half"), NULL, 0), OK);
	fake_turn();
	client_free(&client);
	fake_turn();
	assert_int_equal(client_run(&client, &plain), OK);
	expect_text(&client, SESSION_STDOUT, "hello ");
	client_free(&client);
}

static void a_silent_client_is_dropped(void **state)
{
	(void)state;
	begin(say_hello);
	attested();
	fake_turn();
	assert_true(fake_pass_time()); /* patience ends */
	assert_true(fake_closed(client.channel));
	client_free(&client);
	assert_int_equal(client_run(&client, &plain), OK);
	client_free(&client);
}

static void one_delivery_only(void **state)
{
	static const struct slice module = {(const uint8_t *)"\0asm\1\0\0\0", 8};

	(void)state;
	begin(sleep_long);
	assert_int_equal(client_run(&client, &plain), OK);
	client_connect(&second);
	assert_int_equal(client_shake(&second), OK);
	assert_int_equal(client_attest(&second), OK);
	assert_int_equal(client_deliver(&second, manifest_for(module, 8), &module, 1), OK);
	expect_error(&second, "takes one delivery");
	client_free(&second);
	/* The first one did not notice. */
	expect_text(&client, SESSION_STDOUT, "good night");
	assert_int_equal(client_send(&client, SESSION_STOP, slice_of(NULL, 0)), OK);
	expect_exit(&client, WORKLOAD_STOPPED);
	expect_done(&client);
	assert_int_equal(runs, 1);
}

static void attach_to(struct client *c, bool follow, bool from_start)
{
	struct msg_attach m = {follow, from_start};
	uint8_t body[16];
	size_t size;

	assert_int_equal(msg_attach_encode(&m, body, sizeof body, &size), OK);
	assert_int_equal(client_send(c, SESSION_ATTACH, slice_of(body, size)), OK);
}

static void come_back(struct client *c, enum err want)
{
	client_connect(c);
	assert_int_equal(client_shake(c), OK);
	assert_int_equal(client_attest(c), OK);
	assert_int_equal(client_resume(c, client.secret), want);
}

static void expect_lines(struct client *c, int from, int to)
{
	char line[] = "line 0\n";

	for (int i = from; i < to; i++) {
		enum session_type type;
		struct slice body;

		while (client_next(c, &type, &body) == ERR_AGAIN)
			assert_true(fake_pass_time());
		assert_int_equal(type, SESSION_STDOUT);
		line[5] = (char)('0' + i);
		assert_true(slice_is(body, line));
	}
}

static void a_detached_workload_is_found_again(void **state)
{
	(void)state;
	begin(talk);
	assert_int_equal(client_run(&client, &plain), OK);
	expect_lines(&client, 0, 2);
	assert_int_equal(client_send(&client, SESSION_DETACH, slice_of(NULL, 0)), OK);
	fake_turn();
	client_free(&client);
	for (int i = 0; i < 2; i++)
		assert_true(fake_pass_time());
	come_back(&second, OK);
	attach_to(&second, true, true);
	expect_lines(&second, 2, 10);
	while (client_next(&second, &(enum session_type){0}, &(struct slice){0}) == ERR_AGAIN)
		assert_true(fake_pass_time());
	expect_done(&second);
}

static void logs_do_not_collect_the_end(void **state)
{
	struct fake_package p = plain;

	(void)state;
	begin(talk);
	p.flags = MANIFEST_DETACHED;
	assert_int_equal(client_run(&client, &p), OK);
	client_free(&client); /* no DETACH: the flag is enough */
	fake_turn();
	for (int i = 0; i < 3; i++)
		assert_true(fake_pass_time());
	come_back(&second, OK); /* running, not followed: all so far, then an empty piece */
	attach_to(&second, false, true);
	expect_lines(&second, 0, 2);
	do {
		enum session_type type;
		struct slice body;

		assert_int_equal(client_next(&second, &type, &body), OK);
		assert_int_equal(type, SESSION_STDOUT);
		if (body.size == 0)
			break;
	} while (true);
	client_free(&second);
	while (fake_waits_for() < UINT64_C(100000000000)) /* until it has ended, and waits for its owner */
		assert_true(fake_pass_time());
	for (int i = 0; i < 2; i++) {
		come_back(&second, OK);
		attach_to(&second, false, true);
		expect_lines(&second, 0, 10);
		assert_int_equal(expect_exit(&second, WORKLOAD_EXITED).code, 3);
		client_free(&second);
		fake_turn();
		assert_int_equal(fake_end(), FAKE_RUNS);
	}
	come_back(&second, OK);
	attach_to(&second, true, false);
	assert_int_equal(expect_exit(&second, WORKLOAD_EXITED).code, 3);
	expect_done(&second);
}

static void an_uncollected_end_is_given_up(void **state)
{
	struct fake_package p = plain;

	(void)state;
	begin(say_hello);
	p.flags = MANIFEST_DETACHED;
	assert_int_equal(client_run(&client, &p), OK);
	client_free(&client);
	fake_turn();
	for (int i = 0; i < 4 && fake_end() == FAKE_RUNS; i++)
		fake_pass_time();
	assert_int_equal(fake_end(), FAKE_EXITED);
	assert_int_equal(fake_exit_code(), KEEPCALL_EXIT_DONE);
}

static void only_the_owner_comes_back(void **state)
{
	struct fake_package p = plain;

	(void)state;
	begin(sleep_long);
	p.flags = MANIFEST_DETACHED;
	assert_int_equal(client_run(&client, &p), OK);
	client_free(&client);
	fake_turn();
	client.secret[31] ^= 1;
	come_back(&second, ERR_REFUSED);
	client_free(&second);
	client.secret[31] ^= 1;
	come_back(&second, OK);
	assert_int_equal(client_send(&second, SESSION_STOP, slice_of(NULL, 0)), OK);
	expect_exit(&second, WORKLOAD_STOPPED);
	expect_done(&second);
}

static void the_owner_can_take_over_from_a_dead_connection(void **state)
{
	(void)state;
	begin(sleep_long);
	assert_int_equal(client_run(&client, &plain), OK);
	expect_text(&client, SESSION_STDOUT, "good night");
	come_back(&second, OK);
	expect_error(&client, "took over");
	client_free(&client);
	fake_turn();
	assert_int_equal(client_send(&second, SESSION_STOP, slice_of(NULL, 0)), OK);
	expect_exit(&second, WORKLOAD_STOPPED);
	expect_done(&second);
}

static void old_output_makes_room_and_is_counted(void **state)
{
	const struct fake_options o = {.pipe_size = 60000};
	struct fake_package p = plain;
	enum session_type type = SESSION_STDOUT;
	struct slice body;
	size_t got = 0;

	(void)state;
	program = pour;
	fake_start(&o);
	p.flags = MANIFEST_DETACHED;
	assert_int_equal(client_run(&client, &p), OK);
	client_free(&client);
	fake_turn();
	come_back(&second, OK);
	attach_to(&second, true, true);
	assert_int_equal(client_next(&second, &type, &body), OK);
	assert_int_equal(type, SESSION_STDERR);
	assert_non_null(memmem(body.data, body.size, "bytes of older output were dropped", 34));
	while (client_next(&second, &type, &body) == OK && type == SESSION_STDOUT)
		got += body.size;
	assert_int_equal(type, SESSION_EXIT);
	assert_in_range(got, RING_SIZE - 2 * RING_PIECE_MAX, RING_SIZE);
	expect_done(&second);
}

static void workload_evidence_is_bound_to_all_parts(void **state)
{
	struct msg_ask_evidence ask = {slice_text("third party")};
	struct msg_workload_evidence e;
	uint8_t body[80], want[64], digest[32];
	enum session_type type;
	br_sha256_context sha;
	struct slice got;
	size_t size;

	(void)state;
	begin(sleep_long);
	assert_int_equal(client_run(&client, &plain), OK);
	expect_text(&client, SESSION_STDOUT, "good night");
	assert_int_equal(msg_ask_evidence_encode(&ask, body, sizeof body, &size), OK);
	assert_int_equal(client_send(&client, SESSION_ASK_EVIDENCE, slice_of(body, size)), OK);
	assert_int_equal(client_next(&client, &type, &got), OK);
	assert_int_equal(type, SESSION_WORKLOAD_EVIDENCE);
	assert_int_equal(msg_workload_evidence_decode(got, &e), OK);
	assert_true(slice_is(e.nonce, "third party"));
	assert_true(slice_equal(e.hash, slice_of(session_hash(client.s), SESSION_HASH_SIZE)));
	br_sha256_init(&sha);
	br_sha256_update(&sha, e.manifest.data, e.manifest.size);
	br_sha256_out(&sha, digest);
	session_workload_report_data(session_hash(client.s), digest, e.signing_key, e.nonce, want);
	assert_int_equal(e.envelope.size, 9 + 64);
	assert_memory_equal(e.envelope.data + 9, want, 64);
	assert_int_equal(e.signing_key.data[0], 4);
	client_free(&client);
}

static void a_client_that_says_nonsense_is_dropped(void **state)
{
	uint8_t junk[200];

	(void)state;
	begin(say_hello);
	for (int i = 0; i < 20; i++) {
		int channel = fake_connect();

		memset(junk, i * 13, sizeof junk);
		fake_write(channel, junk, sizeof junk);
		fake_turn();
		assert_true(fake_closed(channel));
		fake_hang_up(channel);
	}
	assert_int_equal(fake_end(), FAKE_RUNS);
	assert_int_equal(client_run(&client, &plain), OK);
	client_free(&client);
}

static void too_many_refusals_end_the_keep(void **state)
{
	(void)state;
	begin(say_hello);
	for (int i = 0; i < REFUSALS_MAX; i++) {
		int channel = fake_connect();

		assert_int_equal(fake_end(), FAKE_RUNS);
		fake_hang_up(channel);
		fake_turn();
	}
	assert_int_equal(fake_end(), FAKE_EXITED);
	assert_int_equal(fake_exit_code(), KEEPCALL_EXIT_REFUSED);
}

static int end_the_last_keep(void **state)
{
	(void)state;
	program = say_hello;
	fake_start(NULL); /* ends the one before */
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delivery_runs_and_its_end_is_told),
		cmocka_unit_test(a_failed_program_is_restarted),
		cmocka_unit_test(restarts_are_counted),
		cmocka_unit_test(success_is_restarted_by_always_only),
		cmocka_unit_test(who_is_stopped_is_not_restarted),
		cmocka_unit_test(limits_hold_for_all_lives),
		cmocka_unit_test(input_is_pulled_and_echoed),
		cmocka_unit_test(much_input_through_narrow_pipes),
		cmocka_unit_test(without_the_flag_input_is_at_its_end),
		cmocka_unit_test(unasked_input_ends_the_workload),
		cmocka_unit_test(a_computing_program_is_stopped),
		cmocka_unit_test(a_sleeping_program_is_stopped),
		cmocka_unit_test(time_limits_hold),
		cmocka_unit_test(output_flows_through_any_pipe),
		cmocka_unit_test(a_lost_owner_ends_the_workload),
		cmocka_unit_test(refused_evidence_leaves_the_keep_ready),
		cmocka_unit_test(no_evidence_is_said),
		cmocka_unit_test(wrong_deliveries_are_refused_in_words),
		cmocka_unit_test(each_module_is_what_the_manifest_says),
		cmocka_unit_test(what_does_not_fit_is_refused_early),
		cmocka_unit_test(a_cut_delivery_leaves_the_keep_ready),
		cmocka_unit_test(a_silent_client_is_dropped),
		cmocka_unit_test(one_delivery_only),
		cmocka_unit_test(a_detached_workload_is_found_again),
		cmocka_unit_test(logs_do_not_collect_the_end),
		cmocka_unit_test(an_uncollected_end_is_given_up),
		cmocka_unit_test(only_the_owner_comes_back),
		cmocka_unit_test(the_owner_can_take_over_from_a_dead_connection),
		cmocka_unit_test(old_output_makes_room_and_is_counted),
		cmocka_unit_test(workload_evidence_is_bound_to_all_parts),
		cmocka_unit_test(a_client_that_says_nonsense_is_dropped),
		cmocka_unit_test(too_many_refusals_end_the_keep),
	};

	return cmocka_run_group_tests(tests, NULL, end_the_last_keep);
}
