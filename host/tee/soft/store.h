/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in's test root on disk. */
#ifndef BROCH_HOST_SOFT_STORE_H
#define BROCH_HOST_SOFT_STORE_H

#include "host/tee/soft/pki.h"

/*
 * Loads STATE_DIR/soft-snp, making it first when it is not there (one line on stderr then, because it takes seconds).
 * Any number of processes may do this at once: one makes it, the others wait. It appears whole or not at all; what a
 * killed process left behind is removed. STATE_DIR and its parents are made when missing, 0700.
 */
MUST_USE enum err soft_store_open(const char *state_dir, struct soft_pki *p, struct note *n);

#endif
