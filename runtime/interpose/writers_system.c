/* writers_system.c - stand-ins for functions that hand the kernel's or libc's answers back in structs (writers.def; see writers.c).
 *
 * Each has a place of known size. What blocks is open as a window meanwhile. The names mean what the program would have called, so this
 * library's own wrappers (files.c, blocking.c, signals.c ...) still stand between.
 * Context: any of the program's.
 */
#include "interpose.h"
#include "window.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

ssize_t __read_chk(int fd, void *to, size_t count, size_t room);
ssize_t __pread_chk(int fd, void *to, size_t count, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *to, size_t count, off64_t offset, size_t room);

#define ONE(result, name, parameters, arguments, place) PRS_WRITES(result, name, parameters, arguments, place, sizeof *(place))
#define TWO(result, name, parameters, arguments, place, place2) \
    PRS_WRITES_TWO(result, name, parameters, arguments, place, sizeof *(place), place2, sizeof *(place2))

/* ---- descriptors ---- */

/* Of fcntl's commands these write, no more than a struct flock. */
static size_t control_bytes(int command)
{
    bool writes = command == F_GETLK || command == F_OFD_GETLK || command == F_GETOWN_EX || command == F_GET_RW_HINT || command == F_GET_FILE_RW_HINT;
    return writes ? sizeof(struct flock) : 0;
}

#define CONTROL(name)                                                              \
    PRS_EXPORTED int __prosper_w_##name(int fd, int command, ...);                 \
    int __prosper_w_##name(int fd, int command, ...)                               \
    {                                                                              \
        va_list list;                                                              \
        va_start(list, command);                                                   \
        void *argument = va_arg(list, void *);                                     \
        va_end(list);                                                              \
        struct prs_window window;                                                  \
        prs_window_open(&window, argument, control_bytes(command));                \
        int result = name(fd, command, argument);                                  \
        prs_window_close(&window);                                                 \
        return result;                                                             \
    }
CONTROL(fcntl)
CONTROL(fcntl64)

/* Those of terminals and pipes write one small struct. Others may hold pointers to what is written. */
PRS_EXPORTED int __prosper_w_ioctl(int fd, unsigned long request, ...);
int __prosper_w_ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    bool small = request >> 8 == 0x54;
    struct prs_window window;
    prs_window_open(&window, argument, small ? 64 : 0);
    if (!small) {
        prs_writes_anywhere();
    }
    int result = ioctl(fd, request, argument);
    if (!small) {
        prs_wrote_anywhere();
    }
    prs_window_close(&window);
    return result;
}

PRS_WRITES(int, backtrace, (void **to, int count), (to, count), to, count > 0 ? (size_t)count * sizeof *to : 0)

/* They put the arguments into another order, and set the flags that the options name: wherever these are. */
PRS_EXPORTED int __prosper_w_getopt(int count, char *const *arguments, const char *letters);
int __prosper_w_getopt(int count, char *const *arguments, const char *letters)
{
    prs_writes_anywhere();
    int result = getopt(count, arguments, letters);
    prs_wrote_anywhere();
    return result;
}

#define OPTIONS(name)                                                                                                                            \
    PRS_EXPORTED int __prosper_w_##name(int count, char *const *arguments, const char *letters, const struct option *names, int *to);           \
    int __prosper_w_##name(int count, char *const *arguments, const char *letters, const struct option *names, int *to)                         \
    {                                                                                                                                            \
        prs_writes_anywhere();                                                                                                                   \
        int result = name(count, arguments, letters, names, to);                                                                                 \
        prs_wrote_anywhere();                                                                                                                    \
        return result;                                                                                                                           \
    }
OPTIONS(getopt_long)
OPTIONS(getopt_long_only)

PRS_WRITES(ssize_t, read, (int fd, void *to, size_t count), (fd, to, count), to, PRS_PLANTED(read_unseen) ? 0 : count)
PRS_WRITES(ssize_t, __read_chk, (int fd, void *to, size_t count, size_t room), (fd, to, count, room), to, count)
PRS_WRITES(ssize_t, pread, (int fd, void *to, size_t count, off_t offset), (fd, to, count, offset), to, count)
PRS_WRITES(ssize_t, pread64, (int fd, void *to, size_t count, off64_t offset), (fd, to, count, offset), to, count)
PRS_WRITES(ssize_t, __pread_chk, (int fd, void *to, size_t count, off_t offset, size_t room), (fd, to, count, offset, room), to, count)
PRS_WRITES(ssize_t, __pread64_chk, (int fd, void *to, size_t count, off64_t offset, size_t room), (fd, to, count, offset, room), to, count)
PRS_WRITES(ssize_t, recv, (int fd, void *to, size_t count, int flags), (fd, to, count, flags), to, count)

