/* store_verify.c - every finding about a pool, one sentence each, without changing it.
 *
 * Context: tools, normal context; the pool has been attached, so what attach refuses is not found here again unless it changed since.
 * What attach tolerates and this reports: a second copy that is not like the first, leftovers of an interrupted epoch that recovery would
 * clear are no findings (any kill leaves them).
 */
#include "store_internal.h"

struct finder {
    void (*report)(void *context, const char *sentence);
    void *context;
    int findings;
};

__attribute__((format(printf, 2, 3))) static void found(struct finder *finder, const char *format, ...)
{
    char sentence[256];
    __builtin_va_list args;
    __builtin_va_start(args, format);
    prs_vformat(sentence, sizeof sentence, format, args);
    __builtin_va_end(args);
    ++finder->findings;
    finder->report(finder->context, sentence);
}

static void verify_records(const struct prs_store *store, struct finder *finder)
{
    struct prf_record record;
    struct prs_commit_health health;
    if (prs_commit_read(prs_root_bytes(store), &record, &health) != 0) {
        found(finder, "Commit records: %s.", prs_detail());
        return;
    }
    unsigned newest = record.epoch & 1;
    for (unsigned parity = 0; parity < 2; ++parity) {
        for (unsigned copy = 0; copy < 2; ++copy) {
            /* A kill within the next commit leaves copy 0 of the other record torn; copy 1 is written only after copy 0 is whole. */
            bool torn_by_kill = parity != newest ? copy == 0 : copy == 1;
            if (!health.valid[parity][copy]) {
                found(finder, "Commit record of %s epochs, copy %u of 2: checksum%s.", parity ? "odd" : "even", copy + 1,
                      torn_by_kill ? " (a kill within a commit leaves this too; the next start repairs it)" : "");
            }
        }
    }
    for (unsigned copy = 0; copy < 2; ++copy) {
        if (!health.mark_valid[copy]) {
            found(finder, "End mark, copy %u of 2: does not fit its inverse.", copy + 1);
        }
    }
}

static void verify_entries(const struct prs_store *store, struct finder *finder)
{
    const struct prs_store_volatile *v = store->v;
    uint64_t pages = 0;
    for (uint32_t number = 0; number < v->record.entries_high; ++number) {
        struct prs_entry_view view;
        const char *wrong = prs_entry_read(store, number, v->record.epoch, &view);
        if (wrong != 0) {
            found(finder, "Page entry %u: %s.", number, wrong);
            continue;
        }
        if (view.committed < 0 || view.state != PRF_PAGE_DATA) {
            continue;
        }
        ++pages;
        if (prs_index_find(&store->v->ssp.index, view.address) != number + 1) {
            found(finder, "Page entry %u: page %lx has another entry.", number, view.address);
        }
        for (unsigned side = 0; side < 2; ++side) {
            bool named = side == 0 ? view.bitmap != ~0ull : view.bitmap != 0;
            if (named && !prs_bits_test(&v->ssp.slots, view.slot[side] - 1)) {
                found(finder, "Page entry %u: slot %u is not taken.", number, view.slot[side] - 1);
            }
        }
    }
    if (pages != v->record.pages) {
        found(finder, "%lu pages have content, the commit record counts %lu.", pages, v->record.pages);
    }
}

int prs_store_verify(const struct prs_store *store, void (*report)(void *context, const char *sentence), void *context)
{
    struct finder finder = {report, context, 0};
    struct prs_geometry geometry;
    struct prf_root root;
    prs_copy(&root, prs_root_bytes(store), sizeof root);
    if (prs_root_check(&root, store->v->geometry.root_at, store->length, &geometry) != 0) {
        found(&finder, "Root structure: %s.", prs_detail());
    }
    verify_records(store, &finder);
    if (prs_deltalog_walk(store, &store->v->record, false, 0, 0) != 0) {
        found(&finder, "Delta log: %s.", prs_detail());
    }
    verify_entries(store, &finder);
    return finder.findings;
}
