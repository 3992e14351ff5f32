/* signals.h - what guarded_x86_64.S and signals.c have for the other wrappers. */
#ifndef PRS_SIGNALS_H
#define PRS_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* A system call that is not made once a handler of the program's has run (prs_w.program_handlers differs from `handlers`): -EINTR then. */
long prs_guarded(long number, const long arguments[6], uint64_t handlers);

/* The set without PRS_SIGNAL. */
static inline sigset_t prs_without_ours(const sigset_t *set)
{
    sigset_t own = *set;
    sigdelset(&own, 62);
    return own;
}

#endif
