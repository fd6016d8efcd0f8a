/* SPDX-License-Identifier: Apache-2.0 */
/* The table of instructions, and bodies from their first byte to their last. */
#include "lib/wasm/translate.h"

#include "lib/wasm/simd.h"

/* ---- immediates ---- */

enum err tr_bad_number(struct translator *t, enum err err, const char *what)
{
	if (err == ERR_TRUNCATED)
		return refuse(t->why, ERR_FORMAT, "the body ends inside %s", what);
	return refuse(t->why, ERR_FORMAT, "%s: integer representation too long or too large", what);
}

enum err tr_read_zero_byte(struct translator *t)
{
	uint8_t b;

	if (leb_byte(&t->r, &b) != OK || b != 0)
		return refuse(t->why, ERR_FORMAT, "zero byte expected");
	return OK;
}

enum err tr_read_value_type(struct translator *t, uint8_t *out)
{
	if (leb_byte(&t->r, out) != OK)
		return refuse(t->why, ERR_FORMAT, "the body ends inside a type");
	if (wasm_type_name(*out) == NULL)
		return refuse(t->why, ERR_FORMAT, "malformed value type 0x%x", *out);
	return OK;
}

enum err tr_need_memory(struct translator *t)
{
	if (t->module->memory_count == 0)
		return refuse(t->why, ERR_INVALID, "unknown memory 0 (there is none)");
	return OK;
}

enum err tr_read_label(struct translator *t, struct control **out)
{
	uint32_t depth;

	TRY(tr_read_index(t, &depth, t->depth, "label"));
	*out = tr_label(t, depth);
	return OK;
}

uint32_t tr_label_types(const struct control *c, const uint8_t **types)
{
	if (c->opcode == OPCODE_LOOP) {
		*types = c->type.params;
		return c->type.param_count;
	}
	*types = c->type.results;
	return c->type.result_count;
}

/* ---- the table of instructions ---- */

#define LOG2(size) ((size) == 8 ? 3 : (size) == 4 ? 2 : (size) == 2 ? 1 : 0)
#define T(type)    WASM_##type

