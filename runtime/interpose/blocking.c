/* blocking.c - sleeping, and waiting for descriptors: calls that end early when any handler has run.
 *
 * wait.h has the rule (B1). What libc itself or the kernel restarts after a handler with SA_RESTART (read, wait4, futex without timeout,
 * accept, flock ...) has no wrapper here, nor have the condition variables, which wait in a loop of libc's. Context: normal.
 */
#include "wait.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <threads.h>
#include <unistd.h>

/* ---- sleeping ---- */

static long sleep_on(clockid_t clock, int flags, const struct timespec *request, struct timespec *remaining)
{
    bool absolute = (flags & TIMER_ABSTIME) != 0;
    /* Processor-time clocks do not run with the one that the time left is counted by; the kernel's own remainder does for them. */
    bool own_time = clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && clock != CLOCK_TAI;
    struct timespec left = *request, rest = {0, 0};
    struct prs_wait wait = prs_wait_begin(prs_to_ns(request));
    left = absolute || own_time ? left : prs_wait_first(&wait, left);
    for (;;) {
        rest = left;
        long result = prs_wait_try(&wait, SYS_clock_nanosleep, clock, flags, &left, &rest, 0, 0);
        if (result != -EINTR || !prs_wait_goes_on(&wait)) {
            if (result == -EINTR && !absolute && remaining != NULL) {
                *remaining = rest;
            }
            return result;
        }
        if (!absolute) {
            left = own_time ? rest : prs_to_timespec(wait.left_ns);
        }
    }
}

PRS_EXPORT int nanosleep(const struct timespec *request, struct timespec *remaining)
{
    return prs_active() ? (int)prs_errno(sleep_on(CLOCK_MONOTONIC, 0, request, remaining)) : NEXT(nanosleep)(request, remaining);
}

PRS_EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *remaining)
{
    if (!prs_active() || clock == CLOCK_THREAD_CPUTIME_ID) {
        return NEXT(clock_nanosleep)(clock, flags, request, remaining);
    }
    return (int)-sleep_on(clock, flags, request, remaining);
}

PRS_EXPORT int thrd_sleep(const struct timespec *request, struct timespec *remaining)
{
    int error = clock_nanosleep(CLOCK_REALTIME, 0, request, remaining);
    return error == 0 ? 0 : error == EINTR ? -1 : -2;
}

PRS_EXPORT int usleep(useconds_t us)
{
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    return nanosleep(&time, NULL);
}

PRS_EXPORT unsigned sleep(unsigned seconds)
{
    int saved = errno;
    struct timespec time = {seconds, 0};
    if (nanosleep(&time, &time) != 0) {
        return (unsigned)time.tv_sec;
    }
    errno = saved;
    return 0;
}

/* ---- waiting for descriptors ---- */

static long poll_on(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    struct timespec left = timeout != NULL ? *timeout : (struct timespec){0, 0};
    sigset_t own;
    if (mask != NULL) {
        own = prs_without_ours(mask);
    }
    if (timeout != NULL && prs_to_ns(timeout) == 0) {
        return prs_sys(SYS_ppoll, fds, count, &left, mask != NULL ? &own : NULL, PRS_SIGSET_BYTES);
    }
    struct prs_wait wait = prs_wait_begin(prs_to_ns(timeout));
    left = prs_wait_first(&wait, left);
    for (;;) {
        long result = prs_wait_try(&wait, SYS_ppoll, fds, count, timeout != NULL ? &left : NULL, mask != NULL ? &own : NULL, PRS_SIGSET_BYTES, 0);
        if (result != -EINTR || !prs_wait_goes_on(&wait)) {
            return result;
        }
        left = prs_to_timespec(wait.left_ns);
    }
}

PRS_EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    if (!prs_active()) {
        return NEXT(poll)(fds, count, timeout_ms);
    }
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    return (int)prs_errno(poll_on(fds, count, timeout_ms >= 0 ? &timeout : NULL, NULL));
}

PRS_EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    return prs_active() ? (int)prs_errno(poll_on(fds, count, timeout, mask)) : NEXT(ppoll)(fds, count, timeout, mask);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t bytes); /* what -D_FORTIFY_SOURCE calls */
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t bytes);

PRS_EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t bytes)
{
    if (bytes / sizeof *fds < count) {
        __builtin_trap();
    }
    return poll(fds, count, timeout_ms);
}

PRS_EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t bytes)
{
    if (bytes / sizeof *fds < count) {
        __builtin_trap();
    }
    return ppoll(fds, count, timeout, mask);
}

