/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of one Keep: the host's account, our own record, and, when asked for, evidence from the Keep itself. */
#include "client/agent/interrupt.h"
#include "client/agent/opened.h"
#include "client/attest/verdict.h"
#include "client/cli/tenant.h"
#include "lib/base/hex.h"
#include "sys/openssl.h"

static const char *const host_keys[] = {"id", "name", "state", "backend", "tee", "created", "client", "end"};

static json_t *host_account(const json_t *answer)
{
	static const char *const numbers[] = {"memory_max", "memory", "exits", "restarts", "pid"};
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_COUNT(host_keys); i++) {
		char text[200];

		host_text(answer, host_keys[i], text, sizeof text);
		json_object_set_new(o, host_keys[i], json_string(text));
	}
	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
		json_object_set_new(o, numbers[i], json_integer(json_integer_value(json_object_get(answer, numbers[i]))));
	return o;
}

static json_t *libraries_of(const struct record *r)
{
	struct opened o = {.memory = NULL};
	json_t *all = json_array();
	char name[MANIFEST_LIBRARY_NAME_MAX + 1], hex[65];

	if (opened_read(r->manifest, &o, NULL) != OK)
		return all; /* a record of another version; what it says of itself is shown all the same */
	for (size_t i = 0; i < o.m.library_count; i++) {
		const struct manifest_library *l = &o.m.libraries[i];

		hex_encode(slice_of(l->blob.sha256, sizeof l->blob.sha256), hex);
		json_array_append_new(all, json_pack("{s:s, s:s}", "name", slice_shown(l->name, name, sizeof name), "sha256", hex));
	}
	opened_free(&o);
	return all;
}

static json_t *our_account(const struct record *r)
{
	uint8_t digest[32];
	char hex[65] = "";

	if (EVP_Digest(r->manifest.data, r->manifest.size, digest, NULL, EVP_sha256(), NULL) == 1)
		hex_encode(slice_of(digest, sizeof digest), hex);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "id", r->id, "name", r->name, "host", r->url, "deployed", r->created,
			 "module_sha256", r->module, "modules", libraries_of(r), "manifest_sha256", hex, "policy", r->policy_name);
}

/* What the program imports from. */
static void print_modules(const json_t *all)
{
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);

		printf("  %-16s %s %s\n", "library_sha256", json_string_value(json_object_get(one, "sha256")),
		       json_string_value(json_object_get(one, "name")));
	}
}

static void print_object(const char *title, const json_t *o)
{
	const char *key;
	json_t *value;

	puts(title);
	json_object_foreach((json_t *)(uintptr_t)o, key, value)
	{
		if (json_is_array(value))
			print_modules(value);
		else if (json_is_string(value))
			printf("  %-16s %s\n", key, json_string_value(value)[0] != 0 ? json_string_value(value) : "-");
		else
			printf("  %-16s %lld\n", key, (long long)json_integer_value(value));
	}
}

static int show(const struct cli *c, json_t *host, json_t *ours, json_t *verdict)
{
	int status = STATUS_OK;

	if (c->json) {
		status = cli_json(c, json_pack("{s:s, s:O?, s:O?, s:O?}", "schema", "broch.inspect/1", "host", host, "record", ours,
					       "verdict", verdict));
	} else {
		if (ours != NULL)
			print_object("Our record", ours);
		if (host != NULL)
			print_object("The host says (not verified)", host);
		if (verdict != NULL && !c->quiet)
			printf("Evidence saved to %s\n", cli_value(c, "evidence"));
	}
	json_decref(host);
	json_decref(ours);
	json_decref(verdict);
	return status;
}

static enum err take_evidence(const struct cli *c, json_t **out, struct note *n)
{
	struct visit v;
	enum err err;

	TRY(interrupt_begin(n));
	TRY(visit_begin(c, c->operands[0], &v, n));
	err = visit_evidence(&v, cli_value(c, "evidence"), n);
	workload_verdict(c, &v.verdict, err != OK);
	if (err == OK)
		*out = verdict_json(&v.verdict);
	visit_end(&v);
	return err;
}

static enum err ask_host(const struct cli *c, const struct record *r, json_t **out, struct note *n)
{
	struct place *p = NULL;
	json_t *answer = NULL;
	enum err err;

	TRY(host_place(c, r->id[0] != 0 ? r->url : NULL, &p, n));
	err = host_keep(p, "GET", r->id[0] != 0 ? r->id : c->operands[0], "", &answer, n);
	if (err == OK)
		*out = host_account(answer);
	json_decref(answer);
	place_close(p);
	return err;
}

static int inspect_run(struct cli *c)
{
	struct record r = {0};
	struct note n = {0};
	json_t *host = NULL, *ours = NULL, *verdict = NULL;
	enum err err = host_name_check(c->operands[0], &n);

	if (err == OK && record_load(c->operands[0], &r, NULL) == OK)
		ours = our_account(&r);
	if (err == OK)
		err = ask_host(c, &r, &host, &n);
	if (err == OK && cli_has(c, "evidence"))
		err = take_evidence(c, &verdict, &n);
	record_free(&r);
	if (err == OK)
		return show(c, host, ours, verdict);
	json_decref(host);
	json_decref(ours);
	return err == ERR_REFUSED ? cli_fail(c, STATUS_REFUSED, "%s", n.text) : cli_fail_note(c, err, &n);
}

static const struct option inspect_options[] = {
	{"evidence", 0, false, "FILE", "fetch evidence of the workload from the Keep, judge it, save it for others to verify"},
	{"show-chain", 0, false, NULL, "print the chain of trust that was verified"},
	{0},
};

const struct verb verb_inspect = {
	.name = "inspect",
	.summary = "show what is known of a Keep, and fetch its evidence",
	.operands = "ID",
	.options = inspect_options,
	.more = options_host,
	.details = "The evidence says: a Keep of this measurement, on this platform, runs the workload whose manifest has this digest, and "
		   "holds this signing key. Whoever gets the file can check it with broch verify, without the host and without you.",
	.examples = "broch inspect web\nbroch inspect --evidence web.evidence web && broch verify --policy policy.toml web.evidence",
	.min = 1,
	.max = 1,
	.run = inspect_run,
};
