/* SPDX-License-Identifier: Apache-2.0 */
/* What the core suite does not look at: messages, limits, hosts, and that melting instructions changes no result. */
#include "lib/wasm/wasm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- modules made by hand ---- */

struct bytes {
	uint8_t data[4096];
	size_t size;
};

static void put(struct bytes *b, size_t count, const int *values)
{
	for (size_t i = 0; i < count; i++)
		b->data[b->size++] = (uint8_t)values[i];
}
#define PUT(b, ...) put(b, sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[]){__VA_ARGS__})

static void put_leb(struct bytes *b, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		PUT(b, (int)(v & 0x7f) | 0x80);
	PUT(b, (int)v);
}

static void put_signed(struct bytes *b, int64_t v)
{
	while (v < -64 || v > 63) {
		PUT(b, (int)(v & 0x7f) | 0x80);
		v >>= 7;
	}
	PUT(b, (int)(v & 0x7f));
}

static void put_part(struct bytes *b, const struct bytes *part)
{
	put_leb(b, (uint32_t)part->size);
	memcpy(b->data + b->size, part->data, part->size);
	b->size += part->size;
}

static void put_section(struct bytes *b, int id, const struct bytes *content)
{
	PUT(b, id);
	put_part(b, content);
}

static void header(struct bytes *b)
{
	b->size = 0;
	PUT(b, 0, 'a', 's', 'm', 1, 0, 0, 0);
}

/* One type, one function "f" of it with a memory of one page (at most 3); code begins with the local declarations. */
static struct bytes module_of(const struct bytes *type, const struct bytes *code)
{
	struct bytes b, s = {.size = 0};

	header(&b);
	put_section(&b, 1, type);
	PUT(&s, 1, 0);
	put_section(&b, 3, &s);
	s.size = 0;
	PUT(&s, 1, 1, 1, 3);
	put_section(&b, 5, &s);
	s.size = 0;
	PUT(&s, 1, 1, 'f', 0, 0);
	put_section(&b, 7, &s);
	s.size = 0;
	PUT(&s, 1);
	put_part(&s, code);
	put_section(&b, 10, &s);
	return b;
}

enum { T32 = WASM_I32, T64 = WASM_I64, TF32 = WASM_F32, TF64 = WASM_F64 };

static struct bytes type_of(int count, int param, int result)
{
	struct bytes b = {.size = 0};

	PUT(&b, 1, 0x60, count);
	for (int i = 0; i < count; i++)
		PUT(&b, param);
	if (result != 0)
		PUT(&b, 1, result);
	else
		PUT(&b, 0);
	return b;
}

#define CODE(...) (struct bytes){{__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})}

/* ---- a world to run them in ---- */

struct world {
	struct arena arena;
	uint8_t *linear;
	struct wasm_limits limits;
	struct wasm_module *module;
	struct wasm_store *store;
	struct wasm_instance *instance;
	struct note note;
	unsigned polls;
	uintptr_t polled_at;
	bool refuse_growth;
};

static enum err create(void *ctx, uint32_t pages, uint32_t max_pages, uint8_t **base)
{
	struct world *w = ctx;

	(void)max_pages;
	memset(w->linear, 0, (size_t)pages * WASM_PAGE_SIZE);
	*base = w->linear;
	return OK;
}

static enum err grow(void *ctx, uint8_t *base, uint32_t old_pages, uint32_t pages)
{
	struct world *w = ctx;

	(void)base;
	if (pages <= 3)
		memset(w->linear + (size_t)old_pages * WASM_PAGE_SIZE, 0, (size_t)(pages - old_pages) * WASM_PAGE_SIZE);
	return w->refuse_growth || pages > 3 ? ERR_NOMEM : OK;
}

static enum err poll(void *ctx)
{
	struct world *w = ctx;

	return ++w->polls == 3 ? ERR_STOPPED : OK;
}

enum { ARENA = 8 << 20 };

/* One world at a time, over the same memory: thousands are made. */
static void open_world(struct world *w)
{
	static uint8_t memory[ARENA], linear[3 * WASM_PAGE_SIZE];

	*w = (struct world){.limits = wasm_default_limits(), .linear = linear};
	w->limits.stack_bytes = 1 << 14;
	w->limits.locals_per_function = 100;
	w->arena = arena_of(memory, ARENA);
}

static enum err load(struct world *w, const struct bytes *b)
{
	memset(&w->note, 0, sizeof w->note);
	return wasm_load(&w->arena, &w->arena, slice_of(b->data, b->size), &w->limits, &w->module, &w->note);
}

static void start(struct world *w, const struct bytes *b, struct wasm_extern *const *imports)
{
	if (load(w, b) != OK)
		fail_msg("%s", w->note.text);
	if (w->store == NULL)
		assert_int_equal(wasm_store_new(&w->arena, &w->limits, (struct wasm_memory_ops){.create = create, .grow = grow, .ctx = w},
						(struct wasm_poll){poll, w}, &w->store), OK);
	assert_int_equal(wasm_instantiate(w->store, &w->arena, w->module, imports, &w->instance, &w->note), OK);
}

