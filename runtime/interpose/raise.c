/* raise.c - raise, and pthread_kill of oneself. Any context. */
#include "interpose.h"
#include <pthread.h>
#include <signal.h>

PRS_EXPORT int raise(int signo) { return (int)prs_errno(prs_raise(signo)); }

PRS_EXPORT int pthread_kill(pthread_t thread, int signo)
{
    if (signo <= 0 || (signo >= 32 && signo < SIGRTMIN) || !pthread_equal(thread, pthread_self())) {
        return NEXT(pthread_kill)(thread, signo);
    }
    return (int)-prs_raise(signo);
}
