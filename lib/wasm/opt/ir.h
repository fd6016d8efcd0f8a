/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The optimizing compiler: one function at a time becomes a graph of values in SSA form, is improved pass by pass
 * (optimize.c lists them), gets registers and is written. Conventions between functions, frames, traps, sites and
 * polls are those of the baseline compiler (x64/compile.h), so that both call each other.
 *
 * Here rdi and xmm15 hold nothing from one instruction to the next; every other register that the baseline compiler
 * uses for temporaries or locals may hold a value.
 *
 * Small functions are read where they are called (inline.c says which). Their instructions keep their offsets in the
 * module, by which a trap finds its function.
 *
 * What a pass needs more than there is of (nodes, blocks, work that is not linear) ends it: `failed` is set, and the
 * function is compiled once more with nothing inlined, or keeps its baseline code. So time and memory are bounded by the
 * size of the body.
 */
#ifndef BROCH_WASM_OPT_IR_H
#define BROCH_WASM_OPT_IR_H

#include "lib/wasm/x64/compile.h"

/* Of a node. Below N_PHI: the WebAssembly instruction of that number (0xfc n: 0x100 + n). */
enum {
	N_PHI = 0x200,   /* in[0]: where in the pool its values are, one for each predecessor; k: 1 + the local, or 0 */
	N_PARAM,         /* k: its slot */
	N_CONST,         /* k: bits; in no block, of general types only */
	N_ZERO,          /* of a floating type */
	N_ARG,           /* in[0] to outgoing slot k, as `width` says */
	N_CALL,          /* function k */
	N_CALL_INDIRECT, /* in[0]: index; k: type << 32 | table */
	N_HELPER,        /* opcode k & 0xffff, immediates k >> 32; operands and result in outgoing slots */
	N_RESULT,        /* outgoing slot k */
	N_POLL,
	N_LEA, /* in[0] + (in[1] << scale) + k; in[0] may be 0 */
	N_HIGH_U, /* the upper half of the product of in[0] and a constant in[1], of 64 bits without sign */
	N_HIGH_S, /* and with sign */
};

enum {
	FLAG_FOLDED = 1, /* its only user computes it, or nobody */
	FLAG_LIVE = 2
};

struct node {
	uint16_t op;
	uint8_t type; /* of the value, 0: none */
	uint8_t flags;
	uint8_t scale; /* N_LEA */
	uint8_t width; /* N_ARG: the type that is written */
	uint32_t in[3];
	uint32_t block, next; /* in which list of which block */
	uint32_t where;       /* offset in the module */
	uint32_t uses;
	uint64_t k;
};

enum { STORED_AT_ONCE, STORED_LATE };

enum { END_NONE, END_JUMP, END_BRANCH, END_TABLE, END_RETURN, END_TRAP };

/* Blocks are numbered in the order of the code; all predecessors but those of back-edges come before. */
struct block {
	uint32_t first, last; /* nodes */
	uint32_t phis, last_phi;
	uint32_t preds, last_pred, pred_count; /* edges */
	uint32_t index;                        /* END_JUMP: which predecessor it is */
	uint8_t end;
	bool is_loop, enterable, is_entry, empty; /* is_entry: the interpreter hands over here */
	uint32_t value;                           /* what decides or is returned */
	uint32_t succ[2];                         /* END_BRANCH: taken if not zero, else */
	uint32_t targets, target_count;           /* END_TABLE: rows in the pool */
	uint32_t pending,
	        carried; /* while it is not known where it jumps to: the next one, and its values in the pool */
	uint32_t idom, dom_in, dom_out;
	uint32_t loop, loop_last; /* innermost loop (its head; of a head: itself); of a head: its last block */
	uint32_t depth;           /* of loops */
	uint32_t where;
	uint32_t *locals[2]; /* values at its end, 0: not known yet; own ones, those of inlined bodies */
	/* from live.c on */
	uint32_t from, to;            /* positions */
	uint32_t moves_in, moves_out; /* lists of moves */
	uint32_t at, fixups;          /* in the code */
};

struct edge {
	uint32_t from, next;
};

struct range {
	uint32_t from, to, next;
};

struct use {
	uint32_t at, next;
	bool must; /* in a register */
};

