/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what the first bytes of its in window tell it, so that one image serves many tests of the process kind: each is
 * something a process Keep must be able to do, or must die of. It asks with TIME; the test answers with the order.
 */
#include "keep/call/call.h"
#include "keep/run/keep.h"
#include "keep/shim/process/linux.h"

static volatile uint8_t *at(uint64_t address)
{
	return (volatile uint8_t *)(uintptr_t)address; // NOLINT(performance-no-int-to-ptr)
}

NORETURN static void done(bool well)
{
	call_exit(well ? KEEPCALL_EXIT_DONE : KEEPCALL_EXIT_FATAL, 0, 0);
}

/* Granted pages are zero and writable, also with a hole between them; a second grant keeps what is there. */
static void grow_and_use(void)
{
	const uint64_t heap = BOOT_HEAP_VA, far = BOOT_LINEAR_VA + 63 * BOOT_LINEAR_STRIDE;

	if (call_grow(heap, 4096) != OK || call_grow(heap + 8192, 4096) != OK || call_grow(far, 65536) != OK)
		done(false);
	if (*at(heap) != 0 || *at(heap + 8192) != 0 || *at(far + 65535) != 0)
		done(false);
	*at(heap) = 7;
	*at(far + 65535) = 8;
	done(call_grow(heap, 8192) == OK && *at(heap) == 7 && *at(heap + 4096) == 0 && *at(far + 65535) == 8);
}

/* What was dropped is absent, costs nothing, and is zero when it comes again: more often than there is memory for all. */
static void drop_and_use(void)
{
	const uint64_t linear = BOOT_LINEAR_VA + 2 * BOOT_LINEAR_STRIDE, size = 1 << 20;

	for (int i = 0; i < 100; i++) {
		if (call_grow(linear, size / 2) != OK || call_grow(linear + size / 2, size / 2) != OK)
			done(false);
		for (uint64_t k = 0; k < size; k += 65536) {
			if (*at(linear + k) != 0)
				done(false);
			*at(linear + k) = 9;
		}
		if (call_drop(linear, size) != OK)
			done(false);
	}
	done(true);
}

static void touch_dropped(void)
{
	if (call_grow(BOOT_LINEAR_VA, 65536) != OK)
		done(false);
	*at(BOOT_LINEAR_VA) = 1;
	if (call_drop(BOOT_LINEAR_VA, 65536) == OK)
		*at(BOOT_LINEAR_VA) = 1;
	done(false);
}

static void system_call(long number, long a, long b, long c)
{
	process_syscall(number, a, b, c, 0, 0, 0);
	done(false);
}

/* As deep as it is told, and it is told more than any stack holds. */
NOINLINE static uint64_t recurse(uint64_t depth)
{
	volatile uint8_t frame[1024];

	frame[0] = (uint8_t)depth;
	return depth == 0 ? 0 : recurse(depth - 1) + frame[0];
}

enum { PROT_RW = 3, PROT_RX = 5, PROT_RWX = 7, NO_SUCH_CALL = -38 };

/* Not even a Keep gone wild makes sealed code writable again, if its kernel has mseal. */
static void unseal(void)
{
	const long at = (long)BOOT_CODE_VA;
	bool kernel_holds = process_syscall(LINUX_MSEAL, at, 0, 0, 0, 0, 0) != NO_SUCH_CALL;

	if (call_grow(BOOT_CODE_VA, 4096) != OK || call_seal(BOOT_CODE_VA, 4096) != OK)
		done(false);
	done((process_syscall(LINUX_MPROTECT, at, 4096, PROT_RW, 0, 0, 0) != 0) == kernel_holds);
}

