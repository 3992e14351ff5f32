/* transfer.c - a blocking write of a megabyte to a pipe takes a while; the kernel cuts it short when a handler runs, and few programs look at the count.
 *
 * Interrupted by our signal alone it goes on with the rest (blocking.c, B1). What is left is on this stack, so a restore in the middle goes on with it too.
 * Reading needs no such care (short reads are normal), only a note that input was consumed. And asynchronous transfers, which would write into memory behind the back
 * of page tracking, are named and end persistence. Context: normal.
 */
#include "transfer.h"
#include "interpose.h"
#include "../layout.h"
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

bool prs_transfer_blocking(int fd) { return (prs_sys(SYS_fcntl, fd, F_GETFL, 0) & O_NONBLOCK) == 0; }

long prs_transfer_write(int fd, const void *buffer, size_t size)
{
    const char *at = buffer;
    size_t left = size;
    struct prs_token token = prs_token_take();
    for (;;) {
        long count = prs_sys(SYS_write, fd, at, left);
        if (count > 0) {
            at += count, left -= (size_t)count;
        }
        bool cut = count == -EINTR || (count > 0 && left > 0);
        if (!cut || !prs_only_us(token) || !prs_transfer_blocking(fd)) {
            return left < size ? (long)(size - left) : count;
        }
        token.interruptions = prs_w.interruptions;
    }
}

long prs_transfer_writev(int fd, const struct iovec *parts, int count)
{
    struct prs_token token = prs_token_take();
    long written = prs_sys(SYS_writev, fd, parts, count);
    if (written < 0 || !prs_only_us(token)) {
        return written;
    }
    long total = written;
    for (int i = 0; i < count; ++i) {
        size_t length = parts[i].iov_len;
        if ((size_t)written >= length) {
            written -= (long)length;
            continue;
        }
        size_t rest = length - (size_t)written;
        if (!prs_transfer_blocking(fd)) {
            return total;
        }
        long more = prs_transfer_write(fd, (const char *)parts[i].iov_base + written, rest);
        written = 0;
        if (more < 0) {
            return total;
        }
        total += more;
        if ((size_t)more < rest) {
            return total;
        }
    }
    return total;
}

static ssize_t noted(int fd, long result)
{
    if (result > 0 && prs_active()) {
        prs_stdin_note_read(fd);
    }
    return prs_errno(result);
}

static bool is_memory_device(int fd) /* /dev/zero, /dev/urandom ...: never short but for a signal */
{
    struct stat status;
    return prs_sys(SYS_fstat, fd, &status) == 0 && S_ISCHR(status.st_mode) && major(status.st_rdev) == 1;
}

PRS_EXPORT ssize_t read(int fd, void *buffer, size_t size)
{
    if (!prs_active()) {
        return NEXT(read)(fd, buffer, size);
    }
    struct prs_token token = prs_token_take();
    long count = prs_sys(SYS_read, fd, buffer, size);
    if (PRS_UNLIKELY(count > 0 && (size_t)count < size && prs_only_us(token)) && is_memory_device(fd)) {
        for (long more = 1; more > 0 && (size_t)count < size && prs_only_us(token);) {
            more = prs_sys(SYS_read, fd, (char *)buffer + count, size - (size_t)count);
            count += more > 0 ? more : 0;
        }
    }
    return noted(fd, count);
}

PRS_EXPORT ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    if (!prs_active()) {
        return NEXT(getrandom)(buffer, size, flags);
    }
    struct prs_token token = prs_token_take();
    long count = prs_sys(SYS_getrandom, buffer, size, flags);
    for (long more = 1; more > 0 && count > 0 && (size_t)count < size && prs_only_us(token);) {
        more = prs_sys(SYS_getrandom, (char *)buffer + count, size - (size_t)count, flags);
        count += more > 0 ? more : 0;
    }
    return prs_errno(count);
}

ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room); /* what -D_FORTIFY_SOURCE calls */
PRS_EXPORT ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room)
{
    if (room < size) {
        __builtin_trap();
    }
    return read(fd, buffer, size);
}

PRS_EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
    return prs_active() ? noted(fd, prs_sys(SYS_readv, fd, parts, count)) : NEXT(readv)(fd, parts, count);
}

