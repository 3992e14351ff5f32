/* stack_guard_answers.c - the program's calls about its signals, while the kernel has other actions, another mask and another alternate stack (stack_guard_signals.c): they set and
 * get what the program believes. Context: the handler of dispatched calls.
 */
#include "prim.h"
#include "stack_guard_internal.h"
#include "state.h"
#include <errno.h>

#define DISPATCH 59 /* PR_SET_SYSCALL_USER_DISPATCH */
#define DISARMS (1 << 31) /* SS_AUTODISARM */

static void tell(uint64_t to, const void *what, uint64_t bytes)
{
    if (to != 0) {
        prs_protected_open_range(to, bytes);
        prs_copy((void *)to, what, bytes);
    }
}

/* The mask that the frame brings back. */
static long change_mask(ucontext_t *context, const struct prs_call *call)
{
    uint64_t *believed = &prs_p.stack.guard->believed, old, set = 0;
    __builtin_memcpy(&old, &context->uc_sigmask, 8);
    old |= *believed;
    if (call->argument[3] != 8 || (call->argument[1] != 0 && call->argument[0] > SIG_SETMASK)) {
        return -EINVAL;
    }
    if (call->argument[1] != 0) {
        prs_copy(&set, (const void *)call->argument[1], 8);
        set = call->argument[0] == SIG_BLOCK ? old | set : call->argument[0] == SIG_UNBLOCK ? old & ~set : set;
        *believed = set & PRS_HELD;
        set &= PRS_BLOCKABLE & ~(PRS_SIGNAL_BIT(SIGKILL) | PRS_SIGNAL_BIT(SIGSTOP)); /* V2 */
        __builtin_memcpy(&context->uc_sigmask, &set, 8);
    }
    tell(call->argument[2], &old, 8);
    return 0;
}

static long change_action(const struct prs_call *call)
{
    struct prs_guard *guard = prs_p.stack.guard;
    int signo = (int)call->argument[0];
    if (signo < 1 || signo > 64 || call->argument[3] != 8 || (call->argument[1] != 0 && (signo == SIGKILL || signo == SIGSTOP))) {
        return -EINVAL;
    }
    struct prs_signal_action old = guard->actions[signo];
    long result = 0;
    if (call->argument[1] != 0 && !prs_is_runtimes(signo)) {
        struct prs_signal_action wanted;
        prs_copy(&wanted, (const void *)call->argument[1], sizeof wanted);
        result = prs_guard_put_in_front(signo, &wanted);
        if (result == 0) {
            prs_guard_note(guard, signo, &wanted);
        }
    }
    if (result == 0) {
        tell(call->argument[2], &old, sizeof old);
    }
    return result;
}

static long change_stack(const struct prs_call *call, uint64_t sp)
{
    struct prs_guard *guard = prs_p.stack.guard;
    stack_t old = guard->alternate, wanted;
    bool on = prs_on_alternate(guard, sp);
    if (call->argument[0] != 0) {
        prs_copy(&wanted, (const void *)call->argument[0], sizeof wanted);
        bool off = wanted.ss_flags == SS_DISABLE;
        if (on || (!off && wanted.ss_flags != 0 && wanted.ss_flags != SS_ONSTACK) || (!off && wanted.ss_size < 2048)) {
            return on ? -EPERM : wanted.ss_size < 2048 && wanted.ss_flags == 0 ? -ENOMEM : -EINVAL;
        }
        guard->alternate = off ? (stack_t){.ss_flags = SS_DISABLE} : (stack_t){.ss_sp = wanted.ss_sp, .ss_size = wanted.ss_size};
    }
    old.ss_flags |= on ? SS_ONSTACK : 0;
    tell(call->argument[1], &old, sizeof old);
    return 0;
}

static void note_temporary(const struct prs_call *call)
{
    struct prs_guard *guard = prs_p.stack.guard;
    uint64_t at = 0;
    switch (call->number) {
    case SYS_rt_sigsuspend: at = call->argument[0]; break;
    case SYS_ppoll: at = call->argument[3]; break;
    case SYS_epoll_pwait: case SYS_epoll_pwait2: at = call->argument[4]; break;
    case SYS_pselect6: at = call->argument[5] != 0 ? *(const uint64_t *)call->argument[5] : 0; break;
    default: break;
    }
    guard->has_temporary = at != 0;
    if (at != 0) {
        prs_copy(&guard->temporary, (const void *)at, 8);
    }
}

bool prs_guard_answers(ucontext_t *context, const struct prs_call *call)
{
    greg_t *result = &context->uc_mcontext.gregs[REG_RAX];
    note_temporary(call);
    switch (call->number) {
    case SYS_rt_sigprocmask: *result = change_mask(context, call); return true;
    case SYS_rt_sigaction: *result = change_action(call); return true;
    case SYS_sigaltstack:
        if (call->argument[0] != 0 && (((const stack_t *)call->argument[0])->ss_flags & DISARMS) != 0) {
            prs_guard_give_up("the program has an alternate stack that disarms itself");
            return false;
        }
        *result = change_stack(call, (uint64_t)context->uc_mcontext.gregs[REG_RSP]);
        return true;
    case SYS_mprotect: case SYS_pkey_mprotect: case SYS_munmap: case SYS_mmap: case SYS_mremap:
        if (prs_protected_overlaps(call->argument[0], call->argument[1])) {
            prs_guard_give_up("the program maps or protects parts of its stack");
        }
        return false;
    case SYS_prctl:
        if (call->argument[0] == DISPATCH) {
            prs_guard_give_up("the program uses syscall user dispatch");
        }
        return false;
    default: return false;
    }
}