static void obey(char order)
{
	static const char text[] = "constant";
	static uint8_t page[8192];
	void (*code)(void);
	uintptr_t aligned = ((uintptr_t)page + 4095) & ~(uintptr_t)4095;

	switch (order) {
	case 'd': done(true); break;
	case 'g': grow_and_use(); break;
	case 'l': done(call_grow(BOOT_HEAP_VA, UINT64_C(1) << 30) == ERR_NOMEM); break;
	case 'h': *at(BOOT_HEAP_VA) = 1; break;                /* nothing granted */
	case 'e': call_grow(BOOT_HEAP_VA, 4096) == OK ? (void)(*at(BOOT_HEAP_VA + 4096) = 1) : done(false); break;
	case 'n': *at(0) = 1; break;
	case 'c': *at((uintptr_t)&keep_main) = 1; break;            /* code is not writable */
	case 'r': *at((uintptr_t)text) = 1; break;             /* constants neither */
	case 'b': *at(BOOT_INFO_VA) = 1; break;
	case 'x':                                              /* data is not executable */
		page[0] = 0xc3;
		memcpy(&code, &(void *){page}, sizeof code);
		code();
		break;
	case 's': done(recurse(1 << 20) == 1); break;
	case 'z': __asm__ volatile("xor %%edx, %%edx\n\txor %%ecx, %%ecx\n\tdiv %%ecx" : : : "rax", "rcx", "rdx"); break;
	case 'i': __asm__ volatile("ud2"); break;
	case 'o': system_call(257 /* openat */, -100, (long)(uintptr_t)"/etc/passwd", 0); break;
	case 'k': system_call(62 /* kill */, 1, 0, 0); break;
	case 'E': system_call(231 /* exit_group */, 0, 0, 0); break;
	case 'f': system_call(57 /* fork */, 0, 0, 0); break;
	case 'm': system_call(LINUX_MMAP, 0, 4096, PROT_RW); break;
	case 'p': system_call(LINUX_MPROTECT, (long)aligned, 4096, PROT_RWX); break;
	case 'q': system_call(LINUX_MPROTECT, (long)BOOT_HEAP_VA, 4096, PROT_RWX); break;
	case 'u': unseal(); break;
	case 'a': drop_and_use(); break;
	case 'A': touch_dropped(); break;
	case 'J': system_call(LINUX_MADVISE, (long)BOOT_HEAP_VA, 4096, LINUX_MADV_DONTNEED); break;
	case 'K': system_call(LINUX_MADVISE, (long)BOOT_LINEAR_VA, 4096, LINUX_MADV_DONTNEED + 1); break;
	case 'N': system_call(LINUX_MADVISE, (long)(BOOT_LINEAR_VA + BOOT_LINEAR_COUNT * BOOT_LINEAR_STRIDE), 4096, LINUX_MADV_DONTNEED); break;
	case 'P': system_call(LINUX_MPROTECT, (long)BOOT_IMAGE_VA, 4096, 0); break;
	case 'C': system_call(LINUX_MPROTECT, (long)BOOT_CODE_VA, 4096, PROT_RWX); break;
	case 'D': system_call(LINUX_MPROTECT, (long)BOOT_CODE_VA - 4096, 4096, PROT_RX); break;
	case 'F': system_call(LINUX_MPROTECT, (long)(BOOT_CODE_VA + BOOT_CODE_MAX), 4096, PROT_RW); break;
	case 'H': system_call(LINUX_MPROTECT, (long)BOOT_HEAP_VA, 4096, PROT_RX); break;
	case 'I': system_call(LINUX_MPROTECT, (long)BOOT_IMAGE_VA, 4096, PROT_RW); break;
	case 'w': system_call(LINUX_WRITE, 1, (long)(uintptr_t)text, 1); break;
	case 'W': system_call(LINUX_WRITE, 3, (long)(uintptr_t)text, 2); break;
	case '3': __asm__ volatile("int $0x80" : : "a"(20) : "memory"); done(false); break;
	case 'M': /* takes what it was not granted: the kernel's limit stands behind the host's count */
		done(process_syscall(LINUX_MPROTECT, (long)BOOT_HEAP_VA, 1L << 30, PROT_RW, 0, 0, 0) == -12);
		break;
	case '8': system_call(LINUX_EXIT, 9, 0, 0); break;
	case 'L':
		for (;;)
			__asm__ volatile("pause");
	default: break;
	}
	done(false);
}

void keep_main(const struct boot_info *boot)
{
	uint64_t ignored;

	if (call_time(&ignored) != OK)
		done(false);
	obey((char)*at(boot->shared_va + KEEPCALL_IN_OFFSET));
	done(false);
}
