/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of a workload, linked: the manifest's libraries, made in its order, then the program. All live in one store
 * and share one WASI. They begin in the interpreter and are compiled together while they run.
 */
#ifndef BROCH_KEEP_LINKED_H
#define BROCH_KEEP_LINKED_H

#include "keep/run/state.h"
#include "keep/wasi/wasi.h"

struct linked { /* zero-initialised; does not move once linked_load was called */
	struct keep *keep;
	struct wasi *wasi;
	struct wasm_store *store;
	struct wasi_library libraries[MANIFEST_LIBRARIES_MAX];
	struct wasm_instance *program; /* NULL: not made yet */
	bool making;                   /* an instance that is not known yet may be running */
	struct wasm_poll port;
	size_t polls_left; /* until all is compiled */
};

/* Everything before the first instruction: an error here, with words, is "cannot start". */
MUST_USE enum err linked_load(struct linked *l, struct keep *k, struct wasi *w, struct note *n);
/* Makes one module after the other and runs the program; as wasi_start, or ERR_EXIT, or what the making of one gave. */
MUST_USE enum err linked_run(struct linked *l, struct note *n);

#endif
