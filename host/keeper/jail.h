/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper gives up, and when: jail_rights as soon as no device or file is to be opened, jail_calls before the Keep runs. */
#ifndef BROCH_HOST_JAIL_H
#define BROCH_HOST_JAIL_H

#include "abi/boot.h"
#include "lib/base/err.h"

/* user: NULL as nobody when root, else as we are. Also ties our life to the parent's. */
MUST_USE enum err jail_rights(const char *user, struct note *n);
/* Limits and the system call filter: what serving calls and this kind of backend need. A violation is told on `control`. */
MUST_USE enum err jail_calls(enum boot_kind kind, uint64_t memory_max, int control, struct note *n);

#endif
