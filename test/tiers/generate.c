/* SPDX-License-Identifier: Apache-2.0 */
#include "test/tiers/generate.h"

#include "lib/wasm/wasm.h"

#include <string.h>

enum { LOCALS = 16, GLOBALS = 5, LABELS = 24, SIZE_LIMIT = 6000 };
enum { I32 = WASM_I32, I64 = WASM_I64, F32 = WASM_F32, F64 = WASM_F64 };

struct generator {
	uint64_t random;
	uint8_t *out;
	uint32_t size;
	uint32_t function; /* at hand */
	uint8_t result;    /* its type */
	uint8_t locals[LOCALS + 4];
	uint32_t local_count;
	uint8_t labels[LABELS]; /* types that labels take; 0: none */
	uint32_t label_count;
	uint8_t results[GENERATE_FUNCTIONS];
};

static void expression(struct generator *g, uint8_t type, unsigned depth);
static void statement(struct generator *g, unsigned depth);

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

static void leb(struct generator *g, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		byte(g, (unsigned)v | 0x80);
	byte(g, (unsigned)v);
}

static void sleb(struct generator *g, int64_t v)
{
	while (v < -64 || v > 63) {
		byte(g, (unsigned)(v & 0x7f) | 0x80);
		v >>= 7;
	}
	byte(g, (unsigned)(v & 0x7f));
}

static uint8_t any_type(struct generator *g)
{
	return (const uint8_t[]){I32, I32, I64, F32, F64}[pick(g, 5)];
}

/* ---- constants ---- */

static uint64_t interesting(struct generator *g)
{
	static const uint64_t values[] = {0,
	                                  1,
	                                  2,
	                                  3,
	                                  7,
	                                  31,
	                                  32,
	                                  63,
	                                  64,
	                                  255,
	                                  256,
	                                  4095,
	                                  65535,
	                                  65536,
	                                  0x7fffffff,
	                                  0x80000000,
	                                  0xffffffff,
	                                  0x100000000,
	                                  0x7fffffffffffffff,
	                                  0x8000000000000000,
	                                  UINT64_MAX};
	uint64_t v = values[pick(g, ARRAY_COUNT(values))];

	switch (pick(g, 4)) {
	case 0: return v + pick(g, 3) - 1;
	case 1: return (uint64_t)pick(g, UINT32_MAX) << 32 | pick(g, UINT32_MAX);
	default: return v;
	}
}

static void constant(struct generator *g, uint8_t type)
{
	static const float floats[] = {0.0f,  -0.0f,  1.0f,          -1.0f,         0.5f,   -2.5f,   3.5f,
	                               1e10f, -1e20f, 2147483648.0f, 4294967296.0f, 1e-40f, 1.0f / 3};
	uint64_t v = interesting(g);
	float f = pick(g, 3) == 0 ? (float)(int64_t)v : floats[pick(g, ARRAY_COUNT(floats))];
	double d = pick(g, 3) == 0 ? (double)(int64_t)v : (double)f;
	uint8_t bits[8];

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
		memcpy(bits, &f, 4);
		for (unsigned i = 0; i < 4; i++)
			byte(g, bits[i]);
		return;
	default:
		byte(g, 0x44);
		memcpy(bits, &d, 8);
		for (unsigned i = 0; i < 8; i++)
			byte(g, bits[i]);
	}
}

/* ---- values ---- */

static bool local_of(struct generator *g, uint8_t type, uint32_t *out)
{
	uint32_t start = pick(g, g->local_count);

	for (uint32_t i = 0; i < g->local_count; i++) {
		*out = (start + i) % g->local_count;
		if (g->locals[*out] == type)
			return true;
	}
	return false;
}

static void use_local(struct generator *g, uint8_t type, unsigned opcode)
{
	uint32_t local = 0;

	CHECK(local_of(g, type, &local));
	byte(g, opcode);
	leb(g, local);
}

/* A NaN becomes one with known bits. The four locals behind the parameters are for this only. */
static void canonical(struct generator *g, uint8_t type)
{
	uint32_t local = type == F32 ? 6 : 7;

	byte(g, 0x22);
	leb(g, local);
	constant(g, type);
	byte(g, 0x20);
	leb(g, local);
	byte(g, 0x20);
	leb(g, local);
	byte(g, type == F32 ? 0x5b : 0x61);
	byte(g, 0x1b);
}

