/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which functions stand in the bodies of their callers instead of being called: small ones without loops, which call next
 * to nothing. All bodies are looked at once, so that a call costs one look into a table.
 *
 * What is put into one body is at most inline_room of its size, and what is put into all of them little more than they are
 * themselves: a module of thousands of calls of a function just small enough is compiled in time and memory that are
 * linear in its size.
 */
#include "lib/wasm/opt/ir.h"

enum {
	MOST = 40,         /* bytes, where it is run as often as its caller */
	MOST_IN_LOOP = 96, /* and where more often */
	CALL_COSTS = 16,   /* as many bytes */
	ROOM_LEAST = 512,
	AHEAD = 8 << 10    /* the first bodies may get so much before there are others to pay for it */
};

uint32_t inline_room(uint32_t size)
{
	return size / 2 + ROOM_LEAST;
}

/* ---- which ---- */

/* Their number, or one that is too large. */
static uint32_t count_locals(struct reader *r, uint32_t params)
{
	uint32_t runs = 0, count = 0, all = params;
	uint8_t type = 0;

	if (leb_u32(r, &runs) != OK)
		return UINT32_MAX;
	for (; runs > 0 && all <= INLINE_LOCALS; runs--) {
		if (leb_u32(r, &count) != OK || leb_byte(r, &type) != OK || count > INLINE_LOCALS || type == WASM_V128)
			return UINT32_MAX;
		all += count;
	}
	return all;
}

/* What the instructions cost, 0: they cannot be inlined. */
static uint32_t cost_of(struct reader *r)
{
	uint32_t opcode, cost = (uint32_t)rd_left(r);

	while (rd_left(r) > 0) {
		if (read_opcode(r, &opcode) != OK || opcode == OPCODE_LOOP || opcode >= OPCODES ||
		    skip_immediates(r, opcode) != OK)
			return 0;
		cost += opcode == 0x10 || opcode == 0x11 ? CALL_COSTS : 0;
	}
	return cost <= MOST_IN_LOOP ? cost : 0;
}

static void look_at(struct inlining *in, const struct wasm_module *m, uint32_t n)
{
	const struct wasm_functype *t = &m->types[m->functions[m->imported_functions + n]];
	uint32_t locals;
	struct reader r;

	if (m->bodies[n].bytes > MOST_IN_LOOP || has_vectors(t) || !reader_of_body(m, n, &r))
		return;
	locals = count_locals(&r, t->param_count);
	if (locals > INLINE_LOCALS)
		return;
	in->functions[n].locals = (uint8_t)locals;
	in->functions[n].cost = (uint8_t)cost_of(&r);
}

struct inlining *inlining_new(const struct wasm_module *m, struct arena *a)
{
	uint32_t own = m->function_count - m->imported_functions;
	struct inlining *in = arena_new(a, struct inlining);

	if (in == NULL || (in->functions = arena_array(a, own, sizeof *in->functions, 1)) == NULL)
		return NULL;
	for (uint32_t n = 0; n < own; n++)
		look_at(in, m, n);
	return in;
}

/* ---- how many ---- */

uint32_t inline_begin(struct inlining *in, uint32_t size)
{
	uint64_t left;

	in->bodies += size;
	left = in->bodies + AHEAD - in->inlined;
	return left < inline_room(size) ? (uint32_t)left : inline_room(size);
}

uint32_t inline_cost(const struct flow *f, uint32_t index)
{
	const struct wasm_module *m = f->c->m;
	uint32_t n = index - m->imported_functions, used = f->body->first_local + f->body->locals - f->c->locals, cost;

	if (index < m->imported_functions)
		return 0;
	cost = f->inlining->functions[n].cost;
	if (cost > (f->loop_depth > 0 ? MOST_IN_LOOP : MOST) || cost > f->inline_left ||
	    f->inlining->functions[n].locals > INLINE_LOCALS - used)
		return 0;
	return cost;
}
