/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

static int failure(const struct cli *c, int plain)
{
	return c->verb != NULL && c->verb->workload ? STATUS_BROCH : plain;
}

int cli_fail(const struct cli *c, int status, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%sbroch:%s ", cli_tint(c->color_err, TINT_BAD), cli_tint(c->color_err, TINT_OFF));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

int cli_fail_note(const struct cli *c, enum err err, const struct note *n)
{
	return cli_fail(c, failure(c, STATUS_FAILED), "%s", n->text[0] != 0 ? n->text : err_text(err));
}

int cli_usage(const struct cli *c, const char *fmt, ...)
{
	char text[2 * NOTE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (c->verb == NULL)
		return cli_fail(c, STATUS_USAGE, "%s (see broch --help)", text);
	return cli_fail(c, failure(c, STATUS_USAGE), "%s: %s (see broch %s --help)", c->verb->name, text, c->verb->name);
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet)
		return;
	fprintf(stderr, "%sbroch:%s ", cli_tint(c->color_err, TINT_DIM), cli_tint(c->color_err, TINT_OFF));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int cli_json(const struct cli *c, json_t *value)
{
	int bad = value == NULL || json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) != 0;

	json_decref(value);
	if (bad && !ferror(stdout))
		return cli_fail(c, failure(c, STATUS_FAILED), "printing JSON: %s", err_text(ERR_NOMEM));
	putchar('\n');
	return STATUS_OK;
}

int cli_flush(const struct cli *c, int status)
{
	bool bad = ferror(stdout) != 0;

	errno = 0;
	bad |= fflush(stdout) != 0;
	if (!bad || status != STATUS_OK)
		return status;
	return cli_fail(c, failure(c, STATUS_FAILED), "writing to standard output: %s",
			errno != 0 ? strerror(errno) : "failed");
}

const char *cli_tint(bool color, enum tint t)
{
	static const char *const sequences[] = {
		[TINT_GOOD] = "\033[32m", [TINT_BAD] = "\033[31m",  [TINT_WARN] = "\033[33m",
		[TINT_DIM] = "\033[2m",	  [TINT_BOLD] = "\033[1m", [TINT_OFF] = "\033[0m",
	};

	return color ? sequences[t] : "";
}

static int unknown_verb(const struct cli *c, const char *word)
{
	struct near near = {word, NULL, 0};

	for (size_t i = 0; i < verb_count; i++)
		near_try(&near, verbs[i]->name);
	if (near_best(&near) != NULL)
		return cli_usage(c, "there is no verb '%s'; did you mean '%s'?", word, near_best(&near));
	return cli_usage(c, "there is no verb '%s'", word);
}

static int run_verb(struct cli *c, int argc, char **argv)
{
	struct note n = {0};

	if (cli_parse(c, argc, argv, &n) != OK)
		return cli_usage(c, "%s", n.text[0] != 0 ? n.text : err_text(ERR_NOMEM));
	if (cli_has(c, "help")) {
		help_verb(stdout, c->verb);
		return cli_flush(c, STATUS_OK);
	}
	return cli_flush(c, c->verb->run(c));
}

/* `broch`, `broch --help`, `broch --version` mean the verbs of that name. */
static const char *verb_word(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return "help";
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return "version";
	return word;
}

int cli_main(int argc, char **argv)
{
	struct cli c = {0};
	int status;

	if (argc < 2) {
		help_all(stderr);
		return STATUS_USAGE;
	}
	c.verb = verb_find(verb_word(argv[1]));
	if (c.verb == NULL)
		return argv[1][0] == '-' ? cli_usage(&c, "unknown option %s before the verb", argv[1])
					 : unknown_verb(&c, argv[1]);
	status = run_verb(&c, argc - 2, argv + 2);
	cli_free(&c);
	return status;
}
