/* stack_guard.c - stack_guard.h's handlers: SIGSEGV for the program's stores, SIGSYS for what the kernel would write.
 *
 * A dispatched call is either done in the handler (quick ones: nothing that blocks, forks or can be interrupted) or sent on: the frame is changed so that the program makes
 * it from prs_call_again (context_x86_64.S), whose address the kernel lets through, and goes on behind its own instruction. So calls block, are interrupted, restarted and
 * checkpointed as ever.
 *
 * INVARIANT U1: selector is 1 exactly while code of the program or of the wrappers runs (and calls are to be dispatched); in our handlers it is 0, and every signal is blocked.
 * INVARIANT U2: before a call reaches the kernel, every page of the stack that it may write is open.
 * Context: signal handlers on a stack of their own; begin in the checkpoint's. No libc.
 */
#include "stack_guard.h"
#include "error.h"
#include "handlers.h"
#include "hold.h"
#include "checkpoint.h"
#include "prim.h"
#include "state.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define DISPATCH 59 /* PR_SET_SYSCALL_USER_DISPATCH */
#define DISPATCHED 2 /* SYS_USER_DISPATCH */
#define STACK_BYTES 131072ul
#define BLOCKABLE (~(1ul << (SIGSEGV - 1) | 1ul << (SIGSYS - 1) | 1ul << (PRS_SIGNAL - 1)))

extern const char prs_calls_start[], prs_calls_end[], prs_call_again[], prs_call_again_by_register[], prs_call_plain[], prs_raise_start[], prs_raise_end[];
void prs_signal_return(void);

struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

static long dispatch(bool on)
{
    return on ? prs_sys(SYS_prctl, DISPATCH, 1, prs_calls_start, prs_calls_end - prs_calls_start, &prs_p.stack.selector) : prs_sys(SYS_prctl, DISPATCH, 0, 0, 0, 0);
}

int prs_guard_probe(void)
{
    long result = dispatch(true);
    dispatch(false);
    return result == 0 ? 0 : prs_fail(PROSPER_E_OPTION, "stack=mprotect needs syscall user dispatch, which this kernel has not (Linux 5.11 has it)");
}

/* ---- what a call may write ---- */

enum effect { HARMLESS, QUICK, WRITES, ANYTHING };

struct call {
    long number;
    uint64_t argument[6];
    uint64_t at, bytes; /* WRITES */
};

static enum effect writes(struct call *call, unsigned argument, uint64_t bytes)
{
    call->at = call->argument[argument];
    call->bytes = call->at == 0 ? 0 : bytes;
    return WRITES;
}

static enum effect effect_of(struct call *call)
{
    switch (call->number) {
    case SYS_getpid: case SYS_gettid: case SYS_getppid: case SYS_getuid: case SYS_geteuid: case SYS_getgid: case SYS_getegid: case SYS_tgkill: case SYS_tkill: case SYS_kill:
    case SYS_brk: case SYS_lseek: case SYS_umask: case SYS_fchmod: case SYS_ftruncate: case SYS_access: case SYS_faccessat: case SYS_alarm:
        return QUICK;
    case SYS_write: case SYS_pwrite64: case SYS_writev: case SYS_pwritev: case SYS_sendto: case SYS_sendmsg: case SYS_open: case SYS_openat: case SYS_creat: case SYS_close:
    case SYS_mmap: case SYS_munmap: case SYS_dup: case SYS_dup2: case SYS_dup3: case SYS_chdir: case SYS_fchdir: case SYS_mkdir: case SYS_rmdir: case SYS_unlink:
    case SYS_unlinkat: case SYS_rename: case SYS_renameat: case SYS_renameat2: case SYS_link: case SYS_symlink: case SYS_chmod: case SYS_fsync: case SYS_fdatasync: case SYS_flock:
    case SYS_sched_yield: case SYS_pause: case SYS_execve: case SYS_execveat: case SYS_exit: case SYS_exit_group: case SYS_fadvise64: case SYS_close_range: case SYS_truncate:
    case SYS_mprotect: case SYS_pkey_mprotect: case SYS_mremap: case SYS_rt_sigaction: case SYS_rt_sigreturn:
        return HARMLESS;
    case SYS_read: case SYS_pread64: case SYS_recvfrom: case SYS_getdents64: case SYS_readlink:
        return writes(call, 1, call->number == SYS_recvfrom && call->argument[4] != 0 ? ~0ul : call->argument[2]);
    case SYS_readlinkat: return writes(call, 2, call->argument[3]);
    case SYS_getrandom: case SYS_getcwd: return writes(call, 0, call->argument[1]);
    case SYS_stat: case SYS_fstat: case SYS_lstat: case SYS_getrusage: return writes(call, 1, 144);
    case SYS_newfstatat: return writes(call, 2, 144);
    case SYS_uname: return writes(call, 0, 390);
    case SYS_clock_gettime: case SYS_clock_getres: case SYS_nanosleep: case SYS_getrlimit: return writes(call, 1, 16);
    case SYS_clock_nanosleep: case SYS_prlimit64: return writes(call, 3, 16);
    case SYS_fcntl: return writes(call, 2, 32);
    case SYS_poll: return writes(call, 0, call->argument[1] * 8);
    case SYS_time: return writes(call, 0, 8);
    case SYS_gettimeofday: return call->argument[1] == 0 ? writes(call, 0, 16) : ANYTHING;
    case SYS_getitimer: return writes(call, 1, 32);
    case SYS_setitimer: return writes(call, 2, 32);
    case SYS_rt_sigpending: return writes(call, 0, 8);
    default: return ANYTHING;
    }
}

