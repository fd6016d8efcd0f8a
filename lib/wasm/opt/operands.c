/* SPDX-License-Identifier: Apache-2.0 */
/* Where operands are, seen from the instruction that is written. */
#include "lib/wasm/opt/write.h"

static bool is_load(const struct flow *f, uint32_t id)
{
	return f->nodes[id].op < OPCODES && op_classes[f->nodes[id].op].class == CLASS_LOAD;
}

uint8_t dest_of(const struct flow *f, uint32_t id)
{
	return f->intervals[f->interval_of[id]].reg;
}

static struct rm slot_rm_of(const struct flow *f, uint32_t id)
{
	return slot_rm(f->slot_of[id] - 1);
}

bool has_reg(const struct flow *f, uint32_t id, uint32_t n, uint8_t *reg)
{
	*reg = NO_REG;
	if (!is_const(f, id) && !(f->nodes[id].flags & FLAG_FOLDED))
		*reg = interval_at(f, id, 4 * n + 1)->reg;
	return *reg != NO_REG;
}

void load_to(struct flow *f, uint32_t id, uint32_t n, uint8_t reg)
{
	uint8_t type = f->nodes[id].type, from;

	if (is_const(f, id))
		emit_imm(&f->c->e, reg, f->nodes[id].k);
	else if (!has_reg(f, id, n, &from))
		slot_to_reg(f->c, type, reg, slot_rm_of(f, id));
	else if (from != reg)
		emit_mov(&f->c->e, is_wide_type(type), reg, from);
}

uint8_t in_reg(struct flow *f, uint32_t id, uint32_t n)
{
	uint8_t reg;

	if (has_reg(f, id, n, &reg))
		return reg;
	reg = is_float(f->nodes[id].type) ? SCRATCH_XMM : SCRATCH;
	load_to(f, id, n, reg);
	return reg;
}

/*
 * An index has 32 bits and a clear upper half, an offset is below 2^32, so that the sum lies in the memory or in the
 * guard behind it; a displacement is signed, so that the larger half of the offsets is added first.
 */
struct rm address_of(struct flow *f, const struct node *access, uint32_t n)
{
	uint64_t offset = access->k;
	uint32_t id = access->in[0];
	uint8_t reg;

	if (is_const(f, id)) {
		uint64_t sum = f->nodes[id].k + offset;

		if (sum <= INT32_MAX)
			return rm_mem(MEM, (int32_t)sum);
		emit_imm(&f->c->e, SCRATCH, sum);
		return rm_index(MEM, SCRATCH, 0, 0);
	}
	reg = in_reg(f, id, n);
	if (offset <= INT32_MAX)
		return rm_index(MEM, reg, 0, (int32_t)offset);
	if (reg == SCRATCH) /* no instruction leaves its address without a register */
		f->failed = true;
	emit_imm(&f->c->e, SCRATCH, offset);
	emit_alu(&f->c->e, ALU_ADD, true, SCRATCH, rm_reg(reg));
	return rm_index(MEM, SCRATCH, 0, 0);
}

void site_of(struct flow *f, const struct node *access)
{
	f->c->where = access->where;
	add_site(f->c, f->c->e.at);
}

void op_with(struct flow *f, uint32_t op, uint8_t reg, uint32_t id, uint32_t n, bool wide)
{
	const struct node *k = &f->nodes[id];
	struct rm rm;
	uint8_t own;

	if (is_load(f, id) && k->flags & FLAG_FOLDED) {
		rm = address_of(f, k, n);
		site_of(f, k);
	} else if (has_reg(f, id, n, &own)) {
		rm = rm_reg(own);
	} else if (is_const(f, id) || (wide && !is_wide_type(k->type))) {
		rm = rm_reg(in_reg(f, id, n));
	} else {
		rm = slot_rm_of(f, id);
	}
	emit_op(&f->c->e, op, reg, rm);
}

bool is_imm(const struct flow *f, uint32_t id, bool wide)
{
	return is_const(f, id) && (!wide || (int64_t)f->nodes[id].k == (int32_t)f->nodes[id].k);
}
