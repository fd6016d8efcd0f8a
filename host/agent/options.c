/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/options.h"
#include "host/agent/request.h"

#include <stddef.h>

enum kind { TEXT, NUMBER, SIZE, SECONDS, FLAG, LISTEN, LEVEL, FORMAT, SOCKETS };

static const struct option {
	const char *name, *value; /* value: its name in the help, NULL for flags */
	enum kind kind;
	size_t offset;
	const char *help;
} table[] = {
#define AT(field) offsetof(struct options, field)
        {"listen", "ADDRESS", LISTEN, 0,
         "unix:PATH, tcp:HOST:PORT or fd:N (an inherited listening socket, or a connected Unix socket); may be repeated"},
        {"state", "DIR", TEXT, AT(state),
         "records and keys of the software TEE (default: /var/lib/broch or ~/.local/state/broch)"},
        {"tls-cert", "FILE", TEXT, AT(tls_cert), "certificate chain in PEM, for tcp:"},
        {"tls-key", "FILE", TEXT, AT(tls_key), "its private key in PEM"},
        {"token-file", "FILE", TEXT, AT(token_file), "a line NAME TOKEN for each client that may use tcp:"},
        {"client-ca", "FILE", TEXT, AT(client_ca), "accept clients with a certificate of these authorities (PEM)"},
        {"max-keeps", "N", NUMBER, AT(max_keeps), "Keeps that may run at once (default 256)"},
        {"max-keeps-per-client", "N", NUMBER, AT(max_keeps_per_client),
         "the same for one client (default: as many as --max-keeps)"},
        {"max-memory", "SIZE", SIZE, AT(max_memory), "memory all Keeps may use together (default: no limit)"},
        {"keep-memory-max", "SIZE", SIZE, AT(keep_memory_max),
         "memory one Keep may use: the default and the most (default 4G)"},
        {"max-connections", "N", NUMBER, AT(max_connections), "connections that may be open at once (default 1024)"},
        {"start-timeout", "SECONDS", SECONDS, AT(start_s), "kill a Keep that has not started by then (default 30)"},
        {"claim-timeout", "SECONDS", SECONDS, AT(claim_s), "stop a Keep no client came for (default 120, 0: never)"},
        {"sockets", "WHAT", SOCKETS, 0,
         "what workloads may open: none, loopback (default; with --private: any) or any"},
        {"image-dir", "DIR", TEXT, AT(image_dir),
         "where the Keep images are (default: beside brochd or in ../lib/broch)"},
        {"keeper", "PATH", TEXT, AT(keeper),
         "the program that runs one Keep (default: brochd-keep, searched in the same way)"},
        {"log-format", "FORMAT", FORMAT, 0, "text or json (default text), to standard error"},
        {"log-level", "LEVEL", LEVEL, 0, "error, warn, info or debug (default info)"},
        {"private", NULL, FLAG, AT(private_agent), "serve one parent process: no records, end when --parent-fd closes"},
        {"parent-fd", "N", NUMBER, AT(parent_fd), "with --private: the reading end of a pipe of the parent"},
        {"check", NULL, FLAG, AT(check), "check options, certificates, tokens and this machine, then exit"},
        {"help", NULL, FLAG, AT(help), "print this"},
        {"version", NULL, FLAG, AT(version), "print the version"},
#undef AT
};

void options_help(FILE *out)
{
	fprintf(out, "usage: brochd [--listen ADDRESS]... [OPTION]...\n"
	             "The host agent of Broch: starts Keeps and hands clients through to them. See brochd(8).\n\n");
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		char left[48];

		snprintf(left, sizeof left, "--%s %s", table[i].name, table[i].value == NULL ? "" : table[i].value);
		fprintf(out, "  %-28s %s\n", left, table[i].help);
	}
}

enum err size_parse(const char *text, uint64_t *out)
{
	static const char units[] = "KMGT";
	uint64_t n = 0;

	if (*text < '0' || *text > '9')
		return ERR_FORMAT;
	for (; *text >= '0' && *text <= '9'; text++)
		if (mul_overflows(n, 10u, &n) || add_overflows(n, (uint64_t)(*text - '0'), &n))
			return ERR_RANGE;
	if (*text != 0) {
		const char *unit = strchr(units, *text);

		if (unit == NULL || text[1] != 0)
			return ERR_FORMAT;
		if (mul_overflows(n, UINT64_C(1) << (10 * (unit - units + 1)), &n))
			return ERR_RANGE;
	}
	*out = n;
	return OK;
}

static enum err take_number(const struct option *t, const char *v, uint64_t *out, struct note *n)
{
	uint64_t most = t->kind == SECONDS ? 86400 : t->kind == NUMBER ? 1000000 : UINT64_MAX / 2;
	size_t digits = strspn(v, "0123456789");

