/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config/show.h"

#include "client/config/units.h"
#include "lib/base/hex.h"
#include "lib/session/manifest.h"

#include <inttypes.h>
#include <stdlib.h>

enum { ORIGIN_TEXT = 512, NUMBER_TEXT = 32 };

static const char *const whens[] = {
        [RESTART_NEVER] = "never", [RESTART_ON_FAILURE] = "on-failure", [RESTART_ALWAYS] = "always"};

static void origin_text(const struct origin *from, char out[static ORIGIN_TEXT])
{
	switch (from->kind) {
	case FROM_FILE: snprintf(out, ORIGIN_TEXT, "%s:%u", from->file, from->line); return;
	case FROM_COMMAND: snprintf(out, ORIGIN_TEXT, "command line"); return;
	case FROM_DEFAULT: break;
	}
	snprintf(out, ORIGIN_TEXT, "default");
}

static void number_text(enum config_unit unit, uint64_t value, char out[static NUMBER_TEXT])
{
	if (unit == UNIT_COUNT)
		snprintf(out, NUMBER_TEXT, "%" PRIu64, value);
	else
		(unit == UNIT_BYTES ? units_show_size : units_show_duration)(value, out, NUMBER_TEXT);
}

/* ---- TOML ---- */

struct writer {
	FILE *f;
	bool origin;
};

/* A basic string, TOML 1.0: control characters, quote and backslash escaped. */
static void put_string(const struct writer *w, const char *text)
{
	fputc('"', w->f);
	for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++) {
		if (*at == '"' || *at == '\\')
			fprintf(w->f, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(w->f, "\\u%04X", *at);
		else
			fputc(*at, w->f);
	}
	fputc('"', w->f);
}

/* A bare key where it can be one. */
static void put_key(const struct writer *w, const char *key)
{
	static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	if (key[strspn(key, bare)] == 0)
		fputs(key, w->f);
	else
		put_string(w, key);
}

/* The end of a line, with where its value came from; NULL: that is said elsewhere. */
static void put_end(const struct writer *w, const struct origin *from)
{
	char text[ORIGIN_TEXT];

	if (w->origin && from != NULL) {
		origin_text(from, text);
		fprintf(w->f, " # %s", text);
	}
	fputc('\n', w->f);
}

static void put_pair(const struct writer *w, const char *key, const char *value, const struct origin *from)
{
	put_key(w, key);
	fputs(" = ", w->f);
	put_string(w, value);
	put_end(w, from);
}

static void put_table(const struct writer *w, const char *heading, const struct origin *from)
{
	fprintf(w->f, "\n%s", heading);
	put_end(w, from);
}

static void put_args(const struct writer *w, const struct config *c)
{
	if (c->arg_count == 0)
		return;
	fputs("args = [\n", w->f);
	for (size_t i = 0; i < c->arg_count; i++) {
		fputs("  ", w->f);
		put_string(w, c->args[i].text);
		fputc(',', w->f);
		put_end(w, &c->args[i].from);
	}
	fputs("]\n", w->f);
}

static void put_env(const struct writer *w, const struct config *c)
{
	if (c->env_count > 0)
		put_table(w, "[env]", NULL);
	for (size_t i = 0; i < c->env_count; i++)
		put_pair(w, c->env[i].name, c->env[i].value, &c->env[i].from);
}

static void put_descriptor(const struct writer *w, const struct config_descriptor *d)
{
	put_table(w, "[[files]]", &d->from);
	put_pair(w, "kind", descriptor_kind_text(d->kind), NULL);
	put_pair(w, "name", d->name, NULL);
	if (d->protocol == DESCRIPTOR_NO_PROTOCOL)
		return;
	put_pair(w, "prot", d->protocol == DESCRIPTOR_TLS ? "tls" : "tcp", NULL);
	put_pair(w, d->kind == DESCRIPTOR_LISTEN ? "addr" : "host", d->host, NULL);
	fprintf(w->f, "port = %" PRIu32 "\n", d->port);
}

