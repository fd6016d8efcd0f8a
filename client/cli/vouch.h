/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verbs share that talk TLS to a Keep: its address, and what vouches for it. The connection is made by
 * client/agent/wire.h, the certificate judged by client/attest/ratls.h.
 */
#ifndef BROCH_CLI_VOUCH_H
#define BROCH_CLI_VOUCH_H

#include "client/attest/ratls.h"
#include "client/cli/tenant.h"

enum { VOUCH_WORKLOADS_MAX = 64 };

struct vouch { /* zero-initialised */
	char host[256], port[6];
	uint8_t workloads[VOUCH_WORKLOADS_MAX][32];
	size_t workload_count;
	uint8_t pin[32]; /* SHA-256 of the key that was judged */
};

/* --workload, --connect-timeout */
extern const struct option options_vouch[];

/* Is this operand meant as an address? */
bool vouch_is_address(const char *operand);
/* tls://HOST:PORT, if it is meant as one, and what --workload says. */
MUST_USE enum err vouch_read(const struct cli *c, const char *operand, struct vouch *out, struct note *n);
MUST_USE enum err vouch_timeout(const struct cli *c, int *ms, struct note *n);
/* Connects, and takes the certificate whose key the other end proved to have; the caller frees it. Sets k->pin. */
MUST_USE enum err vouch_fetch(struct vouch *k, int64_t deadline, int wake_fd, uint8_t **der, size_t *size,
                              struct note *n);
/* The same, judged now: OK: *v has the verdict, good or bad. */
MUST_USE enum err vouch_judge(struct vouch *k, const struct policy *policy, int64_t deadline, int wake_fd,
                              struct verdict *v, struct note *n);

#endif
