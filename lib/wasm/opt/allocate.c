/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers by linear scan over intervals with holes, which are split (Wimmer and Moessenboeck, "Optimized interval
 * splitting in a linear scan register allocator"). A value that is ever without a register is stored once, where it is
 * made: so leaving a register costs nothing and coming back is a load. It comes back before its next use, or before the
 * loop in which that is.
 *
 * Parts begin at the first position of an instruction, where moves stand, or with a block, where `resolve` puts them.
 */
#include "lib/wasm/number.h"
#include "lib/wasm/opt/ir.h"

#define BIT(reg) (UINT32_C(1) << (reg))

enum { REGS = 32, WORK_MAX = 1 << 25 };
#define NEVER UINT32_MAX

static const uint32_t kept_by_calls =
        BIT(RBX) | BIT(R8) | BIT(R9) | BIT(R10) | BIT(R11) | BIT(R12) | UINT32_C(0xff) << XMM8;
static const uint32_t usable = BIT(RAX) | BIT(RCX) | BIT(RDX) | BIT(RBX) | BIT(RSI) | BIT(R8) | BIT(R9) | BIT(R10) |
                               BIT(R11) | BIT(R12) | UINT32_C(0x7fff) << XMM0;

/* Those that instructions ask for by name come last. */
enum { FIRST_XMM = 10, ORDERED = 25 };
static const uint8_t order[ORDERED] = {RSI, RDX, RAX, RCX, RBX, R8, R9, R10, R11, R12, 16, 17, 18,
                                       19,  20,  21,  22,  23,  24, 25, 26,  27,  28,  29, 30};

struct scan {
	struct flow *f;
	uint32_t *heap, heap_count, heap_max; /* of intervals, by where they begin */
	uint32_t active[REGS];                /* by register, 0: none */
	uint32_t *inactive, inactive_count;
	uint32_t next; /* nobody active ends or pauses, and nobody inactive goes on, before this position */
	uint32_t fixed_at[FIXED_KINDS]; /* the first that ends behind the interval at hand */
};

static unsigned lowest(uint32_t bits)
{
	return (unsigned)ctz32(bits);
}

static uint32_t sooner(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The registers of the value's class. */
static uint32_t class_of(const struct flow *f, const struct interval *it)
{
	return usable & (is_float(f->nodes[it->value].type) ? ~UINT32_C(0xffff) : UINT32_C(0xffff));
}

/* ---- intervals that wait ---- */

static bool before(const struct flow *f, uint32_t a, uint32_t b)
{
	return f->intervals[a].from < f->intervals[b].from;
}

static void wait(struct scan *s, uint32_t id)
{
	uint32_t i = s->heap_count++, parent;

	if (i == s->heap_max) {
		s->f->failed = true;
		s->heap_count--;
		return;
	}
	for (; i > 0; i = parent) {
		parent = (i - 1) / 2;
		if (!before(s->f, id, s->heap[parent]))
			break;
		s->heap[i] = s->heap[parent];
	}
	s->heap[i] = id;
}

static uint32_t next_waiting(struct scan *s)
{
	uint32_t top = s->heap[0], last = s->heap[--s->heap_count], i = 0, child;

	while ((child = 2 * i + 1) < s->heap_count) {
		if (child + 1 < s->heap_count && before(s->f, s->heap[child + 1], s->heap[child]))
			child++;
		if (!before(s->f, s->heap[child], last))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
	return top;
}

/* ---- ranges ---- */

/* Forgets what ends at or before the position. */
static void advance(struct flow *f, struct interval *it, uint32_t at)
{
	while (it->range != 0 && f->ranges[it->range].to <= at)
		it->range = f->ranges[it->range].next;
	while (it->use != 0 && f->uses[it->use].at < at)
		it->use = f->uses[it->use].next;
}

static bool covers(const struct flow *f, const struct interval *it, uint32_t at)
{
	return it->range != 0 && f->ranges[it->range].from <= at && at < f->ranges[it->range].to;
}

static uint32_t intersection(struct flow *f, const struct interval *a, const struct interval *b)
{
	uint32_t x = a->range, y = b->range;

	while (x != 0 && y != 0) {
		const struct range *p = &f->ranges[x], *q = &f->ranges[y];

		f->work++;
		if (p->to <= q->from)
			x = p->next;
		else if (q->to <= p->from)
			y = q->next;
		else
			return p->from > q->from ? p->from : q->from;
	}
	return NEVER;
}

/* The first time that a fixed use of the kind meets the interval at hand. */
static uint32_t next_fixed(struct scan *s, unsigned kind, const struct interval *it)
{
	struct flow *f = s->f;
	const struct fixed *list = f->fixed[kind];
	uint32_t low = s->fixed_at[kind], x = it->range;

	while (low < f->fixed_count[kind] && list[low].to <= it->from)
		low++;
	s->fixed_at[kind] = low; /* intervals come in the order of their beginnings */
	while (low < f->fixed_count[kind] && x != 0) {
		f->work++;
		if (list[low].to <= f->ranges[x].from)
			low++;
		else if (f->ranges[x].to <= list[low].from)
			x = f->ranges[x].next;
		else
			return list[low].from > it->from ? list[low].from : it->from;
	}
	return NEVER;
}

static uint32_t next_use(struct flow *f, const struct interval *it, uint32_t at)
{
	uint32_t u = it->use;

	while (u != 0 && f->uses[u].at < at)
		u = f->uses[u].next;
	return u == 0 ? NEVER : f->uses[u].at;
}

static uint32_t next_must(struct flow *f, const struct interval *it, uint32_t at)
{
	uint32_t u = it->use;

	while (u != 0 && (f->uses[u].at < at || !f->uses[u].must)) {
		u = f->uses[u].next;
		f->work++;
	}
	return u == 0 ? NEVER : f->uses[u].at;
}

/* ---- splitting ---- */

static uint32_t block_of(const struct flow *f, uint32_t at)
{
	return f->block_at[at / 4];
}

/* The part from `at` on, a position where moves stand, becomes an interval of its own; 0: there is none. */
static uint32_t split_off(struct scan *s, uint32_t id, uint32_t at, bool waits)
{
	struct flow *f = s->f;
	struct interval *it = &f->intervals[id], *rest;
	uint32_t r = it->range, last = 0, *use = &it->all_uses;

	if (at <= it->from || at >= it->to || f->interval_count == f->interval_max || f->range_count == f->range_max) {
		f->failed = f->failed || at <= it->from || f->interval_count == f->interval_max ||
		            f->range_count == f->range_max;
		return 0;
	}
	rest = &f->intervals[f->interval_count];
	*rest = (struct interval){
	        .value = it->value, .from = at, .to = it->to, .sibling = it->sibling, .reg = NO_REG, .begun = true};
	for (; r != 0 && f->ranges[r].to <= at; r = f->ranges[r].next) {
		last = r;
		f->work++;
	}
	if (r != 0 && f->ranges[r].from < at) {
		f->ranges[f->range_count] = (struct range){at, f->ranges[r].to, f->ranges[r].next};
		rest->range = f->range_count++;
		f->ranges[r].to = at;
		f->ranges[r].next = 0;
		it->to = at;
		s->next = sooner(s->next, at);
	} else {
		rest->range = r;
		rest->from = f->ranges[r].from;
		it->to = last != 0 ? f->ranges[last].to : at;
		if (last != 0)
			f->ranges[last].next = 0;
		else
			it->range = 0;
	}
	while (*use != 0 && f->uses[*use].at < at) {
		use = &f->uses[*use].next;
		f->work++;
	}
	rest->use = rest->all_uses = *use;
	*use = 0;
	if (it->use != 0 && f->uses[it->use].at >= at)
		it->use = 0;
	it->sibling = f->interval_count;
	if (waits)
		wait(s, f->interval_count);
	return f->interval_count++;
}

static uint32_t split(struct scan *s, uint32_t id, uint32_t at)
{
	return split_off(s, id, at, true);
}

static bool calls_within(const struct flow *f, uint32_t from, uint32_t to)
{
	uint32_t low = 0, high = f->fixed_count[FIXED_CALL];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (f->fixed[FIXED_CALL][middle].from < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->fixed_count[FIXED_CALL] && f->fixed[FIXED_CALL][low].from < to;
}

/* Where to load a value that is used at `use` and in its slot from `from` on: not in a loop, if it can stay. */
static uint32_t load_place(const struct flow *f, uint32_t from, uint32_t use)
{
	uint32_t at = use & ~3u;

	for (;;) {
		uint32_t head = f->blocks[block_of(f, at)].loop, begin;

		if (head == 0)
			return at;
		begin = f->blocks[head].from;
		if (at == begin) { /* it is the head: the loop around it */
			head = f->blocks[f->edges[f->blocks[head].preds].from].loop;
			if (head == 0)
				return at;
			begin = f->blocks[head].from;
		}
		if (begin <= from || calls_within(f, begin, f->blocks[f->blocks[head].loop_last].to))
			return at;
		at = begin;
	}
}

static bool used_within(struct flow *f, const struct interval *it, uint32_t from, uint32_t to)
{
	uint32_t u = it->all_uses;

	for (; u != 0 && f->uses[u].at < from; u = f->uses[u].next)
		f->work++;
	return u != 0 && f->uses[u].at < to;
}

/* Where to leave the register before `at`: before the loop, if it is not used in there until then. */
static uint32_t leave_place(struct flow *f, const struct interval *it, uint32_t at)
{
	uint32_t head = f->blocks[block_of(f, at)].loop, begin = f->blocks[head].from;

	if (head == 0 || begin >= at || begin <= it->from || used_within(f, it, begin, at))
		return at;
	return begin;
}

/* ---- which register would be best ---- */

static uint8_t reg_at(const struct flow *f, uint32_t value, uint32_t at)
{
	for (uint32_t i = f->interval_of[value]; i != 0; i = f->intervals[i].sibling)
		if (at < f->intervals[i].to || f->intervals[i].sibling == 0)
			return f->intervals[i].reg;
	return NO_REG;
}

static uint8_t hint_of(struct flow *f, const struct interval *it)
{
	const struct node *n = &f->nodes[it->value];
	uint8_t reg = NO_REG;

	if (it->begun)
		return NO_REG;
	if (n->op == N_CALL || n->op == N_CALL_INDIRECT)
		reg = is_float(n->type) ? XMM0 : RAX;
	else if (n->op < OPCODES && op_classes[n->op].class == CLASS_DIVIDE)
		reg = n->op == 0x6f || n->op == 0x70 || n->op >= 0x81 ? RDX : RAX;
	if (reg != NO_REG)
		return reg;
	if (f->phi_of[it->value] != 0 && f->interval_of[f->phi_of[it->value]] != 0)
		reg = f->intervals[f->interval_of[f->phi_of[it->value]]].reg;
	if (reg != NO_REG)
		return reg;
	if (n->op == N_PHI) {
		for (uint32_t i = 0, edge = f->blocks[n->block].preds;
		     i < f->blocks[n->block].pred_count && reg == NO_REG && i < 4; i++, edge = f->edges[edge].next)
			if (f->interval_of[f->pool[n->in[0] + i]] != 0)
				reg = reg_at(f, f->pool[n->in[0] + i], f->blocks[f->edges[edge].from].to - 1);
		return reg;
	}
	if (n->in[0] != 0 && n->op < OPCODES && f->interval_of[n->in[0]] != 0)
		reg = reg_at(f, n->in[0], it->from & ~3u);
	return reg;
}

/* How long each register is free for the interval. */
static void look_free(struct scan *s, const struct interval *it, uint32_t until[static REGS])
{
	struct flow *f = s->f;
	uint32_t call = next_fixed(s, FIXED_CALL, it), class = class_of(f, it), t;

	for (uint32_t bits = class; bits != 0; bits &= bits - 1) {
		unsigned r = lowest(bits);

		until[r] = s->active[r] != 0 ? 0 : kept_by_calls >> r & 1 ? NEVER : call;
	}
	for (uint32_t i = 0; i < s->inactive_count; i++) {
		const struct interval *other = &f->intervals[s->inactive[i]];

		if (class >> other->reg & 1 && until[other->reg] > it->from &&
		    (t = intersection(f, other, it)) < until[other->reg])
			until[other->reg] = t;
	}
	if (is_float(f->nodes[it->value].type))
		return;
	t = next_fixed(s, FIXED_RCX, it);
	if (t < until[RCX])
		until[RCX] = t;
	t = next_fixed(s, FIXED_RAX_RDX, it);
	if (t < until[RAX])
		until[RAX] = t;
	if (t < until[RDX])
		until[RDX] = t;
}

/* The better of two free registers: free for all of it, else the longer; then one that need not be saved. */
static bool better(const struct flow *f, uint8_t a, uint8_t b, const uint32_t until[static REGS], uint32_t to)
{
	bool full_a = until[a] >= to, full_b = until[b] >= to;

	if (full_a != full_b)
		return full_a;
	if (!full_a)
		return until[a] > until[b];
	if ((kept_by_calls >> a & 1) != (kept_by_calls >> b & 1))
		return (kept_by_calls >> b & 1) != 0;
	return (kept_by_calls >> a & 1) != 0 && (f->used_regs >> a & 1) > (f->used_regs >> b & 1);
}

static void take(struct scan *s, uint32_t id, uint8_t reg)
{
	s->f->intervals[id].reg = reg;
	s->active[reg] = id;
	s->next = sooner(s->next, s->f->ranges[s->f->intervals[id].range].to);
	s->f->used_regs |= BIT(reg);
}

static bool try_free(struct scan *s, uint32_t id, bool all)
{
	struct flow *f = s->f;
	struct interval *it = &f->intervals[id];
	uint32_t until[REGS] = {0}, place;
	uint8_t hint = hint_of(f, it), best = NO_REG;
	bool hinted = hint != NO_REG && class_of(f, it) >> hint & 1;
	unsigned first = is_float(f->nodes[it->value].type) ? FIRST_XMM : 0;

	look_free(s, it, until);
	if (hinted && until[hint] >= it->to) {
		take(s, id, hint);
		return true;
	}
	for (unsigned i = first; i < (first == 0 ? FIRST_XMM : ORDERED); i++)
		if (until[order[i]] > it->from && (best == NO_REG || better(f, order[i], best, until, it->to)))
			best = order[i];
	if (best == NO_REG)
		return false;
	if (hinted && until[best] < it->to && until[hint] == until[best])
		best = hint;
	if (until[best] < it->to) {
		place = until[best] & ~3u;
		if (all || place <= it->from)
			return false;
		split(s, id, leave_place(f, it, place));
	}
	take(s, id, best);
	return true;
}

/* ---- taking a register from another ---- */

/* In its slot until it must be in a register, or for ever. */
static void spill(struct scan *s, uint32_t id, uint32_t must)
{
	s->f->intervals[id].reg = NO_REG;
	if (must != NEVER)
		split(s, id, must & ~3u);
}

/* When the others who hold each register want it next, and until when the code leaves it alone. */
struct held {
	uint32_t next[REGS], until[REGS];
};

static void look_held(struct scan *s, const struct interval *it, struct held *h)
{
	struct flow *f = s->f;
	uint32_t call = next_fixed(s, FIXED_CALL, it), class = class_of(f, it), t;

	for (uint32_t bits = class; bits != 0; bits &= bits - 1) {
		unsigned r = lowest(bits);
		struct interval *other = &f->intervals[s->active[r]];

		h->until[r] = kept_by_calls >> r & 1 ? NEVER : call;
		h->next[r] = NEVER;
		if (s->active[r] == 0)
			continue;
		advance(f, other, it->from);
		h->next[r] = next_use(f, other, it->from);
		/* It began with this one, or this instruction needs it. */
		if (other->from >= ((it->from + 3) & ~3u) || next_must(f, other, it->from) <= (it->from | 3u) ||
		    (it->from % 4 == 3 && h->next[r] == it->from))
			h->until[r] = 0;
	}
	for (uint32_t i = 0; i < s->inactive_count; i++) {
		const struct interval *other = &f->intervals[s->inactive[i]];

		if (class >> other->reg & 1 && h->until[other->reg] > 0 && intersection(f, other, it) != NEVER &&
		    (t = next_use(f, other, it->from)) < h->next[other->reg])
			h->next[other->reg] = t;
	}
	if (is_float(f->nodes[it->value].type))
		return;
	t = next_fixed(s, FIXED_RCX, it);
	h->until[RCX] = t < h->until[RCX] ? t : h->until[RCX];
	t = next_fixed(s, FIXED_RAX_RDX, it);
	h->until[RAX] = t < h->until[RAX] ? t : h->until[RAX];
	h->until[RDX] = t < h->until[RDX] ? t : h->until[RDX];
}

/* Goes to its slot from `at` on; from the loop on in which that is, if it is not used there before. */
static void leave(struct scan *s, uint32_t id, uint32_t at, bool early)
{
	struct flow *f = s->f;
	uint32_t rest = split(s, id, at), before;

	if (rest == 0)
		return;
	f->intervals[rest].early = early;
	before = leave_place(f, &f->intervals[id], at);
	if (before < at && before > f->intervals[id].from && f->intervals[rest].from == at)
		split_off(s, id, before, false);
}

/* Whoever holds the register goes to its slot. */
static void evict(struct scan *s, const struct interval *it, uint8_t reg)
{
	struct flow *f = s->f;
	uint32_t at = (it->from + 3) & ~3u;

	if (s->active[reg] != 0)
		leave(s, s->active[reg], at, it->from % 4 != 0);
	for (uint32_t i = 0; i < s->inactive_count;) {
		uint32_t other = s->inactive[i];

		if (f->intervals[other].reg != reg || intersection(f, &f->intervals[other], it) == NEVER) {
			i++;
			continue;
		}
		split(s, other, at);
		s->inactive[i] = s->inactive[--s->inactive_count];
	}
}

static void take_from_others(struct scan *s, uint32_t id)
{
	struct flow *f = s->f;
	struct interval *it = &f->intervals[id];
	uint32_t first = next_use(f, it, it->from), must = next_must(f, it, it->from);
	struct held h = {{0}, {0}};
	uint8_t best = NO_REG;

	look_held(s, it, &h);
	for (uint32_t bits = class_of(f, it); bits != 0; bits &= bits - 1) {
		uint8_t r = (uint8_t)lowest(bits);

		if ((h.until[r] & ~3u) > it->from &&
		    (best == NO_REG || (h.next[r] < h.until[r] ? h.next[r] : h.until[r]) >
		                               (h.next[best] < h.until[best] ? h.next[best] : h.until[best])))
			best = r;
	}
	if (must > (it->from | 3u) && (best == NO_REG || h.next[best] <= first)) {
		spill(s, id, must);
		return;
	}
	if (best == NO_REG) { /* more operands than registers: no instruction has them */
		f->failed = true;
		return;
	}
	evict(s, it, best);
	if (h.until[best] < it->to)
		split(s, id, h.until[best] & ~3u);
	take(s, id, best);
}

/* ---- the walk ---- */

/* First who ends or pauses, then who goes on: the latter may take over. */
static void expire(struct scan *s, uint32_t at)
{
	struct flow *f = s->f;
	uint32_t paused = s->inactive_count, next = NEVER;

	if (at < s->next)
		return;
	for (uint32_t bits = f->used_regs; bits != 0; bits &= bits - 1) {
		unsigned r = lowest(bits);
		uint32_t id = s->active[r];
		struct interval *it = &f->intervals[id];

		if (id == 0)
			continue;
		advance(f, it, at);
		if (covers(f, it, at)) {
			next = sooner(next, f->ranges[it->range].to);
			continue;
		}
		s->active[r] = 0;
		if (it->range != 0) {
			s->inactive[s->inactive_count++] = id;
			next = sooner(next, f->ranges[it->range].from);
		}
	}
	for (uint32_t i = paused; i-- > 0;) {
		uint32_t id = s->inactive[i];
		struct interval *it = &f->intervals[id];

		f->work++;
		advance(f, it, at);
		if (it->range != 0 && !covers(f, it, at)) {
			next = sooner(next, f->ranges[it->range].from);
			continue;
		}
		s->inactive[i] = s->inactive[--s->inactive_count];
		if (it->range != 0) {
			s->active[it->reg] = id;
			next = sooner(next, f->ranges[it->range].to);
		}
	}
	s->next = next;
}

/* A part that begins in the slot stays there until it pays to load it. */
static bool stays(struct scan *s, uint32_t id)
{
	struct flow *f = s->f;
	struct interval *it = &f->intervals[id];
	uint32_t use = next_use(f, it, it->from), place;

	if (!it->begun)
		return false;
	if (use == NEVER) {
		spill(s, id, NEVER);
		return true;
	}
	if ((use & ~3u) <= it->from || try_free(s, id, true))
		return (use & ~3u) > it->from;
	place = load_place(f, it->from, use);
	if (place <= it->from)
		return false;
	spill(s, id, place);
	return true;
}

static void step(struct scan *s, uint32_t id)
{
	struct flow *f = s->f;
	struct interval *it = &f->intervals[id];

	expire(s, it->from);
	if (stays(s, id) || try_free(s, id, false) || f->failed)
		return;
	take_from_others(s, id);
}

static bool prepare(struct scan *s)
{
	struct flow *f = s->f;

	s->heap_max = f->interval_max;
	s->heap = arena_many_scratch(&f->a, s->heap_max, uint32_t);
	s->inactive = arena_many_scratch(&f->a, s->heap_max + REGS, uint32_t);
	if (s->heap == NULL || s->inactive == NULL)
		return false;
	for (uint32_t i = 1; i < f->interval_count; i++) {
		struct interval *it = &f->intervals[i];
		uint32_t r = it->range;

		it->from = f->ranges[r].from;
		it->all_uses = it->use;
		while (f->ranges[r].next != 0)
			r = f->ranges[r].next;
		it->to = f->ranges[r].to;
		wait(s, i);
	}
	return true;
}

static uint32_t depth_at(const struct flow *f, uint32_t at)
{
	return f->blocks[block_of(f, at)].depth;
}

/* A value that is made in a loop and leaves its register outside of it is stored there. */
static void choose_stores(struct flow *f)
{
	for (uint32_t v = 1; v < f->node_count; v++) {
		const struct interval *it = &f->intervals[f->interval_of[v]];
		uint32_t depth;

		if (f->slot_of[v] == 0 || f->interval_of[v] == 0 || it->reg == NO_REG || it->begun)
			continue;
		depth = depth_at(f, it->from);
		f->stored[v] = STORED_LATE;
		for (uint32_t i = it->sibling, before = f->interval_of[v]; i != 0;
		     before = i, i = f->intervals[i].sibling) {
			const struct interval *part = &f->intervals[i];

			if (part->reg != NO_REG && part->early) /* it is loaded there */
				f->stored[v] = STORED_AT_ONCE;
			if (part->reg != NO_REG)
				continue;
			if (depth_at(f, part->from) >= depth || (part->early && f->intervals[before].reg != NO_REG &&
			                                         f->intervals[before].from + 4 > part->from - 4))
				f->stored[v] = STORED_AT_ONCE;
		}
	}
}

/* Values without a register, whenever that is, or loaded from it at once, get a slot; a parameter has one. */
static void give_slots(struct flow *f)
{
	for (uint32_t i = 1; i < f->interval_count; i++) {
		const struct interval *it = &f->intervals[i];
		uint32_t v = it->value;

		if (f->nodes[v].op == N_PARAM)
			f->slot_of[v] = 1 + (uint32_t)f->nodes[v].k;
		else if ((it->reg == NO_REG || it->early) && f->slot_of[v] == 0)
			f->slot_of[v] = 1 + f->spill_base + f->spill_count++;
	}
}

void allocate(struct flow *f)
{
	struct scan s = {.f = f};
	uint32_t saved;

	f->used_regs = 0;
	if (!prepare(&s)) {
		f->failed = true;
		return;
	}
	while (s.heap_count > 0 && !f->failed) {
		step(&s, next_waiting(&s));
		if (f->work > WORK_MAX)
			f->failed = true;
	}
	saved = popcnt32(f->used_regs & kept_by_calls);
	f->saved_base = f->param_slots;
	f->spill_base = f->saved_base + saved;
	give_slots(f);
	choose_stores(f);
	f->out_base = f->spill_base + f->spill_count;
	if (f->out_base < FRAME_LEAST)
		f->out_base = FRAME_LEAST;
}
