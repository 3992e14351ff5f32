/* checkpoint.h - taking a checkpoint, and when. */
#ifndef PRS_CHECKPOINT_H
#define PRS_CHECKPOINT_H

#include <stdbool.h>

/* Handler for PRS_SIGNAL, timers. Start and restore. */
void prs_checkpoint_install(void);
int prs_checkpoint_timers(void);
void prs_checkpoint_disarm(void);
/* The image is taken now from this signal frame. 0, -ENOSPC, or another negative code; the program goes on in every case. Handler. */
int prs_checkpoint_take(const void *ucontext);
/* After PROSPER_E_UNSUPPORTED, prs_p.why says what the program has that cannot be restored. */
bool prs_has_children(void);
/* 1: the process has a thread that is not the runtime's; 0: it has none; negative: that cannot be told. Waits until one of ours that has come to its end is no longer counted. Handler, or held back. */
int prs_second_thread(void);
/* Everything that the last commit says equals live memory? Reports what does not and dies. Handler, verify=1. */
void prs_verify_image(const void *ucontext);
/* After a restore: the verify mirror from the pool. */
void prs_verify_rebuild(void);

#endif
