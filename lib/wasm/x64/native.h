/* SPDX-License-Identifier: Apache-2.0 */
/* What a compiled module is, and what its code and the C code of the engine call in each other. */
#ifndef BROCH_X64_NATIVE_H
#define BROCH_X64_NATIVE_H

#include "lib/wasm/compile.h"
#include "lib/wasm/module.h"

struct native_function {
	uint32_t offset, size;      /* of its code; one that is not compiled has a thunk to the interpreter */
	uint32_t sites, sites_size; /* where in native_module.sites: pairs of LEB128, both differences and modulo 2^32:
	                               code, module; in another body, where that is inlined */
	bool compiled;
	code_t call[3]; /* what the interpreter runs: IOP_native, index32 */
};

/* The head of a loop where the interpreter can hand over: offset of `loop` in the module, of the entry in the code. */
struct native_loop {
	uint32_t loop, entry;
};

/*
 * The head of a loop in optimized code, and which general registers hold numbers of 32 bits with a clear upper half
 * whenever it is reached. The checker takes this for a claim, and proves it.
 */
struct native_head {
	uint32_t at;
	uint16_t halves;
};

/* A function that was optimized is there once more behind itself, if the interpreter has begun it and can go on at a loop. */
struct native_second {
	uint32_t own, offset, size, sites, sites_size;
};

struct native_module {
	uint8_t *base;
	uint32_t size;
	uint32_t enter, fault, helper, call_helper, poll; /* offsets of stubs */
	uint32_t thunks;                            /* behind the stubs: ways to imported functions */
	uint32_t traps[8];                          /* stubs, by kind */
	uint32_t compiled;
	struct wasm_code_memory *memory;
	struct wasm_module *next; /* in the area */
	const uint8_t *sites;
	struct native_function *functions; /* own ones */
	struct native_loop *loops;         /* ascending */
	uint32_t loop_count;
	struct native_head *heads;     /* ascending */
	struct native_second *seconds; /* ascending */
	uint32_t head_count, second_count;
	uint32_t optimized; /* functions, of those compiled */
};

/*
 * What compiled code calls. A site is an instruction that may stop the program: a load or store by its first byte, a
 * call by its last one, so that no address means both. pc is the address behind the call.
 */
enum helper { HELPER_TRAP, HELPER_FAULT, HELPER_POLL, HELPER_CALL, HELPER_CALL_INDIRECT, HELPER_OP, HELPER_SIMD, HELPER_COUNT };
enum trap_kind {
	TRAP_UNREACHABLE,
	TRAP_DIVIDE,
	TRAP_OVERFLOW,
	TRAP_CONVERSION,
	TRAP_STACK,
	TRAP_UNDEFINED,
	TRAP_UNINITIALIZED,
	TRAP_COUNT
};

/* The slots that a frame may have beyond those of the interpreter: registers that are saved, and the least of frames. */
enum { NATIVE_FRAME_GROWTH = 32 };

#endif
