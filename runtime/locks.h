/* locks.h - locks on files (fcntl, lockf, flock) that the program holds: the kernel's state, so recorded and taken again. */
#ifndef PRS_LOCKS_H
#define PRS_LOCKS_H

#include "image.h"

/* Reads the locks of the descriptors in META, if a wrapper said that there may be other ones, or there were some. 0 or -errno; *why as everywhere. Handler. */
int prs_locks_take(struct prs_meta *meta, const char **why);
/* Can they be had? number(i): a descriptor of this process on the file of descriptors[i]. Takes those that belong to the open file description; asks for the
 * others. 0, PROSPER_E_FILE_LOCKED. Restore, before anything is changed. */
int prs_locks_claim(const struct prs_meta *meta, int (*number)(uint32_t index));
/* Takes the locks that belong to the process, when the descriptors are in place: a close of any descriptor of the file would drop them. 0 or -errno. */
int prs_locks_install(const struct prs_meta *meta);

#endif
