/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tenant delivers, as one deterministic CBOR map with integer keys (the public interface of evidence: its
 * SHA-256 is what third parties compare). Unknown keys, unsorted keys, wrong types and values past the maxima are refused.
 *   1 version (1)   2 module {1 sha256, 2 size}   3 args [text]   4 env [text "K=V"]
 *   5 files [{1 path, 2 sha256, 3 size, 4 mode}] sorted by path, relative, no "." or ".."
 *   6 limits {1 memory bytes, 2 wall ns, 3 cpu ns, 4 open files, 5 file bytes}   0 or absent: the default below
 *   7 flags (bit 0: stdin is connected; bit 1: detached, output is kept in a ring)   8 name (text, for people)
 */
#ifndef BROCH_SESSION_MANIFEST_H
#define BROCH_SESSION_MANIFEST_H

#include "lib/base/arena.h"
#include "lib/base/slice.h"

enum {
	MANIFEST_SIZE_MAX = 4 << 20,
	MANIFEST_ARGS_MAX = 4096,
	MANIFEST_ENV_MAX = 4096,
	MANIFEST_FILES_MAX = 16384,
	MANIFEST_PATH_MAX = 1024,
	MANIFEST_MODULE_MAX = 256 << 20,
};
#define MANIFEST_MEMORY_DEFAULT (UINT64_C(1) << 30)

enum manifest_flags { MANIFEST_STDIN = 1, MANIFEST_DETACHED = 2 };

struct manifest_blob {
	uint8_t sha256[32];
	uint64_t size;
};

struct manifest_file {
	struct slice path;
	struct manifest_blob blob;
	uint32_t mode; /* permission bits; 0444 or 0555 */
};

struct manifest {
	struct manifest_blob module;
	struct slice *args, *env;
	size_t arg_count, env_count;
	struct manifest_file *files;
	size_t file_count;
	struct {
		uint64_t memory_bytes, wall_ns, cpu_ns, open_files, file_bytes;
	} limits;
	uint32_t flags;
	struct slice name;
};

/* Slices point into `cbor`, arrays live in the arena; both must outlive *out. */
MUST_USE enum err manifest_decode(struct arena *a, struct slice cbor, struct manifest *out, struct note *n);
/* Canonical bytes into out; ERR_SPACE when they do not fit, ERR_INVALID for what decode would refuse. */
MUST_USE enum err manifest_encode(const struct manifest *m, void *out, size_t capacity, size_t *size, struct note *n);

#endif
