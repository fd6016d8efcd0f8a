/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A constant that a program adds to an address becomes part of the access, where the sum of 32 bits is known not to
 * wrap: because of what the other summand can be at most (of bits, or of a loop that counts it), or because the same
 * address without the sum was accessed before. No memory grows to 4 GiB, so what was accessed lies a page below that.
 */
#include "lib/wasm/opt/ir.h"

enum {
	LOAD8_U = 0x2d,
	LOAD16_U = 0x2f,
	EQ32 = 0x46,
	NE32 = 0x47,
	BELOW32 = 0x49,
	NOT_BELOW32 = 0x4f,
	ADD32 = 0x6a,
	MUL32 = 0x6c,
	AND32 = 0x71,
	OR32 = 0x72,
	SHL32 = 0x74,
	SHR32 = 0x76,
	LOOKS_MAX = 32
};

/* ---- what a value of 32 bits is at most ---- */

static uint64_t bounded(uint64_t most)
{
	return most < UINT32_MAX ? most : UINT32_MAX;
}

/* *looks: how many nodes may still be looked at. */
static uint64_t most_of(const struct flow *f, uint32_t id, unsigned *looks);

/* Of the way from which the loop comes round: what the counter is there at most, when it goes on; 0: not known. */
static uint64_t most_round(const struct flow *f, uint32_t phi, uint32_t from, uint32_t first, uint32_t next)
{
	const struct block *b = &f->blocks[from], *test;
	const struct node *n = &f->nodes[next], *cond;
	uint64_t step, limit;
	bool taken;

	if (b->pred_count != 1 || n->op != ADD32 || n->in[0] != phi || !is_const(f, n->in[1]))
		return 0;
	test = &f->blocks[f->edges[b->preds].from];
	step = f->nodes[n->in[1]].k;
	if (test->end != END_BRANCH || step == 0 || step > INT32_MAX)
		return 0;
	cond = &f->nodes[test->value];
	taken = test->succ[0] == from;
	if (cond->in[0] != next || cond->in[1] == 0 || !is_const(f, cond->in[1]))
		return 0;
	limit = f->nodes[cond->in[1]].k;
	if (cond->op == (taken ? BELOW32 : NOT_BELOW32))
		return limit > 0 ? limit - 1 : 0;
	if (cond->op != (taken ? NE32 : EQ32) || !is_const(f, first)) /* another number, and it meets it */
		return 0;
	return f->nodes[first].k < limit && (limit - f->nodes[first].k) % step == 0 ? limit - step : 0;
}

/* How often the loop begins, at most; 0: not known. */
static uint64_t rounds_of(const struct flow *f, uint32_t head)
{
	uint32_t test = test_of_loop(f, &f->blocks[head]), next;
	const struct node *n, *phi;
	uint64_t first, step, limit = 0;
	bool below = false;

	if (test == 0)
		return 0;
	next = f->blocks[test].value;
	n = &f->nodes[next];
	if ((n->op == NE32 || n->op == BELOW32) && is_const(f, n->in[1])) {
		below = n->op == BELOW32;
		limit = f->nodes[n->in[1]].k;
		next = n->in[0];
		n = &f->nodes[next];
	}
	phi = &f->nodes[n->in[0]];
	if (n->op != ADD32 || !is_const(f, n->in[1]) || phi->op != N_PHI || phi->block != head ||
	    f->pool[phi->in[0] + 1] != next || !is_const(f, f->pool[phi->in[0]]))
		return 0;
	first = f->nodes[f->pool[phi->in[0]]].k;
	step = f->nodes[n->in[1]].k;
	if (step == 0 || step > INT32_MAX)
		return 0;
	if (!below) /* it comes there, also beyond 2^32 */
		return ((limit - first) & UINT32_MAX) % step == 0 ? ((limit - first) & UINT32_MAX) / step : 0;
	if (first >= limit)
		return 1;
	return limit + step <= UINT32_MAX ? (limit - first + step - 1) / step : 0;
}

/* A number that gets the same added each time. */
static uint64_t most_stepped(const struct flow *f, uint32_t phi, uint64_t first, uint32_t next)
{
	const struct node *n = &f->nodes[next];
	uint64_t step, rounds = rounds_of(f, f->nodes[phi].block);

	if (rounds == 0 || n->op != ADD32 || n->in[0] != phi || !is_const(f, n->in[1]))
		return 0;
	step = f->nodes[n->in[1]].k;
	return step <= INT32_MAX ? bounded(first + (rounds - 1) * step) : 0;
}

