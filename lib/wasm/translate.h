/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over a function body validates it (appendix "Validation Algorithm" of the specification) and translates it
 * to internal code (code.h). The validator's operand stack says for each operand where its value is:
 *
 *   HOME   in the frame slot of its height
 *   LOCAL  still in a local: local.get emits nothing. Before that local changes, its operands are copied home; so that
 *          this costs no search, the operands of each local are chained from `chains`, topmost first
 *   CONST  nowhere yet: constants are folded into instructions, or stored when a slot is needed
 *
 * To an i32 that is HOME or LOCAL a constant may still have to be added (`k`): most become part of an address.
 *
 * A v128 takes two operands, both HOME: itself, and above it UPPER for its upper half. So heights are slots throughout.
 *
 * Where control flow joins, everything that the paths must agree on is at home: at block, loop and if no operand is
 * LOCAL, and what a branch carries lies at the home of the label's height. In code that cannot be reached (`live` is
 * false) everything is validated and nothing emitted.
 *
 * The last two instructions are remembered as long as no label stands behind them: local.set and local.tee let the last
 * one write to the local at once; a comparison melts with the branch it feeds, the parts of an address with the load,
 * and the pairs in fuse.def with each other.
 *
 * Memory: every operand is copied home at most once and several operands are moved by one instruction, so the code is
 * linear in the size of the body.
 */
#ifndef BROCH_WASM_TRANSLATE_H
#define BROCH_WASM_TRANSLATE_H

#include "lib/wasm/leb.h"
#include "lib/wasm/module.h"

enum where { HOME, LOCAL, CONST };

struct operand {
	uint8_t type; /* 0: any, in unreachable code; or UPPER */
	uint8_t where;
	uint16_t slot; /* the local, or home */
	uint16_t home; /* the slot of its height */
	uint16_t next; /* LOCAL: 1 + the next lower operand in the same local, 0: none */
	uint64_t k;    /* CONST: the value; else what is to be added to the slot, i32 only */
};

struct control {
	uint8_t opcode;
	bool unreachable;  /* the rest of this block has a polymorphic stack */
	bool entry_live;
	uint32_t height;   /* of the operand stack below the parameters */
	uint32_t target;   /* of a loop */
	uint32_t fixups;   /* branch fields that wait for the end of the block, chained through themselves; 0: none */
	uint32_t otherwise; /* the branch field of `if` that waits for else or end; 0: none */
	struct wasm_functype type;
	uint8_t result; /* storage for a block type of one value */
};

enum { DEPTH_MAX = 65536, CHUNK = 2048, EMIT_MAX = 16 };

struct translator {
	struct arena *arena;
	struct wasm_module *module;
	const bool *declared;
	bool data_count_known;
	/* scratch */
	struct operand *operands;
	struct control *controls;
	uint8_t *local_types;
	uint16_t *local_slots; /* only if some local is a vector */
	uint16_t *chains; /* per slot of a local: 1 + the topmost operand that is still in it, 0: none */
	uint8_t *sites;
	uint32_t operand_max, control_max, sites_max;
	/* the body at hand */
	struct reader r;
	struct note *why;
	uint32_t at; /* offset of the instruction */
	uint32_t height, depth, clean; /* no operand below `clean` is LOCAL */
	uint32_t locals, local_count, height_max; /* local_count: slots of all locals */
	bool vectors;                             /* among the locals: others are in the slot of their number */
	bool live;
	bool nomem;
	code_t *code;
	uint32_t size, capacity;
	uint32_t sites_size, site_pc, site_at;
	/* the value instruction emitted last: valid while last_end == size; and the one before: if prev_end == last_start */
	uint32_t last_start, last_end, prev_start, prev_end;
	uint32_t copy_end; /* where the last instruction ends if it is a copy that another can join */
	code_t nowhere[EMIT_MAX];
};

struct opinfo {
	const char *text;
	enum err (*translate)(struct translator *t, const struct opinfo *op);
	uint16_t iop;
	uint8_t in, out;
	uint8_t align;
	bool commutes;
};

enum { OPCODE_COUNT = 0x112 };

/* ---- emitting ---- */

/* From `start` to here stands an instruction whose field 1 is the slot of its only result. */
void tr_remember(struct translator *t, uint32_t start);
/* Room for one instruction and its fields; what is not live is written to nowhere. */
code_t *tr_emit(struct translator *t, unsigned iop, uint32_t units);
/* An instruction that makes one value. */
code_t *tr_emit_value(struct translator *t, unsigned iop, uint32_t units, uint16_t dst);
/* Takes back the last instruction. */
void tr_forget(struct translator *t);
/* The next instruction can trap. */
void tr_emit_site(struct translator *t);
static inline uint16_t tr_home(const struct translator *t, uint32_t height)
{
	return (uint16_t)(t->local_count + FRAME_SAVED + height);
}

/* Resolves a chain of branch fields to here. */
void tr_bind(struct translator *t, uint32_t fixups);
/* Directs the branch field to the label. */
void tr_branch_to(struct translator *t, struct control *c, code_t *field);

/* ---- the operand stack; inline, because each instruction comes here several times ---- */

static inline struct control *tr_label(struct translator *t, uint32_t depth)
{
	return &t->controls[t->depth - 1 - depth];
}

MUST_USE static inline enum err tr_push_operand(struct translator *t, struct operand o)
{
	if (t->height >= t->operand_max || tr_home(t, 0) + t->height >= SLOTS_MAX)
		return refuse(t->why, ERR_LIMIT, "the function needs more than %u stack slots", (unsigned)SLOTS_MAX);
	o.home = tr_home(t, t->height);
	if (o.where != LOCAL)
		o.slot = o.home;
	t->operands[t->height++] = o;
	if (t->height > t->height_max)
		t->height_max = t->height;
	return OK;
}

