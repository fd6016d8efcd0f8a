/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dominators, and one node for each value: of two equal pure nodes the one whose block dominates the other's stands for
 * both. Blocks come in an order in which dominators come first.
 */
#include "lib/wasm/opt/ir.h"

enum { CHAIN_MAX = 12, WORK_MAX = 1 << 24 };

static uint32_t common(struct flow *f, uint32_t a, uint32_t b)
{
	while (a != b) {
		if (a > b)
			a = f->blocks[a].idom;
		else
			b = f->blocks[b].idom;
		f->work++;
	}
	return a;
}

/* Numbers of a walk over the tree of dominators: a dominates b if a's interval holds b's number. */
static void number_tree(struct flow *f)
{
	uint32_t *child = arena_many(&f->a, f->block_count, uint32_t);
	uint32_t *sibling = arena_many(&f->a, f->block_count, uint32_t), b = 1, n = 0;

	if (child == NULL || sibling == NULL) {
		f->failed = true;
		return;
	}
	for (uint32_t i = f->block_count - 1; i > 1; i--) {
		sibling[i] = child[f->blocks[i].idom];
		child[f->blocks[i].idom] = i;
	}
	f->blocks[b].dom_in = n++;
	for (;;) {
		if (child[b] != 0) {
			uint32_t next = child[b];

			child[b] = sibling[next];
			b = next;
			f->blocks[b].dom_in = n++;
			continue;
		}
		f->blocks[b].dom_out = n;
		if (b == 1)
			return;
		b = f->blocks[b].idom;
	}
}

void dominators(struct flow *f)
{
	f->blocks[1].idom = 1;
	for (uint32_t b = 2; b < f->block_count && !f->failed; b++) {
		uint32_t idom = 0, edge = f->blocks[b].preds;

		for (uint32_t k = 0; k < f->blocks[b].pred_count; k++, edge = f->edges[edge].next) {
			uint32_t from = f->edges[edge].from;

			if (from < b)
				idom = idom == 0 ? from : common(f, idom, from);
		}
		if (f->blocks[b].pred_count == 0)
			idom = 1;
		f->blocks[b].idom = idom;
		if (idom == 0 || f->work > WORK_MAX)
			f->failed = true;
	}
	if (!f->failed)
		number_tree(f);
}

bool dominates(const struct flow *f, uint32_t a, uint32_t b)
{
	return f->blocks[a].dom_in <= f->blocks[b].dom_in && f->blocks[b].dom_in < f->blocks[a].dom_out;
}

/* ---- value numbering ---- */

static uint32_t hash(const struct node *n)
{
	uint64_t h = n->op;

	h = h * 0x9e3779b97f4a7c15u + n->in[0];
	h = h * 0x9e3779b97f4a7c15u + n->in[1];
	h = h * 0x9e3779b97f4a7c15u + n->in[2];
	h = h * 0x9e3779b97f4a7c15u + n->k;
	return (uint32_t)(h >> 29) ^ (uint32_t)(h >> 47);
}

static bool equal(const struct node *a, const struct node *b)
{
	return a->op == b->op && a->type == b->type && a->in[0] == b->in[0] && a->in[1] == b->in[1] &&
	       a->in[2] == b->in[2] && a->k == b->k && a->scale == b->scale;
}

/* The node that stands for this one; itself, and then it is known from now on. */
static uint32_t known(struct flow *f, uint32_t id)
{
	uint32_t *first = &f->known[hash(&f->nodes[id]) & f->known_mask], at = *first;

	for (unsigned n = 0; at != 0 && n < CHAIN_MAX; at = f->known_next[at], n++)
		if (equal(&f->nodes[at], &f->nodes[id]) && dominates(f, f->nodes[at].block, f->nodes[id].block))
			return at;
	f->known_next[id] = *first;
	*first = id;
	return id;
}

/* A pure node in front of the one at hand, whose block it shares. */
static uint32_t before(struct flow *f, uint16_t op, uint8_t type, uint32_t x, uint32_t y)
{
	uint32_t id = new_node(f, op, type, x, y), same;

	if (f->failed)
		return id;
	f->nodes[id].block = f->now;
	same = simplify(f, id, before);
	if (same != 0)
		return same;
	same = known(f, id);
	if (same == id)
		append(f, f->now, id);
	return same;
}

static void visit(struct flow *f, uint32_t id)
{
	struct node *n = &f->nodes[id];
	uint32_t same = 0;

	for (unsigned i = 0; i < ARRAY_COUNT(n->in); i++)
		if (n->in[i] != 0)
			n->in[i] = resolved(f, n->in[i]);
	if (is_pure(f, n) || (n->op < OPCODES && op_classes[n->op].class == CLASS_DIVIDE))
		same = simplify(f, id, before);
	if (same == 0 && is_pure(f, &f->nodes[id]))
		same = known(f, id);
	if (same != 0 && same != id)
		f->forward[id] = same;
	else
		append(f, f->now, id);
}

/* A condition may be asked the other way round. */
static void visit_end(struct flow *f, struct block *b)
{
	if (b->value == 0)
		return;
	b->value = resolved(f, b->value);
	while (b->end == END_BRANCH) {
		const struct node *n = &f->nodes[b->value];
		bool compares_zero =
		        (n->op == 0x46 || n->op == 0x47) && is_const(f, n->in[1]) && f->nodes[n->in[1]].k == 0;

		if (n->op != 0x45 && !compares_zero)
			return;
		b->value = n->in[0];
		if (n->op != 0x47) {
			uint32_t t = b->succ[0];

			b->succ[0] = b->succ[1];
			b->succ[1] = t;
		}
	}
}

void number_values(struct flow *f)
{
	uint32_t size = 64;

	while (size < f->node_count)
		size *= 2;
	f->known_mask = size - 1;
	f->known = arena_many(&f->a, size, uint32_t);
	f->known_next = arena_many_scratch(&f->a, f->node_max, uint32_t);
	if (f->known == NULL || f->known_next == NULL) {
		f->failed = true;
		return;
	}
	for (uint32_t b = 1; b < f->block_count && !f->failed; b++) {
		uint32_t id = f->blocks[b].first, next;

		f->now = b;
		f->blocks[b].first = f->blocks[b].last = 0;
		for (; id != 0 && !f->failed; id = next) {
			next = f->nodes[id].next;
			visit(f, id);
		}
		visit_end(f, &f->blocks[b]);
	}
	for (uint32_t id = 1; id < f->node_count; id++) {
		const struct node *n = &f->nodes[id];

		if (n->op != N_PHI || f->forward[id] != 0)
			continue;
		for (uint32_t i = 0; i < f->blocks[n->block].pred_count; i++)
			f->pool[n->in[0] + i] = resolved(f, f->pool[n->in[0] + i]);
	}
}
