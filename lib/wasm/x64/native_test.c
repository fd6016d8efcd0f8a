/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wasm/compile.h"
#include "lib/wasm/module.h"
#include "lib/wasm/x64/native.h"
#include "lib/wasm/x64check/prove.h"
#include "sys/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * (import "h" "f" (func $host (param i32) (result i32)))          0
 * (func (export "a") add 1, call 2)                               1
 * (func (local 9000 times i32) multiply by 2, call 3)             2: too many locals to be compiled
 * (func call $host)                                               3
 * (func (export "l") (loop br 0))                                 4
 * (func (export "r") call 5, and add 1)                           5
 * (func (export "m") i32.load offset=65533)                       6
 * (func (export "i") call_indirect of the parameter, with 10)     7
 * (func (export "d") 7 / parameter)                               8
 * (func (export "h") call $host with 1, i32.load8_u)             9, of another type
 * (table: $host, 1, 6, 9, and one that is empty) (memory 1 2)
 */
static const uint8_t module[] = {
	0, 'a', 's', 'm', 1, 0, 0, 0,
	1, 10, 2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 0, 1, 0x7f,
	2, 7, 1, 1, 'h', 1, 'f', 0, 0,
	3, 10, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	4, 4, 1, 0x70, 0, 5,
	5, 4, 1, 1, 1, 2,
	7, 29, 7, 1, 'h', 0, 9, 1, 'a', 0, 1, 1, 'l', 0, 4, 1, 'r', 0, 5, 1, 'm', 0, 6, 1, 'i', 0, 7, 1, 'd', 0, 8,
	9, 10, 1, 0, 0x41, 0, 0x0b, 4, 0, 1, 6, 9,
	10, 90, 9,
	9, 0, 0x20, 0, 0x41, 1, 0x6a, 0x10, 2, 0x0b,
	13, 1, 0xa8, 0xc6, 0x00, 0x7f, 0x20, 0, 0x41, 2, 0x6c, 0x10, 3, 0x0b,
	6, 0, 0x20, 0, 0x10, 0, 0x0b,
	9, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x41, 0, 0x0b,
	9, 0, 0x20, 0, 0x10, 5, 0x41, 1, 0x6a, 0x0b,
	9, 0, 0x20, 0, 0x28, 2, 0xfd, 0xff, 0x03, 0x0b,
	9, 0, 0x41, 10, 0x20, 0, 0x11, 0, 0, 0x0b,
	7, 0, 0x41, 7, 0x20, 0, 0x6d, 0x0b,
	9, 0, 0x41, 1, 0x10, 0, 0x2d, 0, 0, 0x0b,
};

struct world {
	uint8_t *memory;
	struct arena arena;
	struct wasm_module *module;
	struct wasm_store *store;
	struct wasm_instance *instance;
	struct note note;
	unsigned polls;
	struct code_linear linear;
	const char *host_traps;
	bool calls_back, compiles;
	uint32_t native_entries; /* at the last poll */
};

static struct wasm_code_memory *code;
static enum wasm_tier tier; /* all is done with each */

static enum err poll(void *ctx)
{
	struct world *w = ctx;

	if (w->compiles) {
		w->compiles = false;
		assert_int_equal(wasm_compile(w->module, tier, w->instance, &w->arena, code), OK);
		assert_int_equal(x64_prove(w->module, &w->arena, &w->note), OK);
		wasm_run_compiled(w->instance);
	}
	w->native_entries = w->store->native_entries;
	return ++w->polls == 3 ? ERR_STOPPED : OK;
}

static enum err call(struct world *w, const char *name, uint32_t x, uint32_t *out)
{
	union wasm_value v = {.i32 = x};
	enum err err;

	w->note = (struct note){{0}};
	err = wasm_call(w->store, wasm_export(w->instance, slice_text(name)), &v, &w->note);
	*out = v.i32;
	return err;
}

static enum err host(void *ctx, struct wasm_caller *caller, union wasm_value *values)
{
	struct world *w = ctx;
	uint32_t x = values[0].i32;

	if (w->host_traps != NULL)
		return wasm_trap(caller, w->host_traps);
	if (w->calls_back) {
		w->calls_back = false;
		assert_int_equal(call(w, "a", 1, &x), OK);
	}
	values[0].i64 = 0xdead00000000 + x + 100; /* what is above an i32 is nobody's business */
	return OK;
}

static void load_bytes(struct world *w, struct slice bytes)
{
	enum { ARENA = 48 << 20 };
	struct wasm_limits limits = wasm_default_limits();

	*w = (struct world){.memory = malloc(ARENA), .linear = {.image = -1}};
	w->arena = arena_of(w->memory, ARENA);
	w->arena.dirty = ARENA; /* malloc may give used memory */
	assert_int_equal(wasm_load(&w->arena, &w->arena, bytes, &limits, &w->module, &w->note), OK);
}

static void load(struct world *w)
{
	load_bytes(w, slice_of(module, sizeof module));
}

static void instantiate(struct world *w)
{
	static const uint8_t i32[] = {WASM_I32};
	struct wasm_limits limits = wasm_default_limits();
	struct wasm_functype type = {1, 1, i32, i32};
	struct wasm_extern *import;

	assert_int_equal(wasm_store_new(&w->arena, &limits, code_linear_ops(&w->linear), (struct wasm_poll){poll, w},
					&w->store),
			 OK);
	import = wasm_host_func(w->store, type, host, w);
	assert_int_equal(wasm_instantiate(w->store, &w->arena, w->module, &import, &w->instance, &w->note), OK);
}

