/* collect_large.c - what changed in large memory, into the slots of its pages. Handler.
 *
 * The page tracker gives candidates (pages.h, P1), or marks do (collect_marked.c); the store compares each with its committed copy and writes the lines that differ.
 *
 * heap=pages, a baseline: every line of a page that was written, and no comparison. Of a hot page, which is left unprotected (pages.h), nobody knows whether it was written,
 * so for it alone the comparison stands for the dirty bit, as with stack=pages; one line differs: all are written. Which lines are written is all that differs from
 * heap=all: what is reported, dropped and committed is the same, and so is what a restore finds.
 */
#include "collect.h"
#include "error.h"
#include "markcheck.h"
#include "marks.h"
#include "planted.h"
#include "prim.h"
#include "region.h"
#include "state.h"
#include <sys/mman.h>

void prs_collect_readable(uint64_t start, uint64_t end, const struct prs_region *region, bool on)
{
    prs_sys(SYS_mprotect, start, end - start, on ? PROT_READ : (int)region->protection);
}

struct large {
    const struct prs_region *region;
    struct prs_stats *stats;
    uint64_t lines, pages, candidates;
};

int prs_collect_possible(void)
{
    return prs_p.options.heap != PRS_HEAP_PAGES || prs_pages_backend(prs_p.pages) != PRS_BACKEND_ALL
               ? 0
               : prs_fail(PROSPER_E_OPTION, "heap=pages needs page tracking: this kernel has none, and each page would be copied each time (tracker=copy)");
}

static int store_page(uint64_t page)
{
    const void *live = (const void *)page;
    if (prs_p.options.heap == PRS_HEAP_PAGES && prs_pages_unwatched(prs_p.pages, page)) {
        return prs_store_page_if_changed(&prs_p.store, page, live);
    }
    return prs_store_page(&prs_p.store, page, live, prs_p.options.tracker == PRS_TRACKER_COPY || prs_p.options.heap == PRS_HEAP_PAGES);
}

static int large_page(struct large *large, uint64_t page)
{
    if (prs_markcheck_on()) {
        prs_markcheck_page(page);
    }
    int lines = store_page(page);
    if (lines < 0) {
        return lines;
    }
    if (prs_p.profile.on && lines > 0) {
        prs_profile_sample(PRS_SAMPLE_LINES, page, prs_store_written(&prs_p.store));
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
    bool hidden = (large->region->protection & PROT_READ) == 0;
    if (hidden) {
        prs_collect_readable(start, end, large->region, true);
    }
    int error = 0;
    uint64_t last = end - (PRS_PLANTED(page_of_run) ? PRS_PAGE : 0);
    for (uint64_t page = start; page < last && error == 0; page += PRS_PAGE) {
        error = large_page(large, page);
    }
    if (hidden) {
        prs_collect_readable(start, end, large->region, false);
    }
    large->candidates += (end - start) / PRS_PAGE;
    return error;
}

/* Calls visit for each part of a range that the committed epoch had as large memory and `now` has not. */
static int each_gone(const struct prs_range *now, uint32_t count, int (*visit)(uint64_t start, uint64_t end))
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < prs_p.large_committed_count; ++i) {
        struct prs_range old = prs_p.large_committed[i];
        while (at < count && now[at].end <= old.start) {
            ++at;
        }
        for (uint32_t j = at; old.start < old.end; ++j) {
            uint64_t stop = j < count && now[j].start < old.end ? now[j].start : old.end;
            int result = stop > old.start ? visit(old.start, stop) : 0;
            if (result < 0) {
                return result;
            }
            if (stop == old.end) {
                break;
            }
            old.start = now[j].end > old.start ? now[j].end : old.start;
        }
    }
    return 0;
}

static int drop(uint64_t start, uint64_t end) { return prs_store_range_drop(&prs_p.store, start, end); }

static int forget(uint64_t start, uint64_t end)
{
    prs_pages_forget(prs_p.pages, start, end);
    return 0;
}

int prs_collect_gone(const struct prs_range *now, uint32_t count) { return PRS_PLANTED(gone_kept) ? 0 : each_gone(now, count, drop); }

void prs_collect_forget(const struct prs_range *now, uint32_t count) { each_gone(now, count, forget); }

int prs_collect_large(struct prs_stats *stats)
{
    struct large large = {.stats = stats};
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        large.region = &PRS_META->regions[i];
        if (large.region->kind != PRS_REGION_LARGE || (prs_p.marks.rely && prs_region_marked(large.region))) {
            continue;
        }
        int error = prs_pages_scan(prs_p.pages, large.region->start, large.region->end, large_run, &large);
        if (error < 0) {
            return error;
        }
    }
    if (prs_p.marks.rely || prs_p.marks.left) { /* marks.c, A5 */
        int error = prs_collect_marked(stats, prs_p.marks.left || prs_marks_everything());
        if (error < 0) {
            return error;
        }
    }
    stats->heap_lines += large.lines;
    stats->heap_pages += large.pages;
    stats->seen_dirty_bytes += large.candidates * PRS_PAGE;
    return 0;
}
