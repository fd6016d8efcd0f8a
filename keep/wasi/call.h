/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One WASI call in progress, and the program's memory as its handlers see it: every range is checked before it is
 * touched, every value is copied once. A handler answers with an errno; to end the program instead it returns stop_with.
 */
#ifndef BROCH_KEEP_WASI_CALL_H
#define BROCH_KEEP_WASI_CALL_H

#include "keep/wasi/fds.h"
#include "keep/wasi/memfs.h"
#include "keep/wasi/path.h"
#include "keep/wasi/port.h"
#include "keep/wasi/wasi.h"

enum { WASI_FUNCTIONS = 46, IOVECS_MAX = 1024, SUBSCRIPTIONS_MAX = 4096, WRITE_GATHER = 4096 };

struct iovec {
	uint8_t *data;
	uint32_t size;
};

struct call;
typedef enum wasi_errno wasi_handler(struct call *c);

struct function {
	const char *name;
	const char *params; /* enum wasm_type, one a char */
	uint32_t param_count, result_count;
	wasi_handler *handler;
};

struct binding { /* what the engine keeps for one import */
	struct wasi *wasi;
	const struct function *function;
	bool unstable; /* imported from wasi_unstable, whose structures differ a little */
};

struct wasi {
	const struct slice *args, *env;
	size_t arg_count, env_count;
	bool no_stdin, stdin_terminal;
	struct memfs fs;
	struct memfs net;     /* an empty tree, for what a directory has to be */
	struct memfs *mounts; /* each mounted folder is a tree of its own */
	uint32_t preopens_end; /* number after the last directory that was open from the start */
	struct fds fds;
	struct binding *bindings; /* first all of preview 1, then all of unstable */
	struct iovec iovecs[IOVECS_MAX];
	uint8_t gather[WRITE_GATHER];
	uint32_t exit_code;
};

struct call {
	struct wasi *w;
	struct wasm_caller *caller;
	const union wasm_value *args;
	bool unstable;
	enum err stop; /* not OK: unwind the program with this */
};

extern const struct function wasi_functions[WASI_FUNCTIONS];

static inline uint32_t arg32(const struct call *c, unsigned i)
{
	return c->args[i].i32;
}

static inline uint64_t arg64(const struct call *c, unsigned i)
{
	return c->args[i].i64;
}

/* The program ends here; the errno is never seen. */
static inline enum wasi_errno stop_with(struct call *c, enum err why)
{
	c->stop = why;
	return WASI_EIO;
}

/* [at, at + size) of the program's memory or EFAULT; *out may be NULL when size is 0. */
MUST_USE enum wasi_errno guest_range(struct call *c, uint32_t at, uint32_t size, uint8_t **out);
MUST_USE enum wasi_errno guest_put32(struct call *c, uint32_t at, uint32_t v);
MUST_USE enum wasi_errno guest_put64(struct call *c, uint32_t at, uint64_t v);
/* Reads, checks and keeps `count` vectors in c->w->iovecs; *total is the sum of their sizes. */
MUST_USE enum wasi_errno guest_iovecs(struct call *c, uint32_t at, uint32_t count, uint64_t *total);

/* Little-endian, for what lies inside a checked range. */
static inline uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t load64(const uint8_t *p)
{
	return load32(p) | (uint64_t)load32(p + 4) << 32;
}

static inline void store16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void store32(uint8_t *p, uint32_t v)
{
	store16(p, (uint16_t)v);
	store16(p + 2, (uint16_t)(v >> 16));
}

static inline void store64(uint8_t *p, uint64_t v)
{
	store32(p, (uint32_t)v);
	store32(p + 4, (uint32_t)(v >> 32));
}

/* ---- shared between the files of handlers ---- */

/* Writes a filestat at the program's address; dev is 0 for streams, 1 for the tree, then the mounts. */
MUST_USE enum wasi_errno put_filestat(struct call *c, uint32_t at, uint64_t dev, const struct vfs_stat *st);
/* Sets the times of a node as fst flags and the two arguments say. */
MUST_USE enum wasi_errno apply_times(struct vfs_node *n, uint64_t atim, uint64_t mtim, uint32_t flags);
/* Streams: see stream.c. *done as in vfs_ops. */
MUST_USE enum wasi_errno stream_read(struct call *c, const struct fd *fd, uint32_t count, uint32_t *done);
MUST_USE enum wasi_errno stream_write(struct call *c, const struct fd *fd, uint32_t count, uint32_t *done);
enum wasi_filetype stream_type(const struct wasi *w, const struct fd *fd);
/* Sockets: see socket.c. Both wait, unless the descriptor says not to. */
MUST_USE enum wasi_errno socket_read(struct call *c, const struct fd *fd, uint32_t count, uint32_t *done);
MUST_USE enum wasi_errno socket_write(struct call *c, const struct fd *fd, uint32_t count, uint32_t *done);
/* path_open below /net: see net.c. */
enum wasi_errno net_open(struct call *c);
/* Would a read of descriptor 0 return at once? */
bool stream_readable(const struct wasi *w);

#define WASI_FN(name, params, handler) wasi_handler handler;
#define WASI_NORETURN_FN(name, params, handler) wasi_handler handler;
#include "keep/wasi/functions.def"
#undef WASI_FN
#undef WASI_NORETURN_FN

#endif
