/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a verdict: tree, attestation result, page. The page is checked tag by tag. */
#include "client/attest/verdict.h"

#include "client/attest/ear.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct check check(const char *id, const char *link, enum check_result r)
{
	struct check c = {.id = id, .link = link, .result = r, .spec = "section 1"};

	snprintf(c.expected, sizeof c.expected, "expected of %s", id);
	snprintf(c.found, sizeof c.found, "found of %s", id);
	if (r == CHECK_FAIL)
		snprintf(c.cure, sizeof c.cure, "cure of %s", id);
	return c;
}

static void good(struct verdict *v, const char *tee)
{
	static const char *const checks[][2] = {{"evidence.tee", "policy"},
	                                        {"dcap.root.pinned", "root"},
	                                        {"dcap.pck.signature", "platform key"},
	                                        {"dcap.tcb.status", "platform key"},
	                                        {"dcap.tcb_info.time", "collateral"},
	                                        {"tdx.debug", "report"},
	                                        {"tdx.xfam", "report"},
	                                        {"tdx.measurement", "measurement"},
	                                        {"dcap.report_data", "handshake"}};

	verdict_begin(v, tee, tee, true);
	for (size_t i = 1; i < ARRAY_COUNT(checks); i++) {
		struct check c = check(checks[i][0], checks[i][1], CHECK_PASS);

		verdict_add(v, &c);
	}
}

static char *text_of(const struct verdict *v, void (*print)(FILE *, const struct verdict *, bool))
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	print(f, v, false);
	fclose(f);
	return text;
}

static char *page_of(const struct verdict *v, const char *file)
{
	const struct verdict_about about = {.file = file, .kind = "a test", .at = 0};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	verdict_page(f, v, &about);
	fclose(f);
	return text;
}

/* ---- the tree ---- */

static void the_tree_shows_every_check_and_what_to_do(void **state)
{
	static const char *const words[] = {"tdx.debug",
	                                    "(section 1)",
	                                    "expected of tdx.measurement",
	                                    "found of dcap.root.pinned",
	                                    "to do    cure of strange.thing",
	                                    "(tolerated by the policy)",
	                                    "other",
	                                    "refused: strange.thing"};
	struct verdict v;
	struct check c = check("tdx.migration", "report", CHECK_PASS),
	             strange = check("strange.thing", "a new link", CHECK_FAIL);
	char *text;

	(void)state;
	good(&v, "tdx");
	c.tolerated = true;
	verdict_add(&v, &c);
	verdict_add(&v, &strange);
	text = text_of(&v, verdict_print_checks);
	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (strstr(text, words[i]) == NULL)
			fail_msg("%s is not in\n%s", words[i], text);
	free(text);
	text = text_of(&v, verdict_print);
	assert_non_null(strstr(
	        text, "strange.thing: expected expected of strange.thing, found found of strange.thing (section 1)"));
	assert_non_null(strstr(text, "cure of strange.thing"));
	free(text);
}

/* ---- the attestation result ---- */

static void a_good_verdict_affirms(void **state)
{
	static const int8_t want[EAR_CLAIM_COUNT] = {
	        [EAR_CONFIGURATION] = 2, [EAR_EXECUTABLES] = 3, [EAR_HARDWARE] = 2, [EAR_RUNTIME] = 2};
	int8_t vector[EAR_CLAIM_COUNT];
	struct verdict v;

	(void)state;
	good(&v, "tdx");
	ear_vector(&v, vector);
	assert_memory_equal(vector, want, sizeof want);
	assert_string_equal(ear_status(&v), "affirming");
}

static void each_failure_is_in_its_claim(void **state)
{
	static const struct {
		const char *id, *link;
		enum ear_claim claim;
		int8_t value;
	} rows[] = {
	        {"dcap.root.pinned", "root", EAR_HARDWARE, 97},
	        {"dcap.pck.signature", "platform key", EAR_HARDWARE, 99},
	        {"dcap.quote.signature", "report", EAR_HARDWARE, 99},
	        {"dcap.qe.binding", "report", EAR_HARDWARE, 99},
	        {"snp.report.tcb_minimum", "report", EAR_HARDWARE, 97},
	        {"snp.report.vmpl", "report", EAR_CONFIGURATION, 96},
	        {"snp.report.debug", "report", EAR_RUNTIME, 96},
	        {"snp.measurement", "measurement", EAR_EXECUTABLES, 33},
	        {"vtpm.tpm.pinned", "handshake", EAR_EXECUTABLES, 33},
	        {"dcap.ppid", "platform key", EAR_INSTANCE, 97},
	        {"a.new.check", "root", EAR_HARDWARE, 97},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct check c = check(rows[i].id, rows[i].link, CHECK_FAIL);
		int8_t vector[EAR_CLAIM_COUNT];
		struct verdict v;

		good(&v, "tdx");
		verdict_add(&v, &c);
		ear_vector(&v, vector);
		if (vector[rows[i].claim] != rows[i].value)
			fail_msg("%s: %d", rows[i].id, vector[rows[i].claim]);
		assert_string_equal(ear_status(&v), "contraindicated");
		assert_string_not_equal(ear_value_text(rows[i].claim, rows[i].value), "nothing is claimed");
	}
}

