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
#include "lib/wasm/module.h"

#include "lib/wasm/leb.h"

enum where { HOME, LOCAL, CONST };

struct operand {
	uint8_t type; /* 0: any, in unreachable code */
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

enum { OPCODE_BLOCK = 0x02, OPCODE_LOOP = 0x03, OPCODE_IF = 0x04, OPCODE_ELSE = 0x05, OPCODE_END = 0x0b };
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
	uint16_t *chains; /* per local: 1 + the topmost operand that is still in it, 0: none */
	uint8_t *sites;
	uint32_t operand_max, control_max, sites_max;
	/* the body at hand */
	struct reader r;
	struct note *why;
	uint32_t at; /* offset of the instruction */
	uint32_t height, depth, clean; /* no operand below `clean` is LOCAL */
	uint32_t local_count, height_max;
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

static bool reserve(struct translator *t, uint32_t units)
{
	while (t->capacity - t->size < units) {
		code_t *more = arena_many(t->arena, CHUNK, code_t);

		if (more == NULL)
			return false;
		/* Nothing else is allocated while a body is translated, so that its code grows in place. */
		CHECK(more == t->code + t->capacity);
		t->capacity += CHUNK;
	}
	return true;
}

/* From `start` to here stands an instruction whose field 1 is the slot of its only result. */
static void remember(struct translator *t, uint32_t start)
{
	t->prev_end = t->prev_end == start ? start : NO_INDEX;
	t->last_start = start;
	t->last_end = t->size;
}

/* Room for one instruction and its fields; what is not live is written to nowhere. */
static code_t *emit(struct translator *t, unsigned iop, uint32_t units)
{
	code_t *code = t->nowhere;

	t->prev_start = t->last_start;
	t->prev_end = t->last_end == t->size ? t->last_end : NO_INDEX;
	if (t->live && !t->nomem) {
		if (reserve(t, units)) {
			code = t->code + t->size;
			t->size += units;
		} else {
			t->nomem = true;
		}
	}
	code[0] = (code_t)iop;
	t->last_end = NO_INDEX;
	return code;
}

/* An instruction that makes one value. */
static code_t *emit_value(struct translator *t, unsigned iop, uint32_t units, uint16_t dst)
{
	uint32_t start = t->size;
	code_t *code = emit(t, iop, units);

	code[1] = dst;
	if (t->live && !t->nomem)
		remember(t, start);
	return code;
}

/* Takes back the last instruction. */
static void forget(struct translator *t)
{
	t->size = t->last_start;
	t->last_start = t->prev_start;
	t->last_end = t->prev_end;
	t->prev_end = NO_INDEX;
}

static uint32_t put_leb(uint8_t *out, uint32_t v)
{
	uint32_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

/* The next instruction can trap. */
static void emit_site(struct translator *t)
{
	if (!t->live || t->nomem)
		return;
	CHECK(t->sites_max - t->sites_size >= 10);
	t->sites_size += put_leb(t->sites + t->sites_size, t->size - t->site_pc);
	t->sites_size += put_leb(t->sites + t->sites_size, t->at - t->site_at);
	t->site_pc = t->size;
	t->site_at = t->at;
}

static uint16_t home(const struct translator *t, uint32_t height)
{
	return (uint16_t)(t->local_count + FRAME_SAVED + height);
}

static void emit_copy(struct translator *t, uint16_t dst, uint16_t src)
{
	code_t *code;

	if (t->live && !t->nomem && t->copy_end == t->size && reserve(t, 2)) {
		t->code[t->size - 3] = IOP_copy_two;
		t->code[t->size++] = dst;
		t->code[t->size++] = src;
		t->copy_end = NO_INDEX;
		return;
	}
	code = emit(t, IOP_copy, 3);
	code[1] = dst;
	code[2] = src;
	t->copy_end = t->live ? t->size : NO_INDEX;
}

static void emit_add(struct translator *t, uint16_t dst, uint16_t src, uint64_t k)
{
	code_t *code = emit_value(t, IOP_i32_add_k, 5, dst);

	code[2] = src;
	code_put32(code + 3, (uint32_t)k);
}

static void emit_const(struct translator *t, uint16_t dst, uint64_t k)
{
	code_t *code;

	if (k <= UINT32_MAX) {
		code = emit_value(t, IOP_const32, 4, dst);
		code_put32(code + 2, (uint32_t)k);
	} else {
		code = emit_value(t, IOP_const64, 6, dst);
		memcpy(code + 2, &k, sizeof k);
	}
}

/* Resolves a chain of branch fields to here. */
static void bind(struct translator *t, uint32_t fixups)
{
	while (fixups != 0) {
		uint32_t next = code_u32(t->code + fixups);

		code_put32(t->code + fixups, t->size - fixups);
		fixups = next;
	}
	t->last_end = t->prev_end = t->copy_end = NO_INDEX;
}

/* Directs the branch field to the label. */
static void branch_to(struct translator *t, struct control *c, code_t *field)
{
	uint32_t at;

	if (!t->live || t->nomem)
		return;
	at = (uint32_t)(field - t->code);
	if (c->opcode == OPCODE_LOOP) {
		code_put32(field, c->target - at);
		return;
	}
	code_put32(field, c->fixups);
	c->fixups = at;
}

/* ---- the operand stack ---- */

static struct control *label(struct translator *t, uint32_t depth)
{
	return &t->controls[t->depth - 1 - depth];
}

static enum err push_operand(struct translator *t, struct operand o)
{
	if (t->height >= t->operand_max || home(t, 0) + t->height >= SLOTS_MAX)
		return refuse(t->why, ERR_LIMIT, "the function needs more than %u stack slots", (unsigned)SLOTS_MAX);
	o.home = home(t, t->height);
	if (o.where != LOCAL)
		o.slot = o.home;
	t->operands[t->height++] = o;
	if (t->height > t->height_max)
		t->height_max = t->height;
	return OK;
}

static enum err push(struct translator *t, uint8_t type)
{
	return push_operand(t, (struct operand){.type = type, .where = HOME});
}

static enum err push_const(struct translator *t, uint8_t type, uint64_t k)
{
	return push_operand(t, (struct operand){.type = type, .where = CONST, .k = k});
}

/* The local, plus k. */
static enum err push_local(struct translator *t, uint8_t type, uint32_t local, uint64_t k)
{
	struct operand o = {.type = type, .where = LOCAL, .slot = (uint16_t)local, .next = t->chains[local], .k = k};

	TRY(push_operand(t, o));
	t->chains[local] = (uint16_t)t->height;
	return OK;
}

static enum err mismatch(struct translator *t, uint8_t want, const char *found)
{
	return refuse(t->why, ERR_INVALID, "type mismatch: expected %s, found %s",
		      want == 0 ? "a value" : wasm_type_name(want), found);
}

/* want 0: any type. */
static enum err pop(struct translator *t, uint8_t want, struct operand *out)
{
	struct control *c = label(t, 0);
	struct operand *o;

	if (t->height == c->height) {
		if (!c->unreachable)
			return mismatch(t, want, "an empty stack");
		*out = (struct operand){.type = want, .where = HOME, .slot = home(t, t->height), .home = home(t, t->height)};
		return OK;
	}
	o = &t->operands[--t->height];
	if (o->where == LOCAL)
		t->chains[o->slot] = o->next;
	if (t->clean > t->height)
		t->clean = t->height;
	*out = *o;
	if (want != 0 && o->type != want && o->type != 0)
		return mismatch(t, want, wasm_type_name(o->type));
	return OK;
}

static enum err pop_many(struct translator *t, const uint8_t *types, uint32_t count)
{
	struct operand o;

	while (count > 0)
		TRY(pop(t, types[--count], &o));
	return OK;
}

static enum err push_many(struct translator *t, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		TRY(push(t, types[i]));
	return OK;
}

/* Are the topmost operands of these types? They stay. */
static enum err check_top(struct translator *t, const uint8_t *types, uint32_t count)
{
	struct control *c = label(t, 0);

	for (uint32_t i = 0; i < count; i++) {
		uint8_t want = types[count - 1 - i], found;

		if (t->height - c->height <= i) {
			if (c->unreachable)
				return OK;
			return mismatch(t, want, "an empty stack");
		}
		found = t->operands[t->height - 1 - i].type;
		if (found != want && found != 0)
			return mismatch(t, want, wasm_type_name(found));
	}
	return OK;
}

/* The slot that holds the popped operand. */
static uint16_t use(struct translator *t, const struct operand *o)
{
	if (o->where == CONST)
		emit_const(t, o->home, o->k);
	else if (o->k != 0)
		emit_add(t, o->home, o->slot, o->k);
	else
		return o->slot;
	return o->home;
}

/* Writes the popped operand's value to a slot. */
static void emit_move(struct translator *t, const struct operand *o, uint16_t dst)
{
	if (o->where == CONST)
		emit_const(t, dst, o->k);
	else if (o->k != 0)
		emit_add(t, dst, o->slot, o->k);
	else if (o->slot != dst)
		emit_copy(t, dst, o->slot);
}

static void bring_home(struct translator *t, uint32_t index)
{
	struct operand *o = &t->operands[index];

	if (o->where == LOCAL)
		t->chains[o->slot] = o->next;
	emit_move(t, o, o->home);
	o->where = HOME;
	o->slot = o->home;
	o->k = 0;
}

/* Topmost first, as the chains want it. */
static void bring_top_home(struct translator *t, uint32_t count)
{
	uint32_t available = t->height - label(t, 0)->height;

	if (count > available)
		count = available;
	for (uint32_t i = 1; i <= count; i++)
		bring_home(t, t->height - i);
}

/* The local is about to change. */
static void bring_local_home(struct translator *t, uint32_t local)
{
	while (t->chains[local] != 0)
		bring_home(t, t->chains[local] - 1);
}

static void bring_locals_home(struct translator *t)
{
	for (uint32_t i = t->height; i > t->clean; i--)
		if (t->operands[i - 1].where == LOCAL)
			bring_home(t, i - 1);
	t->clean = t->height;
}

/* The instruction emitted last, if it made what is in the popped operand's home; else NULL. */
static const code_t *maker(const struct translator *t, const struct operand *o)
{
	const code_t *last = t->code + t->last_start;

	return t->live && t->last_end == t->size && o->where == HOME && last[1] == o->home ? last : NULL;
}

/* What follows is not reached. */
static void leave(struct translator *t)
{
	struct control *c = label(t, 0);
	struct operand o;

	while (t->height > c->height)
		(void)!pop(t, 0, &o);
	c->unreachable = true;
	t->live = false;
}

/* ---- immediates ---- */

static enum err bad_number(struct translator *t, enum err err, const char *what)
{
	if (err == ERR_TRUNCATED)
		return refuse(t->why, ERR_FORMAT, "the body ends inside %s", what);
	return refuse(t->why, ERR_FORMAT, "%s: integer representation too long or too large", what);
}

static enum err read_u32(struct translator *t, uint32_t *out, const char *what)
{
	enum err err = leb_u32(&t->r, out);

	return likely(err == OK) ? OK : bad_number(t, err, what);
}

static enum err read_index(struct translator *t, uint32_t *out, uint32_t count, const char *what)
{
	TRY(read_u32(t, out, what));
	if (*out >= count)
		return refuse(t->why, ERR_INVALID, "unknown %s %u (there are %u)", what, *out, count);
	return OK;
}

static enum err read_zero_byte(struct translator *t)
{
	uint8_t b;

	if (leb_byte(&t->r, &b) != OK || b != 0)
		return refuse(t->why, ERR_FORMAT, "zero byte expected");
	return OK;
}

static enum err read_value_type(struct translator *t, uint8_t *out)
{
	if (leb_byte(&t->r, out) != OK)
		return refuse(t->why, ERR_FORMAT, "the body ends inside a type");
	if (*out == WASM_V128)
		return refuse(t->why, ERR_UNSUPPORTED, "SIMD type v128 is not supported yet");
	if (wasm_type_name(*out) == NULL)
		return refuse(t->why, ERR_FORMAT, "malformed value type 0x%x", *out);
	return OK;
}

static enum err need_memory(struct translator *t)
{
	if (t->module->memory_count == 0)
		return refuse(t->why, ERR_INVALID, "unknown memory 0 (there is none)");
	return OK;
}

static enum err read_label(struct translator *t, struct control **out)
{
	uint32_t depth;

	TRY(read_index(t, &depth, t->depth, "label"));
	*out = label(t, depth);
	return OK;
}

static uint32_t label_types(const struct control *c, const uint8_t **types)
{
	if (c->opcode == OPCODE_LOOP) {
		*types = c->type.params;
		return c->type.param_count;
	}
	*types = c->type.results;
	return c->type.result_count;
}

/* ---- branches ---- */

/* What a conditional branch tests: a slot, or a comparison melted into it. */
struct condition {
	uint16_t when, unless; /* operations */
	uint16_t x, y;
	uint32_t k;
	bool compares, has_k;
};

/* The first iop of the comparison this one is a variant of; 0: it is none. */
static uint16_t comparison_of(uint16_t iop);

/* A branch on a value that a comparison, i32.eqz or i32.and has just made. */
static bool melt(struct translator *t, const code_t *last, struct condition *c)
{
	uint16_t iop = last[0], base = comparison_of(iop);

	if (iop == IOP_i32_eqz) {
		*c = (struct condition){.when = IOP_br_unless, .unless = IOP_br_if, .x = last[2]};
	} else if (iop == IOP_i32_and_k) {
		*c = (struct condition){.when = IOP_i32_and_k_if, .unless = IOP_i32_and_k_unless, .x = last[2]};
		c->compares = c->has_k = true;
		c->k = code_u32(last + 3);
	} else if (base != 0) {
		c->compares = true;
		c->has_k = iop == base + VARIANT_K;
		c->when = (uint16_t)(base + (c->has_k ? VARIANT_K_IF : VARIANT_IF));
		c->unless = (uint16_t)(c->when + 1);
		c->x = last[2];
		c->k = c->has_k ? code_u32(last + 3) : 0;
		c->y = c->has_k ? 0 : last[3];
	} else {
		return false;
	}
	forget(t);
	return true;
}

/* The operation that adds and then branches like `when`, or 0. */
static uint16_t counting(uint16_t when)
{
	switch (when) {
	case IOP_br_if: return IOP_count_if;
	case IOP_i32_ne_if: return IOP_count_ne;
	case IOP_i32_ne_k_if: return IOP_count_ne_k;
	case IOP_i32_lt_u_if: return IOP_count_lt_u;
	case IOP_i32_lt_u_k_if: return IOP_count_lt_u_k;
	default: return 0;
	}
}

static struct condition take_condition(struct translator *t, const struct operand *o)
{
	const code_t *last = maker(t, o);
	struct condition c = {.when = IOP_br_if, .unless = IOP_br_unless};

	if (last == NULL || o->k != 0 || !melt(t, last, &c)) {
		c.x = use(t, o);
		return c;
	}
	/* After i32.eqz, what it negates. */
	last = t->code + t->last_start;
	if (!c.compares && c.x == o->home && t->last_end == t->size && last[1] == c.x && melt(t, last, &c)) {
		uint16_t when = c.when;

		c.when = c.unless;
		c.unless = when;
	}
	return c;
}

/* Does the last instruction add a constant to what is then tested? The local it writes stays written. */
static bool counts(const struct translator *t, const struct condition *c)
{
	const code_t *last = t->code + t->last_start;

	return t->live && t->last_end == t->size && last[0] == IOP_i32_add_k && last[1] == c->x &&
	       !(c->compares && !c->has_k && c->y == last[1]);
}

/* last: dst x k; returns the branch field. */
static code_t *emit_count(struct translator *t, const struct condition *c)
{
	const code_t *last = t->code + t->last_start;
	code_t fields[4] = {last[1], last[2], last[3], last[4]};
	uint32_t field = !c->compares ? 5 : c->has_k ? 7 : 6;
	code_t *code;

	forget(t);
	code = emit(t, counting(c->when), field + 2);
	copy_small(code + 1, fields, sizeof fields);
	if (c->has_k)
		code_put32(code + 5, c->k);
	else if (c->compares)
		code[5] = c->y;
	return code + field;
}

/* Returns the branch field. */
static code_t *emit_branch(struct translator *t, const struct condition *c, bool when)
{
	uint16_t iop = when ? c->when : c->unless;
	uint32_t fields = !c->compares ? 2 : c->has_k ? 4 : 3;
	code_t *code;

	if (when && counting(iop) != 0 && counts(t, c))
		return emit_count(t, c);
	code = emit(t, iop, fields + 2);
	code[1] = c->x;
	if (c->has_k)
		code_put32(code + 2, c->k);
	else if (c->compares)
		code[2] = c->y;
	return code + fields;
}

static void emit_return(struct translator *t, uint32_t count)
{
	uint16_t saved = (uint16_t)(home(t, 0) - FRAME_SAVED);
	code_t *code;

	if (!t->live)
		return;
	if (count == 0) {
		emit(t, IOP_return, 2)[1] = saved;
		return;
	}
	if (count > 1 || t->operands[t->height - 1].k != 0 || t->operands[t->height - 1].where == CONST)
		bring_top_home(t, count);
	code = emit(t, count == 1 ? IOP_return_one : IOP_return_many, count == 1 ? 3 : 4);
	code[1] = saved;
	code[2] = t->operands[t->height - count].slot;
	if (count > 1)
		code[3] = (code_t)count;
}

/* Does what the branch carries lie where the label wants it? */
static bool in_place(const struct translator *t, const struct control *c, uint32_t count)
{
	if (count == 0 || t->height - count == c->height)
		return count == 0 || (count == 1 && t->operands[t->height - 1].where == HOME && t->operands[t->height - 1].k == 0);
	return false;
}

/* The topmost operands to the label's height. */
static void emit_moves(struct translator *t, const struct control *c, uint32_t count)
{
	const struct operand *o = &t->operands[t->height - 1];
	uint16_t dst = home(t, c->height);
	code_t *code;

	if (!t->live || count == 0)
		return;
	if (count == 1) {
		emit_move(t, o, dst);
		return;
	}
	bring_top_home(t, count);
	if (t->height - count == c->height)
		return;
	code = emit(t, IOP_copy_many, 4);
	code[1] = dst;
	code[2] = home(t, t->height - count);
	code[3] = (code_t)count;
}

static void emit_jump(struct translator *t, struct control *c, uint32_t count)
{
	if (c == &t->controls[0]) {
		emit_return(t, count);
		return;
	}
	emit_moves(t, c, count);
	branch_to(t, c, emit(t, IOP_br, 3) + 1);
}

static enum err translate_br(struct translator *t, const struct opinfo *op)
{
	const uint8_t *types;
	struct control *c;
	uint32_t count;

	(void)op;
	TRY(read_label(t, &c));
	count = label_types(c, &types);
	TRY(check_top(t, types, count));
	emit_jump(t, c, count);
	leave(t);
	return OK;
}

static enum err translate_br_if(struct translator *t, const struct opinfo *op)
{
	const uint8_t *types;
	struct condition cond;
	struct operand o;
	struct control *c;
	code_t *field;
	uint32_t count, over;

	(void)op;
	TRY(read_label(t, &c));
	TRY(pop(t, WASM_I32, &o));
	count = label_types(c, &types);
	TRY(check_top(t, types, count));
	if (label(t, 0)->unreachable) { /* what was polymorphic has these types from now on */
		TRY(pop_many(t, types, count));
		return push_many(t, types, count);
	}
	if (!t->live)
		return OK;
	cond = take_condition(t, &o);
	if (count > 1)
		bring_top_home(t, count);
	if (c != &t->controls[0] && (in_place(t, c, count) || (count > 1 && t->height - count == c->height))) {
		branch_to(t, c, emit_branch(t, &cond, true));
		return OK;
	}
	field = emit_branch(t, &cond, false);
	if (t->nomem)
		return OK;
	over = (uint32_t)(field - t->code);
	code_put32(field, 0);
	emit_jump(t, c, count);
	bind(t, over);
	return OK;
}

static enum err translate_br_table(struct translator *t, const struct opinfo *op)
{
	uint32_t targets, count = 0, depth;
	const uint8_t *types;
	struct operand o;
	struct control *c;
	struct reader ahead;
	code_t *code;
	uint16_t x;

	(void)op;
	TRY(read_u32(t, &targets, "a branch table's size"));
	if (targets >= rd_left(&t->r))
		return refuse(t->why, ERR_FORMAT, "the body ends inside a branch table");
	TRY(pop(t, WASM_I32, &o));
	/* The last label, the default, says how many values every label takes; look ahead to it. */
	ahead = t->r;
	for (uint32_t i = 0; i <= targets; i++)
		TRY(read_index(t, &depth, t->depth, "label"));
	t->r = ahead;
	count = label_types(label(t, depth), &types);
	if (o.where == CONST && t->live) {
		use(t, &o);
		o.k = 0;
	}
	x = o.where == CONST ? o.home : o.slot;
	TRY(check_top(t, types, count));
	if (t->live)
		bring_top_home(t, count);
	code = emit(t, IOP_br_table, 8);
	code[1] = x;
	code[2] = t->live ? home(t, t->height - count) : 0;
	code[3] = (code_t)count;
	code_put32(code + 4, targets);
	code_put32(code + 6, (uint32_t)o.k);
	for (uint32_t i = 0; i <= targets; i++) {
		TRY(read_label(t, &c));
		if (label_types(c, &types) != count)
			return refuse(t->why, ERR_INVALID, "type mismatch: the labels of a branch table take different values");
		TRY(check_top(t, types, count));
		code = emit(t, 0, 3);
		branch_to(t, c, code);
		code[2] = home(t, c->height);
	}
	leave(t);
	return OK;
}

static enum err translate_return(struct translator *t, const struct opinfo *op)
{
	struct control *c = &t->controls[0];

	(void)op;
	TRY(check_top(t, c->type.results, c->type.result_count));
	emit_return(t, c->type.result_count);
	leave(t);
	return OK;
}

static enum err translate_unreachable(struct translator *t, const struct opinfo *op)
{
	(void)op;
	emit_site(t);
	emit(t, IOP_unreachable, 1);
	leave(t);
	return OK;
}

static enum err translate_nop(struct translator *t, const struct opinfo *op)
{
	(void)t;
	(void)op;
	return OK;
}

/* ---- blocks ---- */

static enum err read_block_type(struct translator *t, struct control *c)
{
	struct reader ahead = t->r;
	int64_t v;
	enum err err = leb_signed(&t->r, 33, &v);

	if (err != OK)
		return bad_number(t, err, "a block type");
	if (v >= 0) {
		if (v >= t->module->type_count)
			return refuse(t->why, ERR_INVALID, "unknown type %u", (unsigned)v);
		c->type = t->module->types[v];
		return OK;
	}
	if (v == -64) {
		c->type = (struct wasm_functype){0};
		return OK;
	}
	t->r = ahead;
	TRY(read_value_type(t, &c->result));
	c->type = (struct wasm_functype){.result_count = 1, .results = &c->result};
	return OK;
}

/* Everything is at home; the parameters are taken from the stack and put back above the new block's height. */
static enum err enter_block(struct translator *t, uint8_t opcode, struct control **out)
{
	struct control *c = &t->controls[t->depth];

	if (t->depth >= t->control_max)
		return refuse(t->why, ERR_LIMIT, "blocks are nested more than %u deep", (unsigned)DEPTH_MAX);
	TRY(check_top(t, c->type.params, c->type.param_count));
	if (t->live)
		bring_top_home(t, c->type.param_count);
	TRY(pop_many(t, c->type.params, c->type.param_count));
	bring_locals_home(t);
	c->opcode = opcode;
	c->unreachable = false;
	c->entry_live = t->live;
	c->height = t->height;
	c->fixups = c->otherwise = 0;
	c->target = t->size;
	t->depth++;
	*out = c;
	return push_many(t, c->type.params, c->type.param_count);
}

/* The slot of the next control, whose type is read before it is entered. */
static enum err next_control(struct translator *t, struct control **out)
{
	if (t->depth >= t->control_max)
		return refuse(t->why, ERR_LIMIT, "blocks are nested more than %u deep", (unsigned)DEPTH_MAX);
	*out = &t->controls[t->depth];
	return read_block_type(t, *out);
}

static enum err translate_block(struct translator *t, const struct opinfo *op)
{
	struct control *c;

	(void)op;
	TRY(next_control(t, &c));
	return enter_block(t, OPCODE_BLOCK, &c);
}

static enum err translate_loop(struct translator *t, const struct opinfo *op)
{
	struct control *c;

	(void)op;
	TRY(next_control(t, &c));
	TRY(enter_block(t, OPCODE_LOOP, &c));
	bind(t, 0);
	return OK;
}

static enum err translate_if(struct translator *t, const struct opinfo *op)
{
	struct condition cond;
	struct operand o;
	struct control *c;
	code_t *field;

	(void)op;
	TRY(next_control(t, &c));
	TRY(pop(t, WASM_I32, &o));
	cond = take_condition(t, &o);
	TRY(enter_block(t, OPCODE_IF, &c));
	field = emit_branch(t, &cond, false);
	if (t->live && !t->nomem) {
		c->otherwise = (uint32_t)(field - t->code);
		code_put32(field, 0);
	}
	return OK;
}

/* The results lie at home, and nothing else is on the stack of the block. */
static enum err close_block(struct translator *t, struct control *c)
{
	TRY(check_top(t, c->type.results, c->type.result_count));
	if (t->live)
		bring_top_home(t, c->type.result_count);
	TRY(pop_many(t, c->type.results, c->type.result_count));
	if (t->height != c->height)
		return refuse(t->why, ERR_INVALID, "type mismatch: %u values too many at the end of the block",
			      t->height - c->height);
	return OK;
}

static enum err translate_else(struct translator *t, const struct opinfo *op)
{
	struct control *c = label(t, 0);

	(void)op;
	if (c->opcode != OPCODE_IF)
		return refuse(t->why, ERR_FORMAT, "else without if");
	TRY(close_block(t, c));
	branch_to(t, c, emit(t, IOP_br, 3) + 1);
	bind(t, c->otherwise);
	c->opcode = OPCODE_ELSE;
	c->otherwise = 0;
	c->unreachable = false;
	t->live = c->entry_live;
	return push_many(t, c->type.params, c->type.param_count);
}

static bool types_equal(const uint8_t *a, uint32_t a_count, const uint8_t *b, uint32_t b_count)
{
	return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count) == 0);
}

