/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config/toml_scan.h"

#include <stdarg.h>
#include <stdio.h>

int scan_peek(const struct scan *s, size_t ahead)
{
	return ahead < s->text.size - s->at ? s->text.data[s->at + ahead] : -1;
}

void scan_pass(struct scan *s, size_t count)
{
	CHECK(count <= s->text.size - s->at);
	s->at += count;
}

bool scan_take(struct scan *s, const char *text)
{
	size_t size = strlen(text);

	if (size > s->text.size - s->at || memcmp(s->text.data + s->at, text, size) != 0)
		return false;
	s->at += size;
	return true;
}

void scan_blanks(struct scan *s)
{
	while (scan_peek(s, 0) == ' ' || scan_peek(s, 0) == '\t')
		scan_pass(s, 1);
}

bool scan_newline(struct scan *s)
{
	size_t size = scan_peek(s, 0) == '\n' ? 1 : scan_peek(s, 0) == '\r' && scan_peek(s, 1) == '\n' ? 2 : 0;

	if (size == 0)
		return false;
	s->at += size;
	s->line++;
	s->line_start = s->at;
	return true;
}

unsigned scan_column(const struct scan *s)
{
	return (unsigned)(s->at - s->line_start) + 1;
}

static enum err fail_v(struct scan *s, unsigned line, unsigned column, const char *fmt, va_list args)
{
	char text[NOTE_MAX];

	vsnprintf(text, sizeof text, fmt, args);
	return refuse(s->note, ERR_FORMAT, "%s:%u:%u: %s", s->name, line, column, text);
}

enum err scan_fail_at(struct scan *s, unsigned line, unsigned column, const char *fmt, ...)
{
	va_list args;
	enum err err;

	va_start(args, fmt);
	err = fail_v(s, line, column, fmt, args);
	va_end(args);
	return err;
}

enum err scan_fail(struct scan *s, const char *fmt, ...)
{
	va_list args;
	enum err err;

	va_start(args, fmt);
	err = fail_v(s, s->line, scan_column(s), fmt, args);
	va_end(args);
	return err;
}

/* Shortest form only, no surrogates, nothing above 10FFFFh (Unicode 15 table 3-7). */
bool utf8_ok(struct slice s, size_t *bad)
{
	for (size_t i = 0; i < s.size;) {
		uint8_t a = s.data[i];
		unsigned more = a < 0x80                 ? 0
		                : a >= 0xc2 && a <= 0xdf ? 1
		                : a >= 0xe0 && a <= 0xef ? 2
		                : a >= 0xf0 && a <= 0xf4 ? 3
		                                         : 9;
		uint8_t low = a == 0xe0   ? 0xa0
		              : a == 0xf0 ? 0x90
		                          : 0x80,
		        high = a == 0xed   ? 0x9f
		               : a == 0xf4 ? 0x8f
		                           : 0xbf;

		*bad = i;
		if (more == 9 || more > s.size - i - 1)
			return false;
		for (unsigned k = 1; k <= more; k++) {
			if (s.data[i + k] < (k == 1 ? low : 0x80) || s.data[i + k] > (k == 1 ? high : 0xbf))
				return false;
		}
		i += 1 + more;
	}
	return true;
}

/* ---- strings ---- */

struct text_out {
	uint8_t *data;
	size_t size;
};

static void put(struct text_out *o, uint8_t byte)
{
	o->data[o->size++] = byte;
}