static void put_limits(const struct writer *w, const struct config *c)
{
	char text[NUMBER_TEXT];
	bool any = false;

	for (unsigned i = 0; i < CONFIG_LIMITS; i++) {
		if (c->limits[i].value == 0)
			continue;
		if (!any)
			put_table(w, "[limits]", NULL);
		any = true;
		number_text(config_limits[i].unit, c->limits[i].value, text);
		fprintf(w->f, config_limits[i].unit == UNIT_COUNT ? "%s = %s" : "%s = \"%s\"", config_limits[i].key,
		        text);
		put_end(w, &c->limits[i].from);
	}
}

/* Guest paths are kept without their root. */
static void put_guest(const struct writer *w, const char *guest)
{
	char *path = NULL;

	fputs("path = ", w->f);
	if (asprintf(&path, "/%s", guest) >= 0)
		put_string(w, path);
	free(path);
	fputc('\n', w->f);
}

static void put_mount(const struct writer *w, const struct config_mount *m)
{
	char text[NUMBER_TEXT];

	put_table(w, "[[mounts]]", &m->from);
	put_pair(w, "kind", m->kind == MOUNT_PACKAGE ? "package" : "memory", NULL);
	put_guest(w, m->guest);
	if (m->kind == MOUNT_PACKAGE) {
		put_pair(w, "source", m->source, NULL);
		return;
	}
	units_show_size(m->bytes, text, sizeof text);
	put_pair(w, "size", text, NULL);
}

static void put_secret(const struct writer *w, const struct config_secret *s)
{
	put_table(w, "[[secrets]]", &s->from);
	if (s->env)
		put_pair(w, "env", s->target, NULL);
	else
		put_guest(w, s->target);
	if (s->source != NULL)
		put_pair(w, "file", s->source, NULL);
	else
		fprintf(w->f, "fd = %d\n", s->fd);
}

static void put_module(const struct writer *w, const struct config_module *m)
{
	put_table(w, "[[modules]]", &m->from);
	put_pair(w, "name", m->name, NULL);
	put_pair(w, "file", m->source, NULL);
}

static void put_restart(const struct writer *w, const struct config *c)
{
	char text[NUMBER_TEXT];

	if (c->restart.from.kind == FROM_DEFAULT)
		return;
	put_table(w, "[restart]", &c->restart.from);
	put_pair(w, "when", whens[c->restart.when], NULL);
	if (c->restart.when == RESTART_NEVER)
		return;
	fprintf(w->f, "times = %" PRIu64 "\n", c->restart.times);
	units_show_duration(c->restart.pause_ns, text, sizeof text);
	put_pair(w, "pause", text, NULL);
	units_show_duration(c->restart.pause_max_ns, text, sizeof text);
	put_pair(w, "pause_max", text, NULL);
}

static void put_texts(const struct writer *w, const char *key, const char *const *texts, size_t count)
{
	if (count == 0)
		return;
	fprintf(w->f, "%s = [", key);
	for (size_t i = 0; i < count; i++) {
		fputs(i > 0 ? ", " : "", w->f);
		put_string(w, texts[i]);
	}
	fputs("]\n", w->f);
}

static void put_pins(const struct writer *w, const char *key, const struct config_trust *t)
{
	char hex[65];

	if (t->pin_count == 0)
		return;
	fprintf(w->f, "%s = [", key);
	for (size_t i = 0; i < t->pin_count; i++) {
		hex_encode(slice_of(t->pins[i], sizeof t->pins[i]), hex);
		fprintf(w->f, "%s\"%s\"", i > 0 ? ", " : "", hex);
	}
	fputs("]\n", w->f);
}

