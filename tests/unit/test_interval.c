/* test_interval.c - interval=auto against made-up costs: the budget is kept, changes are followed within a second of running time, bounds hold. No clock is involved. */
#include "interval.h"
#include "options.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ul
#define SECOND 1000000000ul
#define STEPS_MAX 200000u

struct step {
    uint64_t at_ns, cost_ns, interval_ns; /* running time before it; its cost; the interval behind it */
};
struct course {
    uint64_t budget;
    unsigned count;
    struct step *steps;
};

typedef uint64_t (*cost_of)(uint64_t at_ns, uint64_t ran_ns);

/* A program that runs until a checkpoint is due, and so on for `length_ns` of running time. */
static struct course run(uint64_t budget, uint64_t length_ns, cost_of cost)
{
    struct course course = {.budget = budget, .steps = calloc(STEPS_MAX, sizeof(struct step))};
    struct prs_interval interval;
    prs_interval_begin(&interval, PRS_INTERVAL_AUTO, budget);
    cr_assert_eq(interval.now_ns, 10 * MS, "a new process begins with the shortest");
    for (uint64_t at = 0; at < length_ns && course.count < STEPS_MAX;) {
        uint64_t ran = interval.now_ns;
        at += ran;
        struct step *step = &course.steps[course.count++];
        *step = (struct step){.at_ns = at, .cost_ns = cost(at, ran)};
        prs_interval_observe(&interval, step->cost_ns, ran);
        step->interval_ns = interval.now_ns;
        cr_assert(interval.now_ns >= 10 * MS && interval.now_ns <= 10 * SECOND);
    }
    return course;
}

/* Every checkpoint with the running time behind it, over each stretch of a second and more: not above the budget. */
static void keeps_its_budget(const struct course *course)
{
    for (unsigned first = 0; first + 1 < course->count; first++) {
        uint64_t cost = 0;
        for (unsigned i = first; i + 1 < course->count; i++) {
            cost += course->steps[i].cost_ns;
            uint64_t ran = course->steps[i + 1].at_ns - course->steps[first].at_ns;
            if (ran >= SECOND) {
                cr_assert_leq(cost, ran * course->budget / PRS_BUDGET_ALL + 1, "from step %u: %lu ns in %lu", first, cost, ran);
                break;
            }
        }
    }
}

static uint64_t cost_until(const struct course *course, uint64_t at_ns)
{
    uint64_t cost = 0;
    for (unsigned i = 0; i < course->count && course->steps[i].at_ns <= at_ns; i++) {
        cost += course->steps[i].cost_ns;
    }
    return cost;
}

static uint64_t interval_at(const struct course *course, uint64_t at_ns)
{
    uint64_t interval = 0;
    for (unsigned i = 0; i < course->count && course->steps[i].at_ns <= at_ns; i++) {
        interval = course->steps[i].interval_ns;
    }
    return interval;
}

static uint64_t cheap(uint64_t at, uint64_t ran) { (void)at; (void)ran; return 50000; }
static uint64_t steady(uint64_t at, uint64_t ran) { (void)at; (void)ran; return 2 * MS; }
static uint64_t up(uint64_t at, uint64_t ran) { (void)ran; return at < 3 * SECOND ? 50000 : 4 * MS; }
static uint64_t down(uint64_t at, uint64_t ran) { (void)ran; return at < 3 * SECOND ? 4 * MS : 50000; }
static uint64_t bursts(uint64_t at, uint64_t ran) { (void)ran; return at / (SECOND / 2) % 4 == 0 ? 3 * MS : 60000; }
static uint64_t noise(uint64_t at, uint64_t ran) { (void)ran; return MS + at / 7 % MS; }
static uint64_t a_full_one(uint64_t at, uint64_t ran) { return at > 2 * SECOND && at - ran <= 2 * SECOND ? 15 * MS : 100000; }
static uint64_t huge_once(uint64_t at, uint64_t ran) { return at > 2 * SECOND && at - ran <= 2 * SECOND ? 100 * MS : 50000; }
static uint64_t huge(uint64_t at, uint64_t ran) { (void)ran; return at < 60 * SECOND ? 100 * MS : 50000; }
static uint64_t huge_every_other(uint64_t at, uint64_t ran) { (void)ran; return at / (2 * SECOND) % 2 == 0 ? 100 * MS : 50000; }
static uint64_t by_time(uint64_t at, uint64_t ran) { (void)at; return 100000 + ran / 100; } /* a part of it whatever the interval */
static uint64_t hopeless(uint64_t at, uint64_t ran) { (void)at; return ran / 10; }

