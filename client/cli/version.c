/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/cli.h"

static int version_run(struct cli *c)
{
	if (c->json)
		return cli_json(c, json_pack("{s:s, s:s, s:i, s:i}", "schema", "broch.version/1", "version", BROCH_VERSION,
					     "session", 1, "api", 1));
	printf("broch %s\n", BROCH_VERSION);
	return STATUS_OK;
}

const struct verb verb_version = {
	.name = "version",
	.summary = "print the version",
	.operands = "",
	.details = "",
	.run = version_run,
};
