/* step.c - single-stepping by the processor's trap flag, so that a checkpoint can be forced at any instruction of a program (the test "every
 * instruction"). The kernel clears the flag on entry to the handler and the frame brings it back. */
#include "step.h"
#include "prim.h"
#include "state.h"
#include <signal.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100

void prs_step_begin(void)
{
    __asm__ volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq" : : "i"(TRAP_FLAG) : "cc", "memory");
}

bool prs_step_due(void)
{
    struct prs_step *step = &prs_p.step;
    uint64_t count = step->count++;
    if (prs_p.options.die_step != 0 && step->taken && ++step->since >= prs_p.options.die_step) {
        prs_sys(SYS_kill, prs_sys(SYS_getpid), SIGKILL);
    }
    step->due |= count >= prs_p.options.step_offset && (count - prs_p.options.step_offset) % prs_p.options.step == 0;
    return step->due;
}

void prs_step_taken(void)
{
    prs_p.step.due = false;
    prs_p.step.taken = true;
    prs_p.step.since = 0;
}

void prs_step_mask(void *ucontext, bool on)
{
    ucontext_t *context = ucontext;
    context->uc_mcontext.gregs[REG_EFL] = (context->uc_mcontext.gregs[REG_EFL] & ~(long long)TRAP_FLAG) | (on ? TRAP_FLAG : 0);
}
