/* SPDX-License-Identifier: Apache-2.0 */
/* Every reason for which KVM_RUN comes back. Only the door is a call; all else is an end, told as well as we can. */
#include "host/vmm/kvm.h"

#include "lib/image/layout.h"

#include <string.h>

static const char *vector_name(unsigned vector)
{
	static const char *const names[BOOT_TRAP_COUNT] = {
	        [0] = "divide error",
	        [1] = "debug exception",
	        [2] = "NMI",
	        [3] = "breakpoint",
	        [6] = "invalid opcode",
	        [7] = "device not available",
	        [8] = "double fault",
	        [10] = "invalid TSS",
	        [11] = "a trap inside the trap handler",
	        [12] = "stack-segment fault",
	        [13] = "general protection fault",
	        [14] = "page fault",
	        [16] = "x87 error",
	        [17] = "alignment check",
	        [18] = "machine check",
	        [19] = "SIMD error",
	};

	return vector < BOOT_TRAP_COUNT && names[vector] != NULL ? names[vector] : "unexpected vector";
}

/* A ring-0 stub ended the Keep; the CPU's frame is at the top of the stack: rip cs rflags rsp ss. */
static void note_dead_port(const struct vmm *v, unsigned vector, struct note *n)
{
	const uint8_t *top = kvm_memory_at(&v->memory, LAYOUT_STACK0, PLAN_PAGE_SIZE);
	uint64_t rip = 0;

	if (top != NULL)
		memcpy(&rip, top + PLAN_PAGE_SIZE - 5 * sizeof rip, sizeof rip);
	note_set(n, "the Keep ended in %s (vector %u) at rip 0x%llx", vector_name(vector), vector,
	         (unsigned long long)rip);
}

static enum vmm_event io_event(const struct vmm *v, struct note *n)
{
	const struct kvm_run *r = v->run;
	const bool one_byte = r->io.direction == KVM_EXIT_IO_OUT && r->io.size == 1 && r->io.count == 1;

	if (one_byte && r->io.port == KEEPCALL_PORT)
		return VMM_CALL;
	if (one_byte && r->io.port == LAYOUT_DEAD_PORT && r->io.data_offset < v->run_size)
		note_dead_port(v, ((const uint8_t *)r)[r->io.data_offset], n);
	else
		note_set(n, "the Keep used I/O port 0x%x", r->io.port);
	return VMM_DIED;
}

enum vmm_event kvm_exit_event(const struct vmm *v, struct note *n)
{
	const struct kvm_run *r = v->run;

	switch (r->exit_reason) {
	case KVM_EXIT_IO: return io_event(v, n);
	case KVM_EXIT_SHUTDOWN: note_set(n, "the Keep ended in a triple fault"); break;
	case KVM_EXIT_HLT: note_set(n, "the Keep halted"); break;
	case KVM_EXIT_MMIO:
		note_set(n, "the Keep used guest-physical address 0x%llx, where nothing is",
		         (unsigned long long)r->mmio.phys_addr);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		note_set(n, "the CPU refused the Keep's state (hardware reason 0x%llx)",
		         (unsigned long long)r->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		note_set(n, "KVM could not go on with the Keep (internal error %u)", r->internal.suberror);
		break;
	default: note_set(n, "the Keep left with KVM exit reason %u, which it may not", r->exit_reason); break;
	}
	return VMM_DIED;
}
