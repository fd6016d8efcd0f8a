/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1.1 request, read strictly: what two readers could understand differently (bare line feeds,
 * folded or repeated headers, white space before a colon, transfer codings) is refused. Bytes in, struct out; no input
 * or output.
 */
#ifndef BROCH_HOST_AGENT_HTTP_H
#define BROCH_HOST_AGENT_HTTP_H

#include "host/agent/fault.h"
#include "lib/base/slice.h"

enum {
	HTTP_HEAD_MAX = 16 * 1024, /* request line and headers, with the empty line */
	HTTP_HEADERS_MAX = 64,
	HTTP_TARGET_MAX = 2048,
	HTTP_BODY_MAX = 64 * 1024,
};

enum http_method { HTTP_GET, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

struct http_request { /* the slices point into the head */
	enum http_method method;
	struct slice target;
	struct slice authorization; /* data is NULL without the header */
	struct slice upgrade;       /* what the client wants to switch to; size 0 unless Connection says upgrade too */
	size_t body_size;
	bool close; /* the client wants no further request on this connection */
};

/* The size of the head at the start of `in`, with its empty line; 0 when it has not come whole yet. */
size_t http_head_size(struct slice in);
/* `head` is what http_head_size counted. On failure *f says why (400, 411, 413, 414, 417, 431, 501, 505). */
MUST_USE enum err http_parse(struct slice head, struct http_request *out, struct fault *f);
/* The standard phrase for a status we send. */
const char *http_phrase(unsigned status);

#endif
