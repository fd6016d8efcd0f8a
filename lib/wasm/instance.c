/* SPDX-License-Identifier: Apache-2.0 */
/* Stores, externs, instances and calls from outside (section 4.5 of the specification). */
#include "lib/wasm/module.h"

#include "lib/wasm/leb.h"

/* ---- stores ---- */

enum err wasm_store_new(struct arena *a, const struct wasm_limits *limits, struct wasm_memory_ops mem, struct wasm_poll poll,
			struct wasm_store **out)
{
	struct wasm_store *s = arena_new(a, struct wasm_store);
	size_t slots = limits->stack_bytes / sizeof(uint64_t);

	if (s == NULL)
		return ERR_NOMEM;
	*s = (struct wasm_store){.arena = a, .limits = *limits, .mem = mem, .poll = poll};
	s->stack = arena_many_scratch(a, slots + NATIVE_MARGIN, uint64_t);
	if (s->stack == NULL)
		return ERR_NOMEM;
	s->stack_end = s->stack + slots;
	s->top = s->stack;
	*out = s;
	return OK;
}

/* ---- externs ---- */

struct wasm_extern *wasm_host_func(struct wasm_store *s, struct wasm_functype type, wasm_host_fn *fn, void *ctx)
{
	struct function *f = arena_new(s->arena, struct function);
	struct wasm_functype *copy = arena_new(s->arena, struct wasm_functype);

	if (f == NULL || copy == NULL)
		return NULL;
	*copy = type;
	*f = (struct function){.ext = {WASM_FUNC}, .type = copy, .host = fn, .ctx = ctx};
	return &f->ext;
}

struct wasm_extern *wasm_new_global(struct wasm_store *s, enum wasm_type t, bool mutable, union wasm_value v)
{
	struct global_cell *g = arena_new(s->arena, struct global_cell);

	if (g == NULL)
		return NULL;
	CHECK(t != WASM_V128);
	*g = (struct global_cell){{WASM_GLOBAL}, {(uint8_t)t, mutable}, v.i64, 0};
	if (t == WASM_I32 || t == WASM_F32)
		g->value = v.i32;
	return &g->ext;
}

static bool table_reserve(struct wasm_store *s, struct table *t, uint32_t count)
{
	uint64_t capacity = (uint64_t)t->capacity * 2 > count ? (uint64_t)t->capacity * 2 : count;
	uint64_t *entries;

	if (count <= t->capacity)
		return true;
	if (capacity > t->type.size.max)
		capacity = t->type.size.max;
	entries = arena_many(s->arena, capacity, uint64_t);
	if (entries == NULL)
		return false;
	if (t->count > 0)
		memcpy(entries, t->entries, t->count * sizeof *entries);
	t->entries = entries;
	t->capacity = (uint32_t)capacity;
	return true;
}

uint32_t table_grow(struct wasm_store *s, struct table *t, uint64_t value, uint32_t count)
{
	uint32_t old = t->count, sum;

	if (add_overflows(old, count, &sum) || sum > t->type.size.max || sum > s->limits.table_entries)
		return UINT32_MAX;
	if (!table_reserve(s, t, sum))
		return UINT32_MAX;
	for (uint32_t i = old; i < sum; i++)
		t->entries[i] = value;
	t->count = sum;
	return old;
}

static enum err table_new(struct wasm_store *s, struct table_type type, struct table **out)
{
	struct table *t = arena_new(s->arena, struct table);

	if (t == NULL)
		return ERR_NOMEM;
	t->ext.kind = WASM_TABLE;
	t->type = type;
	if (type.size.min > s->limits.table_entries)
		return ERR_LIMIT;
	if (type.size.min > 0 && table_grow(s, t, WASM_NULL_REF, type.size.min) == UINT32_MAX)
		return ERR_NOMEM;
	*out = t;
	return OK;
}

struct wasm_extern *wasm_new_table(struct wasm_store *s, enum wasm_type type, uint32_t min, uint32_t max)
{
	struct table *t;

	if (table_new(s, (struct table_type){(uint8_t)type, {min, max, max != UINT32_MAX}}, &t) != OK)
		return NULL;
	return &t->ext;
}

/* imaged: the module whose image the memory begins with; NULL: with zeros. */
static enum err memory_new(struct wasm_store *s, struct size_range size, const struct wasm_module *imaged,
			   struct memory **out)
{
	struct memory *m = arena_new(s->arena, struct memory);

