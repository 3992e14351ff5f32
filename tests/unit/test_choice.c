#include "choice.h"
#include <criterion/criterion.h>

static struct prs_choice choice;
static bool by_marks;
static unsigned changes;

static void commits(unsigned count, uint64_t lines, uint64_t pages, uint64_t resident)
{
    for (unsigned i = 0; i < count; ++i) {
        if (prs_choice_changes(&choice, (struct prs_choice_costs){lines, pages, resident}, by_marks)) {
            by_marks = !by_marks;
            ++changes;
        }
    }
}

static void begin(uint64_t fault_ns)
{
    choice = (struct prs_choice){.fault_ns = fault_ns};
    by_marks = true;
    changes = 0;
}

Test(choice, marks_stay_where_lines_are_few_on_each_page)
{
    begin(700);
    commits(100000, 10000, 10000, 20000);
    commits(100000, 0, 0, 20000);
    commits(100000, 64 * 4096, 4096, 4096); /* dense: a fault is dearer than the quarter */
    cr_assert(by_marks && changes == 0);
}

Test(choice, suspects_that_stay_lead_to_pages_and_back_when_they_are_gone)
{
    begin(700);
    commits(100, 170000, 2, 16384);
    cr_assert(!by_marks && changes == 1);
    commits(1000, 170000, 2, 16384);
    cr_assert(!by_marks && changes == 1);
    commits(2000, 5000, 5000, 16384);
    cr_assert(by_marks && changes == 2);
}

Test(choice, a_single_bad_interval_changes_nothing)
{
    begin(700);
    for (unsigned i = 0; i < 1000; ++i) {
        commits(1, 170000, 2, 16384);
        commits(9, 3000, 3000, 16384);
    }
    cr_assert(by_marks && changes == 0);
}

Test(choice, a_dear_fault_speaks_for_marks)
{
    begin(25000);
    commits(100, 170000, 400, 16384);
    cr_assert(by_marks);
    begin(700);
    commits(100, 170000, 400, 16384);
    cr_assert(!by_marks);
}

/* Whatever comes, it costs at most the better of the two ways, and a bit: the sum of what was used, and of changes, against what one way costs throughout. */
Test(choice, it_never_costs_much_more_than_the_better_way)
{
    uint64_t seed = 88172645463325252u;
    for (unsigned program = 0; program < 200; ++program) {
        begin(700);
        uint64_t marks = 0, pages = 0, used = 0, resident = 1000 + program * 500;
        for (unsigned phase = 0; phase < 20; ++phase) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            uint64_t dirty = seed % 4000, lines = dirty + (seed >> 20) % 3 * ((seed >> 24) % 200000);
            for (unsigned i = 0; i < 200; ++i) {
                bool was = by_marks;
                unsigned had = changes;
                commits(1, lines, dirty, resident);
                marks += lines * 10;
                pages += dirty * 2000;
                used += was ? lines * 10 : dirty * 2000;
                used += changes != had ? 200000 + resident * 120 : 0;
            }
        }
        uint64_t better = marks < pages ? marks : pages;
        cr_assert(used <= better + better / 4 + 4000000000ul / 100, "program %u: %lu, the better way %lu", program, used, better);
    }
}

Test(choice, no_change_stops_the_program_for_long)
{
    begin(700);
    commits(100000, 1u << 20, 1, 1u << 20);
    cr_assert(by_marks && changes == 0);
}
