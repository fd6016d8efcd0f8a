/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine FILE N: loads a module and calls its export `kernel`; prints its checksum and the microseconds it took.
 * engine FILE: only loads; prints the bytes of the module, of the arena used for it, the microseconds, those of compiling,
 * functions compiled and not, bytes of code, functions optimized. Before FILE: -b compiled by the baseline tier, -o by
 * the optimizing one.
 */
#include "sys/code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { IMPORTS = 64 };
static const size_t ARENA = (size_t)4 << 30;

static uint8_t *reserve(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

static void must(enum err err, const struct note *n)
{
	if (err == OK)
		return;
	fprintf(stderr, "engine: %s\n", n->text[0] != 0 ? n->text : err_text(err));
	exit(1);
}

static struct slice read_whole(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t max = (size_t)256 << 20;
	uint8_t *p = reserve(max);

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	max = fread(p, 1, max, f);
	fclose(f);
	return slice_of(p, max);
}

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What a library asks of a system it has none of: EBADF, as WASI numbers it. */
static enum err nothing(void *ctx, struct wasm_caller *caller, union wasm_value *v)
{
	(void)ctx;
	(void)caller;
	v[0].i32 = 8;
	return OK;
}

static void import_nothing(struct wasm_store *s, const struct wasm_module *m, struct wasm_extern **imports)
{
	for (uint32_t i = 0; i < wasm_import_count(m); i++) {
		struct wasm_import import = wasm_import_at(m, i);

		if (i == IMPORTS || import.kind != WASM_FUNC) {
			fprintf(stderr, "engine: only modules with at most %d imports, all functions, run here\n", IMPORTS);
			exit(1);
		}
		imports[i] = wasm_host_func(s, *import.type, nothing, NULL);
	}
}

static void run(struct arena *a, const struct wasm_limits *limits, const struct wasm_module *m, const char *n)
{
	union wasm_value v = {.i32 = (uint32_t)strtoul(n, NULL, 10)};
	struct code_linear linear = {.image = -1};
	struct note why = {{0}};
	struct wasm_instance *i;
	struct wasm_extern *imports[IMPORTS], *start, *e;
	struct wasm_store *s;
	long long t;

	must(wasm_store_new(a, limits, code_linear_ops(&linear), (struct wasm_poll){0}, &s), &why);
	import_nothing(s, m, imports);
	must(wasm_instantiate(s, a, m, imports, &i, &why), &why);
	start = wasm_export(i, slice_text("_initialize"));
	if (start != NULL)
		must(wasm_call(s, start, &(union wasm_value){0}, &why), &why);
	e = wasm_export(i, slice_text("kernel"));
	must(e == NULL ? ERR_NOT_FOUND : OK, &why);
	t = now_us();
	must(wasm_call(s, e, &v, &why), &why);
	printf("%u %lld\n", v.i32, now_us() - t);
}

/* Returns the microseconds. */
static long long compile(struct wasm_module *m, enum wasm_tier tier, struct arena *a)
{
	struct wasm_code_memory *code;
	struct note why = {{0}};
	long long t;

	must(code_memory_open(&code), &why);
	t = now_us();
	must(wasm_compile(m, tier, NULL, a, code), &why);
	return now_us() - t;
}

int main(int argc, char **argv)
{
	struct wasm_limits limits = wasm_default_limits();
	struct arena a = arena_of(reserve(ARENA), ARENA);
	struct note why = {{0}};
	struct wasm_code_stats stats;
	struct wasm_module *m;
	struct slice bytes;
	long long t, compiling = 0;
	bool opt = argc > 1 && strcmp(argv[1], "-o") == 0, base = argc > 1 && strcmp(argv[1], "-b") == 0;

	argc -= base || opt;
	argv += base || opt;
	if (argc < 2 || argc > 3)
		return 2;
	a.dirty = 0;
	bytes = read_whole(argv[1]);
	t = now_us();
	must(wasm_load(&a, &a, bytes, &limits, &m, &why), &why);
	t = now_us() - t;
	if (base || opt)
		compiling = compile(m, opt ? WASM_TIER_OPTIMIZED : WASM_TIER_BASELINE, &a);
	stats = wasm_code_stats(m);
	if (argc == 2)
		printf("%zu %zu %lld %lld %u %u %zu %u\n", bytes.size, a.used, t, compiling, stats.compiled, stats.interpreted,
		       stats.bytes, stats.optimized);
	else
		run(&a, &limits, m, argv[2]);
	return 0;
}
