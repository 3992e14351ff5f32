/* interval.c - how long the program runs until the next checkpoint.
 *
 * ALGORITHM of interval=auto. Each checkpoint is paid for by the running time behind it: interval = cost / budget, with
 *     mean    the cost that is expected. A higher cost counts at once; of a lower one, as much as the running time before it is of 250 ms,
 *             so what was expensive a second ago has lost 98 % of its weight
 *     owed    what checkpoints cost that nobody's interval was long enough for, because a wrapper asked for them (files, blocking calls); of older debts
 *             what a second's budget cannot pay is forgiven, so that one bad moment is over after a second
 *
 * INVARIANT I1: never shorter than 10 ms, never longer than 10 s.
 * INVARIANT I2: where only the timer takes checkpoints and none costs more than 10 s pay for, those up to any instant but the last one have cost no more than the
 *               budget's part of the running time up to it: interval >= cost / budget holds for each of them.
 * Context: begin at start and in a restore; observe in the handler. Nothing is durable: a new process finds out anew.
 */
#include "interval.h"

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Rounded down: what running time pays for. */
static uint64_t paid_by(const struct prs_interval *interval, uint64_t ran_ns)
{
    return smaller(ran_ns, PRS_INTERVAL_MAX_NS) * interval->budget / PRS_BUDGET_ALL;
}

/* Rounded up. */
static uint64_t pays_for(const struct prs_interval *interval, uint64_t cost_ns) { return (cost_ns * PRS_BUDGET_ALL + interval->budget - 1) / interval->budget; }

void prs_interval_begin(struct prs_interval *interval, uint64_t interval_ns, uint64_t budget)
{
    bool chosen = interval_ns == PRS_INTERVAL_AUTO;
    *interval = (struct prs_interval){.now_ns = chosen ? PRS_INTERVAL_MIN_NS : interval_ns, .budget = chosen ? budget : 0};
}

void prs_interval_observe(struct prs_interval *interval, uint64_t cost_ns, uint64_t ran_ns)
{
    if (interval->budget == 0) {
        return;
    }
    uint64_t cost = smaller(cost_ns, paid_by(interval, PRS_INTERVAL_MAX_NS));
    if (cost >= interval->mean_ns) {
        interval->mean_ns = cost;
    } else {
        interval->mean_ns -= (interval->mean_ns - cost) * smaller(ran_ns, PRS_INTERVAL_FALL_NS) / PRS_INTERVAL_FALL_NS;
    }
    uint64_t owed = interval->owed_ns - smaller(interval->owed_ns, paid_by(interval, ran_ns)) + cost;
    interval->owed_ns = smaller(owed, paid_by(interval, 1000000000ul));
    uint64_t wanted = larger(pays_for(interval, interval->mean_ns), pays_for(interval, interval->owed_ns));
    interval->now_ns = smaller(larger(wanted, PRS_INTERVAL_MIN_NS), PRS_INTERVAL_MAX_NS);
}
