/* unit_collect.c - a checkpoint's side of the unit: the dirty granules of a stack, and forgetting them.
 *
 *      start                    SP - 128        SP                          end
 *        |......................|...............|............................|
 *          inactive: dropped     red zone        frames: collected
 *          (or kept)             collected
 *
 * Reads no more of the bitmap than from the lowest store on. The granule in which SP - 128 lies counts as in use.
 * Context: any, also the handler; no libc.
 */
#include "unit.h"
#include <stddef.h>

uint64_t prs_unit_live_from(const struct prs_unit_stack *stack)
{
    if (stack->sp < stack->start || stack->sp > stack->end) {
        return stack->start; /* the thread is on some other stack, or nobody said where it is */
    }
    return stack->sp - stack->start < PRS_UNIT_RED_ZONE ? stack->start : stack->sp - PRS_UNIT_RED_ZONE;
}

struct collection {
    const struct prs_unit_stack *stack;
    struct prs_unit_found found;
    void (*each)(void *context, uint64_t start, uint64_t end);
    void *context;
    uint64_t run_first, run_end; /* granules, run_end exclusive; empty: none open */
};

static void end_run(struct collection *collection)
{
    if (collection->run_first == collection->run_end) {
        return;
    }
    const struct prs_unit_stack *stack = collection->stack;
    uint64_t from = stack->start + (collection->run_first << stack->shift);
    uint64_t room = stack->end - from, bytes = (collection->run_end - collection->run_first) << stack->shift;
    bytes = bytes < room ? bytes : room; /* the last granule may be cut by the end */
    collection->found.runs++;
    collection->found.bytes += bytes;
    if (collection->each != NULL) {
        collection->each(collection->context, from, from + bytes);
    }
    collection->run_first = collection->run_end = 0;
}

static void add_word(struct collection *collection, uint64_t word, uint32_t bits)
{
    collection->found.granules += (uint64_t)__builtin_popcount(bits);
    for (uint32_t done = 0; bits != 0;) {
        uint32_t skip = (uint32_t)__builtin_ctz(bits);
        bits >>= skip;
        uint32_t length = bits == UINT32_MAX ? PRS_UNIT_WORD_BITS : (uint32_t)__builtin_ctz(~bits);
        uint64_t first = word * PRS_UNIT_WORD_BITS + done + skip;
        if (first != collection->run_end || collection->run_first == collection->run_end) {
            end_run(collection);
            collection->run_first = first;
        }
        collection->run_end = first + length;
        done += skip + length;
        bits = length == PRS_UNIT_WORD_BITS ? 0 : bits >> length;
    }
}

struct prs_unit_found prs_unit_collect(struct prs_unit_stack *stack, enum prs_unit_below below,
    void (*each)(void *context, uint64_t start, uint64_t end), void *context)
{
    struct collection collection = {.stack = stack, .each = each, .context = context};
    uint64_t other = __atomic_exchange_n(&stack->lowest_other, PRS_UNIT_NOTHING, __ATOMIC_ACQ_REL); /* pairs with prs_unit_store_other */
    uint64_t lowest = stack->lowest < other ? stack->lowest : other, kept = PRS_UNIT_NOTHING;
    stack->lowest = PRS_UNIT_NOTHING;
    if (stack->shift == 0 || lowest == PRS_UNIT_NOTHING) {
        return collection.found;
    }
    uint64_t live = (prs_unit_live_from(stack) - stack->start) >> stack->shift;
    uint64_t words = prs_unit_bitmap_bytes(stack->start, stack->end, 1u << stack->shift) / sizeof *stack->bitmap;
    for (uint64_t word = ((lowest - stack->start) >> stack->shift) / PRS_UNIT_WORD_BITS; word < words; word++) {
        if (__atomic_load_n(&stack->bitmap[word], __ATOMIC_RELAXED) == 0) {
            continue;
        }
        uint64_t base = word * PRS_UNIT_WORD_BITS;
        uint32_t inactive = live <= base ? 0 : live - base >= PRS_UNIT_WORD_BITS ? UINT32_MAX : ~(UINT32_MAX << (live - base));
        /* What is set after this belongs to the next interval. */
        uint32_t bits = __atomic_fetch_and(&stack->bitmap[word], below == PRS_UNIT_KEEP ? inactive : 0, __ATOMIC_RELAXED);
        collection.found.below += (uint64_t)__builtin_popcount(bits & inactive);
        if (below == PRS_UNIT_KEEP && (bits & inactive) != 0 && kept == PRS_UNIT_NOTHING) {
            kept = stack->start + ((base + (uint64_t)__builtin_ctz(bits & inactive)) << stack->shift);
        }
        add_word(&collection, word, bits & ~inactive);
    }
    end_run(&collection);
    stack->lowest = kept;
    return collection.found;
}
