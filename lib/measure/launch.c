/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/measure/launch.h"

#include "lib/base/rw.h"

#include <bearssl.h>

#define FOUR_GIB UINT64_C(0x100000000)

enum { SECTION_SIZE_MAX = 1 << 28, HASH_ENTRY_SIZE = 50, HASH_TABLE_SIZE = 168, HASH_TABLE_PADDED = 176 };
#define BOOT_EIP UINT32_C(0xfffffff0)

uint32_t launch_cpu_signature(uint32_t family, uint32_t model, uint32_t stepping)
{
	uint32_t base = family > 15 ? 15 : family, extended = family > 15 ? family - 15 : 0;

	return extended << 20 | (model >> 4 & 15) << 16 | base << 8 | (model & 15) << 4 | (stepping & 15);
}

/* ---- the save area of a vCPU after reset (AMD APM vol. 2 table B-4) ---- */

enum {
	VMSA_ES = 0x000,
	VMSA_CS = 0x010,
	VMSA_SS = 0x020,
	VMSA_DS = 0x030,
	VMSA_FS = 0x040,
	VMSA_GS = 0x050,
	VMSA_GDTR = 0x060,
	VMSA_LDTR = 0x070,
	VMSA_IDTR = 0x080,
	VMSA_TR = 0x090,
	VMSA_EFER = 0x0d0,
	VMSA_CR4 = 0x148,
	VMSA_CR0 = 0x158,
	VMSA_DR7 = 0x160,
	VMSA_DR6 = 0x168,
	VMSA_RFLAGS = 0x170,
	VMSA_RIP = 0x178,
	VMSA_PAT = 0x268,
	VMSA_RDX = 0x310,
	VMSA_FEATURES = 0x3b0,
	VMSA_XCR0 = 0x3e8,
	VMSA_MXCSR = 0x408,
	VMSA_FCW = 0x410,
};

static const struct habits {
	uint16_t cs_boot, cs, ss, tr; /* segment attributes */
	bool signature_in_rdx;        /* else 600h, which is what the manuals say */
	uint32_t mxcsr;
	uint16_t fcw;
	uint64_t pat;
	enum snp_page_type sec_memory;
	bool cpuid_last;
} habits[] = {
        [LAUNCH_QEMU] = {0x9b, 0x9b, 0x93, 0x8b, true, 0x1f80, 0x37f, 0x0007040600070406, SNP_PAGE_ZERO, false},
        [LAUNCH_EC2] = {0x9a, 0x9b, 0x92, 0x83, false, 0, 0, 0x0007040600070406, SNP_PAGE_ZERO, true},
        [LAUNCH_GCE] = {0x9b, 0x9b, 0x93, 0x8b, false, 0, 0, 0x00070106, SNP_PAGE_UNMEASURED, false},
};

static void put(uint8_t *page, size_t at, uint64_t v, size_t size)
{
	CHECK(at + size <= SNP_PAGE_SIZE);
	for (size_t i = 0; i < size; i++)
		page[at + i] = (uint8_t)(v >> (8 * i));
}

static void put_segment(uint8_t *page, size_t at, uint16_t selector, uint16_t attributes, uint64_t base)
{
	put(page, at, selector, 2);
	put(page, at + 2, attributes, 2);
	put(page, at + 4, 0xffff, 4);
	put(page, at + 8, base, 8);
}

static void reset_vmsa(uint8_t *page, const struct launch *l, uint32_t eip, uint64_t features)
{
	static const uint16_t data[] = {VMSA_ES, VMSA_DS, VMSA_FS, VMSA_GS};
	const struct habits *h = &habits[l->vmm];

	memset(page, 0, SNP_PAGE_SIZE);
	for (size_t i = 0; i < ARRAY_COUNT(data); i++)
		put_segment(page, data[i], 0, 0x93, 0);
	put_segment(page, VMSA_CS, 0xf000, eip == BOOT_EIP ? h->cs_boot : h->cs, eip & 0xffff0000);
	put_segment(page, VMSA_SS, 0, h->ss, 0);
	put_segment(page, VMSA_GDTR, 0, 0, 0);
	put_segment(page, VMSA_LDTR, 0, 0x82, 0);
	put_segment(page, VMSA_IDTR, 0, 0, 0);
	put_segment(page, VMSA_TR, 0, h->tr, 0);
	put(page, VMSA_EFER, 0x1000, 8);
	put(page, VMSA_CR4, 0x40, 8);
	put(page, VMSA_CR0, 0x10, 8);
	put(page, VMSA_DR7, 0x400, 8);
	put(page, VMSA_DR6, 0xffff0ff0, 8);
	put(page, VMSA_RFLAGS, 2, 8);
	put(page, VMSA_RIP, eip & 0xffff, 8);
	put(page, VMSA_PAT, h->pat, 8);
	put(page, VMSA_RDX, h->signature_in_rdx ? l->vcpu_signature : 0x600, 8);
	put(page, VMSA_FEATURES, features, 8);
	put(page, VMSA_XCR0, 1, 8);
	put(page, VMSA_MXCSR, h->mxcsr, 4);
	put(page, VMSA_FCW, h->fcw, 2);
}

