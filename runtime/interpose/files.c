/* files.c - changes of the file system that a resumed program makes a second time.
 *
 * What the program did to files after its last checkpoint is done again after a crash. Appending is harmless (open files are cut back); the rest is made
 * repeatable by one rule:
 *
 *   L1  A checkpoint is taken before each operation that is not idempotent against the state it leaves, so at most one such operation is
 *       ever done twice, and it is the first thing a resumed program does.
 *   L2  When this return of the checkpoint is a resumption and the operation fails because it was already done, it has succeeded. What "already
 *       done" means is decided by what was seen before the checkpoint (on this stack, so in the image).
 *   L3  After a file was opened for writing a checkpoint is taken: from then on a restore knows its length and cuts it back.
 *
 * Writes that overwrite existing bytes (write, pwrite ... below the end of the file) are operations of L1 too: a program that reads, adds and writes back would add
 * twice. stdio's own writes pass no wrapper; a FILE that is opened for update of an existing file is named once.
 * Context: normal. A child of vfork is not the owner, and does the plain thing (W3).
 */
#include "interpose.h"
#include "transfer.h"
#include "../log.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stood under a name before an operation. */
struct seen {
    bool exists;
    struct stat status;
};

static struct seen look(int directory, const char *path)
{
    struct seen seen;
    seen.exists = prs_sys(SYS_newfstatat, directory, path, &seen.status, AT_SYMLINK_NOFOLLOW) == 0;
    return seen;
}

static bool same_file(const struct stat *a, const struct stat *b) { return a->st_dev == b->st_dev && a->st_ino == b->st_ino; }

/* L1. True when this return is a resumption. */
static bool checkpoint_first(void)
{
    prs_run_restore_callbacks();
    return prs_checkpoint_quietly() != 0;
}

/* ---- names ---- */

PRS_EXPORT int unlinkat(int directory, const char *path, int flags)
{
    if (!prs_owning()) {
        return (int)prs_errno(prs_sys(SYS_unlinkat, directory, path, flags));
    }
    struct seen before = look(directory, path);
    bool again = before.exists && checkpoint_first();
    long result = prs_sys(SYS_unlinkat, directory, path, flags);
    return (int)prs_errno(result == -ENOENT && again ? 0 : result);
}

PRS_EXPORT int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
PRS_EXPORT int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

PRS_EXPORT int remove(const char *path)
{
    int saved = errno;
    if (unlink(path) == 0) {
        return 0;
    }
    if (errno != EISDIR) {
        return -1;
    }
    errno = saved;
    return rmdir(path);
}

PRS_EXPORT int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    if (!prs_owning()) {
        return (int)prs_errno(prs_sys(SYS_renameat2, from_directory, from, to_directory, to, flags));
    }
    struct seen before = look(from_directory, from);
    bool again = before.exists && checkpoint_first();
    if (again) {
        /* Done when the file stands under its new name and the old name is free, or (RENAME_EXCHANGE) has another file. */
        struct seen source = look(from_directory, from), target = look(to_directory, to);
        if (target.exists && same_file(&target.status, &before.status) && (!source.exists || !same_file(&source.status, &before.status))) {
            return 0;
        }
    }
    return (int)prs_errno(prs_sys(SYS_renameat2, from_directory, from, to_directory, to, flags));
}

PRS_EXPORT int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return renameat2(from_directory, from, to_directory, to, 0);
}
PRS_EXPORT int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

/* Operations that create a name and fail with EEXIST: done if the name was free before the checkpoint. */
#define CREATES(directory, path, call)                                               \
    if (!prs_owning()) {                                                             \
        return (int)prs_errno(call);                                                 \
    }                                                                                \
    struct seen before = look(directory, path);                                      \
    bool again = !before.exists && checkpoint_first();                               \
    long result = call;                                                              \
    return (int)prs_errno(result == -EEXIST && again ? 0 : result)

PRS_EXPORT int mkdirat(int directory, const char *path, mode_t mode)
{
    CREATES(directory, path, prs_sys(SYS_mkdirat, directory, path, mode));
}
PRS_EXPORT int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

PRS_EXPORT int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags)
{
    CREATES(to_directory, to, prs_sys(SYS_linkat, from_directory, from, to_directory, to, flags));
}
PRS_EXPORT int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

