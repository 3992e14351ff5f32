/* descriptors.c - our descriptors stay ours, and input that was consumed is remembered.
 *
 * INVARIANT D1: no call of the program's closes, replaces or duplicates a descriptor of the runtime's: they do not exist for it (EBADF, skipped in
 *               ranges). Raw system calls can; the checkpoint then fails with an error and says so.
 * Context: normal; prs_stdin_consumed in the handler.
 */
#include "interpose.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- which of the first process's descriptors is it? (fdtable.c, F3) ---- */

#define ORIGINS_MAX 1024
enum { ITSELF = 0, NONE = -1 }; /* else: the number + 1 */
static short origins[ORIGINS_MAX]; /* in the image */

int prs_origin_of(int fd)
{
    if (fd < 0 || fd >= ORIGINS_MAX) {
        return -1;
    }
    return origins[fd] == ITSELF ? fd : origins[fd] == NONE ? -1 : origins[fd] - 1;
}

/* What stands at `from` (-1: nothing of the first process's) will stand at fd. Before the call that does it: in between, the old description is taken for another one of
 * the same file, at worst. */
static void moved(int fd, int from)
{
    if (fd < 0 || fd >= ORIGINS_MAX || !prs_active()) {
        return;
    }
    int origin = prs_origin_of(from);
    short value = (short)(origin < 0 ? NONE : origin == fd ? ITSELF : origin + 1);
    if (origins[fd] != value && prs_owner()) { /* W3: a child of vfork has a table of its own in the kernel, and ours in memory */
        origins[fd] = value;
    }
}

void prs_descriptor_opened(int fd) { moved(fd, -1); }

/* ---- D1 ---- */

static int refused(void)
{
    errno = EBADF;
    return -1;
}

PRS_EXPORT int close(int fd)
{
    if (PRS_UNLIKELY(prs_descriptor_is_ours(fd))) {
        return refused();
    }
    moved(fd, -1);
    return prs_active() ? (int)prs_errno(prs_sys(SYS_close, fd)) : NEXT(close)(fd);
}

/* The checkpoint looks at every descriptor's flags again: while the call runs, and once after it. */
static long changing_flags(long number, long a, long b, long c)
{
    ++prs_w.descriptor_calls;
    long result = prs_sys(number, a, b, c);
    prs_w.changed |= PRS_CHANGED_DESCRIPTORS;
    --prs_w.descriptor_calls;
    return prs_errno(result);
}

/* The new number is known only afterwards; until then it counts as none of the first, which the kernel's comparison puts right (fdtable.c). */
static int duplicated(int from, long result)
{
    moved((int)result, from);
    return (int)result;
}

PRS_EXPORT int dup(int fd) { return prs_descriptor_is_ours(fd) ? refused() : duplicated(fd, changing_flags(SYS_dup, fd, 0, 0)); }

static int placed(int to, int from, long number, int flags)
{
    short before = to >= 0 && to < ORIGINS_MAX ? origins[to] : NONE;
    moved(to, from);
    long result = changing_flags(number, from, to, flags);
    if (result < 0 && to >= 0 && to < ORIGINS_MAX && prs_owning()) {
        origins[to] = before;
    }
    return (int)result;
}

PRS_EXPORT int dup2(int from, int to)
{
    if (prs_descriptor_is_ours(from) || prs_descriptor_is_ours(to)) {
        return refused();
    }
    return placed(to, from, SYS_dup2, 0);
}

PRS_EXPORT int dup3(int from, int to, int flags)
{
    if (prs_descriptor_is_ours(from) || prs_descriptor_is_ours(to)) {
        return refused();
    }
    return placed(to, from, SYS_dup3, flags);
}

/* The range with a hole where ours are. In a child of vfork too: closing them there would be harmless, but skipping them is as well. */
PRS_EXPORT int close_range(unsigned first, unsigned last, int flags)
{
    if (!prs_descriptors_guarded()) {
        return (int)prs_errno(prs_sys(SYS_close_range, first, last, flags));
    }
    for (unsigned fd = first; fd <= last && fd < ORIGINS_MAX && (flags & (int)CLOSE_RANGE_CLOEXEC) == 0; ++fd) {
        moved((int)fd, -1);
    }
    unsigned at = first;
    while (at <= last) {
        while (at <= last && prs_descriptor_is_ours((int)at)) {
            ++at;
        }
        unsigned stop = at;
        while (stop <= last && stop < 65536 && !prs_descriptor_is_ours((int)stop)) {
            ++stop;
        }
        if (stop >= 65536 || stop > last) {
            stop = last;
            if (at <= last) {
                return (int)prs_errno(prs_sys(SYS_close_range, at, stop, flags));
            }
            return 0;
        }
        long result = at < stop ? prs_sys(SYS_close_range, at, stop - 1, flags) : 0;
        if (result < 0) {
            return (int)prs_errno(result);
        }
        at = stop;
    }
    return 0;
}

