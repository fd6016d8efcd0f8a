/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy lets through, in words and in JSON, with a warning for each thing that weakens it. */
#ifndef BROCH_CLIENT_POLICY_EXPLAIN_H
#define BROCH_CLIENT_POLICY_EXPLAIN_H

#include "client/attest/policy.h"

#include <jansson.h>
#include <stdio.h>

void policy_explain(FILE *f, const struct policy *p);
/* {"schema": "broch.policy/1", "accepts": [...], "warnings": [...]}; NULL: out of memory. */
json_t *policy_explain_json(const struct policy *p);

#endif
