/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel's exec to keep_main: maps what abi/boot.h promises, gives the C code its stack and canary, catches
 * exceptions, and shuts the door on system calls. Whatever fails here ends the process with a status that the loader
 * translates (abi/process.h); nothing secret exists yet.
 */
#include "abi/boot.h"
#include "abi/keepcall.h"
#include "abi/process.h"
#include "keep/call/call.h"
#include "keep/call/cpu.h"
#include "keep/call/fault.h"
#include "keep/shim/process/door.h"
#include "keep/shim/process/filter.h"
#include "keep/shim/process/linux.h"

enum { FAULT_STACK_SIZE = 32 * 1024, GUARD_SIZE = 64 * 1024 };

/* What %fs points at. The stack protector of foreign code (BearSSL) finds its canary at offset 0x28. */
static struct {
	void *self;
	uint64_t unused[4];
	uint64_t canary;
} thread;
static_assert(offsetof(__typeof__(thread), canary) == 0x28, "x86-64 stack protector");

static ALIGNED(16) uint8_t fault_stack[FAULT_STACK_SIZE];

struct process_start { /* in rax and rdx, as entry.S expects */
	void *stack;
	const struct boot_info *boot;
};
struct process_start process_enter(void);

NORETURN static void give_up(enum process_exit status)
{
	for (;;)
		process_syscall(LINUX_EXIT, status, 0, 0, 0, 0, 0);
}

static long map(uint64_t at, uint64_t size, long protection, long flags, long fd)
{
	return process_syscall(LINUX_MMAP, (long)at, (long)size, protection, flags | LINUX_MAP_FIXED_NOREPLACE, fd, 0);
}

/* Addresses without memory: touching them is a fault until a grant makes them readable and writable (door.c). */
static bool reserve(uint64_t at, uint64_t size)
{
	return map(at, size, LINUX_PROT_NONE, LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_NORESERVE, -1) == (long)at;
}

/* Executable pages do not count as data, so the reservation of code bounds them: by what the kernel allows as data. */
static bool reserve_code(uint64_t at, uint64_t size)
{
	uint64_t limit[2]; /* soft, hard; all ones: none */

	if (process_syscall(LINUX_PRLIMIT, 0, LINUX_RLIMIT_DATA, 0, (long)(uintptr_t)limit, 0, 0) != 0)
		return false;
	return reserve(at, limit[0] < size ? limit[0] & ~UINT64_C(4095) : size);
}

static bool map_shared(const struct boot_info *b)
{
	const long rw = LINUX_PROT_READ | LINUX_PROT_WRITE;

	if (map(b->shared_va, b->shared_size, rw, LINUX_MAP_SHARED, PROCESS_SHARED_FD) != (long)b->shared_va)
		return false;
	return process_syscall(LINUX_CLOSE, PROCESS_SHARED_FD, 0, 0, 0, 0, 0) == 0;
}

/* The kernel chooses the place; the lowest part stays a guard. NULL: no memory. */
static void *map_stack(void)
{
	const long flags = LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_NORESERVE;
	long at = process_syscall(LINUX_MMAP, 0, GUARD_SIZE + PROCESS_STACK_SIZE, LINUX_PROT_NONE, flags, -1, 0);

	if (at < 0 && at > -4096)
		return NULL;
	if (process_syscall(LINUX_MPROTECT, at + GUARD_SIZE, PROCESS_STACK_SIZE, LINUX_PROT_READ | LINUX_PROT_WRITE, 0, 0,
			    0) != 0)
		return NULL;
	return (void *)(uintptr_t)(at + GUARD_SIZE + PROCESS_STACK_SIZE); // NOLINT(performance-no-int-to-ptr)
}

static bool in_linear(uint64_t address)
{
	return address - BOOT_LINEAR_VA < BOOT_LINEAR_COUNT * BOOT_LINEAR_STRIDE;
}

/* A CPU exception. Only compiled code that left its linear memory goes on. */
static void on_fault(int signal, void *info, struct linux_ucontext *context)
{
	uint64_t resume = 0;

	(void)signal;
	(void)info;
	if (in_linear(context->cr2))
		resume = fault_resume(context->trapno, context->error, context->rip);
	if (resume == 0)
		call_exit(KEEPCALL_EXIT_FAULT, context->trapno, context->rip);
	context->rip = resume;
}

static bool catch_faults(void)
{
	static const int signals[] = {LINUX_SIGILL, LINUX_SIGTRAP, LINUX_SIGBUS, LINUX_SIGFPE, LINUX_SIGSEGV};
	const struct linux_stack stack = {.base = fault_stack, .size = sizeof fault_stack};
	const struct linux_sigaction action = {
		.handler = on_fault,
		.flags = LINUX_SA_SIGINFO | LINUX_SA_RESTORER | LINUX_SA_ONSTACK,
		.restorer = process_restore,
	};

	if (process_syscall(LINUX_SIGALTSTACK, (long)(uintptr_t)&stack, 0, 0, 0, 0, 0) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
		if (process_syscall(LINUX_RT_SIGACTION, signals[i], (long)(uintptr_t)&action, 0, sizeof action.mask, 0, 0) != 0)
			return false;
	return true;
}

static bool set_thread(void)
{
	thread.self = &thread;
	if (cpu_random(&thread.canary, sizeof thread.canary) != OK)
		return false;
	thread.canary &= ~UINT64_C(0xff); /* a string function never copies past a zero byte */
	return process_syscall(LINUX_ARCH_PRCTL, LINUX_ARCH_SET_FS, (long)(uintptr_t)&thread, 0, 0, 0, 0) == 0;
}

struct process_start process_enter(void)
{
	const struct boot_info *boot = (const struct boot_info *)BOOT_INFO_VA; // NOLINT(performance-no-int-to-ptr)
	struct process_start start = {.boot = boot};

	if (boot->magic != BOOT_MAGIC || boot->kind != BOOT_PROCESS)
		give_up(PROCESS_EXIT_BOOT);
	if (!map_shared(boot) || !reserve(boot->heap_va, boot->heap_max) || !reserve_code(boot->code_va, boot->code_max) ||
	    !reserve(boot->linear_va, boot->linear_count * boot->linear_stride))
		give_up(PROCESS_EXIT_MAP);
	start.stack = map_stack();
	if (start.stack == NULL)
		give_up(PROCESS_EXIT_MAP);
	if (!set_thread())
		give_up(PROCESS_EXIT_RANDOM);
	door_await_start();
	call_init(boot);
	if (!catch_faults() || process_syscall(LINUX_PRCTL, LINUX_PR_SET_DUMPABLE, 0, 0, 0, 0, 0) != 0)
		give_up(PROCESS_EXIT_KERNEL);
	if (!filter_install())
		give_up(PROCESS_EXIT_FILTER);
	return start;
}
