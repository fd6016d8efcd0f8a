/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes: refused, or loaded, compiled (that code is not run: test/tiers does that), instantiated and its exports of
 * some usual names called for a while.
 */
#include "lib/wasm/compile.h"
#include "lib/wasm/module.h"
#include "lib/wasm/x64check/prove.h"

#include <stdlib.h>

enum { ARENA = 8 << 20, PAGES = 16, IMPORTS = 64 };

static enum err create(void *ctx, uint32_t pages, uint32_t max_pages, uint8_t **base)
{
	uint8_t **memory = ctx;

	(void)max_pages;
	if (pages > PAGES || *memory != NULL)
		return ERR_NOMEM;
	/* Exactly as large as the engine may touch, so that ASan sees one byte too many. */
	*memory = *base = calloc(1, (size_t)pages * WASM_PAGE_SIZE + 1);
	return *base == NULL ? ERR_NOMEM : OK;
}

static enum err grow(void *ctx, uint8_t *base, uint32_t old_pages, uint32_t pages)
{
	(void)ctx;
	(void)base;
	return pages <= old_pages ? OK : ERR_NOMEM;
}

static enum err poll(void *ctx)
{
	unsigned *left = ctx;

	*left -= *left > 0;
	return *left == 0 ? ERR_STOPPED : OK;
}

static enum err host(void *ctx, struct wasm_caller *caller, union wasm_value *values)
{
	(void)ctx;
	(void)caller;
	values[0].i64 = 0;
	return OK;
}

static void call(struct wasm_store *s, struct wasm_extern *e)
{
	const struct wasm_functype *type = wasm_extern_functype(e);
	union wasm_value values[2000] = {{0}};
	struct note n = {{0}};

	for (uint32_t i = 0; i < type->param_count; i++) /* of vectors these are some halves */
		values[i].i64 =
		        type->params[i] == WASM_FUNCREF || type->params[i] == WASM_EXTERNREF ? WASM_NULL_REF : i + 1;
	if (wasm_call(s, e, values, &n) == ERR_TRAP && n.text[0] == 0)
		abort();
}

/* Nothing is run here, so that it need not become executable. */
static enum err no_seal(void *ctx, uint8_t *base, size_t size)
{
	(void)ctx;
	(void)base;
	(void)size;
	return OK;
}

static void compile(struct arena *a, struct wasm_module *m, enum wasm_tier tier)
{
	static uint8_t memory[1 << 20];
	struct wasm_code_memory code = {.arena = arena_of(memory, sizeof memory), .seal = no_seal};
	struct note n = {{0}};

	code.arena.dirty = 0; /* what lies there does not matter */
	if (wasm_compile(m, tier, NULL, a, &code) != OK)
		return;
	if (x64_prove(m, a, &n) == ERR_INVALID)
		abort();
	m->native = NULL; /* it is interpreted */
}

static void run(struct arena *a, const struct wasm_module *m, struct wasm_limits limits, uint8_t **memory)
{
	static const char *const names[] = {"_start", "main", "f", "g", "a", "b", "run", "test"};
	unsigned left = 3;
	struct wasm_extern *imports[IMPORTS] = {NULL};
	struct wasm_instance *instance;
	struct wasm_store *s;
	struct note n = {{0}};

	if (wasm_import_count(m) > IMPORTS || wasm_store_new(a, &limits, (struct wasm_memory_ops){.create = create, .grow = grow, .ctx = memory},
	                                                     (struct wasm_poll){poll, &left}, &s) != OK)
		return;
	for (uint32_t i = 0; i < wasm_import_count(m); i++)
		if (wasm_import_at(m, i).kind == WASM_FUNC && wasm_import_at(m, i).type->result_count <= 1)
			imports[i] = wasm_host_func(s, *wasm_import_at(m, i).type, host, NULL);
	if (wasm_instantiate(s, a, m, imports, &instance, &n) != OK)
		return;
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		struct wasm_extern *e = wasm_export(instance, slice_text(names[i]));

		if (e != NULL && wasm_extern_kind(e) == WASM_FUNC)
			call(s, e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[ARENA];
	static size_t dirty;
	struct arena a = arena_of(memory, sizeof memory);
	struct wasm_limits limits = wasm_default_limits();
	struct wasm_module *m;
	struct note n = {{0}};
	uint8_t *linear = NULL;

	a.dirty = dirty;
	limits.table_entries = 1000;
	limits.locals_per_function = 1000;
	limits.stack_bytes = 1 << 16;
	if (wasm_load(&a, &a, slice_of(data, size), &limits, &m, &n) == OK) {
		compile(&a, m, WASM_TIER_BASELINE);
		compile(&a, m, WASM_TIER_OPTIMIZED);
		run(&a, m, limits, &linear);
	} else if (n.text[0] == 0 || a.used != 0) {
		abort();
	}
	dirty = a.dirty;
	free(linear);
	return 0;
}
