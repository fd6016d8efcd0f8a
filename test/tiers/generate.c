/* SPDX-License-Identifier: Apache-2.0 */
#include "test/tiers/generate.h"

#include "lib/wasm/wasm.h"

#include <string.h>

enum { LOCALS = 24, GLOBALS = 7, LABELS = 160 };
enum { I32 = WASM_I32, I64 = WASM_I64, F32 = WASM_F32, F64 = WASM_F64, FUNC = WASM_FUNCREF, EXTERN = WASM_EXTERNREF };
enum { HOSTS = 8, FIXED_LOCALS = 10, FUNC_LOCAL = 8, EXTERN_LOCAL = 9, TABLES = 3 };

/* The first four are of exported functions with one result, then those of the host functions (run.c), start functions,
 * exported functions with other results, blocks. */
struct type {
	uint8_t param_count, result_count, params[4], results[4];
};
static const struct type types[] = {
        {4, 1, {I32, I64, F32, F64}, {I32}},
        {4, 1, {I32, I64, F32, F64}, {I64}},
        {4, 1, {I32, I64, F32, F64}, {F32}},
        {4, 1, {I32, I64, F32, F64}, {F64}},
        {1, 1, {I32}, {I32}},
        {1, 1, {I64}, {I64}},
        {1, 1, {F64}, {F64}},
        {1, 0, {I32}, {0}},
        {2, 2, {I32, I64}, {I64, I32}},
        {1, 1, {I32}, {EXTERN}},
        {2, 1, {EXTERN, I32}, {I32}},
        {1, 1, {FUNC}, {FUNC}},
        {0, 0, {0}, {0}},
        {4, 3, {I32, I64, F32, F64}, {I32, F64, I64}},
        {4, 0, {I32, I64, F32, F64}, {0}},
        {4, 2, {I32, I64, F32, F64}, {FUNC, F32}},
        {2, 2, {I32, I64}, {F32, I32}},
        {1, 2, {F64}, {F64, F64}},
        {2, 1, {I64, FUNC}, {I64}},
        {0, 4, {0}, {I32, I64, EXTERN, F64}},
        {3, 0, {I32, F32, I32}, {0}},
};
enum { HOST_TYPE = 4, START_TYPE = HOST_TYPE + HOSTS, MANY_TYPE, MANY_TYPES = 3 };
enum { BLOCK_TYPE = MANY_TYPE + MANY_TYPES, BLOCK_TYPES = 5 };
enum { EXTERN_HOST = 5, FUNC_HOST = 7 };
/* Few large functions, or many small ones: each finds other mistakes. */
static const struct shape {
	uint8_t functions, statements, depth;
	uint16_t size; /* about the most of one function */
} shapes[] = {{6, 6, 5, 1750}, {12, 4, 4, 800}, {GENERATE_FUNCTIONS, 3, 3, 350}};
/* A label takes nothing, a value of a type, or: */
enum { LABEL_RESULTS = 0x100, LABEL_PARAMS = 0x200 };
/* The first one has room for all functions besides. */
static const struct {
	uint8_t type, min, max;
} tables[TABLES] = {{FUNC, 2, 4}, {FUNC, 4, 9}, {EXTERN, 3, 7}};

struct generator {
	uint64_t random;
	uint8_t *out;
	uint32_t size, limit; /* where the function at hand should come to its end */
	const struct shape *shape;
	uint32_t function; /* at hand */
	const struct type *type;
	uint8_t locals[LOCALS + 4];
	uint32_t local_count;
	uint16_t labels[LABELS];
	uint32_t label_count;
	uint32_t far_locals; /* i64, behind the others */
	uint8_t types[GENERATE_FUNCTIONS];
	bool small[GENERATE_FUNCTIONS]; /* so that they may be inlined */
	bool starts;
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
	static const double corners[] = {2147483647.0,
	                                 2147483648.0,
	                                 -2147483649.0,
	                                 4294967295.0,
	                                 9223372036854775807.0,
	                                 1.8446744073709552e19,
	                                 4.9e-324,
	                                 2.2250738585072014e-308,
	                                 1.7976931348623157e308,
	                                 0.49999999999999994,
	                                 4503599627370497.5,
	                                 16777217.0,
	                                 1.0000000596046448,
	                                 0x1p-149,
	                                 0x1.fffffep127,
	                                 -0x1p63};
	static const float floats[] = {0.0f,  -0.0f,  1.0f,          -1.0f,         0.5f,   -2.5f,   3.5f,
	                               1e10f, -1e20f, 2147483648.0f, 4294967296.0f, 1e-40f, 1.0f / 3};
	uint64_t v = interesting(g);
	float f = pick(g, 3) == 0 ? (float)(int64_t)v : floats[pick(g, ARRAY_COUNT(floats))];
	double d = pick(g, 3) == 0   ? (double)(int64_t)v
	           : pick(g, 2) == 0 ? (double)f
	                             : corners[pick(g, ARRAY_COUNT(corners))];
	uint8_t bits[8];

