/* SPDX-License-Identifier: Apache-2.0 */
/* TOML to struct config. One table of keys for each table of the file, one function for what it means. */
#include "client/config/config.h"
#include "client/config/fields.h"
#include "client/config/units.h"
#include "lib/base/hex.h"
#include "lib/session/manifest.h"

#include <stdio.h>

struct reading {
	struct config *c;
	struct fields f;
	const char *path; /* as the config keeps it */
};

static struct origin origin_of(const struct reading *r, const struct toml_value *v)
{
	return (struct origin){FROM_FILE, r->path, v->line};
}

static enum err plain_text(struct reading *r, const struct toml_value *v, const char *what, const char **out)
{
	if (memchr(v->u.string.data, 0, v->u.string.size) != NULL)
		return fields_wrong(&r->f, v, "%s has a zero byte in it; leave \\u0000 out", what);
	*out = config_keep(r->c, v->u.string);
	return *out != NULL ? OK : ERR_NOMEM;
}

/* A path in the Keep. */
static enum err guest_path(struct reading *r, const struct toml_value *v, bool root, const char **out)
{
	char path[MANIFEST_PATH_MAX + 1];
	const char *text;
	enum err err;

	TRY(plain_text(r, v, "path", &text));
	err = config_guest_path(slice_text(text), path, sizeof path);
	if (err == ERR_INVALID)
		return fields_wrong(&r->f, v, "'..' has no meaning in a Keep; write the path from the root, as in \"/data\"");
	if (err != OK)
		return fields_wrong(&r->f, v, "the path is longer than %d bytes", MANIFEST_PATH_MAX);
	if (path[0] == 0 && !root)
		return fields_wrong(&r->f, v, "the path must name something below the root, as in \"/data\"");
	*out = config_keep(r->c, slice_text(path));
	return *out != NULL ? OK : ERR_NOMEM;
}

/* A path of ours: relative ones count from the file's folder. */
static enum err our_path(struct reading *r, const struct toml_value *v, const char *what, const char **out)
{
	const char *slash = strrchr(r->path, '/'), *text;
	char path[4096];
	int used;

	TRY(plain_text(r, v, what, &text));
	if (text[0] == 0)
		return fields_wrong(&r->f, v, "%s is empty", what);
	if (text[0] == '/' || slash == NULL)
		used = snprintf(path, sizeof path, "%s", text);
	else
		used = snprintf(path, sizeof path, "%.*s/%s", (int)(slash - r->path), r->path, text);
	if (used < 0 || used >= (int)sizeof path)
		return fields_wrong(&r->f, v, "the path is too long");
	*out = config_keep(r->c, slice_text(path));
	return *out != NULL ? OK : ERR_NOMEM;
}

/* ---- steward, args, env ---- */

static enum err read_steward(struct reading *r, const struct toml_value *v)
{
	TRY(plain_text(r, v, "steward", &r->c->steward));
	return config_remark(r->c, "%s:%u: steward is not used: broch verifies the Keep's evidence itself, by your policy", r->path,
			     v->line);
}

static enum err read_args(struct reading *r, const struct toml_value *v, const struct field *field)
{
	TRY(fields_items(&r->f, v, field, TOML_STRING));
	for (size_t i = 0; i < v->u.array.count; i++) {
		const char *text;

		TRY(plain_text(r, v->u.array.items[i], "the argument", &text));
		TRY(config_add_arg(r->c, text, origin_of(r, v->u.array.items[i])));
	}
	return OK;
}

static enum err read_env(struct reading *r, const struct toml_value *v)
{
	for (size_t i = 0; i < v->u.table.count; i++) {
		const struct toml_pair *pair = &v->u.table.pairs[i];
		const struct toml_value at = {.line = pair->line, .column = pair->column};
		const char *value;

		if (pair->value->type != TOML_STRING)
			return fields_wrong(&r->f, pair->value, "env.%.40s must be a string, not %s; write it in quotes",
					    (const char *)pair->key.data, toml_type_text(pair->value->type));
		TRY(plain_text(r, pair->value, "the value", &value));
		if (pair->key.size == 0 || memchr(pair->key.data, 0, pair->key.size) != NULL ||
		    memchr(pair->key.data, '=', pair->key.size) != NULL)
			return fields_wrong(&r->f, &at, "a variable's name must not be empty or hold '=' or a zero byte");
		TRY(config_set_env(r->c, pair->key, value, origin_of(r, pair->value), r->f.n));
	}
	return OK;
}

/* ---- files: the descriptors, as Enarx has them ---- */

enum { FILE_KIND, FILE_NAME, FILE_PROT, FILE_ADDR, FILE_HOST, FILE_PORT, FILE_FIELDS };
static const struct field file_fields[FILE_FIELDS] = {
	[FILE_KIND] = {"kind", TOML_STRING, "kind = \"stdout\""},      [FILE_NAME] = {"name", TOML_STRING, "name = \"LISTEN\""},
	[FILE_PROT] = {"prot", TOML_STRING, "prot = \"tls\""},         [FILE_ADDR] = {"addr", TOML_STRING, "addr = \"::\""},
	[FILE_HOST] = {"host", TOML_STRING, "host = \"example.com\""}, [FILE_PORT] = {"port", TOML_INTEGER, "port = 8443"},
};
#define BIT(i) (1u << (i))

