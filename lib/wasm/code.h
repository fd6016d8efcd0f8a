/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The internal code: what the translator makes of a function body and the interpreter runs. It is a register code over
 * 64-bit frame slots (a v128 takes two), in units of 16 bits: the operation, then its fields. A field is a slot number (16 bits), a
 * constant k (32 bits: an i32, a sign-extended i64, the bits of an f32, the upper half of an f64) or a branch distance
 * (32 bits, signed, in units, counted from the field itself). Fields of 32 and 64 bits are not aligned.
 *
 * A frame, from its slot 0: parameters, other locals, three slots that FRAME_* name, then the operand stack, each
 * operand in the slot of its height (its home). Arguments of a call are the topmost operands, so that the frame of the
 * callee begins where they lie, and results come back to where the arguments began.
 */
#ifndef BROCH_WASM_CODE_H
#define BROCH_WASM_CODE_H

#include "lib/base/attr.h"


typedef uint16_t code_t;

enum { FRAME_PC = 0, FRAME_FP = 1, FRAME_INSTANCE = 2, FRAME_SAVED = 3 };
enum { SLOTS_MAX = 65535 }; /* a slot number has 16 bits */

enum iop {
/* Made from the rows of opcodes.def; the variants stand in this order. */
#define UN(code, id, ...) IOP_##id,                          /* dst x */
#define TRUNC(code, id, ...) IOP_##id,                       /* dst x */
#define BIN(code, id, ...) IOP_##id, IOP_##id##_k, IOP_##id##_kx, /* dst x y; dst x k; dst y k, where x is k */
#define DIV(code, id, ...) IOP_##id, IOP_##id##_k, IOP_##id##_kx,
/* As BIN without kx; then branches: if x y target; unless x y target; if x k target; unless x k target */
#define CMP(code, id, ...) IOP_##id, IOP_##id##_k, IOP_##id##_if, IOP_##id##_unless, IOP_##id##_k_if, IOP_##id##_k_unless,
/*
 * dst addr offset16; dst addr offset32; dst address32; dst addr offset16 k: addr + k; dst addr shift k: (addr << shift) + k;
 * dst addr y shift k: addr + (y << shift) + k (sums wrap, only the offset makes an address longer than 32 bits)
 */
#define LOAD(code, id, ...) IOP_##id, IOP_##id##_far, IOP_##id##_at, IOP_##id##_sum, IOP_##id##_scaled, IOP_##id##_index,
/* addr x offset16; addr x offset32; x address32; addr x offset16 k: addr + k; addr k offset16: the value is k */
#define STORE(code, id, ...) IOP_##id, IOP_##id##_far, IOP_##id##_at, IOP_##id##_sum, \
				IOP_##id##_k,
#include "lib/wasm/opcodes.def"
/* From fuse.def, where their fields are described. */
#define FUSE(type, first, second) IOP_##first##_##second,
#define FUSE_R(type, first, second) IOP_##first##_##second##_r,
#define FUSE_K(type, first, second) IOP_##first##_k_##second,
#define FUSE_KR(type, first, second) IOP_##first##_k_##second##_r,
#define FUSE_KK(type, first, second) IOP_##first##_k_##second##_k,
#define FUSE_LOAD(type, load, size, second) IOP_##load##_##second,
#define FUSE_LOAD_R(type, load, size, second) IOP_##load##_##second##_r,
#include "lib/wasm/fuse.def"
	IOP_count_if,      /* dst x k target: dst = x + k, taken unless it is 0 */
	IOP_count_ne,      /* dst x k y target: dst = x + k, taken if it is not y */
	IOP_count_ne_k,    /* dst x k k' target */
	IOP_count_lt_u,    /* dst x k y target */
	IOP_count_lt_u_k,  /* dst x k k' target */
	IOP_i32_and_k_if,     /* x k target */
	IOP_i32_and_k_unless, /* x k target */
	IOP_unreachable,
	IOP_copy,        /* dst src */
	IOP_copy_two,    /* dst src dst src: in this order */
	IOP_copy_many,   /* dst src count */
	IOP_const32,     /* dst k (zero-extended) */
	IOP_const64,     /* dst k64 */
	IOP_br,          /* target */
	IOP_br_if,       /* x target */
	IOP_br_unless,   /* x target */
	IOP_br_table,    /* x src arity count32 k, then count + 1 times: target, dst; it is x + k that chooses */
	IOP_return,      /* saved */
	IOP_return_one,  /* saved src */
	IOP_return_many, /* saved src count */
	IOP_call,        /* base function32 */
	IOP_call_import, /* base function32 */
	IOP_call_indirect, /* base x type32 table32 */
	IOP_select,      /* dst x y condition */
	IOP_global_get,  /* dst global32 */
	IOP_global_set,  /* src global32 */
	IOP_memory_size, /* dst */
	IOP_memory_grow, /* dst x */
	IOP_memory_init, /* d s n segment32 */
	IOP_data_drop,   /* segment32 */
	IOP_memory_copy, /* d s n */
	IOP_memory_fill, /* d value n */
	IOP_table_get,   /* dst x table32 */
	IOP_table_set,   /* x value table32 */
	IOP_table_init,  /* d s n table32 segment32 */
	IOP_elem_drop,   /* segment32 */
	IOP_table_copy,  /* d s n table32(d) table32(s) */
	IOP_table_grow,  /* dst value n table32 */
	IOP_table_size,  /* dst table32 */
	IOP_table_fill,  /* d value n table32 */
	IOP_ref_is_null, /* dst x */
	IOP_ref_func,    /* dst function32 */
	IOP_v128_copy,   /* dst src; each two slots, here and below */
	IOP_v128_select, /* dst x y condition */
	IOP_v128_global_get, /* dst global32 */
	IOP_v128_global_set, /* src global32 */
/* Of simd.def, those that are run often: dst x y. */
#define V2(code, id, ...) IOP_##id,
#define VCMP(code, id, ...) IOP_##id,
#define VSHIFT(code, id, ...) IOP_##id,
#include "lib/wasm/simd.def"
	IOP_v128_load,   /* as IOP_simd_load */
	IOP_v128_store,  /* as IOP_simd_store */
	IOP_simd,        /* dst x y z op lane (simd.h) */
	IOP_simd_shuffle, /* dst x y, 16 bytes of lanes */
	IOP_simd_const,  /* dst, 16 bytes */
	IOP_simd_load,   /* dst address vector op lane offset32 */
	IOP_simd_store,  /* address vector op lane offset32 */
	IOP_native,      /* function32: a compiled one, whose whole body this is */
	IOP_exit,        /* leaves the interpreter: where the outermost frame returns to */
	IOP_COUNT
};

/* Variants, counted from the first iop of a row. */
enum { VARIANT_K = 1, VARIANT_KX = 2 };                                         /* BIN, DIV, CMP */
enum { VARIANT_IF = 2, VARIANT_UNLESS = 3, VARIANT_K_IF = 4, VARIANT_K_UNLESS = 5 }; /* CMP */
enum { VARIANT_FAR = 1, VARIANT_AT = 2, VARIANT_SUM = 3 };                      /* LOAD, STORE */
enum { VARIANT_SCALED = 4, VARIANT_INDEX = 5 };                                 /* LOAD */
enum { VARIANT_VALUE_K = 4 };                                                   /* STORE */

static inline uint32_t code_u32(const code_t *field)
{
	uint32_t v;

	copy_small(&v, field, sizeof v);
	return v;
}

static inline int32_t code_i32(const code_t *field)
{
	int32_t v;

	copy_small(&v, field, sizeof v);
	return v;
}

static inline uint64_t code_u64(const code_t *field)
{
	uint64_t v;

	copy_small(&v, field, sizeof v);
	return v;
}

static inline void code_put32(code_t *field, uint32_t v)
{
	copy_small(field, &v, sizeof v);
}

#endif
