/* SPDX-License-Identifier: Apache-2.0 */
/* How judges fill in a check. */
#ifndef BROCH_CLIENT_SAY_H
#define BROCH_CLIENT_SAY_H

#include "client/attest/verify.h"

#include <stdarg.h>
#include <stdio.h>

/* Into check->expected, found or cure; cut when too long. */
PRINTF_LIKE(2, 3) static inline void say(char *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out, CHECK_TEXT_MAX, fmt, args);
	va_end(args);
}

static inline enum check_result pass_if(bool good)
{
	return good ? CHECK_PASS : CHECK_FAIL;
}

#endif
