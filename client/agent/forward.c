/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/forward.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum { LANE_SIZE = 32 * 1024 };

struct lane { /* one direction; what was read and not yet written lies between at and size */
	struct wire *from, *to;
	size_t at, size;
	bool over; /* nothing more comes */
	bool done; /* and the other side was told */
	uint8_t bytes[LANE_SIZE];
};

static bool full(const struct lane *l)
{
	return l->at < l->size;
}

static enum err fill(struct lane *l, bool *moved)
{
	enum err err;

	if (full(l) || l->over)
		return OK;
	err = wire_read(l->from, l->bytes, sizeof l->bytes, &l->size);
	l->at = 0;
	if (err != OK)
		l->size = 0;
	l->over = err == ERR_CLOSED;
	*moved = *moved || err == OK || l->over;
	return err == ERR_AGAIN || l->over ? OK : err;
}

static enum err drain(struct lane *l, bool *moved)
{
	size_t size = 0;
	enum err err;

	if (!full(l))
		return OK;
	err = wire_write(l->to, slice_of(l->bytes + l->at, l->size - l->at), &size);
	if (err == OK)
		l->at += size;
	if (err == ERR_CLOSED) { /* nobody listens any more; what the other says still counts */
		l->at = l->size;
		l->over = l->done = true;
	}
	*moved = *moved || err != ERR_AGAIN;
	return err == ERR_AGAIN || err == ERR_CLOSED ? OK : err;
}

static enum err step(struct lane *l, bool *moved)
{
	TRY(fill(l, moved));
	TRY(drain(l, moved));
	if (l->over && !l->done && !full(l)) {
		wire_finish(l->to);
		l->done = true;
		*moved = true;
	}
	return OK;
}

static enum err await(const struct lane *up, const struct lane *down, int wake_fd)
{
	struct pollfd p[3] = {
	        {.fd = wire_fd(up->from), .events = wire_events(up->from, !full(up) && !up->over, full(down))},
	        {.fd = wire_fd(up->to), .events = wire_events(up->to, !full(down) && !down->over, full(up))},
	        {.fd = wake_fd, .events = POLLIN},
	};

	for (int i = 0; i < 2; i++)
		if (p[i].events == 0)
			p[i].fd = -1; /* a hangup would wake us for ever */
	if (poll(p, 3, -1) < 0 && errno != EINTR)
		return ERR_IO;
	return p[2].revents != 0 ? ERR_STOPPED : OK;
}

static enum err run(struct lane *up, struct lane *down, int wake_fd)
{
	while (!up->done || !down->done) {
		bool moved = false;

		TRY(step(up, &moved));
		TRY(step(down, &moved));
		if (!moved)
			TRY(await(up, down, wake_fd));
	}
	return OK;
}

enum err forward(struct wire *near, struct wire *far, int wake_fd)
{
	struct lane *lanes = calloc(2, sizeof *lanes);
	enum err err;

	if (lanes == NULL)
		return ERR_NOMEM;
	lanes[0].from = lanes[1].to = near;
	lanes[0].to = lanes[1].from = far;
	err = run(&lanes[0], &lanes[1], wake_fd);
	free(lanes);
	return err;
}
