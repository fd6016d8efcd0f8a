/* SPDX-License-Identifier: Apache-2.0 */
#include "test/wasi/hosted.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_OURS = 125 };

struct arena hosted_arena(size_t max)
{
	void *p = mmap(NULL, max, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		err(EXIT_OURS, "cannot reserve %zu bytes", max);
	return (struct arena){.base = p, .committed = max, .max = max}; /* dirty is 0: the kernel gives zeroes */
}

static enum err memory_grow(void *ctx, uint8_t *base, uint32_t old_pages, uint32_t pages)
{
	(void)ctx;
	(void)old_pages;
	if (pages == 0)
		return OK;
	return mprotect(base, (size_t)pages * WASM_PAGE_SIZE, PROT_READ | PROT_WRITE) == 0 ? OK : ERR_NOMEM;
}

/* 8 GiB and a guard: what a Keep reserves as well, so that an engine may rely on it. */
static enum err memory_create(void *ctx, uint32_t pages, uint32_t max_pages, uint8_t **base)
{
	void *p = mmap(NULL, (UINT64_C(8) << 30) + WASM_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	(void)max_pages;
	if (p == MAP_FAILED)
		return ERR_NOMEM;
	*base = p;
	return memory_grow(ctx, p, 0, pages);
}

struct wasm_memory_ops hosted_memory(void)
{
	return (struct wasm_memory_ops){.create = memory_create, .grow = memory_grow};
}

struct slice hosted_read(struct arena *a, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;
	size_t done = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		err(EXIT_OURS, "%s", path);
	if ((bytes = arena_alloc(a, (size_t)st.st_size + 1, 1)) == NULL)
		errx(EXIT_OURS, "%s: too large", path);
	while (done < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + done, (size_t)st.st_size - done);

		if (n < 0)
			err(EXIT_OURS, "%s", path);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	return slice_of(bytes, done);
}

static struct slice copy_text(struct arena *a, const char *text)
{
	size_t size = strlen(text);
	char *copy = arena_alloc(a, size + 1, 1);

	if (copy == NULL)
		errx(EXIT_OURS, "out of memory");
	memcpy(copy, text, size);
	return slice_of(copy, size);
}

static void load_one(struct hosted_tree *t, const char *host, const char *guest)
{
	struct stat st;

	if (lstat(host, &st) != 0)
		err(EXIT_OURS, "%s", host);
	if (S_ISDIR(st.st_mode)) {
		hosted_load(t, host, guest);
	} else if (S_ISREG(st.st_mode)) {
		if (t->count == HOSTED_FILES_MAX)
			errx(EXIT_OURS, "%s: more than %d files", host, HOSTED_FILES_MAX);
		t->files[t->count++] = (struct wasi_file){.path = copy_text(t->arena, guest),
							  .bytes = hosted_read(t->arena, host),
							  .mode = (st.st_mode & 0111) != 0 ? 0555 : 0444};
	} else {
		warnx("%s: neither a file nor a directory: left out", host);
	}
}

void hosted_load(struct hosted_tree *t, const char *directory, const char *guest_prefix)
{
	struct dirent **names;
	int count = scandir(directory, &names, NULL, alphasort);

	if (count < 0)
		err(EXIT_OURS, "%s", directory);
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		char host[4096], guest[4096];

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			snprintf(host, sizeof host, "%s/%s", directory, name);
			snprintf(guest, sizeof guest, "%s%s%s", guest_prefix, *guest_prefix ? "/" : "", name);
			load_one(t, host, guest);
		}
		free(names[i]);
	}
	free(names);
}
