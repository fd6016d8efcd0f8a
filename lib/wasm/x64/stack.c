/* SPDX-License-Identifier: Apache-2.0 */
/* The operand stack of the baseline compiler, and who owns which register (compile.h). */
#include "lib/wasm/x64/compile.h"

#define BIT(reg) (UINT32_C(1) << (reg))

bool is_float(uint8_t type)
{
	return type == WASM_F32 || type == WASM_F64 || type == WASM_V128;
}

bool is_wide(uint8_t type)
{
	return type != WASM_I32 && type != WASM_F32;
}

struct rm slot_rm(uint32_t slot)
{
	return rm_mem(FRAME, (int32_t)(slot * 8));
}

struct rm local_rm(const struct compiler *c, uint32_t local)
{
	return slot_rm(c->local_slots[local]);
}

uint32_t home_slot(const struct compiler *c, uint32_t height)
{
	return c->home_base + height;
}

/* ---- moves ---- */

static uint32_t vector_prefix(uint8_t type)
{
	return type == WASM_V128 ? 0 : type == WASM_F32 ? OP_F3 : OP_F2;
}

void reg_to_slot(struct compiler *c, uint8_t type, uint8_t reg, struct rm rm)
{
	if (reg >= XMM0)
		emit_op(&c->e, 0x0f11 | vector_prefix(type), reg, rm);
	else
		emit_op(&c->e, 0x89u | (is_wide(type) ? OP_W : 0), reg, rm);
}

void slot_to_reg(struct compiler *c, uint8_t type, uint8_t reg, struct rm rm)
{
	if (reg >= XMM0)
		emit_op(&c->e, 0x0f10 | vector_prefix(type), reg, rm);
	else
		emit_op(&c->e, 0x8bu | (is_wide(type) ? OP_W : 0), reg, rm);
}

/* A constant in a vector register comes through a general one. */
static void load_const(struct compiler *c, uint8_t type, uint8_t reg, uint64_t k)
{
	uint8_t through;

	if (reg < XMM0) {
		if (k == 0 && !c->flags_live)
			emit_alu(&c->e, ALU_XOR, false, reg, rm_reg(reg));
		else
			emit_imm(&c->e, reg, k);
		return;
	}
	if (k == 0) {
		emit_op(&c->e, 0x0f57, reg, rm_reg(reg));
		return;
	}
	through = take_reg(c, false);
	emit_imm(&c->e, through, k);
	emit_op(&c->e, 0x0f6e | OP_66 | (type == WASM_F64 ? OP_W : 0), reg, rm_reg(through));
	release_reg(c, through);
}

void load_into(struct compiler *c, const struct operand *o, uint8_t reg)
{
	switch (o->place) {
	case AT_CONST: load_const(c, o->type, reg, o->k); return;
	case AT_HOME: slot_to_reg(c, o->type, reg, slot_rm(home_slot(c, o->height))); return;
	case AT_LOCAL:
		if (c->local_regs[o->local] != NO_REG)
			emit_mov(&c->e, is_wide(o->type), reg, c->local_regs[o->local]);
		else
			slot_to_reg(c, o->type, reg, local_rm(c, o->local));
		return;
	default:
		if (o->reg != reg)
			emit_mov(&c->e, is_wide(o->type), reg, o->reg);
	}
}

void store_home(struct compiler *c, const struct operand *o, uint32_t height)
{
	struct rm to = slot_rm(home_slot(c, height));
	uint8_t reg;

	if (o->place == AT_HOME && o->height == height)
		return;
	if (o->place == AT_CONST && (int64_t)o->k == (int32_t)o->k) { /* the whole slot, sign-extended */
		emit_op(&c->e, 0xc7u | OP_W, 0, to);
		emit_u32(&c->e, (uint32_t)o->k);
		return;
	}
	if (o->place == AT_CONST && !is_wide(o->type)) {
		emit_op(&c->e, 0xc7u, 0, to);
		emit_u32(&c->e, (uint32_t)o->k);
		return;
	}
	if (o->place == AT_REG || (o->place == AT_LOCAL && c->local_regs[o->local] != NO_REG)) {
		reg_to_slot(c, o->type, o->place == AT_REG ? o->reg : c->local_regs[o->local], to);
		return;
	}
	if (o->type == WASM_V128) {
		reg = take_reg(c, true);
		load_into(c, o, reg);
		reg_to_slot(c, WASM_V128, reg, to);
		release_reg(c, reg);
		return;
	}
	/* Through a register: the bits only, so that a general one does for all. */
	reg = take_reg(c, false);
	if (o->place == AT_CONST)
		emit_imm(&c->e, reg, o->k);
	else
		emit_op(&c->e, 0x8bu | OP_W, reg, o->place == AT_LOCAL ? local_rm(c, o->local) : slot_rm(home_slot(c, o->height)));
	emit_op(&c->e, 0x89u | OP_W, reg, to);
	release_reg(c, reg);
}

