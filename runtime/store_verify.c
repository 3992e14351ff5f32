/* store_verify.c - every finding about a pool, one sentence each, without changing it: whatever attach says of it.
 *
 * Attach stops at the first damage; this goes on as far as what was found sound leads: root -> records -> log, page entries. A record stands at a fixed place
 * behind the root, so records are looked at although the root is damaged; log and entries need the root's extents and a record that counts.
 * What attach tolerates and this reports: a second copy that is not like the first. Leftovers of an interrupted epoch that recovery would clear are no findings
 * (any kill leaves them).
 *
 * Context: tools, normal context. What it needs of memory comes from the store's arena, or the kernel.
 */
#include "store_internal.h"

#define ENTRIES_NAMED 20 /* so many page entries are named one by one */

struct finder {
    void (*report)(void *context, const char *sentence);
    void *context;
    int findings;
};

__attribute__((format(printf, 2, 3))) static void found(struct finder *finder, const char *format, ...)
{
    char sentence[PRS_DETAIL_MAX + 64];
    __builtin_va_list args;
    __builtin_va_start(args, format);
    prs_vformat(sentence, sizeof sentence, format, args);
    __builtin_va_end(args);
    ++finder->findings;
    finder->report(finder->context, sentence);
}

/* True when there is a record that counts; it is in *record then. */
static bool verify_records(const uint8_t *root, struct prf_record *record, struct finder *finder)
{
    struct prs_commit_health health;
    int result = prs_commit_read(root, record, &health);
    char why[PRS_DETAIL_MAX];
    prs_format(why, sizeof why, "%s", prs_detail());
    prs_commit_health(root, &health);
    unsigned newest = result == 0 ? record->epoch & 1 : 2;
    for (unsigned parity = 0; parity < 2; ++parity) {
        for (unsigned copy = 0; copy < 2; ++copy) {
            /* A kill within the next commit leaves copy 0 of the other record torn; copy 1 is written only after copy 0 is whole. */
            bool torn_by_kill = result == 0 && (parity != newest ? copy == 0 : copy == 1);
            if (!health.valid[parity][copy]) {
                found(finder, "Commit record of %s epochs, copy %u of 2: checksum%s.", parity ? "odd" : "even", copy + 1,
                      torn_by_kill ? " (a kill within a commit leaves this too; the next start repairs it)" : "");
            }
        }
    }
    for (unsigned copy = 0; copy < 2; ++copy) {
        if (!health.mark_valid[copy]) {
            found(finder, "End mark, copy %u of 2: does not fit its inverse.", copy + 1);
        } else if (!prs_reason_fits(root, copy, health.mark[copy])) {
            found(finder, "Reason beside the end mark, copy %u of 2: checksum.", copy + 1);
        }
    }
    if (result != 0) {
        found(finder, "No epoch can be trusted to be the newest: %s.", why);
    }
    return result == 0;
}

/* The entries of `probe`, whose tables are empty before. */
static void verify_entries(const struct prs_store *probe, struct finder *finder)
{
    struct prs_store_volatile *v = probe->v;
    uint64_t pages = 0;
    int before = finder->findings, unnamed = 0;
    if (v->record.entries_high > v->geometry.slots) {
        found(finder, "The commit record counts %u page entries, there is room for %u.", v->record.entries_high, v->geometry.slots);
        return;
    }
    for (uint32_t number = 0; number < v->record.entries_high; ++number) {
        struct prs_entry_view view;
        const char *wrong = prs_entry_read(probe, number, v->record.epoch, &view);
        if (finder->findings - before >= ENTRIES_NAMED && wrong != 0) {
            ++unnamed;
            continue;
        }
        if (wrong != 0) {
            found(finder, "Page entry %u: %s.", number, wrong);
            continue;
        }
        if (view.committed < 0 || view.state != PRF_PAGE_DATA) {
            continue;
        }
        ++pages;
        if (!prs_sum_fits(probe, number, &view)) {
            if (finder->findings - before < ENTRIES_NAMED) {
                found(finder, "Page entry %u: the content of page %lx does not fit its checksum.", number, view.address);
            } else {
                ++unnamed;
            }
        }
        if (prs_index_find(&v->ssp.index, view.address) != 0) {
            found(finder, "Page entry %u: page %lx has another entry.", number, view.address);
        } else {
            prs_index_put(&v->ssp.index, view.address, number);
        }
        for (unsigned side = 0; side < 2; ++side) {
            bool named = side == 0 ? view.bitmap != ~0ull : view.bitmap != 0;
            if (named && prs_bits_test(&v->ssp.slots, view.slot[side] - 1)) {
                found(finder, "Page entry %u: slot %u belongs to another page.", number, view.slot[side] - 1);
            } else if (named) {
                prs_bits_set(&v->ssp.slots, view.slot[side] - 1);
            }
        }
    }
    if (unnamed > 0) {
        found(finder, "... and %d more page entries.", unnamed);
        finder->findings += unnamed - 1;
    }
    if (pages != v->record.pages && finder->findings == before) { /* else it is no finding of its own */
        found(finder, "%lu pages have content, the commit record counts %lu.", pages, v->record.pages);
    }
}

static bool has_tables(struct prs_store_volatile *v, struct prs_arena *arena)
{
    prs_sum_init(&v->ssp.sum);
    return prs_bits_init(&v->ssp.slots, arena, v->geometry.slots, v->geometry.slots) == 0 && prs_index_init(&v->ssp.index, arena, v->geometry.slots) == 0;
}

int prs_store_verify(const struct prs_store *store, void (*report)(void *context, const char *sentence), void *context)
{
    struct finder finder = {report, context, 0};
    struct prs_arena kernels = {0, 0}, *arena = store->v != 0 ? store->v->arena : &kernels;
    struct prs_store probe = {.base = store->base, .length = store->length, .media = store->media, .v = prs_arena_take(arena, sizeof *probe.v)};
    struct prf_root *root = prs_arena_take(arena, sizeof *root);
    uint64_t root_at;
    if (probe.v == 0 || root == 0) {
        found(&finder, "Not looked at: memory is short.");
        return finder.findings;
    }
    if (prs_root_place(store->base, store->length, store->length, &root_at) != 0) {
        found(&finder, "libpmemobj's header: %s.", prs_detail());
        return finder.findings;
    }
    struct prs_store_volatile *v = probe.v;
    v->arena = arena;
    prs_copy(root, store->base + root_at, sizeof *root);
    bool geometry = prs_root_check(root, root_at, store->length, &v->geometry) == 0;
    if (!geometry) {
        found(&finder, "Root structure: %s.", prs_detail());
        if (store->v != 0 && store->v->ssp.index.keys != 0) { /* it was sound when this store was attached */
            prs_copy(&v->geometry, &store->v->geometry, sizeof v->geometry);
            geometry = true;
        }
    }
    bool record = verify_records(store->base + root_at, &v->record, &finder);
    if (geometry && record && v->geometry.extensions == 0 && prs_extensions_add(&v->geometry, &v->record, store->base, store->length) != 0) {
        found(&finder, "Extensions: %s.", prs_detail());
        geometry = false;
    }
    if (!geometry || !record || !has_tables(v, arena)) {
        found(&finder, "Log and page entries were not looked at.");
        return finder.findings;
    }
    if (prs_deltalog_walk(&probe, &v->record, false, 0, 0) != 0) {
        found(&finder, "Delta log: %s.", prs_detail());
    }
    verify_entries(&probe, &finder);
    return finder.findings;
}
