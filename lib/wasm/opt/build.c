/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a validated body to nodes in SSA form. Locals are looked up where they are read (Braun et al., "Simple and
 * efficient construction of static single assignment form"): backwards through the only predecessors to a definition,
 * or to a block with several, which gets a phi; the phis get their values when all blocks are there. Each block is
 * asked at most once for each local.
 *
 * Each jump of several stands at the end of a block with one successor: br_if and br_table get blocks of their own for
 * the way to their labels.
 *
 * Code that the interpreter enters (`entered`) has a block before each loop with nothing on the stack (there, and at
 * the loops around it), which it enters instead of what is before the loop: locals come from their slots there, so that
 * they are phis of the loop. The first block is empty and stands for whatever comes before any of these: nothing is
 * known to have happened.
 */
#include "lib/wasm/opt/ir.h"

#include "lib/wasm/leb.h"

struct label {
	uint8_t opcode, result;
	uint32_t height, pending; /* blocks that jump here, the last one first */
	uint32_t head;            /* of a loop */
	uint32_t test;            /* the block that ends with the test of an `if` without `else` yet */
	uint32_t params;          /* their values, in the pool */
	uint32_t stamp, edge;     /* the br_table that knows this label, and its block */
	struct wasm_functype type;
};

size_t label_size(void);
size_t label_size(void)
{
	return sizeof(struct label);
}

/* ---- reading ---- */

static uint32_t read_u32(struct flow *f)
{
	uint32_t v = 0;

	if (leb_u32(&f->c->r, &v) != OK)
		f->failed = true;
	return v;
}

static int64_t read_signed(struct flow *f, unsigned bits)
{
	int64_t v = 0;

	if (leb_signed(&f->c->r, bits, &v) != OK)
		f->failed = true;
	return v;
}

/* ---- blocks ---- */

static uint32_t start_block(struct flow *f)
{
	struct block *b;

	if (f->block_count == f->block_max) {
		f->failed = true;
		f->block_count = 1;
	}
	b = &f->blocks[f->block_count];
	*b = (struct block){.loop = f->loop, .depth = f->loop_depth, .where = f->c->where};
	f->now = f->block_count++;
	return f->now;
}

static void add_pred(struct flow *f, uint32_t block, uint32_t from)
{
	struct block *b = &f->blocks[block];
	uint32_t edge = f->edge_count;

	if (edge == f->edge_max) {
		f->failed = true;
		return;
	}
	f->edges[f->edge_count++] = (struct edge){from, 0};
	f->blocks[from].index = b->pred_count;
	if (b->pred_count++ == 0)
		b->preds = edge;
	else
		f->edges[b->last_pred].next = edge;
	b->last_pred = edge;
}

static void end_block(struct flow *f, uint8_t end)
{
	f->blocks[f->now].end = end;
	f->blocks[f->now].where = f->c->where;
}

static void jump(struct flow *f, uint32_t to)
{
	end_block(f, END_JUMP);
	f->blocks[f->now].succ[0] = to;
	add_pred(f, to, f->now);
}

/* A new block that only the given one leads to. */
static uint32_t follow(struct flow *f, uint32_t from)
{
	uint32_t b = start_block(f);

	add_pred(f, b, from);
	return b;
}

/* ---- the stack ---- */

static void push_value(struct flow *f, uint32_t id)
{
	if (f->height == f->stack_max) {
		f->failed = true;
		return;
	}
	f->stack[f->height++] = id;
}

static uint32_t pop_value(struct flow *f)
{
	if (f->height == 0) {
		f->failed = true;
		return 0;
	}
	return f->stack[--f->height];
}

static uint32_t add(struct flow *f, uint16_t op, uint8_t type, uint32_t x, uint32_t y)
{
	uint32_t id = new_node(f, op, type, x, y);

	f->nodes[id].where = f->c->where;
	append(f, f->now, id);
	return id;
}

static uint32_t zero(struct flow *f, uint8_t type)
{
	if (is_float(type)) /* code that is entered has no beginning */
		return f->entered ? add(f, N_ZERO, type, 0, 0) : f->zeros[type == WASM_F64];
	return constant(f, type, wasm_is_ref(type) ? WASM_NULL_REF : 0);
}

/* What a local is in a block that nothing precedes. */
static uint32_t first_value(struct flow *f, uint32_t block, uint32_t local, uint8_t type)
{
	uint32_t id;

	if (!f->entered)
		return zero(f, type);
	id = new_node(f, N_PARAM, type, 0, 0);
	f->nodes[id].k = f->c->local_slots[local];
	append(f, block, id);
	return id;
}

/* ---- locals ---- */

static void set_local(struct flow *f, uint32_t block, uint32_t local, uint32_t value)
{
	bool inlined = local >= f->c->locals;
	uint32_t **locals = &f->blocks[block].locals[inlined];

	if (*locals == NULL)
		*locals = arena_many(&f->a, inlined ? INLINE_LOCALS : f->c->locals, uint32_t);
	if (*locals == NULL)
		f->failed = true;
	else
		(*locals)[inlined ? local - f->c->locals : local] = value;
}

static uint32_t known_local(const struct flow *f, uint32_t block, uint32_t local)
{
	bool inlined = local >= f->c->locals;
	const uint32_t *locals = f->blocks[block].locals[inlined];

	return locals == NULL ? 0 : locals[inlined ? local - f->c->locals : local];
}

/* At the end of the block. */
static uint32_t get_local(struct flow *f, uint32_t block, uint32_t local, uint8_t type)
{
	uint32_t b = block, v;

	while ((v = known_local(f, b, local)) == 0) {
		const struct block *at = &f->blocks[b];

		if (at->pred_count != 1 || at->is_loop)
			break;
		b = f->edges[at->preds].from;
	}
	if (v == 0 && f->blocks[b].pred_count == 0) {
		v = first_value(f, b, local, type);
	} else if (v == 0) {
		v = new_node(f, N_PHI, type, 0, 0);
		f->nodes[v].k = local + 1;
		append(f, b, v);
	}
	set_local(f, b, local, v);
	while (block != b && !f->failed) {
		set_local(f, block, local, v);
		block = f->edges[f->blocks[block].preds].from;
	}
	return v;
}

/* The list of nodes grows on the way. */
static void complete_phis(struct flow *f)
{
	for (uint32_t id = 1; id < f->node_count && !f->failed; id++) {
		struct node *n = &f->nodes[id];
		uint32_t local = (uint32_t)n->k - 1, args, edge;

		if (n->op != N_PHI || n->k == 0)
			continue;
		args = n->in[0] = take_pool(f, f->blocks[n->block].pred_count);
		if (f->failed)
			return;
		for (edge = f->blocks[n->block].preds; args < n->in[0] + f->blocks[n->block].pred_count; args++) {
			uint32_t v = get_local(f, f->edges[edge].from, local, f->nodes[id].type);

			f->pool[args] = v;
			edge = f->edges[edge].next;
		}
	}
}

/* ---- labels ---- */

static struct label *label(struct flow *f, uint32_t depth)
{
	return &f->labels[f->depth - 1 - (depth < f->depth ? depth : f->depth - 1)];
}

static uint32_t label_count(const struct label *l)
{
	return l->opcode == OPCODE_LOOP ? l->type.param_count : l->type.result_count;
}

/* The block at hand goes to the label with the topmost values. */
static void go(struct flow *f, struct label *l)
{
	uint32_t count = label_count(l), at = take_pool(f, count);
	struct block *b = &f->blocks[f->now];

	if (f->failed || f->height < count) {
		f->failed = true;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		f->pool[at + i] = f->stack[f->height - count + i];
	b->carried = at;
	if (l->opcode == OPCODE_LOOP) {
		jump(f, l->head);
		return;
	}
	end_block(f, END_JUMP);
	b->pending = l->pending;
	l->pending = f->now;
}

/* One value for each way that leads here, from what they carry. */
static uint32_t merge_value(struct flow *f, uint32_t block, uint8_t type, uint32_t i)
{
	const struct block *b = &f->blocks[block];
	uint32_t phi, at, edge = b->preds;

	phi = new_node(f, N_PHI, type, 0, 0);
	append(f, block, phi);
	at = f->nodes[phi].in[0] = take_pool(f, b->pred_count);
	for (uint32_t k = 0; k < b->pred_count && !f->failed; k++) {
		f->pool[at + k] = f->pool[f->blocks[f->edges[edge].from].carried + i];
		edge = f->edges[edge].next;
	}
	return phi;
}

/* What cannot be reached is skipped, to the else or end that belongs to the innermost block. */
static void skip_dead(struct flow *f)
{
	struct reader *r = &f->c->r, ahead;
	uint32_t depth = 0, opcode;

	f->height = label(f, 0)->height;
	f->now = 0;
	for (;;) {
		ahead = *r;
		if (read_opcode(r, &opcode) != OK)
			break;
		if (depth == 0 && (opcode == OPCODE_ELSE || opcode == OPCODE_END)) {
			*r = ahead;
			return;
		}
		depth -= opcode == OPCODE_END;
		depth += opcode >= OPCODE_BLOCK && opcode <= OPCODE_IF;
		if (skip_immediates(r, opcode) != OK)
			break;
	}
	f->failed = true;
}

static void read_block_type(struct flow *f, struct label *l)
{
	const struct wasm_module *m = f->c->m;
	int64_t v = read_signed(f, 33);

	if (v >= 0) {
		l->type = m->types[v < m->type_count ? v : 0];
		return;
	}
	l->type = (struct wasm_functype){0};
	if (v == -64)
		return;
	l->result = (uint8_t)(v & 0x7f);
	l->type = (struct wasm_functype){.result_count = 1, .results = &l->result};
}

static struct label *enter(struct flow *f, uint8_t opcode)
{
	struct label *l;

	if (f->depth == f->label_max) {
		f->failed = true;
		f->depth = 1;
	}
	l = &f->labels[f->depth++];
	*l = (struct label){.opcode = opcode};
	read_block_type(f, l);
	if (has_vectors(&l->type))
		f->failed = true;
	return l;
}

static void begin_block(struct flow *f)
{
	struct label *l = enter(f, OPCODE_BLOCK);

	l->height = f->height - l->type.param_count;
}

static void begin_loop(struct flow *f)
{
	struct label *l = enter(f, OPCODE_LOOP);
	uint32_t before = f->now, entry = 0, head, count = l->type.param_count;
	bool enterable;
	struct block *b;

	l->height = f->height - count;
	go(f, &(struct label){.opcode = OPCODE_BLOCK, .type = {.result_count = count}}); /* carries the parameters */
	enterable = f->height == 0 && (f->loop == 0 || f->blocks[f->loop].enterable);
	f->enterable = f->enterable || enterable;
	if (f->entered && enterable) {
		entry = start_block(f);
		f->blocks[entry].is_entry = true;
		end_block(f, END_JUMP);
		f->blocks[entry].succ[0] = entry + 1;
	}
	head = start_block(f);
	b = &f->blocks[head];
	b->is_loop = true;
	b->enterable = enterable;
	b->loop = f->loop = head;
	b->depth = ++f->loop_depth;
	f->blocks[before].succ[0] = head;
	add_pred(f, head, before);
	if (entry != 0)
		add_pred(f, head, entry);
	l->head = head;
	add(f, N_POLL, 0, 0, 0);
	for (uint32_t i = 0; i < count; i++) { /* completed at its end */
		uint32_t phi = new_node(f, N_PHI, l->type.params[i], 0, 0);

		append(f, head, phi);
		f->stack[l->height + i] = phi;
		if (i == 0)
			l->params = phi;
	}
}

/* The arm that is never run is skipped, and what is left is a block. */
static void begin_known_if(struct flow *f, const struct label *l, bool taken)
{
	uint32_t now = f->now, opcode = OPCODE_END;
	struct reader ahead;

	if (taken || f->failed)
		return;
	skip_dead(f);
	ahead = f->c->r;
	if (read_opcode(&ahead, &opcode) == OK && opcode == OPCODE_ELSE)
		f->c->r = ahead;
	f->now = now;
	f->height = l->height + l->type.param_count;
}

static void begin_if(struct flow *f)
{
	struct label *l = enter(f, OPCODE_IF);
	uint32_t cond = pop_value(f), count = l->type.param_count;

	l->height = f->height - count;
	if (is_const(f, cond)) {
		begin_known_if(f, l, f->nodes[cond].k != 0);
		return;
	}
	l->params = take_pool(f, count);
	for (uint32_t i = 0; i < count && !f->failed; i++)
		f->pool[l->params + i] = f->stack[l->height + i];
	end_block(f, END_BRANCH);
	f->blocks[f->now].value = cond;
	l->test = f->now;
	f->blocks[l->test].succ[0] = follow(f, l->test);
}

/* The other way of an `if` begins: its parameters are there again. */
static void begin_else(struct flow *f, struct label *l)
{
	f->height = l->height;
	for (uint32_t i = 0; i < l->type.param_count && !f->failed; i++)
		push_value(f, f->pool[l->params + i]);
	f->blocks[l->test].succ[1] = follow(f, l->test);
	l->test = 0;
}

static void otherwise(struct flow *f)
{
	struct label *l = label(f, 0);

	if (f->now != 0)
		go(f, l);
	if (l->test != 0)
		begin_else(f, l);
	else
		skip_dead(f); /* it was known */
}

static void end_loop(struct flow *f, struct label *l)
{
	struct block *head = &f->blocks[l->head];
	uint32_t count = l->type.param_count, before = f->now;

	for (uint32_t i = 0; i < count && !f->failed; i++) {
		uint32_t phi = l->params + i, at = take_pool(f, head->pred_count), edge = head->preds;

		f->nodes[phi].in[0] = at;
		for (uint32_t k = 0; k < head->pred_count && !f->failed; k++) {
			f->pool[at + k] = f->pool[f->blocks[f->edges[edge].from].carried + i];
			edge = f->edges[edge].next;
		}
	}
	head->loop_last = f->block_count - 1;
	f->loop_depth--;
	/* the loop around it: the one of its first predecessor, unless the loop begins its body */
	f->loop = f->blocks[f->edges[head->preds].from].loop;
	f->depth--;
	if (before == 0)
		return;
	end_block(f, END_JUMP);
	f->blocks[before].succ[0] = follow(f, before);
}

static void end_label(struct flow *f)
{
	struct label *l = label(f, 0);
	uint32_t merge;

	if (l->opcode == OPCODE_LOOP) {
		end_loop(f, l);
		return;
	}
	if (f->now != 0 && l->test == 0 && l->pending == 0) { /* nothing jumps here */
		f->depth--;
		return;
	}
	if (f->now != 0)
		go(f, l);
	if (l->test != 0) {
		begin_else(f, l);
		go(f, l);
	}
	f->depth--;
	f->height = l->height;
	f->now = 0;
	if (l->pending == 0)
		return;
	merge = start_block(f);
	for (uint32_t b = l->pending; b != 0 && !f->failed; b = f->blocks[b].pending) {
		f->blocks[b].succ[0] = merge;
		add_pred(f, merge, b);
	}
	for (uint32_t i = 0; i < l->type.result_count && !f->failed; i++)
		push_value(f, merge_value(f, merge, l->type.results[i], i));
}

/* Also of an inlined body: what follows its call goes on. */
static void end(struct flow *f)
{
	end_label(f);
	if (f->depth == f->body->label && f->depth > 0) {
		f->c->r = f->body->back;
		f->body--;
	}
	if (f->now == 0 && f->depth > 0)
		skip_dead(f);
}

static void branch_if(struct flow *f)
{
	struct label *l = label(f, read_u32(f));
	uint32_t cond = pop_value(f), from = f->now;

	if (is_const(f, cond) && f->nodes[cond].k == 0)
		return;
	if (is_const(f, cond)) {
		go(f, l);
		skip_dead(f);
		return;
	}
	end_block(f, END_BRANCH);
	f->blocks[from].value = cond;
	f->blocks[from].succ[0] = follow(f, from);
	go(f, l);
	f->blocks[from].succ[1] = follow(f, from);
}

/* The index is known. */
static void known_branch(struct flow *f, uint64_t index, uint32_t count)
{
	uint32_t depth = 0;

	for (uint32_t i = 0; i <= count && !f->failed; i++) {
		uint32_t row = read_u32(f);

		if (i <= index)
			depth = row;
	}
	go(f, label(f, depth));
	skip_dead(f);
}

static void branch_table(struct flow *f)
{
	uint32_t count = read_u32(f), from = f->now, at;

	if (f->height > 0 && is_const(f, f->stack[f->height - 1])) {
		known_branch(f, f->nodes[pop_value(f)].k, count);
		return;
	}
	if (count > BR_TABLE_MAX) {
		f->failed = true;
		return;
	}
	at = take_pool(f, count + 1);
	end_block(f, END_TABLE);
	f->blocks[from].value = pop_value(f);
	f->blocks[from].targets = at;
	f->blocks[from].target_count = count + 1;
	for (uint32_t i = 0; i <= count && !f->failed; i++) {
		struct label *l = label(f, read_u32(f));

		if (l->stamp != from) {
			l->stamp = from;
			l->edge = follow(f, from);
			go(f, l);
		}
		f->pool[at + i] = l->edge;
	}
	skip_dead(f);
}

/* ---- calls ---- */

static void pass(struct flow *f, const uint8_t *types, uint32_t count)
{
	if (f->height < count) {
		f->failed = true;
		return;
	}
	f->height -= count;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t id = add(f, N_ARG, 0, f->stack[f->height + i], 0);

		f->nodes[id].k = i;
		f->nodes[id].width = types[i];
	}
	if (f->outgoing < count)
		f->outgoing = count;
}

static void call_results(struct flow *f, uint32_t call, const struct wasm_functype *t)
{
	f->calls = true;
	if (has_vectors(t))
		f->failed = true;
	if (f->outgoing < t->result_count)
		f->outgoing = t->result_count;
	if (t->result_count == 1) {
		f->nodes[call].type = t->results[0];
		push_value(f, call);
		return;
	}
	for (uint32_t i = 0; i < t->result_count; i++) {
		uint32_t id = add(f, N_RESULT, t->results[i], 0, 0);

		f->nodes[id].k = i;
		push_value(f, id);
	}
}

static void add_inlined_local(struct flow *f, uint8_t type, uint32_t value)
{
	uint32_t local = f->body->first_local + f->body->locals++, at = local - f->c->locals;

	if (at >= INLINE_LOCALS) {
		f->failed = true;
		return;
	}
	f->inlined_types[at] = type;
	set_local(f, f->now, local, value);
}

/* The declarations are read. The parameters are on the stack behind its end. */
static void begin_inlined_locals(struct flow *f, const struct wasm_functype *t)
{
	uint32_t runs, count;
	uint8_t type = 0;

	for (uint32_t i = 0; i < t->param_count; i++)
		add_inlined_local(f, t->params[i], f->stack[f->height + i]);
	for (runs = read_u32(f); runs > 0 && !f->failed; runs--) {
		count = read_u32(f);
		if (leb_byte(&f->c->r, &type) != OK)
			f->failed = true;
		for (; count > 0 && !f->failed; count--)
			add_inlined_local(f, type, zero(f, type));
	}
}

static bool is_open(const struct flow *f, uint32_t function)
{
	for (const struct body_at_hand *b = f->bodies; b <= f->body; b++)
		if (b->function == function)
			return true;
	return false;
}

/*
 * The body of the function is read instead of a call of it, as a block around which nothing can be seen: its arguments
 * are its locals, its end is the label of its returns. Instructions keep their offsets in the module, which say whose
 * they are when they trap.
 */
static bool inline_call(struct flow *f, uint32_t index, const struct wasm_functype *t)
{
	uint32_t cost = inline_cost(f, index);
	struct body_at_hand next = {f->c->r, index, f->depth, f->body->first_local + f->body->locals, 0};

	if (cost == 0 || f->body == &f->bodies[INLINE_DEPTH] || is_open(f, index) || f->depth == f->label_max)
		return false;
	if (f->height < t->param_count || !reader_of_body(f->c->m, index - f->c->m->imported_functions, &f->c->r)) {
		f->failed = true;
		return false;
	}
	f->height -= t->param_count;
	f->labels[f->depth++] = (struct label){.opcode = OPCODE_BLOCK, .type = *t, .height = f->height};
	*++f->body = next;
	f->inline_left -= cost;
	f->inlined += cost;
	begin_inlined_locals(f, t);
	return true;
}

static void call(struct flow *f)
{
	const struct wasm_module *m = f->c->m;
	uint32_t index = read_u32(f), id;
	const struct wasm_functype *t = &m->types[m->functions[index]];

	if (inline_call(f, index, t))
		return;
	pass(f, t->params, t->param_count);
	id = add(f, N_CALL, 0, 0, 0);
	f->nodes[id].k = index;
	call_results(f, id, t);
}

static void call_indirect(struct flow *f)
{
	uint32_t type = read_u32(f), table = read_u32(f), index = pop_value(f), id;
	const struct wasm_functype *t = &f->c->m->types[type];

	pass(f, t->params, t->param_count);
	id = add(f, N_CALL_INDIRECT, 0, index, 0);
	f->nodes[id].k = (uint64_t)type << 32 | table;
	call_results(f, id, t);
}

/* What native.c executes: operands, immediates, result (WASM_FUNCREF: the table's type). */
static const struct by_helper {
	bool known;
	uint8_t in[3], count, immediates, out;
} helpers[OPCODES] = {
        [0x25] = {true, {WASM_I32}, 1, 1, WASM_FUNCREF},
        [0x26] = {true, {WASM_I32, WASM_I64}, 2, 1, 0},
        [0x40] = {true, {WASM_I32}, 1, 1, WASM_I32},
        [0x69] = {true, {WASM_I32}, 1, 0, WASM_I32},
        [0x7b] = {true, {WASM_I64}, 1, 0, WASM_I64},
        [0xae] = {true, {WASM_F32}, 1, 0, WASM_I64},
        [0xaf] = {true, {WASM_F32}, 1, 0, WASM_I64},
        [0xb0] = {true, {WASM_F64}, 1, 0, WASM_I64},
        [0xb1] = {true, {WASM_F64}, 1, 0, WASM_I64},
        [0x100] = {true, {WASM_F32}, 1, 0, WASM_I32},
        [0x101] = {true, {WASM_F32}, 1, 0, WASM_I32},
        [0x102] = {true, {WASM_F64}, 1, 0, WASM_I32},
        [0x103] = {true, {WASM_F64}, 1, 0, WASM_I32},
        [0x104] = {true, {WASM_F32}, 1, 0, WASM_I64},
        [0x105] = {true, {WASM_F32}, 1, 0, WASM_I64},
        [0x106] = {true, {WASM_F64}, 1, 0, WASM_I64},
        [0x107] = {true, {WASM_F64}, 1, 0, WASM_I64},
        [0x108] = {true, {WASM_I32, WASM_I32, WASM_I32}, 3, 2, 0},
        [0x109] = {true, {0}, 0, 1, 0},
        [0x10a] = {true, {WASM_I32, WASM_I32, WASM_I32}, 3, 2, 0},
        [0x10b] = {true, {WASM_I32, WASM_I32, WASM_I32}, 3, 1, 0},
        [0x10c] = {true, {WASM_I32, WASM_I32, WASM_I32}, 3, 2, 0},
        [0x10d] = {true, {0}, 0, 1, 0},
        [0x10e] = {true, {WASM_I32, WASM_I32, WASM_I32}, 3, 2, 0},
        [0x10f] = {true, {WASM_I64, WASM_I32}, 2, 1, WASM_I32},
        [0x110] = {true, {0}, 0, 1, WASM_I32},
        [0x111] = {true, {WASM_I32, WASM_I64, WASM_I32}, 3, 1, 0},
};

static void by_helper(struct flow *f, uint32_t opcode)
{
	const struct by_helper *k = &helpers[opcode];
	uint64_t first = 0, second = 0;
	uint32_t id;

	if (k->immediates > 0)
		first = read_u32(f);
	if (k->immediates > 1)
		second = read_u32(f);
	if (first > UINT16_MAX || second > UINT16_MAX) {
		f->failed = true;
		return;
	}
	pass(f, k->in, k->count);
	if (f->outgoing == 0)
		f->outgoing = 1;
	id = add(f, N_HELPER, k->out, 0, 0);
	f->nodes[id].k = opcode | first << 32 | second << 48;
	if (k->out == WASM_FUNCREF)
		f->nodes[id].type = f->c->m->tables[first].element;
	if (k->out != 0)
		push_value(f, id);
}

/* ---- the others ---- */

static void float_constant(struct flow *f, uint8_t type, uint64_t k)
{
	if (k == 0)
		push_value(f, add(f, N_ZERO, type, 0, 0));
	else if (type == WASM_F32)
		push_value(f, add(f, 0xbe, type, constant(f, WASM_I32, k), 0));
	else
		push_value(f, add(f, 0xbf, type, constant(f, WASM_I64, k), 0));
}

static void memory_access(struct flow *f, uint32_t opcode, const struct opclasses *k)
{
	uint32_t value = k->class == CLASS_STORE ? pop_value(f) : 0, address = pop_value(f), id;

	read_u32(f);
	id = add(f, (uint16_t)opcode, k->out, address, value);
	f->nodes[id].k = read_u32(f);
	if (k->class == CLASS_LOAD)
		push_value(f, id);
}

/* Constants are known at once, so that what depends on them is not even read: with that, an inlined body is what its
 * arguments leave of it. */
static void push_number(struct flow *f, uint32_t opcode, uint8_t type, uint32_t x, uint32_t y)
{
	const struct node n = {.op = (uint16_t)opcode, .type = type, .in = {x, y}};
	uint32_t id = fold_constants(f, &n);

	push_value(f, id != 0 ? id : add(f, (uint16_t)opcode, type, x, y));
}

static void number(struct flow *f, uint32_t opcode)
{
	const struct opclasses *k = &op_classes[opcode];
	uint32_t y, x;

	switch (k->class) {
	case CLASS_UNARY:
	case CLASS_TRUNC: push_number(f, opcode, k->out, pop_value(f), 0); return;
	case CLASS_BINARY:
	case CLASS_DIVIDE:
	case CLASS_COMPARE:
		y = pop_value(f);
		x = pop_value(f);
		push_number(f, opcode, k->out, x, y);
		return;
	case CLASS_LOAD:
	case CLASS_STORE: memory_access(f, opcode, k); return;
	default: f->failed = true;
	}
}

static void select_value(struct flow *f)
{
	uint32_t cond = pop_value(f), y = pop_value(f), x = pop_value(f), id = add(f, 0x1b, f->nodes[x].type, x, y);

	f->nodes[id].in[2] = cond;
	push_value(f, id);
}

static uint32_t read_local(struct flow *f)
{
	return f->body->first_local + read_u32(f);
}

static void read_of_local(struct flow *f)
{
	uint32_t local = read_local(f), own = f->c->locals;

	push_value(f, get_local(f, f->now, local, local < own ? f->c->local_types[local] : f->inlined_types[local - own]));
}

static void simple(struct flow *f, uint32_t opcode)
{
	uint32_t id, n;
	uint64_t bits = 0;
	uint8_t type = 0;

	switch (opcode) {
	case 0x01: return;
	case 0x1a: pop_value(f); return;
	case 0x1c:
		for (n = read_u32(f); n > 0 && !f->failed; n--)
			read_u32(f);
		select_value(f);
		return;
	case 0x1b: select_value(f); return;
	case 0x20: read_of_local(f); return;
	case 0x21:
		n = read_local(f);
		set_local(f, f->now, n, pop_value(f));
		return;
	case 0x22:
		n = read_local(f);
		id = pop_value(f);
		set_local(f, f->now, n, id);
		push_value(f, id);
		return;
	case 0x23:
		n = read_u32(f);
		id = add(f, 0x23, f->c->m->globals[n].type.type, 0, 0);
		f->nodes[id].k = n;
		push_value(f, id);
		return;
	case 0x24:
		n = read_u32(f);
		id = add(f, 0x24, 0, pop_value(f), 0);
		f->nodes[id].k = n;
		f->nodes[id].width = f->c->m->globals[n].type.type;
		return;
	case 0x3f:
		read_u32(f);
		push_value(f, add(f, 0x3f, WASM_I32, 0, 0));
		return;
	case 0x41: push_value(f, constant(f, WASM_I32, (uint32_t)read_signed(f, 32))); return;
	case 0x42: push_value(f, constant(f, WASM_I64, (uint64_t)read_signed(f, 64))); return;
	case 0x43:
		if (rd_u32le(&f->c->r, &n) == OK)
			float_constant(f, WASM_F32, n);
		else
			f->failed = true;
		return;
	case 0x44:
		if (rd_u64le(&f->c->r, &bits) != OK)
			f->failed = true;
		float_constant(f, WASM_F64, bits);
		return;
	case 0xd0:
		if (leb_byte(&f->c->r, &type) != OK)
			f->failed = true;
		push_value(f, constant(f, type, WASM_NULL_REF));
		return;
	case 0xd1: push_value(f, add(f, 0xd1, WASM_I32, pop_value(f), 0)); return;
	case 0xd2:
		n = read_u32(f);
		id = add(f, 0xd2, WASM_FUNCREF, 0, 0);
		f->nodes[id].k = n;
		push_value(f, id);
		return;
	default: number(f, opcode);
	}
}

static void instruction(struct flow *f)
{
	uint32_t opcode;

	f->c->where = (uint32_t)rd_offset(&f->c->r);
	if (read_opcode(&f->c->r, &opcode) != OK || opcode >= OPCODES) {
		f->failed = true;
		return;
	}
	if (helpers[opcode].known) {
		by_helper(f, opcode);
		return;
	}
	switch (opcode) {
	case 0x00:
		end_block(f, END_TRAP);
		skip_dead(f);
		return;
	case OPCODE_BLOCK: begin_block(f); return;
	case OPCODE_LOOP: begin_loop(f); return;
	case OPCODE_IF: begin_if(f); return;
	case OPCODE_ELSE: otherwise(f); return;
	case OPCODE_END: end(f); return;
	case 0x0c:
		go(f, label(f, read_u32(f)));
		skip_dead(f);
		return;
	case 0x0d: branch_if(f); return;
	case 0x0e: branch_table(f); return;
	case 0x0f:
		go(f, &f->labels[f->body->label]);
		skip_dead(f);
		return;
	case 0x10: call(f); return;
	case 0x11: call_indirect(f); return;
	default: simple(f, opcode);
	}
}

static void parameters(struct flow *f)
{
	f->now = 0;
	f->block_count = 1;
	start_block(f);
	if (f->entered) {
		f->blocks[1].end = END_JUMP;
		f->blocks[1].succ[0] = 2;
		start_block(f);
		add_pred(f, 2, 1);
		return;
	}
	f->zeros[0] = add(f, N_ZERO, WASM_F32, 0, 0);
	f->zeros[1] = add(f, N_ZERO, WASM_F64, 0, 0);
	for (uint32_t i = 0; i < f->type->param_count && !f->failed; i++) {
		uint32_t id = add(f, N_PARAM, f->type->params[i], 0, 0);

		f->nodes[id].k = i;
		set_local(f, f->now, i, id);
	}
}

/* Several results go to outgoing slots first, because parameters may still be in the slots where they belong. */
static void give_results(struct flow *f)
{
	if (f->type->result_count > 1)
		pass(f, f->type->results, f->type->result_count);
	end_block(f, END_RETURN);
	f->blocks[f->now].value = f->type->result_count == 1 ? pop_value(f) : 0;
}

void build(struct flow *f)
{
	for (uint32_t i = 0; i < f->c->locals; i++)
		if (f->c->local_types[i] == WASM_V128)
			f->failed = true;
	if (has_vectors(f->type))
		f->failed = true;
	f->body = f->bodies;
	*f->body = (struct body_at_hand){.function = f->c->function, .locals = f->c->locals};
	parameters(f);
	f->labels[0] = (struct label){.opcode = OPCODE_BLOCK, .type = *f->type};
	f->depth = 1;
	while (f->depth > 0 && !f->failed)
		instruction(f);
	if (!f->failed && f->now != 0)
		give_results(f);
	complete_phis(f);
}
