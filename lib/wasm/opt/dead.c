/* SPDX-License-Identifier: Apache-2.0 */
/* What no effect needs goes; the uses of the rest are counted. Loads stay, because they may trap. */
#include "lib/wasm/opt/ir.h"

static bool removable(const struct flow *f, const struct node *n)
{
	return is_pure(f, n) || n->op == N_PHI || n->op == N_PARAM || n->op == N_RESULT || n->op == 0x23 ||
	       n->op == 0x3f;
}

struct marks {
	uint32_t *stack, count;
};

static void mark(struct flow *f, struct marks *m, uint32_t id)
{
	struct node *n = &f->nodes[id];

	if (id == 0)
		return;
	n->uses++;
	if (n->flags & FLAG_LIVE)
		return;
	n->flags |= FLAG_LIVE;
	m->stack[m->count++] = id;
}

static void mark_operands(struct flow *f, struct marks *m, uint32_t id)
{
	const struct node *n = &f->nodes[id];

	if (n->op == N_PHI) {
		for (uint32_t i = 0; i < f->blocks[n->block].pred_count; i++)
			mark(f, m, f->pool[n->in[0] + i]);
		return;
	}
	for (unsigned i = 0; i < ARRAY_COUNT(n->in); i++)
		mark(f, m, n->in[i]);
}

static void sweep(struct flow *f, uint32_t b, uint32_t id)
{
	for (uint32_t next; id != 0; id = next) {
		next = f->nodes[id].next;
		if (f->nodes[id].flags & FLAG_LIVE)
			append(f, b, id);
	}
}

void remove_dead(struct flow *f)
{
	struct marks m = {arena_many_scratch(&f->a, f->node_count, uint32_t), 0};

	if (m.stack == NULL) {
		f->failed = true;
		return;
	}
	for (uint32_t b = 1; b < f->block_count; b++) {
		mark(f, &m, f->blocks[b].value);
		for (uint32_t id = f->blocks[b].first; id != 0; id = f->nodes[id].next)
			if (!removable(f, &f->nodes[id])) {
				mark(f, &m, id);
				f->nodes[id].uses--;
			}
		while (m.count > 0)
			mark_operands(f, &m, m.stack[--m.count]);
	}
	for (uint32_t b = 1; b < f->block_count; b++) {
		struct block *k = &f->blocks[b];
		uint32_t nodes = k->first, phis = k->phis;

		k->first = k->last = k->phis = k->last_phi = 0;
		sweep(f, b, phis);
		sweep(f, b, nodes);
	}
}
