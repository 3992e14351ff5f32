/* files.h - the rule by which changes of the file system can be made a second time; what names.c, opening.c and files.c share.
 *
 * What the program did to files after its last checkpoint is done again after a crash. Appending is harmless (open files are cut back); the rest is made
 * repeatable:
 *
 *   L1  A checkpoint is taken before each operation that is not idempotent against the state it leaves, so at most one such operation is
 *       ever done twice, and it is the first thing that a resumed program does.
 *   L2  When this return of the checkpoint is a resumption and the operation fails because it was already done, it has succeeded. What "already
 *       done" means is decided by what was seen before the checkpoint (on this stack, so in the image).
 *   L3  No existing file is open for writing without being known to a checkpoint that was taken before the first write: a restore cuts it back to the length
 *       that it had then.
 *   L4  Bytes that are overwritten in place were not read since the last checkpoint: else a program that reads, adds and writes back would add twice.
 */
#ifndef PRS_FILES_H
#define PRS_FILES_H

#include "interpose.h"
#include <fcntl.h>
#include <sys/stat.h>

/* What stood under a name before an operation. */
struct prs_seen {
    bool exists;
    struct stat status;
};

static inline struct prs_seen prs_look(int directory, const char *path, int flags)
{
    struct prs_seen seen;
    seen.exists = prs_sys(SYS_newfstatat, directory, path, &seen.status, flags) == 0;
    return seen;
}

/* L1. True when this return is a resumption. */
static inline bool prs_checkpoint_first(void)
{
    prs_run_restore_callbacks();
    return prs_checkpoint_quietly() != 0;
}

/* L1, of a file that the call makes shorter: a restore finds it with either length. files.c */
bool prs_checkpoint_before_shortening(const struct stat *status, off_t length);

#endif
