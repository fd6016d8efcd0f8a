/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the KVM backend: what its files share. Nobody else includes this. */
#ifndef BROCH_HOST_VMM_KVM_H
#define BROCH_HOST_VMM_KVM_H

#include "host/vmm/code_log.h"
#include "host/vmm/vmm.h"

#include <linux/kvm.h>
#include <sys/types.h>

enum {
	KVM_SLOT_FIRST =
	        32 << 20,         /* image and first growth in one slot: adding one later can wait for kernel workers */
	KVM_SLOT_SIZE = 64 << 20, /* bookkeeping of the kernel is paid for a whole slot up front */
	KVM_SLOT_MAX = 1024,
};

#define KVM_APIC_GPA UINT64_C(0xfee00000) /* what KVM may keep for itself: no memory of a Keep is there */

/*
 * Guest-physical memory: slots in a row from 0, with one gap, each one anonymous mapping. Behind the plan it is handed out in chunks
 * of 2 MiB: to one 2 MiB range of virtual addresses each, or to page tables, which are never taken back before the end.
 */
struct kvm_extent {
	uint64_t start, end; /* virtual addresses of present pages; start is a multiple of 2 MiB */
	uint64_t chunk;      /* gpa behind its last 2 MiB, which may be partly present */
};

struct kvm_memory {
	int vm;
	uint8_t *slots[KVM_SLOT_MAX]; /* host addresses */
	size_t slot_count;
	uint64_t first_size;         /* of slot 0; the others have KVM_SLOT_SIZE */
	uint64_t next;               /* first chunk never handed out */
	uint64_t dropped;            /* the first that came back, 0: none; each begins with the number of the next */
	uint64_t tables, tables_end; /* pages left for page tables */
	uint64_t root;               /* gpa of the PML4 */
	uint64_t plan_size;          /* bytes of the plan, pages of zeros left out */
	uint64_t granted, limit;     /* bytes of GROW */
	struct kvm_extent extents[KEEPCALL_EXTENT_MAX];
	size_t extent_count;
	struct code_log code;
};

/* Makes the memory of slot 0 and puts the plan into it. On failure memory_free is still to be called. */
MUST_USE enum err kvm_memory_load(struct kvm_memory *m, struct plan *p, uint64_t limit);
/* Makes it the memory of a VM; again of another, when that one is used up. */
MUST_USE enum err kvm_memory_attach(struct kvm_memory *m, int vm);
MUST_USE enum err kvm_memory_grow(struct kvm_memory *m, uint64_t address, uint64_t size);
MUST_USE enum err kvm_memory_drop(struct kvm_memory *m, uint64_t address, uint64_t size);
MUST_USE enum err kvm_memory_seal(struct kvm_memory *m, uint64_t address, uint64_t size);
/* NULL unless all of [gpa, gpa + size) is in one slot. */
uint8_t *kvm_memory_at(const struct kvm_memory *m, uint64_t gpa, uint64_t size);
void kvm_memory_free(struct kvm_memory *m);

/* What this host's KVM needs before an image can run, from little to much. */
enum kvm_mode {
	KVM_MODE_PLAIN,  /* the guest sees the CPU as it is, whatever is configured */
	KVM_MODE_NATIVE, /* so too, but CPUID traps and has to be told what the CPU is */
	KVM_MODE_CPUID,  /* regular: features work when CPUID and XCR0 allow them */
	KVM_MODE_TSS,    /* regular, but the I/O bitmap counts only in a TSS that is not marked busy (QEMU's own CPU) */
	KVM_MODE_COUNT
};

struct vmm {
	int vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *shared;
	pid_t thread; /* the one that runs */
	bool dead;
	struct plan_cpu cpu;
	struct kvm_memory memory;
};

/* kvm_cpu.c */
MUST_USE enum err kvm_cpu_configure(int kvm, struct vmm *v, enum kvm_mode mode, struct note *n);
/* Puts the first register state in place; it is loaded by the next KVM_RUN. */
void kvm_cpu_start(struct vmm *v, enum kvm_mode mode);
/* KVM_RUN without running: KVM makes what it needs for the first time, which a keeper's limits would forbid later. */
void kvm_cpu_touch(struct vmm *v);
/* Runs the probe page of the plan. False: this mode does not do here, and the VM is used up. */
bool kvm_cpu_probe(struct vmm *v, enum kvm_mode mode);

/* kvm_exit.c: what the exit in v->run means. VMM_DIED adds the reason to the note. */
enum vmm_event kvm_exit_event(const struct vmm *v, struct note *n);

#endif
