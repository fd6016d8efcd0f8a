/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which nodes become one instruction: a comparison with the branch or select that asks for it, a load with the
 * operation that is its only user (if nothing with an effect stands between them), sums and shifts as one address, the
 * lower half of an i64 as it is.
 */
#include "lib/wasm/opt/ir.h"

enum { ADD32 = 0x6a, ADD64 = 0x7c, AND32 = 0x71, AND64 = 0x83, SHL32 = 0x74, SHL64 = 0x86, WRAP = 0xa7 };

bool is_compare(uint32_t op)
{
	return (op >= 0x45 && op <= 0x66) || op == 0xd1;
}

static void drop(struct flow *f, uint32_t id)
{
	struct node *n = &f->nodes[id];

	if (--n->uses > 0 || n->op == N_CONST || n->op == N_PHI)
		return;
	n->flags |= FLAG_FOLDED;
	for (unsigned i = 0; i < ARRAY_COUNT(n->in); i++)
		if (n->in[i] != 0 && is_pure(f, n))
			f->nodes[n->in[i]].uses--;
}

/* ---- addresses ---- */

static bool fits32(uint64_t k)
{
	return (int64_t)k == (int32_t)k;
}

static bool is_scaled(const struct flow *f, const struct node *n, bool wide)
{
	return n->op == (wide ? SHL64 : SHL32) && is_const(f, n->in[1]) && f->nodes[n->in[1]].k >= 1 &&
	       f->nodes[n->in[1]].k <= 3;
}

static bool near(const struct node *n, const struct node *user)
{
	return n->uses == 1 || n->block == user->block;
}

static void use_instead(struct flow *f, struct node *n, unsigned i, uint32_t id)
{
	uint32_t old = n->in[i];

	n->in[i] = id;
	f->nodes[id].uses++;
	drop(f, old);
}

/* x + (y << scale) + k */
static void make_address(struct flow *f, struct node *n)
{
	bool wide = n->op == ADD64;
	struct node *x = &f->nodes[n->in[0]], *y = &f->nodes[n->in[1]];

	if (n->op != ADD32 && n->op != ADD64)
		return;
	if (y->op == N_CONST) {
		if (is_scaled(f, x, wide) && x->uses == 1 && fits32(wide ? y->k : (uint64_t)(int32_t)(uint32_t)y->k)) {
			n->op = N_LEA;
			n->k = wide ? y->k : (uint64_t)(int32_t)(uint32_t)y->k;
			n->scale = (uint8_t)f->nodes[x->in[1]].k;
			n->in[1] = 0;
			use_instead(f, n, 0, x->in[0]);
			n->in[1] = n->in[0];
			n->in[0] = 0;
			return;
		}
		if (x->op != N_LEA || x->uses != 1 || x->k != 0 ||
		    !fits32(wide ? y->k : (uint64_t)(int32_t)(uint32_t)y->k))
			return;
		if (x->in[0] == 0)
			return;
		uint32_t base = x->in[0], index = x->in[1];
		uint8_t scale = x->scale;
		uint64_t k = y->k;

		use_instead(f, n, 0, base);
		f->nodes[index].uses++;
		n->in[1] = index;
		n->op = N_LEA;
		n->scale = scale;
		n->k = wide ? k : (uint64_t)(int32_t)(uint32_t)k;
		return;
	}
	if (is_scaled(f, x, wide) && near(x, n) && !is_scaled(f, y, wide)) {
		uint32_t t = n->in[0];

		n->in[0] = n->in[1];
		n->in[1] = t;
		y = &f->nodes[n->in[1]];
	}
	if (is_scaled(f, y, wide) && near(y, n)) {
		n->op = N_LEA;
		n->scale = (uint8_t)f->nodes[y->in[1]].k;
		use_instead(f, n, 1, y->in[0]);
	}
	for (unsigned i = 0; i < 2; i++) {
		const struct node *t = &f->nodes[n->in[i]];

		if (n->k != 0 || (n->op == N_LEA && i == 1) || t->op != (wide ? ADD64 : ADD32) || t->uses != 1 ||
		    !is_const(f, t->in[1]))
			continue;
		uint64_t k = f->nodes[t->in[1]].k;

		k = wide ? k : (uint64_t)(int32_t)(uint32_t)k;
		if (!fits32(k))
			continue;
		n->op = N_LEA;
		n->k = k;
		use_instead(f, n, i, t->in[0]);
	}
}

/* ---- halves ---- */

