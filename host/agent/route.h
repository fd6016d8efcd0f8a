/* SPDX-License-Identifier: Apache-2.0 */
/* From method and path to one call of the API. Pure; everything the client wrote is decoded and checked here. */
#ifndef BROCH_HOST_AGENT_ROUTE_H
#define BROCH_HOST_AGENT_ROUTE_H

#include "host/agent/http.h"

enum { KEEP_ID_LEN = 12, KEEP_NAME_MAX = 63 };

enum call {
	CALL_PLATFORM,
	CALL_KEEP_CREATE,
	CALL_KEEP_LIST,
	CALL_KEEP_GET,
	CALL_KEEP_DELETE,
	CALL_KEEP_STOP,
	CALL_KEEP_EVENTS,
	CALL_KEEP_SESSION,
	CALL_METRICS,
	CALL_COUNT
};

struct route {
	enum call call;
	char keep[KEEP_NAME_MAX + 1]; /* id, id prefix or name; "" when the call names none */
	bool follow;
};

/* 400 (escapes, ids, query), 404, 405 with f->allow. */
MUST_USE enum err route_find(enum http_method method, struct slice target, struct route *out, struct fault *f);

/* Names: 1 to 63 of a-z 0-9 . _ -, starting with a letter or digit. */
bool name_valid(struct slice name);
/* 12 lower-case hex digits. */
bool id_valid(struct slice id);

#endif
