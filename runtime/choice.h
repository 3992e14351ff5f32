/* choice.h - marks or pages, where both are sound: the cheaper one, by what each would have cost so far. */
#ifndef PRS_CHOICE_H
#define PRS_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

/* What an interval would have cost by either way, beyond what both cost. */
struct prs_choice_costs {
    uint64_t lines;    /* that are marked: fresh ones and suspects */
    uint64_t pages;    /* in which a line was marked anew */
    uint64_t resident; /* pages that a change of the way goes over, at most */
};

struct prs_choice {
    uint64_t fault_ns;             /* of page tracking; 0: not known */
    uint64_t regret_ns;            /* what the other way would have saved, since the last change */
    uint64_t marks_ns, pages_ns;   /* totals of the estimates, for the statistics */
};

/* A commit: counts its costs. True: it is time for the other way than `by_marks` (and the counting begins anew). */
bool prs_choice_changes(struct prs_choice *choice, struct prs_choice_costs costs, bool by_marks);

#endif
