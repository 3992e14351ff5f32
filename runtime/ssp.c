/* ssp.c - large memory: two slots for a page, the changed lines into the slot that the committed bitmap does not name.
 *
 * ALGORITHM for a page that may have changed, epoch n open, n-1 committed:
 *   no entry       all zero: nothing to do. Else: a slot, all 64 lines into it, an entry, word {n, DATA, bitmap 0}
 *   entry          compare with the committed lines; each that differs goes to the *other* slot; the word that is not the committed one
 *                  becomes {n, DATA, bitmap with those bits turned}; all zero: {n, ZERO}
 * The new bitmap is always made from the committed one, so seeing a page twice in one epoch, or after it was dropped, needs no care. Only where nothing differs from the
 * commit, a word of the open epoch that says the same content stays: it is that of lines that were moved.
 *
 * INVARIANT S1: while epoch n is open, no line that a committed bitmap names is written, and no committed word changes.
 * INVARIANT S2: each entry that has a word of epoch n is in touched[], once.
 * INVARIANT S4: a page is compared in full unless its caller names the lines that may have changed (prs_store_lines) and it has committed content and no word of
 *               epoch n yet: the bitmap of epoch n is made from the committed one, so a second call must see what the first one saw.
 * INVARIANT S5: a DATA word of the open epoch has its sum beside it, where pages have sums (page_sum.c, Z1).
 * INVARIANT S3: slots that a commit frees are taken again in a later epoch only.
 * Context: handler. No libc. Durable when: lines and words are flushed here, the fence is the commit's; an abort ends with its own fence, but on media that work by pages.
 */
#include "planted.h"
#include "store_internal.h"

#define LINES_ONE_BY_ONE 24
#define TOUCHED_AHEAD 16 /* entries of touched[] that are fetched before they are read */

static uint64_t open_epoch(const struct prs_store *store) { return store->v->record.epoch + 1; }

static void touch(struct prs_store *store, uint32_t number, const struct prs_entry_view *view)
{
    struct prs_ssp *ssp = &store->v->ssp;
    if (view->pending < 0) {
        PRS_ASSERT(ssp->touched_count < ssp->entries.count);
        ssp->touched[ssp->touched_count++] = number;
    }
}

static void write_word(struct prs_store *store, struct prf_entry *entry, uint64_t address, int which, unsigned state, uint64_t bitmap)
{
    uint64_t epoch_state = open_epoch(store) << 8 | state;
    PRS_WRITE(entry->word[which].epoch_state, PRS_PLANTED(word_backwards) ? epoch_state : 0);
    PRS_ORDER();
    PRS_WRITE(entry->word[which].bitmap, bitmap);
    PRS_WRITE(entry->check[which], prs_word_check(address | 1, epoch_state, bitmap));
    PRS_ORDER();
    PRS_WRITE(entry->word[which].epoch_state, epoch_state);
    if (!PRS_PLANTED(word_unflushed)) {
        prs_store_flush(store, entry, sizeof *entry);
    }
    store->v->bytes_meta += sizeof *entry;
}

/* S5, before its word is written. */
static bool has_sums(const struct prs_store *store) { return store->v->geometry.sums; }

static void sum_of_all(struct prs_store *store, uint32_t number, int which, const uint8_t *live)
{
    if (has_sums(store)) {
        prs_sum_write(store, number, which, prs_sum_page(&store->v->ssp.sum, live));
    }
}

static void sum_as_committed(struct prs_store *store, uint32_t number, int which, const struct prs_entry_view *view)
{
    if (has_sums(store) && !PRS_PLANTED(sum_left)) {
        prs_sum_write(store, number, which, prs_sum_read(store, number, view->committed));
    }
}

/* The word that is free for the open epoch. */
static int free_word(const struct prs_entry_view *view)
{
    return PRS_PLANTED(word_in_place) && view->committed >= 0 ? view->committed : view->committed == 0 ? 1 : 0;
}

