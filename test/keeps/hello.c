/* SPDX-License-Identifier: Apache-2.0 */
/* Says hello on channel 1, asks the time, waits, and is done. */
#include "keep/call/call.h"
#include "keep/run/keep.h"

void keep_main(const struct boot_info *boot)
{
	uint64_t wall;
	size_t sent, ready;

	(void)boot;
	if (call_send(1, slice_text("hello"), &sent) != OK || sent != 5)
		call_exit(KEEPCALL_EXIT_FATAL, 1, 0);
	if (call_time(&wall) != OK || wall == 0)
		call_exit(KEEPCALL_EXIT_FATAL, 2, 0);
	if (call_wait(NULL, 0, 1000, &ready) != OK || ready != 0)
		call_exit(KEEPCALL_EXIT_FATAL, 3, 0);
	call_exit(KEEPCALL_EXIT_DONE, 0, 0);
}
