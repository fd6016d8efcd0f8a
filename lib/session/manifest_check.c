/* SPDX-License-Identifier: Apache-2.0 */
/* The rules a manifest keeps, judged on values. Writer and reader ask the same, so what one end writes the other takes. */
#include "lib/session/manifest.h"

#include "lib/cbor/cbor.h"
#include "lib/session/network.h"

enum { NAME_BYTES_MAX = 128, OPEN_FILES_MAX = 65536, MODULE_LEAST = 8, HOST_MAX = 255, PORT_MAX = 65535 };
#define MEMORY_MAX (UINT64_C(64) << 30)
#define FILES_SIZE_MAX (UINT64_C(16) << 30)
#define PAUSE_MAX (UINT64_C(86400) * 1000000000)

/* Where the byte is at or after `from`; size when it is not. */
static size_t find(struct slice s, size_t from, uint8_t byte)
{
	while (from < s.size && s.data[from] != byte)
		from++;
	return from;
}

/* Is this one component a name, and neither "." nor ".."? */
static bool component_ok(struct slice c)
{
	return c.size > 0 && c.size <= 255 && !slice_is(c, ".") && !slice_is(c, "..");
}

static bool text_ok(struct slice s)
{
	return utf8_valid(s) && find(s, 0, 0) == s.size;
}

static bool path_ok(struct slice path)
{
	size_t end;

	if (path.size == 0 || path.size > MANIFEST_PATH_MAX || !text_ok(path))
		return false;
	for (size_t at = 0; at <= path.size; at = end + 1) {
		if (at == path.size)
			return false; /* ends with a slash */
		end = find(path, at, '/');
		if (!component_ok(slice_of(path.data + at, end - at)))
			return false;
	}
	return true;
}

