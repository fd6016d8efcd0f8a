/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 answers, sans-I/O: what a host says before the session takes over. Every size has a maximum, nothing is
 * believed beyond its framing. Only what the host agent's API needs: no continuation lines, no compression, no trailers.
 */
#ifndef BROCH_AGENT_HTTP_H
#define BROCH_AGENT_HTTP_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { HTTP_HEAD_MAX = 16 * 1024, HTTP_BODY_MAX = 4 << 20 };

enum http_framing { HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

struct http_head {
	unsigned status; /* 100..599 */
	enum http_framing framing;
	uint64_t length; /* for HTTP_LENGTH */
	bool close;      /* the connection cannot carry another request */
	bool upgrade;    /* status 101 to what we asked for */
};

/*
 * Parses the head at the start of `in`. ERR_AGAIN: the blank line is not there yet. *used is the head's size. A 1xx or
 * 204 or 304 answer has no body (length 0).
 */
MUST_USE enum err http_head_parse(struct slice in, const char *protocol, struct http_head *out, size_t *used,
				  struct note *n);

/* Takes the body apart as it comes. Zero it, set head, then feed; done is set with the last byte. */
struct http_body {
	struct http_head head;
	uint64_t left;  /* private: of the length or the chunk */
	unsigned state; /* private */
	unsigned line;  /* private: bytes of the line so far */
	bool done;
};
void http_body_begin(struct http_body *b, const struct http_head *head);
/*
 * Takes at most one run of content bytes: *content points into `in` (may be empty), *used says how much of `in` is
 * consumed. Call again while *used > 0 and not done.
 */
MUST_USE enum err http_body_feed(struct http_body *b, struct slice in, struct slice *content, size_t *used,
				 struct note *n);
/* The connection ended: was that the end of the body? */
MUST_USE enum err http_body_end(struct http_body *b, struct note *n);

#endif
