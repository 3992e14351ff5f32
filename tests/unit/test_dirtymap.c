#include "arena.h"
#include "dirtymap.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <prosper/abi.h>
#include <stdint.h>

#define BASE 0x100000000000ul
#define END 0x200000000000ul
#define ARENA 0x400200000000ul

static struct prs_spans spans;
static struct prs_arena arena = {ARENA, ARENA + (1ul << 30)};

static void setup(void)
{
    cr_assert_eq(prs_dirtymap_reserve(), 0);
    prs_dirtymap_use_pagemap(open("/proc/self/pagemap", O_RDONLY));
    cr_assert_eq(prs_spans_init(&spans, &arena), 0);
}
TestSuite(dirtymap, .init = setup);

static uint8_t *at(uint64_t base, uint64_t address) { return (uint8_t *)(base + (address >> PRS_LINE_SHIFT)); }
static uint8_t *in_short(uint64_t address) { return at(PRS_MAP_BASE, address); }
static uint8_t *in_long(uint64_t address) { return at(PRS_LONG_MAP_BASE, address); }
static void find(void) { cr_assert_eq(prs_spans_find(&spans, BASE, END, false), 0); }

Test(dirtymap, a_map_without_marks_has_no_spans)
{
    find();
    cr_assert(spans.count == 0 && spans.fresh == 0);
    cr_assert(!prs_dirtymap_marked(BASE));
}

Test(dirtymap, spans_of_both_maps_come_once_and_ascending)
{
    *in_short(BASE + 5 * PRS_SPAN_BYTES) = PRS_MARK_DIRTY;
    *in_long(BASE + 5 * PRS_SPAN_BYTES + 4096) = PRS_MARK_DIRTY;
    *in_long(BASE) = PRS_MARK_DIRTY;
    *in_short(END - 64) = PRS_MARK_DIRTY;
    *in_short(END) = PRS_MARK_DIRTY; /* outside */
    find();
    cr_assert_eq(spans.count, 3);
    cr_assert_eq(spans.fresh, 2);
    cr_assert_eq(prs_span_address(&spans, 0), BASE);
    cr_assert_eq(prs_span_address(&spans, 1), BASE + 5 * PRS_SPAN_BYTES);
    cr_assert_eq(prs_span_address(&spans, 2), END - PRS_SPAN_BYTES);
    cr_assert_eq(prs_span_lines(&spans, 1, BASE + 5 * PRS_SPAN_BYTES), 1);
    cr_assert_eq(prs_span_lines(&spans, 1, BASE + 5 * PRS_SPAN_BYTES + 4096), 1);
    cr_assert_eq(prs_span_lines(&spans, 1, BASE + 5 * PRS_SPAN_BYTES + 8192), 0);
    cr_assert_eq(prs_span_lines(&spans, 2, END - 4096), 1ul << 63);
}

Test(dirtymap, each_line_of_a_page_has_its_bit)
{
    for (unsigned line = 0; line < 64; ++line) {
        uint64_t page = BASE + line * 4096ul;
        *in_short(page + line * 64ul) = PRS_MARK_DIRTY;
        *in_long(page + (63 - line) * 64ul) = PRS_MARK_SUSPECT;
    }
    find();
    for (unsigned line = 0; line < 64; ++line) {
        cr_assert_eq(prs_span_lines(&spans, 0, BASE + line * 4096ul), 1ul << line | 1ul << (63 - line));
    }
    cr_assert_eq(spans.fresh, 64);
}

Test(dirtymap, consumed_marks_stay_until_they_are_dropped)
{
    *in_short(BASE) = *in_long(BASE + 64) = PRS_MARK_DIRTY;
    find();
    cr_assert_eq(prs_spans_age(&spans, PRS_AGE_KEEP, PRS_AGE_KEEP).left, 2);
    cr_assert(*in_short(BASE) == PRS_MARK_SUSPECT && *in_long(BASE + 64) == PRS_MARK_SUSPECT);
    find();
    cr_assert_eq(spans.fresh, 0);
    cr_assert_eq(prs_spans_age(&spans, PRS_AGE_DROP, PRS_AGE_KEEP).left, 1);
    cr_assert(*in_short(BASE) == PRS_MARK_CLEAN && *in_long(BASE + 64) == PRS_MARK_SUSPECT);
    find();
    cr_assert_eq(prs_spans_age(&spans, PRS_AGE_DROP, PRS_AGE_DROP).left, 0);
    find();
    cr_assert_eq(spans.count, 0);
}

