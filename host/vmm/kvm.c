/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KVM backend: one VM, one vCPU, no devices; a local APIC that nothing in the Keep can reach, for the sake of the
 * host (see make_vm). The Keep rings by one `out`.
 *
 * After create, running and growing need these system calls only, for the keeper's filter:
 *   ioctl (KVM_RUN on the vCPU; KVM_SET_USER_MEMORY_REGION on the VM), mmap, munmap, madvise (GROW), mprotect
 *   (SEAL; nothing becomes executable here),
 *   gettid, tgkill, rt_sigreturn (kick); destroy adds close. /dev/kvm is closed again by create.
 */
#include "host/vmm/kvm.h"

#include "sys/device.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Interrupts KVM_RUN; only the interruption counts. */
enum { KICK_SIGNAL = SIGUSR1 };

static enum err open_kvm(int *kvm, struct note *n)
{
	char cure[256];

	*kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (*kvm >= 0)
		return OK;
	if (errno == EACCES || errno == EPERM) {
		device_permission_cure("/dev/kvm", cure, sizeof cure);
		cure[0] = (char)toupper((unsigned char)cure[0]);
		return refuse(n, ERR_PERMISSION, "/dev/kvm: no permission. %s", cure);
	}
	return refuse(
	        n, ERR_UNSUPPORTED,
	        "/dev/kvm: %s. Switch virtualization on in the firmware and load the module (modprobe kvm_intel or "
	        "kvm_amd); in a virtual machine allow nested virtualization",
	        strerror(errno));
}

static enum err check_kvm(int kvm, struct note *n)
{
	enum { NEEDED_SYNC = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS };

	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return refuse(n, ERR_VERSION, "/dev/kvm: the KVM API is not version %u. Use Linux 4.17 or later",
		              KVM_API_VERSION);
	if ((ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS) & NEEDED_SYNC) != NEEDED_SYNC ||
	    ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_IMMEDIATE_EXIT) <= 0)
		return refuse(n, ERR_UNSUPPORTED, "/dev/kvm: this KVM is too old. Use Linux 4.17 or later");
	return OK;
}

static enum err probe(struct note *n)
{
	int kvm;
	enum err err = open_kvm(&kvm, n);

	if (err != OK)
		return err;
	err = check_kvm(kvm, n);
	close(kvm);
	return err;
}

static void on_kick(int signal)
{
	(void)signal;
}

static enum err catch_kick(struct note *n)
{
	struct sigaction act = {.sa_handler = on_kick}; /* no SA_RESTART: KVM_RUN has to come back */

	if (sigaction(KICK_SIGNAL, &act, NULL) < 0)
		return refuse(n, ERR_IO, "sigaction: %s", strerror(errno));
	return OK;
}

static void release_vm(struct vmm *v)
{
	if (v->run != NULL)
		munmap(v->run, v->run_size);
	if (v->vcpu >= 0)
		close(v->vcpu);
	if (v->vm >= 0)
		close(v->vm);
	v->run = NULL;
	v->vm = v->vcpu = -1;
}

static void release(struct vmm *v)
{
	release_vm(v);
	kvm_memory_free(&v->memory);
}

static enum err make_vcpu(int kvm, struct vmm *v, struct note *n)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	v->vcpu = ioctl(v->vm, KVM_CREATE_VCPU, 0);
	if (v->vcpu < 0 || size < (int)sizeof *v->run)
		return refuse(n, ERR_IO, "KVM: cannot create a vCPU: %s", strerror(errno));
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, v->vcpu, 0);
	if (run == MAP_FAILED)
		return refuse(n, ERR_NOMEM, "KVM: cannot map the vCPU: %s", strerror(errno));
	v->run = run;
	v->run_size = (size_t)size;
	return OK;
}

/*
 * Linux patches its own code, on all CPUs at once, when the first vCPU without an APIC appears and when the last one
 * goes: 0.13 ms each. So ours have one, in the kernel, without any lines. The Keep does not see it: no page of it leads
 * there and it never runs in ring 0. Where there is none to be had all works without.
 */
static void without_patching(int vm)
{
	const struct kvm_enable_cap c = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {0}};

	(void)ioctl(vm, KVM_ENABLE_CAP, &c);
}

static enum err make_vm(int kvm, struct vmm *v, struct note *n)
{
	/* Interrupted by a signal, or while the kernel is short of memory for a moment. */
	do
		v->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	while (v->vm < 0 && errno == EINTR);
	if (v->vm < 0)
		return refuse(n, ERR_IO, "KVM: cannot create a VM: %s", strerror(errno));
	without_patching(v->vm);
	return OK;
}

/* A VM with the memory there is, in one mode. */
static enum err assemble(int kvm, struct vmm *v, enum kvm_mode mode, struct note *n)
{
	TRY(make_vm(kvm, v, n));
	if (kvm_memory_attach(&v->memory, v->vm) != OK)
		return refuse(n, ERR_NOMEM, "KVM: cannot give a VM its memory: %s", strerror(errno));
	TRY(make_vcpu(kvm, v, n));
	return kvm_cpu_configure(kvm, v, mode, n);
}

/* arch_prctl(2) knows whether this CPU can trap CPUID. */
static bool cpuid_may_trap(void)
{
	return syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1UL) == 0;
}

/* On the bare metal KVM is a regular one. A wrong guess costs a VM more, nothing else. */
static enum kvm_mode first_mode(void)
{
	unsigned a, b, c = 0, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 31 & 1))
		return KVM_MODE_CPUID;
	return cpuid_may_trap() ? KVM_MODE_NATIVE : KVM_MODE_PLAIN;
}

