/* SPDX-License-Identifier: Apache-2.0 */
/* From a configuration to a bundle: what is named is read here, secrets too. */
#ifndef BROCH_AGENT_PACK_H
#define BROCH_AGENT_PACK_H

#include "client/agent/bundle.h"
#include "client/config/config.h"

/*
 * Puts everything but the program into the bundle; argv0 is the program's name for itself. FD_COUNT and FD_NAMES are set
 * when a file was read. Strings stay the config's, which must outlive the bundle.
 */
MUST_USE enum err pack(struct config *c, const char *argv0, struct bundle *b, struct note *n);

/* The value behind a reference. *out is malloc'ed: secret_drop it. A file that others may read is refused. */
MUST_USE enum err secret_fetch(const struct config_secret *s, struct slice *out, struct note *n);
void secret_drop(struct slice *s);
/* The key of the Keep's certificate, which t names (tls_key.c). */
MUST_USE enum err pack_tls_key(const struct config_tls *t, struct bundle *b, struct note *n);

#endif