	if ((t->kind != SIZE && v[digits] != 0) || size_parse(v, out) != OK || *out > most)
		return refuse(n, ERR_INVALID, "--%s %s: give a number%s up to %llu", t->name, v,
		              t->kind == SIZE ? " of bytes (K, M, G, T may follow)" : "", (unsigned long long)most);
	return OK;
}

static enum err take(struct options *o, const struct option *t, const char *v, struct note *n)
{
	uint8_t *field = (uint8_t *)o + t->offset;

	switch (t->kind) {
	case FLAG: *(bool *)field = true; return OK;
	case TEXT:
		if (v[0] == 0)
			return refuse(n, ERR_INVALID, "--%s: the value is empty", t->name);
		memcpy(field, &v, sizeof v);
		return OK;
	case LISTEN:
		if (o->listen_count == LISTEN_MAX)
			return refuse(n, ERR_LIMIT, "--listen: more than %d", LISTEN_MAX);
		o->listen[o->listen_count++] = v;
		return OK;
	case LEVEL:
		if (log_level_of(v, &o->log.level) != OK)
			return refuse(n, ERR_INVALID, "--log-level %s: use error, warn, info or debug", v);
		return OK;
	case FORMAT:
		if (strcmp(v, "text") != 0 && strcmp(v, "json") != 0)
			return refuse(n, ERR_INVALID, "--log-format %s: use text or json", v);
		o->log.json = v[0] == 'j';
		return OK;
	case SOCKETS:
		if (sockets_policy_of(v, &o->sockets) != OK)
			return refuse(n, ERR_INVALID, "--sockets %s: use none, loopback or any", v);
		o->sockets_said = true;
		return OK;
	case NUMBER:
	case SIZE:
	case SECONDS: return take_number(t, v, (uint64_t *)(void *)field, n);
	}
	return ERR_INVALID;
}

static enum err unknown(const char *arg, struct note *n)
{
	const char *names[ARRAY_COUNT(table)], *near;

	for (size_t i = 0; i < ARRAY_COUNT(table); i++)
		names[i] = table[i].name;
	near = arg[0] == '-' && arg[1] == '-' ? near_word(arg + 2, names, ARRAY_COUNT(table)) : NULL;
	if (near != NULL)
		return refuse(n, ERR_INVALID, "unknown option %s: did you mean --%s?", arg, near);
	return refuse(n, ERR_INVALID, "unknown argument %s: brochd --help lists the options", arg);
}

static enum err check_whole(const struct options *o, struct note *n)
{
	if ((o->tls_cert == NULL) != (o->tls_key == NULL))
		return refuse(n, ERR_INVALID, "--tls-cert and --tls-key go together: give both");
	if ((o->parent_fd != UINT64_MAX) != o->private_agent)
		return refuse(n, ERR_INVALID, "--private and --parent-fd go together: give both");
	if (o->max_keeps == 0 || o->max_keeps_per_client == 0 || o->max_connections == 0)
		return refuse(n, ERR_INVALID, "a maximum of 0 would serve nobody: give at least 1");
	if (o->keep_memory_max < 1 << 20)
		return refuse(n, ERR_INVALID, "--keep-memory-max: a Keep needs at least 1M");
	return OK;
}

enum err options_parse(int argc, char **argv, struct options *o, struct note *n)
{
	*o = (struct options){.max_keeps = 256,
	                      .max_keeps_per_client = UINT64_MAX,
	                      .keep_memory_max = UINT64_C(4) << 30,
	                      .max_connections = 1024,
	                      .start_s = 30,
	                      .claim_s = 120,
	                      .parent_fd = UINT64_MAX,
	                      .log = {.fd = 2, .level = LOG_AT_INFO}};
	for (int i = 1; i < argc; i++) {
		const struct option *t = NULL;
		size_t len = strcspn(argv[i], "=");
		const char *value = argv[i][len] == '=' ? argv[i] + len + 1 : NULL;

		for (size_t j = 0; j < ARRAY_COUNT(table) && t == NULL; j++)
			if (len > 2 && strncmp(argv[i], "--", 2) == 0 && strlen(table[j].name) == len - 2 &&
			    strncmp(argv[i] + 2, table[j].name, len - 2) == 0)
				t = &table[j];
		if (t == NULL)
			return unknown(argv[i], n);
		if (t->kind == FLAG && value != NULL)
			return refuse(n, ERR_INVALID, "--%s takes no value", t->name);
		if (t->kind != FLAG && value == NULL && (value = argv[++i]) == NULL)
			return refuse(n, ERR_INVALID, "--%s needs a value: --%s %s", t->name, t->name, t->value);
		TRY(take(o, t, value, n));
	}
	if (o->private_agent && !o->sockets_said)
		o->sockets = SOCKETS_ANY; /* who runs it is who wrote the configuration */
	if (o->max_keeps_per_client == UINT64_MAX)
		o->max_keeps_per_client = o->max_keeps;
	return check_whole(o, n);
}
