/* stack_undo.c - stack=undo: one copy of the stack, changed in place; what it was goes to an undo log first.
 *
 * FORMAT. Home, a copy of the whole stack; then the log, entries of one line each:
 *
 *     | sequence 8 | granule 4 | checksum 4 | what home had there, 32 | zeros 16 |      granule: offset in the stack / 32
 *
 * The log has room for every granule of the stack once, so it is never full: a checkpoint can always be completed.
 *
 * VALID IF AND ONLY IF. With n committed: the entries of the log from its beginning up to the first one whose sequence is not n + 1 or whose checksum (of sequence,
 * granule and content) does not fit. State n is home with these entries' contents put in, newest first. Each must name a granule of the stack.
 *
 * ALGORITHM, for state n + 1.
 *   write      for each granule that is written the first time in this state: an entry with what home has, flushed; one fence; then home. Granules with an entry
 *              are noted in a volatile set and need neither entry nor fence again
 *   prepare    flush home's lines that were written, each once
 *   committed  nothing durable: the entries have a number that no longer counts, and the next state writes over them
 *   recover    the entries' contents into home, newest first, flush, fence
 *
 * WHY IT IS SAFE. A granule of home changes only after the fence that made its entry durable, so whatever reached the medium of home is undone. An entry that is torn
 * has a wrong checksum, and nothing behind it counts; but then no home that it or a later entry stands for was written yet.
 * After a recovery state n + 1 is opened a second time, with the same number, and entries of the first time may still stand behind the new ones. They say what home had
 * in state n, in either case, so putting them in does no harm. An image that begins anew (reset) has no such excuse: the whole log is wiped.
 *
 * Why 32 bytes: an entry is then one line, one flush, and needs nothing to be put together from two. With 8 bytes the stores of a frame that is built need an entry and a fence
 * nearly each (a fence after a flush is what costs); with 64 an entry takes two lines, so that scattered stores cost twice as much, and dense ones as many lines. docs/baselines.md has figures.
 *
 * Context: stack_image.h. A write may be left for ever between any two steps: an entry that was not counted yet is written over, one that was counted but
 * is not in the set is added to it by the next write (NOTED).
 */
#include "stack_area.h"
#include <stddef.h>

#define GRANULE 32ul

struct entry {
    uint64_t sequence;
    uint32_t granule, crc;
    uint8_t old[GRANULE];
    uint64_t zero[2];
};
_Static_assert(sizeof(struct entry) == PRS_STACK_LINE, "an entry is a line");

enum { COUNT, NOTED, LOG_READY }; /* own[]: entries of the open state; how many of them are in the set; how many have pages */

static uint64_t entries_max(uint64_t stack) { return stack / GRANULE + 64; } /* and some that a write that is left and made again may take */
static uint64_t area_bytes(uint64_t stack) { return stack + entries_max(stack) * sizeof(struct entry); }
static uint64_t tables_bytes(uint64_t stack) { return prs_set_bytes(stack / GRANULE); }
static uint8_t *home_of(const struct prs_stack_area *area) { return area->base; }
static struct entry *log_of(const struct prs_stack_area *area) { return (struct entry *)(void *)(area->base + prs_stack_size(area)); }

static uint32_t crc_of(const struct entry *entry)
{
    uint32_t crc = prs_crc32c(0, &entry->sequence, offsetof(struct entry, crc));
    return prs_crc32c(crc, entry->old, GRANULE);
}

/* Copied out, because another process may be writing. */
static bool read_entry(const struct prs_stack_area *area, uint64_t number, struct entry *entry)
{
    if (number >= entries_max(prs_stack_size(area))) {
        return false;
    }
    prs_copy(entry, log_of(area) + number, sizeof *entry);
    return entry->sequence == area->committed + 1 && entry->crc == crc_of(entry);
}

static uint64_t count_entries(const struct prs_stack_area *area)
{
    struct entry entry;
    uint64_t count = 0;
    while (read_entry(area, count, &entry)) {
        ++count;
    }
    return count;
}

static bool inside(const struct prs_stack_area *area, const struct entry *entry) { return entry->granule < prs_stack_size(area) / GRANULE; }

static int attach(struct prs_stack_area *area)
{
    struct entry entry;
    area->reached = prs_stack_size(area);
    for (uint64_t number = 0; read_entry(area, number, &entry); ++number) {
        if (!inside(area, &entry)) {
            return prs_stack_damaged("an undo entry for no byte of the stack");
        }
    }
    return 0;
}

