/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic, conversions, and access to memory and globals. */
#include "lib/wasm/opt/write.h"

static uint32_t w(bool wide)
{
	return wide ? OP_W : 0;
}

static uint32_t scalar(uint32_t op, bool wide)
{
	return op | (wide ? OP_F2 : OP_F3);
}

static struct emitter *code(struct flow *f)
{
	return &f->c->e;
}

/* The flags say whether what was just written is zero. */
static void note_flags(struct flow *f, uint8_t reg, bool wide)
{
	f->zero_at = code(f)->at;
	f->zero_reg = reg;
	f->zero_wide = wide;
}

/* ---- integers ---- */

static void add_imm(struct flow *f, const struct node *k, uint32_t n, uint8_t dest, bool wide, int32_t imm)
{
	uint8_t x;

	if (has_reg(f, k->in[0], n, &x) && x != dest) {
		emit_lea(code(f), wide, dest, rm_mem(x, imm));
		return;
	}
	load_to(f, k->in[0], n, dest);
	emit_alu_imm(code(f), ALU_ADD, wide, rm_reg(dest), imm);
	note_flags(f, dest, wide);
}

static void multiply_imm(struct flow *f, const struct node *k, uint32_t n, uint8_t dest, bool wide, int32_t imm)
{
	bool small = imm >= -128 && imm <= 127;

	op_with(f, (small ? 0x6bu : 0x69u) | w(wide), dest, k->in[0], n, wide);
	if (small)
		emit_byte(code(f), (uint8_t)imm);
	else
		emit_u32(code(f), (uint32_t)imm);
}

/* dest = in[0] op in[1]; an operand that is needed after dest is written is not in dest, unless the operation commutes
 */
static void binary(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	static const uint8_t alus[] = {[0] = ALU_ADD, [1] = ALU_SUB, [7] = ALU_AND, [8] = ALU_OR, [9] = ALU_XOR};
	bool wide = k->op >= 0x7c;
	uint32_t which = k->op - (wide ? 0x7cu : 0x6au), x = k->in[0], y = k->in[1];
	uint32_t op = which == 2 ? 0x0fafu : (uint32_t)alus[which] << 3 | 3;
	uint8_t rx, ry;

	if (is_imm(f, y, wide)) {
		int32_t imm = (int32_t)f->nodes[y].k;

		if (which == 0) {
			add_imm(f, k, n, dest, wide, imm);
		} else if (which == 2) {
			multiply_imm(f, k, n, dest, wide, imm);
		} else if (which == 7 && (imm == 0xff || imm == 0xffff) && has_reg(f, x, n, &rx)) {
			emit_op(code(f), imm == 0xff ? 0x0fb6 | OP_BYTE : 0x0fb7, dest, rm_reg(rx));
		} else {
			load_to(f, x, n, dest);
			emit_alu_imm(code(f), alus[which], wide, rm_reg(dest), imm);
			note_flags(f, dest, wide);
		}
		return;
	}
	if (has_reg(f, y, n, &ry) && has_reg(f, x, n, &rx) && which == 0 && rx != dest && ry != dest) {
		emit_lea(code(f), wide, dest, rm_index(rx, ry, 0, 0));
		return;
	}
	if (which != 1 && has_reg(f, y, n, &ry) && ry == dest) {
		uint32_t t = x;

		x = y;
		y = t;
	}
	load_to(f, x, n, dest);
	op_with(f, op | w(wide), dest, y, n, wide);
	if (which != 2)
		note_flags(f, dest, wide);
}

static void lea(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	uint8_t x = NO_REG, y;

	if ((k->in[0] != 0 && !has_reg(f, k->in[0], n, &x)) || !has_reg(f, k->in[1], n, &y)) {
		f->failed = true;
		return;
	}
	emit_lea(code(f), is_wide_type(k->type), dest, rm_index(x, y, k->scale, (int32_t)k->k));
}

static void shift(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	static const uint8_t shifts[] = {SHIFT_SHL, SHIFT_SAR, SHIFT_SHR, SHIFT_ROL, SHIFT_ROR};
	bool wide = k->op >= 0x86;
	uint8_t op = shifts[k->op - (wide ? 0x86 : 0x74)], x, y, to = dest;

	if (is_const(f, k->in[1])) {
		load_to(f, k->in[0], n, dest);
		emit_shift_imm(code(f), op, wide, dest, (uint8_t)(f->nodes[k->in[1]].k & (wide ? 63 : 31)));
		return;
	}
	has_reg(f, k->in[0], n, &x);
	has_reg(f, k->in[1], n, &y);
	if (y != RCX && (y == dest || x == RCX))
		to = SCRATCH;
	load_to(f, k->in[0], n, to);
	load_to(f, k->in[1], n, RCX);
	emit_op(code(f), 0xd3u | w(wide), op, rm_reg(to));
	if (to != dest)
		emit_mov(code(f), wide, dest, to);
}

