/* SPDX-License-Identifier: Apache-2.0 */
/* Branches, blocks and calls. */
#include "lib/wasm/translate.h"

/* ---- branches ---- */

/* What a conditional branch tests: a slot, or a comparison melted into it. */
struct condition {
	uint16_t when, unless; /* operations */
	uint16_t x, y;
	uint32_t k;
	bool compares, has_k;
};

/* The first iop of the comparison this one is a variant of; 0: it is none. */
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
	tr_forget(t);
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
	const code_t *last = tr_maker(t, o);
	struct condition c = {.when = IOP_br_if, .unless = IOP_br_unless};

	if (last == NULL || o->k != 0 || !melt(t, last, &c)) {
		c.x = tr_use(t, o);
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

	tr_forget(t);
	code = tr_emit(t, counting(c->when), field + 2);
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
	code = tr_emit(t, iop, fields + 2);
	code[1] = c->x;
	if (c->has_k)
		code_put32(code + 2, c->k);
	else if (c->compares)
		code[2] = c->y;
	return code + fields;
}

/* Is its value in a slot as it is? */
static bool in_slot(const struct operand *o)
{
	return o->where != CONST && o->k == 0;
}

static void emit_return(struct translator *t, uint32_t count)
{
	uint16_t saved = (uint16_t)(tr_home(t, 0) - FRAME_SAVED);
	code_t *code;

	if (!t->live)
		return;
	if (count == 0) {
		tr_emit(t, IOP_return, 2)[1] = saved;
		return;
	}
	if (count > 1 || !in_slot(&t->operands[t->height - 1]))
		tr_bring_top_home(t, count);
	code = tr_emit(t, count == 1 ? IOP_return_one : IOP_return_many, count == 1 ? 3 : 4);
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
	uint16_t dst = tr_home(t, c->height);
	code_t *code;

	if (!t->live || count == 0)
		return;
	if (count == 1) {
		tr_emit_move(t, o, dst);
		return;
	}
	tr_bring_top_home(t, count);
	if (t->height - count == c->height)
		return;
	code = tr_emit(t, IOP_copy_many, 4);
	code[1] = dst;
	code[2] = tr_home(t, t->height - count);
	code[3] = (code_t)count;
}

static void emit_jump(struct translator *t, struct control *c, uint32_t count)
{
	if (c == &t->controls[0]) {
		emit_return(t, count);
		return;
	}
	emit_moves(t, c, count);
	tr_branch_to(t, c, tr_emit(t, IOP_br, 3) + 1);
}

enum err translate_br(struct translator *t, const struct opinfo *op)
{
	const uint8_t *types;
	struct control *c;
	uint32_t count;

	(void)op;
	TRY(tr_read_label(t, &c));
	count = tr_label_types(c, &types);
	TRY(tr_check_top(t, types, count));
	emit_jump(t, c, slots_of(types, count));
	tr_leave(t);
	return OK;
}

enum err translate_br_if(struct translator *t, const struct opinfo *op)
{
	const uint8_t *types;
	struct condition cond;
	struct operand o;
	struct control *c;
	code_t *field;
	uint32_t count, over;

	(void)op;
	TRY(tr_read_label(t, &c));
	TRY(tr_pop(t, WASM_I32, &o));
	count = tr_label_types(c, &types);
	TRY(tr_check_top(t, types, count));
	if (tr_label(t, 0)->unreachable) { /* what was polymorphic has these types from now on */
		TRY(tr_pop_many(t, types, count));
		return tr_push_many(t, types, count);
	}
	if (!t->live)
		return OK;
	count = slots_of(types, count);
	cond = take_condition(t, &o);
	/* What brings operands home must happen whether the branch is taken or not: a return does that to all but a plain slot. */
	if (count > 1 || (count == 1 && c == &t->controls[0] && !in_slot(&t->operands[t->height - 1])))
		tr_bring_top_home(t, count);
	if (c != &t->controls[0] && (in_place(t, c, count) || (count > 1 && t->height - count == c->height))) {
		tr_branch_to(t, c, emit_branch(t, &cond, true));
		return OK;
	}
	field = emit_branch(t, &cond, false);
	if (t->nomem)
		return OK;
	over = (uint32_t)(field - t->code);
	code_put32(field, 0);
	emit_jump(t, c, count);
	tr_bind(t, over);
	return OK;
}

enum err translate_br_table(struct translator *t, const struct opinfo *op)
{
	uint32_t targets, count = 0, slots, depth;
	const uint8_t *types;
	struct operand o;
	struct control *c;
	struct reader ahead;
	code_t *code;
	uint16_t x;

