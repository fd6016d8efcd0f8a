/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/memory.h"

#include "keep/call/call.h"
#include "keep/call/fault.h"

#include <assert.h>

enum { PAGE = 4096, STEP_LEAST = 8 << 20, STEP_MOST = 16 << 20, MANIFEST_AREA = 8 << 20, MANIFEST_STEP = 512 << 10 };

/* The heap area of 64 GiB is cut into fixed parts, far from each other. */
#define FILES_PART (UINT64_C(32) << 30)
#define MOUNTS_PART (UINT64_C(44) << 30)
#define MOUNT_SIZE (UINT64_C(2) << 30)
#define MANIFEST_PART (UINT64_C(60) << 30)
#define MODULE_PART (UINT64_C(61) << 30)
#define MODULE_SIZE (UINT64_C(3) << 30)
static_assert(MEMORY_MOUNTS * MOUNT_SIZE <= MANIFEST_PART - MOUNTS_PART, "the mounts fill their part at most");

static uint64_t round_up(uint64_t size)
{
	return (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

enum err memory_charge(struct memory *m, uint64_t size)
{
	if (size > m->limit - m->used)
		return ERR_LIMIT;
	m->used += size;
	return OK;
}

void memory_discharge(struct memory *m, uint64_t size)
{
	CHECK(size <= m->used);
	m->used -= size;
}

/* An address of our plan becomes a pointer; only here. */
static uint8_t *at(uint64_t va)
{
	return (uint8_t *)(uintptr_t)va; // NOLINT(performance-no-int-to-ptr)
}

static enum err grow_to(struct arena *a, uint64_t size)
{
	TRY(call_grow((uint64_t)(uintptr_t)a->base + a->committed, size - a->committed));
	a->committed = (size_t)size;
	return OK;
}

static enum err commit_by(struct arena *a, size_t size, uint64_t step)
{
	enum err err;

	for (;; step /= 4) {
		uint64_t want = round_up(size > a->committed + step ? size : a->committed + step);

		err = grow_to(a, want > a->max ? a->max : want);
		if (err == OK || step < PAGE)
			return err;
	}
}

/*
 * Each GROW costs an exit, so more is asked for than needed now: at once as much as small programs need in all. Memory
 * nobody touches costs the host nothing; where it is short of promises, less is asked for.
 */
static enum err commit_generously(struct arena *a, size_t size)
{
	const uint64_t step = a->committed / 2;

	return commit_by(a, size, step < STEP_LEAST ? STEP_LEAST : step > STEP_MOST ? STEP_MOST : step);
}

/* Most manifests are short. What is asked for in vain is not free either: it brings nearer the end of a host's slot. */
static enum err commit_manifest(struct arena *a, size_t size)
{
	return commit_by(a, size, MANIFEST_STEP);
}

static enum err commit_charged(struct arena *a, size_t size)
{
	uint64_t want = round_up(size);

	TRY(memory_charge(a->ctx, want - a->committed));
	return grow_to(a, want);
}

static enum err seal(void *ctx, uint8_t *base, size_t size)
{
	(void)ctx;
	return call_seal((uint64_t)(uintptr_t)base, size);
}

static uint64_t on_fault(void *ctx, uint64_t pc)
{
	return wasm_code_fault(ctx, pc);
}

/* What has to know where m is. */
static void place(struct memory *m)
{
	m->files.ctx = m;
	for (size_t i = 0; i < MEMORY_MOUNTS; i++)
		m->mounts[i].ctx = m;
	fault_hook(on_fault, &m->code);
}

void memory_setup(struct memory *m, const struct boot_info *boot)
{
	CHECK(boot->heap_max >= MODULE_PART + MODULE_SIZE && boot->linear_count <= BOOT_LINEAR_COUNT);
	*m = (struct memory){
		.heap = {.base = at(boot->heap_va), .max = FILES_PART, .commit = commit_generously},
		.files = {.base = at(boot->heap_va + FILES_PART),
			  .max = MOUNTS_PART - FILES_PART,
			  .commit = commit_charged},
		.manifest = {.base = at(boot->heap_va + MANIFEST_PART),
			     .max = MANIFEST_AREA,
			     .commit = commit_manifest},
		.module = {.base = at(boot->heap_va + MODULE_PART), .max = MODULE_SIZE, .commit = commit_generously},
		.code = {.arena = {.base = at(boot->code_va), .max = (size_t)boot->code_max, .commit = commit_generously},
			 .seal = seal},
		.linear_va = boot->linear_va,
		.linear_stride = boot->linear_stride,
		.linear_count = boot->linear_count,
	};
	for (size_t i = 0; i < MEMORY_MOUNTS; i++)
		m->mounts[i] = (struct arena){.base = at(boot->heap_va + MOUNTS_PART + i * MOUNT_SIZE),
					      .max = MOUNT_SIZE,
					      .commit = commit_charged};
	place(m);
}

void memory_move(struct memory *to, const struct memory *from)
{
	*to = *from;
	place(to);
}

static struct memory_linear *linear_of(struct memory *m, const uint8_t *base)
{
	const uint64_t i = ((uint64_t)(uintptr_t)base - m->linear_va) / m->linear_stride;

	CHECK(i < m->linear_count);
	return &m->linear[i];
}

static enum err linear_grow(void *ctx, uint8_t *base, uint32_t old_pages, uint32_t pages)
{
	struct memory *m = ctx;
	uint64_t size = (uint64_t)(pages - old_pages) * WASM_PAGE_SIZE;
	struct memory_linear *l = linear_of(m, base);
	enum err err;

	CHECK(pages >= old_pages);
	if (size == 0)
		return OK;
	TRY(memory_charge(m, size));
	err = call_grow((uint64_t)(uintptr_t)base + (uint64_t)old_pages * WASM_PAGE_SIZE, size);
	if (err != OK)
		m->used -= size;
	l->pages = err == OK && l->pages == old_pages ? pages : UINT32_MAX;
	return err;
}

/* Compiled code finds the end of a memory by a fault behind it: so one with more pages than it begins with is of no use. */
static size_t find_linear(const struct memory *m, uint32_t pages)
{
	size_t i = 0;

	while (i < m->linear_count && (m->linear[i].taken || m->linear[i].pages != pages))
		i++;
	return i;
}

static enum err linear_create(void *ctx, uint32_t pages, uint32_t max_pages, uint8_t **base)
{
	struct memory *m = ctx;
	size_t i = find_linear(m, pages);
	const bool again = pages > 0 && i < m->linear_count;

	(void)max_pages; /* every memory has the whole stride */
	if (!again)
		i = find_linear(m, 0);
	if (i == m->linear_count)
		return ERR_LIMIT;
	*base = at(m->linear_va + i * m->linear_stride);
	if (again)
		memset(*base, 0, (size_t)pages * WASM_PAGE_SIZE);
	else
		TRY(linear_grow(m, *base, 0, pages));
	m->linear[i].taken = true;
	m->linear[i].first = pages;
	return OK;
}

struct memory_mark memory_mark(const struct memory *m)
{
	struct memory_mark mark = {.heap = m->heap.used, .files = m->files.used};

	for (size_t i = 0; i < MEMORY_MOUNTS; i++)
		mark.mounts[i] = m->mounts[i].used;
	return mark;
}

/* A host that does not take it back leaves it behind, and it counts. */
static void return_linear(struct memory *m, size_t i)
{
	struct memory_linear *l = &m->linear[i];
	const uint64_t size = (uint64_t)l->pages * WASM_PAGE_SIZE;

	l->taken = false;
	if (l->pages == l->first || l->pages == UINT32_MAX || l->pages == 0)
		return;
	if (call_drop(m->linear_va + i * m->linear_stride, size) != OK)
		return;
	memory_discharge(m, size);
	l->pages = 0;
}

void memory_return(struct memory *m, const struct memory_mark *mark)
{
	arena_release(&m->heap, mark->heap);
	arena_release(&m->files, mark->files);
	for (size_t i = 0; i < MEMORY_MOUNTS; i++)
		arena_release(&m->mounts[i], mark->mounts[i]);
	for (size_t i = 0; i < m->linear_count; i++)
		if (m->linear[i].taken)
			return_linear(m, i);
}

struct wasm_memory_ops memory_linear_ops(struct memory *m)
{
	return (struct wasm_memory_ops){.create = linear_create, .grow = linear_grow, .ctx = m};
}