static void multiply_high(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	uint8_t x = in_reg(f, k->in[0], n);

	emit_imm(code(f), RAX, f->nodes[k->in[1]].k);
	emit_op(code(f), 0xf7 | OP_W, k->op == N_HIGH_U ? 4 : 5, rm_reg(x));
	if (dest != RDX)
		emit_mov(code(f), true, dest, RDX);
}

static void divide(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	bool wide = k->op >= 0x7f;
	uint32_t which = k->op - (wide ? 0x7fu : 0x6du), minus_one = 0, over;
	bool is_signed = which % 2 == 0, remainder = which >= 2, safe = is_pure(f, k);
	struct emitter *e = code(f);
	uint8_t y;

	f->c->where = k->where;
	load_to(f, k->in[0], n, RAX);
	y = in_reg(f, k->in[1], n);
	if (!safe)
		check_divisor(f->c, wide, is_signed, remainder, y, &minus_one);
	if (is_signed)
		emit_sign_into_rdx(e, wide);
	else
		emit_alu(e, ALU_XOR, false, RDX, rm_reg(RDX));
	emit_op(e, 0xf7u | w(wide), is_signed ? 7 : 6, rm_reg(y));
	if (is_signed && remainder && !safe) {
		over = emit_jump8(e, -1);
		emit_bind8(e, minus_one);
		emit_alu(e, ALU_XOR, false, RDX, rm_reg(RDX));
		emit_bind8(e, over);
	}
	if (dest != (remainder ? RDX : RAX))
		emit_mov(e, wide, dest, remainder ? RDX : RAX);
}

static void count_zeros(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	bool wide = k->op >= 0x79, leading = k->op == 0x67 || k->op == 0x79;
	uint8_t x = in_reg(f, k->in[0], n), from = dest;

	if (x == SCRATCH) { /* which is wanted for another thing */
		emit_mov(code(f), wide, dest, SCRATCH);
		x = dest;
	}
	emit_op(code(f), (leading ? 0x0fbdu : 0x0fbcu) | w(wide), from, rm_reg(x));
	emit_imm(code(f), SCRATCH, leading ? (wide ? 127 : 63) : (wide ? 64 : 32));
	emit_op(code(f), 0x0f44u | w(wide), dest, rm_reg(SCRATCH)); /* cmovz: bsr and bsf leave dest undefined for 0 */
	if (leading)
		emit_alu_imm(code(f), ALU_XOR, false, rm_reg(dest), wide ? 63 : 31);
}

static void extend(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	static const uint32_t ops[] = {0x0fbe | OP_BYTE, 0x0fbf, 0x0fbe | OP_W | OP_BYTE, 0x0fbf | OP_W, 0x63 | OP_W};
	uint32_t op = k->op >= 0xc0 ? ops[k->op - 0xc0] : k->op == 0xa7 ? 0x8bu : 0x63u | OP_W;

	op_with(f, op, dest, k->in[0], n, false); /* none reads more than 32 bits */
}

/* ---- floating point ---- */

static void float_binary(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	static const uint8_t ops[] = {0x58, 0x5c, 0x59, 0x5e};
	bool wide = k->op >= 0xa0;
	uint32_t which = k->op - (wide ? 0xa0u : 0x92u), x = k->in[0], y = k->in[1];
	uint8_t ry;

	if (which % 2 == 0 && has_reg(f, y, n, &ry) && ry == dest) {
		y = x;
		x = k->in[1];
	}
	load_to(f, x, n, dest);
	op_with(f, scalar(0x0f00u | ops[which], wide), dest, y, n, wide);
}