/* ---- registers ---- */

void release_reg(struct compiler *c, uint8_t reg)
{
	c->free_regs |= BIT(reg);
}

void release(struct compiler *c, const struct operand *o)
{
	if (o->place == AT_REG)
		release_reg(c, o->reg);
}

static uint32_t lowest_checked(const struct compiler *c)
{
	return c->height > WINDOW ? c->height - WINDOW : 0;
}

static void spill(struct compiler *c, uint32_t index)
{
	struct operand *o = &c->operands[index];

	if (o->place == AT_HOME || o->place == AT_FLAGS)
		return;
	store_home(c, o, index);
	if (o->place == AT_REG)
		release_reg(c, o->reg);
	if (o->place == AT_LOCAL)
		c->local_refs[o->local]--;
	o->place = AT_HOME;
}

static uint32_t class_mask(bool vector)
{
	return vector ? UINT32_C(0xff) << XMM0 : BIT(RAX) | BIT(RCX) | BIT(RDX) | BIT(RSI) | BIT(RDI);
}

uint8_t take_reg(struct compiler *c, bool vector)
{
	uint32_t mask = class_mask(vector);
	uint8_t reg;

	/* The operand that is needed last gives up its register. */
	for (uint32_t i = lowest_checked(c); (c->free_regs & mask) == 0 && i < c->height; i++)
		if (c->operands[i].place == AT_REG && (mask & BIT(c->operands[i].reg)) != 0)
			spill(c, i);
	CHECK((c->free_regs & mask) != 0);
	/* rax, rcx and rdx have other uses: the others go first. */
	reg = (uint8_t)(31 - __builtin_clz(c->free_regs & mask));
	c->free_regs &= ~BIT(reg);
	return reg;
}

void take_fixed(struct compiler *c, uint8_t reg)
{
	if ((c->free_regs & BIT(reg)) == 0) {
		for (uint32_t i = lowest_checked(c); i < c->height; i++) {
			struct operand *o = &c->operands[i];

			if (o->place != AT_REG || o->reg != reg)
				continue;
			if ((c->free_regs & class_mask(reg >= XMM0)) == 0) {
				spill(c, i);
				break;
			}
			o->reg = take_reg(c, reg >= XMM0);
			emit_mov(&c->e, is_wide(o->type), o->reg, reg);
			release_reg(c, reg);
			break;
		}
	}
	CHECK((c->free_regs & BIT(reg)) != 0);
	c->free_regs &= ~BIT(reg);
}

uint8_t to_reg(struct compiler *c, struct operand *o)
{
	if (o->place == AT_LOCAL && c->local_regs[o->local] != NO_REG)
		return c->local_regs[o->local];
	return to_temp(c, o);
}

uint8_t to_temp(struct compiler *c, struct operand *o)
{
	uint8_t reg;

	if (o->place == AT_REG)
		return o->reg;
	reg = take_reg(c, is_float(o->type));
	load_into(c, o, reg);
	o->place = AT_REG;
	o->reg = reg;
	return reg;
}

struct rm to_rm(struct compiler *c, struct operand *o)
{
	if (o->place == AT_HOME)
		return slot_rm(home_slot(c, o->height));
	if (o->place == AT_LOCAL && c->local_regs[o->local] == NO_REG)
		return local_rm(c, o->local);
	return rm_reg(to_reg(c, o));
}

/* ---- the stack ---- */

void push(struct compiler *c, struct operand o)
{
	if (c->height >= HEIGHT_MAX) {
		if (o.place == AT_REG)
			release_reg(c, o.reg);
		fail(c);
		return;
	}
	if (c->height >= WINDOW && c->operands[c->height - WINDOW].place != AT_CONST)
		spill(c, c->height - WINDOW);
	o.height = c->height;
	if (o.place == AT_LOCAL)
		c->local_refs[o.local]++;
	c->operands[c->height++] = o;
	if (c->height > c->height_max)
		c->height_max = c->height;
	if (o.type == WASM_V128)
		push(c, (struct operand){.type = UPPER, .place = AT_HOME});
}

