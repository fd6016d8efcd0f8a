/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little of the x86-64 Linux kernel interface that a process Keep uses, written down here because a Keep includes
 * no system header. Numbers and layouts as in Linux' uapi headers.
 */
#ifndef BROCH_SHIM_LINUX_H
#define BROCH_SHIM_LINUX_H

#include "lib/base/attr.h"

#include <assert.h>

enum linux_call {
	LINUX_READ = 0,
	LINUX_WRITE = 1,
	LINUX_CLOSE = 3,
	LINUX_MMAP = 9,
	LINUX_MPROTECT = 10,
	LINUX_RT_SIGACTION = 13,
	LINUX_RT_SIGRETURN = 15,
	LINUX_MADVISE = 28,
	LINUX_EXIT = 60,
	LINUX_SIGALTSTACK = 131,
	LINUX_PRCTL = 157,
	LINUX_ARCH_PRCTL = 158,
	LINUX_PRLIMIT = 302,
	LINUX_SECCOMP = 317,
	LINUX_MSEAL = 462,
};

enum { LINUX_PROT_NONE = 0, LINUX_PROT_READ = 1, LINUX_PROT_WRITE = 2, LINUX_PROT_EXEC = 4 };
enum {
	LINUX_MAP_SHARED = 0x01,
	LINUX_MAP_PRIVATE = 0x02,
	LINUX_MAP_ANONYMOUS = 0x20,
	LINUX_MAP_NORESERVE = 0x4000,
	LINUX_MAP_FIXED_NOREPLACE = 0x100000,
};
enum { LINUX_MADV_DONTNEED = 4 };
enum { LINUX_ARCH_SET_FS = 0x1002 };
enum { LINUX_RLIMIT_DATA = 2 };
enum { LINUX_PR_SET_DUMPABLE = 4, LINUX_PR_SET_NO_NEW_PRIVS = 38 };

enum { LINUX_SIGILL = 4, LINUX_SIGTRAP = 5, LINUX_SIGBUS = 7, LINUX_SIGFPE = 8, LINUX_SIGSEGV = 11 };
#define LINUX_SA_SIGINFO UINT64_C(0x4)
#define LINUX_SA_RESTORER UINT64_C(0x4000000)
#define LINUX_SA_ONSTACK UINT64_C(0x8000000)

struct linux_ucontext {
	uint64_t flags, link;
	uint64_t stack[3];
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
	uint64_t eflags, selectors, error, trapno, oldmask, cr2;
};
static_assert(offsetof(struct linux_ucontext, rip) == 168, "Linux sigcontext");
static_assert(offsetof(struct linux_ucontext, trapno) == 200, "Linux sigcontext");

struct linux_sigaction {
	void (*handler)(int, void *, struct linux_ucontext *);
	uint64_t flags;
	void (*restorer)(void);
	uint64_t mask;
};

struct linux_stack {
	void *base;
	int32_t flags;
	uint64_t size;
};

/* Classic BPF, as seccomp takes it. */
struct linux_filter {
	uint16_t code;
	uint8_t jump_true, jump_false;
	uint32_t k;
};
struct linux_program {
	uint16_t count;
	const struct linux_filter *filter;
};
enum { LINUX_BPF_LOAD = 0x20, LINUX_BPF_EQUAL = 0x15, LINUX_BPF_AT_LEAST = 0x35, LINUX_BPF_RETURN = 0x06 };
enum { LINUX_SECCOMP_SET_FILTER = 1 };
#define LINUX_SECCOMP_ALLOW UINT32_C(0x7fff0000)
#define LINUX_SECCOMP_KILL UINT32_C(0x80000000)
#define LINUX_AUDIT_X86_64 UINT32_C(0xc000003e)
/* Offsets in struct seccomp_data. */
enum { LINUX_DATA_NUMBER = 0, LINUX_DATA_ARCH = 4, LINUX_DATA_ARG = 16 };

/* Negative errno on failure, as the kernel has it. In entry.S. */
long process_syscall(long number, long a, long b, long c, long d, long e, long f);
void process_restore(void);

#endif