/* Home first: of a living pool, what is read of home after the program changed it has its entry by then. */
static int each(const struct prs_stack_area *area, prs_stack_visitor visit, void *context)
{
    struct entry entry;
    int result = prs_stack_visit(area, home_of(area), visit, context);
    for (uint64_t number = count_entries(area); number > 0 && result == 0; --number) {
        if (read_entry(area, number - 1, &entry) && inside(area, &entry)) {
            result = visit(context, area->low + entry.granule * GRANULE, entry.old, GRANULE);
        }
    }
    return result;
}

static int recover(struct prs_stack_area *area)
{
    struct entry entry;
    for (uint64_t number = count_entries(area); number > 0; --number) {
        if (!read_entry(area, number - 1, &entry) || !inside(area, &entry)) {
            return prs_stack_damaged("an undo entry that was there a moment ago");
        }
        uint8_t *to = home_of(area) + entry.granule * GRANULE;
        prs_copy(to, entry.old, GRANULE);
        prs_stack_flush(area, to, GRANULE);
        area->bytes_written += GRANULE;
        prs_stack_pass(area, PRS_FAULT_stack_copying);
    }
    prs_media_fence(area->media);
    return 0;
}

static int reset(struct prs_stack_area *area)
{
    prs_stack_wipe_all(area, area_bytes(prs_stack_size(area)));
    return 0;
}

/* ---- writing ---- */

static void note(struct prs_stack_area *area, uint64_t *set, uint64_t *summary)
{
    for (; area->own[NOTED] < area->own[COUNT]; ++area->own[NOTED]) {
        prs_set_add(set, summary, log_of(area)[area->own[NOTED]].granule);
    }
}

static int make_ready(struct prs_stack_area *area, uint64_t count)
{
    uint64_t most = entries_max(prs_stack_size(area));
    if (count > most) {
        return -ENOSPC;
    }
    uint64_t to = area->own[LOG_READY] + PRS_STACK_AHEAD / sizeof(struct entry);
    to = to < most ? to : most;
    prs_stack_populate(log_of(area) + area->own[LOG_READY], prs_round_up((to - area->own[LOG_READY]) * sizeof(struct entry), PRS_STACK_PAGE));
    area->own[LOG_READY] = to;
    return 0;
}

/* The granule as one more entry, not counted yet. */
static int save(struct prs_stack_area *area, uint64_t number, uint64_t granule)
{
    struct entry entry = {.sequence = area->committed + 1, .granule = (uint32_t)granule};
    if (__builtin_expect(number >= area->own[LOG_READY], 0) && make_ready(area, number + 1) != 0) {
        return -ENOSPC;
    }
    prs_stack_move(entry.old, home_of(area) + granule * GRANULE, GRANULE);
    entry.crc = crc_of(&entry);
    prs_stack_move(log_of(area) + number, &entry, sizeof entry);
    prs_stack_flush(area, log_of(area) + number, sizeof entry);
    area->bytes_written += sizeof entry;
    return 0;
}

static int write_after_saving(struct prs_stack_area *area, uint64_t address, const void *data, uint32_t length)
{
    uint64_t offset = address - area->low, *set = area->tables, *summary = prs_set_summary(set, prs_stack_size(area) / GRANULE);
    uint64_t count = area->own[COUNT];
    note(area, set, summary);
    prs_stack_reach(area, offset, home_of(area), 1);
    for (uint64_t granule = offset / GRANULE; granule * GRANULE < offset + length; ++granule) {
        if (!prs_set_has(set, granule)) {
            int error = save(area, count, granule);
            if (error != 0) {
                return error;
            }
            ++count;
        }
    }
    if (count != area->own[COUNT]) {
        prs_media_fence(area->media);
        prs_stack_pass(area, PRS_FAULT_stack_logged);
        prs_stack_order();
        area->own[COUNT] = count;
        prs_stack_order();
        note(area, set, summary);
    }
    prs_stack_order();
    prs_stack_move(home_of(area) + offset, data, length);
    area->bytes_written += length;
    return 0;
}

static void flush_home(struct prs_stack_area *area, uint64_t offset, uint64_t length) { prs_stack_flush(area, home_of(area) + offset, length); }

static int prepare(struct prs_stack_area *area)
{
    prs_set_each(area, area->tables, GRANULE, false, flush_home); /* two runs never share a line: at least one of its two granules lies between them */
    return 0;
}

static void committed(struct prs_stack_area *area)
{
    prs_set_each(area, area->tables, GRANULE, true, NULL);
    area->own[COUNT] = area->own[NOTED] = 0;
}

const struct prs_stack_image prs_stack_undo_image = {area_bytes, tables_bytes, attach, each, recover, reset, write_after_saving, prepare, committed};
