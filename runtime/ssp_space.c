/* ssp_space.c - page entries and slots: reading them with suspicion, and who owns what.
 *
 * An entry is one 64-byte line and changes by 8-byte stores in an order that leaves every prefix meaningful:
 *   given out     address = 0; both words = 0; slots; address
 *   a word        epoch_state = 0; bitmap, check; epoch_state
 *   a slot        one 8-byte store of number and check
 *
 * VALID: an entry with an address and a word of an epoch in [record.pages_since, record.epoch]; the newest such word counts. A word whose
 * check does not fit is damage, never the trace of a kill: unfinished words have epoch_state 0.
 *
 * INVARIANT P1: a slot that the committed bitmap of an entry names belongs to that entry alone.
 * INVARIANT P2: a slot named in an entry but not by its bitmap may be claimed twice after a power cut (its release was not durable, its
 * next use was); neither claim has content, so recovery gives it to the first and takes it out of the other entry.
 * INVARIANT P3: used bits are the claims of committed entries, plus what the open epoch took.
 * INVARIANT P4: when recovery returns, no word of the epoch that is begun next is on the medium. A kill may have come between the store that clears such a word and
 * its flush: then the word is not seen any more, and a power cut would bring it back once its epoch has committed. So what reads as cleared is flushed too.
 * Context: attach at start and in tools (untrusted bytes, nothing written); the rest in the handler. No libc.
 */
#include "planted.h"
#include "store_internal.h"

#define ADDRESS_MAX 0x7fffffffffffull /* what a program can have; 0 stands for an entry that is not used */

int prs_bits_init(struct prs_bits *bits, struct prs_arena *arena, uint32_t count, uint32_t count_max)
{
    bits->words = prs_arena_take(arena, ((uint64_t)count_max + 63) / 64 * 8);
    bits->count = count;
    bits->used = bits->hint = bits->high = 0;
    return bits->words != 0 ? 0 : -ENOMEM;
}

bool prs_bits_test(const struct prs_bits *bits, uint32_t number) { return (bits->words[number / 64] >> (number % 64) & 1) != 0; }

void prs_bits_set(struct prs_bits *bits, uint32_t number)
{
    bits->words[number / 64] |= 1ull << (number % 64);
    ++bits->used;
    bits->high = number >= bits->high ? number + 1 : bits->high;
}

void prs_bits_clear(struct prs_bits *bits, uint32_t number)
{
    PRS_ASSERT(prs_bits_test(bits, number));
    bits->words[number / 64] &= ~(1ull << (number % 64));
    --bits->used;
    bits->hint = number < bits->hint ? number : bits->hint;
}

int64_t prs_bits_take(struct prs_bits *bits)
{
    if (bits->used == bits->count) {
        return -1;
    }
    uint32_t at = bits->hint / 64;
    while (bits->words[at] == ~0ull) { /* below hint nothing is free; beyond it something is, or used == count */
        ++at;
    }
    uint32_t number = at * 64 + (uint32_t)__builtin_ctzll(~bits->words[at]);
    PRS_ASSERT(number < bits->count);
    prs_bits_set(bits, number);
    bits->hint = number + 1 < bits->count ? number + 1 : number;
    return number;
}

/* From the end: each extension is as large as all before it, so the last ones have most. */
static unsigned extent_of(const struct prs_geometry *geometry, uint32_t number)
{
    unsigned i = geometry->extents - 1;
    while (number < geometry->page[i].first) {
        --i;
    }
    return i;
}

const struct prs_page_extent *prs_extent_of(const struct prs_store *store, uint32_t number)
{
    return &store->v->geometry.page[extent_of(&store->v->geometry, number)];
}

struct prf_entry *prs_entry_at(const struct prs_store *store, uint32_t number)
{
    const struct prs_page_extent *extent = prs_extent_of(store, number);
    return (struct prf_entry *)(store->base + extent->entries_at) + (number - extent->first);
}

uint8_t *prs_slot_at(const struct prs_store *store, uint32_t number)
{
    const struct prs_page_extent *extent = prs_extent_of(store, number);
    return store->base + extent->slots_at + (uint64_t)(number - extent->first) * PRF_PAGE;
}

uint32_t prs_word_check(uint64_t address, uint64_t epoch_state, uint64_t bitmap)
{
    uint64_t covered[3] = {address, epoch_state, bitmap};
    return prs_crc32c(0, covered, sizeof covered);
}

struct prf_slot_name prs_slot_name(uint64_t address, unsigned side, uint32_t slot)
{
    uint64_t covered[2] = {address, (uint64_t)side << 32 | slot};
    struct prf_slot_name name = {slot, prs_crc32c(0, covered, sizeof covered)};
    return name;
}

