/* SPDX-License-Identifier: Apache-2.0 */
/* wasi-libc has none, and the compiler must not find the host's. */
#ifndef BROCH_TEST_SQLITE_PWD_H
#define BROCH_TEST_SQLITE_PWD_H

#include <sys/types.h>

struct passwd {
	char *pw_dir;
};
struct passwd *getpwuid(uid_t user);

#endif
