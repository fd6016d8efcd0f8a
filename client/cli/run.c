/* SPDX-License-Identifier: Apache-2.0 */
/* `broch run`: all six steps against a host agent of our own. The same code as deploy, with another place and policy. */
#include "client/agent/interrupt.h"
#include "client/agent/local.h"
#include "client/agent/shipped.h"
#include "client/attest/x509.h"
#include "client/cli/workload.h"
#include "lib/base/ct.h"
#include "sys/file.h"
#include "sys/soft_root.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STATE_SIZE = 512, PEM_MAX = 64 * 1024, STOP_GRACE_MS = 5000 };

struct run {
	const struct cli *c;
	char state[STATE_SIZE], id[KEEP_ID_DIGITS + 1], name[KEEP_NAME_MAX + 1];
	const char *backend;
	bool fallback; /* to that, for want of a usable /dev/kvm */
	bool at_module;
	struct local local;
	struct place *place;
	struct workload workload;
	struct shipped shipped;
	struct policy *policy;
	struct pipe *pipe;
	struct verdict verdict;
	struct stream_end end;
	struct timings timings;
};

/* Without a permitted /dev/kvm a process Keep does, for development. */
static enum err choose_backend(struct run *r, struct note *n)
{
	const char *asked = cli_value(r->c, "backend");

	if (asked != NULL && strcmp(asked, "kvm") != 0 && strcmp(asked, "process") != 0)
		return refuse(n, ERR_INVALID, "--backend %s: say kvm or process", asked);
	r->backend = asked;
	if (asked != NULL || access("/dev/kvm", R_OK | W_OK) == 0) {
		r->backend = asked != NULL ? asked : "kvm";
		return OK;
	}
	r->fallback = true;
	r->backend = "process";
	return OK;
}

/* The stand-in of our own agent makes its root at the latest when the Keep starts. */
static enum err local_policy(struct run *r, struct note *n)
{
	struct policy_shipped shipped = {(const uint8_t(*)[48])r->shipped.digests, r->shipped.count};
	char path[STATE_SIZE + 64];
	struct slice pem;
	uint8_t *der = NULL;
	size_t size = 0;
	enum err err;

	TRY(soft_root_path(r->state, path, sizeof path));
	TRY(file_read(path, PEM_MAX, &pem, n));
	err = cert_pem_to_der(pem, &der, &size, n);
	free((void *)(uintptr_t)pem.data);
	if (err == OK)
		err = policy_local(slice_of(der, size), shipped, &r->policy);
	free(der);
	return err;
}

static bool root_is_there(const struct run *r)
{
	char path[STATE_SIZE + 64];

	return soft_root_path(r->state, path, sizeof path) == OK && access(path, R_OK) == 0;
}

static enum err start(struct run *r, struct note *n)
{
	static const struct policy_limits no_limits = {0};
	int timeout_ms;

	TRY(host_timeout(r->c, &timeout_ms, n));
	TRY(state_dir(r->state, sizeof r->state, n));
	/* The agent starts up while we read the module. */
	TRY(local_start(r->state, r->c->verbose, interrupt_fd(), timeout_ms, &r->place, &r->local, n));
	r->at_module = true;
	TRY(workload_module(r->c, &r->workload, n));
	r->at_module = false;
	TRY(workload_rest(r->c, &no_limits, &r->workload, n));
	if (!cli_has(r->c, "no-stdin"))
		bundle_manifest(r->workload.bundle)->flags |= MANIFEST_STDIN;
	TRY(bundle_seal(r->workload.bundle, n));
	timings_mark(&r->timings, TIMING_AGENT);
	if (r->fallback)
		cli_say(r->c, "/dev/kvm is missing or not permitted: using a process Keep, which is for development only (see: broch platform)");
	TRY(keep_ask(r->place, NULL, r->backend, r->workload.bundle, n));
	/* It makes the Keep while we compute what its measurement must be, and read its root if there is one already. */
	TRY(shipped_digests(strcmp(r->backend, "kvm") == 0 ? BOOT_VM : BOOT_PROCESS, &r->shipped, n));
	if (root_is_there(r))
		TRY(local_policy(r, n));
	TRY(keep_answer(r->place, r->id, r->name, sizeof r->name, &r->timings, n));
	timings_mark(&r->timings, TIMING_KEEP);
	TRY(pipe_open(r->place, r->id, &r->pipe, n));
	timings_mark(&r->timings, TIMING_HANDSHAKE);
	return OK;
}

static enum err six_steps(struct run *r, struct note *n)
{
	struct stream s = {.in = cli_has(r->c, "no-stdin") ? -1 : STDIN_FILENO, .out = STDOUT_FILENO, .err = STDERR_FILENO,
			   .stop_grace_ms = STOP_GRACE_MS};
	struct msg_ready ready;
	struct trust trust;
	enum err err;