MUST_USE static inline enum err tr_push(struct translator *t, uint8_t type)
{
	TRY(tr_push_operand(t, (struct operand){.type = type, .where = HOME}));
	return type == WASM_V128 ? tr_push_operand(t, (struct operand){.type = UPPER, .where = HOME}) : OK;
}

MUST_USE static inline enum err tr_push_const(struct translator *t, uint8_t type, uint64_t k)
{
	return tr_push_operand(t, (struct operand){.type = type, .where = CONST, .k = k});
}

/* The local, plus k; of a vector, as in tr_push, the upper half takes a place of its own. */
MUST_USE static inline enum err tr_push_local(struct translator *t, uint8_t type, uint32_t local, uint64_t k)
{
	struct operand o = {.type = type, .where = LOCAL, .slot = (uint16_t)local, .next = t->chains[local], .k = k};

	TRY(tr_push_operand(t, o));
	t->chains[local] = (uint16_t)t->height;
	return type == WASM_V128 ? tr_push_operand(t, (struct operand){.type = UPPER, .where = HOME}) : OK;
}

enum err tr_mismatch(struct translator *t, uint8_t want, const char *found);
/* want 0: any type. */
MUST_USE static inline enum err tr_pop(struct translator *t, uint8_t want, struct operand *out)
{
	struct control *c = tr_label(t, 0);
	struct operand *o;

	if (t->height == c->height) {
		if (!c->unreachable)
			return tr_mismatch(t, want, "an empty stack");
		*out = (struct operand){.type = want, .where = HOME, .slot = tr_home(t, t->height), .home = tr_home(t, t->height)};
		return OK;
	}
	o = &t->operands[--t->height];
	if (unlikely(o->type == UPPER))
		o = &t->operands[--t->height];
	if (o->where == LOCAL)
		t->chains[o->slot] = o->next;
	if (t->clean > t->height)
		t->clean = t->height;
	*out = *o;
	if (want != 0 && o->type != want && o->type != 0)
		return tr_mismatch(t, want, wasm_type_name(o->type));
	return OK;
}

MUST_USE enum err tr_pop_many(struct translator *t, const uint8_t *types, uint32_t count);
MUST_USE enum err tr_push_many(struct translator *t, const uint8_t *types, uint32_t count);
/* Are the topmost operands of these types? They stay. */
MUST_USE enum err tr_check_top(struct translator *t, const uint8_t *types, uint32_t count);
/* The slot that holds the popped operand. */
uint16_t tr_use(struct translator *t, const struct operand *o);
/* Writes the popped operand's value to a slot. */
void tr_emit_move(struct translator *t, const struct operand *o, uint16_t dst);
/* Of the topmost slots. Topmost first, as the chains want it. */
void tr_bring_top_home(struct translator *t, uint32_t count);
/* The local is about to change. */
void tr_bring_local_home(struct translator *t, uint32_t local);
void tr_bring_locals_home(struct translator *t);
/* The instruction emitted last, if it made what is in the popped operand's home; else NULL. */
const code_t *tr_maker(const struct translator *t, const struct operand *o);
/* What follows is not reached. */
void tr_leave(struct translator *t);

/* ---- immediates ---- */

enum err tr_bad_number(struct translator *t, enum err err, const char *what);
MUST_USE static inline enum err tr_read_u32(struct translator *t, uint32_t *out, const char *what)
{
	enum err err = leb_u32(&t->r, out);

	if (likely(err == OK))
		return OK;
	*out = 0;
	return tr_bad_number(t, err, what);
}

MUST_USE static inline enum err tr_read_index(struct translator *t, uint32_t *out, uint32_t count, const char *what)
{
	TRY(tr_read_u32(t, out, what));
	if (*out >= count)
		return refuse(t->why, ERR_INVALID, "unknown %s %u (there are %u)", what, *out, count);
	return OK;
}

MUST_USE enum err tr_read_zero_byte(struct translator *t);
MUST_USE enum err tr_read_value_type(struct translator *t, uint8_t *out);
MUST_USE enum err tr_need_memory(struct translator *t);
MUST_USE enum err tr_read_label(struct translator *t, struct control **out);
uint32_t tr_label_types(const struct control *c, const uint8_t **types);
/* align: log2 of the natural alignment. */
MUST_USE enum err tr_read_memarg(struct translator *t, uint8_t align, uint32_t *offset);

/* ---- values ---- */

/* Can the constant stand in a k field? */
bool tr_fits_k(uint8_t type, uint64_t v, uint32_t *k);

/* ---- one function for each instruction or kind of instruction ---- */

#define CTRL(code, id, text) enum err translate_##id(struct translator *t, const struct opinfo *op);
#include "lib/wasm/opcodes.def"
/* op: behind 0xfd, one that there is. */
MUST_USE enum err translate_simd(struct translator *t, uint32_t op);
enum err translate_unary(struct translator *t, const struct opinfo *op);
enum err translate_trunc(struct translator *t, const struct opinfo *op);
enum err translate_binary(struct translator *t, const struct opinfo *op);
enum err translate_division(struct translator *t, const struct opinfo *op);
enum err translate_comparison(struct translator *t, const struct opinfo *op);
enum err translate_load(struct translator *t, const struct opinfo *op);
enum err translate_store(struct translator *t, const struct opinfo *op);

#endif
