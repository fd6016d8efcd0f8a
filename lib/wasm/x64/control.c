/* SPDX-License-Identifier: Apache-2.0 */
/* Branches, blocks and calls. What cannot be reached is skipped: it was validated, and nothing is emitted for it. */
#include "lib/wasm/x64/compile.h"

static uint32_t read_u32(struct compiler *c)
{
	uint32_t v = 0;

	if (leb_u32(&c->r, &v) != OK)
		fail(c);
	return v;
}

static struct control *label(struct compiler *c, uint32_t depth)
{
	return &c->controls[c->depth - 1 - (depth < c->depth ? depth : c->depth - 1)];
}

static enum condition negated(enum condition cc)
{
	return cc == CC_EQ_ORDERED ? CC_NE_UNORDERED : cc == CC_NE_UNORDERED ? CC_EQ_ORDERED : (enum condition)(cc ^ 1);
}

/* ---- what labels carry ---- */

/* In slots. */
static uint32_t label_count(const struct control *l)
{
	return l->opcode == OPCODE_LOOP ? slots_of(l->type.params, l->type.param_count)
	                                : slots_of(l->type.results, l->type.result_count);
}

/* One result of a forward label travels in a register, unless it is a vector. */
static bool in_register(const struct control *l)
{
	return l->opcode != OPCODE_LOOP && l->type.result_count == 1 && l->type.results[0] != WASM_V128;
}

static uint8_t result_reg(uint8_t type)
{
	return is_float(type) ? XMM0 : RAX;
}

/* The topmost operand into the result register; it stays on the stack. Flags are kept. */
static void top_to_register(struct compiler *c)
{
	struct operand o = pop(c);
	uint8_t reg = result_reg(o.type);

	if (o.place != AT_REG || o.reg != reg) {
		take_fixed(c, reg);
		load_into(c, &o, reg);
		release(c, &o);
	}
	push_reg(c, o.type, reg);
}

/* From their homes down to the label's height; ascending, because the target is lower. */
static void move_down(struct compiler *c, uint32_t from, uint32_t to, uint32_t count)
{
	uint8_t reg;

	if (from == to || count == 0)
		return;
	reg = take_reg(c, false);
	emit_room(&c->e, count * 32);
	for (uint32_t i = 0; i < count; i++) {
		emit_op(&c->e, 0x8b | OP_W, reg, slot_rm(home_slot(c, from + i)));
		emit_op(&c->e, 0x89 | OP_W, reg, slot_rm(home_slot(c, to + i)));
	}
	release_reg(c, reg);
}

static void jump_to(struct compiler *c, struct control *l)
{
	if (l->opcode == OPCODE_LOOP)
		emit_jmp_to(&c->e, l->target);
	else
		emit_jmp_chain(&c->e, &l->fixups);
}

static void jump_if(struct compiler *c, struct control *l, enum condition cc)
{
	if (l->opcode == OPCODE_LOOP)
		emit_jcc_to(&c->e, cc, l->target);
	else
		emit_jcc_chain(&c->e, cc, &l->fixups);
}

/* What the label carries goes where it is wanted. */
static void carry(struct compiler *c, struct control *l)
{
	uint32_t count = label_count(l);

	emit_room(&c->e, 64 + count * 32);
	if (in_register(l)) {
		top_to_register(c);
	} else if (count > 0) {
		bring_home(c, count);
		move_down(c, c->height - count, l->height, count);
	}
}

/* ---- what is not reached ---- */

/* To the else or end that belongs to the innermost block. */
static void skip_dead(struct compiler *c)
{
	uint32_t depth = 0, opcode;
	struct reader ahead;

	drop_to(c, label(c, 0)->height);
	c->live = false;
	for (;;) {
		ahead = c->r;
		if (read_opcode(&c->r, &opcode) != OK) {
			fail(c);
			return;
		}
		if (depth == 0 && (opcode == OPCODE_ELSE || opcode == OPCODE_END))
			break;
		if (opcode == OPCODE_END)
			depth--;
		if (opcode >= OPCODE_BLOCK && opcode <= OPCODE_IF)
			depth++;
		if (skip_immediates(&c->r, opcode) != OK) {
			fail(c);
			return;
		}
	}
	c->r = ahead;
}

void compile_br(struct compiler *c, uint32_t opcode)
{
	struct control *l = label(c, read_u32(c));

	(void)opcode;
	carry(c, l);
	jump_to(c, l);
	skip_dead(c);
}

void compile_return(struct compiler *c, uint32_t opcode)
{
	(void)opcode;
	carry(c, &c->controls[0]);
	jump_to(c, &c->controls[0]);
	skip_dead(c);
}

