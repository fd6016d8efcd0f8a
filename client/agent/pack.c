/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/pack.h"

#include "lib/tls/roots.h"
#include "sys/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- arguments and environment ---- */

static enum err pack_args(struct config *c, const char *argv0, struct bundle *b, struct note *n)
{
	TRY(bundle_arg(b, argv0, n));
	for (size_t i = 0; i < c->arg_count; i++)
		TRY(bundle_arg(b, c->args[i].text, n));
	return OK;
}

static enum err pack_variable(struct config *c, const char *name, const char *value, struct bundle *b, struct note *n)
{
	char *pair = NULL;
	const char *kept;

	if (asprintf(&pair, "%s=%s", name, value) < 0)
		return ERR_NOMEM;
	kept = config_keep(c, slice_text(pair));
	free(pair);
	return kept != NULL ? bundle_env(b, kept, n) : ERR_NOMEM;
}

static bool told_by_us(const struct config *c, const char *name)
{
	return c->file != NULL && (strcmp(name, "FD_COUNT") == 0 || strcmp(name, "FD_NAMES") == 0);
}

/* The names of what is open from the start, as Enarx tells them; without `files` the three streams. */
static enum err pack_names(struct config *c, struct bundle *b, struct note *n)
{
	char *names = NULL, count[16];
	size_t size = 0;
	FILE *f = open_memstream(&names, &size);
	enum err err;

	if (f == NULL)
		return ERR_NOMEM;
	if (c->descriptor_count == 0)
		fputs("stdin:stdout:stderr", f);
	for (size_t i = 0; i < c->named_count; i++)
		fprintf(f, "%s%s", i > 0 ? ":" : "", c->descriptors[i].name);
	if (fclose(f) != 0) {
		free(names);
		return ERR_NOMEM;
	}
	snprintf(count, sizeof count, "%zu", c->descriptor_count == 0 ? 3 : c->named_count);
	err = pack_variable(c, "FD_COUNT", count, b, n);
	if (err == OK)
		err = pack_variable(c, "FD_NAMES", names, b, n);
	free(names);
	return err;
}

static enum err pack_env(struct config *c, struct bundle *b, struct note *n)
{
	for (size_t i = 0; i < c->env_count; i++)
		if (!told_by_us(c, c->env[i].name))
			TRY(pack_variable(c, c->env[i].name, c->env[i].value, b, n));
	return c->file != NULL ? pack_names(c, b, n) : OK;
}

/* ---- descriptors, mounts, secrets ---- */

static enum err pack_descriptors(const struct config *c, struct bundle *b, struct note *n)
{
	for (size_t i = 0; i < c->descriptor_count; i++) {
		const struct config_descriptor *d = &c->descriptors[i];
		struct manifest_descriptor m = {d->kind, slice_text(d->name), d->protocol, slice_text(d->host), d->port};

		TRY(bundle_descriptor(b, &m, n));
	}
	return OK;
}

/* Where the file that names a package's files lies: they do not lead out of it. NULL for the command line. */
static enum err folder_of(struct config *c, const struct origin *from, const char **out)
{
	const char *slash = from->kind == FROM_FILE ? strrchr(from->file, '/') : NULL;

	*out = NULL;
	if (from->kind != FROM_FILE)
		return OK;
	if (slash == NULL)
		*out = ".";
	else
		*out = config_keep(c, slice_of(from->file, slash == from->file ? 1 : (size_t)(slash - from->file)));
	return *out != NULL ? OK : ERR_NOMEM;
}

static enum err pack_mounts(struct config *c, struct bundle *b, struct note *n)
{
	for (size_t i = 0; i < c->mount_count; i++) {
		const struct config_mount *p = &c->mounts[i];
		const struct manifest_mount m = {slice_text(p->guest), p->bytes};
		const char *within;

		TRY(folder_of(c, &p->from, &within));
		TRY(p->kind == MOUNT_MEMORY ? bundle_mount(b, &m, n) : bundle_files(b, p->source, p->guest, within, n));
	}
	return OK;
}

/* Files end with a newline that nobody means when the value becomes a variable. */
static enum err as_variable(struct slice *s, const char *name, struct note *n)
{
	if (s->size > 0 && s->data[s->size - 1] == '\n')
		s->size--;
	if (s->size > 0 && memchr(s->data, 0, s->size) != NULL)
		return refuse(n, ERR_INVALID, "the secret for %s has a zero byte, which no variable can hold; deliver it as a file (path)", name);
	return OK;
}

