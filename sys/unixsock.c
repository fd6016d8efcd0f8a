/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/unixsock.h"
#include "sys/file.h"
#include "sys/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum err folder_of(const char *path, char out[static PATHS_MAX], struct note *n)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		snprintf(out, PATHS_MAX, ".");
	else if (slash == path)
		snprintf(out, PATHS_MAX, "/");
	else if ((size_t)(slash - path) < PATHS_MAX)
		snprintf(out, PATHS_MAX, "%.*s", (int)(slash - path), path);
	else
		return refuse(n, ERR_LIMIT, "the socket path is too long");
	return OK;
}

/* Opened and locked, so that two agents starting at once do not both replace the same stale file. */
static enum err folder_lock(const char *dir, int *out, struct note *n)
{
	struct stat st;

	TRY(paths_make(dir, 0700, n));
	*out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0 || fstat(*out, &st) != 0)
		return refuse(n, err_of_errno(errno), "%s: %s", dir, strerror(errno));
	if ((st.st_mode & 0022) != 0 && (st.st_mode & S_ISVTX) == 0)
		return refuse(n, ERR_PERMISSION,
		              "%s: others may write to this folder and replace the socket: chmod go-w, or use "
		              "another folder",
		              dir);
	if (syscall(SYS_flock, *out, LOCK_EX) != 0)
		return refuse(n, err_of_errno(errno), "%s: cannot lock: %s", dir, strerror(errno));
	return OK;
}

/* Removes a socket file without a listener. OK also when there is nothing. */
static enum err clear_stale(const struct sockaddr_un *at, struct note *n)
{
	struct stat st;
	int fd, failed;

	if (lstat(at->sun_path, &st) != 0)
		return errno == ENOENT ? OK : refuse(n, err_of_errno(errno), "%s: %s", at->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return refuse(n, ERR_EXISTS, "%s: exists and is not a socket: move it away or listen elsewhere",
		              at->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refuse(n, err_of_errno(errno), "cannot make a socket: %s", strerror(errno));
	failed = connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 ? 0 : errno;
	fd_close(&fd);
	if (failed != ECONNREFUSED && failed != ENOENT)
		return refuse(n, ERR_EXISTS,
		              "%s: another program listens here: stop it (is a brochd running?) or listen elsewhere",
		              at->sun_path);
	if (unlink(at->sun_path) != 0 && errno != ENOENT)
		return refuse(n, err_of_errno(errno), "%s: cannot remove the stale socket: %s", at->sun_path,
		              strerror(errno));
	return OK;
}

static enum err bind_here(int fd, const struct sockaddr_un *at, struct note *n)
{
	/* the mode before bind: there is no moment at which others could connect */
	if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)at, sizeof *at) != 0)
		return refuse(n, err_of_errno(errno), "%s: cannot bind: %s", at->sun_path, strerror(errno));
	if (chmod(at->sun_path, 0600) != 0 || listen(fd, 256) != 0) {
		refuse(n, ERR_IO, "%s: cannot listen: %s", at->sun_path, strerror(errno));
		unlink(at->sun_path);
		return ERR_IO;
	}
	return OK;
}

enum err unixsock_listen(const char *path, int *out, struct note *n)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char dir[PATHS_MAX];
	int folder = -1, fd = -1;
	enum err err;

	if (path[0] == 0 || strlen(path) >= sizeof at.sun_path)
		return refuse(n, ERR_LIMIT, "a socket path has 1 to %u bytes: %s", (unsigned)sizeof at.sun_path - 1,
		              path);
	memcpy(at.sun_path, path, strlen(path));
	TRY(folder_of(path, dir, n));
	err = folder_lock(dir, &folder, n);
	if (err == OK)
		err = clear_stale(&at, n);
	if (err != OK)
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = fd < 0 ? refuse(n, err_of_errno(errno), "cannot make a socket: %s", strerror(errno))
	             : bind_here(fd, &at, n);
	if (err == OK) {
		*out = fd;
		fd = -1;
	}
out:
	fd_close(&fd);
	fd_close(&folder);
	return err;
}
