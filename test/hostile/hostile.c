/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Keep on a host that lies: hostile [VARIANTS [FIRST]]
 *
 * Each variant is one whole life of a Keep with an honest client, in which the host changes some of its answers: status,
 * sequence number, counts, channel numbers, poll entries, bytes, hints. What must hold, whatever the host says: the Keep
 * ends or goes on, without touching memory that is not its own (run it under ASan), without a failed check, without a
 * byte of the client's or the program's plaintext in either window, and the client is never told anything that the
 * program did not say.
 */
#include "test/hostile/fakehost.c"

#include "keep/run/port.h"
#include "keep/run/workload.h"
#include "keep/wasi/port.h"
#include "test/hostile/lies.h"
#include "test/hostile/variants.h"

static const char spoken[] = "PLAINTEXT-OUT: what the program says, and says, and says again.\n";
static const char typed[] = "PLAINTEXT-IN: what the user types\n";
static const char secret_module[] = "\0asm\1\0\0\0PLAINTEXT-MODULE";
enum { ROUNDS = 30 };

/* ---- the program: everything a program can make the runtime do ---- */

/* Code area: made, sealed, and sealed again behind. */
static enum err live_code(void)
{
	uint8_t *code = f.code;

	for (unsigned i = 0; i < 3; i++, code += KEEPCALL_PAGE_SIZE) {
		TRY(call_grow((uint64_t)(uintptr_t)code, KEEPCALL_PAGE_SIZE));
		code[0] = 0xc3;
		TRY(call_seal((uint64_t)(uintptr_t)code, KEEPCALL_PAGE_SIZE));
	}
	return call_sealed((uint64_t)(uintptr_t)code) ? ERR_STATE : OK;
}

static enum err live(struct keep *k)
{
	struct wasm_memory_ops memory = memory_linear_ops(&k->memory);
	struct wasm_poll p = port_poll(k);
	uint8_t input[100], *base, *file;
	size_t got;

	TRY(memory.create(memory.ctx, 1, 100, &base));
	file = arena_alloc(&k->memory.files, 100000, 16);
	TRY(live_code());
	for (unsigned i = 0; i < ROUNDS; i++) {
		TRY(port_write(i % 5 == 0 ? PORT_STDERR : PORT_STDOUT, spoken, sizeof spoken - 1));
		TRY(p.poll(p.ctx));
		if (i % 4 == 0)
			TRY(port_read(input, sizeof input, &got));
		if (i % 6 == 0)
			TRY(port_wait(i % 12 == 0, port_monotonic_ns() + 50000000));
		if (i % 10 == 0 && memory.grow(memory.ctx, base, 1 + i / 10, 2 + i / 10) == OK)
			base[(1 + i / 10) * WASM_PAGE_SIZE] = 1;
		if (file != NULL)
			file[i] = 1;
	}
	return OK;
}

void workload_run(struct keep *k, struct msg_exit *end)
{
	enum err err;

	port_bind(k);
	err = live(k);
	*end = (struct msg_exit){.end = err == OK ? WORKLOAD_EXITED : WORKLOAD_STOPPED, .code = 5};
}

/* ---- the client, who does its best and stops at the first thing it does not like ---- */

static const char *fault;
static unsigned delivered, told;

static void hear(struct slice body, size_t *heard)
{
	for (size_t i = 0; i < body.size; i++, (*heard)++)
		if (body.data[i] != (uint8_t)spoken[*heard % (sizeof spoken - 1)])
			fault = "the client was told what the program did not say";
}

static enum err talk(struct client *c)
{
	size_t heard_out = 0, heard_err = 0;
	enum session_type type;
	struct slice body;
	unsigned quiet = 0;
	bool asked = false;
	enum err err;

	for (;;) {
		err = client_next(c, &type, &body);
		if (err == ERR_AGAIN && quiet++ < 5) { /* it sleeps, or wants to hear more */
			if (!fake_pass_time() && asked)
				TRY(client_send(c, SESSION_STDIN, slice_text(typed)));
			continue;
		}
		TRY(err);
		quiet = 0;
		if (type == SESSION_STDOUT)
			hear(body, &heard_out);
		if (type == SESSION_STDERR)
			hear(body, &heard_err);
		asked |= type == SESSION_STDIN_PULL; /* for much more than we ever say */
		if (type == SESSION_EXIT)
			return OK;
	}
}

static void visit(void)
{
	static struct client c;
	const struct fake_package p = {.module = {(const uint8_t *)secret_module, sizeof secret_module - 1},
				       .flags = MANIFEST_STDIN};

	if (client_run(&c, &p) == OK && ++delivered && talk(&c) == OK)
		told++;
	else if (lies_told() == 0 && f.o.grow_max == 0)
		fault = "the host was honest, and yet the workload did not end";
	client_free(&c);
	for (int i = 0; i < 5 && fake_end() == FAKE_RUNS; i++) {
		fake_turn();
		fake_pass_time();
	}
}

/* ---- variants ---- */

static const char *run_variant(uint64_t seed)
{
	struct fake_options o = {.seed = seed, .lie = lies_tell, .calls_max = 3000};

	dice_seed(seed);
	lies_begin(UINT64_C(1) << (3 + roll(8)));
	o.pipe_size = roll(3) == 0 ? 1000 + roll(5000) : 0;
	o.grow_max = roll(8) == 0 ? roll(16 << 20) : 0;
	fault = NULL;
	fake_start(&o);
	fake_clock_step(20000);
	fake_watch(slice_text("PLAINTEXT-OUT"));
	fake_watch(slice_text("PLAINTEXT-IN"));
	fake_watch(slice_text("PLAINTEXT-MODULE"));
	visit();
	stop_keep();
	look_for_leaks(f.shared, KEEPCALL_SHARED_SIZE);
	return fake_leaked() ? "plaintext in a window" : fault;
}

int main(int argc, char **argv)
{
	struct variants v;

	variants_run(&v, argc, argv, run_variant);
	printf("%u delivered, %u told the end; ", delivered, told);
	return variants_result(&v, "hostile");
}
