/* SPDX-License-Identifier: Apache-2.0 */
/* Floating point with SSE4.1, and conversions. */
#include "lib/wasm/x64/compile.h"

static uint8_t type_of(bool wide)
{
	return wide ? WASM_F64 : WASM_F32;
}

static uint32_t scalar(uint32_t op, bool wide)
{
	return op | (wide ? OP_F2 : OP_F3);
}

/* add sub mul div */
void compile_float_binary(struct compiler *c, uint32_t opcode)
{
	static const uint8_t ops[] = {0x58, 0x5c, 0x59, 0x5e};
	bool wide = opcode >= 0xa0;
	uint32_t which = opcode - (wide ? 0xa0 : 0x92);
	struct operand y = pop(c), x = pop(c);
	struct rm rm;
	uint8_t dest;

	look_for_target(c, type_of(wide));
	rm = to_rm(c, &y);
	dest = into_dest(c, &x, &y);
	emit_op(&c->e, scalar(0x0f00u | ops[which], wide), dest, rm);
	release(c, &y);
	result(c, type_of(wide), dest);
}

/* minss and maxss give the second operand for NaN and for two zeros; WebAssembly wants a NaN, and -0 below +0. */
void compile_float_minmax(struct compiler *c, uint32_t opcode)
{
	bool wide = opcode >= 0xa0, max = opcode == 0x97 || opcode == 0xa5;
	struct operand y = pop(c), x = pop(c);
	uint8_t b = to_reg(c, &y), a = to_temp(c, &x);
	uint32_t nan, equal, end1, end2;

	emit_op(&c->e, 0x0f2eu | (wide ? OP_66 : 0), a, rm_reg(b));
	nan = emit_jump8(&c->e, CC_P);
	equal = emit_jump8(&c->e, CC_E);
	emit_op(&c->e, scalar(max ? 0x0f5f : 0x0f5d, wide), a, rm_reg(b));
	end1 = emit_jump8(&c->e, -1);
	emit_bind8(&c->e, nan);
	emit_op(&c->e, scalar(0x0f58, wide), a, rm_reg(b));
	end2 = emit_jump8(&c->e, -1);
	emit_bind8(&c->e, equal);
	emit_op(&c->e, max ? 0x0f54 : 0x0f56, a, rm_reg(b));
	emit_bind8(&c->e, end1);
	emit_bind8(&c->e, end2);
	release(c, &y);
	look_for_target(c, type_of(wide));
	result(c, type_of(wide), a);
}

static uint8_t bits_of(struct compiler *c, struct operand *o, bool wide)
{
	uint8_t reg = take_reg(c, false);

	if (o->place == AT_REG || (o->place == AT_LOCAL && c->local_regs[o->local] != NO_REG)) {
		emit_op(&c->e, 0x0f7eu | OP_66 | (wide ? OP_W : 0), to_reg(c, o), rm_reg(reg));
	} else {
		o->type = wide ? WASM_I64 : WASM_I32;
		load_into(c, o, reg);
	}
	release(c, o);
	return reg;
}

static uint8_t from_bits(struct compiler *c, uint8_t reg, bool wide)
{
	uint8_t to = take_reg(c, true);

	emit_op(&c->e, 0x0f6eu | OP_66 | (wide ? OP_W : 0), to, rm_reg(reg));
	release_reg(c, reg);
	return to;
}

void compile_copysign(struct compiler *c, uint32_t opcode)
{
	bool wide = opcode >= 0xa0;
	uint8_t top = wide ? 63 : 31;
	struct operand y = pop(c), x = pop(c);
	uint8_t a = bits_of(c, &x, wide), b = bits_of(c, &y, wide);

	emit_shift_imm(&c->e, SHIFT_SHL, wide, a, 1);
	emit_shift_imm(&c->e, SHIFT_SHR, wide, a, 1);
	emit_shift_imm(&c->e, SHIFT_SHR, wide, b, top);
	emit_shift_imm(&c->e, SHIFT_SHL, wide, b, top);
	emit_alu(&c->e, ALU_OR, wide, a, rm_reg(b));
	release_reg(c, b);
	a = from_bits(c, a, wide);
	look_for_target(c, type_of(wide));
	result(c, type_of(wide), a);
}

