/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wasm/x64check/prove.h"

#include "lib/wasm/module.h"

#include "lib/wasm/x64/native.h"
#include "lib/wasm/x64check/decode.h"

/* What a register holds. n is the number it speaks of. */
enum kind {
	ANY,
	BELOW, /* a number, at most n */
	CONST, /* the number n */
	/* No numbers from here on: these are not stored. */
	ORIGINAL, /* what register n held at the entry */
	FRAME,    /* n bytes behind the start of the frame */
	INSTANCE,
	LINEAR, /* the base of memory 0 */
	GLOBALS,
	FUNCTIONS,
	TABLES,
	MEMORY,    /* struct memory */
	CELL,      /* global n */
	TABLE,     /* table n */
	ENTRIES,   /* of table n */
	INDEX,     /* into table n, also in speculation */
	REFERENCE, /* an entry of a table of functions: a function or none */
	FUNCTION,
	TYPED, /* a function of type n */
	OWN,   /* one of this instance, too */
	TYPE,  /* the address of type n */
	CODE,  /* of the byte n of the code */
	ROWS,  /* n + 8 * (0...k) */
	TARGET, /* where one of these rows leads */
};

struct value {
	uint64_t n;
	uint32_t k;
	uint8_t kind;
};

/* What the last comparison said, until the next instruction that is no jump. */
enum compared { NOTHING, COUNT, COUNT_BELOW, MASKED, LIMIT, STACK, NULL_REFERENCE, FUNCTION_TYPE, FUNCTION_INSTANCE,
		ROW /* no comparison: `mask` has how far behind the row in `reg` it leads */ };
struct flags {
	uint8_t what, reg, mask;
	uint64_t n;
};

struct state {
	struct value reg[16];
	struct flags flags;
	uint32_t refs;  /* labels that have it; behind the last one: the next free state + 1 */
	uint16_t saved; /* registers of the caller that are in their slots */
	bool checked;   /* the stack is as long as the frame's limit */
	bool callee;    /* of the instance was set for a call */
};

/* Of each byte of the function: is an instruction there, does a later one jump to it, with which state (number + 1). */
enum { START = 1, BACK = 2, STATE_SHIFT = 2 };

struct prover {
	const struct wasm_module *m;
	const struct native_module *n;
	struct arena *scratch;
	struct note *why;
	struct x64_decoder decoder;
	struct state *states;
	uint32_t state_count, state_capacity, free_state;
	uint32_t *map;
	uint32_t thunk_size;
	uint32_t next_loop, next_head, next_second;
	/* the function at hand */
	uint32_t function, start, end;
	uint64_t limit;    /* of the frame, in bytes, once it was compared */
	uint64_t reach;    /* how far it was used without that */
	int64_t saved[16]; /* where the frame has the register as it was, -1: nowhere */
	int64_t saved_end; /* behind the last of them */
	bool wide[16];     /* 64 bits are written to it */
	bool touched[16];  /* it is written, but for what is put back */
	bool entered;      /* by the interpreter, at a loop */
	/* the instruction at hand */
	uint32_t at;
	struct x64_insn i;
	struct state now;
	bool live;
};

static const uint64_t GUARD = (UINT64_C(8) << 30) + 16;

static enum err no(struct prover *p, const char *what)
{
	return refuse(p->why, ERR_INVALID, "function %u, code offset 0x%x: %s", p->function, p->at, what);
}

static bool kept(uint8_t reg)
{
	return reg == X64_RBX || (reg >= X64_R8 && reg <= X64_R12);
}

static bool scratch_register(uint8_t reg)
{
	return reg <= X64_RDX || reg == X64_RSI || reg == X64_RDI;
}

static struct value value(enum kind kind, uint64_t n)
{
	return (struct value){.kind = (uint8_t)kind, .n = n};
}

static bool is_number(struct value v)
{
	return v.kind == BELOW || v.kind == CONST;
}

static bool is_half(struct value v)
{
	return is_number(v) && v.n <= UINT32_MAX;
}

static bool same_value(struct value a, struct value b)
{
	return a.kind == b.kind && a.n == b.n && a.k == b.k;
}

/* ---- states where control flow joins ---- */

static struct value join(struct value a, struct value b)
{
	if (same_value(a, b))
		return a;
	if (is_number(a) && is_number(b))
		return value(BELOW, a.n > b.n ? a.n : b.n);
	if (a.kind >= FUNCTION && a.kind <= OWN && b.kind >= FUNCTION && b.kind <= OWN)
		return value(FUNCTION, 0);
	return value(ANY, 0);
}

static bool covers(struct value wider, struct value v)
{
	return wider.kind == ANY || same_value(wider, v) || (wider.kind == BELOW && is_number(v) && v.n <= wider.n);
}

/*
 * What holds whenever a loop comes round. Which registers keep a clear upper half is what optimized code claims of its
 * loop; elsewhere those that take no 64 bits do. Both are only believed of what they hold when they come from above, and
 * proven where it comes round.
 */
static void widen(struct prover *p, struct state *s)
{
	const struct native_head *head = NULL;

	/* One that is not reached says nothing. */
	while (p->next_head < p->n->head_count && p->n->heads[p->next_head].at < p->at)
		p->next_head++;
	if (p->next_head < p->n->head_count && p->n->heads[p->next_head].at == p->at)
		head = &p->n->heads[p->next_head++];
	for (uint8_t r = 0; r < 16; r++) {
		struct value *v = &s->reg[r];

		/* What was saved and is then written will not be here next time. */
		if (v->kind == ORIGINAL && !(p->touched[r] && s->saved >> r & 1))
			continue;
		if ((v->kind == FRAME && r == X64_RBP) || v->kind == INSTANCE || v->kind == LINEAR)
			continue;
		*v = is_half(*v) && (head != NULL ? head->halves >> r & 1 : !scratch_register(r) && !p->wide[r])
		             ? value(BELOW, UINT32_MAX)
		             : value(ANY, 0);
	}
	s->callee = false;
}

