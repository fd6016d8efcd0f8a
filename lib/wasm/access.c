/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, tables and references. */
#include "lib/wasm/translate.h"

/* ---- memory ---- */

enum err tr_read_memarg(struct translator *t, uint8_t natural, uint32_t *offset)
{
	uint32_t align;

	TRY(tr_read_u32(t, &align, "an alignment"));
	TRY(tr_read_u32(t, offset, "a memory offset"));
	if (align >= 32)
		return refuse(t->why, ERR_FORMAT, "malformed memop flags 0x%x", align);
	TRY(tr_need_memory(t));
	if (align > natural)
		return refuse(t->why, ERR_INVALID, "alignment must not be larger than natural (2^%u)", natural);
	return OK;
}

/*
 * Chooses how the address is given and emits; the field that is not the address (dst of a load, value of a store) is the
 * caller's, and its place is returned. address_field is 2 for a load, 1 for a store.
 */
static code_t *emit_access(struct translator *t, const struct opinfo *op, const struct operand *address,
			   uint32_t offset, uint32_t address_field)
{
	uint64_t sum = address->k + offset;
	uint16_t slot;
	code_t *code;

	if (address->where == CONST && sum <= UINT32_MAX) {
		tr_emit_site(t);
		code = tr_emit(t, op->iop + VARIANT_AT, 4);
		code_put32(code + 2, (uint32_t)sum);
		return code + 1;
	}
	if (address->where != CONST && address->k != 0 && offset <= UINT16_MAX) {
		tr_emit_site(t);
		code = tr_emit(t, op->iop + VARIANT_SUM, 6);
		code[address_field] = address->slot;
		code[3] = (code_t)offset;
		code_put32(code + 4, (uint32_t)address->k);
		return code + 3 - address_field;
	}
	slot = tr_use(t, address);
	tr_emit_site(t);
	code = tr_emit(t, op->iop + (unsigned)(offset > UINT16_MAX ? VARIANT_FAR : 0), offset > UINT16_MAX ? 5 : 4);
	code[address_field] = slot;
	if (offset > UINT16_MAX)
		code_put32(code + 3, offset);
	else
		code[3] = (code_t)offset;
	return code + 3 - address_field;
}

/* How an address was computed by the last instructions: x + (y << shift) + k, or without x. */
struct address {
	uint16_t x, y, shift;
	bool has_x;
	uint32_t k;
};

static bool take_address(struct translator *t, const struct operand *o, struct address *a)
{
	const code_t *last = tr_maker(t, o);

	if (last == NULL)
		return false;
	*a = (struct address){.k = (uint32_t)o->k, .x = last[2], .y = last[3], .has_x = true};
	switch (last[0]) {
	case IOP_i32_shl_k:
		*a = (struct address){.k = (uint32_t)o->k, .y = last[2], .shift = last[3] & 31};
		break;
	case IOP_i32_shl_k_i32_add:
		*a = (struct address){.k = (uint32_t)o->k, .x = last[3], .y = last[2], .shift = last[4] & 31, .has_x = true};
		break;
	case IOP_i32_add: break;
	default: return false;
	}
	tr_forget(t);
	return true;
}

static void emit_indexed_load(struct translator *t, const struct opinfo *op, const struct address *a)
{
	code_t *code;

	tr_emit_site(t);
	code = tr_emit(t, op->iop + (unsigned)(a->has_x ? VARIANT_INDEX : VARIANT_SCALED), a->has_x ? 7 : 6);
	code[1] = tr_home(t, t->height);
	code[2] = a->has_x ? a->x : a->y;
	if (a->has_x)
		code[3] = a->y;
	code[3 + a->has_x] = a->shift;
	code_put32(code + 4 + a->has_x, a->k);
}

enum err translate_load(struct translator *t, const struct opinfo *op)
{
	struct operand address;
	struct address parts;
	uint32_t offset;

	TRY(tr_read_memarg(t, op->align, &offset));
	TRY(tr_pop(t, WASM_I32, &address));
	if (offset == 0 && take_address(t, &address, &parts))
		emit_indexed_load(t, op, &parts);
	else
		*emit_access(t, op, &address, offset, 2) = tr_home(t, t->height);
	/* The load has the latest site, and makes a value. */
	if (t->live && !t->nomem)
		tr_remember(t, t->site_pc);
	return tr_push(t, op->out);
}

enum err translate_store(struct translator *t, const struct opinfo *op)
{
	struct operand address, value;
	uint32_t offset, k;
	uint16_t slot;
	code_t *code;

