/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from one wire to another and back, until both directions are over. */
#ifndef BROCH_AGENT_FORWARD_H
#define BROCH_AGENT_FORWARD_H

#include "client/agent/wire.h"

/*
 * The end of one direction is passed on while the other goes on. OK: both ended in order. ERR_IO: one wire broke, which
 * the caller must not let look like an end. ERR_STOPPED: interrupted.
 */
MUST_USE enum err forward(struct wire *near, struct wire *far, int wake_fd);

#endif
