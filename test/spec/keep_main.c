/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor inside a Keep: takes one connection, then requests and gives responses, each preceded by its size (u32le).
 * Each memory has an area of its own, with the guard that compiled code relies on.
 */
#include "keep/call/call.h"
#include "keep/call/fault.h"
#include "keep/run/keep.h"
#include "test/spec/executor.h"

enum { REQUEST_MAX = 16 << 20, PAGE = 4096 };

static struct executor executor;
static struct arena heap;
static struct wasm_code_memory code;
static uint64_t memory_count;
static uint8_t response[4 + SPEC_RESPONSE_MAX];

static void must(enum err err)
{
	if (err != OK)
		call_exit(KEEPCALL_EXIT_FATAL, (uint64_t)err, 0);
}

static uint8_t *pointer(uint64_t va)
{
	return (uint8_t *)(uintptr_t)va;
}

static enum err commit(struct arena *a, size_t size)
{
	size_t want = (size + (1 << 20) - 1) & ~(size_t)((1 << 20) - 1);

	TRY(call_grow((uint64_t)(uintptr_t)a->base + a->committed, want - a->committed));
	a->committed = want;
	return OK;
}

static enum err seal(void *ctx, uint8_t *base, size_t size)
{
	(void)ctx;
	return call_seal((uint64_t)(uintptr_t)base, size);
}

static uint64_t on_fault(void *ctx, uint64_t pc)
{
	(void)ctx;
	return wasm_code_fault(&code, pc);
}

static enum err grow(void *ctx, uint8_t *base, uint32_t old_pages, uint32_t pages)
{
	(void)ctx;
	if (pages == old_pages)
		return OK;
	return call_grow((uint64_t)(uintptr_t)base + (uint64_t)old_pages * WASM_PAGE_SIZE,
			 (uint64_t)(pages - old_pages) * WASM_PAGE_SIZE);
}

static enum err create(void *ctx, uint32_t pages, uint32_t max_pages, uint8_t **base)
{
	(void)max_pages;
	if (memory_count == BOOT_LINEAR_COUNT)
		return ERR_NOMEM;
	*base = pointer(BOOT_LINEAR_VA + memory_count * BOOT_LINEAR_STRIDE);
	TRY(grow(ctx, *base, 0, pages));
	memory_count++;
	return OK;
}

static void wait_for(uint32_t channel, uint16_t what)
{
	struct keepcall_poll p = {.channel = channel, .wanted = what};
	size_t ready = 0;

	while (ready == 0)
		must(call_wait(&p, 1, KEEPCALL_FOREVER, &ready));
}

static void receive(uint32_t channel, uint8_t *p, size_t size)
{
	size_t got;

	while (size > 0) {
		enum err err = call_receive(channel, p, size, &got);

		if (err == ERR_CLOSED)
			call_exit(KEEPCALL_EXIT_DONE, 0, 0);
		if (err == ERR_AGAIN)
			wait_for(channel, KEEPCALL_READABLE);
		else
			must(err);
		p += got;
		size -= got;
	}
}

static void send(uint32_t channel, struct slice data)
{
	while (data.size > 0) {
		size_t sent;
		enum err err = call_send(channel, data, &sent);

		if (err == ERR_AGAIN)
			wait_for(channel, KEEPCALL_WRITABLE);
		else
			must(err);
		data = slice_of(data.data + sent, data.size - sent);
	}
}

void keep_main(const struct boot_info *boot)
{
	uint32_t channel;
	uint8_t *request;

	heap = (struct arena){.base = pointer(boot->heap_va), .max = (size_t)boot->heap_max, .commit = commit};
	code = (struct wasm_code_memory){
		.arena = {.base = pointer(boot->code_va), .max = (size_t)boot->code_max, .commit = commit},
		.seal = seal,
	};
	request = arena_alloc(&heap, REQUEST_MAX, 16);
	CHECK(request != NULL);
	wait_for(KEEPCALL_SESSIONS, KEEPCALL_READABLE);
	must(call_accept(KEEPCALL_SESSIONS, &channel));
	executor_init(&executor, &heap, (struct wasm_memory_ops){.create = create, .grow = grow, .ctx = NULL}, &code);
	fault_hook(on_fault, NULL);
	for (;;) {
		struct writer w = wr_of(response, 4);
		uint8_t head[4];
		uint32_t size;
		size_t n;

		receive(channel, head, sizeof head);
		struct reader r = rd_of(slice_of(head, sizeof head));
		must(rd_u32le(&r, &size));
		CHECK(size <= REQUEST_MAX);
		receive(channel, request, size);
		n = executor_handle(&executor, slice_of(request, size), response + 4);
		must(wr_u32le(&w, (uint32_t)n));
		send(channel, slice_of(response, 4 + n));
	}
}
