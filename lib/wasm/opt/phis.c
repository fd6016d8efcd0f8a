/* SPDX-License-Identifier: Apache-2.0 */
/* A phi all of whose values are one (or itself) is that value. Inner loops first, because they know last. */
#include "lib/wasm/opt/ir.h"

enum { ROUNDS = 8 };

uint32_t resolved(struct flow *f, uint32_t id)
{
	uint32_t to = id, next;

	while (f->forward[to] != 0)
		to = f->forward[to];
	for (; id != to; id = next) {
		next = f->forward[id];
		f->forward[id] = to;
	}
	return to;
}

/* 0: it has several. */
static uint32_t only_value(struct flow *f, uint32_t id)
{
	const struct node *n = &f->nodes[id];
	uint32_t only = 0;

	for (uint32_t i = 0; i < f->blocks[n->block].pred_count; i++) {
		uint32_t v = resolved(f, f->pool[n->in[0] + i]);

		if (v == id || v == only)
			continue;
		if (only != 0)
			return 0;
		only = v;
	}
	return only;
}

void remove_phis(struct flow *f)
{
	bool again = true;

	for (unsigned round = 0; round < ROUNDS && again; round++) {
		again = false;
		for (uint32_t id = f->node_count - 1; id > 0; id--) {
			uint32_t only;

			if (f->nodes[id].op != N_PHI || f->forward[id] != 0 || (only = only_value(f, id)) == 0)
				continue;
			f->forward[id] = only;
			again = true;
		}
	}
	for (uint32_t b = 1; b < f->block_count; b++) {
		uint32_t id = f->blocks[b].phis, next;

		f->blocks[b].phis = f->blocks[b].last_phi = 0;
		for (; id != 0; id = next) {
			next = f->nodes[id].next;
			if (f->forward[id] == 0)
				append(f, b, id);
		}
	}
}
