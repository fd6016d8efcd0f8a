/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/call/call.h"
#include "keep/call/fault.h"
#include "keep/shim/vm/entry.h"

void trap_taken(struct trap_frame *frame)
{
	const uint64_t resume = fault_resume(frame->vector, frame->error, frame->rip);

	if (resume == 0)
		call_exit(KEEPCALL_EXIT_FAULT, frame->vector, frame->rip);
	frame->rip = resume;
}
