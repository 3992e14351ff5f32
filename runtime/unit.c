/* unit.c - the unit itself: range registers, table, watermarks, switches.
 *
 * INVARIANTS
 *   U1. A granule of the range that was stored to has its bit in the bitmap or in the table; after a flush or a save, in the bitmap.
 *   U2. No two entries are for the same word. entries[] is in the order in which they were made.
 *   U3. Between calls every entry has fewer pending bits than the high watermark.
 *   U4. No bit in bitmap or table is below the granule of min(lowest, lowest_other).
 * Context: any; no libc. Nothing is durable: the bitmap lies in DRAM, a checkpoint consumes it.
 *
 * Other units and prs_unit_store_other may set bits of the same word. So a word is changed by an atomic or, which pairs with theirs; the
 * load before it only decides whether there is anything to store.
 */
#include "unit.h"
#include "log.h"
#include "prim.h"
#include <errno.h>
#include <stddef.h>

const struct prs_unit_table prs_unit_original = {.entries = 16, .high = 24, .low = 8, .policy = PRS_UNIT_ACCUMULATE, .replace = PRS_UNIT_OLDEST};

/* ---- stacks ---- */

uint64_t prs_unit_bitmap_bytes(uint64_t start, uint64_t end, uint32_t granularity)
{
    uint64_t granules = (end - start) / granularity + ((end - start) % granularity != 0);
    return (granules / PRS_UNIT_WORD_BITS + (granules % PRS_UNIT_WORD_BITS != 0)) * sizeof(uint32_t);
}

int prs_unit_stack_init(struct prs_unit_stack *stack, uint64_t start, uint64_t end, uint32_t granularity, uint32_t *bitmap)
{
    *stack = (struct prs_unit_stack){0};
    if (granularity < 8 || granularity > 4096 || (granularity & (granularity - 1)) != 0 || start >= end || start % granularity != 0 || bitmap == NULL) {
        return -EINVAL;
    }
    *stack = (struct prs_unit_stack){.start = start, .end = end, .bitmap = bitmap, .shift = (uint32_t)__builtin_ctz(granularity),
                                     .lowest = PRS_UNIT_NOTHING, .lowest_other = PRS_UNIT_NOTHING};
    return 0;
}

/* The granules of a store, first and last; false when no byte lies in the range. */
static bool granules_of(const struct prs_unit_stack *stack, uint64_t address, uint64_t size, uint64_t *first, uint64_t *last)
{
    if (stack->shift == 0 || size == 0 || address >= stack->end) {
        return false;
    }
    uint64_t to = size - 1 > stack->end - 1 - address ? stack->end - 1 : address + (size - 1); /* its last byte; no overflow */
    if (to < stack->start) {
        return false;
    }
    *first = address <= stack->start ? 0 : (address - stack->start) >> stack->shift;
    *last = (to - stack->start) >> stack->shift;
    return true;
}

/* Of the granules [first, last], those in a word, as bits. */
static uint32_t bits_in_word(uint64_t word, uint64_t first, uint64_t last)
{
    uint64_t base = word * PRS_UNIT_WORD_BITS;
    uint32_t bits = UINT32_MAX;
    if (first > base) {
        bits &= UINT32_MAX << (first - base);
    }
    if (last < base + PRS_UNIT_WORD_BITS - 1) {
        bits &= UINT32_MAX >> (base + PRS_UNIT_WORD_BITS - 1 - last);
    }
    return bits;
}

/* ---- the table ---- */

static uint32_t load(struct prs_unit *unit, uint64_t word)
{
    unit->counters.bitmap_loads++;
    return __atomic_load_n(&unit->now.bitmap[word], __ATOMIC_RELAXED);
}

static uint32_t count(uint32_t bits) { return (uint32_t)__builtin_popcount(bits); }

/* An entry leaves: what it holds is in the bitmap afterwards. */
static void leave(struct prs_unit *unit, uint32_t at, enum prs_unit_cause cause)
{
    struct prs_unit_entry *from = &unit->entries[at], entry = *from;
    unit->used--;
    prs_copy(from, from + 1, (unit->used - at) * sizeof *from); /* forward, so that it may overlap */
    unit->counters.left[cause]++;
    bool redundant;
    if (unit->table.policy == PRS_UNIT_ACCUMULATE) {
        redundant = (entry.pending & ~load(unit, entry.word)) == 0;
    } else {
        redundant = entry.pending == 0;
    }
    if (redundant) {
        unit->counters.redundant_stores++;
        return;
    }
    __atomic_fetch_or(&unit->now.bitmap[entry.word], entry.bits, __ATOMIC_RELAXED);
    unit->counters.bitmap_stores++;
}

