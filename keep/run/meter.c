/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/meter.h"

#include "keep/call/call.h"

/* As much of `size` as is left. */
static enum err allow(struct meter *m, size_t *size)
{
	const uint64_t left = m->limit == 0 ? UINT64_MAX : m->limit - m->used;

	m->refused = m->refused || (left == 0 && *size > 0);
	if (m->refused)
		return ERR_LIMIT;
	if (*size > left)
		*size = (size_t)left;
	return OK;
}

enum err meter_send(struct meter *m, uint32_t channel, struct slice bytes, size_t *sent)
{
	enum err err;

	*sent = 0;
	TRY(allow(m, &bytes.size));
	err = call_send(channel, bytes, sent);
	m->used += *sent;
	return err;
}

enum err meter_receive(struct meter *m, uint32_t channel, void *buffer, size_t capacity, size_t *got)
{
	enum err err;

	*got = 0;
	TRY(allow(m, &capacity));
	err = call_receive(channel, buffer, capacity, got);
	m->used += *got;
	return err;
}
