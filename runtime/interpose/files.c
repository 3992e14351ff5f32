/* files.c - bytes of files that are cut off or overwritten (files.h, L4), and transfers between files.
 *
 * Writing at the end of a file needs nothing. Context: normal.
 */
#include "files.h"
#include "transfer.h"
#include <sys/sendfile.h>
#include <unistd.h>

/* ---- lengths ---- */

struct prs_shortening prs_shortening;

void prs_change_begin_shortening(struct prs_change *change, const struct stat *status, off_t length)
{
    prs_run_restore_callbacks(); /* before it is announced: they may change files, too */
    prs_apart_begin(&change->apart);
    prs_shortening = (struct prs_shortening){status->st_dev, status->st_ino, length > 0 ? (uint64_t)length : 0};
    prs_change_take(change);
}

static long shortened(const struct stat *status, off_t length, long number, long file)
{
    struct prs_change change;
    prs_change_begin_shortening(&change, status, length);
    long result = prs_sys(number, file, length);
    prs_change_end(&change);
    return prs_errno(result);
}

PRS_EXPORT int ftruncate(int fd, off_t length)
{
    struct stat status;
    if (prs_active() && prs_sys(SYS_fstat, fd, &status) == 0 && length < status.st_size && prs_owner()) {
        return (int)shortened(&status, length, SYS_ftruncate, fd);
    }
    return (int)prs_errno(prs_sys(SYS_ftruncate, fd, length));
}
PRS_ALIAS(ftruncate) int ftruncate64(int fd, off64_t length);

/* Longer as well: nothing cuts back a file that is not open. */
PRS_EXPORT int truncate(const char *path, off_t length)
{
    if (prs_owning()) {
        struct prs_seen seen = prs_look(AT_FDCWD, path, 0);
        if (seen.exists) {
            return (int)shortened(&seen.status, length, SYS_truncate, (long)path);
        }
    }
    return (int)prs_errno(prs_sys(SYS_truncate, path, length));
}
PRS_ALIAS(truncate) int truncate64(const char *path, off64_t length);

/* Some file systems give fallocate up at any signal. */
PRS_EXPORT int fallocate(int fd, int mode, off_t at, off_t length)
{
    if (!prs_active()) {
        return NEXT(fallocate)(fd, mode, at, length);
    }
    if (mode != 0 && prs_owner()) {
        if ((mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) != 0) {
            return (int)prs_errno(-EOPNOTSUPP); /* done twice it would move the rest twice, and a restore cannot tell; some file systems have none either */
        }
        prs_checkpoint_first();
    }
    struct prs_token token = prs_token_take();
    long result;
    do {
        result = prs_sys(SYS_fallocate, fd, mode, at, length);
    } while (result == -EINTR && prs_only_us(token));
    return (int)prs_errno(result);
}
PRS_ALIAS(fallocate) int fallocate64(int fd, int mode, off64_t at, off64_t length);

PRS_EXPORT int posix_fallocate(int fd, off_t at, off_t length)
{
    struct prs_token token = prs_token_take();
    int result;
    do {
        result = NEXT(posix_fallocate)(fd, at, length);
    } while (result == EINTR && prs_only_us(token));
    return result;
}
PRS_ALIAS(posix_fallocate) int posix_fallocate64(int fd, off64_t at, off64_t length);

/* ---- writing ---- */

/* Would `size` bytes at the present offset (at < 0), or at `at`, overwrite something? */
static bool overwrites(int fd, off_t at, size_t size)
{
    struct stat status;
    if (size == 0 || prs_sys(SYS_fstat, fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        return false;
    }
    if (at < 0) {
        at = (off_t)prs_sys(SYS_lseek, fd, 0, SEEK_CUR);
    }
    return at < status.st_size && (prs_sys(SYS_fcntl, fd, F_GETFL, 0) & O_APPEND) == 0;
}

static void before_writing(int fd, off_t at, size_t size)
{
    prs_run_restore_callbacks();
    if (overwrites(fd, at, size) && prs_owner()) {
        prs_checkpoint_quietly();
    }
}

PRS_EXPORT ssize_t write(int fd, const void *buffer, size_t size)
{
    if (!prs_active()) {
        return NEXT(write)(fd, buffer, size);
    }
    before_writing(fd, -1, size);
    return prs_errno(prs_transfer_write(fd, buffer, size));
}

PRS_EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!prs_active()) {
        return NEXT(writev)(fd, parts, count);
    }
    before_writing(fd, -1, 1);
    return prs_errno(prs_transfer_writev(fd, parts, count));
}

PRS_EXPORT ssize_t pwrite(int fd, const void *buffer, size_t size, off_t at)
{
    if (prs_active()) {
        before_writing(fd, at, size);
    }
    return NEXT(pwrite)(fd, buffer, size, at);
}
PRS_ALIAS(pwrite) ssize_t pwrite64(int fd, const void *buffer, size_t size, off64_t at);

PRS_EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    if (prs_active()) {
        before_writing(fd, at, 1);
    }
    return NEXT(pwritev)(fd, parts, count, at);
}
PRS_ALIAS(pwritev) ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at);

PRS_EXPORT ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
    if (prs_active()) {
        before_writing(fd, at, 1);
    }
    return NEXT(pwritev2)(fd, parts, count, at, flags);
}
PRS_ALIAS(pwritev2) ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t at, int flags);

/* ---- between descriptors: any signal ends these early too ---- */

static bool cut_by_us(long count, size_t left, struct prs_token *token)
{
    if (!(count == -EINTR || (count > 0 && left > 0)) || !prs_only_us(*token)) {
        return false;
    }
    token->interruptions = prs_w.interruptions;
    return true;
}

PRS_EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
    if (!prs_active()) {
        return NEXT(sendfile)(to, from, offset, size);
    }
    before_writing(to, -1, size);
    struct prs_token token = prs_token_take();
    size_t left = size;
    for (;;) {
        long count = prs_sys(SYS_sendfile, to, from, offset, left);
        left -= count > 0 ? (size_t)count : 0;
        if (!cut_by_us(count, left, &token) || !prs_transfer_blocking(to)) {
            return left < size ? (ssize_t)(size - left) : prs_errno(count);
        }
    }
}
PRS_ALIAS(sendfile) ssize_t sendfile64(int to, int from, off64_t *offset, size_t size);

PRS_EXPORT ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags)
{
    if (!prs_active()) {
        return NEXT(copy_file_range)(from, from_at, to, to_at, size, flags);
    }
    before_writing(to, to_at != NULL ? *to_at : -1, size);
    struct prs_token token = prs_token_take();
    size_t left = size;
    for (;;) {
        long count = prs_sys(SYS_copy_file_range, from, from_at, to, to_at, left, flags);
        left -= count > 0 ? (size_t)count : 0;
        if (!cut_by_us(count, left, &token)) {
            return left < size ? (ssize_t)(size - left) : prs_errno(count);
        }
    }
}