/* Mostly inside of the memory. */
static void address(struct generator *g, unsigned depth)
{
	expression(g, I32, depth);
	if (pick(g, 30) == 0)
		return;
	byte(g, 0x41);
	sleb(g, 0xffff);
	byte(g, 0x71);
}

static void memarg(struct generator *g)
{
	leb(g, 0);
	leb(g, pick(g, 40) == 0 ? (uint32_t)interesting(g) : pick(g, 3) == 0 ? 0 : pick(g, 300));
}

static void load(struct generator *g, uint8_t type, unsigned depth)
{
	unsigned opcode = type == F32 ? 0x2a : type == F64 ? 0x2b : 0x28;

	if (type == I32 && pick(g, 2) == 0)
		opcode = 0x2c + pick(g, 4);
	if (type == I64)
		opcode = pick(g, 2) == 0 ? 0x29 : 0x30 + pick(g, 6);
	address(g, depth);
	byte(g, opcode);
	memarg(g);
	if (type == F32 || type == F64)
		canonical(g, type);
}

static void binary(struct generator *g, uint8_t type, unsigned opcode, unsigned depth)
{
	expression(g, type, depth);
	expression(g, type, depth);
	if (opcode == 0x98 || opcode == 0xa6) /* copysign sees the sign of a NaN */
		canonical(g, type);
	byte(g, opcode);
}

static void unary(struct generator *g, uint8_t in, unsigned opcode, unsigned depth)
{
	expression(g, in, depth);
	if (opcode >= 0xbc && opcode <= 0xbd)
		canonical(g, in);
	if (opcode >= 0x100)
		byte(g, 0xfc);
	byte(g, opcode & 0xff);
}

static void compare(struct generator *g, unsigned depth)
{
	switch (pick(g, 6)) {
	case 0: unary(g, I64, 0x50, depth); return;
	case 1: unary(g, I32, 0x45, depth); return;
	case 2: binary(g, I32, 0x46 + pick(g, 10), depth); return;
	case 3: binary(g, I64, 0x51 + pick(g, 10), depth); return;
	case 4: binary(g, F32, 0x5b + pick(g, 6), depth); return;
	default: binary(g, F64, 0x61 + pick(g, 6), depth); return;
	}
}

static void convert_to_i32(struct generator *g, unsigned depth)
{
	switch (pick(g, 8)) {
	case 0: unary(g, I64, 0xa7, depth); return;
	case 1: unary(g, F32, 0xbc, depth); return;
	case 2: unary(g, F32, 0x100 + pick(g, 2), depth); return;
	case 3: unary(g, F64, 0x102 + pick(g, 2), depth); return;
	case 4: unary(g, I32, 0xc0 + pick(g, 2), depth); return;
	case 5: unary(g, I32, 0x67 + pick(g, 3), depth); return;
	default: compare(g, depth); return;
	}
}

static void convert_to_i64(struct generator *g, unsigned depth)
{
	switch (pick(g, 6)) {
	case 0: unary(g, I32, 0xac + pick(g, 2), depth); return;
	case 1: unary(g, F64, 0xbd, depth); return;
	case 2: unary(g, F32, 0x104 + pick(g, 2), depth); return;
	case 3: unary(g, F64, 0x106 + pick(g, 2), depth); return;
	case 4: unary(g, I64, 0xc2 + pick(g, 3), depth); return;
	default: unary(g, I64, 0x79 + pick(g, 3), depth); return;
	}
}

static void convert_to_float(struct generator *g, uint8_t type, unsigned depth)
{
	unsigned first = type == F32 ? 0xb2 : 0xb7;

	switch (pick(g, 5)) {
	case 0: unary(g, I32, first + pick(g, 2), depth); return;
	case 1: unary(g, I64, first + 2 + pick(g, 2), depth); return;
	case 2: unary(g, type == F32 ? F64 : F32, first + 4, depth); return;
	case 3:
		unary(g, type == F32 ? I32 : I64, type == F32 ? 0xbe : 0xbf, depth);
		canonical(g, type);
		return;
	default: unary(g, type, (type == F32 ? 0x8b : 0x99) + pick(g, 7), depth); return;
	}
}

/* May trap. */
static void truncation(struct generator *g, uint8_t type, unsigned depth)
{
	uint8_t from = pick(g, 2) == 0 ? F32 : F64;

	unary(g, from, (type == I32 ? 0xa8u : 0xaeu) + (from == F64 ? 2 : 0) + pick(g, 2), depth);
}

