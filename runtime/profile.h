/* profile.h - option profile=FILE: which frames, allocation sites and variables made the bytes of the checkpoints.
 *
 * The file is mapped and counted in, so it is there however the process ends, and the next process goes on with it. Everything of the profile is in it, in the runtime's
 * range or in prs_p: nothing is in the image, which is the same with a profile and without.
 *
 *   offset   what                                                     item        entries
 *   0        struct prs_profile                                       -           1
 *   2 MB     sites     a chain of callers of an allocation function   128 bytes   PRS_PROFILE_SITES
 *   16 MB    pages     whose page of the program's memory is what     16 bytes    PRS_PROFILE_PAGES
 *   128 MB   granules  sites of the 16-byte granules of a page        512 bytes   PRS_PROFILE_GRANULES
 *   1 GB     words     bytes written, by 8-byte word of a data page   2 KB        PRS_PROFILE_WORDS
 *
 * All four are filled from the front; no item moves or is given back, and each is allocated on the disk before it is used (`room`), so that a full disk is "no more room" and
 * not SIGBUS. Entry 0 of sites stands for "not known".
 * VALID IF the first page has magic, version and size, and, to be gone on with, names the last commit of the pool or the one before it (a kill may come between a commit and
 * its being counted; what is missing then is that one checkpoint).
 * Only `prosper` reads it, and no other version than the one that wrote it needs to. */
#ifndef PRS_PROFILE_H
#define PRS_PROFILE_H

#include "layout.h"
#include <stdbool.h>
#include <stdint.h>

#define PRS_PROFILE_MAGIC   0x31656c69666f7250ul
#define PRS_PROFILE_VERSION 1u

#define PRS_PROFILE_FRAMES   65536u
#define PRS_PROFILE_MODULES  512u
#define PRS_PROFILE_TEXT     65536u
#define PRS_PROFILE_CHAIN    12u
#define PRS_PROFILE_SITES    65535u
#define PRS_PROFILE_PAGES    (4u << 20)
#define PRS_PROFILE_GRANULES (1u << 20)
#define PRS_PROFILE_WORDS    (64u << 10)
#define PRS_PROFILE_BYTES    ((1ul << 30) + 2048ul * PRS_PROFILE_WORDS)

#define PRS_GRANULE 16ul
#define PRS_GRANULES_PER_PAGE 256u
#define PRS_WORDS_PER_PAGE 512u

enum prs_profile_area { PRS_AREA_SITES, PRS_AREA_PAGES, PRS_AREA_GRANULES, PRS_AREA_WORDS, PRS_AREAS };

/* What has neither frame nor site nor variable. */
enum prs_profile_rest {
    PRS_REST_TABLES,      /* META: registers, descriptors, regions */
    PRS_REST_STACK_ABOVE, /* arguments and environment */
    PRS_REST_STACK_BELOW, /* the part of a stack that nobody uses, while the program runs on another */
    PRS_REST_STACK_LOST,  /* frames that unwind tables do not lead to */
    PRS_REST_STACK_DEEP,  /* frames further up than are looked at */
    PRS_REST_NO_BLOCK,    /* the allocator's own, and blocks from before the profile */
    PRS_REST_NO_ROOM,     /* a table was full */
    PRS_RESTS
};

struct prs_profile_frame { uint64_t function, bytes; };
struct prs_profile_module { uint64_t start; uint32_t path, reserved; };

struct prs_profile_id {
    uint64_t magic;
    uint32_t version, size;
    uint64_t epoch, commit_realtime_ns; /* last checkpoint that was counted */
};

struct prs_profile {
    struct prs_profile_id id;
    uint64_t checkpoints, full_epochs, full_bytes, lives;
    uint64_t rest[PRS_RESTS];
    uint32_t used[PRS_AREAS], room[PRS_AREAS]; /* items */
    uint32_t module_count, text_used;
    uint64_t allocator_start, allocator_end; /* code of libmimalloc */
    struct prs_profile_module modules[PRS_PROFILE_MODULES];
    char text[PRS_PROFILE_TEXT];
    struct prs_profile_frame frames[PRS_PROFILE_FRAMES]; /* open addressing by function */
};

struct prs_profile_site { /* 128 bytes */
    uint64_t chain[PRS_PROFILE_CHAIN]; /* return addresses, the innermost first; 0: no more */
    uint64_t bytes, blocks, hash, reserved;
};

