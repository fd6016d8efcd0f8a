/* SPDX-License-Identifier: Apache-2.0 */
/* Machine code, block after block. Blocks that do nothing are jumped over. */
#include "lib/wasm/opt/write.h"

#include "lib/wasm/number.h"

#define KEPT                                                                                                           \
	(UINT32_C(1) << RBX | UINT32_C(1) << R8 | UINT32_C(1) << R9 | UINT32_C(1) << R10 | UINT32_C(1) << R11 |        \
	 UINT32_C(1) << R12 | UINT32_C(0x7f) << XMM8)
static const uint8_t kept[] = {RBX,      R8,       R9,       R10,      R11,      R12,     XMM8,
                               XMM8 + 1, XMM8 + 2, XMM8 + 3, XMM8 + 4, XMM8 + 5, XMM8 + 6};

enum { RUNS_MAX = 6, SHORT_MOST = 4, SHORT_DEPTH = 2, INNER_BLOCKS = 12, LINE = 6 };

static void end_of(struct flow *f, const struct block *b, uint32_t next, unsigned depth);

/* ---- frame ---- */

static uint8_t saved_type(uint8_t reg)
{
	return reg >= XMM0 ? WASM_F64 : WASM_I64;
}

static void save(struct flow *f, void (*each)(struct compiler *c, uint8_t type, uint8_t reg, struct rm rm))
{
	uint32_t slot = f->saved_base;

	for (size_t i = 0; i < ARRAY_COUNT(kept); i++)
		if (f->used_regs >> kept[i] & 1) {
			emit_room(&f->c->e, 32);
			each(f->c, saved_type(kept[i]), kept[i], slot_rm(slot++));
		}
}

static void begin(struct flow *f)
{
	struct compiler *c = f->c;
	uint32_t slots = f->out_base + f->outgoing + 8;

	/* The interpreter makes no longer frame. */
	if (f->entered &&
	    slots > c->m->bodies[c->function - c->m->imported_functions].frame_slots + NATIVE_FRAME_GROWTH) {
		f->failed = true;
		return;
	}

	emit_room(&c->e, 256);
	if (f->calls)
		write_poll(c, 0);
	if (f->calls || slots > NATIVE_MARGIN) {
		emit_lea(&c->e, true, RAX, rm_mem(FRAME, (int32_t)(slots * 8)));
		emit_alu(&c->e, ALU_CMP, true, RAX, rm_mem(INST, INST_OFFSET(stack_end)));
		emit_jcc_to(&c->e, CC_A, c->traps[TRAP_STACK]);
	}
	save(f, reg_to_slot);
}

static void leave(struct flow *f, const struct block *b)
{
	struct compiler *c = f->c;
	uint32_t results = f->type->result_count;

	if (b->value != 0)
		load_to(f, b->value, b->to / 4 - 1, is_float(f->type->results[0]) ? XMM0 : RAX);
	save(f, slot_to_reg);
	for (uint32_t i = 0; results > 1 && i < results; i++) {
		emit_room(&c->e, 64);
		emit_op(&c->e, 0x8b | OP_W, RAX, slot_rm(f->out_base + i));
		emit_op(&c->e, 0x89 | OP_W, RAX, slot_rm(i));
	}
	emit_ret(&c->e);
}

/* ---- blocks ---- */

/* A phi that has both a register and a slot is put into the latter, as other values are where they are made. */
static bool stores_phi(const struct flow *f, uint32_t phi)
{
	return f->slot_of[phi] != 0 && f->stored[phi] == STORED_AT_ONCE && dest_of(f, phi) != NO_REG;
}

static bool does_nothing(const struct flow *f, uint32_t block)
{
	const struct block *b = &f->blocks[block];

	if (b->end != END_JUMP || b->is_loop || b->is_entry || b->moves_in != 0 || b->moves_out != 0)
		return false;
	for (uint32_t phi = b->phis; phi != 0; phi = f->nodes[phi].next)
		if (stores_phi(f, phi))
			return false;
	for (uint32_t n = b->from / 4; n < b->to / 4; n++)
		if (f->order[n] != 0 || f->moves_at[n] != 0)
			return false;
	return true;
}