static void call(struct generator *g, uint32_t function, unsigned depth)
{
	bool indirect = pick(g, 2) == 0;

	expression(g, I32, depth);
	expression(g, I64, depth);
	expression(g, F32, depth);
	expression(g, F64, depth);
	if (!indirect) {
		byte(g, 0x10);
		leb(g, function);
		return;
	}
	if (pick(g, 20) == 0) {
		expression(g, I32, depth); /* whatever is there, if anything */
	} else {
		byte(g, 0x41);
		sleb(g, (int64_t)function);
	}
	byte(g, 0x11);
	leb(g, g->results[function] == I32 ? 0 : g->results[function] == I64 ? 1 : g->results[function] == F32 ? 2 : 3);
	leb(g, 0);
}

/* A function with a lower number that gives this type. */
static bool call_for(struct generator *g, uint8_t type, unsigned depth)
{
	for (uint32_t tries = 0; tries < 4 && g->function > 0; tries++) {
		uint32_t f = pick(g, g->function);

		if (g->results[f] != type)
			continue;
		call(g, f, depth);
		return true;
	}
	return false;
}

static void begin_block(struct generator *g, unsigned opcode, uint8_t type)
{
	byte(g, opcode);
	byte(g, type == 0 ? 0x40 : type);
	g->labels[g->label_count++] = opcode == 0x03 ? 0 : type;
}

static void end_block(struct generator *g)
{
	byte(g, 0x0b);
	g->label_count--;
}

static void statements(struct generator *g, unsigned depth)
{
	for (uint32_t n = pick(g, 3) + 1; n > 0; n--)
		statement(g, depth);
}

static void block_value(struct generator *g, uint8_t type, unsigned depth)
{
	if (g->label_count == LABELS) {
		constant(g, type);
		return;
	}
	if (pick(g, 2) == 0) {
		begin_block(g, 0x02, type);
		statements(g, depth);
		expression(g, type, depth);
		end_block(g);
		return;
	}
	expression(g, I32, depth);
	begin_block(g, 0x04, type);
	expression(g, type, depth);
	byte(g, 0x05);
	statements(g, depth);
	expression(g, type, depth);
	end_block(g);
}

/* A value and a branch that takes it, perhaps. */
static void branch_value(struct generator *g, uint8_t type, unsigned depth)
{
	expression(g, type, depth);
	for (uint32_t i = 0; i < g->label_count; i++) {
		uint32_t label = pick(g, g->label_count);

		if (g->labels[g->label_count - 1 - label] != type)
			continue;
		expression(g, I32, depth);
		byte(g, 0x0d);
		leb(g, label);
		return;
	}
}

static void arithmetic(struct generator *g, uint8_t type, unsigned depth)
{
	static const uint8_t first[] = {0x6a, 0x7c, 0x92, 0xa0};
	unsigned which = type == I32 ? 0 : type == I64 ? 1 : type == F32 ? 2 : 3;
	unsigned offset = which >= 2 ? pick(g, 7) : pick(g, 15);

	if (which < 2 && offset >= 3 && offset <= 6 && pick(g, 4) != 0) { /* division that seldom traps */
		expression(g, type, depth);
		constant(g, type);
		byte(g, first[which] + offset);
		return;
	}
	binary(g, type, first[which] + offset, depth);
}

static void expression(struct generator *g, uint8_t type, unsigned depth)
{
	if (depth == 0 || g->size > SIZE_LIMIT) {
		if (pick(g, 3) == 0)
			constant(g, type);
		else
			use_local(g, type, 0x20);
		return;
	}
	depth--;
	switch (pick(g, 16)) {
	case 0: use_local(g, type, 0x20); return;
	case 1: constant(g, type); return;
	case 2:
		byte(g, 0x23);
		leb(g, type == I32 ? 1 : type == I64 ? 2 : type == F32 ? 3 : 4);
		return;
	case 3: load(g, type, depth); return;
	case 4:
		expression(g, type, depth);
		use_local(g, type, 0x22);
		return;
	case 5:
		expression(g, type, depth);
		expression(g, type, depth);
		expression(g, I32, depth);
		byte(g, 0x1b);
		return;
	case 6: block_value(g, type, depth); return;
	case 7: branch_value(g, type, depth); return;
	case 8:
		if (call_for(g, type, depth))
			return;
		break;
	case 9:
	case 10:
		if (type == I32)
			convert_to_i32(g, depth);
		else if (type == I64)
			convert_to_i64(g, depth);
		else
			convert_to_float(g, type, depth);
		return;
	case 11:
		if (type == I32 || type == I64) {
			if (pick(g, 4) == 0)
				truncation(g, type, depth);
			else
				arithmetic(g, type, depth);
			return;
		}
		break;
	case 12:
		if (type == I32) {
			compare(g, depth);
			return;
		}
		break;
	default: break;
	}
	arithmetic(g, type, depth);
}

