/* SPDX-License-Identifier: Apache-2.0 */
/* `broch config`: what run and deploy would make of a configuration file, without a Keep. */
#include "client/agent/pack.h"
#include "client/cli/tenant.h"
#include "client/cli/workload.h"
#include "client/config/show.h"

static int config_init(struct cli *c)
{
	const char *text = config_template(cli_has(c, "enarx"));

	if (c->operand_count > 1)
		return cli_usage(c, "init prints to standard output: redirect it into a file");
	if (c->json)
		return cli_json(c, json_pack("{s:s, s:s}", "schema", "broch.config-template/1", "toml", text));
	fputs(text, stdout);
	return cli_flush(c, STATUS_OK);
}

/* The file (or the package's) and the command line over it, as run does. */
static enum err effective(const struct cli *c, struct config **out, struct note *n)
{
	char path[WORKLOAD_PATH];
	enum err err;

	*out = NULL;
	TRY(workload_config(c->operands[1], path, n));
	TRY(config_new(out));
	err = path[0] != 0 ? config_load(*out, path, n) : OK;
	return err == OK ? workload_options(c, 2, *out, n) : err;
}

/* Everything run would refuse before it asks a host: files and secrets are read, the manifest is made. */
static enum err rehearse(struct config *config, struct note *n)
{
	struct bundle *b = NULL;
	enum err err = bundle_new(&b);

	if (err == OK)
		bundle_any_module(b);
	if (err == OK)
		err = pack(config, "program", b, n);
	if (err == OK)
		err = bundle_seal(b, n);
	bundle_free(b);
	return err;
}

static int report(struct cli *c, const struct config *config)
{
	if (c->json)
		return cli_json(c, config_show_json(config));
	if (strcmp(c->operands[0], "show") == 0)
		config_show(stdout, config, cli_has(c, "origin"));
	else
		printf("%s: good\n", config->file != NULL ? config->file : "no file, the defaults");
	return cli_flush(c, STATUS_OK);
}

static int config_read_verb(struct cli *c)
{
	struct config *config = NULL;
	struct note n = {""};
	enum err err;
	int status;

	if (c->operand_count < 2)
		return cli_usage(c, "%s what? Give a file, or a folder with one", c->operands[0]);
	err = effective(c, &config, &n);
	if (err == OK && strcmp(c->operands[0], "check") == 0)
		err = rehearse(config, &n);
	for (size_t i = 0; err == OK && i < config->remark_count; i++)
		cli_say(c, "%s", config->remarks[i]);
	status = err == OK ? report(c, config) : cli_fail_note(c, err, &n);
	config_free(config);
	return status;
}

static int config_run(struct cli *c)
{
	const char *what = c->operands[0];

	if (strcmp(what, "init") == 0)
		return config_init(c);
	if (strcmp(what, "check") == 0 || strcmp(what, "show") == 0)
		return config_read_verb(c);
	return cli_usage(c, "%s: say init, check or show", what);
}

static const struct option config_options[] = {
        {"enarx", 0, false, NULL, "init: an Enarx.toml instead of a broch.toml"},
        {"origin", 0, false, NULL, "show: say at each value where it came from"},
        {"env", 'e', true, "NAME[=VALUE]", "as in run: an environment variable; without a value, ours of that name"},
        {"env-file", 0, true, "FILE", "as in run: environment variables, one a line"},
        {"dir", 0, true, "DIR[:NAME]", "as in run: the files below DIR, as NAME"},
        {"memory", 'm', false, "SIZE", "as in run: most memory the workload may have"},
        {"timeout", 0, false, "TIME", "as in run: end the workload after so long"},
        {"cpu-time", 0, false, "TIME", "as in run: end the workload after so much computing"},
        {0},
};

const struct verb verb_config = {
        .name = "config",
        .summary = "write a configuration file, check one, or show what comes of it",
        .operands = "init|check|show [FILE|FOLDER [ARG...]]",
        .options = config_options,
        .details =
                "broch.toml and Enarx.toml say what a program is given: arguments, variables, open files, limits, "
                "mounts, secrets, further modules, and which sockets it may open when it runs, as paths below /net: "
                "egress = [\"db.example.org:5432\"] allows /net/tcp/db.example.org/5432 and /net/tls/..., ingress = "
                "[8443] /net/listen/tcp/8443 and /net/listen/tls/8443. [[modules]] names further modules (name, file), which are "
                "made in their order before the program; each may import from those before it by their names, and the "
                "program from all. A library is a reactor: its _initialize runs first, and it has no _start.\n\n"
                "init prints one to begin with. check does all that run does before it asks for a Keep: it reads the "
                "file, the files and secrets it names, and makes the manifest. show prints the configuration that "
                "comes of file and command line together, as TOML (secrets stay references); with --json as an "
                "object in which every value has its origin. FOLDER stands for the broch.toml or Enarx.toml in it.",
        .examples = "broch config init > broch.toml\n"
                    "broch config check broch.toml\n"
                    "broch config show --origin -e LANG=C folder\n",
        .min = 1,
        .max = UINT32_MAX,
        .run = config_run,
};
