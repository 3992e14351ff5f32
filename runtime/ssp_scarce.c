/* ssp_scarce.c - giving slots back: of pages that went cold, a few at a time; and many when slots run short.
 *
 * A page that changes now and then ends up with two slots, half used. Two steps make one of them free:
 *   release   the committed bitmap is all 0 or all 1: the other slot has no content. Its name is taken out of the entry at once
 *   gather    the bitmap is mixed: the fewer lines are copied to the other slot, as pseudo-dirty lines of an ordinary epoch; after its
 *   commit the page can be released. There is no second protocol: a kill in between leaves the committed bitmap as it was
 *
 * CALM. Every epoch looks at CALM_SCAN entries, in turn, if more than an eighth of the pages have two slots. A page that has not changed for PRS_CALM_COLD commits is gathered, and
 * released before the next epoch. It is limited in two ways: PRS_CALM_PAGES pages an epoch (so that no stop grows by more than some 20 us), and one line moved for PRS_CALM_SHARE
 * lines written since attach (so that bytes stored stay below 1.04 of dirty ones, whatever the program does). docs/decisions/consolidation.md has the figures.
 *
 * INVARIANT G3: calm gathering leaves lines_gathered * PRS_CALM_SHARE <= lines written, which they are among.
 * INVARIANT G1: release changes entries only while no epoch is open (so that no pending bitmap names the slot).
 * INVARIANT G2: gather writes only lines that the committed bitmap does not name (S1 of ssp.c).
 * Context: handler, at the beginning of an epoch. No libc. Durable when: a release is flushed here and fenced by the next commit, before
 * which no committed bitmap names the slot anew (what a power cut in between leaves is P2 of ssp_space.c).
 */
#include "planted.h"
#include "store_internal.h"

#define GATHER_COLD_EPOCHS 16u /* a page that has not changed for so long is cold */
#define SCAN_MAX 65536u        /* entries looked at in one go: some 5 ms */

#define CALM_SCAN 128u

static uint32_t slots_free(const struct prs_ssp *ssp) { return ssp->slots.count - ssp->slots.used; }

static bool view_committed(const struct prs_store *store, uint32_t number, struct prs_entry_view *view)
{
    return prs_bits_test(&store->v->ssp.entries, number) && prs_entry_read(store, number, store->v->record.epoch, view) == 0
           && view->committed >= 0 && view->state == PRF_PAGE_DATA;
}

static void give_back(struct prs_store *store, uint32_t number, const struct prs_entry_view *view, unsigned empty)
{
    struct prf_entry *entry = prs_entry_at(store, number);
    PRS_WRITE(*(prs_slot_word *)&entry->slot[empty], 0);
    prs_store_flush(store, entry, sizeof *entry);
    if (!PRS_PLANTED(calm_early) || prs_bits_test(&store->v->ssp.slots, view->slot[empty] - 1)) {
        prs_bits_clear(&store->v->ssp.slots, view->slot[empty] - 1);
    }
    ++store->v->ssp.slots_released;
}

bool prs_ssp_release_one(struct prs_store *store, uint32_t number)
{
    struct prs_entry_view view;
    PRS_ASSERT(!store->v->writing); /* G1 */
    if (!view_committed(store, number, &view) || (view.bitmap != 0 && view.bitmap != ~0ull)) {
        return false;
    }
    unsigned empty = view.bitmap == 0 ? 1 : 0;
    if (view.slot[empty] == 0) {
        return false;
    }
    give_back(store, number, &view, empty);
    return true;
}

uint32_t prs_ssp_release(struct prs_store *store, uint32_t want, uint32_t scan_max)
{
    struct prs_ssp *ssp = &store->v->ssp;
    PRS_ASSERT(ssp->touched_count == 0);
    uint32_t high = ssp->entries.high, released = 0;
    for (uint32_t seen = 0; seen < high && seen < scan_max && released < want; ++seen) {
        uint32_t number = ssp->release_hand < high ? ssp->release_hand : 0;
        ssp->release_hand = number + 1;
        released += prs_ssp_release_one(store, number);
    }
    return released;
}

uint32_t prs_ssp_gather(struct prs_store *store, uint32_t pages_max, bool hot_too, uint32_t scan_max)
{
    struct prs_ssp *ssp = &store->v->ssp;
    uint64_t epoch = store->v->record.epoch;
    uint32_t high = ssp->entries.high, gathered = 0;
    for (uint32_t seen = 0; seen < high && seen < scan_max && gathered < pages_max; ++seen) {
        uint32_t number = ssp->gather_hand < high ? ssp->gather_hand : 0;
        ssp->gather_hand = number + 1;
        struct prs_entry_view view;
        if (!view_committed(store, number, &view) || view.pending >= 0 || view.bitmap == 0 || view.bitmap == ~0ull
            || (!hot_too && epoch - view.epoch < GATHER_COLD_EPOCHS)) {
            continue;
        }
        prs_ssp_gather_one(store, number, &view);
        ++gathered;
    }
    return gathered;
}

