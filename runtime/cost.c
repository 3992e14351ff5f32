/* cost.c - what a checkpoint cost the program.
 *
 * COUNTED, with interval=auto:
 *   - the time that the program was stopped in the handler. When another program had the processor meanwhile (an involuntary switch), the processor time instead:
 *     a busy machine is no reason to take fewer checkpoints.
 *   - a microsecond for each page fault that page tracking made since the last checkpoint. How many those were is not known exactly: at most as many as the thread's
 *     minor faults, and as the pages that tracking reports. The smaller number is taken, so faults that the program would have had anyhow, on new memory, count too.
 *     A microsecond is the least that one costs (1 to 25, docs/decisions/marks.md).
 * NOT COUNTED: what the caches lose, marks in the code, and what wrappers do.
 * With a fixed interval, for which nothing hangs on it: the stop time alone, without asking the kernel.
 *
 * Context: the handler; prs_cost_start at start and in a restore.
 */
#include "cost.h"
#include "prim.h"
#include "state.h"
#include <sys/resource.h>

#define FAULT_NS 1000ul

static void ask(uint64_t *switches, uint64_t *faults)
{
    struct rusage usage;
    prs_fill(&usage, 0, sizeof usage);
    prs_sys(SYS_getrusage, 1 /* RUSAGE_THREAD */, &usage);
    *switches = (uint64_t)usage.ru_nivcsw;
    *faults = (uint64_t)usage.ru_minflt;
}

static uint64_t reported(void)
{
    struct prs_pages_use use;
    prs_pages_usage(prs_p.pages, &use);
    return use.reported;
}

void prs_cost_start(void)
{
    if (prs_interval_is_auto(&prs_p.interval)) {
        uint64_t switches;
        ask(&switches, &prs_p.last_minor_faults);
    }
}

void prs_cost_begin(struct prs_cost *cost)
{
    *cost = (struct prs_cost){.now_ns = prs_now_ns()};
    if (prs_interval_is_auto(&prs_p.interval)) {
        cost->cpu_ns = prs_cpu_ns();
        cost->reported = reported();
        ask(&cost->switches, &cost->faults);
    }
}

void prs_cost_end(const struct prs_cost *cost)
{
    uint64_t counted = prs_p.last_now_ns - cost->now_ns;
    if (prs_interval_is_auto(&prs_p.interval)) {
        uint64_t switches, faults, pages = reported() - cost->reported, before = cost->faults - prs_p.last_minor_faults;
        ask(&switches, &faults);
        if (switches != cost->switches) {
            uint64_t cpu = prs_p.last_cpu_ns - cost->cpu_ns;
            counted = cpu < counted ? cpu : counted;
        }
        counted += (before < pages ? before : pages) * FAULT_NS;
        prs_p.last_minor_faults = faults;
        prs_interval_observe(&prs_p.interval, counted, cost->cpu_ns - prs_p.interval_began_cpu_ns);
        prs_p.interval_began_cpu_ns = prs_p.last_cpu_ns;
    }
    prs_p.stats.cost_ns_total += counted;
}
