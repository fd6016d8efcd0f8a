/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/host.h"

#include "client/agent/interrupt.h"
#include "client/config/units.h"

#include <stdlib.h>

static const char *option_or_env(const struct cli *c, const char *option, const char *variable)
{
	const char *value = cli_value(c, option);

	if (value == NULL)
		value = getenv(variable);
	return value != NULL && value[0] != 0 ? value : NULL;
}

bool host_named(const struct cli *c)
{
	return option_or_env(c, "host", "BROCH_HOST") != NULL;
}

enum err host_timeout(const struct cli *c, int *ms, struct note *n)
{
	const char *text = cli_value(c, "connect-timeout");
	uint64_t ns = 0;

	*ms = 0;
	if (text == NULL)
		return OK;
	/* A bare number is seconds, as people are used to. */
	if (units_duration(slice_text(text), &ns) != OK &&
	    (units_size(slice_text(text), &ns) != OK || mul_overflows(ns, 1000000000U, &ns)))
		ns = 0;
	if (ns < 1000000 || ns > UINT64_C(86400000000000))
		return refuse(n, ERR_INVALID, "--connect-timeout %s: expected a time from 1ms to 24h, such as 10s", text);
	*ms = (int)(ns / 1000000);
	return OK;
}

enum err host_place(const struct cli *c, const char *url, struct place **out, struct note *n)
{
	struct place_options o = {
		.url = option_or_env(c, "host", "BROCH_HOST"),
		.token_file = option_or_env(c, "token-file", "BROCH_TOKEN_FILE"),
		.tls = {.ca = cli_value(c, "ca"), .cert = cli_value(c, "cert"), .key = cli_value(c, "key")},
		.wake_fd = interrupt_fd(),
	};

	if (o.url == NULL)
		o.url = url;
	TRY(host_timeout(c, &o.timeout_ms, n));
	return place_open(&o, out, n);
}

enum err host_name_check(const char *name, struct note *n)
{
	return keep_name_ok(name) ? OK : refuse(n, ERR_INVALID, "'%s' is no id or name of a Keep", name);
}

enum err host_keep(struct place *p, const char *method, const char *name, const char *suffix, json_t **answer,
		   struct note *n)
{
	char path[128];

	TRY(host_name_check(name, n));
	snprintf(path, sizeof path, "/v1/keeps/%s%s", name, suffix);
	return place_call(p, method, path, NULL, answer, n);
}
