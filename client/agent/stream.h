/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running workload's standard streams over the session, until it ends. Input is read only as far as the Keep asked
 * for it; output is written as it comes, so a slow reader slows the workload down and nothing piles up here.
 */
#ifndef BROCH_AGENT_STREAM_H
#define BROCH_AGENT_STREAM_H

#include "client/agent/pipe.h"

struct stream {
	int in, out, err; /* descriptors; -1: input is empty, output is dropped */
	bool leave;        /* an interrupt ends the watching (ERR_STOPPED), not the workload */
	bool until_pause;  /* an empty piece of output (all there is so far) ends it as well */
	int stop_grace_ms; /* how long a stopped workload may take to say so */
	/* What to do with an answer to evidence_ask; NULL: none is expected. Its error ends the stream. */
	enum err (*evidence)(void *context, struct slice body, struct note *n);
	void *context;
};

struct stream_end {
	bool paused;       /* ended by until_pause */
	bool exited;       /* `end`, `code` and `message` say how; else the note and what stream_run returned do */
	enum workload_end end;
	uint32_t code;
	uint64_t load_ns, run_ns; /* what it took, by the Keep's clock */
	char message[NOTE_MAX];
	int signal;        /* the user's that made us stop it; 0: none */
	bool reader_gone;  /* nobody reads our standard output any more */
};

/*
 * OK: the workload ended (or paused), *e is filled. ERR_STOPPED: the user insisted, or it did not end in time: kill it. ERR_REFUSED:
 * the channel was disturbed. ERR_CLOSED, ERR_IO: the connection was lost. e->reader_gone comes with ERR_CLOSED.
 * ERR_LIMIT: no room for the output.
 */
MUST_USE enum err stream_run(struct pipe *p, const struct stream *s, struct stream_end *e, struct note *n);

#endif