void push_reg(struct compiler *c, uint8_t type, uint8_t reg)
{
	push(c, (struct operand){.type = type, .place = AT_REG, .reg = reg});
}

void push_home(struct compiler *c, uint8_t type)
{
	push(c, (struct operand){.type = type, .place = AT_HOME});
}

struct operand pop(struct compiler *c)
{
	struct operand o;

	if (c->height == 0) { /* only after a failed push */
		fail(c);
		return (struct operand){.type = WASM_I32, .place = AT_CONST};
	}
	o = c->operands[--c->height];
	if (o.type == UPPER && c->height > 0)
		o = c->operands[--c->height];
	if (o.place == AT_LOCAL)
		c->local_refs[o.local]--;
	return o;
}

void drop_to(struct compiler *c, uint32_t height)
{
	while (c->height > height) {
		struct operand o = pop(c);

		release(c, &o);
	}
}

void flush(struct compiler *c)
{
	for (uint32_t i = lowest_checked(c); i < c->height; i++)
		if (c->operands[i].place != AT_CONST)
			spill(c, i);
}

void flush_temps(struct compiler *c)
{
	for (uint32_t i = lowest_checked(c); i < c->height; i++)
		if (c->operands[i].place == AT_REG)
			spill(c, i);
}

void bring_home(struct compiler *c, uint32_t count)
{
	for (uint32_t i = c->height - count; i < c->height; i++)
		spill(c, i);
}

void local_changes(struct compiler *c, uint32_t local)
{
	for (uint32_t i = c->height; c->local_refs[local] > 0 && i > lowest_checked(c); i--) {
		struct operand *o = &c->operands[i - 1];

		if (o->place != AT_LOCAL || o->local != local)
			continue;
		if ((c->free_regs & class_mask(is_float(o->type))) == 0) {
			spill(c, i - 1);
			continue;
		}
		c->local_refs[local]--;
		o->reg = take_reg(c, is_float(o->type));
		load_into(c, o, o->reg);
		o->place = AT_REG;
	}
}

/* ---- results ---- */

static bool reads(const struct compiler *c, const struct operand *o, uint8_t reg)
{
	return o != NULL &&
	       ((o->place == AT_REG && o->reg == reg) || (o->place == AT_LOCAL && c->local_regs[o->local] == reg));
}

uint8_t fresh_dest(struct compiler *c, uint8_t type)
{
	return c->target_reg != NO_REG ? c->target_reg : take_reg(c, is_float(type));
}

uint8_t into_dest(struct compiler *c, struct operand *x, const struct operand *other)
{
	uint8_t dest;

	if (c->target_reg != NO_REG && !reads(c, other, c->target_reg)) {
		load_into(c, x, c->target_reg);
		release(c, x);
		return c->target_reg;
	}
	dest = to_temp(c, x);
	return dest;
}

void look_for_target(struct compiler *c, uint8_t type)
{
	struct reader ahead = c->r;
	uint32_t opcode, local;

	c->target_reg = NO_REG;
	if (read_opcode(&ahead, &opcode) != OK || (opcode != 0x21 && opcode != 0x22) || leb_u32(&ahead, &local) != OK)
		return;
	if (c->local_regs[local] == NO_REG || is_float(type) != (c->local_regs[local] >= XMM0))
		return;
	local_changes(c, local);
	c->target_reg = c->local_regs[local];
	c->target_local = local;
}

void result(struct compiler *c, uint8_t type, uint8_t reg)
{
	uint32_t opcode = 0, local;

	if (c->target_reg == NO_REG) {
		push_reg(c, type, reg);
		return;
	}
	if (reg != c->target_reg) {
		emit_mov(&c->e, is_wide(type), c->target_reg, reg);
		release_reg(c, reg);
	}
	c->target_reg = NO_REG;
	if (read_opcode(&c->r, &opcode) != OK || leb_u32(&c->r, &local) != OK)
		fail(c);
	if (opcode == 0x22)
		push(c, (struct operand){.type = type, .place = AT_LOCAL, .local = c->target_local});
}
