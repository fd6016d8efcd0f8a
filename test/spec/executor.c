/* SPDX-License-Identifier: Apache-2.0 */
#include "test/spec/executor.h"

#include "lib/wasm/x64/native.h"
#include "lib/wasm/x64check/prove.h"

/* ---- the host module "spectest" (test/core/README.md of the suite) ---- */

static enum err print(void *ctx, struct wasm_caller *caller, union wasm_value *args)
{
	(void)ctx;
	(void)caller;
	(void)args;
	return OK;
}

static const uint8_t t_i32[] = {WASM_I32}, t_i64[] = {WASM_I64}, t_f32[] = {WASM_F32}, t_f64[] = {WASM_F64};
static const uint8_t t_i32_f32[] = {WASM_I32, WASM_F32}, t_f64_f64[] = {WASM_F64, WASM_F64};

static const struct {
	const char *name;
	uint32_t count;
	const uint8_t *params;
} prints[] = {
        {"print", 0, NULL},
        {"print_i32", 1, t_i32},
        {"print_i64", 1, t_i64},
        {"print_f32", 1, t_f32},
        {"print_f64", 1, t_f64},
        {"print_i32_f32", 2, t_i32_f32},
        {"print_f64_f64", 2, t_f64_f64},
};

static void provide(struct executor *x, size_t *n, const char *name, struct wasm_extern *e)
{
	CHECK(e != NULL && *n < ARRAY_COUNT(x->spectest));
	x->spectest[*n].name = slice_text(name);
	x->spectest[(*n)++].extern_ = e;
}

static void make_spectest(struct executor *x)
{
	struct wasm_store *s = x->store;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_COUNT(prints); i++) {
		struct wasm_functype type = {.param_count = prints[i].count, .params = prints[i].params};

		provide(x, &n, prints[i].name, wasm_host_func(s, type, print, NULL));
	}
	provide(x, &n, "global_i32", wasm_new_global(s, WASM_I32, false, (union wasm_value){.i32 = 666}));
	provide(x, &n, "global_i64", wasm_new_global(s, WASM_I64, false, (union wasm_value){.i64 = 666}));
	provide(x, &n, "global_f32", wasm_new_global(s, WASM_F32, false, (union wasm_value){.f32 = 666.6f}));
	provide(x, &n, "global_f64", wasm_new_global(s, WASM_F64, false, (union wasm_value){.f64 = 666.6}));
	provide(x, &n, "table", wasm_new_table(s, WASM_FUNCREF, 10, 20));
	provide(x, &n, "memory", wasm_new_memory(s, 1, 2));
}

/* ---- commands ---- */

static enum err reset(struct executor *x)
{
	struct wasm_limits limits = wasm_default_limits();

	arena_release(x->arena, x->mark);
	x->instance_count = x->name_count = 0;
	x->instances = arena_array(x->arena, SPEC_INSTANCES_MAX, sizeof *x->instances, 8);
	x->names = arena_array(x->arena, SPEC_NAMES_MAX, sizeof *x->names, 8);
	if (x->instances == NULL || x->names == NULL)
		return ERR_NOMEM;
	TRY(wasm_store_new(x->arena, &limits, x->memory, (struct wasm_poll){0}, &x->store));
	make_spectest(x);
	return OK;
}

/* Requests are gone when the next one comes; modules and names are not. */
static enum err keep_bytes(struct executor *x, struct slice in, struct slice *out)
{
	uint8_t *copy = arena_alloc(x->arena, in.size, 1);

	if (copy == NULL)
		return ERR_NOMEM;
	if (in.size > 0)
		memcpy(copy, in.data, in.size);
	*out = slice_of(copy, in.size);
	return OK;
}

static struct wasm_extern *find_import(struct executor *x, struct wasm_import im)
{
	for (uint32_t i = x->name_count; i-- > 0;)
		if (slice_equal(x->names[i].name, im.module))
			return wasm_export(x->names[i].instance, im.name);
	if (!slice_is(im.module, "spectest"))
		return NULL;
	for (size_t i = 0; i < ARRAY_COUNT(x->spectest); i++)
		if (slice_equal(x->spectest[i].name, im.name))
			return x->spectest[i].extern_;
	return NULL;
}

static enum err compile(struct executor *x, struct wasm_module *m, struct note *n)
{
	enum err err = wasm_compile(m, x->tier, NULL, x->arena, x->code);

	if (err != OK)
		return refuse(n, ERR_STATE, "the module was not compiled: %s", err_text(err));
	if (wasm_code_stats(m).interpreted > 0)
		return refuse(n, ERR_STATE, "%u functions were not compiled", wasm_code_stats(m).interpreted);
	return x64_prove(m, x->arena, n);
}

static enum err module(struct executor *x, struct reader *r, struct writer *w, struct note *n)
{
	struct wasm_limits limits = wasm_default_limits();
	struct wasm_extern *imports[SPEC_IMPORTS_MAX];
	struct wasm_module *m;
	struct slice bytes;

	TRY(rd_bytes(r, rd_left(r), &bytes));
	TRY(keep_bytes(x, bytes, &bytes));
	TRY(wasm_load(x->arena, x->arena, bytes, &limits, &m, n));
	if (x->compiles)
		TRY(compile(x, m, n));
	if (x->instance_count == SPEC_INSTANCES_MAX || wasm_import_count(m) > SPEC_IMPORTS_MAX)
		return refuse(n, ERR_LIMIT, "too many instances or imports for the suite runner");
	for (uint32_t i = 0; i < wasm_import_count(m); i++)
		imports[i] = find_import(x, wasm_import_at(m, i));
	TRY(wasm_instantiate(x->store, x->arena, m, imports, &x->instances[x->instance_count], n));
	return wr_u32le(w, x->instance_count++);
}

