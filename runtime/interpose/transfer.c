/* transfer.c - a blocking write of a megabyte to a pipe takes a while; the kernel cuts it short when a handler runs, and few programs look at the count.
 *
 * Interrupted by our signal alone it goes on with the rest (blocking.c, B1). What is left is on this stack, so a restore in the middle goes on with it too.
 * Reading needs no such care (short reads are normal), only a note that input was consumed. And asynchronous transfers, which would write into memory behind the back
 * of page tracking, are named and end persistence. Context: normal.
 */
#include "transfer.h"
#include "interpose.h"
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

static bool blocking(int fd) { return (prs_sys(SYS_fcntl, fd, F_GETFL, 0) & O_NONBLOCK) == 0; }

long prs_transfer_write(int fd, const void *buffer, size_t size)
{
    const char *at = buffer;
    size_t left = size;
    for (;;) {
        struct prs_token token = prs_token_take();
        long count = prs_sys(SYS_write, fd, at, left);
        if (count > 0) {
            at += count, left -= (size_t)count;
        }
        bool cut = count == -EINTR || (count > 0 && left > 0);
        if (!cut || !prs_only_us(token) || !blocking(fd)) {
            return left < size ? (long)(size - left) : count;
        }
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
        if (!blocking(fd)) {
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

PRS_EXPORT ssize_t read(int fd, void *buffer, size_t size)
{
    if (!prs_active()) {
        return NEXT(read)(fd, buffer, size);
    }
    return noted(fd, prs_sys(SYS_read, fd, buffer, size));
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

PRS_EXPORT ssize_t send(int fd, const void *buffer, size_t size, int flags)
{
    size_t sent = 0;
    for (;;) {
        struct prs_token token = prs_token_take();
        ssize_t count = NEXT(send)(fd, (const char *)buffer + sent, size - sent, flags);
        if (count > 0) {
            sent += (size_t)count;
        }
        bool cut = (count < 0 && errno == EINTR) || (count > 0 && sent < size);
        if (!cut || !prs_only_us(token) || (flags & MSG_DONTWAIT) != 0 || !blocking(fd)) {
            return sent > 0 ? (ssize_t)sent : count;
        }
    }
}

/* io_uring and libaio have no wrappers in libc: programs come through syscall(). */
PRS_EXPORT long syscall(long number, ...)
{
    va_list list;
    va_start(list, number);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
    long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
    va_end(list);
    if (PRS_UNLIKELY(prs_active())) {
        if (number == SYS_io_uring_setup) {
            prs_stop_persisting("io_uring");
        } else if (number == SYS_io_setup) {
            prs_stop_persisting("asynchronous I/O (io_setup)");
        }
    }
    return prs_errno(prs_sys6(number, a, b, c, d, e, f));
}
