/* SPDX-License-Identifier: Apache-2.0 */
/* From a module to its code: the stubs, then each body, then the calls between them. */
#include "lib/wasm/x64/compile.h"

#include "lib/wasm/opt/ir.h"

#include <cpuid.h>

void fail(struct compiler *c)
{
	c->failed = true;
}

/* ---- sites, traps, polls ---- */

static bool grow_sites(struct compiler *c)
{
	enum { STEP = 4096 };
	uint8_t *more = arena_alloc(c->scratch, STEP, 1);

	if (more == NULL)
		return false;
	CHECK(c->sites == NULL || more == c->sites + c->sites_capacity);
	if (c->sites == NULL)
		c->sites = more;
	c->sites_capacity += STEP;
	return true;
}

static void put_leb(struct compiler *c, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		c->sites[c->sites_size++] = (uint8_t)(v | 0x80);
	c->sites[c->sites_size++] = (uint8_t)v;
}

void add_site(struct compiler *c, uint32_t at)
{
	if (c->sites_capacity - c->sites_size < 10 && !grow_sites(c)) {
		c->e.full = true;
		return;
	}
	put_leb(c, at - c->site_at);
	put_leb(c, c->where - c->site_where);
	c->site_at = at;
	c->site_where = c->where;
}

static struct late_code *add_late(struct compiler *c, enum late kind)
{
	if (c->late_count == c->list_max) {
		fail(c);
		c->late_count = 0;
	}
	c->late[c->late_count] = (struct late_code){.kind = (uint8_t)kind, .where = c->where};
	return &c->late[c->late_count++];
}

void trap_if(struct compiler *c, enum condition cc, enum trap_kind kind)
{
	struct late_code *late = add_late(c, LATE_TRAP);

	late->trap = (uint8_t)kind;
	emit_jcc_chain(&c->e, cc, &late->chain);
}

void trap_always(struct compiler *c, enum trap_kind kind)
{
	struct late_code *late = add_late(c, LATE_TRAP);

	late->trap = (uint8_t)kind;
	emit_jmp_chain(&c->e, &late->chain);
}

void emit_poll(struct compiler *c)
{
	struct late_code *late = add_late(c, LATE_POLL);

	emit_alu_imm(&c->e, ALU_SUB, false, rm_reg(FUEL_REG), 1);
	emit_jcc_chain(&c->e, CC_B, &late->chain); /* below 0: one operation with the subtraction */
	late->back = c->e.at;
}

void write_poll(struct compiler *c, uint32_t back)
{
	struct late_code *late = add_late(c, LATE_POLL_ALL);

	emit_alu_imm(&c->e, ALU_SUB, false, rm_reg(FUEL_REG), 1);
	emit_jcc_chain(&c->e, CC_B, &late->chain);
	late->back = back != 0 ? back : c->e.at;
}

bool add_loop(struct compiler *c, uint32_t loop)
{
	if (c->loop_count == c->loop_max)
		return false;
	c->loops[c->loop_count++] = (struct native_loop){loop, c->e.at};
	return true;
}

bool add_head(struct compiler *c, uint32_t at, uint16_t halves)
{
	if (c->head_count == c->head_max)
		return false;
	c->heads[c->head_count++] = (struct native_head){at, halves};
	return true;
}

void add_entry(struct compiler *c)
{
	add_late(c, LATE_ENTRY)->back = c->e.at;
}

/* The saved registers keep what the interpreter has in their slots: no code of ours awaits them there. */
static void emit_entry(struct compiler *c, const struct scanned *s, const struct late_code *late)
{
	if (c->loop_count == c->loop_max)
		return; /* of a loop that is not reached, as the translator knows */
	c->loops[c->loop_count++] = (struct native_loop){late->where, c->e.at};
	for (uint32_t i = 0; i < s->touched_count; i++) {
		uint32_t local = c->touched[i];

		if (c->local_regs[local] != NO_REG)
			slot_to_reg(c, c->local_types[local], c->local_regs[local], local_rm(c, local));
	}
	emit_jmp_to(&c->e, late->back);
}