static unsigned known; /* 1 + the mode; what one VM found out holds for all of this process */

unsigned vmm_kvm_known(void)
{
	return known;
}

bool vmm_kvm_know(unsigned told)
{
	if (told > KVM_MODE_COUNT)
		return false;
	known = told;
	return true;
}

static enum err assemble_known(int kvm, struct vmm *v, struct note *n)
{
	const enum kvm_mode mode = (enum kvm_mode)(known - 1);

	TRY(assemble(kvm, v, mode, n));
	kvm_cpu_touch(v);
	kvm_cpu_start(v, mode);
	return OK;
}

/* Tries the modes until the probe page, which writes nothing, runs. */
static enum err assemble_any(int kvm, struct vmm *v, struct note *n)
{
	if (known > 0)
		return assemble_known(kvm, v, n);
	for (enum kvm_mode mode = first_mode(); mode < KVM_MODE_COUNT; mode++) {
		TRY(assemble(kvm, v, mode, n));
		if (kvm_cpu_probe(v, mode)) {
			known = 1 + (unsigned)mode;
			kvm_cpu_start(v, mode);
			return OK;
		}
		release_vm(v);
	}
	return refuse(n, ERR_UNSUPPORTED,
	              "KVM: a Keep's first instructions trap in every way we know to set a vCPU up. It needs AVX, AES, "
	              "FSGSBASE "
	              "and `out` from ring 3");
}

static enum err start(struct vmm *v, struct plan *p, uint64_t memory_max, struct note *n)
{
	int kvm;
	enum err err;

	TRY(catch_kick(n));
	TRY(open_kvm(&kvm, n));
	err = check_kvm(kvm, n);
	if (err == OK && kvm_memory_load(&v->memory, p, memory_max) != OK)
		err = refuse(n, ERR_NOMEM, "KVM: no memory for the Keep image: %s", strerror(errno));
	if (err == OK)
		err = assemble_any(kvm, v, n);
	close(kvm);
	return err;
}

static uint8_t *find_shared(const struct vmm *v, const struct plan *p)
{
	for (size_t i = 0; i < p->range_count; i++)
		if (p->ranges[i].type == PLAN_SHARED)
			return kvm_memory_at(&v->memory, p->ranges[i].gpa.a, KEEPCALL_SHARED_SIZE);
	return NULL;
}

static enum err create(struct plan *p, uint64_t memory_max, struct vmm **out, struct note *n)
{
	struct vmm *v;
	enum err err;

	if (p->params.kind != BOOT_VM)
		return refuse(n, ERR_INVALID, "KVM: the launch plan is not one of a VM");
	v = calloc(1, sizeof *v);
	if (v == NULL)
		return refuse(n, ERR_NOMEM, "KVM: no memory");
	v->vm = v->vcpu = -1;
	v->cpu = p->cpu;
	v->thread = (pid_t)syscall(SYS_gettid);
	err = start(v, p, memory_max, n);
	if (err != OK) {
		release(v);
		free(v);
		return err;
	}
	v->shared = find_shared(v, p);
	CHECK(v->shared != NULL);
	*out = v;
	return OK;
}

static uint8_t *shared(struct vmm *v)
{
	return v->shared;
}

/* KVM_RUN did not run. A signal that was not ours changes nothing. */
static enum vmm_event failed(struct vmm *v, int error, struct note *n)
{
	if (error == EFAULT)
		note_set(n, "KVM lost the memory behind the Keep (EFAULT)");
	else
		note_set(n, "KVM_RUN: %s", strerror(error));
	v->dead = true;
	return VMM_DIED;
}

static enum err run(struct vmm *v, enum vmm_event *event, struct note *n)
{
	if (v->dead)
		return refuse(n, ERR_STATE, "the Keep has ended before");
	while (ioctl(v->vcpu, KVM_RUN, 0) < 0) {
		if (errno != EINTR) {
			*event = failed(v, errno, n);
			return OK;
		}
		if (__atomic_exchange_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST) != 0) {
			*event = VMM_KICKED;
			return OK;
		}
	}
	*event = kvm_exit_event(v, n);
	v->dead = *event == VMM_DIED;
	return OK;
}

static enum err grow(struct vmm *v, uint64_t address, uint64_t size)
{
	return kvm_memory_grow(&v->memory, address, size);
}

static enum err drop(struct vmm *v, uint64_t address, uint64_t size)
{
	return kvm_memory_drop(&v->memory, address, size);
}

static enum err seal(struct vmm *v, uint64_t address, uint64_t size)
{
	return kvm_memory_seal(&v->memory, address, size);
}

/* The flag makes the next entry come back, the signal a present one. */
static void kick(struct vmm *v)
{
	const int saved = errno;

	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if ((pid_t)syscall(SYS_gettid) != v->thread)
		(void)syscall(SYS_tgkill, getpid(), v->thread, KICK_SIGNAL);
	errno = saved;
}

static uint64_t memory(const struct vmm *v)
{
	return v->memory.plan_size + v->memory.granted;
}

static void destroy(struct vmm *v)
{
	if (v == NULL)
		return;
	release(v);
	free(v);
}

const struct vmm_backend vmm_kvm = {
        .name = "kvm",
        .kind = BOOT_VM,
        .probe = probe,
        .create = create,
        .shared = shared,
        .run = run,
        .grow = grow,
        .seal = seal,
        .drop = drop,
        .memory = memory,
        .kick = kick,
        .destroy = destroy,
};
