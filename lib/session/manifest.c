/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is two steps: the reader takes the structure apart (only deterministic CBOR of the right shape), then
 * manifest_check judges the values. The writer asks it first. What is empty or zero is left out, and refused when it is
 * there all the same, so that each manifest has one encoding.
 */
#include "lib/session/manifest.h"

#include "lib/cbor/cbor.h"

#include <assert.h>

enum { VERSION = 2, MANDATORY = 2, PARTS = 15, TLS_KEYS = 6, LIMITS = 7, RESTART_VALUES = 4 };

const char *descriptor_kind_text(uint32_t kind)
{
	static const char *const text[DESCRIPTOR_KINDS] = {"unknown", "null", "stdin", "stdout", "stderr", "listen", "connect"};

	return text[kind < DESCRIPTOR_KINDS ? kind : 0];
}

/* ---- reading ---- */

struct input {
	struct reader r;
	struct arena *arena;
};

static enum err expect_key(struct input *in, struct cbor_map *m, uint64_t key)
{
	uint64_t got;

	if (m->left == 0)
		return ERR_TRUNCATED;
	TRY(cbor_key_uint(&in->r, m, &got));
	return got == key ? OK : ERR_FORMAT;
}

/* How many items; none at all must be said by leaving the list out. */
static enum err read_count(struct input *in, size_t most, size_t *count)
{
	TRY(cbor_array(&in->r, count));
	if (*count == 0)
		return ERR_FORMAT;
	return *count > most ? ERR_LIMIT : OK;
}

static enum err no_more(const struct cbor_map *m)
{
	return m->left == 0 ? OK : ERR_TRAILING;
}

static enum err read_u32(struct input *in, uint32_t *out)
{
	uint64_t v;

	TRY(cbor_uint(&in->r, &v));
	*out = (uint32_t)v;
	return v <= UINT32_MAX ? OK : ERR_RANGE;
}

/* Keys 1 and 2 of a module, 2 and 3 of a file or a library. */
static enum err read_blob(struct input *in, struct cbor_map *map, uint64_t key, struct manifest_blob *out)
{
	struct slice s;

	TRY(expect_key(in, map, key));
	TRY(cbor_bytes(&in->r, &s));
	if (s.size != sizeof out->sha256)
		return ERR_RANGE;
	memcpy(out->sha256, s.data, s.size);
	TRY(expect_key(in, map, key + 1));
	return cbor_uint(&in->r, &out->size);
}

static enum err read_version(struct input *in, struct manifest *m)
{
	uint64_t version;

	(void)m;
	TRY(cbor_uint(&in->r, &version));
	return version == VERSION ? OK : ERR_VERSION;
}

static enum err read_module(struct input *in, struct manifest *m)
{
	struct cbor_map map;

	TRY(cbor_map(&in->r, &map));
	TRY(read_blob(in, &map, 1, &m->module));
	return no_more(&map);
}

static enum err read_texts(struct input *in, size_t most, struct slice **out, size_t *count)
{
	TRY(read_count(in, most, count));
	*out = arena_many(in->arena, *count, struct slice);
	if (*out == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < *count; i++)
		TRY(cbor_text(&in->r, &(*out)[i]));
	return OK;
}

static enum err read_args(struct input *in, struct manifest *m)
{
	return read_texts(in, MANIFEST_ARGS_MAX, &m->args, &m->arg_count);
}

static enum err read_env(struct input *in, struct manifest *m)
{
	return read_texts(in, MANIFEST_ENV_MAX, &m->env, &m->env_count);
}

static enum err read_file(struct input *in, struct manifest_file *f)
{
	struct cbor_map map;

	TRY(cbor_map(&in->r, &map));
	TRY(expect_key(in, &map, 1));
	TRY(cbor_text(&in->r, &f->path));
	TRY(read_blob(in, &map, 2, &f->blob));
	TRY(expect_key(in, &map, 4));
	TRY(read_u32(in, &f->mode));
	return no_more(&map);
}