static void emit_late(struct compiler *c, const struct scanned *s)
{
	for (uint32_t i = 0; i < c->late_count; i++) {
		const struct late_code *late = &c->late[i];

		emit_room(&c->e, 256);
		c->where = late->where;
		emit_bind(&c->e, late->chain);
		if (late->kind == LATE_ENTRY) {
			emit_entry(c, s, late);
		} else if (late->kind == LATE_TRAP) {
			emit_call_to(&c->e, c->traps[late->trap]);
			add_site(c, c->e.at - 1);
		} else {
			if (late->kind == LATE_POLL)
				emit_imm(&c->e, RAX, HELPER_POLL);
			emit_call_to(&c->e, late->kind == LATE_POLL ? c->helper : c->poll);
			add_site(c, c->e.at - 1);
			emit_jmp_to(&c->e, late->back);
		}
	}
}

void call_helper(struct compiler *c, enum helper h, uint32_t height, uint32_t a, uint32_t b)
{
	emit_lea(&c->e, true, RSI, slot_rm(home_slot(c, height)));
	emit_imm(&c->e, RAX, h);
	emit_imm(&c->e, RDX, a);
	emit_imm(&c->e, RCX, b);
	emit_call_to(&c->e, c->helper);
	add_site(c, c->e.at - 1);
}

uint8_t peek(const struct compiler *c)
{
	struct reader ahead = c->r;
	uint8_t b = 0;

	return leb_byte(&ahead, &b) == OK ? b : 0;
}

/* ---- the instructions ---- */

static compile_fn *const fns[0xd3] = {
#define ROW(code, id) [code] = compile_##id,
        ROW(0x00, unreachable) ROW(0x01, nop) ROW(0x02, block) ROW(0x03, loop) ROW(0x04, if) ROW(0x05, else)
                ROW(0x0b, end) ROW(0x0c, br) ROW(0x0d, br_if) ROW(0x0e, br_table) ROW(0x0f, return ) ROW(0x10, call)
                        ROW(0x11, call_indirect) ROW(0x1a, drop) ROW(0x1b, select) ROW(0x1c, select_typed)
                                ROW(0x20, local_get) ROW(0x21, local_set) ROW(0x22, local_tee) ROW(0x23, global_get)
                                        ROW(0x24, global_set) ROW(0x3f, memory_size) ROW(0x41, i32_const)
                                                ROW(0x42, i64_const) ROW(0x43, f32_const) ROW(0x44, f64_const)
                                                        ROW(0xd0, ref_null) ROW(0xd1, ref_is_null) ROW(0xd2, ref_func)
#undef ROW
};

static compile_fn *function_for(uint32_t op)
{
	switch (op) {
	case 0x25:
	case 0x26:
	case 0x40:
	case 0x69:
	case 0x7b: return compile_by_helper;
	case 0x45:
	case 0x50: return compile_eqz;
	case 0x98:
	case 0xa6: return compile_copysign;
	case 0x96:
	case 0x97:
	case 0xa4:
	case 0xa5: return compile_float_minmax;
	case 0xa8:
	case 0xa9:
	case 0xaa:
	case 0xab: return compile_trunc;
	case 0xa7:
	case 0xac:
	case 0xad: return compile_int_unary;
	case 0xae:
	case 0xaf:
	case 0xb0:
	case 0xb1: return compile_by_helper;
	default: break;
	}
	if (op >= 0x28 && op <= 0x35)
		return compile_load;
	if (op >= 0x36 && op <= 0x3e)
		return compile_store;
	if (op >= 0x46 && op <= 0x5a)
		return compile_int_compare;
	if (op >= 0x5b && op <= 0x66)
		return compile_float_compare;
	if ((op >= 0x6d && op <= 0x70) || (op >= 0x7f && op <= 0x82))
		return compile_division;
	if ((op >= 0x74 && op <= 0x78) || (op >= 0x86 && op <= 0x8a))
		return compile_shift;
	if ((op >= 0x6a && op <= 0x73) || (op >= 0x7c && op <= 0x85))
		return compile_int_binary;
	if ((op >= 0x67 && op <= 0x7a) || (op >= 0xc0 && op <= 0xc4))
		return compile_int_unary;
	if ((op >= 0x8b && op <= 0x91) || (op >= 0x99 && op <= 0x9f))
		return compile_float_unary;
	if ((op >= 0x92 && op <= 0x95) || (op >= 0xa0 && op <= 0xa3))
		return compile_float_binary;
	if (op >= 0xb2 && op <= 0xbf)
		return compile_convert;
	if (op >= 0x100)
		return compile_by_helper;
	return op < ARRAY_COUNT(fns) ? fns[op] : NULL;
}

