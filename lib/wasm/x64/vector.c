/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors with SSE4.1. An operand in memory would have to be aligned, which slots are not: operands come to registers
 * first. What has no short sequence of instructions is done in C (simd.c).
 */
#include "lib/wasm/x64/compile.h"

#include "lib/wasm/simd.h"

enum {
	PSHUFD = 0x0f70 | OP_66,
	PSHUFLW = 0x0f70 | OP_F2,
	PSHUFB = 0x0f3800 | OP_66,
	PXOR = 0x0fef | OP_66,
	PAND = 0x0fdb | OP_66,
	PANDN = 0x0fdf | OP_66,
	POR = 0x0feb | OP_66,
	PCMPEQD = 0x0f76 | OP_66,
	PTEST = 0x0f3817 | OP_66,
	PADDUSB = 0x0fdc | OP_66,
	MOVD = 0x0f6e | OP_66,
	MOVQ = 0x0f6e | OP_66 | OP_W,
	MOVUPS_LOAD = 0x0f10,
	MOVUPS_STORE = 0x0f11,
	BOTH = 0x44 /* pshufd: the lower half twice */
};

/* ---- small steps ---- */

static void op_imm(struct compiler *c, uint32_t op, uint8_t reg, struct rm rm, unsigned imm)
{
	emit_op(&c->e, op, reg, rm);
	emit_byte(&c->e, (uint8_t)imm);
}

/* All bits. */
static void ones(struct compiler *c, uint8_t reg)
{
	emit_op(&c->e, PCMPEQD, reg, rm_reg(reg));
}

static void zero(struct compiler *c, uint8_t reg)
{
	emit_op(&c->e, PXOR, reg, rm_reg(reg));
}

static void constant(struct compiler *c, uint8_t reg, uint64_t low, uint64_t high)
{
	uint8_t through;

	if (low == 0 && high == 0) {
		zero(c, reg);
		return;
	}
	through = take_reg(c, false);
	emit_imm(&c->e, through, low);
	emit_op(&c->e, MOVQ, reg, rm_reg(through));
	if (high == low) {
		op_imm(c, PSHUFD, reg, rm_reg(reg), BOTH);
	} else if (high != 0) {
		emit_imm(&c->e, through, high);
		op_imm(c, 0x0f3a22 | OP_66 | OP_W, reg, rm_reg(through), 1);
	}
	release_reg(c, through);
}

static uint8_t take_constant(struct compiler *c, uint64_t low, uint64_t high)
{
	uint8_t reg = take_reg(c, true);

	constant(c, reg, low, high);
	return reg;
}

/* ---- kinds of sequences ---- */

enum how {
	BY_HELPER,
	OP2,         /* dest op= y */
	OP2_SWAPPED, /* dest = y; dest op= x */
	CMP_NOT,     /* OP2, then all bits turned */
	CMP_SWAPPED_NOT,
	CMP_MINMAX, /* x op y == x; `then` compares */
	CMP_MINMAX_NOT,
	CMPF, /* op with predicate `then` */
	CMPF_SWAPPED,
	OP1,     /* dest = op x */
	OP1_IMM, /* with immediate `then` */
	NEGATE,  /* dest = 0 op x */
	NOT,
	SIGN_OFF, /* lanes of `then` bits */
	SIGN_TURN,
	WIDEN_HIGH,  /* dest = op of the upper half */
	PRODUCT_LOW, /* both widened by op, then multiplied by `then` */
	PRODUCT_HIGH,
	SHIFT, /* by op; lanes of `then` bits */
	SELECT,
	ANY,
	ALL, /* op compares with zero */
	MASK,
	MASK16,
	SWIZZLE,
};

#define P(op)   (0x0f00u | (op) | OP_66)
#define P38(op) (0x0f3800u | (op) | OP_66)
#define P3A(op) (0x0f3a00u | (op) | OP_66)
#define PS(op)  (0x0f00u | (op))