static void open_world(struct world *w)
{
	assert_int_equal(code_memory_open(&code), OK); /* cmocka has handlers of its own in each test */
	load(w);
	assert_int_equal(wasm_compile(w->module, tier, NULL, &w->arena, code), OK);
	assert_int_equal(x64_prove(w->module, &w->arena, &w->note), OK);
	instantiate(w);
}

static void close_world(struct world *w)
{
	code_linear_free(w->linear.base);
	free(w->memory);
	code_memory_reset(code);
}

static void all_but_one_are_compiled(void **state)
{
	struct wasm_code_stats stats;
	struct world w;

	(void)state;
	open_world(&w);
	stats = wasm_code_stats(w.module);
	assert_int_equal(stats.compiled, 8);
	assert_int_equal(stats.optimized, tier == WASM_TIER_OPTIMIZED ? 8 : 0);
	assert_int_equal(stats.interpreted, 1);
	assert_true(stats.bytes > 0);
	assert_int_equal(w.module->native->second_count, 0);
	close_world(&w);
}

/* Compiled, interpreted, compiled, host; and back in from there. */
static void tiers_and_hosts_call_each_other(void **state)
{
	struct world w;
	uint32_t x;

	(void)state;
	open_world(&w);
	assert_int_equal(call(&w, "a", 5, &x), OK);
	assert_int_equal(x, (5 + 1) * 2 + 100);
	w.calls_back = true;
	assert_int_equal(call(&w, "a", 5, &x), OK);
	assert_int_equal(x, (1 + 1) * 2 + 100 + 100);
	close_world(&w);
}

/* As an index into memory it counts as the i32 it is, whatever the host left above. */
static void results_of_hosts_have_their_width(void **state)
{
	struct world w;
	uint32_t x;

	(void)state;
	open_world(&w);
	w.linear.base[101] = 77;
	assert_int_equal(call(&w, "h", 0, &x), OK);
	assert_int_equal(x, 77);
	close_world(&w);
}

static void expect_trap(struct world *w, const char *name, uint32_t x, const char *why)
{
	uint32_t result;

	assert_int_equal(call(w, name, x, &result), ERR_TRAP);
	assert_string_equal(w->note.text, why);
}

static void traps_say_where(void **state)
{
	struct world w;
	uint32_t x;

	(void)state;
	open_world(&w);
	expect_trap(&w, "m", 0, "out of bounds memory access in function 6 \"m\" at offset 0x9a");
	expect_trap(&w, "m", 0xffffffff, "out of bounds memory access in function 6 \"m\" at offset 0x9a");
	expect_trap(&w, "d", 0, "integer divide by zero in function 8 \"d\" at offset 0xb0");
	expect_trap(&w, "i", 3, "indirect call type mismatch in function 7 \"i\" at offset 0xa6");
	expect_trap(&w, "i", 4, "uninitialized element in function 7 \"i\" at offset 0xa6");
	expect_trap(&w, "i", 5, "undefined element in function 7 \"i\" at offset 0xa6");
	expect_trap(&w, "i", 0xffffffff, "undefined element in function 7 \"i\" at offset 0xa6");
	w.host_traps = "no";
	expect_trap(&w, "i", 0, "no in function 7 \"i\" at offset 0xa6");
	expect_trap(&w, "a", 0, "no in function 3 at offset 0x7f");
	w.host_traps = NULL;
	assert_int_equal(call(&w, "i", 0, &x), OK); /* and it goes on */
	assert_int_equal(x, 110);
	assert_int_equal(call(&w, "i", 1, &x), OK);
	assert_int_equal(x, 122);
	close_world(&w);
}

static void recursion_ends_in_a_trap(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	w.polls = 1000; /* it is not stopped */
	expect_trap(&w, "r", 0, "call stack exhausted in function 5 \"r\" at offset 0x90");
	expect_trap(&w, "r", 0, "call stack exhausted in function 5 \"r\" at offset 0x90");
	close_world(&w);
}

static void a_loop_without_end_is_stopped(void **state)
{
	struct world w;
	uint32_t x;

	(void)state;
	open_world(&w);
	assert_int_equal(call(&w, "l", 0, &x), ERR_STOPPED);
	assert_int_equal(w.polls, 3);
	assert_int_equal(call(&w, "d", 7, &x), OK);
	assert_int_equal(x, 1);
	close_world(&w);
}

/* Only the function that runs is there a second time, for the interpreter to go on in. */
static void a_running_loop_goes_on_compiled(void **state)
{
	struct world w;
	uint32_t x;

	(void)state;
	assert_int_equal(code_memory_open(&code), OK);
	load(&w);
	instantiate(&w);
	w.compiles = true;
	assert_int_equal(call(&w, "l", 0, &x), ERR_STOPPED);
	assert_int_equal(w.native_entries, 1);
	assert_int_equal(w.module->native->second_count, tier == WASM_TIER_OPTIMIZED ? 1 : 0);
	if (tier == WASM_TIER_OPTIMIZED)
		assert_int_equal(w.module->native->seconds[0].own, 3);
	close_world(&w);
}

static enum err no_seal(void *ctx, uint8_t *base, size_t size)
{
	(void)ctx;
	(void)base;
	(void)size;
	return ERR_NOMEM;
}