static void instruction(struct compiler *c)
{
	uint32_t opcode;

	emit_room(&c->e, 512);
	c->where = (uint32_t)rd_offset(&c->r);
	if (read_opcode(&c->r, &opcode) != OK || (opcode < 0x200 && (opcode >= OPCODES || c->fn[opcode] == NULL)))
		fail(c);
	else if (opcode >= 0x200)
		compile_simd(c, opcode - 0x200);
	else
		c->fn[opcode](c, opcode);
}

/* ---- bodies ---- */

/* What a body adds to, to take it back. */
struct mark {
	uint32_t at, sites, loops, heads;
};

static struct mark mark_of(const struct compiler *c)
{
	return (struct mark){c->e.at, c->sites_size, c->loop_count, c->head_count};
}

static void take_back(struct compiler *c, const struct mark *m)
{
	c->e.at = m->at;
	c->sites_size = m->sites;
	c->loop_count = m->loops;
	c->head_count = m->heads;
}

static enum err read_locals(struct compiler *c, const struct wasm_functype *f)
{
	uint32_t runs, count;
	uint8_t type;

	if (f->param_count > LOCALS_MAX)
		return ERR_LIMIT;
	if (f->param_count > 0)
		memcpy(c->local_types, f->params, f->param_count);
	c->param_count = c->locals = f->param_count;
	TRY(leb_u32(&c->r, &runs));
	while (runs-- > 0) {
		TRY(leb_u32(&c->r, &count));
		TRY(leb_byte(&c->r, &type));
		if (count > LOCALS_MAX - c->locals)
			return ERR_LIMIT;
		memset(c->local_types + c->locals, type, count);
		c->locals += count;
	}
	c->local_count = 0;
	for (uint32_t i = 0; i < c->locals; i++) {
		c->local_slots[i] = (uint16_t)c->local_count; /* at most 2 * LOCALS_MAX */
		c->local_count += c->local_types[i] == WASM_V128 ? 2 : 1;
	}
	return OK;
}

static struct rm saved_slot(const struct compiler *c, uint32_t i)
{
	return slot_rm(c->local_count + i);
}

/* k: sign-extended; 0, or a null reference */
static void clear_slot(struct compiler *c, uint32_t slot, uint32_t k)
{
	emit_op(&c->e, 0xc7u | OP_W, 0, slot_rm(slot));
	emit_u32(&c->e, k);
}

static void load_locals(struct compiler *c, const struct scanned *s)
{
	for (uint32_t i = 0; i < s->touched_count; i++) {
		uint32_t local = c->touched[i];
		uint8_t reg = c->local_regs[local];

		emit_room(&c->e, 32);
		if (local < c->param_count) {
			if (reg != NO_REG)
				slot_to_reg(c, c->local_types[local], reg, local_rm(c, local));
		} else if (reg == NO_REG) {
			clear_slot(c, c->local_slots[local],
			           wasm_is_ref(c->local_types[local]) ? (uint32_t)WASM_NULL_REF : 0);
			if (c->local_types[local] == WASM_V128)
				clear_slot(c, c->local_slots[local] + 1u, 0);
		} else if (reg >= XMM0) {
			emit_op(&c->e, 0x0f57, reg, rm_reg(reg));
		} else if (wasm_is_ref(c->local_types[local])) {
			emit_imm(&c->e, reg, WASM_NULL_REF);
		} else {
			emit_alu(&c->e, ALU_XOR, false, reg, rm_reg(reg));
		}
	}
}

/* Returns the field for the size of the frame, 0: it is not checked. */
static uint32_t prologue(struct compiler *c, const struct scanned *s, uint32_t body_size)
{
	uint32_t field = 0;

	emit_room(&c->e, 512);
	if (s->calls)
		emit_poll(c);
	/* A function that calls nothing may use the margin behind the end of the stack. */
	if (s->calls || c->local_count + 16 + body_size > NATIVE_MARGIN) {
		emit_lea(&c->e, true, RAX, rm_mem(FRAME, INT32_MAX));
		field = c->e.at - 4;
		emit_alu(&c->e, ALU_CMP, true, RAX, rm_mem(INST, INST_OFFSET(stack_end)));
		emit_jcc_to(&c->e, CC_A, c->traps[TRAP_STACK]);
	}
	for (uint32_t i = 0; i < c->saved_count; i++)
		reg_to_slot(c, c->saved[i] >= XMM0 ? WASM_F64 : WASM_I64, c->saved[i], saved_slot(c, i));
	load_locals(c, s);
	return field;
}

