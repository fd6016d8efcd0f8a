/* SPDX-License-Identifier: Apache-2.0 */
/* Linking a module to its WASI environment, running the program. */
#include "keep/wasi/wasi.h"

#include "keep/wasi/call.h"

/* ---- wasi_resolve ---- */

static enum err dispatch(void *ctx, struct wasm_caller *caller, union wasm_value *args_results)
{
	const struct binding *b = ctx;
	struct call c = {.w = b->wasi, .caller = caller, .args = args_results, .unstable = b->unstable};
	enum wasi_errno err = b->function->handler(&c);

	if (c.stop != OK)
		return c.stop;
	if (b->function->result_count > 0)
		args_results[0].i32 = err;
	return OK;
}

static struct binding *binding_of(struct wasi *w, const struct wasm_import *import)
{
	bool unstable = slice_is(import->module, "wasi_unstable");

	if (import->kind != WASM_FUNC || (!unstable && !slice_is(import->module, "wasi_snapshot_preview1")))
		return NULL;
	for (size_t i = 0; i < WASI_FUNCTIONS; i++)
		if (slice_is(import->name, wasi_functions[i].name))
			return &w->bindings[i + (unstable ? WASI_FUNCTIONS : 0)];
	return NULL;
}

static struct wasm_functype type_of(const struct function *f)
{
	static const uint8_t i32[] = {WASM_I32};

	return (struct wasm_functype){f->param_count, f->result_count, (const uint8_t *)f->params, i32};
}

enum { NAMED_MAX = 3, NAME_SHOWN = 24 };

static const struct wasi_library *library_of(const struct wasi_libraries *libraries, const struct wasm_import *import)
{
	for (size_t i = 0; i < libraries->count; i++)
		if (slice_equal(libraries->list[i].name, import->module))
			return &libraries->list[i];
	return NULL;
}

static enum err refuse_missing(struct wasi *w, const struct wasm_module *m, const struct wasi_libraries *libraries, struct note *n)
{
	char module[NAMED_MAX][NAME_SHOWN] = {{0}}, name[NAMED_MAX][NAME_SHOWN + 8] = {{0}};
	unsigned missing = 0;

	for (uint32_t i = 0; i < wasm_import_count(m); i++) {
		struct wasm_import import = wasm_import_at(m, i);

		if (binding_of(w, &import) != NULL || library_of(libraries, &import) != NULL)
			continue;
		if (missing < NAMED_MAX) {
			slice_shown(import.module, module[missing], sizeof module[missing]);
			slice_shown(import.name, name[missing], sizeof name[missing]);
		}
		missing++;
	}
	return refuse(n, ERR_UNLINKABLE,
		      "the module imports %u things that WASI preview 1 has not: %s.%s%s%s%s%s%s%s%s%s; build it for wasm32-wasi, "
		      "or add their [[modules]]",
		      missing, module[0], name[0], missing > 1 ? ", " : "", module[1], missing > 1 ? "." : "", name[1],
		      missing > 2 ? ", " : "", module[2], missing > 2 ? "." : "", name[2]);
}

static enum err from_library(const struct wasi_library *l, const struct wasm_import *import, struct wasm_extern **out, struct note *n)
{
	char module[NAME_SHOWN + 16], name[NAME_SHOWN + 16];

	*out = l->instance != NULL ? wasm_export(l->instance, import->name) : NULL;
	if (*out != NULL)
		return OK;
	slice_shown(l->name, module, sizeof module);
	slice_shown(import->name, name, sizeof name);
	if (l->instance == NULL)
		return refuse(n, ERR_UNLINKABLE, "\"%s\" is imported from module \"%s\", which is not made yet: list that one before",
			      name, module);
	return refuse(n, ERR_UNLINKABLE, "\"%s\" is imported from module \"%s\", which exports nothing of this name: build both "
		      "from the same sources", name, module);
}

enum err wasi_resolve(struct wasi *w, struct arena *a, struct wasm_store *s, const struct wasm_module *m,
		      struct wasi_libraries libraries, struct wasm_extern *const **imports, struct note *n)
{
	uint32_t count = wasm_import_count(m);
	struct wasm_extern **out = arena_many(a, count, struct wasm_extern *);

	if (out == NULL && count > 0)
		return refuse(n, ERR_NOMEM, "no memory for the module's %u imports", count);
	for (uint32_t i = 0; i < count; i++) {
		struct wasm_import import = wasm_import_at(m, i);
		const struct wasi_library *library = library_of(&libraries, &import);
		struct binding *b = binding_of(w, &import);

		if (library == NULL && b == NULL)
			return refuse_missing(w, m, &libraries, n);
		if (library != NULL)
			TRY(from_library(library, &import, &out[i], n));
		else
			out[i] = wasm_host_func(s, type_of(b->function), dispatch, b);
		if (out[i] == NULL)
			return refuse(n, ERR_NOMEM, "no memory for the module's %u imports", count);
	}
	*imports = out;
	return OK;
}

/* ---- wasi_start ---- */

static enum err run_export(struct wasm_store *s, struct wasm_extern *f, const char *name, struct note *n)
{
	const struct wasm_functype *type = wasm_extern_functype(f);
	union wasm_value none = {0};

	if (type->param_count != 0 || type->result_count != 0)
		return refuse(n, ERR_INVALID, "the module's %s takes parameters or returns results", name);
	return wasm_call(s, f, &none, n);
}

enum err wasi_start(struct wasi *w, struct wasm_store *s, struct wasm_instance *i, struct note *n)
{
	struct wasm_extern *f = wasm_export(i, slice_text("_start"));
	enum err err;

	w->exit_code = 0;
	if (f == NULL)
		f = wasm_export(i, slice_text("_initialize"));
	if (f == NULL || wasm_extern_kind(f) != WASM_FUNC)
		return refuse(n, ERR_NOT_FOUND, "the module exports no function _start: it is not a WASI program");
	err = run_export(s, f, "_start", n);
	return err == ERR_EXIT ? OK : err;
}

enum err wasi_initialize(struct wasm_store *s, struct wasm_instance *i, struct note *n)
{
	struct wasm_extern *f = wasm_export(i, slice_text("_initialize"));

	return f == NULL || wasm_extern_kind(f) != WASM_FUNC ? OK : run_export(s, f, "_initialize", n);
}

uint32_t wasi_exit_code(const struct wasi *w)
{
	return w->exit_code;
}
