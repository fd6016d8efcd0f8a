/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/record.h"

#include "lib/base/ct.h"
#include "lib/base/hex.h"
#include "lib/session/manifest.h"
#include "sys/file.h"
#include "sys/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, RECORD_MAX = 1 << 20 };

static enum err make_dirs(char *path, struct note *n)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != 0)
			continue;
		*p = 0;
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return refuse(n, err_of_errno(errno), "making the folder %s: %s", path, strerror(errno));
		*p = c;
		if (c == 0)
			return OK;
	}
}

enum err state_dir(char *out, size_t capacity, struct note *n)
{
	TRY(state_dir_default(out, capacity, n));
	return make_dirs(out, n);
}

static enum err keeps_dir(char *out, size_t capacity, bool make, struct note *n)
{
	size_t len;

	TRY(state_dir_default(out, capacity - sizeof "/deployed", n));
	len = strlen(out);
	memcpy(out + len, "/deployed", sizeof "/deployed");
	return make ? make_dirs(out, n) : OK;
}

static enum err file_of(const char *id, const char *suffix, bool make, char out[PATH_SIZE], struct note *n)
{
	size_t len;

	CHECK(keep_id_ok(id));
	TRY(keeps_dir(out, PATH_SIZE - 64, make, n));
	len = strlen(out);
	snprintf(out + len, PATH_SIZE - len, "/%s.%s", id, suffix);
	return OK;
}

static json_t *to_json(const struct record *r)
{
	char secret[2 * SESSION_SECRET_SIZE + 1];
	json_t *o;

	hex_encode(slice_of(r->secret, sizeof r->secret), secret);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "schema", "broch.record/1", "id", r->id, "name", r->name,
		      "host", r->url, "created", r->created, "module_sha256", r->module, "secret", secret, "policy", r->policy,
		      "policy_name", r->policy_name);
	wipe(secret, sizeof secret);
	return o;
}

enum err record_save(const struct record *r, struct note *n)
{
	char path[PATH_SIZE];
	json_t *o = to_json(r);
	char *text = o != NULL ? json_dumps(o, JSON_INDENT(2)) : NULL;
	enum err err = text != NULL ? OK : ERR_NOMEM;

	if (err == OK)
		err = file_of(r->id, "manifest", true, path, n);
	if (err == OK)
		err = file_replace(path, r->manifest, 0600, n);
	if (err == OK)
		err = file_of(r->id, "json", true, path, n);
	if (err == OK)
		err = file_replace(path, slice_text(text), 0600, n);
	if (text != NULL)
		wipe(text, strlen(text));
	free(text);
	json_decref(o);
	return err;
}

static enum err from_json(const json_t *o, const char *path, struct record *r, struct note *n)
{
	const char *secret = json_string_value(json_object_get(o, "secret"));
	const char *policy = json_string_value(json_object_get(o, "policy"));
	const char *policy_name = json_string_value(json_object_get(o, "policy_name"));

	host_text(o, "id", r->id, sizeof r->id);
	host_text(o, "name", r->name, sizeof r->name);
	host_text(o, "host", r->url, sizeof r->url);
	host_text(o, "created", r->created, sizeof r->created);
	host_text(o, "module_sha256", r->module, sizeof r->module);
	if (!keep_id_ok(r->id) || secret == NULL || policy == NULL || policy_name == NULL ||
	    hex_decode(slice_text(secret), r->secret, sizeof r->secret) != OK)
		return refuse(n, ERR_FORMAT, "%s is not a record of a Keep; remove it", path);
	r->policy = strdup(policy);
	r->policy_name = strdup(policy_name);
	return r->policy != NULL && r->policy_name != NULL ? OK : ERR_NOMEM;
}

static enum err load_json(const char *path, struct record *r, struct note *n)
{
	struct slice text;
	json_t *o;
	enum err err;

	TRY(file_read(path, RECORD_MAX, &text, n));
	o = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
	err = from_json(o, path, r, n);
	json_decref(o);
	wipe((void *)(uintptr_t)text.data, text.size);
	free((void *)(uintptr_t)text.data);
	return err;
}

void record_free(struct record *r)
{
	free(r->policy);
	free(r->policy_name);
	free((void *)(uintptr_t)r->manifest.data);
	wipe(r, sizeof *r);
}

static bool matches(const struct record *r, const char *name)
{
	return strcmp(r->name, name) == 0 || strncmp(r->id, name, strlen(name)) == 0;
}

/* The record of file `entry`, if that is its name. */
static bool try_entry(const char *entry, struct record *r)
{
	char path[PATH_SIZE], id[KEEP_ID_DIGITS + 1];

	if (strlen(entry) != KEEP_ID_DIGITS + strlen(".json") || strcmp(entry + KEEP_ID_DIGITS, ".json") != 0)
		return false;
	memcpy(id, entry, KEEP_ID_DIGITS);
	id[KEEP_ID_DIGITS] = 0;
	memset(r, 0, sizeof *r);
	if (!keep_id_ok(id) || file_of(id, "json", false, path, NULL) != OK || load_json(path, r, NULL) != OK ||
	    strcmp(id, r->id) != 0) {
		record_free(r);
		return false;
	}
	return true;
}

/* Names may be used again after a Keep is gone, so the newest record of a name counts; prefixes must be unique. */
static enum err find(const char *dir, const char *name, struct record *best, struct note *n)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct record r;
	unsigned prefixes = 0;

	memset(best, 0, sizeof *best);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!try_entry(e->d_name, &r))
			continue;
		if (!matches(&r, name) || (best->id[0] != 0 && strcmp(r.name, name) == 0 && strcmp(r.created, best->created) < 0)) {
			record_free(&r);
			continue;
		}
		prefixes += strcmp(r.name, name) != 0 && strcmp(r.id, name) != 0;
		record_free(best);
		*best = r;
	}
	if (d != NULL)
		closedir(d);
	if (best->id[0] == 0)
		return refuse(n, ERR_NOT_FOUND, "'%s' was not deployed from here: there is no record of it in %s", name, dir);
	if (prefixes > 1) {
		record_free(best);
		return refuse(n, ERR_EXISTS, "'%s' begins several ids; give more digits", name);
	}
	return OK;
}

enum err record_load(const char *name, struct record *r, struct note *n)
{
	char dir[PATH_SIZE], path[PATH_SIZE];
	enum err err;

	TRY(keeps_dir(dir, sizeof dir, false, n));
	TRY(find(dir, name, r, n));
	err = file_of(r->id, "manifest", false, path, n);
	if (err == OK)
		err = file_read(path, MANIFEST_SIZE_MAX, &r->manifest, n);
	if (err != OK)
		record_free(r);
	return err;
}

void record_remove(const char *id)
{
	char path[PATH_SIZE];

	if (!keep_id_ok(id))
		return;
	if (file_of(id, "json", false, path, NULL) == OK)
		(void)unlink(path);
	if (file_of(id, "manifest", false, path, NULL) == OK)
		(void)unlink(path);
}
