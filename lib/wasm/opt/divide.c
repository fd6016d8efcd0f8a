/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Division by a constant d becomes the upper part of a product: x / d is x * m / 2^(w+s), rounded down, for numbers of w bits
 * and m = floor(2^(w+s) / d) + 1, where m exceeds 2^(w+s) / d by so little that its error, times the largest x, stays below
 * one part (Granlund and Montgomery, "Division by invariant integers using multiplication"). The smallest s will do. The rest
 * is what the quotient leaves.
 */
#include "lib/wasm/opt/ir.h"

#include "lib/wasm/number.h"

enum { I32 = WASM_I32, I64 = WASM_I64 };
enum { ADD = 0x6a, SUB = 0x6b, MUL = 0x6c, AND = 0x71, SHR_S = 0x75, SHR_U = 0x76, WIDTH_STEP = 0x7c - 0x6a };
enum { WRAP = 0xa7, EXTEND_S = 0xac, EXTEND_U = 0xad };

struct division {
	struct flow *f;
	before_fn *before;
	uint8_t type;
	unsigned bits;
	uint32_t x;
	uint64_t d;
};

static uint32_t apply(const struct division *v, uint32_t op, uint32_t x, uint32_t y)
{
	return v->before(v->f, (uint16_t)(op + (v->type == I64 ? WIDTH_STEP : 0)), v->type, x, y);
}

static uint32_t apply_k(const struct division *v, uint32_t op, uint32_t x, uint64_t k)
{
	return apply(v, op, x, constant(v->f, v->type, k));
}

static uint32_t high(const struct division *v, uint16_t op, uint32_t x, uint64_t m)
{
	return v->before(v->f, op, I64, x, constant(v->f, I64, m));
}

/* upper * 2^64 / d, rounded down; upper < d. */
static uint64_t quotient_of(uint64_t upper, uint64_t d, uint64_t *rest)
{
	uint64_t q = 0, r = upper;

	for (unsigned i = 0; i < 64; i++) {
		bool more = r >> 63 != 0;

		r <<= 1;
		more = more || r >= d;
		q = q << 1 | more;
		r -= more ? d : 0;
	}
	*rest = r;
	return q;
}

/* For 64 bits and d > 2, no power of two: the smallest s, up to which 2^s < d, with an error of at most 2^(s+slack); m, or 0. */
static uint64_t find_factor(uint64_t d, unsigned slack, unsigned *s)
{
	uint64_t rest, q = quotient_of(1, d, &rest);

	for (*s = 0; *s + slack < 64 && UINT64_C(1) << *s < d; ++*s) {
		bool more = rest > (d - 1) / 2;

		if (d - rest <= UINT64_C(1) << (*s + slack) && q != UINT64_MAX)
			return q + 1;
		q = q << 1 | more;
		rest = more ? rest - (d - rest) : rest << 1;
	}
	return 0;
}

/* ---- unsigned ---- */

/* m has 33 bits now and then; then 64 bits of the product are too few, but a factor for 64 bits is exact, and there is no shift. */
static uint32_t divide_u32(const struct division *v)
{
	uint32_t wide = v->before(v->f, EXTEND_U, I64, v->x, 0);
	uint64_t rest;

	for (unsigned s = 0; s < 32 && UINT64_C(1) << s < v->d; s++) {
		uint64_t p = UINT64_C(1) << (32 + s), m = p / v->d + 1;

		if (m > UINT32_MAX || (m * v->d - p) * UINT32_MAX >= p)
			continue;
		wide = v->before(v->f, MUL + WIDTH_STEP, I64, wide, constant(v->f, I64, m));
		wide = v->before(v->f, SHR_U + WIDTH_STEP, I64, wide, constant(v->f, I64, 32 + s));
		return v->before(v->f, WRAP, I32, wide, 0);
	}
	return v->before(v->f, WRAP, I32, high(v, N_HIGH_U, wide, quotient_of(1, v->d, &rest) + 1), 0);
}

/* Where m has 65 bits, an even d is halved, and x with it; for an odd one, x * (m - 2^64) has x added without an overflow. */
static uint32_t divide_u64(const struct division *v)
{
	unsigned s, halves = (unsigned)ctz64(v->d);
	uint64_t m = find_factor(v->d, 0, &s), rest;
	uint32_t t;

	if (m != 0)
		return apply_k(v, SHR_U, high(v, N_HIGH_U, v->x, m), s);
	if (halves > 0) {
		m = find_factor(v->d >> halves, halves, &s);
		return apply_k(v, SHR_U, high(v, N_HIGH_U, apply_k(v, SHR_U, v->x, halves), m), s);
	}
	s = 64 - (unsigned)clz64(v->d);
	m = quotient_of((s < 64 ? UINT64_C(1) << s : 0) - v->d, v->d, &rest) + 1;
	t = high(v, N_HIGH_U, v->x, m);
	return apply_k(v, SHR_U, apply(v, ADD, apply_k(v, SHR_U, apply(v, SUB, v->x, t), 1), t), s - 1);
}

