/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the engine that WASI calls, for tests of one translation unit without an engine: a "program" is an array of
 * bytes, and host functions are called directly by name with fake_call.
 */
#ifndef BROCH_TEST_WASI_FAKE_ENGINE_H
#define BROCH_TEST_WASI_FAKE_ENGINE_H

#include "keep/wasi/call.h"

#include <stdio.h>
#include <stdlib.h>

struct wasm_caller {
	uint8_t *memory;
	uint64_t size;
};
struct wasm_extern {
	struct wasm_functype type;
	wasm_host_fn *fn;
	void *ctx;
};
struct wasm_module {
	uint32_t count;
	struct wasm_import imports[128];
};
static struct wasm_extern fake_externs[128];
static uint32_t fake_extern_count;

uint8_t *wasm_caller_range(struct wasm_caller *c, uint32_t at, uint64_t size)
{
	return at <= c->size && size <= c->size - at ? c->memory + at : NULL;
}

uint32_t wasm_import_count(const struct wasm_module *m)
{
	return m->count;
}

struct wasm_import wasm_import_at(const struct wasm_module *m, uint32_t i)
{
	return m->imports[i];
}

struct wasm_extern *wasm_host_func(struct wasm_store *s, struct wasm_functype type, wasm_host_fn *fn, void *ctx)
{
	(void)s;
	if (fake_extern_count == 128)
		return NULL;
	fake_externs[fake_extern_count] = (struct wasm_extern){type, fn, ctx};
	return &fake_externs[fake_extern_count++];
}

/* What every instance exports, if anything. */
static struct wasm_extern fake_exported;
static const char *fake_export_name = "";

struct wasm_extern *wasm_export(struct wasm_instance *i, struct slice name)
{
	(void)i;
	return slice_is(name, fake_export_name) ? &fake_exported : NULL;
}

enum wasm_kind wasm_extern_kind(const struct wasm_extern *e)
{
	(void)e;
	return WASM_FUNC;
}

const struct wasm_functype *wasm_extern_functype(const struct wasm_extern *e)
{
	return &e->type;
}

enum err wasm_call(struct wasm_store *s, struct wasm_extern *func, union wasm_value *args_results, struct note *n)
{
	(void)s;
	(void)func;
	(void)args_results;
	(void)n;
	return ERR_STATE;
}

/* Links all 46 functions under the module name; fake_externs[i] is wasi_functions[i] then. */
static enum err fake_link(struct wasi *w, struct arena *a, const char *module_name, struct note *n)
{
	static struct wasm_module m;
	struct wasm_extern *const *imports;

	m.count = WASI_FUNCTIONS;
	fake_extern_count = 0;
	for (uint32_t i = 0; i < m.count; i++)
		m.imports[i] = (struct wasm_import){slice_text(module_name), slice_text(wasi_functions[i].name), WASM_FUNC,
						    NULL};
	return wasi_resolve(w, a, NULL, &m, (struct wasi_libraries){NULL, 0}, &imports, n);
}

#endif
