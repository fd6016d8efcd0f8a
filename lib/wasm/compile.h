/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between the engine and compiled code: wasm_compile writes a loaded module's functions as x86-64 machine
 * code, has it sealed, and instances made afterwards run compiled. Functions that are not compiled (very deep
 * nesting) run in the interpreter; both call each other.
 *
 * What compiled code relies on: behind the base of each linear memory, 8 GiB and 16 bytes of addresses are absent but
 * for its present pages, and a page fault there is given to wasm_code_fault.
 */
#ifndef BROCH_WASM_COMPILE_H
#define BROCH_WASM_COMPILE_H

#include "lib/wasm/wasm.h"

/* Where machine code lives. Must not move while a module compiled into it lives. */
struct wasm_code_memory {
	/* Contiguous addresses; `commit` makes writable, zero pages appear. Its granularity is that of sealing. */
	struct arena arena;
	/* Makes executable and unwritable for ever what was committed since the last time. On failure it is never used.
	 */
	enum err (*seal)(void *ctx, uint8_t *base, size_t size);
	void *ctx;
	struct wasm_module *first; /* private: the module sealed last */
	uint32_t fault_offset;     /* private: of the last fault, in the code of its module */
};

/* Which compiler: the fast one, or the one whose code is fast, which leaves to the other what it cannot do (vectors,
 * very long functions). */
enum wasm_tier { WASM_TIER_BASELINE, WASM_TIER_OPTIMIZED };

/*
 * running: NULL, or an instance whose program is being run, in the poll of which this is called. It goes on in compiled code at
 * the loops of the functions that it has begun, of which there is code for that, too.
 * scratch: keeps what has to live as long as the module, the rest is given back. Where it is too small for the optimizing
 * compiler, which takes some 10 MB for a body of 10 KB, large functions or all get baseline code. On failure nothing was compiled, and
 * the module runs in the interpreter: ERR_NOMEM; ERR_UNSUPPORTED: the CPU has no SSE4.1; or what `seal` gave. Linear in
 * the size of the module.
 */
MUST_USE enum err wasm_compile(struct wasm_module *m, enum wasm_tier tier, const struct wasm_instance *running,
			       struct arena *scratch, struct wasm_code_memory *code);
/* For a fault handler: where to go on after a page fault at pc, 0: no fault of compiled code at a linear memory.
 * Touches nothing but *code and its modules. */
uint64_t wasm_code_fault(struct wasm_code_memory *code, uint64_t pc);

/*
 * Lets an instance that was made before its module was compiled run compiled from now on. Its program may be running,
 * in the poll of which this is called: what the interpreter has begun it goes on with, until it calls a function or
 * comes to the head of a loop where compiled code can take over (almost every loop) at a poll.
 */
void wasm_run_compiled(struct wasm_instance *i);

/* What became of it: functions compiled, of those optimized, and those left to the interpreter. */
struct wasm_code_stats {
	uint32_t compiled, optimized, interpreted;
	size_t bytes;
};
struct wasm_code_stats wasm_code_stats(const struct wasm_module *m);

#endif
