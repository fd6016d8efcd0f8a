/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values without quotes. First the whole word is cut out of the text, up to what cannot belong to it; then it is tried
 * against each form. A date and a time may be joined by one blank, which is the only blank inside a word.
 */
#include "client/config/toml_scan.h"

#include <math.h>
#include <stdlib.h>

enum { WORD_MAX = 400 };

struct word {
	char text[WORD_MAX + 1];
	size_t size;
};

static bool in_word(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' ||
	       c == '.' || c == '_' || c == ':';
}

static bool digit(int c)
{
	return c >= '0' && c <= '9';
}

static enum err cut(struct scan *s, struct word *w)
{
	const struct scan start = *s;

	for (w->size = 0; in_word(scan_peek(s, 0)) && w->size < WORD_MAX; scan_pass(s, 1))
		w->text[w->size++] = (char)scan_peek(s, 0);
	if (w->size == 10 && w->text[4] == '-' && scan_peek(s, 0) == ' ' && digit(scan_peek(s, 1))) {
		w->text[w->size++] = 'T';
		scan_pass(s, 1);
		for (; in_word(scan_peek(s, 0)) && w->size < WORD_MAX; scan_pass(s, 1))
			w->text[w->size++] = (char)scan_peek(s, 0);
	}
	w->text[w->size] = 0;
	if (w->size == WORD_MAX) {
		*s = start;
		return scan_fail(s, "this value is too long");
	}
	return OK;
}

/* ---- numbers ---- */

/* Copies digits of the base without underscores; each underscore must stand between two digits. */
static bool digits(const char **at, bool (*is)(int), char *out, size_t *used)
{
	const char *p = *at;

	if (!is(*p))
		return false;
	while (is(*p) || (*p == '_' && is(p[-1]) && is(p[1]))) {
		if (*p != '_')
			out[(*used)++] = *p;
		p++;
	}
	*at = p;
	return true;
}

static bool is_hex(int c)
{
	return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_octal(int c)
{
	return c >= '0' && c <= '7';
}

static bool is_binary(int c)
{
	return c == '0' || c == '1';
}

static unsigned digit_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 0x20) - 'a' + 10;
}

static bool magnitude(const char *text, size_t size, unsigned base, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		if (mul_overflows(v, base, &v) || add_overflows(v, digit_value(text[i]), &v))
			return false;
	*out = v;
	return true;
}

enum match { NO, YES, OUT_OF_RANGE };

static enum match prefixed_integer(const struct word *w, int64_t *out)
{
	static const struct {
		char letter;
		unsigned base;
		bool (*is)(int);
	} bases[] = {{'x', 16, is_hex}, {'o', 8, is_octal}, {'b', 2, is_binary}};
	char plain[WORD_MAX];

	for (unsigned i = 0; i < 3; i++) {
		const char *at = w->text + 2;
		size_t used = 0;
		uint64_t v;

		if (w->text[0] != '0' || w->text[1] != bases[i].letter)
			continue;
		if (!digits(&at, bases[i].is, plain, &used) || *at != 0)
			return NO;
		if (!magnitude(plain, used, bases[i].base, &v) || v > INT64_MAX)
			return OUT_OF_RANGE;
		*out = (int64_t)v;
		return YES;
	}
	return NO;
}

static enum match integer(const struct word *w, int64_t *out)
{
	const char *at = w->text;
	bool negative = *at == '-';
	char plain[WORD_MAX];
	size_t used = 0;
	uint64_t v;

	at += *at == '-' || *at == '+';
	if (!digits(&at, digit, plain, &used) || *at != 0 || (used > 1 && plain[0] == '0'))
		return NO;
	if (!magnitude(plain, used, 10, &v) || v > (uint64_t)INT64_MAX + negative)
		return OUT_OF_RANGE;
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return YES;
}

static bool special_float(const char *at, double *out)
{
	bool negative = *at == '-';

	at += *at == '-' || *at == '+';
	if (strcmp(at, "inf") == 0)
		*out = negative ? -INFINITY : INFINITY;
	else if (strcmp(at, "nan") == 0)
		*out = NAN;
	else
		return false;
	return true;
}

static bool real(const struct word *w, double *out)
{
	const char *at = w->text;
	char plain[WORD_MAX + 1];
	size_t used = 0, whole;
	bool some = false;

	if (special_float(at, out))
		return true;
	if (*at == '-' || *at == '+')
		plain[used++] = *at++;
	whole = used;
	if (!digits(&at, digit, plain, &used) || (used - whole > 1 && plain[whole] == '0'))
		return false;
	if (*at == '.') {
		plain[used++] = *at++;
		some = true;
		if (!digits(&at, digit, plain, &used))
			return false;
	}
	if (*at == 'e' || *at == 'E') {
		plain[used++] = *at++;
		some = true;
		if (*at == '-' || *at == '+')
			plain[used++] = *at++;
		if (!digits(&at, digit, plain, &used))
			return false;
	}
	plain[used] = 0;
	*out = strtod(plain, NULL); /* no program of ours changes the locale, so the point is a point */
	return some && *at == 0;
}

