/* test_unit.c - the model of the hardware unit, rule by rule (docs/unit.md), each with a case small enough to be worked out by hand. */
#include "unit.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#define START 0x7f0000000000ul
#define END (START + 0x100000) /* 1 MB: 131072 granules of 8 bytes, 4096 words */
#define WORD 256ul              /* bytes of stack in a word of bitmap, at 8 bytes */

static uint32_t bitmap[4096];
static struct prs_unit unit;
static struct prs_unit_stack stack;

static void with(uint32_t granularity, struct prs_unit_table table)
{
    memset(bitmap, 0, sizeof bitmap);
    cr_assert_eq(prs_unit_stack_init(&stack, START, END, granularity, bitmap), 0);
    cr_assert_eq(prs_unit_init(&unit, &table), 0);
    prs_unit_restore(&unit, &stack);
}
static void setup(void) { with(8, prs_unit_original); }
static void invariants(void)
{
    const struct prs_unit_counters *c = &unit.counters;
    uint64_t left = 0;
    for (unsigned i = 0; i < PRS_UNIT_CAUSES; ++i) {
        left += c->left[i];
    }
    cr_assert_eq(c->made, left + unit.used);
    cr_assert_eq(left, c->bitmap_stores + c->redundant_stores);
    cr_assert_eq(c->bitmap_loads, unit.table.policy == PRS_UNIT_ACCUMULATE ? left : c->made);
}
TestSuite(unit, .init = setup, .fini = invariants);

static void store_granules(uint64_t word, unsigned count)
{
    for (unsigned i = 0; i < count; ++i) {
        prs_unit_store(&unit, START + word * WORD + 8 * i, 8);
    }
}

static struct {
    uint64_t start, end;
} runs[64];
static unsigned run_count;
static void note(void *context, uint64_t start, uint64_t end)
{
    (void)context;
    cr_assert(run_count == 0 || start > runs[run_count - 1].end, "ascending, and adjacent ones are one");
    runs[run_count].start = start - START;
    runs[run_count++].end = end - START;
}
static struct prs_unit_found collect(enum prs_unit_below below)
{
    run_count = 0;
    prs_unit_flush(&unit);
    return prs_unit_collect(&unit.now, below, note, NULL);
}
static bool one_run(uint64_t start, uint64_t end)
{
    struct prs_unit_found found = collect(PRS_UNIT_DROP);
    return found.runs == 1 && run_count == 1 && runs[0].start == start && runs[0].end == end && found.bytes == end - start;
}

/* ---- configuration ---- */

Test(unit, impossible_configurations_are_refused)
{
    struct prs_unit_table table = prs_unit_original;
    cr_assert_eq(prs_unit_stack_init(&stack, START, END, 4, bitmap), -EINVAL);
    cr_assert_eq(prs_unit_stack_init(&stack, START, END, 8192, bitmap), -EINVAL);
    cr_assert_eq(prs_unit_stack_init(&stack, START, END, 24, bitmap), -EINVAL);
    cr_assert_eq(prs_unit_stack_init(&stack, START + 8, END, 16, bitmap), -EINVAL);
    cr_assert_eq(prs_unit_stack_init(&stack, END, END, 8, bitmap), -EINVAL);
    cr_assert_eq(prs_unit_stack_init(&stack, START, END, 8, NULL), -EINVAL);
    for (uint32_t granularity = 8; granularity <= 4096; granularity *= 2) {
        cr_assert_eq(prs_unit_stack_init(&stack, START, END, granularity, bitmap), 0);
    }
    table.entries = 0;
    cr_assert_eq(prs_unit_init(&unit, &table), -EINVAL);
    table.entries = 65;
    cr_assert_eq(prs_unit_init(&unit, &table), -EINVAL);
    table = prs_unit_original;
    table.high = 0;
    cr_assert_eq(prs_unit_init(&unit, &table), -EINVAL);
    table.high = 33;
    cr_assert_eq(prs_unit_init(&unit, &table), -EINVAL);
    table = prs_unit_original;
    table.low = 33;
    cr_assert_eq(prs_unit_init(&unit, &table), -EINVAL);
    cr_assert_eq(prs_unit_init(&unit, &prs_unit_original), 0);
    prs_unit_store(&unit, START, 8); /* no stack: nothing is tracked */
    cr_assert(unit.counters.stores == 0 && unit.counters.stores_outside == 1);
}

