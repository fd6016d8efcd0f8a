/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Number semantics of WebAssembly where they differ from C's (section 4.3 of the specification), without libm: what C
 * leaves undefined is defined here. Needs IEEE 754 arithmetic in the width of the type, which SSE2 gives.
 */
#ifndef BROCH_WASM_NUMBER_H
#define BROCH_WASM_NUMBER_H

#include "lib/base/attr.h"

#include <emmintrin.h>

static inline float f32_of(uint32_t bits)
{
	float f;

	copy_small(&f, &bits, sizeof f);
	return f;
}

static inline double f64_of(uint64_t bits)
{
	double f;

	copy_small(&f, &bits, sizeof f);
	return f;
}

static inline uint32_t bits32(float f)
{
	uint32_t bits;

	copy_small(&bits, &f, sizeof bits);
	return bits;
}

static inline uint64_t bits64(double f)
{
	uint64_t bits;

	copy_small(&bits, &f, sizeof bits);
	return bits;
}

static inline uint32_t clz32(uint32_t x)
{
	return x == 0 ? 32 : (uint32_t)__builtin_clz(x);
}

static inline uint32_t ctz32(uint32_t x)
{
	return x == 0 ? 32 : (uint32_t)__builtin_ctz(x);
}

static inline uint64_t clz64(uint64_t x)
{
	return x == 0 ? 64 : (uint64_t)__builtin_clzll(x);
}

static inline uint64_t ctz64(uint64_t x)
{
	return x == 0 ? 64 : (uint64_t)__builtin_ctzll(x);
}

static inline bool power_of_two(uint64_t x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

/* Sums of bits in ever wider fields: the builtin would call a library function. */
static inline uint64_t popcnt64(uint64_t x)
{
	x -= x >> 1 & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return x * 0x0101010101010101u >> 56;
}

static inline uint32_t popcnt32(uint32_t x)
{
	return (uint32_t)popcnt64(x);
}

static inline uint32_t rotl32(uint32_t x, uint32_t n)
{
	return x << (n & 31) | x >> (-n & 31);
}

static inline uint64_t rotl64(uint64_t x, uint64_t n)
{
	return x << (n & 63) | x >> (-n & 63);
}

/* The smallest integer has no remainder by -1 in C. */
static inline uint32_t rem_s32(uint32_t x, uint32_t y)
{
	return y == UINT32_MAX ? 0 : (uint32_t)((int32_t)x % (int32_t)y);
}

static inline uint64_t rem_s64(uint64_t x, uint64_t y)
{
	return y == UINT64_MAX ? 0 : (uint64_t)((int64_t)x % (int64_t)y);
}

static inline float sqrt32(float x)
{
	return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}

static inline double sqrt64(double x)
{
	return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_setzero_pd(), _mm_set_sd(x)));
}

static inline float sign_of32(float x, float of)
{
	return f32_of((bits32(x) & 0x7fffffffu) | (bits32(of) & 0x80000000u));
}

static inline double sign_of64(double x, double of)
{
	return f64_of((bits64(x) & ~(1ull << 63)) | (bits64(of) & 1ull << 63));
}

/* A signalling NaN becomes quiet. Done on the bits: a compiler may drop x + 0. */
static inline float quiet32(float x)
{
	return x != x ? f32_of(bits32(x) | 0x00400000u) : x;
}

static inline double quiet64(double x)
{
	return x != x ? f64_of(bits64(x) | 1ull << 51) : x;
}

/*
 * Rounding: from 2^23 (2^52) on every value is an integer already, infinities and NaN included. Below, the conversion to an integer truncates exactly; the sign of a zero result is that of x.
 */
static inline float trunc32(float x)
{
	if (!(x < 8388608.0f && x > -8388608.0f))
		return quiet32(x);
	return sign_of32((float)(int32_t)x, x);
}

static inline double trunc64(double x)
{
	if (!(x < 4503599627370496.0 && x > -4503599627370496.0))
		return quiet64(x);
	return sign_of64((double)(int64_t)x, x);
}

static inline float floor32(float x)
{
	float t = trunc32(x);

	return t > x ? sign_of32(t - 1.0f, x) : t;
}

static inline double floor64(double x)
{
	double t = trunc64(x);

	return t > x ? sign_of64(t - 1.0, x) : t;
}

static inline float ceil32(float x)
{
	float t = trunc32(x);

	return t < x ? sign_of32(t + 1.0f, x) : t;
}

static inline double ceil64(double x)
{
	double t = trunc64(x);

	return t < x ? sign_of64(t + 1.0, x) : t;
}

/* Adding 2^23 (2^52) leaves no room for a fraction, so the addition itself rounds to nearest, ties to even. */
static inline float nearest32(float x)
{
	volatile float big = sign_of32(8388608.0f, x);

	if (!(x < 8388608.0f && x > -8388608.0f))
		return quiet32(x);
	return sign_of32((x + big) - big, x);
}

static inline double nearest64(double x)
{
	volatile double big = sign_of64(4503599627370496.0, x);

	if (!(x < 4503599627370496.0 && x > -4503599627370496.0))
		return quiet64(x);
	return sign_of64((x + big) - big, x);
}

/* A NaN operand wins; of two zeros of different sign, min is the negative and max the positive one. */
static inline float min32(float x, float y)
{
	if (x == y)
		return f32_of(bits32(x) | bits32(y));
	return x < y ? x : y < x ? y : x + y;
}

static inline float max32(float x, float y)
{
	if (x == y)
		return f32_of(bits32(x) & bits32(y));
	return x > y ? x : y > x ? y : x + y;
}

static inline double min64(double x, double y)
{
	if (x == y)
		return f64_of(bits64(x) | bits64(y));
	return x < y ? x : y < x ? y : x + y;
}

static inline double max64(double x, double y)
{
	if (x == y)
		return f64_of(bits64(x) & bits64(y));
	return x > y ? x : y > x ? y : x + y;
}

/* Saturating truncation; NaN is 0. A float converts to double exactly, so one version is enough. */
static inline uint32_t sat_s32(double x)
{
	if (x != x)
		return 0;
	if (x <= -2147483648.0)
		return 0x80000000u;
	return x >= 2147483647.0 ? 0x7fffffffu : (uint32_t)(int32_t)x;
}

static inline uint32_t sat_u32(double x)
{
	if (!(x > 0.0))
		return 0;
	return x >= 4294967295.0 ? UINT32_MAX : (uint32_t)x;
}

static inline uint64_t sat_s64(double x)
{
	if (x != x)
		return 0;
	if (x <= -9223372036854775808.0)
		return 1ull << 63;
	return x >= 9223372036854775808.0 ? INT64_MAX : (uint64_t)(int64_t)x;
}

static inline uint64_t sat_u64(double x)
{
	if (!(x > 0.0))
		return 0;
	return x >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)x;
}

#endif
