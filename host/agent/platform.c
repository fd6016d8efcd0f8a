/* SPDX-License-Identifier: Apache-2.0 */
#include "host/agent/platform.h"

#include "host/vmm/vmm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void unavailable(struct platform_backend *b, const char *reason, const char *cure)
{
	b->available = false;
	snprintf(b->reason, sizeof b->reason, "%s", reason);
	snprintf(b->cure, sizeof b->cure, "%s", cure);
}

/* What a backend's note says: the cause, and after the first full stop the cure. */
static void take_note(struct platform_backend *b, const struct note *n)
{
	const char *stop = strstr(n->text, ". ");
	size_t len = stop == NULL ? strlen(n->text) : (size_t)(stop - n->text);

	b->available = false;
	snprintf(b->reason, sizeof b->reason, "%.*s", (int)len, n->text);
	snprintf(b->cure, sizeof b->cure, "%s", stop == NULL ? n->text : stop + 2);
}

static void find_image(struct platform_backend *b, const char *file, const char *image_dir)
{
	struct note n = {0};

	if (image_dir == NULL) {
		if (paths_shipped(file, b->image, &n) != OK)
			unavailable(b, n.text, "install the Keep images, or name their folder: --image-dir DIR");
		return;
	}
	if (snprintf(b->image, sizeof b->image, "%s/%s", image_dir, file) >= (int)sizeof b->image ||
	    access(b->image, R_OK) != 0) {
		snprintf(b->reason, sizeof b->reason, "%s: no readable Keep image in the folder of --image-dir", file);
		b->available = false;
		snprintf(b->cure, sizeof b->cure, "put it there, or name another folder");
	}
}

static const struct {
	const char *name, *image;
	const char *caveat; /* to be said although it works */
	const struct vmm_backend *vmm;
} kinds[PLATFORM_BACKENDS] = {
        {"kvm", "broch-keep-vm.elf", "", &vmm_kvm},
        {"process", "broch-keep-process.elf", "isolates the host from the workload, not the workload from the host",
         &vmm_process},
};

void platform_probe(struct platform *p, const char *image_dir)
{
	for (size_t i = 0; i < PLATFORM_BACKENDS; i++) {
		struct platform_backend *b = &p->backends[i];

		struct note n = {0};

		*b = (struct platform_backend){.name = kinds[i].name, .available = true};
		snprintf(b->reason, sizeof b->reason, "%s", kinds[i].caveat);
		if (kinds[i].vmm->probe(&n) != OK)
			take_note(b, &n);
		else
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