Test(unit, a_bitmap_has_whole_words)
{
    cr_assert_eq(prs_unit_bitmap_bytes(START, START + 8, 8), 4);
    cr_assert_eq(prs_unit_bitmap_bytes(START, START + 256, 8), 4);
    cr_assert_eq(prs_unit_bitmap_bytes(START, START + 257, 8), 8);
    cr_assert_eq(prs_unit_bitmap_bytes(START, START + (16ul << 20), 8), 256 << 10, "the original's: 256 KB for 16 MB");
    cr_assert_eq(prs_unit_bitmap_bytes(START, START + (1ul << 20), 4096), 32);
}

/* ---- range and bits ---- */

Test(unit, the_range_has_its_start_and_not_its_end)
{
    prs_unit_store(&unit, START - 8, 8);
    prs_unit_store(&unit, END, 8); /* the original compares with <= */
    prs_unit_store(&unit, 0, 8);
    prs_unit_store(&unit, UINT64_MAX - 7, 8);
    prs_unit_store(&unit, START, 0);
    cr_assert(unit.counters.stores == 0 && unit.counters.stores_outside == 5 && unit.used == 0);
    prs_unit_store(&unit, START, 1);
    prs_unit_store(&unit, END - 1, 1);
    cr_assert_eq(unit.counters.stores, 2);
    struct prs_unit_found found = collect(PRS_UNIT_DROP);
    cr_assert(found.granules == 2 && runs[0].start == 0 && runs[0].end == 8 && runs[1].start == 0x100000 - 8 && runs[1].end == 0x100000);
}

Test(unit, stores_over_the_edge_count_where_they_are_inside)
{
    prs_unit_store(&unit, START - 20, 28); /* 8 bytes inside */
    prs_unit_store(&unit, END - 12, UINT64_MAX - (END - 12)); /* to the end of all addresses */
    struct prs_unit_found found = collect(PRS_UNIT_DROP);
    cr_assert(found.granules == 3 && runs[0].end == 8 && runs[1].start == 0x100000 - 16);
    prs_unit_store(&unit, START - 4096, UINT64_MAX); /* wraps round: it ends at the end */
    cr_assert(one_run(0, 0x100000));
}

Test(unit, granule_n_is_bit_n_mod_32_of_word_n_div_32)
{
    prs_unit_store(&unit, START + 8 * 37, 8); /* granule 37 */
    prs_unit_store(&unit, START + 8 * 31 + 7, 1);
    prs_unit_flush(&unit);
    cr_assert(bitmap[0] == 0x80000000u && bitmap[1] == 0x20 && bitmap[2] == 0);
    with(4096, prs_unit_original);
    prs_unit_store(&unit, START + 4095, 1);
    prs_unit_store(&unit, START + 33 * 4096, 8);
    prs_unit_flush(&unit);
    cr_assert(bitmap[0] == 1 && bitmap[1] == 2);
}

/* ---- accumulate and apply ---- */

Test(unit, an_entry_is_made_without_a_load_and_stays_until_it_must_leave)
{
    store_granules(5, 23); /* one short of the high watermark */
    store_granules(5, 23); /* the same again: they count once */
    cr_assert(unit.used == 1 && unit.entries[0].word == 5 && unit.entries[0].bits == 0x7fffff);
    cr_assert(unit.counters.made == 1 && unit.counters.hits == 45 && unit.counters.bitmap_loads == 0 && bitmap[5] == 0);
}

Test(unit, at_the_high_watermark_an_entry_leaves)
{
    store_granules(5, 24);
    cr_assert(unit.used == 0 && bitmap[5] == 0xffffff);
    cr_assert(unit.counters.left[PRS_UNIT_BY_HIGH] == 1 && unit.counters.bitmap_loads == 1 && unit.counters.bitmap_stores == 1);
    prs_unit_store(&unit, START + 5 * WORD + 8 * 24, 8); /* the next one begins anew */
    cr_assert(unit.used == 1 && unit.entries[0].bits == 1u << 24 && unit.counters.made == 2);
}

