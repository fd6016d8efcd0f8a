/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each row of simd.def, lane by lane, and the table of them. */
#include "lib/wasm/simd.h"

#include "lib/wasm/lanes.h"
#include "lib/wasm/wasm.h"

static inline uint64_t slot(const void *from)
{
	uint64_t v;

	copy_small(&v, from, sizeof v);
	return v;
}

static inline void put_slot(void *to, uint64_t v)
{
	copy_small(to, &v, sizeof v);
}

/* Between a lane and the slot of a scalar. */
#define slot_I32(x)   ((uint64_t)(uint32_t)(x))
#define slot_I64(x)   ((uint64_t)(x))
#define slot_F32(x)   ((uint64_t)bits32(x))
#define slot_F64(x)   bits64(x)
#define scalar_I32(s) ((uint32_t)(s))
#define scalar_I64(s) (s)
#define scalar_F32(s) f32_of((uint32_t)(s))
#define scalar_F64(s) f64_of(s)

#define RUN(id)     static void run_##id(void *out, const void *px, const void *py, const void *pz, uint32_t lane)
#define UNUSED_X    (void)px
#define UNUSED_Y    (void)py
#define UNUSED_Z    (void)pz
#define UNUSED_LANE (void)lane

/* ---- lane by lane ---- */

#define V1(code, id, text, in, to, expr)                                                                               \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px), r = {{0}};                                                                    \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		for (size_t i = 0; i < LANES(in) && i < LANES(to); i++) {                                              \
			lane_##in x = a.in[i];                                                                         \
			r.to[i] = (lane_##to)(expr);                                                                   \
		}                                                                                                      \
		store(out, r);                                                                                         \
	}
#define LANE_BY_LANE(id, in, to, first, result)                                                                        \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		UNUSED_Z, UNUSED_LANE;                                                                                 \
		OF_TWO_VECTORS(out, px, py, in, to, first, result);                                                    \
	}
#define V2(code, id, text, in, to, expr)            LANE_BY_LANE(id, in, to, 0, expr)
#define VCMP(code, id, text, in, to, expr)          LANE_BY_LANE(id, in, to, 0, (expr) ? -1 : 0)
#define VWIDEN2(code, id, text, in, to, from, expr) LANE_BY_LANE(id, in, to, from, expr)
#define VWIDEN1(code, id, text, in, to, from, expr)                                                                    \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px), r;                                                                            \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		FOR_LANES(to)                                                                                          \
		{                                                                                                      \
			lane_##in x = a.in[i + (from)];                                                                \
			r.to[i] = (lane_##to)(expr);                                                                   \
		}                                                                                                      \
		store(out, r);                                                                                         \
	}
#define VSHIFT(code, id, text, lanes, expr)                                                                            \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		UNUSED_Z, UNUSED_LANE;                                                                                 \
		SHIFTED_VECTOR(out, px, (uint32_t)slot(py), lanes, expr);                                              \
	}
#define VPAIRS(code, id, text, in, to, expr)                                                                           \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px), r;                                                                            \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		FOR_LANES(to)                                                                                          \
		{                                                                                                      \
			lane_##in x = a.in[2 * i], y = a.in[2 * i + 1];                                                \
			r.to[i] = (lane_##to)(expr);                                                                   \
		}                                                                                                      \
		store(out, r);                                                                                         \
	}
#define VNARROW(code, id, text, in, to, expr)                                                                          \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px), b = load(py), r;                                                              \
		UNUSED_Z, UNUSED_LANE;                                                                                 \
		FOR_LANES(to)                                                                                          \
		{                                                                                                      \
			lane_##in x = i < LANES(in) ? a.in[i] : b.in[i - LANES(in)];                                   \
			r.to[i] = (lane_##to)(expr);                                                                   \
		}                                                                                                      \
		store(out, r);                                                                                         \
	}

/* ---- to and from scalars ---- */

#define VANY(code, id, text)                                                                                           \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px);                                                                               \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		put_slot(out, (a.u64[0] | a.u64[1]) != 0);                                                             \
	}
