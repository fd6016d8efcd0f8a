/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/keyfile.h"

#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE_OTHERS = 077, FD_MAX = 1 << 20 };

/* -1: not of this form, -2: of this form and no number. */
static int descriptor(const char *where)
{
	char *end = NULL;
	long fd;

	if (strncmp(where, "fd:", 3) != 0)
		return -1;
	fd = strtol(where + 3, &end, 10);
	return where[3] < '0' || where[3] > '9' || *end != 0 || fd > FD_MAX ? -2 : (int)fd;
}

/* All there is; the descriptor may be a pipe. */
static enum err read_all(int fd, const char *where, char *out, size_t *size, struct note *n)
{
	for (*size = 0; *size < KEYFILE_SIZE_MAX;) {
		ssize_t got = read(fd, out + *size, KEYFILE_SIZE_MAX - *size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return refuse(n, err_of_errno(errno), "%s: %s", where, strerror(errno));
		if (got == 0)
			return OK;
		*size += (size_t)got;
	}
	return refuse(n, ERR_LIMIT, "%s: no key or secret is larger than %u bytes", where, (unsigned)KEYFILE_SIZE_MAX);
}

/* Opened once, without waiting for the other end of a pipe, and judged by that descriptor: what is at the path may change
 * behind us. */
static enum err open_file(const char *where, bool secret, int *fd, struct note *n)
{
	struct stat st;

	*fd = open(where, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0)
		return refuse(n, err_of_errno(errno), "%s: %s", where, strerror(errno));
	if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode))
		return refuse(n, ERR_INVALID, "%s: not a file; give a descriptor as fd:N", where);
	if (secret && (st.st_mode & MODE_OTHERS) != 0)
		return refuse(n, ERR_PERMISSION,
		              "%s: others may read this secret; chmod 600 it, and make a new one if others could",
		              where);
	return OK;
}

static enum err read_place(const char *where, bool secret, char *out, size_t *size, struct note *n)
{
	int fd = descriptor(where);
	enum err err;

	if (fd == -2)
		return refuse(n, ERR_INVALID, "%s: a descriptor is fd: and a number, as in fd:3", where);
	if (fd >= 0)
		return read_all(fd, where, out, size, n);
	err = open_file(where, secret, &fd, n);
	if (err == OK)
		err = read_all(fd, where, out, size, n);
	fd_close(&fd);
	return err;
}

enum err keyfile_private(const char *where, EVP_PKEY **out, struct note *n)
{
	char pem[KEYFILE_SIZE_MAX];
	size_t size = 0;
	enum err err = read_place(where, true, pem, &size, n);

	*out = err == OK ? openssl_read_key(slice_of(pem, size), PEM_read_bio_PrivateKey) : NULL;
	OPENSSL_cleanse(pem, sizeof pem);
	if (err == OK && *out == NULL)
		err = refuse(n, ERR_FORMAT,
		             "%s: no private key in PEM, or one behind a passphrase, which is not asked for", where);
	return err;
}

enum err keyfile_public(const char *where, EVP_PKEY **out, struct note *n)
{
	char pem[KEYFILE_SIZE_MAX];
	size_t size = 0;
	enum err err = read_place(where, false, pem, &size, n);

	*out = err == OK ? openssl_read_key(slice_of(pem, size), PEM_read_bio_PUBKEY) : NULL;
	if (err == OK && *out == NULL)
		*out = openssl_read_key(slice_of(pem, size), PEM_read_bio_PrivateKey);
	OPENSSL_cleanse(pem, sizeof pem);
	if (err == OK && *out == NULL)
		err = refuse(n, ERR_FORMAT, "%s: no key in PEM", where);
	return err;
}

/* O_EXCL: of two writers one fails, so neither believes in a key that is not there. */
static enum err save_new(const char *where, struct slice secret, struct note *n)
{
	int fd = open(where, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum err err;

	if (fd < 0 && errno == EEXIST)
		return refuse(n, ERR_EXISTS,
		              "%s: there is a file already, and a key that is gone does not come back; "
		              "choose another name, or say --force",
		              where);
	if (fd < 0)
		return refuse(n, err_of_errno(errno), "%s: %s", where, strerror(errno));
	err = fd_write_all(fd, secret);
	if (err == OK && fsync(fd) != 0)
		err = err_of_errno(errno);
	fd_close(&fd);
	if (err != OK)
		unlink(where);
	return err == OK ? OK : refuse(n, err, "%s: cannot be written: %s", where, err_text(err));
}

enum err keyfile_write(const char *where, bool replace, struct slice secret, struct note *n)
{
	int fd = descriptor(where);
	enum err err;

	if (fd == -2)
		return refuse(n, ERR_INVALID, "%s: a descriptor is fd: and a number, as in fd:3", where);
	if (fd < 0)
		return replace ? file_replace(where, secret, 0600, n) : save_new(where, secret, n);
	err = fd_write_all(fd, secret);
	return err == OK ? OK : refuse(n, err, "%s: cannot be written: %s", where, err_text(err));
}

enum err keyfile_save(EVP_PKEY *key, const char *where, bool replace, struct note *n)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	long size = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1
	                    ? BIO_get_mem_data(bio, &text)
	                    : 0;
	enum err err = size > 0 ? keyfile_write(where, replace, slice_of(text, (size_t)size), n)
	                        : refuse(n, ERR_CRYPTO, "the key cannot be written as PEM");

	BIO_free(bio);
	return err;
}

enum err keyfile_bytes(const char *where, uint8_t out[static KEYFILE_SIZE_MAX], size_t *size, struct note *n)
{
	enum err err = read_place(where, true, (char *)out, size, n);

	if (err != OK)
		OPENSSL_cleanse(out, KEYFILE_SIZE_MAX);
	return err;
}
