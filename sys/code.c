/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/code.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

static const size_t CODE_BYTES = (size_t)1 << 30, LINEAR_BYTES = (size_t)16 << 30;
enum { STEP = 1 << 18 };

static struct wasm_code_memory memory;

static enum err commit(struct arena *a, size_t size)
{
	size_t want = (size + STEP - 1) & ~(size_t)(STEP - 1);

	if (want > a->max || mprotect(a->base + a->committed, want - a->committed, PROT_READ | PROT_WRITE) != 0)
		return ERR_NOMEM;
	a->committed = want;
	return OK;
}

static enum err seal(void *ctx, uint8_t *base, size_t size)
{
	(void)ctx;
	return mprotect(base, size, PROT_READ | PROT_EXEC) == 0 ? OK : ERR_IO;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t go_on = wasm_code_fault(&memory, (uint64_t)registers[REG_RIP]);

	(void)info;
	if (go_on != 0)
		registers[REG_RIP] = (greg_t)go_on;
	else
		signal(number, SIG_DFL); /* it happens again, and ends the process */
}

enum err code_memory_open(struct wasm_code_memory **out)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	void *p = mmap(NULL, CODE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return ERR_NOMEM;
	memory = (struct wasm_code_memory){
	        .arena = {.base = p, .max = CODE_BYTES, .commit = commit},
	        .seal = seal,
	};
	if (sigaction(SIGSEGV, &action, NULL) != 0)
		return ERR_IO;
	*out = &memory;
	return OK;
}

void code_memory_reset(struct wasm_code_memory *c)
{
	if (c->arena.committed == 0)
		return;
	(void)!mmap(c->arena.base, c->arena.committed, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
	     0);
	c->arena.used = c->arena.committed = c->arena.dirty = 0;
	c->first = NULL;
}

/* ---- linear memories ---- */

uint8_t *code_linear_new(uint32_t pages)
{
	void *p = mmap(NULL, LINEAR_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (code_linear_grow(p, pages) == OK)
		return p;
	code_linear_free(p);
	return NULL;
}

int code_image_new(const struct wasm_module *m)
{
	uint64_t size;
	void *p;
	int fd;

	if (!wasm_memory_image(m, &size))
		return -1;
	fd = memfd_create("broch-image", MFD_CLOEXEC);
	if (fd < 0 || size == 0)
		return fd;
	if (ftruncate(fd, (off_t)size) == 0) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p != MAP_FAILED) {
			wasm_memory_image_write(m, p);
			munmap(p, size);
			return fd;
		}
	}
	close(fd);
	return -1;
}

uint8_t *code_linear_from(int image, uint32_t pages)
{
	uint8_t *p = code_linear_new(pages);
	struct stat st;

	if (p == NULL)
		return NULL;
	if (fstat(image, &st) == 0 && (uint64_t)st.st_size <= (uint64_t)pages * WASM_PAGE_SIZE &&
	    (st.st_size == 0 || mmap(p, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, image, 0) == p))
		return p;
	code_linear_free(p);
	return NULL;
}

enum err code_linear_grow(uint8_t *base, uint32_t pages)
{
	return pages == 0 || mprotect(base, (size_t)pages * WASM_PAGE_SIZE, PROT_READ | PROT_WRITE) == 0 ? OK
	                                                                                                 : ERR_NOMEM;
}

void code_linear_free(uint8_t *base)
{
	munmap(base, LINEAR_BYTES);
}

/* ---- for a store ---- */

static enum err create(void *ctx, uint32_t pages, uint32_t max_pages, uint8_t **base)
{
	struct code_linear *l = ctx;

	(void)max_pages;
	*base = l->base = code_linear_new(pages);
	return *base == NULL ? ERR_NOMEM : OK;
}

static enum err create_image(void *ctx, const struct wasm_module *m, uint32_t pages, uint32_t max_pages, uint8_t **base)
{
	struct code_linear *l = ctx;

	(void)m;
	(void)max_pages;
	*base = l->base = code_linear_from(l->image, pages);
	return *base == NULL ? ERR_NOMEM : OK;
}

static enum err grow(void *ctx, uint8_t *base, uint32_t old_pages, uint32_t pages)
{
	(void)ctx;
	(void)old_pages;
	return code_linear_grow(base, pages);
}

struct wasm_memory_ops code_linear_ops(struct code_linear *l)
{
	return (struct wasm_memory_ops){
	        .create = create, .grow = grow, .ctx = l, .create_image = l->image < 0 ? NULL : create_image};
}