/* 0: no memory. */
static uint32_t new_state(struct prover *p, const struct state *s)
{
	uint32_t at = p->free_state;

	if (at != 0) {
		p->free_state = p->states[at - 1].refs;
	} else {
		if (p->state_count == p->state_capacity) {
			struct state *more = arena_many_scratch(p->scratch, 64, struct state);

			if (more == NULL)
				return 0;
			CHECK(p->states == NULL || more == p->states + p->state_capacity);
			if (p->states == NULL)
				p->states = more;
			p->state_capacity += 64;
		}
		at = ++p->state_count;
	}
	p->states[at - 1] = *s;
	p->states[at - 1].refs = 1;
	p->states[at - 1].flags.what = NOTHING;
	return at;
}

static void drop_state(struct prover *p, uint32_t at)
{
	if (--p->states[at - 1].refs > 0)
		return;
	p->states[at - 1].refs = p->free_state;
	p->free_state = at;
}

static enum err merge(struct prover *p, uint32_t *label, const struct state *s)
{
	uint32_t at = *label >> STATE_SHIFT;
	struct state *t;

	if (at != 0 && p->states[at - 1].refs > 1) { /* shared with others, which do not join */
		struct state copy = p->states[at - 1];

		drop_state(p, at);
		if ((at = new_state(p, &copy)) == 0)
			return ERR_NOMEM;
		*label = (*label & (START | BACK)) | at << STATE_SHIFT;
	} else if (at == 0) {
		if ((at = new_state(p, s)) == 0)
			return ERR_NOMEM;
		*label |= at << STATE_SHIFT;
		return OK;
	}
	t = &p->states[at - 1];
	for (uint8_t r = 0; r < 16; r++)
		t->reg[r] = join(t->reg[r], s->reg[r]);
	t->checked = t->checked && s->checked;
	t->callee = t->callee && s->callee;
	t->saved &= s->saved;
	return OK;
}

/* Back to where the proof has been: what was assumed there must hold. */
static enum err come_round(struct prover *p, uint32_t label)
{
	uint32_t at = label >> STATE_SHIFT;
	const struct state *t;

	if (at == 0)
		return no(p, "a jump back to what is not reached");
	t = &p->states[at - 1];
	for (uint8_t r = 0; r < 16; r++)
		if (!covers(t->reg[r], p->now.reg[r]))
			return refuse(p->why, ERR_INVALID, "function %u, code offset 0x%x: register %u does not come round a loop as it began",
			              p->function, p->at, (unsigned)r);
	return (t->checked && !p->now.checked) || (t->saved & ~p->now.saved) != 0
	               ? no(p, "a loop does not come round with the frame it began with")
	               : OK;
}

static enum err jump_inside(struct prover *p, uint32_t target)
{
	uint32_t *label = &p->map[target - p->start];

	if (!(*label & START))
		return no(p, "a jump into the middle of an instruction");
	return target <= p->at ? come_round(p, *label) : merge(p, label, &p->now);
}

/* ---- memory ---- */

/* What was saved there is lost: an epilogue puts results there, once it has restored. */
static void overwrite_saved(struct prover *p, int64_t from, int64_t to)
{
	for (uint8_t r = 0; r < 16; r++)
		if (p->saved[r] >= 0 && from < p->saved[r] + 8 && to > p->saved[r])
			p->now.saved &= (uint16_t) ~(1u << r);
}

static enum err frame_access(struct prover *p, uint64_t base, bool writes)
{
	const struct x64_insn *i = &p->i;
	int64_t from = (int64_t)base + i->disp, to = from + i->width;
	struct value v = i->flags & X64_R_REG && !(i->flags & X64_XMM_REG) ? p->now.reg[i->reg] : value(ANY, 0);

	if (i->index != X64_NO_REGISTER)
		return no(p, "an index into the frame");
	if (from < 0 || (uint64_t)to > (p->now.checked ? p->limit : (uint64_t)NATIVE_MARGIN * 8))
		return no(p, "an access outside of the frame");
	if (!p->now.checked && (uint64_t)to > p->reach)
		p->reach = (uint64_t)to;
	if (!writes)
		return OK;
	overwrite_saved(p, from, to);
	if (v.kind == ORIGINAL && i->kind == X64_MOV && i->width == 8 && p->saved[v.n] == from)
		p->now.saved |= (uint16_t)(1u << v.n);
	return v.kind >= FRAME ? no(p, "an address is written to the frame") : OK;
}

static enum err linear_access(struct prover *p, bool writes)
{
	const struct x64_insn *i = &p->i;
	struct value index = i->index == X64_NO_REGISTER ? value(CONST, 0) : p->now.reg[i->index];

	if (writes && i->flags & X64_R_REG && !(i->flags & X64_XMM_REG) && p->now.reg[i->reg].kind >= ORIGINAL)
		return no(p, "an address is written to memory");
	if (!is_number(index))
		return no(p, "an unbounded index into memory");
	if (i->disp < 0 || index.n > GUARD || index.n * i->scale + (uint64_t)i->disp + i->width > GUARD)
		return no(p, "an access behind the guard of the memory");
	return OK;
}

static bool at_field(const struct x64_insn *i, size_t offset, unsigned width)
{
	return i->index == X64_NO_REGISTER && i->disp == (int64_t)offset && i->width == width;
}

#define FIELD(type, field) offsetof(struct type, field), sizeof(((const struct type *)0)->field)
#define POINTER(type, field) offsetof(struct type, field), sizeof(void *)

