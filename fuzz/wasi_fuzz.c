/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that makes any WASI calls with any arguments on any memory. The input is a list of steps: a function's number,
 * its arguments, and sometimes a change of memory. After the last step everything is closed and unlinked; the tree must
 * then be as small as it was.
 */
#include "test/wasi/fake_engine.h"
#include "test/wasi/fake_port.h"

#include "lib/base/rw.h"

enum { MEMORY = 65536, STEPS_MAX = 4096 };

static const char *const words[] = {"a", "b", "d", "d/a", "d/b", "..", ".", "l", "l/a", "d/../a", "a/", "d/e", "d/e/f", "/a",
				    "lib/data.txt", "lib", "d/e/../..", "verylongnameverylongnameverylongnameverylongnameverylong"};

/* Small numbers, addresses of words, addresses at the end: what reaches deep, besides anything at all. */
static uint64_t argument(struct reader *r, const uint32_t *word_at)
{
	uint8_t how = 0, v8 = 0;
	uint32_t v32 = 0;
	uint64_t v64 = 0;

	(void)rd_u8(r, &how);
	switch (how % 8) {
	case 0: (void)rd_u64le(r, &v64); return v64;
	case 1: (void)rd_u32le(r, &v32); return v32;
	case 2: return how >> 3;
	case 3: return word_at[(how >> 3) % ARRAY_COUNT(words)];
	case 4: return strlen(words[(how >> 3) % ARRAY_COUNT(words)]);
	case 5: return UINT64_MAX >> (how >> 3);
	case 6: (void)rd_u8(r, &v8); return MEMORY - v8;
	default: (void)rd_u8(r, &v8); return 256u * v8;
	}
}

static void step(struct reader *r, struct wasm_caller *caller, const uint32_t *word_at)
{
	union wasm_value v[16] = {{0}};
	struct slice patch;
	uint16_t at = 0;
	uint8_t number = 0, size = 0;
	struct wasm_extern *f;

	(void)rd_u8(r, &number);
	if (number >= 0xf0) { /* write into memory instead: vectors, subscriptions, paths */
		if (rd_u16le(r, &at) == OK && rd_u8(r, &size) == OK && size <= MEMORY - at && rd_bytes(r, size, &patch) == OK)
			memcpy(caller->memory + at, patch.data, size);
		return;
	}
	f = &fake_externs[number % fake_extern_count];
	for (uint32_t i = 0; i < f->type.param_count; i++)
		v[i].i64 = argument(r, word_at);
	(void)f->fn(f->ctx, caller, v);
}

/* Removes all that can be removed below dir. */
static void empty(struct vfs_node *dir, unsigned depth)
{
	const struct vfs_ops *ops = dir->fs->ops;
	struct vfs_entry e = {.next = 2};

	while (depth < 100000 && ops->list(dir, e.next, &e)) {
		struct vfs_node *n = NULL;
		uint8_t copy[WASI_NAME_MAX];
		struct slice name = slice_of(copy, e.name.size);

		memcpy(copy, e.name.data, e.name.size);
		CHECK(ops->lookup(dir, name, &n) == WASI_OK);
		if (n->type == WASI_TYPE_DIRECTORY)
			empty(n, depth + 1);
		vfs_release(n);
		CHECK((e.type == WASI_TYPE_DIRECTORY ? ops->rmdir : ops->unlink)(dir, name) == WASI_OK);
	}
}

static void end_clean(struct wasi *w)
{
	struct vfs_node *root = memfs_root(&w->fs);

	for (uint32_t i = 0; i < w->fds.count; i++)
		(void)fds_close(&w->fds, i);
	empty(root, 0);
	vfs_release(root);
	CHECK(memfs_used(&w->fs) == POOL_BLOCK); /* the root alone */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[2 << 20], files[2 << 20];
	static const struct wasi_file package = {.path = {(const uint8_t *)"lib/data.txt", 12},
						 .bytes = {(const uint8_t *)"delivered", 9}};
	struct arena a = arena_of(memory, sizeof memory), f = arena_of(files, sizeof files);
	struct wasi_config cfg = {.files = &package, .file_count = 1, .file_bytes = 1 << 20, .open_files = 24, .file_arena = &f};
	struct wasm_caller caller = {malloc(MEMORY), MEMORY};
	struct reader r = rd_of(slice_of(data, size));
	uint32_t word_at[ARRAY_COUNT(words)];
	struct note n = {{0}};
	struct wasi *w;

	CHECK(caller.memory != NULL && wasi_new(&a, &cfg, &w, &n) == OK);
	CHECK(fake_link(w, &a, size % 2 == 0 ? "wasi_snapshot_preview1" : "wasi_unstable", &n) == OK);
	memset(&fake, 0, sizeof fake);
	memset(caller.memory, 0, MEMORY);
	for (uint32_t i = 0, at = 32768; i < ARRAY_COUNT(words); i++, at += 128)
		memcpy(caller.memory + (word_at[i] = at), words[i], strlen(words[i]));
	for (unsigned i = 0; i < STEPS_MAX && rd_left(&r) > 0; i++)
		step(&r, &caller, word_at);
	end_clean(w);
	free(caller.memory);
	return 0;
}
