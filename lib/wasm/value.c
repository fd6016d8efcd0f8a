/* SPDX-License-Identifier: Apache-2.0 */
/* Constants, locals, numbers, and the pairs of instructions that become one operation. */
#include "lib/wasm/translate.h"

/* ---- values ---- */

enum err translate_drop(struct translator *t, const struct opinfo *op)
{
	struct operand o;

	(void)op;
	return tr_pop(t, 0, &o);
}

static enum err emit_select(struct translator *t, uint8_t type)
{
	struct operand x, y, cond;
	uint16_t slots[3];
	code_t *code;

	TRY(tr_pop(t, WASM_I32, &cond));
	TRY(tr_pop(t, type, &y));
	TRY(tr_pop(t, type, &x));
	if (type == 0) {
		if (wasm_is_ref(x.type) || wasm_is_ref(y.type))
			return refuse(t->why, ERR_INVALID, "type mismatch: select of references needs a type");
		if (x.type != 0 && y.type != 0 && x.type != y.type)
			return tr_mismatch(t, x.type, wasm_type_name(y.type));
		type = x.type != 0 ? x.type : y.type;
	}
	slots[0] = tr_use(t, &x);
	slots[1] = tr_use(t, &y);
	slots[2] = tr_use(t, &cond);
	code = tr_emit_value(t, type == WASM_V128 ? IOP_v128_select : IOP_select, 5, tr_home(t, t->height));
	memcpy(code + 2, slots, sizeof slots);
	return tr_push(t, type);
}

enum err translate_select(struct translator *t, const struct opinfo *op)
{
	(void)op;
	return emit_select(t, 0);
}

enum err translate_select_typed(struct translator *t, const struct opinfo *op)
{
	uint32_t count;
	uint8_t type;

	(void)op;
	TRY(tr_read_u32(t, &count, "a type count"));
	if (count != 1)
		return refuse(t->why, ERR_INVALID, "invalid result arity: select of %u types", count);
	TRY(tr_read_value_type(t, &type));
	return emit_select(t, type);
}

static enum err read_local(struct translator *t, uint32_t *local)
{
	return tr_read_index(t, local, t->locals, "local");
}

static uint32_t slot_of(const struct translator *t, uint32_t local)
{
	return t->vectors ? t->local_slots[local] : local;
}

enum err translate_local_get(struct translator *t, const struct opinfo *op)
{
	uint32_t local;

	(void)op;
	TRY(read_local(t, &local));
	return tr_push_local(t, t->local_types[local], slot_of(t, local), 0);
}

/* The popped operand becomes the value of the local in this slot. */
static void assign_local(struct translator *t, const struct operand *o, uint32_t local)
{
	if (o->where == LOCAL && o->slot == local && o->k == 0)
		return;
	if (t->chains[local] == 0 && o->k == 0 && tr_maker(t, o) != NULL) {
		t->code[t->last_start + 1] = (code_t)local;
		return;
	}
	tr_bring_local_home(t, local);
	tr_emit_move(t, o, (uint16_t)local);
}

enum err translate_local_set(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint32_t local;

	(void)op;
	TRY(read_local(t, &local));
	TRY(tr_pop(t, t->local_types[local], &o));
	assign_local(t, &o, slot_of(t, local));
	return OK;
}

enum err translate_local_tee(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint32_t local;

	(void)op;
	TRY(read_local(t, &local));
	TRY(tr_pop(t, t->local_types[local], &o));
	assign_local(t, &o, slot_of(t, local));
	if (o.where == CONST)
		return tr_push_const(t, t->local_types[local], o.k);
	return tr_push_local(t, t->local_types[local], slot_of(t, local), 0);
}

enum err translate_global_get(struct translator *t, const struct opinfo *op)
{
	uint32_t index;
	code_t *code;
	uint8_t type;

	(void)op;
	TRY(tr_read_index(t, &index, t->module->global_count, "global"));
	type = t->module->globals[index].type.type;
	code = tr_emit_value(t, type == WASM_V128 ? IOP_v128_global_get : IOP_global_get, 4, tr_home(t, t->height));
	code_put32(code + 2, index);
	return tr_push(t, type);
}

