/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is two steps: the reader takes the structure apart (only deterministic CBOR of the right shape), then check()
 * judges the values. The writer calls the same check() first, so that what one end writes the other end takes.
 */
#include "lib/session/manifest.h"

#include "lib/cbor/cbor.h"

enum { VERSION = 1, NAME_BYTES_MAX = 128, OPEN_FILES_MAX = 65536, MODULE_LEAST = 8 };
#define MEMORY_MAX (UINT64_C(64) << 30)
#define FILES_SIZE_MAX (UINT64_C(16) << 30)

/* ---- the rules ---- */

/* Where the byte is at or after `from`; size when it is not. */
static size_t find(struct slice s, size_t from, uint8_t byte)
{
	while (from < s.size && s.data[from] != byte)
		from++;
	return from;
}

/* Is this one component a name, and neither "." nor ".."? */
static bool component_ok(struct slice c)
{
	return c.size > 0 && c.size <= 255 && !slice_is(c, ".") && !slice_is(c, "..");
}

static bool path_ok(struct slice path)
{
	size_t end;

	if (path.size == 0 || path.size > MANIFEST_PATH_MAX)
		return false;
	for (size_t at = 0; at <= path.size; at = end + 1) {
		if (at == path.size)
			return false; /* ends with a slash */
		end = find(path, at, '/');
		if (!component_ok(slice_of(path.data + at, end - at)))
			return false;
	}
	return true;
}

