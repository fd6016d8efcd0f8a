/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes the machine instructions of insns.def, and no others. Written apart from the compiler, on purpose: it shares no
 * table with the encoder, so that a mistake in one is not repeated in the other.
 *
 * Accepted: at most one mandatory prefix, then REX, then the opcode. No segment, lock, address-size or repeated prefix, no
 * operand-size prefix but where a row has it, no high byte registers. Addresses: [base + index * scale + disp], [rip + disp].
 */
#ifndef BROCH_X64CHECK_DECODE_H
#define BROCH_X64CHECK_DECODE_H

#include "lib/base/slice.h"

enum x64_register {
	X64_RAX, X64_RCX, X64_RDX, X64_RBX, X64_RSP, X64_RBP, X64_RSI, X64_RDI,
	X64_R8, X64_R9, X64_R10, X64_R11, X64_R12, X64_R13, X64_R14, X64_R15,
	X64_RIP, /* as a base only */
	X64_NO_REGISTER,
};

enum x64_kind {
	X64_OTHER,
	X64_MOV, X64_ZERO /* movzx */, X64_SIGN32 /* movsxd */, X64_LEA, X64_ADD, X64_ADD_IMM, X64_SUB, X64_SUB_IMM, X64_AND, X64_AND_IMM, X64_CMP,
	X64_CMP_IMM, X64_SBB, X64_SBB_IMM, X64_OTHER_IMM, X64_MOV_IMM, X64_CMOV, X64_BIT_SCAN, X64_SHR_IMM, X64_PUSH, X64_POP, X64_JCC, X64_JMP, X64_JMP_AT, X64_CALL, X64_CALL_AT, X64_RET,
	X64_STOP, /* nothing behind it is reached */
};

/* Properties of an instruction. Of rm, W_ and R_ speak of memory if has_memory, else of the register. */
enum x64_flag {
	X64_MODRM = 1 << 0,
	X64_W_REG = 1 << 1, X64_R_REG = 1 << 2, X64_RW_REG = X64_W_REG | X64_R_REG,
	X64_W_RM = 1 << 3, X64_R_RM = 1 << 4, X64_RW_RM = X64_W_RM | X64_R_RM,
	X64_XMM_REG = 1 << 5, X64_XMM_RM = 1 << 6, /* a vector register, not a general one */
	X64_W_OPCODE = 1 << 7, X64_R_OPCODE = 1 << 8, X64_RW_OPCODE = X64_W_OPCODE | X64_R_OPCODE,
	X64_ADDRESS = 1 << 9,   /* memory only, and not touched */
	X64_REG_ONLY = 1 << 10, /* rm is no memory */
	X64_W_RAX = 1 << 11, X64_W_RDX = 1 << 12,
	X64_IMM8 = 1 << 13, X64_IMM16 = 1 << 14, X64_IMM32 = 1 << 15, X64_IMMZ = 1 << 16, /* 4 bytes, 8 with REX.W */
	X64_REL8 = 1 << 17, X64_REL32 = 1 << 18,
	X64_NARROW = 1 << 19,   /* not with REX.W */
};

struct x64_insn {
	uint8_t size;
	enum x64_kind kind;
	uint32_t flags;
	uint8_t width;     /* bytes of the memory operand, or of the register that stands in for it */
	uint8_t out_width; /* bytes written of a general register: 1, 2, 4 (clears the upper half) or 8 */
	uint8_t condition; /* of jcc: low 4 bits of the opcode */
	uint8_t reg, rm;   /* registers; rm is X64_NO_REGISTER with has_memory. An opcode's register is in rm. */
	bool has_memory;
	uint8_t base, index, scale; /* X64_NO_REGISTER: none; scale 1, 2, 4, 8 */
	int32_t disp;
	int64_t imm;       /* sign-extended; the distance of a REL, from the end of the instruction */
};

/* The table, made ready for look-up. */
struct x64_decoder {
	uint16_t row[4][4][256]; /* private: by prefix, map, opcode: one more than the first row; 0: none */
};
void x64_decoder_init(struct x64_decoder *d);
/* Reads the instruction at the start of `in`. False: there is none that is allowed. */
MUST_USE bool x64_decode(const struct x64_decoder *d, struct slice in, struct x64_insn *out);

#endif
