/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiers FIRST COUNT: random modules number FIRST and on run in the interpreter, compiled, and begun in the interpreter
 * and compiled on the way. Results, traps (reason, function and offset), memory, globals and tables must be the same,
 * and the machine code must be what the checker accepts. tiers -l FIRST COUNT: also writes to standard output what
 * another engine needs to do the same (log.h). tiers FIRST: writes that module to standard output.
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

static const size_t ARENA = (size_t)256 << 20;

static bool same_outcome(uint64_t seed, const char *what, unsigned k, const struct outcome *x, const struct outcome *y,
                         const char *how)
{
	if (x->err == y->err && memcmp(x->values, y->values, sizeof x->values) == 0 && strcmp(x->why, y->why) == 0)
		return true;
	fprintf(stderr, "module %llu, %s %u: interpreted %d 0x%llx \"%s\", %s %d 0x%llx \"%s\"\n",
	        (unsigned long long)seed, what, k, (int)x->err, (unsigned long long)x->values[0], x->why, how,
	        (int)y->err, (unsigned long long)y->values[0], y->why);
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

/* That once found a mistake: they are run whatever is asked for, unless another engine follows. */
static const uint64_t found[] = {50800, 700544};

struct totals {
	uint64_t failed, functions, interpreted, optimized;
};

static void one(struct arena *a, struct wasm_code_memory *code, uint64_t seed, FILE *log, struct totals *t)
{
	static uint8_t module[GENERATE_MAX];
	static struct run interpreted, others[4];
	static const struct {
		enum tier tier;
		const char *how;
	} tiers[] = {{TIER_COMPILED, "compiled"},
	             {TIER_LATE, "compiled late"},
	             {TIER_OPTIMIZED, "optimized"},
	             {TIER_OPTIMIZED_LATE, "optimized late"}};
	bool good = true;
	struct slice bytes = generate(seed, module);

	run_module(a, bytes, NULL, TIER_INTERPRETED, seed, &interpreted);
	for (unsigned k = 0; k < ARRAY_COUNT(tiers); k++) {
		run_module(a, bytes, code, tiers[k].tier, seed, &others[k]);
		good = same(seed, &interpreted, &others[k], tiers[k].how) && good;
		code_linear_free(others[k].memory);
		code_memory_reset(code);
	}
	t->failed += !good;
	t->functions += GENERATE_FUNCTIONS;
	t->interpreted += others[0].interpreted;
	t->optimized += others[2].optimized;
	if (log != NULL && !log_write(log, seed, bytes, &interpreted))
		exit(2); /* whoever reads it has ended, and says why */
	code_linear_free(interpreted.memory);
	arena_release(a, 0);
}

static int write_module(uint64_t seed)
{
	static uint8_t module[GENERATE_MAX];
	struct slice s = generate(seed, module);

	return fwrite(s.data, 1, s.size, stdout) == s.size ? 0 : 1;
}

int main(int argc, char **argv)
{
	bool logs = argc > 1 && strcmp(argv[1], "-l") == 0;
	char **args = argv + logs;
	uint64_t first = argc > 1 + logs ? strtoull(args[1], NULL, 10) : 0;
	uint64_t count = argc > 2 + logs ? strtoull(args[2], NULL, 10) : 0;
	void *p = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct totals t = {0};
	struct wasm_code_memory *code;
	struct arena a;

	if (argc == 2 && !logs)
		return write_module(first);
	if (argc != 3 + logs || p == MAP_FAILED || code_memory_open(&code) != OK) {
		fprintf(stderr, "usage: tiers [-l] FIRST [COUNT]\n");
		return 2;
	}
	a = arena_of(p, ARENA);
	a.dirty = 0;
	for (size_t k = 0; k < ARRAY_COUNT(found) && !logs; k++)
		one(&a, code, found[k], NULL, &t);
	for (uint64_t seed = first; seed < first + count; seed++)
		one(&a, code, seed, logs ? stdout : NULL, &t);
	if (fflush(stdout) != 0)
		return 2;
	fprintf(logs ? stderr : stdout, "tiers: %llu functions, %llu of them not compiled, %llu optimized\n",
	        (unsigned long long)t.functions, (unsigned long long)t.interpreted, (unsigned long long)t.optimized);
	fprintf(logs ? stderr : stdout, "tiers: %llu passed, %llu failed, 0 skipped\n",
	        (unsigned long long)(count + (logs ? 0 : ARRAY_COUNT(found)) - t.failed),
	        (unsigned long long)t.failed);
	return t.failed == 0 ? 0 : 1;
}