static enum err read_files(struct input *in, struct manifest *m)
{
	TRY(read_count(in, MANIFEST_FILES_MAX, &m->file_count));
	m->files = arena_many(in->arena, m->file_count, struct manifest_file);
	if (m->files == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->file_count; i++)
		TRY(read_file(in, &m->files[i]));
	return OK;
}

/* Keys 1 to count, each with a number that is not 0. */
static enum err read_numbers(struct input *in, uint64_t *const *values, size_t count)
{
	struct cbor_map map;
	uint64_t key;

	TRY(cbor_map(&in->r, &map));
	if (map.left == 0)
		return ERR_FORMAT;
	while (map.left > 0) {
		TRY(cbor_key_uint(&in->r, &map, &key));
		if (key == 0 || key > count)
			return ERR_FORMAT;
		TRY(cbor_uint(&in->r, values[key - 1]));
		if (*values[key - 1] == 0)
			return ERR_FORMAT;
	}
	return OK;
}

static enum err read_limits(struct input *in, struct manifest *m)
{
	uint64_t *const values[LIMITS] = {&m->limits.memory_bytes, &m->limits.wall_ns, &m->limits.cpu_ns, &m->limits.open_files,
					  &m->limits.file_bytes, &m->limits.sockets, &m->limits.network_bytes};

	return read_numbers(in, values, ARRAY_COUNT(values));
}

static enum err read_flags(struct input *in, struct manifest *m)
{
	TRY(read_u32(in, &m->flags));
	return m->flags == 0 ? ERR_FORMAT : OK;
}

static enum err read_name(struct input *in, struct manifest *m)
{
	TRY(cbor_text(&in->r, &m->name));
	return m->name.size == 0 ? ERR_FORMAT : OK;
}

static enum err read_address(struct input *in, struct cbor_map *map, struct manifest_descriptor *d)
{
	TRY(expect_key(in, map, 3));
	TRY(read_u32(in, &d->protocol));
	TRY(expect_key(in, map, 4));
	TRY(cbor_text(&in->r, &d->host));
	TRY(expect_key(in, map, 5));
	TRY(read_u32(in, &d->port));
	return d->protocol == 0 ? ERR_FORMAT : no_more(map); /* a socket's; manifest_check looks at the rest */
}

static enum err read_descriptor(struct input *in, struct manifest_descriptor *d)
{
	struct cbor_map map;

	TRY(cbor_map(&in->r, &map));
	TRY(expect_key(in, &map, 1));
	TRY(read_u32(in, &d->kind));
	TRY(expect_key(in, &map, 2));
	TRY(cbor_text(&in->r, &d->name));
	return map.left == 0 ? OK : read_address(in, &map, d);
}

static enum err read_descriptors(struct input *in, struct manifest *m)
{
	TRY(read_count(in, MANIFEST_DESCRIPTORS_MAX, &m->descriptor_count));
	m->descriptors = arena_many(in->arena, m->descriptor_count, struct manifest_descriptor);
	if (m->descriptors == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->descriptor_count; i++)
		TRY(read_descriptor(in, &m->descriptors[i]));
	return OK;
}

static enum err read_mount(struct input *in, struct manifest_mount *p)
{
	struct cbor_map map;

	TRY(cbor_map(&in->r, &map));
	TRY(expect_key(in, &map, 1));
	TRY(cbor_text(&in->r, &p->path));
	TRY(expect_key(in, &map, 2));
	TRY(cbor_uint(&in->r, &p->bytes));
	return no_more(&map);
}

static enum err read_mounts(struct input *in, struct manifest *m)
{
	TRY(read_count(in, MANIFEST_MOUNTS_MAX, &m->mount_count));
	m->mounts = arena_many(in->arena, m->mount_count, struct manifest_mount);
	if (m->mounts == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->mount_count; i++)
		TRY(read_mount(in, &m->mounts[i]));
	return OK;
}