static int compare(struct slice a, struct slice b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* ---- arguments and environment ---- */

static enum err check_texts(const struct slice *texts, size_t count, size_t most, const char *part, struct note *n)
{
	if (count > most)
		return refuse(n, ERR_LIMIT, "manifest: more than %u %s", (unsigned)most, part);
	for (size_t i = 0; i < count; i++)
		if (!text_ok(texts[i]))
			return refuse(n, ERR_INVALID, "manifest: %s[%u] is not UTF-8 without NUL", part, (unsigned)i);
	return OK;
}

static enum err check_env(const struct manifest *m, struct note *n)
{
	TRY(check_texts(m->env, m->env_count, MANIFEST_ENV_MAX, "env", n));
	for (size_t i = 0; i < m->env_count; i++) {
		size_t equals = find(m->env[i], 0, '=');

		if (equals == 0 || equals == m->env[i].size)
			return refuse(n, ERR_INVALID, "manifest: env[%u] is not NAME=VALUE", (unsigned)i);
	}
	return OK;
}

/* ---- files ---- */

static bool is_file(const struct manifest *m, size_t count, struct slice path)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(m->files[middle].path, path);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* "a" and "a/b" cannot both be files. Parents sort before their children, so only earlier entries matter. */
static bool parents_are_no_files(const struct manifest *m, size_t index)
{
	struct slice path = m->files[index].path;

	for (size_t end = find(path, 0, '/'); end < path.size; end = find(path, end + 1, '/'))
		if (is_file(m, index, slice_of(path.data, end)))
			return false;
	return true;
}

static const char bad_path[] = "the path must be relative, at most 1024 bytes, without empty, \".\" or \"..\" parts";

static const char *file_fault(const struct manifest *m, size_t i, uint64_t *total)
{
	const struct manifest_file *f = &m->files[i];

	if (!path_ok(f->path))
		return bad_path;
	if (i > 0 && compare(m->files[i - 1].path, f->path) >= 0)
		return "paths are not sorted, or one is there twice";
	if (!parents_are_no_files(m, i))
		return "the path leads through another file";
	if (f->mode != 0444 && f->mode != 0555)
		return "the mode must be 0444 or 0555";
	if (f->blob.size > FILES_SIZE_MAX - *total)
		return "files are larger than 16 GiB together";
	*total += f->blob.size;
	return NULL;
}

static enum err check_files(const struct manifest *m, struct note *n)
{
	const char *fault;
	uint64_t total = 0;

	if (m->file_count > MANIFEST_FILES_MAX)
		return refuse(n, ERR_LIMIT, "manifest: more than %u files", MANIFEST_FILES_MAX);
	for (size_t i = 0; i < m->file_count; i++) {
		fault = file_fault(m, i, &total);
		if (fault != NULL)
			return refuse(n, ERR_INVALID, "manifest: files[%u]: %s", (unsigned)i, fault);
	}
	return OK;
}

/* ---- mounts and secrets ---- */

static bool below(struct slice path, struct slice folder)
{
	return path.size > folder.size && path.data[folder.size] == '/' && memcmp(path.data, folder.data, folder.size) == 0;
}

/* Can these two not be in one tree, or would one hide the other? */
static bool clash(struct slice a, struct slice b)
{
	return slice_equal(a, b) || below(a, b) || below(b, a);
}

static bool clashes_with_files(const struct manifest *m, struct slice path)
{
	for (size_t i = 0; i < m->file_count; i++)
		if (clash(m->files[i].path, path))
			return true;
	return false;
}

static bool clashes_with_mounts(const struct manifest *m, size_t count, struct slice path)
{
	for (size_t i = 0; i < count; i++)
		if (clash(m->mounts[i].path, path))
			return true;
	return false;
}

static const char *mount_fault(const struct manifest *m, size_t i)
{
	const struct manifest_mount *p = &m->mounts[i];

	if (!path_ok(p->path))
		return bad_path;
	if (i > 0 && compare(m->mounts[i - 1].path, p->path) >= 0)
		return "paths are not sorted, or one is there twice";
	if (clashes_with_mounts(m, i, p->path))
		return "it lies in another mount";
	if (clashes_with_files(m, p->path))
		return "a package file is there: it would be hidden";
	if (p->bytes == 0 || p->bytes > MANIFEST_MOUNT_BYTES_MAX)
		return "its size must be from 1 byte to 2 GiB";
	return NULL;
}

static enum err check_mounts(const struct manifest *m, struct note *n)
{
	if (m->mount_count > MANIFEST_MOUNTS_MAX)
		return refuse(n, ERR_LIMIT, "manifest: more than %u mounts", MANIFEST_MOUNTS_MAX);
	for (size_t i = 0; i < m->mount_count; i++) {
		const char *fault = mount_fault(m, i);

		if (fault != NULL)
			return refuse(n, ERR_INVALID, "manifest: mounts[%u]: %s", (unsigned)i, fault);
	}
	return OK;
}

static bool env_has(const struct manifest *m, struct slice name)
{
	for (size_t i = 0; i < m->env_count; i++)
		if (m->env[i].size > name.size && m->env[i].data[name.size] == '=' &&
		    memcmp(m->env[i].data, name.data, name.size) == 0)
			return true;
	return false;
}

static const char *variable_fault(const struct manifest *m, struct slice name)
{
	if (name.size == 0 || name.size > 255 || !text_ok(name) || find(name, 0, '=') != name.size)
		return "the variable must have a name of at most 255 bytes without '='";
	return env_has(m, name) ? "the variable is in env, too" : NULL;
}

static const char *secret_file_fault(const struct manifest *m, size_t i)
{
	struct slice path = m->secrets[i].target;

	if (!path_ok(path))
		return bad_path;
	if (clashes_with_files(m, path))
		return "a package file is there, too";
	if (clashes_with_mounts(m, m->mount_count, path))
		return "a mount is there: it would hide the secret";
	for (size_t k = 0; k < i; k++)
		if (m->secrets[k].kind == SECRET_FILE && clash(m->secrets[k].target, path))
			return "its path leads through another secret";
	return NULL;
}

static const char *secret_fault(const struct manifest *m, size_t i)
{
	const struct manifest_secret *s = &m->secrets[i], *before = i > 0 ? s - 1 : NULL;

	if (s->kind < SECRET_ENV || s->kind > SECRET_TLS_KEY)
		return "it must be a variable (1), a file (2) or the key for TLS (3)";
	if (before != NULL && (before->kind > s->kind ||
			       (before->kind == s->kind && compare(before->target, s->target) >= 0)))
		return "secrets are not sorted, or one is there twice";
	if (s->blob.size == 0 || s->blob.size % SECRET_STEP != 0 || s->blob.size > SECRET_SIZE_MAX)
		return "its sealed size must be a multiple of 256, at most 1 MiB";
	if (s->kind == SECRET_TLS_KEY)
		return slice_is(s->target, SECRET_TLS_TARGET) ? NULL : "the key for TLS goes to \"" SECRET_TLS_TARGET "\"";
	return s->kind == SECRET_ENV ? variable_fault(m, s->target) : secret_file_fault(m, i);
}

static enum err check_secrets(const struct manifest *m, struct note *n)
{
	if (m->secret_count > MANIFEST_SECRETS_MAX)
		return refuse(n, ERR_LIMIT, "manifest: more than %u secrets", MANIFEST_SECRETS_MAX);
	for (size_t i = 0; i < m->secret_count; i++) {
		const char *fault = secret_fault(m, i);

		if (fault != NULL)
			return refuse(n, ERR_INVALID, "manifest: secrets[%u]: %s", (unsigned)i, fault);
	}
	return OK;
}

/* ---- descriptors ---- */

static const char *socket_fault(const struct manifest_descriptor *d)
{
	if (d->protocol != DESCRIPTOR_TCP && d->protocol != DESCRIPTOR_TLS)
		return "the protocol must be tcp (1) or tls (2)";
	if (d->host.size == 0 || d->host.size > HOST_MAX || !text_ok(d->host))
		return "the host must be a name or address of at most 255 bytes";
	return d->port == 0 || d->port > PORT_MAX ? "the port must be from 1 to 65535" : NULL;
}

static const char *descriptor_fault(const struct manifest_descriptor *d)
{
	if (d->kind == 0 || d->kind >= DESCRIPTOR_KINDS)
		return "unknown kind";
	if (d->name.size == 0 || d->name.size > MANIFEST_DESCRIPTOR_NAME_MAX || !text_ok(d->name) ||
	    find(d->name, 0, ':') != d->name.size)
		return "the name must be 1 to 255 bytes without ':', which separates names in FD_NAMES";
	if (d->kind == DESCRIPTOR_LISTEN || d->kind == DESCRIPTOR_CONNECT)
		return socket_fault(d);
	return d->protocol != 0 || d->host.size != 0 || d->port != 0 ? "only listen and connect have an address" : NULL;
}

static enum err check_descriptors(const struct manifest *m, struct note *n)
{
	if (m->descriptor_count > MANIFEST_DESCRIPTORS_MAX)
		return refuse(n, ERR_LIMIT, "manifest: more than %u descriptors", MANIFEST_DESCRIPTORS_MAX);
	for (size_t i = 0; i < m->descriptor_count; i++) {
		const char *fault = descriptor_fault(&m->descriptors[i]);

		if (fault != NULL)
			return refuse(n, ERR_INVALID, "manifest: descriptors[%u]: %s", (unsigned)i, fault);
	}
	return OK;
}

/* ---- tls ---- */

enum { DNS_NAME_MAX = 253, ALPN_NAME_MAX = 255, PIN_SIZE = 32 };

/* Printable ASCII without spaces: what a certificate and ALPN can say. */
static bool word_ok(struct slice s, size_t most)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] <= ' ' || s.data[i] > '~')
			return false;
	return s.size > 0 && s.size <= most;
}

