/* SPDX-License-Identifier: Apache-2.0 */
/* Moves that happen at once, one after the other: first those whose target nobody reads any more; circles by rdi. */
#include "lib/wasm/opt/write.h"

static uint8_t as_int(uint8_t type)
{
	return is_wide_type(type) ? WASM_I64 : WASM_I32;
}

static struct rm slot_of_place(uint32_t place)
{
	return slot_rm(place - PLACE_SLOT);
}

static void between_classes(struct compiler *c, uint8_t from, uint8_t to, uint8_t type)
{
	uint32_t w = is_wide_type(type) ? OP_W : 0;

	if (to >= XMM0)
		emit_op(&c->e, 0x0f6e | OP_66 | w, to, rm_reg(from));
	else
		emit_op(&c->e, 0x0f7e | OP_66 | w, from, rm_reg(to));
}

void copy_place(struct compiler *c, uint32_t from, uint32_t to, uint8_t load, uint8_t store)
{
	emit_room(&c->e, 64);
	if (from < PLACE_SLOT && to < PLACE_SLOT) {
		if ((from >= XMM0) != (to >= XMM0))
			between_classes(c, (uint8_t)from, (uint8_t)to, load);
		else
			emit_mov(&c->e, is_wide_type(load), (uint8_t)to, (uint8_t)from);
	} else if (to < PLACE_SLOT) {
		slot_to_reg(c, to < XMM0 ? as_int(load) : load, (uint8_t)to, slot_of_place(from));
	} else if (from < PLACE_SLOT) {
		reg_to_slot(c, from < XMM0 ? as_int(store) : store, (uint8_t)from, slot_of_place(to));
	} else {
		slot_to_reg(c, is_wide_type(load) ? WASM_F64 : WASM_F32, SCRATCH_XMM, slot_of_place(from));
		reg_to_slot(c, is_wide_type(store) ? WASM_F64 : WASM_F32, SCRATCH_XMM, slot_of_place(to));
	}
}

void const_to_place(struct compiler *c, uint64_t k, uint32_t to, uint8_t type)
{
	emit_room(&c->e, 64);
	if (to < PLACE_SLOT) {
		emit_imm(&c->e, (uint8_t)to, k);
	} else if (!is_wide_type(type) || (int64_t)k == (int32_t)k) {
		emit_op(&c->e, 0xc7u | (is_wide_type(type) ? OP_W : 0), 0, slot_of_place(to));
		emit_u32(&c->e, (uint32_t)k);
	} else {
		emit_imm(&c->e, SCRATCH, k);
		emit_op(&c->e, 0x89 | OP_W, SCRATCH, slot_of_place(to));
	}
}

struct places {
	uint32_t *readers, *target, *ready, count;
};

static void run_ready(struct flow *f, struct places *p)
{
	while (p->count > 0) {
		struct move *m = &f->moves[p->ready[--p->count]];

		copy_place(f->c, m->from, m->to, m->load, m->store);
		p->target[m->to] = 0;
		if (--p->readers[m->from] == 0 && p->target[m->from] != 0)
			p->ready[p->count++] = p->target[m->from];
	}
}

/* m's target is read by one other. */
static void break_circle(struct flow *f, struct places *p, uint32_t list, uint32_t id)
{
	struct move *m = &f->moves[id], *changed = NULL;

	for (uint32_t k = list; k != 0; k = f->moves[k].next) {
		struct move *reader = &f->moves[k];

		if (reader->from != m->to || p->target[reader->to] != k)
			continue;
		copy_place(f->c, m->to, SCRATCH, reader->load, reader->load);
		reader->from = SCRATCH;
		changed = reader;
		p->readers[SCRATCH]++;
		p->readers[m->to]--;
	}
	p->ready[p->count++] = id;
	run_ready(f, p);
	if (changed != NULL)
		changed->from = m->to; /* the moves may be written again elsewhere */
}

void write_moves(struct flow *f, uint32_t list)
{
	struct places p = {f->readers, f->target, f->ready, 0};

	for (uint32_t k = list; k != 0; k = f->moves[k].next)
		if (f->moves[k].from != PLACE_CONST) {
			p.readers[f->moves[k].from]++;
			p.target[f->moves[k].to] = k;
		}
	for (uint32_t k = list; k != 0; k = f->moves[k].next)
		if (f->moves[k].from != PLACE_CONST && p.readers[f->moves[k].to] == 0)
			p.ready[p.count++] = k;
	run_ready(f, &p);
	for (uint32_t k = list; k != 0; k = f->moves[k].next)
		if (f->moves[k].from != PLACE_CONST && p.target[f->moves[k].to] == k)
			break_circle(f, &p, list, k);
	for (uint32_t k = list; k != 0; k = f->moves[k].next)
		if (f->moves[k].from == PLACE_CONST)
			const_to_place(f->c, f->moves[k].k, f->moves[k].to, f->moves[k].store);
}
