/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify NAME POLICY EVIDENCE COLLATERAL AT [ROUNDS]: what a verdict costs, by the public header of the verifier.
 * "verdict" has policy and collateral in memory; "everything" also reads both from their files, as a program does that
 * starts for one verdict (whose start is not counted). Memory is what malloc gave, to us and to the libraries below,
 * over what was taken before; the work runs on a stack of 256 KiB, so that it cannot hide there.
 */
#include <broch/attest.h>

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILE_MAX = 1 << 20, ROUNDS_MAX = 10000, STACK_SIZE = 256 * 1024 };

/* ---- memory: every malloc of the process comes through here ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static size_t taken, peak;

static void *took(void *p)
{
	taken += p != NULL ? malloc_usable_size(p) : 0;
	peak = taken > peak ? taken : peak;
	return p;
}

static void gave(void *p)
{
	taken -= p != NULL ? malloc_usable_size(p) : 0;
}

void *malloc(size_t size)
{
	return took(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return took(__libc_calloc(count, size));
}

void *realloc(void *p, size_t size)
{
	gave(p);
	return took(__libc_realloc(p, size));
}

void free(void *p)
{
	gave(p);
	__libc_free(p);
}

/* ---- the work ---- */

struct work {
	char **argv;
	int rounds;
	unsigned char evidence[FILE_MAX];
	char policy_text[FILE_MAX];
	size_t evidence_size, policy_size;
	double verdict[ROUNDS_MAX], everything[ROUNDS_MAX]; /* us */
	size_t first, later;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench verify: %s: %s\n", what, why);
	exit(1);
}

static size_t slurp(const char *path, void *out)
{
	FILE *f = fopen(path, "rb");
	size_t size;

	if (f == NULL)
		die(path, strerror(errno));
	size = fread(out, 1, FILE_MAX, f);
	fclose(f);
	return size;
}

static void prepare(struct work *w, struct broch_policy **p, struct broch_collateral **c)
{
	struct broch_error e = {""};

	w->policy_size = slurp(w->argv[2], w->policy_text);
	*c = broch_collateral_new();
	if (broch_policy_read(w->policy_text, w->policy_size, w->argv[2], p, &e) != BROCH_ACCEPTED || *c == NULL ||
	    broch_collateral_add_path(*c, w->argv[4], &e) != BROCH_ACCEPTED)
		die(w->argv[1], e.text);
}

static void judge(const struct work *w, const struct broch_policy *p, const struct broch_collateral *c)
{
	const struct broch_request r = {.size = sizeof r,
	                                .evidence = w->evidence,
	                                .evidence_size = w->evidence_size,
	                                .policy = p,
	                                .collateral = c,
	                                .at = atoll(w->argv[5])};
	struct broch_check why = {.id = ""};
	struct broch_verdict *v = NULL;
	struct broch_error e = {""};

	if (broch_verify(&r, &v, &e) != BROCH_ACCEPTED)
		die(w->argv[1], v != NULL && broch_verdict_reason(v, &why) == BROCH_ACCEPTED ? why.id : e.text);
	broch_verdict_free(v);
}

static size_t all(struct work *w, double *us)
{
	const double start = now_us();
	const size_t before = taken;
	struct broch_collateral *c;
	struct broch_policy *p;

	peak = taken;
	prepare(w, &p, &c);
	judge(w, p, c);
	broch_policy_free(p);
	broch_collateral_free(c);
	*us = now_us() - start;
	return peak - before;
}

static void *run(void *ctx)
{
	struct work *w = ctx;
	struct broch_collateral *c;
	struct broch_policy *p;

	w->evidence_size = slurp(w->argv[3], w->evidence);
	w->first = all(w, &w->everything[0]); /* with what OpenSSL sets up once and keeps */
	for (int i = 0; i < w->rounds; i++) {
		size_t used = all(w, &w->everything[i]);

		w->later = used > w->later ? used : w->later;
	}
	prepare(w, &p, &c);
	for (int i = 0; i < w->rounds; i++) {
		const double start = now_us();

		judge(w, p, c);
		w->verdict[i] = now_us() - start;
	}
	broch_policy_free(p);
	broch_collateral_free(c);
	return NULL;
}

/* ---- showing ---- */

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void show(const char *name, const char *what, double *us, int count)
{
	qsort(us, (size_t)count, sizeof *us, by_size);
	printf("%-14s %-28s min %7.2f  median %7.2f  p90 %7.2f ms\n", name, what, us[0] / 1e3, us[count / 2] / 1e3,
	       us[count * 9 / 10] / 1e3);
}

int main(int argc, char **argv)
{
	static struct work w;
	pthread_attr_t attr;
	pthread_t thread;

	if (argc < 6)
		return 2;
	w.argv = argv;
	w.rounds = argc > 6 ? atoi(argv[6]) : 200;
	if (w.rounds < 1 || w.rounds > ROUNDS_MAX)
		return 2;
	pthread_attr_init(&attr);
	if (pthread_attr_setstacksize(&attr, STACK_SIZE) != 0 || pthread_create(&thread, &attr, run, &w) != 0 ||
	    pthread_join(thread, NULL) != 0)
		die("thread", "cannot be made");
	show(argv[1], "verdict", w.verdict, w.rounds);
	show(argv[1], "everything, from files", w.everything, w.rounds);
	printf("%-14s %-28s %.2f MiB, the first one %.2f MiB\n", argv[1], "memory at its highest",
	       (double)w.later / 1048576, (double)w.first / 1048576);
	return 0;
}