Test(dirtymap, aging_counts_lines_with_a_mark_and_pages_with_a_new_one)
{
    *in_short(BASE) = *in_short(BASE + 63 * 64) = PRS_MARK_DIRTY; /* one page */
    *in_short(BASE + 4096) = PRS_MARK_DIRTY;                      /* the next one */
    *in_short(BASE + 3 * 4096) = PRS_MARK_SUSPECT;
    *in_long(BASE + PRS_SPAN_BYTES) = PRS_MARK_DIRTY;
    find();
    struct prs_aged aged = prs_spans_age(&spans, PRS_AGE_KEEP, PRS_AGE_KEEP);
    cr_assert(aged.lines == 5 && aged.pages == 3 && aged.left == 5);
    *in_short(BASE + 64) = PRS_MARK_DIRTY;
    find();
    aged = prs_spans_age(&spans, PRS_AGE_DROP, PRS_AGE_DROP);
    cr_assert(aged.lines == 6 && aged.pages == 1 && aged.left == 1);
}

Test(dirtymap, what_is_consumed_now_survives_a_drop_and_a_turn)
{
    for (enum prs_aging aging = PRS_AGE_KEEP; aging <= PRS_AGE_DROP; ++aging) {
        *in_short(BASE) = PRS_MARK_DIRTY;
        find();
        prs_spans_age(&spans, aging, aging);
        cr_assert_eq(*in_short(BASE), PRS_MARK_SUSPECT);
    }
}

Test(dirtymap, a_turn_drops_what_was_suspect_at_the_turn_before)
{
    *in_short(BASE) = PRS_MARK_DIRTY;
    find();
    (void)prs_spans_age(&spans, PRS_AGE_KEEP, PRS_AGE_KEEP); /* suspect */
    find();
    (void)prs_spans_age(&spans, PRS_AGE_TURN, PRS_AGE_KEEP); /* old */
    *in_short(BASE + 64) = PRS_MARK_DIRTY;
    find();
    (void)prs_spans_age(&spans, PRS_AGE_KEEP, PRS_AGE_KEEP);
    cr_assert(prs_dirtymap_marked(BASE) && prs_dirtymap_marked(BASE + 64));
    find();
    (void)prs_spans_age(&spans, PRS_AGE_TURN, PRS_AGE_KEEP);
    cr_assert(!prs_dirtymap_marked(BASE) && prs_dirtymap_marked(BASE + 64));
}

Test(dirtymap, a_line_marked_again_while_suspect_is_fresh_again)
{
    *in_short(BASE) = PRS_MARK_DIRTY;
    find();
    (void)prs_spans_age(&spans, PRS_AGE_KEEP, PRS_AGE_KEEP);
    *in_short(BASE) = PRS_MARK_DIRTY;
    find();
    cr_assert_eq(spans.fresh, 1);
    (void)prs_spans_age(&spans, PRS_AGE_DROP, PRS_AGE_DROP);
    cr_assert(prs_dirtymap_marked(BASE));
}

Test(dirtymap, memory_of_the_maps_without_marks_is_given_back_and_other_is_not)
{
    *in_short(BASE) = PRS_MARK_CLEAN; /* touched */
    *in_short(BASE + 2 * PRS_SPAN_BYTES) = PRS_MARK_SUSPECT;
    cr_assert_eq(prs_spans_find(&spans, BASE, END, true), 0);
    cr_assert_eq(spans.count, 1);
    cr_assert(prs_dirtymap_marked(BASE + 2 * PRS_SPAN_BYTES));
    cr_assert(!prs_dirtymap_marked(BASE));
}

Test(dirtymap, an_unreadable_pagemap_is_said)
{
    prs_dirtymap_use_pagemap(-1);
    cr_assert_lt(prs_spans_find(&spans, BASE, END, false), 0);
}
