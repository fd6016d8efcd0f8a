/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a generated module does: every exported function of [i32 i64 f32 f64] is called twice, then the exported
 * globals, tables and memory are looked at. Nothing in it depends on the tier or the engine: a NaN counts as the
 * canonical one, a reference to a function as its index + 1, an externref as its number + 1, a null reference as 0.
 */
#ifndef BROCH_TEST_TIERS_RUN_H
#define BROCH_TEST_TIERS_RUN_H

#include "lib/wasm/compile.h"

enum { RUN_CALLS = 48, RUN_PARAMS = 4, RUN_RESULTS = 8, RUN_GLOBALS = 16, RUN_TABLES = 4, RUN_BUDGET = 200 };
enum tier { TIER_INTERPRETED, TIER_COMPILED, TIER_LATE, TIER_OPTIMIZED, TIER_OPTIMIZED_LATE };

struct outcome {
	enum err err;
	uint32_t function; /* which of the exported functions */
	uint32_t count;    /* of results, 0 when it trapped */
	uint64_t args[RUN_PARAMS], values[RUN_RESULTS];
	char why[NOTE_MAX];
};

struct run {
	struct outcome start; /* err: of the start function and the segments; nothing else is there if it is not OK */
	struct outcome calls[RUN_CALLS];
	uint64_t globals[RUN_GLOBALS];
	struct {
		uint32_t size, digest;
	} tables[RUN_TABLES];
	uint32_t call_count, global_count, table_count;
	uint32_t host_calls, host_digest; /* of what host functions were given */
	uint8_t *memory;
	uint64_t memory_size;
	uint32_t functions;   /* of the module's own */
	uint32_t interpreted; /* those of them that the compiler left alone */
	uint32_t optimized;   /* and those that the optimizing one took */
};

/*
 * Everything lives in the arena. The memory is the caller's to free. Ends the process when the module is not valid, or
 * `prove` and the checker refuses the code of it.
 */
void run_module(struct arena *a, struct slice bytes, struct wasm_code_memory *code, enum tier tier, uint64_t seed,
                bool prove, struct run *r);

#endif