/* Vectors: the kernel reads into places that only the vector names; no callbacks and no instrumented code run meanwhile, so marks
 * before the call hold. */
static void mark_vector(const struct iovec *vector, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        __prosper_mark_range(vector[i].iov_base, vector[i].iov_len);
    }
}
#define VECTOR(name, parameters, arguments)              \
    PRS_EXPORTED ssize_t __prosper_w_##name parameters;  \
    ssize_t __prosper_w_##name parameters                \
    {                                                    \
        mark_vector(vector, count > 0 ? (size_t)count : 0); \
        ssize_t result = name arguments;                 \
        mark_vector(vector, count > 0 ? (size_t)count : 0); \
        return result;                                   \
    }
VECTOR(readv, (int fd, const struct iovec *vector, int count), (fd, vector, count))
VECTOR(preadv, (int fd, const struct iovec *vector, int count, off_t offset), (fd, vector, count, offset))
VECTOR(preadv64, (int fd, const struct iovec *vector, int count, off64_t offset), (fd, vector, count, offset))

static void mark_message(const struct msghdr *message)
{
    __prosper_mark_range(message, sizeof *message);
    __prosper_mark_range(message->msg_name, message->msg_namelen);
    __prosper_mark_range(message->msg_control, message->msg_controllen);
    mark_vector(message->msg_iov, message->msg_iovlen);
}
PRS_EXPORTED ssize_t __prosper_w_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __prosper_w_recvmsg(int fd, struct msghdr *message, int flags)
{
    struct msghdr before = *message;
    mark_message(&before);
    ssize_t result = recvmsg(fd, message, flags);
    __prosper_mark_range(message, sizeof *message);
    mark_message(&before);
    return result;
}

PRS_EXPORTED ssize_t __prosper_w_recvfrom(int fd, void *to, size_t count, int flags, struct sockaddr *from, socklen_t *length);
ssize_t __prosper_w_recvfrom(int fd, void *to, size_t count, int flags, struct sockaddr *from, socklen_t *length)
{
    struct prs_window data, address, size;
    prs_window_open(&data, to, count);
    prs_window_open(&address, from, length != NULL ? *length : 0);
    prs_window_open(&size, length, sizeof *length);
    ssize_t result = recvfrom(fd, to, count, flags, from, length);
    prs_window_close(&size);
    prs_window_close(&address);
    prs_window_close(&data);
    return result;
}
#define ADDRESS(result, name, parameters, arguments) \
    PRS_WRITES_TWO(result, name, parameters, arguments, to, length != NULL ? *length : 0, length, sizeof *length)
ADDRESS(int, accept, (int fd, struct sockaddr *to, socklen_t *length), (fd, to, length))
ADDRESS(int, accept4, (int fd, struct sockaddr *to, socklen_t *length, int flags), (fd, to, length, flags))
ADDRESS(int, getsockname, (int fd, struct sockaddr *to, socklen_t *length), (fd, to, length))
ADDRESS(int, getpeername, (int fd, struct sockaddr *to, socklen_t *length), (fd, to, length))
ADDRESS(int, getsockopt, (int fd, int level, int option, void *to, socklen_t *length), (fd, level, option, to, length))
PRS_WRITES(int, pipe, (int to[2]), (to), to, 2 * sizeof(int))
PRS_WRITES(int, pipe2, (int to[2], int flags), (to, flags), to, 2 * sizeof(int))
PRS_WRITES(int, socketpair, (int domain, int type, int protocol, int to[2]), (domain, type, protocol, to), to, 2 * sizeof(int))
PRS_WRITES(int, poll, (struct pollfd *to, nfds_t count, int timeout), (to, count, timeout), to, count * sizeof *to)
PRS_WRITES(int, ppoll, (struct pollfd *to, nfds_t count, const struct timespec *timeout, const sigset_t *mask), (to, count, timeout, mask), to,
           count * sizeof *to)
