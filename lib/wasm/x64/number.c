/* SPDX-License-Identifier: Apache-2.0 */
/* Integers. */
#include "lib/wasm/x64/compile.h"

static uint8_t type_of(bool wide)
{
	return wide ? WASM_I64 : WASM_I32;
}

static uint32_t w(bool wide)
{
	return wide ? OP_W : 0;
}

static bool fits_imm(const struct operand *o, bool wide)
{
	return o->place == AT_CONST && (!wide || (int64_t)o->k == (int32_t)o->k);
}

/* ---- two operands ---- */

static bool in_reg(const struct compiler *c, const struct operand *o)
{
	return o->place == AT_REG || (o->place == AT_LOCAL && c->local_regs[o->local] != NO_REG);
}

static void swap(struct operand *x, struct operand *y)
{
	struct operand t = *x;

	*x = *y;
	*y = t;
}

/* x + y of registers that must stay: lea has a third operand. */
static bool add_by_lea(struct compiler *c, bool wide, struct operand *x, struct operand *y, bool subtract)
{
	int64_t k = subtract ? -(int64_t)y->k : (int64_t)y->k;
	uint8_t dest, a, b;

	if (!wide)
		k = (int32_t)k;
	if (y->place == AT_CONST && x->place == AT_LOCAL && in_reg(c, x) && k == (int32_t)k) {
		a = to_reg(c, x);
		dest = fresh_dest(c, type_of(wide));
		if (dest == a)
			emit_alu_imm(&c->e, ALU_ADD, wide, rm_reg(a), (int32_t)k);
		else
			emit_lea(&c->e, wide, dest, rm_mem(a, (int32_t)k));
		result(c, type_of(wide), dest);
		return true;
	}
	if (subtract || x->place == AT_CONST || y->place == AT_CONST || !in_reg(c, x) || !in_reg(c, y) ||
	    (x->place == AT_REG && c->target_reg == NO_REG))
		return false;
	a = to_reg(c, x);
	b = to_reg(c, y);
	if (a == c->target_reg || b == c->target_reg)
		return false;
	release(c, x);
	release(c, y);
	dest = fresh_dest(c, type_of(wide));
	emit_lea(&c->e, wide, dest, rm_index(a, b, 0, 0));
	result(c, type_of(wide), dest);
	return true;
}

static void multiply(struct compiler *c, bool wide, struct operand *x, struct operand *y)
{
	uint8_t dest;
	struct rm rm;

	if (fits_imm(y, wide)) {
		int32_t k = (int32_t)y->k;

		rm = to_rm(c, x);
		release(c, x);
		dest = fresh_dest(c, type_of(wide));
		emit_op(&c->e, (k >= -128 && k <= 127 ? 0x6bu : 0x69u) | w(wide), dest, rm);
		if (k >= -128 && k <= 127)
			emit_byte(&c->e, (uint8_t)k);
		else
			emit_u32(&c->e, (uint32_t)k);
		result(c, type_of(wide), dest);
		return;
	}
	rm = to_rm(c, y);
	dest = into_dest(c, x, y);
	emit_op(&c->e, 0x0fafu | w(wide), dest, rm);
	release(c, y);
	result(c, type_of(wide), dest);
}

void compile_int_binary(struct compiler *c, uint32_t opcode)
{
	static const uint8_t alus[] = {[0] = ALU_ADD, [1] = ALU_SUB, [7] = ALU_AND, [8] = ALU_OR, [9] = ALU_XOR};
	bool wide = opcode >= 0x7c;
	uint32_t which = opcode - (wide ? 0x7c : 0x6a);
	struct operand y = pop(c), x = pop(c);
	uint8_t dest;
	struct rm rm;

	look_for_target(c, type_of(wide));
	/* All but subtraction commute: a constant is better second, a register that may be written is better first. */
	if (which != 1 &&
	    (x.place == AT_CONST || (y.place == AT_REG && x.place != AT_REG) ||
	     (c->target_reg != NO_REG && y.place == AT_LOCAL && c->local_regs[y.local] == c->target_reg)) &&
	    y.place != AT_CONST)
		swap(&x, &y);
	if (which == 2) {
		multiply(c, wide, &x, &y);
		return;
	}
	if (which <= 1 && add_by_lea(c, wide, &x, &y, which == 1))
		return;
	if (fits_imm(&y, wide)) {
		dest = into_dest(c, &x, NULL);
		emit_alu_imm(&c->e, alus[which], wide, rm_reg(dest), (int32_t)y.k);
	} else {
		rm = to_rm(c, &y);
		dest = into_dest(c, &x, &y);
		emit_alu(&c->e, alus[which], wide, dest, rm);
	}
	release(c, &y);
	result(c, type_of(wide), dest);
}

