/* guarded_x86_64.S - handlers of the program's own are counted, and a call that must not miss one is guarded.
 *
 * A blocking call that only our signal interrupted is made again (blocking.c). Between the look at prs_w.program_handlers and the system call a
 * handler of the program's could still run; natively it would have interrupted the call, so it must not be missed: pause() would wait for ever.
 * Hence:
 *   INVARIANT H1: when a handler of the program's is entered and the interrupted context stands in [prs_guarded_start, prs_guarded_end), the
 *                 system call is not (any more) made and prs_guarded returns -EINTR.
 * All of it is looked at before the program's handler runs, by the code that the kernel enters in its place.
 */
#define HANDLERS_COUNT 8   /* offset of program_handlers in struct prs_wrapper_state; asserted in signals.c */
#define UC_RCX 152         /* offsets in ucontext_t, likewise */
#define UC_RIP 168
#define EINTR 4

    .text
    .hidden prs_w
    .hidden prs_handlers
    .hidden prs_raise_start, prs_raise_end

/* long prs_guarded(long number, const long arguments[6], uint64_t handlers): the system call, or -EINTR without making it
 * when prs_w.program_handlers is not `handlers`. */
    .globl prs_guarded
    .hidden prs_guarded
    .type prs_guarded, @function
    .p2align 4
prs_guarded:
    .cfi_startproc
    mov %rdi, %rax
    mov %rsi, %r11
    mov %rdx, %rcx
    mov 0(%r11), %rdi
    mov 8(%r11), %rsi
    mov 16(%r11), %rdx
    mov 24(%r11), %r10
    mov 32(%r11), %r8
    mov 40(%r11), %r9
prs_guarded_start:
    cmp %rcx, HANDLERS_COUNT+prs_w(%rip)
    jne prs_guarded_abort
    syscall
prs_guarded_end:
    ret
prs_guarded_abort:
    mov $-EINTR, %rax
    ret
    .cfi_endproc
    .size prs_guarded, . - prs_guarded

/* What the kernel enters for each handler of the program's: (signo, info, context), as SA_SIGINFO handlers get them and others may. Nothing stays on the
 * stack: the program's handler finds the frame that the kernel made, and returns through its restorer. */
    .globl prs_handler_entry
    .hidden prs_handler_entry
    .type prs_handler_entry, @function
    .p2align 4
prs_handler_entry:
    .cfi_startproc
    endbr64
    addq $1, HANDLERS_COUNT+prs_w(%rip)
    push %rdi
    push %rsi
    push %rdx
    .cfi_adjust_cfa_offset 24
    lea 24(%rsp), %rdi
    .hidden prs_handler_entered
    call prs_handler_entered
    pop %rdx
    pop %rsi
    pop %rdi
    .cfi_adjust_cfa_offset -24
    mov UC_RIP(%rdx), %rax
    /* raise_x86_64.S: what it has asked for may be out of date when the handler returns */
    lea prs_raise_start(%rip), %rcx
    lea prs_raise_end(%rip), %r8
    cmp %rcx, %rax
    jb 0f
    cmp %r8, %rax
    jae 0f
    mov %rcx, UC_RIP(%rdx)
    jmp 2f
0:  lea prs_guarded_start(%rip), %rcx
    mov %rax, %r8
    sub %rcx, %r8
    cmp $(prs_guarded_end - prs_guarded_start), %r8
    jae 1f
    lea prs_guarded_abort(%rip), %rcx
    mov %rcx, UC_RIP(%rdx)
    jmp 2f
1:  /* Is the kernel about to repeat a call that it took back? Then RIP is at the instruction and RCX, which it sets, after it. */
    lea 2(%rax), %rcx
    cmp %rcx, UC_RCX(%rdx)
    jne 2f
    push %rdi
    push %rsi
    push %rdx
    .cfi_adjust_cfa_offset 24
    call prs_handler_repeats
    pop %rdx
    pop %rsi
    pop %rdi
    .cfi_adjust_cfa_offset -24
2:  mov %edi, %ecx
    lea prs_handlers(%rip), %r8
    mov (%r8,%rcx,8), %rcx
    xor %eax, %eax
    jmp *%rcx
    .cfi_endproc
    .size prs_handler_entry, . - prs_handler_entry

    .section .note.GNU-stack, "", @progbits
