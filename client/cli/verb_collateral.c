/* SPDX-License-Identifier: Apache-2.0 */
/* broch collateral check|fetch. Only fetch goes to the network, and only when it is asked to; a verdict never does. */
#include "client/attest/collateral_review.h"
#include "client/attest/collateral_where.h"
#include "client/cli/cli.h"
#include "client/cli/times.h"
#include "client/cli/web.h"
#include "client/config/units.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { PATH_SIZE = 4096, SOON_S = 7 * 86400 };

/* ---- check ---- */

/* What was named on the command line, in memory. */
struct opened {
	struct collateral *set;
	struct slice bytes;
	struct evidence evidence;
	bool has_evidence;
};

static enum err opened_evidence(struct cli *c, struct opened *o, struct note *n)
{
	struct note why = {""};
	const char *path = cli_value(c, "evidence");

	if (path == NULL)
		return OK;
	TRY(file_read(path, EVIDENCE_SIZE_MAX, &o->bytes, n));
	o->has_evidence = evidence_open(o->bytes, &o->evidence, &why) == OK;
	return o->has_evidence ? OK : refuse(n, ERR_FORMAT, "%s: %s", path, why.text);
}

static void opened_free(struct opened *o)
{
	evidence_close(&o->evidence);
	collateral_free(o->set);
	free((void *)(uintptr_t)o->bytes.data);
}

static int review(struct cli *c, const struct opened *o, int64_t at, uint64_t soon_s)
{
	struct review *r = malloc(sizeof *r);
	int status;

	if (r == NULL)
		return cli_fail(c, STATUS_FAILED, "out of memory");
	collateral_review(o->set, o->has_evidence ? &o->evidence : NULL, at, soon_s, r);
	status = review_good(r) ? STATUS_OK : STATUS_REFUSED;
	if (c->json) {
		int printed = cli_json(c, review_json(r));

		status = printed == STATUS_OK ? status : printed;
	} else {
		review_print(stdout, r, c->color_out);
		status = cli_flush(c, status);
	}
	free(r);
	return status;
}

static int collateral_check(struct cli *c)
{
	struct opened o = {.set = collateral_new()};
	uint64_t soon_ns = (uint64_t)SOON_S * 1000000000;
	int64_t at = (int64_t)time(NULL);
	struct note n = {""};
	enum err err = o.set != NULL ? OK : ERR_NOMEM;
	int status;

	if (cli_has(c, "at") && !time_of(cli_value(c, "at"), &at))
		status = cli_usage(c, TIME_USAGE, cli_value(c, "at"));
	else if (cli_has(c, "within") && units_duration(slice_text(cli_value(c, "within")), &soon_ns) != OK)
		status = cli_usage(c, "--within %s: a duration is a number and s, m, h or d, as in 7d",
		                   cli_value(c, "within"));
	else {
		for (size_t i = 1; err == OK && i < c->operand_count; i++)
			err = collateral_add_path(o.set, c->operands[i], &n);
		if (err == OK)
			err = opened_evidence(c, &o, &n);
		status = err == OK ? review(c, &o, at, soon_ns / 1000000000) : cli_fail_note(c, err, &n);
	}
	opened_free(&o);
	return status;
}

/* ---- fetch ---- */

static enum err save(const char *folder, const char *name, struct slice bytes, struct note *n)
{
	char path[PATH_SIZE];
	int used = snprintf(path, sizeof path, "%s/%s", folder, name);

	if (used < 0 || used >= (int)sizeof path)
		return refuse(n, ERR_LIMIT, "%s: the path is too long", folder);
	return file_replace(path, bytes, 0644, n);
}

static enum err save_chain(const char *folder, const struct where *w, const char *encoded, struct note *n)
{
	char name[WHERE_FILE_SIZE + 16];
	size_t size = 0;
	char *text = web_unescape(encoded, &size);
	enum err err;

	if (text == NULL)
		return refuse(n, ERR_FORMAT, "%s: the issuer chain in the header cannot be read", w->url);
	snprintf(name, sizeof name, "%.*s_chain.pem", (int)strcspn(w->file, "."), w->file);
	err = save(folder, name, slice_of(text, size), n);
	free(text);
	return err;
}

