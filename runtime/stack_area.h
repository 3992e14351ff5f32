/* stack_area.h - what the images of the stack share: sets of lines, small copies, words that prove themselves, pages that are there before a hook writes.
 *
 * The four images include it, and what brings stores to them. Offsets count from area->low; S is the size of the stack.
 */
#ifndef PRS_STACK_AREA_H
#define PRS_STACK_AREA_H

#include "checksum.h"
#include "error.h"
#include "prim.h"
#include "stack_image.h"
#include <errno.h>

#define PRS_STACK_LINE 64ul
#define PRS_STACK_PAGE 4096ul

static inline uint64_t prs_stack_size(const struct prs_stack_area *area) { return area->high - area->low; }
static inline int prs_stack_damaged(const char *what) { return prs_fail(PROSPER_E_DAMAGED, "the stack's image: %s", what); }
/* Stores before stay before stores after: in program order, in what a handler sees, and within a line in what reaches the medium. */
static inline void prs_stack_order(void) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

/* Short copies without the start of a string instruction: a store of the program's is mostly of 4, 8 or 16 bytes. */
static inline void prs_stack_move(void *to, const void *from, uint64_t length)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (length >= 256) {
        prs_copy(out, in, length);
        return;
    }
    for (; length >= 8; length -= 8, in += 8, out += 8) {
        *(prs_any_u64 *)out = *(const prs_any_u64 *)in;
        prs_stack_order(); /* or the compiler may make a call of libc's of it */
    }
    if (length >= 4) {
        typedef uint32_t any_u32 __attribute__((aligned(1), may_alias));
        *(any_u32 *)out = *(const any_u32 *)in;
        length -= 4, in += 4, out += 4;
    }
    for (; length > 0; --length, ++in, ++out) {
        *out = *in;
        prs_stack_order();
    }
}

/* ---- a set of units (lines, or parts of them), in area->tables: a bit for each, and a bit for each word of bits that is not zero ---- */

static inline uint64_t prs_set_bytes(uint64_t units) { return (units / 64 + units / 4096 + 2) * sizeof(uint64_t); }
static inline uint64_t *prs_set_summary(uint64_t *bits, uint64_t units) { return bits + units / 64 + 1; }
static inline bool prs_set_has(const uint64_t *bits, uint64_t unit) { return (bits[unit / 64] >> (unit % 64) & 1) != 0; }
static inline void prs_set_add(uint64_t *bits, uint64_t *summary, uint64_t unit)
{
    if (!prs_set_has(bits, unit)) {
        summary[unit / 4096] |= 1ull << (unit / 64 % 64);
        prs_stack_order(); /* left in between, the word is looked at for nothing */
        bits[unit / 64] |= 1ull << (unit % 64);
    }
}

typedef void prs_set_visitor(struct prs_stack_area *area, uint64_t offset, uint64_t length);
/* Each run of adjacent units (cut at multiples of 64), ascending; visit may be NULL. */
static inline void prs_set_each(struct prs_stack_area *area, uint64_t *bits, uint64_t unit_bytes, bool clear, prs_set_visitor *visit)
{
    uint64_t units = prs_stack_size(area) / unit_bytes, *summary = prs_set_summary(bits, units);
    for (uint64_t at = 0; at * 4096 < units; ++at) {
        for (uint64_t words = summary[at]; words != 0; words &= words - 1) {
            uint64_t word = at * 64 + (uint64_t)__builtin_ctzll(words);
            for (uint64_t left = bits[word], done = 0; left != 0 && visit != NULL;) {
                uint64_t skip = (uint64_t)__builtin_ctzll(left), run;
                left >>= skip;
                run = left == UINT64_MAX ? 64 : (uint64_t)__builtin_ctzll(~left);
                visit(area, (word * 64 + done + skip) * unit_bytes, run * unit_bytes);
                done += skip + run;
                left = run == 64 ? 0 : left >> run;
            }
            bits[word] = clear ? 0 : bits[word];
        }
        summary[at] = clear ? 0 : summary[at];
    }
}

/* ---- a number that shows damage, written and read at once ---- */

static inline uint64_t prs_stack_word(uint64_t sequence) { return sequence << 16 | (prs_crc32c(0, &sequence, sizeof sequence) & 0xffff); }
static inline bool prs_stack_word_is(uint64_t word, uint64_t sequence) { return word == prs_stack_word(sequence); }

