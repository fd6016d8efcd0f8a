/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/image/plan.h"

#include "lib/image/layout.h"
#include "lib/image/paging.h"
#include "lib/image/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A small image made by hand: three segments, the last with zeros behind. */
enum { PAGE = PLAN_PAGE_SIZE, FILE_SIZE = 4 * PAGE, PHDR = 64, PHDR_SIZE = 56, DATA_VA = 0x402000 };

static uint8_t image[FILE_SIZE];
static uint8_t memory[PLAN_ARENA_SIZE];

static void put(size_t at, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		image[at + i] = (uint8_t)(v >> (8 * i));
}

static void put_phdr(unsigned i, uint32_t type, uint32_t flags, uint64_t offset, uint64_t va, uint64_t filesz,
                     uint64_t memsz)
{
	const size_t at = PHDR + i * PHDR_SIZE;

	put(at, type, 4);
	put(at + 4, flags, 4);
	put(at + 8, offset, 8);
	put(at + 16, va, 8);
	put(at + 24, va, 8);
	put(at + 32, filesz, 8);
	put(at + 40, memsz, 8);
	put(at + 48, PAGE, 8);
}

static void make_image(void)
{
	static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	memset(image, 0, sizeof image);
	memcpy(image, ident, sizeof ident);
	put(16, 2, 2);
	put(18, 62, 2);
	put(20, 1, 4);
	put(24, 0x400000, 8);
	put(32, PHDR, 8);
	put(52, 64, 2);
	put(54, PHDR_SIZE, 2);
	put(56, 3, 2);
	put_phdr(0, 1, 5, PAGE, 0x400000, PAGE, PAGE);
	put_phdr(1, 1, 4, 2 * PAGE, 0x401000, 100, 100);
	put_phdr(2, 1, 6, 3 * PAGE, DATA_VA, 16, 3 * PAGE);
	memset(image + PAGE, 0x90, PAGE);
	memset(image + 2 * PAGE, 0xaa, PAGE);
	memset(image + 3 * PAGE, 0xbb, PAGE);
}

static enum err build_kind(enum boot_kind kind, struct plan *p, struct note *n)
{
	struct arena a = arena_of(memory, sizeof memory);
	struct plan_params params = {.kind = kind, .tee = BOOT_TEE_SOFT, .vcpu_count = 1};

	return plan_build(&a, slice_of(image, sizeof image), params, p, n);
}

static const struct plan_range *range_at(const struct plan *p, uint64_t va)
{
	for (size_t i = 0; i < p->range_count; i++) {
		const struct plan_range *r = &p->ranges[i];

		if (va >= r->va && va - r->va < r->count * PAGE)
			return r;
	}
	return NULL;
}

static const struct plan_range *range_at_gpa(const struct plan *p, uint64_t gpa)
{
	for (size_t i = 0; i < p->range_count; i++)
		if (gpa - p->ranges[i].gpa.a < p->ranges[i].count * PAGE)
			return &p->ranges[i];
	return NULL;
}

static void ranges_ascend_and_w_excludes_x(void **state)
{
	const enum boot_kind kinds[] = {BOOT_VM, BOOT_PROCESS};
	struct plan p;

	(void)state;
	for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
		uint64_t end = 0;

		make_image();
		assert_int_equal(build_kind(kinds[k], &p, NULL), OK);
		for (size_t i = 0; i < p.range_count; i++) {
			const struct plan_range *r = &p.ranges[i];

			assert_true(r->gpa.a >= end && r->gpa.a % PAGE == 0 && r->va % PAGE == 0 && r->count > 0);
			assert_true((r->type == PLAN_NORMAL) == (r->bytes != NULL));
			assert_false((r->perm & PLAN_W) && (r->perm & PLAN_X));
			end = r->gpa.a + r->count * PAGE;
		}
		assert_true(end <= p.gpa_end && p.gpa_end % PAGING_LARGE_SIZE == 0);
	}
}

