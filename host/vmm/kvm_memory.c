/* SPDX-License-Identifier: Apache-2.0 */
#include "host/vmm/kvm.h"

#include "lib/image/paging.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define CHUNK PAGING_LARGE_SIZE

/* In a row, but for the slot that would hold the page of the local APIC (Intel SDM vol. 3, 11.4.1): it is left out. */
static uint64_t slot_base(const struct kvm_memory *m, size_t i)
{
	const uint64_t base = i == 0 ? 0 : m->first_size + (i - 1) * (uint64_t)KVM_SLOT_SIZE;

	return base + KVM_SLOT_SIZE > KVM_APIC_GPA ? base + KVM_SLOT_SIZE : base;
}

static size_t slot_of(const struct kvm_memory *m, uint64_t gpa)
{
	if (gpa < m->first_size)
		return 0;
	/* What lies in the gap gets a neighbour, in which it is not. */
	return 1 + (size_t)((gpa - m->first_size - (gpa > KVM_APIC_GPA ? KVM_SLOT_SIZE : 0)) / KVM_SLOT_SIZE);
}

static uint64_t slot_size(const struct kvm_memory *m, size_t i)
{
	return i == 0 ? m->first_size : KVM_SLOT_SIZE;
}

uint8_t *kvm_memory_at(const struct kvm_memory *m, uint64_t gpa, uint64_t size)
{
	const size_t i = slot_of(m, gpa);
	uint64_t offset;

	if (i >= m->slot_count || gpa < slot_base(m, i))
		return NULL;
	offset = gpa - slot_base(m, i);
	return offset <= slot_size(m, i) && size <= slot_size(m, i) - offset ? m->slots[i] + offset : NULL;
}

/* Anonymous memory on a 2 MiB boundary, so that one huge page can back one large guest page. */
static uint8_t *map_aligned(uint64_t size)
{
	uint8_t *raw =
	        mmap(NULL, size + CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t head;

	if (raw == MAP_FAILED)
		return NULL;
	head = (size_t)(-(uintptr_t)raw % CHUNK);
	if (head != 0)
		munmap(raw, head);
	munmap(raw + head + size, CHUNK - head);
	return raw + head;
}

static enum err map_slot(struct kvm_memory *m)
{
	const size_t i = m->slot_count;

	if (i == KVM_SLOT_MAX || (m->slots[i] = map_aligned(slot_size(m, i))) == NULL)
		return ERR_NOMEM;
	m->slot_count++;
	return OK;
}

static bool register_slot(const struct kvm_memory *m, size_t i)
{
	struct kvm_userspace_memory_region region = {
	        .slot = (uint32_t)i,
	        .guest_phys_addr = slot_base(m, i),
	        .memory_size = slot_size(m, i),
	        .userspace_addr = (uintptr_t)m->slots[i],
	};

	return ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region) == 0;
}

static enum err add_slot(struct kvm_memory *m)
{
	TRY(map_slot(m));
	if (register_slot(m, m->slot_count - 1))
		return OK;
	m->slot_count--;
	munmap(m->slots[m->slot_count], slot_size(m, m->slot_count));
	return ERR_NOMEM;
}

/* Slots are multiples of a chunk, so a chunk never crosses one. */
static enum err take_chunk(struct kvm_memory *m, uint64_t *gpa)
{
	uint8_t *first;

	if (m->dropped != 0) {
		*gpa = m->dropped;
		first = kvm_memory_at(m, *gpa, CHUNK);
		m->dropped = paging_get(first);
		paging_set(first, 0);
		return OK;
	}
	if (kvm_memory_at(m, m->next, CHUNK) == NULL) {
		TRY(add_slot(m));
		m->next = slot_base(m, m->slot_count - 1);
	}
	*gpa = m->next;
	m->next += CHUNK;
	return OK;
}

static uint8_t *table_at(void *ctx, uint64_t gpa)
{
	return kvm_memory_at(ctx, gpa, PLAN_PAGE_SIZE);
}

static uint64_t table_fresh(void *ctx)
{
	struct kvm_memory *m = ctx;
	uint64_t gpa;

	if (m->tables == m->tables_end) {
		if (take_chunk(m, &m->tables) != OK)
			return 0;
		m->tables_end = m->tables + CHUNK;
	}
	gpa = m->tables;
	m->tables += PLAN_PAGE_SIZE;
	return gpa;
}

