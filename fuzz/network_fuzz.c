/* SPDX-License-Identifier: Apache-2.0 */
/* A rule that is read can be in a manifest, and fits what it names; a host that is read is one. Input: RULE NUL HOST. */
#include "client/config/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge_host(struct slice text, const struct manifest_network *n)
{
	char host[NETWORK_NAME_MAX];
	uint8_t address[NETWORK_ADDRESS_MAX];
	size_t used, bytes;
	bool literal;

	if (network_host(text, host, &used) != OK)
		return;
	CHECK(used == text.size);
	literal = network_address(slice_of(host, used), address, &bytes) == OK;
	CHECK(literal != network_name_ok(slice_of(host, used)));
	(void)network_egress(n, slice_of(host, used), 443);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
	const size_t first = zero != NULL ? (size_t)(zero - data) : size;
	struct manifest_egress e = {.first = 0};
	struct manifest_network n = {.egress = &e, .egress_count = 1};
	struct rule_egress r;
	struct note note = {""};
	enum err err = rule_egress_parse(slice_of(data, first), &r, &note);

	CHECK((err == OK) == (note.text[0] == 0));
	if (err != OK)
		return 0;
	e = (struct manifest_egress){.host = slice_text(r.host),
	                             .address = slice_of(r.address, r.address_size),
	                             .prefix = r.prefix,
	                             .first = r.first,
	                             .last = r.last};
	CHECK((e.host.size > 0) != (e.address.size > 0) && e.first > 0 && e.first <= e.last && e.last <= 65535);
	CHECK(e.host.size > 0 ? network_pattern_ok(e.host) : network_prefix_ok(e.address, e.prefix));
	if (e.host.size > 0 && r.host[0] != '*')
		CHECK(network_egress(&n, e.host, e.first) == &e && network_egress(&n, e.host, e.last) == &e);
	if (zero != NULL)
		judge_host(slice_of(zero + 1, size - first - 1), &n);
	return 0;
}