static uint32_t real(struct flow *f, uint32_t block)
{
	while (f->blocks[block].empty) {
		uint32_t next = f->blocks[block].succ[0];

		if (f->blocks[next].empty)
			f->blocks[block].succ[0] = f->blocks[next].succ[0];
		block = next;
	}
	return block;
}

/* A jump field of 32 bits that leads to the block. */
static void field_to(struct flow *f, uint32_t field, uint32_t block)
{
	struct block *b = &f->blocks[real(f, block)];

	if (b->at != 0) {
		emit_patch32(&f->c->e, field, b->at - (field + 4));
	} else {
		emit_patch32(&f->c->e, field, b->fixups);
		b->fixups = field;
	}
}

static void jump(struct flow *f, uint32_t block)
{
	struct block *b = &f->blocks[real(f, block)];

	if (b->at != 0)
		emit_back(&f->c->e, b->at);
	else
		emit_jmp_chain(&f->c->e, &b->fixups);
}

static void jump_if(struct flow *f, enum condition cc, uint32_t block)
{
	struct block *b = &f->blocks[real(f, block)];

	if (b->at != 0)
		emit_back_if(&f->c->e, cc, b->at);
	else
		emit_jcc_chain(&f->c->e, cc, &b->fixups);
}

static void branch(struct flow *f, const struct block *b, uint32_t next)
{
	uint32_t yes = real(f, b->succ[0]), no = real(f, b->succ[1]);
	enum condition cc;

	if (is_const(f, b->value)) {
		uint32_t to = f->nodes[b->value].k != 0 ? yes : no;

		if (to != next)
			jump(f, to);
		return;
	}
	cc = flags_of(f, b->value, b->to / 4 - 1);
	if (yes == next) {
		jump_if(f, negated(cc), no);
		return;
	}
	jump_if(f, cc, yes);
	if (no != next)
		jump(f, no);
}

/* Rows of a table that lead to the same block, from the first to the next run's; the last one's are without end. */
struct runs {
	uint32_t count, first[RUNS_MAX], to[RUNS_MAX];
};

static bool find_runs(struct flow *f, const struct block *b, struct runs *r)
{
	r->count = 0;
	for (uint32_t i = 0; i < b->target_count; i++) {
		uint32_t to = real(f, f->pool[b->targets + i]);

		if (r->count > 0 && r->to[r->count - 1] == to)
			continue;
		if (r->count == RUNS_MAX)
			return false;
		r->first[r->count] = i;
		r->to[r->count++] = to;
	}
	return true;
}

/*
 * Which of the runs [low, high) is it? A few comparisons cost less than an indirect jump. next: the block that follows, if
 * the last of these runs may fall through to it.
 */
static void write_runs(struct flow *f, const struct runs *r, uint8_t index, uint32_t low, uint32_t high, uint32_t next)
{
	uint32_t middle = low + (high - low) / 2, right = 0;

	if (high - low == 1) {
		if (r->to[low] != next)
			jump(f, r->to[low]);
		return;
	}
	emit_room(&f->c->e, 64);
	emit_alu_imm(&f->c->e, ALU_CMP, false, rm_reg(index), (int32_t)r->first[middle]);
	if (high - low == 2 && r->to[middle] == next) {
		jump_if(f, CC_B, r->to[low]);
		return;
	}
	if (middle - low == 1 && high - middle > 1) { /* no jump over a jump */
		jump_if(f, CC_B, r->to[low]);
		write_runs(f, r, index, middle, high, next);
		return;
	}
	if (high - middle == 1)
		jump_if(f, CC_AE, r->to[middle]);
	else
		emit_jcc_chain(&f->c->e, CC_AE, &right);
	write_runs(f, r, index, low, middle, high - middle == 1 ? next : 0);
	if (high - middle == 1)
		return;
	emit_bind(&f->c->e, right);
	write_runs(f, r, index, middle, high, next);
}