static const char *trust_fault(const struct manifest *m, const struct manifest_trust *t)
{
	if (t->roots.size > 0 && !is_file(m, m->file_count, t->roots))
		return "the roots are not among the files";
	if (t->pin_count > MANIFEST_TLS_PINS_MAX)
		return "more than 64 pins";
	for (size_t i = 0; i < t->pin_count; i++) {
		if (t->pins[i].size != PIN_SIZE)
			return "a pin is not 32 bytes";
		if (i > 0 && compare(t->pins[i - 1], t->pins[i]) >= 0)
			return "the pins are not sorted, or one is there twice";
	}
	return NULL;
}

static enum err check_tls(const struct manifest *m, struct note *n)
{
	const struct manifest_tls *t = &m->tls;
	const char *fault = trust_fault(m, &t->servers);

	if (fault == NULL)
		fault = trust_fault(m, &t->clients);
	if (fault != NULL)
		return refuse(n, ERR_INVALID, "manifest: tls: %s", fault);
	if (t->name_count > MANIFEST_TLS_NAMES_MAX || t->alpn_count > MANIFEST_TLS_ALPN_MAX)
		return refuse(n, ERR_LIMIT, "manifest: tls: at most %d names and %d protocols", MANIFEST_TLS_NAMES_MAX,
			      MANIFEST_TLS_ALPN_MAX);
	for (size_t i = 0; i < t->name_count; i++)
		if (!word_ok(t->names[i], DNS_NAME_MAX))
			return refuse(n, ERR_INVALID, "manifest: tls: names[%u] is no DNS name", (unsigned)i);
	for (size_t i = 0; i < t->alpn_count; i++)
		if (!word_ok(t->alpn[i], ALPN_NAME_MAX))
			return refuse(n, ERR_INVALID, "manifest: tls: alpn[%u] is no name of a protocol", (unsigned)i);
	return OK;
}