static void write_slot_name(struct prf_entry *entry, uint64_t address, unsigned side, uint32_t slot)
{
    struct prf_slot_name name = {0, 0};
    if (slot != 0) {
        name = prs_slot_name(address | 1, side, slot);
    }
    PRS_WRITE(*(prs_slot_word *)&entry->slot[side], (uint64_t)name.check << 32 | name.slot);
}

/* Lines of `mask` from `from` to the slot, in runs. */
static void write_lines(struct prs_store *store, uint32_t slot, const uint8_t *from, uint64_t mask)
{
    uint8_t *to = prs_slot_at(store, slot - 1);
    while (mask != 0) {
        unsigned first = (unsigned)__builtin_ctzll(mask);
        uint64_t rest = ~(mask >> first);
        unsigned count = rest == 0 ? 64 : (unsigned)__builtin_ctzll(rest);
        count = count > 64 - first ? 64 - first : count;
        if (PRS_PLANTED(lines_unflushed)) {
            prs_copy(to + 64ul * first, from + 64ul * first, 64ul * count);
        } else {
            prs_media_lines(store->media, to + 64ul * first, from + 64ul * first, count);
        }
        store->v->bytes_lines += 64ull * count;
        store->v->lines_flushed += count;
        mask &= first + count == 64 ? 0 : ~0ull << (first + count);
    }
}

static int drop(struct prs_store *store, uint32_t number, const struct prs_entry_view *view)
{
    if (view->pending >= 0 && view->pending_state == PRF_PAGE_ZERO) {
        return 0;
    }
    touch(store, number, view);
    write_word(store, prs_entry_at(store, number), view->address, free_word(view), PRF_PAGE_ZERO, 0);
    for (unsigned side = 0; PRS_PLANTED(slot_early) && side < 2; ++side) {
        if (view->slot[side] != 0 && prs_bits_test(&store->v->ssp.slots, view->slot[side] - 1)) {
            prs_bits_clear(&store->v->ssp.slots, view->slot[side] - 1);
        }
    }
    store->v->ssp.written = 1;
    return 1;
}

static unsigned zero_lines(const uint8_t *live)
{
    unsigned zero = 0;
    for (unsigned line = 0; line < 64; ++line) {
        zero += prs_line_zero(live + 64ul * line);
    }
    return zero;
}

static int new_page(struct prs_store *store, uint64_t address, const uint8_t *live)
{
    struct prs_ssp *ssp = &store->v->ssp;
    int64_t slot = prs_slot_take(store);
    if (slot < 0) {
        return -ENOSPC;
    }
    int64_t number = prs_entry_take(store);
    if (number < 0) {
        prs_bits_clear(&ssp->slots, (uint32_t)slot);
        return -ENOSPC;
    }
    write_lines(store, (uint32_t)slot + 1, live, ~0ull);
    store->v->zero_lines += zero_lines(live);
    ssp->written = ~0ull;
    struct prf_entry *entry = prs_entry_at(store, (uint32_t)number);
    PRS_WRITE(entry->address, PRS_PLANTED(address_early) ? address | 1 : 0);
    PRS_ORDER();
    PRS_WRITE(entry->word[0].epoch_state, 0);
    PRS_WRITE(entry->word[1].epoch_state, 0);
    PRS_ORDER();
    write_slot_name(entry, address, 0, (uint32_t)slot + 1);
    write_slot_name(entry, address, 1, 0);
    PRS_ORDER();
    PRS_WRITE(entry->address, address | 1);
    PRS_ORDER();
    struct prs_entry_view fresh = {.committed = -1, .pending = -1};
    touch(store, (uint32_t)number, &fresh);
    sum_of_all(store, (uint32_t)number, 0, live);
    write_word(store, entry, address, 0, PRF_PAGE_DATA, 0);
    prs_index_put(&ssp->index, address, (uint32_t)number);
    return 64;
}

