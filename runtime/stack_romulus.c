/* stack_romulus.c - stack=romulus: two twins, main and back, and a volatile log of what was written; after Romulus (Correia, Felber, Ramalhete, SPAA 2018), in
 * its variant with a log.
 *
 * FORMAT. Page 0: one word, the state that back has (stack_area.h, prs_stack_word). Then main and back, each a copy of the whole stack.
 *
 * VALID IF AND ONLY IF the word is right and names the committed state n or n - 1. In the first case back is state n, in the second main is.
 *
 * ALGORITHM. The original's state word is here in two parts, the commit record's number (what main was when it was last whole) and the word (what back is):
 *
 *     record  word   original    main           back
 *     n       n      IDLE        n              n
 *     n       n      MUTATING    on its way     n          told from IDLE by nothing: recovery does the same
 *     n + 1   n      COPYING     n + 1          on its way
 *     n + 1   n + 1  IDLE
 *
 *   write      into main; note the lines in a volatile set, the log of the original without repetitions. Nothing is flushed
 *   prepare    flush the noted lines of main; the commit's fence and record are the original's "state = COPYING"
 *   committed  copy the noted lines to back, flush, fence; word = n + 1, flush, fence: "state = IDLE"
 *   recover    word is n: main is made equal to back. Word is n - 1: back is made equal to main, then the word is n.
 *              It is written and flushed in either case: a kill may have come between its store and its flush, and main is written from here on
 *
 * WHY IT IS SAFE. Main is written only while back is n and durable: `committed` returns after the fence of the word, and writes come from hooks and the handler
 * that run after it. Back is written only while main is n + 1 and durable: the record was written after the fence that followed the flush of main's lines. So one of them
 * is always whole, and record and word, each written at once, say which. An interrupted recovery leaves the word, and begins again.
 *
 * Context: stack_image.h.
 */
#include "stack_area.h"

static uint64_t area_bytes(uint64_t stack) { return PRS_STACK_PAGE + 2 * stack; }
static uint64_t tables_bytes(uint64_t stack) { return prs_set_bytes(stack / PRS_STACK_LINE); }
static uint8_t *main_of(const struct prs_stack_area *area) { return area->base + PRS_STACK_PAGE; }
static uint8_t *back_of(const struct prs_stack_area *area) { return main_of(area) + prs_stack_size(area); }
static uint64_t *word_of(const struct prs_stack_area *area) { return (uint64_t *)(void *)area->base; }
static uint64_t read_word(const struct prs_stack_area *area) { return __atomic_load_n(word_of(area), __ATOMIC_RELAXED); }

static int attach(struct prs_stack_area *area)
{
    area->reached = prs_stack_size(area);
    uint64_t word = read_word(area);
    bool known = prs_stack_word_is(word, area->committed) || (area->committed > 0 && prs_stack_word_is(word, area->committed - 1));
    return known ? 0 : prs_stack_damaged("the word that says which twin is whole");
}

static int each(const struct prs_stack_area *area, prs_stack_visitor visit, void *context)
{
    return prs_stack_visit(area, prs_stack_word_is(read_word(area), area->committed) ? back_of(area) : main_of(area), visit, context);
}

static int recover(struct prs_stack_area *area)
{
    if (prs_stack_word_is(read_word(area), area->committed)) {
        prs_stack_make_same(area, main_of(area), back_of(area));
    } else {
        prs_stack_make_same(area, back_of(area), main_of(area));
    }
    prs_media_fence(area->media);
    if (!PRS_PLANTED(stack_word_unflushed)) {
        prs_stack_word_write(area);
    }
    return 0;
}

static int reset(struct prs_stack_area *area)
{
    area->reached = prs_stack_size(area);
    prs_stack_wipe(area, main_of(area), 2 * prs_stack_size(area));
    prs_media_fence(area->media);
    prs_stack_word_write(area);
    return 0;
}

static int write_in_place(struct prs_stack_area *area, uint64_t address, const void *data, uint32_t length)
{
    uint64_t offset = address - area->low, *lines = area->tables;
    uint64_t *summary = prs_set_summary(lines, prs_stack_size(area) / PRS_STACK_LINE);
    prs_stack_reach(area, offset, main_of(area), 2);
    for (uint64_t line = offset / PRS_STACK_LINE; line * PRS_STACK_LINE < offset + length; ++line) {
        prs_set_add(lines, summary, line);
    }
    prs_stack_move(main_of(area) + offset, data, length);
    area->bytes_written += length;
    return 0;
}

static void flush_main(struct prs_stack_area *area, uint64_t offset, uint64_t length) { prs_stack_flush(area, main_of(area) + offset, length); }

static int prepare(struct prs_stack_area *area)
{
    prs_set_each(area, area->tables, PRS_STACK_LINE, false, flush_main);
    return 0;
}

static void copy_to_back(struct prs_stack_area *area, uint64_t offset, uint64_t length)
{
    prs_stack_move(back_of(area) + offset, main_of(area) + offset, length);
    prs_stack_flush(area, back_of(area) + offset, length);
    area->bytes_written += length;
    prs_stack_pass(area, PRS_FAULT_stack_copying);
}

static void committed(struct prs_stack_area *area)
{
    prs_set_each(area, area->tables, PRS_STACK_LINE, true, copy_to_back);
    prs_media_fence(area->media);
    prs_stack_word_write(area);
}

const struct prs_stack_image prs_stack_romulus_image = {area_bytes, tables_bytes, attach, each, recover, reset, write_in_place, prepare, committed};