/* What a kind may and must have beside kind. */
static const struct {
	unsigned may, must;
} file_kinds[DESCRIPTOR_KINDS] = {
	[DESCRIPTOR_NULL] = {BIT(FILE_NAME), 0},
	[DESCRIPTOR_STDIN] = {BIT(FILE_NAME), 0},
	[DESCRIPTOR_STDOUT] = {BIT(FILE_NAME), 0},
	[DESCRIPTOR_STDERR] = {BIT(FILE_NAME), 0},
	[DESCRIPTOR_LISTEN] = {BIT(FILE_NAME) | BIT(FILE_PROT) | BIT(FILE_ADDR) | BIT(FILE_PORT), BIT(FILE_NAME) | BIT(FILE_PROT)},
	[DESCRIPTOR_CONNECT] = {BIT(FILE_NAME) | BIT(FILE_PROT) | BIT(FILE_HOST) | BIT(FILE_PORT), BIT(FILE_HOST) | BIT(FILE_PROT)},
};

static enum err file_kind(struct reading *r, const struct toml_value *table, const struct toml_value *kind, uint32_t *out)
{
	if (kind == NULL)
		return fields_wrong(&r->f, table, "this entry of files has no kind; add one, as in kind = \"stdout\"");
	for (*out = DESCRIPTOR_NULL; *out < DESCRIPTOR_KINDS; (*out)++)
		if (slice_is(kind->u.string, descriptor_kind_text(*out)))
			return OK;
	return fields_wrong(&r->f, kind, "unknown kind; files knows null, stdin, stdout, stderr, listen and connect");
}

static enum err file_has(struct reading *r, const struct toml_value *table, uint32_t kind, const struct toml_value *const *v)
{
	const char *name = descriptor_kind_text(kind);

	for (unsigned i = FILE_KIND + 1; i < FILE_FIELDS; i++) {
		if (v[i] != NULL && (file_kinds[kind].may & BIT(i)) == 0)
			return fields_wrong(&r->f, v[i], "%s has no meaning for kind %s; take it out", file_fields[i].key, name);
		if (v[i] == NULL && (file_kinds[kind].must & BIT(i)) != 0)
			return fields_wrong(&r->f, table, "kind %s needs %s, as in %s", name, file_fields[i].key,
					    file_fields[i].example);
	}
	return OK;
}

static enum err file_protocol(struct reading *r, const struct toml_value *v, struct config_descriptor *d)
{
	d->protocol = slice_is(v->u.string, "tcp") ? DESCRIPTOR_TCP : DESCRIPTOR_TLS;
	if (d->protocol == DESCRIPTOR_TLS && !slice_is(v->u.string, "tls"))
		return fields_wrong(&r->f, v, "prot knows \"tcp\" and \"tls\"");
	return OK;
}

static enum err file_port(struct reading *r, const struct toml_value *v, struct config_descriptor *d)
{
	d->port = d->protocol == DESCRIPTOR_TLS ? 443 : 80;
	if (v == NULL)
		return OK;
	if (v->u.integer < 1 || v->u.integer > 65535)
		return fields_wrong(&r->f, v, "a port is from 1 to 65535");
	d->port = (uint32_t)v->u.integer;
	return OK;
}

/* A peer's address may have colons, which separate names: they become dashes. */
static enum err default_name(struct reading *r, const char *text, const char **out)
{
	char name[MANIFEST_DESCRIPTOR_NAME_MAX + 1];

	snprintf(name, sizeof name, "%s", text);
	for (char *at = name; (at = strchr(at, ':')) != NULL;)
		*at = '-';
	*out = config_keep(r->c, slice_text(name));
	return *out != NULL ? OK : ERR_NOMEM;
}

static enum err file_name(struct reading *r, const struct toml_value *v, struct config_descriptor *d)
{
	if (v == NULL)
		return default_name(r, d->kind == DESCRIPTOR_CONNECT ? d->host : descriptor_kind_text(d->kind), &d->name);
	TRY(plain_text(r, v, "name", &d->name));
	if (d->name[0] == 0 || strchr(d->name, ':') != NULL || strlen(d->name) > MANIFEST_DESCRIPTOR_NAME_MAX)
		return fields_wrong(&r->f, v, "a name is 1 to %d bytes without ':', which separates names in FD_NAMES",
				    MANIFEST_DESCRIPTOR_NAME_MAX);
	return OK;
}

static enum err file_host(struct reading *r, const struct toml_value *v, struct config_descriptor *d)
{
	TRY(plain_text(r, v, "the address", &d->host));
	if (d->host[0] == 0 || strlen(d->host) > 255)
		return fields_wrong(&r->f, v, "an address is 1 to 255 bytes");
	return OK;
}

