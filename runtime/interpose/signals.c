/* signals.c - the program's signal set-up, with PRS_SIGNAL out of its reach.
 *
 * INVARIANTS
 *  G1  PRS_SIGNAL is never blocked, waited for or handled by the program: it is taken out of every set that goes to the kernel, and an action for it is
 *      only remembered.
 *  G2  Handlers of the program's own are counted when they are entered (prs_w.program_handlers): a wrapper whose call was interrupted must tell an
 *      interruption of ours, which the program may not see, from one of its own, which it must. So the kernel gets prs_handler_entry
 *      (guarded_x86_64.S), which counts and jumps on with the same arguments and the same stack; the program's handler stands in a table,
 *      and is what every query returns. SA_RESETHAND, SA_NODEFER, SA_ONSTACK, siglongjmp and SA_SIGINFO all work as without it, since nothing is
 *      left to do after the jump. (Comparing pending sets before and after a call instead would miss handlers that run for signals sent in
 *      between, and one that ran just before ours did.)
 *  G3  A child of vfork shares the table and must not write it: it sets the program's handler directly.
 *  G4  Table and kernel change together: no handler of the program's, and no checkpoint, comes in between.
 * Context: normal, and the program's own handlers; sigaction is async-signal-safe and stays so.
 */
#include "signals.h"
#include "interpose.h"
#include <fcntl.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

typedef void (*siginfo_handler)(int, siginfo_t *, void *);

void prs_handler_entry(int signo, siginfo_t *info, void *context);
void prs_handler_repeats(int signo, siginfo_t *info, ucontext_t *context);
extern void *volatile prs_handlers[_NSIG];
void *volatile prs_handlers[_NSIG];
static volatile bool restarts[_NSIG]; /* SA_RESTART was given */
static struct sigaction remembered;   /* what the program set for PRS_SIGNAL */
static sigset_t interrupting;         /* siginterrupt */

_Static_assert(offsetof(struct prs_wrapper_state, program_handlers) == 8, "guarded_x86_64.S");
_Static_assert(offsetof(ucontext_t, uc_mcontext.gregs[REG_RIP]) == 168 && offsetof(ucontext_t, uc_mcontext.gregs[REG_RCX]) == 152, "guarded_x86_64.S");

/* ---- entering a handler ---- */

/* Called by prs_handler_entry with its stack pointer (handlers.h). */
void prs_handler_entered(uint64_t sp);
__attribute__((used)) void prs_handler_entered(uint64_t sp) { prs_handlers_enter(&prs_w.handlers, sp); }

