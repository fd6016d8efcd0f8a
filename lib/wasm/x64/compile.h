/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline compiler: one walk over a validated body, with an operand stack that says where each value is. Nothing
 * is emitted for constants and local.get; an operation finds its operands in registers, in memory or as constants.
 *
 * Registers: rbp the frame (slots of the store's stack, as the interpreter's: slot 0 is the first parameter), rsp the
 * machine stack with return addresses only, r13 the fuel, r14 the instance, r15 the base of memory 0. Temporaries:
 * rax rcx rdx rsi rdi, xmm0-7. Locals: the most used ones of a function live in rbx r8-r12 and xmm8-15 for the whole of
 * it (scan.c counts, weighted by loop depth), which every function saves; so control flow joins need no moves for
 * locals. A vector is there only in a function that calls nothing, because no more than 64 bits of a register are saved.
 *
 * Arguments are passed in the callee's first slots, where they stand on the caller's operand stack; a single result
 * comes in rax or xmm0, several and vectors come back in those slots. A 32-bit value in a general register has a clear upper half;
 * in a slot it has none.
 *
 * Where control flow joins: the only result of a label is in rax or xmm0, several results and parameters are at home in
 * the slots of their heights; what lies below is at home or a constant. Only the topmost WINDOW operands may be
 * elsewhere than at home, which bounds every search.
 */
#ifndef BROCH_X64_COMPILE_H
#define BROCH_X64_COMPILE_H

#include "lib/wasm/leb.h"
#include "lib/wasm/module.h"
#include "lib/wasm/x64/emit.h"
#include "lib/wasm/x64/native.h"

enum { FUEL_REG = R13, INST = R14, MEM = R15, FRAME = RBP };
enum {
	WINDOW = 32,
	HEIGHT_MAX = 4096,
	CONTROL_MAX = 65536,
	LOCALS_MAX = 8192,
	LIST_MAX = 32768,
	BR_TABLE_MAX = 1 << 20,
	OPCODES = 0x112 /* with those of the 0xfc family behind 0x100 */
};
enum { FRAME_LEAST = 8 /* slots: the machine stack is no deeper than an eighth of the value stack */ };

enum place { AT_HOME, AT_CONST, AT_LOCAL, AT_REG, AT_FLAGS };

struct operand {
	uint8_t type, place; /* type UPPER: the upper half of the v128 below it, AT_HOME */
	uint8_t reg;     /* AT_REG; AT_FLAGS: the condition */
	uint32_t local;  /* AT_LOCAL */
	uint32_t height; /* of a popped operand: its home */
	uint64_t k;      /* AT_CONST: bits */
};

struct control {
	uint8_t opcode;
	uint8_t result; /* storage for a type of one result */
	uint32_t height, fixups, otherwise, target;
	struct wasm_functype type;
};

/* What is put behind the end of a function: traps, polls, and entries for the interpreter at loops. */
enum late { LATE_TRAP, LATE_POLL, LATE_POLL_ALL, LATE_ENTRY };
struct late_code {
	uint8_t kind, trap;
	uint32_t chain; /* jumps to it */
	uint32_t back;  /* where to go on */
	uint32_t where; /* offset in the module */
};

struct scanned {
	bool supported, calls, loops;
	uint32_t touched_count; /* locals, listed in compiler.touched */
};

struct compiler;
typedef void compile_fn(struct compiler *c, uint32_t opcode);

