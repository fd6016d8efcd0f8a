/* SPDX-License-Identifier: Apache-2.0 */
/* What run and deploy share: options to a bundle, and the six steps from a place to an exit status. */
#ifndef BROCH_CLI_WORKLOAD_H
#define BROCH_CLI_WORKLOAD_H

#include "client/agent/bundle.h"
#include "client/agent/deliver.h"
#include "client/agent/record.h"
#include "client/agent/stream.h"
#include "client/cli/host.h"
#include "client/config/config.h"

enum { WORKLOAD_PATH = 4096 };

struct workload { /* zeroed before; workload_free in any case */
	const char *module;
	char module_path[WORKLOAD_PATH], config_path[WORKLOAD_PATH]; /* private; the latter empty: no file */
	struct config *config;
	struct bundle *bundle;
};

/* Where module and configuration are: the first operand is a module, or a folder with main.wasm. */
MUST_USE enum err workload_find(const struct cli *c, struct workload *w, struct note *n);
/* The configuration an operand of `broch config` means: a file, or what a folder holds (empty: nothing). */
MUST_USE enum err workload_config(const char *operand, char out[static WORKLOAD_PATH], struct note *n);
/* A bundle with the module; its failure is the workload's, see workload_module_failure. */
MUST_USE enum err workload_module(const struct cli *c, struct workload *w, struct note *n);
/* All the rest, from the configuration file and the options. `limits` are the policy's: they cap what is asked. */
MUST_USE enum err workload_rest(const struct cli *c, const struct policy_limits *limits, struct workload *w, struct note *n);
/* What the command line says, over what a file said: operands from first_arg on are arguments. */
MUST_USE enum err workload_options(const struct cli *c, size_t first_arg, struct config *config, struct note *n);
void workload_free(struct workload *w);
/* 126 or 127 when the module cannot be used, else 125. */
int workload_module_failure(const struct cli *c, enum err err, const struct note *n);
/* Checks what can be checked without touching a file. */
MUST_USE enum err workload_check(const struct cli *c, struct note *n);

/* POST /v1/keeps in two halves; the id is checked. times: what the host says of them, or NULL. */
MUST_USE enum err keep_ask(struct place *p, const char *name, const char *backend, const struct bundle *b, struct note *n);
MUST_USE enum err keep_answer(struct place *p, char id[static KEEP_ID_DIGITS + 1], char *name, size_t name_size,
			      struct timings *times, struct note *n);

/* Shows the verdict as --show-chain and -v want it, and the line about a stand-in. */
void workload_verdict(const struct cli *c, const struct verdict *v, bool refused);

/* {"schema": "broch.end/1", "end", "code", "message"}; where times are not NULL, with "timings" (timings.h) */
json_t *workload_end_json(const struct stream_end *e, const struct timings *times);
/* The exit status of an ended workload, its words (with --json: the object above, in one line) on stderr. */
int workload_status(const struct cli *c, const struct stream_end *e, const struct timings *times);
/* The exit status for everything that went wrong instead. */
int workload_failure(const struct cli *c, enum err err, const struct note *n);

#endif
