/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of the control messages of session.h: one struct, one encoder, one decoder each; decoders take exact input.
 * Slices point into the body. Text is at most 512 bytes; strings that are too long and numbers out of range: ERR_RANGE. */
#ifndef BROCH_SESSION_MESSAGES_H
#define BROCH_SESSION_MESSAGES_H

#include "lib/session/session.h"

enum workload_end {
	WORKLOAD_EXITED = 0,  /* code: exit status of proc_exit or of returning from _start (0) */
	WORKLOAD_TRAPPED = 1, /* message: the trap with function and offset */
	WORKLOAD_LIMIT = 2,   /* message: which limit */
	WORKLOAD_STOPPED = 3, /* by its owner */
	WORKLOAD_REFUSED = 4, /* could not start: message says section, offset, reason */
};

struct msg_challenge { uint8_t nonce[SESSION_NONCE_SIZE]; };
struct msg_verdict { bool ok; struct slice reason; };
struct msg_start { uint64_t wall_ns; };
struct msg_resume { uint8_t proof[32]; }; /* HMAC-SHA-256(secret, "broch-resume/1" || handshake hash) */
struct msg_ready { uint8_t secret[SESSION_SECRET_SIZE]; bool resumed; bool running; };
struct msg_ask_evidence { struct slice nonce; /* 0..64 bytes */ };
/* manifest is empty when it does not fit into one record with the rest: its owner has it, and the evidence binds its digest. */
struct msg_workload_evidence { struct slice envelope, signing_key /* SEC1 uncompressed P-256 */, manifest, hash, nonce; };
struct msg_stdin_pull { uint64_t size; };
/* What it took, by the Keep's clock: from the bytes to an instance that can run, and from there to the end. */
struct msg_exit { enum workload_end end; uint32_t code; struct slice message; uint64_t load_ns, run_ns; };
struct msg_error { struct slice message; };
struct msg_attach { bool follow; bool from_start; };

#define SESSION_MESSAGES(M)                                                                                            \
	M(challenge) M(verdict) M(start) M(resume) M(ready) M(ask_evidence) M(workload_evidence) M(stdin_pull) M(exit)     \
	M(error) M(attach)

#define M(name)                                                                                                        \
	MUST_USE enum err msg_##name##_encode(const struct msg_##name *m, void *out, size_t capacity, size_t *size);       \
	MUST_USE enum err msg_##name##_decode(struct slice body, struct msg_##name *out);
SESSION_MESSAGES(M)
#undef M

#endif
