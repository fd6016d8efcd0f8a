/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/workload.h"

#include "keep/run/linked.h"
#include "keep/run/port.h"

#include <assert.h>

static_assert((int)MANIFEST_MOUNTS_MAX <= (int)MEMORY_MOUNTS, "each mount has its own memory");
static_assert((int)DESCRIPTOR_CONNECT - (int)DESCRIPTOR_NULL == (int)WASI_STREAM_SOCKET && WASI_STREAM_NULL == 0 &&
                      (int)DESCRIPTOR_LISTEN - (int)DESCRIPTOR_NULL == (int)WASI_STREAM_LISTENER,
              "the same kinds in the same order");

/* ---- from the manifest to what a program finds ---- */

static enum err sealed(struct keep *k, size_t i, struct slice *out, struct note *n)
{
	enum err err = secret_open(delivery_secret(&k->delivery, i), out);

	return err == OK ? OK : refuse(n, err, "secret %u is not sealed as it must be", (unsigned)i);
}

/* The package's files, and behind them the secrets that are files. */
static enum err make_files(struct keep *k, struct wasi_config *c, struct note *n)
{
	const struct manifest *m = &k->delivery.manifest;
	struct wasi_file *files = arena_many(&k->memory.heap, m->file_count + m->secret_count, struct wasi_file);

	if (files == NULL)
		return ERR_NOMEM;
	c->files = files;
	for (size_t i = 0; i < m->file_count; i++)
		files[c->file_count++] = (struct wasi_file){m->files[i].path, delivery_file(&k->delivery, i), m->files[i].mode};
	for (size_t i = 0; i < m->secret_count; i++) {
		struct wasi_file *f = &files[c->file_count];

		if (m->secrets[i].kind != SECRET_FILE)
			continue;
		*f = (struct wasi_file){.path = m->secrets[i].target, .mode = 0444};
		TRY(sealed(k, i, &f->bytes, n));
		c->file_count++;
	}
	return OK;
}

/* "NAME=VALUE" of a secret. */
static enum err make_variable(struct keep *k, size_t i, struct slice *out, struct note *n)
{
	struct slice name = k->delivery.manifest.secrets[i].target, value;
	uint8_t *text;

	TRY(sealed(k, i, &value, n));
	text = arena_many(&k->memory.heap, name.size + 1 + value.size, uint8_t);
	if (text == NULL)
		return ERR_NOMEM;
	memcpy(text, name.data, name.size);
	text[name.size] = '=';
	if (value.size > 0)
		memcpy(text + name.size + 1, value.data, value.size);
	*out = slice_of(text, name.size + 1 + value.size);
	return OK;
}

/* What was declared, and behind it the secrets that are variables. */
static enum err make_env(struct keep *k, struct wasi_config *c, struct note *n)
{
	const struct manifest *m = &k->delivery.manifest;
	struct slice *env = arena_many(&k->memory.heap, m->env_count + m->secret_count, struct slice);

	if (env == NULL)
		return ERR_NOMEM;
	if (m->env_count > 0)
		memcpy(env, m->env, m->env_count * sizeof *env);
	c->env = env;
	c->env_count = m->env_count;
	for (size_t i = 0; i < m->secret_count; i++) {
		if (m->secrets[i].kind != SECRET_ENV)
			continue;
		TRY(make_variable(k, i, &env[c->env_count], n));
		c->env_count++;
	}
	return OK;
}

/* Now, or perhaps later. */
static bool has_tls(const struct manifest *m)
{
	if (manifest_network_said(&m->network))
		return true;
	for (size_t i = 0; i < m->descriptor_count; i++)
		if (m->descriptors[i].protocol == DESCRIPTOR_TLS)
			return true;
	return false;
}

/* Sockets are opened before the program starts, in the order in which they are declared. */
static enum err make_streams(struct keep *k, struct wasi_config *c, struct note *n)
{
	const struct manifest *m = &k->delivery.manifest;
	enum wasi_stream *streams = arena_many(&k->memory.heap, m->descriptor_count, enum wasi_stream);

	uint32_t *sockets = arena_many(&k->memory.heap, m->descriptor_count, uint32_t);

