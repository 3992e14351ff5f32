/* stack_way.c - which way the stack is persisted, and what all ways with an image share: the hook, the mirror, the steps of a commit.
 *
 * INVARIANT W1: with an image, prs_p.stack.mirror == the image's open state. A write is done first, then the mirror changed: left in between, the next
 *               comparison writes the same bytes again, which is harmless (stack_image.h, I2).
 * INVARIANT W2: no checkpoint is taken while a hook is at work; it is taken at the hook's end.
 * Context: as stack_way.h says.
 */
#include "stack_way.h"
#include "error.h"
#include "hold.h"
#include "prim.h"
#include "state.h"
#include <errno.h>
#include <sys/resource.h>

const struct prs_stack_way *prs_stack_way(enum prs_stack number)
{
    switch (number) {
    case PRS_STACK_COPY: return &prs_stack_copy;
    case PRS_STACK_PAGES: return &prs_stack_pages;
    case PRS_STACK_MPROTECT: return &prs_stack_mprotect;
    case PRS_STACK_SSP: return &prs_stack_ssp;
    default: return NULL;
    }
}

static enum prs_stack wanted(void)
{
    return prs_p.options.stack == PRS_STACK_AUTO ? PRS_STACK_COMPARE : (enum prs_stack)prs_p.options.stack;
}

static int choose(void)
{
    prs_p.stack.way = prs_stack_way(wanted());
    return prs_p.stack.way == NULL && wanted() != PRS_STACK_COMPARE ? prs_fail(PROSPER_E_OPTION, "this stack= is not built in") : 0;
}

int prs_stack_begin(void)
{
    int error = choose();
    if (error == 0 && prs_stack_image_of(wanted()) != NULL) {
        struct rlimit limit;
        prs_sys(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &limit);
        struct prs_stack_area *area = &prs_p.stack.area;
        error = prs_stack_area_new(area, &prs_p.store, wanted(), prs_p.stack_top, limit.rlim_cur);
        uint64_t tables = error == 0 ? area->image->tables_bytes(area->high - area->low) : 0;
        area->tables = tables > 0 ? prs_arena_take(&prs_p.mirrors, tables) : NULL;
        error = error == 0 && tables > 0 && area->tables == NULL ? -ENOMEM : error;
        if (error == 0) {
            prs_stack_head_write(area, wanted());
            error = area->image->reset(area);
        }
        error = error == 0 ? prs_mirror_init(&prs_p.stack.mirror, &prs_p.mirrors) : error;
    }
    PRS_META->stack_way = wanted();
    if (error == 0 && prs_p.stack.way != NULL && prs_p.stack.way->start != NULL) {
        error = prs_p.stack.way->start(false);
    }
    return error;
}

/* ---- restore ---- */

static int into_mirror(void *context, uint64_t address, const void *data, uint32_t length) { return prs_mirror_apply(context, address, data, length); }

static bool by_log(enum prs_stack way) { return prs_stack_image_of(way) == NULL && way != PRS_STACK_SSP; }

int prs_stack_check(const struct prs_meta *meta)
{
    if (meta->stack_way >= PRS_STACK_WAYS) {
        return prs_fail(PROSPER_E_DAMAGED, "the way of the stack");
    }
    enum prs_stack was = (enum prs_stack)meta->stack_way;
    if (was != wanted() && !(by_log(was) && by_log(wanted()))) {
        return prs_fail(PROSPER_E_STACK_WAY, "start it with the stack= that it was begun with (--fresh starts over)");
    }
    int error = choose();
    if (error == 0 && prs_stack_image_of(wanted()) != NULL) {
        struct prs_stack_area *area = &prs_p.stack.area;
        error = prs_stack_area_read(area, &prs_p.store, wanted());
        uint64_t tables = error == 0 ? area->image->tables_bytes(area->high - area->low) : 0;
        area->tables = tables > 0 ? prs_arena_take(&prs_p.mirrors, tables) : NULL;
        error = error == 0 && tables > 0 && area->tables == NULL ? -ENOMEM : error;
        error = error == 0 ? prs_mirror_init(&prs_p.stack.mirror, &prs_p.mirrors) : error;
        error = error == 0 ? area->image->each(area, into_mirror, &prs_p.stack.mirror) : error;
    }
    return error;
}

