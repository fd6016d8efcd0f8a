/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled code at run time: entering it, what it calls, and where a machine address stands in the module. */
#include "lib/wasm/x64/native.h"

#include "lib/wasm/leb.h"
#include "lib/wasm/number.h"
#include "lib/wasm/simd.h"

/*
 * A way from compiled code through the interpreter or another instance back into compiled code takes about 520 bytes of
 * machine stack, of which a VM Keep has 256 KiB; return addresses of compiled functions take up to 128 KiB (FRAME_LEAST).
 */
enum { ENTRIES_MAX = 100 };

static bool is_narrow(uint8_t type)
{
	return type == WASM_I32 || type == WASM_F32;
}

/* The interpreter and host functions want slots of narrow values with a clear upper half. */
static void clear_upper(uint64_t *slots, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++, slots++) {
		if (is_narrow(types[i]))
			*slots = (uint32_t)*slots;
		if (types[i] == WASM_V128)
			slots++;
	}
}

/* ---- entering ---- */

typedef enum err enter_fn(struct wasm_instance *i, uint64_t *fp, const uint8_t *code, uint64_t out[2]);

static enter_fn *enter_of(const struct native_module *n)
{
	uintptr_t at = (uintptr_t)(n->base + n->enter);
	enter_fn *fn;

	copy_small(&fn, &at, sizeof fn); /* an object pointer is no function pointer in C */
	return fn;
}

CALLS_MADE_CODE enum err native_take_over(const struct function *f, uint64_t *fp, const uint8_t *entry)
{
	struct wasm_store *s = f->instance->store;
	const struct wasm_functype *t = f->type;
	uint64_t out[2];
	enum err err;

	if (s->native_entries >= ENTRIES_MAX) {
		s->trap = "call stack exhausted";
		return ERR_TRAP;
	}
	s->native_entries++;
	err = enter_of(f->instance->module->native)(f->instance, fp, entry, out);
	s->native_entries--;
	if (err != OK)
		return err;
	if (t->result_count == 1 && t->results[0] != WASM_V128)
		fp[0] = t->results[0] == WASM_F32 || t->results[0] == WASM_F64 ? out[1] : out[0];
	clear_upper(fp, t->results, t->result_count);
	return OK;
}

enum err native_call(const struct function *f, uint64_t *fp)
{
	return native_take_over(f, fp, f->native);
}

/* The entry for the loop at this offset of the module, NULL: its function is not compiled. */
static const uint8_t *find_loop(const struct native_module *n, uint32_t loop)
{
	uint32_t low = 0, high = n->loop_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (n->loops[middle].loop < loop)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n->loop_count && n->loops[low].loop == loop ? n->base + n->loops[low].entry : NULL;
}

const uint8_t *native_entry_at(const struct wasm_instance *i, const code_t *pc, const uint64_t *fp,
                               const struct function **f)
{
	const struct wasm_module *m = i->module;
	uint32_t index, loop;

	if (m->native == NULL || i->store->native_entries >= ENTRIES_MAX || !loop_place(m, pc, &index, &loop))
		return NULL;
	*f = i->functions[index];
	/* The frame grows, at most by the registers that are saved and by what FRAME_LEAST asks for. */
	if ((size_t)(i->stack_end - fp) < (size_t)(*f)->frame_slots + NATIVE_FRAME_GROWTH)
		return NULL;
	return find_loop(m->native, loop);
}

/* ---- what compiled code calls ---- */

static enum err trap_at(struct wasm_instance *i, const uint8_t *site, const char *why)
{
	i->store->trap = why;
	i->store->trap_native = site;
	i->store->trap_instance = i;
	return ERR_TRAP;
}

static enum err help_trap(struct wasm_instance *i, uint64_t *slots, uint32_t a, uint32_t b, const uint8_t *pc)
{
	static const char *const why[TRAP_COUNT] = {
	        [TRAP_UNREACHABLE] = "unreachable executed",    [TRAP_DIVIDE] = "integer divide by zero",
	        [TRAP_OVERFLOW] = "integer overflow",           [TRAP_CONVERSION] = "invalid conversion to integer",
	        [TRAP_STACK] = "call stack exhausted",          [TRAP_UNDEFINED] = "undefined element",
	        [TRAP_UNINITIALIZED] = "uninitialized element",
	};

