/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each value is needed. Instructions are numbered; number i has the positions 4i (before it: moves), 4i + 1 (reads
 * its early operands), 4i + 2 (what it clobbers), 4i + 3 (its result; late operands are still needed). A block begins
 * with a number of its own, at which its phis appear, and ends with its jump.
 *
 * One walk backwards over the code makes the ranges (Wimmer and Franz, "Linear scan register allocation on SSA form");
 * what is alive at the head of a loop is alive in all of it. Sets are kept for values that live across blocks only.
 */
#include "lib/wasm/number.h"
#include "lib/wasm/opt/write.h"

enum { LIVE_BYTES_MAX = 1 << 23, WORK_MAX = 1 << 25 };

/* ---- operands ---- */

static unsigned kind_of(const struct flow *f, const struct node *n, unsigned i);

static void use_of(struct flow *f, uint32_t id, unsigned kind, use_fn *fn, void *ctx)
{
	if (id == 0 || is_const(f, id))
		return;
	if (f->nodes[id].flags & FLAG_FOLDED) { /* its user asks for what it asks for */
		const struct node *n = &f->nodes[id];
		bool load = n->op < OPCODES && op_classes[n->op].class == CLASS_LOAD;

		use_of(f, n->in[0], kind | (load ? USE_LATE : 0) | (kind_of(f, n, 0) & USE_MUST), fn, ctx);
		if (!load)
			use_of(f, n->in[1], kind, fn, ctx);
		return;
	}
	fn(f, id, kind, ctx);
}

static bool is_shift(uint32_t op)
{
	return (op >= 0x74 && op <= 0x78) || (op >= 0x86 && op <= 0x8a);
}

/* How operand i is used. */
static unsigned kind_of(const struct flow *f, const struct node *n, unsigned i)
{
	if (n->op == N_HIGH_U || n->op == N_HIGH_S)
		return USE_LATE | USE_MUST;
	if (n->op >= OPCODES)
		return n->op == N_LEA ? USE_MUST : USE_EARLY;
	switch (op_classes[n->op].class) {
	case CLASS_LOAD:
	case CLASS_STORE: return USE_MUST;
	case CLASS_DIVIDE: return i == 1 ? USE_LATE | USE_MUST : USE_EARLY;
	case CLASS_TRUNC: return USE_MUST;
	case CLASS_BINARY:
		if (is_shift(n->op))
			return USE_EARLY;
		if (n->op == 0x96 || n->op == 0x97 || n->op == 0xa4 || n->op == 0xa5 || n->op == 0x98 || n->op == 0xa6)
			return i == 1 ? USE_LATE | USE_MUST : USE_EARLY;
		return i == 1 && (!op_classes[n->op].commutes || is_const(f, n->in[0])) ? USE_LATE : USE_EARLY;
	case CLASS_COMPARE:
		return i == 0 && n->in[1] != 0 && !is_imm(f, n->in[1], n->op >= 0x51) ? USE_MUST : USE_EARLY;
	default: break;
	}
	if (n->op == 0x1b)
		return is_float(n->type) ? (i == 1 ? USE_LATE | USE_MUST : USE_EARLY) : i == 0 ? USE_LATE : USE_EARLY;
	return n->op == 0x24 ? USE_MUST : USE_EARLY;
}

void each_use(struct flow *f, uint32_t id, use_fn *fn, void *ctx)
{
	const struct node *n = &f->nodes[id];

	for (unsigned i = 0; i < ARRAY_COUNT(n->in); i++)
		use_of(f, n->in[i], kind_of(f, n, i), fn, ctx);
}

void each_end_use(struct flow *f, const struct block *b, use_fn *fn, void *ctx)
{
	use_of(f, b->value, USE_EARLY, fn, ctx);
}

/* ---- which values live across blocks ---- */

static void make_global(struct flow *f, uint32_t id)
{
	if (f->global[id] != 0 || is_const(f, id))
		return;
	f->global_value[f->global_count] = id;
	f->global[id] = ++f->global_count;
}