static enum err call(struct world *w, union wasm_value *values)
{
	memset(&w->note, 0, sizeof w->note);
	return wasm_call(w->store, wasm_export(w->instance, slice_text("f")), values, &w->note);
}

/* Runs f(a, b) of the code and gives the result's bits. */
static enum err evaluate(int type, int result, const struct bytes *code, uint64_t a, uint64_t b, uint64_t *out)
{
	struct bytes t = type_of(2, type, result), m = module_of(&t, code);
	union wasm_value v[2] = {{.i64 = a}, {.i64 = b}};
	struct world w;
	enum err err;

	open_world(&w);
	start(&w, &m, NULL);
	for (int i = 0; i < 256; i++)
		w.linear[i] = (uint8_t)(i * 11);
	err = call(&w, v);
	*out = v[0].i64;
	return err;
}

/* ---- refusals ---- */

static void refused(const struct bytes *type, const struct bytes *code, enum err want, const char *text)
{
	struct bytes m = module_of(type, code);
	struct world w;

	open_world(&w);
	assert_int_equal(load(&w, &m), want);
	assert_string_equal(w.note.text, text);
	assert_int_equal(w.arena.used, 0);
}

static void refusals_say_where_and_why(void **state)
{
	struct bytes none = type_of(0, 0, 0), to_i32 = type_of(0, 0, T32);

	(void)state;
	refused(&to_i32, &CODE(0, 0x42, 1, 0x0b), ERR_INVALID,
		"code section, function 0 \"f\", offset 0x27: type mismatch: expected i32, found i64");
	refused(&to_i32, &CODE(0, 0x0b), ERR_INVALID,
		"code section, function 0 \"f\", offset 0x25: type mismatch: expected i32, found an empty stack");
	refused(&none, &CODE(0, 0x20, 0, 0x0b), ERR_INVALID,
		"code section, function 0 \"f\", offset 0x24: unknown local 0 (there are 0)");
	refused(&none, &CODE(0, 0x41, 0, 0xfd, 0, 5, 0, 0x1a, 0x0b), ERR_INVALID,
		"code section, function 0 \"f\", offset 0x26: alignment must not be larger than natural (2^4)");
	refused(&none, &CODE(1, 1, 0x7b, 0x20, 0, 0xfd, 0x1b, 4, 0x1a, 0x0b), ERR_INVALID,
		"code section, function 0 \"f\", offset 0x28: invalid lane index 4 (there are 4)");
	refused(&none, &CODE(0, 0xfd, 0x9a, 1, 0x0b), ERR_FORMAT,
		"code section, function 0 \"f\", offset 0x24: illegal opcode 0xfd 0x9a");
	refused(&none, &CODE(0, 0x06, 0x0b), ERR_FORMAT,
		"code section, function 0 \"f\", offset 0x24: illegal opcode 0x6");
	refused(&none, &CODE(0, 0x01), ERR_FORMAT,
		"code section, function 0 \"f\", offset 0x25: the body ends before its end instruction");
	refused(&none, &CODE(0, 0x0b, 0x01), ERR_FORMAT, "code section, function 0 \"f\", offset 0x24: 1 bytes follow the end of the body");
	refused(&none, &CODE(0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x70, 0x1a, 0x0b), ERR_FORMAT,
		"code section, function 0 \"f\", offset 0x24: a constant: integer representation too long or too large");
	refused(&none, &CODE(0, 0x41, 0, 0x2d, 1, 0, 0x1a, 0x0b), ERR_INVALID,
		"code section, function 0 \"f\", offset 0x26: alignment must not be larger than natural (2^0)");
	refused(&none, &CODE(0, 0xd2, 0, 0x1a, 0x0c, 1, 0x0b), ERR_INVALID,
		"code section, function 0 \"f\", offset 0x27: unknown label 1 (there are 1)");
}

static struct bytes small_module(void)
{
	struct bytes t = type_of(2, T32, T32);

	return module_of(&t, &CODE(1, 2, T64, 0x20, 0, 0x20, 1, 0x6a, 0x02, 0x40, 0x20, 0, 0x0d, 0, 0x01, 0x0b, 0x0b));
}

static void every_shorter_module_is_refused(void **state)
{
	struct bytes m = small_module();
	struct world w;

	(void)state;
	open_world(&w);
	for (size_t size = 0; size < m.size; size++) {
		struct bytes part = m;
		enum err err;

		part.size = size;
		err = load(&w, &part);
		/* Between sections a shorter module is a module, when nothing is missing for what is there. */
		if (err == OK) {
			assert_true(size == 8 || size == 17);
			continue;
		}
		assert_int_equal(err, ERR_FORMAT);
		assert_true(w.note.text[0] != 0);
	}
	assert_int_equal(load(&w, &m), OK);
}