static void put_tls(const struct writer *w, const struct config *c)
{
	const struct config_tls *t = &c->tls;

	if (t->from.kind == FROM_DEFAULT)
		return;
	put_table(w, "[tls]", &t->from);
	put_texts(w, "names", t->names, t->name_count);
	put_texts(w, "alpn", t->alpn, t->alpn_count);
	if (t->key != NULL)
		put_pair(w, "key", t->key, NULL);
	if (t->servers.roots != NULL)
		put_pair(w, "roots", t->servers.roots, NULL);
	put_pins(w, "pins", &t->servers);
	if (t->clients.roots != NULL)
		put_pair(w, "client_roots", t->clients.roots, NULL);
	put_pins(w, "client_pins", &t->clients);
}

static void put_network(const struct writer *w, const struct config *c)
{
	if (c->egress_count + c->ingress_count == 0)
		return;
	put_table(w, "[network]", c->egress_count > 0 ? &c->egress[0].from : &c->ingress[0].from);
	if (c->egress_count > 0)
		fputs("egress = [", w->f);
	for (size_t i = 0; i < c->egress_count; i++) {
		fputs(i > 0 ? ", " : "", w->f);
		put_string(w, c->egress[i].text);
	}
	fputs(c->egress_count > 0 ? "]\n" : "", w->f);
	if (c->ingress_count > 0)
		fputs("ingress = [", w->f);
	for (size_t i = 0; i < c->ingress_count; i++) {
		const struct config_ingress *p = &c->ingress[i];

		fputs(i > 0 ? ", " : "", w->f);
		fprintf(w->f, p->first == p->last ? "%" PRIu32 : "\"%" PRIu32 "-%" PRIu32 "\"", p->first, p->last);
	}
	fputs(c->ingress_count > 0 ? "]\n" : "", w->f);
}

void config_show(FILE *f, const struct config *c, bool origin)
{
	const struct writer w = {f, origin};

	if (c->steward != NULL)
		put_pair(&w, "steward", c->steward, NULL);
	if (c->no_root)
		fputs("root = false\n", f);
	put_args(&w, c);
	if (c->descriptor_count > 0 && c->named_count == 0)
		fputs("files = []\n", f);
	put_env(&w, c);
	for (size_t i = 0; i < c->named_count; i++)
		put_descriptor(&w, &c->descriptors[i]);
	put_limits(&w, c);
	for (size_t i = 0; i < c->mount_count; i++)
		put_mount(&w, &c->mounts[i]);
	for (size_t i = 0; i < c->secret_count; i++)
		put_secret(&w, &c->secrets[i]);
	for (size_t i = 0; i < c->module_count; i++)
		put_module(&w, &c->modules[i]);
	put_restart(&w, c);
	put_tls(&w, c);
	put_network(&w, c);
}

/* ---- JSON ---- */

static json_t *with_origin(json_t *o, const struct origin *from)
{
	char text[ORIGIN_TEXT];

	origin_text(from, text);
	json_object_set_new(o, "origin", json_string(text));
	return o;
}

static json_t *value_of(const char *text, const struct origin *from)
{
	return with_origin(json_pack("{s:s}", "value", text), from);
}

static json_t *args_json(const struct config *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->arg_count; i++)
		json_array_append_new(all, value_of(c->args[i].text, &c->args[i].from));
	return all;
}

static json_t *env_json(const struct config *c)
{
	json_t *all = json_object();

	for (size_t i = 0; i < c->env_count; i++)
		json_object_set_new(all, c->env[i].name, value_of(c->env[i].value, &c->env[i].from));
	return all;
}

static json_t *descriptors_json(const struct config *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->named_count; i++) {
		const struct config_descriptor *d = &c->descriptors[i];
		json_t *o = json_pack("{s:s, s:s}", "kind", descriptor_kind_text(d->kind), "name", d->name);

		if (d->protocol != DESCRIPTOR_NO_PROTOCOL) {
			json_object_set_new(o, "prot", json_string(d->protocol == DESCRIPTOR_TLS ? "tls" : "tcp"));
			json_object_set_new(o, "host", json_string(d->host));
			json_object_set_new(o, "port", json_integer(d->port));
		}
		json_array_append_new(all, with_origin(o, &d->from));
	}
	return all;
}