Test(unit, nothing_new_for_the_bitmap_is_no_store)
{
    bitmap[5] = 0xffffff;
    unit.now.lowest = START + 5 * WORD;
    store_granules(5, 24);
    cr_assert(unit.counters.bitmap_loads == 1 && unit.counters.bitmap_stores == 0 && unit.counters.redundant_stores == 1);
    store_granules(5, 25); /* 24 leave, the 25th waits */
    prs_unit_flush(&unit);
    cr_assert(unit.counters.bitmap_loads == 3 && unit.counters.bitmap_stores == 1 && unit.counters.redundant_stores == 2 && bitmap[5] == 0x1ffffff);
}

Test(unit, a_full_table_loses_all_low_entries_at_once)
{
    for (unsigned i = 0; i < 16; ++i) {
        store_granules(i, i % 2 == 0 ? 8 : 9); /* the even ones are at the low watermark */
    }
    cr_assert(unit.used == 16 && unit.counters.full == 0);
    store_granules(20, 1);
    cr_assert(unit.counters.full == 1 && unit.used == 9 && unit.counters.left[PRS_UNIT_BY_LOW] == 8 && unit.counters.bitmap_loads == 8);
    cr_assert(bitmap[0] == 0xff && bitmap[1] == 0 && bitmap[14] == 0xff && bitmap[15] == 0);
    cr_assert(unit.entries[0].word == 1 && unit.entries[7].word == 15 && unit.entries[8].word == 20);
}

Test(unit, a_full_table_without_a_low_entry_loses_the_oldest_or_the_newest)
{
    for (int newest = 0; newest < 2; ++newest) {
        struct prs_unit_table table = prs_unit_original;
        table.replace = newest ? PRS_UNIT_NEWEST : PRS_UNIT_OLDEST;
        with(8, table);
        for (unsigned i = 0; i < 16; ++i) {
            store_granules(i, 9);
        }
        store_granules(0, 10); /* used again, but made first */
        store_granules(20, 1);
        cr_assert(unit.used == 16 && unit.counters.left[PRS_UNIT_BY_REPLACE] == 1 && unit.counters.left[PRS_UNIT_BY_LOW] == 0);
        cr_assert(bitmap[0] == (newest ? 0 : 0x3ff) && bitmap[15] == (newest ? 0x1ff : 0));
        store_granules(21, 1); /* now word 20 is low */
        cr_assert(unit.counters.left[PRS_UNIT_BY_LOW] == 1 && unit.counters.left[PRS_UNIT_BY_REPLACE] == 1 && bitmap[20] == 1);
        invariants();
    }
}

Test(unit, a_low_watermark_of_zero_means_replacement_always)
{
    with(8, (struct prs_unit_table){.entries = 2, .high = 24, .low = 0});
    store_granules(0, 1);
    store_granules(1, 1);
    store_granules(2, 1);
    cr_assert(unit.counters.left[PRS_UNIT_BY_REPLACE] == 1 && unit.counters.left[PRS_UNIT_BY_LOW] == 0 && unit.used == 2);
}

Test(unit, a_low_watermark_at_the_high_one_empties_a_full_table)
{
    with(8, (struct prs_unit_table){.entries = 4, .high = 4, .low = 4});
    for (unsigned i = 0; i < 4; ++i) {
        store_granules(i, 3);
    }
    store_granules(9, 1);
    cr_assert(unit.counters.left[PRS_UNIT_BY_LOW] == 4 && unit.used == 1);
}

Test(unit, a_high_watermark_of_one_makes_the_table_useless)
{
    with(8, (struct prs_unit_table){.entries = 16, .high = 1, .low = 0});
    store_granules(0, 32);
    store_granules(0, 32);
    cr_assert(unit.counters.bitmap_loads == 64 && unit.counters.bitmap_stores == 32 && unit.counters.redundant_stores == 32 && unit.used == 0);
}

