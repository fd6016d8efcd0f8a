/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM Keep's first instructions, and the ring-3 trap entries at the places abi/boot.h promises: one slot of 16 bytes
 * each. The interrupt gates lead here directly, on a stack of their own (IST1), so that a red zone below rsp survives.
 */
#include "keep/shim/vm/entry.h"

	.section .entry, "ax"
	.globl _start
_start:
	jmp start

	.set vector, 0
	.rept 32
	.balign 16
	/* The CPU pushes an error code for these only: #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX. */
	.if (0x60227d00 >> vector) & 1 == 0
	push $0
	.endif
	push $vector
	jmp trap
	.set vector, vector + 1
	.endr
	.balign 16

start:
	xor %ebp, %ebp
	and $-16, %rsp
	call shim_start /* rdi: struct boot_info; never returns */
	ud2

	/* vector, error code, rip, cs, rflags, rsp, ss */
trap:
	cld
	cmpl $0, in_trap
	jne again
	movl $1, in_trap
	mov %rsp, %rdi
	and $-16, %rsp
	call trap_taken /* never returns here */
	ud2

	/* A trap while one is being handled. The door itself may be what is broken, so the end is left to ring 0: loading
	   the absent segment (LAYOUT_ABSENT) is #NP, which no gate leads back here. */
again:
	mov $0x3b, %eax
	mov %eax, %ds
	ud2

	.section .bss.in_trap, "aw", @nobits
	.balign 4
	.globl in_trap
in_trap:
	.long 0

	.section .note.GNU-stack, "", @progbits