static json_t *limits_json(const struct config *c)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < CONFIG_LIMITS; i++)
		if (c->limits[i].value != 0)
			json_object_set_new(all, config_limits[i].key,
			                    with_origin(json_pack("{s:I}", "value", (json_int_t)c->limits[i].value),
			                                &c->limits[i].from));
	return all;
}

static json_t *mounts_json(const struct config *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->mount_count; i++) {
		const struct config_mount *m = &c->mounts[i];
		json_t *o = json_pack("{s:s, s:s+}", "kind", m->kind == MOUNT_PACKAGE ? "package" : "memory", "path",
		                      "/", m->guest);

		if (m->kind == MOUNT_PACKAGE)
			json_object_set_new(o, "source", json_string(m->source));
		else
			json_object_set_new(o, "bytes", json_integer((json_int_t)m->bytes));
		json_array_append_new(all, with_origin(o, &m->from));
	}
	return all;
}

static json_t *secrets_json(const struct config *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->secret_count; i++) {
		const struct config_secret *s = &c->secrets[i];
		json_t *o = s->env ? json_pack("{s:s}", "env", s->target) : json_pack("{s:s+}", "path", "/", s->target);

		if (s->source != NULL)
			json_object_set_new(o, "file", json_string(s->source));
		else
			json_object_set_new(o, "fd", json_integer(s->fd));
		json_array_append_new(all, with_origin(o, &s->from));
	}
	return all;
}

static json_t *modules_json(const struct config *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->module_count; i++)
		json_array_append_new(all, with_origin(json_pack("{s:s, s:s}", "name", c->modules[i].name, "file", c->modules[i].source),
		                                       &c->modules[i].from));
	return all;
}

static json_t *texts_json(const char *const *texts, size_t count)
{
	json_t *all = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(all, json_string(texts[i]));
	return all;
}

static json_t *trust_json(const struct config_trust *t)
{
	json_t *pins = json_array();
	char hex[65];

	for (size_t i = 0; i < t->pin_count; i++) {
		hex_encode(slice_of(t->pins[i], sizeof t->pins[i]), hex);
		json_array_append_new(pins, json_string(hex));
	}
	return json_pack("{s:s?, s:o}", "roots", t->roots, "pins", pins);
}

static json_t *tls_json(const struct config *c)
{
	const struct config_tls *t = &c->tls;

	return with_origin(json_pack("{s:o, s:o, s:s?, s:o, s:o}", "names", texts_json(t->names, t->name_count),
	                             "alpn", texts_json(t->alpn, t->alpn_count), "key", t->key, "servers", trust_json(&t->servers), "clients",
	                             trust_json(&t->clients)),
	                   &t->from);
}

static json_t *restart_json(const struct config *c)
{
	return with_origin(json_pack("{s:s, s:I, s:I, s:I}", "when", whens[c->restart.when], "times",
	                             (json_int_t)c->restart.times, "pause_ns", (json_int_t)c->restart.pause_ns,
	                             "pause_max_ns", (json_int_t)c->restart.pause_max_ns),
	                   &c->restart.from);
}

static json_t *network_json(const struct config *c)
{
	json_t *egress = json_array(), *ingress = json_array();

	for (size_t i = 0; i < c->egress_count; i++)
		json_array_append_new(egress, value_of(c->egress[i].text, &c->egress[i].from));
	for (size_t i = 0; i < c->ingress_count; i++)
		json_array_append_new(ingress, with_origin(json_pack("{s:I, s:I}", "first", (json_int_t)c->ingress[i].first, "last",
		                                                     (json_int_t)c->ingress[i].last),
		                                           &c->ingress[i].from));
	return json_pack("{s:o, s:o}", "egress", egress, "ingress", ingress);
}

