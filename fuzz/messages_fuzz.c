/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the message; a body that is taken is the one encoding of what it says. Envelopes, too. */
#include "lib/attest/envelope.h"
#include "lib/session/messages.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be(struct slice body, const uint8_t *out, size_t size)
{
	CHECK(size == body.size && memcmp(out, body.data, size) == 0);
}

#define M(name)                                                                                                        \
	static void try_##name(struct slice body, uint8_t *out)                                                        \
	{                                                                                                              \
		struct msg_##name m;                                                                                   \
		size_t size;                                                                                           \
		if (msg_##name##_decode(body, &m) != OK)                                                               \
			return;                                                                                        \
		CHECK(msg_##name##_encode(&m, out, body.size, &size) == OK);                                           \
		must_be(body, out, size);                                                                              \
	}
SESSION_MESSAGES(M)
#undef M

static void try_envelope(struct slice body, uint8_t *out)
{
	struct envelope e;
	size_t size;

	if (envelope_decode(body, &e, NULL) != OK)
		return;
	CHECK(envelope_encode(&e, out, body.size, &size) == OK);
	must_be(body, out, size);
}

static void try_workload_file(struct slice body, uint8_t *out)
{
	struct workload_file f;
	size_t size;

	if (workload_file_decode(body, &f, NULL) != OK)
		return;
	CHECK(workload_file_encode(&f, out, body.size, &size) == OK);
	must_be(body, out, size);
}

static void (*const tries[])(struct slice, uint8_t *) = {
	try_envelope,
	try_workload_file,
#define M(name) try_##name,
	SESSION_MESSAGES(M)
#undef M
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *out = malloc(size + 1);

	if (size > 0)
		tries[data[0] % ARRAY_COUNT(tries)](slice_of(data + 1, size - 1), out);
	free(out);
	return 0;
}
