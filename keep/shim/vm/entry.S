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

	/* vector, error code, rip, cs, rflags, rsp, ss; struct trap_frame has the rest */
trap:
	cld
	cmpl $0, in_trap
	jne again
	movl $1, in_trap
	push %rax
	push %rcx
	push %rdx
	push %rbx
	push %rbp
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	mov %rsp, %rbx
	and $-16, %rsp
	call trap_taken /* returns when the frame says where to go on */
	mov %rbx, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rbp
	pop %rbx
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	movl $0, in_trap
	iretq /* to ring 3, where we are */

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
