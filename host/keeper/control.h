/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the host agent and one keeper process (`brochd-keep`, one per Keep): a SOCK_SEQPACKET socket, inherited as
 * descriptor CONTROL_FD. One packet is one struct control; OPENED may carry a socket; ATTACH carries one descriptor (SCM_RIGHTS), a connected
 * stream on which the client's session bytes go in and out; whether it blocks is not defined. The keeper ends when the socket is closed.
 *
 *   brochd-keep --id ID --image FILE --backend kvm|process --tee soft-snp --state DIR --memory-max BYTES [--linger SECONDS]
 *
 * --kvm-known CODE: what LOADED of another keeper on this host said, so that this one need not find it out.
 * --linger: a Keep to which no client comes in that time, but at least a minute, ends.
 */
#ifndef BROCH_HOST_CONTROL_H
#define BROCH_HOST_CONTROL_H

#include <assert.h>
#include <stdint.h>

enum { CONTROL_FD = 3, CONTROL_TEXT_MAX = 240 };

enum control_type {
	/* agent to keeper */
	CONTROL_ATTACH = 1, /* a client session, with its descriptor */
	CONTROL_STOP = 2,   /* end now; the answer is EXITED */
	CONTROL_OPENED = 3, /* the answer to OPEN: its a and b, with the socket, or without: there is none; code: enum keepcall_why */
	/* keeper to agent */
	CONTROL_LOADED = 16,   /* the plan is in place and the Keep runs; a: ns that creating it took, b: ns from the keeper's start; code: vmm_kvm_known() */
	CONTROL_ATTACHED = 17, /* the Keep accepted a session */
	CONTROL_DETACHED = 18, /* a session's connection ended */
	CONTROL_EXITED = 19,   /* code: enum keepcall_exit */
	CONTROL_DIED = 20,     /* text: why (triple fault, seccomp, killed, ...) */
	CONTROL_FAILED = 21,   /* could not start; text: what, where, what to do */
	CONTROL_OPEN = 23,     /* the Keep wants a socket; code: enum keepcall_channel, a: channel, b: which of all OPENs, text: HOST:PORT */
	CONTROL_USAGE = 22,    /* at most every second, when something changed: a: guest memory bytes, b: exits so far, code: restarts of the program */
};

struct control {
	uint32_t type;
	uint32_t code;
	uint64_t a, b;
	char text[CONTROL_TEXT_MAX];
};
static_assert(sizeof(struct control) == 264, "control ABI");

#endif
