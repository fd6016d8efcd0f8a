/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a VM Keep: system pages (tables.c), page tables (paging.c), the shared area, stacks, boot information and
 * the image, in the places of layout.h. The vCPU starts in ring 3; all privileged state is here, and no ring-0 code but
 * the stubs that end the Keep. A process needs the last two and the shared area only, with gpa == va.
 *
 * Code that has 2 MiB of addresses to itself (the linker script sees to that) is filled up with zero pages and mapped
 * by large entries: a fault for each first-touched page is the greatest cost of a cold start. Everything that is mapped
 * is in the plan, so everything is measured.
 *
 * Segment registers follow from the selectors: CS 64-bit code, SS and the others flat data, all with DPL 3; TR a busy
 * 64-bit TSS (type 11); LDTR null.
 */
#include "lib/image/plan.h"

#include "lib/image/elf.h"
#include "lib/image/layout.h"
#include "lib/image/paging.h"
#include "lib/image/tables.h"

enum { RANGE_MAX = 16 + 3 * ELF_SEGMENT_MAX, TABLES_MAX = (LAYOUT_TABLES_END - LAYOUT_TABLES) / PLAN_PAGE_SIZE };

#define CR0_BITS  UINT64_C(0x80010033) /* PE MP ET NE WP PG */
#define CR4_BITS  UINT64_C(0x00150620) /* PAE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE SMEP */
#define EFER_BITS UINT64_C(0xd00)      /* LME LMA NXE, no SCE: there is no syscall */
#define XCR0_BITS UINT64_C(7)          /* x87 SSE AVX */

struct builder {
	struct arena *arena;
	struct plan *plan;
	struct note *note;
	uint64_t gpa;    /* of the next range */
	uint8_t *tables; /* TABLES_MAX pages */
	size_t table_count;
	struct plan_range large[ELF_SEGMENT_MAX]; /* for the page tables: whole segments */
	size_t large_count;
};

static size_t pages_of(uint64_t size)
{
	return (size_t)((size + PLAN_PAGE_SIZE - 1) / PLAN_PAGE_SIZE);
}

static bool is_vm(const struct builder *b)
{
	return b->plan->params.kind == BOOT_VM;
}

static uint64_t large_up(uint64_t size)
{
	return (size + PAGING_LARGE_SIZE - 1) & ~(PAGING_LARGE_SIZE - 1);
}

/* Sets gpa and moves on. */
static void add(struct builder *b, struct plan_range r)
{
	CHECK(b->plan->range_count < RANGE_MAX);
	if (r.count == 0)
		return;
	r.gpa.a = is_vm(b) || r.type == PLAN_SHARED ? b->gpa : r.va;
	b->gpa = r.gpa.a + (uint64_t)r.count * PLAN_PAGE_SIZE;
	b->plan->ranges[b->plan->range_count++] = r;
}

static enum err page(struct builder *b, size_t count, uint8_t **bytes)
{
	*bytes = arena_array(b->arena, count, PLAN_PAGE_SIZE, 16);
	if (*bytes == NULL)
		return refuse(b->note, ERR_NOMEM, "Keep image: no memory for the launch plan");
	return OK;
}

/* One page of our own. */
static enum err add_page(struct builder *b, uint64_t va, unsigned perm, uint8_t **bytes)
{
	TRY(page(b, 1, bytes));
	add(b, (struct plan_range){.va = va, .type = PLAN_NORMAL, .perm = perm, .count = 1, .bytes = *bytes});
	return OK;
}

static void add_zero(struct builder *b, uint64_t va, size_t count, unsigned perm)
{
	add(b, (struct plan_range){.va = va, .type = PLAN_ZERO, .perm = perm, .count = count});
}

/* One page of our own, mapped one to one. */
static enum err add_system_page(struct builder *b, uint64_t va, unsigned perm, uint8_t **bytes)
{
	b->gpa = va;
	return add_page(b, va, perm, bytes);
}

static void add_stack(struct builder *b, uint64_t va, uint64_t size, unsigned perm)
{
	b->gpa = va;
	add_zero(b, va, pages_of(size), perm);
}

static enum err add_system(struct builder *b, uint64_t entry)
{
	uint8_t *bytes;

	TRY(add_system_page(b, LAYOUT_GDT, PLAN_R | PLAN_SUPERVISOR, &bytes));
	tables_gdt(bytes);
	TRY(add_system_page(b, LAYOUT_TSS, PLAN_R | PLAN_SUPERVISOR, &bytes));
	tables_tss(bytes);
	TRY(add_system_page(b, LAYOUT_IDT, PLAN_R | PLAN_SUPERVISOR, &bytes));
	tables_idt(bytes, entry);
	TRY(add_system_page(b, LAYOUT_STUBS, PLAN_R | PLAN_X | PLAN_SUPERVISOR, &bytes));
	tables_stubs(bytes);
	add_stack(b, LAYOUT_STACK0, PLAN_PAGE_SIZE, PLAN_R | PLAN_W | PLAN_SUPERVISOR);
	TRY(add_system_page(b, LAYOUT_PROBE, PLAN_R | PLAN_X, &bytes));
	tables_probe(bytes);
	/* The page tables, which are filled last: how many there are is known then. */
	TRY(page(b, TABLES_MAX, &b->tables));
	b->gpa = LAYOUT_TABLES;
	add(b, (struct plan_range){.va = LAYOUT_TABLES,
	                           .type = PLAN_NORMAL,
	                           .perm = PLAN_R | PLAN_W | PLAN_SUPERVISOR,
	                           .count = 1,
	                           .bytes = b->tables});
	return OK;
}

