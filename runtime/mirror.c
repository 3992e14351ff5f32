/* mirror.c - small memory compared with its copy, word by word. See mirror.h for the invariant.
 *
 * The comparison is the hot part of a checkpoint: 64 bytes at a time by 16-byte vectors, and only lines that differ are looked at by
 * granule. A granule that is cut by the range's ends is compared as far as the range goes. */
#include "mirror.h"
#include "log.h"
#include "prim.h"
#include <errno.h>

typedef long long vector __attribute__((vector_size(16), aligned(1), may_alias));

/* At half load no chunk of a real program is near so far from its hash place; addresses that were chosen to be are refused like too many chunks. */
#define PROBES_MAX 4096u

int prs_mirror_init(struct prs_mirror *mirror, struct prs_arena *arena)
{
    mirror->arena = arena;
    mirror->count = 0;
    mirror->chunks = prs_arena_take(arena, PRS_CHUNK_SLOTS * sizeof(struct prs_chunk));
    return mirror->chunks != NULL ? 0 : -ENOMEM;
}

void prs_mirror_clear(struct prs_mirror *mirror)
{
    for (uint32_t i = 0; i < PRS_CHUNK_SLOTS; ++i) {
        if (mirror->chunks[i].key != 0) {
            prs_fill(mirror->chunks[i].bytes, 0, PRS_CHUNK);
        }
    }
}

static uint32_t slot_of(uint64_t key) { return (uint32_t)((key * 0x9e3779b97f4a7c15ul) >> 48); }

uint8_t *prs_mirror_chunk(struct prs_mirror *mirror, uint64_t address, bool create)
{
    uint64_t key = address / PRS_CHUNK + 1;
    uint32_t slot = slot_of(key);
    for (uint32_t probe = 0; probe < PROBES_MAX; ++probe, slot = (slot + 1) % PRS_CHUNK_SLOTS) {
        struct prs_chunk *chunk = &mirror->chunks[slot];
        if (chunk->key == key) {
            return chunk->bytes;
        }
        if (chunk->key == 0) {
            if (!create || mirror->count >= PRS_CHUNK_SLOTS / 2) {
                return NULL;
            }
            uint8_t *bytes = prs_arena_take(mirror->arena, PRS_CHUNK);
            if (bytes == NULL) {
                return NULL;
            }
            chunk->bytes = bytes;
            chunk->key = key;
            ++mirror->count;
            return bytes;
        }
    }
    return NULL;
}

uint8_t *prs_mirror_flat(struct prs_mirror *mirror, uint64_t low, uint64_t high)
{
    uint64_t from = prs_round_down(low, PRS_CHUNK), chunks = (prs_round_up(high, PRS_CHUNK) - from) / PRS_CHUNK;
    uint8_t *bytes = chunks > PRS_CHUNK_SLOTS / 2 ? NULL : prs_arena_take(mirror->arena, chunks * PRS_CHUNK);
    for (uint64_t i = 0; i < chunks && bytes != NULL; ++i) {
        uint64_t key = from / PRS_CHUNK + i + 1;
        uint32_t slot = slot_of(key);
        while (mirror->chunks[slot].key != 0) {
            slot = (slot + 1) % PRS_CHUNK_SLOTS;
        }
        mirror->chunks[slot] = (struct prs_chunk){key, bytes + i * PRS_CHUNK};
        ++mirror->count;
    }
    return bytes == NULL ? NULL : bytes + (low - from);
}

int prs_mirror_apply(struct prs_mirror *mirror, uint64_t address, const void *data, uint32_t length)
{
    const uint8_t *from = data;
    while (length > 0) {
        uint64_t inside = address % PRS_CHUNK;
        uint32_t part = (uint32_t)(PRS_CHUNK - inside < length ? PRS_CHUNK - inside : length);
        uint8_t *chunk = prs_mirror_chunk(mirror, address, true);
        if (chunk == NULL) {
            return -ENOMEM;
        }
        prs_copy(chunk + inside, from, part);
        address += part, from += part, length -= part;
    }
    return 0;
}

