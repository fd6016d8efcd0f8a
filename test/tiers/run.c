/* SPDX-License-Identifier: Apache-2.0 */
#include "test/tiers/run.h"

#include "lib/wasm/x64/native.h"
#include "lib/wasm/x64check/prove.h"
#include "sys/code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_FUNCTIONS = 8 };

static void must(enum err err, const struct note *n, const char *what)
{
	if (err == OK)
		return;
	fprintf(stderr, "tiers: %s: %s %s\n", what, err_text(err), n->text);
	exit(2);
}

/* ---- what is compared ---- */

static uint32_t digest(uint32_t start, const uint8_t *bytes, uint64_t size)
{
	uint32_t h = start, w;

	for (uint64_t i = 0; i + 4 <= size; i += 4) {
		memcpy(&w, bytes + i, 4);
		h = (h ^ w) * 0x01000193u;
		h ^= h >> 15;
	}
	return h;
}

static uint32_t mix(uint32_t h, uint64_t v)
{
	uint8_t bytes[8];

	memcpy(bytes, &v, 8);
	return digest(h, bytes, 8);
}

static wasm_host_fn h0, h1, h2, h3, h4, h5, h6, h7;
static wasm_host_fn *const hosts[HOST_FUNCTIONS] = {h0, h1, h2, h3, h4, h5, h6, h7};

/* Host functions are imported first, and have no index of their own. */
static uint32_t index_of(const struct function *f)
{
	for (uint32_t i = 0; f->host != NULL && i < HOST_FUNCTIONS; i++)
		if (f->host == hosts[i])
			return i;
	return f->index;
}

static uint64_t plain(uint8_t type, uint64_t v)
{
	union wasm_value x = {.i64 = v};

	switch (type) {
	case WASM_I32: return x.i32;
	case WASM_F32: return x.f32 != x.f32 ? 0x7fc00000 : x.i32;
	case WASM_F64: return x.f64 != x.f64 ? 0x7ff8000000000000 : v;
	case WASM_FUNCREF: return v == WASM_NULL_REF ? 0 : index_of(function_of(v)) + 1ull;
	case WASM_EXTERNREF: return v == WASM_NULL_REF ? 0 : v + 1;
	default: return v;
	}
}

/* ---- host functions ---- */

/* h0 [i32]->[i32]  h1 [i64]->[i64]  h2 [f64]->[f64]  h3 [i32]->[], traps now and then  h4 [i32 i64]->[i64 i32]
 * h5 [i32]->[externref], null now and then  h6 [externref i32]->[i32]  h7 [funcref]->[funcref] */
static const uint8_t one_i32[] = {WASM_I32}, one_i64[] = {WASM_I64}, one_f64[] = {WASM_F64};
static const uint8_t i32_i64[] = {WASM_I32, WASM_I64}, i64_i32[] = {WASM_I64, WASM_I32};
static const uint8_t one_func[] = {WASM_FUNCREF}, one_extern[] = {WASM_EXTERNREF}, extern_i32[] = {WASM_EXTERNREF, WASM_I32};

static void note_host(struct run *r, uint32_t which, uint64_t v)
{
	r->host_calls++;
	r->host_digest = mix(r->host_digest ^ which, v);
}

static enum err h0(void *ctx, struct wasm_caller *caller, union wasm_value *v)
{
	(void)caller;
	note_host(ctx, 0, v[0].i32);
	v[0].i32 = v[0].i32 * 31 + 7;
	return OK;
}

static enum err h1(void *ctx, struct wasm_caller *caller, union wasm_value *v)
{
	(void)caller;
	note_host(ctx, 1, v[0].i64);
	v[0].i64 ^= ((const struct run *)ctx)->host_calls;
	return OK;
}

static enum err h2(void *ctx, struct wasm_caller *caller, union wasm_value *v)
{
	(void)caller;
	note_host(ctx, 2, plain(WASM_F64, v[0].i64));
	v[0].f64 = v[0].f64 * 0.5;
	return OK;
}

static enum err h3(void *ctx, struct wasm_caller *caller, union wasm_value *v)
{
	note_host(ctx, 3, v[0].i32);
	return (v[0].i32 & 63) == 13 ? wasm_trap(caller, "host") : OK;
}

static enum err h4(void *ctx, struct wasm_caller *caller, union wasm_value *v)
{
	uint32_t x = v[0].i32;

