/* SPDX-License-Identifier: Apache-2.0 */
/* The calls, without an engine: each is made as a program would, through its import. */
#include "keep/wasi/wasi.h"

#include "test/wasi/fake_engine.h"
#include "test/wasi/fake_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MEMORY = 65536, PATH_AT = 1024, OUT = 2048, IOV = 3072, BUF = 4096, OPEN_FILES = 16 };

static uint8_t memory[MEMORY];
static struct wasm_caller caller = {memory, MEMORY};
static struct arena arena, files;
static struct wasi *w;
static enum err stopped; /* what the last call unwound with */

static const char *arg_text[] = {"prog", "one", ""};
static struct slice args[3], env[2];

static uint32_t call_with(const char *name, const uint64_t *values, size_t count)
{
	union wasm_value v[16] = {{0}};

	for (size_t i = 0; i < WASI_FUNCTIONS; i++) {
		if (strcmp(wasi_functions[i].name, name) != 0)
			continue;
		assert_int_equal(wasi_functions[i].param_count, count);
		for (size_t k = 0; k < count; k++)
			v[k].i64 = values[k];
		stopped = fake_externs[i].fn(fake_externs[i].ctx, &caller, v);
		return v[0].i32;
	}
	fail_msg("no function %s", name);
	return 0;
}
#define CALL(name, ...)                                                                                                \
	call_with(#name, (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
#define WORKS(...) assert_int_equal(CALL(__VA_ARGS__), WASI_OK)

static void start(const struct wasi_config *base, const char *module)
{
	struct wasi_config cfg = *base;
	struct note n = {{0}};

	cfg.file_arena = &files;
	if (cfg.open_files == 0)
		cfg.open_files = OPEN_FILES;
	arena.used = files.used = 0;
	memset(memory, 0xcc, sizeof memory);
	memset(&fake, 0, sizeof fake);
	assert_int_equal(wasi_new(&arena, &cfg, &w, &n), OK);
	assert_int_equal(fake_link(w, &arena, module, &n), OK);
}

static int setup(void **state)
{
	static uint8_t a[8 << 20], b[4 << 20];
	static const struct wasi_file package[] = {{.path = {(const uint8_t *)"lib/data.txt", 12}, .bytes = {(const uint8_t *)"delivered", 9}}};

	(void)state;
	arena = arena_of(a, sizeof a);
	files = arena_of(b, sizeof b);
	for (size_t i = 0; i < 3; i++)
		args[i] = slice_text(arg_text[i]);
	env[0] = slice_text("K=V");
	env[1] = slice_text("EMPTY=");
	start(&(struct wasi_config){.args = args, .arg_count = 3, .env = env, .env_count = 2, .files = package, .file_count = 1,
				    .file_bytes = 1 << 20},
	      "wasi_snapshot_preview1");
	return 0;
}

/* A path at PATH_AT; its length, to be given with it: P("a") expands to both arguments. */
static uint64_t put_path(const char *text)
{
	memcpy(memory + PATH_AT, text, strlen(text));
	return strlen(text);
}
#define P(text) PATH_AT, put_path(text)

static uint32_t open_rights(const char *path, uint32_t oflags, uint64_t rights, uint32_t fdflags)
{
	uint32_t err = CALL(path_open, 3, 0, P(path), oflags, rights, 0, fdflags, OUT);

	assert_int_equal(err, WASI_OK);
	return load32(memory + OUT);
}

static uint32_t open_new(const char *path)
{
	return open_rights(path, OFLAG_CREAT, RIGHTS_ALL, 0);
}

/* One vector at IOV for [at, at + size). */
static void iov(uint32_t at, uint32_t size)
{
	store32(memory + IOV, at);
	store32(memory + IOV + 4, size);
}

static uint32_t write_text(uint32_t fd, const char *text)
{
	memcpy(memory + BUF, text, strlen(text));
	iov(BUF, (uint32_t)strlen(text));
	return CALL(fd_write, fd, IOV, 1, OUT);
}

static void arguments_and_environment_arrive(void **state)
{
	(void)state;
	WORKS(args_sizes_get, OUT, OUT + 4);
	assert_int_equal(load32(memory + OUT), 3);
	assert_int_equal(load32(memory + OUT + 4), 10);
	WORKS(args_get, OUT, BUF);
	assert_int_equal(load32(memory + OUT + 4), BUF + 5);
	assert_memory_equal(memory + BUF, "prog\0one\0\0\xcc", 11);
	WORKS(environ_sizes_get, OUT, OUT + 4);
	assert_int_equal(load32(memory + OUT + 4), 11);
	WORKS(environ_get, OUT, BUF);
	assert_memory_equal(memory + BUF, "K=V\0EMPTY=\0", 11);
	assert_int_equal(CALL(args_get, OUT, MEMORY - 9), WASI_EFAULT);
	assert_int_equal(CALL(args_get, MEMORY - 11, OUT), WASI_EFAULT);
	WORKS(args_get, OUT, MEMORY - 10);
}

static void streams_carry_bytes(void **state)
{
	(void)state;
	assert_int_equal(write_text(1, "out"), WASI_OK);
	assert_int_equal(load32(memory + OUT), 3);
	assert_int_equal(write_text(2, "err"), WASI_OK);
	assert_int_equal(write_text(0, "x"), WASI_EBADF);
	assert_memory_equal(fake.written[1], "out", 3);
	assert_memory_equal(fake.written[2], "err", 3);
	fake.input = "abc";
	iov(BUF, 2);
	WORKS(fd_read, 0, IOV, 1, OUT);
	assert_int_equal(load32(memory + OUT), 2);
	WORKS(fd_read, 0, IOV, 1, OUT);
	assert_int_equal(load32(memory + OUT), 1);
	WORKS(fd_read, 0, IOV, 1, OUT);
	assert_int_equal(load32(memory + OUT), 0);
	assert_int_equal(CALL(fd_read, 1, IOV, 1, OUT), WASI_EBADF);
	assert_int_equal(CALL(fd_seek, 1, 0, WHENCE_SET, OUT), WASI_ESPIPE);
	WORKS(fd_fdstat_get, 1, OUT);
	assert_int_equal(memory[OUT], WASI_TYPE_CHARACTER);
	assert_int_equal(load64(memory + OUT + 8) & (RIGHT_FD_SEEK | RIGHT_FD_TELL), 0); /* isatty(3) asks this */
	WORKS(fd_fdstat_get, 0, OUT);
	assert_int_equal(memory[OUT], WASI_TYPE_UNKNOWN); /* no terminal */
}

static void vectors_become_one_message(void **state)
{
	(void)state;
	memcpy(memory + BUF, "hello world\n", 12);
	for (uint32_t i = 0; i < 3; i++) {
		store32(memory + IOV + 8 * i, BUF + 4 * i);
		store32(memory + IOV + 8 * i + 4, 4);
	}
	WORKS(fd_write, 1, IOV, 3, OUT);
	assert_int_equal(load32(memory + OUT), 12);
	assert_int_equal(fake.written_size[1], 12);
	assert_memory_equal(fake.written[1], "hello world\n", 12);
	iov(0, 5000); /* more than is gathered */
	WORKS(fd_write, 2, IOV, 1, OUT);
	assert_int_equal(fake.written_size[2], 5000);
}

static void a_nonblocking_stdin_says_again(void **state)
{
	(void)state;
	fake.blocked = true;
	fake.unblock_at = UINT64_MAX;
	iov(BUF, 2);
	WORKS(fd_fdstat_set_flags, 0, FDFLAG_NONBLOCK);
	assert_int_equal(CALL(fd_read, 0, IOV, 1, OUT), WASI_EAGAIN);
}

static void port_errors_end_the_program(void **state)
{
	(void)state;
	fake.fail = ERR_STOPPED;
	(void)write_text(1, "x");
	assert_int_equal(stopped, ERR_STOPPED);
	(void)CALL(random_get, BUF, 4);
	assert_int_equal(stopped, ERR_STOPPED);
	fake.fail = OK;
	(void)CALL(proc_exit, 33);
	assert_int_equal(stopped, ERR_EXIT);
	assert_int_equal(wasi_exit_code(w), 33);
}

static void wild_pointers_are_faults(void **state)
{
	uint32_t fd = open_new("f");

	(void)state;
	iov(MEMORY - 1, 2);
	assert_int_equal(CALL(fd_write, fd, IOV, 1, OUT), WASI_EFAULT);
	iov(0xffffffff, 0xffffffff);
	assert_int_equal(CALL(fd_write, fd, IOV, 1, OUT), WASI_EFAULT);
	assert_int_equal(CALL(fd_write, fd, MEMORY - 7, 1, OUT), WASI_EFAULT);
	assert_int_equal(CALL(fd_write, fd, 0xfffffff8, 1, OUT), WASI_EFAULT);
	assert_int_equal(CALL(fd_write, fd, IOV, IOVECS_MAX + 1, OUT), WASI_EINVAL);
	assert_int_equal(CALL(fd_write, fd, IOV, 0xffffffff, OUT), WASI_EINVAL);
	iov(BUF, 4);
	assert_int_equal(CALL(fd_write, fd, IOV, 1, MEMORY - 3), WASI_EFAULT); /* and nothing was written */
	WORKS(fd_filestat_get, fd, OUT);
	assert_int_equal(load64(memory + OUT + 32), 0);
	assert_int_equal(CALL(fd_filestat_get, fd, MEMORY - 63), WASI_EFAULT);
	assert_int_equal(CALL(path_open, 3, 0, MEMORY - 2, 3, 0, 0, 0, 0, OUT), WASI_EFAULT);
	assert_int_equal(CALL(random_get, MEMORY - 2, 3), WASI_EFAULT);
	assert_int_equal(CALL(clock_time_get, 0, 0, MEMORY - 7), WASI_EFAULT);
	assert_int_equal(CALL(poll_oneoff, 0, MEMORY - 31, 1, OUT), WASI_EFAULT);
	assert_int_equal(CALL(poll_oneoff, MEMORY - 47, 0, 1, OUT), WASI_EFAULT);
	assert_int_equal(CALL(fd_readdir, 3, MEMORY - 9, 10, 0, OUT), WASI_EFAULT);
	assert_int_equal(CALL(path_readlink, 3, P("f"), MEMORY - 9, 10, OUT), WASI_EFAULT);
}

static void the_table_of_descriptors_is_bounded(void **state)
{
	(void)state;
	for (uint32_t i = 4; i < OPEN_FILES; i++)
		assert_int_equal(open_new("f"), i);
	assert_int_equal(CALL(path_open, 3, 0, P("new"), OFLAG_CREAT, 0, 0, 0, OUT), WASI_EMFILE);
	assert_int_equal(CALL(path_filestat_get, 3, 0, P("new"), OUT), WASI_ENOENT);
	WORKS(fd_close, 7);
	WORKS(fd_close, 5);
	assert_int_equal(CALL(fd_close, 5), WASI_EBADF);
	assert_int_equal(open_new("f"), 5);
	assert_int_equal(open_new("f"), 7);
	WORKS(fd_renumber, 9, 8);
	assert_int_equal(CALL(fd_close, 9), WASI_EBADF);
	assert_int_equal(CALL(fd_renumber, 9, 8), WASI_EBADF);
	assert_int_equal(CALL(fd_renumber, 8, 9), WASI_EBADF);
	WORKS(fd_renumber, 8, 8);
	assert_int_equal(CALL(fd_close, 0xffffffff), WASI_EBADF);
}

static void package_files_are_there_and_read_only(void **state)
{
	uint32_t fd = open_rights("lib/data.txt", 0, RIGHT_FD_READ | RIGHT_FD_SEEK, 0);

	(void)state;
	iov(BUF, 100);
	WORKS(fd_pread, fd, IOV, 1, 2, OUT);
	assert_int_equal(load32(memory + OUT), 7);
	assert_memory_equal(memory + BUF, "livered\xcc", 8);
	assert_int_equal(CALL(path_open, 3, 0, P("lib/data.txt"), 0, RIGHT_FD_WRITE, 0, 0, OUT), WASI_EACCES);
	assert_int_equal(CALL(path_open, 3, 0, P("lib/data.txt"), OFLAG_TRUNC, 0, 0, 0, OUT), WASI_EACCES);
}

static void rights_only_shrink(void **state)
{
	uint32_t fd = open_new("f"), dir;

	(void)state;
	WORKS(fd_fdstat_set_rights, fd, RIGHT_FD_READ | RIGHT_FD_TELL, 0);
	assert_int_equal(write_text(fd, "x"), WASI_EBADF);
	WORKS(fd_tell, fd, OUT);
	assert_int_equal(CALL(fd_seek, fd, 1, WHENCE_CUR, OUT), WASI_ENOTCAPABLE);
	WORKS(fd_seek, fd, 0, WHENCE_CUR, OUT);
	assert_int_equal(CALL(fd_fdstat_set_rights, fd, RIGHT_FD_WRITE, 0), WASI_ENOTCAPABLE);
	/* A directory that passes on only reading. */
	WORKS(path_create_directory, 3, P("d"));
	WORKS(path_open, 3, 0, P("d"), OFLAG_DIRECTORY, RIGHTS_DIR, RIGHT_FD_READ, 0, OUT);
	dir = load32(memory + OUT);
	assert_int_equal(CALL(path_open, dir, 0, P("x"), OFLAG_CREAT, RIGHT_FD_WRITE, 0, 0, OUT), WASI_ENOTCAPABLE);
	WORKS(path_open, dir, 0, P("x"), OFLAG_CREAT, RIGHT_FD_READ, 0, 0, OUT);
	WORKS(fd_fdstat_set_rights, dir, 0, 0);
	assert_int_equal(CALL(path_open, dir, 0, P("x"), 0, 0, 0, 0, OUT), WASI_ENOTCAPABLE);
	assert_int_equal(CALL(path_unlink_file, dir, P("x")), WASI_ENOTCAPABLE);
	assert_int_equal(CALL(fd_readdir, dir, BUF, 10, 0, OUT), WASI_ENOTCAPABLE);
}

static void open_flags_mean_what_they_say(void **state)
{
	uint32_t fd = open_new("f");

	(void)state;
	assert_int_equal(write_text(fd, "hello"), WASI_OK);
	assert_int_equal(CALL(path_open, 3, 0, P("f"), OFLAG_CREAT | OFLAG_EXCL, 0, 0, 0, OUT), WASI_EEXIST);
	assert_int_equal(CALL(path_open, 3, 0, P("f"), OFLAG_DIRECTORY, 0, 0, 0, OUT), WASI_ENOTDIR);
	assert_int_equal(CALL(path_open, 3, 0, P("f"), OFLAG_CREAT | OFLAG_DIRECTORY, 0, 0, 0, OUT), WASI_EINVAL);
	assert_int_equal(CALL(path_open, 3, 0, P("f"), 16, 0, 0, 0, OUT), WASI_EINVAL);
	assert_int_equal(CALL(path_open, 3, 0, P("f"), 0, 0, 0, 32, OUT), WASI_EINVAL);
	assert_int_equal(CALL(path_open, 3, 0, P("new/"), OFLAG_CREAT, 0, 0, 0, OUT), WASI_EISDIR);
	assert_int_equal(CALL(path_open, 3, 0, P("lib"), 0, RIGHT_FD_WRITE, 0, 0, OUT), WASI_EISDIR);
	assert_int_equal(CALL(path_open, fd, 0, P("x"), 0, 0, 0, 0, OUT), WASI_ENOTDIR);
	assert_int_equal(CALL(path_open, 1, 0, P("x"), 0, 0, 0, 0, OUT), WASI_ENOTDIR);
	fd = open_rights("f", 0, RIGHTS_ALL, FDFLAG_APPEND);
	assert_int_equal(write_text(fd, "!"), WASI_OK);
	WORKS(fd_tell, fd, OUT);
	assert_int_equal(load64(memory + OUT), 6);
	open_rights("f", OFLAG_TRUNC, 0, 0);
	WORKS(fd_filestat_get, fd, OUT);
	assert_int_equal(load64(memory + OUT + 32), 0);
}

static void seeks_do_not_wrap(void **state)
{
	uint32_t fd = open_new("f");

	(void)state;
	WORKS(fd_seek, fd, INT64_MAX, WHENCE_SET, OUT);
	assert_int_equal(CALL(fd_seek, fd, 1, WHENCE_CUR, OUT), WASI_EOVERFLOW);
	assert_int_equal(CALL(fd_seek, fd, (uint64_t)INT64_MIN, WHENCE_SET, OUT), WASI_EINVAL);
	assert_int_equal(CALL(fd_seek, fd, 0, 3, OUT), WASI_EINVAL);
	assert_int_equal(write_text(fd, "x"), WASI_EFBIG);
	iov(BUF, 4);
	WORKS(fd_read, fd, IOV, 1, OUT);
	assert_int_equal(load32(memory + OUT), 0);
	assert_int_equal(CALL(fd_pwrite, fd, IOV, 1, UINT64_MAX, OUT), WASI_EINVAL);
	assert_int_equal(CALL(fd_pwrite, fd, IOV, 1, INT64_MAX, OUT), WASI_EFBIG);
	assert_int_equal(CALL(fd_allocate, fd, UINT64_MAX, 1), WASI_EFBIG);
	assert_int_equal(CALL(fd_allocate, fd, 0, UINT64_MAX), WASI_EFBIG);
	assert_int_equal(CALL(fd_filestat_set_size, fd, UINT64_MAX), WASI_EINVAL);
}

static void a_full_tree_is_enospc(void **state)
{
	uint32_t fd = open_new("f"), err;
	unsigned rounds = 0;

	(void)state;
	iov(0, MEMORY);
	while ((err = CALL(fd_write, fd, IOV, 1, OUT)) == WASI_OK && ++rounds < 100)
		iov(0, MEMORY); /* OUT lies inside */
	assert_int_equal(err, WASI_ENOSPC);
	assert_in_range(rounds, 12, 16);
	WORKS(path_unlink_file, 3, P("f"));
	WORKS(fd_close, fd);
	fd = open_new("g");
	iov(0, MEMORY);
	WORKS(fd_write, fd, IOV, 1, OUT);
}

static void directories_list_in_pieces(void **state)
{
	char seen[64] = "";
	uint64_t cookie = 0;
	uint32_t used;

	(void)state;
	open_new("alpha");
	open_new("b");
	do { /* room for one entry and the beginning of the next */
		WORKS(fd_readdir, 3, BUF, 40, cookie, OUT);
		used = load32(memory + OUT);
		if (used < DIRENT_SIZE + load32(memory + BUF + 16))
			break;
		cookie = load64(memory + BUF);
		strncat(seen, (const char *)memory + BUF + DIRENT_SIZE, load32(memory + BUF + 16));
		strcat(seen, memory[BUF + 20] == WASI_TYPE_DIRECTORY ? "/ " : " ");
	} while (used == 40);
	assert_string_equal(seen, "./ ../ lib/ alpha b ");
	WORKS(fd_readdir, 3, BUF, 40, cookie, OUT);
	assert_int_equal(load32(memory + OUT), 0);
	assert_int_equal(CALL(fd_readdir, open_new("b"), BUF, 100, 0, OUT), WASI_ENOTCAPABLE);
}

static void links_are_read_and_followed(void **state)
{
	(void)state;
	memcpy(memory + BUF, "lib/data.txt", 12);
	WORKS(path_symlink, BUF, 12, 3, P("link"));
	memcpy(memory + BUF, "/lib", 4);
	assert_int_equal(CALL(path_symlink, BUF, 4, 3, P("absolute")), WASI_EPERM);
	assert_int_equal(CALL(path_symlink, BUF, 0, 3, P("empty")), WASI_ENOENT);
	WORKS(path_readlink, 3, P("link"), BUF, 5, OUT);
	assert_int_equal(load32(memory + OUT), 5);
	assert_memory_equal(memory + BUF, "lib/d", 5);
	assert_int_equal(CALL(path_readlink, 3, P("lib"), BUF, 5, OUT), WASI_EINVAL);
	WORKS(path_filestat_get, 3, 0, P("link"), OUT);
	assert_int_equal(memory[OUT + 16], WASI_TYPE_SYMLINK);
	WORKS(path_filestat_get, 3, LOOKUP_FOLLOW, P("link"), OUT);
	assert_int_equal(memory[OUT + 16], WASI_TYPE_FILE);
	assert_int_equal(CALL(path_open, 3, 0, P("link"), 0, 0, 0, 0, OUT), WASI_ELOOP);
	WORKS(path_open, 3, LOOKUP_FOLLOW, P("link"), 0, RIGHT_FD_READ, 0, 0, OUT);
}

static void names_without_a_directory_are_refused(void **state)
{
	(void)state;
	assert_int_equal(CALL(path_create_directory, 3, P(".")), WASI_EEXIST);
	assert_int_equal(CALL(path_unlink_file, 3, P(".")), WASI_EISDIR);
	assert_int_equal(CALL(path_remove_directory, 3, P("lib/..")), WASI_EINVAL);
	memcpy(memory + BUF, "x", 1);
	assert_int_equal(CALL(path_rename, 3, P("."), 3, BUF, 1), WASI_EBUSY);
	assert_int_equal(CALL(path_link, 3, 0, P("lib"), 3, BUF, 1), WASI_EPERM);
	assert_int_equal(CALL(path_open, 3, 0, P(".."), 0, 0, 0, 0, OUT), WASI_EPERM);
}

static void subscribe(uint32_t i, uint64_t userdata, uint8_t type, uint32_t fd_or_clock, uint64_t timeout, uint16_t flags)
{
	uint8_t *p = memory + BUF + i * SUBSCRIPTION_SIZE;

	memset(p, 0, SUBSCRIPTION_SIZE);
	store64(p, userdata);
	p[8] = type;
	store32(p + 16, fd_or_clock);
	store64(p + 24, timeout);
	store16(p + 40, flags);
}

static void poll_waits_for_the_earliest(void **state)
{
	uint64_t before = fake.now;

	(void)state;
	fake.blocked = true;
	fake.unblock_at = UINT64_MAX;
	subscribe(0, 7, EVENT_CLOCK, CLOCK_MONO, 5000, 0);
	subscribe(1, 8, EVENT_CLOCK, CLOCK_MONO, 1000, 0);
	subscribe(2, 9, EVENT_FD_READ, 0, 0, 0);
	WORKS(poll_oneoff, BUF, 16384, 3, OUT);
	assert_int_equal(load32(memory + OUT), 1);
	assert_int_equal(load64(memory + 16384), 8);
	assert_int_equal(memory[16384 + 10], EVENT_CLOCK);
	assert_in_range(fake.now - before, 1000, 1100);
	fake.unblock_at = fake.now + 500;
	WORKS(poll_oneoff, BUF, 16384, 3, OUT);
	assert_int_equal(load32(memory + OUT), 1);
	assert_int_equal(load64(memory + 16384), 9);
	assert_int_equal(fake.waits, 2);
}

static void poll_answers_at_once_when_it_can(void **state)
{
	uint64_t wall = port_wall_ns();

	(void)state;
	subscribe(0, 1, EVENT_FD_WRITE, 1, 0, 0);
	subscribe(1, 2, EVENT_FD_READ, 77, 0, 0);
	subscribe(2, 3, 9, 0, 0, 0);
	subscribe(3, 4, EVENT_CLOCK, CLOCK_PROCESS_CPU, 0, 0);
	subscribe(4, 5, EVENT_CLOCK, CLOCK_WALL, wall - 1, SUBCLOCK_ABSOLUTE);
	subscribe(5, 6, EVENT_CLOCK, CLOCK_WALL, UINT64_MAX, SUBCLOCK_ABSOLUTE);
	WORKS(poll_oneoff, BUF, 16384, 6, OUT);
	assert_int_equal(load32(memory + OUT), 5);
	assert_int_equal(memory[16384 + 8], WASI_OK);
	assert_int_equal(memory[16384 + EVENT_SIZE + 8], WASI_EBADF);
	assert_int_equal(memory[16384 + 2 * EVENT_SIZE + 8], WASI_EINVAL);
	assert_int_equal(memory[16384 + 3 * EVENT_SIZE + 8], WASI_ENOTSUP);
	assert_int_equal(load64(memory + 16384 + 4 * EVENT_SIZE), 5);
	assert_int_equal(fake.waits, 0);
	assert_int_equal(CALL(poll_oneoff, BUF, 16384, 0, OUT), WASI_EINVAL);
	assert_int_equal(CALL(poll_oneoff, BUF, 16384, SUBSCRIPTIONS_MAX + 1, OUT), WASI_EINVAL);
}

/* 0 to 2 as always, 3 a listener (socket 1), 4 a connection (socket 2). */
static void start_with_sockets(void)
{
	static const enum wasi_stream streams[] = {WASI_STREAM_STDIN, WASI_STREAM_STDOUT, WASI_STREAM_STDERR, WASI_STREAM_LISTENER,
	                                           WASI_STREAM_SOCKET};
	static const uint32_t sockets[] = {0, 0, 0, 1, 2};

	start(&(struct wasi_config){.streams = streams, .sockets = sockets, .stream_count = 5}, "wasi_snapshot_preview1");
}

static void put_iov(uint32_t at, uint32_t data, uint32_t size)
{
	store32(memory + at, data);
	store32(memory + at + 4, size);
}

static void connections_read_and_write(void **state)
{
	struct fake_socket *s = &fake.sockets[2];

	(void)state;
	start_with_sockets();
	put_iov(IOV, BUF, 0);
	put_iov(IOV + 8, BUF, 100);
	s->later = "hello"; /* the read waits for it */
	WORKS(fd_read, 4, IOV, 2, OUT);
	assert_int_equal(load32(memory + OUT), 5);
	assert_memory_equal(memory + BUF, "hello", 5);
	assert_int_equal(fake.waits, 1);
	s->in = "again";
	WORKS(sock_recv, 4, IOV, 2, 0, OUT, OUT + 8);
	assert_int_equal(load32(memory + OUT), 5);
	assert_int_equal(memory[OUT + 8] | memory[OUT + 9], 0);
	s->eof = true;
	WORKS(fd_read, 4, IOV, 2, OUT);
	assert_int_equal(load32(memory + OUT), 0);
	memcpy(memory + BUF, "0123456789", 10);
	put_iov(IOV, BUF, 3);
	put_iov(IOV + 8, BUF + 3, 7);
	s->room = 4; /* it waits twice for the rest */
	WORKS(sock_send, 4, IOV, 2, 0, OUT);
	assert_int_equal(load32(memory + OUT), 10);
	assert_memory_equal(s->out, "0123456789", 10);
	s->gone = true;
	assert_int_equal(CALL(fd_write, 4, IOV, 2, OUT), WASI_EPIPE);
	WORKS(sock_shutdown, 4, 2);
	assert_true(s->shut);
	WORKS(fd_close, 4);
	assert_true(s->closed);
}

static void connections_need_not_wait(void **state)
{
	struct fake_socket *s = &fake.sockets[2];

	(void)state;
	start_with_sockets();
	WORKS(fd_fdstat_set_flags, 4, FDFLAG_NONBLOCK);
	WORKS(fd_fdstat_set_flags, 3, FDFLAG_NONBLOCK);
	put_iov(IOV, BUF, 10);
	assert_int_equal(CALL(fd_read, 4, IOV, 1, OUT), WASI_EAGAIN);
	assert_int_equal(CALL(sock_accept, 3, 0, OUT), WASI_EAGAIN);
	assert_int_equal(CALL(fd_write, 4, IOV, 1, OUT), WASI_EAGAIN);
	s->room = 6;
	WORKS(fd_write, 4, IOV, 1, OUT); /* what there is room for */
	assert_int_equal(load32(memory + OUT), 6);
	assert_int_equal(fake.waits, 0);
}

static void listeners_accept(void **state)
{
	uint32_t fd;

	(void)state;
	start_with_sockets();
	fake.sockets[1].callers = 2;
	WORKS(sock_accept, 3, FDFLAG_NONBLOCK, OUT);
	fd = load32(memory + OUT);
	assert_int_equal(fd, 6); /* behind the directory */
	WORKS(fd_fdstat_get, fd, OUT);
	assert_int_equal(memory[OUT], WASI_TYPE_SOCKET_STREAM);
	assert_int_equal(memory[OUT + 2], FDFLAG_NONBLOCK);
	fake.sockets[4].in = "hi";
	put_iov(IOV, BUF, 10);
	WORKS(fd_read, fd, IOV, 1, OUT);
	assert_memory_equal(memory + BUF, "hi", 2);
	WORKS(fd_renumber, fd, 0);
	WORKS(fd_close, 0);
	assert_true(fake.sockets[4].closed);
	assert_int_equal(CALL(fd_read, 3, IOV, 1, OUT), WASI_ENOTCONN);
	assert_int_equal(CALL(sock_accept, 4, 0, OUT), WASI_EINVAL);
	assert_int_equal(CALL(sock_accept, 3, FDFLAG_APPEND, OUT), WASI_EINVAL);
	assert_int_equal(CALL(sock_recv, 4, IOV, 1, 1, OUT, OUT + 8), WASI_ENOTSUP);
	assert_int_equal(CALL(sock_send, 4, IOV, 1, 1, OUT), WASI_EINVAL);
	assert_int_equal(CALL(sock_shutdown, 4, 0), WASI_EINVAL);
	assert_int_equal(CALL(sock_recv, 1, IOV, 1, 0, OUT, OUT + 8), WASI_ENOTSOCK);
	assert_int_equal(CALL(sock_accept, 3, 0, MEMORY - 3), WASI_EFAULT);
	assert_int_equal(fake.sockets[1].callers, 1); /* nobody was lost */
}

static void polling_watches_sockets(void **state)
{
	(void)state;
	start_with_sockets();
	fake.sockets[2].room = 1;
	subscribe(0, 1, EVENT_FD_READ, 3, 0, 0);
	subscribe(1, 2, EVENT_FD_READ, 4, 0, 0);
	subscribe(2, 3, EVENT_FD_WRITE, 4, 0, 0);
	WORKS(poll_oneoff, BUF, 16384, 3, OUT);
	assert_int_equal(load32(memory + OUT), 1);
	assert_int_equal(load64(memory + 16384), 3);
	assert_int_equal(fake.waits, 1); /* they are looked at before anything is said */
	fake.sockets[1].callers = 1;
	fake.sockets[2].later = "x";
	WORKS(poll_oneoff, BUF, 16384, 2, OUT);
	assert_int_equal(load32(memory + OUT), 2);
	subscribe(1, 2, EVENT_CLOCK, CLOCK_MONO, 1000, 0);
	fake.sockets[1].callers = 0;
	WORKS(poll_oneoff, BUF, 16384, 2, OUT); /* nothing comes: the clock rings */
	assert_int_equal(load32(memory + OUT), 1);
	assert_int_equal(load64(memory + 16384), 2);
}

/* ---- sockets as paths: 3 is the root, 4 is /net ---- */

static void start_with_network(void)
{
	start(&(struct wasi_config){.network = true}, "wasi_snapshot_preview1");
}

#define NET_OPEN(path, rights) CALL(path_open, 4, 0, P(path), 0, rights, 0, 0, OUT)

static void a_path_below_net_is_a_connection(void **state)
{
	(void)state;
	start_with_network();
	WORKS(fd_prestat_get, 4, OUT);
	assert_int_equal(load32(memory + OUT + 4), 4);
	WORKS(fd_prestat_dir_name, 4, BUF, 4);
	assert_memory_equal(memory + BUF, "/net", 4);
	fake.sockets[4].in = "hi";
	assert_int_equal(NET_OPEN("tcp/DB.example/5432", RIGHT_FD_READ | RIGHT_FD_WRITE), WASI_OK);
	assert_int_equal(load32(memory + OUT), 5);
	assert_string_equal(fake.asked_host, "db.example");
	assert_true(!fake.asked.listens && !fake.asked.tls && fake.asked.port == 5432);
	iov(BUF, 10);
	WORKS(fd_read, 5, IOV, 1, OUT);
	assert_int_equal(load32(memory + OUT), 2);
	WORKS(sock_shutdown, 5, 2);
	WORKS(fd_close, 5);
	assert_true(fake.sockets[4].shut && fake.sockets[4].closed);

	assert_int_equal(NET_OPEN("./tls//::1/443", RIGHT_FD_WRITE), WASI_OK);
	assert_string_equal(fake.asked_host, "::1");
	assert_true(fake.asked.tls && fake.asked.port == 443);
	WORKS(fd_fdstat_get, 5, BUF);
	assert_int_equal(memory[BUF], WASI_TYPE_SOCKET_STREAM);
	iov(BUF, 10);
	assert_int_equal(CALL(fd_read, 5, IOV, 1, OUT), WASI_EBADF); /* not asked for */
}

static void a_path_below_net_listens(void **state)
{
	(void)state;
	start_with_network();
	assert_int_equal(NET_OPEN("listen/tls/8443", RIGHT_FD_READ), WASI_OK);
	assert_true(fake.asked.listens && fake.asked.tls && fake.asked.port == 8443 && fake.asked.host.size == 0);
	fake.sockets[4].callers = 1;
	WORKS(sock_accept, 5, 0, OUT);
	assert_int_equal(load32(memory + OUT), 6);
	assert_int_equal(CALL(sock_accept, 6, 0, OUT), WASI_EINVAL);
}

static void what_net_refuses(void **state)
{
	static const struct {
		const char *path;
		enum wasi_errno err;
	} rows[] = {
	        {"", WASI_ENOENT},           {"tcp", WASI_ENOENT},         {"tcp/a", WASI_ENOENT},       {"tcp/a/1/2", WASI_ENOENT},
	        {"udp/a/1", WASI_ENOENT},    {"listen/udp/1", WASI_ENOENT}, {"../x/1", WASI_ENOENT},     {"tcp/../1", WASI_EINVAL},
	        {"tcp/a/0", WASI_EINVAL},    {"tcp/a/65536", WASI_EINVAL}, {"tcp/a/+1", WASI_EINVAL},    {"tcp/a/000001", WASI_EINVAL},
	        {"tcp/127.1/80", WASI_EINVAL}, {"tcp/a b/80", WASI_EINVAL}, {"tcp/*/80", WASI_EINVAL},   {"listen/tcp/x", WASI_EINVAL},
	};
	static const struct {
		enum port_opened how;
		enum wasi_errno err;
	} hows[] = {
	        {PORT_DENIED, WASI_EACCES},      {PORT_REFUSED, WASI_ECONNREFUSED}, {PORT_UNREACHABLE, WASI_EHOSTUNREACH},
	        {PORT_IN_USE, WASI_EADDRINUSE},  {PORT_TIMED_OUT, WASI_ETIMEDOUT},  {PORT_FULL, WASI_EMFILE},
	        {PORT_UNTRUSTED, WASI_ECONNABORTED}, {PORT_UNSPOKEN, WASI_EPROTO},  {PORT_FAILED, WASI_EIO},
	};

	(void)state;
	start_with_network();
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		if (NET_OPEN(rows[i].path, RIGHT_FD_READ) != rows[i].err)
			fail_msg("%s", rows[i].path);
	assert_int_equal(fake.accepted, 0);
	for (size_t i = 0; i < ARRAY_COUNT(hows); i++) {
		fake.how = hows[i].how;
		assert_int_equal(NET_OPEN("tcp/a/1", RIGHT_FD_READ), hows[i].err);
	}
	fake.how = PORT_OPENED;
	assert_int_equal(CALL(path_open, 4, 0, P("tcp/a/1"), OFLAG_DIRECTORY, RIGHT_FD_READ, 0, 0, OUT), WASI_ENOTDIR);
	assert_int_equal(CALL(path_open, 4, 0, P("tcp/a/1"), OFLAG_EXCL, RIGHT_FD_READ, 0, 0, OUT), WASI_EEXIST);
	assert_int_equal(CALL(path_open, 4, 0, P("tcp/a/1"), 0, RIGHT_FD_READ, 0, 0, MEMORY - 3), WASI_EFAULT);
	assert_int_equal(CALL(path_create_directory, 4, P("x")), WASI_ENOTCAPABLE);
	assert_int_equal(CALL(path_open, 3, 0, P("net/tcp/a/1"), 0, RIGHT_FD_READ, 0, 0, OUT), WASI_ENOENT); /* not that way */
	assert_int_equal(fake.accepted, 0); /* nothing was opened for nobody */
	fake.fail = ERR_STOPPED;
	(void)NET_OPEN("tcp/a/1", RIGHT_FD_READ);
	assert_int_equal(stopped, ERR_STOPPED);
}

static void without_rules_there_is_no_net(void **state)
{
	(void)state;
	assert_int_equal(CALL(fd_prestat_get, 4, OUT), WASI_EBADF);
	assert_int_equal(CALL(path_open, 3, 0, P("net/tcp/a/1"), 0, RIGHT_FD_READ, 0, 0, OUT), WASI_ENOENT);
}

static void other_descriptors_are_no_sockets(void **state)
{
	(void)state;
	assert_int_equal(CALL(sock_shutdown, 1, 0), WASI_ENOTSOCK);
	assert_int_equal(CALL(sock_shutdown, 9, 0), WASI_EBADF);
	assert_int_equal(CALL(sock_accept, 3, 0, OUT), WASI_ENOTSOCK);
	assert_int_equal(CALL(proc_raise, 6), WASI_ENOSYS);
}

static void unstable_counts_differently(void **state)
{
	uint32_t fd;

	(void)state;
	start(&(struct wasi_config){.file_bytes = 1 << 20}, "wasi_unstable");
	fd = open_new("f");
	assert_int_equal(write_text(fd, "hello"), WASI_OK);
	WORKS(fd_seek, fd, (uint64_t)-2, 1, OUT); /* 1 is the end there */
	assert_int_equal(load64(memory + OUT), 3);
	WORKS(fd_filestat_get, fd, MEMORY - FILESTAT_UNSTABLE_SIZE);
	assert_int_equal(load64(memory + MEMORY - FILESTAT_UNSTABLE_SIZE + 24), 5);
	assert_int_equal(load32(memory + MEMORY - FILESTAT_UNSTABLE_SIZE + 20), 1);
}

static void preopens_are_as_configured(void **state)
{
	static const struct wasi_preopen two[] = {{{(const uint8_t *)"/data", 5}, {(const uint8_t *)"data", 4}},
						  {{(const uint8_t *)".", 1}, {NULL, 0}}};

	(void)state;
	start(&(struct wasi_config){.no_preopens = true}, "wasi_snapshot_preview1");
	assert_int_equal(CALL(fd_prestat_get, 3, OUT), WASI_EBADF);
	start(&(struct wasi_config){.preopens = two, .preopen_count = 2}, "wasi_snapshot_preview1");
	WORKS(fd_prestat_get, 3, OUT);
	assert_int_equal(load32(memory + OUT + 4), 5);
	assert_int_equal(CALL(fd_prestat_dir_name, 3, BUF, 4), WASI_ENAMETOOLONG);
	WORKS(fd_prestat_dir_name, 3, BUF, 5);
	assert_memory_equal(memory + BUF, "/data", 5);
	WORKS(path_open, 4, 0, P("data"), OFLAG_DIRECTORY, 0, 0, 0, OUT);
	WORKS(fd_filestat_get, 3, OUT);
	assert_int_equal(CALL(fd_prestat_get, 5, OUT), WASI_EBADF);
}

/* The numbers are those of the configuration; what C libraries look for starts at 3 and is found behind all of them. */
static void descriptors_are_as_declared(void **state)
{
	static const enum wasi_stream four[] = {WASI_STREAM_STDOUT, WASI_STREAM_NULL, WASI_STREAM_STDIN, WASI_STREAM_STDERR};

	(void)state;
	start(&(struct wasi_config){.streams = four, .stream_count = 4}, "wasi_snapshot_preview1");
	assert_int_equal(write_text(0, "out"), WASI_OK);
	assert_memory_equal(fake.written[1], "out", 3);
	assert_int_equal(write_text(1, "gone"), WASI_OK);
	assert_int_equal(load32(memory + OUT), 4);
	assert_int_equal(fake.written_size[1], 3);
	iov(BUF, 2);
	WORKS(fd_read, 1, IOV, 1, OUT);
	assert_int_equal(load32(memory + OUT), 0);
	assert_int_equal(CALL(fd_seek, 1, 0, WHENCE_SET, OUT), WASI_ESPIPE);
	assert_int_equal(write_text(2, "x"), WASI_EBADF);
	assert_int_equal(write_text(3, "err"), WASI_OK);
	assert_memory_equal(fake.written[2], "err", 3);
	WORKS(fd_prestat_get, 3, OUT);
	assert_int_equal(memory[OUT], PREOPEN_OTHER);
	assert_int_equal(CALL(fd_prestat_dir_name, 3, BUF, 10), WASI_EBADF);
	assert_int_equal(CALL(fd_prestat_get, 2, OUT), WASI_EBADF);
	WORKS(fd_prestat_get, 4, OUT);
	assert_int_equal(memory[OUT], PREOPEN_DIR);
	assert_int_equal(CALL(fd_prestat_get, 5, OUT), WASI_EBADF);
}

static void missing_streams_are_null(void **state)
{
	static const enum wasi_stream one[] = {WASI_STREAM_STDERR};

	(void)state;
	start(&(struct wasi_config){.streams = one, .stream_count = 1}, "wasi_snapshot_preview1");
	assert_int_equal(write_text(0, "err"), WASI_OK);
	assert_memory_equal(fake.written[2], "err", 3);
	assert_int_equal(write_text(2, "gone"), WASI_OK);
	assert_int_equal(fake.written_size[1], 0);
	WORKS(fd_prestat_get, 3, OUT);
	assert_int_equal(memory[OUT], PREOPEN_DIR);
}

/* A mount is a tree of its own: its own limit, its own inodes, no way over by rename or link, no way out by "..". */
static void mounts_are_trees_of_their_own(void **state)
{
	static uint8_t bytes[1 << 20];
	struct arena own = arena_of(bytes, sizeof bytes);
	const struct wasi_mount mount = {slice_text("var/tmp"), 64 << 10, &own};
	uint32_t fd, written = 0;

	(void)state;
	start(&(struct wasi_config){.mounts = &mount, .mount_count = 1, .file_bytes = 1 << 20}, "wasi_snapshot_preview1");
	WORKS(fd_prestat_get, 4, OUT);
	assert_int_equal(load32(memory + OUT + 4), 8);
	WORKS(fd_prestat_dir_name, 4, BUF, 8);
	assert_memory_equal(memory + BUF, "/var/tmp", 8);
	assert_int_equal(CALL(fd_prestat_get, 5, OUT), WASI_EBADF);
	WORKS(path_filestat_get, 3, 0, P("var/tmp"), OUT); /* is seen in the tree */
	assert_int_equal(load64(memory + OUT), 1);
	WORKS(path_open, 4, 0, P("f"), OFLAG_CREAT, RIGHTS_ALL, 0, 0, OUT);
	fd = load32(memory + OUT);
	WORKS(fd_filestat_get, fd, OUT);
	assert_int_equal(load64(memory + OUT), 2);
	assert_int_equal(CALL(path_rename, 4, P("f"), 3, P("f")), WASI_EXDEV);
	assert_int_equal(CALL(path_open, 4, 0, P("../f"), 0, RIGHTS_ALL, 0, 0, OUT), WASI_EPERM);
	for (iov(0, MEMORY); CALL(fd_write, fd, IOV, 1, OUT) == WASI_OK; written += load32(memory + OUT))
		;
	assert_in_range(written, 32 << 10, 64 << 10);
	assert_int_equal(CALL(fd_write, fd, IOV, 1, OUT), WASI_ENOSPC);
	WORKS(path_open, 3, 0, P("f"), OFLAG_CREAT, RIGHTS_ALL, 0, 0, OUT); /* the tree has its own limit */
	fd = load32(memory + OUT);
	WORKS(fd_write, fd, IOV, 1, OUT);
}

static void no_files_take_no_memory_of_files(void **state)
{
	(void)state;
	start(&(struct wasi_config){.arg_count = 0}, "wasi_snapshot_preview1");
	assert_int_equal(files.used, 0);
	WORKS(path_open, 3, 0, P("f"), OFLAG_CREAT, RIGHTS_ALL, 0, 0, OUT);
	WORKS(path_create_directory, 3, P("d"));
}

static void bad_configurations_are_refused(void **state)
{
	struct note n = {{0}};
	struct slice zero = slice_of("a\0b", 3);
	static const char *const bad_paths[] = {"", "/", "a/", "../a", "a/../b", "a//..", ".", "\xff", "same/below"};
	struct wasi_config cfg = {.file_arena = &files, .args = &zero, .arg_count = 1};

	(void)state;
	assert_int_equal(wasi_new(&arena, &cfg, &w, &n), ERR_INVALID);
	assert_string_equal(n.text, "argument 0 has a zero byte inside");
	for (size_t i = 0; i < ARRAY_COUNT(bad_paths); i++) {
		struct wasi_file f[2] = {{.path = slice_text("same")}, {.path = slice_text(bad_paths[i])}};

		cfg = (struct wasi_config){.file_arena = &files, .files = f, .file_count = 2};
		assert_int_equal(wasi_new(&arena, &cfg, &w, &n), ERR_INVALID);
	}
	cfg = (struct wasi_config){.file_arena = &files, .open_files = 3};
	assert_int_equal(wasi_new(&arena, &cfg, &w, &n), ERR_LIMIT);
	cfg.open_files = WASI_OPEN_FILES_MAX + 1;
	assert_int_equal(wasi_new(&arena, &cfg, &w, &n), ERR_LIMIT);
}

static void missing_imports_are_named(void **state)
{
	struct wasm_module m = {.count = 4};
	struct wasm_extern *const *imports;
	struct note n = {{0}};

	(void)state;
	m.imports[0] = (struct wasm_import){slice_text("wasi_snapshot_preview1"), slice_text("fd_read"), WASM_FUNC, NULL};
	m.imports[1] = (struct wasm_import){slice_text("env"), slice_text("abort"), WASM_FUNC, NULL};
	m.imports[2] = (struct wasm_import){slice_text("wasi_snapshot_preview1"), slice_text("memory"), WASM_MEMORY, NULL};
	m.imports[3] = (struct wasm_import){slice_text("wasi_snapshot_preview2"), slice_text("fd_\nread"), WASM_FUNC, NULL};
	assert_int_equal(wasi_resolve(w, &arena, NULL, &m, (struct wasi_libraries){NULL, 0}, &imports, &n), ERR_UNLINKABLE);
	assert_string_equal(n.text, "the module imports 3 things that WASI preview 1 has not: env.abort, wasi_snapshot_preview1.memory, "
				    "wasi_snapshot_preview2.fd_?read; build it for wasm32-wasi, or add their [[modules]]");
}

static void libraries_are_found_by_their_names(void **state)
{
	struct wasm_instance *some = (struct wasm_instance *)memory;
	struct wasi_library list[] = {{slice_text("shapes"), some}, {slice_text("later"), NULL}};
	const struct wasi_libraries libraries = {list, ARRAY_COUNT(list)};
	struct wasm_module m = {.count = 2};
	struct wasm_extern *const *imports;
	struct note n = {{0}};

	(void)state;
	fake_export_name = "area";
	m.imports[0] = (struct wasm_import){slice_text("wasi_snapshot_preview1"), slice_text("fd_read"), WASM_FUNC, NULL};
	m.imports[1] = (struct wasm_import){slice_text("shapes"), slice_text("area"), WASM_GLOBAL, NULL};
	assert_int_equal(wasi_resolve(w, &arena, NULL, &m, libraries, &imports, &n), OK);
	assert_true(imports[0] != &fake_exported && imports[1] == &fake_exported);
	m.imports[1].name = slice_text("volume");
	assert_int_equal(wasi_resolve(w, &arena, NULL, &m, libraries, &imports, &n), ERR_UNLINKABLE);
	assert_string_equal(n.text, "\"volume\" is imported from module \"shapes\", which exports nothing of this name: build both from "
	                            "the same sources");
	n.text[0] = 0;
	m.imports[1].module = slice_text("later");
	assert_int_equal(wasi_resolve(w, &arena, NULL, &m, libraries, &imports, &n), ERR_UNLINKABLE);
	assert_string_equal(n.text, "\"volume\" is imported from module \"later\", which is not made yet: list that one before");
	n.text[0] = 0;
	m.imports[0].module = slice_text("shape");
	assert_int_equal(wasi_resolve(w, &arena, NULL, &m, libraries, &imports, &n), ERR_UNLINKABLE);
	assert_non_null(strstr(n.text, "imports 1 things that WASI preview 1 has not: shape.fd_read;"));
	fake_export_name = "";
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(arguments_and_environment_arrive),
		T(streams_carry_bytes),
		T(vectors_become_one_message),
		T(a_nonblocking_stdin_says_again),
		T(port_errors_end_the_program),
		T(wild_pointers_are_faults),
		T(the_table_of_descriptors_is_bounded),
		T(package_files_are_there_and_read_only),
		T(rights_only_shrink),
		T(open_flags_mean_what_they_say),
		T(seeks_do_not_wrap),
		T(a_full_tree_is_enospc),
		T(directories_list_in_pieces),
		T(links_are_read_and_followed),
		T(names_without_a_directory_are_refused),
		T(poll_waits_for_the_earliest),
		T(poll_answers_at_once_when_it_can),
		T(connections_read_and_write),
		T(connections_need_not_wait),
		T(listeners_accept),
		T(polling_watches_sockets),
		T(other_descriptors_are_no_sockets),
		T(a_path_below_net_is_a_connection),
		T(a_path_below_net_listens),
		T(what_net_refuses),
		T(without_rules_there_is_no_net),
		T(unstable_counts_differently),
		T(preopens_are_as_configured),
		T(descriptors_are_as_declared),
		T(missing_streams_are_null),
		T(mounts_are_trees_of_their_own),
		T(no_files_take_no_memory_of_files),
		T(bad_configurations_are_refused),
		T(missing_imports_are_named),
		T(libraries_are_found_by_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
