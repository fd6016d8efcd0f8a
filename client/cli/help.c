/* SPDX-License-Identifier: Apache-2.0 */
/* --help texts and `broch help`, for a terminal of 80 columns. */
#include "client/cli/cli.h"

enum { WIDTH = 79, OPTION_COLUMN = 26 };

/* Words of [text, end) filled into lines, the first of which starts at column `at`. */
static void fill(FILE *f, const char *text, const char *end, int indent, int at)
{
	bool first = true;

	while (text < end) {
		int len = 0;

		while (text + len < end && text[len] != ' ' && text[len] != '\n')
			len++;
		if (!first && at + 1 + len > WIDTH) {
			fprintf(f, "\n%*s", indent, "");
			at = indent;
		} else if (!first) {
			fputc(' ', f);
			at++;
		}
		fprintf(f, "%.*s", len, text);
		at += len;
		first = false;
		text += len;
		while (text < end && (*text == ' ' || *text == '\n'))
			text++;
	}
	fputc('\n', f);
}

static void put_option(FILE *f, const struct option *o)
{
	char left[64];
	int len = snprintf(left, sizeof left, "  %c%c%s--%s%s%s", o->letter != 0 ? '-' : ' ', o->letter != 0 ? o->letter : ' ',
			   o->letter != 0 ? ", " : "  ", o->name, o->value != NULL ? " " : "",
			   o->value != NULL ? o->value : "");

	fputs(left, f);
	if (len >= OPTION_COLUMN)
		fputc('\n', f);
	fprintf(f, "%*s", len >= OPTION_COLUMN ? OPTION_COLUMN : OPTION_COLUMN - len, "");
	fill(f, o->help, o->help + strlen(o->help), OPTION_COLUMN, OPTION_COLUMN);
}

static void put_options(FILE *f, const char *title, const struct option *o)
{
	if (o == NULL || o->name == NULL)
		return;
	fprintf(f, "\n%s\n", title);
	for (; o->name != NULL; o++)
		put_option(f, o);
}

static void put_details(FILE *f, const char *text)
{
	while (*text != 0) {
		const char *end = strstr(text, "\n\n");

		if (end == NULL)
			end = text + strlen(text);
		fputc('\n', f);
		if (*text == ' ')
			fprintf(f, "%.*s\n", (int)(end - text), text);
		else
			fill(f, text, end, 0, 0);
		text = end;
		while (*text == '\n')
			text++;
	}
}

static void put_examples(FILE *f, const char *text)
{
	if (text == NULL)
		return;
	fputs("\nExamples\n", f);
	while (*text != 0) {
		int len = (int)strcspn(text, "\n");

		fprintf(f, "  %.*s\n", len, text);
		text += len;
		text += *text == '\n';
	}
}

static const char *set_title(const struct option *set)
{
	return set == options_host ? "Which host" : set == options_workload ? "The workload" : "More options";
}

void help_verb(FILE *f, const struct verb *v)
{
	fprintf(f, "broch %s: %s\n\nUsage: broch %s [OPTION...]%s%s\n", v->name, v->summary, v->name,
		v->operands[0] != 0 ? " " : "", v->operands);
	put_details(f, v->details);
	put_options(f, "Options", v->options);
	put_options(f, set_title(v->more), v->more);
	put_options(f, set_title(v->also), v->also);
	put_options(f, "Common options", options_common);
	put_examples(f, v->examples);
}

void help_all(FILE *f)
{
	fputs("Broch runs WebAssembly in Keeps on hosts you need not trust.\n\n"
	      "Usage: broch VERB [OPTION...] [OPERAND...]\n\nVerbs\n", f);
	for (size_t i = 0; i < verb_count; i++)
		fprintf(f, "  %-12s%s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\nbroch VERB --help tells more. Exit status: 0 done, 1 failed, 2 wrong usage,\n"
	      "3 attestation refused. run, deploy and wait pass the workload's status through;\n"
	      "125 broch failed, 126 cannot start, 127 not found, 134 trap, 128+N signal N.\n", f);
}

static int help_run(struct cli *c)
{
	const struct verb *v;
	bool man = cli_has(c, "man");

	if (c->operand_count == 0) {
		(man ? man_all : help_all)(stdout);
		return STATUS_OK;
	}
	v = verb_find(c->operands[0]);
	if (v == NULL)
		return cli_usage(c, "there is no verb '%s'", c->operands[0]);
	(man ? man_verb : help_verb)(stdout, v);
	return STATUS_OK;
}

static const struct option help_options[] = {
	{"man", 0, false, NULL, "print the manual page (mdoc) instead"},
	{0},
};

const struct verb verb_help = {
	.name = "help",
	.summary = "explain a verb",
	.operands = "[VERB]",
	.options = help_options,
	.details = "",
	.max = 1,
	.run = help_run,
};
