/* SPDX-License-Identifier: Apache-2.0 */
#include "test/tiers/vectors.h"

#include "lib/wasm/simd.h"
#include "lib/wasm/wasm.h"

#include <string.h>

enum { I32 = WASM_I32, I64 = WASM_I64, F32 = WASM_F32, F64 = WASM_F64, V128 = WASM_V128 };
/* Functions 0 to HELPERS - 1 take two vectors and give one; each calls those before it. */
enum { HELPERS = 3, SIZE_LIMIT = 2500, VECTORS = 4, ROUNDS = 5, FUNCTIONS = 6 };
/* The locals of exported functions begin with the parameters, those of helpers with two vectors. */
enum { PARAMS = 4, FIRST_VECTOR = PARAMS, HELPER_VECTORS = 2 };

struct generator {
	uint64_t random;
	uint8_t *out;
	uint32_t size, limit;
	uint32_t function;                /* at hand */
	uint32_t first, vectors, scratch; /* locals: vectors from `first` on; one for canonical() */
	uint32_t counter;
};

static void vector(struct generator *g, unsigned depth);

static uint32_t pick(struct generator *g, uint32_t n)
{
	g->random ^= g->random << 13;
	g->random ^= g->random >> 7;
	g->random ^= g->random << 17;
	return (uint32_t)(g->random >> 20) % n;
}

static void byte(struct generator *g, unsigned b)
{
	CHECK(g->size < GENERATE_MAX);
	g->out[g->size++] = (uint8_t)b;
}

static void bytes(struct generator *g, const void *p, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		byte(g, ((const uint8_t *)p)[i]);
}

static void leb(struct generator *g, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		byte(g, v | 0x80);
	byte(g, v);
}

static void sleb(struct generator *g, int64_t v)
{
	while (v < -64 || v > 63) {
		byte(g, (unsigned)(v & 0x7f) | 0x80);
		v >>= 7;
	}
	byte(g, (unsigned)(v & 0x7f));
}

static void with_index(struct generator *g, unsigned opcode, uint32_t index)
{
	byte(g, opcode);
	leb(g, index);
}

static void simd(struct generator *g, uint32_t op)
{
	byte(g, 0xfd);
	leb(g, op);
}

/* ---- constants ---- */

/* Whole numbers at their edges, floats and doubles at theirs, or anything. */
static uint64_t lanes(struct generator *g)
{
	static const float floats[] = {0.0f,          -0.0f,          0.5f,   -2.5f, 127.5f,
	                               2147483648.0f, -4294967296.0f, 1e-40f, 3e38f, 1.0f / 3};
	static const uint64_t edges[] = {0,
	                                 1,
	                                 0x7f,
	                                 0x80,
	                                 0xff,
	                                 0x7fff,
	                                 0x8000,
	                                 0xffff,
	                                 0x0101,
	                                 0x7fffffff,
	                                 UINT32_MAX,
	                                 0x80000000,
	                                 INT64_MAX,
	                                 1ull << 63,
	                                 UINT64_MAX,
	                                 0x7ff0000000000000,
	                                 0x7ff8000000000001,
	                                 0x7f800000};
	float f = floats[pick(g, ARRAY_COUNT(floats))];
	double d = pick(g, 4) == 0 ? (double)f * 1e200 : (double)f;
	uint64_t v = edges[pick(g, ARRAY_COUNT(edges))];
	uint32_t half;

	switch (pick(g, 6)) {
	case 0: memcpy(&half, &f, 4); return (uint64_t)half << 32 | half;
	case 1: memcpy(&v, &d, 8); return v;
	case 2: return (v & 0xff) * 0x0101010101010101u;
	case 3: return (v & 0xffff) * 0x0001000100010001u;
	case 4: return (uint64_t)pick(g, UINT32_MAX) << 32 | pick(g, UINT32_MAX);
	default: return v;
	}
}

static void vector_constant(struct generator *g)
{
	const uint64_t v[2] = {lanes(g), lanes(g)};

	simd(g, 0x0c);
	bytes(g, v, sizeof v);
}

