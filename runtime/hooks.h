/* hooks.h - what instrumented code and the writers leave for the checkpoint: open write windows, releases (of the calling thread). */
#ifndef PRS_HOOKS_H
#define PRS_HOOKS_H

#include <prosper/abi.h>
#include <stdbool.h>
#include <stdint.h>

/* First thing in the constructor, in every process: instrumented code may run from now on. 0 or -errno with a detail. */
int prs_hooks_start(void);

/* Next open write window after *window (NULL: the first); end is UINT64_MAX when only the mapping bounds it. 1, 0 at the end, -1 where the list is broken: anything may
 * have been written. Changes nothing. */
int prs_windows_next(const struct prs_window **window, uint64_t *start, uint64_t *end);
/* Since the last call, some window was lost (its frame overwritten after a jump past it): anything may have been written. */
bool prs_windows_were_lost(void);
/* Since the last call, the thread was at a place where no mark of its waits for a store (abi.h): what was marked before that has been stored. */
bool prs_marks_released(void);

#endif