static void content_is_that_of_the_file_and_zeros(void **state)
{
	const struct plan_range *r;
	struct plan p;

	(void)state;
	make_image();
	assert_int_equal(build_kind(BOOT_VM, &p, NULL), OK);
	r = range_at(&p, 0x400000);
	assert_true(r->perm == (PLAN_R | PLAN_X) && r->bytes[0] == 0x90 && r->bytes[PAGE - 1] == 0x90);
	r = range_at(&p, 0x401000);
	assert_true(r->perm == PLAN_R && r->bytes[99] == 0xaa && r->bytes[100] == 0 && r->bytes[PAGE - 1] == 0);
	r = range_at(&p, DATA_VA);
	assert_true(r->perm == (PLAN_R | PLAN_W) && r->bytes[15] == 0xbb && r->bytes[16] == 0);
	r = range_at(&p, DATA_VA + 2 * PAGE);
	assert_true(r->type == PLAN_ZERO && r->count == 2);
	assert_null(range_at(&p, DATA_VA + 3 * PAGE));
	assert_null(range_at(&p, 0));
}

/* Walks the tables of the plan as a CPU would; 0 when nothing is there. */
static uint64_t walk(const struct plan *p, uint64_t va)
{
	uint64_t table = p->cpu.cr3, e = 0;

	for (int level = 3; level >= 0; level--) {
		const struct plan_range *r = range_at_gpa(p, table);

		assert_non_null(r);
		assert_int_equal(r->perm, PLAN_R | PLAN_W | PLAN_SUPERVISOR);
		e = paging_get(r->bytes + (table - r->gpa.a) + 8 * (va >> (12 + 9 * level) & 511));
		if (!(e & PAGING_PRESENT))
			return 0;
		if (level > 0 && (e & PAGING_LARGE))
			return (e & ~(PAGING_LARGE_SIZE - PAGE)) | (va & (PAGING_LARGE_SIZE - PAGE) & PAGING_ADDRESS);
		table = e & PAGING_ADDRESS;
	}
	return e;
}

static void tables_map_what_the_ranges_say(void **state)
{
	static const uint64_t guards[] = {0,
	                                  LAYOUT_STACK - 1,
	                                  LAYOUT_STACK + LAYOUT_STACK_SIZE,
	                                  LAYOUT_TRAP_STACK - 1,
	                                  LAYOUT_STACK0 - 1,
	                                  BOOT_SHARED_VA - 1,
	                                  BOOT_SHARED_VA + KEEPCALL_SHARED_SIZE,
	                                  BOOT_HEAP_VA,
	                                  BOOT_LINEAR_VA,
	                                  BOOT_IMAGE_LIMIT,
	                                  UINT64_C(0xffff800000000000)};
	struct plan p;

	(void)state;
	make_image();
	assert_int_equal(build_kind(BOOT_VM, &p, NULL), OK);
	for (size_t i = 0; i < p.range_count; i++) {
		const struct plan_range *r = &p.ranges[i];

		for (size_t k = 0; k < r->count; k++) {
			uint64_t e = walk(&p, r->va + k * PAGE);

			assert_int_equal(e & PAGING_ADDRESS, r->gpa.a + k * PAGE);
			assert_int_equal((e & PAGING_WRITE) != 0, (r->perm & PLAN_W) != 0);
			assert_int_equal((e & PAGING_NX) == 0, (r->perm & PLAN_X) != 0);
			assert_int_equal((e & PAGING_USER) == 0, (r->perm & PLAN_SUPERVISOR) != 0);
		}
	}
	for (size_t i = 0; i < ARRAY_COUNT(guards); i++)
		assert_int_equal(walk(&p, guards[i]), 0);
}

