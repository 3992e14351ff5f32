/* store.c - the store's interface (store.h): what a checkpoint writes and a restore reads.
 *
 *   attached ──recover──> READY ──begin──> WRITING ──commit──> READY
 *                           ^                 │ ──abort──> READY
 *                           └──── reset, set_state
 *
 * INVARIANT T1: v->record is the newest commit record of the pool; store->epoch is its epoch.
 * INVARIANT T2: outside of WRITING, no valid word in the pool is of an epoch above the committed one.
 * INVARIANT T3: attach writes nothing; all that it reads is checked before use.
 * Context: attach, recover, reset, set_state at start (and set_state where the program ends); the writing functions in the handler; the
 * reading functions at start, in restore and in tools. No libc, no allocation but the arena at attach.
 * Durable when: prs_store_commit, _reset, _set_state and _recover return.
 */
#include "store_internal.h"
#include "cpu_features.h"
#include "planted.h"

#define MADV_POPULATE_READ_ 22

/* How many entries have read, to fault them in at once and not one by one. */
static void populate_read(const struct prs_store *store, uint64_t offset, uint64_t length)
{
    uint64_t from = prs_round_down(offset, PRF_PAGE);
    prs_sys(SYS_madvise, store->base + from, prs_round_up(offset + length, PRF_PAGE) - from, MADV_POPULATE_READ_);
}

static void set_territory(struct prs_territory *territory, uint64_t at, uint64_t length)
{
    territory->done = at;
    territory->end = at + length;
}

int prs_store_attach(struct prs_store *store, void *base, uint64_t length, const struct prs_media *media, struct prs_arena *arena)
{
    return prs_store_attach_growing(store, base, length, 0, media, arena);
}

/* Entries, and slots, that a pool of that size can have; the index has room for 2^30. */
static uint32_t slots_max(const struct prs_geometry *geometry, uint64_t bytes_max)
{
    uint64_t more = bytes_max > geometry->end && geometry->grows ? (bytes_max - geometry->end) / (PRF_PAGE + prs_entry_bytes(geometry->sums)) : 0;
    uint64_t all = geometry->slots + more;
    return all <= 1u << 30 ? (uint32_t)all : geometry->slots > 1u << 30 ? geometry->slots : 1u << 30;
}

static void set_extent_territory(struct prs_store_volatile *v, unsigned i)
{
    const struct prs_page_extent *extent = &v->geometry.page[i];
    set_territory(&v->ssp.entry_territory[i], extent->entries_at, (uint64_t)extent->count * sizeof(struct prf_entry));
    set_territory(&v->ssp.sum_territory[i], extent->sums_at, v->geometry.sums ? (uint64_t)extent->count * sizeof(struct prf_page_sums) : 0);
    set_territory(&v->ssp.slot_territory[i], extent->slots_at, (uint64_t)extent->count * PRF_PAGE);
}

