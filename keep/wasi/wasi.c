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

/* A name as far as it fits, for a message: printable, zero-terminated. */
static const char *printable(struct slice name, char *out, size_t capacity)
{
	size_t n = name.size < capacity - 1 ? name.size : capacity - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = name.data[i] >= 0x20 && name.data[i] < 0x7f ? (char)name.data[i] : '?';
	out[n] = 0;
	return out;
}

enum { NAMED_MAX = 3, NAME_SHOWN = 24 };

static enum err refuse_missing(struct wasi *w, const struct wasm_module *m, struct note *n)
{
	char module[NAMED_MAX][NAME_SHOWN] = {{0}}, name[NAMED_MAX][NAME_SHOWN + 8] = {{0}};
	unsigned missing = 0;

	for (uint32_t i = 0; i < wasm_import_count(m); i++) {
		struct wasm_import import = wasm_import_at(m, i);

		if (binding_of(w, &import) != NULL)
			continue;
		if (missing < NAMED_MAX) {
			printable(import.module, module[missing], sizeof module[missing]);
			printable(import.name, name[missing], sizeof name[missing]);
		}
		missing++;
	}
	return refuse(n, ERR_UNLINKABLE,
		      "the module imports %u things that WASI preview 1 has not: %s.%s%s%s%s%s%s%s%s%s; build it for wasm32-wasi",
		      missing, module[0], name[0], missing > 1 ? ", " : "", module[1], missing > 1 ? "." : "", name[1],
		      missing > 2 ? ", " : "", module[2], missing > 2 ? "." : "", name[2]);
}

enum err wasi_resolve(struct wasi *w, struct arena *a, struct wasm_store *s, const struct wasm_module *m,
		      struct wasm_extern *const **imports, struct note *n)
{
	uint32_t count = wasm_import_count(m);
	struct wasm_extern **out = arena_many(a, count, struct wasm_extern *);

	if (out == NULL && count > 0)
		return refuse(n, ERR_NOMEM, "no memory for the module's %u imports", count);
	for (uint32_t i = 0; i < count; i++) {
		struct wasm_import import = wasm_import_at(m, i);
		struct binding *b = binding_of(w, &import);

		if (b == NULL)
			return refuse_missing(w, m, n);
		out[i] = wasm_host_func(s, type_of(b->function), dispatch, b);
		if (out[i] == NULL)
			return refuse(n, ERR_NOMEM, "no memory for the module's %u imports", count);
	}
	*imports = out;
	return OK;
}

/* ---- wasi_start ---- */

enum err wasi_start(struct wasi *w, struct wasm_store *s, struct wasm_instance *i, struct note *n)
{
	struct wasm_extern *f = wasm_export(i, slice_text("_start"));
	const struct wasm_functype *type;
	union wasm_value none = {0};
	enum err err;

	w->exit_code = 0;
	if (f == NULL)
		f = wasm_export(i, slice_text("_initialize"));
	if (f == NULL || wasm_extern_kind(f) != WASM_FUNC)
		return refuse(n, ERR_NOT_FOUND, "the module exports no function _start: it is not a WASI program");
	type = wasm_extern_functype(f);
	if (type->param_count != 0 || type->result_count != 0)
		return refuse(n, ERR_INVALID, "the module's _start takes parameters or returns results");
	err = wasm_call(s, f, &none, n);
	return err == ERR_EXIT ? OK : err;
}

uint32_t wasi_exit_code(const struct wasi *w)
{
	return w->exit_code;
}
