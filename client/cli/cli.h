/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line `broch VERB`: one file a verb, one table (verbs.def), one parser. --help, the manual pages and the
 * shell completions are all written from the same struct verb, so they cannot disagree.
 *
 * To add a verb: write client/cli/NAME.c with `const struct verb verb_NAME = {...}`, add VERB(NAME) to verbs.def, and
 * run `make man`.
 *
 * The rules every verb keeps: the result goes to stdout, everything else to stderr; --json prints JSON whose objects
 * carry "schema": "broch.NOUN/1" (keys are only added within a version); -q is silence but for the result and errors;
 * an error is one line "broch: what failed: why; what to do".
 */
#ifndef BROCH_CLIENT_CLI_H
#define BROCH_CLIENT_CLI_H

#include "lib/base/err.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum cli_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_REFUSED = 3, /* attestation said no: nothing of the workload left this machine */
	/* Verbs that pass a workload's exit status through (`workload` below) fail with these instead of 1 and 2: */
	STATUS_BROCH = 125,
	STATUS_CANNOT_START = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNAL = 128, /* + the signal's number */
	STATUS_TRAP = 134,
};

struct option {
	const char *name;  /* long form without dashes; NULL ends a list */
	char letter;       /* short form; 0: none */
	bool many;         /* may be given more than once */
	const char *value; /* what its value is called in help; NULL: a switch */
	const char *help;  /* one sentence fragment, no full stop */
};

struct cli;

struct verb {
	const char *name;
	const char *summary;          /* one line, no full stop */
	const char *operands;         /* synopsis of what follows the options: "ID..." or "APP.wasm [ARG...]"; "" for none */
	const struct option *options; /* its own, ended by a row without name; NULL: none */
	const struct option *more;    /* a shared set, such as options_host; NULL: none */
	const struct option *also;    /* another */
	const struct option *absent;  /* what people try here from habit; `help` is the hint they get. NULL: none */
	const char *details;          /* paragraphs, split by empty lines; "" for none. A line that starts with a space stands as it is */
	const char *examples;         /* lines: "# comment" or a command; NULL: none */
	unsigned min, max;            /* operand count */
	bool workload;                /* the first operand ends the options, and failures are 125..127 */
	int (*run)(struct cli *c);    /* returns the exit status */
};

/* What every verb understands (--json, --quiet, --verbose, --color, --help), and the sets verbs share. */
extern const struct option options_common[], options_host[], options_workload[];

extern const struct verb *const verbs[];
extern const size_t verb_count;
const struct verb *verb_find(const char *name);

struct given {
	const struct option *option;
	const char *value;
};

struct cli {
	const struct verb *verb;
	const char **operands; /* NULL-terminated */
	size_t operand_count;
	struct given *given;
	size_t given_count;
	bool json, quiet, verbose;
	bool color_out, color_err; /* a terminal that wants colours */
};

/*
 * Parses what follows the verb; the strings stay argv's. On failure the note says what was wrong and what may have been
 * meant. *c must be zeroed but for verb; cli_free releases it in any case.
 */
MUST_USE enum err cli_parse(struct cli *c, int argc, char **argv, struct note *n);
void cli_free(struct cli *c);

/* `name` must be one of the verb's options: anything else is a bug. */
bool cli_has(const struct cli *c, const char *name);
const char *cli_value(const struct cli *c, const char *name); /* NULL when not given */
/* Each value of an option in turn: start with *at = 0; NULL after the last. */
const char *cli_next(const struct cli *c, const char *name, size_t *at);

/* One line on stderr, "broch: " in front; returns status. */
PRINTF_LIKE(3, 4) int cli_fail(const struct cli *c, int status, const char *fmt, ...);
/* The verb's general failure (1 or 125), words from the note, or the error's own when the note is empty. */
int cli_fail_note(const struct cli *c, enum err err, const struct note *n);
/* The verb's usage failure (2 or 125) with a pointer to its --help. */
PRINTF_LIKE(2, 3) int cli_usage(const struct cli *c, const char *fmt, ...);
/* A warning or a remark on stderr; nothing with -q. */
PRINTF_LIKE(2, 3) void cli_say(const struct cli *c, const char *fmt, ...);

/* Prints one JSON value and a newline; takes over the reference. Returns STATUS_OK, or fails when stdout does. */
int cli_json(const struct cli *c, json_t *value);
/* Flushes stdout and turns a write error into a failure: call it last. */
int cli_flush(const struct cli *c, int status);

/* ANSI sequences, or "" when the stream wants none. */
enum tint { TINT_GOOD, TINT_BAD, TINT_WARN, TINT_DIM, TINT_BOLD, TINT_OFF };
const char *cli_tint(bool color, enum tint t);

/* Names close to `word` for a hint, or NULL. */
struct near {
	const char *word, *best;
	unsigned distance;
};
void near_try(struct near *n, const char *candidate);
const char *near_best(const struct near *n);

/* All of `broch`: finds the verb, parses, runs. */
int cli_main(int argc, char **argv);

/* help.c, man.c: both from the same struct. */
void help_verb(FILE *f, const struct verb *v);
void help_all(FILE *f);
void man_verb(FILE *f, const struct verb *v);
void man_all(FILE *f);

#endif
