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
 *  C3  No allocation, no lock, no libc state: raw system calls, the arena.
 */
#define _GNU_SOURCE
#include "checkpoint.h"
#include "error.h"
#include "fault.h"
#include "fdtable.h"
#include "hold.h"
#include "kernel_state.h"
#include "log.h"
#include "prim.h"
#include "region.h"
#include "state.h"
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>

#define LARGE_RANGES_MAX PRS_REGIONS_MAX

/* ---- small memory ---- */

struct small {
    bool stack;
    uint64_t last_page; /* of the stack, for the figure at page granularity */
    uint64_t bytes, page_bytes;
};

static int append(void *context, uint64_t address, const void *live, uint32_t length)
{
    struct small *small = context;
    small->bytes += length;
    if (small->stack) {
        uint64_t first = prs_round_down(address, PRS_PAGE), last = prs_round_down(address + length - 1, PRS_PAGE);
        if (first == small->last_page) {
            first += PRS_PAGE;
        }
        if (first <= last) {
            small->page_bytes += last + PRS_PAGE - first;
            small->last_page = last;
        }
    }
    return prs_store_append(&prs_p.store, address, live, length);
}

static uint64_t stack_pointer(const void *ucontext)
{
    return (uint64_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP];
}

/* The part of a small region that is in the image now: a stack counts from the red zone up, where SP lies in it (on another stack all of it counts). */
static struct prs_range in_use(const struct prs_region *region, uint64_t sp)
{
    struct prs_range range = {region->start, region->end};
    if (region->kind == PRS_REGION_STACK && sp - PRS_REDZONE >= region->start && sp < region->end) {
        range.start = sp - PRS_REDZONE;
    }
    return range;
}

static int append_meta(uint32_t granularity, struct small *small)
{
    const struct prs_meta *meta = PRS_META;
    const struct prs_range parts[] = {
        {PRS_META_BASE, PRS_META_BASE + offsetof(struct prs_meta, regions)},
        {(uint64_t)meta->regions, (uint64_t)&meta->regions[meta->region_count]},
        {(uint64_t)meta->files, (uint64_t)&meta->files[meta->file_count]},
        {(uint64_t)meta->descriptors, (uint64_t)&meta->descriptors[meta->descriptor_count]},
        {(uint64_t)meta->text, (uint64_t)meta->text + meta->text_used},
    };
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; ++i) {
        int error = prs_mirror_diff(&prs_p.mirror, parts[i].start, parts[i].end, granularity, append, small);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static bool readable(const struct prs_region *region) { return (region->protection & PROT_READ) != 0; }

static void set_readable(uint64_t start, uint64_t end, const struct prs_region *region, bool on)
{
    prs_sys(SYS_mprotect, start, end - start, on ? PROT_READ : (int)region->protection);
}

/* ---- deep stacks ----
 *
 * The newest part of a stack is simply compared. What lies deeper than SHALLOW changes seldom, so pages narrow it down; it is the same
 * comparison of fewer bytes, the mirror and the log know nothing of it. Pages near SP are not scanned, so they are never protected and cost no faults.
 */

#define DEEP_MIN (1ul << 20)
#define SHALLOW (256ul << 10)

struct deep {
    struct small *small;
    uint64_t start, end, candidates;
    uint32_t granularity;
};

static int deep_run(void *context, uint64_t start, uint64_t end, unsigned flags)
{
    struct deep *deep = context;
    (void)flags; /* a page that is not there reads as zeros, and is compared as such */
    for (uint64_t page = start; page < end; page += PRS_PAGE) {
        uint64_t from = page > deep->start ? page : deep->start, to = page + PRS_PAGE < deep->end ? page + PRS_PAGE : deep->end;
        uint64_t before = deep->small->bytes;
        int error = from < to ? prs_mirror_diff(&prs_p.mirror, from, to, deep->granularity, append, deep->small) : 0;
        if (error != 0) {
            return error;
        }
        prs_pages_feedback(prs_p.pages, page, deep->small->bytes != before);
        deep->candidates += PRS_PAGE;
    }
    return 0;
}

static int append_stack(struct prs_range range, bool full, uint32_t granularity, struct small *small, struct prs_stats *stats)
{
    bool deep = !full && range.end - range.start >= DEEP_MIN && prs_pages_backend(prs_p.pages) != PRS_BACKEND_ALL;
    if (deep && !prs_p.stack_tracked) {
        /* The whole mapping, once: the kernel extends the registration when the stack grows. */
        prs_p.stack_tracked = prs_pages_track(prs_p.pages, prs_p.stack_mapped, range.end) == 0;
        deep = prs_p.stack_tracked;
    }
    uint64_t shallow = deep ? prs_round_up(range.start + SHALLOW, PRS_PAGE) : range.end;
    int error = prs_mirror_diff(&prs_p.mirror, range.start, shallow, granularity, append, small);
    stats->seen_dirty_bytes += shallow - range.start;
    if (error == 0 && deep) {
        struct deep rest = {small, shallow, range.end, 0, granularity};
        error = prs_pages_scan(prs_p.pages, shallow, range.end, deep_run, &rest);
        stats->seen_dirty_bytes += rest.candidates;
    }
    return error;
}

static int append_small(uint64_t sp, bool full, struct prs_stats *stats)
{
    uint32_t granularity = (uint32_t)prs_p.options.granularity;
    if (full && granularity < PRS_LINE) {
        granularity = PRS_LINE; /* everything goes: fewer headers */
    }
    struct small stack = {.stack = true, .last_page = 0}, other = {0}, meta = {0};
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        const struct prs_region *region = &PRS_META->regions[i];
        if (region->kind != PRS_REGION_STACK && region->kind != PRS_REGION_SMALL) {
            continue;
        }
        struct prs_range range = in_use(region, sp);
        bool hidden = !readable(region);
        if (hidden) {
            set_readable(region->start, region->end, region, true);
        }
        int error = 0;
        if (region->kind == PRS_REGION_STACK) {
            prs_p.stack_mapped = region->start;
            error = append_stack(range, full, granularity, &stack, stats);
        } else {
            error = prs_mirror_diff(&prs_p.mirror, range.start, range.end, granularity, append, &other);
            stats->seen_dirty_bytes += range.end - range.start;
        }
        if (hidden) {
            set_readable(region->start, region->end, region, false);
        }
        if (error != 0) {
            return error;
        }
    }
    int error = append_meta(granularity, &meta);
    if (error == 0 && !full) {
        stats->stack_bytes += stack.bytes;
        stats->stack_page_bytes += stack.page_bytes;
        stats->other_bytes += other.bytes;
        stats->meta_bytes += meta.bytes;
        stats->last_stack_bytes = stack.bytes;
        stats->last_stack_page_bytes = stack.page_bytes;
    }
    return error;
}