static void table(struct flow *f, const struct block *b, uint32_t next)
{
	struct compiler *c = f->c;
	struct runs runs = {0};
	uint32_t rows;

	if (find_runs(f, b, &runs)) {
		write_runs(f, &runs, in_reg(f, b->value, b->to / 4 - 1), 0, runs.count, next);
		return;
	}

	emit_room(&c->e, 256 + b->target_count * 8);
	load_to(f, b->value, b->to / 4 - 1, RCX);
	rows = emit_rows(c, b->target_count - 1, RCX, SCRATCH);
	for (uint32_t i = 0; i < b->target_count && !c->e.full; i++)
		field_to(f, rows + 8 * i + 4, f->pool[b->targets + i]);
}

/* ---- instructions ---- */

static void store_if_spilled(struct flow *f, uint32_t id)
{
	if (f->slot_of[id] != 0 && f->stored[id] == STORED_AT_ONCE && f->nodes[id].op != N_PARAM &&
	    dest_of(f, id) != NO_REG)
		reg_to_slot(f->c, f->nodes[id].type, dest_of(f, id), slot_rm(f->slot_of[id] - 1));
}

static void instruction(struct flow *f, uint32_t id, uint32_t n)
{
	const struct node *k = &f->nodes[id];

	emit_room(&f->c->e, 512);
	switch (k->op) {
	case N_PARAM:
		if (dest_of(f, id) != NO_REG)
			slot_to_reg(f->c, k->type, dest_of(f, id), slot_rm((uint32_t)k->k));
		return;
	case N_POLL:
		f->c->where = k->where;
		write_poll(f->c, f->blocks[k->block].at); /* the checker knows no other place where the loop begins */
		return;
	case N_ARG: write_arg(f, k, n); return;
	case N_CALL:
	case N_CALL_INDIRECT:
	case N_HELPER:
	case N_RESULT: write_call(f, id, n); break;
	default:
		if (!write_number(f, id, n))
			f->failed = true;
	}
	if (k->type != 0)
		store_if_spilled(f, id);
}

/* Which registers hold values of 32 bits with a clear upper half, for the checker. */
static uint16_t halves_at(const struct flow *f, uint32_t block)
{
	const uint64_t *live = f->live + (size_t)block * f->live_words;
	const struct block *b = &f->blocks[block];
	uint16_t halves = 0;
	uint8_t reg;

	for (uint32_t w = 0; w < f->live_words; w++)
		for (uint64_t bits = live[w]; bits != 0; bits &= bits - 1) {
			uint32_t v = f->global_value[w * 64 + (uint32_t)__builtin_ctzll(bits)];

			reg = interval_at(f, v, b->from)->reg;
			if (reg < XMM0 && f->nodes[v].type == WASM_I32)
				halves |= (uint16_t)(1u << reg);
		}
	for (uint32_t phi = b->phis; phi != 0; phi = f->nodes[phi].next)
		if ((reg = dest_of(f, phi)) < XMM0 && f->nodes[phi].type == WASM_I32)
			halves |= (uint16_t)(1u << reg);
	return halves;
}

static void write_inside(struct flow *f, const struct block *b, uint32_t next, unsigned depth)
{
	for (uint32_t phi = b->phis; phi != 0; phi = f->nodes[phi].next) {
		emit_room(&f->c->e, 64);
		if (stores_phi(f, phi))
			store_if_spilled(f, phi);
	}
	write_moves(f, b->moves_in);
	for (uint32_t n = b->from / 4; n < b->to / 4 && !f->failed; n++) {
		write_moves(f, f->moves_at[n]);
		if (f->order[n] != 0)
			instruction(f, f->order[n], n);
	}
	write_moves(f, b->moves_out);
	end_of(f, b, next, depth);
}

