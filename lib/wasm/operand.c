/* SPDX-License-Identifier: Apache-2.0 */
/* The operand stack of the translator, and what it emits (translate.h says how). */
#include "lib/wasm/translate.h"

/* ---- emitting ---- */

static bool reserve(struct translator *t, uint32_t units)
{
	while (t->capacity - t->size < units) {
		code_t *more = arena_many(t->arena, CHUNK, code_t);

		if (more == NULL)
			return false;
		/* Nothing else is allocated while a body is translated, so that its code grows in place. */
		CHECK(more == t->code + t->capacity);
		t->capacity += CHUNK;
	}
	return true;
}

/* From `start` to here stands an instruction whose field 1 is the slot of its only result. */
void tr_remember(struct translator *t, uint32_t start)
{
	t->prev_end = t->prev_end == start ? start : NO_INDEX;
	t->last_start = start;
	t->last_end = t->size;
}

/* Room for one instruction and its fields; what is not live is written to nowhere. */
code_t *tr_emit(struct translator *t, unsigned iop, uint32_t units)
{
	code_t *code = t->nowhere;

	t->prev_start = t->last_start;
	t->prev_end = t->last_end == t->size ? t->last_end : NO_INDEX;
	if (t->live && !t->nomem) {
		if (reserve(t, units)) {
			code = t->code + t->size;
			t->size += units;
		} else {
			t->nomem = true;
		}
	}
	code[0] = (code_t)iop;
	t->last_end = NO_INDEX;
	return code;
}

/* An instruction that makes one value. */
code_t *tr_emit_value(struct translator *t, unsigned iop, uint32_t units, uint16_t dst)
{
	uint32_t start = t->size;
	code_t *code = tr_emit(t, iop, units);

	code[1] = dst;
	if (t->live && !t->nomem)
		tr_remember(t, start);
	return code;
}

/* Takes back the last instruction. */
void tr_forget(struct translator *t)
{
	t->size = t->last_start;
	t->last_start = t->prev_start;
	t->last_end = t->prev_end;
	t->prev_end = NO_INDEX;
}

static uint32_t put_leb(uint8_t *out, uint32_t v)
{
	uint32_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

/* The next instruction can trap. */
void tr_emit_site(struct translator *t)
{
	if (!t->live || t->nomem)
		return;
	CHECK(t->sites_max - t->sites_size >= 10);
	t->sites_size += put_leb(t->sites + t->sites_size, t->size - t->site_pc);
	t->sites_size += put_leb(t->sites + t->sites_size, t->at - t->site_at);
	t->site_pc = t->size;
	t->site_at = t->at;
}

static void emit_copy(struct translator *t, uint16_t dst, uint16_t src)
{
	code_t *code;

	if (t->live && !t->nomem && t->copy_end == t->size && reserve(t, 2)) {
		t->code[t->size - 3] = IOP_copy_two;
		t->code[t->size++] = dst;
		t->code[t->size++] = src;
		t->copy_end = NO_INDEX;
		return;
	}
	code = tr_emit(t, IOP_copy, 3);
	code[1] = dst;
	code[2] = src;
	t->copy_end = t->live ? t->size : NO_INDEX;
}

static void emit_add(struct translator *t, uint16_t dst, uint16_t src, uint64_t k)
{
	code_t *code = tr_emit_value(t, IOP_i32_add_k, 5, dst);

	code[2] = src;
	code_put32(code + 3, (uint32_t)k);
}

static void emit_const(struct translator *t, uint16_t dst, uint64_t k)
{
	code_t *code;

	if (k <= UINT32_MAX) {
		code = tr_emit_value(t, IOP_const32, 4, dst);
		code_put32(code + 2, (uint32_t)k);
	} else {
		code = tr_emit_value(t, IOP_const64, 6, dst);
		memcpy(code + 2, &k, sizeof k);
	}
}

/* Resolves a chain of branch fields to here. */
void tr_bind(struct translator *t, uint32_t fixups)
{
	while (fixups != 0) {
		uint32_t next = code_u32(t->code + fixups);

		code_put32(t->code + fixups, t->size - fixups);
		fixups = next;
	}
	t->last_end = t->prev_end = t->copy_end = NO_INDEX;
}

/* Directs the branch field to the label. */
void tr_branch_to(struct translator *t, struct control *c, code_t *field)
{
	uint32_t at;

	if (!t->live || t->nomem)
		return;
	at = (uint32_t)(field - t->code);
	if (c->opcode == OPCODE_LOOP) {
		code_put32(field, c->target - at);
		return;
	}
	code_put32(field, c->fixups);
	c->fixups = at;
}

/* ---- the operand stack ---- */

enum err tr_mismatch(struct translator *t, uint8_t want, const char *found)
{
	return refuse(t->why, ERR_INVALID, "type mismatch: expected %s, found %s",
		      want == 0 ? "a value" : wasm_type_name(want), found);
}

enum err tr_pop_many(struct translator *t, const uint8_t *types, uint32_t count)
{
	struct operand o;

	while (count > 0)
		TRY(tr_pop(t, types[--count], &o));
	return OK;
}

enum err tr_push_many(struct translator *t, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		TRY(tr_push(t, types[i]));
	return OK;
}

/* Are the topmost operands of these types? They stay. */
enum err tr_check_top(struct translator *t, const uint8_t *types, uint32_t count)
{
	struct control *c = tr_label(t, 0);

	uint32_t at = t->height;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t want = types[count - 1 - i], found;

		if (at == c->height) {
			if (c->unreachable)
				return OK;
			return tr_mismatch(t, want, "an empty stack");
		}
		found = t->operands[--at].type;
		if (found == UPPER)
			found = t->operands[--at].type;
		if (found != want && found != 0)
			return tr_mismatch(t, want, wasm_type_name(found));
	}
	return OK;
}

