/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C and its like, as a descriptor to poll. One per program (signals belong to the process). SIGINT, SIGTERM and
 * SIGHUP are counted instead of killing us; SIGPIPE is ignored.
 */
#ifndef BROCH_AGENT_INTERRUPT_H
#define BROCH_AGENT_INTERRUPT_H

#include "lib/base/err.h"

MUST_USE enum err interrupt_begin(struct note *n);
int interrupt_fd(void);        /* readable once something came; -1 before begin */
unsigned interrupt_count(void);
int interrupt_signal(void);    /* the last one; 0: none */
void interrupt_seen(void);     /* makes the descriptor unreadable until the next one */

#endif
