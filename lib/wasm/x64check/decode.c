/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wasm/x64check/decode.h"

#include "lib/base/rw.h"

#include <assert.h>

enum { NONE, P66, PF2, PF3 };
enum { M1, M0F, M38, M3A };
enum { Z = 0 };

struct row {
	uint8_t prefix, map, opcode, span;
	int8_t ext;
	uint8_t width, kind;
	uint32_t flags;
};

/* The words of insns.def without their X64_. */
enum {
	MODRM = X64_MODRM, W_REG = X64_W_REG, R_REG = X64_R_REG, RW_REG = X64_RW_REG, W_RM = X64_W_RM, R_RM = X64_R_RM,
	RW_RM = X64_RW_RM, XMM_REG = X64_XMM_REG, XMM_RM = X64_XMM_RM, W_OPCODE = X64_W_OPCODE, R_OPCODE = X64_R_OPCODE,
	RW_OPCODE = X64_RW_OPCODE, ADDRESS = X64_ADDRESS, REG_ONLY = X64_REG_ONLY, W_RAX = X64_W_RAX, W_RDX = X64_W_RDX,
	IMM8 = X64_IMM8, IMM16 = X64_IMM16, IMM32 = X64_IMM32, IMMZ = X64_IMMZ, REL8 = X64_REL8, REL32 = X64_REL32,
	NARROW = X64_NARROW,
};

