/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the engine share: a decoded module, and the things that live in a store. Users include wasm.h. */
#ifndef BROCH_WASM_MODULE_H
#define BROCH_WASM_MODULE_H

#include "lib/base/rw.h"
#include "lib/wasm/code.h"
#include "lib/wasm/wasm.h"

/* ---- decoded and validated ---- */

struct size_range {
	uint32_t min, max; /* max is the type's largest when none is declared */
	bool has_max;
};

struct table_type {
	uint8_t element;
	struct size_range size;
};

struct global_type {
	uint8_t type;
	bool mutable;
};

/* A constant expression is one instruction: a constant, global.get of an import, ref.null or ref.func. */
enum init_kind { INIT_VALUE, INIT_GLOBAL, INIT_FUNC };
struct init {
	enum init_kind kind;
	uint64_t value; /* bits, or an index */
	uint64_t high;  /* of a v128 */
};

struct import {
	struct slice module, name;
	enum wasm_kind kind;
	uint32_t index; /* among those of its kind */
};

struct export {
	struct slice name;
	enum wasm_kind kind;
	uint32_t index;
};

struct global {
	struct global_type type;
	struct init init;
};

enum segment_mode { SEGMENT_ACTIVE, SEGMENT_PASSIVE, SEGMENT_DECLARED };

struct element_segment {
	enum segment_mode mode;
	uint8_t type;
	bool expressions;    /* items are constant expressions, else function indices */
	uint32_t table, count;
	struct init offset;
	struct reader items; /* validated; read again when needed */
};

struct data_segment {
	enum segment_mode mode;
	struct init offset;
	struct slice bytes;
};

/* The internal code of one function, and where its trapping instructions stand in the module. */
struct body {
	const code_t *code;
	const uint8_t *sites; /* pairs of LEB128: code units since the last site, module bytes since the last site */
	uint32_t size;        /* in units of code */
	uint32_t sites_size;
	uint32_t offset, bytes; /* of the body in the module */
	uint32_t frame_slots; /* all a frame needs, FRAME_SAVED and results included */
	uint16_t params, locals; /* slots; locals include the parameters */
};

struct wasm_module {
	struct slice bytes;
	struct wasm_limits limits;
	struct wasm_functype *types;
	struct import *imports;
	uint32_t *functions;   /* type indices; imports first, as in every index space */
	struct table_type *tables;
	struct size_range memory;
	struct global *globals; /* `init` only of own ones */
	struct export *exports;
	struct element_segment *elements;
	struct data_segment *data;
	struct body *bodies;
	struct slice names;    /* contents of the custom section "name", not validated */
	struct slice name;     /* what its user calls it, see wasm_name */
	uint32_t type_count, import_count, function_count, table_count, memory_count, global_count, export_count;
	uint32_t element_count, data_count;
	uint32_t loops; /* whose heads can be entered in compiled code (translate_loop) */
	uint32_t reached_loops; /* those and others */
	uint32_t imported_functions, imported_tables, imported_memories, imported_globals;
	uint32_t start;        /* NO_INDEX: none */
	struct native_module *native; /* compiled code, NULL: none */
};
#define NO_INDEX UINT32_MAX
enum { UPPER = 1 }; /* the type of the upper half of a v128 on the operand stacks of translator and compiler */
enum { OPCODE_BLOCK = 0x02, OPCODE_LOOP = 0x03, OPCODE_IF = 0x04, OPCODE_ELSE = 0x05, OPCODE_END = 0x0b };

const char *wasm_type_name(uint8_t type);
bool wasm_is_ref(uint8_t type);
bool functype_equal(const struct wasm_functype *a, const struct wasm_functype *b);
/* How many slots values of these types take. */
uint32_t slots_of(const uint8_t *types, uint32_t count);

/* ---- living in a store; each begins with its extern ---- */

struct wasm_extern {
	enum wasm_kind kind;
};

/* A C function that compiled code calls; pc is the address it returns to (x64/native.h). */
typedef enum err native_helper(struct wasm_instance *i, uint64_t *slots, uint32_t a, uint32_t b, const uint8_t *pc);

struct function {
	struct wasm_extern ext;
	uint32_t frame_slots;
	const code_t *code; /* NULL for host functions */
	uint16_t params, locals; /* slots, as in struct body */
	uint32_t index;
	const struct wasm_functype *type;
	struct wasm_instance *instance; /* NULL for host functions */
	const uint8_t *native; /* machine code, NULL when the module is not compiled */
	wasm_host_fn *host;
	void *ctx;
};

struct table {
	struct wasm_extern ext;
	struct table_type type;
	uint32_t count, capacity;
	uint64_t *entries; /* WASM_NULL_REF, or a struct function's address, or the embedder's own number */
};

struct memory {
	struct wasm_extern ext;
	struct size_range size;
	uint8_t *base;
	uint64_t bytes;
};

struct global_cell {
	struct wasm_extern ext;
	struct global_type type;
	uint64_t value;
	uint64_t high; /* of a v128 */
};

struct wasm_store {
	struct arena *arena;
	struct wasm_limits limits;
	struct wasm_memory_ops mem;
	struct wasm_poll poll;
	uint64_t *stack, *stack_end;
	uint64_t *top;         /* first free slot: where a nested wasm_call begins */
	uint32_t depth;        /* nested wasm_calls */
	const char *trap;      /* why, NULL if not trapped */
	const code_t *trap_pc; /* the trapping instruction, NULL when it is not known */
	const struct wasm_instance *trap_instance;
	const uint8_t *trap_native;   /* the same as trap_pc in compiled code */
	/* Where the interpreter is while it polls, NULL: it does not. */
	const code_t *poll_pc;
	const uint64_t *poll_fp;
	const struct wasm_instance *poll_instance;
	bool taken_over;              /* the poll: by compiled code, which has returned to what is */
	uint64_t saved[FRAME_SAVED];  /* here */
	uint64_t native_stack;        /* where the machine stack was when compiled code was entered last */
	uint32_t native_entries;      /* how often it is entered just now */
};

