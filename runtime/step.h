/* step.h - single-stepping for tests (options step, step_offset): a checkpoint at every n-th instruction. */
#ifndef PRS_STEP_H
#define PRS_STEP_H

#include <stdbool.h>

/* Turns the trap flag of this thread on: SIGTRAP after every instruction from the return on. Start. */
void prs_step_begin(void);
/* In the handler of SIGTRAP: counts, and says whether a checkpoint is due. */
bool prs_step_due(const void *ucontext);
/* The trap flag in a saved register set: never in an image, set again where stepping goes on. */
void prs_step_mask(void *ucontext, bool on);

#endif
