/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WebAssembly engine as its users see it. Freestanding: no malloc, no I/O, no globals; all memory comes from the
 * caller's arena and memory operations. Any byte string either is refused with offset and reason or runs in its sandbox.
 * WebAssembly core specification 2.0 (section numbers in the .c files refer to it).
 */
#ifndef BROCH_WASM_H
#define BROCH_WASM_H

#include "lib/base/arena.h"
#include "lib/base/slice.h"

enum wasm_type { WASM_I32 = 0x7f, WASM_I64 = 0x7e, WASM_F32 = 0x7d, WASM_F64 = 0x7c, WASM_V128 = 0x7b,
		 WASM_FUNCREF = 0x70, WASM_EXTERNREF = 0x6f };

/* In arrays of arguments and results a v128 takes two values: i64 with the lower and with the upper half. */
union wasm_value { /* floats are kept as bits where it matters: NaN payloads survive */
	uint32_t i32;
	uint64_t i64;
	float f32;
	double f64;
	uint64_t ref; /* WASM_NULL_REF or an opaque handle (externref: the embedder's own number) */
};
#define WASM_NULL_REF UINT64_MAX

enum wasm_kind { WASM_FUNC = 0, WASM_TABLE = 1, WASM_MEMORY = 2, WASM_GLOBAL = 3 };

enum { WASM_PAGE_SIZE = 65536, WASM_MAX_PAGES = 65536 };

struct wasm_functype {
	uint32_t param_count, result_count;
	const uint8_t *params, *results; /* enum wasm_type */
};

struct wasm_limits { /* what one module may cost; every one is checked before the memory is taken */
	uint32_t functions, types, table_entries, data_segments, locals_per_function, call_depth;
	uint32_t poll_interval; /* loop iterations and calls between two polls, at most INT32_MAX */
	size_t stack_bytes;     /* value stack of one store */
};
struct wasm_limits wasm_default_limits(void);

/* ---- modules ---- */

struct wasm_module;
/*
 * Decodes, validates and translates. `bytes` and the arena must outlive the module. What is needed on the way only comes
 * from `scratch`, which is back where it was at the end unless it is the same arena; it holds much of which little is
 * touched. On refusal the note reads like "code section, function 12 "main", offset 0x1a2b: type mismatch: expected
 * i32, found i64", and the arena is back where it was. ERR_FORMAT malformed (decoder), ERR_INVALID (validator),
 * ERR_UNSUPPORTED (later proposals), ERR_LIMIT, ERR_NOMEM.
 */
MUST_USE enum err wasm_load(struct arena *a, struct arena *scratch, struct slice bytes, const struct wasm_limits *limits,
			    struct wasm_module **out, struct note *n);

/* What messages call the module; it must outlive it. Where several are linked, a trap is in one of them. */
void wasm_name(struct wasm_module *m, struct slice name);
/* Is there a function among its exports of this name? */
bool wasm_exports_function(const struct wasm_module *m, struct slice name);

struct wasm_import {
	struct slice module, name;
	enum wasm_kind kind;
	const struct wasm_functype *type; /* WASM_FUNC only */
};
/*
 * What the memory of every new instance begins with, when the module alone says it: *size bytes, which image_write copies
 * over as many zeros, and then zeros. False when it imports its memory or a table, a place is given by a global, or data
 * does not fit. Who makes many instances keeps this image, and maps it copy-on-write (create_image below).
 */
bool wasm_memory_image(const struct wasm_module *m, uint64_t *size);
void wasm_memory_image_write(const struct wasm_module *m, uint8_t *to);

uint32_t wasm_import_count(const struct wasm_module *m);
struct wasm_import wasm_import_at(const struct wasm_module *m, uint32_t i);

/* ---- stores, instances, linking ---- */

struct wasm_store;    /* everything that runs together; owns the value stack */
struct wasm_instance;