/* ---- calls that are ours to answer ---- */

static void answer(greg_t *registers, long result) { registers[REG_RAX] = result; }

static void tell(uint64_t to, const void *what, uint64_t bytes)
{
    if (to != 0) {
        prs_protected_open_range(to, bytes);
        prs_copy((void *)to, what, bytes);
    }
}

/* The mask that the frame brings back, without what must never be blocked. */
static void change_mask(ucontext_t *context, const struct call *call)
{
    uint64_t old, set = 0;
    __builtin_memcpy(&old, &context->uc_sigmask, 8);
    if (call->argument[3] != 8 || (call->argument[1] != 0 && call->argument[0] > SIG_SETMASK)) {
        answer(context->uc_mcontext.gregs, -EINVAL);
        return;
    }
    if (call->argument[1] != 0) {
        prs_copy(&set, (const void *)call->argument[1], 8);
        set = call->argument[0] == SIG_BLOCK ? old | set : call->argument[0] == SIG_UNBLOCK ? old & ~set : set;
        set &= BLOCKABLE & ~(1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1));
        __builtin_memcpy(&context->uc_sigmask, &set, 8);
    }
    tell(call->argument[2], &old, 8);
    answer(context->uc_mcontext.gregs, 0);
}

static void on_guard_signal(int signo, siginfo_t *info, void *context);

static bool is_ours(int signo)
{
    struct kernel_action action = {0};
    prs_sys(SYS_rt_sigaction, signo, NULL, &action, 8);
    return action.handler == (void *)on_guard_signal;
}

static void let_go(int signo)
{
    static const struct kernel_action none;
    if (is_ours(signo)) {
        prs_sys(SYS_rt_sigaction, signo, &none, NULL, 8);
    }
}

static void give_up(const char *because)
{
    prs_protected_end(because);
    dispatch(false);
    let_go(SIGSEGV);
    let_go(SIGSYS);
    prs_p.stack.guarded = false;
    prs_p.stack.signal_flags = 0;
    prs_checkpoint_install();
    /* The alternate stack cannot be let go from a handler on it; the signal that comes before the program's next instruction does it (prs_guard_leave). */
    prs_sys(SYS_tgkill, prs_sys(SYS_getpid), prs_sys(SYS_gettid), PRS_SIGNAL);
}

/* True: done. Else it goes to the kernel, perhaps after the guard was given up for it. */
static bool ours(ucontext_t *context, const struct call *call)
{
    static const struct kernel_action none;
    struct kernel_action action = none;
    bool reserved = call->argument[0] == SIGSEGV || call->argument[0] == SIGSYS;
    switch (call->number) {
    case SYS_rt_sigprocmask:
        change_mask(context, call);
        return true;
    case SYS_rt_sigaction:
        if (call->argument[1] != 0) {
            prs_copy(&action, (const void *)call->argument[1], sizeof action);
        }
        if ((uint64_t)action.handler > (uint64_t)SIG_IGN || (reserved && action.handler != SIG_DFL)) {
            give_up("the program has a signal handler of its own");
        } else if (reserved) {
            tell(call->argument[2], &none, sizeof none);
            answer(context->uc_mcontext.gregs, 0);
            return true;
        } else {
            prs_protected_open_range(call->argument[2], sizeof action);
        }
        return false;
    case SYS_sigaltstack:
        give_up("the program has an alternate stack");
        return false;
    case SYS_mprotect: case SYS_pkey_mprotect: case SYS_munmap: case SYS_mmap: case SYS_mremap:
        if (prs_protected_overlaps(call->argument[0], call->argument[1])) {
            give_up("the program maps or protects parts of its stack");
        }
        return false;
    case SYS_prctl:
        if (call->argument[0] == DISPATCH) {
            give_up("the program uses syscall user dispatch");
        }
        return false;
    default: return false;
    }
}

