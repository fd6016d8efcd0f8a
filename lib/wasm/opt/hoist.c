/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pure nodes whose operands do not change in a loop go to the end of the block before it. Not comparisons, which are
 * cheapest where they are asked for.
 */
#include "lib/wasm/opt/ir.h"

static bool moves(const struct flow *f, const struct node *n)
{
	return is_pure(f, n) && !is_compare(n->op);
}

static bool outside(const struct flow *f, const struct node *n, uint32_t head)
{
	for (unsigned i = 0; i < ARRAY_COUNT(n->in); i++)
		if (n->in[i] != 0 && f->nodes[n->in[i]].block >= head)
			return false;
	return true;
}

static uint32_t place_of(const struct flow *f, uint32_t id)
{
	const struct node *n = &f->nodes[id];
	uint32_t b = n->block;

	if (!moves(f, n))
		return b;
	while (f->blocks[b].loop != 0 && outside(f, n, f->blocks[b].loop))
		b = f->edges[f->blocks[f->blocks[b].loop].preds].from;
	return b;
}

void hoist(struct flow *f)
{
	if (f->entered) /* no block is before a loop whatever way leads there */
		return;
	for (uint32_t b = 1; b < f->block_count; b++) {
		uint32_t id = f->blocks[b].first, next;

		if (f->blocks[b].loop == 0)
			continue;
		f->blocks[b].first = f->blocks[b].last = 0;
		for (; id != 0; id = next) {
			next = f->nodes[id].next;
			append(f, place_of(f, id), id);
		}
	}
}