static bool waits_for_others(long number, int fd)
{
    struct stat status;
    switch (number) {
    case SYS_read: case SYS_readv: case SYS_write: case SYS_writev: case SYS_ioctl:
        return prs_sys(SYS_fstat, fd, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
    case SYS_recvfrom: case SYS_recvmsg: case SYS_sendto: case SYS_sendmsg: case SYS_accept: case SYS_accept4: case SYS_wait4: case SYS_waitid:
    case SYS_futex: case SYS_flock: case SYS_mq_timedreceive: case SYS_mq_timedsend:
        return true;
    default:
        return false;
    }
}

/* A handler is being entered while a system call that was taken back is about to be repeated. If the handler has no SA_RESTART, it was not for its sake
 * that the call was taken back: our signal came first (with SA_RESTART) and this one while ours was handled. Without us the call would have returned
 * EINTR, which is how programs give read() a time limit by alarm(); so it does. Called by prs_handler_entry. */
__attribute__((used)) void prs_handler_repeats(int signo, siginfo_t *info, ucontext_t *context)
{
    (void)info;
    greg_t *registers = context->uc_mcontext.gregs;
    if (restarts[signo] || signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE || signo == SIGTRAP || signo == SIGSYS) {
        return;
    }
    static const unsigned char instruction[2] = {0x0f, 0x05};
    if (__builtin_memcmp((const void *)registers[REG_RIP], instruction, sizeof instruction) == 0 &&
        waits_for_others((long)registers[REG_RAX], (int)registers[REG_RDI])) {
        registers[REG_RAX] = -EINTR;
        registers[REG_RIP] += (greg_t)sizeof instruction;
    }
}

/* ---- actions ---- */

static bool is_function(const struct sigaction *action)
{
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

static void strip(sigset_t *set) { sigdelset(set, PRS_SIGNAL); }

/* What the kernel has is prs_handler_entry also in a fork child, and after persistence has ended. */
static void reveal(void *handler, struct sigaction *old)
{
    if (old != NULL && old->sa_sigaction == prs_handler_entry) {
        old->sa_sigaction = (siginfo_handler)handler;
    }
}

static sighandler_t revealed(void *handler, sighandler_t old)
{
    return (void *)old == (void *)prs_handler_entry ? (sighandler_t)handler : old;
}

static int plain_sigaction(int signo, const struct sigaction *action, struct sigaction *old)
{
    void *handler = signo > 0 && signo < _NSIG ? prs_handlers[signo] : NULL;
    int result = NEXT(sigaction)(signo, action, old);
    if (result == 0) {
        reveal(handler, old);
    }
    return result;
}

PRS_EXPORT int sigaction(int signo, const struct sigaction *restrict action, struct sigaction *restrict old)
{
    if (!prs_active()) {
        return plain_sigaction(signo, action, old);
    }
    if (signo == PRS_SIGNAL) {
        struct sigaction before = remembered;
        if (action != NULL) {
            remembered = *action;
        }
        if (old != NULL) {
            *old = before;
        }
        return 0;
    }
    if (action == NULL || signo <= 0 || signo >= _NSIG) {
        return plain_sigaction(signo, action, old);
    }
    struct sigaction given = *action, before;
    strip(&given.sa_mask);
    if (!prs_owner()) { /* G3 */
        return plain_sigaction(signo, &given, old);
    }
    struct prs_apart apart; /* G4 */
    prs_apart_begin(&apart);
    prs_hold();
    void *handler_before = prs_handlers[signo];
    if (is_function(&given)) {
        given.sa_sigaction = prs_handler_entry;
    }
    int result = NEXT(sigaction)(signo, &given, &before);
    if (result == 0) {
        if (is_function(&given)) {
            prs_handlers[signo] = (void *)action->sa_sigaction;
            restarts[signo] = (action->sa_flags & SA_RESTART) != 0;
        }
        prs_w.changed |= PRS_CHANGED_SIGNALS;
        reveal(handler_before, &before);
        if (old != NULL) {
            *old = before;
        }
    }
    prs_release();
    prs_apart_end(&apart);
    return result;
}
PRS_ALIAS(sigaction) int __sigaction(int signo, const struct sigaction *restrict action, struct sigaction *restrict old);

static sighandler_t set_simple(int signo, sighandler_t handler, int flags, bool block_itself)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, old;
    sigemptyset(&action.sa_mask);
    if (handler == SIG_ERR || signo < 1 || signo >= _NSIG) {
        errno = EINVAL;
        return SIG_ERR;
    }
    if (block_itself) {
        sigaddset(&action.sa_mask, signo);
    }
    return sigaction(signo, &action, &old) != 0 ? SIG_ERR : old.sa_handler;
}

PRS_EXPORT sighandler_t signal(int signo, sighandler_t handler)
{
    if (!prs_active()) {
        return revealed(signo > 0 && signo < _NSIG ? prs_handlers[signo] : NULL, NEXT(signal)(signo, handler));
    }
    bool interrupts = signo > 0 && signo < _NSIG && sigismember(&interrupting, signo) == 1;
    return set_simple(signo, handler, interrupts ? 0 : SA_RESTART, true);
}
PRS_ALIAS(signal) sighandler_t bsd_signal(int signo, sighandler_t handler);
PRS_ALIAS(signal) sighandler_t ssignal(int signo, sighandler_t handler);

PRS_EXPORT sighandler_t sysv_signal(int signo, sighandler_t handler)
{
    if (prs_active()) {
        return set_simple(signo, handler, (int)SA_RESETHAND | SA_NODEFER, false);
    }
    return revealed(signo > 0 && signo < _NSIG ? prs_handlers[signo] : NULL, NEXT(sysv_signal)(signo, handler));
}
PRS_ALIAS(sysv_signal) sighandler_t __sysv_signal(int signo, sighandler_t handler);

PRS_EXPORT int siginterrupt(int signo, int interrupt)
{
    if (!prs_active()) {
        return NEXT(siginterrupt)(signo, interrupt);
    }
    struct sigaction action;
    if (sigaction(signo, NULL, &action) != 0) {
        return -1;
    }
    if (interrupt) {
        sigaddset(&interrupting, signo);
        action.sa_flags &= ~SA_RESTART;
    } else {
        sigdelset(&interrupting, signo);
        action.sa_flags |= SA_RESTART;
    }
    return sigaction(signo, &action, NULL);
}

/* ---- masks ---- */

static int set_mask(int how, const sigset_t *set, sigset_t *old)
{
    sigset_t given;
    if (set != NULL && how != SIG_UNBLOCK) {
        given = *set;
        strip(&given);
        set = &given;
    }
    return NEXT(pthread_sigmask)(how, set, old);
}

PRS_EXPORT int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    return prs_active() ? set_mask(how, set, old) : NEXT(pthread_sigmask)(how, set, old);
}

