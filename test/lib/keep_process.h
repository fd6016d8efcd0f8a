/* SPDX-License-Identifier: Apache-2.0 */
/* For tests and benches: one Keep in one keeper, without a host agent, and a connection into it. */
#ifndef BROCH_TEST_KEEP_PROCESS_H
#define BROCH_TEST_KEEP_PROCESS_H

#include "host/keeper/control.h"

#include <stdbool.h>
#include <sys/types.h>

struct keep_process {
	pid_t pid;
	int control, session; /* session: a connected stream into the Keep */
};

struct keep_options {
	const char *keeper, *image, *backend, *tee, *state;
	unsigned long long memory_max;
};

/* Starts it and waits until it is loaded; *loaded (may be NULL) is the keeper's report. false: *why tells. */
bool keep_start(struct keep_process *k, const struct keep_options *o, struct control *loaded, struct control *why);
/* The keeper's last word about a Keep that ended, waiting for it for at most a second. */
void keep_last_word(struct keep_process *k, struct control *last);
void keep_end(struct keep_process *k);
/* The whole of it or nothing. false when the Keep is gone. */
bool keep_write(struct keep_process *k, const void *p, size_t size);
bool keep_read(struct keep_process *k, void *p, size_t size);

#endif