/* Without memory for code, or when it cannot be sealed, the module is as it was. */
static void what_is_not_compiled_is_interpreted(void **state)
{
	static uint8_t little[100], enough[1 << 20];
	struct wasm_code_memory memories[] = {{.arena = arena_of(little, sizeof little), .seal = no_seal},
					      {.arena = arena_of(enough, sizeof enough), .seal = no_seal}};
	uint32_t x;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(memories); i++) {
		struct world w;
		size_t used;

		load(&w);
		used = w.arena.used;
		assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, &memories[i]), ERR_NOMEM);
		assert_int_equal(w.arena.used, used);
		assert_int_equal(memories[i].arena.used, 0);
		assert_int_equal(wasm_code_stats(w.module).compiled, 0);
		instantiate(&w);
		assert_int_equal(call(&w, "a", 5, &x), OK);
		assert_int_equal(x, 112);
		close_world(&w);
	}
}

/* Only loads and stores may fault: not what is beside them, nor anything outside the code. */
static void other_faults_are_declined(void **state)
{
	struct world w;
	uint64_t begin;
	unsigned accepted = 0;

	(void)state;
	open_world(&w);
	begin = (uint64_t)(uintptr_t)code->arena.base;
	assert_int_equal(wasm_code_fault(code, begin - 1), 0);
	assert_int_equal(wasm_code_fault(code, begin + wasm_code_stats(w.module).bytes), 0);
	assert_int_equal(wasm_code_fault(code, (uint64_t)(uintptr_t)&w), 0);
	for (size_t i = 0; i < wasm_code_stats(w.module).bytes; i++)
		accepted += wasm_code_fault(code, begin + i) != 0;
	/* One load, and the last bytes of calls, of which each function but the last has one, and of polls and traps. */
	assert_in_range(accepted, 1, 40);
	close_world(&w);
}

/* (func (export "n") (local funcref funcref): how often they are null, the first read so often that it has a register) */
static void references_begin_as_null(void **state)
{
	static const uint8_t nulls[] = {
		0, 'a', 's', 'm', 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 'n', 0, 0,
		10, 25, 1, 23, 1, 2, 0x70, 0x20, 0, 0xd1, 0x20, 0, 0xd1, 0x6a, 0x20, 0, 0xd1, 0x6a, 0x20, 0, 0xd1, 0x6a,
		0x20, 1, 0xd1, 0x6a, 0x0b,
	};
	struct world w;
	uint32_t x = 0;

	(void)state;
	assert_int_equal(code_memory_open(&code), OK);
	load_bytes(&w, slice_of(nulls, sizeof nulls));
	assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
	instantiate(&w);
	assert_int_equal(call(&w, "n", 0, &x), OK);
	assert_int_equal(x, 5);
	close_world(&w);
}

/* Exports "a" to `last` of a parameter give the same or trap at the same place. */
static void exports_are_as_interpreted(struct slice bytes, char last, const uint32_t *values, size_t count)
{
	struct world w;

	for (char name[] = "a"; name[0] <= last; name[0]++)
		for (size_t i = 0; i < count; i++) {
			enum err err[2];
			uint32_t out[2];
			struct note note[2];

			for (unsigned compiled = 0; compiled < 2; compiled++) {
				assert_int_equal(code_memory_open(&code), OK);
				load_bytes(&w, bytes);
				if (compiled == 1) {
					assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
					assert_int_equal(x64_prove(w.module, &w.arena, &w.note), OK);
				}
				instantiate(&w);
				w.polls = 1000; /* it is not stopped */
				err[compiled] = call(&w, name, values[i], &out[compiled]);
				note[compiled] = w.note;
				close_world(&w);
			}
			assert_int_equal(err[1], err[0]);
			assert_true(err[0] != OK || out[1] == out[0]);
			assert_string_equal(note[1].text, note[0].text);
		}
}

/*
 * Sums that become part of an address, or must not: loads of a byte at (a) -16...-1 + 32, (b) -16...7 + 48,
 * (c) 0, 4...28 + 8, (d) 0, 3...18 + 0xfff0, (e) -32, -24...-8 + 32 + 7, (f) x and x + 70000, (g) x + 5 and x + 3;
 * (h) a bit of a long sum; (i) -16...-1 + y + 32 and + 25 + 2, for y 0, 16, 32, (j) the same for -8, 8, 24. (memory 1),
 * which begins with 64 bytes that are not zero.
 */