static enum err fetch_one(const char *folder, const struct where *w, struct note *n)
{
	struct web_answer a = {.body = NULL};
	enum err err = web_get(w->url, w->chain_header, &a, n);

	if (err == OK)
		err = save(folder, w->file, slice_of(a.body, a.size), n);
	if (err == OK && a.header != NULL)
		err = save_chain(folder, w, a.header, n);
	web_answer_free(&a);
	return err;
}

static enum err fetch_all(struct cli *c, struct opened *o, struct note *n)
{
	const struct where_wish wish = {.base = cli_value(c, "base"), .product = cli_value(c, "product")};
	const char *folder = c->operands[1];
	struct where_list list;

	if (mkdir(folder, 0755) != 0 && errno != EEXIST)
		return refuse(n, err_of_errno(errno), "%s: %s", folder, strerror(errno));
	TRY(collateral_add_path(o->set, folder, n));
	TRY(opened_evidence(c, o, n));
	TRY(collateral_where(&o->evidence, o->set, &wish, &list, n));
	for (size_t i = 0; i < list.count; i++) {
		cli_say(c, "fetching %s", list.at[i].url);
		TRY(fetch_one(folder, &list.at[i], n));
	}
	collateral_free(o->set);
	o->set = collateral_new();
	return o->set == NULL ? ERR_NOMEM : collateral_add_path(o->set, folder, n);
}

static int collateral_fetch(struct cli *c)
{
	struct opened o = {.set = collateral_new()};
	struct note n = {""};
	enum err err;
	int status;

	if (c->operand_count != 2 || !cli_has(c, "evidence")) {
		collateral_free(o.set);
		return cli_usage(c, "fetch needs one folder, and --evidence FILE: that says what is needed");
	}
	err = o.set == NULL ? ERR_NOMEM : fetch_all(c, &o, &n);
	status = err == OK ? review(c, &o, (int64_t)time(NULL), SOON_S) : cli_fail_note(c, err, &n);
	opened_free(&o);
	return status;
}

static int collateral_run(struct cli *c)
{
	if (strcmp(c->operands[0], "check") == 0 && c->operand_count > 1)
		return collateral_check(c);
	if (strcmp(c->operands[0], "fetch") == 0)
		return collateral_fetch(c);
	return cli_usage(c, "%s: say check FOLDER or fetch FOLDER", c->operands[0]);
}

static const struct option collateral_options[] = {
        {"evidence", 0, false, "FILE", "what the collateral is for: what is missing for it, or what to fetch"},
        {"at", 0, false, "TIME", "check: the time that counts, as 2026-01-31 or 2026-01-31T12:00:00Z; default: now"},
        {"within", 0, false, "TIME", "check: what ends within this time expires soon; default: 7d"},
        {"base", 0, false, "URL", "fetch: ask here instead of the vendors' services, as a cache of one's own"},
        {"product", 0, false, "NAME", "fetch: Milan, Genoa or Turin, for SNP reports of version 2, which do not say"},
        {0},
};

const struct verb verb_collateral = {
        .name = "collateral",
        .summary = "see what is missing or about to expire; fetch it from the vendors",
        .operands = "check|fetch PATH...",
        .options = collateral_options,
        .details =
                "Collateral is what a vendor says of its hardware: certificates, revocation lists, Intel's TCB info "
                "and QE "
                "identity. broch verify reads it from files and folders and never fetches any.\n\n"
                "check lists every piece in PATH (files or folders) with the time it is valid, and what is missing: "
                "for "
                "--evidence, or for the pieces themselves. Status 0: nothing is missing and everything is in its time. "
                "3: "
                "something is not.\n\n"
                "fetch asks AMD's Key Distribution Service or Intel's Provisioning Certification Service for what the "
                "evidence needs, writes it into the folder PATH, and checks it. The services learn which platform was "
                "asked about. What they answer is not believed: broch verify judges it. Proxies are taken from the "
                "environment (https_proxy, no_proxy).",
        .examples = "broch collateral check --within 14d intel/\n"
                    "broch collateral fetch --evidence quote.bin intel/\n"
                    "broch collateral fetch --evidence report.bin --base http://cache.example:8080 amd/\n",
        .min = 1,
        .max = 64,
        .run = collateral_run,
};
