/* marks.c - when checkpoints rely on marks (abi.h), and how marks age.
 *
 *   state    the marked part of memory is searched by    becomes
 *   PAGES    pages (pages.h), as all other memory        MARKS at a commit, when everything below holds and they cost less (choice.h)
 *   MARKS    the lines of the two maps (collect_marked)  PAGES, for the rest of the process, when something below no longer holds; or at a commit, when they cost less
 *
 * A process begins in PAGES, whether it starts or resumes: pages are right for any writer. Relying on marks takes that
 *   - every object was compiled with the pass in mode all or is trusted, and what they import is known (coverage.h, imports.h): decided at the first start, in the image;
 *   - since then no code was added, no function looked up by name, no stack of the program's own found in the marked part that was not given away (covered.h);
 *   - no mark from before this process waits for its store: then the store would come without one.
 *
 * INVARIANTS
 *   A1  A line of the marked part that changed since the last commit has a byte that is not clean in one of the maps, or lies in an open window, a lost range
 *       (lost.h), or one that was given away; or the next checkpoint compares everything.
 *   A2  A mark that a commit consumes turns suspect, and is dropped only by evidence that came after: since that commit the thread has released its marks, or more than
 *       GAP_MARKS * MARK_LINES lines of the dirty map (then: short marks only) were marked anew. A mark that was pending at a commit is thus
 *       compared at each later one until its store is done and has been compared.
 *   A3  No evidence is taken from a time in which a handler of the program's own was entered or was running (handlers.h): the code under it may stand in a gap.
 *   A4  A checkpoint that is given up consumes and drops nothing; what was heard since the last commit is kept.
 *   A5  At the switch from PAGES to MARKS, pages have found everything up to this commit, and all marks since the process began are in the maps: A1 holds from here on. At the
 *       switch back everything is compared once.
 *   A6  After a restore the maps are empty. A mark that was consumed before the image was taken may wait for its store, so PAGES stays until the thread has released its marks
 *       (the flag is cleared before an image is taken, and again by the restore). Open windows come back with the image.
 *   A7  A change for the sake of cost is made between the commit and the program's next instruction, when the image holds the marked part as it is. To PAGES: all of it is protected
 *       there, so that what is written from here on is reported (P1); what cannot be protected is reported anyway. To MARKS: as at the first time (A5), because in PAGES too each
 *       commit consumes marks and lets them age, and they are dropped by evidence only (A2, A3). So in each interval one of the two watches from its first instruction to its last.
 * Context: decide and start in normal context (start in a restore: raw system calls only), the rest in the handler.
 */
#include "marks.h"
#include "covered.h"
#include "coverage.h"
#include "evidence.h"
#include "hold.h"
#include "hooks.h"
#include "imports.h"
#include "interpose/heap.h"
#include "log.h"
#include "markcheck.h"
#include "pages.h"
#include "planted.h"
#include "prim.h"
#include "region.h"
#include "state.h"
#include <stddef.h>
#include <sys/mman.h>

#define GIVE_BACK_EVERY 64u /* checkpoints: memory of the maps without marks */
#define MAIN_STACK_MAX (64ul << 20)
#define TURN 3u /* tracker=turns: commits between two changes */

static uint64_t looked_up; /* in the image: what start-up code looked up is known */
static char gap[384];      /* likewise: why the program is not covered; "": it is */
static char to_trust[PRS_TRUST_MAX]; /* likewise: what trust= would have to say; "": that does not help */
static bool asked;         /* likewise: something was compiled in mode all */

/* ---- the decision ---- */

static bool wanted(void)
{
    enum prs_tracker tracker = (enum prs_tracker)prs_p.options.tracker;
    return (tracker == PRS_TRACKER_AUTO || tracker == PRS_TRACKER_MARKS || tracker == PRS_TRACKER_TURNS) && prs_p.options.heap != PRS_HEAP_PAGES;
}