struct compiler {
	struct emitter e;
	struct wasm_module *m;
	struct arena *scratch;
	compile_fn *fn[OPCODES]; /* by opcode */
	/* of the module */
	uint32_t *call_chains;                      /* by function: rel32 fields of calls to it */
	uint32_t *entries;                          /* by function: offset in the code */
	uint32_t helper, call_helper, enter, fault, poll, thunks; /* stubs */
	uint32_t traps[16];
	struct native_loop *loops; /* all that can be entered */
	uint32_t loop_count, loop_max;
	struct native_head *heads; /* of loops in optimized code */
	uint32_t head_count, head_max;
	bool *running;          /* by own function: the interpreter has begun it */
	struct flow *optimizer; /* NULL: all is baseline code */
	/* scratch of all bodies */
	struct operand *operands;
	struct control *controls;
	struct late_code *late;
	struct {
		uint32_t at, function;
	} * calls;
	uint8_t *local_types;
	uint16_t *local_slots;
	uint8_t *local_regs;  /* NO_REG: in its slot */
	uint16_t *local_refs; /* operands that are still in the local */
	uint32_t *weights, *touched;
	uint8_t *sites; /* of all bodies so far; grows in place behind everything else */
	uint32_t sites_size, sites_capacity;
	/* the body at hand */
	struct reader r;
	uint32_t where;
	uint32_t function; /* its index */
	uint32_t locals, local_count; /* local_count: their slots */
	uint32_t param_count, height, height_max, depth, late_count, call_count;
	uint32_t list_max, control_max; /* by the largest body */
	uint32_t home_base;
	uint32_t free_regs;                  /* temporaries; a bit for each register number */
	uint32_t start, site_at, site_where; /* offsets of the code and in the module */
	uint32_t saved_count;
	uint8_t saved[14];
	bool live, flags_live, failed;
	/* where the result of the instruction at hand shall go: a local that is set next */
	uint8_t target_reg; /* NO_REG: on the stack */
	uint32_t target_local;
};

/* Offsets that compiled code uses. */
#define INST_OFFSET(field) ((int32_t)offsetof(struct wasm_instance, field))

/* ---- scan.c ---- */
/* Reads the immediates of an instruction; a validated body is read, so that only its end can stop it. */
enum err skip_immediates(struct reader *r, uint32_t opcode);
enum err read_opcode(struct reader *r, uint32_t *opcode); /* 0xfc n: 0x100 + n; 0xfd: 0x200 + n */
/* Of own function n, from its locals on. */
bool reader_of_body(const struct wasm_module *m, uint32_t n, struct reader *out);
struct scanned scan_body(struct compiler *c, struct reader r);
void choose_registers(struct compiler *c, const struct scanned *s);

/* ---- stack.c ---- */
bool is_float(uint8_t type); /* in a vector register */
bool is_wide(uint8_t type); /* 64 bits, references included */
struct rm slot_rm(uint32_t slot);
struct rm local_rm(const struct compiler *c, uint32_t local);
uint32_t home_slot(const struct compiler *c, uint32_t height);
void push(struct compiler *c, struct operand o);
void push_reg(struct compiler *c, uint8_t type, uint8_t reg);
void push_home(struct compiler *c, uint8_t type);
struct operand pop(struct compiler *c);
void drop_to(struct compiler *c, uint32_t height);
/* A free temporary of the type's class; held until released or pushed. */
uint8_t take_reg(struct compiler *c, bool vector);
/* This very register: whatever is in it moves. It must not be held by a popped operand. */
void take_fixed(struct compiler *c, uint8_t reg);
void release_reg(struct compiler *c, uint8_t reg);
void release(struct compiler *c, const struct operand *o);
/* The popped operand's value in some register, which must not be written unless the operand owns it. */
uint8_t to_reg(struct compiler *c, struct operand *o);
/* In a temporary that may be written. */
uint8_t to_temp(struct compiler *c, struct operand *o);
/* In this register, which was taken. */
void load_into(struct compiler *c, const struct operand *o, uint8_t reg);
/* As a source operand: a register or its slot. */
struct rm to_rm(struct compiler *c, struct operand *o);
void store_home(struct compiler *c, const struct operand *o, uint32_t height);
/* Everything but constants home. */
void flush(struct compiler *c);
/* Temporaries home; locals that live in registers may stay. */
void flush_temps(struct compiler *c);
/* The topmost operands home, constants too. */
void bring_home(struct compiler *c, uint32_t count);
void local_changes(struct compiler *c, uint32_t local);
void reg_to_slot(struct compiler *c, uint8_t type, uint8_t reg, struct rm rm);
void slot_to_reg(struct compiler *c, uint8_t type, uint8_t reg, struct rm rm);
/* The register for the result of x op ...: the local that is set next, or x's own if it may be written, or a fresh one
 * with x's value in it. `other`: an operand that is read after, or NULL. */