static bool cell_access(const struct x64_insn *i)
{
	return i->index == X64_NO_REGISTER && i->disp == (int64_t)offsetof(struct global_cell, value) &&
	       (i->width <= 8 || i->width == 16);
}

static enum err set_callee(struct prover *p)
{
	struct value v = p->now.reg[p->i.reg];

	if (p->i.kind != X64_MOV || !at_field(&p->i, POINTER(wasm_instance, callee)) || v.kind < FUNCTION || v.kind > OWN)
		return no(p, "a write to the instance");
	p->now.callee = true;
	return OK;
}

/* Any access but those of `load` and `compare`. */
static enum err access(struct prover *p)
{
	const struct x64_insn *i = &p->i;
	bool writes = (i->flags & X64_W_RM) != 0;
	struct value base;

	if (i->base >= X64_RIP || i->base == X64_RSP)
		return no(p, "an access by rip, rsp or nothing");
	base = p->now.reg[i->base];
	switch (base.kind) {
	case FRAME: return frame_access(p, base.n, writes);
	case LINEAR: return linear_access(p, writes);
	case CELL:
		if (writes && i->flags & X64_R_REG && !(i->flags & X64_XMM_REG) && p->now.reg[i->reg].kind >= ORIGINAL)
			return no(p, "an address is written to a global");
		return cell_access(i) ? OK : no(p, "an access outside of a global");
	case INSTANCE: return writes ? set_callee(p) : no(p, "an access to the instance");
	default: return no(p, "an access by what is no known address");
	}
}

/* One of `count` pointers. */
static bool element(const struct x64_insn *i, uint32_t count, uint64_t *which)
{
	*which = (uint64_t)i->disp / 8;
	return i->index == X64_NO_REGISTER && i->disp >= 0 && i->disp % 8 == 0 && *which < count;
}

static enum err load_entry(struct prover *p, uint64_t table, struct value *out)
{
	const struct x64_insn *i = &p->i;

	if (i->index == X64_NO_REGISTER || i->scale != 8 || i->disp != 0 || p->now.reg[i->index].kind != INDEX ||
	    p->now.reg[i->index].n != table)
		return no(p, "an entry of a table without the table's check of its index");
	*out = value(p->m->tables[table].element == WASM_FUNCREF ? REFERENCE : ANY, 0);
	return OK;
}

static enum err load_instance(struct prover *p, struct value *out)
{
	const struct x64_insn *i = &p->i;
	const struct {
		size_t offset;
		enum kind kind;
	} fields[] = {{offsetof(struct wasm_instance, globals), GLOBALS},
	              {offsetof(struct wasm_instance, functions), FUNCTIONS},
	              {offsetof(struct wasm_instance, tables), TABLES},
	              {offsetof(struct wasm_instance, memory), MEMORY}};

	for (size_t k = 0; k < ARRAY_COUNT(fields); k++)
		if (at_field(i, fields[k].offset, 8)) {
			*out = value(fields[k].kind, 0);
			return OK;
		}
	return no(p, "a field of the instance that code may not read");
}

/* mov reg, [...] of 64 bits, which may be an address. */
static enum err load(struct prover *p, struct value *out)
{
	const struct x64_insn *i = &p->i;
	struct value base = i->base >= X64_RIP ? value(ANY, 0) : p->now.reg[i->base];
	uint64_t which;

	*out = value(ANY, 0);
	switch (base.kind) {
	case INSTANCE: return load_instance(p, out);
	case GLOBALS:
		if (!element(i, p->m->global_count, &which))
			return no(p, "no such global");
		*out = value(CELL, which);
		return OK;
	case FUNCTIONS: return element(i, p->m->function_count, &which) ? OK : no(p, "no such function");
	case TABLES:
		if (!element(i, p->m->table_count, &which))
			return no(p, "no such table");
		*out = value(TABLE, which);
		return OK;
	case TABLE:
		if (!at_field(i, FIELD(table, entries)))
			return no(p, "a field of a table that code may not read");
		*out = value(ENTRIES, base.n);
		return OK;
	case ENTRIES: return load_entry(p, base.n, out);
	case MEMORY:
		if (!at_field(i, FIELD(memory, bytes)))
			return no(p, "an access to a memory's record");
		*out = value(BELOW, (uint64_t)WASM_MAX_PAGES * WASM_PAGE_SIZE);
		return OK;
	case FRAME:
		for (uint8_t r = 0; r < 16; r++)
			if (p->now.saved >> r & 1 && p->saved[r] == (int64_t)base.n + i->disp)
				*out = value(ORIGINAL, r);
		return access(p);
	default: return access(p);
	}
}

/* ---- registers ---- */

/* A 32-bit result clears the upper half. */
static struct value written(const struct prover *p, uint8_t reg)
{
	if (p->i.out_width == 4)
		return value(BELOW, UINT32_MAX);
	return p->i.out_width < 4 && is_half(p->now.reg[reg]) ? value(BELOW, UINT32_MAX) : value(ANY, 0);
}

static enum err set(struct prover *p, uint8_t reg, struct value v)
{
	if (reg == X64_RSP || reg == X64_R14 || reg == X64_R15)
		return no(p, "a write to the stack pointer, the instance or the base of memory");
	if (reg == X64_RBP && (v.kind != FRAME || (p->i.kind != X64_ADD_IMM && p->i.kind != X64_SUB_IMM)))
		return no(p, "a write to the frame pointer");
	if (reg == X64_R13 && (p->i.kind != X64_SUB_IMM || p->i.imm != 1 || p->i.out_width != 4))
		return no(p, "a write to the fuel");
	p->now.reg[reg] = v;
	return OK;
}

static struct value add(const struct prover *p, struct value a, struct value b)
{
	const uint64_t most = UINT64_C(1) << 40;

