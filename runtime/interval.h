/* interval.h - the running time between two checkpoints: fixed, or as long as a budget asks for (interval=auto:budget=2%). */
#ifndef PRS_INTERVAL_H
#define PRS_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

#define PRS_INTERVAL_AUTO UINT64_MAX /* the option's value for it */
#define PRS_INTERVAL_MIN_NS 10000000ul
#define PRS_INTERVAL_MAX_NS 10000000000ul
#define PRS_INTERVAL_FALL_NS 250000000ul /* running time in which a lower cost is believed */
#define PRS_BUDGET_ALL 1000000ul         /* budgets are in millionths of the running time */
#define PRS_BUDGET_MIN 1000ul
#define PRS_BUDGET_MAX 500000ul
#define PRS_BUDGET_DEFAULT 20000ul

struct prs_interval {
    uint64_t now_ns;  /* in force */
    uint64_t budget;  /* 0: the interval is fixed */
    uint64_t mean_ns; /* what a checkpoint costs: rises at once, falls slowly */
    uint64_t last_ns; /* what the last one cost */
    uint64_t owed_ns; /* cost that the running time since has not paid for */
};

/* interval_ns: fixed, or PRS_INTERVAL_AUTO with a budget. Nothing is known of an earlier process's costs: auto begins with the minimum. */
void prs_interval_begin(struct prs_interval *interval, uint64_t interval_ns, uint64_t budget);
/* A checkpoint cost so much, after the program had run for so long since the one before. Integers only, no calls: safe in the handler. */
void prs_interval_observe(struct prs_interval *interval, uint64_t cost_ns, uint64_t ran_ns);

static inline bool prs_interval_is_auto(const struct prs_interval *interval) { return interval->budget != 0; }

#endif