static enum err read_file(struct reading *r, const struct toml_value *table)
{
	const struct toml_value *v[FILE_FIELDS];
	struct config_descriptor d = {.host = "", .from = origin_of(r, table)};

	TRY(fields_read(&r->f, table, "files", file_fields, FILE_FIELDS, v, NULL));
	TRY(file_kind(r, table, v[FILE_KIND], &d.kind));
	TRY(file_has(r, table, d.kind, v));
	if (v[FILE_PROT] != NULL) {
		TRY(file_protocol(r, v[FILE_PROT], &d));
		TRY(file_port(r, v[FILE_PORT], &d));
	}
	if (d.kind == DESCRIPTOR_LISTEN)
		d.host = "::";
	if (v[FILE_ADDR] != NULL || v[FILE_HOST] != NULL)
		TRY(file_host(r, v[FILE_ADDR] != NULL ? v[FILE_ADDR] : v[FILE_HOST], &d));
	TRY(file_name(r, v[FILE_NAME], &d));
	return config_add_descriptor(r->c, &d);
}

/* Fewer than three: the rest of the streams is null, so that no other file gets their numbers. */
static enum err fill_up(struct reading *r, const struct toml_value *v)
{
	while (r->c->descriptor_count < 3)
		TRY(config_add_descriptor(r->c, &(struct config_descriptor){.kind = DESCRIPTOR_NULL,
									    .name = "null",
									    .host = "",
									    .from = {FROM_DEFAULT, NULL, v->line}}));
	return OK;
}

static enum err read_files(struct reading *r, const struct toml_value *v, const struct field *field)
{
	TRY(fields_items(&r->f, v, field, TOML_TABLE));
	if (v->u.array.count > MANIFEST_DESCRIPTORS_MAX)
		return fields_wrong(&r->f, v, "at most %d files can be open from the start", MANIFEST_DESCRIPTORS_MAX);
	for (size_t i = 0; i < v->u.array.count; i++)
		TRY(read_file(r, v->u.array.items[i]));
	r->c->named_count = r->c->descriptor_count;
	return fill_up(r, v);
}

/* ---- limits ---- */

static const struct field limit_fields[CONFIG_LIMITS] = {
	[LIMIT_MEMORY] = {"memory", TOML_STRING, "memory = \"256MiB\""},
	[LIMIT_WALL] = {"wall", TOML_STRING, "wall = \"1h\""},
	[LIMIT_CPU] = {"cpu", TOML_STRING, "cpu = \"10m\""},
	[LIMIT_FILES] = {"files", TOML_INTEGER, "files = 64"},
	[LIMIT_FILE_BYTES] = {"file_bytes", TOML_STRING, "file_bytes = \"64MiB\""},
	[LIMIT_SOCKETS] = {"sockets", TOML_INTEGER, "sockets = 100"},
	[LIMIT_NETWORK_BYTES] = {"network_bytes", TOML_STRING, "network_bytes = \"10GiB\""},
};

static enum err read_limits(struct reading *r, const struct toml_value *table)
{
	const struct toml_value *v[CONFIG_LIMITS];

	TRY(fields_read(&r->f, table, "limits", limit_fields, CONFIG_LIMITS, v, NULL));
	for (unsigned i = 0; i < CONFIG_LIMITS; i++) {
		struct config_number *l = &r->c->limits[i];
		bool count = config_limits[i].unit == UNIT_COUNT;

		if (v[i] == NULL)
			continue;
		if (count && (v[i]->u.integer < 1 || v[i]->u.integer > 65536))
			return fields_wrong(&r->f, v[i], "%s must be from 1 to 65536", limit_fields[i].key);
		if (!count && (config_limit_parse(i, v[i]->u.string, &l->value) != OK || l->value == 0))
			return fields_wrong(&r->f, v[i], "%s must be a number and a unit, as in %s; leave it out for none",
					    limit_fields[i].key, limit_fields[i].example);
		if (count)
			l->value = (uint64_t)v[i]->u.integer;
		l->from = origin_of(r, v[i]);
	}
	return OK;
}

/* ---- mounts ---- */

enum { MOUNT_KIND, MOUNT_PATH, MOUNT_SOURCE, MOUNT_SIZE, MOUNT_FIELDS };
static const struct field mount_fields[MOUNT_FIELDS] = {
	{"kind", TOML_STRING, "kind = \"memory\""},
	{"path", TOML_STRING, "path = \"/tmp\""},
	{"source", TOML_STRING, "source = \"data\""},
	{"size", TOML_STRING, "size = \"64MiB\""},
};

/* Package files come with the file: what lies elsewhere is named on the command line, where its owner sees it. */
static enum err package_mount(struct reading *r, const struct toml_value *const *v, struct config_mount *m)
{
	char inside[MANIFEST_PATH_MAX + 1];
	const struct toml_value *source = v[MOUNT_SOURCE];

