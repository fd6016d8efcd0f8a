/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/workload.h"

#include "client/agent/interrupt.h"
#include "client/attest/verdict.h"
#include "client/agent/pack.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Guest memory beside the workload's: engine, compiled code, the files; the host's limit is no protection of ours. */
#define RUNTIME_BYTES (UINT64_C(256) << 20)

static const struct origin command = {FROM_COMMAND, NULL, 0};

/* ---- the command line over the file ---- */

static enum err env_option(struct config *config, const char *text, struct note *n)
{
	const char *equals = strchr(text, '='), *ours = equals == NULL ? getenv(text) : NULL;

	if (equals != NULL)
		return config_set_env(config, slice_of(text, (size_t)(equals - text)), equals + 1, command, n);
	if (ours == NULL)
		return refuse(n, ERR_INVALID, "--env %s: it is not set in our environment; say --env %s=VALUE", text, text);
	return config_set_env(config, slice_text(text), ours, command, n);
}

static enum err add_env(const struct cli *c, struct config *config, struct note *n)
{
	const char *text;

	for (size_t at = 0; (text = cli_next(c, "env-file", &at)) != NULL;)
		TRY(config_env_file(config, text, n));
	for (size_t at = 0; (text = cli_next(c, "env", &at)) != NULL;)
		TRY(env_option(config, text, n));
	return OK;
}

/* DIR, DIR:NAME or, for a DIR with colons in it, DIR::NAME. */
static enum err dir_option(struct config *config, const char *text, struct note *n)
{
	const char *twice = strstr(text, "::"), *colon = twice != NULL ? twice : strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
	struct config_mount m = {.kind = MOUNT_PACKAGE, .source = config_keep(config, slice_of(text, len)), .from = command};
	char guest[MANIFEST_PATH_MAX];
	enum err err;

	if (len == 0)
		return refuse(n, ERR_INVALID, "--dir %s: expected DIR or DIR:NAME", text);
	if (m.source == NULL)
		return ERR_NOMEM;
	err = config_guest_path(slice_text(colon == NULL ? m.source : colon + (twice != NULL ? 2 : 1)), guest, sizeof guest);
	if (err == ERR_INVALID)
		return refuse(n, err, "--dir %s: '..' has no meaning in a Keep; say --dir DIR:NAME", text);
	if (err != OK)
		return refuse(n, err, "--dir %s: the name is too long", text);
	m.guest = config_keep(config, slice_text(guest));
	return m.guest != NULL ? config_add_mount(config, &m) : ERR_NOMEM;
}

static enum err limit_option(const struct cli *c, struct config *config, enum config_limit which, struct note *n)
{
	const char *option = config_limits[which].option, *text = option != NULL ? cli_value(c, option) : NULL;
	struct config_number *l = &config->limits[which];

	if (text == NULL)
		return OK;
	if (config_limit_parse(which, slice_text(text), &l->value) != OK)
		return refuse(n, ERR_INVALID, "--%s %s: expected a %s", option, text,
			      config_limits[which].unit == UNIT_BYTES ? "size such as 64MiB or 1GiB"
								      : "time such as 300ms, 5s, 2m or 1h");
	l->from = command;
	return OK;
}

static enum err add_limits(const struct cli *c, struct config *config, struct note *n)
{
	for (unsigned i = 0; i < CONFIG_LIMITS; i++)
		TRY(limit_option(c, config, i, n));
	return OK;
}

enum err workload_options(const struct cli *c, size_t first_arg, struct config *config, struct note *n)
{
	const char *text;

	if (first_arg < c->operand_count)
		config_clear_args(config);
	for (size_t i = first_arg; i < c->operand_count; i++)
		TRY(config_add_arg(config, c->operands[i], command));
	TRY(add_env(c, config, n));
	for (size_t at = 0; (text = cli_next(c, "dir", &at)) != NULL;)
		TRY(dir_option(config, text, n));
	return add_limits(c, config, n);
}

/* ---- the policy's limits ---- */

static enum err too_much(const struct config *config, enum config_limit which, const char *asked, struct note *n)
{
	const struct origin *from = &config->limits[which].from;

	if (from->kind == FROM_FILE)
		return refuse(n, ERR_INVALID, "%s:%u: limits.%s: the policy allows less", from->file, from->line,
			      config_limits[which].key);
	return refuse(n, ERR_INVALID, "--%s %s: the policy allows less", config_limits[which].option, asked);
}

/* What was asked for, at most what the policy allows; 0: neither says anything. */
static enum err apply_policy(const struct cli *c, struct config *config, const struct policy_limits *l, struct note *n)
{
	const uint64_t allowed[CONFIG_LIMITS] = {l->memory_bytes, l->wall_ns, l->cpu_ns, l->open_files, l->file_bytes};

	for (unsigned i = 0; i < CONFIG_LIMITS; i++) {
		struct config_number *asked = &config->limits[i];

		if (allowed[i] == 0)
			continue;
		if (asked->value > allowed[i])
			return too_much(config, i, config_limits[i].option != NULL ? cli_value(c, config_limits[i].option) : "", n);
		if (asked->value == 0)
			asked->value = allowed[i];
	}
	return OK;
}

