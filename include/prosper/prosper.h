/* prosper.h - what a program may say to the runtime. All of it is optional: an ordinary program says nothing and survives.
 *
 * Every function may be called with or without persistence on (no pool named: they do nothing and return the value stated). They are
 * for normal context, not for signal handlers, except where it says otherwise.
 */
#ifndef PROSPER_H
#define PROSPER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes a checkpoint now.
 * Returns 0: it is taken, and durable at the level of the pool (process: survives kill -9; power: a power cut too);
 *         1: this return is a resumption: the process was restored from the checkpoint taken here;
 *         negative: none could be taken (-EAGAIN: checkpoints are suspended, one line on stderr said why); 0 without persistence. */
int prosper_checkpoint(void);

/* Between pause and resume no checkpoint is taken by the timer or by the runtime; what runs there is repeated after a crash. Calls nest. prosper_checkpoint does
 * nothing in between. The pause itself is not in the image: a program that is resumed is not paused, as no checkpoint was taken there. */
void prosper_pause(void);
void prosper_resume(void);

/* fn(arg) is called after every restore, at the first call that the program makes into a wrapped function where it may run any code
 * (sleep, poll, open, write, fork ... and prosper_*), not in the middle of a malloc. For reconnecting, re-reading a clock, and the like.
 * At most 32 registrations. Returns 0 or -ENOSPC. */
int prosper_on_restore(void (*fn)(void *arg), void *arg);

/* Leaves the whole pages inside [ptr, ptr + len) out of the image: a cache, a scratch buffer. After a restore they read as zero. Anonymous memory only (heap, mmap);
 * a part of a page at either end stays in the image. Returns 0, or -ENOSPC (more than 64 ranges, or one that overlaps another). */
int prosper_exclude(void *ptr, size_t len);

struct prosper_statistics {
    uint64_t checkpoints;          /* committed by this process */
    uint64_t stop_ns_p50, stop_ns_p99; /* time that a checkpoint stops the program */
    uint64_t bytes_stack, bytes_heap, bytes_other; /* written for stacks, large memory (64-byte lines), other small memory */
    uint64_t stack_bytes_at_page_granularity; /* what 4-KB pages would have copied for the stacks */
    uint64_t restores;             /* over the program's life */
};
/* Fills *out (all zeros without persistence) and writes the file of the option stats=FILE, if one is named. out may be NULL. Returns 0 or -errno of the file. */
int prosper_stats(struct prosper_statistics *out);

#ifdef __cplusplus
}
#endif
#endif
