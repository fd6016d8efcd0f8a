/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doorbell of a process Keep, and the one thing the host cannot do for it: making granted pages present, sealed
 * ones executable, and dropped ones absent. The host agrees to a GROW and counts it; the pages change here. The kernel's limit on writable
 * memory backs the host's count.
 */
#include "keep/shim/process/door.h"

#include "abi/boot.h"
#include "abi/keepcall.h"
#include "abi/process.h"
#include "keep/call/call.h"
#include "keep/shim/process/linux.h"

enum { INTERRUPTED = -4 };

/* The host is gone: there is nobody left to tell. */
NORETURN static void host_gone(void)
{
	for (;;)
		process_syscall(LINUX_EXIT, PROCESS_EXIT_ALONE, 0, 0, 0, 0, 0);
}

static void move_byte(long number)
{
	uint8_t byte = 0;
	long moved;

	do
		moved = process_syscall(number, PROCESS_DOORBELL_FD, (long)(uintptr_t)&byte, sizeof byte, 0, 0, 0);
	while (moved == INTERRUPTED);
	if (moved != sizeof byte)
		host_gone();
}

static bool protect(uint64_t address, uint64_t size, long protection)
{
	return process_syscall(LINUX_MPROTECT, (long)address, (long)size, protection, 0, 0, 0) == 0;
}

static bool make_present(uint64_t address, uint64_t size)
{
	return !call_sealed(address) && protect(address, size, LINUX_PROT_READ | LINUX_PROT_WRITE);
}

/* From one call to the other no page is both. Where the kernel has mseal (Linux 6.10), not even we can undo it. */
static bool make_executable(uint64_t address, uint64_t size)
{
	if (!protect(address, size, LINUX_PROT_READ | LINUX_PROT_EXEC))
		return false;
	process_syscall(LINUX_MSEAL, (long)address, (long)size, 0, 0, 0, 0);
	return true;
}

/* They are zero when they come again. */
static bool make_absent(uint64_t address, uint64_t size)
{
	return process_syscall(LINUX_MADVISE, (long)address, (long)size, LINUX_MADV_DONTNEED, 0, 0, 0) == 0 &&
	       protect(address, size, LINUX_PROT_NONE);
}

static bool change(uint64_t how, uint64_t address, uint64_t size)
{
	if (how == KEEPCALL_GROW_DROP)
		return make_absent(address, size);
	return how == KEEPCALL_GROW_SEAL ? make_executable(address, size) : make_present(address, size);
}

void door_await_start(void)
{
	move_byte(LINUX_READ);
}

void door_ring(void)
{
	volatile struct keepcall_page *page = (volatile struct keepcall_page *)BOOT_SHARED_VA; // NOLINT
	const bool grow = page->op == KEEPCALL_GROW;
	const uint64_t address = page->arg[0], size = page->arg[1], how = page->arg[2];

	move_byte(LINUX_WRITE);
	move_byte(LINUX_READ);
	if (grow && page->status == KEEPCALL_OK && !change(how, address, size))
		page->status = KEEPCALL_NOMEM;
}
