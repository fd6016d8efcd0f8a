/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend puts a launch plan into being and runs it until it calls: a const struct of functions, chosen at run time.
 * One file each: kvm.c, process.c; a new one starts as a copy of none.c in which everything is "not supported".
 * The keeper (host/keeper) serves the calls; it knows nothing of VMs. All functions are called from one thread, but
 * for kick, which is async-signal-safe.
 */
#ifndef BROCH_HOST_VMM_H
#define BROCH_HOST_VMM_H

#include "abi/keepcall.h"
#include "lib/base/err.h"
#include "lib/image/plan.h"

struct vmm; /* the backend's own */

enum vmm_event {
	VMM_CALL,   /* the Keep rang: the request is in the shared area */
	VMM_KICKED, /* vmm_kick was called */
	VMM_DIED,   /* it can never run again; the note says why (triple fault, seccomp, ...) */
};

struct vmm_backend {
	const char *name; /* "kvm", "process" */
	enum boot_kind kind;
	/* create opens no device: it is called after the keeper gave up its rights. */
	bool unprivileged;
	/* Can it work here? ERR_UNSUPPORTED or ERR_PERMISSION with the cure in the note. */
	enum err (*probe)(struct note *n);
	/* Loads the plan. memory_max bounds what GROW may add (bytes). The plan may be freed afterwards; until the first run
	 * its bytes are there, what was movable perhaps in the Keep. */
	enum err (*create)(struct plan *p, uint64_t memory_max, struct vmm **out, struct note *n);
	/* KEEPCALL_SHARED_SIZE bytes. */
	uint8_t *(*shared)(struct vmm *v);
	/* Runs until an event. After VMM_CALL the answer must be in the shared area before the next run. */
	enum err (*run)(struct vmm *v, enum vmm_event *event, struct note *n);
	/* Serves KEEPCALL_GROW after its own checks of the range: ERR_RANGE, ERR_LIMIT, ERR_NOMEM. */
	enum err (*grow)(struct vmm *v, uint64_t address, uint64_t size);
	/* Serves KEEPCALL_GROW_SEAL after a check that the range is in the code area. ERR_RANGE: not what was grown since
	 * the last one. ERR_NOMEM: the pages could not be changed. */
	enum err (*seal)(struct vmm *v, uint64_t address, uint64_t size);
	/* Serves KEEPCALL_GROW_DROP after a check that the range begins a linear memory. ERR_RANGE: not all that was grown of it. */
	enum err (*drop)(struct vmm *v, uint64_t address, uint64_t size);
	/* Guest memory in place or granted, in bytes. NULL: not told. */
	uint64_t (*memory)(const struct vmm *v);
	void (*kick)(struct vmm *v);
	/* A descriptor that becomes readable when the Keep has died by other hands than run's, for who sleeps while the Keep
	 * waits; the next run says VMM_DIED. It stays the backend's; -1: there is none. NULL: the Keep cannot die that way. */
	int (*death)(const struct vmm *v);
	void (*destroy)(struct vmm *v);
};

extern const struct vmm_backend vmm_kvm, vmm_process;

/*
 * How vCPUs of this host have to be set up is found out by trying, once a process: 0.15 ms. What one process found, a
 * number from 1 on, another can be told before its first create; 0: not known. Should KVM be loaded anew with other
 * options meanwhile, what was told is wrong, and a Keep may die at its first instruction.
 */
unsigned vmm_kvm_known(void);
MUST_USE bool vmm_kvm_know(unsigned known); /* false: there is no such number */

/*
 * For a long-lived process, such as the daemon: an idle VM whose mere existence makes Keeps start and end faster on the
 * whole host. Takes about 0.1 ms, so not before the first Keep is served. Where KVM does not work nothing
 * happens. release is for a held or a failed one.
 */
struct vmm_hold {
	int vm;
};
void vmm_kvm_hold(struct vmm_hold *h);
void vmm_kvm_release(struct vmm_hold *h);

#endif
