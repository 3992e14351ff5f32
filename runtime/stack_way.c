/* stack_way.c - which way the stack is persisted, and what all ways with an image share: the mirror, the steps of a commit. Hooks: stack_follow.c.
 *
 * Context: as stack_way.h says.
 */
#include "stack_way.h"
#include "coverage.h"
#include "error.h"
#include "prim.h"
#include "state.h"
#include <errno.h>
#include <prosper/abi.h>
#include <sys/resource.h>

const struct prs_stack_way *prs_stack_way(enum prs_stack number)
{
    switch (number) {
    case PRS_STACK_COPY: return &prs_stack_copy;
    case PRS_STACK_UNIT: return &prs_stack_unit;
    case PRS_STACK_FLUSH: return &prs_stack_way_flush;
    case PRS_STACK_UNDO: return &prs_stack_way_undo;
    case PRS_STACK_REDO: return &prs_stack_way_redo;
    case PRS_STACK_ROMULUS: return &prs_stack_way_romulus;
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

int prs_stack_possible(enum prs_stack number)
{
    const struct prs_stack_way *way = prs_stack_way(number);
    return way == NULL || !way->needs_stores || prs_coverage_has(PRS_FLAG_STORES)
               ? 0
               : prs_fail(PROSPER_E_OPTION, "this stack= follows the program's stores, and the program does not tell them (prosper-clang --prosper-track=stores)");
}

/* The area is found: volatile memory of the way's, and the mirror. */
static int take_memory(struct prs_stack_area *area)
{
    uint64_t tables = area->image->tables_bytes(area->high - area->low);
    area->pass = prs_fault_pass;
    area->tables = prs_arena_take(&prs_p.mirrors, tables);
    int error = area->tables == NULL ? -ENOMEM : prs_mirror_init(&prs_p.stack.mirror, &prs_p.mirrors);
    if (error == 0) {
        prs_p.stack.shadow = prs_mirror_flat(&prs_p.stack.mirror, area->low, area->high);
        error = prs_p.stack.shadow == NULL ? -ENOMEM : 0;
    }
    return error;
}

/* Stores are told from the end of the stack down to where its image begins, or else to where its limit lets it grow. */
static int listen_to_stores(bool resumed)
{
    const struct prs_stack_way *way = prs_p.stack.way;
    const struct prs_stack_area *area = &prs_p.stack.area;
    struct rlimit limit;
    prs_sys(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &limit);
    prs_p.stack.high = area->image != NULL ? area->high : prs_p.stack_top;
    prs_p.stack.low = area->image != NULL ? area->low : prs_p.stack_top - prs_stack_bytes(limit.rlim_cur);
    int error = way != NULL && way->start != NULL ? way->start(resumed) : 0;
    if (error == 0 && way != NULL && way->on_store != NULL) {
        prs_stores_listen(PRS_STORES_STACK, prs_p.stack.low, prs_p.stack.high, way->on_store);
    }
    return error;
}

int prs_stack_begin(void)
{
    int error = choose();
    if (error == 0 && prs_stack_image_of(wanted()) != NULL) {
        struct rlimit limit;
        prs_sys(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &limit);
        struct prs_stack_area *area = &prs_p.stack.area;
        error = prs_stack_area_new(area, &prs_p.store, wanted(), prs_p.stack_top, limit.rlim_cur);
        error = error == 0 ? take_memory(area) : error;
        if (error == 0) {
            prs_stack_head_write(area, wanted());
            error = area->image->reset(area);
        }
    }
    PRS_META->stack_way = wanted();
    return error == 0 ? listen_to_stores(false) : error;
}

/* ---- restore ---- */

static int into_mirror(void *context, uint64_t address, const void *data, uint32_t length) { return prs_mirror_apply(context, address, data, length); }

static bool by_log(enum prs_stack way) { return prs_stack_image_of(way) == NULL && way != PRS_STACK_SSP; }

int prs_stack_check(const struct prs_meta *meta)
{
    enum prs_stack was = (enum prs_stack)meta->stack_way;
    if (was != wanted() && !(by_log(was) && by_log(wanted()))) {
        return prs_fail(PROSPER_E_STACK_WAY, "start it with the stack= that it was begun with (--fresh starts over)");
    }
    int error = choose();
    if (error == 0 && prs_stack_image_of(wanted()) != NULL) {
        struct prs_stack_area *area = &prs_p.stack.area;
        error = prs_stack_area_read(area, &prs_p.store, wanted());
        error = error == 0 ? take_memory(area) : error;
        error = error == 0 ? area->image->each(area, into_mirror, &prs_p.stack.mirror) : error;
    }
    return error;
}

int prs_stack_recover(void)
{
    struct prs_stack_area *area = &prs_p.stack.area;
    int error = area->image == NULL ? 0 : area->image->recover(area);
    return error == 0 ? listen_to_stores(true) : error;
}

/* ---- a checkpoint ---- */

/* Statistics: what a way does beside collecting. */
static void step_took(uint64_t begun) { prs_p.stats.stack_steps_ticks += prs_ticks() - begun; }

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
        uint64_t begun = prs_ticks();
        prs_p.stack.way->around(begins);
        step_took(begun);
    }
}

void prs_stack_end(void)
{
    if (prs_p.stack.way != NULL && prs_p.stack.way->end != NULL) {
        prs_p.stack.way->end();
    }
}

void prs_stack_epoch(bool open)
{
    if (prs_p.stack.way != NULL && prs_p.stack.way->epoch != NULL) {
        uint64_t begun = prs_ticks();
        prs_p.stack.way->epoch(open);
        step_took(begun);
    }
}

int prs_stack_prepare(void)
{
    struct prs_stack_area *area = &prs_p.stack.area;
    if (area->image == NULL) {
        return 0;
    }
    uint64_t begun = prs_ticks();
    int error = area->image->prepare(area);
    step_took(begun);
    if (error == 0) {
        prs_store_stack_next(&prs_p.store, area->committed + 1);
        PRS_FAULT_HERE(stack_prepared);
    }
    return error;
}

void prs_stack_committed(void)
{
    struct prs_stack_area *area = &prs_p.stack.area;
    if (area->image != NULL) {
        area->committed = prs_store_stack_committed(&prs_p.store);
        uint64_t begun = prs_ticks();
        area->image->committed(area);
        step_took(begun);
        PRS_FAULT_HERE(stack_opened);
    }
    if (prs_p.stack.way != NULL && prs_p.stack.way->committed != NULL) {
        uint64_t begun = prs_ticks();
        prs_p.stack.way->committed();
        step_took(begun);
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
