/* step.h - single-stepping for tests (options step, step_offset, die_step): a checkpoint at every n-th instruction, death at any. */
#ifndef PRS_STEP_H
#define PRS_STEP_H

#include <stdbool.h>
#include <stdint.h>

struct prs_step {
    uint64_t count, since; /* instructions of this process, and since the last checkpoint that was due here */
    bool due, taken;
};

/* Turns the trap flag of this thread on: SIGTRAP after every instruction from the return on. Start. */
void prs_step_begin(void);
/* In the handler of SIGTRAP: counts, dies where that is asked for, and says whether a checkpoint is due. One that is held back stays due. */
bool prs_step_due(void);
/* The checkpoint that was due was taken. */
void prs_step_taken(void);
/* The trap flag in a saved register set: never in an image, set again where stepping goes on. */
void prs_step_mask(void *ucontext, bool on);

#endif
