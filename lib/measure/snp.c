/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest is a chain: each page adds one PAGE_INFO structure (112 bytes, AMD 56860 table "PAGE_INFO") that holds the
 * digest so far. Hashing takes about 4 ms per MiB of image with the SHA-384 at hand; callers may keep the result, which
 * depends on the plan alone.
 *
 * For a process (BOOT_PROCESS) there are no segments or control registers: their fields are zero. No SEV hardware
 * starts one; only software TEEs report such a digest.
 */
#include "lib/measure/measure.h"

#include "lib/measure/snp_chain.h"

#include <assert.h>

enum { VMSA_SIZE = PLAN_PAGE_SIZE };
static_assert((int)PLAN_PAGE_SIZE == (int)SNP_PAGE_SIZE, "one page");
static_assert((int)MEASURE_SNP_SIZE == (int)SNP_CHAIN_DIGEST_SIZE, "one digest");

static void extend(struct snp_chain *c, enum snp_page_type type, uint64_t gpa, const uint8_t *content)
{
	snp_chain_add(c, &(struct snp_page){.type = type, .gpa = gpa, .content = content});
}

static void extend_range(struct snp_chain *c, const struct plan_range *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const size_t offset = i * PLAN_PAGE_SIZE;

		switch (r->type) {
		case PLAN_NORMAL: extend(c, SNP_PAGE_NORMAL, r->gpa.a + offset, r->bytes + offset); break;
		case PLAN_ZERO: extend(c, SNP_PAGE_ZERO, r->gpa.a + offset, NULL); break;
		case PLAN_SHARED: break; /* the host's: belongs to no one's measurement */
		}
	}
}

/* Places in the VMSA (AMD APM vol. 2, table B-4). */
enum {
	VMSA_ES = 0x000,
	VMSA_CS = 0x010,
	VMSA_SS = 0x020,
	VMSA_DS = 0x030,
	VMSA_FS = 0x040,
	VMSA_GS = 0x050,
	VMSA_GDTR = 0x060,
	VMSA_IDTR = 0x080,
	VMSA_TR = 0x090,
	VMSA_CPL = 0x0cb,
	VMSA_EFER = 0x0d0,
	VMSA_CR4 = 0x148,
	VMSA_CR3 = 0x150,
	VMSA_CR0 = 0x158,
	VMSA_DR7 = 0x160,
	VMSA_DR6 = 0x168,
	VMSA_RFLAGS = 0x170,
	VMSA_RIP = 0x178,
	VMSA_RSP = 0x1d8,
	VMSA_PAT = 0x268,
	VMSA_RDI = 0x338,
	VMSA_FEATURES = 0x3b0,
	VMSA_XCR0 = 0x3e8,
	VMSA_MXCSR = 0x408,
	VMSA_FCW = 0x410,
};

/* Values that KVM or the CPU add to what user space asks for. */
enum { EFER_SVME = 0x1000, CR4_MCE = 0x40, FEATURE_SNP = 1 };

static void put(uint8_t *page, size_t at, uint64_t v, size_t size)
{
	CHECK(at + size <= VMSA_SIZE);
	for (size_t i = 0; i < size; i++)
		page[at + i] = (uint8_t)(v >> (8 * i));
}

struct segment {
	uint16_t selector, attributes;
	uint32_t limit;
	uint64_t base;
};

static void put_segment(uint8_t *page, size_t at, struct segment s)
{
	put(page, at, s.selector, 2);
	put(page, at + 2, s.attributes, 2);
	put(page, at + 4, s.limit, 4);
	put(page, at + 8, s.base, 8);
}

static void put_segments(uint8_t *page, const struct plan_cpu *c)
{
	static const uint16_t data[] = {VMSA_ES, VMSA_SS, VMSA_DS, VMSA_FS, VMSA_GS};
	const uint16_t dpl = (uint16_t)((c->cs & 3) << 5);

	put_segment(page, VMSA_CS, (struct segment){c->cs, (uint16_t)(0xa9b | dpl), 0xffffffff, 0});
	for (size_t i = 0; i < ARRAY_COUNT(data); i++)
		put_segment(page, data[i], (struct segment){c->ss, (uint16_t)(0xc93 | dpl), 0xffffffff, 0});
	put_segment(page, VMSA_GDTR, (struct segment){0, 0, c->gdt_limit, c->gdt_base});
	put_segment(page, VMSA_IDTR, (struct segment){0, 0, c->idt_limit, c->idt_base});
	put_segment(page, VMSA_TR, (struct segment){c->tr, 0x8b, c->tss_limit, c->tss_base});
	put(page, VMSA_CPL, c->cs & 3, 1);
}

static void build_vmsa(uint8_t *page, const struct plan *p)
{
	const struct plan_cpu *c = &p->cpu;

	memset(page, 0, VMSA_SIZE);
	if (p->params.kind == BOOT_VM)
		put_segments(page, c);
	put(page, VMSA_EFER, c->efer | EFER_SVME, 8);
	put(page, VMSA_CR4, c->cr4 | CR4_MCE, 8);
	put(page, VMSA_CR3, c->cr3, 8);
	put(page, VMSA_CR0, c->cr0, 8);
	put(page, VMSA_DR7, 0x400, 8);
	put(page, VMSA_DR6, 0xffff0ff0, 8);
	put(page, VMSA_RFLAGS, 2, 8);
	put(page, VMSA_RIP, c->rip, 8);
	put(page, VMSA_RSP, c->rsp, 8);
	put(page, VMSA_PAT, 0x0007040600070406, 8);
	put(page, VMSA_RDI, c->rdi, 8);
	put(page, VMSA_FEATURES, FEATURE_SNP, 8);
	put(page, VMSA_XCR0, c->xcr0, 8);
	put(page, VMSA_MXCSR, 0x1f80, 4);
	put(page, VMSA_FCW, 0x37f, 2);
}

enum err measure_snp(const struct plan *p, uint8_t digest[static MEASURE_SNP_SIZE])
{
	uint8_t vmsa[VMSA_SIZE];
	struct snp_chain c = {{0}};

	for (size_t i = 0; i < p->range_count; i++)
		extend_range(&c, &p->ranges[i]);
	build_vmsa(vmsa, p);
	for (uint32_t i = 0; i < p->params.vcpu_count; i++)
		extend(&c, SNP_PAGE_VMSA, SNP_VMSA_GPA, vmsa);
	memcpy(digest, c.digest, sizeof c.digest);
	return OK;
}
