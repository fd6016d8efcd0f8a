/* SPDX-License-Identifier: Apache-2.0 */
/* Packets with at most one descriptor over Unix sockets (SCM_RIGHTS). */
#ifndef BROCH_SYS_FDPASS_H
#define BROCH_SYS_FDPASS_H

#include "lib/base/err.h"

/* Sends one packet; fd -1: none. The descriptor stays open here. Never raises SIGPIPE.
 * ERR_AGAIN when the socket is full and does not block, ERR_CLOSED when the other side is gone. */
MUST_USE enum err fdpass_send(int socket, const void *packet, size_t size, int fd);

/*
 * Receives one packet of exactly `size` bytes. *fd is the descriptor that came with it (close-on-exec, the caller's
 * now) or -1. ERR_AGAIN when none is there (it never blocks), ERR_CLOSED at the end, ERR_FORMAT for a packet of another
 * size or with more than one descriptor; nothing is left open then.
 */
MUST_USE enum err fdpass_receive(int socket, void *packet, size_t size, int *fd);

#endif
