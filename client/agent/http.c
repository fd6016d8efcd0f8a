/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/http.h"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Header names and the values we know are compared without regard to case. */
static bool same(struct slice s, const char *text)
{
	if (s.size != strlen(text))
		return false;
	for (size_t i = 0; i < s.size; i++)
		if (lower(s.data[i]) != lower((uint8_t)text[i]))
			return false;
	return true;
}

static struct slice trim(struct slice s)
{
	while (s.size > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_of(s.data + 1, s.size - 1);
	while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
		s.size--;
	return s;
}

/* One line without its end; LF alone is taken as CR LF. ERR_AGAIN when there is none. */
static enum err take_line(struct slice *in, struct slice *line)
{
	const uint8_t *end = in->size > 0 ? memchr(in->data, '\n', in->size) : NULL;
	size_t size;

	if (end == NULL)
		return ERR_AGAIN;
	size = (size_t)(end - in->data);
	*line = slice_of(in->data, size > 0 && in->data[size - 1] == '\r' ? size - 1 : size);
	*in = slice_of(end + 1, in->size - size - 1);
	return OK;
}

/* "HTTP/1.1 200 words" */
static enum err status_line(struct slice line, struct http_head *h, struct note *n)
{
	const uint8_t *p = line.data;

	if (line.size < 12 || memcmp(p, "HTTP/1.", 7) != 0 || (p[7] != '0' && p[7] != '1') || p[8] != ' ' ||
	    !is_digit(p[9]) || !is_digit(p[10]) || !is_digit(p[11]) || (line.size > 12 && p[12] != ' '))
		return refuse(n, ERR_HOST, "the host does not answer in HTTP/1.1");
	h->status = (unsigned)(p[9] - '0') * 100 + (unsigned)(p[10] - '0') * 10 + (unsigned)(p[11] - '0');
	h->close = p[7] == '0';
	if (h->status < 100 || h->status > 599)
		return refuse(n, ERR_HOST, "the host answers with the impossible HTTP status %u", h->status);
	return OK;
}

static enum err parse_length(struct slice value, uint64_t *out, struct note *n)
{
	uint64_t v = 0;

	if (value.size == 0 || value.size > 18)
		return refuse(n, ERR_HOST, "the host's Content-Length is malformed");
	for (size_t i = 0; i < value.size; i++) {
		if (!is_digit(value.data[i]))
			return refuse(n, ERR_HOST, "the host's Content-Length is malformed");
		v = v * 10 + (uint64_t)(value.data[i] - '0');
	}
	*out = v;
	return OK;
}

/* Is `word` one of the comma-separated words? */
static bool lists(struct slice value, const char *word)
{
	while (value.size > 0) {
		const uint8_t *comma = memchr(value.data, ',', value.size);
		size_t size = comma != NULL ? (size_t)(comma - value.data) : value.size;

		if (same(trim(slice_of(value.data, size)), word))
			return true;
		value = comma != NULL ? slice_of(comma + 1, value.size - size - 1) : slice_of(NULL, 0);
	}
	return false;
}

struct seen {
	bool length, chunked, upgrade;
	uint64_t size;
};

static enum err header_line(struct slice line, const char *protocol, struct http_head *h, struct seen *s, struct note *n)
{
	const uint8_t *colon = memchr(line.data, ':', line.size);
	struct slice name, value;

	if (colon == NULL || colon == line.data)
		return refuse(n, ERR_HOST, "the host sends a malformed HTTP header");
	name = slice_of(line.data, (size_t)(colon - line.data));
	value = trim(slice_of(colon + 1, line.size - name.size - 1));
	if (same(name, "content-length")) {
		uint64_t size = 0;

		TRY(parse_length(value, &size, n));
		if (s->length && s->size != size)
			return refuse(n, ERR_HOST, "the host sends two different Content-Lengths");
		s->length = true;
		s->size = size;
	} else if (same(name, "transfer-encoding")) {
		if (!same(value, "chunked"))
			return refuse(n, ERR_HOST, "the host uses a Transfer-Encoding other than chunked");
		s->chunked = true;
	} else if (same(name, "connection")) {
		h->close |= lists(value, "close");
	} else if (same(name, "upgrade")) {
		s->upgrade = protocol != NULL && same(value, protocol);
	}
	return OK;
}

static enum err settle_framing(struct http_head *h, const struct seen *s, struct note *n)
{
	bool bare = h->status < 200 || h->status == 204 || h->status == 304;