void compile_epilogue(struct compiler *c)
{
	const struct wasm_functype *f = &c->controls[0].type;
	uint32_t results = slots_of(f->results, f->result_count);

	emit_room(&c->e, 256 + results * 32);
	for (uint32_t i = 0; i < c->saved_count; i++)
		slot_to_reg(c, c->saved[i] >= XMM0 ? WASM_F64 : WASM_I64, c->saved[i], saved_slot(c, i));
	for (uint32_t i = 0; results > 1 && i < results; i++) {
		emit_op(&c->e, 0x8b | OP_W, RAX, slot_rm(home_slot(c, i)));
		emit_op(&c->e, 0x89 | OP_W, RAX, slot_rm(i));
	}
	emit_ret(&c->e);
}

static void forget_locals(struct compiler *c, const struct scanned *s)
{
	for (uint32_t i = 0; i < s->touched_count; i++) {
		c->local_regs[c->touched[i]] = NO_REG;
		c->local_refs[c->touched[i]] = 0;
		c->weights[c->touched[i]] = 0;
	}
}

static void begin_body(struct compiler *c, const struct wasm_functype *f)
{
	c->controls[0] = (struct control){.opcode = 0x02, .type = *f};
	c->depth = 1;
	c->height = 0;
	c->late_count = c->call_count = 0;
	c->height_max = slots_of(f->results, f->result_count);
	c->live = true;
	c->flags_live = c->failed = false;
	c->target_reg = NO_REG;
	c->free_regs = 1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | UINT32_C(0xff) << XMM0;
	c->home_base = c->local_count + c->saved_count;
	if (c->home_base < FRAME_LEAST)
		c->home_base = FRAME_LEAST;
}

static void walk(struct compiler *c, const struct scanned *s, const struct wasm_functype *f)
{
	uint32_t field;

	begin_body(c, f);
	field = prologue(c, s, (uint32_t)rd_left(&c->r));
	while (c->depth > 0 && !c->failed && !c->e.full)
		instruction(c);
	if (c->failed || c->e.full)
		return;
	emit_late(c, s);
	if (field != 0)
		emit_patch32(&c->e, field, (c->home_base + c->height_max) * 8);
}

/* The reader at the code of the body, and the types of locals known. */
static bool begin_function(struct compiler *c, uint32_t n)
{
	c->function = c->m->imported_functions + n;
	c->late_count = c->call_count = 0;
	c->failed = false;
	c->where = c->site_where = c->m->bodies[n].offset;
	c->site_at = c->e.at;
	return reader_of_body(c->m, n, &c->r) && read_locals(c, &c->m->types[c->m->functions[c->function]]) == OK;
}

static bool compile_body(struct compiler *c, uint32_t n)
{
	struct scanned s;

	if (!begin_function(c, n))
		return false;
	s = scan_body(c, c->r);
	if (s.supported) {
		choose_registers(c, &s);
		walk(c, &s, &c->m->types[c->m->functions[c->function]]);
	}
	forget_locals(c, &s);
	return s.supported && !c->failed;
}

static bool optimized_with(struct compiler *c, uint32_t n, bool entered, bool inlines)
{
	if (!begin_function(c, n) || !optimize_body(c->optimizer, c->m->bodies[n].bytes, entered, inlines) || c->e.full)
		return false;
	emit_late(c, &(struct scanned){0});
	return !c->failed;
}

/* What inlining makes too large is done without. */
static bool optimized_body(struct compiler *c, uint32_t n, bool entered)
{
	const struct mark before = mark_of(c);

	if (optimized_with(c, n, entered, true))
		return true;
	take_back(c, &before);
	return c->optimizer->inlined > 0 && !c->e.full && optimized_with(c, n, entered, false);
}

/* The calls of a body join those of all. */
static void link_calls(struct compiler *c)
{
	for (uint32_t i = 0; i < c->call_count; i++) {
		emit_patch32(&c->e, c->calls[i].at, c->call_chains[c->calls[i].function]);
		c->call_chains[c->calls[i].function] = c->calls[i].at;
	}
}

/* ---- stubs ---- */

static const uint8_t c_saved[] = {RBX, RBP, R12, R13, R14, R15};

/*
 * enum err enter(struct wasm_instance *i, uint64_t *fp, const uint8_t *code, uint64_t out[2]): calls code; out gets rax
 * and xmm0. Where the stack was is in the store, so that a trap finds the way back from any depth.
 */