static uint64_t most_of_phi(const struct flow *f, uint32_t id, unsigned *looks)
{
	const struct node *n = &f->nodes[id];
	const struct block *b = &f->blocks[n->block];
	uint32_t edge = b->preds, first = f->pool[n->in[0]];
	uint64_t most = 0, at;

	for (uint32_t i = 0; i < b->pred_count && most < UINT32_MAX; i++, edge = f->edges[edge].next) {
		uint32_t from = f->edges[edge].from, v = f->pool[n->in[0] + i];

		if (from < n->block)
			at = most_of(f, v, looks);
		else if (b->pred_count != 2 ||
		         ((at = most_round(f, id, from, first, v)) == 0 && (at = most_stepped(f, id, most, v)) == 0))
			return UINT32_MAX;
		most = at > most ? at : most;
	}
	return most;
}

/* Of a number whose highest bit is that of k. */
static uint64_t ones_of(uint64_t k)
{
	for (unsigned s = 1; s < 32; s *= 2)
		k |= k >> s;
	return k;
}

static uint64_t most_of(const struct flow *f, uint32_t id, unsigned *looks)
{
	const struct node *n = &f->nodes[id];
	uint64_t x, y;

	if (n->type != WASM_I32 || *looks == 0)
		return UINT32_MAX;
	--*looks;
	if (n->op == N_CONST)
		return n->k;
	if (n->op == N_PHI)
		return most_of_phi(f, id, looks);
	if (n->op == LOAD8_U)
		return UINT8_MAX;
	if (n->op == LOAD16_U)
		return UINT16_MAX;
	if (n->op < OPCODES && op_classes[n->op].class == CLASS_COMPARE)
		return 1;
	if (n->op < ADD32 || n->op > SHR32)
		return UINT32_MAX;
	x = most_of(f, n->in[0], looks);
	y = most_of(f, n->in[1], looks);
	switch (n->op) {
	case ADD32: return x + y <= UINT32_MAX ? x + y : UINT32_MAX;
	case MUL32: return bounded(x * y);
	case AND32: return x < y ? x : y;
	case OR32: return ones_of(x | y);
	case SHL32: return is_const(f, n->in[1]) ? bounded(x << (f->nodes[n->in[1]].k & 31)) : UINT32_MAX;
	case SHR32: return is_const(f, n->in[1]) ? x >> (f->nodes[n->in[1]].k & 31) : UINT32_MAX;
	default: return UINT32_MAX;
	}
}

uint64_t at_most(const struct flow *f, uint32_t id)
{
	unsigned looks = LOOKS_MAX;

	return most_of(f, id, &looks);
}

/* ---- accesses ---- */

struct seen {
	uint32_t block; /* where it was accessed, 0: nowhere */
	uint64_t end;   /* behind what was accessed, as an offset */
};

static uint64_t memory_end(const struct wasm_module *m)
{
	bool whole = m->imported_memories > 0 || m->memory.min == WASM_MAX_PAGES;

	return (uint64_t)(whole ? WASM_MAX_PAGES : WASM_MAX_PAGES - 1) * WASM_PAGE_SIZE;
}

static uint64_t width_of(uint32_t op)
{
	static const uint8_t widths[] = {4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4, 4, 8, 4, 8, 1, 2, 1, 2, 4};

	return widths[op - 0x28];
}

static bool was_accessed(const struct flow *f, const struct seen *s, uint32_t block)
{
	return s->block != 0 && dominates(f, s->block, block);
}

/* Does x + k not wrap? */
static bool is_sum(const struct flow *f, const struct seen *seen, uint32_t x, uint64_t k, uint32_t block)
{
	if (was_accessed(f, &seen[x], block) && memory_end(f->c->m) - seen[x].end + k <= UINT32_MAX)
		return true;
	return at_most(f, x) + k <= UINT32_MAX;
}

static void visit(struct flow *f, struct seen *seen, uint32_t id)
{
	struct node *n = &f->nodes[id];
	const struct node *a = &f->nodes[n->in[0]];
	uint32_t x = n->in[0];
	uint64_t end;

	if (a->op == ADD32 && is_const(f, a->in[1]) && f->nodes[a->in[1]].k + n->k <= INT32_MAX &&
	    is_sum(f, seen, a->in[0], f->nodes[a->in[1]].k, n->block)) {
		x = a->in[0];
		n->k += f->nodes[a->in[1]].k;
		n->in[0] = x;
	}
	end = n->k + width_of(n->op);
	if (was_accessed(f, &seen[x], n->block) && seen[x].end >= end)
		return;
	seen[x] = (struct seen){n->block, end};
}

/* Dominators come first. */
void fold_offsets(struct flow *f)
{
	struct seen *seen = arena_many(&f->a, f->node_count, struct seen);

	if (seen == NULL) {
		f->failed = true;
		return;
	}
	for (uint32_t b = 1; b < f->block_count; b++)
		for (uint32_t id = f->blocks[b].first; id != 0; id = f->nodes[id].next) {
			const struct node *n = &f->nodes[id];

			if (n->op < OPCODES &&
			    (op_classes[n->op].class == CLASS_LOAD || op_classes[n->op].class == CLASS_STORE))
				visit(f, seen, id);
		}
}
