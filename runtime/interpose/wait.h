/* wait.h - a blocking call that goes on when only our signal interrupted it.
 *
 *   INVARIANT B1: a call that was interrupted by our signal alone goes on, for the time that is left; one that a handler of the program's own interrupted
 *                 returns as it would have without us. A handler counts from the entry of the wrapper on: native code would be in the call by then.
 * A restore inside such a call looks like an interruption by us (the counters are in the image). The time left is counted by CLOCK_MONOTONIC: a
 * process that was dead for longer than its sleep has slept. After a reboot that clock starts again; then what was left counts.
 */
#ifndef PRS_WAIT_H
#define PRS_WAIT_H

#include "interpose.h"
#include "signals.h"
#include <time.h>

#define PRS_SECOND 1000000000ul

struct prs_wait {
    struct prs_token token;    /* its program_handlers stays as it was at the entry: a handler that runs between two tries is not lost */
    uint64_t seen_ns, left_ns; /* left as of seen */
    bool resumed;              /* the checkpoint before it was gone on from: some of the time is over */
};

static inline struct prs_wait prs_wait_begin(uint64_t ns)
{
    struct prs_token token = prs_token_take();
    uint64_t began = prs_now_ns();
    prs_run_restore_callbacks();
    prs_checkpoint_before_block();
    token.interruptions = prs_w.interruptions;
    uint64_t now = prs_now_ns();
    struct prs_wait wait = {token, now, ns, false};
    if (prs_w.restores != token.restores && ns != 0) {
        uint64_t gone = now > began ? now - began : 0; /* backwards: another boot */
        wait.left_ns -= gone < ns ? gone : ns;
        wait.resumed = true;
    }
    return wait;
}

/* For a call that does not block: no checkpoint, no look at the clock. */
static inline struct prs_wait prs_wait_none(void) { return (struct prs_wait){prs_token_take(), 0, 0, false}; }

/* After an interruption: true when the call is to go on, with the time left brought up to date. */
static inline bool prs_wait_goes_on(struct prs_wait *wait)
{
    if (!prs_only_us(wait->token)) {
        return false;
    }
    wait->token.interruptions = prs_w.interruptions;
    uint64_t now = prs_now_ns();
    uint64_t gone = now > wait->seen_ns ? now - wait->seen_ns : 0; /* backwards: another boot */
    wait->left_ns -= gone < wait->left_ns ? gone : wait->left_ns;
    wait->seen_ns = now;
    return true;
}

/* One try of a call that ends with EINTR after any handler, whatever its flags. */
#define prs_wait_try(wait, number, a, b, c, d, e, f)                                                           \
    prs_guarded(number, (const long[6]){PRS_L(a), PRS_L(b), PRS_L(c), PRS_L(d), PRS_L(e), PRS_L(f)}, (wait)->token.program_handlers)

static inline bool prs_is_time(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < (long)PRS_SECOND;
}

/* Three centuries are for ever ("sleep infinity"). 0 for no time at all, or an invalid one, which the kernel refuses. */
static inline uint64_t prs_to_ns(const struct timespec *time)
{
    if (time == NULL || !prs_is_time(time)) {
        return 0;
    }
    return time->tv_sec > 9000000000 ? 9000000000 * PRS_SECOND : (uint64_t)time->tv_sec * PRS_SECOND + (uint64_t)time->tv_nsec;
}

static inline struct timespec prs_to_timespec(uint64_t ns) { return (struct timespec){(time_t)(ns / PRS_SECOND), (long)(ns % PRS_SECOND)}; }

/* The time for the first try. */
static inline struct timespec prs_wait_first(const struct prs_wait *wait, struct timespec asked)
{
    return wait->resumed ? prs_to_timespec(wait->left_ns) : asked;
}

#define PRS_SIGSET_BYTES 8

#endif