static void put_utf8(struct text_out *o, uint32_t c)
{
	if (c < 0x80) {
		put(o, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		put(o, (uint8_t)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			put(o, (uint8_t)(0xe0 | c >> 12));
		} else {
			put(o, (uint8_t)(0xf0 | c >> 18));
			put(o, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		}
		put(o, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	put(o, (uint8_t)(0x80 | (c & 0x3f)));
}

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static enum err unicode_escape(struct scan *s, unsigned digits, struct text_out *o)
{
	uint32_t c = 0;

	for (unsigned i = 0; i < digits; i++) {
		int v = hex_value(scan_peek(s, 0));

		if (v < 0)
			return scan_fail(s, "this escape needs %u hex digits", digits);
		c = c << 4 | (uint32_t)v;
		scan_pass(s, 1);
	}
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return scan_fail(s, "the escape names no Unicode character");
	put_utf8(o, c);
	return OK;
}

static enum err escape(struct scan *s, struct text_out *o)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	int c = scan_peek(s, 0);
	const char *at = c > 0 ? strchr(from, c) : NULL;

	if (at != NULL) {
		scan_pass(s, 1);
		put(o, (uint8_t)to[at - from]);
		return OK;
	}
	if (c != 'u' && c != 'U')
		return scan_fail(s, "unknown escape; for a backslash write \\\\ or use 'single quotes'");
	scan_pass(s, 1);
	return unicode_escape(s, c == 'u' ? 4 : 8, o);
}

/* A backslash at the end of a line swallows the line end and all blanks and line ends after it. */
static bool folded(struct scan *s)
{
	struct scan ahead = *s;

	scan_blanks(&ahead);
	if (!scan_newline(&ahead))
		return false;
	do
		scan_blanks(&ahead);
	while (scan_newline(&ahead));
	*s = ahead;
	return true;
}

static bool control(int c)
{
	return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
}

/* Three quotes end it, but up to two more before them belong to the text. */
static bool multi_end(struct scan *s, int quote, struct text_out *o)
{
	size_t count = 0;

	while (count < 5 && scan_peek(s, count) == quote)
		count++;
	if (count < 3)
		return false;
	for (size_t i = 3; i < count; i++)
		put(o, (uint8_t)quote);
	scan_pass(s, count);
	return true;
}

static enum err multi_line(struct scan *s, int quote, struct text_out *o)
{
	scan_newline(s); /* one right after the opening quotes is not part of the text */
	for (;;) {
		int c = scan_peek(s, 0);

		if (c < 0)
			return scan_fail(s, "the text ends inside a multi-line string");
		if (c == quote && multi_end(s, quote, o))
			return OK;
		if (c == '\\' && quote == '"') {
			scan_pass(s, 1);
			if (!folded(s))
				TRY(escape(s, o));
			continue;
		}
		if (c == '\n' || (c == '\r' && scan_peek(s, 1) == '\n')) {
			put(o, '\n'); /* also for CRLF: the text says the same wherever it was written */
			scan_newline(s);
			continue;
		}
		if (control(c))
			return scan_fail(s, "a control character in a string; write it as an escape");
		put(o, (uint8_t)c);
		scan_pass(s, 1);
	}
}

static enum err single_line(struct scan *s, int quote, struct text_out *o)
{
	for (;;) {
		int c = scan_peek(s, 0);

		if (c < 0 || c == '\n' || c == '\r')
			return scan_fail(s, "the string is not closed on this line; add %c", quote);
		scan_pass(s, 1);
		if (c == quote)
			return OK;
		if (c == '\\' && quote == '"')
			TRY(escape(s, o));
		else if (control(c))
			return scan_fail(s, "a control character in a string; write it as an escape");
		else
			put(o, (uint8_t)c);
	}
}

/* How much memory the string can need: no form of writing is shorter than what it says. */
static size_t room(const struct scan *s, int quote, bool three)
{
	size_t at = s->at;

	for (; at < s->text.size; at++) {
		if (s->text.data[at] == '\\' && quote == '"')
			at++;
		else if (three ? at + 2 < s->text.size &&
		                         memcmp(s->text.data + at, quote == '"' ? "\"\"\"" : "'''", 3) == 0
		               : s->text.data[at] == quote || s->text.data[at] == '\n')
			break;
	}
	return (at < s->text.size ? at : s->text.size) - s->at + 4;
}

enum err scan_string(struct scan *s, bool multi, struct slice *out)
{
	int quote = scan_peek(s, 0);
	bool three = scan_peek(s, 1) == quote && scan_peek(s, 2) == quote;
	struct text_out o = {0};

	if (three && !multi)
		return scan_fail(s, "a key cannot be a multi-line string");
	scan_pass(s, three ? 3 : 1);
	o.data = s->alloc(s, room(s, quote, three));
	if (o.data == NULL)
		return ERR_NOMEM;
	if (three)
		TRY(multi_line(s, quote, &o));
	else
		TRY(single_line(s, quote, &o));
	o.data[o.size] = 0;
	*out = slice_of(o.data, o.size);
	return OK;
}