/* The table entry that maps an address by a large page, or 0. */
static uint64_t large_entry(const struct plan *p, uint64_t va)
{
	uint64_t table = p->cpu.cr3, e = 0;

	for (int level = 3; level >= 1; level--) {
		const struct plan_range *r = range_at_gpa(p, table);

		e = paging_get(r->bytes + (table - r->gpa.a) + 8 * (va >> (12 + 9 * level) & 511));
		table = e & PAGING_ADDRESS;
	}
	return e & PAGING_LARGE ? e : 0;
}

static void code_alone_in_its_addresses_is_one_large_page(void **state)
{
	const struct plan_range *r;
	struct plan p;
	uint64_t e, pages = 0;

	(void)state;
	make_image();
	assert_int_equal(build_kind(BOOT_VM, &p, NULL), OK);
	assert_int_equal(large_entry(&p, 0x400000), 0);
	put(PHDR + PHDR_SIZE + 16, 0x600000, 8);
	put(PHDR + 2 * PHDR_SIZE + 16, 0x601000, 8);
	assert_int_equal(build_kind(BOOT_VM, &p, NULL), OK);
	e = large_entry(&p, 0x400000);
	assert_true(e != 0 && !(e & PAGING_WRITE) && !(e & PAGING_NX) && (e & PAGING_USER));
	assert_int_equal(large_entry(&p, 0x600000), 0);
	r = range_at(&p, 0x400000);
	assert_true(r->gpa.a % PAGING_LARGE_SIZE == 0 && (e & ~(PAGING_LARGE_SIZE - 1) & PAGING_ADDRESS) == r->gpa.a);
	/* All of it is in the plan. */
	for (uint64_t va = 0x400000; va < 0x600000; va += PAGE) {
		r = range_at(&p, va);
		assert_non_null(r);
		assert_int_equal(r->perm, PLAN_R | PLAN_X);
		pages++;
	}
	assert_int_equal(pages, 512);
}

static void only_the_door_is_open_and_gates_lead_right(void **state)
{
	const uint8_t *tss, *idt;
	struct plan p;

	(void)state;
	make_image();
	assert_int_equal(build_kind(BOOT_VM, &p, NULL), OK);
	tss = range_at(&p, p.cpu.tss_base)->bytes;
	for (unsigned port = 0; port < 256; port++)
		assert_int_equal(tss[0x68 + port / 8] >> port % 8 & 1, port != KEEPCALL_PORT);
	assert_int_equal(tss[0x88], 0xff);
	idt = range_at(&p, p.cpu.idt_base)->bytes;
	for (unsigned v = 0; v < 256; v++) {
		const uint8_t *gate = idt + 16 * v;
		const bool wanted = v < 32 && BOOT_TRAP_WANTED >> v & 1;

		assert_int_equal(gate[2], wanted ? LAYOUT_CS3 : LAYOUT_CS0);
		assert_int_equal(gate[4], wanted ? 1 : 2);
		assert_int_equal(gate[5], v == 3 ? 0xee : 0x8e);
		if (wanted)
			assert_int_equal(gate[0] | gate[1] << 8 | gate[6] << 16, 0x400000 + BOOT_TRAP_STRIDE * (1 + v));
	}
	assert_int_equal(p.cpu.cs & 3, 3);
	assert_int_equal(p.cpu.rip, 0x400000);
	assert_int_equal(p.cpu.rdi, BOOT_INFO_VA);
}

static void boot_info_says_what_is(void **state)
{
	const struct boot_info *b;
	struct plan p;

	(void)state;
	make_image();
	assert_int_equal(build_kind(BOOT_PROCESS, &p, NULL), OK);
	b = (const struct boot_info *)(const void *)range_at(&p, BOOT_INFO_VA)->bytes;
	assert_true(b->magic == BOOT_MAGIC && b->version == BOOT_VERSION && b->size == sizeof *b);
	assert_true(b->kind == BOOT_PROCESS && b->tee == BOOT_TEE_SOFT && b->vcpu_count == 1);
	assert_true(b->code_va == BOOT_CODE_VA && b->code_max == BOOT_CODE_MAX);
	assert_non_null(range_at(&p, BOOT_SHARED_VA));
	assert_null(range_at(&p, LAYOUT_GDT));
	assert_null(range_at(&p, LAYOUT_STACK));
}