/* ---- dates and times ---- */

static bool fixed(const char **at, unsigned count, int *out)
{
	int v = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!digit((*at)[i]))
			return false;
		v = v * 10 + ((*at)[i] - '0');
	}
	*at += count;
	*out = v;
	return true;
}

static bool letter(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static bool days_ok(const struct toml_time *t)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (t->year % 4 == 0 && t->year % 100 != 0) || t->year % 400 == 0;

	if (t->month < 1 || t->month > 12 || t->day < 1)
		return false;
	return t->day <= days[t->month - 1] + (t->month == 2 && leap);
}

static bool date(const char **at, struct toml_time *t)
{
	t->has_date = true;
	return fixed(at, 4, &t->year) && letter(at, '-') && fixed(at, 2, &t->month) && letter(at, '-') &&
	       fixed(at, 2, &t->day) && days_ok(t);
}

/* Digits past the ninth are cut off, as the specification says. */
static bool fraction(const char **at, struct toml_time *t)
{
	uint32_t unit = 100000000;

	if (!letter(at, '.'))
		return true;
	if (!digit(**at))
		return false;
	for (; digit(**at); (*at)++) {
		t->nanosecond += unit * (uint32_t)(**at - '0');
		unit /= 10;
	}
	return true;
}

static bool clock_time(const char **at, struct toml_time *t)
{
	t->has_time = true;
	return fixed(at, 2, &t->hour) && letter(at, ':') && fixed(at, 2, &t->minute) && letter(at, ':') &&
	       fixed(at, 2, &t->second) && t->hour < 24 && t->minute < 60 && t->second <= 60 && fraction(at, t);
}

static bool offset(const char **at, struct toml_time *t)
{
	int hours, minutes;
	bool negative = **at == '-';

	t->has_offset = true;
	if (letter(at, 'Z') || letter(at, 'z'))
		return true;
	if (!letter(at, '+') && !letter(at, '-'))
		return false;
	if (!fixed(at, 2, &hours) || !letter(at, ':') || !fixed(at, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	t->offset_minutes = (hours * 60 + minutes) * (negative ? -1 : 1);
	return true;
}

static bool looks_like_time(const struct word *w)
{
	return w->size >= 5 && digit(w->text[0]) && digit(w->text[1]) &&
	       (w->text[2] == ':' || (digit(w->text[2]) && digit(w->text[3]) && w->text[4] == '-'));
}

static bool date_or_time(const struct word *w, struct toml_time *t)
{
	const char *at = w->text;

	*t = (struct toml_time){0};
	if (at[2] == ':')
		return clock_time(&at, t) && *at == 0;
	if (!date(&at, t))
		return false;
	if (*at == 0)
		return true;
	if (!letter(&at, 'T') && !letter(&at, 't'))
		return false;
	if (!clock_time(&at, t))
		return false;
	return *at == 0 || (offset(&at, t) && *at == 0);
}

/* ---- the word as a whole ---- */

static bool boolean(const struct word *w, bool *out)
{
	*out = strcmp(w->text, "true") == 0;
	return *out || strcmp(w->text, "false") == 0;
}

static enum err unknown(struct scan *s, const struct toml_value *v, const struct word *w)
{
	if (w->size == 0)
		return scan_fail(s, "a value is missing here");
	if (digit(w->text[0]) || w->text[0] == '-' || w->text[0] == '+' || w->text[0] == '.')
		return scan_fail_at(s, v->line, v->column, "%.40s is no number, date or time of TOML", w->text);
	return scan_fail_at(s, v->line, v->column, "%.40s is no value; write a text in \"quotes\"", w->text);
}

enum err scan_plain(struct scan *s, struct toml_value *v)
{
	struct word w;
	enum match m;

	TRY(cut(s, &w));
	if (boolean(&w, &v->u.boolean)) {
		v->type = TOML_BOOL;
		return OK;
	}
	if (looks_like_time(&w)) {
		v->type = TOML_TIME;
		if (date_or_time(&w, &v->u.time))
			return OK;
		return scan_fail_at(s, v->line, v->column, "%.40s is no date or time", w.text);
	}
	v->type = TOML_INTEGER;
	m = integer(&w, &v->u.integer);
	if (m == NO)
		m = prefixed_integer(&w, &v->u.integer);
	if (m == YES)
		return OK;
	if (m == OUT_OF_RANGE)
		return scan_fail_at(s, v->line, v->column, "%.40s does not fit into 64 bits with sign", w.text);
	v->type = TOML_FLOAT;
	return real(&w, &v->u.real) ? OK : unknown(s, v, &w);
}
