/* SPDX-License-Identifier: Apache-2.0 */
/* Values, locals, globals and linear memory. */
#include "lib/wasm/x64/compile.h"

static uint32_t read_u32(struct compiler *c)
{
	uint32_t v = 0;

	if (leb_u32(&c->r, &v) != OK)
		fail(c);
	return v;
}

/* ---- constants and locals ---- */

static void push_const(struct compiler *c, uint8_t type, uint64_t k)
{
	push(c, (struct operand){.type = type, .place = AT_CONST, .k = k});
}

void compile_i32_const(struct compiler *c, uint32_t opcode)
{
	int64_t v = 0;

	(void)opcode;
	if (leb_signed(&c->r, 32, &v) != OK)
		fail(c);
	push_const(c, WASM_I32, (uint32_t)v);
}

void compile_i64_const(struct compiler *c, uint32_t opcode)
{
	int64_t v = 0;

	(void)opcode;
	if (leb_signed(&c->r, 64, &v) != OK)
		fail(c);
	push_const(c, WASM_I64, (uint64_t)v);
}

void compile_f32_const(struct compiler *c, uint32_t opcode)
{
	uint32_t v = 0;

	(void)opcode;
	if (rd_u32le(&c->r, &v) != OK)
		fail(c);
	push_const(c, WASM_F32, v);
}

void compile_f64_const(struct compiler *c, uint32_t opcode)
{
	uint64_t v = 0;

	(void)opcode;
	if (rd_u64le(&c->r, &v) != OK)
		fail(c);
	push_const(c, WASM_F64, v);
}

void compile_local_get(struct compiler *c, uint32_t opcode)
{
	uint32_t local = read_u32(c);

	(void)opcode;
	push(c, (struct operand){.type = c->local_types[local], .place = AT_LOCAL, .local = local});
}

static void assign(struct compiler *c, struct operand *o, uint32_t local)
{
	uint8_t type = c->local_types[local], reg = c->local_regs[local];

	if (o->place == AT_LOCAL && o->local == local)
		return;
	local_changes(c, local);
	if (reg != NO_REG)
		load_into(c, o, reg);
	else if (o->place == AT_CONST && (!is_wide(type) || (int64_t)o->k == (int32_t)o->k)) {
		emit_op(&c->e, 0xc7u | OP_W, 0, local_rm(c, local));
		emit_u32(&c->e, (uint32_t)o->k);
	} else {
		reg_to_slot(c, type, to_reg(c, o), local_rm(c, local));
	}
}

void compile_local_set(struct compiler *c, uint32_t opcode)
{
	uint32_t local = read_u32(c);
	struct operand o = pop(c);

	(void)opcode;
	assign(c, &o, local);
	release(c, &o);
}

void compile_local_tee(struct compiler *c, uint32_t opcode)
{
	uint32_t local = read_u32(c);
	struct operand o = pop(c);

	(void)opcode;
	assign(c, &o, local);
	if (c->local_regs[local] != NO_REG) {
		release(c, &o);
		o = (struct operand){.type = o.type, .place = AT_LOCAL, .local = local};
	}
	push(c, o);
}

void compile_drop(struct compiler *c, uint32_t opcode)
{
	struct operand o = pop(c);

	(void)opcode;
	release(c, &o);
}

void compile_nop(struct compiler *c, uint32_t opcode)
{
	(void)c;
	(void)opcode;
}

/* ---- select ---- */

void compile_select(struct compiler *c, uint32_t opcode)
{
	struct operand cond = pop(c), y = pop(c), x = pop(c);
	enum condition cc = test_operand(c, &cond);
	uint8_t dest, other;
	uint32_t over;

	(void)opcode;
	if (is_float(x.type)) {
		other = to_reg(c, &y);
		dest = to_temp(c, &x);
		over = emit_jump8(&c->e, (int)cc);
		emit_mov(&c->e, true, dest, other);
		emit_bind8(&c->e, over);
	} else {
		other = to_reg(c, &y);
		dest = to_temp(c, &x);
		emit_op(&c->e, (0x0f40u | (cc ^ 1u)) | (is_wide(x.type) ? OP_W : 0), dest, rm_reg(other));
	}
	c->flags_live = false;
	release(c, &y);
	look_for_target(c, x.type);
	result(c, x.type, dest);
}

void compile_select_typed(struct compiler *c, uint32_t opcode)
{
	uint32_t count = read_u32(c);

	while (count-- > 0)
		read_u32(c);
	compile_select(c, opcode);
}

/* ---- globals ---- */

static struct rm global_cell(struct compiler *c, uint32_t index, uint8_t through)
{
	emit_op(&c->e, 0x8b | OP_W, through, rm_mem(INST, INST_OFFSET(globals)));
	emit_op(&c->e, 0x8b | OP_W, through, rm_mem(through, (int32_t)(index * 8)));
	return rm_mem(through, (int32_t)offsetof(struct global_cell, value));
}

