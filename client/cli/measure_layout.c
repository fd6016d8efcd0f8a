/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enclave by its layout: JSON that says in which order which pages are added.
 *
 *   {"size": 65536, "ssa_frame_size": 1, "segments": [
 *     {"offset": 0, "type": "tcs", "file": "tcs.bin"},
 *     {"offset": 4096, "type": "rx", "file": "code.bin"},
 *     {"offset": 32768, "type": "rw", "pages": 4, "measure": false}]}
 *
 * A file lies beside the layout and fills whole pages, zeros behind its end; without one the pages are zero. What is
 * not known here is an error: a loader that knows more would build another enclave.
 */
#include "client/cli/measured.h"
#include "lib/measure/sgx.h"
#include "sys/file.h"

#include <stdlib.h>

enum { SEGMENT_MAX = 1 << 30, SEGMENTS_MAX = 4096, PATH_SIZE = 4096 };

struct segment {
	json_int_t offset, pages; /* pages: -1: not said */
	const char *type, *file;  /* file: NULL: zeros */
	int measure;
};

static enum err flags_of(const char *type, uint64_t *out, struct note *n)
{
	if (strcmp(type, "tcs") == 0) {
		*out = SGX_TCS;
		return OK;
	}
	*out = SGX_REG;
	for (const char *p = type; *p != 0; p++)
		switch (*p) {
		case 'r': *out |= SGX_R; break;
		case 'w': *out |= SGX_W; break;
		case 'x': *out |= SGX_X; break;
		default: return refuse(n, ERR_FORMAT, "type \"%s\": say tcs, or some of r, w and x", type);
		}
	return type[0] != 0 ? OK : refuse(n, ERR_FORMAT, "an empty type");
}

static enum err segment_read(json_t *o, struct segment *s, struct note *n)
{
	json_error_t e;

	*s = (struct segment){.pages = -1, .measure = 1};
	if (json_unpack_ex(o, &e, JSON_STRICT, "{s:I, s:s, s?s, s?I, s?b}", "offset", &s->offset, "type", &s->type,
	                   "file", &s->file, "pages", &s->pages, "measure", &s->measure) != 0)
		return refuse(n, ERR_FORMAT, "%s", e.text);
	if ((s->file == NULL) == (s->pages == -1))
		return refuse(n, ERR_FORMAT, "say either file or pages");
	if (s->offset < 0 || (s->pages != -1 && (s->pages < 1 || s->pages > SEGMENT_MAX / SGX_PAGE_SIZE)))
		return refuse(n, ERR_RANGE, "offset or pages out of range");
	return OK;
}

static enum err content_read(const char *layout, const struct segment *s, struct slice *out, struct note *n)
{
	const char *slash = strrchr(layout, '/');
	char path[PATH_SIZE];
	int used;

	if (s->file == NULL)
		return OK;
	used = snprintf(path, sizeof path, "%.*s%s", slash == NULL ? 0 : (int)(slash + 1 - layout), layout, s->file);
	if (used < 0 || used >= (int)sizeof path)
		return refuse(n, ERR_LIMIT, "the path of a file is too long");
	return file_read(path, SEGMENT_MAX, out, n);
}

static enum err add_pages(struct sgx_measure *m, const struct segment *s, struct slice content, uint64_t flags,
                          struct note *n)
{
	const size_t pages = s->file == NULL ? (size_t)s->pages : (content.size + SGX_PAGE_SIZE - 1) / SGX_PAGE_SIZE;
	uint8_t page[SGX_PAGE_SIZE];

	for (size_t i = 0; i < pages; i++) {
		const size_t at = i * SGX_PAGE_SIZE, left = at < content.size ? content.size - at : 0;

		memset(page, 0, sizeof page);
		if (left > 0)
			memcpy(page, content.data + at, left < SGX_PAGE_SIZE ? left : SGX_PAGE_SIZE);
		if (sgx_measure_page(m, (uint64_t)s->offset + at, flags, s->measure ? page : NULL) != OK)
			return refuse(n, ERR_RANGE, "offset %llxh is no page of the enclave",
			              (unsigned long long)s->offset + at);
	}
	return pages > 0 ? OK : refuse(n, ERR_RANGE, "%s is empty", s->file);
}

static enum err segment(struct sgx_measure *m, const char *layout, json_t *o, struct note *n)
{
	struct slice content = {NULL, 0};
	uint64_t flags = 0;
	struct segment s;
	enum err err;

	TRY(segment_read(o, &s, n));
	TRY(flags_of(s.type, &flags, n));
	TRY(content_read(layout, &s, &content, n));
	err = add_pages(m, &s, content, flags, n);
	free((void *)(uintptr_t)content.data);
	return err;
}

static enum err build(struct sgx_measure *m, const char *layout, json_t *root, struct note *n)
{
	json_int_t size = 0, ssa = 0;
	json_t *segments, *o;
	json_error_t e;
	size_t i;

	if (json_unpack_ex(root, &e, JSON_STRICT, "{s:I, s:I, s:o}", "size", &size, "ssa_frame_size", &ssa, "segments",
	                   &segments) != 0)
		return refuse(n, ERR_FORMAT, "%s", e.text);
	if (!json_is_array(segments) || json_array_size(segments) > SEGMENTS_MAX)
		return refuse(n, ERR_FORMAT, "segments is no list of at most %u", (unsigned)SEGMENTS_MAX);
	if (size < 0 || ssa < 0 || ssa > UINT32_MAX || sgx_measure_begin(m, (uint64_t)size, (uint32_t)ssa) != OK)
		return refuse(n, ERR_RANGE, "size is a power of two and at least a page, ssa_frame_size at least 1");
	json_array_foreach(segments, i, o)
	{
		struct note why = {""};
		enum err err = segment(m, layout, o, &why);

		if (err != OK)
			return refuse(n, err, "segment %u: %s", (unsigned)i, why.text);
	}
	return OK;
}

enum err measure_layout(const char *path, struct slice text, uint8_t mrenclave[static SGX_MRENCLAVE_SIZE],
                        struct note *n)
{
	json_error_t e;
	json_t *root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &e);
	struct sgx_measure m;
	enum err err;

	if (root == NULL)
		return refuse(n, ERR_FORMAT, "line %d: %s", e.line, e.text);
	err = build(&m, path, root, n);
	if (err == OK)
		sgx_measure_end(&m, mrenclave);
	json_decref(root);
	return err;
}
