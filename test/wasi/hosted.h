/* SPDX-License-Identifier: Apache-2.0 */
/* What a hosted program needs to run a module: address space for arenas and linear memories, files, a directory's tree. */
#ifndef BROCH_TEST_WASI_HOSTED_H
#define BROCH_TEST_WASI_HOSTED_H

#include "keep/wasi/wasi.h"

#define HOSTED_FILES_MAX 65536

/* An arena over max bytes of fresh address space, backed by memory as it is touched. Exits when there is none. */
struct arena hosted_arena(size_t max);
struct wasm_memory_ops hosted_memory(void);
/* The file in memory (from the arena). Exits with a message when it cannot be read. */
struct slice hosted_read(struct arena *a, const char *path);

struct hosted_tree {
	struct arena *arena;
	struct wasi_file *files; /* HOSTED_FILES_MAX */
	size_t count;
};
/* Adds all regular files below the host's directory, as guest_prefix/... (empty: the root). */
void hosted_load(struct hosted_tree *t, const char *directory, const char *guest_prefix);

#endif
