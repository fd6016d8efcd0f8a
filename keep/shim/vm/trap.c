/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/call/call.h"
#include "keep/shim/vm/entry.h"

void trap_taken(const struct trap_frame *frame)
{
	call_exit(KEEPCALL_EXIT_FAULT, frame->vector, frame->rip);
}