/* minss and maxss give the second operand for NaN and for two zeros; WebAssembly wants a NaN, and -0 below +0. */
static void minmax(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	bool wide = k->op >= 0xa0, max = k->op == 0x97 || k->op == 0xa5;
	struct emitter *e = code(f);
	uint32_t nan, equal, end1, end2;
	uint8_t y = in_reg(f, k->in[1], n);

	load_to(f, k->in[0], n, dest);
	emit_op(e, 0x0f2eu | (wide ? OP_66 : 0), dest, rm_reg(y));
	nan = emit_jump8(e, CC_P);
	equal = emit_jump8(e, CC_E);
	emit_op(e, scalar(max ? 0x0f5f : 0x0f5d, wide), dest, rm_reg(y));
	end1 = emit_jump8(e, -1);
	emit_bind8(e, nan);
	emit_op(e, scalar(0x0f58, wide), dest, rm_reg(y));
	end2 = emit_jump8(e, -1);
	emit_bind8(e, equal);
	emit_op(e, max ? 0x0f54 : 0x0f56, dest, rm_reg(y));
	emit_bind8(e, end1);
	emit_bind8(e, end2);
}

static void mask(struct flow *f, bool wide, uint64_t bits)
{
	emit_imm(code(f), SCRATCH, bits);
	emit_op(code(f), 0x0f6eu | OP_66 | w(wide), SCRATCH_XMM, rm_reg(SCRATCH));
}

static uint64_t sign_bit(bool wide)
{
	return wide ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
}

static void copy_sign(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	bool wide = k->op == 0xa6;
	uint8_t y;

	if (!has_reg(f, k->in[1], n, &y)) {
		f->failed = true;
		return;
	}
	load_to(f, k->in[0], n, dest);
	mask(f, wide, sign_bit(wide) - 1);
	emit_op(code(f), 0x0f54, dest, rm_reg(SCRATCH_XMM));
	emit_op(code(f), 0x0f55, SCRATCH_XMM, rm_reg(y));
	emit_op(code(f), 0x0f56, dest, rm_reg(SCRATCH_XMM));
}

/* abs neg ceil floor trunc nearest sqrt */
static void float_unary(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	static const uint8_t modes[] = {
	        [2] = 10, [3] = 9, [4] = 11, [5] = 8}; /* SDM, ROUNDSD: bit 3: no precision exception */
	bool wide = k->op >= 0x99;
	uint32_t which = k->op - (wide ? 0x99u : 0x8bu);

	if (which < 2) {
		load_to(f, k->in[0], n, dest);
		mask(f, wide, which == 1 ? sign_bit(wide) : sign_bit(wide) - 1);
		emit_op(code(f), which == 1 ? 0x0f57 : 0x0f54, dest, rm_reg(SCRATCH_XMM));
	} else if (which == 6) {
		op_with(f, scalar(0x0f51, wide), dest, k->in[0], n, wide);
	} else {
		op_with(f, OP_66 | (wide ? 0x0f3a0bu : 0x0f3a0au), dest, k->in[0], n, wide);
		emit_byte(code(f), modes[which]);
	}
}

/* ---- conversions ---- */

/* From 2^63 on: half of it, with the lowest bit kept so that it rounds the same, and doubled. */
static void unsigned_to_float(struct flow *f, uint8_t x, uint8_t dest, bool wide)
{
	struct emitter *e = code(f);
	uint32_t slow, end, even;

	emit_op(e, 0x85 | OP_W, x, rm_reg(x));
	slow = emit_jump8(e, CC_S);
	emit_op(e, scalar(0x0f2a, wide) | OP_W, dest, rm_reg(x));
	end = emit_jump8(e, -1);
	emit_bind8(e, slow);
	if (x != SCRATCH)
		emit_mov(e, true, SCRATCH, x);
	emit_shift_imm(e, SHIFT_SHR, true, SCRATCH, 1);
	even = emit_jump8(e, CC_AE);
	emit_alu_imm(e, ALU_OR, true, rm_reg(SCRATCH), 1);
	emit_bind8(e, even);
	emit_op(e, scalar(0x0f2a, wide) | OP_W, dest, rm_reg(SCRATCH));
	emit_op(e, scalar(0x0f58, wide), dest, rm_reg(dest));
	emit_bind8(e, end);
}

static void int_to_float(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	bool wide = k->op >= 0xb7, from_wide = k->op == 0xb4 || k->op == 0xb5 || k->op == 0xb9 || k->op == 0xba;
	bool is_signed = k->op == 0xb2 || k->op == 0xb4 || k->op == 0xb7 || k->op == 0xb9;
	uint8_t x = in_reg(f, k->in[0], n);

	emit_op(code(f), 0x0f57, dest, rm_reg(dest)); /* no false dependency */
	if (from_wide && !is_signed)
		unsigned_to_float(f, x, dest, wide);
	else
		emit_op(code(f), scalar(0x0f2a, wide) | (from_wide || !is_signed ? OP_W : 0), dest, rm_reg(x));
}

