/* deltalog.c - byte ranges of small memory, appended epoch by epoch.
 *
 *   area 0   | segment n | entry entry ... | segment n+1 | entry ... | ...            the full epoch n, then deltas
 *   area 1   | segment m | ...                                                        the next full epoch, when area 0 has no room
 *
 * VALID IF AND ONLY IF the commit record names the area and its end: segments chain without a gap from offset 0 to record.log_end, their
 * epochs count from record.log_full to record.epoch by one, each carries the checksum of the one before, and the last one's stands in the
 * record too. What lies after log_end is never read, so nothing has to be cleared when an epoch is given up.
 *
 * INVARIANT D1: writing never touches [0, record.log_end) of the record's area.
 * INVARIANT D2: a full epoch goes to the area that the record does not name (any, when there is no content).
 * Context: append in the handler, walk at start, in restore and in tools (untrusted bytes). No libc.
 * Durable when: prs_deltalog_finish flushes; the fence is the commit's.
 */
#include "planted.h"
#include "store_internal.h"

#define MADV_POPULATE_WRITE_ 23
#define LOG_RESERVE 1024u /* what entries leave of an area, for the epochs without entries by which ssp_scarce.c moves lines */

void prs_populate(uint8_t *base, struct prs_territory *territory, uint64_t need_end)
{
    if (__builtin_expect(need_end <= territory->done, 1)) {
        return;
    }
    uint64_t from = territory->done;
    uint64_t to = prs_round_up(need_end, PRS_POPULATE_STEP);
    to = to < territory->end ? to : territory->end;
    if (to > from) {
        /* Only a matter of speed: a kernel before 5.14 says EINVAL, and the pages fault in one by one. */
        prs_sys(SYS_madvise, base + from, to - from, MADV_POPULATE_WRITE_);
        territory->done = to;
    }
}

static uint32_t segment_crc(uint32_t crc, const struct prf_segment *segment)
{
    return prs_crc32c(crc, &segment->epoch, sizeof *segment - offsetof(struct prf_segment, epoch));
}

static uint8_t *area_at(const struct prs_store *store, unsigned area) { return store->base + store->v->geometry.log_at[area]; }

int prs_deltalog_begin(struct prs_store *store, uint64_t small_bytes, bool want_full, bool *full)
{
    struct prs_store_volatile *v = store->v;
    struct prs_deltalog *log = &v->log;
    const struct prf_record *record = &v->record;
    uint64_t length = v->geometry.log_length;
    bool content = (record->flags & PRF_RECORD_CONTENT) != 0;
    *full = want_full || !content;
    if (!*full) {
        /* Room for twice the last delta is a good guess at room for the next; a wrong guess costs the caller one more pass. */
        uint64_t likely = small_bytes > 0 ? sizeof(struct prf_segment) + 2 * log->last_bytes + PRF_PAGE : sizeof(struct prf_segment);
        *full = length - record->log_end < likely;
    }
    if (*full && small_bytes > length - LOG_RESERVE - sizeof(struct prf_segment)) {
        *full = want_full || !content;
        if (*full) {
            return -ENOSPC;
        }
    }
    if (*full) {
        log->area = !content ? 0 : PRS_PLANTED(area_early) ? record->log_area : 1 - record->log_area;
        log->segment = 0;
        log->full = record->epoch + 1;
        log->previous = 0;
    } else {
        log->area = record->log_area;
        log->segment = record->log_end;
        log->full = record->log_full;
        log->previous = record->log_last_crc;
    }
    if (length - log->segment < sizeof(struct prf_segment)) {
        return -ENOSPC;
    }
    log->cursor = log->segment + sizeof(struct prf_segment);
    log->entries = 0;
    prs_populate(store->base, &log->territory[log->area], v->geometry.log_at[log->area] + log->cursor);
    return 0;
}

bool prs_deltalog_has_room(const struct prs_store *store)
{
    return store->v->geometry.log_length - store->v->record.log_end >= sizeof(struct prf_segment);
}

int prs_deltalog_append(struct prs_store *store, uint64_t address, const void *data, uint32_t length)
{
    struct prs_deltalog *log = &store->v->log;
    uint64_t padded = (length + 7ull) & ~7ull;
    uint64_t need = sizeof(struct prf_log_entry) + padded;
    if (need > store->v->geometry.log_length || log->cursor + need > store->v->geometry.log_length - LOG_RESERVE) {
        log->last_bytes = log->cursor - log->segment; /* the guess was wrong: the next one is not to be */
        return -ENOSPC;
    }
    prs_populate(store->base, &log->territory[log->area], store->v->geometry.log_at[log->area] + log->cursor + need);
    uint8_t *at = area_at(store, log->area) + log->cursor;
    struct prf_log_entry *entry = (struct prf_log_entry *)at;
    entry->address = address;
    entry->length = length;
    entry->reserved = 0;
    at += sizeof *entry;
    if (length <= 64) { /* most are a word or two: quicker than starting a string instruction */
        const uint8_t *from = data;
        uint64_t *out = (uint64_t *)at;
        uint32_t i = 0;
        for (; i + 8 <= length; i += 8) {
            *out++ = *(const prs_any_u64 *)(from + i);
        }
        if (i < length) {
            uint64_t rest = 0;
            for (unsigned shift = 0; i < length; ++i, shift += 8) {
                rest |= (uint64_t)from[i] << shift;
            }
            *out = rest;
        }
    } else {
        if (padded != length) {
            *(uint64_t *)(at + padded - 8) = 0;
        }
        prs_copy(at, data, length);
    }
    log->cursor += need;
    ++log->entries;
    return 0;
}

