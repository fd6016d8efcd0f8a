/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum err err_of_errno(int code)
{
	switch (code) {
	case 0: return OK;
	case ENOENT:
	case ENOTDIR: return ERR_NOT_FOUND;
	case EEXIST: return ERR_EXISTS;
	case EPERM:
	case EROFS:
	case EACCES: return ERR_PERMISSION;
	case ENOMEM: return ERR_NOMEM;
	case EMFILE:
	case ENFILE:
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return ERR_LIMIT;
	case EAGAIN: return ERR_AGAIN;
	case EPIPE:
	case ECONNRESET: return ERR_CLOSED;
	case ETIMEDOUT: return ERR_TIMEOUT;
	case EINVAL: return ERR_INVALID;
	case ENOSYS:
	case EOPNOTSUPP: return ERR_UNSUPPORTED;
	default: return ERR_IO;
	}
}

static enum err failed(struct note *n, const char *what, const char *path)
{
	int code = errno;

	return refuse(n, err_of_errno(code), "%s %s: %s", what, path, strerrordesc_np(code));
}

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

/* Fills exactly `size` bytes: the file may not shrink below what fstat said while we read. */
static enum err read_exactly(int fd, uint8_t *out, size_t size)
{
	while (size > 0) {
		ssize_t got = read(fd, out, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_of_errno(errno);
		if (got == 0)
			return ERR_TRUNCATED;
		out += got;
		size -= (size_t)got;
	}
	return OK;
}

struct room { /* memory for a whole file */
	uint8_t *(*take)(size_t size); /* NULL: there is none */
	void (*give_back)(uint8_t *memory, size_t size);
};

static uint8_t *take_heap(size_t size)
{
	return malloc(size + 1);
}

static void give_back_heap(uint8_t *memory, size_t size)
{
	(void)size;
	free(memory);
}

/* All pages at once cost half of what a fault for each does. */
static uint8_t *take_pages(size_t size)
{
	void *memory = mmap(NULL, size + (size == 0), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void give_back_pages(uint8_t *memory, size_t size)
{
	munmap(memory, size + (size == 0));
}

static const struct room heap = {take_heap, give_back_heap}, pages = {take_pages, give_back_pages};

static enum err read_open(int fd, const char *path, size_t max, const struct room *room, struct slice *out, struct note *n)
{
	struct stat st;
	uint8_t *memory;
	enum err err;

	if (fstat(fd, &st) != 0)
		return failed(n, "cannot examine", path);
	if (!S_ISREG(st.st_mode))
		return refuse(n, ERR_INVALID, "%s is not a regular file", path);
	if ((uint64_t)st.st_size > max)
		return refuse(n, ERR_LIMIT, "%s has %llu bytes, more than the %llu allowed", path,
			      (unsigned long long)st.st_size, (unsigned long long)max);
	memory = room->take((size_t)st.st_size);
	if (memory == NULL)
		return refuse(n, ERR_NOMEM, "no memory to read %s", path);
	err = read_exactly(fd, memory, (size_t)st.st_size);
	if (err != OK) {
		room->give_back(memory, (size_t)st.st_size);
		return refuse(n, err, "cannot read %s: %s", path, err_text(err));
	}
	*out = slice_of(memory, (size_t)st.st_size);
	return OK;
}

static enum err read_into(const char *path, size_t max, const struct room *room, struct slice *out, struct note *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up before fstat sees it */
	enum err err;

	if (fd < 0)
		return failed(n, "cannot open", path);
	err = read_open(fd, path, max, room, out, n);
	fd_close(&fd);
	return err;
}

enum err file_read(const char *path, size_t max, struct slice *out, struct note *n)
{
	return read_into(path, max, &heap, out, n);
}

enum err file_read_pages(const char *path, size_t max, struct slice *out, struct note *n)
{
	return read_into(path, max, &pages, out, n);
}

enum err fd_write_all(int fd, struct slice s)
{
	while (s.size > 0) {
		ssize_t put = write(fd, s.data, s.size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_of_errno(errno);
		s.data += put;
		s.size -= (size_t)put;
	}
	return OK;
}

enum err file_replace(const char *path, struct slice content, unsigned mode, struct note *n)
{
	char *fresh = NULL;
	enum err err;
	int fd;

	if (asprintf(&fresh, "%s.XXXXXX", path) < 0)
		return refuse(n, ERR_NOMEM, "no memory to write %s", path);
	fd = mkostemp(fresh, O_CLOEXEC);
	if (fd < 0) {
		err = failed(n, "cannot create a file beside", path);
		free(fresh);
		return err;
	}
	err = fd_write_all(fd, content);
	if (err != OK)
		note_set(n, "cannot write %s: %s", fresh, err_text(err));
	else if (fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0 || rename(fresh, path) != 0)
		err = failed(n, "cannot write", path);
	if (err != OK)
		unlink(fresh);
	fd_close(&fd);
	free(fresh);
	return err;
}