#define VALL(code, id, text, lanes)                                                                                    \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px);                                                                               \
		bool all = true;                                                                                       \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		FOR_LANES(lanes)                                                                                       \
		all = all && a.lanes[i] != 0;                                                                          \
		put_slot(out, all);                                                                                    \
	}
#define VMASK(code, id, text, lanes)                                                                                   \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px);                                                                               \
		uint32_t mask = 0;                                                                                     \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		FOR_LANES(lanes)                                                                                       \
		mask |= (uint32_t)(a.lanes[i] < 0) << i;                                                               \
		put_slot(out, mask);                                                                                   \
	}
#define VSPLAT(code, id, text, type, lanes)                                                                            \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 r;                                                                                          \
		lane_##lanes x = (lane_##lanes)scalar_##type(slot(px));                                                \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		FOR_LANES(lanes)                                                                                       \
		r.lanes[i] = x;                                                                                        \
		store(out, r);                                                                                         \
	}
#define VEXTRACT(code, id, text, lanes, type)                                                                          \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px);                                                                               \
		UNUSED_Y, UNUSED_Z;                                                                                    \
		put_slot(out, slot_##type(a.lanes[lane % LANES(lanes)]));                                              \
	}
#define VREPLACE(code, id, text, lanes, type)                                                                          \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 r = load(px);                                                                               \
		UNUSED_Z;                                                                                              \
		r.lanes[lane % LANES(lanes)] = (lane_##lanes)scalar_##type(slot(py));                                  \
		store(out, r);                                                                                         \
	}

/* ---- memory ---- */

#define VLOAD(code, id, text)                                                                                          \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		store(out, load(px));                                                                                  \
	}
#define VSTORE(code, id, text) VLOAD(code, id, text)
#define VLOAD_EXTEND(code, id, text, in, to)                                                                           \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a, r;                                                                                       \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		copy_small(&a, px, 8);                                                                                 \
		FOR_LANES(to)                                                                                          \
		r.to[i] = a.in[i];                                                                                     \
		store(out, r);                                                                                         \
	}
#define VLOAD_SPLAT(code, id, text, lanes)                                                                             \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 r;                                                                                          \
		lane_##lanes x;                                                                                        \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		copy_small(&x, px, sizeof x);                                                                          \
		FOR_LANES(lanes)                                                                                       \
		r.lanes[i] = x;                                                                                        \
		store(out, r);                                                                                         \
	}
