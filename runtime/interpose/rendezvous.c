/* rendezvous.c - waiting for signals, semaphores, message queues and sockets. The rule is wait.h's (B1). Context: normal.
 *
 * sem_timedwait and what may have SO_RCVTIMEO are not guarded against a handler that runs in the few instructions between two tries: they have a
 * time limit of their own, and the guard would give EINTR to programs whose handlers have SA_RESTART.
 */
#include "transfer.h"
#include "wait.h"
#include <poll.h>
#include <semaphore.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- signals ---- */

PRS_EXPORT int pause(void)
{
    if (!prs_active()) {
        return NEXT(pause)();
    }
    struct prs_wait wait = prs_wait_begin(0);
    while (prs_wait_try(&wait, SYS_pause, 0, 0, 0, 0, 0, 0) == -EINTR && prs_wait_goes_on(&wait)) {
    }
    return (int)prs_errno(-EINTR);
}

PRS_EXPORT int sigsuspend(const sigset_t *mask)
{
    if (!prs_active()) {
        return NEXT(sigsuspend)(mask);
    }
    sigset_t own = prs_without_ours(mask);
    struct prs_wait wait = prs_wait_begin(0);
    long result;
    do {
        result = prs_wait_try(&wait, SYS_rt_sigsuspend, &own, PRS_SIGSET_BYTES, 0, 0, 0, 0);
    } while (result == -EINTR && prs_wait_goes_on(&wait));
    return (int)prs_errno(result);
}

PRS_EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict timeout)
{
    if (!prs_active()) {
        return NEXT(sigtimedwait)(set, info, timeout);
    }
    sigset_t own = prs_without_ours(set);
    struct timespec left = timeout != NULL ? *timeout : (struct timespec){0, 0};
    struct prs_wait wait = timeout == NULL || prs_to_ns(timeout) != 0 ? prs_wait_begin(prs_to_ns(timeout)) : prs_wait_none();
    left = prs_wait_first(&wait, left);
    for (;;) {
        long result = prs_wait_try(&wait, SYS_rt_sigtimedwait, &own, info, timeout != NULL ? &left : NULL, PRS_SIGSET_BYTES, 0, 0);
        if (result != -EINTR || !prs_wait_goes_on(&wait)) {
            if (result > 0 && info != NULL && info->si_code == SI_TKILL) {
                info->si_code = SI_USER; /* as libc shows raise() */
            }
            return (int)prs_errno(result);
        }
        left = prs_to_timespec(wait.left_ns);
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
    int saved = errno, result;
    do { /* sigwait never returns EINTR */
        result = sigtimedwait(set, NULL, NULL);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        return errno;
    }
    errno = saved;
    *signo = result;
    return 0;
}

/* ---- semaphores, queues ---- */

/* Repeats a libc call with an absolute deadline, or none, while only we interrupted it. */
#define REPEAT(type, call)                                        \
    if (!prs_active()) {                                          \
        return call;                                              \
    }                                                             \
    struct prs_wait wait = prs_wait_begin(0);                     \
    type result;                                                  \
    do {                                                          \
        result = call;                                            \
    } while (result < 0 && errno == EINTR && prs_wait_goes_on(&wait)); \
    return result

PRS_EXPORT int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline)
{
    REPEAT(int, NEXT(sem_timedwait)(semaphore, deadline));
}

PRS_EXPORT int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict deadline)
{
    REPEAT(int, NEXT(sem_clockwait)(semaphore, clock, deadline));
}

PRS_EXPORT int sem_wait(sem_t *semaphore) { REPEAT(int, NEXT(sem_wait)(semaphore)); }

/* A call without a time limit that ends with EINTR after any handler. */
static long unlimited(long number, long a, long b, long c, long d, long e)
{
    struct prs_wait wait = prs_wait_begin(0);
    long result;
    do {
        result = prs_wait_try(&wait, number, a, b, c, d, e, 0);
    } while (result == -EINTR && prs_wait_goes_on(&wait));
    return prs_errno(result);
}

PRS_EXPORT int msgsnd(int queue, const void *message, size_t size, int flags)
{
    return prs_active() ? (int)unlimited(SYS_msgsnd, queue, PRS_L(message), PRS_L(size), flags, 0) : NEXT(msgsnd)(queue, message, size, flags);
}

PRS_EXPORT ssize_t msgrcv(int queue, void *message, size_t size, long type, int flags)
{
    return prs_active() ? unlimited(SYS_msgrcv, queue, PRS_L(message), PRS_L(size), type, flags) : NEXT(msgrcv)(queue, message, size, type, flags);
}

PRS_EXPORT int semtimedop(int set, struct sembuf *operations, size_t count, const struct timespec *timeout)
{
    if (!prs_active()) {
        return NEXT(semtimedop)(set, operations, count, timeout);
    }
    struct timespec left = timeout != NULL ? *timeout : (struct timespec){0, 0};
    struct prs_wait wait = prs_wait_begin(prs_to_ns(timeout));
    left = prs_wait_first(&wait, left);
    for (;;) {
        long result = prs_wait_try(&wait, SYS_semtimedop, set, operations, count, timeout != NULL ? &left : NULL, 0, 0);
        if (result != -EINTR || !prs_wait_goes_on(&wait)) {
            return (int)prs_errno(result);
        }
        left = prs_to_timespec(wait.left_ns);
    }
}

PRS_EXPORT int semop(int set, struct sembuf *operations, size_t count)
{
    return prs_active() ? semtimedop(set, operations, count, NULL) : NEXT(semop)(set, operations, count);
}

