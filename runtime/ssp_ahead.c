/* ssp_ahead.c - fetching, some pages ahead, what prs_ssp_page is going to read: the entry first, the lines when it has come.
 *
 * A line that is found by its mark lies anywhere, and neither it nor its page's entry nor its committed copy is likely to be in a cache: three misses one after
 * the other, if each page waits for its own. Everything here is a guess: what is wrong costs a fetch. Handler.
 */
#include "store_internal.h"

void prs_store_ahead_entry(struct prs_store *store, uint64_t page_address)
{
    uint32_t found = prs_index_find(&store->v->ssp.index, page_address);
    if (found != 0) {
        __builtin_prefetch(prs_entry_at(store, found - 1), 1);
        if (store->v->geometry.sums) {
            __builtin_prefetch(prs_sum_at(store, found - 1, 0), 1);
        }
    }
}

void prs_store_ahead_lines(struct prs_store *store, uint64_t page_address, const void *live, uint64_t lines)
{
    uint32_t found = prs_index_find(&store->v->ssp.index, page_address);
    if (found == 0) {
        return;
    }
    const struct prf_entry *entry = prs_entry_at(store, found - 1);
    uint64_t bitmap = PRS_READ(entry->word[PRS_READ(entry->word[1].epoch_state) > PRS_READ(entry->word[0].epoch_state)].bitmap);
    const uint8_t *side[2];
    for (unsigned i = 0; i < 2; ++i) {
        uint32_t slot = PRS_READ(entry->slot[i].slot);
        side[i] = slot != 0 ? prs_slot_at(store, slot - 1) : (const uint8_t *)live;
    }
    for (uint64_t left = lines; left != 0; left &= left - 1) {
        unsigned line = (unsigned)__builtin_ctzll(left);
        __builtin_prefetch((const uint8_t *)live + PRF_LINE * line);
        __builtin_prefetch(side[bitmap >> line & 1] + PRF_LINE * line);
    }
}
