/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that brochd parses: the first byte chooses. Besides not crashing, each must keep its promises: a refusal has a
 * status and words, what is accepted obeys the rules of the API.
 */
#include "host/agent/auth.h"
#include "host/agent/record.h"
#include "host/agent/request.h"

#include <stdlib.h>

static void check_fault(const struct fault *f)
{
	CHECK(f->status >= 400 && f->status < 600 && f->error[0] != 0);
	CHECK((f->status == 405) == (f->allow != NULL));
	for (const char *p = f->error; *p != 0; p++)
		CHECK(*p >= ' ' && *p <= '~');
}

static void head(struct slice in)
{
	size_t size = http_head_size(in);
	struct http_request r;
	struct fault f = {0};
	struct route route;

	CHECK(size <= in.size);
	if (size == 0 || size > HTTP_HEAD_MAX)
		return;
	if (http_parse(slice_of(in.data, size), &r, &f) != OK) {
		check_fault(&f);
		return;
	}
	CHECK(f.status == 0 && r.body_size <= HTTP_BODY_MAX);
	if (route_find(r.method, r.target, &route, &f) != OK) {
		check_fault(&f);
		return;
	}
	CHECK(route.call < CALL_COUNT);
	CHECK(route.keep[0] == 0 || name_valid(slice_text(route.keep)));
}

static void body(struct slice in)
{
	struct create_request r;
	struct fault f = {0};

	if (in.size > HTTP_BODY_MAX)
		return;
	if (request_parse(in, &r, &f) != OK) {
		check_fault(&f);
		return;
	}
	CHECK(r.name[0] == 0 || (name_valid(slice_text(r.name)) && !id_valid(slice_text(r.name))));
	CHECK(r.linger_s <= LINGER_MAX && (r.memory_max == 0 || r.memory_max >= 1 << 20));
}

static void tokens(struct slice in)
{
	struct client c = {0};
	struct tokens *t = NULL;
	struct note n = {0};

	if (tokens_parse(in, &t, &n) != OK)
		return;
	CHECK(!tokens_check(t, slice_text("Bearer not-one-of-them-not-one"), &c) || c.known);
	tokens_free(t);
}

static void record(struct slice in)
{
	struct note n = {0};
	bool same_boot;
	struct keep k;

	if (record_parse(in, &k, &same_boot, &n) != OK)
		return;
	CHECK(id_valid(slice_text(k.id)) && k.backend != NULL && k.tee != NULL && k.state < KEEP_STATE_COUNT);
	CHECK(k.pid >= 0 && k.linger_s <= LINGER_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(struct slice in) = {head, body, tokens, record};
	uint8_t *copy;

	if (size == 0)
		return 0;
	copy = malloc(size); /* of exactly this size: ASan sees a byte too far */
	if (copy == NULL)
		return 0;
	memcpy(copy, data + 1, size - 1);
	parsers[data[0] % ARRAY_COUNT(parsers)](slice_of(copy, size - 1));
	free(copy);
	return 0;
}