	if (v[MOUNT_SIZE] != NULL)
		return fields_wrong(&r->f, v[MOUNT_SIZE], "size has no meaning for package files; take it out");
	if (source->u.string.size > 0 && source->u.string.data[0] == '/')
		return fields_wrong(&r->f, source, "source must be relative to this file; for other folders say --dir DIR:NAME");
	TRY(our_path(r, source, "source", &m->source));
	if (config_guest_path(source->u.string, inside, sizeof inside) != OK)
		return fields_wrong(&r->f, source, "source leads out of the folder of this file; for other folders say --dir DIR:NAME");
	return OK;
}

static enum err memory_mount(struct reading *r, const struct toml_value *table, const struct toml_value *const *v,
			     struct config_mount *m)
{
	if (v[MOUNT_SOURCE] != NULL)
		return fields_wrong(&r->f, v[MOUNT_SOURCE], "a folder in memory starts empty: take source out");
	if (v[MOUNT_SIZE] == NULL)
		return fields_wrong(&r->f, table, "a folder in memory needs a size, as in %s", mount_fields[MOUNT_SIZE].example);
	if (units_size(v[MOUNT_SIZE]->u.string, &m->bytes) != OK || m->bytes == 0 || m->bytes > MANIFEST_MOUNT_BYTES_MAX)
		return fields_wrong(&r->f, v[MOUNT_SIZE], "size must be from 1 byte to 2GiB, as in %s", mount_fields[MOUNT_SIZE].example);
	return OK;
}

static enum err read_mount(struct reading *r, const struct toml_value *table)
{
	const struct toml_value *v[MOUNT_FIELDS];
	struct config_mount m = {.from = origin_of(r, table)};

	TRY(fields_read(&r->f, table, "mounts", mount_fields, MOUNT_FIELDS, v, NULL));
	if (v[MOUNT_KIND] == NULL || v[MOUNT_PATH] == NULL)
		return fields_wrong(&r->f, table, "a mount needs kind and path, as in kind = \"package\", path = \"/data\"");
	if (slice_is(v[MOUNT_KIND]->u.string, "sealed"))
		return fields_wrong(&r->f, v[MOUNT_KIND], "sealed mounts, which outlive the Keep, are not offered yet");
	m.kind = slice_is(v[MOUNT_KIND]->u.string, "memory") ? MOUNT_MEMORY : MOUNT_PACKAGE;
	if (m.kind == MOUNT_PACKAGE && !slice_is(v[MOUNT_KIND]->u.string, "package"))
		return fields_wrong(&r->f, v[MOUNT_KIND], "kind of a mount is \"package\" or \"memory\"");
	TRY(guest_path(r, v[MOUNT_PATH], m.kind == MOUNT_PACKAGE, &m.guest));
	if (m.kind == MOUNT_MEMORY)
		TRY(memory_mount(r, table, v, &m));
	else if (v[MOUNT_SOURCE] == NULL)
		return fields_wrong(&r->f, table, "package files need a source, as in %s", mount_fields[MOUNT_SOURCE].example);
	else
		TRY(package_mount(r, v, &m));
	return config_add_mount(r->c, &m);
}

static enum err read_mounts(struct reading *r, const struct toml_value *v, const struct field *field)
{
	TRY(fields_items(&r->f, v, field, TOML_TABLE));
	for (size_t i = 0; i < v->u.array.count; i++)
		TRY(read_mount(r, v->u.array.items[i]));
	return OK;
}

/* ---- secrets ---- */

enum { SECRET_FIELD_ENV, SECRET_FIELD_PATH, SECRET_FIELD_FILE, SECRET_FIELD_FD, SECRET_FIELDS };
static const struct field secret_fields[SECRET_FIELDS] = {
	{"env", TOML_STRING, "env = \"DB_PASSWORD\""},
	{"path", TOML_STRING, "path = \"/run/secrets/key\""},
	{"file", TOML_STRING, "file = \"db.password\""},
	{"fd", TOML_INTEGER, "fd = 3"},
};

static enum err secret_source(struct reading *r, const struct toml_value *const *v, struct config_secret *s)
{
	const struct toml_value *fd = v[SECRET_FIELD_FD];

	s->fd = -1;
	if (fd == NULL)
		return our_path(r, v[SECRET_FIELD_FILE], "file", &s->source);
	if (fd->u.integer < 3 || fd->u.integer > 65535)
		return fields_wrong(&r->f, fd, "fd must be 3 or more, an open descriptor of broch, as in: broch run ... 3<FILE");
	s->fd = (int)fd->u.integer;
	return OK;
}

static enum err read_secret(struct reading *r, const struct toml_value *table)
{
	const struct toml_value *v[SECRET_FIELDS];
	struct config_secret s = {.from = origin_of(r, table)};

