/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi-host [--dir HOST[::GUEST]] [-e K=V] [--no-dir] [--] MODULE [args]: the engine and WASI of the Keep in a plain
 * process, for tests and measurements. Like `broch run`: the directories are copied into the in-memory tree before the
 * start, and what the program writes is gone with it. Exit status: the program's; 134 trap, 126 cannot start, 125 ours.
 */
#include "test/wasi/hosted.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_OURS = 125, EXIT_CANNOT_START = 126, EXIT_TRAP = 134, LIST_MAX = 4096, PREOPENS = 16 };
#define GIB ((size_t)1 << 30)

struct options {
	struct slice env[LIST_MAX], args[LIST_MAX];
	struct wasi_preopen preopens[PREOPENS];
	struct wasi_config config;
	const char *module;
};

static void add_dir(struct options *o, struct hosted_tree *t, char *arg)
{
	char *cut = strstr(arg, "::");
	const char *guest = cut == NULL ? "/" : cut + 2, *path = guest;

	if (cut != NULL)
		*cut = 0;
	while (*path == '/' || (*path == '.' && (path[1] == '/' || path[1] == 0)))
		path++;
	if (o->config.preopen_count == PREOPENS)
		errx(EXIT_OURS, "at most %d --dir", PREOPENS);
	o->preopens[o->config.preopen_count++] = (struct wasi_preopen){slice_text(guest), slice_text(path)};
	hosted_load(t, arg, path);
}

static void add_env(struct options *o, const char *text)
{
	if (strchr(text, '=') == NULL || o->config.env_count == LIST_MAX)
		errx(EXIT_OURS, "-e %s: must be K=V, at most %d times", text, LIST_MAX);
	o->env[o->config.env_count++] = slice_text(text);
}

static void parse(int argc, char **argv, struct options *o, struct hosted_tree *t)
{
	static const struct option longs[] = {{"dir", required_argument, NULL, 'd'},
					      {"env", required_argument, NULL, 'e'},
					      {"no-dir", no_argument, NULL, 'n'},
					      {0}};
	int c;

	while ((c = getopt_long(argc, argv, "+e:d:", longs, NULL)) != -1) {
		switch (c) {
		case 'd': add_dir(o, t, optarg); break;
		case 'e': add_env(o, optarg); break;
		case 'n': o->config.no_preopens = true; break;
		default: exit(EXIT_OURS);
		}
	}
	if (optind == argc || argc - optind > LIST_MAX)
		errx(EXIT_OURS, "usage: wasi-host [--dir HOST[::GUEST]] [-e K=V] [--no-dir] MODULE [args]");
	o->module = argv[optind];
	for (int i = optind; i < argc; i++)
		o->args[o->config.arg_count++] = slice_text(argv[i]);
	if (strrchr(o->module, '/') != NULL) /* a program knows itself by its base name */
		o->args[0] = slice_text(strrchr(o->module, '/') + 1);
	o->config.args = o->args;
	o->config.env = o->env;
	o->config.preopens = o->preopens;
	o->config.files = t->files;
	o->config.file_count = t->count;
}

static enum err go_on(void *ctx)
{
	(void)ctx;
	return OK;
}

static int status_of(enum err e, const struct wasi *w, const char *module, const struct note *n)
{
	if (e == OK)
		return (int)(wasi_exit_code(w) & 0xff);
	fprintf(stderr, "wasi-host: %s: %s: %s\n", module, err_text(e), n->text);
	return e == ERR_TRAP ? EXIT_TRAP : EXIT_CANNOT_START;
}

static enum err run(struct arena *a, const struct options *o, struct wasi **w, struct note *n)
{
	struct slice bytes = hosted_read(a, o->module);
	struct wasm_limits limits = wasm_default_limits();
	struct wasm_extern *const *imports;
	struct wasm_instance *instance;
	struct wasm_module *module;
	struct wasm_store *store;

	TRY(wasi_new(a, &o->config, w, n));
	TRY(wasm_load(a, a, bytes, &limits, &module, n));
	TRY(wasm_store_new(a, &limits, hosted_memory(), (struct wasm_poll){.poll = go_on}, &store));
	TRY(wasi_resolve(*w, a, store, module, (struct wasi_libraries){NULL, 0}, &imports, n));
	TRY(wasm_instantiate(store, a, module, imports, &instance, n));
	return wasi_start(*w, store, instance, n);
}

int main(int argc, char **argv)
{
	struct arena arena = hosted_arena(8 * GIB), files = hosted_arena(4 * GIB);
	struct options *o = arena_new(&arena, struct options);
	struct hosted_tree tree = {&arena, arena_many(&arena, HOSTED_FILES_MAX, struct wasi_file), 0};
	struct wasi *w = NULL;
	struct note n = {{0}};
	enum err e;

	if (o == NULL || tree.files == NULL)
		errx(EXIT_OURS, "out of memory");
	o->config.stdin_terminal = isatty(0);
	o->config.file_bytes = 2 * GIB;
	o->config.file_arena = &files;
	parse(argc, argv, o, &tree);
	e = run(&arena, o, &w, &n);
	return status_of(e, w, o->module, &n);
}
