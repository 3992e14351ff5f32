/* stack_guard_signals.c - the program's signals while pages of its stack are protected.
 *
 * The kernel cannot push a signal frame on a protected page; the signal would be lost. So the kernel has other actions and another alternate stack than the program
 * believes: frames of all handlers go to a stack of ours, with every signal blocked; prs_guard_entry moves the frame to where the kernel would have made it
 * (pages opened), sets the mask that the handler has, and jumps on. From then on all is as without: the handler may return, jump out, switch stacks.
 *
 *   the program believes         actions[], alternate        what its calls set and get, what the image has
 *   the kernel has               prs_guard_entry for each function, flags with SA_ONSTACK, every signal blocked; prs_guard_signal_entry for SIGSEGV and SIGSYS;
 *                                our stack as the alternate one
 *
 * INVARIANT V1: while calls are dispatched, the kernel has what the lower line says. While they go straight (nothing is protected), it has what the upper one says,
 *               and the program may change it; what it set up meanwhile is taken over when dispatching begins again. (prs_guard_leave changes over.)
 *               Between a frame that was brought back and the return by it there is no checkpoint, which may change over and would put the frame into the image.
 * INVARIANT V2: SIGSEGV, SIGSYS and PRS_SIGNAL are in no mask that a frame brings back, while calls are dispatched; `believed` remembers the first two.
 * A frame of the program's has the program's alternate stack in it; when it is returned by, ours is put there.
 * Context: as in stack_guard.c.
 */
#include "checkpoint.h"
#include "hold.h"
#include "prim.h"
#include "stack_guard_internal.h"
#include "state.h"
#include <errno.h>
#include <sys/mman.h>

#define RESTORER 0x04000000ul
#define USED_WITHIN_NS 200000ul /* a process number that the program asked for */
#define GAPS_MAX 20u            /* a program that asks all the time gets its checkpoints, too */
#define FRAME_BYTES 440u /* return address, ucontext (304), siginfo (128) */

void prs_signal_return(void);
void prs_guard_entry(int signo, siginfo_t *info, void *context);
void prs_guard_signal_entry(int signo, siginfo_t *info, void *context);
void *prs_guard_move(int signo, siginfo_t *info, ucontext_t *context);

static bool is_ours(const struct prs_signal_action *action)
{
    return action->handler == (uint64_t)prs_guard_entry || action->handler == (uint64_t)prs_guard_signal_entry;
}

/* ---- what the kernel has ---- */

static long kernel_action(int signo, const struct prs_signal_action *set, struct prs_signal_action *old) { return prs_sys(SYS_rt_sigaction, signo, set, old, 8); }

long prs_guard_put_in_front(int signo, const struct prs_signal_action *wanted)
{
    struct prs_signal_action action = *wanted;
    if (prs_is_held(signo)) {
        action = (struct prs_signal_action){(uint64_t)prs_guard_signal_entry, SA_SIGINFO | SA_ONSTACK | RESTORER, (uint64_t)prs_signal_return, ~0ul};
    } else if (prs_is_function(wanted)) {
        action.handler = (uint64_t)prs_guard_entry;
        action.flags |= SA_ONSTACK;
        action.mask = ~0ul;
    }
    return kernel_action(signo, &action, NULL);
}

void prs_guard_note(struct prs_guard *guard, int signo, const struct prs_signal_action *action)
{
    guard->actions[signo] = *action;
    guard->fronted = prs_is_function(action) ? guard->fronted | PRS_SIGNAL_BIT(signo) : guard->fronted & ~PRS_SIGNAL_BIT(signo);
}