/* ---- the handlers ---- */

static void send_on(ucontext_t *context, const struct call *call)
{
    greg_t *registers = context->uc_mcontext.gregs;
    bool shares = call->number == SYS_vfork || (call->number == SYS_clone && (call->argument[0] & CLONE_VM) != 0) ||
                  (call->number == SYS_clone3 && (*(const uint64_t *)call->argument[0] & CLONE_VM) != 0);
    if (call->number == SYS_rt_sigreturn) {
        registers[REG_RIP] = (greg_t)(uint64_t)prs_call_plain;
    } else if (shares) { /* two processes on one stack, or the new one on another: libc's functions for it do not need r9 any more */
        registers[REG_R9] = registers[REG_RIP];
        registers[REG_RIP] = (greg_t)(uint64_t)prs_call_again_by_register;
    } else {
        uint64_t sp = (uint64_t)registers[REG_RSP] - PRS_REDZONE - 8;
        prs_protected_open_range(sp, 8);
        *(uint64_t *)sp = (uint64_t)registers[REG_RIP];
        registers[REG_RSP] = (greg_t)sp;
        registers[REG_RIP] = (greg_t)(uint64_t)prs_call_again;
    }
}

static bool must_stay(uint64_t rip)
{
    return (rip >= prs_p.vdso.start && rip < prs_p.vdso.end) || (rip >= (uint64_t)prs_raise_start && rip < (uint64_t)prs_raise_end);
}

static void on_call(ucontext_t *context)
{
    greg_t *r = context->uc_mcontext.gregs;
    struct call call = {.number = (long)r[REG_RAX], .argument = {(uint64_t)r[REG_RDI], (uint64_t)r[REG_RSI], (uint64_t)r[REG_RDX], (uint64_t)r[REG_R10], (uint64_t)r[REG_R8],
                                                                  (uint64_t)r[REG_R9]}};
    ++prs_p.stats.stack_calls;
    if (!prs_p.active) {
        give_up(NULL);
    } else if (ours(context, &call)) {
        return;
    }
    enum effect effect = effect_of(&call);
    bool straight = prs_p.stack.guarded && ++prs_p.stack.calls >= prs_protected_calls_max();
    if (effect == ANYTHING || straight) {
        prs_protected_open_all();
        prs_p.stack.straight = straight;
    } else if (effect == WRITES && call.bytes > 0) {
        prs_protected_open_range(call.at, call.bytes);
    }
    if (effect == QUICK || must_stay((uint64_t)r[REG_RIP])) {
        answer(r, prs_sys6(call.number, (long)call.argument[0], (long)call.argument[1], (long)call.argument[2], (long)call.argument[3], (long)call.argument[4],
                           (long)call.argument[5]));
    } else {
        send_on(context, &call);
    }
}

static void as_without(int signo, const siginfo_t *info)
{
    let_go(signo);
    if (info->si_code <= 0) { /* somebody sent it */
        prs_sys(SYS_tgkill, prs_sys(SYS_getpid), prs_sys(SYS_gettid), signo);
    }
}

static void on_guard_signal(int signo, siginfo_t *info, void *context)
{
    prs_p.stack.selector = 0;
    if (signo == SIGSYS && info->si_code == DISPATCHED) {
        on_call(context);
    } else if (signo == SIGSEGV && info->si_code == SEGV_ACCERR && prs_sys(SYS_getpid) == prs_p.pid && prs_protected_open((uint64_t)info->si_addr)) {
        ++prs_p.stats.stack_faults;
    } else {
        as_without(signo, info);
    }
    prs_p.stack.selector = prs_p.stack.guarded && !prs_p.stack.straight;
}

/* ---- beginning and end ---- */

