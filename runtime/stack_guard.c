/* stack_guard.c - stack_guard.h's two handlers: SIGSEGV for the program's stores, SIGSYS for what the kernel would write.
 *
 * A dispatched call is either done in the handler (quick ones: nothing that blocks, forks or can be interrupted) or sent on: the frame is changed so that the program makes
 * it from prs_call_again (context_x86_64.S), whose address the kernel lets through, and goes on behind its own instruction. So calls block, are interrupted, restarted and
 * checkpointed as ever.
 *
 * INVARIANT U1: selector is 1 exactly while code of the program or of the wrappers runs (and calls are to be dispatched); in our handlers it is 0, and every signal is blocked.
 * INVARIANT U2: before a call reaches the kernel, every page of the stack that it may write is open. A checkpoint closes them again; so a call that was sent on and is not made
 *               yet, or is to be made again, is taken back and dispatched anew: by a checkpoint that meets it, and in the frame of a handler, when the handler is entered or returns.
 * Context: signal handlers on a stack of their own; begin in the checkpoint's. No libc.
 */
#include "stack_guard_internal.h"
#include "error.h"
#include "prim.h"
#include "state.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define DISPATCH 59 /* PR_SET_SYSCALL_USER_DISPATCH */
#define DISPATCHED 2 /* SYS_USER_DISPATCH */

extern const char prs_calls_start[], prs_calls_end[], prs_raise_start[], prs_raise_end[];

long prs_guard_dispatch(bool on)
{
    return on ? prs_sys(SYS_prctl, DISPATCH, 1, prs_calls_start, prs_calls_end - prs_calls_start, &prs_p.stack.selector) : prs_sys(SYS_prctl, DISPATCH, 0, 0, 0, 0);
}

int prs_guard_probe(void)
{
    long result = prs_guard_dispatch(true);
    prs_guard_dispatch(false);
    return result == 0 ? 0 : prs_fail(PROSPER_E_OPTION, "stack=mprotect needs syscall user dispatch, which this kernel has not (Linux 5.11 has it)");
}

/* ---- what a call may write ---- */

enum effect { HARMLESS, QUICK, WRITES, ANYTHING };

static enum effect writes(struct prs_call *call, unsigned argument, uint64_t bytes)
{
    call->at = call->argument[argument];
    call->bytes = call->at == 0 ? 0 : bytes;
    return WRITES;
}

static enum effect effect_of(struct prs_call *call)
{
    switch (call->number) {
    case SYS_getpid: case SYS_gettid: case SYS_getppid: case SYS_getuid: case SYS_geteuid: case SYS_getgid: case SYS_getegid: case SYS_tgkill: case SYS_tkill: case SYS_kill:
    case SYS_rt_sigqueueinfo: case SYS_rt_tgsigqueueinfo:
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

/* ---- the handlers ---- */

static void send_on(ucontext_t *context, const struct prs_call *call)
{
    greg_t *registers = context->uc_mcontext.gregs;
    bool shares = call->number == SYS_vfork || (call->number == SYS_clone && (call->argument[0] & CLONE_VM) != 0) ||
                  (call->number == SYS_clone3 && (*(const uint64_t *)call->argument[0] & CLONE_VM) != 0);
    if (call->number == SYS_rt_sigreturn) {
        prs_guard_returning((void *)registers[REG_RSP]);
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

void prs_guard_take_back(ucontext_t *context)
{
    greg_t *registers = context->uc_mcontext.gregs;
    if ((uint64_t)registers[REG_RIP] == (uint64_t)prs_call_again) {
        registers[REG_RIP] = (greg_t)(*(const uint64_t *)registers[REG_RSP] - 2);
        registers[REG_RSP] += PRS_REDZONE + 8;
    } else if ((uint64_t)registers[REG_RIP] == (uint64_t)prs_call_again_by_register) {
        registers[REG_RIP] = registers[REG_R9] - 2;
    }
}

bool prs_guard_sent_on(uint64_t rip) { return rip == (uint64_t)prs_call_again || rip == (uint64_t)prs_call_again_by_register; }

bool prs_guard_returns(uint64_t rip) { return rip == (uint64_t)prs_call_plain; }

static bool must_stay(uint64_t rip)
{
    return (rip >= prs_p.vdso.start && rip < prs_p.vdso.end) || (rip >= (uint64_t)prs_raise_start && rip < (uint64_t)prs_raise_end);
}

static void on_call(ucontext_t *context)
{
    greg_t *r = context->uc_mcontext.gregs;
    struct prs_call call = {.number = (long)r[REG_RAX], .argument = {(uint64_t)r[REG_RDI], (uint64_t)r[REG_RSI], (uint64_t)r[REG_RDX], (uint64_t)r[REG_R10], (uint64_t)r[REG_R8],
                                                                      (uint64_t)r[REG_R9]}};
    ++prs_p.stats.stack_calls;
    if (call.number == SYS_getpid || call.number == SYS_gettid) {
        prs_p.stack.asked_ns = prs_now_ns();
    }
    if (!prs_p.active) {
        prs_guard_give_up(NULL);
    } else if (prs_guard_answers(context, &call)) {
        return;
    }
    enum effect effect = effect_of(&call);
    bool straight = prs_p.stack.guarded && ++prs_p.stack.calls >= prs_protected_calls_max();
    if (effect == ANYTHING || straight) {
        prs_protected_open_all();
        if (straight) {
            prs_guard_go_straight();
        }
    } else if (effect == WRITES && call.bytes > 0) {
        prs_protected_open_range(call.at, call.bytes);
    }
    if (effect == QUICK || must_stay((uint64_t)r[REG_RIP])) {
        r[REG_RAX] = prs_sys6(call.number, (long)call.argument[0], (long)call.argument[1], (long)call.argument[2], (long)call.argument[3], (long)call.argument[4],
                              (long)call.argument[5]);
    } else {
        send_on(context, &call);
    }
}

/* True: it is for the program's own handler. */
bool prs_guard_signal(int signo, siginfo_t *info, void *context);
__attribute__((used)) bool prs_guard_signal(int signo, siginfo_t *info, void *context)
{
    bool program = false;
    prs_p.stack.selector = 0;
    if (signo == SIGSYS && info->si_code == DISPATCHED) {
        on_call(context);
    } else if (signo == SIGSEGV && info->si_code == SEGV_ACCERR && prs_sys(SYS_getpid) == prs_p.pid && prs_protected_open((uint64_t)info->si_addr)) {
        ++prs_p.stats.stack_faults;
    } else {
        program = prs_guard_foreign(signo, info);
    }
    prs_p.stack.selector = prs_p.stack.guarded && !prs_p.stack.straight;
    return program;
}