static enum err translate_end(struct translator *t, const struct opinfo *op)
{
	struct control *c = label(t, 0);
	const struct wasm_functype *f = &c->type;

	(void)op;
	if (t->depth == 1 && t->live && c->fixups == 0) {
		/* Nothing joins here: the results need not be brought home. */
		TRY(check_top(t, f->results, f->result_count));
		emit_return(t, f->result_count);
		t->live = false;
	}
	TRY(close_block(t, c));
	if (c->opcode == OPCODE_IF && !types_equal(f->params, f->param_count, f->results, f->result_count))
		return refuse(t->why, ERR_INVALID, "type mismatch: if without else must give back what it takes");
	t->live = t->live || c->fixups != 0 || c->otherwise != 0;
	bind(t, c->fixups);
	bind(t, c->otherwise);
	TRY(push_many(t, f->results, f->result_count));
	if (t->depth == 1)
		emit_return(t, f->result_count);
	t->depth--;
	return OK;
}

/* ---- calls ---- */

/* Arguments home and off the stack, results on; returns the slot of the first argument. */
static enum err pass_arguments(struct translator *t, const struct wasm_functype *f, uint16_t *base)
{
	TRY(check_top(t, f->params, f->param_count));
	if (t->live)
		bring_top_home(t, f->param_count);
	TRY(pop_many(t, f->params, f->param_count));
	*base = home(t, t->height);
	return OK;
}