/* So few instructions that they may stand where else a jump to them would. */
static bool is_short(const struct flow *f, const struct block *b)
{
	uint32_t count = 0;

	if (b->is_loop || b->is_entry || (b->end != END_JUMP && b->end != END_BRANCH && b->end != END_RETURN))
		return false;
	if (b->end == END_RETURN && (popcnt32(f->used_regs & KEPT) > SHORT_MOST || f->type->result_count > 1))
		return false;
	for (uint32_t n = b->from / 4; n < b->to / 4 && count <= SHORT_MOST; n++) {
		for (uint32_t m = f->moves_at[n]; m != 0; m = f->moves[m].next)
			count++;
		count += f->order[n] != 0;
		if (f->order[n] != 0 && f->nodes[f->order[n]].op >= N_CALL && f->nodes[f->order[n]].op <= N_HELPER)
			return false;
	}
	for (uint32_t m = b->moves_in; m != 0 && count <= SHORT_MOST; m = f->moves[m].next)
		count++;
	for (uint32_t m = b->moves_out; m != 0 && count <= SHORT_MOST; m = f->moves[m].next)
		count++;
	return count <= SHORT_MOST;
}

static void jump_or_go_on(struct flow *f, uint32_t to, uint32_t next, unsigned depth)
{
	const struct block *b = &f->blocks[to];

	if (to == next)
		return;
	if (depth < SHORT_DEPTH && is_short(f, b))
		write_inside(f, b, next, depth + 1);
	else
		jump(f, to);
}

static void end_of(struct flow *f, const struct block *b, uint32_t next, unsigned depth)
{
	f->c->where = b->where;
	emit_room(&f->c->e, 512);
	switch (b->end) {
	case END_JUMP: jump_or_go_on(f, real(f, b->succ[0]), next, depth); return;
	case END_BRANCH: branch(f, b, next); return;
	case END_TABLE: table(f, b, next); return;
	case END_RETURN: leave(f, b); return;
	default: trap_always(f->c, TRAP_UNREACHABLE);
	}
}

/* A short loop with no other in it. */
static bool is_inner(const struct flow *f, uint32_t block)
{
	const struct block *b = &f->blocks[block];

	if (!b->is_loop || b->loop_last - block > INNER_BLOCKS)
		return false;
	for (uint32_t k = block + 1; k <= b->loop_last; k++)
		if (f->blocks[k].is_loop)
			return false;
	return true;
}

static void write_block(struct flow *f, uint32_t block, uint32_t next)
{
	struct block *b = &f->blocks[block];

	/* Fetched and predicted in as few lines as can be: it begins in the first half of one. */
	if (is_inner(f, block) && f->c->e.at % (1u << LINE) > 1u << (LINE - 1))
		emit_align(&f->c->e, LINE);
	emit_bind(&f->c->e, b->fixups);
	b->at = f->c->e.at;
	f->zero_at = 0; /* others come from elsewhere */
	if (b->is_entry && !add_loop(f->c, b->where))
		f->failed = true;
	if (b->is_loop && !add_head(f->c, b->at, halves_at(f, block)))
		f->failed = true;
	write_inside(f, b, next, 0);
}

void write_code(struct flow *f)
{
	uint32_t places = PLACE_SLOT + f->out_base + f->outgoing + 1, next;

	f->readers = arena_many(&f->a, places, uint32_t);
	f->target = arena_many(&f->a, places, uint32_t);
	f->ready = arena_many_scratch(&f->a, f->move_count + 1, uint32_t);
	if (f->readers == NULL || f->target == NULL || f->ready == NULL) {
		f->failed = true;
		return;
	}
	for (uint32_t b = 1; b < f->block_count; b++)
		f->blocks[b].empty = does_nothing(f, b);
	begin(f);
	for (uint32_t b = 1; b < f->block_count && !f->failed && !f->c->failed && !f->c->e.full; b = next) {
		for (next = b + 1; next < f->block_count && f->blocks[next].empty; next++)
			;
		if (!f->blocks[b].empty)
			write_block(f, b, next);
	}
}
