/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instances FILE COUNT: compiles a module once, then makes COUNT instances of it, one after the other: store, memory,
 * tables, globals; calls `kernel` once and drops them. Prints how long making one takes, with its data copied and with
 * the image of its memory mapped copy-on-write, and how long all of its life.
 */
#include "sys/code.h"
#include "sys/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { ARENA = 64 << 20, COUNT_MAX = 100000, MODULE_MAX = 64 << 20 };

static double made[COUNT_MAX], lived[COUNT_MAX]; /* us */

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void must(enum err err, const struct note *n)
{
	if (err == OK)
		return;
	fprintf(stderr, "instances: %s\n", n->text[0] != 0 ? n->text : err_text(err));
	exit(1);
}

static struct arena reserve(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct arena a;

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	a = arena_of(p, size);
	a.dirty = 0;
	return a;
}

static uint32_t live(const struct wasm_module *m, struct arena *a, int image, size_t at)
{
	struct code_linear linear = {.image = image};
	const struct wasm_limits limits = wasm_default_limits();
	const size_t mark = a->used;
	union wasm_value v = {.i32 = 7};
	struct note why = {{0}};
	struct wasm_instance *i;
	struct wasm_store *s;
	double start = now_us();

	must(wasm_store_new(a, &limits, code_linear_ops(&linear), (struct wasm_poll){0}, &s), &why);
	must(wasm_instantiate(s, a, m, NULL, &i, &why), &why);
	made[at] = now_us() - start;
	must(wasm_call(s, wasm_export(i, slice_text("kernel")), &v, &why), &why);
	code_linear_free(linear.base);
	arena_release(a, mark);
	lived[at] = now_us() - start;
	return v.i32;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *what, double *us, size_t count)
{
	qsort(us, count, sizeof *us, compare);
	printf("%-44s min %7.1f  median %7.1f  p99 %7.1f us\n", what, us[0], us[count / 2], us[count * 99 / 100]);
}

static void measure(const char *what, const struct wasm_module *m, struct arena *a, int image, size_t count)
{
	const uint32_t want = live(m, a, -1, 0);
	char name[64];

	for (size_t i = 0; i < count; i++)
		if (live(m, a, image, i) != want) {
			fprintf(stderr, "instances: instance %zu has found what another one left\n", i);
			exit(1);
		}
	snprintf(name, sizeof name, "%s: made", what);
	print(name, made, count);
	snprintf(name, sizeof name, "%s: made, called once, dropped", what);
	print(name, lived, count);
}

int main(int argc, char **argv)
{
	size_t count = argc == 3 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
	const struct wasm_limits limits = wasm_default_limits();
	struct arena module = reserve(ARENA), own = reserve(ARENA);
	struct wasm_code_memory *code;
	struct note why = {{0}};
	struct wasm_module *m;
	struct slice bytes;
	int image;

	if (count == 0 || count > COUNT_MAX)
		return 2;
	must(file_read(argv[1], MODULE_MAX, &bytes, &why), &why);
	must(wasm_load(&module, &own, bytes, &limits, &m, &why), &why);
	must(code_memory_open(&code), &why);
	must(wasm_compile(m, WASM_TIER_OPTIMIZED, NULL, &module, code), &why);
	image = code_image_new(m);
	must(image < 0 ? ERR_NOMEM : OK, &why);
	printf("%zu instances of a module of %zu bytes\n", count, bytes.size);
	measure("data copied", m, &own, -1, count);
	measure("image mapped copy-on-write", m, &own, image, count);
	return 0;
}