/* abs and neg change the sign bit by a mask. */
static void change_sign(struct compiler *c, bool wide, bool negate)
{
	struct operand x = pop(c);
	uint64_t sign = wide ? 1ull << 63 : 1u << 31, mask = negate ? sign : sign - 1;
	uint8_t bits = take_reg(c, false), m, dest;

	emit_imm(&c->e, bits, mask);
	m = from_bits(c, bits, wide);
	dest = to_temp(c, &x);
	emit_op(&c->e, negate ? 0x0f57 : 0x0f54, dest, rm_reg(m));
	release_reg(c, m);
	look_for_target(c, type_of(wide));
	result(c, type_of(wide), dest);
}

/* abs neg ceil floor trunc nearest sqrt */
void compile_float_unary(struct compiler *c, uint32_t opcode)
{
	static const uint8_t modes[] = {
	        [2] = 10, [3] = 9, [4] = 11, [5] = 8}; /* SDM, ROUNDSD: bit 3: no precision exception */
	bool wide = opcode >= 0x99;
	uint32_t which = opcode - (wide ? 0x99 : 0x8b);
	struct operand x;
	struct rm rm;
	uint8_t dest;

	if (which < 2) {
		change_sign(c, wide, which == 1);
		return;
	}
	x = pop(c);
	look_for_target(c, type_of(wide));
	rm = to_rm(c, &x);
	release(c, &x);
	dest = fresh_dest(c, type_of(wide));
	if (which == 6) {
		emit_op(&c->e, scalar(0x0f51, wide), dest, rm);
	} else {
		emit_op(&c->e, OP_66 | (wide ? 0x0f3a0bu : 0x0f3a0au), dest, rm);
		emit_byte(&c->e, modes[which]);
	}
	result(c, type_of(wide), dest);
}

/* eq ne lt gt le ge: "below" is true for unordered operands, so less is asked as greater, the other way round. */
void compile_float_compare(struct compiler *c, uint32_t opcode)
{
	static const uint8_t conditions[] = {CC_EQ_ORDERED, CC_NE_UNORDERED, CC_A, CC_A, CC_AE, CC_AE};
	bool wide = opcode >= 0x61;
	uint32_t which = opcode - (wide ? 0x61 : 0x5b);
	struct operand y = pop(c), x = pop(c);
	struct operand *a = which == 2 || which == 4 ? &y : &x, *b = a == &x ? &y : &x;
	uint8_t reg = to_reg(c, a);
	struct rm rm = to_rm(c, b);

	emit_op(&c->e, 0x0f2eu | (wide ? OP_66 : 0), reg, rm);
	release(c, &x);
	release(c, &y);
	set_flags_operand(c, conditions[which]);
}

/* ---- conversions ---- */

