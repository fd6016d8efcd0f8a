/* SPDX-License-Identifier: Apache-2.0 */
/* The lives of a program: the restart policy of its manifest, within one Keep. */
#ifndef BROCH_KEEP_RESTART_H
#define BROCH_KEEP_RESTART_H

#include "keep/run/state.h"

/*
 * Runs the program (workload_run), and again as the manifest says; *end is that of the last life. Nothing is delivered
 * again and no evidence changes: it is the same manifest. Limits of time hold for all lives together; who was stopped, or
 * ran into a limit, or cannot start, is not restarted. Each restart is a line of standard error.
 */
void restart_run(struct keep *k, struct msg_exit *end);

#endif
