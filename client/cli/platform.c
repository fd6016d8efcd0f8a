/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine can do, and how to cure what it cannot: one row a thing, one function that looks. */
#include "client/cli/host.h"
#include "sys/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct finding {
	bool there;
	char reason[120], cure[256]; /* why not, and what to do */
};

struct feature {
	const char *name, *kind, *what;
	void (*look)(struct finding *f);
};

static void say(struct finding *f, bool there, const char *reason, const char *cure)
{
	f->there = there;
	snprintf(f->reason, sizeof f->reason, "%s", there ? "" : reason);
	snprintf(f->cure, sizeof f->cure, "%s", there ? "" : cure);
}

static bool cpu_flag(const char *flag)
{
	char line[8192];
	FILE *f = fopen("/proc/cpuinfo", "re");
	size_t len = strlen(flag);
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, "flags", 5) != 0)
			continue;
		for (const char *p = strstr(line, flag); p != NULL && !found; p = strstr(p + 1, flag))
			found = p[-1] == ' ' && (p[len] == ' ' || p[len] == '\n');
		break;
	}
	fclose(f);
	return found;
}

static void look_device(struct finding *f, const char *path, const char *missing)
{
	char reason[120], cure[256];
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		say(f, true, "", "");
		return;
	}
	snprintf(reason, sizeof reason, "%s: %s", path, strerror(errno));
	if (errno != EACCES && errno != EPERM) {
		say(f, false, reason, missing);
		return;
	}
	device_permission_cure(path, cure, sizeof cure);
	say(f, false, reason, cure);
}

static void look_kvm(struct finding *f)
{
	enum { KVM_GET_API_VERSION_ = 0xAE00 };
	int fd;

	if (!cpu_flag("vmx") && !cpu_flag("svm"))
		look_device(f, "/dev/kvm", "switch on virtualization (VT-x or AMD-V) in the firmware, or nested virtualization in "
					   "the hypervisor this machine runs on");
	else
		look_device(f, "/dev/kvm", "load the module kvm_intel or kvm_amd (modprobe kvm_intel)");
	fd = f->there ? open("/dev/kvm", O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	if (ioctl(fd, KVM_GET_API_VERSION_, 0) != 12)
		say(f, false, "/dev/kvm speaks an unknown API version", "use a Linux kernel of version 5.10 or later");
	close(fd);
}

static void look_process(struct finding *f)
{
	say(f, access("/proc/sys/kernel/seccomp/actions_avail", F_OK) == 0, "the kernel has no seccomp filters",
	    "use a kernel with CONFIG_SECCOMP_FILTER");
	if (f->there)
		snprintf(f->reason, sizeof f->reason, "isolates the host from the workload, not the workload from the host");
}

static void look_soft(struct finding *f)
{
	f->there = true;
	snprintf(f->reason, sizeof f->reason, "for development; it protects from nobody who owns the host");
}

static void look_snp(struct finding *f)
{
	if (!cpu_flag("sev_snp")) {
		say(f, false, "the CPU does not offer SEV-SNP", "use an AMD EPYC 7003 or later with SNP switched on in the firmware");
		return;
	}
	look_device(f, "/dev/sev", "switch on SEV-SNP in the firmware, boot a kernel with kvm_amd.sev_snp=1, load the module ccp");
	if (f->there)
		say(f, false, "this version of Broch does not launch SNP Keeps yet", "use soft-snp for development");
}

static void look_rdrand(struct finding *f)
{
	say(f, cpu_flag("rdrand"), "the CPU has no rdrand, the only source of random numbers of a Keep",
	    "expose rdrand to this machine, or use another CPU");
}

static const struct feature features[] = {
	{"kvm", "backend", "KVM Keep: a micro-VM without an operating system", look_kvm},
	{"process", "backend", "process Keep: a process under a strict filter", look_process},
	{"snp", "tee", "AMD SEV-SNP", look_snp},
	{"soft-snp", "tee", "software stand-in for SEV-SNP", look_soft},
	{"rdrand", "cpu", "random numbers from the CPU", look_rdrand},
};

static json_t *feature_json(const struct feature *e, const struct finding *f)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "name", e->name, "kind", e->kind, "what", e->what, "available",
			 (int)f->there, "reason", f->reason, "cure", f->cure);
}