	(void)slots;
	(void)b;
	return trap_at(i, pc - 1, why[a]);
}

static enum err help_fault(struct wasm_instance *i, uint64_t *slots, uint32_t a, uint32_t b, const uint8_t *pc)
{
	(void)slots;
	(void)a;
	(void)b;
	(void)pc;
	return trap_at(i, i->module->native->base + i->module->native->memory->fault_offset,
	               "out of bounds memory access");
}

static enum err help_poll(struct wasm_instance *i, uint64_t *slots, uint32_t a, uint32_t b, const uint8_t *pc)
{
	const struct wasm_poll *p = &i->store->poll;

	(void)slots;
	(void)a;
	(void)b;
	(void)pc;
	i->fuel = (int32_t)i->store->limits.poll_interval;
	return p->poll == NULL ? OK : p->poll(p->ctx);
}

static enum err call_out(struct wasm_instance *i, const struct function *f, uint64_t *slots, const uint8_t *pc)
{
	struct wasm_store *s = i->store;
	const struct wasm_functype *t = f->type;
	enum err err;

	clear_upper(slots, t->params, t->param_count);
	if (f->code == NULL)
		err = call_host(s, i, f, slots);
	else /* compiled code makes its frame itself, and needs no interpreter in between */
		err = *f->code == IOP_native ? native_call(f, slots) : interpret(s, f, slots);
	if (err == OK) /* compiled code takes an i32 for an index as it comes */
		clear_upper(slots, t->results, t->result_count);
	if (err == ERR_TRAP && s->trap_pc == NULL && s->trap_native == NULL)
		return trap_at(i, pc - 1, s->trap);
	return err;
}

/* a: a function of the instance, imported or not compiled. */
static enum err help_call(struct wasm_instance *i, uint64_t *slots, uint32_t a, uint32_t b, const uint8_t *pc)
{
	(void)b;
	(void)pc;
	return call_out(i, i->functions[a], slots, i->native_back);
}

/* a: the type the call wants. */
static enum err help_call_indirect(struct wasm_instance *i, uint64_t *slots, uint32_t a, uint32_t b, const uint8_t *pc)
{
	const struct function *f = i->callee;
	const struct wasm_functype *type = &i->module->types[a];

	(void)b;
	(void)pc;
	if (f->type != type && !functype_equal(f->type, type))
		return trap_at(i, i->native_back - 1, "indirect call type mismatch");
	return call_out(i, f, slots, i->native_back);
}

static const char trap_memory[] = "out of bounds memory access";
static const char trap_table[] = "out of bounds table access";

/* x of TRUNC rows whose result is an i64. NULL: fine. */
static const char *trunc_i64(uint32_t op, uint64_t *slots)
{
	bool is_signed = op == 0xae || op == 0xb0;
	double x = op < 0xb0 ? (double)f32_of((uint32_t)slots[0]) : f64_of(slots[0]);

	if (x != x)
		return "invalid conversion to integer";
	if (is_signed ? !(x >= -9223372036854775808.0 && x < 9223372036854775808.0)
	              : !(x > -1.0 && x < 18446744073709551616.0))
		return "integer overflow";
	slots[0] = is_signed ? (uint64_t)(int64_t)x : (uint64_t)x;
	return NULL;
}

static bool copy_memory(struct wasm_instance *i, uint32_t d, uint32_t s, uint32_t n)
{
	const struct memory *m = i->memory;

	if ((uint64_t)d + n > m->bytes || (uint64_t)s + n > m->bytes)
		return false;
	if (n > 0)
		memmove(m->base + d, m->base + s, n);
	return true;
}

static bool fill_memory(struct wasm_instance *i, uint32_t d, uint8_t value, uint32_t n)
{
	const struct memory *m = i->memory;

	if ((uint64_t)d + n > m->bytes)
		return false;
	if (n > 0)
		memset(m->base + d, value, n);
	return true;
}

static bool copy_table(const struct table *to, const struct table *from, uint32_t d, uint32_t s, uint32_t n)
{
	if ((uint64_t)d + n > to->count || (uint64_t)s + n > from->count)
		return false;
	if (n > 0)
		memmove(to->entries + d, from->entries + s, n * sizeof *to->entries);
	return true;
}

