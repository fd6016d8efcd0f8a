/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a VM Keep: system pages (tables.c), page tables (paging.c), the shared area, stacks, boot information and
 * the image, in the places of layout.h. The vCPU starts in ring 3; all privileged state is here, and no ring-0 code but
 * the stubs that end the Keep. A process needs the last two and the shared area only.
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
	uint8_t *tables; /* TABLES_MAX pages */
	size_t table_count;
};

static size_t pages_of(uint64_t size)
{
	return (size_t)((size + PLAN_PAGE_SIZE - 1) / PLAN_PAGE_SIZE);
}

static void add(struct builder *b, struct plan_range r)
{
	CHECK(b->plan->range_count < RANGE_MAX);
	if (r.count != 0)
		b->plan->ranges[b->plan->range_count++] = r;
}

static enum err page(struct builder *b, size_t count, uint8_t **bytes)
{
	*bytes = arena_array(b->arena, count, PLAN_PAGE_SIZE, 16);
	if (*bytes == NULL)
		return refuse(b->note, ERR_NOMEM, "Keep image: no memory for the launch plan");
	return OK;
}

/* One page of our own, mapped one to one. */
static enum err add_page(struct builder *b, uint64_t va, unsigned perm, uint8_t **bytes)
{
	TRY(page(b, 1, bytes));
	add(b, (struct plan_range){{va}, va, PLAN_NORMAL, perm, 1, *bytes});
	return OK;
}

static void add_zero(struct builder *b, uint64_t va, uint64_t size, unsigned perm)
{
	add(b, (struct plan_range){{va}, va, PLAN_ZERO, perm, pages_of(size), NULL});
}

static enum err add_system(struct builder *b, uint64_t entry)
{
	uint8_t *bytes;

	TRY(add_page(b, LAYOUT_GDT, PLAN_R | PLAN_SUPERVISOR, &bytes));
	tables_gdt(bytes);
	TRY(add_page(b, LAYOUT_TSS, PLAN_R | PLAN_SUPERVISOR, &bytes));
	tables_tss(bytes);
	TRY(add_page(b, LAYOUT_IDT, PLAN_R | PLAN_SUPERVISOR, &bytes));
	tables_idt(bytes, entry);
	TRY(add_page(b, LAYOUT_STUBS, PLAN_R | PLAN_X | PLAN_SUPERVISOR, &bytes));
	tables_stubs(bytes);
	add_zero(b, LAYOUT_STACK0, PLAN_PAGE_SIZE, PLAN_R | PLAN_W | PLAN_SUPERVISOR);
	TRY(add_page(b, LAYOUT_PROBE, PLAN_R | PLAN_X, &bytes));
	tables_probe(bytes);
	/* The page tables, which are filled last: how many there are is known then. */
	TRY(page(b, TABLES_MAX, &b->tables));
	add(b, (struct plan_range){
	               {LAYOUT_TABLES}, LAYOUT_TABLES, PLAN_NORMAL, PLAN_R | PLAN_W | PLAN_SUPERVISOR, 1, b->tables});
	return OK;
}

static void add_shared(struct builder *b)
{
	add(b, (struct plan_range){{LAYOUT_SHARED},
	                           BOOT_SHARED_VA,
	                           PLAN_SHARED,
	                           PLAN_R | PLAN_W,
	                           pages_of(KEEPCALL_SHARED_SIZE),
	                           NULL});
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
	};

	TRY(add_page(b, BOOT_INFO_VA, PLAN_R, &bytes));
	memcpy(bytes, &info, sizeof info);
	return OK;
}

/* Whole pages point into the file; a last part of a page is copied and filled with zeros; the rest is zero pages. */
static enum err add_segment(struct builder *b, const struct elf_segment *s)
{
	const size_t whole = s->file.size / PLAN_PAGE_SIZE, total = pages_of(s->size);
	const size_t part = s->file.size % PLAN_PAGE_SIZE;
	uint64_t va = s->va;
	uint8_t *bytes;

	add(b, (struct plan_range){{va}, va, PLAN_NORMAL, s->perm, whole, s->file.data});
	va += whole * PLAN_PAGE_SIZE;
	if (part != 0) {
		TRY(add_page(b, va, s->perm, &bytes));
		memcpy(bytes, s->file.data + whole * PLAN_PAGE_SIZE, part);
		va += PLAN_PAGE_SIZE;
	}
	add(b, (struct plan_range){{va}, va, PLAN_ZERO, s->perm, total - whole - (part != 0), NULL});
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

static enum err map_range(const struct paging *p, const struct plan_range *r, struct note *n)
{
	for (size_t i = 0; i < r->count; i++) {
		uint64_t offset = i * PLAN_PAGE_SIZE;
		uint8_t *entry;
		enum err err = paging_entry(p, r->va + offset, PAGING_PT, &entry);

		if (err != OK)
			return refuse(n, ERR_LIMIT, "Keep image: too large or too spread out for %u page tables",
			              TABLES_MAX);
		paging_set(entry, (r->gpa.a + offset) | paging_bits(r->perm));
	}
	return OK;
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
		TRY(map_range(&p, r, b->note));
	}
	CHECK(tables != NULL);
	/* Mapping the tables themselves adds none: they share theirs with the first page. */
	tables->count = b->table_count;
	TRY(map_range(&p, tables, b->note));
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
	const bool vm = b->plan->params.kind == BOOT_VM;
	const struct elf_segment *last = &e->segments[e->count - 1];

	if (vm)
		TRY(add_system(b, e->entry));
	add_shared(b);
	if (vm) {
		add_zero(b, LAYOUT_TRAP_STACK, LAYOUT_TRAP_STACK_SIZE, PLAN_R | PLAN_W);
		add_zero(b, LAYOUT_STACK, LAYOUT_STACK_SIZE, PLAN_R | PLAN_W);
	}
	TRY(add_boot_info(b));
	for (size_t i = 0; i < e->count; i++)
		TRY(add_segment(b, &e->segments[i]));
	if (vm)
		TRY(map_all(b));
	b->plan->cpu = vm ? first_registers(e->entry) : (struct plan_cpu){.rip = e->entry, .rdi = BOOT_INFO_VA};
	b->plan->gpa_end = (last->va + last->size + PAGING_LARGE_SIZE - 1) & ~(PAGING_LARGE_SIZE - 1);
	return OK;
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