/* The slot that holds the popped operand. */
uint16_t tr_use(struct translator *t, const struct operand *o)
{
	if (o->where == CONST)
		emit_const(t, o->home, o->k);
	else if (o->k != 0)
		emit_add(t, o->home, o->slot, o->k);
	else
		return o->slot;
	return o->home;
}

/* Writes the popped operand's value to a slot. */
void tr_emit_move(struct translator *t, const struct operand *o, uint16_t dst)
{
	if (o->where == CONST)
		emit_const(t, dst, o->k);
	else if (o->k != 0)
		emit_add(t, dst, o->slot, o->k);
	else if (o->slot != dst && o->type == WASM_V128)
		tr_emit_value(t, IOP_v128_copy, 3, dst)[2] = o->slot;
	else if (o->slot != dst)
		emit_copy(t, dst, o->slot);
}

static void bring_home(struct translator *t, uint32_t index)
{
	struct operand *o = &t->operands[index];

	if (o->where == LOCAL)
		t->chains[o->slot] = o->next;
	tr_emit_move(t, o, o->home);
	o->where = HOME;
	o->slot = o->home;
	o->k = 0;
}

/* Topmost first, as the chains want it. */
void tr_bring_top_home(struct translator *t, uint32_t count)
{
	uint32_t available = t->height - tr_label(t, 0)->height;

	if (count > available)
		count = available;
	for (uint32_t i = 1; i <= count; i++)
		bring_home(t, t->height - i);
}

/* The local is about to change. */
void tr_bring_local_home(struct translator *t, uint32_t local)
{
	while (t->chains[local] != 0)
		bring_home(t, t->chains[local] - 1);
}

void tr_bring_locals_home(struct translator *t)
{
	for (uint32_t i = t->height; i > t->clean; i--)
		if (t->operands[i - 1].where == LOCAL)
			bring_home(t, i - 1);
	t->clean = t->height;
}

/* The instruction emitted last, if it made what is in the popped operand's home; else NULL. */
const code_t *tr_maker(const struct translator *t, const struct operand *o)
{
	const code_t *last = t->code + t->last_start;

	return t->live && t->last_end == t->size && o->where == HOME && last[1] == o->home ? last : NULL;
}

/* What follows is not reached. */
void tr_leave(struct translator *t)
{
	struct control *c = tr_label(t, 0);
	struct operand o;

	while (t->height > c->height)
		(void)!tr_pop(t, 0, &o);
	c->unreachable = true;
	t->live = false;
}