static void reinterpret(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	bool wide = k->op == 0xbd || k->op == 0xbf;
	uint8_t x = in_reg(f, k->in[0], n);

	if (k->op <= 0xbd)
		emit_op(code(f), 0x0f7eu | OP_66 | w(wide), x, rm_reg(dest));
	else
		emit_op(code(f), 0x0f6eu | OP_66 | w(wide), dest, rm_reg(x));
}

static void convert(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	if (k->op == 0xb6 || k->op == 0xbb)
		op_with(f, scalar(0x0f5a, k->op == 0xb6), dest, k->in[0], n, k->op == 0xb6);
	else if (k->op >= 0xbc)
		reinterpret(f, k, n, dest);
	else
		int_to_float(f, k, n, dest);
}

/* To an i32: by way of 64 bits. What is out of range, and NaN (which becomes the smallest i64), is not what it was. */
static void truncate(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	bool wide = k->op == 0xaa || k->op == 0xab, is_signed = k->op == 0xa8 || k->op == 0xaa;
	struct compiler *c = f->c;
	uint8_t x = in_reg(f, k->in[0], n);
	uint32_t good;

	c->where = k->where;
	emit_op(&c->e, scalar(0x0f2c, wide) | OP_W, SCRATCH, rm_reg(x));
	emit_op(&c->e, is_signed ? 0x63 | OP_W : 0x8b, dest, rm_reg(SCRATCH));
	emit_alu(&c->e, ALU_CMP, true, dest, rm_reg(SCRATCH));
	good = emit_jump8(&c->e, CC_E);
	emit_op(&c->e, 0x0f2eu | (wide ? OP_66 : 0), x, rm_reg(x));
	trap_if(c, CC_P, TRAP_CONVERSION);
	trap_always(c, TRAP_OVERFLOW);
	emit_bind8(&c->e, good);
	if (is_signed)
		emit_mov(&c->e, false, dest, SCRATCH);
}

/* ---- memory and globals ---- */

static void load(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	static const uint32_t ops[] = {
	        0x8b,        0x8b | OP_W, 0x0f10 | OP_F3,          0x0f10 | OP_F2,   0x0fbe | OP_BYTE, 0x0fb6 | OP_BYTE,
	        0x0fbf,      0x0fb7,      0x0fbe | OP_BYTE | OP_W, 0x0fb6 | OP_BYTE, 0x0fbf | OP_W,    0x0fb7,
	        0x63 | OP_W, 0x8b};
	struct rm rm = address_of(f, k, n);

	site_of(f, k);
	emit_op(code(f), ops[k->op - 0x28], dest, rm);
}

static void store(struct flow *f, const struct node *k, uint32_t n)
{
	static const uint32_t ops[] = {0x89,           0x89 | OP_W,    0x0f11 | OP_F3,
	                               0x0f11 | OP_F2, 0x88 | OP_BYTE, 0x89 | OP_66,
	                               0x88 | OP_BYTE, 0x89 | OP_66,   0x89};
	uint32_t op = ops[k->op - 0x36], v = k->in[1];
	bool byte = op == (0x88 | OP_BYTE), half = op == (0x89 | OP_66);
	struct rm rm = address_of(f, k, n);
	uint8_t reg;

	if (is_imm(f, v, op == (0x89 | OP_W))) {
		uint32_t imm = (uint32_t)f->nodes[v].k;

		site_of(f, k);
		emit_op(code(f), byte ? 0xc6u : 0xc7u | (op & ~0xffu), 0, rm);
		emit_byte(code(f), (uint8_t)imm);
		if (!byte)
			emit_byte(code(f), (uint8_t)(imm >> 8));
		if (!byte && !half) {
			emit_byte(code(f), (uint8_t)(imm >> 16));
			emit_byte(code(f), (uint8_t)(imm >> 24));
		}
		return;
	}
	if (rm.index == SCRATCH && !has_reg(f, v, n, &reg))
		f->failed = true; /* both need it */
	reg = in_reg(f, v, n);
	site_of(f, k);
	emit_op(code(f), op, reg, rm);
}

