/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One small file a Keep, so that an agent that starts again knows what the one before it ran. Written beside and
 * renamed over: never half a record. Not synced to disk: after a crash of the machine nothing it names can be alive.
 */
#ifndef BROCH_HOST_AGENT_RECORD_H
#define BROCH_HOST_AGENT_RECORD_H

#include "host/agent/keep.h"

MUST_USE enum err record_write(const char *dir, const struct keep *k, struct note *n);
void record_remove(const char *dir, const char *id);
/* Fills the fields of *k that a record holds; *boot is whether it was written since the last boot. */
MUST_USE enum err record_parse(struct slice text, struct keep *k, bool *same_boot, struct note *n);
/* Calls `each` with every record; removes what is no record of ours, and says so in the log. */
MUST_USE enum err record_each(const char *dir, const struct log *log,
                              void (*each)(void *ctx, const struct keep *k, bool same_boot), void *ctx, struct note *n);

#endif
