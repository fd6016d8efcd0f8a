/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes x86-64 instructions (Intel SDM vol. 2) into memory that the caller's arena gives, contiguously. When it is
 * full `full` is set and bytes go nowhere: the caller looks once, at the end. Positions are offsets from `base`.
 */
#ifndef BROCH_X64_EMIT_H
#define BROCH_X64_EMIT_H

#include "lib/base/arena.h"

/* Vector registers are numbered behind the general ones, so that one number says all. */
enum reg {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15,
	XMM0,
	XMM7 = XMM0 + 7,
	XMM8,
	XMM15 = XMM0 + 15,
	NO_REG = 255
};

/* An operand: a register, or [base + index * 2^scale + disp]; without base (NO_REG) there is an index. */
struct rm {
	uint8_t reg; /* NO_REG: memory */
	uint8_t base, index, scale;
	int32_t disp;
};

static inline struct rm rm_reg(uint8_t reg)
{
	return (struct rm){.reg = reg};
}

static inline struct rm rm_mem(uint8_t base, int32_t disp)
{
	return (struct rm){NO_REG, base, NO_REG, 0, disp};
}

static inline struct rm rm_index(uint8_t base, uint8_t index, uint8_t scale, int32_t disp)
{
	return (struct rm){NO_REG, base, index, scale, disp};
}

/* An opcode is its bytes (0x0fxx, 0x0f3axx), and these. */
enum {
	OP_66 = 1 << 24,
	OP_F2 = 2 << 24,
	OP_F3 = 3 << 24,
	OP_W = 1 << 26,    /* 64 bits */
	OP_BYTE = 1 << 27, /* its registers are bytes */
};

/* Conditions as in the opcodes; the negation has the lowest bit flipped. The last two are of floating-point
 * comparisons. */
enum condition {
	CC_O = 0,
	CC_NO,
	CC_B,
	CC_AE,
	CC_E,
	CC_NE,
	CC_BE,
	CC_A,
	CC_S,
	CC_NS,
	CC_P,
	CC_NP,
	CC_L,
	CC_GE,
	CC_LE,
	CC_G,
	CC_EQ_ORDERED,
	CC_NE_UNORDERED
};

enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift { SHIFT_ROL, SHIFT_ROR, SHIFT_SHL = 4, SHIFT_SHR, SHIFT_SAR = 7 };

struct emitter {
	struct arena *arena;
	uint8_t *base;
	uint32_t at, capacity;
	bool full;
	uint8_t nowhere[64];
};

/* Takes what is left of the arena step by step. */
void emit_init(struct emitter *e, struct arena *code);
/* Must be asked before each group of instructions: room for so many bytes. */
void emit_room(struct emitter *e, uint32_t bytes);
void emit_byte(struct emitter *e, uint8_t b);
void emit_u32(struct emitter *e, uint32_t v);
void emit_u64(struct emitter *e, uint64_t v);
/* Up to a multiple of 2^log2, with instructions that do nothing. Asks for room itself. */
void emit_align(struct emitter *e, unsigned log2);

/* reg is a register of either kind or the digit of the opcode. */
void emit_op(struct emitter *e, uint32_t op, uint8_t reg, struct rm rm);
void emit_alu(struct emitter *e, enum alu op, bool wide, uint8_t reg, struct rm rm);
void emit_alu_imm(struct emitter *e, enum alu op, bool wide, struct rm rm, int32_t k);
void emit_shift_imm(struct emitter *e, enum shift op, bool wide, uint8_t reg, uint8_t k);
/* reg = k, without touching the flags. */
void emit_imm(struct emitter *e, uint8_t reg, uint64_t k);
void emit_mov(struct emitter *e, bool wide, uint8_t to, uint8_t from); /* general or vector, of one kind */
void emit_lea(struct emitter *e, bool wide, uint8_t reg, struct rm rm);
void emit_push(struct emitter *e, uint8_t reg);
void emit_pop(struct emitter *e, uint8_t reg);
void emit_ret(struct emitter *e);
/* cdq or cqo: rdx = the sign of rax. */
void emit_sign_into_rdx(struct emitter *e, bool wide);

/* Jumps with 32 bits; the field holds the next lower position of its chain until it is bound. 0 ends a chain. */
void emit_jmp_chain(struct emitter *e, uint32_t *chain);
void emit_jcc_chain(struct emitter *e, enum condition cc, uint32_t *chain);
void emit_bind(struct emitter *e, uint32_t chain);
void emit_jmp_to(struct emitter *e, uint32_t target);
void emit_jcc_to(struct emitter *e, enum condition cc, uint32_t target);
void emit_call_to(struct emitter *e, uint32_t target);
void emit_patch32(struct emitter *e, uint32_t field, uint32_t value);
uint32_t emit_read32(const struct emitter *e, uint32_t field);
/* The same as the two before, as short as can be. */
void emit_back(struct emitter *e, uint32_t target);
void emit_back_if(struct emitter *e, enum condition cc, uint32_t target);
/* Short ones, forward: returns what emit_bind8 wants. cc < 0: always. */
uint32_t emit_jump8(struct emitter *e, int cc);
void emit_bind8(struct emitter *e, uint32_t field);

#endif
