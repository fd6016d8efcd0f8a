/* SPDX-License-Identifier: Apache-2.0 */
/* The one context of brochd, made in main. Everything runs on one thread and one event loop. */
#ifndef BROCH_HOST_AGENT_AGENT_H
#define BROCH_HOST_AGENT_AGENT_H

#include "host/agent/conn.h"
#include "host/agent/keep.h"
#include "host/agent/listener.h"
#include "host/agent/options.h"
#include "host/agent/peers.h"
#include "host/agent/platform.h"
#include "host/agent/relay.h"

struct agent {
	struct options options;
	struct event_base *base;
	struct tokens *tokens;  /* NULL: no token is accepted */
	struct ssl_ctx_st *tls; /* NULL: no TCP listener */
	struct keeps keeps;
	struct metrics metrics;
	struct peers peers;
	struct platform platform;
	struct conns conns;
	struct relays relays;
	struct listeners listeners;
	bool closing;
};

#endif