	(void)caller;
	note_host(ctx, 4, v[0].i32 ^ v[1].i64);
	v[0].i64 = v[1].i64 + x;
	v[1].i64 = x ^ 0xffff;
	return OK;
}

static enum err h5(void *ctx, struct wasm_caller *caller, union wasm_value *v)
{
	uint32_t x = v[0].i32;

	(void)caller;
	note_host(ctx, 5, x);
	v[0].i64 = (x & 7) == 7 ? WASM_NULL_REF : x & 0xff;
	return OK;
}

static enum err h6(void *ctx, struct wasm_caller *caller, union wasm_value *v)
{
	uint64_t x = plain(WASM_EXTERNREF, v[0].i64);

	(void)caller;
	note_host(ctx, 6, x ^ v[1].i32);
	v[0].i32 = v[1].i32 + (uint32_t)x * 3;
	return OK;
}

static enum err h7(void *ctx, struct wasm_caller *caller, union wasm_value *v)
{
	(void)caller;
	note_host(ctx, 7, plain(WASM_FUNCREF, v[0].i64));
	return OK;
}

static void host_functions(struct wasm_store *s, struct run *r, struct wasm_extern *out[static HOST_FUNCTIONS])
{
	static const struct wasm_functype all[HOST_FUNCTIONS] = {{1, 1, one_i32, one_i32},
	                                                         {1, 1, one_i64, one_i64},
	                                                         {1, 1, one_f64, one_f64},
	                                                         {1, 0, one_i32, NULL},
	                                                         {2, 2, i32_i64, i64_i32},
	                                                         {1, 1, one_i32, one_extern},
	                                                         {2, 1, extern_i32, one_i32},
	                                                         {1, 1, one_func, one_func}};

	for (unsigned i = 0; i < HOST_FUNCTIONS; i++)
		out[i] = wasm_host_func(s, all[i], hosts[i], r);
}

/* ---- calls ---- */

static void call(struct wasm_store *s, struct wasm_extern *e, unsigned k, struct outcome *o)
{
	static const uint32_t ints[] = {0, 1, 0x80000000, 12345};
	static const double floats[] = {0.0, -1.5, 1e30, 7.25};
	const struct wasm_functype *type = wasm_extern_functype(e);
	union wasm_value v[RUN_RESULTS] = {{.i64 = 0}};
	struct note n = {{0}};

	CHECK(type->result_count <= RUN_RESULTS);
	v[0].i32 = ints[k % 4];
	v[1].i64 = (uint64_t)ints[(k + 1) % 4] << (k & 31);
	v[2].f32 = (float)floats[(k + 2) % 4];
	v[3].f64 = floats[(k + 3) % 4];
	for (unsigned i = 0; i < RUN_PARAMS; i++)
		o->args[i] = v[i].i64;
	o->err = wasm_call(s, e, v, &n);
	o->count = o->err == OK ? type->result_count : 0;
	for (uint32_t i = 0; i < o->count; i++)
		o->values[i] = plain(type->results[i], v[i].i64);
	memcpy(o->why, n.text, sizeof o->why);
}

/* Every call has the whole budget (generate.h). */
static void call_all(struct wasm_store *s, struct wasm_instance *i, struct run *r)
{
	const struct wasm_module *m = i->module;

	for (unsigned round = 0; round < 2; round++) {
		uint32_t function = 0;

		for (uint32_t k = 0; k < m->export_count; k++) {
			struct outcome *o = &r->calls[r->call_count];

			if (m->exports[k].kind != WASM_FUNC)
				continue;
			CHECK(r->call_count < RUN_CALLS);
			i->globals[0]->value = RUN_BUDGET;
			o->function = function++;
			call(s, wasm_export(i, m->exports[k].name), r->call_count++, o);
		}
	}
}

static void look_at(struct wasm_instance *i, struct run *r)
{
	const struct wasm_module *m = i->module;

	for (uint32_t k = 0; k < m->export_count; k++) {
		const uint32_t index = m->exports[k].index;

		if (m->exports[k].kind == WASM_GLOBAL) {
			CHECK(r->global_count < RUN_GLOBALS);
			r->globals[r->global_count++] = plain(i->globals[index]->type.type, i->globals[index]->value);
		} else if (m->exports[k].kind == WASM_TABLE) {
			const struct table *t = i->tables[index];
			uint32_t h = 1;

			CHECK(r->table_count < RUN_TABLES);
			for (uint32_t n = 0; n < t->count; n++)
				h = mix(h, plain(t->type.element, t->entries[n]));
			r->tables[r->table_count].size = t->count;
			r->tables[r->table_count++].digest = h;
		}
	}
	r->memory_size = i->memory->bytes;
}

