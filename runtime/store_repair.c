/* store_repair.c - makes a damaged pool whole again, as far as what is lost stands somewhere else or does not count. On a copy: tools never write into a pool.
 *
 * REPAIRED                                                       FROM
 *   a copy of a commit record, of the mark, of its reason         its twin
 *   a word of a page entry, where the other one is of the         nothing: no older word counts, and a newer one belongs to an epoch that
 *   committed epoch                                                was never committed
 *   the name of a slot that the committed bitmap does not use     nothing: such a slot has no content
 *
 * NOT REPAIRED, and refused: the root, the header of an extension, both copies of a record or of the mark, the log, whatever else counts in a page entry, the content of a page. An older epoch never stands in
 * for the newest one: what it names may be overwritten (commit.c).
 *
 * Context: tools, normal context.
 */
#include "store_internal.h"

struct mender {
    void (*report)(void *context, const char *sentence);
    void *context;
};

__attribute__((format(printf, 2, 3))) static void mended(const struct mender *mender, const char *format, ...)
{
    char sentence[PRS_DETAIL_MAX];
    __builtin_va_list args;
    __builtin_va_start(args, format);
    prs_vformat(sentence, sizeof sentence, format, args);
    __builtin_va_end(args);
    mender->report(mender->context, sentence);
}

static void mend_twins(uint8_t *root, const struct mender *mender)
{
    struct prs_commit_health health;
    prs_commit_health(root, &health);
    for (unsigned copy = 0; copy < 2; ++copy) {
        for (unsigned parity = 0; parity < 2; ++parity) {
            if (!health.valid[parity][copy] && health.valid[parity][1 - copy]) {
                prs_copy(root + PRF_RECORD_AT(parity, copy), root + PRF_RECORD_AT(parity, 1 - copy), sizeof(struct prf_record));
                mended(mender, "Commit record of %s epochs, copy %u of 2: from its twin.", parity ? "odd" : "even", copy + 1);
            }
        }
        if (!health.mark_valid[copy] && health.mark_valid[1 - copy]) {
            prs_copy(root + PRF_MARK_AT(copy), root + PRF_MARK_AT(1 - copy), sizeof(struct prf_mark));
            mended(mender, "End mark, copy %u of 2: from its twin.", copy + 1);
        }
        uint64_t mark = prs_mark_value(&health);
        if (!prs_reason_fits(root, copy, mark) && prs_reason_fits(root, 1 - copy, mark)) {
            prs_copy(root + PRF_REASON_AT(copy), root + PRF_REASON_AT(1 - copy), sizeof(struct prf_reason));
            mended(mender, "Reason beside the end mark, copy %u of 2: from its twin.", copy + 1);
        }
    }
}

static bool word_whole(const struct prf_entry *entry, unsigned i)
{
    return entry->check[i] == prs_word_check(entry->address, entry->word[i].epoch_state, entry->word[i].bitmap);
}

static bool slot_whole(const struct prs_store *store, const struct prf_entry *entry, unsigned side)
{
    const struct prf_slot_name *name = &entry->slot[side];
    return (name->slot == 0 && name->check == 0) ||
           (name->slot != 0 && (name->slot <= store->v->geometry.slots || store->v->geometry.grows) && name->check == prs_slot_name(entry->address, side, name->slot).check);
}

static void mend_entry(const struct prs_store *store, uint32_t number, const struct mender *mender)
{
    struct prf_entry *entry = prs_entry_at(store, number);
    uint64_t newest = store->v->record.epoch;
    for (unsigned i = 0; i < 2; ++i) {
        const struct prf_page_word *counts = &entry->word[i];
        if (entry->address == 0 || !word_whole(entry, i) || counts->epoch_state >> 8 != newest) {
            continue;
        }
        if (entry->word[1 - i].epoch_state != 0 && !word_whole(entry, 1 - i)) {
            entry->word[1 - i].epoch_state = 0;
            mended(mender, "Page entry %u: the word that does not count is cleared.", number);
        }
        for (unsigned side = 0; side < 2; ++side) {
            bool named = (counts->epoch_state & 0xff) == PRF_PAGE_DATA && (side == 0 ? counts->bitmap != ~0ull : counts->bitmap != 0);
            if (!named && !slot_whole(store, entry, side)) {
                entry->slot[side] = (struct prf_slot_name){0, 0};
                mended(mender, "Page entry %u: the name of a slot without content is cleared.", number);
            }
        }
        return;
    }
}

int prs_store_repair(void *base, uint64_t length, struct prs_arena *arena, void (*report)(void *context, const char *sentence), void *context)
{
    const struct mender mender = {report, context};
    struct prs_store store = {.base = base, .length = length, .media = &prs_media_none};
    struct prs_commit_health health;
    uint64_t root_at, wrong;
    int result = prs_root_place(base, length, length, &root_at);
    store.v = prs_arena_take(arena, sizeof *store.v);
    if (store.v == 0) {
        return -ENOMEM;
    }
    result = result != 0 ? result : prs_root_check((const struct prf_root *)(store.base + root_at), root_at, length, &store.v->geometry);
    if (result != 0) {
        return result;
    }
    uint8_t *root = prs_root_bytes(&store);
    mend_twins(root, &mender);
    result = prs_commit_read(root, &store.v->record, &health);
    if (result != 0) {
        return result;
    }
    result = prs_extensions_add(&store.v->geometry, &store.v->record, store.base, length);
    if (result != 0) {
        return result;
    }
    for (uint32_t number = 0; number < store.v->record.entries_high && number < store.v->geometry.slots; ++number) {
        mend_entry(&store, number, &mender);
    }
    result = prs_store_attach(&store, base, length, &prs_media_none, arena);
    result = result != 0 ? result : prs_store_pages_check(&store, &wrong);
    return result != 0 ? result : prs_store_recover(&store);
}