PRS_WRITES(int, epoll_wait, (int fd, struct epoll_event *to, int count, int timeout), (fd, to, count, timeout), to,
           count > 0 ? (size_t)count * sizeof *to : 0)
PRS_WRITES(int, epoll_pwait, (int fd, struct epoll_event *to, int count, int timeout, const sigset_t *mask), (fd, to, count, timeout, mask), to,
           count > 0 ? (size_t)count * sizeof *to : 0)

#define SELECT(name, parameters, arguments, timeout_bytes)                \
    PRS_EXPORTED int __prosper_w_##name parameters;                       \
    int __prosper_w_##name parameters                                     \
    {                                                                     \
        size_t bytes = count > 0 ? ((size_t)count + 63) / 64 * 8 : 0;     \
        struct prs_window windows[4];                                     \
        prs_window_open(&windows[0], in, bytes);                          \
        prs_window_open(&windows[1], out, bytes);                         \
        prs_window_open(&windows[2], other, bytes);                       \
        prs_window_open(&windows[3], timeout, timeout_bytes);             \
        int result = name arguments;                                      \
        for (int i = 4; i-- > 0;) {                                       \
            prs_window_close(&windows[i]);                                \
        }                                                                 \
        return result;                                                    \
    }
SELECT(select, (int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *timeout), (count, in, out, other, timeout), sizeof *timeout)
SELECT(pselect, (int count, fd_set *in, fd_set *out, fd_set *other, const struct timespec *timeout, const sigset_t *mask),
       (count, in, out, other, timeout, mask), 0)

/* ---- files ---- */
ONE(int, stat, (const char *path, struct stat *to), (path, to), to)
ONE(int, lstat, (const char *path, struct stat *to), (path, to), to)
ONE(int, fstat, (int fd, struct stat *to), (fd, to), to)
ONE(int, fstatat, (int fd, const char *path, struct stat *to, int flags), (fd, path, to, flags), to)
ONE(int, stat64, (const char *path, struct stat64 *to), (path, to), to)
ONE(int, lstat64, (const char *path, struct stat64 *to), (path, to), to)
ONE(int, fstat64, (int fd, struct stat64 *to), (fd, to), to)
ONE(int, fstatat64, (int fd, const char *path, struct stat64 *to, int flags), (fd, path, to, flags), to)
ONE(int, statx, (int fd, const char *path, int flags, unsigned mask, struct statx *to), (fd, path, flags, mask, to), to)
ONE(int, statfs, (const char *path, struct statfs *to), (path, to), to)
ONE(int, fstatfs, (int fd, struct statfs *to), (fd, to), to)
ONE(int, statvfs, (const char *path, struct statvfs *to), (path, to), to)
ONE(int, fstatvfs, (int fd, struct statvfs *to), (fd, to), to)
PRS_WRITES(ssize_t, readlink, (const char *path, char *to, size_t count), (path, to, count), to, count)
PRS_WRITES(ssize_t, readlinkat, (int fd, const char *path, char *to, size_t count), (fd, path, to, count), to, count)
PRS_WRITES(char *, getcwd, (char *to, size_t count), (to, count), to, count)
PRS_WRITES(char *, realpath, (const char *path, char *to), (path, to), to, 4096)
PRS_WRITES(size_t, confstr, (int name, char *to, size_t count), (name, to, count), to, count)
PRS_WRITES(ssize_t, getdents64, (int fd, void *to, size_t count), (fd, to, count), to, count)
PRS_WRITES(int, mkstemp, (char *path), (path), path, strlen(path) + 1)
PRS_WRITES(int, mkstemp64, (char *path), (path), path, strlen(path) + 1)
PRS_WRITES(int, mkostemp, (char *path, int flags), (path, flags), path, strlen(path) + 1)
PRS_WRITES(char *, mkdtemp, (char *path), (path), path, strlen(path) + 1)

