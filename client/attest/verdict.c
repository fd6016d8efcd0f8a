/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/verdict.h"

#include "lib/base/hex.h"

/* The links in their order, and the check whose finding stands for the whole link when all went well (NULL: the last).
 */
static const struct link {
	const char *name, *speakers[3]; /* for each kind of evidence its own */
} links[] = {
        {"policy", {"evidence.tee"}},
        {"root", {"snp.root.name", "dcap.root.name"}},
        {"platform key", {"snp.key.extensions", "dcap.pck.extension"}},
        {"collateral", {"dcap.tcb_info.time"}},
        {"report", {"snp.report.tcb_minimum", "dcap.quote.read"}},
        {"measurement", {"snp.measurement", "sgx.measurement", "tdx.measurement"}},
        {"handshake", {"snp.report_data", "dcap.report_data"}},
        {"module", {NULL}},
};

static const char *tint(bool colour, const char *sequence)
{
	return colour ? sequence : "";
}

#define GREEN  "\033[32m"
#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

static bool known(const char *link)
{
	for (size_t i = 0; i < ARRAY_COUNT(links); i++)
		if (strcmp(links[i].name, link) == 0)
			return true;
	return false;
}

static void failure(FILE *f, const struct check *c, bool colour)
{
	fprintf(f, "%s\u2717%s %-13s %s: expected %s, found %s\n", tint(colour, RED), tint(colour, PLAIN), c->link,
	        c->id, c->expected, c->found);
	if (c->cure[0] != 0)
		fprintf(f, "  %-13s %s\n", "", c->cure);
}

static bool speaks(const struct link *l, const char *id)
{
	for (size_t i = 0; i < ARRAY_COUNT(l->speakers); i++)
		if (l->speakers[i] != NULL && strcmp(id, l->speakers[i]) == 0)
			return true;
	return l->speakers[0] == NULL;
}

static const char *spoken(const struct verdict *v, const struct link *l)
{
	const char *said = "";

	for (size_t i = 0; i < v->check_count; i++) {
		const struct check *c = &v->checks[i];

		if (strcmp(c->link, l->name) == 0 && speaks(l, c->id))
			said = c->found;
	}
	return said;
}

static void link_print(FILE *f, const struct verdict *v, const struct link *l, bool colour)
{
	unsigned passed = 0, failed = 0, skipped = 0;

	for (size_t i = 0; i < v->check_count; i++) {
		const struct check *c = &v->checks[i];

		if (strcmp(c->link, l->name) != 0)
			continue;
		passed += c->result == CHECK_PASS;
		skipped += c->result == CHECK_SKIP;
		failed += c->result == CHECK_FAIL;
		if (c->result == CHECK_FAIL)
			failure(f, c, colour);
	}
	if (failed > 0 || passed + skipped == 0)
		return;
	if (passed == 0) {
		fprintf(f, "%s-%s %-13s %s\n", tint(colour, YELLOW), tint(colour, PLAIN), l->name, spoken(v, l));
		return;
	}
	fprintf(f, "%s\u2713%s %-13s %s", tint(colour, GREEN), tint(colour, PLAIN), l->name, spoken(v, l));
	fprintf(f, passed == 1 ? "\n" : " (%u checks)\n", passed);
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
	for (size_t i = 0; i < ARRAY_COUNT(links); i++)
		link_print(f, v, &links[i], colour);
	for (size_t i = 0; i < v->check_count; i++)
		if (!known(v->checks[i].link) && v->checks[i].result == CHECK_FAIL)
			failure(f, &v->checks[i], colour);
	sum(f, v, colour);
}

void verdict_print_checks(FILE *f, const struct verdict *v, bool colour)
{
	static const struct {
		const char *mark, *tint;
	} marks[] = {[CHECK_PASS] = {"\u2713", GREEN}, [CHECK_FAIL] = {"\u2717", RED}, [CHECK_SKIP] = {"-", YELLOW}};

	for (size_t i = 0; i < v->check_count; i++) {
		const struct check *c = &v->checks[i];

		fprintf(f, "%s%s%s %s%s%s%s\n", tint(colour, marks[c->result].tint), marks[c->result].mark,
		        tint(colour, PLAIN), c->id, c->spec[0] != 0 ? " (" : "", c->spec, c->spec[0] != 0 ? ")" : "");
		if (c->expected[0] != 0)
			fprintf(f, "    expected %s\n", c->expected);
		fprintf(f, "    %s%s\n", c->result == CHECK_SKIP ? "" : "found    ", c->found);
		if (c->cure[0] != 0)
			fprintf(f, "    %s\n", c->cure);
	}
	sum(f, v, colour);
}

static json_t *check_json(const struct check *c)
{
	static const char *const results[] = {[CHECK_PASS] = "pass", [CHECK_FAIL] = "fail", [CHECK_SKIP] = "skip"};

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", c->id, "link", c->link, "result",
	                 results[c->result], "expected", c->expected, "found", c->found, "cure", c->cure, "spec",
	                 c->spec);
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
