/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host agent of our own for `broch run`: the brochd beside this program, reachable by nobody else, dead when we are.
 * Nothing is left in the file system, whatever kills whom.
 */
#ifndef BROCH_AGENT_LOCAL_H
#define BROCH_AGENT_LOCAL_H

#include "client/agent/place.h"

#include <sys/types.h>

struct local {
	pid_t pid;
	int parent_fd; /* the agent ends when this closes */
	int log_fd;    /* what it said; -1: it says it to our standard error */
};

/* The folder of this program's siblings, with what comes behind: brochd, Keep images. */
MUST_USE enum err sibling(const char *name, char *out, size_t capacity, struct note *n);

/* state: where the agent keeps its own things (the test root of the software stand-in). */
MUST_USE enum err local_start(const char *state, bool verbose, int wake_fd, int timeout_ms, struct place **out,
			      struct local *l, struct note *n);
/* The last thing the agent said, for an error message; "" when nothing. */
void local_words(const struct local *l, char *out, size_t capacity);
/* Ends it with all its Keeps and waits until it is gone. Nothing happens when none was started. */
void local_stop(struct local *l);

#endif
