/* unit.h - a software model of Prosper's hardware unit: it sees every store, and keeps a bitmap in memory of which granules of a stack
 * were written, through a small table that saves most accesses to that bitmap. docs/unit.md has the rules and where each comes from.
 *
 *   store(address, size) --> range registers --> table of N entries --(an entry leaves)--> bitmap in memory --> collect, at a checkpoint
 *                                                {word, 32 bits}       load, and store if new
 *
 * No libc, no allocation, no system call: the caller brings all memory, so it may run inside a handler. One unit is one thread's (one
 * core's); a stack's bitmap may be written meanwhile by another unit, or by prs_unit_store_other.
 */
#ifndef PRS_UNIT_H
#define PRS_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#define PRS_UNIT_ENTRIES_MAX 64u
#define PRS_UNIT_WORD_BITS 32u      /* granules of a bitmap word, and of a table entry */
#define PRS_UNIT_RED_ZONE 128u      /* bytes below SP that are in use (x86-64 ABI) */
#define PRS_UNIT_NOTHING UINT64_MAX /* lowest: nothing was stored */

enum prs_unit_policy {
    PRS_UNIT_ACCUMULATE, /* accumulate and apply: the word is loaded when an entry leaves */
    PRS_UNIT_LOAD        /* load and update: the word is loaded when an entry is made */
};
enum prs_unit_replace { /* which entry leaves when the table is full and none is at or below the low watermark */
    PRS_UNIT_OLDEST,    /* the one made first */
    PRS_UNIT_NEWEST     /* the one made last: nearly what the original's hash map does */
};

struct prs_unit_table {
    uint32_t entries;    /* 1 to PRS_UNIT_ENTRIES_MAX; original 16 */
    uint32_t high, low;  /* watermarks in granules: high 1 to 32 (24), low 0 to 32 (8) */
    enum prs_unit_policy policy;
    enum prs_unit_replace replace;
};

/* What the original would do: {16, 24, 8, accumulate, oldest}. */
extern const struct prs_unit_table prs_unit_original;

/* The registers, which belong to a stack and not to a core: saved and restored at a switch of thread or coroutine. */
struct prs_unit_stack {
    uint64_t start, end;   /* the range [start, end): addresses of the program's */
    uint32_t *bitmap;      /* a bit for each granule, lowest bit first in 32-bit words */
    uint32_t shift;        /* log2 of the granularity; 0: not configured, nothing is tracked */
    uint64_t sp;           /* stack pointer; outside [start, end]: says nothing, all of the stack counts as in use */
    uint64_t lowest;       /* no bit is set below the granule of this address ... */
    uint64_t lowest_other; /* ... or of this one, which others lower (prs_unit_store_other) */
};

/* Why an entry left the table. */
enum prs_unit_cause {
    PRS_UNIT_BY_HIGH,    /* it reached the high watermark */
    PRS_UNIT_BY_LOW,     /* the table was full, it was at or below the low watermark */
    PRS_UNIT_BY_REPLACE, /* the table was full, and no entry was so low */
    PRS_UNIT_BY_FLUSH,   /* the end of an interval */
    PRS_UNIT_BY_SWITCH,  /* another stack's turn */
    PRS_UNIT_CAUSES
};

/* Invariants: made == sum of left + entries in the table; under ACCUMULATE loads == sum of left == bitmap_stores + redundant_stores. */
struct prs_unit_counters {
    uint64_t stores;           /* stores with at least one byte in the range */
    uint64_t stores_outside;   /* all others */
    uint64_t straddling;       /* stores that touch more than one granule of the range */
    uint64_t granules;         /* granules that stores touched, each time */
    uint64_t hits, made;       /* accesses to the table: the word had an entry, or one was made */
    uint64_t full;             /* made when the table was full */
    uint64_t left[PRS_UNIT_CAUSES];
    uint64_t bitmap_loads, bitmap_stores;
    uint64_t redundant_stores; /* entries that left with nothing new for the bitmap: no store */
    uint64_t switches;
};

struct prs_unit_entry {
    uint64_t word;    /* index into the bitmap */
    uint32_t bits;    /* what the entry holds */
    uint32_t pending; /* of it, what the entry was told: without the bits that were loaded */
};

struct prs_unit {
    struct prs_unit_table table;
    struct prs_unit_stack now; /* the registers in force */
    struct prs_unit_counters counters;
    uint32_t used;             /* entries[0 .. used), the oldest first */
    struct prs_unit_entry entries[PRS_UNIT_ENTRIES_MAX];
};

/* ---- stacks ---- */

/* Bytes of bitmap that a range needs: whole words. */
uint64_t prs_unit_bitmap_bytes(uint64_t start, uint64_t end, uint32_t granularity);
/* granularity: a power of two, 8 to 4096; start: a multiple of it; bitmap: zeroed, of prs_unit_bitmap_bytes. 0 or -EINVAL. */
int prs_unit_stack_init(struct prs_unit_stack *stack, uint64_t start, uint64_t end, uint32_t granularity, uint32_t *bitmap);

/* ---- the unit ---- */

/* Empty table, counters at zero, no stack. 0 or -EINVAL. */
int prs_unit_init(struct prs_unit *unit, const struct prs_unit_table *table);
/* A store of the thread's: every granule of [address, address + size) that lies in the range. */
void prs_unit_store(struct prs_unit *unit, uint64_t address, uint64_t size);
void prs_unit_set_sp(struct prs_unit *unit, uint64_t sp);
/* End of an interval: when it returns, the bitmap has everything (the original's flush, and its wait for the answers). */
void prs_unit_flush(struct prs_unit *unit);
/* A switch: the outgoing stack's table contents go to its bitmap and its registers to *stack; nothing is tracked until the next restore.
 * A restore comes after a save, or as the first. */
void prs_unit_save(struct prs_unit *unit, struct prs_unit_stack *stack);
void prs_unit_restore(struct prs_unit *unit, const struct prs_unit_stack *stack);

/* A store into a stack that is another's: straight into the owner's bitmap, as the operating system does after the write fault in the
 * paper. The owner may be running, and storing: stack is then its unit's `now`, from another thread. The caller sees to it that the owner
 * is not switched or collected meanwhile. Returns the granules it touched. */
uint64_t prs_unit_store_other(struct prs_unit_stack *stack, uint64_t address, uint64_t size);

/* ---- collecting, when the bitmap has everything ---- */

enum prs_unit_below {
    PRS_UNIT_DROP, /* granules wholly below SP - 128: forgotten */
    PRS_UNIT_KEEP  /* ... not collected, but dirty still at the next collection */
};
struct prs_unit_found {
    uint64_t granules, bytes, runs; /* in use and dirty; a run is a stretch of adjacent ones */
    uint64_t below;                 /* granules that were dropped or kept */
};
/* Calls each (may be NULL) for every run of dirty granules in use, ascending, cut at the end of the range, and clears their bits. Not
 * while a unit has the stack loaded and its table is not flushed. */
struct prs_unit_found prs_unit_collect(struct prs_unit_stack *stack, enum prs_unit_below below,
    void (*each)(void *context, uint64_t start, uint64_t end), void *context);
/* First address in use: SP - 128, or start when SP says nothing. */
uint64_t prs_unit_live_from(const struct prs_unit_stack *stack);

#endif