static void every_flipped_bit_is_survived(void **state)
{
	struct bytes m = small_module();
	union wasm_value v[2];
	struct world w;

	(void)state;
	for (size_t bit = 0; bit < m.size * 8; bit++) {
		struct bytes bad = m;

		bad.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		open_world(&w);
		if (load(&w, &bad) != OK) {
			assert_true(w.note.text[0] != 0);
			assert_int_equal(w.arena.used, 0);
		} else if (wasm_import_count(w.module) == 0) {
			start(&w, &bad, NULL);
			memset(v, 0, sizeof v);
			if (wasm_export(w.instance, slice_text("f")) != NULL &&
			    wasm_extern_kind(wasm_export(w.instance, slice_text("f"))) == WASM_FUNC)
				(void)!call(&w, v);
		}
		}
}

static void not_a_module(void **state)
{
	struct bytes b = {.size = 0};
	struct world w;

	(void)state;
	open_world(&w);
	assert_int_equal(load(&w, &b), ERR_FORMAT);
	assert_string_equal(w.note.text, "module, offset 0x0: magic header not detected: this is not a WebAssembly module");
	PUT(&b, 0, 'a', 's', 'm', 2, 0, 0, 0);
	assert_int_equal(load(&w, &b), ERR_FORMAT);
	assert_string_equal(w.note.text, "module, offset 0x4: unknown binary version, only 1 is known");
}

static void limits_hold(void **state)
{
	struct bytes none = type_of(0, 0, 0), m = module_of(&none, &CODE(1, 0xe9, 0x07, T32, 0x0b));
	struct world w;

	(void)state;
	open_world(&w);
	w.limits.locals_per_function = 1001;
	assert_int_equal(load(&w, &m), OK);
	w.limits.locals_per_function = 1000;
	assert_int_equal(load(&w, &m), ERR_LIMIT);
	assert_string_equal(w.note.text, "code section, function 0 \"f\", offset 0x24: 1001 locals, at most 1000 are allowed");
	w.limits = wasm_default_limits();
	w.limits.functions = 0;
	assert_int_equal(load(&w, &m), ERR_LIMIT);
	assert_string_equal(w.note.text, "function section, offset 0x11: 1 functions, at most 0 are allowed");
	w.limits = wasm_default_limits();
	w.arena.max = w.arena.committed = w.arena.used + 100;
	assert_int_equal(load(&w, &m), ERR_NOMEM);
	assert_true(w.note.text[0] != 0);
}

/* ---- traps ---- */

static void trapped(const struct bytes *code, const char *text)
{
	struct bytes none = type_of(0, 0, 0), m = module_of(&none, code);
	union wasm_value v;
	struct world w;

	open_world(&w);
	start(&w, &m, NULL);
	assert_int_equal(call(&w, &v), ERR_TRAP);
	assert_string_equal(w.note.text, text);
}

static void traps_say_where(void **state)
{
	(void)state;
	trapped(&CODE(0, 0x01, 0x00, 0x0b), "unreachable executed in function 0 \"f\" at offset 0x25");
	trapped(&CODE(0, 0x41, 1, 0x41, 0, 0x6d, 0x1a, 0x0b), "integer divide by zero in function 0 \"f\" at offset 0x28");
	trapped(&CODE(0, 0x41, 0x7f, 0x28, 2, 0, 0x1a, 0x0b), "out of bounds memory access in function 0 \"f\" at offset 0x26");
	trapped(&CODE(0, 0x43, 0, 0, 0xc0, 0x7f, 0xa8, 0x1a, 0x0b),
		"invalid conversion to integer in function 0 \"f\" at offset 0x29");
	trapped(&CODE(0, 0x10, 0, 0x0b), "call stack exhausted in function 0 \"f\" at offset 0x24");
}

static void a_loop_without_end_is_stopped(void **state)
{
	struct bytes none = type_of(0, 0, 0), m = module_of(&none, &CODE(0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b));
	union wasm_value v;
	struct world w;

	(void)state;
	open_world(&w);
	start(&w, &m, NULL);
	assert_int_equal(call(&w, &v), ERR_STOPPED);
	assert_int_equal(w.polls, 3);
	/* The store is as good as before. */
	w.polls = 0;
	assert_int_equal(call(&w, &v), ERR_STOPPED);
}

static enum err watch_stack(void *ctx)
{
	struct world *w = ctx;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	if (w->polls++ == 0)
		w->polled_at = here;
	return w->polls == 1000 ? ERR_STOPPED : here == w->polled_at ? OK : ERR_LIMIT;
}