static void the_same_input_gives_the_same_plan(void **state)
{
	static uint8_t first[PLAN_ARENA_SIZE];
	struct plan p, q;

	(void)state;
	make_image();
	memset(memory, 0x11, sizeof memory);
	assert_int_equal(build_kind(BOOT_VM, &p, NULL), OK);
	memcpy(first, memory, sizeof first);
	memset(memory, 0x22, sizeof memory);
	assert_int_equal(build_kind(BOOT_VM, &q, NULL), OK);
	assert_int_equal(p.range_count, q.range_count);
	for (size_t i = 0; i < q.range_count; i++) {
		const uint8_t *now = q.ranges[i].bytes;

		/* Pages in the arena: compare with what they were the first time. */
		if (now != NULL && now >= memory && now < memory + sizeof memory)
			assert_memory_equal(first + (now - memory), now, q.ranges[i].count * PAGE);
	}
	assert_memory_equal(&p.cpu, &q.cpu, sizeof p.cpu);
}

struct wrong {
	size_t at;
	uint64_t value;
	unsigned size;
};

static void wrong_fields_are_refused(void **state)
{
	static const struct wrong wrongs[] = {
	        {0, 'X', 1},
	        {4, 1, 1},
	        {5, 2, 1},
	        {6, 0, 1},
	        {7, 3, 1},
	        {15, 1, 1}, /* ident */
	        {16, 3, 2},
	        {16, 1, 2},
	        {18, 3, 2},
	        {20, 2, 4},
	        {48, 1, 4}, /* type machine version flags */
	        {24, 0, 8},
	        {24, 0x400fff, 8},
	        {24, 0x401000, 8},
	        {24, DATA_VA, 8},  /* entry */
	        {24, 0x400e00, 8}, /* no room for the trap table */
	        {32, FILE_SIZE, 8},
	        {32, UINT64_MAX, 8},
	        {32, FILE_SIZE - 100, 8}, /* program headers outside */
	        {52, 63, 2},
	        {54, 55, 2},
	        {56, 0, 2},
	        {56, 17, 2},
	        {56, 0xffff, 2}, /* sizes and count */
	        {PHDR, 2, 4},
	        {PHDR, 3, 4},
	        {PHDR, 7, 4},
	        {PHDR, 0x70000000, 4}, /* DYNAMIC INTERP TLS other */
	        {PHDR + 4, 7, 4},
	        {PHDR + 4, 3, 4},
	        {PHDR + 4, 1, 4},
	        {PHDR + 4, 0, 4},
	        {PHDR + 4, 0x105, 4}, /* flags */
	        {PHDR + 8, FILE_SIZE, 8},
	        {PHDR + 8, UINT64_MAX, 8},
	        {PHDR + 8, FILE_SIZE - PAGE + 1, 8}, /* offset */
	        {PHDR + 16, 0x400001, 8},
	        {PHDR + 16, 0x3ff000, 8},
	        {PHDR + 16, 0x401000, 8}, /* va */
	        {PHDR + 16, 0, 8},
	        {PHDR + 16, UINT64_MAX - 4095, 8},
	        {PHDR + 16, BOOT_IMAGE_LIMIT, 8},
	        {PHDR + 32, PAGE + 1, 8},
	        {PHDR + 32, UINT64_MAX, 8}, /* filesz */
	        {PHDR + 40, PAGE + 1, 8},
	        {PHDR + 40, PAGE - 1, 8}, /* memsz: overlap; below filesz */
	        {PHDR + 2 * PHDR_SIZE + 40, BOOT_IMAGE_LIMIT, 8},
	        {PHDR + 2 * PHDR_SIZE + 40, UINT64_MAX, 8},
	        {PHDR + 2 * PHDR_SIZE + 40, UINT64_C(0x10000000), 8}, /* more page tables than there is room */
	};
	struct note n;
	struct plan p;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(wrongs); i++) {
		make_image();
		put(wrongs[i].at, wrongs[i].value, wrongs[i].size);
		n.text[0] = 0;
		if (build_kind(BOOT_VM, &p, &n) == OK)
			fail_msg("field at %zu: %llx was accepted", wrongs[i].at, (unsigned long long)wrongs[i].value);
		assert_true(n.text[0] != 0);
	}
}

