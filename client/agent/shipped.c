/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/shipped.h"

#include "client/agent/local.h"
#include "sys/file.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { IMAGE_MAX = 16 << 20, ARENA_SIZE = 256 << 20 /* of addresses; pages appear as they are touched */ };

static const struct {
	const char *image;
	enum boot_kind kind;
	enum boot_tee tee;
} variants[] = {
	{"broch-keep-vm.elf", BOOT_VM, BOOT_TEE_SOFT},
	{"broch-keep-process.elf", BOOT_PROCESS, BOOT_TEE_SOFT},
};

static enum err digest(struct slice elf, size_t variant, void *memory, struct shipped *out, struct note *n)
{
	struct plan_params params = {variants[variant].kind, variants[variant].tee, 1};
	struct arena a = arena_of(memory, ARENA_SIZE);
	struct plan plan;

	TRY(plan_build(&a, elf, params, &plan, n));
	TRY(measure_snp(&plan, out->digests[out->count]));
	out->of[out->count].image = variants[variant].image;
	out->of[out->count].kind = variants[variant].kind;
	out->of[out->count++].tee = variants[variant].tee;
	return OK;
}

static enum err add(size_t variant, struct shipped *out, struct note *n)
{
	char path[600];
	struct slice elf;
	void *memory;
	enum err err;

	TRY(sibling(variants[variant].image, path, sizeof path, n));
	TRY(file_read(path, IMAGE_MAX, &elf, n));
	memory = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	err = memory != MAP_FAILED ? digest(elf, variant, memory, out, n) : ERR_NOMEM;
	if (memory != MAP_FAILED)
		munmap(memory, ARENA_SIZE);
	free((void *)(uintptr_t)elf.data);
	return err;
}

enum err shipped_digests(unsigned kind, struct shipped *out, struct note *n)
{
	struct note missing = {0};

	out->count = 0;
	for (size_t i = 0; i < ARRAY_COUNT(variants); i++) {
		struct note one = {0};
		enum err err;

		if (kind != 0 && kind != (unsigned)variants[i].kind)
			continue;
		err = add(i, out, &one);
		if (err == ERR_NOT_FOUND)
			note_set(&missing, "%s", one.text);
		else if (err != OK)
			return refuse(n, err, "%s: %s", variants[i].image, one.text[0] != 0 ? one.text : err_text(err));
	}
	return out->count > 0 ? OK : refuse(n, ERR_NOT_FOUND, "%s", missing.text);
}
