/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent/place.h"

#include "client/agent/http.h"
#include "lib/base/ct.h"
#include "sys/file.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static_assert((int)PLACE_EARLY_MAX == (int)HTTP_HEAD_MAX, "the receive buffer holds a head");
enum { TOKEN_MAX = 4096, URL_MAX = 512, REQUEST_MAX = 80 * 1024 };

struct place {
	char url[URL_MAX];
	char host[256], port[8]; /* https */
	const char *path;        /* unix; points into url */
	char token[TOKEN_MAX];
	char *ca, *cert, *key;
	int wake_fd, timeout_ms;
	struct wire *wire;       /* NULL between connections */
	bool fixed;              /* came with its connection and cannot make another */
	uint8_t in[PLACE_EARLY_MAX]; /* a head must fit */
	size_t in_size;
};

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

bool keep_name_ok(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > KEEP_NAME_MAX || text[0] == '-' || text[0] == '.' || text[0] == '_')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!name_char(text[i]))
			return false;
	return true;
}

bool keep_id_ok(const char *text)
{
	return strlen(text) == KEEP_ID_DIGITS && strspn(text, "0123456789abcdef") == KEEP_ID_DIGITS;
}

void host_text(const json_t *object, const char *key, char *out, size_t capacity)
{
	const char *text = json_string_value(json_object_get(object, key));

	slice_shown(slice_text(text != NULL ? text : ""), out, capacity);
}

/* ---- where ---- */

static enum err parse_https(struct place *p, struct note *n)
{
	const char *at = p->url + strlen("https://"), *colon, *end = at + strcspn(at, "/");
	size_t len;

	if (end[0] == '/' && end[1] != 0)
		return refuse(n, ERR_INVALID, "--host %s: a host's URL has no path", p->url);
	if (*at == '[') { /* an IPv6 address */
		colon = strchr(at, ']');
		if (colon == NULL || colon > end)
			return refuse(n, ERR_INVALID, "--host %s: ']' is missing", p->url);
		len = (size_t)(colon - ++at);
		colon = colon[1] == ':' ? colon + 1 : end;
	} else {
		colon = memchr(at, ':', (size_t)(end - at));
		colon = colon != NULL ? colon : end;
		len = (size_t)(colon - at);
	}
	if (len == 0 || len >= sizeof p->host || memchr(at, '@', len) != NULL)
		return refuse(n, ERR_INVALID, "--host %s: expected https://NAME or https://NAME:PORT", p->url);
	memcpy(p->host, at, len);
	strcpy(p->port, "443");
	if (colon == end)
		return OK;
	len = (size_t)(end - colon - 1);
	if (len == 0 || len > 5 || strspn(colon + 1, "0123456789") != len)
		return refuse(n, ERR_INVALID, "--host %s: the port is not a number", p->url);
	memcpy(p->port, colon + 1, len);
	p->port[len] = 0;
	return OK;
}

static enum err local_url(struct place *p)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		snprintf(p->url, sizeof p->url, "unix:/run/broch/brochd.sock");
	else if (dir != NULL && dir[0] == '/')
		snprintf(p->url, sizeof p->url, "unix:%s/broch/brochd.sock", dir);
	else
		snprintf(p->url, sizeof p->url, "unix:/run/user/%u/broch/brochd.sock", (unsigned)geteuid());
	return OK;
}

static enum err parse_url(struct place *p, const char *url, struct note *n)
{
	if (url == NULL)
		(void)local_url(p);
	else if (strlen(url) >= sizeof p->url)
		return refuse(n, ERR_RANGE, "--host: longer than %d bytes", URL_MAX - 1);
	else
		memcpy(p->url, url, strlen(url) + 1);
	if (strncmp(p->url, "unix:", 5) == 0 && p->url[5] != 0) {
		p->path = p->url + 5;
		return OK;
	}
	if (strncmp(p->url, "https://", 8) == 0)
		return parse_https(p, n);
	if (strncmp(p->url, "http://", 7) == 0)
		return refuse(n, ERR_INVALID, "--host %s: a host is reached over TLS only; say https://", p->url);
	return refuse(n, ERR_INVALID, "--host %s: expected unix:PATH or https://NAME:PORT", p->url);
}

