/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/paths.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err join(char out[static PATHS_MAX], const char *a, const char *b, struct note *n)
{
	int len = snprintf(out, PATHS_MAX, "%s%s", a, b);

	if (len < 0 || len >= PATHS_MAX)
		return refuse(n, ERR_LIMIT, "a path is longer than %d bytes: %s", PATHS_MAX, a);
	return OK;
}

/* Relative XDG paths are to be ignored, says the XDG base directory specification. */
static const char *absolute_env(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && v[0] == '/' ? v : NULL;
}

enum err paths_runtime(char out[static PATHS_MAX], struct note *n)
{
	const char *base = absolute_env("XDG_RUNTIME_DIR");
	char user[32];

	if (geteuid() == 0)
		return join(out, "/run", "/broch", n);
	if (base == NULL) {
		snprintf(user, sizeof user, "/run/user/%u", (unsigned)geteuid());
		base = user;
	}
	return join(out, base, "/broch", n);
}

enum err paths_agent_socket(char out[static PATHS_MAX], struct note *n)
{
	char dir[PATHS_MAX];

	TRY(paths_runtime(dir, n));
	return join(out, dir, "/brochd.sock", n);
}

enum err paths_state(char out[static PATHS_MAX], struct note *n)
{
	const char *base = absolute_env("XDG_STATE_HOME"), *home = absolute_env("HOME");

	if (base != NULL)
		return join(out, base, "/broch", n);
	if (geteuid() == 0)
		return join(out, "/var/lib", "/broch", n);
	if (home == NULL)
		return refuse(n, ERR_NOT_FOUND,
		              "neither XDG_STATE_HOME nor HOME is set: set one, or name the folder (--state DIR)");
	return join(out, home, "/.local/state/broch", n);
}

static enum err own_dir(char out[static PATHS_MAX], struct note *n)
{
	ssize_t len = readlink("/proc/self/exe", out, PATHS_MAX - 1);
	char *slash;

	if (len <= 0)
		return refuse(n, err_of_errno(errno), "/proc/self/exe: cannot be read; is /proc mounted?");
	out[len] = 0;
	slash = strrchr(out, '/');
	if (slash == NULL)
		return refuse(n, ERR_IO, "/proc/self/exe: not an absolute path");
	*slash = 0;
	return OK;
}

enum err paths_shipped(const char *name, char out[static PATHS_MAX], struct note *n)
{
	static const char *const places[] = {"/", "/../lib/broch/", "/../libexec/broch/"};
	char dir[PATHS_MAX], base[PATHS_MAX];

	TRY(own_dir(dir, n));
	for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
		TRY(join(base, dir, places[i], n));
		TRY(join(out, base, name, n));
		if (access(out, R_OK) == 0)
			return OK;
	}
	return refuse(n, ERR_NOT_FOUND,
	              "%s: not found beside this program nor in ../lib/broch; is the installation complete?", name);
}

static enum err make_one(const char *path, unsigned mode, struct note *n)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return OK;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return OK;
	return refuse(n, err_of_errno(errno), "%s: cannot make this folder: %s", path, strerror(errno));
}

enum err paths_make(const char *path, unsigned mode, struct note *n)
{
	char part[PATHS_MAX];

	TRY(join(part, path, "", n));
	for (char *p = part + 1; part[0] != 0 && *p != 0; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		TRY(make_one(part, mode, n));
		*p = '/';
	}
	return make_one(part, mode, n);
}