	(void)op;
	TRY(tr_read_u32(t, &targets, "a branch table's size"));
	if (targets >= rd_left(&t->r))
		return refuse(t->why, ERR_FORMAT, "the body ends inside a branch table");
	TRY(tr_pop(t, WASM_I32, &o));
	/* The last label, the default, says how many values every label takes; look ahead to it. */
	ahead = t->r;
	for (uint32_t i = 0; i <= targets; i++)
		TRY(tr_read_index(t, &depth, t->depth, "label"));
	t->r = ahead;
	count = tr_label_types(tr_label(t, depth), &types);
	if (o.where == CONST && t->live) {
		tr_use(t, &o);
		o.k = 0;
	}
	x = o.where == CONST ? o.home : o.slot;
	TRY(tr_check_top(t, types, count));
	slots = slots_of(types, count);
	if (t->live)
		tr_bring_top_home(t, slots);
	code = tr_emit(t, IOP_br_table, 8);
	code[1] = x;
	code[2] = t->live ? tr_home(t, t->height - slots) : 0;
	code[3] = (code_t)slots;
	code_put32(code + 4, targets);
	code_put32(code + 6, (uint32_t)o.k);
	for (uint32_t i = 0; i <= targets; i++) {
		TRY(tr_read_label(t, &c));
		if (tr_label_types(c, &types) != count)
			return refuse(t->why, ERR_INVALID, "type mismatch: the labels of a branch table take different values");
		TRY(tr_check_top(t, types, count));
		code = tr_emit(t, 0, 3);
		tr_branch_to(t, c, code);
		code[2] = tr_home(t, c->height);
	}
	tr_leave(t);
	return OK;
}

enum err translate_return(struct translator *t, const struct opinfo *op)
{
	struct control *c = &t->controls[0];

	(void)op;
	TRY(tr_check_top(t, c->type.results, c->type.result_count));
	emit_return(t, slots_of(c->type.results, c->type.result_count));
	tr_leave(t);
	return OK;
}

enum err translate_unreachable(struct translator *t, const struct opinfo *op)
{
	(void)op;
	tr_emit_site(t);
	tr_emit(t, IOP_unreachable, 1);
	tr_leave(t);
	return OK;
}

enum err translate_nop(struct translator *t, const struct opinfo *op)
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
		return tr_bad_number(t, err, "a block type");
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
	TRY(tr_read_value_type(t, &c->result));
	c->type = (struct wasm_functype){.result_count = 1, .results = &c->result};
	return OK;
}

/* Everything is at home; the parameters are taken from the stack and put back above the new block's height. */
static enum err enter_block(struct translator *t, uint8_t opcode, struct control **out)
{
	struct control *c = &t->controls[t->depth];

	if (t->depth >= t->control_max)
		return refuse(t->why, ERR_LIMIT, "blocks are nested more than %u deep", (unsigned)DEPTH_MAX);
	TRY(tr_check_top(t, c->type.params, c->type.param_count));
	if (t->live)
		tr_bring_top_home(t, slots_of(c->type.params, c->type.param_count));
	TRY(tr_pop_many(t, c->type.params, c->type.param_count));
	tr_bring_locals_home(t);
	c->opcode = opcode;
	c->unreachable = false;
	c->entry_live = t->live;
	c->height = t->height;
	c->fixups = c->otherwise = 0;
	c->target = t->size;
	t->depth++;
	*out = c;
	return tr_push_many(t, c->type.params, c->type.param_count);
}

/* The slot of the next control, whose type is read before it is entered. */
static enum err next_control(struct translator *t, struct control **out)
{
	if (t->depth >= t->control_max)
		return refuse(t->why, ERR_LIMIT, "blocks are nested more than %u deep", (unsigned)DEPTH_MAX);
	*out = &t->controls[t->depth];
	return read_block_type(t, *out);
}

enum err translate_block(struct translator *t, const struct opinfo *op)
{
	struct control *c;

	(void)op;
	TRY(next_control(t, &c));
	return enter_block(t, OPCODE_BLOCK, &c);
}

enum err translate_loop(struct translator *t, const struct opinfo *op)
{
	struct control *c;

	(void)op;
	TRY(next_control(t, &c));
	TRY(enter_block(t, OPCODE_LOOP, &c));
	tr_bind(t, 0);
	t->module->reached_loops += t->live;
	/* With nothing on the stack all of the frame is in the locals, for both tiers: here one can hand over to the
	 * other. */
	if (t->live && t->height == 0) {
		tr_emit_site(t);
		t->module->loops++;
	}
	return OK;
}