static void add_shared(struct builder *b)
{
	b->gpa = LAYOUT_SHARED;
	add(b, (struct plan_range){.va = BOOT_SHARED_VA,
	                           .type = PLAN_SHARED,
	                           .perm = PLAN_R | PLAN_W,
	                           .count = pages_of(KEEPCALL_SHARED_SIZE)});
}

static enum err add_boot_info(struct builder *b)
{
	uint8_t *bytes;
	struct boot_info info = {
	        .magic = BOOT_MAGIC,
	        .version = BOOT_VERSION,
	        .size = sizeof info,
	        .kind = b->plan->params.kind,
	        .tee = b->plan->params.tee,
	        .vcpu_count = b->plan->params.vcpu_count,
	        .shared_va = BOOT_SHARED_VA,
	        .shared_size = KEEPCALL_SHARED_SIZE,
	        .heap_va = BOOT_HEAP_VA,
	        .heap_max = BOOT_HEAP_MAX,
	        .linear_va = BOOT_LINEAR_VA,
	        .linear_stride = BOOT_LINEAR_STRIDE,
	        .linear_count = BOOT_LINEAR_COUNT,
	        .code_va = BOOT_CODE_VA,
	        .code_max = BOOT_CODE_MAX,
	};

	TRY(add_page(b, BOOT_INFO_VA, PLAN_R, &bytes));
	memcpy(bytes, &info, sizeof info);
	return OK;
}

/* Whole pages point into the file; a last part of a page is copied and filled with zeros; the rest is zero pages. */
static enum err add_segment(struct builder *b, const struct elf_segment *s, size_t pages)
{
	const size_t whole = s->file.size / PLAN_PAGE_SIZE, part = s->file.size % PLAN_PAGE_SIZE;
	uint64_t va = s->va;
	uint8_t *bytes;

	add(b,
	    (struct plan_range){.va = va, .type = PLAN_NORMAL, .perm = s->perm, .count = whole, .bytes = s->file.data});
	va += whole * PLAN_PAGE_SIZE;
	if (part != 0) {
		TRY(add_page(b, va, s->perm, &bytes));
		memcpy(bytes, s->file.data + whole * PLAN_PAGE_SIZE, part);
		va += PLAN_PAGE_SIZE;
	}
	add_zero(b, va, pages - whole - (part != 0), s->perm);
	return OK;
}

/* Code with nothing else in its 2 MiB ranges. */
static bool is_large(const struct elf *e, size_t i)
{
	const struct elf_segment *s = &e->segments[i];

	return (s->perm & PLAN_X) && s->va % PAGING_LARGE_SIZE == 0 &&
	       (i + 1 == e->count || large_up(s->va + s->size) <= s[1].va);
}

static enum err add_large(struct builder *b, const struct elf_segment *s)
{
	const size_t pages = (size_t)(large_up(s->size) / PLAN_PAGE_SIZE);

	b->gpa = large_up(b->gpa);
	b->large[b->large_count++] = (struct plan_range){.gpa = {b->gpa}, .va = s->va, .perm = s->perm, .count = pages};
	return add_segment(b, s, pages);
}

/* The small ones first, as there is room behind the other small things. */
static enum err add_image(struct builder *b, const struct elf *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (!is_vm(b) || !is_large(e, i))
			TRY(add_segment(b, &e->segments[i], pages_of(e->segments[i].size)));
	for (size_t i = 0; i < e->count; i++)
		if (is_vm(b) && is_large(e, i))
			TRY(add_large(b, &e->segments[i]));
	return OK;
}

static uint8_t *table_at(void *ctx, uint64_t gpa)
{
	struct builder *b = ctx;
	uint64_t offset = gpa - LAYOUT_TABLES;

	return offset < b->table_count * PLAN_PAGE_SIZE ? b->tables + offset : NULL;
}

static uint64_t table_fresh(void *ctx)
{
	struct builder *b = ctx;

	if (b->table_count == TABLES_MAX)
		return 0;
	return LAYOUT_TABLES + PLAN_PAGE_SIZE * b->table_count++;
}

/* Maps a range by entries of one level. */
static enum err map_range(const struct paging *p, const struct plan_range *r, unsigned level, struct note *n)
{
	const uint64_t step = level == PAGING_PT ? PLAN_PAGE_SIZE : PAGING_LARGE_SIZE;
	const uint64_t bits = paging_bits(r->perm) | (level == PAGING_PT ? 0 : PAGING_LARGE);
	const uint64_t size = (uint64_t)r->count * PLAN_PAGE_SIZE;

