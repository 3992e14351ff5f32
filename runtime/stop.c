/* stop.c - when a checkpoint is taken: the signal, its timers, and what the wrappers may ask (hold.h).
 *
 * The promise is about running time, so the timer counts the thread's processor time: a blocked program is left alone and sees no EINTR. Such timers
 * tick with the kernel's clock (4 ms here), so the last stretch of an interval is timed by a precise one-shot timer, which is armed only
 * while the program runs. Intervals under two ticks use the precise timer alone.
 *
 * INVARIANT T1: after every handler run that leaves the process active, a timer is armed.
 * Context: prs_on_signal in the handler, on the runtime's stack, every signal blocked; the rest in wrappers (normal context) or at start.
 */
#include "checkpoint.h"
#include "cost.h"
#include "durable.h"
#include "error.h"
#include "fault.h"
#include "growth.h"
#include "hold.h"
#include "layout_asm.h"
#include "live.h"
#include "log.h"
#include "outcome.h"
#include "planted.h"
#include "prim.h"
#include "stack_guard.h"
#include "stack_way.h"
#include "state.h"
#include "step.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

_Static_assert(PRS_STACK_TOP_ASM == PRS_STACK_BASE + PRS_STACK_SIZE, "layout.h and layout_asm.h differ");

union prs_private_pages prs_private_pages __attribute__((aligned(4096)));
struct prs_wrapper_state prs_w __attribute__((visibility("hidden")));

#define TICK_NS 4000000ul        /* CONFIG_HZ=250; a shorter tick only makes the first timer fire later than it need */
#define SLACK_NS 200000ul        /* an interval ended by less than this is over */
#define VDSO_RETRY_NS 50000ul
#define DISK_RETRY_NS 1000000ul  /* of running time, to the next look whether the disk has come to its end */

void prs_signal_entry(int signo, siginfo_t *info, void *ucontext);
void prs_signal_return(void);
void prs_on_signal(int signo, siginfo_t *info, void *ucontext);
extern const char prs_raise_start[], prs_raise_end[];

/* ---- timers ---- */

static int create_timer(clockid_t clock)
{
    struct sigevent event;
    prs_fill(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = PRS_SIGNAL;
    event._sigev_un._tid = (int)prs_sys(SYS_gettid);
    int id = -1;
    long result = prs_sys(SYS_timer_create, clock, &event, &id);
    return result < 0 ? (int)result : id;
}

static void arm(int timer, uint64_t ns)
{
    struct itimerspec when = {{0, 0}, {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)}};
    prs_sys(SYS_timer_settime, timer, 0, &when, NULL);
}

static bool precise_only(void) { return prs_p.interval.now_ns < 2 * TICK_NS; }

static void arm_interval(uint64_t left_ns)
{
    if (precise_only()) {
        arm(prs_p.timer_precise, left_ns);
    } else if (left_ns > TICK_NS) {
        arm(prs_p.timer, left_ns - TICK_NS);
    } else {
        arm(prs_p.timer_precise, left_ns);
    }
}

int prs_checkpoint_timers(void)
{
    prs_p.timer = create_timer(CLOCK_THREAD_CPUTIME_ID);
    prs_p.timer_precise = create_timer(CLOCK_MONOTONIC);
    if (prs_p.timer < 0 || prs_p.timer_precise < 0) {
        return prs_p.timer < 0 ? prs_p.timer : prs_p.timer_precise;
    }
    prs_p.last_cpu_ns = prs_cpu_ns();
    prs_p.last_now_ns = prs_now_ns();
    prs_interval_begin(&prs_p.interval, prs_p.options.interval_ns, prs_p.options.budget != 0 ? prs_p.options.budget : PRS_BUDGET_DEFAULT);
    prs_p.interval_began_cpu_ns = prs_p.last_cpu_ns;
    prs_cost_start();
    if (prs_p.options.step == 0) {
        arm_interval(prs_p.interval.now_ns);
    }
    return 0;
}

void prs_checkpoint_disarm(void)
{
    arm(prs_p.timer, 0);
    arm(prs_p.timer_precise, 0);
}

void prs_checkpoint_install(void)
{
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {(void *)prs_signal_entry, SA_SIGINFO | SA_RESTART | prs_p.stack.signal_flags | 0x04000000ul /* SA_RESTORER */, (void *)prs_signal_return, ~0ul};
    prs_sys(SYS_rt_sigaction, PRS_SIGNAL, &action, NULL, 8);
    if (prs_p.options.step != 0) {
        prs_sys(SYS_rt_sigaction, SIGTRAP, &action, NULL, 8);
    }
}

