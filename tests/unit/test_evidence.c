#include "evidence.h"
#include <criterion/criterion.h>
#include <prosper/abi.h>

#define ENOUGH ((uint64_t)PRS_GAP_MARKS * PRS_MARK_LINES)

static uint64_t since;
static enum prs_aging in_short, in_long;

static void weigh(bool released, bool handled, uint64_t fresh)
{
    prs_evidence_weigh((struct prs_evidence){released, handled, fresh}, &since, &in_short, &in_long);
}

Test(evidence, nothing_heard_keeps_all)
{
    weigh(false, false, 0);
    cr_assert(in_short == PRS_AGE_KEEP && in_long == PRS_AGE_KEEP);
}

Test(evidence, a_release_drops_both_kinds)
{
    weigh(true, false, 0);
    cr_assert(in_short == PRS_AGE_DROP && in_long == PRS_AGE_DROP);
}

Test(evidence, fresh_lines_say_nothing_of_long_marks)
{
    weigh(false, false, 1000 * ENOUGH);
    cr_assert(in_short == PRS_AGE_DROP && in_long == PRS_AGE_KEEP);
}

Test(evidence, exactly_as_many_lines_as_a_gap_may_mark_are_not_enough)
{
    weigh(false, false, ENOUGH);
    cr_assert_eq(in_short, PRS_AGE_KEEP);
    weigh(false, false, 1);
    cr_assert_eq(in_short, PRS_AGE_TURN);
}

Test(evidence, lines_of_several_checkpoints_turn_and_then_count_anew)
{
    for (unsigned round = 0; round < 3; ++round) {
        weigh(false, false, ENOUGH / 2);
        cr_assert_eq(in_short, PRS_AGE_KEEP);
        weigh(false, false, ENOUGH / 2);
        cr_assert_eq(in_short, PRS_AGE_KEEP);
        weigh(false, false, ENOUGH / 2);
        cr_assert_eq(in_short, PRS_AGE_TURN);
    }
}

Test(evidence, nothing_counts_while_a_handler_runs)
{
    weigh(true, true, 1000 * ENOUGH);
    cr_assert(in_short == PRS_AGE_KEEP && in_long == PRS_AGE_KEEP);
    weigh(false, false, 1);
    cr_assert(in_short == PRS_AGE_KEEP && in_long == PRS_AGE_KEEP);
}