PRS_EXPORT void closefrom(int first)
{
    if (close_range(first < 0 ? 0u : (unsigned)first, ~0u, 0) != 0) {
        NEXT(closefrom)(first); /* a kernel without close_range: libc reads /proc */
    }
}

/* ---- locks (locks.h): a checkpoint reads them while one is being taken, and once after it ---- */

#define locking(call)                          \
    ({                                         \
        ++prs_w.lock_calls;                    \
        long locking_result = prs_errno(call); \
        prs_w.changed |= PRS_CHANGED_LOCKS;    \
        --prs_w.lock_calls;                    \
        locking_result;                        \
    })

PRS_EXPORT int flock(int fd, int operation) { return (int)locking(prs_sys(SYS_flock, fd, operation)); }

PRS_EXPORT int lockf(int fd, int command, off_t length)
{
    ++prs_w.lock_calls;
    int result = NEXT(lockf)(fd, command, length);
    prs_w.changed |= PRS_CHANGED_LOCKS;
    --prs_w.lock_calls;
    return result;
}
PRS_ALIAS(lockf) int lockf64(int fd, int command, off64_t length);

PRS_EXPORT int fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    long argument = va_arg(list, long);
    va_end(list);
    if (PRS_UNLIKELY(prs_descriptor_is_ours(fd))) {
        return refused();
    }
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        return duplicated(fd, changing_flags(SYS_fcntl, fd, command, argument));
    }
    if (command == F_SETFL || command == F_SETFD) {
        return (int)changing_flags(SYS_fcntl, fd, command, argument);
    }
    bool locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_SETLEASE;
    if (!prs_active()) {
        return NEXT(fcntl)(fd, command, argument);
    }
    return locks ? (int)locking(prs_sys(SYS_fcntl, fd, command, argument)) : (int)prs_errno(prs_sys(SYS_fcntl, fd, command, argument));
}
PRS_ALIAS(fcntl) int fcntl64(int fd, int command, ...);

PRS_EXPORT int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    long argument = va_arg(list, long);
    va_end(list);
    if (request == FIONBIO || request == FIOASYNC || request == FIOCLEX || request == FIONCLEX) {
        return prs_descriptor_is_ours(fd) ? refused() : (int)changing_flags(SYS_ioctl, fd, (long)request, argument);
    }
    return prs_active() ? (int)prs_errno(prs_sys(SYS_ioctl, fd, request, argument)) : NEXT(ioctl)(fd, request, argument);
}

/* ---- input that cannot come again ---- */

static struct {
    bool asked, watched;     /* descriptor 0 is a pipe or socket */
    uint64_t device, inode;
    struct timespec read_at; /* of the pipe when first seen: the kernel sets it at each read */
    bool consumed;
} input;                     /* in the image: what was consumed stays consumed, the watch of a new process begins anew with its generation */
static uint64_t watched_since; /* prs_w.restores when `input` was filled */

static bool raw_stat(int fd, struct stat *status) { return prs_sys(SYS_fstat, fd, status) == 0; }

static void watch(void)
{
    struct stat status;
    input.asked = true;
    watched_since = prs_w.restores;
    input.watched = raw_stat(0, &status) && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
    if (input.watched) {
        input.device = status.st_dev;
        input.inode = status.st_ino;
        input.read_at = status.st_atim;
    }
}

void prs_stdin_note_read(int fd)
{
    struct stat status;
    if (!input.asked || watched_since != prs_w.restores) {
        watch();
    }
    if (input.watched && !input.consumed && raw_stat(fd, &status) && status.st_dev == input.device && status.st_ino == input.inode) {
        input.consumed = true;
    }
}

bool prs_stdin_consumed(void)
{
    struct stat status;
    if (!input.asked || watched_since != prs_w.restores) {
        watch();
        if (stdin->_IO_read_base != NULL && input.watched) {
            input.consumed = true;
        }
    }
    if (input.consumed || !input.watched) {
        return input.consumed;
    }
    /* libc's own reads pass no wrapper: its buffer for stdin exists, or the pipe's time of last access has moved. */
    if (stdin->_IO_read_base != NULL ||
        (raw_stat(0, &status) && status.st_ino == input.inode && S_ISFIFO(status.st_mode) &&
         (status.st_atim.tv_sec != input.read_at.tv_sec || status.st_atim.tv_nsec != input.read_at.tv_nsec))) {
        input.consumed = true;
    }
    return input.consumed;
}
