/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The half of the suite runner that holds the engine: requests in, responses out, both plain bytes, so that it can run in
 * the same process or in a Keep. It uses no libc and no system call; its memory comes from its caller.
 *
 * All numbers are little-endian. A name is u32 length and bytes. A value is u8 type (enum wasm_type) and u64 bits,
 * two of them for a v128, the lower half first.
 *   request   u8 command, then
 *     RESET     u8 1: modules are compiled, 0: interpreted. Forgets all modules; a new script begins
 *     MODULE    the module's bytes: loads and instantiates it -> u32 number of the instance
 *     REGISTER  u32 instance, name: its exports can be imported under that name
 *     INVOKE    u32 instance, name, u32 count, values -> u32 count, values
 *     GET       u32 instance, name -> value
 *   response  u8 outcome, then the above for DONE, else the text of the error to the end
 */
#ifndef BROCH_TEST_SPEC_EXECUTOR_H
#define BROCH_TEST_SPEC_EXECUTOR_H

#include "lib/base/rw.h"
#include "lib/wasm/compile.h"

enum spec_command { SPEC_RESET, SPEC_MODULE, SPEC_REGISTER, SPEC_INVOKE, SPEC_GET };
enum spec_outcome {
	SPEC_DONE,
	SPEC_MALFORMED,
	SPEC_INVALID,
	SPEC_UNSUPPORTED,
	SPEC_UNLINKABLE,
	SPEC_TRAP,
	SPEC_FAILED /* anything else, the text says what */
};
enum { SPEC_RESPONSE_MAX = 65536, SPEC_INSTANCES_MAX = 4096, SPEC_NAMES_MAX = 256, SPEC_IMPORTS_MAX = 256 };

struct executor {
	struct arena *arena; /* everything of one script lives here */
	size_t mark;         /* what RESET goes back to */
	struct wasm_memory_ops memory;
	struct wasm_code_memory *code;
	bool compiles;
	enum wasm_tier tier; /* by which compiler */
	struct wasm_store *store;
	struct wasm_instance **instances;
	uint32_t instance_count;
	struct {
		struct slice name;
		struct wasm_instance *instance;
	} *names;
	uint32_t name_count;
	struct {
		struct slice name;
		struct wasm_extern *extern_;
	} spectest[13];
};

/* The arena and what memory.ctx points to must outlive the executor. */
/* code: where modules are compiled to; whoever gave it makes it empty before RESET. NULL: they cannot be. */
void executor_init(struct executor *x, struct arena *a, struct wasm_memory_ops memory, struct wasm_code_memory *code);
/* Returns the size of the response, at most SPEC_RESPONSE_MAX. */
size_t executor_handle(struct executor *x, struct slice request, uint8_t response[static SPEC_RESPONSE_MAX]);

#endif
