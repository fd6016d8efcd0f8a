/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void unavailable(struct platform_backend *b, const char *reason, const char *cure)
{
	b->available = false;
	snprintf(b->reason, sizeof b->reason, "%s", reason);
	snprintf(b->cure, sizeof b->cure, "%s", cure);
}

static void probe_kvm(struct platform_backend *b)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), version;

	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		unavailable(b, "/dev/kvm: permission denied", "let the user of brochd open it (usually: the group kvm)");
		return;
	}
	if (fd < 0) {
		unavailable(b, "/dev/kvm: does not exist or cannot be opened",
			    "switch on virtualization in the firmware, load the module kvm_intel or kvm_amd");
		return;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	close(fd);
	if (version != KVM_API_VERSION)
		unavailable(b, "/dev/kvm speaks an unknown API version", "use a Linux kernel of version 5.10 or later");
}

static void probe_process(struct platform_backend *b)
{
	if (access("/proc/sys/kernel/seccomp/actions_avail", F_OK) != 0)
		unavailable(b, "the kernel has no seccomp filters", "use a kernel with CONFIG_SECCOMP_FILTER");
	else
		snprintf(b->reason, sizeof b->reason, "isolates the host from the workload, not the workload from the host");
}

static void find_image(struct platform_backend *b, const char *file, const char *image_dir)
{
	struct note n = {0};

	if (image_dir == NULL) {
		if (paths_shipped(file, b->image, &n) != OK)
			unavailable(b, n.text, "install the Keep images, or name their folder: --image-dir DIR");
		return;
	}
	if (snprintf(b->image, sizeof b->image, "%s/%s", image_dir, file) >= (int)sizeof b->image || access(b->image, R_OK) != 0) {
		snprintf(b->reason, sizeof b->reason, "%s: no readable Keep image in the folder of --image-dir", file);
		b->available = false;
		snprintf(b->cure, sizeof b->cure, "put it there, or name another folder");
	}
}

static const struct {
	const char *name, *image;
	void (*probe)(struct platform_backend *b);
} kinds[PLATFORM_BACKENDS] = {
	{"kvm", "broch-keep-vm.elf", probe_kvm},
	{"process", "broch-keep-process.elf", probe_process},
};

void platform_probe(struct platform *p, const char *image_dir)
{
	for (size_t i = 0; i < PLATFORM_BACKENDS; i++) {
		struct platform_backend *b = &p->backends[i];

		*b = (struct platform_backend){.name = kinds[i].name, .available = true};
		kinds[i].probe(b);
		if (b->available)
			find_image(b, kinds[i].image, image_dir);
	}
}

const struct platform_backend *platform_find(const struct platform *p, const char *name)
{
	for (size_t i = 0; i < PLATFORM_BACKENDS; i++)
		if (name[0] == 0 ? p->backends[i].available : strcmp(p->backends[i].name, name) == 0)
			return &p->backends[i];
	return NULL;
}
