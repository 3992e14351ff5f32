/* kernel_state.c - registers, signal set-up, timers, directory, mask and limits of the program.
 *
 * Cheap things are read at every checkpoint. Signal actions (64 system calls), interval timers and limits are read when a wrapper says that they
 * may have changed, and at the first checkpoint. Context: handler and restore; raw system calls only.
 */
#include "kernel_state.h"
#include "error.h"
#include "hold.h"
#include "log.h"
#include "prim.h"
#include "region.h"
#include "restore.h"
#include "stack_guard.h"
#include "state.h"
#include "step.h"
#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <ucontext.h>

#define UCONTEXT_KERNEL_BYTES 304u /* flags, link, stack, mcontext (256), 64-bit mask: what the kernel puts on the frame */
#define XSTATE_MAGIC1 0x46505853u
#define XSTATE_MAGIC2 0x46505845u
#define XSAVE_SOFTWARE_BYTES 464u  /* offset of the kernel's own words in the legacy area */

static int take_registers(struct prs_meta *meta, const void *frame, const char **why)
{
    const ucontext_t *context = frame;
    prs_copy(meta->ucontext, context, UCONTEXT_KERNEL_BYTES);
    meta->ucontext_size = UCONTEXT_KERNEL_BYTES;
    prs_step_mask(meta->ucontext, false);
    prs_guard_hide(meta->ucontext);
    const uint8_t *xsave = (const uint8_t *)context->uc_mcontext.fpregs;
    uint32_t magic = 0, bytes = 512, second = 0;
    if (xsave == NULL) {
        *why = "a signal frame without floating-point state";
        return 0;
    }
    __builtin_memcpy(&magic, xsave + XSAVE_SOFTWARE_BYTES, 4);
    if (magic == XSTATE_MAGIC1) {
        __builtin_memcpy(&bytes, xsave + XSAVE_SOFTWARE_BYTES + 4, 4);
        if (bytes >= 516 && bytes <= PRS_XSAVE_MAX) {
            __builtin_memcpy(&second, xsave + bytes - 4, 4);
        }
        /* With the second magic missing the kernel drops the extended state without a word: check both. */
        if (second != XSTATE_MAGIC2) {
            *why = "an extended register state that the image has no room for";
            return 0;
        }
    }
    prs_copy(meta->xsave, xsave, bytes);
    meta->xsave_size = bytes;
    return 0;
}

/* Nobody's on this system but the program's own. Without the instruction a system call a checkpoint would be the price. */
static bool can_read_gs(void) { return (getauxval(AT_HWCAP2) & 2 /* HWCAP2_FSGSBASE */) != 0; }

static uint64_t gs_base(void)
{
    uint64_t base = 0;
    if (can_read_gs()) {
        __asm__ volatile("rdgsbase %0" : "=r"(base));
    } else {
        prs_sys(SYS_arch_prctl, ARCH_GET_GS, &base);
    }
    return base;
}

static void take_actions(struct prs_meta *meta)
{
    for (int signal = 1; signal <= 64; ++signal) {
        prs_sys(SYS_rt_sigaction, signal, NULL, &meta->actions[signal], 8);
        prs_guard_show_action(signal, &meta->actions[signal]);
    }
}

static void take_timers(struct prs_meta *meta)
{
    for (int i = 0; i < 3; ++i) {
        prs_sys(SYS_getitimer, i, &meta->timers[i]);
    }
}

static bool timers_run(const struct prs_meta *meta)
{
    for (int i = 0; i < 3; ++i) {
        if (meta->timers[i].value_s != 0 || meta->timers[i].value_us != 0) {
            return true;
        }
    }
    return false;
}

/* Signals that came before this instant and are to be delivered behind it: those that the program blocks, and those that wait for our handler to return (with ours, every
 * signal is blocked). Of the latter only those that have a handler: one that kills the program would kill it after each restore. */
static uint64_t pending_of(const struct prs_meta *meta, const ucontext_t *context)
{
    uint64_t pending = 0, wanted = 0;
    prs_sys(SYS_rt_sigpending, &pending, 8);
    __builtin_memcpy(&wanted, &context->uc_sigmask, 8);
    wanted = prs_program_mask(wanted);
    for (uint64_t left = pending & ~wanted; left != 0; left &= left - 1) {
        int signal = __builtin_ctzl(left) + 1;
        bool handled = meta->actions[signal].handler != (uint64_t)SIG_DFL && meta->actions[signal].handler != (uint64_t)SIG_IGN;
        wanted |= handled ? left & -left : 0;
    }
    return pending & wanted & ~(1ul << (PRS_SIGNAL - 1));
}