static enum err translate_call(struct translator *t, const struct opinfo *op)
{
	struct wasm_module *m = t->module;
	const struct wasm_functype *f;
	uint32_t index;
	uint16_t base;
	code_t *code;

	(void)op;
	TRY(read_index(t, &index, m->function_count, "function"));
	f = &m->types[m->functions[index]];
	TRY(pass_arguments(t, f, &base));
	emit_site(t);
	code = emit(t, index < m->imported_functions ? IOP_call_import : IOP_call, 4);
	code[1] = base;
	code_put32(code + 2, index);
	return push_many(t, f->results, f->result_count);
}

static enum err translate_call_indirect(struct translator *t, const struct opinfo *op)
{
	struct wasm_module *m = t->module;
	const struct wasm_functype *f;
	uint32_t type, table;
	struct operand o;
	uint16_t base, x;
	code_t *code;

	(void)op;
	TRY(read_index(t, &type, m->type_count, "type"));
	TRY(read_index(t, &table, m->table_count, "table"));
	if (m->tables[table].element != WASM_FUNCREF)
		return refuse(t->why, ERR_INVALID, "type mismatch: table %u does not hold functions", table);
	f = &m->types[type];
	TRY(pop(t, WASM_I32, &o));
	x = use(t, &o);
	TRY(pass_arguments(t, f, &base));
	emit_site(t);
	code = emit(t, IOP_call_indirect, 7);
	code[1] = base;
	code[2] = x;
	code_put32(code + 3, type);
	code_put32(code + 5, table);
	return push_many(t, f->results, f->result_count);
}

