/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are: sockets, state, and the files that come with this program. */
#ifndef BROCH_SYS_PATHS_H
#define BROCH_SYS_PATHS_H

#include "lib/base/err.h"

enum { PATHS_MAX = 4096 };

/* Each writes an absolute path without trailing slash, or fails with what to set in the note. None creates anything. */

/* root: /run/broch; else $XDG_RUNTIME_DIR/broch; without it /run/user/UID/broch. */
MUST_USE enum err paths_runtime(char out[static PATHS_MAX], struct note *n);
/* The socket of the host agent: the above with /brochd.sock. */
MUST_USE enum err paths_agent_socket(char out[static PATHS_MAX], struct note *n);
/* $XDG_STATE_HOME/broch; without it root: /var/lib/broch, else ~/.local/state/broch. */
MUST_USE enum err paths_state(char out[static PATHS_MAX], struct note *n);
/* A program or Keep image shipped with us: beside this executable, then in ../lib/broch, then in ../libexec/broch. */
MUST_USE enum err paths_shipped(const char *name, char out[static PATHS_MAX], struct note *n);
/* Like mkdir -p; what is made has this mode, what exists stays as it is. */
MUST_USE enum err paths_make(const char *path, unsigned mode, struct note *n);

#endif
