/* SPDX-License-Identifier: Apache-2.0 */
/* The tenant's side of verbs that talk to a Keep at a host: its policy, and coming back to what was deployed before. */
#ifndef BROCH_CLI_TENANT_H
#define BROCH_CLI_TENANT_H

#include "client/cli/workload.h"

struct tenant_policy {
	struct policy *policy;
	char *text, *name; /* as read: kept in the record */
};

/* --policy, else $XDG_CONFIG_HOME/broch/policy.toml. There is no policy that accepts things by itself. */
MUST_USE enum err policy_load(const char *path, struct tenant_policy *out, struct note *n);
/* The same from a record. */
MUST_USE enum err policy_of_record(const struct record *r, struct tenant_policy *out, struct note *n);
void policy_drop(struct tenant_policy *p);

/* A session with a workload of ours, attested anew under the policy it was accepted with. */
struct visit {
	struct record record;
	struct tenant_policy policy;
	struct place *place;
	struct pipe *pipe;
	struct verdict verdict;
	struct msg_ready ready;
};
MUST_USE enum err visit_begin(const struct cli *c, const char *name, struct visit *v, struct note *n);
void visit_end(struct visit *v); /* takes a zeroed one */

/* Sees to it that output comes. */
MUST_USE enum err visit_attach(struct visit *v, bool follow, bool from_start, struct note *n);
/* Asks for the workload's evidence, judges it, writes it to path. */
MUST_USE enum err visit_evidence(struct visit *v, const char *path, struct note *n);

#endif