void compile_unreachable(struct compiler *c, uint32_t opcode)
{
	(void)opcode;
	trap_always(c, TRAP_UNREACHABLE);
	skip_dead(c);
}

void compile_br_if(struct compiler *c, uint32_t opcode)
{
	struct control *l = label(c, read_u32(c));
	uint32_t count = label_count(l), over = 0;
	struct operand o = pop(c);
	enum condition cc = test_operand(c, &o);

	(void)opcode;
	if (in_register(l) || count == 0) {
		if (count > 0)
			top_to_register(c);
		jump_if(c, l, cc);
	} else {
		emit_room(&c->e, 64 + count * 32);
		bring_home(c, count);
		emit_jcc_chain(&c->e, negated(cc), &over);
		move_down(c, c->height - count, l->height, count);
		jump_to(c, l);
		emit_bind(&c->e, over);
	}
	c->flags_live = false;
}

/* lea table, [rip + 6]: the address behind the next two instructions, which together have 6 bytes. */
static void emit_table_address(struct compiler *c, uint8_t table)
{
	emit_byte(&c->e, 0x48);
	emit_byte(&c->e, 0x8d);
	emit_byte(&c->e, (uint8_t)(0x05 | table << 3));
	emit_u32(&c->e, 15);
	CHECK(table < R8); /* a temporary: no REX.R here, no REX.B in the jump */
}

/* Rows of 8 bytes: a nop whose displacement says how far behind the row to go on. Instructions, too, so that all is code. */
uint32_t emit_rows(struct compiler *c, uint32_t count, uint8_t index, uint8_t table)
{
	uint32_t rows;

	emit_imm(&c->e, table, count);
	emit_alu(&c->e, ALU_CMP, false, index, rm_reg(table));
	emit_op(&c->e, 0x0f43, index,
	        rm_reg(table)); /* cmovae: no other index reaches the jump, not even in speculation */
	emit_table_address(c, table);
	emit_lea(&c->e, true, table, rm_index(table, index, 3, 0));
	emit_op(&c->e, 0x63 | OP_W, index, rm_mem(table, 4));
	emit_lea(&c->e, true, table, rm_index(table, index, 0, 8));
	emit_op(&c->e, 0xff, 4, rm_reg(table));
	rows = c->e.at;
	for (uint32_t i = 0; i <= count; i++) {
		emit_op(&c->e, 0x0f1f, 0, rm_index(RAX, RAX, 0, INT32_MAX));
		emit_patch32(&c->e, c->e.at - 4, 0);
	}
	return rows;
}

/* Several values go down to where each label wants them, which takes a piece of code a row. */
static void emit_row_targets(struct compiler *c, uint32_t count, uint32_t rows, uint32_t values)
{
	for (uint32_t i = 0; i <= count && !c->failed; i++) {
		struct control *l = label(c, read_u32(c));
		uint32_t field = rows + 8 * i + 4;

		if (values == 0 && l->opcode == OPCODE_LOOP) {
			emit_patch32(&c->e, field, l->target - (field + 4));
		} else if (values == 0) {
			emit_patch32(&c->e, field, l->fixups);
			l->fixups = field;
		} else {
			emit_bind(&c->e, field);
			emit_room(&c->e, 64);
			move_down(c, c->height - values, l->height, values);
			jump_to(c, l);
		}
	}
}

/* The default label comes last; all take the same values. */
static struct control *last_label(struct compiler *c, uint32_t count)
{
	struct reader ahead = c->r;
	struct control *l = label(c, 0);

	for (uint32_t i = 0; i <= count && !c->failed; i++)
		l = label(c, read_u32(c));
	c->r = ahead;
	return l;
}

/* Labels of loops want one value at home, others in a register: then each row has its own way. */
static bool all_in_register(struct compiler *c, uint32_t count)
{
	struct reader ahead = c->r;
	bool all = true;

	for (uint32_t i = 0; i <= count && !c->failed; i++)
		all = all && in_register(label(c, read_u32(c)));
	c->r = ahead;
	return all;
}

void compile_br_table(struct compiler *c, uint32_t opcode)
{
	uint32_t count = read_u32(c), values = label_count(last_label(c, count)), rows;
	struct operand o = pop(c);
	uint8_t index, table;

	(void)opcode;
	if (c->failed || count > BR_TABLE_MAX || (values == 1 && !all_in_register(c, count))) {
		fail(c);
		return;
	}
	emit_room(&c->e, 256 + count * 8 + values * 32);
	index = to_temp(c, &o);
	if (values == 1) {
		if (index == RAX) {
			index = take_reg(c, false);
			emit_mov(&c->e, false, index, RAX);
			release_reg(c, RAX);
		}
		top_to_register(c);
	}
	if (values > 1)
		bring_home(c, values);
	table = take_reg(c, false);
	rows = emit_rows(c, count, index, table);
	release_reg(c, table);
	release_reg(c, index);
	emit_row_targets(c, count, rows, values > 1 ? values : 0);
	skip_dead(c);
}

