/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/record.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RECORD_MAX = 8192, PATH_SIZE = 4096 + 32, BOOT_ID = 36 };

static const char *boot_id(char out[static BOOT_ID + 1])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f == NULL || fread(out, 1, BOOT_ID, f) != BOOT_ID)
		memset(out, '?', BOOT_ID);
	out[BOOT_ID] = 0;
	if (f != NULL)
		fclose(f);
	return out;
}

static enum err write_file(const char *path, const char *text, struct note *n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum err err;

	if (fd < 0)
		return refuse(n, err_of_errno(errno), "%s: cannot write: %s", path, strerror(errno));
	err = fd_write_all(fd, slice_text(text));
	if (err != OK)
		note_set(n, "%s: cannot write: %s (is the disk full?)", path, strerror(errno));
	fd_close(&fd);
	if (err != OK)
		unlink(path);
	return err;
}

enum err record_write(const char *dir, const struct keep *k, struct note *n)
{
	char path[PATH_SIZE], fresh[PATH_SIZE], boot[BOOT_ID + 1];
	json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "version",
	                      1, "id", k->id, "name", k->name, "client", k->client, "backend", k->backend, "tee",
	                      k->tee, "state", keep_state_names[k->state], "end", k->end, "memory_max",
	                      (json_int_t)k->memory_max, "linger_s", (json_int_t)k->linger_s, "created_ms",
	                      (json_int_t)k->created_ms, "ended_ms", (json_int_t)k->ended_ms, "pid", (json_int_t)k->pid,
	                      "pid_start", (json_int_t)k->pid_start, "boot", boot_id(boot));
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	enum err err = text == NULL ? ERR_NOMEM : OK;

	snprintf(path, sizeof path, "%s/%s.json", dir, k->id);
	snprintf(fresh, sizeof fresh, "%s/%s.new", dir, k->id);
	if (err == OK)
		err = write_file(fresh, text, n);
	if (err == OK && rename(fresh, path) != 0) {
		err = refuse(n, err_of_errno(errno), "%s: cannot write: %s", path, strerror(errno));
		unlink(fresh);
	}
	free(text);
	json_decref(o);
	return err;
}

void record_remove(const char *dir, const char *id)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s.json", dir, id);
	unlink(path);
}

static const char *known(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return words[i];
	return NULL;
}

/* Everything is checked: the folder is ours, but files rot. */
static enum err take(json_t *o, struct keep *k, bool *same_boot, struct note *n)
{
	static const char *const backends[] = {"kvm", "process"}, *const tees[] = {"soft-snp"};
	const char *id, *name, *client, *backend, *tee, *state, *end, *boot, *state_literal;
	json_int_t memory_max, linger, created, ended, pid, start;
	char here[BOOT_ID + 1];
	json_error_t why;
	int version;

	if (json_unpack_ex(o, &why, JSON_STRICT,
	                   "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "version",
	                   &version, "id", &id, "name", &name, "client", &client, "backend", &backend, "tee", &tee,
	                   "state", &state, "end", &end, "memory_max", &memory_max, "linger_s", &linger, "created_ms",
	                   &created, "ended_ms", &ended, "pid", &pid, "pid_start", &start, "boot", &boot) != 0)
		return refuse(n, ERR_FORMAT, "%s", why.text);
	state_literal = known(state, keep_state_names, KEEP_STATE_COUNT);
	k->backend = known(backend, backends, ARRAY_COUNT(backends));
	k->tee = known(tee, tees, ARRAY_COUNT(tees));
	if (version != 1 || !id_valid(slice_text(id)) || (name[0] != 0 && !name_valid(slice_text(name))) ||
	    state_literal == NULL || k->backend == NULL || k->tee == NULL)
		return refuse(n, ERR_INVALID, "a value this version does not know");
	if (strlen(client) >= sizeof k->client || strlen(end) >= sizeof k->end || memory_max < 0 || linger < 0 ||
	    linger > LINGER_MAX || created < 0 || ended < 0 || pid < 0 || pid > INT32_MAX || start < 0)
		return refuse(n, ERR_RANGE, "a value out of range");
	memcpy(k->id, id, sizeof k->id);
	snprintf(k->name, sizeof k->name, "%s", name);
	snprintf(k->client, sizeof k->client, "%s", client);
	snprintf(k->end, sizeof k->end, "%s", end);
	while (strcmp(keep_state_names[k->state], state_literal) != 0)
		k->state++;
	k->memory_max = (uint64_t)memory_max;
	k->linger_s = (uint32_t)linger;
	k->created_ms = created;
	k->ended_ms = ended;
	k->pid = (pid_t)pid;
	k->pid_start = (uint64_t)start;
	*same_boot = strcmp(boot, boot_id(here)) == 0;
	return OK;
}

enum err record_parse(struct slice text, struct keep *k, bool *same_boot, struct note *n)
{
	json_error_t why;
	json_t *o =
	        text.size == 0 ? NULL : json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &why);
	enum err err;

	*k = (struct keep){.pidfd = -1, .control = -1, .words = -1};
	if (o == NULL)
		return refuse(n, ERR_FORMAT, "not JSON");
	err = take(o, k, same_boot, n);
	json_decref(o);
	return err;
}

static void one(const char *path, const char *file, const struct log *log,
                void (*each)(void *, const struct keep *, bool), void *ctx)
{
	struct slice text = {0};
	struct note n = {0};
	struct keep k;
	bool same_boot = false;
	enum err err = file_read(path, RECORD_MAX, &text, &n);

	if (err == OK)
		err = record_parse(text, &k, &same_boot, &n);
	if (err == OK && (strncmp(file, k.id, KEEP_ID_LEN) != 0 || strcmp(file + KEEP_ID_LEN, ".json") != 0))
		err = refuse(&n, ERR_INVALID, "the file is not named after the Keep");
	free((void *)(uintptr_t)text.data);
	if (err == OK) {
		each(ctx, &k, same_boot);
		return;
	}
	LOG(log, LOG_AT_WARN, "record dropped", log_s("file", path), log_s("why", n.text));
	unlink(path);
}

enum err record_each(const char *dir, const struct log *log,
                     void (*each)(void *ctx, const struct keep *k, bool same_boot), void *ctx, struct note *n)
{
	char path[PATH_SIZE];
	struct dirent *e;
	DIR *d = opendir(dir);

	if (d == NULL)
		return refuse(n, err_of_errno(errno), "%s: %s", dir, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || (size_t)snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= sizeof path)
			continue;
		one(path, e->d_name, log, each, ctx);
	}
	closedir(d);
	return OK;
}