enum err translate_global_set(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint32_t index;
	uint16_t x;
	code_t *code;

	(void)op;
	TRY(tr_read_index(t, &index, t->module->global_count, "global"));
	if (!t->module->globals[index].type.mutable)
		return refuse(t->why, ERR_INVALID, "global %u is immutable", index);
	TRY(tr_pop(t, t->module->globals[index].type.type, &o));
	x = tr_use(t, &o);
	code = tr_emit(t, o.type == WASM_V128 ? IOP_v128_global_set : IOP_global_set, 4);
	code[1] = x;
	code_put32(code + 2, index);
	return OK;
}

static enum err read_constant(struct translator *t, unsigned bits, uint64_t *out)
{
	int64_t v = 0;
	enum err err = leb_signed(&t->r, bits, &v);

	if (err != OK)
		return tr_bad_number(t, err, "a constant");
	*out = (uint64_t)v;
	return OK;
}

enum err translate_i32_const(struct translator *t, const struct opinfo *op)
{
	uint64_t v = 0;

	(void)op;
	TRY(read_constant(t, 32, &v));
	return tr_push_const(t, WASM_I32, (uint32_t)v);
}

enum err translate_i64_const(struct translator *t, const struct opinfo *op)
{
	uint64_t v = 0;

	(void)op;
	TRY(read_constant(t, 64, &v));
	return tr_push_const(t, WASM_I64, v);
}

enum err translate_f32_const(struct translator *t, const struct opinfo *op)
{
	uint32_t v;

	(void)op;
	if (rd_u32le(&t->r, &v) != OK)
		return tr_bad_number(t, ERR_TRUNCATED, "a constant");
	return tr_push_const(t, WASM_F32, v);
}

enum err translate_f64_const(struct translator *t, const struct opinfo *op)
{
	uint64_t v = 0;

	(void)op;
	if (rd_u64le(&t->r, &v) != OK)
		return tr_bad_number(t, ERR_TRUNCATED, "a constant");
	return tr_push_const(t, WASM_F64, v);
}

/* Can the constant stand in a k field? */
bool tr_fits_k(uint8_t type, uint64_t v, uint32_t *k)
{
	*k = type == WASM_F64 ? (uint32_t)(v >> 32) : (uint32_t)v;
	switch (type) {
	case WASM_I64: return (uint64_t)(int32_t)*k == v;
	case WASM_F64: return (uint64_t)*k << 32 == v;
	default: return true;
	}
}

enum err translate_unary(struct translator *t, const struct opinfo *op)
{
	struct operand x;
	uint16_t slot;
	code_t *code;

	TRY(tr_pop(t, op->in, &x));
	slot = tr_use(t, &x);
	/* As a comparison it can melt with a branch. */
	if (op->iop == IOP_i64_eqz) {
		code = tr_emit_value(t, IOP_i64_eq_k, 5, tr_home(t, t->height));
		code_put32(code + 3, 0);
	} else {
		code = tr_emit_value(t, op->iop, 3, tr_home(t, t->height));
	}
	code[2] = slot;
	return tr_push(t, op->out);
}

enum err translate_trunc(struct translator *t, const struct opinfo *op)
{
	struct operand x;
	uint16_t slot;

	TRY(tr_pop(t, op->in, &x));
	slot = tr_use(t, &x);
	tr_emit_site(t);
	tr_emit_value(t, op->iop, 3, tr_home(t, t->height))[2] = slot;
	return tr_push(t, op->out);
}