static enum err read_secret(struct input *in, struct manifest_secret *s)
{
	struct cbor_map map;

	TRY(cbor_map(&in->r, &map));
	TRY(expect_key(in, &map, 1));
	TRY(read_u32(in, &s->kind));
	TRY(expect_key(in, &map, 2));
	TRY(cbor_text(&in->r, &s->target));
	TRY(read_blob(in, &map, 3, &s->blob));
	return no_more(&map);
}

static enum err read_secrets(struct input *in, struct manifest *m)
{
	TRY(read_count(in, MANIFEST_SECRETS_MAX, &m->secret_count));
	m->secrets = arena_many(in->arena, m->secret_count, struct manifest_secret);
	if (m->secrets == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->secret_count; i++)
		TRY(read_secret(in, &m->secrets[i]));
	return OK;
}

static enum err read_restart(struct input *in, struct manifest *m)
{
	uint64_t *const values[RESTART_VALUES] = {&m->restart.when, &m->restart.times, &m->restart.pause_ns,
						  &m->restart.pause_max_ns};

	return read_numbers(in, values, ARRAY_COUNT(values));
}

static enum err read_pins(struct input *in, struct manifest_trust *t)
{
	TRY(read_count(in, MANIFEST_TLS_PINS_MAX, &t->pin_count));
	t->pins = arena_many(in->arena, t->pin_count, struct slice);
	if (t->pins == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < t->pin_count; i++)
		TRY(cbor_bytes(&in->r, &t->pins[i]));
	return OK;
}

static enum err read_roots(struct input *in, struct manifest_trust *t)
{
	TRY(cbor_text(&in->r, &t->roots));
	return t->roots.size > 0 ? OK : ERR_FORMAT;
}

static enum err read_tls_key(struct input *in, struct manifest_tls *t, uint64_t key)
{
	switch (key) {
	case 1: return read_texts(in, MANIFEST_TLS_NAMES_MAX, &t->names, &t->name_count);
	case 2: return read_texts(in, MANIFEST_TLS_ALPN_MAX, &t->alpn, &t->alpn_count);
	case 3: return read_roots(in, &t->servers);
	case 4: return read_pins(in, &t->servers);
	case 5: return read_roots(in, &t->clients);
	case TLS_KEYS: return read_pins(in, &t->clients);
	default: return ERR_FORMAT;
	}
}

static enum err read_tls(struct input *in, struct manifest *m)
{
	struct cbor_map map;
	uint64_t key;

	TRY(cbor_map(&in->r, &map));
	if (map.left == 0)
		return ERR_FORMAT;
	while (map.left > 0) {
		TRY(cbor_key_uint(&in->r, &map, &key));
		TRY(read_tls_key(in, &m->tls, key));
	}
	return OK;
}

static enum err read_ports(struct input *in, struct cbor_map *map, uint64_t key, uint32_t *first, uint32_t *last)
{
	TRY(expect_key(in, map, key));
	TRY(read_u32(in, first));
	TRY(expect_key(in, map, key + 1));
	return read_u32(in, last);
}

static enum err read_target(struct input *in, struct cbor_map *map, struct manifest_egress *e)
{
	uint64_t key;

	TRY(cbor_key_uint(&in->r, map, &key));
	if (key == 1)
		return cbor_text(&in->r, &e->host);
	if (key != 2)
		return ERR_FORMAT;
	TRY(cbor_bytes(&in->r, &e->address));
	TRY(expect_key(in, map, 3));
	return read_u32(in, &e->prefix);
}

static enum err read_egress(struct input *in, struct manifest_egress *e)
{
	struct cbor_map map;

	TRY(cbor_map(&in->r, &map));
	if (map.left == 0)
		return ERR_TRUNCATED;
	TRY(read_target(in, &map, e));
	TRY(read_ports(in, &map, 4, &e->first, &e->last));
	if (map.left == 0)
		return OK;
	TRY(expect_key(in, &map, 6));
	TRY(cbor_bytes(&in->r, &e->pin));
	return e->pin.size > 0 ? no_more(&map) : ERR_FORMAT;
}