	if (p->i.out_width == 4)
		return value(BELOW, UINT32_MAX);
	if (a.kind == FRAME && b.kind == CONST)
		return value(FRAME, a.n + b.n);
	if (is_number(a) && is_number(b) && a.n <= most && b.n <= most)
		return value(BELOW, a.n + b.n);
	return value(ANY, 0);
}

static struct value lea(const struct prover *p)
{
	const struct x64_insn *i = &p->i;
	struct value base, index;

	if (i->out_width == 4)
		return value(BELOW, UINT32_MAX);
	if (i->base == X64_RIP)
		return value(CODE, (uint64_t)((int64_t)p->at + i->size + i->disp));
	if (i->base > X64_RIP)
		return value(ANY, 0);
	base = p->now.reg[i->base];
	if (i->index == X64_NO_REGISTER)
		return base.kind == FRAME ? value(FRAME, base.n + (uint64_t)(int64_t)i->disp) : value(ANY, 0);
	index = p->now.reg[i->index];
	if (p->now.flags.what == ROW && p->now.flags.reg == i->base && p->now.flags.mask == i->index && i->scale == 1 &&
	    i->disp == 8)
		return (struct value){.kind = TARGET, .n = base.n, .k = base.k};
	if (base.kind == CODE && is_half(index) && i->scale == 8 && i->disp == 0)
		return (struct value){.kind = ROWS, .n = base.n, .k = (uint32_t)index.n};
	return value(ANY, 0);
}

static struct value immediate(const struct prover *p)
{
	uint64_t k = p->i.out_width == 4 ? (uint32_t)p->i.imm : (uint64_t)p->i.imm;

	for (uint64_t at = k - (uintptr_t)p->m->types; at < (uint64_t)p->m->type_count * sizeof *p->m->types;)
		return at % sizeof *p->m->types == 0 ? value(TYPE, at / sizeof *p->m->types) : value(CONST, k);
	return value(CONST, k);
}

static struct value move(const struct prover *p, uint8_t from)
{
	struct value v = p->now.reg[from];

	return p->i.out_width == 8 || (p->i.out_width == 4 && is_half(v)) ? v : written(p, from);
}

/* The index of a jump table is no larger than its last row. */
static struct value conditional(const struct prover *p)
{
	const struct x64_insn *i = &p->i;
	const struct flags *f = &p->now.flags;

	if (i->out_width == 4 && !i->has_memory && f->what == LIMIT && f->reg == i->reg && i->condition == 3 &&
	    p->now.reg[i->rm].kind == CONST && p->now.reg[i->rm].n == f->n)
		return value(BELOW, f->n);
	return i->out_width == 8 && !i->has_memory ? join(p->now.reg[i->reg], p->now.reg[i->rm]) : written(p, i->reg);
}

/* ---- instructions ---- */

static void note_flags(struct prover *p, enum compared what, uint8_t reg, uint64_t n)
{
	p->now.flags = (struct flags){.what = (uint8_t)what, .reg = reg, .n = n};
}

static enum err compare_memory(struct prover *p)
{
	const struct x64_insn *i = &p->i;
	struct value base = i->base >= X64_RIP ? value(ANY, 0) : p->now.reg[i->base], v = p->now.reg[i->reg];

	if (base.kind == TABLE && at_field(i, FIELD(table, count))) {
		note_flags(p, COUNT, i->reg, base.n);
		return OK;
	}
	if (base.kind == INSTANCE && at_field(i, FIELD(wasm_instance, stack_end))) {
		if (v.kind == FRAME && (int64_t)v.n >= 0)
			note_flags(p, STACK, i->reg, v.n);
		return OK;
	}
	if (base.kind >= FUNCTION && base.kind <= OWN && at_field(i, POINTER(function, type))) {
		if (v.kind == TYPE)
			note_flags(p, FUNCTION_TYPE, i->base, v.n);
		return OK;
	}
	if (base.kind == TYPED && at_field(i, POINTER(function, instance))) {
		if (v.kind == INSTANCE)
			note_flags(p, FUNCTION_INSTANCE, i->base, base.n);
		return OK;
	}
	return access(p);
}

static enum err compare(struct prover *p)
{
	const struct x64_insn *i = &p->i;

	p->now.flags.what = NOTHING;
	if (i->has_memory)
		return i->kind == X64_CMP && i->flags & X64_R_REG ? compare_memory(p) : access(p);
	if (i->kind == X64_CMP_IMM && i->imm == -1 && i->out_width == 8 && p->now.reg[i->rm].kind == REFERENCE)
		note_flags(p, NULL_REFERENCE, i->rm, 0);
	if (i->kind == X64_CMP && i->out_width == 4 && i->flags & X64_R_REG && p->now.reg[i->rm].kind == CONST)
		note_flags(p, LIMIT, i->reg, p->now.reg[i->rm].n);
	return OK;
}

/* sbb mask, mask; and index, mask: an index that is too large is 0, also where the jump was not believed. */
static struct value mask(struct prover *p)
{
	const struct x64_insn *i = &p->i;
	struct flags f = p->now.flags;

	p->now.flags.what = NOTHING;
	if (i->kind == X64_SBB && f.what == COUNT_BELOW && i->reg == i->rm && i->reg != f.reg && i->out_width == 8) {
		p->now.flags = f;
		p->now.flags.what = MASKED;
		p->now.flags.mask = i->reg;
	}
	if (i->kind == X64_AND && f.what == MASKED && i->flags & X64_W_REG && i->reg == f.reg && i->rm == f.mask &&
	    i->out_width == 8 && is_half(p->now.reg[f.reg]))
		return value(INDEX, f.n);
	return written(p, i->reg);
}

