#include "handlers.h"
#include <criterion/criterion.h>

#define LOW 0x7ffff0000000ul
#define HIGH 0x7ffffffff000ul
#define MAIN (HIGH - 8192)
#define OTHER 0x100000008000ul

static struct prs_handlers handlers;
static bool none(uint64_t sp) { return prs_handlers_none(&handlers, sp, LOW, HIGH); }

Test(handlers, without_one_there_is_none) { cr_assert(none(MAIN)); }

Test(handlers, one_runs_while_the_program_stands_in_or_below_its_frame)
{
    prs_handlers_enter(&handlers, MAIN);
    cr_assert(!none(MAIN));
    cr_assert(!none(MAIN - 4096));
    cr_assert(none(MAIN + 8));
}

Test(handlers, a_nested_one_may_end_before_the_outer)
{
    prs_handlers_enter(&handlers, MAIN);
    prs_handlers_enter(&handlers, MAIN - 2048);
    cr_assert(!none(MAIN - 4096));
    cr_assert(!none(MAIN - 1024));
    cr_assert_eq(handlers.count, 1);
    cr_assert(none(MAIN + 64));
}

Test(handlers, one_on_another_stack_is_not_believed_to_have_ended)
{
    prs_handlers_enter(&handlers, OTHER);
    cr_assert(!none(OTHER - 64));
    cr_assert(!none(MAIN));
    cr_assert(!none(OTHER + 4096)); /* it may be another stack */
}

Test(handlers, the_next_at_the_same_place_stands_for_the_older)
{
    for (unsigned i = 0; i < 10 * PRS_HANDLERS_MAX; ++i) {
        prs_handlers_enter(&handlers, OTHER);
    }
    cr_assert_eq(handlers.count, 1);
}

Test(handlers, one_on_the_main_stack_waits_while_another_stack_runs)
{
    prs_handlers_enter(&handlers, MAIN);
    cr_assert(!none(OTHER));
    cr_assert(none(MAIN + 16));
}

Test(handlers, too_many_are_never_believed_to_have_ended)
{
    for (unsigned i = 0; i <= PRS_HANDLERS_MAX; ++i) {
        prs_handlers_enter(&handlers, MAIN - 64ul * i);
    }
    cr_assert(!none(HIGH - 8));
}
