/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"

#include <stdarg.h>

static const char *const texts[] = {
#define ERR(name, text) [name] = text,
#include "lib/base/err.def"
#undef ERR
};

const char *err_text(enum err err)
{
	if ((unsigned)err >= ARRAY_COUNT(texts))
		return "unknown error";
	return texts[err];
}

/* Where the message goes: truncates, always terminated. */
struct sink {
	char *at;
	size_t left;
};

static void put(struct sink *s, char c)
{
	if (s->left <= 1)
		return;
	*s->at++ = c;
	*s->at = 0;
	s->left--;
}

static void put_text(struct sink *s, const char *text)
{
	if (text == NULL)
		text = "(null)";
	while (*text != 0)
		put(s, *text++);
}

static void put_number(struct sink *s, unsigned long long v, unsigned base)
{
	char digits[20];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	while (n > 0)
		put(s, digits[--n]);
}

static void put_int(struct sink *s, int v)
{
	if (v < 0)
		put(s, '-');
	put_number(s, v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v, 10);
}

/* One directive after '%'; returns what follows it. An unknown one is printed as it stands: a message is never lost. */
static const char *put_directive(struct sink *s, const char *f, va_list *ap)
{
	bool wide = f[0] == 'l' && f[1] == 'l';
	unsigned base;

	if (wide)
		f += 2;
	switch (*f) {
	case 's':
		put_text(s, va_arg(*ap, const char *));
		return f + 1;
	case 'd':
		put_int(s, va_arg(*ap, int));
		return f + 1;
	case 'u':
	case 'x':
		base = *f == 'x' ? 16 : 10;
		put_number(s, wide ? va_arg(*ap, unsigned long long) : va_arg(*ap, unsigned), base);
		return f + 1;
	case '%':
		put(s, '%');
		return f + 1;
	default:
		put(s, '%');
		return f;
	}
}

static void set(struct note *n, const char *fmt, va_list *ap)
{
	struct sink s;

	if (n == NULL || n->text[0] != 0)
		return;
	s = (struct sink){n->text, sizeof n->text};
	while (*fmt != 0) {
		if (*fmt != '%')
			put(&s, *fmt++);
		else
			fmt = put_directive(&s, fmt + 1, ap);
	}
}

void note_set(struct note *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(n, fmt, &ap);
	va_end(ap);
}

enum err(refuse)(struct note *n, enum err err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(n, fmt, &ap);
	va_end(ap);
	return err;
}
