/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of doc/host-api.md, one function each. */
#ifndef BROCH_HOST_AGENT_API_H
#define BROCH_HOST_AGENT_API_H

#include "host/agent/conn.h"

/* Serves c->route, which is valid, for c->who, who is known. Answers, or will. */
void api_call(struct conn *c, struct slice body);
/* The connection goes away: nobody waits any more. A Keep whose creator never heard of it is ended. */
void api_cancel(struct conn *c);

#endif