#define VLOAD_ZERO(code, id, text, lanes)                                                                              \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 r = {{0}};                                                                                  \
		UNUSED_Y, UNUSED_Z, UNUSED_LANE;                                                                       \
		copy_small(&r, px, sizeof(lane_##lanes));                                                              \
		store(out, r);                                                                                         \
	}
#define VLOAD_LANE(code, id, text, lanes)                                                                              \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 r = load(py);                                                                               \
		UNUSED_Z;                                                                                              \
		copy_small(&r.lanes[lane % LANES(lanes)], px, sizeof(lane_##lanes));                                   \
		store(out, r);                                                                                         \
	}
#define VSTORE_LANE(code, id, text, lanes)                                                                             \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px);                                                                               \
		UNUSED_Y, UNUSED_Z;                                                                                    \
		copy_small(out, &a.lanes[lane % LANES(lanes)], sizeof(lane_##lanes));                                  \
	}

/* ---- by hand ---- */

RUN(i8x16_swizzle)
{
	union v128 a = load(px), b = load(py), r;

	UNUSED_Z, UNUSED_LANE;
	FOR_LANES(u8)
	r.u8[i] = b.u8[i] < 16 ? a.u8[b.u8[i]] : 0;
	store(out, r);
}

RUN(i32x4_dot_i16x8_s)
{
	union v128 a = load(px), b = load(py), r;

	UNUSED_Z, UNUSED_LANE;
	FOR_LANES(u32)
	r.u32[i] = (uint32_t)(a.s16[2 * i] * b.s16[2 * i]) + (uint32_t)(a.s16[2 * i + 1] * b.s16[2 * i + 1]);
	store(out, r);
}

#define VSELECT(code, id, text)                                                                                        \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px), b = load(py), c = load(pz), r;                                                \
		UNUSED_LANE;                                                                                           \
		FOR_LANES(u64)                                                                                         \
		r.u64[i] = (a.u64[i] & c.u64[i]) | (b.u64[i] & ~c.u64[i]);                                             \
		store(out, r);                                                                                         \
	}
#define VSHUFFLE(code, id, text)                                                                                       \
	RUN(id)                                                                                                        \
	{                                                                                                              \
		union v128 a = load(px), b = load(py), c = load(pz), r;                                                \
		UNUSED_LANE;                                                                                           \
		FOR_LANES(u8)                                                                                          \
		r.u8[i] = c.u8[i] < 16 ? a.u8[c.u8[i]] : b.u8[c.u8[i] % 16];                                           \
		store(out, r);                                                                                         \
	}

#include "lib/wasm/simd.def"

/* ---- the table ---- */

#define ROW(code, id, text, shape, scalar, size) [code] = {text, run_##id, shape, scalar, size},

const struct simd_op simd_ops[SIMD_COUNT] = {
#define V1(code, id, text, ...)              ROW(code, id, text, SIMD_UNARY, 0, 0)
#define V2(code, id, text, ...)              ROW(code, id, text, SIMD_BINARY, 0, 0)
#define VCMP(code, id, text, ...)            ROW(code, id, text, SIMD_BINARY, 0, 0)
#define VSHIFT(code, id, text, ...)          ROW(code, id, text, SIMD_SHIFT, WASM_I32, 0)
#define VWIDEN1(code, id, text, ...)         ROW(code, id, text, SIMD_UNARY, 0, 0)
#define VWIDEN2(code, id, text, ...)         ROW(code, id, text, SIMD_BINARY, 0, 0)
#define VPAIRS(code, id, text, ...)          ROW(code, id, text, SIMD_UNARY, 0, 0)
#define VNARROW(code, id, text, ...)         ROW(code, id, text, SIMD_BINARY, 0, 0)
#define VHAND2(code, id, text)               ROW(code, id, text, SIMD_BINARY, 0, 0)
#define VSELECT(code, id, text)              ROW(code, id, text, SIMD_TERNARY, 0, 0)
#define VSHUFFLE(code, id, text)             ROW(code, id, text, SIMD_SHUFFLE, 0, 0)
#define VCONST(code, id, text)               [code] = {text, NULL, SIMD_CONST, 0, 0},
#define VANY(code, id, text)                 ROW(code, id, text, SIMD_TEST, WASM_I32, 0)
#define VALL(code, id, text, lane)           ROW(code, id, text, SIMD_TEST, WASM_I32, 0)
#define VMASK(code, id, text, lane)          ROW(code, id, text, SIMD_TEST, WASM_I32, 0)
#define VSPLAT(code, id, text, type, lane)   ROW(code, id, text, SIMD_SPLAT, WASM_##type, sizeof(lane_##lane))
#define VEXTRACT(code, id, text, lane, type) ROW(code, id, text, SIMD_EXTRACT, WASM_##type, sizeof(lane_##lane))
#define VREPLACE(code, id, text, lane, type) ROW(code, id, text, SIMD_REPLACE, WASM_##type, sizeof(lane_##lane))
#define VLOAD(code, id, text)                ROW(code, id, text, SIMD_LOAD, WASM_I32, 16)
#define VSTORE(code, id, text)               ROW(code, id, text, SIMD_STORE, WASM_I32, 16)
#define VLOAD_EXTEND(code, id, text, in, to) ROW(code, id, text, SIMD_LOAD, WASM_I32, 8)
#define VLOAD_SPLAT(code, id, text, lane)    ROW(code, id, text, SIMD_LOAD, WASM_I32, sizeof(lane_##lane))
#define VLOAD_ZERO(code, id, text, lane)     ROW(code, id, text, SIMD_LOAD, WASM_I32, sizeof(lane_##lane))
#define VLOAD_LANE(code, id, text, lane)     ROW(code, id, text, SIMD_LOAD_LANE, WASM_I32, sizeof(lane_##lane))
#define VSTORE_LANE(code, id, text, lane)    ROW(code, id, text, SIMD_STORE_LANE, WASM_I32, sizeof(lane_##lane))
#include "lib/wasm/simd.def"
};