static void a_poll_leaves_nothing_on_the_stack(void **state)
{
	struct bytes none = type_of(0, 0, 0), m = module_of(&none, &CODE(0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b));
	union wasm_value v;
	struct world w;

	(void)state;
	open_world(&w);
	w.limits.poll_interval = 1;
	assert_int_equal(wasm_store_new(&w.arena, &w.limits, (struct wasm_memory_ops){.create = create, .grow = grow, .ctx = &w},
					(struct wasm_poll){watch_stack, &w}, &w.store), OK);
	start(&w, &m, NULL);
	assert_int_equal(call(&w, &v), ERR_STOPPED);
	assert_int_equal(w.polls, 1000);
}

/* ---- hosts ---- */

/* Imports "e" "h": i32 -> i32 and hands its argument to it. */
static struct bytes caller_module(void)
{
	struct bytes b, s = {.size = 0};

	header(&b);
	PUT(&s, 1, 0x60, 1, T32, 1, T32);
	put_section(&b, 1, &s);
	s.size = 0;
	PUT(&s, 1, 1, 'e', 1, 'h', 0, 0);
	put_section(&b, 2, &s);
	s.size = 0;
	PUT(&s, 1, 0);
	put_section(&b, 3, &s);
	s.size = 0;
	PUT(&s, 1, 1, 1, 3);
	put_section(&b, 5, &s);
	s.size = 0;
	PUT(&s, 1, 1, 'f', 0, 1);
	put_section(&b, 7, &s);
	s.size = 0;
	PUT(&s, 1, 8, 0, 0x20, 0, 0x10, 0, 0x41, 1, 0x6a);
	s.data[1] = 9;
	PUT(&s, 0x0b);
	put_section(&b, 10, &s);
	return b;
}

/* 0: back into the program without end; 1: exit; 2: a trap; 3: uses the memory; else doubles. */
static enum err host(void *ctx, struct wasm_caller *c, union wasm_value *v)
{
	struct world *w = ctx;
	uint64_t size;

	switch (v[0].i32) {
	case 0: return wasm_call(w->store, wasm_export(w->instance, slice_text("f")), v, &w->note);
	case 1: return ERR_EXIT;
	case 2: return wasm_trap(c, "the host said no");
	case 3:
		assert_ptr_equal(wasm_caller_memory(c, &size), w->linear);
		assert_int_equal(size, WASM_PAGE_SIZE);
		assert_ptr_equal(wasm_caller_range(c, 10, WASM_PAGE_SIZE - 10), w->linear + 10);
		assert_non_null(wasm_caller_range(c, WASM_PAGE_SIZE, 0));
		assert_null(wasm_caller_range(c, 10, WASM_PAGE_SIZE - 9));
		assert_null(wasm_caller_range(c, WASM_PAGE_SIZE + 1, 0));
		assert_null(wasm_caller_range(c, 1, UINT64_MAX));
		return OK;
	default: v[0].i32 *= 2; return OK;
	}
}

static void hosts_are_called(void **state)
{
	static const uint8_t i32[] = {WASM_I32};
	struct bytes m = caller_module();
	struct wasm_extern *import;
	union wasm_value v = {.i32 = 21};
	struct world w;

	(void)state;
	open_world(&w);
	assert_int_equal(wasm_store_new(&w.arena, &w.limits, (struct wasm_memory_ops){.create = create, .grow = grow, .ctx = &w},
					(struct wasm_poll){0}, &w.store), OK);
	import = wasm_host_func(w.store, (struct wasm_functype){1, 1, i32, i32}, host, &w);
	start(&w, &m, &import);
	assert_int_equal(call(&w, &v), OK);
	assert_int_equal(v.i32, 43);
	v.i32 = 1;
	assert_int_equal(call(&w, &v), ERR_EXIT);
	v.i32 = 2;
	assert_int_equal(call(&w, &v), ERR_TRAP);
	assert_string_equal(w.note.text, "the host said no in function 1 \"f\" at offset 0x31");
	wasm_name(w.module, slice_text("a \"lib\""));
	v.i32 = 2;
	assert_int_equal(call(&w, &v), ERR_TRAP);
	assert_string_equal(w.note.text, "the host said no in function 1 \"f\" of module \"a ?lib?\" at offset 0x31");
	assert_true(wasm_exports_function(w.module, slice_text("f")) && !wasm_exports_function(w.module, slice_text("g")));
	v.i32 = 3;
	assert_int_equal(call(&w, &v), OK);
	v.i32 = 0;
	assert_int_equal(call(&w, &v), ERR_TRAP);
	assert_non_null(strstr(w.note.text, "call stack exhausted"));
	v.i32 = 4;
	assert_int_equal(call(&w, &v), OK);
	assert_int_equal(v.i32, 9);
}

