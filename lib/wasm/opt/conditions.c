/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons, and what asks for them. */
#include "lib/wasm/opt/write.h"

enum { AND32 = 0x71, AND64 = 0x83 };

enum condition negated(enum condition cc)
{
	return cc == CC_EQ_ORDERED ? CC_NE_UNORDERED : cc == CC_NE_UNORDERED ? CC_EQ_ORDERED : (enum condition)(cc ^ 1);
}

static uint32_t w(bool wide)
{
	return wide ? OP_W : 0;
}

static void put_imm(struct emitter *e, int32_t k)
{
	if (k >= -128 && k <= 127)
		emit_byte(e, (uint8_t)k);
	else
		emit_u32(e, (uint32_t)k);
}

/* cmp x, k; a test of 0 where that is shorter, or nothing. only_zero: it is only asked whether they are equal. */
static void compare_imm(struct flow *f, uint32_t id, uint32_t n, bool wide, int32_t k, bool only_zero)
{
	uint8_t reg;

	if (k == 0 && only_zero && has_reg(f, id, n, &reg) && f->zero_at == f->c->e.at && f->zero_reg == reg &&
	    f->zero_wide == wide)
		return;
	if (k == 0 && has_reg(f, id, n, &reg)) {
		emit_op(&f->c->e, 0x85u | w(wide), reg, rm_reg(reg));
		return;
	}
	op_with(f, (k >= -128 && k <= 127 ? 0x83u : 0x81u) | w(wide), ALU_CMP, id, n, wide);
	put_imm(&f->c->e, k);
}

static void test_and(struct flow *f, const struct node *k, uint32_t n)
{
	bool wide = k->op == AND64;
	uint8_t reg;

	if (is_imm(f, k->in[1], wide)) {
		reg = in_reg(f, k->in[0], n);
		emit_op(&f->c->e, 0xf7u | w(wide), 0, rm_reg(reg));
		emit_u32(&f->c->e, (uint32_t)f->nodes[k->in[1]].k);
		return;
	}
	if (!has_reg(f, k->in[0], n, &reg)) { /* the other one may need the scratch register */
		if (!has_reg(f, k->in[1], n, &reg)) {
			reg = SCRATCH;
			load_to(f, k->in[1], n, SCRATCH);
			if (wide && !is_wide_type(f->nodes[k->in[0]].type))
				f->failed = true;
		}
		op_with(f, 0x85u | w(wide), reg, k->in[0], n, wide);
		return;
	}
	op_with(f, 0x85u | w(wide), reg, k->in[1], n, wide);
}

static enum condition compare_ints(struct flow *f, const struct node *k, uint32_t n)
{
	static const uint8_t conditions[] = {CC_E, CC_NE, CC_L, CC_B, CC_G, CC_A, CC_LE, CC_BE, CC_GE, CC_AE};
	bool wide = k->op >= 0x51;
	enum condition cc = conditions[k->op - (wide ? 0x51 : 0x46)];
	uint8_t reg;

	if (is_imm(f, k->in[1], wide)) {
		compare_imm(f, k->in[0], n, wide, (int32_t)f->nodes[k->in[1]].k, cc == CC_E || cc == CC_NE);
		return cc;
	}
	if (!has_reg(f, k->in[0], n, &reg)) {
		reg = SCRATCH;
		if (is_const(f, k->in[1]) ||
		    (f->nodes[k->in[1]].flags & FLAG_FOLDED && f->nodes[k->in[1]].k > INT32_MAX) ||
		    (!has_reg(f, k->in[1], n, &reg) && wide && !is_wide_type(f->nodes[k->in[1]].type)))
			f->failed = true; /* both need it */
		reg = SCRATCH;
		load_to(f, k->in[0], n, SCRATCH);
	}
	op_with(f, 0x3bu | w(wide), reg, k->in[1], n, wide);
	return cc;
}

