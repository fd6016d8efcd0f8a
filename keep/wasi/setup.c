/* SPDX-License-Identifier: Apache-2.0 */
/* Making what a program finds when it starts: its strings, its tree, its open descriptors. */
#include "keep/wasi/call.h"

enum { STRINGS_SIZE_MAX = 16 << 20, STRINGS_COUNT_MAX = 65536, PREOPENS_MAX = 64, MOUNTS_MAX = 8, STREAMS = 3,
       BINDINGS = 2 * WASI_FUNCTIONS };

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

static enum err open_directory(struct wasi *w, struct slice guest, struct vfs_node *held)
{
	struct fd fd = {.kind = FD_NODE, .rights = RIGHTS_DIR, .inheriting = RIGHTS_ALL, .preopen = guest, .node = held};
	uint32_t number;

	if (fds_add(&w->fds, &fd, &number) != WASI_OK) {
		vfs_release(held);
		return ERR_LIMIT;
	}
	w->preopens_end = number + 1;
	return OK;
}

static enum err open_preopen(struct wasi *w, struct vfs_node *root, const struct wasi_preopen *p)
{
	struct vfs_node *dir;

	if (p->guest.size == 0 || path_check(p->path) != WASI_OK)
		return ERR_INVALID;
	TRY(tree_error(path_make_dirs(root, p->path, &dir)));
	return open_directory(w, p->guest, dir);
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

static enum fd_kind stream_kind(const struct wasi_config *cfg, size_t i)
{
	static const enum wasi_stream standard[STREAMS] = {WASI_STREAM_STDIN, WASI_STREAM_STDOUT, WASI_STREAM_STDERR};
	const enum wasi_stream *list = cfg->stream_count == 0 ? standard : cfg->streams;
	size_t count = cfg->stream_count == 0 ? STREAMS : cfg->stream_count;

	return i < count ? (enum fd_kind)((unsigned)FD_NULL + (unsigned)list[i]) : FD_NULL;
}

static uint64_t stream_rights(enum fd_kind kind)
{
	if (kind == FD_NULL)
		return RIGHTS_STREAM | RIGHT_FD_READ | RIGHT_FD_WRITE;
	if (kind == FD_LISTENER)
		return RIGHTS_LISTENER;
	if (kind == FD_SOCKET)
		return RIGHTS_SOCKET;
	return RIGHTS_STREAM | (kind == FD_STDIN ? RIGHT_FD_READ : RIGHT_FD_WRITE);
}

static uint32_t streams_of(const struct wasi_config *cfg)
{
	return cfg->stream_count < STREAMS ? STREAMS : (uint32_t)cfg->stream_count;
}

/* The table has room: init saw to it. */
static void open_streams(struct wasi *w, const struct wasi_config *cfg)
{
	for (uint32_t i = 0, number; i < streams_of(cfg); i++) {
		struct fd fd = {.kind = stream_kind(cfg, i)};

		fd.rights = stream_rights(fd.kind);
		if (fd.kind == FD_LISTENER)
			fd.inheriting = RIGHTS_SOCKET;
		if (fd.kind == FD_LISTENER || fd.kind == FD_SOCKET)
			fd.socket = cfg->sockets[i];
		CHECK(fds_add(&w->fds, &fd, &number) == WASI_OK && number == i);
	}
}

/* The tree shows an empty directory where the mount is; the way in is the mount's own descriptor. */
static enum err show_mount(struct vfs_node *root, struct slice path)
{
	struct vfs_node *dir;

	if (path.size == 0 || path_check(path) != WASI_OK)
		return ERR_INVALID;
	TRY(tree_error(path_make_dirs(root, path, &dir)));
	vfs_release(dir);
	return OK;
}

static enum err guest_name(struct arena *a, struct slice path, struct slice *out)
{
	uint8_t *text = arena_many(a, path.size + 1, uint8_t);

	if (text == NULL)
		return ERR_NOMEM;
	text[0] = '/';
	memcpy(text + 1, path.data, path.size);
	*out = slice_of(text, path.size + 1);
	return OK;
}

static enum err open_mount(struct wasi *w, struct arena *a, struct vfs_node *root, struct memfs *fs, const struct wasi_mount *m)
{
	struct slice guest;

