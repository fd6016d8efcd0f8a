/* SPDX-License-Identifier: Apache-2.0 */
/* From delivered bytes to a finished program. */
#ifndef BROCH_KEEP_WORKLOAD_H
#define BROCH_KEEP_WORKLOAD_H

#include "keep/run/state.h"

/* Loads, links and runs what was delivered. Always comes back, with how it ended; *end points into k. */
void workload_run(struct keep *k, struct msg_exit *end);

#endif
