/* SPDX-License-Identifier: Apache-2.0 */
/* `broch logs` and `broch wait`: coming back to a detached workload, over a session attested anew. */
#include "client/agent/interrupt.h"
#include "client/cli/tenant.h"

#include <signal.h>
#include <unistd.h>

static enum err watch(const struct cli *c, bool follow, bool output, struct stream_end *end, struct note *n)
{
	struct stream s = {.in = -1, .out = output ? STDOUT_FILENO : -1, .err = output ? STDERR_FILENO : -1,
			   .until_pause = !follow, .leave = true};
	struct visit v;
	enum err err;

	TRY(interrupt_begin(n));
	TRY(visit_begin(c, c->operands[0], &v, n));
	workload_verdict(c, &v.verdict, false);
	err = visit_attach(&v, follow, output, n);
	if (err == OK)
		err = stream_run(v.pipe, &s, end, n);
	visit_end(&v);
	return err;
}

static int failure(const struct cli *c, enum err err, const struct stream_end *end, const struct note *n)
{
	if (err == ERR_STOPPED && interrupt_signal() != 0)
		return STATUS_SIGNAL + interrupt_signal();
	if (end->reader_gone)
		return STATUS_SIGNAL + SIGPIPE;
	if (err == ERR_REFUSED)
		return cli_fail(c, STATUS_REFUSED, "%s", n->text);
	return cli_fail_note(c, err, n);
}

static int logs_run(struct cli *c)
{
	struct stream_end end = {0};
	struct note n = {0};
	enum err err = watch(c, cli_has(c, "follow"), true, &end, &n);

	return err == OK ? STATUS_OK : failure(c, err, &end, &n);
}

static int wait_run(struct cli *c)
{
	struct stream_end end = {0};
	struct note n = {0};
	enum err err = watch(c, true, false, &end, &n);

	if (err != OK)
		return failure(c, err, &end, &n);
	return c->json ? cli_json(c, workload_end_json(&end, NULL)) : workload_status(c, &end, NULL);
}

static const struct option logs_options[] = {
	{"follow", 'f', false, NULL, "go on until the workload ends"},
	{"show-chain", 0, false, NULL, "print the chain of trust that was verified"},
	{0},
};

const struct verb verb_logs = {
	.name = "logs",
	.summary = "print the output of a detached workload",
	.operands = "ID",
	.options = logs_options,
	.more = options_host,
	.details = "The output comes from the Keep over a session of its own, encrypted and attested anew; the host never sees it. The "
		   "Keep holds the newest MiB. Standard output and standard error come as such.",
	.examples = "broch logs web\nbroch logs -f web",
	.min = 1,
	.max = 1,
	.run = logs_run,
};

static const struct option wait_options[] = {
	{"show-chain", 0, false, NULL, "print the chain of trust that was verified"},
	{0},
};

const struct verb verb_wait = {
	.name = "wait",
	.summary = "wait for a detached workload and pass its exit status on",
	.operands = "ID",
	.options = wait_options,
	.more = options_host,
	.details = "The status comes from the Keep itself, over an attested session. With --json it is printed instead, with 0 as exit "
		   "status.",
	.examples = "broch wait job && echo done",
	.min = 1,
	.max = 1,
	.workload = true,
	.run = wait_run,
};
