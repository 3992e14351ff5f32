/* given_x86_64.S - makecontext(context, function, count, ...): given.c notes the stack, then libc's gets the call as it came. */
    .text
    .globl makecontext
    .type makecontext, @function
    .p2align 4
makecontext:
    .cfi_startproc
    endbr64
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %r8
    push %r9
    push %rax
    .cfi_adjust_cfa_offset 56
    .hidden prs_given_context
    call prs_given_context
    mov %rax, %r11
    pop %rax
    pop %r9
    pop %r8
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    .cfi_adjust_cfa_offset -56
    jmp *%r11
    .cfi_endproc
    .size makecontext, . - makecontext

    .section .note.GNU-stack, "", @progbits
