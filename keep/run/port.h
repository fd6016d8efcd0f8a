/* SPDX-License-Identifier: Apache-2.0 */
/* The Keep's side of keep/wasi/port.h, which knows no context: there is one program and one Keep. */
#ifndef BROCH_KEEP_RUN_PORT_H
#define BROCH_KEEP_RUN_PORT_H

#include "keep/run/state.h"
#include "lib/wasm/wasm.h"

struct keep *port_keep(void);
/* Once, before the program starts. */
void port_bind(struct keep *k);
/* What the engine calls while the program computes: clients are served, limits hold. */
struct wasm_poll port_poll(struct keep *k);

#endif
