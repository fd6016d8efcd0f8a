/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/auth.h"
#include "lib/base/ct.h"
#include "lib/base/hex.h"
#include "sys/file.h"
#include "sys/openssl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

enum { DIGEST = 32, FILE_MAX = 1 << 20 };

struct token {
	char name[TOKEN_NAME_MAX + 1];
	uint8_t digest[DIGEST];
};

struct tokens {
	size_t count;
	struct token at[TOKENS_MAX];
};

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct slice word(struct slice *line)
{
	struct slice w;

	while (line->size > 0 && is_space(line->data[0]))
		*line = slice_of(line->data + 1, line->size - 1);
	w = slice_of(line->data, 0);
	while (line->size > 0 && !is_space(line->data[0])) {
		*line = slice_of(line->data + 1, line->size - 1);
		w.size++;
	}
	return w;
}

static bool is_printable(struct slice s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] <= ' ' || s.data[i] > '~')
			return false;
	return true;
}

static enum err check_new(const struct tokens *t, const struct token *token, unsigned line, struct note *n)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->at[i].name, token->name) == 0)
			return refuse(n, ERR_EXISTS, "line %u: the name %s is used twice", line, token->name);
		if (ct_equal(t->at[i].digest, token->digest, DIGEST))
			return refuse(n, ERR_EXISTS, "line %u: this token appears twice", line);
	}
	return OK;
}

static enum err parse_line(struct tokens *t, struct slice text, unsigned line, struct note *n)
{
	struct slice name = word(&text), secret = word(&text);
	struct token *token = &t->at[t->count];

	if (name.size == 0 || name.data[0] == '#')
		return OK;
	if (word(&text).size > 0)
		return refuse(n, ERR_FORMAT, "line %u: more than two words: write NAME TOKEN", line);
	if (t->count == TOKENS_MAX)
		return refuse(n, ERR_LIMIT, "line %u: more than %d tokens", line, TOKENS_MAX);
	if (secret.size == 0) {
		secret = name;
		name.size = 0;
	}
	if (secret.size < TOKEN_MIN || secret.size > TOKEN_MAX || !is_printable(secret))
		return refuse(n, ERR_RANGE,
		              "line %u: a token has %d to %d printable characters; `openssl rand -hex 32` makes one",
		              line, TOKEN_MIN, TOKEN_MAX);
	if (name.size > TOKEN_NAME_MAX || !is_printable(name))
		return refuse(n, ERR_RANGE, "line %u: a name has 1 to %d printable characters", line, TOKEN_NAME_MAX);
	*token = (struct token){0};
	SHA256(secret.data, secret.size, token->digest);
	if (name.size > 0)
		memcpy(token->name, name.data, name.size);
	else
		hex_encode(slice_of(token->digest, 4), token->name);
	TRY(check_new(t, token, line, n));
	t->count++;
	return OK;
}

enum err tokens_parse(struct slice text, struct tokens **out, struct note *n)
{
	struct tokens *t = calloc(1, sizeof *t);
	enum err err = t == NULL ? ERR_NOMEM : OK;
	unsigned line = 0;

	while (err == OK && text.size > 0) {
		const uint8_t *end = memchr(text.data, '\n', text.size);
		size_t size = end == NULL ? text.size : (size_t)(end - text.data);

		err = parse_line(t, slice_of(text.data, size), ++line, n);
		size += end != NULL;
		text = slice_of(text.data + size, text.size - size);
	}
	if (err == OK && t->count == 0)
		err = refuse(n, ERR_NOT_FOUND, "there is no token in it: write a line NAME TOKEN");
	if (err != OK) {
		tokens_free(t);
		return err;
	}
	*out = t;
	return OK;
}

enum err tokens_load(const char *path, struct tokens **out, struct note *n)
{
	struct slice text = {0};
	struct note why = {0};
	struct stat st;
	enum err err;

	if (stat(path, &st) != 0)
		return refuse(n, err_of_errno(errno), "%s: %s", path, strerror(errno));
	if ((st.st_mode & 0007) != 0)
		return refuse(n, ERR_PERMISSION, "%s: everybody on this machine may read the tokens: chmod o= %s", path,
		              path);
	TRY(file_read(path, FILE_MAX, &text, n));
	err = tokens_parse(text, out, &why);
	if (text.data != NULL)
		wipe((void *)(uintptr_t)text.data, text.size);
	free((void *)(uintptr_t)text.data);
	return err == OK ? OK : refuse(n, err, "%s: %s", path, why.text[0] != 0 ? why.text : err_text(err));
}

void tokens_free(struct tokens *t)
{
	if (t != NULL)
		wipe(t, sizeof *t);
	free(t);
}

bool tokens_check(const struct tokens *t, struct slice value, struct client *c)
{
	uint8_t digest[DIGEST];
	size_t found = TOKENS_MAX;

	if (value.size < 7 || value.size > 7 + TOKEN_MAX || strncasecmp((const char *)value.data, "Bearer ", 7) != 0)
		return false;
	SHA256(value.data + 7, value.size - 7, digest);
	for (size_t i = 0; i < t->count; i++) /* all of them: the time must not tell which one matched */
		if (ct_equal(t->at[i].digest, digest, DIGEST))
			found = i;
	wipe(digest, sizeof digest);
	if (found == TOKENS_MAX)
		return false;
	snprintf(c->name, sizeof c->name, "token:%s", t->at[found].name);
	c->known = true;
	return true;
}
