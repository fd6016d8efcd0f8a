/* SPDX-License-Identifier: Apache-2.0 */
/* A listening Unix socket that only its owner can open. */
#ifndef BROCH_SYS_UNIXSOCK_H
#define BROCH_SYS_UNIXSOCK_H

#include "lib/base/err.h"

/*
 * Listens on `path` with mode 0600; *out is non-blocking and close-on-exec. A missing folder is made with mode 0700;
 * one that others may write to is refused. A socket file nobody listens on (its owner was killed) is replaced.
 * ERR_EXISTS when somebody answers there, or when the path is something else than a socket.
 */
MUST_USE enum err unixsock_listen(const char *path, int *out, struct note *n);

#endif
