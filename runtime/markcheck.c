/* markcheck.c - the oracle of the marks.
 *
 * Checkpoints do not rely on marks (pages and comparing find everything), so a mark that is missing does no harm yet; it is reported, and
 * counted in the statistics. What is reported: a changed 8-byte word of live memory whose line is clean and that no open window holds.
 *
 * WHEN A MARK IS CONSUMED. A mark comes before its store, and a checkpoint may come between. So a consumed mark stays as "suspect", for life() further
 * checkpoints and more: the gap is some 20 instructions; 60 where the store is a call of memset; thousands when ld.so must bind that call first; and
 * as long as a handler of the program's own runs that interrupts it. Therefore nothing grows old in checkpoints among which such a handler was entered; and after a restore, where the map is empty, nothing
 * is checked for as long, nor, in a program with long marks, before a release.
 *
 * WHAT IS NOT A STORE. Memory that becomes zero (munmap and mmap, MADV_DONTNEED) may do so without one: words of blocks and mappings that are zero now
 * pass. In an epoch that is written in full nothing of small memory is known of before, so nothing is checked there.
 *
 * Context: handler.
 */
#include "markcheck.h"
#include "dirtymap.h"
#include "hold.h"
#include "hooks.h"
#include "live.h"
#include "log.h"
#include "region.h"
#include "state.h"
#include <stddef.h>

#define WORD 8u
#define REPORTS_MAX 8u
#define GAP_INSTRUCTIONS 64u
#define GAP_INSTRUCTIONS_UNBOUND 16384u

/* Checkpoints in which no gap can still be open: two by the timer, more when single-stepping. */
static uint64_t life(void)
{
    uint64_t gap = prs_live_bound ? GAP_INSTRUCTIONS : GAP_INSTRUCTIONS_UNBOUND;
    return 2 + (prs_p.options.step != 0 ? gap / prs_p.options.step : 0);
}

static bool code_was_added(void)
{
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        const struct prs_region *region = &PRS_META->regions[i];
        if ((region->protection & 4 /* PROT_EXEC */) != 0 && (region->flags & PRS_REGION_STARTUP) == 0) {
            return true;
        }
    }
    return false;
}

bool prs_markcheck_on(void) { return prs_p.marks.on; }

void prs_markcheck_begin(void)
{
    prs_p.marks.on = false;
    if (!prs_p.options.verify || !prs_live_on || prs_p.marks.ended) {
        return;
    }
    if (prs_p.regions_fresh && code_was_added()) {
        prs_p.marks.ended = true;
        prs_say("marks are not checked any more: code was loaded or made while the program ran");
        return;
    }
    if (prs_windows_were_lost()) {
        return; /* said by hooks.c to mean: anything may have been written */
    }
    bool waited = prs_p.marks.checkpoints >= life() && (prs_p.marks.released || !prs_live_long);
    prs_p.marks.on = prs_p.store.epoch > 0 && waited;
}

static bool in_window(uint64_t address)
{
    const struct prs_window *window = NULL;
    uint64_t start, end;
    int result;
    while ((result = prs_windows_next(&window, &start, &end)) > 0) {
        if (start < address + WORD && address < end) {
            return true;
        }
    }
    return result < 0;
}

static void missing(uint64_t address)
{
    ++prs_p.stats.lines_unmarked;
    if (prs_p.marks.reports < REPORTS_MAX) {
        ++prs_p.marks.reports;
        const struct prs_region *region = prs_region_at(PRS_META, address);
        uint64_t start = region != NULL ? region->start : 0;
        prs_say("verify: epoch %lu, line %lx (%s + %lx) changed without a mark", prs_p.store.epoch + 1, address & -PRS_LINE,
                prs_region_name(PRS_META, region), (address & -PRS_LINE) - start);
    }
}

void prs_markcheck_change(uint64_t address, const void *now, const void *before, uint64_t length)
{
    uint64_t line = 0; /* reported already */
    for (uint64_t at = address & -(uint64_t)WORD; at < address + length; at += WORD) {
        uint64_t is = 0, was = 0;
        uint64_t from = at < address ? address : at, to = at + WORD < address + length ? at + WORD : address + length;
        __builtin_memcpy(&is, (const uint8_t *)now + (from - address), to - from);
        if (before != NULL) {
            __builtin_memcpy(&was, (const uint8_t *)before + (from - address), to - from);
        }
        bool heap;
        if (is == was || (at & -PRS_LINE) == line || !prs_live_has(at, &heap) || (heap && is == 0)) {
            continue;
        }
        ++prs_p.stats.words_checked;
        if (!prs_dirtymap_marked(at) && !in_window(at)) {
            line = at & -PRS_LINE;
            missing(at);
        }
    }
}

void prs_markcheck_page(uint64_t page)
{
    uint64_t before[PRS_PAGE / sizeof(uint64_t)];
    bool kept = prs_store_page_read(&prs_p.store, page, before);
    prs_markcheck_change(page, (const void *)page, kept ? before : NULL, PRS_PAGE);
}

void prs_markcheck_committed(void)
{
    if (!prs_p.options.verify || !prs_live_on || prs_p.marks.ended) {
        return;
    }
    bool released = prs_marks_released();
    bool handled = prs_w.program_handlers != prs_p.marks.handlers;
    prs_p.marks.handlers = prs_w.program_handlers;
    ++prs_p.marks.checkpoints;
    prs_p.marks.released |= !handled && released;
    bool drop = !handled && prs_p.marks.checkpoints >= prs_p.marks.dropped_at + life();
    if (drop) {
        prs_p.marks.dropped_at = prs_p.marks.checkpoints;
    }
    prs_dirtymap_age(drop, !handled && released);
}
