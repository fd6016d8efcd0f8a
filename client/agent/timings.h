/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the time of `broch run` and `broch deploy` goes: one moment noted at the end of each step, by our own clock. What
 * the host and the Keep say about themselves stands beside it and is believed as far as they are.
 */
#ifndef BROCH_AGENT_TIMINGS_H
#define BROCH_AGENT_TIMINGS_H

#include "lib/base/attr.h"

#include <jansson.h>
#include <stdio.h>

/* In the order in which they end. */
#define TIMINGS(T)                                                                                                     \
	T(AGENT, "agent", "host agent started or reached, module read")                                                \
	T(KEEP, "keep", "the host makes a Keep")                                                                       \
	T(HANDSHAKE, "handshake", "session opened, keys agreed")                                                       \
	T(EVIDENCE, "evidence", "the Keep's evidence came")                                                            \
	T(VERIFY, "verify", "evidence judged")                                                                         \
	T(DELIVER, "deliver", "manifest, code and data delivered and checked")                                         \
	T(RUN, "run", "load, run, last output and exit status back")                                                   \
	T(END, "end", "Keep and host agent gone")

enum timing {
#define T(name, key, what) TIMING_##name,
	TIMINGS(T)
#undef T
	        TIMING_COUNT
};

struct timings {
	uint64_t start, end[TIMING_COUNT]; /* ns; 0: was not reached */
	uint64_t host_ready, host_keeper,
	        host_create;          /* ns: request to ready; of these in the keeper; of these creating the Keep */
	uint64_t keep_load, keep_run; /* ns: decode, validate, compile; the program itself */
};

void timings_start(struct timings *t);
void timings_mark(struct timings *t, enum timing which); /* t may be NULL: nobody asks */
/* What POST /v1/keeps answered about the start. */
void timings_of_host(struct timings *t, const json_t *keep);

void timings_print(FILE *f, const struct timings *t);
json_t *timings_json(const struct timings *t); /* microseconds; steps that were not reached are absent */

#endif
