/* blocking.c - calls that end early when a signal handler has run: the program must not see that ours did.
 *
 * INVARIANT B1: a call that was interrupted by our signal alone goes on, for the time that is left; one that a handler of the program's own interrupted
 *               returns as it would have without us. prs_token_take before, prs_only_us after.
 * A restore inside such a call looks like an interruption by us (the counters are in the image). The time left is counted by
 * CLOCK_MONOTONIC: a process that was dead for longer than its sleep has slept. After a reboot that clock starts again; then what was left counts.
 *
 * What libc itself restarts after a handler with SA_RESTART (read, wait4, futex without timeout, accept, flock ...) has no wrapper here, nor have the
 * condition variables, which wait in a loop of libc's. Context: normal.
 */
#include "interpose.h"
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ul
#define SIGSET_BYTES 8

struct wait {
    struct prs_token token;
    uint64_t seen_ns, left_ns; /* left as of seen */
};

static struct wait wait_begin(uint64_t ns)
{
    prs_run_restore_callbacks();
    prs_checkpoint_before_block();
    return (struct wait){prs_token_take(), prs_now_ns(), ns};
}

/* After an interruption: true when the call is to go on, with the time left brought up to date. */
static bool goes_on(struct wait *wait)
{
    if (!prs_only_us(wait->token)) {
        return false;
    }
    uint64_t now = prs_now_ns();
    uint64_t gone = now > wait->seen_ns ? now - wait->seen_ns : 0; /* backwards: another boot */
    wait->left_ns -= gone < wait->left_ns ? gone : wait->left_ns;
    wait->seen_ns = now;
    wait->token = prs_token_take();
    return true;
}

static uint64_t to_ns(const struct timespec *time) { return (uint64_t)time->tv_sec * SECOND + (uint64_t)time->tv_nsec; }
static bool is_time(const struct timespec *time) { return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < (long)SECOND; }
static struct timespec to_timespec(uint64_t ns) { return (struct timespec){(time_t)(ns / SECOND), (long)(ns % SECOND)}; }

static sigset_t stripped(const sigset_t *set)
{
    sigset_t own = *set;
    sigdelset(&own, PRS_SIGNAL);
    return own;
}

/* ---- sleeping ---- */

static long sleep_on(clockid_t clock, int flags, const struct timespec *request, struct timespec *remaining)
{
    if ((flags & TIMER_ABSTIME) != 0) {
        struct wait wait = wait_begin(0);
        long result;
        do {
            result = prs_sys(SYS_clock_nanosleep, clock, flags, request, remaining);
        } while (result == -EINTR && goes_on(&wait));
        return result;
    }
    struct timespec left = *request;
    if (!is_time(request)) {
        return -EINVAL;
    }
    struct wait wait = wait_begin(to_ns(request));
    for (;;) {
        long result = prs_sys(SYS_clock_nanosleep, clock, flags, &left, remaining);
        if (result != -EINTR || !goes_on(&wait)) {
            return result;
        }
        left = to_timespec(wait.left_ns);
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
        return (unsigned)time.tv_sec + (time.tv_nsec >= 500000000);
    }
    errno = saved;
    return 0;
}

PRS_EXPORT int pause(void)
{
    if (!prs_active()) {
        return NEXT(pause)();
    }
    struct wait wait = wait_begin(0);
    while (prs_sys(SYS_pause) == -EINTR && goes_on(&wait)) {
    }
    return (int)prs_errno(-EINTR);
}

/* ---- waiting for descriptors ---- */

