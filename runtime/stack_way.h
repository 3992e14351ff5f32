/* stack_way.h - how the stack is persisted (option stack): the product's own way, and those that it is measured against.
 *
 * A way answers two questions, each by one pointer:
 *   collect   what of the stack is written at a checkpoint?   NULL: what differs from the mirror, by granules
 *   image     where to?                                       NULL: into the log, like all small memory
 * and may listen to the program's stores meanwhile (stores). Whatever the way, verify=1 holds: at each commit the pool's stack equals the live one, from the red zone
 * up. What a way does not learn by itself (the compiler's spills, return addresses, libc's frames) is found by comparing, and counted apart (stats: stack_unseen_bytes).
 * docs/baselines.md says what each does, and what it makes durable when.
 */
#ifndef PRS_STACK_WAY_H
#define PRS_STACK_WAY_H

#include "image.h"
#include "mirror.h"
#include "options.h"
#include "range.h"
#include "stack_image.h"
#include "stores.h"
#include "unit.h"
#include <stdbool.h>
#include <stdint.h>

struct prs_stack_way {
    enum prs_stack number;
    bool needs_stores; /* programs compiled with --prosper-track=stores only: PROSPER_E_OPTION for others */
    /* Writes through put, which leaves the mirror alone, and brings the mirror up to date; full: everything that is not zero. 0 or -errno. Handler. */
    int (*collect)(struct prs_range range, bool full, uint32_t granularity, prs_diff_visitor put, void *context);
    /* Before the first checkpoint of a process, or after its restore: listens, takes memory from the arena. */
    int (*start)(bool resumed);
    /* A hook (stack_follow.c): every store with a byte in the stack, after it; any context of the program's, also its handlers; never the checkpoint's. */
    prs_stores_on *on_store;
    void (*left)(void); /* an on_store will never come to its end */
    void (*committed)(void);
    /* The content lies neither in the log nor in an image: collect writes it by itself, and put only counts. fill: restores a range from there. */
    bool own_place;
    void (*fill)(struct prs_range range);
    /* Around each try at an epoch, whatever becomes of it: open, before it begins. */
    void (*epoch)(bool open);
    /* Around a checkpoint, before it reads the mappings. */
    void (*around)(bool begins);
    /* No checkpoint follows in this process, which is not a child's. */
    void (*end)(void);
};

/* NULL: the product's own. */
const struct prs_stack_way *prs_stack_way(enum prs_stack number);

extern const struct prs_stack_way prs_stack_copy, prs_stack_pages, prs_stack_mprotect, prs_stack_ssp, prs_stack_unit;
extern const struct prs_stack_way prs_stack_way_flush, prs_stack_way_undo, prs_stack_way_redo, prs_stack_way_romulus;

struct prs_stack_state { /* prs_p.stack */
    const struct prs_stack_way *way;
    struct prs_stack_area area;   /* area.image NULL: the log */
    struct prs_mirror mirror;     /* with an image: what the open state has */
    uint8_t *shadow;              /* the same memory, from area.low on without a gap */
    uint64_t low, high;           /* what stores are listened to */
    volatile uint64_t busy;       /* a hook is at work: the address of a word in its frame */
    uint64_t hooks;               /* number of the last one */
    struct prs_range at_work_on;
    volatile bool postponed;      /* a checkpoint came meanwhile */
    uint64_t log_bytes, pages;    /* of the open epoch: what the stack put into the log, pages with entries of their own that it touched */
    uint64_t scanned_from;        /* stack=pages: the last checkpoint looked at the pages from here on */
    struct prs_consolidation *consolidation; /* stack=ssp */
    struct prs_protection *protection; /* stack=mprotect; this and what follows: stack_guard.h */
    volatile uint8_t selector;    /* 1: the kernel dispatches system calls */
    bool guarded, straight;       /* the guard's handlers are in place; calls are not dispatched until the next checkpoint */
    uint32_t calls;               /* dispatched since the last one */
    struct prs_guard *guard;
    uint64_t guard_stack, signal_flags;
    uint64_t asked_ns;            /* when the program was last told its process number */
    unsigned gaps;                /* checkpoints postponed in a row */
};

struct prs_stack_unit { /* prs_p.unit: stack_unit.c */
    struct prs_unit unit;
    struct prs_unit_stack saved; /* while not loaded */
    uint32_t *bitmap;
    bool loaded;
    uint64_t stores_other;       /* into the stack, made on another one */
    struct prs_unit_found found; /* of all checkpoints but full ones */
};

/* Can this program be run so? 0 or PROSPER_E_OPTION. Stage 0. */
int prs_stack_possible(enum prs_stack way);
/* Stage 1. Before the first checkpoint: an empty image; PROSPER_E_OPTION. */
int prs_stack_begin(void);
/* Restore, CHECKED: the image's content into its mirror; PROSPER_E_STACK_WAY where the checkpoint has another way than the option says. */
int prs_stack_check(const struct prs_meta *meta);
/* Restore, RECOVERED. */
int prs_stack_recover(void);
/* The mirror that the stack is compared with and restored from. */
struct prs_mirror *prs_stack_mirror(void);
/* Where what differs goes: the log, or the image. */
int prs_stack_put(uint64_t address, const void *live, uint32_t length);
/* Restore, FILLED: what is in use of the stack. */
void prs_stack_fill(struct prs_range range);
void prs_stack_around(bool begins);
void prs_stack_end(void);
/* Around each try at an epoch. */
void prs_stack_epoch(bool open);
/* Around the commit. */
int prs_stack_prepare(void);
void prs_stack_committed(void);
/* verify=1: what an image has of the stack, and nothing else there, read back from the pool. */
int prs_stack_read_back(struct prs_mirror *mirror);
/* Around what a hook does: false, another one is at work. The word lies in the hook's frame. */
bool prs_stack_enter(volatile uint64_t *frame_word);
void prs_stack_leave(volatile uint64_t *frame_word);
/* on_store and left of all ways with an image. */
void prs_stack_follow(uint64_t address, uint64_t bytes, uint64_t sp);
void prs_stack_bring_over_again(void);
/* In the handler, with the program's stack pointer: a hook is at work, so no checkpoint now. One that was left is made good. */
bool prs_stack_at_work(uint64_t sp);

#endif
