/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROCH_SHIM_PROCESS_DOOR_H
#define BROCH_SHIM_PROCESS_DOOR_H

/* Returns once the host lets the Keep begin: the hints of the shared area are written by then. */
void door_await_start(void);

#endif
