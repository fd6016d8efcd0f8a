/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of brochd: one table gives parser and --help. */
#ifndef BROCH_HOST_AGENT_OPTIONS_H
#define BROCH_HOST_AGENT_OPTIONS_H

#include "host/agent/sockets.h"
#include "lib/base/err.h"
#include "sys/log.h"

#include <stdio.h>

enum { LISTEN_MAX = 16 };

struct options {
	const char *listen[LISTEN_MAX];
	size_t listen_count;
	const char *state, *tls_cert, *tls_key, *token_file, *client_ca, *image_dir, *keeper;
	uint64_t max_keeps, max_keeps_per_client, max_memory, keep_memory_max, max_connections;
	uint64_t start_s, claim_s;
	uint64_t parent_fd; /* UINT64_MAX: none */
	struct log log;
	enum sockets_policy sockets;
	bool sockets_said;
	bool private_agent, check, help, version;
};

/* Fills *o with the defaults, then with what argv says. The texts point into argv. ERR_INVALID with the cure in the
 * note. */
MUST_USE enum err options_parse(int argc, char **argv, struct options *o, struct note *n);
void options_help(FILE *out);
/* "64", "64K", "512M", "4G", "1T" (powers of 1024). */
MUST_USE enum err size_parse(const char *text, uint64_t *out);

#endif
