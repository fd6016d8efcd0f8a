/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/verdict.h"

#include "lib/base/hex.h"

/* The links in their order, and the checks whose finding stands for the whole link when all went well: for each kind of
 * evidence its own. */
static const struct link {
	const char *name, *speakers[9];
} links[VERDICT_LINKS] = {
        {"policy", {"evidence.tee"}},
        {"root", {"snp.root.name", "dcap.root.name", "nitro.root.pinned", "cca.platform.key",
          "sev.ark.pinned"}},
        {"platform key",
         {"snp.key.extensions", "dcap.pck.extension", "nitro.chain.signature", "cca.platform.signature",
          "sev.pek.api", "pef.recipient"}},
        {"collateral", {"dcap.tcb_info.time"}},
        {"report", {"snp.report.tcb_minimum", "dcap.quote.read", "nitro.doc.read", "cca.token.read",
                    "sev.report.form", "pef.blob.read"}},
        {"measurement", {"snp.measurement", "sgx.measurement", "tdx.measurement", "nitro.pcrs", "cca.measurement",
                         "sev.launch.measure", "sev.report.digest", "pef.kernel"}},
        {"handshake",
         {"snp.report_data", "dcap.report_data", "nitro.nonce", "ratls.evidence.key", "enarx.csr.signature",
          "vtpm.tpm.signature", "cca.challenge", "sev.report.nonce"}},
        {"module", {"workload.module", "manifest.module"}},
        {"other", {NULL}},
};
/* Checks of which there are several in a link: each has a line of its own below it. */
static const char *const several[] = {"workload.library", "manifest.library"};

const char *verdict_link_name(unsigned link)
{
	return links[link].name;
}

unsigned verdict_link_of(const struct check *c)
{
	unsigned i = 0;

	while (i < VERDICT_LINKS - 1 && strcmp(links[i].name, c->link) != 0)
		i++;
	return i;
}

static const char *tint(bool colour, const char *sequence)
{
	return colour ? sequence : "";
}

#define GREEN  "\033[32m"
#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

static void failure(FILE *f, const struct check *c, bool colour)
{
	fprintf(f, "%s\u2717%s %-13s %s: expected %s, found %s", tint(colour, RED), tint(colour, PLAIN), c->link, c->id,
	        c->expected, c->found);
	fprintf(f, c->spec[0] != 0 ? " (%s)\n" : "\n", c->spec);
	if (c->cure[0] != 0)
		fprintf(f, "  %-13s %s\n", "", c->cure);
}

static bool is_among(const char *const *ids, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] != NULL && strcmp(id, ids[i]) == 0)
			return true;
	return false;
}

static bool speaks(const struct link *l, const char *id)
{
	return is_among(l->speakers, ARRAY_COUNT(l->speakers), id);
}

/* The last speaker; without one, the last check that found something. */
struct link_sum verdict_link_sum(const struct verdict *v, unsigned link)
{
	struct link_sum s = {.said = ""};
	bool spoken = false;

	for (size_t i = 0; i < v->check_count; i++) {
		const struct check *c = &v->checks[i];
		bool speaker;

		if (verdict_link_of(c) != link)
			continue;
		speaker = speaks(&links[link], c->id);
		s.passed += c->result == CHECK_PASS;
		s.failed += c->result == CHECK_FAIL;
		s.skipped += c->result == CHECK_SKIP;
		if (speaker || (!spoken && c->found[0] != 0))
			s.said = c->found;
		spoken = spoken || speaker;
	}
	return s;
}

static void link_print(FILE *f, const struct verdict *v, unsigned link, bool colour)
{
	struct link_sum s = verdict_link_sum(v, link);

	for (size_t i = 0; s.failed > 0 && i < v->check_count; i++)
		if (verdict_link_of(&v->checks[i]) == link && v->checks[i].result == CHECK_FAIL)
			failure(f, &v->checks[i], colour);
	if (s.failed > 0 || s.passed + s.skipped == 0)
		return;
	if (s.passed == 0) {
		fprintf(f, "%s-%s %-13s %s\n", tint(colour, YELLOW), tint(colour, PLAIN), links[link].name, s.said);
		return;
	}
	fprintf(f, "%s\u2713%s %-13s %s", tint(colour, GREEN), tint(colour, PLAIN), links[link].name, s.said);
	fprintf(f, s.passed == 1 ? "\n" : " (%u checks)\n", s.passed);
	for (size_t i = 0; i < v->check_count; i++)
		if (verdict_link_of(&v->checks[i]) == link && is_among(several, ARRAY_COUNT(several), v->checks[i].id))
			fprintf(f, "  %-13s %s\n", "", v->checks[i].found);
}

