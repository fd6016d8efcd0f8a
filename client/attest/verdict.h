/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict in words and in JSON; the same for every verb that shows one. */
#ifndef BROCH_CLIENT_VERDICT_H
#define BROCH_CLIENT_VERDICT_H

#include "client/attest/verify.h"

#include <jansson.h>
#include <stdio.h>

/*
 * The chain of trust, a line for each link with a tick, or with the reason and what to do about it; then one line that
 * says what it comes to. A soft TEE is called so. Nothing in it comes unescaped from outside.
 */
void verdict_print(FILE *f, const struct verdict *v, bool colour);
/* Every check with expected and found value: `broch verify --verbose`. */
void verdict_print_checks(FILE *f, const struct verdict *v, bool colour);
/* {"schema": "broch.verdict/1", "ok", "tee", "soft", "measurement", "reason", "checks": [...]}; NULL: out of memory. */
json_t *verdict_json(const struct verdict *v);

#endif