/* Makes sure that the entry has a slot on that side. */
static int need_slot(struct prs_store *store, struct prf_entry *entry, struct prs_entry_view *view, unsigned side)
{
    if (view->slot[side] != 0) {
        return 0;
    }
    int64_t slot = prs_slot_take(store);
    if (slot < 0) {
        return -ENOSPC;
    }
    view->slot[side] = (uint32_t)slot + 1;
    write_slot_name(entry, view->address, side, view->slot[side]);
    prs_store_flush(store, entry, sizeof *entry);
    return 0;
}

/* The lines of `of` that differ. Few of them: one by one, so that the others are not even read. */
static uint64_t differing(const struct prs_ssp *ssp, const uint8_t *live, const uint8_t *const side[2], uint64_t bitmap, uint64_t of)
{
    if (__builtin_popcountll(of) > LINES_ONE_BY_ONE) {
        return of & ssp->differ(live, side[0], side[1], bitmap);
    }
    uint64_t differ = 0;
    for (uint64_t left = of; left != 0; left &= left - 1) {
        unsigned line = (unsigned)__builtin_ctzll(left);
        differ |= (uint64_t)prs_line_differs(live + 64ul * line, side[bitmap >> line & 1] + 64ul * line) << line;
    }
    return differ;
}

/* The word of the open epoch says what is live: nothing is to be written, and lines that this epoch moved (ssp_scarce.c) stay where they went. */
static bool pending_has(const struct prs_store *store, uint32_t number, const struct prs_entry_view *view, const uint8_t *live, const uint8_t *const side[2])
{
    return view->pending_state == PRF_PAGE_DATA && store->v->ssp.differ(live, side[0], side[1], PRS_READ(prs_entry_at(store, number)->word[view->pending].bitmap)) == 0;
}

int prs_ssp_page(struct prs_store *store, uint64_t address, const void *live_page, enum prs_ssp_write which, uint64_t lines)
{
    const uint8_t *live = live_page;
    struct prs_ssp *ssp = &store->v->ssp;
    uint32_t found = prs_index_find(&ssp->index, address);
    if (found == 0) {
        return prs_lines_zero(live) ? 0 : new_page(store, address, live);
    }
    uint32_t number = found - 1;
    struct prf_entry *entry = prs_entry_at(store, number);
    struct prs_entry_view view;
    const char *wrong = prs_entry_read(store, number, store->v->record.epoch, &view);
    if (wrong != 0 || view.address != address) {
        return prs_fail(PROSPER_E_DAMAGED, "page entry %u: %s", number, wrong != 0 ? wrong : "changed under us");
    }
    if (view.committed < 0) { /* new in this epoch, and seen before in it */
        if (prs_lines_zero(live)) {
            return drop(store, number, &view);
        }
        write_lines(store, view.slot[0], live, ~0ull);
        ssp->written = ~0ull;
        sum_of_all(store, number, 0, live);
        write_word(store, entry, address, 0, PRF_PAGE_DATA, 0);
        return 64;
    }
    const uint8_t *side[2];
    for (unsigned i = 0; i < 2; ++i) {
        side[i] = view.slot[i] != 0 ? prs_slot_at(store, view.slot[i] - 1) : 0;
    }
    if (view.pending >= 0) {
        lines = ~0ull; /* seen before in this epoch, perhaps for other lines (S4) */
    }
    uint64_t mask = which == PRS_SSP_ALL ? ~0ull : differing(ssp, live, side, view.bitmap, lines);
    mask = mask != 0 && which == PRS_SSP_ALL_IF_CHANGED ? ~0ull : mask;
    if (mask != 0 && prs_line_zero(live + PRF_LINE * (unsigned)__builtin_ctzll(mask)) && prs_lines_zero(live)) {
        return drop(store, number, &view);
    }
    if (mask == 0) {
        if (view.pending >= 0 && !pending_has(store, number, &view, live, side)) {
            sum_as_committed(store, number, free_word(&view), &view);
            write_word(store, entry, address, free_word(&view), PRF_PAGE_DATA, view.bitmap);
        }
        return 0;
    }
    uint64_t to[2] = {mask & view.bitmap, mask & ~view.bitmap};
    for (unsigned i = 0; i < 2; ++i) {
        if (to[i] != 0 && need_slot(store, entry, &view, i) != 0) {
            return -ENOSPC;
        }
    }
    for (unsigned i = 0; i < 2; ++i) {
        if (to[i] != 0) {
            write_lines(store, view.slot[i], live, to[i]);
        }
    }
    touch(store, number, &view);
    ssp->written = mask;
    if (lines == ~0ull || mask == ~0ull) {
        sum_of_all(store, number, free_word(&view), live);
    } else if (has_sums(store)) { /* the others may differ (stack_ssp.c, Y1), or cost more to read than they are worth */
        prs_sum_write(store, number, free_word(&view), prs_sum_changed(&ssp->sum, prs_sum_read(store, number, view.committed), live, side, view.bitmap, mask));
    }
    write_word(store, entry, address, free_word(&view), PRF_PAGE_DATA, view.bitmap ^ mask);
    return __builtin_popcountll(mask);
}

