/* lost.c - lost.h's list.
 *
 * INVARIANTS
 *   1. What was added is in some slot, or `all` is set, until prs_lost_clear. A slot only ever grows: each change is one compare-and-swap of one word, so a
 *      thread or a handler that interrupts loses nothing of what another is adding.
 *   2. Neighbours and overlapping ranges share a slot where that is found at once; two slots that overlap are no fault.
 * Context: add in any; the rest in the handler. No libc.
 */
#include "lost.h"
#include "layout.h"
#include "planted.h"
#include "prim.h"

#define COUNT_BITS 28
#define COUNT_MAX ((1ul << COUNT_BITS) - 1)

static uint64_t first_of(uint64_t slot) { return slot >> COUNT_BITS; }
static uint64_t after(uint64_t slot) { return (slot >> COUNT_BITS) + (slot & COUNT_MAX); }

void prs_lost_add_all(struct prs_lost *lost) { __atomic_store_n(&lost->all, 1, __ATOMIC_SEQ_CST); }

/* The slot's range with [first, last) added; 0 when it is free, does not touch, or would become too long. */
static uint64_t joined(uint64_t slot, uint64_t first, uint64_t last)
{
    if (slot == 0 || after(slot) < first || last < first_of(slot)) {
        return 0;
    }
    uint64_t from = first_of(slot) < first ? first_of(slot) : first;
    uint64_t to = after(slot) > last ? after(slot) : last;
    return to - from <= COUNT_MAX ? from << COUNT_BITS | (to - from) : 0;
}

static bool swap(volatile uint64_t *slot, uint64_t *before, uint64_t now)
{
    return *before == now || __atomic_compare_exchange_n(slot, before, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void prs_lost_add(struct prs_lost *lost, uint64_t start, uint64_t end)
{
    uint64_t first = start / PRS_PAGE, last = (end + PRS_PAGE - 1) / PRS_PAGE;
    if (first >= last || PRS_PLANTED(lost_forgotten)) {
        return;
    }
    if (last - first > COUNT_MAX || last >> 36 != 0) {
        prs_lost_add_all(lost);
        return;
    }
    for (uint32_t i = 0; i < PRS_LOST_MAX; ++i) {
        uint64_t slot = __atomic_load_n(&lost->slots[i], __ATOMIC_SEQ_CST), grown;
        while ((grown = joined(slot, first, last)) != 0) {
            if (swap(&lost->slots[i], &slot, grown)) {
                return;
            }
        }
    }
    for (uint32_t i = 0; i < PRS_LOST_MAX; ++i) {
        uint64_t free = 0;
        if (__atomic_load_n(&lost->slots[i], __ATOMIC_SEQ_CST) == 0 && swap(&lost->slots[i], &free, first << COUNT_BITS | (last - first))) {
            return;
        }
    }
    prs_lost_add_all(lost);
}

bool prs_lost_range(const struct prs_lost *lost, uint32_t i, uint64_t *start, uint64_t *end)
{
    uint64_t slot = lost->slots[i];
    *start = first_of(slot) * PRS_PAGE;
    *end = after(slot) * PRS_PAGE;
    return slot != 0;
}

bool prs_lost_has(const struct prs_lost *lost, uint64_t address)
{
    uint64_t start, end;
    for (uint32_t i = 0; i < PRS_LOST_MAX; ++i) {
        if (prs_lost_range(lost, i, &start, &end) && start <= address && address < end) {
            return true;
        }
    }
    return lost->all != 0;
}

void prs_lost_clear(struct prs_lost *lost)
{
    for (uint32_t i = 0; i < PRS_LOST_MAX; ++i) {
        lost->slots[i] = 0;
    }
    lost->all = 0;
}