static const uint8_t sums[] = {
	0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 11, 10, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 5, 3, 1, 0, 1, 7, 41, 10, 1, 97, 0, 0, 1, 98, 0, 1, 1, 99, 0,
	2, 1, 100, 0, 3, 1, 101, 0, 4, 1, 102, 0, 5, 1, 103, 0, 6, 1, 104, 0, 7, 1, 105, 0,
	8, 1, 106, 0, 9, 10, 130, 4, 10, 35, 1, 2, 127, 65, 112, 33, 1, 3, 64, 32, 2, 32, 1, 65,
	32, 106, 45, 0, 0, 106, 33, 2, 32, 1, 65, 1, 106, 34, 1, 13, 0, 11, 32, 2, 11, 38, 1, 2,
	127, 65, 112, 33, 1, 3, 64, 32, 2, 32, 1, 65, 48, 106, 45, 0, 0, 106, 33, 2, 32, 1, 65, 1,
	106, 34, 1, 65, 8, 71, 13, 0, 11, 32, 2, 11, 38, 1, 2, 127, 65, 0, 33, 1, 3, 64, 32, 2,
	32, 1, 65, 8, 106, 45, 0, 0, 106, 33, 2, 32, 1, 65, 4, 106, 34, 1, 65, 32, 71, 13, 0, 11,
	32, 2, 11, 40, 1, 2, 127, 65, 0, 33, 1, 3, 64, 32, 2, 32, 1, 65, 240, 255, 3, 106, 45, 0,
	0, 106, 33, 2, 32, 1, 65, 3, 106, 34, 1, 65, 22, 73, 13, 0, 11, 32, 2, 11, 35, 1, 2, 127,
	65, 96, 33, 1, 3, 64, 32, 2, 32, 1, 65, 32, 106, 45, 0, 7, 106, 33, 2, 32, 1, 65, 8, 106,
	34, 1, 13, 0, 11, 32, 2, 11, 18, 0, 32, 0, 45, 0, 0, 32, 0, 65, 240, 162, 4, 106, 45, 0,
	0, 106, 11, 16, 0, 32, 0, 45, 0, 5, 32, 0, 65, 3, 106, 45, 0, 0, 106, 11, 130, 1, 0, 32,
	0, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7,
	106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7,
	106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7,
	106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7,
	106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7, 106, 65, 3, 108, 65, 7,
	106, 65, 4, 118, 65, 1, 113, 11, 76, 1, 4, 127, 65, 0, 33, 3, 3, 64, 65, 112, 33, 1, 3, 64,
	32, 2, 32, 3, 32, 1, 106, 65, 32, 106, 45, 0, 0, 32, 3, 32, 1, 106, 65, 25, 106, 45, 0, 2,
	106, 106, 33, 2, 32, 1, 65, 1, 106, 34, 1, 13, 0, 11, 32, 3, 65, 16, 106, 33, 3, 32, 4, 65,
	1, 106, 34, 4, 65, 3, 71, 13, 0, 11, 32, 2, 11, 76, 1, 4, 127, 65, 120, 33, 3, 3, 64, 65,
	112, 33, 1, 3, 64, 32, 2, 32, 3, 32, 1, 106, 65, 32, 106, 45, 0, 0, 32, 3, 32, 1, 106, 65,
	25, 106, 45, 0, 2, 106, 106, 33, 2, 32, 1, 65, 1, 106, 34, 1, 13, 0, 11, 32, 3, 65, 16, 106,
	33, 3, 32, 4, 65, 1, 106, 34, 4, 65, 3, 71, 13, 0, 11, 32, 2, 11, 11, 70, 1, 0, 65, 0,
	11, 64, 11, 48, 85, 122, 159, 196, 233, 14, 51, 88, 125, 162, 199, 236, 17, 54, 91, 128, 165, 202, 239, 20,
	57, 94, 131, 168, 205, 242, 23, 60, 97, 134, 171, 208, 245, 26, 63, 100, 137, 174, 211, 248, 29, 66, 103, 140,
	177, 214, 251, 32, 69, 106, 143, 180, 217, 254, 35, 72, 109, 146, 183, 220, 1, 38,
};

static void sums_in_addresses_are_as_interpreted(void **state)
{
	static const uint32_t values[] = {0, 1, 30, 65535, UINT32_MAX, UINT32_MAX - 4, 70000};

	(void)state;
	exports_are_as_interpreted(slice_of(sums, sizeof sums), 'j', values, ARRAY_COUNT(values));
}

/* The code of a short loop begins in the first half of a line of the cache. Of those nine, two are around others. */
static void short_loops_begin_early_in_a_line(void **state)
{
	unsigned early = 0;
	struct world w;

	(void)state;
	assert_int_equal(code_memory_open(&code), OK);
	load_bytes(&w, slice_of(sums, sizeof sums));
	assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
	assert_int_equal(w.module->native->head_count, tier == WASM_TIER_OPTIMIZED ? 9 : 0);
	for (uint32_t i = 0; i < w.module->native->head_count; i++)
		early += (uintptr_t)(w.module->native->base + w.module->native->heads[i].at) % 64 <= 32;
	assert_true(early >= (tier == WASM_TIER_OPTIMIZED ? 7 : 0));
	close_world(&w);
}

/* How often the code of one function calls another of the module. */
static unsigned calls_in_code(const struct wasm_module *m, uint32_t from, uint32_t to)
{
	const struct native_function *f = &m->native->functions[from];
	const uint8_t *at = m->native->base + f->offset, *end = at + f->size;
	unsigned n = 0;

	for (; end - at >= 5; at++) {
		int32_t d;

		memcpy(&d, at + 1, sizeof d);
		n += at[0] == 0xe8 && at + 5 + d == m->native->base + m->native->functions[to].offset;
	}
	return n;
}

/*
 * 0 divides by its parameter, 1 loads, 2 returns early, branches to its label and has locals, 3 has two results, 4 never
 * returns, 5 calls 2, 6 calls 5 and 0, 7 and 8 call each other, 9 itself. 10-17 "a"-"h" call them: 0; 1 twice; 2; 3; 4 twice;
 * 2, 6 in a loop and 5; 7; 9.
 */