static enum err read_all_egress(struct input *in, struct manifest_network *n)
{
	TRY(read_count(in, MANIFEST_RULES_MAX, &n->egress_count));
	n->egress = arena_many(in->arena, n->egress_count, struct manifest_egress);
	if (n->egress == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n->egress_count; i++)
		TRY(read_egress(in, &n->egress[i]));
	return OK;
}

static enum err read_all_ingress(struct input *in, struct manifest_network *n)
{
	struct cbor_map map;

	TRY(read_count(in, MANIFEST_RULES_MAX, &n->ingress_count));
	n->ingress = arena_many(in->arena, n->ingress_count, struct manifest_ports);
	if (n->ingress == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n->ingress_count; i++) {
		TRY(cbor_map(&in->r, &map));
		TRY(read_ports(in, &map, 1, &n->ingress[i].first, &n->ingress[i].last));
		TRY(no_more(&map));
	}
	return OK;
}

static enum err read_network(struct input *in, struct manifest *m)
{
	struct cbor_map map;
	uint64_t key;

	TRY(cbor_map(&in->r, &map));
	if (map.left == 0)
		return ERR_FORMAT;
	while (map.left > 0) {
		TRY(cbor_key_uint(&in->r, &map, &key));
		if (key != 1 && key != 2)
			return ERR_FORMAT;
		TRY(key == 1 ? read_all_egress(in, &m->network) : read_all_ingress(in, &m->network));
	}
	return OK;
}

static enum err read_library(struct input *in, struct manifest_library *l)
{
	struct cbor_map map;

	TRY(cbor_map(&in->r, &map));
	TRY(expect_key(in, &map, 1));
	TRY(cbor_text(&in->r, &l->name));
	TRY(read_blob(in, &map, 2, &l->blob));
	return no_more(&map);
}

static enum err read_libraries(struct input *in, struct manifest *m)
{
	TRY(read_count(in, MANIFEST_LIBRARIES_MAX, &m->library_count));
	m->libraries = arena_many(in->arena, m->library_count, struct manifest_library);
	if (m->libraries == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->library_count; i++)
		TRY(read_library(in, &m->libraries[i]));
	return OK;
}

/* Key k is read by parts[k - 1]; version and module must be there. */
static const struct {
	const char *name;
	enum err (*read)(struct input *, struct manifest *);
} parts[] = {
	{"version", read_version}, {"module", read_module},           {"args", read_args},     {"env", read_env},
	{"files", read_files},     {"limits", read_limits},           {"flags", read_flags},   {"name", read_name},
	{"descriptors", read_descriptors}, {"mounts", read_mounts}, {"secrets", read_secrets}, {"restart", read_restart},
	{"tls", read_tls}, {"network", read_network}, {"libraries", read_libraries},
};
static_assert(ARRAY_COUNT(parts) == PARTS, "one reader and one writer for each part");

/* *part is where it failed, for the message. */
static enum err read_all(struct input *in, struct manifest *m, const char **part)
{
	struct cbor_map map;
	uint64_t key, last = 0;

	TRY(cbor_map(&in->r, &map));
	while (map.left > 0) {
		*part = "keys";
		TRY(cbor_key_uint(&in->r, &map, &key));
		if (key == 0 || key > ARRAY_COUNT(parts) || (last < MANDATORY && key != last + 1))
			return ERR_FORMAT;
		*part = parts[key - 1].name;
		TRY(parts[key - 1].read(in, m));
		last = key;
	}
	*part = "end";
	return last < MANDATORY ? ERR_TRUNCATED : rd_end(&in->r);
}

static enum err decode(struct input *in, struct manifest *out, struct note *n)
{
	const char *part = "start";
	enum err err = rd_left(&in->r) > MANIFEST_SIZE_MAX ? ERR_LIMIT : read_all(in, out, &part);

