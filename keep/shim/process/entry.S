/* SPDX-License-Identifier: Apache-2.0 */
/* The first and the last instructions of a process Keep; everything between them is C. */

	.section .entry, "ax"
	.globl	_start
	.type	_start, @function
_start:				/* rsp: the kernel's stack, good enough for the set-up */
	xor	%ebp, %ebp
	and	$-16, %rsp
	call	process_enter
	mov	%rax, %rsp	/* the runtime's stack, with nothing mapped below it */
	mov	%rdx, %rdi	/* the boot page */
	call	keep_main
	ud2			/* keep_main does not return */
	.size	_start, . - _start

/* What the kernel "returns" to from a signal handler. */
	.globl	process_restore
	.type	process_restore, @function
process_restore:
	mov	$15, %eax	/* rt_sigreturn */
	syscall
	ud2
	.size	process_restore, . - process_restore

/* long process_syscall(long number, long a, long b, long c, long d, long e, long f) */
	.globl	process_syscall
	.type	process_syscall, @function
process_syscall:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	ret
	.size	process_syscall, . - process_syscall

	.section .note.GNU-stack, "", @progbits