/* ---- the table of kernel hashes that the VMM writes for the firmware ---- */

static const uint8_t table_guid[] = {0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c,
                                     0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21};
static const uint8_t kernel_guid[] = {0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42,
                                      0xb8, 0x35, 0xd5, 0xb1, 0x72, 0xd2, 0x04, 0x5b};
static const uint8_t initrd_guid[] = {0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b,
                                      0x9a, 0xf1, 0x41, 0xe2, 0x91, 0x69, 0x78, 0x1d};
static const uint8_t cmdline_guid[] = {0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c,
                                       0xaa, 0x78, 0xe7, 0x71, 0x4d, 0x36, 0xab, 0x2a};

static enum err hash_entry(struct writer *w, const uint8_t *guid, const uint8_t *digest)
{
	TRY(wr_bytes(w, slice_of(guid, 16)));
	TRY(wr_u16le(w, HASH_ENTRY_SIZE));
	return wr_bytes(w, slice_of(digest, 32));
}

static enum err hash_table(const struct launch_kernel *k, uint8_t out[static HASH_TABLE_PADDED])
{
	struct writer w = wr_of(out, HASH_TABLE_PADDED);

	TRY(wr_bytes(&w, slice_of(table_guid, 16)));
	TRY(wr_u16le(&w, HASH_TABLE_SIZE));
	TRY(hash_entry(&w, cmdline_guid, k->cmdline));
	TRY(hash_entry(&w, initrd_guid, k->initrd));
	TRY(hash_entry(&w, kernel_guid, k->kernel));
	return wr_zero(&w, HASH_TABLE_PADDED - HASH_TABLE_SIZE);
}

/* ---- SNP ---- */

static void span(struct snp_chain *c, enum snp_page_type type, uint64_t gpa, uint64_t size, const uint8_t *content)
{
	for (uint64_t at = 0; at < size; at += SNP_PAGE_SIZE)
		snp_chain_add(c, &(struct snp_page){.type = type,
		                                    .gpa = gpa + at,
		                                    .content = content == NULL ? NULL : content + at});
}

static enum err kernel_hashes(struct snp_chain *c, const struct launch *l, const struct ovmf *t,
                              const struct ovmf_section *s, struct note *n)
{
	uint8_t table[HASH_TABLE_PADDED], page[SNP_PAGE_SIZE];
	uint32_t offset = t->hash_gpa & (SNP_PAGE_SIZE - 1);

	if (l->kernel == NULL) {
		span(c, SNP_PAGE_ZERO, s->gpa, s->size, NULL);
		return OK;
	}
	if (t->hash_gpa == 0 || offset + HASH_TABLE_PADDED > SNP_PAGE_SIZE || t->hash_gpa - offset != s->gpa)
		return refuse(n, ERR_UNSUPPORTED,
		              "the firmware's place for kernel hashes (%xh) is not in its section (%xh)", t->hash_gpa,
		              s->gpa);
	TRY(hash_table(l->kernel, table));
	memset(page, 0, sizeof page);
	memcpy(page + offset, table, sizeof table);
	span(c, SNP_PAGE_NORMAL, s->gpa, SNP_PAGE_SIZE, page);
	memset(page, 0, sizeof page);
	for (uint64_t at = SNP_PAGE_SIZE; at < s->size; at += SNP_PAGE_SIZE)
		span(c, SNP_PAGE_NORMAL, s->gpa + at, SNP_PAGE_SIZE, page);
	return OK;
}

static enum err one_section(struct snp_chain *c, const struct launch *l, const struct ovmf *t,
                            const struct ovmf_section *s, struct note *n)
{
	if (s->gpa % SNP_PAGE_SIZE != 0 || s->size % SNP_PAGE_SIZE != 0 || s->size == 0)
		return refuse(n, ERR_FORMAT, "firmware section at %xh: address or size is no multiple of 4096", s->gpa);
	if (s->size > SECTION_SIZE_MAX)
		return refuse(n, ERR_LIMIT, "firmware section at %xh: %u bytes", s->gpa, s->size);
	switch (s->type) {
	case OVMF_SEC_MEMORY: span(c, habits[l->vmm].sec_memory, s->gpa, s->size, NULL); return OK;
	case OVMF_SECRETS: span(c, SNP_PAGE_SECRETS, s->gpa, SNP_PAGE_SIZE, NULL); return OK;
	case OVMF_CPUID:
		if (!habits[l->vmm].cpuid_last)
			span(c, SNP_PAGE_CPUID, s->gpa, SNP_PAGE_SIZE, NULL);
		return OK;
	case OVMF_SVSM_CAA: span(c, SNP_PAGE_ZERO, s->gpa, s->size, NULL); return OK;
	case OVMF_KERNEL_HASHES: return kernel_hashes(c, l, t, s, n);
	default: return refuse(n, ERR_UNSUPPORTED, "firmware section at %xh: unknown type %xh", s->gpa, s->type);
	}
}

