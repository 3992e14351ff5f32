/* stack_consolidate.h - stack=ssp: pages of the stack that are no longer written get their lines together in one slot, and give the other back.
 *
 * SSP does so when a page leaves the TLB, in the memory controller; the artifact in a second thread, at fixed periods. Here a second task does it, every
 * `consolidate=`: it looks at each page that has two slots, once, and again a period later; one that was not written in between is copied together: the fewer
 * lines go to the slot of the others. The checkpoint that follows says so in its words, the one after that gives the free slot back.
 *
 *     page changed by epoch n ── tick: looked at ── tick: same? ──no── written: left alone until the next commit
 *                                                     └─yes── lines copied ── epoch n+1 commits them ── slot given back before epoch n+2
 *
 * WHY THE COPYING IS SAFE AT EACH INSTANT
 *   The task writes only lines of a slot that the committed bitmap names the other slot for. Restores read committed lines alone; so whatever a kill leaves
 *   of them means nothing (ssp.c, S1; the same as for lines that a checkpoint was writing). They come to mean something by the word of epoch n+1, which
 *   the checkpoint writes, after the task has fenced them, and by its commit record.
 *   The committed bitmap does not change and the slot is not given to another page while the task is at work: both are done by checkpoints only, and
 *   a checkpoint begins with stop = 1 and waits for busy = 0; the task sets busy = 1, then looks at stop (each a full barrier, so one of the two sees the other), and
 *   looks again between two lines. So a checkpoint waits for one line or one look at a page, and for as long as the system leaves a task that holds `busy` without a processor.
 *   A page that the checkpoint finds changed keeps both: its changed lines are written after the task was stopped, over copies that are then of no use.
 *   An epoch that is given up may have done so too; so what the task copied before it is forgotten.
 *
 * THE TASK is a thread that no libc knows of: it dies with the process, at the same signal, and before the lock on the pool is let go; it has every
 * signal blocked, no thread-local storage, and a stack in the runtime's range. It reads the program's pages by system calls, which fail where a load would fault.
 */
#ifndef PRS_STACK_CONSOLIDATE_H
#define PRS_STACK_CONSOLIDATE_H

#include <stdbool.h>
#include <stdint.h>

struct prs_consolidation; /* in the arena */

/* Around each try at an epoch: open: stops the task, gives slots back; then lets it go on (the first time: makes it). Handler. */
void prs_consolidate_epoch(bool open);
/* This page of the stack has been written in the open epoch. */
void prs_consolidate_changed(uint64_t page);
/* What the task has copied counts with the open epoch; after all pages of the stack have been written. */
void prs_consolidate_count(void);
/* No checkpoint follows in this process: the task is gone on return. A process that only its main thread ends (SYS_exit) would otherwise live on in it, or end with its status. */
void prs_consolidate_end(void);
/* Processor time that the task has taken so far; 0 without one, or when it is gone. One system call. */
uint64_t prs_consolidate_cpu_ns(void);
/* Tasks of this process that are not the program's. */
unsigned prs_consolidate_tasks(void);

#endif
