/* SPDX-License-Identifier: Apache-2.0 */
/* `broch deploy`: all six steps against any host, under the tenant's policy. */
#include "client/agent/interrupt.h"
#include "client/cli/tenant.h"
#include "lib/base/ct.h"
#include "lib/base/hex.h"
#include "sys/file.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STOP_GRACE_MS = 5000 };

struct deploy {
	const struct cli *c;
	bool detached, at_module;
	struct tenant_policy policy;
	struct trust trust;
	struct workload workload;
	struct place *place;
	char id[KEEP_ID_DIGITS + 1], name[KEEP_NAME_MAX + 1];
	struct pipe *pipe;
	struct verdict verdict, workload_verdict;
	struct msg_ready ready;
	bool recorded, running; /* running: the Keep may go on by itself */
	struct stream_end end;
	struct timings timings;
};

/* Everything on our own disk comes before the host hears of us. */
static enum err prepare(struct deploy *d, struct note *n)
{
	struct policy_limits limits;
	struct manifest *m;

	TRY(policy_load(cli_value(d->c, "policy"), &d->policy, n));
	d->trust = (struct trust){d->policy.policy, (int64_t)time(NULL), &d->timings};
	limits = policy_limits(d->policy.policy);
	d->at_module = true;
	TRY(workload_module(d->c, &d->workload, n));
	d->at_module = false;
	TRY(workload_rest(d->c, &limits, &d->workload, n));
	m = bundle_manifest(d->workload.bundle);
	m->flags |= d->detached ? MANIFEST_DETACHED : cli_has(d->c, "no-stdin") ? 0 : MANIFEST_STDIN;
	m->name = slice_text(cli_value(d->c, "name") != NULL ? cli_value(d->c, "name") : "");
	return bundle_seal(d->workload.bundle, n);
}

static enum err remember(struct deploy *d, struct note *n)
{
	struct record r = {.policy = d->policy.text, .policy_name = d->policy.name, .manifest = bundle_encoded(d->workload.bundle)};
	time_t now = time(NULL);
	struct tm utc;
	enum err err;

	snprintf(r.id, sizeof r.id, "%s", d->id);
	snprintf(r.name, sizeof r.name, "%s", d->name);
	snprintf(r.url, sizeof r.url, "%s", place_url(d->place));
	strftime(r.created, sizeof r.created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	hex_encode(slice_of(bundle_module_digest(d->workload.bundle), 32), r.module);
	memcpy(r.secret, d->ready.secret, sizeof r.secret);
	err = record_save(&r, n);
	wipe(r.secret, sizeof r.secret);
	d->recorded = err == OK;
	return err;
}

static enum err place_workload(struct deploy *d, struct note *n)
{
	TRY(host_place(d->c, NULL, &d->place, n));
	timings_mark(&d->timings, TIMING_AGENT);
	TRY(keep_ask(d->place, cli_value(d->c, "name"), cli_value(d->c, "backend"), d->workload.bundle, n));
	TRY(keep_answer(d->place, d->id, d->name, sizeof d->name, &d->timings, n));
	timings_mark(&d->timings, TIMING_KEEP);
	TRY(pipe_open(d->place, d->id, &d->pipe, n));
	timings_mark(&d->timings, TIMING_HANDSHAKE);
	return attest(d->pipe, &d->trust, &d->verdict, n);
}

static enum err save_evidence(void *context, struct slice body, struct note *n)
{
	struct deploy *d = context;
	const char *path = cli_value(d->c, "evidence");
	struct slice file;
	enum err err;

	TRY(evidence_take(body, &d->trust, bundle_encoded(d->workload.bundle), &d->workload_verdict, &file, n));
	err = file_replace(path, file, 0644, n);
	free((void *)(uintptr_t)file.data);
	return err;
}

/* A detached workload keeps its output to itself until somebody attaches, so the next message is the answer. */
static enum err leave(struct deploy *d, struct note *n)
{
	struct slice body;

	d->running = true;
	if (!cli_has(d->c, "evidence"))
		return OK;
	TRY(evidence_await(d->pipe, &body, n));
	return save_evidence(d, body, n);
}

static enum err detach(struct deploy *d, struct note *n)
{
	TRY(leave(d, n));
	TRY(pipe_send(d->pipe, SESSION_DETACH, slice_of(NULL, 0), slice_of(NULL, 0), n));
	return pipe_flush(d->pipe, n);
}

static enum err watch(struct deploy *d, struct note *n)
{
	struct stream s = {.in = cli_has(d->c, "no-stdin") ? -1 : STDIN_FILENO, .out = STDOUT_FILENO, .err = STDERR_FILENO,
			   .stop_grace_ms = STOP_GRACE_MS, .context = d};

	if (cli_has(d->c, "evidence"))
		s.evidence = save_evidence;
	TRY(stream_run(d->pipe, &s, &d->end, n));
	timings_mark(&d->timings, TIMING_RUN);
	d->timings.keep_load = d->end.load_ns;
	d->timings.keep_run = d->end.run_ns;
	if (s.evidence != NULL && d->workload_verdict.check_count == 0)
		return refuse(n, ERR_NOT_FOUND, "the workload ended before the Keep gave evidence of it: %s is not written",
			      cli_value(d->c, "evidence"));
	return OK;
}

static enum err six_steps(struct deploy *d, struct note *n)
{
	enum err err;

