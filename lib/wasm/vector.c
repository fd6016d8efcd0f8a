/* SPDX-License-Identifier: Apache-2.0 */
/* Validates and translates the instructions on vectors: one function for each shape (simd.h). */
#include "lib/wasm/translate.h"

#include "lib/wasm/simd.h"

static enum err pop_slot(struct translator *t, uint8_t type, uint16_t *slot)
{
	struct operand o;

	TRY(tr_pop(t, type, &o));
	*slot = tr_use(t, &o);
	return OK;
}

/* Instructions that are operations of their own. */
static const code_t own_iop[SIMD_COUNT] = {
#define V2(code, id, ...) [code] = IOP_##id,
#define VCMP(code, id, ...) [code] = IOP_##id,
#define VSHIFT(code, id, ...) [code] = IOP_##id,
#include "lib/wasm/simd.def"
};

/* dst x y or dst x y z op lane; the operands are popped. */
static enum err emit(struct translator *t, uint32_t op, const uint16_t slots[static 3], uint8_t lane, uint8_t result)
{
	bool own = own_iop[op] != 0;
	code_t *code = tr_emit_value(t, own ? own_iop[op] : IOP_simd, own ? 4 : 7, tr_home(t, t->height));

	if (own) {
		copy_small(code + 2, slots, 2 * sizeof *slots);
		return tr_push(t, result);
	}
	copy_small(code + 2, slots, 3 * sizeof *slots);
	code[5] = (code_t)op;
	code[6] = lane;
	return tr_push(t, result);
}

/* Operands of these types, the first of them deepest, give a result. */
static enum err operate(struct translator *t, uint32_t op, const uint8_t types[static 3], uint8_t lane, uint8_t result)
{
	uint16_t slots[3] = {0};

	for (size_t i = 3; i-- > 0;)
		if (types[i] != 0)
			TRY(pop_slot(t, types[i], &slots[i]));
	return emit(t, op, slots, lane, result);
}

static enum err read_lane(struct translator *t, unsigned lanes, uint8_t *lane)
{
	*lane = 0;
	if (leb_byte(&t->r, lane) != OK)
		return tr_bad_number(t, ERR_TRUNCATED, "a lane");
	if (*lane >= lanes)
		return refuse(t->why, ERR_INVALID, "invalid lane index %u (there are %u)", *lane, lanes);
	return OK;
}

static enum err shuffle(struct translator *t)
{
	uint8_t lanes[16];
	uint16_t x = 0, y = 0;
	code_t *code;

	for (size_t i = 0; i < sizeof lanes; i++)
		TRY(read_lane(t, 32, &lanes[i]));
	TRY(pop_slot(t, WASM_V128, &y));
	TRY(pop_slot(t, WASM_V128, &x));
	code = tr_emit_value(t, IOP_simd_shuffle, 12, tr_home(t, t->height));
	code[2] = x;
	code[3] = y;
	copy_small(code + 4, lanes, sizeof lanes);
	return tr_push(t, WASM_V128);
}

static enum err constant(struct translator *t)
{
	struct slice bytes;
	code_t *code;

	if (rd_bytes(&t->r, 16, &bytes) != OK)
		return tr_bad_number(t, ERR_TRUNCATED, "a constant");
	code = tr_emit_value(t, IOP_simd_const, 10, tr_home(t, t->height));
	copy_small(code + 2, bytes.data, 16);
	return tr_push(t, WASM_V128);
}

static uint8_t log2_of(uint8_t size)
{
	return (uint8_t)__builtin_ctz(size);
}

static uint32_t access_iop(bool loads, uint32_t op)
{
	if (op == OPCODE_LOAD)
		return IOP_v128_load;
	if (op == OPCODE_STORE)
		return IOP_v128_store;
	return loads ? IOP_simd_load : IOP_simd_store;
}

/* dst address vector op lane offset32, or without dst */
static enum err access(struct translator *t, uint32_t op, const struct simd_op *o)
{
	bool loads = o->shape == SIMD_LOAD || o->shape == SIMD_LOAD_LANE;
	uint16_t vector = 0, address = 0;
	uint32_t offset, start;
	uint8_t lane = 0;
	code_t *code;

	TRY(tr_read_memarg(t, log2_of(o->size), &offset));
	if (o->shape == SIMD_LOAD_LANE || o->shape == SIMD_STORE_LANE)
		TRY(read_lane(t, 16u / o->size, &lane));
	if (o->shape != SIMD_LOAD)
		TRY(pop_slot(t, WASM_V128, &vector));
	TRY(pop_slot(t, WASM_I32, &address));
	tr_emit_site(t);
	start = t->size;
	code = tr_emit(t, access_iop(loads, op), loads ? 8 : 7);
	if (loads)
		*++code = tr_home(t, t->height);
	code[1] = address;
	code[2] = vector;
	code[3] = (code_t)op;
	code[4] = lane;
	code_put32(code + 5, offset);
	if (!loads)
		return OK;
	if (t->live && !t->nomem)
		tr_remember(t, start);
	return tr_push(t, WASM_V128);
}

enum err translate_simd(struct translator *t, uint32_t op)
{
	const struct simd_op *o = &simd_ops[op];
	uint8_t lane = 0;

	switch (o->shape) {
	case SIMD_UNARY: return operate(t, op, (uint8_t[3]){WASM_V128}, 0, WASM_V128);
	case SIMD_BINARY: return operate(t, op, (uint8_t[3]){WASM_V128, WASM_V128}, 0, WASM_V128);
	case SIMD_TERNARY: return operate(t, op, (uint8_t[3]){WASM_V128, WASM_V128, WASM_V128}, 0, WASM_V128);
	case SIMD_SHIFT: return operate(t, op, (uint8_t[3]){WASM_V128, WASM_I32}, 0, WASM_V128);
	case SIMD_TEST: return operate(t, op, (uint8_t[3]){WASM_V128}, 0, WASM_I32);
	case SIMD_SPLAT: return operate(t, op, (uint8_t[3]){o->scalar}, 0, WASM_V128);
	case SIMD_EXTRACT:
		TRY(read_lane(t, 16u / o->size, &lane));
		return operate(t, op, (uint8_t[3]){WASM_V128}, lane, o->scalar);
	case SIMD_REPLACE:
		TRY(read_lane(t, 16u / o->size, &lane));
		return operate(t, op, (uint8_t[3]){WASM_V128, o->scalar}, lane, WASM_V128);
	case SIMD_SHUFFLE: return shuffle(t);
	case SIMD_CONST: return constant(t);
	default: return access(t, op, o);
	}
}