static int compare(struct slice a, struct slice b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_file(const struct manifest *m, size_t count, struct slice path)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(m->files[middle].path, path);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* "a" and "a/b" cannot both be files. Parents sort before their children, so only earlier entries matter. */
static bool parents_are_no_files(const struct manifest *m, size_t index)
{
	struct slice path = m->files[index].path;

	for (size_t end = find(path, 0, '/'); end < path.size; end = find(path, end + 1, '/'))
		if (is_file(m, index, slice_of(path.data, end)))
			return false;
	return true;
}

static bool text_ok(struct slice s)
{
	return utf8_valid(s) && find(s, 0, 0) == s.size;
}

static enum err check_texts(const struct slice *texts, size_t count, size_t most, const char *part, struct note *n)
{
	if (count > most)
		return refuse(n, ERR_LIMIT, "manifest: more than %u %s", (unsigned)most, part);
	for (size_t i = 0; i < count; i++)
		if (!text_ok(texts[i]))
			return refuse(n, ERR_INVALID, "manifest: %s[%u] is not UTF-8 without NUL", part, (unsigned)i);
	return OK;
}

static enum err check_env(const struct manifest *m, struct note *n)
{
	TRY(check_texts(m->env, m->env_count, MANIFEST_ENV_MAX, "env", n));
	for (size_t i = 0; i < m->env_count; i++) {
		size_t equals = find(m->env[i], 0, '=');

		if (equals == 0 || equals == m->env[i].size)
			return refuse(n, ERR_INVALID, "manifest: env[%u] is not NAME=VALUE", (unsigned)i);
	}
	return OK;
}

static const char *file_fault(const struct manifest *m, size_t i, uint64_t *total)
{
	const struct manifest_file *f = &m->files[i];

	if (!path_ok(f->path) || !text_ok(f->path))
		return "the path must be relative, at most 1024 bytes, without empty, \".\" or \"..\" parts";
	if (i > 0 && compare(m->files[i - 1].path, f->path) >= 0)
		return "paths are not sorted, or one is there twice";
	if (!parents_are_no_files(m, i))
		return "the path leads through another file";
	if (f->mode != 0444 && f->mode != 0555)
		return "the mode must be 0444 or 0555";
	if (f->blob.size > FILES_SIZE_MAX - *total)
		return "files are larger than 16 GiB together";
	*total += f->blob.size;
	return NULL;
}

static enum err check_files(const struct manifest *m, struct note *n)
{
	const char *fault;
	uint64_t total = 0;

	if (m->file_count > MANIFEST_FILES_MAX)
		return refuse(n, ERR_LIMIT, "manifest: more than %u files", MANIFEST_FILES_MAX);
	for (size_t i = 0; i < m->file_count; i++) {
		fault = file_fault(m, i, &total);
		if (fault != NULL)
			return refuse(n, ERR_INVALID, "manifest: files[%u]: %s", (unsigned)i, fault);
	}
	return OK;
}

static enum err check_limits(const struct manifest *m, struct note *n)
{
	if (m->limits.memory_bytes > MEMORY_MAX || m->limits.file_bytes > MEMORY_MAX)
		return refuse(n, ERR_LIMIT, "manifest: limits: at most 64 GiB of memory and files");
	if (m->limits.wall_ns > INT64_MAX || m->limits.cpu_ns > INT64_MAX)
		return refuse(n, ERR_LIMIT, "manifest: limits: a time is too long; 0 means none");
	if (m->limits.open_files > OPEN_FILES_MAX)
		return refuse(n, ERR_LIMIT, "manifest: limits: at most %u open files", OPEN_FILES_MAX);
	return OK;
}

static enum err check(const struct manifest *m, struct note *n)
{
	if (m->module.size < MODULE_LEAST || m->module.size > MANIFEST_MODULE_MAX)
		return refuse(n, ERR_LIMIT, "manifest: a module has 8 bytes to 256 MiB");
	TRY(check_texts(m->args, m->arg_count, MANIFEST_ARGS_MAX, "args", n));
	TRY(check_env(m, n));
	TRY(check_files(m, n));
	TRY(check_limits(m, n));
	if ((m->flags & ~(unsigned)(MANIFEST_STDIN | MANIFEST_DETACHED)) != 0)
		return refuse(n, ERR_INVALID, "manifest: unknown flags");
	if (m->name.size > NAME_BYTES_MAX || !text_ok(m->name))
		return refuse(n, ERR_INVALID, "manifest: the name must be UTF-8 of at most %u bytes", NAME_BYTES_MAX);
	return OK;
}

/* ---- reading ---- */

struct input {
	struct reader r;
	struct arena *arena;
};

static enum err expect_key(struct input *in, struct cbor_map *m, uint64_t key)
{
	uint64_t got;

	if (m->left == 0)
		return ERR_TRUNCATED;
	TRY(cbor_key_uint(&in->r, m, &got));
	return got == key ? OK : ERR_FORMAT;
}

static enum err no_more(const struct cbor_map *m)
{
	return m->left == 0 ? OK : ERR_TRAILING;
}

static enum err read_u32(struct input *in, uint32_t *out)
{
	uint64_t v;

	TRY(cbor_uint(&in->r, &v));
	*out = (uint32_t)v;
	return v <= UINT32_MAX ? OK : ERR_RANGE;
}

/* Keys 1 and 2 of a module, 2 and 3 of a file. */
static enum err read_blob(struct input *in, struct cbor_map *map, uint64_t key, struct manifest_blob *out)
{
	struct slice s;

	TRY(expect_key(in, map, key));
	TRY(cbor_bytes(&in->r, &s));
	if (s.size != sizeof out->sha256)
		return ERR_RANGE;
	memcpy(out->sha256, s.data, s.size);
	TRY(expect_key(in, map, key + 1));
	return cbor_uint(&in->r, &out->size);
}

static enum err read_version(struct input *in, struct manifest *m)
{
	uint64_t version;

	(void)m;
	TRY(cbor_uint(&in->r, &version));
	return version == VERSION ? OK : ERR_VERSION;
}

static enum err read_module(struct input *in, struct manifest *m)
{
	struct cbor_map map;

	TRY(cbor_map(&in->r, &map));
	TRY(read_blob(in, &map, 1, &m->module));
	return no_more(&map);
}

static enum err read_texts(struct input *in, size_t most, struct slice **out, size_t *count)
{
	TRY(cbor_array(&in->r, count));
	if (*count > most)
		return ERR_LIMIT;
	*out = arena_many(in->arena, *count, struct slice);
	if (*out == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < *count; i++)
		TRY(cbor_text(&in->r, &(*out)[i]));
	return OK;
}

static enum err read_args(struct input *in, struct manifest *m)
{
	return read_texts(in, MANIFEST_ARGS_MAX, &m->args, &m->arg_count);
}

static enum err read_env(struct input *in, struct manifest *m)
{
	return read_texts(in, MANIFEST_ENV_MAX, &m->env, &m->env_count);
}

static enum err read_file(struct input *in, struct manifest_file *f)
{
	struct cbor_map map;

	TRY(cbor_map(&in->r, &map));
	TRY(expect_key(in, &map, 1));
	TRY(cbor_text(&in->r, &f->path));
	TRY(read_blob(in, &map, 2, &f->blob));
	TRY(expect_key(in, &map, 4));
	TRY(read_u32(in, &f->mode));
	return no_more(&map);
}

static enum err read_files(struct input *in, struct manifest *m)
{
	TRY(cbor_array(&in->r, &m->file_count));
	if (m->file_count > MANIFEST_FILES_MAX)
		return ERR_LIMIT;
	m->files = arena_many(in->arena, m->file_count, struct manifest_file);
	if (m->files == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->file_count; i++)
		TRY(read_file(in, &m->files[i]));
	return OK;
}

static enum err read_limits(struct input *in, struct manifest *m)
{
	uint64_t *const values[] = {&m->limits.memory_bytes, &m->limits.wall_ns, &m->limits.cpu_ns,
				    &m->limits.open_files, &m->limits.file_bytes};
	struct cbor_map map;
	uint64_t key;

	TRY(cbor_map(&in->r, &map));
	while (map.left > 0) {
		TRY(cbor_key_uint(&in->r, &map, &key));
		if (key == 0 || key > ARRAY_COUNT(values))
			return ERR_FORMAT;
		TRY(cbor_uint(&in->r, values[key - 1]));
	}
	return OK;
}

static enum err read_flags(struct input *in, struct manifest *m)
{
	return read_u32(in, &m->flags);
}

static enum err read_name(struct input *in, struct manifest *m)
{
	return cbor_text(&in->r, &m->name);
}

/* Key k is read by parts[k - 1]; version and module must be there. */
static const struct {
	const char *name;
	enum err (*read)(struct input *, struct manifest *);
} parts[] = {
	{"version", read_version}, {"module", read_module}, {"args", read_args},   {"env", read_env},
	{"files", read_files},     {"limits", read_limits}, {"flags", read_flags}, {"name", read_name},
};
enum { MANDATORY = 2 };

/* *part is where it failed, for the message. */
static enum err read_all(struct input *in, struct manifest *m, const char **part)
{
	struct cbor_map map;
	uint64_t key, last = 0;

	TRY(cbor_map(&in->r, &map));
	while (map.left > 0) {
		*part = "keys";
		TRY(cbor_key_uint(&in->r, &map, &key));
		if (key == 0 || key > ARRAY_COUNT(parts) || (last < MANDATORY && key != last + 1))
			return ERR_FORMAT;
		*part = parts[key - 1].name;
		TRY(parts[key - 1].read(in, m));
		last = key;
	}
	*part = "end";
	return last < MANDATORY ? ERR_TRUNCATED : rd_end(&in->r);
}

static enum err decode(struct input *in, struct manifest *out, struct note *n)
{
	const char *part = "start";
	enum err err = rd_left(&in->r) > MANIFEST_SIZE_MAX ? ERR_LIMIT : read_all(in, out, &part);

	if (err != OK)
		return refuse(n, err, "manifest, %s, offset %llu: %s", part, (unsigned long long)rd_offset(&in->r),
			      err_text(err));
	return check(out, n);
}

enum err manifest_decode(struct arena *a, struct slice cbor, struct manifest *out, struct note *n)
{
	struct input in = {rd_of(cbor), a};
	size_t mark = a->used;
	enum err err;

	*out = (struct manifest){0};
	err = decode(&in, out, n);
	if (err != OK)
		arena_release(a, mark);
	else if (out->limits.memory_bytes == 0)
		out->limits.memory_bytes = MANIFEST_MEMORY_DEFAULT;
	return err;
}

/* ---- writing ---- */

static enum err put_key_uint(struct writer *w, uint64_t key, uint64_t v)
{
	TRY(cbor_put_uint(w, key));
	return cbor_put_uint(w, v);
}

static enum err put_key_sha256(struct writer *w, uint64_t key, const uint8_t sha256[static 32])
{
	TRY(cbor_put_uint(w, key));
	return cbor_put_bytes(w, slice_of(sha256, 32));
}

static enum err put_texts(struct writer *w, uint64_t key, const struct slice *texts, size_t count)
{
	TRY(cbor_put_uint(w, key));
	TRY(cbor_put_array(w, count));
	for (size_t i = 0; i < count; i++)
		TRY(cbor_put_text(w, texts[i]));
	return OK;
}

static enum err put_module(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_uint(w, 2));
	TRY(cbor_put_map(w, 2));
	TRY(put_key_sha256(w, 1, m->module.sha256));
	return put_key_uint(w, 2, m->module.size);
}