uint8_t into_dest(struct compiler *c, struct operand *x, const struct operand *other);
/* For a result that does not depend on being in an operand's register. */
uint8_t fresh_dest(struct compiler *c, uint8_t type);
/* Called when the operands are popped: if the next instruction sets a local that has a register, the result may be made
 * there. */
void look_for_target(struct compiler *c, uint8_t type);
/* Pushes the result, or gives it to the local that is set next. */
void result(struct compiler *c, uint8_t type, uint8_t reg);

/* ---- compile.c ---- */
void fail(struct compiler *c);
/* The instruction at offset `at` of the code may stop the program. */
void add_site(struct compiler *c, uint32_t at);
/* A jump on cc to a trap of this kind. */
void trap_if(struct compiler *c, enum condition cc, enum trap_kind kind);
void trap_always(struct compiler *c, enum trap_kind kind);
void emit_poll(struct compiler *c);
/* The same where every temporary may hold something, and from then on at offset `back`, 0: behind it. */
void write_poll(struct compiler *c, uint32_t back);
/* The interpreter can hand over the loop at this offset of the module here. */
bool add_loop(struct compiler *c, uint32_t loop);
/* A loop of optimized code begins at offset `at`; see native.h. False: there is no room. */
bool add_head(struct compiler *c, uint32_t at, uint16_t halves);
/* The interpreter can hand over here, the head of a loop, where all operands are locals. */
void add_entry(struct compiler *c);
/* Calls a C helper; slots = the home of `height`. Temporaries must be home. */
void call_helper(struct compiler *c, enum helper h, uint32_t height, uint32_t a, uint32_t b);
/* Opcode of the next instruction, 0 at the end. */
uint8_t peek(const struct compiler *c);
void set_flags_operand(struct compiler *c, enum condition cc);

/* ---- number.c ---- */
/* Traps for a divisor y of 0 and for quotients that overflow (dividend in rax). A remainder by -1 jumps: *minus_one, to be
 * bound where it is 0. */
void check_divisor(struct compiler *c, bool wide, bool is_signed, bool remainder, uint8_t y, uint32_t *minus_one);

/* ---- control.c ---- */
/* A jump by the index, which is overwritten, as rows of 8 bytes say that follow, count and one for what is beyond; the last
 * 4 of each are like the field of a jump, for the caller to direct. Returns where they begin. */
uint32_t emit_rows(struct compiler *c, uint32_t count, uint8_t index, uint8_t table);
/* Calls by the index in rcx; arguments are in the slots from `slot` on, no temporary is kept. */
void call_table(struct compiler *c, uint32_t type, uint32_t table, uint32_t slot);

/* ---- one function a kind of instruction ---- */
compile_fn compile_unreachable, compile_nop, compile_block, compile_loop, compile_if, compile_else, compile_end,
        compile_br, compile_br_if, compile_br_table, compile_return, compile_call, compile_call_indirect, compile_drop,
        compile_select, compile_select_typed, compile_local_get, compile_local_set, compile_local_tee,
        compile_global_get, compile_global_set, compile_memory_size, compile_i32_const, compile_i64_const,
        compile_f32_const, compile_f64_const, compile_ref_null, compile_ref_is_null, compile_ref_func;
compile_fn compile_int_binary, compile_int_unary, compile_shift, compile_division, compile_int_compare,
        compile_float_binary, compile_float_minmax, compile_copysign, compile_float_unary, compile_float_compare,
        compile_convert, compile_trunc, compile_load, compile_store, compile_by_helper, compile_eqz, compile_simd;
void compile_epilogue(struct compiler *c);
/* Alignment and offset; returns the offset. */
uint32_t read_memarg(struct compiler *c);
/* Where an access of linear memory goes; the popped address is held until it is released. */
struct rm memory_rm(struct compiler *c, struct operand *address, uint32_t offset);
/* Flags from the popped operand; they are live then. */
enum condition test_operand(struct compiler *c, struct operand *o);

#endif
