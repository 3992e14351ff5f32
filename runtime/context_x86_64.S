/* context_x86_64.S - from the program's stack to the runtime's and back.
 *
 * prs_signal_entry(signo, siginfo, ucontext): the handler the kernel calls. The frame lies on the interrupted stack, below the red zone; the work
 * is done on the runtime's own stack, so neither a small stack nor the program's alternate stack is used. All signals are blocked
 * (sa_mask), so it is never entered twice.
 *
 * prs_signal_return: the restorer of rt_sigaction.
 *
 * prs_resume(ucontext): loads a saved signal frame, wherever it lies; the kernel's rt_sigreturn sets every register, the mask and the
 * alternate stack from it. Never returns.
 *
 * prs_switch_stack(top, function): leaves the present stack for good.
 */
#include "layout_asm.h"

        .text
        .globl  prs_signal_entry
        .hidden prs_signal_entry
        .type   prs_signal_entry, @function
prs_signal_entry:
        .cfi_startproc
        endbr64
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        movabsq $(PRS_STACK_TOP_ASM), %rsp
        cld
        call    prs_on_signal
        movq    %rbp, %rsp
        popq    %rbp
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_endproc
        .size   prs_signal_entry, .-prs_signal_entry

        .globl  prs_calls_start
        .hidden prs_calls_start
prs_calls_start:                        /* from here to prs_calls_end: system calls that are never dispatched (stack_guard.h) */

        .globl  prs_signal_return
        .hidden prs_signal_return
        .type   prs_signal_return, @function
prs_signal_return:
        movl    $15, %eax
        syscall
        hlt
        .size   prs_signal_return, .-prs_signal_return

        .globl  prs_resume
        .hidden prs_resume
        .type   prs_resume, @function
prs_resume:
        endbr64
        movq    %rdi, %rsp
        movl    $15, %eax
        syscall
        hlt
        .size   prs_resume, .-prs_resume

/* The program's own system call, sent on by stack_guard.c. The return address lies below the red zone. */
        .globl  prs_call_again
        .hidden prs_call_again
        .type   prs_call_again, @function
prs_call_again:
        .cfi_startproc
        .cfi_def_cfa_offset 136
        .cfi_offset %rip, -136
        syscall
        ret     $128
        .cfi_endproc
        .size   prs_call_again, .-prs_call_again

/* ... of two processes on one stack: the return address is in r9. */
        .globl  prs_call_again_by_register
        .hidden prs_call_again_by_register
prs_call_again_by_register:
        syscall
        jmp     *%r9

        .globl  prs_call_plain
        .hidden prs_call_plain
prs_call_plain:
        syscall
        hlt

/* Handlers of stack_guard.c: SIGSEGV and SIGSYS, which may be for the program after all; and those of the program's, whose frame is moved first. */
        .globl  prs_guard_signal_entry
        .hidden prs_guard_signal_entry, prs_guard_signal, prs_guard_move
prs_guard_signal_entry:
        endbr64
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        cld
        call    prs_guard_signal
        popq    %rdx
        popq    %rsi
        popq    %rdi
        testb   %al, %al
        jnz     prs_guard_entry
        ret

        .globl  prs_guard_entry
        .hidden prs_guard_entry
prs_guard_entry:
        endbr64
        movq    %rdi, %r12
        subq    $8, %rsp
        cld
        call    prs_guard_move
        movq    0(%rax), %rsp           /* struct prs_guard: entered */
        movq    8(%rax), %r13
        movq    16(%rax), %r14
        movq    24(%rax), %r15
        leaq    32(%rax), %rsi
        movl    $14, %eax               /* rt_sigprocmask(SIG_SETMASK, &mask, NULL, 8) */
        movl    $2, %edi
        xorl    %edx, %edx
        movl    $8, %r10d
        syscall                         /* from here on as if the kernel had entered the handler on this stack */
        movq    %r12, %rdi
        movq    %r14, %rsi
        movq    %r15, %rdx
        xorl    %eax, %eax
        jmp     *%r13

        .globl  prs_calls_end
        .hidden prs_calls_end
prs_calls_end:

        .globl  prs_switch_stack
        .hidden prs_switch_stack
        .type   prs_switch_stack, @function
prs_switch_stack:
        endbr64
        movq    %rdi, %rsp
        xorl    %ebp, %ebp
        call    *%rsi
        hlt
        .size   prs_switch_stack, .-prs_switch_stack

        .section .note.GNU-stack, "", @progbits
