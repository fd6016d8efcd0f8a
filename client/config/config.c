/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config/config.h"

#include "client/config/units.h"
#include "lib/session/manifest.h"
#include "sys/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ENV_FILE_MAX = 1 << 20, LIST_MAX = 65536 };

const struct config_limit_info config_limits[CONFIG_LIMITS] = {
	[LIMIT_MEMORY] = {"memory", "memory", UNIT_BYTES},
	[LIMIT_WALL] = {"wall", "timeout", UNIT_TIME},
	[LIMIT_CPU] = {"cpu", "cpu-time", UNIT_TIME},
	[LIMIT_FILES] = {"files", NULL, UNIT_COUNT},
	[LIMIT_FILE_BYTES] = {"file_bytes", NULL, UNIT_BYTES},
	[LIMIT_SOCKETS] = {"sockets", NULL, UNIT_COUNT},
	[LIMIT_NETWORK_BYTES] = {"network_bytes", NULL, UNIT_BYTES},
};

/* ---- memory ---- */

struct text {
	struct text *next;
	char bytes[];
};

enum err config_new(struct config **out)
{
	*out = calloc(1, sizeof **out);
	return *out != NULL ? OK : ERR_NOMEM;
}

void config_free(struct config *c)
{
	struct text *next;

	if (c == NULL)
		return;
	for (struct text *t = c->owned; t != NULL; t = next) {
		next = t->next;
		free(t);
	}
	free(c->args);
	free(c->env);
	free(c->descriptors);
	free(c->mounts);
	free(c->secrets);
	free(c->modules);
	free(c->tls.names);
	free(c->tls.alpn);
	free(c->tls.servers.pins);
	free(c->tls.clients.pins);
	free(c->egress);
	free(c->ingress);
	free(c->remarks);
	free(c);
}

const char *config_keep(struct config *c, struct slice text)
{
	struct text *t = malloc(sizeof *t + text.size + 1);

	if (t == NULL)
		return NULL;
	if (text.size > 0)
		memcpy(t->bytes, text.data, text.size);
	t->bytes[text.size] = 0;
	t->next = c->owned;
	c->owned = t;
	return t->bytes;
}

/* Room for one more; `list` is the address of the array's pointer. It grows at each power of two. */
static enum err room(void *list, size_t count, size_t each)
{
	void *array, *grown;

	if (count >= LIST_MAX)
		return ERR_LIMIT;
	if ((count & (count - 1)) != 0)
		return OK;
	memcpy(&array, list, sizeof array);
	grown = realloc(array, (count == 0 ? 1 : count * 2) * each);
	if (grown == NULL)
		return ERR_NOMEM;
	memcpy(list, &grown, sizeof grown);
	/* cppcheck-suppress memleak; the list has it now */
	return OK;
}

/* ---- setting ---- */

void config_clear_args(struct config *c)
{
	c->arg_count = 0;
}

enum err config_add_arg(struct config *c, const char *text, struct origin from)
{
	const char *kept = config_keep(c, slice_text(text));

	TRY(room(&c->args, c->arg_count, sizeof *c->args));
	c->args[c->arg_count++] = (struct config_arg){kept, from};
	return kept != NULL ? OK : ERR_NOMEM;
}

enum err config_set_env(struct config *c, struct slice name, const char *value, struct origin from, struct note *n)
{
	const char *kept = config_keep(c, name), *kept_value = config_keep(c, slice_text(value));
	struct config_variable v = {kept, kept_value, from};

	if (kept == NULL || kept_value == NULL)
		return ERR_NOMEM;
	if (name.size == 0 || strlen(kept) != name.size || strchr(kept, '=') != NULL)
		return refuse(n, ERR_INVALID, "environment '%s': expected NAME=VALUE", kept);
	for (size_t i = 0; i < c->env_count; i++)
		if (strcmp(c->env[i].name, kept) == 0) {
			c->env[i] = v;
			return OK;
		}
	TRY(room(&c->env, c->env_count, sizeof *c->env));
	c->env[c->env_count++] = v;
	return OK;
}

static enum err env_line(struct config *c, const char *line, struct origin from, struct note *n)
{
	const char *equals = strchr(line, '='), *ours = equals == NULL ? getenv(line) : NULL;
	struct note why = {""};
	enum err err;

	if (line[0] == 0 || line[0] == '#')
		return OK;
	if (equals == NULL && ours == NULL)
		return refuse(n, ERR_INVALID, "%s line %u: %s is not set in our environment", from.file, from.line, line);
	if (equals == NULL)
		err = config_set_env(c, slice_text(line), ours, from, &why);
	else
		err = config_set_env(c, slice_of(line, (size_t)(equals - line)), equals + 1, from, &why);
	return err == OK ? OK : refuse(n, err, "%s line %u: %s", from.file, from.line, why.text);
}

