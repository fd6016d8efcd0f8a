/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line an event, as text or JSON, to a descriptor. A line has a time (RFC 3339 UTC), a level, an event in plain
 * words and fields. Values are escaped, so nobody who can choose one can forge a line. Never hand it payload, keys or
 * tokens.
 */
#ifndef BROCH_SYS_LOG_H
#define BROCH_SYS_LOG_H

#include "lib/base/err.h"

enum log_level { LOG_AT_ERROR, LOG_AT_WARN, LOG_AT_INFO, LOG_AT_DEBUG };

struct log {
	int fd;
	enum log_level level; /* lines above it are dropped */
	bool json;
};

struct log_field {
	const char *key;
	const char *text; /* NULL: the value is `number` */
	uint64_t number;
};

static inline struct log_field log_s(const char *key, const char *text)
{
	return (struct log_field){key, text == NULL ? "" : text, 0};
}

static inline struct log_field log_n(const char *key, uint64_t number)
{
	return (struct log_field){key, NULL, number};
}

/* The line is cut at LOG_LINE_MAX bytes; a descriptor that takes no more loses the line, never stops the program. */
enum { LOG_LINE_MAX = 2048 };
void log_line(const struct log *l, enum log_level level, const char *event, const struct log_field *fields,
              size_t count);

/* LOG(l, LOG_AT_INFO, "keep created", log_s("id", id), log_n("pid", pid)) */
#define LOG(l, level, event, ...)                                                                                      \
	log_line(l, level, event, (const struct log_field[]){__VA_ARGS__},                                             \
	         sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* "error", "warn", "info", "debug"; ERR_INVALID otherwise. */
MUST_USE enum err log_level_of(const char *name, enum log_level *out);

#endif