Test(unit, a_flush_leaves_everything_in_the_bitmap)
{
    store_granules(1, 3);
    store_granules(2, 5);
    prs_unit_flush(&unit);
    cr_assert(unit.used == 0 && bitmap[1] == 7 && bitmap[2] == 31 && unit.counters.left[PRS_UNIT_BY_FLUSH] == 2);
    prs_unit_flush(&unit);
    cr_assert_eq(unit.counters.left[PRS_UNIT_BY_FLUSH], 2);
}

/* ---- load and update ---- */

Test(unit, load_and_update_loads_when_an_entry_is_made)
{
    struct prs_unit_table table = prs_unit_original;
    table.policy = PRS_UNIT_LOAD;
    with(8, table);
    bitmap[3] = 0xffff0000u;
    unit.now.lowest = START;
    store_granules(3, 1);
    cr_assert(unit.counters.bitmap_loads == 1 && unit.entries[0].bits == 0xffff0001u && unit.entries[0].pending == 1);
    prs_unit_store(&unit, START + 3 * WORD + 8 * 16, 8); /* known already */
    cr_assert(unit.entries[0].pending == 1);
    prs_unit_flush(&unit);
    cr_assert(bitmap[3] == 0xffff0001u && unit.counters.bitmap_loads == 1 && unit.counters.bitmap_stores == 1);
    prs_unit_store(&unit, START + 3 * WORD + 8 * 16, 8);
    prs_unit_flush(&unit);
    cr_assert(unit.counters.bitmap_loads == 2 && unit.counters.bitmap_stores == 1 && unit.counters.redundant_stores == 1);
}

Test(unit, watermarks_of_load_and_update_count_what_was_not_loaded)
{
    struct prs_unit_table table = {.entries = 2, .high = 4, .low = 1, .policy = PRS_UNIT_LOAD};
    with(8, table);
    bitmap[0] = 0xffff; /* more than the high watermark, but all of it in memory already */
    unit.now.lowest = START;
    store_granules(0, 19);
    cr_assert(unit.used == 1 && unit.entries[0].pending == 0x70000);
    store_granules(0, 20);
    cr_assert(unit.used == 0 && unit.counters.left[PRS_UNIT_BY_HIGH] == 1 && bitmap[0] == 0xfffff);
}

/* ---- stores over several granules ---- */

Test(unit, a_store_over_two_granules_marks_both)
{
    prs_unit_store(&unit, START + 4, 8); /* the original marks granule 0 alone */
    cr_assert(unit.counters.straddling == 1 && unit.counters.granules == 2 && unit.counters.made == 1);
    cr_assert(one_run(0, 16));
    prs_unit_store(&unit, START + 15, 2);
    cr_assert(one_run(8, 24));
    prs_unit_store(&unit, START + 64, 64); /* 64 bytes at once, aligned */
    cr_assert(one_run(64, 128));
    prs_unit_store(&unit, START + 16, 8);
    cr_assert_eq(unit.counters.straddling, 3);
}

Test(unit, a_store_over_two_words_makes_two_entries)
{
    prs_unit_store(&unit, START + WORD - 4, 8);
    cr_assert(unit.used == 2 && unit.entries[0].bits == 0x80000000u && unit.entries[1].bits == 1 && unit.counters.stores == 1);
    cr_assert(one_run(WORD - 8, WORD + 8));
}

Test(unit, a_large_store_passes_the_high_watermark_word_by_word)
{
    prs_unit_store(&unit, START + WORD - 8, 8 * 66); /* 1 granule, two whole words, 1 granule */
    cr_assert(unit.used == 2 && unit.counters.made == 4 && unit.counters.left[PRS_UNIT_BY_HIGH] == 2 && unit.counters.granules == 66);
    cr_assert(one_run(WORD - 8, 3 * WORD + 8));
}

Test(unit, a_large_store_may_be_larger_than_the_table)
{
    prs_unit_store(&unit, START, END - START);
    cr_assert(one_run(0, 0x100000));
    cr_assert_eq(unit.counters.left[PRS_UNIT_BY_HIGH], 4096);
}

/* ---- the inactive part ---- */

