/* files.h - the rule by which changes of the file system can be made a second time; what names.c, opening.c and files.c share.
 *
 * What the program did to files after its last checkpoint is done again after a crash. Appending is harmless (open files are cut back); the rest is made
 * repeatable:
 *
 *   L1  A checkpoint is taken before each operation that is not idempotent against the state it leaves, so at most one such operation is
 *       ever done twice, and it is the first thing that a resumed program does.
 *   L2  When the program was resumed after that checkpoint was begun and the operation fails because it was already done, it has succeeded. What "already
 *       done" means is decided by what was seen before the checkpoint (on this stack, so in the image). The question and the operation are one step for checkpoints (hold.c): resumed from between
 *       the two, the operation would be made again with an answer from before it was made.
 *   L3  No existing file is open for writing without being known to a checkpoint that was taken before the first write: a restore cuts it back to the length
 *       that it had then.
 *   L4  Bytes that are overwritten in place were not read since the last checkpoint: else a program that reads, adds and writes back would add twice.
 */
#ifndef PRS_FILES_H
#define PRS_FILES_H

#include "interpose.h"
#include "../planted.h"
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

/* L1 and L2 around one operation, by the owner. No handler of the program's comes in between: its own operations would take the place of what is announced in prs_shortening and prs_renaming. */
struct prs_change {
    struct prs_apart apart;
    bool again; /* resumed since begin */
};

/* Within prs_apart_begin. */
static inline void prs_change_take(struct prs_change *change)
{
    uint64_t restores = prs_w.restores;
    bool resumed = prs_checkpoint_quietly() != 0;
    if (PRS_PLANTED(change_once)) {
        change->again = resumed;
        return;
    }
    prs_hold();
    change->again = prs_w.restores != restores;
}

/* L1 without L2: for what may be done twice. */
static inline void prs_checkpoint_first(void)
{
    prs_run_restore_callbacks();
    prs_checkpoint_quietly();
}

static inline void prs_change_begin(struct prs_change *change)
{
    prs_run_restore_callbacks();
    prs_apart_begin(&change->apart);
    prs_change_take(change);
}

static inline void prs_change_end(const struct prs_change *change)
{
    int saved = errno;
    prs_shortening.inode = 0;
    prs_renaming.to = NULL;
    if (!PRS_PLANTED(change_once)) {
        prs_release();
    }
    prs_apart_end(&change->apart);
    errno = saved;
}

/* Of a file that the call makes shorter: a restore finds it with either length. files.c */
void prs_change_begin_shortening(struct prs_change *change, const struct stat *status, off_t length);

#endif