/* BIN, DIV and CMP: the comparisons have no kx variant, DIV needs a site. */
static enum err binary(struct translator *t, const struct opinfo *op, struct operand x, struct operand y, bool has_kx,
		       bool traps)
{
	uint16_t slot, second = 0;
	unsigned variant = 0;
	uint32_t k = 0;
	code_t *code;

	if (y.where == CONST && tr_fits_k(op->in, y.k, &k)) {
		variant = VARIANT_K;
		slot = tr_use(t, &x);
	} else if (x.where == CONST && has_kx && tr_fits_k(op->in, x.k, &k)) {
		variant = VARIANT_KX;
		slot = tr_use(t, &y);
	} else {
		slot = tr_use(t, &x);
		second = tr_use(t, &y);
	}
	if (traps)
		tr_emit_site(t);
	code = tr_emit_value(t, op->iop + variant, variant == 0 ? 4 : 5, tr_home(t, t->height));
	code[2] = slot;
	if (variant == 0)
		code[3] = second;
	else
		code_put32(code + 3, k);
	return tr_push(t, op->out);
}

enum fusion { FUSION_SLOTS, FUSION_REVERSED, FUSION_K, FUSION_K_REVERSED, FUSION_KK, FUSION_LOAD, FUSION_LOAD_REVERSED };