static enum err pack_secret(const struct config_secret *s, struct bundle *b, struct note *n)
{
	struct slice value;
	size_t all;
	enum err err;

	TRY(secret_fetch(s, &value, n));
	all = value.size;
	err = s->env ? as_variable(&value, s->target, n) : OK;
	if (err == OK)
		err = bundle_secret(b, s->env ? SECRET_ENV : SECRET_FILE, s->target, value, n);
	value.size = all;
	secret_drop(&value);
	return err;
}

static enum err pack_secrets(const struct config *c, struct bundle *b, struct note *n)
{
	for (size_t i = 0; i < c->secret_count; i++) {
		const struct config_secret *s = &c->secrets[i];
		struct note why = {""};
		enum err err = pack_secret(s, b, &why);

		if (err != OK)
			return refuse(n, err, "%s:%u: %s", s->from.file, s->from.line, why.text[0] != 0 ? why.text : err_text(err));
	}
	return OK;
}

/* ---- modules ---- */

static enum err pack_modules(const struct config *c, struct bundle *b, struct note *n)
{
	for (size_t i = 0; i < c->module_count; i++) {
		const struct config_module *m = &c->modules[i];
		struct note why = {""};
		enum err err = bundle_library(b, m->name, m->source, &why);

		if (err != OK)
			return refuse(n, err, "%s:%u: module \"%s\": %s", m->from.file, m->from.line, m->name,
			              why.text[0] != 0 ? why.text : err_text(err));
	}
	return OK;
}

/* ---- tls ---- */

enum { ROOTS_FILE_MAX = 4 << 20, ROOTS_ARENA = 4 << 20 };

/* Looks at them before they travel: a Keep can only say that it does not like them. */
static enum err look_at_roots(const char *path, struct note *n)
{
	struct arena a = {.base = malloc(ROOTS_ARENA)};
	struct tls_trust trust = {.root_count = 0};
	struct slice pem = {NULL, 0};
	struct note why = {""};
	enum err err = a.base != NULL ? file_read(path, ROOTS_FILE_MAX, &pem, n) : ERR_NOMEM;

	if (err == OK) {
		a = arena_of(a.base, ROOTS_ARENA);
		err = roots_read(&a, pem, &trust, &why);
		if (err != OK)
			note_set(n, "%s: %s", path, why.text[0] != 0 ? why.text : err_text(err));
	}
	free((void *)(uintptr_t)pem.data);
	free(a.base);
	return err;
}

struct trust_room {
	const char *guest;
	struct slice pins[MANIFEST_TLS_PINS_MAX];
};

static bool says_whom_to_believe(const struct config *c)
{
	return c->tls.servers.roots != NULL || c->tls.servers.pin_count > 0;
}

/* Is there a connection for which nobody said whom to believe? An Enarx.toml cannot say it. */
static bool needs_public_roots(const struct config *c)
{
	if (says_whom_to_believe(c))
		return false;
	for (size_t i = 0; i < c->descriptor_count; i++)
		if (c->descriptors[i].kind == DESCRIPTOR_CONNECT && c->descriptors[i].protocol == DESCRIPTOR_TLS)
			return true;
	return false;
}

/* Might there be one when the program runs? Then they are of use, but it may as well do without TLS. */
static bool may_need_public_roots(const struct config *c)
{
	for (size_t i = 0; i < c->egress_count && !says_whom_to_believe(c); i++)
		if (c->egress[i].rule.host[0] != 0 && !c->egress[i].rule.pinned)
			return true;
	return false;
}

/* What this machine believes travels as data, so that the Keep's evidence names it. */
static enum err pack_public_roots(struct bundle *b, const char *guest, bool optional, struct manifest_trust *out, struct note *n)
{
	const char *path = getenv("SSL_CERT_FILE");
	struct note why = {""};

	if (path == NULL || path[0] == 0)
		path = "/etc/ssl/certs/ca-certificates.crt"; /* of the package ca-certificates */
	if (optional && access(path, R_OK) != 0)
		return OK;
	if (look_at_roots(path, &why) != OK)
		return refuse(n, ERR_NOT_FOUND, "a TLS connection needs the public roots: %s; name others with [tls] roots, or "
		                                "SSL_CERT_FILE", why.text);
	out->roots = slice_text(guest);
	return bundle_files(b, path, guest, NULL, n);
}

static enum err pack_trust(struct config *c, const struct config_trust *t, struct trust_room *room, struct bundle *b,
                           struct manifest_trust *out, struct note *n)
{
	const char *within;

