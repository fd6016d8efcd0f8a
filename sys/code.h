/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled code in an ordinary process: memory for it, linear memories with the guard it relies on, and the handler
 * that makes its page faults traps. One code memory a process, because the handler has to find it.
 */
#ifndef BROCH_SYS_CODE_H
#define BROCH_SYS_CODE_H

#include "lib/wasm/compile.h"

/* Reserves addresses for code and installs the handler of SIGSEGV. Faults of others end the process as without it.
 * Called again: the same memory, and the handler anew. */
MUST_USE enum err code_memory_open(struct wasm_code_memory **out);
/* All modules are gone; their code may be overwritten. */
void code_memory_reset(struct wasm_code_memory *c);

/* 16 GiB of addresses, of which `pages` are usable. NULL: there are not so many. */
uint8_t *code_linear_new(uint32_t pages);
MUST_USE enum err code_linear_grow(uint8_t *base, uint32_t pages);
void code_linear_free(uint8_t *base);
/*
 * The image of a module's memories (wasm_memory_image) in a file that is only memory; a descriptor, to be closed by the
 * caller. -1: the module has no image, or there is no memory.
 */
int code_image_new(const struct wasm_module *m);
/* As code_linear_new, with the image mapped copy-on-write. */
uint8_t *code_linear_from(int image, uint32_t pages);

/* For a store with one memory, which is noted here: to be freed by the caller. */
struct code_linear {
	uint8_t *base; /* NULL: not made */
	int image;     /* of the module's memories, or -1: data is copied */
};
struct wasm_memory_ops code_linear_ops(struct code_linear *l);

#endif
