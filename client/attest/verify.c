/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/verify.h"

#include "client/attest/dcap.h"
#include "client/attest/snp.h"

#include <stdio.h>

/* One row, one kind of evidence. */
struct judge {
	const char *tee;    /* as in the envelope */
	const char *policy; /* as in the policy's `tee` */
	bool soft;
	bool (*accepted)(const struct policy *p);
	bool (*verify)(const struct verify_input *in, const struct envelope *e, struct verdict *v);
};

static bool snp_accepted(const struct policy *p)
{
	return p->snp.accepted;
}

static bool snp(const struct verify_input *in, const struct envelope *e, struct verdict *v)
{
	return snp_verify(in, e, &in->policy->snp, v);
}

static bool soft_accepted(const struct policy *p)
{
	return p->soft.accepted;
}

static bool soft(const struct verify_input *in, const struct envelope *e, struct verdict *v)
{
	return snp_verify(in, e, &in->policy->soft, v);
}

static bool sgx_accepted(const struct policy *p)
{
	return p->sgx.accepted;
}

static bool sgx(const struct verify_input *in, const struct envelope *e, struct verdict *v)
{
	return dcap_verify(in, e, &in->policy->sgx, false, v);
}

static bool tdx_accepted(const struct policy *p)
{
	return p->tdx.accepted;
}

static bool tdx(const struct verify_input *in, const struct envelope *e, struct verdict *v)
{
	return dcap_verify(in, e, &in->policy->tdx, true, v);
}

static const struct judge judges[] = {
	{"snp", "snp", false, snp_accepted, snp},
	{"soft-snp", "soft", true, soft_accepted, soft},
	{"sgx", "sgx", false, sgx_accepted, sgx},
	{"tdx", "tdx", false, tdx_accepted, tdx},
};

void verdict_add(struct verdict *v, const struct check *c)
{
	if (c->result == CHECK_FAIL)
		v->ok = false;
	/* Never drop a failure: without room the last place is the newest failure's. */
	if (v->check_count < VERDICT_CHECKS_MAX)
		v->checks[v->check_count++] = *c;
	else if (c->result == CHECK_FAIL)
		v->checks[VERDICT_CHECKS_MAX - 1] = *c;
}

const struct check *verdict_reason(const struct verdict *v)
{
	for (size_t i = 0; i < v->check_count; i++)
		if (v->checks[i].result == CHECK_FAIL)
			return &v->checks[i];
	return NULL;
}

static void fail(struct verdict *v, const char *id, const char *expected, const char *found, const char *cure)
{
	struct check k = {.id = id, .link = "policy", .result = CHECK_FAIL, .spec = ""};

	snprintf(k.expected, sizeof k.expected, "%s", expected);
	snprintf(k.found, sizeof k.found, "%s", found);
	snprintf(k.cure, sizeof k.cure, "%s", cure);
	verdict_add(v, &k);
}

static const struct judge *judge_of(struct slice tee)
{
	for (size_t i = 0; i < ARRAY_COUNT(judges); i++)
		if (slice_is(tee, judges[i].tee))
			return &judges[i];
	return NULL;
}

static void accepted(struct verdict *v, const char *tee, const char *word, bool soft_one, bool named)
{
	struct check k = {
	        .id = "evidence.tee", .link = "policy", .result = named ? CHECK_PASS : CHECK_FAIL, .spec = ""};

	snprintf(k.expected, sizeof k.expected, "a TEE that the policy names");
	snprintf(k.found, sizeof k.found, "%s%s", tee, soft_one ? ", a software stand-in that protects nothing" : "");
	if (!named)
		snprintf(k.cure, sizeof k.cure, "add \"%s\" to `tee` in the policy if you accept it", word);
	verdict_add(v, &k);
}

void verdict_clear(struct verdict *v)
{
	v->ok = v->soft = false;
	memset(v->tee, 0, sizeof v->tee);
	memset(v->measurement, 0, sizeof v->measurement);
	v->measurement_size = v->check_count = 0;
}

void verdict_begin(struct verdict *v, const char *tee, const char *policy_word, bool named)
{
	verdict_clear(v);
	snprintf(v->tee, sizeof v->tee, "%s", tee);
	v->ok = true;
	accepted(v, tee, policy_word, false, named);
}

static void tee_name(struct slice tee, char *out, size_t size)
{
	size_t n = tee.size < size - 1 ? tee.size : size - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = tee.data[i] > 0x20 && tee.data[i] < 0x7f ? (char)tee.data[i] : '?';
	out[n] = 0;
}

/*
 * v->ok is true from the start only while the checks run; it ends true when no check failed, all were judged and the
 * policy names this TEE. Every way out before that leaves it false.
 */
void verify_opened(const struct verify_input *in, const struct envelope *e, struct verdict *v)
{
	const struct judge *j = judge_of(e->tee);
	bool named;

	verdict_clear(v);
	tee_name(e->tee, v->tee, sizeof v->tee);
	if (j == NULL) {
		fail(v, "evidence.tee", "evidence of a TEE that can be judged", v->tee[0] != 0 ? v->tee : "none",
		     "this Keep gives no evidence that anybody could check");
		return;
	}
	v->soft = j->soft;
	v->ok = true;
	named = j->accepted(in->policy);
	accepted(v, j->tee, j->policy, j->soft, named);
	if (in->report_data.size != 0 && in->report_data.size != 64)
		fail(v, "evidence.binding", "64 bytes to be bound to", "another size", "");
	if (!j->verify(in, e, v))
		v->ok = false;
	if (!named)
		v->ok = false;
}

void verify_evidence(const struct verify_input *in, struct verdict *v)
{
	struct note n = {""};
	struct envelope e;

	if (envelope_decode(in->envelope, &e, &n) == OK) {
		verify_opened(in, &e, v);
		return;
	}
	verdict_clear(v);
	fail(v, "evidence.envelope", "an evidence envelope", n.text, "the file or the host's answer is damaged");
}
