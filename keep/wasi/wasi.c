/* SPDX-License-Identifier: Apache-2.0 */
/* Making a WASI environment, linking a module to it, running the program. */
#include "keep/wasi/wasi.h"

#include "keep/wasi/call.h"

enum { STRINGS_SIZE_MAX = 16 << 20, STRINGS_COUNT_MAX = 65536, PREOPENS_MAX = 64, STREAMS = 3, BINDINGS = 2 * WASI_FUNCTIONS };

/* ---- wasi_new ---- */

static bool has_zero(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] == 0)
			return true;
	return false;
}

static enum err check_strings(const struct slice *s, size_t count, const char *what, struct note *n)
{
	size_t total = 0;

	if (count > STRINGS_COUNT_MAX)
		return refuse(n, ERR_LIMIT, "more than %u %ss", (unsigned)STRINGS_COUNT_MAX, what);
	for (size_t i = 0; i < count; i++) {
		if (s[i].size >= STRINGS_SIZE_MAX - total)
			return refuse(n, ERR_LIMIT, "the %ss are longer than %u bytes", what, (unsigned)STRINGS_SIZE_MAX);
		if (has_zero(s[i]))
			return refuse(n, ERR_INVALID, "%s %u has a zero byte inside", what, (unsigned)i);
		total += s[i].size + 1;
	}
	return OK;
}

static enum err tree_error(enum wasi_errno e)
{
	switch (e) {
	case WASI_OK: return OK;
	case WASI_ENOSPC: return ERR_NOMEM;
	case WASI_EEXIST: return ERR_EXISTS;
	default: return ERR_INVALID;
	}
}

static void split_path(struct slice path, struct slice *dir, struct slice *name)
{
	size_t cut = path.size;

	while (cut > 0 && path.data[cut - 1] != '/')
		cut--;
	*dir = slice_of(path.data, cut);
	*name = slice_of(path.data + cut, path.size - cut);
}

static enum wasi_errno deliver(struct vfs_node *root, const struct wasi_file *f)
{
	struct slice dir_path, name;
	struct vfs_node *dir;
	enum wasi_errno err;

	ETRY(path_check(f->path));
	split_path(f->path, &dir_path, &name);
	if (name.size == 0 || name.size > WASI_NAME_MAX || slice_is(name, ".") || slice_is(name, ".."))
		return WASI_EINVAL;
	ETRY(path_make_dirs(root, dir_path, &dir));
	err = memfs_deliver(dir, name, f->bytes);
	vfs_release(dir);
	return err;
}

static enum err deliver_all(struct vfs_node *root, const struct wasi_config *cfg, struct note *n)
{
	for (size_t i = 0; i < cfg->file_count; i++) {
		enum err err = tree_error(deliver(root, &cfg->files[i]));

		if (err != OK)
			return refuse(n, err, "package file %u: its path cannot be made in the tree: %s", (unsigned)i,
				      err_text(err));
	}
	return OK;
}

static enum err open_preopen(struct wasi *w, struct vfs_node *root, const struct wasi_preopen *p)
{
	struct fd fd = {.kind = FD_NODE, .rights = RIGHTS_DIR, .inheriting = RIGHTS_ALL, .preopen = p->guest};
	enum wasi_errno err;
	uint32_t number;

	if (p->guest.size == 0 || path_check(p->path) != WASI_OK)
		return ERR_INVALID;
	TRY(tree_error(path_make_dirs(root, p->path, &fd.node)));
	err = fds_add(&w->fds, &fd, &number);
	if (err != WASI_OK)
		vfs_release(fd.node);
	return err == WASI_OK ? OK : ERR_LIMIT;
}

static enum err open_preopens(struct wasi *w, struct vfs_node *root, const struct wasi_config *cfg, struct note *n)
{
	static const uint8_t slash[] = "/";
	struct wasi_preopen whole = {.guest = {slash, 1}};
	const struct wasi_preopen *p = cfg->preopen_count == 0 ? &whole : cfg->preopens;
	size_t count = cfg->preopen_count == 0 ? 1 : cfg->preopen_count;