Test(interval, steady_costs_give_a_steady_interval)
{
    struct course course = run(20000, 20 * SECOND, steady);
    for (unsigned i = 0; i < course.count; i++) {
        cr_assert_eq(course.steps[i].interval_ns, 100 * MS);
    }
    keeps_its_budget(&course);
    free(course.steps);
}

Test(interval, cheap_checkpoints_stay_at_the_promise)
{
    struct course course = run(20000, 5 * SECOND, cheap);
    cr_assert_eq(course.count, 500);
    keeps_its_budget(&course);
    free(course.steps);
}

Test(interval, a_step_up_is_followed_at_once)
{
    struct course course = run(20000, 6 * SECOND, up);
    cr_assert_eq(interval_at(&course, 3 * SECOND - 1), 10 * MS);
    cr_assert_eq(interval_at(&course, 3 * SECOND + 10 * MS), 200 * MS);
    keeps_its_budget(&course);
    free(course.steps);
}

Test(interval, a_step_down_is_followed_within_a_second)
{
    struct course course = run(20000, 6 * SECOND, down);
    cr_assert_eq(interval_at(&course, 3 * SECOND - 1), 200 * MS);
    cr_assert_leq(interval_at(&course, 4 * SECOND), 14 * MS);
    for (unsigned i = 1; i < course.count; i++) {
        cr_assert_leq(course.steps[i].interval_ns, course.steps[i - 1].interval_ns, "it goes one way only");
    }
    keeps_its_budget(&course);
    free(course.steps);
}

Test(interval, bursts_and_noise_keep_the_budget)
{
    static const uint64_t budgets[] = {1000, 5000, 20000, 100000, 500000};
    static const cost_of costs[] = {steady, up, down, bursts, noise, a_full_one, cheap};
    for (unsigned b = 0; b < sizeof budgets / sizeof *budgets; b++) {
        for (unsigned c = 0; c < sizeof costs / sizeof *costs; c++) {
            struct course course = run(budgets[b], 40 * SECOND, costs[c]);
            if (budgets[b] * SECOND / PRS_BUDGET_ALL >= 15 * MS) {
                keeps_its_budget(&course);
            }
            cr_assert_leq(cost_until(&course, 40 * SECOND), budgets[b] * (40 + 20) * SECOND / PRS_BUDGET_ALL);
            free(course.steps);
        }
    }
}

Test(interval, noise_does_not_make_it_swing)
{
    struct course course = run(20000, 20 * SECOND, noise); /* 1 to 2 ms: 50 to 100 ms */
    for (unsigned i = 10; i < course.count; i++) {
        cr_assert(course.steps[i].interval_ns >= 50 * MS && course.steps[i].interval_ns <= 100 * MS);
        cr_assert(course.steps[i].interval_ns * 100 >= course.steps[i - 1].interval_ns * 60, "a fall of more than the running time weighs");
    }
    free(course.steps);
}

Test(interval, one_expensive_epoch_is_paid_and_forgotten)
{
    struct course course = run(20000, 6 * SECOND, a_full_one);
    cr_assert_eq(interval_at(&course, 2 * SECOND + 20 * MS), 750 * MS);
    cr_assert_leq(interval_at(&course, 3 * SECOND + 20 * MS), 11 * MS);
    keeps_its_budget(&course);
    free(course.steps);
}

Test(interval, more_than_a_second_pays_for_is_looked_at_again_within_one)
{
    struct course course = run(20000, 30 * SECOND, huge_once); /* 5 s of the budget */
    for (unsigned i = 0; i < course.count; i++) {
        cr_assert_leq(course.steps[i].interval_ns, SECOND + 10 * MS);
    }
    cr_assert_leq(interval_at(&course, 3 * SECOND), SECOND);
    cr_assert_leq(interval_at(&course, 8 * SECOND), 200 * MS);
    cr_assert_leq(cost_until(&course, 8 * SECOND), 8 * SECOND / 50);
    cr_assert_eq(interval_at(&course, 14 * SECOND), 10 * MS);
    free(course.steps);
    course = run(20000, 70 * SECOND, huge);
    cr_assert_leq(cost_until(&course, 59 * SECOND) - 100 * MS, 59 * SECOND / 50, "the last one is paid for by what comes");
    cr_assert(interval_at(&course, 59 * SECOND) >= 5 * SECOND && interval_at(&course, 59 * SECOND) <= 5300 * MS);
    cr_assert_leq(interval_at(&course, 67 * SECOND), 20 * MS, "it ends an interval after the change, and is forgotten within a second");
    free(course.steps);
    course = run(20000, 200 * SECOND, huge_every_other);
    cr_assert_leq(cost_until(&course, 200 * SECOND), (200 + 20) * SECOND / 50, "debts are not forgiven again and again");
    free(course.steps);
}

