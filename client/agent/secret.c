/* SPDX-License-Identifier: Apache-2.0 */
/* Values by reference: a file that nobody else may read, or a descriptor somebody opened for us. */
#include "client/agent/pack.h"
#include "lib/base/ct.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err open_private(const char *path, int *out, struct note *n)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return refuse(n, err_of_errno(errno), "the secret file %s: %s", path, strerror(errno));
	*out = fd;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return refuse(n, ERR_INVALID, "the secret file %s is not a regular file", path);
	if ((st.st_mode & 077) != 0)
		return refuse(n, ERR_PERMISSION, "others may read the secret file %s; say: chmod 600 %s", path, path);
	return OK;
}

/* Until its end; `value` has room for one byte more than may come. */
static enum err read_all(int fd, uint8_t *value, size_t *size)
{
	for (;;) {
		ssize_t got = read(fd, value + *size, SECRET_SIZE_MAX - *size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? OK : err_of_errno(errno);
		*size += (size_t)got;
		if (*size == SECRET_SIZE_MAX)
			return ERR_LIMIT;
	}
}

enum err secret_fetch(const struct config_secret *s, struct slice *out, struct note *n)
{
	int opened = -1;
	uint8_t *value = malloc(SECRET_SIZE_MAX);
	size_t size = 0;
	enum err err = value != NULL ? OK : ERR_NOMEM;

	if (err == OK && s->source != NULL)
		err = open_private(s->source, &opened, n);
	if (err == OK) {
		err = read_all(s->source != NULL ? opened : s->fd, value, &size);
		if (err != OK && s->source != NULL)
			note_set(n, "the secret file %s: %s", s->source, err == ERR_LIMIT ? "larger than 1 MiB" : err_text(err));
		else if (err != OK)
			note_set(n, "the secret from descriptor %d: %s", s->fd,
				 err == ERR_LIMIT ? "larger than 1 MiB" : "it cannot be read; open it, as in: broch run ... 3<FILE");
	}
	fd_close(&opened);
	*out = slice_of(value, size);
	if (err != OK)
		secret_drop(out);
	return err;
}

void secret_drop(struct slice *s)
{
	void *bytes = (void *)(uintptr_t)s->data;

	if (bytes != NULL)
		wipe(bytes, s->size);
	free(bytes);
	*s = slice_of(NULL, 0);
}