static void what_is_tolerated_warns(void **state)
{
	static const struct {
		const char *id, *link;
		enum ear_claim claim;
		int8_t value;
	} rows[] = {{"tdx.debug", "report", EAR_RUNTIME, 96},
	            {"dcap.tcb.status", "platform key", EAR_HARDWARE, 32},
	            {"tdx.migration", "report", EAR_RUNTIME, 96}};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct check c = check(rows[i].id, rows[i].link, CHECK_PASS);
		int8_t vector[EAR_CLAIM_COUNT];
		struct verdict v;

		good(&v, "tdx");
		c.tolerated = true;
		verdict_add(&v, &c);
		ear_vector(&v, vector);
		assert_int_equal(vector[rows[i].claim], rows[i].value);
		assert_true(v.ok);
		assert_string_equal(ear_status(&v), "warning");
	}
}

/* Evidence that answers nobody's question may be old, or somebody else's. */
static void what_is_bound_to_nothing_warns(void **state)
{
	static const char *const binding[] = {"snp.report_data",      "dcap.report_data", "nitro.nonce",
	                                      "nitro.user_data",      "nitro.public_key", "cca.challenge",
	                                      "ratls.evidence.nonce", "sev.report.nonce", "sev.launch.measure"};
	struct check vtpm = check("vtpm.tpm.signature", "handshake", CHECK_PASS),
	             nonce = check("vtpm.tpm.nonce", "handshake", CHECK_PASS);
	struct verdict v;

	(void)state;
	good(&v, "tdx");
	v.checks[v.check_count - 1].result = CHECK_SKIP;
	assert_true(v.ok);
	assert_string_equal(ear_status(&v), "warning");
	for (size_t i = 0; i < ARRAY_COUNT(binding); i++) {
		v.checks[v.check_count - 1] = check(binding[i], "handshake", CHECK_PASS);
		assert_string_equal(ear_status(&v), "affirming");
	}
	verdict_add(&v, &vtpm); /* the hardware is bound to the vTPM, the vTPM to nothing */
	assert_string_equal(ear_status(&v), "warning");
	verdict_add(&v, &nonce);
	assert_string_equal(ear_status(&v), "affirming");
}

static void a_stand_in_and_nitro_do_not_affirm(void **state)
{
	struct verdict v;

	(void)state;
	good(&v, "soft-snp");
	v.soft = true;
	assert_string_equal(ear_status(&v), "warning");
	good(&v, "nitro");
	assert_string_equal(ear_status(&v), "warning"); /* set apart, not encrypted */
}

static void the_result_has_the_members_of_an_ear(void **state)
{
	const struct slice nonce = slice_of("\xfb\xff\xfe\x01", 4);
	struct verdict v;
	json_t *o, *submod;

	(void)state;
	good(&v, "tdx");
	o = verdict_json(&v);
	assert_int_equal(ear_add(o, &v, 1750000000, &nonce), OK);
	submod = json_object_get(json_object_get(o, "submods"), "tdx");
	assert_string_equal(json_string_value(json_object_get(submod, "ear.status")), "affirming");
	assert_int_equal(
	        json_integer_value(json_object_get(json_object_get(submod, "ear.trustworthiness-vector"), "hardware")),
	        2);
	assert_null(json_object_get(json_object_get(submod, "ear.trustworthiness-vector"), "file-system"));
	assert_int_equal(json_integer_value(json_object_get(o, "iat")), 1750000000);
	assert_string_equal(json_string_value(json_object_get(o, "eat_nonce")), "-__-AQ");
	assert_non_null(json_object_get(json_object_get(o, "ear.verifier-id"), "build"));
	assert_true(json_is_true(json_object_get(o, "ok")));
	json_decref(o);
}

/* ---- the page ---- */

