/* SPDX-License-Identifier: Apache-2.0 */
/* Included before everything else of SQLite: see stubs.c. */
#ifndef BROCH_TEST_SQLITE_STUBS_H
#define BROCH_TEST_SQLITE_STUBS_H

#include <stdio.h>
#include <sys/types.h>

/* Record locks do not exist; the VFS "unix-none", which the test asks for, never takes one. */
enum { F_RDLCK, F_WRLCK, F_UNLCK, F_GETLK = 1005, F_SETLK = 1006, F_SETLKW = 1007 };

int fchmod(int fd, mode_t mode);
int chmod(const char *path, mode_t mode);
int fchown(int fd, uid_t user, gid_t group);
uid_t geteuid(void);
uid_t getuid(void);
mode_t umask(mode_t mask);
FILE *popen(const char *command, const char *mode);
int pclose(FILE *f);

#endif