/* io_uring and libaio have no wrappers in libc: programs come through syscall(). So do some that fork. */
static void after_system_call(long number, long a, long result)
{
    switch (number) { /* what the wrapper of the same name would have said */
    case SYS_rt_sigaction:
        prs_w.changed |= PRS_CHANGED_SIGNALS;
        break;
    case SYS_setitimer: case SYS_alarm:
        prs_w.changed |= PRS_CHANGED_TIMERS;
        break;
    case SYS_prlimit64: case SYS_setrlimit:
        prs_w.changed |= PRS_CHANGED_LIMITS;
        break;
    case SYS_flock:
        prs_w.changed |= PRS_CHANGED_LOCKS;
        break;
    case SYS_fcntl:
        prs_w.changed |= PRS_CHANGED_DESCRIPTORS | PRS_CHANGED_LOCKS;
        break;
    case SYS_ioctl: case SYS_dup: case SYS_dup2: case SYS_dup3: case SYS_rename: case SYS_renameat: case SYS_renameat2:
        prs_w.changed |= PRS_CHANGED_DESCRIPTORS;
        break;
    case SYS_mmap: case SYS_munmap: case SYS_mremap: case SYS_mprotect: case SYS_madvise:
        prs_w.changed |= PRS_CHANGED_MAPPINGS;
        break;
    default:
        break;
    }
    if (result == 0 && (number == SYS_fork || number == SYS_clone || number == SYS_clone3)) {
        unsigned long flags = number == SYS_fork ? 0 : number == SYS_clone ? (unsigned long)a : *(const unsigned long *)a;
        if ((flags & CLONE_VM) == 0) {
            prs_child();
        }
    }
}

/* A call that writes, if anything, where one of its arguments points. */
static bool writes_by_argument(long number)
{
    switch (number) {
    case SYS_getpid: case SYS_gettid: case SYS_getppid: case SYS_getuid: case SYS_geteuid: case SYS_getgid: case SYS_getegid: case SYS_kill: case SYS_tkill: case SYS_tgkill:
    case SYS_sched_yield: case SYS_write: case SYS_pwrite64: case SYS_futex: case SYS_mbind: case SYS_getcpu: case SYS_getrandom: case SYS_read: case SYS_pread64:
    case SYS_clock_gettime: case SYS_gettimeofday: case SYS_time: case SYS_lseek: case SYS_close: case SYS_open: case SYS_openat: case SYS_fsync: case SYS_fdatasync:
    case SYS_dup: case SYS_dup2: case SYS_dup3: case SYS_membarrier: case SYS_sched_getaffinity:
        return true;
    default:
        return false;
    }
}

/* May it change memory that marks are relied upon for? */
static bool may_change(long number, const long arguments[6])
{
    bool harmless = writes_by_argument(number);
    for (unsigned i = 0; i < 6 && harmless; ++i) {
        harmless = (unsigned long)arguments[i] < PRS_MARKED_BASE || (unsigned long)arguments[i] >= PRS_MARKED_END;
    }
    return !harmless;
}

/* What persistence ends with, if the call succeeds; NULL: nothing. alone: it concerns all tasks (hold.h). */
static const char *ending_call(long number, bool *alone)
{
    *alone = false;
    switch (number) {
    case SYS_io_uring_setup: return "io_uring";
    case SYS_io_setup: return "asynchronous I/O (io_setup)";
    case SYS_chroot: case SYS_pivot_root:
        *alone = true;
        return "a root directory of its own";
    case SYS_unshare: case SYS_setns:
        *alone = true;
        return "namespaces of its own";
    default: return NULL;
    }
}

PRS_EXPORT long syscall(long number, ...)
{
    va_list list;
    va_start(list, number);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
    long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
    va_end(list);
    bool active = prs_active();
    if (PRS_UNLIKELY(number == SYS_seccomp)) {
        prs_before_filter(); /* confine.c */
    }
    if (PRS_UNLIKELY(number == SYS_exit_group) || (PRS_UNLIKELY(active) && number == SYS_exit)) {
        prs_finish();
    }
    bool changes = PRS_UNLIKELY(active) && may_change(number, (const long[6]){a, b, c, d, e, f});
    if (changes) {
        prs_writes_anywhere();
    }
    bool alone;
    const char *ends = ending_call(number, &alone);
    struct prs_ending ending = {.begun = false};
    if (PRS_UNLIKELY(ends != NULL)) {
        ending = prs_ending_begin(alone);
    }
    long result = prs_sys6(number, a, b, c, d, e, f);
    prs_ending_end(&ending, result >= 0, ends);
    if (PRS_UNLIKELY(active)) {
        after_system_call(number, a, result);
    }
    if (changes) {
        prs_wrote_anywhere();
    }
    return prs_errno(result);
}