/* How linear memory is obtained; `base` is BOOT_LINEAR_STRIDE-reserved in a Keep, so growth never moves it. */
struct wasm_memory_ops {
	/* Reserves a memory of at most max_pages and makes `pages` of it usable and zero. */
	enum err (*create)(void *ctx, uint32_t pages, uint32_t max_pages, uint8_t **base);
	/* Makes pages usable; never moves. May refuse: memory.grow then returns -1. */
	enum err (*grow)(void *ctx, uint8_t *base, uint32_t old_pages, uint32_t pages);
	void *ctx;
	/*
	 * As create, for a module that has an image (wasm_memory_image): the memory begins with the image instead of zeros.
	 * NULL: create is called, and the data copied.
	 */
	enum err (*create_image)(void *ctx, const struct wasm_module *m, uint32_t pages, uint32_t max_pages, uint8_t **base);
};

/* Called about every poll_interval loop iterations and calls. Anything but OK stops the program with that code. */
struct wasm_poll {
	enum err (*poll)(void *ctx);
	void *ctx;
};

MUST_USE enum err wasm_store_new(struct arena *a, const struct wasm_limits *limits, struct wasm_memory_ops mem,
				 struct wasm_poll poll, struct wasm_store **out);

/*
 * A host function: args in, results out through the same array (it is long enough for both). Returns OK; ERR_TRAP after
 * wasm_trap(); ERR_EXIT to unwind everything (proc_exit); any other code unwinds too and reaches the caller of wasm_call.
 */
struct wasm_caller; /* the running program, valid during the call only */
typedef enum err wasm_host_fn(void *ctx, struct wasm_caller *caller, union wasm_value *args_results);
/* Memory 0 of the calling instance; re-read after anything that may grow it. NULL, 0 when it has none. */
uint8_t *wasm_caller_memory(struct wasm_caller *c, uint64_t *size);
/* Whole-range check and pointer in one: NULL if [at, at + size) is not inside memory 0. */
uint8_t *wasm_caller_range(struct wasm_caller *c, uint32_t at, uint64_t size);
enum err wasm_trap(struct wasm_caller *c, const char *reason);

struct wasm_extern; /* something importable, opaque; made here or taken from an instance's exports */
MUST_USE struct wasm_extern *wasm_host_func(struct wasm_store *s, struct wasm_functype type, wasm_host_fn *fn, void *ctx);
/* Not for v128. */
MUST_USE struct wasm_extern *wasm_new_global(struct wasm_store *s, enum wasm_type t, bool mutable, union wasm_value v);
MUST_USE struct wasm_extern *wasm_new_table(struct wasm_store *s, enum wasm_type t, uint32_t min, uint32_t max);
MUST_USE struct wasm_extern *wasm_new_memory(struct wasm_store *s, uint32_t min_pages, uint32_t max_pages);
/* NULL if there is no such export. */
struct wasm_extern *wasm_export(struct wasm_instance *i, struct slice name);
enum wasm_kind wasm_extern_kind(const struct wasm_extern *e);
const struct wasm_functype *wasm_extern_functype(const struct wasm_extern *e); /* WASM_FUNC only */
/* v: room for two values, the second of which is set for a v128. */
MUST_USE enum err wasm_global_get(const struct wasm_extern *e, enum wasm_type *t, union wasm_value v[static 2]);

/*
 * imports[i] satisfies import i. ERR_UNLINKABLE with the import's names and both types in the note when they do not match.
 * Runs the initialisers and the start function; a trap in them is ERR_TRAP (what was written to imported memories and
 * tables stays, as the specification says).
 */
MUST_USE enum err wasm_instantiate(struct wasm_store *s, struct arena *a, const struct wasm_module *m,
				   struct wasm_extern *const *imports, struct wasm_instance **out, struct note *n);

/*
 * Calls a function. args and results are one array, as long as the longer of the two needs. ERR_TRAP puts e.g.
 * "unreachable executed in function 7 "abort" at offset 0x3f2" into the note, with `of module "shapes"` behind the function
 * when that has a name; stack exhaustion is a trap as well.
 * Other codes are those of host functions and of poll.
 */
MUST_USE enum err wasm_call(struct wasm_store *s, struct wasm_extern *func, union wasm_value *args_results, struct note *n);

#endif
