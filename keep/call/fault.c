/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/call/fault.h"

#include "keep/call/call.h"

enum { PAGE_FAULT = 14, ERROR_WRITE = 2, ERROR_USER = 4 };

static struct {
	fault_fn *hook;
	void *ctx;
} fault;

void fault_hook(fault_fn *hook, void *ctx)
{
	fault.hook = hook;
	fault.ctx = ctx;
}

uint64_t fault_resume(uint64_t vector, uint64_t error, uint64_t pc)
{
	if (vector != PAGE_FAULT || (error & ~(uint64_t)ERROR_WRITE) != ERROR_USER)
		return 0;
	if (fault.hook == NULL || !call_sealed(pc))
		return 0;
	return fault.hook(fault.ctx, pc);
}