static void constant(struct generator *g, uint8_t type)
{
	const uint64_t v = lanes(g);

	switch (type) {
	case I32:
		byte(g, 0x41);
		sleb(g, (int32_t)v);
		return;
	case I64:
		byte(g, 0x42);
		sleb(g, (int64_t)v);
		return;
	case F32:
		byte(g, 0x43);
		bytes(g, &v, 4);
		return;
	default: byte(g, 0x44); bytes(g, &v, 8);
	}
}

/* ---- instructions of the table ---- */

/* Lane size of floats that arithmetic may have made a NaN of; 0: every bit is defined. */
static unsigned float_result(uint32_t op)
{
	if (op == 0x5e || (op >= 0x67 && op <= 0x6a) || (op >= 0xe3 && op <= 0xe9))
		return 4;
	return op == 0x5f || op == 0x74 || op == 0x75 || op == 0x7a || op == 0x94 || (op >= 0xef && op <= 0xf5) ? 8 : 0;
}

/* Each lane that is a NaN becomes one with known bits. */
static void canonical(struct generator *g, unsigned lane_size)
{
	const uint64_t nan = lane_size == 4 ? 0x7fc000007fc00000 : 0x7ff8000000000000, both[2] = {nan, nan};

	with_index(g, 0x22, g->scratch);
	simd(g, 0x0c);
	bytes(g, both, sizeof both);
	with_index(g, 0x20, g->scratch);
	with_index(g, 0x20, g->scratch);
	simd(g, lane_size == 4 ? 0x41 : 0x47);
	simd(g, 0x52);
}

static uint32_t any_of(struct generator *g, uint32_t shapes, uint8_t scalar)
{
	for (;;) {
		uint32_t op = pick(g, SIMD_COUNT);

		if ((shapes >> simd_ops[op].shape & 1) != 0 && (scalar == 0 || simd_ops[op].scalar == scalar))
			return op;
	}
}

static void scalar(struct generator *g, uint8_t type, unsigned depth)
{
	uint32_t op;

	if (depth == 0 || g->size > g->limit) {
		if (g->first == FIRST_VECTOR && pick(g, 2) == 0)
			with_index(g, 0x20, type == I32 ? 0 : type == I64 ? 1 : type == F32 ? 2 : 3);
		else
			constant(g, type);
		return;
	}
	op = type == I32 && pick(g, 2) == 0 ? any_of(g, 1u << SIMD_TEST, 0) : any_of(g, 1u << SIMD_EXTRACT, type);
	vector(g, depth - 1);
	simd(g, op);
	if (simd_ops[op].shape == SIMD_EXTRACT)
		byte(g, pick(g, 16u / simd_ops[op].size));
}

/* Mostly inside of the memory, of one page. */
static void address(struct generator *g, unsigned depth)
{
	scalar(g, I32, depth);
	if (pick(g, 40) == 0)
		return;
	byte(g, 0x41);
	sleb(g, pick(g, 30) == 0 ? 0xffff : 0xff);
	byte(g, 0x71);
}

static void access(struct generator *g, uint32_t op)
{
	unsigned most = 0;

	while (2u << most <= simd_ops[op].size)
		most++;
	simd(g, op);
	leb(g, pick(g, most + 1));
	leb(g, pick(g, 3) == 0 ? pick(g, 300) : 0);
	if (simd_ops[op].shape == SIMD_LOAD_LANE || simd_ops[op].shape == SIMD_STORE_LANE)
		byte(g, pick(g, 16u / simd_ops[op].size));
}