static enum err read_token(struct place *p, const char *file, struct note *n)
{
	struct slice text;
	enum err err = OK;
	size_t len;

	if (file == NULL)
		return OK;
	TRY(file_read(file, TOKEN_MAX - 1, &text, n));
	len = text.size;
	while (len > 0 && (text.data[len - 1] == '\n' || text.data[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len && err == OK; i++)
		if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
			err = refuse(n, ERR_INVALID, "%s: a token is one line of printable ASCII without spaces", file);
	if (err == OK && len == 0)
		err = refuse(n, ERR_INVALID, "%s: no token in it", file);
	if (err == OK)
		memcpy(p->token, text.data, len);
	wipe((void *)(uintptr_t)text.data, text.size);
	free((void *)(uintptr_t)text.data);
	return err;
}

static char *copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

enum err place_open(const struct place_options *o, struct place **out, struct note *n)
{
	struct place *p = calloc(1, sizeof *p);
	enum err err = ERR_NOMEM;

	if (p == NULL)
		return err;
	p->wake_fd = o->wake_fd;
	p->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : PLACE_TIMEOUT_MS;
	p->ca = copy(o->tls.ca);
	p->cert = copy(o->tls.cert);
	p->key = copy(o->tls.key);
	err = parse_url(p, o->url, n);
	if (err == OK && p->key != NULL && p->cert == NULL)
		err = refuse(n, ERR_INVALID, "--key %s: give --cert as well", p->key);
	if (err == OK)
		err = read_token(p, o->token_file, n);
	if (err == OK) {
		*out = p;
		p = NULL;
	}
	place_close(p);
	return err;
}

enum err place_of_fd(int fd, const char *url, int wake_fd, int timeout_ms, struct place **out, struct note *n)
{
	struct place_options o = {.url = url, .wake_fd = wake_fd, .timeout_ms = timeout_ms};
	struct place *p = NULL;
	enum err err = place_open(&o, &p, n);

	if (err != OK) {
		fd_close(&fd);
		return err;
	}
	p->fixed = true;
	err = wire_of_fd(fd, wake_fd, &p->wire);
	if (err == OK) {
		*out = p;
		p = NULL;
	}
	place_close(p);
	return err;
}

void place_close(struct place *p)
{
	if (p == NULL)
		return;
	wire_close(p->wire);
	wipe(p->token, sizeof p->token);
	free(p->ca);
	free(p->cert);
	free(p->key);
	free(p);
}

const char *place_url(const struct place *p)
{
	return p->url;
}

int place_timeout(const struct place *p)
{
	return p->timeout_ms;
}

/* ---- requests ---- */

static int64_t deadline(const struct place *p)
{
	return clock_ms() + p->timeout_ms;
}

static enum err connect_place(struct place *p, struct note *n)
{
	struct wire_tls tls = {p->ca, p->cert, p->key};
	enum err err;

	if (p->wire != NULL)
		return OK;
	if (p->fixed)
		return refuse(n, ERR_CLOSED, "the host agent (%s) closed the connection", p->url);
	p->in_size = 0;
	if (p->path != NULL)
		return wire_open_unix(p->path, p->wake_fd, &p->wire, n);
	err = wire_open_tls(p->host, p->port, &tls, p->wake_fd, deadline(p), &p->wire, n);
	if (err == ERR_TIMEOUT)
		note_set(n, "%s does not answer", p->url);
	return err;
}

static enum err disconnect(struct place *p, enum err err)
{
	wire_close(p->wire);
	p->wire = NULL;
	p->in_size = 0;
	return err;
}

struct request {
	char *text;
	size_t size;
	bool full;
};

PRINTF_LIKE(2, 3) static void put(struct request *r, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(r->text + r->size, REQUEST_MAX - r->size, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= REQUEST_MAX - r->size)
		r->full = true;
	else
		r->size += (size_t)len;
}

static void put_head(struct request *r, const struct place *p, const char *method, const char *path)
{
	put(r, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: broch/" BROCH_VERSION "\r\n", method, path,
	    p->path != NULL ? "localhost" : p->host);
	if (p->token[0] != 0)
		put(r, "Authorization: Bearer %s\r\n", p->token);
}

static enum err send_request(struct place *p, const struct request *r, struct note *n)
{
	enum err err;

	if (r->full)
		return refuse(n, ERR_LIMIT, "the request to the host is too large");
	TRY(connect_place(p, n));
	err = wire_write_all(p->wire, slice_of(r->text, r->size), deadline(p));
	if (err == ERR_STOPPED)
		return disconnect(p, err);
	if (err != OK) {
		note_set(n, "sending to the host agent (%s): %s", p->url, err_text(err));
		return disconnect(p, err);
	}
	return OK;
}

enum err place_ask(struct place *p, const char *method, const char *path, json_t *body, struct note *n)
{
	struct request r = {.text = malloc(REQUEST_MAX)};
	char *json = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	enum err err = ERR_NOMEM;

	if (r.text == NULL || (body != NULL && json == NULL))
		goto out;
	put_head(&r, p, method, path);
	if (json != NULL)
		put(&r, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(json), json);
	else
		put(&r, "Content-Length: 0\r\n\r\n");
	err = send_request(p, &r, n);
out:
	json_decref(body);
	free(json);
	if (r.text != NULL)
		wipe(r.text, r.size); /* the token */
	free(r.text);
	return err;
}

/* More bytes into p->in. */
static enum err receive(struct place *p, int64_t until, struct note *n)
{
	size_t got = 0;
	enum err err;

	if (p->in_size == sizeof p->in)
		return refuse(n, ERR_HOST, "the host's HTTP headers are too long");
	if (clock_ms() >= until) /* also of a host that never stops talking */
		return ERR_TIMEOUT;
	for (;;) {
		err = wire_read(p->wire, p->in + p->in_size, sizeof p->in - p->in_size, &got);
		if (err != ERR_AGAIN)
			break;
		TRY(wire_wait(p->wire, true, false, until));
	}
	p->in_size += err == OK ? got : 0;
	return err;
}

static void consume(struct place *p, size_t used)
{
	memmove(p->in, p->in + used, p->in_size - used);
	p->in_size -= used;
}

static enum err receive_head(struct place *p, const char *protocol, struct http_head *head, int64_t until, struct note *n)
{
	for (;;) {
		size_t used;
		enum err err = http_head_parse(slice_of(p->in, p->in_size), protocol, head, &used, n);

		if (err == ERR_AGAIN) {
			TRY(receive(p, until, n));
			continue;
		}
		TRY(err);
		consume(p, used);
		if (head->status >= 200 || head->status == 101)
			return OK;
	}
}

struct text {
	char *data;
	size_t size, capacity;
};

static enum err text_add(struct text *t, struct slice s, struct note *n)
{
	if (s.size > HTTP_BODY_MAX - t->size)
		return refuse(n, ERR_LIMIT, "the host's answer is longer than %d bytes", HTTP_BODY_MAX);
	if (s.size > t->capacity - t->size) {
		size_t capacity = (t->size + s.size) * 2;
		char *grown = realloc(t->data, capacity);

		if (grown == NULL)
			return ERR_NOMEM;
		t->data = grown;
		t->capacity = capacity;
	}
	if (s.size > 0)
		memcpy(t->data + t->size, s.data, s.size);
	t->size += s.size;
	return OK;
}

static enum err receive_body(struct place *p, const struct http_head *head, struct text *t, int64_t until, struct note *n)
{
	struct http_body body;

	http_body_begin(&body, head);
	while (!body.done) {
		struct slice content;
		size_t used;
		enum err err;

		TRY(http_body_feed(&body, slice_of(p->in, p->in_size), &content, &used, n));
		TRY(text_add(t, content, n));
		consume(p, used);
		if (used > 0 || body.done)
			continue;
		err = receive(p, until, n);
		if (err == ERR_CLOSED)
			err = http_body_end(&body, n);
		TRY(err);
	}
	return OK;
}

static enum err status_error(unsigned status)
{
	switch (status) {
	case 401:
	case 403: return ERR_AUTH;
	case 404: return ERR_NOT_FOUND;
	case 409: return ERR_EXISTS;
	case 410: return ERR_CLOSED;
	case 429: return ERR_LIMIT;
	default: return ERR_HOST;
	}
}

static enum err judge(const struct place *p, unsigned status, const json_t *answer, struct note *n)
{
	char error[120], hint[100];

	if (status >= 200 && status < 300)
		return OK;
	host_text(answer, "error", error, sizeof error);
	host_text(answer, "hint", hint, sizeof hint);
	if (status == 401 && p->token[0] == 0)
		note_set(n, "the host agent (%s) wants a credential: give --token-file, or --cert and --key", p->url);
	else if (error[0] == 0)
		note_set(n, "the host agent (%s) answers with HTTP status %u", p->url, status);
	else
		note_set(n, "the host says: %s%s%s", error, hint[0] != 0 ? "; " : "", hint);
	return status_error(status);
}

static enum err take_answer(struct place *p, struct http_head *head, struct text *t, json_t **answer, struct note *n)
{
	int64_t until = deadline(p);
	enum err err = receive_head(p, NULL, head, until, n);

	if (err == OK)
		err = receive_body(p, head, t, until, n);
	if (err == ERR_CLOSED || err == ERR_IO || err == ERR_TIMEOUT)
		note_set(n, "the host agent (%s) %s", p->url,
			 err == ERR_TIMEOUT ? "does not answer in time; try a larger --connect-timeout"
					    : "closed the connection without an answer");
	if (err != OK || head->close)
		(void)disconnect(p, err);
	TRY(err);
	*answer = t->size > 0 ? json_loadb(t->data, t->size, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (t->size > 0 && *answer == NULL && head->status < 400)
		return refuse(n, ERR_HOST, "the host agent (%s) answers with something other than JSON", p->url);
	return judge(p, head->status, *answer, n);
}

enum err place_answer(struct place *p, json_t **answer, struct note *n)
{
	struct http_head head = {0};
	struct text t = {0};
	enum err err;

	*answer = NULL;
	err = take_answer(p, &head, &t, answer, n);
	if (err != OK) {
		json_decref(*answer);
		*answer = NULL;
	}
	free(t.data);
	return err;
}

enum err place_call(struct place *p, const char *method, const char *path, json_t *body, json_t **answer, struct note *n)
{
	*answer = NULL;
	TRY(place_ask(p, method, path, body, n));
	return place_answer(p, answer, n);
}

static enum err ask_session(struct place *p, const char *id, struct note *n)
{
	struct request r = {.text = malloc(REQUEST_MAX)};
	char path[128];
	enum err err;

	if (r.text == NULL)
		return ERR_NOMEM;
	snprintf(path, sizeof path, "/v1/keeps/%s/session", id);
	put_head(&r, p, "GET", path);
	put(&r, "Connection: Upgrade\r\nUpgrade: broch-session\r\n\r\n");
	err = send_request(p, &r, n);
	wipe(r.text, r.size);
	free(r.text);
	return err;
}

/* The host did not switch: its body says why. */
static enum err refused_session(struct place *p, const struct http_head *head, int64_t until, struct note *n)
{
	struct text t = {0};
	json_t *answer = NULL;
	enum err err = receive_body(p, head, &t, until, n);

	if (err == OK && t.size > 0)
		answer = json_loadb(t.data, t.size, JSON_REJECT_DUPLICATES, NULL);
	if (err == OK)
		err = judge(p, head->status, answer, n);
	if (err == OK)
		err = refuse(n, ERR_HOST, "the host agent (%s) does not open a session (HTTP status %u)", p->url, head->status);
	json_decref(answer);
	free(t.data);
	return disconnect(p, err);
}

enum err place_session(struct place *p, const char *id, struct wire **wire, uint8_t *early, size_t *early_size,
		       struct note *n)
{
	int64_t until = deadline(p);
	struct http_head head;
	enum err err;

	CHECK(keep_name_ok(id));
	TRY(ask_session(p, id, n));
	err = receive_head(p, "broch-session", &head, until, n);
	if (err == ERR_CLOSED || err == ERR_IO || err == ERR_TIMEOUT)
		note_set(n, "the host agent (%s) does not open a session: %s", p->url, err_text(err));
	if (err != OK)
		return disconnect(p, err);
	if (!head.upgrade)
		return refused_session(p, &head, until, n);
	memcpy(early, p->in, p->in_size);
	*early_size = p->in_size;
	p->in_size = 0;
	*wire = p->wire;
	p->wire = NULL;
	return OK;
}