static long poll_on(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    struct timespec left = timeout != NULL ? *timeout : (struct timespec){0, 0};
    sigset_t own;
    if (mask != NULL) {
        own = stripped(mask);
    }
    if (timeout != NULL && (!is_time(timeout) || to_ns(timeout) == 0)) {
        return prs_sys(SYS_ppoll, fds, count, &left, mask != NULL ? &own : NULL, SIGSET_BYTES);
    }
    struct wait wait = wait_begin(timeout != NULL ? to_ns(timeout) : 0);
    for (;;) {
        long result = prs_sys(SYS_ppoll, fds, count, timeout != NULL ? &left : NULL, mask != NULL ? &own : NULL, SIGSET_BYTES);
        if (result != -EINTR || !goes_on(&wait)) {
            return result;
        }
        left = to_timespec(wait.left_ns);
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
    struct { const sigset_t *set; size_t bytes; } argument = {NULL, SIGSET_BYTES};
    if (mask != NULL) {
        own = stripped(mask);
        argument.set = &own;
    }
    bool blocks = left == NULL || left->tv_sec != 0 || left->tv_nsec != 0;
    struct wait wait = blocks ? wait_begin(0) : (struct wait){prs_token_take(), 0, 0};
    for (;;) {
        /* The kernel brings *left up to date; on an error it leaves the sets alone. */
        long result = prs_sys(SYS_pselect6, count, readable, writable, exceptional, left, &argument);
        if (result != -EINTR || !goes_on(&wait)) {
            return result;
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
        own = stripped(mask);
    }
    struct wait wait = timeout_ms != 0 ? wait_begin(timeout_ms > 0 ? (uint64_t)timeout_ms * 1000000u : 0) : (struct wait){prs_token_take(), 0, 0};
    for (int left = timeout_ms;; left = timeout_ms > 0 ? (int)((wait.left_ns + 999999) / 1000000) : timeout_ms) {
        long result = prs_sys(SYS_epoll_pwait, fd, events, count, left, mask != NULL ? &own : NULL, SIGSET_BYTES);
        if (result != -EINTR || !goes_on(&wait)) {
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
        own = stripped(mask);
    }
    struct timespec left = timeout != NULL ? *timeout : (struct timespec){0, 0};
    struct wait wait = wait_begin(timeout != NULL && is_time(timeout) ? to_ns(timeout) : 0);
    for (;;) {
        long result = prs_sys(SYS_epoll_pwait2, fd, events, count, timeout != NULL ? &left : NULL, mask != NULL ? &own : NULL, SIGSET_BYTES);
        if (result != -EINTR || !goes_on(&wait)) {
            return (int)prs_errno(result);
        }
        left = to_timespec(wait.left_ns);
    }
}

/* ---- waiting for signals ---- */

PRS_EXPORT int sigsuspend(const sigset_t *mask)
{
    if (!prs_active()) {
        return NEXT(sigsuspend)(mask);
    }
    sigset_t own = stripped(mask);
    struct wait wait = wait_begin(0);
    while (prs_sys(SYS_rt_sigsuspend, &own, SIGSET_BYTES) == -EINTR && goes_on(&wait)) {
    }
    return (int)prs_errno(-EINTR);
}

PRS_EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict timeout)
{
    if (!prs_active()) {
        return NEXT(sigtimedwait)(set, info, timeout);
    }
    sigset_t own = stripped(set);
    struct timespec left = timeout != NULL ? *timeout : (struct timespec){0, 0};
    struct wait wait = wait_begin(timeout != NULL && is_time(timeout) ? to_ns(timeout) : 0);
    for (;;) {
        int result = NEXT(sigtimedwait)(&own, info, timeout != NULL ? &left : NULL);
        if (result >= 0 || errno != EINTR || !goes_on(&wait)) {
            return result;
        }
        left = to_timespec(wait.left_ns);
    }
}

PRS_EXPORT int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
    return prs_active() ? sigtimedwait(set, info, NULL) : NEXT(sigwaitinfo)(set, info);
}

PRS_EXPORT int sigwait(const sigset_t *restrict set, int *restrict signo)
{
    if (!prs_active()) {
        return NEXT(sigwait)(set, signo);
    }
    int result;
    do { /* sigwait never returns EINTR */
        result = sigtimedwait(set, NULL, NULL);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        return errno;
    }
    *signo = result;
    return 0;
}

/* ---- semaphores, queues ---- */

/* Repeats a libc call with an absolute deadline, or none, while only we interrupted it. */
#define REPEAT(type, call)                                        \
    struct wait wait = wait_begin(0);                             \
    type result;                                                  \
    do {                                                          \
        result = call;                                            \
    } while (result < 0 && errno == EINTR && goes_on(&wait));     \
    return result

PRS_EXPORT int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline)
{
    if (!prs_active()) {
        return NEXT(sem_timedwait)(semaphore, deadline);
    }
    REPEAT(int, NEXT(sem_timedwait)(semaphore, deadline));
}