static void wrong_imports_are_named(void **state)
{
	static const uint8_t i64[] = {WASM_I64};
	uint8_t many[1000];
	struct bytes m = caller_module();
	struct wasm_extern *import = NULL;
	struct world w;

	(void)state;
	memset(many, WASM_I64, sizeof many);
	open_world(&w);
	assert_int_equal(wasm_store_new(&w.arena, &w.limits, (struct wasm_memory_ops){.create = create, .grow = grow, .ctx = &w},
					(struct wasm_poll){0}, &w.store), OK);
	assert_int_equal(load(&w, &m), OK);
	assert_int_equal(wasm_instantiate(w.store, &w.arena, w.module, &import, &w.instance, &w.note), ERR_UNLINKABLE);
	assert_string_equal(w.note.text, "unknown import: the module wants the function \"e\" \"h\" (import 0)");
	memset(&w.note, 0, sizeof w.note);
	import = wasm_host_func(w.store, (struct wasm_functype){1, 1, i64, i64}, host, &w);
	assert_int_equal(wasm_instantiate(w.store, &w.arena, w.module, &import, &w.instance, &w.note), ERR_UNLINKABLE);
	assert_string_equal(w.note.text, "incompatible import type: the module wants the function \"e\" \"h\" (import 0) as "
	                    "(i32) -> (i32); it is (i64) -> (i64)");
	memset(&w.note, 0, sizeof w.note);
	import = wasm_new_memory(w.store, 1, 2);
	assert_int_equal(wasm_instantiate(w.store, &w.arena, w.module, &import, &w.instance, &w.note), ERR_UNLINKABLE);
	assert_string_equal(w.note.text, "incompatible import type: the module wants the function \"e\" \"h\" (import 0) as "
	                    "(i32) -> (i32); it is memory 1 to 2");
	memset(&w.note, 0, sizeof w.note);
	import = wasm_host_func(w.store, (struct wasm_functype){ARRAY_COUNT(many), 0, many, NULL}, host, &w);
	assert_int_equal(wasm_instantiate(w.store, &w.arena, w.module, &import, &w.instance, &w.note), ERR_UNLINKABLE);
	assert_non_null(strstr(w.note.text, "it is (i64, i64, i64, "));
	assert_string_equal(w.note.text + strlen(w.note.text) - 3, "...");
}

static void growth_may_be_refused(void **state)
{
	struct bytes t = type_of(1, T32, T32), m = module_of(&t, &CODE(0, 0x20, 0, 0x40, 0, 0x0b));
	union wasm_value v = {.i32 = 1};
	struct world w;

	(void)state;
	open_world(&w);
	start(&w, &m, NULL);
	assert_int_equal(call(&w, &v), OK);
	assert_int_equal(v.i32, 1);
	v.i32 = 2; /* past the maximum */
	assert_int_equal(call(&w, &v), OK);
	assert_int_equal(v.i32, UINT32_MAX);
	w.refuse_growth = true;
	v.i32 = 1;
	assert_int_equal(call(&w, &v), OK);
	assert_int_equal(v.i32, UINT32_MAX);
	v.i32 = 0;
	assert_int_equal(call(&w, &v), OK);
	assert_int_equal(v.i32, 2);
}

/* ---- melting changes no result: the same code with an empty block in between, which keeps things apart ---- */

static const uint64_t samples[][2] = {{0, 0},	       {1, 2},		 {0xffffffff, 3}, {0x80000000, 0xffffffff},
				      {12345678, 31},  {UINT64_MAX, 64}, {1ull << 63, 1}, {0x3ff8000000000000, 0x4008000000000000},
				      {0x3fc00000, 0x40400000}};

static void barrier(struct bytes *code, bool apart)
{
	if (apart)
		PUT(code, 0x02, 0x40, 0x0b);
}

static void constant(struct bytes *code, int type)
{
	switch (type) {
	case T32: PUT(code, 0x41, 0x85, 0x02); return;                /* 261 */
	case T64: PUT(code, 0x42, 0x7d); return;                      /* -3 */
	case TF32: PUT(code, 0x43, 0, 0, 0x20, 0x40); return;         /* 2.5 */
	default: PUT(code, 0x44, 0, 0, 0, 0, 0, 0, 0x0c, 0x40); return; /* 3.5 */
	}
}

/* form: bit 0 the first has a constant, bit 1 the second has one, bit 2 the first's result is the second operand. */
static struct bytes pair(int type, int first, int second, int form, bool apart)
{
	struct bytes code = CODE(0);

	if ((form & 4) != 0) {
		if ((form & 2) != 0)
			constant(&code, type);
		else
			PUT(&code, 0x20, 1);
	}
	PUT(&code, 0x20, 0);
	if ((form & 1) != 0)
		constant(&code, type);
	else
		PUT(&code, 0x20, 1);
	PUT(&code, first);
	barrier(&code, apart);
	if ((form & 4) == 0) {
		if ((form & 2) != 0)
			constant(&code, type);
		else
			PUT(&code, 0x20, 1);
	}
	PUT(&code, second, 0x0b);
	return code;
}

