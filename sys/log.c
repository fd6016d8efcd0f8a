/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/log.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"error", "warn", "info", "debug"};
static const char hex[] = "0123456789abcdef";

struct line {
	char text[LOG_LINE_MAX];
	size_t len;
};

static void put(struct line *l, const char *text)
{
	/* the last bytes stay free for what closes the line */
	for (; *text != 0 && l->len < sizeof l->text - 4; text++)
		l->text[l->len++] = *text;
}

/* Inside quotes, the same in both formats: everything that is not printable ASCII becomes \uXXXX (a byte at a time). */
static void put_escaped(struct line *l, const char *text)
{
	for (; *text != 0; text++) {
		unsigned char c = (unsigned char)*text;
		char out[7] = {(char)c, 0};

		if (c == '"' || c == '\\')
			memcpy(out, (char[]){'\\', (char)c, 0}, 3);
		else if (c < 0x20 || c >= 0x7f)
			memcpy(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], 0}, 7);
		put(l, out);
	}
}

static void put_quoted(struct line *l, const char *text)
{
	put(l, "\"");
	put_escaped(l, text);
	put(l, "\"");
}

static bool is_plain(const char *text)
{
	for (; *text != 0; text++)
		if (*text <= ' ' || *text >= 0x7f || *text == '"' || *text == '\\' || *text == '=')
			return false;
	return true;
}

static void put_value(struct line *l, const struct log_field *f, bool json)
{
	char number[24];

	if (f->text == NULL) {
		snprintf(number, sizeof number, "%" PRIu64, f->number);
		put(l, number);
	} else if (json || !is_plain(f->text) || f->text[0] == 0) {
		put_quoted(l, f->text);
	} else {
		put(l, f->text);
	}
}

static void put_field(struct line *l, const struct log_field *f, bool json)
{
	put(l, json ? ",\"" : " ");
	put(l, f->key);
	put(l, json ? "\":" : "=");
	put_value(l, f, json);
}

void log_line(const struct log *log, enum log_level level, const char *event, const struct log_field *fields,
              size_t count)
{
	struct line l = {.len = 0};
	char time[CLOCK_TEXT_MAX];

	if (level > log->level)
		return;
	clock_text(clock_wall_ms(), time);
	put(&l, log->json ? "{\"time\":\"" : "");
	put(&l, time);
	put(&l, log->json ? "\",\"level\":\"" : " ");
	put(&l, names[level]);
	put(&l, log->json ? "\",\"event\":\"" : " ");
	put_escaped(&l, event);
	put(&l, log->json ? "\"" : "");
	for (size_t i = 0; i < count; i++)
		/* a field that might be cut would leave an open quote: leave it out whole */
		if (fields[i].text == NULL ||
		    strlen(fields[i].text) * 6 + strlen(fields[i].key) + 40 < sizeof l.text - l.len)
			put_field(&l, &fields[i], log->json);
	memcpy(l.text + l.len, log->json ? "}\n" : "\n", 2);
	l.len += log->json ? 2 : 1;
	if (write(log->fd, l.text, l.len) < 0)
		return; /* nobody to tell */
}

enum err log_level_of(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (enum log_level)i;
			return OK;
		}
	return ERR_INVALID;
}