static bool fill_table(const struct table *t, uint32_t d, uint64_t value, uint32_t n)
{
	if ((uint64_t)d + n > t->count)
		return false;
	for (uint32_t k = 0; k < n; k++)
		t->entries[d + k] = value;
	return true;
}

static bool get_table(const struct table *t, uint64_t *slots)
{
	uint32_t x = (uint32_t)slots[0];

	if (x >= t->count)
		return false;
	slots[0] = t->entries[x];
	return true;
}

static bool set_table(const struct table *t, uint32_t x, uint64_t value)
{
	if (x >= t->count)
		return false;
	t->entries[x] = value;
	return true;
}

/* Numbers that have no short sequence of instructions on every machine. */
static const char *number_op(uint32_t op, uint64_t *s)
{
	switch (op) {
	case 0x69: s[0] = popcnt32((uint32_t)s[0]); return NULL;
	case 0x7b: s[0] = popcnt64(s[0]); return NULL;
	case 0x100: s[0] = sat_s32((double)f32_of((uint32_t)s[0])); return NULL;
	case 0x101: s[0] = sat_u32((double)f32_of((uint32_t)s[0])); return NULL;
	case 0x102: s[0] = sat_s32(f64_of(s[0])); return NULL;
	case 0x103: s[0] = sat_u32(f64_of(s[0])); return NULL;
	case 0x104: s[0] = sat_s64((double)f32_of((uint32_t)s[0])); return NULL;
	case 0x105: s[0] = sat_u64((double)f32_of((uint32_t)s[0])); return NULL;
	case 0x106: s[0] = sat_s64(f64_of(s[0])); return NULL;
	case 0x107: s[0] = sat_u64(f64_of(s[0])); return NULL;
	default: return trunc_i64(op, s);
	}
}

/* x, y: immediates of the instruction, in their order. NULL: fine. */
static const char *do_op(struct wasm_instance *i, uint32_t op, uint64_t *s, uint32_t x, uint32_t y)
{
	uint32_t n0 = (uint32_t)s[0], n1 = (uint32_t)s[1], n2 = (uint32_t)s[2];

	switch (op) {
	case 0x25: return get_table(i->tables[x], s) ? NULL : trap_table;
	case 0x26: return set_table(i->tables[x], n0, s[1]) ? NULL : trap_table;
	case 0x40: s[0] = memory_grow(i->store, i->memory, n0); return NULL;
	case 0x108: return memory_init(i, x, n0, n1, n2) ? NULL : trap_memory;
	case 0x109: i->dropped_data[x] = true; return NULL;
	case 0x10a: return copy_memory(i, n0, n1, n2) ? NULL : trap_memory;
	case 0x10b: return fill_memory(i, n0, (uint8_t)n1, n2) ? NULL : trap_memory;
	case 0x10c: return table_init(i, y, x, n0, n1, n2) ? NULL : trap_table;
	case 0x10d: i->dropped_elements[x] = true; return NULL;
	case 0x10e: return copy_table(i->tables[x], i->tables[y], n0, n1, n2) ? NULL : trap_table;
	case 0x10f: s[0] = table_grow(i->store, i->tables[x], s[0], n1); return NULL;
	case 0x110: s[0] = i->tables[x]->count; return NULL;
	case 0x111: return fill_table(i->tables[x], n0, s[1], n2) ? NULL : trap_table;
	default: return number_op(op, s);
	}
}

static enum err help_op(struct wasm_instance *i, uint64_t *slots, uint32_t a, uint32_t b, const uint8_t *pc)
{
	const char *why = do_op(i, a, slots, b & 0xffff, b >> 16);

	return why == NULL ? OK : trap_at(i, pc - 1, why);
}

/* a: of simd_ops, its operands one behind the other in the slots; the result takes their place. */
static enum err help_simd(struct wasm_instance *i, uint64_t *slots, uint32_t a, uint32_t b, const uint8_t *pc)
{
	(void)i;
	(void)b;
	(void)pc;
	simd_ops[a].run(slots, slots, slots + 2, slots + 4, 0);
	return OK;
}

native_helper *const native_helpers[HELPER_COUNT] = {
        [HELPER_TRAP] = help_trap,
        [HELPER_FAULT] = help_fault,
        [HELPER_POLL] = help_poll,
        [HELPER_CALL] = help_call,
        [HELPER_CALL_INDIRECT] = help_call_indirect,
        [HELPER_OP] = help_op,
        [HELPER_SIMD] = help_simd,
};