/* Every tag is one of ours, and each that is opened is closed. */
static void tags_are_ours(const char *page)
{
	static const char *const known[] = {"html", "head", "meta",  "title", "style",   "body",    "h1",  "h2",
	                                    "h3",   "p",    "table", "tr",    "th",      "td",      "div", "svg",
	                                    "g",    "rect", "text",  "path",  "details", "summary", "b"};
	char open[64][12];
	unsigned depth = 0;

	for (const char *at = strchr(page, '<'); at != NULL; at = strchr(at + 1, '<')) {
		const bool closing = at[1] == '/';
		size_t len = strspn(at + 1 + closing, "abcdefghijklmnopqrstuvwxyz123"), i = 0;
		const char *name = at + 1 + closing, *end = strchr(at, '>');
		bool self;

		if (at[1] == '!')
			continue;
		assert_non_null(end);
		while (i < ARRAY_COUNT(known) && (strlen(known[i]) != len || memcmp(known[i], name, len) != 0))
			i++;
		if (i == ARRAY_COUNT(known))
			fail_msg("a tag that is not ours: %.20s", at);
		self = end[-1] == '/' || strcmp(known[i], "meta") == 0;
		if (closing) {
			assert_true(depth > 0);
			assert_string_equal(open[--depth], known[i]);
		} else if (!self) {
			assert_true(depth < 64);
			snprintf(open[depth++], sizeof open[0], "%s", known[i]);
		}
	}
	assert_int_equal(depth, 0);
}

static void the_page_needs_nothing_and_lets_nothing_through(void **state)
{
	static const char *const never[] = {
	        "<script", "<img", "onerror=\"", "http:", "https:", "href=", "url(", "@import", "\x01", "\xff"};
	static const char evil[] = "</td></table><script>alert(1)</script><img src=x onerror=\"x\">'&\x01\xff";
	struct check c = check("snp.report.read", "report", CHECK_FAIL);
	struct verdict v;
	char *page;

	(void)state;
	good(&v, "<script>");
	snprintf(c.found, sizeof c.found, "%s", evil);
	snprintf(c.expected, sizeof c.expected, "%s", evil);
	snprintf(c.cure, sizeof c.cure, "%s", evil);
	verdict_add(&v, &c);
	c = check("snp.root.name", "root", CHECK_PASS); /* shown in the picture */
	snprintf(c.found, sizeof c.found, "%s", evil);
	verdict_add(&v, &c);
	page = page_of(&v, evil);
	tags_are_ours(page);
	for (size_t i = 0; i < ARRAY_COUNT(never); i++) {
		const char *at = strstr(page, never[i]);

		if (at != NULL)
			fail_msg("%s stands in the page: %.40s", never[i], at);
	}
	assert_non_null(strstr(page, "default-src 'none'"));
	assert_non_null(strstr(page, "&lt;script&gt;alert(1)"));
	assert_non_null(strstr(page, "Refused: snp.report.read"));
	free(page);
}

static void the_page_says_what_it_comes_to(void **state)
{
	struct check c = check("tdx.migration", "report", CHECK_PASS);
	struct verdict v;
	char *page;

	(void)state;
	good(&v, "tdx");
	page = page_of(&v, "quote.bin");
	tags_are_ours(page);
	assert_non_null(strstr(page, ">Accepted<"));
	assert_non_null(strstr(page, "quote.bin"));
	assert_non_null(strstr(page, "1970-01-01T00:00:00Z"));
	assert_null(strstr(page, "details class=\"fail\""));
	free(page);
	c.tolerated = true;
	verdict_add(&v, &c);
	page = page_of(&v, NULL);
	assert_non_null(strstr(page, "Accepted, with something tolerated"));
	free(page);
	v.soft = true;
	page = page_of(&v, NULL);
	assert_non_null(strstr(page, "a software stand-in: it proves nothing"));
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_tree_shows_every_check_and_what_to_do),
	        cmocka_unit_test(a_good_verdict_affirms),
	        cmocka_unit_test(each_failure_is_in_its_claim),
	        cmocka_unit_test(what_is_tolerated_warns),
	        cmocka_unit_test(what_is_bound_to_nothing_warns),
	        cmocka_unit_test(a_stand_in_and_nitro_do_not_affirm),
	        cmocka_unit_test(the_result_has_the_members_of_an_ear),
	        cmocka_unit_test(the_page_needs_nothing_and_lets_nothing_through),
	        cmocka_unit_test(the_page_says_what_it_comes_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
