/* SPDX-License-Identifier: Apache-2.0 */
/* Does what a module is given fit what it imports (section 3.5 of the specification), and the words for when it does not. */
#include "lib/wasm/module.h"

void wasm_name(struct wasm_module *m, struct slice name)
{
	m->name = name;
}

bool wasm_exports_function(const struct wasm_module *m, struct slice name)
{
	for (uint32_t n = 0; n < m->export_count; n++)
		if (m->exports[n].kind == WASM_FUNC && slice_equal(m->exports[n].name, name))
			return true;
	return false;
}

static bool range_matches(uint32_t actual, const struct size_range *have, const struct size_range *want)
{
	if (actual < want->min)
		return false;
	return !want->has_max || (have->has_max && have->max <= want->max);
}

static bool import_matches(const struct wasm_module *m, const struct import *im, const struct wasm_extern *e)
{
	if (e == NULL || e->kind != im->kind)
		return false;
	switch (im->kind) {
	case WASM_FUNC: return functype_equal(((const struct function *)e)->type, &m->types[m->functions[im->index]]);
	case WASM_TABLE: {
		const struct table *t = (const struct table *)e;

		return t->type.element == m->tables[im->index].element &&
		       range_matches(t->count, &t->type.size, &m->tables[im->index].size);
	}
	case WASM_MEMORY: {
		const struct memory *mem = (const struct memory *)e;

		return range_matches((uint32_t)(mem->bytes / WASM_PAGE_SIZE), &mem->size, &m->memory);
	}
	default: {
		const struct global_cell *g = (const struct global_cell *)e;

		return g->type.type == m->globals[im->index].type.type &&
		       g->type.mutable == m->globals[im->index].type.mutable;
	}
	}
}

/* ---- words ---- */

enum { TYPE_SHOWN = 56, NAME_SHOWN = 28 };

struct words {
	char text[TYPE_SHOWN];
	size_t size;
};

/* There is always room for the "..." of what does not fit. */
static void add(struct words *w, const char *text)
{
	size_t len = strlen(text);

	if (w->size >= sizeof w->text)
		return;
	if (w->size + len + sizeof "..." > sizeof w->text) {
		memcpy(w->text + w->size, "...", sizeof "...");
		w->size = sizeof w->text;
		return;
	}
	memcpy(w->text + w->size, text, len + 1);
	w->size += len;
}

static void add_types(struct words *w, const uint8_t *types, uint32_t count)
{
	add(w, "(");
	for (uint32_t i = 0; i < count && w->size < sizeof w->text; i++) {
		add(w, i > 0 ? ", " : "");
		add(w, wasm_type_name(types[i]));
	}
	add(w, ")");
}

static void add_function(struct words *w, const struct wasm_functype *f)
{
	add_types(w, f->params, f->param_count);
	add(w, " -> ");
	add_types(w, f->results, f->result_count);
}

static void add_global(struct words *w, struct global_type g)
{
	add(w, g.mutable ? "mutable " : "constant ");
	add(w, wasm_type_name(g.type));
}

static void add_size(struct words *w, uint32_t least, const struct size_range *r)
{
	struct note n = {""};

	note_set(&n, r->has_max ? "%u to %u" : "%u or more", least, r->max);
	add(w, n.text);
}

static void wanted(struct words *w, const struct wasm_module *m, const struct import *im)
{
	switch (im->kind) {
	case WASM_FUNC: add_function(w, &m->types[m->functions[im->index]]); return;
	case WASM_GLOBAL: add_global(w, m->globals[im->index].type); return;
	case WASM_TABLE:
		add(w, wasm_type_name(m->tables[im->index].element));
		add(w, " ");
		add_size(w, m->tables[im->index].size.min, &m->tables[im->index].size);
		return;
	case WASM_MEMORY: add_size(w, m->memory.min, &m->memory); return;
	}
}

static void found(struct words *w, const struct wasm_extern *e)
{
	const struct table *t = (const struct table *)e;
	const struct memory *mem = (const struct memory *)e;

	switch (e->kind) {
	case WASM_FUNC: add_function(w, ((const struct function *)e)->type); return;
	case WASM_GLOBAL: add_global(w, ((const struct global_cell *)e)->type); return;
	case WASM_TABLE:
		add(w, wasm_type_name(t->type.element));
		add(w, " ");
		add_size(w, t->count, &t->type.size);
		return;
	case WASM_MEMORY: add_size(w, (uint32_t)(mem->bytes / WASM_PAGE_SIZE), &mem->size); return;
	}
}

static const char *const kinds[] = {"function", "table", "memory", "global"};

static enum err refuse_import(const struct wasm_module *m, uint32_t i, const struct wasm_extern *e, struct note *n)
{
	const struct import *im = &m->imports[i];
	struct words want = {.size = 0}, have = {.size = 0};
	char module[NAME_SHOWN], name[NAME_SHOWN];

	slice_shown(im->module, module, sizeof module);
	slice_shown(im->name, name, sizeof name);
	if (e == NULL)
		return refuse(n, ERR_UNLINKABLE, "unknown import: the module wants the %s \"%s\" \"%s\" (import %u)",
		              kinds[im->kind], module, name, i);
	wanted(&want, m, im);
	found(&have, e);
	return refuse(n, ERR_UNLINKABLE,
	              "incompatible import type: the module wants the %s \"%s\" \"%s\" (import %u) as %s; it is %s%s%s",
	              kinds[im->kind], module, name, i, want.text, e->kind == im->kind ? "" : kinds[e->kind],
	              e->kind == im->kind ? "" : " ", have.text);
}

enum err link_check(const struct wasm_module *m, struct wasm_extern *const *imports, struct note *n)
{
	for (uint32_t i = 0; i < m->import_count; i++)
		if (!import_matches(m, &m->imports[i], imports[i]))
			return refuse_import(m, i, imports[i], n);
	return OK;
}