/* ---- large memory ---- */

struct large {
    const struct prs_region *region;
    struct prs_stats *stats;
    uint64_t lines, pages, candidates;
};

static int large_page(struct large *large, uint64_t page)
{
    int lines = prs_store_page(&prs_p.store, page, (const void *)page, prs_p.options.tracker == PRS_TRACKER_COPY);
    if (lines < 0) {
        return lines;
    }
    prs_pages_feedback(prs_p.pages, page, lines > 0);
    large->lines += (uint64_t)lines;
    large->pages += lines > 0;
    return 0;
}

static int large_run(void *context, uint64_t start, uint64_t end, unsigned flags)
{
    struct large *large = context;
    /* A page of a file that was not touched yet reads as the file, not as zeros. */
    if ((flags & PRS_PAGE_PRESENT) == 0 && large->region->file == 0) {
        return prs_store_range_drop(&prs_p.store, start, end);
    }
    bool hidden = !readable(large->region);
    if (hidden) {
        set_readable(start, end, large->region, true);
    }
    int error = 0;
    for (uint64_t page = start; page < end && error == 0; page += PRS_PAGE) {
        error = large_page(large, page);
    }
    if (hidden) {
        set_readable(start, end, large->region, false);
    }
    large->candidates += (end - start) / PRS_PAGE;
    return error;
}

/* What the committed epoch had as large memory and this one has not. */
static int drop_gone(const struct prs_range *now, uint32_t count)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < prs_p.large_committed_count; ++i) {
        struct prs_range old = prs_p.large_committed[i];
        while (at < count && now[at].end <= old.start) {
            ++at;
        }
        for (uint32_t j = at; old.start < old.end;) {
            uint64_t stop = j < count && now[j].start < old.end ? now[j].start : old.end;
            if (stop > old.start) {
                int error = prs_store_range_drop(&prs_p.store, old.start, stop);
                if (error < 0) {
                    return error;
                }
            }
            if (stop == old.end) {
                break;
            }
            old.start = now[j].end > old.start ? now[j].end : old.start;
            ++j;
        }
    }
    return 0;
}

