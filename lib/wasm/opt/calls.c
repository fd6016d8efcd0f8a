/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments in outgoing slots, calls, results. */
#include "lib/wasm/opt/write.h"

static uint32_t out_slot(const struct flow *f, uint64_t k)
{
	return f->out_base + (uint32_t)k;
}

void write_arg(struct flow *f, const struct node *k, uint32_t n)
{
	uint32_t to = PLACE_SLOT + out_slot(f, k->k), id = k->in[0];
	uint8_t reg, type = f->nodes[id].type;

	if (is_const(f, id))
		const_to_place(f->c, f->nodes[id].k, to, k->width);
	else if (has_reg(f, id, n, &reg))
		copy_place(f->c, reg, to, type, k->width);
	else
		copy_place(f->c, PLACE_SLOT + f->slot_of[id] - 1, to, type, k->width);
}

static void move_frame(struct flow *f, enum alu op)
{
	emit_alu_imm(&f->c->e, op, true, rm_reg(FRAME), (int32_t)(out_slot(f, 0) * 8));
}

static void call(struct flow *f, const struct node *k)
{
	struct compiler *c = f->c;

	if (c->call_count == c->list_max) {
		f->failed = true;
		return;
	}
	move_frame(f, ALU_ADD);
	emit_byte(&c->e, 0xe8);
	c->calls[c->call_count].at = c->e.at;
	c->calls[c->call_count++].function = (uint32_t)k->k;
	emit_u32(&c->e, 0);
	add_site(c, c->e.at - 1);
	move_frame(f, ALU_SUB);
}

static void call_indirect(struct flow *f, const struct node *k, uint32_t n)
{
	load_to(f, k->in[0], n, RCX);
	call_table(f->c, (uint32_t)(k->k >> 32), (uint32_t)k->k, out_slot(f, 0));
}

static void call_c(struct flow *f, const struct node *k)
{
	struct compiler *c = f->c;

	emit_lea(&c->e, true, RSI, slot_rm(out_slot(f, 0)));
	emit_imm(&c->e, RAX, HELPER_OP);
	emit_imm(&c->e, RDX, k->k & 0xffff);
	emit_imm(&c->e, RCX, k->k >> 32);
	emit_call_to(&c->e, c->helper);
	add_site(c, c->e.at - 1);
}

void write_call(struct flow *f, uint32_t id, uint32_t n)
{
	const struct node *k = &f->nodes[id];
	struct compiler *c = f->c;
	uint8_t dest = k->type == 0 ? NO_REG : dest_of(f, id), from = is_float(k->type) ? XMM0 : RAX;

	c->where = k->where;
	emit_room(&c->e, 512);
	if (k->op == N_CALL)
		call(f, k);
	else if (k->op == N_CALL_INDIRECT)
		call_indirect(f, k, n);
	else if (k->op == N_HELPER)
		call_c(f, k);
	if (k->type == 0)
		return;
	if (dest == NO_REG)
		f->failed = true;
	else if (k->op == N_HELPER || k->op == N_RESULT)
		slot_to_reg(c, k->type, dest, slot_rm(out_slot(f, k->op == N_RESULT ? k->k : 0)));
	else if (dest != from)
		emit_mov(&c->e, is_wide_type(k->type), dest, from);
}