static const uint8_t small_functions[] = {
		0, 97, 115, 109, 1, 0, 0, 0, 1, 17, 3, 96, 1, 127, 1, 127, 96, 2, 127, 127, 2, 127, 127, 96, 1, 127,
		0, 3, 19, 18, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 1, 112,
		0, 1, 5, 3, 1, 0, 1, 7, 33, 8, 1, 97, 0, 10, 1, 98, 0, 11, 1, 99, 0, 12, 1, 100, 0, 13,
		1, 101, 0, 14, 1, 102, 0, 15, 1, 103, 0, 16, 1, 104, 0, 17, 10, 179, 2, 18, 7, 0, 65, 7, 32, 0,
		110, 11, 9, 0, 32, 0, 40, 2, 253, 255, 3, 11, 56, 2, 1, 127, 1, 124, 32, 0, 69, 4, 64, 65, 5, 15,
		11, 65, 6, 32, 0, 65, 3, 73, 13, 0, 26, 32, 0, 65, 1, 106, 33, 0, 32, 1, 32, 2, 171, 106, 33, 1,
		68, 0, 0, 0, 0, 0, 0, 8, 64, 33, 2, 32, 0, 32, 1, 106, 11, 6, 0, 32, 1, 32, 0, 11, 9, 0,
		32, 0, 4, 64, 0, 11, 0, 11, 18, 1, 1, 127, 65, 3, 33, 1, 32, 0, 65, 2, 108, 16, 2, 32, 1, 106,
		11, 11, 0, 32, 0, 16, 5, 32, 0, 16, 0, 106, 11, 17, 0, 32, 0, 4, 127, 32, 0, 65, 1, 107, 16, 8,
		5, 65, 1, 11, 11, 17, 0, 32, 0, 4, 127, 32, 0, 65, 1, 107, 16, 7, 5, 65, 0, 11, 11, 6, 0, 32,
		0, 16, 9, 11, 9, 0, 65, 1, 32, 0, 16, 0, 106, 11, 11, 0, 32, 0, 16, 1, 65, 0, 16, 1, 106, 11,
		9, 0, 65, 10, 32, 0, 16, 2, 108, 11, 10, 0, 32, 0, 65, 228, 0, 16, 3, 107, 11, 29, 0, 32, 0, 65,
		1, 75, 4, 64, 32, 0, 16, 4, 11, 2, 64, 32, 0, 13, 0, 32, 0, 16, 4, 12, 0, 11, 65, 9, 11, 48,
		1, 2, 127, 65, 4, 33, 2, 3, 64, 32, 1, 32, 2, 65, 1, 107, 16, 2, 106, 33, 1, 32, 1, 32, 0, 16,
		6, 106, 33, 1, 32, 2, 65, 1, 107, 34, 2, 13, 0, 11, 32, 1, 32, 1, 16, 5, 106, 11, 10, 0, 32, 0,
		65, 255, 1, 113, 16, 7, 11, 6, 0, 32, 0, 16, 9, 11,
};

static void small_functions_are_inlined(void **state)
{
	static const uint32_t values[] = {0, 1, 2, 3, 8, 200, 65535, UINT32_MAX};
	static const struct {
		uint8_t from, to, optimized, baseline;
	} calls[] = {{10, 0, 0, 1}, {11, 1, 0, 2}, {12, 2, 1, 1}, {13, 3, 0, 1}, {14, 4, 0, 2}, {15, 2, 1, 1}, {15, 5, 0, 1},
		     {15, 6, 0, 1}, {15, 0, 0, 0}, {16, 7, 1, 1}, {16, 8, 0, 0}, {7, 7, 1, 0},	{7, 8, 0, 1},  {17, 9, 1, 1}};
	const struct slice bytes = slice_of(small_functions, sizeof small_functions);
	struct world w;

	(void)state;
	exports_are_as_interpreted(bytes, 'h', values, ARRAY_COUNT(values));
	assert_int_equal(code_memory_open(&code), OK);
	load_bytes(&w, bytes);
	assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++)
		assert_int_equal(calls_in_code(w.module, calls[i].from, calls[i].to),
				 tier == WASM_TIER_OPTIMIZED ? calls[i].optimized : calls[i].baseline);
	close_world(&w);
}

static void inlined_code_traps_where_it_came_from(void **state)
{
	struct world w;

	(void)state;
	assert_int_equal(code_memory_open(&code), OK);
	load_bytes(&w, slice_of(small_functions, sizeof small_functions));
	assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
	instantiate(&w);
	expect_trap(&w, "a", 0, "integer divide by zero in function 0 at offset 0x68");
	expect_trap(&w, "b", 1, "out of bounds memory access in function 1 at offset 0x6e");
	expect_trap(&w, "e", 0, "unreachable executed in function 4 at offset 0xbc");
	expect_trap(&w, "e", 2, "unreachable executed in function 4 at offset 0xba");
	expect_trap(&w, "f", 0, "integer divide by zero in function 0 at offset 0x68");
	close_world(&w);
}

/*
 * 0 and 1 have loops. 2-5 call 0 or 1, as a second parameter says: by if and else, three ifs, br_if, br_table. "a"-"d" (6-9) call
 * them with a constant, by which they call 0; "e" (10) has branches of its own whose conditions are constants, and calls 0.
 */
