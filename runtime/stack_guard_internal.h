/* stack_guard_internal.h - what stack_guard.c (faults and calls) and stack_guard_signals.c (the program's signals) share. */
#ifndef PRS_STACK_GUARD_INTERNAL_H
#define PRS_STACK_GUARD_INTERNAL_H

#include "hold.h"
#include "stack_guard.h"
#include "state.h"
#include <signal.h>
#include <ucontext.h>

#define PRS_GUARD_STACK 131072ul
#define PRS_SIGNAL_BIT(signo) (1ul << ((signo) - 1))
#define PRS_HELD (PRS_SIGNAL_BIT(SIGSEGV) | PRS_SIGNAL_BIT(SIGSYS)) /* blocked in the program's belief only */
#define PRS_BLOCKABLE (~(PRS_HELD | PRS_SIGNAL_BIT(PRS_SIGNAL)))

struct prs_guard {
    struct prs_signal_action actions[65];
    stack_t alternate;
    uint64_t believed;  /* of HELD: what the program has blocked */
    uint64_t temporary; /* the mask of a call that waits with one */
    uint64_t fronted;   /* signals that have a function of the program's */
    bool has_temporary, adopt, in_front;
    struct { uint64_t sp, handler, info, context, mask; } entered; /* context_x86_64.S */
};

static inline bool prs_is_function(const struct prs_signal_action *action) { return action->handler > (uint64_t)SIG_IGN; }
static inline bool prs_is_held(int signo) { return signo == SIGSEGV || signo == SIGSYS; }
/* Not the program's at all. */
static inline bool prs_is_runtimes(int signo) { return signo == PRS_SIGNAL || (signo == SIGTRAP && prs_p.options.step != 0); }
static inline bool prs_on_alternate(const struct prs_guard *guard, uint64_t sp)
{
    return (guard->alternate.ss_flags & SS_DISABLE) == 0 && sp - (uint64_t)guard->alternate.ss_sp - 1 < guard->alternate.ss_size;
}
/* The kernel's action for what the program wants; the kernel's answer. */
long prs_guard_put_in_front(int signo, const struct prs_signal_action *wanted);
/* What the program believes from now on. */
void prs_guard_note(struct prs_guard *guard, int signo, const struct prs_signal_action *action);

struct prs_call {
    long number;
    uint64_t argument[6];
    uint64_t at, bytes; /* stack_guard.c: what it writes */
};

/* context_x86_64.S: system calls that are never dispatched. */
extern const char prs_call_again[], prs_call_again_by_register[], prs_call_plain[];

long prs_guard_dispatch(bool on);
/* A call about signals that was answered here; else it goes to the kernel, perhaps after the guard was given up for it. */
bool prs_guard_answers(ucontext_t *context, const struct prs_call *call);
/* Protects nothing any more; all of the kernel's signal state is the program's again. NULL: without a word. */
void prs_guard_give_up(const char *because);
/* In a handler of ours: calls are not dispatched until the next checkpoint; everything is open. */
void prs_guard_go_straight(void);
/* A SIGSEGV or SIGSYS that is not ours. True: the program's handler is to have it. */
bool prs_guard_foreign(int signo, const siginfo_t *info);
/* The program returns from a handler of its own, by this frame. */
void prs_guard_returning(ucontext_t *context);

#endif