/* ---- copies of the whole stack in the area ---- */

/* A first touch of a file's page is a fault of 15 to 25 us, and stacks grow: the pages below are made ready some at a time, in all copies. */
#define PRS_STACK_AHEAD (256ul << 10)
static inline void prs_stack_populate(void *at, uint64_t length) { (void)prs_sys(SYS_madvise, at, length, 23 /* MADV_POPULATE_WRITE */); }
static inline void prs_stack_reach(struct prs_stack_area *area, uint64_t offset, uint8_t *copies, unsigned count)
{
    if (__builtin_expect(offset < area->reached, 0)) {
        uint64_t from = prs_round_down(offset > PRS_STACK_AHEAD ? offset - PRS_STACK_AHEAD : 0, PRS_STACK_PAGE);
        for (unsigned i = 0; i < count; ++i) {
            prs_stack_populate(copies + i * prs_stack_size(area) + from, area->reached - from);
        }
        area->reached = from;
    }
}

static inline bool prs_stack_same(const void *a, const void *b, uint64_t length)
{
    const uint64_t *x = a, *y = b;
    uint64_t differ = 0;
    for (uint64_t i = 0; i < length / 8; ++i) {
        differ |= x[i] ^ y[i];
    }
    return differ == 0;
}

static inline bool prs_stack_zero(const void *at, uint64_t length)
{
    const uint64_t *words = at;
    uint64_t any = 0;
    for (uint64_t i = 0; i < length / 8; ++i) {
        any |= words[i];
    }
    return any == 0;
}

/* Every page of a copy that is not zero. */
static inline int prs_stack_visit(const struct prs_stack_area *area, const uint8_t *copy, prs_stack_visitor visit, void *context)
{
    int result = 0;
    for (uint64_t at = 0; at < prs_stack_size(area) && result == 0; at += PRS_STACK_PAGE) {
        if (!prs_stack_zero(copy + at, PRS_STACK_PAGE)) {
            result = visit(context, area->low + at, copy + at, PRS_STACK_PAGE);
        }
    }
    return result;
}

/* Lines that differ are made the same; all are flushed, since a kill may have come between the store that made two the same and its flush: a power cut would take it back later. */
static inline void prs_stack_make_same(struct prs_stack_area *area, uint8_t *to, const uint8_t *from)
{
    for (uint64_t page = 0; page < prs_stack_size(area); page += PRS_STACK_PAGE) {
        if (prs_stack_same(to + page, from + page, PRS_STACK_PAGE)) {
            continue;
        }
        for (uint64_t at = page; at < page + PRS_STACK_PAGE; at += PRS_STACK_LINE) {
            if (!prs_stack_same(to + at, from + at, PRS_STACK_LINE)) {
                prs_copy(to + at, from + at, PRS_STACK_LINE);
                area->bytes_written += PRS_STACK_LINE;
                prs_stack_pass(area, PRS_FAULT_stack_copying);
            }
        }
    }
    if (!PRS_PLANTED(same_unflushed)) {
        prs_stack_flush(area, to, prs_stack_size(area));
    }
}

/* What is not zero is zeroed, most of a pool's pages never were anything else; and all is flushed, for the same reason. */
static inline void prs_stack_wipe(struct prs_stack_area *area, uint8_t *at, uint64_t length)
{
    for (uint8_t *line = at; line < at + length; line += PRS_STACK_LINE) {
        if (!prs_stack_zero(line, PRS_STACK_LINE)) {
            prs_fill(line, 0, PRS_STACK_LINE);
        }
    }
    prs_stack_flush(area, at, length);
}

/* The word at the area's beginning says the committed state now; durable on return. */
static inline void prs_stack_word_write(struct prs_stack_area *area)
{
    uint64_t *word = (uint64_t *)(void *)area->base;
    __atomic_store_n(word, prs_stack_word(area->committed), __ATOMIC_RELAXED);
    prs_stack_flush(area, word, sizeof *word);
    prs_media_fence(area->media);
}

/* The first `bytes` of the area read as zero; durable on return. */
static inline void prs_stack_wipe_all(struct prs_stack_area *area, uint64_t bytes)
{
    area->reached = prs_stack_size(area);
    prs_stack_wipe(area, area->base, bytes);
    prs_media_fence(area->media);
}

#endif
