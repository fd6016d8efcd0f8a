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
	{0},
};