static void operation(struct generator *g, unsigned depth)
{
	const uint32_t shapes = 1u << SIMD_UNARY | 1u << SIMD_BINARY | 1u << SIMD_TERNARY | 1u << SIMD_SHIFT |
	                        1u << SIMD_SPLAT | 1u << SIMD_REPLACE | 1u << SIMD_SHUFFLE | 1u << SIMD_LOAD |
	                        1u << SIMD_LOAD_LANE;
	const uint32_t op = any_of(g, shapes, 0);
	const unsigned shape = simd_ops[op].shape;

	if (shape == SIMD_LOAD || shape == SIMD_LOAD_LANE) {
		address(g, depth);
		if (shape == SIMD_LOAD_LANE)
			vector(g, depth);
		access(g, op);
		return;
	}
	if (shape == SIMD_SPLAT) {
		scalar(g, simd_ops[op].scalar, depth);
		simd(g, op);
		return;
	}
	vector(g, depth);
	if (shape == SIMD_BINARY || shape == SIMD_TERNARY || shape == SIMD_SHUFFLE)
		vector(g, depth);
	if (shape == SIMD_TERNARY)
		vector(g, depth);
	if (shape == SIMD_SHIFT || shape == SIMD_REPLACE)
		scalar(g, shape == SIMD_SHIFT ? I32 : simd_ops[op].scalar, depth);
	simd(g, op);
	if (shape == SIMD_REPLACE)
		byte(g, pick(g, 16u / simd_ops[op].size));
	for (unsigned i = 0; i < 16 && shape == SIMD_SHUFFLE; i++)
		byte(g, pick(g, 32));
	if (float_result(op) != 0)
		canonical(g, float_result(op));
}

/* ---- vectors ---- */

static uint32_t any_vector(struct generator *g)
{
	return g->first + pick(g, g->vectors);
}

/* A block or an if that gives a vector, perhaps by a branch. */
static void block(struct generator *g, unsigned depth)
{
	bool has_else = pick(g, 2) == 0;

	if (has_else)
		scalar(g, I32, depth);
	byte(g, has_else ? 0x04 : 0x02);
	byte(g, V128);
	vector(g, depth);
	if (!has_else || pick(g, 2) == 0) {
		scalar(g, I32, depth);
		with_index(g, 0x0d, 0);
	}
	if (has_else) {
		byte(g, 0x1a);
		vector(g, depth);
		byte(g, 0x05);
		vector(g, depth);
	}
	byte(g, 0x0b);
}

static void call(struct generator *g, unsigned depth)
{
	vector(g, depth);
	vector(g, depth);
	with_index(g, 0x10, pick(g, g->function < HELPERS ? g->function : HELPERS));
}

static void vector(struct generator *g, unsigned depth)
{
	if (depth == 0 || g->size > g->limit) {
		if (pick(g, 3) == 0)
			vector_constant(g);
		else
			with_index(g, 0x20, any_vector(g));
		return;
	}
	depth--;
	switch (pick(g, 16)) {
	case 0: with_index(g, 0x20, any_vector(g)); return;
	case 1: vector_constant(g); return;
	case 2: with_index(g, 0x23, 1); return;
	case 3:
		vector(g, depth);
		with_index(g, 0x22, any_vector(g));
		return;
	case 4:
		vector(g, depth);
		vector(g, depth);
		scalar(g, I32, depth);
		byte(g, 0x1b);
		return;
	case 5: block(g, depth); return;
	case 6:
		if (g->function > 0) {
			call(g, depth);
			return;
		}
		break;
	default: break;
	}
	operation(g, depth);
}

/* ---- statements ---- */

static void statement(struct generator *g, unsigned depth)
{
	uint32_t op;

	switch (pick(g, 4)) {
	case 0:
		op = any_of(g, 1u << SIMD_STORE | 1u << SIMD_STORE_LANE, 0);
		address(g, depth);
		vector(g, depth);
		access(g, op);
		return;
	case 1:
		vector(g, depth);
		with_index(g, 0x24, 1);
		return;
	default: vector(g, depth); with_index(g, 0x21, any_vector(g));
	}
}

static void loop(struct generator *g)
{
	byte(g, 0x41);
	byte(g, 0);
	with_index(g, 0x21, g->counter);
	byte(g, 0x03);
	byte(g, 0x40);
	for (uint32_t n = pick(g, 3) + 1; n > 0; n--)
		statement(g, 3);
	with_index(g, 0x20, g->counter);
	byte(g, 0x41);
	byte(g, 1);
	byte(g, 0x6a);
	with_index(g, 0x22, g->counter);
	byte(g, 0x41);
	byte(g, ROUNDS);
	byte(g, 0x48);
	with_index(g, 0x0d, 0);
	byte(g, 0x0b);
}

/* ---- the module ---- */

/* A section or body whose size is known when it ends: five bytes are kept for it. */
static uint32_t begin_sized(struct generator *g)
{
	uint32_t at = g->size;

	for (unsigned i = 0; i < 5; i++)
		byte(g, 0);
	return at;
}