/* A part of a value's life that it spends in one place. */
struct interval {
	uint32_t value, from, to;
	uint32_t range, use, sibling; /* lists, ascending; siblings begin with the whole value's first part */
	uint32_t all_uses;            /* `use` moves on, this does not */
	uint8_t reg;                  /* NO_REG: in its slot */
	bool begun;                   /* its value is in its slot when it begins */
	bool early;                   /* the register before it is overwritten by the instruction before it */
};

struct fixed { /* a register, or all that calls do not keep, is taken */
	uint32_t from, to;
};
enum { FIXED_CALL, FIXED_RCX, FIXED_RAX_RDX, FIXED_KINDS };

/* A place: 0-31 registers, then slots. */
struct move {
	uint32_t at; /* position, or unused */
	uint32_t from, to, next;
	uint8_t load, store; /* types */
	uint64_t k;          /* from PLACE_CONST */
};
enum { PLACE_SLOT = 32 };
#define PLACE_CONST UINT32_MAX

/* Which functions are inlined, and how much of them (inline.c). */
struct inlining {
	struct {
		uint8_t cost, locals; /* cost 0: it is called */
	} * functions; /* own ones */
	uint64_t bodies, inlined; /* bytes so far */
};
enum { INLINE_DEPTH = 4, INLINE_LOCALS = 24 /* of all inlined bodies that one instruction is in */ };

/* The function's, or one that is inlined in it. */
struct body_at_hand {
	struct reader back; /* behind the call, in the body around it */
	uint32_t function, label; /* label: which is its own */
	uint32_t first_local, locals;
};

struct flow {
	struct compiler *c; /* the emitter, the module, the body */
	struct arena a;     /* all that follows; empty again with the next function */
	bool failed, calls;
	bool enterable; /* it has such a loop: */
	bool entered;   /* by the interpreter, at loops: there all locals are in their slots; the beginning is never run
	                 */
	const struct wasm_functype *type;
	uint32_t param_slots;
	struct inlining *inlining; /* NULL: all are called */
	uint32_t inline_left, inlined; /* bytes */

	struct node *nodes;
	struct block *blocks;
	struct edge *edges;
	uint32_t *pool;
	uint32_t node_count, node_max, block_count, block_max, edge_count, edge_max, pool_count, pool_max;
	uint32_t work; /* done of what is not linear */
	/* build.c */
	uint32_t *stack, height, stack_max;
	struct label *labels;
	uint32_t depth, label_max, now, loop, loop_depth;
	struct body_at_hand bodies[1 + INLINE_DEPTH], *body;
	uint8_t inlined_types[INLINE_LOCALS]; /* of the locals behind the function's own */
	uint32_t zeros[2], consts[64];
	/* passes */
	uint32_t *forward;                        /* by node: what stands for it, 0: itself */
	uint32_t *known, *known_next, known_mask; /* a hash table of nodes */
	/* registers */
	uint32_t *at;       /* by node: its number in the order of the code */
	uint32_t *order;    /* the other way round */
	uint32_t *block_at; /* by number: block */
	uint32_t order_count;
	struct range *ranges;
	struct use *uses;
	struct interval *intervals;
	uint32_t *interval_of; /* by node */
	uint32_t *slot_of;     /* by node: 1 + its slot, 0: none */
	uint8_t *stored;  /* by node: whether it goes to its slot where it is made, or where it leaves its register */
	uint32_t *phi_of; /* by node: a phi that it goes to */
	uint32_t *global; /* by node: 1 + its bit in the live sets */
	uint32_t *global_value;
	uint64_t *live;
	struct fixed *fixed[FIXED_KINDS];
	uint32_t fixed_count[FIXED_KINDS], fixed_max;
	struct move *moves;
	uint32_t range_count, range_max, use_count, use_max, interval_count, interval_max, global_count, live_words;
	uint32_t move_count, move_max;
	uint32_t *moves_at;                 /* by number: a list */
	uint32_t *readers, *target, *ready; /* by place, and moves */
	uint32_t zero_at;                   /* in the code: there the flags tell whether this register is zero */
	uint8_t zero_reg;
	bool zero_wide;
	uint32_t used_regs; /* bits */
	uint32_t outgoing;  /* slots that calls need */
	uint32_t saved_base, spill_base, spill_count, out_base;
};

static inline struct node *node_of(struct flow *f, uint32_t id)
{
	return &f->nodes[id];
}