/* movsxd dest, [row + 4], of 64 bits */
static bool is_row_load(const struct prover *p, uint8_t dest)
{
	const struct x64_insn *i = &p->i;

	return i->has_memory && i->base < X64_RIP && p->now.reg[i->base].kind == ROWS && i->index == X64_NO_REGISTER &&
	       i->disp == 4 && i->out_width == 8 && dest != i->base;
}

/* The value that the only written register gets, of instructions whose operands say something about it. */
static enum err result(struct prover *p, uint8_t dest, struct value *out)
{
	const struct x64_insn *i = &p->i;
	uint8_t other = i->flags & X64_W_REG ? i->rm : i->reg;

	*out = written(p, dest);
	switch (i->kind) {
	case X64_MOV:
		if (!i->has_memory)
			*out = move(p, other);
		else if (i->out_width == 8)
			return load(p, out);
		break;
	case X64_SIGN32:
		p->now.flags.what = NOTHING;
		if (!is_row_load(p, dest))
			break;
		p->now.flags = (struct flags){.what = ROW, .reg = i->base, .mask = dest};
		*out = value(ANY, 0);
		return OK;
	case X64_MOV_IMM: *out = immediate(p); return OK;
	case X64_LEA: *out = lea(p); return OK;
	case X64_CMOV: *out = conditional(p); break;
	case X64_BIT_SCAN: *out = is_half(p->now.reg[dest]) ? *out : value(ANY, 0); break;
	case X64_ADD:
		if (!i->has_memory)
			*out = add(p, p->now.reg[dest], p->now.reg[other]);
		break;
	case X64_ADD_IMM: *out = add(p, p->now.reg[dest], value(CONST, (uint64_t)i->imm)); break;
	case X64_SUB_IMM: *out = add(p, p->now.reg[dest], value(CONST, (uint64_t)-i->imm)); break;
	case X64_SHR_IMM:
		if (!i->has_memory && i->out_width == 8)
			*out = value(BELOW,
			             (is_number(p->now.reg[dest]) ? p->now.reg[dest].n : UINT64_MAX) >> (i->imm & 63));
		break;
	case X64_SBB:
	case X64_AND:
		if (!i->has_memory)
			*out = mask(p);
		return i->has_memory ? access(p) : OK;
	default: break;
	}
	return i->has_memory && !(i->flags & X64_ADDRESS) ? access(p) : OK;
}

/* Everything but flow. */
static enum err compute(struct prover *p)
{
	const struct x64_insn *i = &p->i;
	uint8_t dest = X64_NO_REGISTER;
	struct value v;

	if (i->flags & X64_W_REG && !(i->flags & X64_XMM_REG))
		dest = i->reg;
	else if (i->flags & X64_W_OPCODE || (i->flags & X64_W_RM && !(i->flags & X64_XMM_RM) && !i->has_memory))
		dest = i->rm;
	if (i->kind == X64_CMP || i->kind == X64_CMP_IMM)
		return compare(p);
	if (dest == X64_NO_REGISTER) {
		if (i->has_memory && !(i->flags & X64_ADDRESS))
			TRY(access(p));
	} else {
		TRY(result(p, dest, &v));
		TRY(set(p, dest, v));
	}
	if (i->flags & X64_W_RAX)
		TRY(set(p, X64_RAX, i->out_width == 4 ? value(BELOW, UINT32_MAX) : value(ANY, 0)));
	if (i->flags & X64_W_RDX)
		TRY(set(p, X64_RDX, i->out_width == 4 ? value(BELOW, UINT32_MAX) : value(ANY, 0)));
	if ((p->now.flags.what != MASKED || i->kind != X64_SBB) && (p->now.flags.what != ROW || i->kind != X64_SIGN32))
		p->now.flags.what = NOTHING;
	return OK;
}

/* ---- calls ---- */

static bool is_trap(const struct prover *p, uint32_t target)
{
	for (unsigned k = 0; k < TRAP_COUNT; k++)
		if (target == p->n->traps[k])
			return true;
	return false;
}

static void after_call(struct prover *p, bool narrow_result)
{
	for (uint8_t r = 0; r < 16; r++)
		if (scratch_register(r))
			p->now.reg[r] = value(ANY, 0);
	if (narrow_result)
		p->now.reg[X64_RAX] = value(BELOW, UINT32_MAX);
	p->now.callee = false;
}

static bool narrow(const struct wasm_functype *t)
{
	return t->result_count == 1 && t->results[0] == WASM_I32;
}

/* The callee's frame lies in ours, behind what we keep. */
static enum err call_function(struct prover *p, const struct wasm_functype *t)
{
	struct value frame = p->now.reg[X64_RBP];

	if (!p->now.checked)
		return no(p, "a call from a frame that was not compared with the end of the stack");
	if (frame.kind != FRAME || (int64_t)frame.n < p->saved_end || frame.n > p->limit)
		return no(p, "a call with a frame outside of this one");
	after_call(p, narrow(t));
	return OK;
}

/* The function that starts here, or NO_INDEX. */
static uint32_t function_at(const struct prover *p, uint32_t target)
{
	uint32_t low = 0, high = p->m->function_count - p->m->imported_functions;

	if (p->thunk_size > 0 && target >= p->n->thunks && (target - p->n->thunks) % p->thunk_size == 0 &&
	    (target - p->n->thunks) / p->thunk_size < p->m->imported_functions)
		return (target - p->n->thunks) / p->thunk_size;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (p->n->functions[middle].offset < target)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < p->m->function_count - p->m->imported_functions && p->n->functions[low].offset == target)
		return p->m->imported_functions + low;
	return NO_INDEX;
}

static const struct wasm_functype *type_of(const struct prover *p, uint32_t function)
{
	return &p->m->types[p->m->functions[function]];
}

static enum err call_helper(struct prover *p)
{
	struct value which = p->now.reg[X64_RAX], slots = p->now.reg[X64_RSI];

