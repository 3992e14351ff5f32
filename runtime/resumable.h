/* resumable.h - is a checkpoint this command's, and what is executed to go on from it. Stage 0, normal context. */
#ifndef PRS_RESUMABLE_H
#define PRS_RESUMABLE_H

#include "image.h"
#include "options.h"

/* PROSPER_E_LEFT_OUT, STDIN_CONSUMED, OTHER_ARGUMENTS. */
int prs_resumable_check(const struct prs_meta *meta, const struct prs_options *options, int argc, char **argv);
/* The path that is executed into path[PRS_PATH_MAX], arguments and environment into lists from the heap. -ENOMEM. */
int prs_resumable_command(const struct prs_meta *meta, char *path, char ***arguments, char ***environment);

#endif