/* Two segments of an ELF file may have the same bytes. */
static bool is_shared(const struct plan *p, const struct plan_range *r)
{
	for (size_t i = 0; i < p->range_count; i++) {
		const struct plan_range *other = &p->ranges[i];

		if (other != r && other->type == PLAN_NORMAL && other->bytes < r->bytes + r->count * PLAN_PAGE_SIZE &&
		    r->bytes < other->bytes + other->count * PLAN_PAGE_SIZE)
			return true;
	}
	return false;
}

static bool is_movable(const struct plan *p, const struct plan_range *r)
{
	const uintptr_t first = (uintptr_t)p->movable.data, at = (uintptr_t)r->bytes;

	return at >= first && at - first < p->movable.size && at % PLAN_PAGE_SIZE == 0 && !is_shared(p, r);
}

/* The pages themselves; what is left in their place are zeros. */
static enum err move(uint8_t *to, const struct plan_range *r, size_t size)
{
	void *from = (void *)(uintptr_t)r->bytes;

	if (mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to)
		return OK;
	/* An older kernel. What was at `to` may be gone. */
	if (mmap(to, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != to)
		return ERR_NOMEM;
	memcpy(to, from, size);
	return OK;
}

static enum err load_range(struct kvm_memory *m, const struct plan *p, struct plan_range *r)
{
	const size_t size = r->count * PLAN_PAGE_SIZE;
	uint8_t *to = kvm_memory_at(m, r->gpa.a, size);

	CHECK(to != NULL); /* the plan ends below gpa_end */
	if (r->type != PLAN_NORMAL)
		return OK;
	if (is_movable(p, r)) {
		TRY(move(to, r, size));
		r->bytes = to;
	} else {
		/* All at once costs half of what a fault for each page does. Where it can't be had, the faults come. */
		(void)madvise(to, size, MADV_POPULATE_WRITE);
		memcpy(to, r->bytes, size);
	}
	m->plan_size += size;
	return OK;
}

enum err kvm_memory_load(struct kvm_memory *m, struct plan *p, uint64_t limit)
{
	CHECK(p->gpa_end % CHUNK == 0);
	*m = (struct kvm_memory){.vm = -1, .limit = limit, .root = p->cpu.cr3, .next = p->gpa_end};
	m->first_size = p->gpa_end < KVM_SLOT_FIRST ? KVM_SLOT_FIRST : p->gpa_end;
	TRY(map_slot(m));
	for (size_t i = 0; i < p->range_count; i++)
		TRY(load_range(m, p, &p->ranges[i]));
	return OK;
}

enum err kvm_memory_attach(struct kvm_memory *m, int vm)
{
	m->vm = vm;
	for (size_t i = 0; i < m->slot_count; i++)
		if (!register_slot(m, i))
			return ERR_NOMEM;
	return OK;
}

/* Where the area that holds an address ends; 0 when none does. */
static uint64_t area_end(uint64_t address)
{
	const uint64_t linear = (address - BOOT_LINEAR_VA) / BOOT_LINEAR_STRIDE;
	const uint64_t offset = (address - BOOT_LINEAR_VA) % BOOT_LINEAR_STRIDE;

	if (address >= BOOT_HEAP_VA && address - BOOT_HEAP_VA < BOOT_HEAP_MAX)
		return BOOT_HEAP_VA + BOOT_HEAP_MAX;
	if (code_log_holds(address))
		return BOOT_CODE_VA + BOOT_CODE_MAX;
	if (address < BOOT_LINEAR_VA || linear >= BOOT_LINEAR_COUNT || offset >= BOOT_LINEAR_MAX)
		return 0;
	return address - offset + BOOT_LINEAR_MAX;
}

/* The extent that holds an address or ends there, else a new one that begins there; NULL when it may not. */
static struct kvm_extent *find_extent(struct kvm_memory *m, uint64_t address)
{
	struct kvm_extent *ends_here = NULL;

	for (size_t i = 0; i < m->extent_count; i++) {
		struct kvm_extent *e = &m->extents[i];

		if (address >= e->start && address < e->end)
			return e;
		if (address == e->end)
			ends_here = e;
	}
	if (ends_here != NULL)
		return ends_here;
	if (address % CHUNK != 0 || m->extent_count == KEEPCALL_EXTENT_MAX)
		return NULL;
	/* Not counted in before it has a page. */
	m->extents[m->extent_count] = (struct kvm_extent){.start = address, .end = address};
	return &m->extents[m->extent_count];
}

/* Would e, grown up to end, run into another one? */
static bool collides(const struct kvm_memory *m, const struct kvm_extent *e, uint64_t end)
{
	for (size_t i = 0; i < m->extent_count; i++)
		if (m->extents[i].start >= e->end && m->extents[i].start < end && &m->extents[i] != e)
			return true;
	return false;
}

/* One large page at the end of the extent; dense: all of it will be used. */
static enum err add_large(struct kvm_memory *m, const struct paging *p, struct kvm_extent *e, bool dense)
{
	uint8_t *entry;

