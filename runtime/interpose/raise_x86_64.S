/* raise_x86_64.S - a signal to the calling thread, under the number that it has when the call is made.
 *
 * libc asks for the numbers of process and thread and uses them a few instructions later; restored in between, the call would go to a process of the past.
 *   INVARIANT: a checkpoint whose context stands in [prs_raise_start, prs_raise_end) moves it back to the start (stop.c), before the image is taken; so does the entry of a
 *              handler of the program's (guarded_x86_64.S), during which a checkpoint may come. What is done there twice has no effect; the signal is sent by the last
 *              instruction of it.
 */
    .text
/* long prs_raise(int signo): 0 or -errno */
    .globl prs_raise, prs_raise_start, prs_raise_end
    .hidden prs_raise, prs_raise_start, prs_raise_end
    .type prs_raise, @function
    .p2align 4
prs_raise:
    .cfi_startproc
    endbr64
    mov %edi, %r8d
prs_raise_start:
    mov $39, %eax /* getpid */
    syscall
    mov %eax, %r9d
    mov $186, %eax /* gettid */
    syscall
    mov %r9d, %edi
    mov %eax, %esi
    mov %r8d, %edx
    mov $234, %eax /* tgkill */
    syscall
prs_raise_end:
    ret
    .cfi_endproc
    .size prs_raise, . - prs_raise
    .section .note.GNU-stack, "", @progbits
