/* lookup_x86_64.S - dlsym(handle, name): noted by lookup.c, then libc's gets the call as it came. */
    .text
    .globl dlsym
    .type dlsym, @function
    .p2align 4
dlsym:
    .cfi_startproc
    endbr64
    push %rdi
    push %rsi
    sub $8, %rsp
    .cfi_adjust_cfa_offset 24
    .hidden prs_lookup_target
    call prs_lookup_target
    add $8, %rsp
    pop %rsi
    pop %rdi
    .cfi_adjust_cfa_offset -24
    jmp *%rax
    .cfi_endproc
    .size dlsym, . - dlsym

    .section .note.GNU-stack, "", @progbits
