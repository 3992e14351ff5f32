/* dirtymap.c - the address space of the dirty map and of the long map, and reading them.
 *
 * INVARIANTS
 *   1. The maps are at PRS_MAP_BASE and PRS_LONG_MAP_BASE, private, zero where nobody wrote, and never in the image: a restored process starts with no marks.
 *   2. A byte that instrumented code wrote turns suspect when a checkpoint has consumed it, and clean by evidence only (marks.c says which).
 *   3. Only pages of the map that have content are read, by pagemap: a mark gave its page content, in memory or in swap. (mincore will
 *      not do: it reports a page in swap as absent.)
 * Context: reserve at start; the rest anywhere, the handler included: raw system calls, no libc. Nothing here is durable.
 */
#include "dirtymap.h"
#include "planted.h"
#include "prim.h"
#include "resident.h"
#include <errno.h>
#include <fcntl.h>
#include <immintrin.h>
#include <linux/mman.h>
#include <prosper/abi.h>

#define PAGE 4096ul
#define ADDRESS_END ((uint64_t)PRS_MAP_SIZE << PRS_LINE_SHIFT)

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static bool reserved;
static int pagemap = -1;

void prs_dirtymap_use_pagemap(int fd) { pagemap = fd; }

static uint8_t *in_map(uint64_t base, uint64_t address) { return (uint8_t *)(base + (address >> PRS_LINE_SHIFT)); }

static int reserve(uint64_t base)
{
    /* One page more: the second byte of a mark in the very last line. */
    const uint64_t bytes = PRS_MAP_SIZE + PAGE;
    long at = prs_sys(SYS_mmap, base, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (at < 0) {
        return (int)at;
    }
    if ((uint64_t)at != base) { /* a kernel that does not know MAP_FIXED_NOREPLACE takes the address as a hint */
        prs_sys(SYS_munmap, at, bytes);
        return -EEXIST;
    }
    prs_sys(SYS_madvise, at, bytes, MADV_NOHUGEPAGE); /* marks are few and scattered */
    prs_sys(SYS_madvise, at, bytes, MADV_DONTDUMP);
    return 0;
}

int prs_dirtymap_reserve(void)
{
    int error = reserved ? 0 : reserve(PRS_MAP_BASE);
    if (error == 0 && !reserved) {
        error = reserve(PRS_LONG_MAP_BASE);
    }
    reserved = error == 0;
    return error;
}

static bool is_marked(uint64_t base, uint64_t address) { return *(volatile uint8_t *)in_map(base, address) != PRS_MARK_CLEAN; }

bool prs_dirtymap_marked(uint64_t address)
{
    return reserved && address < ADDRESS_END && (is_marked(PRS_MAP_BASE, address) || is_marked(PRS_LONG_MAP_BASE, address));
}

/* ---- spans ---- */

#define SPAN_LONG 1ul                       /* low bits of an entry: which map has marks there */
#define SPAN_SHORT 2ul
#define SPAN_WHICH 3ul
#define PAGE_LINES 64u /* of a page of data: so many bytes of a map */

static const __m128i *map_bytes(uint64_t base, uint64_t address) { return (const __m128i *)in_map(base, address); }

/* Is any byte of a page of the map not clean? *fresh: how many are dirty. */
static bool any_mark(uint64_t base, uint64_t address, uint64_t *fresh)
{
    const __m128i *at = map_bytes(base, address);
    const __m128i dirty = _mm_set1_epi8(PRS_MARK_DIRTY);
    bool any = false;
    for (unsigned i = 0; i < PAGE / sizeof *at; i += 4) {
        __m128i x = _mm_or_si128(_mm_or_si128(at[i], at[i + 1]), _mm_or_si128(at[i + 2], at[i + 3]));
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128())) == 0xffff) {
            continue;
        }
        any = true;
        for (unsigned j = 0; j < 4; ++j) {
            *fresh += (unsigned)__builtin_popcount((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(at[i + j], dirty)));
        }
    }
    return any;
}