/* The table is full and a word has no entry: all that are low leave, together; when there is none, one. */
static void make_room(struct prs_unit *unit)
{
    unit->counters.full++;
    for (uint32_t i = 0; i < unit->used;) {
        if (count(unit->entries[i].pending) <= unit->table.low) {
            leave(unit, i, PRS_UNIT_BY_LOW);
        } else {
            i++;
        }
    }
    if (unit->used == unit->table.entries) {
        leave(unit, unit->table.replace == PRS_UNIT_OLDEST ? 0 : unit->used - 1, PRS_UNIT_BY_REPLACE);
    }
}

/* The entry of a word, made if there is none. */
static uint32_t entry_of(struct prs_unit *unit, uint64_t word)
{
    for (uint32_t i = unit->used; i-- > 0;) { /* young ones are asked for most */
        if (unit->entries[i].word == word) {
            unit->counters.hits++;
            return i;
        }
    }
    if (unit->used == unit->table.entries) {
        make_room(unit);
    }
    unit->counters.made++;
    unit->entries[unit->used] = (struct prs_unit_entry){.word = word};
    if (unit->table.policy == PRS_UNIT_LOAD) {
        unit->entries[unit->used].bits = load(unit, word);
    }
    return unit->used++;
}

static void add(struct prs_unit *unit, uint64_t word, uint32_t bits)
{
    uint32_t at = entry_of(unit, word);
    struct prs_unit_entry *entry = &unit->entries[at];
    entry->pending |= bits & ~entry->bits;
    entry->bits |= bits;
    if (count(entry->pending) >= unit->table.high) {
        leave(unit, at, PRS_UNIT_BY_HIGH);
    }
}

static void empty(struct prs_unit *unit, enum prs_unit_cause cause)
{
    while (unit->used > 0) {
        leave(unit, 0, cause);
    }
}

/* ---- what the program and the system do with it ---- */

int prs_unit_init(struct prs_unit *unit, const struct prs_unit_table *table)
{
    if (table->entries < 1 || table->entries > PRS_UNIT_ENTRIES_MAX || table->high < 1 || table->high > PRS_UNIT_WORD_BITS ||
        table->low > PRS_UNIT_WORD_BITS) {
        return -EINVAL;
    }
    prs_fill(unit, 0, sizeof *unit);
    unit->table = *table;
    return 0;
}

void prs_unit_store(struct prs_unit *unit, uint64_t address, uint64_t size)
{
    uint64_t first, last;
    if (!granules_of(&unit->now, address, size, &first, &last)) {
        unit->counters.stores_outside++;
        return;
    }
    unit->counters.stores++;
    unit->counters.granules += last - first + 1;
    unit->counters.straddling += last > first;
    address = address < unit->now.start ? unit->now.start : address;
    if (address < unit->now.lowest) {
        unit->now.lowest = address;
    }
    for (uint64_t word = first / PRS_UNIT_WORD_BITS; word <= last / PRS_UNIT_WORD_BITS; word++) {
        add(unit, word, bits_in_word(word, first, last));
    }
}

void prs_unit_set_sp(struct prs_unit *unit, uint64_t sp) { unit->now.sp = sp; }

void prs_unit_flush(struct prs_unit *unit) { empty(unit, PRS_UNIT_BY_FLUSH); }

void prs_unit_save(struct prs_unit *unit, struct prs_unit_stack *stack)
{
    empty(unit, PRS_UNIT_BY_SWITCH);
    *stack = unit->now;
    unit->now = (struct prs_unit_stack){0};
    unit->counters.switches++;
}

void prs_unit_restore(struct prs_unit *unit, const struct prs_unit_stack *stack)
{
    PRS_ASSERT(unit->now.shift == 0); /* a save was forgotten: the old stack's registers would be lost */
    unit->now = *stack;
}

uint64_t prs_unit_store_other(struct prs_unit_stack *stack, uint64_t address, uint64_t size)
{
    uint64_t first, last;
    if (!granules_of(stack, address, size, &first, &last)) {
        return 0;
    }
    for (uint64_t word = first / PRS_UNIT_WORD_BITS; word <= last / PRS_UNIT_WORD_BITS; word++) {
        __atomic_fetch_or(&stack->bitmap[word], bits_in_word(word, first, last), __ATOMIC_RELAXED);
    }
    /* The bits first: a collection that takes the address away sees them (its exchange pairs with this), and one that came too early
     * for them finds the address the next time. Also written when it stays the same, for the sake of the pairing. */
    address = address < stack->start ? stack->start : address;
    uint64_t lowest = __atomic_load_n(&stack->lowest_other, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&stack->lowest_other, &lowest, address < lowest ? address : lowest, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
    return last - first + 1;
}