	TRY(tr_read_memarg(t, op->align, &offset));
	TRY(tr_pop(t, op->in, &value));
	TRY(tr_pop(t, WASM_I32, &address));
	if (value.where == CONST && tr_fits_k(op->in, value.k, &k) && address.where != CONST && offset <= UINT16_MAX) {
		slot = tr_use(t, &address);
		tr_emit_site(t);
		code = tr_emit(t, op->iop + VARIANT_VALUE_K, 5);
		code[1] = slot;
		code_put32(code + 2, k);
		code[4] = (code_t)offset;
		return OK;
	}
	slot = tr_use(t, &value);
	*emit_access(t, op, &address, offset, 1) = slot;
	return OK;
}

enum err translate_memory_size(struct translator *t, const struct opinfo *op)
{
	(void)op;
	TRY(tr_read_zero_byte(t));
	TRY(tr_need_memory(t));
	tr_emit_value(t, IOP_memory_size, 2, tr_home(t, t->height));
	return tr_push(t, WASM_I32);
}

enum err translate_memory_grow(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint16_t x;

	(void)op;
	TRY(tr_read_zero_byte(t));
	TRY(tr_need_memory(t));
	TRY(tr_pop(t, WASM_I32, &o));
	x = tr_use(t, &o);
	tr_emit_value(t, IOP_memory_grow, 3, tr_home(t, t->height))[2] = x;
	return tr_push(t, WASM_I32);
}

/* Three operands of which the last and first are i32; emits them as fields 1 to 3. */
static enum err bulk(struct translator *t, unsigned iop, uint8_t middle, uint32_t units, code_t **out)
{
	struct operand d, s, n;
	uint16_t slots[3];

	TRY(tr_pop(t, WASM_I32, &n));
	TRY(tr_pop(t, middle, &s));
	TRY(tr_pop(t, WASM_I32, &d));
	slots[0] = tr_use(t, &d);
	slots[1] = tr_use(t, &s);
	slots[2] = tr_use(t, &n);
	tr_emit_site(t);
	*out = tr_emit(t, iop, units);
	memcpy(*out + 1, slots, sizeof slots);
	return OK;
}

static enum err read_data_segment(struct translator *t, uint32_t *segment)
{
	TRY(tr_read_u32(t, segment, "data segment"));
	if (!t->data_count_known)
		return refuse(t->why, ERR_FORMAT, "data count section required");
	if (*segment >= t->module->data_count)
		return refuse(t->why, ERR_INVALID, "unknown data segment %u", *segment);
	return OK;
}

enum err translate_memory_init(struct translator *t, const struct opinfo *op)
{
	uint32_t segment;
	code_t *code;

	(void)op;
	TRY(tr_need_memory(t));
	TRY(read_data_segment(t, &segment));
	TRY(tr_read_zero_byte(t));
	TRY(bulk(t, IOP_memory_init, WASM_I32, 6, &code));
	code_put32(code + 4, segment);
	return OK;
}

enum err translate_data_drop(struct translator *t, const struct opinfo *op)
{
	uint32_t segment;

	(void)op;
	TRY(read_data_segment(t, &segment));
	code_put32(tr_emit(t, IOP_data_drop, 3) + 1, segment);
	return OK;
}

enum err translate_memory_copy(struct translator *t, const struct opinfo *op)
{
	code_t *code;

	(void)op;
	TRY(tr_read_zero_byte(t));
	TRY(tr_read_zero_byte(t));
	TRY(tr_need_memory(t));
	return bulk(t, IOP_memory_copy, WASM_I32, 4, &code);
}

enum err translate_memory_fill(struct translator *t, const struct opinfo *op)
{
	code_t *code;

	(void)op;
	TRY(tr_read_zero_byte(t));
	TRY(tr_need_memory(t));
	return bulk(t, IOP_memory_fill, WASM_I32, 4, &code);
}

/* ---- tables and references ---- */

static enum err read_table(struct translator *t, uint32_t *table)
{
	return tr_read_index(t, table, t->module->table_count, "table");
}

enum err translate_table_get(struct translator *t, const struct opinfo *op)
{
	struct operand o;
	uint32_t table;
	uint16_t x;
	code_t *code;

	(void)op;
	TRY(read_table(t, &table));
	TRY(tr_pop(t, WASM_I32, &o));
	x = tr_use(t, &o);
	tr_emit_site(t);
	code = tr_emit_value(t, IOP_table_get, 5, tr_home(t, t->height));
	code[2] = x;
	code_put32(code + 3, table);
	return tr_push(t, t->module->tables[table].element);
}

enum err translate_table_set(struct translator *t, const struct opinfo *op)
{
	struct operand o, value;
	uint16_t x, v;
	uint32_t table;
	code_t *code;