	if (which.kind != CONST || (which.n != HELPER_POLL && which.n != HELPER_OP && which.n != HELPER_SIMD))
		return no(p, "a helper that code may not call");
	if (which.n != HELPER_POLL && (slots.kind != FRAME || (int64_t)slots.n < p->saved_end ||
	                               slots.n > (p->now.checked ? p->limit : (uint64_t)NATIVE_MARGIN * 8)))
		return no(p, "a helper with slots outside of the frame");
	after_call(p, false);
	return OK;
}

static enum err call_out(struct prover *p)
{
	struct value which = p->now.reg[X64_RAX], what = p->now.reg[X64_RDX];

	if (which.kind == CONST && which.n == HELPER_CALL && what.kind == CONST && what.n < p->m->function_count)
		return call_function(p, type_of(p, (uint32_t)what.n));
	if (which.kind == CONST && which.n == HELPER_CALL_INDIRECT && what.kind == CONST && what.n < p->m->type_count &&
	    p->now.callee)
		return call_function(p, &p->m->types[what.n]);
	return no(p, "a call by way of C without a function");
}

static enum err call(struct prover *p, uint32_t target)
{
	uint32_t function;

	if (is_trap(p, target)) {
		p->live = false;
		return OK;
	}
	if (target == p->n->poll)
		return OK; /* keeps all */
	if (target == p->n->helper)
		return call_helper(p);
	if (target == p->n->call_helper)
		return call_out(p);
	function = function_at(p, target);
	return function == NO_INDEX ? no(p, "a call of what is no function") : call_function(p, type_of(p, function));
}

static enum err call_indirect(struct prover *p)
{
	const struct x64_insn *i = &p->i;

	if (!i->has_memory || i->base >= X64_RIP || p->now.reg[i->base].kind != OWN ||
	    !at_field(i, FIELD(function, native)))
		return no(p, "an indirect call of what is no checked function");
	return call_function(p, &p->m->types[p->now.reg[i->base].n]);
}

/* ---- jumps ---- */

/* Of a direct jump or call. */
static int64_t target_of(const struct prover *p)
{
	const struct x64_insn *i = &p->i;

	return i->flags & (X64_REL8 | X64_REL32) ? (int64_t)p->at + i->size + i->imm : -1;
}

static enum err jump(struct prover *p, int64_t target)
{
	if (target >= p->start && target < p->end)
		return jump_inside(p, (uint32_t)target);
	return target > 0 && is_trap(p, (uint32_t)target) ? OK : no(p, "a jump out of the function");
}

/* What is known where the jump is not taken. */
static void not_taken(struct prover *p)
{
	struct flags *f = &p->now.flags;
	enum { AE = 3, E = 4, NE = 5, A = 7 };

	if (f->what == COUNT && p->i.condition == AE) {
		f->what = COUNT_BELOW;
	} else if (f->what == STACK && p->i.condition == A && (p->limit == 0 || p->limit == f->n)) {
		p->limit = f->n;
		p->now.checked = true;
	} else if (f->what == NULL_REFERENCE && p->i.condition == E) {
		p->now.reg[f->reg] = value(FUNCTION, 0);
	} else if (f->what == FUNCTION_TYPE && p->i.condition == NE) {
		p->now.reg[f->reg] = value(TYPED, f->n);
	} else if (f->what == FUNCTION_INSTANCE && p->i.condition == NE) {
		p->now.reg[f->reg] = value(OWN, f->n);
	}
}

/* nop [rax + rax + disp32]: where it leads, as a row; -1: it is none. */
static int64_t target_of_row(const struct prover *p, uint32_t at)
{
	static const uint8_t nop[] = {0x0f, 0x1f, 0x84, 0x00};
	int32_t disp;

	if (at < p->start || p->end - at < 8 || memcmp(p->n->base + at, nop, sizeof nop) != 0)
		return -1;
	copy_small(&disp, p->n->base + at + sizeof nop, sizeof disp);
	return (int64_t)at + 8 + disp;
}

/* One of several targets that are reached in the same state. */
static enum err jump_by_row(struct prover *p, uint32_t target, uint32_t shared)
{
	uint32_t *label = &p->map[target - p->start];

	if (target <= p->at || !(*label & START) || *label & BACK ||
	    (*label >> STATE_SHIFT != 0 && *label >> STATE_SHIFT != shared))
		return jump_inside(p, target);
	if (*label >> STATE_SHIFT == 0) {
		p->states[shared - 1].refs++;
		*label |= shared << STATE_SHIFT;
	}
	return OK;
}

/* As the rows of 8 bytes behind it say. */
static enum err jump_rows(struct prover *p)
{
	const struct x64_insn *i = &p->i;
	uint32_t first = p->at + i->size, shared;
	enum err err = OK;
	struct value v;

	if (i->has_memory || (v = p->now.reg[i->rm]).kind != TARGET)
		return no(p, "an indirect jump without a bounded table");
	if (v.n != first || (uint64_t)first + 8 * ((uint64_t)v.k + 1) > p->end)
		return no(p, "an indirect jump to rows that do not follow it");
	p->now.reg[i->rm] = value(ANY, 0);
	if ((shared = new_state(p, &p->now)) == 0)
		return ERR_NOMEM;
	for (uint32_t k = 0; k <= v.k && err == OK; k++) {
		int64_t target = target_of_row(p, first + 8 * k);

		if (target < p->start || target >= p->end)
			return no(p, "an indirect jump by a row that leads out of the function");
		err = jump_by_row(p, (uint32_t)target, shared);
	}
	drop_state(p, shared);
	p->live = false;
	return err;
}

static enum err leave(struct prover *p)
{
	struct value frame = p->now.reg[X64_RBP];

