/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict as one page in HTML (WHATWG HTML, section 13.1 and 13.3): plain elements and one SVG picture. Every text
 * goes through put(), which leaves no character that HTML could take for its own. The page's own security policy
 * forbids whatever slipped through: no script, nothing loaded.
 */
#include "client/attest/ear.h"
#include "client/attest/verdict.h"
#include "client/attest/x509.h"
#include "lib/base/hex.h"

enum { BOX_WIDTH = 300, BOX_HEIGHT = 56, BOX_GAP = 26, LINE_LETTERS = 42 };

/* ---- text ---- */

/* Other control characters and bytes that are no UTF-8 become '?': nothing of ours has any. */
static void put(FILE *f, const char *s, size_t most)
{
	for (size_t i = 0; i < most && s[i] != 0; i++) {
		const unsigned char b = (unsigned char)s[i];

		switch (b) {
		case '&': fputs("&amp;", f); break;
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '"': fputs("&quot;", f); break;
		case '\'': fputs("&#39;", f); break;
		default: fputc(b >= 0x20 && b < 0x7f ? b : '?', f);
		}
	}
}

static void put_all(FILE *f, const char *s)
{
	put(f, s, SIZE_MAX);
}

static void element(FILE *f, const char *tag, const char *text)
{
	fprintf(f, "<%s>", tag);
	put_all(f, text);
	fprintf(f, "</%s>\n", tag);
}

/* ---- the picture ---- */

static const struct {
	const char *class, *mark;
} results[] = {
        [CHECK_PASS] = {"pass", "&#10003;"}, [CHECK_FAIL] = {"fail", "&#10007;"}, [CHECK_SKIP] = {"skip", "&#8211;"}};

static enum check_result result_of(const struct link_sum *s)
{
	return s->failed > 0 ? CHECK_FAIL : s->passed > 0 ? CHECK_PASS : CHECK_SKIP;
}

static const char *first_failure(const struct verdict *v, unsigned link)
{
	for (size_t i = 0; i < v->check_count; i++)
		if (verdict_link_of(&v->checks[i]) == link && v->checks[i].result == CHECK_FAIL)
			return v->checks[i].id;
	return "";
}

static void box(FILE *f, const struct verdict *v, unsigned link, unsigned at)
{
	const struct link_sum s = verdict_link_sum(v, link);
	const enum check_result r = result_of(&s);
	const unsigned y = at * (BOX_HEIGHT + BOX_GAP) + 8;
	const char *words = r == CHECK_FAIL ? first_failure(v, link) : s.said;

	if (at > 0)
		fprintf(f, "<path class=\"arrow %s\" d=\"M%d %u v%d m-5 -7 l5 7 l5 -7\"/>\n", results[r].class,
		        BOX_WIDTH / 2 + 8, y - BOX_GAP, BOX_GAP);
	fprintf(f, "<g class=\"%s\"><rect x=\"8\" y=\"%u\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", results[r].class,
	        y, BOX_WIDTH, BOX_HEIGHT);
	fprintf(f, "<text class=\"name\" x=\"22\" y=\"%u\">%s ", y + 22, results[r].mark);
	put_all(f, verdict_link_name(link));
	fprintf(f, "</text>\n<text x=\"22\" y=\"%u\">", y + 43);
	put(f, words, LINE_LETTERS);
	fputs(strlen(words) > LINE_LETTERS ? "&#8230;</text></g>\n" : "</text></g>\n", f);
}

static void picture(FILE *f, const struct verdict *v)
{
	unsigned count = 0, at = 0;
	bool shown[VERDICT_LINKS];

	for (unsigned i = 0; i < VERDICT_LINKS; i++) {
		struct link_sum s = verdict_link_sum(v, i);

		shown[i] = s.passed + s.failed + s.skipped > 0;
		count += shown[i];
	}
	fprintf(f, "<svg role=\"img\" aria-label=\"chain of trust\" viewBox=\"0 0 %d %u\" width=\"%d\">\n",
	        BOX_WIDTH + 16, count * (BOX_HEIGHT + BOX_GAP), BOX_WIDTH + 16);
	for (unsigned i = 0; i < VERDICT_LINKS; i++)
		if (shown[i])
			box(f, v, i, at++);
	fputs("</svg>\n", f);
}

/* ---- tables ---- */

static void vector_table(FILE *f, const struct verdict *v)
{
	int8_t vector[EAR_CLAIM_COUNT];

	ear_vector(v, vector);
	fputs("<h2>Trustworthiness vector</h2>\n<table>\n", f);
	for (unsigned i = 0; i < EAR_CLAIM_COUNT; i++) {
		const enum check_result r = vector[i] == 0 ? CHECK_SKIP : vector[i] < 32 ? CHECK_PASS : CHECK_FAIL;

		fprintf(f, "<tr class=\"%s\"><th>%s</th><td>%d</td><td>",
		        vector[i] >= 32 && vector[i] < 96 ? "warn" : results[r].class, ear_claim_names[i], vector[i]);
		put_all(f, ear_value_text((enum ear_claim)i, vector[i]));
		fputs("</td></tr>\n", f);
	}
	fputs("</table>\n", f);
}