static uint64_t alternate_stack(void)
{
    stack_t stack;
    prs_sys(SYS_sigaltstack, NULL, &stack);
    return (stack.ss_flags & SS_DISABLE) != 0 ? 0 : (uint64_t)stack.ss_sp;
}

static bool has_handlers(void)
{
    for (int signo = 1; signo <= 64; ++signo) {
        struct kernel_action action = {0};
        prs_sys(SYS_rt_sigaction, signo, NULL, &action, 8);
        bool runtimes = signo == PRS_SIGNAL || (signo == SIGTRAP && prs_p.options.step != 0);
        bool reserved = signo == SIGSEGV || signo == SIGSYS;
        if (!runtimes && ((uint64_t)action.handler > (uint64_t)SIG_IGN || (reserved && action.handler != SIG_DFL))) {
            return true;
        }
    }
    return alternate_stack() != 0;
}

bool prs_guard_check(void)
{
    bool handlers = !is_ours(SIGSEGV) || !is_ours(SIGSYS) || alternate_stack() != prs_p.stack.guard_stack;
    for (int signo = 1; signo <= 64 && !handlers; ++signo) { /* the checkpoint has just read them, if the wrappers saw a change */
        bool runtimes = signo == PRS_SIGNAL || (signo == SIGTRAP && prs_p.options.step != 0);
        handlers = !runtimes && PRS_META->actions[signo].handler > (uint64_t)SIG_IGN;
    }
    if (handlers) {
        give_up("the program has a signal handler or an alternate stack of its own");
    }
    return !handlers;
}

void prs_guard_watch(bool on)
{
    prs_p.stack.calls = 0;
    prs_p.stack.straight = !on;
}

bool prs_guard_holds(uint64_t sp) { return prs_p.stack.guard_stack != 0 && sp - prs_p.stack.guard_stack < STACK_BYTES; }

bool prs_guard_begin(void)
{
    if (has_handlers()) {
        return false;
    }
    void *stack = prs_arena_take(&prs_p.scratch, STACK_BYTES);
    if (stack == NULL) {
        return false;
    }
    prs_sys(SYS_madvise, stack, STACK_BYTES, MADV_DOFORK); /* a child may need it until it has let go of the handlers */
    prs_p.stack.guard_stack = (uint64_t)stack;
    prs_p.stack.signal_flags = SA_ONSTACK;
    struct kernel_action action = {(void *)on_guard_signal, SA_SIGINFO | SA_ONSTACK | 0x04000000ul, (void *)prs_signal_return, ~0ul};
    prs_sys(SYS_rt_sigaction, SIGSEGV, &action, NULL, 8);
    prs_sys(SYS_rt_sigaction, SIGSYS, &action, NULL, 8);
    prs_checkpoint_install();
    prs_p.stack.guarded = true; /* the alternate stack comes with the frame: prs_guard_leave */
    if (dispatch(true) != 0) {
        give_up(NULL);
        return false;
    }
    return true;
}

void prs_guard_enter(void) { prs_p.stack.selector = 0; }

void prs_guard_leave(void *ucontext)
{
    ucontext_t *context = ucontext;
    if (prs_p.stack.guarded) {
        uint64_t mask;
        context->uc_stack = (stack_t){.ss_sp = (void *)prs_p.stack.guard_stack, .ss_size = STACK_BYTES};
        __builtin_memcpy(&mask, &context->uc_sigmask, 8);
        mask &= BLOCKABLE;
        __builtin_memcpy(&context->uc_sigmask, &mask, 8);
    } else {
        prs_guard_hide(context);
    }
    prs_p.stack.selector = prs_p.stack.guarded && !prs_p.stack.straight;
}

void prs_guard_hide(void *ucontext)
{
    ucontext_t *context = ucontext;
    if (prs_p.stack.guard_stack != 0 && (uint64_t)context->uc_stack.ss_sp == prs_p.stack.guard_stack) {
        context->uc_stack = (stack_t){.ss_flags = SS_DISABLE};
    }
}

bool prs_guard_owns(int signal) { return prs_p.stack.guarded && (signal == SIGSEGV || signal == SIGSYS); }

void prs_guard_child(void)
{
    if (prs_p.stack.guarded) {
        stack_t no = {.ss_flags = SS_DISABLE};
        let_go(SIGSEGV);
        let_go(SIGSYS);
        prs_sys(SYS_sigaltstack, &no, NULL);
        prs_p.stack.guarded = false;
    }
}