int prs_kernel_state_take(struct prs_meta *meta, uint32_t *used, const void *ucontext, const char **why)
{
    const ucontext_t *context = ucontext;
    unsigned changed = prs_w.changed;
    prs_w.changed &= (unsigned)(PRS_CHANGED_MAPPINGS | PRS_CHANGED_DESCRIPTORS | PRS_CHANGED_LOCKS); /* the others have readers of their own */
    take_registers(meta, ucontext, why);
    if ((changed & PRS_CHANGED_SIGNALS) != 0) {
        take_actions(meta);
    }
    if ((changed & PRS_CHANGED_TIMERS) != 0 || timers_run(meta)) {
        take_timers(meta);
    }
    if ((changed & PRS_CHANGED_LIMITS) != 0) {
        for (int i = 0; i < 16; ++i) {
            prs_sys(SYS_prlimit64, 0, i, NULL, meta->limits[i]);
        }
    }
    meta->gs_base = gs_base();
    meta->pending = pending_of(meta, context);
    long mask = prs_sys(SYS_umask, 0);
    prs_sys(SYS_umask, mask);
    meta->umask = (uint32_t)mask;
    char directory[PRS_PATH_MAX];
    long length = prs_sys(SYS_getcwd, directory, sizeof directory);
    if (length <= 0) {
        *why = "a current directory that was deleted";
        return 0;
    }
    meta->cwd = prs_text_add(meta, used, directory, (uint64_t)length - 1);
    meta->brk_now = (uint64_t)prs_sys(SYS_brk, 0);
    meta->checkpoint_realtime_ns = prs_realtime_ns();
    meta->checkpoint_cpu_ns = prs_process_cpu_ns() + prs_w.cpu_before_ns; /* what the program sees, and is not to see go back */
    return 0;
}

static void restore_limits(const struct prs_meta *meta)
{
    for (int i = 0; i < 16; ++i) {
        struct rlimit now;
        if (i == RLIMIT_STACK || prs_sys(SYS_prlimit64, 0, i, NULL, &now) != 0) {
            continue; /* the stack's was set before the program was executed */
        }
        /* Soft limits as the program had them, as far as this process's hard limits go; an unprivileged process cannot have more. */
        struct rlimit want = {meta->limits[i][0], now.rlim_max};
        if (want.rlim_cur > want.rlim_max) {
            want.rlim_cur = want.rlim_max;
        }
        prs_sys(SYS_prlimit64, 0, i, &want, NULL);
    }
}

void prs_kernel_state_restore(const struct prs_meta *meta)
{
    prs_restore_needs(prs_sys(SYS_chdir, meta->text + meta->cwd), "chdir"); /* looked at before anything was changed */
    prs_sys(SYS_umask, meta->umask);
    if (meta->gs_base != 0) {
        prs_sys(SYS_arch_prctl, ARCH_SET_GS, meta->gs_base);
    }
    restore_limits(meta);
    for (int signal = 1; signal <= 64; ++signal) {
        if (signal != PRS_SIGNAL && signal != SIGKILL && signal != SIGSTOP && !(signal == SIGTRAP && prs_p.options.step != 0)) {
            prs_sys(SYS_rt_sigaction, signal, &meta->actions[signal], NULL, 8);
        }
    }
    for (int i = 0; i < 3; ++i) {
        if (meta->timers[i].value_s != 0 || meta->timers[i].value_us != 0) {
            prs_restore_needs(prs_sys(SYS_setitimer, i, &meta->timers[i], NULL), "setitimer");
        }
    }
    /* Still blocked here (every signal is, until the last rt_sigreturn), so they become pending as they were. */
    for (int signal = 1; signal <= 64; ++signal) {
        if ((meta->pending >> (signal - 1) & 1) != 0 && signal != PRS_SIGNAL) {
            prs_sys(SYS_tgkill, prs_sys(SYS_getpid), prs_sys(SYS_gettid), signal);
        }
    }
}
