/* checkpoint.c - one checkpoint, from the signal frame to the commit record.
 *
 *   state        what has happened                                    leaves by
 *   RUNNING      the program runs                                     PRS_SIGNAL: timer or prs_checkpoint_here
 *   STOPPING     the one thread is in the handler                     at once (more threads: later)
 *   COLLECTING   registers, kernel state, region table into META; changed ranges into the log, changed lines into slots
 *                                                                     -> FLUSHED, or given up (no space, something unrestorable)
 *   FLUSHED      everything of epoch n+1 is written and fenced        -> COMMITTED
 *   COMMITTED    one record                                           -> RUNNING, page tracking armed again
 *
 * INVARIANTS
 *  C1  Nothing of epoch n+1 counts before the commit record; giving it up leaves epoch n, and page tracking is not armed again, so the next try
 *      finds the same pages. The mirror may be ahead of the log then: the next epoch is a full one.
 *  C2  The image is of one instant: the thread is in the handler, with every signal blocked.
 *  C4  On media that work by pages an epoch is sealed at the stop and becomes durable afterwards, while the program runs (durable.h). What happens in memory after a commit (tracking is
 *      armed, the mirror is current) happens at the stop all the same: a sealed epoch becomes the committed one, or there is never another one. What happens in the pool, and
 *      what says that it has committed, waits until it is settled: before the next epoch begins.
 *  C3  No allocation, no lock, no libc state: raw system calls, the arena.
 */
#include "checkpoint.h"
#include "collect.h"
#include "durable.h"
#include "error.h"
#include "explain.h"
#include "fault.h"
#include "fdtable.h"
#include "growth.h"
#include "hold.h"
#include "kernel_state.h"
#include "markcheck.h"
#include "marks.h"
#include "prim.h"
#include "region.h"
#include "stack_consolidate.h"
#include "stack_way.h"
#include "state.h"
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucontext.h>

#define LARGE_RANGES_MAX PRS_REGIONS_MAX

/* ---- one epoch ---- */

/* A program that ignores SIGCHLD hears nothing of its children, before a restore or after it. */
static bool waits_for_children(const struct prs_meta *meta)
{
    const struct prs_signal_action *action = &meta->actions[SIGCHLD];
    return action->handler != (uint64_t)SIG_IGN && (action->flags & SA_NOCLDWAIT) == 0;
}

int prs_second_thread(void)
{
    struct stat tasks; /* of /proc/self/task: two links and one for each thread */
    for (;;) {
        unsigned ours = prs_consolidate_tasks() + prs_durable_tasks(), growing = prs_growth_tasks(); /* before they are counted: it may end in between */
        long error = prs_sys(SYS_fstat, prs_p.fd_tasks, &tasks);
        if (error != 0) {
            return (int)error;
        }
        if (tasks.st_nlink <= 3 + ours + growing) {
            if (growing == 0) {
                prs_growth_lingers(true);
            }
            return 0;
        }
        if (!prs_growth_lingers(false)) {
            return 1;
        }
    }
}

static int take_meta(const void *ucontext, const char **why)
{
    struct prs_meta *meta = PRS_META;
    int error = prs_regions_refresh(why);
    if (error != 0) {
        return error;
    }
    uint32_t used = prs_p.text_files;
    error = prs_kernel_state_take(meta, &used, ucontext, why);
    if (error == 0) {
        error = prs_fdtable_take(meta, &used, why);
    }
    int threads = error == 0 ? prs_second_thread() : 0;
    if (threads > 0) {
        *why = "a second thread";
    }
    error = threads < 0 ? threads : error;
    /* What a child leaves behind when it ends is the kernel's. One that was there before the program began is not the program's, nor is it known which it is. */
    if (error == 0 && *why == NULL && !prs_p.began_with_children && waits_for_children(meta) && prs_has_children()) {
        *why = "a child process that has not ended, or was not waited for";
    }
    meta->stdin_consumed = prs_stdin_consumed();
    if (prs_p.stop_reason != NULL) {
        *why = prs_p.stop_reason;
    }
    meta->text_used = used;
    return error;
}

bool prs_has_children(void)
{
    return prs_sys(SYS_waitid, P_ALL, 0, NULL, WNOHANG | WNOWAIT | WEXITED | __WALL, NULL) == 0;
}

static uint64_t stack_pointer(const void *ucontext)
{
    return (uint64_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP];
}

static uint64_t small_bound(uint64_t sp)
{
    uint64_t bytes = prs_p.small_bytes + sizeof(struct prs_meta);
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        if (PRS_META->regions[i].kind == PRS_REGION_STACK) {
            struct prs_range range = prs_collect_in_use(&PRS_META->regions[i], sp);
            bytes += range.end - range.start;
        }
    }
    return bytes + bytes / 2; /* a header of 16 bytes for every other line, at the worst */
}

/* Of what a commit takes the more, the more was written: the stack's part, by bytes of the log and by pages. */
static uint64_t stack_share(const struct prs_commit_cost *cost)
{
    uint64_t log = cost->log_bytes != 0 ? cost->log_ticks * prs_p.stack.log_bytes / cost->log_bytes : 0;
    return log + (cost->pages != 0 ? cost->pages_ticks * prs_p.stack.pages / cost->pages : 0);
}

