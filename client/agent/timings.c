/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/timings.h"

#include "sys/clock.h"

static const struct {
	const char *key, *what;
} steps[TIMING_COUNT] = {
#define T(name, key, what) [TIMING_##name] = {key, what},
        TIMINGS(T)
#undef T
};

void timings_start(struct timings *t)
{
	*t = (struct timings){.start = clock_steady_ns()};
}

void timings_mark(struct timings *t, enum timing which)
{
	if (t != NULL)
		t->end[which] = clock_steady_ns();
}

static uint64_t host_ns(const json_t *o, const char *key)
{
	json_int_t us = json_integer_value(json_object_get(o, key)); /* 0 when it is none */

	return us < 0 || us > INT32_MAX ? 0 : (uint64_t)us * 1000;
}

void timings_of_host(struct timings *t, const json_t *keep)
{
	const json_t *o = json_object_get(keep, "start");

	if (t == NULL)
		return;
	t->host_ready = host_ns(o, "ready_us");
	t->host_keeper = host_ns(o, "keeper_us");
	t->host_create = host_ns(o, "create_us");
}

/* From the end of the step before; steps that failed or were left out took no time of their own. */
static bool took(const struct timings *t, enum timing which, uint64_t *ns)
{
	uint64_t before = t->start;

	for (unsigned i = 0; i < which; i++)
		if (t->end[i] != 0)
			before = t->end[i];
	*ns = t->end[which] - before;
	return t->end[which] != 0;
}

static uint64_t total(const struct timings *t)
{
	uint64_t last = t->start;

	for (unsigned i = 0; i < TIMING_COUNT; i++)
		if (t->end[i] != 0)
			last = t->end[i];
	return last - t->start;
}

static void print(FILE *f, const char *indent, const char *key, uint64_t ns, const char *what)
{
	fprintf(f, "%s%-*s %9.3f ms  %s\n", indent, indent[0] == 0 ? 12 : 10, key, (double)ns / 1e6, what);
}

static void print_parts(FILE *f, const struct timings *t, enum timing which)
{
	if (which == TIMING_KEEP) {
		print(f, "  ", "ready", t->host_ready, "request to ready (the host says)");
		print(f, "  ", "keeper", t->host_keeper, "of these in the keeper process");
		print(f, "  ", "create", t->host_create, "of these creating the VM or process, and loading the plan");
	} else if (which == TIMING_RUN) {
		print(f, "  ", "load", t->keep_load, "decode, validate, compile (the Keep says)");
		print(f, "  ", "program", t->keep_run, "instantiate and run");
	}
}

void timings_print(FILE *f, const struct timings *t)
{
	uint64_t ns;

	for (unsigned i = 0; i < TIMING_COUNT; i++) {
		if (!took(t, i, &ns))
			continue;
		print(f, "", steps[i].key, ns, steps[i].what);
		print_parts(f, t, i);
	}
	print(f, "", "total", total(t), "without the start of broch itself");
}

static void set_us(json_t *o, const char *key, uint64_t ns)
{
	json_object_set_new(o, key, json_integer((json_int_t)(ns / 1000)));
}

json_t *timings_json(const struct timings *t)
{
	json_t *o = json_object(), *host = json_object(), *keep = json_object();
	uint64_t ns;

	for (unsigned i = 0; i < TIMING_COUNT; i++)
		if (took(t, i, &ns))
			set_us(o, steps[i].key, ns);
	set_us(o, "total", total(t));
	set_us(host, "ready", t->host_ready);
	set_us(host, "keeper", t->host_keeper);
	set_us(host, "create", t->host_create);
	set_us(keep, "load", t->keep_load);
	set_us(keep, "program", t->keep_run);
	json_object_set_new(o, "host_says", host);
	json_object_set_new(o, "keep_says", keep);
	return o;
}