int prs_store_attach_growing(struct prs_store *store, void *base, uint64_t length, uint64_t bytes_max, const struct prs_media *media, struct prs_arena *arena)
{
    store->base = base;
    store->length = length;
    store->media = media;
    store->epoch = 0;
    store->v = 0;
    uint64_t root_at;
    int result = prs_root_place(base, length, length, &root_at);
    if (result != 0) {
        return result;
    }
    struct prs_store_volatile *v = prs_arena_take(arena, sizeof *v);
    struct prf_root *root = prs_arena_take(arena, sizeof *root); /* a copy: nobody can change it between check and use */
    if (v == 0 || root == 0) {
        return -ENOMEM;
    }
    store->v = v;
    v->arena = arena;
    prs_copy(root, store->base + root_at, sizeof *root);
    struct prs_geometry *geometry = &v->geometry;
    result = prs_root_check(root, root_at, length, geometry);
    if (result == 0) {
        result = prs_commit_read(prs_root_bytes(store), &v->record, &v->health);
    }
    if (result == 0) {
        result = prs_extensions_add(geometry, &v->record, base, length);
    }
    if (result != 0) {
        return result;
    }
    store->epoch = v->record.epoch;
    v->stack_sequence = v->record.stack_sequence;

    struct prs_ssp *ssp = &v->ssp;
    ssp->differ = prs_cpu_has().avx2 ? prs_lines_differ_avx2 : prs_lines_differ_sse2;
    if (geometry->sums) {
        prs_sum_init(&ssp->sum);
    }
    v->slots_max = slots_max(geometry, bytes_max);
    ssp->touched = prs_arena_take(arena, v->slots_max * sizeof *ssp->touched);
    if (ssp->touched == 0 || prs_bits_init(&ssp->entries, arena, geometry->slots, v->slots_max) != 0
        || prs_bits_init(&ssp->slots, arena, geometry->slots, v->slots_max) != 0 || prs_index_init(&ssp->index, arena, v->slots_max) != 0) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < 2; ++i) {
        set_territory(&v->log.territory[i], geometry->log_at[i], geometry->log_length);
    }
    uint32_t entries_left = v->record.entries_high;
    for (unsigned i = 0; i < geometry->extents; ++i) {
        const struct prs_page_extent *extent = &geometry->page[i];
        set_extent_territory(v, i);
        uint32_t here = entries_left < extent->count ? entries_left : extent->count;
        if (here > 0) {
            populate_read(store, extent->entries_at, here * sizeof(struct prf_entry));
        }
        entries_left -= here;
    }
    if ((v->record.flags & PRF_RECORD_CONTENT) && v->record.log_area < 2 && v->record.log_end <= geometry->log_length) {
        populate_read(store, geometry->log_at[v->record.log_area], v->record.log_end);
    }
    result = prs_deltalog_walk(store, &v->record, false, 0, 0);
    return result != 0 ? result : prs_ssp_attach(store);
}

int prs_store_recover(struct prs_store *store)
{
    struct prs_store_volatile *v = store->v;
    if (v->recovered) {
        return 0;
    }
    PRS_ASSERT(!v->writing);
    uint32_t entries_left = v->record.entries_high;
    for (unsigned i = 0; i < v->geometry.extents; ++i) {
        uint32_t here = entries_left < v->geometry.page[i].count ? entries_left : v->geometry.page[i].count;
        if (here > 0) {
            prs_populate(store->base, &v->ssp.entry_territory[i], v->geometry.page[i].entries_at + here * sizeof(struct prf_entry));
            if (v->geometry.sums) {
                prs_populate(store->base, &v->ssp.sum_territory[i], v->geometry.page[i].sums_at + here * sizeof(struct prf_page_sums));
            }
        }
        entries_left -= here;
    }
    if (v->record.flags & PRF_RECORD_CONTENT) {
        unsigned area = v->record.log_area;
        prs_populate(store->base, &v->log.territory[area], v->geometry.log_at[area] + v->record.log_end);
    }
    int result = prs_ssp_recover(store);
    if (result != 0) {
        return result;
    }
    for (unsigned i = 0; i < v->geometry.extents; ++i) {
        /* Slots in use are not populated for writing: that would send all of them to the disk again. */
        const struct prs_page_extent *extent = &v->geometry.page[i];
        uint32_t high = v->ssp.slots.high > extent->first ? v->ssp.slots.high - extent->first : 0;
        v->ssp.slot_territory[i].done = extent->slots_at + (uint64_t)(high < extent->count ? high : extent->count) * PRF_PAGE;
    }
    prs_commit_repair(prs_root_bytes(store), &v->record, store->media);
    v->recovered = true;
    return 0;
}

static void name_extensions(struct prf_record *record, struct prs_store_volatile *v)
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

int prs_store_extend(struct prs_store *store, uint64_t length)
{
    struct prs_store_volatile *v = store->v;
    struct prs_geometry *geometry = &v->geometry;
    PRS_ASSERT(v->recovered && !v->writing && length >= geometry->end + PRF_PAGE);
    const struct prf_extension *header = (const struct prf_extension *)(store->base + geometry->end);
    if (header->count > v->slots_max - geometry->slots) {
        return -ENOSPC;
    }
    int result = prs_extension_add(geometry, header, length - geometry->end);
    if (result != 0) {
        return result;
    }
    set_extent_territory(v, geometry->extents - 1);
    v->ssp.entries.count = v->ssp.slots.count = geometry->slots;
    v->ssp.short_of_slots = false;
    store->length = length;
    return 0;
}