	if (m == NULL)
		return ERR_NOMEM;
	*m = (struct memory){.ext = {WASM_MEMORY}, .size = size};
	if (imaged != NULL)
		TRY(s->mem.create_image(s->mem.ctx, imaged, size.min, size.max, &m->base));
	else
		TRY(s->mem.create(s->mem.ctx, size.min, size.max, &m->base));
	m->bytes = (uint64_t)size.min * WASM_PAGE_SIZE;
	*out = m;
	return OK;
}

struct wasm_extern *wasm_new_memory(struct wasm_store *s, uint32_t min_pages, uint32_t max_pages)
{
	struct memory *m;

	if (memory_new(s, (struct size_range){min_pages, max_pages, max_pages != WASM_MAX_PAGES}, NULL, &m) != OK)
		return NULL;
	return &m->ext;
}

uint32_t memory_grow(struct wasm_store *s, struct memory *m, uint32_t pages)
{
	uint32_t old = (uint32_t)(m->bytes / WASM_PAGE_SIZE), sum;

	if (add_overflows(old, pages, &sum) || sum > m->size.max)
		return UINT32_MAX;
	/* Never to all of 4 GiB, so that the optimizing compiler knows a page behind what was accessed (opt/offsets.c). */
	if (sum == WASM_MAX_PAGES && pages > 0)
		return UINT32_MAX;
	if (pages > 0 && s->mem.grow(s->mem.ctx, m->base, old, sum) != OK)
		return UINT32_MAX;
	m->bytes = (uint64_t)sum * WASM_PAGE_SIZE;
	return old;
}

enum wasm_kind wasm_extern_kind(const struct wasm_extern *e)
{
	return e->kind;
}

const struct wasm_functype *wasm_extern_functype(const struct wasm_extern *e)
{
	CHECK(e->kind == WASM_FUNC);
	return ((const struct function *)e)->type;
}

enum err wasm_global_get(const struct wasm_extern *e, enum wasm_type *t, union wasm_value v[static 2])
{
	const struct global_cell *g = (const struct global_cell *)e;

	if (e->kind != WASM_GLOBAL)
		return ERR_INVALID;
	*t = g->type.type;
	v[0].i64 = g->value;
	if (*t == WASM_V128)
		v[1].i64 = g->high;
	return OK;
}

struct wasm_extern *wasm_export(struct wasm_instance *i, struct slice name)
{
	for (uint32_t n = 0; n < i->module->export_count; n++)
		if (slice_equal(i->module->exports[n].name, name))
			return i->exports[n];
	return NULL;
}

/* ---- what host functions may do ---- */

uint8_t *wasm_caller_memory(struct wasm_caller *c, uint64_t *size)
{
	*size = c->instance == NULL ? 0 : c->instance->memory->bytes;
	return *size == 0 ? NULL : c->instance->memory->base;
}

uint8_t *wasm_caller_range(struct wasm_caller *c, uint32_t at, uint64_t size)
{
	uint64_t all;
	uint8_t *base = wasm_caller_memory(c, &all);

	if (base == NULL || at > all || size > all - at)
		return NULL;
	return base + at;
}

enum err wasm_trap(struct wasm_caller *c, const char *reason)
{
	c->store->trap = reason;
	c->store->trap_pc = NULL;
	c->store->trap_native = NULL;
	return ERR_TRAP;
}

/* ---- instances ---- */

static enum err make_functions(struct wasm_instance *i, struct arena *a)
{
	const struct wasm_module *m = i->module;
	uint32_t own = m->function_count - m->imported_functions;
	struct function *f = arena_many(a, own, struct function);

	i->functions = arena_many(a, m->function_count, struct function *);
	if (f == NULL || i->functions == NULL)
		return ERR_NOMEM;
	for (uint32_t n = 0; n < own; n++) {
		const struct body *b = &m->bodies[n];

		f[n] = (struct function){.ext = {WASM_FUNC}, .frame_slots = b->frame_slots, .code = b->code,
					 .params = b->params, .locals = b->locals, .index = m->imported_functions + n,
					 .type = &m->types[m->functions[m->imported_functions + n]], .instance = i};
		if (m->native != NULL)
			native_bind(m, n, &f[n]);
		i->functions[m->imported_functions + n] = &f[n];
	}
	return OK;
}

static enum err make_tables(struct wasm_instance *i, struct arena *a)
{
	const struct wasm_module *m = i->module;

	i->tables = arena_many(a, m->table_count, struct table *);
	if (i->tables == NULL)
		return ERR_NOMEM;
	for (uint32_t n = m->imported_tables; n < m->table_count; n++)
		TRY(table_new(i->store, m->tables[n], &i->tables[n]));
	return OK;
}

static enum err make_globals(struct wasm_instance *i, struct arena *a)
{
	const struct wasm_module *m = i->module;
	struct global_cell *g = arena_many(a, m->global_count - m->imported_globals, struct global_cell);

