/* SPDX-License-Identifier: Apache-2.0 */
/* The manual pages in mdoc(7), made by `make man` and checked against the tree by test/cli. */
#include "client/cli/cli.h"

#include <ctype.h>

/* A text line: control characters at its start are defused, backslashes and hyphens are literal. */
static void text(FILE *f, const char *s, size_t len)
{
	if (len > 0 && (*s == '.' || *s == '\''))
		fputs("\\&", f);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\')
			fputs("\\e", f);
		else if (s[i] == '-')
			fputs("\\-", f);
		else if (s[i] == '\n')
			fputs("\n", f);
		else
			fputc(s[i], f);
	}
}

static void word(FILE *f, const char *s)
{
	text(f, s, strlen(s));
}

static void line(FILE *f, const char *s, size_t len)
{
	text(f, s, len);
	fputc('\n', f);
}

static void head(FILE *f, const char *dashed, const char *upper, const char *summary)
{
	fputs(".\\\" SPDX-License-Identifier: Apache-2.0\n"
	      ".\\\" Written by `make man` from client/cli; change it there.\n.Dd November 24, 2026\n.Dt BROCH", f);
	for (const char *p = upper; *p != 0; p++)
		fputc(toupper((unsigned char)*p), f);
	fprintf(f, " 1\n.Os Broch\n.Sh NAME\n.Nm broch%s\n.Nd %s\n", dashed, summary);
}

static void put_options(FILE *f, const struct option *o)
{
	if (o == NULL || o->name == NULL)
		return;
	fputs(".Bl -tag -width Ds\n", f);
	for (; o->name != NULL; o++) {
		fputs(".It ", f);
		if (o->letter != 0)
			fprintf(f, "Fl %c , ", o->letter);
		fputs("Fl \\-", f);
		word(f, o->name);
		if (o->value != NULL) {
			fputs(" Ar ", f);
			word(f, o->value);
		}
		fputc('\n', f);
		word(f, o->help);
		fputs(".\n", f);
	}
	fputs(".El\n", f);
}

static void put_paragraphs(FILE *f, const char *s)
{
	while (*s != 0) {
		const char *end = strstr(s, "\n\n"), *next;
		bool literal = *s == ' ';

		if (end == NULL)
			end = s + strlen(s);
		fputs(literal ? ".Bd -literal\n" : ".Pp\n", f);
		while (s < end) {
			size_t len = strcspn(s, "\n");

			next = literal ? NULL : strstr(s, ". "); /* mdoc wants each sentence on a line of its own */
			if (next != NULL && next < s + len)
				len = (size_t)(next - s) + 1;
			line(f, s, len);
			s += len;
			s += *s == '\n' || *s == ' ';
		}
		if (literal)
			fputs(".Ed\n", f);
		while (*s == '\n')
			s++;
	}
}

static void put_examples(FILE *f, const char *s)
{
	if (s == NULL)
		return;
	fputs(".Sh EXAMPLES\n.Bd -literal\n", f);
	line(f, s, strlen(s));
	fputs(".Ed\n", f);
}

static void put_status(FILE *f, const struct verb *v)
{
	fputs(".Sh EXIT STATUS\n", f);
	if (!v->workload && strcmp(v->name, "wait") != 0) {
		fputs("0 done, 1 failed, 2 wrong usage, 3 attestation refused.\n", f);
		return;
	}
	fputs("That of the workload, or: 3 attestation refused and nothing was sent, 125 broch failed, 126 the workload\n"
	      "cannot start, 127 the file was not found, 134 the workload trapped, 128+N ended by signal N.\n", f);
}

void man_verb(FILE *f, const struct verb *v)
{
	char dashed[64];

	snprintf(dashed, sizeof dashed, "-%s", v->name);
	head(f, dashed, dashed, v->summary);
	fprintf(f, ".Sh SYNOPSIS\n.Nm broch %s\n.Op Ar OPTION...\n", v->name);
	if (v->operands[0] != 0) {
		fputs(".Ar ", f);
		word(f, v->operands);
		fputc('\n', f);
	}
	fputs(".Sh DESCRIPTION\n", f);
	fprintf(f, "The verb\n.Cm %s\nof\n.Xr broch 1 :\n%s.\n", v->name, v->summary);
	put_paragraphs(f, v->details);
	if (v->options != NULL || v->more != NULL)
		fputs(".Sh OPTIONS\n", f);
	put_options(f, v->options);
	put_options(f, v->more);
	put_options(f, v->also);
	fputs(".Sh COMMON OPTIONS\n", f);
	put_options(f, options_common);
	put_status(f, v);
	put_examples(f, v->examples);
	fputs(".Sh SEE ALSO\n.Xr broch 1\n", f);
}

void man_all(FILE *f)
{
	head(f, "", "", "run WebAssembly in Keeps on hosts you need not trust");
	fputs(".Sh SYNOPSIS\n.Nm\n.Ar VERB\n.Op Ar OPTION...\n.Op Ar OPERAND...\n.Sh DESCRIPTION\n"
	      "A Keep is a small isolated machine on a host that is not trusted.\n"
	      "Before anything of a workload leaves this machine, the Keep proves what it is; only then are the module,\n"
	      "its arguments and its files sent, encrypted end to end.\n.Pp\nThe verbs:\n.Bl -tag -width completion\n", f);
	for (size_t i = 0; i < verb_count; i++)
		fprintf(f, ".It Xr broch-%s 1\n%s.\n", verbs[i]->name, verbs[i]->summary);
	fputs(".El\n.Sh COMMON OPTIONS\n", f);
	put_options(f, options_common);
	fputs(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
	      ".It Ev BROCH_HOST\nThe host agent to use when\n.Fl \\-host\nis not given.\n"
	      ".It Ev BROCH_TOKEN_FILE\nThe file of the bearer token for it.\n"
	      ".It Ev XDG_STATE_HOME\nWhere\n.Pa broch/deployed\n(what was delivered where) and the local test root are kept; default\n"
	      ".Pa ~/.local/state .\n"
	      ".It Ev NO_COLOR\nNo colours when it is not empty.\n.El\n"
	      ".Sh EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 attestation refused.\n"
	      "The verbs that run a workload pass its status through; 125 broch failed, 126 the workload cannot start,\n"
	      "127 the file was not found, 134 the workload trapped, 128+N ended by signal N.\n"
	      ".Sh SEE ALSO\n.Xr brochd 8\n", f);
}
