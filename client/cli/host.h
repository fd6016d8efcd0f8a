/* SPDX-License-Identifier: Apache-2.0 */
/* From options_host to a place, and what several verbs do with one. */
#ifndef BROCH_CLI_HOST_H
#define BROCH_CLI_HOST_H

#include "client/agent/place.h"
#include "client/cli/cli.h"

/* options_host, BROCH_HOST, BROCH_TOKEN_FILE. `url` (may be NULL) counts when neither option nor environment names one. */
MUST_USE enum err host_place(const struct cli *c, const char *url, struct place **out, struct note *n);
MUST_USE enum err host_timeout(const struct cli *c, int *ms, struct note *n);
/* Was a host named by option or environment? */
bool host_named(const struct cli *c);

/* One call on one Keep: "/v1/keeps/NAME" + suffix. */
MUST_USE enum err host_keep(struct place *p, const char *method, const char *name, const char *suffix, json_t **answer,
			    struct note *n);
/* An operand that names a Keep. */
MUST_USE enum err host_name_check(const char *name, struct note *n);

#endif