	TRY(fields_read(&r->f, table, "secrets", secret_fields, SECRET_FIELDS, v, NULL));
	if ((v[SECRET_FIELD_ENV] != NULL) == (v[SECRET_FIELD_PATH] != NULL))
		return fields_wrong(&r->f, table, "a secret goes to either env or path, as in %s", secret_fields[0].example);
	if ((v[SECRET_FIELD_FILE] != NULL) == (v[SECRET_FIELD_FD] != NULL))
		return fields_wrong(&r->f, table, "a secret comes from either file or fd, as in %s; its value is never written here",
				    secret_fields[SECRET_FIELD_FILE].example);
	s.env = v[SECRET_FIELD_ENV] != NULL;
	TRY(secret_source(r, v, &s));
	if (!s.env)
		TRY(guest_path(r, v[SECRET_FIELD_PATH], false, &s.target));
	else
		TRY(plain_text(r, v[SECRET_FIELD_ENV], "env", &s.target));
	if (s.target[0] == 0 || (s.env && strchr(s.target, '=') != NULL))
		return fields_wrong(&r->f, v[SECRET_FIELD_ENV], "a variable's name must not be empty or hold '='");
	return config_add_secret(r->c, &s);
}

static enum err read_secrets(struct reading *r, const struct toml_value *v, const struct field *field)
{
	TRY(fields_items(&r->f, v, field, TOML_TABLE));
	if (v->u.array.count > MANIFEST_SECRETS_MAX)
		return fields_wrong(&r->f, v, "at most %d secrets", MANIFEST_SECRETS_MAX);
	for (size_t i = 0; i < v->u.array.count; i++)
		TRY(read_secret(r, v->u.array.items[i]));
	return OK;
}

/* ---- restart ---- */

enum { RESTART_FIELD_WHEN, RESTART_FIELD_TIMES, RESTART_FIELD_PAUSE, RESTART_FIELD_MAX, RESTART_FIELDS };
static const struct field restart_fields[RESTART_FIELDS] = {
	{"when", TOML_STRING, "when = \"on-failure\""},
	{"times", TOML_INTEGER, "times = 5"},
	{"pause", TOML_STRING, "pause = \"1s\""},
	{"pause_max", TOML_STRING, "pause_max = \"1m\""},
};
#define PAUSE_DEFAULT UINT64_C(1000000000)
#define PAUSE_MAX_DEFAULT (60 * PAUSE_DEFAULT)
enum { TIMES_DEFAULT = 10 };

static enum err restart_when(struct reading *r, const struct toml_value *table, const struct toml_value *v)
{
	static const char *const words[] = {[RESTART_NEVER] = "never", [RESTART_ON_FAILURE] = "on-failure", [RESTART_ALWAYS] = "always"};

	if (v == NULL)
		return fields_wrong(&r->f, table, "restart needs when, as in %s", restart_fields[0].example);
	for (unsigned i = 0; i < ARRAY_COUNT(words); i++)
		if (slice_is(v->u.string, words[i])) {
			r->c->restart.when = i;
			return OK;
		}
	return fields_wrong(&r->f, v, "when is \"never\", \"on-failure\" or \"always\"");
}

static enum err restart_pause(struct reading *r, const struct toml_value *v, const char *key, uint64_t *out)
{
	if (v == NULL || (units_duration(v->u.string, out) == OK && *out <= 86400 * PAUSE_DEFAULT))
		return OK;
	return fields_wrong(&r->f, v, "%s must be a time of at most a day, as in %s = \"1s\"", key, key);
}

static enum err read_restart(struct reading *r, const struct toml_value *table)
{
	const struct toml_value *v[RESTART_FIELDS], *times;
	uint64_t pause = PAUSE_DEFAULT, longest = PAUSE_MAX_DEFAULT;

	TRY(fields_read(&r->f, table, "restart", restart_fields, RESTART_FIELDS, v, NULL));
	TRY(restart_when(r, table, v[RESTART_FIELD_WHEN]));
	times = v[RESTART_FIELD_TIMES];
	if (times != NULL && (times->u.integer < 1 || times->u.integer > MANIFEST_RESTARTS_MAX))
		return fields_wrong(&r->f, times, "times must be from 1 to %d", MANIFEST_RESTARTS_MAX);
	TRY(restart_pause(r, v[RESTART_FIELD_PAUSE], "pause", &pause));
	if (v[RESTART_FIELD_MAX] == NULL && pause > longest)
		longest = pause;
	TRY(restart_pause(r, v[RESTART_FIELD_MAX], "pause_max", &longest));
	if (pause > longest)
		return fields_wrong(&r->f, v[RESTART_FIELD_MAX], "pause_max must not be shorter than pause");
	r->c->restart.from = origin_of(r, table);
	if (r->c->restart.when == RESTART_NEVER)
		return OK;
	r->c->restart.times = times != NULL ? (uint64_t)times->u.integer : TIMES_DEFAULT;
	r->c->restart.pause_ns = pause;
	r->c->restart.pause_max_ns = longest;
	return OK;
}

/* ---- tls ---- */