/* ---- network ---- */

static bool ports_ok(uint32_t first, uint32_t last)
{
	return first > 0 && first <= last && last <= PORT_MAX;
}

static const char *egress_fault(const struct manifest_egress *e)
{
	if ((e->host.size > 0) == (e->address.size > 0))
		return "it must have a host or an address";
	if (e->host.size > 0 && !network_pattern_ok(e->host))
		return "the host must be a name in small letters, \"*.\" before one, or \"*\"";
	if (e->address.size > 0 && !network_prefix_ok(e->address, e->prefix))
		return "the address must have 4 or 16 bytes, and zeros behind its prefix";
	if (!ports_ok(e->first, e->last))
		return "the ports must be from 1 to 65535";
	return e->pin.size != 0 && e->pin.size != PIN_SIZE ? "the pin is not 32 bytes" : NULL;
}

/* The program finds its sockets there. */
static bool net_is_taken(const struct manifest *m)
{
	const struct slice net = slice_text("net");
	bool taken = clashes_with_files(m, net) || clashes_with_mounts(m, m->mount_count, net);

	for (size_t i = 0; i < m->secret_count; i++)
		taken = taken || (m->secrets[i].kind == SECRET_FILE && clash(m->secrets[i].target, net));
	return taken;
}

static enum err check_network(const struct manifest *m, struct note *n)
{
	const struct manifest_network *w = &m->network;

	if (w->egress_count > MANIFEST_RULES_MAX || w->ingress_count > MANIFEST_RULES_MAX)
		return refuse(n, ERR_LIMIT, "manifest: network: at most %d rules each way", MANIFEST_RULES_MAX);
	for (size_t i = 0; i < w->egress_count; i++) {
		const char *fault = egress_fault(&w->egress[i]);

		if (fault != NULL)
			return refuse(n, ERR_INVALID, "manifest: network: egress[%u]: %s", (unsigned)i, fault);
	}
	for (size_t i = 0; i < w->ingress_count; i++)
		if (!ports_ok(w->ingress[i].first, w->ingress[i].last) ||
		    (i > 0 && w->ingress[i].first <= w->ingress[i - 1].last))
			return refuse(n, ERR_INVALID, "manifest: network: ingress[%u]: ports from 1 to 65535, sorted, each once",
				      (unsigned)i);
	if (manifest_network_said(w) && net_is_taken(m))
		return refuse(n, ERR_INVALID, "manifest: network: a file, mount or secret is at /net, where the sockets are");
	return OK;
}

/* ---- limits and the rest ---- */

static enum err check_limits(const struct manifest *m, struct note *n)
{
	if (m->limits.memory_bytes > MEMORY_MAX || m->limits.file_bytes > MEMORY_MAX)
		return refuse(n, ERR_LIMIT, "manifest: limits: at most 64 GiB of memory and files");
	if (m->limits.wall_ns > INT64_MAX || m->limits.cpu_ns > INT64_MAX)
		return refuse(n, ERR_LIMIT, "manifest: limits: a time is too long; 0 means none");
	if (m->limits.open_files > OPEN_FILES_MAX || m->limits.sockets > OPEN_FILES_MAX)
		return refuse(n, ERR_LIMIT, "manifest: limits: at most %u open files and sockets", OPEN_FILES_MAX);
	return OK;
}

