/* collect_small.c - what changed in small memory, into the log: stacks, data, META.
 *
 * Everything is compared with the mirror (mirror.h, M1). Handler; no allocation but the mirror's arena.
 */
#include "collect.h"
#include "markcheck.h"
#include "planted.h"
#include "prim.h"
#include "region.h"
#include "stack_way.h"
#include "state.h"
#include <stddef.h>
#include <sys/mman.h>

struct small {
    bool stack;
    uint64_t last_page; /* of the stack, for the figure at page granularity */
    uint64_t bytes, page_bytes;
    uint64_t lines, after_line; /* distinct ones with a byte of what was appended, and the end of the last */
    bool check_marks;
    enum prs_sample_kind kind;
};

static int append(void *context, uint64_t address, const void *live, uint32_t length)
{
    struct small *small = context;
    small->bytes += length;
    uint64_t first_line = prs_round_down(address, PRS_LINE), lines_end = prs_round_up(address + length, PRS_LINE);
    first_line += first_line == small->after_line - PRS_LINE ? PRS_LINE : 0; /* the last run had it */
    small->lines += (lines_end - first_line) / PRS_LINE;
    small->after_line = lines_end;
    if (small->check_marks) {
        const uint8_t *chunk = prs_mirror_chunk(&prs_p.mirror, address, false); /* not yet brought up to date */
        prs_markcheck_change(address, live, chunk + address % PRS_CHUNK, length);
    }
    if (prs_p.profile.on) {
        prs_profile_sample(small->kind, address, length);
    }
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
    return small->stack ? prs_stack_put(address, live, length) : prs_store_append(&prs_p.store, address, live, length);
}

struct prs_range prs_collect_in_use(const struct prs_region *region, uint64_t sp)
{
    struct prs_range range = {region->start, region->end};
    if (region->kind == PRS_REGION_STACK && sp - PRS_REDZONE >= region->start && sp < region->end) {
        range.start = PRS_PLANTED(red_zone) ? sp : sp - PRS_REDZONE;
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
        {(uint64_t)meta->locks, (uint64_t)&meta->locks[meta->lock_count]},
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
        int error = from < to ? prs_mirror_diff(prs_stack_mirror(), from, to, deep->granularity, append, deep->small) : 0;
        if (error != 0) {
            return error;
        }
        prs_pages_feedback(prs_p.pages, page, deep->small->bytes != before);
        deep->candidates += PRS_PAGE;
    }
    return 0;
}

static int collect_stack(struct prs_range range, bool full, uint32_t granularity, struct small *small, struct prs_stats *stats)
{
    const struct prs_stack_way *way = prs_p.stack.way;
    if (full && prs_p.stack_tracked) {
        /* The log begins anew, without what is not in use now: a page there that was unwritten for long no longer equals what the log has of it. */
        prs_pages_unprotect(prs_p.pages, prs_p.stack_mapped, prs_round_down(range.start, PRS_PAGE));
    }
    if (way != NULL && way->collect != NULL) {
        uint64_t before = small->bytes;
        int error = way->collect(range, full, granularity, append, small);
        stats->seen_dirty_bytes += small->bytes - before;
        return error;
    }
    bool deep = !full && range.end - range.start >= DEEP_MIN && prs_pages_backend(prs_p.pages) != PRS_BACKEND_ALL;
    if (deep && !prs_p.stack_tracked) {
        /* The whole mapping, once: the kernel extends the registration when the stack grows. */
        prs_p.stack_tracked = prs_pages_track(prs_p.pages, prs_p.stack_mapped, range.end) == 0;
        deep = prs_p.stack_tracked;
    }
    uint64_t shallow = deep ? prs_round_up(range.start + SHALLOW, PRS_PAGE) : range.end;
    int error = prs_mirror_diff(prs_stack_mirror(), range.start, shallow, granularity, append, small);
    stats->seen_dirty_bytes += shallow - range.start;
    if (error == 0 && deep) {
        struct deep rest = {small, shallow, range.end, 0, granularity};
        rest.start += PRS_PLANTED(deep_page) ? PRS_PAGE : 0;
        error = prs_pages_scan(prs_p.pages, shallow, range.end, deep_run, &rest);
        stats->seen_dirty_bytes += rest.candidates;
    }
    return error;
}

static int append_stack(struct prs_range range, bool full, uint32_t granularity, struct small *small, struct prs_stats *stats)
{
    uint64_t begun = prs_ticks(), log = prs_store_appended(&prs_p.store);
    uint32_t pages = prs_store_touched(&prs_p.store);
    int error = collect_stack(range, full, granularity, small, stats);
    prs_p.stack.log_bytes += prs_store_appended(&prs_p.store) - log;
    prs_p.stack.pages += prs_store_touched(&prs_p.store) - pages;
    stats->stack_collect_ticks += prs_ticks() - begun;
    return error;
}

int prs_collect_small(uint64_t sp, bool full, struct prs_stats *stats)
{
    prs_p.stack.log_bytes = prs_p.stack.pages = 0;
    uint32_t granularity = (uint32_t)prs_p.options.granularity;
    if (full && granularity < PRS_LINE) {
        granularity = PRS_LINE; /* everything goes: fewer headers */
    }
    struct small stack = {.stack = true, .last_page = 0, .kind = full ? PRS_SAMPLE_FULL : PRS_SAMPLE_STACK};
    struct small other = {.check_marks = prs_markcheck_on() && !full, .kind = full ? PRS_SAMPLE_FULL : PRS_SAMPLE_DATA};
    struct small meta = {.kind = full ? PRS_SAMPLE_FULL : PRS_SAMPLE_TABLES};
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        const struct prs_region *region = &PRS_META->regions[i];
        if (region->kind != PRS_REGION_STACK && region->kind != PRS_REGION_SMALL) {
            continue;
        }
        struct prs_range range = prs_collect_in_use(region, sp);
        bool hidden = (region->protection & PROT_READ) == 0;
        if (hidden) {
            prs_collect_readable(region->start, region->end, region, true);
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
            prs_collect_readable(region->start, region->end, region, false);
        }
        if (error != 0) {
            return error;
        }
    }
    int error = append_meta(granularity, &meta);
    if (!full || !(prs_p.resumed || stats->checkpoints > 0)) { /* a later full epoch writes again what has not changed */
        stats->dirty_lines += stack.lines + other.lines + meta.lines;
    }
    if (error == 0 && !full) {
        stats->stack_bytes += stack.bytes;
        stats->stack_unseen_bytes += prs_p.stack.area.image != NULL ? stack.bytes : 0;
        stats->stack_page_bytes += stack.page_bytes;
        stats->other_bytes += other.bytes;
        stats->meta_bytes += meta.bytes;
        stats->last_stack_bytes = stack.bytes;
        stats->last_stack_page_bytes = stack.page_bytes;
    }
    return error;
}