PRS_EXPORT int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict deadline)
{
    if (!prs_active()) {
        return NEXT(sem_clockwait)(semaphore, clock, deadline);
    }
    REPEAT(int, NEXT(sem_clockwait)(semaphore, clock, deadline));
}

PRS_EXPORT int sem_wait(sem_t *semaphore)
{
    if (!prs_active()) {
        return NEXT(sem_wait)(semaphore);
    }
    REPEAT(int, NEXT(sem_wait)(semaphore));
}

PRS_EXPORT int msgsnd(int queue, const void *message, size_t size, int flags) { REPEAT(int, NEXT(msgsnd)(queue, message, size, flags)); }

PRS_EXPORT ssize_t msgrcv(int queue, void *message, size_t size, long type, int flags)
{
    REPEAT(ssize_t, NEXT(msgrcv)(queue, message, size, type, flags));
}

PRS_EXPORT int semop(int set, struct sembuf *operations, size_t count) { REPEAT(int, NEXT(semop)(set, operations, count)); }

PRS_EXPORT int semtimedop(int set, struct sembuf *operations, size_t count, const struct timespec *timeout)
{
    struct timespec left = timeout != NULL ? *timeout : (struct timespec){0, 0};
    struct wait wait = wait_begin(timeout != NULL && is_time(timeout) ? to_ns(timeout) : 0);
    for (;;) {
        int result = NEXT(semtimedop)(set, operations, count, timeout != NULL ? &left : NULL);
        if (result >= 0 || errno != EINTR || !goes_on(&wait)) {
            return result;
        }
        left = to_timespec(wait.left_ns);
    }
}

/* ---- sockets (not restorable yet, but not to be disturbed either) ---- */

PRS_EXPORT ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    REPEAT(ssize_t, NEXT(recv)(fd, buffer, size, flags));
}

PRS_EXPORT ssize_t recvfrom(int fd, void *restrict buffer, size_t size, int flags, __SOCKADDR_ARG address, socklen_t *restrict length)
{
    REPEAT(ssize_t, NEXT(recvfrom)(fd, buffer, size, flags, address, length));
}

PRS_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags) { REPEAT(ssize_t, NEXT(recvmsg)(fd, message, flags)); }

PRS_EXPORT int accept(int fd, __SOCKADDR_ARG address, socklen_t *restrict length) { REPEAT(int, NEXT(accept)(fd, address, length)); }

PRS_EXPORT int accept4(int fd, __SOCKADDR_ARG address, socklen_t *restrict length, int flags)
{
    REPEAT(int, NEXT(accept4)(fd, address, length, flags));
}

PRS_EXPORT int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    struct prs_token token = prs_token_take();
    int result = NEXT(connect)(fd, address, length);
    if (result == 0 || errno != EINTR || !prs_only_us(token)) {
        return result;
    }
    /* The connection is being made all the same; a second connect would say EALREADY. */
    struct pollfd waiting = {fd, POLLOUT, 0};
    if (poll(&waiting, 1, -1) < 0) {
        return -1;
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error == 0) {
        return error == 0 ? 0 : -1;
    }
    errno = error;
    return -1;
}
