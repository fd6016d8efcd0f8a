/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs internal code (code.h). Each operation is a small function that ends by calling the next one in tail position:
 * the compiler makes that a jump, and the state of the machine (operation pointer, frame, memory, instance) stays in the
 * six argument registers all the time. An operation that returns a value instead of going on leaves the interpreter.
 *
 * Wasm-to-wasm calls use no C stack: frames lie on the store's value stack (code.h says how). Memory base and size travel
 * along and are loaded again whenever another instance or a host function may have grown the memory.
 */
#include "lib/wasm/module.h"

#include "lib/wasm/lanes.h"
#include "lib/wasm/number.h"
#include "lib/wasm/simd.h"

/* clang must be told, so that it holds without optimisation as well; gcc does it from -O2 on. */
#ifdef __clang__
#define TAIL __attribute__((musttail)) return
#else
#define TAIL return
#if !defined(__OPTIMIZE__)
#error "gcc turns tail calls into jumps only when it optimises: build this file with -O2"
#endif
#endif

#define STATE const code_t *pc, uint64_t *fp, uint8_t *mem, uint64_t size, struct wasm_instance *inst
typedef enum err operation(STATE);

static operation *const operations[IOP_COUNT];

/* Begin and end of an operation; `units` is its length. */
#define OP(id) static enum err op_##id(STATE)
#define GO TAIL operations[*pc](pc, fp, mem, size, inst)
#define NEXT(units)                                                                                                    \
	do {                                                                                                           \
		pc += (units);                                                                                         \
		GO;                                                                                                    \
	} while (0)
#define TRAP(reason) return trap(pc, inst, reason)

NOINLINE static enum err trap(const code_t *pc, const struct wasm_instance *inst, const char *reason)
{
	inst->store->trap = reason;
	inst->store->trap_pc = pc;
	inst->store->trap_instance = inst;
	return ERR_TRAP;
}

static const char trap_memory[] = "out of bounds memory access";
static const char trap_table[] = "out of bounds table access";
static const char trap_stack[] = "call stack exhausted";

/* Slots: an i32 or f32 is kept zero-extended, so that every slot is written and copied whole. */
typedef uint32_t type_I32;
typedef uint64_t type_I64;
typedef float type_F32;
typedef double type_F64;
#define get_I32(v) ((uint32_t)(v))
#define get_I64(v) (v)
#define get_F32(v) f32_of((uint32_t)(v))
#define get_F64(v) f64_of(v)
#define put_I32(v) ((uint64_t)(uint32_t)(v))
#define put_I64(v) (v)
#define put_F32(v) ((uint64_t)bits32(v))
#define put_F64(v) bits64(v)
/* Constants in k fields. */
#define k_I32(k) (k)
#define k_I64(k) ((uint64_t)(int32_t)(k))
#define k_F32(k) f32_of(k)
#define k_F64(k) f64_of((uint64_t)(k) << 32)

#define SLOT(field) fp[pc[field]]

/* Goes back to the frame that `saved` describes. */
#define LEAVE(saved)                                                                                                   \
	do {                                                                                                           \
		struct wasm_instance *back = (struct wasm_instance *)(uintptr_t)(saved)[FRAME_INSTANCE];               \
		pc = (const code_t *)(uintptr_t)(saved)[FRAME_PC];                                                     \
		fp = (uint64_t *)(uintptr_t)(saved)[FRAME_FP];                                                         \
		if (unlikely(back != inst)) {                                                                          \
			inst = back;                                                                                   \
			mem = inst->memory->base;                                                                      \
			size = inst->memory->bytes;                                                                    \
		}                                                                                                      \
		GO;                                                                                                    \
	} while (0)

/* ---- polling ---- */

enum { POLL_SOON = 1024 };

NOINLINE static enum err poll_now(struct wasm_instance *inst)
{
	const struct wasm_poll *p = &inst->store->poll;

	inst->fuel = (int32_t)inst->store->limits.poll_interval;
	return p->poll == NULL ? OK : p->poll(p->ctx);
}

/*
 * Compiled code goes on with the frame from here, the head of a loop, to the end of the function. Its results are
 * written over what was saved.
 */
NOINLINE static enum err hand_over(const struct function *f, uint64_t *fp, const uint8_t *entry,
                                   uint64_t saved[static FRAME_SAVED])
{
	const struct wasm_module *m = f->instance->module;

	memcpy(saved, fp + m->bodies[f->index - m->imported_functions].locals, FRAME_SAVED * sizeof *saved);
	return native_take_over(f, fp, entry);
}

