/* task_x86_64.S - a task of the runtime's own in the program's address space (stack_consolidate.h).
 *
 * prs_task_start(flags, top, cleared, run): clone with a stack of its own; *cleared gets the new task's number, and 0 when it has ended. The new task calls run,
 * which does not return. The number, or -errno.
 */
        .text
        .globl  prs_task_start
        .hidden prs_task_start
        .type   prs_task_start, @function
prs_task_start:
        .cfi_startproc
        endbr64
        movq    %rcx, %r9
        movq    %rdx, %r10
        movl    $56, %eax
        syscall
        testq   %rax, %rax
        jz      1f
        ret
1:      .cfi_undefined %rip
        xorl    %ebp, %ebp
        call    *%r9
        hlt
        .cfi_endproc
        .size   prs_task_start, .-prs_task_start

        .section .note.GNU-stack, "", @progbits
