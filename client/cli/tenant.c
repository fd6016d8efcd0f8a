/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/tenant.h"

#include "client/agent/shipped.h"
#include "lib/base/ct.h"
#include "sys/file.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { POLICY_MAX = 1 << 20, PATH_SIZE = 1024, BUSY_MS = 2000 };

static enum err parse(struct tenant_policy *p, struct note *n)
{
	struct shipped shipped = {.count = 0};
	struct policy_shipped list = {(const uint8_t(*)[48])shipped.digests, 0};
	struct note missing = {0};
	enum err err;

	/* Only a policy that says "shipped" needs the images, so their absence is its business. */
	if (strstr(p->text, "shipped") != NULL && shipped_digests(0, &shipped, &missing) != OK)
		return refuse(n, ERR_NOT_FOUND, "%s: it says \"shipped\", but %s", p->name, missing.text);
	list.count = shipped.count;
	err = policy_parse(slice_text(p->text), p->name, list, &p->policy, n);
	return err;
}

static enum err default_path(char *out, size_t capacity, struct note *n)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config != NULL && config[0] == '/')
		snprintf(out, capacity, "%s/broch/policy.toml", config);
	else if (home != NULL && home[0] == '/')
		snprintf(out, capacity, "%s/.config/broch/policy.toml", home);
	else
		return refuse(n, ERR_NOT_FOUND, "no policy says what to accept: give --policy FILE");
	return OK;
}

static enum err read_text(const char *path, struct tenant_policy *out, struct note *n)
{
	struct slice file;

	TRY(file_read(path, POLICY_MAX, &file, n));
	out->text = (char *)(uintptr_t)file.data; /* one byte more than its size is there */
	out->text[file.size] = 0;
	if (strlen(out->text) != file.size)
		return refuse(n, ERR_FORMAT, "%s: a zero byte is in it", path);
	/* The name is kept in records: relative paths in it must mean the same from everywhere. */
	out->name = realpath(path, NULL);
	return out->name != NULL ? OK : refuse(n, ERR_IO, "%s has no absolute path", path);
}

enum err policy_load(const char *path, struct tenant_policy *out, struct note *n)
{
	char standard[PATH_SIZE];
	enum err err;

	memset(out, 0, sizeof *out);
	if (path == NULL) {
		TRY(default_path(standard, sizeof standard, n));
		err = read_text(standard, out, NULL);
		if (err != OK) {
			policy_drop(out);
			return refuse(n, err,
				      "no policy says what to accept: give --policy FILE, or make %s (see: broch policy init)",
				      standard);
		}
	} else {
		err = read_text(path, out, n);
	}
	if (err == OK)
		err = parse(out, n);
	if (err != OK)
		policy_drop(out);
	return err;
}

enum err policy_of_record(const struct record *r, struct tenant_policy *out, struct note *n)
{
	enum err err;

	*out = (struct tenant_policy){NULL, strdup(r->policy), strdup(r->policy_name)};
	err = out->text != NULL && out->name != NULL ? parse(out, n) : ERR_NOMEM;
	if (err != OK)
		policy_drop(out);
	return err;
}

void policy_drop(struct tenant_policy *p)
{
	policy_free(p->policy);
	free(p->text);
	free(p->name);
	memset(p, 0, sizeof *p);
}

static struct trust trust_of(const struct visit *v)
{
	return (struct trust){v->policy.policy, (int64_t)time(NULL), NULL};
}

/* Whoever was attached a moment ago (we, most likely) may not be gone yet in the host's eyes. */
static enum err open_pipe(struct visit *v, struct note *n)
{
	int64_t deadline = clock_ms() + BUSY_MS;

	for (;;) {
		struct note one = {0};
		enum err err = pipe_open(v->place, v->record.id, &v->pipe, &one);

		if (err != ERR_EXISTS || clock_ms() > deadline) {
			*n = one;
			return err;
		}
		usleep(20000);
	}
}

static enum err begin(const struct cli *c, const char *name, struct visit *v, struct note *n)
{
	struct trust trust;
	enum err err;

	TRY(host_name_check(name, n));
	TRY(record_load(name, &v->record, n));
	TRY(policy_of_record(&v->record, &v->policy, n));
	TRY(host_place(c, v->record.url, &v->place, n));
	TRY(open_pipe(v, n));
	trust = trust_of(v);
	err = attest(v->pipe, &trust, &v->verdict, n);
	if (err == OK)
		err = resume(v->pipe, v->record.secret, &v->ready, n);
	return err;
}

enum err visit_begin(const struct cli *c, const char *name, struct visit *v, struct note *n)
{
	enum err err;

	memset(v, 0, sizeof *v);
	err = begin(c, name, v, n);
	if (err != OK)
		visit_end(v);
	return err;
}

void visit_end(struct visit *v)
{
	pipe_close(v->pipe);
	place_close(v->place);
	policy_drop(&v->policy);
	record_free(&v->record);
	wipe(v, sizeof *v);
}

enum err visit_attach(struct visit *v, bool follow, bool from_start, struct note *n)
{
	struct msg_attach m = {follow, from_start};
	uint8_t body[64];
	size_t size;

	TRY(msg_attach_encode(&m, body, sizeof body, &size));
	return pipe_send(v->pipe, SESSION_ATTACH, slice_of(body, size), slice_of(NULL, 0), n);
}

enum err visit_evidence(struct visit *v, const char *path, struct note *n)
{
	struct trust trust = trust_of(v);
	struct slice body, file;
	enum err err;

	TRY(evidence_ask(v->pipe, n));
	TRY(evidence_await(v->pipe, &body, n));
	TRY(evidence_take(body, &trust, v->record.manifest, &v->verdict, &file, n));
	err = file_replace(path, file, 0644, n);
	free((void *)(uintptr_t)file.data);
	return err;
}