int prs_stack_recover(void)
{
    struct prs_stack_area *area = &prs_p.stack.area;
    return area->image == NULL ? 0 : area->image->recover(area);
}

/* ---- a checkpoint ---- */

struct prs_mirror *prs_stack_mirror(void) { return prs_p.stack.area.image == NULL ? &prs_p.mirror : &prs_p.stack.mirror; }

int prs_stack_put(uint64_t address, const void *live, uint32_t length)
{
    struct prs_stack_area *area = &prs_p.stack.area;
    if (prs_p.stack.way != NULL && prs_p.stack.way->own_place) {
        return 0;
    }
    if (area->image == NULL) {
        return prs_store_append(&prs_p.store, address, live, length);
    }
    return address < area->low || address + length > area->high ? -ENOSPC : area->image->write(area, address, live, length);
}

void prs_stack_fill(struct prs_range range)
{
    if (prs_p.stack.way != NULL && prs_p.stack.way->fill != NULL) {
        prs_p.stack.way->fill(range);
    } else {
        prs_mirror_restore(prs_stack_mirror(), range.start, range.end);
    }
}

void prs_stack_around(bool begins)
{
    if (prs_p.stack.way != NULL && prs_p.stack.way->around != NULL) {
        prs_p.stack.way->around(begins);
    }
}

void prs_stack_epoch(bool open)
{
    if (prs_p.stack.way != NULL && prs_p.stack.way->epoch != NULL) {
        prs_p.stack.way->epoch(open);
    }
}

int prs_stack_prepare(void)
{
    struct prs_stack_area *area = &prs_p.stack.area;
    if (area->image == NULL) {
        return 0;
    }
    prs_store_stack_next(&prs_p.store, area->committed + 1);
    return area->image->prepare(area);
}

void prs_stack_committed(void)
{
    struct prs_stack_area *area = &prs_p.stack.area;
    if (area->image != NULL) {
        area->committed = prs_store_stack_committed(&prs_p.store);
        area->image->committed(area);
    }
    if (prs_p.stack.way != NULL && prs_p.stack.way->committed != NULL) {
        prs_p.stack.way->committed();
    }
}

int prs_stack_read_back(struct prs_mirror *mirror)
{
    const struct prs_stack_area *area = &prs_p.stack.area;
    if (area->image == NULL) {
        return 0;
    }
    for (uint64_t at = area->low, stop; at < area->high; at = stop) {
        stop = prs_round_down(at, PRS_CHUNK) + PRS_CHUNK;
        stop = stop < area->high ? stop : area->high;
        uint8_t *chunk = prs_mirror_chunk(mirror, at, false);
        if (chunk != NULL) {
            prs_fill(chunk + at % PRS_CHUNK, 0, stop - at);
        }
    }
    return area->image->each(area, into_mirror, mirror);
}

/* ---- the hook ---- */

bool prs_stack_at_work(uint64_t sp)
{
    if (prs_p.stack.busy == 0) {
        return false;
    }
    if (sp > prs_p.stack.busy) {
        prs_p.stack.busy = 0; /* its frame is gone: a handler of the program's jumped out of it */
        return false;
    }
    prs_p.stack.postponed = true;
    return true;
}

/* A store of the program's, for ways with an image: the open state follows at once. One that a handler of the program's makes while a hook is at work is left to
 * the comparison. */
void prs_stack_follow(uint64_t address, uint64_t bytes)
{
    struct prs_stack_area *area = &prs_p.stack.area;
    uint64_t end = address + bytes < area->high ? address + bytes : area->high;
    address = address > area->low ? address : area->low;
    if (prs_p.stack.busy != 0 || address >= end) {
        return;
    }
    prs_p.stack.busy = (uint64_t)__builtin_frame_address(0);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (area->image->write(area, address, (const void *)address, (uint32_t)(end - address)) == 0) { /* else the comparison finds it, and says so */
        (void)prs_mirror_apply(&prs_p.stack.mirror, address, (const void *)address, (uint32_t)(end - address));
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    prs_p.stack.busy = 0;
    if (prs_p.stack.postponed) {
        prs_p.stack.postponed = false;
        prs_checkpoint_here();
    }
}
