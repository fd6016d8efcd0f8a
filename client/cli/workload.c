/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/workload.h"

#include "client/agent/interrupt.h"
#include "client/attest/verdict.h"
#include "client/config/units.h"

#include <signal.h>
#include <stdlib.h>

/* Guest memory beside the workload's: engine, compiled code, the files; the host's limit is no protection of ours. */
#define RUNTIME_BYTES (UINT64_C(256) << 20)

static enum err add_env(const struct cli *c, struct bundle *b, struct note *n)
{
	const char *text;

	for (size_t at = 0; (text = cli_next(c, "env-file", &at)) != NULL;)
		TRY(bundle_env_file(b, text, n));
	for (size_t at = 0; (text = cli_next(c, "env", &at)) != NULL;)
		TRY(strchr(text, '=') != NULL ? bundle_env(b, text, n) : bundle_env_ours(b, text, n));
	return OK;
}

/* NAME in the Keep: relative, without "." and "..". */
static enum err guest_path(const char *given, const char *text, char *out, size_t capacity, struct note *n)
{
	size_t len = 0;

	while (*text != 0) {
		size_t part = strcspn(text, "/");

		if (part == 2 && memcmp(text, "..", 2) == 0)
			return refuse(n, ERR_INVALID, "--dir %s: '..' has no meaning in a Keep; say --dir DIR:NAME", given);
		if (part > 0 && !(part == 1 && text[0] == '.')) {
			if (len + part + 2 > capacity)
				return refuse(n, ERR_LIMIT, "--dir %s: the name is too long", given);
			if (len > 0)
				out[len++] = '/';
			memcpy(out + len, text, part);
			len += part;
		}
		text += part;
		text += *text == '/';
	}
	out[len] = 0;
	return OK;
}

static enum err add_dirs(const struct cli *c, struct bundle *b, struct note *n)
{
	char host[1024], guest[MANIFEST_PATH_MAX];
	const char *text; /* DIR, DIR:NAME or, for a DIR with colons in it, DIR::NAME */

	for (size_t at = 0; (text = cli_next(c, "dir", &at)) != NULL;) {
		const char *twice = strstr(text, "::"), *colon = twice != NULL ? twice : strrchr(text, ':');
		size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);

		if (len == 0 || len >= sizeof host)
			return refuse(n, ERR_INVALID, "--dir %s: expected DIR or DIR:NAME", text);
		memcpy(host, text, len);
		host[len] = 0;
		TRY(guest_path(text, colon == NULL ? host : colon + (twice != NULL ? 2 : 1), guest, sizeof guest, n));
		TRY(bundle_dir(b, host, guest, n));
	}
	return OK;
}

/* What was asked for, what the policy allows; 0: neither says anything. */
static enum err pick(const char *option, const char *text, uint64_t asked, uint64_t allowed, uint64_t *out, struct note *n)
{
	if (text != NULL && allowed != 0 && asked > allowed)
		return refuse(n, ERR_INVALID, "--%s %s: the policy allows less", option, text);
	*out = text != NULL ? asked : allowed;
	return OK;
}

static enum err limit_size(const struct cli *c, const char *option, uint64_t allowed, uint64_t *out, struct note *n)
{
	const char *text = cli_value(c, option);
	uint64_t asked = 0;

	if (text != NULL && units_size(slice_text(text), &asked) != OK)
		return refuse(n, ERR_INVALID, "--%s %s: expected a size such as 64MiB or 1GiB", option, text);
	return pick(option, text, asked, allowed, out, n);
}

static enum err limit_time(const struct cli *c, const char *option, uint64_t allowed, uint64_t *out, struct note *n)
{
	const char *text = cli_value(c, option);
	uint64_t asked = 0;

	if (text != NULL && units_duration(slice_text(text), &asked) != OK)
		return refuse(n, ERR_INVALID, "--%s %s: expected a time such as 300ms, 5s, 2m or 1h", option, text);
	return pick(option, text, asked, allowed, out, n);
}

static enum err set_limits(const struct cli *c, const struct policy_limits *l, struct manifest *m, struct note *n)
{
	TRY(limit_size(c, "memory", l->memory_bytes, &m->limits.memory_bytes, n));
	TRY(limit_time(c, "timeout", l->wall_ns, &m->limits.wall_ns, n));
	TRY(limit_time(c, "cpu-time", l->cpu_ns, &m->limits.cpu_ns, n));
	m->limits.open_files = l->open_files;
	m->limits.file_bytes = l->file_bytes;
	return OK;
}

enum err workload_check(const struct cli *c, struct note *n)
{
	static const struct policy_limits none = {0};
	struct manifest m = {0};
	const char *text;

	TRY(set_limits(c, &none, &m, n));
	for (size_t at = 0; (text = cli_next(c, "env", &at)) != NULL;) {
		if (text[0] == '=' || text[0] == 0)
			return refuse(n, ERR_INVALID, "--env '%s': expected NAME=VALUE or NAME", text);
		if (strchr(text, '=') == NULL && getenv(text) == NULL)
			return refuse(n, ERR_INVALID, "--env %s: it is not set in our environment; say --env %s=VALUE", text, text);
	}
	if (cli_has(c, "interactive") && cli_has(c, "no-stdin"))
		return refuse(n, ERR_INVALID, "--interactive and --no-stdin contradict each other");
	return OK;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != 0 ? slash + 1 : path;
}

enum err workload_module(const struct cli *c, struct bundle **out, struct note *n)
{
	struct bundle *b = NULL;
	enum err err;

