/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/bundle.h"

#include "lib/base/ct.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024, DEPTH_MAX = 64 };
#define FILE_BYTES_MAX (UINT64_C(8) << 30)

struct source { /* one file of ours */
	char *path, *guest;
	struct manifest_blob blob;
	uint32_t mode;
};

struct sealed { /* one secret */
	struct manifest_secret secret;
	uint8_t *bytes; /* secret.blob.size of them */
};

struct bundle {
	struct source module, libraries[MANIFEST_LIBRARIES_MAX]; /* a library's guest is its name */
	size_t library_count;
	struct source *files;
	size_t file_count, file_capacity;
	struct manifest m;
	struct manifest_descriptor descriptors[MANIFEST_DESCRIPTORS_MAX];
	struct slice tls_names[MANIFEST_TLS_NAMES_MAX], alpn[MANIFEST_TLS_ALPN_MAX];
	struct manifest_egress egress[MANIFEST_RULES_MAX];
	struct manifest_ports ingress[MANIFEST_RULES_MAX];
	struct slice server_pins[MANIFEST_TLS_PINS_MAX], client_pins[MANIFEST_TLS_PINS_MAX];
	struct manifest_mount mounts[MANIFEST_MOUNTS_MAX];
	struct manifest_library manifest_libraries[MANIFEST_LIBRARIES_MAX];
	struct sealed secrets[MANIFEST_SECRETS_MAX];
	struct manifest_secret sorted_secrets[MANIFEST_SECRETS_MAX];
	size_t secret_count;
	char *within; /* absolute: where links of the folder that is being read may lead; NULL: anywhere */
	uint8_t *encoded;
	size_t encoded_size;
	uint8_t digest[32];
	int fd; /* the blob that is being read */
	size_t index;
	uint64_t left;
};

enum err bundle_new(struct bundle **out)
{
	struct bundle *b = calloc(1, sizeof *b);

	if (b == NULL)
		return ERR_NOMEM;
	b->fd = -1;
	*out = b;
	return OK;
}

static void source_free(struct source *s)
{
	free(s->path);
	free(s->guest);
}

void bundle_free(struct bundle *b)
{
	if (b == NULL)
		return;
	source_free(&b->module);
	for (size_t i = 0; i < b->library_count; i++)
		source_free(&b->libraries[i]);
	for (size_t i = 0; i < b->file_count; i++)
		source_free(&b->files[i]);
	for (size_t i = 0; i < b->secret_count; i++) {
		if (b->secrets[i].bytes != NULL)
			wipe(b->secrets[i].bytes, b->secrets[i].secret.blob.size);
		free(b->secrets[i].bytes);
	}
	free(b->within);
	free(b->files);
	free(b->m.args);
	free(b->m.env);
	free(b->m.files);
	free(b->encoded);
	fd_close(&b->fd);
	free(b);
}

struct manifest *bundle_manifest(struct bundle *b)
{
	return &b->m;
}

struct slice bundle_encoded(const struct bundle *b)
{
	return slice_of(b->encoded, b->encoded_size);
}

const struct manifest *bundle_limits(const struct bundle *b)
{
	return &b->m;
}

const uint8_t *bundle_digest(const struct bundle *b)
{
	return b->digest;
}

const uint8_t *bundle_module_digest(const struct bundle *b)
{
	return b->module.blob.sha256;
}

uint64_t bundle_blob_bytes(const struct bundle *b)
{
	uint64_t sum = b->module.blob.size;

	for (size_t i = 0; i < b->library_count; i++)
		sum += b->libraries[i].blob.size;
	for (size_t i = 0; i < b->file_count; i++)
		sum += b->files[i].blob.size;
	for (size_t i = 0; i < b->secret_count; i++)
		sum += b->secrets[i].secret.blob.size;
	return sum;
}

/* ---- files of ours ---- */

static enum err failed(struct note *n, const char *what, const char *path)
{
	int code = errno;

	return refuse(n, err_of_errno(code), "%s %s: %s", what, path, strerror(code));
}

static enum err open_regular(const char *path, struct stat *st, int *out, struct note *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return failed(n, "opening", path);
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
		bool folder = S_ISDIR(st->st_mode);

		close(fd);
		return refuse(n, ERR_INVALID, "%s is %s", path, folder ? "a folder" : "not a regular file");
	}
	*out = fd;
	return OK;
}