static const struct row rows[] = {
#define INSN(name, prefix, map, opcode, span, ext, width, kind, flags)                                                 \
	{prefix, map, opcode, span, ext, width, X64_##kind, flags},
#include "lib/wasm/x64check/insns.def"
};
void x64_decoder_init(struct x64_decoder *d)
{
	memset(d, 0, sizeof *d);
	for (size_t i = ARRAY_COUNT(rows); i-- > 0;)
		for (unsigned k = 0; k < rows[i].span; k++)
			d->row[rows[i].prefix][rows[i].map][rows[i].opcode + k] = (uint16_t)(i + 1);
}

struct parts { /* what comes before the operands */
	uint8_t prefix, map, opcode, rex;
};
enum { REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1 };

static enum err read_opcode(struct reader *r, struct parts *p)
{
	uint8_t b;

	*p = (struct parts){.prefix = NONE};
	TRY(rd_u8(r, &b));
	if (b == 0x66 || b == 0xf2 || b == 0xf3) {
		p->prefix = b == 0x66 ? P66 : b == 0xf2 ? PF2 : PF3;
		TRY(rd_u8(r, &b));
	}
	if ((b & 0xf0) == 0x40) {
		p->rex = b;
		TRY(rd_u8(r, &b));
	}
	if (b == 0x0f) {
		p->map = M0F;
		TRY(rd_u8(r, &b));
		if (b == 0x38 || b == 0x3a) {
			p->map = b == 0x38 ? M38 : M3A;
			TRY(rd_u8(r, &b));
		}
	}
	p->opcode = b;
	return OK;
}

/* Rows of one opcode that differ in the digit. */
static const struct row *find_row(const struct x64_decoder *d, const struct parts *p, uint8_t modrm)
{
	size_t i = d->row[p->prefix][p->map][p->opcode];
	const struct row *end = rows + ARRAY_COUNT(rows);

	if (i == 0)
		return NULL;
	for (const struct row *row = &rows[i - 1]; row < end; row++)
		if (row->prefix == p->prefix && row->map == p->map && (uint8_t)(p->opcode - row->opcode) < row->span &&
		    (row->ext < 0 || row->ext == (modrm >> 3 & 7)))
			return row;
	return NULL;
}

static enum err read_signed(struct reader *r, unsigned size, int64_t *out)
{
	uint8_t b;
	uint16_t h;
	uint32_t w;
	uint64_t q;

	switch (size) {
	case 1: TRY(rd_u8(r, &b)); *out = b - (b >> 7 << 8); break;
	case 2: TRY(rd_u16le(r, &h)); *out = (int16_t)h; break;
	case 4: TRY(rd_u32le(r, &w)); *out = (int32_t)w; break;
	default: TRY(rd_u64le(r, &q)); *out = (int64_t)q; break;
	}
	return OK;
}

/* Intel SDM vol. 2, 2.1.5: mod 0 has no displacement but for base 5, which then is no base. */
static enum err read_address(struct reader *r, uint8_t modrm, uint8_t rex, struct x64_insn *o)
{
	const uint8_t mod = modrm >> 6;
	uint8_t base = modrm & 7, sib;
	int64_t disp = 0;

	o->has_memory = true;
	o->rm = o->index = X64_NO_REGISTER;
	o->scale = 1;
	if (base == 4) {
		TRY(rd_u8(r, &sib));
		base = sib & 7;
		o->scale = (uint8_t)(1 << (sib >> 6));
		o->index = (uint8_t)((sib >> 3 & 7) | (rex & REX_X ? 8 : 0));
		if (o->index == X64_RSP)
			o->index = X64_NO_REGISTER;
		o->base = base == 5 && mod == 0 ? X64_NO_REGISTER : (uint8_t)(base | (rex & REX_B ? 8 : 0));
	} else {
		o->base = base == 5 && mod == 0 ? X64_RIP : (uint8_t)(base | (rex & REX_B ? 8 : 0));
	}
	if (mod == 1)
		TRY(read_signed(r, 1, &disp));
	else if (mod == 2 || base == 5)
		TRY(read_signed(r, 4, &disp));
	o->disp = (int32_t)disp;
	return OK;
}

static enum err read_operands(struct reader *r, const struct row *row, uint8_t rex, struct x64_insn *o)
{
	uint8_t modrm;

	o->base = o->index = X64_NO_REGISTER;
	if (!(row->flags & MODRM))
		return OK;
	TRY(rd_u8(r, &modrm));
	o->reg = (uint8_t)((modrm >> 3 & 7) | (rex & REX_R ? 8 : 0));
	o->rm = (uint8_t)((modrm & 7) | (rex & REX_B ? 8 : 0));
	if (modrm >> 6 != 3)
		TRY(read_address(r, modrm, rex, o));
	if (o->has_memory ? row->flags & REG_ONLY : row->flags & ADDRESS)
		return ERR_FORMAT;
	return OK;
}

static enum err read_immediate(struct reader *r, uint32_t flags, uint8_t rex, struct x64_insn *o)
{
	if (flags & (IMM8 | REL8))
		return read_signed(r, 1, &o->imm);
	if (flags & IMM16)
		return read_signed(r, 2, &o->imm);
	if (flags & (IMM32 | REL32))
		return read_signed(r, 4, &o->imm);
	if (flags & IMMZ)
		return read_signed(r, rex & REX_W ? 8 : 4, &o->imm);
	return OK;
}

/* Without REX, register numbers 4 to 7 of a byte operand are ah, ch, dh, bh. */
static bool names_high_byte(const struct row *row, uint8_t rex, const struct x64_insn *o)
{
	if (row->width != 1 || rex != 0 || row->flags & (XMM_RM | XMM_REG)) /* pextrb and pinsrb take whole registers */
		return false;
	if (!o->has_memory && row->flags & (W_RM | R_RM) && o->rm >= 4)
		return true;
	return row->flags & R_REG && o->reg >= 4;
}

/* Where REX says more than the row expects: 66 with REX.W is a 64-bit operation, 90 with REX.B an exchange. */
static bool misuses_rex(const struct row *row, uint8_t rex)
{
	if (row->flags & NARROW && rex & REX_W)
		return true;
	if (row->width == 2 && rex & REX_W && !(row->flags & W_REG))
		return true;
	return !(row->flags & (MODRM | W_OPCODE | R_OPCODE)) && rex & (REX_R | REX_X | REX_B);
}

static enum err decode(const struct x64_decoder *d, struct reader *r, struct x64_insn *o)
{
	struct reader ahead;
	const struct row *row;
	struct parts p;
	uint8_t modrm = 0;

	TRY(read_opcode(r, &p));
	ahead = *r;
	if (rd_left(r) > 0)
		TRY(rd_u8(&ahead, &modrm));
	row = find_row(d, &p, modrm);
	if (row == NULL || misuses_rex(row, p.rex))
		return ERR_NOT_FOUND;
	*o = (struct x64_insn){.kind = (enum x64_kind)row->kind, .flags = row->flags, .condition = p.opcode & 15};
	TRY(read_operands(r, row, p.rex, o));
	TRY(read_immediate(r, row->flags, p.rex, o));
	if (row->flags & (W_OPCODE | R_OPCODE))
		o->rm = (uint8_t)((p.opcode & 7) | (p.rex & REX_B ? 8 : 0));
	o->out_width = p.rex & REX_W ? 8 : 4;
	o->width = row->width == Z ? o->out_width : row->width;
	/* The result is as wide as the operation says, or as the memory operand where that is what is written. */
	if (row->width != Z && !(row->flags & (W_REG | XMM_RM)) && (o->has_memory || !(row->flags & XMM_REG)))
		o->out_width = row->width;
	return names_high_byte(row, p.rex, o) ? ERR_FORMAT : OK;
}

bool x64_decode(const struct x64_decoder *d, struct slice in, struct x64_insn *out)
{
	struct reader r = rd_of(in);

	if (decode(d, &r, out) != OK)
		return false;
	out->size = (uint8_t)rd_offset(&r);
	return true;
}