	h->upgrade = h->status == 101 && s->upgrade;
	if (h->status == 101 && !s->upgrade)
		return refuse(n, ERR_HOST, "the host switches to a protocol nobody asked for");
	if (s->chunked && s->length)
		return refuse(n, ERR_HOST, "the host sends both Content-Length and chunks");
	if (bare || s->length) {
		h->framing = HTTP_LENGTH;
		h->length = bare ? 0 : s->size;
	} else {
		h->framing = s->chunked ? HTTP_CHUNKED : HTTP_UNTIL_CLOSE;
		h->close |= !s->chunked;
	}
	return OK;
}

enum err http_head_parse(struct slice in, const char *protocol, struct http_head *out, size_t *used, struct note *n)
{
	struct slice rest = slice_of(in.data, in.size < HTTP_HEAD_MAX ? in.size : HTTP_HEAD_MAX), line;
	struct http_head h = {0};
	struct seen seen = {0};
	enum err err = take_line(&rest, &line);

	if (err == OK)
		TRY(status_line(line, &h, n));
	while (err == OK && (err = take_line(&rest, &line)) == OK && line.size > 0)
		TRY(header_line(line, protocol, &h, &seen, n));
	if (err == ERR_AGAIN && in.size >= HTTP_HEAD_MAX)
		return refuse(n, ERR_HOST, "the host's HTTP headers are longer than %d bytes", HTTP_HEAD_MAX);
	if (err != OK)
		return err;
	TRY(settle_framing(&h, &seen, n));
	*out = h;
	*used = (size_t)(rest.data - in.data);
	return OK;
}

/* Of a chunked body: the size line, its content, the line end behind it, the empty line after the last. */
enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END, CHUNK_LAST };

void http_body_begin(struct http_body *b, const struct http_head *head)
{
	*b = (struct http_body){.head = *head};
	if (head->framing == HTTP_LENGTH)
		b->left = head->length;
	b->done = head->framing == HTTP_LENGTH && head->length == 0;
}

static int hex_value(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum err bad_chunk(struct note *n)
{
	return refuse(n, ERR_HOST, "the host sends a malformed chunk");
}

static enum err chunk_size(struct http_body *b, uint8_t c, struct note *n)
{
	int v = hex_value(c);

	if (v >= 0 && b->state == CHUNK_SIZE) {
		if (b->line++ >= 15)
			return bad_chunk(n);
		b->left = b->left << 4 | (uint64_t)v;
		return OK;
	}
	if (b->line == 0 || b->line++ > 256)
		return bad_chunk(n);
	if (b->state == CHUNK_SIZE && c != '\r' && c != '\n' && c != ';' && c != ' ')
		return bad_chunk(n);
	b->state = CHUNK_EXTENSION;
	if (c != '\n')
		return OK;
	b->line = 0;
	b->state = b->left == 0 ? CHUNK_LAST : CHUNK_DATA;
	return OK;
}

static enum err chunk_byte(struct http_body *b, uint8_t c, struct note *n)
{
	if (b->state == CHUNK_SIZE || b->state == CHUNK_EXTENSION)
		return chunk_size(b, c, n);
	if (c == '\r' && b->line++ == 0)
		return OK;
	if (c != '\n')
		return bad_chunk(n);
	b->done = b->state == CHUNK_LAST;
	b->state = CHUNK_SIZE;
	b->line = 0;
	b->left = 0;
	return OK;
}

static void take_content(struct http_body *b, struct slice in, struct slice *content, size_t *used)
{
	*used = in.size < b->left ? in.size : (size_t)b->left;
	*content = slice_of(in.data, *used);
	b->left -= *used;
}

enum err http_body_feed(struct http_body *b, struct slice in, struct slice *content, size_t *used, struct note *n)
{
	*used = 0;
	*content = slice_of(NULL, 0);
	if (b->done || in.size == 0)
		return OK;
	switch (b->head.framing) {
	case HTTP_LENGTH:
		take_content(b, in, content, used);
		b->done = b->left == 0;
		return OK;
	case HTTP_UNTIL_CLOSE:
		*content = in;
		*used = in.size;
		return OK;
	case HTTP_CHUNKED:
		if (b->state == CHUNK_DATA) {
			take_content(b, in, content, used);
			b->state = b->left == 0 ? CHUNK_END : CHUNK_DATA;
			return OK;
		}
		*used = 1;
		return chunk_byte(b, in.data[0], n);
	}
	return ERR_HOST;
}

enum err http_body_end(struct http_body *b, struct note *n)
{
	if (b->head.framing == HTTP_UNTIL_CLOSE)
		b->done = true;
	return b->done ? OK : refuse(n, ERR_CLOSED, "the host closed the connection in the middle of its answer");
}