static void same_result(int type, int result, const struct bytes *one, const struct bytes *other, const char *what, int a, int b)
{
	for (size_t i = 0; i < ARRAY_COUNT(samples); i++) {
		uint64_t x = 1, y = 2;
		enum err e1 = evaluate(type, result, one, samples[i][0], samples[i][1], &x);
		enum err e2 = evaluate(type, result, other, samples[i][0], samples[i][1], &y);

		if (e1 != e2 || (e1 == OK && x != y))
			fail_msg("%s 0x%x 0x%x, sample %zu: 0x%llx and 0x%llx", what, (unsigned)a, (unsigned)b, i,
				 (unsigned long long)x, (unsigned long long)y);
	}
}

static void pairs_of_type(int type, int begin, int end)
{
	for (int first = begin; first <= end; first++)
		for (int second = begin; second <= end; second++)
			for (int form = 0; form < 8; form++) {
				struct bytes one = pair(type, first, second, form, false);
				struct bytes other = pair(type, first, second, form, true);

				same_result(type, type, &one, &other, "pair", first, second);
			}
}

static void pairs_give_the_same_apart(void **state)
{
	(void)state;
	pairs_of_type(T32, 0x6a, 0x78);
	pairs_of_type(T64, 0x7c, 0x8a);
	pairs_of_type(TF32, 0x92, 0x98);
	pairs_of_type(TF64, 0xa0, 0xa6);
}

/* A comparison, eqz or and, then a branch on it. */
static struct bytes branch(int type, int compare, int form, bool apart)
{
	struct bytes code = CODE(0, 0x02, 0x40);

	PUT(&code, 0x20, 0);
	if ((form & 1) != 0)
		constant(&code, type);
	else
		PUT(&code, 0x20, 1);
	PUT(&code, compare);
	barrier(&code, apart);
	if ((form & 2) != 0)
		PUT(&code, 0x04, 0x40, 0x41, 7, 0x0f, 0x0b, 0x0b, 0x41, 9, 0x0b);
	else
		PUT(&code, 0x0d, 0, 0x41, 7, 0x0f, 0x0b, 0x41, 9, 0x0b);
	return code;
}