static ssize_t read_some(int fd, void *out, size_t size)
{
	ssize_t got;

	do
		got = read(fd, out, size);
	while (got < 0 && errno == EINTR);
	return got;
}

/* What a WebAssembly module starts with, and what people give instead. */
static enum err check_magic(const uint8_t *p, size_t size, const char *path, struct note *n)
{
	static const uint8_t core[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};

	if (size >= 8 && memcmp(p, core, 8) == 0)
		return OK;
	if (size >= 8 && memcmp(p, core, 4) == 0 && p[6] == 1)
		return refuse(n, ERR_FORMAT, "%s is a WebAssembly component; Broch runs core modules (wasm32-wasi)", path);
	if (size >= 8 && memcmp(p, core, 4) == 0)
		return refuse(n, ERR_FORMAT, "%s has WebAssembly version %u; Broch knows version 1", path, (unsigned)p[4]);
	if (size > 0 && (p[0] == '(' || p[0] == ';'))
		return refuse(n, ERR_FORMAT, "%s is WebAssembly text; make it binary first: wat2wasm %s", path, path);
	if (size >= 4 && memcmp(p, "\177ELF", 4) == 0)
		return refuse(n, ERR_FORMAT, "%s is a native program; compile it for wasm32-wasi", path);
	return refuse(n, ERR_FORMAT, "%s is not a WebAssembly module: it does not start with \"\\0asm\"", path);
}

/* Reads a whole open file through SHA-256; its size is what was read. */
static enum err digest_fd(int fd, const char *path, bool module, uint64_t max, struct manifest_blob *out, struct note *n)
{
	static uint8_t buffer[READ_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	enum err err = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 ? OK : ERR_CRYPTO;
	ssize_t got = 1;

	out->size = 0;
	while (err == OK && (got = read_some(fd, buffer, sizeof buffer)) > 0) {
		if (module && out->size == 0)
			err = check_magic(buffer, (size_t)got, path, n);
		out->size += (uint64_t)got;
		if (err == OK && out->size > max)
			err = refuse(n, ERR_LIMIT, "%s is larger than the %llu MiB allowed", path,
				     (unsigned long long)(max >> 20));
		if (err == OK && EVP_DigestUpdate(md, buffer, (size_t)got) != 1)
			err = ERR_CRYPTO;
	}
	if (err == OK && got < 0)
		err = failed(n, "reading", path);
	if (err == OK && module && out->size == 0)
		err = refuse(n, ERR_FORMAT, "%s is empty", path);
	if (err == OK && EVP_DigestFinal_ex(md, out->sha256, NULL) != 1)
		err = ERR_CRYPTO;
	EVP_MD_CTX_free(md);
	return err;
}

static enum err digest_file(struct source *s, bool module, uint64_t max, struct note *n)
{
	struct stat st = {0};
	int fd = -1;
	enum err err = open_regular(s->path, &st, &fd, n);

	if (err != OK)
		return err;
	s->mode = st.st_mode & 0100 ? 0555 : 0444;
	err = digest_fd(fd, s->path, module, max, &s->blob, n);
	close(fd);
	return err;
}

enum err bundle_module(struct bundle *b, const char *path, struct note *n)
{
	b->module.path = strdup(path);
	return b->module.path != NULL ? digest_file(&b->module, true, MANIFEST_MODULE_MAX, n) : ERR_NOMEM;
}

enum err bundle_library(struct bundle *b, const char *name, const char *path, struct note *n)
{
	struct source *s = &b->libraries[b->library_count];

	if (b->library_count == MANIFEST_LIBRARIES_MAX)
		return refuse(n, ERR_LIMIT, "more than %d modules beside the program", MANIFEST_LIBRARIES_MAX);
	b->library_count++;
	*s = (struct source){.path = strdup(path), .guest = strdup(name)};
	return s->path != NULL && s->guest != NULL ? digest_file(s, true, MANIFEST_MODULE_MAX, n) : ERR_NOMEM;
}

void bundle_any_module(struct bundle *b)
{
	b->module.blob.size = 8; /* magic and version: the least */
}

/* ---- arguments and environment ---- */

static enum err push(struct slice **list, size_t *count, size_t max, struct slice value, const char *what, struct note *n)
{
	struct slice *grown;