enum { TLS_NAMES, TLS_ALPN, TLS_ROOTS, TLS_PINS, TLS_CLIENT_ROOTS, TLS_CLIENT_PINS, TLS_KEY, TLS_FIELDS };
static const struct field tls_fields[TLS_FIELDS] = {
	{"names", TOML_ARRAY, "names = [\"keep.example\"]"},
	{"alpn", TOML_ARRAY, "alpn = [\"http/1.1\"]"},
	{"roots", TOML_STRING, "roots = \"ca.pem\""},
	{"pins", TOML_ARRAY, "pins = [\"SHA-256 of a public key in hexadecimal\"]"},
	{"client_roots", TOML_STRING, "client_roots = \"clients.pem\""},
	{"client_pins", TOML_ARRAY, "client_pins = [\"SHA-256 of a public key in hexadecimal\"]"},
	{"key", TOML_STRING, "key = \"keep.key\""},
};

struct word_list {
	const struct field *field;
	size_t most, longest;
};

/* Printable ASCII without spaces: the manifest asks the same, but knows no lines. */
static enum err read_words(struct reading *r, const struct toml_value *v, const struct word_list *l, const char ***out, size_t *count)
{
	TRY(fields_items(&r->f, v, l->field, TOML_STRING));
	if (v->u.array.count > l->most)
		return fields_wrong(&r->f, v, "%s: at most %u", l->field->key, (unsigned)l->most);
	for (size_t i = 0; i < v->u.array.count; i++) {
		const struct slice s = v->u.array.items[i]->u.string;
		const char *text;
		bool good = s.size > 0 && s.size <= l->longest;

		for (size_t k = 0; k < s.size; k++)
			good = good && s.data[k] > ' ' && s.data[k] <= '~';
		if (!good)
			return fields_wrong(&r->f, v->u.array.items[i], "%s: 1 to %u letters of ASCII without spaces each, as in %s",
					    l->field->key, (unsigned)l->longest, l->field->example);
		text = config_keep(r->c, s);
		if (text == NULL)
			return ERR_NOMEM;
		TRY(config_add_text(out, count, text));
	}
	return OK;
}

static enum err read_pins(struct reading *r, const struct toml_value *v, const struct field *field, struct config_trust *t)
{
	TRY(fields_items(&r->f, v, field, TOML_STRING));
	if (v->u.array.count > MANIFEST_TLS_PINS_MAX)
		return fields_wrong(&r->f, v, "%s: at most %d", field->key, MANIFEST_TLS_PINS_MAX);
	for (size_t i = 0; i < v->u.array.count; i++) {
		uint8_t pin[32];

		if (hex_decode(v->u.array.items[i]->u.string, pin, sizeof pin) != OK)
			return fields_wrong(&r->f, v->u.array.items[i],
					    "a pin is 64 hexadecimal digits: SHA-256 of the key's SubjectPublicKeyInfo in DER");
		TRY(config_add_pin(t, pin));
	}
	return OK;
}

/* Roots come with the file, as package files do. */
static enum err read_roots(struct reading *r, const struct toml_value *v, const char *what, struct config_trust *t)
{
	char inside[MANIFEST_PATH_MAX + 1];

	if (v == NULL)
		return OK;
	TRY(our_path(r, v, what, &t->roots));
	if (v->u.string.data[0] == '/' || config_guest_path(v->u.string, inside, sizeof inside) != OK)
		return fields_wrong(&r->f, v, "%s must lie beside this file, or below", what);
	return OK;
}

static enum err read_tls(struct reading *r, const struct toml_value *table)
{
	const struct word_list names = {&tls_fields[TLS_NAMES], MANIFEST_TLS_NAMES_MAX, 253};
	const struct word_list alpn = {&tls_fields[TLS_ALPN], MANIFEST_TLS_ALPN_MAX, 255};
	const struct toml_value *v[TLS_FIELDS];
	struct config_tls *t = &r->c->tls;

	TRY(fields_read(&r->f, table, "tls", tls_fields, TLS_FIELDS, v, NULL));
	t->from = origin_of(r, table);
	if (v[TLS_NAMES] != NULL)
		TRY(read_words(r, v[TLS_NAMES], &names, &t->names, &t->name_count));
	if (v[TLS_ALPN] != NULL)
		TRY(read_words(r, v[TLS_ALPN], &alpn, &t->alpn, &t->alpn_count));
	if (v[TLS_KEY] != NULL)
		TRY(our_path(r, v[TLS_KEY], "key", &t->key));
	TRY(read_roots(r, v[TLS_ROOTS], "roots", &t->servers));
	TRY(read_roots(r, v[TLS_CLIENT_ROOTS], "client_roots", &t->clients));
	if (v[TLS_PINS] != NULL)
		TRY(read_pins(r, v[TLS_PINS], &tls_fields[TLS_PINS], &t->servers));
	return v[TLS_CLIENT_PINS] != NULL ? read_pins(r, v[TLS_CLIENT_PINS], &tls_fields[TLS_CLIENT_PINS], &t->clients) : OK;
}

