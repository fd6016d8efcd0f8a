/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration as people read it: the TOML that would give it, each value with where it came from. */
#ifndef BROCH_CLIENT_CONFIG_SHOW_H
#define BROCH_CLIENT_CONFIG_SHOW_H

#include "client/config/config.h"

#include <jansson.h>
#include <stdio.h>

/* broch.toml text that reads back as the same configuration; with `origin` a comment at each value. Secrets stay
 * references. */
void config_show(FILE *f, const struct config *c, bool origin);
/* {"schema": "broch.config/1", ...}: each value an object with "value" and "origin". NULL without memory. */
json_t *config_show_json(const struct config *c);
/* What `broch config init` prints. */
const char *config_template(bool enarx);

#endif
