/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page faults of compiled code. A load or store outside a linear memory meets an absent page; the shim catches the fault
 * and, when the faulting instruction lies in sealed code, asks the hook where to go on. All other faults end the Keep.
 *
 * At the place the hook names, general registers and flags are as they were at the fault; vector registers are lost.
 * The hook runs on the small stack of the trap handler: no calls to the host, no deep recursion. A fault in it is fatal.
 * In a VM nobody tells the address that was touched (CR2 belongs to ring 0), only that its page is absent; so the hook
 * has to know each instruction that may fault, and decline the others.
 */
#ifndef BROCH_KEEP_FAULT_H
#define BROCH_KEEP_FAULT_H

#include "lib/base/attr.h"

#include <stdint.h>

/* pc: the instruction that faulted. Returns where to go on, 0: it should not have faulted. */
typedef uint64_t fault_fn(void *ctx, uint64_t pc);
/* At most one; NULL: none. */
void fault_hook(fault_fn *hook, void *ctx);

/*
 * For the shims. vector and error are the CPU's (Intel SDM vol. 3, 4.7: a user access to an absent page, no fetch, or it
 * is none of ours). 0: the fault is fatal.
 */
uint64_t fault_resume(uint64_t vector, uint64_t error, uint64_t pc);

#endif