	if (pick(g, 40) == 0)
		d = f = pick(g, 2) == 0 ? __builtin_inff() : -__builtin_inff();
	if (pick(g, 40) == 0)
		d = f = __builtin_nanf("");
	switch (type) {
	case FUNC:
		byte(g, 0xd2);
		leb(g, pick(g, HOSTS + g->shape->functions));
		return;
	case EXTERN:
		byte(g, 0xd0);
		byte(g, EXTERN);
		return;
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
	if (pick(g, 12) == 0) { /* around the end of a page */
		byte(g, 0x41);
		sleb(g, (int32_t)((pick(g, 4) << 16) + pick(g, 24) - 16));
		return;
	}
	expression(g, I32, depth);
	if (pick(g, 30) == 0)
		return;
	byte(g, 0x41);
	sleb(g, 0xffff);
	byte(g, 0x71);
}

/* natural: of the access, log2; any smaller alignment is a hint as well */
static void memarg(struct generator *g, unsigned natural)
{
	leb(g, pick(g, natural + 1));
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
	memarg(g, (unsigned)"\2\3\2\3\0\0\1\1\0\0\1\1\2\2"[opcode - 0x28]);
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

static void values(struct generator *g, const uint8_t *list, uint32_t count, unsigned depth)
{
	for (uint32_t i = 0; i < count; i++)
		expression(g, list[i], depth);
}

/* What is on the stack goes to locals or away. */
static void consume(struct generator *g, const uint8_t *list, uint32_t count)
{
	for (uint32_t i = count; i-- > 0;) {
		if (pick(g, 4) == 0)
			byte(g, 0x1a);
		else
			use_local(g, list[i], 0x21);
	}
}

static uint32_t type_of(const struct generator *g, uint32_t function)
{
	return function < HOSTS ? HOST_TYPE + function : g->types[function - HOSTS];
}

/* One that has a lower number, or by a table, whose entry may be another. */
static void call(struct generator *g, uint32_t function, unsigned depth)
{
	const struct type *t = &types[type_of(g, function)];

	values(g, t->params, t->param_count, depth);
	if (function < HOSTS || pick(g, g->small[function - HOSTS] ? 4 : 2) != 1) {
		byte(g, 0x10);
		leb(g, function);
		return;
	}
	if (pick(g, 20) == 0) {
		expression(g, I32, depth); /* whatever is there, if anything */
	} else {
		byte(g, 0x41);
		sleb(g, (int32_t)(function - HOSTS));
	}
	byte(g, 0x11);
	leb(g, type_of(g, function));
	leb(g, 0);
}

/* Any that has a lower number, a small one in half of the cases if there is one. */
static uint32_t any_function(struct generator *g)
{
	uint32_t f = pick(g, HOSTS + g->function);

	if (pick(g, 2) == 0)
		return f;
	for (uint32_t i = 0; i < g->function; i++)
		if (g->small[(f + i) % g->function])
			return HOSTS + (f + i) % g->function;
	return f;
}

/* A function that gives just this type. */
static bool call_for(struct generator *g, uint8_t type, unsigned depth)
{
	for (uint32_t tries = 0; tries < 4; tries++) {
		uint32_t f = any_function(g);
		const struct type *t = &types[type_of(g, f)];

		if (t->result_count != 1 || t->results[0] != type)
			continue;
		call(g, f, depth);
		return true;
	}
	return false;
}

static void small(struct generator *g, uint32_t below, unsigned depth)
{
	if (pick(g, 20) == 0) {
		expression(g, I32, depth);
		return;
	}
	byte(g, 0x41);
	sleb(g, pick(g, below));
}

/* Any function: its results go to locals. Of an indirect one table, entry and type may not fit. */
static void call_any(struct generator *g, unsigned depth)
{
	uint32_t function = any_function(g), type = pick(g, BLOCK_TYPE);

	if (pick(g, 3) != 0) {
		call(g, function, depth);
		consume(g, types[type_of(g, function)].results, types[type_of(g, function)].result_count);
		return;
	}
	values(g, types[type].params, types[type].param_count, depth);
	small(g, 8, depth);
	byte(g, 0x11);
	leb(g, type);
	leb(g, pick(g, 2));
	consume(g, types[type].results, types[type].result_count);
}

static bool room(const struct generator *g, uint32_t labels)
{
	return g->label_count + labels < LABELS;
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
	if (!room(g, 1)) {
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

static void begin_typed(struct generator *g, unsigned opcode, uint32_t type)
{
	byte(g, opcode);
	sleb(g, type);
	g->labels[g->label_count++] = (uint16_t)(type | (opcode == 0x03 ? LABEL_PARAMS : LABEL_RESULTS));
}

/* What a branch to this label takes: count of *list. */
static uint32_t label_types(const struct generator *g, uint32_t label, const uint8_t **list)
{
	const uint16_t *l = &g->labels[g->label_count - 1 - label];
	static const uint8_t single[256] = {
	        [I32] = I32, [I64] = I64, [F32] = F32, [F64] = F64, [FUNC] = FUNC, [EXTERN] = EXTERN};
	const struct type *t = &types[*l < LABEL_RESULTS ? 0 : *l & 0xff];

	if (*l < LABEL_RESULTS) {
		*list = &single[*l];
		return *l == 0 ? 0 : 1;
	}
	*list = *l & LABEL_PARAMS ? t->params : t->results;
	return *l & LABEL_PARAMS ? t->param_count : t->result_count;
}

/* To any label, always or perhaps, with what it takes. */
static void branch_any(struct generator *g, unsigned depth)
{
	uint32_t label = pick(g, g->label_count), count;
	bool always = pick(g, 3) == 0;
	const uint8_t *list;

	if (always && !room(g, 1))
		return;
	if (always) {
		expression(g, I32, depth);
		begin_block(g, 0x04, 0);
		label++;
	}
	count = label_types(g, label, &list);
	values(g, list, count, depth);
	if (!always)
		expression(g, I32, depth);
	byte(g, always ? 0x0c : 0x0d);
	leb(g, label);
	if (always)
		end_block(g);
	else
		consume(g, list, count);
}

static void spend(struct generator *g);

static void arm(struct generator *g, const struct type *t, bool loops, unsigned depth)
{
	if (loops)
		spend(g);
	consume(g, t->params, t->param_count);
	statements(g, depth);
	if (pick(g, 2) == 0)
		branch_any(g, depth);
	values(g, t->results, t->result_count, depth);
}

static void block_many(struct generator *g, unsigned depth)
{
	uint32_t type = BLOCK_TYPE + pick(g, BLOCK_TYPES);
	const struct type *t = &types[type];
	unsigned opcode = 0x02 + pick(g, 3);

	if (!room(g, 2))
		return;
	values(g, t->params, t->param_count, depth);
	if (opcode == 0x04)
		expression(g, I32, depth);
	begin_typed(g, opcode, type);
	arm(g, t, opcode == 0x03, depth);
	if (opcode == 0x04) {
		byte(g, 0x05);
		arm(g, t, false, depth);
	}
	end_block(g);
	consume(g, t->results, t->result_count);
}

/* Blocks in blocks, and a branch out of many of them. */
static void nest(struct generator *g, unsigned depth)
{
	uint32_t n = 20 + pick(g, 60);

	if (!room(g, n + 4))
		return;
	for (uint32_t i = 0; i < n; i++)
		begin_block(g, 0x02, 0);
	statement(g, depth);
	expression(g, I32, depth);
	byte(g, 0x0d);
	leb(g, pick(g, n));
	statement(g, depth);
	for (uint32_t i = 0; i < n; i++)
		end_block(g);
}

/* ---- references and tables ---- */

static uint32_t table_min(const struct generator *g, uint32_t table)
{
	return tables[table].min + (table == 0 ? g->shape->functions : 0u);
}

static void reference(struct generator *g, uint8_t type, unsigned depth)
{
	uint32_t table = type == EXTERN ? 2 : pick(g, 2);

	switch (depth == 0 ? pick(g, 2) : pick(g, 8)) {
	case 0: use_local(g, type, 0x20); return;
	case 1:
		byte(g, 0xd0);
		byte(g, type);
		return;
	case 2: constant(g, type); return;
	case 3:
		byte(g, 0x23);
		leb(g, type == FUNC ? 5 : 6);
		return;
	case 4: /* one that is not null, from outside */
	case 5:
		values(g, types[HOST_TYPE + (type == FUNC ? FUNC_HOST : EXTERN_HOST)].params, 1, depth - 1);
		byte(g, 0x10);
		leb(g, type == FUNC ? FUNC_HOST : EXTERN_HOST);
		return;
	case 6:
		reference(g, type, depth - 1);
		reference(g, type, depth - 1);
		expression(g, I32, depth - 1);
		byte(g, 0x1c);
		byte(g, 1);
		byte(g, type);
		return;
	default:
		small(g, table_min(g, table) + 1, depth - 1);
		byte(g, 0x25);
		leb(g, table);
	}
}

static void operation(struct generator *g, unsigned opcode, uint32_t x, bool two, uint32_t y)
{
	byte(g, 0xfc);
	byte(g, opcode);
	leb(g, x);
	if (two)
		leb(g, y);
}

static void table_statement(struct generator *g, unsigned depth)
{
	uint32_t table = pick(g, TABLES), size = table_min(g, table) + 1;
	uint32_t segment = table == 2 ? 4 : 2 + pick(g, 2);

	switch (pick(g, 8)) {
	case 0:
	case 1:
		small(g, size, depth);
		reference(g, tables[table].type, depth);
		byte(g, 0x26);
		leb(g, table);
		return;
	case 2:
		small(g, size, depth);
		reference(g, tables[table].type, depth);
		small(g, 4, depth);
		operation(g, 0x11, table, false, 0);
		return;
	case 3:
		reference(g, tables[table].type, depth);
		small(g, 3, depth);
		operation(g, 0x0f, table, false, 0);
		use_local(g, I32, 0x21);
		return;
	case 4:
		for (unsigned i = 0; i < 3; i++)
			small(g, i < 2 ? size : 4, depth);
		if (table == 2)
			operation(g, 0x0e, 2, true, 2);
		else
			operation(g, 0x0e, table, true, pick(g, 2));
		return;
	case 5:
		for (unsigned i = 0; i < 3; i++)
			small(g, 4, depth);
		operation(g, 0x0c, segment, true, table);
		return;
	case 6:
		operation(g, 0x10, table, false, 0);
		use_local(g, I32, 0x21);
		return;
	default:
		if (pick(g, 6) == 0)
			operation(g, 0x0d, pick(g, 6), false, 0);
	}
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

/* Longer than what is looked through for the bits that matter, and its bits moved. */
static void long_sum(struct generator *g, uint8_t type, unsigned depth)
{
	const unsigned first = type == I32 ? 0x6a : 0x7c; /* add, sub, mul; shl 10 behind */

	expression(g, type, depth);
	for (uint32_t n = 4 + pick(g, 30); n > 0; n--) {
		if (pick(g, 3) != 0)
			constant(g, type);
		else
			use_local(g, type, 0x20);
		byte(g, first + (pick(g, 3) == 0 ? pick(g, 3) : 0));
	}
	byte(g, type == I32 ? 0x41 : 0x42);
	sleb(g, pick(g, 65));
	byte(g, first + 10 + pick(g, 5));
	if (pick(g, 2) == 0) {
		constant(g, type);
		byte(g, first + 7);
	}
}

static void expression(struct generator *g, uint8_t type, unsigned depth)
{
	if (type == FUNC || type == EXTERN) {
		reference(g, type, depth > 2 ? 2 : depth);
		return;
	}
	if (depth == 0 || g->size > g->limit) {
		if (pick(g, 3) == 0)
			constant(g, type);
		else
			use_local(g, type, 0x20);
		return;
	}
	depth--;
	switch (pick(g, 17)) {
	case 16:
		if ((type == I32 || type == I64) && pick(g, 4) == 0) {
			long_sum(g, type, depth);
			return;
		}
		break;
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
		if (type == I64 && g->far_locals > 0) {
			byte(g, 0x20);
			leb(g, g->local_count + pick(g, g->far_locals));
			return;
		}
		if (type == I32 && pick(g, 6) == 0) {
			reference(g, pick(g, 2) == 0 ? FUNC : EXTERN, 1);
			byte(g, 0xd1);
			return;
		}
		if (type == I32 && pick(g, 6) == 0) { /* memory.size or memory.grow */
			if (pick(g, 3) == 0) {
				byte(g, 0x3f);
			} else {
				small(g, 3, depth);
				byte(g, 0x40);
			}
			byte(g, 0);
			return;
		}
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
	memarg(g, (unsigned)"\2\3\2\3\0\1\0\1\2"[which]);
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

static void i32(struct generator *g, unsigned opcode, uint32_t v)
{
	byte(g, opcode);
	if (opcode == 0x41)
		sleb(g, (int32_t)v);
	else
		leb(g, v);
}

/*
 * A local counts to a number around which 32 bits wrap, or their sign does, and is part of addresses, which are small
 * then. It is one that nothing else sets meanwhile, or the loop spends the budget.
 */
static void counted_loop(struct generator *g, unsigned depth)
{
	static const uint32_t ends[] = {0, 0, 0, 0x80000000, 0x7fffffff, 0xffffffff, 16, 65536};
	static const uint8_t tests[] = {0x47, 0x47, 0x48, 0x49, 0x4c, 0x4d};
	uint32_t step = 1 + pick(g, 8), end = ends[pick(g, ARRAY_COUNT(ends))], first = end - step * (1 + pick(g, 24));
	uint32_t counter = 0, sum = 0;

	CHECK(local_of(g, I32, &counter) && local_of(g, I32, &sum));
	i32(g, 0x41, first);
	i32(g, 0x21, counter);
	begin_block(g, 0x03, 0);
	if (sum == counter || pick(g, 2) == 0)
		spend(g);
	for (uint32_t n = 1 + pick(g, 3); n > 0; n--) {
		i32(g, 0x20, sum);
		if (pick(g, 4) == 0) {
			i32(g, 0x20, sum);
			i32(g, 0x41, 0xff);
			byte(g, 0x71);
			i32(g, 0x20, counter);
			byte(g, 0x6a);
		} else {
			i32(g, 0x20, counter);
		}
		i32(g, 0x41, (pick(g, 8) == 0 ? 0 : pick(g, 60) - first) - (pick(g, 4) == 0 ? step : 0));
		byte(g, 0x6a);
		byte(g, 0x2c + pick(g, 2)); /* a byte */
		leb(g, 0);
		leb(g, pick(g, 40));
		byte(g, 0x6a);
		i32(g, 0x21, sum);
	}
	if (pick(g, 3) == 0) {
		spend(g);
		statements(g, depth);
	}
	i32(g, 0x20, counter);
	i32(g, 0x41, step);
	byte(g, 0x6a);
	i32(g, 0x22, counter);
	if (end != 0 || pick(g, 3) == 0) {
		i32(g, 0x41, end);
		byte(g, tests[pick(g, ARRAY_COUNT(tests))]);
	}
	i32(g, 0x0d, 0);
	end_block(g);
}

static void branch_table(struct generator *g, unsigned depth)
{
	uint32_t n = pick(g, 5) + 1, rows;

	for (uint32_t i = 0; i < n; i++)
		begin_block(g, 0x02, 0);
	expression(g, I32, depth);
	if (pick(g, 2) == 0) {
		byte(g, 0x41);
		sleb(g, 255);
		byte(g, 0x71);
	}
	byte(g, 0x0e);
	rows = pick(g, 20) == 0 ? 200 + pick(g, 200) : n - 1;
	leb(g, rows);
	for (uint32_t i = 0; i <= rows; i++) {
		uint32_t label = pick(g, 4) == 0 ? pick(g, g->label_count) : pick(g, n);

		leb(g, g->labels[g->label_count - 1 - label] == 0 ? label : pick(g, n));
	}
	for (uint32_t i = 0; i < n; i++) {
		end_block(g);
		statement(g, depth);
	}
}

static void bulk(struct generator *g, unsigned depth)
{
	bool copy = pick(g, 2) == 0;

	if (pick(g, 4) == 0) {
		address(g, depth);
		small(g, 40, depth);
		small(g, 30, depth);
		operation(g, 0x08, pick(g, 2), true, 0);
		return;
	}
	if (pick(g, 30) == 0) {
		operation(g, 0x09, pick(g, 2), false, 0);
		return;
	}

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

	if (depth == 0 || g->size > g->limit)
		return;
	depth--;
	switch (pick(g, 19)) {
	case 18:
		if (pick(g, 2) == 0 && room(g, 1)) {
			counted_loop(g, depth);
			return;
		}
		break;
	case 12: call_any(g, depth); return;
	case 13: block_many(g, depth); return;
	case 14: table_statement(g, depth); return;
	case 15: branch_any(g, depth); return;
	case 16:
		if (pick(g, 10) == 0) {
			nest(g, depth);
			return;
		}
		if (g->far_locals > 0) {
			expression(g, I64, depth);
			byte(g, 0x21);
			leb(g, g->local_count + pick(g, g->far_locals));
			return;
		}
		break;
	case 0: store(g, depth); return;
	case 1:
		if (room(g, 1))
			loop(g, depth);
		return;
	case 2:
		if (room(g, 6))
			branch_table(g, depth);
		return;
	case 3:
		expression(g, type, depth);
		byte(g, 0x24);
		leb(g, type == I32 ? 1 : type == I64 ? 2 : type == F32 ? 3 : 4);
		return;
	case 4:
		if (!room(g, 1))
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
		if (pick(g, 8) == 0 && room(g, 1)) {
			expression(g, I32, depth);
			begin_block(g, 0x04, 0);
			values(g, g->type->results, g->type->result_count, depth);
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
	uint32_t at;

	byte(g, 1);
	at = begin_sized(g);
	leb(g, ARRAY_COUNT(types));
	for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
		byte(g, 0x60);
		leb(g, types[i].param_count);
		for (unsigned k = 0; k < types[i].param_count; k++)
			byte(g, types[i].params[k]);
		leb(g, types[i].result_count);
		for (unsigned k = 0; k < types[i].result_count; k++)
			byte(g, types[i].results[k]);
	}
	end_sized(g, at);
	byte(g, 2);
	at = begin_sized(g);
	leb(g, HOSTS);
	for (unsigned i = 0; i < HOSTS; i++) {
		const uint8_t names[] = {
		        4, 'h', 'o', 's', 't', 2, 'h', (uint8_t)('0' + i), 0, (uint8_t)(HOST_TYPE + i)};

		for (size_t k = 0; k < sizeof names; k++)
			byte(g, names[k]);
	}
	end_sized(g, at);
	byte(g, 3);
	at = begin_sized(g);
	leb(g, (uint32_t)g->shape->functions + 1);
	for (unsigned i = 0; i < g->shape->functions; i++) {
		g->small[i] = pick(g, i < 2 ? 2 : 3) == 0;
		g->types[i] = (uint8_t)(pick(g, 4) == 0 ? MANY_TYPE + pick(g, MANY_TYPES) : pick(g, 4));
		leb(g, g->types[i]);
	}
	leb(g, START_TYPE);
	end_sized(g, at);
}

static void tables_and_globals(struct generator *g)
{
	static const uint8_t global_types[GLOBALS] = {I32, I32, I64, F32, F64, FUNC, EXTERN};
	uint32_t at, pages = pick(g, 3);

	byte(g, 4);
	at = begin_sized(g);
	leb(g, TABLES);
	for (unsigned i = 0; i < TABLES; i++) {
		byte(g, tables[i].type);
		byte(g, 1);
		leb(g, table_min(g, i));
		leb(g, table_min(g, i) + tables[i].max - tables[i].min);
	}
	end_sized(g, at);
	byte(g, 5);
	byte(g, 4);
	byte(g, 1);
	byte(g, 1);
	byte(g, 1 + pages);
	byte(g, 1 + pages + pick(g, 3));
	byte(g, 6);
	at = begin_sized(g);
	leb(g, GLOBALS);
	for (unsigned i = 0; i < GLOBALS; i++) {
		byte(g, global_types[i]);
		byte(g, 1);
		if (i == 0) {
			byte(g, 0x41);
			sleb(g, 200);
		} else {
			constant(g, global_types[i]);
		}
		byte(g, 0x0b);
	}
	end_sized(g, at);
}

static void export_of(struct generator *g, char kind, unsigned number, unsigned wasm_kind, uint32_t index)
{
	byte(g, 2);
	byte(g, (unsigned char)kind);
	byte(g, '0' + number);
	byte(g, wasm_kind);
	leb(g, index);
}

static void exports(struct generator *g)
{
	uint32_t at;

	byte(g, 7);
	at = begin_sized(g);
	leb(g, (uint32_t)g->shape->functions + GLOBALS + TABLES + 1);
	for (unsigned i = 0; i < g->shape->functions; i++)
		export_of(g, 'f', i, 0, HOSTS + i);
	for (unsigned i = 0; i < GLOBALS; i++)
		export_of(g, 'g', i, 3, i);
	for (unsigned i = 0; i < TABLES; i++)
		export_of(g, 't', i, 1, i);
	export_of(g, 'm', 0, 2, 0);
	end_sized(g, at);
	if (g->starts) {
		byte(g, 8);
		at = begin_sized(g);
		leb(g, HOSTS + (uint32_t)g->shape->functions);
		end_sized(g, at);
	}
}

static void indices(struct generator *g, uint32_t first, uint32_t count)
{
	leb(g, count);
	for (uint32_t i = 0; i < count; i++)
		leb(g, first + i);
}

/* Two active ones, three passive ones of which two are expressions, and a declared one with every function. */
static void elements(struct generator *g)
{
	uint32_t at;

	byte(g, 9);
	at = begin_sized(g);
	leb(g, 6);
	byte(g, 0);
	byte(g, 0x41);
	byte(g, 0);
	byte(g, 0x0b);
	indices(g, HOSTS, g->shape->functions);
	byte(g, 2);
	byte(g, 1);
	byte(g, 0x41);
	sleb(g, pick(g, 3));
	byte(g, 0x0b);
	byte(g, 0);
	indices(g, 0, 2);
	byte(g, 1);
	byte(g, 0);
	indices(g, 2, 4);
	for (unsigned type = FUNC; type >= EXTERN; type--) {
		byte(g, 5);
		byte(g, type);
		leb(g, 3);
		for (unsigned i = 0; i < 3; i++) {
			if (i == 1)
				constant(g, (uint8_t)type);
			else {
				byte(g, 0xd0);
				byte(g, type);
			}
			byte(g, 0x0b);
		}
	}
	byte(g, 3);
	byte(g, 0);
	indices(g, 0, HOSTS + (uint32_t)g->shape->functions);
	end_sized(g, at);
	byte(g, 12);
	byte(g, 1);
	byte(g, 2);
}

/* One active, one passive. */
static void data(struct generator *g)
{
	uint32_t at;

	byte(g, 11);
	at = begin_sized(g);
	leb(g, 2);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t size = 10 + pick(g, 40);

		byte(g, i);
		if (i == 0) {
			byte(g, 0x41);
			sleb(g, pick(g, 40) == 0 ? 65536 * 3 - 4 : (int32_t)pick(g, 60000));
			byte(g, 0x0b);
		}
		leb(g, size);
		for (uint32_t k = 0; k < size; k++)
			byte(g, pick(g, 256));
	}
	end_sized(g, at);
}

static void declare_locals(struct generator *g)
{
	static const uint8_t fixed[FIXED_LOCALS] = {I32, I64, F32, F64, I32, I64, F32, F64, FUNC, EXTERN};
	uint32_t extra = pick(g, LOCALS - FIXED_LOCALS), params = g->type->param_count;

	g->local_count = 0;
	g->far_locals = pick(g, 16) == 0 ? 100 + pick(g, 1500) : 0;
	for (size_t i = 0; i < sizeof fixed; i++)
		g->locals[g->local_count++] = fixed[i];
	leb(g, FIXED_LOCALS - params + extra + (g->far_locals > 0));
	for (uint32_t i = params; i < FIXED_LOCALS + extra; i++) {
		uint8_t type = i < FIXED_LOCALS ? fixed[i] : any_type(g);

		byte(g, 1);
		byte(g, type);
		if (i >= FIXED_LOCALS)
			g->locals[g->local_count++] = type;
	}
	if (g->far_locals > 0) {
		leb(g, g->far_locals);
		byte(g, I64);
	}
}

/* ---- small functions ---- */

static void small_value(struct generator *g, uint8_t type, unsigned depth)
{
	const bool is_int = type == I32 || type == I64;
	unsigned opcode;

	if (type == FUNC || depth == 0 || pick(g, 4) == 0) {
		if (type == FUNC || pick(g, is_int ? 3 : 8) == 0)
			constant(g, type);
		else
			use_local(g, type, 0x20);
		return;
	}
	if (type == I32 && pick(g, 3) == 0) {
		if (pick(g, 2) == 0) {
			small_value(g, I32, depth - 1);
			byte(g, 0x2c + pick(g, 2));
			leb(g, 0);
			leb(g, pick(g, 9));
			return;
		}
		small_value(g, F64, depth - 1);
		byte(g, 0xaa + pick(g, 2)); /* to an i32, or a trap */
		return;
	}
	small_value(g, type, depth - 1);
	small_value(g, type, depth - 1);
	if (is_int)
		opcode = (type == I32 ? 0x6a : 0x7c) + pick(g, 15); /* divisions, too */
	else
		opcode = (type == F32 ? 0x92 : 0xa0) + pick(g, 4);
	byte(g, opcode);
}

static void small_results(struct generator *g)
{
	for (uint32_t i = 0; i < g->type->result_count; i++)
		small_value(g, g->type->results[i], pick(g, 2));
}

/* Calls a function with a lower number; one statement of a small function does, so that it ends. */
static void small_call(struct generator *g)
{
	uint32_t function = any_function(g);
	const struct type *t = &types[type_of(g, function)];

	for (uint32_t i = 0; i < t->param_count; i++) {
		if (t->params[i] == EXTERN)
			constant(g, EXTERN);
		else
			small_value(g, t->params[i], 1);
	}
	i32(g, 0x10, function);
	for (uint32_t i = t->result_count; i-- > 0;) {
		if (t->results[i] == FUNC || t->results[i] == EXTERN)
			byte(g, 0x1a);
		else
			use_local(g, t->results[i], 0x21);
	}
}

/* Leaves early, in one of the ways there are. */
static void small_exit(struct generator *g)
{
	const unsigned way = pick(g, 5);

	if (way == 0) { /* br_if to the function's label; what it would take goes */
		small_results(g);
		small_value(g, I32, 1);
		i32(g, 0x0d, 0);
		for (uint32_t i = 0; i < g->type->result_count; i++)
			byte(g, 0x1a);
		return;
	}
	small_value(g, I32, 1);
	byte(g, 0x45);
	begin_block(g, 0x04, 0);
	if (way == 1) {
		byte(g, 0x00);
	} else {
		small_results(g);
		if (way == 2)
			i32(g, 0x0c, 1);
		else
			byte(g, 0x0f);
	}
	end_block(g);
}

/* Few bytes, no loop and no budget. Its locals are its parameters, and perhaps two more of each type. */
static void small_body(struct generator *g)
{
	static const uint8_t fixed[] = {I32, I64, F32, F64};
	uint32_t more = pick(g, 3) == 0, calls = pick(g, 3) == 0;
	uint32_t params = g->type->param_count;

	memcpy(g->locals, fixed, sizeof fixed);
	g->local_count = 4;
	leb(g, 4 - params + 4 * more);
	for (uint32_t i = params; i < 4 + 4 * more; i++) {
		byte(g, i < 4 ? 1 : 2);
		byte(g, fixed[i % 4]);
		if (i < 4)
			continue;
		g->locals[g->local_count++] = fixed[i % 4];
		g->locals[g->local_count++] = fixed[i % 4];
	}
	for (uint32_t n = pick(g, 3); n > 0; n--) {
		uint8_t type = any_type(g);

		if (calls > 0 && pick(g, 2) == 0) {
			small_call(g);
			calls = 0;
		} else if (pick(g, 2) == 0) {
			small_exit(g);
		} else {
			small_value(g, type, 2);
			use_local(g, type, 0x21);
		}
	}
	small_results(g);
	byte(g, 0x0b);
}

/* ---- all functions ---- */

/* The function after the exported ones is the start function. */
static void body(struct generator *g, uint32_t function)
{
	uint32_t at = begin_sized(g), start = g->size;
	const struct shape *s = g->shape;

	g->function = function;
	g->limit = start + s->size;
	g->type = &types[function < s->functions ? g->types[function] : START_TYPE];
	g->labels[0] = (uint16_t)(LABEL_RESULTS | (g->type - types));
	g->label_count = 1;
	if (function < s->functions && g->small[function]) {
		small_body(g);
		end_sized(g, at);
		return;
	}
	declare_locals(g);
	spend(g);
	for (uint32_t n = pick(g, s->statements) + 1; n > 0 && g->size < g->limit; n--)
		statement(g, s->depth);
	values(g, g->type->results, g->type->result_count, s->depth);
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
	g.shape = &shapes[pick(&g, ARRAY_COUNT(shapes))];
	for (size_t i = 0; i < sizeof head; i++)
		byte(&g, head[i]);
	types_and_functions(&g);
	g.starts = pick(&g, 4) == 0;
	tables_and_globals(&g);
	exports(&g);
	elements(&g);
	byte(&g, 10);
	at = begin_sized(&g);
	leb(&g, (uint32_t)g.shape->functions + 1);
	for (uint32_t i = 0; i <= g.shape->functions; i++)
		body(&g, i);
	end_sized(&g, at);
	data(&g);
	return slice_of(out, g.size);
}
