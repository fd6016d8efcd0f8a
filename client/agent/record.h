/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we must remember of a Keep to come back to it: $XDG_STATE_HOME/broch/deployed/ID.json (mode 0600, replaced whole) and
 * ID.manifest, the exact bytes that were delivered. Holds the resumption secret.
 */
#ifndef BROCH_AGENT_RECORD_H
#define BROCH_AGENT_RECORD_H

#include "client/agent/place.h"
#include "lib/session/session.h"

struct record {
	char id[KEEP_ID_DIGITS + 1], name[KEEP_NAME_MAX + 1];
	char url[512], created[32], module[65] /* SHA-256, hex */;
	uint8_t secret[SESSION_SECRET_SIZE];
	char *policy, *policy_name; /* the policy it was accepted under: its text, and where it came from */
	struct slice manifest;      /* malloc'ed by record_load; the caller's for record_save */
};

/* sys/state_dir.h, made (0700) when it is not there. */
MUST_USE enum err state_dir(char *out, size_t capacity, struct note *n);

MUST_USE enum err record_save(const struct record *r, struct note *n);
/* By id, unique prefix of an id, or name. ERR_NOT_FOUND: none of ours; ERR_EXISTS: several. */
MUST_USE enum err record_load(const char *name, struct record *r, struct note *n);
void record_free(struct record *r); /* what load allocated; wipes the secret */
void record_remove(const char *id);

#endif
