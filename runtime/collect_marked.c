/* collect_marked.c - what changed in the marked part of large memory, by marks (marks.h, A1). Handler.
 *
 *   lines with a mark in either map        compared, those lines of their page only
 *   open write windows, ranges given away  compared where there is memory
 *   lost ranges, ranges that are new       compared in full; what is not there any more is dropped
 *
 * A page may come from several of these: the store then compares all of it (ssp.c, S4).
 */
#include "collect.h"
#include "covered.h"
#include "hold.h"
#include "hooks.h"
#include "marks.h"
#include "planted.h"
#include "prim.h"
#include "region.h"
#include "resident.h"
#include "state.h"

/* Pages with marks wait their turn here, so that what their comparison reads can be fetched: entries when they come, lines half-way. */
#define AHEAD 32u

struct marked {
    const struct prs_region *region;
    struct {
        uint64_t page, lines;
    } waiting[AHEAD];
    uint64_t come, gone; /* counts; the difference waits */
    uint64_t lines, pages, candidates, looked_at; /* written; pages they lie in; lines compared; pages they lie in */
    uint64_t at;                       /* each_resident: what lies between was dropped */
};

static int page(struct marked *marked, uint64_t address, uint64_t lines)
{
    int written = prs_store_lines(&prs_p.store, address, (const void *)address, lines);
    if (written > 0) {
        marked->lines += (uint64_t)written;
        ++marked->pages;
        if (prs_p.profile.on) {
            prs_profile_sample(PRS_SAMPLE_LINES, address, prs_store_written(&prs_p.store));
        }
    }
    marked->candidates += (unsigned)__builtin_popcountll(lines);
    ++marked->looked_at;
    return written < 0 ? written : 0;
}

/* ---- whole ranges ---- */

static int resident(void *context, uint64_t start, uint64_t end)
{
    struct marked *marked = context;
    int error = prs_store_range_drop(&prs_p.store, marked->at, start);
    for (uint64_t at = start; at < end && error >= 0; at += PRS_PAGE) {
        error = page(marked, at, ~0ull);
    }
    marked->at = end;
    return error < 0 ? error : 0;
}

/* The part of [start, end) in the region, in full. */
static int in_full(struct marked *marked, uint64_t start, uint64_t end)
{
    start = start > marked->region->start ? prs_round_down(start, PRS_PAGE) : marked->region->start;
    end = end < marked->region->end ? prs_round_up(end, PRS_PAGE) : marked->region->end;
    if (start >= end) {
        return 0;
    }
    marked->at = start;
    int error = prs_resident_each(prs_p.fd_pagemap, start, end, false, resident, marked);
    return error < 0 ? error : prs_store_range_drop(&prs_p.store, marked->at, end);
}

/* What the committed epoch did not have as large memory. */
static int in_full_new(struct marked *marked)
{
    uint64_t at = marked->region->start;
    int error = 0;
    for (uint32_t i = 0; i < prs_p.large_committed_count && at < marked->region->end && error >= 0; ++i) {
        const struct prs_range *old = &prs_p.large_committed[i];
        if (old->end <= at) {
            continue;
        }
        if (old->start > at) {
            error = in_full(marked, at, old->start);
        }
        at = old->end;
    }
    return at < marked->region->end && error >= 0 ? in_full(marked, at, marked->region->end) : error;
}

static int in_full_lost(struct marked *marked)
{
    int error = 0;
    uint64_t start, end;
    for (uint32_t i = 0; i < PRS_LOST_MAX && error >= 0; ++i) {
        if (prs_lost_range(&prs_p.lost, i, &start, &end)) {
            error = in_full(marked, start, end);
        }
    }
    for (uint32_t i = 0; error >= 0 && prs_given_range(i, &start, &end); ++i) {
        error = in_full(marked, start, end);
    }
    return error;
}

/* ---- lines ---- */

/* The lines of a window, page by page; those of a large one only where there is memory. */
static int window_lines(struct marked *marked, uint64_t start, uint64_t end)
{
    start = start > marked->region->start ? start : marked->region->start;
    end = end < marked->region->end ? end : marked->region->end;
    if (start >= end) {
        return 0;
    }
    if (end - start > 16 * PRS_PAGE) {
        return in_full(marked, start, end);
    }
    int error = 0;
    for (uint64_t at = prs_round_down(start, PRS_PAGE); at < end && error >= 0; at += PRS_PAGE) {
        uint64_t first = start > at ? (start - at) / PRS_LINE : 0, last = end < at + PRS_PAGE ? (end - 1 - at) / PRS_LINE : PRS_LINES_PER_PAGE - 1;
        error = page(marked, at, (~0ull >> (63 - last)) & (~0ull << first));
    }
    return error;
}

