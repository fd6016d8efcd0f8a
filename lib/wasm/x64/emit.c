/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wasm/x64/emit.h"

#include <string.h>

enum { CHUNK = 1 << 16 };

void emit_init(struct emitter *e, struct arena *code)
{
	*e = (struct emitter){.arena = code, .base = arena_alloc(code, 0, 16)};
	e->full = e->base == NULL;
}

void emit_room(struct emitter *e, uint32_t bytes)
{
	while (!e->full && e->capacity - e->at < bytes) {
		uint8_t *more = arena_alloc(e->arena, CHUNK, 1);

		if (more == NULL || e->capacity > INT32_MAX / 2) {
			e->full = true;
			return;
		}
		CHECK(more == e->base + e->capacity);
		e->capacity += CHUNK;
	}
}

/* Where n bytes go; the place moves on. */
static uint8_t *take(struct emitter *e, uint32_t n)
{
	uint8_t *p = e->base + e->at;

	if (e->full || e->capacity - e->at < n) {
		e->full = true;
		return e->nowhere;
	}
	e->at += n;
	return p;
}

void emit_byte(struct emitter *e, uint8_t b)
{
	*take(e, 1) = b;
}

void emit_u32(struct emitter *e, uint32_t v)
{
	copy_small(take(e, 4), &v, sizeof v);
}

void emit_u64(struct emitter *e, uint64_t v)
{
	copy_small(take(e, 8), &v, sizeof v);
}

static bool fits8(int32_t v)
{
	return v >= -128 && v <= 127;
}

/* ModRM, SIB and displacement (SDM vol. 2, 2.1.5): base 4 needs a SIB byte, base 5 a displacement. */
static uint8_t *put_rm(uint8_t *p, uint8_t reg, struct rm rm)
{
	uint8_t digit = (uint8_t)((reg & 7) << 3), mod;

	if (rm.reg != NO_REG) {
		*p++ = (uint8_t)(0xc0 | digit | (rm.reg & 7));
		return p;
	}
	if (rm.base == NO_REG) { /* index * scale + disp */
		*p++ = (uint8_t)(digit | 4);
		*p++ = (uint8_t)(rm.scale << 6 | (rm.index & 7) << 3 | 5);
		copy_small(p, &rm.disp, 4);
		return p + 4;
	}
	mod = rm.disp == 0 && (rm.base & 7) != 5 ? 0 : fits8(rm.disp) ? 0x40 : 0x80;
	if (rm.index != NO_REG || (rm.base & 7) == 4) {
		*p++ = (uint8_t)(mod | digit | 4);
		*p++ = (uint8_t)(rm.scale << 6 | ((rm.index == NO_REG ? 4 : rm.index) & 7) << 3 | (rm.base & 7));
	} else {
		*p++ = (uint8_t)(mod | digit | (rm.base & 7));
	}
	if (mod == 0x40)
		*p++ = (uint8_t)rm.disp;
	if (mod == 0x80) {
		copy_small(p, &rm.disp, 4);
		p += 4;
	}
	return p;
}

static uint8_t rex_of(uint32_t op, uint8_t reg, struct rm rm)
{
	uint8_t rex = op & OP_W ? 0x48 : 0;

	if (reg & 8)
		rex |= 0x44;
	if (rm.reg != NO_REG) {
		if (rm.reg & 8)
			rex |= 0x41;
	} else {
		if (rm.base != NO_REG && rm.base & 8)
			rex |= 0x41;
		if (rm.index != NO_REG && rm.index & 8)
			rex |= 0x42;
	}
	if (op & OP_BYTE && (reg >= 4 || (rm.reg != NO_REG && rm.reg >= 4)))
		rex |= 0x40;
	return rex;
}

