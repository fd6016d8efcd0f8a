/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/run/linked.h"

#include "keep/run/port.h"
#include "lib/wasm/x64check/prove.h"

/* Module 0 is the program, as in the delivery. */
enum { PROGRAM = 0, NAME_SHOWN = 48 };

static size_t count_of(const struct keep *k)
{
	return 1 + k->delivery.manifest.library_count;
}

static struct slice name_of(const struct keep *k, size_t i)
{
	return k->delivery.manifest.libraries[i - 1].name;
}

static struct wasm_instance **instance_at(struct linked *l, size_t i)
{
	return i == PROGRAM ? &l->program : &l->libraries[i - 1].instance;
}

/* Words about a library begin with its name; those about the program are about nothing else. */
static enum err told(const struct keep *k, size_t i, enum err err, const struct note *why, struct note *n)
{
	char name[NAME_SHOWN];

	if (err == OK || why->text[0] == 0)
		return err;
	if (i == PROGRAM)
		return refuse(n, err, "%s", why->text);
	slice_shown(name_of(k, i), name, sizeof name);
	return refuse(n, err, err == ERR_TRAP ? "starting module \"%s\": %s" : "module \"%s\": %s", name, why->text);
}

/* ---- from one tier to the other ---- */

/*
 * A program begins in the interpreter, because most are done before a compiler would be; one that goes on is compiled
 * at the first poll, or a poll later for each so many bytes of its modules: the longer compiling takes, the more there
 * must be to gain. Optimizing takes a few times as long; a large module, of which most is never run, gets baseline code.
 */
enum { OPTIMIZED_MOST = 512 << 10, POLL_EACH_OPTIMIZED = 64 << 10, POLL_EACH = 256 << 10 };

static bool is_optimized(const struct keep *k, size_t i)
{
	return delivery_module(&k->delivery, i).size <= OPTIMIZED_MOST;
}

static size_t polls_for(const struct keep *k)
{
	size_t polls = 0;

	for (size_t i = 0; i < count_of(k); i++)
		polls += delivery_module(&k->delivery, i).size / (is_optimized(k, i) ? POLL_EACH_OPTIMIZED : POLL_EACH);
	return polls;
}

/* Ends the workload when a proof was asked for and there is none: then the compiler did what it must not. */
static enum err prove(struct keep *k, size_t i)
{
	struct note why = {{0}};
	char name[NAME_SHOWN] = "";
	enum err err;

	if ((k->delivery.manifest.flags & MANIFEST_CHECK_CODE) == 0)
		return OK;
	err = x64_prove(k->modules[i], &k->memory.module, &why);
	if (err == OK)
		return OK;
	if (i != PROGRAM)
		slice_shown(name_of(k, i), name, sizeof name);
	k->stop = err;
	note_set(&k->stop_note, "the machine code made of %s%s is not proven safe, so it did not run: %s",
	         i == PROGRAM ? "the module" : "module ", name, why.text);
	return err;
}

/* What cannot be compiled goes on in the interpreter. A library that is not made yet finds its code when it is. */
static enum err compile(struct linked *l, size_t i)
{
	struct keep *k = l->keep;
	struct wasm_instance *instance = *instance_at(l, i);

	if (wasm_compile(k->modules[i], is_optimized(k, i) ? WASM_TIER_OPTIMIZED : WASM_TIER_BASELINE, instance,
	                 &k->memory.module, &k->memory.code) != OK)
		return OK;
	TRY(prove(k, i));
	if (instance != NULL)
		wasm_run_compiled(instance);
	return OK;
}

static enum err poll(void *ctx)
{
	struct linked *l = ctx;

	TRY(l->port.poll(l->port.ctx));
	if (l->making || l->keep->compiling_tried || l->polls_left-- > 0)
		return OK;
	l->keep->compiling_tried = true; /* what is not compiled now is interpreted */
	for (size_t i = 0; i < count_of(l->keep); i++)
		TRY(compile(l, i));
	return OK;
}

/* ---- loading and making ---- */

static enum err load_module(struct keep *k, size_t i, struct note *n)
{
	const struct wasm_limits limits = wasm_default_limits();
	struct wasm_module *m;
	struct note why = {{0}};
	enum err err;

	if (k->modules[i] != NULL)
		return OK;
	err = wasm_load(&k->memory.module, &k->memory.heap, delivery_module(&k->delivery, i), &limits, &m, &why);
	if (err == OK && i != PROGRAM) {
		wasm_name(m, name_of(k, i));
		if (wasm_exports_function(m, slice_text("_start")))
			err = refuse(&why, ERR_INVALID, "it exports _start, so it is a program, not a library: build it with "
			             "-mexec-model=reactor");
	}
	if (err == OK)
		k->modules[i] = m;
	return told(k, i, err, &why, n);
}

enum err linked_load(struct linked *l, struct keep *k, struct wasi *w, struct note *n)
{
	const struct wasm_limits limits = wasm_default_limits();

	for (size_t i = 1; i < count_of(k); i++) {
		TRY(load_module(k, i, n));
		l->libraries[i - 1].name = name_of(k, i);
	}
	TRY(load_module(k, PROGRAM, n));
	l->keep = k;
	l->wasi = w;
	l->port = port_poll(k);
	l->polls_left = polls_for(k);
	return wasm_store_new(&k->memory.heap, &limits, memory_linear_ops(&k->memory), (struct wasm_poll){poll, l}, &l->store);
}

static enum err make(struct linked *l, size_t i, struct note *n)
{
	struct keep *k = l->keep;
	const struct wasi_libraries libraries = {l->libraries, k->delivery.manifest.library_count};
	struct wasm_extern *const *imports;
	enum err err;

	TRY(wasi_resolve(l->wasi, &k->memory.heap, l->store, k->modules[i], libraries, &imports, n));
	l->making = true;
	err = wasm_instantiate(l->store, &k->memory.heap, k->modules[i], imports, instance_at(l, i), n);
	l->making = false;
	return err;
}

static enum err make_library(struct linked *l, size_t i, struct note *n)
{
	struct note why = {{0}};
	enum err err = make(l, i, &why);

	if (err == OK)
		err = wasi_initialize(l->store, *instance_at(l, i), &why);
	return told(l->keep, i, err, &why, n);
}

enum err linked_run(struct linked *l, struct note *n)
{
	for (size_t i = 1; i < count_of(l->keep); i++)
		TRY(make_library(l, i, n));
	TRY(make(l, PROGRAM, n));
	return wasi_start(l->wasi, l->store, l->program, n);
}