/* ---- values ---- */

static enum err translate_drop(struct translator *t, const struct opinfo *op)
{
	struct operand o;

	(void)op;
	return pop(t, 0, &o);
}

static enum err emit_select(struct translator *t, uint8_t type)
{
	struct operand x, y, cond;
	uint16_t slots[3];
	code_t *code;

	TRY(pop(t, WASM_I32, &cond));
	TRY(pop(t, type, &y));
	TRY(pop(t, type, &x));
	if (type == 0) {
		if (wasm_is_ref(x.type) || wasm_is_ref(y.type))
			return refuse(t->why, ERR_INVALID, "type mismatch: select of references needs a type");
		if (x.type != 0 && y.type != 0 && x.type != y.type)
			return mismatch(t, x.type, wasm_type_name(y.type));
		type = x.type != 0 ? x.type : y.type;
	}
	slots[0] = use(t, &x);
	slots[1] = use(t, &y);
	slots[2] = use(t, &cond);
	code = emit_value(t, IOP_select, 5, home(t, t->height));
	memcpy(code + 2, slots, sizeof slots);
	return push(t, type);
}

static enum err translate_select(struct translator *t, const struct opinfo *op)
{
	(void)op;
	return emit_select(t, 0);
}

static enum err translate_select_typed(struct translator *t, const struct opinfo *op)
{
	uint32_t count;
	uint8_t type;

	(void)op;
	TRY(read_u32(t, &count, "a type count"));
	if (count != 1)
		return refuse(t->why, ERR_INVALID, "invalid result arity: select of %u types", count);
	TRY(read_value_type(t, &type));
	return emit_select(t, type);
}

static enum err read_local(struct translator *t, uint32_t *local)
{
	return read_index(t, local, t->local_count, "local");
}

static enum err translate_local_get(struct translator *t, const struct opinfo *op)
{
	uint32_t local;

	(void)op;
	TRY(read_local(t, &local));
	return push_local(t, t->local_types[local], local, 0);
}

/* The popped operand becomes the local's value. */
static void assign_local(struct translator *t, const struct operand *o, uint32_t local)
{
	if (o->where == LOCAL && o->slot == local && o->k == 0)
		return;
	if (t->chains[local] == 0 && o->k == 0 && maker(t, o) != NULL) {
		t->code[t->last_start + 1] = (code_t)local;
		return;
	}
	bring_local_home(t, local);
	emit_move(t, o, (uint16_t)local);
}

static enum err translate_local_set(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint32_t local;

	(void)op;
	TRY(read_local(t, &local));
	TRY(pop(t, t->local_types[local], &o));
	assign_local(t, &o, local);
	return OK;
}

static enum err translate_local_tee(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint32_t local;

	(void)op;
	TRY(read_local(t, &local));
	TRY(pop(t, t->local_types[local], &o));
	assign_local(t, &o, local);
	if (o.where == CONST)
		return push_const(t, t->local_types[local], o.k);
	return push_local(t, t->local_types[local], local, 0);
}

static enum err translate_global_get(struct translator *t, const struct opinfo *op)
{
	uint32_t index;