/* An epoch that changes nothing but where lines are. Returns false when the log has no room for it. */
static bool gather_epoch(struct prs_store *store, uint32_t *gathered)
{
    bool full;
    if (!prs_deltalog_has_room(store) || prs_deltalog_begin(store, 0, false, &full) != 0 || full) {
        return false;
    }
    store->v->writing = true;
    *gathered = prs_ssp_gather(store, UINT32_MAX, true, UINT32_MAX);
    return prs_store_commit(store) == 0;
}

static bool is_mixed(const struct prs_entry_view *view) { return view->bitmap != 0 && view->bitmap != ~0ull; }

/* No epoch is open (G1): releases what the last one gathered, and chooses for the next one. */
static void calm_choose(struct prs_store *store)
{
    struct prs_ssp *ssp = &store->v->ssp;
    for (uint32_t i = 0; i < ssp->calm_count; ++i) {
        struct prs_entry_view view;
        if (PRS_PLANTED(calm_trusted) && view_committed(store, ssp->calm[i], &view) && view.slot[0] != 0 && view.slot[1] != 0) {
            give_back(store, ssp->calm[i], &view, 1 - prs_ssp_gather_side(view.bitmap));
        } else {
            prs_ssp_release_one(store, ssp->calm[i]); /* not if that epoch was given up, or the page changed in it: its bitmap is mixed */
        }
    }
    ssp->calm_count = 0;
    if (ssp->slots.used <= ssp->pages + ssp->pages / 8 + ssp->calm_limits.spare) {
        return;
    }
    uint64_t epoch = store->v->record.epoch;
    uint32_t high = ssp->entries.high;
    for (uint32_t seen = 0; seen < high && seen < CALM_SCAN && ssp->calm_count < PRS_CALM_PAGES; ++seen) {
        uint32_t number = ssp->calm_hand < high ? ssp->calm_hand : 0;
        ssp->calm_hand = number + 1;
        struct prs_entry_view view;
        if (!view_committed(store, number, &view) || view.slot[0] == 0 || view.slot[1] == 0 || epoch - view.epoch < ssp->calm_limits.cold) {
            continue;
        }
        if (is_mixed(&view)) {
            ssp->calm[ssp->calm_count++] = number;
        } else {
            prs_ssp_release_one(store, number);
        }
    }
}

static void calm_gather(struct prs_store *store)
{
    struct prs_ssp *ssp = &store->v->ssp;
    uint32_t gathered = 0;
    for (uint32_t i = 0; i < ssp->calm_count; ++i) {
        struct prs_entry_view view;
        if (!view_committed(store, ssp->calm[i], &view) || view.pending >= 0 || !is_mixed(&view)) {
            continue; /* gathered for want of slots meanwhile */
        }
        unsigned ones = (unsigned)__builtin_popcountll(view.bitmap), moved = ones < 32 ? ones : 64 - ones;
        if ((ssp->lines_gathered + moved) * ssp->calm_limits.share > store->v->bytes_lines / PRF_LINE) {
            break; /* G3 */
        }
        prs_ssp_gather_one(store, ssp->calm[i], &view);
        if (PRS_PLANTED(calm_early)) {
            prs_bits_clear(&ssp->slots, view.slot[1 - prs_ssp_gather_side(view.bitmap)] - 1);
        }
        ssp->calm[gathered++] = ssp->calm[i];
    }
    ssp->calm_count = gathered;
}

void prs_ssp_make_room(struct prs_store *store)
{
    struct prs_ssp *ssp = &store->v->ssp;
    uint32_t low = ssp->slots.count / 16 + 1;
    if (ssp->short_of_slots && (store->v->record.flags & PRF_RECORD_CONTENT)) {
        /* An epoch has just been given up for want of slots; whatever the next one needs must be there before it begins. */
        uint32_t gathered = 0;
        prs_ssp_release(store, UINT32_MAX, UINT32_MAX);
        if (slots_free(ssp) < ssp->slots.count / 2 && gather_epoch(store, &gathered) && gathered > 0) {
            prs_ssp_release(store, UINT32_MAX, UINT32_MAX);
        }
        ssp->short_of_slots = false;
    } else if (slots_free(ssp) < low) {
        prs_ssp_release(store, low, SCAN_MAX);
    }
    if (!store->v->sealed) { /* else that epoch has failed: T4 of store.c */
        calm_choose(store);
    }
}

void prs_ssp_gather_some(struct prs_store *store)
{
    struct prs_ssp *ssp = &store->v->ssp;
    if (slots_free(ssp) < ssp->slots.count / 8) {
        prs_ssp_gather(store, 256, false, SCAN_MAX / 16);
    }
    calm_gather(store);
}