static void emit_enter(struct compiler *c, uint32_t *leave)
{
	struct emitter *e = &c->e;
	struct rm stack = rm_mem(RAX, (int32_t)offsetof(struct wasm_store, native_stack));

	c->enter = e->at;
	for (size_t i = 0; i < sizeof c_saved; i++)
		emit_push(e, c_saved[i]);
	emit_push(e, RCX);
	emit_op(e, 0x8b | OP_W, RAX, rm_mem(RDI, INST_OFFSET(store)));
	emit_op(e, 0x8b | OP_W, RBX, stack);
	emit_push(e, RBX);
	emit_op(e, 0x89 | OP_W, RSP, stack);
	emit_mov(e, true, INST, RDI);
	emit_mov(e, true, FRAME, RSI);
	emit_op(e, 0x8b | OP_W, MEM, rm_mem(INST, INST_OFFSET(memory)));
	emit_op(e, 0x8b | OP_W, MEM, rm_mem(MEM, (int32_t)offsetof(struct memory, base)));
	emit_op(e, 0x8b, FUEL_REG, rm_mem(INST, INST_OFFSET(fuel)));
	emit_op(e, 0xff, 2, rm_reg(RDX));
	emit_op(e, 0x8b | OP_W, RCX, rm_mem(RSP, 8));
	emit_op(e, 0x89 | OP_W, RAX, rm_mem(RCX, 0));
	emit_op(e, 0x0f11 | OP_F2, XMM0, rm_mem(RCX, 8));
	emit_alu(e, ALU_XOR, false, RAX, rm_reg(RAX));
	*leave = e->at;
	emit_op(e, 0x89, FUEL_REG, rm_mem(INST, INST_OFFSET(fuel)));
	emit_op(e, 0x8b | OP_W, RDX, rm_mem(INST, INST_OFFSET(store)));
	emit_pop(e, RCX);
	emit_op(e, 0x89 | OP_W, RCX, rm_mem(RDX, (int32_t)offsetof(struct wasm_store, native_stack)));
	emit_pop(e, RCX);
	for (size_t i = sizeof c_saved; i-- > 0;)
		emit_pop(e, c_saved[i]);
	emit_ret(e);
}

/*
 * eax: which helper; rsi, edx, ecx: its arguments. Registers of locals that a C function may change are saved. An error
 * leaves, from whatever depth.
 */
static void emit_helper(struct compiler *c, uint32_t leave)
{
	static const uint8_t saved[] = {R8, R9, R10, R11};
	struct emitter *e = &c->e;
	uint32_t good;

	c->helper = e->at;
	emit_room(e, 512);
	emit_op(e, 0x89, FUEL_REG, rm_mem(INST, INST_OFFSET(fuel)));
	for (size_t i = 0; i < sizeof saved; i++)
		emit_push(e, saved[i]);
	emit_op(e, 0x8b | OP_W, R8, rm_mem(RSP, sizeof saved * 8)); /* the address behind the call */
	emit_mov(e, true, RDI, RSP);
	emit_alu_imm(e, ALU_SUB, true, rm_reg(RSP), 144);
	emit_alu_imm(e, ALU_AND, true, rm_reg(RSP), -16);
	emit_op(e, 0x89 | OP_W, RDI, rm_mem(RSP, 128));
	for (uint8_t i = 0; i < 8; i++)
		emit_op(e, 0x0f11, (uint8_t)(XMM8 + i), rm_mem(RSP, i * 16));
	emit_mov(e, true, RDI, INST);
	emit_op(e, 0x8b | OP_W, R9, rm_mem(INST, INST_OFFSET(helpers)));
	emit_op(e, 0xff, 2, rm_index(R9, RAX, 3, 0));
	for (uint8_t i = 0; i < 8; i++)
		emit_op(e, 0x0f10, (uint8_t)(XMM8 + i), rm_mem(RSP, i * 16));
	emit_op(e, 0x8b | OP_W, RSP, rm_mem(RSP, 128));
	for (size_t i = sizeof saved; i-- > 0;)
		emit_pop(e, saved[i]);
	emit_op(e, 0x8b, FUEL_REG, rm_mem(INST, INST_OFFSET(fuel)));
	emit_op(e, 0x85, RAX, rm_reg(RAX));
	good = emit_jump8(e, CC_E);
	emit_op(e, 0x8b | OP_W, RDX, rm_mem(INST, INST_OFFSET(store)));
	emit_op(e, 0x8b | OP_W, RSP, rm_mem(RDX, (int32_t)offsetof(struct wasm_store, native_stack)));
	emit_jmp_to(e, leave);
	emit_bind8(e, good);
	emit_ret(e);
}