static int write_large(struct prs_stats *stats)
{
    struct large large = {.stats = stats};
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        large.region = &PRS_META->regions[i];
        if (large.region->kind != PRS_REGION_LARGE) {
            continue;
        }
        int error = prs_pages_scan(prs_p.pages, large.region->start, large.region->end, large_run, &large);
        if (error < 0) {
            return error;
        }
    }
    stats->heap_lines += large.lines;
    stats->heap_pages += large.pages;
    stats->seen_dirty_bytes += large.candidates * PRS_PAGE;
    return 0;
}

/* ---- one epoch ---- */

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
    struct stat tasks; /* of /proc/self/task: two links and one for each thread */
    if (error == 0 && prs_sys(SYS_fstat, prs_p.fd_tasks, &tasks) == 0 && tasks.st_nlink > 3) {
        *why = "a second thread";
    }
    meta->stdin_consumed = prs_stdin_consumed();
    meta->not_restorable = 0;
    if (prs_p.stop_reason != NULL) {
        *why = prs_p.stop_reason;
    }
    if (*why != NULL) {
        meta->not_restorable = prs_text_add(meta, &used, *why, __builtin_strlen(*why));
    }
    meta->text_used = used;
    return error;
}

static uint64_t small_bound(uint64_t sp)
{
    uint64_t bytes = prs_p.small_bytes + sizeof(struct prs_meta);
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        if (PRS_META->regions[i].kind == PRS_REGION_STACK) {
            struct prs_range range = in_use(&PRS_META->regions[i], sp);
            bytes += range.end - range.start;
        }
    }
    return bytes + bytes / 2; /* a header of 16 bytes for every other line, at the worst */
}

static int write_epoch(uint64_t sp, bool want_full)
{
    struct prs_stats *stats = &prs_p.stats, before = *stats;
    bool full = false;
    int error = prs_store_begin(&prs_p.store, small_bound(sp), want_full || prs_p.force_full, &full);
    if (error != 0) {
        return error;
    }
    PRS_FAULT_HERE(checkpoint_begin);
    if (full) {
        prs_mirror_clear(&prs_p.mirror);
    }
    uint64_t t0 = prs_now_ns();
    error = append_small(sp, full, stats);
    PRS_FAULT_HERE(checkpoint_small);
    uint64_t t1 = prs_now_ns();
    struct prs_range *now = prs_p.large_now;
    uint32_t count = prs_regions_large(now, LARGE_RANGES_MAX);
    if (error == 0 && prs_p.regions_fresh_since_commit) {
        error = drop_gone(now, count);
    }
    if (error == 0) {
        error = write_large(stats);
    }
    PRS_FAULT_HERE(checkpoint_large);
    uint64_t t2 = prs_now_ns();
    PRS_FAULT_HERE(commit_before);
    if (error == 0) {
        error = prs_store_commit(&prs_p.store);
    }
    if (error != 0) {
        prs_store_abort(&prs_p.store);
        prs_p.force_full = true; /* C1 */
        uint64_t given_up = stats->given_up + 1;
        *stats = before;
        stats->given_up = given_up;
        return error;
    }
    PRS_FAULT_HERE(commit_after);
    prs_p.force_full = false;
    prs_p.last_full = full;
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

int prs_checkpoint_take(const void *ucontext)
{
    const char *why = NULL;
    uint64_t t0 = prs_now_ns();
    int error = take_meta(ucontext, &why);
    prs_p.regions_fresh_since_commit |= prs_p.regions_fresh;
    if (error != 0) {
        return error;
    }
    prs_p.stats.fixed_ns_total += prs_now_ns() - t0;
    if (why != NULL && prs_p.suspended == PRS_SUSPENDED_UNRESTORABLE && prs_p.stop_reason == NULL) {
        return PROSPER_E_UNSUPPORTED; /* said and marked already */
    }
    uint64_t sp = stack_pointer(ucontext);
    bool copy = prs_p.options.tracker == PRS_TRACKER_COPY;
    error = write_epoch(sp, copy);
    if (error == -ENOSPC && !copy) {
        error = write_epoch(sp, true); /* the log area was full: the next one opens with a full epoch */
    }
    if (error != 0) {
        return error;
    }
    ++prs_p.stats.checkpoints;
    if (prs_p.options.verify) {
        prs_verify_image(ucontext);
    }
    return why != NULL ? PROSPER_E_UNSUPPORTED : 0;
}
