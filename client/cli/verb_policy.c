/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attest/policy_draft.h"
#include "client/attest/policy_explain.h"
#include "client/cli/tenant.h"
#include "sys/file.h"

#include <stdlib.h>

static int policy_init(struct cli *c)
{
	const char *tee = cli_value(c, "tee"), *text;

	if (c->operand_count > 1)
		return cli_usage(c, "init prints to standard output: redirect it into a file");
	if (cli_has(c, "soft") && tee != NULL && strcmp(tee, "soft") != 0)
		return cli_usage(c, "--soft is --tee soft: give one of them");
	tee = tee != NULL ? tee : cli_has(c, "soft") ? "soft" : "snp";
	text = policy_template(tee);
	if (text == NULL)
		return cli_usage(c, "--tee %s: say snp, sgx, tdx, nitro, vtpm, cca, sev, sev-es, pef or soft", tee);
	if (c->json)
		return cli_json(c, json_pack("{s:s, s:s}", "schema", "broch.policy-template/1", "toml", text));
	fputs(text, stdout);
	return cli_flush(c, STATUS_OK);
}

static int policy_check(struct cli *c)
{
	struct tenant_policy p = {0};
	struct note n = {""};
	enum err err = policy_load(c->operand_count > 1 ? c->operands[1] : NULL, &p, &n);
	int status;

	if (err != OK)
		return cli_fail_note(c, err, &n);
	if (c->json) {
		status = cli_json(c, policy_explain_json(p.policy));
	} else {
		printf("%s ", p.name);
		policy_explain(stdout, p.policy);
		status = cli_flush(c, STATUS_OK);
	}
	policy_drop(&p);
	return status;
}

/* Into memory first: half a policy shall not be taken for one. */
static int draft(struct cli *c, const struct evidence *e, const struct collateral *set)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	struct note n = {""};
	enum err err = f == NULL ? ERR_NOMEM : policy_draft(f, e, set, &n);
	int status;

	if (f != NULL && fclose(f) != 0 && err == OK)
		err = ERR_NOMEM;
	if (err != OK)
		status = cli_fail(c, STATUS_FAILED, "%s: %s", c->operands[1], n.text[0] != 0 ? n.text : err_text(err));
	else if (c->json)
		status = cli_json(c, json_pack("{s:s, s:s}", "schema", "broch.policy-template/1", "toml", text));
	else
		status = cli_flush(c, fputs(text, stdout) < 0 ? STATUS_FAILED : STATUS_OK);
	free(text);
	return status;
}

static int policy_from_evidence(struct cli *c)
{
	struct collateral *set = collateral_new();
	struct slice bytes = {0};
	struct evidence e = {0};
	struct note n = {""};
	const char *path;
	size_t at = 0;
	int status;
	enum err err = set == NULL ? ERR_NOMEM : OK;

	if (c->operand_count < 2) {
		collateral_free(set);
		return cli_usage(c, "from-evidence needs a file of evidence");
	}
	while (err == OK && (path = cli_next(c, "collateral", &at)) != NULL)
		err = collateral_add_path(set, path, &n);
	if (err == OK)
		err = file_read(c->operands[1], EVIDENCE_SIZE_MAX, &bytes, &n);
	if (err == OK)
		err = evidence_open(bytes, &e, &n);
	status = err == OK ? draft(c, &e, set) : cli_fail_note(c, err, &n);
	evidence_close(&e);
	collateral_free(set);
	free((void *)(uintptr_t)bytes.data);
	return status;
}

static int policy_run(struct cli *c)
{
	if (strcmp(c->operands[0], "init") == 0)
		return policy_init(c);
	if (strcmp(c->operands[0], "check") == 0)
		return policy_check(c);
	if (strcmp(c->operands[0], "from-evidence") == 0)
		return policy_from_evidence(c);
	return cli_usage(c, "%s: say init, check or from-evidence", c->operands[0]);
}

static const struct option policy_options[] = {
        {"tee", 0, false, "NAME", "init: for which hardware: snp (the default), sgx, tdx, nitro, vtpm, cca, sev, sev-es, pef or soft"},
        {"soft", 0, false, NULL, "init: a policy for development, which accepts the software stand-in of this machine"},
        {"collateral", 'C', true, "PATH", "from-evidence: where the PCR values of a vTPM and a TD quote are"},
        {0},
};

const struct verb verb_policy = {
        .name = "policy",
        .summary = "write a policy file, or explain what one lets through",
        .operands = "init|check|from-evidence [FILE]",
        .options = policy_options,
        .details = "A policy says which hardware, firmware, images and machines you accept. Nothing is accepted "
                   "because a line was left "
                   "out, and a line that is not understood is an error.\n\n"
                   "init prints one for a kind of hardware, with every key and what it means; fill in what stands in "
                   "<>. check reads FILE (default: "
                   "$XDG_CONFIG_HOME/broch/policy.toml), "
                   "and says what it lets through; a line with ! weakens it.\n\n"
                   "from-evidence writes a draft that accepts what a file of evidence says of itself (see broch verify "
                   "for "
                   "the kinds). Nobody has judged it: read it, and compare the measurements with your own build.",
        .examples = "broch policy init > policy.toml\n"
                    "broch policy init --tee tdx > tdx.toml\n"
                    "broch policy check policy.toml\n"
                    "broch policy from-evidence quote.bin > draft.toml\n",
        .min = 1,
        .max = 2,
        .run = policy_run,
};
