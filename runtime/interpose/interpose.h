/* interpose.h - what the wrappers share: export, the next definition of a function, system calls with errno.
 *
 * A wrapper is exported under the libc name, stands before libc in lookup order, and is the plain function when prs_active() is false.
 * RULES
 *   W1  Without persistence a wrapper calls the next definition and nothing else (so cancellation points stay what they are).
 *   W2  With persistence there is one thread. Between two instructions of a wrapper a checkpoint may be taken or a restore may return, so
 *       what a wrapper remembers across a call is on its stack or in this library's data: both are in the image.
 *   W3  A child of vfork runs in its parent's memory. Before a wrapper asks for a checkpoint or writes a table it asks prs_owner().
 *   W4  A wrapper changes errno only as the function that it stands for would have.
 */
#ifndef PRS_INTERPOSE_H
#define PRS_INTERPOSE_H

#include "../hold.h"
#include "../prim.h"
#include <errno.h>
#include <stdbool.h>

#define PRS_EXPORT __attribute__((visibility("default")))
#define PRS_ALIAS(name) __attribute__((visibility("default"), alias(#name)))
#define PRS_LIKELY(x) __builtin_expect(!!(x), 1)
#define PRS_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Numbers of the functions in next.def. */
enum prs_next_number {
#define PRS_NEXT_FUNCTION(name) PRS_NEXT_##name,
#include "next.def"
#undef PRS_NEXT_FUNCTION
    PRS_NEXT_COUNT
};
extern void *prs_next_table[PRS_NEXT_COUNT + 1];
/* Looks a function up that start-up code calls before our constructor ran. Ends the process with one line when nobody defines it. */
void *prs_next_find(enum prs_next_number number);

/* The definition after ours: NEXT(poll)(fds, count, timeout). */
#define NEXT(name) ((__typeof__(&name))prs_next_get(PRS_NEXT_##name))
static inline void *prs_next_get(enum prs_next_number number)
{
    void *found = prs_next_table[number];
    return PRS_LIKELY(found != NULL) ? found : prs_next_find(number);
}

/* A raw result as libc would return it. */
static inline long prs_errno(long result)
{
    if (PRS_UNLIKELY((unsigned long)result > -4096ul)) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* Persistence is on and this process owns it (W3). One system call when on, none when off. */
static inline bool prs_owning(void) { return prs_active() && prs_owner(); }

/* For changes of files. Leaves errno as it found it. */
static inline int prs_checkpoint_quietly(void)
{
    int saved = errno;
    int resumed = prs_checkpoint_required();
    errno = saved;
    return resumed;
}

/* memory.c: around a call that may write anywhere in the program's memory, without marks: the next checkpoint compares everything. Nothing where marks are not relied on. */
void prs_writes_anywhere(void);
void prs_wrote_anywhere(void);

/* descriptors.c: fd is new, none of those that the process began with. */
void prs_descriptor_opened(int fd);
/* descriptors.c: input was read from descriptor 0 (a pipe, socket or terminal) that cannot come again. Callable in a handler. */
bool prs_stdin_consumed(void);
/* A transfer from this descriptor took something; called by the reading wrappers when it may be descriptor 0's. */
void prs_stdin_note_read(int fd);

#endif
