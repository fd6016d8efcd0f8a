/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/metrics.h"

#include <inttypes.h>
#include <unistd.h>

static const double bounds[LATENCY_BUCKETS] = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5};

static const char *const labels[END_COUNT] = {"",
#define END(name, label) label,
                                              ENDS(END)
#undef END
};

const char *end_label(enum end_reason r)
{
	return (unsigned)r < END_COUNT ? labels[r] : "";
}

void metrics_created(struct metrics *m, uint64_t ns)
{
	double seconds = (double)ns / 1e9;
	size_t i = 0;

	while (i < LATENCY_BUCKETS && seconds > bounds[i])
		i++;
	m->created++;
	m->latency[i]++;
	m->latency_count++;
	m->latency_sum += seconds;
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	head(out, name, type, help);
	fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void print_latency(const struct metrics *m, FILE *out)
{
	uint64_t sum = 0;

	head(out, "broch_keep_create_seconds", "histogram", "Time from the request until the Keep runs.");
	for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
		sum += m->latency[i];
		fprintf(out, "broch_keep_create_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", bounds[i], sum);
	}
	fprintf(out, "broch_keep_create_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", m->latency_count);
	fprintf(out, "broch_keep_create_seconds_sum %.6f\n", m->latency_sum);
	fprintf(out, "broch_keep_create_seconds_count %" PRIu64 "\n", m->latency_count);
}

static uint64_t resident_bytes(void)
{
	unsigned long long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void metrics_print(const struct metrics *m, const char *const *state_names, const size_t *state_counts, size_t states,
                   size_t connections, FILE *out)
{
	head(out, "broch_build_info", "gauge", "The version that runs.");
	fprintf(out, "broch_build_info{version=\"%s\"} 1\n", BROCH_VERSION);
	head(out, "broch_keeps", "gauge", "Keeps on record, by state.");
	for (size_t i = 0; i < states; i++)
		fprintf(out, "broch_keeps{state=\"%s\"} %zu\n", state_names[i], state_counts[i]);
	one(out, "broch_keeps_created_total", "counter", "Keeps that came to run.", m->created);
	head(out, "broch_keeps_ended_total", "counter", "Keeps that ended, by reason.");
	for (size_t i = END_NONE + 1; i < END_COUNT; i++)
		fprintf(out, "broch_keeps_ended_total{reason=\"%s\"} %" PRIu64 "\n", labels[i], m->ended[i]);
	print_latency(m, out);
	one(out, "broch_auth_failures_total", "counter", "Requests without a valid credential.", m->auth_failures);
	head(out, "broch_http_requests_total", "counter", "Answered requests, by status.");
	for (size_t i = 0; i < STATUS_MAX; i++)
		if (m->requests[i] > 0)
			fprintf(out, "broch_http_requests_total{code=\"%zu\"} %" PRIu64 "\n", i, m->requests[i]);
	one(out, "broch_connections", "gauge", "Open connections.", connections);
	one(out, "broch_connections_total", "counter", "Connections accepted.", m->connections_total);
	one(out, "broch_connections_refused_total", "counter", "Connections refused: too many at once.",
	    m->connections_refused);
	one(out, "process_resident_memory_bytes", "gauge", "Memory of the host agent itself.", resident_bytes());
}