/* A helper that calls a function whose arguments are in the frame: the only result comes as compiled functions give it.
 */
static void emit_call_helper(struct compiler *c)
{
	struct emitter *e = &c->e;
	uint32_t helper = c->helper;

	c->call_helper = e->at;
	emit_mov(e, true, RSI, FRAME);
	emit_op(e, 0x8b | OP_W, RDI, rm_mem(RSP, 0)); /* the site is the caller's */
	emit_op(e, 0x89 | OP_W, RDI, rm_mem(INST, INST_OFFSET(native_back)));
	emit_call_to(e, helper);
	emit_op(e, 0x8b | OP_W, RAX, rm_mem(FRAME, 0));
	emit_op(e, 0x0f10 | OP_F2, XMM0, rm_mem(FRAME, 0));
	emit_ret(e);
}

/* Polls and keeps what every temporary holds. */
static void emit_poll_stub(struct compiler *c)
{
	static const uint8_t temporaries[] = {RAX, RCX, RDX, RSI, RDI};
	struct emitter *e = &c->e;

	c->poll = e->at;
	for (size_t i = 0; i < sizeof temporaries; i++)
		emit_push(e, temporaries[i]);
	emit_alu_imm(e, ALU_SUB, true, rm_reg(RSP), 128);
	for (uint8_t i = 0; i < 8; i++)
		emit_op(e, 0x0f11, (uint8_t)(XMM0 + i), rm_mem(RSP, i * 16));
	emit_imm(e, RAX, HELPER_POLL);
	emit_call_to(e, c->helper);
	for (uint8_t i = 0; i < 8; i++)
		emit_op(e, 0x0f10, (uint8_t)(XMM0 + i), rm_mem(RSP, i * 16));
	emit_alu_imm(e, ALU_SUB, true, rm_reg(RSP), -128);
	for (size_t i = sizeof temporaries; i-- > 0;)
		emit_pop(e, temporaries[i]);
	emit_ret(e);
}

static void emit_stubs(struct compiler *c)
{
	struct emitter *e = &c->e;
	uint32_t leave;

	emit_room(e, 4096);
	emit_byte(e, 0xcc); /* nothing begins at offset 0, which ends chains */
	emit_enter(c, &leave);
	emit_helper(c, leave);
	emit_call_helper(c);
	emit_poll_stub(c);
	for (uint32_t kind = 0; kind < TRAP_COUNT; kind++) {
		c->traps[kind] = e->at;
		emit_imm(e, RAX, HELPER_TRAP);
		emit_imm(e, RDX, kind);
		emit_jmp_to(e, c->helper);
	}
	c->fault = e->at;
	emit_imm(e, RAX, HELPER_FAULT);
	emit_jmp_to(e, c->helper);
}

static void emit_thunk(struct compiler *c, uint32_t index)
{
	emit_room(&c->e, 64);
	emit_imm(&c->e, RAX, HELPER_CALL);
	emit_imm(&c->e, RDX, index);
	emit_jmp_to(&c->e, c->call_helper);
}

static void align(struct emitter *e)
{
	emit_room(e, 16);
	while (e->at % 16 != 0 && !e->full)
		emit_byte(e, 0xcc);
}

/* ---- the module ---- */

static uint32_t largest_body(const struct wasm_module *m)
{
	uint32_t own = m->function_count - m->imported_functions, largest = 16;

	for (uint32_t n = 0; n < own; n++)
		largest = m->bodies[n].bytes > largest ? m->bodies[n].bytes : largest;
	return largest;
}

static enum err make_scratch(struct compiler *c)
{
	struct arena *a = c->scratch;
	uint32_t largest = largest_body(c->m);

