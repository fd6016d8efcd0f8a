/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a Keep knows. One lives in the heap from the first instruction to the last.
 *
 * Who does what: serve.c talks to clients and changes the state; port.c is where the running program meets it;
 * workload.c runs the program; main.c is the story.
 */
#ifndef BROCH_KEEP_STATE_H
#define BROCH_KEEP_STATE_H

#include "keep/run/clock.h"
#include "keep/run/delivery.h"
#include "keep/run/identity.h"
#include "keep/run/link.h"
#include "keep/run/ring.h"
#include "keep/run/secure.h"
#include "keep/run/socket.h"
#include "lib/session/messages.h"

enum {
	LINKS = 2,             /* the owner, and one who wants to become it */
	REFUSALS_MAX = 1000,   /* clients that came and did not deliver, before the Keep gives up */
	STDIN_BUFFER = 1 << 20,
};

enum phase {
	PHASE_READY,   /* waits for a delivery */
	PHASE_LOADED,  /* has one; the program runs, or is about to */
	PHASE_ENDED,   /* the program is over; its owner is to be told */
};

/* Input of the program: credit is what the client may still send, and always has room. */
struct input {
	uint8_t *bytes; /* STDIN_BUFFER */
	size_t at, size, credit;
	bool over;
};

struct keep {
	struct memory memory;
	struct clock clock;
	struct link links[LINKS];
	enum phase phase;
	unsigned refusals;
	uint64_t abandoned; /* when to wait no longer for a client that delivers; CLOCK_NEVER: none has gone yet */

	struct link *delivering; /* whose manifest and blobs these are */
	struct delivery delivery;

	struct link *owner;      /* who is attached, or NULL */
	uint8_t secret[SESSION_SECRET_SIZE];
	bool detached;           /* the program goes on without an owner, its output goes to the ring */
	struct identity identity;
	struct identity tls_identity; /* of the certificate, when the tenant gave one */

	struct sockets sockets;
	struct secure_pool secure; /* their TLS, if any has it */
	struct keepcall_poll waits[1 + LINKS + SOCKETS_MAX]; /* what WAIT is asked */
	uint32_t waiting_sockets[SOCKETS_MAX];                /* whose the last of them are */

	/* The program, then its libraries: loaded once, whatever number of lives there are; NULL: not yet. */
	struct wasm_module *modules[1 + MANIFEST_LIBRARIES_MAX];
	bool compiling_tried;

	struct input input;
	struct ring ring;        /* once detached */
	struct ring_reader reader; /* what the attached owner of a detached workload has seen */
	bool reading, following; /* that owner wants output; and what is still to come */
	bool wants_end, collects; /* that owner wants to be told the end; and then the Keep is done */

	/* Why the program has to stop: OK, ERR_STOPPED or ERR_LIMIT with words. Set once, seen by poll and port. */
	enum err stop;
	struct note stop_note;
	uint64_t started, wall_until, waited; /* monotonic ns; waited: spent in WAIT since the start */
	uint64_t last_serve, last_flush;
	bool blocked;            /* the program has something to send for which the owner's link had no room */

	struct msg_exit end;     /* message points to end_note */
	struct note end_note;
	struct link *told;       /* over which the owner was sent EXIT; NULL: not yet */

	uint8_t scratch[KEEPCALL_EVIDENCE_MAX];
	uint8_t body[SESSION_BODY_MAX];
};

#endif
