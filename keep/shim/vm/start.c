/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/call/call.h"
#include "keep/call/cpu.h"
#include "keep/run/keep.h"
#include "keep/shim/vm/entry.h"

/* What code compiled elsewhere (libbearssl.a) expects at FS: the stack protector's canary at 0x28, nothing else. */
static struct {
	uint64_t unused[5];
	uint64_t canary;
} thread;
static_assert(offsetof(__typeof__(thread), canary) == 0x28, "psABI");

/* Intel SDM vol. 2: WRFSBASE. */
static void set_fs_base(void *base)
{
	__asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
}

void shim_start(const struct boot_info *boot)
{
	call_init(boot);
	if (cpu_random(&thread.canary, sizeof thread.canary) != OK)
		call_exit(KEEPCALL_EXIT_FATAL, 0, 0);
	thread.canary &= ~UINT64_C(0xff); /* the lowest byte ends strings that run over */
	set_fs_base(&thread);
	keep_main(boot);
}