/* The module has become compiled, but not here: another place is soon tried. */
static void poll_soon(struct wasm_instance *inst)
{
	if (inst->fuel > POLL_SOON)
		inst->fuel = POLL_SOON;
}

/*
 * The embedder is asked, and compiled code goes on if it can: then `taken_over` says so, and `saved` is where to return to.
 * What has its address taken is here and not in the operation below, which could not jump on to the next one otherwise.
 */
NOINLINE static enum err poll_at(const code_t *pc, uint64_t *fp, struct wasm_instance *inst)
{
	struct wasm_store *s = inst->store;
	uint64_t saved[FRAME_SAVED];
	const struct function *f;
	const uint8_t *entry;
	enum err err;

	s->poll_pc = pc;
	s->poll_fp = fp;
	s->poll_instance = inst;
	s->taken_over = false;
	err = poll_now(inst);
	s->poll_pc = NULL;
	if (err != OK || inst->module->native == NULL)
		return err;
	entry = native_entry_at(inst, pc, fp, &f);
	if (entry == NULL) {
		poll_soon(inst);
		return OK;
	}
	TRY(hand_over(f, fp, entry, saved));
	memcpy(s->saved, saved, sizeof saved);
	s->taken_over = true;
	return OK;
}

NOINLINE static enum err poll_and_go(STATE)
{
	enum err err = poll_at(pc, fp, inst);

	if (err != OK)
		return err;
	if (inst->store->taken_over)
		LEAVE(inst->store->saved);
	GO;
}

#define POLL                                                                                                           \
	do {                                                                                                           \
		if (unlikely(--inst->fuel < 0))                                                                        \
			TAIL poll_and_go(pc, fp, mem, size, inst);                                                     \
	} while (0)

/* Takes the branch whose field is given; backward ones count. */
#define BRANCH(field)                                                                                                  \
	do {                                                                                                           \
		int32_t distance = code_i32(pc + (field));                                                             \
		pc += (field) + (ptrdiff_t)distance;                                                                   \
		if (distance < 0)                                                                                      \
			POLL;                                                                                          \
		GO;                                                                                                    \
	} while (0)

/* ---- numbers: one or several operations from each row ---- */

#define UN(code, id, text, in, out, expr)                                                                              \
	OP(id)                                                                                                         \
	{                                                                                                              \
		type_##in x = get_##in(SLOT(2));                                                                       \
		SLOT(1) = put_##out(expr);                                                                             \
		NEXT(3);                                                                                               \
	}

#define TRUNC(code, id, text, in, out, lo, hi, expr)                                                                   \
	OP(id)                                                                                                         \
	{                                                                                                              \
		type_##in x = get_##in(SLOT(2));                                                                       \
		if (unlikely(!(x > (lo) && x < (hi))))                                                                 \
			TRAP(x != x ? "invalid conversion to integer" : "integer overflow");                           \
		SLOT(1) = put_##out(expr);                                                                             \
		NEXT(3);                                                                                               \
	}