unsigned prs_ssp_gather_side(uint64_t bitmap) { return __builtin_popcountll(bitmap) >= 32 ? 1 : 0; }

void prs_ssp_gather_one(struct prs_store *store, uint32_t number, const struct prs_entry_view *view)
{
    unsigned to = prs_ssp_gather_side(view->bitmap);
    uint64_t mask = to == 1 ? ~view->bitmap : view->bitmap; /* lines that are on the other side */
    write_lines(store, view->slot[to], prs_slot_at(store, view->slot[1 - to] - 1), mask);
    store->v->ssp.lines_gathered += (unsigned)__builtin_popcountll(mask);
    ++store->v->ssp.pages_gathered;
    prs_ssp_gathered(store, number, view, to);
}

void prs_ssp_gathered(struct prs_store *store, uint32_t number, const struct prs_entry_view *view, unsigned to)
{
    struct prf_entry *entry = prs_entry_at(store, number);
    uint64_t bitmap = to == 1 ? ~0ull : 0;
    if (view->pending >= 0) { /* changed in this epoch too: its changed lines stay where they went, the others are on side `to` */
        uint64_t pending = PRS_READ(entry->word[view->pending].bitmap);
        if (view->pending_state != PRF_PAGE_DATA) {
            return;
        }
        bitmap = to == 1 ? pending | ~view->bitmap : pending & ~view->bitmap;
    } else {
        sum_as_committed(store, number, free_word(view), view);
    }
    touch(store, number, view);
    write_word(store, entry, view->address, free_word(view), PRF_PAGE_DATA, bitmap);
}

static int drop_number(struct prs_store *store, uint64_t address, uint32_t number)
{
    struct prs_entry_view view;
    const char *wrong = prs_entry_read(store, number, store->v->record.epoch, &view);
    if (wrong != 0 || view.address != address) {
        return prs_fail(PROSPER_E_DAMAGED, "page entry %u: %s", number, wrong != 0 ? wrong : "changed under us");
    }
    return drop(store, number, &view);
}

int prs_ssp_drop(struct prs_store *store, uint64_t address)
{
    uint32_t found = prs_index_find(&store->v->ssp.index, address);
    return found == 0 ? 0 : drop_number(store, address, found - 1);
}

static int drop_visit(void *context, uint64_t address, uint32_t number)
{
    int result = drop_number(context, address, number);
    return result < 0 ? result : 0;
}

int prs_ssp_range_drop(struct prs_store *store, uint64_t start, uint64_t end)
{
    return prs_index_range(&store->v->ssp.index, start, end, drop_visit, store);
}

static void free_entry(struct prs_store *store, uint32_t number, const struct prs_entry_view *view)
{
    struct prs_ssp *ssp = &store->v->ssp;
    for (unsigned side = 0; side < 2; ++side) {
        if (view->slot[side] != 0 && !(PRS_PLANTED(slot_early) && !prs_bits_test(&ssp->slots, view->slot[side] - 1))) {
            prs_bits_clear(&ssp->slots, view->slot[side] - 1);
        }
    }
    prs_index_remove(&ssp->index, view->address);
    prs_bits_clear(&ssp->entries, number);
}

