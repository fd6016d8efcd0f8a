/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/web.h"

#include "lib/base/hex.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <strings.h>

enum { TIMEOUT_S = 60 };

/* ---- what comes back ---- */

static size_t take_body(char *data, size_t one, size_t count, void *ctx)
{
	struct web_answer *a = ctx;
	const size_t size = one * count;
	uint8_t *grown;

	if (size > WEB_ANSWER_MAX - a->size)
		return 0;
	grown = realloc(a->body, a->size + size + 1);
	if (grown == NULL)
		return 0;
	memcpy(grown + a->size, data, size);
	a->body = grown;
	a->size += size;
	return size;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "Name: value"; of several the first counts. */
static void header_line(struct web_answer *a, const char *line, size_t left)
{
	const size_t name = strlen(a->wanted);

	if (left > 4 && strncasecmp(line, "SGX-", 4) == 0 && strncasecmp(a->wanted, "SGX-", 4) != 0) {
		line += 4;
		left -= 4;
	}
	if (a->header != NULL || left <= name + 1 || left > WEB_HEADER_MAX || strncasecmp(line, a->wanted, name) != 0 ||
	    line[name] != ':')
		return;
	line += name + 1;
	left -= name + 1;
	for (; left > 0 && blank(*line); left--)
		line++;
	while (left > 0 && blank(line[left - 1]))
		left--;
	a->header = strndup(line, left);
}

static size_t take_header(char *data, size_t one, size_t count, void *ctx)
{
	struct web_answer *a = ctx;

	if (a->wanted != NULL)
		header_line(a, data, one * count);
	return one * count;
}

void web_answer_free(struct web_answer *a)
{
	free(a->body);
	free(a->header);
	memset(a, 0, sizeof *a);
}

char *web_unescape(const char *text, size_t *size)
{
	char *out = malloc(strlen(text) + 1);
	size_t n = 0;

	for (; out != NULL && *text != 0; text++) {
		uint8_t byte;

		if (*text != '%') {
			out[n++] = *text;
			continue;
		}
		if (text[1] == 0 || text[2] == 0 || hex_decode(slice_of(text + 1, 2), &byte, 1) != OK) {
			free(out);
			return NULL;
		}
		out[n++] = (char)byte;
		text += 2;
	}
	if (out != NULL)
		out[n] = 0;
	*size = n;
	return out;
}

/* ---- libcurl ---- */

struct library {
	void *handle;
	CURL *(*init)(void);
	CURLcode (*setopt)(CURL *, CURLoption, ...);
	CURLcode (*perform)(CURL *);
	CURLcode (*getinfo)(CURL *, CURLINFO, ...);
	void (*cleanup)(CURL *);
	const char *(*strerror)(CURLcode);
};

static enum err library_open(struct library *l, struct note *n)
{
	const struct {
		const char *name;
		void *to;
	} calls[] = {{"curl_easy_init", &l->init},       {"curl_easy_setopt", &l->setopt},
	             {"curl_easy_perform", &l->perform}, {"curl_easy_getinfo", &l->getinfo},
	             {"curl_easy_cleanup", &l->cleanup}, {"curl_easy_strerror", &l->strerror}};

	l->handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (l->handle == NULL)
		return refuse(n, ERR_UNSUPPORTED, "fetching needs libcurl.so.4: install libcurl4");
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
		void *call = dlsym(l->handle, calls[i].name);

		if (call == NULL) {
			dlclose(l->handle);
			return refuse(n, ERR_UNSUPPORTED, "libcurl.so.4 has no %s", calls[i].name);
		}
		memcpy(calls[i].to, &call, sizeof call); /* POSIX: an address from dlsym may be a function's */
	}
	return OK;
}

static void prepare(const struct library *l, CURL *h, const char *url, struct web_answer *a, char *why)
{
	l->setopt(h, CURLOPT_URL, url);
	l->setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	l->setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	l->setopt(h, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	l->setopt(h, CURLOPT_NOSIGNAL, 1L);
	l->setopt(h, CURLOPT_USERAGENT, "broch/" BROCH_VERSION);
	l->setopt(h, CURLOPT_ERRORBUFFER, why);
	l->setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	l->setopt(h, CURLOPT_WRITEDATA, a);
	l->setopt(h, CURLOPT_HEADERFUNCTION, take_header);
	l->setopt(h, CURLOPT_HEADERDATA, a);
}

static enum err get(const struct library *l, const char *url, struct web_answer *a, struct note *n)
{
	CURL *h = l->init();
	char why[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode code;

	if (h == NULL)
		return ERR_NOMEM;
	prepare(l, h, url, a, why);
	code = l->perform(h);
	l->getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	l->cleanup(h);
	if (code == CURLE_WRITE_ERROR)
		return refuse(n, ERR_LIMIT, "%s: more than %d bytes", url, (int)WEB_ANSWER_MAX);
	if (code != CURLE_OK)
		return refuse(n, ERR_IO, "%s: %s", url, why[0] != 0 ? why : l->strerror(code));
	if (status != 200)
		return refuse(n, ERR_IO, "%s: status %d instead of 200", url, (int)status);
	return a->size > 0 ? OK : refuse(n, ERR_FORMAT, "%s: an empty answer", url);
}

enum err web_get(const char *url, const char *header, struct web_answer *out, struct note *n)
{
	struct library l;
	enum err err;

	*out = (struct web_answer){.wanted = header};
	TRY(library_open(&l, n));
	err = get(&l, url, out, n);
	dlclose(l.handle);
	return err;
}