static void global_use(struct flow *f, uint32_t value, unsigned kind, void *ctx)
{
	(void)kind;
	if (f->nodes[value].block != *(uint32_t *)ctx)
		make_global(f, value);
}

static void find_global(struct flow *f)
{
	for (uint32_t b = 1; b < f->block_count; b++) {
		const struct block *k = &f->blocks[b];

		for (uint32_t id = k->phis; id != 0; id = f->nodes[id].next) {
			for (uint32_t i = 0; i < k->pred_count; i++)
				make_global(f, f->pool[f->nodes[id].in[0] + i]);
		}
		for (uint32_t id = k->first; id != 0; id = f->nodes[id].next)
			if (!(f->nodes[id].flags & FLAG_FOLDED))
				each_use(f, id, global_use, &b);
		each_end_use(f, k, global_use, &b);
	}
}

/* ---- numbers ---- */

static void number(struct flow *f)
{
	uint32_t n = 1;

	for (uint32_t b = 1; b < f->block_count; b++) {
		struct block *k = &f->blocks[b];

		k->from = 4 * n;
		f->block_at[n++] = b;
		for (uint32_t id = k->phis; id != 0; id = f->nodes[id].next)
			f->at[id] = n - 1;
		for (uint32_t id = k->first; id != 0; id = f->nodes[id].next) {
			if (f->nodes[id].flags & FLAG_FOLDED)
				continue;
			f->at[id] = n;
			f->order[n] = id;
			f->block_at[n++] = b;
		}
		f->block_at[n++] = b; /* the jump */
		k->to = 4 * n;
	}
	f->order_count = n;
}

/* ---- ranges and uses ---- */

static struct interval *interval(struct flow *f, uint32_t value)
{
	if (f->interval_of[value] == 0) {
		if (f->interval_count == f->interval_max) {
			f->failed = true;
			f->interval_count = 1;
		}
		f->intervals[f->interval_count] = (struct interval){.value = value, .reg = NO_REG};
		f->interval_of[value] = f->interval_count++;
	}
	return &f->intervals[f->interval_of[value]];
}

static void add_range(struct flow *f, uint32_t value, uint32_t from, uint32_t to)
{
	struct interval *it = interval(f, value);
	struct range *first = &f->ranges[it->range];

	if (it->range != 0 && first->from <= to) {
		if (from < first->from)
			first->from = from;
		if (to > first->to)
			first->to = to;
		for (uint32_t next = first->next; next != 0 && f->ranges[next].from <= first->to; next = first->next) {
			if (f->ranges[next].to > first->to)
				first->to = f->ranges[next].to;
			first->next = f->ranges[next].next;
		}
		return;
	}
	if (f->range_count == f->range_max) {
		f->failed = true;
		return;
	}
	f->ranges[f->range_count] = (struct range){from, to, it->range};
	it->range = f->range_count++;
}

static void add_use(struct flow *f, uint32_t value, uint32_t at, bool must)
{
	struct interval *it = interval(f, value);

	if (f->use_count == f->use_max) {
		f->failed = true;
		return;
	}
	f->uses[f->use_count] = (struct use){at, it->use, must};
	it->use = f->use_count++;
}

/* A result appears; nobody may want it. */
static void define(struct flow *f, uint32_t value, uint32_t at, bool must)
{
	struct interval *it = interval(f, value);

	if (it->range == 0)
		add_range(f, value, at, (at & ~3u) + 4);
	f->ranges[it->range].from = at;
	if (must)
		add_use(f, value, at, true);
}

static uint64_t *live_in(const struct flow *f, uint32_t block)
{
	return f->live + (size_t)block * f->live_words;
}