	(void)op;
	TRY(read_index(t, &index, t->module->global_count, "global"));
	code_put32(emit_value(t, IOP_global_get, 4, home(t, t->height)) + 2, index);
	return push(t, t->module->globals[index].type.type);
}

static enum err translate_global_set(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint32_t index;
	uint16_t x;
	code_t *code;

	(void)op;
	TRY(read_index(t, &index, t->module->global_count, "global"));
	if (!t->module->globals[index].type.mutable)
		return refuse(t->why, ERR_INVALID, "global %u is immutable", index);
	TRY(pop(t, t->module->globals[index].type.type, &o));
	x = use(t, &o);
	code = emit(t, IOP_global_set, 4);
	code[1] = x;
	code_put32(code + 2, index);
	return OK;
}

static enum err read_constant(struct translator *t, unsigned bits, uint64_t *out)
{
	int64_t v = 0;
	enum err err = leb_signed(&t->r, bits, &v);

	if (err != OK)
		return bad_number(t, err, "a constant");
	*out = (uint64_t)v;
	return OK;
}

static enum err translate_i32_const(struct translator *t, const struct opinfo *op)
{
	uint64_t v = 0;

	(void)op;
	TRY(read_constant(t, 32, &v));
	return push_const(t, WASM_I32, (uint32_t)v);
}

static enum err translate_i64_const(struct translator *t, const struct opinfo *op)
{
	uint64_t v = 0;

	(void)op;
	TRY(read_constant(t, 64, &v));
	return push_const(t, WASM_I64, v);
}

static enum err translate_f32_const(struct translator *t, const struct opinfo *op)
{
	uint32_t v;

	(void)op;
	if (rd_u32le(&t->r, &v) != OK)
		return bad_number(t, ERR_TRUNCATED, "a constant");
	return push_const(t, WASM_F32, v);
}

static enum err translate_f64_const(struct translator *t, const struct opinfo *op)
{
	uint64_t v = 0;

	(void)op;
	if (rd_u64le(&t->r, &v) != OK)
		return bad_number(t, ERR_TRUNCATED, "a constant");
	return push_const(t, WASM_F64, v);
}

/* Can the constant stand in a k field? */
static bool fits_k(uint8_t type, uint64_t v, uint32_t *k)
{
	*k = type == WASM_F64 ? (uint32_t)(v >> 32) : (uint32_t)v;
	switch (type) {
	case WASM_I64: return (uint64_t)(int32_t)*k == v;
	case WASM_F64: return (uint64_t)*k << 32 == v;
	default: return true;
	}
}

static enum err translate_unary(struct translator *t, const struct opinfo *op)
{
	struct operand x;
	uint16_t slot;
	code_t *code;

	TRY(pop(t, op->in, &x));
	slot = use(t, &x);
	/* As a comparison it can melt with a branch. */
	if (op->iop == IOP_i64_eqz) {
		code = emit_value(t, IOP_i64_eq_k, 5, home(t, t->height));
		code_put32(code + 3, 0);
	} else {
		code = emit_value(t, op->iop, 3, home(t, t->height));
	}
	code[2] = slot;
	return push(t, op->out);
}

static enum err translate_trunc(struct translator *t, const struct opinfo *op)
{
	struct operand x;
	uint16_t slot;

	TRY(pop(t, op->in, &x));
	slot = use(t, &x);
	emit_site(t);
	emit_value(t, op->iop, 3, home(t, t->height))[2] = slot;
	return push(t, op->out);
}

/* BIN, DIV and CMP: the comparisons have no kx variant, DIV needs a site. */
static enum err binary(struct translator *t, const struct opinfo *op, struct operand x, struct operand y, bool has_kx,
		       bool traps)
{
	uint16_t slot, second = 0;
	unsigned variant = 0;
	uint32_t k = 0;
	code_t *code;

	if (y.where == CONST && fits_k(op->in, y.k, &k)) {
		variant = VARIANT_K;
		slot = use(t, &x);
	} else if (x.where == CONST && has_kx && fits_k(op->in, x.k, &k)) {
		variant = VARIANT_KX;
		slot = use(t, &y);
	} else {
		slot = use(t, &x);
		second = use(t, &y);
	}
	if (traps)
		emit_site(t);
	code = emit_value(t, op->iop + variant, variant == 0 ? 4 : 5, home(t, t->height));
	code[2] = slot;
	if (variant == 0)
		code[3] = second;
	else
		code_put32(code + 3, k);
	return push(t, op->out);
}

enum fusion { FUSION_SLOTS, FUSION_REVERSED, FUSION_K, FUSION_K_REVERSED, FUSION_KK, FUSION_LOAD, FUSION_LOAD_REVERSED };