	if (streams == NULL || sockets == NULL)
		return ERR_NOMEM;
	k->sockets.limit = (uint32_t)m->limits.sockets;
	k->sockets.meter.limit = m->limits.network_bytes;
	if (has_tls(m))
		TRY(sockets_secure(k, n));
	for (size_t i = 0; i < m->descriptor_count; i++) {
		const struct manifest_descriptor *d = &m->descriptors[i];

		CHECK(d->kind >= DESCRIPTOR_NULL && d->kind <= DESCRIPTOR_CONNECT);
		streams[i] = WASI_STREAM_NULL + (d->kind - DESCRIPTOR_NULL);
		if (d->kind == DESCRIPTOR_LISTEN || d->kind == DESCRIPTOR_CONNECT)
			TRY(socket_open(k, d, &sockets[i], n));
	}
	c->streams = streams;
	c->sockets = sockets;
	c->stream_count = m->descriptor_count;
	return OK;
}

static enum err make_mounts(struct keep *k, struct wasi_config *c)
{
	const struct manifest *m = &k->delivery.manifest;
	struct wasi_mount *mounts = arena_many(&k->memory.heap, m->mount_count, struct wasi_mount);

	if (mounts == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->mount_count; i++)
		mounts[i] = (struct wasi_mount){m->mounts[i].path, m->mounts[i].bytes, &k->memory.mounts[i]};
	c->mounts = mounts;
	c->mount_count = m->mount_count;
	return OK;
}

static enum err make_wasi(struct keep *k, struct wasi **out, struct note *n)
{
	const struct manifest *m = &k->delivery.manifest;
	struct wasi_config c = {
		.args = m->args,
		.arg_count = m->arg_count,
		.no_stdin = (m->flags & MANIFEST_STDIN) == 0,
		.file_bytes = m->limits.file_bytes,
		.no_preopens = (m->flags & MANIFEST_NO_ROOT) != 0,
		.network = manifest_network_said(&m->network),
		.open_files = (uint32_t)m->limits.open_files, /* bounded by manifest_check */
		.file_arena = &k->memory.files,
	};
	enum err err = make_files(k, &c, n);

	if (err == OK)
		err = make_env(k, &c, n);
	if (err == OK)
		err = make_streams(k, &c, n);
	if (err == OK)
		err = make_mounts(k, &c);
	if (err == ERR_NOMEM)
		return refuse(n, ERR_NOMEM, "the host gives no memory for what the manifest declares");
	return err == OK ? wasi_new(&k->memory.heap, &c, out, n) : err;
}

/* ---- running it ---- */

static enum workload_end end_of(enum err err)
{
	switch (err) {
	case OK:
	case ERR_EXIT: return WORKLOAD_EXITED;
	case ERR_TRAP: return WORKLOAD_TRAPPED;
	case ERR_STOPPED: return WORKLOAD_STOPPED;
	case ERR_LIMIT: return WORKLOAD_LIMIT;
	default: return WORKLOAD_REFUSED;
	}
}

/* Words may quote names out of the module; the message must be plain text whatever they are. */
static struct slice printable(struct note *n)
{
	for (char *c = n->text; *c != 0; c++)
		if ((*c < ' ' || *c > '~') && *c != '\n' && *c != '\t')
			*c = '?';
	return slice_text(n->text);
}

void workload_run(struct keep *k, struct msg_exit *end)
{
	struct linked l = {.keep = NULL};
	struct wasi *wasi = NULL;
	struct note why = {{0}};
	uint64_t began, loaded;
	enum err err;

	port_bind(k);
	began = clock_monotonic(&k->clock);
	err = make_wasi(k, &wasi, &why);
	if (err == OK)
		err = linked_load(&l, k, wasi, &why);
	loaded = clock_monotonic(&k->clock);
	*end = (struct msg_exit){.end = WORKLOAD_REFUSED, .load_ns = loaded - began};
	if (err == OK) {
		err = linked_run(&l, &why);
		end->end = end_of(err);
		end->run_ns = clock_monotonic(&k->clock) - loaded;
	}
	sockets_over(k);
	if (end->end == WORKLOAD_EXITED)
		end->code = wasi_exit_code(wasi);
	if (k->stop != OK && err == k->stop)
		why = k->stop_note;
	if (err != OK && err != ERR_EXIT)
		note_set(&why, "%s", err_text(err));
	k->end_note = why;
	end->message = printable(&k->end_note);
}