	if (err != OK)
		return refuse(n, err, "manifest, %s, offset %llu: %s", part, (unsigned long long)rd_offset(&in->r),
			      err_text(err));
	return manifest_check(out, n);
}

enum err manifest_decode(struct arena *a, struct slice cbor, struct manifest *out, struct note *n)
{
	struct input in = {rd_of(cbor), a};
	size_t mark = a->used;
	enum err err;

	*out = (struct manifest){0};
	err = decode(&in, out, n);
	if (err != OK)
		arena_release(a, mark);
	return err;
}

/* ---- writing ---- */

static enum err put_key_uint(struct writer *w, uint64_t key, uint64_t v)
{
	TRY(cbor_put_uint(w, key));
	return cbor_put_uint(w, v);
}

static enum err put_key_sha256(struct writer *w, uint64_t key, const uint8_t sha256[static 32])
{
	TRY(cbor_put_uint(w, key));
	return cbor_put_bytes(w, slice_of(sha256, 32));
}

static enum err put_texts(struct writer *w, const struct slice *texts, size_t count)
{
	TRY(cbor_put_array(w, count));
	for (size_t i = 0; i < count; i++)
		TRY(cbor_put_text(w, texts[i]));
	return OK;
}

/* The numbers that are not 0, under keys from 1. */
static enum err put_numbers(struct writer *w, const uint64_t *values, size_t count)
{
	size_t there = 0;

	for (size_t i = 0; i < count; i++)
		there += values[i] != 0;
	TRY(cbor_put_map(w, there));
	for (size_t i = 0; i < count; i++)
		if (values[i] != 0)
			TRY(put_key_uint(w, i + 1, values[i]));
	return OK;
}

static enum err put_key_text(struct writer *w, uint64_t key, struct slice text)
{
	TRY(cbor_put_uint(w, key));
	return cbor_put_text(w, text);
}

static enum err put_version(struct writer *w, const struct manifest *m)
{
	(void)m;
	return cbor_put_uint(w, VERSION);
}

static enum err put_module(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_map(w, 2));
	TRY(put_key_sha256(w, 1, m->module.sha256));
	return put_key_uint(w, 2, m->module.size);
}

static enum err put_args(struct writer *w, const struct manifest *m)
{
	return put_texts(w, m->args, m->arg_count);
}

static enum err put_env(struct writer *w, const struct manifest *m)
{
	return put_texts(w, m->env, m->env_count);
}

static enum err put_file(struct writer *w, const struct manifest_file *f)
{
	TRY(cbor_put_map(w, 4));
	TRY(put_key_text(w, 1, f->path));
	TRY(put_key_sha256(w, 2, f->blob.sha256));
	TRY(put_key_uint(w, 3, f->blob.size));
	return put_key_uint(w, 4, f->mode);
}

static enum err put_files(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_array(w, m->file_count));
	for (size_t i = 0; i < m->file_count; i++)
		TRY(put_file(w, &m->files[i]));
	return OK;
}

/* In the order of their keys. */
#define LIMIT_VALUES(m)                                                                                                \
	{(m)->limits.memory_bytes, (m)->limits.wall_ns,  (m)->limits.cpu_ns,       (m)->limits.open_files,                \
	 (m)->limits.file_bytes,   (m)->limits.sockets,  (m)->limits.network_bytes}

static enum err put_limits(struct writer *w, const struct manifest *m)
{
	const uint64_t values[LIMITS] = LIMIT_VALUES(m);

	return put_numbers(w, values, LIMITS);
}

static enum err put_flags(struct writer *w, const struct manifest *m)
{
	return cbor_put_uint(w, m->flags);
}

static enum err put_name(struct writer *w, const struct manifest *m)
{
	return cbor_put_text(w, m->name);
}

static enum err put_descriptor(struct writer *w, const struct manifest_descriptor *d)
{
	bool socket = d->protocol != DESCRIPTOR_NO_PROTOCOL;