static bool reads_lower_half(const struct node *n, unsigned i)
{
	uint32_t op = n->op;

	if (op >= 0x45 && op <= 0x4f)
		return true;
	if ((op >= 0x6a && op <= 0x6c) || (op >= 0x71 && op <= 0x78) || op == 0xac || op == 0xc0 || op == 0xc1 ||
	    op == 0xb2 || op == 0xb7)
		return true;
	if (op == 0x36 || op == 0x3a || op == 0x3b)
		return i == 1;
	return op == N_ARG && n->width == WASM_I32;
}

static void use_halves(struct flow *f, struct node *n)
{
	for (unsigned i = 0; i < 2; i++)
		if (n->in[i] != 0 && f->nodes[n->in[i]].op == WRAP && reads_lower_half(n, i) &&
		    near(&f->nodes[n->in[i]], n))
			use_instead(f, n, i, f->nodes[n->in[i]].in[0]);
}

/* ---- loads ---- */

/* The opcode of the load whose value may be an operand in memory, 0: none. */
static uint32_t operand_load(uint32_t op)
{
	if (op >= 0x46 && op <= 0x4f)
		return 0x28;
	if (op >= 0x51 && op <= 0x5a)
		return 0x29;
	if ((op >= 0x6a && op <= 0x6c) || (op >= 0x71 && op <= 0x73))
		return 0x28;
	if ((op >= 0x7c && op <= 0x7e) || (op >= 0x83 && op <= 0x85))
		return 0x29;
	if (op >= 0x92 && op <= 0x95)
		return 0x2a;
	if (op >= 0xa0 && op <= 0xa3)
		return 0x2b;
	return 0;
}

static uint16_t mirrored(uint32_t op)
{
	static const uint8_t mirror[] = {0, 1, 4, 5, 2, 3, 8, 9, 6, 7};
	uint32_t first = op < 0x50 ? 0x46 : 0x51;

	return (uint16_t)(first + mirror[op - first]);
}

static void use_load(struct flow *f, struct node *n, uint32_t last)
{
	uint32_t load = operand_load(n->op);
	bool compares = n->op < 0x5b;

	if (load == 0 || last == 0 || f->nodes[last].op != load || f->nodes[last].uses != 1 ||
	    f->nodes[last].flags & FLAG_FOLDED)
		return;
	if (n->in[0] == last && n->in[1] != last && !is_const(f, n->in[1]) &&
	    (compares || op_classes[n->op].commutes)) {
		n->in[0] = n->in[1];
		n->in[1] = last;
		if (compares)
			n->op = mirrored(n->op);
	}
	if (n->in[1] == last && n->in[0] != last)
		f->nodes[last].flags |= FLAG_FOLDED;
}

/* ---- conditions ---- */

/* Whoever asks computes it; a load that is part of it may not pass what has an effect. */
static void use_condition(struct flow *f, uint32_t id, uint32_t block, uint32_t last)
{
	struct node *n = &f->nodes[id];
	uint32_t inner = n->op == 0x45 || n->op == 0x50 ? n->in[0] : id;
	struct node *and = &f->nodes[inner];

	if (id == 0 || n->uses != 1 || n->block != block)
		return;
	if (is_compare(n->op) && n->in[1] != 0 && f->nodes[n->in[1]].flags & FLAG_FOLDED && n->in[1] != last)
		return;
	if (is_compare(n->op))
		n->flags |= FLAG_FOLDED;
	if ((is_compare(n->op) || inner == id) &&
	    (and->op == AND32 || and->op == AND64) && and->uses == 1 && and->block == block &&
	    !(f->nodes[ and->in[1]].flags & FLAG_FOLDED))
		and->flags |= FLAG_FOLDED;
}

static bool has_effect(const struct flow *f, const struct node *n)
{
	return !is_pure(f, n) && n->op != 0x23 && n->op != 0x3f && n->op != N_PARAM && n->op != N_RESULT &&
	       n->op != N_ARG;
}

static void select_block(struct flow *f, uint32_t block)
{
	uint32_t last = 0;

	for (uint32_t id = f->blocks[block].first; id != 0; id = f->nodes[id].next) {
		struct node *n = &f->nodes[id];

		if (n->flags & FLAG_FOLDED)
			continue;
		use_halves(f, n);
		make_address(f, n);
		use_load(f, n, last);
		if (n->op == 0x1b)
			use_condition(f, n->in[2], block, last);
		if (has_effect(f, n))
			last = id;
	}
	if (f->blocks[block].end == END_BRANCH)
		use_condition(f, f->blocks[block].value, block, last);
}

void select_instructions(struct flow *f)
{
	for (uint32_t b = 1; b < f->block_count; b++)
		select_block(f, b);
}