	TRY(prepare(d, n));
	err = place_workload(d, n);
	if (err == OK)
		err = deliver(d->pipe, d->workload.bundle, cli_has(d->c, "evidence"), &d->ready, &d->verdict, n);
	workload_verdict(d->c, &d->verdict, err != OK);
	TRY(err);
	TRY(remember(d, n));
	timings_mark(&d->timings, TIMING_DELIVER);
	return d->detached ? detach(d, n) : watch(d, n);
}

/* A Keep that nobody will come back to is not left at the host. Best effort: the host may be the one that fails. */
static void clean_up(struct deploy *d)
{
	json_t *answer = NULL;

	if (d->running || d->id[0] == 0 || d->end.exited)
		return;
	pipe_close(d->pipe);
	d->pipe = NULL;
	interrupt_seen();
	if (host_keep(d->place, "POST", d->id, "/stop", &answer, NULL) != OK && d->c->verbose)
		cli_say(d->c, "the Keep %s at the host may still be there", d->id);
	json_decref(answer);
}

static void release(struct deploy *d)
{
	clean_up(d);
	if (d->recorded && !d->running)
		record_remove(d->id); /* the Keep is gone, and its secret with it */
	pipe_close(d->pipe);
	place_close(d->place);
	workload_free(&d->workload);
	policy_drop(&d->policy);
	wipe(&d->ready, sizeof d->ready);
}

static int print_deployed(const struct deploy *d)
{
	char module[65];

	hex_encode(slice_of(bundle_module_digest(d->workload.bundle), 32), module);
	if (!d->c->json) {
		puts(d->id);
		return STATUS_OK;
	}
	return cli_json(d->c, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "schema", "broch.deployed/1", "id", d->id, "name",
					d->name, "host", place_url(d->place), "tee", d->verdict.tee, "module_sha256", module));
}

static int outcome(const struct deploy *d, enum err err, const struct note *n)
{
	if (d->end.reader_gone)
		return STATUS_SIGNAL + SIGPIPE;
	if (d->at_module)
		return workload_module_failure(d->c, err, n);
	if (err != OK)
		return workload_failure(d->c, err, n);
	if (d->detached)
		return print_deployed(d);
	return workload_status(d->c, &d->end, cli_has(d->c, "timings") ? &d->timings : NULL);
}

static enum err check_options(const struct deploy *d, struct note *n)
{
	const char *backend = cli_value(d->c, "backend"), *name = cli_value(d->c, "name");
	int ms;

	if (backend != NULL && strcmp(backend, "kvm") != 0 && strcmp(backend, "process") != 0)
		return refuse(n, ERR_INVALID, "--backend %s: say kvm or process", backend);
	if (name != NULL && !keep_name_ok(name))
		return refuse(n, ERR_INVALID, "--name %s: up to %d of a-z 0-9 . _ -, the first a letter or digit", name, KEEP_NAME_MAX);
	if (d->detached && cli_has(d->c, "interactive"))
		return refuse(n, ERR_INVALID, "--detach and --interactive contradict each other");
	if (d->detached && cli_has(d->c, "timings"))
		return refuse(n, ERR_INVALID, "--timings tells times when the workload has ended, which --detach does not wait for");
	TRY(host_timeout(d->c, &ms, n));
	return workload_check(d->c, n);
}

static int deploy_run(struct cli *c)
{
	struct deploy d = {.c = c, .detached = cli_has(c, "detach")};
	struct note n = {0};
	enum err err;
	int status;

	if (check_options(&d, &n) != OK)
		return cli_usage(c, "%s", n.text);
	timings_start(&d.timings);
	err = interrupt_begin(&n);
	if (err == OK)
		err = six_steps(&d, &n);
	status = outcome(&d, err, &n);
	release(&d);
	return status;
}

static const struct option deploy_options[] = {
	{"policy", 'p', false, "FILE", "what to accept (see broch policy); default ~/.config/broch/policy.toml"},
	{"detach", 'd', false, NULL, "leave the workload running and print its id"},
	{"name", 0, false, "NAME", "a name for the Keep, to be used instead of its id"},
	{"backend", 0, false, "KIND", "kvm or process; default what the host prefers"},
	{"evidence", 0, false, "FILE", "save evidence of the workload that others can verify"},
	{"timings", 0, false, NULL, "say at the end where the time went, step by step"},
	{0},
};

static const struct option deploy_absent[] = {
	{"rm", 0, false, NULL, "a Keep's record goes by itself after a while, or say: broch rm ID"},
	{"tty", 't', false, NULL, "a Keep has no terminal; its standard streams are connected in any case"},
	{"volume", 'V', false, NULL, "say --dir DIR:NAME; files are copied, not shared"},
	{"publish", 0, false, NULL, "workloads have no sockets in this version"},
	{"insecure", 'k', false, NULL, "certificates are checked; name the host's with --ca FILE"},
	{0},
};

const struct verb verb_deploy = {
	.name = "deploy",
	.summary = "run a WebAssembly program in a Keep on a host you need not trust",
	.operands = "APP.wasm [ARG...]",
	.options = deploy_options,
	.more = options_workload,
	.also = options_host,
	.absent = deploy_absent,
	.details = "Asks the host for a Keep, verifies the Keep's evidence under your policy, and only then sends the program and "
		   "its data, encrypted for that Keep alone. When the evidence is refused, or anybody disturbs the channel, "
		   "nothing of the workload is sent, the reason is printed and the exit status is 3.\n\n"
		   "Without -d the program's standard streams are connected and its exit status is passed through; it ends when the "
		   "connection does. With -d it goes on; ps, logs, wait, inspect, stop and rm find it by id or name. What is "
		   "needed to come back to it is kept in $XDG_STATE_HOME/broch/deployed.",
	.examples = "broch policy init > policy.toml\nbroch deploy --host https://host.example --policy policy.toml app.wasm\n"
		    "broch deploy -d --name web --evidence web.evidence app.wasm\nbroch deploy --show-chain hello.wasm",
	.min = 1,
	.max = UINT32_MAX,
	.workload = true,
	.run = deploy_run,
};