Test(unit, what_lies_below_the_red_zone_is_dropped)
{
    prs_unit_store(&unit, START + 0x1000, 8);
    prs_unit_store(&unit, START + 0x2000 - 136, 8); /* just below */
    prs_unit_store(&unit, START + 0x2000 - 128, 8); /* the red zone's first granule */
    prs_unit_store(&unit, START + 0x2000, 8);
    prs_unit_set_sp(&unit, START + 0x2000);
    struct prs_unit_found found = collect(PRS_UNIT_DROP);
    cr_assert(found.granules == 2 && found.below == 2 && runs[0].start == 0x2000 - 128 && runs[1].start == 0x2000);
    cr_assert_eq(collect(PRS_UNIT_DROP).granules, 0);
    prs_unit_set_sp(&unit, START);
    cr_assert_eq(collect(PRS_UNIT_DROP).granules, 0, "forgotten for good");
}

Test(unit, what_is_kept_is_found_when_the_stack_has_grown_over_it)
{
    prs_unit_store(&unit, START + 0x1000, 8);
    prs_unit_store(&unit, START + 0x3000, 8);
    prs_unit_set_sp(&unit, START + 0x2000);
    struct prs_unit_found found = collect(PRS_UNIT_KEEP);
    cr_assert(found.granules == 1 && found.below == 1 && runs[0].start == 0x3000);
    found = collect(PRS_UNIT_KEEP);
    cr_assert(found.granules == 0 && found.below == 1);
    prs_unit_set_sp(&unit, START + 0x1000);
    found = collect(PRS_UNIT_KEEP);
    cr_assert(found.granules == 1 && found.below == 0 && runs[0].start == 0x1000);
    cr_assert_eq(collect(PRS_UNIT_KEEP).granules, 0);
}

Test(unit, a_granule_that_reaches_into_the_red_zone_is_in_use)
{
    with(64, prs_unit_original);
    prs_unit_store(&unit, START + 0x1000, 64);
    prs_unit_store(&unit, START + 0x1040, 64);
    prs_unit_set_sp(&unit, START + 0x1040 + 8 + 128); /* the red zone begins 8 bytes into the second */
    struct prs_unit_found found = collect(PRS_UNIT_DROP);
    cr_assert(found.granules == 1 && found.below == 1 && runs[0].start == 0x1040 && runs[0].end == 0x1080, "the whole granule");
}

Test(unit, a_stack_pointer_of_another_stack_says_nothing)
{
    const uint64_t elsewhere[] = {0, START - 8, END + 8, UINT64_MAX};
    for (unsigned i = 0; i < 4; ++i) {
        prs_unit_store(&unit, START + 0x1000, 8);
        prs_unit_set_sp(&unit, elsewhere[i]);
        cr_assert_eq(prs_unit_live_from(&unit.now), START);
        cr_assert(one_run(0x1000, 0x1008));
    }
    prs_unit_set_sp(&unit, START + 100);
    cr_assert_eq(prs_unit_live_from(&unit.now), START);
    prs_unit_set_sp(&unit, END); /* an empty stack */
    cr_assert_eq(prs_unit_live_from(&unit.now), END - 128);
}

/* ---- collecting ---- */

Test(unit, adjacent_granules_are_one_run_across_words)
{
    for (unsigned i = 30; i < 100; ++i) {
        prs_unit_store(&unit, START + 8 * i, 8);
    }
    prs_unit_store(&unit, START + 8 * 101, 8);
    struct prs_unit_found found = collect(PRS_UNIT_DROP);
    cr_assert(found.granules == 71 && found.runs == 2 && found.bytes == 71 * 8);
    cr_assert(runs[0].start == 240 && runs[0].end == 800 && runs[1].start == 808 && runs[1].end == 816);
    for (unsigned i = 0; i < 4096; ++i) {
        cr_assert_eq(bitmap[i], 0);
    }
}

Test(unit, the_last_granule_ends_with_the_range)
{
    struct prs_unit_stack before;
    prs_unit_save(&unit, &before);
    cr_assert_eq(prs_unit_stack_init(&stack, START, START + 1000, 64, bitmap), 0);
    prs_unit_restore(&unit, &stack);
    prs_unit_store(&unit, START + 992, 8);
    struct prs_unit_found found = collect(PRS_UNIT_DROP);
    cr_assert(found.granules == 1 && found.bytes == 1000 - 960 && runs[0].end == 1000);
}