	c->list_max = largest + inline_room(largest) < LIST_MAX ? largest + inline_room(largest) : LIST_MAX;
	c->control_max = largest / 2 + 2 < CONTROL_MAX ? largest / 2 + 2 : CONTROL_MAX; /* a block has two bytes and an end */
	c->call_chains = arena_many(a, c->m->function_count, uint32_t);
	c->entries = arena_many_scratch(a, c->m->function_count, uint32_t);
	c->operands = arena_many_scratch(a, HEIGHT_MAX, struct operand);
	c->controls = arena_many_scratch(a, c->control_max, struct control);
	c->late = arena_many_scratch(a, c->list_max + 1u, struct late_code);
	c->calls = arena_scratch(a, c->list_max + 1u, sizeof *c->calls, 8);
	c->local_types = arena_many_scratch(a, LOCALS_MAX, uint8_t);
	c->local_slots = arena_many_scratch(a, LOCALS_MAX, uint16_t);
	c->local_regs = arena_many_scratch(a, LOCALS_MAX, uint8_t);
	c->local_refs = arena_many(a, LOCALS_MAX, uint16_t);
	c->weights = arena_many(a, LOCALS_MAX, uint32_t);
	c->touched = arena_many_scratch(a, LOCALS_MAX, uint32_t);
	c->running = arena_many(a, c->m->function_count - c->m->imported_functions, bool);
	if (c->call_chains == NULL || c->entries == NULL || c->operands == NULL || c->controls == NULL ||
	    c->late == NULL || c->calls == NULL || c->local_types == NULL || c->local_regs == NULL || c->local_slots == NULL ||
	    c->local_refs == NULL || c->weights == NULL || c->touched == NULL || c->running == NULL)
		return ERR_NOMEM;
	memset(c->local_regs, NO_REG, LOCALS_MAX);
	for (uint32_t op = 0; op < OPCODES; op++)
		c->fn[op] = function_for(op);
	return OK;
}

/* Of an optimized function once more, for the interpreter to enter it at its loops. */
static void compile_second(struct compiler *c, uint32_t n, struct native_module *native)
{
	struct native_second *s = &native->seconds[native->second_count];
	struct mark before;

	align(&c->e);
	before = mark_of(c);
	*s = (struct native_second){.own = n, .offset = c->e.at, .sites = c->sites_size};
	if (!optimized_body(c, n, true)) {
		take_back(c, &before);
		if (!compile_body(c, n))
			c->loop_count = before.loops;
	}
	if (c->loop_count == before.loops) {
		take_back(c, &before);
		return;
	}
	link_calls(c);
	s->size = c->e.at - s->offset;
	s->sites_size = c->sites_size - s->sites;
	native->second_count++;
}

static void compile_function(struct compiler *c, uint32_t n, struct native_module *native)
{
	struct native_function *f = &native->functions[n];
	uint32_t index = c->m->imported_functions + n;
	bool optimized = false;
	struct mark before;

	align(&c->e);
	before = mark_of(c);
	f->offset = c->entries[index] = c->e.at;
	f->sites = c->sites_size;
	if (c->optimizer != NULL) {
		optimized = optimized_body(c, n, false);
		if (!optimized)
			take_back(c, &before);
	}
	f->compiled = optimized || compile_body(c, n);
	if (f->compiled) {
		link_calls(c);
	} else {
		take_back(c, &before);
		emit_thunk(c, index);
	}
	f->size = c->e.at - f->offset;
	f->sites_size = c->sites_size - f->sites;
	f->call[0] = IOP_native;
	code_put32(f->call + 1, index);
	native->compiled += f->compiled;
	native->optimized += optimized;
	if (optimized && c->optimizer->enterable && c->running[n])
		compile_second(c, n, native);
}

static void connect_calls(struct compiler *c)
{
	for (uint32_t i = 0; i < c->m->function_count && !c->e.full; i++)
		for (uint32_t at = c->call_chains[i], next; at != 0; at = next) {
			next = emit_read32(&c->e, at);
			emit_patch32(&c->e, at, c->entries[i] - (at + 4));
		}
}

static enum err compile_all(struct compiler *c, struct native_module *native)
{
	uint32_t own = c->m->function_count - c->m->imported_functions;

	emit_stubs(c);
	c->thunks = c->e.at;
	for (uint32_t i = 0; i < c->m->imported_functions; i++) {
		c->entries[i] = c->e.at;
		emit_thunk(c, i);
	}
	for (uint32_t n = 0; n < own && !c->e.full; n++)
		compile_function(c, n, native);
	connect_calls(c);
	return c->e.full ? ERR_NOMEM : OK;
}

