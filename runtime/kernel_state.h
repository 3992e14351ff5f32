/* kernel_state.h - what the kernel keeps for the program besides memory and descriptors. */
#ifndef PRS_KERNEL_STATE_H
#define PRS_KERNEL_STATE_H

#include "image.h"
#include <stdint.h>

/* Registers from the signal frame, cwd, umask, pending signals, and (where prs_w.changed says so) actions, timers, limits. Handler. */
int prs_kernel_state_take(struct prs_meta *meta, uint32_t *used, const void *ucontext, const char **why);
/* The reverse, all but registers. Raw system calls only. */
void prs_kernel_state_restore(const struct prs_meta *meta);

#endif