/* ---- network ---- */

enum { NETWORK_EGRESS, NETWORK_INGRESS, NETWORK_FIELDS };
static const struct field network_fields[NETWORK_FIELDS] = {
	{"egress", TOML_ARRAY, "egress = [\"example.org:443\"]"},
	{"ingress", TOML_ARRAY, "ingress = [8443]"},
};

static enum err read_egress(struct reading *r, const struct toml_value *v)
{
	struct config_egress e = {.from = origin_of(r, v)};
	struct note why = {""};

	TRY(plain_text(r, v, "rule", &e.text));
	if (rule_egress_parse(v->u.string, &e.rule, &why) != OK)
		return fields_wrong(&r->f, v, "%s", why.text);
	return config_add_egress(r->c, &e);
}

static enum err read_ingress(struct reading *r, const struct toml_value *v)
{
	struct config_ingress i = {.from = origin_of(r, v)};
	bool good;

	if (v->type == TOML_INTEGER) {
		good = v->u.integer >= 1 && v->u.integer <= 65535;
		i.first = i.last = good ? (uint32_t)v->u.integer : 0;
	} else {
		good = v->type == TOML_STRING && rule_ports_parse(v->u.string, &i.first, &i.last) == OK;
	}
	if (!good)
		return fields_wrong(&r->f, v, "ingress is ports from 1 to 65535, as in 8443, or \"8000-8010\"");
	return config_add_ingress(r->c, &i);
}

static enum err read_network(struct reading *r, const struct toml_value *table)
{
	const struct toml_value *v[NETWORK_FIELDS];

	TRY(fields_read(&r->f, table, "network", network_fields, NETWORK_FIELDS, v, NULL));
	for (unsigned i = 0; i < NETWORK_FIELDS; i++)
		if (v[i] != NULL && v[i]->u.array.count > MANIFEST_RULES_MAX)
			return fields_wrong(&r->f, v[i], "%s: at most %d rules", network_fields[i].key, MANIFEST_RULES_MAX);
	if (v[NETWORK_EGRESS] != NULL)
		TRY(fields_items(&r->f, v[NETWORK_EGRESS], &network_fields[NETWORK_EGRESS], TOML_STRING));
	for (size_t i = 0; v[NETWORK_EGRESS] != NULL && i < v[NETWORK_EGRESS]->u.array.count; i++)
		TRY(read_egress(r, v[NETWORK_EGRESS]->u.array.items[i]));
	for (size_t i = 0; v[NETWORK_INGRESS] != NULL && i < v[NETWORK_INGRESS]->u.array.count; i++)
		TRY(read_ingress(r, v[NETWORK_INGRESS]->u.array.items[i]));
	return OK;
}

/* ---- modules ---- */

enum { MODULE_NAME, MODULE_FILE, MODULE_FIELDS };
static const struct field module_fields[MODULE_FIELDS] = {
	{"name", TOML_STRING, "name = \"shapes\""},
	{"file", TOML_STRING, "file = \"shapes.wasm\""},
};

static enum err module_name(struct reading *r, const struct toml_value *v, const char **out)
{
	const char *fault = manifest_library_name_fault(v->u.string);

	if (fault != NULL)
		return fields_wrong(&r->f, v, "%s; it is what other modules import from", fault);
	TRY(plain_text(r, v, "name", out));
	for (size_t i = 0; i < r->c->module_count; i++)
		if (strcmp(r->c->modules[i].name, *out) == 0)
			return fields_wrong(&r->f, v, "the module of line %u has this name, too; one of them must go",
			                    r->c->modules[i].from.line);
	return OK;
}

static enum err read_module(struct reading *r, const struct toml_value *table)
{
	const struct toml_value *v[MODULE_FIELDS];
	struct config_module m = {.from = origin_of(r, table)};

	TRY(fields_read(&r->f, table, "modules", module_fields, MODULE_FIELDS, v, NULL));
	for (unsigned i = 0; i < MODULE_FIELDS; i++)
		if (v[i] == NULL)
			return fields_wrong(&r->f, table, "a module needs a name and a file; add %s", module_fields[i].example);
	TRY(module_name(r, v[MODULE_NAME], &m.name));
	TRY(our_path(r, v[MODULE_FILE], "file", &m.source));
	return config_add_module(r->c, &m);
}

static enum err read_modules(struct reading *r, const struct toml_value *v, const struct field *field)
{
	TRY(fields_items(&r->f, v, field, TOML_TABLE));
	if (v->u.array.count > MANIFEST_LIBRARIES_MAX)
		return fields_wrong(&r->f, v, "at most %d modules beside the program; link some of them into one", MANIFEST_LIBRARIES_MAX);
	for (size_t i = 0; i < v->u.array.count; i++)
		TRY(read_module(r, v->u.array.items[i]));
	return OK;
}

/* ---- the whole ---- */

