/* SPDX-License-Identifier: Apache-2.0 */
/* A v128 as lanes, for the expressions in the rows of simd.def. */
#ifndef BROCH_WASM_LANES_H
#define BROCH_WASM_LANES_H

#include "lib/wasm/number.h"

typedef uint8_t lane_u8;
typedef int8_t lane_s8;
typedef uint16_t lane_u16;
typedef int16_t lane_s16;
typedef uint32_t lane_u32;
typedef int32_t lane_s32;
typedef uint64_t lane_u64;
typedef int64_t lane_s64;
typedef float lane_f32;
typedef double lane_f64;

union v128 {
	uint8_t u8[16];
	int8_t s8[16];
	uint16_t u16[8];
	int16_t s16[8];
	uint32_t u32[4];
	int32_t s32[4];
	uint64_t u64[2];
	int64_t s64[2];
	float f32[4];
	double f64[2];
};

#define LANES(lane)     (sizeof(union v128) / sizeof(lane_##lane))
#define FOR_LANES(lane) for (size_t i = 0; i < LANES(lane); i++)

static inline union v128 load(const void *from)
{
	union v128 v;

	copy_small(&v, from, sizeof v);
	return v;
}

static inline void store(void *to, union v128 v)
{
	copy_small(to, &v, sizeof v);
}

static inline int32_t clamp(int32_t x, int32_t low, int32_t high)
{
	return x < low ? low : x > high ? high : x;
}

#define sat_s8(x)  clamp(x, INT8_MIN, INT8_MAX)
#define sat_u8(x)  clamp(x, 0, UINT8_MAX)
#define sat_s16(x) clamp(x, INT16_MIN, INT16_MAX)
#define sat_u16(x) clamp(x, 0, UINT16_MAX)

/* The result, an expression with x and y, of each lane from `first` on of two vectors, which are read before it is written. */
#define OF_TWO_VECTORS(out, px, py, in, to, first, result)                                                             \
	do {                                                                                                           \
		union v128 a = load(px), b = load(py), r;                                                              \
		FOR_LANES(to)                                                                                          \
		{                                                                                                      \
			lane_##in x = a.in[i + (first)], y = b.in[i + (first)];                                        \
			r.to[i] = (lane_##to)(result);                                                                 \
		}                                                                                                      \
		store(out, r);                                                                                         \
	} while (0)

/* The same of one vector and a distance, of which only what is less than a lane's bits counts. */
#define SHIFTED_VECTOR(out, px, distance, lanes, result)                                                               \
	do {                                                                                                           \
		union v128 a = load(px), r;                                                                            \
		uint32_t n = (distance) % (8 * sizeof(lane_##lanes));                                                  \
		FOR_LANES(lanes)                                                                                       \
		{                                                                                                      \
			lane_##lanes x = a.lanes[i];                                                                   \
			r.lanes[i] = (lane_##lanes)(result);                                                           \
		}                                                                                                      \
		store(out, r);                                                                                         \
	} while (0)

#endif
