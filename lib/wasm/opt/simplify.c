/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same as a node and cheaper: constants, neutral operands, powers of two, comparisons of comparisons. */
#include "lib/wasm/opt/ir.h"

#include "lib/wasm/number.h"

enum { I32 = WASM_I32, I64 = WASM_I64 };
enum { EQZ32 = 0x45, EQZ64 = 0x50, ADD32 = 0x6a, ADD64 = 0x7c, WIDTH_STEP = ADD64 - ADD32 };

/* ---- constants ---- */

/* Floating operands are left alone: what becomes of a NaN is the machine's business. */

static uint64_t binary32(uint32_t op, uint32_t x, uint32_t y)
{
	switch (op) {
	case 0x6a: return x + y;
	case 0x6b: return x - y;
	case 0x6c: return (uint32_t)((uint64_t)x * y);
	case 0x71: return x & y;
	case 0x72: return x | y;
	case 0x73: return x ^ y;
	case 0x74: return x << (y & 31);
	case 0x75: return (uint32_t)((int32_t)x >> (y & 31));
	case 0x76: return x >> (y & 31);
	case 0x77: return rotl32(x, y);
	default: return rotl32(x, 0u - y);
	}
}

static uint64_t binary64(uint32_t op, uint64_t x, uint64_t y)
{
	switch (op) {
	case 0x7c: return x + y;
	case 0x7d: return x - y;
	case 0x7e: return x * y;
	case 0x83: return x & y;
	case 0x84: return x | y;
	case 0x85: return x ^ y;
	case 0x86: return x << (y & 63);
	case 0x87: return (uint64_t)((int64_t)x >> (y & 63));
	case 0x88: return x >> (y & 63);
	case 0x89: return rotl64(x, y);
	default: return rotl64(x, 0u - y);
	}
}

/* eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u, of 32 bits sign-extended or 64 */
static bool compare(uint32_t which, int64_t x, int64_t y)
{
	uint64_t ux = (uint64_t)x, uy = (uint64_t)y;

	switch (which) {
	case 0: return x == y;
	case 1: return x != y;
	case 2: return x < y;
	case 3: return ux < uy;
	case 4: return x > y;
	case 5: return ux > uy;
	case 6: return x <= y;
	case 7: return ux <= uy;
	case 8: return x >= y;
	default: return ux >= uy;
	}
}

static bool unary(uint32_t op, uint64_t x, uint64_t *out)
{
	switch (op) {
	case EQZ32: *out = (uint32_t)x == 0; return true;
	case EQZ64: *out = x == 0; return true;
	case 0x67: *out = clz32((uint32_t)x); return true;
	case 0x68: *out = ctz32((uint32_t)x); return true;
	case 0x79: *out = clz64(x); return true;
	case 0x7a: *out = ctz64(x); return true;
	case 0xa7: *out = (uint32_t)x; return true;
	case 0xac: *out = (uint64_t)(int32_t)(uint32_t)x; return true;
	case 0xad: *out = (uint32_t)x; return true;
	case 0xc0: *out = (uint64_t)(int8_t)x & UINT32_MAX; return true;
	case 0xc1: *out = (uint64_t)(int16_t)x & UINT32_MAX; return true;
	case 0xc2: *out = (uint64_t)(int8_t)x; return true;
	case 0xc3: *out = (uint64_t)(int16_t)x; return true;
	case 0xc4: *out = (uint64_t)(int32_t)x; return true;
	default: return false;
	}
}

static bool is_int_binary(uint32_t op)
{
	return (op >= 0x6a && op <= 0x6c) || (op >= 0x71 && op <= 0x78) || (op >= 0x7c && op <= 0x7e) ||
	       (op >= 0x83 && op <= 0x8a);
}

static bool is_int_compare(uint32_t op)
{
	return (op >= 0x46 && op <= 0x4f) || (op >= 0x51 && op <= 0x5a);
}

uint32_t fold_constants(struct flow *f, const struct node *n)
{
	bool x_const = n->in[0] != 0 && is_const(f, n->in[0]), y_const = n->in[1] != 0 && is_const(f, n->in[1]);
	uint64_t x = f->nodes[n->in[0]].k, y = f->nodes[n->in[1]].k, out;

	if (x_const && y_const && is_int_binary(n->op))
		return constant(f, n->type,
		                n->type == I32 ? binary32(n->op, (uint32_t)x, (uint32_t)y) : binary64(n->op, x, y));
	if (x_const && y_const && is_int_compare(n->op))
		return constant(f, I32,
		                n->op < 0x50 ? compare(n->op - 0x46u, (int32_t)(uint32_t)x, (int32_t)(uint32_t)y)
		                             : compare(n->op - 0x51u, (int64_t)x, (int64_t)y));
	if (x_const && n->in[1] == 0 && unary(n->op, x, &out))
		return constant(f, n->type, out);
	return 0;
}

/* ---- one operand ---- */

/* eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u -> their opposites */
static uint16_t opposite(uint32_t op)
{
	static const uint8_t opposites[] = {1, 0, 8, 9, 6, 7, 4, 5, 2, 3};
	uint32_t first = op < 0x50 ? 0x46 : 0x51;

	return (uint16_t)(first + opposites[op - first]);
}