static void an_executable_stack_is_refused(void **state)
{
	struct plan p;

	(void)state;
	make_image();
	put(56, 4, 2);
	put_phdr(3, 0x6474e551, 6, 0, 0, 0, 0);
	assert_int_equal(build_kind(BOOT_VM, &p, NULL), OK);
	put_phdr(3, 0x6474e551, 7, 0, 0, 0, 0);
	assert_int_equal(build_kind(BOOT_VM, &p, NULL), ERR_FORMAT);
}

static void each_shorter_file_is_refused(void **state)
{
	struct plan_params params = {.kind = BOOT_VM, .tee = BOOT_TEE_NONE, .vcpu_count = 1};
	struct note n;
	struct plan p;

	(void)state;
	make_image();
	for (size_t size = 0; size < 3 * PAGE + 16; size++) {
		struct arena a = arena_of(memory, sizeof memory);

		n.text[0] = 0;
		assert_int_not_equal(plan_build(&a, slice_of(image, size), params, &p, &n), OK);
		assert_true(n.text[0] != 0);
	}
}

static void wrong_parameters_are_refused(void **state)
{
	static const struct plan_params wrongs[] = {
	        {.kind = 0, .vcpu_count = 1},
	        {.kind = 3, .vcpu_count = 1},
	        {.kind = BOOT_VM, .vcpu_count = 0},
	        {.kind = BOOT_VM, .vcpu_count = PLAN_VCPU_MAX + 1},
	        {.kind = BOOT_VM, .vcpu_count = 1, .tee = BOOT_TEE_SNP},
	};
	struct arena a = arena_of(memory, sizeof memory);
	struct plan p;

	(void)state;
	make_image();
	for (size_t i = 0; i < ARRAY_COUNT(wrongs); i++)
		assert_int_not_equal(plan_build(&a, slice_of(image, sizeof image), wrongs[i], &p, NULL), OK);
}

static void a_small_arena_is_an_error(void **state)
{
	struct plan_params params = {.kind = BOOT_VM, .tee = BOOT_TEE_NONE, .vcpu_count = 1};
	struct plan p;
	enum err err = ERR_NOMEM;

	(void)state;
	make_image();
	for (size_t size = 0; err != OK; size += 1024) {
		struct arena a = arena_of(memory, size);

		assert_true(size <= sizeof memory);
		err = plan_build(&a, slice_of(image, sizeof image), params, &p, NULL);
		assert_true(err == OK || err == ERR_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ranges_ascend_and_w_excludes_x),
	        cmocka_unit_test(content_is_that_of_the_file_and_zeros),
	        cmocka_unit_test(tables_map_what_the_ranges_say),
	        cmocka_unit_test(code_alone_in_its_addresses_is_one_large_page),
	        cmocka_unit_test(only_the_door_is_open_and_gates_lead_right),
	        cmocka_unit_test(boot_info_says_what_is),
	        cmocka_unit_test(the_same_input_gives_the_same_plan),
	        cmocka_unit_test(wrong_fields_are_refused),
	        cmocka_unit_test(an_executable_stack_is_refused),
	        cmocka_unit_test(each_shorter_file_is_refused),
	        cmocka_unit_test(wrong_parameters_are_refused),
	        cmocka_unit_test(a_small_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
