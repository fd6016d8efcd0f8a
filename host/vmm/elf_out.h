/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A launch plan as a static ELF program in sealed memory: what the kernel executes are the plan's own bytes, those that
 * were measured, and nothing of the file the plan was made from.
 */
#ifndef BROCH_HOST_ELF_OUT_H
#define BROCH_HOST_ELF_OUT_H

#include "lib/image/plan.h"

/* *fd: a memfd nobody can change any more, ready for execveat. */
MUST_USE enum err elf_out(const struct plan *p, int *fd, struct note *n);

#endif