struct finding {
    uint64_t base;  /* of the map */
    uint64_t which;
    uint64_t *out;
    uint32_t count, max;
    uint64_t fresh;
    bool give_back; /* pages of the map without a mark */
    uint64_t clean_start, clean_end;
};

static void give_back(struct finding *finding)
{
    if (finding->clean_start < finding->clean_end) {
        prs_sys(SYS_madvise, finding->clean_start, finding->clean_end - finding->clean_start, MADV_DONTNEED);
    }
    finding->clean_start = finding->clean_end = 0;
}

static int find_in(void *context, uint64_t start, uint64_t end)
{
    struct finding *finding = context;
    for (; start < end; start += PAGE) {
        uint64_t address = (start - finding->base) << PRS_LINE_SHIFT;
        if (any_mark(finding->base, address, &finding->fresh)) {
            if (finding->count == finding->max) {
                return -E2BIG;
            }
            finding->out[finding->count++] = address | finding->which;
        } else if (finding->give_back) {
            if (finding->clean_end != start) {
                give_back(finding);
                finding->clean_start = start;
            }
            finding->clean_end = start + PAGE;
        }
    }
    return 0;
}

static int find(struct finding *finding, uint64_t start, uint64_t end)
{
    int result = prs_resident_each(pagemap, (uint64_t)in_map(finding->base, start), (uint64_t)in_map(finding->base, end), false, find_in, finding);
    give_back(finding);
    return result;
}

int prs_spans_init(struct prs_spans *spans, struct prs_arena *arena)
{
    for (unsigned i = 0; i < 3; ++i) {
        spans->lists[i] = prs_arena_take(arena, PRS_SPANS_MAX * sizeof *spans->lists[i]);
        if (spans->lists[i] == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

int prs_spans_find(struct prs_spans *spans, uint64_t start, uint64_t end, bool give_back_clean)
{
    struct finding in_short = {.base = PRS_MAP_BASE, .which = SPAN_SHORT, .out = spans->lists[0], .max = PRS_SPANS_MAX, .give_back = give_back_clean};
    struct finding in_long = {.base = PRS_LONG_MAP_BASE, .which = SPAN_LONG, .out = spans->lists[1], .max = PRS_SPANS_MAX, .give_back = give_back_clean};
    spans->count = 0;
    spans->fresh = 0;
    if (!reserved) {
        return 0;
    }
    int result = find(&in_short, start, end);
    if (result == 0 && !PRS_PLANTED(long_unseen)) {
        result = find(&in_long, start, end);
    }
    uint32_t i = 0, j = 0;
    while (result == 0 && (i < in_short.count || j < in_long.count)) {
        uint64_t a = i < in_short.count ? spans->lists[0][i] & ~SPAN_WHICH : UINT64_MAX, b = j < in_long.count ? spans->lists[1][j] & ~SPAN_WHICH : UINT64_MAX;
        uint64_t next = a < b ? a : b;
        i += a == next;
        j += b == next;
        if (spans->count == PRS_SPANS_MAX) {
            result = -E2BIG;
        } else {
            spans->lists[2][spans->count++] = next | (a == next ? SPAN_SHORT : 0) | (b == next ? SPAN_LONG : 0);
        }
    }
    spans->fresh = in_short.fresh;
    return result;
}

uint64_t prs_span_address(const struct prs_spans *spans, uint32_t i) { return spans->lists[2][i] & ~SPAN_WHICH; }

static uint64_t lines_of(uint64_t base, uint64_t address)
{
    const __m128i *at = map_bytes(base, address);
    uint64_t clean = 0;
    for (unsigned i = 0; i < 4; ++i) {
        clean |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(at[i], _mm_setzero_si128())) << 16 * i;
    }
    return ~clean;
}

uint64_t prs_span_lines(const struct prs_spans *spans, uint32_t i, uint64_t page)
{
    uint64_t which = spans->lists[2][i];
    return ((which & SPAN_SHORT) != 0 ? lines_of(PRS_MAP_BASE, page) : 0) | ((which & SPAN_LONG) != 0 ? lines_of(PRS_LONG_MAP_BASE, page) : 0);
}

/* ---- aging ---- */

#define SUSPECT_OLD 3 /* PRS_MARK_SUSPECT, and seen by a turn */

static void age(uint64_t base, uint64_t address, enum prs_aging aging, struct prs_aged *aged)
{
    __m128i *at = (__m128i *)in_map(base, address);
    const __m128i one = _mm_set1_epi8(PRS_MARK_SUSPECT), dirty = _mm_set1_epi8(PRS_MARK_DIRTY), old = _mm_set1_epi8(SUSPECT_OLD), zero = _mm_setzero_si128();
    bool fresh = false; /* of the PAGE_LINES bytes that are a page of the program's */
    for (unsigned i = 0; i < PAGE / sizeof *at; ++i) {
        fresh &= i % (PAGE_LINES / sizeof *at) != 0;
        __m128i v = at[i];
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(v, zero)) == 0xffff) {
            continue;
        }
        __m128i consumed = _mm_and_si128(_mm_cmpeq_epi8(v, dirty), one);
        bool now = !fresh && _mm_movemask_epi8(_mm_cmpeq_epi8(v, dirty)) != 0;
        aged->pages += now;
        fresh |= now;
        aged->lines += 16u - (unsigned)__builtin_popcount((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, zero)));
        __m128i kept = _mm_andnot_si128(_mm_cmpeq_epi8(v, dirty), v);
        if (aging == PRS_AGE_TURN) {
            kept = _mm_and_si128(_mm_cmpeq_epi8(v, one), old);
        } else if (aging == PRS_AGE_DROP) {
            kept = zero;
        }
        v = _mm_or_si128(consumed, kept);
        at[i] = v;
        aged->left += 16u - (unsigned)__builtin_popcount((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, zero)));
    }
}

