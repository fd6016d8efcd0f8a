/* SPDX-License-Identifier: Apache-2.0 */
#include "host/keeper/args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"Usage: brochd-keep --id ID --image FILE --backend kvm|process --state DIR --memory-max BYTES\n"
	"                   [--tee soft-snp|none] [--linger SECONDS] [--user NAME] [--kvm-known CODE]\n"
	"\n"
	"Runs one Keep. brochd starts it, with a SOCK_SEQPACKET socket as descriptor 3 on which the two talk; it is not\n"
	"meant to be started by hand.\n"
	"\n"
	"  --id ID            name of the Keep, shown in the process list\n"
	"  --image FILE       the Keep image: an ELF file made for the backend\n"
	"  --backend NAME     kvm: a virtual machine; process: a process, for development\n"
	"  --tee NAME         where evidence comes from (default: soft-snp)\n"
	"  --state DIR        where a software TEE keeps its keys\n"
	"  --memory-max BYTES what the Keep may grow to, besides its image\n"
	"  --linger SECONDS   end a Keep to which no client comes in that time, at least\n"
	"                     a minute (default: 0, never)\n"
	"  --kvm-known CODE   how vCPUs are set up here, as another keeper found out\n"
	"                     (default: 0, find out)\n"
	"  --user NAME        user to become when started as root (default: nobody)\n"
	"  --help, --version\n";

static const struct vmm_backend *const backends[] = {&vmm_kvm, &vmm_process};
static const struct tee_backend *const tees[] = {&tee_soft_snp};

enum { ID = 1, IMAGE, BACKEND, TEE, STATE, MEMORY_MAX, LINGER, KVM_KNOWN, USER, HELP, VERSION };

static const struct option table[] = {
	{"id", required_argument, NULL, ID},
	{"image", required_argument, NULL, IMAGE},
	{"backend", required_argument, NULL, BACKEND},
	{"tee", required_argument, NULL, TEE},
	{"state", required_argument, NULL, STATE},
	{"memory-max", required_argument, NULL, MEMORY_MAX},
	{"linger", required_argument, NULL, LINGER},
	{"kvm-known", required_argument, NULL, KVM_KNOWN},
	{"user", required_argument, NULL, USER},
	{"help", no_argument, NULL, HELP},
	{"version", no_argument, NULL, VERSION},
	{0},
};

static enum err parse_number(const char *option, const char *text, uint64_t *out, struct note *n)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0)
		return refuse(n, ERR_INVALID, "--%s %s: not a decimal number", option, text);
	return OK;
}

static enum err find_backend(const char *name, const struct vmm_backend **out, struct note *n)
{
	for (size_t i = 0; i < ARRAY_COUNT(backends); i++)
		if (strcmp(backends[i]->name, name) == 0) {
			*out = backends[i];
			return OK;
		}
	return refuse(n, ERR_NOT_FOUND, "--backend %s: there are kvm and process", name);
}

static enum err find_tee(const char *name, const struct tee_backend **out, struct note *n)
{
	*out = NULL;
	if (strcmp(name, "none") == 0)
		return OK;
	for (size_t i = 0; i < ARRAY_COUNT(tees); i++)
		if (strcmp(tees[i]->name, name) == 0) {
			*out = tees[i];
			return OK;
		}
	return refuse(n, ERR_NOT_FOUND, "--tee %s: there are soft-snp and none", name);
}

static enum err take(int option, const char *text, struct args *o, struct note *n)
{
	switch (option) {
	case ID: o->id = text; return OK;
	case IMAGE: o->image = text; return OK;
	case STATE: o->state = text; return OK;
	case USER: o->user = text; return OK;
	case BACKEND: return find_backend(text, &o->backend, n);
	case TEE: return find_tee(text, &o->tee, n);
	case MEMORY_MAX: return parse_number("memory-max", text, &o->memory_max, n);
	case KVM_KNOWN: return parse_number("kvm-known", text, &o->kvm_known, n);
	case LINGER: return parse_number("linger", text, &o->linger_s, n);
	default: return refuse(n, ERR_INVALID, "unknown option or missing value: see brochd-keep --help");
	}
}

static enum err check(const struct args *o, struct note *n)
{
	const struct {
		const char *name;
		bool there;
	} needed[] = {{"id", o->id != NULL}, {"image", o->image != NULL}, {"backend", o->backend != NULL},
		      {"state", o->state != NULL || o->tee == NULL}, {"memory-max", o->memory_max != 0}};

	for (size_t i = 0; i < ARRAY_COUNT(needed); i++)
		if (!needed[i].there)
			return refuse(n, ERR_INVALID, "--%s is missing: see brochd-keep --help", needed[i].name);
	if (o->linger_s > UINT32_MAX)
		return refuse(n, ERR_RANGE, "--linger %llu: at most %u", (unsigned long long)o->linger_s, UINT32_MAX);
	return OK;
}

enum args_result args_parse(int argc, char **argv, struct args *out, struct note *n)
{
	int option;

	*out = (struct args){.tee = &tee_soft_snp};
	optind = 0; /* from the start, also the second time */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == HELP || option == VERSION) {
			fputs(option == HELP ? usage : "brochd-keep " BROCH_VERSION "\n", stdout);
			return ARGS_SHOWN;
		}
		if (take(option, optarg, out, n) != OK)
			return ARGS_WRONG;
	}
	if (optind != argc) {
		note_set(n, "%s: brochd-keep takes options only, see --help", argv[optind]);
		return ARGS_WRONG;
	}
	return check(out, n) == OK ? ARGS_RUN : ARGS_WRONG;
}