/* ---- tiers ---- */

/* A program that is compiled at some poll. */
struct late {
	struct arena *arena;
	struct wasm_code_memory *code;
	struct wasm_module *module;
	struct wasm_instance *instance; /* NULL: not made yet */
	enum wasm_tier tier;
	unsigned polls;
	uint64_t seed;
	bool prove;
};

static void must_be_proven(const struct wasm_module *m, struct arena *a, uint64_t seed)
{
	struct note n = {{0}};

	if (x64_prove(m, a, &n) == OK)
		return;
	fprintf(stderr, "module %llu: %s\n", (unsigned long long)seed, n.text);
	exit(1);
}

static enum err compile_late(void *ctx)
{
	struct late *l = ctx;
	struct note n = {{0}};

	if (l->instance == NULL || l->module->native != NULL || l->polls-- > 0)
		return OK;
	must(wasm_compile(l->module, l->tier, l->instance, l->arena, l->code), &n, "compile");
	if (l->prove)
		must_be_proven(l->module, l->arena, l->seed);
	wasm_run_compiled(l->instance);
	return OK;
}

/* Imports are host functions, in any order. */
static enum err instantiate(struct wasm_store *s, struct arena *a, const struct wasm_module *m, struct run *r,
                            struct wasm_instance **i, struct note *n)
{
	struct wasm_extern *externs[HOST_FUNCTIONS], *imports[16];

	host_functions(s, r, externs);
	CHECK(wasm_import_count(m) <= ARRAY_COUNT(imports));
	for (uint32_t k = 0; k < wasm_import_count(m); k++)
		imports[k] = externs[(wasm_import_at(m, k).name.data[1] - '0') % HOST_FUNCTIONS];
	return wasm_instantiate(s, a, m, imports, i, n);
}

static enum wasm_tier compiler_of(enum tier tier)
{
	return tier == TIER_OPTIMIZED || tier == TIER_OPTIMIZED_LATE ? WASM_TIER_OPTIMIZED : WASM_TIER_BASELINE;
}

void run_module(struct arena *a, struct slice bytes, struct wasm_code_memory *code, enum tier tier, uint64_t seed,
                bool prove, struct run *r)
{
	struct wasm_limits limits = wasm_default_limits();
	struct code_linear linear = {.image = -1};
	struct wasm_instance *i;
	struct wasm_module *m;
	struct wasm_store *s;
	bool is_late = tier == TIER_LATE || tier == TIER_OPTIMIZED_LATE;
	struct late late = {.arena = a,
	                    .code = code,
	                    .polls = seed / 8 % 8,
	                    .seed = seed,
	                    .prove = prove,
	                    .tier = compiler_of(tier)};
	struct wasm_poll poll = {is_late ? compile_late : NULL, &late};
	struct note n = {{0}};

	memset(r, 0, sizeof *r);
	if (is_late)
		limits.poll_interval = 1 + seed % 8;
	must(wasm_load(a, a, bytes, &limits, &m, &n), &n, "load");
	late.module = m;
	r->functions = m->function_count - m->imported_functions;
	if (tier == TIER_COMPILED || tier == TIER_OPTIMIZED) {
		must(wasm_compile(m, late.tier, NULL, a, code), &n, "compile");
		r->optimized = wasm_code_stats(m).optimized;
		r->interpreted = wasm_code_stats(m).interpreted;
		if (prove)
			must_be_proven(m, a, seed);
	}
	must(wasm_store_new(a, &limits, code_linear_ops(&linear), poll, &s), &n, "store");
	r->start.err = instantiate(s, a, m, r, &i, &n);
	r->memory = linear.base;
	if (r->start.err != OK) {
		if (r->start.err != ERR_TRAP)
			must(r->start.err, &n, "instantiate");
		memcpy(r->start.why, n.text, sizeof r->start.why);
		return;
	}
	late.instance = i;
	call_all(s, i, r);
	look_at(i, r);
}
