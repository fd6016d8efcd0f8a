/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a body before it is compiled: can it be, does it call, and which locals are worth a register. */
#include "lib/wasm/x64/compile.h"

#include "lib/wasm/simd.h"

enum { GENERAL_LOCALS = 6, VECTOR_LOCALS = 8, WORTH = 3, DEEPEST = 5 };
static const uint8_t general_locals[GENERAL_LOCALS] = {RBX, R8, R9, R10, R11, R12};

enum err read_opcode(struct reader *r, uint32_t *opcode)
{
	uint8_t first;
	uint32_t second;

	TRY(leb_byte(r, &first));
	*opcode = first;
	if (unlikely(first >= 0xfc)) {
		TRY(leb_u32(r, &second));
		*opcode = (first == 0xfc ? 0x100 : 0x200) + (second & 0xffffff);
	}
	return OK;
}

bool reader_of_body(const struct wasm_module *m, uint32_t n, struct reader *out)
{
	struct reader all = rd_of(m->bytes);

	return rd_skip(&all, m->bodies[n].offset) == OK && rd_sub(&all, m->bodies[n].bytes, out) == OK;
}

static enum err skip_lebs(struct reader *r, uint32_t count)
{
	uint8_t b;

	while (count > 0) {
		TRY(leb_byte(r, &b));
		count -= b < 0x80;
	}
	return OK;
}

static enum err skip_vector(struct reader *r, uint32_t op)
{
	switch (op < SIMD_COUNT ? simd_ops[op].shape : SIMD_NONE) {
	case SIMD_NONE: return ERR_FORMAT;
	case SIMD_EXTRACT:
	case SIMD_REPLACE: return rd_skip(r, 1);
	case SIMD_SHUFFLE:
	case SIMD_CONST: return rd_skip(r, 16);
	case SIMD_LOAD:
	case SIMD_STORE: return skip_lebs(r, 2);
	case SIMD_LOAD_LANE:
	case SIMD_STORE_LANE: TRY(skip_lebs(r, 2)); return rd_skip(r, 1);
	default: return OK;
	}
}

enum err skip_immediates(struct reader *r, uint32_t opcode)
{
	uint32_t n;

	switch (opcode) {
	case 0x02:
	case 0x03:
	case 0x04:
	case 0x0c:
	case 0x0d:
	case 0x10:
	case 0x20:
	case 0x21:
	case 0x22:
	case 0x23:
	case 0x24:
	case 0x25:
	case 0x26:
	case 0x3f:
	case 0x40:
	case 0x41:
	case 0x42:
	case 0xd0:
	case 0xd2:
	case 0x109:
	case 0x10b:
	case 0x10d:
	case 0x10f:
	case 0x110:
	case 0x111: return skip_lebs(r, 1);
	case 0x11:
	case 0x108:
	case 0x10a:
	case 0x10c:
	case 0x10e: return skip_lebs(r, 2);
	case 0x1c: TRY(leb_u32(r, &n)); return skip_lebs(r, n);
	case 0x0e: TRY(leb_u32(r, &n)); return skip_lebs(r, n + 1);
	case 0x43: return rd_skip(r, 4);
	case 0x44: return rd_skip(r, 8);
	default:
		if (opcode >= 0x200)
			return skip_vector(r, opcode - 0x200);
		return opcode >= 0x28 && opcode <= 0x3e ? skip_lebs(r, 2) : OK;
	}
}

static void count_use(struct compiler *c, struct scanned *s, uint32_t local, uint32_t weight)
{
	if (c->weights[local] == 0)
		c->touched[s->touched_count++] = local;
	if (c->weights[local] < UINT32_MAX / 2)
		c->weights[local] += weight;
}

static enum err scan_one(struct compiler *c, struct reader *r, uint32_t opcode, struct scanned *s, uint32_t weight)
{
	uint32_t x;

	switch (opcode) {
	case 0x20:
	case 0x21:
	case 0x22:
		TRY(leb_u32(r, &x));
		count_use(c, s, x, weight);
		return OK;
	case 0x10:
	case 0x11: s->calls = true; return skip_immediates(r, opcode);
	default: return skip_immediates(r, opcode);
	}
}

/* r: behind the declarations of locals. */
struct scanned scan_body(struct compiler *c, struct reader r)
{
	static const uint32_t weights[DEEPEST + 1] = {1, 8, 64, 512, 4096, 32768};
	struct scanned s = {.supported = true};
	uint64_t loops = 0; /* of the innermost 64 blocks, which are loops */
	uint32_t depth = 1, opcode, loop_depth = 0;

	while (depth > 0 && s.supported) {
		if (read_opcode(&r, &opcode) != OK || opcode >= 0x300)
			break;
		if (opcode >= 0x02 && opcode <= 0x04) {
			depth++;
			loops = loops << 1 | (opcode == 0x03);
			loop_depth += opcode == 0x03;
			s.loops = s.loops || opcode == 0x03;
		} else if (opcode == 0x0b) {
			depth--;
			loop_depth -= loops & 1;
			loops >>= 1;
		}
		if (loop_depth > 64 ||
		    scan_one(c, &r, opcode, &s, weights[loop_depth < DEEPEST ? loop_depth : DEEPEST]) != OK)
			break;
	}
	if (depth > 0)
		s.supported = false;
	return s;
}

struct chosen {
	uint32_t local, weight;
};

/* Keeps the heaviest, in order. */
static void insert(struct chosen *list, uint32_t size, uint32_t local, uint32_t weight)
{
	for (uint32_t i = 0; i < size; i++)
		if (weight > list[i].weight) {
			struct chosen t = list[i];

			list[i] = (struct chosen){local, weight};
			local = t.local;
			weight = t.weight;
		}
}

void choose_registers(struct compiler *c, const struct scanned *s)
{
	struct chosen general[GENERAL_LOCALS] = {{0, 0}}, vector[VECTOR_LOCALS] = {{0, 0}};

	c->saved_count = 0;
	for (uint32_t i = 0; i < s->touched_count; i++) {
		uint32_t local = c->touched[i], weight = c->weights[local];

		c->weights[local] = 0;
		if (weight < WORTH || (c->local_types[local] == WASM_V128 && s->calls))
			continue;
		if (is_float(c->local_types[local]))
			insert(vector, VECTOR_LOCALS, local, weight);
		else
			insert(general, GENERAL_LOCALS, local, weight);
	}
	for (uint32_t i = 0; i < GENERAL_LOCALS && general[i].weight > 0; i++)
		c->local_regs[general[i].local] = c->saved[c->saved_count++] = general_locals[i];
	for (uint32_t i = 0; i < VECTOR_LOCALS && vector[i].weight > 0; i++)
		c->local_regs[vector[i].local] = c->saved[c->saved_count++] = (uint8_t)(XMM8 + i);
}