static void known_conditions_leave_one_way(void **state)
{
	static const uint8_t known[] = {
		0, 97, 115, 109, 1, 0, 0, 0, 1, 12, 2, 96, 1, 127, 1, 127, 96, 2, 127, 127, 1, 127, 3, 12, 11, 0,
		0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 7, 21, 5, 1, 97, 0, 6, 1, 98, 0, 7, 1, 99, 0, 8, 1,
		100, 0, 9, 1, 101, 0, 10, 10, 246, 1, 11, 16, 0, 3, 64, 32, 0, 65, 1, 118, 34, 0, 13, 0, 11, 65,
		21, 11, 16, 0, 3, 64, 32, 0, 65, 2, 118, 34, 0, 13, 0, 11, 65, 22, 11, 19, 0, 32, 1, 65, 5, 72,
		4, 127, 32, 0, 16, 0, 5, 32, 0, 16, 1, 11, 11, 42, 0, 32, 0, 32, 1, 69, 4, 0, 26, 65, 3, 15,
		11, 26, 32, 1, 65, 1, 107, 4, 64, 65, 4, 15, 11, 32, 1, 4, 64, 65, 5, 16, 0, 15, 5, 1, 11, 65,
		7, 16, 1, 11, 31, 0, 2, 64, 2, 64, 32, 1, 13, 0, 32, 0, 16, 1, 15, 11, 32, 1, 69, 13, 0, 32,
		0, 16, 0, 15, 11, 32, 0, 16, 1, 11, 32, 0, 2, 64, 2, 64, 2, 64, 32, 1, 14, 2, 0, 1, 2, 11,
		32, 0, 16, 1, 15, 11, 32, 0, 16, 0, 15, 11, 32, 0, 16, 1, 11, 11, 0, 3, 127, 32, 0, 65, 3, 16,
		2, 11, 11, 11, 0, 3, 127, 32, 0, 65, 1, 16, 3, 11, 11, 11, 0, 3, 127, 32, 0, 65, 9, 16, 4, 11,
		11, 11, 0, 3, 127, 32, 0, 65, 1, 16, 5, 11, 11, 34, 0, 65, 6, 65, 9, 113, 4, 64, 3, 64, 12, 0,
		11, 11, 3, 64, 65, 0, 13, 0, 11, 2, 64, 65, 127, 14, 0, 0, 11, 32, 0, 16, 0, 11,
	};
	static const uint32_t values[] = {0, 1, 1000};
	const struct slice bytes = slice_of(known, sizeof known);
	struct world w;

	(void)state;
	exports_are_as_interpreted(bytes, 'e', values, ARRAY_COUNT(values));
	assert_int_equal(code_memory_open(&code), OK);
	load_bytes(&w, bytes);
	assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
	for (uint32_t n = 6; n <= 10 && tier == WASM_TIER_OPTIMIZED; n++) {
		assert_int_equal(calls_in_code(w.module, n, 0), 1);
		assert_int_equal(calls_in_code(w.module, n, 1), 0);
	}
	close_world(&w);
}

/* ---- modules that are made to be large ---- */

struct bytes {
	uint8_t *data;
	uint32_t size;
};

static void put(struct bytes *b, const void *data, uint32_t size)
{
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

/* LEB128 of five bytes. */
static void put_u32(struct bytes *b, uint32_t v)
{
	for (unsigned i = 0; i < 5; i++)
		b->data[b->size++] = (uint8_t)((v >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
}

/* A section's id and size. */
static void put_section(struct bytes *b, uint8_t id, uint32_t size)
{
	put(b, &id, 1);
	put_u32(b, size);
}

/* Function 0, which adds 1 to its parameter time and again, and others that call it so many times; the first one is "a". */
enum { CALLEE = 37 };
static struct slice many_calls(uint32_t functions, uint32_t calls, struct bytes *b)
{
	static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f};
	static const uint8_t exports[] = {7, 5, 1, 1, 'a', 0, 1};
	static const uint8_t add[] = {0x41, 1, 0x6a}, get[] = {0, 0x20, 0}, end[] = {0x0b}, call0[] = {0x10, 0}, type0[] = {0};

	put(b, head, sizeof head);
	put_section(b, 3, 5 + functions + 1);
	put_u32(b, functions + 1);
	for (uint32_t i = 0; i <= functions; i++)
		put(b, type0, 1);
	put(b, exports, sizeof exports);
	put_section(b, 10, 5 + 5 + CALLEE + functions * (5 + 4 + 2 * calls));
	put_u32(b, functions + 1);
	put_u32(b, CALLEE);
	put(b, get, 3);
	for (unsigned i = 0; i < (CALLEE - 4) / 3; i++)
		put(b, add, 3);
	put(b, end, 1);
	for (uint32_t i = 0; i < functions; i++) {
		put_u32(b, 4 + 2 * calls);
		put(b, get, 3);
		for (uint32_t k = 0; k < calls; k++)
			put(b, call0, 2);
		put(b, end, 1);
	}
	return slice_of(b->data, b->size);
}

/* Calls without end of what is just small enough: as much is inlined as the module is large, and the rest called. */
static void inlining_ends(void **state)
{
	static const struct {
		uint32_t functions, calls;
	} modules[] = {{1, 5000}, {3000, 1}, {200, 30}};
	static const uint32_t values[] = {5};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(modules); i++) {
		uint32_t all = modules[i].functions * modules[i].calls, called = 0;
		struct bytes b = {malloc(1 << 20), 0};
		struct slice bytes = many_calls(modules[i].functions, modules[i].calls, &b);
		struct world w;

		exports_are_as_interpreted(bytes, 'a', values, 1);
		assert_int_equal(code_memory_open(&code), OK);
		load_bytes(&w, bytes);
		assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
		for (uint32_t n = 1; n <= modules[i].functions; n++)
			called += calls_in_code(w.module, n, 0);
		if (tier == WASM_TIER_BASELINE) {
			assert_int_equal(called, all);
		} else {
			assert_int_equal(wasm_code_stats(w.module).optimized, modules[i].functions + 1);
			assert_in_range((all - called) * CALLEE, bytes.size / 4, bytes.size + (8 << 10));
		}
		close_world(&w);
		free(b.data);
	}
}

/* ---- division by constants ---- */

/* Exports "a" to "d" divide an i64 by the constant and "e" to "h" an i32: div_s, div_u, rem_s, rem_u. */
static struct slice divisions_by(int64_t d, struct bytes *b)
{
	static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7e, 1, 0x7e, 3, 9, 8, 0, 0, 0, 0, 0, 0, 0, 0};
	enum { BODY = 18 };

	b->size = 0;
	put(b, head, sizeof head);
	put_section(b, 7, 1 + 8 * 4);
	put(b, "\10", 1);
	for (unsigned i = 0; i < 8; i++)
		put(b, (uint8_t[]){1, (uint8_t)('a' + i), 0, (uint8_t)i}, 4);
	put_section(b, 10, 1 + 8 * (1 + BODY));
	put(b, "\10", 1);
	for (unsigned i = 0; i < 8; i++) {
		const bool wide = i < 4;
		const int64_t k = wide ? d : (int32_t)d;

		put(b, (uint8_t[]){BODY, 0, 0x20, 0, wide ? 0x01 : 0xa7, wide ? 0x42 : 0x41}, 6);
		for (unsigned n = 0; n < (wide ? 9 : 4); n++)
			put(b, (uint8_t[]){(uint8_t)((k >> (7 * n) & 0x7f) | 0x80)}, 1);
		put(b, (uint8_t[]){(uint8_t)(k >> (wide ? 63 : 28) & 0x7f), 1, 1, 1, 1, 1}, wide ? 1 : 6);
		put(b, (uint8_t[]){(uint8_t)((wide ? 0x7f : 0x6d) + i % 4), wide ? 0x01 : 0xac, 0x0b}, 3);
	}
	return slice_of(b->data, b->size);
}

