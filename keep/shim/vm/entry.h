/* SPDX-License-Identifier: Apache-2.0 */
/* Between entry.S and the C of the shim. */
#ifndef BROCH_KEEP_VM_ENTRY_H
#define BROCH_KEEP_VM_ENTRY_H
#ifndef __ASSEMBLER__

#include "abi/boot.h"
#include "lib/base/attr.h"

struct trap_frame { /* as the CPU and entry.S leave it */
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* Until it is cleared a further trap ends the Keep. */
extern volatile uint32_t in_trap;

NORETURN void shim_start(const struct boot_info *boot);
/* Returns when the interrupted code is to go on, at frame->rip. */
void trap_taken(struct trap_frame *frame);

#endif
#endif
