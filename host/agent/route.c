/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/route.h"
#include "lib/base/hex.h"

#include <assert.h>

enum { SEGMENTS_MAX = 5 };

struct path {
	size_t count;
	struct slice segment[SEGMENTS_MAX];
	uint8_t bytes[HTTP_TARGET_MAX]; /* the decoded path */
};

static const struct row {
	enum http_method method;
	const char *pattern; /* a * stands for the name of a Keep */
	enum call call;
	bool query;        /* may a query follow? */
	const char *allow; /* all methods of this pattern */
} rows[] = {
        {HTTP_GET, "v1/platform", CALL_PLATFORM, false, "GET"},
        {HTTP_POST, "v1/keeps", CALL_KEEP_CREATE, false, "GET, POST"},
        {HTTP_GET, "v1/keeps", CALL_KEEP_LIST, false, "GET, POST"},
        {HTTP_GET, "v1/keeps/*", CALL_KEEP_GET, false, "GET, DELETE"},
        {HTTP_DELETE, "v1/keeps/*", CALL_KEEP_DELETE, false, "GET, DELETE"},
        {HTTP_POST, "v1/keeps/*/stop", CALL_KEEP_STOP, false, "POST"},
        {HTTP_GET, "v1/keeps/*/events", CALL_KEEP_EVENTS, true, "GET"},
        {HTTP_GET, "v1/keeps/*/session", CALL_KEEP_SESSION, false, "GET"},
        {HTTP_GET, "metrics", CALL_METRICS, false, "GET"},
};
static_assert(ARRAY_COUNT(rows) == CALL_COUNT, "one row for each call");

static bool name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool name_valid(struct slice name)
{
	if (name.size == 0 || name.size > KEEP_NAME_MAX || !name_char(name.data[0]))
		return false;
	for (size_t i = 1; i < name.size; i++)
		if (!name_char(name.data[i]) && name.data[i] != '.' && name.data[i] != '_' && name.data[i] != '-')
			return false;
	return true;
}

bool id_valid(struct slice id)
{
	for (size_t i = 0; i < id.size; i++)
		if (!(id.data[i] >= '0' && id.data[i] <= '9') && !(id.data[i] >= 'a' && id.data[i] <= 'f'))
			return false;
	return id.size == KEEP_ID_LEN;
}

/* Decodes one byte, which may be escaped (%2e), and steps over it. */
static enum err decode(struct slice *s, uint8_t *out, struct fault *f)
{
	size_t width = s->data[0] == '%' ? 3 : 1;

	*out = s->data[0];
	if (width > s->size || (width == 3 && hex_decode(slice_of(s->data + 1, 2), out, 1) != OK))
		return fault_set(f, 400, "write %25 for a percent sign", "the path holds a broken %%-escape");
	*s = slice_of(s->data + width, s->size - width);
	return OK;
}

/* An escaped slash is part of a segment, never a border: the raw text is split first. */
static enum err split(struct slice target, struct path *p, struct fault *f)
{
	size_t used = 0;

	p->count = 0;
	target = slice_of(target.data + 1, target.size - 1); /* http_parse saw the slash */
	for (;;) {
		size_t begin = used;

		while (target.size > 0 && target.data[0] != '/')
			TRY(decode(&target, &p->bytes[used++], f)); /* never longer than the target */
		if (p->count == SEGMENTS_MAX)
			return fault_set(f, 404, "doc: GET /v1/platform, GET|POST /v1/keeps, ...", "no such path");
		p->segment[p->count++] = slice_of(p->bytes + begin, used - begin);
		if (target.size == 0)
			return OK;
		target = slice_of(target.data + 1, target.size - 1);
	}
}

static bool matches(const char *pattern, const struct path *p, struct slice *name)
{
	for (size_t i = 0; i < p->count; i++) {
		size_t len = strcspn(pattern, "/");

		if (len == 0)
			return false;
		if (pattern[0] == '*')
			*name = p->segment[i];
		else if (!slice_equal(p->segment[i], slice_of(pattern, len)))
			return false;
		pattern += len;
		pattern += *pattern == '/';
	}
	return *pattern == 0;
}

static enum err query_parse(struct slice query, const struct row *row, struct route *out, struct fault *f)
{
	if (query.size == 0)
		return OK;
	if (!row->query)
		return fault_set(f, 400, "leave out everything from the ? on", "this call takes no query");
	if (!slice_is(query, "follow=1") && !slice_is(query, "follow=0"))
		return fault_set(f, 400, "the only one is follow=1", "unknown query: %.*s", (int)query.size,
		                 (const char *)query.data);
	out->follow = query.data[7] == '1';
	return OK;
}

enum err route_find(enum http_method method, struct slice target, struct route *out, struct fault *f)
{
	const uint8_t *mark = memchr(target.data, '?', target.size);
	size_t size = mark == NULL ? target.size : (size_t)(mark - target.data);
	struct slice query = mark == NULL ? slice_of(NULL, 0) : slice_of(mark + 1, target.size - size - 1), name = {0};
	const struct row *found = NULL;
	struct path p;

	*out = (struct route){.call = CALL_COUNT};
	TRY(split(slice_of(target.data, size), &p, f));
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		if (matches(rows[i].pattern, &p, &name)) {
			found = &rows[i];
			if (found->method == method)
				break;
		}
	if (found == NULL)
		return fault_set(f, 404, "the calls are listed in the manual page brochd(8)", "no such path: %.*s",
		                 (int)size, (const char *)target.data);
	if (found->method != method) {
		f->allow = found->allow;
		return fault_set(f, 405, found->allow, "this path does not take this method");
	}
	if (name.data != NULL && !name_valid(name))
		return fault_set(f, 400, "give the id, a unique start of it, or the name",
		                 "not the id or name of a Keep: %.*s", (int)name.size, (const char *)name.data);
	if (name.data != NULL)
		memcpy(out->keep, name.data, name.size);
	out->call = found->call;
	return query_parse(query, found, out, f);
}