Test(interval, costs_that_grow_with_it_settle_where_they_can)
{
    struct course course = run(20000, 20 * SECOND, by_time); /* i = (0.1 ms + i / 100) / 0.02 at i = 10 ms */
    cr_assert_leq(interval_at(&course, 20 * SECOND), 11 * MS);
    keeps_its_budget(&course);
    free(course.steps);
    course = run(20000, 60 * SECOND, hopeless); /* a tenth of the time, whatever the interval: no interval keeps 2 % */
    cr_assert_eq(interval_at(&course, 60 * SECOND), 10 * SECOND);
    free(course.steps);
}

Test(interval, checkpoints_on_request_are_paid_for_too)
{
    struct prs_interval interval;
    prs_interval_begin(&interval, PRS_INTERVAL_AUTO, 20000);
    for (int i = 0; i < 10; i++) {
        prs_interval_observe(&interval, MS, 100000);
    }
    cr_assert(interval.now_ns > 160 * MS && interval.now_ns < 163 * MS, "1 ms, and a quarter of 9 ms, at 2 %%: %lu", interval.now_ns);
    for (int i = 0; i < 1000; i++) {
        prs_interval_observe(&interval, MS, 100000);
    }
    cr_assert(interval.now_ns > 280 * MS && interval.now_ns <= 300 * MS, "what a second cannot pay is forgiven: %lu", interval.now_ns);
    for (uint64_t ran = 0; ran < SECOND; ran += interval.now_ns) {
        prs_interval_observe(&interval, 50000, interval.now_ns);
    }
    cr_assert_leq(interval.now_ns, 30 * MS);
}

Test(interval, any_numbers_stay_within_the_bounds)
{
    static const uint64_t numbers[] = {0, 1, 999, MS, SECOND, 1ul << 40, 1ul << 62, UINT64_MAX};
    for (uint64_t budget = PRS_BUDGET_MIN; budget <= PRS_BUDGET_MAX; budget = budget * 3 / 2) {
        struct prs_interval interval;
        prs_interval_begin(&interval, PRS_INTERVAL_AUTO, budget);
        for (unsigned i = 0; i < 64 * 8; i++) {
            prs_interval_observe(&interval, numbers[i * 5 % 8], numbers[i * 3 / 8 % 8]);
            cr_assert(interval.now_ns >= 10 * MS && interval.now_ns <= 10 * SECOND);
        }
    }
}

Test(interval, a_fixed_one_stays)
{
    struct prs_interval interval;
    prs_interval_begin(&interval, 3 * MS, 20000);
    cr_assert_not(prs_interval_is_auto(&interval));
    prs_interval_observe(&interval, SECOND, 3 * MS);
    cr_assert_eq(interval.now_ns, 3 * MS);
}

static int parse(struct prs_options *options, const char *text)
{
    prs_options_defaults(options);
    return prs_options_parse(options, text);
}

Test(interval, options_are_understood)
{
    static const struct { const char *text; uint64_t interval, budget; } good[] = {
        {"", 10 * MS, 0}, {"interval=3ms", 3 * MS, 0}, {"interval=auto", PRS_INTERVAL_AUTO, 0}, {"interval=auto:budget=2%", PRS_INTERVAL_AUTO, 20000},
        {"budget=0.5%:interval=auto", PRS_INTERVAL_AUTO, 5000}, {"interval=auto:budget=0.1%", PRS_INTERVAL_AUTO, 1000}, {"interval=auto:budget=50%", PRS_INTERVAL_AUTO, 500000},
        {"interval=auto:budget=12.3456%", PRS_INTERVAL_AUTO, 123456}, {"interval=auto:budget=050.0000%", PRS_INTERVAL_AUTO, 500000},
    };
    static const char *const bad[] = {
        "interval=auto:budget=0%", "interval=auto:budget=0.09%", "interval=auto:budget=50.1%", "interval=auto:budget=abc", "interval=auto:budget=2", "interval=auto:budget=",
        "interval=auto:budget=%", "interval=auto:budget=.5%", "interval=auto:budget=2.%", "interval=auto:budget=2%%", "interval=auto:budget=-2%", "interval=auto:budget=1.2.3%",
        "interval=auto:budget=2.00001%", "interval=auto:budget=99999999999999999999999%", "budget=2%", "interval=10ms:budget=2%", "interval=auto2", "interval=", "interval=0",
        "interval=18446744073709551615ns",
    };
    struct prs_options options;
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
        cr_assert_eq(parse(&options, good[i].text), 0, "%s", good[i].text);
        cr_assert_eq(options.interval_ns, good[i].interval, "%s", good[i].text);
        cr_assert_eq(options.budget, good[i].budget, "%s: %lu", good[i].text, options.budget);
    }
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_neq(parse(&options, bad[i]), 0, "%s", bad[i]);
    }
}