	(void)op;
	TRY(read_table(t, &table));
	TRY(tr_pop(t, t->module->tables[table].element, &value));
	TRY(tr_pop(t, WASM_I32, &o));
	x = tr_use(t, &o);
	v = tr_use(t, &value);
	tr_emit_site(t);
	code = tr_emit(t, IOP_table_set, 5);
	code[1] = x;
	code[2] = v;
	code_put32(code + 3, table);
	return OK;
}

static enum err read_element_segment(struct translator *t, uint32_t *segment)
{
	return tr_read_index(t, segment, t->module->element_count, "elem segment");
}

enum err translate_table_init(struct translator *t, const struct opinfo *op)
{
	uint32_t segment, table;
	code_t *code;

	(void)op;
	TRY(read_element_segment(t, &segment));
	TRY(read_table(t, &table));
	if (t->module->elements[segment].type != t->module->tables[table].element)
		return refuse(t->why, ERR_INVALID, "type mismatch: elem segment %u and table %u", segment, table);
	TRY(bulk(t, IOP_table_init, WASM_I32, 8, &code));
	code_put32(code + 4, table);
	code_put32(code + 6, segment);
	return OK;
}

enum err translate_elem_drop(struct translator *t, const struct opinfo *op)
{
	uint32_t segment;

	(void)op;
	TRY(read_element_segment(t, &segment));
	code_put32(tr_emit(t, IOP_elem_drop, 3) + 1, segment);
	return OK;
}

enum err translate_table_copy(struct translator *t, const struct opinfo *op)
{
	uint32_t d, s;
	code_t *code;

	(void)op;
	TRY(read_table(t, &d));
	TRY(read_table(t, &s));
	if (t->module->tables[d].element != t->module->tables[s].element)
		return refuse(t->why, ERR_INVALID, "type mismatch: tables %u and %u", d, s);
	TRY(bulk(t, IOP_table_copy, WASM_I32, 8, &code));
	code_put32(code + 4, d);
	code_put32(code + 6, s);
	return OK;
}

enum err translate_table_grow(struct translator *t, const struct opinfo *op)
{
	struct operand value, n;
	uint16_t v, x;
	uint32_t table;
	code_t *code;

	(void)op;
	TRY(read_table(t, &table));
	TRY(tr_pop(t, WASM_I32, &n));
	TRY(tr_pop(t, t->module->tables[table].element, &value));
	v = tr_use(t, &value);
	x = tr_use(t, &n);
	code = tr_emit_value(t, IOP_table_grow, 6, tr_home(t, t->height));
	code[2] = v;
	code[3] = x;
	code_put32(code + 4, table);
	return tr_push(t, WASM_I32);
}

enum err translate_table_size(struct translator *t, const struct opinfo *op)
{
	uint32_t table;

	(void)op;
	TRY(read_table(t, &table));
	code_put32(tr_emit_value(t, IOP_table_size, 4, tr_home(t, t->height)) + 2, table);
	return tr_push(t, WASM_I32);
}

enum err translate_table_fill(struct translator *t, const struct opinfo *op)
{
	uint32_t table;
	code_t *code;

	(void)op;
	TRY(read_table(t, &table));
	TRY(bulk(t, IOP_table_fill, t->module->tables[table].element, 6, &code));
	code_put32(code + 4, table);
	return OK;
}

enum err translate_ref_null(struct translator *t, const struct opinfo *op)
{
	uint8_t type;

	(void)op;
	TRY(tr_read_value_type(t, &type));
	if (!wasm_is_ref(type))
		return refuse(t->why, ERR_FORMAT, "malformed reference type 0x%x", type);
	return tr_push_const(t, type, WASM_NULL_REF);
}

enum err translate_ref_is_null(struct translator *t, const struct opinfo *op)
{
	struct operand o = {0};
	uint16_t x;

	(void)op;
	TRY(tr_pop(t, 0, &o));
	if (o.type != 0 && !wasm_is_ref(o.type))
		return refuse(t->why, ERR_INVALID, "type mismatch: expected a reference, found %s", wasm_type_name(o.type));
	x = tr_use(t, &o);
	tr_emit_value(t, IOP_ref_is_null, 3, tr_home(t, t->height))[2] = x;
	return tr_push(t, WASM_I32);
}

enum err translate_ref_func(struct translator *t, const struct opinfo *op)
{
	uint32_t index;

	(void)op;
	TRY(tr_read_index(t, &index, t->module->function_count, "function"));
	if (!t->declared[index])
		return refuse(t->why, ERR_INVALID, "undeclared function reference %u", index);
	code_put32(tr_emit_value(t, IOP_ref_func, 4, tr_home(t, t->height)) + 2, index);
	return tr_push(t, WASM_FUNCREF);
}