static uint32_t simplify_unary(struct flow *f, struct node *n)
{
	const struct node *x = &f->nodes[n->in[0]];

	switch (n->op) {
	case EQZ32:
		if (is_int_compare(x->op)) {
			n->op = opposite(x->op);
			n->in[1] = x->in[1];
			n->in[0] = x->in[0];
		}
		return 0;
	case 0xad: return n->in[0];                      /* a value of 32 bits has a clear upper half wherever it is */
	case 0xa7: return x->type == I32 ? n->in[0] : 0; /* it came from the line above */
	case 0xbc: return x->op == 0xbe ? x->in[0] : 0;
	case 0xbd: return x->op == 0xbf && f->nodes[x->in[0]].type == I64 ? x->in[0] : 0;
	case 0xbe: return x->op == 0xbc ? x->in[0] : 0;
	case 0xbf: return x->op == 0xbd ? x->in[0] : 0;
	default: return 0;
	}
}

/* ---- an operand and a constant ---- */

/* x + k1 + k2 */
static void join_sums(struct flow *f, struct node *n)
{
	const struct node *x = &f->nodes[n->in[0]];

	if (x->op != n->op || x->in[1] == 0 || !is_const(f, x->in[1]))
		return;
	n->in[1] = constant(f, n->type, f->nodes[x->in[1]].k + f->nodes[n->in[1]].k);
	n->in[0] = x->in[0];
}

/* The sign is the highest bit, also of what is all sign. */
static void look_through_sign(const struct flow *f, struct node *n, uint64_t k)
{
	const struct node *x = &f->nodes[n->in[0]];
	uint64_t top = n->type == I64 ? 63 : 31;

	if (k == top && (x->op == 0x75 || x->op == 0x87) && x->type == n->type && is_const(f, x->in[1]) &&
	    f->nodes[x->in[1]].k <= top)
		n->in[0] = x->in[0];
}

/* All bits that x can have are kept. */
static bool is_below_mask(const struct flow *f, const struct node *n, uint64_t k)
{
	return n->type == I32 && (k & (k + 1)) == 0 && at_most(f, n->in[0]) <= k;
}

static uint32_t with_constant(struct flow *f, struct node *n, uint64_t k)
{
	const bool wide = n->type == I64;
	const uint64_t ones = wide ? UINT64_MAX : UINT32_MAX;

	switch (n->op >= ADD64 ? n->op - WIDTH_STEP : n->op) {
	case 0x6b: /* as a sum */
		n->op = (uint16_t)(n->op - 1);
		n->in[1] = constant(f, n->type, 0 - k);
		FALLTHROUGH;
	case 0x6a: join_sums(f, n); return f->nodes[n->in[1]].k == 0 ? n->in[0] : 0;
	case 0x6c:
		if (k == 0)
			return n->in[1];
		if (!power_of_two(k))
			return 0;
		n->op = wide ? 0x86 : 0x74;
		n->in[1] = constant(f, n->type, ctz64(k));
		return k == 1 ? n->in[0] : 0;
	case 0x71: return k == 0 ? n->in[1] : k == ones || is_below_mask(f, n, k) ? n->in[0] : 0;
	case 0x72: return k == 0 ? n->in[0] : k == ones ? n->in[1] : 0;
	case 0x73: return k == 0 ? n->in[0] : 0;
	case 0x76: look_through_sign(f, n, k); FALLTHROUGH;
	case 0x74:
	case 0x75:
	case 0x77:
	case 0x78: return (k & (wide ? 63 : 31)) == 0 ? n->in[0] : 0;
	default: return 0;
	}
}

/* ---- all ---- */

static uint16_t mirrored(uint32_t op)
{
	static const uint8_t mirror[] = {0, 1, 4, 5, 2, 3, 8, 9, 6, 7};
	uint32_t first = op < 0x50 ? 0x46 : 0x51;

	return (uint16_t)(first + mirror[op - first]);
}

/* Constants come second. */
static void turn(struct flow *f, struct node *n)
{
	uint32_t x = n->in[0];

	if (x == 0 || n->in[1] == 0 || !is_const(f, x) || is_const(f, n->in[1]) || n->op >= OPCODES)
		return;
	if (is_int_compare(n->op))
		n->op = mirrored(n->op);
	else if (!op_classes[n->op].commutes)
		return;
	n->in[0] = n->in[1];
	n->in[1] = x;
}

uint32_t simplify(struct flow *f, uint32_t id, before_fn *before)
{
	struct node n = f->nodes[id];
	uint32_t same;

	if (n.op == 0x1b) {
		if (n.in[0] == n.in[1])
			return n.in[0];
		return is_const(f, n.in[2]) ? n.in[f->nodes[n.in[2]].k == 0] : 0;
	}
	if (n.op >= OPCODES)
		return 0;
	if (op_classes[n.op].class == CLASS_DIVIDE)
		return simplify_division(f, &n, before);
	same = fold_constants(f, &n);
	if (same != 0)
		return same;
	turn(f, &n);
	if (n.in[1] == 0 && n.in[0] != 0)
		same = simplify_unary(f, &n);
	else if (n.in[1] != 0 && is_const(f, n.in[1]) && is_int_binary(n.op))
		same = with_constant(f, &n, f->nodes[n.in[1]].k);
	f->nodes[id] = n;
	return same;
}
