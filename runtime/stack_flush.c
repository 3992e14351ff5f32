/* stack_flush.c - stack=flush: each store of the program is written through to the pool and flushed at once; two twins, of which one is committed.
 *
 * FORMAT. Twin 0, twin 1: each a copy of the whole stack.
 *
 * VALID IF AND ONLY IF the head is (stack_image.c). State n is twin n mod 2, whole. Its bytes have no checksum, as those of large memory have none.
 *
 * ALGORITHM. State n + 1 is open in the twin that n is not in.
 *   write      into the open twin, flush its lines; note the lines in a volatile set
 *   prepare    nothing is left to do: the commit's fence is the one that all those flushes wait for
 *   committed  n + 1 is committed, and the twin of n is to become n + 2: it gets the noted lines from n + 1, and they are flushed. No fence: the next commit has
 *              one before its record
 *   recover    the open twin is made equal to the committed one, wherever they differ: what it had of the open state is gone
 *
 * WHY IT IS SAFE. The committed twin is only read until another state is committed, so whatever becomes of the other one, and in whatever order its lines reach
 * the medium, state n is there. When n + 1 is committed, each line of its twin is n + 1's: those that were written since, flushed at the store; those that
 * differed because n had changed them, flushed by `committed`; all before the fence of the commit. A store that is left half-way is in the open twin only, and is
 * written again (stack_way.c, W1).
 *
 * Context: stack_image.h. The volatile set changes in hooks and in the handler, never at the same time (stack_way.c, W2).
 */
#include "stack_area.h"

static uint64_t area_bytes(uint64_t stack) { return 2 * stack; }
static uint64_t tables_bytes(uint64_t stack) { return prs_set_bytes(stack / PRS_STACK_LINE); }
static uint8_t *twin(const struct prs_stack_area *area, uint64_t state) { return area->base + (state % 2) * prs_stack_size(area); }

static int attach(struct prs_stack_area *area)
{
    area->reached = prs_stack_size(area);
    return 0; /* the head and the commit record say all there is */
}

static int each(const struct prs_stack_area *area, prs_stack_visitor visit, void *context)
{
    return prs_stack_visit(area, twin(area, area->committed), visit, context);
}

static int recover(struct prs_stack_area *area)
{
    prs_stack_make_same(area, twin(area, area->committed + 1), twin(area, area->committed));
    prs_media_fence(area->media);
    return 0;
}

static int reset(struct prs_stack_area *area)
{
    prs_stack_wipe_all(area, area_bytes(prs_stack_size(area)));
    return 0;
}

static int write_through(struct prs_stack_area *area, uint64_t address, const void *data, uint32_t length)
{
    uint64_t offset = address - area->low, *lines = area->tables;
    uint64_t *summary = prs_set_summary(lines, prs_stack_size(area) / PRS_STACK_LINE);
    prs_stack_reach(area, offset, area->base, 2);
    uint8_t *to = twin(area, area->committed + 1) + offset;
    for (uint64_t line = offset / PRS_STACK_LINE; line * PRS_STACK_LINE < offset + length; ++line) {
        prs_set_add(lines, summary, line);
    }
    prs_stack_move(to, data, length);
    prs_stack_flush(area, to, length);
    area->bytes_written += length;
    return 0;
}

static int prepare(struct prs_stack_area *area)
{
    (void)area;
    return 0;
}

static void catch_up(struct prs_stack_area *area, uint64_t offset, uint64_t length)
{
    uint8_t *to = twin(area, area->committed + 1) + offset;
    prs_stack_move(to, twin(area, area->committed) + offset, length); /* through the cache: what was written will be again */
    prs_stack_flush(area, to, length);
    area->bytes_written += length;
    prs_stack_pass(area, PRS_FAULT_stack_copying);
}

static void committed(struct prs_stack_area *area) { prs_set_each(area, area->tables, PRS_STACK_LINE, true, catch_up); }

const struct prs_stack_image prs_stack_flush_image = {area_bytes, tables_bytes, attach, each, recover, reset, write_through, prepare, committed};
