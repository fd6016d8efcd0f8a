/* SPDX-License-Identifier: Apache-2.0 */
/* Shell completions, written from the table of verbs: they know every option, and ask `broch ps` for ids. */
#include "client/cli/cli.h"

enum { SETS = 4 };

typedef void each_option(FILE *f, const struct option *o);

static void all_options(FILE *f, const struct verb *v, each_option *one)
{
	const struct option *const sets[SETS] = {v->options, v->more, v->also, options_common};

	for (unsigned i = 0; i < SETS; i++)
		for (const struct option *o = sets[i]; o != NULL && o->name != NULL; o++)
			one(f, o);
}

static bool takes_keep(const struct verb *v)
{
	return strncmp(v->operands, "ID", 2) == 0;
}

static bool takes_verb(const struct verb *v)
{
	return strcmp(v->operands, "[VERB]") == 0;
}

/* ---- bash ---- */

static void bash_word(FILE *f, const struct option *o)
{
	fprintf(f, " --%s", o->name);
	if (o->letter != 0)
		fprintf(f, " -%c", o->letter);
}

static void bash_value_option(FILE *f, const struct option *o)
{
	if (o->value == NULL)
		return;
	fprintf(f, "|--%s", o->name);
	if (o->letter != 0)
		fprintf(f, "|-%c", o->letter);
}

static void bash_verb(FILE *f, const struct verb *v)
{
	fprintf(f, "\t%s)\n\t\topts=\"", v->name);
	all_options(f, v, bash_word);
	fputs("\"\n\t\tcase $prev in\n\t\t''", f);
	all_options(f, v, bash_value_option);
	fputs(") mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n\t\tesac\n", f);
	if (takes_keep(v))
		fputs("\t\twords=$(broch ps -a -q 2>/dev/null)\n", f);
	if (takes_verb(v))
		fputs("\t\twords=$verbs\n", f);
	fputs("\t\t;;\n", f);
}

static void bash(FILE *f)
{
	fputs("# bash completion for broch, written by `broch completion bash`\n_broch()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} opts= words=\n\tlocal verbs=\"", f);
	for (size_t i = 0; i < verb_count; i++)
		fprintf(f, "%s%s", i > 0 ? " " : "", verbs[i]->name);
	fputs("\"\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$cur\")\n"
	      "\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n", f);
	for (size_t i = 0; i < verb_count; i++)
		bash_verb(f, verbs[i]);
	fputs("\tesac\n\tcase $cur in\n\t-*) mapfile -t COMPREPLY < <(compgen -W \"$opts\" -- \"$cur\") ;;\n"
	      "\t*)\n\t\tif [ -n \"$words\" ]; then mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\t\telse mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); fi ;;\n\tesac\n}\n"
	      "complete -o filenames -F _broch broch\n", f);
}

/* ---- zsh ---- */

/* Within single quotes and brackets of an _arguments specification. */
static void zsh_text(FILE *f, const char *s)
{
	for (; *s != 0; s++) {
		if (*s == '\'')
			fputs("'\\''", f);
		else if (*s == '[' || *s == ']' || *s == ':' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else
			fputc(*s, f);
	}
}

static void zsh_one(FILE *f, const struct option *o, const char *dashes, const char *name)
{
	fprintf(f, " \\\n\t\t\t'%s%s%s[", o->many ? "*" : "", dashes, name);
	zsh_text(f, o->help);
	fputc(']', f);
	if (o->value != NULL) {
		fputc(':', f);
		zsh_text(f, o->value);
		fputs(":_files", f);
	}
	fputc('\'', f);
}

static void zsh_option(FILE *f, const struct option *o)
{
	const char letter[2] = {o->letter, 0};

	zsh_one(f, o, "--", o->name);
	if (o->letter != 0)
		zsh_one(f, o, "-", letter);
}

static void zsh_verb(FILE *f, const struct verb *v)
{
	fprintf(f, "\t%s)\n\t\t_arguments -s", v->name);
	all_options(f, v, zsh_option);
	if (takes_keep(v))
		fputs(" \\\n\t\t\t'*:keep:($(broch ps -a -q 2>/dev/null))'", f);
	else
		fputs(" \\\n\t\t\t'*:file:_files'", f);
	fputs("\n\t\t;;\n", f);
}

static void zsh(FILE *f)
{
	fputs("#compdef broch\n# zsh completion for broch, written by `broch completion zsh`\n_broch()\n{\n\tlocal -a verbs\n\tverbs=(", f);
	for (size_t i = 0; i < verb_count; i++) {
		fprintf(f, "\n\t\t'%s:", verbs[i]->name);
		zsh_text(f, verbs[i]->summary);
		fputc('\'', f);
	}
	fputs("\n\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe verb verbs\n\t\treturn\n\tfi\n"
	      "\tlocal verb=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $verb in\n", f);
	for (size_t i = 0; i < verb_count; i++)
		zsh_verb(f, verbs[i]);
	fputs("\tesac\n}\n_broch \"$@\"\n", f);
}

/* ---- fish ---- */

static void fish_text(FILE *f, const char *s)
{
	for (; *s != 0; s++) {
		if (*s == '\'' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
}

/* fish wants one line an option, with the verb in it, so this does not go through all_options. */
static void fish_verb(FILE *f, const struct verb *v)
{
	const struct option *const sets[SETS] = {v->options, v->more, v->also, options_common};

	for (unsigned i = 0; i < SETS; i++)
		for (const struct option *o = sets[i]; o != NULL && o->name != NULL; o++) {
			fprintf(f, "complete -c broch -n '__fish_seen_subcommand_from %s' -l %s", v->name, o->name);
			if (o->letter != 0)
				fprintf(f, " -s %c", o->letter);
			fprintf(f, "%s -d '", o->value != NULL ? " -r" : "");
			fish_text(f, o->help);
			fputs("'\n", f);
		}
	if (takes_keep(v))
		fprintf(f, "complete -c broch -n '__fish_seen_subcommand_from %s' -f -a '(broch ps -a -q 2>/dev/null)'\n", v->name);
}

static void fish(FILE *f)
{
	fputs("# fish completion for broch, written by `broch completion fish`\n", f);
	for (size_t i = 0; i < verb_count; i++) {
		fprintf(f, "complete -c broch -n __fish_use_subcommand -f -a %s -d '", verbs[i]->name);
		fish_text(f, verbs[i]->summary);
		fputs("'\n", f);
	}
	for (size_t i = 0; i < verb_count; i++)
		fish_verb(f, verbs[i]);
}

static int completion_run(struct cli *c)
{
	static const struct {
		const char *name;
		void (*write)(FILE *f);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

	for (size_t i = 0; i < ARRAY_COUNT(shells); i++)
		if (strcmp(c->operands[0], shells[i].name) == 0) {
			shells[i].write(stdout);
			return STATUS_OK;
		}
	return cli_usage(c, "there is no completion for '%s'; say bash, zsh or fish", c->operands[0]);
}

const struct verb verb_completion = {
	.name = "completion",
	.summary = "print a shell's completion script",
	.operands = "SHELL",
	.details = "SHELL is bash, zsh or fish.",
	.examples = "broch completion bash > ~/.local/share/bash-completion/completions/broch\n"
		    "broch completion zsh > ~/.zfunc/_broch\nbroch completion fish > ~/.config/fish/completions/broch.fish",
	.min = 1,
	.max = 1,
	.run = completion_run,
};