/* The sites move down over what is needed no more, the compiler included. */
static void keep_sites(struct arena *scratch, size_t mark, const uint8_t *sites, uint32_t size,
                       struct native_module *native)
{
	arena_release(scratch, mark);
	native->sites = scratch->base + mark;
	if (size > 0)
		memmove(scratch->base + mark, sites, size);
	scratch->used = mark + size; /* an allocation would clear it */
}

/* Seals what was committed for it, and only then the module knows its code. */
static enum err publish(struct wasm_module *m, struct native_module *native, struct wasm_code_memory *code,
                        size_t start)
{
	TRY(code->seal(code->ctx, code->arena.base + start, code->arena.committed - start));
	code->arena.used = code->arena.committed;
	native->memory = code;
	native->next = code->first;
	m->native = native;
	code->first = m;
	return OK;
}

static enum err compile_into(struct wasm_module *m, enum wasm_tier tier, const struct wasm_instance *running,
                             struct native_module *native, struct arena *scratch, struct arena *code)
{
	size_t kept = scratch->used;
	struct compiler *c = arena_new(scratch, struct compiler);

	if (c == NULL)
		return ERR_NOMEM;
	c->m = m;
	c->scratch = scratch;
	emit_init(&c->e, code);
	c->loops = native->loops;
	c->loop_max = m->loops;
	c->heads = native->heads;
	c->head_max = 2 * m->reached_loops; /* a body may be there twice */
	TRY(make_scratch(c));
	if (running != NULL)
		find_running(running->store, m, c->running);
	if (tier == WASM_TIER_OPTIMIZED && (c->optimizer = optimizer_new(c, largest_body(m))) == NULL)
		return ERR_NOMEM;
	TRY(compile_all(c, native));
	native->base = c->e.base;
	native->size = c->e.at;
	native->enter = c->enter;
	native->fault = c->fault;
	native->helper = c->helper;
	native->call_helper = c->call_helper;
	native->thunks = c->thunks;
	memcpy(native->traps, c->traps, TRAP_COUNT * sizeof *c->traps);
	native->poll = c->poll;
	native->loop_count = c->loop_count;
	native->head_count = c->head_count;
	keep_sites(scratch, kept, c->sites, c->sites_size, native);
	return OK;
}

static bool cpu_suffices(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_1) != 0;
}

/* What lives as long as the module. */
static struct native_module *native_new(const struct wasm_module *m, enum wasm_tier tier, struct arena *scratch)
{
	uint32_t own = m->function_count - m->imported_functions;
	struct native_module *native = arena_new(scratch, struct native_module);

	if (native == NULL)
		return NULL;
	native->functions = arena_many(scratch, own, struct native_function);
	native->loops = arena_many_scratch(scratch, m->loops, struct native_loop);
	if (native->functions == NULL || native->loops == NULL)
		return NULL;
	if (tier == WASM_TIER_BASELINE)
		return native;
	native->heads = arena_many_scratch(scratch, 2 * (size_t)m->reached_loops, struct native_head);
	native->seconds = arena_many_scratch(scratch, own, struct native_second);
	return native->heads == NULL || native->seconds == NULL ? NULL : native;
}

/* On failure all memory is as it was. */
static enum err compile_by(enum wasm_tier tier, struct wasm_module *m, const struct wasm_instance *running,
                           struct arena *scratch, struct arena *code, struct native_module **out)
{
	size_t mark = scratch->used, start = code->used;
	enum err err = ERR_NOMEM;

	*out = native_new(m, tier, scratch);
	if (*out != NULL)
		err = compile_into(m, tier, running, *out, scratch, code);
	if (err == OK)
		return OK;
	arena_release(scratch, mark);
	code->used = start;
	return err;
}

enum err wasm_compile(struct wasm_module *m, enum wasm_tier tier, const struct wasm_instance *running,
                      struct arena *scratch, struct wasm_code_memory *code)
{
	size_t mark = scratch->used, start = code->arena.used;
	struct native_module *native;
	enum err err;

	if (!cpu_suffices())
		return ERR_UNSUPPORTED;
	err = compile_by(tier, m, running, scratch, &code->arena, &native);
	if (err == ERR_NOMEM && tier == WASM_TIER_OPTIMIZED)
		err = compile_by(WASM_TIER_BASELINE, m, running, scratch, &code->arena, &native);
	if (err == OK)
		err = publish(m, native, code, start);
	if (err == OK)
		return OK;
	arena_release(scratch, mark);
	code->arena.used = start;
	return err;
}