static void fetch_touched(const struct prs_store *store, uint32_t i)
{
    if (i < store->v->ssp.touched_count) {
        __builtin_prefetch(prs_entry_at(store, store->v->ssp.touched[i]));
    }
}

uint64_t prs_ssp_pages_after(const struct prs_store *store)
{
    const struct prs_ssp *ssp = &store->v->ssp;
    uint64_t pages = ssp->pages;
    for (uint32_t i = 0; i < ssp->touched_count; ++i) {
        struct prs_entry_view view;
        fetch_touched(store, i + TOUCHED_AHEAD);
        const char *wrong = prs_entry_read(store, ssp->touched[i], store->v->record.epoch, &view);
        PRS_ASSERT(wrong == 0 && view.pending >= 0);
        pages += view.pending_state == PRF_PAGE_DATA;
        pages -= view.committed >= 0;
    }
    return pages;
}

bool prs_ssp_sweep(struct prs_store *store, bool zeros)
{
    const struct prs_ssp *ssp = &store->v->ssp;
    bool any = false;
    for (uint32_t i = 0; i < ssp->touched_count; ++i) {
        fetch_touched(store, i + TOUCHED_AHEAD);
        any |= prs_entry_sweep(store, ssp->touched[i], zeros);
    }
    return any;
}

/* What the sweep has left of an entry whose page the epoch dropped. */
static void view_of_swept(const struct prs_store *store, uint32_t number, struct prs_entry_view *view)
{
    const struct prf_entry *entry = prs_entry_at(store, number);
    PRS_ASSERT(entry->word[0].epoch_state == 0 && entry->word[1].epoch_state == 0);
    view->address = entry->address & ~1ull;
    view->state = PRF_PAGE_ZERO;
    for (unsigned side = 0; side < 2; ++side) {
        view->slot[side] = entry->slot[side].slot;
    }
}

void prs_ssp_committed(struct prs_store *store, uint64_t pages)
{
    struct prs_ssp *ssp = &store->v->ssp;
    for (uint32_t i = 0; i < ssp->touched_count; ++i) {
        struct prs_entry_view view;
        fetch_touched(store, i + TOUCHED_AHEAD);
        const char *wrong = prs_entry_read(store, ssp->touched[i], store->v->record.epoch, &view);
        PRS_ASSERT(wrong == 0 && (view.committed >= 0 || store->media->by_pages));
        if (view.committed < 0) {
            view_of_swept(store, ssp->touched[i], &view);
        }
        if (view.state == PRF_PAGE_ZERO) {
            free_entry(store, ssp->touched[i], &view);
        }
    }
    ssp->pages = pages;
    ssp->touched_count = 0;
}

void prs_ssp_abort(struct prs_store *store)
{
    struct prs_ssp *ssp = &store->v->ssp;
    for (uint32_t i = 0; i < ssp->touched_count; ++i) {
        uint32_t number = ssp->touched[i];
        struct prf_entry *entry = prs_entry_at(store, number);
        struct prs_entry_view view;
        const char *wrong = prs_entry_read(store, number, store->v->record.epoch, &view);
        PRS_ASSERT(wrong == 0 && view.pending >= 0);
        PRS_WRITE(entry->word[view.pending].epoch_state, 0);
        if (!PRS_PLANTED(abort_unflushed)) {
            prs_store_flush(store, entry, sizeof *entry);
        }
        if (view.committed < 0) {
            free_entry(store, number, &view);
        }
    }
    ssp->touched_count = 0;
    if (!store->media->by_pages) { /* there, P5 of ssp_space.c takes words of this very epoch for what they are, and the fence would take the time of the disk */
        prs_media_fence(store->media);
    }
}