static void take(const void *ucontext)
{
    struct prs_cost cost;
    prs_cost_begin(&cost);
    bool for_space = prs_p.suspended == PRS_SUSPENDED_SPACE && prs_p.stop_reason == NULL;
    bool growth_failed = for_space && prs_growth_failed(), too_early = prs_p.suspended != PRS_NOT_SUSPENDED && cost.now_ns < prs_p.suspended_until_ns && prs_p.stop_reason == NULL;
    bool attempted = !growth_failed && !too_early && !(for_space && prs_growth_coming());
    if (growth_failed) {
        prs_p.outcome = -ENOSPC;
        prs_suspend_for_space(cost.now_ns);
    } else if (attempted) {
        prs_p.outcome = prs_checkpoint_take(ucontext);
        prs_conclude(prs_p.outcome);
    } else {
        prs_p.outcome = -EAGAIN;
    }
    prs_p.last_now_ns = prs_now_ns();
    prs_p.last_cpu_ns = prs_cpu_ns();
    uint64_t stopped_ns = prs_p.last_now_ns - cost.now_ns;
    if (prs_p.outcome == 0) {
        prs_stats_stop(&prs_p.stats, stopped_ns);
    }
    if (attempted) {
        prs_cost_end(&cost);
        prs_live_write(&prs_p.store, &prs_p.live_began, &prs_p.stats, &prs_p.interval, prs_p.pid, prs_p.last_cpu_ns, prs_p.outcome == 0 ? stopped_ns : 0);
    }
    if (prs_p.outcome == 0) {
        if (prs_p.options.die_after != 0 && prs_p.stats.checkpoints >= prs_p.options.die_after && prs_durable_settle(true) == 0) {
            prs_sys(SYS_kill, prs_sys(SYS_getpid), SIGKILL);
        }
    }
}

static bool in_vdso(uint64_t rip) { return rip >= prs_p.vdso.start && rip < prs_p.vdso.end; }

/* interpose/raise_x86_64.S: its invariant. (Single-stepping passes over it and over calls that were sent on, or it would never end.) */
static bool in_raise(uint64_t rip) { return rip >= (uint64_t)prs_raise_start && rip < (uint64_t)prs_raise_end; }

/* A handler came in between and left by longjmp (hold.c, H2): the program stands above the frame, or has written over where it returns to. */
static bool exec_is_left(uint64_t sp)
{
    return prs_frame_is_outlived(prs_w.executing, sp) || ((const volatile uint64_t *)prs_w.executing)[1] != prs_w.executing_returns;
}

static void undo_exec(void)
{
    prs_store_set_state(&prs_p.store, PRS_POOL_RUNNING);
    prs_w.executing = 0;
}