/* shl shr_s shr_u rotl rotr */
void compile_shift(struct compiler *c, uint32_t opcode)
{
	static const uint8_t shifts[] = {SHIFT_SHL, SHIFT_SAR, SHIFT_SHR, SHIFT_ROL, SHIFT_ROR};
	bool wide = opcode >= 0x86;
	uint8_t shift = shifts[opcode - (wide ? 0x86 : 0x74)], dest;
	struct operand y = pop(c), x = pop(c);

	look_for_target(c, type_of(wide));
	if (y.place == AT_CONST) {
		uint8_t k = (uint8_t)(y.k & (wide ? 63 : 31));

		dest = into_dest(c, &x, NULL);
		if (k != 0)
			emit_shift_imm(&c->e, shift, wide, dest, k);
		result(c, type_of(wide), dest);
		return;
	}
	/* The count in rcx, the value elsewhere. */
	if (y.place != AT_REG || y.reg != RCX) {
		if (x.place == AT_REG && x.reg == RCX) {
			x.reg = take_reg(c, false);
			emit_mov(&c->e, true, x.reg, RCX);
			release_reg(c, RCX);
		}
		take_fixed(c, RCX);
		load_into(c, &y, RCX);
		release(c, &y);
		y.place = AT_REG;
		y.reg = RCX;
	}
	dest = into_dest(c, &x, NULL);
	emit_op(&c->e, 0xd3u | w(wide), shift, rm_reg(dest));
	release_reg(c, RCX);
	result(c, type_of(wide), dest);
}

/* ---- division ---- */

void check_divisor(struct compiler *c, bool wide, bool is_signed, bool remainder, uint8_t y, uint32_t *minus_one)
{
	emit_op(&c->e, 0x85u | w(wide), y, rm_reg(y));
	trap_if(c, CC_E, TRAP_DIVIDE);
	if (!is_signed)
		return;
	emit_alu_imm(&c->e, ALU_CMP, wide, rm_reg(y), -1);
	if (remainder) { /* by -1 there is none, also of the smallest, of which idiv makes an exception */
		*minus_one = emit_jump8(&c->e, CC_E);
		return;
	}
	*minus_one = emit_jump8(&c->e, CC_NE);
	emit_alu_imm(&c->e, ALU_CMP, wide, rm_reg(RAX), 1); /* only the smallest overflows */
	trap_if(c, CC_O, TRAP_OVERFLOW);
	emit_bind8(&c->e, *minus_one);
	*minus_one = 0;
}

/* div_s div_u rem_s rem_u */
void compile_division(struct compiler *c, uint32_t opcode)
{
	bool wide = opcode >= 0x7f;
	uint32_t which = opcode - (wide ? 0x7f : 0x6d), minus_one = 0, over;
	bool is_signed = which % 2 == 0, remainder = which >= 2, harmless;
	struct operand y = pop(c), x = pop(c);
	uint8_t divisor;

	if (y.place == AT_REG && (y.reg == RAX || y.reg == RDX)) {
		/* x may be in the other; what is not taken is neither. */
		uint8_t to = take_reg(c, false);

		if (to == RAX || to == RDX) {
			store_home(c, &y, y.height);
			release_reg(c, to);
			release_reg(c, y.reg);
			y.place = AT_HOME;
		} else {
			emit_mov(&c->e, true, to, y.reg);
			release_reg(c, y.reg);
			y.reg = to;
		}
	}
	if (x.place == AT_REG && x.reg == RDX) {
		store_home(c, &x, x.height);
		release_reg(c, RDX);
		x.place = AT_HOME;
	}
	if (x.place != AT_REG || x.reg != RAX) {
		take_fixed(c, RAX);
		load_into(c, &x, RAX);
		release(c, &x);
	}
	take_fixed(c, RDX);
	harmless = y.place == AT_CONST && y.k != 0 && y.k != (wide ? UINT64_MAX : UINT32_MAX);
	divisor = to_reg(c, &y);
	if (!harmless)
		check_divisor(c, wide, is_signed, remainder, divisor, &minus_one);
	if (is_signed)
		emit_sign_into_rdx(&c->e, wide);
	else
		emit_alu(&c->e, ALU_XOR, false, RDX, rm_reg(RDX));
	emit_op(&c->e, 0xf7u | w(wide), is_signed ? 7 : 6, rm_reg(divisor));
	if (is_signed && remainder && !harmless) {
		over = emit_jump8(&c->e, -1);
		emit_bind8(&c->e, minus_one);
		emit_alu(&c->e, ALU_XOR, false, RDX, rm_reg(RDX));
		emit_bind8(&c->e, over);
	}
	release(c, &y);
	release_reg(c, remainder ? RAX : RDX);
	look_for_target(c, type_of(wide));
	result(c, type_of(wide), remainder ? RDX : RAX);
}

