/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/host.h"

#include <stdlib.h>

/* What the host tells of a Keep, cleaned. Nothing is decided by it. */
struct row {
	char id[KEEP_ID_DIGITS + 1], name[KEEP_NAME_MAX + 1], state[16], backend[16], tee[16], created[32], client[64], end[160];
	uint64_t memory, restarts;
};

static void row_read(const json_t *k, struct row *r)
{
	json_int_t memory = json_integer_value(json_object_get(k, "memory"));
	json_int_t restarts = json_integer_value(json_object_get(k, "restarts"));

	host_text(k, "id", r->id, sizeof r->id);
	host_text(k, "name", r->name, sizeof r->name);
	host_text(k, "state", r->state, sizeof r->state);
	host_text(k, "backend", r->backend, sizeof r->backend);
	host_text(k, "tee", r->tee, sizeof r->tee);
	host_text(k, "created", r->created, sizeof r->created);
	host_text(k, "client", r->client, sizeof r->client);
	host_text(k, "end", r->end, sizeof r->end);
	r->memory = memory > 0 ? (uint64_t)memory : 0;
	r->restarts = restarts > 0 ? (uint64_t)restarts : 0;
}

static bool is_over(const struct row *r)
{
	return strcmp(r->state, "exited") == 0 || strcmp(r->state, "failed") == 0;
}

static json_t *row_json(const struct row *r)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "schema", "broch.keep/1", "id", r->id, "name",
			 r->name, "state", r->state, "backend", r->backend, "tee", r->tee, "created", r->created, "client",
			 r->client, "memory", (json_int_t)r->memory, "restarts", (json_int_t)r->restarts, "end", r->end);
}

static void row_print(const struct row *r)
{
	printf("%-12s  %-16s  %-8s  %-7s  %-8s  %-20s  %5llu MiB  %8llu  %s\n", r->id, r->name[0] != 0 ? r->name : "-", r->state,
	       r->backend, r->tee, r->created, (unsigned long long)(r->memory >> 20), (unsigned long long)r->restarts, r->end);
}

static int show(const struct cli *c, const json_t *answer)
{
	const json_t *keeps = json_object_get(answer, "keeps"), *k;
	json_t *list = json_array();
	size_t i;

	if (!c->json && !c->quiet)
		printf("%-12s  %-16s  %-8s  %-7s  %-8s  %-20s  %9s  %8s  %s\n", "ID", "NAME", "STATE", "BACKEND", "TEE", "CREATED",
		       "MEMORY", "RESTARTS", "END");
	json_array_foreach(keeps, i, k)
	{
		struct row r;

		row_read(k, &r);
		if (is_over(&r) && !cli_has(c, "all"))
			continue;
		if (c->json)
			json_array_append_new(list, row_json(&r));
		else if (c->quiet)
			puts(r.id);
		else
			row_print(&r);
	}
	if (c->json)
		return cli_json(c, list);
	json_decref(list);
	return STATUS_OK;
}

static int ps_run(struct cli *c)
{
	struct place *p = NULL;
	struct note n = {0};
	json_t *answer = NULL;
	enum err err = host_place(c, NULL, &p, &n);
	int status;

	if (err == OK)
		err = place_call(p, "GET", "/v1/keeps", NULL, &answer, &n);
	status = err == OK ? show(c, answer) : cli_fail_note(c, err, &n);
	json_decref(answer);
	place_close(p);
	return status;
}

static const struct option ps_options[] = {
	{"all", 'a', false, NULL, "also Keeps that have ended"},
	{0},
};

const struct verb verb_ps = {
	.name = "ps",
	.summary = "list the Keeps at a host",
	.operands = "",
	.options = ps_options,
	.more = options_host,
	.details = "What is printed is the host's own account and proves nothing; see broch inspect.",
	.examples = "broch ps\nbroch ps -a --host https://host.example --json\nbroch ps -q | xargs broch stop",
	.run = ps_run,
};