/* false: it traps. */
static bool quotient(unsigned which, int64_t x, int64_t d, int64_t *out)
{
	const bool wide = which < 4;
	const uint64_t ux = wide ? (uint64_t)x : (uint32_t)x, ud = wide ? (uint64_t)d : (uint32_t)d;
	const int64_t least = wide ? INT64_MIN : INT32_MIN;

	x = wide ? x : (int32_t)x;
	d = wide ? d : (int32_t)d;
	if (d == 0 || (which % 4 == 0 && d == -1 && x == least))
		return false;
	switch (which % 4) {
	case 0: *out = x / d; break;
	case 1: *out = (int64_t)(ux / ud); break;
	case 2: *out = d == -1 ? 0 : x % d; break;
	default: *out = (int64_t)(ux % ud); break;
	}
	*out = wide ? *out : (int32_t)*out;
	return true;
}

static void constants_divide(void **state)
{
	static const int64_t divisors[] = {
		0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13, 14, 19, 21, 25, 27, 28, 31, 100, 107, 125, 127, 128, 625, 641, 1000, 3600,
		65535, 65536, 86400, 1000000, 6700417, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x100000000,
		0x100000001, 1000000000, 10000000000, 1000000000000000003, 0x3fffffffffffffff, 0x4000000000000000,
		0x5555555555555555, 0x7ffffffffffffffe, INT64_MAX, INT64_MIN, INT64_MIN + 1, 0x6666666666666667,
		-0x5555555555555556, -0x6db6db6db6db6db7, -1, -2, -3, -5, -6, -7, -10, -64, -1000, -86400, -0x7fffffff, -0x100000000,
	};
	static const uint64_t bases[] = {0, 1, 2, 10, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, INT64_MAX, 0x8000000000000000,
					 UINT64_MAX, 0x123456789abcdef0, 0xfedcba9876543210};
	struct bytes b = {malloc(1 << 12), 0};
	struct wasm_extern *f;
	struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(divisors); i++) {
		assert_int_equal(code_memory_open(&code), OK);
		load_bytes(&w, divisions_by(divisors[i], &b));
		assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
		assert_int_equal(x64_prove(w.module, &w.arena, &w.note), OK);
		instantiate(&w);
		for (unsigned k = 0; k < 8 * ARRAY_COUNT(bases) * 4 * 5; k++) {
			const unsigned which = k % 8;
			/* around the multiples of the divisor next to each */
			const uint64_t base = bases[k / 8 % ARRAY_COUNT(bases)], d = (uint64_t)divisors[i];
			const uint64_t nearest = k / 8 / ARRAY_COUNT(bases) % 4 == 0 || d == 0 ? base : base / d * d * (k / 8 % 3);
			const uint64_t x = nearest + k / 8 / ARRAY_COUNT(bases) / 4 - 2;
			union wasm_value v = {.i64 = x};
			int64_t expected = 0;
			enum err err;

			f = wasm_export(w.instance, slice_of(&"abcdefgh"[which], 1));
			err = wasm_call(w.store, f, &v, &w.note);
			assert_int_equal(err, quotient(which, (int64_t)x, divisors[i], &expected) ? OK : ERR_TRAP);
			if (err == OK && (int64_t)v.i64 != expected)
				fail_msg("%u: %#llx by %lld: %#llx, not %#llx", which, (unsigned long long)x,
					 (long long)divisors[i], (unsigned long long)v.i64, (unsigned long long)expected);
			w.note = (struct note){{0}};
		}
		close_world(&w);
	}
	free(b.data);
}

