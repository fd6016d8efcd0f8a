/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option parser: --name, --name=VALUE, --name VALUE, -n, -nVALUE, -n VALUE, bundled switches (-dq), `--`.
 * It knows nothing but the tables; a name is looked for in the verb's own set, then the shared one, then the common one.
 */
#include "client/cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

enum { SETS = 4 };

static const struct option *set_of(const struct verb *v, unsigned i)
{
	static const struct option none[] = {{0}};
	const struct option *const sets[SETS] = {v->options, v->more, v->also, options_common};

	return sets[i] != NULL ? sets[i] : none;
}

static const struct option *find_long(const struct verb *v, const char *name, size_t len)
{
	for (unsigned i = 0; i < SETS; i++)
		for (const struct option *o = set_of(v, i); o->name != NULL; o++)
			if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
				return o;
	return NULL;
}

static const struct option *find_letter(const struct verb *v, char letter)
{
	for (unsigned i = 0; i < SETS; i++)
		for (const struct option *o = set_of(v, i); o->name != NULL; o++)
			if (o->letter == letter)
				return o;
	return NULL;
}

/* Swapped neighbours count as one slip, as they do for fingers. Words longer than the row are never near. */
static unsigned distance(const char *a, const char *b)
{
	enum { MAX = 24 };
	unsigned rows[3][MAX + 1];
	size_t m = strlen(a), n = strlen(b);

	if (m > MAX || n > MAX)
		return MAX;
	for (unsigned j = 0; j <= n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= m; i++) {
		unsigned *now = rows[i % 3], *before = rows[(i - 1) % 3], *older = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned d = before[j - 1] + (a[i - 1] != b[j - 1]);

			if (before[j] + 1 < d)
				d = before[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && older[j - 2] + 1 < d)
				d = older[j - 2] + 1;
			now[j] = d;
		}
	}
	return rows[m % 3][n];
}

void near_try(struct near *n, const char *candidate)
{
	unsigned d = distance(n->word, candidate);

	/* The beginning of a name is near as well: --mem, --env. */
	if (strlen(n->word) >= 2 && strncmp(n->word, candidate, strlen(n->word)) == 0)
		d = 1;
	if (n->best == NULL || d < n->distance) {
		n->best = candidate;
		n->distance = d;
	}
}

const char *near_best(const struct near *n)
{
	size_t len = strlen(n->word);
	unsigned allowed = len <= 2 ? 0 : len <= 5 ? 1 : 2;

	return n->best != NULL && n->distance <= allowed ? n->best : NULL;
}

/* Somebody's habit from elsewhere: say where it is here. */
static const char *hint_for(const struct verb *v, const char *name, char letter)
{
	for (const struct option *o = v->absent; o != NULL && o->name != NULL; o++)
		if (name != NULL ? strcmp(o->name, name) == 0 : letter != 0 && o->letter == letter)
			return o->help;
	return NULL;
}

static enum err unknown_long(const struct verb *v, const char *name, size_t len, struct note *n)
{
	char word[64];
	struct near near = {word, NULL, 0};

	if (len >= sizeof word)
		return refuse(n, ERR_INVALID, "unknown option --%s", name);
	memcpy(word, name, len);
	word[len] = 0;
	if (hint_for(v, word, 0) != NULL)
		return refuse(n, ERR_INVALID, "there is no --%s here; %s", word, hint_for(v, word, 0));
	for (unsigned i = 0; i < SETS; i++)
		for (const struct option *o = set_of(v, i); o->name != NULL; o++)
			near_try(&near, o->name);
	if (near_best(&near) != NULL)
		return refuse(n, ERR_INVALID, "unknown option --%s; did you mean --%s?", word, near_best(&near));
	return refuse(n, ERR_INVALID, "unknown option --%s", word);
}

/* Where we are in argv. */
struct walk {
	int argc, at;
	char **argv;
};

static enum err note_given(struct cli *c, const struct option *o, const char *value, struct note *n)
{
	if (!o->many)
		for (size_t i = 0; i < c->given_count; i++)
			if (c->given[i].option == o && o->value != NULL)
				return refuse(n, ERR_INVALID, "--%s is given twice; give it once", o->name);
	if (c->given_count % 16 == 0) {
		struct given *grown = realloc(c->given, (c->given_count + 16) * sizeof *grown);

		if (grown == NULL)
			return ERR_NOMEM;
		c->given = grown;
	}
	c->given[c->given_count++] = (struct given){o, value};
	return OK;
}