	i->globals = arena_many(a, m->global_count, struct global_cell *);
	if (g == NULL || i->globals == NULL)
		return ERR_NOMEM;
	for (uint32_t n = m->imported_globals; n < m->global_count; n++, g++) {
		g->ext.kind = WASM_GLOBAL;
		g->type = m->globals[n].type;
		i->globals[n] = g;
	}
	return OK;
}

static void place_import(struct wasm_instance *i, const struct import *im, struct wasm_extern *e)
{
	switch (im->kind) {
	case WASM_FUNC: i->functions[im->index] = (struct function *)e; return;
	case WASM_TABLE: i->tables[im->index] = (struct table *)e; return;
	case WASM_MEMORY: i->memory = (struct memory *)e; return;
	case WASM_GLOBAL: i->globals[im->index] = (struct global_cell *)e; return;
	}
}

static enum err make_exports(struct wasm_instance *i, struct arena *a)
{
	const struct wasm_module *m = i->module;

	i->exports = arena_many(a, m->export_count, struct wasm_extern *);
	if (i->exports == NULL)
		return ERR_NOMEM;
	for (uint32_t n = 0; n < m->export_count; n++) {
		uint32_t index = m->exports[n].index;

		switch (m->exports[n].kind) {
		case WASM_FUNC: i->exports[n] = &i->functions[index]->ext; break;
		case WASM_TABLE: i->exports[n] = &i->tables[index]->ext; break;
		case WASM_MEMORY: i->exports[n] = &i->memory->ext; break;
		case WASM_GLOBAL: i->exports[n] = &i->globals[index]->ext; break;
		}
	}
	return OK;
}

static uint64_t evaluate(const struct wasm_instance *i, struct init init)
{
	switch (init.kind) {
	case INIT_GLOBAL: return i->globals[init.value]->value;
	case INIT_FUNC: return ref_of(i->functions[init.value]);
	default: return init.value;
	}
}

static void set_global(const struct wasm_instance *i, struct global_cell *g, const struct init *init)
{
	g->value = evaluate(i, *init);
	g->high = init->kind == INIT_GLOBAL ? i->globals[init->value]->high : init->high;
}

bool memory_init(struct wasm_instance *i, uint32_t segment, uint32_t d, uint32_t s, uint32_t n)
{
	struct slice data = i->module->data[segment].bytes;
	uint64_t available = i->dropped_data[segment] ? 0 : data.size;

	if ((uint64_t)s + n > available || (uint64_t)d + n > i->memory->bytes)
		return false;
	CHECK(n == 0 || i->memory->base != NULL);
	if (n > 0)
		memcpy(i->memory->base + d, data.data + s, n);
	return true;
}

/* The next item of an element segment; all were validated when the module was loaded. */
static uint64_t next_element(const struct wasm_instance *i, const struct element_segment *e, struct reader *items)
{
	struct init init = {INIT_FUNC, 0, 0};
	uint32_t index;

	if (e->expressions) {
		CHECK(read_init(items, i->module, e->type, NULL, &init, NULL) == OK);
	} else {
		CHECK(leb_u32(items, &index) == OK);
		init.value = index;
	}
	return evaluate(i, init);
}

bool table_init(struct wasm_instance *i, uint32_t table, uint32_t segment, uint32_t d, uint32_t s, uint32_t n)
{
	const struct element_segment *e = &i->module->elements[segment];
	struct table *t = i->tables[table];
	struct reader items = e->items;
	uint64_t available = i->dropped_elements[segment] ? 0 : e->count;

	if ((uint64_t)s + n > available || (uint64_t)d + n > t->count)
		return false;
	if (n == 0)
		return true;
	while (s-- > 0)
		next_element(i, e, &items);
	for (uint32_t k = 0; k < n; k++)
		t->entries[d + k] = next_element(i, e, &items);
	return true;
}

/* Active segments, in order: what was written before one that does not fit stays (section 4.5.4, steps 14 and 15). */
static enum err initialise(struct wasm_instance *i, bool imaged, struct note *n)
{
	const struct wasm_module *m = i->module;

	for (uint32_t k = 0; k < m->element_count; k++) {
		const struct element_segment *e = &m->elements[k];

		if (e->mode == SEGMENT_ACTIVE && !table_init(i, e->table, k, (uint32_t)evaluate(i, e->offset), 0, e->count))
			return refuse(n, ERR_TRAP, "out of bounds table access by element segment %u", k);
		i->dropped_elements[k] = e->mode != SEGMENT_PASSIVE;
	}
	for (uint32_t k = 0; k < m->data_count; k++) {
		const struct data_segment *d = &m->data[k];

		if (d->mode != SEGMENT_ACTIVE)
			continue;
		if (!imaged && !memory_init(i, k, (uint32_t)evaluate(i, d->offset), 0, (uint32_t)d->bytes.size))
			return refuse(n, ERR_TRAP, "out of bounds memory access by data segment %u", k);
		i->dropped_data[k] = true;
	}
	return OK;
}