/* (func) and a passive segment of 60000 bytes: what follows the last body is no part of it. */
static void the_last_body_ends_where_it_says(void **state)
{
	enum { DATA = 60000 };
	static const uint8_t head[] = {
		0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 4, 1, 2, 0, 0x0b,
		11, 0xe5, 0xd4, 3, 1, 1, 0xe0, 0xd4, 3,
	};
	static uint8_t bytes[sizeof head + DATA];
	struct wasm_code_stats stats;
	struct world w;

	(void)state;
	memcpy(bytes, head, sizeof head);
	assert_int_equal(code_memory_open(&code), OK);
	load_bytes(&w, slice_of(bytes, sizeof bytes));
	assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
	stats = wasm_code_stats(w.module);
	assert_int_equal(stats.compiled, 1);
	assert_int_equal(stats.optimized, tier == WASM_TIER_OPTIMIZED ? 1 : 0);
	close_world(&w);
}

/* The largest bodies have no room to inline anything, but are optimized. */
static void large_bodies_are_optimized(void **state)
{
	enum { STEPS = 2300 };
	static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0};
	static const uint8_t local[] = {1, 1, 0x7f}, one[] = {1}, end[] = {0x20, 1, 0x0b};
	/* local 1 += local 0; if (local 1 & 3) local 0 = local 1 * 7 */
	static const uint8_t step[] = {0x20, 0, 0x20, 1, 0x6a, 0x22, 1, 0x41, 3, 0x71, 0x04, 0x40,
				       0x20, 1, 0x41, 7, 0x6c, 0x21, 0, 0x0b};
	struct bytes b = {malloc(1 << 16), 0};
	struct world w;

	(void)state;
	put(&b, head, sizeof head);
	put_section(&b, 10, 1 + 5 + 6 + (uint32_t)sizeof step * STEPS);
	put(&b, one, 1);
	put_u32(&b, 6 + (uint32_t)sizeof step * STEPS);
	put(&b, local, sizeof local);
	for (unsigned i = 0; i < STEPS; i++)
		put(&b, step, sizeof step);
	put(&b, end, sizeof end);
	assert_int_equal(code_memory_open(&code), OK);
	load_bytes(&w, slice_of(b.data, b.size));
	assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
	assert_int_equal(wasm_code_stats(w.module).compiled, 1);
	assert_int_equal(wasm_code_stats(w.module).optimized, tier == WASM_TIER_OPTIMIZED ? 1 : 0);
	close_world(&w);
	free(b.data);
}

/* A body of 24 KB that calls a small one. With less memory the large one gets baseline code, with still less all do. */
static void without_memory_to_optimize_code_is_baseline(void **state)
{
	enum { CALLS = 12000 };
	static const struct {
		size_t memory;
		uint32_t optimized;
	} cases[] = {{28 << 20, 2}, {8 << 20, 1}, {2 << 20, 0}};
	struct bytes b = {malloc(1 << 16), 0};
	struct slice bytes = many_calls(1, CALLS, &b);

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct wasm_code_stats stats;
		struct world w;
		size_t max;
		uint32_t x;

		assert_int_equal(code_memory_open(&code), OK);
		load_bytes(&w, bytes);
		max = w.arena.max;
		w.arena.max = w.arena.used + cases[i].memory;
		assert_true(w.arena.max <= max);
		assert_int_equal(wasm_compile(w.module, tier, NULL, &w.arena, code), OK);
		w.arena.max = max;
		stats = wasm_code_stats(w.module);
		assert_int_equal(stats.compiled, 2);
		assert_int_equal(stats.optimized, tier == WASM_TIER_OPTIMIZED ? cases[i].optimized : 0);
		instantiate(&w);
		assert_int_equal(call(&w, "a", 5, &x), OK);
		assert_int_equal(x, 5 + 11 * CALLS);
		close_world(&w);
	}
	free(b.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_begin_as_null),
		cmocka_unit_test(sums_in_addresses_are_as_interpreted),
		cmocka_unit_test(all_but_one_are_compiled),
		cmocka_unit_test(tiers_and_hosts_call_each_other),
		cmocka_unit_test(results_of_hosts_have_their_width),
		cmocka_unit_test(traps_say_where),
		cmocka_unit_test(recursion_ends_in_a_trap),
		cmocka_unit_test(a_loop_without_end_is_stopped),
		cmocka_unit_test(a_running_loop_goes_on_compiled),
		cmocka_unit_test(short_loops_begin_early_in_a_line),
		cmocka_unit_test(what_is_not_compiled_is_interpreted),
		cmocka_unit_test(other_faults_are_declined),
		cmocka_unit_test(the_last_body_ends_where_it_says),
		cmocka_unit_test(small_functions_are_inlined),
		cmocka_unit_test(inlined_code_traps_where_it_came_from),
		cmocka_unit_test(known_conditions_leave_one_way),
		cmocka_unit_test(inlining_ends),
		cmocka_unit_test(constants_divide),
		cmocka_unit_test(large_bodies_are_optimized),
		cmocka_unit_test(without_memory_to_optimize_code_is_baseline),
	};

	if (code_memory_open(&code) != OK)
		return 1;
	tier = WASM_TIER_OPTIMIZED;
	if (cmocka_run_group_tests_name("optimized", tests, NULL, NULL) != 0)
		return 1;
	tier = WASM_TIER_BASELINE;
	return cmocka_run_group_tests_name("baseline", tests, NULL, NULL);
}
