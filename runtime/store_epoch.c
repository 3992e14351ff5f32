/* store_epoch.c - an epoch of the store, from begin to its end: commit, in one or in its three steps, or abort (store.h; states and invariants T1, T2, T4: store.c).
 *
 * Context: the handler; publish also a task that has the store for itself (durable.c). No libc, no allocation.
 * Durable when: prs_store_commit, or prs_store_publish, returns 0.
 */
#include "store_internal.h"
#include "planted.h"

void prs_name_extensions(struct prf_record *record, struct prs_store_volatile *v)
{
    record->extensions = v->geometry.extensions;
    record->extension_crc = v->geometry.extensions != 0 ? v->geometry.extension_crc : 0;
    if (PRS_PLANTED(extension_late)) {
        record->extensions = v->extensions_late;
        record->extension_crc = v->extension_crc_late;
        v->extensions_late = v->geometry.extensions;
        v->extension_crc_late = v->geometry.extensions != 0 ? v->geometry.extension_crc : 0;
    }
}

int prs_store_begin(struct prs_store *store, uint64_t small_bytes, bool want_full, bool *full)
{
    struct prs_store_volatile *v = store->v;
    *full = true;
    PRS_ASSERT(v->recovered && !v->writing);
    prs_ssp_make_room(store);
    if (v->sealed) {
        return PROSPER_E_DISK; /* an epoch that was to make room, T4 */
    }
    int result = prs_deltalog_begin(store, small_bytes, want_full, full);
    v->writing = result == 0;
    if (v->writing) {
        prs_ssp_gather_some(store);
    }
    return result;
}

int prs_store_append(struct prs_store *store, uint64_t address, const void *data, uint32_t length)
{
    PRS_ASSERT(store->v->writing && length > 0);
    return prs_deltalog_append(store, address, data, length);
}

uint64_t prs_store_appended(const struct prs_store *store) { return store->v->log.cursor - store->v->log.segment; }

int prs_store_page(struct prs_store *store, uint64_t page_address, const void *live, bool copy_all)
{
    PRS_ASSERT(store->v->writing && page_address % PRF_PAGE == 0 && (uint64_t)live % PRF_LINE == 0);
    return prs_ssp_page(store, page_address, live, copy_all ? PRS_SSP_ALL : PRS_SSP_CHANGED, ~0ull);
}

int prs_store_lines(struct prs_store *store, uint64_t page_address, const void *live, uint64_t lines)
{
    PRS_ASSERT(store->v->writing && page_address % PRF_PAGE == 0 && (uint64_t)live % PRF_LINE == 0);
    return prs_ssp_page(store, page_address, live, PRS_SSP_CHANGED, lines);
}

int prs_store_page_if_changed(struct prs_store *store, uint64_t page_address, const void *live)
{
    PRS_ASSERT(store->v->writing && page_address % PRF_PAGE == 0 && (uint64_t)live % PRF_LINE == 0);
    return prs_ssp_page(store, page_address, live, PRS_SSP_ALL_IF_CHANGED, ~0ull);
}

uint64_t prs_store_zero_lines(const struct prs_store *store) { return store->v->zero_lines; }

uint32_t prs_store_touched(const struct prs_store *store) { return store->v->ssp.touched_count; }

uint64_t prs_store_written(const struct prs_store *store) { return store->v->ssp.written; }

int prs_store_page_drop(struct prs_store *store, uint64_t page_address)
{
    PRS_ASSERT(store->v->writing && page_address % PRF_PAGE == 0);
    return prs_ssp_drop(store, page_address);
}

int prs_store_range_drop(struct prs_store *store, uint64_t start, uint64_t end)
{
    PRS_ASSERT(store->v->writing && start % PRF_PAGE == 0 && end % PRF_PAGE == 0);
    return prs_ssp_range_drop(store, start, end);
}

void prs_store_seal(struct prs_store *store)
{
    struct prs_store_volatile *v = store->v;
    struct prf_record *record = &v->next;
    PRS_ASSERT(v->writing && !v->sealed);
    uint64_t begun = prs_ticks(), log_before = v->bytes_log;
    uint32_t pages = v->ssp.touched_count;
    prs_fill(record, 0, sizeof *record);
    record->epoch = v->record.epoch + 1;
    record->flags = PRF_RECORD_CONTENT | prs_swept_flag(store);
    record->pages_since = v->record.pages_since;
    record->entries_high = v->ssp.entries.high;
    record->pages = prs_ssp_pages_after(store);
    record->realtime_ns = prs_realtime_ns();
    record->stack_sequence = v->stack_sequence;
    prs_name_extensions(record, v);
    uint64_t counted = prs_ticks();
    prs_deltalog_finish(store, record);
    v->cost = (struct prs_commit_cost){prs_ticks() - counted, v->bytes_log - log_before, counted - begun, pages};
    prs_commit_seal(record);
    v->bytes_meta += 2 * sizeof *record;
    v->sealed = true;
}

int prs_store_publish(struct prs_store *store)
{
    struct prs_store_volatile *v = store->v;
    PRS_ASSERT(v->sealed);
    if (!PRS_PLANTED(data_unfenced)) {
        prs_media_fence(store->media);
    }
    if (prs_disk_error(store) != 0) { /* or the record would count what is not there */
        return PROSPER_E_DISK;
    }
    if (store->media->by_pages && PRS_PLANTED(sweep_early)) {
        prs_ssp_sweep(store, false);
    }
    v->counted = true;
    prs_commit_write_copy(prs_root_bytes(store), &v->next, 0, store->media);
    if (prs_disk_error(store) != 0) {
        return PROSPER_E_DISK;
    }
    bool zeros = store->media->by_pages && !PRS_PLANTED(sweep_left_out) && prs_ssp_sweep(store, false);
    prs_commit_write_copy(prs_root_bytes(store), &v->next, 1, store->media);
    if (zeros && prs_disk_error(store) == 0) {
        prs_ssp_sweep(store, true);
        prs_media_fence(store->media);
    }
    if (PRS_PLANTED(record_first)) {
        prs_store_flush(store, store->base + v->geometry.log_at[v->next.log_area] + v->next.log_last, v->next.log_end - v->next.log_last);
        prs_media_fence(store->media);
    }
    return prs_disk_error(store);
}

void prs_store_settle(struct prs_store *store)
{
    struct prs_store_volatile *v = store->v;
    PRS_ASSERT(v->sealed && v->writing);
    prs_copy(&v->record, &v->next, sizeof v->record);
    store->epoch = v->record.epoch;
    uint64_t begun = prs_ticks();
    prs_ssp_committed(store, v->record.pages);
    v->cost.pages_ticks += prs_ticks() - begun;
    v->writing = v->sealed = v->counted = false;
}

int prs_store_commit(struct prs_store *store)
{
    prs_store_seal(store);
    int result = prs_store_publish(store);
    if (result == 0) {
        prs_store_settle(store);
    }
    return result;
}

const struct prs_commit_cost *prs_store_commit_cost(const struct prs_store *store) { return &store->v->cost; }

void prs_store_abort(struct prs_store *store)
{
    if (store->v->writing && !store->v->sealed) {
        prs_ssp_abort(store);
        store->v->stack_sequence = store->v->record.stack_sequence; /* the next begin may commit an epoch of its own */
        store->v->writing = false;
    }
}

bool prs_store_short_of_slots(const struct prs_store *store) { return store->v->ssp.short_of_slots; }
