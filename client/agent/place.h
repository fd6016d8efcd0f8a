/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host agent, seen from the tenant: doc/host-api.md over one connection that is kept between calls. What a host says
 * is bounded, cleaned of control characters before a person sees it, and believed in nothing: it is convenience.
 */
#ifndef BROCH_AGENT_PLACE_H
#define BROCH_AGENT_PLACE_H

#include "client/agent/wire.h"

#include <jansson.h>

enum { KEEP_ID_DIGITS = 12, KEEP_NAME_MAX = 64, PLACE_TIMEOUT_MS = 30000, PLACE_EARLY_MAX = 16 * 1024 };

struct place; /* heap */

struct place_options {
	const char *url;        /* unix:PATH or https://HOST[:PORT]; NULL: this machine's agent */
	const char *token_file; /* NULL: none */
	struct wire_tls tls;
	int wake_fd;            /* see wire.h */
	int timeout_ms;         /* for each answer and each step up to the start of a workload; 0: the default */
};

/* Only reads and checks the options; the connection is made by the first call. */
MUST_USE enum err place_open(const struct place_options *o, struct place **out, struct note *n);
/* A place that is reached over a socket connected already (taken over); `url` is for messages. */
MUST_USE enum err place_of_fd(int fd, const char *url, int wake_fd, int timeout_ms, struct place **out, struct note *n);
void place_close(struct place *p); /* takes NULL; wipes the token */
const char *place_url(const struct place *p);
int place_timeout(const struct place *p);

/*
 * One request: body may be NULL (stolen otherwise). *answer is the JSON the host gave, to be freed by json_decref, or
 * NULL when it gave none. A status other than 2xx is an error whose words come from the host: ERR_AUTH, ERR_NOT_FOUND,
 * ERR_EXISTS (409), ERR_CLOSED (410), ERR_LIMIT (429), else ERR_HOST.
 */
MUST_USE enum err place_call(struct place *p, const char *method, const char *path, json_t *body, json_t **answer,
			     struct note *n);
/* The two halves of place_call, for those who have something to do while the host works. */
MUST_USE enum err place_ask(struct place *p, const char *method, const char *path, json_t *body, struct note *n);
MUST_USE enum err place_answer(struct place *p, json_t **answer, struct note *n);

/*
 * Opens the byte pipe into a Keep. The connection leaves the place (*wire is the caller's); bytes that came behind the
 * head are copied into early[] (PLACE_EARLY_MAX of room).
 */
MUST_USE enum err place_session(struct place *p, const char *id, struct wire **wire, uint8_t *early, size_t *early_size,
				struct note *n);

/* An id, prefix or name as a user may give it: 1..64 of [a-z0-9._-], the first a letter or digit. */
bool keep_name_ok(const char *text);
/* What a host may call a Keep: exactly 12 lower-case hex digits. */
bool keep_id_ok(const char *text);
/* A text member of a host's answer, printable and at most `capacity` - 1 bytes; "" when it is not there. */
void host_text(const json_t *object, const char *key, char *out, size_t capacity);

#endif