/* ---- signed: towards zero, by the divisor without its sign ---- */

static uint32_t sign_of(const struct division *v)
{
	return apply_k(v, SHR_S, v->x, v->bits - 1);
}

/* Negative numbers get 2^s - 1 first. */
static uint32_t divide_power(const struct division *v)
{
	unsigned s = (unsigned)ctz64(v->d);
	uint32_t most = apply_k(v, SHR_U, sign_of(v), v->bits - s);

	return apply_k(v, SHR_S, apply(v, ADD, v->x, most), s);
}

/* Rounded down: what is negative lacks 1. */
static uint32_t divide_s32(const struct division *v)
{
	for (unsigned s = 0; s < 31; s++) {
		uint64_t p = UINT64_C(1) << (32 + s), m = p / v->d + 1;
		uint32_t wide;

		if (m > UINT32_MAX || (m * v->d - p) << 31 >= p)
			continue;
		wide = v->before(v->f, EXTEND_S, I64, v->x, 0);
		wide = v->before(v->f, MUL + WIDTH_STEP, I64, wide, constant(v->f, I64, m));
		wide = v->before(v->f, SHR_S + WIDTH_STEP, I64, wide, constant(v->f, I64, 32 + s));
		return v->before(v->f, WRAP, I32, wide, 0);
	}
	return 0;
}

/* The same; the factor is taken with a sign, by which the product may lack x. */
static uint32_t divide_s64(const struct division *v)
{
	unsigned s;
	uint64_t m = find_factor(v->d, 1, &s);
	uint32_t q = high(v, N_HIGH_S, v->x, m);

	if (m == 0)
		return 0;
	if (m >> 63 != 0)
		q = apply(v, ADD, q, v->x);
	return apply_k(v, SHR_S, q, s);
}

static uint32_t divide_signed(const struct division *v, bool negative)
{
	uint32_t q, sign;

	if (power_of_two(v->d)) {
		q = divide_power(v);
		return negative ? apply(v, SUB, constant(v->f, v->type, 0), q) : q;
	}
	q = v->type == I64 ? divide_s64(v) : divide_s32(v);
	if (q == 0)
		return 0;
	sign = sign_of(v);
	return negative ? apply(v, SUB, sign, q) : apply(v, SUB, q, sign);
}

/* ---- all ---- */

static uint32_t divide_unsigned(const struct division *v)
{
	if (power_of_two(v->d))
		return apply_k(v, SHR_U, v->x, ctz64(v->d));
	return v->type == I64 ? divide_u64(v) : divide_u32(v);
}

/* Of two constants. */
static uint32_t fold_division(const struct division *v, uint64_t x, bool is_signed, bool remainder)
{
	int64_t sx = v->type == I64 ? (int64_t)x : (int32_t)(uint32_t)x;
	int64_t sd = v->type == I64 ? (int64_t)v->d : (int32_t)(uint32_t)v->d;

	if (!is_signed)
		return constant(v->f, v->type, remainder ? x % v->d : x / v->d);
	return constant(v->f, v->type, (uint64_t)(remainder ? sx % sd : sx / sd));
}

/* div_s div_u rem_s rem_u. Divisors of 0 and -1 are left alone: they may trap, and stand for themselves. */
uint32_t simplify_division(struct flow *f, const struct node *n, before_fn *before)
{
	const unsigned bits = n->type == I64 ? 64 : 32, which = n->op - (n->type == I64 ? 0x7fu : 0x6du);
	const bool is_signed = which % 2 == 0, remainder = which >= 2;
	const uint64_t k = f->nodes[n->in[1]].k, ones = n->type == I64 ? UINT64_MAX : UINT32_MAX;
	const bool negative = is_signed && k >> (bits - 1) != 0;
	struct division v = {f, before, n->type, bits, n->in[0], k};
	uint32_t q;

	if (!is_const(f, n->in[1]) || k == 0 || (is_signed && k == ones))
		return 0;
	if (is_const(f, v.x))
		return fold_division(&v, f->nodes[v.x].k, is_signed, remainder);
	if (!is_signed && remainder && power_of_two(k))
		return apply_k(&v, AND, v.x, k - 1);
	v.d = negative ? (0 - k) & ones : k;
	if (v.d == 1)
		return remainder ? constant(f, n->type, 0) : v.x;
	q = is_signed ? divide_signed(&v, negative) : divide_unsigned(&v);
	if (q == 0 || f->failed)
		return 0;
	return remainder ? apply(&v, SUB, v.x, apply_k(&v, MUL, q, k)) : q;
}
