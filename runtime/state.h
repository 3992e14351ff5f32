/* state.h - the runtime's own volatile state: the one writable object of libprosper that is *not* in the image.
 *
 * INVARIANT S1: whatever a new process must keep when memory is restored (pool pointers, mirror, descriptors of ours) is in
 *               prs_p or in the runtime range; whatever wrapper frames on the program's stack rely on is in prs_w (hold.h) or in ordinary
 *               variables, and comes back with the image. prs_p fills whole pages, so excluding it excludes nothing else.
 * INVARIANT S2: what code in normal context reaches by a pointer in prs_p stands at the same address in each process of a program, because it is taken from the arena before anything whose size depends on
 *               the pool, the options or the way of the start (startup, growth, durable; prs_w.places): the pointer may be loaded before a checkpoint and used after a resume.
 */
#ifndef PRS_STATE_H
#define PRS_STATE_H

#include "arena.h"
#include "image.h"
#include "interval.h"
#include "layout.h"
#include "lost.h"
#include "media.h"
#include "marks.h"
#include "mirror.h"
#include "options.h"
#include "pages.h"
#include "profile.h"
#include "range.h"
#include "stack_way.h"
#include "stats.h"
#include "step.h"
#include "store.h"
#include "stores.h"
#include "tracing.h"
#include <stdbool.h>
#include <stdint.h>

#define PRS_PATH_MAX 4096

/* Why no checkpoint is being taken although persistence is on. */
enum prs_suspension { PRS_NOT_SUSPENDED, PRS_SUSPENDED_SPACE, PRS_SUSPENDED_UNRESTORABLE, PRS_STOPPED };

struct prs_private {
    bool active;   /* checkpoints are taken in this process */
    bool resumed;  /* this process began by a restore */
    int pid;
    struct prs_options options;
    char pool_path[PRS_PATH_MAX];

    /* descriptors of ours: a block at the top, [fd_floor, fd_top] */
    int fd_top, fd_floor;
    void *fd_seen;               /* fdtable.c */
    struct prs_fd_list *fd_list; /* fdlist.c */
    int fd_pool, fd_maps, fd_pagemap, fd_tasks, fd_fds;

    struct prs_store store;
    struct prs_pages *pages;
    struct prs_arena scratch, mirrors;
    struct prs_mirror mirror;        /* M1: equals the log, applied to zeros */
    struct prs_mirror verify_mirror; /* the same, built by reading the pool back (verify=1) */
    uint64_t pool_limit;             /* bytes that all of the pool's files may have */

    struct prs_range vdso; /* vdso, and vvar before it */
    struct prs_range rseq;

    /* checkpoint.c */
    int timer;              /* kernel timer ids; -1 none */
    int timer_precise;

    enum { PRS_NOT_REQUESTED, PRS_REQUESTED, PRS_REQUESTED_DURABLY } requested; /* prs_checkpoint_here, _durably; the handler that takes one takes it back */
    bool last_full;         /* the last committed epoch was a full one */
    bool force_full;        /* the last epoch was given up: the mirror is ahead of the log */

    uint64_t last_cpu_ns, last_now_ns; /* end of the last checkpoint */
    uint64_t last_minor_faults;        /* interval=auto: those of the thread until then */
    uint64_t interval_began_cpu_ns;    /* when the last attempt at a checkpoint ended */
    struct prs_interval interval;
    bool live_began;                   /* the pool's statistics block is this process's */
    int outcome;            /* of the last attempt */
    const char *stop_reason; /* prs_stop_persisting: goes into the last commit */
    enum prs_suspension suspended;
    bool said;              /* the suspension was said on stderr */
    bool overtaken;         /* PRS_POOL_OVERTAKEN was set */
    const char *why;        /* what cannot be restored: static text, or reason[] */
    char reason[256];
    uint64_t suspended_since_ns, suspended_until_ns;
    bool began_with_children;

    /* maps.c, region.c */
    char *maps_text, *maps_before;
    uint64_t maps_size, maps_before_length, maps_read_ns;
    struct prs_mappings *mappings; /* as when the text was read last */
    void *startup;          /* region.c */
    uint64_t maps_startup_length, stack_top;
    const char *regions_why;
    bool regions_fresh_since_commit;
    struct prs_range *large_now; /* of the epoch being written */
    bool regions_fresh;     /* region table rebuilt in this checkpoint */
    struct prs_range *large_committed; /* LARGE ranges of the last committed epoch */
    uint32_t large_committed_count;
    uint32_t text_fixed, text_files; /* ends of the parts of meta->text */
    uint64_t small_bytes;   /* upper bound of what a full epoch appends */
    uint64_t stack_mapped;  /* start of the stack's mapping */
    bool stack_tracked;     /* pages narrow down its deep part */
    uint64_t entry;         /* of the program: tells its file among the mapped ones */

    /* fdtable.c: what stood at descriptors 0 .. when the process began */
    struct { int number; uint64_t device, inode; } inherited[64];
    uint32_t inherited_count;
    int *fd_temporary;      /* fdtable_restore.c */

    struct prs_media media;       /* flush_ns; durability=power without DAX */
    struct prs_stack_state stack; /* stack_way.h */
    struct prs_stack_unit unit;

    uint64_t fault_ns;         /* of page tracking, measured at start; 0: not known */
    struct prs_growth *growth, *growth_place; /* growth.c, in the arena; NULL until it has begun, and where it is (S2) */
    struct prs_durable *durable; /* durable.c, likewise */
    bool must_be_durable;      /* the checkpoint that is being taken is to be durable before the program goes on. Handler */
    struct prs_marks marks;
    struct prs_lost lost;

    struct prs_stores stores;
    struct prs_tracing tracing;

    struct prs_stats stats;
    struct prs_profiler profile;

    int fault_point;
    uint64_t fault_left;
    struct prs_step step;
    unsigned verify_reports;
    bool finished;
    uint64_t restore_started_ns;
    unsigned files_cut, files_made;
    const char *output_path; /* where standard output goes on, to be said */
};

union prs_private_pages {
    struct prs_private p;
    char pages[((sizeof(struct prs_private) + 4095) / 4096) * 4096];
};

extern union prs_private_pages prs_private_pages;
#define prs_p (prs_private_pages.p)
#define PRS_META ((struct prs_meta *)PRS_META_BASE)

/* Ranges of this process that are never in the image, ascending. Returns their number. */
unsigned prs_excluded(struct prs_range *out, unsigned max);

#endif
