/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite's unix VFS and shell call and WASI has not: users, permissions, processes. */
#include "stubs.h"

#include <errno.h>
#include <pwd.h>

int fchmod(int fd, mode_t mode)
{
	(void)fd;
	(void)mode;
	return 0;
}

int chmod(const char *path, mode_t mode)
{
	(void)path;
	(void)mode;
	return 0;
}

int fchown(int fd, uid_t user, gid_t group)
{
	(void)fd;
	(void)user;
	(void)group;
	return 0;
}

uid_t geteuid(void)
{
	return 0;
}

uid_t getuid(void)
{
	return 0;
}

mode_t umask(mode_t mask)
{
	(void)mask;
	return 022;
}

FILE *popen(const char *command, const char *mode)
{
	(void)command;
	(void)mode;
	errno = ENOSYS;
	return NULL;
}

int pclose(FILE *f)
{
	(void)f;
	return -1;
}

struct passwd *getpwuid(uid_t user)
{
	(void)user;
	return NULL;
}