static void sum(FILE *f, const struct verdict *v, bool colour)
{
	const struct check *why = verdict_reason(v);

	if (v->ok && v->soft)
		fprintf(f, "%saccepted, but signed by a software stand-in: it proves nothing about the host%s\n",
		        tint(colour, YELLOW), tint(colour, PLAIN));
	else if (v->ok)
		fprintf(f, "%saccepted%s\n", tint(colour, GREEN), tint(colour, PLAIN));
	else
		fprintf(f, "%srefused%s: %s\n", tint(colour, RED), tint(colour, PLAIN),
		        why != NULL ? why->id : "something could not be judged");
}

void verdict_print(FILE *f, const struct verdict *v, bool colour)
{
	for (unsigned i = 0; i < VERDICT_LINKS; i++)
		link_print(f, v, i, colour);
	sum(f, v, colour);
}

/* ---- the tree ---- */

static const struct {
	const char *mark, *tint;
} marks[] = {[CHECK_PASS] = {"\u2713", GREEN}, [CHECK_FAIL] = {"\u2717", RED}, [CHECK_SKIP] = {"-", YELLOW}};

static void leaf(FILE *f, const struct check *c, bool last, bool colour)
{
	const char *bar = last ? "\u2502       " : "\u2502  \u2502    ";

	fprintf(f, "\u2502  %s %s%s%s %s%s", last ? "\u2514\u2500" : "\u251c\u2500",
	        tint(colour, marks[c->result].tint), marks[c->result].mark, tint(colour, PLAIN), c->id,
	        c->tolerated ? " (tolerated by the policy)" : "");
	fprintf(f, c->spec[0] != 0 ? " (%s)\n" : "\n", c->spec);
	if (c->expected[0] != 0)
		fprintf(f, "%sexpected %s\n", bar, c->expected);
	if (c->found[0] != 0)
		fprintf(f, "%s%s%s\n", bar, c->result == CHECK_SKIP ? "" : "found    ", c->found);
	if (c->cure[0] != 0)
		fprintf(f, "%sto do    %s\n", bar, c->cure);
}

static void branch(FILE *f, const struct verdict *v, unsigned link, bool colour)
{
	struct link_sum s = verdict_link_sum(v, link);
	unsigned left = s.passed + s.failed + s.skipped;
	enum check_result r = s.failed > 0 ? CHECK_FAIL : s.passed > 0 ? CHECK_PASS : CHECK_SKIP;

	if (left == 0)
		return;
	fprintf(f, "\u251c\u2500 %s%s%s %s\n", tint(colour, marks[r].tint), marks[r].mark, tint(colour, PLAIN),
	        links[link].name);
	for (size_t i = 0; i < v->check_count; i++)
		if (verdict_link_of(&v->checks[i]) == link)
			leaf(f, &v->checks[i], --left == 0, colour);
}

void verdict_print_checks(FILE *f, const struct verdict *v, bool colour)
{
	fprintf(f, "%s\n", v->tee[0] != 0 ? v->tee : "evidence");
	for (unsigned i = 0; i < VERDICT_LINKS; i++)
		branch(f, v, i, colour);
	fputs("\u2514\u2500 ", f);
	sum(f, v, colour);
}

/* ---- JSON ---- */

static json_t *check_json(const struct check *c)
{
	static const char *const results[] = {[CHECK_PASS] = "pass", [CHECK_FAIL] = "fail", [CHECK_SKIP] = "skip"};

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "id", c->id, "link", c->link, "result",
	                 results[c->result], "expected", c->expected, "found", c->found, "cure", c->cure, "spec",
	                 c->spec, "tolerated", (int)c->tolerated);
}

json_t *verdict_json(const struct verdict *v)
{
	const struct check *why = verdict_reason(v);
	char digest[2 * sizeof v->measurement + 1];
	json_t *checks = json_array();

	hex_encode(slice_of(v->measurement, v->measurement_size), digest);
	for (size_t i = 0; i < v->check_count; i++)
		if (json_array_append_new(checks, check_json(&v->checks[i])) != 0) {
			json_decref(checks);
			return NULL;
		}
	return json_pack("{s:s, s:b, s:s, s:b, s:s, s:s?, s:o}", "schema", "broch.verdict/1", "ok", (int)v->ok, "tee",
	                 v->tee, "soft", (int)v->soft, "measurement", digest, "reason", why != NULL ? why->id : NULL,
	                 "checks", checks);
}