	TRY(cbor_put_map(w, socket ? 5 : 2));
	TRY(put_key_uint(w, 1, d->kind));
	TRY(put_key_text(w, 2, d->name));
	if (!socket)
		return OK;
	TRY(put_key_uint(w, 3, d->protocol));
	TRY(put_key_text(w, 4, d->host));
	return put_key_uint(w, 5, d->port);
}

static enum err put_descriptors(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_array(w, m->descriptor_count));
	for (size_t i = 0; i < m->descriptor_count; i++)
		TRY(put_descriptor(w, &m->descriptors[i]));
	return OK;
}

static enum err put_mounts(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_array(w, m->mount_count));
	for (size_t i = 0; i < m->mount_count; i++) {
		TRY(cbor_put_map(w, 2));
		TRY(put_key_text(w, 1, m->mounts[i].path));
		TRY(put_key_uint(w, 2, m->mounts[i].bytes));
	}
	return OK;
}

static enum err put_secret(struct writer *w, const struct manifest_secret *s)
{
	TRY(cbor_put_map(w, 4));
	TRY(put_key_uint(w, 1, s->kind));
	TRY(put_key_text(w, 2, s->target));
	TRY(put_key_sha256(w, 3, s->blob.sha256));
	return put_key_uint(w, 4, s->blob.size);
}

static enum err put_secrets(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_array(w, m->secret_count));
	for (size_t i = 0; i < m->secret_count; i++)
		TRY(put_secret(w, &m->secrets[i]));
	return OK;
}

static enum err put_restart(struct writer *w, const struct manifest *m)
{
	const uint64_t values[RESTART_VALUES] = {m->restart.when, m->restart.times, m->restart.pause_ns, m->restart.pause_max_ns};

	return put_numbers(w, values, RESTART_VALUES);
}

static enum err put_key_texts(struct writer *w, uint64_t key, const struct slice *texts, size_t count)
{
	if (count == 0)
		return OK;
	TRY(cbor_put_uint(w, key));
	return put_texts(w, texts, count);
}

static enum err put_trust(struct writer *w, uint64_t key, const struct manifest_trust *t)
{
	if (t->roots.size > 0)
		TRY(put_key_text(w, key, t->roots));
	if (t->pin_count == 0)
		return OK;
	TRY(cbor_put_uint(w, key + 1));
	TRY(cbor_put_array(w, t->pin_count));
	for (size_t i = 0; i < t->pin_count; i++)
		TRY(cbor_put_bytes(w, t->pins[i]));
	return OK;
}

static size_t tls_keys(const struct manifest_tls *t)
{
	const bool there[TLS_KEYS] = {t->name_count > 0,        t->alpn_count > 0,         t->servers.roots.size > 0,
	                              t->servers.pin_count > 0, t->clients.roots.size > 0, t->clients.pin_count > 0};
	size_t count = 0;

	for (size_t i = 0; i < TLS_KEYS; i++)
		count += there[i];
	return count;
}

bool manifest_tls_said(const struct manifest_tls *t)
{
	return tls_keys(t) > 0;
}

static enum err put_tls(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_map(w, tls_keys(&m->tls)));
	TRY(put_key_texts(w, 1, m->tls.names, m->tls.name_count));
	TRY(put_key_texts(w, 2, m->tls.alpn, m->tls.alpn_count));
	TRY(put_trust(w, 3, &m->tls.servers));
	return put_trust(w, 5, &m->tls.clients);
}

static enum err put_ports(struct writer *w, uint64_t key, uint32_t first, uint32_t last)
{
	TRY(put_key_uint(w, key, first));
	return put_key_uint(w, key + 1, last);
}

static enum err put_egress(struct writer *w, const struct manifest_egress *e)
{
	const bool named = e->host.size > 0;