	for (size_t i = 0; i < t->pin_count; i++)
		room->pins[i] = slice_of(t->pins[i], sizeof t->pins[i]);
	*out = (struct manifest_trust){.pins = room->pins, .pin_count = t->pin_count};
	if (t->roots == NULL)
		return OK;
	TRY(look_at_roots(t->roots, n));
	TRY(folder_of(c, &c->tls.from, &within));
	out->roots = slice_text(room->guest);
	return bundle_files(b, t->roots, room->guest, within, n);
}

static enum err pack_tls(struct config *c, struct bundle *b, struct note *n)
{
	struct slice names[MANIFEST_TLS_NAMES_MAX], alpn[MANIFEST_TLS_ALPN_MAX];
	struct trust_room servers = {.guest = "etc/broch/roots.pem"}, clients = {.guest = "etc/broch/client-roots.pem"};
	struct manifest_tls t = {.names = names, .alpn = alpn};

	CHECK(c->tls.name_count <= ARRAY_COUNT(names) && c->tls.alpn_count <= ARRAY_COUNT(alpn));
	for (; t.name_count < c->tls.name_count; t.name_count++)
		names[t.name_count] = slice_text(c->tls.names[t.name_count]);
	for (; t.alpn_count < c->tls.alpn_count; t.alpn_count++)
		alpn[t.alpn_count] = slice_text(c->tls.alpn[t.alpn_count]);
	TRY(pack_trust(c, &c->tls.servers, &servers, b, &t.servers, n));
	TRY(pack_trust(c, &c->tls.clients, &clients, b, &t.clients, n));
	if (needs_public_roots(c) || may_need_public_roots(c))
		TRY(pack_public_roots(b, servers.guest, !needs_public_roots(c), &t.servers, n));
	return bundle_tls(b, &t, n);
}

static enum err pack_network(struct config *c, struct bundle *b, struct note *n)
{
	struct manifest_egress egress[MANIFEST_RULES_MAX];
	struct manifest_ports ingress[MANIFEST_RULES_MAX];
	struct manifest_network w = {.egress = egress, .ingress = ingress};

	CHECK(c->egress_count <= ARRAY_COUNT(egress) && c->ingress_count <= ARRAY_COUNT(ingress));
	for (; w.egress_count < c->egress_count; w.egress_count++) {
		const struct rule_egress *r = &c->egress[w.egress_count].rule;

		egress[w.egress_count] = (struct manifest_egress){.host = slice_text(r->host),
		                                                  .address = slice_of(r->address, r->address_size),
		                                                  .prefix = r->prefix,
		                                                  .first = r->first,
		                                                  .last = r->last,
		                                                  .pin = slice_of(r->pin, r->pinned ? sizeof r->pin : 0)};
	}
	for (; w.ingress_count < c->ingress_count; w.ingress_count++)
		ingress[w.ingress_count] =
		        (struct manifest_ports){c->ingress[w.ingress_count].first, c->ingress[w.ingress_count].last};
	return bundle_network(b, &w, n);
}

static void pack_numbers(const struct config *c, struct manifest *m)
{
	uint64_t *const limits[CONFIG_LIMITS] = {&m->limits.memory_bytes, &m->limits.wall_ns, &m->limits.cpu_ns, &m->limits.open_files,
						 &m->limits.file_bytes, &m->limits.sockets, &m->limits.network_bytes};

	for (unsigned i = 0; i < CONFIG_LIMITS; i++)
		*limits[i] = c->limits[i].value;
	m->restart.when = c->restart.when;
	m->restart.times = c->restart.times;
	m->restart.pause_ns = c->restart.pause_ns;
	m->restart.pause_max_ns = c->restart.pause_max_ns;
}

enum err pack(struct config *c, const char *argv0, struct bundle *b, struct note *n)
{
	TRY(pack_args(c, argv0, b, n));
	TRY(pack_env(c, b, n));
	TRY(pack_descriptors(c, b, n));
	TRY(pack_modules(c, b, n));
	TRY(pack_mounts(c, b, n));
	TRY(pack_secrets(c, b, n));
	if (c->tls.key != NULL)
		TRY(pack_tls_key(&c->tls, b, n));
	TRY(pack_tls(c, b, n));
	TRY(pack_network(c, b, n));
	pack_numbers(c, bundle_manifest(b));
	if (c->no_root)
		bundle_manifest(b)->flags |= MANIFEST_NO_ROOT;
	return OK;
}
