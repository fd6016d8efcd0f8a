/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error enumeration for all of Broch. 0 is success. A code travels up unchanged; the words are added once, where
 * the cause is known (see struct note below), and the first message wins.
 *
 * Guests, peers and files cause errors, which are returned. We cause bugs, which stop us: CHECK.
 */
#ifndef BROCH_BASE_ERR_H
#define BROCH_BASE_ERR_H

#include "lib/base/attr.h"

enum err {
#define ERR(name, text) name,
#include "lib/base/err.def"
#undef ERR
	ERR_COUNT
};

/* A short English phrase, never NULL, for any value. */
const char *err_text(enum err err);

/* The only macro that leaves a function. */
#define TRY(call)                                                                                                      \
	do {                                                                                                           \
		enum err err_ = (call);                                                                                \
		if (err_ != OK)                                                                                        \
			return err_;                                                                                   \
	} while (0)

/*
 * What to tell a person: what failed and where. Fixed size, caller-owned, zero-initialised; note_set keeps the first
 * message and truncates. fmt knows %s (char *, NULL prints "(null)"), %u (unsigned), %d (int), %x (unsigned),
 * %llu (unsigned long long), %llx and %%; it works the same in the Keep and hosted. A NULL note is allowed.
 */
enum { NOTE_MAX = 240 };
struct note {
	char text[NOTE_MAX];
};
PRINTF_LIKE(2, 3) void note_set(struct note *n, const char *fmt, ...);
/* The same, and returns err, so that a refusal is one line: return refuse(n, ERR_RANGE, "..."). */
PRINTF_LIKE(3, 4) enum err refuse(struct note *n, enum err err, const char *fmt, ...);
#ifdef __clang_analyzer__ /* it looks into one file at a time, and cannot know that a refusal is one */
#define refuse(n, err, ...) (note_set(n, __VA_ARGS__), (err))
#endif

/* For what only a bug of ours can break, never for input from outside. Stops the Keep, aborts a hosted program. */
NORETURN void check_failed(const char *what, const char *file, unsigned line);
#define CHECK(cond)                                                                                                    \
	do {                                                                                                           \
		if (unlikely(!(cond)))                                                                                 \
			check_failed(#cond, __FILE__, __LINE__);                                                       \
	} while (0)

#endif