static inline bool is_const(const struct flow *f, uint32_t id)
{
	return f->nodes[id].op == N_CONST;
}

/* ---- graph.c ---- */
enum opclass {
	CLASS_NONE,
	CLASS_UNARY,
	CLASS_BINARY,
	CLASS_COMPARE,
	CLASS_DIVIDE,
	CLASS_TRUNC,
	CLASS_LOAD,
	CLASS_STORE
};
struct opclasses {
	uint8_t class, in, out; /* types */
	bool commutes;
};
extern const struct opclasses op_classes[OPCODES];
uint32_t new_node(struct flow *f, uint16_t op, uint8_t type, uint32_t x, uint32_t y);
uint32_t constant(struct flow *f, uint8_t type, uint64_t k);
void append(struct flow *f, uint32_t block, uint32_t id);
/* Bits of a vector that may be asked for from a node's operands without effect and any number of times. */
bool is_pure(const struct flow *f, const struct node *n);
bool is_wide_type(uint8_t type);
uint32_t take_pool(struct flow *f, uint32_t count);
bool has_vectors(const struct wasm_functype *t);

/* ---- inline.c ---- */
MUST_USE struct inlining *inlining_new(const struct wasm_module *m, struct arena *a);
/* How many bytes of others are put into a body of this size at most, */
uint32_t inline_room(uint32_t size);
/* and into this one, which is next. */
uint32_t inline_begin(struct inlining *in, uint32_t size);
/* Of inlining the function where the body at hand calls it; 0: it is called. */
uint32_t inline_cost(const struct flow *f, uint32_t index);

/* ---- the passes, in this order ---- */
void build(struct flow *f);       /* graph from the body */
void remove_phis(struct flow *f); /* those that are one value */
void dominators(struct flow *f);
bool dominates(const struct flow *f, uint32_t a, uint32_t b); /* blocks */
void number_values(struct flow *f); /* one node for each value, simplified */
void hoist(struct flow *f);         /* out of loops */
void count_from_zero(struct flow *f); /* where a loop counts up to it */
void fold_offsets(struct flow *f);    /* into addresses */
void remove_dead(struct flow *f);
void select_instructions(struct flow *f); /* what is computed by its user */
void live_ranges(struct flow *f);
void allocate(struct flow *f);
void resolve(struct flow *f); /* moves between the parts of values */
void write_code(struct flow *f);

/* ---- simplify.c ---- */
/* Another node or constant that is the same as the node, or 0. May change the node, and `before` adds nodes. */
typedef uint32_t before_fn(struct flow *f, uint16_t op, uint8_t type, uint32_t x, uint32_t y);
uint32_t simplify(struct flow *f, uint32_t id, before_fn *before);
/* The constant that an operation on constants is, 0: it is none. */
uint32_t fold_constants(struct flow *f, const struct node *n);
uint32_t resolved(struct flow *f, uint32_t id);

/* ---- divide.c ---- */
/* The same for a division by a constant. */
uint32_t simplify_division(struct flow *f, const struct node *n, before_fn *before);

/* ---- counters.c ---- */
/* The block that decides whether the loop comes round, taken if it does; 0: there is none right before it. */
uint32_t test_of_loop(const struct flow *f, const struct block *head);

/* ---- offsets.c ---- */
/* What a number of 32 bits is at most. */
uint64_t at_most(const struct flow *f, uint32_t id);

/* ---- what live.c and write.c know of operands ---- */
enum use_kind { USE_EARLY = 0, USE_LATE = 1, USE_MUST = 2 };
typedef void use_fn(struct flow *f, uint32_t value, unsigned kind, void *ctx);
void each_use(struct flow *f, uint32_t id, use_fn *fn, void *ctx);
void each_end_use(struct flow *f, const struct block *b, use_fn *fn, void *ctx);
bool is_compare(uint32_t op);
/* The part of a value's life that holds at the position. */
const struct interval *interval_at(const struct flow *f, uint32_t value, uint32_t at);

/* ---- optimize.c ---- */
/* The reader of the compiler is at the body's code. `entered`: for the interpreter, which enters at loops, instead of
 * for calls. False: not by this compiler. */
bool optimize_body(struct flow *f, uint32_t size, bool entered, bool inlines);
MUST_USE struct flow *optimizer_new(struct compiler *c, uint32_t largest_body);

#endif