static void add_live(const struct flow *f, uint32_t block, uint32_t value)
{
	uint32_t bit = f->global[value] - 1;

	if (f->global[value] != 0)
		live_in(f, block)[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void no_longer_live(const struct flow *f, uint32_t block, uint32_t value)
{
	uint32_t bit = f->global[value] - 1;

	if (f->global[value] != 0)
		live_in(f, block)[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

/* Of all values of the set. */
static void add_ranges(struct flow *f, const uint64_t *set, uint32_t from, uint32_t to)
{
	for (uint32_t w = 0; w < f->live_words; w++)
		for (uint64_t bits = set[w]; bits != 0; bits &= bits - 1)
			add_range(f, f->global_value[(size_t)w * 64 + ctz64(bits)], from, to);
}

struct reading {
	uint32_t block, number;
};

static void read_operand(struct flow *f, uint32_t value, unsigned kind, void *ctx)
{
	const struct reading *r = ctx;
	bool late = (kind & USE_LATE) != 0;

	add_live(f, r->block, value);
	add_range(f, value, f->blocks[r->block].from, 4 * r->number + (late ? 4 : 2));
	add_use(f, value, 4 * r->number + (late ? 3 : 1), (kind & USE_MUST) != 0);
}

static void join_successor(struct flow *f, uint64_t *set, uint32_t from, uint32_t to)
{
	const struct block *s = &f->blocks[to];
	const uint64_t *in = live_in(f, to);

	for (uint32_t w = 0; w < f->live_words; w++)
		set[w] |= in[w];
	f->work += f->live_words;
	for (uint32_t id = s->phis; id != 0; id = f->nodes[id].next) {
		uint32_t v = f->pool[f->nodes[id].in[0] + f->blocks[from].index];

		add_live(f, from, v);
		f->phi_of[v] = id;
	}
}

static void join_successors(struct flow *f, uint64_t *set, uint32_t block)
{
	const struct block *b = &f->blocks[block];

	if (b->end == END_JUMP || b->end == END_BRANCH)
		join_successor(f, set, block, b->succ[0]);
	if (b->end == END_BRANCH)
		join_successor(f, set, block, b->succ[1]);
	if (b->end == END_TABLE)
		for (uint32_t i = 0; i < b->target_count; i++)
			if (i == 0 || f->pool[b->targets + i] != f->pool[b->targets + i - 1])
				join_successor(f, set, block, f->pool[b->targets + i]);
}

/* Alive at the head: alive everywhere in the loop. */
static void extend_over_loop(struct flow *f, uint32_t head)
{
	const struct block *b = &f->blocks[head];
	const uint64_t *in = live_in(f, head);
	uint32_t to = f->blocks[b->loop_last].to;

	add_ranges(f, in, b->from, to);
	for (uint32_t k = head + 1; k <= b->loop_last; k++)
		for (uint32_t w = 0; w < f->live_words; w++)
			live_in(f, k)[w] |= in[w];
	f->work += (b->loop_last - head) * f->live_words + f->global_count;
}

static void live_block(struct flow *f, uint32_t block)
{
	struct block *b = &f->blocks[block];
	uint64_t *set = live_in(f, block);
	struct reading r = {block, b->to / 4 - 1};

	join_successors(f, set, block);
	add_ranges(f, set, b->from, b->to);
	each_end_use(f, b, read_operand, &r);
	while (--r.number > b->from / 4) {
		uint32_t id = f->order[r.number];

		if (f->nodes[id].type != 0) {
			define(f, id, f->nodes[id].op == N_PARAM ? 4 * r.number : 4 * r.number + 3,
			       f->nodes[id].op != N_PARAM);
			f->intervals[f->interval_of[id]].begun = f->nodes[id].op == N_PARAM;
			no_longer_live(f, block, id);
		}
		each_use(f, id, read_operand, &r);
	}
	for (uint32_t id = b->phis; id != 0; id = f->nodes[id].next) {
		define(f, id, b->from, false);
		no_longer_live(f, block, id);
	}
	if (b->is_loop)
		extend_over_loop(f, block);
}

/* ---- registers that are taken ---- */

static void fix(struct flow *f, unsigned kind, uint32_t number, uint32_t end)
{
	if (f->fixed_count[kind] == f->fixed_max) {
		f->failed = true;
		return;
	}
	f->fixed[kind][f->fixed_count[kind]++] = (struct fixed){4 * number + 2, 4 * number + end};
}

static void find_fixed(struct flow *f)
{
	for (uint32_t n = 1; n < f->order_count; n++) {
		const struct node *k = &f->nodes[f->order[n]];
		const struct block *b = &f->blocks[f->block_at[n]];

		if (b->end == END_TABLE && b->to == 4 * n + 4)
			fix(f, FIXED_RCX, n, 4);
		if (f->order[n] == 0)
			continue;
		if (k->op == N_CALL || k->op == N_CALL_INDIRECT || k->op == N_HELPER)
			fix(f, FIXED_CALL, n, 3);
		else if (k->op < OPCODES && is_shift(k->op) && !is_const(f, k->in[1]))
			fix(f, FIXED_RCX, n, 4);
		else if (k->op == N_HIGH_U || k->op == N_HIGH_S ||
		         (k->op < OPCODES && op_classes[k->op].class == CLASS_DIVIDE))
			fix(f, FIXED_RAX_RDX, n, 3);
	}
}

/* ---- all ---- */

static bool make_room(struct flow *f)
{
	uint32_t nodes = f->node_count, numbers = nodes + 2 * f->block_count + 2;

	f->at = arena_many(&f->a, nodes, uint32_t);
	f->order = arena_many(&f->a, numbers, uint32_t);
	f->block_at = arena_many(&f->a, numbers, uint32_t);
	f->moves_at = arena_many(&f->a, numbers, uint32_t);
	f->interval_of = arena_many(&f->a, nodes, uint32_t);
	f->slot_of = arena_many(&f->a, nodes, uint32_t);
	f->stored = arena_many(&f->a, nodes, uint8_t);
	f->phi_of = arena_many(&f->a, nodes, uint32_t);
	f->global = arena_many(&f->a, nodes, uint32_t);
	f->global_value = arena_many_scratch(&f->a, nodes, uint32_t);
	f->range_max = 4 * nodes + 64;
	f->use_max = 4 * nodes + 64;
	f->interval_max = 2 * nodes + 64;
	f->fixed_max = nodes + f->block_count;
	f->ranges = arena_many_scratch(&f->a, f->range_max, struct range);
	f->uses = arena_many_scratch(&f->a, f->use_max, struct use);
	f->intervals = arena_many_scratch(&f->a, f->interval_max, struct interval);
	for (unsigned k = 0; k < FIXED_KINDS; k++)
		if ((f->fixed[k] = arena_many_scratch(&f->a, f->fixed_max, struct fixed)) == NULL)
			return false;
	f->range_count = f->use_count = f->interval_count = 1;
	return f->at != NULL && f->order != NULL && f->block_at != NULL && f->moves_at != NULL &&
	       f->interval_of != NULL && f->slot_of != NULL && f->stored != NULL && f->phi_of != NULL &&
	       f->global != NULL && f->global_value != NULL && f->ranges != NULL && f->uses != NULL &&
	       f->intervals != NULL;
}

void live_ranges(struct flow *f)
{
	if (!make_room(f)) {
		f->failed = true;
		return;
	}
	number(f);
	find_global(f);
	f->live_words = (f->global_count + 63) / 64;
	if ((uint64_t)f->live_words * 8 * f->block_count <= LIVE_BYTES_MAX)
		f->live = arena_many(&f->a, (size_t)f->live_words * f->block_count, uint64_t);
	else
		f->live = NULL;
	if (f->live == NULL) {
		f->failed = true;
		return;
	}
	for (uint32_t b = f->block_count - 1; b > 0 && !f->failed; b--) {
		live_block(f, b);
		if (f->work > WORK_MAX)
			f->failed = true;
	}
	find_fixed(f);
}