PRS_EXPORT int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    if (!prs_active()) {
        return NEXT(sigprocmask)(how, set, old);
    }
    int error = set_mask(how, set, old);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return 0;
}

PRS_EXPORT int sighold(int signo)
{
    sigset_t set;
    sigemptyset(&set);
    return sigaddset(&set, signo) != 0 ? -1 : sigprocmask(SIG_BLOCK, &set, NULL);
}

PRS_EXPORT int sigrelse(int signo)
{
    sigset_t set;
    sigemptyset(&set);
    return sigaddset(&set, signo) != 0 ? -1 : sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* X/Open's form; the BSD form takes a mask that cannot name PRS_SIGNAL. libc's own would be interrupted by us. */
int __sigpause(int signo_or_mask, int is_signo);
int sigpause_x(int signo) __asm__("__xpg_sigpause");
int sigpause_bsd(int mask) __asm__("sigpause");
PRS_EXPORT int __sigpause(int signo_or_mask, int is_signo)
{
    sigset_t set;
    if (is_signo) {
        if (sigprocmask(SIG_BLOCK, NULL, &set) != 0 || sigdelset(&set, signo_or_mask) != 0) {
            return -1;
        }
    } else {
        sigemptyset(&set);
        __builtin_memcpy(&set, &signo_or_mask, sizeof signo_or_mask);
    }
    return sigsuspend(&set);
}
PRS_EXPORT int sigpause_x(int signo) { return __sigpause(signo, 1); }
PRS_EXPORT int sigpause_bsd(int mask) { return __sigpause(mask, 0); }

PRS_EXPORT int signalfd(int fd, const sigset_t *set, int flags)
{
    if (!prs_active()) {
        return NEXT(signalfd)(fd, set, flags);
    }
    sigset_t own = prs_without_ours(set);
    return NEXT(signalfd)(fd, &own, flags);
}

PRS_EXPORT int sigignore(int signo)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    return sigaction(signo, &action, NULL);
}

PRS_EXPORT sighandler_t sigset(int signo, sighandler_t disposition)
{
    sigset_t set, old;
    sigemptyset(&set);
    struct sigaction before, action = {.sa_handler = disposition};
    if (sigaddset(&set, signo) != 0) {
        return SIG_ERR;
    }
    if (disposition == SIG_HOLD) {
        if (sigprocmask(SIG_BLOCK, &set, &old) != 0 || sigaction(signo, NULL, &before) != 0) {
            return SIG_ERR;
        }
    } else if (sigaction(signo, &action, &before) != 0 || sigprocmask(SIG_UNBLOCK, &set, &old) != 0) {
        return SIG_ERR;
    }
    return sigismember(&old, signo) == 1 ? SIG_HOLD : before.sa_handler;
}

/* ---- timers: the checkpoint reads them again ---- */

static void timers_changed(void)
{
    if (prs_owning()) {
        prs_w.changed |= PRS_CHANGED_TIMERS;
    }
}

PRS_EXPORT int setitimer(__itimer_which_t which, const struct itimerval *restrict value, struct itimerval *restrict old)
{
    timers_changed();
    return (int)prs_errno(prs_sys(SYS_setitimer, which, value, old));
}

PRS_EXPORT unsigned alarm(unsigned seconds)
{
    timers_changed();
    return (unsigned)prs_sys(SYS_alarm, seconds);
}

PRS_EXPORT useconds_t ualarm(useconds_t value, useconds_t interval)
{
    struct itimerval timer = {{interval / 1000000, interval % 1000000}, {value / 1000000, value % 1000000}}, old;
    return setitimer(ITIMER_REAL, &timer, &old) != 0 ? (useconds_t)-1 : (useconds_t)(old.it_value.tv_sec * 1000000 + old.it_value.tv_usec);
}

PRS_EXPORT int timer_create(clockid_t clock, struct sigevent *restrict event, timer_t *restrict timer)
{
    struct prs_ending ending = prs_ending_begin(false);
    int result = NEXT(timer_create)(clock, event, timer), saved = errno;
    prs_ending_end(&ending, result == 0, "a POSIX timer");
    errno = saved;
    return result;
}
