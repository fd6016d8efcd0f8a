/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager how we are: the sd_notify datagram protocol. */
#ifndef BROCH_SYS_NOTIFY_H
#define BROCH_SYS_NOTIFY_H

/* "READY=1", "STOPPING=1", "RELOADING=1", "STATUS=..."; does nothing when $NOTIFY_SOCKET is not set. */
void notify_send(const char *state);

#endif
