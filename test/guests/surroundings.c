/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what a program finds: arguments, environment, directories that are open from the start. Then, by the first argument:
 * tree DIR, read FD, write FILE, fill FILE (until nothing fits), fds (how many can be open).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>

extern char **environ;

static void directories(void)
{
	for (__wasi_fd_t fd = 3; fd < 100; fd++) {
		__wasi_prestat_t p;
		char name[256] = "";

		if (__wasi_fd_prestat_get(fd, &p) != 0)
			return;
		if (p.tag != __WASI_PREOPENTYPE_DIR || p.u.dir.pr_name_len >= sizeof name)
			continue;
		if (__wasi_fd_prestat_dir_name(fd, (uint8_t *)name, p.u.dir.pr_name_len) == 0)
			printf("dir %u %s\n", (unsigned)fd, name);
	}
}

static void tree(const char *path)
{
	char below[512];
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(path);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(below, sizeof below, "%s/%s", strcmp(path, "/") == 0 ? "" : path, e->d_name);
		if (stat(below, &st) != 0)
			printf("? %s\n", below);
		else if (S_ISDIR(st.st_mode))
			tree(below);
		else
			printf("file %s %d\n", below, (int)st.st_size);
	}
	if (d != NULL)
		closedir(d);
}

static void read_fd(int fd)
{
	char line[64] = "";
	ssize_t got = read(fd, line, sizeof line - 1);

	if (got > 0 && line[got - 1] == '\n')
		line[got - 1] = 0;
	printf("read %d: %s\n", fd, got > 0 ? line : got == 0 ? "end" : strerror(errno));
}

static void fill(const char *path)
{
	static char block[1024];
	int fd = open(path, O_CREAT | O_WRONLY, 0666), kib = 0;

	while (fd >= 0 && write(fd, block, sizeof block) == (ssize_t)sizeof block)
		kib++;
	printf("fill %s: %d KiB, then: %s\n", path, kib, strerror(errno));
}

static void fds(void)
{
	int last = 0, fd;

	while ((fd = open("/", O_RDONLY | O_DIRECTORY)) >= 0)
		last = fd;
	printf("fds %d\n", last + 1);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	for (int i = 0; i < argc; i++)
		printf("arg %s\n", argv[i]);
	for (char **e = environ; e != NULL && *e != NULL; e++)
		printf("env %s\n", *e);
	directories();
	if (strcmp(what, "tree") == 0)
		tree(argv[2]);
	if (strcmp(what, "read") == 0)
		read_fd(atoi(argv[2]));
	if (strcmp(what, "write") == 0)
		printf("write %s: %s\n", argv[2], open(argv[2], O_WRONLY) >= 0 ? "works" : "refused");
	if (strcmp(what, "fill") == 0)
		fill(argv[2]);
	if (strcmp(what, "fds") == 0)
		fds();
	return 0;
}