static enum err take_value(struct walk *w, const struct option *o, const char **value, struct note *n)
{
	if (w->at >= w->argc)
		return refuse(n, ERR_INVALID, "--%s needs a value (%s)", o->name, o->value);
	*value = w->argv[w->at++];
	return OK;
}

static enum err parse_long(struct cli *c, struct walk *w, const char *name, struct note *n)
{
	const char *equals = strchr(name, '='), *value = NULL;
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct option *o = find_long(c->verb, name, len);

	if (o == NULL)
		return unknown_long(c->verb, name, len, n);
	if (o->value == NULL && equals != NULL)
		return refuse(n, ERR_INVALID, "--%s takes no value", o->name);
	if (equals != NULL)
		value = equals + 1;
	else if (o->value != NULL)
		TRY(take_value(w, o, &value, n));
	return note_given(c, o, value, n);
}

static enum err parse_letters(struct cli *c, struct walk *w, const char *letters, struct note *n)
{
	while (*letters != 0) {
		const char name[2] = {*letters, 0}, *value = NULL;
		const struct option *o = find_letter(c->verb, *letters++);

		if (o == NULL && hint_for(c->verb, NULL, *name) != NULL)
			return refuse(n, ERR_INVALID, "there is no -%s here; %s", name, hint_for(c->verb, NULL, *name));
		if (o == NULL)
			return refuse(n, ERR_INVALID, "unknown option -%s", name);
		if (o->value != NULL && *letters != 0) {
			value = letters;
			letters += strlen(letters);
		} else if (o->value != NULL) {
			TRY(take_value(w, o, &value, n));
		}
		TRY(note_given(c, o, value, n));
	}
	return OK;
}

static enum err check_operands(const struct cli *c, struct note *n)
{
	const struct verb *v = c->verb;

	if (cli_has(c, "help"))
		return OK;
	if (c->operand_count < v->min)
		return refuse(n, ERR_INVALID, "something is missing: broch %s %s", v->name, v->operands);
	if (c->operand_count > v->max)
		return refuse(n, ERR_INVALID, "unexpected operand '%s'", c->operands[v->max]);
	return OK;
}

/* NO_COLOR with any value but none, and TERM=dumb, mean no; what the command line says counts more. */
static bool auto_color(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (no == NULL || no[0] == 0) && (term == NULL || strcmp(term, "dumb") != 0) && isatty(fd) == 1;
}

static enum err settle_common(struct cli *c, struct note *n)
{
	const char *when = cli_value(c, "color");

	c->json = cli_has(c, "json");
	c->quiet = cli_has(c, "quiet");
	c->verbose = cli_has(c, "verbose");
	if (when == NULL || strcmp(when, "auto") == 0) {
		c->color_out = auto_color(STDOUT_FILENO);
		c->color_err = auto_color(STDERR_FILENO);
		return OK;
	}
	c->color_out = c->color_err = strcmp(when, "always") == 0;
	if (!c->color_out && strcmp(when, "never") != 0)
		return refuse(n, ERR_INVALID, "--color=%s: say auto, always or never", when);
	return OK;
}

enum err cli_parse(struct cli *c, int argc, char **argv, struct note *n)
{
	struct walk w = {argc, 0, argv};
	bool options = true;

	c->operands = calloc((size_t)argc + 1, sizeof *c->operands);
	if (c->operands == NULL)
		return ERR_NOMEM;
	while (w.at < argc) {
		const char *word = argv[w.at++];

		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && word[0] == '-' && word[1] == '-') {
			TRY(parse_long(c, &w, word + 2, n));
		} else if (options && word[0] == '-' && word[1] != 0) {
			TRY(parse_letters(c, &w, word + 1, n));
		} else {
			c->operands[c->operand_count++] = word;
			options = options && !c->verb->workload;
		}
	}
	TRY(settle_common(c, n));
	return check_operands(c, n);
}

void cli_free(struct cli *c)
{
	free(c->given);
	free(c->operands);
	c->given = NULL;
	c->operands = NULL;
}

const char *cli_next(const struct cli *c, const char *name, size_t *at)
{
	const struct option *o = find_long(c->verb, name, strlen(name));

	CHECK(o != NULL);
	while (*at < c->given_count) {
		const struct given *g = &c->given[(*at)++];

		if (g->option == o)
			return g->value != NULL ? g->value : "";
	}
	return NULL;
}

bool cli_has(const struct cli *c, const char *name)
{
	size_t at = 0;

	return cli_next(c, name, &at) != NULL;
}

const char *cli_value(const struct cli *c, const char *name)
{
	size_t at = 0;

	return cli_next(c, name, &at);
}
