/* SPDX-License-Identifier: Apache-2.0 */
/* Where a user's broch keeps what outlives a process: $XDG_STATE_HOME/broch, else $HOME/.local/state/broch. */
#ifndef BROCH_SYS_STATE_DIR_H
#define BROCH_SYS_STATE_DIR_H

#include "lib/base/err.h"

MUST_USE enum err state_dir_default(char *out, size_t size, struct note *n);

#endif
