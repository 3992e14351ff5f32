/* stack_ssp.c - stack=ssp: the stack kept as large memory is, by page entries and slots (ssp.c): each changed line goes to the slot that the commit does not use.
 *
 * In hardware the cache knows which lines were written and sends them to the other page by itself. Here they are found by comparing what is in use with the
 * committed lines; the deep part of a deep stack is narrowed down by pages, as with stack=compare. So finding costs what it costs the product, and the lines
 * are fewer than the hardware's: a line that was written and is as before is not among them.
 *
 * INVARIANTS
 *   Y1  At a commit the entries have every line of the stack from the red zone's end up. Lines below it, in its page and in pages below, are whatever an
 *       earlier epoch left: their bytes are in no frame. When they are in use again, they are compared again.
 *   Y2  A page below the stack pointer keeps its entry (as a physical page does): on its way down again the stack finds most of it as it was. Entries are at
 *       most as many as the pages of the stack's limit. A restore takes from the entries what is in use, and nothing else (fill).
 *   Y3  Page tracking protects a page only when all of it was compared (pages.h, P2): scanning begins at a page's border above the newest part.
 * Consolidation: stack_consolidate.h. Context: handler; fill in restore.
 */
#include "prim.h"
#include "stack_consolidate.h"
#include "stack_way.h"
#include "state.h"

#define DEEP_MIN (1ul << 20)     /* as in collect_small.c */
#define SHALLOW (256ul << 10)

struct collecting {
    prs_diff_visitor count;
    void *context;
};

static int count_lines(const struct collecting *collecting, uint64_t page, uint64_t lines)
{
    while (lines != 0) {
        unsigned first = (unsigned)__builtin_ctzll(lines);
        uint64_t rest = ~(lines >> first);
        unsigned count = rest == 0 ? 64 - first : (unsigned)__builtin_ctzll(rest);
        uint64_t at = page + first * PRS_LINE;
        int error = collecting->count(collecting->context, at, (const void *)at, count * (uint32_t)PRS_LINE);
        if (error != 0) {
            return error;
        }
        lines &= first + count >= 64 ? 0 : ~0ul << (first + count);
    }
    return 0;
}

/* Lines that changed, or -ENOSPC. */
static int keep(const struct collecting *collecting, uint64_t page, uint64_t lines)
{
    int changed = prs_store_lines(&prs_p.store, page, (const void *)page, lines);
    if (changed <= 0) {
        return changed;
    }
    prs_consolidate_changed(page);
    int error = count_lines(collecting, page, prs_store_written(&prs_p.store));
    return error != 0 ? error : changed;
}

static int deep_run(void *context, uint64_t start, uint64_t end, unsigned flags)
{
    (void)flags; /* a page that is not there reads as zeros, and is compared as such */
    for (uint64_t page = start; page < end; page += PRS_PAGE) {
        int changed = keep(context, page, ~0ul);
        if (changed < 0) {
            return changed;
        }
        prs_pages_feedback(prs_p.pages, page, changed > 0);
        prs_p.stats.seen_dirty_bytes += PRS_PAGE;
    }
    return 0;
}

static int collect(struct prs_range range, bool full, uint32_t granularity, prs_diff_visitor put, void *context)
{
    (void)full, (void)granularity; /* entries are not begun anew with the log */
    struct collecting collecting = {put, context};
    bool deep = range.end - range.start >= DEEP_MIN && prs_pages_backend(prs_p.pages) != PRS_BACKEND_ALL;
    if (deep && !prs_p.stack_tracked) {
        prs_p.stack_tracked = prs_pages_track(prs_p.pages, prs_p.stack_mapped, range.end) == 0;
        deep = prs_p.stack_tracked;
    }
    uint64_t shallow = deep ? prs_round_up(range.start + SHALLOW, PRS_PAGE) : range.end;
    uint64_t lines = ~0ul << (range.start % PRS_PAGE / PRS_LINE); /* Y1 */
    int result = 0;
    for (uint64_t page = prs_round_down(range.start, PRS_PAGE); page < shallow && result >= 0; page += PRS_PAGE, lines = ~0ul) {
        result = keep(&collecting, page, lines);
    }
    prs_p.stats.seen_dirty_bytes += shallow - range.start;
    if (result >= 0 && deep) {
        result = prs_pages_scan(prs_p.pages, shallow, range.end, deep_run, &collecting);
    }
    if (result >= 0) {
        prs_consolidate_count();
    }
    return result < 0 ? result : 0;
}

static void fill(struct prs_range range)
{
    uint8_t bytes[PRS_PAGE] __attribute__((aligned(64)));
    for (uint64_t page = prs_round_down(range.start, PRS_PAGE); page < range.end; page += PRS_PAGE) {
        uint64_t from = page > range.start ? page : range.start;
        if (prs_store_page_read(&prs_p.store, page, bytes)) {
            prs_copy((void *)from, bytes + (from - page), page + PRS_PAGE - from);
        } else {
            prs_fill((void *)from, 0, page + PRS_PAGE - from);
        }
    }
}

const struct prs_stack_way prs_stack_ssp = {
    .number = PRS_STACK_SSP, .own_place = true, .collect = collect, .fill = fill, .epoch = prs_consolidate_epoch, .end = prs_consolidate_end};