	TRY(cbor_put_map(w, (size_t)(named ? 3 : 4) + (e->pin.size > 0)));
	if (named)
		TRY(put_key_text(w, 1, e->host));
	if (!named) {
		TRY(cbor_put_uint(w, 2));
		TRY(cbor_put_bytes(w, e->address));
		TRY(put_key_uint(w, 3, e->prefix));
	}
	TRY(put_ports(w, 4, e->first, e->last));
	if (e->pin.size == 0)
		return OK;
	TRY(cbor_put_uint(w, 6));
	return cbor_put_bytes(w, e->pin);
}

bool manifest_network_said(const struct manifest_network *n)
{
	return n->egress_count > 0 || n->ingress_count > 0;
}

static enum err put_network(struct writer *w, const struct manifest *m)
{
	const struct manifest_network *n = &m->network;

	TRY(cbor_put_map(w, (size_t)(n->egress_count > 0) + (n->ingress_count > 0)));
	if (n->egress_count > 0) {
		TRY(cbor_put_uint(w, 1));
		TRY(cbor_put_array(w, n->egress_count));
	}
	for (size_t i = 0; i < n->egress_count; i++)
		TRY(put_egress(w, &n->egress[i]));
	if (n->ingress_count > 0) {
		TRY(cbor_put_uint(w, 2));
		TRY(cbor_put_array(w, n->ingress_count));
	}
	for (size_t i = 0; i < n->ingress_count; i++) {
		TRY(cbor_put_map(w, 2));
		TRY(put_ports(w, 1, n->ingress[i].first, n->ingress[i].last));
	}
	return OK;
}

static enum err put_libraries(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_array(w, m->library_count));
	for (size_t i = 0; i < m->library_count; i++) {
		TRY(cbor_put_map(w, 3));
		TRY(put_key_text(w, 1, m->libraries[i].name));
		TRY(put_key_sha256(w, 2, m->libraries[i].blob.sha256));
		TRY(put_key_uint(w, 3, m->libraries[i].blob.size));
	}
	return OK;
}

static bool any_limit(const struct manifest *m)
{
	const uint64_t values[LIMITS] = LIMIT_VALUES(m);
	uint64_t any = 0;

	for (size_t i = 0; i < LIMITS; i++)
		any |= values[i];
	return any != 0;
}

static enum err put_all(struct writer *w, const struct manifest *m)
{
	/* Part k has key k + 1. */
	const struct {
		bool there;
		enum err (*put)(struct writer *, const struct manifest *);
	} rows[PARTS] = {
		{true, put_version},
		{true, put_module},
		{m->arg_count > 0, put_args},
		{m->env_count > 0, put_env},
		{m->file_count > 0, put_files},
		{any_limit(m), put_limits},
		{m->flags != 0, put_flags},
		{m->name.size > 0, put_name},
		{m->descriptor_count > 0, put_descriptors},
		{m->mount_count > 0, put_mounts},
		{m->secret_count > 0, put_secrets},
		{m->restart.when != RESTART_NEVER, put_restart},
		{manifest_tls_said(&m->tls), put_tls},
		{manifest_network_said(&m->network), put_network},
		{m->library_count > 0, put_libraries},
	};
	size_t there = 0;

	for (size_t i = 0; i < PARTS; i++)
		there += rows[i].there;
	TRY(cbor_put_map(w, there));
	for (size_t i = 0; i < PARTS; i++) {
		if (!rows[i].there)
			continue;
		TRY(cbor_put_uint(w, i + 1));
		TRY(rows[i].put(w, m));
	}
	return OK;
}

enum err manifest_encode(const struct manifest *m, void *out, size_t capacity, size_t *size, struct note *n)
{
	struct writer w = wr_of(out, capacity < MANIFEST_SIZE_MAX ? capacity : MANIFEST_SIZE_MAX);
	enum err err = manifest_check(m, n);

	if (err != OK)
		return ERR_INVALID;
	err = put_all(&w, m);
	if (err != OK)
		return refuse(n, err, "manifest: args, env and paths do not fit (at most 4 MiB together)");
	*size = wr_used(&w);
	return OK;
}