	if (cfg->no_preopens)
		return OK;
	if (count > PREOPENS_MAX)
		return refuse(n, ERR_LIMIT, "more than %u preopened directories", (unsigned)PREOPENS_MAX);
	for (size_t i = 0; i < count; i++) {
		enum err err = open_preopen(w, root, &p[i]);

		if (err != OK)
			return refuse(n, err, "preopened directory %u cannot be opened: %s", (unsigned)i, err_text(err));
	}
	return OK;
}

static void open_streams(struct wasi *w)
{
	for (uint32_t i = 0, number; i < STREAMS; i++) {
		struct fd fd = {.kind = FD_STDIN + i,
				.rights = RIGHTS_STREAM | (i == 0 ? RIGHT_FD_READ : RIGHT_FD_WRITE)};

		CHECK(fds_add(&w->fds, &fd, &number) == WASI_OK && number == i);
	}
}

static enum err init_tree(struct wasi *w, const struct wasi_config *cfg, struct note *n)
{
	uint64_t limit = cfg->file_bytes == 0 ? WASI_FILE_BYTES_DEFAULT : cfg->file_bytes;
	struct vfs_node *root;
	enum err err;

	/* What was delivered does not count against the program's own limit; the arena bounds it. */
	TRY(memfs_init(&w->fs, cfg->file_arena, UINT64_MAX));
	root = memfs_root(&w->fs);
	err = deliver_all(root, cfg, n);
	if (err == OK)
		err = open_preopens(w, root, cfg, n);
	vfs_release(root);
	memfs_allow(&w->fs, limit);
	return err;
}

static enum err bind_functions(struct wasi *w, struct arena *a)
{
	w->bindings = arena_many(a, BINDINGS, struct binding);
	if (w->bindings == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < BINDINGS; i++)
		w->bindings[i] =
			(struct binding){w, &wasi_functions[i % WASI_FUNCTIONS], i >= WASI_FUNCTIONS};
	return OK;
}

static enum err init(struct wasi *w, struct arena *a, const struct wasi_config *cfg, struct note *n)
{
	uint32_t files = cfg->open_files == 0 ? WASI_OPEN_FILES_DEFAULT : cfg->open_files;

	if (files <= STREAMS || files > WASI_OPEN_FILES_MAX)
		return refuse(n, ERR_LIMIT, "the limit of open files must be 4 to %u", (unsigned)WASI_OPEN_FILES_MAX);
	TRY(check_strings(cfg->args, cfg->arg_count, "argument", n));
	TRY(check_strings(cfg->env, cfg->env_count, "environment variable", n));
	w->args = cfg->args;
	w->arg_count = cfg->arg_count;
	w->env = cfg->env;
	w->env_count = cfg->env_count;
	w->no_stdin = cfg->no_stdin;
	w->stdin_terminal = cfg->stdin_terminal;
	TRY(fds_init(&w->fds, a, files));
	open_streams(w);
	TRY(init_tree(w, cfg, n));
	return bind_functions(w, a);
}

enum err wasi_new(struct arena *a, const struct wasi_config *cfg, struct wasi **out, struct note *n)
{
	size_t mark = a->used;
	struct wasi *w = arena_new(a, struct wasi);
	enum err err = w == NULL ? ERR_NOMEM : init(w, a, cfg, n);

	if (err == ERR_NOMEM)
		note_set(n, "not enough memory for the files and descriptors of the program");
	if (err == OK)
		*out = w;
	else if (a != cfg->file_arena)
		arena_release(a, mark);
	return err;
}

/* ---- wasi_resolve ---- */

static enum err dispatch(void *ctx, struct wasm_caller *caller, union wasm_value *args_results)
{
	const struct binding *b = ctx;
	struct call c = {.w = b->wasi, .caller = caller, .args = args_results, .unstable = b->unstable};
	enum wasi_errno err = b->function->handler(&c);

	if (c.stop != OK)
		return c.stop;
	if (b->function->result_count > 0)
		args_results[0].i32 = err;
	return OK;
}

static struct binding *binding_of(struct wasi *w, const struct wasm_import *import)
{
	bool unstable = slice_is(import->module, "wasi_unstable");