static struct rm global_cell(struct flow *f, uint64_t index)
{
	emit_op(code(f), 0x8b | OP_W, SCRATCH, rm_mem(INST, INST_OFFSET(globals)));
	emit_op(code(f), 0x8b | OP_W, SCRATCH, rm_mem(SCRATCH, (int32_t)(index * 8)));
	return rm_mem(SCRATCH, (int32_t)offsetof(struct global_cell, value));
}

static void set_global(struct flow *f, const struct node *k, uint32_t n)
{
	bool wide = is_wide_type(k->width);
	struct rm rm;
	uint8_t reg;

	if (is_imm(f, k->in[0], wide)) {
		rm = global_cell(f, k->k);
		emit_op(code(f), 0xc7u | w(wide), 0, rm);
		emit_u32(code(f), (uint32_t)f->nodes[k->in[0]].k);
		return;
	}
	if (!has_reg(f, k->in[0], n, &reg)) {
		f->failed = true;
		return;
	}
	rm = global_cell(f, k->k);
	reg_to_slot(f->c, k->width, reg, rm);
}

static void memory_size(struct flow *f, uint8_t dest)
{
	emit_op(code(f), 0x8b | OP_W, dest, rm_mem(INST, INST_OFFSET(memory)));
	emit_op(code(f), 0x8b | OP_W, dest, rm_mem(dest, (int32_t)offsetof(struct memory, bytes)));
	emit_shift_imm(code(f), SHIFT_SHR, true, dest, 16);
}

static void function_reference(struct flow *f, const struct node *k, uint8_t dest)
{
	emit_op(code(f), 0x8b | OP_W, dest, rm_mem(INST, INST_OFFSET(functions)));
	emit_op(code(f), 0x8b | OP_W, dest, rm_mem(dest, (int32_t)(k->k * 8)));
}

/* ---- which is it ---- */

static bool write_unary(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	uint32_t op = k->op;

	if (op == 0x67 || op == 0x68 || op == 0x79 || op == 0x7a)
		count_zeros(f, k, n, dest);
	else if (op == 0xa7 || op == 0xac || op >= 0xc0)
		extend(f, k, n, dest);
	else if (op >= 0x8b && op <= 0x9f)
		float_unary(f, k, n, dest);
	else
		convert(f, k, n, dest);
	return true;
}

static void write_binary(struct flow *f, const struct node *k, uint32_t n, uint8_t dest)
{
	uint32_t op = k->op;

	if (op == 0x98 || op == 0xa6)
		copy_sign(f, k, n, dest);
	else if (op == 0x96 || op == 0x97 || op == 0xa4 || op == 0xa5)
		minmax(f, k, n, dest);
	else if (op >= 0x92)
		float_binary(f, k, n, dest);
	else if ((op >= 0x74 && op <= 0x78) || op >= 0x86)
		shift(f, k, n, dest);
	else
		binary(f, k, n, dest);
}

bool write_number(struct flow *f, uint32_t id, uint32_t n)
{
	const struct node *k = &f->nodes[id];
	uint8_t dest = k->type == 0 ? NO_REG : dest_of(f, id);

	if (k->type != 0 && dest == NO_REG) {
		f->failed = true;
		return true;
	}
	switch (k->op) {
	case 0x1b: write_select(f, id, n); return true;
	case 0xd1: write_compare(f, id, n); return true;
	case 0x23: slot_to_reg(f->c, k->type, dest, global_cell(f, k->k)); return true;
	case 0x24: set_global(f, k, n); return true;
	case 0x3f: memory_size(f, dest); return true;
	case 0xd2: function_reference(f, k, dest); return true;
	case N_LEA: lea(f, k, n, dest); return true;
	case N_HIGH_U:
	case N_HIGH_S: multiply_high(f, k, n, dest); return true;
	case N_ZERO: emit_op(code(f), 0x0f57, dest, rm_reg(dest)); return true;
	default: break;
	}
	if (k->op >= OPCODES)
		return false;
	switch (op_classes[k->op].class) {
	case CLASS_UNARY:
		if (is_compare(k->op)) {
			write_compare(f, id, n);
			return true;
		}
		return write_unary(f, k, n, dest);
	case CLASS_BINARY: write_binary(f, k, n, dest); return true;
	case CLASS_COMPARE: write_compare(f, id, n); return true;
	case CLASS_DIVIDE: divide(f, k, n, dest); return true;
	case CLASS_TRUNC: truncate(f, k, n, dest); return true;
	case CLASS_LOAD: load(f, k, n, dest); return true;
	case CLASS_STORE: store(f, k, n); return true;
	default: return false;
	}
}
