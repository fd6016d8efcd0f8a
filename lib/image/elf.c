/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/image/elf.h"

#include "abi/boot.h"
#include "lib/base/rw.h"
#include "lib/image/plan.h"

enum { EHDR_SIZE = 64, PHDR_SIZE = 56, PHDR_MAX = 16, MACHINE_X86_64 = 62, TYPE_EXEC = 2 };
enum { PT_NULL = 0, PT_LOAD = 1, PT_NOTE = 4, PT_GNU_STACK = 0x6474e551, PT_GNU_RELRO = 0x6474e552 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

struct header {
	uint64_t entry, phoff;
	uint16_t phcount;
};

/* One field that has to have one value. */
static enum err want(uint64_t have, uint64_t wanted, const char *field, struct note *n)
{
	if (have == wanted)
		return OK;
	return refuse(n, ERR_FORMAT, "Keep image: ELF field %s is 0x%llx, not 0x%llx", field, (unsigned long long)have,
	              (unsigned long long)wanted);
}

static enum err read_ident(struct reader *r, struct note *n)
{
	static const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', 2 /* 64-bit */, 1 /* little-endian */, 1};
	struct slice have;

	TRY(rd_bytes(r, sizeof ident, &have));
	if (!slice_equal(have, slice_of(ident, sizeof ident)))
		return refuse(n, ERR_FORMAT, "Keep image: not a little-endian ELF64 file for no particular OS");
	return OK;
}

static enum err read_header(struct reader *r, struct header *h, struct note *n)
{
	uint16_t type, machine, ehsize, phsize;
	uint32_t version, flags;
	uint64_t shoff;

	TRY(read_ident(r, n));
	TRY(rd_u16le(r, &type));
	TRY(rd_u16le(r, &machine));
	TRY(rd_u32le(r, &version));
	TRY(rd_u64le(r, &h->entry));
	TRY(rd_u64le(r, &h->phoff));
	TRY(rd_u64le(r, &shoff)); /* sections are for debuggers; nothing here depends on them */
	TRY(rd_u32le(r, &flags));
	TRY(rd_u16le(r, &ehsize));
	TRY(rd_u16le(r, &phsize));
	TRY(rd_u16le(r, &h->phcount));
	TRY(want(type, TYPE_EXEC, "e_type", n));
	TRY(want(machine, MACHINE_X86_64, "e_machine", n));
	TRY(want(version, 1, "e_version", n));
	TRY(want(flags, 0, "e_flags", n));
	TRY(want(ehsize, EHDR_SIZE, "e_ehsize", n));
	TRY(want(phsize, PHDR_SIZE, "e_phentsize", n));
	if (h->phcount == 0 || h->phcount > PHDR_MAX)
		return refuse(n, ERR_LIMIT, "Keep image: %u program headers, not 1 to %u", h->phcount, PHDR_MAX);
	return OK;
}

static enum err perm_of(uint32_t flags, unsigned *perm, struct note *n)
{
	switch (flags) {
	case PF_R: *perm = PLAN_R; return OK;
	case PF_R | PF_W: *perm = PLAN_R | PLAN_W; return OK;
	case PF_R | PF_X: *perm = PLAN_R | PLAN_X; return OK;
	default: return refuse(n, ERR_FORMAT, "Keep image: segment flags 0x%x: only R, RW and RX are allowed", flags);
	}
}

/* Where the pages of everything before end: the next segment must not share one. */
static uint64_t end_of(const struct elf *e)
{
	const struct elf_segment *last;

	if (e->count == 0)
		return BOOT_IMAGE_VA;
	last = &e->segments[e->count - 1];
	return (last->va + last->size + PLAN_PAGE_SIZE - 1) & ~(uint64_t)(PLAN_PAGE_SIZE - 1);
}

static enum err add_segment(struct elf *e, const struct elf_segment *s, struct note *n)
{
	unsigned long long va = s->va;

	if (s->size == 0)
		return OK; /* ld leaves empty ones */
	if (e->count == ELF_SEGMENT_MAX)
		return refuse(n, ERR_LIMIT, "Keep image: more than %u segments", ELF_SEGMENT_MAX);
	if (s->file.size > s->size)
		return refuse(n, ERR_FORMAT, "Keep image: segment at 0x%llx: p_filesz is above p_memsz", va);
	if (s->va % PLAN_PAGE_SIZE != 0)
		return refuse(n, ERR_FORMAT, "Keep image: segment at 0x%llx is not page-aligned", va);
	if (s->va < end_of(e))
		return refuse(n, ERR_RANGE, "Keep image: segment at 0x%llx is too low or overlaps another", va);
	if (s->va >= BOOT_IMAGE_LIMIT || s->size > BOOT_IMAGE_LIMIT - s->va)
		return refuse(n, ERR_RANGE, "Keep image: segment at 0x%llx ends too high", va);
	e->segments[e->count++] = *s;
	return OK;
}

static enum err read_segment(struct reader *r, struct slice file, struct elf *e, struct note *n)
{
	struct elf_segment s = {0};
	struct reader content = rd_of(file);
	uint64_t offset, paddr, filesz, align;
	uint32_t type, flags;

	TRY(rd_u32le(r, &type));
	TRY(rd_u32le(r, &flags));
	TRY(rd_u64le(r, &offset));
	TRY(rd_u64le(r, &s.va));
	TRY(rd_u64le(r, &paddr));
	TRY(rd_u64le(r, &filesz));
	TRY(rd_u64le(r, &s.size));
	TRY(rd_u64le(r, &align));
	if (type == PT_NULL || type == PT_NOTE || type == PT_GNU_RELRO)
		return OK;
	if (type == PT_GNU_STACK)
		return want(flags & PF_X, 0, "PT_GNU_STACK p_flags", n);
	TRY(want(type, PT_LOAD, "p_type", n));
	if (rd_skip(&content, offset) != OK || rd_bytes(&content, filesz, &s.file) != OK)
		return refuse(n, ERR_TRUNCATED, "Keep image: segment at 0x%llx lies outside the file",
		              (unsigned long long)s.va);
	TRY(perm_of(flags, &s.perm, n));
	return add_segment(e, &s, n);
}

/* The entry and the trap slots behind it have to be code. */
static enum err check_entry(const struct elf *e, struct note *n)
{
	const uint64_t need = (uint64_t)BOOT_TRAP_STRIDE * (1 + BOOT_TRAP_COUNT);

	for (size_t i = 0; i < e->count; i++) {
		const struct elf_segment *s = &e->segments[i];

		if ((s->perm & PLAN_X) && e->entry >= s->va && e->entry - s->va < s->file.size &&
		    s->file.size - (e->entry - s->va) >= need)
			return OK;
	}
	return refuse(n, ERR_RANGE, "Keep image: e_entry 0x%llx is not at the start of an entry table in code",
	              (unsigned long long)e->entry);
}

enum err elf_parse(struct slice file, struct elf *out, struct note *n)
{
	struct reader r = rd_of(file), table = rd_of(file);
	struct header h = {0};
	struct elf e = {0};
	enum err err = read_header(&r, &h, n);

	if (err != OK)
		return refuse(n, err, "Keep image: the file ends inside the ELF header");
	if (rd_skip(&table, h.phoff) != OK || rd_left(&table) / PHDR_SIZE < h.phcount)
		return refuse(n, ERR_TRUNCATED, "Keep image: the program headers lie outside the file");
	for (unsigned i = 0; i < h.phcount; i++)
		TRY(read_segment(&table, file, &e, n));
	e.entry = h.entry;
	TRY(check_entry(&e, n));
	*out = e;
	return OK;
}
