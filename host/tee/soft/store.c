/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new root is written into soft-snp.new, under a lock, and then renamed to soft-snp: whoever sees soft-snp sees all
 * of it and needs no lock. soft-snp.new is nobody's while the lock is free, so whoever gets the lock may remove it.
 */
#include "host/tee/soft/store.h"

#include "lib/attest/soft_names.h"
#include "sys/file.h"
#include "sys/soft_root.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char final_dir[] = SOFT_ROOT_DIR, new_dir[] = SOFT_ROOT_DIR ".new", lock_file[] = SOFT_ROOT_DIR ".lock";
static const char ark_file[] = SOFT_ROOT_FILE, ask_file[] = "ask.pem", vcek_file[] = "vcek.pem",
                  key_file[] = "vcek.key";
static const char *const files[] = {ark_file, ask_file, vcek_file, key_file};

static enum err because(struct note *n, const char *what, const char *where)
{
	int code = errno;

	return refuse(n, err_of_errno(code), "%s %s: %s", what, where, strerror(code));
}

/* ---- directories ---- */

static enum err make_parents(const char *path, struct note *n)
{
	char part[4096];
	size_t size = strlen(path);

	if (size == 0 || size >= sizeof part)
		return refuse(n, ERR_RANGE, "the state directory's name has %llu characters", (unsigned long long)size);
	memcpy(part, path, size + 1);
	for (size_t i = 1; i <= size; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		part[i] = 0;
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return because(n, "cannot make", part);
		part[i] = '/';
	}
	return OK;
}

/* Whoever else could write here could put a root of his own in place. */
static enum err open_state(const char *path, int *dir, struct note *n)
{
	struct stat st;

	TRY(make_parents(path, n));
	*dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0)
		return because(n, "cannot open", path);
	if (fstat(*dir, &st) != 0)
		return because(n, "cannot look at", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return refuse(n, ERR_PERMISSION,
		              "%s belongs to somebody else or others may write to it: make it yours, mode 0700", path);
	return OK;
}

/* ---- reading ---- */

static FILE *open_in(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (f == NULL && fd >= 0)
		close(fd);
	return f;
}

static X509 *read_cert(int dir, const char *name)
{
	FILE *f = open_in(dir, name);
	X509 *x = f == NULL ? NULL : PEM_read_X509(f, NULL, NULL, NULL);

	if (f != NULL)
		fclose(f);
	return x;
}

static EVP_PKEY *read_key(int dir, const char *name)
{
	FILE *f = open_in(dir, name);
	EVP_PKEY *key = f == NULL ? NULL : PEM_read_PrivateKey(f, NULL, NULL, NULL);

	if (f != NULL)
		fclose(f);
	return key;
}

/* ERR_NOT_FOUND when there is no root yet. */
static enum err load(int state, const char *state_dir, struct soft_pki *p, struct note *n)
{
	int dir = openat(state, final_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0 && errno == ENOENT)
		return ERR_NOT_FOUND;
	if (dir < 0)
		return because(n, "cannot open", final_dir);
	*p = (struct soft_pki){
	        .ark = read_cert(dir, ark_file),
	        .ask = read_cert(dir, ask_file),
	        .vcek = read_cert(dir, vcek_file),
	        .vcek_key = read_key(dir, key_file),
	};
	close(dir);
	if (p->ark != NULL && p->ask != NULL && p->vcek != NULL && p->vcek_key != NULL &&
	    X509_check_private_key(p->vcek, p->vcek_key) == 1)
		return OK;
	soft_pki_free(p);
	return refuse(n, ERR_INVALID, "%s/%s is damaged: remove it, a new software test root is then made", state_dir,
	              final_dir);
}

/* ---- writing ---- */

static bool finish(FILE *f, bool ok)
{
	ok = ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
	return fclose(f) == 0 && ok;
}

static FILE *create_in(int dir, const char *name, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (f == NULL && fd >= 0)
		close(fd);
	return f;
}

static bool write_cert(int dir, const char *name, X509 *x)
{
	FILE *f = create_in(dir, name, 0600);

	return f != NULL && finish(f, PEM_write_X509(f, x) == 1);
}

static bool write_key(int dir, const char *name, EVP_PKEY *key)
{
	FILE *f = create_in(dir, name, 0600);

	return f != NULL && finish(f, PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
}

static void remove_new(int state)
{
	int dir = openat(state, new_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0)
		return;
	for (size_t i = 0; i < ARRAY_COUNT(files); i++)
		unlinkat(dir, files[i], 0);
	close(dir);
	unlinkat(state, new_dir, AT_REMOVEDIR);
}

static bool write_all(int state, const struct soft_pki *p)
{
	int dir;
	bool ok;

	remove_new(state);
	if (mkdirat(state, new_dir, 0700) != 0)
		return false;
	dir = openat(state, new_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return false;
	ok = write_cert(dir, ark_file, p->ark) && write_cert(dir, ask_file, p->ask) &&
	     write_cert(dir, vcek_file, p->vcek) && write_key(dir, key_file, p->vcek_key) && fsync(dir) == 0;
	close(dir);
	return ok && renameat(state, new_dir, state, final_dir) == 0 && fsync(state) == 0;
}

static enum err make(int state, const char *state_dir, struct soft_pki *p, struct note *n)
{
	enum err err;

	TRY(soft_pki_make(p, n));
	if (write_all(state, p))
		return OK;
	err = because(n, "cannot write the software test root in", state_dir);
	remove_new(state); /* a full disk needs no half of it */
	soft_pki_free(p);
	return err;
}

static enum err lock_and_make(int state, const char *state_dir, struct soft_pki *p, struct note *n)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int lock = openat(state, lock_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum err err;

	if (lock < 0)
		return because(n, "cannot make the lock in", state_dir);
	while (fcntl(lock, F_OFD_SETLKW, &whole) != 0)
		if (errno != EINTR) {
			err = because(n, "cannot lock", state_dir);
			close(lock);
			return err;
		}
	err = load(state, state_dir, p, n); /* somebody may have made it while we waited */
	if (err == ERR_NOT_FOUND)
		err = make(state, state_dir, p, n);
	close(lock);
	return err;
}

enum err soft_store_open(const char *state_dir, struct soft_pki *p, struct note *n)
{
	int state = -1;
	enum err err = open_state(state_dir, &state, n);

	*p = (struct soft_pki){0};
	if (err == OK)
		err = load(state, state_dir, p, n);
	if (err == ERR_NOT_FOUND)
		err = lock_and_make(state, state_dir, p, n);
	fd_close(&state);
	return err;
}