/* From the upper line to the lower: actions that the kernel has of the program's become those that the program believes in. */
static void put_all_in_front(struct prs_guard *guard)
{
    stack_t stack;
    uint64_t which = guard->adopt ? ~0ul : guard->fronted | PRS_HELD;
    for (int signo = 1; signo <= 64; ++signo) {
        struct prs_signal_action action;
        if ((which & PRS_SIGNAL_BIT(signo)) != 0 && !prs_is_runtimes(signo) && signo != SIGKILL && signo != SIGSTOP && kernel_action(signo, NULL, &action) == 0 && !is_ours(&action)) {
            prs_guard_note(guard, signo, &action);
            prs_guard_put_in_front(signo, &action);
        }
    }
    if (prs_sys(SYS_sigaltstack, NULL, &stack) == 0 && (uint64_t)stack.ss_sp != prs_p.stack.guard_stack) {
        guard->alternate = (stack_t){.ss_sp = stack.ss_sp, .ss_size = stack.ss_size, .ss_flags = stack.ss_flags & SS_DISABLE};
    }
    guard->adopt = false;
    guard->in_front = true;
    prs_p.stack.signal_flags = SA_ONSTACK;
    prs_checkpoint_install();
}

static void let_go(struct prs_guard *guard)
{
    for (int signo = 1; signo <= 64; ++signo) {
        struct prs_signal_action action;
        if (((guard->fronted | PRS_HELD) & PRS_SIGNAL_BIT(signo)) != 0 && kernel_action(signo, NULL, &action) == 0 && is_ours(&action)) {
            kernel_action(signo, &guard->actions[signo], NULL);
        }
    }
    guard->in_front = false;
    prs_p.stack.signal_flags = 0;
}

bool prs_guard_begin(void)
{
    struct prs_guard *guard = prs_arena_take(&prs_p.scratch, sizeof *guard);
    void *stack = prs_arena_take(&prs_p.scratch, PRS_GUARD_STACK);
    if (guard == NULL || stack == NULL) {
        return false;
    }
    prs_sys(SYS_madvise, stack, PRS_GUARD_STACK, MADV_DOFORK); /* a child needs both until it has let go of the handlers */
    prs_sys(SYS_madvise, prs_round_down((uint64_t)guard, PRS_PAGE), prs_round_up(sizeof *guard, PRS_PAGE), MADV_DOFORK);
    guard->adopt = true;
    prs_p.stack.guard = guard;
    prs_p.stack.guard_stack = (uint64_t)stack;
    prs_p.stack.straight = true;
    prs_p.stack.guarded = prs_guard_dispatch(true) == 0;
    return prs_p.stack.guarded;
}

void prs_guard_watch(bool on)
{
    prs_p.stack.calls = 0;
    prs_p.stack.straight = !on;
}

/* ---- a handler of the program's is entered and left ---- */

static uint64_t state_bytes(const uint8_t *state)
{
    uint32_t magic, bytes = 512;
    __builtin_memcpy(&magic, state + 464, 4); /* kernel_state.c */
    if (magic == 0x46505853u) {
        __builtin_memcpy(&bytes, state + 468, 4);
    }
    return bytes;
}