const char *prs_entry_read(const struct prs_store *store, uint32_t number, uint64_t committed_epoch, struct prs_entry_view *view)
{
    const struct prf_entry *entry = prs_entry_at(store, number);
    view->committed = view->pending = -1;
    view->state = view->pending_state = 0;
    view->epoch = view->bitmap = 0;
    view->slot[0] = view->slot[1] = 0;
    view->beyond = 0;
    view->address = 0;
    uint64_t address = PRS_READ(entry->address);
    if (address == 0) {
        return 0;
    }
    for (int i = 0; i < 2; ++i) {
        uint64_t epoch_state = PRS_READ(entry->word[i].epoch_state);
        uint64_t bitmap = PRS_READ(entry->word[i].bitmap);
        uint64_t epoch = epoch_state >> 8;
        unsigned state = epoch_state & 0xff;
        if (epoch_state == 0) {
            continue;
        }
        if (PRS_READ(entry->check[i]) != prs_word_check(address, epoch_state, bitmap)
            || (state != PRF_PAGE_DATA && state != PRF_PAGE_ZERO)) {
            return "a word does not fit its checksum";
        }
        if (epoch > committed_epoch + 1) {
            return "a word is of an epoch that was never begun";
        }
        if (epoch < store->v->record.pages_since) {
            continue; /* from before a reset */
        }
        if (epoch == committed_epoch + 1) {
            if (view->pending >= 0) {
                return "both words are of one epoch";
            }
            view->pending = i;
            view->pending_state = state;
        } else if (view->committed >= 0 && epoch == view->epoch) {
            return "both words are of one epoch";
        } else if (view->committed < 0 || epoch > view->epoch) {
            view->committed = i;
            view->epoch = epoch;
            view->state = state;
            view->bitmap = bitmap;
        }
    }
    if (view->committed < 0 && view->pending < 0) {
        return 0;
    }
    if ((address & (PRF_PAGE - 1)) != 1 || address == 1 || address > ADDRESS_MAX) {
        return "its address is not that of a page";
    }
    view->address = address & ~1ull;
    for (unsigned side = 0; side < 2; ++side) {
        uint64_t raw = PRS_READ(*(const prs_slot_word *)&entry->slot[side]);
        struct prf_slot_name name = {(uint32_t)raw, (uint32_t)(raw >> 32)};
        if (raw == 0) {
            continue;
        }
        bool beyond = name.slot > store->v->geometry.slots && store->v->geometry.grows;
        if (name.slot == 0 || (name.slot > store->v->geometry.slots && !beyond) || name.check != prs_slot_name(address, side, name.slot).check) {
            return "a slot does not fit its checksum";
        }
        if (beyond) {
            view->beyond |= 1u << side; /* E3: as if there were none */
            continue;
        }
        view->slot[side] = name.slot;
    }
    if (view->committed >= 0 && view->state == PRF_PAGE_DATA
        && ((view->bitmap != ~0ull && view->slot[0] == 0) || (view->bitmap != 0 && view->slot[1] == 0) || view->slot[0] == view->slot[1])) {
        return "its bitmap names a slot that it does not have";
    }
    return 0;
}

int64_t prs_slot_take(struct prs_store *store)
{
    struct prs_ssp *ssp = &store->v->ssp;
    int64_t number = prs_bits_take(&ssp->slots);
    if (number < 0) {
        ssp->short_of_slots = true;
        return -ENOSPC;
    }
    ++ssp->taken;
    const struct prs_geometry *geometry = &store->v->geometry;
    unsigned i = extent_of(geometry, (uint32_t)number);
    prs_populate(store->base, &ssp->slot_territory[i],
                 geometry->page[i].slots_at + ((uint64_t)number - geometry->page[i].first + 1) * PRF_PAGE);
    return number;
}

int64_t prs_entry_take(struct prs_store *store)
{
    struct prs_ssp *ssp = &store->v->ssp;
    int64_t number = prs_bits_take(&ssp->entries);
    if (number < 0) {
        ssp->short_of_slots = true;
        return -ENOSPC;
    }
    const struct prs_geometry *geometry = &store->v->geometry;
    unsigned i = extent_of(geometry, (uint32_t)number);
    prs_populate(store->base, &ssp->entry_territory[i],
                 geometry->page[i].entries_at + ((uint64_t)number - geometry->page[i].first + 1) * sizeof(struct prf_entry));
    if (geometry->sums) {
        prs_populate(store->base, &ssp->sum_territory[i],
                     geometry->page[i].sums_at + ((uint64_t)number - geometry->page[i].first + 1) * sizeof(struct prf_page_sums));
    }
    return number;
}

/* True when a committed bitmap names the slot of that side. */
static bool names(const struct prs_entry_view *view, unsigned side) { return side == 0 ? view->bitmap != ~0ull : view->bitmap != 0; }