Test(unit, the_lowest_address_is_kept_as_the_original_does)
{
    cr_assert_eq(unit.now.lowest, PRS_UNIT_NOTHING);
    prs_unit_store(&unit, START + 0x2004, 4);
    prs_unit_store(&unit, START + 0x5000, 4);
    cr_assert_eq(unit.now.lowest, START + 0x2004);
    prs_unit_store(&unit, START - 4, 8);
    cr_assert_eq(unit.now.lowest, START, "of the range");
    collect(PRS_UNIT_DROP);
    cr_assert_eq(unit.now.lowest, PRS_UNIT_NOTHING);
}

/* ---- switches, and other threads ---- */

Test(unit, a_switch_takes_the_table_to_the_stack_it_belongs_to)
{
    static uint32_t other_bitmap[4096];
    struct prs_unit_stack other, first;
    cr_assert_eq(prs_unit_stack_init(&other, START + (1ul << 32), END + (1ul << 32), 64, other_bitmap), 0);
    store_granules(7, 3);
    prs_unit_set_sp(&unit, START + 0x700);
    prs_unit_save(&unit, &first);
    cr_assert(bitmap[7] == 7 && unit.counters.left[PRS_UNIT_BY_SWITCH] == 1 && unit.counters.switches == 1);
    prs_unit_store(&unit, START, 8); /* between the two nothing is tracked */
    cr_assert_eq(unit.counters.stores_outside, 1);
    prs_unit_restore(&unit, &other);
    prs_unit_store(&unit, START + (1ul << 32) + 7 * 64 * 32, 8); /* word 7 of the other's, at another granularity */
    prs_unit_store(&unit, START, 8);
    cr_assert(unit.counters.stores_outside == 2 && unit.used == 1);
    prs_unit_save(&unit, &other);
    prs_unit_restore(&unit, &first);
    cr_assert(other_bitmap[7] == 1 && bitmap[7] == 7);
    cr_assert(unit.now.sp == START + 0x700 && unit.now.lowest == START + 7 * WORD && unit.now.shift == 3);
    cr_assert_eq(prs_unit_collect(&other, PRS_UNIT_DROP, NULL, NULL).bytes, 64);
    cr_assert_eq(collect(PRS_UNIT_DROP).granules, 3);
}

Test(unit, a_forgotten_save_is_our_own_bug, .signal = SIGABRT)
{
    prs_unit_restore(&unit, &stack);
}

Test(unit, a_store_into_anothers_stack_is_the_owners)
{
    prs_unit_save(&unit, &stack); /* the owner sleeps */
    cr_assert_eq(prs_unit_store_other(&stack, START + 0x1004, 8), 2);
    cr_assert_eq(prs_unit_store_other(&stack, START + WORD - 8, 16), 2);
    cr_assert_eq(prs_unit_store_other(&stack, END, 8), 0);
    cr_assert(bitmap[16] == 3 && bitmap[0] == 0x80000000u && bitmap[1] == 1);
    cr_assert_eq(unit.counters.bitmap_loads, 0, "past the unit");
    prs_unit_restore(&unit, &stack);
    prs_unit_store(&unit, START + 0x2000, 8);
    cr_assert_eq(unit.now.lowest, START + 0x2000);
    struct prs_unit_found found = collect(PRS_UNIT_DROP);
    cr_assert(found.granules == 5 && found.runs == 3, "also below the lowest address of the owner's");
}

Test(unit, a_store_into_the_stack_of_a_running_owner_meets_its_entry)
{
    store_granules(7, 3);
    cr_assert_eq(prs_unit_store_other(&unit.now, START + 7 * WORD + 8, 16), 2); /* one granule is in the entry, too */
    prs_unit_flush(&unit);
    cr_assert(bitmap[7] == 7 && unit.counters.bitmap_stores == 1);
    store_granules(7, 3);
    prs_unit_flush(&unit);
    cr_assert_eq(unit.counters.redundant_stores, 1);
    cr_assert_eq(collect(PRS_UNIT_DROP).granules, 3);
}
