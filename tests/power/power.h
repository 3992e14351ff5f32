/* power.h - what the files of the power-cut explorer share.
 *
 *   rounds.c    main: rounds of random operations from seeds, what was counted
 *   drive.c     one round: creation, epochs, resets, marks and real power cuts, on a pool in memory with the real store code (the *live* pool)
 *   pending.c   what is stored and not durable yet, line by line; which states a cut may leave of it
 *   open.c      opens such a state with the real recovery code; cuts recovery too
 *   model.c     what must be read back
 *   memory.c    the two pools in memory (live, image), arenas, the announcing of stores, a clock
 *   report.c    a failure: how to repeat it, and which lines are there and which are not
 *
 * The *image* is what the medium holds. It is the durable state, to which a state's lines are added and taken away again; everything that is written to it
 * goes through image_put or is recorded, and is undone from the undo stack. Nothing is copied for a state.
 *
 * Levels: 0 is a cut in the run of the live pool, 1 a cut in the recovery after that, 2 a cut in the recovery after the second one.
 */
#ifndef POWER_H
#define POWER_H

#include "stack_image.h"
#include "store_internal.h"
#include <stdbool.h>
#include <stdint.h>

#define PAGES 14u
#define SMALL 256u
#define LEVELS 3u
#define STACK 4096u /* of the image of the stack, in rounds whose pool has one */
#define STACK_LOW 0x7fff00000000ull
#define POOL_MAX (384u << 10)
#define EXTENSIONS 2u
#define EXTENSION_SLOTS 5u
#define EXTENSION_BYTES ((2 + EXTENSION_SLOTS) * PRF_PAGE)
#define PAGE_AT(i) (0x155000000000ull + (uint64_t)(i) * 4096u * 3u)

/* ---- choice ---- */
uint32_t below(uint32_t n);
static inline bool one_in(uint32_t n) { return below(n) == 0; }
void choose_seed(uint64_t seed, uint64_t round);

struct side;

/* ---- what must be read back ---- */
struct content {
    uint8_t small[SMALL];
    uint8_t pages[PAGES][4096] __attribute__((aligned(64)));
    uint8_t stack[STACK]; /* zeros where the pool has no image of it */
};
struct version {
    uint64_t epoch;
    const struct content *content; /* NULL: the pool is empty */
    enum prs_pool_state state;
    const char *reason;
};
struct allowed { /* of the moment: what the last call that returned has left, and what the call that is being made may leave */
    struct version now, next;
    bool may_be_next;
    bool may_be_nothing; /* creation: nobody sees the file yet under its name */
};
extern struct allowed allowed;
/* NULL, or in what the attached store is not that version. */
const char *version_differs(const struct prs_store *store, const struct version *version);
/* The version that the store has; fails when it is none of those that are allowed. */
struct version version_found(const struct prs_store *store);
void content_change(struct content *content, struct side *side, bool full, unsigned size, int *result);
/* The stack as the program has it: also after an epoch that is given up, whose stores were made all the same. NULL: zeros. */
void content_stack(const struct side *side, const struct content *content);

/* ---- memory ---- */
struct side {
    uint8_t *bytes;
    struct prs_store store;
    struct prs_arena arena;
    struct prs_recorder recorder;
    struct prs_stack_area stack; /* where this round's pool has one */
};
extern struct side live, image;
extern uint64_t pool_length, main_length, root_at; /* pool_length: with room for all extensions */
void memory_open(void);
/* A file as libpmemobj leaves it, of a random small geometry: the same on both sides. */
void memory_fresh(void);
void memory_write_root(void);
void memory_write_extension(void); /* the next one of the live pool: its header */
/* A process that knows nothing yet opens the pool of that side. */
int side_attach(struct side *side);
/* The way of the stack in this round; 0: it is in the log, which is small memory here. */
extern enum prs_stack stack_way;
struct side *side_of(const struct prs_store *store);
int side_recover(struct side *side);     /* the store, then the image of the stack */
void side_begin_stack(struct side *side); /* a program begins, in an empty pool */
int side_prepare(struct side *side);     /* before the commit */
void side_committed(struct side *side);  /* behind it: the next state is opened */
bool is_slot(uint64_t at); /* of lines that lie there, no order matters */
const char *name_of(uint64_t line_at); /* what lies at that offset */

void image_put(uint64_t at, uint64_t value);
uint64_t image_mark(void);
void image_undo(uint64_t mark);
void image_forget(void);                         /* what was put so far stays */
void image_undoes(uint64_t first, uint64_t end); /* these events of the image's recorder will be undone, too */

/* ---- states ---- */
enum kind { CREATION, DATA, RECORD, REST, OPENED, GATHER, ABORTED, RESET, MARK, GROWTH, RECOVERY, RECOVERY_CUT, RECOVERY_TWICE, KINDS };
struct counted {
    uint64_t sets, exhausted, states, torn, lines_most;
};
extern struct counted counted[KINDS];
uint64_t states_opened(void);
extern uint64_t carried_on; /* states from which a whole epoch more was made */
extern uint64_t state_number, state_wanted; /* in the round */
extern uint64_t exhaustive_max;

extern bool by_pages;        /* the medium works by pages */
extern unsigned unit_bytes;  /* of a "line": 64, or by pages also less and more */

/* One line (by pages: one unit): how many of its stores are there, in order, and which ones of the next group are there besides (a bit each). */
struct line {
    uint32_t at; /* number of the line */
    uint32_t first, count;
    uint32_t there, extra;
};
void pending_event(unsigned level, const struct prs_event *event); /* a store or a flush */
void pending_fence(unsigned level);                               /* what was flushed is durable */
void pending_clear(unsigned level);
uint64_t pending_count(unsigned level);
const struct line *pending_lines(unsigned level, unsigned *count); /* of the state that is open */
void pending_explore(unsigned level, enum kind kind);
/* The machine dies in a state at random: nothing is pending any more. */
void pending_die(void);
void open_state(unsigned level);

/* ---- a round ---- */
void drive_round(unsigned epochs);
extern uint64_t epochs_driven, cuts, kills, extensions; /* cuts and kills: deaths on the way */
extern uint64_t gathered_calmly; /* cold pages (ssp_scarce.c, CALM) */
extern const char *doing; /* the call that is being made */

/* ---- fresh.c ---- */
#define FRESH_BYTES 512 /* DIGEST_BYTES */
extern uint64_t fresh_every, fresh_opened; /* one of so many states; 0: none. Opened so far */
void fresh_begin(const char *program);
void fresh_open(char said[FRESH_BYTES]);                         /* the image as it is */
void fresh_compare(const char said[FRESH_BYTES], bool refused); /* with what was read of it here */

void report_state(unsigned levels);
extern unsigned level_open; /* of the state that is open */
extern uint64_t seed, round_number;
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
