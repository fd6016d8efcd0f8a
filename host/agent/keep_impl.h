/* SPDX-License-Identifier: Apache-2.0 */
/* Between keep.c (the life of one Keep) and keeps.c (all of them); for nobody else. */
#ifndef BROCH_HOST_AGENT_KEEP_IMPL_H
#define BROCH_HOST_AGENT_KEEP_IMPL_H

#include "host/agent/keep.h"

/* Makes a record that runs nothing yet; NULL without memory. Not on any list. */
struct keep *keep_new(struct keeps *all);
/* Starts its keeper and watches it. On failure nothing runs. */
MUST_USE enum err keep_launch(struct keep *k, const char *image, struct note *n);
/* Kills it at once; for a launch that must be taken back. Blocks until the process is gone. */
void keep_revoke(struct keep *k);
/* Adds to the events, tells followers, logs. */
PRINTF_LIKE(3, 4) void keep_say(struct keep *k, const char *event, const char *fmt, ...);
/* Starts the clock after which an ended record is forgotten. */
void keep_linger(struct keep *k);
/* The record of an ended Keep, or one that was never launched: off the list, off the disk, freed. */
void keep_forget(struct keep *k);
/* keeps.c: a live Keep has become an ended one. */
void keeps_ended_one(struct keeps *all);

#endif