/* ---- blocks ---- */

static void read_block_type(struct compiler *c, struct control *l)
{
	int64_t v = 0;

	if (leb_signed(&c->r, 33, &v) != OK)
		fail(c);
	if (v >= 0) {
		l->type = c->m->types[v < c->m->type_count ? v : 0];
		return;
	}
	l->type = (struct wasm_functype){0};
	if (v == -64)
		return;
	l->result = (uint8_t)(v & 0x7f);
	l->type = (struct wasm_functype){.result_count = 1, .results = &l->result};
}

static struct control *enter(struct compiler *c, uint8_t opcode)
{
	struct control *l = &c->controls[c->depth];

	if (c->depth >= c->control_max) {
		fail(c);
		return &c->controls[0];
	}
	read_block_type(c, l);
	l->opcode = opcode;
	l->fixups = l->otherwise = 0;
	return l;
}

/* Everything below at home or a constant, the parameters at home. */
static void begin(struct compiler *c, struct control *l)
{
	uint32_t params = slots_of(l->type.params, l->type.param_count);

	if (c->failed)
		return;
	flush(c);
	bring_home(c, params);
	l->height = c->height - params;
	c->depth++;
}

void compile_block(struct compiler *c, uint32_t opcode)
{
	begin(c, enter(c, (uint8_t)opcode));
}

void compile_loop(struct compiler *c, uint32_t opcode)
{
	struct control *l = enter(c, (uint8_t)opcode);

	begin(c, l);
	l->target = c->e.at;
	if (c->height == 0)
		add_entry(c);
	emit_poll(c);
}

void compile_if(struct compiler *c, uint32_t opcode)
{
	struct control *l = enter(c, (uint8_t)opcode);
	struct operand o = pop(c);
	enum condition cc = test_operand(c, &o);

	begin(c, l);
	emit_jcc_chain(&c->e, negated(cc), &l->otherwise);
	c->flags_live = false;
}

static void push_types(struct compiler *c, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		push_home(c, types[i]);
}

void compile_else(struct compiler *c, uint32_t opcode)
{
	struct control *l = label(c, 0);

	(void)opcode;
	if (c->live) {
		carry(c, l);
		emit_jmp_chain(&c->e, &l->fixups);
		drop_to(c, l->height);
	}
	emit_bind(&c->e, l->otherwise);
	l->otherwise = 0;
	l->opcode = OPCODE_ELSE;
	c->live = true;
	push_types(c, l->type.params, l->type.param_count);
}

/* An if without else: the parameter is the result. */
static void otherwise_result(struct compiler *c, struct control *l)
{
	if (c->live)
		emit_jmp_chain(&c->e, &l->fixups);
	emit_bind(&c->e, l->otherwise);
	if (in_register(l))
		slot_to_reg(c, l->type.results[0], result_reg(l->type.results[0]), slot_rm(home_slot(c, l->height)));
}

void compile_end(struct compiler *c, uint32_t opcode)
{
	struct control *l = label(c, 0);
	uint32_t count = l->type.result_count;

	(void)opcode;
	if (c->live && l->opcode == OPCODE_LOOP) {
		/* no label is here: the values may stay where they are */
		c->depth--;
		return;
	}
	if (c->live)
		carry(c, l);
	drop_to(c, l->height);
	if (l->otherwise != 0) {
		otherwise_result(c, l);
		c->live = true;
	}
	c->live = c->live || l->fixups != 0;
	emit_bind(&c->e, l->fixups);
	c->depth--;
	if (c->depth == 0) {
		if (c->live)
			compile_epilogue(c);
		return;
	}
	if (!c->live) {
		skip_dead(c);
		return;
	}
	if (count == 1 && l->type.results[0] != WASM_V128) {
		take_fixed(c, result_reg(l->type.results[0]));
		push_reg(c, l->type.results[0], result_reg(l->type.results[0]));
	} else {
		push_types(c, l->type.results, count);
	}
}

/* ---- calls ---- */

static uint32_t pass_arguments(struct compiler *c, const struct wasm_functype *f)
{
	uint32_t params = slots_of(f->params, f->param_count);

	emit_room(&c->e, 256 + params * 32);
	flush_temps(c);
	bring_home(c, params);
	drop_to(c, c->height - params);
	return c->height;
}

