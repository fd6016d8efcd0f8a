/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi-suite DIR... -- PROGRAM [options]: runs every X.wasm of the folders as the public wasi-testsuite describes, with
 * X.json's args, env and root, by `PROGRAM options [--dir ROOT::/] [-e K=V] X.wasm args`, and compares exit code, and
 * stdout and stderr where the description names them. Without a root the option $NO_DIRECTORY is given instead. Prints each
 * failure and `N passed, N failed, N skipped`.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGV_MAX = 256, OUTPUT_MAX = 1 << 20 };

struct runner {
	char **program; /* with its options */
	int program_count;
	const char *no_directory; /* its option for that: $NO_DIRECTORY */
	unsigned passed, failed;
};

struct output {
	FILE *file;
	char text[OUTPUT_MAX];
};
static struct output out, err_out; /* of the test that runs */

struct command {
	const char *argv[ARGV_MAX];
	int count;
	char strings[64][512]; /* what had to be put together */
	int string_count;
};

static void push(struct command *c, const char *arg)
{
	if (c->count == ARGV_MAX - 1)
		errx(2, "too many arguments");
	c->argv[c->count++] = arg;
}

static char *room(struct command *c)
{
	if (c->string_count == 64)
		errx(2, "too many arguments");
	return c->strings[c->string_count++];
}

static void build(const struct runner *r, struct command *c, const char *dir, const char *module, json_t *spec)
{
	json_t *env = json_object_get(spec, "env"), *args = json_object_get(spec, "args"), *value;
	const char *root = json_string_value(json_object_get(spec, "root")), *key;
	size_t i;

	for (int k = 0; k < r->program_count; k++)
		push(c, r->program[k]);
	if (root != NULL) {
		char *s = room(c);

		snprintf(s, 512, "%s/%s::/", dir, root);
		push(c, "--dir");
		push(c, s);
	} else {
		push(c, r->no_directory); /* these tests expect no directory at all */
	}
	json_object_foreach (env, key, value) {
		char *s = room(c);

		snprintf(s, 512, "%s=%s", key, json_string_value(value));
		push(c, "-e");
		push(c, s);
	}
	push(c, module);
	json_array_foreach (args, i, value)
		push(c, json_string_value(value));
}

static void open_output(struct output *o)
{
	if ((o->file = tmpfile()) == NULL)
		err(2, "temporary file");
}

static void close_output(struct output *o)
{
	rewind(o->file);
	o->text[fread(o->text, 1, OUTPUT_MAX - 1, o->file)] = 0;
	fclose(o->file);
}

static int run(struct command *c)
{
	int status;
	pid_t pid;

	open_output(&out);
	open_output(&err_out);
	if ((pid = fork()) == 0) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(fileno(out.file), 1);
		dup2(fileno(err_out.file), 2);
		execv(c->argv[0], (char **)(void *)c->argv);
		err(127, "%s", c->argv[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(2, "%s", c->argv[0]);
	close_output(&out);
	close_output(&err_out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool differs(json_t *spec, const char *key, const char *got)
{
	const char *want = json_string_value(json_object_get(spec, key));

	return want != NULL && strcmp(want, got) != 0;
}

static void judge(struct runner *r, const char *module, json_t *spec, int status)
{
	int want = (int)json_integer_value(json_object_get(spec, "exit_code"));

	if (status == want && !differs(spec, "stdout", out.text) && !differs(spec, "stderr", err_out.text)) {
		r->passed++;
		return;
	}
	r->failed++;
	printf("FAILED %s: exit code %d, expected %d\n", module, status, want);
	printf("%s%s\n", out.text, err_out.text);
}

static void one(struct runner *r, const char *dir, const char *name)
{
	static struct command c;
	char module[512], path[512];
	json_t *spec;

	c = (struct command){.count = 0};
	snprintf(module, sizeof module, "%s/%s", dir, name);
	snprintf(path, sizeof path, "%.*s.json", (int)strlen(module) - 5, module);
	if (access(path, R_OK) != 0)
		spec = json_object();
	else if ((spec = json_load_file(path, 0, NULL)) == NULL)
		errx(2, "%s: not JSON", path);
	build(r, &c, dir, module, spec);
	judge(r, module, spec, run(&c));
	json_decref(spec);
}

static void folder(struct runner *r, const char *dir)
{
	struct dirent **names;
	int count = scandir(dir, &names, NULL, alphasort);

	if (count < 0)
		err(2, "%s", dir);
	for (int i = 0; i < count; i++) {
		size_t len = strlen(names[i]->d_name);

		if (len > 5 && strcmp(names[i]->d_name + len - 5, ".wasm") == 0)
			one(r, dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

int main(int argc, char **argv)
{
	struct runner r = {.no_directory = getenv("NO_DIRECTORY")};
	int cut = 1;

	while (cut < argc && strcmp(argv[cut], "--") != 0)
		cut++;
	if (cut < 2 || cut + 1 >= argc || r.no_directory == NULL)
		errx(2, "usage: NO_DIRECTORY=OPTION wasi-suite DIR... -- PROGRAM [options]");
	r.program = argv + cut + 1;
	r.program_count = argc - cut - 1;
	for (int i = 1; i < cut; i++)
		folder(&r, argv[i]);
	printf("%u passed, %u failed, 0 skipped\n", r.passed, r.failed);
	return r.failed == 0 && r.passed > 0 ? 0 : 1;
}