void prs_mirror_restore(struct prs_mirror *mirror, uint64_t start, uint64_t end)
{
    while (start < end) {
        uint64_t stop = prs_round_down(start, PRS_CHUNK) + PRS_CHUNK;
        stop = stop < end ? stop : end;
        const uint8_t *chunk = prs_mirror_chunk(mirror, start, false);
        if (chunk != NULL) {
            prs_copy((void *)start, chunk + start % PRS_CHUNK, stop - start);
        } else {
            prs_fill((void *)start, 0, stop - start);
        }
        start = stop;
    }
}

static bool same(const uint8_t *a, const uint8_t *b, uint64_t length)
{
    for (; length >= 8; length -= 8, a += 8, b += 8) {
        uint64_t x, y;
        __builtin_memcpy(&x, a, 8);
        __builtin_memcpy(&y, b, 8);
        if (x != y) {
            return false;
        }
    }
    for (; length > 0; --length, ++a, ++b) {
        if (*a != *b) {
            return false;
        }
    }
    return true;
}

static inline bool same_line(const uint8_t *a, const uint8_t *b)
{
    const vector *x = (const vector *)a, *y = (const vector *)b;
    vector d = (x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]);
    return (d[0] | d[1]) == 0;
}

/* Offset of the first byte at or after `at` that lies in a line or granule that differs; `to` when none does. */
static uint64_t skip_same(const uint8_t *live, const uint8_t *copy, uint64_t at, uint64_t to, uint32_t granularity)
{
    while (at < to) {
        if (at % 64 == 0) {
            while (at + 64 <= to && same_line(live + at, copy + at)) {
                at += 64;
            }
            if (at >= to) {
                return to;
            }
        }
        uint64_t stop = (at / granularity + 1) * granularity;
        stop = stop < to ? stop : to;
        if (!same(live + at, copy + at, stop - at)) {
            return at;
        }
        at = stop;
    }
    return to;
}

static uint64_t skip_different(const uint8_t *live, const uint8_t *copy, uint64_t at, uint64_t to, uint32_t granularity)
{
    while (at < to) {
        uint64_t stop = (at / granularity + 1) * granularity;
        stop = stop < to ? stop : to;
        if (same(live + at, copy + at, stop - at)) {
            return at;
        }
        at = stop;
    }
    return to;
}

/* Within one chunk: live and copy are biased so that both are indexed by offset in the chunk. */
static int diff_chunk(uint64_t base, uint8_t *copy, uint64_t from, uint64_t to, uint32_t granularity, prs_diff_visitor visit, void *context)
{
    const uint8_t *live = (const uint8_t *)base;
    for (uint64_t at = skip_same(live, copy, from, to, granularity); at < to; at = skip_same(live, copy, at, to, granularity)) {
        uint64_t stop = skip_different(live, copy, at, to, granularity);
        int result = visit(context, base + at, live + at, (uint32_t)(stop - at));
        if (result != 0) {
            return result;
        }
        prs_copy(copy + at, live + at, stop - at);
        at = stop;
    }
    return 0;
}

int prs_mirror_diff(struct prs_mirror *mirror, uint64_t start, uint64_t end, uint32_t granularity, prs_diff_visitor visit, void *context)
{
    while (start < end) {
        uint64_t base = prs_round_down(start, PRS_CHUNK);
        uint64_t stop = base + PRS_CHUNK < end ? base + PRS_CHUNK : end;
        uint8_t *copy = prs_mirror_chunk(mirror, start, true);
        if (copy == NULL) {
            return -ENOMEM;
        }
        int result = diff_chunk(base, copy, start - base, stop - base, granularity, visit, context);
        if (result != 0) {
            return result;
        }
        start = stop;
    }
    return 0;
}

uint64_t prs_mirror_first_difference(struct prs_mirror *mirror, uint64_t start, uint64_t end)
{
    static const uint8_t zeros[PRS_CHUNK];
    while (start < end) {
        uint64_t base = prs_round_down(start, PRS_CHUNK);
        uint64_t stop = base + PRS_CHUNK < end ? base + PRS_CHUNK : end;
        const uint8_t *copy = prs_mirror_chunk(mirror, start, false);
        copy = copy != NULL ? copy : zeros;
        uint64_t at = skip_same((const uint8_t *)base, copy, start - base, stop - base, 1);
        if (at < stop - base) {
            return base + at;
        }
        start = stop;
    }
    return end;
}