/* ---- one operand ---- */

static void count_zeros(struct compiler *c, bool wide, bool leading)
{
	struct operand x = pop(c);
	struct rm rm = to_rm(c, &x);
	uint8_t dest = take_reg(c, false), none = take_reg(c, false);

	emit_imm(&c->e, none, leading ? (wide ? 127 : 63) : (wide ? 64 : 32));
	emit_op(&c->e, (leading ? 0x0fbdu : 0x0fbcu) | w(wide), dest, rm);
	emit_op(&c->e, 0x0f44u | w(wide), dest, rm_reg(none)); /* cmovz: bsr and bsf leave dest undefined for 0 */
	if (leading)
		emit_alu_imm(&c->e, ALU_XOR, false, rm_reg(dest), wide ? 63 : 31);
	release_reg(c, none);
	release(c, &x);
	push_reg(c, type_of(wide), dest);
}

static void extend(struct compiler *c, uint8_t from, uint8_t to, uint32_t op)
{
	struct operand x = pop(c);
	struct rm rm;
	uint8_t dest;

	x.type = from;
	look_for_target(c, to);
	rm = to_rm(c, &x);
	release(c, &x);
	dest = fresh_dest(c, to);
	emit_op(&c->e, op, dest, rm);
	result(c, to, dest);
}

/* The same register with another type; a wrap clears the upper half. */
static void wrap(struct compiler *c)
{
	struct operand x = pop(c);
	struct rm rm;
	uint8_t dest;

	if (x.place == AT_CONST) {
		x.type = WASM_I32;
		x.k = (uint32_t)x.k;
		push(c, x);
		return;
	}
	look_for_target(c, WASM_I32);
	rm = to_rm(c, &x);
	release(c, &x);
	dest = fresh_dest(c, WASM_I32);
	emit_op(&c->e, 0x8b, dest, rm);
	result(c, WASM_I32, dest);
}

void compile_int_unary(struct compiler *c, uint32_t opcode)
{
	struct operand x;

	switch (opcode) {
	case 0x67: count_zeros(c, false, true); return;
	case 0x68: count_zeros(c, false, false); return;
	case 0x79: count_zeros(c, true, true); return;
	case 0x7a: count_zeros(c, true, false); return;
	case 0xa7: wrap(c); return;
	case 0xac:
	case 0xc4: extend(c, WASM_I32, WASM_I64, 0x63 | OP_W); return;
	case 0xad:
		x = pop(c);
		if (x.place == AT_REG || x.place == AT_CONST) { /* clear above already */
			x.type = WASM_I64;
			push(c, x);
			return;
		}
		push(c, x);
		extend(c, WASM_I32, WASM_I64, 0x8b);
		return;
	case 0xc0: extend(c, WASM_I32, WASM_I32, 0x0fbe | OP_BYTE); return;
	case 0xc1: extend(c, WASM_I32, WASM_I32, 0x0fbf); return;
	case 0xc2: extend(c, WASM_I64, WASM_I64, 0x0fbe | OP_W | OP_BYTE); return;
	default: extend(c, WASM_I64, WASM_I64, 0x0fbf | OP_W); return;
	}
}

/* ---- comparisons ---- */