void compile_global_get(struct compiler *c, uint32_t opcode)
{
	uint32_t index = read_u32(c);
	uint8_t type = c->m->globals[index].type.type, through = take_reg(c, false), reg;

	(void)opcode;
	look_for_target(c, type);
	release_reg(c, through);
	reg = fresh_dest(c, type);
	slot_to_reg(c, type, reg, global_cell(c, index, through));
	result(c, type, reg);
}

void compile_global_set(struct compiler *c, uint32_t opcode)
{
	uint32_t index = read_u32(c);
	struct operand o = pop(c);
	uint8_t reg = to_reg(c, &o), through = take_reg(c, false);

	(void)opcode;
	reg_to_slot(c, o.type, reg, global_cell(c, index, through));
	release_reg(c, through);
	release(c, &o);
}

/* ---- linear memory ---- */

/*
 * An index has 32 bits and a clear upper half, an offset is below 2^32, so that the sum lies in the memory or in the
 * guard behind it; a displacement is signed, so that the larger half of the offsets is added first.
 */
struct rm memory_rm(struct compiler *c, struct operand *o, uint32_t offset)
{
	uint8_t reg;

	if (o->place == AT_CONST) {
		uint64_t sum = o->k + offset;

		if (sum <= INT32_MAX)
			return rm_mem(MEM, (int32_t)sum);
		o->place = AT_REG;
		o->reg = take_reg(c, false);
		emit_imm(&c->e, o->reg, sum);
		return rm_index(MEM, o->reg, 0, 0);
	}
	if (offset <= INT32_MAX)
		return rm_index(MEM, to_reg(c, o), 0, (int32_t)offset);
	to_temp(c, o);
	reg = take_reg(c, false);
	emit_imm(&c->e, reg, offset);
	emit_alu(&c->e, ALU_ADD, true, o->reg, rm_reg(reg));
	release_reg(c, reg);
	return rm_index(MEM, o->reg, 0, 0);
}

uint32_t read_memarg(struct compiler *c)
{
	read_u32(c);
	return read_u32(c);
}

void compile_load(struct compiler *c, uint32_t opcode)
{
	static const struct {
		uint32_t op;
		uint8_t type;
	} loads[] = {
	        {0x8b, WASM_I32},
	        {0x8b | OP_W, WASM_I64},
	        {0x0f10 | OP_F3, WASM_F32},
	        {0x0f10 | OP_F2, WASM_F64},
	        {0x0fbe | OP_BYTE, WASM_I32},
	        {0x0fb6 | OP_BYTE, WASM_I32},
	        {0x0fbf, WASM_I32},
	        {0x0fb7, WASM_I32},
	        {0x0fbe | OP_BYTE | OP_W, WASM_I64},
	        {0x0fb6 | OP_BYTE, WASM_I64},
	        {0x0fbf | OP_W, WASM_I64},
	        {0x0fb7, WASM_I64},
	        {0x63 | OP_W, WASM_I64},
	        {0x8b, WASM_I64},
	};
	uint32_t offset = read_memarg(c);
	uint8_t type = loads[opcode - 0x28].type, dest;
	struct operand o = pop(c);
	struct rm rm;

	look_for_target(c, type);
	rm = memory_rm(c, &o, offset);
	release(c, &o);
	dest = fresh_dest(c, type);
	add_site(c, c->e.at);
	emit_op(&c->e, loads[opcode - 0x28].op, dest, rm);
	result(c, type, dest);
}

void compile_store(struct compiler *c, uint32_t opcode)
{
	static const uint32_t stores[] = {0x89,           0x89 | OP_W,    0x0f11 | OP_F3,
	                                  0x0f11 | OP_F2, 0x88 | OP_BYTE, 0x89 | OP_66,
	                                  0x88 | OP_BYTE, 0x89 | OP_66,   0x89};
	uint32_t offset = read_memarg(c), op = stores[opcode - 0x36];
	struct operand value = pop(c), o = pop(c);
	bool byte = op == (0x88 | OP_BYTE), half = op == (0x89 | OP_66);
	struct rm rm;
	uint8_t reg;

	if (value.place == AT_CONST && !is_float(value.type) &&
	    (op != (0x89 | OP_W) || (int64_t)value.k == (int32_t)value.k)) {
		rm = memory_rm(c, &o, offset);
		add_site(c, c->e.at);
		emit_op(&c->e, byte ? 0xc6u : 0xc7u | (op & ~0xffu), 0, rm);
		emit_byte(&c->e, (uint8_t)value.k);
		if (!byte)
			emit_byte(&c->e, (uint8_t)(value.k >> 8));
		if (!byte && !half) {
			emit_byte(&c->e, (uint8_t)(value.k >> 16));
			emit_byte(&c->e, (uint8_t)(value.k >> 24));
		}
	} else {
		reg = to_reg(c, &value);
		rm = memory_rm(c, &o, offset);
		add_site(c, c->e.at);
		emit_op(&c->e, op, reg, rm);
		release(c, &value);
	}
	release(c, &o);
}