static void int_to_float(struct compiler *c, bool from_wide, bool is_signed, bool wide)
{
	struct operand x = pop(c);
	uint8_t dest, source, half;
	uint32_t slow, end;

	if (from_wide && !is_signed) {
		/* From 2^63 on: half of it, with the lowest bit kept so that it rounds the same, and doubled. */
		source = to_temp(c, &x);
		half = take_reg(c, false);
		dest = take_reg(c, true);
		emit_op(&c->e, 0x0f57, dest, rm_reg(dest));
		emit_op(&c->e, 0x85 | OP_W, source, rm_reg(source));
		slow = emit_jump8(&c->e, CC_S);
		emit_op(&c->e, scalar(0x0f2a, wide) | OP_W, dest, rm_reg(source));
		end = emit_jump8(&c->e, -1);
		emit_bind8(&c->e, slow);
		emit_mov(&c->e, true, half, source);
		emit_shift_imm(&c->e, SHIFT_SHR, true, half, 1);
		emit_alu_imm(&c->e, ALU_AND, false, rm_reg(source), 1);
		emit_alu(&c->e, ALU_OR, true, half, rm_reg(source));
		emit_op(&c->e, scalar(0x0f2a, wide) | OP_W, dest, rm_reg(half));
		emit_op(&c->e, scalar(0x0f58, wide), dest, rm_reg(dest));
		emit_bind8(&c->e, end);
		release_reg(c, half);
		release_reg(c, source);
	} else {
		source = to_reg(c, &x);
		dest = take_reg(c, true);
		emit_op(&c->e, 0x0f57, dest, rm_reg(dest)); /* no false dependency */
		emit_op(&c->e, scalar(0x0f2a, wide) | (from_wide || !is_signed ? OP_W : 0), dest, rm_reg(source));
		release(c, &x);
	}
	look_for_target(c, type_of(wide));
	result(c, type_of(wide), dest);
}

void compile_convert(struct compiler *c, uint32_t opcode)
{
	struct operand x;
	struct rm rm;
	uint8_t reg;

	switch (opcode) {
	case 0xb2: int_to_float(c, false, true, false); return;
	case 0xb3: int_to_float(c, false, false, false); return;
	case 0xb4: int_to_float(c, true, true, false); return;
	case 0xb5: int_to_float(c, true, false, false); return;
	case 0xb7: int_to_float(c, false, true, true); return;
	case 0xb8: int_to_float(c, false, false, true); return;
	case 0xb9: int_to_float(c, true, true, true); return;
	case 0xba: int_to_float(c, true, false, true); return;
	case 0xb6:
	case 0xbb:
		x = pop(c);
		look_for_target(c, type_of(opcode == 0xbb));
		rm = to_rm(c, &x);
		release(c, &x);
		reg = fresh_dest(c, type_of(opcode == 0xbb));
		emit_op(&c->e, scalar(0x0f5a, opcode == 0xb6), reg, rm);
		result(c, type_of(opcode == 0xbb), reg);
		return;
	case 0xbc:
	case 0xbd:
		x = pop(c);
		push_reg(c, opcode == 0xbd ? WASM_I64 : WASM_I32, bits_of(c, &x, opcode == 0xbd));
		return;
	default:
		x = pop(c);
		if (x.place == AT_CONST) {
			x.type = type_of(opcode == 0xbf);
			push(c, x);
			return;
		}
		reg = to_temp(c, &x);
		push_reg(c, type_of(opcode == 0xbf), from_bits(c, reg, opcode == 0xbf));
	}
}

/* To an i32: by way of 64 bits. What is out of range, and NaN (which becomes the smallest i64), is not what it was. */
void compile_trunc(struct compiler *c, uint32_t opcode)
{
	bool wide = opcode == 0xaa || opcode == 0xab, is_signed = opcode == 0xa8 || opcode == 0xaa;
	struct operand x = pop(c);
	uint8_t reg = to_reg(c, &x), whole = take_reg(c, false), part = take_reg(c, false);
	uint32_t good;

	emit_op(&c->e, scalar(0x0f2c, wide) | OP_W, whole, rm_reg(reg));
	emit_op(&c->e, is_signed ? 0x63 | OP_W : 0x8b, part, rm_reg(whole));
	emit_alu(&c->e, ALU_CMP, true, part, rm_reg(whole));
	good = emit_jump8(&c->e, CC_E);
	emit_op(&c->e, 0x0f2eu | (wide ? OP_66 : 0), reg, rm_reg(reg));
	trap_if(c, CC_P, TRAP_CONVERSION);
	trap_always(c, TRAP_OVERFLOW);
	emit_bind8(&c->e, good);
	emit_mov(&c->e, false, part, whole);
	release_reg(c, whole);
	release(c, &x);
	look_for_target(c, WASM_I32);
	result(c, WASM_I32, part);
}