static enum err check_restart(const struct manifest *m, struct note *n)
{
	if (m->restart.when == RESTART_NEVER)
		return (m->restart.times | m->restart.pause_ns | m->restart.pause_max_ns) == 0
			       ? OK
			       : refuse(n, ERR_INVALID, "manifest: restart: never, but with a number or a pause");
	if (m->restart.when > RESTART_ALWAYS)
		return refuse(n, ERR_INVALID, "manifest: restart: when must be 1 (on failure) or 2 (always)");
	if (m->restart.times == 0 || m->restart.times > MANIFEST_RESTARTS_MAX)
		return refuse(n, ERR_INVALID, "manifest: restart: from 1 to %u times", MANIFEST_RESTARTS_MAX);
	if (m->restart.pause_ns > m->restart.pause_max_ns || m->restart.pause_max_ns > PAUSE_MAX)
		return refuse(n, ERR_INVALID, "manifest: restart: the first pause must not be longer than the longest, and that not than a day");
	return OK;
}

/* ---- modules ---- */

const char *manifest_library_name_fault(struct slice name)
{
	if (name.size == 0 || name.size > MANIFEST_LIBRARY_NAME_MAX || !text_ok(name))
		return "the name must be UTF-8 of 1 to 128 bytes";
	if (slice_is(name, "wasi_snapshot_preview1") || slice_is(name, "wasi_unstable"))
		return "the name is that of WASI, which answers to it already";
	return NULL;
}

static const char *library_fault(const struct manifest *m, size_t i, uint64_t *total)
{
	const struct manifest_library *l = &m->libraries[i];
	const char *fault = manifest_library_name_fault(l->name);

	for (size_t k = 0; k < i && fault == NULL; k++)
		if (slice_equal(m->libraries[k].name, l->name))
			fault = "another one has its name";
	if (fault == NULL && (l->blob.size < MODULE_LEAST || l->blob.size > MANIFEST_MODULE_MAX - *total))
		fault = "a module has 8 bytes or more, and all of them together at most 256 MiB";
	*total += l->blob.size;
	return fault;
}

static enum err check_modules(const struct manifest *m, struct note *n)
{
	uint64_t total = m->module.size;

	if (m->module.size < MODULE_LEAST || m->module.size > MANIFEST_MODULE_MAX)
		return refuse(n, ERR_LIMIT, "manifest: a module has 8 bytes to 256 MiB");
	if (m->library_count > MANIFEST_LIBRARIES_MAX)
		return refuse(n, ERR_LIMIT, "manifest: more than %d libraries", MANIFEST_LIBRARIES_MAX);
	for (size_t i = 0; i < m->library_count; i++) {
		const char *fault = library_fault(m, i, &total);

		if (fault != NULL)
			return refuse(n, ERR_INVALID, "manifest: libraries[%u]: %s", (unsigned)i, fault);
	}
	return OK;
}

enum err manifest_check(const struct manifest *m, struct note *n)
{
	TRY(check_modules(m, n));
	TRY(check_texts(m->args, m->arg_count, MANIFEST_ARGS_MAX, "args", n));
	TRY(check_env(m, n));
	TRY(check_files(m, n));
	TRY(check_limits(m, n));
	if ((m->flags & ~(unsigned)(MANIFEST_STDIN | MANIFEST_DETACHED | MANIFEST_NO_ROOT | MANIFEST_CHECK_CODE)) != 0)
		return refuse(n, ERR_INVALID, "manifest: unknown flags");
	if (m->name.size > NAME_BYTES_MAX || !text_ok(m->name))
		return refuse(n, ERR_INVALID, "manifest: the name must be UTF-8 of at most %u bytes", NAME_BYTES_MAX);
	TRY(check_descriptors(m, n));
	TRY(check_mounts(m, n));
	TRY(check_secrets(m, n));
	TRY(check_tls(m, n));
	TRY(check_network(m, n));
	return check_restart(m, n);
}
