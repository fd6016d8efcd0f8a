/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, and what is known of WebAssembly's instructions. */
#include "lib/wasm/opt/ir.h"

enum { I32 = WASM_I32, I64 = WASM_I64, F32 = WASM_F32, F64 = WASM_F64 };

const struct opclasses op_classes[OPCODES] = {
#define UN(code, id, text, in, out, expr)            [code] = {CLASS_UNARY, in, out, false},
#define TRUNC(code, id, text, in, out, lo, hi, expr) [code] = {CLASS_TRUNC, in, out, false},
#define BIN(code, id, text, type, commutes, expr)    [code] = {CLASS_BINARY, type, type, commutes},
#define DIV(code, id, text, type, overflow, expr)    [code] = {CLASS_DIVIDE, type, type, false},
#define CMP(code, id, text, in, expr)                [code] = {CLASS_COMPARE, in, I32, false},
#define LOAD(code, id, text, out, size, bits, expr)  [code] = {CLASS_LOAD, I32, out, false},
#define STORE(code, id, text, in, size)              [code] = {CLASS_STORE, in, 0, false},
#include "lib/wasm/opcodes.def"
};

uint32_t new_node(struct flow *f, uint16_t op, uint8_t type, uint32_t x, uint32_t y)
{
	if (f->node_count == f->node_max) {
		f->failed = true;
		f->node_count = 1;
	}
	f->nodes[f->node_count] = (struct node){.op = op, .type = type, .in = {x, y}};
	return f->node_count++;
}

uint32_t constant(struct flow *f, uint8_t type, uint64_t k)
{
	uint32_t *known = &f->consts[(k ^ k >> 7 ^ k >> 32 ^ (uint64_t)type * 5) % ARRAY_COUNT(f->consts)], id = *known;

	if (type == I32)
		k = (uint32_t)k;
	if (id != 0 && f->nodes[id].type == type && f->nodes[id].k == k)
		return id;
	id = new_node(f, N_CONST, type, 0, 0);
	f->nodes[id].k = k;
	*known = id;
	return id;
}

void append(struct flow *f, uint32_t block, uint32_t id)
{
	struct block *b = &f->blocks[block];
	bool phi = f->nodes[id].op == N_PHI;
	uint32_t *first = phi ? &b->phis : &b->first, *last = phi ? &b->last_phi : &b->last;

	f->nodes[id].block = block;
	f->nodes[id].next = 0;
	if (*first == 0)
		*first = id;
	else
		f->nodes[*last].next = id;
	*last = id;
}

bool has_vectors(const struct wasm_functype *t)
{
	for (uint32_t i = 0; i < t->param_count; i++)
		if (t->params[i] == WASM_V128)
			return true;
	for (uint32_t i = 0; i < t->result_count; i++)
		if (t->results[i] == WASM_V128)
			return true;
	return false;
}

bool is_wide_type(uint8_t type)
{
	return type != I32 && type != F32;
}

uint32_t take_pool(struct flow *f, uint32_t count)
{
	uint32_t at = f->pool_count;

	if (f->pool_max - at < count) {
		f->failed = true;
		return 0;
	}
	f->pool_count += count;
	return at;
}

/* By a constant that is neither 0 nor -1. */
static bool divides_safely(const struct flow *f, const struct node *n)
{
	const struct node *y = &f->nodes[n->in[1]];

	return y->op == N_CONST && y->k != 0 && y->k != (n->type == I32 ? UINT32_MAX : UINT64_MAX);
}

bool is_pure(const struct flow *f, const struct node *n)
{
	if (n->op < OPCODES) {
		switch (op_classes[n->op].class) {
		case CLASS_UNARY:
		case CLASS_BINARY:
		case CLASS_COMPARE: return true;
		case CLASS_DIVIDE: return divides_safely(f, n);
		default: return n->op == 0x1b || n->op == 0xd1 || n->op == 0xd2;
		}
	}
	return n->op == N_ZERO || n->op >= N_LEA;
}