	TRY(bundle_new(&b));
	err = bundle_module(b, c->operands[0], n);
	if (err == OK) {
		*out = b;
		b = NULL;
	}
	bundle_free(b);
	return err;
}

enum err workload_rest(const struct cli *c, const struct policy_limits *limits, struct bundle *b, struct note *n)
{
	TRY(bundle_arg(b, base_name(c->operands[0]), n)); /* where it lies on our disk is nobody's business */
	for (size_t i = 1; i < c->operand_count; i++)
		TRY(bundle_arg(b, c->operands[i], n));
	TRY(add_env(c, b, n));
	TRY(add_dirs(c, b, n));
	return set_limits(c, limits, bundle_manifest(b), n);
}

int workload_module_failure(const struct cli *c, enum err err, const struct note *n)
{
	int status = err == ERR_NOT_FOUND ? STATUS_NOT_FOUND : STATUS_CANNOT_START;

	return cli_fail(c, err == ERR_NOMEM || err == ERR_CRYPTO ? STATUS_BROCH : status, "%s",
			n->text[0] != 0 ? n->text : err_text(err));
}

enum err keep_ask(struct place *p, const char *name, const char *backend, const struct bundle *b, struct note *n)
{
	const struct manifest *m = bundle_limits(b);
	uint64_t memory = m->limits.memory_bytes != 0 ? m->limits.memory_bytes : MANIFEST_MEMORY_DEFAULT;
	json_t *body = json_object();

	memory += RUNTIME_BYTES + 16 * bundle_blob_bytes(b);
	json_object_set_new(body, "memory_max", json_integer((json_int_t)memory));
	if (name != NULL)
		json_object_set_new(body, "name", json_string(name));
	if (backend != NULL)
		json_object_set_new(body, "backend", json_string(backend));
	return place_ask(p, "POST", "/v1/keeps", body, n);
}

enum err keep_answer(struct place *p, char id[static KEEP_ID_DIGITS + 1], char *name, size_t name_size, struct note *n)
{
	json_t *answer = NULL;

	TRY(place_answer(p, &answer, n));
	host_text(answer, "id", id, KEEP_ID_DIGITS + 1);
	host_text(answer, "name", name, name_size);
	json_decref(answer);
	if (keep_id_ok(id) && (name[0] == 0 || keep_name_ok(name)))
		return OK;
	id[0] = name[0] = 0;
	return refuse(n, ERR_HOST, "the host agent (%s) gives the Keep an impossible id or name", place_url(p));
}

void workload_verdict(const struct cli *c, const struct verdict *v, bool refused)
{
	bool chain = cli_has(c, "show-chain") || c->verbose;

	if (chain && v->check_count > 0)
		(c->verbose ? verdict_print_checks : verdict_print)(stderr, v, c->color_err);
	if (v->soft && v->ok && !refused && !chain)
		cli_say(c, "a software stand-in (%s) signed the evidence: good for development, protects from nobody who owns the host",
			v->tee);
}

json_t *workload_end_json(const struct stream_end *e)
{
	static const char *const ends[] = {"exited", "trapped", "limit", "stopped", "refused"};
	const char *how = (unsigned)e->end < ARRAY_COUNT(ends) ? ends[e->end] : "unknown";

	return json_pack("{s:s, s:s, s:I, s:s}", "schema", "broch.end/1", "end", how, "code", (json_int_t)e->code, "message",
			 e->message);
}

/* For JSON the words are in the object already. */
static int ended(const struct cli *c, int status, const char *what, const char *words)
{
	return c->json ? status : cli_fail(c, status, "%s: %s", what, words);
}

static void report_json(const struct stream_end *e)
{
	json_t *o = workload_end_json(e);

	if (json_dumpf(o, stderr, JSON_COMPACT) == 0)
		fputc('\n', stderr);
	json_decref(o);
}

int workload_status(const struct cli *c, const struct stream_end *e)
{
	const char *words = e->message[0] != 0 ? e->message : "no reason given";
	char cannot[160];

	if (c->json)
		report_json(e);
	snprintf(cannot, sizeof cannot, "%s cannot start", c->operands[0]);
	switch (e->end) {
	case WORKLOAD_EXITED:
		/* What does not fit into 8 bits is no success either. */
		return e->code > 255 && (e->code & 255) == 0 ? 255 : (int)(e->code & 255);
	case WORKLOAD_TRAPPED: return ended(c, STATUS_TRAP, "the workload trapped", words);
	case WORKLOAD_LIMIT: return ended(c, STATUS_BROCH, "the workload reached a limit", words);
	case WORKLOAD_REFUSED: return ended(c, STATUS_CANNOT_START, cannot, words);
	case WORKLOAD_STOPPED:
		if (e->signal == 0)
			return ended(c, STATUS_SIGNAL + SIGKILL, "the workload was stopped", words);
		return STATUS_SIGNAL + e->signal;
	}
	return cli_fail(c, STATUS_BROCH, "the Keep reports an unknown kind of end (%u)", (unsigned)e->end);
}

int workload_failure(const struct cli *c, enum err err, const struct note *n)
{
	const char *words = n->text[0] != 0 ? n->text : err_text(err);

	if (err == ERR_STOPPED && interrupt_signal() != 0)
		return STATUS_SIGNAL + interrupt_signal();
	if (err == ERR_REFUSED)
		return cli_fail(c, STATUS_REFUSED, "%s; nothing more was sent", words);
	return cli_fail(c, STATUS_BROCH, "%s", words);
}