/* ---- statements ---- */

static void spend(struct generator *g)
{
	byte(g, 0x23);
	leb(g, 0);
	byte(g, 0x45);
	byte(g, 0x04);
	byte(g, 0x40);
	byte(g, 0x00);
	byte(g, 0x0b);
	byte(g, 0x23);
	leb(g, 0);
	byte(g, 0x41);
	sleb(g, 1);
	byte(g, 0x6b);
	byte(g, 0x24);
	leb(g, 0);
}

static void store(struct generator *g, unsigned depth)
{
	static const struct {
		uint8_t opcode, type;
	} stores[] = {{0x36, I32}, {0x37, I64}, {0x38, F32}, {0x39, F64}, {0x3a, I32},
	              {0x3b, I32}, {0x3c, I64}, {0x3d, I64}, {0x3e, I64}};
	uint32_t which = pick(g, ARRAY_COUNT(stores));

	address(g, depth);
	expression(g, stores[which].type, depth);
	if (stores[which].type == F32 || stores[which].type == F64)
		canonical(g, stores[which].type);
	byte(g, stores[which].opcode);
	memarg(g);
}

static void loop(struct generator *g, unsigned depth)
{
	begin_block(g, 0x03, 0);
	spend(g);
	statements(g, depth);
	expression(g, I32, depth);
	byte(g, 0x0d);
	leb(g, 0);
	end_block(g);
}

static void branch_table(struct generator *g, unsigned depth)
{
	uint32_t n = pick(g, 5) + 1;

	for (uint32_t i = 0; i < n; i++)
		begin_block(g, 0x02, 0);
	expression(g, I32, depth);
	if (pick(g, 2) == 0) {
		byte(g, 0x41);
		sleb(g, 7);
		byte(g, 0x71);
	}
	byte(g, 0x0e);
	leb(g, n - 1);
	for (uint32_t i = 0; i < n; i++)
		leb(g, i);
	for (uint32_t i = 0; i < n; i++) {
		end_block(g);
		statement(g, depth);
	}
}

static void bulk(struct generator *g, unsigned depth)
{
	bool copy = pick(g, 2) == 0;

	address(g, depth);
	if (copy)
		address(g, depth);
	else
		expression(g, I32, depth);
	byte(g, 0x41);
	sleb(g, pick(g, 300));
	byte(g, 0xfc);
	byte(g, copy ? 0x0a : 0x0b);
	byte(g, 0);
	if (copy)
		byte(g, 0);
}

static void statement(struct generator *g, unsigned depth)
{
	uint8_t type = any_type(g);

	if (depth == 0 || g->size > SIZE_LIMIT)
		return;
	depth--;
	switch (pick(g, 12)) {
	case 0: store(g, depth); return;
	case 1:
		if (g->label_count + 1 < LABELS)
			loop(g, depth);
		return;
	case 2:
		if (g->label_count + 6 < LABELS)
			branch_table(g, depth);
		return;
	case 3:
		expression(g, type, depth);
		byte(g, 0x24);
		leb(g, type == I32 ? 1 : type == I64 ? 2 : type == F32 ? 3 : 4);
		return;
	case 4:
		if (g->label_count + 1 >= LABELS)
			return;
		expression(g, I32, depth);
		begin_block(g, 0x04, 0);
		statements(g, depth);
		if (pick(g, 2) == 0) {
			byte(g, 0x05);
			statements(g, depth);
		}
		end_block(g);
		return;
	case 5: bulk(g, depth); return;
	case 6:
		expression(g, type, depth);
		byte(g, 0x1a);
		return;
	case 7:
		if (pick(g, 8) == 0 && g->label_count + 1 < LABELS) {
			expression(g, I32, depth);
			begin_block(g, 0x04, 0);
			expression(g, g->result, depth);
			byte(g, 0x0f);
			end_block(g);
			return;
		}
		break;
	default: break;
	}
	expression(g, type, depth);
	use_local(g, type, 0x21);
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

static void types_and_functions(struct generator *g)
{
	static const uint8_t results[] = {I32, I64, F32, F64};
	uint32_t at;

	byte(g, 1);
	at = begin_sized(g);
	leb(g, 4);
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t type[] = {0x60, 4, I32, I64, F32, F64, 1, results[i]};

		for (size_t k = 0; k < sizeof type; k++)
			byte(g, type[k]);
	}
	end_sized(g, at);
	byte(g, 3);
	at = begin_sized(g);
	leb(g, GENERATE_FUNCTIONS);
	for (unsigned i = 0; i < GENERATE_FUNCTIONS; i++) {
		uint32_t type = pick(g, 4);

		g->results[i] = results[type];
		leb(g, type);
	}
	end_sized(g, at);
}