/* ---- time ---- */
ONE(time_t, time, (time_t *to), (to), to)
PRS_WRITES_TWO(int, gettimeofday, (struct timeval *to, void *zone), (to, zone), to, sizeof *to, zone, sizeof(struct timezone))
ONE(int, clock_gettime, (clockid_t clock, struct timespec *to), (clock, to), to)
ONE(int, clock_getres, (clockid_t clock, struct timespec *to), (clock, to), to)
ONE(int, timespec_get, (struct timespec *to, int base), (to, base), to)
ONE(int, nanosleep, (const struct timespec *time, struct timespec *to), (time, to), to)
ONE(int, clock_nanosleep, (clockid_t clock, int flags, const struct timespec *time, struct timespec *to), (clock, flags, time, to), to)
ONE(int, thrd_sleep, (const struct timespec *time, struct timespec *to), (time, to), to)
ONE(struct tm *, localtime_r, (const time_t *time, struct tm *to), (time, to), to)
ONE(struct tm *, gmtime_r, (const time_t *time, struct tm *to), (time, to), to)
PRS_WRITES(char *, asctime_r, (const struct tm *time, char *to), (time, to), to, 26)
PRS_WRITES(char *, ctime_r, (const time_t *time, char *to), (time, to), to, 26)
ONE(time_t, mktime, (struct tm *to), (to), to)
ONE(time_t, timegm, (struct tm *to), (to), to)
PRS_WRITES(size_t, strftime, (char *to, size_t count, const char *format, const struct tm *time), (to, count, format, time), to, count)
ONE(char *, strptime, (const char *text, const char *format, struct tm *to), (text, format, to), to)
ONE(int, getitimer, (__itimer_which_t which, struct itimerval *to), (which, to), to)
ONE(int, setitimer, (__itimer_which_t which, const struct itimerval *timer, struct itimerval *to), (which, timer, to), to)
ONE(clock_t, times, (struct tms *to), (to), to)

/* ---- processes and the system ---- */
ONE(pid_t, wait, (int *to), (to), to)
ONE(pid_t, waitpid, (pid_t pid, int *to, int options), (pid, to, options), to)
TWO(pid_t, wait4, (pid_t pid, int *to, int options, struct rusage *usage), (pid, to, options, usage), to, usage)
ONE(int, waitid, (idtype_t type, id_t id, siginfo_t *to, int options), (type, id, to, options), to)
ONE(int, getrlimit, (__rlimit_resource_t which, struct rlimit *to), (which, to), to)
ONE(int, getrlimit64, (__rlimit_resource_t which, struct rlimit64 *to), (which, to), to)
ONE(int, getrusage, (__rusage_who_t who, struct rusage *to), (who, to), to)
ONE(int, sysinfo, (struct sysinfo *to), (to), to)
ONE(int, uname, (struct utsname *to), (to), to)
PRS_WRITES(int, gethostname, (char *to, size_t count), (to, count), to, count)
PRS_WRITES(ssize_t, getrandom, (void *to, size_t count, unsigned flags), (to, count, flags), to, count)
PRS_WRITES(int, getentropy, (void *to, size_t count), (to, count), to, count)
PRS_WRITES(int, getloadavg, (double *to, int count), (to, count), to, count > 0 ? (size_t)count * sizeof *to : 0)
ONE(int, sigaction, (int number, const struct sigaction *action, struct sigaction *to), (number, action, to), to)
ONE(int, sigprocmask, (int how, const sigset_t *set, sigset_t *to), (how, set, to), to)
ONE(int, pthread_sigmask, (int how, const sigset_t *set, sigset_t *to), (how, set, to), to)
ONE(int, sigpending, (sigset_t *to), (to), to)
ONE(int, sigemptyset, (sigset_t *to), (to), to)
ONE(int, sigfillset, (sigset_t *to), (to), to)
ONE(int, sigaddset, (sigset_t *to, int number), (to, number), to)
ONE(int, sigdelset, (sigset_t *to, int number), (to, number), to)
ONE(int, sigaltstack, (const stack_t *stack, stack_t *to), (stack, to), to)
ONE(int, sigwait, (const sigset_t *set, int *to), (set, to), to)
ONE(int, sigwaitinfo, (const sigset_t *set, siginfo_t *to), (set, to), to)
ONE(int, sigtimedwait, (const sigset_t *set, siginfo_t *to, const struct timespec *timeout), (set, to, timeout), to)
PRS_WRITES(int, sched_getaffinity, (pid_t pid, size_t count, cpu_set_t *to), (pid, count, to), to, count)
ONE(int, regcomp, (regex_t *to, const char *pattern, int flags), (to, pattern, flags), to)
PRS_WRITES_TWO(int, regexec, (const regex_t *expression, const char *text, size_t count, regmatch_t *to, int flags),
               (expression, text, count, to, flags), to, count * sizeof *to, expression, sizeof *expression)
