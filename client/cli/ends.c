/* SPDX-License-Identifier: Apache-2.0 */
/* `broch stop` and `broch rm`: one call to the host for each Keep named; all are tried, the status tells of any failure. */
#include "client/agent/record.h"
#include "client/cli/host.h"

/* The id behind a name: from our own records first, which a host cannot change. */
static void resolve(const char *name, char out[static KEEP_NAME_MAX + 1])
{
	struct record r = {0};

	snprintf(out, KEEP_NAME_MAX + 1, "%s", name);
	if (keep_name_ok(name) && record_load(name, &r, NULL) == OK)
		snprintf(out, KEEP_NAME_MAX + 1, "%s", r.id);
	record_free(&r);
}

typedef enum err act(const struct cli *c, struct place *p, const char *id, json_t **answer, struct note *n);

static enum err stop_one(const struct cli *c, struct place *p, const char *id, json_t **answer, struct note *n)
{
	(void)c;
	return host_keep(p, "POST", id, "/stop", answer, n);
}

static bool runs(const json_t *keep)
{
	char state[16];

	host_text(keep, "state", state, sizeof state);
	return strcmp(state, "exited") != 0 && strcmp(state, "failed") != 0;
}

static enum err rm_one(const struct cli *c, struct place *p, const char *id, json_t **answer, struct note *n)
{
	char full[KEEP_ID_DIGITS + 1];
	bool running;

	TRY(host_keep(p, "GET", id, "", answer, n));
	running = runs(*answer);
	host_text(*answer, "id", full, sizeof full);
	json_decref(*answer);
	*answer = NULL;
	if (!keep_id_ok(full))
		return refuse(n, ERR_HOST, "the host gives %s an impossible id", id);
	if (running && !cli_has(c, "force"))
		return refuse(n, ERR_STATE, "%s still runs; stop it first, or say: broch rm -f %s", id, id);
	TRY(host_keep(p, "DELETE", full, "", answer, n));
	record_remove(full);
	return OK;
}

static void report(const struct cli *c, const char *name, json_t *answer, json_t *list)
{
	char id[KEEP_ID_DIGITS + 1], state[16];

	host_text(answer, "id", id, sizeof id);
	host_text(answer, "state", state, sizeof state);
	if (c->json)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "schema", "broch.ended/1", "name", name, "id", id,
						      "state", state));
	else if (!c->quiet)
		puts(name);
}

static int each(struct cli *c, act *one)
{
	struct place *p = NULL;
	struct note n = {0};
	json_t *list = json_array();
	enum err err = host_place(c, NULL, &p, &n);
	int status = err == OK ? STATUS_OK : cli_fail_note(c, err, &n);

	for (size_t i = 0; p != NULL && i < c->operand_count; i++) {
		char id[KEEP_NAME_MAX + 1];
		struct note why = {0};
		json_t *answer = NULL;

		resolve(c->operands[i], id);
		err = one(c, p, id, &answer, &why);
		if (err == OK)
			report(c, c->operands[i], answer, list);
		else if (err != ERR_NOT_FOUND || c->verb->options == NULL || !cli_has(c, "force"))
			status = cli_fail_note(c, err, &why);
		json_decref(answer);
	}
	place_close(p);
	if (c->json && status == STATUS_OK)
		return cli_json(c, list);
	json_decref(list);
	return status;
}

static int stop_run(struct cli *c)
{
	return each(c, stop_one);
}

static int rm_run(struct cli *c)
{
	return each(c, rm_one);
}

static const struct option rm_options[] = {
	{"force", 'f', false, NULL, "kill what still runs; what is not there is fine"},
	{0},
};

const struct verb verb_stop = {
	.name = "stop",
	.summary = "end Keeps at a host",
	.operands = "ID...",
	.more = options_host,
	.details = "The host ends each Keep at once, and memory and keys go with it. An id, the beginning of one, or a name will do. "
		   "To stop a Keep that has ended is no error.",
	.examples = "broch stop web\nbroch stop 3f2a 77b0",
	.min = 1,
	.max = UINT32_MAX,
	.run = stop_run,
};

const struct verb verb_rm = {
	.name = "rm",
	.summary = "forget Keeps that have ended",
	.operands = "ID...",
	.options = rm_options,
	.more = options_host,
	.details = "Removes the host's record and ours, with the secret to come back to the workload.",
	.examples = "broch rm web\nbroch rm -f web",
	.min = 1,
	.max = UINT32_MAX,
	.run = rm_run,
};