struct wasm_instance {
	/* What the interpreter looks at all the time stands first. */
	struct function **functions;
	struct global_cell **globals;
	struct memory *memory; /* never NULL: an empty one stands in */
	uint64_t *stack_end;
	int32_t fuel;          /* back-edges and calls until the next poll */
	const struct function *callee; /* of a call that leaves the instance, from one operation to the next */
	struct table **tables;
	struct wasm_store *store;
	const struct wasm_module *module;
	bool *dropped_data, *dropped_elements;
	struct wasm_extern **exports;
	struct memory no_memory;
	native_helper *const *helpers; /* what compiled code calls */
	const uint8_t *native_back;    /* where a call out of compiled code returns to */
};

/* Slots behind the end of the stack, for frames of compiled functions that call nothing: they do not look. */
enum { NATIVE_MARGIN = 1024 };

struct wasm_caller {
	struct wasm_store *store;
	struct wasm_instance *instance; /* NULL when a host function is called from outside */
};

static inline uint64_t ref_of(const struct function *f)
{
	return (uint64_t)(uintptr_t)f;
}

static inline struct function *function_of(uint64_t ref)
{
	return (struct function *)(uintptr_t)ref;
}

/* ---- between the files ---- */

/* Translation of one body; scratch is shared by all bodies of a module. */
struct translator;
struct body_sizes {
	uint32_t bytes;  /* of the largest body */
	uint32_t locals; /* that a body declares at most, parameters not counted; bounded by the limit */
};
/* The translator itself lives in scratch. declared[i]: function i may be named by ref.func. */
MUST_USE enum err translator_new(struct arena *a, struct arena *scratch, struct wasm_module *m, struct body_sizes most,
				 const bool *declared, bool data_count_known, struct translator **out);
/* The reader holds one body, to its end. On refusal *where is the offset of the instruction. */
MUST_USE enum err translate_body(struct translator *t, struct reader r, uint32_t function, uint32_t *where, struct note *why);
/* Reads a constant expression of this type, `end` included. globals: how many may be named. NULL declared: do not note. */
MUST_USE enum err read_init(struct reader *r, const struct wasm_module *m, uint8_t type, bool *declared, struct init *out,
			    struct note *why);
const char *opcode_name(uint32_t code); /* NULL: no such instruction in WebAssembly 2.0; without vectors */

/* Runs fp[0...] through f, which is not a host function, until it returns; results are at fp[0...]. */
MUST_USE enum err interpret(struct wasm_store *s, const struct function *f, uint64_t *fp);
/* Calls a host function for an instance: arguments and results in slots. */
MUST_USE enum err call_host(struct wasm_store *s, struct wasm_instance *inst, const struct function *f, uint64_t *slots);
/* Runs a compiled function in the same way as `interpret`, but for the frame, which it makes itself. */
MUST_USE enum err native_call(const struct function *f, uint64_t *fp);
/*
 * Where compiled code of this instance can take over from the interpreter, which stands at pc with this frame: NULL, or
 * an address for native_take_over, and the function.
 */
const uint8_t *native_entry_at(const struct wasm_instance *i, const code_t *pc, const uint64_t *fp,
                               const struct function **f);
/* As native_call, in the frame that the interpreter made. What that has saved in the frame is lost. */
MUST_USE enum err native_take_over(const struct function *f, uint64_t *fp, const uint8_t *entry);
/* Makes the module's own function number `own` a compiled one. */
void native_bind(const struct wasm_module *m, uint32_t own, struct function *f);
/* Function and offset in the module of a machine instruction; false: it is no site. */
bool native_place(const struct wasm_module *m, const uint8_t *site, uint32_t *function, uint32_t *offset);
extern native_helper *const native_helpers[];
/* The bulk operations, also used for initialisation. false: out of bounds, nothing was written. */
bool memory_init(struct wasm_instance *i, uint32_t segment, uint32_t d, uint32_t s, uint32_t n);
bool table_init(struct wasm_instance *i, uint32_t table, uint32_t segment, uint32_t d, uint32_t s, uint32_t n);
/* Both return the old size, or UINT32_MAX when refused. */
uint32_t memory_grow(struct wasm_store *s, struct memory *m, uint32_t pages);
uint32_t table_grow(struct wasm_store *s, struct table *t, uint64_t value, uint32_t count);

/* Does each import get what it wants? As wasm_instantiate says. */
MUST_USE enum err link_check(const struct wasm_module *m, struct wasm_extern *const *imports, struct note *n);

/* Is pc the head of a loop that compiled code can enter? Its function and the offset of its `loop` in the module. */
bool loop_place(const struct wasm_module *m, const code_t *pc, uint32_t *function, uint32_t *offset);

/*
 * running[i] is set for each own function i of the module that the interpreter has begun, seen from a poll of the store; for
 * all of them if calls are nested.
 */
void find_running(const struct wasm_store *s, const struct wasm_module *m, bool *running);

/* Fills the note from what the store knows about the trap. */
void trap_describe(const struct wasm_store *s, struct note *n);
/* A printable name of a function, from the name section or the exports; "" when it has none. */
enum { FUNCTION_NAME_MAX = 80 };
void function_name(const struct wasm_module *m, uint32_t index, char out[static FUNCTION_NAME_MAX]);

#endif
