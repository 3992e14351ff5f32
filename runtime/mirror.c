/* mirror.c - small memory compared with its copy. See mirror.h for the invariant.
 *
 * The comparison is the hot part of a checkpoint: a line at a time by 16-byte vectors; a line that differs becomes a mask of bytes, and that one of
 * granules, whose runs are found by counting bits. Lines that the range cuts are read whole (a line never crosses a page) and masked. */
#include "mirror.h"
#include "checksum.h"
#include "layout.h"
#include "log.h"
#include "prim.h"
#include <emmintrin.h>
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

/* ---- comparing ---- */

static inline bool same_line(const uint8_t *a, const uint8_t *b)
{
    const vector *x = (const vector *)a, *y = (const vector *)b;
    vector d = (x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]);
    return (d[0] | d[1]) == 0;
}

/* Reads bytes of the line that are nobody's business, and says nothing of them. */
#define WHOLE_LINE __attribute__((no_sanitize("address", "thread")))

/* A bit for each byte of a line that differs. */
WHOLE_LINE static inline uint64_t difference(const uint8_t *a, const uint8_t *b)
{
    uint64_t equal = 0;
    for (unsigned i = 0; i < 4; ++i) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(a + i * 16)), y = _mm_loadu_si128((const __m128i *)(const void *)(b + i * 16));
        equal |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) << i * 16;
    }
    return ~equal;
}

/* All bits of each granule (up to a line) of which one is set. */
static inline uint64_t by_granule(uint64_t mask, uint32_t granularity)
{
    if (granularity >= PRS_LINE) {
        return mask != 0 ? ~0ul : 0;
    }
    for (uint32_t shift = granularity / 2; shift > 0; shift /= 2) {
        mask |= mask >> shift;
    }
    uint64_t granule = (1ul << granularity) - 1;
    return (mask & ~0ul / granule) * granule; /* ~0 / granule: the first bit of each */
}

static inline uint64_t bits_from(uint64_t first) { return ~0ul << first; }

/* Most runs are a word or two: quicker than starting a string instruction. */
static inline void copy_run(uint8_t *to, const uint8_t *from, uint64_t length)
{
    if (length > 256) {
        prs_copy(to, from, length);
        return;
    }
    for (; length >= 8; length -= 8, to += 8, from += 8) {
        *(prs_any_u64 *)to = *(const prs_any_u64 *)from;
    }
    for (; length > 0; --length) {
        *to++ = *from++;
    }
}

/* What is compared: one chunk, with the run of changed granules that the last line ended in. */
struct comparison {
    const uint8_t *live; /* both are indexed by offset in the chunk */
    uint8_t *copy;
    uint64_t run; /* where the open run begins; NONE */
    prs_diff_visitor visit;
    void *context;
};
#define NONE (~0ul)

static inline int end_run(struct comparison *c, uint64_t end)
{
    uint64_t start = c->run;
    c->run = NONE;
    int result = c->visit(c->context, (uint64_t)c->live + start, c->live + start, (uint32_t)(end - start));
    if (result == 0) {
        copy_run(c->copy + start, c->live + start, end - start);
    }
    return result;
}

/* mask: bytes of the line at `at` that count as changed. A run that reaches the line's end stays open. */
static int take_line(struct comparison *c, uint64_t at, uint64_t mask)
{
    while (true) {
        uint64_t first = c->run != NONE ? 0 : mask != 0 ? (uint64_t)__builtin_ctzl(mask) : PRS_LINE;
        if (first == PRS_LINE) {
            return 0;
        }
        if (c->run == NONE) {
            c->run = at + first;
        }
        uint64_t unchanged = ~mask & bits_from(first);
        if (unchanged == 0) {
            return 0;
        }
        uint64_t end = (uint64_t)__builtin_ctzl(unchanged);
        int result = end_run(c, at + end);
        if (result != 0) {
            return result;
        }
        mask &= bits_from(end);
    }
}

/* Does a byte of a granule of several lines differ, as far as the range goes? */
static bool any_difference(const struct comparison *c, uint64_t from, uint64_t to)
{
    for (uint64_t at = prs_round_down(from, PRS_LINE); at < to; at += PRS_LINE) {
        uint64_t valid = at < from ? bits_from(from - at) : ~0ul;
        valid &= to - at < PRS_LINE ? ~bits_from(to - at) : ~0ul;
        if ((difference(c->live + at, c->copy + at) & valid) != 0) {
            return true;
        }
    }
    return false;
}

/* Within one chunk. A granule that is cut by the range's ends is compared, and counts, as far as the range goes. */
static int diff_chunk(struct comparison *c, uint64_t from, uint64_t to, uint32_t granularity)
{
    uint64_t changed_until = 0; /* end of a granule of several lines that counts as changed */
    for (uint64_t at = prs_round_down(from, PRS_LINE); at < to; at += PRS_LINE) {
        if (c->run == NONE && granularity <= PRS_LINE && at >= from) {
            while (at + PRS_LINE <= to && same_line(c->live + at, c->copy + at)) {
                at += PRS_LINE;
            }
            if (at >= to) {
                break;
            }
        }
        uint64_t valid = at < from ? bits_from(from - at) : ~0ul;
        valid &= to - at < PRS_LINE ? ~bits_from(to - at) : ~0ul;
        uint64_t mask = 0;
        if (granularity <= PRS_LINE) {
            mask = by_granule(difference(c->live + at, c->copy + at) & valid, granularity) & valid;
        } else {
            if (at % granularity == 0 || at <= from) { /* the first line of a granule, or of the range */
                uint64_t end = prs_round_down(at, granularity) + granularity;
                end = end < to ? end : to;
                changed_until = any_difference(c, at < from ? from : at, end) ? end : 0;
            }
            mask = at < changed_until ? valid : 0;
        }
        int result = take_line(c, at, mask);
        if (result != 0) {
            return result;
        }
    }
    return c->run != NONE ? end_run(c, to) : 0;
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
        struct comparison comparison = {(const uint8_t *)base, copy, NONE, visit, context};
        int result = diff_chunk(&comparison, start - base, stop - base, granularity);
        if (result != 0) {
            return result;
        }
        start = stop;
    }
    return 0;
}

uint64_t prs_mirror_first_difference(struct prs_mirror *mirror, uint64_t start, uint64_t end)
{
    static const uint8_t zeros[PRS_CHUNK] __attribute__((aligned(PRS_LINE)));
    while (start < end) {
        uint64_t base = prs_round_down(start, PRS_CHUNK);
        uint64_t stop = base + PRS_CHUNK < end ? base + PRS_CHUNK : end;
        const uint8_t *copy = prs_mirror_chunk(mirror, start, false);
        copy = copy != NULL ? copy : zeros;
        for (uint64_t at = prs_round_down(start - base, PRS_LINE); at < stop - base; at += PRS_LINE) {
            uint64_t from = start - base, mask = difference((const uint8_t *)base + at, copy + at);
            mask &= at < from ? bits_from(from - at) : ~0ul;
            mask &= stop - base - at < PRS_LINE ? ~bits_from(stop - base - at) : ~0ul;
            if (mask != 0) {
                return base + at + (uint64_t)__builtin_ctzl(mask);
            }
        }
        start = stop;
    }
    return end;
}