void prs_marks_decide(void)
{
    char imports[PRS_TRUST_MAX] = "";
    prs_coverage_trust(prs_p.options.trust, PRS_META->text + PRS_META->exec_path);
    const char *why = prs_coverage_gap();
    asked = prs_coverage_asked();
    if (!asked) {
        why = "nothing was compiled with --prosper-track=all";
    } else {
        const char *unknown = prs_imports_unknown(imports);
        why = why != NULL ? why : unknown;
    }
    if (why == NULL || (asked && PRS_PLANTED(coverage_ignored))) {
        prs_covered_start();
        prs_heap_start();
    } else {
        prs_format(gap, sizeof gap, "%s", why);
        if (asked) {
            prs_coverage_to_trust(imports, to_trust, sizeof to_trust);
        }
        if ((asked && !prs_p.options.quiet) || prs_p.options.tracker == PRS_TRACKER_MARKS) {
            prs_marks_say_gap();
        }
    }
    looked_up = prs_w.looked_up;
}

void prs_marks_say_gap(void)
{
    bool may = to_trust[0] != '\0';
    prs_p.marks.said = true;
    prs_say("marks are not relied on: %s. Large memory goes by pages: a page fault (1 to 25 us) for each page written between two checkpoints. Change it by compiling "
            "everything with --prosper-track=all%s%s%s (docs/tracking.md)", gap, may ? ", or by trust=" : "", to_trust, may ? " if that code never writes into memory that the program allocated" : "");
}

const char *prs_marks_gap(void) { return gap; }

bool prs_marks_gap_matters(void) { return asked && gap[0] != '\0'; }

void prs_marks_start(bool resumed)
{
    struct prs_marks *marks = &prs_p.marks;
    marks->possible = prs_heap_marked && wanted();
    marks->checks = prs_heap_marked && !wanted() && prs_p.options.verify;
    marks->evidence = !resumed || PRS_PLANTED(restored_by_marks); /* A6; a program that begins has no mark yet that is not in the maps */
    marks->handlers = prs_w.program_handlers;
    marks->choice.fault_ns = prs_p.fault_ns;
    if ((marks->possible || marks->checks) && prs_spans_init(&marks->spans, &prs_p.scratch) != 0) {
        marks->possible = marks->checks = false;
    }
    (void)prs_marks_released();
}

/* ---- a checkpoint ---- */

static bool code_was_added(void)
{
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        const struct prs_region *region = &PRS_META->regions[i];
        if ((region->protection & PROT_EXEC) != 0 && (region->flags & PRS_REGION_STARTUP) == 0) {
            return true;
        }
    }
    return false;
}

static const char *no_longer(uint64_t sp)
{
    if (prs_p.regions_fresh && code_was_added()) {
        return "code was loaded or made while the program ran";
    }
    if (prs_w.looked_up != looked_up) {
        return "the program looks functions up by name (dlsym)";
    }
    if (prs_given_overflowed()) {
        return "more memory was given to code without marks than can be listed";
    }
    if (PRS_MARKED_BASE <= sp && sp < PRS_MARKED_END && !prs_given_has(sp)) {
        return "the program runs on a stack that it made by itself";
    }
    return NULL;
}

static bool some_handler(uint64_t sp)
{
    bool any = prs_w.handlers.count != 0 || prs_w.program_handlers != prs_p.marks.handlers;
    prs_handlers_none(&prs_w.handlers, sp, prs_p.stack_top - MAIN_STACK_MAX, prs_p.stack_top);
    return any && !PRS_PLANTED(handlers_ignored);
}

void prs_marks_begin(uint64_t sp)
{
    struct prs_marks *marks = &prs_p.marks;
    if (!marks->possible && !marks->checks) {
        return;
    }
    marks->everything |= prs_windows_were_lost();
    marks->released |= prs_marks_released();
    marks->handled |= some_handler(sp);
    if (marks->ended == NULL && (marks->ended = no_longer(sp)) != NULL) {
        marks->left |= marks->rely; /* A5 */
        marks->rely = false;
        if (!prs_p.options.quiet) {
            prs_say("marks are not relied on any more: %s. Large memory goes by pages from here on: a page fault (1 to 25 us) for each page written between two checkpoints", marks->ended);
        }
    }
    if (marks->ended == NULL) {
        uint64_t began = prs_now_ns();
        marks->found = prs_spans_find(&marks->spans, PRS_MARKED_BASE, PRS_MARKED_END, prs_p.stats.checkpoints % GIVE_BACK_EVERY == GIVE_BACK_EVERY - 1);
        prs_p.stats.marks_ns_total += marks->rely ? prs_now_ns() - began : 0;
    }
}

