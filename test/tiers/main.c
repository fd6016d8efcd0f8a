/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiers FIRST COUNT: random modules number FIRST and on run in the interpreter, compiled, and begun in the interpreter
 * and compiled on the way. Results, traps (reason, function and offset), memory and globals must be the same, and the
 * machine code must be what the checker's decoder knows. tiers FIRST: writes that module to standard output.
 */
#include "lib/wasm/x64/native.h"
#include "lib/wasm/x64check/decode.h"
#include "sys/code.h"
#include "test/tiers/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CALLS = 12, PAGES_MAX = 3 };
static const size_t ARENA = (size_t)256 << 20;

struct outcome {
	enum err err;
	union wasm_value value;
	char why[NOTE_MAX];
};

struct run {
	struct outcome calls[CALLS];
	uint64_t globals[5];
	uint8_t *memory;
	uint64_t memory_size;
};

static enum err create(void *ctx, uint32_t pages, uint32_t max_pages, uint8_t **base)
{
	uint8_t **memory = ctx;

	(void)max_pages;
	*base = *memory = code_linear_new(pages);
	return *base == NULL ? ERR_NOMEM : OK;
}

static enum err grow(void *ctx, uint8_t *base, uint32_t old_pages, uint32_t pages)
{
	(void)ctx;
	(void)old_pages;
	return code_linear_grow(base, pages);
}

static void must(enum err err, const struct note *n, const char *what)
{
	if (err == OK)
		return;
	fprintf(stderr, "tiers: %s: %s %s\n", what, err_text(err), n->text);
	exit(2);
}

static bool is_nan(uint8_t type, union wasm_value v)
{
	return type == WASM_F32 ? v.f32 != v.f32 : type == WASM_F64 && v.f64 != v.f64;
}

static void call(struct wasm_store *s, struct wasm_instance *i, unsigned k, struct outcome *o)
{
	static const uint32_t ints[] = {0, 1, 0x80000000, 12345};
	static const double floats[] = {0.0, -1.5, 1e30, 7.25};
	const char name[] = {'f', (char)('0' + k % GENERATE_FUNCTIONS), 0};
	struct wasm_extern *e = wasm_export(i, slice_text(name));
	union wasm_value v[4] = {{.i64 = 0}};
	struct note n = {{0}};
	uint8_t type = wasm_extern_functype(e)->results[0];

	v[0].i32 = ints[k % 4];
	v[1].i64 = (uint64_t)ints[(k + 1) % 4] << (k & 31);
	v[2].f32 = (float)floats[(k + 2) % 4];
	v[3].f64 = floats[(k + 3) % 4];
	o->err = wasm_call(s, e, v, &n);
	if (o->err == OK)
		o->value.i64 = is_nan(type, v[0]) ? 1 : type == WASM_I32 || type == WASM_F32 ? v[0].i32 : v[0].i64;
	memcpy(o->why, n.text, sizeof o->why);
}

static void check_code(const struct wasm_module *m, uint64_t seed)
{
	struct slice code = slice_of(m->native->base, m->native->size);
	static struct x64_decoder d;
	struct x64_insn insn;

	x64_decoder_init(&d);
	while (code.size > 0) {
		if (!x64_decode(&d, code, &insn)) {
			fprintf(stderr, "module %llu: an unknown instruction at %zu\n", (unsigned long long)seed,
			        (size_t)(code.data - m->native->base));
			exit(1);
		}
		code = slice_of(code.data + insn.size, code.size - insn.size);
	}
}

/* A program that is compiled at some poll. */
struct late {
	struct arena *arena;
	struct wasm_code_memory *code;
	struct wasm_module *module;
	struct wasm_instance *instance; /* NULL: not made yet */
	unsigned polls;
};

static enum err compile_late(void *ctx)
{
	struct late *l = ctx;
	struct note n = {{0}};

	if (l->instance == NULL || l->module->native != NULL || l->polls-- > 0)
		return OK;
	must(wasm_compile(l->module, l->arena, l->code), &n, "compile");
	wasm_run_compiled(l->instance);
	return OK;
}

enum tier { INTERPRETED, COMPILED, LATE };