static void on_signal(int signo, void *ucontext)
{
    if (!prs_p.active) {
        return;
    }
    if (prs_guard_holds((uint64_t)((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP])) {
        arm(prs_p.timer_precise, VDSO_RETRY_NS);
        return;
    }
    uint64_t rip = (uint64_t)((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
    if (signo == SIGTRAP) {
        if (prs_sys(SYS_getpid) == prs_p.pid /* a child is stepped, too */ && prs_step_due() && prs_w.hold == 0 && !prs_stack_at_work((uint64_t)((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP]) && !in_vdso(rip) && !in_raise(rip) && !prs_guard_sent_on(rip) && !prs_guard_returns(rip)) {
            ++prs_w.interruptions;
            take(ucontext);
            if (prs_p.outcome == 0) {
                prs_step_taken();
            }
        }
        return;
    }
    ++prs_w.interruptions; /* before the image is taken, so that a wrapper sees it after a restore too */
    if (prs_w.executing != 0 && exec_is_left((uint64_t)((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP])) {
        undo_exec();
        --prs_w.hold;
    }
    if (prs_w.hold > 0) {
        prs_w.held_back = 1;
        if (prs_w.executing != 0) {
            arm_interval(prs_p.interval.now_ns); /* to look again: the frame may be left, and nobody release what it holds */
        }
        return;
    }
    if (prs_stack_at_work((uint64_t)((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP])) {
        prs_p.stack.postponed = true;
        arm_interval(prs_p.interval.now_ns); /* should it have been left, and nothing show it yet */
        return;
    }
    if (!prs_p.requested && prs_guard_postpones(ucontext)) {
        arm(prs_p.timer_precise, VDSO_RETRY_NS);
        return;
    }
    if (in_vdso(rip) || prs_guard_returns(rip)) {
        /* The vdso of the process that restores is mapped fresh; nothing may be half-way through it. */
        arm(prs_p.timer_precise, VDSO_RETRY_NS);
        return;
    }
    if (!prs_p.requested && prs_p.options.step == 0) {
        uint64_t ran = prs_cpu_ns() - prs_p.last_cpu_ns, interval = prs_p.interval.now_ns;
        if (ran + (precise_only() ? interval / 2 : SLACK_NS) < interval) {
            /* Under the precise timer alone a blocked program wakes it up once an interval and nothing is taken. */
            arm_interval(precise_only() ? interval : interval - ran);
            return;
        }
    }
    prs_p.must_be_durable = prs_p.requested == PRS_REQUESTED_DURABLY;
    if (prs_durable_busy() && !prs_p.must_be_durable) {
        ++prs_p.stats.postponed;
        prs_p.requested = PRS_NOT_REQUESTED;
        arm(prs_p.timer, DISK_RETRY_NS);
        return;
    }
    prs_p.requested = PRS_NOT_REQUESTED;
    if (in_raise(rip)) {
        ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP] = (greg_t)(uint64_t)prs_raise_start;
    }
    prs_guard_take_back(ucontext);
    take(ucontext);
    if (prs_p.active && prs_p.options.step == 0) {
        arm_interval(prs_p.interval.now_ns);
    }
}

void prs_on_signal(int signo, siginfo_t *info, void *ucontext)
{
    (void)info;
    prs_guard_enter();
    on_signal(signo, ucontext);
    prs_guard_leave(ucontext);
}

/* ---- hold.h ---- */

bool prs_active(void) { return prs_p.active; }

/* The numbers are compared in one process only: a checkpoint may come between any two lines, and the process that goes on from it has another. */
bool prs_owner(void)
{
    long caller;
    int ours;
    do {
        ours = *(volatile int *)&prs_p.pid;
        caller = prs_sys(SYS_getpid);
    } while (ours != *(volatile int *)&prs_p.pid && !PRS_PLANTED(owner_once));
    return prs_p.active && caller == ours;
}

/* A handler of the program's may come in between, ask for one itself, and never return here: what is asked for is asked for until a checkpoint is taken, and no longer. */
static int ask_for(unsigned what)
{
    if (!prs_owner() || prs_w.hold > 0) {
        return 0;
    }
    uint64_t generation = prs_w.restores;
    prs_p.requested = what > prs_p.requested ? what : prs_p.requested;
    ++prs_p.stats.on_request;
    prs_raise(PRS_SIGNAL);
    return prs_w.restores != generation;
}

int prs_checkpoint_here(void) { return ask_for(PRS_REQUESTED); }

int prs_checkpoint_durably(void) { return ask_for(PRS_REQUESTED_DURABLY); }

/* postponed: we are in a handler that interrupted a hook */
static bool lacks_one(void) { return prs_p.active && (prs_p.suspended != PRS_NOT_SUSPENDED || prs_p.stack.postponed); }

static void overtake(void)
{
    char reason[PRS_PATH_MAX / 16];
    prs_p.overtaken = true;
    (void)prs_durable_settle(true); /* the mark is about the epoch that is the last one */
    prs_format(reason, sizeof reason, "files were changed after the last checkpoint, while %s%s",
               prs_p.suspended == PRS_NOT_SUSPENDED ? "a store was being followed" : prs_p.suspended == PRS_SUSPENDED_SPACE ? "the pool was full" : "the program had ",
               prs_p.suspended == PRS_SUSPENDED_UNRESTORABLE ? prs_what_it_has() : "");
    prs_store_set_state_because(&prs_p.store, PRS_POOL_OVERTAKEN, reason);
    if (prs_p.said) {
        prs_say("a file is changed while checkpoints are suspended: the last one cannot be resumed until there is another");
    }
}

int prs_checkpoint_required(void)
{
    uint64_t generation = prs_w.restores;
    prs_checkpoint_durably();
    /* The pool is growing, which takes a moment: nothing is lost by waiting for it. */
    for (unsigned tries = 0; tries < 2 * 128 && prs_owner() && prs_w.hold == 0 && prs_p.suspended == PRS_SUSPENDED_SPACE && prs_growth_wait(); ++tries) {
        prs_checkpoint_durably();
    }
    prs_durable_changing();
    if (lacks_one() && prs_w.hold == 0 && prs_owner()) {
        struct prs_apart apart;
        prs_apart_begin(&apart);
        prs_hold();
        if (lacks_one() && !prs_p.overtaken) { /* one may have been taken meanwhile */
            overtake();
        }
        prs_release(); /* where one may be taken, and resumed */
        prs_apart_end(&apart);
    }
    return prs_w.restores != generation;
}

void prs_checkpoint_before_block(void)
{
    uint64_t enough = prs_interval_is_auto(&prs_p.interval) ? prs_p.interval.now_ns : prs_p.interval.now_ns / 2; /* a budget allows no more than one an interval */
    if (prs_p.active && prs_now_ns() - prs_p.last_now_ns > enough && prs_owner() && !prs_durable_busy()) {
        prs_checkpoint_here();
    }
}

void prs_stop_persisting(const char *what)
{
    if (!prs_owner()) {
        return;
    }
    struct prs_apart apart;
    prs_apart_begin(&apart);
    prs_p.stop_reason = what;
    prs_w.hold = 0;
    prs_checkpoint_durably(); /* the last commit says why there is none after it */
    prs_checkpoint_disarm();
    prs_p.active = false;
    prs_end_tasks();
    prs_apart_end(&apart);
}

struct prs_ending prs_ending_begin(bool alone)
{
    struct prs_ending ending = {.begun = prs_owner()};
    if (ending.begun) {
        prs_apart_begin(&ending.apart);
        prs_hold();
        if (alone) {
            prs_growth_end();
            prs_durable_end();
            prs_second_thread(); /* until the task is no longer counted */
        }
    }
    return ending;
}

void prs_ending_end(const struct prs_ending *ending, bool done, const char *what)
{
    if (!ending->begun) {
        return;
    }
    if (done) {
        prs_stop_persisting(what); /* and nothing is held back any more */
    } else {
        prs_release();
    }
    prs_apart_end(&ending->apart);
}

void prs_before_filter(void)
{
    prs_tracing_end("it sets a filter of system calls");
    prs_stop_persisting("a filter of system calls");
}

bool prs_descriptors_guarded(void) { return prs_p.active || prs_p.tracing.on; }

bool prs_descriptor_is_ours(int fd) { return prs_descriptors_guarded() && fd >= prs_p.fd_floor && fd <= prs_p.fd_top; }

/* disk: what became of the last epoch. */
static void say_finished(int disk)
{
    prs_durable_last_files();
    if (prs_store_set_state(&prs_p.store, PRS_POOL_FINISHED) != 0 || disk != 0) {
        prs_say("PROSPER_E_DISK: %s: after a power cut the pool may not know that the program has ended", prs_error_text(PROSPER_E_DISK));
    }
}

void prs_finish(void)
{
    prs_tracing_end(NULL);
    if (!prs_owner() || prs_p.finished) {
        return;
    }
    struct prs_apart apart;
    prs_apart_begin(&apart); /* one that ends the process, too, would leave the pool as of a process that was killed */
    prs_hold();
    prs_p.finished = true;
    prs_checkpoint_disarm();
    siginfo_t ended = {0};
    if (!prs_p.options.quiet && !prs_p.began_with_children && prs_sys(SYS_waitid, P_ALL, 0, &ended, WNOHANG | WNOWAIT | WEXITED | __WALL, NULL) == 0 &&
        ended.si_pid == 0) {
        prs_say("the program has ended; a child process that it leaves behind runs without persistence");
    }
    int disk = prs_durable_settle(true);
    prs_stats_write();
    if (!prs_p.options.keep) {
        say_finished(disk);
        PRS_FAULT_HERE(finish_done);
    }
    prs_p.active = false;
    prs_end_tasks();
    prs_apart_end(&apart);
}

void prs_child(void)
{
    if (!prs_descriptors_guarded()) {
        return;
    }
    prs_p.active = false;
    prs_guard_child();
    prs_profile_off();
    prs_tracing_leave();
    for (int fd = prs_p.fd_floor; fd <= prs_p.fd_top; ++fd) {
        prs_sys(SYS_close, fd);
    }
}

void prs_before_exec(uint64_t frame)
{
    prs_tracing_flush();
    if (prs_owner()) {
        struct prs_apart apart;
        prs_apart_begin(&apart);
        if (prs_w.executing == 0) { /* else a handler has left one behind */
            prs_hold(); /* a checkpoint would begin anew */
        }
        prs_w.executing_returns = ((const uint64_t *)frame)[1];
        prs_w.executing = frame;
        if (!prs_p.options.quiet) {
            prs_say("the program executes another: persistence ends here");
        }
        prs_stats_write();
        prs_growth_end(); /* the kernel would end the task with its file half made */
        int disk = prs_durable_settle(true);
        prs_durable_end();
        say_finished(disk);
        prs_apart_end(&apart); /* the mask is the next program's */
    }
}

void prs_exec_failed(void)
{
    struct prs_apart apart;
    if (prs_owner()) {
        prs_apart_begin(&apart);
        if (prs_w.executing != 0) { /* else a handler has come back to here by longjmp */
            undo_exec();
            prs_release();
        }
        prs_apart_end(&apart);
    }
}