/* ---- places ---- */

/* A stretch of code that belongs to one function. */
struct stretch {
	uint32_t own, offset, sites, sites_size;
};

static uint32_t find_function(const struct native_module *n, uint32_t count, uint32_t at)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (at < n->functions[middle].offset)
			high = middle;
		else if (at - n->functions[middle].offset >= n->functions[middle].size)
			low = middle + 1;
		else
			return middle;
	}
	return NO_INDEX;
}

static uint32_t find_second(const struct native_module *n, uint32_t at)
{
	uint32_t low = 0, high = n->second_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (at < n->seconds[middle].offset)
			high = middle;
		else if (at - n->seconds[middle].offset >= n->seconds[middle].size)
			low = middle + 1;
		else
			return middle;
	}
	return NO_INDEX;
}

static bool find_stretch(const struct wasm_module *m, uint32_t at, struct stretch *out)
{
	const struct native_module *n = m->native;
	uint32_t i = find_function(n, m->function_count - m->imported_functions, at);

	if (i != NO_INDEX) {
		*out = (struct stretch){i, n->functions[i].offset, n->functions[i].sites, n->functions[i].sites_size};
		return true;
	}
	i = find_second(n, at);
	if (i == NO_INDEX)
		return false;
	*out = (struct stretch){n->seconds[i].own, n->seconds[i].offset, n->seconds[i].sites, n->seconds[i].sites_size};
	return true;
}

/* The offset in the module of the site at this offset of the code, 0: there is none. */
static uint32_t find_site(const struct wasm_module *m, const struct stretch *s, uint32_t at)
{
	struct reader r = rd_of(slice_of(m->native->sites + s->sites, s->sites_size));
	uint32_t code = s->offset, module = m->bodies[s->own].offset, d_code, d_module;

	while (r.at < r.end) {
		if (leb_u32(&r, &d_code) != OK || leb_u32(&r, &d_module) != OK)
			break;
		code += d_code;
		module += d_module;
		if (code == at)
			return module;
	}
	return 0;
}

/* The own function in whose body the offset is: not the one whose code it came from, if that has inlined it. */
static uint32_t function_at(const struct wasm_module *m, uint32_t offset)
{
	uint32_t low = 0, high = m->function_count - m->imported_functions;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (offset < m->bodies[middle].offset)
			high = middle;
		else
			low = middle;
	}
	return low;
}

bool native_place(const struct wasm_module *m, const uint8_t *site, uint32_t *function, uint32_t *offset)
{
	struct stretch s;
	uint32_t at;

	if (m->native == NULL || (uintptr_t)site < (uintptr_t)m->native->base ||
	    (uintptr_t)site - (uintptr_t)m->native->base >= m->native->size)
		return false;
	at = (uint32_t)(site - m->native->base);
	if (!find_stretch(m, at, &s))
		return false;
	*offset = find_site(m, &s, at);
	if (*offset == 0)
		return false;
	*function = m->imported_functions + function_at(m, *offset);
	return true;
}

uint64_t wasm_code_fault(struct wasm_code_memory *code, uint64_t pc)
{
	for (const struct wasm_module *m = code->first; m != NULL; m = m->native->next) {
		const struct native_module *n = m->native;
		uint64_t at = pc - (uintptr_t)n->base;
		struct stretch s;

		if (at >= n->size)
			continue;
		if (!find_stretch(m, (uint32_t)at, &s) || find_site(m, &s, (uint32_t)at) == 0)
			return 0;
		code->fault_offset = (uint32_t)at;
		return (uintptr_t)n->base + n->fault;
	}
	return 0;
}

/* ---- the seam ---- */

struct wasm_code_stats wasm_code_stats(const struct wasm_module *m)
{
	uint32_t own = m->function_count - m->imported_functions;

	if (m->native == NULL)
		return (struct wasm_code_stats){.interpreted = own};
	return (struct wasm_code_stats){m->native->compiled, m->native->optimized, own - m->native->compiled, m->native->size};
}

void native_bind(const struct wasm_module *m, uint32_t own, struct function *f)
{
	const struct native_function *n = &m->native->functions[own];

	f->native = m->native->base + n->offset;
	if (!n->compiled)
		return;
	f->code = n->call;
	f->locals = f->params;
}