	if (frame.kind != FRAME || frame.n != 0)
		return no(p, "a return with another frame");
	for (uint8_t r = 0; r < 16; r++)
		if (kept(r) && !same_value(p->now.reg[r], value(ORIGINAL, r)))
			return no(p, "a return without a register of the caller");
	if (narrow(type_of(p, p->function)) && !is_half(p->now.reg[X64_RAX]))
		return no(p, "an i32 result with an upper half");
	p->live = false;
	return OK;
}

static enum err step(struct prover *p)
{
	const struct x64_insn *i = &p->i;
	int64_t target = target_of(p);

	switch (i->kind) {
	case X64_JCC:
		TRY(jump(p, target));
		not_taken(p);
		return OK;
	case X64_JMP:
		TRY(jump(p, target));
		p->live = false;
		return OK;
	case X64_JMP_AT: return jump_rows(p);
	case X64_CALL:
		if (target <= 0 || target >= (int64_t)p->n->size)
			return no(p, "a call out of the code");
		p->now.flags.what = NOTHING;
		return call(p, (uint32_t)target);
	case X64_CALL_AT: p->now.flags.what = NOTHING; return call_indirect(p);
	case X64_RET: return leave(p);
	case X64_STOP: p->live = false; return OK;
	case X64_PUSH:
	case X64_POP: return no(p, "push or pop");
	default: return compute(p);
	}
}

/* ---- one function ---- */

static bool decode(struct prover *p, uint32_t at, uint32_t end)
{
	p->at = at;
	return x64_decode(&p->decoder, slice_of(p->n->base + at, end - at), &p->i);
}

/* Where are instructions, which are jumped back to, which registers take 64 bits, and where are they saved? */
static void survey_one(struct prover *p)
{
	const struct x64_insn *i = &p->i;
	int64_t target = target_of(p);
	uint8_t dest = X64_NO_REGISTER;

	if (target < 0)
		target = target_of_row(p, p->at);
	if (i->kind != X64_CALL && target >= p->start && target <= p->at)
		p->map[target - p->start] |= BACK;
	if (i->kind == X64_MOV && i->has_memory && i->width == 8 && i->base == X64_RBP && i->index == X64_NO_REGISTER &&
	    i->disp >= 0 && kept(i->reg)) {
		if (i->flags & X64_W_RM && !p->touched[i->reg] && p->saved[i->reg] < 0) {
			p->saved[i->reg] = i->disp;
			if (i->disp + 8 > p->saved_end)
				p->saved_end = i->disp + 8;
		}
		if (i->flags & X64_W_REG && p->saved[i->reg] == i->disp)
			return;
	}
	if (i->flags & X64_W_REG && !(i->flags & X64_XMM_REG))
		dest = i->reg;
	else if (i->flags & X64_W_OPCODE || (i->flags & X64_W_RM && !(i->flags & X64_XMM_RM) && !i->has_memory))
		dest = i->rm;
	if (dest >= 16)
		return;
	p->touched[dest] = true;
	p->wide[dest] = p->wide[dest] || i->out_width == 8;
}

static enum err survey(struct prover *p)
{
	p->saved_end = 0;
	for (uint8_t r = 0; r < 16; r++) {
		p->saved[r] = -1;
		p->wide[r] = p->touched[r] = false;
	}
	memset(p->map, 0, (size_t)(p->end - p->start) * sizeof *p->map);
	for (uint32_t at = p->start; at < p->end; at += p->i.size) {
		if (!decode(p, at, p->end))
			return no(p, "an instruction that is not known");
		p->map[at - p->start] |= START;
		survey_one(p);
	}
	return OK;
}

static struct state entry_state(void)
{
	struct state s = {.checked = false};

	for (uint8_t r = 0; r < 16; r++)
		s.reg[r] = kept(r) ? value(ORIGINAL, r) : value(ANY, 0);
	s.reg[X64_RBP] = value(FRAME, 0);
	s.reg[X64_R13] = value(BELOW, UINT32_MAX);
	s.reg[X64_R14] = value(INSTANCE, 0);
	s.reg[X64_R15] = value(LINEAR, 0);
	return s;
}

/*
 * The interpreter enters at loops, with a frame that is long enough: see prove_function. Whoever entered then restores
 * all registers itself, so that what is in the slots of saved ones does not matter.
 */
static enum err enter_here(struct prover *p)
{
	struct state s = entry_state();

	if (p->next_loop == p->n->loop_count || p->n->loops[p->next_loop].entry > p->at)
		return OK;
	if (p->n->loops[p->next_loop].entry < p->at)
		return no(p, "an entry of a loop that is no instruction");
	s.checked = p->limit > 0;
	s.saved = UINT16_MAX;
	p->next_loop++;
	p->entered = true;
	return merge(p, &p->map[p->at - p->start], &s);
}

/* A label: what comes by jumps joins what comes from above. */
static enum err arrive(struct prover *p)
{
	uint32_t *label = &p->map[p->at - p->start];

	TRY(enter_here(p));
	if (p->live && (*label & BACK || *label >> STATE_SHIFT != 0))
		TRY(merge(p, label, &p->now));
	if (*label >> STATE_SHIFT == 0)
		return OK;
	if (*label & BACK)
		widen(p, &p->states[(*label >> STATE_SHIFT) - 1]);
	p->now = p->states[(*label >> STATE_SHIFT) - 1];
	p->live = true;
	if (!(*label & BACK)) {
		drop_state(p, *label >> STATE_SHIFT);
		*label &= START | BACK;
	}
	return OK;
}

