/* SPDX-License-Identifier: Apache-2.0 */
#include "host/vmm/elf_out.h"

#include "lib/base/slice.h"
#include "sys/file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 40 };

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* Linux 6.3: says aloud that this one is to be executed */
#endif

struct elf_file {
	Elf64_Ehdr head;
	Elf64_Phdr segments[SEGMENTS_MAX];
};
static_assert(sizeof(struct elf_file) <= PLAN_PAGE_SIZE, "the headers take the first page");

static Elf64_Word flags_of(unsigned perm)
{
	return (perm & PLAN_R ? PF_R : 0U) | (perm & PLAN_W ? PF_W : 0U) | (perm & PLAN_X ? PF_X : 0U);
}

static enum err add_segment(struct elf_file *f, const struct plan_range *r, uint64_t *offset, struct note *n)
{
	const uint64_t size = (uint64_t)r->count * PLAN_PAGE_SIZE;

	if (r->type == PLAN_SHARED)
		return OK; /* the Keep maps it itself */
	if ((r->perm & PLAN_SUPERVISOR) != 0)
		return refuse(n, ERR_UNSUPPORTED, "launch plan: a process has no supervisor page (0x%llx)",
			      (unsigned long long)r->va);
	if (f->head.e_phnum == SEGMENTS_MAX)
		return refuse(n, ERR_LIMIT, "launch plan: more than %u ranges", SEGMENTS_MAX);
	f->segments[f->head.e_phnum++] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags_of(r->perm),
		.p_offset = *offset,
		.p_vaddr = r->va,
		.p_paddr = r->va,
		.p_filesz = r->type == PLAN_NORMAL ? size : 0,
		.p_memsz = size,
		.p_align = PLAN_PAGE_SIZE,
	};
	*offset += r->type == PLAN_NORMAL ? size : 0;
	return OK;
}

static enum err make_headers(const struct plan *p, struct elf_file *f, struct note *n)
{
	uint64_t offset = PLAN_PAGE_SIZE;

	*f = (struct elf_file){.head = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = p->cpu.rip,
		.e_phoff = offsetof(struct elf_file, segments),
		.e_ehsize = sizeof f->head,
		.e_phentsize = sizeof f->segments[0],
	}};
	for (size_t i = 0; i < p->range_count; i++)
		TRY(add_segment(f, &p->ranges[i], &offset, n));
	return OK;
}

static enum err write_all(int fd, const struct plan *p, const struct elf_file *f)
{
	static const uint8_t zeros[PLAN_PAGE_SIZE - sizeof *f];

	TRY(fd_write_all(fd, slice_of(f, sizeof *f)));
	TRY(fd_write_all(fd, slice_of(zeros, sizeof zeros)));
	for (size_t i = 0; i < p->range_count; i++) {
		const struct plan_range *r = &p->ranges[i];

		if (r->type == PLAN_NORMAL)
			TRY(fd_write_all(fd, slice_of(r->bytes, r->count * PLAN_PAGE_SIZE)));
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		return err_of_errno(errno);
	return OK;
}

static int open_memory(void)
{
	int fd = memfd_create("broch-keep", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("broch-keep", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

enum err elf_out(const struct plan *p, int *fd, struct note *n)
{
	struct elf_file headers;
	enum err err;

	TRY(make_headers(p, &headers, n));
	*fd = open_memory();
	if (*fd < 0)
		return refuse(n, err_of_errno(errno),
			      "cannot make executable memory for the Keep (%s): see sysctl vm.memfd_noexec",
			      strerrordesc_np(errno));
	err = write_all(*fd, p, &headers);
	if (err == OK)
		return OK;
	fd_close(fd);
	return refuse(n, err, "cannot write the Keep image to memory: %s", err_text(err));
}
