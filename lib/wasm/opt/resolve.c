/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a value changes its place: inside of a block before the instruction with which the new part begins; from block
 * to block at the end of the one that only leads there, or at the beginning of the one that only it leads to; and what
 * phis get. All moves of one spot happen at once.
 */
#include "lib/wasm/number.h"
#include "lib/wasm/opt/ir.h"

/* The same part or a later one. */
static const struct interval *part_at(const struct flow *f, const struct interval *it, uint32_t at)
{
	while (at >= it->to && it->sibling != 0)
		it = &f->intervals[it->sibling];
	return it;
}

const struct interval *interval_at(const struct flow *f, uint32_t value, uint32_t at)
{
	return part_at(f, &f->intervals[f->interval_of[value]], at);
}

static uint32_t place(const struct flow *f, const struct interval *it)
{
	return it->reg == NO_REG ? PLACE_SLOT + f->slot_of[it->value] - 1 : it->reg;
}

static void move(struct flow *f, uint32_t *list, uint32_t from, uint32_t to, uint8_t load, uint8_t store)
{
	if (from == to)
		return;
	if (f->move_count == f->move_max) {
		f->failed = true;
		return;
	}
	f->moves[f->move_count] = (struct move){.from = from, .to = to, .load = load, .store = store, .next = *list};
	*list = f->move_count++;
}

/* To a part of the same value; its slot may have it already. */
static void move_part(struct flow *f, uint32_t *list, const struct interval *from, const struct interval *to)
{
	uint8_t type = f->nodes[from->value].type;

	if (to->reg != NO_REG && to->early) /* the instruction before has taken the register that it was in */
		move(f, list, PLACE_SLOT + f->slot_of[to->value] - 1, to->reg, type, type);
	else if (to->reg != NO_REG)
		move(f, list, place(f, from), to->reg, type, type);
	else if (from->reg != NO_REG && f->stored[from->value] == STORED_LATE)
		move(f, list, from->reg, place(f, to), type, type);
}

static void inside_blocks(struct flow *f)
{
	for (uint32_t i = 1; i < f->interval_count; i++) {
		const struct interval *it = &f->intervals[i], *rest = &f->intervals[it->sibling];
		const struct block *b;

		if (it->sibling == 0)
			continue;
		b = &f->blocks[f->block_at[rest->from / 4]];
		if (rest->from != b->from && it->to == rest->from)
			move_part(f, &f->moves_at[rest->from / 4 - (rest->early && rest->reg == NO_REG)], it, rest);
	}
}

static void phi_move(struct flow *f, uint32_t *list, uint32_t phi, uint32_t value, uint32_t at)
{
	const struct interval *to = &f->intervals[f->interval_of[phi]];
	uint8_t type = f->nodes[phi].type;

	if (!is_const(f, value)) {
		move(f, list, place(f, interval_at(f, value, at)), place(f, to), f->nodes[value].type, type);
		return;
	}
	move(f, list, PLACE_CONST, place(f, to), type, type);
	if (!f->failed)
		f->moves[*list].k = f->nodes[value].k;
}

static void edge(struct flow *f, const uint64_t *split, uint32_t from, uint32_t to)
{
	struct block *p = &f->blocks[from], *s = &f->blocks[to];
	const uint64_t *live = f->live + (size_t)to * f->live_words;
	uint32_t *list = p->end == END_JUMP ? &p->moves_out : &s->moves_in;

	for (uint32_t w = 0; w < f->live_words; w++)
		for (uint64_t bits = live[w] & split[w]; bits != 0; bits &= bits - 1) {
			uint32_t v = f->global_value[(size_t)w * 64 + ctz64(bits)];
			const struct interval *before = interval_at(f, v, p->to - 1);
			const struct interval *after = s->from >= p->to ? part_at(f, before, s->from) : interval_at(f, v, s->from);

			if (before != after)
				move_part(f, list, before, after);
		}
	f->work += f->live_words;
	for (uint32_t phi = s->phis; phi != 0; phi = f->nodes[phi].next)
		phi_move(f, list, phi, f->pool[f->nodes[phi].in[0] + p->index], p->to - 1);
}

/* The values of several parts, as a set like those of live.c. */
static void find_split(const struct flow *f, uint64_t *split)
{
	for (uint32_t bit = 0; bit < f->global_count; bit++)
		if (f->intervals[f->interval_of[f->global_value[bit]]].sibling != 0)
			split[bit / 64] |= UINT64_C(1) << bit % 64;
}

void resolve(struct flow *f)
{
	uint64_t *split = arena_many(&f->a, f->live_words, uint64_t);

	f->move_max = 4 * f->node_count + 256;
	f->moves = arena_many_scratch(&f->a, f->move_max, struct move);
	f->move_count = 1;
	if (f->moves == NULL || split == NULL) {
		f->failed = true;
		return;
	}
	find_split(f, split);
	inside_blocks(f);
	for (uint32_t b = 1; b < f->block_count && !f->failed; b++) {
		uint32_t e = f->blocks[b].preds;

		for (uint32_t k = 0; k < f->blocks[b].pred_count && !f->failed; k++, e = f->edges[e].next)
			edge(f, split, f->edges[e].from, b);
	}
}