void set_flags_operand(struct compiler *c, enum condition cc)
{
	uint8_t next = peek(c), reg, other;

	if (next == 0x0d || next == 0x04 || (next == 0x1b && cc < CC_EQ_ORDERED) || next == 0x45) {
		c->flags_live = true;
		push(c, (struct operand){.type = WASM_I32, .place = AT_FLAGS, .reg = (uint8_t)cc});
		return;
	}
	c->flags_live = true;
	reg = take_reg(c, false);
	if (cc >= CC_EQ_ORDERED) {
		other = take_reg(c, false);
		emit_op(&c->e, (cc == CC_EQ_ORDERED ? 0x0f9bu : 0x0f9au) | OP_BYTE, 0, rm_reg(other));
		emit_op(&c->e, (cc == CC_EQ_ORDERED ? 0x0f94u : 0x0f95u) | OP_BYTE, 0, rm_reg(reg));
		emit_alu(&c->e, cc == CC_EQ_ORDERED ? ALU_AND : ALU_OR, false, reg, rm_reg(other));
		release_reg(c, other);
	} else {
		emit_op(&c->e, (0x0f90u + cc) | OP_BYTE, 0, rm_reg(reg));
	}
	c->flags_live = false;
	emit_op(&c->e, 0x0fb6 | OP_BYTE, reg, rm_reg(reg));
	look_for_target(c, WASM_I32);
	result(c, WASM_I32, reg);
}

static enum condition swapped(enum condition cc)
{
	switch (cc) {
	case CC_B: return CC_A;
	case CC_A: return CC_B;
	case CC_AE: return CC_BE;
	case CC_BE: return CC_AE;
	case CC_L: return CC_G;
	case CC_G: return CC_L;
	case CC_LE: return CC_GE;
	case CC_GE: return CC_LE;
	default: return cc;
	}
}

/* eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u */
void compile_int_compare(struct compiler *c, uint32_t opcode)
{
	static const uint8_t conditions[] = {CC_E, CC_NE, CC_L, CC_B, CC_G, CC_A, CC_LE, CC_BE, CC_GE, CC_AE};
	bool wide = opcode >= 0x51;
	enum condition cc = conditions[opcode - (wide ? 0x51 : 0x46)];
	struct operand y = pop(c), x = pop(c);
	struct rm rm;
	uint8_t reg;

	if (x.place == AT_CONST && y.place != AT_CONST) {
		swap(&x, &y);
		cc = swapped(cc);
	}
	if (fits_imm(&y, wide)) {
		if ((int32_t)y.k == 0 && in_reg(c, &x)) {
			reg = to_reg(c, &x);
			emit_op(&c->e, 0x85u | w(wide), reg, rm_reg(reg));
		} else {
			rm = to_rm(c, &x);
			emit_alu_imm(&c->e, ALU_CMP, wide, rm, (int32_t)y.k);
		}
	} else {
		reg = to_reg(c, &x);
		rm = to_rm(c, &y);
		emit_alu(&c->e, ALU_CMP, wide, reg, rm);
	}
	release(c, &x);
	release(c, &y);
	set_flags_operand(c, cc);
}

enum condition test_operand(struct compiler *c, struct operand *o)
{
	uint8_t reg;

	if (o->place == AT_FLAGS)
		return o->reg;
	if (in_reg(c, o)) {
		reg = to_reg(c, o);
		emit_op(&c->e, 0x85, reg, rm_reg(reg));
	} else {
		struct rm rm = to_rm(c, o);

		if (rm.reg != NO_REG)
			emit_op(&c->e, 0x85, rm.reg, rm);
		else
			emit_alu_imm(&c->e, ALU_CMP, false, rm, 0);
	}
	release(c, o);
	c->flags_live = true;
	return CC_NE;
}

static enum condition negated(enum condition cc)
{
	return cc == CC_EQ_ORDERED ? CC_NE_UNORDERED : cc == CC_NE_UNORDERED ? CC_EQ_ORDERED : (enum condition)(cc ^ 1);
}

void compile_eqz(struct compiler *c, uint32_t opcode)
{
	struct operand x = pop(c);
	enum condition cc = CC_NE;

	if (opcode == 0x45 || x.place == AT_FLAGS) {
		cc = test_operand(c, &x);
	} else {
		uint8_t reg = to_reg(c, &x);

		emit_op(&c->e, 0x85 | OP_W, reg, rm_reg(reg));
		release(c, &x);
	}
	set_flags_operand(c, negated(cc));
}
