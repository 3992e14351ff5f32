/* durable.h - epochs become durable while the program runs: on media that work by pages (media.h), where a fence takes what the disk takes.
 *
 *   IDLE ──seal, begin──> WORKING ──the task: files, publish──> DONE ──settle──> IDLE
 *                                                                └── the disk has failed: for ever
 *
 * What waits for the disk: whoever needs the epoch before something that cannot be done twice (prs_checkpoint_required, prosper_checkpoint, the end). A checkpoint that comes
 * by its timer while the task is at work is postponed; so the interval is at least what the disk takes. Nothing of this on other media: there is never anything to settle.
 */
#ifndef PRS_DURABLE_H
#define PRS_DURABLE_H

#include <stdbool.h>
#include <stdint.h>

struct prs_durable;

/* Takes its memory (state.h, S2). 0 or -ENOMEM. Start. */
int prs_durable_reserve(void);
/* META is complete: which of the program's files have changed, and are to be durable before the next epoch is? Before each try at an epoch. Handler. */
void prs_durable_look(void);
/* The store's epoch is sealed: the task makes those files durable, and then the epoch. Handler. */
void prs_durable_begin(void);
/* The task is at work. Any context. */
bool prs_durable_busy(void);
/* Settles the store if the task is done; wait: when it is. 0, also when there was nothing to do; -EAGAIN: it is at work; PROSPER_E_DISK: persistence is over. Handler, or normal context with checkpoints
 * held back. */
int prs_durable_settle(bool wait);
/* The task is gone on return, and what was sealed is settled. The next checkpoint makes another. Normal context, checkpoints held back. */
void prs_durable_end(void);
/* Tasks of this process that make epochs durable. */
unsigned prs_durable_tasks(void);
/* The program is about to change files or names in some way that the table of descriptors does not show. */
void prs_durable_changing(void);
/* The program has come to its end, which the pool is going to say: all that it has written is durable on return. Normal context. */
void prs_durable_last_files(void);

#endif
