/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of sockets on the wire, both ways, as the host sees them: limits.network_bytes. */
#ifndef BROCH_KEEP_METER_H
#define BROCH_KEEP_METER_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct meter { /* zero-initialised: counts, without a limit */
	uint64_t limit, used; /* limit 0: none */
	bool refused;         /* something was to move and there was nothing left; from then on nothing does */
};

/* As call_send and call_receive, but no more than is left; ERR_LIMIT when that is nothing, though it might be the end. */
MUST_USE enum err meter_send(struct meter *m, uint32_t channel, struct slice bytes, size_t *sent);
MUST_USE enum err meter_receive(struct meter *m, uint32_t channel, void *buffer, size_t capacity, size_t *got);

#endif
