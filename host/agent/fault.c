/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/fault.h"

#include <stdio.h>
#include <stdarg.h>

void text_clean(char *text)
{
	for (; *text != 0; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

enum err fault_set(struct fault *f, unsigned status, const char *hint, const char *fmt, ...)
{
	va_list args;

	if (f->status != 0)
		return ERR_INVALID;
	f->status = status;
	va_start(args, fmt);
	vsnprintf(f->error, sizeof f->error, fmt, args);
	va_end(args);
	snprintf(f->hint, sizeof f->hint, "%s", hint == NULL ? "" : hint);
	text_clean(f->error);
	text_clean(f->hint);
	return ERR_INVALID;
}