int prs_ssp_attach(struct prs_store *store)
{
    struct prs_store_volatile *v = store->v;
    struct prs_ssp *ssp = &v->ssp;
    if (v->record.entries_high > v->geometry.slots) {
        return prs_fail(PROSPER_E_DAMAGED, "the commit record counts %u page entries, there is room for %u", v->record.entries_high,
                        v->geometry.slots);
    }
    for (uint32_t number = 0; number < v->record.entries_high; ++number) {
        struct prs_entry_view view;
        const char *wrong = prs_entry_read(store, number, v->record.epoch, &view);
        if (wrong != 0) {
            return prs_fail(PROSPER_E_DAMAGED, "page entry %u: %s", number, wrong);
        }
        if (view.committed < 0 || view.state != PRF_PAGE_DATA) {
            continue;
        }
        for (unsigned side = 0; side < 2; ++side) {
            if (names(&view, side)) {
                if (prs_bits_test(&ssp->slots, view.slot[side] - 1)) {
                    return prs_fail(PROSPER_E_DAMAGED, "page entry %u: slot %u belongs to another page", number, view.slot[side] - 1);
                }
                prs_bits_set(&ssp->slots, view.slot[side] - 1);
            }
        }
        if (prs_index_find(&ssp->index, view.address) != 0) {
            return prs_fail(PROSPER_E_DAMAGED, "page entry %u: page %lx has another entry", number, view.address);
        }
        prs_bits_set(&ssp->entries, number);
        prs_index_put(&ssp->index, view.address, number);
        ++ssp->pages;
    }
    if (ssp->pages != v->record.pages) {
        return prs_fail(PROSPER_E_DAMAGED, "%lu pages have content, the commit record counts %lu", ssp->pages, v->record.pages);
    }
    ssp->entries.high = v->record.entries_high;
    return 0;
}

int prs_ssp_recover(struct prs_store *store)
{
    struct prs_store_volatile *v = store->v;
    struct prs_ssp *ssp = &v->ssp;
    for (uint32_t number = 0; number < v->record.entries_high; ++number) {
        struct prs_entry_view view;
        const char *wrong = prs_entry_read(store, number, v->record.epoch, &view);
        if (wrong != 0) {
            return prs_fail(PROSPER_E_DAMAGED, "page entry %u: %s", number, wrong);
        }
        struct prf_entry *entry = prs_entry_at(store, number);
        if (view.pending >= 0 && !PRS_PLANTED(recovery_keeps)) {
            PRS_WRITE(entry->word[view.pending].epoch_state, 0);
        }
        bool cleared = PRS_READ(entry->word[0].epoch_state) == 0 || PRS_READ(entry->word[1].epoch_state) == 0; /* P4 */
        if (view.pending >= 0 || (cleared && !PRS_PLANTED(cleared_unflushed))) {
            prs_store_flush(store, entry, sizeof *entry);
        }
        for (unsigned side = 0; side < 2 && view.beyond != 0 && !PRS_PLANTED(beyond_kept); ++side) {
            if (view.beyond >> side & 1) {
                PRS_WRITE(*(prs_slot_word *)&entry->slot[side], 0); /* E3 */
                prs_store_flush(store, entry, sizeof *entry);
            }
        }
        if (view.committed < 0 || view.state != PRF_PAGE_DATA) {
            continue;
        }
        for (unsigned side = 0; side < 2; ++side) {
            if (view.slot[side] == 0 || names(&view, side)) {
                continue;
            }
            if (!prs_bits_test(&ssp->slots, view.slot[side] - 1)) {
                prs_bits_set(&ssp->slots, view.slot[side] - 1);
            } else {
                PRS_WRITE(*(prs_slot_word *)&entry->slot[side], 0); /* P2 */
                prs_store_flush(store, entry, sizeof *entry);
            }
        }
    }
    prs_media_fence(store->media);
    return 0;
}

void prs_ssp_forget_all(struct prs_store *store)
{
    struct prs_ssp *ssp = &store->v->ssp;
    for (uint32_t number = 0; number < ssp->entries.high; ++number) {
        struct prs_entry_view view;
        if (prs_bits_test(&ssp->entries, number) && prs_entry_read(store, number, store->v->record.epoch, &view) == 0
            && view.address != 0) {
            prs_index_remove(&ssp->index, view.address);
        }
    }
    prs_fill(ssp->entries.words, 0, ((uint64_t)ssp->entries.high + 63) / 64 * 8);
    prs_fill(ssp->slots.words, 0, ((uint64_t)ssp->slots.high + 63) / 64 * 8);
    ssp->entries.used = ssp->entries.hint = ssp->entries.high = 0;
    ssp->slots.used = ssp->slots.hint = ssp->slots.high = 0;
    ssp->pages = 0;
    ssp->touched_count = 0;
}