/* Returns &entered. Every signal is blocked. */
__attribute__((used)) void *prs_guard_move(int signo, siginfo_t *info, ucontext_t *context)
{
    struct prs_guard *guard = prs_p.stack.guard;
    struct prs_signal_action *action = &guard->actions[signo];
    uint64_t frame = (uint64_t)context - 8, sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP], mask;
    prs_p.stack.selector = 0;
    if (!prs_guard_holds(frame)) { /* calls go straight: the kernel has the program's own alternate stack */
        guard->alternate = (stack_t){.ss_sp = context->uc_stack.ss_sp, .ss_size = context->uc_stack.ss_size, .ss_flags = context->uc_stack.ss_flags & SS_DISABLE};
    }
    bool in_call = (uint64_t)context->uc_mcontext.gregs[REG_RIP] - (uint64_t)prs_call_again <= 2;
    __builtin_memcpy(&mask, &context->uc_sigmask, 8);
    uint64_t returns_to = mask | guard->believed;
    __builtin_memcpy(&context->uc_sigmask, &returns_to, 8);
    mask = guard->has_temporary && in_call ? guard->temporary : returns_to;
    mask |= action->mask | ((action->flags & SA_NODEFER) != 0 ? 0 : PRS_SIGNAL_BIT(signo));
    guard->believed = prs_p.stack.straight ? 0 : mask & PRS_HELD;
    mask &= prs_p.stack.straight ? ~PRS_SIGNAL_BIT(PRS_SIGNAL) : PRS_BLOCKABLE;
    prs_guard_take_back(context);
    guard->entered.handler = action->handler;
    bool wants_alternate = (action->flags & SA_ONSTACK) != 0;
    if (prs_guard_holds(frame) || (!wants_alternate && prs_on_alternate(guard, frame) && !prs_on_alternate(guard, sp))) {
        sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
        bool switches = wants_alternate && (guard->alternate.ss_flags & SS_DISABLE) == 0 && !prs_on_alternate(guard, sp);
        sp = switches ? (uint64_t)guard->alternate.ss_sp + guard->alternate.ss_size : sp - PRS_REDZONE;
        const uint8_t *state = (const uint8_t *)context->uc_mcontext.fpregs;
        uint64_t bytes = state != NULL ? state_bytes(state) : 0;
        uint64_t to_state = prs_round_down(sp - bytes, 64), to = prs_round_down(to_state - FRAME_BYTES, 16) - 8;
        prs_protected_open_range(to, sp - to);
        prs_copy((void *)to_state, state, bytes);
        prs_copy((void *)to, (const void *)frame, FRAME_BYTES);
        info = (siginfo_t *)(to + ((uint64_t)info - frame));
        context = (ucontext_t *)(to + 8);
        context->uc_mcontext.fpregs = state != NULL ? (fpregset_t)to_state : NULL;
        context->uc_stack = guard->alternate;
        *(uint64_t *)to = action->restorer;
        frame = to;
    }
    if ((action->flags & SA_RESETHAND) != 0) {
        struct prs_signal_action none = {0};
        prs_guard_note(guard, signo, &none);
    }
    guard->entered.sp = frame;
    guard->entered.info = (uint64_t)info;
    guard->entered.context = (uint64_t)context;
    guard->entered.mask = mask;
    prs_p.stack.selector = prs_p.stack.guarded && !prs_p.stack.straight;
    return &guard->entered;
}

/* A frame that is about to be returned by: with the alternate stack and mask of the lower line, or of the upper one where calls go straight. */
static void bring_back(ucontext_t *context)
{
    struct prs_guard *guard = prs_p.stack.guard;
    uint64_t mask;
    __builtin_memcpy(&mask, &context->uc_sigmask, 8);
    guard->believed |= mask & PRS_HELD;
    mask = prs_p.stack.straight ? mask | guard->believed : mask & PRS_BLOCKABLE;
    guard->believed = prs_p.stack.straight ? 0 : guard->believed;
    __builtin_memcpy(&context->uc_sigmask, &mask, 8);
    context->uc_stack = prs_p.stack.straight ? guard->alternate : (stack_t){.ss_sp = (void *)prs_p.stack.guard_stack, .ss_size = PRS_GUARD_STACK};
}

void prs_guard_returning(ucontext_t *context)
{
    prs_protected_open_range((uint64_t)context, sizeof *context);
    if (prs_p.stack.guarded) {
        prs_p.stack.guard->believed = 0; /* what is blocked then stands in the frame */
        prs_guard_take_back(context);    /* U2: the handler was entered while calls went straight, so prs_guard_move has not seen the frame */
        bring_back(context);
    }
}

void prs_guard_go_straight(void)
{
    prs_p.stack.straight = true;
    prs_sys(SYS_tgkill, prs_sys(SYS_getpid), prs_sys(SYS_gettid), PRS_SIGNAL); /* the alternate stack cannot be changed from a handler on it: prs_guard_leave does */
}

bool prs_guard_foreign(int signo, const siginfo_t *info)
{
    const struct prs_signal_action *action = &prs_p.stack.guard->actions[signo];
    if (prs_is_function(action)) {
        return true;
    }
    if (action->handler == (uint64_t)SIG_IGN && info->si_code <= 0) {
        return false;
    }
    static const struct prs_signal_action none;
    kernel_action(signo, &none, NULL);
    if (info->si_code <= 0) { /* somebody sent it */
        prs_sys(SYS_tgkill, prs_sys(SYS_getpid), prs_sys(SYS_gettid), signo);
    }
    return false;
}

