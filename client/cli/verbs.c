/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/cli.h"

#define VERB(name) extern const struct verb verb_##name;
#include "client/cli/verbs.def"
#undef VERB

const struct verb *const verbs[] = {
#define VERB(name) &verb_##name,
#include "client/cli/verbs.def"
#undef VERB
};
const size_t verb_count = ARRAY_COUNT(verbs);

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

const struct option options_common[] = {
	{"json", 0, false, NULL, "print JSON with stable keys"},
	{"quiet", 'q', false, NULL, "print the result and errors only"},
	{"verbose", 'v', false, NULL, "say more about what is done"},
	{"color", 0, false, "WHEN", "auto, always or never; NO_COLOR is obeyed"},
	{"help", 'h', false, NULL, "print this help"},
	{0},
};

const struct option options_host[] = {
	{"host", 'H', false, "URL", "the host agent: unix:PATH or https://NAME:PORT; default BROCH_HOST, else this machine's"},
	{"token-file", 0, false, "FILE", "file with the bearer token; default BROCH_TOKEN_FILE"},
	{"ca", 0, false, "FILE", "certificates (PEM) that may sign the host's, instead of the system's"},
	{"cert", 0, false, "FILE", "client certificate (PEM) to show to the host"},
	{"key", 0, false, "FILE", "private key (PEM) of the client certificate"},
	{"connect-timeout", 0, false, "TIME", "how long to wait for each answer until a workload runs; default 30s"},
	{0},
};

const struct option options_workload[] = {
	{"config", 0, false, "FILE", "read broch.toml or Enarx.toml; what is said here counts more (see broch config)"},
	{"env", 'e', true, "NAME[=VALUE]", "an environment variable; without a value, ours of that name"},
	{"env-file", 0, true, "FILE", "environment variables, one a line"},
	{"dir", 0, true, "DIR[:NAME]", "copy the files below DIR into the Keep, read-only, as NAME"},
	{"no-root", 0, false, NULL, "the program finds no directory open but mounts in memory"},
	{"memory", 'm', false, "SIZE", "most memory the workload may have, such as 64MiB; default 1GiB"},
	{"timeout", 0, false, "TIME", "end the workload after so long, such as 300ms or 2h"},
	{"cpu-time", 0, false, "TIME", "end the workload after so much computing"},
	{"no-stdin", 0, false, NULL, "give the workload an empty standard input"},
	{"interactive", 'i', false, NULL, "connect standard input (as is the rule without -d)"},
	{"check-code", 0, false, NULL, "let the Keep prove that compiled code stays in its sandbox before it runs"},
	{"show-chain", 0, false, NULL, "print the chain of trust that was verified"},
	{0},
};
