/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/workload.h"

#include "keep/run/port.h"
#include "keep/wasi/wasi.h"

/* What there is once each step has gone well. */
struct program {
	struct wasi *wasi;
	struct wasm_module *module;
	struct wasm_store *store;
	struct wasm_instance *instance;
};

static enum err package_files(struct keep *k, struct wasi_config *c)
{
	const struct manifest *m = &k->delivery.manifest;
	struct wasi_file *files = arena_many(&k->memory.heap, m->file_count, struct wasi_file);

	if (files == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->file_count; i++)
		files[i] = (struct wasi_file){m->files[i].path, delivery_file(&k->delivery, i), m->files[i].mode};
	c->files = files;
	c->file_count = m->file_count;
	return OK;
}

static enum err make_wasi(struct keep *k, struct wasi **out, struct note *n)
{
	const struct manifest *m = &k->delivery.manifest;
	struct wasi_config c = {
		.args = m->args,
		.arg_count = m->arg_count,
		.env = m->env,
		.env_count = m->env_count,
		.no_stdin = (m->flags & MANIFEST_STDIN) == 0,
		.file_bytes = m->limits.file_bytes,
		.open_files = (uint32_t)m->limits.open_files, /* bounded by manifest.c */
		.file_arena = &k->memory.files,
	};

	if (package_files(k, &c) != OK)
		return refuse(n, ERR_NOMEM, "the host gives no memory for the list of files");
	return wasi_new(&k->memory.heap, &c, out, n);
}

/* Everything before the first instruction of the program: an error here is "cannot start". */
static enum err load(struct keep *k, struct program *p, struct wasm_extern *const **imports, struct note *n)
{
	const struct wasm_limits limits = wasm_default_limits();
	struct arena *a = &k->memory.heap;

	TRY(make_wasi(k, &p->wasi, n));
	TRY(wasm_load(a, delivery_module(&k->delivery), &limits, &p->module, n));
	TRY(wasm_store_new(a, &limits, memory_linear_ops(&k->memory), port_poll(k), &p->store));
	return wasi_resolve(p->wasi, a, p->store, p->module, imports, n);
}

static enum err run(struct keep *k, struct program *p, struct wasm_extern *const *imports, struct note *n)
{
	TRY(wasm_instantiate(p->store, &k->memory.heap, p->module, imports, &p->instance, n));
	return wasi_start(p->wasi, p->store, p->instance, n);
}

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
	struct wasm_extern *const *imports;
	struct program p = {.wasi = NULL};
	struct note why = {{0}};
	enum err err;

	port_bind(k);
	err = load(k, &p, &imports, &why);
	*end = (struct msg_exit){.end = WORKLOAD_REFUSED};
	if (err == OK) {
		err = run(k, &p, imports, &why);
		end->end = end_of(err);
	}
	if (end->end == WORKLOAD_EXITED)
		end->code = wasi_exit_code(p.wasi);
	if (k->stop != OK && err == k->stop)
		why = k->stop_note;
	if (err != OK && err != ERR_EXIT)
		note_set(&why, "%s", err_text(err));
	k->end_note = why;
	end->message = printable(&k->end_note);
}