static enum err prove_body(struct prover *p)
{
	p->entered = false;
	p->limit = p->reach = 0;
	p->state_count = p->free_state = 0;
	TRY(survey(p));
	p->now = entry_state();
	p->live = true;
	for (uint32_t at = p->start; at < p->end; at += p->i.size) {
		if (!decode(p, at, p->end))
			return no(p, "an instruction that is not known");
		TRY(arrive(p));
		if (p->live)
			TRY(step(p));
	}
	return p->live ? no(p, "the end of the function is passed") : OK;
}

/* Loops of the interpreter's frames: it asks for FRAME_GROWTH slots more than the interpreter uses. */
static enum err prove_frame(struct prover *p)
{
	const struct body *b = &p->m->bodies[p->function - p->m->imported_functions];
	uint64_t most = ((uint64_t)b->frame_slots + NATIVE_FRAME_GROWTH) * 8;

	return p->entered && (p->limit > 0 ? p->limit : p->reach) > most
	               ? no(p, "a frame longer than the interpreter's")
	               : OK;
}

/* mov eax, HELPER_CALL; mov edx, index; jmp call_helper */
static enum err prove_thunk(struct prover *p, uint32_t *at, uint32_t end)
{
	static const uint8_t registers[] = {X64_RAX, X64_RDX};
	const uint64_t values[] = {HELPER_CALL, p->function};

	for (unsigned k = 0; k < 2; k++) {
		if (!decode(p, *at, end) || p->i.kind != X64_MOV_IMM || p->i.rm != registers[k] ||
		    (p->i.out_width == 4 ? (uint32_t)p->i.imm : (uint64_t)p->i.imm) != values[k])
			return no(p, "not the way to the interpreter");
		*at += p->i.size;
	}
	if (!decode(p, *at, end) || p->i.kind != X64_JMP ||
	    (int64_t)*at + p->i.size + p->i.imm != (int64_t)p->n->call_helper)
		return no(p, "not the way to the interpreter");
	*at += p->i.size;
	return OK;
}

/* ---- the module ---- */

/* Between functions nothing is but int3. */
static enum err prove_gap(struct prover *p, uint32_t from, uint32_t to)
{
	for (p->at = from; p->at < to; p->at++)
		if (p->n->base[p->at] != 0xcc)
			return no(p, "code between functions");
	return OK;
}

static enum err prove_stubs(struct prover *p, uint32_t *at)
{
	for (*at = 0; *at < p->n->thunks; *at += p->i.size)
		if (!decode(p, *at, p->n->thunks))
			return no(p, "an instruction that is not known");
	for (p->function = 0; p->function < p->m->imported_functions; p->function++) {
		TRY(prove_thunk(p, at, p->n->size));
		if (p->function == 0)
			p->thunk_size = *at - p->n->thunks;
		if (*at != p->n->thunks + (p->function + 1) * p->thunk_size)
			return no(p, "ways to the host of different sizes");
	}
	return OK;
}

static enum err prove_function(struct prover *p, uint32_t own)
{
	const struct native_function *f = &p->n->functions[own];
	uint32_t at = f->offset;

	p->start = f->offset;
	p->end = f->offset + f->size;
	if (!f->compiled) {
		TRY(prove_thunk(p, &at, p->end));
		return at == p->end ? OK : no(p, "code behind the way to the interpreter");
	}
	TRY(prove_body(p));
	return prove_frame(p);
}

/* Is the code from `at` on, with nothing but gaps before it, where it says it is? */
static enum err prove_place(struct prover *p, uint32_t *at, uint32_t offset, uint32_t size)
{
	if (offset < *at || offset > p->n->size || size > p->n->size - offset)
		return no(p, "functions that overlap");
	TRY(prove_gap(p, *at, offset));
	*at = offset + size;
	return OK;
}

/* The code in which the interpreter goes on with a function that others call elsewhere. */
static enum err prove_second(struct prover *p, uint32_t own, uint32_t *at)
{
	const struct native_second *s;

	if (p->next_second == p->n->second_count || p->n->seconds[p->next_second].own != own)
		return OK;
	s = &p->n->seconds[p->next_second++];
	TRY(prove_place(p, at, s->offset, s->size));
	p->start = s->offset;
	p->end = s->offset + s->size;
	TRY(prove_body(p));
	return prove_frame(p);
}

static enum err prove_all(struct prover *p)
{
	uint32_t own = p->m->function_count - p->m->imported_functions, at;

	TRY(prove_stubs(p, &at));
	for (uint32_t n = 0; n < own; n++) {
		const struct native_function *f = &p->n->functions[n];

		p->function = p->m->imported_functions + n;
		TRY(prove_place(p, &at, f->offset, f->size));
		TRY(prove_function(p, n));
		TRY(prove_second(p, n, &at));
	}
	TRY(prove_gap(p, at, p->n->size));
	if (p->next_second != p->n->second_count)
		return no(p, "code of no function");
	return p->next_loop == p->n->loop_count ? OK : no(p, "an entry of a loop in no function");
}

enum err x64_prove(const struct wasm_module *m, struct arena *scratch, struct note *why)
{
	size_t mark = scratch->used;
	struct prover *p = arena_new(scratch, struct prover);
	uint32_t largest = 1;
	enum err err = ERR_NOMEM;

	if (p == NULL)
		return ERR_NOMEM;
	p->m = m;
	p->n = m->native;
	p->scratch = scratch;
	p->why = why;
	x64_decoder_init(&p->decoder);
	for (uint32_t n = 0; n < m->function_count - m->imported_functions; n++)
		if (p->n->functions[n].size > largest)
			largest = p->n->functions[n].size;
	for (uint32_t n = 0; n < p->n->second_count; n++)
		if (p->n->seconds[n].size > largest)
			largest = p->n->seconds[n].size;
	p->map = arena_many_scratch(scratch, largest, uint32_t);
	if (p->map != NULL)
		err = prove_all(p);
	arena_release(scratch, mark);
	return err;
}