PRS_EXPORT int symlinkat(const char *target, int directory, const char *path)
{
    CREATES(directory, path, prs_sys(SYS_symlinkat, target, directory, path));
}
PRS_EXPORT int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

PRS_EXPORT int mknodat(int directory, const char *path, mode_t mode, dev_t device)
{
    CREATES(directory, path, prs_sys(SYS_mknodat, directory, path, mode, device));
}
PRS_EXPORT int mknod(const char *path, mode_t mode, dev_t device) { return mknodat(AT_FDCWD, path, mode, device); }
PRS_EXPORT int mkfifo(const char *path, mode_t mode) { return mknodat(AT_FDCWD, path, (mode & 07777) | S_IFIFO, 0); }

/* ---- lengths: what is cut off is gone, so the program must not have read it since the last checkpoint ---- */

PRS_EXPORT int ftruncate(int fd, off_t length)
{
    if (prs_owning()) {
        checkpoint_first();
    }
    return (int)prs_errno(prs_sys(SYS_ftruncate, fd, length));
}
PRS_ALIAS(ftruncate) int ftruncate64(int fd, off64_t length);

PRS_EXPORT int truncate(const char *path, off_t length)
{
    if (prs_owning()) {
        checkpoint_first();
    }
    return (int)prs_errno(prs_sys(SYS_truncate, path, length));
}
PRS_ALIAS(truncate) int truncate64(const char *path, off64_t length);

/* ---- opening ---- */

static bool is_regular(int fd)
{
    struct stat status;
    return prs_sys(SYS_fstat, fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* L3 */
static void opened(int fd)
{
    if (fd >= 0 && is_regular(fd)) {
        prs_checkpoint_quietly();
    }
}

static long open_for_writing(int directory, const char *path, int flags, mode_t mode)
{
    struct seen before = look(directory, path);
    bool destroys = before.exists && (flags & O_TRUNC) != 0 && (S_ISLNK(before.status.st_mode) || before.status.st_size != 0);
    bool creates = !before.exists && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    if (destroys || creates) {
        bool again = checkpoint_first();
        if (again && creates && look(directory, path).exists) {
            flags = (flags & ~O_EXCL) | O_TRUNC; /* L2: it is the file that this very call had made */
        }
    }
    long fd = prs_sys(SYS_openat, directory, path, flags, mode);
    opened((int)fd);
    return fd;
}

PRS_EXPORT int openat(int directory, const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
    va_end(list);
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_TRUNC | O_CREAT)) != 0;
    if (!writes || (flags & O_TMPFILE) == O_TMPFILE || !prs_owning()) {
        return (int)prs_errno(prs_sys(SYS_openat, directory, path, flags, mode));
    }
    return (int)prs_errno(open_for_writing(directory, path, flags, mode));
}
PRS_ALIAS(openat) int openat64(int directory, const char *path, int flags, ...);

PRS_EXPORT int open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
    va_end(list);
    return openat(AT_FDCWD, path, flags, mode);
}
PRS_ALIAS(open) int open64(const char *path, int flags, ...);

PRS_EXPORT int creat(const char *path, mode_t mode) { return openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
PRS_ALIAS(creat) int creat64(const char *path, mode_t mode);

int __open_2(const char *path, int flags); /* what -D_FORTIFY_SOURCE calls */
int __open64_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __openat64_2(int directory, const char *path, int flags);
PRS_EXPORT int __open_2(const char *path, int flags) { return openat(AT_FDCWD, path, flags, 0); }
PRS_EXPORT int __open64_2(const char *path, int flags) { return openat(AT_FDCWD, path, flags, 0); }
PRS_EXPORT int __openat_2(int directory, const char *path, int flags) { return openat(directory, path, flags, 0); }
PRS_EXPORT int __openat64_2(int directory, const char *path, int flags) { return openat(directory, path, flags, 0); }

static bool has(const char *mode, char flag)
{
    for (; *mode != '\0' && *mode != ','; ++mode) {
        if (*mode == flag) {
            return true;
        }
    }
    return false;
}

/* stdio opens inside libc; the same rules around it. "x" is O_EXCL. */
static FILE *open_stream(const char *path, const char *mode, FILE *stream, bool again_open)
{
    struct seen before = look(AT_FDCWD, path);
    bool regular = before.exists && S_ISREG(before.status.st_mode);
    char plain[16];
    if ((regular && mode[0] == 'w' && before.status.st_size != 0) || (!before.exists && has(mode, 'x'))) {
        if (checkpoint_first() && !before.exists && look(AT_FDCWD, path).exists) {
            size_t length = 0;
            for (const char *c = mode; *c != '\0' && length < sizeof plain - 1; ++c) {
                if (*c != 'x') {
                    plain[length++] = *c;
                }
            }
            plain[length] = '\0';
            mode = plain;
        }
    }
    if (regular && mode[0] == 'r' && has(mode, '+')) {
        prs_say("%s is updated in place through stdio; after a crash it may be newer than the checkpoint", path);
    }
    FILE *result = again_open ? NEXT(freopen)(path, mode, stream) : NEXT(fopen)(path, mode);
    if (result != NULL && (mode[0] != 'r' || has(mode, '+'))) {
        int saved = errno;
        opened(fileno(result));
        errno = saved;
    }
    return result;
}

PRS_EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
    if (!prs_active() || (mode[0] == 'r' && !has(mode, '+')) || !prs_owner()) {
        return NEXT(fopen)(path, mode);
    }
    return open_stream(path, mode, NULL, false);
}
PRS_ALIAS(fopen) FILE *fopen64(const char *restrict path, const char *restrict mode);

