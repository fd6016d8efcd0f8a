/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launch digests of guests that boot firmware (QEMU, EC2, GCE), for SEV, SEV-ES and SEV-SNP: what the platform will
 * report, computed from the files. Keeps boot without firmware; for them see measure.h.
 */
#ifndef BROCH_MEASURE_LAUNCH_H
#define BROCH_MEASURE_LAUNCH_H

#include "lib/measure/ovmf.h"
#include "lib/measure/snp_chain.h"

enum { LAUNCH_VCPUS_MAX = 4096, LAUNCH_SEV_DIGEST_SIZE = 32 };

/* Whose habits: order of pages, types, and the register state of a fresh vCPU differ. */
enum launch_vmm { LAUNCH_QEMU, LAUNCH_EC2, LAUNCH_GCE };

/* Direct boot: SHA-256 of what the firmware is told to start. */
struct launch_kernel {
	uint8_t kernel[32], initrd[32]; /* initrd: of nothing when there is none */
	uint8_t cmdline[32];            /* of the text and its terminating zero byte */
};

struct launch {
	enum launch_vmm vmm;
	struct slice firmware;               /* the image; it ends at 4 GiB */
	const uint8_t *firmware_digest;      /* instead of it: the SNP digest after its pages, and... */
	const struct ovmf *tables;           /* ...what its tables say. NULL: read them from the image */
	const struct launch_kernel *kernel;  /* NULL: no direct boot */
	uint32_t vcpus;
	uint32_t vcpu_signature;             /* CPUID 1 EAX: launch_cpu_signature */
	uint64_t features;                   /* SEV_FEATURES; SNP: bit 0 must be set */
	uint64_t vmsa_gpa;                   /* 0: where Linux KVM puts it */
};

uint32_t launch_cpu_signature(uint32_t family, uint32_t model, uint32_t stepping);

/* A kernel for a firmware that has no place for its hashes is refused (ERR_UNSUPPORTED): it would not be measured. */
MUST_USE enum err launch_measure_snp(const struct launch *l, uint8_t digest[static SNP_CHAIN_DIGEST_SIZE], struct note *n);
/* es: with the save area of each vCPU. The digest goes into LAUNCH_MEASURE. */
MUST_USE enum err launch_measure_sev(const struct launch *l, bool es, uint8_t digest[static LAUNCH_SEV_DIGEST_SIZE],
				     struct note *n);

#endif