	TRY(paging_entry(p, e->end, PAGING_PD, &entry));
	TRY(take_chunk(m, &e->chunk));
	if (dense)
		(void)madvise(kvm_memory_at(m, e->chunk, CHUNK), CHUNK, MADV_HUGEPAGE);
	paging_set(entry, e->chunk | paging_bits(PLAN_R | PLAN_W) | PAGING_LARGE);
	return OK;
}

/* Small pages up to `size` bytes on, within one 2 MiB range of va: they lie in one chunk at the same offsets. */
static enum err add_small(struct kvm_memory *m, const struct paging *p, struct kvm_extent *e, uint64_t va,
                          uint64_t size)
{
	uint8_t *entry;

	/* The tables first: when there is none, no chunk is lost. */
	TRY(paging_entry(p, va, PAGING_PT, &entry));
	if (va % CHUNK == 0)
		TRY(take_chunk(m, &e->chunk));
	for (uint64_t at = 0; at < size; at += PLAN_PAGE_SIZE) {
		uint64_t gpa = e->chunk + (va + at) % CHUNK;

		paging_set(entry, gpa | paging_bits(PLAN_R | PLAN_W));
		entry += sizeof(uint64_t);
	}
	return OK;
}

/*
 * The beginning of an area of the runtime is used at once. A fault for each page would cost ten times what this does;
 * where it can't be had, the faults come.
 */
static void prepare(const struct kvm_memory *m, const struct kvm_extent *e, uint64_t size)
{
	enum { SOON = 96 << 10 };

	if (e->start < BOOT_LINEAR_VA)
		(void)madvise(kvm_memory_at(m, e->chunk, size), size < SOON ? size : SOON, MADV_POPULATE_WRITE);
}

/* Were there small pages before? What leads to their table stays: a CPU may know it. */
static bool has_table(const struct paging *p, uint64_t va)
{
	uint8_t *entry;

	return paging_entry(p, va, PAGING_PD, &entry) == OK && (paging_get(entry) & PAGING_PRESENT) != 0;
}

/* One step: a whole 2 MiB if the extent is at a boundary and wants it, else up to the boundary. */
static enum err grow_step(struct kvm_memory *m, const struct paging *p, struct kvm_extent *e, uint64_t end, bool dense)
{
	uint64_t size = CHUNK - e->end % CHUNK;

	if (size > end - e->end)
		size = end - e->end;
	if (size == CHUNK && !has_table(p, e->end))
		TRY(add_large(m, p, e, dense));
	else
		TRY(add_small(m, p, e, e->end, size));
	if (e->start == e->end) {
		prepare(m, e, size);
		m->extent_count++; /* find_extent put it behind the last */
	}
	e->end += size;
	m->granted += size;
	return OK;
}

/*
 * Memory of programs is filled. What the runtime asks for first, for itself, is used here and there by small programs;
 * when it wants more, it has much to store.
 */
static bool is_dense(const struct kvm_extent *e, uint64_t end)
{
	enum { SPARSE_MOST = 8 << 20 };

	return e->start >= BOOT_LINEAR_VA || end - e->start > SPARSE_MOST;
}

enum err kvm_memory_grow(struct kvm_memory *m, uint64_t address, uint64_t size)
{
	const struct paging p = {.root = m->root, .table = table_at, .fresh = table_fresh, .ctx = m};
	const uint64_t limit = area_end(address), end = address + size;
	struct kvm_extent *e;