static enum err all_sections(struct snp_chain *c, const struct launch *l, const struct ovmf *t, struct note *n)
{
	bool place = false;

	for (size_t i = 0; i < t->section_count; i++) {
		TRY(one_section(c, l, t, &t->sections[i], n));
		place = place || t->sections[i].type == OVMF_KERNEL_HASHES;
	}
	for (size_t i = 0; habits[l->vmm].cpuid_last && i < t->section_count; i++)
		if (t->sections[i].type == OVMF_CPUID)
			span(c, SNP_PAGE_CPUID, t->sections[i].gpa, SNP_PAGE_SIZE, NULL);
	if (l->kernel != NULL && !place)
		return refuse(n, ERR_UNSUPPORTED,
		              "this firmware has no place for kernel hashes: the kernel would not be measured; use "
		              "another firmware");
	return OK;
}

static enum err tables_of(const struct launch *l, struct ovmf *t, struct note *n)
{
	if (l->vcpus < 1 || l->vcpus > LAUNCH_VCPUS_MAX)
		return refuse(n, ERR_RANGE, "%u vCPUs", l->vcpus);
	if (l->tables == NULL)
		return ovmf_parse(l->firmware, t, n);
	*t = *l->tables;
	return t->section_count <= OVMF_SECTIONS_MAX ? OK : ERR_LIMIT;
}

static uint32_t eip_of(const struct ovmf *t, uint32_t vcpu)
{
	return vcpu == 0 ? BOOT_EIP : t->reset_eip;
}

enum err launch_measure_snp(const struct launch *l, uint8_t digest[static SNP_CHAIN_DIGEST_SIZE], struct note *n)
{
	uint8_t vmsa[SNP_PAGE_SIZE];
	struct snp_chain c = {{0}};
	struct ovmf t = {0};

	TRY(tables_of(l, &t, n));
	if (l->firmware_digest != NULL)
		memcpy(c.digest, l->firmware_digest, sizeof c.digest);
	else if (l->firmware.size % SNP_PAGE_SIZE != 0 || l->firmware.size > OVMF_SIZE_MAX)
		return refuse(n, ERR_FORMAT, "a firmware image of %llu bytes", (unsigned long long)l->firmware.size);
	else
		span(&c, SNP_PAGE_NORMAL, FOUR_GIB - l->firmware.size, l->firmware.size, l->firmware.data);
	TRY(all_sections(&c, l, &t, n));
	for (uint32_t i = 0; i < l->vcpus; i++) {
		reset_vmsa(vmsa, l, eip_of(&t, i), l->features);
		span(&c, SNP_PAGE_VMSA, l->vmsa_gpa != 0 ? l->vmsa_gpa : SNP_VMSA_GPA, SNP_PAGE_SIZE, vmsa);
	}
	memcpy(digest, c.digest, sizeof c.digest);
	return OK;
}

/* ---- SEV and SEV-ES: one hash over everything, without addresses ---- */

enum err launch_measure_sev(const struct launch *l, bool es, uint8_t digest[static LAUNCH_SEV_DIGEST_SIZE],
                            struct note *n)
{
	uint8_t table[HASH_TABLE_PADDED], vmsa[SNP_PAGE_SIZE];
	br_sha256_context c;
	struct ovmf t = {0};

	TRY(tables_of(l, &t, n));
	if (l->firmware_digest != NULL)
		return refuse(n, ERR_UNSUPPORTED, "SEV and SEV-ES digests need the firmware image itself");
	br_sha256_init(&c);
	br_sha256_update(&c, l->firmware.data, l->firmware.size);
	if (l->kernel != NULL) {
		if (t.hash_gpa == 0)
			return refuse(n, ERR_UNSUPPORTED,
			              "this firmware has no place for kernel hashes: the kernel would not be measured; "
			              "use another firmware");
		TRY(hash_table(l->kernel, table));
		br_sha256_update(&c, table, sizeof table);
	}
	for (uint32_t i = 0; es && i < l->vcpus; i++) {
		reset_vmsa(vmsa, l, eip_of(&t, i), 0);
		br_sha256_update(&c, vmsa, sizeof vmsa);
	}
	br_sha256_out(&c, digest);
	return OK;
}