/* How the last operation (with its constant or not) and the operation `second` go together, and as what. */
static uint16_t fused(uint16_t first, uint16_t second, enum fusion how)
{
#define KEY(first, second, how) ((uint32_t)(first) << 16 | (uint32_t)(second) << 4 | (how))
	_Static_assert(IOP_COUNT < 4096, "operations fit into the key");
	switch (KEY(first, second, how)) {
#define FUSE(type, a, b) case KEY(IOP_##a, IOP_##b, FUSION_SLOTS): return IOP_##a##_##b;
#define FUSE_R(type, a, b) case KEY(IOP_##a, IOP_##b, FUSION_REVERSED): return IOP_##a##_##b##_r;
#define FUSE_K(type, a, b) case KEY(IOP_##a##_k, IOP_##b, FUSION_K): return IOP_##a##_k_##b;
#define FUSE_KR(type, a, b) case KEY(IOP_##a##_k, IOP_##b, FUSION_K_REVERSED): return IOP_##a##_k_##b##_r;
#define FUSE_KK(type, a, b) case KEY(IOP_##a##_k, IOP_##b, FUSION_KK): return IOP_##a##_k_##b##_k;
#define FUSE_LOAD(type, a, size, b)                                                                                    \
	case KEY(IOP_##a, IOP_##b, FUSION_LOAD):                                                                       \
	case KEY(IOP_##a##_sum, IOP_##b, FUSION_LOAD): return IOP_##a##_##b;
#define FUSE_LOAD_R(type, a, size, b)                                                                                  \
	case KEY(IOP_##a, IOP_##b, FUSION_LOAD_REVERSED):                                                              \
	case KEY(IOP_##a##_sum, IOP_##b, FUSION_LOAD_REVERSED): return IOP_##a##_##b##_r;
#include "lib/wasm/fuse.def"
	default: return 0;
	}
#undef KEY
}

/* made: what the last instruction made; other: the second operand of `op`, or its first when reversed. */
static bool fuse(struct translator *t, const struct opinfo *op, const struct operand *made, const struct operand *other,
		 bool reversed)
{
	const code_t *last = maker(t, made);
	code_t x, y;
	uint16_t iop;
	uint32_t k, k2;
	code_t *code;

	if (last == NULL || made->k != 0)
		return false;
	x = last[2];
	y = last[3];
	k = code_u32(last + 3);
	if (other->where == CONST) {
		iop = reversed || !fits_k(op->in, other->k, &k2) ? 0 : fused(last[0], op->iop, FUSION_KK);
		if (iop == 0)
			return false;
		forget(t);
		code = emit_value(t, iop, 7, home(t, t->height));
		code_put32(code + 3, k);
		code_put32(code + 5, k2);
	} else if (other->k != 0) {
		return false;
	} else if ((iop = fused(last[0], op->iop, reversed ? FUSION_REVERSED : FUSION_SLOTS)) != 0) {
		forget(t);
		code = emit_value(t, iop, 5, home(t, t->height));
		code[3] = y;
		code[4] = other->slot;
	} else if ((iop = fused(last[0], op->iop, reversed ? FUSION_K_REVERSED : FUSION_K)) != 0) {
		forget(t);
		code = emit_value(t, iop, 6, home(t, t->height));
		code[3] = other->slot;
		code_put32(code + 4, k);
	} else if ((iop = fused(last[0], op->iop, reversed ? FUSION_LOAD_REVERSED : FUSION_LOAD)) != 0) {
		/* The load's site stays, and is that of what comes into its place. */
		k = last + 4 == t->code + t->size ? 0 : code_u32(last + 4);
		forget(t);
		code = emit_value(t, iop, 7, home(t, t->height));
		code[3] = other->slot;
		code[4] = y;
		code_put32(code + 5, k);
	} else {
		return false;
	}
	code[2] = x;
	return true;
}

/* A sum that was put off is one operand of this operation. */
static bool fuse_sum(struct translator *t, const struct opinfo *op, const struct operand *sum, const struct operand *other,
		     bool reversed)
{
	uint32_t k = 0;
	uint16_t iop;
	code_t *code;

	if (sum->where == CONST || sum->k == 0)
		return false;
	if (other->where == CONST && !reversed && fits_k(op->in, other->k, &k)) {
		iop = fused(IOP_i32_add_k, op->iop, FUSION_KK);
		if (iop == 0)
			return false;
		code = emit_value(t, iop, 7, home(t, t->height));
		code_put32(code + 3, (uint32_t)sum->k);
		code_put32(code + 5, k);
	} else if (other->where != CONST && other->k == 0) {
		iop = fused(IOP_i32_add_k, op->iop, reversed ? FUSION_K_REVERSED : FUSION_K);
		if (iop == 0)
			return false;
		code = emit_value(t, iop, 6, home(t, t->height));
		code[3] = other->slot;
		code_put32(code + 4, (uint32_t)sum->k);
	} else {
		return false;
	}
	code[2] = sum->slot;
	return true;
}

/* x + k, or x - k: nothing is emitted yet. */
static bool defer_sum(struct translator *t, const struct opinfo *op, const struct operand *x, const struct operand *y)
{
	if (y->where != CONST || x->where == CONST || (op->iop != IOP_i32_add && op->iop != IOP_i32_sub))
		return false;
	/* Without a change of place: a value at home must be that of the result. */
	return x->where == LOCAL || x->home == home(t, t->height);
}

static enum err translate_binary(struct translator *t, const struct opinfo *op)
{
	struct operand x, y;

	TRY(pop(t, op->in, &y));
	TRY(pop(t, op->in, &x));
	if (op->commutes && x.where == CONST && y.where != CONST) {
		struct operand swap = x;

		x = y;
		y = swap;
	}
	if (defer_sum(t, op, &x, &y)) {
		uint32_t k = (uint32_t)(op->iop == IOP_i32_add ? x.k + y.k : x.k - y.k);

		if (x.where == LOCAL)
			return push_local(t, WASM_I32, x.slot, k);
		return push_operand(t, (struct operand){.type = WASM_I32, .where = HOME, .k = k});
	}
	if (fuse(t, op, &y, &x, !op->commutes) || fuse(t, op, &x, &y, false) || fuse_sum(t, op, &y, &x, !op->commutes) ||
	    fuse_sum(t, op, &x, &y, false))
		return push(t, op->out);
	return binary(t, op, x, y, true, false);
}

static enum err translate_division(struct translator *t, const struct opinfo *op)
{
	struct operand x, y;

	TRY(pop(t, op->in, &y));
	TRY(pop(t, op->in, &x));
	return binary(t, op, x, y, true, true);
}

static enum err translate_comparison(struct translator *t, const struct opinfo *op)
{
	struct operand x, y;

	TRY(pop(t, op->in, &y));
	TRY(pop(t, op->in, &x));
	return binary(t, op, x, y, false, false);
}

/* ---- memory ---- */

static enum err read_memarg(struct translator *t, const struct opinfo *op, uint32_t *offset)
{
	uint32_t align;

	TRY(read_u32(t, &align, "an alignment"));
	TRY(read_u32(t, offset, "a memory offset"));
	if (align >= 32)
		return refuse(t->why, ERR_FORMAT, "malformed memop flags 0x%x", align);
	TRY(need_memory(t));
	if (align > op->align)
		return refuse(t->why, ERR_INVALID, "alignment must not be larger than natural (2^%u)", op->align);
	return OK;
}

/*
 * Chooses how the address is given and emits; the field that is not the address (dst of a load, value of a store) is the
 * caller's, and its place is returned. address_field is 2 for a load, 1 for a store.
 */
static code_t *emit_access(struct translator *t, const struct opinfo *op, const struct operand *address,
			   uint32_t offset, uint32_t address_field)
{
	uint64_t sum = address->k + offset;
	uint16_t slot;
	code_t *code;

	if (address->where == CONST && sum <= UINT32_MAX) {
		emit_site(t);
		code = emit(t, op->iop + VARIANT_AT, 4);
		code_put32(code + 2, (uint32_t)sum);
		return code + 1;
	}
	if (address->where != CONST && address->k != 0 && offset <= UINT16_MAX) {
		emit_site(t);
		code = emit(t, op->iop + VARIANT_SUM, 6);
		code[address_field] = address->slot;
		code[3] = (code_t)offset;
		code_put32(code + 4, (uint32_t)address->k);
		return code + 3 - address_field;
	}
	slot = use(t, address);
	emit_site(t);
	code = emit(t, op->iop + (unsigned)(offset > UINT16_MAX ? VARIANT_FAR : 0), offset > UINT16_MAX ? 5 : 4);
	code[address_field] = slot;
	if (offset > UINT16_MAX)
		code_put32(code + 3, offset);
	else
		code[3] = (code_t)offset;
	return code + 3 - address_field;
}

/* How an address was computed by the last instructions: x + (y << shift) + k, or without x. */
struct address {
	uint16_t x, y, shift;
	bool has_x;
	uint32_t k;
};

static bool take_address(struct translator *t, const struct operand *o, struct address *a)
{
	const code_t *last = maker(t, o);

	if (last == NULL)
		return false;
	*a = (struct address){.k = (uint32_t)o->k, .x = last[2], .y = last[3], .has_x = true};
	switch (last[0]) {
	case IOP_i32_shl_k:
		*a = (struct address){.k = (uint32_t)o->k, .y = last[2], .shift = last[3] & 31};
		break;
	case IOP_i32_shl_k_i32_add:
		*a = (struct address){.k = (uint32_t)o->k, .x = last[3], .y = last[2], .shift = last[4] & 31, .has_x = true};
		break;
	case IOP_i32_add: break;
	default: return false;
	}
	forget(t);
	return true;
}

static void emit_indexed_load(struct translator *t, const struct opinfo *op, const struct address *a)
{
	code_t *code;

	emit_site(t);
	code = emit(t, op->iop + (unsigned)(a->has_x ? VARIANT_INDEX : VARIANT_SCALED), a->has_x ? 7 : 6);
	code[1] = home(t, t->height);
	code[2] = a->has_x ? a->x : a->y;
	if (a->has_x)
		code[3] = a->y;
	code[3 + a->has_x] = a->shift;
	code_put32(code + 4 + a->has_x, a->k);
}

static enum err translate_load(struct translator *t, const struct opinfo *op)
{
	struct operand address;
	struct address parts;
	uint32_t offset;

	TRY(read_memarg(t, op, &offset));
	TRY(pop(t, WASM_I32, &address));
	if (offset == 0 && take_address(t, &address, &parts))
		emit_indexed_load(t, op, &parts);
	else
		*emit_access(t, op, &address, offset, 2) = home(t, t->height);
	/* The load has the latest site, and makes a value. */
	if (t->live && !t->nomem)
		remember(t, t->site_pc);
	return push(t, op->out);
}

static enum err translate_store(struct translator *t, const struct opinfo *op)
{
	struct operand address, value;
	uint32_t offset, k;
	uint16_t slot;
	code_t *code;

	TRY(read_memarg(t, op, &offset));
	TRY(pop(t, op->in, &value));
	TRY(pop(t, WASM_I32, &address));
	if (value.where == CONST && fits_k(op->in, value.k, &k) && address.where != CONST && offset <= UINT16_MAX) {
		slot = use(t, &address);
		emit_site(t);
		code = emit(t, op->iop + VARIANT_VALUE_K, 5);
		code[1] = slot;
		code_put32(code + 2, k);
		code[4] = (code_t)offset;
		return OK;
	}
	slot = use(t, &value);
	*emit_access(t, op, &address, offset, 1) = slot;
	return OK;
}

static enum err translate_memory_size(struct translator *t, const struct opinfo *op)
{
	(void)op;
	TRY(read_zero_byte(t));
	TRY(need_memory(t));
	emit_value(t, IOP_memory_size, 2, home(t, t->height));
	return push(t, WASM_I32);
}

static enum err translate_memory_grow(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint16_t x;

	(void)op;
	TRY(read_zero_byte(t));
	TRY(need_memory(t));
	TRY(pop(t, WASM_I32, &o));
	x = use(t, &o);
	emit_value(t, IOP_memory_grow, 3, home(t, t->height))[2] = x;
	return push(t, WASM_I32);
}

/* Three operands of which the last and first are i32; emits them as fields 1 to 3. */
static enum err bulk(struct translator *t, unsigned iop, uint8_t middle, uint32_t units, code_t **out)
{
	struct operand d, s, n;
	uint16_t slots[3];

	TRY(pop(t, WASM_I32, &n));
	TRY(pop(t, middle, &s));
	TRY(pop(t, WASM_I32, &d));
	slots[0] = use(t, &d);
	slots[1] = use(t, &s);
	slots[2] = use(t, &n);
	emit_site(t);
	*out = emit(t, iop, units);
	memcpy(*out + 1, slots, sizeof slots);
	return OK;
}

static enum err read_data_segment(struct translator *t, uint32_t *segment)
{
	TRY(read_u32(t, segment, "data segment"));
	if (!t->data_count_known)
		return refuse(t->why, ERR_FORMAT, "data count section required");
	if (*segment >= t->module->data_count)
		return refuse(t->why, ERR_INVALID, "unknown data segment %u", *segment);
	return OK;
}

static enum err translate_memory_init(struct translator *t, const struct opinfo *op)
{
	uint32_t segment;
	code_t *code;

	(void)op;
	TRY(need_memory(t));
	TRY(read_data_segment(t, &segment));
	TRY(read_zero_byte(t));
	TRY(bulk(t, IOP_memory_init, WASM_I32, 6, &code));
	code_put32(code + 4, segment);
	return OK;
}

static enum err translate_data_drop(struct translator *t, const struct opinfo *op)
{
	uint32_t segment;

	(void)op;
	TRY(read_data_segment(t, &segment));
	code_put32(emit(t, IOP_data_drop, 3) + 1, segment);
	return OK;
}

static enum err translate_memory_copy(struct translator *t, const struct opinfo *op)
{
	code_t *code;

	(void)op;
	TRY(read_zero_byte(t));
	TRY(read_zero_byte(t));
	TRY(need_memory(t));
	return bulk(t, IOP_memory_copy, WASM_I32, 4, &code);
}

static enum err translate_memory_fill(struct translator *t, const struct opinfo *op)
{
	code_t *code;

	(void)op;
	TRY(read_zero_byte(t));
	TRY(need_memory(t));
	return bulk(t, IOP_memory_fill, WASM_I32, 4, &code);
}

/* ---- tables and references ---- */

static enum err read_table(struct translator *t, uint32_t *table)
{
	return read_index(t, table, t->module->table_count, "table");
}

static enum err translate_table_get(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint32_t table;
	uint16_t x;
	code_t *code;

	(void)op;
	TRY(read_table(t, &table));
	TRY(pop(t, WASM_I32, &o));
	x = use(t, &o);
	emit_site(t);
	code = emit_value(t, IOP_table_get, 5, home(t, t->height));
	code[2] = x;
	code_put32(code + 3, table);
	return push(t, t->module->tables[table].element);
}

static enum err translate_table_set(struct translator *t, const struct opinfo *op)
{
	struct operand o, value;
	uint16_t x, v;
	uint32_t table;
	code_t *code;

	(void)op;
	TRY(read_table(t, &table));
	TRY(pop(t, t->module->tables[table].element, &value));
	TRY(pop(t, WASM_I32, &o));
	x = use(t, &o);
	v = use(t, &value);
	emit_site(t);
	code = emit(t, IOP_table_set, 5);
	code[1] = x;
	code[2] = v;
	code_put32(code + 3, table);
	return OK;
}

static enum err read_element_segment(struct translator *t, uint32_t *segment)
{
	return read_index(t, segment, t->module->element_count, "elem segment");
}

static enum err translate_table_init(struct translator *t, const struct opinfo *op)
{
	uint32_t segment, table;
	code_t *code;

	(void)op;
	TRY(read_element_segment(t, &segment));
	TRY(read_table(t, &table));
	if (t->module->elements[segment].type != t->module->tables[table].element)
		return refuse(t->why, ERR_INVALID, "type mismatch: elem segment %u and table %u", segment, table);
	TRY(bulk(t, IOP_table_init, WASM_I32, 8, &code));
	code_put32(code + 4, table);
	code_put32(code + 6, segment);
	return OK;
}

static enum err translate_elem_drop(struct translator *t, const struct opinfo *op)
{
	uint32_t segment;

	(void)op;
	TRY(read_element_segment(t, &segment));
	code_put32(emit(t, IOP_elem_drop, 3) + 1, segment);
	return OK;
}

static enum err translate_table_copy(struct translator *t, const struct opinfo *op)
{
	uint32_t d, s;
	code_t *code;

	(void)op;
	TRY(read_table(t, &d));
	TRY(read_table(t, &s));
	if (t->module->tables[d].element != t->module->tables[s].element)
		return refuse(t->why, ERR_INVALID, "type mismatch: tables %u and %u", d, s);
	TRY(bulk(t, IOP_table_copy, WASM_I32, 8, &code));
	code_put32(code + 4, d);
	code_put32(code + 6, s);
	return OK;
}

static enum err translate_table_grow(struct translator *t, const struct opinfo *op)
{
	struct operand value, n;
	uint16_t v, x;
	uint32_t table;
	code_t *code;

	(void)op;
	TRY(read_table(t, &table));
	TRY(pop(t, WASM_I32, &n));
	TRY(pop(t, t->module->tables[table].element, &value));
	v = use(t, &value);
	x = use(t, &n);
	code = emit_value(t, IOP_table_grow, 6, home(t, t->height));
	code[2] = v;
	code[3] = x;
	code_put32(code + 4, table);
	return push(t, WASM_I32);
}

static enum err translate_table_size(struct translator *t, const struct opinfo *op)
{
	uint32_t table;

	(void)op;
	TRY(read_table(t, &table));
	code_put32(emit_value(t, IOP_table_size, 4, home(t, t->height)) + 2, table);
	return push(t, WASM_I32);
}

static enum err translate_table_fill(struct translator *t, const struct opinfo *op)
{
	uint32_t table;
	code_t *code;

	(void)op;
	TRY(read_table(t, &table));
	TRY(bulk(t, IOP_table_fill, t->module->tables[table].element, 6, &code));
	code_put32(code + 4, table);
	return OK;
}

static enum err translate_ref_null(struct translator *t, const struct opinfo *op)
{
	uint8_t type;

	(void)op;
	TRY(read_value_type(t, &type));
	if (!wasm_is_ref(type))
		return refuse(t->why, ERR_FORMAT, "malformed reference type 0x%x", type);
	return push_const(t, type, WASM_NULL_REF);
}

static enum err translate_ref_is_null(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint16_t x;

	(void)op;
	TRY(pop(t, 0, &o));
	if (o.type != 0 && !wasm_is_ref(o.type))
		return refuse(t->why, ERR_INVALID, "type mismatch: expected a reference, found %s", wasm_type_name(o.type));
	x = use(t, &o);
	emit_value(t, IOP_ref_is_null, 3, home(t, t->height))[2] = x;
	return push(t, WASM_I32);
}

static enum err translate_ref_func(struct translator *t, const struct opinfo *op)
{
	uint32_t index;

	(void)op;
	TRY(read_index(t, &index, t->module->function_count, "function"));
	if (!t->declared[index])
		return refuse(t->why, ERR_INVALID, "undeclared function reference %u", index);
	code_put32(emit_value(t, IOP_ref_func, 4, home(t, t->height)) + 2, index);
	return push(t, WASM_FUNCREF);
}

/* ---- the table of instructions ---- */

#define LOG2(size) ((size) == 8 ? 3 : (size) == 4 ? 2 : (size) == 2 ? 1 : 0)
#define T(type) WASM_##type

static const struct opinfo ops[OPCODE_COUNT] = {
#define CTRL(code, id, text) [code] = {text, translate_##id, 0, 0, 0, 0, false},
#define UN(code, id, text, in, out, expr) [code] = {text, translate_unary, IOP_##id, T(in), T(out), 0, false},
#define TRUNC(code, id, text, in, out, lo, hi, expr) [code] = {text, translate_trunc, IOP_##id, T(in), T(out), 0, false},
#define BIN(code, id, text, type, commutes, expr)                                                                      \
	[code] = {text, translate_binary, IOP_##id, T(type), T(type), 0, commutes},
#define DIV(code, id, text, type, overflow, expr)                                                                      \
	[code] = {text, translate_division, IOP_##id, T(type), T(type), 0, false},
#define CMP(code, id, text, in, expr) [code] = {text, translate_comparison, IOP_##id, T(in), WASM_I32, 0, false},
#define LOAD(code, id, text, out, size, bits, expr)                                                                    \
	[code] = {text, translate_load, IOP_##id, 0, T(out), LOG2(size), false},
#define STORE(code, id, text, in, size) [code] = {text, translate_store, IOP_##id, T(in), 0, LOG2(size), false},
#include "lib/wasm/opcodes.def"
};

static uint16_t comparison_of(uint16_t iop)
{
	switch (iop) {
#define CMP(code, id, ...)                                                                                             \
	case IOP_##id:                                                                                                 \
	case IOP_##id##_k: return IOP_##id;
#include "lib/wasm/opcodes.def"
	default: return 0;
	}
}

const char *opcode_name(uint32_t code)
{
	return code < OPCODE_COUNT ? ops[code].text : NULL;
}

/* ---- bodies ---- */

enum err translator_new(struct arena *a, struct wasm_module *m, uint32_t max_body, const bool *declared,
			bool data_count_known, struct translator **out)
{
	struct translator *t = arena_new(a, struct translator);
	uint64_t widest = 1, operands;

	if (t == NULL)
		return ERR_NOMEM;
	/* An instruction takes at least a byte and pushes at most as many operands as the widest type has. */
	for (uint32_t i = 0; i < m->type_count; i++) {
		widest = m->types[i].param_count > widest ? m->types[i].param_count : widest;
		widest = m->types[i].result_count > widest ? m->types[i].result_count : widest;
	}
	operands = (max_body + 1ull) * widest;
	t->operand_max = operands > SLOTS_MAX ? SLOTS_MAX : (uint32_t)operands;
	t->control_max = max_body / 2 + 2 > DEPTH_MAX ? DEPTH_MAX : max_body / 2 + 2;
	/* Site offsets grow by at least one byte of the body each, and code by few units for each byte of the body. */
	t->sites_max = max_body * 3 + 64;
	t->arena = a;
	t->module = m;
	t->declared = declared;
	t->data_count_known = data_count_known;
	t->operands = arena_many(a, t->operand_max, struct operand);
	t->controls = arena_many(a, t->control_max, struct control);
	t->local_types = arena_many(a, m->limits.locals_per_function, uint8_t);
	t->chains = arena_many(a, m->limits.locals_per_function, uint16_t);
	t->sites = arena_many(a, t->sites_max, uint8_t);
	if (t->operands == NULL || t->controls == NULL || t->local_types == NULL || t->chains == NULL || t->sites == NULL)
		return ERR_NOMEM;
	*out = t;
	return OK;
}

/* More than 2^32 locals are malformed, more than the limit are only too many for us: all runs are read before judging. */
static enum err read_locals(struct translator *t, const struct wasm_functype *f)
{
	uint32_t runs, max = t->module->limits.locals_per_function;
	uint64_t total = f->param_count;
	uint8_t type;

	if (total <= max && total > 0)
		memcpy(t->local_types, f->params, f->param_count);
	TRY(read_u32(t, &runs, "a local count"));
	while (runs-- > 0) {
		uint32_t count;

		t->at = (uint32_t)rd_offset(&t->r);
		TRY(read_u32(t, &count, "a local count"));
		TRY(read_value_type(t, &type));
		if (total + count > UINT32_MAX)
			return refuse(t->why, ERR_FORMAT, "too many locals");
		if (total + count <= max)
			memset(t->local_types + total, type, count);
		total += count;
	}
	if (total > max)
		return refuse(t->why, ERR_LIMIT, "%u locals, at most %u are allowed", (unsigned)total, max);
	t->local_count = (uint32_t)total;
	memset(t->chains, 0, t->local_count * sizeof *t->chains);
	return OK;
}

static const char *simd_name(uint32_t code)
{
	static const char *const names[] = {
#define SIMD(code, text) [code] = text,
#include "lib/wasm/simd.def"
#undef SIMD
	};

	return code < ARRAY_COUNT(names) ? names[code] : NULL;
}

static enum err unknown_opcode(struct translator *t, uint8_t first, uint32_t second)
{
	const char *name = first == 0xfd ? simd_name(second) : NULL;

	if (name != NULL)
		return refuse(t->why, ERR_UNSUPPORTED, "SIMD instruction %s is not supported yet", name);
	if (first >= 0xfc)
		return refuse(t->why, ERR_FORMAT, "illegal opcode 0x%x 0x%x", first, second);
	return refuse(t->why, ERR_FORMAT, "illegal opcode 0x%x", first);
}

static enum err instruction(struct translator *t)
{
	uint32_t code, second = 0;
	uint8_t first;

	t->at = (uint32_t)rd_offset(&t->r);
	if (leb_byte(&t->r, &first) != OK)
		return refuse(t->why, ERR_FORMAT, "the body ends before its end instruction");
	code = first;
	if (unlikely(first >= 0xfc)) {
		TRY(read_u32(t, &second, "an opcode"));
		code = first == 0xfc && second < OPCODE_COUNT - 0x100 ? 0x100 + second : OPCODE_COUNT;
	}
	if (unlikely(code >= OPCODE_COUNT || ops[code].translate == NULL))
		return unknown_opcode(t, first, second);
	return ops[code].translate(t, &ops[code]);
}

static enum err begin_body(struct translator *t, const struct wasm_functype *f)
{
	TRY(read_locals(t, f));
	t->controls[0] = (struct control){.opcode = OPCODE_BLOCK, .entry_live = true, .type = *f};
	t->depth = 1;
	t->height = t->clean = 0;
	t->height_max = f->result_count;
	t->live = true;
	t->nomem = false;
	t->size = t->capacity = t->sites_size = t->site_pc = 0;
	t->last_end = t->prev_end = t->copy_end = NO_INDEX;
	t->code = arena_many(t->arena, 0, code_t);
	return t->code == NULL ? ERR_NOMEM : OK;
}

/* The sites follow the code, at an even address so that the next body's code is aligned. */
static enum err finish_body(struct translator *t, struct body *b)
{
	size_t end = (size_t)((uint8_t *)(t->code + t->size) - t->arena->base);
	uint8_t *sites;

	if (t->nomem)
		return ERR_NOMEM;
	arena_release(t->arena, end);
	sites = arena_many(t->arena, t->sites_size, uint8_t);
	if (sites == NULL)
		return ERR_NOMEM;
	if (t->sites_size > 0)
		memcpy(sites, t->sites, t->sites_size);
	b->code = t->code;
	b->size = t->size;
	b->sites = sites;
	b->sites_size = t->sites_size;
	b->frame_slots = t->local_count + FRAME_SAVED + t->height_max;
	b->locals = (uint16_t)t->local_count;
	return OK;
}

enum err translate_body(struct translator *t, struct reader r, uint32_t function, uint32_t *where, struct note *why)
{
	struct wasm_module *m = t->module;
	const struct wasm_functype *f = &m->types[m->functions[function]];
	struct body *b = &m->bodies[function - m->imported_functions];
	enum err err;

	t->r = r;
	t->why = why;
	t->at = t->site_at = b->offset = (uint32_t)rd_offset(&r);
	err = begin_body(t, f);
	while (err == OK && t->depth > 0)
		err = instruction(t);
	*where = t->at;
	TRY(err);
	if (rd_left(&t->r) > 0)
		return refuse(why, ERR_FORMAT, "%u bytes follow the end of the body", (unsigned)rd_left(&t->r));
	b->params = (uint16_t)f->param_count;
	return finish_body(t, b);
}
