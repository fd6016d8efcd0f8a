/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as Intel's signed statements, bare and as the service's answer: what is read keeps to the header's limits.
 */
#include "client/attest/dcap_collateral.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void levels(const struct isv_levels *l)
{
	CHECK(l->count <= DCAP_ISV_LEVELS_MAX);
	for (size_t i = 0; i < l->count; i++)
		CHECK(l->level[i].status <= TCB_REVOKED); /* the last two are never said */
}

static void tcb(struct slice text)
{
	static struct tcb_info t;
	struct note n = {""};

	if (tcb_info_parse(text, &t, &n) != OK) {
		CHECK(n.text[0] != 0);
		return;
	}
	CHECK(t.level_count <= DCAP_LEVELS_MAX && t.module_count <= DCAP_MODULES_MAX);
	for (size_t i = 0; i < t.level_count; i++)
		CHECK(t.level[i].status <= TCB_REVOKED && memchr(t.level[i].date, 0, sizeof t.level[i].date) != NULL);
	for (size_t i = 0; i < t.module_count; i++)
		levels(&t.modules[i].levels);
	tcb_info_free(&t);
}

static void qe(struct slice text)
{
	static struct qe_identity q;
	struct note n = {""};

	if (qe_identity_parse(text, &q, &n) != OK) {
		CHECK(n.text[0] != 0);
		return;
	}
	levels(&q.levels);
	qe_identity_free(&q);
}

static void answer(struct slice whole, const char *member)
{
	struct slice text, signature;

	if (dcap_unwrap(whole, member, &text, &signature) != OK)
		return;
	CHECK(text.data >= whole.data && text.data + text.size <= whole.data + whole.size);
	CHECK(signature.data >= whole.data && signature.data + signature.size <= whole.data + whole.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice whole = slice_of(data, size);

	tcb(whole);
	qe(whole);
	answer(whole, "tcbInfo");
	answer(whole, "enclaveIdentity");
	return 0;
}
