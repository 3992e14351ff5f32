/* hold.c - sections in which a checkpoint, or a handler of the program's, must not come in between (hold.h).
 *
 * What belongs to one process (its number, its clocks, what stands in prs_p) and what belongs to the image (the stack, prs_w, the state of the program) may be out of step for whoever holds
 * both across a checkpoint: the process that goes on has other numbers, and has not made the calls that were made after the checkpoint.
 *
 * INVARIANTS
 *   H1  What is looked at and what is done because of it are one step for checkpoints: between prs_hold and prs_release there is none. Where that cannot be (a call that blocks), what was looked at is
 *       looked at again afterwards, with prs_w.restores before and after.
 *   H2  Nothing but the program's own prosper_pause, and a call of execve, leaves prs_w.hold above 0 where a handler of the program's may run: such a handler may leave by longjmp, and no checkpoint
 *       would ever be taken again. execve has to give its mask to the next program; that it was left is found out by its frame, as soon as the
 *       timer finds the program above it, or finds it written over (prs_w.executing, stop.c).
 *   H3  A signal that comes in a section of prs_apart waits for its end, and is not taken for one that the program blocks: it may be the one that ends the program, and would end each that resumes
 *       (prs_program_mask; for three instructions, until the mask is noted, that of the last section stands for it).
 * Context: normal; prs_program_mask also in the handler.
 */
#include "hold.h"
#include "prim.h"
#include <signal.h>

void prs_hold(void) { ++prs_w.hold; }

void prs_release(void)
{
    if (--prs_w.hold == 0 && prs_w.held_back) {
        prs_w.held_back = 0;
        prs_checkpoint_here();
    }
}

#define BIT(signo) (1ul << ((signo) - 1))

#define MOST (~(BIT(PRS_SIGNAL) | BIT(SIGTRAP) | BIT(SIGKILL) | BIT(SIGSTOP))) /* tests single-step: a process dies of a trap that it has blocked */
#define PERHAPS (BIT(SIGSEGV) | BIT(SIGSYS)) /* with stack=mprotect the kernel's mask never has them */

/* The program has no such mask: libc keeps its own signals 32 and 33 out of each that it sets, and these are in here. */
static bool is_apart(uint64_t mask) { return (mask | PERHAPS) == MOST; }

void prs_apart_begin(struct prs_apart *apart)
{
    uint64_t most = MOST;
    apart->mask = 0;
    prs_sys(SYS_rt_sigprocmask, SIG_SETMASK, &most, &apart->mask, sizeof most);
    if (!is_apart(apart->mask)) { /* else within another one */
        prs_w.program_mask = apart->mask;
    }
}

uint64_t prs_program_mask(uint64_t mask) { return is_apart(mask) ? prs_w.program_mask : mask; }

void prs_apart_end(const struct prs_apart *apart) { prs_sys(SYS_rt_sigprocmask, SIG_SETMASK, &apart->mask, NULL, sizeof apart->mask); }
