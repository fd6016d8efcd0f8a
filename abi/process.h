/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a Keep of the process kind is started, between host/vmm/process.c and keep/shim/process/.
 *
 * The loader executes the ranges of the launch plan as a static program and enters it at the plan's rip. Two descriptors
 * are open, nothing else; there are no arguments and there is no environment. The entry code finds the boot page at
 * BOOT_INFO_VA, maps the shared area, reserves the areas of abi/boot.h without access, reads one byte from the doorbell
 * (the hints of the shared area are there then), and from then on makes no system call but these, which its own seccomp
 * filter enforces:
 *
 *   read, write   one byte on PROCESS_DOORBELL_FD: write rings, read waits for the answer
 *   mprotect      of pages inside the areas to PROT_READ | PROT_WRITE: after the host granted a KEEPCALL_GROW;
 *                 in the code area also to PROT_READ | PROT_EXEC: after it granted a KEEPCALL_GROW_SEAL
 *   mseal         after that, so that it stays so; kernels before 6.10 do not know it
 *   rt_sigreturn, exit
 *
 * The kernel holds the memory limit too (RLIMIT_DATA), so that a Keep which takes pages it was not granted gets none. What
 * is executable does not count there; of the code area no more is reserved than that limit.
 */
#ifndef BROCH_ABI_PROCESS_H
#define BROCH_ABI_PROCESS_H

enum {
	PROCESS_DOORBELL_FD = 3, /* a connected stream socket */
	PROCESS_SHARED_FD = 4,   /* KEEPCALL_SHARED_SIZE bytes to map at boot_info.shared_va */
	PROCESS_STACK_SIZE = 1024 * 1024, /* what the entry code maps for the runtime, outside the granted memory */
};

/* Exit status of the process when its entry code fails, or when the doorbell closed. A Keep that runs ends by EXIT. */
enum process_exit {
	PROCESS_EXIT_BOOT = 64,   /* the boot page is not ours */
	PROCESS_EXIT_MAP = 65,    /* an area could not be mapped */
	PROCESS_EXIT_RANDOM = 66, /* the CPU gave no random number */
	PROCESS_EXIT_KERNEL = 67, /* signals or process attributes were refused */
	PROCESS_EXIT_FILTER = 68, /* the seccomp filter was refused */
	PROCESS_EXIT_ALONE = 69,  /* the host closed the doorbell */
};

#endif
