/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI preview 1 for one program: arguments, environment, clocks, random numbers, streams and files. Streams, time and
 * randomness come from port.h; files live in an in-memory tree (memfs.h) behind vfs.h. All 46 functions link, as
 * "wasi_snapshot_preview1" and as the older "wasi_unstable"; sockets are those that were declared, what they accept, and
 * those that are opened as paths below /net (net.c), because preview 1 has no other call for it;
 * there are no signals (proc_raise answers ENOSYS).
 *
 * The order of use: wasi_new, wasm_load, wasi_resolve, wasm_instantiate, wasi_start, wasi_exit_code. Several modules can
 * share one: a call works on the memory of the module that makes it.
 */
#ifndef BROCH_KEEP_WASI_WASI_H
#define BROCH_KEEP_WASI_WASI_H

#include "lib/base/arena.h"
#include "lib/base/slice.h"
#include "lib/wasm/wasm.h"

enum {
	WASI_OPEN_FILES_DEFAULT = 1024,
	WASI_OPEN_FILES_MAX = 65536,
	WASI_NAME_MAX = 255,  /* bytes of one path component */
	WASI_PATH_MAX = 4096, /* bytes of a path, and of a path with its symbolic links expanded */
};
#define WASI_FILE_BYTES_DEFAULT (UINT64_C(256) << 20)

/* A delivered file. It is read-only: opening it for writing fails with EACCES. The bytes are not copied. */
struct wasi_file {
	struct slice path;  /* relative, no empty, "." or ".." component; the directories on the way are made */
	struct slice bytes;
	uint32_t mode;      /* permission bits, for people: 0444 or 0555 */
};

/* A directory the program finds open when it starts: behind the streams, so from descriptor 3 on. */
struct wasi_preopen {
	struct slice guest; /* the name the program sees, e.g. "/" */
	struct slice path;  /* a directory of the tree, relative to its root; empty for the root; made if missing */
};

/* What a number below the preopened directories is from the start. */
enum wasi_stream {
	WASI_STREAM_NULL,
	WASI_STREAM_STDIN,
	WASI_STREAM_STDOUT,
	WASI_STREAM_STDERR,
	WASI_STREAM_LISTENER, /* a socket of port.h */
	WASI_STREAM_SOCKET,
};

/* A writable folder of its own: a preopened directory behind the others. */
struct wasi_mount {
	struct slice path;   /* as a file's; the program sees it with a slash in front */
	uint64_t bytes;      /* what may be in it, directories and names included */
	struct arena *arena; /* as file_arena, for this folder alone */
};

struct wasi_config {
	const struct slice *args; /* args[0] is the program's name; no zero bytes inside */
	size_t arg_count;
	const struct slice *env; /* "K=V" */
	size_t env_count;
	const struct wasi_file *files;
	size_t file_count;
	const struct wasi_preopen *preopens; /* preopen_count 0: the root as "/" */
	size_t preopen_count;
	bool no_preopens;        /* not even that */
	bool network;            /* there is /net, where sockets are opened: net.c */
	const struct wasi_mount *mounts;
	size_t mount_count;
	/* Descriptors 0, 1, 2... Fewer than three are filled up with null, so that no file gets a stream's number.
	 * stream_count 0: stdin, stdout, stderr. */
	const enum wasi_stream *streams;
	const uint32_t *sockets; /* beside them: the numbers of those that are sockets; NULL: none is */
	size_t stream_count;
	bool no_stdin;           /* standard input is at end of file from the start */
	bool stdin_terminal;     /* what isatty(0) answers; stdout and stderr always say yes, so that lines come at once */
	uint64_t file_bytes;     /* bytes the program's own files, directories and names may take; 0: the default */
	uint32_t open_files;     /* size of the descriptor table, with streams and preopens; 0: the default */
	struct arena *file_arena; /* where those bytes live; may commit on demand; used by nobody else meanwhile */
};

struct wasi;

/* What config points at must outlive *out. ERR_INVALID, ERR_LIMIT, ERR_NOMEM; the note says which argument or file. */
MUST_USE enum err wasi_new(struct arena *a, const struct wasi_config *config, struct wasi **out, struct note *n);

/* Modules that others import from by their names, beside WASI. */
struct wasi_library {
	struct slice name;
	struct wasm_instance *instance; /* NULL: not made yet */
};
struct wasi_libraries {
	const struct wasi_library *list;
	size_t count;
};

/*
 * Finds what the module imports: *imports (in the arena, one for each import) is ready for wasm_instantiate, which looks
 * at their types. A module that wants anything else is refused with ERR_UNLINKABLE and a note that names the library and
 * what it has not, or up to three of the imports that nobody has.
 */
MUST_USE enum err wasi_resolve(struct wasi *w, struct arena *a, struct wasm_store *s, const struct wasm_module *m,
			       struct wasi_libraries libraries, struct wasm_extern *const **imports, struct note *n);

/*
 * Runs the program: export "_start", or "_initialize" alone for a reactor. OK when it returned or called proc_exit (see
 * wasi_exit_code), ERR_TRAP with the note, ERR_NOT_FOUND when there is nothing to run, or what stopped it (port, poll).
 */
MUST_USE enum err wasi_start(struct wasi *w, struct wasm_store *s, struct wasm_instance *i, struct note *n);

/* Runs the export "_initialize" of a library, if it has one. ERR_EXIT when it called proc_exit; else as wasi_start. */
MUST_USE enum err wasi_initialize(struct wasm_store *s, struct wasm_instance *i, struct note *n);

/* 0 when _start returned, else what proc_exit was given. */
uint32_t wasi_exit_code(const struct wasi *w);

#endif
