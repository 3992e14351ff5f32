/* interval.c - how long the program runs until the next checkpoint.
 *
 * ALGORITHM of interval=auto. Each checkpoint is paid for by the running time behind it: interval = (mean + a quarter of the debt) / budget, with
 *     mean    the cost that is expected. A higher cost counts at once; of a lower one, as much as the running time before it is of 250 ms, so what was expensive
 *             a second ago has lost 98 % of its weight. More than a second's budget is expected only when two checkpoints in a row cost it: a single
 *             one that is expensive (a table filled, a full epoch) does not put the next look off by more than a second
 *     debt    what the running time has not paid for: the rest of such a single one, what wrappers asked for (files, blocking calls), and the bit by which
 *             the timer is early. It is paid in parts of a quarter. What is asked for never makes it more than a second's budget, else it is 20 seconds' at most:
 *             the rest is forgiven, so that no bad moment is felt for long
 *
 * INVARIANT I1: never shorter than 10 ms, never longer than 10 s.
 * INVARIANT I2: where only the timer takes checkpoints and none costs more than a second's budget, interval >= cost / budget holds for each of them, so over any
 *               stretch that begins and ends with one, the last not counted, their cost is in the budget.
 * Context: begin at start and in a restore; observe in the handler. Nothing is durable: a new process finds out anew.
 */
#include "interval.h"

#define SECOND_NS 1000000000ul
#define EARLY_NS 1000000ul /* a timer is not early by more */

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
    uint64_t cost = smaller(cost_ns, paid_by(interval, PRS_INTERVAL_MAX_NS)), second = paid_by(interval, SECOND_NS);
    uint64_t expected = cost <= second ? cost : larger(second, smaller(cost, interval->last_ns));
    interval->last_ns = cost;
    if (expected >= interval->mean_ns) {
        interval->mean_ns = expected;
    } else {
        interval->mean_ns -= (interval->mean_ns - expected) * smaller(ran_ns, PRS_INTERVAL_FALL_NS) / PRS_INTERVAL_FALL_NS;
    }
    bool asked_for = smaller(ran_ns, PRS_INTERVAL_MAX_NS) + EARLY_NS < interval->now_ns;
    uint64_t left = interval->owed_ns - smaller(interval->owed_ns, paid_by(interval, ran_ns));
    uint64_t limit = asked_for ? second : 2 * paid_by(interval, PRS_INTERVAL_MAX_NS);
    interval->owed_ns = larger(left, smaller(left + cost, limit));
    uint64_t debt = interval->owed_ns - smaller(interval->owed_ns, cost); /* the cost itself is what the mean pays for */
    uint64_t wanted = pays_for(interval, interval->mean_ns + debt / 4);
    interval->now_ns = smaller(larger(wanted, PRS_INTERVAL_MIN_NS), PRS_INTERVAL_MAX_NS);
}
