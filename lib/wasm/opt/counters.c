/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop that counts up to 0 from a negative number, and only adds constants to its counter, or to sums of it and
 * something else, is made to count from 0 on: the constants then hold the whole offset, and no sum wraps, which is what
 * offsets.c asks for. Compilers make such loops over arrays whose address they know.
 */
#include "lib/wasm/opt/ir.h"

enum { ADD32 = 0x6a, NE32 = 0x47 };

struct counters {
	uint32_t *test; /* by node: of a counter, and of what it is next: the block that asks whether it is 0; 0: no
	                   counter */
	uint32_t *sum;  /* by node: of a sum of a counter and a number that only gets constants added: the counter */
	uint32_t count;
};

static uint32_t next_of(const struct flow *f, uint32_t phi)
{
	return f->pool[f->nodes[phi].in[0] + 1];
}

static uint32_t first_of(const struct flow *f, uint32_t phi)
{
	return f->pool[f->nodes[phi].in[0]];
}

static bool adds_constant(const struct flow *f, const struct node *n)
{
	return n->op == ADD32 && is_const(f, n->in[1]);
}

uint32_t test_of_loop(const struct flow *f, const struct block *head)
{
	uint32_t back = f->edges[f->edges[head->preds].next].from, test;

	if (head->pred_count != 2 || f->blocks[back].pred_count != 1)
		return 0;
	test = f->edges[f->blocks[back].preds].from;
	return f->blocks[test].end == END_BRANCH && f->blocks[test].succ[0] == back ? test : 0;
}

static void find(struct flow *f, struct counters *c)
{
	for (uint32_t b = 1; b < f->block_count; b++) {
		uint32_t test = f->blocks[b].is_loop ? test_of_loop(f, &f->blocks[b]) : 0;

		for (uint32_t phi = test != 0 ? f->blocks[b].phis : 0; phi != 0; phi = f->nodes[phi].next) {
			uint32_t next = next_of(f, phi), first = first_of(f, phi);
			const struct node *n = &f->nodes[next];

			if (f->blocks[test].value != next || !adds_constant(f, n) || n->in[0] != phi ||
			    !is_const(f, first) || f->nodes[n->in[1]].k == 0 || f->nodes[first].k <= INT32_MAX ||
			    (UINT32_MAX - f->nodes[first].k + 1) % f->nodes[n->in[1]].k != 0)
				continue;
			c->test[phi] = c->test[next] = test;
			c->count++;
		}
	}
}

/* Someone has another use for it: it stays as it is. */
static void forget(struct flow *f, struct counters *c, uint32_t id)
{
	uint32_t phi = f->nodes[id].op == N_PHI ? id : f->nodes[id].in[0];

	if (c->test[id] == 0)
		return;
	c->test[next_of(f, phi)] = c->test[phi] = 0;
	c->count--;
}

/* The node uses v; at a place where a constant is added to that, or nowhere. */
static void check_use(struct flow *f, struct counters *c, uint32_t id, unsigned i)
{
	const struct node *n = &f->nodes[id];
	uint32_t v = n->in[i], other = n->in[i ^ 1];
	bool adds = i == 0 && adds_constant(f, n);

	if (c->sum[v] != 0 && !adds)
		forget(f, c, c->sum[v]);
	if (c->test[v] == 0 || (adds && f->nodes[v].op == N_PHI))
		return;
	if (f->nodes[v].op == N_PHI && n->op == ADD32 && !is_const(f, other) && c->test[other] == 0 &&
	    c->sum[other] == 0)
		c->sum[id] = v;
	else
		forget(f, c, v);
}

static void check_phi(struct flow *f, struct counters *c, uint32_t phi)
{
	const struct node *n = &f->nodes[phi];

	for (uint32_t i = 0; i < f->blocks[n->block].pred_count; i++) {
		uint32_t v = f->pool[n->in[0] + i];

		if (f->nodes[v].op == N_PHI || f->nodes[v].in[0] != phi)
			forget(f, c, v);
		if (c->sum[v] != 0)
			forget(f, c, c->sum[v]);
	}
}

static void check_uses(struct flow *f, struct counters *c)
{
	for (uint32_t b = 1; b < f->block_count; b++) {
		uint32_t value = f->blocks[b].value;

		for (uint32_t id = f->blocks[b].first; id != 0; id = f->nodes[id].next) {
			check_use(f, c, id, 0);
			check_use(f, c, id, 1);
			forget(f, c, f->nodes[id].in[2]);
			forget(f, c, c->sum[f->nodes[id].in[2]]);
		}
		if (f->nodes[value].op == N_PHI || c->test[value] != b)
			forget(f, c, value);
		forget(f, c, c->sum[value]);
	}
	/* now that all sums are known */
	for (uint32_t b = 1; b < f->block_count; b++)
		for (uint32_t id = f->blocks[b].phis; id != 0; id = f->nodes[id].next)
			check_phi(f, c, id);
}

static void rewrite(struct flow *f, const struct counters *c, uint32_t phi)
{
	uint32_t test = c->test[phi], next = next_of(f, phi);
	uint64_t first = f->nodes[first_of(f, phi)].k;
	uint32_t id = new_node(f, NE32, WASM_I32, next, constant(f, WASM_I32, 0 - first));

	append(f, test, id);
	f->blocks[test].value = id;
	f->pool[f->nodes[phi].in[0]] = constant(f, WASM_I32, 0);
}

static bool has_loops(const struct flow *f)
{
	for (uint32_t b = 1; b < f->block_count; b++)
		if (f->blocks[b].is_loop)
			return true;
	return false;
}

void count_from_zero(struct flow *f)
{
	struct counters c = {0};

	if (!has_loops(f))
		return;
	c.test = arena_many(&f->a, f->node_max, uint32_t);
	c.sum = arena_many(&f->a, f->node_max, uint32_t);
	if (c.test == NULL || c.sum == NULL) {
		f->failed = true;
		return;
	}
	find(f, &c);
	if (c.count > 0)
		check_uses(f, &c);
	for (uint32_t b = 1; c.count > 0 && b < f->block_count; b++)
		for (uint32_t id = f->blocks[b].first; id != 0 && !f->failed; id = f->nodes[id].next) {
			uint32_t x = f->nodes[id].in[0], phi = c.sum[x] != 0 ? c.sum[x] : x;

			if (c.test[phi] == 0 || f->nodes[phi].op != N_PHI || next_of(f, phi) == id || c.sum[id] != 0)
				continue;
			f->nodes[id].in[1] =
			        constant(f, WASM_I32, f->nodes[f->nodes[id].in[1]].k + f->nodes[first_of(f, phi)].k);
		}
	for (uint32_t b = 1; c.count > 0 && b < f->block_count; b++)
		for (uint32_t phi = f->blocks[b].phis; phi != 0 && !f->failed; phi = f->nodes[phi].next)
			if (c.test[phi] != 0)
				rewrite(f, &c, phi);
}