json_t *config_show_json(const struct config *c)
{
	json_t *remarks = json_array();

	for (size_t i = 0; i < c->remark_count; i++)
		json_array_append_new(remarks, json_string(c->remarks[i]));
	return json_pack("{s:s, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "schema", "broch.config/1",
	                 "file", c->file, "steward", c->steward, "args", args_json(c), "env", env_json(c), "files",
	                 descriptors_json(c), "limits", limits_json(c), "mounts", mounts_json(c), "secrets",
	                 secrets_json(c), "modules", modules_json(c), "restart", restart_json(c), "tls", tls_json(c), "network", network_json(c),
	                 "remarks", remarks, "root", !c->no_root);
}

/* ---- a beginning ---- */

const char *config_template(bool enarx)
{
	return enarx ? "# Enarx.toml: what the program is given. Everything may be left out.\n"
	               "\n"
	               "# Arguments after the program's name.\n"
	               "# args = [\"--verbose\"]\n"
	               "\n"
	               "# Environment variables.\n"
	               "# [env]\n"
	               "# LANG = \"C.UTF-8\"\n"
	               "\n"
	               "# What is open from the start, numbers 0, 1, 2... in this order.\n"
	               "[[files]]\n"
	               "kind = \"stdin\"\n"
	               "\n"
	               "[[files]]\n"
	               "kind = \"stdout\"\n"
	               "\n"
	               "[[files]]\n"
	               "kind = \"stderr\"\n"
	             : "# broch.toml: what the program is given. Everything may be left out.\n"
	               "\n"
	               "# Arguments after the program's name.\n"
	               "# args = [\"--verbose\"]\n"
	               "\n"
	               "# Environment variables; for what nobody may read there is [[secrets]].\n"
	               "# [env]\n"
	               "# LANG = \"C.UTF-8\"\n"
	               "\n"
	               "# The Keep enforces these; your policy may allow less.\n"
	               "[limits]\n"
	               "memory = \"256MiB\"\n"
	               "# wall = \"1h\"\n"
	               "# cpu = \"10m\"\n"
	               "# files = 64\n"
	               "# file_bytes = \"64MiB\"\n"
	               "\n"
	               "# Files of the package, read-only: a folder or file beside this one.\n"
	               "# [[mounts]]\n"
	               "# kind = \"package\"\n"
	               "# path = \"/data\"\n"
	               "# source = \"data\"\n"
	               "\n"
	               "# A writable folder in the Keep's memory.\n"
	               "# [[mounts]]\n"
	               "# kind = \"memory\"\n"
	               "# path = \"/tmp\"\n"
	               "# size = \"64MiB\"\n"
	               "\n"
	               "# What it may connect to and listen on when it runs, as paths below /net (doc/network.md).\n"
	               "# [network]\n"
	               "# egress = [\"db.example.org:5432\"]\n"
	               "# ingress = [8443]\n"
	               "\n"
	               "# Modules that the program imports from by their names; each also from those before it.\n"
	               "# [[modules]]\n"
	               "# name = \"shapes\"\n"
	               "# file = \"shapes.wasm\"\n"
	               "\n"
	               "# Secrets by reference: a variable (env) or a file in the Keep (path), from a file of mode 600 "
	               "or a descriptor (fd).\n"
	               "# [[secrets]]\n"
	               "# env = \"DB_PASSWORD\"\n"
	               "# file = \"db.password\"\n"
	               "\n"
	               "# For files with prot = \"tls\": names in the Keep's certificate, whom to believe (roots: PEM "
	               "beside this\n"
	               "# file; pins: SHA-256 of a public key), and who may come, if not anybody.\n"
	               "# [tls]\n"
	               "# names = [\"keep.example\"]\n"
	               "# alpn = [\"http/1.1\"]\n"
	               "# roots = \"ca.pem\"\n"
	               "# pins = []\n"
	               "# client_roots = \"clients.pem\"\n"
	               "# client_pins = []\n";
}