	for (uint64_t offset = 0; offset < size; offset += step) {
		uint8_t *entry;
		enum err err = paging_entry(p, r->va + offset, level, &entry);

		if (err != OK)
			return refuse(n, ERR_LIMIT, "Keep image: too large or too spread out for %u page tables",
			              TABLES_MAX);
		paging_set(entry, (r->gpa.a + offset) | bits);
	}
	return OK;
}

static bool in_large(const struct builder *b, const struct plan_range *r)
{
	for (size_t i = 0; i < b->large_count; i++)
		if (r->va - b->large[i].va < (uint64_t)b->large[i].count * PLAN_PAGE_SIZE)
			return true;
	return false;
}

static enum err map_all(struct builder *b)
{
	struct paging p = {.table = table_at, .fresh = table_fresh, .ctx = b};
	struct plan_range *tables = NULL;

	p.root = table_fresh(b);
	for (size_t i = 0; i < b->plan->range_count; i++) {
		struct plan_range *r = &b->plan->ranges[i];

		if (r->bytes == b->tables)
			tables = r;
		if (!in_large(b, r))
			TRY(map_range(&p, r, PAGING_PT, b->note));
	}
	for (size_t i = 0; i < b->large_count; i++)
		TRY(map_range(&p, &b->large[i], PAGING_PD, b->note));
	CHECK(tables != NULL);
	/* Mapping the tables themselves adds none: they share theirs with the first page. */
	tables->count = b->table_count;
	TRY(map_range(&p, tables, PAGING_PT, b->note));
	CHECK(tables->count == b->table_count);
	return OK;
}

static struct plan_cpu first_registers(uint64_t entry)
{
	return (struct plan_cpu){
	        .rip = entry,
	        .rsp = LAYOUT_STACK + LAYOUT_STACK_SIZE,
	        .rdi = BOOT_INFO_VA,
	        .cr0 = CR0_BITS,
	        .cr3 = LAYOUT_TABLES,
	        .cr4 = CR4_BITS,
	        .efer = EFER_BITS,
	        .xcr0 = XCR0_BITS,
	        .gdt_base = LAYOUT_GDT,
	        .idt_base = LAYOUT_IDT,
	        .tss_base = LAYOUT_TSS,
	        .gdt_limit = TABLES_GDT_LIMIT,
	        .idt_limit = TABLES_IDT_LIMIT,
	        .tss_limit = TABLES_TSS_LIMIT,
	        .cs = LAYOUT_CS3,
	        .ss = LAYOUT_SS3,
	        .tr = LAYOUT_TR,
	};
}

static enum err check_params(struct plan_params p, struct note *n)
{
	if (p.kind != BOOT_VM && p.kind != BOOT_PROCESS)
		return refuse(n, ERR_INVALID, "launch plan: no Keep of kind %u", (unsigned)p.kind);
	if (p.tee != BOOT_TEE_NONE && p.tee != BOOT_TEE_SOFT)
		return refuse(n, ERR_UNSUPPORTED, "launch plan: no plan for TEE %u", (unsigned)p.tee);
	if (p.vcpu_count == 0 || p.vcpu_count > PLAN_VCPU_MAX)
		return refuse(n, ERR_LIMIT, "launch plan: %u vCPUs, not 1 to %u", p.vcpu_count, PLAN_VCPU_MAX);
	return OK;
}

static enum err build(struct builder *b, const struct elf *e)
{
	if (is_vm(b))
		TRY(add_system(b, e->entry));
	add_shared(b);
	if (is_vm(b)) {
		add_stack(b, LAYOUT_TRAP_STACK, LAYOUT_TRAP_STACK_SIZE, PLAN_R | PLAN_W);
		add_stack(b, LAYOUT_STACK, LAYOUT_STACK_SIZE, PLAN_R | PLAN_W);
	}
	TRY(add_boot_info(b));
	TRY(add_image(b, e));
	b->plan->gpa_end = large_up(b->gpa);
	b->plan->cpu = (struct plan_cpu){.rip = e->entry, .rdi = BOOT_INFO_VA};
	if (!is_vm(b))
		return OK;
	b->plan->cpu = first_registers(e->entry);
	return map_all(b);
}

enum err plan_build(struct arena *a, struct slice elf, struct plan_params params, struct plan *out, struct note *n)
{
	struct plan plan = {.params = params};
	struct builder b = {.arena = a, .plan = &plan, .note = n};
	struct elf e;

	TRY(check_params(params, n));
	TRY(elf_parse(elf, &e, n));
	plan.ranges = arena_many(a, RANGE_MAX, struct plan_range);
	if (plan.ranges == NULL)
		return refuse(n, ERR_NOMEM, "Keep image: no memory for the launch plan");
	TRY(build(&b, &e));
	*out = plan;
	return OK;
}
