/* choice.c - choice.h's rule.
 *
 * Both ways find the marks and let them age, and write the lines that changed. What differs:
 *     marks   compare each line that is marked. Suspects are among them, at every checkpoint again until there is evidence (marks.h): in a loop that calls nothing, those of
 *             all that was written before it. This is how marks lose
 *     pages   a fault for each page that is written, and comparing all of it. A fault counts twice: it is measured back to back, and in a program it costs caches and TLB as well. (Hot pages have no fault, pages.h. That is not counted, so in doubt it is marks.)
 *
 * ALGORITHM. As for any rent-or-buy question: what the other way would have saved is summed up (and what it would have cost more taken off, down to zero), and the way is changed
 * when that sum exceeds CHANGES times what a change costs. So a choice that was wrong costs no more than that, and changes cost at most a CHANGES-th of what they were to save.
 * Savings of less than a quarter do not count (hysteresis). No change that would stop the program longer than CHANGE_MAX_NS.
 *
 * Soundness does not hang on it: marks.c may change at any commit (A5, A7). Context: handler; no state but the argument.
 */
#include "choice.h"

/* Nanoseconds, as measured (docs/tracking.md). The fault is measured at each start. */
#define LINE_NS 10u
#define PAGE_NS 600u
#define FAULT_NS 1000u
#define RESIDENT_NS 120u /* protecting one page */
#define FIXED_NS 200000u
#define CHANGES 4u
#define CHANGE_MAX_NS 20000000u

bool prs_choice_changes(struct prs_choice *choice, struct prs_choice_costs costs, bool by_marks)
{
    uint64_t fault = choice->fault_ns != 0 ? choice->fault_ns : FAULT_NS;
    uint64_t marks = costs.lines * LINE_NS, pages = costs.pages * (2 * fault + PAGE_NS), change = FIXED_NS + costs.resident * RESIDENT_NS;
    choice->marks_ns += marks;
    choice->pages_ns += pages;
    uint64_t used = by_marks ? marks : pages, other = by_marks ? pages : marks;
    other += other / 4;
    if (used >= other) {
        choice->regret_ns += used - other;
    } else {
        choice->regret_ns -= other - used < choice->regret_ns ? other - used : choice->regret_ns;
    }
    if (choice->regret_ns <= CHANGES * change || change > CHANGE_MAX_NS) {
        return false;
    }
    choice->regret_ns = 0;
    return true;
}
