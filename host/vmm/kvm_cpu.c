/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register state. Everything privileged lies in the plan; here are only the values that point to it. Hosts differ in
 * what they enforce: a regular KVM needs CPUID and XCR0 set before the guest may use what the plan switches on in CR4;
 * one that runs guests on the bare CPU needs neither, and each costs it much time; where that CPU lets CPUID trap, such
 * a KVM answers from a table that understates what works, so it gets the CPU's own. Which one we are on is found by
 * running the probe page of the plan.
 */
#include "host/vmm/kvm.h"

#include "lib/image/layout.h"

#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { CPUID_ENTRIES = 256 };

/*
 * The leaves that code in a Keep asks for, as the CPU shows them here (Intel SDM vol. 2, CPUID). Asking the CPU for
 * them takes a tenth of the time that KVM takes for its whole table.
 */
static void take_native(struct kvm_cpuid2 *c)
{
	static const struct {
		uint32_t leaf, subleaf, flags;
	} asked[] = {
	        {0, 0, 0}, {1, 0, 0}, {7, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX}, {0x80000000, 0, 0}, {0x80000001, 0, 0},
	};

	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[c->nent++];

		*e = (struct kvm_cpuid_entry2){
		        .function = asked[i].leaf, .index = asked[i].subleaf, .flags = asked[i].flags};
		__cpuid_count(e->function, e->index, e->eax, e->ebx, e->ecx, e->edx);
	}
}

static enum err set_cpuid(int kvm, int vcpu, bool native, struct note *n)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof *c + CPUID_ENTRIES * sizeof c->entries[0]);
	enum err err = OK;

	if (c == NULL)
		return refuse(n, ERR_NOMEM, "KVM: no memory for the CPUID table");
	if (native) {
		take_native(c);
	} else {
		c->nent = CPUID_ENTRIES;
		if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c) < 0)
			c->nent = 0;
	}
	if (c->nent == 0 || ioctl(vcpu, KVM_SET_CPUID2, c) < 0)
		err = refuse(n, ERR_IO, "KVM: cannot set CPUID: %s", strerror(errno));
	free(c);
	return err;
}

static enum err set_xcr0(int vcpu, uint64_t value, struct note *n)
{
	struct kvm_xcrs x = {.nr_xcrs = 1};

	x.xcrs[0].value = value;
	if (ioctl(vcpu, KVM_SET_XCRS, &x) < 0)
		return refuse(n, ERR_UNSUPPORTED, "KVM: cannot set XCR0 to 0x%llx: %s. A Keep needs a CPU with AVX",
		              (unsigned long long)value, strerror(errno));
	return OK;
}

enum err kvm_cpu_configure(int kvm, struct vmm *v, enum kvm_mode mode, struct note *n)
{
	if (mode == KVM_MODE_PLAIN)
		return OK;
	TRY(set_cpuid(kvm, v->vcpu, mode == KVM_MODE_NATIVE, n));
	return mode == KVM_MODE_NATIVE ? OK : set_xcr0(v->vcpu, v->cpu.xcr0, n);
}

static struct kvm_segment flat(uint16_t selector, bool code)
{
	return (struct kvm_segment){
	        .limit = 0xffffffff,
	        .selector = selector,
	        .type = code ? 11 : 3, /* accessed: read-execute, or read-write */
	        .present = 1,
	        .dpl = selector & 3,
	        .db = !code,
	        .s = 1,
	        .l = code,
	        .g = 1,
	};
}

static struct kvm_sregs system_registers(const struct plan_cpu *c, enum kvm_mode mode)
{
	struct kvm_sregs s = {
	        .cr0 = c->cr0,
	        .cr3 = c->cr3,
	        .cr4 = c->cr4,
	        .efer = c->efer,
	        .apic_base = 0xfee00900, /* the value after reset */
	};

	s.cs = flat(c->cs, true);
	s.ss = s.ds = s.es = s.fs = s.gs = flat(c->ss, false);
	s.tr = (struct kvm_segment){
	        .base = c->tss_base,
	        .limit = c->tss_limit,
	        .selector = c->tr,
	        .type = mode == KVM_MODE_TSS ? 9 : 11, /* 64-bit TSS, available or busy */
	        .present = 1,
	};
	s.ldt = (struct kvm_segment){.unusable = 1};
	s.gdt = (struct kvm_dtable){.base = c->gdt_base, .limit = c->gdt_limit};
	s.idt = (struct kvm_dtable){.base = c->idt_base, .limit = c->idt_limit};
	return s;
}

static void set_registers(struct vmm *v, const struct plan_cpu *c, enum kvm_mode mode)
{
	v->run->s.regs.sregs = system_registers(c, mode);
	v->run->s.regs.regs = (struct kvm_regs){
	        .rip = c->rip, .rsp = c->rsp, .rdi = c->rdi, .rflags = 2, /* the bit that is always set */
	};
	v->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
}

void kvm_cpu_start(struct vmm *v, enum kvm_mode mode)
{
	set_registers(v, &v->cpu, mode);
}

void kvm_cpu_touch(struct vmm *v)
{
	v->run->immediate_exit = 1;
	(void)ioctl(v->vcpu, KVM_RUN, 0);
	v->run->immediate_exit = 0;
}

bool kvm_cpu_probe(struct vmm *v, enum kvm_mode mode)
{
	struct plan_cpu c = v->cpu;
	struct note unused = {0};

	c.rip = LAYOUT_PROBE;
	c.idt_limit = 0; /* any exception ends the VM at once */
	set_registers(v, &c, mode);
	while (ioctl(v->vcpu, KVM_RUN, 0) < 0)
		if (errno != EINTR)
			return false;
	if (kvm_exit_event(v, &unused) != VMM_CALL)
		return false;
	/* KVM finishes the `out` on the next entry, and would write to registers that were replaced before. */
	kvm_cpu_touch(v);
	return true;
}