enum err workload_check(const struct cli *c, struct note *n)
{
	struct config limits = {0};
	const char *text;

	TRY(add_limits(c, &limits, n));
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

/* ---- the operand: a module, or a folder with one ---- */

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum err join(const char *folder, const char *name, char out[static WORKLOAD_PATH], struct note *n)
{
	size_t len = strlen(folder);
	int used = snprintf(out, WORKLOAD_PATH, "%s%s%s", folder, len > 0 && folder[len - 1] == '/' ? "" : "/", name);

	return used > 0 && used < WORKLOAD_PATH ? OK : refuse(n, ERR_LIMIT, "%s: the path is too long", folder);
}

/* In a package: broch.toml, else Enarx.toml, else nothing. */
static enum err package_config(const char *folder, char out[static WORKLOAD_PATH], struct note *n)
{
	static const char *const names[] = {"broch.toml", "Enarx.toml"};

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		TRY(join(folder, names[i], out, n));
		if (access(out, F_OK) == 0)
			return OK;
	}
	out[0] = 0;
	return OK;
}

enum err workload_config(const char *operand, char out[static WORKLOAD_PATH], struct note *n)
{
	if (is_folder(operand))
		return package_config(operand, out, n);
	if (snprintf(out, WORKLOAD_PATH, "%s", operand) >= WORKLOAD_PATH)
		return refuse(n, ERR_LIMIT, "%s: the path is too long", operand);
	return OK;
}

enum err workload_find(const struct cli *c, struct workload *w, struct note *n)
{
	const char *operand = c->operands[0], *config = cli_value(c, "config");

	*w = (struct workload){0};
	if (config != NULL && snprintf(w->config_path, sizeof w->config_path, "%s", config) >= (int)sizeof w->config_path)
		return refuse(n, ERR_LIMIT, "--config %s: the path is too long", config);
	if (!is_folder(operand)) {
		w->module = operand;
		return OK;
	}
	TRY(join(operand, "main.wasm", w->module_path, n));
	w->module = w->module_path;
	if (access(w->module, F_OK) != 0)
		return refuse(n, ERR_INVALID, "%s is a folder without main.wasm: no package", operand);
	return config != NULL ? OK : package_config(operand, w->config_path, n);
}

enum err workload_module(const struct cli *c, struct workload *w, struct note *n)
{
	TRY(workload_find(c, w, n));
	TRY(bundle_new(&w->bundle));
	return bundle_module(w->bundle, w->module, n);
}

static void say_remarks(const struct cli *c, const struct config *config)
{
	for (size_t i = 0; i < config->remark_count; i++)
		cli_say(c, "%s", config->remarks[i]);
}

enum err workload_rest(const struct cli *c, const struct policy_limits *limits, struct workload *w, struct note *n)
{
	TRY(config_new(&w->config));
	if (w->config_path[0] != 0)
		TRY(config_load(w->config, w->config_path, n));
	say_remarks(c, w->config);
	TRY(workload_options(c, 1, w->config, n));
	w->config->no_root = w->config->no_root || cli_has(c, "no-root"); /* `broch config` has no such option */
	TRY(apply_policy(c, w->config, limits, n));
	if (cli_has(c, "check-code"))
		bundle_manifest(w->bundle)->flags |= MANIFEST_CHECK_CODE;
	return pack(w->config, base_name(w->module), w->bundle, n); /* where it lies on our disk is nobody's business */
}

void workload_free(struct workload *w)
{
	bundle_free(w->bundle);
	config_free(w->config);
	*w = (struct workload){0};
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

enum err keep_answer(struct place *p, char id[static KEEP_ID_DIGITS + 1], char *name, size_t name_size,
		     struct timings *times, struct note *n)
{
	json_t *answer = NULL;

	TRY(place_answer(p, &answer, n));
	host_text(answer, "id", id, KEEP_ID_DIGITS + 1);
	host_text(answer, "name", name, name_size);
	timings_of_host(times, answer);
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

json_t *workload_end_json(const struct stream_end *e, const struct timings *times)
{
	static const char *const ends[] = {"exited", "trapped", "limit", "stopped", "refused"};
	const char *how = (unsigned)e->end < ARRAY_COUNT(ends) ? ends[e->end] : "unknown";

	return json_pack("{s:s, s:s, s:I, s:s, s:o*}", "schema", "broch.end/1", "end", how, "code", (json_int_t)e->code,
			 "message", e->message, "timings", times != NULL ? timings_json(times) : NULL);
}

/* For JSON the words are in the object already. */
static int ended(const struct cli *c, int status, const char *what, const char *words)
{
	return c->json ? status : cli_fail(c, status, "%s: %s", what, words);
}

static void report_json(const struct stream_end *e, const struct timings *times)
{
	json_t *o = workload_end_json(e, times);

	if (json_dumpf(o, stderr, JSON_COMPACT) == 0)
		fputc('\n', stderr);
	json_decref(o);
}

int workload_status(const struct cli *c, const struct stream_end *e, const struct timings *times)
{
	const char *words = e->message[0] != 0 ? e->message : "no reason given";
	char cannot[160];

	if (c->json)
		report_json(e, times);
	else if (times != NULL)
		timings_print(stderr, times);
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