static void end_sized(struct generator *g, uint32_t at)
{
	uint32_t size = g->size - at - 5;

	for (unsigned i = 0; i < 5; i++)
		g->out[at + i] = (uint8_t)((size >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
}

static void body(struct generator *g, uint32_t function, uint8_t result)
{
	uint32_t at = begin_sized(g);

	g->function = function;
	g->first = function < HELPERS ? 0 : FIRST_VECTOR;
	g->vectors = (function < HELPERS ? HELPER_VECTORS : 0) + VECTORS;
	g->scratch = g->first + g->vectors;
	g->counter = g->scratch + 1;
	g->limit = g->size + SIZE_LIMIT;
	leb(g, 2);
	leb(g, VECTORS + 1);
	byte(g, V128);
	leb(g, 1);
	byte(g, I32);
	for (uint32_t n = pick(g, 3) + (function >= HELPERS); n > 0; n--)
		statement(g, 4);
	if (function >= HELPERS && pick(g, 2) == 0)
		loop(g);
	if (function < HELPERS)
		vector(g, 3);
	else
		scalar(g, result, 4);
	byte(g, 0x0b);
	end_sized(g, at);
}

static void exports(struct generator *g)
{
	uint32_t at;

	byte(g, 7);
	at = begin_sized(g);
	leb(g, FUNCTIONS + 2);
	for (unsigned i = 0; i < FUNCTIONS + 2; i++) {
		const unsigned kind = i < FUNCTIONS ? 0 : i == FUNCTIONS ? 3 : 2;

		byte(g, 2);
		byte(g, kind == 0 ? 'f' : kind == 3 ? 'g' : 'm');
		byte(g, '0' + (kind == 0 ? i : 0));
		byte(g, kind);
		leb(g, kind == 0 ? HELPERS + i : 0);
	}
	end_sized(g, at);
}

/* Types, functions, a memory of one page, the global that run.c sets and one vector. */
static void head(struct generator *g, const uint8_t results[static FUNCTIONS])
{
	static const uint8_t start[] = {0, 'a', 's', 'm', 1, 0, 0, 0}, helper[] = {0x60, 2, V128, V128, 1, V128};
	static const uint8_t rest[] = {5, 3, 1, 0, 1, 6, 27, 2, I32, 1, 0x41, 0, 0x0b, V128, 1};
	uint32_t at;

	bytes(g, start, sizeof start);
	byte(g, 1);
	at = begin_sized(g);
	leb(g, 5);
	bytes(g, helper, sizeof helper);
	for (unsigned type = F64; type <= I32; type++) {
		const uint8_t number[] = {0x60, 4, I32, I64, F32, F64, 1, (uint8_t)type};

		bytes(g, number, sizeof number);
	}
	end_sized(g, at);
	byte(g, 3);
	at = begin_sized(g);
	leb(g, HELPERS + FUNCTIONS);
	for (unsigned i = 0; i < HELPERS + FUNCTIONS; i++)
		leb(g, i < HELPERS ? 0 : results[i - HELPERS] - (uint32_t)F64 + 1);
	end_sized(g, at);
	bytes(g, rest, sizeof rest);
	vector_constant(g);
	byte(g, 0x0b);
}

struct slice generate_vectors(uint64_t seed, uint8_t out[static GENERATE_MAX])
{
	struct generator g = {.random = seed * 0x9e3779b97f4a7c15u + 1, .out = out};
	uint8_t results[FUNCTIONS];
	uint32_t at;

	for (unsigned i = 0; i < 20; i++)
		pick(&g, 2);
	for (unsigned i = 0; i < FUNCTIONS; i++)
		results[i] = (uint8_t)(F64 + pick(&g, 4));
	head(&g, results);
	exports(&g);
	byte(&g, 10);
	at = begin_sized(&g);
	leb(&g, HELPERS + FUNCTIONS);
	for (uint32_t i = 0; i < HELPERS + FUNCTIONS; i++)
		body(&g, i, i < HELPERS ? V128 : results[i - HELPERS]);
	end_sized(&g, at);
	return slice_of(out, g.size);
}
