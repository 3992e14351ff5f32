/* stack_unit.c - stack=unit: the model of the paper's hardware unit (unit.h) finds what of the stack is written at a checkpoint.
 *
 * Each store goes to the unit. At a checkpoint its table is flushed, and every dirty granule in use is copied to the log as it is, compared with nothing; so far as in the
 * paper. The unit in a processor sees all stores; a model that is told of them by compiled code does not see the compiler's own (spills, return addresses) and
 * those of code without the pass (libc). So what is in use is then compared with the mirror, and what differs still is written too and counted apart: stack_unseen_bytes.
 *
 * SWITCHES. The unit tracks the main stack while the program is on it. A store into the main stack from elsewhere (a signal stack, a coroutine), or a checkpoint
 * there, is the switch of a thread in the paper: the table goes to the bitmap, registers are saved; such stores set bits in the bitmap directly, as an operating system would.
 * The next store with the stack pointer in the main stack restores. The time of a switch that is followed by no store is not known, nor does it matter.
 *
 * Context: on_store in hooks, never while another is at work (stack_follow.c); collect in the handler, never meanwhile. A hook that is left may have lost an entry of
 * the table: the comparison finds what it stood for.
 */
#include "error.h"
#include "prim.h"
#include "stack_way.h"
#include "state.h"
#include <errno.h>

static int start(bool resumed)
{
    (void)resumed;
    struct prs_stack_unit *own = &prs_p.unit;
    const struct prs_options *options = &prs_p.options;
    struct prs_unit_table table = prs_unit_original;
    table.entries = options->unit_entries <= PRS_UNIT_ENTRIES_MAX ? (uint32_t)options->unit_entries : 0;
    table.high = options->unit_high <= PRS_UNIT_WORD_BITS ? (uint32_t)options->unit_high : 0;
    table.low = options->unit_low <= PRS_UNIT_WORD_BITS ? (uint32_t)options->unit_low : PRS_UNIT_WORD_BITS + 1;
    table.policy = options->unit_policy == PRS_UNIT_POLICY_ACCUMULATE ? PRS_UNIT_ACCUMULATE : PRS_UNIT_LOAD;
    if (prs_unit_init(&own->unit, &table) != 0) {
        return prs_fail(PROSPER_E_OPTION, "the unit has 1 to %u entries, a high watermark from 1 to %u and a low one from 0 to %u", PRS_UNIT_ENTRIES_MAX,
                        PRS_UNIT_WORD_BITS, PRS_UNIT_WORD_BITS);
    }
    if (options->granularity < 8) {
        return prs_fail(PROSPER_E_OPTION, "the unit's granularity is a power of two from 8 to 4096");
    }
    uint32_t granularity = (uint32_t)options->granularity;
    uint32_t *bitmap = prs_arena_take(&prs_p.mirrors, prs_unit_bitmap_bytes(prs_p.stack.low, prs_p.stack.high, granularity));
    if (bitmap == NULL) {
        return -ENOMEM;
    }
    int error = prs_unit_stack_init(&own->saved, prs_p.stack.low, prs_p.stack.high, granularity, bitmap);
    own->bitmap = bitmap;
    return error;
}

/* It may be left anywhere, between two registers too. The whole bitmap is to be looked at then. */
static void left(void)
{
    struct prs_stack_unit *own = &prs_p.unit;
    own->unit.used = 0;
    own->unit.now = (struct prs_unit_stack){0};
    own->loaded = false;
    (void)prs_unit_stack_init(&own->saved, prs_p.stack.low, prs_p.stack.high, (uint32_t)prs_p.options.granularity, own->bitmap);
    own->saved.lowest = own->saved.start;
}

static void switch_to(bool main_stack)
{
    struct prs_stack_unit *own = &prs_p.unit;
    if (main_stack && !own->loaded) {
        prs_unit_restore(&own->unit, &own->saved);
    } else if (!main_stack && own->loaded) {
        prs_unit_save(&own->unit, &own->saved);
    }
    own->loaded = main_stack;
}

static void on_store(uint64_t address, uint64_t bytes, uint64_t sp)
{
    volatile uint64_t frame_word;
    struct prs_stack_unit *own = &prs_p.unit;
    if (!prs_stack_enter(&frame_word)) {
        return;
    }
    switch_to(prs_p.stack.low <= sp && sp < prs_p.stack.high);
    if (own->loaded) {
        prs_unit_store(&own->unit, address, bytes);
    } else {
        prs_unit_store_other(&own->saved, address, bytes);
        ++own->stores_other;
    }
    prs_stack_leave(&frame_word);
}

/* ---- a checkpoint ---- */

struct copying {
    struct prs_range range;
    prs_diff_visitor put;
    void *context;
    int error;
};

static void copy_run(void *context, uint64_t start, uint64_t end)
{
    struct copying *copying = context;
    start = start > copying->range.start ? start : copying->range.start;
    end = end < copying->range.end ? end : copying->range.end;
    if (start >= end || copying->error != 0) {
        return; /* bits are gone, but an epoch that is given up is followed by a full one */
    }
    copying->error = copying->put(copying->context, start, (const void *)start, (uint32_t)(end - start));
    if (copying->error == 0) {
        copying->error = prs_mirror_apply(prs_stack_mirror(), start, (const void *)start, (uint32_t)(end - start));
    }
}

static int unseen(void *context, uint64_t address, const void *live, uint32_t length)
{
    const struct copying *copying = context;
    prs_p.stats.stack_unseen_bytes += length;
    return copying->put(copying->context, address, live, length);
}

static int collect(struct prs_range range, bool full, uint32_t granularity, prs_diff_visitor put, void *context)
{
    struct prs_stack_unit *own = &prs_p.unit;
    struct copying copying = {range, put, context, 0};
    switch_to(range.start != prs_p.stack_mapped); /* all of the mapping counts: the program is on another stack (prs_collect_in_use) */
    struct prs_unit_stack *stack = own->loaded ? &own->unit.now : &own->saved;
    if (own->loaded) {
        prs_unit_set_sp(&own->unit, range.start + PRS_REDZONE);
        prs_unit_flush(&own->unit);
    } else {
        stack->sp = UINT64_MAX;
    }
    struct prs_unit_found found = prs_unit_collect(stack, PRS_UNIT_DROP, full ? NULL : copy_run, &copying);
    if (full) {
        return prs_mirror_diff(prs_stack_mirror(), range.start, range.end, granularity, put, context); /* the log begins anew: everything */
    }
    own->found.granules += found.granules;
    own->found.bytes += found.bytes;
    own->found.runs += found.runs;
    own->found.below += found.below;
    return copying.error != 0 ? copying.error : prs_mirror_diff(prs_stack_mirror(), range.start, range.end, granularity, unseen, &copying);
}

const struct prs_stack_way prs_stack_unit = {.number = PRS_STACK_UNIT, .needs_stores = true, .collect = collect, .start = start, .on_store = on_store, .left = left};