	TRY(start(r, n));
	if (r->policy == NULL)
		TRY(local_policy(r, n));
	trust = (struct trust){r->policy, (int64_t)time(NULL), &r->timings};
	err = attest(r->pipe, &trust, &r->verdict, n);
	if (err == OK)
		err = deliver(r->pipe, r->workload.bundle, false, &ready, &r->verdict, n);
	wipe(&ready, sizeof ready); /* nobody comes back to this one */
	workload_verdict(r->c, &r->verdict, err != OK);
	TRY(err);
	timings_mark(&r->timings, TIMING_DELIVER);
	err = stream_run(r->pipe, &s, &r->end, n);
	timings_mark(&r->timings, TIMING_RUN);
	r->timings.keep_load = r->end.load_ns;
	r->timings.keep_run = r->end.run_ns;
	return err;
}

static void stop(struct run *r)
{
	pipe_close(r->pipe);
	place_close(r->place);
	r->pipe = NULL;
	r->place = NULL;
	local_stop(&r->local);
	timings_mark(&r->timings, TIMING_END);
}

static void release(struct run *r)
{
	policy_free(r->policy);
	workload_free(&r->workload);
}

/* Our own agent's words say more than a closed connection. */
static void add_agent_words(struct run *r, enum err err, struct note *n)
{
	char words[160];
	struct note with = {0};

	if (err != ERR_CLOSED && err != ERR_IO)
		return;
	local_words(&r->local, words, sizeof words);
	if (words[0] == 0)
		return;
	note_set(&with, "%s (the host agent's last words: %s)", n->text, words);
	*n = with;
}

static int outcome(struct run *r, enum err err, struct note *n)
{
	if (err == OK)
		return workload_status(r->c, &r->end, cli_has(r->c, "timings") ? &r->timings : NULL);
	if (r->end.reader_gone)
		return STATUS_SIGNAL + SIGPIPE;
	if (r->at_module)
		return workload_module_failure(r->c, err, n);
	add_agent_words(r, err, n);
	return workload_failure(r->c, err, n);
}

static int run_run(struct cli *c)
{
	struct run r = {.c = c};
	struct note n = {0};
	enum err err;
	int status;

	if (workload_check(c, &n) != OK || choose_backend(&r, &n) != OK)
		return cli_usage(c, "%s", n.text);
	timings_start(&r.timings);
	err = interrupt_begin(&n);
	if (err == OK)
		err = six_steps(&r, &n);
	if (err == OK)
		stop(&r);
	status = outcome(&r, err, &n);
	stop(&r);
	release(&r);
	return status;
}

static const struct option run_options[] = {
	{"backend", 0, false, "KIND", "kvm or process; default kvm, or process where /dev/kvm cannot be used"},
	{"timings", 0, false, NULL, "say at the end where the time went, step by step"},
	{"connect-timeout", 0, false, "TIME", "how long each step until the workload runs may take; default 30s"},
	{0},
};

static const struct option run_absent[] = {
	{"detach", 'd', false, NULL, "run ends with its terminal: for more, start brochd and say broch deploy -d"},
	{"host", 'H', false, NULL, "run is for this machine: say broch deploy --host URL"},
	{"policy", 'p', false, NULL, "run accepts this machine's own Keeps: say broch deploy --policy FILE"},
	{"name", 0, false, NULL, "only deployed Keeps have names: say broch deploy --name NAME"},
	{"evidence", 0, false, NULL, "evidence of a stand-in of one's own proves nothing: say broch deploy --evidence FILE"},
	{"rm", 0, false, NULL, "nothing is left after run in any case"},
	{"tty", 't', false, NULL, "a Keep has no terminal; its standard streams are connected in any case"},
	{"volume", 'V', false, NULL, "say --dir DIR:NAME; files are copied, not shared"},
	{"mapdir", 0, false, NULL, "say --dir DIR:NAME"},
	{0},
};

const struct verb verb_run = {
	.name = "run",
	.summary = "run a WebAssembly program in a Keep on this machine",
	.operands = "APP.wasm [ARG...]",
	.options = run_options,
	.more = options_workload,
	.absent = run_absent,
	.details = "Starts a private host agent, makes a Keep, verifies its evidence, delivers the program over the encrypted "
		   "session and connects its standard streams. Nothing has to be set up, and nothing is left behind. Options end "
		   "at APP.wasm; what follows belongs to the program.\n\n"
		   "Ctrl-C stops the Keep; a second one kills it. With --json the end is told as one JSON object on standard error. On this machine a software stand-in signs the evidence, which "
		   "exercises every step but protects from nobody who owns the machine; broch says so in one line.",
	.examples = "broch run hello.wasm world\nbroch run -e LANG=C --dir ./data:data --memory 64MiB app.wasm data/in.txt\n"
		    "seq 100 | broch run --timeout 10s sum.wasm",
	.min = 1,
	.max = UINT32_MAX,
	.workload = true,
	.run = run_run,
};
