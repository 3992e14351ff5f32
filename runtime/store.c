/* store.c - the store's interface (store.h): opening, recovery, the pool's state, and what a restore reads. What a checkpoint writes is in store_epoch.c.
 *
 *   attached ──recover──> READY ──begin──> WRITING ──seal──> SEALED ──publish, settle──> READY      (the three: commit)
 *                           ^                 │ ──abort──> READY
 *                           └──── reset, set_state
 *
 * INVARIANT T1: v->record is the newest commit record of the pool; store->epoch is its epoch.
 * INVARIANT T2: outside of WRITING, no valid word in the pool is of an epoch above the committed one.
 * INVARIANT T4: while an epoch is sealed, publish alone writes into the pool (and set_state, into lines of its own). If publish fails, the store stays SEALED for ever: after a
 *               fence that failed nothing that is written can be called durable (media_msync.c).
 * INVARIANT T3: attach writes nothing; all that it reads is checked before use.
 * Context: attach, recover, reset, set_state at start (and set_state where the program ends); the
 * reading functions at start, in restore and in tools. No libc, no allocation but the arena at attach.
 * Durable when: _reset, _set_state and _recover return.
 */
#include "store_internal.h"
#include "cpu_features.h"
#include "planted.h"
#include <sys/stat.h>

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
    v->file = -1;
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
    ssp->calm_limits = (struct prs_calm_limits){PRS_CALM_COLD, PRS_CALM_SHARE, PRS_CALM_SPARE};
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

/* P5 of ssp_space.c holds now, and words of the next epoch may be torn: both copies of the record have to say so before there are any. */
static void say_swept(struct prs_store *store)
{
    struct prs_store_volatile *v = store->v;
    v->record.flags |= PRF_RECORD_SWEPT;
    prs_commit_seal(&v->record);
    for (unsigned copy = 0; copy < 2; ++copy) {
        const struct prf_record *there = (const struct prf_record *)(prs_root_bytes(store) + PRF_RECORD_AT(v->record.epoch & 1, copy));
        if (!(there->flags & PRF_RECORD_SWEPT)) {
            prs_commit_write_copy(prs_root_bytes(store), &v->record, copy, store->media);
        }
    }
}

void prs_store_file(struct prs_store *store, int fd, uint64_t bytes)
{
    struct prs_store_volatile *v = store->v;
    struct stat status;
    v->zeros = prs_arena_take(v->arena, PRS_ZEROS);
    v->file = v->zeros != 0 && prs_sys(SYS_fstat, fd, &status) == 0 ? fd : -1;
    if (v->file >= 0) {
        v->file_bytes = bytes;
        v->file_device = status.st_dev;
        v->file_inode = status.st_ino;
    }
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
    if ((store->media->by_pages || (v->record.flags & PRF_RECORD_SWEPT)) && !PRS_PLANTED(swept_at_once)) {
        /* The record may be one that a kill has kept from becoming durable; what it does not need, the one before it does. */
        prs_commit_make_durable(prs_root_bytes(store), store->media);
        if (prs_disk_error(store) != 0) {
            return PROSPER_E_DISK;
        }
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
    if (store->media->by_pages && !PRS_PLANTED(flag_left_out)) {
        say_swept(store);
    }
    v->recovered = true;
    return prs_disk_error(store);
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
    record.flags = prs_swept_flag(store);
    record.pages_since = record.epoch + 1;
    record.stack_sequence = v->stack_sequence;
    prs_name_extensions(&record, v);
    record.realtime_ns = prs_realtime_ns();
    prs_commit_seal(&record);
    prs_commit_write(prs_root_bytes(store), &record, store->media);
    prs_ssp_forget_all(store);
    v->log.last_bytes = 0;
    prs_copy(&v->record, &record, sizeof record);
    store->epoch = record.epoch;
    return prs_disk_error(store);
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

/* A mark is about the record that the next start finds: after a failed publish that is likely to be the one that was being written. */
static uint64_t mark_of(const struct prs_store_volatile *v, enum prs_pool_state state) { return (v->counted ? v->next.epoch : v->record.epoch) << 8 | state; }

int prs_store_set_state_because(struct prs_store *store, enum prs_pool_state state, const char *reason)
{
    struct prs_store_volatile *v = store->v;
    if (!(v->record.flags & PRF_RECORD_CONTENT)) {
        return 0; /* there is no checkpoint that the reason could be about */
    }
    PRS_ASSERT(state == PRS_POOL_OVERTAKEN || state == PRS_POOL_LEFT);
    uint64_t value = mark_of(v, state);
    prs_mark_write_because(prs_root_bytes(store), value, reason, store->media);
    remember_mark(v, value);
    return prs_disk_error(store);
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
    uint64_t value = state == PRS_POOL_RUNNING ? 0 : mark_of(v, state);
    prs_mark_write(prs_root_bytes(store), value, store->media);
    remember_mark(v, value);
    return prs_disk_error(store);
}

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
    use->swept = (v->record.flags & PRF_RECORD_SWEPT) != 0;
    use->bytes_log_total = v->bytes_log;
    use->bytes_lines_total = v->bytes_lines;
    use->bytes_meta_total = v->bytes_meta;
    use->lines_flushed_total = v->lines_flushed;
    use->pages_gathered = v->ssp.pages_gathered;
    use->lines_gathered = v->ssp.lines_gathered;
    use->slots_released = v->ssp.slots_released;
}

uint8_t *prs_store_stack_area(const struct prs_store *store, uint64_t *length)
{
    const struct prs_geometry *geometry = &store->v->geometry;
    *length = geometry->stack_length;
    return geometry->stack_length == 0 ? NULL : store->base + geometry->stack_at;
}

uint64_t prs_store_stack_committed(const struct prs_store *store) { return store->v->record.stack_sequence; }

void prs_store_stack_next(struct prs_store *store, uint64_t sequence) { store->v->stack_sequence = sequence; }