static void branches_give_the_same_apart(void **state)
{
	static const int rows[][3] = {{T32, 0x46, 0x4f}, {T64, 0x51, 0x5a}, {TF32, 0x5b, 0x60}, {TF64, 0x61, 0x66},
				      {T32, 0x71, 0x71}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		for (int compare = rows[i][1]; compare <= rows[i][2]; compare++)
			for (int form = 0; form < 4; form++) {
				struct bytes one = branch(rows[i][0], compare, form, false);
				struct bytes other = branch(rows[i][0], compare, form, true);

				same_result(rows[i][0], T32, &one, &other, "branch", compare, form);
			}
}

/* eqz of a comparison, then a branch; a sum in an operation; a load in an operation. */
static void chains_give_the_same_apart(void **state)
{
	(void)state;
	for (int second = 0x6a; second <= 0x78; second++)
		for (int form = 0; form < 4; form++) {
			struct bytes code[2];

			for (int apart = 0; apart < 2; apart++) {
				struct bytes *c = &code[apart];

				*c = CODE(0);
				if ((form & 1) != 0)
					PUT(c, 0x20, 1);
				PUT(c, 0x20, 0, 0x41, 0x1f, 0x71);
				barrier(c, apart);
				if ((form & 2) != 0)
					PUT(c, 0x28, 2, 4);
				else
					PUT(c, 0x41, 0x7d, 0x6a);
				barrier(c, apart);
				if ((form & 1) == 0)
					PUT(c, 0x20, 1);
				PUT(c, second, 0x0b);
			}
			same_result(T32, T32, &code[0], &code[1], "chain", second, form);
		}
	for (int compare = 0x46; compare <= 0x4f; compare++) {
		struct bytes one = CODE(0, 0x02, 0x40, 0x20, 0, 0x20, 1, (uint8_t)compare, 0x45, 0x0d, 0, 0x41, 7, 0x0f, 0x0b, 0x41, 9, 0x0b);
		struct bytes other = CODE(0, 0x02, 0x40, 0x20, 0, 0x20, 1, (uint8_t)compare, 0x02, 0x40, 0x0b, 0x45, 0x02, 0x40, 0x0b, 0x0d, 0,
					  0x41, 7, 0x0f, 0x0b, 0x41, 9, 0x0b);

		same_result(T32, T32, &one, &other, "eqz", compare, 0);
	}
}

/* Loads and stores at (a [+ (b << shift)]) + k + offset, in all combinations. */
static struct bytes access(int form, bool apart)
{
	struct bytes code = CODE(0);

	PUT(&code, 0x20, 0, 0x41, 0x1f, 0x71);
	if ((form & 1) != 0)
		PUT(&code, 0x20, 1, 0x41, 0x03, 0x71, 0x41, 0x02, 0x74);
	barrier(&code, apart);
	if ((form & 1) != 0)
		PUT(&code, 0x6a);
	barrier(&code, apart);
	if ((form & 2) != 0)
		PUT(&code, 0x41, (form & 4) != 0 ? 0x70 : 0x08, (form & 4) != 0 ? 0x6b : 0x6a);
	barrier(&code, apart);
	if ((form & 8) != 0) {
		struct bytes store = CODE(0x20, 1, 0x36, 2);

		memcpy(code.data + code.size, store.data, store.size);
		code.size += store.size;
		put_leb(&code, (form & 16) != 0 ? 70000 : 12);
		PUT(&code, 0x41, 0, 0x28, 2);
		put_leb(&code, (form & 16) != 0 ? 70016 : 32);
	} else {
		PUT(&code, 0x2f, 1);
		put_leb(&code, (form & 16) != 0 ? 70000 : 0);
	}
	PUT(&code, 0x0b);
	return code;
}

static void accesses_give_the_same_apart(void **state)
{
	(void)state;
	for (int form = 0; form < 32; form++) {
		struct bytes one = access(form, false), other = access(form, true);

		same_result(T32, T32, &one, &other, "access", form, 0);
	}
}

/* do { b += a; a += step; } while (condition); the barrier keeps counter and test apart. */
static struct bytes counting(int form, bool apart)
{
	struct bytes code = CODE(1, 1, T32, 0x41, 0, 0x21, 2, 0x41, 0xe4, 0, 0x21, 0, 0x41, 0xec, 0, 0x21, 1, 0x03, 0x40);

	PUT(&code, 0x20, 2, 0x20, 0, 0x6a, 0x21, 2, 0x20, 0);
	put_leb(&code, 0x41);
	put_signed(&code, form == 0 ? -1 : 2);
	PUT(&code, 0x6a, 0x22, 0);
	barrier(&code, apart);
	switch (form) {
	case 0: break;
	case 1: PUT(&code, 0x41, 0xec, 0, 0x47); break;
	case 2: PUT(&code, 0x20, 1, 0x47); break;
	case 3: PUT(&code, 0x41, 0xeb, 0, 0x49); break;
	case 4: PUT(&code, 0x20, 1, 0x49); break;
	default: PUT(&code, 0x20, 0, 0x47); break; /* against itself */
	}
	barrier(&code, apart);
	PUT(&code, 0x0d, 0, 0x0b, 0x20, 2, 0x20, 0, 0x6a, 0x0b);
	return code;
}

static void counting_loops_give_the_same_apart(void **state)
{
	(void)state;
	for (int form = 0; form < 6; form++) {
		struct bytes one = counting(form, false), other = counting(form, true);

		same_result(T32, T32, &one, &other, "counting", form, 0);
	}
}

static void expect(const struct bytes *code, uint64_t a, uint64_t b, uint64_t want)
{
	uint64_t have;

	assert_int_equal(evaluate(T32, T32, code, a, b, &have), OK);
	assert_int_equal(have, want);
}

/* Operands that are still in a local keep the value they had. */
static void locals_keep_old_values(void **state)
{
	(void)state;
	/* a; a = 5; result a - a' */
	expect(&CODE(0, 0x20, 0, 0x41, 5, 0x21, 0, 0x20, 0, 0x6b, 0x0b), 12, 0, 7);
	/* a, a + 1; a = b; b */
	expect(&CODE(0, 0x20, 0, 0x20, 0, 0x41, 1, 0x6a, 0x20, 1, 0x21, 0, 0x6c, 0x0b), 6, 100, 42);
	/* swap by the stack, then a - b */
	expect(&CODE(0, 0x20, 0, 0x20, 1, 0x21, 0, 0x21, 1, 0x20, 0, 0x20, 1, 0x6b, 0x0b), 3, 10, 7);
	/* tee in the middle: a + (a = b) + a */
	expect(&CODE(0, 0x20, 0, 0x20, 1, 0x22, 0, 0x6a, 0x20, 0, 0x6a, 0x0b), 1, 20, 41);
	/* a computed value does not overwrite the local while its old value is waiting: a - (a = a * b) */
	expect(&CODE(0, 0x20, 0, 0x20, 0, 0x20, 1, 0x6c, 0x22, 0, 0x6b, 0x20, 0, 0x6a, 0x0b), 5, 6, 5);
	/* across a block: a; { a = 9 if b } ; minus a */
	expect(&CODE(0, 0x20, 0, 0x20, 1, 0x04, 0x40, 0x41, 9, 0x21, 0, 0x0b, 0x20, 0, 0x6b, 0x0b), 20, 1, 11);
	expect(&CODE(0, 0x20, 0, 0x20, 1, 0x04, 0x40, 0x41, 9, 0x21, 0, 0x0b, 0x20, 0, 0x6b, 0x0b), 20, 0, 0);
}

/* Locals begin as zeros, but for references, which begin as null (4.4.10): first, last and between numbers. */
static void references_begin_as_null(void **state)
{
	(void)state;
	expect(&CODE(3, 3, 0x70, 1, 0x7f, 20, 0x6f, 0x20, 2, 0xd1, 0x20, 4, 0xd1, 0x6a, 0x20, 25, 0xd1, 0x6a, 0x20, 5, 0x6a,
	             0x0b),
	       0, 0, 3);
	/* a vector moves all slots behind it */
	expect(&CODE(3, 1, 0x7b, 2, 0x6f, 1, 0x7f, 0x20, 3, 0xd1, 0x20, 4, 0xd1, 0x6a, 0x20, 5, 0x6a, 0x0b), 0, 0, 2);
}

static void branches_carry_values(void **state)
{
	(void)state;
	/* a constant beneath, a value through br_if out of a block */
	expect(&CODE(0, 0x41, 3, 0x02, 0x7f, 0x41, 40, 0x20, 0, 0x0d, 0, 0x1a, 0x20, 1, 0x0b, 0x6a, 0x0b), 1, 7, 43);
	expect(&CODE(0, 0x41, 3, 0x02, 0x7f, 0x41, 40, 0x20, 0, 0x0d, 0, 0x1a, 0x20, 1, 0x0b, 0x6a, 0x0b), 0, 7, 10);
	/* br_table with a value, from a higher stack; out of the function, too */
	expect(&CODE(0, 0x02, 0x7f, 0x41, 1, 0x20, 1, 0x20, 0, 0x0e, 1, 0, 1, 0x0b, 0x41, 0xe4, 0, 0x6a, 0x0b), 0, 7, 107);
	expect(&CODE(0, 0x02, 0x7f, 0x41, 1, 0x20, 1, 0x20, 0, 0x0e, 1, 0, 1, 0x0b, 0x41, 1, 0x6a, 0x0b), 9, 7, 7);
	/* br_table on a sum */
	expect(&CODE(0, 0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x41, 0x7d, 0x6a, 0x0e, 1, 0, 1, 0x0b, 0x41, 7, 0x0f, 0x0b, 0x41, 9, 0x0b), 3, 0, 7);
	expect(&CODE(0, 0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x41, 0x7d, 0x6a, 0x0e, 1, 0, 1, 0x0b, 0x41, 7, 0x0f, 0x0b, 0x41, 9, 0x0b), 2, 0, 9);
	/* a constant, and a sum, that br_if would return: both are there when it does not */
	expect(&CODE(0, 0x41, 7, 0x20, 0, 0x0d, 0, 0x41, 1, 0x6a, 0x0b), 0, 0, 8);
	expect(&CODE(0, 0x41, 7, 0x20, 0, 0x0d, 0, 0x41, 1, 0x6a, 0x0b), 1, 0, 7);
	expect(&CODE(0, 0x20, 1, 0x41, 5, 0x6a, 0x20, 0, 0x0d, 0, 0x20, 1, 0x6c, 0x0b), 0, 2, 14);
	expect(&CODE(0, 0x20, 1, 0x41, 5, 0x6a, 0x20, 0, 0x0d, 0, 0x20, 1, 0x6c, 0x0b), 1, 2, 7);
	/* a sum that is not made yet, as a result */
	expect(&CODE(0, 0x02, 0x7f, 0x20, 0, 0x41, 5, 0x6a, 0x0c, 0, 0x0b, 0x0b), 37, 0, 42);
	expect(&CODE(0, 0x20, 0, 0x41, 5, 0x6a, 0x41, 2, 0x6b, 0x0f, 0x0b), 39, 0, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_say_where_and_why),
		cmocka_unit_test(every_shorter_module_is_refused),
		cmocka_unit_test(every_flipped_bit_is_survived),
		cmocka_unit_test(not_a_module),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(traps_say_where),
		cmocka_unit_test(a_loop_without_end_is_stopped),
		cmocka_unit_test(a_poll_leaves_nothing_on_the_stack),
		cmocka_unit_test(hosts_are_called),
		cmocka_unit_test(wrong_imports_are_named),
		cmocka_unit_test(growth_may_be_refused),
		cmocka_unit_test(pairs_give_the_same_apart),
		cmocka_unit_test(branches_give_the_same_apart),
		cmocka_unit_test(chains_give_the_same_apart),
		cmocka_unit_test(accesses_give_the_same_apart),
		cmocka_unit_test(counting_loops_give_the_same_apart),
		cmocka_unit_test(locals_keep_old_values),
		cmocka_unit_test(references_begin_as_null),
		cmocka_unit_test(branches_carry_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