bool prs_guard_holds(uint64_t sp) { return prs_p.stack.guard_stack != 0 && sp - prs_p.stack.guard_stack < PRS_GUARD_STACK; }

bool prs_guard_postpones(const void *ucontext)
{
    const ucontext_t *context = ucontext;
    if (!prs_p.stack.guarded) {
        return false;
    }
    uint64_t pending = 0, blocked;
    __builtin_memcpy(&blocked, &context->uc_sigmask, 8);
    prs_sys(SYS_rt_sigpending, &pending, 8);
    bool gap = (pending & ~blocked & ~PRS_SIGNAL_BIT(PRS_SIGNAL)) != 0 || prs_now_ns() - prs_p.stack.asked_ns < USED_WITHIN_NS;
    prs_p.stack.gaps = gap && prs_p.stack.gaps < GAPS_MAX ? prs_p.stack.gaps + 1 : 0;
    return prs_p.stack.gaps > 0;
}

/* ---- the end ---- */

void prs_guard_give_up(const char *because)
{
    prs_protected_end(because);
    prs_guard_dispatch(false);
    let_go(prs_p.stack.guard);
    prs_p.stack.guarded = false;
    prs_checkpoint_install();
    /* The alternate stack cannot be let go from a handler on it; the signal that comes before the program's next instruction does it (prs_guard_leave). */
    prs_sys(SYS_tgkill, prs_sys(SYS_getpid), prs_sys(SYS_gettid), PRS_SIGNAL);
}

void prs_guard_child(void)
{
    if (prs_p.stack.guarded) {
        let_go(prs_p.stack.guard);
        prs_p.stack.guarded = false;
        prs_sys(SYS_sigaltstack, &prs_p.stack.guard->alternate, NULL);
    }
}

/* ---- the runtime's own signal ---- */

void prs_guard_enter(void) { prs_p.stack.selector = 0; }

void prs_guard_leave(void *ucontext)
{
    struct prs_guard *guard = prs_p.stack.guard;
    if (prs_p.stack.guarded) {
        if (!prs_p.stack.straight && !guard->in_front) {
            put_all_in_front(guard);
        } else if (prs_p.stack.straight && guard->in_front) {
            let_go(guard);
            prs_checkpoint_install();
        }
        bring_back(ucontext);
        prs_sys(SYS_sigaltstack, &((ucontext_t *)ucontext)->uc_stack, NULL); /* we are on neither: prs_signal_entry */
    } else if (guard != NULL) {
        prs_guard_hide(ucontext);
        prs_sys(SYS_sigaltstack, &((ucontext_t *)ucontext)->uc_stack, NULL);
    }
    prs_p.stack.selector = prs_p.stack.guarded && !prs_p.stack.straight;
}

void prs_guard_hide(void *ucontext)
{
    ucontext_t *context = ucontext;
    if (prs_p.stack.guard_stack != 0 && (uint64_t)context->uc_stack.ss_sp == prs_p.stack.guard_stack) {
        context->uc_stack = prs_p.stack.guard->alternate;
    }
    if (prs_p.stack.guarded) {
        uint64_t mask;
        __builtin_memcpy(&mask, &context->uc_sigmask, 8);
        mask |= prs_p.stack.guard->believed;
        __builtin_memcpy(&context->uc_sigmask, &mask, 8);
    }
}

void prs_guard_show_action(int signo, struct prs_signal_action *action)
{
    if (!prs_p.stack.guarded || prs_is_runtimes(signo)) {
        return;
    }
    if (is_ours(action)) {
        *action = prs_p.stack.guard->actions[signo];
    } else if (prs_is_function(action) && (prs_p.stack.guard->fronted & PRS_SIGNAL_BIT(signo)) == 0) {
        prs_p.stack.guard->adopt = true;
    }
}