	TRY(show_mount(root, m->path));
	TRY(guest_name(a, m->path, &guest));
	TRY(memfs_init(fs, m->arena, NULL, UINT64_MAX));
	fs->vfs.dev = w->fs.vfs.dev + 1 + (uint32_t)(fs - w->mounts);
	memfs_allow(fs, m->bytes); /* the folder itself does not count */
	return open_directory(w, guest, memfs_root(fs));
}

static enum err open_mounts(struct wasi *w, struct arena *a, struct vfs_node *root, const struct wasi_config *cfg, struct note *n)
{
	if (cfg->mount_count > MOUNTS_MAX)
		return refuse(n, ERR_LIMIT, "more than %u mounts", (unsigned)MOUNTS_MAX);
	w->mounts = arena_many(a, cfg->mount_count, struct memfs);
	if (w->mounts == NULL && cfg->mount_count > 0)
		return ERR_NOMEM;
	for (size_t i = 0; i < cfg->mount_count; i++) {
		enum err err = open_mount(w, a, root, &w->mounts[i], &cfg->mounts[i]);

		if (err != OK)
			return refuse(n, err, "mount %u cannot be made: %s", (unsigned)i, err_text(err));
	}
	return OK;
}

/* It looks like an empty directory, in which nothing can be made; opening says what it likes about that (net.c). */
static enum err open_net(struct wasi *w, struct arena *a, struct vfs_node *root, const struct wasi_config *cfg)
{
	static const struct slice guest = {(const uint8_t *)"/net", 4};
	struct fd *fd;

	if (!cfg->network)
		return OK;
	TRY(show_mount(root, slice_text("net")));
	TRY(memfs_init(&w->net, a, NULL, UINT64_MAX));
	w->net.vfs.dev = w->fs.vfs.dev + 1 + (uint32_t)cfg->mount_count;
	TRY(open_directory(w, guest, memfs_root(&w->net)));
	fd = &w->fds.table[w->preopens_end - 1];
	fd->net = true;
	fd->rights = RIGHT_PATH_OPEN | RIGHT_PATH_CREATE_FILE | RIGHT_PATH_FILESTAT_SET_SIZE | RIGHT_FD_READDIR |
	             RIGHT_PATH_FILESTAT_GET | RIGHT_FD_FILESTAT_GET;
	return OK;
}

/* A program that makes no files costs its arena nothing; asking a host for its first page takes long. */
static void *first_block(struct arena *a, const struct wasi_config *cfg)
{
	return a == cfg->file_arena ? NULL : arena_alloc(a, POOL_BLOCK, POOL_BLOCK);
}

static enum err init_tree(struct wasi *w, struct arena *a, const struct wasi_config *cfg, struct note *n)
{
	uint64_t limit = cfg->file_bytes == 0 ? WASI_FILE_BYTES_DEFAULT : cfg->file_bytes;
	struct vfs_node *root;
	enum err err;

	/* What was delivered does not count against the program's own limit; the arena bounds it. */
	TRY(memfs_init(&w->fs, cfg->file_arena, first_block(a, cfg), UINT64_MAX));
	root = memfs_root(&w->fs);
	err = deliver_all(root, cfg, n);
	if (err == OK)
		err = open_preopens(w, root, cfg, n);
	if (err == OK)
		err = open_mounts(w, a, root, cfg, n);
	if (err == OK)
		err = open_net(w, a, root, cfg);
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

	if (files <= streams_of(cfg) || files > WASI_OPEN_FILES_MAX)
		return refuse(n, ERR_LIMIT, "the limit of open files must be %u to %u", (unsigned)streams_of(cfg) + 1,
			      (unsigned)WASI_OPEN_FILES_MAX);
	TRY(check_strings(cfg->args, cfg->arg_count, "argument", n));
	TRY(check_strings(cfg->env, cfg->env_count, "environment variable", n));
	w->args = cfg->args;
	w->arg_count = cfg->arg_count;
	w->env = cfg->env;
	w->env_count = cfg->env_count;
	w->no_stdin = cfg->no_stdin;
	w->stdin_terminal = cfg->stdin_terminal;
	TRY(fds_init(&w->fds, a, files));
	open_streams(w, cfg);
	TRY(init_tree(w, a, cfg, n));
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

