/* growth_internal.h - what a checkpoint and the task that grows the pool share. In the arena: not in the image. */
#ifndef PRS_GROWTH_INTERNAL_H
#define PRS_GROWTH_INTERNAL_H

#include "growth.h"
#include "store_internal.h"

enum prs_growth_state { PRS_GROWTH_IDLE, PRS_GROWTH_WORKING, PRS_GROWTH_MADE, PRS_GROWTH_FAILED };

struct prs_growth {
    volatile uint32_t state; /* enum prs_growth_state; WORKING: all below but `ended` is the task's. A futex */
    volatile uint32_t ended; /* the task is to go */
    volatile int task;       /* its number; the kernel clears it when the task is gone */
    bool lingers;            /* it may be listed for a moment more */
    bool needed;             /* an epoch waits for it */
    bool counted;            /* what was added is in a commit record */
    bool own_table;          /* the task begins with a copy of the table of descriptors, because it cannot leave a shared one */
    uint64_t lingers_until_ns; /* 0: nobody has seen it there yet */
    uint64_t retry_ns;       /* after a failure, not before; unless needed */
    uint32_t taken_most;     /* slots that an epoch took lately */
    uint64_t device, inode;  /* of the pool file */
    uint8_t *stack;
    uint64_t bytes;          /* of the extension: wanted, then made */
    int error;               /* why it could not be made: -errno */
    struct prf_extension header;
    char pool[PRS_POOL_NAME_MAX], name[PRS_POOL_NAME_MAX + 16], temporary[PRS_POOL_NAME_MAX + 24];
    uint8_t zeros[1u << 16];
};

#define PRS_GROWTH_STACK 65536ul

#define PRS_CLOSE_RANGE_UNSHARE 2u

/* The task: does the work, sets the state, ends. */
void prs_growth_run(void);
/* Takes back what the task has made: its mapping and its file. State MADE, no epoch open, the root directory that it was made under. */
void prs_growth_remove(const struct prs_growth *growth);
/* Removes "<pool>.k" and "<pool>.k.new" for k from `number` on, as far as they are what growth leaves. No libc. */
void prs_growth_tidy(struct prs_growth *growth, unsigned number);

#endif