static void tables_and_globals(struct generator *g)
{
	static const uint8_t table[] = {4, 4, 1, 0x70, 0, GENERATE_FUNCTIONS + 2, 5, 4, 1, 1, 1, 3};
	static const uint8_t types[GLOBALS] = {I32, I32, I64, F32, F64};
	uint32_t at;

	for (size_t i = 0; i < sizeof table; i++)
		byte(g, table[i]);
	byte(g, 6);
	at = begin_sized(g);
	leb(g, GLOBALS);
	for (unsigned i = 0; i < GLOBALS; i++) {
		byte(g, types[i]);
		byte(g, 1);
		if (i == 0) {
			byte(g, 0x41);
			sleb(g, 200);
		} else {
			constant(g, types[i]);
		}
		byte(g, 0x0b);
	}
	end_sized(g, at);
}

static void exports_and_elements(struct generator *g)
{
	uint32_t at;

	byte(g, 7);
	at = begin_sized(g);
	leb(g, GENERATE_FUNCTIONS + GLOBALS + 1);
	for (unsigned i = 0; i < GENERATE_FUNCTIONS + GLOBALS; i++) {
		byte(g, 2);
		byte(g, i < GENERATE_FUNCTIONS ? 'f' : 'g');
		byte(g, '0' + (i < GENERATE_FUNCTIONS ? i : i - GENERATE_FUNCTIONS));
		byte(g, i < GENERATE_FUNCTIONS ? 0 : 3);
		leb(g, i < GENERATE_FUNCTIONS ? i : i - GENERATE_FUNCTIONS);
	}
	byte(g, 1);
	byte(g, 'm');
	byte(g, 2);
	byte(g, 0);
	end_sized(g, at);
	byte(g, 9);
	at = begin_sized(g);
	byte(g, 1);
	byte(g, 0);
	byte(g, 0x41);
	byte(g, 0);
	byte(g, 0x0b);
	leb(g, GENERATE_FUNCTIONS);
	for (unsigned i = 0; i < GENERATE_FUNCTIONS; i++)
		leb(g, i);
	end_sized(g, at);
}

static void body(struct generator *g, uint32_t function)
{
	static const uint8_t fixed[] = {I32, I64, F32, F64, I32, I64, F32, F64};
	uint32_t at = begin_sized(g), extra = pick(g, LOCALS - 8), start = g->size;

	g->function = function;
	g->result = g->results[function];
	g->local_count = 0;
	for (size_t i = 0; i < sizeof fixed; i++)
		g->locals[g->local_count++] = fixed[i];
	leb(g, 4 + extra);
	for (uint32_t i = 0; i < 4 + extra; i++) {
		uint8_t type = i < 4 ? fixed[4 + i] : any_type(g);

		byte(g, 1);
		byte(g, type);
		if (i >= 4)
			g->locals[g->local_count++] = type;
	}
	g->labels[0] = g->result;
	g->label_count = 1;
	spend(g);
	for (uint32_t n = pick(g, 6) + 1; n > 0 && g->size - start < SIZE_LIMIT / 4; n--)
		statement(g, 5);
	expression(g, g->result, 5);
	byte(g, 0x0b);
	end_sized(g, at);
}

struct slice generate_module(uint64_t seed, uint8_t out[static GENERATE_MAX])
{
	static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
	struct generator g = {.random = seed * 0x9e3779b97f4a7c15u + 1, .out = out};
	uint32_t at;

	for (unsigned i = 0; i < 20; i++)
		pick(&g, 2);
	for (size_t i = 0; i < sizeof head; i++)
		byte(&g, head[i]);
	types_and_functions(&g);
	tables_and_globals(&g);
	exports_and_elements(&g);
	byte(&g, 10);
	at = begin_sized(&g);
	leb(&g, GENERATE_FUNCTIONS);
	for (uint32_t i = 0; i < GENERATE_FUNCTIONS; i++)
		body(&g, i);
	end_sized(&g, at);
	return slice_of(out, g.size);
}
