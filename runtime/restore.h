/* restore.h - a committed checkpoint becomes this process. */
#ifndef PRS_RESTORE_H
#define PRS_RESTORE_H

#include "launch.h"

/* Start, stage 1, pool attached. Returns only when the checkpoint is refused (negative code, nothing changed); else the program goes on from it. */
int prs_restore(const struct prs_launch *launch);
/* From CUT on: what a system call returned that the restore cannot do without. When it is an error, one line says what it was for, and the process ends as a
 * start that is refused. */
void prs_restore_needs(long result, const char *what);

#endif
