/* growth.h - the pool grows by itself: ahead of need, outside of checkpoints, up to the limit.
 *
 * A checkpoint that finds few slots free starts a task (growth_task.c), which makes the next extension file and maps it; the checkpoint after the task has come
 * to its end adds it (store.h, prs_store_extend), and its commit record counts it (extension.c). An epoch that does not fit is given up, as ever, and growth is
 * begun; only when that is impossible is anything said.
 *
 *   IDLE ──few slots, or an epoch did not fit──> WORKING ──> MADE ──the next epoch begins──> IDLE
 *                                                  └──> FAILED ──some time later, or needed again──> WORKING
 */
#ifndef PRS_GROWTH_H
#define PRS_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

struct prs_growth;

/* Takes its memory (state.h, S2). Start. */
int prs_growth_reserve(void);
/* After recovery, before the first epoch: removes what an interrupted growth has left. */
int prs_growth_start(void);
/* Before each try at an epoch: adds what is made. Handler. */
void prs_growth_add(void);
/* After each try: is it time? Handler. */
void prs_growth_consider(void);
/* The last epoch did not fit for want of slots. True: an extension is being made, or is made. Handler. */
bool prs_growth_need(void);
bool prs_growth_possible(void); /* by the limit */
/* An extension that an epoch waits for is being made. */
bool prs_growth_coming(void);
/* True once after a growth that an epoch waited for has failed. */
bool prs_growth_failed(void);
/* Why the pool cannot grow, for people. */
void prs_growth_why(char *out, uint64_t size);
/* Normal context: waits until the task has come to its end. False when there was none, and nothing is made. */
bool prs_growth_wait(void);
/* The task is gone on return, and what it had made and no epoch uses is gone, too. Checkpoints are held back or have come to their end; if they go on, so does growth. Normal
 * context. */
void prs_growth_end(void);
/* Tasks of this process that are growing the pool. */
unsigned prs_growth_tasks(void);
/* One that has come to its end may still be listed for a moment. False: none is, or it has been long enough. seen: no other task is listed now. */
bool prs_growth_lingers(bool seen);

#endif