enum err config_env_file(struct config *c, const char *path, struct note *n)
{
	struct origin from = {FROM_FILE, config_keep(c, slice_text(path)), 0};
	enum err err = from.file != NULL ? OK : ERR_NOMEM;
	struct slice file = {NULL, 0};
	char *text;

	if (err == OK)
		err = file_read(path, ENV_FILE_MAX, &file, n);
	if (err != OK)
		return err;
	text = (char *)(uintptr_t)file.data; /* has room for the terminator: file_read allocates one byte more */
	text[file.size] = 0;
	if (strlen(text) != file.size)
		err = refuse(n, ERR_INVALID, "%s: a zero byte is in it", path);
	for (char *at = text; err == OK && *at != 0;) {
		char *end = at + strcspn(at, "\n");
		bool last = *end == 0;

		*end = 0;
		if (end > at && end[-1] == '\r')
			end[-1] = 0;
		from.line++;
		err = env_line(c, at, from, n);
		at = last ? end : end + 1;
	}
	free(text);
	return err;
}

enum err config_add_text(const char ***list, size_t *count, const char *text)
{
	TRY(room(list, *count, sizeof **list));
	(*list)[(*count)++] = text;
	return OK;
}

enum err config_add_pin(struct config_trust *t, const uint8_t pin[static 32])
{
	TRY(room(&t->pins, t->pin_count, sizeof *t->pins));
	memcpy(t->pins[t->pin_count++], pin, sizeof *t->pins);
	return OK;
}

enum err config_add_egress(struct config *c, const struct config_egress *e)
{
	TRY(room(&c->egress, c->egress_count, sizeof *c->egress));
	c->egress[c->egress_count++] = *e;
	return OK;
}

enum err config_add_ingress(struct config *c, const struct config_ingress *i)
{
	TRY(room(&c->ingress, c->ingress_count, sizeof *c->ingress));
	c->ingress[c->ingress_count++] = *i;
	return OK;
}

enum err config_add_mount(struct config *c, const struct config_mount *m)
{
	TRY(room(&c->mounts, c->mount_count, sizeof *c->mounts));
	c->mounts[c->mount_count++] = *m;
	return OK;
}

enum err config_add_descriptor(struct config *c, const struct config_descriptor *d)
{
	TRY(room(&c->descriptors, c->descriptor_count, sizeof *c->descriptors));
	c->descriptors[c->descriptor_count++] = *d;
	return OK;
}

enum err config_add_secret(struct config *c, const struct config_secret *s)
{
	TRY(room(&c->secrets, c->secret_count, sizeof *c->secrets));
	c->secrets[c->secret_count++] = *s;
	return OK;
}

enum err config_add_module(struct config *c, const struct config_module *m)
{
	TRY(room(&c->modules, c->module_count, sizeof *c->modules));
	c->modules[c->module_count++] = *m;
	return OK;
}

enum err config_remark(struct config *c, const char *fmt, ...)
{
	char text[NOTE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	TRY(room(&c->remarks, c->remark_count, sizeof *c->remarks));
	c->remarks[c->remark_count] = config_keep(c, slice_text(text));
	return c->remarks[c->remark_count++] != NULL ? OK : ERR_NOMEM;
}

enum err config_guest_path(struct slice text, char *out, size_t capacity)
{
	const char *at = (const char *)text.data, *end = at + text.size;
	size_t len = 0;

	while (at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t part = (size_t)((slash != NULL ? slash : end) - at);

		if (part == 2 && memcmp(at, "..", 2) == 0)
			return ERR_INVALID;
		if (part > 0 && !(part == 1 && *at == '.')) {
			if (len + part + 2 > capacity)
				return ERR_LIMIT;
			if (len > 0)
				out[len++] = '/';
			memcpy(out + len, at, part);
			len += part;
		}
		at += part + (slash != NULL);
	}
	out[len] = 0;
	return OK;
}

enum err config_limit_parse(enum config_limit which, struct slice text, uint64_t *out)
{
	switch (config_limits[which].unit) {
	case UNIT_BYTES: return units_size(text, out);
	case UNIT_TIME: return units_duration(text, out);
	case UNIT_COUNT: break;
	}
	return ERR_FORMAT; /* counts are integers in TOML, and no option */
}

enum err config_load(struct config *c, const char *path, struct note *n)
{
	struct slice text;
	enum err err;

	TRY(file_read(path, CONFIG_SIZE_MAX, &text, n));
	err = config_read(c, text, path, n);
	free((void *)(uintptr_t)text.data);
	return err;
}
