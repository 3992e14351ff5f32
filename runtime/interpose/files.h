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
 *   L5  From the look whether this is a resumption (L2) to the end of the operation no checkpoint is taken: it would be of a program that believes to do it for the first time.
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

/* L1 and L5, around an operation, where it is `needed`: begin takes the checkpoint, runs what is to run at a resumption, and holds further ones back until end. once.c */
struct prs_once {
    bool begun;
    bool again; /* begin's return is a resumption: the operation may have been done */
    uint64_t mask;
};
struct prs_once prs_once_begin(bool needed);
void prs_once_end(const struct prs_once *once);

/* The same, of a file that the call makes shorter: a restore finds it with either length. files.c */
struct prs_once prs_once_shortening(const struct stat *status, off_t length);

#endif
