/* explain.c - explain=1: a line for each part of memory that says how its changes are found, and why. When it has been decided, and when that changes. Handler. */
#include "explain.h"
#include "log.h"
#include "region.h"
#include "state.h"
#include <stddef.h>

static bool in(const struct prs_region *region, uint64_t start, uint64_t end) { return start <= region->start && region->end <= end; }

static const char *what(const struct prs_region *region)
{
    switch (region->kind) {
    case PRS_REGION_STACK:
        return "stack";
    case PRS_REGION_FILE:
        return "file, unchanged";
    case PRS_REGION_EMPTY:
        return (region->flags & PRS_REGION_EXCLUDED) != 0 ? "excluded" : "reserved";
    default:
        break;
    }
    if (region->file != 0) {
        return "data of";
    }
    return in(region, PRS_MARKED_BASE, PRS_MARKED_END) ? "heap and mappings of instrumented code"
         : in(region, PRS_MARKED_END, PRS_PROGRAM_END) ? "heap and mappings"
                                                       : "memory";
}

static const char *by_pages(void)
{
    switch (prs_p.options.tracker) {
    case PRS_TRACKER_FULL:
        return "compared, as asked for";
    case PRS_TRACKER_COPY:
        return "copied, as asked for";
    default:
        if (prs_p.options.heap == PRS_HEAP_PAGES) {
            return "pages, whole, as asked for";
        }
        return prs_pages_backend(prs_p.pages) == PRS_BACKEND_ALL ? "compared: this kernel cannot say which pages were written" : "pages";
    }
}

static void one(const struct prs_region *region)
{
    const struct prs_marks *marks = &prs_p.marks;
    const char *how = "not saved", *because = "", *why = "";
    if (region->kind == PRS_REGION_STACK || region->kind == PRS_REGION_SMALL) {
        how = "compared";
    } else if (region->kind == PRS_REGION_LARGE) {
        how = by_pages();
        if (marks->rely && prs_region_marked(region)) {
            how = "marks";
        } else if (region->file == 0 && in(region, PRS_PROGRAM_BASE, PRS_PROGRAM_END)) {
            because = ", because ";
            why = marks->ended != NULL                   ? marks->ended
                : prs_marks_gap()[0] != '\0'             ? prs_marks_gap()
                : !in(region, PRS_MARKED_BASE, PRS_MARKED_END) ? "code without marks asked for it"
                : !marks->possible                       ? "of the option tracker"
                : marks->resting                         ? "they cost less than marks at present"
                                                         : "a mark from before the restore may wait for its store";
        }
    }
    prs_say("%lx-%lx %s%s%s, %lu KB: %s%s%s", region->start, region->end, what(region), region->file != 0 ? " " : "",
            region->file != 0 ? prs_region_name(PRS_META, region) : "", (region->end - region->start) / 1024, how, because, why);
}

void prs_explain(void)
{
    struct prs_marks *marks = &prs_p.marks;
    int state = 1 + marks->rely + 2 * (marks->ended != NULL) + 4 * marks->resting;
    if (!prs_p.options.explain || state == marks->explained || prs_p.stats.checkpoints < 2) {
        return; /* the first is taken before the program has any memory */
    }
    marks->explained = state;
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        if (PRS_META->regions[i].kind != PRS_REGION_FILE) {
            one(&PRS_META->regions[i]);
        }
    }
    if (prs_marks_gap_matters() && !marks->said) { /* a resumed process, or quiet=1 */
        prs_marks_say_gap();
    }
}
