/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps 4 to 6: evidence, verdict, delivery. The order is the point: attest() comes first, and nothing of the workload
 * is sent on a session whose verdict is not OK.
 *
 * Until the workload runs, every disturbance of the channel (cut, silence, a record that is not the Keep's) is
 * ERR_REFUSED: whoever did not prove what it is got nothing. What is our own fault keeps its code (files, memory,
 * ERR_STOPPED by the user).
 */
#ifndef BROCH_AGENT_DELIVER_H
#define BROCH_AGENT_DELIVER_H

#include "client/agent/bundle.h"
#include "client/agent/pipe.h"
#include "client/agent/timings.h"
#include "client/attest/verify.h"

struct trust {
	const struct policy *policy;
	int64_t at; /* seconds since 1970 */
	struct timings *timings; /* NULL: nobody asks */
};

/*
 * Asks for evidence over this very handshake and a fresh nonce, judges it, tells the Keep. *v is filled as far as it
 * came. ERR_REFUSED: not OK; the note names the first failed check.
 */
MUST_USE enum err attest(struct pipe *p, const struct trust *t, struct verdict *v, struct note *n);

/*
 * Manifest, blobs, start; returns when the Keep is ready, which it says only when every digest was right: so the check
 * of the link "module" is added to *v. ERR_INVALID: the Keep refused the delivery, in its words. *ready holds the
 * resumption secret: wipe it. With `evidence` the question of evidence_ask goes out together with the start, so that even
 * a workload that is over at once gives evidence first.
 */
MUST_USE enum err deliver(struct pipe *p, struct bundle *b, bool evidence, struct msg_ready *ready, struct verdict *v,
			  struct note *n);
/* Comes back to a workload delivered earlier. ERR_AUTH: it is not ours. */
MUST_USE enum err resume(struct pipe *p, const uint8_t secret[static SESSION_SECRET_SIZE], struct msg_ready *ready,
			 struct note *n);

/* Asks for the evidence a third party can check; the answer comes as a message of type WORKLOAD_EVIDENCE. */
MUST_USE enum err evidence_ask(struct pipe *p, struct note *n);
/* Waits for the answer, which must be the next message (no output is on its way). */
MUST_USE enum err evidence_await(struct pipe *p, struct slice *body, struct note *n);
/*
 * Judges that answer under the same policy for the manifest we know, and makes the file of lib/attest/envelope.h
 * (malloc'ed; file->data). ERR_REFUSED: it does not hold; the note names the first failed check.
 */
MUST_USE enum err evidence_take(struct slice body, const struct trust *t, struct slice manifest, struct verdict *v,
				struct slice *file, struct note *n);

#endif
