/* SPDX-License-Identifier: Apache-2.0 */
/* The Keep and its clients: one loop that accepts, receives, answers and sends; the program's waits are built on it. */
#ifndef BROCH_KEEP_SERVE_H
#define BROCH_KEEP_SERVE_H

#include "keep/run/state.h"

/*
 * Waits until something happens, at most until the monotonic time `until` (0: does not wait), and handles all that has
 * happened. Never fails: what goes wrong with a client ends that client's connection.
 */
void serve(struct keep *k, uint64_t until);
/* Is somebody knocking whom we could let in? Costs no call. */
bool serve_wanted(struct keep *k);

/* The first reason stays. */
void keep_stop(struct keep *k, enum err why, const char *words);
/* ERR_STOPPED or ERR_LIMIT once the program has to end; looks at the limits, too. */
MUST_USE enum err keep_must_stop(struct keep *k);
/* Sends what waits for the owner, without waiting. */
void keep_flush(struct keep *k);
/* From now on output is kept in the ring. */
void keep_detach(struct keep *k);
/* The program is over: tells the owner, now or when one comes. */
void keep_end(struct keep *k, const struct msg_exit *end);

#endif