int prs_store_reset(struct prs_store *store)
{
    struct prs_store_volatile *v = store->v;
    int result = prs_store_recover(store);
    if (result != 0) {
        return result;
    }
    PRS_ASSERT(!v->writing);
    struct prf_record record;
    prs_fill(&record, 0, sizeof record);
    record.epoch = v->record.epoch + 1;
    record.pages_since = record.epoch + 1;
    record.stack_sequence = v->stack_sequence;
    name_extensions(&record, v);
    record.realtime_ns = prs_realtime_ns();
    prs_commit_seal(&record);
    prs_commit_write(prs_root_bytes(store), &record, store->media);
    prs_ssp_forget_all(store);
    v->log.last_bytes = 0;
    prs_copy(&v->record, &record, sizeof record);
    store->epoch = record.epoch;
    return 0;
}

enum prs_pool_state prs_store_state(const struct prs_store *store)
{
    const struct prs_store_volatile *v = store->v;
    if (!(v->record.flags & PRF_RECORD_CONTENT)) {
        return PRS_POOL_EMPTY;
    }
    uint64_t mark = prs_mark_value(&v->health);
    for (unsigned state = PRS_POOL_FINISHED; state <= PRS_POOL_LEFT; ++state) {
        if (mark == (v->record.epoch << 8 | state)) {
            return (enum prs_pool_state)state;
        }
    }
    return PRS_POOL_RUNNING;
}

/* Attach's view of the mark, kept up to date. */
static void remember_mark(struct prs_store_volatile *v, uint64_t value)
{
    for (unsigned copy = 0; copy < 2; ++copy) {
        v->health.mark_valid[copy] = true;
        v->health.mark[copy] = value;
    }
}

int prs_store_set_state_because(struct prs_store *store, enum prs_pool_state state, const char *reason)
{
    struct prs_store_volatile *v = store->v;
    if (!(v->record.flags & PRF_RECORD_CONTENT)) {
        return 0; /* there is no checkpoint that the reason could be about */
    }
    PRS_ASSERT(state == PRS_POOL_OVERTAKEN || state == PRS_POOL_LEFT);
    uint64_t value = v->record.epoch << 8 | state;
    prs_mark_write_because(prs_root_bytes(store), value, reason, store->media);
    remember_mark(v, value);
    return 0;
}

void prs_store_reason(const struct prs_store *store, char *out, uint64_t size)
{
    const struct prs_commit_health *health = &store->v->health;
    prs_reason_read(prs_root_bytes(store), prs_mark_copy(health), prs_mark_value(health), out, size);
}

int prs_store_set_state(struct prs_store *store, enum prs_pool_state state)
{
    struct prs_store_volatile *v = store->v;
    if (state == PRS_POOL_EMPTY) {
        return prs_store_reset(store);
    }
    uint64_t value = state == PRS_POOL_RUNNING ? 0 : v->record.epoch << 8 | state;
    prs_mark_write(prs_root_bytes(store), value, store->media);
    remember_mark(v, value);
    return 0;
}

