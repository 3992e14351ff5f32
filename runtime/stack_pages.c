/* stack_pages.c - stack=pages: the pages of the stack that were written since the last checkpoint, whole, whatever changed in them. What dirty bits would give.
 *
 * The kernel tells which pages were written (pages.h); none is compared. Pages that were written at two checkpoints in a row are left unprotected by pages.h,
 * since a fault costs more than a copy. Nobody knows of such a page whether it was written, so for it a comparison with the mirror stands for the bit: equal,
 * it is not copied, and found so often enough, it is watched again.
 *
 * INVARIANT G1: a page is only ever protected when all of it was copied. So the page that the stack is cut in (the red zone's end) is copied at each checkpoint
 *               and is not among the scanned ones: what lies below the cut would be in use, not copied and not reported once the stack grew over it.
 * Pages below the cut are not scanned, so what is written there stays reported until it is in use (a full epoch unprotects them all: collect_small.c). Soft-dirty bits are cleared for all pages at once; with
 * them, what was not scanned at the last checkpoint is copied at this one.
 * Context: handler.
 */
#include "error.h"
#include "prim.h"
#include "stack_way.h"
#include "state.h"
#include <errno.h>

struct copying {
    prs_diff_visitor put;
    void *context;
    bool listen; /* the tracker is to know that these pages were seen; their content goes another way */
};

static int copy(const struct copying *copying, uint64_t from, uint64_t to)
{
    uint8_t *chunk = prs_mirror_chunk(prs_stack_mirror(), from, true);
    int error = chunk == NULL ? -ENOMEM : copying->put(copying->context, from, (const void *)from, (uint32_t)(to - from));
    if (error == 0) {
        prs_copy(chunk + from % PRS_CHUNK, (const void *)from, to - from);
    }
    return error;
}

static int each_copy(const struct copying *copying, uint64_t from, uint64_t to)
{
    for (uint64_t stop; from < to; from = stop) {
        stop = prs_round_down(from, PRS_PAGE) + PRS_PAGE;
        stop = stop < to ? stop : to;
        int error = copy(copying, from, stop);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static int visit(void *context, uint64_t start, uint64_t end, unsigned flags)
{
    const struct copying *copying = context;
    for (uint64_t page = start; page < end; page += PRS_PAGE) {
        int error = 0;
        bool written = true;
        if ((flags & PRS_PAGE_PRESENT) == 0) { /* nothing there, perhaps never was: zeros, if that is new */
            error = copying->listen ? 0 : prs_mirror_diff(prs_stack_mirror(), page, page + PRS_PAGE, PRS_PAGE, copying->put, copying->context);
        } else if (!copying->listen) {
            written = !prs_pages_unwatched(prs_p.pages, page) || prs_mirror_first_difference(prs_stack_mirror(), page, page + PRS_PAGE) < page + PRS_PAGE;
            error = written ? copy(copying, page, page + PRS_PAGE) : 0;
            prs_pages_feedback(prs_p.pages, page, written);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static int collect(struct prs_range range, bool full, uint32_t granularity, prs_diff_visitor put, void *context)
{
    (void)granularity;
    struct copying copying = {put, context, full};
    if (!prs_p.stack_tracked) {
        prs_p.stack_tracked = prs_pages_track(prs_p.pages, prs_p.stack_mapped, range.end) == 0;
    }
    uint64_t whole = prs_round_up(range.start, PRS_PAGE); /* G1 */
    uint64_t scanned = whole;
    if (!full && prs_pages_backend(prs_p.pages) == PRS_BACKEND_SOFTDIRTY && prs_p.stack.scanned_from > whole) {
        scanned = prs_p.stack.scanned_from < range.end ? prs_p.stack.scanned_from : range.end;
    }
    prs_p.stack.scanned_from = whole;
    int error = full ? prs_mirror_diff(prs_stack_mirror(), range.start, range.end, PRS_LINE, put, context) : each_copy(&copying, range.start, scanned);
    return error == 0 ? prs_pages_scan(prs_p.pages, scanned, range.end, visit, &copying) : error;
}

static int start(bool resumed)
{
    (void)resumed;
    return prs_pages_backend(prs_p.pages) != PRS_BACKEND_ALL
               ? 0
               : prs_fail(PROSPER_E_OPTION, "stack=pages needs page tracking: this kernel, or tracker=, has none, and each page would be copied each time (stack=copy)");
}

const struct prs_stack_way prs_stack_pages = {.number = PRS_STACK_PAGES, .start = start, .collect = collect};
