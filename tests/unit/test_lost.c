#include "lost.h"
#include <criterion/criterion.h>

#define BASE 0x100000000000ul

static struct prs_lost lost;

static unsigned used(void)
{
    uint64_t start, end;
    unsigned count = 0;
    for (uint32_t i = 0; i < PRS_LOST_MAX; ++i) {
        count += prs_lost_range(&lost, i, &start, &end);
    }
    return count;
}

Test(lost, what_was_added_is_there_by_whole_pages_and_nothing_beside_it)
{
    prs_lost_add(&lost, BASE + 4096 + 5, BASE + 8192 + 1);
    cr_assert(!prs_lost_has(&lost, BASE + 4095));
    cr_assert(prs_lost_has(&lost, BASE + 4096) && prs_lost_has(&lost, BASE + 3 * 4096 - 1));
    cr_assert(!prs_lost_has(&lost, BASE + 3 * 4096));
    prs_lost_clear(&lost);
    cr_assert(!prs_lost_has(&lost, BASE + 4096));
}

Test(lost, neighbours_and_overlaps_share_a_place)
{
    for (uint64_t i = 0; i < 1000; ++i) {
        prs_lost_add(&lost, BASE + i * 4096, BASE + (i + 2) * 4096);
    }
    cr_assert_eq(used(), 1);
    cr_assert(prs_lost_has(&lost, BASE) && prs_lost_has(&lost, BASE + 1000 * 4096) && !prs_lost_has(&lost, BASE + 1001 * 4096));
    cr_assert_eq(lost.all, 0);
}

Test(lost, more_ranges_than_places_are_everything)
{
    for (uint64_t i = 0; i < PRS_LOST_MAX; ++i) {
        prs_lost_add(&lost, BASE + i * 8192, BASE + i * 8192 + 4096);
    }
    cr_assert(lost.all == 0 && used() == PRS_LOST_MAX);
    prs_lost_add(&lost, BASE, BASE + 4096); /* known */
    cr_assert_eq(lost.all, 0);
    prs_lost_add(&lost, BASE + (1ul << 40), BASE + (1ul << 40) + 1);
    cr_assert(lost.all != 0 && prs_lost_has(&lost, 1));
}

Test(lost, a_range_too_long_for_a_place_is_everything)
{
    prs_lost_add(&lost, BASE, BASE + (2ul << 40));
    cr_assert_neq(lost.all, 0);
}

Test(lost, an_empty_range_is_nothing)
{
    prs_lost_add(&lost, BASE, BASE);
    cr_assert(used() == 0 && lost.all == 0);
}
