/* SPDX-License-Identifier: Apache-2.0 */
/* How every kind of Keep stops when something is not as it has to be. The host learns the line, never data. */
#include "keep/call/call.h"
#include "lib/base/err.h"

void call_broken(const char *what)
{
	(void)what;
	call_exit(KEEPCALL_EXIT_HOST, 0, 0);
}

void check_failed(const char *what, const char *file, unsigned line)
{
	(void)what;
	(void)file;
	call_exit(KEEPCALL_EXIT_FATAL, line, 0);
}

/* Called by code compiled with a stack protector. */
NORETURN void __stack_chk_fail(void);
NORETURN void __stack_chk_fail(void)
{
	call_exit(KEEPCALL_EXIT_FATAL, 1, 0);
}
