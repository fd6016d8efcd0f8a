/* SPDX-License-Identifier: Apache-2.0 */
/* What Lua's standard library calls and WASI has not. */
#include <errno.h>
#include <stdio.h>

FILE *tmpfile(void);
FILE *tmpfile(void)
{
	errno = ENOSYS;
	return NULL;
}

char *tmpnam(char *name);
char *tmpnam(char *name)
{
	(void)name;
	return NULL;
}

int system(const char *command);
int system(const char *command)
{
	(void)command;
	return 0;
}
