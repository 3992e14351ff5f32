/* live.c - the statistics block (docs/format.md, Statistics).
 *
 * It lies in the page of the marks, between what counts, in lines of its own. It is written with plain stores: no flush, no fence, no checksum. A kill or a power
 * cut may leave anything in it, and nothing that recovers, checks or repairs a pool looks at it.
 *
 * INVARIANT L1: `sequence` never goes back, and is odd while the other fields are being written (the writer is one thread). Who reads it twice, even and the same, and the block in between,
 *               has fields of one instant.
 * INVARIANT L2: a reader uses no number of it as a place, a size or an index.
 * Context: writing in the handler, no libc; reading in tools. Durable: never.
 */
#include "live.h"
#include "store_internal.h"

#define TRIES 1000u

_Static_assert(PRF_LIVE_STOPS == PRS_STATS_BUCKETS, "stop times of a process and of the block");

unsigned prs_stop_bucket(uint64_t ns)
{
    if (ns < 256) {
        return 0;
    }
    unsigned log2 = 63u - (unsigned)__builtin_clzll(ns);
    unsigned bucket = (log2 - 8) * 8 + (unsigned)(ns >> (log2 - 3) & 7);
    return bucket < PRF_LIVE_STOPS ? bucket : PRF_LIVE_STOPS - 1;
}

uint64_t prs_stop_bucket_end(unsigned bucket)
{
    unsigned log2 = bucket / 8 + 8;
    return (1ul << log2) + (bucket % 8 + 1) * (1ul << (log2 - 3));
}

void prs_live_write(struct prs_store *store, bool *began, const struct prs_stats *stats, const struct prs_interval *interval, int pid, uint64_t running_ns, uint64_t stop_ns)
{
    struct prf_live *live = (struct prf_live *)(void *)(prs_root_bytes(store) + PRF_LIVE_AT);
    uint64_t sequence = live->sequence | 1;
    PRS_WRITE(live->sequence, sequence);
    PRS_ORDER();
    if (!*began) {
        live->magic = 0;
        prs_fill(&live->process, 0, sizeof *live - offsetof(struct prf_live, process)); /* the sequence stays odd meanwhile (L1) */
        *began = true;
    }
    const struct prs_store_volatile *v = store->v;
    live->magic = PRF_LIVE_MAGIC;
    live->process = (uint64_t)pid;
    live->epoch = store->epoch;
    live->checkpoints = stats->checkpoints;
    live->full_epochs = stats->full_epochs;
    live->given_up = stats->given_up;
    live->lines = stats->heap_lines;
    live->bytes = v->bytes_log + v->bytes_lines + v->bytes_meta;
    live->stop_ns = stats->stop_ns_total;
    live->cost_ns = stats->cost_ns_total;
    live->running_ns = running_ns;
    live->interval_ns = interval->now_ns;
    live->budget = interval->budget;
    live->realtime_ns = v->record.realtime_ns;
    if (stop_ns != 0) {
        ++live->stops[prs_stop_bucket(stop_ns)];
    }
    PRS_ORDER();
    PRS_WRITE(live->sequence, sequence + 1);
}

bool prs_live_valid(const struct prf_live *live) { return live->magic == PRF_LIVE_MAGIC && live->sequence % 2 == 0; }

bool prs_live_is_auto(const struct prf_live *live)
{
    return live->budget >= PRS_BUDGET_MIN && live->budget <= PRS_BUDGET_MAX && live->interval_ns >= PRS_INTERVAL_MIN_NS && live->interval_ns <= PRS_INTERVAL_MAX_NS;
}

bool prs_live_read(const struct prs_store *store, struct prf_live *out)
{
    const struct prf_live *live = (const struct prf_live *)(const void *)(prs_root_bytes(store) + PRF_LIVE_AT);
    for (unsigned i = 0; i < TRIES; ++i) {
        uint64_t before = PRS_READ(live->sequence);
        PRS_ORDER();
        prs_copy(out, live, sizeof *out);
        PRS_ORDER();
        if (before == PRS_READ(live->sequence) && out->sequence == before && prs_live_valid(out)) {
            return true;
        }
    }
    prs_fill(out, 0, sizeof *out);
    return false;
}

int prs_live_root_place(const uint8_t *head, uint64_t have, uint64_t file_bytes, uint64_t *place) { return prs_root_place(head, have, file_bytes, place); }

int prs_live_root(const uint8_t *root, uint64_t place, uint64_t file_bytes, uint64_t *epoch, enum prs_pool_state *state)
{
    struct prs_geometry geometry;
    struct prs_store_volatile v;
    *epoch = 0;
    *state = PRS_POOL_EMPTY;
    int result = prs_root_check((const struct prf_root *)(const void *)root, place, file_bytes, &geometry);
    if (result == 0) {
        prs_fill(&v.record, 0, sizeof v.record);
        result = prs_commit_read(root, &v.record, &v.health);
    }
    if (result == 0) {
        struct prs_store store = {.v = &v};
        *epoch = v.record.epoch;
        *state = prs_store_state(&store);
    }
    return result;
}
