/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/state_dir.h"

#include <stdio.h>
#include <stdlib.h>

/* The XDG specification says to ignore relative paths. */
static const char *absolute(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] == '/' ? value : NULL;
}

enum err state_dir_default(char *out, size_t size, struct note *n)
{
	const char *state = absolute("XDG_STATE_HOME"), *home = absolute("HOME");
	int used;

	if (state == NULL && home == NULL)
		return refuse(n, ERR_NOT_FOUND, "neither XDG_STATE_HOME nor HOME is set to an absolute path");
	used = state != NULL ? snprintf(out, size, "%s/broch", state)
	                     : snprintf(out, size, "%s/.local/state/broch", home);
	if (used < 0 || (size_t)used >= size)
		return refuse(n, ERR_SPACE, "the state directory's name is too long");
	return OK;
}