enum { TOP_STEWARD, TOP_ARGS, TOP_ENV, TOP_FILES, TOP_ENARX, TOP_LIMITS = TOP_ENARX, TOP_MOUNTS, TOP_SECRETS, TOP_RESTART, TOP_NETWORK,
       TOP_TLS, TOP_ROOT, TOP_MODULES, TOP_FIELDS };
static const struct field top_fields[TOP_FIELDS] = {
	[TOP_STEWARD] = {"steward", TOML_STRING, "steward = \"https://attest.example\""},
	[TOP_ARGS] = {"args", TOML_ARRAY, "args = [\"one\", \"two\"]"},
	[TOP_ENV] = {"env", TOML_TABLE, "[env] and NAME = \"value\" below it"},
	[TOP_FILES] = {"files", TOML_ARRAY, "[[files]] and kind = \"stdout\" below it"},
	[TOP_LIMITS] = {"limits", TOML_TABLE, "[limits] and memory = \"256MiB\" below it"},
	[TOP_MOUNTS] = {"mounts", TOML_ARRAY, "[[mounts]] and kind = \"memory\" below it"},
	[TOP_SECRETS] = {"secrets", TOML_ARRAY, "[[secrets]] and env = \"NAME\" below it"},
	[TOP_RESTART] = {"restart", TOML_TABLE, "[restart] and when = \"on-failure\" below it"},
	[TOP_NETWORK] = {"network", TOML_TABLE, "[network] and egress = [\"example.org:443\"] below it"},
	[TOP_TLS] = {"tls", TOML_TABLE, "[tls] and names = [\"keep.example\"] below it"},
	[TOP_ROOT] = {"root", TOML_BOOL, "root = false"},
	[TOP_MODULES] = {"modules", TOML_ARRAY, "[[modules]] and name = \"shapes\" below it"},
};

static enum err read_enarx_part(struct reading *r, const struct toml_value *const *v)
{
	if (v[TOP_STEWARD] != NULL)
		TRY(read_steward(r, v[TOP_STEWARD]));
	if (v[TOP_ARGS] != NULL)
		TRY(read_args(r, v[TOP_ARGS], &top_fields[TOP_ARGS]));
	if (v[TOP_ENV] != NULL)
		TRY(read_env(r, v[TOP_ENV]));
	if (v[TOP_FILES] != NULL)
		TRY(read_files(r, v[TOP_FILES], &top_fields[TOP_FILES]));
	return OK;
}

static enum err read_broch_part(struct reading *r, const struct toml_value *const *v)
{
	if (v[TOP_LIMITS] != NULL)
		TRY(read_limits(r, v[TOP_LIMITS]));
	if (v[TOP_MOUNTS] != NULL)
		TRY(read_mounts(r, v[TOP_MOUNTS], &top_fields[TOP_MOUNTS]));
	if (v[TOP_SECRETS] != NULL)
		TRY(read_secrets(r, v[TOP_SECRETS], &top_fields[TOP_SECRETS]));
	if (v[TOP_RESTART] != NULL)
		TRY(read_restart(r, v[TOP_RESTART]));
	if (v[TOP_NETWORK] != NULL)
		TRY(read_network(r, v[TOP_NETWORK]));
	if (v[TOP_TLS] != NULL)
		TRY(read_tls(r, v[TOP_TLS]));
	r->c->no_root = v[TOP_ROOT] != NULL && !v[TOP_ROOT]->u.boolean;
	return v[TOP_MODULES] != NULL ? read_modules(r, v[TOP_MODULES], &top_fields[TOP_MODULES]) : OK;
}

static enum err read_top(struct reading *r, const struct toml_value *root)
{
	const struct toml_value *v[TOP_FIELDS] = {NULL};
	const struct toml_pair *unknown = NULL;

	if (!r->c->enarx) {
		TRY(fields_read(&r->f, root, "", top_fields, TOP_FIELDS, v, NULL));
		TRY(read_enarx_part(r, v));
		return read_broch_part(r, v);
	}
	TRY(fields_read(&r->f, root, "", top_fields, TOP_ENARX, v, &unknown));
	if (unknown != NULL)
		TRY(config_remark(r->c, "%s:%u: %.40s is not a key of Enarx.toml and has no effect; a file named broch.toml may have more",
				  r->path, unknown->line, (const char *)unknown->key.data));
	return read_enarx_part(r, v);
}

static bool named_enarx(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash != NULL ? slash + 1 : path, "Enarx.toml") == 0;
}

enum err config_read(struct config *c, struct slice toml, const char *path, struct note *n)
{
	struct reading r = {.c = c, .f = {path, n, "`broch config init` prints all there are"}};
	struct toml *t = NULL;
	enum err err;

	r.path = c->file = config_keep(c, slice_text(path));
	c->enarx = named_enarx(path);
	err = c->file != NULL ? toml_parse(toml, path, &t, n) : ERR_NOMEM;
	if (err == OK)
		err = read_top(&r, toml_root(t));
	toml_free(t);
	return err;
}
