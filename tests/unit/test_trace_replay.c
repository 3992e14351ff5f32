/* test_trace_replay.c - traces through the unit: ends of intervals, the stack pointer, switches of stacks. */
#include "error.h"
#include "trace_fixture.h"
#include "trace_replay.h"

TestSuite(trace_replay, .init = setup, .timeout = 120);

static struct replay_result run(uint64_t interval_ns, enum prs_unit_below below)
{
    struct replay_options options = {.path = path, .granularity = 8, .interval_ns = interval_ns, .table = prs_unit_original, .below = below};
    struct replay_result result;
    cr_assert_eq(replay(&options, &result), 0, "%s", prs_detail());
    return result;
}

Test(trace_replay, intervals_end_with_the_first_record_of_a_later_one)
{
    begin();
    prs_trace_stack(&trace, 0, STACK, STACK + SIZE);
    prs_trace_store(&trace, STACK + 800, 8);
    prs_trace_time(&trace, 999, 0);
    prs_trace_store(&trace, STACK + 800, 8);
    prs_trace_store(&trace, STACK + 816, 8);
    prs_trace_time(&trace, 1000, 0); /* interval 1 */
    prs_trace_time(&trace, 5500, 0); /* 2 to 4 are empty, 1 too */
    prs_trace_store(&trace, STACK + 800, 8);
    end();
    struct replay_result result = run(1000, PRS_UNIT_DROP);
    cr_assert(result.intervals_all == 6 && result.interval_count == 2 && result.found.granules == 3 && result.bytes_max == 16);
    cr_assert(result.intervals[0].number == 0 && result.intervals[0].stores == 3 && result.intervals[0].found.runs == 2);
    cr_assert(result.intervals[1].number == 5 && result.intervals[1].stores == 1 && result.intervals[1].found.bytes == 8);
    replay_free(&result);
    result = run(0, PRS_UNIT_DROP);
    cr_assert(result.intervals_all == 1 && result.found.granules == 2 && result.duration_ns == 5500);
    replay_free(&result);
    result = run(5500, PRS_UNIT_DROP); /* its end is the beginning of interval 1, in which something is stored */
    cr_assert_eq(result.intervals_all, 2);
    replay_free(&result);
}

Test(trace_replay, the_stack_pointer_is_believed_while_it_is_fresh)
{
    begin();
    prs_trace_stack(&trace, 0, STACK, STACK + SIZE);
    prs_trace_store(&trace, STACK + 0x1000, 8);
    prs_trace_store(&trace, STACK + 0x9000, 8);
    prs_trace_time(&trace, 1000, STACK + 0x8000); /* one is below it */
    prs_trace_store(&trace, STACK + 0x1000, 8);   /* the stack has grown again, to nobody knows where */
    end();
    struct replay_result result = run(1000, PRS_UNIT_DROP);
    cr_assert(result.intervals[0].found.granules == 1 && result.intervals[0].found.below == 1);
    cr_assert(result.intervals[1].found.granules == 1 && result.intervals[1].found.below == 0);
    replay_free(&result);
    result = run(1000, PRS_UNIT_KEEP);
    cr_assert(result.intervals[0].found.granules == 1 && result.intervals[0].found.below == 1 && result.intervals[1].found.granules == 1);
    replay_free(&result);
}

Test(trace_replay, a_stack_pointer_above_all_stores_drops_them_all)
{
    begin();
    prs_trace_stack(&trace, 0, STACK, STACK + SIZE);
    prs_trace_store(&trace, STACK + 0x1000, 8);
    prs_trace_time(&trace, 1000, STACK + SIZE);
    end();
    struct replay_result result = run(1000, PRS_UNIT_DROP);
    cr_assert(result.found.granules == 0 && result.found.below == 1);
    replay_free(&result);
}

Test(trace_replay, each_stack_has_its_own_bitmap_and_pointer)
{
    begin();
    prs_trace_store(&trace, STACK + 8, 8); /* by nobody that is known yet */
    prs_trace_stack(&trace, 1, STACK, STACK + SIZE);
    prs_trace_store(&trace, STACK + 0x1000, 8);
    prs_trace_time(&trace, 10, STACK + 0x2000);
    prs_trace_stack(&trace, 2, STACK + 4 * SIZE, STACK + 5 * SIZE);
    prs_trace_store(&trace, STACK + 4 * SIZE + 0x1000, 8);
    prs_trace_store(&trace, STACK + 0x3000, 8);   /* the other's */
    prs_trace_store(&trace, STACK + 2 * SIZE, 8); /* nobody's */
    prs_trace_time(&trace, 20, STACK + 4 * SIZE + 0x1000);
    end();
    struct replay_result result = run(0, PRS_UNIT_DROP);
    cr_assert(result.stacks == 2 && result.counters.stores == 2 && result.stores_other == 2 && result.stores_outside == 1);
    cr_assert(result.found.granules == 2 && result.found.below == 2 && result.counters.switches == 1);
    replay_free(&result);
}

Test(trace_replay, stacks_that_overlap_are_one_area)
{
    begin();
    prs_trace_stack(&trace, 1, STACK, STACK + SIZE);
    prs_trace_store(&trace, STACK + SIZE - 8, 8);
    prs_trace_stack(&trace, 2, STACK + SIZE / 2, STACK + 2 * SIZE); /* the memory was mapped anew */
    prs_trace_store(&trace, STACK + SIZE - 8, 8);
    prs_trace_store(&trace, STACK + SIZE, 8);
    end();
    struct replay_result result = run(0, PRS_UNIT_DROP);
    cr_assert(result.stacks == 1 && result.found.granules == 2 && result.found.runs == 1 && result.stores_other == 0);
    replay_free(&result);
}

Test(trace_replay, many_coroutines_take_turns)
{
    begin();
    for (unsigned i = 0; i < 100000; ++i) {
        uint64_t low = STACK + i % 1000 * 65536;
        prs_trace_stack(&trace, i % 1000, low, low + 65536);
        prs_trace_store(&trace, low + 8 * (i / 1000), 8);
    }
    end();
    struct replay_result result = run(0, PRS_UNIT_DROP);
    cr_assert(result.stacks == 1000 && result.found.granules == 100000 && result.counters.left[PRS_UNIT_BY_SWITCH] == 99999);
    replay_free(&result);
}

Test(trace_replay, stacks_too_far_apart_are_refused)
{
    begin();
    prs_trace_stack(&trace, 1, 4096, 1ul << 62);
    prs_trace_store(&trace, 8192, 8);
    prs_trace_store(&trace, 1ul << 61, 8);
    end();
    struct replay_options options = {.path = path, .granularity = 8, .table = prs_unit_original};
    struct replay_result result;
    cr_assert_eq(replay(&options, &result), PROSPER_E_UNSUPPORTED);
}