/* ---- sockets (not restorable yet, but not to be disturbed either) ---- */

static ssize_t input(int fd, ssize_t result)
{
    if (result > 0 && prs_active()) {
        int saved = errno;
        prs_stdin_note_read(fd);
        errno = saved;
    }
    return result;
}

#define FOR_EVER (~0ul)

/* After our signal cut a call on a socket: is it to be made again? A limit (SO_RCVTIMEO, SO_SNDTIMEO) would begin anew with each try, so what is left of it
 * is waited here. errno is set when not. */
static bool once_more(int fd, int option, struct prs_wait *wait)
{
    if (errno != EINTR || !prs_wait_goes_on(wait)) {
        return false;
    }
    struct timeval limit = {0, 0};
    socklen_t size = sizeof limit;
    if (getsockopt(fd, SOL_SOCKET, option, &limit, &size) != 0 || (limit.tv_sec == 0 && limit.tv_usec == 0)) {
        return true;
    }
    uint64_t gone = FOR_EVER - wait->left_ns, all = (uint64_t)limit.tv_sec * PRS_SECOND + (uint64_t)limit.tv_usec * 1000;
    struct timespec left = prs_to_timespec(gone < all ? all - gone : 0);
    struct pollfd waiting = {fd, option == SO_RCVTIMEO ? POLLIN : POLLOUT, 0};
    int ready = ppoll(&waiting, 1, &left, NULL);
    if (ready == 0) {
        errno = EAGAIN;
    }
    return ready > 0;
}

/* Our signal ends a receive early when it has a limit (EINTR), and one with MSG_WAITALL that has part of what it waits for. */
PRS_EXPORT ssize_t recvfrom(int fd, void *restrict buffer, size_t size, int flags, __SOCKADDR_ARG address, socklen_t *restrict length)
{
    if (!prs_active()) {
        return NEXT(recvfrom)(fd, buffer, size, flags, address, length);
    }
    struct prs_wait wait = prs_wait_begin(FOR_EVER);
    bool whole = (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0;
    size_t got = 0;
    for (;;) {
        ssize_t result = NEXT(recvfrom)(fd, (char *)buffer + got, size - got, flags, address, length);
        got += result > 0 ? (size_t)result : 0;
        bool cut = (result < 0 && once_more(fd, SO_RCVTIMEO, &wait)) || (result > 0 && got < size && whole && prs_wait_goes_on(&wait));
        if (!cut) {
            return input(fd, got > 0 ? (ssize_t)got : result);
        }
    }
}

PRS_EXPORT ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    return prs_active() ? recvfrom(fd, buffer, size, flags, (__SOCKADDR_ARG){NULL}, NULL) : NEXT(recv)(fd, buffer, size, flags);
}

#define LIMITED(type, option, call)                               \
    if (!prs_active()) {                                          \
        return call;                                              \
    }                                                             \
    struct prs_wait wait = prs_wait_begin(FOR_EVER);              \
    type result;                                                  \
    do {                                                          \
        result = call;                                            \
    } while (result < 0 && once_more(fd, option, &wait));         \
    return result

static ssize_t receive_message(int fd, struct msghdr *message, int flags) { LIMITED(ssize_t, SO_RCVTIMEO, NEXT(recvmsg)(fd, message, flags)); }
PRS_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags) { return input(fd, receive_message(fd, message, flags)); }

PRS_EXPORT int accept(int fd, __SOCKADDR_ARG address, socklen_t *restrict length)
{
    LIMITED(int, SO_RCVTIMEO, NEXT(accept)(fd, address, length));
}

PRS_EXPORT int accept4(int fd, __SOCKADDR_ARG address, socklen_t *restrict length, int flags)
{
    LIMITED(int, SO_RCVTIMEO, NEXT(accept4)(fd, address, length, flags));
}

/* A stream sends what fits and is cut by our signal: the rest follows. */
PRS_EXPORT ssize_t sendto(int fd, const void *buffer, size_t size, int flags, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    if (!prs_active()) {
        return NEXT(sendto)(fd, buffer, size, flags, address, length);
    }
    struct prs_wait wait = prs_wait_begin(FOR_EVER);
    size_t sent = 0;
    for (;;) {
        ssize_t count = NEXT(sendto)(fd, (const char *)buffer + sent, size - sent, flags, address, length);
        sent += count > 0 ? (size_t)count : 0;
        bool cut = (count < 0 && once_more(fd, SO_SNDTIMEO, &wait)) || (count > 0 && sent < size && prs_wait_goes_on(&wait));
        if (!cut || (flags & MSG_DONTWAIT) != 0 || !prs_transfer_blocking(fd)) {
            return sent > 0 ? (ssize_t)sent : count;
        }
    }
}

PRS_EXPORT ssize_t send(int fd, const void *buffer, size_t size, int flags)
{
    return prs_active() ? sendto(fd, buffer, size, flags, (__CONST_SOCKADDR_ARG){NULL}, 0) : NEXT(send)(fd, buffer, size, flags);
}

PRS_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) { LIMITED(ssize_t, SO_SNDTIMEO, NEXT(sendmsg)(fd, message, flags)); }

PRS_EXPORT int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    if (!prs_active()) {
        return NEXT(connect)(fd, address, length);
    }
    struct prs_wait wait = prs_wait_begin(FOR_EVER);
    int result = NEXT(connect)(fd, address, length);
    if (result == 0 || !once_more(fd, SO_SNDTIMEO, &wait)) {
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