#define BINARY(id, type, out, check, expr)                                                                             \
	OP(id)                                                                                                         \
	{                                                                                                              \
		type_##type x = get_##type(SLOT(2)), y = get_##type(SLOT(3));                                          \
		check;                                                                                                 \
		SLOT(1) = put_##out(expr);                                                                             \
		NEXT(4);                                                                                               \
	}                                                                                                              \
	OP(id##_k)                                                                                                     \
	{                                                                                                              \
		type_##type x = get_##type(SLOT(2)), y = k_##type(code_u32(pc + 3));                                   \
		check;                                                                                                 \
		SLOT(1) = put_##out(expr);                                                                             \
		NEXT(5);                                                                                               \
	}
#define BINARY_KX(id, type, check, expr)                                                                               \
	OP(id##_kx)                                                                                                    \
	{                                                                                                              \
		type_##type x = k_##type(code_u32(pc + 3)), y = get_##type(SLOT(2));                                   \
		check;                                                                                                 \
		SLOT(1) = put_##type(expr);                                                                            \
		NEXT(5);                                                                                               \
	}

#define BIN(code, id, text, type, commutes, expr)                                                                      \
	BINARY(id, type, type, (void)0, expr)                                                                          \
	BINARY_KX(id, type, (void)0, expr)

#define DIVISOR(overflow)                                                                                              \
	if (unlikely(y == 0))                                                                                          \
		TRAP("integer divide by zero");                                                                        \
	if (unlikely(overflow))                                                                                        \
	TRAP("integer overflow")
#define DIV(code, id, text, type, overflow, expr)                                                                      \
	BINARY(id, type, type, DIVISOR(overflow), expr)                                                                \
	BINARY_KX(id, type, DIVISOR(overflow), expr)

#define CMP(code, id, text, type, expr)                                                                                \
	BINARY(id, type, I32, (void)0, expr)                                                                           \
	COMPARE_AND_BRANCH(id##_if, type, get_##type(SLOT(2)), expr, 3)                                                \
	COMPARE_AND_BRANCH(id##_unless, type, get_##type(SLOT(2)), !(expr), 3)                                         \
	COMPARE_AND_BRANCH(id##_k_if, type, k_##type(code_u32(pc + 2)), expr, 4)                                       \
	COMPARE_AND_BRANCH(id##_k_unless, type, k_##type(code_u32(pc + 2)), !(expr), 4)
#define COMPARE_AND_BRANCH(id, type, second, expr, field)                                                              \
	OP(id)                                                                                                         \
	{                                                                                                              \
		type_##type x = get_##type(SLOT(1)), y = second;                                                       \
		if (expr)                                                                                              \
			BRANCH(field);                                                                                 \
		NEXT((field) + 2);                                                                                     \
	}

/* ---- memory: the effective address has 33 bits, so nothing wraps ---- */

#define LOAD_FROM(id, out, bytes, bits, expr, address, units)                                                          \
	OP(id)                                                                                                         \
	{                                                                                                              \
		uint64_t at = (address);                                                                               \
		bits x = 0;                                                                                            \
		if (unlikely(at + (bytes) > size))                                                                     \
			TRAP(trap_memory);                                                                             \
		copy_small(&x, mem + at, bytes);                                                                                 \
		SLOT(1) = put_##out(expr);                                                                             \
		NEXT(units);                                                                                           \
	}
#define WRAPPED(sum) ((uint64_t)(uint32_t)(sum))
#define LOAD(code, id, text, out, bytes, bits, expr)                                                                   \
	LOAD_FROM(id##_sum, out, bytes, bits, expr, WRAPPED(SLOT(2) + code_u32(pc + 4)) + pc[3], 6)                    \
	LOAD_FROM(id##_scaled, out, bytes, bits, expr, WRAPPED((SLOT(2) << pc[3]) + code_u32(pc + 4)), 6)              \
	LOAD_FROM(id##_index, out, bytes, bits, expr, WRAPPED(SLOT(2) + (SLOT(3) << pc[4]) + code_u32(pc + 5)), 7)     \
	LOAD_FROM(id, out, bytes, bits, expr, (uint64_t)(uint32_t)SLOT(2) + pc[3], 4)                                  \
	LOAD_FROM(id##_far, out, bytes, bits, expr, (uint64_t)(uint32_t)SLOT(2) + code_u32(pc + 3), 5)                 \
	LOAD_FROM(id##_at, out, bytes, bits, expr, (uint64_t)code_u32(pc + 2), 4)

#define STORE_TO(id, bytes, value, address, units)                                                                     \
	OP(id)                                                                                                         \
	{                                                                                                              \
		uint64_t at = (address), x = (value);                                                                  \
		if (unlikely(at + (bytes) > size))                                                                     \
			TRAP(trap_memory);                                                                             \
		copy_small(mem + at, &x, bytes);                                                                                 \
		NEXT(units);                                                                                           \
	}
#define STORE(code, id, text, in, bytes)                                                                               \
	STORE_TO(id##_sum, bytes, SLOT(2), WRAPPED(SLOT(1) + code_u32(pc + 4)) + pc[3], 6)                             \
	STORE_TO(id##_k, bytes, put_##in(k_##in(code_u32(pc + 2))), WRAPPED(SLOT(1)) + pc[4], 5)                       \
	STORE_TO(id, bytes, SLOT(2), (uint64_t)(uint32_t)SLOT(1) + pc[3], 4)                                           \
	STORE_TO(id##_far, bytes, SLOT(2), (uint64_t)(uint32_t)SLOT(1) + code_u32(pc + 3), 5)                          \
	STORE_TO(id##_at, bytes, SLOT(1), (uint64_t)code_u32(pc + 2), 4)

#include "lib/wasm/opcodes.def"

/* ---- two instructions in one ---- */

#define BIN(code, id, text, type, commutes, expr)                                                                      \
	static inline type_##type do_##id(type_##type x, type_##type y)                                                \
	{                                                                                                              \
		return expr;                                                                                           \
	}
#include "lib/wasm/opcodes.def"

#define FUSED(id, type, value, units)                                                                                  \
	OP(id)                                                                                                         \
	{                                                                                                              \
		SLOT(1) = put_##type(value);                                                                           \
		NEXT(units);                                                                                           \
	}
#define FUSE(type, first, second)                                                                                      \
	FUSED(first##_##second, type,                                                                                  \
	      do_##second(do_##first(get_##type(SLOT(2)), get_##type(SLOT(3))), get_##type(SLOT(4))), 5)
#define FUSE_R(type, first, second)                                                                                    \
	FUSED(first##_##second##_r, type,                                                                              \
	      do_##second(get_##type(SLOT(4)), do_##first(get_##type(SLOT(2)), get_##type(SLOT(3)))), 5)
#define FUSE_K(type, first, second)                                                                                    \
	FUSED(first##_k_##second, type,                                                                                \
	      do_##second(do_##first(get_##type(SLOT(2)), k_##type(code_u32(pc + 4))), get_##type(SLOT(3))), 6)
#define FUSE_KR(type, first, second)                                                                                   \
	FUSED(first##_k_##second##_r, type,                                                                            \
	      do_##second(get_##type(SLOT(3)), do_##first(get_##type(SLOT(2)), k_##type(code_u32(pc + 4)))), 6)
#define FUSE_KK(type, first, second)                                                                                   \
	FUSED(first##_k_##second##_k, type,                                                                            \
	      do_##second(do_##first(get_##type(SLOT(2)), k_##type(code_u32(pc + 3))), k_##type(code_u32(pc + 5))), 7)
#define FUSED_LOAD(id, type, size_, value)                                                                             \
	OP(id)                                                                                                         \
	{                                                                                                              \
		uint64_t at = WRAPPED(SLOT(2) + code_u32(pc + 5)) + pc[4], bits = 0;                                   \
		type_##type x, z = get_##type(SLOT(3));                                                                \
		if (unlikely(at + (size_) > size))                                                                     \
			TRAP(trap_memory);                                                                             \
		copy_small(&bits, mem + at, size_);                                                                    \
		x = get_##type(bits);                                                                                  \
		SLOT(1) = put_##type(value);                                                                           \
		NEXT(7);                                                                                               \
	}
#define FUSE_LOAD(type, load, bytes, second) FUSED_LOAD(load##_##second, type, bytes, do_##second(x, z))
#define FUSE_LOAD_R(type, load, bytes, second) FUSED_LOAD(load##_##second##_r, type, bytes, do_##second(z, x))
#include "lib/wasm/fuse.def"

/* The end of a counting loop. */
#define COUNT_AND_BRANCH(id, condition, field)                                                                         \
	OP(id)                                                                                                         \
	{                                                                                                              \
		uint32_t x = (uint32_t)SLOT(2) + code_u32(pc + 3);                                                     \
		SLOT(1) = x;                                                                                           \
		if (condition)                                                                                         \
			BRANCH(field);                                                                                 \
		NEXT((field) + 2);                                                                                     \
	}
COUNT_AND_BRANCH(count_if, x != 0, 5)
COUNT_AND_BRANCH(count_ne, x != (uint32_t)SLOT(5), 6)
COUNT_AND_BRANCH(count_ne_k, x != code_u32(pc + 5), 7)
COUNT_AND_BRANCH(count_lt_u, x < (uint32_t)SLOT(5), 6)
COUNT_AND_BRANCH(count_lt_u_k, x < code_u32(pc + 5), 7)

OP(i32_and_k_if)
{
	if (((uint32_t)SLOT(1) & code_u32(pc + 2)) != 0)
		BRANCH(4);
	NEXT(6);
}

OP(i32_and_k_unless)
{
	if (((uint32_t)SLOT(1) & code_u32(pc + 2)) == 0)
		BRANCH(4);
	NEXT(6);
}

OP(memory_size)
{
	SLOT(1) = size / WASM_PAGE_SIZE;
	NEXT(2);
}

OP(memory_grow)
{
	SLOT(1) = memory_grow(inst->store, inst->memory, (uint32_t)SLOT(2));
	mem = inst->memory->base;
	size = inst->memory->bytes;
	NEXT(3);
}

OP(memory_init)
{
	if (!memory_init(inst, code_u32(pc + 4), (uint32_t)SLOT(1), (uint32_t)SLOT(2), (uint32_t)SLOT(3)))
		TRAP(trap_memory);
	NEXT(6);
}

OP(data_drop)
{
	inst->dropped_data[code_u32(pc + 1)] = true;
	NEXT(3);
}

OP(memory_copy)
{
	uint64_t d = (uint32_t)SLOT(1), s = (uint32_t)SLOT(2), n = (uint32_t)SLOT(3);

	if (unlikely(d + n > size || s + n > size))
		TRAP(trap_memory);
	if (n > 0)
		memmove(mem + d, mem + s, n);
	NEXT(4);
}

OP(memory_fill)
{
	uint64_t d = (uint32_t)SLOT(1), n = (uint32_t)SLOT(3);

	if (unlikely(d + n > size))
		TRAP(trap_memory);
	if (n > 0)
		memset(mem + d, (uint8_t)SLOT(2), n);
	NEXT(4);
}

/* ---- moving values ---- */

OP(copy)
{
	SLOT(1) = SLOT(2);
	NEXT(3);
}

OP(copy_two)
{
	SLOT(1) = SLOT(2);
	SLOT(3) = SLOT(4);
	NEXT(5);
}

OP(copy_many)
{
	memmove(&SLOT(1), &SLOT(2), pc[3] * sizeof *fp);
	NEXT(4);
}

OP(const32)
{
	SLOT(1) = code_u32(pc + 2);
	NEXT(4);
}

OP(const64)
{
	SLOT(1) = code_u64(pc + 2);
	NEXT(6);
}

OP(select)
{
	uint64_t x = SLOT(2), y = SLOT(3);

	SLOT(1) = (uint32_t)SLOT(4) != 0 ? x : y;
	NEXT(5);
}

OP(global_get)
{
	SLOT(1) = inst->globals[code_u32(pc + 2)]->value;
	NEXT(4);
}

OP(global_set)
{
	inst->globals[code_u32(pc + 2)]->value = SLOT(1);
	NEXT(4);
}

/* ---- control ---- */

OP(unreachable)
{
	(void)fp;
	(void)mem;
	(void)size;
	TRAP("unreachable executed");
}

OP(br)
{
	BRANCH(1);
}

OP(br_if)
{
	if ((uint32_t)SLOT(1) != 0)
		BRANCH(2);
	NEXT(4);
}

OP(br_unless)
{
	if ((uint32_t)SLOT(1) == 0)
		BRANCH(2);
	NEXT(4);
}

OP(br_table)
{
	uint32_t x = (uint32_t)SLOT(1) + code_u32(pc + 6), last = code_u32(pc + 4), arity = pc[3];
	const code_t *row = pc + 8 + 3 * (size_t)(x < last ? x : last);

	if (arity > 0)
		memmove(fp + row[2], &SLOT(2), arity * sizeof *fp);
	pc = row;
	BRANCH(0);
}

OP(return)
{
	const uint64_t *saved = &SLOT(1);

	LEAVE(saved);
}

/* Results may overwrite what was saved: that is read first. */
OP(return_one)
{
	uint64_t saved[FRAME_SAVED] = {(&SLOT(1))[0], (&SLOT(1))[1], (&SLOT(1))[2]};

	fp[0] = SLOT(2);
	LEAVE(saved);
}

OP(return_many)
{
	uint64_t saved[FRAME_SAVED] = {(&SLOT(1))[0], (&SLOT(1))[1], (&SLOT(1))[2]};

	memmove(fp, &SLOT(2), pc[3] * sizeof *fp);
	LEAVE(saved);
}

/* Makes the frame of f at `base`, where its arguments lie; false: the stack is exhausted. */
static inline bool enter(const struct function *f, uint64_t *base, const code_t *back, uint64_t *fp,
			 const struct wasm_instance *inst)
{
	uint64_t *saved = base + f->locals;

	if (unlikely((size_t)(inst->stack_end - base) < f->frame_slots))
		return false;
	for (uint64_t *local = base + f->params; local < saved; local++)
		*local = 0;
	saved[FRAME_PC] = (uintptr_t)back;
	saved[FRAME_FP] = (uintptr_t)fp;
	saved[FRAME_INSTANCE] = (uintptr_t)inst;
	return true;
}

OP(call)
{
	const struct function *f = inst->functions[code_u32(pc + 2)];
	uint64_t *base = &SLOT(1);

	if (unlikely(!enter(f, base, pc + 4, fp, inst)))
		TRAP(trap_stack);
	pc = f->code;
	fp = base;
	POLL;
	GO;
}

enum err call_host(struct wasm_store *s, struct wasm_instance *inst, const struct function *f, uint64_t *slots)
{
	struct wasm_caller caller = {s, inst};
	uint32_t params = slots_of(f->type->params, f->type->param_count);
	uint32_t results = slots_of(f->type->results, f->type->result_count);
	uint64_t *top = s->top;
	enum err err;

	if ((size_t)(inst->stack_end - slots) < (params > results ? params : results)) {
		s->trap = trap_stack;
		return ERR_TRAP;
	}
	s->top = slots + (params > results ? params : results);
	err = f->host(f->ctx, &caller, (union wasm_value *)slots);
	s->top = top;
	return err;
}

/* What a host function reports becomes what the interpreter reports. */
NOINLINE static enum err call_host_from(const struct function *f, uint64_t *base, const code_t *pc, struct wasm_instance *inst)
{
	struct wasm_store *s = inst->store;
	enum err err = call_host(s, inst, f, base);

	if (err == ERR_TRAP && s->trap_pc == NULL && s->trap_native == NULL) {
		s->trap_pc = pc;
		s->trap_instance = inst;
	}
	return err;
}

/* Calls inst->callee, which may be of the host or of another instance, for a call operation of either kind. */
NOINLINE static enum err call_foreign(STATE)
{
	const struct function *f = inst->callee;
	const code_t *back = pc + (*pc == IOP_call_import ? 4 : 7);

	if (f->code == NULL) {
		enum err err = call_host_from(f, &SLOT(1), pc, inst);

		if (err != OK)
			return err;
		pc = back;
	} else {
		uint64_t *base = &SLOT(1);

		if (!enter(f, base, back, fp, inst))
			TRAP(trap_stack);
		pc = f->code;
		fp = base;
		inst = f->instance;
	}
	mem = inst->memory->base;
	size = inst->memory->bytes;
	POLL;
	GO;
}

OP(call_import)
{
	inst->callee = inst->functions[code_u32(pc + 2)];
	TAIL call_foreign(pc, fp, mem, size, inst);
}

OP(call_indirect)
{
	const struct table *t = inst->tables[code_u32(pc + 5)];
	const struct wasm_functype *type = &inst->module->types[code_u32(pc + 3)];
	uint32_t x = (uint32_t)SLOT(2);
	const struct function *f;
	uint64_t *base = &SLOT(1);

	if (unlikely(x >= t->count))
		TRAP("undefined element");
	if (unlikely(t->entries[x] == WASM_NULL_REF))
		TRAP("uninitialized element");
	f = function_of(t->entries[x]);
	if (f->type != type && !functype_equal(f->type, type))
		TRAP("indirect call type mismatch");
	if (unlikely(f->instance != inst)) {
		inst->callee = f;
		TAIL call_foreign(pc, fp, mem, size, inst);
	}
	if (unlikely(!enter(f, base, pc + 7, fp, inst)))
		TRAP(trap_stack);
	pc = f->code;
	fp = base;
	POLL;
	GO;
}

/* Results are written by the compiled function, over what was saved. */
OP(native)
{
	const struct function *f = inst->functions[code_u32(pc + 1)];
	uint64_t saved[FRAME_SAVED] = {(fp + f->params)[0], (fp + f->params)[1], (fp + f->params)[2]};
	enum err err = native_call(f, fp);

	(void)mem;
	(void)size;
	if (err != OK)
		return err;
	inst = (struct wasm_instance *)(uintptr_t)saved[FRAME_INSTANCE];
	pc = (const code_t *)(uintptr_t)saved[FRAME_PC];
	fp = (uint64_t *)(uintptr_t)saved[FRAME_FP];
	mem = inst->memory->base;
	size = inst->memory->bytes;
	GO;
}

OP(exit)
{
	(void)pc;
	(void)fp;
	(void)mem;
	(void)size;
	(void)inst;
	return OK;
}

/* ---- tables and references ---- */

OP(table_get)
{
	const struct table *t = inst->tables[code_u32(pc + 3)];
	uint32_t x = (uint32_t)SLOT(2);

	if (unlikely(x >= t->count))
		TRAP(trap_table);
	SLOT(1) = t->entries[x];
	NEXT(5);
}

OP(table_set)
{
	const struct table *t = inst->tables[code_u32(pc + 3)];
	uint32_t x = (uint32_t)SLOT(1);

	if (unlikely(x >= t->count))
		TRAP(trap_table);
	t->entries[x] = SLOT(2);
	NEXT(5);
}

OP(table_init)
{
	if (!table_init(inst, code_u32(pc + 4), code_u32(pc + 6), (uint32_t)SLOT(1), (uint32_t)SLOT(2), (uint32_t)SLOT(3)))
		TRAP(trap_table);
	NEXT(8);
}

OP(elem_drop)
{
	inst->dropped_elements[code_u32(pc + 1)] = true;
	NEXT(3);
}

OP(table_copy)
{
	const struct table *to = inst->tables[code_u32(pc + 4)], *from = inst->tables[code_u32(pc + 6)];
	uint64_t d = (uint32_t)SLOT(1), s = (uint32_t)SLOT(2), n = (uint32_t)SLOT(3);

	if (unlikely(d + n > to->count || s + n > from->count))
		TRAP(trap_table);
	if (n > 0)
		memmove(to->entries + d, from->entries + s, n * sizeof *to->entries);
	NEXT(8);
}

OP(table_grow)
{
	SLOT(1) = table_grow(inst->store, inst->tables[code_u32(pc + 4)], SLOT(2), (uint32_t)SLOT(3));
	NEXT(6);
}

OP(table_size)
{
	SLOT(1) = inst->tables[code_u32(pc + 2)]->count;
	NEXT(4);
}

OP(table_fill)
{
	const struct table *t = inst->tables[code_u32(pc + 4)];
	uint64_t d = (uint32_t)SLOT(1), value = SLOT(2), n = (uint32_t)SLOT(3);

	if (unlikely(d + n > t->count))
		TRAP(trap_table);
	for (uint64_t i = 0; i < n; i++)
		t->entries[d + i] = value;
	NEXT(6);
}

OP(ref_is_null)
{
	SLOT(1) = SLOT(2) == WASM_NULL_REF;
	NEXT(3);
}

OP(ref_func)
{
	SLOT(1) = ref_of(inst->functions[code_u32(pc + 2)]);
	NEXT(4);
}

/* ---- vectors ---- */

OP(v128_copy)
{
	uint64_t low = SLOT(2), high = (&SLOT(2))[1];

	SLOT(1) = low;
	(&SLOT(1))[1] = high;
	NEXT(3);
}

OP(v128_select)
{
	const uint64_t *from = (uint32_t)SLOT(4) != 0 ? &SLOT(2) : &SLOT(3);
	uint64_t low = from[0], high = from[1];

	SLOT(1) = low;
	(&SLOT(1))[1] = high;
	NEXT(5);
}

OP(v128_global_get)
{
	const struct global_cell *g = inst->globals[code_u32(pc + 2)];

	SLOT(1) = g->value;
	(&SLOT(1))[1] = g->high;
	NEXT(4);
}

OP(v128_global_set)
{
	struct global_cell *g = inst->globals[code_u32(pc + 2)];

	g->value = SLOT(1);
	g->high = (&SLOT(1))[1];
	NEXT(4);
}

#define V2(code, id, text, in, out, expr)                                                                              \
	OP(id)                                                                                                         \
	{                                                                                                              \
		OF_TWO_VECTORS(&SLOT(1), &SLOT(2), &SLOT(3), in, out, 0, expr);                                        \
		NEXT(4);                                                                                               \
	}
#define VCMP(code, id, text, in, out, expr) V2(code, id, text, in, out, (expr) ? -1 : 0)
#define VSHIFT(code, id, text, lanes, expr)                                                                            \
	OP(id)                                                                                                         \
	{                                                                                                              \
		SHIFTED_VECTOR(&SLOT(1), &SLOT(2), (uint32_t)SLOT(3), lanes, expr);                                    \
		NEXT(4);                                                                                               \
	}
#include "lib/wasm/simd.def"

OP(v128_load)
{
	uint64_t at = (uint64_t)(uint32_t)SLOT(2) + code_u32(pc + 6);

	if (unlikely(at + sizeof(union v128) > size))
		TRAP(trap_memory);
	store(&SLOT(1), load(mem + at));
	NEXT(8);
}

OP(v128_store)
{
	uint64_t at = (uint64_t)(uint32_t)SLOT(1) + code_u32(pc + 5);

	if (unlikely(at + sizeof(union v128) > size))
		TRAP(trap_memory);
	store(mem + at, load(&SLOT(2)));
	NEXT(7);
}

OP(simd)
{
	simd_ops[pc[5]].run(&SLOT(1), &SLOT(2), &SLOT(3), &SLOT(4), pc[6]);
	NEXT(7);
}

OP(simd_shuffle)
{
	simd_ops[OPCODE_SHUFFLE].run(&SLOT(1), &SLOT(2), &SLOT(3), pc + 4, 0);
	NEXT(12);
}

OP(simd_const)
{
	copy_small(&SLOT(1), pc + 2, 16);
	NEXT(10);
}

OP(simd_load)
{
	uint64_t at = (uint64_t)(uint32_t)SLOT(2) + code_u32(pc + 6);
	const struct simd_op *op = &simd_ops[pc[4]];

	if (unlikely(at + op->size > size))
		TRAP(trap_memory);
	op->run(&SLOT(1), mem + at, &SLOT(3), NULL, pc[5]);
	NEXT(8);
}

OP(simd_store)
{
	uint64_t at = (uint64_t)(uint32_t)SLOT(1) + code_u32(pc + 5);
	const struct simd_op *op = &simd_ops[pc[3]];

	if (unlikely(at + op->size > size))
		TRAP(trap_memory);
	op->run(mem + at, &SLOT(2), NULL, NULL, pc[4]);
	NEXT(7);
}

/* ---- the table of operations ---- */

#define ROW(id) [IOP_##id] = op_##id,

static operation *const operations[IOP_COUNT] = {
#define UN(code, id, ...) ROW(id)
#define TRUNC(code, id, ...) ROW(id)
#define BIN(code, id, ...) ROW(id) ROW(id##_k) ROW(id##_kx)
#define DIV(code, id, ...) ROW(id) ROW(id##_k) ROW(id##_kx)
#define CMP(code, id, ...) ROW(id) ROW(id##_k) ROW(id##_if) ROW(id##_unless) ROW(id##_k_if) ROW(id##_k_unless)
#define LOAD(code, id, ...) ROW(id) ROW(id##_far) ROW(id##_at) ROW(id##_sum) ROW(id##_scaled) ROW(id##_index)
#define STORE(code, id, ...) ROW(id) ROW(id##_far) ROW(id##_at) ROW(id##_sum) ROW(id##_k)
#include "lib/wasm/opcodes.def"
#define FUSE(type, first, second) ROW(first##_##second)
#define FUSE_R(type, first, second) ROW(first##_##second##_r)
#define FUSE_K(type, first, second) ROW(first##_k_##second)
#define FUSE_KR(type, first, second) ROW(first##_k_##second##_r)
#define FUSE_KK(type, first, second) ROW(first##_k_##second##_k)
#define FUSE_LOAD(type, load, size, second) ROW(load##_##second)
#define FUSE_LOAD_R(type, load, size, second) ROW(load##_##second##_r)
#include "lib/wasm/fuse.def"
#define V2(code, id, ...) ROW(id)
#define VCMP(code, id, ...) ROW(id)
#define VSHIFT(code, id, ...) ROW(id)
#include "lib/wasm/simd.def"
	ROW(count_if) ROW(count_ne) ROW(count_ne_k) ROW(count_lt_u) ROW(count_lt_u_k) ROW(i32_and_k_if) ROW(i32_and_k_unless)
	ROW(unreachable) ROW(copy) ROW(copy_two) ROW(copy_many) ROW(const32) ROW(const64) ROW(br) ROW(br_if) ROW(br_unless) ROW(br_table)
	ROW(return) ROW(return_one) ROW(return_many) ROW(call) ROW(call_import) ROW(call_indirect) ROW(select)
	ROW(global_get) ROW(global_set) ROW(memory_size) ROW(memory_grow) ROW(memory_init) ROW(data_drop) ROW(memory_copy)
	ROW(memory_fill) ROW(table_get) ROW(table_set) ROW(table_init) ROW(elem_drop) ROW(table_copy) ROW(table_grow)
	ROW(table_size) ROW(table_fill) ROW(ref_is_null) ROW(ref_func) ROW(native) ROW(exit)
	ROW(v128_copy) ROW(v128_select) ROW(v128_global_get) ROW(v128_global_set) ROW(v128_load) ROW(v128_store) ROW(simd) ROW(simd_shuffle) ROW(simd_const)
	ROW(simd_load) ROW(simd_store)
};

enum err interpret(struct wasm_store *s, const struct function *f, uint64_t *fp)
{
	static const code_t leave[] = {IOP_exit};
	struct wasm_instance *inst = f->instance;

	if (!enter(f, fp, leave, fp, inst)) {
		s->trap = trap_stack;
		return ERR_TRAP;
	}
	return operations[*f->code](f->code, fp, inst->memory->base, inst->memory->bytes, inst);
}