void emit_op(struct emitter *e, uint32_t op, uint8_t reg, struct rm rm)
{
	static const uint8_t prefixes[] = {0, 0x66, 0xf2, 0xf3};
	uint8_t buffer[16], *p = buffer, rex = rex_of(op, reg, rm);
	uint32_t code = op & 0xffffff;

	if (op >> 24 & 3)
		*p++ = prefixes[op >> 24 & 3];
	if (rex)
		*p++ = rex;
	if (code > 0xffff)
		*p++ = (uint8_t)(code >> 16);
	if (code > 0xff)
		*p++ = (uint8_t)(code >> 8);
	*p++ = (uint8_t)code;
	p = put_rm(p, reg, rm);
	memcpy(take(e, (uint32_t)(p - buffer)), buffer, (size_t)(p - buffer));
}

static uint32_t wide_bit(bool wide)
{
	return wide ? OP_W : 0;
}

void emit_alu(struct emitter *e, enum alu op, bool wide, uint8_t reg, struct rm rm)
{
	emit_op(e, ((uint32_t)op << 3 | 3) | wide_bit(wide), reg, rm);
}

void emit_alu_imm(struct emitter *e, enum alu op, bool wide, struct rm rm, int32_t k)
{
	emit_op(e, (fits8(k) ? 0x83u : 0x81u) | wide_bit(wide), (uint8_t)op, rm);
	if (fits8(k))
		emit_byte(e, (uint8_t)k);
	else
		emit_u32(e, (uint32_t)k);
}

void emit_shift_imm(struct emitter *e, enum shift op, bool wide, uint8_t reg, uint8_t k)
{
	emit_op(e, 0xc1u | wide_bit(wide), (uint8_t)op, rm_reg(reg));
	emit_byte(e, k);
}

void emit_imm(struct emitter *e, uint8_t reg, uint64_t k)
{
	bool wide = k > UINT32_MAX;

	if (wide && (int64_t)k == (int32_t)k) {
		emit_op(e, 0xc7u | OP_W, 0, rm_reg(reg));
		emit_u32(e, (uint32_t)k);
		return;
	}
	if (wide || reg & 8)
		emit_byte(e, (uint8_t)(0x40 | (wide ? 8 : 0) | (reg & 8 ? 1 : 0)));
	emit_byte(e, (uint8_t)(0xb8 | (reg & 7)));
	if (wide)
		emit_u64(e, k);
	else
		emit_u32(e, (uint32_t)k);
}

void emit_mov(struct emitter *e, bool wide, uint8_t to, uint8_t from)
{
	if (to >= XMM0)
		emit_op(e, 0x0f28, to, rm_reg(from));
	else
		emit_op(e, 0x8bu | wide_bit(wide), to, rm_reg(from));
}

void emit_lea(struct emitter *e, bool wide, uint8_t reg, struct rm rm)
{
	emit_op(e, 0x8du | wide_bit(wide), reg, rm);
}

void emit_push(struct emitter *e, uint8_t reg)
{
	if (reg & 8)
		emit_byte(e, 0x41);
	emit_byte(e, (uint8_t)(0x50 | (reg & 7)));
}

void emit_pop(struct emitter *e, uint8_t reg)
{
	if (reg & 8)
		emit_byte(e, 0x41);
	emit_byte(e, (uint8_t)(0x58 | (reg & 7)));
}

void emit_ret(struct emitter *e)
{
	emit_byte(e, 0xc3);
}

void emit_sign_into_rdx(struct emitter *e, bool wide)
{
	if (wide)
		emit_byte(e, 0x48);
	emit_byte(e, 0x99);
}

/* ---- jumps ---- */

static void chain_field(struct emitter *e, uint32_t *chain)
{
	uint32_t at = e->at;

	emit_u32(e, *chain);
	*chain = at;
}

void emit_jmp_chain(struct emitter *e, uint32_t *chain)
{
	emit_byte(e, 0xe9);
	chain_field(e, chain);
}