/* How the last operation (with its constant or not) and the operation `second` go together, and as what. */
static uint16_t fused(uint16_t first, uint16_t second, enum fusion how)
{
#define KEY(first, second, how) ((uint32_t)(first) << 16 | (uint32_t)(second) << 4 | (how))
	_Static_assert(IOP_COUNT < 4096, "operations fit into the key");
	switch (KEY(first, second, how)) {
#define FUSE(type, a, b) case KEY(IOP_##a, IOP_##b, FUSION_SLOTS): return IOP_##a##_##b;
#define FUSE_R(type, a, b) case KEY(IOP_##a, IOP_##b, FUSION_REVERSED): return IOP_##a##_##b##_r;
#define FUSE_K(type, a, b) case KEY(IOP_##a##_k, IOP_##b, FUSION_K): return IOP_##a##_k_##b;
#define FUSE_KR(type, a, b) case KEY(IOP_##a##_k, IOP_##b, FUSION_K_REVERSED): return IOP_##a##_k_##b##_r;
#define FUSE_KK(type, a, b) case KEY(IOP_##a##_k, IOP_##b, FUSION_KK): return IOP_##a##_k_##b##_k;
#define FUSE_LOAD(type, a, size, b)                                                                                    \
	case KEY(IOP_##a, IOP_##b, FUSION_LOAD):                                                                       \
	case KEY(IOP_##a##_sum, IOP_##b, FUSION_LOAD): return IOP_##a##_##b;
#define FUSE_LOAD_R(type, a, size, b)                                                                                  \
	case KEY(IOP_##a, IOP_##b, FUSION_LOAD_REVERSED):                                                              \
	case KEY(IOP_##a##_sum, IOP_##b, FUSION_LOAD_REVERSED): return IOP_##a##_##b##_r;
#include "lib/wasm/fuse.def"
	default: return 0;
	}
#undef KEY
}

/* made: what the last instruction made; other: the second operand of `op`, or its first when reversed. */
static bool fuse(struct translator *t, const struct opinfo *op, const struct operand *made, const struct operand *other,
		 bool reversed)
{
	const code_t *last = tr_maker(t, made);
	code_t x, y;
	uint16_t iop;
	uint32_t k, k2;
	code_t *code;

	if (last == NULL || made->k != 0)
		return false;
	x = last[2];
	y = last[3];
	k = code_u32(last + 3);
	if (other->where == CONST) {
		iop = reversed || !tr_fits_k(op->in, other->k, &k2) ? 0 : fused(last[0], op->iop, FUSION_KK);
		if (iop == 0)
			return false;
		tr_forget(t);
		code = tr_emit_value(t, iop, 7, tr_home(t, t->height));
		code_put32(code + 3, k);
		code_put32(code + 5, k2);
	} else if (other->k != 0) {
		return false;
	} else if ((iop = fused(last[0], op->iop, reversed ? FUSION_REVERSED : FUSION_SLOTS)) != 0) {
		tr_forget(t);
		code = tr_emit_value(t, iop, 5, tr_home(t, t->height));
		code[3] = y;
		code[4] = other->slot;
	} else if ((iop = fused(last[0], op->iop, reversed ? FUSION_K_REVERSED : FUSION_K)) != 0) {
		tr_forget(t);
		code = tr_emit_value(t, iop, 6, tr_home(t, t->height));
		code[3] = other->slot;
		code_put32(code + 4, k);
	} else if ((iop = fused(last[0], op->iop, reversed ? FUSION_LOAD_REVERSED : FUSION_LOAD)) != 0) {
		/* The load's site stays, and is that of what comes into its place. */
		k = last + 4 == t->code + t->size ? 0 : code_u32(last + 4);
		tr_forget(t);
		code = tr_emit_value(t, iop, 7, tr_home(t, t->height));
		code[3] = other->slot;
		code[4] = y;
		code_put32(code + 5, k);
	} else {
		return false;
	}
	code[2] = x;
	return true;
}

/* A sum that was put off is one operand of this operation. */
static bool fuse_sum(struct translator *t, const struct opinfo *op, const struct operand *sum, const struct operand *other,
		     bool reversed)
{
	uint32_t k = 0;
	uint16_t iop;
	code_t *code;

	if (sum->where == CONST || sum->k == 0)
		return false;
	if (other->where == CONST && !reversed && tr_fits_k(op->in, other->k, &k)) {
		iop = fused(IOP_i32_add_k, op->iop, FUSION_KK);
		if (iop == 0)
			return false;
		code = tr_emit_value(t, iop, 7, tr_home(t, t->height));
		code_put32(code + 3, (uint32_t)sum->k);
		code_put32(code + 5, k);
	} else if (other->where != CONST && other->k == 0) {
		iop = fused(IOP_i32_add_k, op->iop, reversed ? FUSION_K_REVERSED : FUSION_K);
		if (iop == 0)
			return false;
		code = tr_emit_value(t, iop, 6, tr_home(t, t->height));
		code[3] = other->slot;
		code_put32(code + 4, (uint32_t)sum->k);
	} else {
		return false;
	}
	code[2] = sum->slot;
	return true;
}

/* x + k, or x - k: nothing is emitted yet. */
static bool defer_sum(struct translator *t, const struct opinfo *op, const struct operand *x, const struct operand *y)
{
	if (y->where != CONST || x->where == CONST || (op->iop != IOP_i32_add && op->iop != IOP_i32_sub))
		return false;
	/* Without a change of place: a value at home must be that of the result. */
	return x->where == LOCAL || x->home == tr_home(t, t->height);
}

enum err translate_binary(struct translator *t, const struct opinfo *op)
{
	struct operand x, y;

	TRY(tr_pop(t, op->in, &y));
	TRY(tr_pop(t, op->in, &x));
	if (op->commutes && x.where == CONST && y.where != CONST) {
		struct operand swap = x;

		x = y;
		y = swap;
	}
	if (defer_sum(t, op, &x, &y)) {
		uint32_t k = (uint32_t)(op->iop == IOP_i32_add ? x.k + y.k : x.k - y.k);

		if (x.where == LOCAL)
			return tr_push_local(t, WASM_I32, x.slot, k);
		return tr_push_operand(t, (struct operand){.type = WASM_I32, .where = HOME, .k = k});
	}
	if (fuse(t, op, &y, &x, !op->commutes) || fuse(t, op, &x, &y, false) || fuse_sum(t, op, &y, &x, !op->commutes) ||
	    fuse_sum(t, op, &x, &y, false))
		return tr_push(t, op->out);
	return binary(t, op, x, y, true, false);
}

enum err translate_division(struct translator *t, const struct opinfo *op)
{
	struct operand x, y;

	TRY(tr_pop(t, op->in, &y));
	TRY(tr_pop(t, op->in, &x));
	return binary(t, op, x, y, true, true);
}

enum err translate_comparison(struct translator *t, const struct opinfo *op)
{
	struct operand x, y;

	TRY(tr_pop(t, op->in, &y));
	TRY(tr_pop(t, op->in, &x));
	return binary(t, op, x, y, false, false);
}
