/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiers FIRST COUNT: random modules number FIRST and on run in the interpreter, compiled, and begun in the interpreter
 * and compiled on the way. Results, traps (reason, function and offset), memory, globals and tables must be the same,
 * and the machine code must be what the checker accepts. Before FIRST, -l: also writes to standard output what another
 * engine needs to do the same (log.h); -q: of what costs most only a part: the code of every fourth module is proven, and
 * each is compiled on the way in one of the two tiers. tiers -f FILE...: these modules. tiers FIRST: writes that module to
 * standard output.
 */
#include "sys/code.h"
#include "test/tiers/generate.h"
#include "test/tiers/log.h"
#include "test/tiers/run.h"
#include "test/tiers/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t ARENA = (size_t)256 << 20;

static bool same_outcome(uint64_t seed, const char *what, unsigned k, const struct outcome *x, const struct outcome *y,
                         const char *how)
{
	unsigned v = 0;

	if (x->err == y->err && memcmp(x->values, y->values, sizeof x->values) == 0 && strcmp(x->why, y->why) == 0)
		return true;
	while (v + 1 < RUN_RESULTS && x->values[v] == y->values[v])
		v++;
	fprintf(stderr, "module %llu, %s %u, function %u, value %u: interpreted %d 0x%llx \"%s\", %s %d 0x%llx \"%s\"\n",
	        (unsigned long long)seed, what, k, x->function, v, (int)x->err, (unsigned long long)x->values[v], x->why, how,
	        (int)y->err, (unsigned long long)y->values[v], y->why);
	return false;
}

static bool same_state(uint64_t seed, const struct run *a, const struct run *b, const char *how)
{
	const char *what = NULL;

	if (memcmp(a->globals, b->globals, sizeof a->globals) != 0)
		what = "globals";
	if (memcmp(a->tables, b->tables, sizeof a->tables) != 0)
		what = "tables";
	if (a->host_calls != b->host_calls || a->host_digest != b->host_digest)
		what = "calls of host functions";
	if (a->memory_size != b->memory_size ||
	    (a->memory_size > 0 && memcmp(a->memory, b->memory, a->memory_size) != 0))
		what = "memories";
	if (what == NULL)
		return true;
	fprintf(stderr, "module %llu: %s differ, interpreted and %s\n", (unsigned long long)seed, what, how);
	return false;
}

/* How deep the stack is when it is exhausted is each tier's own business, and with that what was done on the way there. */
static bool exhausted(const struct outcome *o)
{
	return strncmp(o->why, "call stack exhausted", 20) == 0;
}

static bool same(uint64_t seed, const struct run *a, const struct run *b, const char *how)
{
	bool good = true;

	if (exhausted(&a->start) || exhausted(&b->start))
		return true;
	good = same_outcome(seed, "start", 0, &a->start, &b->start, how) && a->call_count == b->call_count;
	for (unsigned k = 0; k < a->call_count && good; k++) {
		if (exhausted(&a->calls[k]) || exhausted(&b->calls[k]))
			return true;
		good = same_outcome(seed, "call", k, &a->calls[k], &b->calls[k], how);
	}
	return good && same_state(seed, a, b, how);
}

/* Every fourth is about vectors. */
static struct slice generate(uint64_t seed, uint8_t out[static GENERATE_MAX])
{
	return seed % 4 == 3 ? generate_vectors(seed, out) : generate_module(seed, out);
}

struct totals {
	uint64_t modules, failed, functions, bytes, interpreted, optimized;
};

struct work {
	struct arena arena;
	struct wasm_code_memory *code;
	FILE *log; /* NULL: none */
	bool quick;
	struct totals totals;
};