PRS_WRITES(size_t, regerror, (int code, const regex_t *expression, char *to, size_t count), (code, expression, to, count), to, count)
ONE(int, tcgetattr, (int fd, struct termios *to), (fd, to), to)
PRS_WRITES(int, inet_pton, (int family, const char *text, void *to), (family, text, to), to, 16)
PRS_WRITES(const char *, inet_ntop, (int family, const void *address, char *to, socklen_t count), (family, address, to, count), to, count)

/* ---- locks ---- */
ONE(int, pthread_mutex_init, (pthread_mutex_t *to, const pthread_mutexattr_t *with), (to, with), to)
ONE(int, pthread_mutex_destroy, (pthread_mutex_t *to), (to), to)
ONE(int, pthread_mutex_lock, (pthread_mutex_t *to), (to), to)
ONE(int, pthread_mutex_trylock, (pthread_mutex_t *to), (to), to)
ONE(int, pthread_mutex_unlock, (pthread_mutex_t *to), (to), to)
ONE(int, pthread_mutexattr_init, (pthread_mutexattr_t *to), (to), to)
ONE(int, pthread_mutexattr_settype, (pthread_mutexattr_t *to, int type), (to, type), to)
ONE(int, pthread_cond_init, (pthread_cond_t *to, const pthread_condattr_t *with), (to, with), to)
ONE(int, pthread_cond_destroy, (pthread_cond_t *to), (to), to)
ONE(int, pthread_cond_signal, (pthread_cond_t *to), (to), to)
ONE(int, pthread_cond_broadcast, (pthread_cond_t *to), (to), to)
ONE(int, pthread_rwlock_init, (pthread_rwlock_t *to, const pthread_rwlockattr_t *with), (to, with), to)
ONE(int, pthread_rwlock_rdlock, (pthread_rwlock_t *to), (to), to)
ONE(int, pthread_rwlock_wrlock, (pthread_rwlock_t *to), (to), to)
ONE(int, pthread_rwlock_unlock, (pthread_rwlock_t *to), (to), to)
ONE(int, pthread_key_create, (pthread_key_t *to, void (*destroy)(void *)), (to, destroy), to)
ONE(int, pthread_attr_init, (pthread_attr_t *to), (to), to)
ONE(int, pthread_attr_destroy, (pthread_attr_t *to), (to), to)
ONE(int, pthread_attr_setdetachstate, (pthread_attr_t *to, int state), (to, state), to)
ONE(int, pthread_attr_setstacksize, (pthread_attr_t *to, size_t bytes), (to, bytes), to)
ONE(int, pthread_mutexattr_destroy, (pthread_mutexattr_t *to), (to), to)
TWO(int, pthread_cond_wait, (pthread_cond_t *to, pthread_mutex_t *mutex), (to, mutex), to, mutex)
TWO(int, pthread_cond_timedwait, (pthread_cond_t *to, pthread_mutex_t *mutex, const struct timespec *until), (to, mutex, until), to, mutex)
ONE(int, pthread_rwlock_destroy, (pthread_rwlock_t *to), (to), to)
typedef void *(*thread_function)(void *);
ONE(int, pthread_create, (pthread_t *to, const pthread_attr_t *with, thread_function function, void *argument), (to, with, function, argument), to)
ONE(int, pthread_join, (pthread_t thread, void **to), (thread, to), to)
ONE(int, sem_destroy, (sem_t *to), (to), to)
ONE(int, sem_init, (sem_t *to, int shared, unsigned initial), (to, shared, initial), to)
ONE(int, sem_post, (sem_t *to), (to), to)
ONE(int, sem_wait, (sem_t *to), (to), to)
ONE(int, sem_trywait, (sem_t *to), (to), to)
TWO(int, sem_getvalue, (sem_t *from, int *to), (from, to), to, from)
