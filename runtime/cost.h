/* cost.h - what a checkpoint cost the program, for the budget of interval=auto and for `prosper stat`. */
#ifndef PRS_COST_H
#define PRS_COST_H

#include <stdint.h>

struct prs_cost {
    uint64_t now_ns, cpu_ns; /* when the handler began */
    uint64_t switches, faults, reported;
};

/* At the beginning of an attempt at a checkpoint, and behind it, when prs_p.last_now_ns and last_cpu_ns are those of its end. Handler. */
void prs_cost_begin(struct prs_cost *cost);
void prs_cost_end(const struct prs_cost *cost);
/* When the timers begin: faults from here on count. */
void prs_cost_start(void);

#endif