	if (*count == max)
		return refuse(n, ERR_LIMIT, "more than %u %s", (unsigned)max, what);
	if ((*count & (*count - 1)) == 0) { /* at each power of two */
		grown = realloc(*list, (*count == 0 ? 1 : *count * 2) * sizeof *grown);
		if (grown == NULL)
			return ERR_NOMEM;
		*list = grown;
	}
	(*list)[(*count)++] = value;
	return OK;
}

enum err bundle_arg(struct bundle *b, const char *arg, struct note *n)
{
	return push(&b->m.args, &b->m.arg_count, MANIFEST_ARGS_MAX, slice_text(arg), "arguments", n);
}

enum err bundle_env(struct bundle *b, const char *pair, struct note *n)
{
	return push(&b->m.env, &b->m.env_count, MANIFEST_ENV_MAX, slice_text(pair), "environment variables", n);
}

/* ---- descriptors, mounts, secrets: short lists with a fixed end ---- */

enum err bundle_descriptor(struct bundle *b, const struct manifest_descriptor *d, struct note *n)
{
	if (b->m.descriptor_count == MANIFEST_DESCRIPTORS_MAX)
		return refuse(n, ERR_LIMIT, "more than %d descriptors", MANIFEST_DESCRIPTORS_MAX);
	b->m.descriptors = b->descriptors;
	b->descriptors[b->m.descriptor_count++] = *d;
	return OK;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(((const struct slice *)a)->data, ((const struct slice *)b)->data, 32);
}

static void copy_list(struct slice *to, const struct slice *from, size_t count)
{
	if (count > 0)
		memcpy(to, from, count * sizeof *to);
}

/* Who says a pin twice means it once. */
static void copy_pins(struct slice *to, struct manifest_trust *t)
{
	size_t kept = 0;

	copy_list(to, t->pins, t->pin_count);
	qsort(to, t->pin_count, sizeof *to, by_bytes);
	for (size_t i = 0; i < t->pin_count; i++)
		if (kept == 0 || by_bytes(&to[kept - 1], &to[i]) != 0)
			to[kept++] = to[i];
	t->pins = to;
	t->pin_count = kept;
}

enum err bundle_tls(struct bundle *b, const struct manifest_tls *t, struct note *n)
{
	if (t->name_count > MANIFEST_TLS_NAMES_MAX || t->alpn_count > MANIFEST_TLS_ALPN_MAX ||
	    t->servers.pin_count > MANIFEST_TLS_PINS_MAX || t->clients.pin_count > MANIFEST_TLS_PINS_MAX)
		return refuse(n, ERR_LIMIT, "too many names, protocols or pins for TLS");
	b->m.tls = *t;
	copy_list(b->tls_names, t->names, t->name_count);
	copy_list(b->alpn, t->alpn, t->alpn_count);
	b->m.tls.names = b->tls_names;
	b->m.tls.alpn = b->alpn;
	copy_pins(b->server_pins, &b->m.tls.servers);
	copy_pins(b->client_pins, &b->m.tls.clients);
	return OK;
}

static int by_port(const void *a, const void *b)
{
	const struct manifest_ports *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* There is one way to say which ports: sorted, and none twice. */
static void join_ports(struct manifest_network *w)
{
	size_t kept = 0;

	qsort(w->ingress, w->ingress_count, sizeof *w->ingress, by_port);
	for (size_t i = 0; i < w->ingress_count; i++) {
		const struct manifest_ports *p = &w->ingress[i];

		if (kept == 0 || p->first > w->ingress[kept - 1].last + 1)
			w->ingress[kept++] = *p;
		else if (p->last > w->ingress[kept - 1].last)
			w->ingress[kept - 1].last = p->last;
	}
	w->ingress_count = kept;
}

enum err bundle_network(struct bundle *b, const struct manifest_network *w, struct note *n)
{
	if (w->egress_count > MANIFEST_RULES_MAX || w->ingress_count > MANIFEST_RULES_MAX)
		return refuse(n, ERR_LIMIT, "more than %d rules for the network", MANIFEST_RULES_MAX);
	b->m.network = *w;
	b->m.network.egress = b->egress;
	b->m.network.ingress = b->ingress;
	if (w->egress_count > 0)
		memcpy(b->egress, w->egress, w->egress_count * sizeof *w->egress);
	if (w->ingress_count > 0)
		memcpy(b->ingress, w->ingress, w->ingress_count * sizeof *w->ingress);
	join_ports(&b->m.network);
	return OK;
}

enum err bundle_mount(struct bundle *b, const struct manifest_mount *m, struct note *n)
{
	if (b->m.mount_count == MANIFEST_MOUNTS_MAX)
		return refuse(n, ERR_LIMIT, "more than %d folders in memory", MANIFEST_MOUNTS_MAX);
	b->m.mounts = b->mounts;
	b->mounts[b->m.mount_count++] = *m;
	return OK;
}

static enum err seal_value(struct sealed *s, struct slice value)
{
	uint8_t salt[SECRET_SALT];
	size_t size = secret_sealed_size(value.size);

	if (size == 0)
		return ERR_LIMIT;
	s->bytes = malloc(size);
	if (s->bytes == NULL)
		return ERR_NOMEM;
	if (RAND_bytes(salt, sizeof salt) != 1)
		return ERR_NO_RANDOM;
	TRY(secret_seal(salt, value, s->bytes, size, &size));
	s->secret.blob.size = size;
	return EVP_Digest(s->bytes, size, s->secret.blob.sha256, NULL, EVP_sha256(), NULL) == 1 ? OK : ERR_CRYPTO;
}

enum err bundle_secret(struct bundle *b, enum secret_kind kind, const char *target, struct slice value, struct note *n)
{
	struct sealed *s = &b->secrets[b->secret_count];
	enum err err;

	if (b->secret_count == MANIFEST_SECRETS_MAX)
		return refuse(n, ERR_LIMIT, "more than %d secrets", MANIFEST_SECRETS_MAX);
	b->secret_count++;
	*s = (struct sealed){.secret = {.kind = kind, .target = slice_text(target)}};
	err = seal_value(s, value);
	return err == OK ? OK : refuse(n, err, "the secret for %s: %s", target, err == ERR_LIMIT ? "it is larger than 1 MiB" : err_text(err));
}

/* ---- folders ---- */

static enum err add_file(struct bundle *b, const char *path, const char *guest, struct note *n)
{
	struct source *s;

	if (b->file_count == MANIFEST_FILES_MAX)
		return refuse(n, ERR_LIMIT, "more than %d files; put them into an archive", MANIFEST_FILES_MAX);
	if (strlen(guest) > MANIFEST_PATH_MAX)
		return refuse(n, ERR_LIMIT, "%s: its path in the Keep is longer than %d bytes", path, MANIFEST_PATH_MAX);
	if (b->file_count == b->file_capacity) {
		size_t capacity = b->file_capacity == 0 ? 16 : b->file_capacity * 2;
		struct source *grown = realloc(b->files, capacity * sizeof *grown);

		if (grown == NULL)
			return ERR_NOMEM;
		b->files = grown;
		b->file_capacity = capacity;
	}
	s = &b->files[b->file_count++];
	*s = (struct source){.path = strdup(path), .guest = strdup(guest)};
	if (s->path == NULL || s->guest == NULL)
		return ERR_NOMEM;
	return digest_file(s, false, FILE_BYTES_MAX, n);
}

static enum err walk(struct bundle *b, const char *host, const char *guest, unsigned depth, struct note *n);

/* What came with a package stays in it, wherever its links point. */
static enum err check_within(const struct bundle *b, const char *host, struct note *n)
{
	size_t len = b->within != NULL ? strlen(b->within) : 0;
	char *real;
	bool inside;

	if (b->within == NULL)
		return OK;
	real = realpath(host, NULL);
	if (real == NULL)
		return failed(n, "looking at", host);
	inside = strncmp(real, b->within, len) == 0 && (real[len] == '/' || real[len] == 0 || len == 1);
	free(real);
	return inside ? OK : refuse(n, ERR_INVALID, "%s leads out of the package's folder %s", host, b->within);
}

static enum err walk_entry(struct bundle *b, const char *host, const char *guest, unsigned depth, struct note *n)
{
	struct stat st, target;

	if (lstat(host, &st) != 0)
		return failed(n, "looking at", host);
	if (S_ISDIR(st.st_mode))
		return walk(b, host, guest, depth + 1, n);
	if (S_ISLNK(st.st_mode) && stat(host, &target) != 0)
		return failed(n, "following the link", host);
	if (S_ISLNK(st.st_mode) && S_ISDIR(target.st_mode))
		return refuse(n, ERR_INVALID, "%s: a link to a folder is not copied; name the folder itself with --dir", host);
	if (S_ISLNK(st.st_mode))
		TRY(check_within(b, host, n));
	return add_file(b, host, guest, n);
}

static enum err walk(struct bundle *b, const char *host, const char *guest, unsigned depth, struct note *n)
{
	DIR *dir;
	struct dirent *e;
	enum err err = OK;

	if (depth > DEPTH_MAX)
		return refuse(n, ERR_LIMIT, "%s: folders are nested deeper than %d", host, DEPTH_MAX);
	dir = opendir(host);
	if (dir == NULL)
		return failed(n, "opening the folder", host);
	while (err == OK && (errno = 0, e = readdir(dir)) != NULL) {
		char *h = NULL, *g = NULL;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (asprintf(&h, "%s/%s", host, e->d_name) < 0 ||
		    asprintf(&g, "%s%s%s", guest, guest[0] != 0 ? "/" : "", e->d_name) < 0)
			err = ERR_NOMEM;
		else
			err = walk_entry(b, h, g, depth, n);
		free(h);
		free(g);
	}
	if (err == OK && errno != 0)
		err = failed(n, "reading the folder", host);
	closedir(dir);
	return err;
}

enum err bundle_files(struct bundle *b, const char *host, const char *guest, const char *within, struct note *n)
{
	struct stat st;

	if (stat(host, &st) != 0)
		return failed(n, "opening", host);
	free(b->within);
	b->within = within != NULL ? realpath(within, NULL) : NULL;
	if (within != NULL && b->within == NULL)
		return failed(n, "looking at", within);
	TRY(check_within(b, host, n));
	if (S_ISDIR(st.st_mode))
		return walk(b, host, guest, 0, n);
	if (guest[0] == 0)
		return refuse(n, ERR_INVALID, "%s is a file: give it a name in the Keep", host);
	return add_file(b, host, guest, n);
}

/* ---- sealing ---- */

static int by_guest(const void *x, const void *y)
{
	const struct source *a = x, *b = y;

	return strcmp(a->guest, b->guest);
}

static int by_kind_and_target(const void *x, const void *y)
{
	const struct sealed *a = x, *b = y;

	if (a->secret.kind != b->secret.kind)
		return a->secret.kind < b->secret.kind ? -1 : 1;
	return strcmp((const char *)a->secret.target.data, (const char *)b->secret.target.data);
}

static int by_path(const void *x, const void *y)
{
	const struct manifest_mount *a = x, *b = y;

	return strcmp((const char *)a->path.data, (const char *)b->path.data);
}

/* Their order is that in which they are made: it stays. */
static void seal_libraries(struct bundle *b)
{
	for (size_t i = 0; i < b->library_count; i++)
		b->manifest_libraries[i] = (struct manifest_library){slice_text(b->libraries[i].guest), b->libraries[i].blob};
	b->m.libraries = b->manifest_libraries;
	b->m.library_count = b->library_count;
}

static void seal_lists(struct bundle *b)
{
	qsort(b->mounts, b->m.mount_count, sizeof *b->mounts, by_path);
	qsort(b->secrets, b->secret_count, sizeof *b->secrets, by_kind_and_target);
	for (size_t i = 0; i < b->secret_count; i++)
		b->sorted_secrets[i] = b->secrets[i].secret;
	b->m.secrets = b->sorted_secrets;
	b->m.secret_count = b->secret_count;
}

static enum err seal_files(struct bundle *b, struct note *n)
{
	if (b->file_count == 0)
		return OK;
	qsort(b->files, b->file_count, sizeof *b->files, by_guest);
	b->m.files = calloc(b->file_count, sizeof *b->m.files);
	if (b->m.files == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < b->file_count; i++) {
		const struct source *s = &b->files[i];

		if (i > 0 && strcmp(s->guest, b->files[i - 1].guest) == 0)
			return refuse(n, ERR_INVALID, "%s and %s both become %s in the Keep", b->files[i - 1].path, s->path,
				      s->guest);
		b->m.files[i] = (struct manifest_file){slice_text(s->guest), s->blob, s->mode};
	}
	b->m.file_count = b->file_count;
	return OK;
}

enum err bundle_seal(struct bundle *b, struct note *n)
{
	uint8_t *out = malloc(MANIFEST_SIZE_MAX);
	enum err err = out != NULL ? OK : ERR_NOMEM;

	b->m.module = b->module.blob;
	seal_libraries(b);
	seal_lists(b);
	if (err == OK)
		err = seal_files(b, n);
	if (err == OK)
		err = manifest_encode(&b->m, out, MANIFEST_SIZE_MAX, &b->encoded_size, n);
	if (err == ERR_SPACE)
		note_set(n, "arguments, environment and file names together are larger than %d MiB", MANIFEST_SIZE_MAX >> 20);
	if (err == OK && EVP_Digest(out, b->encoded_size, b->digest, NULL, EVP_sha256(), NULL) != 1)
		err = ERR_CRYPTO;
	if (err != OK) {
		free(out);
		return err;
	}
	b->encoded = realloc(out, b->encoded_size);
	if (b->encoded == NULL)
		b->encoded = out; /* it was not made smaller, and is still there */
	return OK;
}

/* ---- sending ---- */

static size_t first_secret(const struct bundle *b)
{
	return 1 + b->library_count + b->file_count;
}

size_t bundle_blob_count(const struct bundle *b)
{
	return first_secret(b) + b->secret_count;
}

/* NULL: it is a secret, which is in memory. */
static const struct source *blob(const struct bundle *b, size_t index)
{
	if (index >= first_secret(b))
		return NULL;
	if (index > b->library_count)
		return &b->files[index - 1 - b->library_count];
	return index == 0 ? &b->module : &b->libraries[index - 1];
}

static const struct sealed *secret(const struct bundle *b, size_t index)
{
	return &b->secrets[index - first_secret(b)];
}

enum err bundle_blob_open(struct bundle *b, size_t index, struct note *n)
{
	struct stat st;

	CHECK(index < bundle_blob_count(b));
	fd_close(&b->fd);
	b->index = index;
	b->left = blob(b, index) != NULL ? blob(b, index)->blob.size : secret(b, index)->secret.blob.size;
	return blob(b, index) != NULL ? open_regular(blob(b, index)->path, &st, &b->fd, n) : OK;
}

static void read_secret(struct bundle *b, void *out, size_t capacity, size_t *size)
{
	const struct sealed *s = secret(b, b->index);

	*size = capacity < b->left ? capacity : (size_t)b->left;
	memcpy(out, s->bytes + (s->secret.blob.size - b->left), *size);
	b->left -= *size;
}

static enum err read_source(struct bundle *b, const char *path, void *out, size_t capacity, size_t *size, struct note *n)
{
	uint8_t probe;
	ssize_t got;

	if (b->left == 0 && read_some(b->fd, &probe, 1) != 0)
		return refuse(n, ERR_DIGEST, "%s grew while it was being sent; try again", path);
	*size = 0;
	if (b->left == 0)
		return OK;
	got = read_some(b->fd, out, capacity < b->left ? capacity : (size_t)b->left);
	if (got < 0)
		return failed(n, "reading", path);
	if (got == 0)
		return refuse(n, ERR_DIGEST, "%s shrank while it was being sent; try again", path);
	b->left -= (uint64_t)got;
	*size = (size_t)got;
	return OK;
}

enum err bundle_blob_read(struct bundle *b, void *out, size_t capacity, size_t *size, struct note *n)
{
	if (blob(b, b->index) != NULL)
		return read_source(b, blob(b, b->index)->path, out, capacity, size, n);
	read_secret(b, out, capacity, size);
	return OK;
}