static int windows(struct marked *marked)
{
    const struct prs_window *window = NULL;
    uint64_t start, end;
    int error = 0;
    while (error >= 0 && prs_windows_next(&window, &start, &end) > 0) {
        /* Without an end it is bounded by its mapping: this region alone, if it begins here. */
        bool elsewhere = end == UINT64_MAX && (start < marked->region->start || start >= marked->region->end);
        error = elsewhere ? 0 : window_lines(marked, start, end);
    }
    return error;
}

static bool windows_broken(void)
{
    const struct prs_window *window = NULL;
    uint64_t start, end;
    int result;
    while ((result = prs_windows_next(&window, &start, &end)) > 0) {
    }
    return result < 0;
}

static int next_waiting(struct marked *marked)
{
    uint64_t i = marked->gone++ % AHEAD;
    return page(marked, marked->waiting[i].page, marked->waiting[i].lines);
}

static void fetch_lines(struct marked *marked, uint64_t number)
{
    uint64_t i = number % AHEAD, at = marked->waiting[i].page;
    prs_store_ahead_lines(&prs_p.store, at, (const void *)at, marked->waiting[i].lines);
}

static int wait_for(struct marked *marked, uint64_t at, uint64_t lines)
{
    int error = marked->come - marked->gone == AHEAD ? next_waiting(marked) : 0;
    uint64_t i = marked->come % AHEAD;
    marked->waiting[i].page = at;
    marked->waiting[i].lines = lines;
    prs_store_ahead_entry(&prs_p.store, at);
    if (marked->come >= marked->gone + AHEAD / 2) {
        fetch_lines(marked, marked->come - AHEAD / 2);
    }
    ++marked->come;
    return error;
}

static int all_waiting(struct marked *marked)
{
    int error = 0;
    while (marked->gone < marked->come && error >= 0) {
        error = next_waiting(marked);
    }
    return error;
}

static int marks(struct marked *marked, uint32_t *from)
{
    const struct prs_spans *spans = &prs_p.marks.spans;
    const struct prs_region *region = marked->region;
    while (*from < spans->count && prs_span_address(spans, *from) + PRS_SPAN_BYTES <= region->start) {
        ++*from;
    }
    int error = 0;
    for (uint32_t i = *from; i < spans->count && prs_span_address(spans, i) < region->end && error >= 0; ++i) {
        uint64_t start = prs_span_address(spans, i), end = start + PRS_SPAN_BYTES;
        start = start > region->start ? start : region->start;
        end = end < region->end ? end : region->end;
        for (uint64_t at = start; at < end && error >= 0; at += PRS_PAGE) {
            uint64_t lines = prs_span_lines(spans, i, at);
            error = lines != 0 ? wait_for(marked, at, lines) : 0;
        }
    }
    return error < 0 ? error : all_waiting(marked);
}

int prs_collect_marked(struct prs_stats *stats, bool everything)
{
    struct marked marked = {0};
    uint32_t span = 0;
    uint64_t began = prs_now_ns();
    everything = everything || windows_broken();
    stats->compared_in_full += everything;
    int error = 0;
    for (uint32_t i = 0; i < PRS_META->region_count && error >= 0; ++i) {
        marked.region = &PRS_META->regions[i];
        if (!prs_region_marked(marked.region)) {
            continue;
        }
        bool hidden = (marked.region->protection & 1 /* PROT_READ */) == 0;
        if (hidden) {
            prs_collect_readable(marked.region->start, marked.region->end, marked.region, true);
        }
        if (everything) {
            error = in_full(&marked, marked.region->start, marked.region->end);
        } else {
            error = marks(&marked, &span);
            error = error >= 0 ? windows(&marked) : error;
            error = error >= 0 ? in_full_lost(&marked) : error;
            error = error >= 0 && prs_p.regions_fresh_since_commit && !PRS_PLANTED(moved_unseen) ? in_full_new(&marked) : error;
        }
        if (hidden) {
            prs_collect_readable(marked.region->start, marked.region->end, marked.region, false);
        }
    }
    stats->marks_ns_total += prs_now_ns() - began;
    stats->heap_lines += marked.lines;
    stats->heap_pages += marked.pages;
    stats->lines_by_marks += marked.candidates;
    stats->pages_by_marks += marked.looked_at;
    stats->seen_dirty_bytes += marked.candidates * PRS_LINE;
    return error < 0 ? error : 0;
}
