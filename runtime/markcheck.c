/* markcheck.c - the oracle of the marks: verify=1 where pages are relied on although the program is covered by marks (tracker=pages).
 *
 * A mark that is missing does no harm then; it is reported, and counted in the statistics. What is reported: a changed 8-byte word of the marked part of memory whose line is
 * clean, that no open window holds, and that was not given to code without marks. (Where marks are relied on, the oracle is verify.c.)
 *
 * WHEN A MARK IS CONSUMED. marks.c drops suspects by evidence only, and some programs give it seldom. Here harm is done by neither error, so short marks are dropped sooner: after
 * two further checkpoints by the timer, which are ages for a gap. Not when single-stepping, where evidence is what counts. After a restore, where the maps are empty, nothing
 * is checked for as long.
 *
 * WHAT IS NOT A STORE. Memory that becomes zero (munmap and mmap, MADV_DONTNEED) may do so without one: words that are zero now pass, and so does all of a range that was lost.
 * Neither is a mapping that grows together with its neighbour, and is large memory from then on, or small: the other kind has no earlier content of it.
 * In an epoch that is written in full nothing of small memory is known of before, so nothing is checked there.
 *
 * Context: handler.
 */
#include "markcheck.h"
#include "covered.h"
#include "dirtymap.h"
#include "hold.h"
#include "hooks.h"
#include "log.h"
#include "region.h"
#include "state.h"
#include <stddef.h>

#define WORD 8u
#define REPORTS_MAX 8u
#define LIFE 2u /* checkpoints */

/* Has any gap from before ended, by the time alone? */
static bool long_ago(uint64_t checkpoints) { return prs_p.options.step == 0 && prs_p.marks.checkpoints >= checkpoints + LIFE; }

bool prs_markcheck_on(void) { return prs_p.marks.check_now; }

void prs_markcheck_begin(void)
{
    struct prs_marks *marks = &prs_p.marks;
    marks->check_now = marks->checks && marks->ended == NULL && marks->found == 0 && !prs_marks_everything() && prs_p.store.epoch > 0 &&
                       (marks->evidence || long_ago(0));
}

bool prs_markcheck_turns(void)
{
    struct prs_marks *marks = &prs_p.marks;
    ++marks->checkpoints;
    bool turns = !marks->handled && long_ago(marks->dropped_at);
    if (turns) {
        marks->dropped_at = marks->checkpoints;
    }
    return turns;
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

static bool is_checked(uint64_t address) { return PRS_MARKED_BASE <= address && address < PRS_MARKED_END; }

static bool is_excused(uint64_t address) { return in_window(address) || prs_given_has(address) || prs_lost_has(&prs_p.lost, address); }

static bool was_large(uint64_t address)
{
    for (uint32_t i = 0; i < prs_p.large_committed_count; ++i) {
        if (prs_p.large_committed[i].start <= address && address < prs_p.large_committed[i].end) {
            return true;
        }
    }
    return false;
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

static void change(uint64_t address, const void *now, const void *before, uint64_t length, bool is_large)
{
    uint64_t line = 0; /* reported already */
    for (uint64_t at = address & -(uint64_t)WORD; at < address + length; at += WORD) {
        uint64_t is = 0, was = 0;
        uint64_t from = at < address ? address : at, to = at + WORD < address + length ? at + WORD : address + length;
        __builtin_memcpy(&is, (const uint8_t *)now + (from - address), to - from);
        if (before != NULL) {
            __builtin_memcpy(&was, (const uint8_t *)before + (from - address), to - from);
        }
        if (is == was || is == 0 || (at & -PRS_LINE) == line || !is_checked(at)) {
            continue;
        }
        ++prs_p.stats.words_checked;
        if (!prs_dirtymap_marked(at) && !is_excused(at) && was_large(at) == is_large) {
            line = at & -PRS_LINE;
            missing(at);
        }
    }
}

void prs_markcheck_change(uint64_t address, const void *now, const void *before, uint64_t length) { change(address, now, before, length, false); }

void prs_markcheck_page(uint64_t page)
{
    uint64_t before[PRS_PAGE / sizeof(uint64_t)];
    bool kept = prs_store_page_read(&prs_p.store, page, before);
    change(page, (const void *)page, kept ? before : NULL, PRS_PAGE, true);
}
