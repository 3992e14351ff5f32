/* api.c - the public functions of prosper.h. Normal context. The lists are ordinary variables: they are in the image, so that registrations survive. */
#include "hold.h"
#include "region.h"
#include "state.h"
#include <errno.h>
#include <prosper/prosper.h>

#define CALLBACKS_MAX 32u
#define EXPORT __attribute__((visibility("default")))

static struct {
    void (*fn)(void *);
    void *arg;
} callbacks[CALLBACKS_MAX];
static unsigned callback_count;
static uint64_t callbacks_ran_at; /* restores that the callbacks have seen */

EXPORT int prosper_checkpoint(void)
{
    if (!prs_owner() || prs_w.hold > 0) {
        return 0;
    }
    int resumed = prs_checkpoint_durably();
    prs_run_restore_callbacks();
    return resumed != 0 ? 1 : prs_p.outcome;
}

EXPORT void prosper_pause(void) { prs_hold(); }

EXPORT void prosper_resume(void)
{
    if (prs_w.hold > 0) {
        prs_release();
    }
}

EXPORT int prosper_on_restore(void (*fn)(void *), void *arg)
{
    if (callback_count == CALLBACKS_MAX) {
        return -ENOSPC;
    }
    callbacks[callback_count].fn = fn;
    callbacks[callback_count].arg = arg;
    ++callback_count;
    return 0;
}

void prs_run_restore_callbacks(void)
{
    /* The number is taken first: a callback may call wrapped functions, and a crash in the middle of the callbacks runs them again. */
    uint64_t restores = prs_w.restores;
    if (__builtin_expect(callbacks_ran_at == restores, 1)) {
        return;
    }
    callbacks_ran_at = restores;
    for (unsigned i = 0; i < callback_count; ++i) {
        callbacks[i].fn(callbacks[i].arg);
    }
}

EXPORT int prosper_exclude(void *ptr, size_t len)
{
    prs_w.changed |= PRS_CHANGED_MAPPINGS;
    return prs_region_exclude((uint64_t)ptr, (uint64_t)ptr + len);
}

EXPORT int prosper_stats(struct prosper_statistics *out)
{
    if (out != NULL) {
        *out = (struct prosper_statistics){0};
    }
    if (!prs_owner()) {
        return 0;
    }
    const struct prs_stats *stats = &prs_p.stats;
    if (out != NULL) {
        out->checkpoints = stats->checkpoints;
        out->stop_ns_p50 = prs_stats_quantile(stats, 0.50);
        out->stop_ns_p99 = prs_stats_quantile(stats, 0.99);
        out->bytes_stack = stats->stack_bytes;
        out->bytes_heap = stats->heap_lines * PRS_LINE;
        out->bytes_other = stats->other_bytes;
        out->stack_bytes_at_page_granularity = stats->stack_page_bytes;
        out->restores = prs_w.restores;
    }
    prs_hold(); /* it looks at the store, which is the process's */
    int error = prs_stats_write();
    prs_release();
    return error;
}