bool prs_marks_everything(void)
{
    return prs_p.marks.everything || (prs_p.marks.rely && prs_p.marks.found != 0) || prs_w.losing != 0 || prs_p.lost.all != 0;
}

/* The whole marked part is writable without faults from now on. What is unprotected counts as written, should pages be asked again. */
static void unprotect(void)
{
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        const struct prs_region *region = &PRS_META->regions[i];
        if (prs_region_marked(region)) {
            prs_pages_unprotect(prs_p.pages, region->start, region->end);
        }
    }
}

/* A7. False: this back end of pages cannot. */
static bool protect(void)
{
    bool all = true;
    for (uint32_t i = 0; i < PRS_META->region_count && all; ++i) {
        const struct prs_region *region = &PRS_META->regions[i];
        if (prs_region_marked(region)) {
            all = prs_pages_protect(prs_p.pages, region->start, region->end);
        }
    }
    return all;
}

/* What of the epoch's memory is in the marked part is not counted apart: all of it, which is more. */
static bool changes(struct prs_marks *marks, struct prs_aged aged)
{
    struct prs_store_use use;
    if (prs_p.options.tracker == PRS_TRACKER_TURNS) {
        return ++marks->turns % TURN == 0;
    }
    if (prs_p.options.tracker != PRS_TRACKER_AUTO || prs_pages_backend(prs_p.pages) != PRS_BACKEND_UFFD || !(marks->rely || marks->resting)) {
        return false;
    }
    prs_store_usage(&prs_p.store, &use);
    return prs_choice_changes(&marks->choice, (struct prs_choice_costs){aged.lines, aged.pages, use.pages}, marks->rely);
}

static struct prs_aged age(struct prs_marks *marks)
{
    enum prs_aging in_short, in_long;
    struct prs_evidence evidence = {marks->released, marks->handled, marks->spans.fresh};
    prs_evidence_weigh(evidence, &marks->fresh, &in_short, &in_long);
    if (marks->checks && prs_markcheck_turns()) {
        in_short = in_short == PRS_AGE_KEEP ? PRS_AGE_TURN : in_short;
    }
    struct prs_aged aged = prs_spans_age(&marks->spans, in_short, in_long);
    prs_p.stats.suspects_kept = aged.left;
    return aged;
}

void prs_marks_committed(void)
{
    struct prs_marks *marks = &prs_p.marks;
    if (!prs_heap_marked) {
        return;
    }
    prs_lost_clear(&prs_p.lost);
    bool released = marks->released && !marks->handled, change = false;
    if ((marks->possible || marks->checks) && marks->ended == NULL && marks->found == 0) {
        uint64_t began = prs_now_ns();
        change = changes(marks, age(marks));
        prs_p.stats.marks_ns_total += marks->rely ? prs_now_ns() - began : 0;
    }
    prs_p.stats.checkpoints_by_marks += marks->rely;
    marks->evidence |= released;
    if (marks->rely && change) {
        marks->resting = protect();
        marks->rely = !marks->resting;
        prs_p.stats.tracker_changes += marks->resting;
    } else if (marks->possible && !marks->rely && marks->ended == NULL && marks->evidence && marks->found == 0 && (!marks->resting || change)) {
        unprotect();
        prs_p.stats.tracker_changes += marks->resting;
        marks->resting = false;
        marks->rely = true;
    }
    marks->everything = marks->left = marks->released = marks->handled = false;
    marks->handlers = prs_w.program_handlers;
}