	if (address % PLAN_PAGE_SIZE != 0 || size % PLAN_PAGE_SIZE != 0 || size == 0)
		return ERR_RANGE;
	if (limit == 0 || size > limit - address)
		return ERR_RANGE;
	if (code_log_holds(address) && !code_log_may_grow(&m->code, address))
		return ERR_RANGE;
	e = find_extent(m, address);
	if (e == NULL || (end > e->end && collides(m, e, end)))
		return ERR_RANGE;
	if (end > e->end && end - e->end > m->limit - m->granted)
		return ERR_LIMIT;
	for (const bool dense = is_dense(e, end); e->end < end;)
		TRY(grow_step(m, &p, e, end, dense));
	if (code_log_holds(address))
		code_log_grew(&m->code, end);
	return OK;
}

/*
 * Entries of the Keep first, then the memory behind them goes back to the host, and with it what KVM and the CPU had
 * cached of the old entries: where nothing was cached, there was no memory.
 */
static void drop_chunk(struct kvm_memory *m, uint8_t *entry)
{
	const uint64_t first = paging_get(entry);
	uint8_t *table = kvm_memory_at(m, first & PAGING_ADDRESS, PLAN_PAGE_SIZE), *host;
	uint64_t gpa = first & PAGING_ADDRESS;

	if (first & PAGING_LARGE) {
		paging_set(entry, 0);
	} else {
		gpa = paging_get(table) & PAGING_ADDRESS;
		for (size_t i = 0; i < PLAN_PAGE_SIZE / sizeof(uint64_t); i++)
			paging_set(table + i * sizeof(uint64_t), 0);
	}
	host = kvm_memory_at(m, gpa, CHUNK);
	/* cppcheck-suppress nullPointer; it was handed out, so it is there */
	CHECK(host != NULL && madvise(host, CHUNK, MADV_DONTNEED) == 0);
	paging_set(host, m->dropped);
	m->dropped = gpa;
}

enum err kvm_memory_drop(struct kvm_memory *m, uint64_t address, uint64_t size)
{
	const struct paging p = {.root = m->root, .table = table_at, .fresh = table_fresh, .ctx = m};
	struct kvm_extent *e = NULL;
	uint8_t *entry;

	for (size_t i = 0; i < m->extent_count && e == NULL; i++)
		if (m->extents[i].start == address && m->extents[i].end - address == size)
			e = &m->extents[i];
	if (e == NULL || address < BOOT_LINEAR_VA)
		return ERR_RANGE;
	for (uint64_t va = e->start; va < e->end; va += CHUNK) {
		TRY(paging_entry(&p, va, PAGING_PD, &entry));
		drop_chunk(m, entry);
	}
	m->granted -= size;
	*e = m->extents[--m->extent_count];
	return OK;
}

/*
 * Rights of the pages behind size bytes at va, within one 2 MiB range: the entries of the Keep first, then our own
 * mapping loses its write access for ever. That also makes KVM drop what it had cached of the old entries, which
 * editing them does not.
 */
static enum err seal_step(struct kvm_memory *m, const struct paging *p, uint64_t va, uint64_t size)
{
	const uint64_t bits = paging_bits(PLAN_R | PLAN_X);
	uint8_t *entry;
	uint64_t gpa;

	TRY(paging_entry(p, va, PAGING_PD, &entry));
	gpa = paging_get(entry) & PAGING_ADDRESS;
	if (paging_get(entry) & PAGING_LARGE) {
		if (size != CHUNK) /* left by a GROW that failed half-way */
			return ERR_NOMEM;
		paging_set(entry, gpa | bits | PAGING_LARGE);
	} else {
		TRY(paging_entry(p, va, PAGING_PT, &entry));
		gpa = paging_get(entry) & PAGING_ADDRESS;
		for (uint64_t at = 0; at < size; at += PLAN_PAGE_SIZE, entry += sizeof(uint64_t))
			paging_set(entry, (gpa + at) | bits);
	}
	return mprotect(kvm_memory_at(m, gpa, size), size, PROT_READ) == 0 ? OK : ERR_NOMEM;
}

enum err kvm_memory_seal(struct kvm_memory *m, uint64_t address, uint64_t size)
{
	const struct paging p = {.root = m->root, .table = table_at, .fresh = table_fresh, .ctx = m};

	if (!code_log_may_seal(&m->code, address, size))
		return ERR_RANGE;
	m->code.sealed += size; /* also when a step fails: nothing is writable twice */
	for (uint64_t step; size > 0; address += step, size -= step) {
		step = CHUNK - address % CHUNK < size ? CHUNK - address % CHUNK : size;
		TRY(seal_step(m, &p, address, step));
	}
	return OK;
}

void kvm_memory_free(struct kvm_memory *m)
{
	for (size_t i = 0; i < m->slot_count; i++)
		munmap(m->slots[i], slot_size(m, i));
	m->slot_count = 0;
}