static int try_epoch(uint64_t sp, bool want_full)
{
    struct prs_stats *stats = &prs_p.stats, before = *stats;
    bool full = false;
    int error = prs_store_begin(&prs_p.store, small_bound(sp), want_full || prs_p.force_full, &full);
    if (error != 0) {
        return error;
    }
    PRS_FAULT_HERE(checkpoint_begin);
    prs_profile_begin();
    if (full) {
        prs_mirror_clear(&prs_p.mirror);
    }
    uint64_t t0 = prs_now_ns();
    error = prs_collect_small(sp, full, stats);
    PRS_FAULT_HERE(checkpoint_small);
    uint64_t t1 = prs_now_ns();
    struct prs_range *now = prs_p.large_now;
    uint32_t count = prs_regions_large(now, LARGE_RANGES_MAX);
    if (error == 0 && prs_p.regions_fresh_since_commit) {
        error = prs_collect_gone(now, count);
    }
    uint64_t heap_lines = stats->heap_lines, zero_lines = prs_store_zero_lines(&prs_p.store);
    if (error == 0 && prs_p.options.heap != PRS_HEAP_NONE) {
        error = prs_collect_large(stats);
    }
    stats->dirty_lines += stats->heap_lines - heap_lines - (prs_store_zero_lines(&prs_p.store) - zero_lines);
    PRS_FAULT_HERE(checkpoint_large);
    uint64_t t2 = prs_now_ns();
    PRS_FAULT_HERE(commit_before);
    if (error == 0) {
        error = prs_stack_prepare();
    }
    bool later = prs_p.store.media->by_pages;
    if (error == 0 && later) { /* C4 */
        prs_store_seal(&prs_p.store);
        prs_durable_begin();
    } else if (error == 0) {
        error = prs_store_commit(&prs_p.store);
    }
    if (error != 0) {
        prs_store_abort(&prs_p.store);
        prs_pages_abort(prs_p.pages);
        prs_p.force_full = true; /* C1 */
        uint64_t given_up = stats->given_up + 1;
        *stats = before;
        stats->given_up = given_up;
        return error;
    }
    prs_stack_committed();
    stats->stack_commit_ticks += stack_share(prs_store_commit_cost(&prs_p.store));
    stats->last_dirty_lines = (uint32_t)(stats->dirty_lines - before.dirty_lines);
    if (!later) {
        PRS_FAULT_HERE(commit_after);
    }
    prs_p.force_full = false;
    prs_p.last_full = full;
    if (prs_p.regions_fresh_since_commit) {
        prs_collect_forget(now, count);
    }
    prs_p.regions_fresh_since_commit = false;
    prs_p.large_now = prs_p.large_committed;
    prs_p.large_committed = now;
    prs_p.large_committed_count = count;
    stats->full_epochs += full;
    stats->small_ns_total += t1 - t0;
    stats->large_ns_total += t2 - t1;
    uint64_t t3 = prs_now_ns();
    error = prs_pages_done(prs_p.pages);
    stats->commit_ns_total += t3 - t2;
    return error;
}

static int write_epoch(uint64_t sp, bool want_full)
{
    prs_stack_epoch(true);
    prs_growth_add();
    int error = try_epoch(sp, want_full);
    prs_growth_consider();
    prs_stack_epoch(false);
    return error;
}

static int take(const void *ucontext)
{
    const char *why = NULL;
    uint64_t t0 = prs_now_ns();
    int error = take_meta(ucontext, &why);
    prs_p.regions_fresh_since_commit |= prs_p.regions_fresh;
    if (error != 0) {
        return error;
    }
    prs_p.stats.fixed_ns_total += prs_now_ns() - t0;
    if (why != NULL) {
        prs_p.why = why;
        return PROSPER_E_UNSUPPORTED;
    }
    if (prs_p.store.media->by_pages) {
        prs_durable_look();
    }
    uint64_t sp = stack_pointer(ucontext);
    prs_marks_begin(sp);
    prs_markcheck_begin();
    bool copy = prs_p.options.tracker == PRS_TRACKER_COPY;
    error = write_epoch(sp, copy);
    if (error == -ENOSPC && !copy && !(prs_store_short_of_slots(&prs_p.store) && prs_growth_possible())) {
        error = write_epoch(sp, true); /* the log area was full: the next one opens with a full epoch */
    }
    if (error != 0) {
        return error;
    }
    if (prs_p.options.verify || prs_p.must_be_durable || prs_p.options.step != 0) {
        error = prs_durable_settle(true);
        if (error != 0) {
            return error;
        }
    }
    ++prs_p.stats.checkpoints;
    if (prs_p.options.verify) {
        prs_verify_image(ucontext);
    }
    prs_profile_committed(ucontext);
    prs_marks_committed();
    prs_explain();
    return 0;
}

int prs_checkpoint_take(const void *ucontext)
{
    int before = prs_durable_settle(true);
    if (before != 0) {
        return before;
    }
    prs_stats_begin(&prs_p.stats);
    prs_stack_around(true);
    int error = take(ucontext);
    prs_stack_around(false);
    if (error == 0) {
        prs_stats_stack(&prs_p.stats);
    }
    return error;
}