static enum err put_file(struct writer *w, const struct manifest_file *f)
{
	TRY(cbor_put_map(w, 4));
	TRY(cbor_put_uint(w, 1));
	TRY(cbor_put_text(w, f->path));
	TRY(put_key_sha256(w, 2, f->blob.sha256));
	TRY(put_key_uint(w, 3, f->blob.size));
	return put_key_uint(w, 4, f->mode);
}

static enum err put_files(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_uint(w, 5));
	TRY(cbor_put_array(w, m->file_count));
	for (size_t i = 0; i < m->file_count; i++)
		TRY(put_file(w, &m->files[i]));
	return OK;
}

static enum err put_limits(struct writer *w, const struct manifest *m)
{
	const uint64_t values[] = {m->limits.memory_bytes, m->limits.wall_ns, m->limits.cpu_ns, m->limits.open_files,
				   m->limits.file_bytes};

	TRY(cbor_put_uint(w, 6));
	TRY(cbor_put_map(w, ARRAY_COUNT(values)));
	for (size_t i = 0; i < ARRAY_COUNT(values); i++)
		TRY(put_key_uint(w, i + 1, values[i]));
	return OK;
}

static enum err put_all(struct writer *w, const struct manifest *m)
{
	TRY(cbor_put_map(w, ARRAY_COUNT(parts)));
	TRY(put_key_uint(w, 1, VERSION));
	TRY(put_module(w, m));
	TRY(put_texts(w, 3, m->args, m->arg_count));
	TRY(put_texts(w, 4, m->env, m->env_count));
	TRY(put_files(w, m));
	TRY(put_limits(w, m));
	TRY(put_key_uint(w, 7, m->flags));
	TRY(cbor_put_uint(w, 8));
	return cbor_put_text(w, m->name);
}

enum err manifest_encode(const struct manifest *m, void *out, size_t capacity, size_t *size, struct note *n)
{
	struct writer w = wr_of(out, capacity < MANIFEST_SIZE_MAX ? capacity : MANIFEST_SIZE_MAX);
	enum err err = check(m, n);

	if (err != OK)
		return ERR_INVALID;
	err = put_all(&w, m);
	if (err != OK)
		return refuse(n, err, "manifest: args, env and paths do not fit (at most 4 MiB together)");
	*size = wr_used(&w);
	return OK;
}
