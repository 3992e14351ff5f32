/* signals.c - the program's signal set-up, with PRS_SIGNAL out of its reach.
 *
 * INVARIANTS
 *  G1  PRS_SIGNAL is never blocked, waited for or handled by the program: it is taken out of every set that goes to the kernel, and an action for it is
 *      only remembered.
 *  G2  Handlers of the program's own are counted when they are entered (prs_w.program_handlers): a wrapper whose call was interrupted must tell an
 *      interruption of ours, which the program may not see, from one of its own, which it must. So the kernel gets `trampoline`, which counts
 *      and jumps on with the same arguments; the program's handler stands in a table, and is what every query returns. SA_RESETHAND, SA_NODEFER,
 *      SA_ONSTACK, siglongjmp and SA_SIGINFO all work as without it, since nothing is left to do after the jump. (Comparing pending sets before and
 *      after a call instead would miss handlers that run for signals sent in between.)
 *  G3  A child of vfork shares the table and must not write it: it sets the program's handler directly.
 * Context: normal, and the program's own handlers; sigaction is async-signal-safe and stays so.
 */
#include "interpose.h"
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef void (*siginfo_handler)(int, siginfo_t *, void *);

static void *volatile handlers[_NSIG];
static struct sigaction remembered; /* what the program set for PRS_SIGNAL */
static sigset_t interrupting;       /* siginterrupt */

static void trampoline(int signo, siginfo_t *info, void *context)
{
    ++prs_w.program_handlers;
    ((siginfo_handler)handlers[signo])(signo, info, context);
}

static bool is_function(const struct sigaction *action)
{
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

static void strip(sigset_t *set) { sigdelset(set, PRS_SIGNAL); }

PRS_EXPORT int sigaction(int signo, const struct sigaction *restrict action, struct sigaction *restrict old)
{
    if (!prs_active()) {
        return NEXT(sigaction)(signo, action, old);
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
    bool shared = action != NULL && !prs_owner(); /* G3 */
    struct sigaction given, before;
    void *handler_before = signo > 0 && signo < _NSIG ? handlers[signo] : NULL;
    if (action != NULL) {
        given = *action;
        strip(&given.sa_mask);
        if (is_function(&given) && !shared && signo > 0 && signo < _NSIG) {
            handlers[signo] = (void *)given.sa_sigaction; /* before the kernel has it: a signal that comes in between finds a handler */
            given.sa_sigaction = trampoline;
        }
    }
    int result = NEXT(sigaction)(signo, action != NULL ? &given : NULL, &before);
    if (result != 0) {
        if (action != NULL && !shared && signo > 0 && signo < _NSIG) {
            handlers[signo] = handler_before;
        }
        return result;
    }
    if (!shared && action != NULL) {
        prs_w.changed |= PRS_CHANGED_SIGNALS;
    }
    if (old != NULL) {
        *old = before;
        if (before.sa_sigaction == trampoline) {
            old->sa_sigaction = (siginfo_handler)handler_before;
        }
    }
    return 0;
}

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
        return NEXT(signal)(signo, handler);
    }
    bool interrupts = signo > 0 && signo < _NSIG && sigismember(&interrupting, signo) == 1;
    return set_simple(signo, handler, interrupts ? 0 : SA_RESTART, true);
}
PRS_ALIAS(signal) sighandler_t bsd_signal(int signo, sighandler_t handler);
PRS_ALIAS(signal) sighandler_t ssignal(int signo, sighandler_t handler);

PRS_EXPORT sighandler_t sysv_signal(int signo, sighandler_t handler)
{
    return prs_active() ? set_simple(signo, handler, (int)SA_RESETHAND | SA_NODEFER, false) : NEXT(sysv_signal)(signo, handler);
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

PRS_EXPORT int sigsetmask(int mask)
{
    sigset_t set, old;
    sigemptyset(&set);
    __builtin_memcpy(&set, &mask, sizeof mask);
    if (sigprocmask(SIG_SETMASK, &set, &old) != 0) {
        return -1;
    }
    __builtin_memcpy(&mask, &old, sizeof mask);
    return mask;
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
    prs_stop_persisting("a POSIX timer");
    return NEXT(timer_create)(clock, event, timer);
}
