/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes a module section by section (section 5.5 of the specification) and validates it on the way; function bodies
 * go to the translator. Everything is bounded before memory is taken: a vector has at most as many items as bytes are
 * left in its section, and at most what the limits say.
 */
#include "lib/wasm/simd.h"
#include "lib/wasm/module.h"

#include "lib/wasm/leb.h"

struct wasm_limits wasm_default_limits(void)
{
	return (struct wasm_limits){
		.functions = 1000000,
		.types = 1000000,
		.table_entries = 10000000,
		.data_segments = 100000,
		.locals_per_function = 50000,
		.poll_interval = 65536,
		.call_depth = 100,
		.stack_bytes = 1 << 20,
	};
}

enum { LOCALS_MAX = 50000, ARITY_MAX = 1000, TABLES_MAX = 100000, NAME_MAX_BYTES = 100000 };

enum section {
	SECTION_CUSTOM,
	SECTION_TYPE,
	SECTION_IMPORT,
	SECTION_FUNCTION,
	SECTION_TABLE,
	SECTION_MEMORY,
	SECTION_GLOBAL,
	SECTION_EXPORT,
	SECTION_START,
	SECTION_ELEMENT,
	SECTION_CODE,
	SECTION_DATA,
	SECTION_DATA_COUNT,
	SECTION_COUNT,
	SECTION_TAG = 13 /* of a later version of the specification */
};

struct loader {
	struct arena *arena, *scratch;
	struct wasm_module *m;
	struct note why;
	enum section section;  /* at hand; SECTION_COUNT: none yet */
	uint32_t function;     /* whose body is at hand, or NO_INDEX */
	uint32_t where;        /* offset of what is refused; NO_INDEX: take the reader's */
	uint32_t own_functions, body_count, data_count;
	bool data_count_known;
	bool *declared;        /* functions that ref.func may name */
};

/* ---- types ---- */

const char *wasm_type_name(uint8_t type)
{
	switch (type) {
	case WASM_I32: return "i32";
	case WASM_I64: return "i64";
	case WASM_F32: return "f32";
	case WASM_F64: return "f64";
	case WASM_V128: return "v128";
	case WASM_FUNCREF: return "funcref";
	case WASM_EXTERNREF: return "externref";
	default: return NULL;
	}
}

bool wasm_is_ref(uint8_t type)
{
	return type == WASM_FUNCREF || type == WASM_EXTERNREF;
}

uint32_t slots_of(const uint8_t *types, uint32_t count)
{
	uint32_t slots = count;

	for (uint32_t i = 0; i < count; i++)
		slots += types[i] == WASM_V128;
	return slots;
}

bool functype_equal(const struct wasm_functype *a, const struct wasm_functype *b)
{
	if (a->param_count != b->param_count || a->result_count != b->result_count)
		return false;
	return (a->param_count == 0 || memcmp(a->params, b->params, a->param_count) == 0) &&
	       (a->result_count == 0 || memcmp(a->results, b->results, a->result_count) == 0);
}

/* ---- small parts ---- */

static enum err read_byte(struct loader *l, struct reader *r, uint8_t *out, const char *what)
{
	*out = 0;
	if (leb_byte(r, out) != OK)
		return refuse(&l->why, ERR_FORMAT, "unexpected end: %s is missing", what);
	return OK;
}

static enum err read_u32(struct loader *l, struct reader *r, uint32_t *out, const char *what)
{
	enum err err = leb_u32(r, out);

	if (err == ERR_TRUNCATED)
		return refuse(&l->why, ERR_FORMAT, "unexpected end: %s is missing", what);
	if (err != OK)
		return refuse(&l->why, ERR_FORMAT, "%s: integer representation too long or too large", what);
	return OK;
}

/* The number of items of a vector, each of at least one byte. */
static enum err read_count(struct loader *l, struct reader *r, uint32_t limit, uint32_t *out, const char *what)
{
	TRY(read_u32(l, r, out, what));
	if (*out > rd_left(r))
		return refuse(&l->why, ERR_FORMAT, "unexpected end: %u %s do not fit into what follows", *out, what);
	if (*out > limit)
		return refuse(&l->why, ERR_LIMIT, "%u %s, at most %u are allowed", *out, what, limit);
	return OK;
}

static enum err read_value_type(struct loader *l, struct reader *r, uint8_t *out)
{
	TRY(read_byte(l, r, out, "a value type"));
	if (wasm_type_name(*out) == NULL)
		return refuse(&l->why, ERR_FORMAT, "malformed value type 0x%x", *out);
	return OK;
}

