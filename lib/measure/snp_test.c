/* SPDX-License-Identifier: Apache-2.0 */
/* The expected values were computed by a separate program written from AMD 56860 and the APM, not by this code. */
#include "lib/measure/measure.h"

#include "lib/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint8_t pages[3 * PLAN_PAGE_SIZE];

static void fill(uint8_t *at, size_t size, size_t k)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(i * 7 + k * 13 + (i >> 8));
}

static struct plan_range ranges[] = {
        {{0x1000}, 0x1000, PLAN_NORMAL, PLAN_R, 2, pages},
        {{0x4000}, 0x4000, PLAN_ZERO, PLAN_R | PLAN_W, 3, NULL},
        {{0x40000}, 0x700000000, PLAN_SHARED, PLAN_R | PLAN_W, 129, NULL},
        {{0x400000}, 0x400000, PLAN_NORMAL, PLAN_R | PLAN_X, 1, pages + 2 * PLAN_PAGE_SIZE},
};

static struct plan vm_plan(void)
{
	fill(pages, 2 * PLAN_PAGE_SIZE, 1);
	fill(pages + 2 * PLAN_PAGE_SIZE, PLAN_PAGE_SIZE, 2);
	return (struct plan){
	        .params = {.kind = BOOT_VM, .tee = BOOT_TEE_SOFT, .vcpu_count = 1},
	        .ranges = ranges,
	        .range_count = ARRAY_COUNT(ranges),
	        .cpu = {.rip = 0x400000,
	                .rsp = 0x280000,
	                .rdi = 0x300000,
	                .cr0 = 0x80010033,
	                .cr3 = 0x10000,
	                .cr4 = 0x150620,
	                .efer = 0xd00,
	                .xcr0 = 7,
	                .gdt_base = 0x1000,
	                .idt_base = 0x3000,
	                .tss_base = 0x2000,
	                .gdt_limit = 0x4f,
	                .idt_limit = 0xfff,
	                .tss_limit = 0x88,
	                .cs = 0x33,
	                .ss = 0x2b,
	                .tr = 0x40},
	};
}

static void digest_is(const struct plan *p, const char *wanted)
{
	uint8_t digest[MEASURE_SNP_SIZE];
	char hex[2 * sizeof digest + 1];

	assert_int_equal(measure_snp(p, digest), OK);
	hex_encode(slice_of(digest, sizeof digest), hex);
	assert_string_equal(hex, wanted);
}

static void vm_digest_is_the_published_construction(void **state)
{
	struct plan p = vm_plan();

	(void)state;
	digest_is(&p, "7b3d308b66c6b22e3d6bdd209e20c7c1b9a61c3068cd94371c729076506ba479"
	              "83d722a5fdb949045f06ecc83bd5598a");
}

static void process_has_no_segments(void **state)
{
	struct plan p = vm_plan();

	(void)state;
	p.params.kind = BOOT_PROCESS;
	p.cpu = (struct plan_cpu){.rip = 0x400000, .rdi = 0x300000};
	digest_is(&p, "e8e82c92a9b1a7f5ff95aae7d967305c95e776609ca137c394a3ae92339bf978"
	              "dd5ab7eddfb2890eda247d8f783cefdf");
}

static void digests_differ(const struct plan *a, const struct plan *b)
{
	uint8_t x[MEASURE_SNP_SIZE], y[MEASURE_SNP_SIZE];

	assert_int_equal(measure_snp(a, x), OK);
	assert_int_equal(measure_snp(b, y), OK);
	assert_memory_not_equal(x, y, sizeof x);
}

static void everything_but_the_shared_area_counts(void **state)
{
	struct plan p = vm_plan(), q = p;
	uint8_t before[MEASURE_SNP_SIZE], after[MEASURE_SNP_SIZE];

	(void)state;
	q.cpu.rip++;
	digests_differ(&p, &q);
	q = p;
	q.cpu.cr3 += PLAN_PAGE_SIZE;
	digests_differ(&p, &q);
	q = p;
	q.cpu.cs = 0x10;
	digests_differ(&p, &q);
	q = p;
	q.range_count--;
	digests_differ(&p, &q);

	assert_int_equal(measure_snp(&p, before), OK);
	ranges[2].count--;
	assert_int_equal(measure_snp(&p, after), OK);
	assert_memory_equal(before, after, sizeof before);
	ranges[1].count++;
	assert_int_equal(measure_snp(&p, after), OK);
	assert_memory_not_equal(before, after, sizeof before);
	ranges[1].count--;
	ranges[2].count++;
	pages[PLAN_PAGE_SIZE + 17] ^= 1;
	assert_int_equal(measure_snp(&p, after), OK);
	assert_memory_not_equal(before, after, sizeof before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(vm_digest_is_the_published_construction),
	        cmocka_unit_test(process_has_no_segments),
	        cmocka_unit_test(everything_but_the_shared_area_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
