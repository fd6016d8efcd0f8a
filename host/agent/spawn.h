/* SPDX-License-Identifier: Apache-2.0 */
/* Starts one program with nothing of ours but a control socket. */
#ifndef BROCH_HOST_AGENT_SPAWN_H
#define BROCH_HOST_AGENT_SPAWN_H

#include "lib/base/err.h"

#include <sys/types.h>

struct child {
	pid_t pid;
	int pidfd;          /* readable when it has ended; reap with waitid(P_PIDFD) */
	int control;        /* SOCK_SEQPACKET, non-blocking; the child's end is its descriptor CONTROL_FD */
	int words;          /* what it writes to its standard error; non-blocking */
	uint64_t pid_start; /* see process_start */
};

/*
 * argv ends with NULL; argv[0] is the path. The child has standard input and output on /dev/null, the control socket
 * and no other descriptor of ours, its own session (a Ctrl-C in our terminal is not for it), an environment of nothing
 * but PATH, default signals, and is killed when we die. A program that cannot be executed is reported like one that
 * cannot start: by CONTROL_FAILED. Nothing is left on failure.
 */
MUST_USE enum err spawn_child(char *const argv[], struct child *out, struct note *n);

/* When a process started, in clock ticks since boot; 0 when there is no such process. */
uint64_t process_start(pid_t pid);

#endif