void prs_deltalog_finish(struct prs_store *store, struct prf_record *record)
{
    struct prs_deltalog *log = &store->v->log;
    uint8_t *at = area_at(store, log->area) + log->segment;
    struct prf_segment segment = {
        .magic = PRF_SEGMENT_MAGIC,
        .epoch = store->epoch + 1,
        .length = log->cursor - log->segment - sizeof segment,
        .entries = log->entries,
        .previous = log->previous,
    };
    segment.crc = segment_crc(prs_crc32c(0, at + sizeof segment, segment.length), &segment);
    prs_copy(at, &segment, sizeof segment);
    if (!PRS_PLANTED(log_unflushed) && !PRS_PLANTED(record_first)) {
        prs_store_flush(store, at, sizeof segment + segment.length);
    }
    record->log_area = log->area;
    record->log_end = log->cursor;
    record->log_full = log->full;
    record->log_last = log->segment;
    record->log_last_crc = segment.crc;
    /* A full epoch says nothing about deltas; but what made it one may be over, as when a stack has grown once. */
    if (log->segment == 0) {
        log->last_bytes /= 2;
    } else if (log->entries != 0) {
        log->last_bytes = segment.length;
    }
    store->v->bytes_log += sizeof segment + segment.length;
}

/* Entries of one segment. The bytes may change under us in a living pool, so each length is read once and checked before use. */
static int walk_entries(const uint8_t *at, const struct prf_segment *segment, prs_log_visitor visit, void *context)
{
    uint64_t done = 0;
    for (uint32_t i = 0; i < segment->entries; ++i) {
        struct prf_log_entry entry;
        if (segment->length - done < sizeof entry) {
            return prs_fail(PROSPER_E_DAMAGED, "log of epoch %lu: entry %u of %u is cut off", segment->epoch, i, segment->entries);
        }
        prs_copy(&entry, at + done, sizeof entry);
        done += sizeof entry;
        uint64_t padded = (entry.length + 7ull) & ~7ull;
        if (entry.length == 0 || padded > segment->length - done) {
            return prs_fail(PROSPER_E_DAMAGED, "log of epoch %lu: entry %u of %u has a length of %u", segment->epoch, i, segment->entries,
                            entry.length);
        }
        if (visit != 0) {
            int result = visit(context, segment->epoch, entry.address, at + done, entry.length);
            if (result != 0) {
                return result;
            }
        }
        done += padded;
    }
    return done == segment->length ? 0 : prs_fail(PROSPER_E_DAMAGED, "log of epoch %lu: bytes after the last entry", segment->epoch);
}

int prs_deltalog_walk(const struct prs_store *store, const struct prf_record *record, bool last_only, prs_log_visitor visit, void *context)
{
    if (!(record->flags & PRF_RECORD_CONTENT)) {
        return 0;
    }
    if (record->log_area > 1 || record->log_end > store->v->geometry.log_length || record->log_end < sizeof(struct prf_segment)
        || record->log_last > record->log_end - sizeof(struct prf_segment) || record->log_full == 0 || record->log_full > record->epoch
        || record->log_last % 8 != 0 || record->log_end % 8 != 0) {
        return prs_fail(PROSPER_E_DAMAGED, "the commit record of epoch %lu names an impossible log", record->epoch);
    }
    const uint8_t *area = area_at(store, record->log_area);
    uint64_t at = last_only ? record->log_last : 0;
    uint64_t epoch = last_only ? record->epoch : record->log_full;
    uint32_t previous = 0;
    for (;; ++epoch) {
        struct prf_segment segment;
        if (record->log_end - at < sizeof segment) {
            return prs_fail(PROSPER_E_DAMAGED, "the log ends before epoch %lu", epoch);
        }
        prs_copy(&segment, area + at, sizeof segment);
        uint64_t payload = at + sizeof segment;
        if (segment.magic != PRF_SEGMENT_MAGIC || segment.epoch != epoch || segment.length > record->log_end - payload
            || segment.length % 8 != 0 || (!last_only && segment.previous != previous)) {
            return prs_fail(PROSPER_E_DAMAGED, "log of epoch %lu: its header at %lu", epoch, at);
        }
        if (segment_crc(prs_crc32c(0, area + payload, segment.length), &segment) != segment.crc) {
            return prs_fail(PROSPER_E_DAMAGED, "log of epoch %lu: its checksum", epoch);
        }
        int result = walk_entries(area + payload, &segment, visit, context);
        if (result != 0) {
            return result;
        }
        previous = segment.crc;
        if (epoch == record->epoch) {
            bool ends = at == record->log_last && payload + segment.length == record->log_end && segment.crc == record->log_last_crc;
            return ends ? 0 : prs_fail(PROSPER_E_DAMAGED, "log of epoch %lu: not what the commit record names", epoch);
        }
        at = payload + segment.length;
    }
}