struct prs_aged prs_spans_age(const struct prs_spans *spans, enum prs_aging in_short, enum prs_aging in_long)
{
    struct prs_aged aged = {0, 0, 0};
    for (uint32_t i = 0; i < spans->count; ++i) {
        uint64_t entry = spans->lists[2][i];
        if ((entry & SPAN_SHORT) != 0) {
            age(PRS_MAP_BASE, entry & ~SPAN_WHICH, in_short, &aged);
        }
        if ((entry & SPAN_LONG) != 0) {
            age(PRS_LONG_MAP_BASE, entry & ~SPAN_WHICH, in_long, &aged);
        }
    }
    return aged;
}

/* Short ones are the rule: strips of a loop, small copies. A string instruction takes some 30 cycles to begin. */
static void fill_marks(uint8_t *from, size_t count)
{
    const uint64_t eight = PRS_MARK_DIRTY * 0x0101010101010101ul;
    if (count < 8 || count > 512) {
        if (count < 8) {
            for (size_t i = 0; i < count; ++i) {
                ((volatile uint8_t *)from)[i] = PRS_MARK_DIRTY;
            }
        } else {
            prs_fill(from, PRS_MARK_DIRTY, count);
        }
        return;
    }
    for (size_t i = 0; i + 8 <= count; i += 8) {
        __builtin_memcpy(from + i, &eight, 8);
    }
    __builtin_memcpy(from + count - 8, &eight, 8);
}

void prs_dirtymap_mark(uint64_t start, uint64_t end)
{
    end = end > ADDRESS_END ? ADDRESS_END : end;
    if (reserved && start < end) {
        uint8_t *from = in_map(PRS_LONG_MAP_BASE, start), *to = in_map(PRS_LONG_MAP_BASE, end - 1) + 1;
        fill_marks(from, (size_t)(to - from));
    }
}