	if (import->kind != WASM_FUNC || (!unstable && !slice_is(import->module, "wasi_snapshot_preview1")))
		return NULL;
	for (size_t i = 0; i < WASI_FUNCTIONS; i++)
		if (slice_is(import->name, wasi_functions[i].name))
			return &w->bindings[i + (unstable ? WASI_FUNCTIONS : 0)];
	return NULL;
}

static struct wasm_functype type_of(const struct function *f)
{
	static const uint8_t i32[] = {WASM_I32};

	return (struct wasm_functype){f->param_count, f->result_count, (const uint8_t *)f->params, i32};
}

/* A name as far as it fits, for a message: printable, zero-terminated. */
static const char *printable(struct slice name, char *out, size_t capacity)
{
	size_t n = name.size < capacity - 1 ? name.size : capacity - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = name.data[i] >= 0x20 && name.data[i] < 0x7f ? (char)name.data[i] : '?';
	out[n] = 0;
	return out;
}

enum { NAMED_MAX = 3, NAME_SHOWN = 24 };

static enum err refuse_missing(struct wasi *w, const struct wasm_module *m, struct note *n)
{
	char module[NAMED_MAX][NAME_SHOWN] = {{0}}, name[NAMED_MAX][NAME_SHOWN + 8] = {{0}};
	unsigned missing = 0;

	for (uint32_t i = 0; i < wasm_import_count(m); i++) {
		struct wasm_import import = wasm_import_at(m, i);

		if (binding_of(w, &import) != NULL)
			continue;
		if (missing < NAMED_MAX) {
			printable(import.module, module[missing], sizeof module[missing]);
			printable(import.name, name[missing], sizeof name[missing]);
		}
		missing++;
	}
	return refuse(n, ERR_UNLINKABLE,
		      "the module imports %u things that WASI preview 1 has not: %s.%s%s%s%s%s%s%s%s%s; build it for wasm32-wasi",
		      missing, module[0], name[0], missing > 1 ? ", " : "", module[1], missing > 1 ? "." : "", name[1],
		      missing > 2 ? ", " : "", module[2], missing > 2 ? "." : "", name[2]);
}

enum err wasi_resolve(struct wasi *w, struct arena *a, struct wasm_store *s, const struct wasm_module *m,
		      struct wasm_extern *const **imports, struct note *n)
{
	uint32_t count = wasm_import_count(m);
	struct wasm_extern **out = arena_many(a, count, struct wasm_extern *);

	if (out == NULL && count > 0)
		return refuse(n, ERR_NOMEM, "no memory for the module's %u imports", count);
	for (uint32_t i = 0; i < count; i++) {
		struct wasm_import import = wasm_import_at(m, i);
		struct binding *b = binding_of(w, &import);

		if (b == NULL)
			return refuse_missing(w, m, n);
		out[i] = wasm_host_func(s, type_of(b->function), dispatch, b);
		if (out[i] == NULL)
			return refuse(n, ERR_NOMEM, "no memory for the module's %u imports", count);
	}
	*imports = out;
	return OK;
}

/* ---- wasi_start ---- */

enum err wasi_start(struct wasi *w, struct wasm_store *s, struct wasm_instance *i, struct note *n)
{
	struct wasm_extern *f = wasm_export(i, slice_text("_start"));
	const struct wasm_functype *type;
	union wasm_value none = {0};
	enum err err;

	w->exit_code = 0;
	if (f == NULL)
		f = wasm_export(i, slice_text("_initialize"));
	if (f == NULL || wasm_extern_kind(f) != WASM_FUNC)
		return refuse(n, ERR_NOT_FOUND, "the module exports no function _start: it is not a WASI program");
	type = wasm_extern_functype(f);
	if (type->param_count != 0 || type->result_count != 0)
		return refuse(n, ERR_INVALID, "the module's _start takes parameters or returns results");
	err = wasm_call(s, f, &none, n);
	return err == ERR_EXIT ? OK : err;
}

uint32_t wasi_exit_code(const struct wasi *w)
{
	return w->exit_code;
}