static const struct {
	uint8_t how;
	uint32_t op, then;
} rows[SIMD_COUNT] = {
        [0x0e] = {SWIZZLE, 0, 0},
        [0x23] = {OP2, P(0x74), 0},
        [0x24] = {CMP_NOT, P(0x74), 0},
        [0x25] = {OP2_SWAPPED, P(0x64), 0},
        [0x26] = {CMP_MINMAX_NOT, P(0xde), P(0x74)}, /* x < y: not max(x, y) == x */
        [0x27] = {OP2, P(0x64), 0},
        [0x28] = {CMP_MINMAX_NOT, P(0xda), P(0x74)},
        [0x29] = {CMP_NOT, P(0x64), 0},
        [0x2a] = {CMP_MINMAX, P(0xda), P(0x74)},
        [0x2b] = {CMP_SWAPPED_NOT, P(0x64), 0},
        [0x2c] = {CMP_MINMAX, P(0xde), P(0x74)},
        [0x2d] = {OP2, P(0x75), 0},
        [0x2e] = {CMP_NOT, P(0x75), 0},
        [0x2f] = {OP2_SWAPPED, P(0x65), 0},
        [0x30] = {CMP_MINMAX_NOT, P38(0x3e), P(0x75)},
        [0x31] = {OP2, P(0x65), 0},
        [0x32] = {CMP_MINMAX_NOT, P38(0x3a), P(0x75)},
        [0x33] = {CMP_NOT, P(0x65), 0},
        [0x34] = {CMP_MINMAX, P38(0x3a), P(0x75)},
        [0x35] = {CMP_SWAPPED_NOT, P(0x65), 0},
        [0x36] = {CMP_MINMAX, P38(0x3e), P(0x75)},
        [0x37] = {OP2, P(0x76), 0},
        [0x38] = {CMP_NOT, P(0x76), 0},
        [0x39] = {OP2_SWAPPED, P(0x66), 0},
        [0x3a] = {CMP_MINMAX_NOT, P38(0x3f), P(0x76)},
        [0x3b] = {OP2, P(0x66), 0},
        [0x3c] = {CMP_MINMAX_NOT, P38(0x3b), P(0x76)},
        [0x3d] = {CMP_NOT, P(0x66), 0},
        [0x3e] = {CMP_MINMAX, P38(0x3b), P(0x76)},
        [0x3f] = {CMP_SWAPPED_NOT, P(0x66), 0},
        [0x40] = {CMP_MINMAX, P38(0x3f), P(0x76)},
        [0x41] = {CMPF, PS(0xc2), 0},
        [0x42] = {CMPF, PS(0xc2), 4},
        [0x43] = {CMPF, PS(0xc2), 1},
        [0x44] = {CMPF_SWAPPED, PS(0xc2), 1},
        [0x45] = {CMPF, PS(0xc2), 2},
        [0x46] = {CMPF_SWAPPED, PS(0xc2), 2},
        [0x47] = {CMPF, P(0xc2), 0},
        [0x48] = {CMPF, P(0xc2), 4},
        [0x49] = {CMPF, P(0xc2), 1},
        [0x4a] = {CMPF_SWAPPED, P(0xc2), 1},
        [0x4b] = {CMPF, P(0xc2), 2},
        [0x4c] = {CMPF_SWAPPED, P(0xc2), 2},
        [0x4d] = {NOT, 0, 0},
        [0x4e] = {OP2, PAND, 0},
        [0x4f] = {OP2_SWAPPED, PANDN, 0},
        [0x50] = {OP2, POR, 0},
        [0x51] = {OP2, PXOR, 0},
        [0x52] = {SELECT, 0, 0},
        [0x53] = {ANY, 0, 0},
        [0x5e] = {OP1, P(0x5a), 0},
        [0x5f] = {OP1, PS(0x5a), 0},
        [0x60] = {OP1, P38(0x1c), 0},
        [0x61] = {NEGATE, P(0xf8), 0},
        [0x63] = {ALL, P(0x74), 0},
        [0x64] = {MASK, P(0xd7), 0},
        [0x65] = {OP2, P(0x63), 0},
        [0x66] = {OP2, P(0x67), 0},
        [0x67] = {OP1_IMM, P3A(0x08), 10},
        [0x68] = {OP1_IMM, P3A(0x08), 9},
        [0x69] = {OP1_IMM, P3A(0x08), 11},
        [0x6a] = {OP1_IMM, P3A(0x08), 8},
        [0x6e] = {OP2, P(0xfc), 0},
        [0x6f] = {OP2, P(0xec), 0},
        [0x70] = {OP2, P(0xdc), 0},
        [0x71] = {OP2, P(0xf8), 0},
        [0x72] = {OP2, P(0xe8), 0},
        [0x73] = {OP2, P(0xd8), 0},
        [0x74] = {OP1_IMM, P3A(0x09), 10},
        [0x75] = {OP1_IMM, P3A(0x09), 9},
        [0x76] = {OP2, P38(0x38), 0},
        [0x77] = {OP2, P(0xda), 0},
        [0x78] = {OP2, P38(0x3c), 0},
        [0x79] = {OP2, P(0xde), 0},
        [0x7a] = {OP1_IMM, P3A(0x09), 11},
        [0x7b] = {OP2, P(0xe0), 0},
        [0x80] = {OP1, P38(0x1d), 0},
        [0x81] = {NEGATE, P(0xf9), 0},
        [0x83] = {ALL, P(0x75), 0},
        [0x84] = {MASK16, 0, 0},
        [0x85] = {OP2, P(0x6b), 0},
        [0x86] = {OP2, P38(0x2b), 0},
        [0x87] = {OP1, P38(0x20), 0},
        [0x88] = {WIDEN_HIGH, P38(0x20), 0},
        [0x89] = {OP1, P38(0x30), 0},
        [0x8a] = {WIDEN_HIGH, P38(0x30), 0},
        [0x8b] = {SHIFT, P(0xf1), 16},
        [0x8c] = {SHIFT, P(0xe1), 16},
        [0x8d] = {SHIFT, P(0xd1), 16},
        [0x8e] = {OP2, P(0xfd), 0},
        [0x8f] = {OP2, P(0xed), 0},
        [0x90] = {OP2, P(0xdd), 0},
        [0x91] = {OP2, P(0xf9), 0},
        [0x92] = {OP2, P(0xe9), 0},
        [0x93] = {OP2, P(0xd9), 0},
        [0x94] = {OP1_IMM, P3A(0x09), 8},
        [0x95] = {OP2, P(0xd5), 0},
        [0x96] = {OP2, P(0xea), 0},
        [0x97] = {OP2, P38(0x3a), 0},
        [0x98] = {OP2, P(0xee), 0},
        [0x99] = {OP2, P38(0x3e), 0},
        [0x9b] = {OP2, P(0xe3), 0},
        [0x9c] = {PRODUCT_LOW, P38(0x20), P(0xd5)},
        [0x9d] = {PRODUCT_HIGH, P38(0x20), P(0xd5)},
        [0x9e] = {PRODUCT_LOW, P38(0x30), P(0xd5)},
        [0x9f] = {PRODUCT_HIGH, P38(0x30), P(0xd5)},
        [0xa0] = {OP1, P38(0x1e), 0},
        [0xa1] = {NEGATE, P(0xfa), 0},
        [0xa3] = {ALL, P(0x76), 0},
        [0xa4] = {MASK, PS(0x50), 0},
        [0xa7] = {OP1, P38(0x23), 0},
        [0xa8] = {WIDEN_HIGH, P38(0x23), 0},
        [0xa9] = {OP1, P38(0x33), 0},
        [0xaa] = {WIDEN_HIGH, P38(0x33), 0},
        [0xab] = {SHIFT, P(0xf2), 32},
        [0xac] = {SHIFT, P(0xe2), 32},
        [0xad] = {SHIFT, P(0xd2), 32},
        [0xae] = {OP2, P(0xfe), 0},
        [0xb1] = {OP2, P(0xfa), 0},
        [0xb5] = {OP2, P38(0x40), 0},
        [0xb6] = {OP2, P38(0x39), 0},
        [0xb7] = {OP2, P38(0x3b), 0},
        [0xb8] = {OP2, P38(0x3d), 0},
        [0xb9] = {OP2, P38(0x3f), 0},
        [0xba] = {OP2, P(0xf5), 0},
        [0xbc] = {PRODUCT_LOW, P38(0x23), P38(0x40)},
        [0xbd] = {PRODUCT_HIGH, P38(0x23), P38(0x40)},
        [0xbe] = {PRODUCT_LOW, P38(0x33), P38(0x40)},
        [0xbf] = {PRODUCT_HIGH, P38(0x33), P38(0x40)},
        [0xc1] = {NEGATE, P(0xfb), 0},
        [0xc3] = {ALL, P38(0x29), 0},
        [0xc4] = {MASK, P(0x50), 0},
        [0xc7] = {OP1, P38(0x25), 0},
        [0xc8] = {WIDEN_HIGH, P38(0x25), 0},
        [0xc9] = {OP1, P38(0x35), 0},
        [0xca] = {WIDEN_HIGH, P38(0x35), 0},
        [0xcb] = {SHIFT, P(0xf3), 64},
        [0xcd] = {SHIFT, P(0xd3), 64},
        [0xce] = {OP2, P(0xd4), 0},
        [0xd1] = {OP2, P(0xfb), 0},
        [0xd6] = {OP2, P38(0x29), 0},
        [0xd7] = {CMP_NOT, P38(0x29), 0},
        [0xdc] = {PRODUCT_LOW, P38(0x25), P38(0x28)},
        [0xdd] = {PRODUCT_HIGH, P38(0x25), P38(0x28)},
        [0xde] = {PRODUCT_LOW, P38(0x35), P(0xf4)},
        [0xdf] = {PRODUCT_HIGH, P38(0x35), P(0xf4)},
        [0xe0] = {SIGN_OFF, 0, 32},
        [0xe1] = {SIGN_TURN, 0, 32},
        [0xe3] = {OP1, PS(0x51), 0},
        [0xe4] = {OP2, PS(0x58), 0},
        [0xe5] = {OP2, PS(0x5c), 0},
        [0xe6] = {OP2, PS(0x59), 0},
        [0xe7] = {OP2, PS(0x5e), 0},
        [0xea] = {OP2_SWAPPED, PS(0x5d), 0}, /* minps gives its second operand when they are equal or unordered */
        [0xeb] = {OP2_SWAPPED, PS(0x5f), 0},
        [0xec] = {SIGN_OFF, 0, 64},
        [0xed] = {SIGN_TURN, 0, 64},
        [0xef] = {OP1, P(0x51), 0},
        [0xf0] = {OP2, P(0x58), 0},
        [0xf1] = {OP2, P(0x5c), 0},
        [0xf2] = {OP2, P(0x59), 0},
        [0xf3] = {OP2, P(0x5e), 0},
        [0xf6] = {OP2_SWAPPED, P(0x5d), 0},
        [0xf7] = {OP2_SWAPPED, P(0x5f), 0},
        [0xfa] = {OP1, PS(0x5b), 0},
        [0xfe] = {OP1, 0x0fe6 | OP_F3, 0},
};