enum err translate_if(struct translator *t, const struct opinfo *op)
{
	struct condition cond;
	struct operand o;
	struct control *c;
	code_t *field;

	(void)op;
	TRY(next_control(t, &c));
	TRY(tr_pop(t, WASM_I32, &o));
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
	TRY(tr_check_top(t, c->type.results, c->type.result_count));
	if (t->live)
		tr_bring_top_home(t, slots_of(c->type.results, c->type.result_count));
	TRY(tr_pop_many(t, c->type.results, c->type.result_count));
	if (t->height != c->height)
		return refuse(t->why, ERR_INVALID, "type mismatch: %u values too many at the end of the block",
			      t->height - c->height);
	return OK;
}

enum err translate_else(struct translator *t, const struct opinfo *op)
{
	struct control *c = tr_label(t, 0);

	(void)op;
	if (c->opcode != OPCODE_IF)
		return refuse(t->why, ERR_FORMAT, "else without if");
	TRY(close_block(t, c));
	tr_branch_to(t, c, tr_emit(t, IOP_br, 3) + 1);
	tr_bind(t, c->otherwise);
	c->opcode = OPCODE_ELSE;
	c->otherwise = 0;
	c->unreachable = false;
	t->live = c->entry_live;
	return tr_push_many(t, c->type.params, c->type.param_count);
}

static bool types_equal(const uint8_t *a, uint32_t a_count, const uint8_t *b, uint32_t b_count)
{
	return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count) == 0);
}

enum err translate_end(struct translator *t, const struct opinfo *op)
{
	struct control *c = tr_label(t, 0);
	const struct wasm_functype *f = &c->type;

	(void)op;
	if (t->depth == 1 && t->live && c->fixups == 0) {
		/* Nothing joins here: the results need not be brought home. */
		TRY(tr_check_top(t, f->results, f->result_count));
		emit_return(t, slots_of(f->results, f->result_count));
		t->live = false;
	}
	TRY(close_block(t, c));
	if (c->opcode == OPCODE_IF && !types_equal(f->params, f->param_count, f->results, f->result_count))
		return refuse(t->why, ERR_INVALID, "type mismatch: if without else must give back what it takes");
	t->live = t->live || c->fixups != 0 || c->otherwise != 0;
	tr_bind(t, c->fixups);
	tr_bind(t, c->otherwise);
	TRY(tr_push_many(t, f->results, f->result_count));
	if (t->depth == 1)
		emit_return(t, slots_of(f->results, f->result_count));
	t->depth--;
	return OK;
}

/* ---- calls ---- */

/* Arguments home and off the stack, results on; returns the slot of the first argument. */
static enum err pass_arguments(struct translator *t, const struct wasm_functype *f, uint16_t *base)
{
	TRY(tr_check_top(t, f->params, f->param_count));
	if (t->live)
		tr_bring_top_home(t, slots_of(f->params, f->param_count));
	TRY(tr_pop_many(t, f->params, f->param_count));
	*base = tr_home(t, t->height);
	return OK;
}

enum err translate_call(struct translator *t, const struct opinfo *op)
{
	struct wasm_module *m = t->module;
	const struct wasm_functype *f;
	uint32_t index;
	uint16_t base;
	code_t *code;

	(void)op;
	TRY(tr_read_index(t, &index, m->function_count, "function"));
	f = &m->types[m->functions[index]];
	TRY(pass_arguments(t, f, &base));
	tr_emit_site(t);
	code = tr_emit(t, index < m->imported_functions ? IOP_call_import : IOP_call, 4);
	code[1] = base;
	code_put32(code + 2, index);
	return tr_push_many(t, f->results, f->result_count);
}

enum err translate_call_indirect(struct translator *t, const struct opinfo *op)
{
	struct wasm_module *m = t->module;
	const struct wasm_functype *f;
	uint32_t type, table;
	struct operand o;
	uint16_t base, x;
	code_t *code;

	(void)op;
	TRY(tr_read_index(t, &type, m->type_count, "type"));
	TRY(tr_read_index(t, &table, m->table_count, "table"));
	if (m->tables[table].element != WASM_FUNCREF)
		return refuse(t->why, ERR_INVALID, "type mismatch: table %u does not hold functions", table);
	f = &m->types[type];
	TRY(tr_pop(t, WASM_I32, &o));
	x = tr_use(t, &o);
	TRY(pass_arguments(t, f, &base));
	tr_emit_site(t);
	code = tr_emit(t, IOP_call_indirect, 7);
	code[1] = base;
	code[2] = x;
	code_put32(code + 3, type);
	code_put32(code + 5, table);
	return tr_push_many(t, f->results, f->result_count);
}