static const struct opinfo ops[OPCODE_COUNT] = {
#define CTRL(code, id, text)              [code] = {text, translate_##id, 0, 0, 0, 0, false},
#define UN(code, id, text, in, out, expr) [code] = {text, translate_unary, IOP_##id, T(in), T(out), 0, false},
#define TRUNC(code, id, text, in, out, lo, hi, expr)                                                                   \
	[code] = {text, translate_trunc, IOP_##id, T(in), T(out), 0, false},
#define BIN(code, id, text, type, commutes, expr)                                                                      \
	[code] = {text, translate_binary, IOP_##id, T(type), T(type), 0, commutes},
#define DIV(code, id, text, type, overflow, expr)                                                                      \
	[code] = {text, translate_division, IOP_##id, T(type), T(type), 0, false},
#define CMP(code, id, text, in, expr) [code] = {text, translate_comparison, IOP_##id, T(in), WASM_I32, 0, false},
#define LOAD(code, id, text, out, size, bits, expr)                                                                    \
	[code] = {text, translate_load, IOP_##id, 0, T(out), LOG2(size), false},
#define STORE(code, id, text, in, size) [code] = {text, translate_store, IOP_##id, T(in), 0, LOG2(size), false},
#include "lib/wasm/opcodes.def"
};

const char *opcode_name(uint32_t code)
{
	return code < OPCODE_COUNT ? ops[code].text : NULL;
}

/* ---- bodies ---- */

/* What is used most comes first and is small, so that little memory is touched. */
static enum err take_scratch(struct translator *t, struct arena *a, size_t locals)
{
	t->local_types = arena_many(a, locals, uint8_t);
	t->local_slots = arena_many_scratch(a, locals, uint16_t);
	t->chains = arena_many(a, 2 * locals, uint16_t);
	t->operands = arena_many(a, t->operand_max, struct operand);
	t->controls = arena_many(a, t->control_max, struct control);
	t->sites = arena_many(a, t->sites_max, uint8_t);
	if (t->operands == NULL || t->controls == NULL || t->local_types == NULL || t->local_slots == NULL ||
	    t->chains == NULL || t->sites == NULL)
		return ERR_NOMEM;
	return OK;
}

enum err translator_new(struct arena *a, struct arena *scratch, struct wasm_module *m, struct body_sizes most,
                        const bool *declared, bool data_count_known, struct translator **out)
{
	struct translator *t = arena_new(scratch, struct translator);
	uint32_t max_body = most.bytes, params_most = 0, locals;
	uint64_t widest = 1, operands;

	if (t == NULL)
		return ERR_NOMEM;
	/*
	 * An instruction takes at least a byte and pushes at most as many operands as the widest type has; one that
	 * pushes a vector, which takes two, has two bytes.
	 */
	for (uint32_t i = 0; i < m->type_count; i++) {
		uint32_t params = slots_of(m->types[i].params, m->types[i].param_count);
		uint32_t results = slots_of(m->types[i].results, m->types[i].result_count);

		params_most = m->types[i].param_count > params_most ? m->types[i].param_count : params_most;
		widest = params > widest ? params : widest;
		widest = results > widest ? results : widest;
	}
	operands = (max_body + 1ull) * widest;
	t->operand_max = operands > SLOTS_MAX ? SLOTS_MAX : (uint32_t)operands;
	t->control_max = max_body / 2 + 2 > DEPTH_MAX ? DEPTH_MAX : max_body / 2 + 2;
	/* Site offsets grow by at least one byte of the body each, and code by few units for each byte of the body. */
	t->sites_max = max_body * 3 + 64;
	t->arena = a;
	t->module = m;
	t->declared = declared;
	t->data_count_known = data_count_known;
	locals = params_most + most.locals; /* ARITY_MAX and LOCALS_MAX are far below overflow */
	if (locals > m->limits.locals_per_function)
		locals = m->limits.locals_per_function;
	TRY(take_scratch(t, scratch, locals));
	*out = t;
	return OK;
}

static enum err place_locals(struct translator *t)
{
	uint32_t slot = slots_of(t->local_types, t->locals);

	t->vectors = slot > t->locals;
	t->local_count = slot;
	if (!t->vectors)
		return OK;
	if (slot > SLOTS_MAX - FRAME_SAVED)
		return refuse(t->why, ERR_LIMIT, "the locals need more than %u stack slots", (unsigned)SLOTS_MAX);
	slot = 0;
	for (uint32_t i = 0; i < t->locals; i++) {
		t->local_slots[i] = (uint16_t)slot;
		slot += t->local_types[i] == WASM_V128 ? 2 : 1;
	}
	return OK;
}

/* More than 2^32 locals are malformed, more than the limit are only too many for us: all runs are read before judging.
 */
static enum err read_locals(struct translator *t, const struct wasm_functype *f)
{
	uint32_t runs, max = t->module->limits.locals_per_function;
	uint64_t total = f->param_count;
	uint8_t type;

	if (total <= max && total > 0)
		memcpy(t->local_types, f->params, f->param_count);
	TRY(tr_read_u32(t, &runs, "a local count"));
	while (runs-- > 0) {
		uint32_t count;

		t->at = (uint32_t)rd_offset(&t->r);
		TRY(tr_read_u32(t, &count, "a local count"));
		TRY(tr_read_value_type(t, &type));
		if (total + count > UINT32_MAX)
			return refuse(t->why, ERR_FORMAT, "too many locals");
		if (total + count <= max)
			memset(t->local_types + total, type, count);
		total += count;
	}
	if (total > max)
		return refuse(t->why, ERR_LIMIT, "%u locals, at most %u are allowed", (unsigned)total, max);
	t->locals = (uint32_t)total;
	TRY(place_locals(t));
	memset(t->chains, 0, t->local_count * sizeof *t->chains);
	return OK;
}

static enum err unknown_opcode(struct translator *t, uint8_t first, uint32_t second)
{
	if (first >= 0xfc)
		return refuse(t->why, ERR_FORMAT, "illegal opcode 0x%x 0x%x", first, second);
	return refuse(t->why, ERR_FORMAT, "illegal opcode 0x%x", first);
}

static enum err instruction(struct translator *t)
{
	uint32_t code, second = 0;
	uint8_t first;

	t->at = (uint32_t)rd_offset(&t->r);
	if (leb_byte(&t->r, &first) != OK)
		return refuse(t->why, ERR_FORMAT, "the body ends before its end instruction");
	code = first;
	if (unlikely(first >= 0xfc)) {
		TRY(tr_read_u32(t, &second, "an opcode"));
		if (first == 0xfd && second < SIMD_COUNT && simd_ops[second].shape != SIMD_NONE)
			return translate_simd(t, second);
		code = first == 0xfc && second < OPCODE_COUNT - 0x100 ? 0x100 + second : OPCODE_COUNT;
	}
	if (unlikely(code >= OPCODE_COUNT || ops[code].translate == NULL))
		return unknown_opcode(t, first, second);
	return ops[code].translate(t, &ops[code]);
}

/* A frame's locals begin as zeros (4.4.10), which null references are not. Copies double what is there, so that many
 * locals declared in few bytes take few instructions. */
static void clear_references(struct translator *t, uint32_t first, uint32_t count)
{
	uint16_t slot = t->vectors ? t->local_slots[first] : (uint16_t)first;
	const uint64_t null = WASM_NULL_REF;
	code_t *code = tr_emit(t, IOP_const64, 6);

	code[1] = slot;
	memcpy(code + 2, &null, sizeof null);
	for (uint32_t done = 1, n; done < count; done += n) {
		n = done < count - done ? done : count - done;
		code = tr_emit(t, IOP_copy_many, 4);
		code[1] = (code_t)(slot + done);
		code[2] = slot;
		code[3] = (code_t)n;
	}
}

static void clear_all_references(struct translator *t, uint32_t params)
{
	for (uint32_t i = params, n; i < t->locals; i += n + 1) {
		for (n = 0; i + n < t->locals && wasm_is_ref(t->local_types[i + n]);)
			n++;
		if (n > 0)
			clear_references(t, i, n);
	}
}

static enum err begin_body(struct translator *t, const struct wasm_functype *f)
{
	TRY(read_locals(t, f));
	t->controls[0] = (struct control){.opcode = OPCODE_BLOCK, .entry_live = true, .type = *f};
	t->depth = 1;
	t->height = t->clean = 0;
	t->height_max = slots_of(f->results, f->result_count);
	t->live = true;
	t->nomem = false;
	t->size = t->capacity = t->sites_size = t->site_pc = 0;
	t->last_end = t->prev_end = t->copy_end = NO_INDEX;
	t->code = arena_many(t->arena, 0, code_t);
	if (t->code == NULL)
		return ERR_NOMEM;
	clear_all_references(t, f->param_count);
	return OK;
}

/* The sites follow the code, at an even address so that the next body's code is aligned. */
static enum err finish_body(struct translator *t, struct body *b)
{
	size_t end = (size_t)((uint8_t *)(t->code + t->size) - t->arena->base);
	uint8_t *sites;

	if (t->nomem)
		return ERR_NOMEM;
	arena_release(t->arena, end);
	sites = arena_many(t->arena, t->sites_size, uint8_t);
	if (sites == NULL)
		return ERR_NOMEM;
	if (t->sites_size > 0)
		memcpy(sites, t->sites, t->sites_size);
	b->code = t->code;
	b->size = t->size;
	b->sites = sites;
	b->sites_size = t->sites_size;
	b->frame_slots = t->local_count + FRAME_SAVED + t->height_max;
	b->locals = (uint16_t)t->local_count;
	return OK;
}

enum err translate_body(struct translator *t, struct reader r, uint32_t function, uint32_t *where, struct note *why)
{
	struct wasm_module *m = t->module;
	const struct wasm_functype *f = &m->types[m->functions[function]];
	struct body *b = &m->bodies[function - m->imported_functions];
	enum err err;

	t->r = r;
	t->why = why;
	t->at = t->site_at = b->offset = (uint32_t)rd_offset(&r);
	b->bytes = (uint32_t)rd_left(&r);
	err = begin_body(t, f);
	while (err == OK && t->depth > 0)
		err = instruction(t);
	*where = t->at;
	TRY(err);
	if (rd_left(&t->r) > 0)
		return refuse(why, ERR_FORMAT, "%u bytes follow the end of the body", (unsigned)rd_left(&t->r));
	b->params = (uint16_t)slots_of(f->params, f->param_count);
	return finish_body(t, b);
}
