/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the instructions on vectors do, in plain C: the interpreter runs these, and they are what compiled code is held
 * to. A v128 is 16 bytes in little-endian order, in two slots or in a linear memory.
 */
#ifndef BROCH_WASM_SIMD_H
#define BROCH_WASM_SIMD_H

#include "lib/base/attr.h"

enum simd_shape {
	SIMD_NONE,
	SIMD_UNARY,      /* v -> v */
	SIMD_BINARY,     /* v v -> v */
	SIMD_TERNARY,    /* v v v -> v */
	SIMD_SHIFT,      /* v i32 -> v */
	SIMD_TEST,       /* v -> i32 */
	SIMD_SPLAT,      /* scalar -> v */
	SIMD_EXTRACT,    /* v, lane -> scalar */
	SIMD_REPLACE,    /* v scalar, lane -> v */
	SIMD_SHUFFLE,    /* v v, 16 lanes -> v */
	SIMD_CONST,      /* 16 bytes -> v */
	SIMD_LOAD,       /* address -> v */
	SIMD_STORE,      /* address v */
	SIMD_LOAD_LANE,  /* address v, lane -> v */
	SIMD_STORE_LANE, /* address v, lane */
};

/*
 * Operands in slots (a vector: two), the result to slots; all operands are read before it is written. SHUFFLE: z is the
 * 16 lanes. LOAD: x is `size` bytes of memory, LOAD_LANE: and y the vector. STORE, STORE_LANE: out is memory, x the
 * vector.
 */
typedef void simd_fn(void *out, const void *x, const void *y, const void *z, uint32_t lane);

struct simd_op {
	const char *text;
	simd_fn *run; /* NULL: SIMD_CONST */
	uint8_t shape;
	uint8_t scalar; /* enum wasm_type of the one that is no vector, if there is one */
	uint8_t size;   /* bytes of memory, or of one lane */
};

enum { SIMD_COUNT = 256, OPCODE_LOAD = 0x00, OPCODE_STORE = 0x0b, OPCODE_SHUFFLE = 0x0d };
/* By the number behind 0xfd; shape is SIMD_NONE where there is no instruction. */
extern const struct simd_op simd_ops[SIMD_COUNT];

#endif