static enum err read_ref_type(struct loader *l, struct reader *r, uint8_t *out)
{
	TRY(read_byte(l, r, out, "a reference type"));
	if (!wasm_is_ref(*out))
		return refuse(&l->why, ERR_FORMAT, "malformed reference type 0x%x", *out);
	return OK;
}

/* Length of the UTF-8 sequence at s, 0 if there is none: table 3-7 of the Unicode standard. */
static size_t utf8_length(struct slice s)
{
	uint8_t a = s.data[0], low = 0x80, high = 0xbf;
	size_t n;

	if (a < 0x80)
		return 1;
	if (a < 0xc2 || a > 0xf4)
		return 0;
	n = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
	if (a == 0xe0)
		low = 0xa0;
	if (a == 0xed)
		high = 0x9f;
	if (a == 0xf0)
		low = 0x90;
	if (a == 0xf4)
		high = 0x8f;
	if (s.size < n || s.data[1] < low || s.data[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s.data[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static bool utf8_valid(struct slice s)
{
	while (s.size > 0) {
		size_t n = utf8_length(s);

		if (n == 0)
			return false;
		s = slice_of(s.data + n, s.size - n);
	}
	return true;
}

static enum err read_name(struct loader *l, struct reader *r, struct slice *out)
{
	uint32_t size;

	TRY(read_u32(l, r, &size, "a name's length"));
	if (rd_bytes(r, size, out) != OK)
		return refuse(&l->why, ERR_FORMAT, "unexpected end: a name of %u bytes does not fit", size);
	if (!utf8_valid(*out))
		return refuse(&l->why, ERR_FORMAT, "malformed UTF-8 encoding in a name");
	return OK;
}

static enum err read_range(struct loader *l, struct reader *r, uint32_t largest, struct size_range *out)
{
	uint8_t flags;

	TRY(read_byte(l, r, &flags, "limits"));
	if (flags > 1)
		return refuse(&l->why, ERR_FORMAT, "malformed limits flags 0x%x", flags);
	out->has_max = flags == 1;
	out->max = largest;
	TRY(read_u32(l, r, &out->min, "the minimum of limits"));
	if (out->has_max)
		TRY(read_u32(l, r, &out->max, "the maximum of limits"));
	if (out->min > largest || out->max > largest)
		return refuse(&l->why, ERR_INVALID, "memory size must be at most %u pages (4 GiB)", largest);
	if (out->min > out->max)
		return refuse(&l->why, ERR_INVALID, "size minimum must not be greater than maximum");
	return OK;
}

static enum err read_table_type(struct loader *l, struct reader *r, struct table_type *out)
{
	TRY(read_ref_type(l, r, &out->element));
	TRY(read_range(l, r, UINT32_MAX, &out->size));
	if (out->size.min > l->m->limits.table_entries)
		return refuse(&l->why, ERR_LIMIT, "a table of %u entries, at most %u are allowed", out->size.min,
			      l->m->limits.table_entries);
	return OK;
}

static enum err read_global_type(struct loader *l, struct reader *r, struct global_type *out)
{
	uint8_t mutable;

	TRY(read_value_type(l, r, &out->type));
	TRY(read_byte(l, r, &mutable, "a mutability"));
	if (mutable > 1)
		return refuse(&l->why, ERR_FORMAT, "malformed mutability 0x%x", mutable);
	out->mutable = mutable == 1;
	return OK;
}

static enum err add_memory(struct loader *l, struct reader *r)
{
	if (l->m->memory_count > 0)
		return refuse(&l->why, ERR_INVALID, "multiple memories are not supported");
	TRY(read_range(l, r, WASM_MAX_PAGES, &l->m->memory));
	l->m->memory_count = 1;
	return OK;
}

/* ---- constant expressions ---- */

static enum err init_number(struct reader *r, uint8_t op, uint8_t *type, uint64_t *value)
{
	int64_t v;
	uint32_t v32;

	switch (op) {
	case 0x41:
		*type = WASM_I32;
		TRY(leb_signed(r, 32, &v));
		*value = (uint32_t)v;
		return OK;
	case 0x42:
		*type = WASM_I64;
		TRY(leb_signed(r, 64, &v));
		*value = (uint64_t)v;
		return OK;
	case 0x43:
		*type = WASM_F32;
		TRY(rd_u32le(r, &v32));
		*value = v32;
		return OK;
	default:
		*type = WASM_F64;
		return rd_u64le(r, value);
	}
}

static enum err init_vector(struct reader *r, struct init *out, struct note *why)
{
	uint32_t op;

	if (leb_u32(r, &op) != OK || op >= SIMD_COUNT || simd_ops[op].shape == SIMD_NONE)
		return refuse(why, ERR_FORMAT, "illegal opcode behind 0xfd in a constant expression");
	if (simd_ops[op].shape != SIMD_CONST)
		return refuse(why, ERR_INVALID, "constant expression required, found %s", simd_ops[op].text);
	out->kind = INIT_VALUE;
	if (rd_u64le(r, &out->value) != OK || rd_u64le(r, &out->high) != OK)
		return refuse(why, ERR_FORMAT, "malformed constant: the module ends inside it");
	return OK;
}

static enum err init_global(struct reader *r, const struct wasm_module *m, uint8_t *type, struct init *out, struct note *why)
{
	uint32_t index;

	if (leb_u32(r, &index) != OK)
		return refuse(why, ERR_FORMAT, "malformed global index");
	if (index >= m->imported_globals)
		return refuse(why, ERR_INVALID, "unknown global %u (a constant expression may name imported ones only)", index);
	if (m->globals[index].type.mutable)
		return refuse(why, ERR_INVALID, "constant expression required: global %u is mutable", index);
	*type = m->globals[index].type.type;
	*out = (struct init){INIT_GLOBAL, index, 0};
	return OK;
}

static enum err init_func(struct reader *r, const struct wasm_module *m, bool *declared, struct init *out, struct note *why)
{
	uint32_t index;

	if (leb_u32(r, &index) != OK)
		return refuse(why, ERR_FORMAT, "malformed function index");
	if (index >= m->function_count)
		return refuse(why, ERR_INVALID, "unknown function %u", index);
	if (declared != NULL)
		declared[index] = true;
	*out = (struct init){INIT_FUNC, index, 0};
	return OK;
}

static enum err init_instruction(struct reader *r, const struct wasm_module *m, uint8_t op, bool *declared, uint8_t *type,
				 struct init *out, struct note *why)
{
	switch (op) {
	case 0x41:
	case 0x42:
	case 0x43:
	case 0x44:
		out->kind = INIT_VALUE;
		if (init_number(r, op, type, &out->value) != OK)
			return refuse(why, ERR_FORMAT, "malformed constant: integer representation too long or too large");
		return OK;
	case 0x23: return init_global(r, m, type, out, why);
	case 0xd0:
		*out = (struct init){INIT_VALUE, WASM_NULL_REF, 0};
		if (leb_byte(r, type) != OK || !wasm_is_ref(*type))
			return refuse(why, ERR_FORMAT, "malformed reference type");
		return OK;
	case 0xd2:
		*type = WASM_FUNCREF;
		return init_func(r, m, declared, out, why);
	case 0xfd: *type = WASM_V128; return init_vector(r, out, why);
	default:
		if (opcode_name(op) == NULL && op != 0xfc)
			return refuse(why, ERR_FORMAT, "illegal opcode 0x%x in a constant expression", op);
		return refuse(why, ERR_INVALID, "constant expression required, found %s",
			      op == 0xfc ? "a prefix" : opcode_name(op));
	}
}

enum err read_init(struct reader *r, const struct wasm_module *m, uint8_t type, bool *declared, struct init *out,
		   struct note *why)
{
	unsigned count = 0;
	uint8_t op, found = 0;

	for (;; count++) {
		if (leb_byte(r, &op) != OK)
			return refuse(why, ERR_FORMAT, "unexpected end of a constant expression");
		if (op == 0x0b)
			break;
		TRY(init_instruction(r, m, op, declared, &found, out, why));
	}
	if (count != 1)
		return refuse(why, ERR_INVALID, "type mismatch: a constant expression gives one value, not %u", count);
	if (found != type)
		return refuse(why, ERR_INVALID, "type mismatch: expected %s, found %s", wasm_type_name(type),
			      wasm_type_name(found));
	return OK;
}

/* ---- sections ---- */

static enum err read_types_of(struct loader *l, struct reader *r, uint32_t *count, const uint8_t **types)
{
	uint8_t type;

	TRY(read_count(l, r, ARITY_MAX, count, "parameters or results"));
	*types = r->at;
	for (uint32_t i = 0; i < *count; i++)
		TRY(read_value_type(l, r, &type));
	return OK;
}

static enum err section_type(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	uint32_t count;
	uint8_t form;

	TRY(read_count(l, r, m->limits.types, &count, "types"));
	m->types = arena_many(l->arena, count, struct wasm_functype);
	if (m->types == NULL)
		return ERR_NOMEM;
	for (; m->type_count < count; m->type_count++) {
		struct wasm_functype *f = &m->types[m->type_count];

		TRY(read_byte(l, r, &form, "a type"));
		if (form != 0x60)
			return refuse(&l->why, ERR_FORMAT, "malformed function type 0x%x", form);
		TRY(read_types_of(l, r, &f->param_count, &f->params));
		TRY(read_types_of(l, r, &f->result_count, &f->results));
	}
	return OK;
}

static enum err read_type_index(struct loader *l, struct reader *r, uint32_t *out)
{
	TRY(read_u32(l, r, out, "a type index"));
	if (*out >= l->m->type_count)
		return refuse(&l->why, ERR_INVALID, "unknown type %u", *out);
	return OK;
}

/* One import; the index spaces were sized by counting before. */
static enum err read_import(struct loader *l, struct reader *r, struct import *im)
{
	struct wasm_module *m = l->m;
	uint8_t kind;

	TRY(read_name(l, r, &im->module));
	TRY(read_name(l, r, &im->name));
	TRY(read_byte(l, r, &kind, "an import kind"));
	im->kind = kind;
	switch (kind) {
	case WASM_FUNC:
		im->index = m->function_count;
		TRY(read_type_index(l, r, &m->functions[m->function_count]));
		m->function_count++;
		return OK;
	case WASM_TABLE:
		im->index = m->table_count;
		TRY(read_table_type(l, r, &m->tables[m->table_count]));
		m->table_count++;
		return OK;
	case WASM_MEMORY: return add_memory(l, r);
	case WASM_GLOBAL:
		im->index = m->global_count;
		TRY(read_global_type(l, r, &m->globals[m->global_count].type));
		m->global_count++;
		return OK;
	default: return refuse(&l->why, ERR_FORMAT, "malformed import kind 0x%x", kind);
	}
}

static enum err section_import(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	uint32_t count;

	TRY(read_count(l, r, m->limits.functions, &count, "imports"));
	m->imports = arena_many(l->arena, count, struct import);
	/* Index spaces begin with imports; own items are added when their section comes. */
	m->functions = arena_many(l->arena, count, uint32_t);
	m->tables = arena_many(l->arena, count, struct table_type);
	m->globals = arena_many(l->arena, count, struct global);
	if (m->imports == NULL || m->functions == NULL || m->tables == NULL || m->globals == NULL)
		return ERR_NOMEM;
	for (; m->import_count < count; m->import_count++)
		TRY(read_import(l, r, &m->imports[m->import_count]));
	m->imported_functions = m->function_count;
	m->imported_tables = m->table_count;
	m->imported_memories = m->memory_count;
	m->imported_globals = m->global_count;
	return OK;
}

/* Moves an index space to where `more` items fit behind the imports. */
static void *extend(struct loader *l, const void *old, uint32_t count, uint32_t more, size_t size)
{
	void *items = arena_array(l->arena, (size_t)count + more, size, _Alignof(uint64_t));

	if (items != NULL && count > 0)
		memcpy(items, old, count * size);
	return items;
}

static enum err section_function(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	uint32_t count;

	TRY(read_count(l, r, m->limits.functions, &count, "functions"));
	m->functions = extend(l, m->functions, m->function_count, count, sizeof *m->functions);
	if (m->functions == NULL)
		return ERR_NOMEM;
	for (; count > 0; count--) {
		TRY(read_type_index(l, r, &m->functions[m->function_count]));
		m->function_count++;
	}
	l->own_functions = m->function_count - m->imported_functions;
	return OK;
}

static enum err section_table(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	uint32_t count;

	TRY(read_count(l, r, TABLES_MAX, &count, "tables"));
	m->tables = extend(l, m->tables, m->table_count, count, sizeof *m->tables);
	if (m->tables == NULL)
		return ERR_NOMEM;
	for (; count > 0; count--) {
		TRY(read_table_type(l, r, &m->tables[m->table_count]));
		m->table_count++;
	}
	return OK;
}

static enum err section_memory(struct loader *l, struct reader *r)
{
	uint32_t count;

	TRY(read_count(l, r, UINT32_MAX, &count, "memories"));
	for (; count > 0; count--)
		TRY(add_memory(l, r));
	return OK;
}

/* Made when it is first needed, which is after the function section. */
static enum err need_declared(struct loader *l)
{
	if (l->declared == NULL)
		l->declared = arena_many(l->scratch, l->m->function_count, bool);
	return l->declared == NULL ? ERR_NOMEM : OK;
}

static enum err section_global(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	uint32_t count;

	TRY(read_count(l, r, UINT32_MAX, &count, "globals"));
	TRY(need_declared(l));
	m->globals = extend(l, m->globals, m->global_count, count, sizeof *m->globals);
	if (m->globals == NULL)
		return ERR_NOMEM;
	for (; count > 0; count--) {
		struct global *g = &m->globals[m->global_count];

		TRY(read_global_type(l, r, &g->type));
		TRY(read_init(r, m, g->type.type, l->declared, &g->init, &l->why));
		m->global_count++;
	}
	return OK;
}

static uint32_t index_space(const struct wasm_module *m, enum wasm_kind kind)
{
	switch (kind) {
	case WASM_FUNC: return m->function_count;
	case WASM_TABLE: return m->table_count;
	case WASM_MEMORY: return m->memory_count;
	default: return m->global_count;
	}
}

static uint32_t name_hash(struct slice s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.size; i++)
		h = (h ^ s.data[i]) * 16777619u;
	return h;
}

/* Names are unique: an open hash table of 1 + index, at most half full. Its memory is given back. */
static enum err check_unique(struct loader *l, uint32_t count)
{
	size_t mark = l->scratch->used;
	uint32_t size = 4;
	uint32_t *slots;
	enum err err = OK;

	while (size < count * 2ull)
		size *= 2;
	slots = arena_many(l->scratch, size, uint32_t);
	if (slots == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < count && err == OK; i++) {
		uint32_t h = name_hash(l->m->exports[i].name) & (size - 1);

		for (; slots[h] != 0 && err == OK; h = (h + 1) & (size - 1))
			if (slice_equal(l->m->exports[slots[h] - 1].name, l->m->exports[i].name))
				err = refuse(&l->why, ERR_INVALID, "duplicate export name (exports %u and %u)", slots[h] - 1, i);
		slots[h] = i + 1;
	}
	arena_release(l->scratch, mark);
	return err;
}

static enum err section_export(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	uint32_t count;
	uint8_t kind;

	TRY(read_count(l, r, UINT32_MAX / 4, &count, "exports"));
	TRY(need_declared(l));
	m->exports = arena_many(l->arena, count, struct export);
	if (m->exports == NULL)
		return ERR_NOMEM;
	for (; m->export_count < count; m->export_count++) {
		struct export *e = &m->exports[m->export_count];

		TRY(read_name(l, r, &e->name));
		TRY(read_byte(l, r, &kind, "an export kind"));
		if (kind > WASM_GLOBAL)
			return refuse(&l->why, ERR_FORMAT, "malformed export kind 0x%x", kind);
		e->kind = kind;
		TRY(read_u32(l, r, &e->index, "an export's index"));
		if (e->index >= index_space(m, e->kind))
			return refuse(&l->why, ERR_INVALID, "unknown %s %u",
				      (const char *[]){"function", "table", "memory", "global"}[kind], e->index);
		if (e->kind == WASM_FUNC)
			l->declared[e->index] = true;
	}
	return check_unique(l, count);
}

static enum err section_start(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	const struct wasm_functype *f;

	TRY(read_u32(l, r, &m->start, "the start function"));
	if (m->start >= m->function_count)
		return refuse(&l->why, ERR_INVALID, "unknown function %u", m->start);
	f = &m->types[m->functions[m->start]];
	if (f->param_count != 0 || f->result_count != 0)
		return refuse(&l->why, ERR_INVALID, "start function %u has parameters or results", m->start);
	return OK;
}

static enum err read_element_items(struct loader *l, struct reader *r, struct element_segment *e)
{
	struct reader begin;
	struct init init;
	uint32_t index;

	TRY(read_count(l, r, l->m->limits.table_entries, &e->count, "elements"));
	begin = *r;
	for (uint32_t i = 0; i < e->count; i++) {
		if (e->expressions) {
			TRY(read_init(r, l->m, e->type, l->declared, &init, &l->why));
			continue;
		}
		TRY(read_u32(l, r, &index, "a function index"));
		if (index >= l->m->function_count)
			return refuse(&l->why, ERR_INVALID, "unknown function %u", index);
		l->declared[index] = true;
	}
	return rd_sub(&begin, (size_t)(r->at - begin.at), &e->items);
}

/* Bits of the flags: 1 passive or declared, 2 explicit table or declared, 4 expressions (section 5.5.12). */
static enum err read_element_segment(struct loader *l, struct reader *r, struct element_segment *e)
{
	struct wasm_module *m = l->m;
	uint32_t flags;
	uint8_t kind;

	TRY(read_u32(l, r, &flags, "an element segment"));
	if (flags > 7)
		return refuse(&l->why, ERR_FORMAT, "malformed element segment flags 0x%x", flags);
	e->mode = (flags & 1) == 0 ? SEGMENT_ACTIVE : (flags & 2) == 0 ? SEGMENT_PASSIVE : SEGMENT_DECLARED;
	e->expressions = (flags & 4) != 0;
	e->type = WASM_FUNCREF;
	if (e->mode == SEGMENT_ACTIVE) {
		if ((flags & 2) != 0)
			TRY(read_u32(l, r, &e->table, "a table index"));
		if (e->table >= m->table_count)
			return refuse(&l->why, ERR_INVALID, "unknown table %u", e->table);
		TRY(read_init(r, m, WASM_I32, l->declared, &e->offset, &l->why));
	}
	if ((flags & 3) != 0 && e->expressions)
		TRY(read_ref_type(l, r, &e->type));
	if ((flags & 3) != 0 && !e->expressions) {
		TRY(read_byte(l, r, &kind, "an element kind"));
		if (kind != 0)
			return refuse(&l->why, ERR_FORMAT, "malformed element kind 0x%x", kind);
	}
	if (e->mode == SEGMENT_ACTIVE && m->tables[e->table].element != e->type)
		return refuse(&l->why, ERR_INVALID, "type mismatch: %s elements for a table of %s", wasm_type_name(e->type),
			      wasm_type_name(m->tables[e->table].element));
	return read_element_items(l, r, e);
}

static enum err section_element(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	uint32_t count;

	TRY(read_count(l, r, UINT32_MAX, &count, "element segments"));
	TRY(need_declared(l));
	m->elements = arena_many(l->arena, count, struct element_segment);
	if (m->elements == NULL)
		return ERR_NOMEM;
	for (; m->element_count < count; m->element_count++)
		TRY(read_element_segment(l, r, &m->elements[m->element_count]));
	return OK;
}

static enum err section_data_count(struct loader *l, struct reader *r)
{
	TRY(read_u32(l, r, &l->data_count, "the data count"));
	if (l->data_count > l->m->limits.data_segments)
		return refuse(&l->why, ERR_LIMIT, "%u data segments, at most %u are allowed", l->data_count,
			      l->m->limits.data_segments);
	l->data_count_known = true;
	/* The data section must agree; until then this is what instructions may name. */
	l->m->data_count = l->data_count;
	return OK;
}

/* How many locals a body declares, as far as that can be read: the translator says what is wrong. */
static uint64_t declared_locals(struct reader body)
{
	uint32_t runs, count;
	uint64_t total = 0;
	uint8_t type;

	if (leb_u32(&body, &runs) != OK)
		return 0;
	while (runs-- > 0 && leb_u32(&body, &count) == OK && leb_byte(&body, &type) == OK)
		total += count;
	return total;
}

/* Bodies are measured first: the largest ones size what the translator needs. */
static enum err measure_bodies(struct loader *l, struct reader r, uint32_t count, struct body_sizes *out)
{
	const uint64_t most = l->m->limits.locals_per_function;
	struct reader body;
	uint64_t locals;
	uint32_t size;

	*out = (struct body_sizes){0};
	for (; count > 0; count--) {
		TRY(read_u32(l, &r, &size, "a body's size"));
		if (rd_sub(&r, size, &body) != OK)
			return refuse(&l->why, ERR_FORMAT, "unexpected end: a body of %u bytes does not fit", size);
		locals = declared_locals(body);
		out->bytes = size > out->bytes ? size : out->bytes;
		out->locals = locals > out->locals ? (uint32_t)(locals > most ? most : locals) : out->locals;
	}
	return OK;
}

static enum err section_code(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	struct translator *t;
	struct body_sizes most;
	uint32_t count, size;

	TRY(read_count(l, r, m->limits.functions, &count, "function bodies"));
	if (count != l->own_functions)
		return refuse(&l->why, ERR_FORMAT, "function and code section have inconsistent lengths (%u and %u)",
			      l->own_functions, count);
	TRY(need_declared(l));
	TRY(measure_bodies(l, *r, count, &most));
	m->bodies = arena_many(l->arena, count, struct body);
	if (m->bodies == NULL)
		return ERR_NOMEM;
	TRY(translator_new(l->arena, l->scratch, m, most, l->declared, l->data_count_known, &t));
	for (; l->body_count < count; l->body_count++) {
		struct reader body;

		l->function = m->imported_functions + l->body_count;
		TRY(read_u32(l, r, &size, "a body's size"));
		TRY(rd_sub(r, size, &body));
		TRY(translate_body(t, body, l->function, &l->where, &l->why));
		l->where = NO_INDEX;
	}
	l->function = NO_INDEX;
	return OK;
}

static enum err read_data_segment(struct loader *l, struct reader *r, struct data_segment *d)
{
	struct wasm_module *m = l->m;
	uint32_t flags, memory = 0, size;

	TRY(read_u32(l, r, &flags, "a data segment"));
	if (flags > 2)
		return refuse(&l->why, ERR_FORMAT, "malformed data segment flags 0x%x", flags);
	d->mode = flags == 1 ? SEGMENT_PASSIVE : SEGMENT_ACTIVE;
	if (flags == 2)
		TRY(read_u32(l, r, &memory, "a memory index"));
	if (d->mode == SEGMENT_ACTIVE) {
		if (memory >= m->memory_count)
			return refuse(&l->why, ERR_INVALID, "unknown memory %u", memory);
		TRY(read_init(r, m, WASM_I32, NULL, &d->offset, &l->why));
	}
	TRY(read_u32(l, r, &size, "a data segment's size"));
	if (rd_bytes(r, size, &d->bytes) != OK)
		return refuse(&l->why, ERR_FORMAT, "unexpected end: a data segment of %u bytes does not fit", size);
	return OK;
}

static enum err section_data(struct loader *l, struct reader *r)
{
	struct wasm_module *m = l->m;
	uint32_t count;

	TRY(read_count(l, r, m->limits.data_segments, &count, "data segments"));
	if (l->data_count_known && count != l->data_count)
		return refuse(&l->why, ERR_FORMAT, "data count and data section have inconsistent lengths (%u and %u)",
			      l->data_count, count);
	m->data = arena_many(l->arena, count, struct data_segment);
	if (m->data == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < count; i++)
		TRY(read_data_segment(l, r, &m->data[i]));
	m->data_count = count;
	return OK;
}

static enum err section_custom(struct loader *l, struct reader *r)
{
	struct slice name, rest;

	TRY(read_name(l, r, &name));
	TRY(rd_bytes(r, rd_left(r), &rest));
	if (slice_is(name, "name"))
		l->m->names = rest;
	return OK;
}

/* order: sections come at most once and in this order; custom sections stand anywhere. */
static const struct {
	const char *name;
	enum err (*read)(struct loader *l, struct reader *r);
	unsigned order;
} sections[] = {
	[SECTION_CUSTOM] = {"custom section", section_custom, 0},
	[SECTION_TYPE] = {"type section", section_type, 1},
	[SECTION_IMPORT] = {"import section", section_import, 2},
	[SECTION_FUNCTION] = {"function section", section_function, 3},
	[SECTION_TABLE] = {"table section", section_table, 4},
	[SECTION_MEMORY] = {"memory section", section_memory, 5},
	[SECTION_GLOBAL] = {"global section", section_global, 6},
	[SECTION_EXPORT] = {"export section", section_export, 7},
	[SECTION_START] = {"start section", section_start, 8},
	[SECTION_ELEMENT] = {"element section", section_element, 9},
	[SECTION_DATA_COUNT] = {"data count section", section_data_count, 10},
	[SECTION_CODE] = {"code section", section_code, 11},
	[SECTION_DATA] = {"data section", section_data, 12},
};
_Static_assert(ARRAY_COUNT(sections) == SECTION_COUNT, "one row for each section");

static enum err read_section(struct loader *l, struct reader *r, unsigned *order, struct reader *at)
{
	uint32_t size;
	uint8_t id;

	*at = *r;
	l->section = SECTION_COUNT;
	TRY(read_byte(l, r, &id, "a section"));
	if (id == SECTION_TAG)
		return refuse(&l->why, ERR_UNSUPPORTED, "the tag section (exception handling) is not supported yet");
	if (id >= SECTION_COUNT)
		return refuse(&l->why, ERR_FORMAT, "malformed section id %u", id);
	TRY(read_u32(l, r, &size, "a section's size"));
	if (rd_sub(r, size, at) != OK)
		return refuse(&l->why, ERR_FORMAT, "length out of bounds: a section of %u bytes, %u are left", size,
			      (unsigned)rd_left(r));
	l->section = id;
	if (id != SECTION_CUSTOM && sections[id].order <= *order)
		return refuse(&l->why, ERR_FORMAT, "unexpected content: the section comes twice or too late");
	if (id != SECTION_CUSTOM)
		*order = sections[id].order;
	TRY(sections[id].read(l, at));
	if (rd_left(at) > 0)
		return refuse(&l->why, ERR_FORMAT, "section size mismatch: %u bytes too many", (unsigned)rd_left(at));
	return OK;
}

/* *at is what was being read, for the message. */
static enum err read_module(struct loader *l, struct reader r, struct reader *at)
{
	static const uint8_t magic[4] = {0, 'a', 's', 'm'};
	struct slice s;
	uint32_t version;
	unsigned order = 0;

	*at = r;
	if (rd_bytes(&r, 4, &s) != OK || memcmp(s.data, magic, 4) != 0)
		return refuse(&l->why, ERR_FORMAT, "magic header not detected: this is not a WebAssembly module");
	*at = r;
	if (rd_u32le(&r, &version) != OK || version != 1)
		return refuse(&l->why, ERR_FORMAT, "unknown binary version, only 1 is known");
	while (rd_left(&r) > 0)
		TRY(read_section(l, &r, &order, at));
	*at = r;
	l->section = SECTION_COUNT;
	if (l->body_count != l->own_functions)
		return refuse(&l->why, ERR_FORMAT, "function and code section have inconsistent lengths (%u and 0)",
			      l->own_functions);
	if (l->data_count_known && l->data_count > 0 && l->m->data == NULL)
		return refuse(&l->why, ERR_FORMAT, "data count and data section have inconsistent lengths (%u and 0)",
			      l->data_count);
	return OK;
}

/* "code section, function 12 "main", offset 0x1a2b: reason" */
static void describe(const struct loader *l, const struct reader *at, enum err err, struct note *n)
{
	const char *section = l->section < SECTION_COUNT ? sections[l->section].name : "module";
	const char *why = l->why.text[0] != 0 ? l->why.text : err_text(err);
	unsigned offset = l->where != NO_INDEX ? l->where : (unsigned)rd_offset(at);
	char name[FUNCTION_NAME_MAX];

	if (l->function == NO_INDEX) {
		note_set(n, "%s, offset 0x%x: %s", section, offset, why);
		return;
	}
	function_name(l->m, l->function, name);
	if (name[0] != 0)
		note_set(n, "%s, function %u \"%s\", offset 0x%x: %s", section, l->function, name, offset, why);
	else
		note_set(n, "%s, function %u, offset 0x%x: %s", section, l->function, offset, why);
}

enum err wasm_load(struct arena *a, struct arena *scratch, struct slice bytes, const struct wasm_limits *limits,
		   struct wasm_module **out, struct note *n)
{
	const size_t mark = a->used, scratch_mark = scratch->used;
	struct loader l = {.arena = a, .scratch = scratch, .section = SECTION_COUNT, .function = NO_INDEX, .where = NO_INDEX};
	struct reader at = rd_of(bytes);
	enum err err = ERR_NOMEM;

	if (bytes.size > UINT32_MAX)
		return refuse(n, ERR_LIMIT, "the module is larger than 4 GiB");
	l.m = arena_new(a, struct wasm_module);
	if (l.m != NULL) {
		l.m->bytes = bytes;
		l.m->limits = *limits;
		if (l.m->limits.locals_per_function > LOCALS_MAX)
			l.m->limits.locals_per_function = LOCALS_MAX;
		l.m->start = NO_INDEX;
		err = read_module(&l, rd_of(bytes), &at);
	}
	if (err == ERR_TRUNCATED || err == ERR_TRAILING)
		err = ERR_FORMAT;
	if (scratch != a)
		arena_release(scratch, scratch_mark);
	if (err == OK) {
		*out = l.m;
		return OK;
	}
	if (l.m != NULL)
		describe(&l, &at, err, n);
	else
		note_set(n, "no memory to load the module");
	arena_release(a, mark);
	return err;
}

uint32_t wasm_import_count(const struct wasm_module *m)
{
	return m->import_count;
}

struct wasm_import wasm_import_at(const struct wasm_module *m, uint32_t i)
{
	const struct import *im = &m->imports[i];

	CHECK(i < m->import_count);
	return (struct wasm_import){im->module, im->name, im->kind,
				    im->kind == WASM_FUNC ? &m->types[m->functions[im->index]] : NULL};
}