int prs_store_begin(struct prs_store *store, uint64_t small_bytes, bool want_full, bool *full)
{
    struct prs_store_volatile *v = store->v;
    *full = true;
    PRS_ASSERT(v->recovered && !v->writing);
    prs_ssp_make_room(store);
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

int prs_store_page(struct prs_store *store, uint64_t page_address, const void *live, bool copy_all)
{
    PRS_ASSERT(store->v->writing && page_address % PRF_PAGE == 0 && (uint64_t)live % PRF_LINE == 0);
    return prs_ssp_page(store, page_address, live, copy_all, ~0ull);
}

int prs_store_lines(struct prs_store *store, uint64_t page_address, const void *live, uint64_t lines)
{
    PRS_ASSERT(store->v->writing && page_address % PRF_PAGE == 0 && (uint64_t)live % PRF_LINE == 0);
    return prs_ssp_page(store, page_address, live, false, lines);
}

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

int prs_store_commit(struct prs_store *store)
{
    struct prs_store_volatile *v = store->v;
    PRS_ASSERT(v->writing);
    struct prf_record record;
    prs_fill(&record, 0, sizeof record);
    record.epoch = v->record.epoch + 1;
    record.flags = PRF_RECORD_CONTENT;
    record.pages_since = v->record.pages_since;
    record.entries_high = v->ssp.entries.high;
    record.pages = prs_ssp_pages_after(store);
    record.realtime_ns = prs_realtime_ns();
    record.stack_sequence = v->stack_sequence;
    name_extensions(&record, v);
    prs_deltalog_finish(store, &record);
    if (!PRS_PLANTED(data_unfenced)) {
        prs_media_fence(store->media);
    }
    prs_commit_seal(&record);
    prs_commit_write(prs_root_bytes(store), &record, store->media);
    if (PRS_PLANTED(record_first)) {
        prs_store_flush(store, store->base + v->geometry.log_at[record.log_area] + record.log_last, record.log_end - record.log_last);
        prs_media_fence(store->media);
    }
    v->bytes_meta += 2 * sizeof record;
    prs_copy(&v->record, &record, sizeof record);
    store->epoch = record.epoch;
    prs_ssp_committed(store, record.pages);
    v->writing = false;
    return 0;
}

void prs_store_abort(struct prs_store *store)
{
    if (store->v->writing) {
        prs_ssp_abort(store);
        store->v->stack_sequence = store->v->record.stack_sequence; /* the next begin may commit an epoch of its own */
        store->v->writing = false;
    }
}

bool prs_store_short_of_slots(const struct prs_store *store) { return store->v->ssp.short_of_slots; }

int prs_store_log_each(const struct prs_store *store, prs_log_visitor visit, void *context)
{
    return prs_deltalog_walk(store, &store->v->record, false, visit, context);
}

int prs_store_log_last(const struct prs_store *store, prs_log_visitor visit, void *context)
{
    return prs_deltalog_walk(store, &store->v->record, true, visit, context);
}

bool prs_store_page_read(const struct prs_store *store, uint64_t page_address, void *out)
{
    uint32_t found = prs_index_find(&store->v->ssp.index, prs_round_down(page_address, PRF_PAGE));
    if (found == 0) {
        return false;
    }
    struct prs_entry_view view;
    const char *wrong = prs_entry_read(store, found - 1, store->v->record.epoch, &view);
    if (wrong != 0 || view.committed < 0 || view.state != PRF_PAGE_DATA || view.address != page_address) {
        return false; /* new in the open epoch; or a living pool that has gone on since attach, whose reader attaches again */
    }
    prs_page_copy(store, &view, out);
    return true;
}

int prs_store_page_each(const struct prs_store *store, prs_page_visitor visit, void *context)
{
    const struct prs_ssp *ssp = &store->v->ssp;
    for (uint32_t number = 0; number < ssp->entries.high; ++number) {
        struct prs_entry_view view;
        if (!prs_bits_test(&ssp->entries, number) || prs_entry_read(store, number, store->v->record.epoch, &view) != 0 || view.committed < 0
            || view.state != PRF_PAGE_DATA) {
            continue;
        }
        int result = visit(context, view.address);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

void prs_store_usage(const struct prs_store *store, struct prs_store_use *use)
{
    const struct prs_store_volatile *v = store->v;
    use->epoch = v->record.epoch;
    use->commit_realtime_ns = v->record.realtime_ns;
    use->log_bytes = v->geometry.log_length;
    use->log_used = v->record.log_end;
    use->slots = v->ssp.slots.count;
    use->slots_used = v->ssp.slots.used;
    use->entries = v->ssp.entries.count;
    use->entries_used = v->ssp.entries.used;
    use->pages = v->ssp.pages;
    use->bytes = v->geometry.end;
    use->extensions = v->geometry.extensions;
    use->page_sums = v->geometry.sums;
    use->bytes_log_total = v->bytes_log;
    use->bytes_lines_total = v->bytes_lines;
    use->bytes_meta_total = v->bytes_meta;
    use->lines_flushed_total = v->lines_flushed;
}

uint8_t *prs_store_stack_area(const struct prs_store *store, uint64_t *length)
{
    const struct prs_geometry *geometry = &store->v->geometry;
    *length = geometry->stack_length;
    return geometry->stack_length == 0 ? NULL : store->base + geometry->stack_at;
}

uint64_t prs_store_stack_committed(const struct prs_store *store) { return store->v->record.stack_sequence; }

void prs_store_stack_next(struct prs_store *store, uint64_t sequence) { store->v->stack_sequence = sequence; }