static long select_on(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timespec *left, const sigset_t *mask)
{
    sigset_t own;
    struct { const sigset_t *set; size_t bytes; } argument = {NULL, PRS_SIGSET_BYTES};
    if (mask != NULL) {
        own = prs_without_ours(mask);
        argument.set = &own;
    }
    bool blocks = left == NULL || left->tv_sec != 0 || left->tv_nsec != 0;
    struct prs_wait wait = blocks ? prs_wait_begin(prs_to_ns(left)) : prs_wait_none();
    if (left != NULL) {
        *left = prs_wait_first(&wait, *left);
    }
    for (;;) {
        /* The kernel brings *left up to date for the caller; on an error it leaves the sets alone. */
        long result = prs_wait_try(&wait, SYS_pselect6, count, readable, writable, exceptional, left, &argument);
        if (result != -EINTR || !prs_wait_goes_on(&wait)) {
            return result;
        }
        if (left != NULL) {
            *left = prs_to_timespec(wait.left_ns);
        }
    }
}

PRS_EXPORT int select(int count, fd_set *restrict readable, fd_set *restrict writable, fd_set *restrict exceptional, struct timeval *restrict timeout)
{
    if (!prs_active()) {
        return NEXT(select)(count, readable, writable, exceptional, timeout);
    }
    struct timespec left;
    if (timeout != NULL) {
        if (timeout->tv_sec < 0 || timeout->tv_usec < 0) {
            return (int)prs_errno(-EINVAL);
        }
        left = (struct timespec){timeout->tv_sec + timeout->tv_usec / 1000000, timeout->tv_usec % 1000000 * 1000};
    }
    long result = select_on(count, readable, writable, exceptional, timeout != NULL ? &left : NULL, NULL);
    if (timeout != NULL) {
        *timeout = (struct timeval){left.tv_sec, left.tv_nsec / 1000};
    }
    return (int)prs_errno(result);
}

PRS_EXPORT int pselect(int count, fd_set *restrict readable, fd_set *restrict writable, fd_set *restrict exceptional,
                       const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
    if (!prs_active()) {
        return NEXT(pselect)(count, readable, writable, exceptional, timeout, mask);
    }
    struct timespec left = timeout != NULL ? *timeout : (struct timespec){0, 0};
    return (int)prs_errno(select_on(count, readable, writable, exceptional, timeout != NULL ? &left : NULL, mask));
}

PRS_EXPORT int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout_ms, const sigset_t *mask)
{
    if (!prs_active()) {
        return NEXT(epoll_pwait)(fd, events, count, timeout_ms, mask);
    }
    sigset_t own;
    if (mask != NULL) {
        own = prs_without_ours(mask);
    }
    struct prs_wait wait = timeout_ms != 0 ? prs_wait_begin(timeout_ms > 0 ? (uint64_t)timeout_ms * 1000000u : 0) : prs_wait_none();
    bool shorter = wait.resumed;
    for (int left = timeout_ms;;) {
        left = shorter && timeout_ms > 0 ? (int)((wait.left_ns + 999999) / 1000000) : timeout_ms;
        shorter = true;
        long result = prs_wait_try(&wait, SYS_epoll_pwait, fd, events, count, left, mask != NULL ? &own : NULL, PRS_SIGSET_BYTES);
        if (result != -EINTR || !prs_wait_goes_on(&wait)) {
            return (int)prs_errno(result);
        }
    }
}

PRS_EXPORT int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    return prs_active() ? epoll_pwait(fd, events, count, timeout_ms, NULL) : NEXT(epoll_wait)(fd, events, count, timeout_ms);
}

PRS_EXPORT int epoll_pwait2(int fd, struct epoll_event *events, int count, const struct timespec *timeout, const sigset_t *mask)
{
    if (!prs_active()) {
        return NEXT(epoll_pwait2)(fd, events, count, timeout, mask);
    }
    sigset_t own;
    if (mask != NULL) {
        own = prs_without_ours(mask);
    }
    struct timespec left = timeout != NULL ? *timeout : (struct timespec){0, 0};
    struct prs_wait wait = timeout == NULL || prs_to_ns(timeout) != 0 ? prs_wait_begin(prs_to_ns(timeout)) : prs_wait_none();
    left = prs_wait_first(&wait, left);
    for (;;) {
        long result =
            prs_wait_try(&wait, SYS_epoll_pwait2, fd, events, count, timeout != NULL ? &left : NULL, mask != NULL ? &own : NULL, PRS_SIGSET_BYTES);
        if (result != -EINTR || !prs_wait_goes_on(&wait)) {
            return (int)prs_errno(result);
        }
        left = prs_to_timespec(wait.left_ns);
    }
}