static void row(FILE *f, const char *name, const char *text)
{
	if (text == NULL || text[0] == 0)
		return;
	fprintf(f, "<tr><th>%s</th><td>", name);
	put_all(f, text);
	fputs("</td></tr>\n", f);
}

static void check_row(FILE *f, const struct check *c)
{
	fprintf(f, "<details class=\"%s\"%s><summary>%s ", results[c->result].class,
	        c->result == CHECK_FAIL ? " open" : "", results[c->result].mark);
	put_all(f, c->id);
	fputs(c->tolerated ? " <b>tolerated by the policy</b></summary>\n<table>\n" : "</summary>\n<table>\n", f);
	row(f, "expected", c->expected);
	row(f, c->result == CHECK_SKIP ? "not judged" : "found", c->found);
	row(f, "specified in", c->spec);
	row(f, "to do", c->cure);
	fputs("</table></details>\n", f);
}

static void link_checks(FILE *f, const struct verdict *v, unsigned link)
{
	const struct link_sum s = verdict_link_sum(v, link);

	if (s.passed + s.failed + s.skipped == 0)
		return;
	element(f, "h3", verdict_link_name(link));
	for (size_t i = 0; i < v->check_count; i++)
		if (verdict_link_of(&v->checks[i]) == link)
			check_row(f, &v->checks[i]);
}

/* ---- the page ---- */

static const char head[] =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>Broch: verdict</title>\n<style>\n"
        "body{font:15px/1.45 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1c1c1c;background:#fff}\n"
        "h1{font-size:1.5em}.banner{padding:.7em 1em;border-radius:8px;color:#fff;font-weight:bold}\n"
        ".banner.pass{background:#1b6e35}.banner.fail{background:#a3201d}.banner.warn{background:#8a5a00}\n"
        "table{border-collapse:collapse}th{text-align:left;font-weight:normal;color:#555;padding-right:1em;vertical-"
        "align:top}\n"
        "td{overflow-wrap:anywhere}summary{cursor:pointer}details{margin:.1em 0}details table{margin:.2em 0 .6em "
        "1.6em}\n"
        "svg rect{fill:#f6f6f6;stroke-width:2}svg text{font-size:12px;fill:#333}svg "
        ".name{font-size:15px;font-weight:bold}\n"
        "svg .arrow{fill:none;stroke-width:2}.pass rect,.arrow.pass{stroke:#1b6e35}.fail "
        "rect,.arrow.fail{stroke:#a3201d}\n"
        ".skip rect,.arrow.skip{stroke:#999;stroke-dasharray:4 3}\n"
        "details.fail summary,tr.fail td{color:#a3201d}details.pass summary,tr.pass td{color:#1b6e35}tr.warn "
        "td{color:#8a5a00}\n"
        ".chain{display:flex;flex-wrap:wrap;gap:2em}</style></head><body>\n";

static void banner(FILE *f, const struct verdict *v)
{
	const struct check *why = verdict_reason(v);
	const char *status = ear_status(v);
	const bool warn = v->ok && strcmp(status, "affirming") != 0;

	fprintf(f, "<p class=\"banner %s\">", !v->ok ? "fail" : warn ? "warn" : "pass");
	if (v->ok)
		put_all(f, v->soft ? "Accepted, but signed by a software stand-in: it proves nothing about the host"
		           : warn  ? "Accepted, with something tolerated"
		                   : "Accepted");
	else
		fputs("Refused: ", f);
	if (!v->ok)
		put_all(f, why != NULL ? why->id : "something could not be judged");
	fputs("</p>\n", f);
}

static void about_table(FILE *f, const struct verdict *v, const struct verdict_about *about)
{
	char hex[2 * sizeof v->measurement + 1], at[32];

	hex_encode(slice_of(v->measurement, v->measurement_size), hex);
	time_text(about->at, at, sizeof at);
	fputs("<table>\n", f);
	row(f, "evidence", about->file);
	row(f, "kind", about->kind);
	row(f, "TEE", v->tee);
	row(f, "measurement", hex);
	row(f, "policy", about->policy);
	row(f, "judged for", at);
	row(f, "judged by", "broch " BROCH_VERSION);
	fputs("</table>\n", f);
}

void verdict_page(FILE *f, const struct verdict *v, const struct verdict_about *about)
{
	fputs(head, f);
	element(f, "h1", "Is this evidence good?");
	banner(f, v);
	about_table(f, v, about);
	fputs("<div class=\"chain\"><div><h2>Chain of trust</h2>\n", f);
	picture(f, v);
	fputs("</div><div>\n", f);
	vector_table(f, v);
	fputs("</div></div>\n<h2>Every check</h2>\n", f);
	for (unsigned i = 0; i < VERDICT_LINKS; i++)
		link_checks(f, v, i);
	fputs("</body></html>\n", f);
}
