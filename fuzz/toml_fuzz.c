/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as TOML, and what is TOML as a policy. Every value must have its place, every refusal its words. */
#include "client/attest/policy.h"
#include "client/config/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct toml_value *v, unsigned depth)
{
	CHECK(v->line >= 1 && v->column >= 1 && depth <= 3 * TOML_DEPTH_MAX);
	if (v->type == TOML_STRING)
		CHECK(v->u.string.data[v->u.string.size] == 0);
	for (size_t i = 0; v->type == TOML_ARRAY && i < v->u.array.count; i++)
		walk(v->u.array.items[i], depth + 1);
	for (size_t i = 0; v->type == TOML_TABLE && i < v->u.table.count; i++) {
		CHECK(v->u.table.pairs[i].key.data[v->u.table.pairs[i].key.size] == 0);
		walk(v->u.table.pairs[i].value, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t digest[1][48] = {{1}};
	struct toml *t = NULL;
	struct policy *p = NULL;
	struct note n = {""};

	if (toml_parse(slice_of(data, size), "f", &t, &n) != OK) {
		CHECK(n.text[0] == 'f' && t == NULL);
		return 0;
	}
	walk(toml_root(t), 0);
	toml_free(t);
	if (policy_parse(slice_of(data, size), "f", (struct policy_shipped){digest, 1}, &p, &n) == OK)
		policy_free(p);
	else
		CHECK(n.text[0] != 0 && p == NULL);
	return 0;
}