struct prs_profile_page { /* 16 bytes */
    uint64_t page;
    uint32_t detail; /* number + 1 in granules, or in words; 0: none */
    uint16_t site;   /* of all of the page, where `whole` */
    uint16_t whole;
};

_Static_assert(sizeof(struct prs_profile) <= 2ul << 20, "sites begin at 2 MB");
_Static_assert(sizeof(struct prs_profile_site) == 128 && sizeof(struct prs_profile_page) == 16, "items");

static inline uint64_t prs_profile_offset(enum prs_profile_area area)
{
    static const uint64_t offsets[PRS_AREAS] = {2ul << 20, 16ul << 20, 128ul << 20, 1ul << 30};
    return offsets[area];
}
static inline uint64_t prs_profile_item(enum prs_profile_area area)
{
    static const uint64_t items[PRS_AREAS] = {sizeof(struct prs_profile_site), sizeof(struct prs_profile_page), 512, 2048};
    return items[area];
}

/* ---- in the profiled process ---- */

#define PRS_PROFILE_PAGE_SLOTS (8u << 20)
#define PRS_PROFILE_SITE_SLOTS (128u << 10)
#define PRS_PROFILE_SAMPLES (1u << 20)

enum prs_sample_kind { PRS_SAMPLE_TABLES, PRS_SAMPLE_STACK, PRS_SAMPLE_DATA, PRS_SAMPLE_LINES, PRS_SAMPLE_FULL };
struct prs_sample {
    uint64_t address, what; /* length; of LINES: the lines of a page */
    uint64_t kind;
};

struct prs_profiler {
    bool on;
    int fd;
    struct prs_profile *file;
    uint32_t *page_index, *site_index; /* number + 1; open addressing; made anew by each process */
    struct prs_sample *samples;        /* of the epoch that is being written */
    uint64_t sample_count, unsampled, full;
    uint64_t own_start, own_end;       /* libprosper: its frames are nobody's callers */
    bool modules_known;
};

static inline void *prs_profile_at(const struct prs_profiler *profiler, enum prs_profile_area area, uint32_t number)
{
    return (uint8_t *)profiler->file + prs_profile_offset(area) + prs_profile_item(area) * number;
}

/* Option profile: opens, goes on or begins, maps. Start, once the pool is attached. 0 or a code. */
int prs_profile_start(bool resume);
/* From now on blocks and checkpoints are the program's: not before memory is restored, or what a start allocates would take the places of blocks that come back. A
 * fork child is not profiled. */
void prs_profile_on(void);
void prs_profile_off(void);

/* An epoch is written: begin, what changed, and, when it has committed, to whom it belongs. Handler. */
void prs_profile_begin(void);
void prs_profile_sample(enum prs_sample_kind kind, uint64_t address, uint64_t what);
void prs_profile_committed(const void *ucontext);

/* profile_caller.c. The block was handed out to whoever called into libprosper. Normal context; signals are blocked meanwhile, so no checkpoint is ever in the middle
 * of it. mapping: not if it is the allocator that asked. */
void prs_profile_block(const void *block, uint64_t bytes, bool mapping);
/* profile_blocks.c. The same by parts: the site of a chain (0: no room), and the memory it owns from now on. */
uint16_t prs_profile_site_of(struct prs_profiler *profiler, const uint64_t *chain);
void prs_profile_own(struct prs_profiler *profiler, uint64_t start, uint64_t end, uint16_t site);
/* The site of each granule of a line. Handler. */
void prs_profile_line(const struct prs_profiler *profiler, uint64_t address, uint16_t sites[PRS_LINE / PRS_GRANULE]);
struct prs_profile_page *prs_profile_page_of(const struct prs_profiler *profiler, uint64_t page);
struct prs_profile_page *prs_profile_page_make(struct prs_profiler *profiler, uint64_t page);
/* A new item, zeroed; its number + 1, or 0 when there is no room. */
uint32_t prs_profile_take(struct prs_profiler *profiler, enum prs_profile_area area);
/* The indices from what the file holds. */
void prs_profile_index(struct prs_profiler *profiler);

/* profile_stack.c: stack samples (ascending) to the frames of the interrupted program. Handler. */
void prs_profile_stack(struct prs_profiler *profiler, const void *ucontext, uint64_t stack_start, uint64_t stack_end);
void prs_profile_frame_add(struct prs_profile *file, uint64_t function, uint64_t bytes);

#endif