static enum err make_instance(struct wasm_instance *i, struct arena *a, struct wasm_extern *const *imports, bool imaged)
{
	const struct wasm_module *m = i->module;

	TRY(make_functions(i, a));
	TRY(make_tables(i, a));
	TRY(make_globals(i, a));
	i->dropped_data = arena_many(a, m->data_count, bool);
	i->dropped_elements = arena_many(a, m->element_count, bool);
	if (i->dropped_data == NULL || i->dropped_elements == NULL)
		return ERR_NOMEM;
	for (uint32_t n = 0; n < m->import_count; n++)
		place_import(i, &m->imports[n], imports[n]);
	if (m->memory_count > m->imported_memories)
		TRY(memory_new(i->store, m->memory, imaged ? m : NULL, &i->memory));
	for (uint32_t n = m->imported_globals; n < m->global_count; n++)
		set_global(i, i->globals[n], &m->globals[n].init);
	return make_exports(i, a);
}

enum err wasm_instantiate(struct wasm_store *s, struct arena *a, const struct wasm_module *m,
			  struct wasm_extern *const *imports, struct wasm_instance **out, struct note *n)
{
	struct wasm_instance *i;
	union wasm_value none = {0};
	uint64_t image_size;
	const bool imaged = s->mem.create_image != NULL && wasm_memory_image(m, &image_size);
	enum err err;

	TRY(link_check(m, imports, n));
	i = arena_new(a, struct wasm_instance);
	if (i == NULL)
		return refuse(n, ERR_NOMEM, "no memory for an instance");
	*i = (struct wasm_instance){.store = s,
	                            .module = m,
	                            .stack_end = s->stack_end,
	                            .fuel = (int32_t)s->limits.poll_interval,
	                            .helpers = native_helpers};
	i->memory = &i->no_memory;
	err = make_instance(i, a, imports, imaged);
	if (err != OK)
		return refuse(n, err, "no memory for an instance with %u functions and %u pages of memory",
			      m->function_count, m->memory.min);
	TRY(initialise(i, imaged, n));
	if (m->start != NO_INDEX)
		TRY(wasm_call(s, &i->functions[m->start]->ext, &none, n));
	*out = i;
	return OK;
}

void wasm_run_compiled(struct wasm_instance *i)
{
	const struct wasm_module *m = i->module;

	for (uint32_t n = m->imported_functions; m->native != NULL && n < m->function_count; n++)
		native_bind(m, n - m->imported_functions, i->functions[n]);
}

/* ---- calls from outside ---- */

static enum err call_function(struct wasm_store *s, const struct function *f, union wasm_value *values)
{
	struct wasm_caller caller = {s, NULL};
	uint32_t params = slots_of(f->type->params, f->type->param_count);
	uint32_t results = slots_of(f->type->results, f->type->result_count);
	uint64_t *fp = s->top;
	enum err err;

	if (f->code == NULL)
		return f->host(f->ctx, &caller, values);
	if ((size_t)(s->stack_end - fp) < params) {
		s->trap = "call stack exhausted";
		return ERR_TRAP;
	}
	for (uint32_t k = 0, at = 0; k < f->type->param_count; k++, at++) {
		bool narrow = f->type->params[k] == WASM_I32 || f->type->params[k] == WASM_F32;

		fp[at] = narrow ? values[at].i32 : values[at].i64;
		if (f->type->params[k] == WASM_V128) {
			at++;
			fp[at] = values[at].i64;
		}
	}
	err = interpret(s, f, fp);
	s->top = fp;
	if (err == OK && results > 0)
		memcpy(values, fp, results * sizeof *values);
	return err;
}

enum err wasm_call(struct wasm_store *s, struct wasm_extern *func, union wasm_value *args_results, struct note *n)
{
	enum err err;

	CHECK(func->kind == WASM_FUNC);
	s->trap = NULL;
	s->trap_pc = NULL;
	s->trap_native = NULL;
	if (s->depth >= s->limits.call_depth) {
		s->trap = "call stack exhausted: host functions call back too deep";
		err = ERR_TRAP;
	} else {
		s->depth++;
		err = call_function(s, (const struct function *)func, args_results);
		s->depth--;
	}
	if (err == ERR_TRAP)
		trap_describe(s, n);
	return err;
}
