/* outcome.h - what follows from an attempt at a checkpoint. */
#ifndef PRS_OUTCOME_H
#define PRS_OUTCOME_H

#include <stdint.h>

/* 0, or why there is none: says it, marks the pool, and says when to try again (prs_p.suspended, suspended_until_ns). Handler. */
void prs_conclude(int result);
/* There is no room, as the store says, and none is on its way. */
void prs_suspend_for_space(uint64_t now);
/* What of the program's cannot be restored, for people. */
const char *prs_what_it_has(void);
/* No task of the runtime's is left when it returns. May wait for the disk. */
void prs_end_tasks(void);

#endif
