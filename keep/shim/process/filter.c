/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp filter of a process Keep, as abi/process.h describes it. A program of classic BPF: each rule is a block
 * that compares the call's number and skips itself when it is another; inside a block every mismatch falls to the
 * kill at its end. What no block allows is killed.
 */
#include "keep/shim/process/filter.h"

#include "abi/boot.h"
#include "abi/process.h"
#include "keep/shim/process/linux.h"

#define LOAD(offset) {LINUX_BPF_LOAD, 0, 0, (offset)}
#define RETURN(what) {LINUX_BPF_RETURN, 0, 0, (what)}
#define SKIP_UNLESS_EQUAL(value, skip) {LINUX_BPF_EQUAL, 0, (skip), (value)}
#define SKIP_IF_EQUAL(value, skip) {LINUX_BPF_EQUAL, (skip), 0, (value)}
#define SKIP_UNLESS_AT_LEAST(value, skip) {LINUX_BPF_AT_LEAST, 0, (skip), (value)}
#define SKIP_IF_AT_LEAST(value, skip) {LINUX_BPF_AT_LEAST, (skip), 0, (value)}
#define LOW(argument) (LINUX_DATA_ARG + 8 * (argument))
#define HIGH(argument) (LINUX_DATA_ARG + 8 * (argument) + 4)

#define HEAP_FIRST ((uint32_t)(BOOT_HEAP_VA >> 32))
#define HEAP_LIMIT ((uint32_t)((BOOT_HEAP_VA + BOOT_HEAP_MAX) >> 32))
#define LINEAR_FIRST ((uint32_t)(BOOT_LINEAR_VA >> 32))
#define LINEAR_LIMIT ((uint32_t)((BOOT_LINEAR_VA + BOOT_LINEAR_COUNT * BOOT_LINEAR_STRIDE) >> 32))
static_assert(((BOOT_HEAP_VA | BOOT_HEAP_MAX | BOOT_LINEAR_VA | BOOT_LINEAR_STRIDE) & UINT32_MAX) == 0,
	      "the filter compares the upper halves of addresses only");
static_assert(BOOT_HEAP_VA + BOOT_HEAP_MAX <= BOOT_LINEAR_VA, "the filter knows the heap below the linear memories");
#define CODE_FIRST ((uint32_t)BOOT_CODE_VA)
#define CODE_LIMIT ((uint32_t)(BOOT_CODE_VA + BOOT_CODE_MAX))
static_assert(BOOT_CODE_VA + BOOT_CODE_MAX <= UINT32_MAX, "the filter compares the lower halves of addresses of code only");

/* One byte on the doorbell. The count's upper half need not be looked at: it would fault, not leak. */
#define DOORBELL_RULE(number)                                                                                          \
	SKIP_UNLESS_EQUAL(number, 6), LOAD(LOW(0)), SKIP_UNLESS_EQUAL(PROCESS_DOORBELL_FD, 3), LOAD(LOW(2)),           \
		SKIP_UNLESS_EQUAL(1, 1), RETURN(LINUX_SECCOMP_ALLOW), RETURN(LINUX_SECCOMP_KILL)
#define FREE_RULE(number) SKIP_UNLESS_EQUAL(number, 1), RETURN(LINUX_SECCOMP_ALLOW)

static const struct linux_filter program[] = {
	LOAD(LINUX_DATA_ARCH),
	SKIP_IF_EQUAL(LINUX_AUDIT_X86_64, 1),
	RETURN(LINUX_SECCOMP_KILL),
	LOAD(LINUX_DATA_NUMBER),
	DOORBELL_RULE(LINUX_WRITE),
	DOORBELL_RULE(LINUX_READ),
	FREE_RULE(LINUX_RT_SIGRETURN),
	FREE_RULE(LINUX_EXIT),
	FREE_RULE(LINUX_MSEAL), /* takes rights only */
	/* Neighbours of the areas are unmapped, so a range that starts inside cannot reach anything else. */
	SKIP_UNLESS_EQUAL(LINUX_MADVISE, 7),
	LOAD(HIGH(0)),
	SKIP_UNLESS_AT_LEAST(LINEAR_FIRST, 4),
	SKIP_IF_AT_LEAST(LINEAR_LIMIT, 3),
	LOAD(LOW(2)),
	SKIP_UNLESS_EQUAL(LINUX_MADV_DONTNEED, 1),
	RETURN(LINUX_SECCOMP_ALLOW),
	RETURN(LINUX_SECCOMP_KILL),
	SKIP_UNLESS_EQUAL(LINUX_MPROTECT, 18),
	LOAD(HIGH(0)),
	SKIP_IF_EQUAL(0, 9), /* to the code area */
	SKIP_UNLESS_AT_LEAST(HEAP_FIRST, 7),
	SKIP_UNLESS_AT_LEAST(HEAP_LIMIT, 2),
	SKIP_UNLESS_AT_LEAST(LINEAR_FIRST, 5),
	SKIP_IF_AT_LEAST(LINEAR_LIMIT, 4),
	LOAD(LOW(2)),
	SKIP_IF_EQUAL(LINUX_PROT_NONE, 1),
	SKIP_UNLESS_EQUAL(LINUX_PROT_READ | LINUX_PROT_WRITE, 1),
	RETURN(LINUX_SECCOMP_ALLOW),
	RETURN(LINUX_SECCOMP_KILL),
	LOAD(LOW(0)),
	SKIP_UNLESS_AT_LEAST(CODE_FIRST, 5),
	SKIP_IF_AT_LEAST(CODE_LIMIT, 4),
	LOAD(LOW(2)),
	SKIP_IF_EQUAL(LINUX_PROT_READ | LINUX_PROT_EXEC, 1),
	SKIP_UNLESS_EQUAL(LINUX_PROT_READ | LINUX_PROT_WRITE, 1),
	RETURN(LINUX_SECCOMP_ALLOW),
	RETURN(LINUX_SECCOMP_KILL),
};

bool filter_install(void)
{
	const struct linux_program p = {ARRAY_COUNT(program), program};

	return process_syscall(LINUX_PRCTL, LINUX_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0) == 0 &&
	       process_syscall(LINUX_SECCOMP, LINUX_SECCOMP_SET_FILTER, 0, (long)(uintptr_t)&p, 0, 0, 0) == 0;
}
