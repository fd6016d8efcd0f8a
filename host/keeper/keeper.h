/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Keep and its keeper. Single-threaded: the Keep runs until it calls or is kicked; signals (a packet from the
 * agent, a timer) only kick. The Keep is as untrusted here as we are to it: serve.c copies each request once and checks
 * the copy before it acts.
 */
#ifndef BROCH_HOST_KEEPER_H
#define BROCH_HOST_KEEPER_H

#include "host/keeper/channels.h"
#include "host/keeper/control.h"
#include "host/tee/tee.h"
#include "host/vmm/vmm.h"

#include <sys/epoll.h>

struct keeper { /* zero-initialised, then the first group is set by the starter */
	const struct vmm_backend *backend;
	struct vmm *vmm;
	const struct tee_backend *tee_backend;
	struct tee *tee; /* NULL: no evidence */
	int control;
	uint64_t linger_ns; /* how long to wait for the first client; 0: for ever */

	/* Private to host/keeper. */
	uint8_t *shared;
	struct channels channels;
	uint64_t noticed;    /* arrivals the Keep has been woken for */
	bool opened;         /* a socket came since WAIT looked */
	uint32_t sequence;   /* of the last call */
	uint64_t calls;
	uint64_t usage_told; /* calls, when the agent last heard of them */
	uint64_t linger_until; /* CLOCK_MONOTONIC; 0: a client came, or there is no limit */
	bool timer_set;
	bool over;
	struct keepcall_poll wanted[KEEPCALL_POLL_MAX];
	int watcher;         /* an epoll: what becomes of the channels; by keeper_watch */
	uint64_t waits, sleeps;
	struct epoll_event events[KEEPCALL_CHANNEL_MAX];
	uint8_t evidence[KEEPCALL_EVIDENCE_MAX];
};

/* Lets packets of the agent kick the running Keep, and makes what WAIT watches by. Before the system call filter, after the change of user; k stays where
 * it is from here on. */
MUST_USE bool keeper_watch(struct keeper *k);
/* Runs the Keep until it exits, dies, is stopped or the agent is gone; the agent has been told. Destroys nothing. */
void keeper_run(struct keeper *k);

/* ---- between the files of this folder ---- */

struct request { /* a private copy */
	uint32_t op, sequence;
	uint64_t arg[4];
};
struct answer {
	enum keepcall_status status;
	uint64_t ret[2];
};

/* Takes one request from the shared area and answers it there, unless it ended the Keep (k->over). */
void keeper_serve(struct keeper *k);
struct answer keeper_wait(struct keeper *k, const struct request *r);
/* Handles every packet of the agent that is there. */
void keeper_listen(struct keeper *k);
/* Timer work: usage to the agent, the limit for the first client. */
void keeper_tick(struct keeper *k);
/* The end, told once; what comes later is not. */
void keeper_end(struct keeper *k, enum control_type type, uint32_t code, uint64_t a, uint64_t b, const char *text);
uint64_t keeper_now(void); /* ns, CLOCK_MONOTONIC */

#endif
