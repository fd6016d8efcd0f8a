/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/evidence_sev.h"

#include "client/attest/pef.h"
#include "client/attest/policy_rules.h"
#include "client/attest/say.h"
#include "client/attest/sev.h"
#include "lib/attest/sev_cert.h"

/* What the owner's guests must be: the bits of a policy that forbid things, unless they are tolerated. */
static struct sev_launch_rules launch_rules(const struct sev_rules *r, bool es)
{
	struct sev_launch_rules l = {
	        .api_major_min = r->minimum[0], .api_minor_min = r->minimum[1], .build_min = r->minimum[2]};

	l.policy_set = (r->debug ? 0 : (uint32_t)SEV_POLICY_NODBG) | (r->key_sharing ? 0 : (uint32_t)SEV_POLICY_NOKS) |
	               (r->migration ? 0 : (uint32_t)SEV_POLICY_NOSEND) | (es ? (uint32_t)SEV_POLICY_ES : 0);
	return l;
}

/* Of the digests that the policy names, the one found, else the first; empty: none is named. */
static struct slice wanted(const struct digest_list *l, struct slice found)
{
	if (l->count == 0)
		return slice_of(NULL, 0);
	return digest_list_has(l, found) ? found : slice_of(l->bytes, l->size);
}

/* ---- the platform ---- */

static struct sev_chain_input chain_input(const struct sev_rules *r)
{
	return (struct sev_chain_input){.root = r->root_set ? r->root : NULL,
	                                .api_major_min = r->minimum[0],
	                                .api_minor_min = r->minimum[1],
	                                .ceks = &r->ceks,
	                                .ocas = &r->ocas};
}

void evidence_sev_platform(const struct evidence_input *in, struct verdict *v)
{
	struct sev_chain_input chain = chain_input(&in->policy->sev);

	if (!sev_chain_split(in->evidence->bytes, chain.certs))
		memset(chain.certs, 0, sizeof chain.certs);
	sev_chain_verify(&chain, v);
}

/* ---- the launch ---- */

static void missing(struct verdict *v, const char *id, const char *expected, const char *cure)
{
	struct check c = {.id = id, .link = "policy", .result = CHECK_FAIL, .spec = ""};

	say(c.expected, "%s", expected);
	say(c.found, "none");
	say(c.cure, "%s", cure);
	verdict_add(v, &c);
	v->ok = false;
}

/* The measurement is a MAC over a digest that it does not say: each one named is tried. */
void evidence_sev_launch(const struct evidence_input *in, struct verdict *v)
{
	const struct sev_rules *r = &in->policy->sev;
	const struct sev_secrets *s = in->sev;
	struct sev_launch l = {0};
	size_t i = 0;

	if (s == NULL) {
		verdict_clear(v);
		snprintf(v->tee, sizeof v->tee, "sev");
		missing(v, "sev.launch.keys", "the session's keys: the measurement is a MAC with one of them",
		        "give the transport.keys that `broch sev session` wrote, and the firmware's version");
		return;
	}
	l = (struct sev_launch){s->api[0], s->api[1], s->api[2], s->policy, {0}};
	do {
		const struct sev_launch_rules rules = launch_rules(r, (s->policy & SEV_POLICY_ES) != 0);

		if (i < r->digests.count)
			memcpy(l.digest, r->digests.bytes + i * r->digests.size, sizeof l.digest);
		sev_launch_verify(&s->keys, &l, in->evidence->bytes, &rules, v);
	} while (!v->ok && ++i < r->digests.count);
}

/* ---- the report ---- */

static void chain_of(const struct collateral *set, struct sev_chain_input *chain)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct collateral_piece *p = &set->piece[i];

		for (unsigned k = 0; p->kind == COLLATERAL_SEV && k < SEV_LINK_COUNT; k++)
			if (chain->certs[k].size == 0 && strcmp(p->name, sev_link_names[k]) == 0)
				chain->certs[k] = p->bytes;
	}
}

void evidence_sev_report(const struct evidence_input *in, const struct collateral *set, struct verdict *v)
{
	const struct sev_rules *r = &in->policy->sev;
	struct sev_chain_input chain = chain_input(r);
	struct sev_report_input report = {.report = in->evidence->bytes};
	struct sev_launch_rules rules;
	struct sev_report read;
	struct verdict platform;
	bool es = false;

	chain_of(set, &chain);
	report.pek = chain.certs[SEV_LINK_PEK];
	report.mnonce = in->nonce != NULL ? *in->nonce : slice_of(NULL, 0);
	report.digest = slice_of("", 0);
	if (sev_report_parse(report.report, &read) == OK) {
		report.digest = wanted(&r->digests, read.digest);
		es = (read.policy & SEV_POLICY_ES) != 0;
	}
	rules = launch_rules(r, es);
	report.policy_set = rules.policy_set;
	report.policy_clear = rules.policy_clear;
	sev_chain_verify(&chain, &platform);
	sev_report_verify(&report, v);
	for (size_t i = 0; i < platform.check_count; i++)
		verdict_add(v, &platform.checks[i]);
}

/* ---- PEF ---- */

void evidence_pef(const struct evidence_input *in, struct verdict *v)
{
	const struct pef_input blob = {.blob = in->evidence->bytes, .key = in->pef_key, .rules = &in->policy->pef};
	uint8_t room[PEF_DIGESTS_MAX];
	struct esm_digests digests;

	pef_esm_verify(&blob, room, &digests, v);
	if (in->pef_key == NULL)
		missing(v, "pef.key", "the private key of one recipient: only it opens the blob",
		        "give it with --key FILE, or fd:N");
}