/* ---- one and two operands ---- */

static void turn_all(struct compiler *c, uint8_t reg)
{
	uint8_t all = take_reg(c, true);

	ones(c, all);
	emit_op(&c->e, PXOR, reg, rm_reg(all));
	release_reg(c, all);
}

static void binary(struct compiler *c, uint8_t how, uint32_t op, uint32_t then)
{
	struct operand y = pop(c), x = pop(c), t;
	uint8_t dest, other, first = NO_REG;

	if (how == OP2_SWAPPED || how == CMP_SWAPPED_NOT || how == CMPF_SWAPPED) {
		t = x;
		x = y;
		y = t;
	}
	other = to_reg(c, &y);
	dest = to_temp(c, &x);
	if (how == CMP_MINMAX || how == CMP_MINMAX_NOT) {
		first = take_reg(c, true);
		emit_mov(&c->e, true, first, dest);
	}
	emit_op(&c->e, op, dest, rm_reg(other));
	if (how == CMPF || how == CMPF_SWAPPED)
		emit_byte(&c->e, (uint8_t)then);
	if (first != NO_REG) {
		emit_op(&c->e, then, dest, rm_reg(first));
		release_reg(c, first);
	}
	release(c, &y);
	if (how == CMP_NOT || how == CMP_SWAPPED_NOT || how == CMP_MINMAX_NOT)
		turn_all(c, dest);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

static void unary(struct compiler *c, uint8_t how, uint32_t op, uint32_t then)
{
	struct operand x = pop(c);
	uint8_t from = to_reg(c, &x), dest = take_reg(c, true);

	switch (how) {
	case OP1: emit_op(&c->e, op, dest, rm_reg(from)); break;
	case OP1_IMM: op_imm(c, op, dest, rm_reg(from), then); break;
	case NEGATE:
		zero(c, dest);
		emit_op(&c->e, op, dest, rm_reg(from));
		break;
	case NOT:
		ones(c, dest);
		emit_op(&c->e, PXOR, dest, rm_reg(from));
		break;
	case WIDEN_HIGH:
		op_imm(c, PSHUFD, dest, rm_reg(from), 0xee);
		emit_op(&c->e, op, dest, rm_reg(dest));
		break;
	default: /* SIGN_OFF, SIGN_TURN: by a mask out of all bits, shifted right or left (SDM, PSRLD: digit 2, PSLLD:
	            6) */
		ones(c, dest);
		op_imm(c, then == 32 ? P(0x72) : P(0x73), how == SIGN_OFF ? 2 : 6, rm_reg(dest),
		       how == SIGN_OFF ? 1 : then - 1);
		emit_op(&c->e, how == SIGN_OFF ? PAND : PXOR, dest, rm_reg(from));
	}
	release(c, &x);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

static void product(struct compiler *c, bool high, uint32_t widen, uint32_t multiply)
{
	struct operand y = pop(c), x = pop(c);
	uint8_t b = to_reg(c, &y), a = to_reg(c, &x), dest = take_reg(c, true), other = take_reg(c, true);

	if (high) {
		op_imm(c, PSHUFD, dest, rm_reg(a), 0xee);
		op_imm(c, PSHUFD, other, rm_reg(b), 0xee);
	}
	emit_op(&c->e, widen, dest, rm_reg(high ? dest : a));
	emit_op(&c->e, widen, other, rm_reg(high ? other : b));
	emit_op(&c->e, multiply, dest, rm_reg(other));
	release_reg(c, other);
	release(c, &y);
	release(c, &x);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

/* The count of the machine does not wrap. */
static void shift(struct compiler *c, uint32_t op, uint32_t bits)
{
	struct operand n = pop(c), x = pop(c);
	uint8_t dest, count, by;

	if (n.place == AT_CONST) {
		by = take_constant(c, n.k & (bits - 1), 0);
	} else {
		count = to_temp(c, &n);
		emit_alu_imm(&c->e, ALU_AND, false, rm_reg(count), (int32_t)bits - 1);
		by = take_reg(c, true);
		emit_op(&c->e, MOVD, by, rm_reg(count));
		release(c, &n);
	}
	dest = to_temp(c, &x);
	emit_op(&c->e, op, dest, rm_reg(by));
	release_reg(c, by);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

/* y ^ ((x ^ y) & mask) */
static void bitselect(struct compiler *c)
{
	struct operand m = pop(c), y = pop(c), x = pop(c);
	uint8_t mask = to_reg(c, &m), b = to_reg(c, &y), dest = to_temp(c, &x);

	emit_op(&c->e, PXOR, dest, rm_reg(b));
	emit_op(&c->e, PAND, dest, rm_reg(mask));
	emit_op(&c->e, PXOR, dest, rm_reg(b));
	release(c, &m);
	release(c, &y);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

/* An index of 16 or more gets its highest bit, which pshufb takes for a zero. */
static void swizzle(struct compiler *c)
{
	struct operand y = pop(c), x = pop(c);
	uint8_t index = to_temp(c, &y), dest = to_temp(c, &x);
	uint8_t add = take_constant(c, 0x7070707070707070u, 0x7070707070707070u);

	emit_op(&c->e, PADDUSB, index, rm_reg(add));
	emit_op(&c->e, PSHUFB, dest, rm_reg(index));
	release_reg(c, add);
	release(c, &y);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

/* ---- to scalars ---- */

static void test(struct compiler *c, uint8_t how, uint32_t op)
{
	struct operand x = pop(c);
	uint8_t from = to_reg(c, &x), zeros;

	if (how == ANY) {
		emit_op(&c->e, PTEST, from, rm_reg(from));
	} else {
		zeros = take_reg(c, true);
		zero(c, zeros);
		emit_op(&c->e, op, zeros, rm_reg(from));
		emit_op(&c->e, PTEST, zeros, rm_reg(zeros));
		release_reg(c, zeros);
	}
	release(c, &x);
	set_flags_operand(c, how == ANY ? CC_NE : CC_E);
}

static void mask(struct compiler *c, uint8_t how, uint32_t op)
{
	struct operand x = pop(c);
	uint8_t from = to_reg(c, &x), dest, packed;

	if (how == MASK16) {
		packed = take_reg(c, true);
		emit_mov(&c->e, true, packed, from);
		emit_op(&c->e, P(0x63), packed, rm_reg(packed)); /* packsswb keeps the signs */
		dest = take_reg(c, false);
		emit_op(&c->e, P(0xd7), dest, rm_reg(packed));
		emit_op(&c->e, 0x0fb6 | OP_BYTE, dest, rm_reg(dest));
		release_reg(c, packed);
	} else {
		dest = take_reg(c, false);
		emit_op(&c->e, op, dest, rm_reg(from));
	}
	release(c, &x);
	look_for_target(c, WASM_I32);
	result(c, WASM_I32, dest);
}

static uint8_t read_byte(struct compiler *c)
{
	uint8_t b = 0;

	if (leb_byte(&c->r, &b) != OK)
		fail(c);
	return b;
}

/* pextrb pextrw pextrd pextrq: the vector is the reg of ModRM. */
static void emit_extract(struct compiler *c, uint8_t size, uint8_t from, struct rm to, uint8_t lane)
{
	uint32_t op = size == 1 ? P3A(0x14) : size == 2 ? P3A(0x15) : P3A(0x16);

	op_imm(c, op | (size == 8 ? OP_W : 0), from, to, lane);
}

static void emit_insert(struct compiler *c, uint8_t size, uint8_t to, struct rm from, uint8_t lane)
{
	uint32_t op = size == 1 ? P3A(0x20) : size == 2 ? P(0xc4) : P3A(0x22);

	op_imm(c, op | (size == 8 ? OP_W : 0), to, from, lane);
}

static void extract(struct compiler *c, uint32_t code, const struct simd_op *op)
{
	uint8_t lane = read_byte(c) & 15, dest;
	struct operand x = pop(c);
	uint8_t from = to_reg(c, &x);

	if (is_float(op->scalar)) {
		dest = take_reg(c, true);
		op_imm(c, PSHUFD, dest, rm_reg(from), op->size == 4 ? lane : lane == 0 ? BOTH : 0xee);
	} else {
		dest = take_reg(c, false);
		emit_extract(c, op->size, from, rm_reg(dest), lane);
		if (code == 0x15)
			emit_op(&c->e, 0x0fbe | OP_BYTE, dest, rm_reg(dest));
		if (code == 0x18)
			emit_op(&c->e, 0x0fbf, dest, rm_reg(dest));
	}
	release(c, &x);
	look_for_target(c, op->scalar);
	result(c, op->scalar, dest);
}

/* ---- from scalars ---- */

/* The scalar is in the lowest lane; all get it. */
static void spread(struct compiler *c, uint8_t size, uint8_t reg)
{
	uint8_t zeros;

	switch (size) {
	case 1:
		zeros = take_reg(c, true);
		zero(c, zeros);
		emit_op(&c->e, PSHUFB, reg, rm_reg(zeros));
		release_reg(c, zeros);
		return;
	case 2:
		op_imm(c, PSHUFLW, reg, rm_reg(reg), 0);
		op_imm(c, PSHUFD, reg, rm_reg(reg), 0);
		return;
	case 4: op_imm(c, PSHUFD, reg, rm_reg(reg), 0); return;
	default: op_imm(c, PSHUFD, reg, rm_reg(reg), BOTH);
	}
}

static void splat(struct compiler *c, const struct simd_op *op)
{
	struct operand x = pop(c);
	uint8_t dest, from;

	if (is_float(op->scalar)) {
		dest = to_temp(c, &x);
	} else {
		from = to_reg(c, &x);
		dest = take_reg(c, true);
		emit_op(&c->e, op->size == 8 ? MOVQ : MOVD, dest, rm_reg(from));
		release(c, &x);
	}
	spread(c, op->size, dest);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

static void replace(struct compiler *c, const struct simd_op *op)
{
	uint8_t lane = read_byte(c) & 15;
	struct operand y = pop(c), x = pop(c);
	uint8_t from = to_reg(c, &y), dest = to_temp(c, &x);

	if (op->scalar == WASM_F32)
		op_imm(c, P3A(0x21), dest, rm_reg(from), (unsigned)lane << 4); /* insertps */
	else if (op->scalar == WASM_F64)
		emit_op(&c->e, lane == 0 ? 0x0f10u | OP_F2 : 0x0f16u, dest, rm_reg(from)); /* movsd, movlhps */
	else
		emit_insert(c, op->size, dest, rm_reg(from), lane);
	release(c, &y);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

/* ---- immediates of 16 bytes ---- */

static void read_halves(struct compiler *c, uint64_t halves[static 2])
{
	if (rd_u64le(&c->r, &halves[0]) != OK || rd_u64le(&c->r, &halves[1]) != OK)
		fail(c);
}

static void push_constant(struct compiler *c)
{
	uint64_t halves[2] = {0, 0};
	uint8_t dest;

	read_halves(c, halves);
	look_for_target(c, WASM_V128);
	dest = fresh_dest(c, WASM_V128);
	constant(c, dest, halves[0], halves[1]);
	result(c, WASM_V128, dest);
}

/* Of 8 lane numbers: those below 16 (less 16: those from 16 on), the others as pshufb wants them for a zero. */
static uint64_t chosen(uint64_t lanes, bool second)
{
	uint64_t out = 0;

	for (unsigned i = 0; i < 64; i += 8) {
		uint64_t lane = lanes >> i & 0xff;

		out |= (lane < 16 ? (second ? 0x80 : lane) : (second ? lane - 16 : 0x80)) << i;
	}
	return out;
}

static void shuffle(struct compiler *c)
{
	uint64_t lanes[2] = {0, 0};
	struct operand y, x;
	uint8_t a, b, m;

	read_halves(c, lanes);
	y = pop(c);
	x = pop(c);
	b = to_temp(c, &y);
	a = to_temp(c, &x);
	m = take_constant(c, chosen(lanes[0], false), chosen(lanes[1], false));
	emit_op(&c->e, PSHUFB, a, rm_reg(m));
	constant(c, m, chosen(lanes[0], true), chosen(lanes[1], true));
	emit_op(&c->e, PSHUFB, b, rm_reg(m));
	emit_op(&c->e, POR, a, rm_reg(b));
	release_reg(c, m);
	release(c, &y);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, a);
}

/* ---- memory ---- */

/* The machine instruction that loads; what is left to be done then is `spread`. */
static uint32_t load_op(uint32_t code, uint8_t size)
{
	static const uint32_t widening[] = {P38(0x20), P38(0x30), P38(0x23), P38(0x33), P38(0x25), P38(0x35)};

	if (code == 0)
		return MOVUPS_LOAD;
	if (code <= 6)
		return widening[code - 1];
	return size == 8 ? 0x0f10u | OP_F2 : 0x0f10u | OP_F3; /* movsd, movss: the rest is zero */
}

static void load(struct compiler *c, uint32_t code, const struct simd_op *op)
{
	uint32_t offset = read_memarg(c);
	struct operand o = pop(c);
	struct rm rm = memory_rm(c, &o, offset);
	uint8_t dest = take_reg(c, true), through;

	if (op->size < 4) { /* splats */
		through = take_reg(c, false);
		add_site(c, c->e.at);
		emit_op(&c->e, op->size == 1 ? 0x0fb6u | OP_BYTE : 0x0fb7u, through, rm);
		emit_op(&c->e, MOVD, dest, rm_reg(through));
		release_reg(c, through);
	} else {
		add_site(c, c->e.at);
		emit_op(&c->e, load_op(code, op->size), dest, rm);
	}
	release(c, &o);
	if (code >= 0x07 && code <= 0x0a)
		spread(c, op->size, dest);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

static void load_lane(struct compiler *c, const struct simd_op *op)
{
	uint32_t offset = read_memarg(c);
	uint8_t lane = read_byte(c) & 15, dest;
	struct operand x = pop(c), o = pop(c);
	struct rm rm;

	dest = to_temp(c, &x);
	rm = memory_rm(c, &o, offset);
	add_site(c, c->e.at);
	emit_insert(c, op->size, dest, rm, lane);
	release(c, &o);
	look_for_target(c, WASM_V128);
	result(c, WASM_V128, dest);
}

static void store(struct compiler *c, const struct simd_op *op)
{
	uint32_t offset = read_memarg(c);
	uint8_t lane = op->shape == SIMD_STORE_LANE ? read_byte(c) & 15 : 0, from;
	struct operand x = pop(c), o = pop(c);
	struct rm rm;

	from = to_reg(c, &x);
	rm = memory_rm(c, &o, offset);
	add_site(c, c->e.at);
	if (op->shape == SIMD_STORE)
		emit_op(&c->e, MOVUPS_STORE, from, rm);
	else
		emit_extract(c, op->size, from, rm, lane);
	release(c, &x);
	release(c, &o);
}

/* ---- all ---- */

/* In C: the operands at home, one behind the other. */
static void by_helper(struct compiler *c, uint32_t code, const struct simd_op *op)
{
	uint32_t in = op->shape == SIMD_UNARY ? 2 : op->shape == SIMD_SHIFT ? 3 : 4;

	flush_temps(c);
	bring_home(c, in);
	drop_to(c, c->height - in);
	push_home(c, WASM_V128);
	call_helper(c, HELPER_SIMD, c->height - 2, code, 0);
}

static void compute(struct compiler *c, uint32_t code, const struct simd_op *op)
{
	uint8_t how = rows[code].how;

	switch (how) {
	case BY_HELPER: by_helper(c, code, op); return;
	case PRODUCT_LOW:
	case PRODUCT_HIGH: product(c, how == PRODUCT_HIGH, rows[code].op, rows[code].then); return;
	case SHIFT: shift(c, rows[code].op, rows[code].then); return;
	case SELECT: bitselect(c); return;
	case SWIZZLE: swizzle(c); return;
	case ANY:
	case ALL: test(c, how, rows[code].op); return;
	case MASK:
	case MASK16: mask(c, how, rows[code].op); return;
	default:
		if (how >= OP1)
			unary(c, how, rows[code].op, rows[code].then);
		else
			binary(c, how, rows[code].op, rows[code].then);
	}
}

void compile_simd(struct compiler *c, uint32_t code)
{
	const struct simd_op *op = &simd_ops[code < SIMD_COUNT ? code : 0];

	switch (op->shape) {
	case SIMD_NONE: fail(c); return;
	case SIMD_SPLAT: splat(c, op); return;
	case SIMD_EXTRACT: extract(c, code, op); return;
	case SIMD_REPLACE: replace(c, op); return;
	case SIMD_SHUFFLE: shuffle(c); return;
	case SIMD_CONST: push_constant(c); return;
	case SIMD_LOAD: load(c, code, op); return;
	case SIMD_LOAD_LANE: load_lane(c, op); return;
	case SIMD_STORE:
	case SIMD_STORE_LANE: store(c, op); return;
	default: compute(c, code, op);
	}
}