void compile_memory_size(struct compiler *c, uint32_t opcode)
{
	uint8_t reg = take_reg(c, false);

	(void)opcode;
	read_u32(c);
	emit_op(&c->e, 0x8b | OP_W, reg, rm_mem(INST, INST_OFFSET(memory)));
	emit_op(&c->e, 0x8b | OP_W, reg, rm_mem(reg, (int32_t)offsetof(struct memory, bytes)));
	emit_shift_imm(&c->e, SHIFT_SHR, true, reg, 16);
	push_reg(c, WASM_I32, reg);
}

/* ---- references ---- */

void compile_ref_null(struct compiler *c, uint32_t opcode)
{
	uint8_t type = WASM_FUNCREF;

	(void)opcode;
	if (leb_byte(&c->r, &type) != OK)
		fail(c);
	push_const(c, type, WASM_NULL_REF);
}

void compile_ref_is_null(struct compiler *c, uint32_t opcode)
{
	struct operand o = pop(c);
	uint8_t reg = to_reg(c, &o);

	(void)opcode;
	emit_alu_imm(&c->e, ALU_CMP, true, rm_reg(reg), -1);
	release(c, &o);
	set_flags_operand(c, CC_E);
}

void compile_ref_func(struct compiler *c, uint32_t opcode)
{
	uint32_t index = read_u32(c);
	uint8_t reg = take_reg(c, false);

	(void)opcode;
	emit_op(&c->e, 0x8b | OP_W, reg, rm_mem(INST, INST_OFFSET(functions)));
	emit_op(&c->e, 0x8b | OP_W, reg, rm_mem(reg, (int32_t)(index * 8)));
	push_reg(c, WASM_FUNCREF, reg);
}

/* ---- what C does: operands and result in the slots of their heights ---- */

/* Operands, results and immediates of the instructions that native.c executes. The immediates become `b`. */
void compile_by_helper(struct compiler *c, uint32_t opcode)
{
	static const struct {
		uint16_t opcode;
		uint8_t in, immediates, out; /* out 0: none; WASM_FUNCREF: the table's type */
	} rows[] = {
	        {0x25, 1, 1, WASM_FUNCREF}, {0x26, 2, 1, 0},         {0x40, 1, 1, WASM_I32},  {0x69, 1, 0, WASM_I32},
	        {0x7b, 1, 0, WASM_I64},     {0xae, 1, 0, WASM_I64},  {0xaf, 1, 0, WASM_I64},  {0xb0, 1, 0, WASM_I64},
	        {0xb1, 1, 0, WASM_I64},     {0x100, 1, 0, WASM_I32}, {0x101, 1, 0, WASM_I32}, {0x102, 1, 0, WASM_I32},
	        {0x103, 1, 0, WASM_I32},    {0x104, 1, 0, WASM_I64}, {0x105, 1, 0, WASM_I64}, {0x106, 1, 0, WASM_I64},
	        {0x107, 1, 0, WASM_I64},    {0x108, 3, 2, 0},        {0x109, 0, 1, 0},        {0x10a, 3, 2, 0},
	        {0x10b, 3, 1, 0},           {0x10c, 3, 2, 0},        {0x10d, 0, 1, 0},        {0x10e, 3, 2, 0},
	        {0x10f, 2, 1, WASM_I32},    {0x110, 0, 1, WASM_I32}, {0x111, 3, 1, 0},
	};
	uint32_t row = 0, first = 0, second = 0;
	uint8_t type;

	while (rows[row].opcode != opcode)
		row++;
	if (rows[row].immediates > 0)
		first = read_u32(c);
	if (rows[row].immediates > 1)
		second = read_u32(c);
	if (second > UINT16_MAX || first > UINT16_MAX) { /* both go into one number */
		fail(c);
		return;
	}
	flush_temps(c);
	bring_home(c, rows[row].in);
	drop_to(c, c->height - rows[row].in);
	type = rows[row].out == WASM_FUNCREF ? c->m->tables[first].element : rows[row].out;
	if (type != 0) { /* there must be a slot for it */
		push_home(c, type);
		call_helper(c, HELPER_OP, c->height - 1, opcode, first | second << 16);
	} else {
		call_helper(c, HELPER_OP, c->height, opcode, first | second << 16);
	}
}