static void feature_print(const struct cli *c, const struct feature *e, const struct finding *f)
{
	printf("%s%s%s %-9s %s%s%s\n", cli_tint(c->color_out, f->there ? TINT_GOOD : TINT_BAD), f->there ? "yes" : "no ",
	       cli_tint(c->color_out, TINT_OFF), e->name, e->what,
	       f->reason[0] != 0 && e->what[0] != 0 ? ": " : "", f->reason);
	if (f->cure[0] != 0)
		printf("              cure: %s\n", f->cure);
}

static int this_machine(const struct cli *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_COUNT(features); i++) {
		struct finding f = {0};

		features[i].look(&f);
		if (c->json)
			json_array_append_new(list, feature_json(&features[i], &f));
		else
			feature_print(c, &features[i], &f);
	}
	if (c->json)
		return cli_json(c, json_pack("{s:s, s:o}", "schema", "broch.platform/1", "features", list));
	json_decref(list);
	return STATUS_OK;
}

/* ---- what a host says of itself; a TEE or back end is an object, or just its name ---- */

static void host_finding(const json_t *o, char *name, size_t size, struct finding *f)
{
	const json_t *available = json_object_get(o, "available");

	if (json_is_string(o))
		slice_shown(slice_text(json_string_value(o)), name, size);
	else
		host_text(o, "name", name, size);
	f->there = available == NULL || json_is_true(available);
	host_text(o, "reason", f->reason, sizeof f->reason);
	host_text(o, "cure", f->cure, sizeof f->cure);
}

static void host_list(const struct cli *c, const json_t *items, const char *kind, json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		struct finding f = {0};
		char name[32];
		struct feature e = {name, kind, "", NULL};

		host_finding(item, name, sizeof name, &f);
		if (c->json)
			json_array_append_new(list, feature_json(&e, &f));
		else
			feature_print(c, &e, &f);
	}
}

static int show_host(const struct cli *c, const char *url, const json_t *answer)
{
	json_t *list = json_array();
	char version[32];

	host_text(answer, "version", version, sizeof version);
	if (!c->json && !c->quiet)
		printf("brochd %s at %s says:\n", version, url);
	host_list(c, json_object_get(answer, "backends"), "backend", list);
	host_list(c, json_object_get(answer, "tees"), "tee", list);
	if (c->json)
		return cli_json(c, json_pack("{s:s, s:s, s:s, s:o}", "schema", "broch.platform/1", "host", url, "version", version,
					     "features", list));
	json_decref(list);
	return STATUS_OK;
}

static int platform_run(struct cli *c)
{
	struct place *p = NULL;
	struct note n = {0};
	json_t *answer = NULL;
	enum err err;
	int status;

	if (!host_named(c))
		return this_machine(c);
	err = host_place(c, NULL, &p, &n);
	if (err == OK)
		err = place_call(p, "GET", "/v1/platform", NULL, &answer, &n);
	status = err == OK ? show_host(c, place_url(p), answer) : cli_fail_note(c, err, &n);
	json_decref(answer);
	place_close(p);
	return status;
}

const struct verb verb_platform = {
	.name = "platform",
	.summary = "tell what this machine can do, and how to cure what it cannot",
	.operands = "",
	.more = options_host,
	.details = "One line for each back end, TEE and CPU feature, with the cure where something is missing. With --host (or "
		   "BROCH_HOST) the host is asked instead; what it says proves nothing.",
	.examples = "broch platform\nbroch platform --json\nbroch platform --host https://host.example",
	.run = platform_run,
};