static void run(struct arena *a, struct slice bytes, struct wasm_code_memory *code, enum tier tier, uint64_t seed,
                struct run *r)
{
	static const char *const globals[] = {"g0", "g1", "g2", "g3", "g4"};
	struct wasm_limits limits = wasm_default_limits();
	struct wasm_memory_ops ops = {create, grow, &r->memory};
	struct wasm_instance *i;
	struct wasm_module *m;
	struct wasm_store *s;
	struct late late = {.arena = a, .code = code, .polls = seed / 8 % 8};
	struct wasm_poll poll = {tier == LATE ? compile_late : NULL, &late};
	struct note n = {{0}};

	if (tier == LATE)
		limits.poll_interval = 1 + seed % 8;
	must(wasm_load(a, bytes, &limits, &m, &n), &n, "load");
	late.module = m;
	if (tier == COMPILED) {
		must(wasm_compile(m, a, code), &n, "compile");
		if (wasm_code_stats(m).interpreted > 0)
			must(ERR_STATE, &n, "a function was not compiled");
		check_code(m, seed);
	}
	must(wasm_store_new(a, &limits, ops, poll, &s), &n, "store");
	must(wasm_instantiate(s, a, m, NULL, &i, &n), &n, "instantiate");
	late.instance = i;
	for (unsigned k = 0; k < CALLS; k++)
		call(s, i, k, &r->calls[k]);
	for (unsigned k = 0; k < ARRAY_COUNT(globals); k++) {
		union wasm_value v[2];
		enum wasm_type t;

		must(wasm_global_get(wasm_export(i, slice_text(globals[k])), &t, v), &n, "global");
		r->globals[k] = is_nan((uint8_t)t, v[0]) ? 1 : t == WASM_I32 || t == WASM_F32 ? v[0].i32 : v[0].i64;
	}
	r->memory_size = i->memory->bytes;
}

static bool same(uint64_t seed, const struct run *a, const struct run *b, const char *how)
{
	bool good = true;

	for (unsigned k = 0; k < CALLS && good; k++) {
		const struct outcome *x = &a->calls[k], *y = &b->calls[k];

		good = x->err == y->err && x->value.i64 == y->value.i64 && strcmp(x->why, y->why) == 0;
		if (!good)
			printf("module %llu, call %u: interpreted %d 0x%llx \"%s\", %s %d 0x%llx \"%s\"\n",
			       (unsigned long long)seed, k, (int)x->err, (unsigned long long)x->value.i64, x->why, how,
			       (int)y->err, (unsigned long long)y->value.i64, y->why);
	}
	if (good && memcmp(a->globals, b->globals, sizeof a->globals) != 0) {
		printf("module %llu: globals differ\n", (unsigned long long)seed);
		good = false;
	}
	if (good && (a->memory_size != b->memory_size || memcmp(a->memory, b->memory, a->memory_size) != 0)) {
		printf("module %llu: memories differ\n", (unsigned long long)seed);
		good = false;
	}
	return good;
}

int main(int argc, char **argv)
{
	static uint8_t module[GENERATE_MAX];
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	void *p = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct wasm_code_memory *code;
	struct note n = {{0}};
	unsigned failed = 0;
	struct arena a;

	if (argc == 2) {
		struct slice s = generate_module(first, module);

		return fwrite(s.data, 1, s.size, stdout) == s.size ? 0 : 1;
	}
	if (argc != 3 || p == MAP_FAILED)
		return 2;
	a = arena_of(p, ARENA);
	a.dirty = 0;
	must(code_memory_open(&code), &n, "code memory");
	for (uint64_t seed = first; seed < first + count; seed++) {
		struct slice bytes = generate_module(seed, module);
		struct run interpreted = {.memory = NULL}, compiled = {.memory = NULL}, late = {.memory = NULL};

		run(&a, bytes, NULL, INTERPRETED, seed, &interpreted);
		run(&a, bytes, code, COMPILED, seed, &compiled);
		run(&a, bytes, code, LATE, seed, &late);
		failed += !same(seed, &interpreted, &compiled, "compiled") ||
		          !same(seed, &interpreted, &late, "compiled late");
		code_linear_free(interpreted.memory);
		code_linear_free(compiled.memory);
		code_linear_free(late.memory);
		code_memory_reset(code);
		arena_release(&a, 0);
	}
	printf("tiers: %llu passed, %u failed, 0 skipped\n", (unsigned long long)count - failed, failed);
	return failed == 0 ? 0 : 1;
}