static enum err read_target(struct executor *x, struct reader *r, struct wasm_instance **i, struct slice *name)
{
	uint32_t index, size;

	TRY(rd_u32le(r, &index));
	TRY(rd_u32le(r, &size));
	TRY(rd_bytes(r, size, name));
	if (index >= x->instance_count)
		return ERR_NOT_FOUND;
	*i = x->instances[index];
	return OK;
}

static enum err register_name(struct executor *x, struct reader *r)
{
	struct wasm_instance *i;
	struct slice name;

	TRY(read_target(x, r, &i, &name));
	if (x->name_count == SPEC_NAMES_MAX)
		return ERR_LIMIT;
	TRY(keep_bytes(x, name, &x->names[x->name_count].name));
	x->names[x->name_count++].instance = i;
	return OK;
}

/* Returns how many of the values it took. */
static enum err write_value(struct writer *w, uint8_t type, const union wasm_value *v, uint32_t *taken)
{
	*taken += type == WASM_V128 ? 2 : 1;
	TRY(wr_u8(w, type));
	TRY(wr_u64le(w, type == WASM_I32 || type == WASM_F32 ? v->i32 : v->i64));
	return type == WASM_V128 ? wr_u64le(w, v[1].i64) : OK;
}

static enum err invoke(struct executor *x, struct reader *r, struct writer *w, struct note *n)
{
	union wasm_value values[1024] = {{0}};
	const struct wasm_functype *type;
	struct wasm_instance *i;
	struct wasm_extern *e;
	struct slice name;
	uint32_t count, at = 0;
	uint8_t t;

	TRY(read_target(x, r, &i, &name));
	e = wasm_export(i, name);
	if (e == NULL || wasm_extern_kind(e) != WASM_FUNC)
		return refuse(n, ERR_NOT_FOUND, "no such function");
	type = wasm_extern_functype(e);
	TRY(rd_u32le(r, &count));
	if (count != type->param_count || count > ARRAY_COUNT(values) / 2 ||
	    type->result_count > ARRAY_COUNT(values) / 2)
		return refuse(n, ERR_INVALID, "wrong number of arguments");
	for (uint32_t k = 0; k < count; k++) {
		TRY(rd_u8(r, &t));
		if (t != type->params[k])
			return refuse(n, ERR_INVALID, "argument %u has the wrong type", k);
		TRY(rd_u64le(r, &values[at++].i64));
		if (t == WASM_V128)
			TRY(rd_u64le(r, &values[at++].i64));
	}
	TRY(wasm_call(x->store, e, values, n));
	TRY(wr_u32le(w, type->result_count));
	at = 0;
	for (uint32_t k = 0; k < type->result_count; k++)
		TRY(write_value(w, type->results[k], &values[at], &at));
	return OK;
}

static enum err get(struct executor *x, struct reader *r, struct writer *w)
{
	struct wasm_instance *i;
	struct wasm_extern *e;
	union wasm_value v[2];
	uint32_t taken = 0;
	enum wasm_type t;
	struct slice name;

	TRY(read_target(x, r, &i, &name));
	e = wasm_export(i, name);
	if (e == NULL)
		return ERR_NOT_FOUND;
	TRY(wasm_global_get(e, &t, v));
	return write_value(w, (uint8_t)t, v, &taken);
}

static enum err dispatch(struct executor *x, struct slice request, struct writer *w, struct note *n)
{
	struct reader r = rd_of(request);
	uint8_t command, tier;

	TRY(rd_u8(&r, &command));
	switch (command) {
	case SPEC_RESET:
		TRY(rd_u8(&r, &tier));
		x->compiles = tier != 0 && x->code != NULL;
		x->tier = tier == 2 ? WASM_TIER_OPTIMIZED : WASM_TIER_BASELINE;
		return tier != 0 && x->code == NULL ? ERR_UNSUPPORTED : reset(x);
	case SPEC_MODULE: return module(x, &r, w, n);
	case SPEC_REGISTER: return register_name(x, &r);
	case SPEC_INVOKE: return invoke(x, &r, w, n);
	case SPEC_GET: return get(x, &r, w);
	default: return ERR_INVALID;
	}
}

static enum spec_outcome outcome_of(enum err err)
{
	switch (err) {
	case OK: return SPEC_DONE;
	case ERR_FORMAT: return SPEC_MALFORMED;
	case ERR_INVALID: return SPEC_INVALID;
	case ERR_UNSUPPORTED: return SPEC_UNSUPPORTED;
	case ERR_UNLINKABLE: return SPEC_UNLINKABLE;
	case ERR_TRAP: return SPEC_TRAP;
	default: return SPEC_FAILED;
	}
}

void executor_init(struct executor *x, struct arena *a, struct wasm_memory_ops memory, struct wasm_code_memory *code)
{
	*x = (struct executor){.arena = a, .mark = a->used, .memory = memory, .code = code};
	CHECK(reset(x) == OK);
}

size_t executor_handle(struct executor *x, struct slice request, uint8_t response[static SPEC_RESPONSE_MAX])
{
	struct writer w = wr_of(response + 1, SPEC_RESPONSE_MAX - 1);
	struct note n = {{0}};
	enum err err = dispatch(x, request, &w, &n);
	const char *text = n.text[0] != 0 ? n.text : err_text(err);

	response[0] = (uint8_t)outcome_of(err);
	if (err == OK)
		return 1 + wr_used(&w);
	memcpy(response + 1, text, strlen(text));
	return 1 + strlen(text);
}
