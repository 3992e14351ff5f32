/* stack_guard.h - stack=mprotect: pages of the stack are made read-only, and the first write into one is a fault.
 *
 * What write protection by mprotect breaks, and what is done about it:
 *   a store of the program's       SIGSEGV; the handler opens the page
 *   the kernel's own writes        a system call that writes into a protected page fails with EFAULT, after it has perhaps done half of its work. So each system call of the
 *                                  program comes by us first (syscall user dispatch, Linux 5.11: SIGSYS instead of the call), and the pages that it may write are
 *                                  opened; where it is not known which, all are
 *   signal frames                  the kernel cannot push one on a protected page, and then the signal is lost. So all frames go to a stack of ours, and those of the program's
 *                                  handlers are moved from there to where they belong (stack_guard_signals.c)
 *   blocked signals                a fault while SIGSEGV is blocked kills; so the mask never has SIGSEGV and SIGSYS (rt_sigprocmask is done here)
 *   checkpoints, children          everything is opened before a checkpoint reads the mappings, and before a fork; children are not dispatched
 *
 * A dispatched call costs a signal, some microseconds. As soon as those of an interval have cost what copying all of the stack would, all of it is opened and
 * calls go straight to the kernel, until the next checkpoint. So they do where no page is protected.
 */
#ifndef PRS_STACK_GUARD_H
#define PRS_STACK_GUARD_H

#include "image.h"
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

struct prs_guard; /* in the arena */

#define PRS_GUARD_PAGES 65536u /* from the end of the stack down: 256 MB; deeper pages are never protected */

/* 0, or PROSPER_E_OPTION: this kernel has no dispatch. Start. */
int prs_guard_probe(void);
/* Handler: from now on faults and calls are caught; false: memory is short. */
bool prs_guard_begin(void);
/* Calls are dispatched until the next checkpoint; off where nothing is protected. */
void prs_guard_watch(bool on);
/* On the guard's stack (a handler was entered there while calls went straight): no checkpoint now. */
bool prs_guard_holds(uint64_t sp);
/* No checkpoint here: the program was just told its process number, which would be out of date after a restore, or sent itself a signal that is delivered after ours.
 * Without dispatching, these gaps are a few instructions; with it, whatever becomes due in one of its handlers falls into them. */
bool prs_guard_postpones(const void *ucontext);
/* Entry and end of prs_on_signal: system calls of ours are not dispatched. */
void prs_guard_enter(void);
void prs_guard_leave(void *ucontext);
/* At the program's call that was sent on, which has not been made yet (or is to be made again). */
bool prs_guard_sent_on(uint64_t rip);
/* At the program's return from a handler, of which the frame is already as the kernel is to have it (V1), not as the program believes: no checkpoint now. */
bool prs_guard_returns(uint64_t rip);
/* Undoes what was done to send it on; the program makes it once more. Before a checkpoint is taken there. */
void prs_guard_take_back(ucontext_t *context);
/* In a fork child. */
void prs_guard_child(void);
/* What of the kernel's state is the guard's and not the program's, when it is read for the image. */
void prs_guard_show_action(int signo, struct prs_signal_action *action);
void prs_guard_hide(void *ucontext);

/* stack_mprotect.c, for the guard's handlers. False: not a page that is protected. */
bool prs_protected_open(uint64_t address);
void prs_protected_open_range(uint64_t address, uint64_t bytes);
void prs_protected_open_all(void);
/* Protects nothing any more in this process. */
void prs_protected_end(const char *because);
bool prs_protected_overlaps(uint64_t address, uint64_t bytes);
uint32_t prs_protected_calls_max(void);

#endif
