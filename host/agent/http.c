/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/http.h"

#include <strings.h>

struct state { /* what must be known about all headers together */
	struct http_request *r;
	struct fault *f;
	bool host, length, connection_upgrade;
};

size_t http_head_size(struct slice in)
{
	const uint8_t *end = in.size == 0 ? NULL : memmem(in.data, in.size, "\r\n\r\n", 4);

	return end == NULL ? 0 : (size_t)(end - in.data) + 4;
}

/* Cuts off everything up to `sep`, which is dropped. False, and nothing happens, without one. */
static bool cut(struct slice *s, const char *sep, struct slice *out)
{
	size_t width = strlen(sep);
	const uint8_t *at = s->size == 0 ? NULL : memmem(s->data, s->size, sep, width);

	if (at == NULL)
		return false;
	*out = slice_of(s->data, (size_t)(at - s->data));
	*s = slice_of(at + width, s->size - out->size - width);
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

static bool same_word(struct slice s, const char *word)
{
	return s.size == strlen(word) && strncasecmp((const char *)s.data, word, s.size) == 0;
}

/* Is it a token in the sense of RFC 9110, 5.6.2? */
static bool is_token(struct slice s)
{
	for (size_t i = 0; i < s.size; i++) {
		uint8_t c = s.data[i];

		if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
		      (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
			return false;
	}
	return s.size > 0;
}

static bool is_text(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if ((s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f)
			return false;
	return true;
}

static enum err on_host(struct state *s, struct slice value)
{
	if (s->host)
		return fault_set(s->f, 400, NULL, "the request has two Host headers");
	if (value.size > 255)
		return fault_set(s->f, 400, NULL, "the Host header is longer than 255 bytes");
	s->host = true;
	return OK;
}

static enum err on_length(struct state *s, struct slice value)
{
	size_t n = 0;

	if (s->length)
		return fault_set(s->f, 400, NULL, "the request has two Content-Length headers");
	s->length = true;
	for (size_t i = 0; i < value.size; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return fault_set(s->f, 400, "send the size of the body in decimal",
			                 "Content-Length is not a number");
		if (n <= HTTP_BODY_MAX) /* past the maximum the exact value does not matter */
			n = n * 10 + (size_t)(value.data[i] - '0');
	}
	if (value.size == 0)
		return fault_set(s->f, 400, "send the size of the body in decimal", "Content-Length is empty");
	if (n > HTTP_BODY_MAX)
		return fault_set(s->f, 413, "no request of this API needs more", "the body is larger than %d bytes",
		                 HTTP_BODY_MAX);
	s->r->body_size = n;
	return OK;
}

static enum err on_transfer(struct state *s, struct slice value)
{
	(void)value;
	return fault_set(s->f, 411, "send Content-Length", "Transfer-Encoding is not supported");
}

static enum err on_expect(struct state *s, struct slice value)
{
	(void)value;
	return fault_set(s->f, 417, "send the request without Expect", "Expect is not supported");
}

static enum err on_connection(struct state *s, struct slice value)
{
	struct slice word;

	while (value.size > 0) {
		if (!cut(&value, ",", &word)) {
			word = value;
			value.size = 0;
		}
		word = trim(word);
		if (same_word(word, "close"))
			s->r->close = true;
		if (same_word(word, "upgrade"))
			s->connection_upgrade = true;
	}
	return OK;
}

static enum err on_upgrade(struct state *s, struct slice value)
{
	s->r->upgrade = value;
	return OK;
}

static enum err on_authorization(struct state *s, struct slice value)
{
	if (s->r->authorization.data != NULL)
		return fault_set(s->f, 400, NULL, "the request has two Authorization headers");
	s->r->authorization = value;
	return OK;
}

static const struct {
	const char *name;
	enum err (*take)(struct state *s, struct slice value);
} headers[] = {
        {"host", on_host},
        {"content-length", on_length},
        {"transfer-encoding", on_transfer},
        {"expect", on_expect},
        {"connection", on_connection},
        {"upgrade", on_upgrade},
        {"authorization", on_authorization},
};

static enum err header(struct state *s, struct slice line)
{
	struct slice name;

	if (!cut(&line, ":", &name) || !is_token(name))
		return fault_set(s->f, 400, "one header a line: Name: value", "a header line has no valid name");
	line = trim(line);
	if (!is_text(line))
		return fault_set(s->f, 400, NULL, "the header %.*s holds control characters", (int)name.size,
		                 (const char *)name.data);
	for (size_t i = 0; i < ARRAY_COUNT(headers); i++)
		if (same_word(name, headers[i].name))
			return headers[i].take(s, line);
	return OK; /* others mean nothing here */
}

static enum http_method method_of(struct slice word)
{
	static const char *const names[] = {[HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_DELETE] = "DELETE"};

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (slice_is(word, names[i]))
			return (enum http_method)i;
	return HTTP_OTHER;
}

static enum err request_line(struct state *s, struct slice line)
{
	struct slice method;

	if (!cut(&line, " ", &method) || !cut(&line, " ", &s->r->target) || !is_token(method))
		return fault_set(s->f, 400, "the first line is: METHOD PATH HTTP/1.1", "the request line is malformed");
	if (!slice_is(line, "HTTP/1.1"))
		return fault_set(s->f, 505, "speak HTTP/1.1", "unsupported protocol version");
	if (s->r->target.size > HTTP_TARGET_MAX)
		return fault_set(s->f, 414, NULL, "the path is longer than %d bytes", HTTP_TARGET_MAX);
	if (s->r->target.size == 0 || s->r->target.data[0] != '/' || !is_text(s->r->target))
		return fault_set(s->f, 400, "the path starts with /", "the path is malformed");
	s->r->method = method_of(method);
	return OK;
}

enum err http_parse(struct slice head, struct http_request *out, struct fault *f)
{
	struct state s = {.r = out, .f = f};
	struct slice line;
	size_t count = 0;

	*out = (struct http_request){.method = HTTP_OTHER};
	if (!cut(&head, "\r\n", &line))
		return fault_set(f, 400, NULL, "the request has no end of line");
	TRY(request_line(&s, line));
	while (cut(&head, "\r\n", &line) && line.size > 0) {
		if (++count > HTTP_HEADERS_MAX)
			return fault_set(f, 431, "send fewer headers", "more than %d headers", HTTP_HEADERS_MAX);
		TRY(header(&s, line));
	}
	if (!s.host)
		return fault_set(f, 400, "HTTP/1.1 wants one", "the request has no Host header");
	if (!s.connection_upgrade)
		out->upgrade.size = 0;
	return OK;
}

const char *http_phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} phrases[] = {
	        {101, "Switching Protocols"},
	        {200, "OK"},
	        {201, "Created"},
	        {400, "Bad Request"},
	        {401, "Unauthorized"},
	        {404, "Not Found"},
	        {405, "Method Not Allowed"},
	        {408, "Request Timeout"},
	        {409, "Conflict"},
	        {410, "Gone"},
	        {411, "Length Required"},
	        {413, "Content Too Large"},
	        {414, "URI Too Long"},
	        {417, "Expectation Failed"},
	        {426, "Upgrade Required"},
	        {429, "Too Many Requests"},
	        {431, "Request Header Fields Too Large"},
	        {500, "Internal Server Error"},
	        {501, "Not Implemented"},
	        {503, "Service Unavailable"},
	        {505, "HTTP Version Not Supported"},
	        {507, "Insufficient Storage"},
	};

	for (size_t i = 0; i < ARRAY_COUNT(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Unknown";
}