static void one(struct work *w, uint64_t seed, struct slice bytes)
{
	static struct run interpreted, other;
	static const struct {
		enum tier tier;
		const char *how;
	} tiers[] = {{TIER_COMPILED, "compiled"},
	             {TIER_OPTIMIZED, "optimized"},
	             {TIER_LATE, "compiled late"},
	             {TIER_OPTIMIZED_LATE, "optimized late"}};
	const bool prove = !w->quick || seed / 4 % 4 == 0;
	struct totals *t = &w->totals;
	bool good = true;

	run_module(&w->arena, bytes, NULL, TIER_INTERPRETED, seed, false, &interpreted);
	for (unsigned k = 0; k < ARRAY_COUNT(tiers); k++) {
		if (w->quick && k >= 2 && seed / 16 % 2 != k - 2)
			continue;
		run_module(&w->arena, bytes, w->code, tiers[k].tier, seed, prove, &other);
		good = same(seed, &interpreted, &other, tiers[k].how) && good;
		code_linear_free(other.memory);
		code_memory_reset(w->code);
		t->interpreted += other.interpreted;
		t->optimized += other.optimized;
	}
	t->modules++;
	t->failed += !good;
	t->functions += interpreted.functions;
	t->bytes += bytes.size;
	if (w->log != NULL && !log_write(w->log, seed, bytes, &interpreted))
		exit(2); /* whoever reads it has ended, and says why */
	code_linear_free(interpreted.memory);
	arena_release(&w->arena, 0);
}

static int write_module(uint64_t seed)
{
	static uint8_t module[GENERATE_MAX];
	struct slice s = generate(seed, module);

	return fwrite(s.data, 1, s.size, stdout) == s.size ? 0 : 1;
}

/* FOLDER/NUMBER.wasm; the number is what decides when it is compiled on the way. */
static void from_file(struct work *w, const char *path)
{
	static uint8_t module[GENERATE_MAX];
	const char *name = strrchr(path, '/');
	FILE *f = fopen(path, "rb");
	size_t size;

	if (f == NULL || (size = fread(module, 1, sizeof module, f)) == 0) {
		perror(path);
		exit(2);
	}
	fclose(f);
	one(w, strtoull(name == NULL ? path : name + 1, NULL, 10), slice_of(module, size));
}

static void open_work(struct work *w)
{
	void *p = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED || code_memory_open(&w->code) != OK) {
		perror("tiers: memory");
		exit(2);
	}
	w->arena = arena_of(p, ARENA);
	w->arena.dirty = 0;
}

static int report(const struct work *w)
{
	const struct totals *t = &w->totals;
	FILE *f = w->log == NULL ? stdout : stderr;

	if (fflush(stdout) != 0)
		return 2;
	fprintf(f, "tiers: %llu functions of %llu bytes, %llu of them not compiled, %llu optimized\n",
	        (unsigned long long)t->functions, (unsigned long long)t->bytes, (unsigned long long)t->interpreted,
	        (unsigned long long)t->optimized);
	fprintf(f, "tiers: %llu passed, %llu failed, 0 skipped\n", (unsigned long long)(t->modules - t->failed),
	        (unsigned long long)t->failed);
	return t->failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static uint8_t module[GENERATE_MAX];
	struct work w = {.arena = {0}};
	uint64_t first, count;
	bool files = false;
	int option;

	while ((option = getopt(argc, argv, "fql")) != -1) {
		if (option == '?')
			goto usage;
		files = files || option == 'f';
		w.quick = w.quick || option == 'q';
		w.log = option == 'l' ? stdout : w.log;
	}
	argv += optind;
	argc -= optind;
	if (argc == 1 && !files && w.log == NULL)
		return write_module(strtoull(argv[0], NULL, 10));
	if (files ? argc == 0 : argc != 2)
		goto usage;
	open_work(&w);
	for (int i = 0; files && i < argc; i++)
		from_file(&w, argv[i]);
	if (files)
		return report(&w);
	first = strtoull(argv[0], NULL, 10);
	count = strtoull(argv[1], NULL, 10);
	for (uint64_t seed = first; seed < first + count; seed++)
		one(&w, seed, generate(seed, module));
	return report(&w);
usage:
	fprintf(stderr, "usage: tiers [-q] [-l] FIRST [COUNT], or tiers -f FILE...\n");
	return 2;
}