static void move_frame(struct compiler *c, enum alu op, uint32_t height)
{
	emit_alu_imm(&c->e, op, true, rm_reg(FRAME), (int32_t)(home_slot(c, height) * 8));
}

static void take_results(struct compiler *c, const struct wasm_functype *f)
{
	if (f->result_count == 1 && f->results[0] != WASM_V128) {
		take_fixed(c, result_reg(f->results[0]));
		push_reg(c, f->results[0], result_reg(f->results[0]));
	} else {
		push_types(c, f->results, f->result_count);
	}
}

void compile_call(struct compiler *c, uint32_t opcode)
{
	uint32_t index = read_u32(c), height;
	const struct wasm_functype *f = &c->m->types[c->m->functions[index]];

	(void)opcode;
	height = pass_arguments(c, f);
	if (c->call_count == c->list_max) {
		fail(c);
		return;
	}
	move_frame(c, ALU_ADD, height);
	emit_byte(&c->e, 0xe8);
	c->calls[c->call_count].at = c->e.at;
	c->calls[c->call_count++].function = index;
	emit_u32(&c->e, 0);
	add_site(c, c->e.at - 1);
	move_frame(c, ALU_SUB, height);
	take_results(c, f);
}

/*
 * The entry is loaded only with an index that is also right in speculation (sbb makes a mask of the comparison). A
 * function of this instance with the very type is called at once; all else is for C to judge.
 */
void call_table(struct compiler *c, uint32_t type, uint32_t table, uint32_t slot)
{
	uint8_t index = RCX, t = RDX, mask = RAX;
	uint32_t slow1, slow2, end;

	emit_op(&c->e, 0x8b | OP_W, t, rm_mem(INST, INST_OFFSET(tables)));
	emit_op(&c->e, 0x8b | OP_W, t, rm_mem(t, (int32_t)(table * 8)));
	emit_alu(&c->e, ALU_CMP, false, index, rm_mem(t, (int32_t)offsetof(struct table, count)));
	trap_if(c, CC_AE, TRAP_UNDEFINED);
	emit_alu(&c->e, ALU_SBB, true, mask, rm_reg(mask));
	emit_alu(&c->e, ALU_AND, true, index, rm_reg(mask));
	emit_op(&c->e, 0x8b | OP_W, t, rm_mem(t, (int32_t)offsetof(struct table, entries)));
	emit_op(&c->e, 0x8b | OP_W, t, rm_index(t, index, 3, 0));
	emit_alu_imm(&c->e, ALU_CMP, true, rm_reg(t), -1);
	trap_if(c, CC_E, TRAP_UNINITIALIZED);
	emit_imm(&c->e, mask, (uint64_t)(uintptr_t)&c->m->types[type]);
	emit_alu_imm(&c->e, ALU_ADD, true, rm_reg(FRAME), (int32_t)(slot * 8));
	emit_alu(&c->e, ALU_CMP, true, mask, rm_mem(t, (int32_t)offsetof(struct function, type)));
	slow1 = emit_jump8(&c->e, CC_NE);
	emit_alu(&c->e, ALU_CMP, true, INST, rm_mem(t, (int32_t)offsetof(struct function, instance)));
	slow2 = emit_jump8(&c->e, CC_NE);
	emit_op(&c->e, 0xff, 2, rm_mem(t, (int32_t)offsetof(struct function, native)));
	add_site(c, c->e.at - 1);
	end = emit_jump8(&c->e, -1);
	emit_bind8(&c->e, slow1);
	emit_bind8(&c->e, slow2);
	emit_op(&c->e, 0x89 | OP_W, t, rm_mem(INST, INST_OFFSET(callee)));
	emit_imm(&c->e, RAX, HELPER_CALL_INDIRECT);
	emit_imm(&c->e, RDX, type);
	emit_call_to(&c->e, c->call_helper);
	add_site(c, c->e.at - 1);
	emit_bind8(&c->e, end);
	emit_alu_imm(&c->e, ALU_SUB, true, rm_reg(FRAME), (int32_t)(slot * 8));
}

void compile_call_indirect(struct compiler *c, uint32_t opcode)
{
	uint32_t type = read_u32(c), table = read_u32(c), height;
	const struct wasm_functype *f = &c->m->types[type];
	struct operand o;

	(void)opcode;
	o = pop(c);
	o.type = WASM_I32;
	if (o.place != AT_REG || o.reg != RCX) {
		take_fixed(c, RCX);
		load_into(c, &o, RCX);
		release(c, &o);
	}
	height = pass_arguments(c, f);
	call_table(c, type, table, home_slot(c, height));
	release_reg(c, RCX);
	take_results(c, f);
}