PRS_EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
    if (!prs_active() || path == NULL || (mode[0] == 'r' && !has(mode, '+')) || !prs_owner()) {
        return NEXT(freopen)(path, mode, stream);
    }
    return open_stream(path, mode, stream, true);
}
PRS_ALIAS(freopen) FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict stream);

/* ---- writing ---- */

/* Would `size` bytes at the present offset (at < 0), or at `at`, overwrite something? */
static bool overwrites(int fd, off_t at, size_t size)
{
    struct stat status;
    if (size == 0 || prs_sys(SYS_fstat, fd, &status) != 0 || !S_ISREG(status.st_mode)) {
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
    if (overwrites(fd, at, size)) {
        prs_checkpoint_quietly();
    }
}

PRS_EXPORT ssize_t write(int fd, const void *buffer, size_t size)
{
    if (!prs_active()) {
        return NEXT(write)(fd, buffer, size);
    }
    if (prs_owner()) {
        before_writing(fd, -1, size);
    }
    return prs_errno(prs_transfer_write(fd, buffer, size));
}

PRS_EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!prs_active()) {
        return NEXT(writev)(fd, parts, count);
    }
    if (prs_owner()) {
        before_writing(fd, -1, 1);
    }
    return prs_errno(prs_transfer_writev(fd, parts, count));
}

PRS_EXPORT ssize_t pwrite(int fd, const void *buffer, size_t size, off_t at)
{
    if (prs_owning()) {
        before_writing(fd, at, size);
    }
    return prs_errno(prs_sys(SYS_pwrite64, fd, buffer, size, at));
}
PRS_ALIAS(pwrite) ssize_t pwrite64(int fd, const void *buffer, size_t size, off64_t at);

PRS_EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    if (prs_owning()) {
        before_writing(fd, at, 1);
    }
    return prs_errno(prs_sys(SYS_pwritev, fd, parts, count, at, 0));
}
PRS_ALIAS(pwritev) ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at);

PRS_EXPORT ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
    if (prs_owning()) {
        before_writing(fd, at, 1);
    }
    return prs_errno(prs_sys(SYS_pwritev2, fd, parts, count, at, 0, flags));
}
PRS_ALIAS(pwritev2) ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t at, int flags);

PRS_EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t count)
{
    if (prs_owning()) {
        before_writing(to, -1, count);
    }
    return prs_errno(prs_sys(SYS_sendfile, to, from, offset, count));
}
PRS_ALIAS(sendfile) ssize_t sendfile64(int to, int from, off64_t *offset, size_t count);

PRS_EXPORT ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length, unsigned flags)
{
    if (prs_owning()) {
        before_writing(to, to_at != NULL ? *to_at : -1, length);
    }
    return prs_errno(prs_sys(SYS_copy_file_range, from, from_at, to, to_at, length, flags));
}

PRS_EXPORT int fallocate(int fd, int mode, off_t at, off_t length)
{
    if (mode != 0 && prs_owning()) {
        checkpoint_first();
    }
    return (int)prs_errno(prs_sys(SYS_fallocate, fd, mode, at, length));
}
PRS_ALIAS(fallocate) int fallocate64(int fd, int mode, off64_t at, off64_t length);
