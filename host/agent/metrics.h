/* SPDX-License-Identifier: Apache-2.0 */
/* What happened since start, as Prometheus text. Nothing here tells what a Keep does. */
#ifndef BROCH_HOST_AGENT_METRICS_H
#define BROCH_HOST_AGENT_METRICS_H

#include "lib/base/attr.h"

#include <stdio.h>

/* Why a Keep ended: END(name, label). */
#define ENDS(END)                                                                                                      \
	END(END_EXITED, "exited")       /* by itself */                                                                \
	END(END_STOPPED, "stopped")     /* by request */                                                               \
	END(END_DIED, "died")           /* the Keep can never run again, says the keeper */                            \
	END(END_FAILED, "failed")       /* it could not start */                                                       \
	END(END_KILLED, "killed")       /* the keeper process died without a word */                                   \
	END(END_BROKEN, "broken")       /* it broke the protocol: we killed it */                                      \
	END(END_UNCLAIMED, "unclaimed") /* no client came */                                                           \
	END(END_LOST, "lost")           /* the host agent before us died */

enum end_reason {
	END_NONE,
#define END(name, label) name,
	ENDS(END)
#undef END
	        END_COUNT
};
const char *end_label(enum end_reason r); /* "" for END_NONE */

enum { LATENCY_BUCKETS = 12, STATUS_MAX = 600 };

struct metrics {
	uint64_t created, ended[END_COUNT];
	uint64_t latency[LATENCY_BUCKETS + 1], latency_count;
	double latency_sum;
	uint64_t auth_failures, connections_total, connections_refused;
	uint64_t requests[STATUS_MAX]; /* by status */
};

void metrics_created(struct metrics *m, uint64_t ns); /* a Keep is ready, that long after the request */
/* state_names[i] has state_counts[i] Keeps now. */
void metrics_print(const struct metrics *m, const char *const *state_names, const size_t *state_counts, size_t states,
                   size_t connections, FILE *out);

#endif
