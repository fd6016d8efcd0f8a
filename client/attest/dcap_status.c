/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/dcap_status.h"

static bool at_least(const uint8_t *have, const uint8_t *want, unsigned from)
{
	for (unsigned i = from; i < PCK_COMPONENTS; i++)
		if (have[i] < want[i])
			return false;
	return true;
}

/* Which of two levels is the newer one? Component by component from the first, then PCESVN, then TDX's. */
static bool newer(const struct tcb_level *a, const struct tcb_level *b)
{
	int order = memcmp(a->sgx, b->sgx, PCK_COMPONENTS);

	if (order == 0 && a->pcesvn != b->pcesvn)
		return a->pcesvn > b->pcesvn;
	if (order == 0)
		order = memcmp(a->tdx, b->tdx, PCK_COMPONENTS);
	return order > 0;
}

const struct tcb_level *tcb_level_of(const struct tcb_info *t, const struct pck_ext *e, const uint8_t *tdx_svn)
{
	const struct tcb_level *best = NULL;

	for (size_t i = 0; i < t->level_count; i++) {
		const struct tcb_level *l = &t->level[i];

		if (!at_least(e->components, l->sgx, 0) || e->pcesvn < l->pcesvn)
			continue;
		if (tdx_svn != NULL && !at_least(tdx_svn, l->tdx, tdx_svn[1] > 0 ? 2 : 0))
			continue;
		if (best == NULL || newer(l, best))
			best = l;
	}
	return best;
}

const struct isv_level *isv_level_of(const struct isv_levels *l, uint32_t svn)
{
	const struct isv_level *best = NULL;

	for (size_t i = 0; i < l->count; i++)
		if (l->level[i].svn <= svn && (best == NULL || l->level[i].svn > best->svn))
			best = &l->level[i];
	return best;
}

const struct tdx_module *tdx_module_of(const struct tcb_info *t, uint8_t major)
{
	if (major == 0)
		return t->has_module ? &t->module : NULL;
	for (size_t i = 0; i < t->module_count; i++)
		if (t->modules[i].id == major)
			return &t->modules[i];
	return NULL;
}

enum tcb_status tcb_merge(enum tcb_status platform, enum tcb_status other)
{
	if (platform == TCB_REVOKED || other == TCB_REVOKED)
		return TCB_REVOKED;
	if (other != TCB_OUT_OF_DATE && other != TCB_OUT_OF_DATE_CONFIGURATION)
		return platform;
	switch (platform) {
	case TCB_UP_TO_DATE:
	case TCB_SW_HARDENING:
	case TCB_RELAUNCH: return TCB_OUT_OF_DATE;
	case TCB_CONFIGURATION:
	case TCB_CONFIGURATION_AND_SW_HARDENING:
	case TCB_RELAUNCH_CONFIGURATION: return TCB_OUT_OF_DATE_CONFIGURATION;
	default: return platform;
	}
}

static const struct tcb_level *newest(const struct tcb_info *t)
{
	const struct tcb_level *best = &t->level[0];

	for (size_t i = 1; i < t->level_count; i++)
		if (newer(&t->level[i], best))
			best = &t->level[i];
	return best;
}

/* Is the module that is loaded now the newest one? Without a major version its SVN is the platform's first component. */
static bool module_newest(const struct tcb_info *t, const uint8_t *svn2, const struct tcb_level *top)
{
	uint32_t want = top->tdx[0];

	if (svn2[1] != 0) {
		const struct tdx_module *m = tdx_module_of(t, svn2[1]);
		const struct isv_level *last = m != NULL ? isv_level_of(&m->levels, UINT32_MAX) : NULL;

		if (last == NULL)
			return false;
		want = last->svn;
	}
	return svn2[0] >= want && svn2[2] >= top->tdx[2];
}

static bool configuration(enum tcb_status s)
{
	return s == TCB_CONFIGURATION || s == TCB_CONFIGURATION_AND_SW_HARDENING || s == TCB_OUT_OF_DATE_CONFIGURATION;
}

enum tcb_status tcb_relaunch(const struct tcb_info *t, const struct relaunch *r)
{
	bool only_module = r->qe == TCB_UP_TO_DATE && r->module == TCB_OUT_OF_DATE && r->sgx < TCB_OUT_OF_DATE &&
	                   (r->merged == TCB_OUT_OF_DATE || r->merged == TCB_OUT_OF_DATE_CONFIGURATION);

	if (!only_module || t->level_count == 0 || !module_newest(t, r->svn2, newest(t)))
		return r->merged;
	return configuration(r->sgx) || configuration(r->merged) ? TCB_RELAUNCH_CONFIGURATION : TCB_RELAUNCH;
}