/* eq ne lt gt le ge: "below" is true for unordered operands, so less is asked as greater, the other way round. */
static enum condition compare_floats(struct flow *f, const struct node *k, uint32_t n)
{
	static const uint8_t conditions[] = {CC_EQ_ORDERED, CC_NE_UNORDERED, CC_A, CC_A, CC_AE, CC_AE};
	bool wide = k->op >= 0x61;
	uint32_t which = k->op - (wide ? 0x61u : 0x5bu);
	bool turn = which == 2 || which == 4;
	uint8_t reg = in_reg(f, k->in[turn], n);

	op_with(f, 0x0f2eu | (wide ? OP_66 : 0), reg, k->in[!turn], n, wide);
	return conditions[which];
}

static enum condition condition_of(struct flow *f, const struct node *k, uint32_t n)
{
	const struct node *x = &f->nodes[k->in[0]];

	if (k->op == 0x45 || k->op == 0x50) {
		if (x->flags & FLAG_FOLDED)
			test_and(f, x, n);
		else
			compare_imm(f, k->in[0], n, k->op == 0x50, 0, true);
		return CC_E;
	}
	if (k->op == 0xd1) {
		compare_imm(f, k->in[0], n, true, -1, true);
		return CC_E;
	}
	return k->op < 0x5b ? compare_ints(f, k, n) : compare_floats(f, k, n);
}

enum condition flags_of(struct flow *f, uint32_t id, uint32_t n)
{
	const struct node *k = &f->nodes[id];

	if (!(k->flags & FLAG_FOLDED)) {
		compare_imm(f, id, n, false, 0, true);
		return CC_NE;
	}
	if (k->op == AND32 || k->op == AND64) {
		test_and(f, k, n);
		return CC_NE;
	}
	return condition_of(f, k, n);
}

void write_compare(struct flow *f, uint32_t id, uint32_t n)
{
	enum condition cc = condition_of(f, &f->nodes[id], n);
	struct emitter *e = &f->c->e;
	uint8_t dest = dest_of(f, id);

	if (cc >= CC_EQ_ORDERED) {
		emit_op(e, (cc == CC_EQ_ORDERED ? 0x0f9bu : 0x0f9au) | OP_BYTE, 0, rm_reg(SCRATCH));
		emit_op(e, (cc == CC_EQ_ORDERED ? 0x0f94u : 0x0f95u) | OP_BYTE, 0, rm_reg(dest));
		emit_alu(e, cc == CC_EQ_ORDERED ? ALU_AND : ALU_OR, false, dest, rm_reg(SCRATCH));
	} else {
		emit_op(e, (0x0f90u + cc) | OP_BYTE, 0, rm_reg(dest));
	}
	emit_op(e, 0x0fb6 | OP_BYTE, dest, rm_reg(dest));
}

/* in[0] if in[2] is not zero, else in[1]; moves keep the flags. */
void write_select(struct flow *f, uint32_t id, uint32_t n)
{
	const struct node *k = &f->nodes[id];
	enum condition cc = flags_of(f, k->in[2], n);
	struct emitter *e = &f->c->e;
	uint8_t dest = dest_of(f, id);
	bool wide = is_wide_type(k->type);
	uint32_t over = 0;

	if (is_float(k->type)) {
		load_to(f, k->in[0], n, dest);
		emit_jcc_chain(e, cc, &over);
		load_to(f, k->in[1], n, dest);
		emit_bind(e, over);
		return;
	}
	load_to(f, k->in[1], n, dest);
	if (cc == CC_NE_UNORDERED) {
		op_with(f, 0x0f4au | w(wide), dest, k->in[0], n, wide);
		cc = CC_NE;
	} else if (cc == CC_EQ_ORDERED) {
		over = emit_jump8(e, CC_P);
		cc = CC_E;
	}
	op_with(f, (0x0f40u + cc) | w(wide), dest, k->in[0], n, wide);
	if (over != 0)
		emit_bind8(e, over);
}
