/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/policy_explain.h"

#include "client/attest/policy_rules.h"

#include <inttypes.h>
#include <stdarg.h>

enum { LINE_SIZE = 200, LINES_MAX = 48 };

struct line {
	bool warning;
	char text[LINE_SIZE];
};

struct lines {
	struct line line[LINES_MAX];
	size_t count;
};

PRINTF_LIKE(3, 4) static void say(struct lines *l, bool warning, const char *fmt, ...)
{
	va_list args;

	if (l->count == LINES_MAX)
		return;
	l->line[l->count].warning = warning;
	va_start(args, fmt);
	vsnprintf(l->line[l->count++].text, LINE_SIZE, fmt, args);
	va_end(args);
}

static void tolerance(struct lines *l, bool tolerated, const char *what)
{
	if (tolerated)
		say(l, true, "%s", what);
}

static void minimum(struct lines *l, const struct snp_rules *r, unsigned product)
{
	const struct snp_tcb *t = &r->minimum[product];
	const struct snp_tcb none = {{0}};
	bool any = snp_tcb_le(t, &none);

	say(l, any, "%s: TCB at least boot loader %u, TEE %u, SNP %u, microcode %u%s", snp_products[product].name,
	    t->part[SNP_TCB_BOOT_LOADER], t->part[SNP_TCB_TEE], t->part[SNP_TCB_SNP], t->part[SNP_TCB_MICROCODE],
	    any ? ": any firmware, also one with known holes" : "");
}

static void snp_lines(struct lines *l, const struct snp_rules *r)
{
	say(l, false, "AMD SEV-SNP, reports from VMPL %u, signed by a %s", r->vmpl,
	    r->vcek && r->vlek ? "VCEK or VLEK"
	    : r->vlek          ? "VLEK"
	                       : "VCEK");
	for (unsigned i = 0; i < SNP_SOFT; i++)
		if ((r->products >> i & 1) != 0)
			minimum(l, r, i);
	tolerance(l, r->debug, "guests that the host may debug: it can read and change all their memory");
	tolerance(l, r->migration, "guests that a migration agent may take away");
	tolerance(l, r->masked_chip_id, "machines that hide which one they are");
	tolerance(l, r->vlek, "a VLEK proves a cloud provider, not a machine");
	tolerance(l, r->smt, "guests that share cores with sibling threads");
	tolerance(l, !r->crl_required, "chains without a revocation list");
	for (unsigned i = 0; i < SNP_PIN_COUNT; i++)
		if (r->pins[i].count > 0)
			say(l, false, "%s: one of %zu", snp_pins[i].key, r->pins[i].count);
}

static void limit_lines(struct lines *l, const struct policy_limits *m)
{
	if (m->memory_bytes != 0)
		say(l, false, "memory up to %" PRIu64 " bytes", m->memory_bytes);
	if (m->wall_ns != 0)
		say(l, false, "%" PRIu64 " ms of time", m->wall_ns / 1000000);
	if (m->cpu_ns != 0)
		say(l, false, "%" PRIu64 " ms of processor time", m->cpu_ns / 1000000);
	if (m->open_files != 0)
		say(l, false, "%" PRIu64 " open files", m->open_files);
	if (m->file_bytes != 0)
		say(l, false, "%" PRIu64 " bytes of files", m->file_bytes);
}

static void explain(const struct policy *p, struct lines *l)
{
	say(l, false, "%zu launch digest%s", p->measurements.count, p->measurements.count == 1 ? "" : "s");
	if (p->platform_ids.count > 0)
		say(l, false, "%zu platform%s, by id", p->platform_ids.count, p->platform_ids.count == 1 ? "" : "s");
	else if (p->snp.accepted)
		say(l, true, "any machine under AMD's root, wherever it stands (platform_ids is not set)");
	if (p->snp.accepted)
		snp_lines(l, &p->snp);
	tolerance(l, p->soft.accepted, "a software stand-in (soft-snp), which proves nothing about the host");
	limit_lines(l, &p->limits);
}

void policy_explain(FILE *f, const struct policy *p)
{
	struct lines l = {.count = 0};

	explain(p, &l);
	fputs("accepts\n", f);
	for (size_t i = 0; i < l.count; i++)
		if (!l.line[i].warning)
			fprintf(f, "    %s\n", l.line[i].text);
	for (size_t i = 0; i < l.count; i++)
		if (l.line[i].warning)
			fprintf(f, "  ! %s\n", l.line[i].text);
}

json_t *policy_explain_json(const struct policy *p)
{
	struct lines l = {.count = 0};
	json_t *accepts = json_array(), *warnings = json_array();

	explain(p, &l);
	for (size_t i = 0; i < l.count; i++)
		json_array_append_new(l.line[i].warning ? warnings : accepts, json_string(l.line[i].text));
	return json_pack("{s:s, s:o, s:o}", "schema", "broch.policy/1", "accepts", accepts, "warnings", warnings);
}
