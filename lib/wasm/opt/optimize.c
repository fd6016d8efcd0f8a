/* SPDX-License-Identifier: Apache-2.0 */
/* The passes in their order, and the memory they share. */
#include "lib/wasm/opt/ir.h"

enum { BODY_MAX = 48 << 10, BYTES_FOR_EACH = 700, BYTES_LEAST = 1 << 20, BYTES_MOST = 32 << 20, LABELS_MAX = 4096 };

size_t label_size(void);

struct flow *optimizer_new(struct compiler *c, uint32_t largest_body)
{
	uint32_t body = largest_body < BODY_MAX ? largest_body : BODY_MAX;
	size_t size = (size_t)(body + inline_room(body)) * BYTES_FOR_EACH + BYTES_LEAST;
	struct flow *f = arena_new(c->scratch, struct flow);
	void *memory;

	if (size > BYTES_MOST)
		size = BYTES_MOST;
	memory = arena_scratch(c->scratch, size, 1, 64);
	for (; memory == NULL && size / 2 >= BYTES_LEAST; memory = arena_scratch(c->scratch, size, 1, 64))
		size /= 2; /* the largest functions get baseline code then */
	if (f == NULL || memory == NULL || (f->inlining = inlining_new(c->m, c->scratch)) == NULL)
		return NULL;
	f->c = c;
	f->a = arena_of(memory, size);
	return f;
}

static uint32_t most_nodes(const struct flow *f, uint32_t size)
{
	return 3 * size + 2 * f->c->locals + 256;
}

static bool make_room(struct flow *f, uint32_t size)
{
	struct arena *a = &f->a;

	f->node_max = most_nodes(f, size);
	f->block_max = size + 16;
	f->edge_max = 2 * size + 32;
	f->pool_max = 4 * size + 1024;
	f->stack_max = HEIGHT_MAX;
	f->label_max = size / 2 + 2 < LABELS_MAX ? size / 2 + 2 : LABELS_MAX;
	f->nodes = arena_many_scratch(a, f->node_max, struct node);
	f->blocks = arena_many_scratch(a, f->block_max, struct block);
	f->edges = arena_many_scratch(a, f->edge_max, struct edge);
	f->pool = arena_many_scratch(a, f->pool_max, uint32_t);
	f->stack = arena_many_scratch(a, f->stack_max, uint32_t);
	f->labels = arena_scratch(a, f->label_max, label_size(), 8);
	if (f->nodes == NULL || f->blocks == NULL || f->edges == NULL || f->pool == NULL || f->stack == NULL ||
	    f->labels == NULL)
		return false;
	f->nodes[0] = (struct node){0};
	f->blocks[0] = (struct block){0};
	f->node_count = 1;
	return true;
}

static void run(struct flow *f, uint32_t size)
{
	static void (*const passes[])(struct flow * f) = {
	        remove_phis,         dominators,  number_values, hoist,   count_from_zero, fold_offsets,
	        remove_dead,         select_instructions, live_ranges, allocate,      resolve, write_code,
	};

	build(f);
	if (f->node_count < most_nodes(f, size + f->inlined))
		f->node_max = most_nodes(f, size + f->inlined); /* what was not inlined needs no tables */
	f->forward = f->failed ? NULL : arena_many(&f->a, f->node_max, uint32_t);
	if (f->forward == NULL)
		f->failed = true;
	for (size_t i = 0; i < ARRAY_COUNT(passes) && !f->failed; i++)
		passes[i](f);
}

/* What is inlined takes memory that the body itself does not need. */
static uint32_t inline_most(const struct flow *f, uint32_t size)
{
	size_t fits = f->a.max / BYTES_FOR_EACH;
	uint32_t most = inline_begin(f->inlining, size);

	if (fits <= size)
		return 0;
	return fits - size < most ? (uint32_t)(fits - size) : most;
}

bool optimize_body(struct flow *f, uint32_t size, bool entered, bool inlines)
{
	struct inlining *inlining = f->inlining;
	struct compiler *c = f->c;
	struct arena a = f->a;

	if (size > BODY_MAX)
		return false;
	arena_release(&a, 0);
	*f = (struct flow){.c = c, .a = a, .inlining = inlining, .entered = entered};
	f->type = &c->m->types[c->m->functions[c->function]];
	f->param_slots = entered ? c->local_count : c->param_count;
	f->inline_left = inlines ? inline_most(f, size) : 0;
	f->failed = !make_room(f, size + f->inline_left);
	if (!f->failed)
		run(f, size);
	inlining->inlined += f->inlined;
	return !f->failed && !c->failed;
}
