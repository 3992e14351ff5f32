/* restore.h - a committed checkpoint becomes this process. */
#ifndef PRS_RESTORE_H
#define PRS_RESTORE_H

#include "launch.h"

/* Start, stage 1, pool attached. Returns only when the checkpoint is refused (negative code, nothing changed); else the program goes on from it. */
int prs_restore(const struct prs_launch *launch);

#endif