/* Equal means ZF and not PF: unordered sets both (SDM, UCOMISD). */
void emit_jcc_chain(struct emitter *e, enum condition cc, uint32_t *chain)
{
	if (cc == CC_EQ_ORDERED) {
		uint32_t over = emit_jump8(e, CC_P);

		emit_jcc_chain(e, CC_E, chain);
		emit_bind8(e, over);
		return;
	}
	if (cc == CC_NE_UNORDERED) {
		emit_jcc_chain(e, CC_P, chain);
		cc = CC_NE;
	}
	emit_byte(e, 0x0f);
	emit_byte(e, (uint8_t)(0x80 | cc));
	chain_field(e, chain);
}

void emit_patch32(struct emitter *e, uint32_t field, uint32_t value)
{
	if (!e->full)
		copy_small(e->base + field, &value, sizeof value);
}

uint32_t emit_read32(const struct emitter *e, uint32_t field)
{
	uint32_t v = 0;

	if (!e->full)
		copy_small(&v, e->base + field, sizeof v);
	return v;
}

void emit_bind(struct emitter *e, uint32_t chain)
{
	while (chain != 0 && !e->full) {
		uint32_t next = emit_read32(e, chain);

		emit_patch32(e, chain, e->at - (chain + 4));
		chain = next;
	}
}

void emit_jmp_to(struct emitter *e, uint32_t target)
{
	emit_byte(e, 0xe9);
	emit_u32(e, target - (e->at + 4));
}

void emit_jcc_to(struct emitter *e, enum condition cc, uint32_t target)
{
	if (cc == CC_EQ_ORDERED) {
		uint32_t over = emit_jump8(e, CC_P);

		emit_jcc_to(e, CC_E, target);
		emit_bind8(e, over);
		return;
	}
	if (cc == CC_NE_UNORDERED) {
		emit_jcc_to(e, CC_P, target);
		cc = CC_NE;
	}
	emit_byte(e, 0x0f);
	emit_byte(e, (uint8_t)(0x80 | cc));
	emit_u32(e, target - (e->at + 4));
}

static bool is_short(const struct emitter *e, uint32_t target)
{
	return target <= e->at && e->at - target <= 126;
}

void emit_back(struct emitter *e, uint32_t target)
{
	if (!is_short(e, target)) {
		emit_jmp_to(e, target);
		return;
	}
	emit_byte(e, 0xeb);
	emit_byte(e, (uint8_t)(target - (e->at + 1)));
}

void emit_back_if(struct emitter *e, enum condition cc, uint32_t target)
{
	if (cc >= CC_EQ_ORDERED || !is_short(e, target)) {
		emit_jcc_to(e, cc, target);
		return;
	}
	emit_byte(e, (uint8_t)(0x70 | cc));
	emit_byte(e, (uint8_t)(target - (e->at + 1)));
}

void emit_call_to(struct emitter *e, uint32_t target)
{
	emit_byte(e, 0xe8);
	emit_u32(e, target - (e->at + 4));
}

uint32_t emit_jump8(struct emitter *e, int cc)
{
	emit_byte(e, cc < 0 ? 0xeb : (uint8_t)(0x70 | cc));
	emit_byte(e, 0);
	return e->at - 1;
}

void emit_bind8(struct emitter *e, uint32_t field)
{
	uint32_t distance = e->at - (field + 1);

	if (e->full)
		return;
	CHECK(distance <= 127);
	e->base[field] = (uint8_t)distance;
}

void emit_align(struct emitter *e, unsigned log2)
{
	const uint32_t size = 1u << log2;

	emit_room(e, size);
	for (uint32_t left = -e->at % size; left > 0 && !e->full; left = -e->at % size) {
		if (left >= 7)
			emit_op(e, 0x0f1f, 0, rm_mem(RAX, INT32_MAX));
		else if (left >= 3)
			emit_op(e, 0x0f1f, 0, rm_mem(RAX, left > 3));
		else
			emit_byte(e, 0x90);
	}
}
